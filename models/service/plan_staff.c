/* The staff section of a plan. */
#include "models/service/plan_staff.h"

#include <string.h>

#include "models/base/text.h"
#include "models/service/plan_int.h"

/* What holds where a plan says nothing. */
static const struct routing_rules usual = {
    .weights = {[ROUTING_PLACE] = 300, [ROUTING_TIER] = 150, [ROUTING_SKILL] = 150, [ROUTING_EXAM] = 50,
                [ROUTING_ABSENCE] = 0, [ROUTING_HOURS] = 100, [ROUTING_LOAD] = 150, [ROUTING_TRAVEL] = 100},
    .blocks = 1U << ROUTING_TIER | 1U << ROUTING_SKILL | 1U << ROUTING_ABSENCE,
    .speed_kmh = 40,
    .detour = 1.3,
    .order_ms = 2 * 3600000,
    .travel_most_ms = 4 * 3600000,
    .load_most = 1,
};

static const char *const refusals[] = {"no_capacity", "no_skill", "outside_region", "unsafe", "access", "other", NULL};

static struct yaml_node *part_of(struct plan_reader *reader, struct yaml_node *section, const char *key)
{
    return yaml_map(reader->complaints, yaml_find(section, key), "a map");
}

static double number(struct plan_reader *reader, struct yaml_node *map, const char *key, const char *what,
                     double least, double most, double fallback)
{
    return yaml_number(reader->complaints, plan_leaf(reader, map, key, NULL), what, least, most, fallback);
}

static int64_t time_of(struct plan_reader *reader, struct yaml_node *map, const char *key, int64_t fallback)
{
    return yaml_duration_ms(reader->complaints, plan_leaf(reader, map, key, NULL), "a time", fallback);
}

/* ------------------------------------------------------------------ routing */

static unsigned read_blocks(struct plan_reader *reader, struct yaml_node *map)
{
    struct yaml_node *list =
        yaml_list(reader->complaints, plan_leaf(reader, map, "block", NULL), "a list of criteria");
    unsigned blocks = 0;

    if (!list) {
        return usual.blocks;
    }
    for (struct yaml_node *node = list->first; node; node = node->next) {
        blocks |= 1U << yaml_choice(reader->complaints, node, "a criterion", routing_criterion_names, 0);
    }
    return blocks;
}

static void read_weights(struct plan_reader *reader, struct yaml_node *map, struct routing_rules *rules)
{
    if (!map) {
        return;
    }
    for (int i = 0; i < ROUTING_CRITERIA; i++) {
        rules->weights[i] =
            (int)yaml_int(reader->complaints, plan_leaf(reader, map, routing_criterion_names[i], NULL),
                          "points", 0, 10000, usual.weights[i]);
    }
    yaml_no_more(reader->complaints, map);
}

static void read_routing(struct plan_reader *reader, struct yaml_node *map, struct routing_rules *rules)
{
    *rules = usual;
    if (!map) {
        return;
    }
    rules->speed_kmh = number(reader, map, "speed", "km/h", 1, 300, usual.speed_kmh);
    rules->detour = number(reader, map, "detour", "a factor", 1, 10, usual.detour);
    rules->load_most = number(reader, map, "load_most", "a share of the day's hours", 0, 10, usual.load_most);
    rules->order_ms = time_of(reader, map, "order_time", usual.order_ms);
    rules->travel_most_ms = time_of(reader, map, "travel_most", usual.travel_most_ms);
    rules->travel_most_ms = rules->travel_most_ms > 0 ? rules->travel_most_ms : 1;
    rules->blocks = read_blocks(reader, map);
    read_weights(reader, part_of(reader, map, "weights"), rules);
    plan_others(reader, map);
}

/* ------------------------------------------------------------------ escalation */

static unsigned read_names(struct plan_reader *reader, struct yaml_node *node, const char *what,
                           const char *const *names)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, what);
    unsigned bits = 0;

    for (node = list ? list->first : NULL; node; node = node->next) {
        bits |= 1U << yaml_choice(reader->complaints, node, what, names, 0);
    }
    return bits;
}

static void read_step(struct plan_reader *reader, struct yaml_node *node, int64_t least_ms,
                      struct escalation_step *step)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *map = yaml_map(complaints, node, "a step {wait, to, channel, repeat, times}"), *wait, *to;

    if (!map) {
        return;
    }
    wait = yaml_need(complaints, map, "wait");
    to = yaml_need(complaints, map, "to");
    step->wait_ms = yaml_duration_ms(complaints, wait, "a time", 0);
    if (wait && step->wait_ms < least_ms) {
        complain(complaints, wait, "expected a wait longer than the step's before, found '%.20s'", wait->text);
    }
    step->to = read_names(reader, to, "a list of whom to tell", escalation_to_names);
    if (to && to->kind == YAML_LIST && to->count == 0) {
        complain(complaints, to, "expected at least one to tell, found none");
    }
    step->channels = read_names(reader, yaml_find(map, "channel"), "a list of channels", escalation_channel_names);
    step->repeat_ms = yaml_duration_ms(complaints, yaml_find(map, "repeat"), "a time", 0);
    if (yaml_find(map, "repeat") && step->repeat_ms < 60000) {
        complain(complaints, yaml_find(map, "repeat"), "expected at least 1m, found '%.20s'",
                 yaml_find(map, "repeat")->text);
    }
    step->times = (int)yaml_int(complaints, yaml_find(map, "times"), "how often at most", 1, 1000, 0);
    yaml_no_more(complaints, map);
}

static void read_steps(struct plan_reader *reader, struct yaml_node *node, struct escalation_rule *rule)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of steps");
    int64_t least_ms = 0;

    if (list && (list->count == 0 || list->count > ESCALATION_STEPS_MOST)) {
        complain(reader->complaints, list, "expected 1 to %d steps, found %zu", ESCALATION_STEPS_MOST,
                 list->count);
        return;
    }
    for (node = list ? list->first : NULL; node; node = node->next) {
        read_step(reader, node, least_ms, &rule->steps[rule->step_count]);
        least_ms = rule->steps[rule->step_count++].wait_ms + 1;
    }
}

static unsigned read_grades(struct plan_reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of grades");
    unsigned grades = 0;

    if (!list) {
        return 0xe;
    }
    for (node = list->first; node; node = node->next) {
        grades |= 1U << yaml_int(reader->complaints, node, "a grade", 1, 3, 3);
    }
    return grades;
}

static void read_escalation(struct plan_reader *reader, struct yaml_node *node,
                            struct plan_escalation *escalation)
{
    static const char *const calendars[] = {"24x7", "working_hours", NULL};
    struct yaml_node *map = yaml_map(reader->complaints, node, "a map {steps, ack, grades, calendar}"), *steps;
    int on = escalation_on_read(node->key);

    if (on < 0) {
        TEXT(known, 300);

        for (int i = 0; i < ESCALATION_ONS; i++) {
            text_addf(&known, " %s", escalation_on_names[i]);
        }
        complain_key(reader->complaints, node, "expected a condition, one of%s, found '%.40s'", known.at,
                     node->key);
        return;
    }
    escalation->rule.on = (enum escalation_on)on;
    escalation->rule.grades = 0xe;
    if (!map) {
        return;
    }
    steps = plan_leaf(reader, map, "steps", &escalation->origin);
    if (!yaml_find(map, "steps")) {
        complain(reader->complaints, map, "expected the key 'steps', found none");
    }
    read_steps(reader, steps, &escalation->rule);
    escalation->rule.ack_ms = time_of(reader, map, "ack", 0);
    escalation->rule.grades = read_grades(reader, plan_leaf(reader, map, "grades", NULL));
    escalation->rule.working_hours =
        yaml_choice(reader->complaints, plan_leaf(reader, map, "calendar", NULL), "a calendar", calendars, 0) == 1;
    yaml_no_more(reader->complaints, map);
}

static void read_escalations(struct plan_reader *reader, struct yaml_node *map, struct plan_staff *staff)
{
    struct plan_escalation *all =
        map ? arena_array(reader->arena, map->count + 1, sizeof(*all)) : NULL;

    staff->escalations = all;
    for (struct yaml_node *node = all ? map->first : NULL; node; node = node->next) {
        node->asked = true;
        read_escalation(reader, node, &all[staff->escalation_count++]);
    }
}

const struct plan_escalation *plan_escalation_of(const struct plan *plan, enum escalation_on on, int grade)
{
    for (size_t i = 0; i < plan->staff->escalation_count; i++) {
        const struct plan_escalation *one = &plan->staff->escalations[i];

        if (one->rule.on == on && one->rule.grades >> grade & 1) {
            return one;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ channels */

static void read_channels(struct plan_reader *reader, struct yaml_node *map, struct plan_staff *staff)
{
    static const char *const hours[] = {"24x7", "working_hours", NULL};
    struct plan_channel *channels = map ? arena_array(reader->arena, map->count + 1, sizeof(*channels)) : NULL;

    if (!channels) {
        return;
    }
    staff->channels = channels;
    for (struct yaml_node *node = map->first; node; node = node->next) {
        struct plan_channel *channel = &channels[staff->channel_count++];

        *channel = (struct plan_channel){.name = plan_keep(reader, node->key), .origin = {.ids = plan_no_texts}};
        channel->working_hours =
            yaml_choice(reader->complaints, plan_leaf(reader, map, node->key, &channel->origin), "hours", hours, 0) == 1;
    }
}

static const struct plan_channel *channel_named(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->staff->channel_count; i++) {
        if (text_same(plan->staff->channels[i].name, name)) {
            return &plan->staff->channels[i];
        }
    }
    return NULL;
}

bool plan_answers_by_day(const struct plan *plan, const char *kind, const char *channel)
{
    const struct ticket_kind *known = ticket_kind_find(kind);
    const struct plan_channel *found = channel_named(plan, channel);

    if (!known || !known->words) {
        return false;
    }
    found = found ? found : channel_named(plan, "other");
    return found && found->working_hours;
}

/* ------------------------------------------------------------------ all of it */

void plan_read_staff(struct plan_reader *reader, struct yaml_node *section)
{
    struct plan_staff *staff = arena_take(reader->arena, sizeof(*staff));
    struct yaml_node *hotline, *map;

    if (!staff) {
        return;
    }
    reader->plan->staff = staff;
    staff->routing = usual;
    staff->bounce_most = 2;
    staff->refusals = refusals;
    if (!section) {
        return;
    }
    hotline = part_of(reader, section, "hotline");
    if (hotline) {
        staff->hotline_always = text_same(
            yaml_text(reader->complaints, plan_leaf(reader, hotline, "hours", NULL), "hours", ""), "24x7");
        plan_others(reader, hotline);
    }
    read_routing(reader, part_of(reader, section, "routing"), &staff->routing);
    map = part_of(reader, section, "ola");
    if (map) {
        staff->ola = plan_limit_at(reader, map, "arrange");
        staff->ola_cap = number(reader, map, "cap_onsite", "a share", 0, 1, 0);
        plan_others(reader, map);
    }
    map = part_of(reader, section, "tier_up");
    if (map) {
        staff->not_cleared_ms = time_of(reader, map, "not_cleared", 0);
        plan_others(reader, map);
    }
    map = part_of(reader, section, "hand_over");
    if (map) {
        staff->bounce_most = (int)yaml_int(reader->complaints, plan_leaf(reader, map, "bounces", NULL),
                                           "how often", 0, 100, 2);
        if (yaml_find(map, "reasons")) {
            staff->refusals =
                plan_texts(reader, plan_leaf(reader, map, "reasons", NULL), "a list of reasons to refuse");
        }
        plan_others(reader, map);
    }
    read_channels(reader, part_of(reader, section, "channel_hours"), staff);
    read_escalations(reader, part_of(reader, section, "escalation"), staff);
    plan_others(reader, section);
}
