/* What the API shows of the stock. */
#include "server/stock/view.h"

#include "models/base/civil.h"

static void put_time(struct json_out *out, const char *name, const struct zone *zone, const struct sql_rows *rows, int column)
{
    TEXT(at, 48);

    if (sql_null(rows, column) || sql_int(rows, column) == 0) {
        json_null(out, name);
        return;
    }
    zone_write(zone, sql_int(rows, column), &at);
    json_text(out, name, at.at);
}

static void put_int(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    if (sql_null(rows, column)) {
        json_null(out, name);
    } else {
        json_int(out, name, sql_int(rows, column));
    }
}

static void put_title(struct json_out *out, const struct sql_rows *rows, int column)
{
    json_key(out, "title");
    json_open_object(out);
    json_text(out, "en", sql_text(rows, column));
    json_text(out, "zh", sql_text(rows, column + 1));
    json_close_object(out);
}

static void put_date(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    char date[11];

    if (sql_null(rows, column)) {
        json_null(out, name);
        return;
    }
    civil_write_date((int32_t)sql_int(rows, column), date);
    json_text(out, name, date);
}

/* ------------------------------------------------------------------ parts and places */

static enum err put_fits(struct sql *sql, int64_t part, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "fits");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT profile, component, rate FROM part_fit WHERE part = ?1 LIMIT 200", "i", part);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "profile", sql_text(&rows, 0));
        json_text(out, "component", sql_text(&rows, 1));
        if (sql_null(&rows, 2)) {
            json_null(out, "rate");
        } else {
            json_number(out, "rate", sql_real(&rows, 2));
        }
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_stock(struct sql *sql, int64_t part, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "stock");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT d.name, k.count, k.held FROM stock k JOIN depot d ON d.id = k.depot WHERE k.part = ?1 ORDER BY d.name LIMIT"
             " 500",
             "i", part);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "depot", sql_text(&rows, 0));
        json_int(out, "count", sql_int(&rows, 1));
        json_int(out, "reserved", sql_int(&rows, 2));
        json_int(out, "free", sql_int(&rows, 1) - sql_int(&rows, 2));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err part_view(struct sql *sql, int64_t part, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT name, title_en, title_zh, class, tracked, supplier, lead_ms, life_days, consumable, inspected, unit_cost,"
             " currency, doc FROM part WHERE id = ?1",
             "i", part);
    found = sql_next(&rows);
    json_open_object(out);
    if (found) {
        json_text(out, "id", sql_text(&rows, 0));
        put_title(out, &rows, 1);
        json_text(out, "class", sql_text(&rows, 3));
        json_text(out, "tracked", sql_text(&rows, 4));
        json_text(out, "supplier", sql_text(&rows, 5));
        if (sql_null(&rows, 6)) {
            json_null(out, "lead_days");
        } else {
            json_number(out, "lead_days", (double)sql_int(&rows, 6) / 86400000.0);
        }
        put_int(out, "shelf_life_days", &rows, 7);
        json_bool(out, "consumable", sql_int(&rows, 8) != 0);
        json_bool(out, "inspected", sql_int(&rows, 9) != 0);
        put_int(out, "unit_cost", &rows, 10);
        json_text(out, "currency", sql_text(&rows, 11));
        json_raw(out, "file", sql_text(&rows, 12));
    }
    err = sql_end(&rows);
    err = err ? err : put_fits(sql, part, out);
    err = err ? err : put_stock(sql, part, out);
    json_close_object(out);
    return err || found ? err : ERR_NOT_FOUND;
}

enum err depot_view(struct sql *sql, int64_t depot, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT d.name, d.title, d.kind, d.counts, t.name, m.name, d.lat, d.lon, (SELECT CAST(SUM(h.there) AS BIGINT) FROM"
             " rack_now h WHERE h.depot = d.id), (SELECT CAST(SUM(h.there * l.unit_cost) AS BIGINT) FROM rack_now h JOIN lot l"
             " ON l.id = h.lot WHERE h.depot = d.id) FROM depot d LEFT JOIN technician t ON t.id = d.technician LEFT JOIN team m"
             " ON m.id = d.team WHERE d.id = ?1",
             "i", depot);
    found = sql_next(&rows);
    if (found) {
        json_open_object(out);
        json_text(out, "id", sql_text(&rows, 0));
        json_text(out, "name", sql_text(&rows, 1));
        json_text(out, "kind", sql_text(&rows, 2));
        json_bool(out, "usable", sql_int(&rows, 3) != 0);
        json_text(out, "technician", sql_text(&rows, 4));
        json_text(out, "team", sql_text(&rows, 5));
        json_number(out, "lat", sql_real(&rows, 6));
        json_number(out, "lon", sql_real(&rows, 7));
        json_int(out, "pieces", sql_int(&rows, 8));
        json_int(out, "value", sql_int(&rows, 9));
        json_close_object(out);
    }
    err = sql_end(&rows);
    return err || found ? err : ERR_NOT_FOUND;
}

enum err rack_view(struct sql *sql, int64_t rack, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT p.name, p.title_en, p.title_zh, d.name, NULLIF(l.name, '-'), l.serial, l.state, l.supplier, l.expires_day,"
             " h.there, h.held, l.unit_cost, l.currency FROM rack_now h JOIN part p ON p.id = h.part JOIN depot d ON d.id ="
             " h.depot JOIN lot l ON l.id = h.lot WHERE h.rack = ?1",
             "i", rack);
    found = sql_next(&rows);
    if (found) {
        json_open_object(out);
        json_text(out, "part", sql_text(&rows, 0));
        put_title(out, &rows, 1);
        json_text(out, "depot", sql_text(&rows, 3));
        json_text(out, "lot", sql_text(&rows, 4));
        json_bool(out, "serial", sql_int(&rows, 5) != 0);
        json_text(out, "state", sql_text(&rows, 6));
        json_text(out, "supplier", sql_text(&rows, 7));
        put_date(out, "expires", &rows, 8);
        json_int(out, "count", sql_int(&rows, 9));
        json_int(out, "reserved", sql_int(&rows, 10));
        json_int(out, "unit_cost", sql_int(&rows, 11));
        json_text(out, "currency", sql_text(&rows, 12));
        json_close_object(out);
    }
    err = sql_end(&rows);
    return err || found ? err : ERR_NOT_FOUND;
}

enum err move_view(struct sql *sql, int64_t move, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT p.name, d.name, NULLIF(l.name, '-'), m.kind, m.count, m.hold, m.there, m.held, m.unit_cost, l.currency,"
             " w.number, v.number, m.who, m.note, m.at_ms FROM stock_move m JOIN rack s ON s.id = m.rack JOIN part p ON p.id ="
             " s.part JOIN depot d ON d.id = s.depot JOIN lot l ON l.id = s.lot LEFT JOIN work_order w ON w.id = m.work_order"
             " LEFT JOIN voucher v ON v.id = m.voucher WHERE m.id = ?1",
             "i", move);
    if (sql_next(&rows)) {
        json_open_object(out);
        json_int(out, "id", move);
        json_text(out, "part", sql_text(&rows, 0));
        json_text(out, "depot", sql_text(&rows, 1));
        json_text(out, "lot", sql_text(&rows, 2));
        json_text(out, "kind", sql_text(&rows, 3));
        json_int(out, "count", sql_int(&rows, 4));
        json_int(out, "reserved", sql_int(&rows, 5));
        json_int(out, "count_after", sql_int(&rows, 6));
        json_int(out, "reserved_after", sql_int(&rows, 7));
        json_int(out, "unit_cost", sql_int(&rows, 8));
        json_text(out, "currency", sql_text(&rows, 9));
        json_text(out, "work_order", sql_text(&rows, 10));
        json_text(out, "voucher", sql_text(&rows, 11));
        json_text(out, "who", sql_text(&rows, 12));
        json_text(out, "note", sql_text(&rows, 13));
        put_time(out, "at", zone, &rows, 14);
        json_close_object(out);
    }
    err = sql_end(&rows);
    return err;
}

/* ------------------------------------------------------------------ vouchers */

static enum err put_lines(struct sql *sql, int64_t voucher, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "lines");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT p.name, p.title_en, p.title_zh, d.name, NULLIF(l.name, '-'), n.count, n.expected, n.counted, n.counted -"
             " n.expected, n.received, COALESCE(l.unit_cost, p.unit_cost), n.note, n.count * COALESCE(l.unit_cost, p.unit_cost)"
             " FROM voucher_line n JOIN part p ON p.id = n.part LEFT JOIN rack s ON s.id = n.rack LEFT JOIN depot d ON d.id ="
             " s.depot LEFT JOIN lot l ON l.id = s.lot WHERE n.voucher = ?1 ORDER BY n.position LIMIT 5000",
             "i", voucher);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "part", sql_text(&rows, 0));
        put_title(out, &rows, 1);
        json_text(out, "depot", sql_text(&rows, 3));
        json_text(out, "lot", sql_text(&rows, 4));
        json_int(out, "count", sql_int(&rows, 5));
        put_int(out, "expected", &rows, 6);
        put_int(out, "counted", &rows, 7);
        put_int(out, "difference", &rows, 8);
        json_int(out, "received", sql_int(&rows, 9));
        put_int(out, "unit_cost", &rows, 10);
        put_int(out, "value", &rows, 12);
        json_text(out, "note", sql_text(&rows, 11));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_events(struct sql *sql, int64_t voucher, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "events");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT action, state, who, at_ms, action_id, note FROM voucher_event WHERE voucher = ?1 ORDER BY id LIMIT 1000",
             "i", voucher);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "action", sql_text(&rows, 0));
        json_text(out, "state", sql_text(&rows, 1));
        json_text(out, "who", sql_text(&rows, 2));
        put_time(out, "at", zone, &rows, 3);
        json_text(out, "id", sql_text(&rows, 4));
        json_text(out, "note", sql_text(&rows, 5));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* Where pieces of the lot of a sample went: the jobs to look at when it failed (S1-51). */
static enum err put_used_in(struct sql *sql, int64_t lot, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "used_in");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT w.number, t.number, e.name, CAST(-SUM(m.count) AS BIGINT) FROM rack s JOIN stock_move m ON m.rack = s.id AND"
             " m.kind IN ('use', 'issue', 'return') JOIN work_order w ON w.id = m.work_order LEFT JOIN ticket t ON t.id ="
             " w.ticket LEFT JOIN equipment e ON e.id = w.equipment WHERE s.lot = ?1 GROUP BY w.id, w.number, t.number, e.name"
             " HAVING SUM(m.count) < 0 ORDER BY w.id LIMIT 1000",
             "i", lot);
    while (lot && sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "work_order", sql_text(&rows, 0));
        json_text(out, "ticket", sql_text(&rows, 1));
        json_text(out, "equipment", sql_text(&rows, 2));
        json_int(out, "count", sql_int(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static void put_head(struct json_out *out, const struct sql_rows *rows, const struct zone *zone)
{
    static const char *const texts[] = {"number", "kind", "state", "part", "depot", "to", "lot", "serial", "work_order",
                                        "ticket", "equipment", "site", "address", "contract", "asked_by", "rma"};

    for (int i = 0; i < 16; i++) {
        json_text(out, texts[i], sql_text(rows, i));
    }
    put_title(out, rows, 16);
    json_int(out, "count", sql_int(rows, 18));
    put_time(out, "due_at", zone, rows, 19);
    put_time(out, "created_at", zone, rows, 20);
    put_time(out, "closed_at", zone, rows, 21);
    json_raw(out, "facts", sql_text(rows, 22));
    json_int(out, "version", sql_int(rows, 23));
}

enum err voucher_view(struct sql *sql, int64_t voucher, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    int64_t lot = 0;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT v.number, v.kind, v.state, p.name, d.name, o.name, NULLIF(l.name, '-'), v.serial, w.number, t.number,"
             " e.name, s.name, s.address, c.name, v.asked_by, (SELECT MIN(r.rma) FROM work_order r WHERE r.parent = w.id AND"
             " r.rma IS NOT NULL), p.title_en, p.title_zh, v.count, v.due_ms, v.created_ms, v.closed_ms, v.doc, v.version, v.lot"
             " FROM voucher v LEFT JOIN part p ON p.id = v.part LEFT JOIN depot d ON d.id = v.depot LEFT JOIN depot o ON o.id ="
             " v.to_depot LEFT JOIN lot l ON l.id = v.lot LEFT JOIN work_order w ON w.id = v.work_order LEFT JOIN ticket t ON"
             " t.id = v.ticket LEFT JOIN equipment e ON e.id = v.equipment LEFT JOIN site s ON s.id = COALESCE(w.site, e.site)"
             " LEFT JOIN contract c ON c.id = v.contract WHERE v.id = ?1",
             "i", voucher);
    found = sql_next(&rows);
    json_open_object(out);
    if (found) {
        put_head(out, &rows, zone);
        lot = sql_int(&rows, 24);
    }
    err = sql_end(&rows);
    err = err ? err : put_lines(sql, voucher, out);
    err = err ? err : put_used_in(sql, lot, out);
    err = err ? err : put_events(sql, voucher, zone, out);
    json_close_object(out);
    return err || found ? err : ERR_NOT_FOUND;
}
