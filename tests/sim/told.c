/*
 * Who must have been told. From what happened (time lines of tickets and alarms, lost links) and from what the desk wrote
 * down as its decision about each alarm follows which notices there must be, one by one; every decision not to tell
 * must have a reason that was true.
 */
#include "year.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEWS (5 * MINUTE) /* what ended longer ago, when it is heard of, is history */

/* ------------------------------------------------------------------ plans */

static const char *alarm_word(const struct year *year, int plan, const char *section, const char *key)
{
    struct yaml_node *node = yaml_find(yaml_find(year->company.plans[plan], "alarms"), section);

    node = node ? yaml_find(node, key) : NULL;
    node = node ? yaml_find(node, "value") : NULL;
    return node ? node->text : "0";
}

static int64_t alarm_span(const struct year *year, int plan, const char *section, const char *key)
{
    const char *words = alarm_word(year, plan, section, key);
    const char *unit = words + strspn(words, "0123456789");

    return atoll(words) * (strcmp(unit, "h") == 0 ? HOUR : strcmp(unit, "m") == 0 ? MINUTE : 1000);
}

static int64_t alarm_count(const struct year *year, int plan, const char *section, const char *key)
{
    return atoll(alarm_word(year, plan, section, key));
}

/* ------------------------------------------------------------------ decisions */

static bool was_lost(const struct year *year, int gateway, int64_t at_ms)
{
    for (int64_t i = 0; i < year->loss_count; i++) {
        const struct loss *loss = &year->lost[i];

        if (loss->gateway == gateway && loss->from_ms <= at_ms && at_ms <= loss->to_ms) {
            return true;
        }
    }
    return false;
}

/* Nobody more can be told then: single items, or the urgent ones, have filled the span; or a flood goes on. */
static bool was_full(struct year *year, int plan, int64_t announcement, const char *position, int grade, bool escalation,
                     int64_t at_ms)
{
    int64_t single = alarm_count(year, plan, "flood", "single"), most = alarm_count(year, plan, "flood", "most");
    int64_t told = sql_find_int(year->sql, 0,
                                "SELECT COUNT(*) FROM announcement WHERE position = ?1 AND outcome = 'announced' AND at_ms > ?2"
                                " AND at_ms <= ?3 AND id < ?4",
                                "tiii", position, at_ms - alarm_span(year, plan, "flood", "span"), at_ms, announcement);

    bool flood = sql_find_int(year->sql, 0,
                              "SELECT 1 FROM flood WHERE position = ?1 AND from_ms <= ?2 AND (ended_ms IS NULL OR ended_ms >= ?2)"
                              " LIMIT 1",
                              "ti", position, at_ms) != 0;

    /* the steps of an escalation whose alarm was told by its area go on as they began */
    return grade == 1 && !(escalation && flood) ? told >= most - 2 : told >= single || flood;
}

struct held {
    int64_t alarm, at_ms;
    int heater, grade;
    char reason[24], fault[40];
    bool late, hidden;
};

static bool has_reason(struct year *year, const struct held *held)
{
    const struct heater *heater = &year->company.heaters[held->heater];

    if (strcmp(held->reason, "late") == 0) {
        return held->late || held->hidden;
    }
    if (strcmp(held->reason, "parent") == 0) {
        return was_lost(year, heater->gateway, held->at_ms);
    }
    if (strcmp(held->reason, "chatter") == 0) { /* so many rises, and people know of one of them */
        int64_t from_ms = held->at_ms - alarm_span(year, heater->plan, "chatter", "span");

        return sql_find_int(year->sql, 0,
                            "SELECT COUNT(*) FROM alarm_event e JOIN alarm a ON a.id = e.alarm WHERE a.equipment = ?1 AND a.fault"
                            " = ?2 AND e.kind = 'raise' AND e.at_ms >= ?3 AND e.stored_ms <= ?4",
                            "itii", heater->row, held->fault, from_ms - NEWS, held->at_ms) >=
                   alarm_count(year, heater->plan, "chatter", "count") &&
               sql_find_int(year->sql, 0,
                            "SELECT 1 FROM alarm WHERE equipment = ?1 AND fault = ?2 AND announced_ms > ?3 LIMIT 1", "iti",
                            heater->row, held->fault, from_ms);
    }
    if (strcmp(held->reason, "design") == 0) { /* another one stands on the same heater, and the profile says so */
        return company_inhibits(&year->company, held->fault) &&
               sql_find_int(year->sql, 0,
                            "SELECT 1 FROM alarm WHERE equipment = ?1 AND fault <> ?2 AND registered_ms <= ?3 AND (cleared_ms"
                            " IS NULL OR cleared_ms >= ?3) LIMIT 1",
                            "iti", heater->row, held->fault, held->at_ms);
    }
    if (strcmp(held->reason, "flood") == 0) {
        return true; /* its item is looked at with all others */
    }
    return false;
}

static void check_held(struct year *year)
{
    struct sql_rows rows;
    struct held held;

    sql_find(year->sql, &rows,
             "SELECT e.alarm, e.stored_ms, e.reason, a.fault, a.equipment, a.grade, a.late, EXISTS (SELECT 1 FROM alarm_event f"
             " WHERE f.alarm = e.alarm AND f.reason = 'parent') FROM alarm_event e JOIN alarm a ON a.id = e.alarm WHERE e.kind ="
             " 'held' ORDER BY e.id",
             "");
    while (sql_next(&rows)) {
        held = (struct held){sql_int(&rows, 0), sql_int(&rows, 1), company_heater(&year->company, sql_int(&rows, 4)),
                             (int)sql_int(&rows, 5), "", "", sql_int(&rows, 6) != 0, sql_int(&rows, 7) != 0};
        snprintf(held.reason, sizeof(held.reason), "%s", sql_text(&rows, 2));
        snprintf(held.fault, sizeof(held.fault), "%s", sql_text(&rows, 3));
        if (!has_reason(year, &held)) {
            ledger_wrong(&year->ledger, "an alarm of %s (%s) was held without cause: %s", year->company.heaters[held.heater].name,
                         held.fault, held.reason);
        }
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "the decisions cannot be read: %s", sql_why(year->sql));
    }
}

/* What waited for an event that has come is told, unless it is over. */
static void check_waiting(struct year *year)
{
    struct sql_rows rows;

    sql_find(year->sql, &rows,
             "SELECT equipment, fault, outcome, reason, decided_ms FROM alarm WHERE cleared_ms IS NULL AND (outcome IS NULL OR"
             " (outcome = 'held' AND reason IN ('late', 'parent', 'fleeting')))",
             "");
    while (sql_next(&rows)) {
        int heater = company_heater(&year->company, sql_int(&rows, 0));
        const struct gateway *gateway = &year->company.gateways[year->company.heaters[heater].gateway];

        if (!gateway->lost_ms && gateway->back_ms + 2 * HOUR < year->now_ms && sql_int(&rows, 4) + 2 * HOUR < year->now_ms &&
            year->ledger.up_ms + HOUR < year->now_ms) {
            ledger_wrong(&year->ledger, "nobody was told of %s on %s, which stands: %s", sql_text(&rows, 1),
                         year->company.heaters[heater].name, sql_null(&rows, 3) ? "undecided" : sql_text(&rows, 3));
        }
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "the alarms cannot be read: %s", sql_why(year->sql));
    }
}

/* What was grouped had no room; no position got more than it may; every area was told. */
static void check_items(struct year *year)
{
    struct sql_rows rows;

    sql_find(year->sql, &rows,
             "SELECT n.id, n.position, n.at_ms, n.grade, n.kind, t.equipment, t.agent, n.outcome FROM announcement n LEFT JOIN"
             " ticket t ON t.id = n.ticket WHERE n.reason = 'flood' ORDER BY n.id",
             "");
    while (sql_next(&rows)) {
        int heater = sql_null(&rows, 5) ? -1 : company_heater(&year->company, sql_int(&rows, 5));
        int plan = heater >= 0 ? year->company.heaters[heater].plan : 0; /* floods have the same numbers everywhere */
        char position[64];

        snprintf(position, sizeof(position), "%s", sql_text(&rows, 1));
        if (!was_full(year, plan, sql_int(&rows, 0), position, (int)sql_int(&rows, 3),
                      strcmp(sql_text(&rows, 4), "escalation") == 0, sql_int(&rows, 2))) {
            ledger_wrong(&year->ledger, "a notice (%s) of %lld was kept from %s, who had room", sql_text(&rows, 4),
                         (long long)sql_int(&rows, 2), position);
        }
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "the items cannot be read: %s", sql_why(year->sql));
    }
    if (sql_find_int(year->sql, 0,
                     "SELECT COUNT(*) FROM flood_area a JOIN flood f ON f.id = a.flood WHERE a.told_ms IS NULL AND (f.ended_ms IS"
                     " NOT NULL OR a.first_ms < ?1)",
                     "i", year->now_ms - HOUR)) {
        ledger_wrong(&year->ledger, "an area of a flood was never told");
    }
}

/* The most items that a position is told within any span. */
static void check_load(struct year *year)
{
    int64_t span_ms = alarm_span(year, 0, "flood", "span"), most = alarm_count(year, 0, "flood", "most"), ring[64] = {0};
    char position[64] = "";
    struct sql_rows rows;
    int64_t n = 0;

    sql_find(year->sql, &rows, "SELECT position, at_ms FROM announcement WHERE outcome = 'announced' ORDER BY position, at_ms", "");
    while (most < 64 && sql_next(&rows)) {
        n = strcmp(position, sql_text(&rows, 0)) == 0 ? n : 0;
        snprintf(position, sizeof(position), "%s", sql_text(&rows, 0));
        if (n >= most && ring[n % most] > sql_int(&rows, 1) - span_ms) {
            ledger_wrong(&year->ledger, "%s was told more than %lld things by %lld", position, (long long)most,
                         (long long)sql_int(&rows, 1));
        }
        ring[n++ % most] = sql_int(&rows, 1);
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "the items cannot be read: %s", sql_why(year->sql));
    }
}

void told_check(struct year *year)
{
    check_held(year);
    check_waiting(year);
    check_items(year);
    check_load(year);
}

/* ------------------------------------------------------------------ a ticket's notices */

enum step { OPENED, REGRADED, CLEARED, RELAPSED, BREACH, CLOSED, OUTAGE, STEP_COUNT };
static const char *const step_names[] = {"opening", "regrading", "clearing", "relapse", "breach", "closing", "outage"};

struct counts {
    int64_t n[STEP_COUNT];
};

static int64_t count(struct year *year, const char *statement, int64_t ticket)
{
    return sql_find_int(year->sql, 0, statement, "i", ticket);
}

static void read_sent(struct year *year, const struct case_ *one, struct counts *sent)
{
    static const struct {
        const char *words;
        enum step step;
    } steps[] = {{"opened", OPENED},     {"regraded", REGRADED},     {"cleared", CLEARED}, {"relapsed", RELAPSED},
                 {"breach", BREACH},     {"action.close", CLOSED},   {"closed", CLOSED}};
    struct sql_rows rows;
    size_t prefix = strlen("ticket::") + strlen(one->number);

    sql_find(year->sql, &rows, "SELECT key FROM outbox WHERE ticket = ?1 AND channel = 'log' AND key LIKE 'ticket:%'", "i",
             one->row);
    while (sql_next(&rows)) {
        const char *step = sql_text(&rows, 0) + prefix;

        year->ledger.notices++;
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
            sent->n[steps[i].step] += strncmp(step, steps[i].words, strlen(steps[i].words)) == 0;
        }
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "the outbox cannot be read");
    }
    sent->n[OUTAGE] = count(year, "SELECT COUNT(*) FROM outbox WHERE key >= 'outage:' AND key < 'outage;' AND channel = 'log' AND"
                                    " key LIKE '%:' || ?1", one->row);
}

/* A lost link: each time that it was missed one item was told, held or grouped. */
static void want_link(struct year *year, const struct case_ *one, struct counts *want)
{
    int64_t items = count(year, "SELECT COUNT(*) FROM announcement WHERE ticket = ?1 AND kind IN ('link', 'outage')", one->row);
    int64_t singles = count(year, "SELECT COUNT(*) FROM announcement WHERE ticket = ?1 AND kind = 'link' AND outcome ="
                                  " 'announced'", one->row);

    if (items != one->relapses + 1) {
        ledger_wrong(&year->ledger, "%s: %lld decisions about a link that was lost %d times", one->number, (long long)items,
                     one->relapses + 1);
    }
    want->n[OUTAGE] = count(year, "SELECT COUNT(*) FROM announcement WHERE ticket = ?1 AND kind = 'outage' AND outcome ="
                                  " 'announced'", one->row) > 0;
    want->n[OPENED] = singles > 0 && want->n[OUTAGE] == 0;
    want->n[RELAPSED] = singles - want->n[OPENED];
}

/* Telemetry opened it: with the first of its alarms that was announced, and each further one brings it back. */
static void want_fault(struct year *year, const struct case_ *one, struct counts *want)
{
    int64_t told = count(year, "SELECT COUNT(*) FROM alarm_event e JOIN alarm a ON a.id = e.alarm WHERE a.ticket = ?1 AND e.kind ="
                               " 'announced'", one->row);
    int64_t stands = count(year, "SELECT COUNT(*) FROM ticket_event v WHERE v.ticket = ?1 AND v.action = 'relapse' AND EXISTS"
                                 " (SELECT 1 FROM alarm a WHERE a.ticket = v.ticket AND a.announced_ms < v.stored_ms AND"
                                 " a.onset_ms < v.at_ms AND (a.cleared_ms IS NULL OR a.cleared_ms > v.at_ms) AND NOT EXISTS"
                                 " (SELECT 1 FROM alarm_event w WHERE w.alarm = a.id AND w.at_ms = v.at_ms AND w.kind ="
                                 " 'raise'))", one->row);

    want->n[OPENED] = told > 0;
    want->n[RELAPSED] = told - want->n[OPENED] + stands;
    want->n[CLEARED] = count(year, "SELECT COUNT(*) FROM ticket_event v WHERE v.ticket = ?1 AND v.action = 'clear' AND EXISTS"
                                   " (SELECT 1 FROM alarm a JOIN alarm_event e ON e.alarm = a.id WHERE a.ticket = v.ticket AND"
                                   " a.announced_ms IS NOT NULL AND a.cleared_ms = v.at_ms AND e.at_ms = v.at_ms AND e.kind IN"
                                   " ('clear', 'chattering') AND e.stored_ms <= v.at_ms + 300000)", one->row);
}

/* Somebody called: what becomes of it is told, but for a past that comes late. */
static void want_call(struct year *year, const struct case_ *one, struct counts *want)
{
    want->n[OPENED] = 1;
    want->n[CLEARED] = one->clears;
    want->n[RELAPSED] = count(year, "SELECT COUNT(*) FROM ticket_event v WHERE v.ticket = ?1 AND v.action = 'relapse' AND NOT"
                                    " EXISTS (SELECT 1 FROM alarm a WHERE a.ticket = v.ticket AND a.onset_ms = v.at_ms AND"
                                    " a.late = 1 AND a.announced_ms IS NULL)", one->row);
}

/*
 * Clocks and grades: told while people know of the alarm behind it (sure), or as soon as they do when it is owed then still.
 * At the instant of the announcement itself the line may have come before it: a grade is named by the announcement then.
 */
static void count_lines(struct year *year, const struct case_ *one, const char *action, bool called, int64_t *ret_sure,
                        int64_t *ret_maybe)
{
    char last[120] = "", line[120];
    struct sql_rows rows;

    sql_find(year->sql, &rows,
             "SELECT v.at_ms, COALESCE(v.note, '') AS words, CASE WHEN ?3 = 1 OR EXISTS (SELECT 1 FROM alarm a WHERE a.ticket ="
             " v.ticket AND a.announced_ms < v.stored_ms AND NOT EXISTS (SELECT 1 FROM alarm b WHERE b.ticket = v.ticket AND b.id"
             " > a.id AND b.registered_ms <= v.stored_ms)) OR (?2 = 'breach' AND EXISTS (SELECT 1 FROM alarm a JOIN"
             " alarm_event e ON e.alarm = a.id WHERE a.ticket = v.ticket AND e.reason = 'flood' AND e.stored_ms <= v.stored_ms AND"
             " NOT EXISTS (SELECT 1 FROM alarm_event f WHERE f.alarm = a.id AND f.id > e.id AND f.outcome IS NOT NULL AND"
             " f.stored_ms <= v.stored_ms) AND (a.cleared_ms IS NULL OR a.cleared_ms > v.stored_ms))) OR (?2 = 'breach' AND EXISTS (SELECT 1 FROM alarm a JOIN clock c ON c.ticket = a.ticket WHERE"
             " a.ticket = v.ticket AND a.announced_ms >= v.stored_ms AND v.note LIKE c.kind || ' was missed%' AND"
             " COALESCE(c.met_ms, c.cancelled_ms, a.announced_ms + 1) > a.announced_ms AND c.breached_ms = v.at_ms)) THEN 2 WHEN"
             " EXISTS (SELECT 1 FROM alarm a WHERE a.ticket = v.ticket AND a.announced_ms >= v.stored_ms) THEN 1 ELSE 0 END AS"
             " told FROM ticket_event v WHERE v.ticket = ?1 AND v.action = ?2 AND (?2 = 'breach' OR v.data LIKE '%\"to\"%')"
             " ORDER BY v.at_ms, words, told DESC",
             "iti", one->row, action, (int64_t)called);
    while (sql_next(&rows)) {
        snprintf(line, sizeof(line), "%lld %.90s", (long long)sql_int(&rows, 0), sql_text(&rows, 1));
        if (strcmp(line, last) != 0) { /* one that was missed twice at the same instant is told once */
            *ret_sure += sql_int(&rows, 2) == 2;
            *ret_maybe += sql_int(&rows, 2) == 1;
        }
        memcpy(last, line, sizeof(last));
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "lines cannot be read: %s", sql_why(year->sql));
    }
}

/* Items that had no room (check_items). Those of clocks may be warnings: where there are warnings of that instant without a
 * notice, only so many count as there are lines of something missed then, or more items than such warnings. */
static int64_t grouped(struct year *year, const struct case_ *one, const char *kind)
{
    struct sql_rows rows;
    int64_t sum = 0;

    sql_find(year->sql, &rows,
             "SELECT COUNT(*), (SELECT COUNT(*) FROM clock c WHERE c.ticket = ?1 AND c.warned_ms = n.at_ms AND ?2 = 'clock') -"
             " (SELECT COUNT(*) FROM outbox o WHERE o.ticket = ?1 AND o.channel = 'log' AND o.key LIKE 'ticket:%:warn.%' AND"
             " o.created_ms = n.at_ms), (SELECT COUNT(*) FROM ticket_event v WHERE v.ticket = ?1 AND v.action = 'breach' AND"
             " v.stored_ms = n.at_ms) FROM announcement n WHERE n.ticket = ?1 AND n.kind = ?2 AND n.outcome = 'grouped' GROUP BY"
             " n.at_ms",
             "it", one->row, kind);
    while (sql_next(&rows)) {
        int64_t items = sql_int(&rows, 0), warned = sql_int(&rows, 1), lines = sql_int(&rows, 2);
        int64_t missed = warned > 0 ? items - warned : items;

        missed = missed < lines ? lines : missed;
        sum += missed < items ? missed : items;
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "the items cannot be read: %s", sql_why(year->sql));
    }
    return sum;
}

void told_ticket(struct year *year, struct case_ *one)
{
    bool link = strcmp(one->kind, "communication") == 0, fault = strcmp(one->kind, "fault") == 0;
    bool called = count(year, "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action = 'register' AND who <> 'heliograph'",
                        one->row) != 0;
    struct counts want = {{0}}, sent = {{0}}, kept = {{0}}, maybe = {{0}};

    read_sent(year, one, &sent);
    if (called || (!fault && !link)) {
        want_call(year, one, &want);
    } else if (link) {
        want_link(year, one, &want);
    } else {
        want_fault(year, one, &want);
    }
    count_lines(year, one, "regrade", called || link || !fault, &want.n[REGRADED], &maybe.n[REGRADED]);
    count_lines(year, one, "breach", called || link || !fault, &want.n[BREACH], &maybe.n[BREACH]);
    want.n[CLOSED] = one->closes;
    kept.n[REGRADED] = grouped(year, one, "regrade");
    kept.n[BREACH] = grouped(year, one, "clock");
    for (int i = 0; i < STEP_COUNT; i++) {
        if (sent.n[i] > want.n[i] + maybe.n[i] || sent.n[i] < want.n[i] - kept.n[i]) {
            ledger_wrong(&year->ledger, "%s (%s%s): %lld notices of %s, expected %lld", one->number, one->kind,
                         called ? ", by a caller" : "", (long long)sent.n[i], step_names[i], (long long)want.n[i]);
        }
    }
}
