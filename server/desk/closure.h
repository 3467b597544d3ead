/*
 * The end of a ticket, and what comes of it: claims of repair judged by telemetry, what has to be there before a person
 * may close, the customer's acceptance, and tickets that open again by themselves.
 */
#pragma once

#include "server/case/clocks.h"
#include "server/case/life.h"
#include "server/field/field.h"

/* What the plan wants before a person closes this ticket and what of it is there (PLAN_NEED_ bits). What cannot be had
 * is not wanted: telemetry without an alarm, test and signature when nobody was there. */
struct closure_needs {
    unsigned wanted, there;
};
enum err closure_needs(struct sql *sql, const struct ticket *ticket, struct closure_needs *ret_needs) MUST_CHECK;

/* Telemetry stayed normal for the hold: claims are proved, the analysis is drafted, the customer is asked. */
enum err closure_restored(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms) MUST_CHECK;
/* A ticket that was closed without proof is open again under its number, as if it had never been closed. */
enum err closure_reopen(struct office *office, struct sql *sql, struct ticket *ticket, int64_t at_ms, int64_t now_ms,
                        const char *reason) MUST_CHECK;
/* The closed ticket of that cause whose claim telemetry has not judged yet; 0: none. */
int64_t closure_pending(struct sql *sql, const char *cause_key);
/* After a relapse: somebody has to go again when the order was done. */
enum err closure_again(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms) MUST_CHECK;
/* Claims and acceptances that are due. */
enum err closure_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t closure_due(struct sql *sql); /* OFFICE_NEVER: nothing is */

/* "closure": {…} of a ticket in the API. */
enum err closure_put(struct sql *sql, const struct zone *zone, int64_t ticket, struct json_out *out) MUST_CHECK;
