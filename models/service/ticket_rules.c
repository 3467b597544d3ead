/* What a plan says about tickets. */
#include "models/service/ticket_rules.h"

#include <string.h>

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)
#define C(name) (1U << CONDITION_##name)

const char *const onsite_gate_names[] = {"immediate", "phone_failed_or_important", "mutual_consent",
                                         "manager_verify", NULL};
const char *const ticket_condition_names[] = {"grade_1",  "safety",       "critical",
                                              "non_routine", "no_stock",  "second_visit",
                                              "repeat",   "guard",        "unknown_cause",
                                              "danger",   NULL};

static const char *const slip_preset[] = {"owner_name", "phone", "address", "content", "wishes", NULL};

struct ticket_rules ticket_rules_preset(void)
{
    return (struct ticket_rules){
        .onsite_gate = ONSITE_IMMEDIATE,
        .emergency = C(GRADE_1) | C(SAFETY) | C(CRITICAL) | C(GUARD),
        .complex = C(NON_ROUTINE) | C(NO_STOCK) | C(SECOND_VISIT),
        .non_routine = C(REPEAT),
        .repeat_ms = 30 * DAY_MS,
        .repeat_raise = 1,
        .fall_ms = 0,
        .duplicate_ms = HOUR_MS / 4,
        .slip = slip_preset,
        .ahead_grade_ms = {10 * DAY_MS, 2 * DAY_MS, 0},
        .ahead_emergency_ms = 2 * DAY_MS,
        .ahead_level_ms = {12 * HOUR_MS, 6 * HOUR_MS, 0},
    };
}

/* The child called key, without asking for it. */
static struct yaml_node *look(struct yaml_node *map, const char *key)
{
    struct yaml_node *node = map && map->kind == YAML_MAP ? map->first : NULL;

    while (node && strcmp(node->key, key) != 0) {
        node = node->next;
    }
    return node;
}

/* The value of a leaf {value, origin, …}. */
static struct yaml_node *value_of(struct yaml_node *map, const char *key)
{
    return look(look(map, key), "value");
}

static void read_ms(struct complaints *complaints, struct yaml_node *map, const char *key, int64_t *ms)
{
    *ms = yaml_duration_ms(complaints, value_of(map, key), "a time", *ms);
}

static void read_conditions(struct complaints *complaints, struct yaml_node *map, const char *key,
                            unsigned *conditions)
{
    struct yaml_node *list = yaml_list(complaints, value_of(map, key), "a list of conditions");

    if (!list) {
        return;
    }
    *conditions = 0;
    for (struct yaml_node *node = list->first; node; node = node->next) {
        *conditions |= 1U << yaml_choice(complaints, node, "a condition", ticket_condition_names, 0);
    }
}

static void read_slip(struct arena *arena, struct complaints *complaints, struct yaml_node *list,
                      struct ticket_rules *rules)
{
    const char **fields;
    size_t count = 0;

    list = yaml_list(complaints, list, "a list of fields");
    fields = list ? arena_array(arena, list->count + 1, sizeof(*fields)) : NULL;
    if (!fields) {
        return;
    }
    for (struct yaml_node *node = list->first; node; node = node->next) {
        int field = yaml_choice(complaints, node, "a field", slip_preset, 0);

        fields[count++] = slip_preset[field];
    }
    rules->slip = fields;
}

void ticket_rules_read(struct arena *arena, struct complaints *complaints, struct yaml_node *items,
                       struct ticket_rules *rules)
{
    struct yaml_node *map = yaml_map(complaints, look(items, "ticket"), "a map of leaves");
    struct yaml_node *first = look(map, "first");
    int64_t raise;

    *rules = ticket_rules_preset();
    if (value_of(items, "onsite_gate")) {
        rules->onsite_gate = (enum onsite_gate)yaml_choice(complaints, value_of(items, "onsite_gate"),
                                                           "a gate", onsite_gate_names, 0);
    }
    read_conditions(complaints, map, "emergency", &rules->emergency);
    read_conditions(complaints, map, "complex", &rules->complex);
    read_conditions(complaints, map, "non_routine", &rules->non_routine);
    read_ms(complaints, map, "repeat_window", &rules->repeat_ms);
    raise = yaml_int(complaints, value_of(map, "repeat_raise"), "grades", 0, 2, rules->repeat_raise);
    rules->repeat_raise = (int)raise;
    read_ms(complaints, map, "grade_fall", &rules->fall_ms);
    read_ms(complaints, map, "duplicate_window", &rules->duplicate_ms);
    rules->cause_before_close =
        yaml_bool(complaints, value_of(map, "cause_before_close"), "true or false", false);
    read_slip(arena, complaints, value_of(map, "slip"), rules);
    read_ms(complaints, first, "grade_1", &rules->ahead_grade_ms[0]);
    read_ms(complaints, first, "grade_2", &rules->ahead_grade_ms[1]);
    read_ms(complaints, first, "emergency", &rules->ahead_emergency_ms);
    read_ms(complaints, first, "level_a", &rules->ahead_level_ms[0]);
    read_ms(complaints, first, "level_b", &rules->ahead_level_ms[1]);
}

/* ------------------------------------------------------------------ kinds */

static const struct ticket_kind kinds[] = {
    /* name           people visit  words  consent grade */
    {"fault", true, true, false, false, 3},
    {"prediction", true, true, false, false, 2},     /* S0-106 */
    {"communication", true, false, false, false, 3}, /* F-04: opened for a link; a visit if the phone does not help */
    {"inspection", true, false, true, false, 3},     /* S0-13 */
    {"consultation", true, false, true, false, 3},   /* S0-05 S0-102 */
    {"complaint", true, false, true, false, 3},      /* S0-103 */
    {"commercial", true, false, true, false, 3},     /* S0-17 */
    {"emergency", true, true, false, false, 1},      /* S0-17 S0-62 */
    {"diagnosis", true, false, true, false, 3},      /* S0-24 */
    {"special_request", true, false, true, true, 3}, /* S2-30 */
};

const struct ticket_kind *ticket_kind_at(int i)
{
    return i >= 0 && (size_t)i < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[i] : NULL;
}

const struct ticket_kind *ticket_kind_find(const char *name)
{
    for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}
