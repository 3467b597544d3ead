/*
 * What happens to the heaters, and when: a YAML file.
 *
 *   - {at: 10s, heater: 1, fault: pump_stopped}             # at: the plant's own time since its start
 *   - {at: 2h, heater: 1, fault: pump_stopped, on: false}   # repaired
 *   - {at: 3h, heater: 2, draw: 120}                        # somebody draws 120 l
 *
 * in any order. Everything that is wrong in it is told at once, with its place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "heater.h"

#define SCENARIO_EVENTS 1000

struct scenario_event {
    double at_s;
    int heater, fault; /* heater from 1; fault -1: a draw */
    bool on;
    double litres;
};

struct scenario {
    struct scenario_event events[SCENARIO_EVENTS]; /* in time's order */
    size_t count, next;
};

/* false after complaints on standard error. */
bool scenario_read(struct scenario *scenario, const char *path, int heaters);
/* Does what is due after at_s seconds, and says so on standard output. */
void scenario_act(struct scenario *scenario, double at_s, struct heater *heaters);
