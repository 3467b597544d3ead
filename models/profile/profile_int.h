/* What the readers of a profile's parts share. */
#pragma once

#include "models/profile/profile.h"

struct profile_reader {
    struct arena *arena;
    struct complaints *complaints;
    struct profile *profile; /* being filled */
    enum register_order order; /* defaults */
    int64_t every_ms, heartbeat_ms;
};

/* The children of a list (or NULL) counted and their array taken; NULL when there are none. */
void *profile_array(struct profile_reader *reader, struct yaml_node *list, size_t size, size_t most,
                    size_t *ret_count);
const char *profile_words(struct profile_reader *reader, const char *words);
struct words2 profile_words2(struct profile_reader *reader, struct yaml_node *map);
/* A register map; width and table are checked against each other. */
void profile_register(struct profile_reader *reader, struct yaml_node *map,
                      struct register_spec *spec);
/* An expression over what the profile knows so far; NULL with a complaint at the right column. */
const struct expr *profile_expr(struct profile_reader *reader, struct yaml_node *node,
                                const char **ret_text);
void profile_points_read(struct profile_reader *reader, struct yaml_node *list);
void profile_faults_read(struct profile_reader *reader, struct yaml_node *list);
