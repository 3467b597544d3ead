/* Payloads in. */
#include "server/ingest/intake.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "host/log.h"

#define ARENA_MOST (4 * 1024 * 1024) /* of one message of at most 64 KiB */
#define A_MINUTE   60000
#define NOISY_MOST 10000 /* agents whose last complaint is remembered */
#define SPARE_MOST 4096  /* messages' memory kept for the next ones */
#define SPARE_BYTES (64 * 1024) /* … unless one of them has grown */

struct noisy { /* an agent that sent something unreadable */
    char agent[65];
    int64_t since_ms, held_back;
    UT_hash_handle hh;
};

struct intake {
    const char *prefix;
    struct noisy *noisy;
    /* Memory of messages that are done with: given back by the committing thread, taken all at
     * once by ours, so that neither thread frees what the other allocated. */
    _Atomic(struct inbound *) returned;
    atomic_size_t returned_count;
    struct inbound *spare;
};

enum err intake_open(const char *prefix, struct intake **ret_intake)
{
    struct intake *intake = calloc(1, sizeof(*intake));

    if (!intake) {
        return ERR_NOMEM;
    }
    intake->prefix = prefix;
    *ret_intake = intake;
    return ERR_OK;
}

static void forget_noisy(struct intake *intake)
{
    struct noisy *noisy, *next;

    HASH_ITER(hh, intake->noisy, noisy, next)
    {
        HASH_DEL(intake->noisy, noisy);
        free(noisy);
    }
}

/* ------------------------------------------------------------------ memory */

static void let_go(struct inbound *inbound)
{
    if (inbound) {
        arena_close(inbound->arena);
        free(inbound);
    }
}

void inbound_free(struct inbound *inbound)
{
    struct intake *intake;

    if (!inbound) {
        return;
    }
    intake = inbound->home;
    if (atomic_fetch_add(&intake->returned_count, 1) >= SPARE_MOST ||
        arena_used(inbound->arena) > SPARE_BYTES) {
        atomic_fetch_sub(&intake->returned_count, 1);
        let_go(inbound);
        return;
    }
    inbound->next = atomic_load(&intake->returned);
    while (!atomic_compare_exchange_weak(&intake->returned, &inbound->next, inbound)) {
    }
}

static struct inbound *take_spare(struct intake *intake)
{
    struct inbound *inbound;
    struct arena *arena;

    if (!intake->spare) {
        intake->spare = atomic_exchange(&intake->returned, NULL);
    }
    inbound = intake->spare;
    if (inbound) {
        intake->spare = inbound->next;
        atomic_fetch_sub(&intake->returned_count, 1);
        arena = inbound->arena;
        arena_reset(arena);
    } else {
        inbound = malloc(sizeof(*inbound));
        if (!inbound || arena_open(ARENA_MOST, &arena)) {
            free(inbound);
            return NULL;
        }
    }
    *inbound = (struct inbound){.home = intake, .arena = arena};
    return inbound;
}

void intake_close(struct intake *intake)
{
    struct inbound *inbound;

    if (!intake) {
        return;
    }
    inbound = atomic_exchange(&intake->returned, NULL);
    for (int turn = 0; turn < 2; turn++) {
        while (inbound) {
            struct inbound *next = inbound->next;

            let_go(inbound);
            inbound = next;
        }
        inbound = intake->spare;
    }
    forget_noisy(intake);
    free(intake);
}

size_t inbound_bytes(const struct inbound *inbound)
{
    return sizeof(*inbound) + arena_used(inbound->arena);
}

/* ------------------------------------------------------------------ what is wrong with it */

static struct noisy *find_noisy(struct intake *intake, const char *agent)
{
    struct noisy *noisy;

    HASH_FIND_STR(intake->noisy, agent, noisy);
    if (noisy) {
        return noisy;
    }
    if (HASH_COUNT(intake->noisy) >= NOISY_MOST) {
        forget_noisy(intake);
    }
    noisy = calloc(1, sizeof(*noisy));
    if (noisy && text_copy(noisy->agent, sizeof(noisy->agent), agent)) {
        free(noisy);
        return NULL;
    }
    if (noisy) {
        noisy->since_ms = INT64_MIN / 2;
        HASH_ADD_STR(intake->noisy, agent, noisy);
    }
    return noisy;
}

static void complain_about(struct intake *intake, const struct inbound *inbound)
{
    struct noisy *noisy = find_noisy(intake, inbound->agent);

    if (!noisy) {
        return;
    }
    if (llabs(inbound->received_ms - noisy->since_ms) < A_MINUTE) {
        noisy->held_back++;
        return;
    }
    log_warn("agent %s, %s: %s (%lld more like this since the last line)", inbound->agent,
             channel_names[inbound->channel], inbound->why, (long long)noisy->held_back);
    noisy->since_ms = inbound->received_ms;
    noisy->held_back = 0;
}

/* ------------------------------------------------------------------ decoding */

static enum err decode(struct inbound *inbound, struct text *why)
{
    switch (inbound->channel) {
    case CHANNEL_DATA:
        return data_decode(inbound->arena, inbound->bytes, inbound->size, &inbound->data, why);
    case CHANNEL_EVENT:
        return event_decode(inbound->arena, inbound->bytes, inbound->size, &inbound->event, why);
    case CHANNEL_REPLY:
        return reply_decode(inbound->arena, inbound->bytes, inbound->size, &inbound->reply, why);
    case CHANNEL_STATUS:
        return status_decode(inbound->arena, inbound->bytes, inbound->size, &inbound->status, why);
    case CHANNEL_ACK:
    case CHANNEL_COMMAND:
    case CHANNEL_CONFIG:
        break;
    }
    return text_say(why, ERR_UNSUPPORTED, "agents do not speak on this channel");
}

static void read_content(struct intake *intake, struct inbound *inbound, size_t said)
{
    struct text why = text_on(inbound->why, sizeof(inbound->why));

    if (said > MESSAGE_BYTES_MOST) {
        metric_add(METRIC_OVERSIZED, 1);
        inbound->err = text_say(&why, ERR_FULL, "expected at most 65536 bytes, found %zu", said);
    } else {
        inbound->err = decode(inbound, &why);
    }
    if (!inbound->err) {
        return;
    }
    if (inbound->channel != CHANNEL_STATUS) {
        inbound->has_envelope = !envelope_peek(inbound->arena, inbound->bytes, inbound->size,
                                               &inbound->envelope);
    }
    complain_about(intake, inbound);
}

struct inbound *intake_read(struct intake *intake, const struct mqtt_event *event)
{
    struct inbound *inbound = take_spare(intake);

    metric_add(METRIC_MESSAGES, 1);
    if (!inbound) {
        return NULL;
    }
    if (topic_split(event->topic, strlen(event->topic), intake->prefix, inbound->agent,
                    &inbound->channel) ||
        (event->retained && inbound->channel != CHANNEL_STATUS) ||
        (inbound->channel == CHANNEL_STATUS && event->size == 0)) {
        metric_add(METRIC_IGNORED, 1); /* a foreign topic, or retained junk on one of ours */
        inbound_free(inbound);
        return NULL;
    }
    inbound->retained = event->retained;
    inbound->received_ms = event->received_ms;
    inbound->size = event->kept;
    inbound->bytes = arena_text(inbound->arena, event->payload, event->kept);
    if (!inbound->bytes) {
        inbound_free(inbound);
        return NULL;
    }
    read_content(intake, inbound, event->size);
    return inbound;
}
