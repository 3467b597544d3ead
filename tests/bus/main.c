/*
 * A bus of the agent against slaves that misbehave, in real time: no broker, no spool, real wires.
 *
 *   bus late [COUNT] [SEED]      answers that come too late, on three kinds of wire at once, COUNT in all; a value that
 *                                is marked good and is not the register's ends it with status 1
 *   bus silent [SECONDS] [SEED]  50 units of which 5 are silent: behind a gateway that says nothing, behind one that
 *                                says exception 11, and at 9600 baud; status 1 when the 99th percentile of the healthy units'
 *                                periods is above 1.1 periods
 *   bus faults                   holes and limits, two devices with one id, answers to other questions, another program
 *                                in the device, noise: what is learned and what is believed
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/log.h"
#include "models/base/text.h"
#include "tests/bus/faults.h"
#include "tests/bus/stand.h"

/* ------------------------------------------------------------------ late */

static const char late_profile[] =
    "profile: p\ntitle: {en: P}\ndefaults: {timeout: 20ms, gap: 0, every: 50ms}\npoints:\n"
    "  - {name: a, register: {table: holding, address: 0, type: uint16}}\n"
    "  - {name: b, register: {table: holding, address: 10, type: uint16}}\n"
    "  - {name: c, register: {table: holding, address: 20, type: uint16}}\n"
    "  - {name: d, register: {table: holding, address: 30, type: uint16}}\n"
    "  - {name: e, register: {table: holding, address: 40, type: uint32}}\n"
    "  - {name: f, register: {table: holding, address: 50, type: uint32}}\n"
    "  - {name: g, register: {table: input, address: 0, type: uint16}}\n"
    "  - {name: h, register: {table: coil, address: 0, type: bool}}\n"
    "  - {name: i, register: {table: coil, address: 100, type: bool}}\n"
    "  - {name: j, register: {table: coil, address: 203, type: bool}}\n";

static int late(struct arena *arena, int64_t count, uint64_t seed)
{
    static struct stand stands[3] = {
        {.name = "tcp", .slaves = {.wire = SLAVE_TCP}, .units = 3},
        {.name = "rtu_over_tcp", .slaves = {.wire = SLAVE_RTU_OVER_TCP}, .units = 3},
        {.name = "serial", .slaves = {.wire = SLAVE_SERIAL}, .units = 3},
    };
    int64_t until_ms = clock_boot_ms() + 60000 + count * 200, lates = 0;
    int status = 0;

    for (size_t i = 0; i < 3; i++) {
        stands[i].profile = stand_profile(arena, late_profile);
        stand_open(&stands[i], seed + i);
        slave_unit(stands[i].slave, 1)->late_ms = 200; /* up to ten time-outs */
        slave_unit(stands[i].slave, 1)->late_one_in = 3;
        slave_unit(stands[i].slave, 2)->late_ms = 60;
        slave_unit(stands[i].slave, 2)->late_one_in = 4;
        slave_unit(stands[i].slave, 2)->drop_one_in = 20;
        slave_unit(stands[i].slave, 3)->late_ms = 45;
        slave_unit(stands[i].slave, 3)->late_one_in = 2;
    }
    while (lates < count && clock_boot_ms() < until_ms) {
        lates = 0;
        usleep(50000);
        for (size_t i = 0; i < 3; i++) {
            lates += atomic_load(&stands[i].lates);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        stand_close(&stands[i]);
        printf("%-13s %6" PRId64 " late answers, %6" PRId64 " good readings, %5" PRId64 " without a value, %" PRId64 " wrong\n",
               stands[i].name, atomic_load(&stands[i].lates), atomic_load(&stands[i].good),
               atomic_load(&stands[i].without), atomic_load(&stands[i].wrong));
        stand_free(&stands[i]);
        status |= atomic_load(&stands[i].wrong) > 0 || atomic_load(&stands[i].good) < count / 30;
    }
    return status || lates < count;
}

/* ------------------------------------------------------------------ silent */

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The periods of the healthy units, as the slaves saw them. */
static bool report(const struct stand *stand)
{
    static int64_t gaps[UNITS_MOST * 4096];
    int64_t probes = 0;
    size_t count = 0;

    for (int unit = 1; unit <= stand->units; unit++) {
        const struct slave_unit *one = slave_unit(stand->slave, unit);

        probes += one->present ? 0 : one->requests;
        for (int64_t i = one->asked > 4095 ? one->asked - 4095 : 1; one->present && i < one->asked; i++) {
            gaps[count++] = one->asked_ms[i % 4096] - one->asked_ms[(i - 1) % 4096];
        }
    }
    qsort(gaps, count, sizeof(*gaps), by_size);
    if (count == 0) {
        return false;
    }
    printf("%-34s %6zu periods: median %5" PRId64 " ms, p99 %5" PRId64 " ms (%.3f of nominal), most %5" PRId64 " ms; %" PRId64
           " questions to the silent\n",
           stand->name, count, gaps[count / 2], gaps[count * 99 / 100],
           (double)gaps[count * 99 / 100] / (double)stand->every_ms, gaps[count - 1], probes);
    return gaps[count * 99 / 100] * 10 <= stand->every_ms * 11;
}

static int silent(struct arena *arena, int64_t seconds, uint64_t seed)
{
    static struct stand stands[3] = {
        {.name = "TCP gateway, says nothing", .slaves = {.wire = SLAVE_TCP}, .units = 50, .dead = 5, .every_ms = 1000},
        {.name = "TCP gateway, exception 11", .slaves = {.wire = SLAVE_TCP, .gateway_ms = 300}, .units = 50, .dead = 5, .every_ms = 1000},
        {.name = "serial, 9600 baud", .slaves = {.wire = SLAVE_SERIAL, .baud = 9600}, .units = 50, .dead = 5, .every_ms = 10000},
    };
    bool good = true;

    for (size_t i = 0; i < 3; i++) {
        TEXT(words, 4096);

        text_addf(&words, "profile: p\ntitle: {en: P}\ndefaults: {timeout: 500ms, every: %" PRId64 "ms}\npoints:\n", stands[i].every_ms);
        for (int k = 0; k < 10; k++) {
            text_addf(&words, "  - {name: r%d, register: {table: holding, address: %d, type: uint16}}\n", k, k);
        }
        stands[i].profile = stand_profile(arena, words.at);
        stand_open(&stands[i], seed + i);
        for (int unit = 1; unit <= stands[i].units; unit++) {
            slave_unit(stands[i].slave, unit)->turnaround_ms = stands[i].slaves.wire == SLAVE_SERIAL ? 20 : 3;
        }
    }
    sleep((unsigned)seconds);
    for (size_t i = 0; i < 3; i++) {
        stand_close(&stands[i]);
        good = report(&stands[i]) && atomic_load(&stands[i].wrong) == 0 && good;
        stand_free(&stands[i]);
    }
    return !good;
}

int main(int argc, char **argv)
{
    struct arena *arena = NULL;
    int64_t number = 0, seed = clock_wall_ms();
    int status = 2;

    if (argc < 2 || (argc > 2 && text_to_int(argv[2], strlen(argv[2]), &number)) ||
        (argc > 3 && text_to_int(argv[3], strlen(argv[3]), &seed)) || arena_open(16 << 20, &arena)) {
        stand_die("late [COUNT] [SEED], silent [SECONDS] [SEED], or faults");
    }
    log_open("bus", LOG_ERROR);
    printf("seed %" PRId64 "\n", seed);
    if (strcmp(argv[1], "late") == 0) {
        status = late(arena, number ? number : 10000, (uint64_t)seed);
    } else if (strcmp(argv[1], "silent") == 0) {
        status = silent(arena, number ? number : 300, (uint64_t)seed);
    } else if (strcmp(argv[1], "faults") == 0) {
        status = faults(arena);
    }
    arena_close(arena);
    return status;
}
