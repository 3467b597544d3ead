/* What the lines of a ticket make of its clocks. */
#include "ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/civil.h"
#include "models/base/json.h"
#include "server/desk/view.h"

#define SHOWN_MOST 40

void ledger_wrong(struct ledger *ledger, const char *format, ...)
{
    va_list list;

    if (ledger->wrong++ >= SHOWN_MOST || ledger->silent) {
        return;
    }
    printf("WRONG: ");
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
}

static const char work_stops[] = " dispatched assigned checked arrived delivered solution contacted arranged ruled restored ";

static const struct minutes *minutes_of(const struct ledger *ledger, const struct case_ *one)
{
    int heater = one->heater >= 0 ? one->heater : ledger->company->gateways[one->gateway].first;

    return &ledger->company->calendars[ledger->company->heaters[heater].calendar];
}

/* ------------------------------------------------------------------ the plan's file */

static const char *value_of(struct yaml_node *leaf)
{
    struct yaml_node *value = leaf ? yaml_find(leaf, "value") : NULL;

    return value ? value->text : NULL;
}

static const char *word_of(struct yaml_node *map, const char *key)
{
    struct yaml_node *node = yaml_find(map, key);

    return node ? node->text : "";
}

static const char *limit_words(struct yaml_node *target, int grade, char level, bool remote_area, bool emergency)
{
    const char key[3] = {'g', (char)('0' + grade), 0}, letter[2] = {level, 0};
    struct yaml_node *leaf;

    if (emergency && (leaf = yaml_find(target, "emergency"))) {
        return value_of(leaf);
    }
    if (remote_area && (leaf = yaml_find(target, "remote_area"))) {
        return value_of(leaf);
    }
    leaf = yaml_find(target, key);
    leaf = leaf ? leaf : yaml_find(target, "all");
    return !leaf ? NULL : value_of(leaf) ? value_of(leaf) : value_of(yaml_find(leaf, letter));
}

static int64_t exact_ms(const char *words)
{
    int64_t count = atoll(words);
    const char *unit = words + strspn(words, "0123456789");

    return strcmp(unit, "m") == 0 ? count * MINUTE : strcmp(unit, "h") == 0 ? count * HOUR : 0;
}

/* The limit of a clock by the ticket's grade; false: none is promised. */
static bool read_limit(struct ledger *ledger, const struct case_ *one, struct clock_case *clock)
{
    const char *words = limit_words(clock->target, one->grade, one->level, one->remote_area, one->emergency);
    const char *cap = value_of(yaml_find(clock->target, "cap_onsite"));
    struct yaml_node *targets =
        yaml_find(yaml_find(ledger->company->plans[one->plan], "clocks"), "targets");
    int64_t least = 0;

    if (!words) {
        return false;
    }
    for (struct yaml_node *target = targets->first; cap && target; target = target->next) {
        const char *onsite = limit_words(target, one->grade, one->level, one->remote_area, one->emergency);
        int64_t ms = onsite && strcmp(word_of(target, "stop"), "arrived") == 0 ? exact_ms(onsite) : 0;

        least = ms && (!least || ms < least) ? ms : least;
    }
    clock->count = atoll(words);
    snprintf(clock->unit, sizeof(clock->unit), "%s", words + strspn(words, "0123456789"));
    if (least && exact_ms(words) > (int64_t)(atof(cap) * (double)least)) {
        clock->count = (int64_t)(atof(cap) * (double)least) / 1000;
        snprintf(clock->unit, sizeof(clock->unit), "s");
    }
    return true;
}

/* ------------------------------------------------------------------ clocks by lines */

/* A complex fault is owed what the plan has for complex ones of its grade, if it has anything. */
static bool is_complex(const struct case_ *one)
{
    for (int i = 0; one->complex && i < one->clock_count; i++) {
        if (strcmp(one->clocks[i].complexity, "complex") == 0 &&
            limit_words(one->clocks[i].target, one->grade, one->level, false, one->emergency)) {
            return true;
        }
    }
    return false;
}

static bool is_owed(const struct case_ *one, const struct clock_case *clock)
{
    bool words_only = strcmp(one->kind, "consultation") == 0 || strcmp(one->kind, "complaint") == 0;

    if (words_only && strcmp(clock->stop, "response") != 0) {
        return false;
    }
    return strcmp(clock->complexity, "any") == 0 || (strcmp(clock->complexity, "complex") == 0) == is_complex(one);
}

static struct clock_case fresh(struct yaml_node *target)
{
    return (struct clock_case){
        .target = target,
        .kind = target->key,
        .start = word_of(target, "start"),
        .stop = word_of(target, "stop"),
        .complexity = yaml_find(target, "complexity") ? word_of(target, "complexity")
                      : strcmp(word_of(target, "stop"), "solution") == 0 ? "complex"
                                                                          : "any",
        .met_ms = -1,
        .cancelled_ms = -1,
    };
}

/* What may come again has a clock each time, unless the one before runs still. */
static void make_room(struct ledger *ledger, struct case_ *one, const char *what)
{
    int count = one->clock_count;

    for (int i = 0; i < count; i++) {
        const struct clock_case *clock = &one->clocks[i];
        bool last = clock->exists && strcmp(clock->start, what) == 0;

        for (int k = 0; last && k < count; k++) {
            last = strcmp(one->clocks[k].kind, clock->kind) != 0 || one->clocks[k].occurrence <= clock->occurrence;
        }
        if (!last || (clock->met_ms < 0 && clock->cancelled_ms < 0)) {
            continue;
        }
        if (one->clock_count == CLOCKS_MOST) {
            ledger_wrong(ledger, "%s has more clocks than the witness can count", one->number);
            return;
        }
        one->clocks[one->clock_count] = fresh(clock->target);
        one->clocks[one->clock_count++].occurrence = clock->occurrence + 1;
    }
}

/* Questions and complaints that come by the web are answered in the hours that the plan has for that channel. */
static bool in_office_hours(struct ledger *ledger, const struct case_ *one, const struct clock_case *clock)
{
    struct yaml_node *hours = yaml_find(yaml_find(ledger->company->plans[one->plan], "staff"), "channel_hours");
    const char *words = hours ? value_of(yaml_find(hours, "web") ? yaml_find(hours, "web") : yaml_find(hours, "other")) : NULL;

    return words && strcmp(words, "working_hours") == 0 && strcmp(clock->stop, "response") == 0 &&
           (strcmp(one->kind, "consultation") == 0 || strcmp(one->kind, "complaint") == 0);
}

static void start(struct ledger *ledger, struct case_ *one, const char *what, int64_t at_ms)
{
    if (strcmp(what, "interrupted") == 0 || strcmp(what, "unheeded") == 0) {
        make_room(ledger, one, what);
    }
    for (int i = 0; i < one->clock_count; i++) {
        struct clock_case *clock = &one->clocks[i];

        if (!clock->exists && strcmp(clock->start, what) == 0 && is_owed(one, clock) &&
            read_limit(ledger, one, clock)) {
            clock->exists = true;
            clock->working_hours = in_office_hours(ledger, one, clock);
            clock->started_ms = at_ms;
            clock->met_ms = clock->cancelled_ms = -1;
        }
    }
}

static void stop(struct case_ *one, const char *what, int64_t at_ms)
{
    for (int i = 0; i < one->clock_count; i++) {
        struct clock_case *clock = &one->clocks[i];

        if (clock->exists && clock->met_ms < 0 && clock->cancelled_ms < 0 && strcmp(clock->stop, what) == 0) {
            clock->met_ms = at_ms > clock->started_ms ? at_ms : clock->started_ms;
        }
    }
}

/* Does a pause for that reason hold this clock? */
static bool holds(struct ledger *ledger, const struct case_ *one, const char *reason, const char *kind)
{
    struct yaml_node *pauses = yaml_find(yaml_find(ledger->company->plans[one->plan], "clocks"), "pauses");
    struct yaml_node *list = yaml_find(pauses, reason);

    list = list ? yaml_find(list, "value") : NULL;
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        if (strcmp(node->text, "all") == 0 || strcmp(node->text, kind) == 0) {
            return true;
        }
    }
    return list == NULL; /* one that the plan does not name holds all */
}

/* The pauses of a clock as they were known at until_ms; an open one is taken to end then. */
static int stops_until(struct ledger *ledger, const struct case_ *one, const char *kind, int64_t until_ms,
                       struct stop *to)
{
    int count = 0;

    for (int i = 0; i < one->stop_count; i++) {
        if (one->stops[i].from_ms <= until_ms && holds(ledger, one, one->reasons[i], kind)) {
            to[count] = one->stops[i];
            to[count].to_ms = to[count].to_ms < until_ms ? to[count].to_ms : until_ms;
            count++;
        }
    }
    return count;
}

static int64_t due_until(struct ledger *ledger, const struct case_ *one, const struct clock_case *clock,
                         int64_t until_ms)
{
    struct stop stops[STOPS_MOST];
    int count = stops_until(ledger, one, clock->kind, until_ms, stops);

    return minutes_due(minutes_of(ledger, one), clock->count, clock->unit, clock->working_hours, clock->started_ms,
                       stops, count);
}

/* What runs still and was not missed by then is given up. */
static void cancel(struct ledger *ledger, struct case_ *one, int64_t at_ms, bool work_only)
{
    for (int i = 0; i < one->clock_count; i++) {
        struct clock_case *clock = &one->clocks[i];
        /* when the fault went before somebody said so, nobody was late for it in between */
        int64_t judged_ms = one->hold_until_ms && strstr(work_stops, clock->stop) && one->cleared_ms < at_ms ? one->cleared_ms
                                                                                                      : at_ms;

        if (clock->exists && clock->met_ms < 0 && clock->cancelled_ms < 0 && strcmp(clock->stop, "approved") != 0 &&
            (!work_only || strstr(work_stops, clock->stop)) && (due_until(ledger, one, clock, judged_ms) >= judged_ms || judged_ms < clock->promised_ms)) {
            clock->cancelled_ms = at_ms > clock->started_ms ? at_ms : clock->started_ms;
        }
    }
}

static void restart(struct case_ *one)
{
    for (int i = 0; i < one->clock_count; i++) {
        struct clock_case *clock = &one->clocks[i];

        clock->cancelled_ms = clock->not_owed ? clock->cancelled_ms : -1;
        clock->met_ms = strcmp(clock->stop, "cleared") == 0 ? -1 : clock->met_ms;
    }
    one->cleared_ms = one->hold_until_ms = one->claimed_ms = 0;
    one->restored = false;
}

static void add_stop(struct ledger *ledger, struct case_ *one, const char *reason, int64_t from_ms, int64_t to_ms)
{
    if (one->stop_count == STOPS_MOST) {
        ledger_wrong(ledger, "%s was paused more often than the witness can count", one->number);
        return;
    }
    snprintf(one->reasons[one->stop_count], sizeof(one->reasons[0]), "%s", reason);
    one->stops[one->stop_count++] = (struct stop){from_ms, to_ms > from_ms ? to_ms : from_ms};
}

static void end_pause(struct case_ *one, int64_t at_ms)
{
    if (one->paused) {
        struct stop *last = &one->stops[one->stop_count - 1];

        last->to_ms = at_ms > last->from_ms ? at_ms : last->from_ms;
        one->paused = false;
    }
}

/* What holds for the clocks after a change of grade, urgency or complexity. */
static void judge_limits(struct ledger *ledger, struct case_ *one, int64_t at_ms)
{
    one->rewritten = true;
    for (int i = 0; i < one->clock_count; i++) {
        struct clock_case *clock = &one->clocks[i], after = *clock;
        bool runs = clock->exists && clock->met_ms < 0 && clock->cancelled_ms < 0;

        if (!is_owed(one, clock)) {
            if (runs) {
                clock->cancelled_ms = at_ms > clock->started_ms ? at_ms : clock->started_ms;
                clock->not_owed = true;
            }
        } else if ((runs || (clock->exists && clock->met_ms < 0 && clock->not_owed)) &&
                   read_limit(ledger, one, &after)) {
            /* nobody is late for what had not been promised yet */
            if (!runs || after.count != clock->count || strcmp(after.unit, clock->unit) != 0) {
                after.promised_ms = at_ms;
            }
            after.cancelled_ms = -1;
            after.not_owed = false;
            *clock = after;
        }
    }
    start(ledger, one, "registered", one->registered_ms);
    start(ledger, one, "report", one->registered_ms);
}

/* The words that limits depend on, as they stand. true: they are other ones than before. */
static bool read_words(struct sql *sql, struct case_ *one)
{
    bool emergency = one->emergency, complex = one->complex;
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT classification FROM ticket WHERE id = ?1", "i", one->row);
    if (sql_next(&rows)) {
        one->emergency = strstr(sql_text(&rows, 0), "\"emergency\"") != NULL;
        one->complex = strstr(sql_text(&rows, 0), "\"complex\"") != NULL;
    }
    return !sql_end(&rows) && (emergency != one->emergency || complex != one->complex);
}

/* A caller's ticket gets its name from telemetry. */
static void read_fault(struct sql *sql, struct case_ *one)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT fault, cause_key FROM ticket WHERE id = ?1", "i", one->row);
    if (sql_next(&rows) && !sql_null(&rows, 0)) {
        snprintf(one->fault, sizeof(one->fault), "%s", sql_text(&rows, 0));
        snprintf(one->cause, sizeof(one->cause), "%s", sql_text(&rows, 1));
    }
    (void)!sql_end(&rows);
}

static void regrade(struct ledger *ledger, struct case_ *one, int grade, int64_t at_ms)
{
    one->grade = grade;
    one->regrades++;
    judge_limits(ledger, one, at_ms);
}

static void close_case(struct ledger *ledger, struct case_ *one, int64_t at_ms)
{
    end_pause(one, at_ms);
    stop(one, "cleared", one->cleared_ms && one->cleared_ms < at_ms ? one->cleared_ms : at_ms);
    cancel(ledger, one, at_ms, false);
    one->closed_ms = at_ms;
    one->claimed_ms = one->claimed_ms ? one->claimed_ms : at_ms;
    one->hold_until_ms = 0;
    one->closes++;
}

static void restore(struct ledger *ledger, struct case_ *one, int64_t at_ms)
{
    const struct gateway *gateway =
        &ledger->company->gateways[one->gateway >= 0 ? one->gateway : ledger->company->heaters[one->heater].gateway];

    if (!one->hold_until_ms && one->closed_ms) { /* closing lacked its proof; an analysis is owed from when it went */
        int64_t went_ms = one->gone_ms > one->claimed_ms ? one->gone_ms : one->claimed_ms;

        if (one->fault[0]) {
            start(ledger, one, "cleared", one->cleared_ms ? one->cleared_ms : went_ms);
        }
        one->claimed_ms = 0;
        return;
    }
    one->claimed_ms = 0;
    if (!one->hold_until_ms) { /* a repair of something that telemetry does not show (any more) */
        one->cleared_ms = one->finished_ms;
        one->hold_until_ms = at_ms;
    }
    stop(one, "cleared", one->cleared_ms);
    cancel(ledger, one, one->cleared_ms, true);
    if (one->fault[0]) {
        start(ledger, one, "cleared", one->cleared_ms);
    }
    one->restored = true;
    if (at_ms < one->hold_until_ms) {
        ledger_wrong(ledger, "%s: the hold ended %lld s early", one->number,
                     (long long)((one->hold_until_ms - at_ms) / 1000));
    }
    if (at_ms > one->hold_until_ms + 3 * MINUTE && at_ms > one->clear_heard_ms + 3 * MINUTE && at_ms > ledger->up_ms + 3 * MINUTE &&
        at_ms > gateway->back_ms + 3 * MINUTE) {
        ledger_wrong(ledger, "%s: the hold ended %lld s late at %lld (cleared %lld, heard %lld, up %lld, link back %lld)", one->number,
                     (long long)((at_ms - one->hold_until_ms) / 1000), (long long)at_ms, (long long)one->cleared_ms,
                     (long long)one->clear_heard_ms, (long long)ledger->up_ms, (long long)gateway->back_ms);
    }
    one->hold_until_ms = 0;
}

/* ------------------------------------------------------------------ a new one */

static void take_targets(struct ledger *ledger, struct case_ *one)
{
    struct yaml_node *targets =
        yaml_find(yaml_find(ledger->company->plans[one->plan], "clocks"), "targets");

    for (struct yaml_node *target = targets->first; target && one->clock_count < CLOCKS_MOST; target = target->next) {
        one->clocks[one->clock_count++] = fresh(target);
    }
}

static int index_of_gateway(const struct company *company, int64_t row)
{
    for (int i = 0; i < company->gateway_count; i++) {
        if (company->gateways[i].row == row) {
            return i;
        }
    }
    return -1;
}

static void read_row(struct ledger *ledger, struct sql *sql, struct case_ *one)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT number, kind, fault, equipment, agent, grade, registered_ms, late, cause_key, plan,"
             " service_level FROM ticket WHERE id = ?1",
             "i", one->row);
    if (sql_next(&rows)) {
        const char *fault = sql_text(&rows, 2), *plan = sql_text(&rows, 9);

        snprintf(one->number, sizeof(one->number), "%s", sql_text(&rows, 0));
        snprintf(one->kind, sizeof(one->kind), "%s", sql_text(&rows, 1));
        snprintf(one->fault, sizeof(one->fault), "%s", fault ? fault : "");
        snprintf(one->cause, sizeof(one->cause), "%s", sql_text(&rows, 8));
        one->heater = sql_null(&rows, 3) ? -1 : company_heater(ledger->company, sql_int(&rows, 3));
        one->gateway = sql_null(&rows, 4) ? -1 : index_of_gateway(ledger->company, sql_int(&rows, 4));
        one->grade = (int)sql_int(&rows, 5);
        one->registered_ms = sql_int(&rows, 6);
        one->late = sql_int(&rows, 7);
        int at = one->heater >= 0 ? one->heater : ledger->company->gateways[one->gateway].first;
        const struct heater *heater = &ledger->company->heaters[at];

        one->plan = heater->plan;
        one->level = heater->level;
        one->remote_area = heater->remote_area;
        if (!plan || strcmp(plan, plan_ids[heater->plan]) != 0 || sql_text(&rows, 10)[0] != heater->level) {
            ledger_wrong(ledger, "%s has another plan or level than the contract of %s", one->number, heater->name);
        }
    }
    if (sql_end(&rows)) {
        ledger_wrong(ledger, "a ticket cannot be read: %s", sql_why(sql));
    }
}

static void look_for_double(struct ledger *ledger, const struct case_ *one)
{
    for (int64_t row = one->row - 1; row > 0 && row > one->row - 20000; row--) {
        const struct case_ *other = &ledger->cases[row];

        if (other->row && !other->closed_ms && strcmp(other->cause, one->cause) == 0) {
            ledger_wrong(ledger, "%s and %s are open for one cause: %s", other->number, one->number, one->cause);
        }
    }
}

static struct case_ *begin(struct ledger *ledger, struct sql *sql, int64_t row, int64_t at_ms)
{
    struct case_ *one;

    if (row >= ledger->room) {
        int64_t room = row * 2 + 4096;

        ledger->cases = realloc(ledger->cases, (size_t)room * sizeof(*ledger->cases));
        if (!ledger->cases) {
            abort();
        }
        memset(ledger->cases + ledger->room, 0, (size_t)(room - ledger->room) * sizeof(*ledger->cases));
        ledger->room = room;
    }
    one = &ledger->cases[row];
    one->row = row;
    ledger->count++;
    read_row(ledger, sql, one);
    take_targets(ledger, one);
    (void)read_words(sql, one);
    if (one->registered_ms != at_ms) {
        ledger_wrong(ledger, "%s: registered and its line differ", one->number);
    }
    start(ledger, one, "registered", at_ms);
    start(ledger, one, "report", at_ms);
    stop(one, "receipt", at_ms); /* the caller has the number; from this company nothing goes out otherwise */
    look_for_double(ledger, one);
    return one;
}

void ledger_link_back(struct ledger *ledger, int gateway, int64_t from_ms, int64_t to_ms)
{
    for (int64_t row = 1; row < ledger->room; row++) {
        struct case_ *one = &ledger->cases[row];

        if (one->row && one->hold_until_ms > from_ms && one->cleared_ms < to_ms && one->heater >= 0 &&
            ledger->company->heaters[one->heater].gateway == gateway) {
            one->hold_until_ms += to_ms - (one->cleared_ms > from_ms ? one->cleared_ms : from_ms);
        }
    }
}

struct case_ *ledger_case(struct ledger *ledger, int64_t row)
{
    return row > 0 && row < ledger->room && ledger->cases[row].row ? &ledger->cases[row] : NULL;
}

/* ------------------------------------------------------------------ a line */

struct line {
    int64_t ticket, at_ms, stored_ms;
    const char *who, *action;
    bool has_id;
    int grade; /* of a regrade: to */
    const char *reason; /* of a pause */
    bool appointment;
    const char *note;
};

/* The server looks by itself, at the instant at which the check is due: has somebody arranged, and spoken? */
static void take_look(struct ledger *ledger, struct case_ *one, const struct line *line)
{
    bool ok = strcmp(line->note, "ok") == 0;

    for (int i = 0; i < one->clock_count; i++) {
        const struct clock_case *clock = &one->clocks[i];

        if (clock->exists && clock->met_ms < 0 && clock->cancelled_ms < 0 && strcmp(clock->stop, "checked") == 0 &&
            due_until(ledger, one, clock, line->stored_ms) != line->at_ms) {
            ledger_wrong(ledger, "%s: looked at %lld, the check was due at %lld", one->number, (long long)line->at_ms,
                         (long long)due_until(ledger, one, clock, line->stored_ms));
        }
    }
    stop(one, "checked", line->at_ms);
    if (!ok) {
        start(ledger, one, "unheeded", line->at_ms);
    }
}

static void take_field(struct ledger *ledger, struct case_ *one, const struct line *line)
{
    const char *action = line->action;

    if (strcmp(action, "respond") == 0) {
        stop(one, "response", line->at_ms);
    } else if (strcmp(action, "dispatch") == 0) {
        stop(one, "dispatched", line->at_ms);
        start(ledger, one, "forwarded", line->at_ms);
    } else if (strcmp(action, "assign") == 0) {
        stop(one, "dispatched", line->at_ms);
        start(ledger, one, "forwarded", line->at_ms);
        start(ledger, one, "scoped", line->at_ms);
        one->appointment = one->appointment || line->appointment;
        if (one->appointment) { /* told and filed are done by the same action */
            stop(one, "assigned", line->at_ms);
            stop(one, "arranged", line->at_ms);
        }
    } else if (strcmp(action, "finish") == 0) {
        one->appointment = false; /* whoever comes again makes another one */
        one->finished_ms = one->claimed_ms = line->at_ms;
    } else if (strcmp(action, "check") == 0 && line->has_id) { /* the supervisor's, not a step of a list */
        stop(one, "checked", line->at_ms);
    } else if (strcmp(action, "check") == 0 && strcmp(line->who, "heliograph") == 0) {
        take_look(ledger, one, line);
    } else if (strcmp(action, "arrive") == 0 || strcmp(action, "start") == 0) {
        stop(one, "arrived", line->at_ms);
        stop(one, "response", line->at_ms); /* who stands there has answered */
    } else if (strcmp(action, "pause") == 0) {
        add_stop(ledger, one, line->reason, line->at_ms, INT64_MAX);
        one->paused = true;
    } else if (strcmp(action, "resume") == 0) {
        end_pause(one, line->at_ms);
    } else if (strcmp(action, "reopen") == 0) {
        if (strcmp(line->who, "heliograph") != 0) { /* the server itself reopens what was never proved */
            add_stop(ledger, one, "closed", one->closed_ms, line->at_ms);
        }
        one->appointment = false;
        one->closed_ms = 0;
        restart(one);
    }
}

/* The hold of the plan; longer when the link was lost, or the past comes late. When it had passed already, the same turn
 * may have ended it. */
static int64_t hold_end(struct ledger *ledger, struct sql *sql, const struct case_ *one, const struct line *line)
{
    struct yaml_node *items = yaml_find(ledger->company->plans[one->plan], "items");
    const char *words = value_of(yaml_find(yaml_find(items, "hold"), "cleared"));
    int64_t shown_ms = sql_find_int(sql, 0, "SELECT hold_until_ms FROM ticket WHERE id = ?1", "i", one->row);
    int64_t least_ms = line->at_ms + (words ? exact_ms(words) : 0);

    if (shown_ms && shown_ms < least_ms) {
        ledger_wrong(ledger, "%s: its hold is %lld s too short", one->number, (long long)(least_ms - shown_ms) / 1000);
    }
    return shown_ms ? shown_ms : least_ms;
}

static void take_life(struct ledger *ledger, struct sql *sql, struct case_ *one, const struct line *line)
{
    const char *action = line->action;

    if (strcmp(action, "regrade") == 0 && line->grade) { /* without a grade: it was that already */
        regrade(ledger, one, line->grade, line->at_ms);
    } else if (strcmp(action, "clear") == 0) {
        one->clears++;
        one->cleared_ms = line->at_ms;
        one->clear_heard_ms = line->stored_ms;
        stop(one, "restored", line->at_ms); /* the service is back when it is back: no hold */
        one->hold_until_ms = hold_end(ledger, sql, one, line);
    } else if (strcmp(action, "relapse") == 0) {
        one->relapses++;
        restart(one);
    } else if (strcmp(action, "restored") == 0) {
        restore(ledger, one, line->at_ms);
    } else if (strcmp(action, "close") == 0) {
        if (strcmp(line->who, "heliograph") == 0 && (one->touched || line->at_ms < one->cleared_ms + 7 * DAY)) {
            ledger_wrong(ledger, "%s was closed by itself too soon", one->number);
        }
        close_case(ledger, one, line->at_ms);
    }
}

static void take(struct ledger *ledger, struct sql *sql, const struct line *line)
{
    struct case_ *one = ledger_case(ledger, line->ticket);
    bool changed, back;

    ledger->lines++;
    if (!one) {
        one = begin(ledger, sql, line->ticket, line->at_ms);
        one->touched = strcmp(line->who, "heliograph") != 0;
        if (ledger->opened) {
            ledger->opened(ledger->context, one);
        }
        return;
    }
    one->rewritten = one->rewritten || (line->at_ms < line->stored_ms && strcmp(line->who, "heliograph") != 0);
    if (strcmp(line->action, "diagnose") == 0) {
        read_fault(sql, one);
    }
    /* what comes back is owed again before it is judged anew */
    back = strcmp(line->action, "reopen") == 0 || strcmp(line->action, "relapse") == 0;
    changed = strcmp(line->action, "propose") != 0 && read_words(sql, one); /* it comes before the line that it is for */
    if (changed && !back) {
        judge_limits(ledger, one, line->at_ms);
    }
    take_field(ledger, one, line);
    take_life(ledger, sql, one, line);
    if (changed && back) { /* that one more visit makes it complex is known from when it is known to be back */
        judge_limits(ledger, one, line->stored_ms);
    }
    one->touched = one->touched || strcmp(line->who, "heliograph") != 0;
}

/* ------------------------------------------------------------------ the lines of alarms */

/* The plan says which services' outage runs a clock. */
static bool is_listed(struct ledger *ledger, const struct case_ *one, const char *service)
{
    struct yaml_node *list =
        yaml_find(yaml_find(yaml_find(ledger->company->plans[one->plan], "clocks"), "grade"), "g1_outage_services");

    list = list ? yaml_find(list, "value") : NULL;
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        if (strcmp(node->text, service) == 0) {
            return true;
        }
    }
    return false;
}

static void read_alarms(struct ledger *ledger, struct sql *sql)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT e.id, e.kind, e.at_ms, e.stored_ms, e.data, a.ticket, a.fault, e.id = (SELECT MIN(f.id) FROM alarm_event f"
             " WHERE f.alarm = a.id) FROM alarm_event e JOIN alarm a ON a.id = e.alarm WHERE e.id > ?1 ORDER BY e.id",
             "i", ledger->last_alarm_event);
    while (sql_next(&rows)) {
        const char *kind = sql_text(&rows, 1), *data = sql_null(&rows, 4) ? "" : sql_text(&rows, 4);
        const char *service = company_service(ledger->company, sql_text(&rows, 6));
        struct case_ *one = ledger_case(ledger, sql_int(&rows, 5));
        int from = 0, to = 0;

        ledger->last_alarm_event = sql_int(&rows, 0);
        if (one && strcmp(kind, "raise") == 0 && sql_int(&rows, 7) && service && is_listed(ledger, one, service)) {
            start(ledger, one, "interrupted", sql_int(&rows, 3)); /* from when the server knows */
        } else if (one && strcmp(kind, "regrade") == 0 && sscanf(data, "{\"from\":%d,\"to\":%d}", &from, &to) == 2 &&
                   to > from) {
            stop(one, "restored", sql_int(&rows, 2)); /* milder: no interruption any more */
        } else if (one && strcmp(kind, "clear") == 0) {
            one->gone_ms = sql_int(&rows, 2);
        }
    }
    if (sql_end(&rows)) {
        ledger_wrong(ledger, "the lines of alarms cannot be read: %s", sql_why(sql));
    }
}

void ledger_read(struct ledger *ledger, struct sql *sql, int64_t now_ms)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT id, ticket, at_ms, stored_ms, who, action, action_id, data, note FROM ticket_event WHERE id > ?1"
             " ORDER BY id",
             "i", ledger->last_event);
    while (sql_next(&rows)) {
        char who[64], action[40], reason[24] = "", note[40];
        const char *data = sql_text(&rows, 7), *to = data ? strstr(data, "\"to\":") : NULL;
        struct line line = {sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3), who, action,
                            !sql_null(&rows, 6), to ? atoi(to + 5) : 0, reason,
                            data && strstr(data, "\"appointment\"") != NULL, note};

        snprintf(who, sizeof(who), "%s", sql_text(&rows, 4));
        snprintf(action, sizeof(action), "%s", sql_text(&rows, 5));
        snprintf(note, sizeof(note), "%.39s", sql_null(&rows, 8) ? "" : sql_text(&rows, 8));
        data = data ? strstr(data, "\"reason\":\"") : NULL;
        if (data) {
            snprintf(reason, sizeof(reason), "%.*s", (int)strcspn(data + 10, "\""), data + 10);
        }
        if (line.stored_ms > now_ms) {
            ledger_wrong(ledger, "a line from the future");
        }
        ledger->last_event = sql_int(&rows, 0);
        take(ledger, sql, &line);
    }
    if (sql_end(&rows)) {
        ledger_wrong(ledger, "the time lines cannot be read: %s", sql_why(sql));
    }
    read_alarms(ledger, sql);
}

/* ------------------------------------------------------------------ against what the API shows */

static int64_t instant(const struct cJSON *object, const char *name)
{
    int64_t ms;
    const char *words = json_text_or(object, name, NULL);

    return words && !civil_read_instant(words, &ms) ? ms : -1;
}

static void compare_time(struct ledger *ledger, const struct case_ *one, const struct clock_case *clock,
                         const char *what, int64_t server_ms, int64_t witness_ms)
{
    if (server_ms != witness_ms) {
        ledger_wrong(ledger, "%s (%s, %s, grade %d %c, %s): %s: %s is %lld s off the witness (%lld, %lld)", one->number,
                     one->kind, plan_ids[one->plan], one->grade, one->level, minutes_of(ledger, one)->zone, clock->kind,
                     what, (long long)((server_ms - witness_ms) / 1000), (long long)server_ms, (long long)witness_ms);
    }
}

static void compare_clock(struct ledger *ledger, const struct case_ *one, const struct clock_case *clock,
                          const struct cJSON *shown, int64_t now_ms)
{
    struct stop stops[STOPS_MOST];
    bool met = clock->met_ms >= 0, cancelled = clock->cancelled_ms >= 0;
    bool still = one->hold_until_ms && (strstr(work_stops, clock->stop) || strcmp(clock->stop, "cleared") == 0);
    bool held = one->paused && holds(ledger, one, one->reasons[one->stop_count - 1], clock->kind);
    int64_t end_ms = cancelled ? clock->cancelled_ms : met ? clock->met_ms : still ? one->cleared_ms : now_ms;
    int count = stops_until(ledger, one, clock->kind, end_ms, stops);
    int64_t due_ms = due_until(ledger, one, clock, end_ms);
    bool breached = !cancelled && end_ms > due_ms && end_ms >= clock->promised_ms;
    int64_t missed_ms = due_ms > clock->promised_ms ? due_ms : clock->promised_ms;
    const char *state = cancelled ? "cancelled" : breached ? "breached" : met ? "met" : held ? "paused" : "running";

    ledger->compared++;
    if (due_ms == MINUTES_BEYOND) {
        return; /* after the year that the witness knows */
    }
    compare_time(ledger, one, clock, "started_at", instant(shown, "started_at"), clock->started_ms);
    compare_time(ledger, one, clock, "due_at", instant(shown, "due_at"), due_ms);
    compare_time(ledger, one, clock, "met_at", instant(shown, "met_at"), clock->met_ms);
    compare_time(ledger, one, clock, "breached_at", instant(shown, "breached_at"), breached ? missed_ms : -1);
    compare_time(ledger, one, clock, "paused", json_int_or(shown, "paused", -1) * 1000,
                 minutes_stopped(clock->started_ms, end_ms, stops, count));
    if (strcmp(json_text_or(shown, "state", ""), state) != 0) {
        ledger_wrong(ledger, "%s: %s is %s, the witness says %s", one->number, clock->kind,
                     json_text_or(shown, "state", ""), state);
    }
}

static void compare_clocks(struct ledger *ledger, const struct case_ *one, const struct cJSON *ticket, int64_t now_ms)
{
    for (int i = 0; i < one->clock_count; i++) {
        const struct cJSON *shown = json_first(json_field(ticket, "clocks"));
        int before = one->clocks[i].occurrence;

        while (shown && (strcmp(json_text_or(shown, "kind", ""), one->clocks[i].kind) != 0 || before-- > 0)) {
            shown = json_next(shown);
        }
        if ((shown != NULL) != one->clocks[i].exists) {
            ledger_wrong(ledger, "%s (%s, %s): the clock %s is %s", one->number, one->kind, plan_ids[one->plan],
                         one->clocks[i].kind, shown ? "there and should not be" : "not there");
        } else if (shown) {
            compare_clock(ledger, one, &one->clocks[i], shown, now_ms);
        }
    }
}

void ledger_compare(struct ledger *ledger, struct sql *sql, struct rules *rules, struct case_ *one, int64_t now_ms)
{
    struct json_out out = json_out(4 << 20);
    const struct cJSON *ticket;
    struct arena *arena;
    const char *why;

    if (arena_open(8 << 20, &arena)) {
        abort();
    }
    if (view_ticket(sql, rules, one->row, ROLE_ADMIN, now_ms, &out) || json_parse(arena, out.bytes, out.size, &ticket, &why)) {
        ledger_wrong(ledger, "%s cannot be shown", one->number);
    } else {
        compare_clocks(ledger, one, ticket, now_ms);
        if (json_int_or(ticket, "grade", 0) != one->grade) {
            ledger_wrong(ledger, "%s has grade %lld, its lines say %d", one->number,
                         (long long)json_int_or(ticket, "grade", 0), one->grade);
        }
    }
    json_out_free(&out);
    arena_close(arena);
}

void ledger_free(struct ledger *ledger)
{
    free(ledger->cases);
}
