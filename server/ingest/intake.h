/* MQTT payload to inbound message: checked and decoded on the main thread, so that the committing
 * thread only writes. */
#pragma once

#include "host/mqtt.h"
#include "server/ingest/pipeline.h"

/* Takes the payload out of event. NULL: no topic of ours, or out of memory (the agent sends again). */
struct inbound *intake_read(struct mqtt_event *event, const char *prefix);
