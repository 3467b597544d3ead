/*
 * Customers are told what the catalogue says (models/notices), in their language, by the ways of reach.h.
 * Each notice once per customer and step: the outbox's key.
 */
#pragma once

#include "server/case/ticket.h"

/* step: as of ticket_tell; its first word, or the second one of "action.…", chooses the notices. */
enum err customer_tell(struct office *office, struct sql *sql, const struct ticket *ticket, const char *step,
                       int64_t now_ms) MUST_CHECK;
/* What comes next for a customer whose ticket stands there. */
const struct words2 *customer_next(enum ticket_state state);
/* Customers who have heard nothing of an open ticket for as long as the plan says (S1-31). */
enum err customer_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t customer_due(struct sql *sql); /* OFFICE_NEVER: nobody waits */
/* Now, or the end of the plan's quiet hours in that zone. plan may be NULL. */
int64_t customer_after_quiet(const struct plan *plan, const struct zone *zone, int64_t now_ms);
