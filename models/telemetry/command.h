/* Something to do, from server to agent:
 * {"v":1,"id":"…","name":"inspect","equipment":"swh-0001","expires":1790000060000,"args":{}} */
#pragma once

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"

#define COMMAND_ID_MOST 64

struct command {
    const char *id, *name;
    const char *equipment; /* NULL: the agent itself */
    int64_t expires_ms;    /* 0: never */
    const struct cJSON *args; /* may be NULL */
};

enum err command_decode(struct arena *arena, const char *bytes, size_t size,
                        struct command *ret_command, struct text *why) MUST_CHECK;
/* args: JSON text or NULL for {}. */
enum err command_encode(struct json_out *out, const char *id, const char *name,
                        const char *equipment, int64_t expires_ms, const char *args) MUST_CHECK;
