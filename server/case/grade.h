/* The grade of a ticket follows telemetry: up at once, down only after a hold (plan: grade_fall). */
#pragma once

#include "server/case/ticket.h"

/* What a fault of that grade is worth on this ticket: a repeat is graded more severe (F-24). */
int grade_of(const struct ticket *ticket, int grade);
/* Telemetry says `grade` where it said `before` (0: nothing yet), since t_ms. */
enum err grade_follow(struct office *office, struct sql *sql, struct ticket *ticket, int before, int grade,
                      int64_t t_ms, int64_t now_ms) MUST_CHECK;
/* The milder grade has lasted for its hold by now: the ticket's grade falls. Nothing when it is not due. */
enum err grade_turn(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms) MUST_CHECK;
