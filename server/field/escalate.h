/*
 * What does not go on is told to the next one, up to leadership (plan: staff.escalation). Which conditions hold is
 * read from the ticket's rows; an escalation is opened with each, its steps are computed from its ledger
 * (models/service/escalation), so that no step is taken twice and none is lost while the server was away.
 */
#pragma once

#include "models/service/escalation.h"
#include "server/case/ticket.h"

/* The supervision check that is due (S0-147): arrangement there, contact made? As of the instant at which it was due. */
enum err escalate_supervise(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t now_ms) MUST_CHECK;
/* Opens and ends the escalations of a ticket by what holds now, and takes the steps that are due. */
enum err escalate_refresh(struct office *office, struct sql *sql, int64_t ticket, int64_t now_ms) MUST_CHECK;
/* Everything that has happened or become due. */
enum err escalate_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* A decision ends all open ones of a ticket (S0-148). */
enum err escalate_decide(struct sql *sql, int64_t ticket, const char *who, const char *decision, int64_t at_ms,
                         int64_t now_ms) MUST_CHECK;
/* Somebody has taken notice, or decided, of one. ERR_STATE: it is over; ERR_FORMAT: a field is missing. */
enum err escalate_act(struct office *office, struct sql *sql, int64_t escalation, const struct action *action, int64_t now_ms,
                      struct text *why) MUST_CHECK;
bool escalate_did(struct sql *sql, int64_t escalation, const char *action_id);
/* When the earliest of them wants to be looked at; INT64_MAX: none. */
int64_t escalate_due(struct sql *sql);

/* Those above the dispatcher, who are told of a flood as one. */
#define ESCALATION_UP (ESCALATION_TO_SUPERVISOR | ESCALATION_TO_TECHNICAL | ESCALATION_TO_LEADERSHIP)

struct escalate_digest { /* steps that a flood keeps from being told one by one */
    int64_t flood;
    const char *position;
    unsigned to;
    int64_t steps, grade_1;
};
enum err escalate_digest(struct office *office, struct sql *sql, const struct escalate_digest *digest, int64_t now_ms) MUST_CHECK;
