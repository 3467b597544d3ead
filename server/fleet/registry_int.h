/* What registry*.c share. */
#pragma once

#include "models/base/arena.h"
#include "server/fleet/registry.h"

struct registry {
    struct rules *rules;
    struct known_agent *agents;
    struct known_equipment *equipment;
    struct arena *arena;
    /* what is not written yet */
    struct known_point *dirty_points;
    struct known_stream *dirty_streams;
    struct known_agent *dirty_agents;
    struct known_equipment *dirty_equipment;
    size_t urgent; /* streams that cannot wait */
};
