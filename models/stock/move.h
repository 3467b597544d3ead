/*
 * Moves of the stock ledger: what each does to what lies on a rack (a part of one lot in one depot) and to what is
 * reserved there. A rack is the sum of its moves; nothing else is counted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum stock_kind {
    STOCK_RECEIVE,      /* from a supplier */
    STOCK_TRANSFER_OUT, /* to another depot or a van */
    STOCK_TRANSFER_IN,
    STOCK_RESERVE,      /* laid aside: it stays on the rack, but nobody else may take it */
    STOCK_RELEASE,      /* … and is anybody's again */
    STOCK_ISSUE,        /* on its way to a job */
    STOCK_USE,          /* built in, from the rack; of what was issued before: 0 */
    STOCK_RETURN,       /* brought back unused, or a repaired unit */
    STOCK_SCRAP,
    STOCK_ADJUST,       /* a count found another number */
    STOCK_LOAN,         /* a unit stands in for one that is repaired */
    STOCK_LOAN_BACK,
    STOCK_KINDS,
};

extern const char *const stock_kind_names[STOCK_KINDS];
int stock_kind_read(const char *name); /* -1: none */

/* What a move of count pieces does: *ret_count to what lies there, *ret_held to what is reserved. held: how many of
 * them were reserved for whoever takes them. An adjust's count has its sign; all others are above 0. false: no such move. */
bool stock_effect(enum stock_kind kind, int64_t count, int64_t held, int64_t *ret_count, int64_t *ret_held);
/* true when it takes pieces that must have passed their inspection. */
bool stock_needs_passed(enum stock_kind kind);
