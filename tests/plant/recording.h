/*
 * A recording: a CSV with a head line, and a map that says what its columns are.
 *
 *   time: time              # the column of times: 2016-12-28 14:24[:05], or epoch seconds
 *   zone_offset: 60         # minutes east of UTC; left out 0. The clock has no summer time.
 *   points:                 # column: point; other columns are left alone
 *     T_collector_C: t_collector
 *
 * A row without a readable time is skipped and counted; a cell without a number gives no reading.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDING_COLUMNS 64

struct recording;

struct recording_row {
    int64_t t_ms; /* UTC */
    size_t count;
    const char *points[RECORDING_COLUMNS]; /* live as long as the recording */
    double values[RECORDING_COLUMNS];
};

/* csv "-": standard input. NULL after complaints with their place on standard error. */
struct recording *recording_open(const char *csv, const char *map);
void recording_close(struct recording *recording);
/* false at the end. */
bool recording_next(struct recording *recording, struct recording_row *row);
int64_t recording_rows(const struct recording *recording);
int64_t recording_skipped(const struct recording *recording);
