/* Whose turn it is, back-off, phases, the hunt for a hole, learned limits: pure rules under a virtual clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/acquire/hunt.h"
#include "agent/acquire/limits.h"
#include "agent/acquire/turns.h"
#include "models/base/text.h"

#define UNITS_MOST 64

/* ------------------------------------------------------------------ a wire in numbers */

struct wire {
    size_t units, dead;             /* the last ones never answer */
    int64_t every_ms, cost_us[UNITS_MOST], timeout_us, most_ms;
    int64_t order_us;               /* a step of a command; 0: none ever */
    struct turns turns;
    struct turn_state states[UNITS_MOST];
    int64_t next_ms[UNITS_MOST], pause_ms[UNITS_MOST];
    int64_t last_us[UNITS_MOST], used_us[UNITS_MOST];
    int64_t worst_us, gaps, late_gaps; /* between polls of a healthy unit; late: more than 1.1 periods */
    int64_t probes, orders, sleeps, now_us, order_wait_us, order_last_us;
    uint64_t random;
};

static uint64_t draw(struct wire *wire)
{
    wire->random = wire->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return wire->random >> 20;
}

static void want(struct wire *wire, size_t i)
{
    bool dead = i >= wire->units - wire->dead;
    struct turn turn = {wire->next_ms[i], dead, wire->timeout_us / 1000, wire->pause_ms[i]};

    turns_set(&wire->turns, i, &turn);
}

static void note_gap(struct wire *wire, size_t i)
{
    int64_t gap_us = wire->now_us - wire->last_us[i];

    if (wire->last_us[i] > 0) {
        wire->gaps++;
        wire->late_gaps += gap_us * 10 > wire->every_ms * 11000;
        wire->worst_us = gap_us > wire->worst_us ? gap_us : wire->worst_us;
    }
    wire->last_us[i] = wire->now_us;
}

static int64_t use(struct wire *wire, const struct turn_pick *pick)
{
    size_t i = pick->device;
    int64_t now_ms = wire->now_us / 1000, cost_us;

    if (pick->kind == TURN_ORDER) {
        wire->orders++;
        return wire->order_us;
    }
    if (i >= wire->units - wire->dead) {
        wire->probes++;
        wire->next_ms[i] = now_ms + wire->timeout_us / 1000 +
                           turns_back_off(&wire->pause_ms[i], 1000, wire->most_ms, draw(wire));
        return wire->timeout_us;
    }
    note_gap(wire, i);
    wire->next_ms[i] = turns_next(0, turns_phase(i, wire->units, wire->every_ms, wire->every_ms),
                                  wire->every_ms, now_ms);
    cost_us = wire->cost_us[i] * (int64_t)(90 + draw(wire) % 21) / 100; /* no two are alike */
    wire->used_us[i] += cost_us;
    return cost_us;
}

static void run(struct wire *wire, int64_t seconds)
{
    turns_init(&wire->turns, wire->states, wire->units, 0);
    for (size_t i = 0; i < wire->units; i++) {
        want(wire, i);
    }
    while (wire->now_us < seconds * 1000000) {
        struct turn_pick pick = turns_pick(&wire->turns, wire->now_us / 1000, wire->order_us > 0);
        int64_t used_us;

        if (pick.kind == TURN_NONE) {
            assert_true(pick.wait_ms > wire->now_us / 1000); /* time goes on: nobody spins */
            wire->now_us = pick.wait_ms * 1000;
            wire->sleeps++;
            continue;
        }
        if (pick.kind == TURN_ORDER) {
            int64_t wait_us = wire->now_us - wire->order_last_us;

            wire->order_wait_us = wait_us > wire->order_wait_us ? wait_us : wire->order_wait_us;
        }
        used_us = use(wire, &pick);
        turns_spent(&wire->turns, &pick, used_us);
        wire->now_us += used_us;
        if (pick.kind == TURN_ORDER) {
            wire->order_last_us = wire->now_us;
        } else {
            want(wire, pick.device);
        }
    }
}

static struct wire wire_of(size_t units, size_t dead, int64_t every_ms, int64_t cost_us)
{
    struct wire wire = {.units = units, .dead = dead, .every_ms = every_ms, .timeout_us = 1000000,
                        .most_ms = 30000, .random = units * 31 + dead};

    for (size_t i = 0; i < units; i++) {
        wire.cost_us[i] = cost_us;
    }
    return wire;
}

static void silent_units_slow_nobody(void **state)
{
    static const struct {
        size_t units, dead;
        int64_t every_ms, cost_us, timeout_us;
    } rows[] = {
        {50, 5, 10000, 80000, 1000000},  /* 9600 baud: 3.6 s of polls in 10 s */
        {50, 5, 1000, 2000, 500000},     /* TCP: 90 ms in a second */
        {8, 2, 5000, 90000, 1000000},
        {50, 25, 10000, 90000, 1000000}, /* half of them */
        {32, 31, 2000, 50000, 400000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire wire = wire_of(rows[i].units, rows[i].dead, rows[i].every_ms, rows[i].cost_us);

        wire.timeout_us = rows[i].timeout_us;
        run(&wire, 3600);
        assert_true(wire.gaps > 100);
        assert_true(wire.late_gaps * 100 <= wire.gaps); /* p99 ≤ 1.1 periods */
        /* each dead one is asked at its pace all the same */
        assert_true(wire.probes >= (int64_t)rows[i].dead * 3600 / 60);
    }
}

/* Where no gap is long enough for a probe, probes still come, and take a tenth of the time. */
static void silent_units_are_not_forgotten_without_gaps(void **state)
{
    struct wire wire = wire_of(20, 5, 250, 5000);

    (void)state;
    run(&wire, 3600);
    assert_true(wire.probes >= 5 * 60);
    assert_true(wire.probes * wire.timeout_us <= 3600 * 1000000LL / 8);
    assert_true(wire.worst_us <= 250000 + 1000000 + 20 * 5500);
}

/* More than the wire can carry: each gets the same time, whatever a poll of it costs. */
static void an_overloaded_wire_is_shared_by_time(void **state)
{
    struct wire wire = wire_of(10, 0, 1000, 50000);

    (void)state;
    wire.cost_us[3] = 400000;
    wire.cost_us[7] = 2000000;
    wire.every_ms = 40; /* always due */
    run(&wire, 3600);
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(wire.used_us[i], 3600 * 95000LL, 3600 * 105000LL);
    }
}

static void commands_neither_starve_nor_are_starved(void **state)
{
    (void)state;
    for (int64_t load = 1; load <= 4; load++) { /* up to four times what the wire can carry */
        struct wire wire = wire_of(10, 0, 1000, load * 100000);
        int64_t polls_us = 0;

        wire.order_us = 80000; /* commands without end */
        run(&wire, 600);
        for (size_t i = 0; i < 10; i++) {
            polls_us += wire.used_us[i];
        }
        assert_true(polls_us >= 600 * 1000000LL * 45 / 100);
        assert_true(wire.orders >= wire.gaps); /* a step for each poll at least */
        assert_true(wire.order_wait_us <= load * 110000 + 80000); /* one transaction */
    }
}

static void no_wake_up_before_something_is_due(void **state)
{
    struct wire wire = wire_of(32, 0, 10000, 1000);

    (void)state;
    run(&wire, 1000);
    assert_in_range(wire.sleeps, 99, 101);
}

static void phases_spread_and_keep_the_beat(void **state)
{
    (void)state;
    for (size_t count = 1; count < 60; count++) {
        int64_t on_beat[60] = {0};

        for (size_t i = 0; i < count; i++) {
            int64_t phase_ms = turns_phase(i, count, 60000, 1000);

            assert_int_equal(phase_ms % 1000, 0);
            assert_in_range(phase_ms, 0, 59999);
            on_beat[phase_ms / 1000]++;
            assert_int_equal(turns_phase(i, count, 1000, 1000), 0);
        }
        for (size_t i = 0; i < 60; i++) {
            assert_true(on_beat[i] <= 1);
        }
    }
    for (int64_t now_ms = -30; now_ms < 30; now_ms++) {
        int64_t next_ms = turns_next(3, 2, 10, now_ms);

        assert_in_range(next_ms - now_ms, 1, 10);
        assert_int_equal((next_ms - 5) % 10, 0);
    }
}

static void back_off_doubles_to_its_most(void **state)
{
    int64_t pause_ms = 0, before_ms = 500;

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        int64_t wait_ms = turns_back_off(&pause_ms, 1000, 30000, i * 7919);

        assert_true(pause_ms == before_ms * 2 || pause_ms == 30000);
        assert_in_range(wait_ms, pause_ms * 3 / 4, pause_ms * 5 / 4 + 1);
        before_ms = pause_ms;
    }
    assert_int_equal(pause_ms, 30000);
}

/* ------------------------------------------------------------------ hunts */

/* Any point, or the place before it, is found; in ⌈log2 n⌉ + 1 reads. */
static void one_hole_costs_log2_n_plus_1(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 130; n++) {
        for (size_t at = 0; at < 2 * n - 1; at++) { /* even: the point; odd: between it and the next */
            struct hunt hunt;
            enum hunt_end end = HUNT_GOES_ON;
            size_t reads = 0, log2 = 0, culprit = at / 2 + at % 2;

            while ((size_t)1 << log2 < n) {
                log2++;
            }
            hunt_begin(&hunt, 10, 10 + n);
            while (end == HUNT_GOES_ON) {
                size_t first, last;

                hunt_next(&hunt, &first, &last);
                assert_true(first >= 10 && first < last && last <= 10 + n);
                first -= 10;
                last -= 10;
                end = hunt_took(&hunt, at % 2 ? !(first < culprit && last > culprit)
                                              : !(first <= culprit && last > culprit));
                reads++;
            }
            assert_false(hunt.active);
            assert_int_equal(hunt.good, 10 + culprit);
            assert_int_equal(end, at % 2 ? HUNT_BEFORE : HUNT_POINT);
            assert_true(reads <= log2 + 1);
        }
    }
}

/* ------------------------------------------------------------------ limits */

static void a_length_and_a_hole_are_told_apart(void **state)
{
    struct limits limits;

    (void)state;
    limits_init(&limits, "p:1", 125);
    limits_given(&limits, 8);
    limits_cut(&limits, REGISTER_HOLDING, 20, 24, 8, 2); /* a gap of four: a hole */
    assert_int_equal(limits.max_registers, 125);
    assert_int_equal(limits.hole_count, 1);
    assert_int_equal(limits.holes[0].address, 20);
    assert_int_equal(limits.holes[0].count, 4);
    limits_cut(&limits, REGISTER_HOLDING, 50, 51, 8, 2); /* again after eight registers: it is the length */
    assert_int_equal(limits.max_registers, 8);
    assert_int_equal(limits.hole_count, 1);

    limits_init(&limits, "p:1", 125);
    limits_cut(&limits, REGISTER_INPUT, 16, 16, 16, 3); /* "illegal data value": it says so */
    assert_int_equal(limits.max_registers, 16);

    limits_init(&limits, "p:1", 125);
    limits_given(&limits, 40);
    limits_cut(&limits, REGISTER_INPUT, 16, 16, 16, 3); /* but it gave more before */
    assert_int_equal(limits.max_registers, 125);
    assert_int_equal(limits.hole_count, 1);
    limits_drop_holes(&limits, REGISTER_INPUT, 0, 40);
    assert_int_equal(limits.hole_count, 1); /* a cut is no register that could be given */
}

static void limits_come_back_from_their_words(void **state)
{
    static const char *const wrong[] = {"", "0", "126", "x", "16 holding", "16 holding:1", "16 holding:1+", "16 holding:1+70000",
                                        "16  input:1+1", "16 cupboard:1+1", "16 input:1+1 ", "16,", "99999999999999999999"};
    struct limits limits, back;
    TEXT(words, 2048);

    (void)state;
    limits_init(&limits, "p:1", 40);
    for (uint16_t i = 0; i < 200; i++) { /* more than there is room for */
        limits_add_hole(&limits, &(struct sweep_hole){(enum register_table)(i % 4), (uint16_t)(65000 + i), i});
    }
    assert_int_equal(limits.hole_count, LIMITS_HOLES_MOST);
    limits_write(&limits, &words);
    assert_false(words.cut);
    limits_init(&back, "p:1", 125);
    assert_int_equal(limits_read(&back, words.at), ERR_OK);
    assert_int_equal(back.max_registers, 40);
    assert_int_equal(back.hole_count, limits.hole_count);
    for (size_t i = 0; i < back.hole_count; i++) {
        assert_int_equal(back.holes[i].table, limits.holes[i].table);
        assert_int_equal(back.holes[i].address, limits.holes[i].address);
        assert_int_equal(back.holes[i].count, limits.holes[i].count);
    }
    limits_init(&back, "p:1", 16);
    assert_int_equal(limits_read(&back, words.at), ERR_OK);
    assert_int_equal(back.max_registers, 16); /* never more than the profile says */
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(limits_read(&back, wrong[i]), ERR_FORMAT);
        assert_int_equal(back.hole_count, LIMITS_HOLES_MOST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_units_slow_nobody),
        cmocka_unit_test(silent_units_are_not_forgotten_without_gaps),
        cmocka_unit_test(an_overloaded_wire_is_shared_by_time),
        cmocka_unit_test(commands_neither_starve_nor_are_starved),
        cmocka_unit_test(no_wake_up_before_something_is_due),
        cmocka_unit_test(phases_spread_and_keep_the_beat),
        cmocka_unit_test(back_off_doubles_to_its_most),
        cmocka_unit_test(one_hole_costs_log2_n_plus_1),
        cmocka_unit_test(a_length_and_a_hole_are_told_apart),
        cmocka_unit_test(limits_come_back_from_their_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
