/*
 * A service plan: what was promised per fault grade and service level, visits a year, warranty
 * terms, with the origin of every number (S: stated in a service document, with row ids; A: an
 * assumption). Plain data in an arena, never changed after plan_read().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/duration.h"
#include "models/base/err.h"
#include "models/base/yaml.h"
#include "models/profile/profile.h"

#define PLAN_LEVELS 3 /* service levels A B C */
#define PLAN_GRADES 3

struct plan_origin {
    char flag;             /* 'S' or 'A'; 0: not given */
    const char *const *ids; /* NULL-ended row ids; never NULL itself */
    const char *note;      /* or NULL */
};

struct plan_limit {
    bool set;
    struct duration limit;
    struct plan_origin origin;
};

enum plan_start { PLAN_REGISTERED, PLAN_REPORT, PLAN_FORWARDED, PLAN_DECIDED, PLAN_CLEARED };
enum plan_stop {
    PLAN_RESPONSE,   /* respond */
    PLAN_DISPATCHED, /* dispatch */
    PLAN_ASSIGNED,   /* assign */
    PLAN_CHECKED,    /* check */
    PLAN_ARRIVED,    /* work order: arrive */
    PLAN_CLEARED_STOP, /* the fault is cleared for good */
    PLAN_SOLUTION,
    PLAN_DELIVERED,
    PLAN_APPROVED,
};
extern const char *const plan_start_names[]; /* registered report forwarded decided cleared */
extern const char *const plan_stop_names[]; /* response dispatched assigned checked arrived cleared
                                               solution delivered approved */

struct plan_target {
    const char *kind; /* response, onsite_l1, repair … */
    enum plan_start start;
    enum plan_stop stop;
    struct plan_limit limits[PLAN_GRADES][PLAN_LEVELS]; /* [grade - 1][level - 'A'] */
    struct plan_limit emergency, remote_area;
    struct plan_limit aim; /* what people aim at inside the limit: no clock, leaves time to travel (C-25) */
    double cap_onsite; /* 0: none; else the limit is at most this share of the on-site limit */
    double warn;       /* share of the limit after which people are warned; 0: none */
};

struct plan_class {
    const char *component;
    struct duration term;
    struct plan_origin origin;
};

struct plan_window { /* season window: month-day to month-day in one year */
    int from_month, from_day, to_month, to_day;
};

struct plan_staff; /* plan_staff.h */

struct plan {
    const char *id, *version;
    struct words2 title;
    char hash[17];
    const char *time_zone; /* of the plan's own calendar */
    const struct plan_target *targets;
    size_t target_count;
    /* visits */
    int visits_per_year; /* 0: none */
    struct duration visit_spacing, visit_tolerance;
    const struct plan_window *windows;
    size_t window_count;
    /* warranty */
    const struct plan_class *classes;
    size_t class_count;
    const char *const *start_order; /* NULL-ended: acceptance_date … */
    const char *const *free_causes;
    const char *const *excluded;
    /* grading */
    int64_t g1_outage_ms, link_loss_delay_ms, link_loss_limit_ms;
    /* how long telemetry must stay normal before a fault counts as cleared for good */
    int64_t hold_ms;
    int64_t reopen_ms; /* how long after closing a ticket may be opened again; 0: preset */
    int64_t close_ms;  /* untouched tickets of the server's own close that long after; 0: never */
    const char *onsite_gate;
    bool consent_before_repair;
    const struct plan_staff *staff; /* who goes, who is told next; never NULL */
    const struct yaml_node *root; /* all of the file, for what is not above */
    const char *bytes; /* the text it was read from, as it was given: not copied */
    size_t size;
};

/* Reads and validates (service-terms.md 3, "Plan validator rules"); all findings in complaints. */
enum err plan_read(struct arena *arena, const char *bytes, size_t size,
                   struct complaints *complaints, const struct plan **ret_plan) MUST_CHECK;
/* A text that was found right when it was kept with a ticket, perhaps by an older program: what it
 * says is taken, what newer rules would complain of is not looked at. */
enum err plan_read_kept(struct arena *arena, const char *bytes, size_t size,
                        const struct plan **ret_plan) MUST_CHECK;
/* The limit of a target for a ticket; set = false when the plan gives none. level 'A' 'B' 'C'. */
struct plan_limit plan_limit_of(const struct plan *plan, const struct plan_target *target,
                                int grade, char level, bool remote_area, bool emergency);
