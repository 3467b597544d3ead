/* Feasible time, then cost. */
#include "models/stock/allocate.h"

#include <stdlib.h>

const char *const allocate_reason_names[ALLOCATE_REASONS] = {"in_time", "late", "too_few", "none"};

static int by(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare(const void *left, const void *right)
{
    const struct allocate_place *a = left, *b = right;
    int order = by((int64_t)a->reason, (int64_t)b->reason);

    if (!order && a->reason == ALLOCATE_IN_TIME) {
        order = by(a->cost, b->cost);
    }
    order = order ? order : by(a->there_ms, b->there_ms);
    order = order ? order : by(a->cost, b->cost);
    order = order ? order : by(a->order, b->order);
    order = order ? order : by(a->depot, b->depot);
    return order ? order : by(a->rack, b->rack);
}

void allocate_rank(struct allocate_place *places, size_t count, int64_t wanted, int64_t now_ms, int64_t due_ms)
{
    for (size_t i = 0; i < count; i++) {
        struct allocate_place *place = &places[i];

        place->there_ms = now_ms + place->ready_ms + place->travel_ms;
        place->spare_ms = due_ms == INT64_MAX ? INT64_MAX : due_ms - place->there_ms;
        place->reason = place->free <= 0        ? ALLOCATE_NONE
                        : place->free < wanted  ? ALLOCATE_TOO_FEW
                        : place->spare_ms < 0   ? ALLOCATE_LATE
                                                : ALLOCATE_IN_TIME;
    }
    if (count > 0) {
        qsort(places, count, sizeof(*places), compare);
    }
}
