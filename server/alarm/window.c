/*
 * Windows: maintenance and planned change keep alarms from people while they stand, guard keeps nothing small from
 * them. Both ends are instants, so that neither midnight nor a change of the clocks is an edge of its own.
 */
#include <string.h>

#include "models/base/zone.h"
#include "server/alarm/alarm.h"
#include "server/fleet/numbers.h"
#include "server/store/change.h"

bool window_over(struct sql *sql, int64_t equipment, const char *kind, int64_t now_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM service_window w JOIN equipment e ON e.id = ?1 WHERE w.done_ms IS NULL AND w.kind ="
                        " ?2 AND w.from_ms <= ?3 AND w.to_ms > ?3 AND (w.equipment = e.id OR w.site = e.site OR w.agent ="
                        " e.agent) LIMIT 1",
                        "iti", equipment, kind, now_ms) != 0;
}

enum err window_find(struct sql *sql, int64_t equipment, int64_t site, const char *kind, int64_t from_ms, int64_t to_ms,
                     bool *ret_found, struct window_seen *ret_window)
{
    struct text reason = text_on(ret_window->reason, sizeof(ret_window->reason));
    struct sql_rows rows;
    enum err err = ERR_OK;

    sql_find(sql, &rows,
             "SELECT w.name, w.reason FROM equipment e JOIN service_window w ON w.equipment = e.id OR w.site = e.site OR"
             " w.agent = e.agent WHERE (e.id = ?1 OR (?1 = 0 AND e.site = ?2)) AND w.kind = ?3 AND w.done_ms IS NULL AND"
             " w.from_ms <= ?5 AND w.to_ms > ?4 ORDER BY w.from_ms, w.id LIMIT 1",
             "iitii", equipment, site, kind, from_ms, to_ms);
    *ret_found = sql_next(&rows);
    if (*ret_found) {
        err = text_copy(ret_window->name, sizeof(ret_window->name), sql_text(&rows, 0));
        text_addf(&reason, "%.300s", sql_text(&rows, 1) ? sql_text(&rows, 1) : "");
    }
    enum err end = sql_end(&rows);

    return err ? err : end;
}

static enum err say_change(struct sql *sql, int64_t window, int64_t now_ms)
{
    struct json_out out = json_out(64 * 1024);
    enum err err = window_show(sql, window, now_ms, zone_utc(), &out);

    if (!err) {
        err = change_put(sql, now_ms, "window", out.bytes);
    }
    json_out_free(&out);
    return err;
}

static enum err write_line(struct sql *sql, int64_t window, const char *who, const char *action, const char *action_id,
                           int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO service_window_event (service_window, at_ms, who, action, action_id) VALUES (?1, ?2, ?3,"
                   " ?4, ?5)",
                   "iittt", window, now_ms, who, action, action_id);
}

/* Another one of the kind that holds some of the same equipment at some of the same time; except: itself. */
static enum err find_overlap(struct sql *sql, const struct window_new *window, int64_t except, struct text *why)
{
    struct sql_rows rows;
    TEXT(other, 160);
    enum err err;

    sql_find(sql, &rows,
             "SELECT w.name, e.name FROM equipment e JOIN service_window w ON w.equipment = e.id OR w.site = e.site OR"
             " w.agent = e.agent WHERE (e.id = ?1 OR e.site = ?2 OR e.agent = ?3) AND w.kind = ?4 AND w.done_ms IS NULL AND"
             " w.from_ms < ?6 AND w.to_ms > ?5 AND w.id <> ?7 LIMIT 1",
             "iiitiii", window->equipment, window->site, window->agent, window->kind, window->from_ms, window->to_ms,
             except);
    if (sql_next(&rows)) {
        text_addf(&other, "%s holds %s", sql_text(&rows, 0), sql_text(&rows, 1));
    }
    err = sql_end(&rows);
    return err          ? err
           : other.length ? text_say(why, ERR_STATE, "%s at that time already. Legal: end or extend that window, another time",
                                     other.at)
                          : ERR_OK;
}

enum err window_create(struct sql *sql, const struct window_new *window, int64_t now_ms, int64_t *ret_id,
                       struct text *why)
{
    char number[32];
    enum err err = find_overlap(sql, window, 0, why);

    if (err) {
        return err;
    }
    numbers_make('G', number, sizeof(number));
    err = sql_run(sql,
                  "INSERT INTO service_window (name, kind, from_ms, to_ms, equipment, site, agent, reason, who, created_ms)"
                  " VALUES (?1, ?2, ?3, ?4, NULLIF(?5, 0), NULLIF(?6, 0), NULLIF(?7, 0), ?8, ?9, ?10)",
                  "ttiiiiitti", window->name ? window->name : number, window->kind, window->from_ms, window->to_ms,
                  window->equipment, window->site, window->agent, window->reason, window->who, now_ms);
    if (err) {
        return err;
    }
    *ret_id = sql_last_id(sql);
    err = write_line(sql, *ret_id, window->who, "create", NULL, now_ms);
    return err ? err : say_change(sql, *ret_id, now_ms);
}

struct standing { /* a window that somebody wants to change */
    struct window_new window;
    char kind[20];
    bool done;
};

static enum err load(struct sql *sql, int64_t id, struct standing *ret)
{
    struct standing standing = {.done = false};
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows, "SELECT kind, from_ms, to_ms, equipment, site, agent, done_ms FROM service_window WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        (void)!text_copy(standing.kind, sizeof(standing.kind), sql_text(&rows, 0));
        standing.window.from_ms = sql_int(&rows, 1);
        standing.window.to_ms = sql_int(&rows, 2);
        standing.window.equipment = sql_int(&rows, 3);
        standing.window.site = sql_int(&rows, 4);
        standing.window.agent = sql_int(&rows, 5);
        standing.done = !sql_null(&rows, 6);
    }
    err = sql_end(&rows);
    if (!err && found) {
        *ret = standing;
        ret->window.kind = ret->kind;
    }
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err window_end(struct sql *sql, int64_t id, const char *who, const char *action_id, int64_t now_ms,
                    struct text *why)
{
    struct standing standing;
    enum err err = load(sql, id, &standing);

    if (err) {
        return err;
    }
    if (standing.done || standing.window.to_ms <= now_ms) {
        return text_say(why, ERR_STATE, "the window is over. Legal: nothing");
    }
    /* one that had not begun never stands: to_ms stays, as the record of what was planned */
    err = sql_run(sql,
                  "UPDATE service_window SET to_ms = CASE WHEN from_ms < ?2 THEN ?2 ELSE to_ms END, ended_ms = ?2, ended_by"
                  " = ?3, done_ms = CASE WHEN from_ms < ?2 THEN NULL ELSE ?2 END, version = version + 1 WHERE id = ?1",
                  "iit", id, now_ms, who);
    if (!err) {
        err = write_line(sql, id, who, "end", action_id, now_ms);
    }
    return err ? err : say_change(sql, id, now_ms);
}

enum err window_extend(struct sql *sql, int64_t id, int64_t to_ms, const char *who, const char *action_id,
                       int64_t now_ms, struct text *why)
{
    struct standing standing;
    enum err err = load(sql, id, &standing);

    if (err) {
        return err;
    }
    if (standing.done || standing.window.to_ms <= now_ms) {
        return text_say(why, ERR_STATE, "the window is over. Legal: nothing; a new window");
    }
    if (to_ms <= standing.window.to_ms) {
        return text_say(why, ERR_FORMAT, "to: expected a time after the window's end; to shorten it, end it");
    }
    standing.window.to_ms = to_ms;
    err = find_overlap(sql, &standing.window, id, why);
    if (!err) {
        err = sql_run(sql, "UPDATE service_window SET to_ms = ?2, version = version + 1 WHERE id = ?1", "ii", id, to_ms);
    }
    if (!err) {
        err = write_line(sql, id, who, "extend", action_id, now_ms);
    }
    return err ? err : say_change(sql, id, now_ms);
}

/* ------------------------------------------------------------------ edges */

static enum err touch_all(struct sql *sql, int64_t window, enum err (*touch)(void *context, int64_t equipment),
                          void *context)
{
    int64_t id = 0;
    enum err err = ERR_OK;

    while (!err && (id = sql_find_int(sql, 0,
                                      "SELECT MIN(e.id) FROM service_window w JOIN equipment e ON (w.equipment = e.id OR"
                                      " w.site = e.site OR w.agent = e.agent) WHERE w.id = ?1 AND e.id > ?2",
                                      "ii", window, id)) > 0) {
        err = touch(context, id);
    }
    return err;
}

enum err windows_turn(struct sql *sql, int64_t now_ms, enum err (*touch)(void *context, int64_t equipment),
                      void *context)
{
    enum err err = ERR_OK;

    for (int i = 0; !err && i < 100; i++) {
        int64_t begun = sql_find_int(sql, 0,
                                     "SELECT id FROM service_window WHERE done_ms IS NULL AND begun_ms IS NULL AND from_ms"
                                     " <= ?1 ORDER BY from_ms LIMIT 1",
                                     "i", now_ms);
        int64_t done = begun ? 0
                             : sql_find_int(sql, 0,
                                            "SELECT id FROM service_window WHERE done_ms IS NULL AND to_ms <= ?1 ORDER BY"
                                            " to_ms LIMIT 1",
                                            "i", now_ms);

        if (!begun && !done) {
            break;
        }
        err = begun ? sql_run(sql, "UPDATE service_window SET begun_ms = ?2, version = version + 1 WHERE id = ?1", "ii",
                              begun, now_ms)
                    : sql_run(sql, "UPDATE service_window SET done_ms = ?2, version = version + 1 WHERE id = ?1", "ii",
                              done, now_ms);
        if (!err) {
            err = touch_all(sql, begun ? begun : done, touch, context);
        }
        if (!err) {
            err = say_change(sql, begun ? begun : done, now_ms);
        }
    }
    return err;
}

/* ------------------------------------------------------------------ shown */

static void put_instant(struct json_out *out, const char *name, const struct zone *zone, int64_t ms)
{
    TEXT(words, 48);

    if (!ms) {
        json_null(out, name);
        return;
    }
    zone_write(zone, ms, &words);
    json_text(out, name, words.at);
}

static enum err put_history(struct sql *sql, int64_t window, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "timeline");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT at_ms, who, action, action_id FROM service_window_event WHERE service_window = ?1 ORDER BY id", "i",
             window);
    while (sql_next(&rows)) {
        json_open_object(out);
        put_instant(out, "at", zone, sql_int(&rows, 0));
        json_text(out, "who", sql_text(&rows, 1));
        json_text(out, "action", sql_text(&rows, 2));
        json_text(out, "id", sql_text(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err window_show(struct sql *sql, int64_t window, int64_t now_ms, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT w.name, w.kind, w.from_ms, w.to_ms, e.name, s.name, a.name, w.reason, w.who, w.created_ms, w.ended_ms,"
             " w.ended_by, w.version, w.done_ms FROM service_window w LEFT JOIN equipment e ON e.id = w.equipment LEFT JOIN"
             " site s ON s.id = w.site LEFT JOIN agent a ON a.id = w.agent WHERE w.id = ?1",
             "i", window);
    found = sql_next(&rows);
    if (found) {
        json_open_object(out);
        json_text(out, "id", sql_text(&rows, 0));
        json_text(out, "kind", sql_text(&rows, 1));
        json_text(out, "state", !sql_null(&rows, 13) || sql_int(&rows, 3) <= now_ms ? "over"
                                : sql_int(&rows, 2) <= now_ms                       ? "standing"
                                                                                    : "planned");
        put_instant(out, "from", zone, sql_int(&rows, 2));
        put_instant(out, "to", zone, sql_int(&rows, 3));
        json_text(out, "equipment", sql_text(&rows, 4));
        json_text(out, "site", sql_text(&rows, 5));
        json_text(out, "agent", sql_text(&rows, 6));
        json_text(out, "reason", sql_text(&rows, 7));
        json_text(out, "who", sql_text(&rows, 8));
        put_instant(out, "created_at", zone, sql_int(&rows, 9));
        put_instant(out, "ended_at", zone, sql_int(&rows, 10));
        json_text(out, "ended_by", sql_text(&rows, 11));
        json_int(out, "version", sql_int(&rows, 12));
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    err = put_history(sql, window, zone, out);
    json_close_object(out);
    return err ? err : out->err;
}
