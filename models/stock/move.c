/* The one table of what moves do. */
#include "models/stock/move.h"

#include <stddef.h>
#include <string.h>

const char *const stock_kind_names[STOCK_KINDS] = {
    "receive", "transfer_out", "transfer_in", "reserve", "release", "issue",
    "use",     "return",       "scrap",       "adjust",  "loan",    "loan_back",
};

static const struct effect {
    int count, held; /* a piece: −1 taken, 1 put */
    bool passed;
} effects[STOCK_KINDS] = {
    [STOCK_RECEIVE] = {1, 0, false},      [STOCK_TRANSFER_OUT] = {-1, -1, true}, [STOCK_TRANSFER_IN] = {1, 0, false},
    [STOCK_RESERVE] = {0, 1, true},       [STOCK_RELEASE] = {0, -1, false},      [STOCK_ISSUE] = {-1, -1, true},
    [STOCK_USE] = {-1, -1, true},         [STOCK_RETURN] = {1, 0, false},        [STOCK_SCRAP] = {-1, 0, false},
    [STOCK_ADJUST] = {1, 0, false},       [STOCK_LOAN] = {-1, -1, true},         [STOCK_LOAN_BACK] = {1, 0, false},
};

int stock_kind_read(const char *name)
{
    for (int i = 0; name && i < STOCK_KINDS; i++) {
        if (strcmp(stock_kind_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

bool stock_effect(enum stock_kind kind, int64_t count, int64_t held, int64_t *ret_count, int64_t *ret_held)
{
    const struct effect *effect = &effects[kind];

    if ((kind != STOCK_ADJUST && count < 1) || held < 0 || (kind != STOCK_ADJUST && held > count)) {
        return false;
    }
    *ret_count = effect->count * count;
    *ret_held = effect->count == 0 ? effect->held * count : effect->held * held;
    return true;
}

bool stock_needs_passed(enum stock_kind kind)
{
    return effects[kind].passed;
}
