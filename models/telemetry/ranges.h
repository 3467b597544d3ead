/*
 * A set of sequence numbers as sorted ranges that never touch: what is stored, what is missing.
 * Numbers are 1 … 2^53.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"

struct range {
    uint64_t from, to; /* both inside */
};

struct ranges {
    struct range *list; /* owned; sorted, with a hole between neighbours */
    size_t count, room;
    size_t most; /* ceiling on count; 0: 65536 */
};

void ranges_free(struct ranges *ranges); /* and empty it */
/* ERR_OK when something was added, ERR_EXISTS when all of it was there, ERR_FULL, ERR_NOMEM. */
enum err ranges_add(struct ranges *ranges, uint64_t from, uint64_t to) MUST_CHECK;
bool ranges_has(const struct ranges *ranges, uint64_t number);
uint64_t ranges_size(const struct ranges *ranges); /* numbers in it */
uint64_t ranges_highest(const struct ranges *ranges); /* 0 when empty */
