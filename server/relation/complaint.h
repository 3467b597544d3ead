/*
 * Complaints, feedback, suggestions and opinions: one register with numbers, an owner each, clocks of their own and an
 * append-only trail (docs/complaints.md). The clocks are duties (subject `complaint`, kinds complaint_acknowledge,
 * complaint_answer, complaint_resolve), so that warning, breach, digest and figures are those of every other duty.
 *
 * Whoever is complained of, everybody of the team complained of, and its lead, never own one and do nothing with it.
 * What is overdue, refused or not accepted goes a level up the plan's chain.
 */
#pragma once

#include "server/case/ticket.h"

#define COMPLAINTS_OF_TICKET 5 /* that its customer may send without a log-in */
#define COMPLAINT_TEXT_MOST  4000

/* {kind?, channel?, about?, reference?, customer?, site?, equipment?, ticket?, work_order?, team?, technician?, contact?,
 * campaign?, detail}. public: by the code of `ticket`, nothing else counts. The same client-made id again is the same
 * complaint. ERR_FORMAT: a field is wrong; ERR_STATE: there are enough. */
enum err complaint_file(struct office *office, struct sql *sql, const struct action *action, int64_t public_ticket,
                        int64_t now_ms, int64_t *ret_id, bool *ret_again, struct text *why) MUST_CHECK;
/* The repair that somebody asked for with his opinion is that ticket. */
enum err complaint_repair(struct sql *sql, int64_t complaint, int64_t ticket, int64_t now_ms) MUST_CHECK;
/* ERR_FORMAT: a field is missing; ERR_STATE: not now, or not by him; why says what is legal. */
enum err complaint_act(struct office *office, struct sql *sql, int64_t complaint, const struct action *action,
                       int64_t now_ms, struct text *why) MUST_CHECK;
/* Overdue ones go up; those whose answer nobody objected to are closed. */
enum err complaint_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t complaint_due(struct sql *sql);
/* Row id of a number; 0: none. */
int64_t complaint_find(struct sql *sql, const char *number);
/* One as an object. whole: with the trail, and what only the desk sees; else as its customer sees it. */
enum err complaint_view(struct sql *sql, int64_t complaint, const struct zone *zone, bool whole, enum role role,
                        struct json_out *out) MUST_CHECK;
