/* A work order as the API shows it (interfaces.md 6): its row and all that hangs on it. Reads only, on any connection. */
#include "server/field/work_view_int.h"

#include <string.h>

#include "models/base/duration.h"

#define VIEW_ARENA (8 * 1024 * 1024)

void view_ms(struct json_out *out, const char *name, const struct zone *zone, int64_t ms)
{
    TEXT(words, 48);

    zone_write(zone, ms, &words);
    json_text(out, name, words.at);
}

void view_time(struct view *view, const char *name, const struct sql_rows *rows, int column)
{
    if (sql_null(rows, column)) {
        json_null(view->out, name);
    } else {
        view_ms(view->out, name, view->zone, sql_int(rows, column));
    }
}

void view_real(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    if (sql_null(rows, column)) {
        json_null(out, name);
    } else {
        json_number(out, name, sql_real(rows, column));
    }
}

void view_both(struct json_out *out, const char *name, const char *en, const char *zh)
{
    json_key(out, name);
    json_open_object(out);
    json_text(out, "en", en);
    json_text(out, "zh", zh);
    json_close_object(out);
}

/* ------------------------------------------------------------------ the row */

static void put_job(struct view *view, const char *job, struct order *order)
{
    static const char *const shown[] = {"id", "version", "hash", "title", "skills", "tools", "advice", "needs", NULL};
    char duration[DURATION_SIZE];

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
    duration_write(json_int_or(order->job, "duration_ms", 0), duration);
    json_text(view->out, "duration", duration);
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
    view_time(view, "from", rows, 7);
    view_time(view, "to", rows, 8);
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
    json_text(out, "equipment_serial", sql_text(rows, 33));
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
    view_time(view, "created_at", rows, 12);
    json_int(out, "version", sql_int(rows, 13));
    put_job(view, sql_text(rows, 19), order);
    json_text(out, "parent", sql_text(rows, 20));
    json_text(out, "serial", sql_text(rows, 21));
    json_text(out, "rma", sql_text(rows, 22));
    json_text(out, "code", sql_text(rows, 23));
    json_text(out, "preempted_by", sql_text(rows, 25));
    json_text(out, "window", sql_text(rows, 31));
    json_raw(out, "warranty", sql_text(rows, 32)); /* who is on site needs no card (S0-39) */
    json_key(out, "result");
    if (sql_null(rows, 26)) {
        json_put_null(out);
    } else {
        json_open_object(out);
        json_text(out, "result", sql_text(rows, 26));
        view_time(view, "at", rows, 27);
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
             " x.number, w.result, w.result_ms, w.result_by, w.result_note, COALESCE(s.time_zone, c.time_zone), g.name,"
             " t.warranty, e.serial, w.equipment, w.site FROM"
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
        order->kind = job_kind_read(sql_text(&rows, 1));
        order->created_ms = sql_int(&rows, 12);
        order->equipment = sql_int(&rows, 34);
        order->site = sql_int(&rows, 35);
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
    err = err ? err : view_steps(&view);
    err = err ? err : view_gates(&view);
    err = err ? err : view_overrides(&view);
    err = err ? err : view_open(&view, rules, &order);
    err = err ? err : view_parts(&view);
    err = err ? err : view_hours(&view);
    err = err ? err : view_lines(&view, "actions", "action");
    err = err ? err : view_lines(&view, "scope", "scope");
    err = err ? err : view_tests(&view);
    err = err ? err : view_signatures(&view);
    err = err ? err : view_children(&view);
    json_key(out, "attachments");
    err = err ? err : attachments_view(sql, order_id, 0, view.zone, out);
    err = err ? err : view_papers(&view, rules, &order);
    err = err ? err : view_timeline(&view);
    json_close_object(out);
    arena_close(view.arena);
    return err;
}
