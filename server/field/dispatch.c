/* Work orders proposed for a ticket, to the team that fits by place and skill. */
#include <string.h>

#include "server/case/clocks.h"
#include "server/field/field.h"

/*
 * Teams that serve the place (its site by name, or a territory in its address) come first by skill,
 * then by how near the site is named, then the least loaded. A skill counts when a technician of the
 * team holds a certificate of that type that is valid today, or when the team says that it has it
 * and no technician's certificate of that type has run out. Where no team names any place at all,
 * every team serves all.
 */
static const char find_team[] =
    "WITH able AS (SELECT t.id, s.site IS NOT NULL AS direct, ?2 = '' OR EXISTS (SELECT 1 FROM"
    " technician h JOIN certificate c ON c.technician = h.id WHERE h.team = t.id AND c.type = ?2 AND"
    " COALESCE(c.valid_to, '9999') >= ?3) OR (EXISTS (SELECT 1 FROM team_skill k WHERE k.team = t.id"
    " AND k.skill = ?2) AND NOT EXISTS (SELECT 1 FROM technician h JOIN certificate c ON"
    " c.technician = h.id WHERE h.team = t.id AND c.type = ?2 AND c.valid_to < ?3)) AS skilled"
    " FROM team t LEFT JOIN team_site s ON s.team = t.id AND s.site = ?1 LEFT JOIN site x ON x.id ="
    " ?1 WHERE s.site IS NOT NULL OR EXISTS (SELECT 1 FROM team_territory r WHERE r.team = t.id AND"
    " r.territory <> '' AND instr(COALESCE(x.address, ''), r.territory) > 0) OR NOT EXISTS (SELECT 1"
    " FROM team_territory UNION ALL SELECT 1 FROM team_site)) SELECT able.id, able.skilled FROM able"
    " ORDER BY skilled DESC, direct DESC, (SELECT COUNT(*) FROM work_order w WHERE w.team = able.id"
    " AND w.state NOT IN ('done', 'verified', 'closed', 'cancelled')), able.id LIMIT 1";

int64_t dispatch_team(struct office *office, struct sql *sql, const struct place *place,
                      const char *skill, int64_t now_ms, struct text *why)
{
    int64_t team = 0, skilled = 0;
    struct sql_rows rows;
    char today[11];

    civil_write_date(place_day(office, place, now_ms), today);
    sql_find(sql, &rows, find_team, "itt", place->site, skill ? skill : "", today);
    if (sql_next(&rows)) {
        team = sql_int(&rows, 0);
        skilled = sql_int(&rows, 1);
    }
    if (sql_end(&rows) || !team) {
        text_say(why, ERR_NOT_FOUND, "no team serves %s: give it to one by hand",
                 place->site_title ? place->site_title : "this place");
        return 0;
    }
    if (!skilled) {
        text_say(why, ERR_OK, "no team here has the skill %s (or its certificates have run out)", skill);
    }
    return team;
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
        .team = dispatch_team(office, sql, place, likely_skill(rule), now_ms, &why),
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
        .team = dispatch_team(office, sql, place, likely_skill(rule), now_ms, &why),
        .before = before,
        .reason = why.at,
    };
    int64_t order = sql_find_int(sql, 0,
                                 "SELECT id FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state ="
                                 " 'proposed'",
                                 "i", ticket);

    return order ? work_refill(office, sql, order, &what, now_ms) : ERR_OK;
}

enum err dispatch_again(struct office *office, struct sql *sql, const struct ticket *ticket,
                        int64_t now_ms)
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
    err = place_find(office, sql, ticket->equipment, ticket->site, now_ms, &place);
    if (err) {
        return err;
    }
    index = ticket->fault && place.profile ? profile_fault(place.profile, ticket->fault) : -1;
    return dispatch_propose(office, sql, &place, ticket->id,
                            index < 0 ? NULL : &place.profile->faults[index], NULL, now_ms);
}
