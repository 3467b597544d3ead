/* Tools and what was measured with them, as objects. */
#include <string.h>

#include "models/base/civil.h"
#include "server/training/tool.h"
#include "server/store/cell.h"

static void put_word(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    json_text(out, name, sql_null(rows, column) ? NULL : sql_text(rows, column));
}

static enum err put_events(struct sql *sql, int64_t tool, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "events");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT at_ms, who, action, note, data FROM tool_event WHERE tool = ?1 ORDER BY id DESC LIMIT 200", "i",
             tool);
    while (sql_next(&rows)) {
        json_open_object(out);
        cell_time(out, "at", zone, &rows, 0);
        put_word(out, "who", &rows, 1);
        put_word(out, "action", &rows, 2);
        put_word(out, "note", &rows, 3);
        json_raw(out, "data", sql_text(&rows, 4));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_uses(struct sql *sql, int64_t tool, const struct zone *zone, struct json_out *out)
{
    int64_t ids[50];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT id FROM tool_use WHERE tool = ?1 ORDER BY at_ms DESC, id DESC LIMIT 50", "i", tool);
    while (count < 50 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    json_key(out, "last_used");
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        err = tool_use_view(sql, ids[i], zone, out);
    }
    json_close_list(out);
    return err;
}

enum err tool_view(struct sql *sql, int64_t tool, const struct zone *zone, int32_t today, bool with, struct json_out *out)
{
    static const char *const words[] = {"id", "title", "class", "serial", "technician", "depot", "state", "calibration", "certificate",
                                        "service"};
    struct sql_rows rows;
    bool found, lapsed = false;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.name, t.title, t.class, t.serial, h.name, d.name, t.state, t.calibration, t.certificate, t.service,"
             " t.calibrated_day, t.valid_day, t.serviced_day, t.service_day, t.version, (SELECT COUNT(DISTINCT u.work_order) FROM"
             " tool_use u WHERE u.tool = t.id AND u.recall_ms IS NOT NULL AND u.settled_ms IS NULL) FROM tool t LEFT JOIN technician h"
             " ON h.id = t.technician LEFT JOIN depot d ON d.id = t.depot WHERE t.id = ?1",
             "i", tool);
    found = sql_next(&rows);
    json_open_object(out);
    if (found) {
        for (int i = 0; i < 10; i++) {
            put_word(out, words[i], &rows, i);
        }
        lapsed = !sql_null(&rows, 11) && sql_int(&rows, 11) < today;
        cell_day(out, "calibrated", &rows, 10);
        cell_day(out, "valid_to", &rows, 11);
        cell_day(out, "serviced", &rows, 12);
        cell_day(out, "service_due", &rows, 13);
        json_bool(out, "usable", strcmp(sql_text(&rows, 6), "ready") == 0 && !lapsed);
        json_bool(out, "service_overdue", !sql_null(&rows, 13) && sql_int(&rows, 13) < today);
        json_int(out, "recalled", sql_int(&rows, 15));
        json_int(out, "version", sql_int(&rows, 14));
    }
    err = sql_end(&rows);
    if (!err && found && with) {
        err = put_events(sql, tool, zone, out);
        err = err ? err : put_uses(sql, tool, zone, out);
    }
    json_close_object(out);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}

enum err tool_use_view(struct sql *sql, int64_t use, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT w.number, e.name, u.step, u.at_ms, u.who, u.certificate, u.valid_day, u.recall_ms, u.settled_ms, u.settled_by,"
             " u.settled_note, s.value FROM tool_use u JOIN work_order w ON w.id = u.work_order LEFT JOIN equipment e ON e.id ="
             " w.equipment LEFT JOIN work_step s ON s.work_order = u.work_order AND s.step = u.step WHERE u.id = ?1",
             "i", use);
    found = sql_next(&rows);
    json_open_object(out);
    if (found) {
        put_word(out, "work_order", &rows, 0);
        put_word(out, "equipment", &rows, 1);
        put_word(out, "step", &rows, 2);
        json_raw(out, "value", sql_text(&rows, 11));
        cell_time(out, "at", zone, &rows, 3);
        put_word(out, "who", &rows, 4);
        put_word(out, "certificate", &rows, 5);
        cell_day(out, "valid_to", &rows, 6);
        cell_time(out, "recalled_at", zone, &rows, 7);
        cell_time(out, "settled_at", zone, &rows, 8);
        put_word(out, "settled_by", &rows, 9);
        put_word(out, "settled_note", &rows, 10);
    }
    json_close_object(out);
    err = sql_end(&rows);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
