/*
 * Messages from anywhere: no crash; what the fast way reads, the full one reads alike; what was read can
 * be written and comes back; times and numbers are within their limits.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/telemetry/message.h"

#define TIME_MOST 9214646400000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void hold(int truth)
{
    if (!truth) {
        abort();
    }
}

static void check_envelope(const struct envelope *envelope)
{
    hold(strlen(envelope->epoch) == 16 && envelope->seq >= 1 && envelope->seq < (1ULL << 53));
    hold(envelope->t0_ms >= 0 && envelope->t0_ms <= TIME_MOST);
}

static void same_reading(const struct reading *a, const struct reading *b)
{
    hold(a->t_ms == b->t_ms && a->has_value == b->has_value && a->quality == b->quality);
    hold(!a->text == !b->text && (!a->text || strcmp(a->text, b->text) == 0));
    hold(!a->has_value || a->text || !(fabs(a->value - b->value) > 0));
}

static void same(const struct data_message *a, const struct data_message *b)
{
    hold(a->count == b->count && a->readings == b->readings && a->least_ms == b->least_ms && a->most_ms == b->most_ms);
    hold(a->envelope.seq == b->envelope.seq && a->envelope.t0_ms == b->envelope.t0_ms && a->envelope.unsynced == b->envelope.unsynced);
    hold(strcmp(a->envelope.epoch, b->envelope.epoch) == 0);
    for (size_t i = 0; i < a->count; i++) {
        hold(strcmp(a->series[i].equipment, b->series[i].equipment) == 0 && strcmp(a->series[i].point, b->series[i].point) == 0);
        hold(a->series[i].count == b->series[i].count);
        for (size_t k = 0; k < a->series[i].count; k++) {
            same_reading(&a->series[i].readings[k], &b->series[i].readings[k]);
        }
    }
}

/* A key that it does not know makes the fast way give up. */
static void the_full_way(struct arena *arena, const char *bytes, size_t size, const struct data_message *fast)
{
    static char slow[MESSAGE_BYTES_MOST];
    const char *open = memchr(bytes, '{', size);
    size_t head = (size_t)(open - bytes) + 1;
    struct data_message full;

    if (size + 7 > sizeof(slow)) {
        return;
    }
    memcpy(slow, bytes, head);
    memcpy(slow + head, "\"zz\":0,", 7);
    memcpy(slow + head + 7, bytes + head, size - head);
    hold(!data_scan(arena, slow, size + 7, &full));
    hold(data_decode(arena, slow, size + 7, &full, NULL) == ERR_OK);
    same(fast, &full);
}

static void back_again(struct arena *arena, const struct data_message *message)
{
    static struct outgoing list[512];
    struct json_out out = json_out(MESSAGE_BYTES_MOST);
    struct data_message again;
    size_t count = 0, used, seen = 0;

    for (size_t i = 0; i < message->count; i++) {
        for (size_t k = 0; k < message->series[i].count && count < 512; k++) {
            list[count++] = (struct outgoing){message->series[i].equipment, message->series[i].point, message->series[i].readings[k]};
        }
    }
    if (count > 0 && data_encode(&out, &message->envelope, list, count, MESSAGE_BYTES_MOST, &used) == ERR_OK) {
        hold(data_decode(arena, out.bytes, out.size, &again, NULL) == ERR_OK && again.readings == used);
        for (size_t i = 0; i < again.count; i++) { /* grouped by point, in the order of the list */
            size_t at = 0;

            for (size_t k = 0; k < used; k++) {
                if (strcmp(list[k].equipment, again.series[i].equipment) == 0 && strcmp(list[k].point, again.series[i].point) == 0) {
                    same_reading(&again.series[i].readings[at++], &list[k].reading);
                    seen++;
                }
            }
        }
        hold(seen == used);
    }
    json_out_free(&out);
}

static void read_data(struct arena *arena, const char *bytes, size_t size)
{
    struct data_message message, fast;
    bool scanned = data_scan(arena, bytes, size, &fast);
    TEXT(why, 300);

    if (data_decode(arena, bytes, size, &message, &why)) {
        hold(!scanned && why.length > 0);
        return;
    }
    check_envelope(&message.envelope);
    for (size_t i = 0; i < message.count; i++) {
        hold(text_is_id(message.series[i].equipment) && text_is_id(message.series[i].point));
        for (size_t k = 0; k < message.series[i].count; k++) {
            const struct reading *reading = &message.series[i].readings[k];

            hold(reading->t_ms >= message.least_ms && reading->t_ms <= message.most_ms && isfinite(reading->value));
            hold(reading->has_value || reading->quality != QUALITY_GOOD);
        }
    }
    hold(message.least_ms >= 0 && message.most_ms <= TIME_MOST);
    if (scanned) {
        same(&message, &fast);
        the_full_way(arena, bytes, size, &fast);
    }
    back_again(arena, &message);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    const char *bytes = (const char *)input;
    struct event_message event;
    struct reply_message reply;
    struct status_message status;
    struct envelope envelope;
    struct arena *arena;

    if (arena_open(16 << 20, &arena)) {
        return 0;
    }
    read_data(arena, bytes, size);
    if (!event_decode(arena, bytes, size, &event, NULL)) {
        check_envelope(&event.envelope);
        hold(event.kind != EVENT_FAULT || (event.grade >= 0 && event.grade <= 3 && event.onset_ms >= 0 && event.onset_ms <= TIME_MOST));
        hold(event.kind != EVENT_TOMBSTONE || (event.from >= 1 && event.from <= event.to && event.lost == event.to - event.from + 1));
        /* what can be read can be peeked at, and is the same */
        hold(envelope_peek(arena, bytes, size, &envelope) != ERR_OK || envelope.seq == event.envelope.seq);
    }
    if (!reply_decode(arena, bytes, size, &reply, NULL)) {
        check_envelope(&reply.envelope);
    }
    (void)!status_decode(arena, bytes, size, &status, NULL);
    (void)!envelope_peek(arena, bytes, size, &envelope);
    arena_close(arena);
    return 0;
}
