/* What the files of visits share among themselves. */
#pragma once

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "models/service/plan_visit.h"
#include "models/service/visit.h"
#include "models/service/visit_move.h"
#include "server/field/field.h"
#include "server/visit/visits.h"

struct visit_row_now { /* a visit as it stands; texts live in office->arena */
    int64_t id, equipment, sequence, version, order, team; /* order: its own open one, 0: none */
    int32_t from, due, until, target, pull; /* days; VISIT_NO_DAY */
    enum visit_state state;
    const char *code, *reason, *target_by;
};
#define VISIT_NO_DAY INT32_MIN

enum err visit_load(struct office *office, struct sql *sql, int64_t id, struct visit_row_now *ret_visit) MUST_CHECK;
/* A line of its time line; note and data (JSON) may be NULL. */
enum err visit_line(struct sql *sql, int64_t visit, int64_t at_ms, const char *who, const char *action,
                    const char *action_id, const char *note, const char *data) MUST_CHECK;
/* Its row has changed: version and the calendar's SEQUENCE rise, and who follows the stream hears of it. */
enum err visit_touched(struct sql *sql, int64_t visit, int64_t now_ms) MUST_CHECK;

struct visit_end { /* a visit that is not made */
    const char *who, *action, *action_id, *code, *reason;
};
/* Skipped, with its code and reason; its open order is cancelled, its duty given up unless it stays owed by another. */
enum err visit_skip(struct office *office, struct sql *sql, const struct visit_row_now *visit,
                    const struct visit_end *end, int64_t now_ms) MUST_CHECK;

/* Its own order, made when there is none: *ret_order. why: a word for the time line, or NULL. */
enum err visit_release(struct office *office, struct sql *sql, const struct place *place, int64_t visit, const char *who,
                       const char *action_id, const char *why, int64_t now_ms, int64_t *ret_order) MUST_CHECK;

/* Windows that have begun become orders. */
enum err release_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* Visits near their window that have no day, or a day that has passed, get one. again: days that a team cannot work any
 * more are given up first; whoever has an appointment keeps it. */
enum err spread_turn(struct office *office, struct sql *sql, bool again, int64_t now_ms) MUST_CHECK;
/* Meters and conditions, of the equipment whose plan has any. */
enum err trigger_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* Meters count from then on: a visit was done. */
enum err trigger_reset(struct sql *sql, int64_t equipment, int64_t done_ms) MUST_CHECK;

/* The order takes along what is due at its site, if its plan says so and it has an appointment. */
enum err ride_gather(struct office *office, struct sql *sql, int64_t host, int64_t now_ms) MUST_CHECK;
/* One order rides on another one. ERR_STATE, ERR_FORMAT with why. */
enum err ride_begin(struct office *office, struct sql *sql, int64_t rider, int64_t host, const char *who, int64_t now_ms,
                    struct text *why) MUST_CHECK;
enum err ride_end(struct office *office, struct sql *sql, int64_t rider, const char *who, const char *reason,
                  int64_t now_ms) MUST_CHECK;
/* What rides on an order follows its action. */
enum err ride_follow(struct office *office, struct sql *sql, int64_t host, const struct action *action,
                     int64_t now_ms) MUST_CHECK;

/* Contract, contract year and entitlement of the visits that are still ahead. */
enum err charge_plan(struct office *office, struct sql *sql, const struct place *place, int32_t anchor,
                     int64_t now_ms) MUST_CHECK;
/* Whether it is free is written down: it was done at at_ms. */
enum err charge_freeze(struct office *office, struct sql *sql, int64_t visit, int64_t at_ms) MUST_CHECK;

/* The day from which the equipment's years and visits are counted; WARRANTY_NO_DATE: there is none. */
int32_t visit_anchor(const struct place *place);
/* What the plan and the place make of visits. */
enum err visit_rule_find(struct sql *sql, const struct place *place, struct visit_rule *ret_rule) MUST_CHECK;
