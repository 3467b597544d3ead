/*
 * The clocks of a ticket, computed from its events and its ledger of pauses. Nothing is counted up
 * and stored: the same facts give the same clocks, whenever and however often they are asked.
 *
 * A limit in s, m, h runs in calendar time; wd in working days and ends at close of business; d,
 * mo, y are civil periods in the site's zone: the starting day does not count, the last day ends
 * at 24:00, a last day that is no working day moves to the next (service-terms.md 1.2c).
 * A pause stops the clock: a limit in hours is moved by the time paused (overlapping pauses count
 * once); a limit in working time by the working time paused; a limit in days by the whole days
 * touched … exactly as sla.c says at each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/duration.h"
#include "models/base/text.h"
#include "models/service/pause.h"
#include "models/service/workdays.h"

enum sla_state { SLA_RUNNING, SLA_PAUSED, SLA_MET, SLA_BREACHED, SLA_CANCELLED };
extern const char *const sla_state_names[]; /* running paused met breached cancelled */

struct sla_facts {
    struct duration limit;
    bool working_hours;   /* a limit in s m h counts working time only */
    int64_t started_ms;
    int64_t met_ms;       /* -1: not yet */
    int64_t cancelled_ms; /* -1: not */
    int64_t still_ms;     /* the fault is gone since, which is not proved yet: as the clock stood then; 0: not */
    int64_t promised_ms;  /* since when this limit holds, after a regrade; 0: since the start. A clock is
                             not breached before its limit was promised. */
    const struct sla_pause *pauses; /* of the ticket; any order, may overlap */
    size_t pause_count;
    const struct workdays *workdays;
};

struct sla_clock {
    enum sla_state state;
    int64_t due_ms;      /* as it stands: with an open pause, as if it ended now */
    int64_t breached_ms; /* the due instant that passed (or promised_ms, when it had passed by then);
                            -1: not breached */
    int64_t paused_ms;   /* gross time paused within the clock's life */
    int64_t warn_ms;     /* when `warn` share of the limit is used up; -1: no warning */
    int64_t next_ms;     /* when this clock's state changes by itself; INT64_MAX: never */
};

/* Due time for a limit that started at started_ms, without pauses. */
int64_t sla_due(const struct workdays *workdays, struct duration limit, bool working_hours,
                int64_t started_ms);
/* How the clock stands at now_ms. warn: share 0 … 1, 0 for none. */
struct sla_clock sla_judge(const struct sla_facts *facts, double warn, int64_t now_ms);
/*
 * A clock's ledger, line by line, up to where it ended or now (or its due time, when that was before):
 *  counted  from … to used up `counted` ms of the limit (s m h); in working hours a line a day
 *  paused   from … to stood still for `reason`
 *  day      the day [from, to) counted 1 or 0; reason says why not (wd), or was added to the end (d mo y)
 *  period   the civil period [from, to) of the limit, before days are added (d mo y)
 * The counted lines add up to sum.counted; at the due time that is sum.limit.
 */
struct sla_line {
    const char *what, *reason; /* reason: NULL or words */
    int64_t from_ms, to_ms, counted;
};
struct sla_sum {
    int64_t limit, counted; /* ms (s m h) or days */
    bool in_days;
};
/* At most `most` >= 2 lines; when they do not suffice the last one holds the rest. Returns how many. */
size_t sla_ledger(const struct sla_facts *facts, int64_t now_ms, struct sla_line *lines, size_t most,
                  struct sla_sum *ret_sum);
/* One line per fact for people: started …, paused … to … (reason), due …. */
void sla_explain(const struct sla_facts *facts, int64_t now_ms, struct text *to);
