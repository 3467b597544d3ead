/*
 * Judges one piece of equipment: readings in event time go in, faults raised, regraded and cleared
 * come out. The same code runs in the agent (at poll rate) and in the server (for agents that do
 * not grade). It never asks what time it is: the time of the readings is the only time there is,
 * so that a backlog replays into the true history.
 *
 * Meanings (interfaces.md 8, "Ticket times"):
 *  - A rule is evaluated at judge_decide(t), after all readings of time t were taken.
 *  - onset is the time of the first reading of the unbroken span in which `when` held; a fault is
 *    raised at the first decision with t - onset >= for; detected = onset + for.
 *  - cleared is the time of the first reading of the span in which `clear` held; it is announced
 *    once that span has lasted clear_for. A latching fault stays until judge_reset().
 *  - An input is unknown while its quality is not good, and once it has said nothing for 3 ×
 *    its heartbeat. An unknown condition neither starts nor ends a span and its timers hold; a
 *    silence of an input longer than that limit breaks its spans: a value from before the gap never
 *    trips a duration by its age.
 *  - While a fault named in inhibited_by is open (or its condition holds and is still in its
 *    on-delay), the rule is not raised; one that is open already stays open, its clearing goes on.
 *  - The ladder: the most severe rung that matches wins, else the rule's own grade; `after` counts
 *    from onset.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/json.h"
#include "models/profile/profile.h"
#include "models/telemetry/message.h"
#include "models/telemetry/reading.h"

struct judge;

struct verdict {
    size_t fault; /* index into profile->faults */
    enum fault_state state;
    int grade;           /* 1 2 3; cleared: the last one */
    int64_t onset_ms;    /* first reading of the span in which `when` held */
    int64_t detected_ms; /* onset + for */
    int64_t cleared_ms;  /* cleared: first reading of the span in which `clear` held */
    int64_t t_ms;        /* the reading that decided it */
};

/* profile must outlive the judge. ERR_NOMEM. */
enum err judge_open(const struct profile *profile, struct judge **ret_judge) MUST_CHECK;
void judge_close(struct judge *judge);

/* Takes a reading of profile->points[point]. ERR_RANGE when it is older than one taken before for
 * the same point or than the last decision (it is not taken; the caller stores it as late). */
enum err judge_take(struct judge *judge, size_t point, const struct reading *reading) MUST_CHECK;

/* Decides all rules at t_ms (>= every reading taken). Writes at most most verdicts (room for
 * fault_count always suffices); returns how many. */
size_t judge_decide(struct judge *judge, int64_t t_ms, struct verdict *verdicts, size_t most);

/* Puts back a fault that was open when the program stopped: before the readings of the horizon are fed
 * again, so that they show since when its clear condition holds, and again behind them, because onset
 * and grade may be older than they are. */
void judge_restore(struct judge *judge, size_t fault, int grade, int64_t onset_ms);
/* Takes back a fault that history raised but nobody was told of. */
void judge_withdraw(struct judge *judge, size_t fault);
/* A person resets a latching fault: it clears as soon as its clear condition holds. */
void judge_reset(struct judge *judge, size_t fault);

bool judge_is_open(const struct judge *judge, size_t fault);
/* true while an input of the rule is unknown, so that its state cannot be judged. */
bool judge_is_unknown(const struct judge *judge, size_t fault);
/* The most event time this profile's rules look back: what must be read again after a restart. */
int64_t judge_horizon_ms(const struct profile *profile);
/* The value a point had at the last decision; for evidence. Unknown: known = false. */
struct expr_value judge_value(const struct judge *judge, size_t point);
/* Derived points and inspection lines at the last decision. */
struct expr_value judge_evaluate(const struct judge *judge, const struct expr *expr);
/* {"pump_on":1,"flow":0.0,…}: the points that fault's conditions read, at the last decision. */
void judge_evidence(const struct judge *judge, size_t fault, struct json_out *out);
/* Bytes this judge holds. */
size_t judge_bytes(const struct judge *judge);
