/*
 * One request at a time on one wire: pacing, one retry, and the rest of the wire after a time-out, so
 * that a late answer is never taken for the answer to the next question (agent.md 5.2).
 */
#pragma once

#include <stdint.h>

#include "agent/modbus/link.h"

struct master_counters {
    int64_t requests, answers, timeouts, exceptions, strays, reconnects;
    int64_t latency_ms; /* of the slowest answer */
};

struct master {
    struct link link;
    struct master_counters counters;
    int64_t quiet_since_us;   /* boot clock: the last frame ended */
    int64_t next_open_ms;     /* boot clock: no connect before */
    int64_t open_pause_ms;
    int timeouts_in_row;
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
/* As link_ops.read; blocks at most about 4 × timeout. *ret_exception is 0 unless ERR_DENIED. */
enum err master_read(struct master *master, const struct master_request *request, uint16_t *words,
                     int *ret_exception) MUST_CHECK;
enum err master_write(struct master *master, const struct master_request *request,
                      const uint16_t *words, int *ret_exception) MUST_CHECK;
