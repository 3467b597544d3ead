/* Faults in event time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/fault/judge.h"

static const char profile_text[] =
    "profile: t\ntitle: {en: t}\npoints:\n"
    "  - {name: a, heartbeat: 10m, register: {table: input, address: 0, type: int16}}\n"
    "  - {name: b, heartbeat: 10m, register: {table: input, address: 1, type: int16}}\n"
    "faults:\n"
    "  - {id: plain, when: \"a > 5\", for: 60s, clear: \"a < 3\", clear_for: 120s, grade: 2, ladder: [{after: 10m, grade: 1}], component: tank}\n"
    "  - {id: held, when: \"b > 5\", grade: 3, inhibited_by: [plain], component: tank, latching: true, ladder: [{when: \"b > 9\", grade: 1}]}\n"
    "  - {id: steep, when: \"rate(b, 10m) > 1\", grade: 3, component: tank}\n";

struct world {
    struct arena *arena;
    const struct profile *profile;
    struct judge *judge;
    struct verdict verdicts[8];
    size_t count;
};

static void setup(struct world *world)
{
    struct complaints complaints = {.path = "t"};

    assert_int_equal(arena_open(4 << 20, &world->arena), ERR_OK);
    complaints.arena = world->arena;
    assert_int_equal(profile_read(world->arena, profile_text, strlen(profile_text), &complaints, &world->profile), ERR_OK);
    assert_int_equal(judge_open(world->profile, &world->judge), ERR_OK);
}

static void teardown(struct world *world)
{
    judge_close(world->judge);
    arena_close(world->arena);
}

#define BASE 1790000000000

static void at(struct world *world, int64_t s, size_t point, double value, enum quality quality)
{
    struct reading reading = {.t_ms = BASE + s * 1000, .has_value = quality == QUALITY_GOOD, .quality = quality, .value = value};

    assert_int_equal(judge_take(world->judge, point, &reading), ERR_OK);
    world->count = judge_decide(world->judge, reading.t_ms, world->verdicts, 8);
}

static void delays_and_times(void **state)
{
    struct world world = {0};

    (void)state;
    setup(&world);
    at(&world, 0, 0, 6, QUALITY_GOOD);
    at(&world, 59, 0, 6, QUALITY_GOOD);
    assert_int_equal(world.count, 0);
    at(&world, 70, 0, 6, QUALITY_GOOD);
    assert_int_equal(world.count, 1);
    assert_int_equal(world.verdicts[0].onset_ms, BASE);
    assert_int_equal(world.verdicts[0].detected_ms, BASE + 60000);
    assert_int_equal(world.verdicts[0].grade, 2);
    at(&world, 660, 0, 6, QUALITY_GOOD);
    assert_int_equal(world.verdicts[0].state, FAULT_REGRADED);
    assert_int_equal(world.verdicts[0].grade, 1);
    at(&world, 700, 0, 4, QUALITY_GOOD);
    at(&world, 710, 0, 2, QUALITY_GOOD);
    at(&world, 800, 0, 2, QUALITY_GOOD);
    assert_int_equal(world.count, 0);
    at(&world, 840, 0, 2, QUALITY_GOOD);
    assert_int_equal(world.count, 1);
    assert_int_equal(world.verdicts[0].state, FAULT_CLEARED);
    assert_int_equal(world.verdicts[0].cleared_ms, BASE + 710000);
    teardown(&world);
}

static void an_old_sample_trips_nothing_by_its_age(void **state)
{
    struct world world = {0};

    (void)state;
    setup(&world);
    at(&world, 0, 0, 6, QUALITY_GOOD);
    at(&world, 36000, 0, 6, QUALITY_GOOD); /* ten hours of silence between */
    assert_int_equal(world.count, 0);
    at(&world, 36060, 0, 6, QUALITY_GOOD);
    assert_int_equal(world.count, 1);
    assert_int_equal(world.verdicts[0].onset_ms, BASE + 36000000);
    teardown(&world);
}

static void unknown_holds_and_falsehood_breaks(void **state)
{
    struct world world = {0};

    (void)state;
    setup(&world);
    at(&world, 0, 0, 6, QUALITY_GOOD);
    at(&world, 30, 0, 0, QUALITY_TIMEOUT);
    at(&world, 61, 0, 0, QUALITY_TIMEOUT);
    assert_int_equal(world.count, 0);
    assert_true(judge_is_unknown(world.judge, 0));
    at(&world, 62, 0, 6, QUALITY_GOOD);
    assert_int_equal(world.count, 1);
    at(&world, 70, 0, 0, QUALITY_TIMEOUT);
    at(&world, 400, 0, 0, QUALITY_TIMEOUT);
    assert_int_equal(world.count, 0); /* unknown clears nothing */
    teardown(&world);
}

static void inhibition_and_latching(void **state)
{
    struct world world = {0};

    (void)state;
    setup(&world);
    at(&world, 0, 0, 6, QUALITY_GOOD);
    at(&world, 1, 1, 7, QUALITY_GOOD);
    assert_int_equal(world.count, 0); /* the other one holds */
    at(&world, 2, 0, 1, QUALITY_GOOD);
    assert_int_equal(world.count, 1);
    assert_int_equal(world.verdicts[0].fault, 1);
    at(&world, 3, 1, 10, QUALITY_GOOD);
    assert_int_equal(world.verdicts[0].grade, 1);
    at(&world, 4, 1, 8, QUALITY_GOOD);
    assert_int_equal(world.verdicts[0].grade, 3); /* the ladder falls as well */
    at(&world, 5, 1, 0, QUALITY_GOOD);
    assert_int_equal(world.count, 0);
    judge_reset(world.judge, 1);
    at(&world, 6, 1, 0, QUALITY_GOOD);
    assert_int_equal(world.verdicts[0].state, FAULT_CLEARED);
    teardown(&world);
}

/* A program that starts again knows from the database what was open, and from the history since when it
 * is normal. */
static void a_restart_changes_nothing(void **state)
{
    for (int again = 0; again < 2; again++) {
        struct world world = {0};

        setup(&world);
        if (!again) {
            at(&world, 0, 0, 6, QUALITY_GOOD);
            at(&world, 60, 0, 6, QUALITY_GOOD);
            assert_int_equal(world.verdicts[0].state, FAULT_RAISED);
            at(&world, 700, 0, 6, QUALITY_GOOD);
            assert_int_equal(world.verdicts[0].grade, 1);
        } else {
            judge_restore(world.judge, 0, 1, BASE);
        }
        at(&world, 1500, 0, 6, QUALITY_GOOD); /* the history begins here */
        at(&world, 2000, 0, 2, QUALITY_GOOD);
        assert_int_equal(world.count, 0);
        if (again) {
            judge_restore(world.judge, 0, 1, BASE);
        }
        at(&world, 2119, 0, 2, QUALITY_GOOD);
        assert_int_equal(world.count, 0);
        at(&world, 2121, 0, 2, QUALITY_GOOD);
        assert_int_equal(world.count, 1);
        assert_int_equal(world.verdicts[0].state, FAULT_CLEARED);
        assert_int_equal(world.verdicts[0].onset_ms, BASE);
        assert_int_equal(world.verdicts[0].cleared_ms, BASE + 2000000);
        teardown(&world);
    }
    (void)state;
}

static void what_is_said_of_a_judge(void **state)
{
    struct json_out out = json_out(1000);
    struct world world = {0};
    struct reading early = {.t_ms = BASE - 1, .has_value = true};

    (void)state;
    setup(&world);
    /* the longest of for and clear_for, and the longer of 10m windows and 3 heartbeats of 10m */
    assert_int_equal(judge_horizon_ms(world.profile), 120000 + 3 * 600000);
    at(&world, 0, 0, 6, QUALITY_GOOD);
    at(&world, 60, 0, 6.5, QUALITY_GOOD);
    judge_evidence(world.judge, 0, &out);
    assert_string_equal(out.bytes, "{\"a\":6.5}");
    json_out_reset(&out);
    judge_evidence(world.judge, 1, &out); /* b has said nothing yet */
    assert_string_equal(out.bytes, "{\"b\":null}");
    assert_true(judge_value(world.judge, 0).known);
    assert_false(judge_value(world.judge, 1).known);
    assert_true(judge_evaluate(world.judge, world.profile->faults[0].when).number > 0);
    assert_true(judge_is_open(world.judge, 0));
    judge_withdraw(world.judge, 0); /* nobody was told: it begins anew */
    assert_false(judge_is_open(world.judge, 0));
    at(&world, 61, 0, 6, QUALITY_GOOD);
    assert_int_equal(world.count, 0);
    at(&world, 121, 0, 6, QUALITY_GOOD);
    assert_int_equal(world.verdicts[0].onset_ms, BASE + 61000);
    assert_int_equal(judge_take(world.judge, 0, &early), ERR_RANGE);
    assert_int_equal(judge_decide(world.judge, BASE, world.verdicts, 8), 0); /* that moment is over */
    assert_true(judge_bytes(world.judge) > 0);
    json_out_free(&out);
    teardown(&world);
}

/* A slow oracle of rule `plain`, from the whole history at every step. */
static void random_histories_equal_the_oracle(void **state)
{
    unsigned seed = getenv("HELIOGRAPH_SEED") ? (unsigned)strtoul(getenv("HELIOGRAPH_SEED"), NULL, 10) : 7;

    (void)state;
    printf("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 400; round++) {
        struct world world = {0};
        bool open = false;
        int64_t onset = -1, clear = -1, last_good = -1, s = 0;

        setup(&world);
        for (int i = 0; i < 150; i++) {
            int value = rand() % 8;
            bool good = rand() % 12 > 0, raised = false, cleared = false;

            s += rand() % 20 == 0 ? 2000 : 5 + rand() % 40;
            if (good) { /* the definition, step by step */
                if (last_good >= 0 && s - last_good > 1800) {
                    clear = -1;
                    onset = open ? onset : -1;
                }
                last_good = s;
                if (!open) {
                    onset = value > 5 ? (onset < 0 ? s : onset) : -1;
                    raised = onset >= 0 && s - onset >= 60;
                } else {
                    clear = value < 3 ? (clear < 0 ? s : clear) : -1;
                    cleared = clear >= 0 && s - clear >= 120;
                }
                open = raised || (open && !cleared);
            }
            at(&world, s, 0, value, good ? QUALITY_GOOD : QUALITY_TIMEOUT);
            for (size_t k = 0; k < world.count; k++) {
                if (world.verdicts[k].fault == 0 && world.verdicts[k].state == FAULT_RAISED) {
                    assert_true(raised);
                    assert_int_equal(world.verdicts[k].onset_ms, BASE + onset * 1000);
                    raised = false;
                } else if (world.verdicts[k].fault == 0 && world.verdicts[k].state == FAULT_CLEARED) {
                    assert_true(cleared);
                    assert_int_equal(world.verdicts[k].cleared_ms, BASE + clear * 1000);
                    cleared = false;
                }
            }
            assert_false(raised || cleared);
            if (!open && good && onset >= 0 && clear >= 0) {
                onset = clear = -1;
            }
        }
        teardown(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_and_times),
        cmocka_unit_test(an_old_sample_trips_nothing_by_its_age),
        cmocka_unit_test(unknown_holds_and_falsehood_breaks),
        cmocka_unit_test(inhibition_and_latching),
        cmocka_unit_test(a_restart_changes_nothing),
        cmocka_unit_test(what_is_said_of_a_judge),
        cmocka_unit_test(random_histories_equal_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
