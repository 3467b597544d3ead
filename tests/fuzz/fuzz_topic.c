/* Topics from anywhere; one of ours can be made again from its parts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/telemetry/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum channel channel;
    char agent[65];
    TEXT(topic, TOPIC_SIZE);

    if (!topic_split((const char *)bytes, size, TOPIC_PREFIX, agent, &channel) &&
        (topic_make(&topic, TOPIC_PREFIX, agent, channel) || topic.length != size || memcmp(topic.at, bytes, size) != 0)) {
        abort();
    }
    return 0;
}
