/*
 * The rules of swh-basic against the plant's physics: registers are decoded as an agent would, judged, and
 * every fault that is injected must be told by its rule within the time in which it can be seen, be told
 * alone, and clear after the repair. A year without faults, with weather, draws, frost, snow, stagnation,
 * holidays, guests and power cuts must raise nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/file.h"
#include "models/fault/judge.h"
#include "tests/plant/heater.h"

/* Under a sanitizer a year takes minutes: there it is the code that is looked at, not the physics. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW 1
#endif
#endif
#ifndef SLOW
#define SLOW 0
#endif

#define BASE_MS 1767225600000 /* 2026-01-01 */
#define ANY     64

struct roof {
    struct arena *arena;
    const struct profile *profile;
    struct judge *judge;
    struct heater heater;
    uint16_t input[16], holding[16];
    double seconds; /* since the start */
    double raised[ANY], cleared[ANY]; /* by rule; -1: never */
    int grades[ANY], count[ANY];
};

static void begin(struct roof *roof, uint64_t seed, enum heater_weather weather, int day, double hour)
{
    struct complaints complaints = {.path = "models/equipment/swh-basic.yaml"};
    char *bytes;
    size_t size;

    memset(roof, 0, sizeof(*roof));
    assert_int_equal(arena_open(16 << 20, &roof->arena), ERR_OK);
    complaints.arena = roof->arena;
    assert_int_equal(file_read(roof->arena, complaints.path, 1 << 20, &bytes, &size), ERR_OK);
    assert_int_equal(profile_read(roof->arena, bytes, size, &complaints, &roof->profile), ERR_OK);
    assert_true(roof->profile->fault_count < ANY);
    assert_int_equal(judge_open(roof->profile, &roof->judge), ERR_OK);
    heater_init(&roof->heater, seed, weather, day, hour);
    for (size_t i = 0; i < ANY; i++) {
        roof->raised[i] = roof->cleared[i] = -1;
    }
}

static void end(struct roof *roof)
{
    judge_close(roof->judge);
    arena_close(roof->arena);
}

static struct reading read_point(const struct roof *roof, const struct point *point, int64_t t_ms)
{
    const uint16_t *table = point->reg.table == REGISTER_INPUT ? roof->input : roof->holding;
    struct reading reading = {.t_ms = t_ms, .has_value = true, .quality = QUALITY_GOOD};
    struct register_value value;

    assert_int_equal(register_decode(&point->reg, table + point->reg.address, &value), ERR_OK);
    reading.value = value.number;
    for (size_t i = 0; i < point->invalid_count; i++) {
        if (value.raw == point->invalid[i]) {
            reading.quality = QUALITY_INVALID;
            reading.has_value = false;
        }
    }
    if (reading.has_value && point->has_range && (value.number < point->least || value.number > point->most)) {
        reading.quality = QUALITY_RANGE;
    }
    return reading;
}

static void note(struct roof *roof, const struct verdict *verdict)
{
    size_t rule = verdict->fault;

    if (verdict->state == FAULT_RAISED) {
        if (roof->raised[rule] < 0) {
            roof->raised[rule] = roof->seconds;
        }
        roof->cleared[rule] = -1;
        roof->count[rule]++;
    } else if (verdict->state == FAULT_CLEARED) {
        roof->cleared[rule] = roof->seconds;
    }
    roof->grades[rule] = verdict->grade;
}

/* One poll of all points. */
static void poll_roof(struct roof *roof)
{
    struct verdict verdicts[ANY];
    int64_t t_ms = BASE_MS + (int64_t)(roof->seconds * 1000);
    size_t count;

    heater_registers(&roof->heater, roof->input, roof->holding);
    for (size_t i = 0; i < roof->profile->point_count; i++) {
        struct reading reading = read_point(roof, &roof->profile->points[i], t_ms);

        assert_int_equal(judge_take(roof->judge, i, &reading), ERR_OK);
    }
    count = judge_decide(roof->judge, t_ms, verdicts, ANY);
    for (size_t i = 0; i < count; i++) {
        note(roof, &verdicts[i]);
    }
}

static void run(struct roof *roof, double seconds, double every)
{
    for (double until = roof->seconds + seconds; roof->seconds < until; roof->seconds += every) {
        heater_step(&roof->heater, every);
        poll_roof(roof);
    }
}

static int others_raised(const struct roof *roof, int wanted, const char *allowed, const char *when)
{
    int others = 0;

    for (size_t i = 0; i < roof->profile->fault_count; i++) {
        const char *id = roof->profile->faults[i].id;

        if (roof->count[i] > 0 && (int)i != wanted && !(allowed && strstr(allowed, id))) {
            print_message("%s: %s raised after %.0f s, %d times\n", when, id, roof->raised[i], roof->count[i]);
            others++;
        }
    }
    return others;
}

/* ------------------------------------------------------------------ a year without faults */

static void a_good_year_raises_nothing(void **state)
{
    for (uint64_t seed = 1; seed <= (SLOW ? 1 : 4); seed++) {
        struct roof roof;
        double hottest = 0, coldest = 99, emptiest = 99, boiled = 0;

        (void)state;
        begin(&roof, seed, HEATER_YEAR, 0, 0);
        for (int hour = 0; hour < (SLOW ? 60 : 365) * 24; hour++) {
            if (hour % 700 == 655) { /* a power cut: the controller does not answer */
                heater_step(&roof.heater, 1800);
                roof.seconds += 1800;
                run(&roof, 1800, 60);
            } else {
                run(&roof, 3600, 60);
            }
            hottest = roof.heater.collector > hottest ? roof.heater.collector : hottest;
            coldest = roof.heater.ambient < coldest ? roof.heater.ambient : coldest;
            emptiest = roof.heater.level < emptiest ? roof.heater.level : emptiest;
            boiled += roof.heater.collector > 110;
        }
        print_message("seed %d: collector up to %.0f °C, %.0f h above 110 °C, air down to %.0f °C, level down to %.0f %%, pump %.0f h\n",
                      (int)seed, hottest, boiled, coldest, emptiest, roof.heater.pump_hours);
        assert_true(SLOW || (hottest > 120 && coldest < -8 && boiled > 10)); /* else it proves nothing */
        assert_int_equal(others_raised(&roof, -1, NULL, "a good year"), 0);
        end(&roof);
    }
}

/* ------------------------------------------------------------------ each fault */

static const struct trial {
    enum heater_fault fault;
    enum heater_weather weather;
    int day;
    double hour;         /* of the injection, after hours in good health */
    const char *rule;    /* that must be raised, and alone */
    double within_s;     /* of the injection */
    int grade;           /* at the end of the fault */
    double lasts_s;      /* then it is repaired */
    double clears_in_s;  /* of the repair */
    const char *besides; /* rules that may be raised too, and why that is right stands beside */
} trials[] = {
    {HEATER_PUMP_STOPPED, HEATER_FINE, 0, 10, "pump_no_flow", 90, 1, 1800, 900, NULL},
    {HEATER_AIR_LOCK, HEATER_FINE, 0, 10, "pump_no_flow", 90, 1, 1800, 900, NULL},
    {HEATER_PUMP_WEAK, HEATER_FINE, 0, 9, "pump_weak", 2400, 2, 7200, 1800, NULL},
    {HEATER_LOW_PRESSURE, HEATER_FINE, 0, 9, "low_pressure", 4 * 3600, 1, 5 * 3600, 2700, NULL},
    {HEATER_BURST, HEATER_FINE, 0, 10, "pressure_lost", 300, 1, 1500, 900, NULL},
    {HEATER_VESSEL_LOST, HEATER_FINE, 0, 4, "vessel_charge", 12 * 3600, 2, 24 * 3600, 40 * 3600, NULL},
    {HEATER_COLLECTOR_OPEN, HEATER_FINE, 0, 10, "collector_sensor", 90, 2, 1800, 300, NULL},
    {HEATER_COLLECTOR_SHORT, HEATER_FINE, 0, 22, "collector_sensor", 90, 2, 1800, 300, NULL},
    {HEATER_TANK_OPEN, HEATER_FINE, 0, 10, "tank_sensor", 90, 2, 1800, 300, NULL},
    {HEATER_TANK_SWAPPED, HEATER_YEAR, 100, 10, "sensors_swapped", 24 * 3600, 3, 25 * 3600, 2 * 3600, NULL},
    /* 60 s of no flow cannot know yet that it is the meter; the heat that arrives proves it, and that ticket clears */
    {HEATER_FLOW_STUCK, HEATER_FINE, 0, 10, "flow_sensor_dead", 2400, 3, 5400, 900, "pump_no_flow"},
    {HEATER_CHECK_VALVE, HEATER_FINE, 0, 16, "reverse_circulation", 12 * 3600, 3, 14 * 3600, 4 * 3600, NULL},
    {HEATER_ELEMENT_OPEN, HEATER_YEAR, 10, 12, "heater_open", 24 * 3600, 1, 36 * 3600, 900, NULL},
    {HEATER_ELEMENT_HALF, HEATER_YEAR, 10, 12, "heater_partial", 24 * 3600, 2, 25 * 3600, 24 * 3600, NULL},
    {HEATER_ELEMENT_WELDED, HEATER_FINE, 0, 20, "heater_welded", 90, 1, 1800, 600, NULL},
    {HEATER_OVERHEAT, HEATER_FINE, 0, 14, "tank_overheat", 4 * 3600, 1, 5 * 3600, 48 * 3600, NULL},
    {HEATER_FROST_OFF, HEATER_YEAR, 10, 17, "freeze_risk", 8 * 3600, 1, 10 * 3600, 12 * 3600, NULL},
    {HEATER_CONTROLLER_DEAD, HEATER_FINE, 0, 8, "controller_no_start", 5400, 1, 4 * 3600, 10 * 3600, NULL},
    {HEATER_LEAK, HEATER_FINE, 0, 12, "tank_leak", 5 * 3600, 2, 6 * 3600, 6 * 3600, NULL},
    {HEATER_REFILL_STUCK, HEATER_YEAR, 150, 16, "refill_failed", 12 * 3600, 1, 16 * 3600, 2 * 3600, NULL},
    {HEATER_REFILL_LEAKS, HEATER_YEAR, 150, 13, "refill_leaks", 3 * 3600, 1, 4 * 3600, 12 * 3600, NULL},
    {HEATER_LEAK_CURRENT, HEATER_FINE, 0, 12, "leak_current_trip", 20, 1, 600, 120, NULL},
};

/* s: from the injection; -1 when it never came. */
static void try_one(const struct trial *trial, double every)
{
    const char *name = heater_fault_names[trial->fault];
    struct roof roof;
    double injected, repaired;
    int rule;

    begin(&roof, 7, trial->weather, trial->day, trial->hour < 6 ? trial->hour + 18 : trial->hour - 6);
    rule = profile_fault(roof.profile, trial->rule);
    assert_true(rule >= 0);
    run(&roof, 6 * 3600, every);
    assert_int_equal(others_raised(&roof, -1, NULL, name), 0);
    roof.heater.faults[trial->fault] = true;
    injected = roof.seconds;
    run(&roof, trial->lasts_s, every);
    print_message("%-16s %-20s after %6.0f s of %6.0f, grade %d", name, trial->rule, roof.raised[rule] - injected,
                  trial->within_s, roof.grades[rule]);
    assert_true(roof.raised[rule] >= 0 && roof.raised[rule] - injected <= trial->within_s);
    assert_int_equal(roof.grades[rule], trial->grade);
    roof.heater.faults[trial->fault] = false;
    repaired = roof.seconds;
    run(&roof, trial->clears_in_s, every);
    print_message(", cleared after %6.0f s of %6.0f\n", roof.cleared[rule] - repaired, trial->clears_in_s);
    assert_true(roof.cleared[rule] >= 0);
    assert_int_equal(others_raised(&roof, rule, trial->besides, name), 0);
    for (size_t i = 0; i < roof.profile->fault_count; i++) {
        assert_false(judge_is_open(roof.judge, i));
    }
    end(&roof);
}

static void each_fault_is_told_alone_and_in_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]) && !SLOW; i++) {
        try_one(&trials[i], 10);
    }
}

/* The same by a gateway that reports once a minute. */
static void a_slow_gateway_shows_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        struct trial slow = trials[i];

        slow.within_s += 60;
        try_one(&slow, 60);
    }
}

/* With some minutes left to do something about it. */
static void frost_is_told_before_it_bites(void **state)
{
    struct roof roof;
    double begun;
    int rule;

    (void)state;
    begin(&roof, 7, HEATER_YEAR, 10, 11);
    rule = profile_fault(roof.profile, "freeze_risk");
    roof.heater.faults[HEATER_FROST_OFF] = true;
    while (roof.raised[rule] < 0 && roof.seconds < 86400) {
        run(&roof, 10, 10);
    }
    begun = roof.seconds;
    assert_true(roof.raised[rule] >= 0 && roof.grades[rule] == 2);
    while (roof.heater.collector > 0 && roof.seconds < 2 * 86400) {
        run(&roof, 10, 10);
    }
    print_message("told %.0f s before 0 °C, air at %.1f °C\n", roof.seconds - begun, roof.heater.ambient);
    assert_true(roof.seconds - begun > 480);
    end(&roof);
}

/* The pump starts into a collector that has boiled over a full store: grade 3, and no pump ticket. */
static void vapour_after_stagnation_is_told_as_such(void **state)
{
    struct roof roof;
    int vapour;

    (void)state;
    begin(&roof, 3, HEATER_FINE, 0, 9);
    vapour = profile_fault(roof.profile, "vapour_lock");
    roof.heater.top = roof.heater.bottom = 81;
    run(&roof, 4 * 3600, 10);
    assert_true(roof.heater.collector > 120 && !roof.heater.pump_on);
    assert_int_equal(others_raised(&roof, -1, NULL, "stagnation"), 0);
    roof.heater.faults[HEATER_VAPOUR_LOCK] = true;
    roof.heater.top = roof.heater.bottom = 60; /* somebody bathes */
    run(&roof, 1200, 10);
    assert_true(roof.raised[vapour] >= 0);
    assert_int_equal(roof.grades[vapour], 3);
    run(&roof, 8 * 3600, 10);
    assert_true(roof.cleared[vapour] >= 0);
    assert_int_equal(others_raised(&roof, vapour, NULL, "vapour"), 0);
    end(&roof);
}

/* Each rule can be shown by a fault of the plant, or it says here why not. */
static void no_rule_is_untried(void **state)
{
    static const char *const elsewhere[] = {
        "over_pressure vapour_lock",                  /* tried below, above */
        "circulation_failed",                         /* for plants without a flow meter: tried below */
        "stagnation_cold_store no_hot_water level_low", /* consequences: inhibited by their causes, tried below */
    };
    struct roof roof;

    (void)state;
    begin(&roof, 1, HEATER_FINE, 0, 0);
    for (size_t i = 0; i < roof.profile->fault_count; i++) {
        const char *id = roof.profile->faults[i].id;
        bool tried = false;

        for (size_t k = 0; k < sizeof(trials) / sizeof(trials[0]); k++) {
            tried = tried || strcmp(trials[k].rule, id) == 0;
        }
        for (size_t k = 0; k < sizeof(elsewhere) / sizeof(elsewhere[0]); k++) {
            tried = tried || strstr(elsewhere[k], id) != NULL;
        }
        if (!tried) {
            print_message("%s is not tried\n", id);
        }
        assert_true(tried);
    }
    end(&roof);
}

/* ------------------------------------------------------------------ plants with fewer sensors; consequences */

static void put_points(struct roof *roof, const char *const *names, const double *values, size_t count)
{
    struct verdict verdicts[ANY];
    int64_t t_ms = BASE_MS + (int64_t)(roof->seconds * 1000);

    for (size_t i = 0; i < count; i++) {
        struct reading reading = {.t_ms = t_ms, .has_value = true, .value = values[i]};
        int point = profile_point(roof->profile, names[i]);

        assert_true(point >= 0);
        assert_int_equal(judge_take(roof->judge, (size_t)point, &reading), ERR_OK);
    }
    count = judge_decide(roof->judge, t_ms, verdicts, ANY);
    for (size_t i = 0; i < count; i++) {
        note(roof, &verdicts[i]);
    }
}

static void expect(struct roof *roof, const char *rule, int grade)
{
    int index = profile_fault(roof->profile, rule);

    assert_true(index >= 0);
    if (roof->raised[index] < 0) {
        print_message("%s was not raised\n", rule);
    }
    assert_true(roof->raised[index] >= 0);
    assert_int_equal(roof->grades[index], grade);
}

static void without_a_flow_meter_the_heat_tells(void **state)
{
    static const char *const names[] = {"pump_on", "collector_temp", "tank_bottom", "tank_top", "setpoint"};
    struct roof roof;

    (void)state;
    begin(&roof, 1, HEATER_FINE, 0, 0);
    for (; roof.seconds < 3600; roof.seconds += 60) {
        double values[] = {1, 60 + roof.seconds / 60 * 2, 40, 50, 55};

        put_points(&roof, names, values, 5);
    }
    expect(&roof, "circulation_failed", 1);
    end(&roof);
}

static void consequences_without_their_cause(void **state)
{
    static const char *const names[] = {"pump_on", "heater_on", "tank_top",  "tank_bottom", "setpoint",
                                        "level",   "pressure",  "collector_temp", "flow"};
    struct roof roof;

    (void)state;
    begin(&roof, 1, HEATER_FINE, 0, 0);
    for (; roof.seconds < 3600; roof.seconds += 60) {
        double values[] = {0, 0, 30, 29, 55, 10, 6.4, 20, 0};

        put_points(&roof, names, values, 9);
    }
    expect(&roof, "no_hot_water", 1);
    expect(&roof, "level_low", 1);
    expect(&roof, "over_pressure", 1);
    assert_int_equal(others_raised(&roof, -1, "no_hot_water level_low over_pressure", "consequences"), 0);
    end(&roof);
    begin(&roof, 1, HEATER_FINE, 0, 0);
    for (; roof.seconds < 1200; roof.seconds += 60) { /* no sensor at the bottom of the tank */
        static const char *const fewer[] = {"pump_on", "tank_top", "setpoint", "collector_temp"};
        double values[] = {0, 50, 55, 130};

        put_points(&roof, fewer, values, 4);
    }
    expect(&roof, "stagnation_cold_store", 2);
    end(&roof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_told_alone_and_in_time),
        cmocka_unit_test(a_slow_gateway_shows_the_same),
        cmocka_unit_test(frost_is_told_before_it_bites),
        cmocka_unit_test(vapour_after_stagnation_is_told_as_such),
        cmocka_unit_test(no_rule_is_untried),
        cmocka_unit_test(without_a_flow_meter_the_heat_tells),
        cmocka_unit_test(consequences_without_their_cause),
        cmocka_unit_test(a_good_year_raises_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
