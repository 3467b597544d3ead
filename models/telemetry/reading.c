/* Names of qualities. */
#include "models/telemetry/reading.h"

#include <stddef.h>

const char *const quality_names[] = {
    "good", "stale", "timeout", "exception", "illegal", "invalid", "range", "clock", NULL,
};
