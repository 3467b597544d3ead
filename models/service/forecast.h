/*
 * When a running clock will likely be met: what stands in a queue before it, the way, the part, the
 * work, one after another. A function of facts; `why` tells each step with the instant it ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/service/workdays.h"

#define FORECAST_STEPS 6

enum forecast_goal { FORECAST_ARRIVAL, FORECAST_REPAIR, FORECAST_DELIVERY };

struct forecast_facts {
    enum forecast_goal goal;
    int64_t now_ms;
    const struct workdays *workdays; /* when whoever goes works */
    int64_t queue;          /* orders before this one … */
    int64_t hands;          /* … for so many people; 0: counts as one */
    int64_t work_ms;        /* working time of one order: mean of the past, or planned */
    int64_t appointment_ms; /* not before that; -1: none */
    int64_t travel_ms;      /* 0 when they are there */
    int64_t part_ms;        /* the part is there at that instant; -1: none is needed */
    bool on_site;           /* the queue and the way are behind them */
};

struct forecast_step {
    const char *what; /* queue appointment travel part work */
    int64_t until_ms;
};

struct forecast {
    int64_t at_ms; /* INT64_MAX: never (nobody works) */
    struct forecast_step why[FORECAST_STEPS];
    size_t count;
};

struct forecast forecast_make(const struct forecast_facts *facts);
/* A way of so many km along the beeline at a speed, with a detour factor, in ms. */
int64_t forecast_travel(double km, double kmh, double detour);
