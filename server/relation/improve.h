/*
 * The improvement register: what complaints, low surveys, missed promises and fault analyses lead to. A line has where it
 * comes from and the rows behind it, then a measure with owner and date, then what has come of it. One line a source: a
 * complaint, a plan's month of surveys, a month's worst clock, a ticket. Its date is a duty (`improvement`), so is
 * looking at its effect (`improvement_check`).
 */
#pragma once

#include "server/case/ticket.h"

struct improvement {
    const char *source; /* complaint survey breach questionnaire analysis person */
    const char *key;    /* unique within the source */
    const char *title, *measure, *evidence, *who; /* evidence: JSON or NULL; who opens it */
    const char *client_id;
    int64_t complaint, ticket;
};

/* Once per source and key; one that is there stays as it is. */
enum err improve_open(struct sql *sql, const struct improvement *improvement, int64_t now_ms) MUST_CHECK;
/* What an approved fault analysis says shall keep the fault from coming again: a line each. */
enum err improve_from_analysis(struct sql *sql, int64_t ticket, const char *number, const char *who, int64_t now_ms) MUST_CHECK;
/* {title, measure?, ticket?} by a person. */
enum err improve_post(struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id, struct text *why) MUST_CHECK;
/* plan {measure, owner, due}, done, check {effective}, drop. ERR_NOT_FOUND, ERR_FORMAT, ERR_STATE. */
enum err improve_act(struct office *office, struct sql *sql, int64_t improvement, const struct action *action, int64_t now_ms,
                     struct text *why) MUST_CHECK;
/* At the beginning of a month: surveys below their plan's target, the clock that was missed most, and a report of both, of
 * complaints and of opinions, to the office. */
enum err improve_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t improve_due(const struct office *office, struct sql *sql);
enum err improve_view(struct sql *sql, int64_t improvement, const struct zone *zone, struct json_out *out) MUST_CHECK;
