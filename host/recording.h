/*
 * A recording: a CSV with a head line, and a map that says what its columns are.
 *
 *   time: time              # the column of times
 *   zone_offset: 60         # minutes east of UTC, for times that name no zone; left out 0. No summer time.
 *   points:                 # column: point; other columns are left alone
 *     T_collector_C: t_collector
 *     flow_lpm: {point: flow, scale: 0.01667, offset: 0}   # point = column × scale + offset
 *
 * Without a map the columns are named as the points, and the time stands in the first column of the names
 * RECORDING_TIME_NAMES. A time is 2016-12-28 14:24[:05] (T for the blank), RFC 3339 with its zone, or seconds since
 * 1970. A row without a readable time is skipped and counted; a cell without a number gives no reading.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/zone.h"

#define RECORDING_COLUMNS    256
#define RECORDING_TIME_NAMES "time timestamp datetime date_time"

struct recording;

struct recording_row {
    int64_t t_ms; /* UTC */
    size_t count;
    int columns[RECORDING_COLUMNS];        /* which column a value stands in */
    const char *points[RECORDING_COLUMNS]; /* live as long as the recording */
    double values[RECORDING_COLUMNS];
};

/*
 * csv "-": standard input. map NULL: see above. knows (may be NULL) says whether there is such a point: one that the map
 * names and that is not there is a complaint; without a map such a column is left alone. NULL after complaints with their
 * place on standard error.
 */
struct recording *recording_open(const char *csv, const char *map, bool (*knows)(void *context, const char *point),
                                 void *context);
void recording_close(struct recording *recording);
/* false at the end. */
bool recording_next(struct recording *recording, struct recording_row *row);
int64_t recording_rows(const struct recording *recording);
int64_t recording_skipped(const struct recording *recording);
int recording_columns(const struct recording *recording);
int recording_time(const struct recording *recording); /* the column of times */
const char *recording_point(const struct recording *recording, int column); /* NULL: left alone */
const char *recording_title(const struct recording *recording, int column); /* the head line's */
int64_t recording_zone_ms(const struct recording *recording);
/* 0 … 1 of the file; -1 when its size is not known. */
double recording_share(const struct recording *recording);
