/* Teams, technicians and rosters out of the database. */
#include "server/fleet/crew.h"

#include <string.h>

#include "models/base/text.h"

struct loader {
    struct arena *arena;
    struct sql *sql;
    struct rules *rules;
    struct crew *crew;
    struct complaints nobody; /* rows were checked when they were imported */
};

static const struct zone *find_zone(void *context, const char *name)
{
    return rules_zone(context, name);
}

/* Documents hold every scalar as a text: what is a number may be read as one again. */
static void loosen(struct yaml_node *node)
{
    double number;

    if (node->kind == YAML_SCALAR && !text_to_number(node->text, strlen(node->text), &number)) {
        node->quoted = false;
    }
    for (struct yaml_node *child = node->first; child; child = child->next) {
        loosen(child);
    }
}

/* The row's document as a tree; NULL when it cannot be read. */
static struct yaml_node *tree(struct loader *loader, const char *doc)
{
    char *copy = doc ? arena_text(loader->arena, doc, strlen(doc)) : NULL;
    struct yaml_node *root;

    if (!copy || yaml_parse(loader->arena, copy, strlen(copy), &loader->nobody, &root)) {
        return NULL;
    }
    loosen(root);
    return root;
}

static enum err load_teams(struct loader *loader)
{
    struct crew *crew = loader->crew;
    int64_t most = sql_find_int(loader->sql, 0, "SELECT COUNT(*) FROM team", "");
    struct sql_rows rows;

    crew->teams = arena_array(loader->arena, (size_t)most + 1, sizeof(*crew->teams));
    if (!crew->teams) {
        return ERR_NOMEM;
    }
    sql_find(loader->sql, &rows,
             "SELECT t.id, t.doc, c.doc, EXISTS (SELECT 1 FROM team_site s WHERE s.team = t.id) FROM team t LEFT JOIN calendar c ON c.id = t.calendar ORDER BY"
             " t.name",
             "");
    while (crew->team_count < (size_t)most && sql_next(&rows)) {
        struct crew_team *team = &crew->teams[crew->team_count];
        struct yaml_node *map = tree(loader, sql_text(&rows, 1)), *calendar = tree(loader, sql_text(&rows, 2));

        if (!map) {
            continue;
        }
        crew_read_team(loader->arena, map, &loader->nobody, team);
        team->id = sql_int(&rows, 0);
        team->has_sites = sql_int(&rows, 3) != 0;
        team->workdays = workdays_always(zone_utc());
        if (calendar) {
            workdays_read(loader->arena, calendar, &loader->nobody, find_zone, loader->rules, &team->workdays);
        }
        crew->team_count++;
        crew->places_named = crew->places_named || team->has_sites || team->territories[0];
    }
    return sql_end(&rows);
}

static enum err load_people(struct loader *loader)
{
    struct crew *crew = loader->crew;
    int64_t most = sql_find_int(loader->sql, 0, "SELECT COUNT(*) FROM technician", "");
    struct sql_rows rows;

    crew->people = arena_array(loader->arena, (size_t)most + 1, sizeof(*crew->people));
    if (!crew->people) {
        return ERR_NOMEM;
    }
    sql_find(loader->sql, &rows, "SELECT id, doc, team FROM technician ORDER BY name", "");
    while (crew->person_count < (size_t)most && sql_next(&rows)) {
        struct crew_person *person = &crew->people[crew->person_count];
        struct yaml_node *map = tree(loader, sql_text(&rows, 1));

        if (!map) {
            continue;
        }
        crew_read_person(loader->arena, map, &loader->nobody, person);
        person->id = sql_int(&rows, 0);
        person->workdays = workdays_always(zone_utc());
        for (size_t i = 0; i < crew->team_count; i++) {
            if (!sql_null(&rows, 2) && crew->teams[i].id == sql_int(&rows, 2)) {
                person->team = &crew->teams[i];
                person->workdays = crew->teams[i].workdays;
                crew->teams[i].people++;
            }
        }
        if (person->has_shift) {
            memcpy(person->workdays.week, person->shift, sizeof(person->shift));
        }
        crew->person_count++;
    }
    return sql_end(&rows);
}

static struct crew_person *person_with(struct crew *crew, int64_t id)
{
    for (size_t i = 0; i < crew->person_count; i++) {
        if (crew->people[i].id == id) {
            return &crew->people[i];
        }
    }
    return NULL;
}

/* A certificate that a course gave stands beside those of the fleet file. */
static enum err add_certificate(struct loader *loader, struct crew_person *person, const struct routing_certificate *more)
{
    struct routing_certificate *all = arena_array(loader->arena, person->certificate_count + 1, sizeof(*all));

    if (!all) {
        return ERR_NOMEM;
    }
    if (person->certificate_count) {
        memcpy(all, person->certificates, person->certificate_count * sizeof(*all));
    }
    all[person->certificate_count++] = *more;
    person->certificates = all;
    return ERR_OK;
}

static const char *keep(struct loader *loader, const char *words)
{
    return words ? arena_text(loader->arena, words, strlen(words)) : NULL;
}

/* What people have passed renews certificates, and the day of the next exam. */
static enum err load_courses(struct loader *loader)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    sql_find(loader->sql, &rows,
             "SELECT technician, type, name, COALESCE(valid_day, 2147483647), COALESCE(skill_level, 0), exam_due_day FROM"
             " course_taken WHERE technician IS NOT NULL AND revoked_ms IS NULL ORDER BY technician, id",
             "");
    while (!err && sql_next(&rows)) {
        struct crew_person *person = person_with(loader->crew, sql_int(&rows, 0));

        if (person && !sql_null(&rows, 1)) {
            struct routing_certificate more = {keep(loader, sql_text(&rows, 1)), keep(loader, sql_text(&rows, 2)),
                                               (int32_t)sql_int(&rows, 3), (int)sql_int(&rows, 4)};

            err = add_certificate(loader, person, &more);
        }
        if (person && !sql_null(&rows, 5) && sql_int(&rows, 5) > person->exam_due) {
            person->exam_due = (int32_t)sql_int(&rows, 5);
        }
    }
    end = sql_end(&rows);
    return err ? err : end;
}

static bool has_word(const char *const *words, const char *word)
{
    while (*words && strcmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

/* The last day on which somebody has a skill: by certificate, or because the team says so. */
static int32_t skilled_until(const struct crew_person *person, const char *skill)
{
    int32_t until = person->certificate_count == 0 && person->team && has_word(person->team->skills, skill)
                        ? ROUTING_FOR_EVER
                        : ROUTING_NO_DAY;

    for (size_t i = 0; i < person->certificate_count; i++) {
        if (text_same(person->certificates[i].type, skill) && person->certificates[i].valid_to > until) {
            until = person->certificates[i].valid_to;
        }
    }
    return until;
}

/* A roster's absences: its members' own, and the time in which one lacks a skill that the roster asks for. */
static enum err put_absences(struct loader *loader, struct roster *roster)
{
    size_t most = 0, count = 0, skills = 0;
    struct roster_absence *all;

    while (roster->skills[skills]) {
        skills++;
    }
    for (size_t i = 0; i < roster->member_count; i++) {
        const struct crew_person *person = crew_person_named(loader->crew, roster->members[i]);

        most += person ? person->absence_count + skills : 1;
    }
    all = arena_array(loader->arena, most + 1, sizeof(*all));
    if (!all) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < roster->member_count; i++) {
        const struct crew_person *person = crew_person_named(loader->crew, roster->members[i]);

        if (!person) {
            all[count++] = (struct roster_absence){roster->members[i], INT32_MIN, INT32_MAX};
            continue;
        }
        for (size_t k = 0; k < person->absence_count; k++) {
            all[count++] = (struct roster_absence){person->name, person->absences[k].from_day,
                                                   person->absences[k].to_day};
        }
        for (size_t k = 0; k < skills; k++) {
            int32_t until = skilled_until(person, roster->skills[k]);

            if (until != ROUTING_FOR_EVER) {
                all[count++] = (struct roster_absence){person->name, until == ROUTING_NO_DAY ? until : until + 1,
                                                       INT32_MAX};
            }
        }
    }
    roster->absences = all;
    roster->absence_count = count;
    return ERR_OK;
}

static enum err load_rosters(struct loader *loader)
{
    struct crew *crew = loader->crew;
    int64_t most = sql_find_int(loader->sql, 0, "SELECT COUNT(*) FROM roster", "");
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    crew->rosters = arena_array(loader->arena, (size_t)most + 1, sizeof(*crew->rosters));
    if (!crew->rosters) {
        return ERR_NOMEM;
    }
    sql_find(loader->sql, &rows, "SELECT doc FROM roster ORDER BY name", "");
    while (!err && crew->roster_count < (size_t)most && sql_next(&rows)) {
        struct roster *roster = &crew->rosters[crew->roster_count];
        struct yaml_node *map = tree(loader, sql_text(&rows, 0));

        if (map) {
            roster_read(loader->arena, map, &loader->nobody, find_zone, loader->rules, roster);
            err = put_absences(loader, roster);
            crew->roster_count++;
        }
    }
    end = sql_end(&rows);
    return err ? err : end;
}

enum err crew_load(struct arena *arena, struct sql *sql, struct rules *rules, const struct crew **ret_crew)
{
    struct loader loader = {.arena = arena, .sql = sql, .rules = rules,
                            .nobody = {.path = "crew", .arena = arena}};
    enum err err;

    loader.crew = arena_take(arena, sizeof(*loader.crew));
    if (!loader.crew) {
        return ERR_NOMEM;
    }
    err = load_teams(&loader);
    if (!err) {
        err = load_people(&loader);
    }
    if (!err) {
        err = load_courses(&loader);
    }
    if (!err) {
        err = load_rosters(&loader);
    }
    if (!err && arena_failed(arena)) {
        err = ERR_NOMEM;
    }
    *ret_crew = loader.crew;
    return err;
}

/* ------------------------------------------------------------------ asking */

const struct crew_person *crew_person_named(const struct crew *crew, const char *name)
{
    for (size_t i = 0; name && i < crew->person_count; i++) {
        if (text_same(crew->people[i].name, name)) {
            return &crew->people[i];
        }
    }
    return NULL;
}

const struct crew_team *crew_team_named(const struct crew *crew, const char *name)
{
    for (size_t i = 0; name && i < crew->team_count; i++) {
        if (text_same(crew->teams[i].name, name)) {
            return &crew->teams[i];
        }
    }
    return NULL;
}

const struct crew_team *crew_team_of(const struct crew *crew, int64_t id)
{
    for (size_t i = 0; i < crew->team_count; i++) {
        if (crew->teams[i].id == id) {
            return &crew->teams[i];
        }
    }
    return NULL;
}

const struct roster *crew_roster_named(const struct crew *crew, const char *name)
{
    for (size_t i = 0; name && i < crew->roster_count; i++) {
        if (text_same(crew->rosters[i].id, name)) {
            return &crew->rosters[i];
        }
    }
    return NULL;
}

const char *crew_absence_on(const struct crew_person *person, int32_t day)
{
    for (size_t i = 0; i < person->absence_count; i++) {
        if (day >= person->absences[i].from_day && day <= person->absences[i].to_day) {
            return person->absences[i].reason;
        }
    }
    return NULL;
}

static bool is_among(const struct crew_person *const *people, size_t count, const struct crew_person *person)
{
    for (size_t i = 0; i < count; i++) {
        if (people[i] == person) {
            return true;
        }
    }
    return false;
}

size_t crew_on_call(const struct crew *crew, const char *plan, int64_t at_ms,
                    const struct crew_person *people[], size_t most)
{
    size_t count = 0;

    for (size_t i = 0; i < crew->roster_count; i++) {
        const struct roster *roster = &crew->rosters[i];
        int order[ROSTER_MEMBERS_MOST];
        size_t asked = !plan || roster_serves(roster, plan) ? roster_ask(roster, at_ms, order) : 0;

        for (size_t k = 0; k < asked && count < most; k++) {
            const struct crew_person *person = crew_person_named(crew, roster->members[order[k]]);

            if (person && !is_among(people, count, person)) {
                people[count++] = person;
            }
        }
    }
    return count;
}
