/*
 * Warranties that the first telemetry registers (S0-136): the plan waits for it while the card is owed. What was heard
 * of the equipment since its sale, and what the fleet's row says, is the evidence; a person confirms it, or says that it
 * was not the customer's connection: then the card is owed again.
 */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "server/money/money.h"
#include "server/store/cell.h"

#define SLICE    50
#define DOC_MOST 8192

struct connected {
    int64_t equipment, clock, sold_ms, first_ms;
};

/* ------------------------------------------------------------------ by itself */

static enum err put_evidence(struct sql *sql, const struct connected *connected, struct json_out *out)
{
    struct sql_rows rows;

    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT a.name, e.serial, e.profile, e.sale_day, e.completion_day, COALESCE(e.acceptance_day, e.accepted_day), e.first_seen_ms FROM equipment"
             " e LEFT JOIN agent a ON a.id = e.agent WHERE e.id = ?1",
             "i", connected->equipment);
    if (sql_next(&rows)) {
        TEXT(heard, 48);

        zone_write(zone_utc(), sql_int(&rows, 6), &heard);
        json_text(out, "agent", sql_text(&rows, 0));
        json_text(out, "serial", sql_text(&rows, 1));
        json_text(out, "profile", sql_text(&rows, 2));
        cell_day(out, "sale_date", &rows, 3);
        cell_day(out, "completion_date", &rows, 4);
        cell_day(out, "acceptance_date", &rows, 5);
        json_text(out, "first_telemetry", heard.at);
    }
    json_close_object(out);
    enum err err = sql_end(&rows);

    return err ? err : out->err;
}

static enum err connect_one(struct sql *sql, const struct connected *connected)
{
    struct json_out out = json_out(DOC_MOST);
    enum err err = put_evidence(sql, connected, &out);

    err = err ? err
              : sql_run(sql,
                        "UPDATE registration SET state = 'connected', first_ms = ?2, evidence = ?3, version = version + 1 WHERE"
                        " equipment = ?1",
                        "iit", connected->equipment, connected->first_ms, out.bytes);
    err = err ? err
              : sql_run(sql,
                        "UPDATE clock SET met_ms = ?2, done = ?3, next_ms = NULL, version = version + 1 WHERE id = ?1 AND met_ms"
                        " IS NULL AND cancelled_ms IS NULL",
                        "iit", connected->clock, connected->first_ms,
                        "{\"who\":\"heliograph\",\"action\":\"connected\",\"note\":\"first telemetry\"}");
    json_out_free(&out);
    return err;
}

enum err registration_turn(struct sql *sql)
{
    struct connected found[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    /* the card has come, or is not owed any more */
    enum err err = sql_run(sql,
                           "DELETE FROM registration WHERE state = 'waiting' AND EXISTS (SELECT 1 FROM clock k WHERE k.id ="
                           " registration.clock AND (k.met_ms IS NOT NULL OR k.cancelled_ms IS NOT NULL))",
                           "");

    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT r.equipment, r.clock, k.started_ms, e.first_seen_ms FROM registration r JOIN clock k ON k.id = r.clock JOIN"
             " equipment e ON e.id = r.equipment WHERE r.state = 'waiting' AND e.first_seen_ms IS NOT NULL AND e.last_seen_ms >="
             " k.started_ms ORDER BY r.equipment LIMIT 50",
             "");
    while (count < SLICE && sql_next(&rows)) {
        int64_t sold_ms = sql_int(&rows, 2), first_ms = sql_int(&rows, 3);

        found[count++] = (struct connected){.equipment = sql_int(&rows, 0), .clock = sql_int(&rows, 1), .sold_ms = sold_ms,
                                            .first_ms = first_ms > sold_ms ? first_ms : sold_ms};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = connect_one(sql, &found[i]);
    }
    return err;
}

/* ------------------------------------------------------------------ people */

static enum err decide(struct sql *sql, int64_t equipment, const struct action *action, const char *state, int64_t at_ms)
{
    return sql_run(sql,
                   "UPDATE registration SET state = ?2, decided_ms = ?3, decided_by = ?4, note = ?5, action_id = ?6, version ="
                   " version + 1 WHERE equipment = ?1",
                   "ititt" "t", equipment, state, at_ms, action->who, action->note, action->action_id);
}

enum err registration_act(struct sql *sql, int64_t equipment, const struct action *action, int64_t now_ms, struct text *why)
{
    bool confirm = text_same(action->action, "confirm");
    int64_t first_ms = sql_find_int(sql, 0, "SELECT first_ms FROM registration WHERE equipment = ?1 AND state = 'connected'",
                                    "i", equipment);
    int64_t at_ms = now_ms;
    enum err err;

    if (action->action_id && sql_find_int(sql, 0, "SELECT 1 FROM registration WHERE equipment = ?1 AND action_id = ?2", "it",
                                          equipment, action->action_id)) {
        return ERR_OK; /* done already */
    }
    if (!confirm && !text_same(action->action, "refuse")) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for registrations: confirm refuse", action->action);
    }
    if (!first_ms) {
        return text_say(why, ERR_STATE, "the registration is not waiting for anybody's word. Legal: none");
    }
    if (!confirm && (!action->note || !action->note[0])) {
        return text_say(why, ERR_FORMAT, "note: refuse needs one: why this was not the customer's connection");
    }
    err = action_time(action->at_ms, first_ms, now_ms, &at_ms, why);
    err = err ? err : decide(sql, equipment, action, confirm ? "confirmed" : "refused", at_ms);
    if (err || confirm) {
        return err;
    }
    return sql_run(sql, /* the card is owed again */
                   "UPDATE clock SET met_ms = NULL, done = NULL, next_ms = ?2, version = version + 1 WHERE id = (SELECT clock"
                   " FROM registration WHERE equipment = ?1)",
                   "ii", equipment, now_ms);
}

/* ------------------------------------------------------------------ shown */

enum err registration_view(struct sql *sql, int64_t equipment, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found;

    sql_find(sql, &rows,
             "SELECT e.name, r.state, k.started_ms, r.first_ms, k.breached_ms IS NULL, r.evidence, r.decided_ms, r.decided_by,"
             " r.note, r.version, k.id FROM registration r JOIN equipment e ON e.id = r.equipment JOIN clock k ON k.id = r.clock"
             " WHERE r.equipment = ?1",
             "i", equipment);
    found = sql_next(&rows);
    if (found) {
        json_open_object(out);
        json_text(out, "equipment", sql_text(&rows, 0));
        json_text(out, "state", sql_text(&rows, 1));
        json_int(out, "duty", sql_int(&rows, 10));
        cell_time(out, "sold_at", zone, &rows, 2);
        cell_time(out, "registered_at", zone, &rows, 3);
        json_bool(out, "in_time", sql_int(&rows, 4) != 0);
        json_raw(out, "evidence", sql_null(&rows, 5) ? NULL : sql_text(&rows, 5));
        cell_time(out, "decided_at", zone, &rows, 6);
        json_text(out, "decided_by", sql_null(&rows, 7) ? NULL : sql_text(&rows, 7));
        json_text(out, "note", sql_null(&rows, 8) ? NULL : sql_text(&rows, 8));
        json_int(out, "version", sql_int(&rows, 9));
        json_close_object(out);
    }
    enum err err = sql_end(&rows);

    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
