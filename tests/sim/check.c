/* What must hold: along the way, and at the end of the year. */
#include "year.h"

#include "models/base/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void year_none(struct year *year, const char *words, const char *statement)
{
    struct sql_rows rows;
    int shown = 0;

    sql_find(year->sql, &rows, statement, "");
    while (sql_next(&rows)) {
        if (shown++ < 5) {
            ledger_wrong(&year->ledger, "%s: %s", words, sql_text(&rows, 0) ? sql_text(&rows, 0) : "?");
        }
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "%s: %s", words, sql_why(year->sql));
    }
}

void year_audit(struct year *year)
{
    year_none(year, "more than one open ticket of a cause",
         "SELECT cause_key FROM ticket WHERE closed_ms IS NULL GROUP BY cause_key HAVING COUNT(*) > 1");
    year_none(year, "more than one open alarm",
         "SELECT fault FROM alarm WHERE cleared_ms IS NULL GROUP BY equipment, fault HAVING COUNT(*) > 1");
    year_none(year, "more than one open order",
         "SELECT t.number FROM work_order w JOIN ticket t ON t.id = w.ticket WHERE w.kind = 'corrective' AND w.state"
         " NOT IN ('done', 'cancelled') GROUP BY t.number HAVING COUNT(*) > 1");
    year_none(year, "a fault in hand without an order",
         "SELECT number || ' ' || state FROM ticket t WHERE kind = 'fault' AND closed_ms IS NULL AND state IN"
         " ('registered', 'acknowledged', 'dispatched', 'assigned', 'en_route', 'on_site', 'repairing') AND NOT EXISTS"
         " (SELECT 1 FROM work_order w WHERE w.ticket = t.id AND w.kind = 'corrective' AND w.state NOT IN ('done',"
         " 'cancelled'))");
    year_none(year, "a closed ticket with an order that nobody began",
         "SELECT t.number FROM ticket t JOIN work_order w ON w.ticket = t.id WHERE t.closed_ms IS NOT NULL AND w.state"
         " IN ('proposed', 'dispatched', 'assigned', 'accepted', 'refused')");
    year_none(year, "an alarm without a ticket",
         "SELECT fault FROM alarm a WHERE NOT EXISTS (SELECT 1 FROM ticket t WHERE t.id = a.ticket)");
}

/* ------------------------------------------------------------------ the record of alarms */

static int by_place(const void *a, const void *b)
{
    const struct episode *one = a, *other = b;

    if (one->heater != other->heater || one->fault != other->fault) {
        return one->heater != other->heater ? one->heater - other->heater : one->fault - other->fault;
    }
    return one->onset_ms < other->onset_ms ? -1 : one->onset_ms > other->onset_ms;
}

static void check_alarms(struct year *year)
{
    int64_t told = 0, found;
    struct sql_rows rows;

    qsort(year->episodes, (size_t)year->episode_count, sizeof(*year->episodes), by_place);
    for (int64_t i = 0; i < year->episode_count; i++) {
        const struct episode *episode = &year->episodes[i];
        const struct heater *heater = &year->company.heaters[episode->heater];
        bool away = year->company.gateways[heater->gateway].lost_ms > 0; /* what it has to tell waits */

        if (!episode->told) {
            continue;
        }
        told++;
        /* one that chatters is one alarm with several rises: each rise and each fall is a line of it */
        sql_find(year->sql, &rows,
                 "SELECT a.cleared_ms, a.grade, a.rises, a.late, EXISTS (SELECT 1 FROM alarm_event c WHERE c.alarm = a.id AND"
                 " c.at_ms = ?4 AND c.kind IN ('clear', 'chattering')) FROM alarm a JOIN alarm_event e ON e.alarm = a.id WHERE"
                 " a.equipment = ?1 AND a.fault = ?2 AND e.kind = 'raise' AND e.at_ms = ?3",
                 "itii", heater->row, sim_faults[episode->fault].id, episode->onset_ms, episode->cleared_ms);
        for (found = 0; sql_next(&rows); found++) {
            bool many = sql_int(&rows, 2) > 1;

            if (!away && ((episode->cleared_ms && !sql_int(&rows, 4)) || (!episode->cleared_ms && !sql_null(&rows, 0)) ||
                          (!many && sql_int(&rows, 1) != episode->grade) || (!many && sql_int(&rows, 3) != episode->late))) {
                ledger_wrong(&year->ledger, "%s %s of %lld stands otherwise in the record", heater->name,
                             sim_faults[episode->fault].id, (long long)episode->onset_ms);
            }
        }
        if (sql_end(&rows) || found != 1) {
            ledger_wrong(&year->ledger, "%s %s of %lld is in the record %lld times", heater->name,
                         sim_faults[episode->fault].id, (long long)episode->onset_ms, (long long)found);
        }
    }
    found = sql_find_int(year->sql, 0, "SELECT COALESCE(SUM(rises), 0) FROM alarm", "");
    if (found != told) {
        ledger_wrong(&year->ledger, "%lld rises in the record, %lld happened", (long long)found, (long long)told);
    }
}

/* ------------------------------------------------------------------ visits */

static int month_of(int64_t day)
{
    int year, month, rest;

    civil_from_days((int32_t)day, &year, &month, &rest);
    return year * 12 + month - 1;
}

static int anchor_month(const struct heater *heater)
{
    return atoi(heater->acceptance) * 12 + atoi(heater->acceptance + 5) - 1;
}

/* Every occurrence once, in order, near its half year; whatever falls due within 15 months is there. */
static void check_visits(struct year *year)
{
    for (int i = 0; i < year->company.heater_count; i++) {
        const struct heater *heater = &year->company.heaters[i];
        int64_t last = 0, last_day = 0;
        struct sql_rows rows;

        sql_find(year->sql, &rows,
                 "SELECT sequence, due_day, window_start_day, state, (SELECT COUNT(*) FROM work_order w WHERE w.visit ="
                 " v.id AND w.state <> 'cancelled') FROM visit v WHERE equipment = ?1 ORDER BY sequence",
                 "i", heater->row);
        while (sql_next(&rows)) {
            int64_t sequence = sql_int(&rows, 0), day = sql_int(&rows, 1), orders = sql_int(&rows, 4);
            int months = month_of(day) - anchor_month(heater) - 6 * (int)sequence;
            bool begun = sql_int(&rows, 2) <= year->now_ms / DAY - 2, skipped = strcmp(sql_text(&rows, 3), "skipped") == 0;

            if ((last && sequence != last + 1) || day <= last_day || months < -3 || months > 3) {
                ledger_wrong(&year->ledger, "%s: visit %lld falls out of its row", heater->name, (long long)sequence);
            }
            if (orders > 1 || (begun && !skipped && orders != 1)) {
                ledger_wrong(&year->ledger, "%s: visit %lld (%s) has %lld orders", heater->name, (long long)sequence,
                             sql_text(&rows, 3), (long long)orders);
            }
            last = sequence;
            last_day = day;
        }
        if (sql_end(&rows) || last_day < year->now_ms / DAY + 455 - 215) {
            if (yaml_find(yaml_find(year->company.plans[heater->plan], "items"), "visits")) {
                ledger_wrong(&year->ledger, "%s: visits are planned to day %lld only", heater->name, (long long)last_day);
            }
        }
    }
}

/* ------------------------------------------------------------------ all */

static void check_ticket(struct year *year, struct case_ *one)
{
    ledger_compare(&year->ledger, year->sql, year->rules, one, year->now_ms);
    told_ticket(year, one);
    if (!one->closed_ms && one->restored && !one->touched && one->cleared_ms + 7 * DAY + HOUR < year->now_ms) {
        ledger_wrong(&year->ledger, "%s should have been closed by itself", one->number);
    }
    if (!one->closed_ms && one->hold_until_ms && one->hold_until_ms + HOUR < year->now_ms &&
        one->hold_until_ms > year->ledger.up_ms && one->heater >= 0 &&
        !year->company.gateways[year->company.heaters[one->heater].gateway].lost_ms) {
        ledger_wrong(&year->ledger, "%s: its hold does not end", one->number);
    }
}

static void settle(struct year *year)
{
    int64_t next_ms = INT64_MAX;

    year->now_ms += MINUTE; /* what was due with the last event is looked at */
    for (int i = 0; i < 50; i++) {
        enum err err = year_step(year);

        (void)!year_commit(year, err ? err : desk_turn(year->desk, year->sql, year->now_ms, &next_ms), "a turn");
        if (next_ms > year->now_ms) {
            break;
        }
    }
    ledger_read(&year->ledger, year->sql, year->now_ms);
}

static void compare_all(struct year *year)
{
    year_audit(year);
    year_none(year, "the same notice twice", "SELECT key FROM outbox GROUP BY key HAVING COUNT(*) > 1");
    for (int64_t row = 1; row < year->ledger.room; row++) {
        struct case_ *one = ledger_case(&year->ledger, row);

        if (one) {
            check_ticket(year, one);
        }
    }
    if (year->ledger.count != sql_find_int(year->sql, 0, "SELECT COUNT(*) FROM ticket", "")) {
        ledger_wrong(&year->ledger, "there are tickets without a time line");
    }
    check_alarms(year);
    told_check(year);
    check_visits(year);
    books_check(year);
}

void year_check(struct year *year)
{
    settle(year);
    compare_all(year);
}

/* ------------------------------------------------------------------ who watches the witness */

static const struct mutation {
    const char *what, *statement, *before; /* before: NULL, or what stands in its way */
} mutations[] = {
    {"a clock that began a minute late",
     "UPDATE clock SET started_ms = started_ms + 60000 WHERE id = (SELECT MIN(id) FROM clock WHERE ticket IS NOT NULL AND kind ="
     " 'response')", NULL},
    {"a clock that was met and is not",
     "UPDATE clock SET met_ms = NULL WHERE id = (SELECT MIN(id) FROM clock WHERE ticket IS NOT NULL AND met_ms IS NOT NULL)", NULL},
    {"a clock that nobody started",
     "UPDATE clock SET ticket = NULL WHERE id = (SELECT MIN(id) FROM clock WHERE ticket IS NOT NULL AND kind = 'dispatch')", NULL},
    {"pauses that lasted a minute longer", /* all of them: one alone may hold no clock */
     "UPDATE pause SET to_ms = to_ms + 60000 WHERE to_ms IS NOT NULL", NULL},
    {"a notice that was dropped",
     "DELETE FROM outbox WHERE id = (SELECT MIN(id) FROM outbox WHERE channel = 'log' AND key LIKE 'ticket:%:opened%')", NULL},
    {"a breach that was not told",
     "DELETE FROM outbox WHERE id = (SELECT MIN(id) FROM outbox WHERE channel = 'log' AND key LIKE 'ticket:%:breach%')", NULL},
    {"a notice that was sent twice",
     "UPDATE outbox SET key = REPLACE(key, ':warn.', ':opened.') WHERE id = (SELECT MIN(id) FROM outbox WHERE channel = 'log' AND"
     " key LIKE 'ticket:%:warn.%')", NULL},
    {"an alarm that nobody saw", "UPDATE alarm SET rises = rises + 1 WHERE id = (SELECT MIN(id) FROM alarm)", NULL},
    {"an alarm that was held without cause",
     "INSERT INTO alarm_event (alarm, at_ms, stored_ms, who, kind, outcome, reason) SELECT alarm, at_ms, stored_ms, who, 'held',"
     " 'held', 'chatter' FROM alarm_event WHERE id = (SELECT MIN(id) FROM alarm_event WHERE kind = 'announced')", NULL},
    {"a visit that has no order",
     "UPDATE work_order SET state = 'cancelled' WHERE id = (SELECT MIN(id) FROM work_order WHERE visit IS NOT NULL AND state <>"
     " 'cancelled')", NULL},
    {"a second ticket of a cause",
     "UPDATE ticket SET cause_key = (SELECT MIN(cause_key) FROM ticket WHERE closed_ms IS NULL), closed_ms = NULL WHERE id ="
     " (SELECT MIN(id) FROM ticket WHERE closed_ms IS NOT NULL)",
     "DROP INDEX ticket_open"},
    {"a piece that came from nowhere",
     "INSERT INTO stock_move (rack, n, prior, there_before, held_before, kind, count, hold, there, held, unit_cost, who, at_ms)"
     " SELECT rack, n + 1, n, there, held, 'adjust', 1, 0, there + 1, held, unit_cost, who, at_ms FROM stock_move WHERE id ="
     " (SELECT MAX(id) FROM stock_move)", NULL},
    {"a fen that nobody paid",
     "INSERT INTO money_line (ticket, kind, payer, party, words, quantity, unit, amount, tax, total, currency, source, who, at_ms)"
     " SELECT ticket, kind, payer, party, words, 1, -1, -1, 0, -1, currency, source || '.', who, at_ms FROM money_line WHERE id ="
     " (SELECT MIN(id) FROM money_line WHERE kind = 'payment')", NULL},
};

int year_doubt(struct year *year)
{
    struct ledger *ledger = &year->ledger;
    int missed = 0;

    for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
        int64_t wrong = ledger->wrong, compared = ledger->compared, notices = ledger->notices;
        enum err err = year_step(year);

        if (err || (mutations[i].before && sql_script(year->sql, mutations[i].before)) ||
            sql_run(year->sql, mutations[i].statement, "") || sql_changes(year->sql) < 1) {
            printf("not tried (%s): %s\n", sql_why(year->sql), mutations[i].what);
            missed++;
        } else {
            ledger->silent = true;
            compare_all(year);
            ledger->silent = false;
            if (ledger->wrong == wrong) {
                printf("NOT SEEN: %s\n", mutations[i].what);
                missed++;
            }
        }
        sql_undo(year->sql);
        ledger->wrong = wrong;
        ledger->compared = compared;
        ledger->notices = notices;
    }
    printf("%zu mutations, %d not seen by the witness\n", sizeof(mutations) / sizeof(mutations[0]), missed);
    return missed;
}
