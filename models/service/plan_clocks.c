/* The clocks section of a service plan: targets with their limits, pauses, grading rules. */
#include <string.h>

#include "models/service/plan_int.h"

static struct plan_limit read_limit(struct plan_reader *reader, struct yaml_node *leaf)
{
    struct plan_limit limit = {.set = false};
    struct duration none = {0, DURATION_S};
    struct yaml_node *value = yaml_need(reader->complaints, leaf, "value");

    limit.origin = plan_origin_of(reader, leaf);
    limit.limit = yaml_duration(reader->complaints, value, "a limit", none);
    limit.set = value && limit.limit.count > 0;
    return limit;
}

/* The limit called key of a target; not set when it is not there. */
struct plan_limit plan_limit_at(struct plan_reader *reader, struct yaml_node *map, const char *key)
{
    struct yaml_node *leaf =
        yaml_map(reader->complaints, yaml_find(map, key), "{value, origin, ids}");

    return leaf ? read_limit(reader, leaf) : (struct plan_limit){.set = false};
}

/* One limit for all levels, or a map A, B, C. */
static void read_grade(struct plan_reader *reader, struct yaml_node *node,
                       struct plan_limit limits[PLAN_LEVELS])
{
    static const char *const levels[] = {"A", "B", "C"};

    node = yaml_map(reader->complaints, node, "{value, origin} or a map of service levels");
    if (!node) {
        return;
    }
    if (plan_is_leaf(node)) {
        limits[0] = limits[1] = limits[2] = read_limit(reader, node);
        return;
    }
    for (int i = 0; i < PLAN_LEVELS; i++) {
        limits[i] = plan_limit_at(reader, node, levels[i]);
    }
    yaml_no_more(reader->complaints, node);
}

/* -1, 0, 1; hours and days are compared as ms, a working day as 24 h. */
static int compare(struct duration a, struct duration b)
{
    static const int64_t ms[] = {1, 1000, 60000, 3600000, 86400000, 86400000, 2592000000, 31536000000};
    int64_t x = a.count * ms[a.unit], y = b.count * ms[b.unit];

    return x < y ? -1 : x > y;
}

/* The value of a limit where the plan says it: for the grade or for all, for the level or for all. */
static struct yaml_node *limit_place(struct yaml_node *target, int grade, int level)
{
    static const char *const grades[] = {"g1", "g2", "g3"}, *const levels[] = {"A", "B", "C"};
    struct yaml_node *place = yaml_find(target, grades[grade]);

    place = place ? place : yaml_find(target, "all");
    place = place && !plan_is_leaf(place) ? yaml_find(place, levels[level]) : place;
    return place && yaml_find(place, "value") ? yaml_find(place, "value") : target;
}

static void check_levels(struct plan_reader *reader, struct yaml_node *node,
                         const struct plan_target *target, int grade)
{
    for (int level = 1; level < PLAN_LEVELS; level++) {
        const struct plan_limit *better = &target->limits[grade][level - 1];
        const struct plan_limit *limit = &target->limits[grade][level];

        if (limit->set && better->set && compare(better->limit, limit->limit) > 0) {
            complain(reader->complaints, limit_place(node, grade, level - 1),
                     "expected level %c not to be slower than level %c at grade %d, found it slower",
                     'A' + level - 1, 'A' + level, grade + 1);
        }
    }
}

/* Each mistake is told once, though it may show at every level. */
static void check_order(struct plan_reader *reader, struct yaml_node *node,
                        const struct plan_target *target)
{
    const struct plan_limit *emergency = &target->emergency;
    bool told[PLAN_GRADES] = {false};

    for (int grade = 0; grade < PLAN_GRADES; grade++) {
        check_levels(reader, node, target, grade);
        for (int level = 0; level < PLAN_LEVELS; level++) {
            const struct plan_limit *limit = &target->limits[grade][level];
            const struct plan_limit *worse =
                grade + 1 < PLAN_GRADES ? &target->limits[grade + 1][level] : limit;

            if (!told[grade] && limit->set && worse->set && compare(limit->limit, worse->limit) > 0) {
                told[grade] = true;
                complain(reader->complaints, limit_place(node, grade, level),
                         "expected grade %d not to be slower than grade %d at level %c, found it slower",
                         grade + 1, grade + 2, 'A' + level);
            }
        }
    }
    for (int level = 0; level < PLAN_LEVELS; level++) {
        const struct plan_limit *limit = &target->limits[0][level];

        if (emergency->set && limit->set && compare(emergency->limit, limit->limit) > 0) {
            complain(reader->complaints, yaml_find(yaml_find(node, "emergency"), "value"),
                     "expected the emergency limit not to be slower than grade 1, found it slower");
            return;
        }
    }
}

static double read_share(struct plan_reader *reader, struct yaml_node *map, const char *key)
{
    return yaml_number(reader->complaints, plan_leaf(reader, map, key, NULL), "a share", 0, 1, 0);
}

/* Which hours a limit in s m h counts: 24x7 or working_hours. */
static bool read_hours(struct plan_reader *reader, struct yaml_node *map, const char *key, bool fallback)
{
    static const char *const names[] = {"24x7", "working_hours", NULL};
    struct yaml_node *value = plan_leaf(reader, map, key, NULL);

    return value ? yaml_choice(reader->complaints, value, "hours", names, fallback) == 1 : fallback;
}

static void read_limits(struct plan_reader *reader, struct yaml_node *map, struct plan_target *target)
{
    static const char *const grades[] = {"g1", "g2", "g3"};
    struct yaml_node *one = yaml_find(map, "all");

    if (one) {
        read_grade(reader, one, target->limits[0]);
        memcpy(target->limits[1], target->limits[0], sizeof(target->limits[0]));
        memcpy(target->limits[2], target->limits[0], sizeof(target->limits[0]));
    }
    for (int i = 0; i < PLAN_GRADES; i++) {
        if (yaml_find(map, grades[i])) {
            read_grade(reader, yaml_find(map, grades[i]), target->limits[i]);
        }
    }
    target->emergency = plan_limit_at(reader, map, "emergency");
    target->remote_area = plan_limit_at(reader, map, "remote_area");
    target->aim = plan_limit_at(reader, map, "target");
}

static void read_target(struct plan_reader *reader, struct yaml_node *node, struct plan_target *target)
{
    static const char *const complexities[] = {"any", "general", "complex", NULL};
    struct complaints *complaints = reader->complaints;
    struct yaml_node *map = yaml_map(complaints, node, "a target {start, stop, …}");

    target->kind = plan_keep(reader, node->key);
    target->node = node;
    target->needs = plan_no_texts;
    if (!map) {
        return;
    }
    target->start = (enum plan_start)yaml_choice(complaints, yaml_need(complaints, map, "start"), "a start",
                                                 plan_start_names, 0);
    target->stop = (enum plan_stop)yaml_choice(complaints, yaml_need(complaints, map, "stop"), "a stop",
                                               plan_stop_names, 0);
    target->complexity = (enum plan_complexity)yaml_choice(
        complaints, yaml_find(map, "complexity"), "a complexity", complexities,
        target->stop == PLAN_SOLUTION ? PLAN_COMPLEX : PLAN_ANY);
    if (yaml_find(map, "needs")) {
        target->needs = plan_texts(reader, yaml_find(map, "needs"), "a list of steps");
    }
    read_limits(reader, map, target);
    target->cap_onsite = read_share(reader, map, "cap_onsite");
    target->warn = read_share(reader, map, "warn");
    target->working_hours = read_hours(reader, map, "calendar", reader->plan->working_hours);
    yaml_no_more(complaints, map);
    check_order(reader, node, target);
}

/* Reasons to hold clocks: {value: [all]} or {value: [kinds of clocks]}. */
static void read_pauses(struct plan_reader *reader, struct yaml_node *map)
{
    struct plan_pause *pauses = map ? arena_array(reader->arena, map->count + 1, sizeof(*pauses)) : NULL;

    if (!pauses) {
        return;
    }
    reader->plan->pauses = pauses;
    for (struct yaml_node *node = map->first; node; node = node->next) {
        struct plan_pause *pause = &pauses[reader->plan->pause_count++];
        struct yaml_node *value = plan_leaf(reader, map, node->key, &pause->origin);

        pause->reason = plan_keep(reader, node->key);
        pause->kinds = plan_texts(reader, value, "a list of clocks");
        for (struct yaml_node *kind = value ? value->first : NULL; kind; kind = kind->next) {
            bool known = strcmp(kind->text, "all") == 0;

            pause->all = pause->all || known;
            for (size_t i = 0; i < reader->plan->target_count; i++) {
                known = known || strcmp(reader->plan->targets[i].kind, kind->text) == 0;
            }
            if (!known) {
                complain(reader->complaints, kind, "expected a clock of this plan, found '%.60s'", kind->text);
            }
        }
    }
}

static void read_targets(struct plan_reader *reader, struct yaml_node *map)
{
    struct plan_target *targets;

    if (!map) {
        return;
    }
    targets = arena_array(reader->arena, map->count + 1, sizeof(*targets));
    if (!targets) {
        return;
    }
    reader->plan->targets = targets;
    for (struct yaml_node *node = map->first; node; node = node->next) {
        node->asked = true;
        read_target(reader, node, &targets[reader->plan->target_count++]);
    }
    plan_check_targets(reader, map);
}

/* What is taken for a way when nobody has driven it yet. */
static void read_travel(struct plan_reader *reader, struct yaml_node *map)
{
    struct plan *plan = reader->plan;

    plan->travel_kmh = 40;
    plan->travel_detour = 1.3;
    plan->work_ms = 2 * 3600000;
    plan->part_lead_ms = 3LL * 86400000;
    if (!map) {
        return;
    }
    plan->travel_ms = plan_ms(reader, map, "typical", 0, false);
    plan->work_ms = plan_ms(reader, map, "work", plan->work_ms, false);
    plan->part_lead_ms = plan_ms(reader, map, "part_lead", plan->part_lead_ms, false);
    plan->travel_kmh = yaml_number(reader->complaints, plan_leaf(reader, map, "speed_kmh", NULL),
                                   "kilometres an hour", 1, 300, plan->travel_kmh);
    plan->travel_detour = yaml_number(reader->complaints, plan_leaf(reader, map, "detour", NULL),
                                      "a factor", 1, 10, plan->travel_detour);
    plan_others(reader, map);
}

void plan_read_clocks(struct plan_reader *reader, struct yaml_node *section)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *calendar = yaml_map(complaints, yaml_find(section, "calendar"), "a map");
    struct yaml_node *grade =
        yaml_map(complaints, yaml_need(complaints, section, "grade"), "a map of grading rules");
    struct yaml_node *services;

    if (calendar) {
        reader->plan->time_zone = plan_keep(reader, yaml_text(complaints, plan_leaf(reader, calendar, "tz", NULL),
                                                         "a time zone", "UTC"));
        reader->plan->working_hours = read_hours(reader, calendar, "hours", false);
        plan_others(reader, calendar);
    }
    if (grade) {
        reader->plan->g1_outage_ms = plan_ms(reader, grade, "g1_outage", 600000, true);
        reader->plan->link_loss_limit_ms = plan_ms(reader, grade, "link_loss_limit", 14400000, true);
        reader->plan->link_loss_delay_ms = plan_ms(reader, grade, "link_loss_delay", 600000, false);
        services = plan_leaf(reader, grade, "g1_outage_services", NULL);
        if (!services && !yaml_find(grade, "g1_outage_services")) {
            complain(complaints, grade, "expected the key 'g1_outage_services', found none");
        }
        reader->plan->g1_outage_services = plan_texts(reader, services, "a list of services");
        plan_others(reader, grade);
    }
    read_travel(reader, yaml_map(complaints, yaml_find(section, "travel"), "a map"));
    read_targets(reader, yaml_map(complaints, yaml_need(complaints, section, "targets"),
                                  "a map of targets"));
    plan_check_parts(reader, yaml_find(section, "travel") ? yaml_find(section, "travel") : section);
    read_pauses(reader, yaml_map(complaints, yaml_find(section, "pauses"), "a map of reasons"));
    plan_others(reader, section);
}

