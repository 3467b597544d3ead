/*
 * Working time: hours of the week, holidays and make-up working days of a calendar, and the
 * working time between two instants, in the calendar's own zone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/yaml.h"
#include "models/base/zone.h"

#define WORKDAYS_SEGMENTS_MOST 6

struct workdays_segment { /* of a wall-clock day, in ms since local midnight; from < to <= 24 h */
    int32_t from_ms, to_ms;
};

struct workdays_day {
    struct workdays_segment segments[WORKDAYS_SEGMENTS_MOST]; /* sorted, apart */
    size_t count;                                             /* 0: no working day */
};

struct workdays {
    const char *id;
    const struct zone *zone;
    struct workdays_day week[7]; /* 0 = Monday */
    const int32_t *holidays;     /* sorted days since 1970 */
    size_t holiday_count;
    const int32_t *extra; /* make-up working days, sorted: worked as the first working weekday */
    size_t extra_count;
};

/* Every hour of every day in zone. */
struct workdays workdays_always(const struct zone *zone);
/*
 * A calendar row of the fleet file: {id, time_zone, week: {mon: ["08:30-12:00", …]}, holidays,
 * workdays}. find_zone gives a zone by name or NULL.
 */
typedef const struct zone *(*workdays_zone)(void *context, const char *name);
void workdays_read(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                   workdays_zone find_zone, void *context, struct workdays *ret_workdays);

/* A map of mon … sun to lists of hours alone, as in a calendar. Nothing is left out: a day without
 * hours has none. */
void workdays_read_week(struct yaml_node *map, struct complaints *complaints,
                        struct workdays_day week[7]);

bool workdays_is_working(const struct workdays *workdays, int32_t day);
/* Working ms in [from, to); 0 when to <= from. */
int64_t workdays_between(const struct workdays *workdays, int64_t from_ms, int64_t to_ms);
/* The first instant by which budget_ms of working time have passed since from. INT64_MAX when the
 * calendar has none within 10 years. */
int64_t workdays_add(const struct workdays *workdays, int64_t from_ms, int64_t budget_ms);
/*
 * The end of the count-th working day after from's day (the day of the start does not count):
 * its close of business (service-terms.md 1.2c, after PRC Civil Code art. 201-203).
 */
int64_t workdays_add_days(const struct workdays *workdays, int64_t from_ms, int64_t count);
