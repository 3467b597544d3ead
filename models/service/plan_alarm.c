/* The alarms section of a plan: how many at a time, what repeats too often, what is put aside how long. */
#include "models/service/plan_int.h"

static int number(struct plan_reader *reader, struct yaml_node *map, const char *key, int least, int most, int fallback)
{
    struct yaml_node *leaf = map ? plan_leaf(reader, map, key, NULL) : NULL;

    return (int)yaml_int(reader->complaints, leaf, "a number", least, most, fallback);
}

static int64_t time_of(struct plan_reader *reader, struct yaml_node *map, const char *key, int64_t fallback)
{
    struct yaml_node *leaf = map ? plan_leaf(reader, map, key, NULL) : NULL;

    return yaml_duration_ms(reader->complaints, leaf, "a time", fallback);
}

static struct yaml_node *part_of(struct plan_reader *reader, struct yaml_node *section, const char *key)
{
    return yaml_map(reader->complaints, yaml_find(section, key), "a map");
}

static void read_flood(struct plan_reader *reader, struct yaml_node *map, struct alarm_rules *rules)
{
    rules->flood_most = number(reader, map, "most", 2, 1000, rules->flood_most);
    rules->flood_single = number(reader, map, "single", 0, rules->flood_most - 1,
                                 rules->flood_single < rules->flood_most ? rules->flood_single
                                                                         : rules->flood_most - 1);
    rules->flood_end = number(reader, map, "end", 1, 1000, rules->flood_end);
    rules->flood_span_ms = time_of(reader, map, "span", rules->flood_span_ms);
    rules->gather_ms = time_of(reader, map, "gather", rules->gather_ms);
    if (map) {
        plan_others(reader, map);
    }
}

void plan_read_alarms(struct plan_reader *reader, struct yaml_node *section)
{
    struct alarm_rules *rules = &reader->plan->alarms;
    struct yaml_node *map;

    *rules = alarm_rules_usual;
    if (!section) {
        return;
    }
    read_flood(reader, part_of(reader, section, "flood"), rules);
    map = part_of(reader, section, "chatter");
    rules->chatter_count = number(reader, map, "count", 2, 100, rules->chatter_count);
    rules->chatter_span_ms = time_of(reader, map, "span", rules->chatter_span_ms);
    rules->chatter_quiet_ms = time_of(reader, map, "quiet", rules->chatter_quiet_ms);
    if (map) {
        plan_others(reader, map);
    }
    map = part_of(reader, section, "outage");
    rules->outage_count = number(reader, map, "count", 2, 1000, rules->outage_count);
    rules->outage_span_ms = time_of(reader, map, "span", rules->outage_span_ms);
    if (map) {
        plan_others(reader, map);
    }
    map = part_of(reader, section, "backlog");
    rules->settle_ms = time_of(reader, map, "settle", rules->settle_ms);
    rules->settle_most_ms = time_of(reader, map, "most", rules->settle_most_ms);
    if (map) {
        plan_others(reader, map);
    }
    rules->fleeting_ms = time_of(reader, section, "fleeting", rules->fleeting_ms);
    rules->shelve_most_ms = time_of(reader, section, "shelve_most", rules->shelve_most_ms);
    plan_others(reader, section);
}
