/* Bisection of a refused block. */
#include "agent/acquire/hunt.h"

#include <assert.h>

void hunt_begin(struct hunt *hunt, size_t first, size_t end)
{
    assert(end - first >= 2);
    *hunt = (struct hunt){.active = true, .first = first, .end = end, .good = first, .bad = end};
}

void hunt_next(const struct hunt *hunt, size_t *ret_first, size_t *ret_end)
{
    *ret_first = hunt->alone ? hunt->good : hunt->first;
    *ret_end = hunt->alone ? hunt->good + 1 : hunt->good + (hunt->bad - hunt->good) / 2;
}

enum hunt_end hunt_took(struct hunt *hunt, bool given)
{
    size_t first, end;

    hunt_next(hunt, &first, &end);
    if (hunt->alone) {
        hunt->active = false;
        return given ? HUNT_BEFORE : HUNT_POINT;
    }
    if (given) {
        hunt->good = end;
    } else {
        hunt->bad = end;
    }
    if (hunt->bad - hunt->good > 1) {
        return HUNT_GOES_ON;
    }
    if (hunt->good == hunt->first) { /* it was read by itself just now */
        hunt->active = false;
        return HUNT_POINT;
    }
    hunt->alone = true;
    return HUNT_GOES_ON;
}
