/* Work in the field: who goes, work orders, parts from stock, maintenance visits. */
#pragma once

#include "server/case/place.h"
#include "server/case/ticket.h"

/* The corrective work order of a ticket, proposed to the team that fits best. rule, before: may be
 * NULL. */
enum err dispatch_propose(struct office *office, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct fault_rule *rule, const char *before,
                          int64_t now_ms) MUST_CHECK;
/* The proposal again, now that the fault is known; nothing when somebody has it in hand. */
enum err dispatch_refresh(struct office *office, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct fault_rule *rule, const char *before,
                          int64_t now_ms) MUST_CHECK;
/* One more for a ticket whose order was done or cancelled; none when one is still open. */
enum err dispatch_again(struct office *office, struct sql *sql, const struct ticket *ticket,
                        int64_t now_ms) MUST_CHECK;
/* The team for a site and a skill (may be NULL): row id or 0, and why none or none better. */
int64_t dispatch_team(struct office *office, struct sql *sql, const struct place *place,
                      const char *skill, int64_t now_ms, struct text *why);
/* Parts taken from stock for a work order: booked once, never below nothing. */
enum err parts_use(struct sql *sql, int64_t order, const struct cJSON *body, const char *action_id,
                   int64_t now_ms, struct text *why) MUST_CHECK;

enum err visits_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* Visits of one piece of equipment up to 15 months (and a margin) ahead. */
enum err visits_plan(struct office *office, struct sql *sql, int64_t equipment,
                     int64_t now_ms) MUST_CHECK;
/* After an import: visits of new or changed equipment. */
enum err visits_anew(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;

enum err work_action(struct office *office, struct sql *sql, int64_t work_order,
                     const struct action *action, int64_t now_ms, struct text *why) MUST_CHECK;
/* true when the action with that id (NULL: none) was done already. */
bool work_did(struct sql *sql, int64_t work_order, const char *action_id);
