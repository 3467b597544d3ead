/* A work order as the API shows it (interfaces.md 6): its row and all that hangs on it. Reads only, on any connection. */
#include <string.h>

#include "server/field/work_int.h"

#define VIEW_ARENA (8 * 1024 * 1024)

struct view {
    struct sql *sql;
    int64_t order;
    const struct zone *zone;
    struct arena *arena;
    struct json_out *out;
};

static void put_ms(struct json_out *out, const char *name, const struct zone *zone, int64_t ms)
{
    TEXT(words, 48);

    zone_write(zone, ms, &words);
    json_text(out, name, words.at);
}

static void put_time(struct view *view, const char *name, const struct sql_rows *rows, int column)
{
    if (sql_null(rows, column)) {
        json_null(view->out, name);
    } else {
        put_ms(view->out, name, view->zone, sql_int(rows, column));
    }
}

static void put_real(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    if (sql_null(rows, column)) {
        json_null(out, name);
    } else {
        json_number(out, name, sql_real(rows, column));
    }
}

static void put_both(struct json_out *out, const char *name, const char *en, const char *zh)
{
    json_key(out, name);
    json_open_object(out);
    json_text(out, "en", en);
    json_text(out, "zh", zh);
    json_close_object(out);
}

/* ------------------------------------------------------------------ steps, gates, overrides */

static void put_step(struct view *view, const struct sql_rows *rows)
{
    const char *spec = sql_text(rows, 0);
    const struct cJSON *fields = NULL;

    json_open_object(view->out);
    if (!json_parse(view->arena, spec, strlen(spec), &fields, NULL)) {
        for (const struct cJSON *item = json_first(fields); item; item = json_next(item)) {
            json_key(view->out, json_name(item));
            json_put_value(view->out, item);
        }
    }
    json_text(view->out, "section", sql_text(rows, 1));
    json_raw(view->out, "value", sql_text(rows, 2));
    json_text(view->out, "light", sql_text(rows, 3));
    put_time(view, "answered_at", rows, 4);
    json_text(view->out, "who", sql_text(rows, 5));
    json_raw(view->out, "reading", sql_text(rows, 6));
    put_time(view, "failed_at", rows, 7);
    json_text(view->out, "ticket", sql_text(rows, 8));
    json_close_object(view->out);
}

static enum err put_steps(struct view *view)
{
    struct sql_rows rows;

    json_key(view->out, "checklist");
    json_open_list(view->out);
    sql_find(view->sql, &rows,
             "SELECT s.spec, s.section, s.value, s.light, s.answered_ms, s.who, s.reading, s.failed_ms, t.number FROM"
             " work_step s LEFT JOIN ticket t ON t.id = s.ticket WHERE s.work_order = ?1 ORDER BY s.position, s.step",
             "i", view->order);
    while (sql_next(&rows)) {
        put_step(view, &rows);
    }
    json_close_list(view->out);
    return sql_end(&rows);
}

static enum err put_gates(struct view *view)
{
    struct json_out *out = view->out;
    struct sql_rows rows;

    json_key(out, "gates");
    json_open_list(out);
    sql_find(view->sql, &rows,
             "SELECT gate, title_en, title_zh, stage, written, must, another, confirmed_ms, by_name, who, how, reference,"
             " note FROM work_gate WHERE work_order = ?1 ORDER BY position",
             "i", view->order);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "gate", sql_text(&rows, 0));
        put_both(out, "title", sql_text(&rows, 1), sql_text(&rows, 2));
        json_text(out, "before", sql_text(&rows, 3));
        json_bool(out, "written", sql_int(&rows, 4) != 0);
        json_bool(out, "must", sql_int(&rows, 5) != 0);
        json_bool(out, "another", sql_int(&rows, 6) != 0);
        put_time(view, "at", &rows, 7);
        json_text(out, "by", sql_text(&rows, 8));
        json_text(out, "who", sql_text(&rows, 9));
        json_text(out, "how", sql_text(&rows, 10));
        json_text(out, "reference", sql_text(&rows, 11));
        json_text(out, "note", sql_text(&rows, 12));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_overrides(struct view *view)
{
    struct sql_rows rows;

    json_key(view->out, "overrides");
    json_open_list(view->out);
    sql_find(view->sql, &rows,
             "SELECT need, code, note, who, at_ms FROM work_override WHERE work_order = ?1 ORDER BY at_ms, need", "i",
             view->order);
    while (sql_next(&rows)) {
        json_open_object(view->out);
        json_text(view->out, "need", sql_text(&rows, 0));
        json_text(view->out, "code", sql_text(&rows, 1));
        json_text(view->out, "note", sql_text(&rows, 2));
        json_text(view->out, "who", sql_text(&rows, 3));
        put_time(view, "at", &rows, 4);
        json_close_object(view->out);
    }
    json_close_list(view->out);
    return sql_end(&rows);
}

/* What is still open before each stage, in words. */
static enum err put_open(struct view *view, const struct order *order)
{
    struct office office = {.arena = view->arena};
    enum err err = ERR_OK;

    json_key(view->out, "open");
    json_open_object(view->out);
    for (int stage = 0; !err && stage < JOB_STAGES; stage++) {
        TEXT(words, 800);

        err = gates_open(&office, view->sql, order, (enum job_stage)stage, &words);
        json_text(view->out, job_stage_names[stage], words.length > 0 ? words.at : NULL);
    }
    json_close_object(view->out);
    return err;
}

/* ------------------------------------------------------------------ parts */

static enum err put_part_lines(struct view *view, const char *part)
{
    struct json_out *out = view->out;
    struct sql_rows rows;

    json_key(out, "lines");
    json_open_list(out);
    sql_find(view->sql, &rows,
             "SELECT p.state, p.count, d.name, p.serial_old, p.serial_new, p.old_goes, p.lot, p.qc, p.unit_cost, p.currency,"
             " c.number, p.who, p.at_ms FROM work_part p LEFT JOIN depot d ON d.id = p.depot LEFT JOIN work_order c ON c.id"
             " = p.child WHERE p.work_order = ?1 AND p.part = ?2 AND p.state <> 'proposed' ORDER BY p.at_ms, p.action_id,"
             " p.id",
             "it", view->order, part);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "state", sql_text(&rows, 0));
        json_int(out, "count", sql_int(&rows, 1));
        json_text(out, "depot", sql_text(&rows, 2));
        json_text(out, "serial_old", sql_text(&rows, 3));
        json_text(out, "serial_new", sql_text(&rows, 4));
        json_text(out, "old_goes", sql_text(&rows, 5));
        json_text(out, "lot", sql_text(&rows, 6));
        if (sql_null(&rows, 7)) {
            json_null(out, "qc");
        } else {
            json_bool(out, "qc", sql_int(&rows, 7) != 0);
        }
        put_real(out, "unit_cost", &rows, 8);
        json_text(out, "currency", sql_text(&rows, 9));
        json_text(out, "depot_repair", sql_text(&rows, 10));
        json_text(out, "who", sql_text(&rows, 11));
        put_time(view, "at", &rows, 12);
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_parts(struct view *view)
{
    const char **parts = arena_array(view->arena, 1001, sizeof(*parts));
    struct json_out *out = view->out;
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!parts) {
        return ERR_NOMEM;
    }
    sql_find(view->sql, &rows,
             "SELECT part FROM work_part WHERE work_order = ?1 GROUP BY part ORDER BY MAX(COALESCE(odds, -1)) DESC, part"
             " LIMIT 1000",
             "i", view->order);
    while (count < 1000 && sql_next(&rows)) {
        parts[count++] = arena_text(view->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
    }
    err = sql_end(&rows);
    json_key(out, "parts");
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        sql_find(view->sql, &rows,
                 "SELECT MAX(w.odds), CAST(SUM(CASE w.state WHEN 'used' THEN w.count WHEN 'returned' THEN -w.count ELSE 0"
                 " END) AS BIGINT), CAST(SUM(CASE w.state WHEN 'reserved' THEN w.count ELSE 0 END) AS BIGINT),"
                 " CAST(SUM(CASE w.state WHEN 'returned' THEN w.count ELSE 0 END) AS BIGINT), CAST((SELECT SUM(s.count)"
                 " FROM stock s JOIN part p ON p.id = s.part WHERE p.name = ?2) AS BIGINT), (SELECT title_en FROM part"
                 " WHERE name = ?2), (SELECT title_zh FROM part WHERE name = ?2) FROM work_part w WHERE w.work_order = ?1"
                 " AND w.part = ?2",
                 "it", view->order, parts[i]);
        json_open_object(out);
        json_text(out, "part", parts[i]);
        if (sql_next(&rows)) {
            put_both(out, "title", sql_text(&rows, 5), sql_text(&rows, 6));
            put_real(out, "odds", &rows, 0);
            json_int(out, "in_stock", sql_int(&rows, 4));
            json_int(out, "used", sql_int(&rows, 1));
            json_int(out, "reserved", sql_int(&rows, 2));
            json_int(out, "returned", sql_int(&rows, 3));
        }
        err = sql_end(&rows);
        err = err ? err : put_part_lines(view, parts[i]);
        json_close_object(out);
    }
    json_close_list(out);
    return err;
}

/* ------------------------------------------------------------------ hours, lines, signatures */

static enum err put_hours(struct view *view)
{
    struct sql_rows rows;

    json_key(view->out, "times");
    json_open_list(view->out);
    sql_find(view->sql, &rows,
             "SELECT person, kind, from_ms, to_ms, note FROM work_time WHERE work_order = ?1 ORDER BY from_ms, person", "i",
             view->order);
    while (sql_next(&rows)) {
        json_open_object(view->out);
        json_text(view->out, "technician", sql_text(&rows, 0));
        json_text(view->out, "kind", sql_text(&rows, 1));
        put_time(view, "from", &rows, 2);
        put_time(view, "to", &rows, 3);
        json_int(view->out, "minutes", (sql_int(&rows, 3) - sql_int(&rows, 2)) / 60000);
        json_text(view->out, "note", sql_text(&rows, 4));
        json_close_object(view->out);
    }
    json_close_list(view->out);
    return sql_end(&rows);
}

static enum err put_lines(struct view *view, const char *name, const char *form)
{
    struct json_out *out = view->out;
    struct sql_rows rows;
    bool scope = strcmp(form, "scope") == 0;

    json_key(out, name);
    json_open_list(out);
    sql_find(view->sql, &rows,
             "SELECT kind, item, component, old_value, new_value, quantity, unit, method, labour, material, mismatch, note,"
             " who, at_ms FROM work_line WHERE work_order = ?1 AND form = ?2 ORDER BY at_ms, action_id, id",
             "it", view->order, form);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "item", sql_text(&rows, 1));
        json_text(out, "component", sql_text(&rows, 2));
        if (scope) {
            put_real(out, "quantity", &rows, 5);
            json_text(out, "unit", sql_text(&rows, 6));
            json_text(out, "method", sql_text(&rows, 7));
            put_real(out, "labour", &rows, 8);
            put_real(out, "material", &rows, 9);
            json_bool(out, "mismatch", sql_int(&rows, 10) != 0);
        } else {
            json_text(out, "kind", sql_text(&rows, 0));
            json_text(out, "old", sql_text(&rows, 3));
            json_text(out, "new", sql_text(&rows, 4));
        }
        json_text(out, "note", sql_text(&rows, 11));
        json_text(out, "who", sql_text(&rows, 12));
        put_time(view, "at", &rows, 13);
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static void put_signature(struct view *view, const struct sql_rows *rows)
{
    json_open_object(view->out);
    json_text(view->out, "role", sql_text(rows, 0));
    json_text(view->out, "name", sql_text(rows, 1));
    json_text(view->out, "image", sql_text(rows, 2));
    put_time(view, "at", rows, 3);
    json_int(view->out, "at_ms", sql_int(rows, 3));
    json_close_object(view->out);
}

/* signature: the customer's, or who else signed; signatures: all. */
static enum err put_signatures(struct view *view)
{
    static const char find[] =
        "SELECT role, name, image, at_ms FROM work_sign WHERE work_order = ?1 ORDER BY role LIMIT ?2";
    struct sql_rows rows;
    enum err err;

    json_key(view->out, "signature");
    sql_find(view->sql, &rows, find, "ii", view->order, (int64_t)1);
    if (sql_next(&rows)) {
        put_signature(view, &rows);
    } else {
        json_put_null(view->out);
    }
    err = sql_end(&rows);
    json_key(view->out, "signatures");
    json_open_list(view->out);
    sql_find(view->sql, &rows, find, "ii", view->order, (int64_t)10);
    while (sql_next(&rows)) {
        put_signature(view, &rows);
    }
    json_close_list(view->out);
    return err ? err : sql_end(&rows);
}

static enum err put_timeline(struct view *view)
{
    struct sql_rows rows;

    json_key(view->out, "timeline");
    json_open_list(view->out);
    sql_find(view->sql, &rows,
             "SELECT at_ms, who, action, action_id, note, data FROM work_event WHERE work_order = ?1 ORDER BY at_ms,"
             " COALESCE(said_ms, at_ms), id",
             "i", view->order);
    while (sql_next(&rows)) {
        json_open_object(view->out);
        put_time(view, "at", &rows, 0);
        json_text(view->out, "who", sql_text(&rows, 1));
        json_text(view->out, "action", sql_text(&rows, 2));
        json_text(view->out, "id", sql_text(&rows, 3));
        json_text(view->out, "note", sql_text(&rows, 4));
        json_raw(view->out, "data", sql_text(&rows, 5));
        json_close_object(view->out);
    }
    json_close_list(view->out);
    return sql_end(&rows);
}

static enum err put_children(struct view *view)
{
    struct sql_rows rows;

    json_key(view->out, "children");
    json_open_list(view->out);
    sql_find(view->sql, &rows, "SELECT number FROM work_order WHERE parent = ?1 ORDER BY id", "i", view->order);
    while (sql_next(&rows)) {
        json_put_text(view->out, sql_text(&rows, 0));
    }
    json_close_list(view->out);
    return sql_end(&rows);
}

static enum err put_tests(struct view *view)
{
    char verdict[8];
    enum err err;

    json_key(view->out, "tests");
    json_open_object(view->out);
    json_key(view->out, "before");
    err = tests_show(view->arena, view->sql, view->order, "before", view->zone, view->out, verdict);
    json_key(view->out, "after");
    if (!err) {
        err = tests_show(view->arena, view->sql, view->order, "after", view->zone, view->out, verdict);
    }
    json_close_object(view->out);
    return err;
}

/* ------------------------------------------------------------------ the row */

static void put_job(struct view *view, const char *job, struct order *order)
{
    static const char *const shown[] = {"id", "version", "hash", "title", "skills", "tools", "advice", "needs", NULL};
    TEXT(minutes, 32);

    json_key(view->out, "job");
    if (!job || json_parse(view->arena, job, strlen(job), &order->job, NULL)) {
        json_put_null(view->out);
        return;
    }
    json_open_object(view->out);
    for (size_t i = 0; shown[i]; i++) {
        json_key(view->out, shown[i]);
        json_put_value(view->out, json_field(order->job, shown[i]));
    }
    text_addf(&minutes, "%lldm", (long long)json_int_or(order->job, "duration_ms", 0) / 60000);
    json_text(view->out, "duration", minutes.at);
    json_close_object(view->out);
}

static void put_appointment(struct view *view, const struct sql_rows *rows)
{
    json_key(view->out, "appointment");
    if (sql_null(rows, 7)) {
        json_put_null(view->out);
        return;
    }
    json_open_object(view->out);
    put_time(view, "from", rows, 7);
    put_time(view, "to", rows, 8);
    json_text(view->out, "agreed_by", sql_text(rows, 24));
    json_close_object(view->out);
}

static void put_head(struct view *view, const struct sql_rows *rows, struct order *order)
{
    struct json_out *out = view->out;

    json_text(out, "number", sql_text(rows, 0));
    json_text(out, "kind", sql_text(rows, 1));
    json_text(out, "title", sql_text(rows, 17));
    json_text(out, "urgency", sql_text(rows, 18));
    json_text(out, "ticket", sql_text(rows, 2));
    json_text(out, "equipment", sql_text(rows, 3));
    json_text(out, "site", sql_text(rows, 4));
    json_text(out, "address", sql_text(rows, 16));
    json_text(out, "team", sql_text(rows, 5));
    json_text(out, "technician", sql_text(rows, 6));
    put_appointment(view, rows);
    json_raw(out, "before", sql_text(rows, 9));
    json_raw(out, "after", sql_text(rows, 10));
    json_text(out, "state", sql_text(rows, 11));
    json_text(out, "reason", sql_text(rows, 15));
    if (sql_null(rows, 14)) {
        json_null(out, "grade");
    } else {
        json_int(out, "grade", sql_int(rows, 14));
    }
    put_time(view, "created_at", rows, 12);
    json_int(out, "version", sql_int(rows, 13));
    put_job(view, sql_text(rows, 19), order);
    json_text(out, "parent", sql_text(rows, 20));
    json_text(out, "serial", sql_text(rows, 21));
    json_text(out, "rma", sql_text(rows, 22));
    json_text(out, "code", sql_text(rows, 23));
    json_text(out, "preempted_by", sql_text(rows, 25));
    json_text(out, "window", sql_text(rows, 31));
    json_key(out, "result");
    if (sql_null(rows, 26)) {
        json_put_null(out);
    } else {
        json_open_object(out);
        json_text(out, "result", sql_text(rows, 26));
        put_time(view, "at", rows, 27);
        json_text(out, "by", sql_text(rows, 28));
        json_text(out, "remarks", sql_text(rows, 29));
        json_close_object(out);
    }
}

static enum err put_row(struct view *view, struct rules *rules, struct order *order, bool *ret_found)
{
    struct sql_rows rows;

    sql_find(view->sql, &rows,
             "SELECT w.number, w.kind, t.number, e.name, s.name, m.name, h.name, w.from_ms, w.to_ms, w.before, w.after,"
             " w.state, w.created_ms, w.version, t.grade, w.reason, s.address, w.title, COALESCE(w.urgency, CASE WHEN"
             " t.grade = 1 THEN 'emergency' ELSE 'normal' END), w.job, p.number, w.serial, w.rma, w.code, w.agreed_by,"
             " x.number, w.result, w.result_ms, w.result_by, w.result_note, COALESCE(s.time_zone, c.time_zone), g.name FROM"
             " work_order w LEFT JOIN ticket t ON t.id = w.ticket LEFT JOIN equipment e ON e.id = w.equipment LEFT JOIN"
             " site s ON s.id = w.site LEFT JOIN calendar c ON c.id = s.calendar LEFT JOIN team m ON m.id = w.team LEFT"
             " JOIN technician h ON h.id = w.technician LEFT JOIN work_order p ON p.id = w.parent LEFT JOIN work_order x ON"
             " x.id = w.preempted_by LEFT JOIN service_window g ON g.id = w.service_window WHERE w.id = ?1",
             "i", view->order);
    *ret_found = sql_next(&rows);
    if (*ret_found) {
        const char *name = sql_text(&rows, 30), *result = sql_text(&rows, 26);
        const struct zone *zone = name ? rules_zone(rules, name) : NULL;

        view->zone = zone ? zone : zone_utc();
        order->result = result ? arena_text(view->arena, result, strlen(result)) : NULL;
        put_head(view, &rows, order);
    }
    return sql_end(&rows);
}

enum err work_view(struct sql *sql, struct rules *rules, int64_t order_id, struct json_out *out)
{
    struct view view = {.sql = sql, .order = order_id, .out = out};
    struct order order = {.id = order_id};
    bool found = false;
    enum err err = arena_open(VIEW_ARENA, &view.arena);

    if (err) {
        return err;
    }
    if (!sql_find_int(sql, 0, "SELECT 1 FROM work_order WHERE id = ?1", "i", order_id)) {
        arena_close(view.arena);
        return ERR_NOT_FOUND;
    }
    json_open_object(out);
    err = put_row(&view, rules, &order, &found);
    err = err ? err : put_steps(&view);
    err = err ? err : put_gates(&view);
    err = err ? err : put_overrides(&view);
    err = err ? err : put_open(&view, &order);
    err = err ? err : put_parts(&view);
    err = err ? err : put_hours(&view);
    err = err ? err : put_lines(&view, "actions", "action");
    err = err ? err : put_lines(&view, "scope", "scope");
    err = err ? err : put_tests(&view);
    err = err ? err : put_signatures(&view);
    err = err ? err : put_children(&view);
    json_key(out, "attachments");
    err = err ? err : attachments_view(sql, order_id, 0, view.zone, out);
    err = err ? err : put_timeline(&view);
    json_close_object(out);
    arena_close(view.arena);
    return err;
}
