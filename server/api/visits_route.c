/* Visits and calendar feeds. */
#include <stdlib.h>
#include <string.h>

#include "models/service/visit_move.h"
#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/desk/desk.h"
#include "server/visit/calendar.h"
#include "server/visit/visits.h"

static enum err show_visit(struct call *call, int64_t id)
{
    return visit_view(call->sql, call->api->options.rules, id, false, call->out);
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
    int32_t today = zone_day(call->zone, call->now_ms), from, to;
    const char *values[FILTERS_MOST], *state;
    TEXT(from_words, 16);
    TEXT(to_words, 16);
    struct page page;

    if (!call_page(call, &page) || !call_day(call, "from", today, &from) ||
        !call_day(call, "to", from + 366, &to) || !call_word(call, "state", visit_state_names, &state)) {
        return;
    }
    filter_read(call, &visits, values);
    text_addf(&from_words, "%d", from);
    text_addf(&to_words, "%d", to);
    values[BY_FROM] = from_words.at;
    values[BY_TO] = to_words.at;
    filter_list(call, &visits, values, &page, show_visit);
}

static enum err show_whole(struct call *call, struct sql *sql, int64_t id)
{
    return visit_view(sql, call->api->options.rules, id, true, call->out);
}

static int64_t version_of(struct sql *sql, int64_t id)
{
    return sql_find_int(sql, 0, "SELECT version FROM visit WHERE id = ?1", "i", id);
}

/* The row of the path; 0: it is no number. */
static int64_t row_of(const struct call *call)
{
    int64_t id;

    return text_to_int(call->parts[1], strlen(call->parts[1]), &id) || id < 1 ? 0 : id;
}

void visits_show(struct call *call)
{
    int64_t id = row_of(call);
    enum err err = id ? show_whole(call, call->sql, id) : ERR_NOT_FOUND;

    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no visit %.40s", call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else {
        call_tag(call, version_of(call->sql, id));
    }
}

static enum err do_visit(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = row_of(call);
    struct action action;
    enum err err = id && version_of(sql, id) ? act_read(call, &action, why)
                                             : text_say(why, ERR_NOT_FOUND, "no visit %.40s", call->parts[1]);

    if (!err && !visit_did(sql, id, action.action_id)) { /* the same id twice is one action */
        err = act_match(call, version_of(sql, id), why);
        err = err ? err : desk_visit_action(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    if (err) {
        return err;
    }
    call_tag(call, version_of(sql, id));
    return show_whole(call, sql, id);
}

void visits_act(struct call *call)
{
    (void)!call_write(call, do_visit);
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
        sql_find(call->sql, &rows, "SELECT kind, name FROM feed WHERE token = ?1 AND revoked_ms IS NULL", "t", token);
        if (sql_next(&rows)) {
            found = !text_copy(kind, sizeof(kind), sql_text(&rows, 0)) &&
                    !text_copy(name, sizeof(name), sql_text(&rows, 1));
        }
        (void)!sql_end(&rows);
    }
    if (!found || calendar_feed(call->sql, call->api->options.rules, kind, name, call->now_ms, &words)) {
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
    err = calendar_token(sql, kind, name, call->who, now_ms, token);
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


/* Who may see which calendar: without the token itself, which is a secret. */
static enum err show_feed(struct call *call, int64_t id)
{
    struct sql_rows rows;

    sql_find(call->sql, &rows, "SELECT kind, name, created_ms, who, revoked_ms, revoked_by FROM feed WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        json_open_object(call->out);
        json_int(call->out, "id", id);
        json_text(call->out, "kind", sql_text(&rows, 0));
        json_text(call->out, "name", sql_text(&rows, 1));
        call_time(call, "created_at", sql_int(&rows, 2));
        json_text(call->out, "created_by", sql_text(&rows, 3));
        call_time(call, "revoked_at", sql_int(&rows, 4));
        json_text(call->out, "revoked_by", sql_text(&rows, 5));
        json_close_object(call->out);
    }
    return sql_end(&rows);
}

void feeds_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    sql_find(call->sql, &rows, "SELECT id, NULL FROM feed WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
             page.limit + 1);
    call_list(call, &rows, &page, show_feed);
}

static enum err do_feed_action(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = row_of(call);
    struct action action;
    enum err err = id && sql_find_int(sql, 0, "SELECT 1 FROM feed WHERE id = ?1", "i", id)
                       ? act_read(call, &action, why)
                       : text_say(why, ERR_NOT_FOUND, "no feed %.40s", call->parts[1]);

    if (!err && strcmp(action.action, "revoke") != 0) {
        err = text_say(why, ERR_FORMAT, "action: expected revoke, found '%.40s'", action.action);
    }
    if (!err) { /* twice is once */
        err = sql_run(sql, "UPDATE feed SET revoked_ms = ?2, revoked_by = ?3 WHERE id = ?1 AND revoked_ms IS NULL", "iit", id,
                      now_ms, call->who);
    }
    call->sql = sql;
    return err ? err : show_feed(call, id);
}

void feeds_act(struct call *call)
{
    (void)!call_write(call, do_feed_action);
}
