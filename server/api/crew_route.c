/* The people: technicians and teams with their load, rosters and who is on call, and who could go to a ticket. */
#include <string.h>

#include "server/api/api_int.h"
#include "server/fleet/crew.h"
#include "server/field/route.h"

#define CREW_BYTES (32 * 1024 * 1024)
#define SPANS_MOST 2000 /* of a roster in one answer */

/* Runs show with the people as they are now; its problem or answer is written. */
static void with_crew(struct call *call, void (*run)(struct call *call, const struct crew *crew, struct arena *arena))
{
    const struct crew *crew = NULL;
    struct arena *arena = NULL;
    enum err err = arena_open(CREW_BYTES, &arena);

    if (!err) {
        err = crew_load(arena, call->sql, call->api->options.rules, &crew);
    }
    if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else {
        call->crew = crew;
        run(call, crew, arena);
        call->crew = NULL;
    }
    arena_close(arena);
}

static void put_day(struct json_out *out, const char *name, int32_t day)
{
    char words[11];

    if (day == ROUTING_NO_DAY || day == ROUTING_FOR_EVER) {
        json_null(out, name);
        return;
    }
    civil_write_date(day, words);
    json_text(out, name, words);
}

static void put_words(struct json_out *out, const char *name, const char *const *words)
{
    json_key(out, name);
    json_open_list(out);
    for (; *words; words++) {
        json_put_text(out, *words);
    }
    json_close_list(out);
}

static void put_names(struct json_out *out, const char *name, const struct crew_person *const *people, size_t count)
{
    json_key(out, name);
    json_open_list(out);
    for (size_t i = 0; i < count; i++) {
        json_open_object(out);
        json_text(out, "technician", people[i]->name);
        json_text(out, "name", people[i]->title);
        json_text(out, "phone", people[i]->phone);
        json_close_object(out);
    }
    json_close_list(out);
}

/* ------------------------------------------------------------------ technicians and teams */

static bool is_at_work(const struct workdays *workdays, int64_t at_ms)
{
    return workdays_between(workdays, at_ms, at_ms + 60000) > 0;
}

/* What is open, and the hours of today in the calendar's own zone. */
static void put_load(struct call *call, int64_t open, const struct workdays *workdays)
{
    int32_t day = zone_day(workdays->zone, call->now_ms);

    json_int(call->out, "open_orders", open);
    json_int(call->out, "hours_today_minutes",
             workdays_between(workdays, zone_instant(workdays->zone, day, 0),
                              zone_instant(workdays->zone, day + 1, 0)) /
                 60000);
    json_bool(call->out, "at_work", is_at_work(workdays, call->now_ms));
}

static bool is_on_call(struct call *call, const struct crew_person *person)
{
    const struct crew_person *people[ROSTER_MEMBERS_MOST];
    size_t count = crew_on_call(call->crew, NULL, call->now_ms, people, ROSTER_MEMBERS_MOST);

    for (size_t i = 0; i < count; i++) {
        if (people[i] == person) {
            return true;
        }
    }
    return false;
}

static void put_certificates(struct call *call, const struct crew_person *person, int32_t today)
{
    json_key(call->out, "certificates");
    json_open_list(call->out);
    for (size_t i = 0; i < person->certificate_count; i++) {
        json_open_object(call->out);
        json_text(call->out, "type", person->certificates[i].type);
        json_text(call->out, "no", person->certificates[i].no);
        put_day(call->out, "valid_to", person->certificates[i].valid_to);
        if (person->certificates[i].level) {
            json_int(call->out, "level", person->certificates[i].level);
        } else {
            json_null(call->out, "level");
        }
        json_bool(call->out, "valid", person->certificates[i].valid_to >= today);
        json_close_object(call->out);
    }
    json_close_list(call->out);
}

static void put_absences(struct call *call, const struct crew_person *person)
{
    json_key(call->out, "absences");
    json_open_list(call->out);
    for (size_t i = 0; i < person->absence_count; i++) {
        json_open_object(call->out);
        put_day(call->out, "from", person->absences[i].from_day);
        put_day(call->out, "to", person->absences[i].to_day);
        json_text(call->out, "reason", person->absences[i].reason);
        json_close_object(call->out);
    }
    json_close_list(call->out);
}

static enum err show_technician(struct call *call, int64_t id)
{
    const struct crew_person *person = NULL;
    int32_t today;

    for (size_t i = 0; i < call->crew->person_count; i++) {
        person = call->crew->people[i].id == id ? &call->crew->people[i] : person;
    }
    if (!person) {
        return ERR_NOT_FOUND;
    }
    today = zone_day(person->workdays.zone, call->now_ms);
    json_open_object(call->out);
    json_text(call->out, "id", person->name);
    json_text(call->out, "name", person->title);
    json_text(call->out, "team", person->team ? person->team->name : NULL);
    json_text(call->out, "phone", person->phone);
    json_key(call->out, "roles");
    json_open_list(call->out);
    for (int i = 0; crew_role_names[i]; i++) {
        if (person->roles >> i & 1) {
            json_put_text(call->out, crew_role_names[i]);
        }
    }
    json_close_list(call->out);
    put_certificates(call, person, today);
    put_day(call->out, "exam_due", person->exam_due);
    json_bool(call->out, "exam_overdue", person->exam_due != ROUTING_NO_DAY && person->exam_due < today);
    put_absences(call, person);
    json_text(call->out, "absent", crew_absence_on(person, today));
    json_text(call->out, "vehicle", person->vehicle);
    put_load(call,
             sql_find_int(call->sql, 0,
                          "SELECT COUNT(*) FROM work_order WHERE technician = ?1 AND team = ?2 AND state NOT IN"
                          " ('done', 'verified', 'closed', 'cancelled')",
                          "ii", id, person->team ? person->team->id : (int64_t)0),
             &person->workdays);
    json_bool(call->out, "on_call", is_on_call(call, person));
    json_close_object(call->out);
    return ERR_OK;
}

static void put_members(struct call *call, const struct crew_team *team)
{
    int64_t there = 0;

    json_key(call->out, "technicians");
    json_open_list(call->out);
    for (size_t i = 0; i < call->crew->person_count; i++) {
        const struct crew_person *person = &call->crew->people[i];

        if (person->team == team) {
            json_put_text(call->out, person->name);
            there += !crew_absence_on(person, zone_day(person->workdays.zone, call->now_ms));
        }
    }
    json_close_list(call->out);
    json_int(call->out, "available", there);
}

/* Whose people they are, by which agreement, until when; null: the company's own. */
static void put_dealer(struct json_out *out, const struct crew_team *team)
{
    if (!team->has_dealer) {
        json_null(out, "dealer");
        return;
    }
    json_key(out, "dealer");
    json_open_object(out);
    json_text(out, "name", team->dealer.name);
    json_text(out, "agreement", team->dealer.agreement);
    put_day(out, "valid_to", team->dealer.valid_to);
    json_close_object(out);
}

static enum err show_team(struct call *call, int64_t id)
{
    const struct crew_team *team = crew_team_of(call->crew, id);

    if (!team) {
        return ERR_NOT_FOUND;
    }
    json_open_object(call->out);
    json_text(call->out, "id", team->name);
    json_text(call->out, "name", team->title);
    if (team->tier) {
        json_int(call->out, "tier", team->tier);
    } else {
        json_null(call->out, "tier");
    }
    put_dealer(call->out, team);
    json_text(call->out, "lead", team->lead);
    json_text(call->out, "up", team->up);
    json_text(call->out, "phone", team->phone);
    put_words(call->out, "skills", team->skills);
    put_words(call->out, "territories", team->territories);
    put_members(call, team);
    put_load(call,
             sql_find_int(call->sql, 0,
                          "SELECT COUNT(*) FROM work_order WHERE team = ?1 AND state NOT IN ('done', 'verified', 'closed', 'cancelled')", "i",
                          id),
             &team->workdays);
    json_int(call->out, "tickets",
             sql_find_int(call->sql, 0,
                          "SELECT COUNT(*) FROM assignment a JOIN ticket t ON t.id = a.ticket WHERE a.team = ?1 AND"
                          " a.ended_ms IS NULL AND a.owned_ms IS NOT NULL AND t.closed_ms IS NULL",
                          "i", id));
    json_close_object(call->out);
    return ERR_OK;
}

static void list_technicians(struct call *call, const struct crew *crew, struct arena *arena)
{
    struct sql_rows rows;
    struct page page;

    (void)crew;
    (void)arena;
    if (call_page(call, &page)) {
        sql_find(call->sql, &rows,
                 "SELECT h.id, NULL FROM technician h LEFT JOIN team m ON m.id = h.team WHERE h.id > ?1 AND (?2 IS NULL"
                 " OR m.name = ?2) ORDER BY h.id LIMIT ?3",
                 "iti", page.after, http_query(call->request, "team"), page.limit + 1);
        call_list(call, &rows, &page, show_technician);
    }
}

static void list_teams(struct call *call, const struct crew *crew, struct arena *arena)
{
    struct sql_rows rows;
    struct page page;

    (void)crew;
    (void)arena;
    if (call_page(call, &page)) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM team WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
        call_list(call, &rows, &page, show_team);
    }
}

void technicians_list(struct call *call)
{
    with_crew(call, list_technicians);
}

void teams_list(struct call *call)
{
    with_crew(call, list_teams);
}

/* ------------------------------------------------------------------ rosters */

static size_t people_of(const struct crew *crew, const struct roster *roster, int64_t at_ms,
                        const struct crew_person *people[])
{
    int order[ROSTER_MEMBERS_MOST];
    size_t asked = roster_ask(roster, at_ms, order), count = 0;

    for (size_t i = 0; i < asked; i++) {
        people[count] = crew_person_named(crew, roster->members[order[i]]);
        count += people[count] != NULL;
    }
    return count;
}

static void put_roster(struct call *call, const struct roster *roster)
{
    const struct crew_person *people[ROSTER_MEMBERS_MOST];

    json_text(call->out, "id", roster->id);
    json_text(call->out, "name", roster->title);
    json_text(call->out, "time_zone", zone_name(roster->zone));
    json_key(call->out, "members");
    json_open_list(call->out);
    for (size_t i = 0; i < roster->member_count; i++) {
        json_put_text(call->out, roster->members[i]);
    }
    json_close_list(call->out);
    put_words(call->out, "skills", roster->skills);
    put_words(call->out, "plans", roster->plans);
    put_names(call->out, "on_call", people, people_of(call->crew, roster, call->now_ms, people));
}

static enum err show_roster(struct call *call, int64_t id)
{
    struct sql_rows rows;
    const struct roster *roster = NULL;
    enum err err;

    sql_find(call->sql, &rows, "SELECT name FROM roster WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        roster = crew_roster_named(call->crew, sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    if (!err && roster) {
        json_open_object(call->out);
        put_roster(call, roster);
        json_close_object(call->out);
    }
    return err;
}

static void list_rosters(struct call *call, const struct crew *crew, struct arena *arena)
{
    struct sql_rows rows;
    struct page page;

    (void)crew;
    (void)arena;
    if (call_page(call, &page)) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM roster WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
        call_list(call, &rows, &page, show_roster);
    }
}

void rosters_list(struct call *call)
{
    with_crew(call, list_rosters);
}

static void put_span(struct call *call, const struct roster *roster, int64_t from_ms, int64_t to_ms)
{
    const struct crew_person *people[ROSTER_MEMBERS_MOST];
    TEXT(from, 48);
    TEXT(to, 48);

    zone_write(roster->zone, from_ms, &from);
    zone_write(roster->zone, to_ms, &to);
    json_open_object(call->out);
    json_text(call->out, "from", from.at);
    json_text(call->out, "to", to.at);
    put_names(call->out, "on_call", people, people_of(call->crew, roster, from_ms, people));
    json_close_object(call->out);
}

static bool is_same(const struct roster *roster, int64_t a_ms, int64_t b_ms)
{
    int a[ROSTER_MEMBERS_MOST], b[ROSTER_MEMBERS_MOST];
    size_t count = roster_ask(roster, a_ms, a), other = roster_ask(roster, b_ms, b);

    for (size_t i = 0; i < count && count == other; i++) {
        other = a[i] == b[i] ? other : count + 1;
    }
    return count == other;
}

/* Spans in which the same people are asked in the same order, and the first hole. */
static void put_spans(struct call *call, const struct roster *roster, int64_t from_ms, int64_t to_ms)
{
    int64_t hole_from, hole_to, begin_ms = from_ms;
    size_t count = 0;

    json_key(call->out, "spans");
    json_open_list(call->out);
    for (int64_t at_ms = from_ms; at_ms < to_ms && count < SPANS_MOST;) {
        int64_t next_ms = roster_change(roster, at_ms);

        if (next_ms >= to_ms || !is_same(roster, at_ms, next_ms)) {
            put_span(call, roster, begin_ms, next_ms < to_ms ? next_ms : to_ms);
            begin_ms = next_ms;
            count++;
        }
        at_ms = next_ms;
    }
    json_close_list(call->out);
    json_key(call->out, "hole");
    if (roster_hole(roster, 1, from_ms, to_ms, &hole_from, &hole_to)) {
        put_span(call, roster, hole_from, hole_to);
    } else {
        json_put_null(call->out);
    }
}

static void show_one_roster(struct call *call, const struct crew *crew, struct arena *arena)
{
    const struct roster *roster = crew_roster_named(crew, call->parts[1]);
    int32_t today, from, to;

    (void)arena;
    if (!roster) {
        call_problem(call, 404, "Not found", "no roster %s", call->parts[1]);
        return;
    }
    today = zone_day(roster->zone, call->now_ms);
    if (!call_day(call, "from", today, &from) || !call_day(call, "to", from + 28, &to)) {
        return;
    }
    if (to <= from || to > from + 366) {
        call_problem(call, 422, "Wrong parameter", "to: expected a date after from, at most 366 days later");
        return;
    }
    json_open_object(call->out);
    put_roster(call, roster);
    put_spans(call, roster, zone_instant(roster->zone, from, 0), zone_instant(roster->zone, to, 0));
    json_close_object(call->out);
}

void rosters_show(struct call *call)
{
    with_crew(call, show_one_roster);
}

/* ------------------------------------------------------------------ candidates */

/* ?from=, ?to= as instants; left out: now. false: a problem was written. */
static bool read_time(struct call *call, const char *name, int64_t fallback, int64_t *ret_ms)
{
    const char *words = http_query(call->request, name);

    *ret_ms = fallback;
    if (words && civil_read_instant(words, ret_ms)) {
        call_problem(call, 422, "Wrong parameter", "%s: expected an RFC 3339 time with offset, found '%.40s'", name,
                     words);
        return false;
    }
    return true;
}

static void put_candidates(struct call *call, const struct choice *route)
{
    json_open_object(call->out);
    json_text(call->out, "skill", route->want.skill);
    json_text(call->out, "competence", route->want.non_routine ? "non_routine" : "routine");
    put_day(call->out, "day", route->want.day);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (size_t i = 0; i < route->count && i < LIMIT_MOST; i++) {
        route_put(route, route->order[i], call->out);
    }
    json_close_list(call->out);
    json_null(call->out, "next");
    json_close_object(call->out);
}

static bool find_ticket(struct call *call, struct arena *arena, struct route_ask *ask)
{
    struct rules *rules = call->api->options.rules;
    struct sql_rows rows;
    bool found;

    sql_find(call->sql, &rows, "SELECT id, equipment, site, plan, plan_hash, time_zone FROM ticket WHERE number = ?1", "t",
             call->parts[1]);
    found = sql_next(&rows);
    if (found) {
        const char *zone = sql_text(&rows, 5), *plan = sql_text(&rows, 3);

        ask->ticket = sql_int(&rows, 0);
        ask->equipment = sql_int(&rows, 1);
        ask->site = sql_int(&rows, 2);
        ask->plan = plan ? rules_plan_kept(rules, call->sql, plan, sql_text(&rows, 4)) : NULL;
        ask->time_zone = zone ? arena_text(arena, zone, strlen(zone)) : NULL;
    }
    (void)!sql_end(&rows);
    return found;
}

static void show_candidates(struct call *call, const struct crew *crew, struct arena *arena)
{
    struct route_ask ask = {0};
    struct choice route;

    if (!find_ticket(call, arena, &ask)) {
        call_problem(call, 404, "Not found", "no ticket %s", call->parts[1]);
        return;
    }
    if (!read_time(call, "from", call->now_ms, &ask.from_ms) || !read_time(call, "to", ask.from_ms, &ask.to_ms)) {
        return;
    }
    if (ask.to_ms < ask.from_ms) {
        call_problem(call, 422, "Wrong parameter", "to: expected a time not before from");
        return;
    }
    if (route_find(arena, call->sql, call->api->options.rules, crew, &ask, &route)) {
        call_problem(call, 503, "The database is not readable", "try again");
        return;
    }
    put_candidates(call, &route);
}

void tickets_candidates(struct call *call)
{
    with_crew(call, show_candidates);
}
