/* What the files that read a plan share among themselves: plan_read.c has the whole, plan_<section>.c a
 * section each. */
#pragma once

#include "models/service/plan.h"

struct plan_reader {
    struct arena *arena;
    struct complaints *complaints;
    struct plan *plan;
};

/* The value of the leaf {value, origin, ids} called key; its origin is checked and, when asked for, given.
 * NULL when it is not there. */
struct yaml_node *plan_leaf(struct plan_reader *reader, struct yaml_node *map, const char *key,
                            struct plan_origin *ret_origin);
/* Of a section: every child nobody asked for has the form of a leaf or of a tree of leaves. */
void plan_others(struct plan_reader *reader, struct yaml_node *section);
/* A copy in the arena; NULL stays NULL. */
const char *plan_keep(struct plan_reader *reader, const char *words);
const char *const *plan_texts(struct plan_reader *reader, struct yaml_node *node, const char *what);
/* The limit called key of a map; not set when it is not there. */
struct plan_limit plan_limit_at(struct plan_reader *reader, struct yaml_node *map, const char *key);

/* plan_staff.c */
void plan_read_staff(struct plan_reader *reader, struct yaml_node *section);
