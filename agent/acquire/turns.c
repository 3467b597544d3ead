/* Turns on a wire. */
#include "agent/acquire/turns.h"

#define PROBE_SHARE   10              /* a tenth of the time where there are no gaps */
#define CREDIT_MOST_US (2 * 1000000)
#define QUANTUM_US     500000 /* of one turn */

void turns_init(struct turns *turns, struct turn_state *states, size_t count, int64_t now_ms)
{
    *turns = (struct turns){.states = states, .count = count, .seen_ms = now_ms,
                            .credit_us = CREDIT_MOST_US};
    for (size_t i = 0; i < count; i++) {
        states[i] = (struct turn_state){.turn = {.due_ms = TURNS_NEVER}};
    }
}

void turns_set(struct turns *turns, size_t device, const struct turn *turn)
{
    turns->states[device].turn = *turn;
    turns->states[device].waiting = false;
}

/* Who becomes due gets the mark where the wire is, or where it left off if that is later. */
static void arrive(struct turns *turns, int64_t now_ms)
{
    for (size_t i = 0; i < turns->count; i++) {
        struct turn_state *state = &turns->states[i];

        if (state->waiting || state->turn.due_ms > now_ms) {
            continue;
        }
        state->waiting = true;
        if (state->mark_us < turns->virtual_us) {
            state->mark_us = turns->virtual_us;
        }
    }
}

static bool goes_before(const struct turn_state *a, const struct turn_state *b)
{
    return a->mark_us != b->mark_us ? a->mark_us < b->mark_us : a->turn.due_ms < b->turn.due_ms;
}

struct survey { /* what there is to choose from */
    const struct turn_state *poll, *probe; /* the first of each that is due; NULL: none */
    int64_t oldest_poll_ms;                /* of what is due */
    int64_t next_poll_ms, next_probe_ms;   /* of what is not due yet */
};

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void look(const struct turns *turns, int64_t now_ms, struct survey *survey)
{
    *survey = (struct survey){NULL, NULL, TURNS_NEVER, TURNS_NEVER, TURNS_NEVER};
    for (size_t i = 0; i < turns->count; i++) {
        const struct turn_state *state = &turns->states[i];
        int64_t due_ms = state->turn.due_ms;

        if (due_ms > now_ms && state->turn.probe) {
            survey->next_probe_ms = earlier(survey->next_probe_ms, due_ms);
        } else if (due_ms > now_ms) {
            survey->next_poll_ms = earlier(survey->next_poll_ms, due_ms);
        } else if (state->turn.probe) {
            if (!survey->probe || due_ms < survey->probe->turn.due_ms) {
                survey->probe = state;
            }
        } else {
            survey->oldest_poll_ms = earlier(survey->oldest_poll_ms, due_ms);
            survey->poll = survey->poll && !goes_before(state, survey->poll) ? survey->poll : state;
        }
    }
}

/* When the probe may go, if nothing changes. */
static int64_t admitted_ms(const struct turns *turns, const struct survey *survey, int64_t now_ms)
{
    const struct turn *turn = &survey->probe->turn;
    int64_t forced_ms = turn->due_ms + turn->patience_ms;

    if (!survey->poll && survey->next_poll_ms - now_ms > turn->cost_ms) {
        return now_ms;
    }
    if (survey->oldest_poll_ms <= turns->probed_ms) {
        return TURNS_NEVER; /* those that waited for the last one are served first */
    }
    if (turns->credit_us < 0) {
        int64_t earned_ms = now_ms + (-turns->credit_us * PROBE_SHARE + 999) / 1000;

        forced_ms = forced_ms > earned_ms ? forced_ms : earned_ms;
    }
    return forced_ms > now_ms ? forced_ms : now_ms;
}

static void earn(struct turns *turns, int64_t now_ms)
{
    if (now_ms > turns->seen_ms) {
        turns->credit_us += (now_ms - turns->seen_ms) * 1000 / PROBE_SHARE;
        turns->seen_ms = now_ms;
    }
    if (turns->credit_us > CREDIT_MOST_US) {
        turns->credit_us = CREDIT_MOST_US;
    }
}

/* Polls are through: nobody has had too much any more, and the next ones come in the order of their times. */
static void level(struct turns *turns)
{
    for (size_t i = 0; i < turns->count; i++) {
        if (turns->states[i].mark_us > turns->virtual_us) {
            turns->virtual_us = turns->states[i].mark_us;
        }
    }
}

/* What is under way goes on for a while: the blocks of a poll belong together. */
static const struct turn_state *keep_turn(const struct turns *turns, int64_t now_ms)
{
    const struct turn_state *state = turns->current;

    return state && !state->turn.probe && state->turn.due_ms == turns->current_due_ms &&
                   state->turn.due_ms <= now_ms && state->mark_us - turns->current_mark_us < QUANTUM_US
               ? state
               : NULL;
}

static struct turn_pick device_pick(const struct turns *turns, const struct turn_state *state)
{
    return (struct turn_pick){TURN_DEVICE, (size_t)(state - turns->states), 0};
}

static struct turn_pick begin_turn(struct turns *turns, const struct turn_state *state)
{
    turns->virtual_us = state->mark_us;
    turns->current = state;
    turns->current_due_ms = state->turn.due_ms;
    turns->current_mark_us = state->mark_us;
    return device_pick(turns, state);
}

struct turn_pick turns_pick(struct turns *turns, int64_t now_ms, bool order)
{
    struct survey survey;
    int64_t wait_ms;

    earn(turns, now_ms);
    arrive(turns, now_ms);
    look(turns, now_ms, &survey);
    if (order && (!survey.poll || turns->order_debt_us <= 0)) {
        return (struct turn_pick){TURN_ORDER, 0, 0};
    }
    if (!survey.poll) {
        level(turns);
    }
    wait_ms = earlier(survey.next_poll_ms, survey.next_probe_ms);
    if (survey.probe) {
        int64_t probe_ms = admitted_ms(turns, &survey, now_ms);

        if (probe_ms <= now_ms) {
            turns->probed_ms = now_ms + survey.probe->turn.cost_ms;
            return device_pick(turns, survey.probe);
        }
        wait_ms = earlier(wait_ms, probe_ms);
    }
    if (survey.poll) {
        const struct turn_state *kept = keep_turn(turns, now_ms);

        return kept ? device_pick(turns, kept) : begin_turn(turns, survey.poll);
    }
    return (struct turn_pick){TURN_NONE, 0, wait_ms};
}

void turns_spent(struct turns *turns, const struct turn_pick *pick, int64_t used_us)
{
    struct turn_state *state = pick->kind == TURN_DEVICE ? &turns->states[pick->device] : NULL;

    if (pick->kind == TURN_ORDER) {
        turns->order_debt_us += used_us;
        return;
    }
    if (!state) {
        return;
    }
    state->mark_us += used_us;
    turns->order_debt_us -= turns->order_debt_us > used_us ? used_us : turns->order_debt_us;
    if (state->turn.probe) {
        turns->credit_us -= used_us;
        if (turns->credit_us < -CREDIT_MOST_US) {
            turns->credit_us = -CREDIT_MOST_US;
        }
    }
}

int64_t turns_phase(size_t device, size_t devices, int64_t every_ms, int64_t beat_ms)
{
    int64_t beats = beat_ms > 0 ? every_ms / beat_ms : 0;

    return devices ? (int64_t)device * beats / (int64_t)devices * beat_ms : 0;
}

int64_t turns_next(int64_t anchor_ms, int64_t phase_ms, int64_t every_ms, int64_t now_ms)
{
    int64_t since_ms = now_ms - anchor_ms - phase_ms;

    return since_ms < 0 ? now_ms + (-since_ms - 1) % every_ms + 1
                        : now_ms + every_ms - since_ms % every_ms;
}

int64_t turns_back_off(int64_t *io_pause_ms, int64_t least_ms, int64_t most_ms, uint64_t chance)
{
    int64_t pause_ms = *io_pause_ms > 0 ? *io_pause_ms * 2 : least_ms;

    pause_ms = pause_ms > most_ms ? most_ms : pause_ms;
    *io_pause_ms = pause_ms;
    return pause_ms * 3 / 4 + (int64_t)(chance % (uint64_t)(pause_ms / 2 + 1));
}
