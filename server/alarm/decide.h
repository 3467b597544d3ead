/* Are people told of it? The facts are gathered from the rows, models/service/announce decides, and what it
 * says is written down with the alarm, whichever way it went. */
#pragma once

#include "server/alarm/alarm.h"
#include "server/alarm/flood.h"

/* What hides an active alarm of the fault altogether: no ticket is opened and nobody is told. */
enum announce_reason alarm_hidden(struct sql *sql, int64_t equipment, const char *fault, int64_t now_ms);

/* *io_alarm gets what was decided. */
enum err alarm_decide(struct sql *sql, const struct alarm_rules *rules, struct alarm *io_alarm, int64_t now_ms,
                      bool *ret_announced) MUST_CHECK;

struct link { /* a lost agent, whose alarm is its ticket */
    int64_t ticket, agent;
    int grade;
};
/* *ret_others: agents of the same area that are silent too and are told of by this one. */
enum err link_decide(struct sql *sql, const struct alarm_rules *rules, const struct link *link, int64_t now_ms,
                     bool *ret_announced, int *ret_others) MUST_CHECK;
/* People were told of the ticket's link since it was lost last. */
bool link_is_told(struct sql *sql, int64_t ticket, int64_t agent);

/* A notice of a clock, of an alarm that people know by its area only. */
enum err clock_decide(struct sql *sql, const struct alarm_rules *rules, const struct alarm *alarm, int64_t now_ms,
                      bool *ret_announced) MUST_CHECK;
