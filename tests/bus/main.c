/*
 * A bus of the agent against slaves that misbehave, in real time: no broker, no spool, real wires.
 *
 *   bus late [COUNT] [SEED]      answers that come too late, on three kinds of wire at once, COUNT in all; a value that
 *                                is marked good and is not the register's ends it with status 1
 *   bus silent [SECONDS] [SEED]  50 units of which 5 are silent: behind a gateway that says nothing, behind one that
 *                                says exception 11, and at 9600 baud; status 1 when the 99th percentile of the healthy units'
 *                                periods is above 1.1 periods
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "agent/acquire/bus.h"
#include "host/clock.h"
#include "host/log.h"
#include "models/base/text.h"
#include "tests/plant/slave.h"

#define UNITS_MOST 64

struct stand { /* a wire, its slaves and its bus */
    const char *name;
    struct slave_options slaves;
    struct slave *slave;
    struct bus *bus;
    const struct profile *profile;
    int units, dead;
    int64_t every_ms;
    char ids[UNITS_MOST][16], tty[64];
    struct device_options devices[UNITS_MOST];
    pthread_t thread;
    _Atomic bool stop;
    _Atomic int64_t lates; /* as the slaves count them */
    _Atomic int64_t good, wrong, without;
};

/* ------------------------------------------------------------------ what the bus says */

static bool is_right(const struct stand *stand, int unit, const struct outgoing *one)
{
    static const int functions[] = {[REGISTER_INPUT] = 4, [REGISTER_HOLDING] = 3, [REGISTER_COIL] = 1, [REGISTER_DISCRETE] = 2};
    const struct point *point = &stand->profile->points[profile_point(stand->profile, one->point)];
    struct register_value value;
    uint16_t words[4];

    for (uint16_t i = 0; i < register_width(&point->reg); i++) {
        words[i] = slave_word(slave_unit(stand->slave, unit), unit, functions[point->reg.table],
                              (uint16_t)(point->reg.address + i));
    }
    return !register_decode(&point->reg, words, &value) && !(value.number < one->reading.value) &&
           !(value.number > one->reading.value);
}

static void give(void *context, struct parcel *parcel)
{
    struct stand *stand = context;

    for (size_t i = 0; parcel->kind == PARCEL_READINGS && i < parcel->count; i++) {
        const struct outgoing *one = &parcel->readings[i];
        int unit = atoi(one->equipment + 1);

        if (!one->reading.has_value) {
            atomic_fetch_add(&stand->without, 1);
        } else if (one->reading.quality == QUALITY_GOOD && is_right(stand, unit, one)) {
            atomic_fetch_add(&stand->good, 1);
        } else if (one->reading.quality == QUALITY_GOOD) {
            atomic_fetch_add(&stand->wrong, 1);
            fprintf(stderr, "%s: unit %d, %s = %g is not its register\n", stand->name, unit, one->point,
                    one->reading.value);
        }
    }
    parcel_free(parcel);
}

/* ------------------------------------------------------------------ life */

static void *serve(void *context)
{
    struct stand *stand = context;

    while (!atomic_load(&stand->stop)) {
        int64_t lates = 0;

        slave_turn(stand->slave, 100);
        for (int i = 1; i <= stand->units; i++) {
            lates += slave_unit(stand->slave, i)->lates;
        }
        atomic_store(&stand->lates, lates);
    }
    return NULL;
}

static void die(const char *words)
{
    fprintf(stderr, "bus: %s\n", words);
    exit(2);
}

static void open_line(struct stand *stand)
{
    struct termios raw;
    int fd = posix_openpt(O_RDWR | O_NOCTTY), other;

    if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, stand->tty, sizeof(stand->tty))) {
        die("no pseudo terminal");
    }
    other = open(stand->tty, O_RDWR | O_NOCTTY); /* kept: a line does not hang up */
    if (other < 0 || tcgetattr(other, &raw)) {
        die("no pseudo terminal");
    }
    cfmakeraw(&raw);
    tcsetattr(other, TCSANOW, &raw);
    stand->slaves.fd = fd;
}

static void open_stand(struct stand *stand, uint64_t seed)
{
    struct bus_options options = {.name = stand->name, .devices = stand->devices, .give = give,
                                  .context = stand, .seed = seed};
    int baud = stand->slaves.baud ? stand->slaves.baud : 115200;
    enum err err;

    stand->slaves.seed = seed * 3 + 1;
    if (stand->slaves.wire == SLAVE_SERIAL) {
        open_line(stand);
    }
    stand->slave = slave_open(&stand->slaves);
    if (!stand->slave) {
        die("no slave");
    }
    for (int i = 0; i < stand->units; i++) {
        slave_unit(stand->slave, i + 1)->present = i < stand->units - stand->dead;
        snprintf(stand->ids[i], sizeof(stand->ids[i]), "u%d", i + 1);
        stand->devices[i].id = stand->ids[i];
        stand->devices[i].unit_id = i + 1;
        stand->devices[i].profile = stand->profile;
    }
    options.device_count = (size_t)stand->units;
    err = stand->slaves.wire == SLAVE_SERIAL ? link_open_serial(stand->tty, baud, 'N', 1, &options.link)
          : stand->slaves.wire == SLAVE_TCP  ? link_open_tcp("127.0.0.1", slave_port(stand->slave), &options.link)
                                             : link_open_rtu_over_tcp("127.0.0.1", slave_port(stand->slave), &options.link);
    if (err) {
        die("no link");
    }
    for (int i = 1; stand->slaves.wire != SLAVE_SERIAL && stand->dead == 0 && i <= stand->units; i++) {
        slave_unit(stand->slave, i)->turnaround_ms = 0;
    }
    if (bus_open(&options, &stand->bus) || pthread_create(&stand->thread, NULL, serve, stand)) {
        die("no bus");
    }
}

static void close_stand(struct stand *stand)
{
    bus_stop(stand->bus);
    bus_close(stand->bus);
    atomic_store(&stand->stop, true);
    pthread_join(stand->thread, NULL);
}

static const struct profile *profile_of(struct arena *arena, const char *words)
{
    struct complaints complaints = {.path = "profile", .arena = arena};
    const struct profile *profile = NULL;

    if (profile_read(arena, words, strlen(words), &complaints, &profile)) {
        die(complaints.count ? complaints.lines[0] : "a bad profile");
    }
    return profile;
}

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
        stands[i].profile = profile_of(arena, late_profile);
        open_stand(&stands[i], seed + i);
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
        close_stand(&stands[i]);
        printf("%-13s %6" PRId64 " late answers, %6" PRId64 " good readings, %5" PRId64 " without a value, %" PRId64 " wrong\n",
               stands[i].name, atomic_load(&stands[i].lates), atomic_load(&stands[i].good),
               atomic_load(&stands[i].without), atomic_load(&stands[i].wrong));
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
        stands[i].profile = profile_of(arena, words.at);
        open_stand(&stands[i], seed + i);
        for (int unit = 1; unit <= stands[i].units; unit++) {
            slave_unit(stands[i].slave, unit)->turnaround_ms = stands[i].slaves.wire == SLAVE_SERIAL ? 20 : 3;
        }
    }
    sleep((unsigned)seconds);
    for (size_t i = 0; i < 3; i++) {
        close_stand(&stands[i]);
        good = report(&stands[i]) && atomic_load(&stands[i].wrong) == 0 && good;
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
        die("late [COUNT] [SEED], or silent [SECONDS] [SEED]");
    }
    log_open("bus", LOG_ERROR);
    printf("seed %" PRId64 "\n", seed);
    if (strcmp(argv[1], "late") == 0) {
        status = late(arena, number ? number : 10000, (uint64_t)seed);
    } else if (strcmp(argv[1], "silent") == 0) {
        status = silent(arena, number ? number : 300, (uint64_t)seed);
    }
    arena_close(arena);
    return status;
}
