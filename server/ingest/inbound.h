/* A message on its way, and what the steps of its way stand on. Belongs to the committing thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/telemetry/message.h"
#include "models/telemetry/topic.h"
#include "server/desk/desk.h"
#include "server/fleet/registry.h"
#include "server/store/sql.h"

struct inbound { /* a message as intake leaves it */
    char agent[65];
    enum channel channel;
    bool retained;
    int64_t received_ms;
    char *bytes; /* owned */
    size_t size;
    struct arena *arena; /* of what is decoded */
    enum err err; /* not ERR_OK: unreadable, and why */
    char why[200];
    bool has_envelope; /* of an unreadable one: epoch and seq could be read */
    struct envelope envelope;
    struct data_message data;
    struct event_message event;
    struct reply_message reply;
    struct status_message status;
};



struct pipeline {
    struct registry *registry;
    struct desk *desk;
    struct rules *rules;
    int64_t quiet_until_ms; /* after a start agents get time to come back */
    int64_t saved_ms;
    /* Acks go out through here, after the commit. */
    void (*ack)(void *context, const char *agent, const char *payload, size_t size);
    void *context;
    struct json_out out;
};
