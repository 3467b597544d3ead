/*
 * What one point said within the longest window that a rule asks of it: a ring of good values, each
 * held until the next. Memory is taken once; when the ring is full the older half is
 * thinned: extremes and means stay, only where in time they lie becomes coarser.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/profile/expr.h"

#define WINDOW_BLOCK 32

struct window_sample {
    int64_t t_ms;
    double value;
};

struct window_block { /* what a stretch of the ring holds at least and at most */
    double least, most;
};

struct window {
    struct window_sample *ring; /* room of them; NULL: nobody asks */
    struct window_block *blocks; /* of WINDOW_BLOCK places of the ring each */
    size_t room, first, count;
    int64_t reach_ms; /* the longest window */
};

/* every_ms: how often values are expected. */
enum err window_init(struct window *window, struct arena *arena, int64_t reach_ms,
                     int64_t every_ms) MUST_CHECK;
void window_add(struct window *window, int64_t t_ms, double value);
void window_clear(struct window *window);
/*
 * The answer at t_ms. The value that was held when the window began counts as part of it. rate (per
 * minute) is unknown until half of the window is covered; `changed` is 1 as soon as a change was
 * seen, 0 only when all of the window is covered, else unknown.
 */
struct expr_value window_ask(const struct window *window, enum expr_window_kind kind, int64_t t_ms,
                             int64_t window_ms);
