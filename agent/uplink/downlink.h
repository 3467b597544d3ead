/* What the server sends: acks for the spool, commands for the buses, configuration. Main thread. */
#pragma once

#include "agent/uplink/spool.h"
#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/telemetry/command.h"
#include "models/telemetry/topic.h"

struct downlink {
    struct spool *spool;
    struct arena *arena;
    const char *agent;
    /* Does a command that is new, in time and well formed; answers for itself. */
    void (*command)(void *context, const struct command *command);
    void *context;
    int64_t refused; /* messages that could not be read */
};

void downlink_take(struct downlink *downlink, enum channel channel, const char *bytes, size_t size);
/* Puts a reply into the spool. result: JSON or NULL. */
void downlink_reply(struct downlink *downlink, const char *command, const char *state,
                    const char *reason, const char *result);
