/* Payloads in. */
#include "server/ingest/intake.h"

#include <stdlib.h>
#include <string.h>

#include "host/log.h"
#include "server/store/metrics.h"

#define ARENA_MOST (4 * 1024 * 1024) /* of one message of at most 64 KiB */

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
    return ERR_UNSUPPORTED;
}

static void read_content(struct inbound *inbound, size_t said)
{
    struct text why = text_on(inbound->why, sizeof(inbound->why));

    if (said > MESSAGE_BYTES_MOST) {
        metric_add(METRIC_OVERSIZED, 1);
        inbound->err = text_say(&why, ERR_FULL, "expected at most 65536 bytes, found %zu", said);
    } else {
        inbound->err = decode(inbound, &why);
    }
    if (inbound->err && inbound->channel != CHANNEL_STATUS) {
        inbound->has_envelope = !envelope_peek(inbound->arena, inbound->bytes, inbound->size,
                                               &inbound->envelope);
    }
    if (inbound->err) {
        log_warn("agent %s, %s: %s", inbound->agent, channel_names[inbound->channel], inbound->why);
    }
}

struct inbound *intake_read(struct mqtt_event *event, const char *prefix)
{
    struct inbound *inbound = calloc(1, sizeof(*inbound));

    metric_add(METRIC_MESSAGES, 1);
    if (!inbound || arena_open(ARENA_MOST, &inbound->arena)) {
        free(inbound);
        return NULL;
    }
    if (topic_split(event->topic, strlen(event->topic), prefix, inbound->agent, &inbound->channel) ||
        (event->retained && inbound->channel != CHANNEL_STATUS) ||
        (inbound->channel == CHANNEL_STATUS && event->size == 0)) {
        inbound_free(inbound); /* a foreign topic, or retained junk on one of ours */
        return NULL;
    }
    inbound->retained = event->retained;
    inbound->received_ms = event->received_ms;
    inbound->bytes = event->payload;
    inbound->size = event->size > MESSAGE_BYTES_MOST ? MESSAGE_BYTES_MOST : event->size;
    event->payload = NULL; /* it moved */
    read_content(inbound, event->size);
    return inbound;
}
