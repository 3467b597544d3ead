/* How many of each part there should be, and how many there are: in a depot, for a contract, or in all depots together. */
#pragma once

#include "models/base/arena.h"
#include "models/stock/need.h"
#include "server/store/sql.h"

struct levels_ask {
    int64_t depot, contract; /* at most one of them; both 0: the company */
    int64_t days;            /* how long it shall last; 0: the depot's review, else 30 */
    int64_t now_ms;
};

struct level {
    int64_t part;
    const char *name, *title_en, *title_zh, *supplier, *currency;
    int64_t unit_cost, lead_ms;      /* −1: not said */
    int64_t there, held, coming;     /* usable; reserved of it; ordered or on its way to the depot */
    bool said;                       /* least and target are those of the fleet file */
    bool consumable;
    struct need_facts facts;
    struct need need;
    int64_t order; /* what should be bought now: up to the target, when there is less than the least */
};

struct level_list {
    struct level *at; /* by part, in the arena */
    size_t count;
};

/* Parts beyond 5,000 are left out. Runs on any connection. */
enum err levels_find(struct arena *arena, struct sql *sql, const struct levels_ask *ask, struct level_list *ret_list) MUST_CHECK;
