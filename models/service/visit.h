/*
 * Maintenance visits of one piece of equipment: occurrence n is a pure function of the anchor
 * (acceptance date), the rule and n. Never computed from occurrence n - 1, nor from when a visit
 * was done or its appointment moved: so nothing drifts, doubles or vanishes. Only a rule that says
 * `floating` counts from the last visit that was done, and has one visit ahead instead of a row.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/text.h"
#include "models/service/plan.h"

struct visit {
    int64_t sequence; /* 1, 2, 3 … since the anchor */
    int32_t due_on, window_start, window_end; /* days since 1970, civil, inclusive; windows of
                                                 neighbouring visits do not overlap */
};

struct visit_rule { /* what a plan says, for one place */
    struct duration spacing, tolerance; /* spacing.count 0: no calendar, triggers alone */
    const struct plan_window *windows;
    size_t window_count;
    bool south;    /* windows are read half a year on */
    bool floating; /* spacing is counted from the last one done */
};

/* Older equipment is visited more often where the plan says so: the spacing that holds on `today`. */
void visit_rule_age(struct visit_rule *io_rule, const struct plan *plan, int32_t anchor_day, int32_t today);
/* climate: of the site, or NULL. Where the plan names windows for it, they are meant as they are written; else a
 * place south of the equator has the seasons half a year on, unless the plan says otherwise. */
struct visit_rule visit_rule_of(const struct plan *plan, const char *climate, bool south);
bool visit_rule_repeats(const struct visit_rule *rule); /* there is a calendar */
/* The rule and its anchor in words: two rules are the same when their words are. */
void visit_rule_write(const struct visit_rule *rule, int32_t anchor_day, struct text *to);

/* Occurrence sequence >= 1 of a rule that repeats. */
struct visit visit_rule_at(const struct visit_rule *rule, int32_t anchor_day, int64_t sequence);
/* The least sequence whose due_on is on or after day. */
int64_t visit_rule_from(const struct visit_rule *rule, int32_t anchor_day, int32_t day);
/* The visit that follows one done (or else owed) on last_day, by a rule that floats. */
struct visit visit_rule_after(const struct visit_rule *rule, int32_t last_day, int64_t sequence);

/* The same of a plan's own windows. */
struct visit visit_occurrence(const struct plan *plan, int32_t anchor_day, int64_t sequence);
int64_t visit_first_from(const struct plan *plan, int32_t anchor_day, int32_t day);

/* The contract year that a day falls in, counted from the contract's first day (29 February: its last of February);
 * before it: the first one. ret_to: its last day. */
int visit_year(int32_t start_day, int32_t day, int32_t *ret_from, int32_t *ret_to);
