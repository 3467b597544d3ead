/* Messages that could not be taken, with their bytes and the reason; the oldest go at the ceiling. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "server/store/sql.h"

#define QUARANTINE_ROWS_MOST  10000
#define QUARANTINE_BYTES_MOST (64 * 1024 * 1024)

struct quarantine { /* what the table holds */
    int64_t rows, bytes;
};

struct quarantined {
    const char *agent, *channel, *reason;
    const char *epoch; /* NULL: could not be read */
    uint64_t seq;
    int64_t received_ms;
    const char *body;
    size_t size;
};

/* Counts what is there; also after a transaction was undone. */
enum err quarantine_load(struct quarantine *quarantine, struct sql *sql) MUST_CHECK;
enum err quarantine_put(struct quarantine *quarantine, struct sql *sql,
                        const struct quarantined *message) MUST_CHECK;
