/* The profiles and plans this server knows: read at start from their folders, never changed. */
#pragma once

#include <stddef.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/text.h"
#include "models/profile/profile.h"
#include "models/service/plan.h"

struct rules;

/* Reads every *.yaml of both folders (NULL: of none). All complaints of all files go through say, a line each;
 * ERR_FORMAT when there was any. */
enum err rules_open(const char *profiles, const char *plans,
                    void (*say)(void *context, const char *line), void *context,
                    struct rules **ret_rules) MUST_CHECK;
void rules_close(struct rules *rules);
const struct profile *rules_profile(const struct rules *rules, const char *id); /* or NULL */
const struct plan *rules_plan(const struct rules *rules, const char *id);       /* or NULL */
size_t rules_profile_count(const struct rules *rules);
const struct profile *rules_profile_at(const struct rules *rules, size_t index);
size_t rules_plan_count(const struct rules *rules);
const struct plan *rules_plan_at(const struct rules *rules, size_t index);
/* The bytes of a plan's file, for plan_text; NULL when unknown. */
const char *rules_plan_bytes(const struct rules *rules, const char *id, size_t *ret_size);
/* A zone by name, loaded once and kept; NULL when there is none. Any thread. */
const struct zone *rules_zone(struct rules *rules, const char *name);
