/*
 * The staff section of a plan: who goes (routing), what a team is given per assignment (ola), when a tier
 * cannot (tier_up), how often a ticket may be pushed on (hand_over), who is told next (escalation), and whether
 * the hotline never sleeps. What a plan does not say has the value that plan_staff.c names.
 */
#pragma once

#include "models/service/escalation.h"
#include "models/service/plan.h"
#include "models/service/routing.h"

struct plan_escalation {
    struct escalation_rule rule;
    struct plan_origin origin; /* of its steps */
};

struct plan_channel { /* when what comes in that way is answered */
    const char *name; /* phone web e-mail …; other: whatever is not named */
    bool working_hours;
    struct plan_origin origin;
};

struct plan_staff {
    bool hotline_always; /* hotline.hours: 24x7 */
    struct routing_rules routing;
    struct plan_limit ola;  /* from being asked to technician and appointment; not set: none */
    double ola_cap;         /* … at most that share of the shortest arrival promise (C-25); 0: no cap */
    int64_t not_cleared_ms; /* the crew limit; 0: none */
    const char *const *refusals; /* NULL-ended: the codes with which somebody may refuse; `other` asks for words */
    int bounce_most;        /* so many times a ticket may be pushed on; one more escalates */
    const struct plan_escalation *escalations; /* at most one per condition */
    size_t escalation_count;
    const struct plan_channel *channels;
    size_t channel_count; /* 0: the limits say themselves which hours they count */
};

/* true when a question or complaint that came in that way is answered in working hours only (S1-53). What is broken is
 * taken in at any hour. */
bool plan_answers_by_day(const struct plan *plan, const char *kind, const char *channel);
/* The rule of a condition at a grade, or NULL. */
const struct plan_escalation *plan_escalation_of(const struct plan *plan, enum escalation_on on, int grade);
