/*
 * One request at a time on one wire: pacing, one retry, and the rest of the wire after a time-out, so
 * that a late answer is never taken for the answer to the next question (agent.md 5.2).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/modbus/link.h"

#define MASTER_UNITS 256

struct master_counters {
    int64_t requests, answers, timeouts, exceptions, strays, reconnects;
    int64_t latency_ms; /* of the slowest answer */
};

struct master_doubt { /* a question that a unit of a serial wire left unanswered */
    bool set;
    enum register_table table;
    uint16_t bytes; /* of the answer that may still come */
};

struct master {
    struct link link;
    struct master_counters counters;
    int64_t quiet_since_us;   /* boot clock: the last frame ended */
    int64_t next_open_ms;     /* boot clock: no connect before */
    int64_t open_pause_ms;
    int timeouts_in_row;
    bool stale;               /* something unasked may lie in the buffers */
    _Atomic bool stopping;
    struct master_doubt doubts[MASTER_UNITS];
};

struct master_request {
    int unit_id;
    enum register_table table;
    uint16_t address, count;
    int64_t timeout_ms, pause_ms;
    bool retry; /* once more after silence or noise */
};

void master_init(struct master *master, const struct link *link);
void master_done(struct master *master);
/* From any thread: no further request is begun, pauses end. */
void master_stop(struct master *master);
/* As link_ops.read; blocks at most about 4 × timeout (8 × while the unit is in doubt).
 * *ret_exception is 0 unless ERR_DENIED. */
enum err master_read(struct master *master, const struct master_request *request, uint16_t *words,
                     int *ret_exception) MUST_CHECK;
enum err master_write(struct master *master, const struct master_request *request,
                      const uint16_t *words, int *ret_exception) MUST_CHECK;
