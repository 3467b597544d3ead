/* A recording behind Modbus: unit 1 shows the row whose time has come. */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/clock.h"
#include "host/file.h"
#include "host/ready.h"
#include "models/base/text.h"
#include "models/profile/profile.h"
#include "host/recording.h"
#include "serve.h"

#define TABLE 65536

struct shown {
    modbus_mapping_t *map;
    const struct profile *profile;
};

static modbus_mapping_t *unit_map(void *context, int unit)
{
    const struct shown *shown = context;

    return unit == shown->profile->unit_id ? shown->map : NULL;
}

static const struct profile *read_profile(struct arena *arena, const struct replay_options *options)
{
    TEXT(path, 1024);
    struct complaints complaints = {.path = path.at, .arena = arena};
    const struct profile *profile = NULL;
    char *bytes;
    size_t size;

    text_addf(&path, "%s/%s.yaml", options->profiles, options->profile);
    if (file_read(arena, path.at, 4 << 20, &bytes, &size)) {
        fprintf(stderr, "%s:1:1: error: expected a profile that can be read, found none\n", path.at);
        return NULL;
    }
    if (profile_read(arena, bytes, size, &complaints, &profile)) {
        for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
            fprintf(stderr, "%s\n", complaints.lines[i]);
        }
        return NULL;
    }
    return profile;
}

static void put_value(const struct shown *shown, const char *name, double value)
{
    int index = profile_point(shown->profile, name);
    const struct register_spec *reg = index < 0 ? NULL : &shown->profile->points[index].reg;
    uint16_t words[REGISTER_STRING_MOST] = {0}, *table;
    size_t width;

    if (!reg) {
        return;
    }
    width = register_width(reg);
    table = reg->table == REGISTER_INPUT ? shown->map->tab_input_registers : shown->map->tab_registers;
    if (register_is_bit(reg)) {
        uint8_t *bits = reg->table == REGISTER_COIL ? shown->map->tab_bits : shown->map->tab_input_bits;

        bits[reg->address] = value > 0;
        return;
    }
    memcpy(words, table + reg->address, width * sizeof(*words)); /* neighbours share a word of bits */
    if (!register_encode(reg, value, words)) {
        memcpy(table + reg->address, words, width * sizeof(*words));
    }
}

static void play(struct recording *recording, struct serve *serve, const struct shown *shown, double speed)
{
    struct recording_row row;
    int64_t first_ms = 0, began_ms = clock_boot_ms();
    bool begun = false;

    while (!ready_must_stop() && recording_next(recording, &row)) {
        first_ms = begun ? first_ms : row.t_ms;
        begun = true;
        while (!ready_must_stop() && (double)(clock_boot_ms() - began_ms) * speed < (double)(row.t_ms - first_ms)) {
            (void)serve_turn(serve, 20, -1);
        }
        for (size_t i = 0; i < row.count; i++) {
            put_value(shown, row.points[i], row.values[i]);
        }
    }
    /* the last row stays a while, so that it is seen */
    for (int64_t until = clock_boot_ms() + 2000; !ready_must_stop() && clock_boot_ms() < until;) {
        (void)serve_turn(serve, 20, -1);
    }
}

int replay_modbus(const struct replay_options *options)
{
    struct shown shown = {NULL, NULL};
    struct recording *recording = NULL;
    struct serve *serve = NULL;
    struct arena *arena;
    int status = 2;

    if (arena_open(16 << 20, &arena)) {
        return 1;
    }
    shown.profile = read_profile(arena, options);
    recording = shown.profile ? recording_open(options->csv, options->map, NULL, NULL) : NULL;
    shown.map = modbus_mapping_new(TABLE, TABLE, TABLE, TABLE);
    serve = recording && shown.map ? serve_open(options->tcp, options->serial, unit_map, &shown) : NULL;
    if (serve) {
        ready_serving("heliograph-plant");
        play(recording, serve, &shown, options->speed);
        printf("rows=%lld skipped=%lld\n", (long long)recording_rows(recording), (long long)recording_skipped(recording));
        status = 0;
    }
    serve_close(serve);
    recording_close(recording);
    if (shown.map) {
        modbus_mapping_free(shown.map);
    }
    arena_close(arena);
    return status;
}
