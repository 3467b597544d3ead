/* A fault in: alarms raised, regraded and cleared, each merged into the one ticket of its cause. */
#include "server/desk/closure.h"
#include "server/case/outage.h"
#include "server/desk/desk_int.h"

#include <string.h>

#include "server/case/grade.h"
#include "server/case/proof.h"
#include "server/fleet/orders.h"
#include "server/store/metrics.h"

#define RESET_VALID_MS (7 * 86400000LL) /* an agent that is away gets it when it is back */

static void cause_key(const struct place *place, const char *fault, struct text *to)
{
    text_addf(to, "fault:%s:%s", place->name, fault);
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

enum err alarm_open_ticket(struct office *office, struct sql *sql, const struct place *place,
                           const struct desk_fault *fault, int64_t alarm, int64_t now_ms)
{
    TEXT(key, 256);
    int64_t ticket, pending;
    struct ticket loaded;
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
    if (!err && place->profile && profile_fault(place->profile, fault->fault) >= 0) {
        err = outage_begin(office, sql, ticket, &place->profile->faults[profile_fault(place->profile, fault->fault)],
                           now_ms); /* G-23: from when the server knows, as all clocks of a fault */
    }
    if (!err) {
        err = sql_run(sql, "UPDATE alarm SET ticket = ?2 WHERE id = ?1", "ii", alarm, ticket);
    }
    if (!err) {
        err = ticket_load(office, sql, ticket, &loaded);
    }
    return err ? err : proof_claim_earlier(sql, &loaded);
}

/* The alarm first, so that whoever tells of the ticket finds it; then its ticket, unless a window or a person keeps
 * it from being one; then whether people are told. */
static enum err raise_alarm(struct office *office, struct sql *sql, const struct place *place,
                            const struct desk_fault *fault, int64_t now_ms)
{
    struct alarm alarm = {.equipment = fault->equipment, .grade = fault->grade, .onset_ms = fault->onset_ms,
                          .detected_ms = fault->detected_ms, .late = fault->late};
    struct hiding hiding;
    enum err err = text_copy(alarm.fault, sizeof(alarm.fault), fault->fault);

    if (!err) {
        err = alarm_insert(sql, &alarm, fault->evidence, now_ms);
    }
    if (!err) {
        err = hiding_find(sql, place->profile, fault->equipment, fault->fault, now_ms, &hiding);
    }
    if (!err && !hiding.window && !hiding.out_of_service && !hiding.suppressed) {
        err = alarm_open_ticket(office, sql, place, fault, alarm.id, now_ms);
    }
    if (err) {
        return err;
    }
    metric_add(METRIC_ALARMS, 1);
    return announce_alarm(office, sql, alarm.id, now_ms);
}

static enum err regrade_alarm(struct office *office, struct sql *sql, int64_t id,
                              const struct desk_fault *fault, int64_t now_ms)
{
    struct alarm alarm;
    struct ticket ticket;
    TEXT(data, 64);
    enum err err = alarm_load(sql, id, &alarm);

    if (err || alarm.grade == fault->grade) {
        return err;
    }
    text_addf(&data, "{\"from\":%d,\"to\":%d}", alarm.grade, fault->grade);
    err = sql_run(sql, "UPDATE alarm SET grade = ?2 WHERE id = ?1", "ii", id, (int64_t)fault->grade);
    if (!err) {
        err = alarm_say(sql, id, &(struct alarm_line){.kind = "regrade", .at_ms = fault->t_ms, .data = data.at}, now_ms);
    }
    if (!err && alarm.ticket) {
        err = ticket_load(office, sql, alarm.ticket, &ticket);
        if (!err && !ticket.closed_ms) {
            err = grade_follow(office, sql, &ticket, alarm.grade, fault->grade, fault->t_ms, now_ms);
        }
        if (!err && fault->grade > alarm.grade) { /* milder: its service is not interrupted any more */
            err = clocks_stop(sql, alarm.ticket, PLAN_RESTORED, fault->t_ms);
        }
    }
    /* what was held when it was small may be told now */
    return err || alarm.announced_ms || fault->grade > alarm.grade ? err : announce_alarm(office, sql, id, now_ms);
}

/* It rises again while it was kept open for its chattering; long after it fell silent it is a new occurrence. */
static enum err raise_again(struct office *office, struct sql *sql, const struct place *place,
                            const struct desk_fault *fault, int64_t id, int64_t now_ms)
{
    const struct alarm_rules *rules = place->plan ? &place->plan->alarms : &alarm_rules_usual;
    struct alarm alarm;
    enum err err = alarm_load(sql, id, &alarm);

    if (err || !alarm.quiet_ms) {
        return err ? err : regrade_alarm(office, sql, id, fault, now_ms); /* told twice */
    }
    if (fault->onset_ms - alarm.quiet_ms >= rules->chatter_quiet_ms) {
        err = alarm_end(office, sql, &alarm, alarm.quiet_ms, now_ms);
        return err ? err : raise_alarm(office, sql, place, fault, now_ms);
    }
    err = sql_run(sql, "UPDATE alarm SET quiet_ms = NULL, next_ms = NULL, rises = rises + 1 WHERE id = ?1", "i", id);
    if (!err) { /* a repair that waited for the silence is judged anew */
        err = sql_run(sql, "UPDATE repair SET next_ms = ?2 WHERE ticket = ?1 AND outcome IS NULL AND next_ms > ?2", "ii",
                      alarm.ticket, now_ms);
    }
    if (!err) {
        err = alarm_say(sql, id, &(struct alarm_line){.kind = "raise", .at_ms = fault->onset_ms, .data = fault->evidence},
                        now_ms);
    }
    return err ? err : regrade_alarm(office, sql, id, fault, now_ms);
}

enum err alarm_end(struct office *office, struct sql *sql, const struct alarm *alarm, int64_t cleared_ms,
                   int64_t now_ms)
{
    struct ticket ticket;
    enum err err = sql_run(sql,
                           "UPDATE alarm SET cleared_ms = ?2, quiet_ms = NULL, next_ms = NULL WHERE id = ?1", "ii",
                           alarm->id, cleared_ms);

    if (!err) {
        err = alarm_say(sql, alarm->id, &(struct alarm_line){.kind = "clear", .at_ms = cleared_ms}, now_ms);
    }
    if (!err) { /* what it inhibited by design may stand by itself */
        err = alarm_look_again(sql, alarm->equipment, NULL, now_ms);
    }
    if (!err && alarm->ticket) {
        err = ticket_load(office, sql, alarm->ticket, &ticket);
        if (!err && !ticket.closed_ms) {
            err = ticket_cleared(office, sql, &ticket, cleared_ms, now_ms);
        }
    }
    return err;
}

#define RISES_MOST 100 /* chatter.count is not larger */

static enum err clear_alarm(struct office *office, struct sql *sql, const struct place *place, int64_t id,
                            const struct desk_fault *fault, int64_t now_ms)
{
    const struct alarm_rules *rules = place->plan ? &place->plan->alarms : &alarm_rules_usual;
    int64_t rises[RISES_MOST];
    struct alarm alarm;
    enum err err = alarm_load(sql, id, &alarm);

    if (err || alarm.quiet_ms) {
        return err; /* told twice */
    }
    if (!alarm_chatters(rules, rises, alarm_rises(sql, alarm.equipment, alarm.fault, rises, RISES_MOST))) {
        return alarm_end(office, sql, &alarm, fault->cleared_ms, now_ms);
    }
    err = sql_run(sql, "UPDATE alarm SET quiet_ms = ?2, next_ms = ?3 WHERE id = ?1", "iii", id, fault->cleared_ms,
                  fault->cleared_ms + rules->chatter_quiet_ms);
    if (!err) {
        err = alarm_say(sql, id, &(struct alarm_line){.kind = "chattering", .at_ms = fault->cleared_ms,
                                                      .note = "kept open until it has been quiet"},
                        now_ms);
    }
    return err;
}

enum err desk_fault(struct desk *desk, struct sql *sql, const struct desk_fault *fault,
                    int64_t now_ms)
{
    struct office *office = &desk->office;
    struct place place;
    int64_t alarm = alarm_active(sql, fault->equipment, fault->fault);
    enum err err;

    arena_reset(office->arena);
    err = place_find(office, sql, fault->equipment, 0, now_ms, &place);
    if (!err && fault->late && place.agent) {
        err = desk_backlog(desk, sql, place.agent, now_ms);
    }
    if (err) {
        return err;
    }
    switch (fault->state) {
    case FAULT_RAISED:
        err = alarm ? raise_again(office, sql, &place, fault, alarm, now_ms)
                    : raise_alarm(office, sql, &place, fault, now_ms);
        break;
    case FAULT_REGRADED:
        err = alarm ? regrade_alarm(office, sql, alarm, fault, now_ms) : ERR_OK;
        break;
    case FAULT_CLEARED:
        err = alarm ? clear_alarm(office, sql, &place, alarm, fault, now_ms) : ERR_OK;
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
