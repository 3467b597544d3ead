/* Alarms and windows: lists, one, what people do with them. */
#include <string.h>

#include "models/base/duration.h"
#include "server/alarm/alarm.h"
#include "server/api/act.h"
#include "server/api/filter.h"

/* The state as alarm_state_of derives it, said in SQL for narrowing a list down. */
#define SHELF(kind)                                                                                                  \
    "EXISTS (SELECT 1 FROM shelf f WHERE f.equipment = m.equipment AND f.fault = m.fault AND f.kind = '" kind "' AND"  \
    " f.ended_ms IS NULL)"
#define STATE                                                                                                        \
    "(CASE WHEN m.cleared_ms IS NOT NULL THEN CASE WHEN m.acked_ms IS NULL THEN 'RTNUN' ELSE 'NORM' END WHEN "         \
    SHELF("out_of_service") " THEN 'OOSRV' WHEN " SHELF("suppressed") " OR COALESCE(m.reason, '') = 'design' OR EXISTS" \
    " (SELECT 1 FROM equipment e LEFT JOIN agent a ON a.id = e.agent WHERE e.id = m.equipment AND (a.silent_since_ms"  \
    " IS NOT NULL OR EXISTS (SELECT 1 FROM service_window w WHERE w.kind <> 'guard' AND w.begun_ms IS NOT NULL AND"    \
    " w.done_ms IS NULL AND (w.equipment = e.id OR w.site = e.site OR w.agent = e.agent)))) THEN 'DSUPR' WHEN "        \
    SHELF("shelved") " THEN 'SHLVD' WHEN m.acked_ms IS NOT NULL THEN 'ACKED' ELSE 'UNACK' END)"

enum { BY_ACTIVE, BY_UNSEEN, BY_STATE, BY_GRADE, BY_EQUIPMENT, BY_FAULT, BY_ANNOUNCED, BY_GONE };

static _Atomic(const char *) made[1 << FILTERS_MOST];
static const struct filters filters = {
    .select = "SELECT m.id, NULL FROM alarm m WHERE m.id > ?1",
    .order = "ORDER BY m.id LIMIT ?2",
    .made = made,
    .list =
        {
            [BY_ACTIVE] = {NULL, "m.cleared_ms IS NULL", NULL},
            [BY_UNSEEN] = {NULL, "m.acked_ms IS NULL AND m.cleared_ms IS NOT NULL", NULL},
            [BY_STATE] = {NULL, STATE " = #", NULL},
            [BY_GRADE] = {"grade", "m.grade = CAST(# AS INTEGER)", "m.grade + 0 = CAST(# AS INTEGER)"},
            [BY_EQUIPMENT] = {"equipment", "m.equipment = (SELECT id FROM equipment WHERE name = #)",
                "m.equipment + 0 = (SELECT id FROM equipment WHERE name = #)"},
            [BY_FAULT] = {"fault", "m.fault = #", "m.fault || '' = #"},
            [BY_ANNOUNCED] = {NULL, "(CASE WHEN m.announced_ms IS NULL THEN 'false' ELSE 'true' END) = #", NULL},
            [BY_GONE] = {NULL, "m.cleared_ms IS NOT NULL", NULL},
        },
};

static enum err show_alarm(struct call *call, int64_t id)
{
    return alarm_show(call->sql, call->api->options.rules, id, call->now_ms, call->zone, false, call->out);
}

void alarms_list(struct call *call)
{
    static const char *const bools[] = {"true", "false", NULL};
    const char *values[FILTERS_MOST], *state, *active, *announced;
    struct page page;
    int64_t grade;

    if (!call_page(call, &page) || !call_word(call, "state", alarm_state_names, &state) ||
        !call_word(call, "active", bools, &active) || !call_word(call, "announced", bools, &announced) ||
        !call_number(call, "grade", 1, 3, 0, &grade)) {
        return;
    }
    filter_read(call, &filters, values);
    values[BY_STATE] = state;
    values[BY_ANNOUNCED] = announced;
    values[BY_UNSEEN] = text_same(state, "RTNUN") ? state : NULL;
    values[BY_GONE] = text_same(active, "false") || text_same(state, "NORM") ? "1" : NULL;
    values[BY_ACTIVE] =
        text_same(active, "true") || (state && !text_same(state, "RTNUN") && !text_same(state, "NORM")) ? "1" : NULL;
    filter_list(call, &filters, values, &page, show_alarm);
}

/* The alarm in the path; 0: none. */
static int64_t alarm_in_path(struct call *call, struct sql *sql)
{
    double number = 0;
    const char *words = call->parts[1];

    if (text_to_number(words, strlen(words), &number) || number < 1 || number > 9e15) {
        return 0;
    }
    return sql_find_int(sql, 0, "SELECT id FROM alarm WHERE id = ?1", "i", (int64_t)number);
}

static void answer(struct call *call, enum err err, const char *what)
{
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no %s %s", what, call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

void alarms_show(struct call *call)
{
    int64_t id = alarm_in_path(call, call->sql);

    answer(call, id ? alarm_show(call->sql, call->api->options.rules, id, call->now_ms, call->zone, true, call->out)
                    : ERR_NOT_FOUND, "alarm");
}

static bool is_one_of(const char *const *words, const char *word)
{
    for (; word && *words; words++) {
        if (strcmp(*words, word) == 0) {
            return true;
        }
    }
    return false;
}

/* A time of the request: an instant under `name`, or an exact duration from now under `for`. 0: neither. */
static enum err read_until(struct call *call, const char *name, int64_t now_ms, int64_t *ret_ms, struct text *why)
{
    const char *instant = json_text_or(call->body, name, NULL), *span = json_text_or(call->body, "for", NULL);
    struct duration duration;
    int64_t ms = 0;

    *ret_ms = 0;
    if (instant && civil_read_instant(instant, ret_ms)) {
        return text_say(why, ERR_FORMAT, "%s: expected an RFC 3339 time with offset, found '%.40s'", name, instant);
    }
    if (span && (duration_read(span, &duration) || duration_ms(duration, &ms) || ms <= 0)) {
        return text_say(why, ERR_FORMAT, "for: expected a duration such as 4h, found '%.40s'", span);
    }
    *ret_ms = span ? now_ms + ms : *ret_ms;
    return *ret_ms && *ret_ms <= now_ms ? text_say(why, ERR_FORMAT, "%s: expected a time ahead of now", name) : ERR_OK;
}

static void list_reasons(struct text *why)
{
    text_add(why, "reason: expected one of");
    for (const char *const *word = alarm_reasons; *word; word++) {
        text_addf(why, " %s", *word);
    }
}

/* What putting aside needs: a coded reason; shelving an end, and none too far away. */
static enum err read_aside(struct call *call, struct alarm_do *what, int64_t now_ms, struct text *why)
{
    const struct plan *plan = rules_plan(call->api->options.rules, call->api->options.preset_plan);
    int64_t most_ms = plan ? plan->alarms.shelve_most_ms : alarm_rules_usual.shelve_most_ms;
    enum err err = ERR_OK;

    if (what->action != ALARM_SHELVE && what->action != ALARM_SUPPRESS && what->action != ALARM_OUT_OF_SERVICE) {
        return ERR_OK;
    }
    what->reason = json_text_or(call->body, "reason", NULL);
    if (!is_one_of(alarm_reasons, what->reason)) {
        list_reasons(why);
        return ERR_FORMAT;
    }
    if (what->action == ALARM_OUT_OF_SERVICE) {
        return ERR_OK;
    }
    err = read_until(call, "until", now_ms, &what->until_ms, why);
    if (!err && what->action == ALARM_SHELVE && !what->until_ms) {
        return text_say(why, ERR_FORMAT, "until: expected a time, or a duration in for; a shelving ends by itself");
    }
    if (!err && what->action == ALARM_SHELVE && what->until_ms > now_ms + most_ms) {
        return text_say(why, ERR_FORMAT, "until: expected a time within %lld h (shelve_most of the plan)",
                        (long long)(most_ms / 3600000));
    }
    return err;
}

static const struct profile *profile_of_alarm(struct call *call, struct sql *sql, int64_t id)
{
    const struct profile *profile = NULL;
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT e.profile FROM alarm m JOIN equipment e ON e.id = m.equipment WHERE m.id = ?1", "i", id);
    if (sql_next(&rows) && !sql_null(&rows, 0)) {
        profile = rules_profile(call->api->options.rules, sql_text(&rows, 0));
    }
    return sql_end(&rows) ? NULL : profile;
}

static enum err do_alarm(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = alarm_in_path(call, sql);
    struct alarm_do what = {.who = call->who, .role = call->role};
    struct action action;
    int kind;
    enum err err = id ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no alarm %s", call->parts[1]);

    if (err) {
        return err;
    }
    kind = alarm_action_read(action.action);
    if (kind < 0) {
        TEXT(all, 200);

        for (int i = 0; i < ALARM_ACTIONS; i++) {
            text_addf(&all, " %s", alarm_row((enum alarm_action)i)->name);
        }
        return text_say(why, ERR_FORMAT, "action: expected one of%s, found '%.40s'", all.at, action.action);
    }
    what.action = (enum alarm_action)kind;
    what.action_id = action.action_id;
    what.note = action.note;
    if (!action.action_id || !sql_find_int(sql, 0, "SELECT 1 FROM alarm_event WHERE alarm = ?1 AND action_id = ?2", "it", id,
                                           action.action_id)) {
        err = read_aside(call, &what, now_ms, why);
        if (!err) {
            err = alarm_do(sql, profile_of_alarm(call, sql, id), id, &what, now_ms, why);
        }
    }
    return err ? err : alarm_show(sql, call->api->options.rules, id, now_ms, call->zone, true, call->out);
}

void alarms_act(struct call *call)
{
    (void)!call_write(call, do_alarm);
}
