/*
 * The people: teams, technicians and rosters of the fleet file, as dispatch asks for them. One reader serves the
 * import (which wants every complaint) and the desk (which wants the facts).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/service/roster.h"
#include "models/service/routing.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

#define CREW_DISPATCHER (1U << 0) /* what somebody is for escalations, in the order of crew_role_names */
#define CREW_SUPERVISOR (1U << 1)
#define CREW_TECHNICAL  (1U << 2)
#define CREW_LEADERSHIP (1U << 3)
extern const char *const crew_role_names[];

struct crew_absence {
    int32_t from_day, to_day; /* both included */
    const char *reason;       /* never NULL */
};

struct crew_team {
    int64_t id;
    const char *name, *title, *phone, *email;
    const char *lead, *up; /* ids, or NULL */
    int tier;              /* 0: not said */
    bool has_dealer;
    struct routing_dealer dealer;
    bool has_base;
    double lat, lon;
    const char *const *skills, *const *territories; /* NULL-ended */
    struct workdays workdays;
    bool has_sites; /* it names sites */
    size_t people;  /* how many technicians it names */
};

struct crew_person {
    int64_t id;
    const char *name, *title, *phone, *email;
    const struct crew_team *team; /* or NULL */
    unsigned roles;
    const struct routing_certificate *certificates;
    size_t certificate_count;
    int32_t exam_due; /* ROUTING_NO_DAY: none */
    const struct crew_absence *absences;
    size_t absence_count;
    bool has_shift;
    struct workdays_day shift[7];
    struct workdays workdays; /* the team's, with the shift's hours */
    const char *vehicle;
    double speed_kmh; /* 0: the plan's */
    bool has_base;
    double lat, lon;
};

struct crew {
    struct crew_team *teams;
    size_t team_count;
    struct crew_person *people; /* by name */
    size_t person_count;
    struct roster *rosters;
    size_t roster_count;
    bool places_named; /* some team names a site or a territory */
};

/* Rows of the fleet file: everything but references, which the caller checks. */
void crew_read_team(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                    struct crew_team *ret_team);
void crew_read_person(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                      struct crew_person *ret_person);

/* All of them as they stand in the database; lives in arena. */
enum err crew_load(struct arena *arena, struct sql *sql, struct rules *rules, const struct crew **ret_crew) MUST_CHECK;
const struct crew_person *crew_person_named(const struct crew *crew, const char *name); /* or NULL */
const struct crew_team *crew_team_named(const struct crew *crew, const char *name);
const struct crew_team *crew_team_of(const struct crew *crew, int64_t id);
const struct roster *crew_roster_named(const struct crew *crew, const char *name);
/* Why somebody is absent on a day; NULL: not. */
const char *crew_absence_on(const struct crew_person *person, int32_t day);
/* The people on call for a plan at an instant, in the order in which they are asked; each once. */
size_t crew_on_call(const struct crew *crew, const char *plan, int64_t at_ms,
                    const struct crew_person *people[], size_t most);

/*
 * Proves that the rosters of every plan with a 24x7 hotline have no hole in the two years from now_ms; plans that no
 * roster names are not asked. The first hole of each is a complaint, at the row of the file root that has to do with
 * it. Reads the database, into which the file has been written already. ERR_FORMAT: there is a hole.
 */
enum err crew_prove(struct arena *arena, struct sql *sql, struct rules *rules, struct yaml_node *root,
                    int64_t now_ms, struct complaints *complaints) MUST_CHECK;
