/*
 * What lies where: lots, racks and the ledger of their moves. Runs on the committing thread, inside the transaction of
 * what caused the move. store/schema_stock.c says how the database holds the books.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"
#include "models/stock/move.h"
#include "server/store/sql.h"

struct rack_move {
    enum stock_kind kind;
    int64_t rack;
    int64_t count;      /* pieces; an adjust's has a sign */
    int64_t held;       /* how many of them were reserved for whoever takes them */
    bool booked;        /* what was issued before is now used: nothing leaves the rack again */
    int64_t work_order, voucher; /* what for; 0: nothing of the kind */
    const char *who, *note, *action_id;
    int64_t at_ms;
};

/* Writes it down, in one guarded statement. ERR_STATE: there is not that much that is free (or reserved), or its lot has
 * not passed; why says what there is. */
enum err rack_put(struct sql *sql, const struct rack_move *move, struct text *why) MUST_CHECK;

/* What lies there now. */
struct rack_now {
    int64_t part, depot, lot, there, held;
};
enum err rack_look(struct sql *sql, int64_t rack, struct rack_now *ret_now) MUST_CHECK;
/* The rack of part, depot and lot, made when there is none. */
enum err rack_find(struct sql *sql, int64_t part, int64_t depot, int64_t lot, int64_t *ret_rack) MUST_CHECK;

struct lot_new {
    int64_t part;
    const char *name;  /* NULL: of goods that carry none; its cost is the part's */
    bool serial;       /* one piece: its name is its serial */
    const char *state; /* quarantine passed */
    const char *supplier, *currency;
    int64_t unit_cost; /* hundredths; −1: the part's */
    int64_t expires_day; /* 0: never */
    int64_t now_ms;
};

/* The lot of that name, made when there is none; one that is there stays as it is. */
enum err lot_find(struct sql *sql, const struct lot_new *what, int64_t *ret_lot) MUST_CHECK;

/* Goods without a lot, counted: as many as count are there afterwards (never fewer than are reserved). */
enum err rack_set(struct sql *sql, int64_t part, int64_t depot, int64_t count, const char *who, const char *note,
                   int64_t now_ms) MUST_CHECK;
