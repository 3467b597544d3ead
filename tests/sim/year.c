/* The calendar of events, the server's life and its turns. */
#include "year.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/civil.h"
#include "server/store/schema.h"

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
    struct event one = *a;

    *a = *b;
    *b = one;
}

static void push(struct year *year, struct event event)
{
    int64_t i = year->event_count++;

    if (i == year->event_room) {
        year->event_room = year->event_room * 2 + 1024;
        year->events = realloc(year->events, (size_t)year->event_room * sizeof(*year->events));
        if (!year->events) {
            abort();
        }
    }
    event.order = year->orders++;
    year->events[i] = event;
    for (; i > 0 && is_before(&year->events[i], &year->events[(i - 1) / 2]); i = (i - 1) / 2) {
        swap(&year->events[i], &year->events[(i - 1) / 2]);
    }
}

static struct event pop(struct year *year)
{
    struct event first = year->events[0];

    year->events[0] = year->events[--year->event_count];
    for (int64_t i = 0;;) {
        int64_t least = i;

        for (int64_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
            if (child < year->event_count && is_before(&year->events[child], &year->events[least])) {
                least = child;
            }
        }
        if (least == i) {
            return first;
        }
        swap(&year->events[i], &year->events[least]);
        i = least;
    }
}

void year_at(struct year *year, int64_t at_ms, enum what what, int64_t a, int64_t b)
{
    at_ms -= at_ms % MINUTE;
    push(year, (struct event){.at_ms = at_ms, .said_ms = at_ms, .what = what, .a = a, .b = b});
}

#define STEPS_EACH 1000 /* in one transaction, as the committer does it */

/* ------------------------------------------------------------------ the server */

static void start_server(struct year *year)
{
    struct office_options options = {
        .rules = year->rules,
        .time_zone = "Asia/Shanghai",
        .preset_plan = "swh_standard",
        .quiet_until_ms = year->now_ms > year->begin_ms ? year->now_ms + MINUTE : 0,
    };
    TEXT(why, 400);

    if (schema_open(year->url, &year->sql, &why) || desk_open(&options, &year->desk) ||
        sql_script(year->sql, strncmp(year->url, "sqlite", 6) == 0 ? "PRAGMA synchronous=OFF"
                                                                   : "SET synchronous_commit TO off")) {
        fprintf(stderr, "year: %s\n", why.at);
        exit(1);
    }
    year->turn_ms = year->now_ms;
    year->ledger.up_ms = year->now_ms;
}

static void commit(struct year *year)
{
    if (year->steps && sql_commit(year->sql)) {
        ledger_wrong(&year->ledger, "a transaction failed: %s", sql_why(year->sql));
    }
    year->steps = 0;
}

static void stop_server(struct year *year)
{
    static const int64_t lengths[] = {10 * MINUTE, HOUR, 5 * HOUR, 20 * HOUR, 3 * DAY};

    commit(year);
    desk_close(year->desk);
    sql_close(year->sql);
    year->desk = NULL;
    year->sql = NULL;
    year->stops++;
    year->up_ms = year->now_ms + lengths[dice_between(&year->dice, 0, 4)] * dice_between(&year->dice, 50, 100) / 100;
    year->up_ms -= year->up_ms % MINUTE;
    year_at(year, year->up_ms + dice_between(&year->dice, 5, 25) * DAY + dice_between(&year->dice, 0, 1440) * MINUTE,
            STOP, 0, 0);
}

enum err year_step(struct year *year)
{
    enum err err = year->steps ? ERR_OK : sql_begin(year->sql);

    year->steps++;
    return err ? err : sql_save(year->sql);
}

enum err year_commit(struct year *year, enum err err, const char *what)
{
    if (!err) {
        sql_release(year->sql);
    } else {
        sql_undo(year->sql);
    }
    if (year->steps >= STEPS_EACH) {
        commit(year);
    }
    if (err && err != ERR_STATE && err != ERR_FORMAT && err != ERR_FORBIDDEN) {
        ledger_wrong(&year->ledger, "%s failed: %s (%s)", what, err_text(err), sql_why(year->sql));
    }
    ledger_read(&year->ledger, year->sql, year->now_ms);
    return err;
}

/* Telemetry goes on: whoever is asked whether the fault stays away was heard a moment ago. */
static void hear(struct year *year)
{
    struct sql_rows rows;
    int64_t equipment[256], agents[256];
    int heard = 0;

    sql_find(year->sql, &rows,
             "SELECT equipment, agent FROM ticket WHERE closed_ms IS NULL AND next_ms <= ?1 AND hold_until_ms <= ?1"
             " UNION SELECT t.equipment, t.agent FROM repair r JOIN ticket t ON t.id = r.ticket WHERE r.outcome IS NULL"
             " AND r.next_ms <= ?1 LIMIT 256",
             "i", year->now_ms);
    while (heard < 256 && sql_next(&rows)) {
        equipment[heard] = sql_int(&rows, 0);
        agents[heard++] = sql_int(&rows, 1);
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "the holds cannot be read");
    }
    for (int i = 0; i < heard; i++) {
        if (sql_run(year->sql,
                    "UPDATE equipment SET last_seen_ms = ?2 WHERE id = ?1 AND agent IN (SELECT id FROM agent WHERE"
                    " silent_since_ms IS NULL)",
                    "ii", equipment[i], year->now_ms) ||
            sql_run(year->sql, "UPDATE agent SET last_seen_ms = ?2 WHERE id = ?1 AND silent_since_ms IS NULL", "ii",
                    agents[i], year->now_ms)) {
            ledger_wrong(&year->ledger, "nobody is heard: %s", sql_why(year->sql));
        }
    }
}

static void turn(struct year *year)
{
    int64_t next_ms = year->now_ms + MINUTE;
    int again = 0;

    do {
        enum err err = year_step(year);

        hear(year);
        if (!err) {
            err = desk_turn(year->desk, year->sql, year->now_ms, &next_ms);
        }
        (void)!year_commit(year, err, "a turn");
        year->turns++;
    } while (next_ms <= year->now_ms && again++ < 50);
    if (next_ms <= year->now_ms) {
        ledger_wrong(&year->ledger, "the desk wants to be called again and again");
        next_ms = year->now_ms + MINUTE;
    }
    next_ms = next_ms > year->end_ms ? year->end_ms : next_ms;
    year->turn_ms = (next_ms + MINUTE - 1) / MINUTE * MINUTE;
    year->turn_ms = year->turn_ms > year->now_ms ? year->turn_ms : year->now_ms + MINUTE; /* beyond the end */
}

/* As the server does it: the desk says when it is due, whatever has happened meanwhile. */
static void ask_when(struct year *year)
{
    int64_t due_ms = year->sql ? desk_due(year->desk, year->sql, year->now_ms) : INT64_MAX;

    due_ms = due_ms > year->end_ms ? year->end_ms : due_ms;
    year->turn_ms = (due_ms + MINUTE - 1) / MINUTE * MINUTE;
    year->turn_ms = year->turn_ms > year->now_ms ? year->turn_ms : year->now_ms; /* after what happens in this minute */
}

/* ------------------------------------------------------------------ the year */

void year_begin(struct year *year, const char *url, int heaters, int days, int faults)
{
    int64_t count;

    snprintf(year->url, sizeof(year->url), "%s", url);
    year->dice.state = year->seed;
    year->begin_ms = year->now_ms = civil_days(2026, 1, 1) * DAY;
    year->end_ms = year->begin_ms + days * DAY;
    company_draw(&year->company, &year->dice, heaters, year->begin_ms - 5 * DAY, year->end_ms + 60 * DAY);
    year->ledger.company = &year->company;
    year->ledger.opened = year_opened;
    year->ledger.context = year;
    year->open = calloc((size_t)heaters * FAULTS, sizeof(*year->open));
    if (!year->open || arena_open(16 << 20, &year->arena)) {
        abort();
    }
    start_server(year);
    if (year_step(year)) {
        abort();
    }
    company_import(&year->company, year->sql, year->rules, year->now_ms);
    books_begin(&year->books);
    (void)!year_commit(year, desk_plan_visits(year->desk, year->sql, year->now_ms), "planning visits");
    count = (int64_t)heaters * faults * days / 365;
    for (int64_t i = 0; i < count; i++) {
        year_at(year, dice_between(&year->dice, year->begin_ms, year->end_ms - 1), RAISE,
                dice_between(&year->dice, 0, heaters - 1), dice_between(&year->dice, 0, FAULTS - 1));
    }
    for (int64_t i = 0; i < count / 3; i++) {
        year_at(year, dice_between(&year->dice, year->begin_ms, year->end_ms - 1), REPORT,
                dice_between(&year->dice, 0, heaters - 1), 0);
    }
    for (int64_t i = 0; i < count / 10 + 1; i++) {
        year_at(year, dice_between(&year->dice, year->begin_ms, year->end_ms - 1), LOSE,
                dice_between(&year->dice, 0, year->company.gateway_count - 1), 0);
    }
    year_at(year, year->begin_ms + 3 * DAY + 100 * MINUTE, STOP, 0, 0);
    year_at(year, year->begin_ms + 9 * HOUR, ROUND, 0, 0);
    year_at(year, year->begin_ms + 6 * HOUR, BEAT, 0, 0);
    year_at(year, year->begin_ms + 7 * DAY, AUDIT, 0, 0);
    year_at(year, year->begin_ms + 5 * DAY + 8 * HOUR, RESTOCK, 0, 0);
}

static void beat(struct year *year)
{
    enum err err = year_step(year);

    if (!err) {
        err = sql_run(year->sql,
                      "UPDATE equipment SET last_seen_ms = ?1 WHERE agent IN (SELECT id FROM agent WHERE"
                      " silent_since_ms IS NULL)",
                      "i", year->now_ms);
    }
    if (!err) {
        err = sql_run(year->sql, "UPDATE agent SET last_seen_ms = ?1 WHERE silent_since_ms IS NULL", "i",
                      year->now_ms);
    }
    (void)!year_commit(year, err, "the beat");
    year_at(year, year->now_ms + 6 * HOUR, BEAT, 0, 0);
}

/* What happens in the world goes on without the server; what it must be told waits for it. */
static bool needs_server(enum what what)
{
    return what != RAISE && what != LADDER && what != CLEAR && what != LOSE;
}

static void happen(struct year *year, struct event event)
{
    if (!year->sql && needs_server(event.what)) {
        event.at_ms = year->up_ms;
        push(year, event);
        return;
    }
    switch (event.what) {
    case STOP:
        stop_server(year);
        break;
    case BEAT:
        beat(year);
        break;
    case AUDIT:
        year_audit(year);
        year_at(year, year->now_ms + 7 * DAY, AUDIT, 0, 0);
        break;
    case RAISE:
    case LADDER:
    case CLEAR:
    case TELL:
    case LOSE:
    case MISS:
    case FIND:
        year_fault_event(year, &event);
        break;
    default:
        year_people_event(year, &event);
        break;
    }
}

/* A year that ends while the server is away goes on until it is back and has heard what waited for it. */
static bool goes_on(const struct year *year)
{
    return year->event_count > 0 && (year->now_ms < year->end_ms || !year->sql || year->events[0].at_ms <= year->now_ms);
}

void year_run(struct year *year)
{
    while (goes_on(year)) {
        int64_t next_ms = year->sql ? year->turn_ms : year->up_ms;
        int64_t event_ms = year->events[0].at_ms;

        year->now_ms = event_ms < next_ms ? event_ms : next_ms;
        if (!year->sql && year->now_ms >= year->up_ms) {
            start_server(year);
        } else if (event_ms <= year->now_ms) {
            happen(year, pop(year));
            ask_when(year);
        } else {
            turn(year);
        }
    }
    if (!year->sql) {
        start_server(year);
    }
    turn(year);
}

void year_end(struct year *year)
{
    commit(year);
    desk_close(year->desk);
    sql_close(year->sql);
    ledger_free(&year->ledger);
    company_free(&year->company);
    arena_close(year->arena);
    free(year->events);
    free(year->episodes);
    free(year->messages);
    free(year->open);
    free(year->lost);
}
