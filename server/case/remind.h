/* Customers are reminded ahead of what comes: visits, the ends of warranties and of agreements (plan: items.notices). */
#pragma once

#include "server/case/place.h"

/* Looked at with every round over the equipment and contracts; each is told once. */
enum err remind_equipment(struct office *office, struct sql *sql, const struct place *place, const struct zone *zone,
                          int64_t now_ms) MUST_CHECK;
enum err remind_agreement(struct office *office, struct sql *sql, const struct place *place, const struct zone *zone,
                          int64_t contract, int64_t customer, int64_t end_ms, int64_t now_ms) MUST_CHECK;
