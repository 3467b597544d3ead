/* Rosters: what a file may say, who is asked, and no hole: against every minute of a year looked at one by
 * one with the C library's own time zones. */
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
#include "models/base/civil.h"
#include "models/base/text.h"
#include "models/service/roster.h"

#define MINUTE 60000LL
#define DAY    86400000LL

static const char *const zones[] = {"Asia/Shanghai",       "Europe/Berlin",     "America/New_York",
                                    "Australia/Lord_Howe", "America/St_Johns", "America/Santiago"};
#define ZONES (int)(sizeof(zones) / sizeof(zones[0]))

static uint64_t random_state = 7;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (uint64_t)most);
}

static const struct zone *find_zone(void *context, const char *name)
{
    const struct zone *zone;

    return file_zone(context, name, &zone) ? NULL : zone;
}

static size_t read(struct arena *arena, const char *text, struct roster *ret_roster, struct complaints *complaints)
{
    struct yaml_node *root;

    *complaints = (struct complaints){.path = "f", .arena = arena};
    assert_int_equal(yaml_parse(arena, text, strlen(text), complaints, &root), ERR_OK);
    roster_read(arena, root, complaints, find_zone, arena, ret_roster);
    return complaints->count;
}

static int64_t instant(const char *words)
{
    int64_t ms;

    assert_int_equal(civil_read_instant(words, &ms), ERR_OK);
    return ms;
}

#define DUTY                                                                                       \
    "id: duty\ntime_zone: Europe/Berlin\nmembers: [ann, bob, cem]\nrotation: 7d\n"                 \
    "first_day: \"2026-01-05\"\nhand_over: \"09:00\"\n"

static void test_turns_and_who_is_next(void **state)
{
    struct arena *arena;
    struct complaints complaints;
    struct roster roster;
    struct roster_absence away[] = {{"bob", civil_days(2026, 1, 13), civil_days(2026, 1, 13)}};
    int order[ROSTER_MEMBERS_MOST];

    (void)state;
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    assert_int_equal(read(arena, DUTY "overrides: [{from: \"2026-01-06T10:00:00+01:00\", to: "
                                      "\"2026-01-06T12:00:00+01:00\", member: cem}]\n",
                          &roster, &complaints),
                     0);
    roster.absences = away;
    roster.absence_count = 1;
    assert_int_equal(roster_ask(&roster, instant("2026-01-05T08:59:00+01:00"), order), 3);
    assert_int_equal(order[0], 2); /* the turn before the first day is the last member's */
    assert_int_equal(roster_ask(&roster, instant("2026-01-05T09:00:00+01:00"), order), 3);
    assert_int_equal(order[0], 0);
    assert_int_equal(order[1], 1); /* S0-110: unanswered, then the next */
    assert_int_equal(roster_ask(&roster, instant("2026-01-06T10:00:00+01:00"), order), 3);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 0);
    assert_int_equal(roster_ask(&roster, instant("2026-01-06T12:00:00+01:00"), order), 3);
    assert_int_equal(order[0], 0);
    assert_int_equal(roster_ask(&roster, instant("2026-01-13T12:00:00+01:00"), order), 2);
    assert_int_equal(order[0], 2); /* bob is away on that day of his turn */
    arena_close(arena);
}

static void test_what_is_wrong_is_told_where_it_stands(void **state)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"time_zone: UTC\nmembers: [a]\n", "f:1:1: error: expected the key 'id', found none"},
        {"id: x\nmembers: [a]\n", "f:1:1: error: expected the key 'time_zone', found none"},
        {"id: x\ntime_zone: Moon\nmembers: [a]\n", "f:2:12: error: expected a time zone such as"},
        {"id: x\ntime_zone: UTC\n", "f:1:1: error: expected the key 'members', found none"},
        {"id: x\ntime_zone: UTC\nmembers: []\n", "f:3:10: error: expected at least one technician, found none"},
        {"id: x\ntime_zone: UTC\nmembers: [a, a]\n", "f:3:14: error: expected each member once, found 'a' again"},
        {"id: x\ntime_zone: UTC\nmembers: [a]\nrotation: 12h\n", "f:4:11: error: expected days such as 7d"},
        {"id: x\ntime_zone: UTC\nmembers: [a]\nfirst_day: soon\n", "f:4:12: error: expected a date such as"},
        {"id: x\ntime_zone: UTC\nmembers: [a]\nhand_over: \"24:00\"\n", "f:4:12: error: expected an hour such as"},
        {"id: x\ntime_zone: UTC\nmembers: [a]\nweek: {mon: [\"9-5\"]}\n", "f:4:14: error: expected hours such as"},
        {"id: x\ntime_zone: UTC\nmembers: [a]\noverrides: [{from: \"2026-01-01T00:00:00Z\", to: \"2026-01-01T00:00:00Z\", member: a}]\n",
         "f:4:48: error: expected a time after from"},
        {"id: x\ntime_zone: UTC\nmembers: [a]\noverrides: [{from: \"2026-01-01T00:00:00Z\", to: \"2026-01-02T00:00:00Z\", member: b}]\n",
         "f:4:80: error: expected a member of this roster, found 'b'"},
        {"id: x\ntime_zone: UTC\nmembers: [a]\nzz: 1\n", "f:4:1: error: expected a known key"},
    };
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct complaints complaints;
        struct roster roster;

        assert_int_equal(read(arena, cases[i].text, &roster, &complaints), 1);
        if (strncmp(complaints.lines[0], cases[i].line, strlen(cases[i].line)) != 0) {
            fail_msg("%s, not %s", complaints.lines[0], cases[i].line);
        }
    }
    arena_close(arena);
}

/* S0-02: a roster that is 24x7 on paper, and those that are not quite. */
static void test_the_first_hole(void **state)
{
    struct arena *arena;
    struct complaints complaints;
    struct roster roster, two[2];
    int64_t from = instant("2026-01-01T00:00:00Z"), to = instant("2028-01-01T00:00:00Z"), a, b;
    struct roster_absence all[] = {{"ann", civil_days(2026, 5, 1), civil_days(2026, 5, 9)},
                                   {"bob", civil_days(2026, 5, 4), civil_days(2026, 5, 5)},
                                   {"cem", civil_days(2026, 5, 5), civil_days(2026, 5, 20)}};

    (void)state;
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    assert_int_equal(read(arena, DUTY, &roster, &complaints), 0);
    assert_false(roster_hole(&roster, 1, from, to, &a, &b));
    roster.absences = all;
    roster.absence_count = 3;
    assert_true(roster_hole(&roster, 1, from, to, &a, &b));
    assert_int_equal(a, instant("2026-05-05T00:00:00+02:00"));
    assert_int_equal(b, instant("2026-05-06T00:00:00+02:00"));
    /* follow the sun: day in Shanghai, evening in Berlin; in summer Berlin begins an hour earlier, in winter
     * there is an hour between them */
    assert_int_equal(read(arena,
                          "id: s\ntime_zone: Asia/Shanghai\nmembers: [a]\nweek: {mon: [\"06:00-15:00\"], tue: [\"06:00-15:00\"],"
                          " wed: [\"06:00-15:00\"], thu: [\"06:00-15:00\"], fri: [\"06:00-15:00\"], sat: [\"06:00-15:00\"], sun: [\"06:00-15:00\"]}\n",
                          &two[0], &complaints),
                     0);
    assert_int_equal(read(arena,
                          "id: b\ntime_zone: Europe/Berlin\nmembers: [b]\nweek: {mon: [\"00:00-24:00\"], tue: [\"00:00-24:00\"],"
                          " wed: [\"00:00-24:00\"], thu: [\"00:00-24:00\"], fri: [\"00:00-24:00\"], sat: [\"00:00-24:00\"], sun: [\"00:00-01:00\", \"09:00-24:00\"]}\n",
                          &two[1], &complaints),
                     0);
    assert_true(roster_hole(two, 2, from, to, &a, &b)); /* Sunday 08:00 to 09:00 in Berlin's winter */
    assert_int_equal(a, instant("2026-01-04T08:00:00+01:00"));
    assert_int_equal(b, instant("2026-01-04T09:00:00+01:00"));
    assert_false(roster_hole(two, 2, instant("2026-04-01T00:00:00Z"), instant("2026-10-20T00:00:00Z"), &a, &b));
    arena_close(arena);
}

/* ------------------------------------------------------------------ every minute of a year */

static void random_roster(struct arena *arena, int z, struct roster *roster, struct roster_absence *absences,
                          struct roster_override *overrides)
{
    static const char *const names[] = {"m0", "m1", "m2", "m3"};

    *roster = (struct roster){.zone = find_zone(arena, zones[z])};
    roster->member_count = (size_t)draw(4) + 1;
    for (size_t i = 0; i < roster->member_count; i++) {
        roster->members[i] = names[i];
    }
    for (int day = 0; day < 7; day++) {
        int32_t least = 0;
        int spans = draw(3);

        if (draw(2)) {
            roster->week[day].segments[0] = (struct workdays_segment){0, DAY};
            roster->week[day].count = 1;
            continue;
        }
        for (int i = 0; i < spans && least < DAY - 7200000; i++) {
            struct workdays_segment *segment = &roster->week[day].segments[roster->week[day].count++];

            segment->from_ms = least + draw(16) * 1800000;
            segment->from_ms = segment->from_ms > DAY - 1800000 ? (int32_t)DAY - 1800000 : segment->from_ms;
            segment->to_ms = segment->from_ms + (draw(12) + 1) * 1800000;
            segment->to_ms = segment->to_ms > DAY ? (int32_t)DAY : segment->to_ms;
            least = segment->to_ms;
        }
    }
    roster->rotation_days = draw(9);
    roster->first_day = civil_days(2026, 1, 1) + draw(300);
    roster->hand_over_ms = draw(48) * 1800000;
    roster->absences = absences;
    roster->absence_count = (size_t)draw(6);
    for (size_t i = 0; i < roster->absence_count; i++) {
        absences[i] = (struct roster_absence){names[draw(4)], civil_days(2026, 1, 1) + draw(365), 0};
        absences[i].to_day = absences[i].from_day + draw(10);
    }
    roster->overrides = overrides;
    roster->override_count = (size_t)draw(4);
    for (size_t i = 0; i < roster->override_count; i++) {
        overrides[i].from_ms = civil_days(2026, 1, 1) * DAY + draw(365 * 24) * 60 * MINUTE;
        overrides[i].to_ms = overrides[i].from_ms + (draw(200) + 1) * 30 * MINUTE;
        overrides[i].member = draw((int)roster->member_count);
    }
}

struct oracle { /* walks minute by minute */
    const struct roster *roster;
    int32_t day;
    int64_t ms, reached[2 * WORKDAYS_SEGMENTS_MOST + 1]; /* the day's marks: reached already? */
};

static void look_at_clock(struct oracle *oracle, int64_t at)
{
    time_t t = (time_t)(at / 1000);
    const struct workdays_day *hours;
    struct tm tm;
    int32_t day;

    assert_non_null(localtime_r(&t, &tm));
    day = civil_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    oracle->ms = ((int64_t)tm.tm_hour * 60 + tm.tm_min) * MINUTE;
    if (day != oracle->day) {
        memset(oracle->reached, 0, sizeof(oracle->reached));
        oracle->day = day;
    }
    hours = &oracle->roster->week[(day + 3) % 7];
    for (size_t i = 0; i < hours->count; i++) {
        oracle->reached[2 * i] |= oracle->ms >= hours->segments[i].from_ms;
        oracle->reached[2 * i + 1] |= oracle->ms >= hours->segments[i].to_ms;
    }
    oracle->reached[2 * WORKDAYS_SEGMENTS_MOST] |= oracle->ms >= oracle->roster->hand_over_ms;
}

static size_t oracle_ask(const struct oracle *oracle, int64_t at, int order[])
{
    const struct roster *roster = oracle->roster;
    const struct workdays_day *hours = &roster->week[(oracle->day + 3) % 7];
    bool open = false, away[4] = {false};
    int first = -1, turn = 0;
    size_t count = 0;

    for (size_t i = 0; i < hours->count; i++) {
        open = open || (oracle->reached[2 * i] && !oracle->reached[2 * i + 1]);
    }
    for (size_t i = 0; i < roster->absence_count; i++) {
        if (oracle->day >= roster->absences[i].from_day && oracle->day <= roster->absences[i].to_day) {
            away[roster->absences[i].member[1] - '0'] = true;
        }
    }
    for (size_t i = 0; i < roster->override_count; i++) { /* a later one wins */
        if (at >= roster->overrides[i].from_ms && at < roster->overrides[i].to_ms) {
            first = roster->overrides[i].member;
        }
    }
    if (roster->rotation_days) {
        int32_t day = oracle->day - !oracle->reached[2 * WORKDAYS_SEGMENTS_MOST], at_day = roster->first_day;

        for (; at_day + roster->rotation_days <= day; at_day += roster->rotation_days) {
            turn = (turn + 1) % (int)roster->member_count;
        }
        for (; at_day > day; at_day -= roster->rotation_days) {
            turn = (turn + (int)roster->member_count - 1) % (int)roster->member_count;
        }
    }
    if (first >= 0 && !away[first]) {
        order[count++] = first;
    }
    for (int i = 0; open && i < (int)roster->member_count; i++) {
        int member = (turn + i) % (int)roster->member_count;

        if (!away[member] && member != first) {
            order[count++] = member;
        }
    }
    return count;
}

static void test_every_minute_of_a_year(void **state)
{
    int64_t begin = civil_days(2026, 1, 1) * DAY - 3 * DAY, end = civil_days(2027, 1, 1) * DAY + 3 * DAY;

    (void)state;
    for (int z = 0; z < ZONES; z++) {
        struct roster_absence absences[6];
        struct roster_override overrides[4];
        struct roster roster;
        struct oracle oracle = {.roster = &roster, .day = -1};
        int64_t change = 0, hole_from = -1, hole_to = -1, a, b;
        int order[ROSTER_MEMBERS_MOST], expected[ROSTER_MEMBERS_MOST];
        size_t count = 0, want;
        struct arena *arena;

        assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
        assert_int_equal(setenv("TZ", zones[z], 1), 0);
        tzset();
        random_roster(arena, z, &roster, absences, overrides);
        for (int64_t at = begin; at < end; at += MINUTE) {
            look_at_clock(&oracle, at);
            if (at < begin + 2 * DAY) {
                continue; /* the marks of the first day are not all known */
            }
            want = oracle_ask(&oracle, at, expected);
            if (at >= change) { /* between two changes the answer stays: that is what the proof goes by */
                count = roster_ask(&roster, at, order);
                change = roster_change(&roster, at);
                assert_true(change > at);
            }
            if (count != want || memcmp(order, expected, want * sizeof(order[0])) != 0) {
                fail_msg("%s at %lld: %zu asked, not %zu", zones[z], (long long)at, count, want);
            }
            if (want == 0 && hole_from < 0) {
                hole_from = at;
            }
            if (want > 0 && hole_from >= 0 && hole_to < 0) {
                hole_to = at;
            }
        }
        assert_int_equal(roster_hole(&roster, 1, begin + 2 * DAY, end, &a, &b), hole_from >= 0);
        if (hole_from >= 0) {
            assert_int_equal(a, hole_from);
            assert_int_equal(b, hole_to < 0 ? end : hole_to);
        }
        arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns_and_who_is_next),
        cmocka_unit_test(test_what_is_wrong_is_told_where_it_stands),
        cmocka_unit_test(test_the_first_hole),
        cmocka_unit_test(test_every_minute_of_a_year),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
