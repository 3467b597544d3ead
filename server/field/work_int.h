/* What the files of work orders share among themselves. */
#pragma once

#include "server/field/attachment.h"
#include "models/base/civil.h"
#include "models/base/zone.h"
#include "models/service/job.h"
#include "models/service/work.h"
#include "server/field/field.h"

#define WORK_DOC_MOST (512 * 1024) /* of a document of an order */

struct order { /* texts live in office->arena */
    int64_t id, ticket, visit, equipment, site, technician, version, created_ms, from_ms, to_ms;
    enum work_state state;
    int kind; /* enum job_kind */
    const char *number, *result;
    const struct cJSON *job; /* what it copied of its job plan; NULL: it has none */
};

enum err order_load(struct office *office, struct sql *sql, int64_t id, struct order *ret_order) MUST_CHECK;

struct work { /* one action on its way */
    struct office *office;
    struct sql *sql;
    struct order order;
    const struct action *action;
    enum work_action kind;
    enum work_clock clock;
    struct work_place place;
    int64_t at_ms, now_ms;
    struct text *why;
};

/* Words in the office's arena; NULL stays NULL. */
const char *order_keep(struct office *office, const char *words);
/* Planned work of the technician in the hours of an urgent order has to be planned anew (S0-62). */
enum err work_preempt(struct sql *sql, int64_t order, const char *who, int64_t now_ms) MUST_CHECK;
/* Likely parts are laid aside as the ticket's plan says; what is not there near enough is told (S1-26). */
enum err work_reserve_likely(struct office *office, struct sql *sql, int64_t ticket, int64_t order,
                             int64_t now_ms) MUST_CHECK;
/* The order's ticket follows the action: state, clocks, time line, and the customer is told. */
enum err work_move_ticket(struct work *work) MUST_CHECK;
/* What each action does beside moving the order; NULL: nothing. */
extern enum err (*const work_doers[WORK_ACTIONS])(struct work *work);

/* The doers: what an action does beside moving the order. ERR_FORMAT, ERR_STATE with why. */
enum err do_step(struct work *work) MUST_CHECK;    /* check */
enum err do_confirm(struct work *work) MUST_CHECK; /* a gate */
enum err do_override(struct work *work) MUST_CHECK;
enum err do_photo(struct work *work) MUST_CHECK;
enum err do_time(struct work *work) MUST_CHECK;
enum err do_record(struct work *work) MUST_CHECK;
enum err do_scope(struct work *work) MUST_CHECK;
enum err do_sign(struct work *work) MUST_CHECK;
enum err do_result(struct work *work) MUST_CHECK; /* accept_result, refuse_result */
enum err do_reserve_part(struct work *work) MUST_CHECK;
enum err do_use_part(struct work *work) MUST_CHECK;
enum err do_return_part(struct work *work) MUST_CHECK;

enum part_source { PART_OF_STOCK, PART_OF_SUPPLIER, PART_OF_CUSTOMER };
extern const char *const part_source_names[]; /* stock supplier customer */
/* Whose part the action speaks of: `source`, left out: the stock's. ERR_STATE with why: the plan does not allow it. */
enum err part_source(struct work *work, enum part_source *ret_source) MUST_CHECK;

/* The steps of precautions that `start` names are ticked. */
enum err steps_tick(struct work *work) MUST_CHECK;

/* work_fit.c. certificate, tools: what an override may name beside what a job plan wants. */
bool fit_is_need(const char *need);
/* He may go then: ERR_STATE with why, unless the action leaves it out with a code. */
enum err fit_pass(struct work *work, int64_t technician, int64_t at_ms) MUST_CHECK;
/* `tool` of a check, which the step may ask for. ERR_FORMAT, ERR_STATE. */
enum err fit_cite(struct work *work, const struct job_step *step) MUST_CHECK;
/* The code and note of an override, for a need. ERR_FORMAT. */
enum err gates_put_override(struct work *work, const struct cJSON *from, const char *need) MUST_CHECK;

/* What stands before a stage and is not there: words, one after the other; nothing: the way is free. Gates of earlier
 * stages count as well, needs only those of the stage itself. */
enum err gates_open(struct office *office, struct sql *sql, const struct order *order, enum job_stage stage,
                    struct text *to) MUST_CHECK;
/* ERR_STATE with why when something is missing and the action does not override it with a code. */
enum err gates_pass(struct work *work, enum job_stage stage) MUST_CHECK;
/* `override` of the action, if it has one: {code, note, needs?}. */
enum err gates_override(struct work *work, enum job_stage stage) MUST_CHECK;

/* Telemetry is asked: values as they were at at_ms are frozen, and the agent is asked for more when it is there. */
enum err tests_take(struct work *work, const char *moment) MUST_CHECK;
/* The youngest test of that moment as JSON; *ret_verdict: green amber red none. NULL out: the verdict only. */
enum err tests_show(struct arena *arena, struct sql *sql, int64_t order, const char *moment, const struct zone *zone,
                    struct json_out *out, char ret_verdict[8]) MUST_CHECK;
/* The good value that a point had at at_ms, if it is not older than fresh_ms. */
enum err tests_value(struct sql *sql, int64_t equipment, const char *point, int64_t at_ms, int64_t fresh_ms,
                     bool *ret_known, double *ret_value, int64_t *ret_t_ms) MUST_CHECK;


/* The suppression window of a planned change, over its appointment as it is now; nothing for other kinds. */
enum err work_window_open(struct sql *sql, int64_t order, const char *who, int64_t now_ms, struct text *why) MUST_CHECK;
enum err work_window_close(struct sql *sql, int64_t order, const char *who, int64_t now_ms) MUST_CHECK;
