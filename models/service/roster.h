/*
 * Who is on call when. A roster has the hours of a week in its own zone and members who take turns: the
 * one whose turn it is is asked first, then the others in their order, so that a call nobody answers goes
 * to the next (service-terms S0-110). An override puts somebody first for a while, also outside the hours;
 * who is absent is not asked.
 *
 * Hours are instants: a span begins when the wall clock first shows its start and ends when it first shows
 * its end, so that no hour is lost or doubled when the clocks change. Whether there is a hole is proved by
 * going from change to change, not by looking at samples.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/yaml.h"
#include "models/service/workdays.h"

#define ROSTER_MEMBERS_MOST   64
#define ROSTER_OVERRIDES_MOST 1000

struct roster_override {
    int64_t from_ms, to_ms;
    int member; /* index */
};

struct roster_absence { /* both days included, civil days of the roster's zone */
    const char *member;
    int32_t from_day, to_day;
};

struct roster {
    const char *id, *title;
    const struct zone *zone;
    struct workdays_day week[7];
    const char *members[ROSTER_MEMBERS_MOST];
    size_t member_count;
    int32_t first_day;     /* the first member's turn begins on it */
    int rotation_days;     /* 0: the order never changes */
    int32_t hand_over_ms;  /* of the day, since local midnight */
    const struct roster_override *overrides; /* a later one goes before an earlier one */
    size_t override_count;
    const char *const *skills; /* NULL-ended: what a member must have; who has it is the caller's to say */
    const char *const *plans;  /* NULL-ended: whose hotline it answers; none: of every plan */
    const struct roster_absence *absences; /* the caller's, of anybody */
    size_t absence_count;
};

/* A row of the fleet file; the arena keeps its texts. absences are left empty. */
void roster_read(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                 workdays_zone find_zone, void *context, struct roster *ret_roster);

/* Who is asked at an instant, in order, as indices into members (order has room for
 * ROSTER_MEMBERS_MOST). 0: nobody, a hole. */
size_t roster_ask(const struct roster *roster, int64_t at_ms, int order[]);
/* The first instant after at_ms at which the answer may be another one. */
int64_t roster_change(const struct roster *roster, int64_t at_ms);
/* The first span within [from_ms, to_ms) in which none of the rosters has anybody; false: no hole. */
bool roster_hole(const struct roster *rosters, size_t count, int64_t from_ms, int64_t to_ms,
                 int64_t *ret_from_ms, int64_t *ret_to_ms);
/* true when the roster answers the hotline of that plan. */
bool roster_serves(const struct roster *roster, const char *plan);
