/* Visits onto days, against every way of doing it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/service/level.h"

static struct arena *arena;

static uint32_t dice_state;
static int dice(int sides)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (int)((dice_state >> 8) % (uint32_t)sides);
}

static int setup(void **state)
{
    (void)state;
    return arena_open(64 << 20, &arena) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

/* The least peak (in 1/1000 of a day) that any assignment has, by trying all of them. */
static int best_peak(const struct level_day *days, int day_count, const struct level_job *jobs, int count, int at, int32_t *load)
{
    int best = INT32_MAX;

    if (at == count) {
        int peak = 0;

        for (int day = 0; day < day_count; day++) {
            int share = days[day].minutes ? (int)((int64_t)load[day] * 1000 / days[day].minutes) : 0;

            peak = share > peak ? share : peak;
        }
        return peak;
    }
    for (int day = jobs[at].first; day <= jobs[at].last; day++) {
        if (days[day].minutes > 0) {
            int peak;

            load[day] += jobs[at].minutes;
            peak = best_peak(days, day_count, jobs, count, at + 1, load);
            load[day] -= jobs[at].minutes;
            best = peak < best ? peak : best;
        }
    }
    return best;
}

/* Jobs of one length: the peak is the least there is, every job has a day of its window on which somebody works, and
 * the same again gives the same, whatever the order of the jobs. */
static void as_level_as_can_be(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 400; seed++) {
        struct level_day days[6];
        struct level_job jobs[6], turned[6];
        struct level_place places[6], again[6];
        int32_t load[6] = {0}, trial[6] = {0};
        int count = 0, day_count, peak = 0, best;

        dice_state = seed;
        day_count = 3 + dice(4);
        for (int day = 0; day < day_count; day++) {
            days[day] = (struct level_day){dice(4) ? 300 : 0, 0};
        }
        for (int i = 0; i < 6; i++) {
            struct level_job job = {.id = i + 1, .first = dice(day_count), .minutes = 60, .fixed = LEVEL_NONE};
            bool any = false;

            job.last = job.first + dice(day_count - job.first);
            job.due = job.first;
            for (int day = job.first; day <= job.last; day++) {
                any = any || days[day].minutes > 0;
            }
            if (any) {
                jobs[count++] = job;
            }
        }
        arena_reset(arena);
        assert_int_equal(level_find(arena, days, (size_t)day_count, jobs, (size_t)count, places), ERR_OK);
        for (int i = 0; i < count; i++) {
            assert_in_range(places[i].day, jobs[i].first, jobs[i].last);
            assert_true(days[places[i].day].minutes > 0);
            load[places[i].day] += jobs[i].minutes;
        }
        for (int day = 0; day < day_count; day++) {
            int share = days[day].minutes ? load[day] * 1000 / days[day].minutes : 0;

            peak = share > peak ? share : peak;
        }
        best = best_peak(days, day_count, jobs, count, 0, trial);
        if (count > 0 && peak != best) {
            fail_msg("seed %u: peak %d, possible is %d", seed, peak, best);
        }
        for (int i = 0; i < count; i++) {
            turned[i] = jobs[count - 1 - i];
        }
        assert_int_equal(level_find(arena, days, (size_t)day_count, turned, (size_t)count, again), ERR_OK);
        for (int i = 0; i < count; i++) {
            assert_int_equal(places[i].day, again[count - 1 - i].day);
        }
    }
}

/* What has a day keeps it, and running again moves nothing. */
static void stable(void **state)
{
    struct level_day days[30];
    struct level_job jobs[40];
    struct level_place places[40], again[40];

    (void)state;
    dice_state = 7;
    for (int day = 0; day < 30; day++) {
        days[day] = (struct level_day){day % 7 < 5 ? 480 : 0, dice(3) ? 0 : 120};
    }
    for (int i = 0; i < 40; i++) {
        jobs[i] = (struct level_job){.id = i + 1, .first = dice(15), .minutes = 90 + 30 * dice(3), .fixed = LEVEL_NONE,
                                     .has_place = true, .lat = 31 + dice(100) / 50.0, .lon = 121 + dice(100) / 50.0, .fill = 0.5, .group_km = 15};
        jobs[i].last = jobs[i].first + 14;
        jobs[i].due = jobs[i].first + 7;
    }
    assert_int_equal(level_find(arena, days, 30, jobs, 40, places), ERR_OK);
    for (int i = 0; i < 40; i++) {
        assert_true(places[i].day >= 0 && days[places[i].day].minutes > 0);
        assert_false(places[i].over);
        jobs[i].fixed = i % 3 ? places[i].day : LEVEL_NONE; /* a third is asked for again */
    }
    assert_int_equal(level_find(arena, days, 30, jobs, 40, again), ERR_OK);
    for (int i = 0; i < 40; i++) {
        if (i % 3) {
            assert_int_equal(again[i].day, places[i].day);
        }
        assert_in_range(again[i].day, jobs[i].first, jobs[i].last);
    }
}

/* Near ones go together while days are not full; far ones do not; the words say with whom. */
static void near_ones_together(void **state)
{
    struct level_day days[20];
    struct level_job jobs[6];
    struct level_place places[6];

    (void)state;
    for (int day = 0; day < 20; day++) {
        days[day] = (struct level_day){480, 0};
    }
    for (int i = 0; i < 6; i++) { /* two towns, 100 km apart; due on different days */
        jobs[i] = (struct level_job){.id = i + 1, .first = 0, .last = 19, .due = 3 * i, .minutes = 60, .fixed = LEVEL_NONE,
                                     .has_place = true, .lat = (i % 2 ? 31.0 : 32.0) + 0.01 * i, .lon = 121, .fill = 0.5, .group_km = 10};
    }
    assert_int_equal(level_find(arena, days, 20, jobs, 6, places), ERR_OK);
    for (int i = 2; i < 6; i++) {
        assert_int_equal(places[i].day, places[i % 2].day);
        assert_true(places[i].near != 0 && places[i].near_km < 5);
    }
    assert_int_not_equal(places[0].day, places[1].day);
    jobs[5].group_km = 0; /* its plan groups nothing */
    assert_int_equal(level_find(arena, days, 20, jobs, 6, places), ERR_OK);
    assert_int_equal(places[5].day, 15);
    assert_int_equal(places[5].near, 0);
}

/* Nobody works in the window; a place that is closed; more than there is room for. */
static void what_cannot_be(void **state)
{
    struct level_day days[3] = {{0, 0}, {60, 0}, {0, 0}};
    unsigned char closed[3] = {0, 1, 0};
    struct level_job jobs[3] = {
        {.id = 1, .first = 0, .last = 0, .minutes = 60, .fixed = LEVEL_NONE},
        {.id = 2, .first = 0, .last = 2, .minutes = 60, .fixed = LEVEL_NONE, .closed = closed},
        {.id = 3, .first = 0, .last = 2, .minutes = 90, .fixed = LEVEL_NONE},
    };
    struct level_place places[3];

    (void)state;
    assert_int_equal(level_find(arena, days, 3, jobs, 3, places), ERR_OK);
    assert_int_equal(places[0].day, LEVEL_NONE);
    assert_int_equal(places[1].day, LEVEL_NONE);
    assert_int_equal(places[2].day, 1);
    assert_true(places[2].over);
    assert_int_equal(places[2].share, 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_level_as_can_be),
        cmocka_unit_test(stable),
        cmocka_unit_test(near_ones_together),
        cmocka_unit_test(what_cannot_be),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
