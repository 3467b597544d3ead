/* The lines of an inspection, judged by the server for an agent that sends values alone. */
#pragma once

#include "models/base/arena.h"
#include "models/base/json.h"
#include "models/profile/profile.h"

/* points: a list of {name, value, quality} as an agent replies. The lines as a list of JSON into out and, in
 * the arena, as a value; a profile without lines is looked at by its faults. */
enum err checks_make(struct arena *arena, const struct profile *profile, const struct cJSON *points,
                     int64_t now_ms, struct json_out *out, const struct cJSON **ret_checks) MUST_CHECK;
