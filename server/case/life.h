/* A ticket's life after it was opened: regraded, cleared, back, closed. */
#pragma once

#include "server/case/ticket.h"

enum err ticket_regrade(struct office *office, struct sql *sql, struct ticket *ticket, int grade,
                        const char *who, const char *reason, const char *action_id,
                        int64_t at_ms, int64_t now_ms) MUST_CHECK;
/* The fault is gone since cleared_ms: provisional until the hold has passed. */
enum err ticket_cleared(struct office *office, struct sql *sql, struct ticket *ticket,
                        int64_t cleared_ms, int64_t now_ms) MUST_CHECK;
enum err ticket_relapsed(struct office *office, struct sql *sql, struct ticket *ticket, int64_t at_ms,
                         int64_t now_ms) MUST_CHECK;
/* The end: what runs is given up, open orders that nobody began are cancelled. The state and the line
 * of the time line are written too. */
enum err ticket_close(struct office *office, struct sql *sql, struct ticket *ticket, const char *who,
                      const char *resolution, const char *action_id, int64_t at_ms,
                      int64_t now_ms) MUST_CHECK;
