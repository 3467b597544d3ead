/*
 * What people do with parts: goods come in and are inspected, go out and come back, are counted, lent, written off and
 * bought. All functions run on the committing thread, inside the transaction of the action.
 */
#pragma once

#include "models/stock/voucher.h"
#include "server/case/office.h"

/* A voucher of {kind, …} (docs/parts.md); the same client-made id is the same voucher. ERR_FORMAT: a field is missing or
 * wrong, ERR_FORBIDDEN, ERR_STATE: there is not that much; why says it. */
enum err stock_open(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                    struct text *why) MUST_CHECK;
/* What is done with it; the same id twice is done once. */
enum err stock_act(struct office *office, struct sql *sql, int64_t voucher, const struct action *action, int64_t now_ms,
                   struct text *why) MUST_CHECK;
bool stock_did(struct sql *sql, int64_t voucher, const char *action_id);

/* receive, inspect, block, unblock: one step without a voucher. The same id twice is done once. */
enum err stock_step(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms,
                    struct text *why) MUST_CHECK;

/* An exchanged part of a work order: it is kept for the company when the plan (or the action) says so. */
struct old_part {
    int64_t order, equipment, ticket, count;
    const char *part, *serial, *goes, *holder, *who; /* goes: of use_part, or NULL */
    int64_t at_ms, now_ms;
};
enum err stock_keep_old(struct office *office, struct sql *sql, const struct old_part *old) MUST_CHECK;

/* What was on its way to a job that is over and has not left yet is called off, so that others may have it: shipments that
 * are planned or picked, stand-by units that were not handed over. */
enum err stock_call_off(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;

/* What is due once a day: reserve plans to be drafted, stocktakes and samplings owed, lots whose shelf life has ended; then
 * what is to be bought, a depot a call. *io_depot: the one that was looked at last, 0: the day begins; *io_next_ms: when it
 * wants to be called next. */
enum err stock_turn(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_depot,
                    int64_t *io_next_ms) MUST_CHECK;
