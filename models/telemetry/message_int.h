/* What the decoders share. */
#pragma once

#include "models/telemetry/message.h"

/* Size, UTF-8, an object, v 1. */
enum err message_parse(struct arena *arena, const char *bytes, size_t size,
                       const struct cJSON **ret_root, struct text *why);
enum err message_envelope(const struct cJSON *root, struct envelope *envelope, struct text *why);
bool message_is_epoch(const char *words);
/* An optional time: the fallback when it is left out or null; false when it is something else. */
bool message_time(const struct cJSON *object, const char *name, int64_t fallback, int64_t *ret_ms);

#define SEQ_MOST (((uint64_t)1 << 53) - 1)

#define MESSAGE_TIME_MOST 9214646400000 /* 2262-01-01: beyond it nanoseconds end */
