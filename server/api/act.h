/* What tickets and work orders share when something is done to them. */
#pragma once

#include "server/api/api_int.h"

/* The request as an action. ERR_FORMAT: a field is wrong, why names it. */
enum err act_read(struct call *call, struct action *ret_action, struct text *why) MUST_CHECK;
/* The same of one object among many of a request. */
enum err act_read_from(struct call *call, const struct cJSON *body, struct action *ret_action,
                       struct text *why) MUST_CHECK;
/* If-Match against the version that the row has now: ERR_DENIED. */
enum err act_match(struct call *call, int64_t version, struct text *why) MUST_CHECK;
