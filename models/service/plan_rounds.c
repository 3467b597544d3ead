/* Inspections on site, what becomes more frequent with age, and what waits for a person's word: of the items and the period. */
#include <string.h>

#include "models/base/civil.h"
#include "models/service/plan_int.h"

#define AGES_MOST 16

const char *const plan_approval_names[] = {"none", "one", "two_persons", NULL};

const struct plan_age *plan_age_at(const struct plan_age *ages, size_t count, int32_t from_day, int32_t today)
{
    const struct plan_age *reached = NULL;

    for (size_t i = 0; i < count; i++) {
        if (civil_add_months(from_day, 12 * ages[i].years) <= today) {
            reached = &ages[i];
        }
    }
    return reached;
}

static void read_age(struct plan_reader *reader, struct yaml_node *node, struct plan_age *age, int younger)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *map = yaml_map(complaints, node, "an age {age, every}");
    struct yaml_node *years, *every;
    struct duration read;

    if (!map) {
        return;
    }
    years = yaml_need(complaints, map, "age");
    every = yaml_need(complaints, map, "every");
    read = yaml_duration(complaints, years, "years", (struct duration){1, DURATION_Y});
    age->every = yaml_duration(complaints, every, "an interval", (struct duration){1, DURATION_MO});
    age->years = (int)read.count;
    if (years && (read.unit != DURATION_Y || read.count <= younger || read.count > 100)) {
        complain(complaints, years, "expected years, more than %dy and at most 100y, found '%.20s'", younger, years->text);
    }
    if (every && ((age->every.unit != DURATION_MO && age->every.unit != DURATION_Y) || age->every.count < 1 ||
                  age->every.count > 60)) {
        complain(complaints, every, "expected months or years, found '%.20s'", every->text);
        age->every = (struct duration){1, DURATION_MO};
    }
    yaml_no_more(complaints, map);
}

const struct plan_age *plan_ages(struct plan_reader *reader, struct yaml_node *node, size_t *ret_count)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of ages {age, every}");
    struct plan_age *ages = list ? arena_array(reader->arena, AGES_MOST, sizeof(*ages)) : NULL;

    *ret_count = 0;
    for (node = ages ? list->first : NULL; node; node = node->next) {
        if (*ret_count == AGES_MOST) {
            complain(reader->complaints, node, "expected at most %d ages", AGES_MOST);
            break;
        }
        ages[*ret_count] = (struct plan_age){.years = 0};
        read_age(reader, node, &ages[*ret_count], *ret_count ? ages[*ret_count - 1].years : 0);
        (*ret_count)++;
    }
    return ages;
}

static enum plan_approval read_approval(struct plan_reader *reader, struct yaml_node *map, const char *key)
{
    return (enum plan_approval)yaml_choice(reader->complaints, plan_leaf(reader, map, key, NULL), "who approves it",
                                           plan_approval_names, PLAN_APPROVED_BY_NONE);
}

static void read_inspection(struct plan_reader *reader, struct yaml_node *map, struct plan_rounds *rounds)
{
    struct yaml_node *ahead = plan_leaf(reader, map, "onsite_order", NULL);
    struct duration days = yaml_duration(reader->complaints, ahead, "days", (struct duration){0, DURATION_D});

    if (days.unit != DURATION_D || days.count > 366) {
        complain(reader->complaints, ahead, "expected days, at most 366d, found '%.20s'", ahead->text);
    } else {
        rounds->order_days = (int)days.count;
    }
    rounds->older = plan_ages(reader, plan_leaf(reader, map, "onsite_older", NULL), &rounds->older_count);
    rounds->report = read_approval(reader, map, "report_approval");
    rounds->review = read_approval(reader, map, "review_approval");
}

void plan_read_rounds(struct plan_reader *reader, struct yaml_node *items)
{
    static const char *const settles[] = {"returned", "assessed", NULL};
    struct yaml_node *inspection = yaml_find(items, "inspection"), *old = yaml_find(items, "old_parts");

    if (inspection && inspection->kind == YAML_MAP && !plan_is_leaf(inspection)) {
        read_inspection(reader, inspection, &reader->plan->rounds);
    }
    if (old && old->kind == YAML_MAP) {
        reader->plan->old_parts.assessed =
            yaml_choice(reader->complaints, plan_leaf(reader, old, "settle", NULL), "when a repair is settled", settles, 0) == 1;
    }
}

void plan_read_card(struct plan_reader *reader, struct yaml_node *period)
{
    struct yaml_node *map = yaml_find(period, "registration");

    if (map && map->kind == YAML_MAP && !plan_is_leaf(map)) {
        reader->plan->card_by_connection =
            yaml_bool(reader->complaints, plan_leaf(reader, map, "by_connection", NULL), "true or false", false);
    }
}
