/* A clock's ledger in lines that add up. */
#include "models/base/zone.h"
#include "models/service/sla_int.h"

#define DAY_MS 86400000

struct ledger {
    struct sla_line *lines;
    size_t count, most;
    struct sla_sum *sum;
};

/* What does not fit is added to the last line. */
static void put(struct ledger *ledger, struct sla_line line)
{
    struct sla_line *last;

    ledger->sum->counted += line.counted;
    if (ledger->count < ledger->most) {
        ledger->lines[ledger->count++] = line;
        return;
    }
    last = &ledger->lines[ledger->count - 1];
    last->what = "counted";
    last->reason = "the rest";
    last->to_ms = line.to_ms;
    last->counted += line.counted;
}

static const char *reason_at(const struct sla_facts *facts, int64_t at_ms)
{
    for (size_t i = 0; i < facts->pause_count; i++) {
        if (facts->pauses[i].from_ms <= at_ms && at_ms < facts->pauses[i].to_ms) {
            return facts->pauses[i].reason;
        }
    }
    return NULL;
}

/* A span that no pause touches: a line, or one for every day with working time. */
static void put_span(struct ledger *ledger, const struct sla_facts *facts, int64_t from_ms, int64_t to_ms)
{
    const struct workdays *workdays = facts->workdays;

    if (!facts->working_hours) {
        put(ledger, (struct sla_line){"counted", NULL, from_ms, to_ms, to_ms - from_ms});
        return;
    }
    while (from_ms < to_ms) {
        int64_t until = zone_instant(workdays->zone, zone_day(workdays->zone, from_ms), DAY_MS), worked;

        until = until > to_ms || until <= from_ms ? to_ms : until;
        worked = workdays_between(workdays, from_ms, until);
        if (worked > 0) {
            put(ledger, (struct sla_line){"counted", NULL, from_ms, until, worked});
        }
        from_ms = until;
    }
}

static void walk_hours(struct ledger *ledger, const struct sla_facts *facts, int64_t end_ms)
{
    int64_t at = facts->started_ms;

    while (at < end_ms) {
        int64_t until = pause_end(facts->pauses, facts->pause_count, at);

        if (until > at) {
            until = until < end_ms ? until : end_ms;
            put(ledger, (struct sla_line){"paused", reason_at(facts, at), at, until, 0});
        } else {
            until = pause_next(facts->pauses, facts->pause_count, at);
            until = until < end_ms ? until : end_ms;
            put_span(ledger, facts, at, until);
        }
        at = until;
    }
}

static void walk_workdays(struct ledger *ledger, const struct sla_facts *facts, int64_t end_ms)
{
    const struct zone *zone = facts->workdays->zone;
    int32_t last = zone_day(zone, end_ms);

    for (int32_t day = zone_day(zone, facts->started_ms) + 1; day <= last; day++) {
        bool working = workdays_is_working(facts->workdays, day);
        bool paused = working && sla_day_is_paused(facts, day, true);
        int64_t from = zone_instant(zone, day, 0), to = zone_instant(zone, day, DAY_MS);
        bool over = working && workdays_between(facts->workdays, end_ms, to) == 0;

        if (day == last && !over) {
            break; /* today is not over */
        }
        put(ledger, (struct sla_line){"day", !working ? "no working day" : paused ? "paused" : NULL, from, to,
                                      working && !paused});
    }
}

static void walk_days(struct ledger *ledger, const struct sla_facts *facts, int64_t due_ms)
{
    const struct zone *zone = facts->workdays->zone;
    int64_t plain = sla_civil_end(facts->workdays, facts->limit, facts->started_ms, 0);

    put(ledger, (struct sla_line){"period", NULL, facts->started_ms, plain, facts->limit.count});
    for (int32_t day = zone_day(zone, facts->started_ms) + 1; due_ms > plain; day++) {
        int64_t from = zone_instant(zone, day, 0);

        if (from >= due_ms) {
            break;
        }
        if (sla_day_is_paused(facts, day, false)) {
            put(ledger, (struct sla_line){"day", "paused: added to the end", from, zone_instant(zone, day, DAY_MS), 0});
        }
    }
}

size_t sla_ledger(const struct sla_facts *facts, int64_t now_ms, struct sla_line *lines, size_t most,
                  struct sla_sum *ret_sum)
{
    struct ledger ledger = {lines, 0, most, ret_sum};
    struct sla_clock clock = sla_judge(facts, 0, now_ms);
    struct sla_pause pauses[SLA_PAUSES_MOST];
    struct sla_facts until = *facts;
    int64_t end_ms = now_ms;
    bool open;

    if (facts->met_ms >= 0 && facts->met_ms < end_ms) {
        end_ms = facts->met_ms;
    }
    if (facts->cancelled_ms >= 0 && facts->cancelled_ms < end_ms) {
        end_ms = facts->cancelled_ms;
    }
    end_ms = end_ms < clock.due_ms ? end_ms : clock.due_ms;
    until.pause_count = sla_close_pauses(facts, now_ms, pauses, SLA_PAUSES_MOST, &open);
    until.pauses = pauses;
    *ret_sum = (struct sla_sum){.limit = facts->limit.count};
    if (sla_is_exact(facts->limit, &ret_sum->limit)) {
        walk_hours(&ledger, &until, end_ms);
        return ledger.count;
    }
    ret_sum->in_days = true;
    if (facts->limit.unit == DURATION_WD) {
        walk_workdays(&ledger, &until, end_ms);
    } else {
        walk_days(&ledger, &until, clock.due_ms);
    }
    return ledger.count;
}
