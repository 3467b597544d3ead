/* Sliding windows over held values. */
#include "models/fault/window.h"

#include <math.h>

#define ROOM_LEAST 16
#define ROOM_MOST  2048

enum err window_init(struct window *window, struct arena *arena, int64_t reach_ms, int64_t every_ms)
{
    int64_t wanted = reach_ms / (every_ms > 0 ? every_ms : 1) * 5 / 4 + ROOM_LEAST;

    window->room = (size_t)(wanted > ROOM_MOST ? ROOM_MOST : wanted);
    window->room = (window->room + WINDOW_BLOCK - 1) / WINDOW_BLOCK * WINDOW_BLOCK;
    window->reach_ms = reach_ms;
    window->first = window->count = 0;
    window->ring = arena_array(arena, window->room, sizeof(*window->ring));
    window->blocks = arena_array(arena, window->room / WINDOW_BLOCK, sizeof(*window->blocks));
    return window->ring && window->blocks ? ERR_OK : ERR_NOMEM;
}

static size_t place(const struct window *window, size_t index)
{
    size_t slot = window->first + index;

    return slot < window->room ? slot : slot - window->room;
}

static struct window_sample *at(const struct window *window, size_t index)
{
    return &window->ring[place(window, index)];
}

static void widen(struct window_block *block, double value)
{
    block->least = value < block->least ? value : block->least;
    block->most = value > block->most ? value : block->most;
}

/* The newest value stands at slot: its block begins anew with its first place, so that it never holds
 * what an earlier round left behind it. */
static void note(struct window *window, size_t slot)
{
    struct window_block *block = &window->blocks[slot / WINDOW_BLOCK];
    double value = window->ring[slot].value;

    if (slot % WINDOW_BLOCK == 0) {
        *block = (struct window_block){value, value};
    } else {
        widen(block, value);
    }
}

/* The block of slot, which holds the newest value, from its first place on. */
static void note_again(struct window *window, size_t slot)
{
    for (size_t i = slot / WINDOW_BLOCK * WINDOW_BLOCK; i <= slot; i++) {
        note(window, i);
    }
}

/*
 * Four neighbours become two: their least and their most value, in the order in which they came, each held
 * for so long that the area under them stays what it was. So neither extremes nor means are lost, however
 * often it is done.
 */
static void thin_four(struct window *window, size_t from, size_t to)
{
    int64_t begin_ms = at(window, from)->t_ms, all_ms = at(window, from + 4)->t_ms - begin_ms, first_ms;
    double area = 0, share, a, b; /* a came first */
    size_t least = from, most = from;

    for (size_t i = from; i < from + 4; i++) {
        area += at(window, i)->value * (double)(at(window, i + 1)->t_ms - at(window, i)->t_ms);
        least = at(window, i)->value < at(window, least)->value ? i : least;
        most = at(window, i)->value > at(window, most)->value ? i : most;
    }
    a = at(window, least < most ? least : most)->value;
    b = at(window, least < most ? most : least)->value;
    share = least == most ? 1 : (area - b * (double)all_ms) / (a - b);
    first_ms = !isfinite(share)                 ? all_ms / 2 /* values too large for an area */
               : share < 1                      ? 1
               : share > (double)(all_ms - 1) ? all_ms - 1
                                                : (int64_t)share;
    *at(window, to) = (struct window_sample){begin_ms, a};
    *at(window, to + 1) = (struct window_sample){begin_ms + first_ms, b};
}

/* The older half gives way; the oldest value stays. */
static void thin(struct window *window)
{
    size_t kept = 1, i = 1, half = window->count / 2;

    for (; i + 4 <= half; i += 4) {
        thin_four(window, i, kept);
        kept += 2;
    }
    for (; i < window->count; i++) {
        *at(window, kept++) = *at(window, i);
    }
    window->count = kept;
    for (i = 0; i < kept; i++) {
        note(window, place(window, i));
    }
}

void window_add(struct window *window, int64_t t_ms, double value)
{
    /* one value from before the window stays: it was held when the window began */
    while (window->count >= 2 && at(window, 1)->t_ms <= t_ms - window->reach_ms) {
        window->first = (window->first + 1) % window->room;
        window->count--;
    }
    if (window->count > 0 && at(window, window->count - 1)->t_ms == t_ms) {
        at(window, window->count - 1)->value = value;
        note_again(window, place(window, window->count - 1));
        return;
    }
    if (window->count == window->room) {
        thin(window);
    }
    window->count++;
    *at(window, window->count - 1) = (struct window_sample){t_ms, value};
    note(window, place(window, window->count - 1));
}

void window_clear(struct window *window)
{
    window->first = window->count = 0;
}

/* Index of the value that was held at from_ms, or the oldest. */
static size_t begin_at(const struct window *window, int64_t from_ms)
{
    size_t low = 0, high = window->count;

    while (low < high) { /* the first value after from_ms */
        size_t middle = low + (high - low) / 2;

        if (at(window, middle)->t_ms <= from_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? low - 1 : 0;
}

/* Over the places [from, to) of the ring, the newest or the last place at its end: whole blocks at
 * once. */
static void extremes(const struct window *window, size_t from, size_t to,
                     struct window_block *io_best)
{
    while (from < to) {
        if (from % WINDOW_BLOCK == 0) {
            widen(io_best, window->blocks[from / WINDOW_BLOCK].least);
            widen(io_best, window->blocks[from / WINDOW_BLOCK].most);
            from += WINDOW_BLOCK;
        } else {
            widen(io_best, window->ring[from++].value);
        }
    }
}

static struct expr_value extreme(const struct window *window, size_t from, bool most)
{
    double value = at(window, from)->value;
    struct window_block best = {value, value};
    size_t begin = place(window, from), end = place(window, window->count - 1) + 1;

    if (begin < end) {
        extremes(window, begin, end, &best);
    } else { /* it goes round the end of the ring */
        extremes(window, begin, window->room, &best);
        extremes(window, 0, end, &best);
    }
    return (struct expr_value){true, most ? best.most : best.least};
}

static struct expr_value mean(const struct window *window, size_t from, int64_t from_ms,
                              int64_t t_ms)
{
    double sum = 0, covered = 0;

    for (size_t i = from; i < window->count; i++) {
        int64_t begin = at(window, i)->t_ms > from_ms ? at(window, i)->t_ms : from_ms;
        int64_t end = i + 1 < window->count ? at(window, i + 1)->t_ms : t_ms;

        if (end > begin) {
            sum += at(window, i)->value * (double)(end - begin);
            covered += (double)(end - begin);
        }
    }
    return (struct expr_value){
        true, covered > 0 ? sum / covered : at(window, window->count - 1)->value};
}

static struct expr_value rate(const struct window *window, size_t from, int64_t from_ms,
                              int64_t t_ms, int64_t window_ms)
{
    int64_t begin = at(window, from)->t_ms > from_ms ? at(window, from)->t_ms : from_ms;
    double change = at(window, window->count - 1)->value - at(window, from)->value;

    if (t_ms - begin < window_ms / 2 || t_ms == begin) {
        return (struct expr_value){false, 0};
    }
    return (struct expr_value){true, change * 60000.0 / (double)(t_ms - begin)};
}

static struct expr_value changed(const struct window *window, size_t from, int64_t from_ms)
{
    for (size_t i = from + 1; i < window->count; i++) {
        double a = at(window, i - 1)->value, b = at(window, i)->value;

        if (a < b || a > b) {
            return (struct expr_value){true, 1};
        }
    }
    return (struct expr_value){at(window, 0)->t_ms <= from_ms, 0};
}

struct expr_value window_ask(const struct window *window, enum expr_window_kind kind, int64_t t_ms,
                             int64_t window_ms)
{
    int64_t from_ms = t_ms - window_ms;
    size_t from;

    if (!window->ring || window->count == 0) {
        return (struct expr_value){false, 0};
    }
    from = begin_at(window, from_ms);
    switch (kind) {
    case EXPR_MIN:
        return extreme(window, from, false);
    case EXPR_MAX:
        return extreme(window, from, true);
    case EXPR_MEAN:
        return mean(window, from, from_ms, t_ms);
    case EXPR_RATE:
        return rate(window, from, from_ms, t_ms, window_ms);
    case EXPR_CHANGED:
        return changed(window, from, from_ms);
    case EXPR_FAILED: /* no matter of history */
        break;
    }
    return (struct expr_value){false, 0};
}
