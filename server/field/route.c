/* Facts about people and a place, gathered for the rules of routing. */
#include "server/field/route.h"

#include <string.h>

#include "models/service/plan_staff.h"

struct gatherer {
    struct arena *arena;
    struct sql *sql;
    const struct crew *crew;
    const struct route_ask *ask;
    const struct zone *zone;
    const char *address;
    int64_t teams[2], technicians[2]; /* named for the equipment: first and backup */
    int64_t *sites;                   /* teams that name the site */
    size_t site_count;
    struct load {
        int64_t team, technician, count;
    } *loads;
    size_t load_count;
};

static const char *keep(struct arena *arena, const char *words)
{
    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

/* The skill of the likeliest cause and whether the fault is out of the ordinary, from the ticket. */
static enum err read_ticket(struct gatherer *gatherer, struct routing_want *want)
{
    const struct cJSON *cause = NULL, *classes = NULL;
    struct sql_rows rows;

    sql_find(gatherer->sql, &rows, "SELECT cause, classification FROM ticket WHERE id = ?1", "i",
             gatherer->ask->ticket);
    if (sql_next(&rows)) {
        const char *words = sql_text(&rows, 0), *more = sql_text(&rows, 1);

        (void)!json_parse(gatherer->arena, words ? words : "[]", strlen(words ? words : "[]"), &cause, NULL);
        (void)!json_parse(gatherer->arena, more ? more : "{}", strlen(more ? more : "{}"), &classes, NULL);
        if (!want->skill && json_first(cause)) {
            want->skill = keep(gatherer->arena, json_text_or(json_first(cause), "skill", NULL));
        }
        want->non_routine = text_same(json_text_or(classes, "competence", NULL), "non_routine");
    }
    return sql_end(&rows);
}

static enum err read_site(struct gatherer *gatherer, struct routing_want *want)
{
    struct sql_rows rows;

    sql_find(gatherer->sql, &rows, "SELECT address, lat, lon FROM site WHERE id = ?1", "i", gatherer->ask->site);
    if (sql_next(&rows)) {
        gatherer->address = keep(gatherer->arena, sql_text(&rows, 0));
        want->lat = sql_real(&rows, 1);
        want->lon = sql_real(&rows, 2);
        want->has_place = want->lat < 0 || want->lat > 0 || want->lon < 0 || want->lon > 0;
    }
    return sql_end(&rows);
}

static enum err read_named(struct gatherer *gatherer)
{
    struct sql_rows rows;

    sql_find(gatherer->sql, &rows,
             "SELECT team, backup_team, technician, backup_technician FROM equipment_team WHERE equipment = ?1", "i",
             gatherer->ask->equipment);
    if (sql_next(&rows)) {
        for (int i = 0; i < 2; i++) {
            gatherer->teams[i] = sql_int(&rows, i);
            gatherer->technicians[i] = sql_int(&rows, 2 + i);
        }
    }
    return sql_end(&rows);
}

static enum err read_sites(struct gatherer *gatherer)
{
    struct sql_rows rows;

    gatherer->sites = arena_array(gatherer->arena, gatherer->crew->team_count + 1, sizeof(*gatherer->sites));
    if (!gatherer->sites) {
        return ERR_NOMEM;
    }
    sql_find(gatherer->sql, &rows, "SELECT team FROM team_site WHERE site = ?1", "i", gatherer->ask->site);
    while (gatherer->site_count < gatherer->crew->team_count && sql_next(&rows)) {
        gatherer->sites[gatherer->site_count++] = sql_int(&rows, 0);
    }
    return sql_end(&rows);
}

/* Open orders of the day, and those without a day; without the ticket's own. */
static enum err read_loads(struct gatherer *gatherer, int32_t day)
{
    size_t most = gatherer->crew->person_count + 2 * gatherer->crew->team_count + 1;
    struct sql_rows rows;

    gatherer->loads = arena_array(gatherer->arena, most, sizeof(*gatherer->loads));
    if (!gatherer->loads) {
        return ERR_NOMEM;
    }
    sql_find(gatherer->sql, &rows,
             "SELECT team, technician, COUNT(*) FROM work_order WHERE state NOT IN ('done', 'verified', 'closed', 'cancelled') AND"
             " team IS NOT NULL AND (from_ms IS NULL OR from_ms BETWEEN ?1 AND ?2) AND (ticket IS NULL OR ticket"
             " <> ?3) AND kind <> 'preventive' GROUP BY team, technician",
             "iii", zone_instant(gatherer->zone, day, 0), zone_instant(gatherer->zone, day + 1, 0) - 1,
             gatherer->ask->ticket);
    while (gatherer->load_count < most && sql_next(&rows)) {
        gatherer->loads[gatherer->load_count++] =
            (struct load){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2)};
    }
    return sql_end(&rows);
}

/* What somebody has, and a share of what the team has without a name. */
static int64_t load_of(const struct gatherer *gatherer, const struct crew_team *team, int64_t technician)
{
    int64_t own = 0, shared = 0, people = team->people > 0 ? (int64_t)team->people : 1;

    for (size_t i = 0; i < gatherer->load_count; i++) {
        const struct load *load = &gatherer->loads[i];

        own += technician && load->technician == technician ? load->count : 0;
        shared += load->team == team->id && (load->technician == 0 || !technician) ? load->count : 0;
    }
    return own + (shared + people - 1) / people;
}

static enum routing_place place_of(const struct gatherer *gatherer, const struct crew_team *team, int64_t technician)
{
    if (technician && technician == gatherer->technicians[0]) {
        return ROUTING_NAMED;
    }
    if (team->id == gatherer->teams[0]) {
        return ROUTING_PRIMARY;
    }
    if (team->id == gatherer->teams[1] || (technician && technician == gatherer->technicians[1])) {
        return ROUTING_BACKUP;
    }
    for (size_t i = 0; i < gatherer->site_count; i++) {
        if (gatherer->sites[i] == team->id) {
            return ROUTING_SITE;
        }
    }
    for (const char *const *territory = team->territories; *territory; territory++) {
        if (**territory && gatherer->address && strstr(gatherer->address, *territory)) {
            return ROUTING_TERRITORY;
        }
    }
    /* offices of the upper tiers serve everywhere unless they name places */
    return !gatherer->crew->places_named || (team->tier > 1 && !team->has_sites && !team->territories[0])
               ? ROUTING_ANYWHERE
               : ROUTING_NOWHERE;
}

static struct routing_person person_of(const struct gatherer *gatherer, const struct crew_team *team,
                                       const struct crew_person *who, int32_t day)
{
    const struct workdays *workdays = who ? &who->workdays : &team->workdays;
    int64_t from_ms = gatherer->ask->from_ms, to_ms = gatherer->ask->to_ms;
    struct routing_person person = {
        .technician = who ? who->name : NULL,
        .team = team->name,
        .tier = team->tier,
        .place = place_of(gatherer, team, who ? who->id : 0),
        .team_skills = team->skills,
        .dealer = team->has_dealer ? &team->dealer : NULL,
        .exam_due = who ? who->exam_due : ROUTING_NO_DAY,
        .absence = who ? crew_absence_on(who, day) : NULL,
        .open_orders = load_of(gatherer, team, who ? who->id : 0),
        .shift_ms = workdays_between(workdays, zone_instant(gatherer->zone, day, 0),
                                     zone_instant(gatherer->zone, day + 1, 0)),
        .at_work = workdays_between(workdays, from_ms, to_ms > from_ms ? to_ms : from_ms + 60000) > 0,
        .has_base = team->has_base || (who && who->has_base),
        .lat = who && who->has_base ? who->lat : team->lat,
        .lon = who && who->has_base ? who->lon : team->lon,
    };

    if (who) {
        person.certificates = who->certificates;
        person.certificate_count = who->certificate_count;
        person.speed_kmh = who->speed_kmh;
    }
    return person;
}

static void put_on_call(struct choice *route, const struct gatherer *gatherer)
{
    const struct crew_person *on_call[ROSTER_MEMBERS_MOST];
    const struct plan *plan = gatherer->ask->plan;
    size_t count = crew_on_call(gatherer->crew, plan ? plan->id : NULL, gatherer->ask->from_ms, on_call,
                                ROSTER_MEMBERS_MOST);

    for (size_t i = 0; i < route->count; i++) {
        for (size_t k = 0; k < count; k++) {
            route->persons[i].on_call = route->persons[i].on_call || route->people[i] == on_call[k];
        }
    }
}

static void gather(struct choice *route, const struct gatherer *gatherer)
{
    const struct crew *crew = gatherer->crew;

    for (size_t i = 0; i < crew->person_count; i++) {
        const struct crew_person *who = &crew->people[i];

        if (who->team) {
            route->people[route->count] = who;
            route->teams[route->count] = who->team;
            route->persons[route->count++] = person_of(gatherer, who->team, who, route->want.day);
        }
    }
    for (size_t i = 0; i < crew->team_count; i++) {
        if (crew->teams[i].people == 0) {
            route->people[route->count] = NULL;
            route->teams[route->count] = &crew->teams[i];
            route->persons[route->count++] = person_of(gatherer, &crew->teams[i], NULL, route->want.day);
        }
    }
    put_on_call(route, gatherer);
}

static const struct routing_rules *rules_of(struct rules *rules, const struct plan *plan)
{
    const struct plan *any = plan ? plan : rules_plan_count(rules) > 0 ? rules_plan_at(rules, 0) : NULL;
    static const struct routing_rules none = {.speed_kmh = 40, .detour = 1, .travel_most_ms = 1};

    return any ? &any->staff->routing : &none;
}

enum err route_find(struct arena *arena, struct sql *sql, struct rules *rules, const struct crew *crew,
                    const struct route_ask *ask, struct choice *ret_route)
{
    const struct zone *zone = ask->time_zone ? rules_zone(rules, ask->time_zone) : NULL;
    struct gatherer gatherer = {.arena = arena, .sql = sql, .crew = crew, .ask = ask,
                                .zone = zone ? zone : zone_utc()};
    struct choice route = {.rules = rules_of(rules, ask->plan)};
    size_t most = crew->person_count + crew->team_count + 1;
    enum err err;

    route.want = (struct routing_want){.day = zone_day(gatherer.zone, ask->from_ms), .skill = ask->skill,
                                       .least_tier = ask->least_tier};
    route.persons = arena_array(arena, most, sizeof(*route.persons));
    route.teams = arena_array(arena, most, sizeof(const struct crew_team *));
    route.people = arena_array(arena, most, sizeof(const struct crew_person *));
    route.verdicts = arena_array(arena, most, sizeof(*route.verdicts));
    route.order = arena_array(arena, most, sizeof(*route.order));
    if (!route.persons || !route.teams || !route.people || !route.verdicts || !route.order) {
        return ERR_NOMEM;
    }
    err = ask->ticket ? read_ticket(&gatherer, &route.want) : ERR_OK;
    if (!err) {
        err = read_site(&gatherer, &route.want);
    }
    if (!err) {
        err = read_named(&gatherer);
    }
    if (!err) {
        err = read_sites(&gatherer);
    }
    if (!err) {
        err = read_loads(&gatherer, route.want.day);
    }
    if (!err) {
        gather(&route, &gatherer);
        routing_rank(route.rules, &route.want, route.persons, route.count, route.order, route.verdicts);
    }
    *ret_route = route;
    return err;
}

int64_t route_best(const struct choice *route, struct text *why)
{
    size_t best = route->count > 0 ? route->order[0] : 0;

    if (route->count == 0 || route->verdicts[best].lines[ROUTING_PLACE].excluded) {
        return -1;
    }
    if (!route->verdicts[best].suitable) {
        text_clear(why);
        routing_reasons(&route->verdicts[best], false, why);
    }
    return (int64_t)best;
}

void route_put(const struct choice *route, size_t index, struct json_out *out)
{
    const struct routing_verdict *verdict = &route->verdicts[index];
    TEXT(why, 400);

    routing_reasons(verdict, false, &why);
    json_open_object(out);
    json_text(out, "technician", route->persons[index].technician);
    json_text(out, "name", route->people[index] ? route->people[index]->title : route->teams[index]->title);
    json_text(out, "team", route->persons[index].team);
    json_bool(out, "suitable", verdict->suitable);
    json_bool(out, "blocked", verdict->blocked);
    json_int(out, "score", verdict->score);
    json_text(out, "reason", why.length ? why.at : NULL);
    if (verdict->travel_ms < 0) {
        json_null(out, "travel_minutes");
    } else {
        json_int(out, "travel_minutes", verdict->travel_ms / 60000);
    }
    json_key(out, "criteria");
    json_open_list(out);
    for (int i = 0; i < ROUTING_CRITERIA; i++) {
        json_open_object(out);
        json_text(out, "criterion", routing_criterion_names[i]);
        json_text(out, "value", verdict->lines[i].words);
        json_int(out, "points", verdict->lines[i].points);
        json_int(out, "most", route->rules->weights[i]);
        json_bool(out, "excluded", verdict->lines[i].excluded);
        json_close_object(out);
    }
    json_close_list(out);
    json_close_object(out);
}
