/* What people do: dispatchers, technicians, callers; sometimes late, twice, or not at all. */
#include "year.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/json.h"
#include "models/base/zone.h"

enum step { ACKNOWLEDGE, RESPOND, DISPATCH, ASSIGN, CHECK, PAUSE, ACCEPT, DEPART, ARRIVE, START, LIST, FINISH, SIGN, CLOSE_IT };

static const struct {
    const char *action;
    bool work;         /* of the work order */
    int percent;       /* how often it is done at all */
    int least, most;   /* minutes until it, after the step before */
} steps[] = {
    [ACKNOWLEDGE] = {"acknowledge", false, 85, 2, 90},
    [RESPOND] = {"respond", false, 90, 1, 150},
    [DISPATCH] = {"dispatch", false, 85, 1, 240},
    [ASSIGN] = {"assign", false, 95, 1, 200},
    [CHECK] = {"check", false, 60, 10, 300},
    [PAUSE] = {"pause", false, 18, 1, 120},
    [ACCEPT] = {"accept", true, 90, 1, 60},
    [DEPART] = {"depart", true, 95, 5, 600},
    [ARRIVE] = {"arrive", true, 98, 10, 120},
    [START] = {"start", true, 95, 1, 20},
    [LIST] = {"check", true, 80, 1, 30},
    [FINISH] = {"finish", true, 97, 10, 240},
    [SIGN] = {"sign", true, 70, 1, 15},
    [CLOSE_IT] = {"close", false, 75, 60, 5000},
};

static enum err do_once(struct year *year, bool work, int64_t row, const struct action *action)
{
    TEXT(why, 600);
    enum err err = year_step(year);

    if (!err) {
        err = work ? desk_work_action(year->desk, year->sql, row, action, year->now_ms, &why)
                   : desk_ticket_action(year->desk, year->sql, row, action, year->now_ms, &why);
    }
    return year_commit(year, err, action->action);
}

bool year_do(struct year *year, bool work, int64_t row, const char *name, const char *more, int64_t said_ms)
{
    char id[40], body[1000];
    const char *why;
    struct action action = {.action = name, .action_id = id, .who = work ? "wang" : "desk", .at_ms = said_ms,
                            .role = work ? ROLE_TECHNICIAN : ROLE_DISPATCHER};
    int64_t lines;
    enum err err;

    snprintf(id, sizeof(id), "a-%lld", (long long)++year->actions);
    snprintf(body, sizeof(body), "{\"action\":\"%s\",\"id\":\"%s\"%s%s}", name, id, *more ? "," : "", more);
    arena_reset(year->arena);
    if (json_parse(year->arena, body, strlen(body), &action.body, &why)) {
        abort();
    }
    err = do_once(year, work, row, &action);
    year->refused += err != ERR_OK;
    if (!err && dice_chance(&year->dice, 8)) { /* the answer was lost on the way: the same again */
        lines = year->ledger.lines;
        year->repeated++;
        if (do_once(year, work, row, &action) || year->ledger.lines != lines) {
            ledger_wrong(&year->ledger, "%s was done twice under one id", name);
        }
    }
    return !err;
}

static int64_t order_of(struct year *year, int64_t ticket)
{
    return sql_find_int(year->sql, 0,
                        "SELECT id FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state NOT IN"
                        " ('done', 'cancelled')",
                        "i", ticket);
}

static const struct minutes *hours_of(struct year *year, const struct case_ *one)
{
    int heater = one->heater >= 0 ? one->heater : year->company.gateways[one->gateway].first;

    return &year->company.calendars[year->company.heaters[heater].calendar];
}

static void plan_step(struct year *year, const struct case_ *one, int64_t step)
{
    int64_t at_ms = year->now_ms + dice_between(&year->dice, steps[step].least, steps[step].most) * MINUTE;

    if (step == DEPART && dice_chance(&year->dice, 70)) { /* crews drive when they work */
        at_ms = minutes_next_work(hours_of(year, one), at_ms);
    }
    year_at(year, at_ms, STEP, one->row, step);
}

void year_opened(void *context, struct case_ *one)
{
    struct year *year = context;

    if (strcmp(one->kind, "fault") == 0) {
        if (dice_chance(&year->dice, 85)) {
            plan_step(year, one, ACKNOWLEDGE);
        }
    } else if (strcmp(one->kind, "communication") != 0 || dice_chance(&year->dice, 30)) {
        plan_step(year, one, RESPOND); /* somebody answers */
    }
}

static void more_of(struct year *year, const struct case_ *one, int64_t step, char *more, size_t room)
{
    static const char *const reasons[] = {"customer_absent", "consent_pending", "force_majeure", "access_refused",
                                          "parts_customer"};
    int team = (int)dice_between(&year->dice, 1, TEAMS);

    *more = 0;
    if (step == DISPATCH) {
        snprintf(more, room, "\"team\":\"team-%d\"", team);
    } else if (step == ASSIGN) {
        TEXT(from, 40);
        TEXT(to, 40);
        int64_t from_ms = minutes_next_work(hours_of(year, one), year->now_ms + dice_between(&year->dice, 1, 30) * HOUR);

        zone_write(zone_utc(), from_ms, &from);
        zone_write(zone_utc(), from_ms + 2 * HOUR, &to);
        snprintf(more, room, "\"technician\":\"tech-%d\"", (int)dice_between(&year->dice, 1, TECHNICIANS));
        if (dice_chance(&year->dice, 85)) {
            snprintf(more + strlen(more), room - strlen(more), ",\"appointment\":{\"from\":\"%s\",\"to\":\"%s\"}",
                     from.at, to.at);
        }
    } else if (step == PAUSE) {
        snprintf(more, room, "\"reason\":\"%s\"", reasons[dice_between(&year->dice, 0, 4)]);
    } else if (step == LIST) {
        snprintf(more, room, "\"step\":\"cause\",\"value\":\"worn\"");
    } else if (step == SIGN) {
        snprintf(more, room, "\"name\":\"Li\"");
    } else if (step == CLOSE_IT) {
        snprintf(more, room, "\"resolution\":\"repaired\"");
    }
}

static int fault_index(const struct case_ *one)
{
    for (int i = 0; i < FAULTS; i++) {
        if (strcmp(sim_faults[i].id, one->fault) == 0) {
            return i;
        }
    }
    return -1;
}

/* The work is done: most often it helped. */
static void repaired(struct year *year, const struct case_ *one)
{
    int fault = fault_index(one);
    int32_t open = fault < 0 || one->heater < 0 ? 0 : year->open[one->heater * FAULTS + fault];
    int64_t luck = dice_between(&year->dice, 0, 99);

    if (open && luck < 95) {
        year_at(year, year->now_ms + dice_between(&year->dice, 1, 60) * MINUTE, CLEAR, open - 1, luck >= 85);
    }
}

/* What may follow from a step beside the next one. */
static void follow(struct year *year, struct case_ *one, int64_t step)
{
    if (step == PAUSE) {
        year_at(year, year->now_ms + dice_between(&year->dice, 30, 6000) * MINUTE, RESUME, one->row, 0);
    } else if (step == ACKNOWLEDGE && dice_chance(&year->dice, 6)) {
        char more[80];

        snprintf(more, sizeof(more), "\"grade\":%d,\"reason\":\"by phone\"", (int)dice_between(&year->dice, 1, 3));
        year_do(year, false, one->row, "regrade", more, 0);
    } else if (step == ARRIVE && dice_chance(&year->dice, 15)) {
        if (books_quote(year, one)) {
            year_at(year, year->now_ms + dice_between(&year->dice, 5, 300) * MINUTE, CONSENT, one->row, 0);
        }
    } else if (step == ACCEPT && dice_chance(&year->dice, 30)) {
        books_reserve(year, order_of(year, one->row));
    } else if (step == START && dice_chance(&year->dice, 60)) {
        books_use(year, order_of(year, one->row));
    } else if (step == FINISH) {
        repaired(year, one);
    } else if (step == CLOSE_IT && dice_chance(&year->dice, 6)) {
        year_at(year, year->now_ms + dice_between(&year->dice, 1, 40) * DAY, REOPEN, one->row, 0);
    }
}

static void do_step(struct year *year, const struct event *event)
{
    struct case_ *one = ledger_case(&year->ledger, event->a);
    int64_t step = event->b, row, said_ms;
    bool fault = strcmp(one->kind, "fault") == 0, done = false;
    char more[200];

    if (one->closed_ms) {
        return;
    }
    row = steps[step].work ? order_of(year, one->row) : one->row;
    if (step == CLOSE_IT && one->heater >= 0 && !one->cleared_ms && fault && dice_chance(&year->dice, 80)) {
        year_at(year, year->now_ms + DAY, STEP, one->row, step); /* not while it is there */
        return;
    }
    if (step == CLOSE_IT) {
        books_bill(year, event->a);
        one = ledger_case(&year->ledger, event->a);
    }
    if (row && dice_chance(&year->dice, steps[step].percent)) {
        /* done while the server was away: some say when */
        said_ms = event->said_ms < year->now_ms && dice_chance(&year->dice, 60) ? event->said_ms : 0;
        more_of(year, one, step, more, sizeof(more));
        done = year_do(year, steps[step].work, row, steps[step].action, more, said_ms);
    }
    one = ledger_case(&year->ledger, event->a);
    if (done) {
        follow(year, one, step);
    }
    if (step == CLOSE_IT && !done && dice_chance(&year->dice, 90)) { /* not yet, says the desk, or there was no time */
        year_at(year, year->now_ms + DAY, STEP, event->a, step);
        return;
    }
    if (!fault && step < CLOSE_IT) {
        step = CLOSE_IT - 1;
    } else if (fault && step == CHECK && one->cleared_ms && dice_chance(&year->dice, 60)) {
        step = CLOSE_IT - 1; /* it is gone: nobody drives */
    }
    if (step < CLOSE_IT) {
        plan_step(year, ledger_case(&year->ledger, event->a), step + 1);
    }
}

static void report(struct year *year, int heater)
{
    static const char *const kinds[] = {"fault", "fault", "fault", "consultation", "complaint"};
    int kind = (int)dice_between(&year->dice, 0, 4), fault = (int)dice_between(&year->dice, 0, FAULTS - 1);
    char body[400], id[40], number[32], number2[32];
    const char *why;
    struct action action = {.action = "report", .action_id = id, .who = "clerk", .role = ROLE_DISPATCHER};
    TEXT(words, 400);
    bool merged, twice = dice_chance(&year->dice, 20);
    int64_t lines;
    enum err err;

    snprintf(id, sizeof(id), "r-%lld", (long long)++year->reports);
    snprintf(body, sizeof(body), "{\"kind\":\"%s\",\"equipment\":\"%s\"%s%s%s}", kinds[kind],
             year->company.heaters[heater].name, kind == 2 ? ",\"fault\":\"" : "",
             kind == 2 ? sim_faults[fault].id : "", kind == 2 ? "\"" : "");
    arena_reset(year->arena);
    if (json_parse(year->arena, body, strlen(body), &action.body, &why)) {
        abort();
    }
    err = year_step(year);
    if (!err) {
        err = desk_report(year->desk, year->sql, &action, year->now_ms, number, &merged, &words);
    }
    if (year_commit(year, err, "a report")) {
        ledger_wrong(&year->ledger, "a report was refused: %s", words.at);
    } else if (twice) {
        lines = year->ledger.lines;
        err = year_step(year);
        if (!err) {
            err = desk_report(year->desk, year->sql, &action, year->now_ms, number2, &merged, &words);
        }
        if (year_commit(year, err, "a report") || strcmp(number, number2) != 0 || lines != year->ledger.lines) {
            ledger_wrong(&year->ledger, "a report under one id was taken twice");
        }
    }
}

/* Some of the visits that are due are driven to; few are called off. */
static void drive_round(struct year *year)
{
    int64_t orders[64];
    struct sql_rows rows;
    int count = 0;

    sql_find(year->sql, &rows,
             "SELECT id FROM work_order WHERE state = 'proposed' AND kind = 'preventive' ORDER BY id LIMIT 64", "");
    while (count < 64 && sql_next(&rows)) {
        orders[count++] = sql_int(&rows, 0);
    }
    if (sql_end(&rows)) {
        ledger_wrong(&year->ledger, "the visits cannot be read");
    }
    for (int i = 0; i < count; i++) {
        if (dice_chance(&year->dice, 4)) {
            year_do(year, true, orders[i], "cancel", "\"reason\":\"the customer does not want it\"", 0);
        } else if (dice_chance(&year->dice, 50)) {
            year_do(year, true, orders[i], "accept", "", 0);
            year_do(year, true, orders[i], "arrive", "", 0);
            year_do(year, true, orders[i], "start", "", 0);
            year_do(year, true, orders[i], "finish", "", 0);
        }
    }
    year_at(year, year->now_ms + DAY, ROUND, 0, 0);
}

static void answer(struct year *year, int64_t row)
{
    bool yes = dice_chance(&year->dice, 80);

    if (year_do(year, false, row, "consent", yes ? "\"accepted\":true" : "\"accepted\":false", 0)) {
        ledger_case(&year->ledger, row)->agreed = yes;
    }
}

void year_people_event(struct year *year, const struct event *event)
{
    switch (event->what) {
    case STEP:
        do_step(year, event);
        break;
    case RESUME:
        year_do(year, false, event->a, "resume", "", 0);
        break;
    case CONSENT:
        answer(year, event->a);
        break;
    case REOPEN:
        if (year_do(year, false, event->a, "reopen", "\"reason\":\"it is back, says the customer\"", 0)) {
            plan_step(year, ledger_case(&year->ledger, event->a), RESPOND);
        }
        break;
    case REPORT:
        report(year, (int)event->a);
        break;
    case RESTOCK:
        books_restock(year);
        year_at(year, year->now_ms + 7 * DAY, RESTOCK, 0, 0);
        break;
    default:
        drive_round(year);
        break;
    }
}
