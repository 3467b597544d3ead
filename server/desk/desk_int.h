/* What the files of the desk share among themselves. */
#pragma once

#include "server/alarm/alarm.h"
#include "server/case/clocks.h"
#include "server/case/duties.h"
#include "server/case/life.h"
#include "server/case/place.h"
#include "server/case/ticket.h"
#include "server/desk/desk.h"
#include "server/desk/slip.h"
#include "server/field/field.h"
#include "server/money/money.h"

struct desk {
    struct office office;
    int64_t visits_next_ms, plan_next_ms, duties_next_ms, duties_judge_ms;
    int64_t duties_at; /* where raising them has got to; 0: a round begins */
    int64_t rest_until_ms; /* a step failed, it is not tried before */
    int64_t turned_ms;     /* the last turn */
    struct forecast_usual {
        int64_t work_ms, next_ms; /* usual work of an order; when it is looked at again */
    } usual;
    int64_t stock_next_ms, stock_depot, training_next_ms;
    bool step_failed; /* in this turn */
};

struct ticket_new {
    const char *cause_key, *kind, *fault;
    int64_t agent; /* communication */
    int grade;
    int64_t onset_ms, detected_ms;
    bool late;
    struct words2 title;
    const struct fault_rule *rule; /* NULL: none */
    const char *domain, *component; /* used when rule is NULL */
    const char *evidence, *children, *who, *note, *action_id;
    const char *channel;        /* device phone web e-mail …; NULL: device */
    const struct cJSON *report; /* what a caller said; NULL: the equipment or the server says it */
};

enum err ticket_open(struct office *office, struct sql *sql, const struct place *place,
                     const struct ticket_new *what, int64_t now_ms, int64_t *ret_id) MUST_CHECK;
/* A caller said that something is wrong with the equipment, and now telemetry says what: the same
 * ticket goes on as that fault's. */
enum err ticket_adopt(struct office *office, struct sql *sql, const struct place *place,
                      const struct ticket_new *what, int64_t now_ms, int64_t id) MUST_CHECK;
/* The verdict anew, now that somebody knows the component (or the domain: NULL as it was). */
enum err warranty_again(struct office *office, struct sql *sql, const struct ticket *ticket, const char *component,
                        const char *domain, int64_t now_ms) MUST_CHECK;
/* A person lets a latching fault clear. ERR_STATE with why: there is none of that ticket. */
enum err alarm_reset(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t now_ms,
                     struct text *why) MUST_CHECK;

/* Steps of a work order that were answered badly become graded tickets, each once. */
enum err findings_raise(struct office *office, struct sql *sql, int64_t work_order, int64_t now_ms) MUST_CHECK;

/* Inspections on site that are owed: a slice of those whose time has come becomes work orders. */
enum err onsite_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t onsite_due(struct sql *sql); /* OFFICE_NEVER */
/* Remote inspections that are due or answered; what failed becomes tickets; reports. */
enum err inspections_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* A work order has moved: when somebody looked at the equipment, that is what the period owed. */
enum err inspection_on_site(struct sql *sql, int64_t work_order) MUST_CHECK;

/* order_bulletin.c: a planned change for what a bulletin asks of that equipment. */
enum err bulletin_order(struct office *office, struct sql *sql, int64_t bulletin, const struct action *action, int64_t now_ms,
                        struct text *why) MUST_CHECK;

enum err link_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t links_due(struct sql *sql); /* OFFICE_NEVER: none is */
/* The silence of that agent (0: of all) is judged anew: plans or tickets have changed. */
enum err links_again(struct sql *sql, int64_t agent, int64_t now_ms) MUST_CHECK;

/* Forecasts of a slice of the tickets that want one. */
enum err forecast_turn(struct office *office, struct sql *sql, int64_t now_ms, struct forecast_usual *usual) MUST_CHECK;
int64_t forecast_due(struct sql *sql); /* INT64_MAX: never */

/* ------------------------------------------------------------------ alarms: raise.c, announce.c */

/* Its ticket: opened, joined or reopened; the alarm is told which. */
enum err alarm_open_ticket(struct office *office, struct sql *sql, const struct place *place,
                           const struct desk_fault *fault, int64_t alarm, int64_t now_ms) MUST_CHECK;
/* The fault is gone since cleared_ms. */
enum err alarm_end(struct office *office, struct sql *sql, const struct alarm *alarm, int64_t cleared_ms,
                   int64_t now_ms) MUST_CHECK;
/* Whether people are told of an active alarm: decided, written down, done. */
enum err announce_alarm(struct office *office, struct sql *sql, int64_t alarm, int64_t now_ms) MUST_CHECK;
/* The same for a link's ticket, since its agent fell silent at since_ms; several of an area are one outage. */
enum err announce_link(struct office *office, struct sql *sql, int64_t ticket, int64_t agent, int64_t since_ms,
                       const struct alarm_rules *rules, int64_t now_ms) MUST_CHECK;
enum err announce_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;

/* ------------------------------------------------------------------ told_work.c */

/* Customers hear of an order's appointment, or of a unit that is ready or sent. */
enum err told_work(struct office *office, struct sql *sql, int64_t work_order, const struct action *action,
                   int64_t now_ms) MUST_CHECK;
/* … and that somebody will be late. */
enum err told_late_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t told_late_due(const struct office *office, struct sql *sql);
