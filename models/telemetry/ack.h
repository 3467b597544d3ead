/* The receipt: {"v":1,"epoch":"…","have":[[1,411],[413,413]]}. */
#pragma once

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/telemetry/message.h"
#include "models/telemetry/ranges.h"

#define ACK_RANGES_MOST 256 /* the lowest ones; what lies beyond is acked next time */

struct ack {
    char epoch[EPOCH_SIZE];
    struct range *have; /* in the arena */
    size_t count;
};

enum err ack_decode(struct arena *arena, const char *bytes, size_t size, struct ack *ret_ack,
                    struct text *why) MUST_CHECK;
enum err ack_encode(struct json_out *out, const char *epoch, const struct ranges *have) MUST_CHECK;
