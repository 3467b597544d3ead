/*
 * Who should go: technicians (and teams that name none) judged against one visit by what is known of them,
 * criterion by criterion, and ranked. The same facts give the same order. What each criterion says is kept
 * in words, so that people can see why somebody comes first and why somebody else is out of question.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/text.h"

enum routing_criterion {
    ROUTING_PLACE,    /* named for the equipment (S0-07), for the site, for the territory (C-15) */
    ROUTING_TIER,     /* routine faults to tier 1, others to tier 3 (S0-129, S0-130); a dealer whose agreement runs */
    ROUTING_SKILL,    /* certificate valid on the day of the visit (S1-35) */
    ROUTING_EXAM,     /* the periodic exam (S1-36) */
    ROUTING_ABSENCE,
    ROUTING_HOURS,    /* at work then, or on call */
    ROUTING_LOAD,     /* open orders against the hours of the day */
    ROUTING_TRAVEL,
    ROUTING_CRITERIA,
};
extern const char *const routing_criterion_names[]; /* place tier skill exam absence hours load travel */

/* How a team or technician comes to a place, the weaker first. */
enum routing_place {
    ROUTING_NOWHERE, /* it serves others */
    ROUTING_ANYWHERE, /* no team names any place */
    ROUTING_TERRITORY,
    ROUTING_SITE,
    ROUTING_BACKUP,
    ROUTING_PRIMARY,
    ROUTING_NAMED, /* the technician named for the equipment */
};

struct routing_rules { /* of the plan: staff.routing */
    int weights[ROUTING_CRITERIA];  /* points at most */
    unsigned blocks;                /* a bit per criterion that also stops an assignment by hand */
    double speed_kmh, detour;       /* of a road: straight distance × detour */
    int64_t order_ms;               /* what an open order takes */
    int64_t travel_most_ms;         /* from here on travel earns no points */
    double load_most;               /* share of the day's hours that may be taken */
};

#define ROUTING_NO_DAY   INT32_MIN
#define ROUTING_FOR_EVER INT32_MAX

struct routing_certificate {
    const char *type, *no;
    int32_t valid_to; /* the last day; ROUTING_FOR_EVER */
    int level;        /* of skill, raised by courses: 1 … 5; 0: not said */
};

struct routing_dealer { /* who works for the company by an agreement (S0-128) */
    const char *name, *agreement; /* may be NULL */
    int32_t valid_to;             /* the last day of the agreement; ROUTING_FOR_EVER */
};

struct routing_want { /* the visit */
    int32_t day;       /* civil day at the place */
    const char *skill; /* NULL: any */
    bool non_routine;
    int least_tier;    /* a lower one could not do it; 0 or 1: any */
    bool has_place;
    double lat, lon;
};

struct routing_person {
    const char *technician; /* NULL: a team that names no technicians */
    const char *team;       /* or NULL */
    int tier;               /* 1 local agent, 2 regional office, 3 head office (S0-48); 0: not said */
    const struct routing_dealer *dealer; /* NULL: the company's own people */
    enum routing_place place;
    const struct routing_certificate *certificates;
    size_t certificate_count;
    const char *const *team_skills; /* NULL-ended; may be NULL */
    int32_t exam_due;               /* ROUTING_NO_DAY: none */
    const char *absence;            /* why absent on that day; NULL: not absent */
    bool at_work, on_call;
    int64_t open_orders;            /* of that day, and without a day */
    int64_t shift_ms;               /* hours of that day */
    double speed_kmh;               /* 0: the rules' */
    bool has_base;
    double lat, lon;
};

struct routing_line {
    bool excluded; /* not to be proposed */
    bool blocked;  /* … nor to be assigned without a reason given */
    int points;
    char words[120];
};

struct routing_verdict {
    struct routing_line lines[ROUTING_CRITERIA];
    int score; /* sum of points */
    int level; /* of the skill that is asked for: of two with the same score the higher goes first */
    bool suitable, blocked;
    int64_t travel_ms; /* -1: not known */
};

void routing_judge(const struct routing_rules *rules, const struct routing_want *want,
                   const struct routing_person *person, struct routing_verdict *ret_verdict);
/* Indices of persons, the best first: who is suitable, then who at least serves the place, then by score,
 * then by level of skill, then by name. verdicts has a place per person. */
void routing_rank(const struct routing_rules *rules, const struct routing_want *want,
                  const struct routing_person *persons, size_t count, size_t order[],
                  struct routing_verdict verdicts[]);
/* Why not: the words of what excludes (or, blocking only, blocks), separated by "; ". */
void routing_reasons(const struct routing_verdict *verdict, bool blocking_only, struct text *to);
/* Great-circle distance in km. */
double routing_distance(double lat_a, double lon_a, double lat_b, double lon_b);
/* -1: no such criterion. */
int routing_criterion_read(const char *name);
