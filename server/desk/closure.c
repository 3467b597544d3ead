/* Claims of repair judged, tickets that open again by themselves, acceptance by silence. */
#include "server/desk/closure.h"

#include "server/alarm/alarm.h"
#include "server/case/customer.h"
#include "server/case/proof.h"
#include "server/desk/rca.h"

#define SLICE 500

/* ------------------------------------------------------------------ what has to be there */

static bool was_visited(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT 1 FROM repair WHERE ticket = ?1 AND work_order IS NOT NULL LIMIT 1", "i",
                        ticket);
}

enum err closure_needs(struct sql *sql, const struct ticket *ticket, struct closure_needs *ret_needs)
{
    struct closure_needs needs = {.wanted = ticket->plan ? ticket->plan->people.close_needs : 0};
    struct sql_rows rows;

    if (!proof_has_alarm(sql, ticket->id)) {
        needs.wanted &= ~PLAN_NEED_TELEMETRY;
    }
    if (!was_visited(sql, ticket->id)) {
        needs.wanted &= ~(PLAN_NEED_AFTER_TEST | PLAN_NEED_SIGN_OFF);
    }
    if (!ticket->plan || !(ticket->plan->people.rca_grades >> ticket->grade & 1) || !ticket->fault) {
        needs.wanted &= ~PLAN_NEED_RCA;
    }
    sql_find(sql, &rows,
             "SELECT proved_ms IS NOT NULL, fed_back_ms IS NOT NULL, EXISTS (SELECT 1 FROM work_order w WHERE w.ticket ="
             " ticket.id AND w.after IS NOT NULL), EXISTS (SELECT 1 FROM acceptance a WHERE a.ticket = ticket.id AND"
             " a.result IN ('accepted', 'deemed')) OR EXISTS (SELECT 1 FROM work_order w WHERE w.ticket = ticket.id AND"
             " w.result = 'accepted'), EXISTS (SELECT 1 FROM rca r WHERE r.ticket = ticket.id AND r.state ="
             " 'approved') FROM ticket WHERE id = ?1",
             "i", ticket->id);
    if (sql_next(&rows)) {
        needs.there = (sql_int(&rows, 0) ? PLAN_NEED_TELEMETRY : 0) | (sql_int(&rows, 1) ? PLAN_NEED_FEEDBACK : 0) |
                      (sql_int(&rows, 2) ? PLAN_NEED_AFTER_TEST : 0) | (sql_int(&rows, 3) ? PLAN_NEED_SIGN_OFF : 0) |
                      (sql_int(&rows, 4) ? PLAN_NEED_RCA : 0);
    }
    *ret_needs = needs;
    return sql_end(&rows);
}

/* ------------------------------------------------------------------ proved */

static enum err ask_acceptance(struct sql *sql, const struct ticket *ticket, int64_t now_ms)
{
    int64_t deemed_ms = ticket->plan ? ticket->plan->people.deemed_ms : 0;

    if (deemed_ms <= 0 || !was_visited(sql, ticket->id) ||
        sql_find_int(sql, 0, "SELECT 1 FROM work_order WHERE ticket = ?1 AND result = 'accepted' LIMIT 1", "i", ticket->id) ||
        sql_find_int(sql, 0, "SELECT 1 FROM acceptance WHERE ticket = ?1 AND result = 'accepted' AND at_ms >= ?2 LIMIT 1",
                     "ii", ticket->id, ticket->cleared_ms)) {
        return ERR_OK;
    }
    return sql_run(sql,
                   "INSERT INTO acceptance (ticket, asked_ms, due_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                   "iii", ticket->id, now_ms, now_ms + deemed_ms);
}

enum err closure_restored(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms)
{
    enum err err = proof_given(sql, ticket->id, now_ms);

    if (!err && ticket->fault) {
        err = clocks_start(office, sql, ticket, PLAN_CLEARED, ticket->cleared_ms);
    }
    if (!err && ticket->fault) {
        err = rca_draft(office, sql, ticket, now_ms);
    }
    if (!err) {
        TEXT(step, 64);

        text_addf(&step, "restored.%lld", (long long)now_ms);
        err = customer_tell(office, sql, ticket, step.at, now_ms);
    }
    return err ? err : ask_acceptance(sql, ticket, now_ms);
}

/* ------------------------------------------------------------------ not so */

int64_t closure_pending(struct sql *sql, const char *cause_key)
{
    return sql_find_int(sql, 0,
                        "SELECT t.id FROM repair r JOIN ticket t ON t.id = r.ticket WHERE r.outcome IS NULL AND"
                        " t.cause_key = ?1 AND t.closed_ms IS NOT NULL ORDER BY t.id + 0 DESC LIMIT 1",
                        "t", cause_key);
}

enum err closure_again(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms)
{
    return was_visited(sql, ticket->id) ? dispatch_again(office, sql, ticket, now_ms) : ERR_OK;
}

enum err closure_reopen(struct office *office, struct sql *sql, struct ticket *ticket, int64_t at_ms, int64_t now_ms,
                        const char *reason)
{
    struct ticket_facts facts = {.state = TICKET_CLOSED, .role = ROLE_SERVER};
    TEXT(step, 64);
    enum err err = ticket_move(&facts, TICKET_REOPEN, &ticket->state, NULL);

    if (!err) {
        err = proof_undone(sql, ticket->id, at_ms, reason);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE ticket SET closed_ms = NULL, cleared_ms = NULL, hold_until_ms = NULL, resolution = NULL,"
                      " state = ?2, version = version + 1 WHERE id = ?1",
                      "it", ticket->id, ticket_state_names[ticket->state]);
    }
    ticket->closed_ms = ticket->cleared_ms = ticket->hold_until_ms = 0;
    if (!err) { /* the clocks go on as if nobody had closed: the time in between counts */
        err = clocks_restart(sql, ticket->id);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, "heliograph", "reopen", NULL, reason, NULL);
    }
    if (!err && ticket->fault) {
        err = dispatch_again(office, sql, ticket, now_ms);
    }
    text_addf(&step, "reopened.%lld", (long long)at_ms);
    if (!err) {
        err = ticket_tell(office, sql, ticket, step.at, "closed without proof, and the fault is there still", now_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, ticket, now_ms, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

/* ------------------------------------------------------------------ claims that are due */

static enum err wait_until(struct sql *sql, int64_t repair, int64_t next_ms)
{
    return sql_run(sql, "UPDATE repair SET next_ms = ?2 WHERE id = ?1", "ii", repair, next_ms);
}

/* The fault stands though somebody said that it was repaired. */
static enum err stands(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms)
{
    int64_t other = ticket->closed_ms ? ticket_of_cause(sql, ticket->cause_key) : 0;
    enum err err;

    if (other) { /* a caller's ticket of the same cause goes on instead */
        err = sql_run(sql, "UPDATE alarm SET ticket = ?2 WHERE ticket = ?1 AND cleared_ms IS NULL", "ii", ticket->id,
                      other);
        return err ? err : proof_undone(sql, ticket->id, now_ms, "the fault stands; another ticket has it");
    }
    if (ticket->closed_ms) {
        return closure_reopen(office, sql, ticket, now_ms, now_ms, "the equipment still shows the fault");
    }
    err = ticket_relapsed(office, sql, ticket, now_ms, now_ms);
    return err ? err : closure_again(office, sql, ticket, now_ms);
}

/* A closed ticket's fault went and stayed away: the proof that closing lacked. */
static enum err prove_closed(struct office *office, struct sql *sql, struct ticket *ticket, int64_t cleared_ms,
                             int64_t now_ms)
{
    enum err err;

    /* closed within its hold: it was known when the fault went, and the clocks were stopped by that */
    ticket->cleared_ms = ticket->cleared_ms ? ticket->cleared_ms : cleared_ms;
    err = sql_run(sql, "UPDATE ticket SET cleared_ms = ?2, proof = 'telemetry', version = version + 1 WHERE id = ?1", "ii",
                  ticket->id, ticket->cleared_ms);
    if (!err) {
        err = ticket_line(sql, ticket->id, now_ms, now_ms, "heliograph", "restored", NULL,
                          "telemetry stayed normal for the hold time", NULL);
    }
    if (!err) {
        err = closure_restored(office, sql, ticket, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

/* The fault had gone, and its hold had passed, before somebody said that it was repaired. */
static enum err prove_open(struct office *office, struct sql *sql, struct ticket *ticket, int64_t from_ms, int64_t now_ms)
{
    enum err err;

    if (ticket->state != TICKET_TESTING) { /* restored long ago: only the claim was open */
        return proof_given(sql, ticket->id, now_ms);
    }
    err = sql_run(sql, "UPDATE ticket SET cleared_ms = ?2 WHERE id = ?1", "ii", ticket->id, from_ms);
    if (!err) {
        err = ticket_set_state(sql, ticket->id, TICKET_CLEARED);
    }
    ticket->state = TICKET_CLEARED;
    ticket->cleared_ms = from_ms;
    if (!err) {
        err = clocks_stop(sql, ticket->id, PLAN_CLEARED_STOP, from_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, ticket, from_ms, now_ms);
    }
    if (!err) {
        err = clocks_cancel(sql, ticket->id, from_ms, true);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, now_ms, now_ms, "heliograph", "restored", NULL,
                          "telemetry stayed normal for the hold time", NULL);
    }
    if (!err) {
        err = closure_restored(office, sql, ticket, now_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, ticket, now_ms, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

static enum err judge_claim(struct office *office, struct sql *sql, int64_t repair, int64_t ticket_id, int64_t at_ms,
                            int64_t now_ms)
{
    struct ticket ticket;
    int64_t hold_ms, reopen_ms, from_ms, heard_ms, open_ms, quiet_ms;
    enum err err = ticket_load(office, sql, ticket_id, &ticket);

    if (err) {
        return err;
    }
    hold_ms = ticket.plan ? ticket.plan->hold_ms : 0;
    reopen_ms = ticket.plan && ticket.plan->reopen_ms > 0 ? ticket.plan->reopen_ms : TICKET_REOPEN_PRESET_MS;
    open_ms = proof_open_alarm(sql, ticket_id);
    from_ms = open_ms ? at_ms : proof_cleared_ms(sql, ticket_id);
    from_ms = from_ms > at_ms ? from_ms : at_ms;
    heard_ms = proof_heard(sql, &ticket);
    if (ticket.closed_ms && now_ms > ticket.closed_ms + reopen_ms) {
        return sql_run(sql,
                       "UPDATE repair SET outcome = 'unknown', outcome_ms = ?2, reason = 'the equipment said nothing'"
                       " WHERE id = ?1",
                       "ii", repair, now_ms);
    }
    if (now_ms < from_ms + hold_ms) {
        return wait_until(sql, repair, from_ms + hold_ms);
    }
    quiet_ms = open_ms ? 0 : proof_quiet_end(sql, ticket_id);
    if (quiet_ms) { /* it has gone, and may come again at any time: whether it will is said then */
        return wait_until(sql, repair, quiet_ms > now_ms ? quiet_ms : now_ms + PROOF_RETRY_MS);
    }
    if (heard_ms < from_ms + hold_ms ||
        inputs_unknown(sql, office->options.rules, ticket.equipment, ticket.fault, false, now_ms)) {
        return wait_until(sql, repair, now_ms + PROOF_RETRY_MS);
    }
    if (open_ms) {
        return stands(office, sql, &ticket, now_ms);
    }
    if (ticket.hold_until_ms) { /* the ticket's own hold says it */
        return wait_until(sql, repair, ticket.hold_until_ms > now_ms ? ticket.hold_until_ms : now_ms + PROOF_RETRY_MS);
    }
    return ticket.closed_ms ? prove_closed(office, sql, &ticket, from_ms, now_ms)
                            : prove_open(office, sql, &ticket, from_ms, now_ms);
}

struct due {
    int64_t id, ticket, at_ms;
};

static enum err find_due(struct sql_rows *rows, struct due *due, size_t *ret_count)
{
    size_t count = 0;

    while (count < SLICE && sql_next(rows)) {
        due[count++] = (struct due){sql_int(rows, 0), sql_int(rows, 1), sql_int(rows, 2)};
    }
    *ret_count = count;
    return sql_end(rows);
}

static enum err turn_claims(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct due due[SLICE];
    struct sql_rows rows;
    size_t count;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id, ticket, at_ms FROM repair WHERE outcome IS NULL AND next_ms <= ?1 ORDER BY next_ms, id LIMIT 500",
             "i", now_ms);
    err = find_due(&rows, due, &count);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = judge_claim(office, sql, due[i].id, due[i].ticket, due[i].at_ms, now_ms);
    }
    return err;
}

static enum err turn_acceptances(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct due due[SLICE];
    struct sql_rows rows;
    size_t count;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id, ticket, due_ms FROM acceptance WHERE result IS NULL AND due_ms <= ?1 ORDER BY due_ms, id LIMIT 500",
             "i", now_ms);
    err = find_due(&rows, due, &count);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = sql_run(sql, "UPDATE acceptance SET result = 'deemed', at_ms = due_ms, who = 'heliograph' WHERE id = ?1",
                      "i", due[i].id);
        if (!err) {
            err = ticket_line(sql, due[i].ticket, due[i].at_ms, now_ms, "heliograph", "accept", NULL,
                              "nobody objected: deemed accepted", NULL);
        }
        if (!err) {
            err = ticket_changed(sql, due[i].ticket, now_ms);
        }
    }
    return err;
}

enum err closure_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = turn_claims(office, sql, now_ms);

    err = err ? err : turn_acceptances(office, sql, now_ms);
    return err ? err : rca_turn(office, sql, now_ms);
}

int64_t closure_due(struct sql *sql)
{
    int64_t claim_ms = sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(next_ms) FROM repair WHERE outcome IS NULL", "");
    int64_t rca_ms = rca_due(sql);
    int64_t word_ms = sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(due_ms) FROM acceptance WHERE result IS NULL", "");

    word_ms = rca_ms < word_ms ? rca_ms : word_ms;
    return claim_ms < word_ms ? claim_ms : word_ms;
}
