/* What a ticket shows beside its row: gates, who classified it, what is legal now, whose it is. */
#include "server/desk/view.h"

#include <string.h>

#include "models/base/zone.h"
#include "models/service/classify.h"
#include "models/service/gates.h"
#include "server/alarm/alarm.h"
#include "server/case/ticket.h"

static void put_ms(struct json_out *out, const char *name, const struct zone *zone, int64_t ms)
{
    TEXT(words, 48);

    if (ms <= 0) {
        json_null(out, name);
        return;
    }
    zone_write(zone, ms, &words);
    json_text(out, name, words.at);
}

/* Who said each of the seven, why and when; the last word of a field counts. */
static enum err put_classified(struct sql *sql, int64_t ticket, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "classified");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT field, value, person, who, reason, at_ms FROM ticket_class c WHERE ticket = ?1 AND overtaken = 0"
             " AND NOT EXISTS (SELECT 1 FROM ticket_class n WHERE n.ticket = c.ticket AND n.field = c.field AND n.id >"
             " c.id AND n.overtaken = 0) ORDER BY id",
             "i", ticket);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "field", sql_text(&rows, 0));
        json_text(out, "value", sql_text(&rows, 1));
        json_text(out, "by", sql_int(&rows, 2) ? "person" : "machine");
        json_text(out, "who", sql_text(&rows, 3));
        json_text(out, "reason", sql_text(&rows, 4));
        put_ms(out, "at", zone, sql_int(&rows, 5));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* Lines of the ticket and of its work orders; what the row itself knows. */
static enum err read_gates(struct sql *sql, int64_t ticket, int64_t gates[GATES])
{
    struct sql_rows rows;
    enum err err;

    gates_begin(gates);
    sql_find(sql, &rows, "SELECT action, at_ms FROM ticket_event WHERE ticket = ?1", "i", ticket);
    while (sql_next(&rows)) {
        gates_add(gates, sql_text(&rows, 0), sql_int(&rows, 1));
    }
    err = sql_end(&rows);
    sql_find(sql, &rows,
             "SELECT detected_ms, registered_ms, cleared_ms, hold_until_ms, closed_ms, state, verdict, verdict_ms,"
             " (SELECT MIN(at_ms) FROM ticket_class c WHERE c.ticket = ticket.id), warranty FROM ticket WHERE id = ?1",
             "i", ticket);
    if (sql_next(&rows)) {
        const char *verdict = sql_text(&rows, 6);
        bool judged = verdict && strcmp(verdict, "unknown") != 0;
        bool two_persons = strstr(sql_text(&rows, 9), "\"persons\":2") != NULL; /* as money_judge wrote it */

        gates[GATE_DETECTED] = sql_null(&rows, 0) ? sql_int(&rows, 1) : sql_int(&rows, 0);
        gates[GATE_REGISTERED] = sql_int(&rows, 1);
        gates[GATE_WARRANTY_CHECKED] = !sql_null(&rows, 7)    ? sql_int(&rows, 7)
                                       : judged && !two_persons ? sql_int(&rows, 1)
                                                                : GATE_NOT_YET;
        gates[GATE_TRIAGED] = sql_null(&rows, 8) ? GATE_NOT_YET : sql_int(&rows, 8);
        gates[GATE_CLOSED] = sql_null(&rows, 4) ? GATE_NOT_YET : sql_int(&rows, 4);
        gates[GATE_CLEARED] = !sql_null(&rows, 2) && sql_null(&rows, 3) ? sql_int(&rows, 2) : GATE_NOT_YET;
    }
    enum err end = sql_end(&rows);

    /* what telemetry raised was held and checked before it came here (S2-12) */
    if (sql_find_int(sql, 0, "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action IN ('register',"
                             " 'diagnose') AND who = 'heliograph' LIMIT 1",
                     "i", ticket) &&
        gates[GATE_CONFIRMED] == GATE_NOT_YET) {
        gates[GATE_CONFIRMED] = gates[GATE_REGISTERED];
    }
    gates_end(gates);
    return err ? err : end;
}

static enum err put_gates(struct sql *sql, int64_t ticket, const struct zone *zone, struct json_out *out)
{
    int64_t gates[GATES];
    enum err err = read_gates(sql, ticket, gates);

    json_key(out, "gates");
    json_open_list(out);
    for (int i = 0; i < GATES; i++) {
        json_open_object(out);
        json_text(out, "gate", gate_names[i]);
        put_ms(out, "at", zone, gates[i]);
        json_close_object(out);
    }
    json_close_list(out);
    return err;
}

static void put_way(const struct ticket *ticket, struct json_out *out)
{
    enum onsite_gate gate = ticket->plan ? ticket->plan->ticket.onsite_gate : ONSITE_IMMEDIATE;
    const char *by;
    bool open = ticket_way_is_open(ticket, &by);

    json_key(out, "onsite_gate");
    json_open_object(out);
    json_text(out, "rule", onsite_gate_names[gate]);
    json_bool(out, "passed", open);
    json_text(out, "by", by[0] ? by : NULL);
    json_close_object(out);
}

static enum err put_legal(struct sql *sql, struct rules *rules, int64_t id, enum role role, struct json_out *out)
{
    struct office office = {.options = {.rules = rules}};
    struct ticket_facts facts;
    struct ticket ticket;
    enum err err = arena_open(256 * 1024, &office.arena);

    if (err) {
        return err;
    }
    err = ticket_load(&office, sql, id, &ticket);
    if (!err) {
        err = ticket_facts(&office, sql, &ticket, role, &facts);
    }
    if (!err) {
        put_way(&ticket, out);
        json_key(out, "legal");
        json_open_list(out);
        for (int i = 0; i < TICKET_ACTIONS; i++) {
            if (ticket_is_legal(&facts, (enum ticket_action)i)) {
                json_put_text(out, ticket_row((enum ticket_action)i)->name);
            }
        }
        json_close_list(out);
    }
    arena_close(office.arena);
    return err;
}

static enum err put_numbers(struct sql *sql, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "tickets");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT number FROM ticket WHERE parent = ?1 ORDER BY id LIMIT 1000", "i", ticket);
    while (sql_next(&rows)) {
        json_put_text(out, sql_text(&rows, 0));
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* Whether what it is about stands still is not known of any of its alarms that is open. */
static enum err put_unknown(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms, struct json_out *out)
{
    int64_t ids[16];
    struct sql_rows rows;
    size_t count = 0;
    bool unknown = false;
    enum err err;

    sql_find(sql, &rows, "SELECT id FROM alarm WHERE ticket = ?1 AND cleared_ms IS NULL ORDER BY id LIMIT 16", "i", ticket);
    while (count < 16 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && !unknown && i < count; i++) {
        struct alarm alarm;

        err = alarm_load(sql, ids[i], &alarm);
        unknown = !err && alarm_is_unknown(sql, rules, &alarm, now_ms);
    }
    json_bool(out, "unknown", unknown);
    return err;
}

enum err view_ticket_more(struct sql *sql, struct rules *rules, int64_t ticket, const struct zone *zone,
                          enum role role, int64_t now_ms, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.channel, t.caller, t.missing, t.important, t.diagnosis, t.solution, e.number, t.rework,"
             " t.parked_ms, t.fall_grade, t.fall_ms, t.conditions FROM ticket t LEFT JOIN ticket e ON e.id = t.earlier WHERE"
             " t.id = ?1",
             "i", ticket);
    if (sql_next(&rows)) {
        json_text(out, "channel", sql_text(&rows, 0));
        json_raw(out, "caller", sql_text(&rows, 1));
        json_raw(out, "missing", sql_null(&rows, 2) ? "[]" : sql_text(&rows, 2));
        json_bool(out, "important", sql_int(&rows, 3) != 0);
        json_raw(out, "diagnosis", sql_text(&rows, 4));
        json_raw(out, "solution", sql_text(&rows, 5));
        json_text(out, "earlier", sql_text(&rows, 6));
        json_bool(out, "rework", sql_int(&rows, 7) != 0);
        json_bool(out, "danger", (sql_int(&rows, 11) >> CONDITION_DANGER & 1) != 0);
        put_ms(out, "parked_at", zone, sql_int(&rows, 8));
        put_ms(out, "grade_falls_at", zone, sql_int(&rows, 10));
    }
    err = sql_end(&rows);
    if (err || role == ROLE_NONE) {
        return err;
    }
    err = put_unknown(sql, rules, ticket, now_ms, out);
    if (!err) {
        err = put_classified(sql, ticket, zone, out);
    }
    if (!err) {
        err = put_gates(sql, ticket, zone, out);
    }
    if (!err) {
        err = put_numbers(sql, ticket, out);
    }
    return err ? err : put_legal(sql, rules, ticket, role, out);
}
