/* What people do with a tool: calibrated, serviced, handed on, found wrong. */
#include "server/training/tool.h"

#include <string.h>

#include "models/base/civil.h"
#include "server/case/ticket.h"
#include "server/store/change.h"
#include "server/training/training_int.h"

#define DOC_MOST 16384

struct chore { /* one action on its way */
    struct office *office;
    struct sql *sql;
    const struct action *action;
    int64_t id, at_ms, now_ms;
    int32_t today;
    const char *name, *state, *calibration, *service, *certificate;
    struct text *why;
};

int64_t tool_find(struct sql *sql, const char *name)
{
    return sql_find_int(sql, -1, "SELECT id FROM tool WHERE name = ?1", "t", name);
}

bool tool_did(struct sql *sql, int64_t tool, const char *action_id)
{
    return action_id &&
           sql_find_int(sql, 0, "SELECT 1 FROM tool_event WHERE tool = ?1 AND action_id = ?2", "it", tool, action_id);
}

static const char *said(const struct chore *chore, const char *field)
{
    return json_text_or(chore->action->body, field, NULL);
}

static enum err read_day(struct chore *chore, const char *field, int32_t fallback, int32_t *ret_day)
{
    const char *words = said(chore, field);

    *ret_day = fallback;
    return !words || !civil_read_date(words, ret_day)
               ? ERR_OK
               : text_say(chore->why, ERR_FORMAT, "%s: expected a date such as 2026-11-25, found '%.40s'", field, words);
}

/* ------------------------------------------------------------------ calibration */

/* What was measured since it was last known to be right is in doubt. */
static enum err recall(struct chore *chore, int32_t since, int64_t *ret_orders)
{
    const struct zone *zone = chore->office->options.time_zone ? rules_zone(chore->office->options.rules,
                                                                            chore->office->options.time_zone)
                                                               : NULL;
    int64_t since_ms = zone_instant(zone ? zone : zone_utc(), since, 0);
    enum err err = sql_run(chore->sql,
                           "UPDATE tool_use SET recall_ms = ?2 WHERE tool = ?1 AND at_ms >= ?3 AND at_ms <= ?4 AND recall_ms IS"
                           " NULL",
                           "iiii", chore->id, chore->now_ms, since_ms, chore->now_ms);

    *ret_orders = sql_find_int(chore->sql, 0,
                               "SELECT COUNT(DISTINCT work_order) FROM tool_use WHERE tool = ?1 AND recall_ms = ?2", "ii",
                               chore->id, chore->now_ms);
    return err;
}

static enum err tell_recall(struct chore *chore, int64_t orders)
{
    TEXT(key, 120);
    TEXT(subject, 300);
    TEXT(words, 600);
    TEXT(body, 600);

    text_addf(&key, "tool:%s:recall:%lld", chore->name, (long long)chore->now_ms);
    text_addf(&subject, "Tool %s showed wrong values: %lld work orders are in doubt", chore->name, (long long)orders);
    text_addf(&words, "%s\n工具 %s 示值不可信：涉及工单 %lld 份，请复核。\n", subject.at, chore->name, (long long)orders);
    text_addf(&body, "{\"ticket\":null,\"step\":\"tool_recall\",\"tool\":\"%s\",\"orders\":%lld}", chore->name,
              (long long)orders);
    return office_tell(chore->office, chore->sql, key.at, subject.at, body.at, words.at, chore->now_ms);
}

static enum err found_wrong(struct chore *chore, int32_t since)
{
    int64_t orders = 0;
    enum err err = recall(chore, since, &orders);

    return err || !orders ? err : tell_recall(chore, orders);
}

/* Since when it is in doubt: the day that is said, else its last calibration. */
static enum err read_since(struct chore *chore, int32_t *ret_since)
{
    int32_t last = (int32_t)sql_find_int(chore->sql, 0, "SELECT calibrated_day FROM tool WHERE id = ?1", "i", chore->id);

    return read_day(chore, "since", last, ret_since);
}

/* {day?, result: passed adjusted failed, certificate, valid_to?}. As found wrong (adjusted, failed): what was measured with it
 * since the last time is recalled. */
static enum err do_calibrate(struct chore *chore)
{
    const char *result = said(chore, "result"), *certificate = said(chore, "certificate");
    bool failed = text_same(result, "failed"), adjusted = text_same(result, "adjusted");
    int32_t day = chore->today, valid = chore->today, since = chore->today;
    struct duration each = {0, DURATION_D};
    enum err err = read_day(chore, "day", chore->today, &day);

    if (!failed && !adjusted && !text_same(result, "passed")) {
        return text_say(chore->why, ERR_FORMAT, "result: expected passed, adjusted or failed, found '%.40s'", result ? result : "");
    }
    if (!err && day > chore->today) {
        return text_say(chore->why, ERR_FORMAT, "day: expected one that is not in the future");
    }
    if (!err && !failed && (!certificate || !certificate[0])) {
        return text_say(chore->why, ERR_FORMAT, "certificate: expected its number");
    }
    if (chore->calibration) {
        (void)!duration_read(chore->calibration, &each);
    }
    err = err ? err : read_day(chore, "valid_to", course_last_day(day, each), &valid);
    err = err ? err : read_since(chore, &since);
    if (!err && (failed || adjusted)) {
        err = found_wrong(chore, since);
    }
    if (err || failed) {
        return err ? err : sql_run(chore->sql, "UPDATE tool SET state = 'suspect' WHERE id = ?1", "i", chore->id);
    }
    return sql_run(chore->sql,
                   "UPDATE tool SET state = CASE WHEN state = 'suspect' THEN 'ready' ELSE state END, calibrated_day = ?2, valid_day"
                   " = NULLIF(?3, 2147483647), certificate = ?4 WHERE id = ?1 AND COALESCE(calibrated_day, 0) <= ?2",
                   "iiit", chore->id, (int64_t)day, (int64_t)valid, certificate);
}

/* {since?, note}: it shows wrong values. */
static enum err do_suspect(struct chore *chore)
{
    int32_t since;
    enum err err = read_since(chore, &since);

    if (!err && (!chore->action->note || !chore->action->note[0])) {
        return text_say(chore->why, ERR_FORMAT, "note: expected what was found");
    }
    err = err ? err : sql_run(chore->sql, "UPDATE tool SET state = 'suspect' WHERE id = ?1", "i", chore->id);
    return err ? err : found_wrong(chore, since);
}

/* {work_order, note}: what was measured was looked at again. */
static enum err do_settle(struct chore *chore)
{
    const char *order = said(chore, "work_order");
    enum err err;

    if (!chore->action->note || !chore->action->note[0]) {
        return text_say(chore->why, ERR_FORMAT, "note: expected what became of it");
    }
    err = sql_run(chore->sql,
                  "UPDATE tool_use SET settled_ms = ?3, settled_by = ?4, settled_note = ?5 WHERE tool = ?1 AND work_order = (SELECT"
                  " id FROM work_order WHERE number = ?2) AND recall_ms IS NOT NULL AND settled_ms IS NULL",
                  "ititt", chore->id, order, chore->at_ms, chore->action->who, chore->action->note);
    return err || sql_changes(chore->sql)
               ? err
               : text_say(chore->why, ERR_FORMAT, "work_order: nothing of '%.40s' is recalled and open", order ? order : "");
}

/* ------------------------------------------------------------------ upkeep and holder */

static enum err do_service(struct chore *chore)
{
    struct duration each = {0, DURATION_D};
    int32_t day;
    enum err err = read_day(chore, "day", chore->today, &day);

    if (!err && day > chore->today) {
        return text_say(chore->why, ERR_FORMAT, "day: expected one that is not in the future");
    }
    if (chore->service) {
        (void)!duration_read(chore->service, &each);
    }
    return err ? err
               : sql_run(chore->sql,
                         "UPDATE tool SET serviced_day = ?2, service_day = NULLIF(?3, 2147483647) WHERE id = ?1 AND"
                         " COALESCE(serviced_day, 0) <= ?2",
                         "iii", chore->id, (int64_t)day, (int64_t)course_next_day(day, each));
}

/* {technician} or {depot}: who has it from now on. */
static enum err do_hand(struct chore *chore)
{
    const char *technician = said(chore, "technician"), *depot = said(chore, "depot");
    int64_t person = sql_find_int(chore->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", technician);
    int64_t place = sql_find_int(chore->sql, 0, "SELECT id FROM depot WHERE name = ?1", "t", depot);

    if ((technician && !person) || (depot && !place) || (!person && !place) || (person && place)) {
        return text_say(chore->why, ERR_FORMAT, "hand needs a technician or a depot that there is, found '%.64s'",
                        technician ? technician : depot ? depot : "");
    }
    return sql_run(chore->sql, "UPDATE tool SET technician = NULLIF(?2, 0), depot = NULLIF(?3, 0) WHERE id = ?1", "iii",
                   chore->id, person, place);
}

static enum err set_state(struct chore *chore, const char *state)
{
    return sql_run(chore->sql, "UPDATE tool SET state = ?2 WHERE id = ?1", "it", chore->id, state);
}

static enum err do_repair(struct chore *chore)
{
    return set_state(chore, "repair");
}

/* After a repair it may be used again; one that was suspected waits for its calibration. */
static enum err do_back(struct chore *chore)
{
    return set_state(chore, "ready");
}

static enum err do_lose(struct chore *chore)
{
    return set_state(chore, "lost");
}

static enum err do_retire(struct chore *chore)
{
    return set_state(chore, "retired");
}

#define DESK  (1U << ROLE_DISPATCHER | 1U << ROLE_MANAGER | 1U << ROLE_ADMIN | 1U << ROLE_INTEGRATION)
#define FIELD (DESK | 1U << ROLE_TECHNICIAN)

static const struct {
    const char *action, *states; /* words between blanks */
    unsigned may;
    enum err (*run)(struct chore *chore);
} moves[] = {
    {"calibrate", " ready suspect repair ", DESK, do_calibrate},
    {"service", " ready repair suspect ", FIELD, do_service},
    {"hand", " ready repair suspect ", FIELD, do_hand},
    {"repair", " ready suspect ", FIELD, do_repair},
    {"back", " repair lost ", DESK, do_back},
    {"suspect", " ready repair lost ", FIELD, do_suspect},
    {"lose", " ready suspect repair ", FIELD, do_lose},
    {"retire", " ready suspect repair lost ", DESK, do_retire},
    {"settle", " ready suspect repair lost retired ", DESK, do_settle},
};
#define MOVES (sizeof(moves) / sizeof(moves[0]))

static enum err refuse(const struct chore *chore, bool known)
{
    TEXT(words, 40);
    TEXT(legal, 200);

    text_addf(&words, " %s ", chore->state);
    for (size_t i = 0; i < MOVES; i++) {
        if (!known || strstr(moves[i].states, words.at)) {
            text_addf(&legal, " %s", moves[i].action);
        }
    }
    return known ? text_say(chore->why, ERR_STATE, "a tool that is %s cannot %.40s. Legal:%s", chore->state, chore->action->action,
                            legal.at)
                 : text_say(chore->why, ERR_FORMAT, "action: a tool has none called '%.40s'. Legal:%s", chore->action->action,
                            legal.at);
}

static enum err load(struct chore *chore)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(chore->sql, &rows, "SELECT name, state, calibration, service, certificate FROM tool WHERE id = ?1", "i", chore->id);
    found = sql_next(&rows);
    if (found) {
        chore->name = training_keep(chore->office, sql_text(&rows, 0));
        chore->state = training_keep(chore->office, sql_text(&rows, 1));
        chore->calibration = training_keep(chore->office, sql_text(&rows, 2));
        chore->service = training_keep(chore->office, sql_text(&rows, 3));
        chore->certificate = training_keep(chore->office, sql_text(&rows, 4));
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

/* ------------------------------------------------------------------ written down */

static void put_day(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    char words[11];

    if (!sql_null(rows, column)) {
        civil_write_date((int32_t)sql_int(rows, column), words);
        json_text(out, name, words);
    }
}

static void put_word(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    if (!sql_null(rows, column)) {
        json_text(out, name, sql_text(rows, column));
    }
}

/* The form of the fleet file, as it is now: what an export gives. */
static enum err write_now(struct chore *chore)
{
    static const char *const names[] = {"id", "title", "class", "serial", "technician", "depot", "state", "calibration", "certificate",
                                        "service"};
    struct json_out out = json_out(DOC_MOST);
    struct sql_rows rows;
    enum err err;

    json_open_object(&out);
    sql_find(chore->sql, &rows,
             "SELECT t.name, t.title, t.class, t.serial, h.name, d.name, t.state, t.calibration, t.certificate, t.service,"
             " t.calibrated_day, t.valid_day, t.serviced_day, t.service_day, t.warn_days FROM tool t LEFT JOIN technician h ON"
             " h.id = t.technician LEFT JOIN depot d ON d.id = t.depot WHERE t.id = ?1",
             "i", chore->id);
    if (sql_next(&rows)) {
        TEXT(warn, 24);

        for (int i = 0; i < 10; i++) {
            put_word(&out, names[i], &rows, i);
        }
        put_day(&out, "calibrated", &rows, 10);
        put_day(&out, "valid_to", &rows, 11);
        put_day(&out, "serviced", &rows, 12);
        text_addf(&warn, "%lld", (long long)sql_int(&rows, 14));
        json_text(&out, "warn", warn.at);
    }
    err = sql_end(&rows);
    json_close_object(&out);
    err = err ? err : out.err;
    err = err ? err
              : sql_run(chore->sql, "UPDATE tool SET as_now = ?2, version = version + 1 WHERE id = ?1", "it", chore->id, out.bytes);
    json_out_free(&out);
    return err;
}

static enum err write_event(struct chore *chore)
{
    struct json_out out = json_out(DOC_MOST);
    enum err err;

    json_put_value(&out, chore->action->body);
    err = out.err ? text_say(chore->why, ERR_FORMAT, "expected at most %d bytes", DOC_MOST)
                  : sql_run(chore->sql,
                            "INSERT INTO tool_event (tool, at_ms, stored_ms, who, action, action_id, note, data) VALUES (?1, ?2,"
                            " ?3, ?4, ?5, ?6, ?7, ?8)",
                            "iiittttt", chore->id, chore->at_ms, chore->now_ms, chore->action->who, chore->action->action,
                            chore->action->action_id, chore->action->note, out.bytes);
    json_out_free(&out);
    return err;
}

enum err tool_act(struct office *office, struct sql *sql, int64_t tool, const struct action *action, int64_t now_ms,
                  struct text *why)
{
    struct chore chore = {.office = office, .sql = sql, .action = action, .id = tool, .now_ms = now_ms, .why = why};
    const struct zone *zone = office->options.time_zone ? rules_zone(office->options.rules, office->options.time_zone) : NULL;
    TEXT(state, 40);
    TEXT(body, 200);
    enum err err = load(&chore);

    if (err || tool_did(sql, tool, action->action_id)) {
        return err;
    }
    chore.today = zone_day(zone ? zone : zone_utc(), now_ms);
    text_addf(&state, " %s ", chore.state);
    err = action_time(action->at_ms, 0, now_ms, &chore.at_ms, why);
    for (size_t i = 0; !err && i < MOVES; i++) {
        if (!text_same(moves[i].action, action->action)) {
            continue;
        }
        if (!(moves[i].may >> action->role & 1)) {
            return text_say(why, ERR_FORBIDDEN, "this role may not %s a tool", moves[i].action);
        }
        err = strstr(moves[i].states, state.at) ? moves[i].run(&chore) : refuse(&chore, true);
        err = err ? err : write_event(&chore);
        err = err ? err : write_now(&chore);
        text_addf(&body, "{\"tool\":\"%s\"}", chore.name);
        return err ? err : change_put(sql, now_ms, "tool", body.at);
    }
    return err ? err : refuse(&chore, false);
}
