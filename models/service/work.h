/*
 * A work order's states and moves as one table, and where a move that comes late has its place.
 *
 * Phones are offline: what was done at nine may be heard of at noon, after what was done at ten. So the
 * moves of an order are a list in order of their own times, the state is what the last of them says, and a
 * move is taken when it fits between its neighbours, whenever it comes: the same moves give the same end in
 * whatever order they arrive, however often.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"

enum work_state {
    WORK_PROPOSED,
    WORK_DISPATCHED,
    WORK_ASSIGNED,
    WORK_ACCEPTED,
    WORK_REFUSED,
    WORK_TRAVELLING,
    WORK_ON_SITE,
    WORK_WORKING,
    WORK_TESTING,
    WORK_DONE,
    WORK_VERIFIED, /* proved: tests, steps and what else its job plan wants */
    WORK_CLOSED,   /* signed, accepted, filed */
    WORK_CANCELLED,
    WORK_STATES,
};
extern const char *const work_state_names[]; /* proposed dispatched … */

enum work_action { /* moves first, in the order of a day: of two at the same time the earlier here goes first */
    WORK_DISPATCH,
    WORK_ASSIGN,
    WORK_RESCHEDULE,
    WORK_ACCEPT,
    WORK_REFUSE,
    WORK_DEPART,
    WORK_ARRIVE,
    WORK_START,
    WORK_TEST,
    WORK_FINISH,
    WORK_VERIFY,
    WORK_REFUSE_RESULT,
    WORK_CLOSE,
    WORK_CANCEL,
    WORK_MOVES, /* what follows changes no state */
    WORK_ACCEPT_RESULT = WORK_MOVES,
    WORK_CHECK,
    WORK_CONFIRM,
    WORK_OVERRIDE,
    WORK_RESERVE_PART,
    WORK_USE_PART,
    WORK_RETURN_PART,
    WORK_PHOTO,
    WORK_TIME,
    WORK_RECORD,
    WORK_SCOPE,
    WORK_NOTE,
    WORK_SIGN,
    WORK_ACTIONS,
};
extern const char *const work_action_names[];

int work_action_read(const char *name); /* -1: unknown */
int work_state_read(const char *name);
/* done, verified, closed, cancelled: nobody has to go any more. */
bool work_is_over(enum work_state state);

bool work_is_legal(enum work_action action, enum work_state state);
/* Names of the actions legal in state, separated by blanks. */
void work_legal(enum work_state state, struct text *to);
/* The state behind a move; state itself for what changes none. */
enum work_state work_after(enum work_action action, enum work_state state);

struct work_move { /* one that was made */
    int64_t at_ms;
    enum work_action action;
    const char *id; /* client-made; may be NULL */
};

struct work_place {
    int64_t at_ms;          /* of the move, which may have been set to that of the one before it */
    bool late;              /* younger moves are there: the state stays */
    enum work_state before; /* the state that the move was made in */
};

/*
 * Whether move fits among those made (any order), when the order stands at state. ERR_STATE: not legal, why says what
 * is; ERR_FORMAT: its time does not fit, why names the time that it must not be before.
 */
enum err work_fit(const struct work_move *made, size_t count, enum work_state state, const struct work_move *move,
                  struct work_place *ret_place, struct text *why) MUST_CHECK;

/* The state that the order had when move was made, by the moves before it. */
enum work_state work_state_then(const struct work_move *made, size_t count, const struct work_move *move);

/*
 * The clock of a device. It says its own time when it sends (sent_ms; 0: it did not say); the difference to ours is its
 * skew. Within `most` ms its times are taken, corrected by the skew when that is more than the way of a
 * message explains; beyond it they are not believed and our time is used.
 */
enum work_clock { WORK_CLOCK_DEVICE, WORK_CLOCK_CORRECTED, WORK_CLOCK_SERVER };
extern const char *const work_clock_names[]; /* device corrected server */
enum work_clock work_clock(int64_t sent_ms, int64_t now_ms, int64_t most_ms, int64_t *io_at_ms);
