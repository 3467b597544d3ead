/* What is owed by the calendar: where its limits stand in a plan. */
#include <string.h>

#include "models/service/plan_int.h"

const char *const plan_duty_names[] = {
    "training",       "warranty_registration", "remote_inspection", "maintenance", "inspection_report",
    "customer_visit", "reserve_plan",          "contact_change",    "agreement",   "onsite_inspection",
    "customer_contact",
    "technical_exchange", NULL,
};

/* map NULL: the leaf stands in the section itself. */
static const struct row {
    enum plan_duty duty;
    const char *map, *key;
} items[] = {
    {PLAN_DUTY_TRAINING, "training", "due"},
    {PLAN_DUTY_EXCHANGE, "training", "interval"},
    {PLAN_DUTY_REMOTE_INSPECTION, "inspection", "remote_interval"},
    {PLAN_DUTY_REPORT, "inspection", "report"},
    {PLAN_DUTY_ONSITE, "inspection", "onsite_interval"},
    {PLAN_DUTY_MAINTENANCE, "maintenance", "interval"},
    {PLAN_DUTY_CUSTOMER_VISIT, "customer_visit", "max_interval"},
    {PLAN_DUTY_TALK, "customer_contact", "interval"},
    {PLAN_DUTY_RESERVE, "reserve_plan", "lead"},
    {PLAN_DUTY_CONTACT, "contact_change", "due"},
};

static bool is_map_of_leaves(struct yaml_node *node)
{
    return node && node->kind == YAML_MAP && !plan_is_leaf(node);
}

static void read_one(struct plan_reader *reader, struct yaml_node *map, const struct row *row)
{
    struct plan_limit limit = plan_limit_at(reader, map, row->key);

    if (limit.set) {
        reader->plan->duties[row->duty] = limit;
    }
}

void plan_read_item_duties(struct plan_reader *reader, struct yaml_node *section)
{
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        struct yaml_node *map = yaml_find(section, items[i].map);

        if (is_map_of_leaves(map)) {
            read_one(reader, map, &items[i]);
        } else if (map) { /* a word for people */
            map->asked = false;
        }
    }
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) { /* what else stands there */
        struct yaml_node *map = yaml_find(section, items[i].map);

        if (is_map_of_leaves(map)) {
            plan_others(reader, map);
        } else if (map) {
            map->asked = false;
        }
    }
}

void plan_read_period_duties(struct plan_reader *reader, struct yaml_node *section)
{
    static const struct row term = {PLAN_DUTY_AGREEMENT, NULL, "agreement_term"};
    static const struct row card = {PLAN_DUTY_REGISTRATION, NULL, "due"};
    struct yaml_node *map = yaml_find(section, "registration");

    read_one(reader, section, &term);
    if (is_map_of_leaves(map)) {
        read_one(reader, map, &card);
        plan_others(reader, map);
    } else if (map) {
        map->asked = false;
    }
}
