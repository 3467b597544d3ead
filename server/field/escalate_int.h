/* What the files of escalation share among themselves. */
#pragma once

#include "server/alarm/alarm.h"
#include "server/field/escalate.h"

struct open { /* an open row */
    int64_t id, since_ms;
    int on;
    char number[32];
};

/* A line of its ledger. due NULL: no step. */
enum err escalate_write(struct sql *sql, int64_t escalation, const char *kind, const struct escalation_due *due,
                        const char *who, const char *action_id, const char *note, const char *data, int64_t at_ms,
                        int64_t now_ms) MUST_CHECK;
/* Whether a condition is one that the equipment or a clock makes; the others follow from what people did, who know of
 * the ticket then. */
bool escalate_by_itself(int on);
/* Writes the step down and tells the people of it, or has its area tell them. */
enum err escalate_step(struct office *office, struct sql *sql, const struct ticket *ticket, const struct open *open,
                       const struct escalation_rule *rule, const struct escalation_due *due, int64_t now_ms) MUST_CHECK;
/* How people know of the ticket, and since when (known_ms, 0: always). */
enum err escalate_way(struct sql *sql, const struct ticket *ticket, int64_t now_ms, enum told_way *ret_way,
                      int64_t *ret_known_ms) MUST_CHECK;
