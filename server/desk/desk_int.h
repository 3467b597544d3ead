/* What the files of the desk share among themselves. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/json.h"
#include "models/service/plan.h"
#include "models/service/sla.h"
#include "models/service/ticket.h"
#include "models/service/warranty.h"
#include "server/desk/desk.h"

#define DESK_NEVER INT64_MAX

struct desk {
    struct desk_options options;
    struct arena *arena; /* of one call; emptied at its end */
    int64_t visits_next_ms;
    bool step_failed; /* in this turn */
};

/* Where a piece of equipment stands and what was promised for it. Texts live in desk->arena. */
struct place {
    int64_t equipment, agent, site, calendar; /* row ids; 0: none */
    const char *name, *title;
    const char *site_title, *time_zone;
    const struct profile *profile; /* NULL: unknown */
    const struct plan *plan;       /* NULL only when the server has no plan at all */
    char level;                    /* A B C */
    bool remote_area, claimed;
    struct warranty_dates dates;
};

/* equipment 0: only the site is known (or nothing: site 0). ERR_NOT_FOUND. */
enum err place_find(struct desk *desk, struct sql *sql, int64_t equipment, int64_t site,
                    int64_t now_ms, struct place *ret_place) MUST_CHECK;
/* The civil day of an instant at the place. */
int32_t place_day(struct desk *desk, const struct place *place, int64_t ms);

/* A ticket's row, as far as rules need it. Texts live in desk->arena. */
struct ticket {
    int64_t id, equipment, agent, site, calendar;
    const char *number, *kind, *fault, *cause_key, *plan, *time_zone;
    const char *title_en, *title_zh;
    int grade;
    char level;
    enum ticket_state state;
    int64_t registered_ms, cleared_ms, hold_until_ms, closed_ms; /* 0: not */
    bool late, quote_open, consent_needed, consent_given, paused;
};

enum err ticket_load(struct desk *desk, struct sql *sql, int64_t id,
                     struct ticket *ret_ticket) MUST_CHECK;
/* The open ticket of a cause: its id, or 0. */
int64_t ticket_of_cause(struct sql *sql, const char *cause_key);

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
};

enum err ticket_open(struct desk *desk, struct sql *sql, const struct place *place,
                     const struct ticket_new *what, int64_t now_ms, int64_t *ret_id) MUST_CHECK;
/* A caller said that something is wrong with the equipment, and now telemetry says what: the same
 * ticket goes on as that fault's. */
enum err ticket_adopt(struct desk *desk, struct sql *sql, const struct place *place,
                      const struct ticket_new *what, int64_t now_ms, int64_t id) MUST_CHECK;
enum err ticket_set_state(struct sql *sql, int64_t ticket, enum ticket_state state) MUST_CHECK;
/* A line of the time line. data: JSON or NULL. ERR_EXISTS when action_id is there already. */
enum err ticket_line(struct sql *sql, int64_t ticket, int64_t at_ms, int64_t now_ms,
                     const char *who, const char *action, const char *action_id, const char *note,
                     const char *data) MUST_CHECK;
enum err ticket_regrade(struct desk *desk, struct sql *sql, struct ticket *ticket, int grade,
                        const char *who, const char *reason, const char *action_id,
                        int64_t at_ms, int64_t now_ms) MUST_CHECK;
/* The fault is gone since cleared_ms: provisional until the hold has passed. */
enum err ticket_cleared(struct desk *desk, struct sql *sql, struct ticket *ticket,
                        int64_t cleared_ms, int64_t now_ms) MUST_CHECK;
enum err ticket_relapsed(struct desk *desk, struct sql *sql, struct ticket *ticket, int64_t at_ms,
                         int64_t now_ms) MUST_CHECK;
/* The end: what runs is given up, open orders that nobody began are cancelled. The state and the line
 * of the time line are written too. */
enum err ticket_close(struct desk *desk, struct sql *sql, struct ticket *ticket, const char *who,
                      const char *resolution, const char *action_id, int64_t at_ms,
                      int64_t now_ms) MUST_CHECK;
/* Tells the world that the ticket changed (stream, ETag). */
enum err ticket_changed(struct sql *sql, int64_t ticket, int64_t now_ms) MUST_CHECK;
/* Notices about a ticket to every configured channel; step makes the key. */
enum err ticket_tell(struct desk *desk, struct sql *sql, const struct ticket *ticket,
                     const char *step, const char *sentence, int64_t now_ms) MUST_CHECK;

/* Clocks whose start is `start` begin at at_ms; those that run already stay. */
/* A person lets a latching fault clear. ERR_STATE with why: there is none of that ticket. */
enum err alarm_reset(struct desk *desk, struct sql *sql, const struct ticket *ticket, int64_t now_ms,
                     struct text *why) MUST_CHECK;
enum err clocks_start(struct desk *desk, struct sql *sql, const struct ticket *ticket,
                      enum plan_start start, int64_t at_ms) MUST_CHECK;
/* Clocks that stop on `stop` are met at at_ms (once). */
enum err clocks_stop(struct sql *sql, int64_t ticket, enum plan_stop stop,
                     int64_t at_ms) MUST_CHECK;
/* Relapse, re-open: the fault has to be cleared again, and what was given up is owed again. */
enum err clocks_restart(struct sql *sql, int64_t ticket) MUST_CHECK;
/* The limits after a change of grade. */
enum err clocks_regrade(struct desk *desk, struct sql *sql, const struct ticket *ticket) MUST_CHECK;
/* What runs still is given up; what was breached stays so. work_only: only what a visit was for. */
enum err clocks_cancel(struct sql *sql, int64_t ticket, int64_t at_ms, bool work_only) MUST_CHECK;
/* Notices warnings and breaches that are due; writes ticket.next_ms. */
enum err clocks_judge(struct desk *desk, struct sql *sql, const struct ticket *ticket,
                      int64_t now_ms) MUST_CHECK;

/* The corrective work order of a ticket, proposed to the team that fits best. rule, before: may be
 * NULL. */
enum err dispatch_propose(struct desk *desk, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct fault_rule *rule, const char *before,
                          int64_t now_ms) MUST_CHECK;
/* The proposal again, now that the fault is known; nothing when somebody has it in hand. */
enum err dispatch_refresh(struct desk *desk, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct fault_rule *rule, const char *before,
                          int64_t now_ms) MUST_CHECK;
/* One more for a ticket whose order was done or cancelled; none when one is still open. */
enum err dispatch_again(struct desk *desk, struct sql *sql, const struct ticket *ticket,
                        int64_t now_ms) MUST_CHECK;
/* The team for a site and a skill (may be NULL): row id or 0, and why none or none better. */
int64_t dispatch_team(struct desk *desk, struct sql *sql, const struct place *place,
                      const char *skill, int64_t now_ms, struct text *why);
/* The time that a client says an action was done at, between `least_ms` (0: no bound) and now, with
 * room for clocks that differ a little. ERR_FORMAT with why. */
enum err action_time(int64_t said_ms, int64_t least_ms, int64_t now_ms, int64_t *ret_at_ms,
                     struct text *why) MUST_CHECK;
/* Parts taken from stock for a work order: booked once, never below nothing. */
enum err parts_use(struct sql *sql, int64_t order, const struct cJSON *body, const char *action_id,
                   int64_t now_ms, struct text *why) MUST_CHECK;

enum err link_turn(struct desk *desk, struct sql *sql, int64_t now_ms, int64_t *io_next_ms);
enum err visits_turn(struct desk *desk, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* Visits of one piece of equipment up to 15 months (and a margin) ahead. */
enum err visits_plan(struct desk *desk, struct sql *sql, int64_t equipment,
                     int64_t now_ms) MUST_CHECK;
