/*
 * What a plan says about tickets beside its clocks (items.ticket, items.onsite_gate): how faults are
 * classified, when one counts as a repeat, who is the same caller, in which order people look at
 * tickets, and the kinds of tickets (which clocks they have: plan_owes). Whatever a plan leaves out has the preset of this file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/yaml.h"

/* C-12: what must have happened before somebody is sent. */
enum onsite_gate {
    ONSITE_IMMEDIATE,      /* nothing */
    ONSITE_PHONE_FAILED,   /* the remote attempt failed, or the customer calls it important (S0-113) */
    ONSITE_MUTUAL_CONSENT, /* both sides agreed (S0-101) */
    ONSITE_MANAGER_VERIFY, /* a manager has verified it (S0-30) */
};
extern const char *const onsite_gate_names[]; /* immediate phone_failed_or_important … */

/* Conditions that classifications are made of (G-16), a bit each. */
enum ticket_condition {
    CONDITION_GRADE_1,
    CONDITION_SAFETY,       /* the fault is a danger */
    CONDITION_CRITICAL,     /* the site is critical to the customer */
    CONDITION_NON_ROUTINE,  /* the competence is */
    CONDITION_NO_STOCK,     /* a part that is needed is in no depot */
    CONDITION_SECOND_VISIT, /* one visit was not enough */
    CONDITION_REPEAT,       /* F-24 */
    CONDITION_GUARD,        /* a guard period (S0-119) */
    CONDITION_UNKNOWN,      /* no probable cause is known */
    CONDITION_DANGER,       /* nothing is lost yet: a latent danger, or a prediction (S0-106) */
};
extern const char *const ticket_condition_names[];

struct ticket_rules {
    enum onsite_gate onsite_gate;
    unsigned emergency, complex, non_routine; /* a bit per condition: any of them makes it so */
    int64_t repeat_ms;    /* the same fault within that time after closing is a repeat; 0: never */
    int repeat_raise;     /* grades more severe then */
    int64_t fall_ms;      /* telemetry must say the milder grade for so long before it falls */
    int64_t duplicate_ms; /* the same caller within that time: one ticket */
    bool cause_before_close; /* S0-114: cause, plan, clearance in that order */
    const char *const *slip; /* S0-29: NULL-ended fields that a ticket must have */
    /* S3-17: how much older than it is a ticket counts as when people look for the next one */
    int64_t ahead_grade_ms[3], ahead_emergency_ms, ahead_level_ms[3];
};

/* The presets. */
struct ticket_rules ticket_rules_preset(void);
/* items of a plan file over the presets. Keys are looked at and not asked for: that every leaf has
 * its origin is the plan reader's to check. */
void ticket_rules_read(struct arena *arena, struct complaints *complaints, struct yaml_node *items,
                       struct ticket_rules *rules);

/* ------------------------------------------------------------------ kinds */

struct ticket_kind {
    const char *name;
    bool by_people; /* may be reported */
    bool visit;     /* a work order is proposed at once */
    bool words;     /* only an answer is owed, to the ticket and to a parked question, unless the plan says otherwise */
    bool consent;   /* nothing is done before its price is agreed (S2-30) */
    int grade;      /* when nobody says one */
};
/* NULL when there is no such kind. */
const struct ticket_kind *ticket_kind_find(const char *name);
/* The i-th kind; NULL behind the last. */
const struct ticket_kind *ticket_kind_at(int i);
