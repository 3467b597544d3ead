/* From the spool to the broker: a window of letters, the birth and the good-bye. Main thread only. */
#pragma once

#include "agent/uplink/spool.h"
#include "host/mqtt.h"
#include "models/base/err.h"

#define PUBLISH_WINDOW 32 /* of data; events and replies have as much again */

struct publish {
    struct mqtt *mqtt;
    struct spool *spool;
    const char *agent, *prefix;
    int in_flight;      /* not PUBACKed yet */
    int64_t settled_ms; /* boot clock: the last PUBACK, or the first publish after a pause */
};

/* Writes the status message. equipment: the JSON object of the birth; NULL for a good-bye. */
enum err publish_status(struct publish *publish, bool online, const char *equipment) MUST_CHECK;
/* Sends letters while the window has room; drops a connection that acknowledges nothing. */
void publish_turn(struct publish *publish);
/* The broker took or refused one. */
void publish_settled(struct publish *publish);
