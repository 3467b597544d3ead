/*
 * A ticket's states and its legal moves, as one table: from which states, to which state, which
 * roles may, and what it needs. A move that the table does not name is illegal, and ticket_legal()
 * says what would have been. docs/tickets.md shows the same table; a test compares them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"
#include "models/service/role.h"

enum ticket_state {
    TICKET_REGISTERED,
    TICKET_ACKNOWLEDGED,
    TICKET_DISPATCHED,
    TICKET_ASSIGNED,
    TICKET_EN_ROUTE,
    TICKET_ON_SITE,
    TICKET_DIAGNOSED,
    TICKET_AWAITING_CONSENT,
    TICKET_AWAITING_PARTS,
    TICKET_REPAIRING,
    TICKET_TESTING, /* the work is done; telemetry, test and customer have not said yet whether it helped */
    TICKET_CLEARED, /* proved by telemetry or said by a technician; not yet closed */
    TICKET_CLOSED,
    TICKET_STAY, /* as a row's target: the state does not change */
    TICKET_BACK, /* … it goes back to where the work stood: ticket_facts.back */
};
extern const char *const ticket_state_names[];

enum ticket_action {
    /* the desk */
    TICKET_ACKNOWLEDGE,
    TICKET_RESPOND,
    TICKET_REGRADE,
    TICKET_QUOTE,
    TICKET_CONSENT,
    TICKET_CONFIRM_WARRANTY, /* a person's word on the verdict; two persons', where the plan asks for it */
    TICKET_BILL,             /* what was done goes into the books */
    TICKET_PAY,
    TICKET_ADJUST,        /* an adjustment or a refund is asked for … */
    TICKET_APPROVE_MONEY, /* … and approved or refused by another person */
    TICKET_INVOICE,
    TICKET_NOTE,
    TICKET_RESET, /* a latching fault may clear again */
    TICKET_REOPEN,
    TICKET_CLASSIFY,
    TICKET_REMOTE_ATTEMPT,
    TICKET_DIAGNOSE,
    TICKET_PLAN_SOLUTION,
    TICKET_PARK, /* a question has to be looked into before it can be answered */
    TICKET_ANSWER,
    TICKET_IMPORTANT, /* the customer says that it is */
    TICKET_AGREE,     /* both sides want that somebody comes */
    TICKET_VERIFY,    /* a manager has looked personally */
    TICKET_AMEND,     /* what the repair slip lacked */
    TICKET_ATTACH,
    TICKET_DETACH,
    TICKET_REQUEST_PART,
    TICKET_DELIVER_PART,
    /* dispatch */
    TICKET_DISPATCH,
    TICKET_ASSIGN,
    TICKET_HANDOVER,
    TICKET_ACCEPT_HANDOVER,
    TICKET_REFUSE_HANDOVER,
    TICKET_CHECK,
    TICKET_CONTACT,
    TICKET_ESCALATE,
    TICKET_DECIDE,
    /* clocks */
    TICKET_PAUSE,
    TICKET_RESUME,
    /* people */
    TICKET_FEEDBACK, /* the customer was told of the result */
    TICKET_ACCEPT,
    TICKET_OBJECT,
    TICKET_RCA,
    TICKET_APPROVE_RCA,
    TICKET_CLOSE,
    /* what follows from a work order */
    TICKET_DEPART,
    TICKET_ARRIVE,
    TICKET_START,
    TICKET_FINISH,
    /* what telemetry says */
    TICKET_CLEAR,
    TICKET_RELAPSE, /* the fault is back before the ticket was closed */
    TICKET_ACTIONS,
};

struct ticket_facts { /* what legality depends on */
    enum ticket_state state;
    enum role role; /* of who wants to move it */
    bool paused;
    bool quote_open;     /* a quotation without an answer */
    bool consent_needed; /* chargeable and the plan wants consent before repair */
    bool consent_given;
    bool parked;     /* a question waits for its answer */
    bool has_parent; /* it belongs to another ticket */
    bool has_cause;  /* it was diagnosed */
    bool way_open;   /* somebody may be sent (C-12) */
    enum ticket_state back; /* where its work order stands */
};

/* What a row needs beside the state. */
#define TICKET_NEED_RUNNING (1U << 0) /* the clocks are not paused */
#define TICKET_NEED_PAUSED  (1U << 1)
#define TICKET_NEED_QUOTE   (1U << 2) /* a quotation without an answer */
#define TICKET_NEED_CONSENT (1U << 3) /* S0-59: to the charges, when there are any */
#define TICKET_NEED_PARKED  (1U << 4) /* a question that waits */
#define TICKET_NEED_FREE    (1U << 5) /* none waits */
#define TICKET_NEED_PARENT  (1U << 6)
#define TICKET_NEED_ALONE   (1U << 7) /* no parent */
#define TICKET_NEED_WAY     (1U << 9) /* C-12: the plan's gate to on-site work, or override: {reason} */
#define TICKET_NEED_CAUSE   (1U << 8) /* S0-114: the cause before the plan */

struct ticket_row {
    const char *name;
    unsigned from;         /* a bit per state: legal there */
    unsigned moving;       /* … and moves the ticket only there; 0: in all of from */
    enum ticket_state to;
    unsigned roles;        /* a bit per role */
    unsigned needs;
    const char *fields;    /* of the request, beside action, id, at and note; optional ones with ? */
    const char *after;     /* earlier actions that its time must not come before */
};

/* action < TICKET_ACTIONS. */
const struct ticket_row *ticket_row(enum ticket_action action);
/* Said late, it is overtaken by a younger one of these, separated by blanks; NULL: by none. */
const char *ticket_yields(enum ticket_action action);
/* Words for one bit of needs; NULL when there is no such bit. */
const char *ticket_need_text(unsigned need);

/* The state after action; ERR_FORBIDDEN when the role may not, ERR_STATE otherwise, with why. */
enum err ticket_move(const struct ticket_facts *facts, enum ticket_action action,
                     enum ticket_state *ret_state, struct text *why) MUST_CHECK;
/* true when the action is legal now for that role. */
bool ticket_is_legal(const struct ticket_facts *facts, enum ticket_action action);
/* Names of the actions legal now, separated by blanks. */
void ticket_legal(const struct ticket_facts *facts, struct text *to);
/* -1 when the name is unknown. */
int ticket_action_read(const char *name);
int ticket_state_read(const char *name);
/* pause reasons: customer_absent consent_pending force_majeure access_refused parts_customer */
bool ticket_pause_reason_ok(const char *reason);
