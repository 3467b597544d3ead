/*
 * A solar water heater in software, behind the registers of profile swh-basic: collector, vented two-layer
 * tank of 200 l, pumped loop with an expansion vessel, back-up heater, refill valve, people who draw water,
 * weather of a whole year. Plain energy balances; good enough that fault rules see what they would see on a
 * roof. The same seed gives the same year.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HEATER_YEAR_S    (365.0 * 86400)
#define HEATER_DRAWS     24 /* a day at most */

enum heater_fault {
    HEATER_PUMP_STOPPED,    /* commanded on, no flow */
    HEATER_PUMP_WEAK,       /* a third of the flow */
    HEATER_AIR_LOCK,        /* the pump stirs air */
    HEATER_VAPOUR_LOCK,     /* starts into a boiling collector: no flow until it has condensed */
    HEATER_LOW_PRESSURE,    /* a joint drips: a bar in two hours */
    HEATER_BURST,           /* the loop empties within a minute */
    HEATER_VESSEL_LOST,     /* the expansion vessel has no charge */
    HEATER_COLLECTOR_OPEN,  /* sensor wire broken */
    HEATER_COLLECTOR_SHORT, /* sensor wire shorted */
    HEATER_TANK_OPEN,
    HEATER_TANK_SWAPPED,    /* top and bottom sensor in each other's pocket */
    HEATER_FLOW_STUCK,      /* the meter reads nothing */
    HEATER_CHECK_VALVE,     /* leaks: at night the tank heats the collector */
    HEATER_ELEMENT_OPEN,    /* back-up heater draws nothing */
    HEATER_ELEMENT_HALF,    /* one of two elements is gone */
    HEATER_ELEMENT_WELDED,  /* draws without command */
    HEATER_OVERHEAT,        /* the controller heats past every limit */
    HEATER_FROST_OFF,       /* no circulation against frost */
    HEATER_CONTROLLER_DEAD, /* answers, but switches nothing */
    HEATER_LEAK,            /* the tank loses 14 l an hour */
    HEATER_REFILL_STUCK,    /* the valve opens, no water comes */
    HEATER_REFILL_LEAKS,    /* the valve is shut, water comes */
    HEATER_LEAK_CURRENT,    /* earth-leakage trip */
    HEATER_SILENT,          /* the controller does not answer */
    HEATER_FAULTS,
};
extern const char *const heater_fault_names[]; /* NULL-ended, in the order of the enum */

enum heater_weather {
    HEATER_FINE, /* every day alike: sun from 6 to 18, mild */
    HEATER_YEAR, /* seasons, clouds, frost, snow, holidays, parties */
};
extern const char *const heater_weather_names[]; /* fine year */

struct heater_draw {
    double at_s, litres; /* second of the day */
};

struct heater {
    /* what the registers show */
    double collector, top, bottom, ambient, irradiance; /* °C, W/m² */
    double flow, pressure, level, power;                /* L/min, bar, %, W */
    double pump_hours, setpoint;                        /* h, °C */
    bool pump_on, heater_on, refill;
    bool faults[HEATER_FAULTS];
    /* the world around */
    enum heater_weather weather;
    double year_s; /* since 1 January, local time without steps */
    int day;       /* of the year; -1: not begun */
    double warmth, clearness, cloud, mains; /* today's deviation in K; 0 … 1; now, 0 … 1; °C */
    int snow_days;
    struct heater_draw draws[HEATER_DRAWS];
    int draw_count, draw_next;
    double drawing; /* litres still to run */
    /* inside the controller and the loop */
    double charge; /* bar at 20 °C */
    bool full, hot, vapour, backward;
    uint64_t random;
};

/* From hour o'clock of day (0 = 1 January). */
void heater_init(struct heater *heater, uint64_t seed, enum heater_weather weather, int day, double hour);
void heater_step(struct heater *heater, double seconds);
/* The registers of profile swh-basic: 16 input, 16 holding. */
void heater_registers(const struct heater *heater, uint16_t *input, uint16_t *holding);
