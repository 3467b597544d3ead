/*
 * One action on its way: found, held against the table of legal moves, its time judged, done, written
 * down. A doer does what is the action's own and stands in action_<subject>.c; the table of doers is
 * in action.c. Whoever adds an action adds a row to models/service/ticket.c, a doer there, and a row
 * here.
 */
#pragma once

#include "server/desk/desk_int.h"

struct move {
    struct office *office;
    struct sql *sql;
    struct ticket *ticket;
    const struct action *action;
    int64_t at_ms, now_ms;
    struct text *why;
    struct json_out *data; /* kept in the time line */
    bool written;          /* the doer wrote the line of the time line itself */
    bool told;             /* … and told people */
    bool overtaken;        /* said late: a younger action of ticket_yields() counts. The doer still checks its fields and
                            * stops clocks; what it says is kept in the time line and changes nothing else */
    enum ticket_state state; /* after it; the table's, a doer may say another one */
};

/* The order that the dispatcher speaks of: the open one, or one more. */
enum err move_need_order(struct move *move) MUST_CHECK;

/* Whether somebody may be sent (C-12): facts->way_open, when the plan's gate is passed or the request
 * overrides it; the override is recorded. */
enum err move_judge_way(struct move *move, struct ticket_facts *facts) MUST_CHECK;
/* S0-114: the plan wants cause and plan before the end. ERR_STATE with what is missing. */
enum err move_judge_close(struct move *move) MUST_CHECK;
/* What becomes of open children of a ticket that is about to be closed: ERR_STATE when nobody said. */
enum err move_end_children(struct move *move, const char *resolution) MUST_CHECK;

/* ERR_FORMAT: a field is missing or wrong; ERR_STATE: it is not legal now; why says it. */
enum err do_respond(struct move *move) MUST_CHECK;
enum err do_regrade(struct move *move) MUST_CHECK;
enum err do_reset(struct move *move) MUST_CHECK;
enum err do_reopen(struct move *move) MUST_CHECK;

enum err do_classify(struct move *move) MUST_CHECK;
enum err do_park(struct move *move) MUST_CHECK;
enum err do_answer(struct move *move) MUST_CHECK;
enum err do_important(struct move *move) MUST_CHECK;
enum err do_agree(struct move *move) MUST_CHECK;
enum err do_verify(struct move *move) MUST_CHECK;
enum err do_amend(struct move *move) MUST_CHECK;

enum err do_remote_attempt(struct move *move) MUST_CHECK;
enum err do_diagnose(struct move *move) MUST_CHECK;
enum err do_plan_solution(struct move *move) MUST_CHECK;
enum err do_request_part(struct move *move) MUST_CHECK;
enum err do_deliver_part(struct move *move) MUST_CHECK;

/* When a person has said that a supplier answers for it: the claim, and the supplier is told (S0-32). */
enum err move_follow_party(struct move *move) MUST_CHECK;
enum err do_quote(struct move *move) MUST_CHECK;
enum err do_consent(struct move *move) MUST_CHECK;
enum err do_confirm_warranty(struct move *move) MUST_CHECK;
enum err do_bill(struct move *move) MUST_CHECK;
enum err do_pay(struct move *move) MUST_CHECK;
enum err do_adjust(struct move *move) MUST_CHECK;
enum err do_approve_money(struct move *move) MUST_CHECK;
enum err do_invoice(struct move *move) MUST_CHECK;

enum err do_attach(struct move *move) MUST_CHECK;
enum err do_detach(struct move *move) MUST_CHECK;

enum err do_dispatch(struct move *move) MUST_CHECK;
enum err do_assign(struct move *move) MUST_CHECK;
enum err do_handover(struct move *move) MUST_CHECK;
enum err do_accept_handover(struct move *move) MUST_CHECK;
enum err do_refuse_handover(struct move *move) MUST_CHECK;
enum err do_check(struct move *move) MUST_CHECK;
enum err do_contact(struct move *move) MUST_CHECK;
enum err do_escalate(struct move *move) MUST_CHECK;
enum err do_decide(struct move *move) MUST_CHECK;

enum err do_pause(struct move *move) MUST_CHECK;
enum err do_resume(struct move *move) MUST_CHECK;

enum err do_feedback(struct move *move) MUST_CHECK;
enum err do_accept(struct move *move) MUST_CHECK;
enum err do_object(struct move *move) MUST_CHECK;
enum err do_rca(struct move *move) MUST_CHECK;
enum err do_approve_rca(struct move *move) MUST_CHECK;
enum err do_close(struct move *move) MUST_CHECK;
