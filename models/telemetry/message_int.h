/* What the decoders share. */
#pragma once

#include "models/telemetry/message.h"

/* Size, UTF-8, an object, v 1. */
enum err message_parse(struct arena *arena, const char *bytes, size_t size,
                       const struct cJSON **ret_root, struct text *why);
enum err message_envelope(const struct cJSON *root, struct envelope *envelope, struct text *why);
bool message_is_epoch(const char *words);

#define MESSAGE_TIME_MOST 9214646400000 /* 2262-01-01: beyond it nanoseconds end */
