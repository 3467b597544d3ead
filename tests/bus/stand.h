/* A bus of the agent on a wire of slaves (tests/plant/slave.h), in real time: no broker, no spool. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "agent/acquire/bus.h"
#include "tests/plant/slave.h"

#define UNITS_MOST 64

struct stand { /* a wire, its slaves and its bus */
    const char *name;
    struct slave_options slaves;
    struct slave *slave;
    struct bus *bus;
    const struct profile *profile;
    int units, dead;
    bool quiet; /* wrong values are expected */
    int64_t every_ms;
    int other; /* the end of a serial line that is kept open */
    char ids[UNITS_MOST][16], tty[64];
    struct device_options devices[UNITS_MOST];
    pthread_t thread;
    _Atomic bool stop;
    _Atomic int64_t lates; /* as the slaves count them */
    _Atomic int64_t good, wrong, without;
};

/* The profile in these words; the program ends when they are wrong. */
const struct profile *stand_profile(struct arena *arena, const char *words);
/* The slaves, there but for the last `dead`: how they are from the start is set between this and stand_open. */
void stand_slaves(struct stand *stand, uint64_t seed);
/* Opens the bus, and the slaves if they are not there yet. Behaviour may be changed while it runs. */
void stand_open(struct stand *stand, uint64_t seed);
/* Ends bus and slaves; what they counted can be asked until stand_free. */
void stand_close(struct stand *stand);
void stand_free(struct stand *stand);
void stand_die(const char *words);
