/* Who may go to a place: the people of the fleet judged by models/service/routing. */
#pragma once

#include "server/case/place.h"
#include "server/fleet/crew.h"

struct route_ask {
    int64_t equipment, site, ticket; /* row ids; 0: none */
    const struct plan *plan;         /* or NULL */
    const char *time_zone;           /* of the place; NULL: UTC */
    const char *skill;               /* NULL: the one of the ticket's most likely cause, if any */
    int least_tier;
    int64_t from_ms, to_ms; /* of the visit; to = from: an instant */
};

struct choice { /* lives in the arena it was found with */
    const struct routing_rules *rules;
    struct routing_want want;
    struct routing_person *persons;
    const struct crew_team **teams;    /* beside each person */
    const struct crew_person **people; /* … NULL: a team that names nobody */
    struct routing_verdict *verdicts;
    size_t *order; /* indices, the best first */
    size_t count;
};

/* Everybody who could be sent, ranked. */
enum err route_find(struct arena *arena, struct sql *sql, struct rules *rules, const struct crew *crew,
                    const struct route_ask *ask, struct choice *ret_route) MUST_CHECK;
/* The first that serves the place; -1: nobody does. why: what speaks against it, if anything. */
int64_t route_best(const struct choice *route, struct text *why);
/* One candidate as the API shows it. */
void route_put(const struct choice *route, size_t index, struct json_out *out);
