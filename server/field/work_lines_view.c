/* What a work order shows of what was done: parts, hours, lines, signatures, its time line. */
#include "server/field/work_view_int.h"

#include <string.h>

static enum err put_part_lines(struct view *view, const char *part)
{
    struct json_out *out = view->out;
    struct sql_rows rows;

    json_key(out, "lines");
    json_open_list(out);
    sql_find(view->sql, &rows,
             "SELECT p.state, p.count, d.name, p.serial_old, p.serial_new, p.old_goes, p.lot, p.qc, p.unit_cost, p.currency,"
             " c.number, p.who, p.at_ms, p.source FROM work_part p LEFT JOIN depot d ON d.id = p.depot LEFT JOIN work_order c ON c.id"
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
        view_real(out, "unit_cost", &rows, 8);
        json_text(out, "currency", sql_text(&rows, 9));
        json_text(out, "depot_repair", sql_text(&rows, 10));
        json_text(out, "who", sql_text(&rows, 11));
        json_text(out, "source", sql_text(&rows, 13));
        view_time(view, "at", &rows, 12);
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err view_parts(struct view *view)
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
                 " WHERE name = ?2), (SELECT title_zh FROM part WHERE name = ?2), (SELECT COUNT(*) FROM part WHERE name = ?2) FROM work_part w WHERE w.work_order = ?1"
                 " AND w.part = ?2",
                 "it", view->order, parts[i]);
        json_open_object(out);
        json_text(out, "part", parts[i]);
        if (sql_next(&rows)) {
            view_both(out, "title", sql_text(&rows, 5), sql_text(&rows, 6));
            view_real(out, "odds", &rows, 0);
            json_bool(out, "approved", sql_int(&rows, 7) != 0); /* S1-16: the company knows it */
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

enum err view_hours(struct view *view)
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
        view_time(view, "from", &rows, 2);
        view_time(view, "to", &rows, 3);
        json_int(view->out, "minutes", (sql_int(&rows, 3) - sql_int(&rows, 2)) / 60000);
        json_text(view->out, "note", sql_text(&rows, 4));
        json_close_object(view->out);
    }
    json_close_list(view->out);
    return sql_end(&rows);
}

enum err view_lines(struct view *view, const char *name, const char *form)
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
            view_real(out, "quantity", &rows, 5);
            json_text(out, "unit", sql_text(&rows, 6));
            json_text(out, "method", sql_text(&rows, 7));
            view_real(out, "labour", &rows, 8);
            view_real(out, "material", &rows, 9);
            json_bool(out, "mismatch", sql_int(&rows, 10) != 0);
        } else {
            json_text(out, "kind", sql_text(&rows, 0));
            json_text(out, "old", sql_text(&rows, 3));
            json_text(out, "new", sql_text(&rows, 4));
        }
        json_text(out, "note", sql_text(&rows, 11));
        json_text(out, "who", sql_text(&rows, 12));
        view_time(view, "at", &rows, 13);
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
    view_time(view, "at", rows, 3);
    json_int(view->out, "at_ms", sql_int(rows, 3));
    json_close_object(view->out);
}

/* signature: the customer's, or who else signed; signatures: all. */
enum err view_signatures(struct view *view)
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

enum err view_timeline(struct view *view)
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
        view_time(view, "at", &rows, 0);
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

enum err view_children(struct view *view)
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
