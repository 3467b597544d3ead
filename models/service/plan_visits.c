/* The section items.visits of a plan. */
#include <string.h>

#include "models/base/civil.h"
#include "models/profile/expr.h"
#include "models/service/plan_int.h"
#include "models/service/plan_visit.h"

const char *const plan_meter_names[] = {"value", "on_time", "rises", NULL};
const char *const plan_free_names[] = {"agreement_active", "in_warranty", "always", "never", NULL};
const char *const plan_ride_names[] = {"visit", "inspection", "planned_change", "survey", NULL};

/* "03-15/05-15"; "11-15/01-31" goes over the turn of the year: at most half a year, else two dates were changed round. */
static bool read_window(const char *words, struct plan_window *window)
{
    int64_t parts[4];

    if (strlen(words) != 11 || words[2] != '-' || words[5] != '/' || words[8] != '-') {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        if (text_to_int(words + 3 * i, 2, &parts[i])) {
            return false;
        }
    }
    *window = (struct plan_window){(int)parts[0], (int)parts[1], (int)parts[2], (int)parts[3]};
    for (size_t i = 0; i < 4; i += 2) { /* 29 February is no day of every year */
        if (parts[i] < 1 || parts[i] > 12 || parts[i + 1] < 1 ||
            parts[i + 1] > civil_month_length(2001, (int)parts[i])) {
            return false;
        }
    }
    return parts[0] * 100 + parts[1] <= parts[2] * 100 + parts[3] || (parts[2] + 12 - parts[0]) <= 6;
}

const struct plan_window *plan_windows(struct plan_reader *reader, struct yaml_node *list, size_t *ret_count)
{
    struct plan_window *windows;
    size_t count = 0;

    list = yaml_list(reader->complaints, list, "a list of windows");
    windows = list ? arena_array(reader->arena, list->count + 1, sizeof(*windows)) : NULL;
    for (struct yaml_node *node = windows ? list->first : NULL; node; node = node->next) {
        const char *words = yaml_text(reader->complaints, node, "a window such as 03-15/05-15", "");

        if (read_window(words, &windows[count])) {
            count++;
        } else {
            complain(reader->complaints, node, "expected a window such as 03-15/05-15, found '%.40s'", words);
        }
    }
    *ret_count = count;
    return windows;
}

static void read_climates(struct plan_reader *reader, struct yaml_node *map, struct plan_visits *visits)
{
    struct plan_climate *climates;

    map = yaml_map(reader->complaints, map, "a map of climates");
    if (!map) {
        return;
    }
    if (map->count > PLAN_CLIMATES_MOST) {
        complain(reader->complaints, map, "expected at most %d climates, found %zu", PLAN_CLIMATES_MOST, map->count);
        return;
    }
    climates = arena_array(reader->arena, map->count + 1, sizeof(*climates));
    visits->climates = climates;
    for (struct yaml_node *node = climates ? map->first : NULL; node; node = node->next) {
        struct plan_climate *climate = &climates[visits->climate_count++];

        climate->name = plan_keep(reader, node->key);
        climate->windows = plan_windows(reader, plan_leaf(reader, map, node->key, NULL), &climate->window_count);
    }
}

/* ------------------------------------------------------------------ triggers */

/* Whatever a name means is found out with the profile. */
static struct expr_name any_name(const void *context, const char *name)
{
    (void)context;
    (void)name;
    return (struct expr_name){EXPR_NAME_POINT, 0};
}

static const char *read_when(struct plan_reader *reader, struct yaml_node *node)
{
    const char *words = plan_keep(reader, yaml_text(reader->complaints, node, "an expression", NULL));
    const struct expr *expr;
    TEXT(why, 200);
    int column;

    if (words && expr_compile(reader->arena, words, any_name, NULL, &expr, &why, &column)) {
        complain(reader->complaints, node, "%s", why.at);
    }
    return words;
}

static void read_trigger(struct plan_reader *reader, struct yaml_node *node, struct plan_trigger *trigger)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *map = yaml_map(complaints, node, "a trigger {point, every}, {when} or {predicted}");
    struct yaml_node *point = yaml_find(map, "point"), *when = yaml_find(map, "when");
    struct yaml_node *predicted = yaml_find(map, "predicted");
    struct yaml_node *count = yaml_find(map, "count"), *every = yaml_find(map, "every");

    trigger->components = plan_no_texts;
    if (!map) {
        return;
    }
    if ((point != NULL) + (when != NULL) + (predicted != NULL) != 1) {
        complain(complaints, map, "expected one of point, when and predicted, found %s",
                 point || when || predicted ? "several" : "none");
    }
    if (point) {
        trigger->point = plan_keep(reader, yaml_id(complaints, point, "a point or a role"));
        trigger->meter = (enum plan_meter)yaml_choice(complaints, count, "how it is counted", plan_meter_names, 0);
        trigger->every = yaml_number(complaints, every ? every : yaml_need(complaints, map, "every"), "a number above 0",
                                     1e-6, 1e12, 1);
    } else if (when) {
        trigger->kind = PLAN_TRIGGER_CONDITION;
        trigger->when = read_when(reader, when);
    } else if (predicted) {
        trigger->kind = PLAN_TRIGGER_PREDICTION;
        trigger->components = plan_texts(reader, predicted, "a list of component classes");
    }
    yaml_no_more(complaints, map);
}

static void read_triggers(struct plan_reader *reader, struct yaml_node *map, struct plan_visits *visits)
{
    struct plan_trigger *triggers;

    map = yaml_map(reader->complaints, map, "a map of triggers");
    if (!map) {
        return;
    }
    if (map->count > PLAN_TRIGGERS_MOST) {
        complain(reader->complaints, map, "expected at most %d triggers, found %zu", PLAN_TRIGGERS_MOST, map->count);
        return;
    }
    triggers = arena_array(reader->arena, map->count + 1, sizeof(*triggers));
    visits->triggers = triggers;
    for (struct yaml_node *node = triggers ? map->first : NULL; node; node = node->next) {
        struct plan_trigger *trigger = &triggers[visits->trigger_count++];
        struct yaml_node *value = plan_leaf(reader, map, node->key, &trigger->origin);

        trigger->name = plan_keep(reader, node->key);
        read_trigger(reader, value, trigger);
    }
}

/* ------------------------------------------------------------------ all of it */

static unsigned read_rides(struct plan_reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of what rides along");
    unsigned rides = 0;

    for (node = list ? list->first : NULL; node; node = node->next) {
        rides |= 1U << yaml_choice(reader->complaints, node, "what rides along", plan_ride_names, 0);
    }
    return rides;
}

static int read_days(struct plan_reader *reader, struct yaml_node *node, int fallback)
{
    struct duration days = yaml_duration(reader->complaints, node, "days", (struct duration){fallback, DURATION_D});

    if (days.unit != DURATION_D || days.count > 366) {
        complain(reader->complaints, node, "expected days, at most 366d, found '%.20s'", node->text);
        return fallback;
    }
    return (int)days.count;
}

static void read_rhythm(struct plan_reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = reader->complaints;
    struct plan *plan = reader->plan;

    plan->visits_per_year =
        (int)yaml_int(complaints, plan_leaf(reader, map, "per_year", NULL), "visits a year", 0, 12, 0);
    plan->visit_spacing =
        yaml_duration(complaints, plan_leaf(reader, map, "spacing", NULL), "a spacing",
                      (struct duration){plan->visits_per_year ? 12 / plan->visits_per_year : 12, DURATION_MO});
    plan->visit_tolerance = yaml_duration(complaints, plan_leaf(reader, map, "tolerance", NULL), "a tolerance",
                                          (struct duration){30, DURATION_D});
    plan->windows = plan_windows(reader, plan_leaf(reader, map, "season_windows", NULL), &plan->window_count);
}

void plan_read_visits(struct plan_reader *reader, struct yaml_node *map)
{
    static const char *const anchors[] = {"fixed", "floating", NULL};
    static const char *const souths[] = {"mirrored", "as_written", NULL};
    struct complaints *complaints = reader->complaints;
    struct plan_visits *visits = arena_take(reader->arena, sizeof(*visits));

    if (!map || !visits) {
        return;
    }
    *visits = (struct plan_visits){.free_origin = {.ids = plan_no_texts}};
    reader->plan->visits = visits;
    read_rhythm(reader, map);
    visits->floating =
        yaml_choice(complaints, plan_leaf(reader, map, "anchor", NULL), "fixed or floating", anchors, 0) == 1;
    visits->south_as_written =
        yaml_choice(complaints, plan_leaf(reader, map, "south", NULL), "mirrored or as_written", souths, 0) == 1;
    read_climates(reader, yaml_find(map, "climates"), visits);
    read_triggers(reader, yaml_find(map, "triggers"), visits);
    visits->free = (enum plan_free)yaml_choice(complaints, plan_leaf(reader, map, "free_scope", &visits->free_origin),
                                               "which visits are free", plan_free_names, 0);
    visits->older = plan_ages(reader, plan_leaf(reader, map, "older", NULL), &visits->older_count);
    visits->ahead_days = read_days(reader, plan_leaf(reader, map, "ahead", NULL), 21);
    visits->fill = yaml_number(complaints, plan_leaf(reader, map, "fill", NULL), "a share", 0, 1, 0.5);
    visits->group_km = yaml_number(complaints, plan_leaf(reader, map, "group_within", NULL), "kilometres", 0, 20040, 10);
    visits->rides = read_rides(reader, plan_leaf(reader, map, "ride_along", NULL));
    plan_others(reader, map);
}
