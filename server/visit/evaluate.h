/* Expressions of a plan over the stored readings of one piece of equipment, as they were at an instant. */
#pragma once

#include "models/base/arena.h"
#include "models/profile/profile.h"
#include "server/store/sql.h"

/* The value of words at now_ms; not known: a name is none of the profile, or an input is unknown or older than three of
 * its heartbeats. Windows are read from the stored readings. */
enum err evaluate_words(struct arena *arena, struct sql *sql, const struct profile *profile, int64_t equipment,
                        const char *words, int64_t now_ms, struct expr_value *ret_value) MUST_CHECK;
/* The point of that name or role; NULL: the profile has none. */
const struct point *evaluate_point(const struct profile *profile, const char *name);
/* The row of a point of the equipment; 0: nothing was ever stored of it. */
int64_t evaluate_row(struct sql *sql, int64_t equipment, const struct point *point);
