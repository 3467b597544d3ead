/*
 * Clocks from facts. What a pause does, by the unit of the limit:
 *  s m h        the clock stands still: the budget is used up only outside pauses (and, for limits in
 *               working hours, only in working time)
 *  wd           working days of which every working minute was paused do not count
 *  d mo y       the end moves by the calendar days that were paused from beginning to end
 */
#include "models/service/sla_int.h"

#include "models/base/zone.h"
#include "models/service/pause.h"

#define DAY_MS 86400000

const char *const sla_state_names[] = {"running", "paused", "met", "breached", "cancelled", NULL};

bool sla_is_exact(struct duration limit, int64_t *ret_ms)
{
    return limit.unit != DURATION_D && !duration_ms(limit, ret_ms);
}

/* day itself or the first working day after it; day when the calendar has none within a year. */
static int32_t next_working(const struct workdays *workdays, int32_t day)
{
    for (int32_t next = day; next < day + 366; next++) {
        if (workdays_is_working(workdays, next)) {
            return next;
        }
    }
    return day;
}

/* The end of a civil period: the starting day does not count, the last one ends at 24:00 and moves to
 * the next working day. */
int64_t sla_civil_end(const struct workdays *workdays, struct duration limit, int64_t started_ms,
                         int32_t extra_days)
{
    int32_t day = zone_day(workdays->zone, started_ms);

    if (limit.unit == DURATION_D) {
        day += (int32_t)limit.count;
    } else {
        day = civil_add_months(day, (int)(limit.unit == DURATION_Y ? 12 * limit.count
                                                                  : limit.count));
    }
    return zone_instant(workdays->zone, next_working(workdays, day + extra_days), DAY_MS);
}

int64_t sla_due(const struct workdays *workdays, struct duration limit, bool working_hours,
                int64_t started_ms)
{
    int64_t ms;

    if (limit.unit == DURATION_WD) {
        return workdays_add_days(workdays, started_ms, limit.count);
    }
    if (!sla_is_exact(limit, &ms)) {
        return sla_civil_end(workdays, limit, started_ms, 0);
    }
    return working_hours ? workdays_add(workdays, started_ms, ms) : started_ms + ms;
}

/* The instant at which budget ms were used up outside the pauses. */
static int64_t spend(const struct sla_facts *facts, int64_t budget_ms)
{
    const struct sla_pause *pauses = facts->pauses;
    size_t count = facts->pause_count;
    int64_t at = facts->started_ms;

    for (;;) {
        int64_t from = pause_end(pauses, count, at);
        int64_t until = from == INT64_MAX ? INT64_MAX : pause_next(pauses, count, from);
        int64_t due;

        if (from == INT64_MAX) {
            return INT64_MAX;
        }
        due = facts->working_hours ? workdays_add(facts->workdays, from, budget_ms)
                                   : from + budget_ms;
        if (due <= until || due == INT64_MAX) {
            return due;
        }
        budget_ms -= facts->working_hours ? workdays_between(facts->workdays, from, until)
                                          : until - from;
        at = until;
    }
}

/* true when all working time of the day was paused (and there was some). */
bool sla_day_is_paused(const struct sla_facts *facts, int32_t day, bool working)
{
    int64_t from = zone_instant(facts->workdays->zone, day, 0);
    int64_t to = zone_instant(facts->workdays->zone, day, DAY_MS);
    int64_t all = working ? workdays_between(facts->workdays, from, to) : to - from;

    return all > 0 && pause_covered_working(facts->pauses, facts->pause_count, from, to,
                                            working ? facts->workdays : NULL) == all;
}

static int64_t due_in_workdays(const struct sla_facts *facts)
{
    int32_t day = zone_day(facts->workdays->zone, facts->started_ms), first = day;
    int64_t left = facts->limit.count;

    while (left > 0 && day < first + 3660) {
        day++;
        left -= workdays_is_working(facts->workdays, day) && !sla_day_is_paused(facts, day, true);
    }
    if (left > 0) {
        return INT64_MAX;
    }
    /* close of business of that day */
    return facts->limit.count == 0
               ? workdays_add_days(facts->workdays, facts->started_ms, 0)
               : workdays_add_days(facts->workdays,
                                   zone_instant(facts->workdays->zone, day, 0) - 1, 1);
}

static int64_t due_in_days(const struct sla_facts *facts)
{
    int32_t first = zone_day(facts->workdays->zone, facts->started_ms), extra = 0;
    int64_t due = sla_civil_end(facts->workdays, facts->limit, facts->started_ms, 0);

    for (int32_t day = first + 1;
         extra < 3660 && zone_instant(facts->workdays->zone, day, 0) < due; day++) {
        if (sla_day_is_paused(facts, day, false)) {
            extra++;
            due = sla_civil_end(facts->workdays, facts->limit, facts->started_ms, extra);
        }
    }
    return due;
}

static int64_t due_of(const struct sla_facts *facts)
{
    int64_t ms;

    if (facts->pause_count == 0) {
        return sla_due(facts->workdays, facts->limit, facts->working_hours, facts->started_ms);
    }
    if (facts->limit.unit == DURATION_WD) {
        return due_in_workdays(facts);
    }
    return sla_is_exact(facts->limit, &ms) ? spend(facts, ms) : due_in_days(facts);
}

/* An open pause is taken to end now, so that the due time can be shown; it moves while it lasts. */
size_t sla_close_pauses(const struct sla_facts *facts, int64_t now_ms, struct sla_pause *to,
                           size_t most, bool *ret_open)
{
    size_t count = 0;

    *ret_open = false;
    for (size_t i = 0; i < facts->pause_count && count < most; i++) {
        struct sla_pause pause = facts->pauses[i];

        if (pause.from_ms > now_ms) {
            continue; /* not yet known at now_ms */
        }
        if (pause.to_ms > now_ms) {
            *ret_open = true;
            pause.to_ms = now_ms;
        }
        to[count++] = pause;
    }
    return count;
}


struct sla_clock sla_judge(const struct sla_facts *facts, double warn, int64_t now_ms)
{
    struct sla_pause pauses[SLA_PAUSES_MOST];
    struct sla_facts until = *facts;
    struct sla_clock clock = {.breached_ms = -1, .warn_ms = -1, .next_ms = INT64_MAX};
    bool cancelled, met, open;
    int64_t end_ms, limit_ms;

    now_ms = facts->still_ms > 0 && facts->still_ms < now_ms ? facts->still_ms : now_ms;
    cancelled = facts->cancelled_ms >= 0 && facts->cancelled_ms <= now_ms;
    met = facts->met_ms >= 0 && facts->met_ms <= now_ms && !cancelled;
    end_ms = met ? facts->met_ms : cancelled ? facts->cancelled_ms : now_ms;
    until.pause_count = sla_close_pauses(facts, end_ms, pauses, SLA_PAUSES_MOST, &open);
    until.pauses = pauses;
    clock.due_ms = due_of(&until);
    clock.paused_ms = pause_covered(pauses, until.pause_count, facts->started_ms, end_ms);
    if (end_ms > clock.due_ms && end_ms >= facts->promised_ms) {
        clock.breached_ms = clock.due_ms > facts->promised_ms ? clock.due_ms : facts->promised_ms;
    }
    if (cancelled) {
        clock.state = SLA_CANCELLED;
        clock.breached_ms = -1;
        return clock;
    }
    clock.state = clock.breached_ms >= 0 ? SLA_BREACHED
                  : met                  ? SLA_MET
                  : open                 ? SLA_PAUSED
                                         : SLA_RUNNING;
    if (met || clock.state == SLA_BREACHED || clock.due_ms == INT64_MAX) {
        return clock; /* nothing more happens by itself */
    }
    if (warn > 0 && sla_is_exact(facts->limit, &limit_ms) && !facts->working_hours) {
        clock.warn_ms = clock.due_ms - (int64_t)((1 - warn) * (double)limit_ms);
    } else if (warn > 0) {
        clock.warn_ms = facts->started_ms +
                        (int64_t)(warn * (double)(clock.due_ms - facts->started_ms));
    }
    if (!open) {
        clock.next_ms = clock.warn_ms > now_ms ? clock.warn_ms : clock.due_ms + 1;
    }
    return clock;
}

void sla_explain(const struct sla_facts *facts, int64_t now_ms, struct text *to)
{
    const struct zone *zone = facts->workdays->zone;
    struct sla_clock clock = sla_judge(facts, 0, now_ms);

    text_add(to, "started ");
    zone_write(zone, facts->started_ms, to);
    text_addf(to, "; limit %lld%s", (long long)facts->limit.count,
              duration_unit_text(facts->limit.unit));
    for (size_t i = 0; i < facts->pause_count; i++) {
        text_addf(to, "; paused (%s) ", facts->pauses[i].reason);
        zone_write(zone, facts->pauses[i].from_ms, to);
        if (facts->pauses[i].to_ms != INT64_MAX) {
            text_add(to, " to ");
            zone_write(zone, facts->pauses[i].to_ms, to);
        }
    }
    text_add(to, "; due ");
    if (clock.due_ms == INT64_MAX) {
        text_add(to, "never: the calendar has no working time");
    } else {
        zone_write(zone, clock.due_ms, to);
    }
    if (facts->met_ms >= 0) {
        text_add(to, "; met ");
        zone_write(zone, facts->met_ms, to);
    }
    text_addf(to, "; %s", sla_state_names[clock.state]);
}
