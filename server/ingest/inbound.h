/* A message on its way, and what the steps of its way stand on. Belongs to the committing thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/telemetry/message.h"
#include "models/telemetry/topic.h"
#include "server/desk/desk.h"
#include "server/fleet/registry.h"
#include "server/ingest/receipt.h"
#include "server/store/committer.h"
#include "server/store/metrics.h"
#include "server/store/quarantine.h"
#include "server/store/sql.h"

#define LATE_MS (5 * 60 * 1000) /* older than that it is history, not news */

struct place { /* whose values a series brings */
    struct known_equipment *equipment;
    struct known_point *point;
};

struct intake;

struct inbound { /* a message as intake leaves it */
    struct intake *home; /* where it goes back to */
    struct inbound *next;
    struct committer_job job;
    void *context; /* of the job */
    char agent[65];
    enum channel channel;
    bool retained;
    bool failed_before; /* taking it went on failing by itself: it goes into quarantine now */
    int64_t received_ms;
    const char *bytes; /* a NUL behind */
    size_t size;
    struct arena *arena; /* of the bytes and of what is decoded */
    enum err err; /* not ERR_OK: unreadable, and why */
    char why[200];
    bool has_envelope; /* of an unreadable one: epoch and seq could be read */
    struct envelope envelope;
    struct data_message data;
    int64_t corrected_ms; /* what was added to the times of its readings */
    struct event_message event;
    struct reply_message reply;
    struct status_message status;
    struct place *places;          /* one for each series; in the arena */
    int64_t counts[METRIC_COUNT]; /* added to the metrics once it is committed */
};

struct pipeline {
    struct registry *registry;
    struct desk *desk;
    struct rules *rules;
    struct receipts *receipts;
    struct quarantine quarantine;
    int64_t come_back_ms;   /* time that agents get after we were away: a start, a jump of the clock */
    int64_t quiet_until_ms; /* … which ends then */
    int64_t saved_ms, silence_ms;
    int64_t judge_bytes; /* of all judges that are open */
    /* Data of a closed hour came in: the packer wants to know. */
    void (*old_data)(void *context, int64_t stream, int64_t most_ms);
    /* Acks go out through here, after the commit. */
    void (*ack)(void *context, const char *agent, const char *payload, size_t size);
    void *context;
    struct json_out out;
};
