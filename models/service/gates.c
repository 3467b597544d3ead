/* Gates from lines of the time line. */
#include "models/service/gates.h"

#include <string.h>

const char *const gate_names[] = {
    "detected",         "confirmed",      "registered", "warranty_checked", "triaged", "remote_attempt",
    "dispatched",       "assigned",       "en_route",   "on_site",          "diagnosed",
    "awaiting_consent", "awaiting_parts", "repairing",  "testing",          "cleared",
    "customer_signed",  "fed_back",       "rca_done",   "closed",           "surveyed", NULL,
};

/* What line of the time line passes which gate. */
static const struct {
    const char *action;
    enum gate gate;
} lines[] = {
    {"register", GATE_REGISTERED},
    {"acknowledge", GATE_CONFIRMED},
    {"respond", GATE_CONFIRMED},
    {"remote_attempt", GATE_REMOTE_ATTEMPT},
    {"dispatch", GATE_DISPATCHED},
    {"assign", GATE_ASSIGNED},
    {"depart", GATE_EN_ROUTE},
    {"arrive", GATE_ON_SITE},
    {"diagnose", GATE_DIAGNOSED},
    {"quote", GATE_AWAITING_CONSENT},
    {"request_part", GATE_AWAITING_PARTS},
    {"start", GATE_REPAIRING},
    {"finish", GATE_TESTING},
    {"restored", GATE_CLEARED},
    {"sign", GATE_CUSTOMER_SIGNED},
    {"accept_repair", GATE_CUSTOMER_SIGNED},
    {"accept_result", GATE_CUSTOMER_SIGNED},
    {"accept", GATE_CUSTOMER_SIGNED},
    {"feedback", GATE_FED_BACK},
    {"approve_rca", GATE_RCA_DONE},
    {"close", GATE_CLOSED},
    {"survey", GATE_SURVEYED},
};

void gates_begin(int64_t gates[GATES])
{
    for (int i = 0; i < GATES; i++) {
        gates[i] = GATE_NOT_YET;
    }
}

static void at_latest(int64_t *gate, int64_t at_ms)
{
    if (at_ms != GATE_NOT_YET && (*gate == GATE_NOT_YET || at_ms < *gate)) {
        *gate = at_ms;
    }
}

void gates_add(int64_t gates[GATES], const char *action, int64_t at_ms)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strcmp(lines[i].action, action) == 0) {
            at_latest(&gates[lines[i].gate], at_ms);
        }
    }
}

void gates_end(int64_t gates[GATES])
{
    /* the main way, last first: each was passed at the latest when the one before it in this list was */
    static const enum gate way[] = {GATE_TESTING,  GATE_REPAIRING,  GATE_ON_SITE, GATE_EN_ROUTE,
                                    GATE_ASSIGNED, GATE_DISPATCHED, GATE_CONFIRMED};

    for (size_t i = 1; i < sizeof(way) / sizeof(way[0]); i++) {
        at_latest(&gates[way[i]], gates[way[i - 1]]);
    }
    at_latest(&gates[GATE_CLEARED], gates[GATE_CLOSED]);
    at_latest(&gates[GATE_DETECTED], gates[GATE_REGISTERED]);
    if (gates[GATE_CONFIRMED] != GATE_NOT_YET && gates[GATE_CONFIRMED] < gates[GATE_DETECTED]) {
        gates[GATE_CONFIRMED] = gates[GATE_DETECTED];
    }
}
