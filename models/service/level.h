/*
 * Visits onto days: each inside its window, so that a team's days are equally full, and those near one another on one
 * day. A pure function of what it is given: the same jobs and days give the same answer, whatever their order. What has
 * a day already keeps it.
 *
 * How level: the least share of capacity is sought for which every job still finds a day in its window; no day is
 * filled above it. Below the share that a job calls `fill`, days may be unequal: there what is near goes together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"

#define LEVEL_NONE      (-1)   /* no day */
#define LEVEL_DAYS_MOST 800

struct level_day {
    int32_t minutes; /* of work that the team can do; 0: nobody works */
    int32_t booked;  /* of it taken by work that is no job here */
};

struct level_job {
    int64_t id;          /* tells jobs apart, and orders what is otherwise equal */
    int first, last;     /* window: indices of days; cut to the days there are */
    int due;             /* the day that is nearest to the plan, by index; may lie outside */
    int32_t minutes;     /* on site and on the way */
    int fixed;           /* the day it has; LEVEL_NONE: it wants one */
    int64_t site;        /* 0: unknown */
    bool has_place;
    double lat, lon;
    double fill, group_km;
    const unsigned char *closed; /* per day: not 0: the place cannot be visited then; NULL: any day */
};

struct level_place {
    int day;         /* LEVEL_NONE: nobody works in the window */
    int64_t near;    /* id of the nearest job of that day that is near enough; 0: none */
    double near_km;
    int share;       /* of the day that is taken then, in per cent */
    bool over;       /* … more than there is: no day had room */
};

/* A place for every job, fixed ones too (their day as it is). ERR_NOMEM: the arena is full. */
enum err level_find(struct arena *arena, const struct level_day *days, size_t day_count, const struct level_job *jobs,
                    size_t job_count, struct level_place *places) MUST_CHECK;
