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

struct clock_row { /* one row of clock, with what it takes to judge it; texts in the arena */
    int64_t id, until_ms, forecast_ms, breached_ms; /* -1: none; breached_ms: as it was noted */
    const char *kind, *start, *stop, *limit, *origin, *note, *needs;
    const char *forecast; /* JSON or NULL */
    double warn;
    bool warned, breached, forecast_late;
    struct sla_facts facts;
};

struct clock_owner { /* the ticket whose clocks are read */
    int64_t ticket, calendar;
    const char *time_zone;
    const struct plan *plan; /* says which pause holds which clock; NULL: all hold all */
    int64_t still_ms; /* telemetry is normal since, and the hold is not over: what the fault asked for stands
                         still; 0: not so */
};

struct clock_owner clock_owner_of(const struct ticket *ticket);
/* All clocks of a ticket, in the order in which they began. */
enum err clocks_read(struct arena *arena, struct sql *sql, struct rules *rules,
                     const struct clock_owner *owner, struct clock_row **ret_clocks,
                     size_t *ret_count) MUST_CHECK;
/* One clock of another subject; it has no pauses. */
enum err clocks_read_duty(struct arena *arena, struct sql *sql, struct rules *rules, int64_t id,
                          int64_t calendar, const char *time_zone, struct clock_row *ret_clock) MUST_CHECK;

/* Clocks whose start is `start` begin at at_ms; those that run already stay. */
enum err clocks_start(struct office *office, struct sql *sql, const struct ticket *ticket,
                      enum plan_start start, int64_t at_ms) MUST_CHECK;
/* A clock to an instant that was promised (`kind` of the caller's choice); a new promise of the same
 * kind moves it. */
enum err clocks_promise(struct sql *sql, const struct ticket *ticket, const char *kind, enum plan_stop stop,
                        int64_t until_ms, int64_t at_ms) MUST_CHECK;
/* One of the steps that a clock needs to stop; it is met when the last one is done (S0-140: arranged,
 * told, filed). clocks_stop is the step `arranged` for those. */
enum err clocks_step(struct sql *sql, int64_t ticket, enum plan_stop stop, const char *step,
                     int64_t at_ms) MUST_CHECK;
/* Clocks that stop on `stop` are met at at_ms (once). */
enum err clocks_stop(struct sql *sql, int64_t ticket, enum plan_stop stop,
                     int64_t at_ms) MUST_CHECK;
/* Relapse, re-open: the fault has to be cleared again, and what was given up is owed again. */
enum err clocks_restart(struct sql *sql, int64_t ticket) MUST_CHECK;
/* The limits after a change of grade, urgency or complexity (already in *ticket), from at_ms on. What was
 * started and paused stays; what is not owed any more is given up, and owed again when it changes back. */
enum err clocks_regrade(struct office *office, struct sql *sql, const struct ticket *ticket,
                        int64_t at_ms) MUST_CHECK;
/* What runs still is given up; what was breached stays so. work_only: only what a visit was for. */
enum err clocks_cancel(struct sql *sql, int64_t ticket, int64_t at_ms, bool work_only) MUST_CHECK;
/* What was missed and is owed still, of which nobody was told because the alarm was not announced yet. noted_ms: only what
 * was noted at that instant; 0: all of it. */
enum err clocks_tell_missed(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t noted_ms,
                            int64_t now_ms) MUST_CHECK;
/* Notices warnings and breaches that are due at at_ms (what somebody said late was so then), and tells of them at now_ms;
 * writes ticket.next_ms. */
enum err clocks_judge(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t at_ms,
                      int64_t now_ms) MUST_CHECK;
