/*
 * Codes that a company may choose for itself: why somebody refuses a work order, why something that is wanted is left
 * out, why a visit is not made, what complaints are about. Plain data in an arena, never changed after codes_read(). The file's form stands in docs/job-format.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/profile/profile.h"

#define CODES_MOST 100 /* of a list */

struct code {
    const char *id;
    struct words2 title;
    bool note; /* says too little alone: wants a note */
};

struct code_list {
    const struct code *items;
    size_t count;
};

struct codes {
    const char *id;
    struct code_list refusals, overrides, skips;
    struct code_list classes, natures, severities; /* of complaints and feedback */
};

/* Reads and checks; everything that is wrong is in complaints. */
enum err codes_read(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                    const struct codes **ret_codes) MUST_CHECK;

/* The code of that id; NULL: there is none. id may be NULL. */
const struct code *codes_find(const struct code_list *list, const char *id);
/* Their ids, separated by blanks. */
void codes_name(const struct code_list *list, struct text *to);
