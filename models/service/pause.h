/* The ledger of pauses: spans that may overlap, counted once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "models/service/workdays.h"

struct sla_pause {
    int64_t from_ms, to_ms; /* to = INT64_MAX: still paused */
    const char *reason;
};

/* Time within [from_ms, to_ms) that is covered by at least one pause. */
int64_t pause_covered(const struct sla_pause *pauses, size_t count, int64_t from_ms, int64_t to_ms);
/* The same, counting only working time. */
int64_t pause_covered_working(const struct sla_pause *pauses, size_t count, int64_t from_ms,
                              int64_t to_ms, const struct workdays *workdays);
/* The end of the pause (or chain of overlapping pauses) that covers at_ms, or at_ms itself. */
int64_t pause_end(const struct sla_pause *pauses, size_t count, int64_t at_ms);
/* The first instant after at_ms at which a pause begins; INT64_MAX: none. */
int64_t pause_next(const struct sla_pause *pauses, size_t count, int64_t at_ms);
