/*
 * Whose turn on a wire it is: a pure rule over what is due, the time, and what each has had of the wire.
 *
 * - Polls that are due share the wire fairly by time (start-time fair queueing): each taker has a mark
 *   that moves on by the time it used; the lowest mark goes next. So a slow device waits for itself. A turn
 *   lasts for a poll, at most about half a second; when all have had theirs, marks are level again, so that
 *   the order of a wire that keeps up is always the same, and with it the periods.
 * - Questions to devices that are silent go into the gaps between polls that are long enough for
 *   them. Where there is no gap they are let in when they have waited for their patience, at most a tenth of the time.
 * - A command's steps alternate by time with polls that are due: neither waits for the other for longer
 *   than one transaction and what it was given before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TURNS_NEVER INT64_MAX

struct turn { /* what one device wants next */
    int64_t due_ms; /* TURNS_NEVER: nothing */
    bool probe;     /* it is silent, or was never heard: asking it may cost a time-out */
    int64_t cost_ms;     /* of a probe that stays unanswered */
    int64_t patience_ms; /* of a probe: so long after it was due it need not have a gap */
};

struct turn_state {
    struct turn turn;
    int64_t mark_us;
    bool waiting; /* due, and has its mark */
};

struct turns {
    const struct turn_state *current; /* whose turn it was; … for what was due then, from which mark */
    int64_t current_due_ms, current_mark_us;
    struct turn_state *states; /* the caller's */
    size_t count;
    int64_t virtual_us;
    int64_t order_debt_us;   /* what commands have had more than polls since */
    int64_t credit_us;       /* what probes without a gap may use */
    int64_t seen_ms;         /* credit was counted up to here */
    int64_t probed_ms;       /* polls that were due by then go before a probe without a gap */
};

enum turn_kind { TURN_NONE, TURN_DEVICE, TURN_ORDER };

struct turn_pick {
    enum turn_kind kind;
    size_t device;   /* TURN_DEVICE */
    int64_t wait_ms; /* TURN_NONE: look again then; TURNS_NEVER: nothing is due at all */
};

void turns_init(struct turns *turns, struct turn_state *states, size_t count, int64_t now_ms);
/* What the device wants from now on. */
void turns_set(struct turns *turns, size_t device, const struct turn *turn);
/* order: a command has a step to do. */
struct turn_pick turns_pick(struct turns *turns, int64_t now_ms, bool order);
/* What was picked has used so much of the wire. */
void turns_spent(struct turns *turns, const struct turn_pick *pick, int64_t used_us);

/*
 * When in its period a device's poll falls: an offset from the common beat (the shortest period on the wire),
 * a multiple of it, spread evenly over the period. Polls of the shortest period all fall on the beat, where the
 * wire puts them one behind the other; longer ones do not meet on the same beat.
 */
int64_t turns_phase(size_t device, size_t devices, int64_t every_ms, int64_t beat_ms);
/* The first time after now_ms that is phase_ms behind a multiple of the period since anchor_ms. */
int64_t turns_next(int64_t anchor_ms, int64_t phase_ms, int64_t every_ms, int64_t now_ms);

/* Pauses of a device that does not answer: they double from least to most. Moves *io_pause_ms on and gives the
 * pause from now, a quarter more or less by chance (any number). */
int64_t turns_back_off(int64_t *io_pause_ms, int64_t least_ms, int64_t most_ms, uint64_t chance);
