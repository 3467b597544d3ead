/* Work in the field: who goes, work orders, parts from stock. */
#pragma once

#include "models/service/job.h"
#include "server/case/place.h"
#include "server/case/ticket.h"

/* The corrective work order of a ticket, proposed to the team that fits best. rule, before: may be
 * NULL. */
enum err dispatch_propose(struct office *office, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct fault_rule *rule, const char *before,
                          int64_t now_ms) MUST_CHECK;
/* The proposal again, now that the fault is known; nothing when somebody has it in hand. */
enum err dispatch_refresh(struct office *office, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct fault_rule *rule, const char *before,
                          int64_t now_ms) MUST_CHECK;
/* One more for a ticket whose order was done or cancelled; none when one is still open. A second visit makes the
 * fault complex. */
enum err dispatch_again(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms) MUST_CHECK;
/* The team of whoever should go first (route.h) to a place for a ticket (0: none) with a skill (may be NULL): row id
 * or 0, and why none or none better. */
int64_t dispatch_team(struct office *office, struct sql *sql, const struct place *place, int64_t ticket,
                      const char *skill, int64_t now_ms, struct text *why);

struct work_new { /* what is not known is 0 or NULL */
    enum job_kind kind;
    const struct job *job; /* NULL: the one that fits best */
    const struct profile *profile;
    const struct fault_rule *rule;
    int64_t ticket, visit, equipment, site, team, technician, from_ms, to_ms, parent;
    const char *before, *reason, *title, *urgency, *serial, *client_id, *agreed_by;
};

/* A work order with its job plan copied into it. ERR_EXISTS: there is one already (of the ticket, the visit, or with
 * that client_id). */
enum err work_create(struct office *office, struct sql *sql, const struct work_new *what, int64_t now_ms,
                     int64_t *ret_id) MUST_CHECK;
/* The plan, the parts and the team of a proposal anew, now that more is known. */
enum err work_refill(struct office *office, struct sql *sql, int64_t order, const struct work_new *what,
                     int64_t now_ms) MUST_CHECK;
/* What POST /work-orders asks for: {kind, ticket?, equipment?, site?, …}; docs/work-orders.md. *ret_id is that of the
 * earlier one when the client-made id was used before. */
enum err work_ask(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms,
                  int64_t *ret_id, struct text *why) MUST_CHECK;

/* ERR_STATE: not legal; ERR_FORMAT: a field or a time is wrong; why says it. The same id twice is done once and is
 * ERR_OK. */
enum err work_action(struct office *office, struct sql *sql, int64_t work_order, const struct action *action,
                     int64_t now_ms, struct text *why) MUST_CHECK;
/* What speaks against sending him with that order at that time (0: as it is planned): certificates and tools that have
 * lapsed by then, in words; nothing: he may go. */
enum err work_unfit(struct office *office, struct sql *sql, int64_t work_order, int64_t technician, int64_t at_ms,
                  struct text *to) MUST_CHECK;
/* Somebody says why he goes all the same; reason NULL: another one goes, what was said does not count any more. */
enum err work_fit_waive(struct sql *sql, int64_t work_order, const char *reason, const char *who, int64_t at_ms) MUST_CHECK;
/* true when the action with that id (NULL: none) was done already. */
bool work_did(struct sql *sql, int64_t work_order, const char *action_id);

/* The desk has moved the open order of a ticket (dispatch, assign): a line of the order's own. An urgent order takes its
 * technician's planned work off the same hours (S0-62). */
enum err work_desk_moved(struct office *office, struct sql *sql, int64_t ticket, const char *action, const char *who,
                         int64_t at_ms, int64_t now_ms) MUST_CHECK;

/* A line of the order's own time line; data: JSON or NULL. */
enum err work_line(struct sql *sql, int64_t order, int64_t at_ms, int64_t now_ms, const char *who,
                   const char *action, const char *action_id, const char *note, const char *data) MUST_CHECK;
enum err work_changed(struct sql *sql, int64_t order, int64_t now_ms) MUST_CHECK;

/* One work order as the API shows it; ERR_NOT_FOUND. */
enum err work_view(struct sql *sql, struct rules *rules, int64_t order, struct json_out *out) MUST_CHECK;
/* The files of an order or of a ticket (one of them 0), as a list. */
enum err attachments_view(struct sql *sql, int64_t order, int64_t ticket, const struct zone *zone,
                          struct json_out *out) MUST_CHECK;
