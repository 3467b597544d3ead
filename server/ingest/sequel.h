/*
 * What is already known of what came after an event. Messages of an agent may come in any order (after a
 * connection that was away, the newest may be first), and a fault must stand in the end as it stands at the
 * equipment: so an event that comes late is held against those that have come before it.
 */
#pragma once

#include "models/base/arena.h"
#include "models/telemetry/message.h"
#include "server/store/sql.h"

#define SEQUEL_MOST 32

struct sequel {
    size_t count;
    struct event_message list[SEQUEL_MOST]; /* in their order */
};

/* Whose events, and which one they follow. In its own stream the number says what came after it, elsewhere the
 * time: a clock may have been put back. */
struct sequel_of {
    int64_t equipment, agent, stream;
    const struct event_message *event;
    const char *device; /* of a bus event: the equipment that is asked about, by name */
};

/* The later ones of the same fault (the same device's silence), the first SEQUEL_MOST of them. In arena. */
enum err sequel_find(struct sql *sql, struct arena *arena, const struct sequel_of *of,
                     struct sequel *ret_sequel) MUST_CHECK;
/* It has risen again since, in another span: what is told here is history. */
bool sequel_rises(const struct sequel *sequel, const struct event_message *event);
/* How many of them there are up to its first clearing (a device: its first way back); 0: it is not known to be over. */
size_t sequel_end(const struct sequel *sequel);
/* lost: FAULT_RAISED; back: FAULT_CLEARED; anything else of a bus: FAULT_REGRADED. */
enum fault_state sequel_bus_state(const struct event_message *event);
