/* What a plan says about the end of a ticket, its analysis, and notices. */
#include <string.h>

#include "models/base/text.h"
#include "models/service/plan_int.h"

/* An exact duration; 0 when it is left out. */
static int64_t read_ms(struct plan_reader *reader, struct yaml_node *map, const char *key)
{
    return yaml_duration_ms(reader->complaints, plan_leaf(reader, map, key, NULL), "a time", 0);
}

static void read_needs(struct plan_reader *reader, struct yaml_node *list)
{
    list = yaml_list(reader->complaints, list, "a list of needs");
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        reader->plan->people.close_needs |=
            1U << yaml_choice(reader->complaints, node, "a need", plan_need_names, 0);
    }
}

static void read_rca(struct plan_reader *reader, struct yaml_node *list)
{
    list = yaml_list(reader->complaints, list, "a list of grades");
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        reader->plan->people.rca_grades |=
            1U << yaml_int(reader->complaints, node, "a grade", 1, PLAN_GRADES, 1);
    }
}

/* "21:00-08:00": from may be later than to, over midnight. */
static void read_quiet_hours(struct plan_reader *reader, struct yaml_node *node)
{
    const char *words = node ? yaml_text(reader->complaints, node, "hours such as 21:00-08:00", "") : "";
    struct plan_people *people = &reader->plan->people;
    int64_t parts[4];
    bool right = strlen(words) == 11 && words[2] == ':' && words[5] == '-' && words[8] == ':';

    for (size_t i = 0; right && i < 4; i++) {
        right = !text_to_int(words + 3 * i, 2, &parts[i]) && parts[i] >= 0 && parts[i] < (i & 1 ? 60 : 24);
    }
    if (right) {
        people->quiet_from = (int)(parts[0] * 60 + parts[1]);
        people->quiet_to = (int)(parts[2] * 60 + parts[3]);
    } else if (node) {
        complain(reader->complaints, node, "expected hours such as 21:00-08:00, found '%.40s'", words);
    }
}

/* What is owed to people: see struct plan_people. */
void plan_read_people(struct plan_reader *reader, struct yaml_node *section)
{
    struct complaints *complaints = reader->complaints;
    struct plan_people *people = &reader->plan->people;
    struct yaml_node *close = yaml_map(complaints, yaml_find(section, "close"), "a map");
    struct yaml_node *rca = yaml_map(complaints, yaml_find(section, "rca"), "a map");
    struct yaml_node *notices = yaml_map(complaints, yaml_find(section, "notices"), "a map");

    if (close) {
        read_needs(reader, plan_leaf(reader, close, "needs", NULL));
        people->deemed_ms = read_ms(reader, close, "deemed");
        plan_others(reader, close);
    }
    if (rca) {
        read_rca(reader, plan_leaf(reader, rca, "required", NULL));
        plan_others(reader, rca);
    }
    if (notices) {
        people->update_ms = read_ms(reader, notices, "update");
        people->visit_lead_ms = read_ms(reader, notices, "visit_lead");
        people->term_lead_ms = read_ms(reader, notices, "term_lead");
        people->late_ms = read_ms(reader, notices, "late");
        read_quiet_hours(reader, plan_leaf(reader, notices, "quiet_hours", NULL));
        plan_others(reader, notices);
    }
}
