/*
 * Time as a slow witness sees it: an array with a line a minute, filled by asking the C library for the
 * local time of every minute and the calendar's own text for its hours. It shares nothing with
 * models/base/zone and models/service/workdays, which it is there to contradict.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define DATES_MOST 64
#define SPANS_MOST 4

struct minutes { /* of one calendar in one zone */
    const char *zone;
    int from[7][SPANS_MOST], to[7][SPANS_MOST], spans[7]; /* minutes of a local day; 0 = Monday */
    char holidays[DATES_MOST][11], workdays[DATES_MOST][11];
    int holiday_count, workday_count;
    int64_t base_ms; /* of the first line */
    int64_t count;
    int16_t *day;      /* local day, counted from the first */
    int16_t *of_day;   /* local minute of the day */
    uint8_t *is_work;
};

/* Hours such as "mon-fri 08:30-12:00 13:00-17:30"; "" for every hour. */
void minutes_hours(struct minutes *minutes, const char *hours);
void minutes_fill(struct minutes *minutes, int64_t from_ms, int64_t to_ms);
void minutes_free(struct minutes *minutes);
/* The first working minute at or after at_ms. */
int64_t minutes_next_work(const struct minutes *minutes, int64_t at_ms);

struct stop { /* a pause, for the witness: [from, to) */
    int64_t from_ms, to_ms;
};

#define MINUTES_BEYOND INT64_MAX /* later than the array knows */

/* When a limit of count units (m h wd d) that started then is used up. */
int64_t minutes_due(const struct minutes *minutes, int64_t count, const char *unit, bool working_hours,
                    int64_t started_ms, const struct stop *stops, int stop_count);
int64_t minutes_stopped(int64_t from_ms, int64_t to_ms, const struct stop *stops, int stop_count);
