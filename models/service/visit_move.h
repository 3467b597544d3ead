/*
 * The legal moves of a visit, as one table: from which states, who may, which fields of the request are wanted. What
 * telemetry, the calendar and work orders do with a visit is done by the server (ROLE_SERVER) through the same table.
 */
#pragma once

#include <stdbool.h>

#include "models/base/err.h"
#include "models/base/text.h"
#include "models/service/role.h"

enum visit_state {
    VISIT_PLANNED,  /* it stands in the calendar */
    VISIT_RELEASED, /* there is a work order for it */
    VISIT_ATTACHED, /* its order rides on that of a repair at the same place */
    VISIT_DONE,
    VISIT_SKIPPED,  /* with a code and a reason */
    VISIT_STATES,
};
extern const char *const visit_state_names[]; /* planned released attached done skipped */

enum visit_action {
    VISIT_RELEASE,   /* an order now, before its window as well (then with a reason) */
    VISIT_APPOINT,   /* who comes and when; the plan's dates stay */
    VISIT_MOVE,      /* the day proposed for it; the plan's dates stay */
    VISIT_SKIP,
    VISIT_REINSTATE, /* what was skipped is owed again */
    VISIT_ATTACH,    /* to an order that goes to the same site */
    VISIT_DETACH,
    VISIT_NOTE,
    /* the server's own */
    VISIT_PULL,      /* a trigger wants it earlier */
    VISIT_LEVEL,     /* a day is proposed */
    VISIT_REDATE,    /* the plan, the anchor or the climate has changed */
    VISIT_OVERTAKE,  /* not done when the next one is due */
    VISIT_FINISH,
    VISIT_ACTIONS,
};

#define VISIT_STAY VISIT_STATES

struct visit_row {
    const char *name;
    unsigned from; /* a bit per state */
    enum visit_state to;
    unsigned roles;
    const char *fields; /* of the request, beside action, id, at and note; optional ones with ? */
};

/* action < VISIT_ACTIONS. */
const struct visit_row *visit_row(enum visit_action action);
/* The state after it. ERR_FORBIDDEN when the role may not, ERR_STATE when it is not legal; why says what is. */
enum err visit_move(enum visit_state state, enum role role, enum visit_action action, enum visit_state *ret_state,
                    struct text *why) MUST_CHECK;
/* Names of the actions legal now for the role, separated by blanks. */
void visit_legal(enum visit_state state, enum role role, struct text *to);
int visit_action_read(const char *name); /* -1: unknown, or the server's own */
int visit_state_read(const char *name);  /* -1: unknown */
