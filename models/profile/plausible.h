/*
 * Can a value have come about since the last one? A pure rule over a point's step: so much in so much time.
 *
 * A value that moved by more is not believed, unless the next reading says the same: a sensor that was changed
 * is believed a reading later, and a single wrong value never is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/profile/profile.h"

struct plausible { /* of one point */
    bool any, doubted;
    double value, doubt; /* the last one that was believed, and the one after it that was not */
    int64_t t_ms, doubt_ms;
};

/* true: believed. A point without a step believes everything. */
bool plausible_take(const struct point *point, struct plausible *plausible, double value, int64_t t_ms);
