/* A line of an inspection: what an expression gave, held against the profile's limits. */
#pragma once

#include "models/base/json.h"
#include "models/profile/expr.h"
#include "models/profile/profile.h"

/* {id, title, reading, limit, light}: light is green or amber within those limits, red outside both, and
 * amber when the value is not known. */
void inspection_put(const struct inspection_line *line, struct expr_value value,
                    struct json_out *out);
