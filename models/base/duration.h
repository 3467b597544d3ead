/*
 * Durations and sizes as people write them: 500ms 90s 10m 4h 3wd 2d 1mo 3y, and 256MiB.
 * s m h are exact; d mo y are civil (a date of the site's zone moves); wd are working days.
 */
#pragma once

#include <stdint.h>

#include "models/base/err.h"

#define DURATION_SIZE 24 /* of what is written */

enum duration_unit {
    DURATION_MS,
    DURATION_S,
    DURATION_M,
    DURATION_H,
    DURATION_WD,
    DURATION_D,
    DURATION_MO,
    DURATION_Y,
};

struct duration {
    int64_t count; /* >= 0, in unit */
    enum duration_unit unit;
};

/* "4h" to {4, DURATION_H}; a unit is required. ERR_FORMAT, ERR_RANGE (more than 100 years). */
enum err duration_read(const char *words, struct duration *ret_duration) MUST_CHECK;
/* Milliseconds of an exact duration (ms s m h, and d as 24 h); ERR_UNSUPPORTED for wd mo y. */
enum err duration_ms(struct duration duration, int64_t *ret_ms) MUST_CHECK;
/* An exact time in the largest unit that leaves no rest: 28800000 to "8h", 90000 to "90s". */
void duration_write(int64_t ms, char ret_words[DURATION_SIZE]);
/* "wd", "h" … */
const char *duration_unit_text(enum duration_unit unit);
/* Bytes of "1048576", "64KiB", "256MiB", "2GiB" (one blank before the unit allowed). */
enum err duration_size(const char *words, int64_t *ret_bytes) MUST_CHECK;
