/* The moves of a work order. */
#include "models/service/work.h"

#include <string.h>

#include "models/base/zone.h"

#define ROUNDED_MS  2000 /* many clocks know whole seconds only */
#define ON_THE_WAY_MS 5000 /* so long a message may take without its clock being wrong */

const char *const work_state_names[] = {"proposed", "dispatched", "assigned", "accepted", "refused",
                                        "travelling", "on_site",  "working",  "testing",  "done",
                                        "verified", "closed",     "cancelled", NULL};
const char *const work_action_names[] = {
    "dispatch", "assign",        "reschedule", "accept",   "refuse",       "depart",   "arrive",
    "start",    "test",          "finish",     "verify",   "refuse_result", "close",   "cancel",
    "accept_result", "check",    "confirm",    "override", "reserve_part", "use_part", "return_part",
    "photo",    "time",          "record",     "scope",    "note",         "sign",     NULL};
const char *const work_clock_names[] = {"device", "corrected", "server", NULL};

#define S(state) (1U << WORK_##state)
#define ALL      (S(STATES) - 1U)
#define STAY     WORK_STATES
#define WAITING  (S(PROPOSED) | S(DISPATCHED) | S(ASSIGNED))
#define BEFORE   (WAITING | S(ACCEPTED) | S(REFUSED))

static const struct {
    unsigned from;
    enum work_state to;
} moves[] = {
    [WORK_DISPATCH] = {BEFORE, WORK_DISPATCHED},
    [WORK_ASSIGN] = {BEFORE, WORK_ASSIGNED},
    [WORK_RESCHEDULE] = {BEFORE, STAY},
    [WORK_ACCEPT] = {WAITING | S(REFUSED), WORK_ACCEPTED},
    [WORK_REFUSE] = {WAITING | S(ACCEPTED), WORK_REFUSED},
    [WORK_DEPART] = {WAITING | S(ACCEPTED), WORK_TRAVELLING},
    [WORK_ARRIVE] = {WAITING | S(ACCEPTED) | S(TRAVELLING), WORK_ON_SITE},
    [WORK_START] = {S(ON_SITE) | S(ACCEPTED) | S(TRAVELLING), WORK_WORKING},
    [WORK_TEST] = {S(ON_SITE) | S(WORKING) | S(TESTING), WORK_TESTING},
    [WORK_FINISH] = {S(ON_SITE) | S(WORKING) | S(TESTING), WORK_DONE},
    [WORK_VERIFY] = {S(DONE), WORK_VERIFIED},
    [WORK_REFUSE_RESULT] = {S(TESTING) | S(DONE) | S(VERIFIED), WORK_WORKING},
    [WORK_CLOSE] = {S(VERIFIED), WORK_CLOSED},
    [WORK_CANCEL] = {BEFORE | S(TRAVELLING) | S(ON_SITE) | S(WORKING) | S(TESTING), WORK_CANCELLED},
    [WORK_ACCEPT_RESULT] = {S(TESTING) | S(DONE) | S(VERIFIED), STAY},
    [WORK_CHECK] = {ALL & ~S(CANCELLED), STAY},
    [WORK_CONFIRM] = {ALL & ~S(CANCELLED) & ~S(CLOSED), STAY},
    [WORK_OVERRIDE] = {ALL & ~S(CANCELLED) & ~S(CLOSED), STAY},
    [WORK_RESERVE_PART] = {ALL & ~(S(CANCELLED) | S(CLOSED) | S(DONE) | S(VERIFIED)), STAY},
    [WORK_USE_PART] = {ALL & ~S(CANCELLED), STAY},
    [WORK_RETURN_PART] = {ALL, STAY},
    [WORK_PHOTO] = {ALL, STAY},
    [WORK_TIME] = {ALL, STAY},
    [WORK_RECORD] = {ALL & ~S(CANCELLED), STAY},
    [WORK_SCOPE] = {ALL & ~S(CANCELLED), STAY},
    [WORK_NOTE] = {ALL, STAY},
    [WORK_SIGN] = {S(ON_SITE) | S(WORKING) | S(TESTING) | S(DONE) | S(VERIFIED), STAY},
};

static int find(const char *const *names, const char *name)
{
    for (int i = 0; name && names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

int work_action_read(const char *name)
{
    return find(work_action_names, name);
}

int work_state_read(const char *name)
{
    return find(work_state_names, name);
}

bool work_is_over(enum work_state state)
{
    return state >= WORK_DONE;
}

bool work_is_legal(enum work_action action, enum work_state state)
{
    return moves[action].from >> state & 1;
}

void work_legal(enum work_state state, struct text *to)
{
    for (int i = 0; i < WORK_ACTIONS; i++) {
        if (work_is_legal((enum work_action)i, state) && i != WORK_DISPATCH) {
            text_addf(to, "%s%s", to->length ? " " : "", work_action_names[i]);
        }
    }
}

enum work_state work_after(enum work_action action, enum work_state state)
{
    return moves[action].to == STAY ? state : moves[action].to;
}

/* ------------------------------------------------------------------ a place in time */

/* Earlier in the day: by time, then by the order of a day, then by id, so that everybody sorts alike. */
static int compare(const struct work_move *a, const struct work_move *b)
{
    if (a->at_ms != b->at_ms) {
        return a->at_ms < b->at_ms ? -1 : 1;
    }
    if (a->action != b->action) {
        return a->action < b->action ? -1 : 1;
    }
    return strcmp(a->id ? a->id : "", b->id ? b->id : "");
}

/* The states that an order may have had before a move: what the moves before it say; without any, it waited. */
static unsigned states_before(const struct work_move *made, size_t count, const struct work_move *move)
{
    const struct work_move *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (moves[made[i].action].to != STAY && compare(&made[i], move) < 0 &&
            (!best || compare(&made[i], best) > 0)) {
            best = &made[i];
        }
    }
    return best ? 1U << moves[best->action].to : WAITING;
}

static const struct work_move *next_after(const struct work_move *made, size_t count, const struct work_move *move)
{
    const struct work_move *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (moves[made[i].action].to != STAY && compare(&made[i], move) > 0 &&
            (!best || compare(&made[i], best) < 0)) {
            best = &made[i];
        }
    }
    return best;
}

static enum err illegal(enum work_action action, enum work_state state, struct text *why)
{
    TEXT(legal, 400);

    work_legal(state, &legal);
    return text_say(why, ERR_STATE, "%s is not legal when the work order is %s. Legal: %s",
                    work_action_names[action], work_state_names[state], legal.at);
}

static enum err too_early(int64_t least_ms, struct text *why)
{
    TEXT(words, 48);

    zone_write(zone_utc(), least_ms, &words);
    return text_say(why, ERR_FORMAT, "at: expected a time that is not before %s", words.at);
}

static enum work_state lowest(unsigned states)
{
    enum work_state state = WORK_PROPOSED;

    while (!(states >> state & 1)) {
        state++;
    }
    return state;
}

enum err work_fit(const struct work_move *made, size_t count, enum work_state state, const struct work_move *move,
                  struct work_place *ret_place, struct text *why)
{
    const struct work_move *next = next_after(made, count, move);
    unsigned before = next ? states_before(made, count, move) & moves[move->action].from : 0;
    enum work_state to = moves[move->action].to;
    int64_t youngest_ms = 0;

    for (size_t i = 0; i < count; i++) {
        youngest_ms = made[i].at_ms > youngest_ms ? made[i].at_ms : youngest_ms;
    }
    if (!next) { /* the youngest */
        if (!work_is_legal(move->action, state)) {
            return illegal(move->action, state, why);
        }
        *ret_place = (struct work_place){move->at_ms, false, state};
        return ERR_OK;
    }
    /* a clock that rounds: as late as the youngest, if it is its turn now */
    if (work_is_legal(move->action, state) && youngest_ms - move->at_ms <= ROUNDED_MS) {
        *ret_place = (struct work_place){youngest_ms, false, state};
        return ERR_OK;
    }
    if (before && (to == STAY || (moves[next->action].from >> to & 1))) {
        *ret_place = (struct work_place){move->at_ms, true, lowest(before)};
        return ERR_OK;
    }
    if (next->action == WORK_CANCEL || next->action == WORK_REFUSE || !work_is_legal(move->action, state)) {
        return illegal(move->action, state, why);
    }
    return too_early(next->at_ms, why);
}

enum work_state work_state_then(const struct work_move *made, size_t count, const struct work_move *move)
{
    return lowest(states_before(made, count, move));
}

/* ------------------------------------------------------------------ the device's clock */

enum work_clock work_clock(int64_t sent_ms, int64_t now_ms, int64_t most_ms, int64_t *io_at_ms)
{
    int64_t skew_ms = now_ms - sent_ms;

    if (!sent_ms || !*io_at_ms || (skew_ms >= -ON_THE_WAY_MS && skew_ms <= ON_THE_WAY_MS)) {
        return WORK_CLOCK_DEVICE;
    }
    if (skew_ms < -most_ms || skew_ms > most_ms || *io_at_ms > sent_ms + ON_THE_WAY_MS) {
        *io_at_ms = now_ms; /* nor is what lies ahead of the device's own now */
        return WORK_CLOCK_SERVER;
    }
    *io_at_ms += skew_ms;
    return WORK_CLOCK_CORRECTED;
}
