/*
 * What a plan says about visits beside their rhythm (plan.h): seasons of climates, triggers, how a team's days are
 * filled, what may ride along, and whether a visit is free.
 */
#pragma once

#include "models/service/plan.h"

#define PLAN_CLIMATES_MOST 32
#define PLAN_TRIGGERS_MOST 16

struct plan_climate {
    const char *name;
    const struct plan_window *windows;
    size_t window_count;
};

enum plan_trigger_kind {
    PLAN_TRIGGER_METER,      /* so much of something since the last visit */
    PLAN_TRIGGER_CONDITION,  /* an expression over the profile's points is true */
    PLAN_TRIGGER_PREDICTION, /* an open ticket of that kind, about one of the components */
};
enum plan_meter { /* how a point is counted */
    PLAN_METER_VALUE,   /* it is a counter: hours, kWh, litres */
    PLAN_METER_ON_TIME, /* hours in which it is not 0 */
    PLAN_METER_RISES,   /* how often it became other than 0 */
};
extern const char *const plan_meter_names[]; /* value on_time rises */

struct plan_trigger {
    const char *name;
    enum plan_trigger_kind kind;
    const char *point; /* of the profile, by name or by role; a profile without it does not have this trigger */
    enum plan_meter meter;
    double every;
    const char *when;  /* the expression; its names are looked up in the profile */
    const char *const *components; /* NULL-ended; empty: any */
    struct plan_origin origin;
};

enum plan_free { /* which visits cost nothing (G-15) */
    PLAN_FREE_AGREEMENT, /* those that a contract covers, up to per_year in a contract year */
    PLAN_FREE_WARRANTY,  /* … and within the longest warranty of a component */
    PLAN_FREE_ALWAYS,
    PLAN_FREE_NEVER,
};
extern const char *const plan_free_names[]; /* agreement_active in_warranty always never */

#define PLAN_RIDES_VISIT      (1U << 0) /* a due visit */
#define PLAN_RIDES_INSPECTION (1U << 1) /* an inspection order that nobody has in hand, a recall too */
#define PLAN_RIDES_CHANGE     (1U << 2) /* a planned change without an appointment */
#define PLAN_RIDES_SURVEY     (1U << 3) /* a customer visit that is owed (S0-16) */
#define PLAN_RIDES            4
extern const char *const plan_ride_names[]; /* visit inspection planned_change survey */

struct plan_visits {
    bool floating;         /* anchor: floating */
    bool south_as_written; /* south: as_written */
    const struct plan_climate *climates;
    size_t climate_count;
    const struct plan_trigger *triggers;
    size_t trigger_count;
    const struct plan_age *older; /* the spacing, by the age of the equipment; rising */
    size_t older_count;
    enum plan_free free;
    struct plan_origin free_origin;
    int ahead_days;   /* before a window opens its visits are given days */
    double fill;      /* share of a team's day that is filled before days are levelled */
    double group_km;  /* sites so near one another are visited on one day; 0: only the same site */
    unsigned rides;   /* what is taken along by a repair */
};
