/* One value of one point at one time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum quality {
    QUALITY_GOOD,
    QUALITY_STALE,
    QUALITY_TIMEOUT,
    QUALITY_EXCEPTION,
    QUALITY_ILLEGAL,
    QUALITY_INVALID,
    QUALITY_RANGE,
    QUALITY_CLOCK,
};

extern const char *const quality_names[]; /* NULL-ended, in the order of the enum */

struct reading {
    int64_t t_ms;     /* since 1970 UTC */
    bool has_value;   /* false: null on the wire, quality says why */
    enum quality quality;
    double value;     /* in the point's unit */
    const char *text; /* a string point: its text; else NULL */
};
