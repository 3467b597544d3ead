/*
 * Visits: maintenance by the calendar, by meters and by conditions; who is sent when, and what rides along with whom.
 * What a visit is owed by its plan (window, due day) is never moved by what people arrange.
 */
#pragma once

#include "server/case/place.h"

/* Visits whose window has begun become work orders, visits near their window get days, triggers are looked at; plan:
 * it is also looked whether more have to be planned ahead, for every piece of equipment. */
enum err visits_turn(struct office *office, struct sql *sql, bool plan, int64_t now_ms) MUST_CHECK;
/* Visits of one piece of equipment up to 15 months (and a margin) ahead. */
enum err visits_plan(struct office *office, struct sql *sql, int64_t equipment, int64_t now_ms) MUST_CHECK;
/* After an import: visits of new or changed equipment. */
enum err visits_anew(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;

/* What a person does with a visit. ERR_NOT_FOUND, ERR_STATE, ERR_FORBIDDEN, ERR_FORMAT with why. The same action_id
 * twice is done once. */
enum err visit_act(struct office *office, struct sql *sql, int64_t visit, const struct action *action, int64_t now_ms,
                   struct text *why) MUST_CHECK;
bool visit_did(struct sql *sql, int64_t visit, const char *action_id);

/* A work order was moved by an action: its visit, and what rides on it, follow. */
enum err visits_follow_work(struct office *office, struct sql *sql, int64_t work_order, const struct action *action,
                            int64_t now_ms) MUST_CHECK;

/* A check of a step that a rider lent: done on the rider. *ret_rider 0: the step is the order's own, nothing was done. */
enum err visits_check_rider(struct office *office, struct sql *sql, int64_t work_order, const struct action *action,
                            int64_t now_ms, int64_t *ret_rider, struct text *why) MUST_CHECK;
/* The open order of a ticket has an appointment: what is due at its site within its window rides along. */
enum err visits_ride_along(struct office *office, struct sql *sql, int64_t ticket, const struct action *action,
                           int64_t now_ms) MUST_CHECK;

/* What rides on an order that has ended goes its own way again. */
enum err visits_sweep(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;

struct visit_charge {
    bool free;
    int64_t contract; /* row; 0: none */
    int32_t year_from, year_to; /* the contract year that it counts in */
    int number, entitled, used; /* number: which one of that year it is or would be */
    const char *origin; /* of the plan's rule: "S" or "A" */
    char why[160];
};
/* Whether a visit is free, by the plan and by those that the contract year has had; of one that is done, as it was. */
enum err visit_charge_find(struct office *office, struct sql *sql, int64_t visit, int64_t now_ms,
                           struct visit_charge *ret_charge) MUST_CHECK;

/* One visit as the API shows it; history: with its time line. ERR_NOT_FOUND. Reads only. */
enum err visit_view(struct sql *sql, struct rules *rules, int64_t visit, bool history, struct json_out *out) MUST_CHECK;
