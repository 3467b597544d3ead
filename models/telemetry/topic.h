/* Topic names, made and taken apart: <prefix>/<agent>/<channel>; the preset prefix is heliograph/1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "models/base/err.h"
#include "models/base/text.h"

#define TOPIC_PREFIX "heliograph/1"
#define TOPIC_SIZE   256 /* room for any topic of ours */

enum channel {
    CHANNEL_STATUS,
    CHANNEL_DATA,
    CHANNEL_EVENT,
    CHANNEL_REPLY,
    CHANNEL_ACK,
    CHANNEL_COMMAND,
    CHANNEL_CONFIG,
};

extern const char *const channel_names[]; /* NULL-ended, in the order of the enum */

enum err topic_make(struct text *to, const char *prefix, const char *agent, enum channel channel)
    MUST_CHECK;
/* ERR_FORMAT when topic is not one of ours; agent holds 65 bytes. */
enum err topic_split(const char *topic, size_t size, const char *prefix, char agent[65],
                     enum channel *ret_channel) MUST_CHECK;
