/*
 * What is owed beside tickets: remote inspections, visits, trainings, registrations, reports, customer
 * visits, reserve plans, the ends of warranties and agreements. Each is a row of clock with another
 * subject than a ticket; it is raised ahead by duties_turn, or by whoever knows its event, and met by
 * the same or by a person.
 */
#pragma once

#include "server/case/clocks.h"

struct duty {
    const char *subject; /* equipment site customer contract inspection visit part … */
    int64_t id;          /* its row */
    const char *kind;
    int64_t occurrence;  /* tells duties of one kind apart: a month, a visit, a season */
    const char *start, *stop; /* the events, for people */
    const struct plan_limit *limit; /* or NULL: until_ms */
    int64_t until_ms;
    const struct plan_origin *origin; /* with until_ms; may be NULL */
    const char *note;
    double warn;
    int64_t started_ms, site, calendar;
    const char *time_zone, *plan_hash;
};

/* Once per (subject, id, kind, occurrence); one that is there stays as it is. */
enum err duty_start(struct sql *sql, const struct duty *duty) MUST_CHECK;
/* The open duties of that subject and kind that began by then are met. */
enum err duty_stop(struct sql *sql, const char *subject, int64_t id, const char *kind,
                   int64_t at_ms) MUST_CHECK;
/* One that is open is owed by another time instead, since the customer asked for it: it ends, and another one of the same
 * kind takes its place, with the note. Not when that would be earlier than what it has. */
enum err duty_move(struct sql *sql, int64_t id, int64_t until_ms, const char *note, int64_t at_ms) MUST_CHECK;
/* What a person does: done, cancel (needs a note). ERR_NOT_FOUND, ERR_STATE, ERR_FORMAT with why. */
enum err duty_action(struct sql *sql, int64_t id, const struct action *action, int64_t now_ms,
                     struct text *why) MUST_CHECK;
/* Raises what the calendar says, for a slice of the equipment and contracts at a time from *io_at on
 * (0: from the beginning; 0 again: all were looked at). */
enum err duties_raise(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_at) MUST_CHECK;
/* A visit was done or called off: its duties are met or given up. */
enum err duties_of_visit(struct sql *sql, int64_t visit) MUST_CHECK;
/* The visits of that equipment that are called off: their duties are given up. */
enum err duties_of_visits(struct sql *sql, int64_t equipment) MUST_CHECK;
/* No agreement covers that equipment any more: what is owed by the calendar and has not come to its end is given up. */
enum err duties_end(struct sql *sql, int64_t equipment, int64_t now_ms) MUST_CHECK;
/* Inspections that were done meet their duties; warnings and breaches are noted and
 * told. *io_next_ms: when one changes by itself. */
enum err duties_judge(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_next_ms) MUST_CHECK;
/* A warning (step warn) or a breach of it waits for the digest. */
enum err duty_untold(struct sql *sql, int64_t id, const char *step, int64_t due_ms) MUST_CHECK;
/* One digest per kind of duty and day, at the hour of options.digest_minute. *io_next_ms: when the next one goes. */
enum err duties_tell(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_next_ms) MUST_CHECK;
