/*
 * Tools (S1-38): where each is, until when its calibration holds, when it is serviced; whether who goes has what the job
 * asks for; what was measured with which. A tool that was found to show wrong values recalls what was measured with it
 * since it was last known to be right.
 */
#pragma once

#include "models/base/zone.h"
#include "server/case/office.h"
#include "server/training/training.h"

/* calibrate service hand repair back suspect lose found retire settle (docs/training.md). ERR_NOT_FOUND, ERR_FORMAT,
 * ERR_STATE, ERR_FORBIDDEN with why. */
enum err tool_act(struct office *office, struct sql *sql, int64_t tool, const struct action *action, int64_t now_ms,
                  struct text *why) MUST_CHECK;
bool tool_did(struct sql *sql, int64_t tool, const char *action_id);
int64_t tool_find(struct sql *sql, const char *name); /* row id, or -1 */

struct fit_ask { /* may he do that order, then? */
    const struct cJSON *job; /* the order's: skills, tools; NULL: it asks for nothing */
    int64_t technician;
    int32_t day;
};
/*
 * What speaks against it, in words; nothing: all is well. certificates: those of the job's skills that have run out by
 * that day. tools: of each class that the register knows, that he has none, or only such as may not be used.
 */
enum err fit_find(struct office *office, struct sql *sql, const struct fit_ask *ask, struct text *certificates,
                  struct text *tools) MUST_CHECK;

struct tool_cited {
    int64_t order, technician;
    const char *step, *tool, *class; /* class: that the step asks for; NULL: any. tool NULL: none was named */
    const char *who;
    int32_t day;
    int64_t at_ms;
};
/* A value of a step was measured with it. ERR_FORMAT: there is no such tool, or one has to be named (the step asks for a
 * class that the register knows); ERR_STATE: it may not be used. */
enum err tool_cite(struct sql *sql, const struct tool_cited *cited, struct text *why) MUST_CHECK;

/* ------------------------------------------------------------------ views; any connection */

enum err tool_view(struct sql *sql, int64_t tool, const struct zone *zone, int32_t today, bool with, struct json_out *out) MUST_CHECK;
/* One row of tool_use: order, step, by which calibration, recalled, settled. */
enum err tool_use_view(struct sql *sql, int64_t use, const struct zone *zone, struct json_out *out) MUST_CHECK;
