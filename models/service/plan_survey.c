/* What a plan says about asking customers whether they are satisfied. */
#include "models/service/plan_int.h"

static int64_t read_ms(struct plan_reader *reader, struct yaml_node *map, const char *key, int64_t fallback)
{
    return yaml_duration_ms(reader->complaints, plan_leaf(reader, map, key, NULL), "a time", fallback);
}

void plan_read_survey(struct plan_reader *reader, struct yaml_node *items)
{
    struct yaml_node *map = items ? yaml_find(items, "survey") : NULL;
    struct plan_survey *survey = &reader->plan->survey;

    *survey = (struct plan_survey){.target = 0.9, .expires_ms = 14LL * 86400000, .callback = {.origin = {.ids = plan_no_texts}}};
    map = yaml_map(reader->complaints, map, "a map {target, after_close, every, expires, low, callback}");
    if (!map) {
        return;
    }
    survey->target =
        yaml_number(reader->complaints, plan_leaf(reader, map, "target", &survey->origin), "a share", 0, 1, 0.9);
    survey->after_close_ms = read_ms(reader, map, "after_close", 0);
    survey->every_ms = read_ms(reader, map, "every", 0);
    survey->expires_ms = read_ms(reader, map, "expires", survey->expires_ms);
    survey->low = (int)yaml_int(reader->complaints, plan_leaf(reader, map, "low", NULL), "a score", 0, 5, 2);
    survey->callback = plan_limit_at(reader, map, "callback");
    plan_others(reader, map);
}
