/* Conditions of tickets, and the steps that follow from them. */
#include "server/field/escalate_int.h"

#include <string.h>

#include "models/service/plan_staff.h"
#include "server/case/clocks.h"
#include "server/field/owner.h"
#include "server/fleet/numbers.h"

#define EVENTS_MOST 1000 /* words of people about one escalation */
#define SLICE       500

/* ------------------------------------------------------------------ what holds */

/* Conditions and since when, of an open ticket. || '': the index of kinds holds a million orders, that of tickets one. */
static const char conditions[] =
    "SELECT 'emergency', registered_ms FROM ticket WHERE id = ?1 AND closed_ms IS NULL AND grade = 1 AND cleared_ms IS"
    " NULL UNION ALL SELECT 'unacknowledged', registered_ms FROM ticket t WHERE id = ?1 AND state = 'registered' AND NOT"
    " EXISTS (SELECT 1 FROM ticket_event e WHERE e.ticket = t.id AND e.action IN ('respond', 'remote_attempt',"
    " 'contact')) UNION ALL SELECT 'not_dispatched', registered_ms FROM ticket t WHERE id = ?1 AND closed_ms IS NULL AND"
    " cleared_ms IS NULL AND kind IN ('fault', 'prediction') AND NOT EXISTS (SELECT 1 FROM assignment a WHERE a.ticket ="
    " t.id AND (a.team IS NOT NULL OR a.technician IS NOT NULL)) UNION ALL SELECT 'not_accepted', a.asked_ms FROM"
    " assignment a JOIN ticket t ON t.id = a.ticket WHERE a.ticket = ?1 AND t.closed_ms IS NULL AND t.cleared_ms IS NULL"
    " AND a.ended_ms IS NULL AND a.team IS NOT NULL AND a.accepted_ms IS NULL AND a.refused_ms IS NULL AND a.arranged_ms"
    " IS NULL UNION ALL SELECT 'refused', a.refused_ms FROM assignment a JOIN ticket t ON t.id = a.ticket WHERE a.ticket"
    " = ?1 AND t.closed_ms IS NULL AND a.owned_ms IS NOT NULL AND a.ended_ms IS NULL AND a.refused_ms >"
    " COALESCE(a.accepted_ms, 0) UNION ALL SELECT 'not_departed', w.from_ms FROM work_order w JOIN ticket t ON t.id ="
    " w.ticket WHERE w.ticket = ?1 AND t.closed_ms IS NULL AND w.kind || '' = 'corrective' AND w.state IN ('assigned',"
    " 'accepted') AND w.from_ms IS NOT NULL UNION ALL SELECT 'part_missing', COALESCE((SELECT MAX(e.at_ms) FROM"
    " ticket_event e WHERE e.ticket = t.id AND e.action = 'request_part'), registered_ms) FROM ticket t WHERE id = ?1 AND"
    " state = 'awaiting_parts' UNION ALL SELECT 'will_breach', MIN(c.warned_ms) FROM clock c JOIN ticket t ON t.id ="
    " c.ticket WHERE c.ticket = ?1 AND t.closed_ms IS NULL AND c.warned_ms IS NOT NULL AND c.met_ms IS NULL AND"
    " c.cancelled_ms IS NULL AND c.breached_ms IS NULL HAVING COUNT(*) > 0 UNION ALL SELECT 'breached',"
    " MIN(c.breached_ms) FROM clock c JOIN ticket t ON t.id = c.ticket WHERE c.ticket = ?1 AND t.closed_ms IS NULL AND"
    " c.stop <> 'approved' AND c.breached_ms IS NOT NULL AND c.met_ms IS NULL AND c.cancelled_ms IS NULL HAVING COUNT(*) > 0"
    " UNION ALL SELECT 'not_implemented', e.at_ms FROM ticket_event e JOIN ticket t ON t.id = e.ticket WHERE t.id = ?1 AND t.closed_ms IS"
    " NULL AND e.id = (SELECT MAX(x.id) FROM ticket_event x WHERE x.ticket = ?1 AND x.action IN ('check', 'decide')) AND"
    " e.action = 'check' AND e.data LIKE '%not_implemented%' UNION ALL SELECT 'rca_overdue', MIN(c.breached_ms) FROM"
    " clock c WHERE c.ticket = ?1 AND c.stop = 'approved' AND c.breached_ms IS NOT NULL AND c.met_ms IS NULL AND"
    " c.cancelled_ms IS NULL HAVING COUNT(*) > 0 UNION ALL SELECT 'manual', e.at_ms FROM ticket_event e JOIN"
    " ticket t ON t.id = e.ticket WHERE t.id = ?1 AND t.closed_ms IS NULL AND e.id = (SELECT MAX(x.id) FROM ticket_event"
    " x WHERE x.ticket = ?1 AND x.action IN ('escalate', 'decide')) AND e.action = 'escalate'";

struct held { /* what holds; -1: not */
    int64_t since_ms[ESCALATION_ONS];
};

static enum err find_held(struct sql *sql, const struct ticket *ticket, struct held *held)
{
    const struct plan_staff *staff = ticket->plan ? ticket->plan->staff : NULL;
    struct sql_rows rows;
    enum err err;

    for (int i = 0; i < ESCALATION_ONS; i++) {
        held->since_ms[i] = -1;
    }
    sql_find(sql, &rows, conditions, "i", ticket->id);
    while (sql_next(&rows)) {
        int on = escalation_on_read(sql_text(&rows, 0));

        if (on >= 0 && !sql_null(&rows, 1)) {
            held->since_ms[on] = sql_int(&rows, 1);
        }
    }
    err = sql_end(&rows);
    if (err || !staff || ticket->closed_ms) {
        return err;
    }
    if (staff->not_cleared_ms > 0 && !ticket->cleared_ms) {
        held->since_ms[ESCALATION_NOT_CLEARED] = ticket->registered_ms + staff->not_cleared_ms;
    }
    if (owner_bounces(sql, ticket->id) > staff->bounce_most) {
        held->since_ms[ESCALATION_BOUNCED] = sql_find_int(
            sql, -1, "SELECT MAX(refused_ms) FROM assignment WHERE ticket = ?1", "i", ticket->id);
    }
    return ERR_OK;
}

/* ------------------------------------------------------------------ one escalation */

enum err escalate_write(struct sql *sql, int64_t escalation, const char *kind, const struct escalation_due *due,
                        const char *who, const char *action_id, const char *note, const char *data, int64_t at_ms,
                        int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO escalation_event (escalation, kind, at_ms, stored_ms, step, repetition, due_ms, who,"
                   " action_id, note, data) VALUES (?1, ?2, ?3, ?4, NULLIF(?5, -1), NULLIF(?6, -1), NULLIF(?7, -1), ?8,"
                   " ?9, ?10, ?11)",
                   "itiiiiitttt", escalation, kind, at_ms, now_ms, due ? (int64_t)due->step : (int64_t)-1,
                   due ? due->repetition : (int64_t)-1, due ? due->due_ms : (int64_t)-1, who, action_id, note, data);
}

static enum err end_it(struct sql *sql, int64_t escalation, const char *outcome, int64_t at_ms, int64_t now_ms)
{
    enum err err = escalate_write(sql, escalation, outcome, NULL, "heliograph", NULL, NULL, NULL, at_ms, now_ms);

    return err ? err
               : sql_run(sql,
                         "UPDATE escalation SET closed_ms = ?2, outcome = ?3, next_ms = NULL, version = version + 1"
                         " WHERE id = ?1 AND closed_ms IS NULL",
                         "iit", escalation, at_ms, outcome);
}

/* What people said, and of each step only how often it was taken: one that is repeated for months has thousands of lines. */
static enum err read_events(struct arena *arena, struct sql *sql, int64_t escalation, size_t steps,
                            struct escalation_event **ret_events, size_t *ret_count)
{
    struct escalation_event *events = arena_array(arena, EVENTS_MOST + ESCALATION_STEPS_MOST, sizeof(*events));
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!events) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT kind, at_ms FROM escalation_event WHERE escalation = ?1 AND kind <> 'step' ORDER BY id LIMIT 1000", "i",
             escalation);
    while (count < EVENTS_MOST && sql_next(&rows)) {
        events[count++] = (struct escalation_event){
            .kind = strcmp(sql_text(&rows, 0), "acknowledge") == 0 ? ESCALATION_ACKNOWLEDGE : ESCALATION_END,
            .at_ms = sql_int(&rows, 1),
        };
    }
    err = sql_end(&rows);
    for (size_t step = 0; !err && step < steps; step++) {
        int64_t taken = sql_find_int(sql, -1,
                                     "SELECT MAX(repetition) FROM escalation_event WHERE escalation = ?1 AND step = ?2 AND"
                                     " kind = 'step'",
                                     "ii", escalation, (int64_t)step);

        if (taken >= 0) {
            events[count++] = (struct escalation_event){.kind = ESCALATION_STEP, .step = (int)step, .repetition = taken};
        }
    }
    *ret_events = events;
    *ret_count = count;
    return err;
}

/* By the clock on the wall, or in the working time of the ticket's site. */
static enum err look_by(struct office *office, struct sql *sql, const struct ticket *ticket, const struct escalation_rule *rule,
                        int64_t begin_ms, struct escalation_event *events, size_t count, int64_t now_ms,
                        struct escalation_due due[ESCALATION_STEPS_MOST], int64_t *ret_next_ms, size_t *ret_found)
{
    struct workdays workdays;
    enum err err;

    if (!rule->working_hours) {
        *ret_found = escalation_look(rule, begin_ms, events, count, now_ms, due, ret_next_ms);
        return ERR_OK;
    }
    err = clocks_workdays(office->arena, sql, office->options.rules, ticket->calendar, ticket->time_zone, &workdays);
    if (!err) {
        *ret_found = escalation_look_in(rule, &workdays, begin_ms, events, count, now_ms, due, ret_next_ms);
    }
    return err;
}

static enum err look(struct office *office, struct sql *sql, const struct ticket *ticket, const struct open *open,
                     int64_t now_ms)
{
    const struct plan_escalation *rule =
        ticket->plan ? plan_escalation_of(ticket->plan, (enum escalation_on)open->on, ticket->grade) : NULL;
    struct escalation_due due[ESCALATION_STEPS_MOST];
    struct escalation_event *events;
    size_t count, found = 0;
    int64_t next_ms = INT64_MAX, begin_ms = open->since_ms, known_ms = 0;
    enum told_way way = TOLD_SINGLE;
    bool held = false;
    enum err err = escalate_way(sql, ticket, now_ms, &way, &known_ms);

    if (err) {
        return err;
    }
    if (escalate_by_itself(open->on)) { /* nobody can have done anything before they were told */
        begin_ms = known_ms > begin_ms ? known_ms : begin_ms;
        held = way == TOLD_HELD;
    }
    if (!rule || held) { /* not at this grade; not before its alarm is told (told_wake) */
        return sql_run(sql, "UPDATE escalation SET next_ms = NULL WHERE id = ?1", "i", open->id);
    }
    err = read_events(office->arena, sql, open->id, rule->rule.step_count, &events, &count);
    if (!err) {
        err = look_by(office, sql, ticket, &rule->rule, begin_ms, events, count, now_ms, due, &next_ms, &found);
    }
    for (size_t i = 0; !err && i < found; i++) {
        err = escalate_step(office, sql, ticket, open, &rule->rule, &due[i], now_ms);
    }
    if (err) {
        return err;
    }
    return next_ms == INT64_MAX
               ? sql_run(sql, "UPDATE escalation SET next_ms = NULL WHERE id = ?1", "i", open->id)
               : sql_run(sql, "UPDATE escalation SET next_ms = ?2 WHERE id = ?1", "ii", open->id, next_ms);
}

/* ------------------------------------------------------------------ a ticket */

static size_t read_open(struct sql *sql, int64_t ticket, struct open open[ESCALATION_ONS], enum err *ret_err)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(sql, &rows,
             "SELECT id, since_ms, condition, number FROM escalation WHERE ticket = ?1 AND closed_ms IS NULL ORDER BY id", "i",
             ticket);
    while (count < ESCALATION_ONS && sql_next(&rows)) {
        struct open *one = &open[count];

        *one = (struct open){.id = sql_int(&rows, 0), .since_ms = sql_int(&rows, 1),
                             .on = escalation_on_read(sql_text(&rows, 2))};
        (void)!text_copy(one->number, sizeof(one->number), sql_text(&rows, 3));
        count += one->on >= 0;
    }
    *ret_err = sql_end(&rows);
    return count;
}

/* What holds again after it had ended by itself is a new one, from now on; what was decided stays decided. */
static int64_t begin_of(struct sql *sql, int64_t ticket, const char *condition, int64_t since_ms, int64_t now_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM escalation WHERE ticket = ?1 AND condition = ?2 AND since_ms >= ?3 AND outcome ="
                        " 'resolved' LIMIT 1",
                        "iti", ticket, condition, since_ms) &&
                   !sql_find_int(sql, 0,
                                 "SELECT 1 FROM escalation WHERE ticket = ?1 AND condition = ?2 AND since_ms >= ?3 AND (outcome"
                                 " = 'decided' OR closed_ms IS NULL) LIMIT 1",
                                 "iti", ticket, condition, since_ms)
               ? now_ms
               : since_ms;
}

/* Ends what does not hold any more, begins what does. */
static enum err sync(struct sql *sql, const struct ticket *ticket, const struct held *held, int64_t now_ms)
{
    struct open open[ESCALATION_ONS];
    bool is_open[ESCALATION_ONS] = {false};
    enum err err;
    size_t count = read_open(sql, ticket->id, open, &err);

    for (size_t i = 0; !err && i < count; i++) {
        is_open[open[i].on] = held->since_ms[open[i].on] >= 0 && held->since_ms[open[i].on] <= open[i].since_ms;
        if (!is_open[open[i].on]) {
            err = end_it(sql, open[i].id, "resolved", now_ms, now_ms);
        }
    }
    for (int on = 0; !err && on < ESCALATION_ONS; on++) {
        char number[32];
        int64_t since_ms = held->since_ms[on];

        if (held->since_ms[on] < 0 || is_open[on] || !ticket->plan ||
            !plan_escalation_of(ticket->plan, (enum escalation_on)on, ticket->grade)) {
            continue;
        }
        since_ms = begin_of(sql, ticket->id, escalation_on_names[on], since_ms, now_ms);
        numbers_make('E', number, sizeof(number));
        err = sql_run(sql,
                      "INSERT INTO escalation (number, ticket, condition, since_ms, opened_ms, next_ms) VALUES (?1, ?2, ?3,"
                      " ?4, ?5, ?4) ON CONFLICT DO NOTHING",
                      "titii", number, ticket->id, escalation_on_names[on], since_ms, now_ms);
    }
    return err;
}

enum err escalate_refresh(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct open open[ESCALATION_ONS];
    struct ticket ticket;
    struct held held;
    size_t count = 0;
    enum err err = ticket_load(office, sql, id, &ticket);

    if (!err) {
        err = find_held(sql, &ticket, &held);
    }
    if (!err) {
        err = sync(sql, &ticket, &held, now_ms);
    }
    if (!err) {
        count = read_open(sql, id, open, &err);
    }
    for (size_t i = 0; !err && i < count; i++) {
        err = look(office, sql, &ticket, &open[i], now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ the turn */

/* Tickets that something happened to since the last look. */
static enum err turn_lines(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t mark = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'escalated'", "");
    int64_t last = sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket_event", "");
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (last <= mark) {
        return ERR_OK;
    }
    last = last > mark + SLICE ? mark + SLICE : last;
    sql_find(sql, &rows, "SELECT DISTINCT ticket FROM ticket_event WHERE id > ?1 AND id <= ?2 ORDER BY ticket", "ii", mark, last);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = escalate_refresh(office, sql, ids[i], now_ms);
    }
    return err ? err
               : sql_run(sql,
                         "INSERT INTO mark (name, value) VALUES ('escalated', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1",
                         "i", last);
}

static enum err turn_due(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT ticket FROM escalation WHERE closed_ms IS NULL AND next_ms <= ?1 ORDER BY next_ms LIMIT 500", "i", now_ms);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = escalate_refresh(office, sql, ids[i], now_ms);
    }
    return err;
}

int64_t escalate_due(struct sql *sql)
{
    if (sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket_event", "") >
        sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'escalated'", "")) {
        return 0; /* something has happened that was not looked at */
    }
    return sql_find_int(sql, INT64_MAX, "SELECT MIN(next_ms) FROM escalation WHERE closed_ms IS NULL AND next_ms IS NOT NULL",
                        "");
}

enum err escalate_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = turn_lines(office, sql, now_ms);

    return err ? err : turn_due(office, sql, now_ms);
}

/* ------------------------------------------------------------------ what people do */

enum err escalate_decide(struct sql *sql, int64_t ticket, const char *who, const char *decision, int64_t at_ms, int64_t now_ms)
{
    struct open open[ESCALATION_ONS];
    enum err err;
    size_t count = read_open(sql, ticket, open, &err);

    for (size_t i = 0; !err && i < count; i++) {
        err = escalate_write(sql, open[i].id, "decide", NULL, who, NULL, decision, NULL, at_ms, now_ms);
        if (!err) {
            err = sql_run(sql,
                          "UPDATE escalation SET closed_ms = ?2, outcome = 'decided', next_ms = NULL, version = version + 1"
                          " WHERE id = ?1",
                          "ii", open[i].id, at_ms);
        }
    }
    return err;
}

bool escalate_did(struct sql *sql, int64_t escalation, const char *action_id)
{
    return action_id && sql_find_int(sql, 0, "SELECT 1 FROM escalation_event WHERE escalation = ?1 AND action_id = ?2", "it",
                                     escalation, action_id);
}

enum err escalate_act(struct office *office, struct sql *sql, int64_t escalation, const struct action *action, int64_t now_ms,
                      struct text *why)
{
    bool decides = strcmp(action->action, "decide") == 0;
    const char *words = decides ? json_text_or(action->body, "decision", NULL) : action->note;
    int64_t opened_ms = sql_find_int(sql, 0, "SELECT opened_ms FROM escalation WHERE id = ?1", "i", escalation), at_ms;
    int64_t ticket = sql_find_int(sql, 0, "SELECT ticket FROM escalation WHERE id = ?1", "i", escalation);
    enum err err;

    if (!decides && strcmp(action->action, "acknowledge") != 0) {
        return text_say(why, ERR_FORMAT, "action: expected acknowledge or decide, found '%.40s'", action->action);
    }
    if (decides && !(words && words[0])) {
        return text_say(why, ERR_FORMAT, "decide needs a decision");
    }
    if (sql_find_int(sql, 0, "SELECT 1 FROM escalation WHERE id = ?1 AND closed_ms IS NOT NULL", "i", escalation)) {
        return text_say(why, ERR_STATE, "the escalation is over. Legal: nothing");
    }
    err = action_time(action->at_ms, opened_ms, now_ms, &at_ms, why);
    if (!err) {
        err = escalate_write(sql, escalation, action->action, NULL, action->who, action->action_id, words, NULL, at_ms, now_ms);
    }
    if (!err && decides) {
        err = sql_run(sql, "UPDATE escalation SET closed_ms = ?2, outcome = 'decided', next_ms = NULL WHERE id = ?1", "ii",
                      escalation, at_ms);
    }
    if (!err) {
        err = sql_run(sql, "UPDATE escalation SET version = version + 1 WHERE id = ?1", "i", escalation);
    }
    if (!err && decides) { /* the clock of the decision, and what the check found, are answered */
        err = clocks_stop(sql, ticket, PLAN_RULED, at_ms);
    }
    if (!err && decides) {
        err = ticket_line(sql, ticket, at_ms, now_ms, action->who, "decide", NULL, words, NULL);
    }
    return err ? err : escalate_refresh(office, sql, ticket, now_ms);
}
