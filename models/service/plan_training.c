/* What a plan says about training the customer's people beside what is owed after the acceptance. */
#include "models/service/plan_int.h"

#define DAY_MS 86400000LL

void plan_read_training(struct plan_reader *reader, struct yaml_node *items)
{
    struct yaml_node *map = items ? yaml_find(items, "training") : NULL;
    struct plan_training *training = &reader->plan->training;
    struct complaints *complaints = reader->complaints;

    *training = (struct plan_training){.over_ms = 180 * DAY_MS};
    if (!map || map->kind != YAML_MAP || plan_is_leaf(map)) {
        return; /* the duties say what is wrong with it */
    }
    training->operator_faults = (int)yaml_int(complaints, plan_leaf(reader, map, "operator_faults", NULL), "a count of tickets", 0,
                                              1000, 0);
    training->over_ms = yaml_duration_ms(complaints, plan_leaf(reader, map, "over", NULL), "a duration such as 180d",
                                         training->over_ms);
    training->remind_ms = yaml_duration_ms(complaints, plan_leaf(reader, map, "remind", NULL), "a duration such as 7d", 0);
}
