/* Windows. */
#include "server/alarm/window.h"

#include <string.h>

#include "server/fleet/numbers.h"
#include "server/store/change.h"

const char *const window_kinds[] = {"maintenance", "planned_change", "guard", NULL};

bool window_hides(struct sql *sql, int64_t equipment, int64_t now_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM service_window w JOIN equipment e ON e.id = ?1 WHERE w.kind <> 'guard' AND"
                        " w.done_ms IS NULL AND w.from_ms <= ?2 AND COALESCE(w.ended_ms, w.to_ms) > ?2 AND (w.equipment"
                        " = e.id OR w.site = e.site OR w.agent = e.agent) LIMIT 1",
                        "ii", equipment, now_ms) > 0;
}

bool window_is_open(struct sql *sql, int64_t equipment, const char *kind, int64_t now_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM service_window w JOIN equipment e ON e.id = ?1 WHERE w.kind = ?3 AND w.done_ms"
                        " IS NULL AND w.from_ms <= ?2 AND COALESCE(w.ended_ms, w.to_ms) > ?2 AND (w.equipment = e.id OR"
                        " w.site = e.site OR w.agent = e.agent) LIMIT 1",
                        "iit", equipment, now_ms, kind) > 0;
}

int64_t window_find(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM service_window WHERE name = ?1", "t", name);
}

static enum err changed(struct sql *sql, int64_t id, int64_t now_ms)
{
    struct json_out out = json_out(2048);
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT name, kind FROM service_window WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_text(&out, "id", sql_text(&rows, 0));
        json_text(&out, "kind", sql_text(&rows, 1));
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err) {
        err = out.err ? out.err : change_put(sql, now_ms, "window", out.bytes ? out.bytes : "{}");
    }
    json_out_free(&out);
    return err;
}

static enum err note(struct sql *sql, int64_t id, const char *who, const char *action, const char *action_id,
                     int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "INSERT INTO service_window_event (service_window, at_ms, who, action, action_id) VALUES"
                           " (?1, ?2, ?3, ?4, ?5)",
                           "iittt", id, now_ms, who, action, action_id);

    return err ? err : changed(sql, id, now_ms);
}

bool window_did(struct sql *sql, int64_t id, const char *action_id)
{
    return action_id && sql_find_int(sql, 0,
                                     "SELECT 1 FROM service_window_event WHERE service_window = ?1 AND action_id = ?2",
                                     "it", id, action_id) > 0;
}

/* ------------------------------------------------------------------ made, ended, extended */

struct subject { /* row ids; two of them 0 */
    int64_t equipment, site, agent;
};

static enum err find_subject(struct sql *sql, const struct window_new *what, struct subject *subject, struct text *why)
{
    int said = (what->equipment != NULL) + (what->site != NULL) + (what->agent != NULL);

    *subject = (struct subject){0};
    if (said != 1) {
        return text_say(why, ERR_FORMAT, "expected one of equipment, site and agent, found %d", said);
    }
    if (what->equipment) {
        subject->equipment = sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", what->equipment);
    } else if (what->site) {
        subject->site = sql_find_int(sql, 0, "SELECT id FROM site WHERE name = ?1", "t", what->site);
    } else {
        subject->agent = sql_find_int(sql, 0, "SELECT id FROM agent WHERE name = ?1", "t", what->agent);
    }
    if (!subject->equipment && !subject->site && !subject->agent) {
        return text_say(why, ERR_FORMAT, "%s: there is none called '%.64s'",
                        what->equipment ? "equipment" : what->site ? "site" : "agent",
                        what->equipment ? what->equipment : what->site ? what->site : what->agent);
    }
    return ERR_OK;
}

/* Another one of the kind on the same subject meets [from_ms, to_ms); except: the window itself. */
static enum err check_free(struct sql *sql, const char *kind, const struct subject *subject, int64_t from_ms,
                           int64_t to_ms, int64_t except, struct text *why)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows,
             "SELECT name FROM service_window WHERE kind = ?1 AND COALESCE(equipment, 0) = ?2 AND COALESCE(site, 0) = ?3"
             " AND COALESCE(agent, 0) = ?4 AND from_ms < ?6 AND COALESCE(ended_ms, to_ms) > ?5 AND COALESCE(ended_ms,"
             " to_ms) > from_ms AND id <> ?7 LIMIT 1",
             "tiiii" "ii", kind, subject->equipment, subject->site, subject->agent, from_ms, to_ms, except);
    if (sql_next(&rows)) {
        err = text_say(why, ERR_STATE,
                       "it overlaps window %.64s of the same kind on the same subject. Legal: extend or end that one",
                       sql_text(&rows, 0));
    }
    end = sql_end(&rows);
    return err ? err : end;
}

static enum err check_span(const struct window_new *what, int64_t now_ms, struct text *why)
{
    if (what->to_ms <= what->from_ms) {
        return text_say(why, ERR_FORMAT, "to: expected a time after from");
    }
    if (what->to_ms <= now_ms) {
        return text_say(why, ERR_FORMAT, "to: expected a time ahead of now");
    }
    if (!what->reason || !what->reason[0]) {
        return text_say(why, ERR_FORMAT, "reason: expected words");
    }
    return ERR_OK;
}

enum err window_create(struct sql *sql, const struct window_new *what, int64_t now_ms, int64_t *ret_id,
                       struct text *why)
{
    struct subject subject;
    char made[17] = "";
    enum err err = check_span(what, now_ms, why);

    *ret_id = what->name ? window_find(sql, what->name) : 0;
    if (*ret_id) {
        return ERR_EXISTS;
    }
    if (!err) {
        err = find_subject(sql, what, &subject, why);
    }
    if (!err) {
        err = check_free(sql, what->kind, &subject, what->from_ms, what->to_ms, 0, why);
    }
    if (err) {
        return err;
    }
    numbers_secret(made, 16);
    err = sql_run(sql,
                  "INSERT INTO service_window (name, kind, from_ms, to_ms, equipment, site, agent, reason, who,"
                  " created_ms) VALUES (?1, ?2, ?3, ?4, NULLIF(?5, 0), NULLIF(?6, 0), NULLIF(?7, 0), ?8, ?9, ?10)",
                  "ttiii" "iitti", what->name ? what->name : made, what->kind, what->from_ms, what->to_ms,
                  subject.equipment, subject.site, subject.agent, what->reason, what->who, now_ms);
    if (err) {
        return err;
    }
    *ret_id = sql_last_id(sql);
    return note(sql, *ret_id, what->who, "create", NULL, now_ms);
}

static enum err check_going(struct sql *sql, int64_t id, int64_t now_ms, struct text *why)
{
    if (sql_find_int(sql, 0,
                     "SELECT 1 FROM service_window WHERE id = ?1 AND ended_ms IS NULL AND to_ms > ?2 AND done_ms IS NULL",
                     "ii", id, now_ms)) {
        return ERR_OK;
    }
    return text_say(why, ERR_STATE, "the window is over. Legal: a new window");
}

enum err window_end(struct sql *sql, int64_t id, const char *who, const char *action_id, int64_t now_ms,
                    struct text *why)
{
    enum err err = check_going(sql, id, now_ms, why);

    if (!err) {
        err = sql_run(sql,
                      "UPDATE service_window SET ended_ms = ?2, ended_by = ?3, version = version + 1 WHERE id = ?1",
                      "iit", id, now_ms, who);
    }
    return err ? err : note(sql, id, who, "end", action_id, now_ms);
}

enum err window_extend(struct sql *sql, int64_t id, int64_t to_ms, const char *who, const char *action_id,
                       int64_t now_ms, struct text *why)
{
    struct subject subject = {0};
    int64_t from_ms = 0, old_ms = 0;
    char kind[32] = "";
    struct sql_rows rows;
    enum err err = check_going(sql, id, now_ms, why), end;

    if (err) {
        return err;
    }
    sql_find(sql, &rows, "SELECT kind, from_ms, to_ms, equipment, site, agent FROM service_window WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        err = text_copy(kind, sizeof(kind), sql_text(&rows, 0));
        from_ms = sql_int(&rows, 1);
        old_ms = sql_int(&rows, 2);
        subject = (struct subject){sql_int(&rows, 3), sql_int(&rows, 4), sql_int(&rows, 5)};
    }
    end = sql_end(&rows);
    err = err ? err : end;
    if (!err && to_ms <= old_ms) {
        return text_say(why, ERR_FORMAT, "to: expected a later end than now; end ends it earlier");
    }
    if (!err) {
        err = check_free(sql, kind, &subject, from_ms, to_ms, id, why);
    }
    if (!err) {
        err = sql_run(sql, "UPDATE service_window SET to_ms = ?2, version = version + 1 WHERE id = ?1", "ii", id, to_ms);
    }
    return err ? err : note(sql, id, who, "extend", action_id, now_ms);
}

/* ------------------------------------------------------------------ edges */

int64_t window_edge(struct sql *sql, int64_t now_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT id FROM service_window WHERE done_ms IS NULL AND ((begun_ms IS NULL AND from_ms <= ?1) OR"
                        " COALESCE(ended_ms, to_ms) <= ?1) ORDER BY id LIMIT 1",
                        "i", now_ms);
}

int64_t window_next_equipment(struct sql *sql, int64_t id, int64_t after)
{
    return sql_find_int(sql, 0,
                        "SELECT MIN(e.id) FROM service_window w JOIN equipment e ON (e.id = w.equipment OR e.site = w.site"
                        " OR e.agent = w.agent) WHERE w.id = ?1 AND e.id > ?2",
                        "ii", id, after);
}

enum err window_noticed(struct sql *sql, int64_t id, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE service_window SET begun_ms = CASE WHEN from_ms <= ?2 THEN COALESCE(begun_ms, ?2) ELSE"
                           " begun_ms END, done_ms = CASE WHEN COALESCE(ended_ms, to_ms) <= ?2 THEN ?2 END, version ="
                           " version + 1 WHERE id = ?1",
                           "ii", id, now_ms);

    return err ? err : changed(sql, id, now_ms);
}

int64_t window_due_ms(struct sql *sql)
{
    return sql_find_int(sql, INT64_MAX,
                        "SELECT MIN(CASE WHEN begun_ms IS NULL AND from_ms < COALESCE(ended_ms, to_ms) THEN from_ms ELSE"
                        " COALESCE(ended_ms, to_ms) END) FROM service_window WHERE done_ms IS NULL",
                        "");
}

/* ------------------------------------------------------------------ shown */

static void put_time(struct json_out *out, const struct zone *zone, const char *name, int64_t ms)
{
    TEXT(words, 48);

    if (ms <= 0) {
        json_null(out, name);
        return;
    }
    zone_write(zone, ms, &words);
    json_text(out, name, words.at);
}

enum err window_show(struct sql *sql, const struct zone *zone, int64_t id, int64_t now_ms, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT w.name, w.kind, w.from_ms, w.to_ms, e.name, s.name, a.name, w.reason, w.who, w.created_ms, w.ended_ms,"
             " w.ended_by FROM service_window w LEFT JOIN equipment e ON e.id = w.equipment LEFT JOIN site s ON s.id ="
             " w.site LEFT JOIN agent a ON a.id = w.agent WHERE w.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        int64_t from_ms = sql_int(&rows, 2), end_ms = sql_null(&rows, 10) ? sql_int(&rows, 3) : sql_int(&rows, 10);

        json_open_object(out);
        json_text(out, "id", sql_text(&rows, 0));
        json_text(out, "kind", sql_text(&rows, 1));
        json_text(out, "state", end_ms <= now_ms ? "ended" : from_ms <= now_ms ? "open" : "planned");
        put_time(out, zone, "from", from_ms);
        put_time(out, zone, "to", sql_int(&rows, 3));
        json_text(out, "equipment", sql_text(&rows, 4));
        json_text(out, "site", sql_text(&rows, 5));
        json_text(out, "agent", sql_text(&rows, 6));
        json_text(out, "reason", sql_text(&rows, 7));
        json_text(out, "who", sql_text(&rows, 8));
        put_time(out, zone, "created_at", sql_int(&rows, 9));
        put_time(out, zone, "ended_at", sql_int(&rows, 10));
        json_text(out, "ended_by", sql_text(&rows, 11));
        json_close_object(out);
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}
