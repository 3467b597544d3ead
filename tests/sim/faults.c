/* What breaks: the heaters, and the links to them. What the world does and when the server hears of it
 * are two things. */
#include "year.h"

#include <stdio.h>
#include <stdlib.h>

#define LATE_MS (5 * MINUTE) /* of server/ingest: older than that it is history */

const struct sim_fault sim_faults[FAULTS] = {
    {"pump_no_flow", 2, 1},      {"tank_overheat", 1, 0},     {"freeze_risk", 2, 1},   {"collector_sensor", 2, 0},
    {"vapour_lock", 3, 2},       {"pump_weak", 2, 0},         {"low_pressure", 2, 1},  {"reverse_circulation", 3, 0},
    {"controller_no_start", 2, 1}, {"heater_open", 2, 1},     {"level_low", 1, 0},     {"refill_leaks", 2, 1},
};

static void *grow(void *list, int64_t count, int64_t *room, size_t size)
{
    if (count == *room) {
        *room = *room * 2 + 1024;
        list = realloc(list, (size_t)*room * size);
        if (!list) {
            abort();
        }
    }
    return list;
}

static int32_t *open_of(struct year *year, int heater, int fault)
{
    return &year->open[heater * FAULTS + fault];
}

static void send(struct year *year, int64_t episode, enum fault_state state, int grade)
{
    year->messages = grow(year->messages, year->message_count, &year->message_room, sizeof(*year->messages));
    year->messages[year->message_count] =
        (struct message){.episode = episode, .t_ms = year->now_ms, .state = state, .grade = grade};
    year_at(year, year->now_ms, TELL, year->message_count++, 0);
    if (dice_chance(&year->dice, 5)) { /* at least once: some come again */
        year_at(year, year->now_ms, TELL, year->message_count - 1, 1);
    }
}

static void raise(struct year *year, int heater, int fault, int again)
{
    const struct sim_fault *kind = &sim_faults[fault];
    int64_t i = year->episode_count;

    if (*open_of(year, heater, fault)) {
        return; /* it is there already */
    }
    year->episodes = grow(year->episodes, i, &year->episode_room, sizeof(*year->episodes));
    year->episodes[i] = (struct episode){
        .heater = heater, .fault = fault, .grade = kind->grade, .onset_ms = year->now_ms - 2 * MINUTE, .again = again};
    year->episode_count++;
    *open_of(year, heater, fault) = (int32_t)i + 1;
    send(year, i, FAULT_RAISED, kind->grade);
    if (kind->ladder && dice_chance(&year->dice, 40)) {
        year_at(year, year->now_ms + dice_between(&year->dice, 10, 600) * MINUTE, LADDER, i, kind->ladder);
    }
    /* one in four passes by itself, at once or in hours; the others wait for somebody, but not for ever */
    if (again > 0 || dice_chance(&year->dice, 10)) {
        year_at(year, year->now_ms + dice_between(&year->dice, 1, 9) * MINUTE, CLEAR, i, again > 0);
    } else if (dice_chance(&year->dice, 15)) {
        year_at(year, year->now_ms + dice_between(&year->dice, 30, 2000) * MINUTE, CLEAR, i, 0);
    } else {
        year_at(year, year->now_ms + dice_between(&year->dice, 5, 30) * DAY, CLEAR, i, 0);
    }
}

static void climb(struct year *year, int64_t at, int grade)
{
    struct episode *episode = &year->episodes[at];

    if (episode->cleared_ms || episode->grade == grade) {
        return;
    }
    episode->grade = grade;
    send(year, at, FAULT_REGRADED, grade);
    if (grade < sim_faults[episode->fault].grade && dice_chance(&year->dice, 20)) { /* and down again */
        year_at(year, year->now_ms + dice_between(&year->dice, 20, 900) * MINUTE, LADDER, at,
                sim_faults[episode->fault].grade);
    }
}

static void clear(struct year *year, int64_t at, bool back)
{
    struct episode *episode = &year->episodes[at];

    if (episode->cleared_ms) {
        return;
    }
    episode->cleared_ms = year->now_ms;
    *open_of(year, episode->heater, episode->fault) = 0;
    send(year, at, FAULT_CLEARED, episode->grade);
    if (back) { /* soon, or after the hold */
        int64_t minutes = dice_chance(&year->dice, 60) ? dice_between(&year->dice, 2, 25)
                                                       : dice_between(&year->dice, 40, 9000);

        year_at(year, year->now_ms + minutes * MINUTE, RAISE, episode->heater,
                episode->fault + FAULTS * (episode->again > 0 ? episode->again - 1 : 0));
    }
}

/* A message arrives: not while its gateway is away, and in the order of sending. */
static void tell(struct year *year, const struct event *event)
{
    const struct message *message = &year->messages[event->a];
    struct episode *episode = &year->episodes[message->episode];
    const struct heater *heater = &year->company.heaters[episode->heater];
    const struct gateway *gateway = &year->company.gateways[heater->gateway];
    struct desk_fault fault = {
        .equipment = heater->row,
        .fault = sim_faults[episode->fault].id,
        .state = message->state,
        .grade = message->grade,
        .onset_ms = episode->onset_ms,
        .detected_ms = episode->onset_ms + MINUTE,
        .cleared_ms = message->state == FAULT_CLEARED ? message->t_ms : 0,
        .t_ms = message->t_ms,
        .evidence = "{\"flow\":0.0}",
        .late = message->t_ms < year->now_ms - LATE_MS,
    };

    if (gateway->lost_ms) {
        /* when the server was away at the time, its coming back waits as well */
        year_at(year, gateway->back_ms > year->now_ms ? gateway->back_ms : year->now_ms, TELL, event->a, event->b);
        return;
    }
    if (event->b && (message->state != FAULT_RAISED || episode->cleared_ms)) {
        return; /* the intake drops what it has: only a raise is told twice to the desk, by two epochs */
    }
    if (year_step(year)) {
        abort();
    }
    if (sql_run(year->sql, "UPDATE equipment SET last_seen_ms = ?2 WHERE id = ?1", "ii", heater->row, year->now_ms)) {
        abort();
    }
    episode->late = episode->told ? episode->late : fault.late;
    episode->told = true;
    (void)!year_commit(year, desk_fault(year->desk, year->sql, &fault, year->now_ms), "a fault");
}

/* ------------------------------------------------------------------ links */

static void lose(struct year *year, int64_t at)
{
    struct gateway *gateway = &year->company.gateways[at];
    int64_t minutes = dice_chance(&year->dice, 50) ? dice_between(&year->dice, 2, 60)
                                                   : dice_between(&year->dice, 61, 3000);

    if (gateway->lost_ms || year->now_ms < gateway->back_ms + HOUR) {
        return;
    }
    year->lost = grow(year->lost, year->loss_count, &year->loss_room, sizeof(*year->lost));
    year->lost[year->loss_count++] = (struct loss){(int)at, year->now_ms, INT64_MAX};
    gateway->lost_ms = year->now_ms;
    gateway->back_ms = year->now_ms + minutes * MINUTE;
    year_at(year, year->now_ms + MINUTE, MISS, at, gateway->lost_ms);
    year_at(year, gateway->back_ms, FIND, at, gateway->lost_ms);
    year->losses++;
}

static void miss(struct year *year, const struct event *event)
{
    struct gateway *gateway = &year->company.gateways[event->a];

    if (gateway->lost_ms != event->b) {
        return; /* it is back already */
    }
    if (year_step(year)) {
        abort();
    }
    (void)!year_commit(year, desk_link_lost(year->desk, year->sql, gateway->row, gateway->lost_ms, year->now_ms),
                       "a lost link");
}

static void find(struct year *year, const struct event *event)
{
    struct gateway *gateway = &year->company.gateways[event->a];
    int64_t from_ms = gateway->lost_ms;

    for (int64_t i = 0; i < year->loss_count; i++) {
        if (year->lost[i].gateway == event->a && year->lost[i].to_ms == INT64_MAX) {
            year->lost[i].to_ms = year->now_ms;
        }
    }
    gateway->lost_ms = 0;
    gateway->back_ms = year->now_ms; /* the server may have been away at the time */
    if (year_step(year) ||
        sql_run(year->sql, "UPDATE agent SET last_seen_ms = ?2 WHERE id = ?1", "ii", gateway->row, year->now_ms)) {
        abort();
    }
    (void)!year_commit(year, desk_link_back(year->desk, year->sql, gateway->row, year->now_ms), "a link");
    ledger_link_back(&year->ledger, (int)event->a, from_ms, year->now_ms);
}

void year_fault_event(struct year *year, const struct event *event)
{
    switch (event->what) {
    case RAISE:
        raise(year, (int)event->a, (int)(event->b % FAULTS),
              event->b >= FAULTS ? (int)(event->b / FAULTS)
                                 : dice_chance(&year->dice, 6) ? (int)dice_between(&year->dice, 1, 6) : 0);
        break;
    case LADDER:
        climb(year, event->a, (int)event->b);
        break;
    case CLEAR:
        clear(year, event->a, event->b);
        break;
    case TELL:
        tell(year, event);
        break;
    case LOSE:
        lose(year, event->a);
        break;
    case MISS:
        miss(year, event);
        break;
    default:
        find(year, event);
        break;
    }
}
