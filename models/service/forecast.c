/* Queue, appointment, way, part, work. */
#include "models/service/forecast.h"

static void step(struct forecast *forecast, const char *what, int64_t until_ms)
{
    if (until_ms > forecast->at_ms && forecast->count < FORECAST_STEPS) {
        forecast->why[forecast->count++] = (struct forecast_step){what, until_ms};
        forecast->at_ms = until_ms;
    }
}

/* The instant by which so much working time has passed; nothing when there is none to do. */
static int64_t worked(const struct forecast_facts *facts, int64_t from_ms, int64_t budget_ms)
{
    return budget_ms > 0 ? workdays_add(facts->workdays, from_ms, budget_ms) : from_ms;
}

struct forecast forecast_make(const struct forecast_facts *facts)
{
    struct forecast forecast = {.at_ms = facts->now_ms};
    int64_t hands = facts->hands > 0 ? facts->hands : 1;

    if (facts->goal != FORECAST_DELIVERY && !facts->on_site) {
        step(&forecast, "queue", worked(facts, forecast.at_ms, facts->queue * facts->work_ms / hands));
        step(&forecast, "appointment", facts->appointment_ms);
        if (forecast.at_ms != INT64_MAX) { /* they set off when they work */
            step(&forecast, "travel", worked(facts, forecast.at_ms, facts->travel_ms));
        }
    }
    if (facts->goal != FORECAST_ARRIVAL) {
        step(&forecast, "part", facts->part_ms);
    }
    if (facts->goal == FORECAST_REPAIR && forecast.at_ms != INT64_MAX) {
        step(&forecast, "work", worked(facts, forecast.at_ms, facts->work_ms));
    }
    return forecast;
}

int64_t forecast_travel(double km, double kmh, double detour)
{
    return kmh > 0 && km > 0 ? (int64_t)(km * detour / kmh * 3600000.0) : 0;
}
