/* The proof that nothing was lost: for each agent accepted = stored + tombstoned + pending. */
#pragma once

#include "models/base/err.h"
#include "server/store/sql.h"

struct audit_line {
    const char *agent;
    int64_t accepted;   /* all numbers up to the highest seen of every epoch */
    int64_t stored;     /* in the database, quarantine included */
    int64_t tombstoned; /* given up by the agent, and not stored after all */
    int64_t pending;    /* the rest: on their way, or still with the agent */
    bool adds_up;
};

/* A line for each agent, in order of their names. */
enum err audit_each(struct sql *sql, void (*each)(void *context, const struct audit_line *line),
                    void *context) MUST_CHECK;
