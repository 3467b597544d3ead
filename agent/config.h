/* agent.yaml as the program understands it. A leaf: it knows no room of the agent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/profile/profile.h"

enum spool_full { SPOOL_THIN_OLDEST, SPOOL_DROP_OLDEST, SPOOL_STOP_SAMPLING };
enum bus_kind { BUS_TCP, BUS_SERIAL, BUS_RTU_OVER_TCP };

struct bus_config {
    const char *name;
    enum bus_kind kind;
    const char *host; /* TCP */
    int port;
    const char *device; /* serial */
    int baud, stop;
    char parity; /* N E O */
};

struct equipment_config {
    const char *id;
    size_t bus; /* index */
    int unit_id;
    const struct profile *profile;
};

struct agent_config {
    const char *id, *prefix;
    const char *broker_url, *ca, *cert, *key, *user, *password;
    int64_t first_delay_ms;
    const char *spool_path;
    int64_t spool_bytes;
    enum spool_full spool_full;
    struct bus_config *buses;
    size_t bus_count;
    struct equipment_config *equipment;
    size_t equipment_count;
};

/* Reads path and the profiles it names. Every complaint goes through say, a line each. */
enum err config_read(struct arena *arena, const char *path,
                     void (*say)(void *context, const char *line), void *context,
                     struct agent_config *ret_config) MUST_CHECK;
