/* Slaves and a bus, and whether what it says is so. */
#include "tests/bus/stand.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

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
            if (!stand->quiet) {
                fprintf(stderr, "%s: unit %d, %s = %g is not its register\n", stand->name, unit, one->point,
                        one->reading.value);
            }
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

void stand_die(const char *words)
{
    fprintf(stderr, "bus: %s\n", words);
    exit(2);
}

static void open_line(struct stand *stand)
{
    struct termios raw;
    int fd = posix_openpt(O_RDWR | O_NOCTTY);

    if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, stand->tty, sizeof(stand->tty))) {
        stand_die("no pseudo terminal");
    }
    stand->other = open(stand->tty, O_RDWR | O_NOCTTY); /* kept: a line does not hang up */
    if (stand->other < 0 || tcgetattr(stand->other, &raw)) {
        stand_die("no pseudo terminal");
    }
    cfmakeraw(&raw);
    tcsetattr(stand->other, TCSANOW, &raw);
    stand->slaves.fd = fd;
}

void stand_slaves(struct stand *stand, uint64_t seed)
{
    stand->slaves.seed = seed * 3 + 1;
    if (stand->slaves.wire == SLAVE_SERIAL) {
        open_line(stand);
    }
    stand->slave = slave_open(&stand->slaves);
    if (!stand->slave) {
        stand_die("no slave");
    }
    for (int i = 0; i < stand->units; i++) {
        slave_unit(stand->slave, i + 1)->present = i < stand->units - stand->dead;
    }
}

void stand_open(struct stand *stand, uint64_t seed)
{
    struct bus_options options = {.name = stand->name, .devices = stand->devices, .give = give,
                                  .context = stand, .seed = seed};
    int baud = stand->slaves.baud ? stand->slaves.baud : 115200;
    enum err err;

    if (!stand->slave) {
        stand_slaves(stand, seed);
    }
    for (int i = 0; i < stand->units; i++) {
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
        stand_die("no link");
    }
    if (bus_open(&options, &stand->bus) || pthread_create(&stand->thread, NULL, serve, stand)) {
        stand_die("no bus");
    }
}

void stand_close(struct stand *stand)
{
    bus_stop(stand->bus);
    bus_close(stand->bus);
    atomic_store(&stand->stop, true);
    pthread_join(stand->thread, NULL);
}

void stand_free(struct stand *stand)
{
    slave_close(stand->slave);
    stand->slave = NULL;
    if (stand->slaves.wire == SLAVE_SERIAL) {
        close(stand->slaves.fd);
        close(stand->other);
    }
}

const struct profile *stand_profile(struct arena *arena, const char *words)
{
    struct complaints complaints = {.path = "profile", .arena = arena};
    const struct profile *profile = NULL;

    if (profile_read(arena, words, strlen(words), &complaints, &profile)) {
        stand_die(complaints.count ? complaints.lines[0] : "a bad profile");
    }
    return profile;
}
