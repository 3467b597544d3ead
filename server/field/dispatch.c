/* Work orders proposed for a ticket, to the team that fits by place and skill. */
#include <string.h>

#include "server/case/classes.h"
#include "server/case/clocks.h"
#include "server/field/field.h"
#include "server/field/route.h"

int64_t dispatch_team(struct office *office, struct sql *sql, const struct place *place, int64_t ticket,
                      const char *skill, int64_t now_ms, struct text *why)
{
    struct route_ask ask = {.equipment = place->equipment, .site = place->site, .ticket = ticket, .plan = place->plan,
                            .time_zone = place->time_zone, .skill = skill, .from_ms = now_ms, .to_ms = now_ms};
    struct arena *arena = office_scratch(office);
    const struct crew *crew;
    struct choice route;
    int64_t best = -1;
    enum err err = arena ? office_crew(office, sql, &crew) : ERR_NOMEM;

    if (!err) {
        err = route_find(arena, sql, office->options.rules, crew, &ask, &route);
    }
    if (!err) {
        best = route_best(&route, why);
    }
    if (best < 0) {
        text_say(why, ERR_NOT_FOUND, "no team serves %s: give it to one by hand",
                 place->site_title ? place->site_title : "this place");
        return 0;
    }
    return route.teams[best]->id;
}

static const char *likely_skill(const struct fault_rule *rule)
{
    const char *skill = NULL;
    double best = -1;

    for (size_t i = 0; rule && i < rule->cause_count; i++) {
        if (rule->causes[i].skill && rule->causes[i].odds > best) {
            best = rule->causes[i].odds;
            skill = rule->causes[i].skill;
        }
    }
    return skill;
}

enum err dispatch_propose(struct office *office, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct fault_rule *rule, const char *before,
                          int64_t now_ms)
{
    TEXT(why, 300);
    struct work_new what = {
        .kind = JOB_CORRECTIVE,
        .profile = place->profile,
        .rule = rule,
        .ticket = ticket,
        .equipment = place->equipment,
        .site = place->site,
        .team = dispatch_team(office, sql, place, ticket, likely_skill(rule), now_ms, &why),
        .before = before,
        .reason = why.at,
    };
    int64_t order;
    enum err err = work_create(office, sql, &what, now_ms, &order);

    if (!err && why.length > 0) {
        err = ticket_line(sql, ticket, now_ms, now_ms, "heliograph", "propose", NULL, why.at, NULL);
    }
    return err;
}

enum err dispatch_refresh(struct office *office, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct fault_rule *rule, const char *before,
                          int64_t now_ms)
{
    TEXT(why, 300);
    struct work_new what = {
        .kind = JOB_CORRECTIVE,
        .profile = place->profile,
        .rule = rule,
        .team = dispatch_team(office, sql, place, ticket, likely_skill(rule), now_ms, &why),
        .before = before,
        .reason = why.at,
    };
    int64_t order = sql_find_int(sql, 0,
                                 "SELECT id FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state ="
                                 " 'proposed'",
                                 "i", ticket);

    return order ? work_refill(office, sql, order, &what, now_ms) : ERR_OK;
}

/* One visit was not enough: by that the fault is complex (G-16). */
static enum err judge_second(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms)
{
    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state IN ('done',"
                      " 'verified', 'closed') LIMIT 1",
                      "i", ticket->id)) {
        return ERR_OK;
    }
    return classes_add(office, sql, ticket, 1U << CONDITION_SECOND_VISIT, "a second visit", now_ms);
}

enum err dispatch_again(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms)
{
    struct place place;
    int index;
    enum err err;

    if (sql_find_int(sql, 0,
                     "SELECT 1 FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state NOT"
                     " IN ('done', 'verified', 'closed', 'cancelled')",
                     "i", ticket->id)) {
        return ERR_OK;
    }
    err = judge_second(office, sql, ticket, now_ms);
    if (!err) {
        err = place_find(office, sql, ticket->equipment, ticket->site, now_ms, &place);
    }
    if (err) {
        return err;
    }
    index = ticket->fault && place.profile ? profile_fault(place.profile, ticket->fault) : -1;
    return dispatch_propose(office, sql, &place, ticket->id,
                            index < 0 ? NULL : &place.profile->faults[index], NULL, now_ms);
}
