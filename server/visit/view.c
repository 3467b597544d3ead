/* A visit as the API shows it. Reads only, on any connection. */
#include "server/visit/visit_int.h"
#include "server/store/cell.h"

/* With the day on which it was made: early, in_window or late. */
static void put_done(struct json_out *out, const struct zone *zone, const struct sql_rows *rows)
{
    int32_t day;

    cell_time(out, "done_at", zone, rows, 11);
    if (sql_null(rows, 11)) {
        json_null(out, "punctuality");
        return;
    }
    day = zone_day(zone, sql_int(rows, 11));
    json_text(out, "punctuality", day < sql_int(rows, 2) ? "early" : day > sql_int(rows, 4) ? "late" : "in_window");
}

static void put_target(struct json_out *out, const struct sql_rows *rows)
{
    cell_day(out, "target_on", rows, 12);
    json_text(out, "target_why", sql_text(rows, 13));
    json_text(out, "target_by", sql_text(rows, 14));
    json_key(out, "pulled");
    if (sql_null(rows, 15)) {
        json_put_null(out);
        return;
    }
    json_open_object(out);
    cell_day(out, "on", rows, 15);
    json_text(out, "why", sql_text(rows, 16));
    json_close_object(out);
}

static void put_charge(struct json_out *out, const struct sql_rows *rows)
{
    char words[11];

    json_key(out, "charge");
    if (sql_null(rows, 17)) {
        json_put_null(out);
    } else {
        json_open_object(out);
        json_bool(out, "free", text_same(sql_text(rows, 17), "free"));
        json_text(out, "why", sql_text(rows, 18));
        json_close_object(out);
    }
    json_key(out, "contract_year");
    if (sql_null(rows, 20)) {
        json_put_null(out);
        return;
    }
    json_open_object(out);
    json_text(out, "contract", sql_text(rows, 19));
    cell_day(out, "from", rows, 20);
    civil_write_date(civil_add_months((int32_t)sql_int(rows, 20), 12) - 1, words);
    json_text(out, "to", words);
    json_int(out, "entitled", sql_int(rows, 21));
    json_int(out, "used", sql_int(rows, 22));
    json_close_object(out);
}

static void put_order(struct json_out *out, const struct zone *zone, const struct sql_rows *rows)
{
    json_text(out, "work_order", sql_text(rows, 6));
    json_text(out, "rides_on", sql_text(rows, 23));
    json_text(out, "technician", sql_text(rows, 24));
    json_key(out, "appointment");
    if (sql_null(rows, 25)) {
        json_put_null(out);
        return;
    }
    json_open_object(out);
    cell_time(out, "from", zone, rows, 25);
    cell_time(out, "to", zone, rows, 26);
    json_close_object(out);
}

static enum err put_history(struct sql *sql, int64_t visit, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "timeline");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT at_ms, who, action, action_id, note FROM visit_event WHERE visit = ?1 ORDER BY id LIMIT 1000",
             "i", visit);
    while (sql_next(&rows)) {
        json_open_object(out);
        cell_time(out, "at", zone, &rows, 0);
        json_text(out, "who", sql_text(&rows, 1));
        json_text(out, "action", sql_text(&rows, 2));
        json_text(out, "id", sql_text(&rows, 3));
        json_text(out, "note", sql_text(&rows, 4));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static void put_row(struct sql_rows *rows, const struct zone *zone, struct json_out *out)
{
    json_text(out, "equipment", sql_text(rows, 0));
    json_int(out, "sequence", sql_int(rows, 1));
    cell_day(out, "window_start", rows, 2);
    cell_day(out, "due_on", rows, 3);
    cell_day(out, "window_end", rows, 4);
    json_text(out, "state", sql_text(rows, 5));
    put_order(out, zone, rows);
    json_text(out, "plan", sql_text(rows, 7));
    json_text(out, "site", sql_text(rows, 8));
    json_text(out, "team", sql_text(rows, 28));
    json_text(out, "code", sql_text(rows, 10));
    json_text(out, "reason", sql_text(rows, 9));
    put_target(out, rows);
    put_done(out, zone, rows);
    put_charge(out, rows);
    json_int(out, "version", sql_int(rows, 27));
}

enum err visit_view(struct sql *sql, struct rules *rules, int64_t visit, bool history, struct json_out *out)
{
    const struct zone *zone = NULL;
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT e.name, v.sequence, v.window_start_day, v.due_day, v.window_end_day, v.state, w.number, v.plan, s.name,"
             " v.reason, v.code, v.done_ms, v.target_day, v.target_why, v.target_by, v.pull_day, v.pull_why, v.charge,"
             " v.charge_why, c.name, v.year_day, v.entitled, (SELECT COUNT(*) FROM visit u WHERE u.equipment = v.equipment"
             " AND u.year_day = v.year_day AND u.state = 'done'), h.number, t.name, w.from_ms, w.to_ms, v.version, m.name,"
             " COALESCE(s.time_zone, k.time_zone) FROM visit v JOIN equipment e ON e.id = v.equipment LEFT JOIN site s ON"
             " s.id = e.site LEFT JOIN calendar k ON k.id = s.calendar LEFT JOIN work_order w ON w.visit = v.id AND w.state"
             " <> 'cancelled' LEFT JOIN work_order h ON h.id = w.ride LEFT JOIN technician t ON t.id = w.technician LEFT JOIN"
             " contract c ON c.id = v.contract LEFT JOIN team m ON m.id = COALESCE(w.team, v.team) WHERE v.id = ?1",
             "i", visit);
    found = sql_next(&rows);
    if (found) {
        const char *name = sql_text(&rows, 29);

        zone = name ? rules_zone(rules, name) : NULL;
        zone = zone ? zone : zone_utc();
        json_open_object(out);
        json_int(out, "id", visit);
        put_row(&rows, zone, out);
    }
    err = sql_end(&rows);
    if (!err && found && history) {
        err = put_history(sql, visit, zone, out);
    }
    if (found) {
        json_close_object(out);
    }
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}
