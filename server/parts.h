/* The inside of the server: what its threads share, and which part belongs to whom. */
#pragma once

#include <stdatomic.h>

#include "host/mqtt.h"
#include "host/queue.h"
#include "models/telemetry/command.h"
#include "server/api/api.h"
#include "server/care/care.h"
#include "server/config.h"
#include "server/desk/desk.h"
#include "server/notice/notify.h"
#include "server/fleet/registry.h"
#include "server/ingest/intake.h"
#include "server/ingest/patience.h"
#include "server/ingest/pipeline.h"
#include "server/store/committer.h"
#include "server/store/pack.h"

#define FLYING_MOST  256   /* commands on their way to the broker */
#define ALIVE_MS     10000

struct server {
    const struct server_config *config;
    struct rules *rules;
    struct committer *committer;
    struct queue *letters; /* from the committing thread to the main thread */
    _Atomic(struct notifier *) notifier; /* made while the committer runs */
    _Atomic(struct api *) api;
    atomic_bool up; /* connected to the broker */
    atomic_bool serving;

    /* of the committing thread */
    struct sql *sql;
    struct desk *desk;
    struct care *care;
    struct registry *registry;
    struct packer *packer;
    struct patience *patience;
    struct pipeline pipeline;
    int64_t desk_ms, data_version, trimmed_ms;
    int64_t acks_boot_ms;

    /* of the main thread */
    struct mqtt *mqtt;
    struct intake *intake;
    int64_t alive_ms;
    struct inbound *held; /* found no room; nothing is taken before it */
    int taken;            /* messages in the last turn */
    int64_t sent;         /* token of the last command */
    int subscribed;       /* subscriptions that the broker has granted */
    bool tried;           /* it is known whether there is a broker */
    bool announced;       /* … and told that we serve */
    int64_t opened_ms;
    struct flying {
        int64_t token;
        char id[COMMAND_ID_MOST + 1];
    } flying[FLYING_MOST];
};
