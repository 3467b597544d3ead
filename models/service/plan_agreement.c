/* What a plan says about the agreement itself: reminders, notice, after-care, what is confidential and how long. */
#include "models/service/plan_int.h"

/* A period of the calendar: whole days, months, years. */
static struct duration read_period(struct plan_reader *reader, struct yaml_node *node, const char *what)
{
    struct duration period = yaml_duration(reader->complaints, node, what, (struct duration){0, DURATION_D});

    if (node && node->kind == YAML_SCALAR && period.unit != DURATION_D && period.unit != DURATION_MO && period.unit != DURATION_Y) {
        complain(reader->complaints, node, "expected %s in d, mo or y, found '%.40s'", what, node->text);
        return (struct duration){0, DURATION_D};
    }
    return period;
}

static void read_reminders(struct plan_reader *reader, struct yaml_node *list)
{
    struct plan_agreement *agreement = &reader->plan->agreement;

    list = yaml_list(reader->complaints, list, "a list of periods");
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        struct duration period = read_period(reader, node, "a period");

        if (node->kind != YAML_SCALAR) {
            complain(reader->complaints, node, "expected a period in d, mo or y, found something else");
        } else if (agreement->reminder_count == PLAN_REMINDERS_MOST) {
            complain(reader->complaints, node, "expected at most %d reminders, found more", PLAN_REMINDERS_MOST);
            return;
        } else {
            agreement->reminders[agreement->reminder_count++] = period;
        }
    }
}

void plan_read_agreement(struct plan_reader *reader, struct yaml_node *section)
{
    struct plan_agreement *agreement = &reader->plan->agreement;
    struct yaml_node *map = yaml_find(section, "agreement");

    *agreement = (struct plan_agreement){.confidential = plan_no_texts, .protect_origin = {.ids = plan_no_texts}};
    map = yaml_map(reader->complaints, map, "a map {reminders, notice, after_care, confidential, protect}");
    if (!map) {
        return;
    }
    read_reminders(reader, plan_leaf(reader, map, "reminders", NULL));
    agreement->notice = read_period(reader, plan_leaf(reader, map, "notice", NULL), "a period of notice");
    agreement->after_care = read_period(reader, plan_leaf(reader, map, "after_care", NULL), "a period");
    agreement->confidential = plan_texts(reader, plan_leaf(reader, map, "confidential", NULL), "a list of words");
    agreement->protect = read_period(reader, plan_leaf(reader, map, "protect", &agreement->protect_origin), "a period");
    plan_others(reader, map);
}
