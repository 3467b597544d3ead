/* What people do with a ticket: the way of an action. */
#include "server/desk/action.h"
#include "models/base/zone.h"
#include "server/field/escalate.h"
#include "server/stock/stock.h"

#include <string.h>

static enum err do_nothing(struct move *move)
{
    (void)move;
    return ERR_OK;
}

/* NULL: no action of people's. */
static enum err (*const doers[TICKET_ACTIONS])(struct move *move) = {
    /* the desk */
    [TICKET_ACKNOWLEDGE] = do_nothing,
    [TICKET_RESPOND] = do_respond,
    [TICKET_REGRADE] = do_regrade,
    [TICKET_QUOTE] = do_quote,
    [TICKET_CONSENT] = do_consent,
    [TICKET_CONFIRM_WARRANTY] = do_confirm_warranty,
    [TICKET_BILL] = do_bill,
    [TICKET_PAY] = do_pay,
    [TICKET_ADJUST] = do_adjust,
    [TICKET_APPROVE_MONEY] = do_approve_money,
    [TICKET_INVOICE] = do_invoice,
    [TICKET_NOTE] = do_nothing,
    [TICKET_RESET] = do_reset,
    [TICKET_REOPEN] = do_reopen,
    [TICKET_CLASSIFY] = do_classify,
    [TICKET_PARK] = do_park,
    [TICKET_ANSWER] = do_answer,
    [TICKET_IMPORTANT] = do_important,
    [TICKET_AGREE] = do_agree,
    [TICKET_VERIFY] = do_verify,
    [TICKET_AMEND] = do_amend,
    [TICKET_REMOTE_ATTEMPT] = do_remote_attempt,
    [TICKET_DIAGNOSE] = do_diagnose,
    [TICKET_PLAN_SOLUTION] = do_plan_solution,
    [TICKET_REQUEST_PART] = do_request_part,
    [TICKET_DELIVER_PART] = do_deliver_part,
    [TICKET_ATTACH] = do_attach,
    [TICKET_DETACH] = do_detach,
    /* dispatch */
    [TICKET_DISPATCH] = do_dispatch,
    [TICKET_ASSIGN] = do_assign,
    [TICKET_HANDOVER] = do_handover,
    [TICKET_ACCEPT_HANDOVER] = do_accept_handover,
    [TICKET_REFUSE_HANDOVER] = do_refuse_handover,
    [TICKET_CHECK] = do_check,
    [TICKET_CONTACT] = do_contact,
    [TICKET_ESCALATE] = do_escalate,
    [TICKET_DECIDE] = do_decide,
    /* clocks */
    [TICKET_PAUSE] = do_pause,
    [TICKET_RESUME] = do_resume,
    /* people */
    [TICKET_FEEDBACK] = do_feedback,
    [TICKET_ACCEPT] = do_accept,
    [TICKET_OBJECT] = do_object,
    [TICKET_RCA] = do_rca,
    [TICKET_APPROVE_RCA] = do_approve_rca,
    [TICKET_CLOSE] = do_close,
};

bool desk_has_doer(enum ticket_action action)
{
    return doers[action];
}

/* One more order where none is open. */
enum err move_need_order(struct move *move)
{
    return dispatch_again(move->office, move->sql, move->ticket, move->now_ms);
}

#define BEFORE_MS 86400000LL /* a call may have been answered before somebody wrote it down */

/* Not before the ticket itself, nor before the earlier actions that the row names. */
static enum err judge_time(struct move *move, enum ticket_action action)
{
    int64_t least_ms = sql_find_int(
        move->sql, 0,
        "SELECT MAX(at_ms) FROM ticket_event WHERE ticket = ?1 AND instr(' ' || ?2 || ' ', ' ' || action"
        " || ' ') > 0",
        "it", move->ticket->id, ticket_row(action)->after);
    int64_t registered_ms = move->ticket->registered_ms;
    enum err err;

    if (least_ms < registered_ms) {
        least_ms = registered_ms - BEFORE_MS;
    }
    err = action_time(move->action->at_ms, least_ms, move->now_ms, &move->at_ms, move->why);
    if (!err && move->at_ms < registered_ms) {
        move->at_ms = registered_ms; /* no clock ran before */
    }
    return err;
}

/* The youngest action of people, younger than this one, that overtakes it; it is said in the time line. */
static enum err judge_order(struct move *move, enum ticket_action kind, struct text *ret_by)
{
    const char *yields = ticket_yields(kind);
    struct sql_rows rows;
    int64_t at_ms = 0;

    if (!yields) {
        return ERR_OK;
    }
    sql_find(move->sql, &rows,
             "SELECT action, at_ms FROM ticket_event WHERE ticket = ?1 AND at_ms > ?2 AND who <> 'heliograph' AND"
             " instr(' ' || ?3 || ' ', ' ' || action || ' ') > 0 ORDER BY at_ms DESC, id DESC LIMIT 1",
             "iit", move->ticket->id, move->at_ms, yields);
    if (sql_next(&rows)) {
        at_ms = sql_int(&rows, 1);
        text_addf(ret_by, "%s was said late: the younger %s of ", move->action->action, sql_text(&rows, 0));
        zone_write(zone_utc(), at_ms, ret_by);
        text_add(ret_by, " counts");
        move->overtaken = true;
    }
    return sql_end(&rows);
}

static enum err set_state(struct move *move)
{
    if (move->ticket->closed_ms) {
        move->state = TICKET_CLOSED; /* ticket_close did it */
        return ERR_OK;
    }
    if (move->state != move->ticket->state) {
        return ticket_set_state(move->sql, move->ticket->id, move->state);
    }
    return sql_run(move->sql, "UPDATE ticket SET version = version + 1 WHERE id = ?1", "i",
                   move->ticket->id);
}

static enum err write_line(struct move *move)
{
    const struct action *action = move->action;
    const char *resolution = json_text_or(action->body, "resolution", NULL);

    json_put_value(move->data, action->body);
    return ticket_line(move->sql, move->ticket->id, move->at_ms, move->now_ms, action->who,
                       action->action, action->action_id,
                       action->note ? action->note : json_text_or(action->body, "reason", resolution),
                       move->data->err ? NULL : move->data->bytes);
}

static enum err tell(struct move *move)
{
    const struct action *action = move->action;
    TEXT(step, 200);

    text_addf(&step, "action.%s.%s", action->action, action->action_id ? action->action_id : "-");
    if (!action->action_id) {
        text_addf(&step, "%lld", (long long)move->now_ms);
    }
    return ticket_tell(move->office, move->sql, move->ticket, step.at, action->action, move->now_ms);
}

/* Whoever takes up a ticket has seen its alarms. */
static enum err see_alarms(struct move *move)
{
    static const char *const seeing[] = {"acknowledge", "respond", "dispatch", "assign", "close", NULL};

    for (int i = 0; seeing[i]; i++) {
        if (move->action->role != ROLE_SERVER && text_same(move->action->action, seeing[i])) {
            return alarm_seen(move->sql, move->ticket->id, move->action->who, move->at_ms, move->now_ms);
        }
    }
    return ERR_OK;
}

static enum err finish(struct move *move)
{
    enum err err = set_state(move);

    if (!err) {
        err = see_alarms(move);
    }

    if (!err && !move->written) {
        err = write_line(move);
    }
    move->ticket->state = move->state;
    if (!err && !move->ticket->closed_ms) { /* the check that was due before it says so first */
        err = escalate_supervise(move->office, move->sql, move->ticket, move->now_ms);
    }
    if (!err && !move->ticket->closed_ms) {
        err = clocks_judge(move->office, move->sql, move->ticket, move->now_ms, move->now_ms);
    }
    if (!err && !move->told) {
        err = tell(move);
    }
    return err ? err : ticket_changed(move->sql, move->ticket->id, move->now_ms);
}

bool desk_ticket_did(struct sql *sql, int64_t ticket, const char *action_id)
{
    return action_id &&
           sql_find_int(sql, 0, "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action_id = ?2", "it",
                        ticket, action_id);
}

/* legal? time, do, write down */
static enum err take(struct move *move, enum ticket_action kind)
{
    struct ticket_facts facts;
    TEXT(by, 200);
    enum err err =
        ticket_facts(move->office, move->sql, move->ticket, move->action->role, &facts);

    if (!err && ticket_row(kind)->needs & TICKET_NEED_WAY) {
        err = move_judge_way(move, &facts);
    }
    if (!err) {
        err = ticket_move(&facts, kind, &move->state, move->why);
    }
    if (!err) {
        err = judge_time(move, kind);
    }
    if (!err) {
        err = judge_order(move, kind, &by);
    }
    if (!err) {
        err = doers[kind](move);
    }
    if (!err && move->overtaken) {
        move->state = move->ticket->state;
    }
    if (move->overtaken && !by.length) {
        text_addf(&by, "%s was said late: a younger word of the same counts", move->action->action);
    }
    err = err ? err : finish(move);
    return err || !move->overtaken ? err
                             : ticket_line(move->sql, move->ticket->id, move->now_ms, move->now_ms, "heliograph", "overtaken",
                                           NULL, by.at, NULL);
}

static enum err unknown(struct move *move)
{
    struct ticket_facts facts;
    TEXT(legal, 1000);
    enum err err = ticket_facts(move->office, move->sql, move->ticket, move->action->role, &facts);

    if (err) {
        return err;
    }
    ticket_legal(&facts, &legal);
    return text_say(move->why, ERR_FORMAT, "action: expected one that a ticket has, found '%.40s'. Legal now: %s",
                    move->action->action, legal.at);
}

enum err desk_ticket_action(struct desk *desk, struct sql *sql, int64_t id,
                            const struct action *action, int64_t now_ms, struct text *why)
{
    struct office *office = &desk->office;
    struct json_out data = json_out(64 * 1024);
    struct ticket ticket;
    struct move move = {.office = office, .sql = sql, .ticket = &ticket, .action = action,
                        .at_ms = now_ms, .now_ms = now_ms, .why = why, .data = &data};
    int kind = ticket_action_read(action->action);
    enum err err;

    arena_reset(office->arena);
    err = ticket_load(office, sql, id, &ticket);
    if (!err && (kind < 0 || !doers[kind])) {
        return unknown(&move);
    }
    if (err || desk_ticket_did(sql, id, action->action_id)) {
        return err; /* the same id twice is one action */
    }
    err = take(&move, (enum ticket_action)kind);
    json_out_free(&data);
    if (!err && ticket.closed_ms) {
        err = stock_call_off(office, sql, now_ms);
    }
    if (!err && ticket.equipment) {
        err = status_refresh(office, sql, ticket.equipment, now_ms);
    }
    return err;
}
