/*
 * How a piece of equipment was used in a span, from its readings alone: hours and starts of each device that has a state, the
 * rise of each counter, energy, and how long it was available. Nobody has to write it down.
 */
#pragma once

#include "models/profile/profile.h"
#include "server/dossier/show.h"

struct usage { /* of all points of a role together */
    double pump_hours, pump_starts, heater_hours, yield_kwh, heater_kwh;
    bool has_pump, has_heater, has_yield, has_heater_power;
    int64_t watched_ms, down_ms; /* an alarm of grade 1 was active */
};

/* profile NULL: only what alarms tell. out: NULL, or a list of the devices is written into it. */
enum err usage_find(struct sql *sql, const struct profile *profile, int64_t equipment, int64_t from_ms, int64_t to_ms,
                    struct usage *ret_usage, struct json_out *out) MUST_CHECK;
void usage_add(struct usage *to, const struct usage *from);
/* Its figures as fields of the object that is open; what is not measured is null. */
void usage_put(const struct usage *usage, struct json_out *out);
/* How long an alarm of grade 1 was active within the span; what overlaps counts once. */
enum err usage_down(struct sql *sql, int64_t equipment, int64_t from_ms, int64_t to_ms, int64_t *ret_ms) MUST_CHECK;
