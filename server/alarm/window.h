/*
 * Windows: spans in which equipment is worked upon (maintenance, planned_change: alarms are recorded and
 * shown, nobody is told and no ticket is opened until the window ends), and guard periods, in which nothing
 * small is kept from people (S0-119, S0-126). A window is about one piece of equipment, one site or one agent.
 */
#pragma once

#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/base/zone.h"
#include "server/store/sql.h"

extern const char *const window_kinds[]; /* maintenance planned_change guard; ended by NULL */

/* A window in which nobody is told of the equipment's alarms is open now. */
bool window_hides(struct sql *sql, int64_t equipment, int64_t now_ms);
/* A window of that kind is open now. */
bool window_is_open(struct sql *sql, int64_t equipment, const char *kind, int64_t now_ms);

struct window_new {
    const char *name; /* client-made id; NULL: made here */
    const char *kind, *equipment, *site, *agent, *reason, *who; /* names; one of the three */
    int64_t from_ms, to_ms;
};
/* ERR_FORMAT (why names the field), ERR_STATE (another of the kind overlaps on the same subject), ERR_EXISTS (that
 * name is taken: *ret_id is its window). */
enum err window_create(struct sql *sql, const struct window_new *what, int64_t now_ms, int64_t *ret_id,
                       struct text *why) MUST_CHECK;

/* ERR_STATE: it is over; ERR_FORMAT. The same action_id again is done once. */
enum err window_end(struct sql *sql, int64_t id, const char *who, const char *action_id, int64_t now_ms,
                    struct text *why) MUST_CHECK;
enum err window_extend(struct sql *sql, int64_t id, int64_t to_ms, const char *who, const char *action_id,
                       int64_t now_ms, struct text *why) MUST_CHECK;
bool window_did(struct sql *sql, int64_t id, const char *action_id);

/* The next window whose edge has come and was not noticed, or 0; and its equipment one by one, beginning behind
 * `after`. */
int64_t window_edge(struct sql *sql, int64_t now_ms);
int64_t window_next_equipment(struct sql *sql, int64_t id, int64_t after);
/* Its edges up to now are noticed. */
enum err window_noticed(struct sql *sql, int64_t id, int64_t now_ms) MUST_CHECK;
int64_t window_due_ms(struct sql *sql); /* of the next edge; INT64_MAX */

enum err window_show(struct sql *sql, const struct zone *zone, int64_t id, int64_t now_ms,
                     struct json_out *out) MUST_CHECK;
int64_t window_find(struct sql *sql, const char *name); /* row id, or 0 */
