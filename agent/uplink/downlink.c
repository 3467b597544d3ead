/* Messages in, checked and handed on. */
#include "agent/uplink/downlink.h"

#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/log.h"
#include "models/base/hash.h"
#include "models/telemetry/ack.h"

void downlink_reply(struct downlink *downlink, const char *command, const char *state,
                    const char *reason, const char *result)
{
    struct parcel *parcel = parcel_make(PARCEL_REPLY, clock_wall_ms());
    struct json_out out = json_out(60 * 1024);

    json_open_object(&out);
    json_text(&out, "command", command);
    json_text(&out, "state", state);
    if (reason) {
        json_text(&out, "reason", reason);
    }
    if (result) {
        json_raw(&out, "result", result);
    }
    json_close_object(&out);
    if (parcel && !out.err) {
        parcel->body = strdup(out.bytes);
        parcel->command = strdup(command);
        spool_give(downlink->spool, parcel, 1000);
    } else {
        parcel_free(parcel);
    }
    json_out_free(&out);
}

static enum err take_ack(struct downlink *downlink, const char *bytes, size_t size,
                         struct text *why)
{
    struct parcel *parcel;
    struct ack ack;
    enum err err = ack_decode(downlink->arena, bytes, size, &ack, why);

    if (err) {
        return err;
    }
    parcel = parcel_make(PARCEL_ACK, 0);
    if (parcel) {
        memcpy(parcel->epoch, ack.epoch, sizeof(parcel->epoch));
        parcel->have = calloc(ack.count + 1, sizeof(*parcel->have));
        parcel->count = parcel->have ? ack.count : 0;
        if (parcel->count) {
            memcpy(parcel->have, ack.have, ack.count * sizeof(*parcel->have));
        }
        spool_give(downlink->spool, parcel, 0);
    }
    return ERR_OK;
}

static enum err take_command(struct downlink *downlink, const char *bytes, size_t size,
                             struct text *why)
{
    struct command command;
    enum err err = command_decode(downlink->arena, bytes, size, &command, why);

    if (err) {
        return err;
    }
    err = spool_remember(downlink->spool, command.id);
    if (err == ERR_EXISTS) {
        return ERR_OK; /* each runs at most once; its reply is in the spool or was acked */
    }
    if (err) {
        downlink_reply(downlink, command.id, "failed", "the command could not be stored", NULL);
        return ERR_OK;
    }
    if (command.expires_ms && clock_wall_ms() > command.expires_ms) {
        downlink_reply(downlink, command.id, "expired", "the command came too late", NULL);
        return ERR_OK;
    }
    downlink->command(downlink->context, &command);
    return ERR_OK;
}

/* Configuration over the air is not taken in this version; the server learns why. */
static void take_config(struct downlink *downlink, const char *bytes, size_t size)
{
    struct parcel *parcel = parcel_make(PARCEL_EVENT, clock_wall_ms());
    char hash[17];
    TEXT(body, 256);

    if (size == 0) { /* a retained message that was deleted */
        parcel_free(parcel);
        return;
    }
    hash_hex(hash_bytes(bytes, size), hash);
    text_addf(&body,
              "{\"kind\":\"config\",\"hash\":\"%s\",\"state\":\"refused\",\"reason\":"
              "\"this agent takes its configuration from its own file\"}",
              hash);
    if (parcel) {
        parcel->body = strdup(body.at);
        spool_give(downlink->spool, parcel, 1000);
    }
}

void downlink_take(struct downlink *downlink, enum channel channel, const char *bytes, size_t size)
{
    TEXT(why, 200);
    enum err err = ERR_OK;

    arena_reset(downlink->arena);
    if (channel == CHANNEL_ACK) {
        err = take_ack(downlink, bytes, size, &why);
    } else if (channel == CHANNEL_COMMAND) {
        err = take_command(downlink, bytes, size, &why);
    } else if (channel == CHANNEL_CONFIG) {
        take_config(downlink, bytes, size);
    }
    if (err) {
        downlink->refused++;
        log_warn("a message on %s could not be read: %s", channel_names[channel], why.at);
    }
}
