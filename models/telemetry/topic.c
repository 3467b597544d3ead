/* Topics: <prefix>/<agent>/<channel>. */
#include "models/telemetry/topic.h"

#include <string.h>

const char *const channel_names[] = {
    "status", "data", "event", "reply", "ack", "command", "config", NULL,
};

enum err topic_make(struct text *to, const char *prefix, const char *agent, enum channel channel)
{
    text_addf(to, "%s/%s/%s", prefix, agent, channel_names[channel]);
    return to->cut ? ERR_FULL : ERR_OK;
}

enum err topic_split(const char *topic, size_t size, const char *prefix, char agent[65],
                     enum channel *ret_channel)
{
    size_t head = strlen(prefix);
    const char *name, *slash;
    size_t length, left;

    if (size <= head + 1 || memcmp(topic, prefix, head) != 0 || topic[head] != '/') {
        return ERR_FORMAT;
    }
    name = topic + head + 1;
    slash = memchr(name, '/', size - head - 1);
    if (!slash || slash - name > 64) {
        return ERR_FORMAT;
    }
    length = (size_t)(slash - name);
    memcpy(agent, name, length);
    agent[length] = '\0';
    left = size - head - 1 - length - 1;
    for (int i = 0; channel_names[i]; i++) {
        if (strlen(channel_names[i]) == left && memcmp(slash + 1, channel_names[i], left) == 0) {
            *ret_channel = (enum channel)i;
            /* a NUL within would hide what follows it */
            return text_is_id(agent) && strlen(agent) == length ? ERR_OK : ERR_FORMAT;
        }
    }
    return ERR_FORMAT;
}
