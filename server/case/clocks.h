/* The clocks of a ticket: rows of facts; how they stand is computed by models/service/sla. */
#pragma once

#include "models/service/plan.h"
#include "models/service/sla.h"
#include "server/case/ticket.h"

/* The working calendar of a ticket: its calendar row, else every day in its zone. */
enum err clocks_workdays(struct arena *arena, struct sql *sql, struct rules *rules,
                         int64_t calendar, const char *time_zone,
                         struct workdays *ret_workdays) MUST_CHECK;
enum err clocks_pauses(struct arena *arena, struct sql *sql, int64_t ticket,
                       struct sla_pause **ret_pauses, size_t *ret_count) MUST_CHECK;

/* Clocks whose start is `start` begin at at_ms; those that run already stay. */
enum err clocks_start(struct office *office, struct sql *sql, const struct ticket *ticket,
                      enum plan_start start, int64_t at_ms) MUST_CHECK;
/* Clocks that stop on `stop` are met at at_ms (once). */
enum err clocks_stop(struct sql *sql, int64_t ticket, enum plan_stop stop,
                     int64_t at_ms) MUST_CHECK;
/* Relapse, re-open: the fault has to be cleared again, and what was given up is owed again. */
enum err clocks_restart(struct sql *sql, int64_t ticket) MUST_CHECK;
/* The limits after a change of grade. */
enum err clocks_regrade(struct office *office, struct sql *sql, const struct ticket *ticket) MUST_CHECK;
/* What runs still is given up; what was breached stays so. work_only: only what a visit was for. */
enum err clocks_cancel(struct sql *sql, int64_t ticket, int64_t at_ms, bool work_only) MUST_CHECK;
/* Notices warnings and breaches that are due; writes ticket.next_ms. */
enum err clocks_judge(struct office *office, struct sql *sql, const struct ticket *ticket,
                      int64_t now_ms) MUST_CHECK;
