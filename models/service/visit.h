/*
 * Maintenance visits of one piece of equipment: occurrence n is a pure function of the anchor
 * (acceptance date), the plan and n. Never computed from occurrence n - 1, nor from when a visit
 * was done or its appointment moved: so nothing drifts, doubles or vanishes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/service/plan.h"

struct visit {
    int64_t sequence; /* 1, 2, 3 … since the anchor */
    int32_t due_on, window_start, window_end; /* days since 1970, civil, inclusive; windows of
                                                 neighbouring visits do not overlap */
};

/* Occurrence sequence >= 1 of a plan with visits_per_year > 0. */
struct visit visit_occurrence(const struct plan *plan, int32_t anchor_day, int64_t sequence);
/* The least sequence whose due_on is on or after day. */
int64_t visit_first_from(const struct plan *plan, int32_t anchor_day, int32_t day);
