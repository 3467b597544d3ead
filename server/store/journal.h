/*
 * Messages as they came, appended once each: data in the journal proper, from which the packer takes
 * them out again (pack.h); events and replies, which are few, in a table of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/telemetry/ranges.h"
#include "server/store/sql.h"

struct journal_row {
    int64_t stream;
    uint64_t seq;
    int64_t received_ms;
    int64_t least_ms, most_ms; /* as the agent said, without a clock's correction */
    int64_t readings, late;
    bool unsynced;
    const char *body;
    size_t size;
};

struct journal_event { /* an event, or a reply */
    int64_t stream;
    uint64_t seq;
    int64_t agent;
    const char *kind;
    const char *equipment; /* its name, or NULL */
    int64_t t_ms, received_ms;
    const char *body;
};

/* ERR_EXISTS when the number is there already. */
enum err journal_put(struct sql *sql, const struct journal_row *row) MUST_CHECK;
enum err journal_put_event(struct sql *sql, const struct journal_event *row) MUST_CHECK;
/* false when number seq is still there with another content: as data or as an event. */
bool journal_is_same(struct sql *sql, int64_t stream, uint64_t seq, const char *body, size_t size);
/* Adds the numbers of a stream that are in the journal. */
enum err journal_numbers(struct sql *sql, int64_t stream, struct ranges *ranges) MUST_CHECK;
/* Everything up to here has reached the tables that are written once a second. */
enum err journal_mark(struct sql *sql) MUST_CHECK;
