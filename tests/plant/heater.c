/* The physics of a heater. */
#include "heater.h"

#include <math.h>
#include <stddef.h>

const char *const heater_fault_names[] = {
    "pump_stopped",  "pump_weak",      "air_lock",      "vapour_lock",     "low_pressure",
    "burst",         "vessel_lost",    "collector_open", "collector_short", "tank_open",
    "tank_swapped",  "flow_stuck",     "check_valve",   "element_open",    "element_half",
    "element_welded", "overheat",      "frost_off",     "controller_dead", "leak",
    "refill_stuck",  "refill_leaks",   "leak_current",  "silent",          NULL,
};
const char *const heater_weather_names[] = {"fine", "year", NULL};

#define AREA         4.0    /* m² of collector */
#define OPTICAL      0.75   /* share of the sun that becomes heat */
#define LOSS_A1      3.5    /* W/m²K */
#define LOSS_A2      0.015  /* W/m²K²: 150 °C or so in stagnation */
#define COLLECTOR    32000  /* J/K: 8 kJ/m²K */
#define LAYER        418000 /* J/K of half a tank of 200 l */
#define LITRES       200
#define LOOP_UA      180    /* W/K through the exchanger at full flow */
#define BACKWARD_UA  25     /* W/K by thermosiphon past a leaking check valve */
#define TANK_UA      1.2    /* W/K of each half */
#define ELEMENT_W    2000
#define FLOW         6.0    /* L/min of a good pump */
#define TAP          6.0    /* L/min of an open tap */
#define REFILL       4.0    /* L/min */
#define LEAK         14.4   /* L/h */
#define FROST_ON     5      /* °C of the collector */
#define FROST_OFF    9
#define TANK_LIMIT   80     /* the pump stops there */
#define HOT_LIMIT    115    /* of the collector: no start into vapour */

static double draw_random(struct heater *heater) /* 0 … 1, xorshift64* */
{
    heater->random ^= heater->random >> 12;
    heater->random ^= heater->random << 25;
    heater->random ^= heater->random >> 27;
    return (double)(heater->random * 2685821657736338717ULL >> 11) / 9007199254740992.0;
}

static double noise(struct heater *heater, double size)
{
    return size * (2 * draw_random(heater) - 1);
}

void heater_init(struct heater *heater, uint64_t seed, enum heater_weather weather, int day, double hour)
{
    *heater = (struct heater){
        .collector = 20, .top = 55, .bottom = 46, .ambient = 18, .pressure = 2.1, .level = 85,
        .setpoint = 55, .charge = 2.0, .weather = weather, .year_s = day * 86400.0 + hour * 3600,
        .day = -1, .clearness = 1, .cloud = 1, .mains = 15,
        .random = seed * 2862933555777941757ULL + 3037000493ULL,
    };
    if (weather == HEATER_FINE && hour > 8 && hour < 16) {
        heater->collector = 60; /* as it would be by then */
    }
}

/* ------------------------------------------------------------------ people */

static bool is_holiday(int day)
{
    return (day >= 32 && day < 46) || (day >= 215 && day < 233); /* a cold one and a hot one */
}

static void plan_draw(struct heater *heater, double hour, double litres)
{
    int at = heater->draw_count;

    if (at == HEATER_DRAWS) {
        return;
    }
    heater->draw_count++;
    for (; at > 0 && heater->draws[at - 1].at_s > hour * 3600; at--) {
        heater->draws[at] = heater->draws[at - 1];
    }
    heater->draws[at] = (struct heater_draw){hour * 3600, litres};
}

static void plan_day(struct heater *heater)
{
    heater->draw_count = heater->draw_next = 0;
    if (heater->weather == HEATER_FINE || is_holiday(heater->day)) {
        return;
    }
    for (int i = 2 + (int)(draw_random(heater) * 3); i > 0; i--) {
        plan_draw(heater, 6.3 + 1.7 * draw_random(heater), 8 + 20 * draw_random(heater));
    }
    for (int i = (int)(draw_random(heater) * 3); i > 0; i--) {
        plan_draw(heater, 11 + 3 * draw_random(heater), 5 + 10 * draw_random(heater));
    }
    for (int i = 3 + (int)(draw_random(heater) * 3); i > 0; i--) {
        plan_draw(heater, 18 + 4.5 * draw_random(heater), 8 + 30 * draw_random(heater));
    }
    if (draw_random(heater) < 0.2) { /* somebody is up at night */
        plan_draw(heater, 1 + 3 * draw_random(heater), 3);
    }
    if (draw_random(heater) < 0.02) { /* guests */
        for (int i = 0; i < 10; i++) {
            plan_draw(heater, 15 + 0.8 * i + 0.5 * draw_random(heater), 35);
        }
    }
}

static void draw_water(struct heater *heater, double seconds)
{
    double second = heater->year_s - heater->day * 86400.0, litres;

    while (heater->draw_next < heater->draw_count && heater->draws[heater->draw_next].at_s <= second) {
        heater->drawing = fmin(70, heater->drawing + heater->draws[heater->draw_next++].litres);
    }
    litres = fmin(heater->drawing, TAP * seconds / 60);
    heater->drawing -= litres;
    heater->level -= litres / LITRES * 100;
}

/* ------------------------------------------------------------------ weather */

static void begin_day(struct heater *heater, double season)
{
    double luck = draw_random(heater);

    heater->warmth = 0.7 * heater->warmth + noise(heater, 4);
    heater->clearness = luck < 0.5 ? 1 : luck < 0.8 ? 0.6 : 0.15;
    heater->mains = 12 + 7 * season;
    heater->snow_days = heater->snow_days > 0 ? heater->snow_days - 1 : 0;
    if (luck > 0.85 && 13 + 15 * season + heater->warmth < 0) {
        heater->snow_days = 1 + (int)(draw_random(heater) * 3);
    }
    plan_day(heater);
}

/* Broken clouds pass within minutes; a clear day has none, an overcast one nothing else. */
static void move_clouds(struct heater *heater, double seconds)
{
    if (heater->clearness > 0.9 || heater->clearness < 0.3) {
        heater->cloud = heater->clearness;
    } else if (draw_random(heater) < seconds / 600) {
        heater->cloud = draw_random(heater) < heater->clearness ? 1 : 0.25;
    }
}

static void weather(struct heater *heater, double seconds)
{
    double hour, season = 0, half, up, peak = 850;
    int day;

    heater->year_s = fmod(heater->year_s + seconds, HEATER_YEAR_S);
    day = (int)(heater->year_s / 86400);
    hour = (heater->year_s - day * 86400.0) / 3600;
    if (heater->weather == HEATER_YEAR) {
        season = cos(2 * M_PI * (day - 200) / 365);
        peak = 760 + 200 * season;
        move_clouds(heater, seconds);
    }
    if (day != heater->day) {
        heater->day = day;
        if (heater->weather == HEATER_YEAR) {
            begin_day(heater, season);
        }
    }
    half = 6 + 1.2 * season; /* hours from sunrise to noon */
    up = cos((hour - 12) / half * M_PI / 2);
    heater->irradiance = fabs(hour - 12) < half ? peak * up * heater->cloud : 0;
    if (heater->irradiance > 0) {
        heater->irradiance = fmax(0, heater->irradiance + noise(heater, 15));
    }
    heater->ambient = heater->weather == HEATER_FINE
                          ? 16 + 6 * sin((hour - 9) / 24 * 2 * M_PI)
                          : 13 + 15 * season + heater->warmth + 5 * sin((hour - 9) / 24 * 2 * M_PI);
}

/* ------------------------------------------------------------------ the controller */

static bool on_between(bool is_on, double value, double on_below, double off_above)
{
    return is_on ? value < off_above : value < on_below;
}

static void control_pump(struct heater *heater)
{
    double lift = heater->collector - heater->bottom;
    bool frost = on_between(heater->pump_on && heater->collector < FROST_OFF, heater->collector, FROST_ON, FROST_OFF);

    heater->full = heater->full ? heater->top > TANK_LIMIT - 3 : heater->top > TANK_LIMIT;
    heater->hot = heater->hot ? heater->collector > HOT_LIMIT - 10 : heater->collector > HOT_LIMIT && !heater->pump_on;
    heater->pump_on = heater->pump_on ? lift > 3 : lift > 7;
    if (heater->full || (heater->hot && !heater->faults[HEATER_VAPOUR_LOCK])) {
        heater->pump_on = false;
    }
    if (frost && !heater->faults[HEATER_FROST_OFF]) {
        heater->pump_on = true;
    }
}

static void control(struct heater *heater)
{
    if (heater->faults[HEATER_CONTROLLER_DEAD]) {
        heater->pump_on = heater->heater_on = heater->refill = false;
        return;
    }
    control_pump(heater);
    heater->heater_on = on_between(heater->heater_on, heater->top, heater->setpoint - 6, heater->setpoint) ||
                        (heater->faults[HEATER_OVERHEAT] && heater->top < 98);
    heater->refill = on_between(heater->refill, heater->level, 60, 92);
}

/* What runs, whatever was commanded. */
static void run_machines(struct heater *heater)
{
    heater->flow = heater->pump_on ? FLOW + noise(heater, 0.15) : 0;
    heater->vapour = heater->vapour ? heater->collector > 100 : heater->collector > HOT_LIMIT;
    if (heater->faults[HEATER_PUMP_STOPPED] || heater->charge < 0.4 ||
        (heater->vapour && heater->faults[HEATER_VAPOUR_LOCK])) {
        heater->flow = 0;
    } else if (heater->faults[HEATER_AIR_LOCK] && heater->pump_on) {
        heater->flow = 0.2 + noise(heater, 0.15);
    } else if (heater->faults[HEATER_PUMP_WEAK]) {
        heater->flow *= 0.35;
    }
    heater->power = heater->heater_on || heater->faults[HEATER_ELEMENT_WELDED] ? ELEMENT_W : 0;
    if (heater->faults[HEATER_ELEMENT_WELDED] && heater->top > 92) {
        heater->power = 0; /* the safety cut-out in the element's head */
    }
    if (heater->faults[HEATER_ELEMENT_HALF]) {
        heater->power /= 2;
    }
    if (heater->faults[HEATER_ELEMENT_OPEN]) {
        heater->power = 0;
    }
}

/* ------------------------------------------------------------------ heat and water */

/* Past a leaking check valve, cold fluid sinks out of the collector once it is cold enough, and the
 * tank's heat climbs into it until both are nearly alike. */
static double backward_heat(struct heater *heater)
{
    double drop = heater->top - heater->collector;

    heater->backward = heater->faults[HEATER_CHECK_VALVE] && !heater->pump_on && heater->irradiance < 50 &&
                       (heater->backward ? drop > 5 : drop > 40);
    return heater->backward ? BACKWARD_UA * drop : 0;
}

static void balance(struct heater *heater, double seconds)
{
    double warmer = heater->collector - heater->ambient;
    double gain = heater->snow_days > 0 ? 0 : OPTICAL * AREA * heater->irradiance;
    double moved = heater->flow / FLOW * LOOP_UA * (heater->collector - heater->bottom);
    double back = backward_heat(heater), loss = AREA * (LOSS_A1 + LOSS_A2 * fabs(warmer)) * warmer;
    double mix = fmax(0, heater->bottom - heater->top) * 400 + 6 * (heater->top - heater->bottom);

    heater->collector += (gain - moved - loss + back) * seconds / COLLECTOR;
    heater->bottom += (moved - back / 2 + mix - TANK_UA * (heater->bottom - heater->ambient)) * seconds / LAYER;
    heater->top += (heater->power - back / 2 - mix - TANK_UA * (heater->top - heater->ambient)) * seconds / LAYER;
    if (heater->bottom > heater->top) {
        heater->bottom = heater->top = (heater->bottom + heater->top) / 2;
    }
    heater->top = fmin(heater->top, 99);
    heater->pump_hours += heater->pump_on ? seconds / 3600 : 0;
}

static void water(struct heater *heater, double seconds)
{
    double in = 0;

    draw_water(heater, seconds);
    if (heater->refill && !heater->faults[HEATER_REFILL_STUCK]) {
        in = REFILL * seconds / 60;
    }
    if (heater->faults[HEATER_REFILL_LEAKS]) {
        in += 0.8 * seconds / 60;
    }
    heater->level += in / LITRES * 100 - (heater->faults[HEATER_LEAK] ? LEAK * seconds / 3600 / LITRES * 100 : 0);
    heater->level = fmax(0, fmin(104, heater->level)); /* then it overflows */
    heater->bottom += in / (LITRES / 2.0) * (heater->mains - heater->bottom);
}

static void press(struct heater *heater, double seconds)
{
    double warm = (heater->collector + heater->bottom) / 2 - 20;

    if (heater->faults[HEATER_BURST]) {
        heater->charge += (0.1 - heater->charge) * fmin(1, seconds / 20);
    } else if (heater->faults[HEATER_LOW_PRESSURE]) {
        heater->charge = fmax(0.1, heater->charge - seconds / 7200);
    } else if (heater->charge < 1.9 && !heater->faults[HEATER_VESSEL_LOST]) {
        heater->charge = 2.0; /* repaired and filled again */
    }
    heater->pressure = fmax(0, heater->charge + warm * (heater->faults[HEATER_VESSEL_LOST] ? 0.03 : 0.006));
    if (heater->pressure > 6.5) { /* the relief valve */
        heater->charge -= heater->pressure - 6.5;
        heater->pressure = 6.5;
    }
}

void heater_step(struct heater *heater, double seconds)
{
    while (seconds > 0) { /* short steps: the collector is quick */
        double step = seconds < 5 ? seconds : 5;

        weather(heater, step);
        control(heater);
        run_machines(heater);
        balance(heater, step);
        water(heater, step);
        press(heater, step);
        seconds -= step;
    }
}

/* ------------------------------------------------------------------ registers */

static uint16_t tenth(double value)
{
    return (uint16_t)(int16_t)lround(value * 10);
}

void heater_registers(const struct heater *heater, uint16_t *input, uint16_t *holding)
{
    uint32_t hours = (uint32_t)heater->pump_hours;
    bool swapped = heater->faults[HEATER_TANK_SWAPPED];

    input[0] = heater->faults[HEATER_COLLECTOR_OPEN]    ? 32767
               : heater->faults[HEATER_COLLECTOR_SHORT] ? tenth(-50)
                                                        : tenth(heater->collector);
    input[1] = heater->faults[HEATER_TANK_OPEN] ? 32767 : tenth(swapped ? heater->bottom : heater->top);
    input[2] = tenth(swapped ? heater->top : heater->bottom);
    input[3] = tenth(heater->ambient);
    input[4] = heater->faults[HEATER_FLOW_STUCK] ? 0 : tenth(fmax(0, heater->flow));
    input[5] = (uint16_t)lround(heater->pressure * 100);
    input[6] = (uint16_t)lround(heater->level);
    input[7] = (uint16_t)lround(heater->irradiance);
    input[8] = (uint16_t)lround(heater->power);
    input[10] = (uint16_t)(hours >> 16);
    input[11] = (uint16_t)(hours & 0xffff);
    holding[3] = (uint16_t)((heater->pump_on ? 2 : 0) | (heater->heater_on ? 4 : 0) |
                            (heater->refill ? 8 : 0));
    holding[4] = heater->faults[HEATER_LEAK_CURRENT] ? 1 : 0;
    holding[10] = (uint16_t)lround(heater->setpoint * 2);
}
