/* The desk under a clock that the test turns: holds, warnings, breaches, closing, reopening, visits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/base/civil.h"
#include "server/alarm/alarm.h"
#include "server/desk/desk.h"
#include "server/desk/view.h"
#include "server/fleet/fleet_file.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static char path[64], url[80];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static int64_t now_ms;

static const char fleet[] =
    "customers: [{id: c, name: Li}]\n"
    "calendars: [{id: k, time_zone: Asia/Shanghai, week: {mon: ['08:30-17:30'], tue: ['08:30-17:30'],"
    " wed: ['08:30-17:30'], thu: ['08:30-17:30'], fri: ['08:30-17:30']}, holidays: ['2026-11-26']}]\n"
    "sites:\n"
    "  - {id: s, customer: c, name: Home, time_zone: Asia/Shanghai, calendar: k}\n"
    "  - {id: far, customer: c, name: Far, time_zone: Asia/Shanghai, calendar: k, remote_area: true}\n"
    "teams: [{id: t, name: Crew, sites: [s, far], skills: [electrician], calendar: k}]\n"
    "technicians: [{id: h, name: Wang, team: t}]\n"
    "equipment:\n"
    "  - {id: e, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-03-06'}\n"
    "  - {id: f, site: far, profile: swh-basic, agent: a, acceptance_date: '2024-02-29'}\n"
    "contracts:\n"
    "  - {id: x, customer: c, sites: [s], plan: PLAN, service_level: B, start: '2026-03-06', end: 'END'}\n";

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void replace(char *text, size_t room, const char *word, const char *with)
{
    char *at = strstr(text, word);
    char rest[4096];

    assert_non_null(at);
    snprintf(rest, sizeof(rest), "%s", at + strlen(word));
    snprintf(at, room - (size_t)(at - text), "%s%s", with, rest);
}

/* Imports the fleet with a plan and an end of the contract. */
static void import(const char *plan, const char *end)
{
    char text[4096];
    struct arena *arena;
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    int64_t changed;

    snprintf(text, sizeof(text), "%s", fleet);
    replace(text, sizeof(text), "PLAN", plan);
    replace(text, sizeof(text), "END", end);
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    assert_int_equal(fleet_check(arena, sql, rules, text, strlen(text), &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    arena_close(arena);
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
}

/* A Tuesday, 10:00 in Shanghai. */
static int64_t start_of_test(void)
{
    return civil_days(2026, 11, 24) * DAY + 2 * HOUR;
}

static void begin(const char *plan)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = start_of_test();
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK); /* one transaction a test: nothing has to reach the disk */
    import(plan, "2099-01-01");
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

static int64_t equipment(const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name);
}

/* What telemetry says. */
static void fault(enum fault_state state, int grade)
{
    struct desk_fault what = {
        .equipment = equipment("e"),
        .fault = "pump_no_flow",
        .state = state,
        .grade = grade,
        .onset_ms = now_ms - MINUTE,
        .detected_ms = now_ms,
        .cleared_ms = now_ms,
        .t_ms = now_ms,
    };

    assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
}

static void heard(void)
{
    assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1", "i", now_ms), ERR_OK);
}

/* One look of the desk; when it wants to look next. */
static int64_t look(void)
{
    int64_t next_ms = now_ms;

    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
    return next_ms;
}

/* Time goes on, as the server sees it: the desk looks when it said it would. */
static void pass(int64_t ms)
{
    int64_t until = now_ms + ms;

    while (now_ms < until) {
        int64_t next_ms = look();

        now_ms = next_ms > until ? until : next_ms > now_ms ? next_ms : now_ms + 1;
        heard();
    }
    (void)look();
}

/* Every action that people may do can be done, and no other. */
static void every_row_for_people_has_a_doer(void **state)
{
    (void)state;
    for (int i = 0; i < TICKET_ACTIONS; i++) {
        const struct ticket_row *row = ticket_row((enum ticket_action)i);

        assert_int_equal(desk_has_doer((enum ticket_action)i), (row->roles & ~ROLE_BIT(ROLE_SERVER)) != 0);
        assert_false(row->roles & (ROLE_BIT(ROLE_NONE) | ROLE_BIT(ROLE_VIEWER)));
    }
}

static int64_t only_ticket(void)
{
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket", ""), 1);
    return sql_find_int(sql, 0, "SELECT id FROM ticket", "");
}

/* ERR_OK, or why not. said: further fields of the request. */
static enum err act(int64_t ticket, const char *name, const char *id, int64_t at_ms, const char *said)
{
    struct action action = {.action = name, .action_id = id, .who = "ann", .role = ROLE_DISPATCHER, .at_ms = at_ms};
    struct arena *arena;
    TEXT(why, 600);
    enum err err;

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = desk_ticket_action(desk, sql, ticket, &action, now_ms, &why);
    if (err) {
        sql_undo(sql); /* what the committing thread does */
    } else {
        sql_release(sql);
    }
    arena_close(arena);
    return err;
}

static enum err work(const char *name, const char *id, int64_t at_ms, const char *said)
{
    int64_t order = sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order WHERE kind = 'corrective'", "");
    struct action action = {.action = name, .action_id = id, .who = "wang", .role = ROLE_TECHNICIAN, .at_ms = at_ms};
    struct arena *arena;
    TEXT(why, 600);
    enum err err;

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = desk_work_action(desk, sql, order, &action, now_ms, &why);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    arena_close(arena);
    return err;
}

/* A field of one clock, or of the ticket itself (kind NULL), as the API shows it. */
static const char *shown(int64_t ticket, const char *kind, const char *field)
{
    static char words[100];
    struct json_out out = json_out(1 << 20);
    const struct cJSON *root, *at;
    struct arena *arena;

    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    assert_int_equal(view_ticket(sql, rules, ticket, ROLE_DISPATCHER, now_ms, &out), ERR_OK);
    assert_int_equal(json_parse(arena, out.bytes, out.size, &root, NULL), ERR_OK);
    at = root;
    if (kind) {
        at = json_first(json_field(root, "clocks"));
        while (at && strcmp(json_text_or(at, "kind", ""), kind) != 0) {
            at = json_next(at);
        }
    }
    snprintf(words, sizeof(words), "%s", json_text_or(at, field, "none"));
    arena_close(arena);
    json_out_free(&out);
    return words;
}

static int64_t notices(const char *step)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND instr(key, ?1) > 0", "t",
                        step);
}

static int64_t lines(const char *action)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket_event WHERE action = ?1", "t", action);
}

/* ------------------------------------------------------------------ clocks */

static void test_warning_and_breach_once(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    assert_string_equal(shown(ticket, "response", "due_at"), "2026-11-24T10:30:00+08:00");
    pass(22 * MINUTE);
    assert_int_equal(notices(":warn.response"), 0);
    pass(MINUTE);
    assert_int_equal(notices(":warn.response"), 1);
    pass(8 * MINUTE);
    assert_int_equal(notices(":breach.response"), 1);
    pass(2 * HOUR);
    assert_int_equal(notices(":warn.response"), 1);
    assert_int_equal(notices(":breach.response"), 1);
    assert_string_equal(shown(ticket, "response", "state"), "breached");
    assert_string_equal(shown(ticket, "response", "breached_at"), "2026-11-24T10:30:00+08:00");
    end();
}

static void test_downtime_breaches_once(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    now_ms += 20 * DAY; /* nobody looked */
    for (int i = 0; i < 5; i++) {
        (void)look();
        now_ms += MINUTE;
    }
    assert_int_equal(notices(":breach.response"), 1);
    assert_int_equal(notices(":breach.onsite_l1"), 1);
    assert_int_equal(notices(":breach.repair"), 1);
    assert_int_equal(notices(":warn.response"), 0);
    assert_int_equal(lines("breach"), notices(":breach."));
    /* 3 working days from Tuesday with Thursday off: Wednesday, Friday, Monday */
    assert_string_equal(shown(ticket, "repair", "due_at"), "2026-11-30T17:30:00+08:00");
    end();
}

static void test_pause_moves_the_due_time(void **state)
{
    int64_t ticket, began;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    began = now_ms;
    pass(10 * MINUTE);
    assert_int_equal(act(ticket, "pause", "p1", now_ms, "{\"reason\":\"customer_absent\"}"), ERR_OK);
    assert_int_equal(act(ticket, "pause", "p2", now_ms, "{\"reason\":\"customer_absent\"}"), ERR_STATE);
    pass(5 * HOUR);
    assert_string_equal(shown(ticket, "response", "state"), "paused");
    assert_int_equal(notices(":breach.response"), 0);
    assert_int_equal(act(ticket, "resume", "r0", began, "{}"), ERR_FORMAT); /* before the pause */
    assert_int_equal(act(ticket, "resume", "r1", now_ms, "{}"), ERR_OK);
    assert_string_equal(shown(ticket, "response", "due_at"), "2026-11-24T15:30:00+08:00");
    pass(19 * MINUTE);
    assert_int_equal(notices(":breach.response"), 0);
    pass(2 * MINUTE);
    assert_int_equal(notices(":breach.response"), 1);
    end();
}

/* F-24 S1-41 S0-130: the same fault within 30 days after closing is one grade more severe; later it is only
 * linked. */
static void test_the_same_fault_again_is_worse(void **state)
{
    int64_t first, second, third;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 3);
    first = only_ticket();
    fault(FAULT_CLEARED, 3);
    pass(HOUR);
    assert_int_equal(act(first, "feedback", "f", 0, "{}"), ERR_OK);
    assert_int_equal(act(first, "close", "c", 0, "{\"resolution\":\"cleaned\"}"), ERR_OK);
    pass(48 * HOUR);
    fault(FAULT_RAISED, 3);
    second = sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket", "");
    assert_true(second > first);
    assert_int_equal(sql_find_int(sql, 0, "SELECT earlier FROM ticket WHERE id = ?1", "i", second), first);
    assert_int_equal(sql_find_int(sql, 0, "SELECT rework FROM ticket WHERE id = ?1", "i", second), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", second), 2);
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM ticket_class WHERE ticket = ?1 AND ((field = 'competence' AND"
                                  " value = 'non_routine') OR (field = 'complexity' AND value = 'complex'))",
                                  "i", second),
                     2);
    fault(FAULT_REGRADED, 2); /* telemetry's grade counts as one more severe as well */
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", second), 1);
    fault(FAULT_CLEARED, 2);
    pass(HOUR);
    assert_int_equal(act(second, "feedback", "f", 0, "{}"), ERR_OK);
    assert_int_equal(act(second, "close", "c", 0, "{\"resolution\":\"replaced\"}"), ERR_OK);
    pass(40 * 24 * HOUR);
    fault(FAULT_RAISED, 3);
    third = sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket", "");
    assert_true(third > second);
    assert_int_equal(sql_find_int(sql, 0, "SELECT earlier FROM ticket WHERE id = ?1", "i", third), second);
    assert_int_equal(sql_find_int(sql, 0, "SELECT rework FROM ticket WHERE id = ?1", "i", third), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", third), 3);
    end();
}

/* S0-119: what happens in a guard period is an emergency. */
static void test_a_guard_period_makes_urgent(void **state)
{
    struct window_new window = {.kind = "guard", .reason = "examination week; Wang stands by", .who = "ann"};
    int64_t id;
    TEXT(why, 200);

    (void)state;
    begin("swh_standard");
    window.from_ms = now_ms - HOUR;
    window.to_ms = now_ms + HOUR;
    window.equipment = sql_find_int(sql, 0, "SELECT id FROM equipment ORDER BY id LIMIT 1", "");
    assert_int_equal(window_create(sql, &window, now_ms, &id, &why), ERR_OK);
    fault(FAULT_RAISED, 3);
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM ticket_class WHERE field = 'urgency' AND value = 'emergency' AND"
                                  " reason LIKE '%guard%'",
                                  ""),
                     1);
    assert_int_equal(lines("guard"), 1);
    end();
}

/* S0-113 S0-104: up at once, down after the hold; back up within it: never down. Late is the same. */
static void test_a_grade_falls_late(void **state)
{
    int64_t ticket;

    (void)state;
    begin("tiered_abc"); /* grade_fall: 30m */
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    fault(FAULT_REGRADED, 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 1);
    fault(FAULT_REGRADED, 3);
    pass(10 * MINUTE);
    fault(FAULT_REGRADED, 1); /* it was nothing */
    pass(40 * MINUTE);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 1);
    fault(FAULT_REGRADED, 3);
    pass(29 * MINUTE);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 1);
    pass(5 * HOUR); /* the server was down: it looks late */
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 3);
    assert_int_equal(act(ticket, "regrade", "p", 0, "{\"grade\":2,\"reason\":\"a person's word\"}"), ERR_OK);
    fault(FAULT_REGRADED, 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 1); /* worse is the machine's to say */
    end();
}

static void test_regrade_moves_the_targets(void **state)
{
    int64_t ticket;

    (void)state;
    begin("tiered_abc"); /* level B: response 30 min in grade 2, 10 min in grade 1, 2 h in grade 3 */
    fault(FAULT_RAISED, 3);
    ticket = only_ticket();
    assert_string_equal(shown(ticket, "response", "due_at"), "2026-11-24T12:00:00+08:00");
    pass(5 * MINUTE);
    fault(FAULT_REGRADED, 1);
    assert_string_equal(shown(ticket, "response", "due_at"), "2026-11-24T10:10:00+08:00");
    fault(FAULT_REGRADED, 2); /* milder only when that has lasted: grade_fall of the plan */
    assert_string_equal(shown(ticket, "response", "due_at"), "2026-11-24T10:10:00+08:00");
    assert_int_equal(act(ticket, "regrade", "g0", 0, "{\"grade\":2,\"reason\":\"half of them\"}"), ERR_OK);
    assert_string_equal(shown(ticket, "response", "due_at"), "2026-11-24T10:30:00+08:00");
    assert_int_equal(act(ticket, "regrade", "g1", 0, "{\"grade\":3,\"reason\":\"not so bad\"}"), ERR_OK);
    assert_int_equal(act(ticket, "regrade", "g1", 0, "{\"grade\":1,\"reason\":\"again\"}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 3);
    assert_int_equal(lines("regrade"), 3);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket_event WHERE action_id = 'g1'", ""), 1);
    assert_int_equal(act(ticket, "respond", "r", 0, "{}"), ERR_OK);
    assert_string_equal(shown(ticket, "response", "state"), "met");
    fault(FAULT_REGRADED, 1); /* what was met stays as it was promised then */
    assert_string_equal(shown(ticket, "response", "due_at"), "2026-11-24T12:00:00+08:00");
    end();
}

/* ------------------------------------------------------------------ clearing */

static void test_hold_proves_and_relapse_takes_back(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    fault(FAULT_CLEARED, 2);
    assert_string_equal(shown(ticket, NULL, "cleared_at"), "2026-11-24T10:10:00+08:00");
    assert_string_equal(shown(ticket, NULL, "state"), "registered");
    pass(29 * MINUTE);
    fault(FAULT_RAISED, 2); /* within the hold time: the same ticket goes on */
    assert_int_equal(only_ticket(), ticket);
    assert_string_equal(shown(ticket, NULL, "cleared_at"), "none");
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    assert_string_equal(shown(ticket, NULL, "state"), "cleared");
    assert_string_equal(shown(ticket, "repair", "state"), "met");
    assert_string_equal(shown(ticket, "onsite_l1", "state"), "cancelled");
    assert_string_equal(shown(ticket, "response", "state"), "breached");
    fault(FAULT_RAISED, 1); /* later, but before anybody closed it */
    assert_int_equal(only_ticket(), ticket);
    assert_string_equal(shown(ticket, NULL, "state"), "acknowledged");
    assert_string_equal(shown(ticket, "repair", "state"), "running");
    assert_string_equal(shown(ticket, "onsite_l1", "state"), "running");
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 1);
    end();
}

static void test_silence_proves_nothing(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    heard();
    fault(FAULT_CLEARED, 2);
    for (int i = 0; i < 120; i++) {
        now_ms += MINUTE; /* nothing is heard */
        (void)look();
    }
    assert_string_equal(shown(ticket, NULL, "state"), "registered");
    heard();
    now_ms += 2 * MINUTE;
    (void)look();
    assert_string_equal(shown(ticket, NULL, "state"), "cleared");
    end();
}

static void test_untouched_tickets_close_by_themselves(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    fault(FAULT_CLEARED, 2);
    pass(6 * DAY);
    assert_string_equal(shown(ticket, NULL, "state"), "cleared");
    pass(DAY + HOUR);
    assert_string_equal(shown(ticket, NULL, "state"), "closed");
    fault(FAULT_RAISED, 2); /* a new occurrence is a new ticket now */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket", ""), 2);
    end();
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    assert_int_equal(act(ticket, "acknowledge", "a", 0, "{}"), ERR_OK);
    fault(FAULT_CLEARED, 2);
    pass(20 * DAY);
    assert_string_equal(shown(ticket, NULL, "state"), "cleared"); /* somebody has it in hand */
    end();
}

/* S0-105, F-03: a listed service that is interrupted for ten minutes is grade 1, once told, by plan data. */
static void test_an_outage_becomes_grade_1(void **state)
{
    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    pass(5 * MINUTE);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 2);
    pass(6 * MINUTE);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 1);
    assert_int_equal(lines("regrade"), 1);
    assert_int_equal(notices(":breach.outage"), 0); /* the grade is what is told */
    pass(HOUR);
    assert_int_equal(lines("regrade"), 1);
    end();
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    pass(5 * MINUTE);
    fault(FAULT_CLEARED, 2); /* the service is back in time */
    pass(5 * HOUR);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket", ""), 2);
    end();
}

/* Said before it is too late, once, with reasons; gone when the clock is met. */
static void test_a_miss_is_foreseen(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(HOUR);
    assert_int_equal(notices(":forecast.onsite_l1"), 0); /* the way takes one hour of the three that are left */
    pass(2 * HOUR + 5 * 60000);
    assert_int_equal(notices(":forecast.onsite_l1"), 1);
    assert_int_equal(notices(":breach.onsite_l1"), 0);
    pass(30 * 60000);
    assert_int_equal(notices(":forecast.onsite_l1"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT forecast_late FROM clock WHERE ticket = ?1 AND kind = 'onsite_l1'", "i", ticket), 1);
    assert_int_equal(sql_find_int(sql, 1, "SELECT forecast_late FROM clock WHERE ticket = ?1 AND kind = 'onsite_crew'", "i", ticket), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE ticket = ?1 AND forecast LIKE '%\"travel\"%'", "i", ticket) > 0, 1);
    end();
}

static void test_close_freezes_and_reopen_is_fair(void **state)
{
    int64_t ticket;
    char before[100];

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(2 * HOUR); /* the response is missed */
    fault(FAULT_CLEARED, 2);
    assert_int_equal(act(ticket, "close", "c0", 0, "{}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "close", "c1", 0, "{\"resolution\":\"reset\"}"), ERR_OK);
    assert_string_equal(shown(ticket, "response", "state"), "breached");
    assert_string_equal(shown(ticket, "onsite_l1", "state"), "cancelled");
    assert_string_equal(shown(ticket, "repair", "state"), "met");
    snprintf(before, sizeof(before), "%s", shown(ticket, "repair", "due_at"));
    pass(3 * DAY);
    assert_string_equal(shown(ticket, "repair", "due_at"), before);
    assert_string_equal(shown(ticket, "response", "state"), "breached");
    assert_int_equal(lines("breach"), 1 + (notices(":breach.dispatch") > 0)); /* the response */
    assert_int_equal(act(ticket, "respond", "x", 0, "{}"), ERR_STATE);
    assert_int_equal(act(ticket, "reopen", "o1", 0, "{\"reason\":\"back again\"}"), ERR_OK);
    assert_string_equal(shown(ticket, NULL, "state"), "acknowledged");
    assert_string_equal(shown(ticket, "onsite_l1", "state"), "running"); /* 2 h of 4 are used */
    assert_string_equal(shown(ticket, "onsite_l1", "due_at"), "2026-11-27T14:00:00+08:00");
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM work_order WHERE ticket = ?1 AND state ="
                                  " 'proposed'",
                                  "i", ticket),
                     1);
    assert_int_equal(act(ticket, "close", "c2", 0, "{\"resolution\":\"done\"}"), ERR_OK);
    now_ms += 31 * DAY;
    assert_int_equal(act(ticket, "reopen", "o2", 0, "{\"reason\":\"late\"}"), ERR_STATE);
    end();
}

/* ------------------------------------------------------------------ work */

static void test_work_in_order(void **state)
{
    int64_t ticket, t;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(30 * MINUTE);
    t = now_ms;
    assert_int_equal(work("start", "w0", 0, "{}"), ERR_STATE);
    assert_int_equal(work("accept", "w1", t - 10 * MINUTE, "{}"), ERR_OK);
    assert_int_equal(work("depart", "w2", t - 20 * MINUTE, "{}"), ERR_FORMAT); /* before it was accepted */
    assert_int_equal(work("depart", "w2", t + HOUR, "{}"), ERR_FORMAT);        /* not yet */
    assert_int_equal(work("depart", "w2", t - 9 * MINUTE, "{}"), ERR_OK);
    assert_string_equal(shown(ticket, NULL, "state"), "en_route");
    assert_int_equal(work("arrive", "w3", t - 5 * MINUTE, "{}"), ERR_OK);
    assert_int_equal(work("arrive", "w3", t, "{}"), ERR_OK); /* sent again */
    assert_string_equal(shown(ticket, "onsite_l1", "met_at"), "2026-11-24T10:25:00+08:00");
    assert_int_equal(work("start", "w4", 0, "{}"), ERR_OK);
    assert_string_equal(shown(ticket, NULL, "state"), "repairing");
    assert_int_equal(work("sign", "w5", 0, "{\"name\":\"Li\"}"), ERR_OK);
    assert_int_equal(work("finish", "w6", 0, "{}"), ERR_OK);
    assert_int_equal(work("cancel", "w7", 0, "{}"), ERR_STATE);
    /* it was not that: one more order for the same ticket */
    assert_string_equal(shown(ticket, NULL, "state"), "testing");
    assert_int_equal(act(ticket, "close", "c", 0, "{\"resolution\":\"pump\"}"), ERR_OK);
    assert_int_equal(act(ticket, "reopen", "o", 0, "{\"reason\":\"no\"}"), ERR_OK);
    assert_int_equal(act(ticket, "dispatch", "d2", 0, "{\"team\":\"t\"}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE ticket = ?1", "i", ticket), 2);
    assert_int_equal(work("cancel", "v1", 0, "{}"), ERR_OK);
    assert_int_equal(act(ticket, "assign", "d3", 0, "{\"technician\":\"h\"}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM work_order WHERE ticket = ?1 AND state ="
                                  " 'assigned'",
                                  "i", ticket),
                     1);
    end();
}

/* ------------------------------------------------------------------ visits */

static int64_t visits(const char *name, int32_t from, int32_t to, const char *condition)
{
    return sql_find_int(sql, -1,
                        "SELECT COUNT(*) FROM visit v JOIN equipment e ON e.id = v.equipment WHERE e.name ="
                        " ?1 AND v.due_day BETWEEN ?2 AND ?3 AND (?4 = '' OR v.state = ?4)",
                        "tiit", name, (int64_t)from, (int64_t)to, condition);
}

static void test_visits_are_never_lost_or_doubled(void **state)
{
    static const char *const names[] = {"e", "f"};
    int32_t today;

    (void)state;
    begin("swh_standard");
    today = (int32_t)(now_ms / DAY);
    for (int i = 0; i < 2; i++) {
        for (int32_t day = today; day <= today + 450 - 364; day++) {
            assert_int_equal(visits(names[i], day, day + 364, ""), 2);
        }
    }
    now_ms += 400 * DAY; /* months of downtime */
    (void)look();
    now_ms -= 380 * DAY; /* and a clock that was set back */
    desk_close(desk);
    {
        struct office_options options = {.rules = rules, .time_zone = "UTC", .preset_plan = "swh_standard"};

        assert_int_equal(desk_open(&options, &desk), ERR_OK);
    }
    (void)look();
    now_ms += 1500 * DAY;
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
    for (int i = 0; i < 2; i++) {
        for (int32_t day = today; day <= today + 1500 + 100; day++) {
            assert_int_equal(visits(names[i], day, civil_add_months(day, 12) - 1, ""), 2);
        }
    }
    assert_int_equal(sql_find_int(sql, -1,
                                  "SELECT COUNT(*) FROM visit a JOIN visit b ON a.equipment = b.equipment AND"
                                  " b.sequence = a.sequence + 1 WHERE b.window_start_day <="
                                  " a.window_end_day OR b.due_day <= a.due_day",
                                  ""),
                     0);
    assert_int_equal(sql_find_int(sql, -1,
                                  "SELECT MAX(sequence) - MIN(sequence) + 1 - COUNT(*) FROM visit GROUP BY"
                                  " equipment ORDER BY 1 DESC LIMIT 1",
                                  ""),
                     0);
    end();
}

static void test_visits_end_with_the_contract(void **state)
{
    int32_t today;
    int64_t all, left;

    (void)state;
    begin("swh_standard");
    today = (int32_t)(now_ms / DAY);
    all = visits("e", today, today + 10000, "planned");
    import("swh_standard", "2027-06-30");
    left = visits("e", today, today + 10000, "planned");
    assert_true(left < all && left > 0);
    assert_int_equal(visits("e", civil_days(2027, 7, 1), today + 10000, "planned"), 0);
    assert_int_equal(visits("e", today, today + 10000, ""), all); /* called off, not gone */
    import("swh_standard", "2099-01-01");
    assert_int_equal(visits("e", today, today + 10000, "planned"), all);
    end();
}

static void test_a_visit_becomes_an_order(void **state)
{
    int64_t order, visit, sequence;
    struct action action = {.action = "cancel", .action_id = "k", .who = "ann", .role = ROLE_DISPATCHER};
    struct arena *arena;
    TEXT(why, 300);

    (void)state;
    begin("swh_standard");
    pass(200 * DAY);
    visit = sql_find_int(sql, 0, "SELECT id FROM visit WHERE state = 'released' ORDER BY due_day LIMIT 1", "");
    assert_true(visit > 0);
    order = sql_find_int(sql, 0, "SELECT id FROM work_order WHERE visit = ?1 AND kind = 'preventive'", "i", visit);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE visit = ?1", "i", visit), 1);
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, "{}", 2, &action.body, NULL), ERR_OK);
    assert_int_equal(desk_work_action(desk, sql, order, &action, now_ms, &why), ERR_FORMAT);
    action.note = "the owner is away";
    sequence = sql_find_int(sql, 0, "SELECT calendar_sequence FROM visit WHERE id = ?1", "i", visit);
    assert_int_equal(desk_work_action(desk, sql, order, &action, now_ms, &why), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT state = 'skipped' AND calendar_sequence > ?2 FROM visit WHERE id = ?1",
                                  "ii", visit, sequence),
                     1);
    pass(DAY);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE visit = ?1", "i", visit), 1);
    arena_close(arena);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_for_people_has_a_doer),
        cmocka_unit_test(test_warning_and_breach_once),
        cmocka_unit_test(test_downtime_breaches_once),
        cmocka_unit_test(test_pause_moves_the_due_time),
        cmocka_unit_test(test_the_same_fault_again_is_worse),
        cmocka_unit_test(test_a_grade_falls_late),
        cmocka_unit_test(test_a_guard_period_makes_urgent),
        cmocka_unit_test(test_regrade_moves_the_targets),
        cmocka_unit_test(test_hold_proves_and_relapse_takes_back),
        cmocka_unit_test(test_silence_proves_nothing),
        cmocka_unit_test(test_untouched_tickets_close_by_themselves),
        cmocka_unit_test(test_an_outage_becomes_grade_1),
        cmocka_unit_test(test_a_miss_is_foreseen),
        cmocka_unit_test(test_close_freezes_and_reopen_is_fair),
        cmocka_unit_test(test_work_in_order),
        cmocka_unit_test(test_visits_are_never_lost_or_doubled),
        cmocka_unit_test(test_visits_end_with_the_contract),
        cmocka_unit_test(test_a_visit_becomes_an_order),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-desk-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules)) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
