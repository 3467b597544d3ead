/* Plans, clocks, calendars, visits, warranty, moves of tickets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/file.h"
#include "models/service/sla.h"
#include "models/service/ticket.h"
#include "models/service/visit.h"
#include "models/service/warranty.h"

#define MINUTE 60000LL

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

static void shipped_plans_promise_what_they_say(void **state)
{
    static const char *const ids[] = {"swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h"};
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(32 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        const struct plan *plan = load(arena, ids[i]);

        assert_int_equal(plan->visits_per_year, 2);
        assert_int_equal(plan->link_loss_limit_ms, 4 * 3600000);
        for (size_t k = 0; k < plan->target_count; k++) {
            /* a target may leave a grade out, but not all */
            const struct plan_limit(*limits)[PLAN_LEVELS] = plan->targets[k].limits;
            char flag = limits[0][2].set ? limits[0][2].origin.flag : limits[1][2].origin.flag;

            assert_true(flag == 'S' || flag == 'A');
        }
    }
    arena_close(arena);
}

static void a_held_clock_gets_no_weekend(void **state)
{
    struct workdays workdays = {.week = {{{{0, 0}}, 0}}};
    struct sla_pause pause = {0, 0, "customer_absent"};
    struct sla_facts facts = {.limit = {8, DURATION_H}, .working_hours = true, .met_ms = -1, .cancelled_ms = -1,
                              .pauses = &pause, .pause_count = 1, .workdays = &workdays};
    struct arena *arena;
    int32_t friday = civil_days(2026, 11, 20);

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(file_zone(arena, "Europe/Berlin", &workdays.zone), ERR_OK);
    for (int i = 0; i < 5; i++) {
        workdays.week[i].count = 1;
        workdays.week[i].segments[0] = (struct workdays_segment){9 * 3600000, 17 * 3600000};
    }
    facts.started_ms = zone_instant(workdays.zone, friday, 15 * 3600000);
    pause.from_ms = zone_instant(workdays.zone, friday, 16 * 3600000);
    pause.to_ms = zone_instant(workdays.zone, friday + 3, 10 * 3600000);
    assert_int_equal(sla_judge(&facts, 0, pause.to_ms + 1).due_ms, zone_instant(workdays.zone, friday + 3, 17 * 3600000));
    arena_close(arena);
}

/* Random calendars, holds, zones: minute by minute. */
static void clocks_equal_a_minute_oracle(void **state)
{
    static const char *const zones[] = {"Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"};
    unsigned seed = getenv("HELIOGRAPH_SEED") ? (unsigned)strtoul(getenv("HELIOGRAPH_SEED"), NULL, 10) : 11;
    struct arena *arena;

    (void)state;
    printf("seed %u\n", seed);
    srand(seed);
    assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
    for (int round = 0; round < 1500; round++) {
        struct workdays workdays = {.week = {{{{0, 0}}, 0}}};
        struct sla_pause pauses[3];
        struct sla_facts facts = {.met_ms = -1, .cancelled_ms = -1, .pauses = pauses, .workdays = &workdays};
        int32_t day = civil_days(2026, 3, 20) + rand() % 240, holidays[2];
        int64_t at, left, pause_at;
        bool working = rand() % 2;

        assert_int_equal(file_zone(arena, zones[rand() % 4], &workdays.zone), ERR_OK);
        for (int i = 0; i < 7; i++) {
            int32_t from = (7 + rand() % 3) * 60, noon = 12 * 60, to = (14 + rand() % 6) * 60;

            workdays.week[i].count = i < 5 ? 2 : (size_t)(rand() % 2);
            workdays.week[i].segments[0] = (struct workdays_segment){from * 60000, noon * 60000};
            workdays.week[i].segments[1] = (struct workdays_segment){(noon + 60) * 60000, to * 60000};
        }
        holidays[0] = day + rand() % 4;
        holidays[1] = holidays[0] + 1 + rand() % 3;
        workdays.holidays = holidays;
        workdays.holiday_count = (size_t)(rand() % 3);
        facts.working_hours = working;
        facts.limit = (struct duration){1 + rand() % 30, DURATION_H};
        facts.started_ms = zone_instant(workdays.zone, day, (rand() % 1440) * MINUTE);
        facts.pause_count = (size_t)(rand() % 4);
        pause_at = facts.started_ms;
        for (size_t i = 0; i < facts.pause_count; i++) {
            pauses[i].from_ms = pause_at + rand() % 900 * MINUTE;
            pauses[i].to_ms = pauses[i].from_ms + rand() % 600 * MINUTE;
            pauses[i].reason = "x";
            pause_at = pauses[i].from_ms + rand() % 300 * MINUTE;
        }
        left = facts.limit.count * 60;
        for (at = facts.started_ms; left > 0; at += MINUTE) { /* the definition */
            bool counts = !working || workdays_between(&workdays, at, at + MINUTE) == MINUTE;

            for (size_t i = 0; i < facts.pause_count; i++) {
                counts = counts && !(at >= pauses[i].from_ms && at < pauses[i].to_ms);
            }
            left -= counts;
        }
        assert_int_equal(sla_judge(&facts, 0, at + 100 * 86400000LL).due_ms, at);
        assert_int_equal(sla_judge(&facts, 0, at).state == SLA_BREACHED, 0);
        assert_int_equal(sla_judge(&facts, 0, at + 1).state, SLA_BREACHED);
    }
    arena_close(arena);
}

static void working_time_is_additive(void **state)
{
    struct workdays always = workdays_always(zone_utc());

    (void)state;
    assert_int_equal(workdays_between(&always, 0, 1000000), 1000000);
    assert_int_equal(workdays_add(&always, 500, 86400000), 86400500);
}

static void two_visits_in_any_year(void **state)
{
    struct arena *arena;
    const struct plan *plan;

    (void)state;
    assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
    plan = load(arena, "swh_standard");
    for (int32_t anchor = civil_days(2024, 1, 1); anchor < civil_days(2025, 3, 1); anchor++) {
        struct visit before = visit_occurrence(plan, anchor, 1);

        for (int64_t n = 2; n < 30; n++) {
            struct visit visit = visit_occurrence(plan, anchor, n);

            assert_true(visit.window_start > before.window_end);
            assert_in_range(visit.due_on, visit.window_start, visit.window_end);
            before = visit;
        }
        for (int32_t day = anchor + 400; day < anchor + 800; day += 23) {
            int64_t first = visit_first_from(plan, anchor, day), count = 0;

            while (visit_occurrence(plan, anchor, first + count).due_on < civil_add_months(day, 12)) {
                count++;
            }
            assert_int_equal(count, 2);
        }
    }
    arena_close(arena);
}

static void warranty_ends_on_its_last_day(void **state)
{
    struct warranty_dates dates = {civil_days(2025, 3, 6), WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE};
    struct arena *arena;
    const struct plan *plan;

    (void)state;
    assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
    plan = load(arena, "swh_standard");
    assert_int_equal(warranty_judge(plan, &dates, "tank", "hardware", civil_days(2028, 3, 5)).verdict, WARRANTY_COVERED);
    assert_int_equal(warranty_judge(plan, &dates, "tank", "hardware", civil_days(2028, 3, 6)).verdict, WARRANTY_EXPIRED);
    assert_int_equal(warranty_judge(plan, &dates, "tank", "external", civil_days(2026, 3, 6)).verdict, WARRANTY_EXCLUDED);
    assert_int_equal(warranty_judge(plan, &dates, "gold", "hardware", civil_days(2026, 3, 6)).verdict, WARRANTY_UNKNOWN);
    arena_close(arena);
}

static void wrong_plans_say_what(void **state)
{
    static const char bytes[] = "plan: x\nperiod: {}\nstaff: {}\nitems: {}\n";
    struct complaints complaints = {.path = "x.yaml"};
    const struct plan *plan;

    (void)state;
    assert_int_equal(arena_open(4 << 20, &complaints.arena), ERR_OK);
    assert_int_equal(plan_read(complaints.arena, bytes, strlen(bytes), &complaints, &plan), ERR_FORMAT);
    assert_string_equal(complaints.lines[complaints.count - 1], "x.yaml:1:1: error: expected the key 'clocks', found none");
    arena_close(complaints.arena);
}

static void moves_follow_the_table(void **state)
{
    struct ticket_facts facts = {.state = TICKET_REGISTERED, .role = ROLE_DISPATCHER, .way_open = true};
    enum ticket_state next;
    TEXT(why, 600);

    (void)state;
    assert_int_equal(ticket_move(&facts, TICKET_REOPEN, &next, &why), ERR_STATE);
    assert_non_null(strstr(why.at, "Legal: acknowledge"));
    assert_int_equal(ticket_move(&facts, TICKET_ASSIGN, &next, &why), ERR_OK);
    assert_int_equal(next, TICKET_ASSIGNED);
    facts = (struct ticket_facts){.state = TICKET_ON_SITE, .role = ROLE_SERVER, .consent_needed = true};
    assert_int_equal(ticket_move(&facts, TICKET_START, &next, &why), ERR_STATE);
    facts.consent_given = true;
    assert_int_equal(ticket_move(&facts, TICKET_START, &next, &why), ERR_OK);
    for (int s = 0; s < TICKET_CLOSED; s++) {
        facts = (struct ticket_facts){.state = (enum ticket_state)s, .role = ROLE_TECHNICIAN};
        assert_int_equal(ticket_move(&facts, TICKET_RESPOND, &next, &why), ERR_OK);
        assert_int_equal(next, s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_plans_promise_what_they_say), cmocka_unit_test(a_held_clock_gets_no_weekend),
        cmocka_unit_test(clocks_equal_a_minute_oracle),        cmocka_unit_test(working_time_is_additive),
        cmocka_unit_test(two_visits_in_any_year),              cmocka_unit_test(warranty_ends_on_its_last_day),
        cmocka_unit_test(wrong_plans_say_what),                cmocka_unit_test(moves_follow_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
