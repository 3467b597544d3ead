/* A work order has moved: its ticket, its clocks and its customer follow. */
#include "server/field/work_int.h"

#include "server/case/clocks.h"
#include "server/case/customer.h"
#include "server/case/proof.h"

static const struct {
    int ticket_action; /* what the ticket does then; -1: nothing */
    int stop;          /* clocks that stop; -1: none */
} follows[WORK_ACTIONS] = {
    [WORK_DEPART] = {TICKET_DEPART, -1},
    [WORK_ARRIVE] = {TICKET_ARRIVE, PLAN_ARRIVED},
    [WORK_START] = {TICKET_START, PLAN_ARRIVED},
    [WORK_FINISH] = {TICKET_FINISH, -1},
};

static bool is_followed(enum work_action kind)
{
    return kind == WORK_DEPART || kind == WORK_ARRIVE || kind == WORK_START || kind == WORK_FINISH;
}

/* Whoever was there first was there then: an arrival that is heard of late counts at its own time. */
static enum err stop_clock(struct work *work, enum plan_stop stop)
{
    enum err err = clocks_stop(work->sql, work->order.ticket, stop, work->at_ms);

    return err || !work->place.late
               ? err
               : sql_run(work->sql, "UPDATE clock SET met_ms = ?3 WHERE ticket = ?1 AND stop = ?2 AND met_ms > ?3",
                         "iti", work->order.ticket, plan_stop_names[stop], work->at_ms);
}

/* Who stands before the customer has answered as well (G-14: a person's answer, not a receipt). */
static enum err stop_clocks(struct work *work)
{
    int stop = follows[work->kind].stop;
    enum err err;

    if (stop < 0) {
        return ERR_OK;
    }
    err = stop_clock(work, (enum plan_stop)stop);
    return err || stop != PLAN_ARRIVED ? err : stop_clock(work, PLAN_RESPONSE);
}

/* A repair that is begun needs the consent to its charges, also when it is heard of late (S0-59). */
static enum err step_ticket(struct work *work, const struct ticket *ticket)
{
    struct ticket_facts facts;
    enum ticket_state state;
    bool agreed, further;
    enum err err = ticket_facts(work->office, work->sql, ticket, ROLE_SERVER, &facts);

    if (err) {
        return err;
    }
    err = ticket_move(&facts, (enum ticket_action)follows[work->kind].ticket_action, &state, work->why);
    agreed = !facts.consent_needed || facts.consent_given;
    further = work->kind == WORK_FINISH  ? agreed
              : work->kind == WORK_START ? ticket->state == TICKET_REPAIRING || (work->place.late && agreed)
                                         : true;
    if (err == ERR_STATE && further) {
        return ERR_OK; /* the ticket is further already */
    }
    if (err == ERR_STATE && !agreed) { /* what opens it is an action of the ticket */
        return text_say(work->why, err,
                        "%s is not legal now: the customer has to consent to the charges before the repair (S0-59)."
                        " Legal: quote and consent of ticket %s; check note record cancel",
                        work->kind == WORK_FINISH ? "finish" : "start", ticket->number);
    }
    return err || work->place.late ? err : ticket_set_state(work->sql, ticket->id, state);
}

/* The customer will not have it so: the repair goes on, whatever telemetry says (S1-33). */
static enum err repair_again(struct work *work, const struct ticket *ticket)
{
    enum err err = ERR_OK;

    if (work->place.late) {
        return ERR_OK;
    }
    err = proof_undone(work->sql, ticket->id, work->at_ms, "the customer refused the result");
    if (!err) {
        err = clocks_restart(work->sql, ticket->id);
    }
    if (!err) {
        err = sql_run(work->sql, "UPDATE ticket SET hold_until_ms = NULL WHERE id = ?1", "i", ticket->id);
    }
    return err ? err : ticket_set_state(work->sql, ticket->id, TICKET_REPAIRING);
}

/* The customer hears of it with the state that follows. */
static enum err tell_customer(struct work *work)
{
    struct ticket ticket;
    TEXT(step, 96);
    enum err err = ticket_load(work->office, work->sql, work->order.ticket, &ticket);

    text_addf(&step, "%s.%s.%lld", work->action->action, work->order.number, (long long)work->at_ms);
    return err || work->place.late || ticket.closed_ms
               ? err
               : customer_tell(work->office, work->sql, &ticket, step.at, work->now_ms);
}

enum err work_move_ticket(struct work *work)
{
    const struct action *action = work->action;
    struct ticket ticket;
    enum err err = ticket_load(work->office, work->sql, work->order.ticket, &ticket);

    if (!err && is_followed(work->kind) && !ticket.closed_ms) {
        err = stop_clocks(work);
        err = err ? err : step_ticket(work, &ticket);
    }
    if (!err && work->kind == WORK_REFUSE_RESULT && !ticket.closed_ms) {
        err = repair_again(work, &ticket);
        err = err ? err : proof_undone(work->sql, ticket.id, work->at_ms, "the customer refused the result");
    }
    if (!err && work->kind == WORK_FINISH && !ticket.closed_ms) {
        err = proof_claim(work->sql, &ticket, work->order.id, action->who, work->at_ms);
    }
    if (!err) {
        err = ticket_line(work->sql, ticket.id, work->at_ms, work->now_ms, action->who, action->action, NULL,
                          action->note, NULL);
    }
    if (!err && !ticket.closed_ms) {
        err = clocks_judge(work->office, work->sql, &ticket, work->now_ms, work->now_ms);
    }
    if (!err) {
        err = tell_customer(work);
    }
    return err ? err : ticket_changed(work->sql, ticket.id, work->now_ms);
}
