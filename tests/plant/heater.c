/* The physics of a heater. */
#include "heater.h"

#include <math.h>
#include <stddef.h>

const char *const heater_fault_names[] = {
    "pump_stopped",   "collector_open", "tank_open",    "low_pressure", "element_open",
    "element_welded", "leak",           "leak_current", "overheat",     "silent",
    NULL,
};

#define AREA       4.0    /* m² of collector */
#define COLLECTOR  32000  /* J/K: 8 kJ/m²K */
#define LAYER      418000 /* J/K of half a tank of 200 l */
#define LOOP_UA    180    /* W/K through the exchanger at full flow */
#define LOSS_UA    4.5    /* W/m²K of the collector */
#define TANK_UA    1.2    /* W/K of each half */
#define ELEMENT_W  2000

static double noise(struct heater *heater, double size)
{
    heater->random ^= heater->random >> 12;
    heater->random ^= heater->random << 25;
    heater->random ^= heater->random >> 27;
    return size * ((double)(heater->random * 2685821657736338717ULL >> 40) / 8388608.0 - 1);
}

void heater_init(struct heater *heater, uint64_t seed, double day_s)
{
    *heater = (struct heater){
        .collector = 70, .top = 55, .bottom = 46, .ambient = 18, .pressure = 2.1, .level = 85,
        .setpoint = 55, .day_s = day_s, .random = seed * 2862933555777941757ULL + 3037000493ULL,
    };
}

static void weather(struct heater *heater, double seconds)
{
    double hour;

    heater->day_s = fmod(heater->day_s + seconds, 86400);
    hour = heater->day_s / 3600;
    heater->irradiance = hour > 6 && hour < 18 ? 850 * sin((hour - 6) / 12 * M_PI) : 0;
    if (heater->irradiance > 0) {
        heater->irradiance = fmax(0, heater->irradiance + noise(heater, 15));
    }
    heater->ambient = 16 + 6 * sin((hour - 9) / 24 * 2 * M_PI);
}

static void control(struct heater *heater)
{
    double lift = heater->collector - heater->bottom;

    heater->pump_on = heater->pump_on ? lift > 3 : lift > 7;
    if (heater->top > 80) {
        heater->pump_on = false;
    }
    heater->heater_on = heater->heater_on ? heater->top < heater->setpoint
                                          : heater->top < heater->setpoint - 6;
    heater->refill = heater->refill ? heater->level < 92 : heater->level < 60;
    heater->flow = heater->pump_on && !heater->faults[HEATER_PUMP_STOPPED]
                       ? 6 + noise(heater, 0.15) : 0;
    heater->power = heater->heater_on && !heater->faults[HEATER_ELEMENT_OPEN] ? ELEMENT_W : 0;
    if (heater->faults[HEATER_ELEMENT_WELDED] || heater->faults[HEATER_OVERHEAT]) {
        heater->power = ELEMENT_W;
    }
}

static void balance(struct heater *heater, double seconds)
{
    double share = heater->flow / 6, gain = 0.75 * AREA * heater->irradiance;
    double moved = share * LOOP_UA * (heater->collector - heater->bottom);
    double loss = LOSS_UA * AREA * (heater->collector - heater->ambient);
    double mix = fmax(0, heater->bottom - heater->top) * 400 + 6 * (heater->top - heater->bottom);

    heater->collector += (gain - moved - loss) * seconds / COLLECTOR;
    heater->bottom += (moved + mix - TANK_UA * (heater->bottom - heater->ambient)) * seconds / LAYER;
    heater->top += (heater->power - mix - TANK_UA * (heater->top - heater->ambient)) * seconds / LAYER;
    if (heater->bottom > heater->top) {
        heater->bottom = heater->top = (heater->bottom + heater->top) / 2;
    }
    if (heater->faults[HEATER_OVERHEAT]) {
        heater->top = fmin(95, heater->top + seconds * 0.5);
    }
    heater->pump_hours += heater->pump_on ? seconds / 3600 : 0;
}

static void water(struct heater *heater, double seconds)
{
    heater->level -= heater->faults[HEATER_LEAK] ? seconds * 0.05 : 0;
    heater->level += heater->refill && !heater->faults[HEATER_LEAK] ? seconds * 0.02 : 0;
    heater->level = fmax(0, fmin(100, heater->level));
    heater->pressure += ((heater->faults[HEATER_LOW_PRESSURE] ? 0.4 : 2.1) - heater->pressure) *
                        fmin(1, seconds / 20);
}

void heater_step(struct heater *heater, double seconds)
{
    while (seconds > 0) { /* short steps: the collector is quick */
        double step = seconds < 5 ? seconds : 5;

        weather(heater, step);
        control(heater);
        balance(heater, step);
        water(heater, step);
        seconds -= step;
    }
}

static uint16_t tenth(double value)
{
    return (uint16_t)(int16_t)lround(value * 10);
}

void heater_registers(const struct heater *heater, uint16_t *input, uint16_t *holding)
{
    uint32_t hours = (uint32_t)heater->pump_hours;

    input[0] = heater->faults[HEATER_COLLECTOR_OPEN] ? 32767 : tenth(heater->collector);
    input[1] = heater->faults[HEATER_TANK_OPEN] ? 32767 : tenth(heater->top);
    input[2] = tenth(heater->bottom);
    input[3] = tenth(heater->ambient);
    input[4] = tenth(heater->flow);
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
