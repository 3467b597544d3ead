/*
 * Alarms as rows: one is an occurrence of a fault on a piece of equipment; what has happened to it stands in
 * alarm_event, a line a step, never changed. All functions run on the committing thread inside the transaction
 * of their cause. Rules are models/service/alarm and announce.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/json.h"
#include "models/base/text.h"
#include "models/service/announce.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

#define ALARM_WORD 65 /* room of an id, with its NUL */

struct alarm {
    int64_t id, equipment, ticket, agent; /* ticket, agent 0: none */
    char fault[ALARM_WORD * 2], area[ALARM_WORD * 2], position[ALARM_WORD];
    int grade;
    int64_t onset_ms, detected_ms, registered_ms, cleared_ms, quiet_ms, announced_ms, acked_ms; /* 0: not */
    int64_t rises;
    bool late;
};

/* ERR_NOT_FOUND. */
enum err alarm_load(struct sql *sql, int64_t id, struct alarm *ret_alarm) MUST_CHECK;
/* The active one of a fault: its id, or 0. */
int64_t alarm_active(struct sql *sql, int64_t equipment, const char *fault);
/* A new row and its line `raise`; area and position are found here; alarm->id is set. */
enum err alarm_insert(struct sql *sql, struct alarm *alarm, const char *evidence, int64_t now_ms) MUST_CHECK;

struct alarm_line {
    const char *kind; /* raise regrade quiet clear acknowledge announced held … */
    const char *who, *outcome, *reason, *action_id, *note, *data; /* NULL: none; data: JSON */
    int64_t at_ms; /* in the alarm's own time; 0: now */
};
/* Also tells the stream. ERR_EXISTS: that action_id was done already. */
enum err alarm_say(struct sql *sql, int64_t alarm, const struct alarm_line *line, int64_t now_ms) MUST_CHECK;
/* Somebody has seen all active or returned alarms of a ticket. */
enum err alarm_seen(struct sql *sql, int64_t ticket, const char *who, int64_t at_ms, int64_t now_ms) MUST_CHECK;
/* Rises of a fault in event time, youngest last; at most most. */
size_t alarm_rises(struct sql *sql, int64_t equipment, const char *fault, int64_t *rises, size_t most);
/* Whatever held an alarm of the equipment may be over: it is looked at again in the next turn. fault NULL: all. */
enum err alarm_look_again(struct sql *sql, int64_t equipment, const char *fault, int64_t now_ms) MUST_CHECK;
/* Where alarms of the equipment are told and together with which: its site's words, else what can be derived. */
enum err alarm_area(struct sql *sql, int64_t equipment, struct text *area, struct text *position) MUST_CHECK;

/* ------------------------------------------------------------------ what hides alarms (hide.c) */

struct hiding { /* of one fault of one piece of equipment, now */
    bool shelved, suppressed, out_of_service; /* by a person */
    bool window, guard, design, parent;
};
/* Nothing, or nothing good, is heard of its inputs: whether it stands still is not known. */
bool alarm_is_unknown(struct sql *sql, struct rules *rules, const struct alarm *alarm, int64_t now_ms);
/* true when, by what was last heard, nobody can say whether the fault has gone: what its rule's clearing hangs on is not
 * good, or (fresh) older than three heartbeats of the point. A fault that is none of the profile's: false. */
bool inputs_unknown(struct sql *sql, struct rules *rules, int64_t equipment, const char *fault, bool fresh,
                    int64_t now_ms);
enum err hiding_find(struct sql *sql, const struct profile *profile, int64_t equipment, const char *fault,
                     int64_t now_ms, struct hiding *ret_hiding) MUST_CHECK;

struct alarm_do { /* what somebody does with an alarm; times and words are checked by the caller */
    enum alarm_action action;
    const char *who, *action_id, *note, *reason;
    enum role role;
    int64_t until_ms; /* 0: without end */
};
/* ERR_FORBIDDEN, ERR_STATE with what is legal. The same action_id again is ERR_OK. */
enum err alarm_do(struct sql *sql, const struct profile *profile, int64_t alarm, const struct alarm_do *what,
                  int64_t now_ms, struct text *why) MUST_CHECK;
/* Shelves whose time is over come down. */
enum err shelves_turn(struct sql *sql, int64_t now_ms) MUST_CHECK;
/* {"kind","fault","since","until","reason","who"} a line: all that keeps alarms of the equipment from people. */
enum err hiding_show(struct sql *sql, const struct profile *profile, int64_t equipment, int64_t now_ms,
                     const struct zone *zone, struct json_out *out) MUST_CHECK;

/* ------------------------------------------------------------------ windows (window.c) */

struct window_new {
    const char *name, *kind, *reason, *who; /* name NULL: one is drawn */
    int64_t from_ms, to_ms;
    int64_t equipment, site, agent; /* exactly one is not 0 */
};
/* ERR_STATE: it overlaps one of the same kind over the same equipment. *ret_id: the row. */
enum err window_create(struct sql *sql, const struct window_new *window, int64_t now_ms, int64_t *ret_id,
                       struct text *why) MUST_CHECK;
/* end: to_ms 0. extend: a later end. The same action_id again is ERR_OK. */
enum err window_end(struct sql *sql, int64_t window, const char *who, const char *action_id, int64_t now_ms,
                    struct text *why) MUST_CHECK;
enum err window_extend(struct sql *sql, int64_t window, int64_t to_ms, const char *who, const char *action_id,
                       int64_t now_ms, struct text *why) MUST_CHECK;
/* true when a window of that kind stands over the equipment. */
bool window_over(struct sql *sql, int64_t equipment, const char *kind, int64_t now_ms);
struct window_seen {
    char name[64], reason[301];
};
/* The window of that kind that stands at some instant of [from_ms, to_ms] over the equipment, or (0) over anything of
 * the site, if there is one. */
enum err window_find(struct sql *sql, int64_t equipment, int64_t site, const char *kind, int64_t from_ms, int64_t to_ms,
                     bool *ret_found, struct window_seen *ret_window) MUST_CHECK;
/* Edges that have come: marks them; calls for each piece of equipment that they touch. */
enum err windows_turn(struct sql *sql, int64_t now_ms, enum err (*touch)(void *context, int64_t equipment),
                      void *context) MUST_CHECK;
enum err window_show(struct sql *sql, int64_t window, int64_t now_ms, const struct zone *zone,
                     struct json_out *out) MUST_CHECK;

/* ------------------------------------------------------------------ who was told (told.c) */

struct told_item { /* something that a position is, or is not, told */
    const char *position, *area, *kind; /* kind: alarm link outage clock regrade area escalation */
    int grade;
    int64_t alarm, ticket; /* 0: none */
};
int told_count(struct sql *sql, const char *position, int64_t span_ms, int64_t now_ms);
bool told_in_flood(struct sql *sql, const char *position);
enum err told_put(struct sql *sql, const struct told_item *item, const char *outcome, const char *reason,
                  int64_t now_ms) MUST_CHECK;
/* The item is told with its area instead: a flood begins or goes on. */
enum err told_group(struct sql *sql, const struct alarm_rules *rules, const struct told_item *item,
                    int64_t now_ms) MUST_CHECK;
/* Something about a ticket that is no alarm of its own (a clock, a grade): is there room for it? */
enum err told_room(struct sql *sql, const struct alarm_rules *rules, const struct told_item *item, int64_t now_ms,
                   bool *ret_room) MUST_CHECK;

struct told_step { /* a notice about a ticket on its way out */
    const char *ticket_kind, *step, *fault;
    int64_t ticket, equipment, agent;
    int grade;
    const struct alarm_rules *rules;
};
/* Whether that step of a fault's or a link's ticket is told; those of other tickets always are. */
enum err told_step(struct sql *sql, const struct told_step *step, int64_t now_ms, bool *ret_tell) MUST_CHECK;

/* How people know of what a ticket is about. HELD: its alarm is kept from them, so they are asked for nothing. */
enum told_way { TOLD_SINGLE, TOLD_GROUPED, TOLD_HELD };
/* *ret_known_ms: since when they do; 0: from the beginning, or not yet. */
enum err told_way(struct sql *sql, const struct told_step *step, int64_t now_ms, enum told_way *ret_way,
                  int64_t *ret_known_ms) MUST_CHECK;
/* A step of an escalation: an item of its position if there is room; else its area stands for it, and of those of `up`
 * (ESCALATION_TO_…) the flood's digest. */
enum err told_escalation(struct sql *sql, const struct told_step *step, unsigned up, int64_t now_ms, bool *ret_single) MUST_CHECK;
/* What waited with an alarm of the ticket (0: of the tickets of the equipment) is looked at again. */
enum err told_wake(struct sql *sql, int64_t ticket, int64_t equipment, int64_t now_ms) MUST_CHECK;

/* When something of this room wants to be looked at; INT64_MAX: nothing. */
int64_t alarm_due(struct sql *sql);

/* ------------------------------------------------------------------ shown (view.c) */

enum err alarm_show(struct sql *sql, struct rules *rules, int64_t alarm, int64_t now_ms, const struct zone *zone,
                    bool events, struct json_out *out) MUST_CHECK;
