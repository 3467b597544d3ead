/* A ticket's life after it was opened: regraded, cleared, back, closed. */
#include "server/case/life.h"

#include "server/case/classes.h"
#include "server/case/clocks.h"
#include "server/case/family.h"
#include "server/case/customer.h"
#include "server/case/proof.h"
#include "server/rack/reserve.h"

/* The grade, and with it what the machine makes of it; a person's grade is a person's word. */
static enum err write_grade(struct office *office, struct sql *sql, struct ticket *ticket, const char *who,
                            const char *reason, int64_t at_ms)
{
    static const char *const grades[] = {"1", "2", "3"};
    enum err err = sql_run(sql,
                           "UPDATE ticket SET grade = ?2, fall_grade = NULL, fall_ms = NULL, version ="
                           " version + 1 WHERE id = ?1",
                           "ii", ticket->id, (int64_t)ticket->grade);

    ticket->fall_ms = 0;
    if (!err && !text_same(who, "heliograph")) {
        err = classes_say(office, sql, ticket, CLASS_SEVERITY, grades[ticket->grade - 1], who, reason, at_ms);
    }
    return err ? err : classes_judge(office, sql, ticket, NULL, NULL, reason, at_ms);
}

enum err ticket_regrade(struct office *office, struct sql *sql, struct ticket *ticket, int grade,
                        const char *who, const char *reason, const char *action_id, int64_t at_ms,
                        int64_t now_ms)
{
    TEXT(data, 64);
    TEXT(step, 64);
    enum err err;

    if (grade == ticket->grade || grade < 1 || grade > 3) {
        return ERR_OK;
    }
    text_addf(&data, "{\"from\":%d,\"to\":%d}", ticket->grade, grade);
    /* a backlog may bring it to the same grade twice at one instant */
    text_addf(&step, "regraded.%d.%d.%lld", ticket->grade, grade, (long long)at_ms);
    ticket->grade = grade;
    err = write_grade(office, sql, ticket, who, reason ? reason : "", at_ms);
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, who, "regrade", action_id, reason, data.at);
    }
    if (!err) {
        err = clocks_regrade(office, sql, ticket, at_ms);
    }
    if (!err) {
        err = ticket_tell(office, sql, ticket, step.at, "the grade changed", now_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, ticket, now_ms, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err ticket_cleared(struct office *office, struct sql *sql, struct ticket *ticket,
                        int64_t cleared_ms, int64_t now_ms)
{
    const struct plan *plan = ticket->plan;
    /* A backlog goes on: what comes next of it may bring the fault back, and that is the same ticket,
     * however fast the server works. So its hold runs from when the clearing was heard of. */
    int64_t from_ms = ticket->late && now_ms > cleared_ms ? now_ms : cleared_ms;
    enum err err;

    ticket->cleared_ms = cleared_ms;
    ticket->hold_until_ms = from_ms + (plan ? plan->hold_ms : 0);
    err = sql_run(sql,
                  "UPDATE ticket SET cleared_ms = ?2, hold_until_ms = ?3, version = version + 1"
                  " WHERE id = ?1",
                  "iii", ticket->id, cleared_ms, ticket->hold_until_ms);
    if (!err) { /* no hold: the service is back when it is back */
        err = clocks_stop(sql, ticket->id, PLAN_RESTORED, cleared_ms);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, cleared_ms, now_ms, "heliograph", "clear", NULL,
                          "telemetry is normal again", NULL);
    }
    if (!err) {
        TEXT(step, 64);

        text_addf(&step, "cleared.%lld", (long long)cleared_ms);
        err = ticket_tell(office, sql, ticket, step.at, "telemetry is normal again", now_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, ticket, now_ms, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err ticket_relapsed(struct office *office, struct sql *sql, struct ticket *ticket, int64_t at_ms,
                         int64_t now_ms)
{
    struct ticket_facts facts = {.state = ticket->state, .role = ROLE_SERVER};
    enum ticket_state state = ticket->state;
    enum err err;

    if (ticket_move(&facts, TICKET_RELAPSE, &state, NULL)) {
        state = ticket->state;
    }
    ticket->state = state;
    ticket->cleared_ms = 0;
    ticket->hold_until_ms = 0;
    err = sql_run(sql,
                  "UPDATE ticket SET cleared_ms = NULL, hold_until_ms = NULL, state = ?2, version ="
                  " version + 1 WHERE id = ?1",
                  "it", ticket->id, ticket_state_names[state]);
    if (!err) {
        err = proof_undone(sql, ticket->id, at_ms, "the fault came back");
    }
    if (!err) {
        err = clocks_restart(sql, ticket->id);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, "heliograph", "relapse", NULL,
                          "the fault is back", NULL);
    }
    if (!err) {
        TEXT(step, 64);

        text_addf(&step, "relapsed.%lld", (long long)at_ms);
        err = ticket_tell(office, sql, ticket, step.at, "the fault is back", now_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, ticket, now_ms, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err ticket_close(struct office *office, struct sql *sql, struct ticket *ticket, const char *who,
                      const char *resolution, const char *action_id, int64_t at_ms, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE pause SET to_ms = MAX(?2, from_ms) WHERE ticket = ?1 AND to_ms IS"
                           " NULL",
                           "ii", ticket->id, at_ms);

    if (!err) {
        /* repaired when the fault went, which was before anybody said so */
        err = clocks_stop(sql, ticket->id, PLAN_CLEARED_STOP,
                          ticket->cleared_ms && ticket->cleared_ms < at_ms ? ticket->cleared_ms : at_ms);
    }
    if (!err) { /* what was missed by then stays missed */
        err = clocks_judge(office, sql, ticket, at_ms, now_ms);
    }
    if (!err) {
        err = clocks_cancel(sql, ticket->id, at_ms, false);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE ticket SET closed_ms = ?2, resolution = ?3, hold_until_ms = NULL, fall_ms = NULL, next_ms"
                      " = NULL, state = 'closed', proof = CASE WHEN"
                      " proved_ms IS NULL THEN 'none' ELSE 'telemetry' END, version = version + 1 WHERE id = ?1",
                      "iit", ticket->id, at_ms, resolution);
    }
    if (!err) { /* what is owed after the end is looked after by its own turn (desk/rca) */
        err = sql_run(sql, "UPDATE rca SET next_ms = ?2 WHERE ticket = ?1 AND state = 'draft'", "ii", ticket->id, now_ms);
    }
    if (!err && ticket->plan && ticket->plan->survey.after_close_ms && !text_same(ticket->kind, "communication")) {
        err = sql_run(sql, "UPDATE ticket SET survey_ms = ?2 WHERE id = ?1", "ii", ticket->id,
                      at_ms + ticket->plan->survey.after_close_ms); /* the customer is asked (server/relation) */
    }
    if (!err) { /* a line of the order's own: what a phone did before that is still taken */
        err = sql_run(sql,
                      "INSERT INTO work_event (work_order, at_ms, stored_ms, who, action, note) SELECT id,"
                      " CASE WHEN created_ms > ?2 THEN created_ms ELSE ?2 END, ?3, ?4, 'cancel', 'the ticket was closed'"
                      " FROM work_order WHERE ticket = ?1 AND state IN ('proposed', 'dispatched', 'assigned', 'accepted',"
                      " 'refused')",
                      "iiit", ticket->id, at_ms, now_ms, who);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE work_order SET state = 'cancelled', reason = 'the ticket was closed',"
                      " version = version + 1, sequence = sequence + 1 WHERE ticket = ?1 AND state IN"
                      " ('proposed', 'dispatched', 'assigned', 'accepted', 'refused')",
                      "i", ticket->id);
    }
    if (!err) {
        err = rack_release_ticket(sql, ticket->id, who, "the ticket was closed", now_ms);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, who, "close", action_id, resolution, NULL);
    }
    if (!err) {
        err = family_end(office, sql, ticket, resolution, at_ms, now_ms);
    }
    if (!err && ticket->agent) { /* when it is silent still, that is owed another ticket */
        err = sql_run(sql, "UPDATE agent SET link_next_ms = ?2 WHERE id = ?1 AND silent_since_ms IS NOT NULL", "ii",
                      ticket->agent, now_ms);
    }
    ticket->closed_ms = at_ms;
    ticket->hold_until_ms = 0;
    ticket->state = TICKET_CLOSED;
    if (!err) {
        TEXT(step, 64);

        text_addf(&step, "closed.%lld", (long long)at_ms);
        err = customer_tell(office, sql, ticket, step.at, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}
