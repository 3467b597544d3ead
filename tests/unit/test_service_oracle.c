/*
 * Zones, calendars, clocks and visits against definitions that share no code with them: the C library's
 * own time zones, every minute looked at one by one, days counted one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "host/file.h"
#include "models/service/escalation.h"
#include "models/service/sla.h"
#include "models/service/visit.h"

#define MINUTE 60000LL
#define DAY    86400000LL

static const char *const zones[] = {
    "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns",
    "Pacific/Chatham", "Asia/Kathmandu", "Europe/Dublin", "America/Santiago", "Africa/Casablanca", "Pacific/Apia", "UTC",
};
#define ZONES (int)(sizeof(zones) / sizeof(zones[0]))

static uint64_t random_state;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (uint64_t)most);
}

static void seed(void)
{
    const char *words = getenv("HELIOGRAPH_SEED");

    random_state = words ? strtoull(words, NULL, 10) : 41;
    printf("seed %llu\n", (unsigned long long)random_state);
}

static void use(struct arena *arena, const char *name, const struct zone **ret_zone)
{
    assert_int_equal(file_zone(arena, name, ret_zone), ERR_OK);
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

/* Local time by the C library: the day since 1970 and the ms of the day. */
static void local(int64_t utc_ms, int32_t *ret_day, int64_t *ret_ms)
{
    time_t t = (time_t)(utc_ms / 1000);
    struct tm tm;

    assert_non_null(localtime_r(&t, &tm));
    *ret_day = civil_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    *ret_ms = ((int64_t)tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec) * 1000;
}

static int64_t wall(int64_t utc_ms)
{
    int32_t day;
    int64_t ms;

    local(utc_ms, &day, &ms);
    return day * DAY + ms;
}

/* An instant of 1971 to 2060, often near a change of the clocks. */
static int64_t some_instant(void)
{
    int64_t at = ((int64_t)draw(90 * 365) + 365) * DAY + draw(1440) * MINUTE;
    struct tm a, b;

    if (draw(2)) {
        for (int i = 0; i < 400; i++, at += DAY) {
            time_t t = (time_t)(at / 1000), next = t + 86400;

            localtime_r(&t, &a);
            localtime_r(&next, &b);
            if (a.tm_gmtoff != b.tm_gmtoff) {
                return at + draw(1440) * MINUTE;
            }
        }
    }
    return at;
}

static void zones_agree_with_the_c_library(void **state)
{
    struct arena *arena;

    (void)state;
    seed();
    assert_int_equal(arena_open(16 << 20, &arena), ERR_OK);
    for (int z = 0; z < ZONES; z++) {
        const struct zone *zone;

        use(arena, zones[z], &zone);
        for (int i = 0; i < 4000; i++) {
            int64_t at = some_instant(), ms;
            time_t t = (time_t)(at / 1000);
            struct tm tm;
            int32_t day;

            localtime_r(&t, &tm);
            local(at, &day, &ms);
            if (zone_offset_s(zone, at) != (int32_t)tm.tm_gmtoff || zone_day(zone, at) != day) {
                fail_msg("%s at %lld: %d, not %ld", zones[z], (long long)at, zone_offset_s(zone, at), tm.tm_gmtoff);
            }
        }
    }
    arena_close(arena);
}

/* From a wall clock to an instant: the first minute at which the clock shows it, or has passed it. */
static void wall_clocks_become_instants(void **state)
{
    struct arena *arena;

    (void)state;
    seed();
    assert_int_equal(arena_open(16 << 20, &arena), ERR_OK);
    for (int z = 0; z < ZONES; z++) {
        const struct zone *zone;

        use(arena, zones[z], &zone);
        for (int i = 0; i < 150; i++) {
            int64_t near = some_instant(), want = wall(near) / MINUTE * MINUTE + (int64_t)(draw(360) - 180) * MINUTE, at;
            int32_t day = (int32_t)(want / DAY);

            at = near / MINUTE * MINUTE - DAY;
            while (wall(at) < want) {
                at += MINUTE;
            }
            if (zone_instant(zone, day, want % DAY) != at) {
                fail_msg("%s, wall %lld: %lld, not %lld", zones[z], (long long)want, (long long)zone_instant(zone, day, want % DAY), (long long)at);
            }
        }
    }
    arena_close(arena);
}

/* ------------------------------------------------------------------ calendars */

struct calendar {
    struct workdays workdays;
    int32_t holidays[3], extra[2];
    int32_t base; /* the first day of the table of minutes */
};

static void make_calendar(struct calendar *calendar, const struct zone *zone, int32_t day)
{
    *calendar = (struct calendar){.workdays = {.zone = zone}};
    for (int i = 0; i < 7; i++) {
        /* spans keep clear of midnight, which is doubled where clocks go back at 00:01 or 24:00 */
        int from = 60 + draw(16) * 30, noon = draw(3) ? 12 * 60 : from + 30 + draw(2) * 30, to = 14 * 60 + draw(19) * 30;

        calendar->workdays.week[i].count = i < 5 ? (draw(9) ? 2 : 0) : (size_t)draw(2);
        calendar->workdays.week[i].segments[0] = (struct workdays_segment){from * 60000, noon * 60000};
        calendar->workdays.week[i].segments[1] = (struct workdays_segment){(noon + 60) * 60000, to * 60000};
    }
    calendar->workdays.week[draw(5)] = calendar->workdays.week[2];
    if (calendar->workdays.week[2].count == 0) {
        calendar->workdays.week[2].count = 1;
    }
    calendar->holidays[0] = day + draw(4);
    calendar->holidays[1] = calendar->holidays[0] + 1 + draw(2);
    calendar->holidays[2] = calendar->holidays[1] + 1 + draw(9);
    calendar->extra[0] = day + draw(8);
    calendar->extra[1] = calendar->extra[0] + 1 + draw(9);
    calendar->workdays.holidays = calendar->holidays;
    calendar->workdays.holiday_count = (size_t)draw(4);
    calendar->workdays.extra = calendar->extra;
    calendar->workdays.extra_count = (size_t)draw(3);
}

/* Hours of a day, looked up one by one: a make-up day is worked as the first working weekday. */
static const struct workdays_day *hours(const struct calendar *calendar, int32_t day)
{
    static const struct workdays_day none = {.count = 0};
    const struct workdays *workdays = &calendar->workdays;
    int weekday = (int)(((int64_t)day + 3) % 7);

    for (size_t i = 0; i < workdays->extra_count; i++) {
        if (workdays->extra[i] == day) {
            for (int k = 0; workdays->week[weekday].count == 0 && k < 7; k++) {
                if (workdays->week[k].count) {
                    weekday = k;
                }
            }
            return &workdays->week[weekday];
        }
    }
    for (size_t i = 0; i < workdays->holiday_count; i++) {
        if (workdays->holidays[i] == day) {
            return &none;
        }
    }
    return &workdays->week[weekday];
}

/* The latest that the wall has shown on its day until then: what it shows a second time it has shown already. */
static void shown(int64_t utc_ms, int32_t *ret_day, int64_t *ret_ms)
{
    time_t t = (time_t)(utc_ms / 1000), before = t - 3 * 3600;
    struct tm a, b;

    local(utc_ms, ret_day, ret_ms);
    localtime_r(&before, &a);
    localtime_r(&t, &b);
    for (int64_t at = utc_ms; a.tm_gmtoff > b.tm_gmtoff && at > utc_ms - 180 * MINUTE; at -= MINUTE) {
        int32_t day;
        int64_t ms;

        local(at, &day, &ms);
        *ret_ms = day == *ret_day && ms > *ret_ms ? ms : *ret_ms;
    }
}

/* A window is one stretch: from when the wall first shows its beginning until it first shows its end. */
static bool works(const struct calendar *calendar, int64_t utc_ms)
{
    const struct workdays_day *all;
    int32_t day;
    int64_t ms;

    shown(utc_ms, &day, &ms);
    all = hours(calendar, day);
    for (size_t i = 0; i < all->count; i++) {
        if (ms >= all->segments[i].from_ms && ms < all->segments[i].to_ms) {
            return true;
        }
    }
    return false;
}

struct holds {
    struct sla_pause list[4];
    size_t count;
};

static void make_holds(struct holds *holds, int64_t from_ms, int most_minutes)
{
    int64_t at = from_ms;

    holds->count = (size_t)draw(5);
    for (size_t i = 0; i < holds->count; i++) {
        holds->list[i].from_ms = at + (int64_t)(draw(most_minutes) - most_minutes / 8) * MINUTE;
        holds->list[i].to_ms = holds->list[i].from_ms + (int64_t)draw(most_minutes) * MINUTE;
        holds->list[i].reason = "x";
        at = holds->list[i].from_ms + (int64_t)draw(most_minutes) * MINUTE; /* may lie within */
    }
    if (holds->count > 1 && draw(2)) { /* a ledger is in no order */
        struct sla_pause first = holds->list[0];

        holds->list[0] = holds->list[1];
        holds->list[1] = first;
    }
}

static bool holds_at(const struct holds *holds, int64_t utc_ms)
{
    for (size_t i = 0; i < holds->count; i++) {
        if (utc_ms >= holds->list[i].from_ms && utc_ms < holds->list[i].to_ms) {
            return true;
        }
    }
    return false;
}

/* Hours: the clock runs in every minute that is not held (and, in working hours, worked). */
static void clocks_in_hours(void **state)
{
    struct arena *arena;

    (void)state;
    seed();
    assert_int_equal(arena_open(64 << 20, &arena), ERR_OK);
    for (int round = 0; round < 2000; round++) {
        const struct zone *zone;
        struct calendar calendar;
        struct holds holds;
        struct sla_facts facts = {.met_ms = -1, .cancelled_ms = -1, .working_hours = draw(2)};
        int64_t at, left, paused = 0;
        struct sla_clock clock;

        arena_reset(arena);
        use(arena, zones[round % ZONES], &zone);
        facts.started_ms = some_instant() / MINUTE * MINUTE;
        make_calendar(&calendar, zone, zone_day(zone, facts.started_ms));
        make_holds(&holds, facts.started_ms, 900);
        facts.workdays = &calendar.workdays;
        facts.pauses = holds.list;
        facts.pause_count = holds.count;
        facts.limit = draw(2) ? (struct duration){1 + draw(12), DURATION_H} : (struct duration){1 + draw(600), DURATION_M};
        left = facts.limit.unit == DURATION_H ? 60 * facts.limit.count : facts.limit.count;
        for (at = facts.started_ms; left > 0; at += MINUTE) {
            bool held = holds_at(&holds, at);

            left -= !held && (!facts.working_hours || works(&calendar, at));
            paused += held;
            if (at > facts.started_ms + 60 * DAY) {
                fail_msg("%s: no end within 60 days", zones[round % ZONES]);
            }
        }
        clock = sla_judge(&facts, 0, at);
        if (clock.due_ms != at || clock.state == SLA_BREACHED || clock.paused_ms != paused * MINUTE) {
            fail_msg("%s round %d: due %lld, not %lld; paused %lld, not %lld", zones[round % ZONES], round, (long long)clock.due_ms, (long long)at,
                     (long long)clock.paused_ms, (long long)(paused * MINUTE));
        }
        assert_int_equal(sla_judge(&facts, 0, at + 1).state, SLA_BREACHED);
        assert_int_equal(sla_judge(&facts, 0, at + 1).breached_ms, at);
        facts.met_ms = at; /* at the last moment */
        assert_int_equal(sla_judge(&facts, 0, at + DAY).state, SLA_MET);
        facts.met_ms = at + 1;
        assert_int_equal(sla_judge(&facts, 0, at + DAY).state, SLA_BREACHED);
    }
    arena_close(arena);
}

static int64_t first_minute_from(int64_t at, int32_t day, int64_t ms)
{
    while (wall(at) < day * DAY + ms) {
        int64_t left = day * DAY + ms - wall(at);

        at += left > DAY ? DAY / 2 : left > 180 * MINUTE ? 60 * MINUTE : MINUTE;
    }
    return at;
}

/* Every moment of a day held (working: every worked one, and there are some). */
static bool held_all_day(const struct calendar *calendar, const struct holds *holds, int64_t begin_ms, int32_t day, bool working)
{
    int64_t some = 0;

    for (int64_t at = first_minute_from(begin_ms, day, 0); wall(at) < (day + 1) * DAY; at += MINUTE) {
        if (!working || works(calendar, at)) {
            if (!holds_at(holds, at)) {
                return false;
            }
            some++;
        }
    }
    return some > 0;
}

/* Days: the starting day does not count; wd end at close of business; d mo y at 24:00 of a working day. */
static void clocks_in_days(void **state)
{
    static const enum duration_unit units[] = {DURATION_WD, DURATION_D, DURATION_MO, DURATION_Y};
    struct arena *arena;

    (void)state;
    seed();
    assert_int_equal(arena_open(64 << 20, &arena), ERR_OK);
    for (int round = 0; round < 1000; round++) {
        const struct zone *zone;
        struct calendar calendar;
        struct holds holds;
        struct sla_facts facts = {.met_ms = -1, .cancelled_ms = -1};
        int32_t first, day, extra = 0, counted = 0;
        int64_t ms, want;

        arena_reset(arena);
        use(arena, zones[round % ZONES], &zone);
        if (strcmp(zones[round % ZONES], "Pacific/Apia") == 0) {
            continue; /* where a whole day was left out, once */
        }
        facts.started_ms = some_instant() / MINUTE * MINUTE;
        local(facts.started_ms, &first, &ms);
        make_calendar(&calendar, zone, first);
        make_holds(&holds, facts.started_ms, 4000);
        facts.workdays = &calendar.workdays;
        facts.pauses = holds.list;
        facts.pause_count = holds.count;
        facts.limit.unit = units[draw(4)];
        facts.limit.count = 1 + draw(facts.limit.unit == DURATION_Y ? 3 : facts.limit.unit == DURATION_MO ? 14 : 8);
        if (facts.limit.unit == DURATION_WD) {
            for (day = first; counted < facts.limit.count;) {
                day++;
                counted += hours(&calendar, day)->count > 0 && !held_all_day(&calendar, &holds, facts.started_ms, day, true);
            }
            want = first_minute_from(facts.started_ms, day, hours(&calendar, day)->segments[hours(&calendar, day)->count - 1].to_ms);
        } else {
            int year, month, of_month, months = facts.limit.unit == DURATION_MO ? (int)facts.limit.count : 12 * (int)facts.limit.count;
            int32_t end = first + (int32_t)facts.limit.count;

            if (facts.limit.unit != DURATION_D) { /* month by month; the last day of a shorter month */
                civil_from_days(first, &year, &month, &of_month);
                for (int i = 0; i < months; i++) {
                    year += month == 12;
                    month = month == 12 ? 1 : month + 1;
                }
                for (end = civil_days(year, month, 1) + of_month - 1;; end--) {
                    int y, m, d;

                    civil_from_days(end, &y, &m, &d);
                    if (m == month) {
                        break;
                    }
                }
            }
            for (;;) { /* days that were held all through are added; those added may be held too */
                int32_t held = 0;

                for (day = end + extra; hours(&calendar, day)->count == 0; day++) {
                }
                for (int32_t k = first + 1; k <= day && k < first + 40; k++) {
                    held += holds.count > 0 && held_all_day(&calendar, &holds, facts.started_ms, k, false);
                }
                if (held == extra) {
                    break;
                }
                extra++;
            }
            want = first_minute_from(facts.started_ms, day + 1, 0);
        }
        if (sla_judge(&facts, 0, facts.started_ms + 2000 * DAY).due_ms != want) {
            fail_msg("%s round %d: %lld%s from %lld: %lld, not %lld", zones[round % ZONES], round, (long long)facts.limit.count,
                     duration_unit_text(facts.limit.unit), (long long)facts.started_ms,
                     (long long)sla_judge(&facts, 0, facts.started_ms + 2000 * DAY).due_ms, (long long)want);
        }
    }
    arena_close(arena);
}

/* While it is held, a clock's end moves on with the hours; it is never breached by being held. */
static void an_open_hold_stops_the_clock(void **state)
{
    struct workdays always = workdays_always(zone_utc());
    struct sla_pause pause = {3600000, INT64_MAX, "customer_absent"};
    struct sla_facts facts = {.limit = {2, DURATION_H}, .met_ms = -1, .cancelled_ms = -1, .pauses = &pause, .pause_count = 1, .workdays = &always};

    (void)state;
    for (int64_t now = 3600000; now < 50 * 3600000LL; now += 1800000) {
        struct sla_clock clock = sla_judge(&facts, 0.5, now);

        assert_int_equal(clock.state, SLA_PAUSED);
        assert_int_equal(clock.due_ms, now + 3600000);
        assert_int_equal(clock.paused_ms, now - 3600000);
        assert_int_equal(clock.next_ms, INT64_MAX);
    }
    pause.to_ms = 5 * 3600000;
    assert_int_equal(sla_judge(&facts, 0, 6 * 3600000).state, SLA_RUNNING);
    assert_int_equal(sla_judge(&facts, 0, 6 * 3600000).next_ms, 6 * 3600000 + 1);
    facts.cancelled_ms = 6 * 3600000;
    assert_int_equal(sla_judge(&facts, 0, 90 * 3600000).state, SLA_CANCELLED);
}

static void a_calendar_without_work_has_no_end(void **state)
{
    struct workdays never = {.id = "never", .zone = zone_utc()};
    struct sla_facts facts = {.limit = {2, DURATION_WD}, .met_ms = -1, .cancelled_ms = -1, .workdays = &never};
    struct sla_clock clock = sla_judge(&facts, 0.5, 1000);
    TEXT(words, 300);

    (void)state;
    assert_int_equal(clock.state, SLA_RUNNING);
    assert_int_equal(clock.due_ms, INT64_MAX);
    assert_int_equal(clock.next_ms, INT64_MAX);
    sla_explain(&facts, 1000, &words);
    assert_non_null(strstr(words.at, "no working time"));
    facts.limit = (struct duration){2, DURATION_D}; /* civil days pass all the same */
    assert_int_equal(sla_judge(&facts, 0, 0).due_ms, 3 * DAY);
}

/* ------------------------------------------------------------------ vectors and visits */

static void vectors_of_daylight_saving(void **state)
{
    static const int32_t due[][3] = {{2026, 1, 31}, {2026, 2, 28}, {2026, 3, 31}, {2026, 4, 30}};
    struct arena *arena;
    const struct zone *zone;
    int32_t day = civil_days(2026, 3, 29);

    (void)state;
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    use(arena, "Europe/Berlin", &zone);
    assert_int_equal(zone_instant(zone, day, 10 * 3600000) - zone_instant(zone, day, 0), 9 * 3600000);
    for (int i = 0; i < 3; i++) { /* daily at 08:00 */
        assert_int_equal(zone_civil(zone, zone_instant(zone, day - 1 + i, 8 * 3600000)).hour, 8);
    }
    for (int i = 0; i < 4; i++) { /* monthly from its anchor */
        assert_int_equal(civil_add_months(civil_days(2026, 1, 31), i), civil_days(due[i][0], due[i][1], due[i][2]));
    }
    arena_close(arena);
}

static const struct plan *load(struct arena *arena, const char *id)
{
    struct complaints complaints = {.path = id, .arena = arena};
    const struct plan *plan = NULL;
    TEXT(path, 100);
    char *bytes;
    size_t size;

    text_addf(&path, "models/plans/%s.yaml", id);
    assert_int_equal(file_read(arena, path.at, 1 << 20, &bytes, &size), ERR_OK);
    assert_int_equal(plan_read(arena, bytes, size, &complaints, &plan), ERR_OK);
    return plan;
}

static bool in_season(const struct plan *plan, int32_t day)
{
    int year, month, of_month;

    civil_from_days(day, &year, &month, &of_month);
    for (size_t i = 0; i < plan->window_count; i++) {
        const struct plan_window *window = &plan->windows[i];

        if (month * 100 + of_month >= window->from_month * 100 + window->from_day && month * 100 + of_month <= window->to_month * 100 + window->to_day) {
            return true;
        }
    }
    return false;
}

/* Twenty years of one anchor: each a pure function of n, apart from its neighbours, in season if it can. */
static void follow(const struct plan *plan, int32_t anchor, int32_t tolerance, int months)
{
    struct visit before = {0, anchor, anchor, anchor};
    int64_t per_year = plan->visits_per_year;

    for (int64_t n = 1; n <= 20 * per_year; n++) {
        struct visit visit = visit_occurrence(plan, anchor, n);
        int32_t nominal = civil_add_months(anchor, (int)n * months);
        bool reachable = false;

        for (int32_t day = nominal - tolerance; day <= nominal + tolerance; day++) {
            reachable = reachable || in_season(plan, day);
        }
        assert_int_equal(visit.sequence, n);
        assert_true(visit.window_start <= visit.due_on && visit.due_on <= visit.window_end);
        assert_true(n == 1 || visit.window_start > before.window_end);
        assert_true(visit.due_on >= nominal - tolerance - 1 && visit.due_on <= nominal + tolerance + 1); /* 29 February */
        if (plan->window_count == 0) {
            assert_int_equal(visit.due_on, nominal);
        } else if (in_season(plan, nominal)) {
            assert_int_equal(visit.due_on, nominal);
        } else if (reachable && !in_season(plan, visit.due_on)) {
            /* a day short, because the year has no 29 February in the measure of the shift */
            assert_false(in_season(plan, nominal - tolerance + 1) || in_season(plan, nominal + tolerance - 1));
        }
        assert_int_equal(visit_first_from(plan, anchor, visit.due_on), n);
        assert_int_equal(visit_first_from(plan, anchor, visit.due_on + 1), n + 1);
        before = visit;
    }
}

static void visits_never_drift(void **state)
{
    static const char *const ids[] = {"swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h"};
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(32 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        const struct plan *plan = load(arena, ids[i]);

        for (int32_t anchor = civil_days(2023, 12, 1); anchor < civil_days(2028, 3, 2); anchor += i ? 5 : 1) {
            follow(plan, anchor, 30, 6);
        }
    }
    arena_close(arena);
}

/* Other rhythms than those of the shipped plans. */
static void visits_of_any_rhythm(void **state)
{
    static const int months[] = {1, 2, 3, 4, 12};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct plan plan = {.visits_per_year = 12 / months[i], .visit_spacing = {months[i], DURATION_MO}, .visit_tolerance = {30, DURATION_D}};

        for (int32_t anchor = civil_days(2024, 1, 1); anchor < civil_days(2025, 3, 2); anchor += 2) {
            follow(&plan, anchor, 30, months[i]);
        }
    }
    for (int64_t days = 7; days < 100; days += 31) {
        struct plan plan = {.visits_per_year = 12, .visit_spacing = {days, DURATION_D}, .visit_tolerance = {30, DURATION_D}};

        for (int64_t n = 1; n < 50; n++) {
            struct visit visit = visit_occurrence(&plan, 20000, n);

            assert_int_equal(visit.due_on, 20000 + n * days);
            assert_true(visit.window_end < visit_occurrence(&plan, 20000, n + 1).window_start);
            assert_int_equal(visit_first_from(&plan, 20000, visit.due_on), n);
        }
    }
}

/* ------------------------------------------------------------------ escalation in working time */

#define EVENTS 4000

struct clerk { /* counts worked minutes that nobody holds; knows no formula */
    int64_t passed, held; /* minutes */
    int64_t taken[ESCALATION_STEPS_MOST];
};

static struct escalation_rule make_ladder(void)
{
    struct escalation_rule rule = {.working_hours = true, .ack_ms = draw(3) ? (1 + draw(300)) * MINUTE : 0,
                                   .step_count = (size_t)draw(4) + 1};
    int64_t wait = (int64_t)draw(2) * draw(600) * MINUTE;

    for (size_t i = 0; i < rule.step_count; i++) {
        rule.steps[i] = (struct escalation_step){.wait_ms = wait, .to = 1};
        if (draw(2)) {
            rule.steps[i].repeat_ms = (20 + draw(400)) * MINUTE;
            rule.steps[i].times = draw(2) * draw(6);
        }
        wait += (1 + draw(900)) * MINUTE;
    }
    return rule;
}

/* How many steps the clerk would take now. */
static size_t clerk_looks(struct clerk *clerk, const struct escalation_rule *rule)
{
    size_t count = 0;
    int top = -1;

    for (int i = 0; i < (int)rule->step_count; i++) {
        top = rule->steps[i].wait_ms / MINUTE <= clerk->passed ? i : top;
    }
    for (int i = 0; i <= top; i++) {
        const struct escalation_step *step = &rule->steps[i];
        int64_t owed = i == top && step->repeat_ms ? (clerk->passed - step->wait_ms / MINUTE) / (step->repeat_ms / MINUTE) : 0;

        owed = step->times && owed > step->times ? step->times : owed;
        if (owed > clerk->taken[i]) {
            clerk->taken[i] = owed;
            count++;
        }
    }
    return count;
}

/* Night, week-end, holidays, make-up days, both changes of the clocks, and a server that is down for hours or days. */
static void one_ladder(const struct zone *zone)
{
    struct escalation_rule rule = make_ladder();
    static struct escalation_event events[EVENTS], copy[EVENTS];
    struct escalation_due due[ESCALATION_STEPS_MOST];
    struct clerk clerk = {.passed = 0};
    struct calendar calendar;
    int64_t since = some_instant() / MINUTE * MINUTE, next = 0, down_until = 0;
    size_t count = 0;
    bool before = false;

    memset(clerk.taken, -1, sizeof(clerk.taken));
    make_calendar(&calendar, zone, zone_day(zone, since));
    for (int64_t at = since; at < since + 9 * DAY && count + 20 < EVENTS; at += MINUTE) {
        bool work = works(&calendar, at);
        size_t found, want;
        int64_t looked;

        if (draw(900) == 0) {
            down_until = at + (int64_t)draw(draw(3) ? 300 : 3000) * MINUTE;
        }
        if (at >= down_until) {
            memcpy(copy, events, count * sizeof(*events));
            found = escalation_look_in(&rule, &calendar.workdays, since, copy, count, at, due, &looked);
            want = work || before ? clerk_looks(&clerk, &rule) : 0;
            if (found != want || (found && at < next)) {
                fail_msg("%s, %lld minutes after %lld: %zu steps, not %zu; to be looked at in %lld", zone_name(zone),
                         (long long)((at - since) / MINUTE), (long long)since, found, want, (long long)((next - at) / MINUTE));
            }
            for (size_t i = 0; i < found; i++) {
                if (due[i].due_ms > at || due[i].due_ms < since) {
                    fail_msg("%s: due %lld after now, %lld after since; at %lld", zone_name(zone), (long long)((due[i].due_ms - at) / MINUTE), (long long)(due[i].due_ms - since), (long long)at);
                }
                assert_int_equal(due[i].repetition, clerk.taken[due[i].step]);
                events[count++] = (struct escalation_event){ESCALATION_STEP, at, due[i].step, due[i].repetition};
            }
            next = looked;
        }
        if (draw(1500) == 0) {
            events[count++] = (struct escalation_event){ESCALATION_ACKNOWLEDGE, at, 0, 0};
            clerk.held = !rule.ack_ms ? INT64_MAX : rule.ack_ms / MINUTE > clerk.held ? rule.ack_ms / MINUTE : clerk.held;
            next = 0;
        }
        if (work && clerk.held > 0) {
            clerk.held--;
        } else if (work) {
            clerk.passed++;
        }
        before = work;
    }
}

static void escalations_in_working_time(void **state)
{
    struct arena *arena;

    (void)state;
    seed();
    assert_int_equal(arena_open(16 << 20, &arena), ERR_OK);
    for (int round = 0; round < 3 * ZONES; round++) {
        const struct zone *zone;

        arena_reset(arena);
        use(arena, zones[round % ZONES], &zone);
        one_ladder(zone);
    }
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_agree_with_the_c_library),
        cmocka_unit_test(wall_clocks_become_instants),
        cmocka_unit_test(clocks_in_hours),
        cmocka_unit_test(clocks_in_days),
        cmocka_unit_test(an_open_hold_stops_the_clock),
        cmocka_unit_test(a_calendar_without_work_has_no_end),
        cmocka_unit_test(vectors_of_daylight_saving),
        cmocka_unit_test(escalations_in_working_time),
        cmocka_unit_test(visits_never_drift),
        cmocka_unit_test(visits_of_any_rhythm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
