/*
 * One request at a time on one wire: pacing, and the rest of the wire after a time-out, so that a late answer is
 * never taken for the answer to the next question (agent.md 5.2).
 *
 * Answers on a serial wire carry no number. What a unit left unanswered is remembered by its weight (table and
 * bytes of the answer); while it may still come, nothing of the same weight is believed: the unit is first asked
 * something of another weight. When that has been answered nothing older is on its way, for a slave answers
 * in order. A refusal has no weight: it proves this only when no open question could have been refused.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/modbus/link.h"

#define MASTER_OPEN_MOST  8
#define MASTER_LATE_MS    10000 /* an answer that is later than this never comes */

struct master_counters {
    int64_t requests, answers, timeouts, exceptions, strays, reconnects;
    int64_t late;       /* answers that came in the rest after a time-out */
    int64_t latency_ms; /* of the slowest answer */
};

struct master_question { /* a question that was not answered */
    int64_t asked_ms;    /* boot clock */
    uint16_t bytes;      /* of the answer that may still come */
    uint8_t table;
    bool write, proven;  /* proven: the unit gave just this before, so it would not refuse it */
};

struct master_unit { /* what is known of one unit; belongs to who asks it */
    struct master_counters counters;
    struct master_question open[MASTER_OPEN_MOST];
    uint8_t open_count;
    int32_t late_ms; /* the latest answer so far, from its question */
    bool listened;   /* it was listened for a second answer */
    bool twin;       /* … and there was one: two devices with one id */
};

struct master {
    struct link link;
    struct master_counters counters;
    int64_t quiet_since_us;   /* boot clock: the last frame ended */
    int64_t next_open_ms;     /* boot clock: no connect before */
    int64_t open_pause_ms;
    int64_t usual_us;         /* what answers take at most, as a rule: outliers fade */
    int timeouts_in_row;
    bool stale;               /* something unasked may lie in the buffers */
    _Atomic bool stopping;
};

struct master_request {
    int unit_id;
    struct master_unit *unit;
    enum register_table table;
    uint16_t address, count;
    uint16_t room; /* from address so many can be read: shorter questions are as legal as this one */
    bool proven;   /* the unit has answered this with values before */
    int64_t timeout_ms, pause_ms;
};

/* Exceptions 10 and 11: a gateway says that nobody answers behind it. */
static inline bool master_is_gateways_word(int exception)
{
    return exception == 10 || exception == 11;
}

void master_init(struct master *master, const struct link *link);
void master_done(struct master *master);
/* From any thread: no further request is begun, pauses end. */
void master_stop(struct master *master);
/* As link_ops.read; blocks at most about 2 × timeout, twice that while the unit is in doubt, more when it is
 * known to answer late. ERR_CLOSED: the wire is not there. *ret_exception is 0 unless ERR_DENIED. */
enum err master_read(struct master *master, const struct master_request *request, uint16_t *words,
                     int *ret_exception) MUST_CHECK;
/* Does anybody answer? A question of a length that is in nobody's doubt; a refusal is ERR_DENIED. */
enum err master_probe(struct master *master, const struct master_request *request,
                      int *ret_exception) MUST_CHECK;
enum err master_write(struct master *master, const struct master_request *request,
                      const uint16_t *words, int *ret_exception) MUST_CHECK;
