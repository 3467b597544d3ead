/* A solar water heater in software: collector, two-layer tank, pump, back-up heater, refill, weather.
 * Plain energy balances; good enough that fault rules see what they would see on a roof. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum heater_fault {
    HEATER_PUMP_STOPPED,    /* commanded on, no flow */
    HEATER_COLLECTOR_OPEN,  /* sensor wire broken */
    HEATER_TANK_OPEN,
    HEATER_LOW_PRESSURE,
    HEATER_ELEMENT_OPEN,    /* back-up heater draws nothing */
    HEATER_ELEMENT_WELDED,  /* draws without command */
    HEATER_LEAK,            /* level falls */
    HEATER_LEAK_CURRENT,    /* earth-leakage trip */
    HEATER_OVERHEAT,        /* high limit not respected */
    HEATER_SILENT,          /* the controller does not answer */
    HEATER_FAULTS,
};
extern const char *const heater_fault_names[]; /* NULL-ended */

struct heater {
    double collector, top, bottom, ambient, irradiance; /* °C, W/m² */
    double flow, pressure, level, power;                /* L/min, bar, %, W */
    double pump_hours, setpoint, day_s;                 /* h, °C, seconds of the day */
    bool pump_on, heater_on, refill;
    bool faults[HEATER_FAULTS];
    uint64_t random;
};

void heater_init(struct heater *heater, uint64_t seed, double day_s);
void heater_step(struct heater *heater, double seconds);
/* The registers of profile swh-basic: 16 input, 16 holding. */
void heater_registers(const struct heater *heater, uint16_t *input, uint16_t *holding);
