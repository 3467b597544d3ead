/* Money as JSON: amounts in minor units, the same in words beside sums. */
#include <string.h>

#include "models/base/zone.h"
#include "server/money/money_int.h"
#include "server/store/cell.h"

static void put_int(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    if (sql_null(rows, column)) {
        json_null(out, name);
    } else {
        json_int(out, name, sql_int(rows, column));
    }
}

/* "508.80 CNY" for people beside 50880. */
static void put_words(struct json_out *out, const char *name, int64_t minor, const char *currency)
{
    TEXT(words, 48);

    money_write(minor, &words);
    text_addf(&words, " %s", currency);
    json_text(out, name, words.at);
}

/* A list of rows of one number each, every one shown by `show`. */
static enum err put_each(struct sql *sql, struct sql_rows *rows, const struct zone *zone, struct json_out *out,
                         enum err (*show)(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out))
{
    int64_t ids[MONEY_LINES_MOST];
    size_t count = 0;
    enum err err;

    while (count < MONEY_LINES_MOST && sql_next(rows)) {
        ids[count++] = sql_int(rows, 0);
    }
    err = sql_end(rows);
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        err = show(sql, ids[i], zone, out);
    }
    json_close_list(out);
    return err;
}

/* ------------------------------------------------------------------ quotations */

static enum err put_offer_lines(struct sql *sql, int64_t quotation, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "lines");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT item, words, part, quantity, unit, amount, tax, mode, rule FROM quotation_line WHERE quotation = ?1 ORDER BY"
             " position",
             "i", quotation);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "item", sql_text(&rows, 0));
        json_text(out, "words", sql_text(&rows, 1));
        json_text(out, "part", sql_text(&rows, 2));
        json_number(out, "quantity", (double)sql_int(&rows, 3) / 1000);
        json_int(out, "unit_minor", sql_int(&rows, 4));
        json_int(out, "amount_minor", sql_int(&rows, 5));
        json_int(out, "tax_minor", sql_int(&rows, 6));
        json_text(out, "mode", sql_text(&rows, 7));
        json_text(out, "rule", sql_text(&rows, 8));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static void put_offer_head(const struct sql_rows *rows, const struct zone *zone, struct json_out *out)
{
    json_text(out, "number", sql_text(rows, 0));
    json_int(out, "version", sql_int(rows, 1));
    json_text(out, "state", sql_text(rows, 2));
    json_text(out, "currency", sql_text(rows, 3));
    json_int(out, "amount_minor", sql_int(rows, 4));
    json_int(out, "tax_minor", sql_int(rows, 5));
    json_int(out, "total_minor", sql_int(rows, 6));
    put_words(out, "total", sql_int(rows, 6), sql_text(rows, 3));
    cell_time(out, "valid_until", zone, rows, 7);
    put_int(out, "new_unit_minor", rows, 8);
    json_bool(out, "advise_new", sql_int(rows, 9) != 0);
}

enum err money_show_quotation(struct sql *sql, int64_t quotation, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT q.number, q.version, q.state, q.currency, q.amount, q.tax, q.total, q.valid_until_ms, q.new_unit, q.advise_new,"
             " t.number, q.plan,"
             " q.plan_hash, q.who, q.at_ms, q.answered_ms, c.how, c.name, c.who, c.at_ms, e.name, s.title, s.address, q.approved_by"
             " FROM"
             " quotation q JOIN ticket t ON t.id = q.ticket LEFT JOIN consent c ON c.quotation = q.id LEFT JOIN equipment e ON"
             " e.id = t.equipment LEFT JOIN site s ON s.id = t.site WHERE q.id = ?1",
             "i", quotation);
    found = sql_next(&rows);
    if (found) {
        put_offer_head(&rows, zone, out);
        json_text(out, "ticket", sql_text(&rows, 10));
        json_text(out, "equipment", sql_text(&rows, 20));
        json_text(out, "site", sql_text(&rows, 21));
        json_text(out, "address", sql_text(&rows, 22));
        json_text(out, "plan", sql_text(&rows, 11));
        json_text(out, "schedule", sql_text(&rows, 12)); /* the version of the charge schedule */
        json_text(out, "who", sql_text(&rows, 13));
        cell_time(out, "at", zone, &rows, 14);
        cell_time(out, "answered_at", zone, &rows, 15);
        json_text(out, "approved_by", sql_text(&rows, 23));
        json_key(out, "consent");
        if (sql_null(&rows, 16)) {
            json_put_null(out);
        } else {
            json_open_object(out);
            json_text(out, "how", sql_text(&rows, 16));
            json_text(out, "name", sql_text(&rows, 17));
            json_text(out, "who", sql_text(&rows, 18));
            cell_time(out, "at", zone, &rows, 19);
            json_close_object(out);
        }
    }
    err = sql_end(&rows);
    err = err ? err : put_offer_lines(sql, quotation, out);
    json_close_object(out);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err money_show_offer(struct sql *sql, int64_t ticket, const struct zone *zone, struct json_out *out)
{
    int64_t id = sql_find_int(sql, 0, "SELECT MAX(id) FROM quotation WHERE ticket = ?1 AND state IN ('open', 'accepted',"
                                      " 'refused')", "i", ticket);
    struct sql_rows rows;
    enum err err;

    json_key(out, "quotation");
    if (!id) {
        json_put_null(out);
        return ERR_OK;
    }
    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT number, version, state, currency, amount, tax, total, valid_until_ms, new_unit, advise_new FROM quotation WHERE"
             " id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        put_offer_head(&rows, zone, out);
    }
    err = sql_end(&rows);
    err = err ? err : put_offer_lines(sql, id, out);
    json_close_object(out);
    return err;
}

/* ------------------------------------------------------------------ books */

static void put_line(const struct sql_rows *rows, const struct zone *zone, struct json_out *out)
{
    json_open_object(out);
    json_int(out, "id", sql_int(rows, 0));
    json_text(out, "kind", sql_text(rows, 1));
    json_text(out, "payer", sql_text(rows, 2));
    json_text(out, "party", sql_text(rows, 3));
    json_text(out, "item", sql_text(rows, 4));
    json_text(out, "words", sql_text(rows, 5));
    json_number(out, "quantity", (double)sql_int(rows, 6) / 1000);
    json_int(out, "unit_minor", sql_int(rows, 7));
    json_int(out, "amount_minor", sql_int(rows, 8));
    json_int(out, "tax_minor", sql_int(rows, 9));
    json_int(out, "total_minor", sql_int(rows, 10));
    json_text(out, "currency", sql_text(rows, 11));
    json_text(out, "ticket", sql_text(rows, 12));
    json_text(out, "work_order", sql_text(rows, 13));
    json_text(out, "who", sql_text(rows, 14));
    cell_time(out, "at", zone, rows, 15);
    json_text(out, "invoice", sql_text(rows, 16));
    json_text(out, "settlement", sql_text(rows, 17));
    json_close_object(out);
}

#define LINE                                                                                                             \
    "SELECT l.id, l.kind, l.payer, l.party, l.item, l.words, l.quantity, l.unit, l.amount, l.tax, l.total, l.currency,"   \
    " t.number, o.number, l.who, l.at_ms, i.number, b.number FROM money_line l JOIN ticket t ON t.id = l.ticket LEFT"     \
    " JOIN work_order o ON o.id = l.work_order LEFT JOIN invoice_line x ON x.line = l.id LEFT JOIN invoice i ON i.id ="   \
    " x.invoice LEFT JOIN settlement_line y ON y.line = l.id LEFT JOIN settlement b ON b.id = y.settlement "

static enum err put_lines(struct sql_rows *rows, const struct zone *zone, struct json_out *out)
{
    json_open_list(out);
    while (sql_next(rows)) {
        put_line(rows, zone, out);
    }
    json_close_list(out);
    return sql_end(rows);
}

static enum err put_requests(struct sql *sql, int64_t ticket, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "requests");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT name, kind, amount, tax, reason, asked_by, asked_ms, state, decided_by, decided_ms, note FROM money_request"
             " WHERE ticket = ?1 ORDER BY id LIMIT 500",
             "i", ticket);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "request", sql_text(&rows, 0));
        json_text(out, "kind", sql_text(&rows, 1));
        json_int(out, "amount_minor", sql_int(&rows, 2));
        json_int(out, "tax_minor", sql_int(&rows, 3));
        json_text(out, "reason", sql_text(&rows, 4));
        json_text(out, "asked_by", sql_text(&rows, 5));
        cell_time(out, "asked_at", zone, &rows, 6);
        json_text(out, "state", sql_text(&rows, 7));
        json_text(out, "decided_by", sql_text(&rows, 8));
        cell_time(out, "decided_at", zone, &rows, 9);
        json_text(out, "note", sql_text(&rows, 10));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err money_show_invoice(struct sql *sql, int64_t invoice, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT i.number, i.kind, t.number, i.currency, i.total, i.reference, i.who, i.at_ms, c.title, s.address, e.name"
             " FROM invoice i JOIN ticket t ON t.id = i.ticket LEFT JOIN site s ON s.id = t.site LEFT JOIN customer c ON c.id ="
             " s.customer LEFT JOIN equipment e ON e.id = t.equipment WHERE i.id = ?1",
             "i", invoice);
    found = sql_next(&rows);
    if (found) {
        json_text(out, "number", sql_text(&rows, 0));
        json_text(out, "kind", sql_text(&rows, 1));
        json_text(out, "ticket", sql_text(&rows, 2));
        json_text(out, "currency", sql_text(&rows, 3));
        json_int(out, "total_minor", sql_int(&rows, 4));
        put_words(out, "total", sql_int(&rows, 4), sql_text(&rows, 3));
        json_text(out, "reference", sql_text(&rows, 5));
        json_text(out, "customer", sql_text(&rows, 8));
        json_text(out, "address", sql_text(&rows, 9));
        json_text(out, "equipment", sql_text(&rows, 10));
        json_text(out, "who", sql_text(&rows, 6));
        cell_time(out, "at", zone, &rows, 7);
    }
    err = sql_end(&rows);
    if (!err) {
        json_key(out, "lines");
        sql_find(sql, &rows, LINE "WHERE x.invoice = ?1 ORDER BY l.id", "i", invoice);
        err = put_lines(&rows, zone, out);
    }
    json_close_object(out);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err money_show_ticket(struct sql *sql, int64_t ticket, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    json_key(out, "quotations");
    sql_find(sql, &rows, "SELECT id FROM quotation WHERE ticket = ?1 ORDER BY version", "i", ticket);
    err = put_each(sql, &rows, zone, out, money_show_quotation);
    json_key(out, "lines");
    if (!err) {
        sql_find(sql, &rows, LINE "WHERE l.ticket = ?1 ORDER BY l.id LIMIT 5000", "i", ticket);
        err = put_lines(&rows, zone, out);
    }
    json_int(out, "owed_minor", money_owed(sql, ticket));
    err = err ? err : put_requests(sql, ticket, zone, out);
    json_key(out, "invoices");
    if (!err) {
        sql_find(sql, &rows, "SELECT id FROM invoice WHERE ticket = ?1 ORDER BY id", "i", ticket);
        err = put_each(sql, &rows, zone, out, money_show_invoice);
    }
    json_key(out, "claims");
    if (!err) {
        sql_find(sql, &rows, "SELECT id FROM claim WHERE ticket = ?1 ORDER BY id", "i", ticket);
        err = put_each(sql, &rows, zone, out, money_show_claim);
    }
    json_close_object(out);
    return err;
}

/* ------------------------------------------------------------------ claims and settlements */

static enum err put_claim_events(struct sql *sql, int64_t claim, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "timeline");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT action, note, amount, who, at_ms FROM claim_event WHERE claim = ?1 ORDER BY id LIMIT 500", "i",
             claim);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "action", sql_text(&rows, 0));
        json_text(out, "note", sql_text(&rows, 1));
        put_int(out, "amount_minor", &rows, 2);
        json_text(out, "who", sql_text(&rows, 3));
        cell_time(out, "at", zone, &rows, 4);
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err money_show_claim(struct sql *sql, int64_t claim, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT c.number, t.number, s.name, s.title, c.component, c.part, c.serial, c.state, c.asked, c.agreed, c.currency,"
             " c.reference, c.appointment_ms, c.who, c.at_ms, c.evidence, c.version FROM claim c JOIN ticket t ON t.id ="
             " c.ticket JOIN supplier s ON s.id = c.supplier WHERE c.id = ?1",
             "i", claim);
    found = sql_next(&rows);
    if (found) {
        json_text(out, "number", sql_text(&rows, 0));
        json_text(out, "ticket", sql_text(&rows, 1));
        json_text(out, "supplier", sql_text(&rows, 2));
        json_text(out, "supplier_name", sql_text(&rows, 3));
        json_text(out, "component", sql_text(&rows, 4));
        json_text(out, "part", sql_text(&rows, 5));
        json_text(out, "serial", sql_text(&rows, 6));
        json_text(out, "state", sql_text(&rows, 7));
        json_int(out, "asked_minor", sql_int(&rows, 8));
        put_int(out, "agreed_minor", &rows, 9);
        json_text(out, "currency", sql_text(&rows, 10));
        json_text(out, "reference", sql_text(&rows, 11));
        cell_time(out, "appointment", zone, &rows, 12);
        json_text(out, "who", sql_text(&rows, 13));
        cell_time(out, "at", zone, &rows, 14);
        json_raw(out, "evidence", sql_text(&rows, 15));
        json_int(out, "version", sql_int(&rows, 16));
    }
    err = sql_end(&rows);
    err = err ? err : put_claim_events(sql, claim, zone, out);
    json_close_object(out);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

static enum err show_batch(struct sql *sql, int64_t settlement, const struct zone *zone, bool lines, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT number, kind, party, from_ms, to_ms, currency, total, lines, state, left_out, note, reference, answered_by,"
             " answered_ms, who, at_ms, version FROM settlement WHERE id = ?1",
             "i", settlement);
    found = sql_next(&rows);
    if (found) {
        json_text(out, "number", sql_text(&rows, 0));
        json_text(out, "kind", sql_text(&rows, 1));
        json_text(out, "party", sql_text(&rows, 2));
        cell_time(out, "from", zone, &rows, 3);
        cell_time(out, "to", zone, &rows, 4);
        json_text(out, "currency", sql_text(&rows, 5));
        json_int(out, "total_minor", sql_int(&rows, 6));
        put_words(out, "total", sql_int(&rows, 6), sql_text(&rows, 5));
        json_int(out, "count", sql_int(&rows, 7));
        json_text(out, "state", sql_text(&rows, 8));
        json_raw(out, "left_out", sql_text(&rows, 9));
        json_text(out, "note", sql_text(&rows, 10));
        json_text(out, "reference", sql_text(&rows, 11));
        json_text(out, "answered_by", sql_text(&rows, 12));
        cell_time(out, "answered_at", zone, &rows, 13);
        json_text(out, "who", sql_text(&rows, 14));
        cell_time(out, "at", zone, &rows, 15);
        json_int(out, "version", sql_int(&rows, 16));
    }
    err = sql_end(&rows);
    if (!err && lines) {
        json_key(out, "lines");
        sql_find(sql, &rows, LINE "WHERE y.settlement = ?1 ORDER BY l.id", "i", settlement);
        err = put_lines(&rows, zone, out);
    }
    json_close_object(out);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err money_show_settlement(struct sql *sql, int64_t settlement, const struct zone *zone, struct json_out *out)
{
    return show_batch(sql, settlement, zone, true, out);
}

enum err money_show_batch(struct sql *sql, int64_t settlement, const struct zone *zone, struct json_out *out)
{
    return show_batch(sql, settlement, zone, false, out);
}
