/*
 * What is done with a training: one table says which action leads from where to where, and who may. A training is met by
 * what was recorded of it, never by a tick.
 */
#pragma once

#include <stddef.h>

#include "models/base/err.h"
#include "models/base/text.h"
#include "models/service/role.h"

struct session_row {
    const char *action;
    const char *from[5]; /* states, ended by NULL */
    const char *to;      /* NULL: the state stays */
    unsigned may;        /* 1 << enum role */
};
extern const struct session_row session_rows[];
extern const size_t session_row_count;
extern const char *const session_state_names[]; /* proposed planned invited held closed cancelled */

/* ERR_FORMAT: no such action; ERR_FORBIDDEN: not for this role; ERR_STATE: not legal now; why says what is. */
enum err session_judge(const char *state, const char *action, enum role role, const struct session_row **ret_row,
                       struct text *why) MUST_CHECK;
