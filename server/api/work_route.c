/* Work orders, visits, calendar feeds and predictions. */
#include <stdlib.h>
#include <string.h>

#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/field/calendar.h"

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
            [BY_OPEN] = {NULL, "w.state NOT IN ('done', 'cancelled')", NULL},
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
                                         "working",  "done",      "cancelled",  NULL};
    const char *values[FILTERS_MOST], *state;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state)) {
        return;
    }
    filter_read(call, &orders, values);
    values[BY_OPEN] = text_same(state, "done") || text_same(state, "cancelled") ? NULL : state;
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

/* ------------------------------------------------------------------ visits */

static enum err show_visit(struct call *call, int64_t id)
{
    return view_visit(call->sql, id, call->out);
}

/* By due date; the cursor is the last one's date and row. */
enum { BY_FROM, BY_TO, BY_VISITED, BY_PLACE, BY_STAGE };

static _Atomic(const char *) visits_made[1 << FILTERS_MOST];
static const struct filters visits = {
    .select = "SELECT v.id, v.due_day FROM visit v WHERE (v.due_day > ?1 OR (v.due_day = ?1 AND v.id > ?3))",
    .order = "ORDER BY v.due_day, v.id LIMIT ?2",
    .made = visits_made,
    .list =
        {
            [BY_FROM] = {NULL, "v.due_day >= CAST(# AS INTEGER)", NULL},
            [BY_TO] = {NULL, "v.due_day <= CAST(# AS INTEGER)", NULL},
            [BY_VISITED] = {"equipment", "v.equipment = (SELECT id FROM equipment WHERE name = #)", NULL},
            [BY_PLACE] = {"site", "v.equipment IN (SELECT e.id FROM equipment e JOIN site s ON s.id = e.site"
                                  " WHERE s.name = #)", NULL},
            [BY_STAGE] = {"state", "v.state = #", NULL},
        },
};

void visits_list(struct call *call)
{
    static const char *const states[] = {"planned", "released", "done", "skipped", NULL};
    int32_t today = zone_day(call->zone, call->now_ms), from, to;
    const char *values[FILTERS_MOST], *state;
    TEXT(from_words, 16);
    TEXT(to_words, 16);
    struct page page;

    if (!call_page(call, &page) || !call_day(call, "from", today, &from) ||
        !call_day(call, "to", from + 366, &to) || !call_word(call, "state", states, &state)) {
        return;
    }
    filter_read(call, &visits, values);
    text_addf(&from_words, "%d", from);
    text_addf(&to_words, "%d", to);
    values[BY_FROM] = from_words.at;
    values[BY_TO] = to_words.at;
    filter_list(call, &visits, values, &page, show_visit);
}

/* ------------------------------------------------------------------ calendar feeds */

void feeds_show(struct call *call)
{
    char token[80] = "", kind[16] = "", name[65] = "", *words = NULL;
    size_t size = strlen(call->parts[1]) - strlen(".ics");
    struct sql_rows rows;
    bool found = false;

    if (size < sizeof(token)) {
        memcpy(token, call->parts[1], size);
        sql_find(call->sql, &rows, "SELECT kind, name FROM feed WHERE token = ?1", "t", token);
        if (sql_next(&rows)) {
            found = !text_copy(kind, sizeof(kind), sql_text(&rows, 0)) &&
                    !text_copy(name, sizeof(name), sql_text(&rows, 1));
        }
        (void)!sql_end(&rows);
    }
    if (!found || calendar_feed(call->sql, kind, name, call->now_ms, &words)) {
        call_problem(call, 404, "Not found", "no such calendar");
        return;
    }
    call->answer->type = "text/calendar; charset=utf-8";
    json_put_raw(call->out, words, strlen(words));
    free(words);
}

/* The row that a feed is about: technician, team or site. */
static int64_t feed_row(struct sql *sql, const char *kind, const char *name)
{
    return strcmp(kind, "technician") == 0
               ? sql_find_int(sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name)
           : strcmp(kind, "team") == 0
               ? sql_find_int(sql, 0, "SELECT id FROM team WHERE name = ?1", "t", name)
           : strcmp(kind, "site") == 0
               ? sql_find_int(sql, 0, "SELECT id FROM site WHERE name = ?1", "t", name)
               : -1;
}

static enum err do_feed(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *kind = json_text_or(call->body, "kind", "");
    const char *name = json_text_or(call->body, "name", "");
    int64_t row = feed_row(sql, kind, name);
    char token[40];
    TEXT(url, 128);
    enum err err;

    if (row < 0) {
        return text_say(why, ERR_FORMAT, "kind: expected technician, team or site");
    }
    if (row == 0) {
        return text_say(why, ERR_FORMAT, "name: there is no %s called '%.64s'", kind, name);
    }
    err = calendar_token(sql, kind, name, now_ms, token);
    text_addf(&url, "/api/v1/calendars/%s.ics", token);
    json_open_object(call->out);
    json_text(call->out, "token", token);
    json_text(call->out, "url", url.at);
    json_close_object(call->out);
    return err;
}

void feeds_post(struct call *call)
{
    (void)!call_write(call, do_feed);
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
