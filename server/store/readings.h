/*
 * Readings wherever they lie: the journal of messages as they came, the last values, and closed
 * hours packed per point. Every query reads the three as one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/telemetry/reading.h"
#include "server/store/sql.h"

/* Readings of one point in [from_ms, to_ms) in order of time, each once; text is valid during the
 * call. each returns false to stop. */
enum err readings_each(struct sql *sql, int64_t point, int64_t from_ms, int64_t to_ms,
                       bool (*each)(void *context, const struct reading *reading),
                       void *context) MUST_CHECK;

struct readings_bucket {
    int64_t start_ms;
    double sum, least, most;
    int64_t count; /* good readings with a number; 0: left out by the API */
};

/* Equal buckets over [from_ms, to_ms); only good readings count. buckets has room for count. */
enum err readings_buckets(struct sql *sql, int64_t point, int64_t from_ms, int64_t to_ms,
                          struct readings_bucket *buckets, size_t count) MUST_CHECK;
