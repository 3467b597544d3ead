/* A small table by the hash of agent, epoch and number; the one that has been quiet longest makes
 * room, and its patience begins anew. */
#include "server/ingest/patience.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/hash.h"

#define FAILURES_MOST 512

struct patience {
    size_t count;
    struct failure {
        uint64_t key;
        int64_t first_ms, last_ms;
    } list[FAILURES_MOST];
};

enum err patience_open(struct patience **ret_patience)
{
    *ret_patience = calloc(1, sizeof(**ret_patience));
    return *ret_patience ? ERR_OK : ERR_NOMEM;
}

void patience_close(struct patience *patience)
{
    free(patience);
}

static uint64_t key_of(const char *agent, const struct envelope *envelope)
{
    char words[65 + EPOCH_SIZE + sizeof(envelope->seq)] = {0};
    size_t length = strlen(agent);

    length = length < 65 ? length : 65;
    memcpy(words, agent, length);
    memcpy(words + 65, envelope->epoch, EPOCH_SIZE);
    memcpy(words + 65 + EPOCH_SIZE, &envelope->seq, sizeof(envelope->seq));
    return hash_bytes(words, sizeof(words));
}

static struct failure *find(struct patience *patience, uint64_t key, int64_t boot_ms)
{
    struct failure *oldest = patience->list;

    for (size_t i = 0; i < patience->count; i++) {
        struct failure *failure = &patience->list[i];

        if (failure->key == key) {
            return failure;
        }
        if (failure->last_ms < oldest->last_ms) {
            oldest = failure;
        }
    }
    if (patience->count < FAILURES_MOST) {
        oldest = &patience->list[patience->count++];
    }
    *oldest = (struct failure){key, boot_ms, boot_ms};
    return oldest;
}

bool patience_is_over(struct patience *patience, const char *agent,
                      const struct envelope *envelope, int64_t boot_ms)
{
    struct failure *failure = find(patience, key_of(agent, envelope), boot_ms);

    failure->last_ms = boot_ms;
    return boot_ms - failure->first_ms >= PATIENCE_MS;
}
