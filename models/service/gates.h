/*
 * The gates of a ticket: what service terms name beside its states, each a fact with a time. Computed
 * from the time line; nothing is stored. Who is on site was assigned, who was assigned was dispatched:
 * a gate of the main way that was skipped counts as passed when a later one was.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum gate {
    GATE_DETECTED,
    GATE_CONFIRMED,
    GATE_REGISTERED,
    GATE_WARRANTY_CHECKED,
    GATE_TRIAGED,
    GATE_REMOTE_ATTEMPT,
    GATE_DISPATCHED,
    GATE_ASSIGNED,
    GATE_EN_ROUTE,
    GATE_ON_SITE,
    GATE_DIAGNOSED,
    GATE_AWAITING_CONSENT,
    GATE_AWAITING_PARTS,
    GATE_REPAIRING,
    GATE_TESTING,
    GATE_CLEARED,
    GATE_CUSTOMER_SIGNED,
    GATE_FED_BACK,
    GATE_RCA_DONE,
    GATE_CLOSED,
    GATE_SURVEYED,
    GATES,
};
extern const char *const gate_names[];

#define GATE_NOT_YET (-1)

/* All gates at GATE_NOT_YET. */
void gates_begin(int64_t gates[GATES]);
/* One line of the time line: the first one of its gate counts. Lines may come in any order. */
void gates_add(int64_t gates[GATES], const char *action, int64_t at_ms);
/* What follows from the others; after the last gates_add. */
void gates_end(int64_t gates[GATES]);
