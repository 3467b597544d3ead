/* MQTT payload to inbound message: checked and decoded on the main thread, so that the committing
 * thread only writes. */
#pragma once

#include "host/mqtt.h"
#include "server/ingest/pipeline.h"

struct intake;

/* prefix of the topics; it is kept, not copied. */
enum err intake_open(const char *prefix, struct intake **ret_intake) MUST_CHECK;
void intake_close(struct intake *intake);
/* NULL: no topic of ours, or out of memory (the agent sends again). What cannot be read is logged once
 * a minute for each agent. */
struct inbound *intake_read(struct intake *intake, const struct mqtt_event *event);
/* Any thread. The memory goes back to its intake and is used again. */
void inbound_free(struct inbound *inbound);
/* Bytes of memory that an inbound message holds. */
size_t inbound_bytes(const struct inbound *inbound);
