/*
 * The trail: who did what, when, from where and to what. A line is written in the transaction of
 * what it tells, is never changed, and carries the hash of the line before it, so that a line that
 * was altered, taken out or put in between is found by trail_check(). Somebody who may write the
 * whole table could compute it anew from that line on: a head (the last hash) that was noted
 * elsewhere shows that too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/err.h"
#include "server/store/sql.h"

#define TRAIL_DETAIL_MOST 4096 /* bytes of a line's detail; what is longer is cut off and says so */

struct trail_line {
    const char *who, *role; /* a person or token and what it may; the server itself: heliograph */
    const char *source;     /* an address, or "command line" */
    const char *what;       /* POST /api/v1/tickets/{number}/actions, import, log-in refused … */
    const char *object;     /* number or id of what it was done to; may be NULL */
    const char *detail;     /* JSON or words; may be NULL; never a password or a token */
};

enum err trail_add(struct sql *sql, const struct trail_line *line, int64_t now_ms) MUST_CHECK;

struct trail_state {
    int64_t count;  /* lines that are kept */
    int64_t removed; /* … of them without what they said more: a person's data was taken away */
    int64_t wrong;  /* id of the first line that does not fit the one before or its own hash; 0: none */
    bool found;     /* the head that was asked for is one of the hashes (or of what was let go) */
    char head[65];  /* hash of the last line */
};

/* Reads every line. head: an earlier head to look for; may be NULL. */
enum err trail_check(struct sql *sql, const char *head, struct trail_state *ret_state) MUST_CHECK;
/* Lets go of lines before before_ms, `most` at a time; what the rest is chained to is kept. */
enum err trail_trim(struct sql *sql, int64_t before_ms, int64_t most) MUST_CHECK;
