/* Work orders and predictions. */
#include <stdlib.h>
#include <string.h>

#include "models/service/work.h"
#include "server/api/act.h"
#include "server/api/filter.h"

static enum err show_order(struct call *call, int64_t id)
{
    return view_work_order(call->sql, call->api->options.rules, id, call->out);
}

enum { BY_OPEN, BY_STATE, BY_TICKET, BY_TEAM, BY_TECHNICIAN, BY_KIND, BY_EQUIPMENT, BY_SITE };

static _Atomic(const char *) orders_made[1 << FILTERS_MOST];
static const struct filters orders = {
    .select = "SELECT w.id, NULL FROM work_order w WHERE w.id > ?1",
    .order = "ORDER BY w.id LIMIT ?2",
    .made = orders_made,
    .list =
        {
            [BY_OPEN] = {NULL, "w.state NOT IN ('done', 'verified', 'closed', 'cancelled')", NULL},
            [BY_STATE] = {NULL, "w.state = #", "w.state || '' = #"},
            [BY_TICKET] = {"ticket", "w.ticket = (SELECT id FROM ticket WHERE number = #)",
                "w.ticket + 0 = (SELECT id FROM ticket WHERE number = #)"},
            [BY_TEAM] = {"team", "w.team = (SELECT id FROM team WHERE name = #)",
                "w.team + 0 = (SELECT id FROM team WHERE name = #)"},
            [BY_TECHNICIAN] = {"technician", "w.technician = (SELECT id FROM technician WHERE name = #)",
                "w.technician + 0 = (SELECT id FROM technician WHERE name = #)"},
            [BY_KIND] = {"kind", "w.kind = #", "w.kind || '' = #"},
            [BY_EQUIPMENT] = {"equipment", "w.equipment = (SELECT id FROM equipment WHERE name = #)",
                "w.equipment + 0 = (SELECT id FROM equipment WHERE name = #)"},
            [BY_SITE] = {"site", "w.site = (SELECT id FROM site WHERE name = #)",
                "w.site + 0 = (SELECT id FROM site WHERE name = #)"},
        },
};

void work_list(struct call *call)
{
    static const char *const states[] = {"open",     "proposed",  "dispatched", "assigned",
                                         "accepted", "refused",   "travelling", "on_site",
                                         "working",  "testing",   "done",       "verified",
                                         "closed",   "cancelled", NULL};
    const char *values[FILTERS_MOST], *state;
    struct page page;
    int known;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state)) {
        return;
    }
    filter_read(call, &orders, values);
    known = work_state_read(state);
    values[BY_OPEN] = known >= 0 && work_is_over((enum work_state)known) ? NULL : state;
    values[BY_STATE] = text_same(state, "open") ? NULL : state;
    filter_list(call, &orders, values, &page, show_order);
}

static int64_t version_of(struct sql *sql, int64_t order)
{
    return sql_find_int(sql, 0, "SELECT version FROM work_order WHERE id = ?1", "i", order);
}

void work_show(struct call *call)
{
    int64_t id = view_find_work_order(call->sql, call->parts[1]);
    enum err err = id < 0 ? ERR_NOT_FOUND : show_order(call, id);

    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no work order %s", call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else {
        call_tag(call, version_of(call->sql, id));
    }
}

static enum err do_action(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = view_find_work_order(sql, call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no work order %s", call->parts[1])
                          : act_read(call, &action, why);

    if (!err && !desk_work_did(sql, id, action.action_id)) {
        err = act_match(call, version_of(sql, id), why);
        if (!err) {
            err = desk_work_action(call->api->options.desk, sql, id, &action, now_ms, why);
        }
    }
    if (err) {
        return err;
    }
    call_tag(call, version_of(sql, id));
    return view_work_order(sql, call->api->options.rules, id, call->out);
}

void work_act(struct call *call)
{
    (void)!call_write(call, do_action);
}

/* ------------------------------------------------------------------ asked for by people */

static enum err do_ask(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0, before = sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order", "");
    TEXT(place, 80);
    struct sql_rows rows;
    enum err err = act_read(call, &action, why);

    if (!err) {
        err = desk_work_ask(call->api->options.desk, sql, &action, now_ms, &id, why);
    }
    if (err) {
        return err;
    }
    call->answer->status = id > before ? 201 : 200;
    sql_find(sql, &rows, "SELECT number FROM work_order WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        text_addf(&place, "/api/v1/work-orders/%s", sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    call_header(call, "Location", place.at);
    call_tag(call, version_of(sql, id));
    return err ? err : view_work_order(sql, call->api->options.rules, id, call->out);
}

void work_post(struct call *call)
{
    (void)!call_write(call, do_ask);
}

/* ------------------------------------------------------------------ the queue of a phone that was offline */

#define BATCH_MOST 500

/* What became of one; 409: send it again with the next, 422: never. */
static int status_of(enum err err)
{
    switch (err) {
    case ERR_OK:
        return 200;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_STATE:
        return 409;
    case ERR_FORBIDDEN:
        return 403;
    case ERR_FULL:
        return 413;
    default:
        return 422;
    }
}

static void put_outcome(struct call *call, struct sql *sql, const struct cJSON *item, int64_t order, enum err err,
                        bool repeated, const char *why)
{
    struct sql_rows rows;

    json_open_object(call->out);
    json_text(call->out, "work_order", json_text_or(item, "work_order", NULL));
    json_text(call->out, "id", json_text_or(item, "id", NULL));
    json_text(call->out, "action", json_text_or(item, "action", NULL));
    json_int(call->out, "status", status_of(err));
    json_bool(call->out, "repeated", repeated);
    sql_find(sql, &rows, "SELECT state, version FROM work_order WHERE id = ?1", "i", order);
    if (sql_next(&rows)) {
        json_text(call->out, "state", sql_text(&rows, 0));
        json_int(call->out, "version", sql_int(&rows, 1));
    }
    (void)!sql_end(&rows);
    json_text(call->out, "detail", err ? why : NULL);
    json_close_object(call->out);
}

static enum err do_one(struct call *call, struct sql *sql, const struct cJSON *item, int64_t sent_ms, int64_t now_ms,
                       struct text *why)
{
    int64_t order = view_find_work_order(sql, json_text_or(item, "work_order", ""));
    struct action action;
    enum err err = order < 0 ? text_say(why, ERR_NOT_FOUND, "work_order: there is none called '%.40s'",
                                        json_text_or(item, "work_order", ""))
                             : act_read_from(call, item, &action, why);
    bool repeated = false;

    if (!err && !action.action_id) {
        err = text_say(why, ERR_FORMAT, "id: an action of a queue needs one");
    }
    if (!err) {
        repeated = desk_work_did(sql, order, action.action_id);
        action.sent_ms = action.sent_ms ? action.sent_ms : sent_ms;
        err = sql_save(sql);
    }
    if (!err) {
        err = desk_work_action(call->api->options.desk, sql, order, &action, now_ms, why);
        if (err && sql_is_broken(sql)) {
            return err;
        }
        if (err) {
            sql_undo(sql);
        } else {
            sql_release(sql);
        }
    }
    put_outcome(call, sql, item, order, err, repeated, why->at);
    return ERR_OK;
}

/* Each is judged alone, in the order of the list. */
static enum err do_batch(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const struct cJSON *list = json_field(call->body, "actions");
    const char *sent = json_text_or(call->body, "sent_at", NULL);
    int64_t sent_ms = 0;
    enum err err = ERR_OK;

    if (!json_is_list(list) || json_size(list) > BATCH_MOST) {
        return text_say(why, ERR_FORMAT, "actions: expected a list of at most %d", BATCH_MOST);
    }
    if (sent && civil_read_instant(sent, &sent_ms)) {
        return text_say(why, ERR_FORMAT, "sent_at: expected an RFC 3339 time with offset, found '%.40s'", sent);
    }
    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (const struct cJSON *item = json_first(list); !err && item; item = json_next(item)) {
        text_clear(why);
        err = do_one(call, sql, item, sent_ms, now_ms, why);
    }
    json_close_list(call->out);
    json_close_object(call->out);
    return err;
}

void work_batch(struct call *call)
{
    (void)!call_write(call, do_batch);
}

/* ------------------------------------------------------------------ predictions */

/* Trends need the diagnosis that later versions bring; until then each asset says why it has none. */
static enum err show_prediction(struct call *call, int64_t id)
{
    static const char *const unknown[] = {"component", "trend", "threshold",  "from",
                                          "to",        "confidence", "evidence"};
    struct sql_rows rows;

    sql_find(call->sql, &rows, "SELECT name, profile FROM equipment WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        json_open_object(call->out);
        json_text(call->out, "equipment", sql_text(&rows, 0));
        json_text(call->out, "model", sql_text(&rows, 1));
        for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
            json_null(call->out, unknown[i]);
        }
        json_text(call->out, "reason", "this version computes no trends");
        json_close_object(call->out);
    }
    return sql_end(&rows);
}

void predictions_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    sql_find(call->sql, &rows,
             "SELECT id, NULL FROM equipment WHERE id > ?1 AND (?2 IS NULL OR name = ?2) ORDER BY id"
             " LIMIT ?3",
             "iti", page.after, http_query(call->request, "equipment"), page.limit + 1);
    call_list(call, &rows, &page, show_prediction);
}
