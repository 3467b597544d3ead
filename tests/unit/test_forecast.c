/* Forecasts: queue, appointment, way, part and work, one after another, in the hours of whoever goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/base/zone.h"
#include "models/service/forecast.h"

#define HOUR 3600000LL
#define DAY  (24 * HOUR)

static void steps_follow_each_other(void **state)
{
    struct workdays always = workdays_always(zone_utc());
    struct forecast_facts facts = {.goal = FORECAST_REPAIR, .now_ms = DAY, .workdays = &always, .queue = 3, .hands = 2,
                                   .work_ms = 2 * HOUR, .appointment_ms = -1, .travel_ms = HOUR, .part_ms = -1};
    struct forecast forecast = forecast_make(&facts);

    (void)state;
    assert_int_equal(forecast.at_ms, DAY + 3 * HOUR + HOUR + 2 * HOUR); /* 3 orders for 2 people, a way, the work */
    assert_int_equal(forecast.count, 3);
    assert_string_equal(forecast.why[0].what, "queue");
    assert_string_equal(forecast.why[2].what, "work");
    facts.goal = FORECAST_ARRIVAL;
    assert_int_equal(forecast_make(&facts).at_ms, DAY + 4 * HOUR);
    facts.appointment_ms = DAY + 10 * HOUR; /* not before */
    assert_int_equal(forecast_make(&facts).at_ms, DAY + 11 * HOUR);
    facts.appointment_ms = DAY - HOUR; /* is over: makes nothing earlier */
    assert_int_equal(forecast_make(&facts).at_ms, DAY + 4 * HOUR);
    facts.goal = FORECAST_REPAIR;
    facts.part_ms = 3 * DAY; /* they may be there and wait for it */
    assert_int_equal(forecast_make(&facts).at_ms, 3 * DAY + 2 * HOUR);
    facts.on_site = true;
    facts.part_ms = -1;
    assert_int_equal(forecast_make(&facts).at_ms, DAY + 2 * HOUR);
    facts.goal = FORECAST_DELIVERY;
    facts.part_ms = DAY + HOUR / 2;
    assert_int_equal(forecast_make(&facts).at_ms, DAY + HOUR / 2);
    facts.hands = 0;
    facts.on_site = false;
    facts.goal = FORECAST_ARRIVAL;
    assert_int_equal(forecast_make(&facts).at_ms, DAY + 7 * HOUR); /* nobody counts as one */
}

static void only_working_hours_help(void **state)
{
    struct workdays days = {.zone = zone_utc()}, never = {.zone = zone_utc()};
    struct forecast_facts facts = {.goal = FORECAST_ARRIVAL, .now_ms = DAY + 16 * HOUR, .workdays = &days, .queue = 1,
                                   .hands = 1, .work_ms = 2 * HOUR, .appointment_ms = -1, .travel_ms = HOUR, .part_ms = -1};

    (void)state;
    for (int i = 0; i < 5; i++) { /* 1970-01-02 is a Friday */
        days.week[i].count = 1;
        days.week[i].segments[0] = (struct workdays_segment){9 * HOUR, 17 * HOUR};
    }
    assert_int_equal(forecast_make(&facts).at_ms, 4 * DAY + 11 * HOUR); /* an hour on Friday, two on Monday */
    facts.workdays = &never;
    assert_int_equal(forecast_make(&facts).at_ms, INT64_MAX);
    assert_int_equal(forecast_travel(40, 40, 1.5), 3 * HOUR / 2);
    assert_int_equal(forecast_travel(40, 0, 1.5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_each_other),
        cmocka_unit_test(only_working_hours_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
