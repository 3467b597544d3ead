/* What the files that read a plan share. */
#pragma once

#include "models/base/text.h"
#include "models/service/plan.h"

struct plan_reader {
    struct arena *arena;
    struct complaints *complaints;
    struct plan *plan;
};

extern const char *const plan_no_texts[]; /* an empty list */

/* A copy in the arena; NULL stays NULL. */
const char *plan_keep(struct plan_reader *reader, const char *words);
/* A list of words, NULL-ended; never NULL itself. */
const char *const *plan_texts(struct plan_reader *reader, struct yaml_node *node, const char *what);
bool plan_is_leaf(struct yaml_node *node);
struct plan_origin plan_origin_of(struct plan_reader *reader, struct yaml_node *leaf);
/* The value of the leaf called key; its origin is checked. NULL when it is not there. */
struct yaml_node *plan_leaf(struct plan_reader *reader, struct yaml_node *map, const char *key,
                            struct plan_origin *ret_origin);
/* Of a section: the form of every child nobody asked for. */
void plan_others(struct plan_reader *reader, struct yaml_node *section);
/* An exact duration; needed: it has to be there. */
int64_t plan_ms(struct plan_reader *reader, struct yaml_node *map, const char *key, int64_t fallback,
                bool needed);

void plan_read_clocks(struct plan_reader *reader, struct yaml_node *section);
/* Rules across the targets: no blank grade, time left to travel, supervision before the arrival. */
void plan_check_targets(struct plan_reader *reader, struct yaml_node *map);
/* A warning when parts are slower than repairs. travel: the map of part_lead, or the section. */
void plan_check_parts(struct plan_reader *reader, struct yaml_node *travel);
/* The limit called key of a map; not set when it is not there. */
struct plan_limit plan_limit_at(struct plan_reader *reader, struct yaml_node *map, const char *key);

/* plan_alarm.c; section may be NULL */
void plan_read_alarms(struct plan_reader *reader, struct yaml_node *section);
/* plan_staff.c */
void plan_read_staff(struct plan_reader *reader, struct yaml_node *section);

/* plan_duty.c: what is owed by the calendar, from the sections period and items. */
void plan_read_period_duties(struct plan_reader *reader, struct yaml_node *section);
void plan_read_item_duties(struct plan_reader *reader, struct yaml_node *section);
/* plan_agreement.c: of the section period */
void plan_read_agreement(struct plan_reader *reader, struct yaml_node *section);
/* plan_visits.c: of the items; map may be NULL */
/* "03-15/05-15" …; NULL when there are none. */
const struct plan_window *plan_windows(struct plan_reader *reader, struct yaml_node *list, size_t *ret_count);
void plan_read_visits(struct plan_reader *reader, struct yaml_node *map);
/* plan_rounds.c: what is done more often when it is older, rising; and the rest of the items' inspection and old_parts */
const struct plan_age *plan_ages(struct plan_reader *reader, struct yaml_node *node, size_t *ret_count);
void plan_read_rounds(struct plan_reader *reader, struct yaml_node *items);
void plan_read_card(struct plan_reader *reader, struct yaml_node *period);
/* plan_people.c: of the items */
void plan_read_people(struct plan_reader *reader, struct yaml_node *section);

/* plan_money.c: exclusions and exchanged parts from the map period.warranty; who pays what from the items */
void plan_read_exclusions(struct plan_reader *reader, struct yaml_node *section, struct yaml_node *map);
void plan_read_money(struct plan_reader *reader, struct yaml_node *items);

/* plan_owed.c: of the items, after the clocks that it names */
void plan_read_survey(struct plan_reader *reader, struct yaml_node *items);
void plan_read_relation(struct plan_reader *reader, struct yaml_node *items); /* plan_relation.c */
/* plan_files.c: of the items */
void plan_read_files(struct plan_reader *reader, struct yaml_node *items);
/* plan_training.c: of the items, before their duties */
void plan_read_training(struct plan_reader *reader, struct yaml_node *items);
void plan_read_owed(struct plan_reader *reader, struct yaml_node *items);

/* plan_merge.c: the tree of a plan's text with all its overlays laid over; their ids in plan->overlays. */
enum err plan_layers(struct plan_reader *reader, const char *bytes, size_t size,
                     struct yaml_node **ret_root) MUST_CHECK;
