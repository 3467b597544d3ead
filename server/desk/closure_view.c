/* The end of a ticket, for the API. */
#include "models/base/zone.h"
#include "server/desk/closure.h"
#include "server/store/cell.h"

static enum err put_repairs(struct sql *sql, const struct zone *zone, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "repairs");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT r.at_ms, r.who, w.number, r.outcome, r.outcome_ms, r.reason FROM repair r LEFT JOIN work_order w ON"
             " w.id = r.work_order WHERE r.ticket = ?1 ORDER BY r.id",
             "i", ticket);
    while (sql_next(&rows)) {
        json_open_object(out);
        cell_time(out, "at", zone, &rows, 0);
        json_text(out, "who", sql_text(&rows, 1));
        json_text(out, "work_order", sql_text(&rows, 2));
        json_text(out, "outcome", sql_null(&rows, 3) ? "waiting" : sql_text(&rows, 3));
        cell_time(out, "outcome_at", zone, &rows, 4);
        json_text(out, "reason", sql_text(&rows, 5));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_acceptance(struct sql *sql, const struct zone *zone, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "acceptance");
    sql_find(sql, &rows,
             "SELECT result, at_ms, due_ms, name, remarks FROM acceptance WHERE ticket = ?1 ORDER BY id DESC LIMIT 1", "i",
             ticket);
    if (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "result", sql_null(&rows, 0) ? "waiting" : sql_text(&rows, 0));
        cell_time(out, "at", zone, &rows, 1);
        cell_time(out, "deemed_at", zone, &rows, 2);
        json_text(out, "name", sql_text(&rows, 3));
        json_text(out, "remarks", sql_text(&rows, 4));
        json_close_object(out);
    } else {
        json_put_null(out);
    }
    return sql_end(&rows);
}

static enum err put_rca(struct sql *sql, const struct zone *zone, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "rca");
    sql_find(sql, &rows, "SELECT state, required, drafted_ms, approved_ms FROM rca WHERE ticket = ?1", "i", ticket);
    if (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "state", sql_text(&rows, 0));
        json_bool(out, "required", sql_int(&rows, 1) != 0);
        cell_time(out, "drafted_at", zone, &rows, 2);
        cell_time(out, "approved_at", zone, &rows, 3);
        json_close_object(out);
    } else {
        json_put_null(out);
    }
    return sql_end(&rows);
}

enum err closure_put(struct sql *sql, const struct zone *zone, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_key(out, "closure");
    json_open_object(out);
    sql_find(sql, &rows, "SELECT proof, proof_reason, proved_ms, fed_back_ms FROM ticket WHERE id = ?1", "i", ticket);
    if (sql_next(&rows)) {
        json_text(out, "proof", sql_text(&rows, 0));
        json_text(out, "reason", sql_text(&rows, 1));
        cell_time(out, "proved_at", zone, &rows, 2);
        cell_time(out, "fed_back_at", zone, &rows, 3);
    }
    err = sql_end(&rows);
    if (!err) {
        err = put_repairs(sql, zone, ticket, out);
    }
    if (!err) {
        err = put_acceptance(sql, zone, ticket, out);
    }
    if (!err) {
        err = put_rca(sql, zone, ticket, out);
    }
    json_close_object(out);
    return err;
}
