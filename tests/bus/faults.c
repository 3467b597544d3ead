/* One fault after the other, each on a wire of its own. */
#include "tests/bus/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/clock.h"
#include "models/base/text.h"
#include "tests/bus/stand.h"

static int failures;

static void check(bool holds, const char *what)
{
    printf("%s: %s\n", holds ? "ok" : "FAILED", what);
    failures += !holds;
}

static void rest(int ms)
{
    usleep((unsigned)ms * 1000U);
}

/* Forty registers in a row but for a hole of two, which nobody asks for. */
static const struct profile *row_of(struct arena *arena, const char *defaults, const char *head)
{
    TEXT(words, 8192);

    text_addf(&words, "profile: p\ntitle: {en: P}\n%sdefaults: {%s}\npoints:\n", head, defaults);
    for (int i = 0; i < 40; i++) {
        if (i < 17 || i > 18) {
            text_addf(&words, "  - {name: r%d, register: {table: holding, address: %d, type: uint16}}\n", i, i);
        }
    }
    return stand_profile(arena, words.at);
}

static void settle_requests(struct stand *stand, int64_t requests)
{
    int64_t until_ms = clock_boot_ms() + 10000;

    while (slave_unit(stand->slave, 1)->requests < requests && clock_boot_ms() < until_ms) {
        rest(10);
    }
}

/* The first poll may cost log2 n + 1 reads more than the later ones, and only the first. */
static void a_hole_is_paid_once(struct arena *arena)
{
    static struct stand stand = {.name = "hole", .slaves = {.wire = SLAVE_TCP}, .units = 1};
    struct slave_unit *unit;
    int64_t first, before;

    stand.profile = row_of(arena, "timeout: 300ms, gap: 4, every: 10s", "");
    stand_slaves(&stand, 1);
    unit = slave_unit(stand.slave, 1);
    unit->holes[unit->hole_count++] = (struct slave_hole){3, 17, 2};
    stand_open(&stand, 1);
    for (int64_t until_ms = clock_boot_ms() + 10000; atomic_load(&stand.good) < 38 && clock_boot_ms() < until_ms;) {
        rest(10);
    }
    first = unit->requests;
    check(first <= 2 + 6 + 1 && first > 2, "a hole among 38 points costs 7 reads more at most");
    check(atomic_load(&stand.good) == 38, "every point has its value after the first poll");
    check(unit->asked <= 7, "its beginning was asked for again and again, and no more");
    stand_close(&stand);
    stand_free(&stand);

    stand.profile = row_of(arena, "timeout: 300ms, gap: 4, every: 100ms", "");
    atomic_store(&stand.stop, false);
    stand_slaves(&stand, 1);
    unit = slave_unit(stand.slave, 1);
    unit->holes[unit->hole_count++] = (struct slave_hole){3, 17, 2};
    stand_open(&stand, 1);
    settle_requests(&stand, 40);
    before = unit->requests - 2 * unit->asked;
    settle_requests(&stand, unit->requests + 21);
    check(llabs(unit->requests - 2 * unit->asked - before) <= 1, "later polls are two reads each");
    stand_close(&stand);
    stand_free(&stand);
}

static void a_limit_of_the_length_is_learned(struct arena *arena)
{
    static struct stand stand = {.name = "length", .slaves = {.wire = SLAVE_TCP}, .units = 1};
    int64_t before;

    stand.profile = row_of(arena, "timeout: 300ms, gap: 4, every: 100ms", "");
    stand_slaves(&stand, 1);
    slave_unit(stand.slave, 1)->most = 10;
    stand_open(&stand, 1);
    settle_requests(&stand, 40);
    check(atomic_load(&stand.good) == 38, "every point has its value although only ten registers are given at once");
    before = slave_unit(stand.slave, 1)->requests;
    settle_requests(&stand, before + 20);
    check(slave_unit(stand.slave, 1)->refused == slave_unit(stand.slave, 1)->refused_before_40,
          "nothing is refused any more once it is known");
    stand_close(&stand);
    stand_free(&stand);
}

static void two_devices_with_one_id(struct arena *arena)
{
    static struct stand stand = {.name = "twin", .slaves = {.wire = SLAVE_SERIAL}, .units = 2};

    stand.profile = row_of(arena, "timeout: 100ms, max_registers: 2, every: 200ms", "");
    stand_slaves(&stand, 1);
    slave_unit(stand.slave, 1)->twin = true;
    stand_open(&stand, 1);
    settle_requests(&stand, 40);
    check(atomic_load(&stand.good) >= 76 && atomic_load(&stand.wrong) == 0, "a second answer is not taken for that to the next question");
    stand_close(&stand);
    stand_free(&stand);
}

/* A gateway gives the answer to another question under the right number: only a canary shows it. */
static void answers_to_other_questions(struct arena *arena)
{
    static struct stand stand = {.name = "alias", .slaves = {.wire = SLAVE_TCP}, .units = 1};

    stand.profile = row_of(arena, "timeout: 300ms, gap: 10, max_registers: 50, every: 50ms",
                           "identity: [{register: {table: holding, address: 42, type: uint16}, equals: 4711, canary: true}]\n");
    stand_slaves(&stand, 1);
    slave_unit(stand.slave, 1)->identity_at = 42;
    slave_unit(stand.slave, 1)->firmware = 4711;
    stand_open(&stand, 1);
    settle_requests(&stand, 20);
    slave_unit(stand.slave, 1)->alias_one_in = 3;
    settle_requests(&stand, 80);
    check(atomic_load(&stand.good) >= 38 && atomic_load(&stand.wrong) == 0, "a block whose canary is wrong is not believed");
    stand_close(&stand);
    stand_free(&stand);

    stand = (struct stand){.name = "control", .slaves = {.wire = SLAVE_TCP}, .units = 1, .quiet = true};
    stand.profile = row_of(arena, "timeout: 300ms, gap: 10, max_registers: 50, every: 50ms", "");
    stand_open(&stand, 1);
    slave_unit(stand.slave, 1)->alias_one_in = 3;
    settle_requests(&stand, 40);
    check(atomic_load(&stand.wrong) > 0, "the control: without a canary it is");
    stand_close(&stand);
    stand_free(&stand);
}

static void another_program_in_the_device(struct arena *arena)
{
    static struct stand stand = {.name = "firmware", .slaves = {.wire = SLAVE_TCP}, .units = 1};
    int64_t good;

    stand.profile = row_of(arena, "timeout: 300ms, gap: 10, max_registers: 50, every: 50ms",
                           "identity: [{register: {table: holding, address: 42, type: uint16}, equals: 7, canary: true}]\n");
    stand_slaves(&stand, 1);
    slave_unit(stand.slave, 1)->identity_at = 42;
    slave_unit(stand.slave, 1)->firmware = 7;
    stand_open(&stand, 1);
    settle_requests(&stand, 20);
    good = atomic_load(&stand.good);
    slave_unit(stand.slave, 1)->firmware = 8; /* it says that it is another one, and its map has moved */
    slave_unit(stand.slave, 1)->shift = 3;
    settle_requests(&stand, slave_unit(stand.slave, 1)->requests + 20);
    check(good >= 38 && atomic_load(&stand.wrong) == 0 && atomic_load(&stand.good) == good && atomic_load(&stand.without) >= 38,
          "after an update that moves the registers no value is believed");
    stand_close(&stand);
    stand_free(&stand);
}

static void noise(struct arena *arena)
{
    static struct stand stand = {.name = "noise", .slaves = {.wire = SLAVE_SERIAL}, .units = 1};

    stand.profile = row_of(arena, "timeout: 50ms, max_registers: 10, every: 50ms", "");
    stand_open(&stand, 1);
    slave_unit(stand.slave, 1)->noise_one_in = 5;
    slave_unit(stand.slave, 1)->busy_one_in = 9;
    settle_requests(&stand, 80);
    check(atomic_load(&stand.good) >= 38 && atomic_load(&stand.wrong) == 0, "noise and a busy device give no wrong value");
    stand_close(&stand);
    stand_free(&stand);
}

int faults(struct arena *arena)
{
    a_hole_is_paid_once(arena);
    a_limit_of_the_length_is_learned(arena);
    two_devices_with_one_id(arena);
    answers_to_other_questions(arena);
    another_program_in_the_device(arena);
    noise(arena);
    return failures > 0;
}
