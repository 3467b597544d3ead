/*
 * A ticket's states and its legal moves, as one table. A move that the table does not name is
 * illegal, and ticket_legal() says what would have been.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"

enum ticket_state {
    TICKET_REGISTERED,
    TICKET_ACKNOWLEDGED,
    TICKET_DISPATCHED,
    TICKET_ASSIGNED,
    TICKET_EN_ROUTE,
    TICKET_ON_SITE,
    TICKET_AWAITING_CONSENT,
    TICKET_REPAIRING,
    TICKET_CLEARED, /* proved by telemetry or said by a technician; not yet closed */
    TICKET_CLOSED,
};
extern const char *const ticket_state_names[];

enum ticket_action {
    TICKET_ACKNOWLEDGE,
    TICKET_RESPOND,
    TICKET_REGRADE,
    TICKET_DISPATCH,
    TICKET_ASSIGN,
    TICKET_DEPART,
    TICKET_ARRIVE,
    TICKET_START,
    TICKET_FINISH,
    TICKET_PAUSE,
    TICKET_RESUME,
    TICKET_QUOTE,
    TICKET_CONSENT,
    TICKET_CHECK,
    TICKET_NOTE,
    TICKET_RESET,   /* a latching fault may clear again */
    TICKET_CLEAR,   /* by telemetry */
    TICKET_RELAPSE, /* telemetry: the fault is back before the ticket was closed */
    TICKET_CLOSE,
    TICKET_REOPEN,
};
extern const char *const ticket_action_names[];

struct ticket_facts { /* what legality depends on beside the state */
    enum ticket_state state;
    bool paused;
    bool quote_open;     /* a quotation without an answer */
    bool consent_needed; /* chargeable and the plan wants consent before repair */
    bool consent_given;
};

/* The state after action, or ERR_STATE with why. `respond`, `note`, `check` and `regrade` are
 * legal in every open state. */
enum err ticket_move(const struct ticket_facts *facts, enum ticket_action action,
                     enum ticket_state *ret_state, struct text *why) MUST_CHECK;
/* Names of the actions legal now, separated by blanks. */
void ticket_legal(const struct ticket_facts *facts, struct text *to);
/* -1 when the name is unknown. */
int ticket_action_read(const char *name);
int ticket_state_read(const char *name);
/* pause reasons: customer_absent consent_pending force_majeure access_refused parts_customer */
bool ticket_pause_reason_ok(const char *reason);
