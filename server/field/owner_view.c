/* Whose a ticket is and was, as the API shows it. */
#include "models/service/sla.h"
#include "server/field/owner.h"
#include "server/store/cell.h"

/* The internal target; it ends with the assignment. */
static void put_target(const struct sql_rows *rows, const struct zone *zone, int64_t now_ms, struct json_out *out)
{
    struct workdays workdays = workdays_always(zone);
    struct sla_facts facts = {.started_ms = sql_int(rows, 2), .cancelled_ms = -1, .workdays = &workdays};
    struct sla_clock clock;
    TEXT(due, 48);

    json_key(out, "target");
    if (sql_null(rows, 9) || duration_read(sql_text(rows, 9), &facts.limit)) {
        json_put_null(out);
        return;
    }
    facts.met_ms = sql_null(rows, 6) ? -1 : sql_int(rows, 6);
    facts.cancelled_ms = sql_null(rows, 6) && !sql_null(rows, 8) ? sql_int(rows, 8) : -1;
    clock = sla_judge(&facts, 0, now_ms);
    zone_write(zone, clock.due_ms, &due);
    json_open_object(out);
    json_text(out, "limit", sql_text(rows, 9));
    json_text(out, "origin", sql_text(rows, 10));
    json_text(out, "due_at", due.at);
    cell_time(out, "met_at", zone, rows, 6);
    json_text(out, "state", sla_state_names[clock.state]);
    json_close_object(out);
}

static void put_assignment(const struct sql_rows *rows, const struct zone *zone, int64_t now_ms, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "team", sql_text(rows, 0));
    json_text(out, "technician", sql_text(rows, 1));
    json_bool(out, "desk", sql_null(rows, 0) && sql_null(rows, 1));
    cell_time(out, "asked_at", zone, rows, 2);
    json_text(out, "asked_by", sql_text(rows, 3));
    cell_time(out, "owner_since", zone, rows, 4);
    cell_time(out, "accepted_at", zone, rows, 5);
    cell_time(out, "arranged_at", zone, rows, 6);
    cell_time(out, "refused_at", zone, rows, 7);
    json_text(out, "reason", sql_text(rows, 11));
    json_text(out, "words", sql_text(rows, 12));
    cell_time(out, "ended_at", zone, rows, 8);
    put_target(rows, zone, now_ms, out);
    json_close_object(out);
}

/* One kind of them: 'o' the owner, 'a' who is asked, '*' all. An object, null, or a list. */
static enum err put_some(struct sql *sql, int64_t ticket, const char *some, const struct zone *zone, int64_t now_ms,
                         struct json_out *out)
{
    struct sql_rows rows;
    bool any = false;

    sql_find(sql, &rows,
             "SELECT m.name, h.name, a.asked_ms, a.asked_by, a.owned_ms, a.accepted_ms, a.arranged_ms, a.refused_ms,"
             " a.ended_ms, a.limit_text, a.origin, a.reason, a.words FROM assignment a LEFT JOIN team m ON m.id = a.team"
             " LEFT JOIN technician h ON h.id = a.technician WHERE a.ticket = ?1 AND (?2 = '*' OR (a.ended_ms IS NULL"
             " AND ((?2 = 'o' AND a.owned_ms IS NOT NULL) OR (?2 = 'a' AND a.owned_ms IS NULL)))) ORDER BY a.id",
             "it", ticket, some);
    while (sql_next(&rows)) {
        any = true;
        put_assignment(&rows, zone, now_ms, out);
    }
    if (!any && some[0] != '*') {
        json_put_null(out);
    }
    return sql_end(&rows);
}

enum err owner_put(struct sql *sql, struct rules *rules, int64_t ticket, const struct zone *zone, int64_t now_ms,
                   struct json_out *out)
{
    enum err err;

    (void)rules;
    json_key(out, "owner");
    err = put_some(sql, ticket, "o", zone, now_ms, out);
    json_key(out, "asked");
    if (!err) {
        err = put_some(sql, ticket, "a", zone, now_ms, out);
    }
    json_key(out, "assignments");
    json_open_list(out);
    if (!err) {
        err = put_some(sql, ticket, "*", zone, now_ms, out);
    }
    json_close_list(out);
    json_int(out, "bounces", owner_bounces(sql, ticket));
    return err;
}
