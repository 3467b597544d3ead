/* Rows of teams and technicians. */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/text.h"
#include "server/fleet/crew.h"

const char *const crew_role_names[] = {"dispatcher", "supervisor", "technical", "leadership", NULL};

static const char *text_of(struct arena *arena, struct complaints *complaints, struct yaml_node *map,
                           const char *key)
{
    const char *words = yaml_text(complaints, yaml_find(map, key), "a text", NULL);

    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

static const char *id_of(struct arena *arena, struct complaints *complaints, struct yaml_node *map,
                         const char *key, const char *what)
{
    const char *words = yaml_id(complaints, yaml_find(map, key), what);

    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

static const char *const *texts_of(struct arena *arena, struct complaints *complaints, struct yaml_node *map,
                                   const char *key, const char *what)
{
    struct yaml_node *list = yaml_list(complaints, yaml_find(map, key), what);
    const char **texts = arena_array(arena, list ? list->count + 1 : 1, sizeof(*texts));
    static const char *const none[] = {NULL};
    size_t count = 0;

    for (struct yaml_node *node = list && texts ? list->first : NULL; node; node = node->next) {
        const char *words = yaml_text(complaints, node, "a word", "");

        texts[count++] = arena_text(arena, words, strlen(words));
    }
    return texts ? texts : none;
}

static int32_t date_of(struct complaints *complaints, struct yaml_node *map, const char *key, int32_t fallback)
{
    struct yaml_node *node = yaml_find(map, key);
    const char *words = yaml_text(complaints, node, "a date such as 2025-03-06", NULL);
    int32_t day = fallback;

    if (words && civil_read_date(words, &day)) {
        complain(complaints, node, "expected a date such as 2025-03-06, found '%.40s'", words);
        return fallback;
    }
    return day;
}

/* lat and lon; true when both are given. */
static bool base_of(struct complaints *complaints, struct yaml_node *map, double *ret_lat, double *ret_lon)
{
    struct yaml_node *lat = yaml_find(map, "lat"), *lon = yaml_find(map, "lon");

    *ret_lat = yaml_number(complaints, lat, "a latitude", -90, 90, 0);
    *ret_lon = yaml_number(complaints, lon, "a longitude", -180, 180, 0);
    return lat && lon;
}

static void read_dealer(struct arena *arena, struct yaml_node *map, struct complaints *complaints, struct crew_team *team)
{
    struct yaml_node *dealer = yaml_find(map, "dealer");

    if (!dealer || !yaml_map(complaints, dealer, "a dealer {name, agreement, valid_to}")) {
        return;
    }
    (void)yaml_need(complaints, dealer, "name");
    team->has_dealer = true;
    team->dealer = (struct routing_dealer){text_of(arena, complaints, dealer, "name"),
                                           text_of(arena, complaints, dealer, "agreement"),
                                           date_of(complaints, dealer, "valid_to", ROUTING_FOR_EVER)};
    yaml_no_more(complaints, dealer);
}

void crew_read_team(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                    struct crew_team *ret_team)
{
    struct crew_team team = {.id = 0};

    team.name = id_of(arena, complaints, map, "id", "an id");
    team.title = text_of(arena, complaints, map, "name");
    team.phone = text_of(arena, complaints, map, "phone");
    team.email = text_of(arena, complaints, map, "email");
    team.lead = id_of(arena, complaints, map, "lead", "a technician");
    team.up = id_of(arena, complaints, map, "up", "a team");
    team.tier = (int)yaml_int(complaints, yaml_find(map, "tier"), "a tier", 1, 3, 0);
    read_dealer(arena, map, complaints, &team);
    team.has_base = base_of(complaints, map, &team.lat, &team.lon);
    team.skills = texts_of(arena, complaints, map, "skills", "a list of skills");
    team.territories = texts_of(arena, complaints, map, "territories", "a list of territories");
    *ret_team = team;
}

static void read_certificates(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                              struct crew_person *person)
{
    struct yaml_node *list = yaml_list(complaints, yaml_find(map, "certificates"), "a list of certificates");
    struct routing_certificate *all = list ? arena_array(arena, list->count + 1, sizeof(*all)) : NULL;

    person->certificates = all;
    for (struct yaml_node *node = all ? list->first : NULL; node; node = node->next) {
        if (yaml_map(complaints, node, "a certificate {type, no, valid_to}")) {
            struct routing_certificate *one = &all[person->certificate_count++];

            one->type = text_of(arena, complaints, node, "type");
            one->level = 0;
            one->no = text_of(arena, complaints, node, "no");
            one->valid_to = date_of(complaints, node, "valid_to", ROUTING_FOR_EVER);
            yaml_no_more(complaints, node);
        }
    }
}

static void read_absences(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                          struct crew_person *person)
{
    struct yaml_node *list = yaml_list(complaints, yaml_find(map, "absences"), "a list of absences");
    struct crew_absence *all = list ? arena_array(arena, list->count + 1, sizeof(*all)) : NULL;

    person->absences = all;
    for (struct yaml_node *node = all ? list->first : NULL; node; node = node->next) {
        struct crew_absence *one = &all[person->absence_count];
        size_t before = complaints->count;

        if (!yaml_map(complaints, node, "an absence {from, to, reason}")) {
            continue;
        }
        (void)yaml_need(complaints, node, "from");
        (void)yaml_need(complaints, node, "to");
        one->from_day = date_of(complaints, node, "from", 0);
        one->to_day = date_of(complaints, node, "to", 0);
        one->reason = text_of(arena, complaints, node, "reason");
        one->reason = one->reason ? one->reason : "away";
        if (complaints->count == before && one->to_day < one->from_day) {
            complain(complaints, yaml_find(node, "to"), "expected a day not before from, found '%.20s'",
                     yaml_find(node, "to")->text);
        }
        yaml_no_more(complaints, node);
        person->absence_count++;
    }
}

void crew_read_person(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                      struct crew_person *ret_person)
{
    struct crew_person person = {.id = 0};
    struct yaml_node *shift = yaml_find(map, "shift"), *vehicle = yaml_find(map, "vehicle"), *roles;

    person.name = id_of(arena, complaints, map, "id", "an id");
    person.title = text_of(arena, complaints, map, "name");
    person.phone = text_of(arena, complaints, map, "phone");
    person.email = text_of(arena, complaints, map, "email");
    person.exam_due = date_of(complaints, map, "exam_due", ROUTING_NO_DAY);
    person.has_base = base_of(complaints, map, &person.lat, &person.lon);
    read_certificates(arena, map, complaints, &person);
    read_absences(arena, map, complaints, &person);
    if (yaml_map(complaints, shift, "a map of days to hours")) {
        person.has_shift = true;
        workdays_read_week(shift, complaints, person.shift);
    }
    if (yaml_map(complaints, vehicle, "a vehicle {name, speed}")) {
        person.vehicle = text_of(arena, complaints, vehicle, "name");
        person.speed_kmh = yaml_number(complaints, yaml_find(vehicle, "speed"), "km/h", 1, 300, 0);
        yaml_no_more(complaints, vehicle);
    }
    roles = yaml_list(complaints, yaml_find(map, "roles"), "a list of roles");
    for (struct yaml_node *node = roles ? roles->first : NULL; node; node = node->next) {
        person.roles |= 1U << yaml_choice(complaints, node, "a role", crew_role_names, 0);
    }
    *ret_person = person;
}
