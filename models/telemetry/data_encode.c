/*
 * Readings to a data message. They come in the order in which they were polled and go out grouped by
 * equipment and point: one pass threads each reading into its series and each series into its
 * equipment, found by a small table; a second one writes along the threads.
 */
#include <string.h>

#include "models/telemetry/message_int.h"

#define READINGS_MOST 512
#define SLOTS         1024 /* a power of two, twice as many: looked up by hash, then one by one */
#define NONE          UINT16_MAX
#define HEAD_BYTES    160  /* of the envelope, about */
#define READING_BYTES 16   /* of a reading, about */

struct threads { /* indexes of the list; each thread goes in order of first appearance */
    uint16_t next[READINGS_MOST];    /* reading: the next one of its series */
    uint16_t last[READINGS_MOST];    /* first of a series: the last one of it */
    uint16_t series[READINGS_MOST];  /* first of a series: the first one of the equipment's next series */
    uint16_t newest[READINGS_MOST];  /* first of an equipment: its last series */
    uint16_t another[READINGS_MOST]; /* first of an equipment: the next equipment's first */
    uint16_t last_equipment;
    uint16_t by_equipment[SLOTS], by_point[SLOTS];
};

static bool is_same(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

static uint32_t mix(uint32_t hash, const char *words)
{
    for (; *words; words++) {
        hash = (hash ^ (unsigned char)*words) * 16777619u;
    }
    return hash;
}

/* The slot in which the first reading of the same equipment (and point) stands, or a free one. */
static uint16_t *find(uint16_t *slots, const struct outgoing *list, const struct outgoing *one,
                      uint32_t hash, bool with_point)
{
    size_t at = (hash ^ hash >> 16) % SLOTS;

    while (slots[at] != NONE && !(is_same(list[slots[at]].equipment, one->equipment) &&
                                  (!with_point || is_same(list[slots[at]].point, one->point)))) {
        at = (at + 1) % SLOTS;
    }
    return &slots[at];
}

/* Adds reading `index` to its threads; the bytes that it takes, about. */
static size_t thread(struct threads *threads, const struct outgoing *list, uint16_t index)
{
    const struct outgoing *one = &list[index];
    uint32_t hash = mix(2166136261u, one->equipment);
    uint16_t *equipment = find(threads->by_equipment, list, one, hash, false);
    uint16_t *series = find(threads->by_point, list, one, mix(hash, one->point), true);
    size_t bytes = READING_BYTES + (one->reading.text ? strlen(one->reading.text) : 0);

    threads->next[index] = threads->series[index] = threads->another[index] = NONE;
    if (*series != NONE) {
        threads->next[threads->last[*series]] = index;
        threads->last[*series] = index;
        return bytes;
    }
    *series = threads->last[index] = index;
    bytes += strlen(one->point) + 6;
    if (*equipment != NONE) {
        threads->series[threads->newest[*equipment]] = index;
        threads->newest[*equipment] = index;
        return bytes;
    }
    *equipment = threads->newest[index] = index;
    if (index > 0) {
        threads->another[threads->last_equipment] = index;
    }
    threads->last_equipment = index;
    return bytes + strlen(one->equipment) + 6;
}

/* Threads as many as will probably fit, at least one. */
static size_t thread_all(struct threads *threads, const struct outgoing *list, size_t count,
                         size_t bytes_most)
{
    size_t used = 0, bytes = HEAD_BYTES;

    memset(threads->by_equipment, 0xff, sizeof(threads->by_equipment));
    memset(threads->by_point, 0xff, sizeof(threads->by_point));
    while (used < count && used < READINGS_MOST && (used == 0 || bytes < bytes_most)) {
        bytes += thread(threads, list, (uint16_t)used++);
    }
    return used;
}

/* ------------------------------------------------------------------ writing */

static void put_reading(struct json_out *out, const struct reading *reading, int64_t t0_ms)
{
    json_open_list(out);
    json_put_int(out, reading->t_ms - t0_ms);
    if (!reading->has_value) {
        json_put_null(out);
    } else if (reading->text) {
        json_put_text(out, reading->text);
    } else {
        json_put_number(out, reading->value);
    }
    if (reading->quality != QUALITY_GOOD) {
        json_put_text(out, quality_names[reading->quality]);
    }
    json_close_list(out);
}

static void put_equipment(struct json_out *out, const struct outgoing *list,
                          const struct threads *threads, uint16_t first, int64_t t0_ms)
{
    json_key(out, list[first].equipment);
    json_open_object(out);
    for (uint16_t series = first; series != NONE; series = threads->series[series]) {
        json_key(out, list[series].point);
        json_open_list(out);
        for (uint16_t i = series; i != NONE; i = threads->next[i]) {
            put_reading(out, &list[i].reading, t0_ms);
        }
        json_close_list(out);
    }
    json_close_object(out);
}

static void put_message(struct json_out *out, const struct envelope *envelope,
                        const struct outgoing *list, const struct threads *threads)
{
    json_out_reset(out);
    envelope_open(out, envelope);
    json_key(out, "equipment");
    json_open_object(out);
    for (uint16_t first = 0; first != NONE; first = threads->another[first]) {
        put_equipment(out, list, threads, first, envelope->t0_ms);
    }
    json_close_object(out);
    json_close_object(out);
}

enum err data_encode(struct json_out *out, const struct envelope *envelope,
                     const struct outgoing *list, size_t count, size_t bytes_most,
                     size_t *ret_used)
{
    struct envelope head = *envelope;
    struct threads threads;
    size_t used = 0;

    if (count == 0) {
        return ERR_SHORT;
    }
    head.t0_ms = list[0].reading.t_ms;
    do { /* a second time when they came out longer than was thought */
        used = thread_all(&threads, list, used ? used * 3 / 4 : count, bytes_most);
        put_message(out, &head, list, &threads);
    } while (used > 1 && (out->err == ERR_FULL || out->size > bytes_most));
    *ret_used = used;
    return out->err;
}
