/* Sets of sequence numbers. */
#include "models/telemetry/ranges.h"

#include <stdlib.h>
#include <string.h>

#define RANGES_MOST 65536

void ranges_free(struct ranges *ranges)
{
    free(ranges->list);
    *ranges = (struct ranges){.most = ranges->most};
}

/* Index of the first range that ends at or after number - 1 (so that it touches or follows). */
static size_t find(const struct ranges *ranges, uint64_t number)
{
    size_t low = 0, high = ranges->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ranges->list[middle].to + 1 < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static enum err insert(struct ranges *ranges, size_t at, uint64_t from, uint64_t to)
{
    size_t most = ranges->most ? ranges->most : RANGES_MOST;

    if (ranges->count == most) {
        return ERR_FULL;
    }
    if (ranges->count == ranges->room) {
        size_t room = ranges->room ? 2 * ranges->room : 4;
        struct range *list = realloc(ranges->list, room * sizeof(*list));

        if (!list) {
            return ERR_NOMEM;
        }
        ranges->list = list;
        ranges->room = room;
    }
    memmove(&ranges->list[at + 1], &ranges->list[at],
            (ranges->count - at) * sizeof(*ranges->list));
    ranges->list[at] = (struct range){from, to};
    ranges->count++;
    return ERR_OK;
}

enum err ranges_add(struct ranges *ranges, uint64_t from, uint64_t to)
{
    size_t at = find(ranges, from), last;
    struct range *range;

    if (from == 0 || to < from) {
        return ERR_RANGE;
    }
    if (at == ranges->count || ranges->list[at].from > to + 1) {
        return insert(ranges, at, from, to);
    }
    range = &ranges->list[at];
    if (range->from <= from && range->to >= to) {
        return ERR_EXISTS;
    }
    if (from < range->from) {
        range->from = from;
    }
    if (to > range->to) {
        range->to = to;
    }
    for (last = at; last + 1 < ranges->count && ranges->list[last + 1].from <= range->to + 1; last++) {
        if (ranges->list[last + 1].to > range->to) {
            range->to = ranges->list[last + 1].to;
        }
    }
    if (last > at) { /* those that are swallowed go */
        memmove(&ranges->list[at + 1], &ranges->list[last + 1],
                (ranges->count - last - 1) * sizeof(*ranges->list));
        ranges->count -= last - at;
    }
    return ERR_OK;
}

bool ranges_has(const struct ranges *ranges, uint64_t number)
{
    size_t low = 0, high = ranges->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ranges->list[middle].to < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ranges->count && ranges->list[low].from <= number;
}

uint64_t ranges_size(const struct ranges *ranges)
{
    uint64_t size = 0;

    for (size_t i = 0; i < ranges->count; i++) {
        size += ranges->list[i].to - ranges->list[i].from + 1;
    }
    return size;
}

uint64_t ranges_highest(const struct ranges *ranges)
{
    return ranges->count ? ranges->list[ranges->count - 1].to : 0;
}
