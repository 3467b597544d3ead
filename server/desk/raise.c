/* A fault in: alarms raised, regraded and cleared, each merged into the one ticket of its cause. */
#include "server/desk/closure.h"
#include "server/desk/desk_int.h"

#include <string.h>

#include "server/case/grade.h"
#include "server/fleet/orders.h"
#include "server/store/metrics.h"

#define RESET_VALID_MS (7 * 86400000LL) /* an agent that is away gets it when it is back */

static void cause_key(const struct place *place, const char *fault, struct text *to)
{
    text_addf(to, "fault:%s:%s", place->name, fault);
}

static int64_t open_alarm(struct sql *sql, const struct desk_fault *fault)
{
    return sql_find_int(
        sql, 0,
        "SELECT id FROM alarm WHERE equipment = ?1 AND fault = ?2 AND cleared_ms IS NULL", "it",
        fault->equipment, fault->fault);
}

/* A new ticket, or the one of a caller who could not say what is wrong. */
static enum err open_new(struct office *office, struct sql *sql, const struct place *place,
                         const struct desk_fault *fault, const char *key, int64_t now_ms,
                         int64_t *ret_ticket)
{
    TEXT(nameless, 256);
    int index = place->profile ? profile_fault(place->profile, fault->fault) : -1;
    const struct fault_rule *rule = index < 0 ? NULL : &place->profile->faults[index];
    struct ticket_new what = {
        .cause_key = key,
        .kind = "fault",
        .fault = fault->fault,
        .grade = fault->grade,
        .onset_ms = fault->onset_ms,
        .detected_ms = fault->detected_ms,
        .late = fault->late,
        .rule = rule,
        .domain = "hardware",
        .component = strcmp(fault->fault, "device_silent") == 0 ? "electrical" : NULL,
        .title = rule ? rule->title
                 : strcmp(fault->fault, "device_silent") == 0
                     ? (struct words2){"The controller does not answer", "控制器无应答"}
                     : (struct words2){fault->fault, fault->fault},
        .evidence = fault->evidence,
        .who = "heliograph",
    };

    cause_key(place, "", &nameless);
    *ret_ticket = ticket_of_cause(sql, nameless.at);
    return *ret_ticket ? ticket_adopt(office, sql, place, &what, now_ms, *ret_ticket)
                       : ticket_open(office, sql, place, &what, now_ms, ret_ticket);
}

/* The open ticket of the cause meets the fault again. */
static enum err join(struct office *office, struct sql *sql, const struct desk_fault *fault, int64_t id,
                     int64_t now_ms)
{
    struct ticket ticket;
    int worst;
    enum err err = ticket_load(office, sql, id, &ticket);

    if (!err && ticket.cleared_ms) {
        ticket.late = fault->late;
        err = ticket_relapsed(office, sql, &ticket, fault->onset_ms, now_ms);
        if (!err) {
            err = closure_again(office, sql, &ticket, now_ms);
        }
    }
    worst = grade_of(&ticket, fault->grade);
    if (!err && worst < ticket.grade) {
        err = ticket_regrade(office, sql, &ticket, worst, "heliograph", "telemetry", NULL, fault->t_ms,
                             now_ms);
    }
    return err;
}

/* A ticket that was closed before telemetry could prove it opens again under its number. */
static enum err come_back(struct office *office, struct sql *sql, const struct desk_fault *fault, int64_t id,
                          int64_t now_ms)
{
    struct ticket ticket;
    enum err err = ticket_load(office, sql, id, &ticket);

    ticket.late = fault->late;
    return err ? err
               : closure_reopen(office, sql, &ticket, fault->onset_ms > ticket.closed_ms ? fault->onset_ms : now_ms,
                                now_ms, "the fault came back");
}

static enum err raise_alarm(struct office *office, struct sql *sql, const struct place *place,
                            const struct desk_fault *fault, int64_t now_ms)
{
    TEXT(key, 256);
    int64_t ticket, pending;
    enum err err;

    cause_key(place, fault->fault, &key);
    ticket = ticket_of_cause(sql, key.at);
    pending = ticket ? 0 : closure_pending(sql, key.at);
    if (pending) {
        err = come_back(office, sql, fault, pending, now_ms);
        if (err) {
            return err;
        }
        ticket = pending;
    }
    err = ticket ? join(office, sql, fault, ticket, now_ms)
                 : open_new(office, sql, place, fault, key.at, now_ms, &ticket);
    if (err) {
        return err;
    }
    metric_add(METRIC_ALARMS, 1);
    return sql_run(sql,
                   "INSERT INTO alarm (equipment, fault, grade, onset_ms, detected_ms,"
                   " registered_ms, late, evidence, ticket) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                   " ?8, ?9)",
                   "itiiiiiti", fault->equipment, fault->fault, (int64_t)fault->grade,
                   fault->onset_ms, fault->detected_ms, now_ms, (int64_t)fault->late,
                   fault->evidence, ticket);
}

static enum err regrade_alarm(struct office *office, struct sql *sql, int64_t alarm,
                              const struct desk_fault *fault, int64_t now_ms)
{
    int64_t id = sql_find_int(sql, 0, "SELECT ticket FROM alarm WHERE id = ?1", "i", alarm);
    int64_t before = sql_find_int(sql, 0, "SELECT grade FROM alarm WHERE id = ?1", "i", alarm);
    struct ticket ticket;
    enum err err = sql_run(sql, "UPDATE alarm SET grade = ?2 WHERE id = ?1", "ii", alarm,
                           (int64_t)fault->grade);

    if (!err) {
        err = ticket_load(office, sql, id, &ticket);
    }
    if (!err && !ticket.closed_ms) {
        err = grade_follow(office, sql, &ticket, (int)before, fault->grade, fault->t_ms, now_ms);
    }
    return err;
}

static enum err clear_alarm(struct office *office, struct sql *sql, int64_t alarm,
                            const struct desk_fault *fault, int64_t now_ms)
{
    int64_t id = sql_find_int(sql, 0, "SELECT ticket FROM alarm WHERE id = ?1", "i", alarm);
    struct ticket ticket;
    enum err err = sql_run(sql, "UPDATE alarm SET cleared_ms = ?2 WHERE id = ?1", "ii", alarm,
                           fault->cleared_ms);

    if (!err) {
        err = ticket_load(office, sql, id, &ticket);
    }
    if (!err && !ticket.closed_ms) {
        err = ticket_cleared(office, sql, &ticket, fault->cleared_ms, now_ms);
    }
    return err;
}

enum err desk_fault(struct desk *desk, struct sql *sql, const struct desk_fault *fault,
                    int64_t now_ms)
{
    struct office *office = &desk->office;
    struct place place;
    int64_t alarm = open_alarm(sql, fault);
    enum err err = ERR_OK;

    arena_reset(office->arena);
    switch (fault->state) {
    case FAULT_RAISED:
        if (alarm) { /* told twice, or its clearing was given up: the same alarm goes on */
            err = regrade_alarm(office, sql, alarm, fault, now_ms);
            break;
        }
        err = place_find(office, sql, fault->equipment, 0, now_ms, &place);
        if (!err) {
            err = raise_alarm(office, sql, &place, fault, now_ms);
        }
        break;
    case FAULT_REGRADED:
        if (alarm) {
            err = regrade_alarm(office, sql, alarm, fault, now_ms);
        }
        break;
    case FAULT_CLEARED:
        if (alarm) {
            err = clear_alarm(office, sql, alarm, fault, now_ms);
        }
        break;
    }
    return err ? err : status_refresh(office, sql, fault->equipment, now_ms);
}

/* An agent that grades for itself holds the latch: it is asked to let go. */
static enum err ask_agent(struct sql *sql, const struct ticket *ticket, int64_t now_ms)
{
    int64_t agent = sql_find_int(sql, 0,
                                 "SELECT a.id FROM equipment e JOIN agent a ON a.id = e.agent WHERE"
                                 " e.id = ?1 AND a.edge = 1",
                                 "i", ticket->equipment);
    struct json_out args = json_out(512);
    char id[33] = "";
    enum err err = ERR_OK;

    if (!agent) {
        return ERR_OK; /* we hold it: ingest/judging.c looks at reset_ms */
    }
    json_open_object(&args);
    json_text(&args, "fault", ticket->fault);
    json_close_object(&args);
    err = args.err ? args.err
                   : orders_give(sql, agent, ticket->equipment, "reset", args.bytes,
                                 now_ms + RESET_VALID_MS, now_ms, id, sizeof(id));
    json_out_free(&args);
    return err;
}

enum err alarm_reset(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t now_ms,
                     struct text *why)
{
    int64_t alarm = sql_find_int(
        sql, 0, "SELECT id FROM alarm WHERE ticket = ?1 AND cleared_ms IS NULL", "i", ticket->id);
    struct place place;
    enum err err;
    int index;

    if (!alarm || !ticket->fault) {
        return text_say(why, ERR_STATE, "there is no open fault to reset");
    }
    err = place_find(office, sql, ticket->equipment, 0, now_ms, &place);
    if (err) {
        return err;
    }
    index = place.profile ? profile_fault(place.profile, ticket->fault) : -1;
    if (index < 0 || !place.profile->faults[index].latching) {
        return text_say(why, ERR_STATE, "%.64s does not latch: it clears by itself", ticket->fault);
    }
    err = sql_run(sql, "UPDATE alarm SET reset_ms = ?2 WHERE id = ?1", "ii", alarm, now_ms);
    return err ? err : ask_agent(sql, ticket, now_ms);
}
