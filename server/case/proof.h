/*
 * "Repaired" is a claim: by the end of a work order, or by closing a ticket whose fault had not been normal for the
 * plan's hold. The equipment has the last word, so each claim is a row whose outcome telemetry writes: proved, false,
 * or unknown when nothing was heard. First-time fix and false repair are counted from these rows alone.
 */
#pragma once

#include "server/case/ticket.h"

#define PROOF_RETRY_MS 60000 /* telemetry is missing: look again */

/* Until when the ticket's equipment (or agent) was heard with at least one good value; silence proves nothing. */
int64_t proof_heard(struct sql *sql, const struct ticket *ticket);
/* true when telemetry can say something about the ticket: it has an alarm. */
bool proof_has_alarm(struct sql *sql, int64_t ticket);
/* Onset of the fault of the ticket that stands still; 0: none. One that chattered and has fallen silent does not stand. */
int64_t proof_open_alarm(struct sql *sql, int64_t ticket);
/* When its alarm, which chattered and has fallen silent, will be called over; 0: there is none. */
int64_t proof_quiet_end(struct sql *sql, int64_t ticket);
/* When the last alarm of the ticket cleared; 0: not. */
int64_t proof_cleared_ms(struct sql *sql, int64_t ticket);

/* A claim, judged when the hold has passed. A work order's goes before an earlier one that is not judged yet, which
 * was in vain; closing (work_order 0) only joins one that is there. Without alarm there is nothing to be judged. */
enum err proof_claim(struct sql *sql, const struct ticket *ticket, int64_t work_order, const char *who,
                     int64_t at_ms) MUST_CHECK;
/* The claim of a repair that was finished before telemetry had anything to say about the ticket, once it has. */
enum err proof_claim_earlier(struct sql *sql, const struct ticket *ticket) MUST_CHECK;
/* Telemetry stayed normal for the hold. */
enum err proof_given(struct sql *sql, int64_t ticket, int64_t at_ms) MUST_CHECK;
/* The fault is back, or never went: the youngest claim was false; nothing is proved, fed back or waits for acceptance. */
enum err proof_undone(struct sql *sql, int64_t ticket, int64_t at_ms, const char *reason) MUST_CHECK;
