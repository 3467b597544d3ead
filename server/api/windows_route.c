/* Windows: maintenance, planned change, guard. */
#include <string.h>

#include "server/alarm/alarm.h"
#include "server/api/act.h"
#include "server/api/filter.h"

static const char *const kinds[] = {"maintenance", "planned_change", "guard", NULL};

enum { W_OPEN, W_OVER, W_KIND, W_EQUIPMENT, W_SITE, W_AGENT };

static _Atomic(const char *) made[1 << FILTERS_MOST];
static const struct filters filters = {
    .select = "SELECT w.id, NULL FROM service_window w WHERE w.id > ?1",
    .order = "ORDER BY w.id LIMIT ?2",
    .made = made,
    .list =
        {
            [W_OPEN] = {NULL, "w.done_ms IS NULL", NULL},
            [W_OVER] = {NULL, "w.done_ms IS NOT NULL", NULL},
            [W_KIND] = {NULL, "w.kind = #", NULL},
            [W_EQUIPMENT] = {"equipment", "w.equipment = (SELECT id FROM equipment WHERE name = #)", NULL},
            [W_SITE] = {"site", "w.site = (SELECT id FROM site WHERE name = #)", NULL},
            [W_AGENT] = {"agent", "w.agent = (SELECT id FROM agent WHERE name = #)", NULL},
        },
};

static enum err show(struct call *call, int64_t id)
{
    return window_show(call->sql, id, call->now_ms, call->zone, call->out);
}

void windows_list(struct call *call)
{
    static const char *const states[] = {"open", "over", NULL};
    const char *values[FILTERS_MOST], *kind, *state;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "kind", kinds, &kind) || !call_word(call, "state", states, &state)) {
        return;
    }
    filter_read(call, &filters, values);
    values[W_KIND] = kind;
    values[W_OPEN] = text_same(state, "open") ? state : NULL;
    values[W_OVER] = text_same(state, "over") ? state : NULL;
    filter_list(call, &filters, values, &page, show);
}

static int64_t version_of(struct sql *sql, int64_t id)
{
    return sql_find_int(sql, 0, "SELECT version FROM service_window WHERE id = ?1", "i", id);
}

static int64_t find(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM service_window WHERE name = ?1", "t", name);
}

void windows_show(struct call *call)
{
    int64_t id = find(call->sql, call->parts[1]);
    enum err err = id ? show(call, id) : ERR_NOT_FOUND;

    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no window %s", call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else {
        call_tag(call, version_of(call->sql, id));
    }
}

static enum err read_instant(struct call *call, const char *name, int64_t *ret_ms, struct text *why)
{
    const char *words = json_text_or(call->body, name, NULL);

    if (!words || civil_read_instant(words, ret_ms)) {
        return text_say(why, ERR_FORMAT, "%s: expected an RFC 3339 time with offset, found '%.40s'", name,
                        words ? words : "nothing");
    }
    return ERR_OK;
}

/* One of the three; the row of what is named. */
static enum err read_subject(struct call *call, struct sql *sql, struct window_new *window, struct text *why)
{
    const char *equipment = json_text_or(call->body, "equipment", NULL);
    const char *site = json_text_or(call->body, "site", NULL), *agent = json_text_or(call->body, "agent", NULL);

    if ((equipment != NULL) + (site != NULL) + (agent != NULL) != 1) {
        return text_say(why, ERR_FORMAT, "equipment: expected one of equipment, site and agent");
    }
    if (equipment) {
        window->equipment = sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", equipment);
    } else if (site) {
        window->site = sql_find_int(sql, 0, "SELECT id FROM site WHERE name = ?1", "t", site);
    } else {
        window->agent = sql_find_int(sql, 0, "SELECT id FROM agent WHERE name = ?1", "t", agent);
    }
    return window->equipment || window->site || window->agent
               ? ERR_OK
               : text_say(why, ERR_FORMAT, "%s: expected one that is known, found '%.64s'",
                          equipment ? "equipment" : site ? "site" : "agent", equipment ? equipment : site ? site : agent);
}

static enum err read_window(struct call *call, struct sql *sql, struct window_new *window, int64_t now_ms,
                            struct text *why)
{
    const char *kind = json_text_or(call->body, "kind", NULL);
    enum err err = read_instant(call, "from", &window->from_ms, why);

    for (int i = 0; kind && kinds[i]; i++) {
        window->kind = strcmp(kinds[i], kind) == 0 ? kinds[i] : window->kind;
    }
    if (!window->kind) {
        return text_say(why, ERR_FORMAT, "kind: expected maintenance, planned_change or guard");
    }
    if (!err) {
        err = read_instant(call, "to", &window->to_ms, why);
    }
    if (!err && (window->to_ms <= window->from_ms || window->to_ms <= now_ms)) {
        return text_say(why, ERR_FORMAT, "to: expected a time after from, and ahead of now");
    }
    window->reason = json_text_or(call->body, "reason", NULL);
    if (!err && (!window->reason || !window->reason[0])) {
        return text_say(why, ERR_FORMAT, "reason: expected a text");
    }
    return err ? err : read_subject(call, sql, window, why);
}

static enum err do_post(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct window_new window = {.name = json_text_or(call->body, "id", NULL), .who = call->who};
    int64_t id = window.name ? find(sql, window.name) : 0;
    TEXT(place, 120);
    enum err err = ERR_OK;

    call->answer->status = id ? 200 : 201; /* the same id twice is one window */
    if (window.name && !text_is_id(window.name)) {
        return text_say(why, ERR_FORMAT, "id: expected 1 to 64 of A-Z a-z 0-9 _ -");
    }
    if (!id) {
        err = read_window(call, sql, &window, now_ms, why);
        if (!err) {
            err = window_create(sql, &window, now_ms, &id, why);
        }
    }
    if (err) {
        return err;
    }
    text_addf(&place, "/api/v1/windows/%s", window.name ? window.name : "");
    call_header(call, "Location", place.at);
    call_tag(call, version_of(sql, id));
    return window_show(sql, id, now_ms, call->zone, call->out);
}

void windows_post(struct call *call)
{
    (void)!call_write(call, do_post);
}

static enum err do_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = find(sql, call->parts[1]), to_ms = 0;
    struct action action;
    enum err err = id ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no window %s", call->parts[1]);

    if (!err && !(action.action_id &&
                  sql_find_int(sql, 0, "SELECT 1 FROM service_window_event WHERE service_window = ?1 AND action_id = ?2",
                               "it", id, action.action_id))) {
        err = act_match(call, version_of(sql, id), why);
        if (err) {
            return err;
        }
        if (strcmp(action.action, "end") == 0) {
            err = window_end(sql, id, call->who, action.action_id, now_ms, why);
        } else if (strcmp(action.action, "extend") == 0) {
            err = read_instant(call, "to", &to_ms, why);
            err = err ? err : window_extend(sql, id, to_ms, call->who, action.action_id, now_ms, why);
        } else {
            err = text_say(why, ERR_FORMAT, "no action called '%.40s' for windows: end or extend", action.action);
        }
    }
    if (err) {
        return err;
    }
    call_tag(call, version_of(sql, id));
    return window_show(sql, id, now_ms, call->zone, call->out);
}

void windows_act(struct call *call)
{
    (void)!call_write(call, do_act);
}
