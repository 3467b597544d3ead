/*
 * Remote inspections: each piece of equipment once a month by itself, and on demand, by the one checklist of
 * models/inspections. An inspection asks the agent for everything now; the lines of the list are then judged from
 * what the server knows. A device that does not answer becomes a phone check: the same list, in which a person answers
 * what telemetry does not. What failed is left for the desk to raise tickets of; then the report is drafted and
 * sent to its readers.
 *
 * All on the committing thread, inside its transaction, but for the views.
 */
#pragma once

#include "server/case/office.h"

/* A slice of what is due: inspections begun, judged, given up on. One that fails is undone alone, but for trouble of the
 * database itself. */
enum err inspection_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* A slice of the reports of inspections that are done (after their tickets were raised), drafted and sent. */
enum err inspection_reports(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* When the next of both, or a finding without its ticket, is due; OFFICE_NEVER. */
int64_t inspection_due(struct sql *sql);
/* What became of letters with reports; asked now and then, since nothing says when a mail has left. */
enum err inspection_receipts(struct sql *sql) MUST_CHECK;

/* answer finish phone accept approve deliver (docs/inspections.md). ERR_STATE, ERR_FORMAT, ERR_NOT_FOUND, ERR_FORBIDDEN with
 * why. */
enum err inspection_act(struct office *office, struct sql *sql, int64_t inspection, const struct action *action,
                        int64_t now_ms, struct text *why) MUST_CHECK;
/* accept decline done. */
enum err proposal_act(struct sql *sql, int64_t proposal, const struct action *action, int64_t now_ms,
                      struct text *why) MUST_CHECK;

/* ------------------------------------------------------------------ views; any connection */

struct zone;
int64_t inspection_find(struct sql *sql, const char *number); /* row id, or -1 */
/* What an inspection has by its checklist, without the braces: way, period, checklist, result, lines, findings,
 * report. arena: for texts. */
enum err inspection_show_lines(struct arena *arena, struct sql *sql, const struct zone *zone, int64_t inspection,
                               struct json_out *out) MUST_CHECK;
enum err inspection_show_report(struct arena *arena, struct sql *sql, const struct zone *zone, int64_t inspection,
                                struct json_out *out) MUST_CHECK;
enum err proposal_show(struct sql *sql, const struct zone *zone, int64_t proposal, struct json_out *out) MUST_CHECK;
