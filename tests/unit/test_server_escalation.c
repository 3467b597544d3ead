/* What does not go on, under a clock that the test turns: who is told when, once, and never before its alarm is. */
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

static const char people[] =
    "calendars: [{id: k, time_zone: Asia/Shanghai}]\n"
    "teams:\n"
    "  - {id: l1, name: Local, tier: 1, up: l2, lead: ann, skills: [electrician], calendar: k}\n"
    "  - {id: l2, name: Office, tier: 2, skills: [electrician], calendar: k}\n"
    "  - {id: l3, name: Head office, tier: 3, skills: [electrician], calendar: k}\n"
    "technicians:\n"
    "  - {id: ann, name: Ann, team: l1}\n"
    "  - {id: cem, name: Cem, team: l1}\n"
    "  - {id: dan, name: Dan, team: l2}\n"
    "  - {id: boss, name: Boss, roles: [leadership]}\n"
    "  - {id: sue, name: Sue, roles: [supervisor]}\n"
    "rosters: [{id: duty, time_zone: Asia/Shanghai, members: [ann, cem, dan], rotation: 1d, first_day: '2026-11-24'}]\n";

static void say_line(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void begin(int heaters)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};
    char *memory = malloc(1 << 20);
    struct complaints complaints = {.path = "fleet"};
    struct text fleet;
    struct yaml_node *root;
    struct arena *arena;
    int64_t changed;
    TEXT(why, 300);

    assert_non_null(memory);
    scratch_remove(path);
    now_ms = civil_days(2026, 11, 24) * DAY + 2 * HOUR;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    fleet = text_on(memory, 1 << 20);
    text_add(&fleet, people);
    text_add(&fleet, "sites:\n");
    for (int i = 0; i < heaters; i++) {
        text_addf(&fleet, "  - {id: s%d, area: area-%d, position: east, calendar: k}\n", i, i / 50);
    }
    text_add(&fleet, "equipment:\n");
    for (int i = 0; i < heaters; i++) {
        text_addf(&fleet, "  - {id: e%d, site: s%d, profile: swh-basic, agent: a%d}\n", i, i, i);
    }
    assert_int_equal(arena_open(16 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    assert_int_equal(fleet_check(arena, sql, rules, fleet.at, fleet.length, &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    arena_close(arena);
    free(memory);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

static int64_t count(const char *statement)
{
    return sql_find_int(sql, -1, statement, "");
}

static void pass(int64_t ms)
{
    int64_t until_ms = now_ms + ms, next_ms;

    for (;;) {
        assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1", "i", now_ms), ERR_OK);
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        if (now_ms >= until_ms) {
            return;
        }
        now_ms = next_ms > until_ms ? until_ms : next_ms > now_ms ? next_ms : now_ms + 1;
    }
}

static int64_t equipment(int number)
{
    char name[16];

    snprintf(name, sizeof(name), "e%d", number);
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name);
}

static void fault(int heater, enum fault_state state, int grade, int64_t stood_ms)
{
    struct desk_fault what = {.equipment = equipment(heater), .fault = "pump_no_flow", .state = state, .grade = grade,
                              .onset_ms = now_ms - stood_ms, .detected_ms = now_ms, .cleared_ms = now_ms, .t_ms = now_ms};

    assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
}

static int64_t last_ticket(void)
{
    return count("SELECT MAX(id) FROM ticket WHERE kind = 'fault'");
}

/* body: JSON of the action's fields, or NULL. */
static enum err act(int64_t ticket, const char *name, const char *body)
{
    struct action action = {.action = name, .who = "ann", .role = ROLE_MANAGER};
    struct arena *arena;
    enum err err;
    TEXT(why, 600);

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    if (body) {
        assert_int_equal(json_parse(arena, body, strlen(body), &action.body, NULL), ERR_OK);
    }
    err = desk_ticket_action(desk, sql, ticket, &action, now_ms, &why);
    if (err && err != ERR_STATE && err != ERR_FORMAT) {
        fail_msg("%s: %s %s", name, err_text(err), why.at);
    }
    arena_close(arena);
    return err;
}

static int64_t steps(int64_t ticket, const char *condition)
{
    return sql_find_int(sql, -1,
                        "SELECT COUNT(*) FROM escalation_event v JOIN escalation e ON e.id = v.escalation WHERE v.kind = 'step'"
                        " AND e.ticket = ?1 AND e.condition = ?2",
                        "it", ticket, condition);
}

static int64_t notices(int64_t ticket, const char *condition)
{
    return sql_find_int(sql, -1,
                        "SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND instr(key, 'escalation:') = 1 AND ticket = ?1 AND"
                        " instr(body, ?2) > 0",
                        "it", ticket, condition);
}

/* The n-th step of a condition was told to somebody of that name. */
static bool told(int64_t ticket, const char *condition, int number, const char *whom)
{
    char words[80];

    snprintf(words, sizeof(words), "\"technician\":\"%s\"", whom);
    return sql_find_int(sql, 0,
                        "SELECT instr(v.data, ?4) > 0 FROM escalation_event v JOIN escalation e ON e.id = v.escalation WHERE"
                        " v.kind = 'step' AND e.ticket = ?1 AND e.condition = ?2 ORDER BY v.id LIMIT 1 OFFSET ?3",
                        "itit", ticket, condition, (int64_t)number, words) == 1;
}

/* ------------------------------------------------------------------ supervision */

static int64_t checks(int64_t ticket, const char *part)
{
    return sql_find_int(sql, -1,
                        "SELECT COUNT(*) FROM ticket_event WHERE ticket = ?1 AND action = 'check' AND who = 'heliograph' AND"
                        " instr(data, ?2) > 0",
                        "it", ticket, part);
}

/* S0-147: the check comes by itself, two hours after forwarding, and finds it in order. */
static void a_check_that_finds_it_in_order(void **state)
{
    int64_t ticket, sent_ms;

    (void)state;
    begin(1);
    fault(0, FAULT_RAISED, 3, MINUTE);
    ticket = last_ticket();
    pass(10 * MINUTE);
    sent_ms = now_ms;
    assert_int_equal(act(ticket, "dispatch", "{\"team\": \"l1\"}"), ERR_OK);
    pass(HOUR);
    assert_int_equal(act(ticket, "assign",
                         "{\"technician\": \"ann\", \"override\": {\"reason\": \"test\"}, \"appointment\": {\"from\":"
                         " \"2026-11-24T06:00:00Z\", \"to\": \"2026-11-24T08:00:00Z\"}}"), ERR_OK);
    assert_int_equal(act(ticket, "contact", NULL), ERR_OK);
    pass(HOUR - 1);
    assert_int_equal(checks(ticket, ""), 0);
    pass(1000);
    assert_int_equal(checks(ticket, "\"result\":\"ok\""), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT at_ms FROM ticket_event WHERE ticket = ?1 AND action = 'check'", "i", ticket),
                     sent_ms + 2 * HOUR);
    pass(4 * HOUR);
    assert_int_equal(checks(ticket, ""), 1);
    assert_int_equal(steps(ticket, "not_implemented"), 0);
    end();
}

/* S0-147, S0-148: nothing was done; leadership is told with the facts, again until somebody decides. */
static void a_check_that_finds_nothing_done(void **state)
{
    int64_t ticket;

    (void)state;
    begin(1);
    fault(0, FAULT_RAISED, 3, MINUTE);
    ticket = last_ticket();
    pass(MINUTE);
    assert_int_equal(act(ticket, "dispatch", "{\"team\": \"l1\"}"), ERR_OK);
    pass(2 * HOUR + 1000);
    assert_int_equal(checks(ticket, "\"result\":\"not_implemented\",\"arrangement\":false,\"contact\":false"), 1);
    assert_int_equal(steps(ticket, "not_implemented"), 1);
    assert_true(told(ticket, "not_implemented", 0, "boss") && told(ticket, "not_implemented", 0, "sue"));
    assert_int_equal(notices(ticket, "\"condition\":\"not_implemented\""), 1);
    pass(4 * HOUR);
    assert_int_equal(steps(ticket, "not_implemented"), 2); /* repeated */
    { /* taken notice of: held for four hours, then again */
        struct action seen = {.action = "acknowledge", .who = "boss", .role = ROLE_MANAGER};
        int64_t escalation = sql_find_int(sql, 0, "SELECT id FROM escalation WHERE ticket = ?1 AND condition = 'not_implemented'",
                                          "i", ticket);
        TEXT(why, 300);

        assert_int_equal(desk_escalation_action(desk, sql, escalation, &seen, now_ms, &why), ERR_OK);
    }
    pass(5 * HOUR);
    assert_int_equal(steps(ticket, "not_implemented"), 2);
    pass(3 * HOUR);
    assert_int_equal(steps(ticket, "not_implemented"), 3);
    assert_int_equal(act(ticket, "decide", "{\"decision\": \"the office goes\"}"), ERR_OK);
    pass(DAY);
    assert_int_equal(steps(ticket, "not_implemented"), 3);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM escalation WHERE ticket = ?1 AND condition = 'not_implemented'"
                                          " AND outcome = 'decided'", "i", ticket), 1);
    end();
}

/* The check says what stood when it was due, also when the server was down then. */
static void a_late_check_judges_its_instant(void **state)
{
    int64_t ticket, due_ms;

    (void)state;
    begin(1);
    fault(0, FAULT_RAISED, 3, MINUTE);
    ticket = last_ticket();
    pass(MINUTE);
    due_ms = now_ms + 2 * HOUR;
    assert_int_equal(act(ticket, "dispatch", "{\"team\": \"l1\"}"), ERR_OK);
    now_ms += 5 * HOUR; /* down; the first thing then is the word that was due long before */
    assert_int_equal(act(ticket, "assign",
                         "{\"technician\": \"ann\", \"override\": {\"reason\": \"test\"}, \"appointment\": {\"from\":"
                         " \"2026-11-24T10:00:00Z\", \"to\": \"2026-11-24T12:00:00Z\"}}"), ERR_OK);
    pass(MINUTE);
    assert_int_equal(checks(ticket, "not_implemented"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT at_ms FROM ticket_event WHERE ticket = ?1 AND action = 'check'", "i", ticket),
                     due_ms);
    assert_int_equal(steps(ticket, "not_implemented"), 1); /* one, not one for every repeat that was missed */
    end();
}

/* ------------------------------------------------------------------ steps */

/* S0-145: leadership, dispatch and who is on call, at once. S0-110: unanswered, then the next on the roster. */
static void an_emergency_at_once_and_the_next_on_the_roster(void **state)
{
    int64_t ticket;

    (void)state;
    begin(1);
    fault(0, FAULT_RAISED, 1, MINUTE);
    ticket = last_ticket();
    pass(1);
    assert_int_equal(notices(ticket, "\"condition\":\"emergency\""), 1);
    assert_true(told(ticket, "emergency", 0, "boss") && told(ticket, "emergency", 0, "ann"));
    pass(16 * MINUTE);
    assert_true(told(ticket, "unacknowledged", 0, "ann"));
    assert_int_equal(steps(ticket, "unacknowledged"), 1);
    pass(10 * MINUTE);
    assert_true(told(ticket, "unacknowledged", 1, "cem") && !told(ticket, "unacknowledged", 1, "ann"));
    pass(10 * MINUTE);
    assert_true(told(ticket, "unacknowledged", 2, "dan"));
    assert_int_equal(act(ticket, "acknowledge", NULL), ERR_OK);
    pass(DAY);
    assert_int_equal(steps(ticket, "unacknowledged"), 3);
    assert_int_equal(steps(ticket, "emergency"), 1); /* nothing twice */
    assert_int_equal(notices(ticket, "\"condition\":\"emergency\""), 1);
    fault(0, FAULT_CLEARED, 1, 0);
    pass(MINUTE);
    fault(0, FAULT_RAISED, 1, MINUTE); /* and when it comes back, again */
    pass(MINUTE);
    assert_int_equal(steps(ticket, "emergency"), 2);
    end();
}

/* S0-50: twelve hours; the next tier is asked and people are told. */
static void the_crew_limit_goes_up_a_tier(void **state)
{
    int64_t ticket;

    (void)state;
    begin(1);
    fault(0, FAULT_RAISED, 3, MINUTE);
    ticket = last_ticket();
    pass(MINUTE);
    assert_int_equal(act(ticket, "dispatch", "{\"team\": \"l1\"}"), ERR_OK);
    pass(12 * HOUR - 2 * MINUTE);
    assert_int_equal(steps(ticket, "not_cleared"), 0);
    pass(2 * MINUTE);
    assert_int_equal(steps(ticket, "not_cleared"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM assignment a JOIN team t ON t.id = a.team WHERE a.ticket = ?1 AND"
                                          " t.name = 'l2' AND a.owned_ms IS NULL AND a.ended_ms IS NULL", "i", ticket), 1);
    pass(2 * HOUR);
    assert_int_equal(steps(ticket, "not_cleared"), 2);
    assert_true(told(ticket, "not_cleared", 1, "boss"));
    end();
}

/* The server was down for a week: a step each, of the repeats one, and nothing twice afterwards. */
static void late_turns_take_each_step_once(void **state)
{
    int64_t ticket, before;

    (void)state;
    begin(1);
    fault(0, FAULT_RAISED, 1, MINUTE);
    ticket = last_ticket();
    pass(1);
    now_ms += 7 * DAY;
    pass(MINUTE);
    assert_int_equal(steps(ticket, "emergency"), 1);
    assert_int_equal(steps(ticket, "unacknowledged"), 3); /* on call, supervisor, leadership */
    assert_int_equal(steps(ticket, "not_dispatched"), 2);
    before = count("SELECT COUNT(*) FROM outbox WHERE instr(key, 'escalation:') = 1");
    for (int i = 0; i < 50; i++) {
        pass(1000);
    }
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE instr(key, 'escalation:') = 1"), before);
    end();
}

/* ------------------------------------------------------------------ with alarms */

/* What is kept from people owes nobody an answer; when it is told, its time begins. */
static void steps_wait_with_the_alarm(void **state)
{
    struct alarm_do shelve = {.action = ALARM_SHELVE, .who = "ann", .reason = "nuisance", .role = ROLE_MANAGER};
    int64_t ticket;
    TEXT(why, 300);

    (void)state;
    begin(1);
    fault(0, FAULT_RAISED, 1, MINUTE);
    fault(0, FAULT_CLEARED, 1, 0);
    ticket = last_ticket();
    pass(MINUTE);
    assert_int_equal(steps(ticket, "emergency"), 0); /* it came and went before anybody looked */
    shelve.until_ms = now_ms + 6 * HOUR;
    fault(0, FAULT_RAISED, 1, MINUTE);
    assert_int_equal(alarm_do(sql, rules_profile(rules, "swh-basic"), count("SELECT MAX(id) FROM alarm"), &shelve, now_ms, &why),
                     ERR_OK);
    pass(5 * HOUR);
    assert_int_equal(steps(ticket, "emergency") + steps(ticket, "unacknowledged") + steps(ticket, "breached"), 0);
    pass(2 * HOUR);
    assert_int_equal(steps(ticket, "emergency"), 1);
    assert_true(steps(ticket, "unacknowledged") >= 1);
    end();
}

/* An alarm behind a lost link is told when the link is back, and only then escalated. */
static void steps_wait_for_the_link(void **state)
{
    int64_t ticket, agent;

    (void)state;
    begin(1);
    agent = count("SELECT id FROM agent");
    fault(0, FAULT_RAISED, 2, 0); /* not told yet: it may be fleeting */
    ticket = last_ticket();
    assert_int_equal(desk_link_lost(desk, sql, agent, now_ms, now_ms), ERR_OK);
    pass(6 * HOUR);
    assert_int_equal(steps(ticket, "unacknowledged"), 0);
    assert_int_equal(desk_link_back(desk, sql, agent, now_ms), ERR_OK);
    pass(10 * MINUTE);
    assert_int_equal(steps(ticket, "unacknowledged"), 0); /* a quarter of an hour from when they were told */
    pass(10 * MINUTE);
    assert_int_equal(steps(ticket, "unacknowledged"), 1);
    end();
}

/* S0-145 in a storm: leadership hears of the flood once, not of each. */
static void a_storm_reaches_leadership_once(void **state)
{
    (void)state;
    begin(300);
    for (int i = 0; i < 300; i++) {
        fault(i, FAULT_RAISED, 1, MINUTE);
        if (i % 10 == 9) {
            pass(2000);
        }
    }
    pass(12 * MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM escalation WHERE condition = 'emergency' AND told_ms IS NOT NULL"), 300);
    assert_int_equal(count("SELECT COUNT(*) FROM flood"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND instr(key, ':up:') > 0"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND instr(key, ':up:') > 0 AND instr(body,"
                           " '\"technician\":\"boss\"') > 0"), 1);
    assert_in_range(count("SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND instr(key, 'escalation:') = 1"), 0, 8);
    assert_in_range(count("SELECT MAX(n) FROM (SELECT (SELECT COUNT(*) FROM outbox b WHERE instr(b.key, 'duty:') = 0 AND"
                          " b.created_ms > a.created_ms - 600000 AND b.created_ms <= a.created_ms) AS n FROM outbox a WHERE"
                          " instr(a.key, 'duty:') = 0) x"), 5, 10); /* all kinds together */
    end();
}

/* ------------------------------------------------------------------ one owner */

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % below;
}

static void one_each(int64_t ticket)
{
    assert_int_equal(sql_find_int(sql, -1, "SELECT COUNT(*) FROM assignment WHERE ticket = ?1 AND owned_ms IS NOT NULL AND ended_ms"
                                           " IS NULL", "i", ticket), 1);
    assert_true(sql_find_int(sql, -1, "SELECT COUNT(*) FROM assignment WHERE ticket = ?1 AND owned_ms IS NULL AND ended_ms IS NULL",
                             "i", ticket) <= 1);
    /* spans of owning meet: no moment with two owners, none without one */
    assert_int_equal(sql_find_int(sql, -1,
                                  "SELECT COUNT(*) FROM assignment a JOIN assignment b ON b.ticket = a.ticket AND b.id > a.id WHERE"
                                  " a.ticket = ?1 AND a.owned_ms IS NOT NULL AND b.owned_ms IS NOT NULL AND (a.ended_ms IS NULL"
                                  " OR a.ended_ms > b.owned_ms) AND (b.ended_ms IS NULL OR b.ended_ms > a.owned_ms)",
                                  "i", ticket), 0);
    assert_int_equal(sql_find_int(sql, -1,
                                  "SELECT COUNT(*) FROM assignment a WHERE a.ticket = ?1 AND a.owned_ms IS NOT NULL AND a.ended_ms"
                                  " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM assignment b WHERE b.ticket = a.ticket AND b.owned_ms"
                                  " = a.ended_ms)",
                                  "i", ticket), 0);
}

/* S0-113, S0-141: whatever people do in whatever order, there is one owner at every moment. */
static void there_is_one_owner(void **state)
{
    static const struct {
        const char *action, *body;
    } moves[] = {
        {"dispatch", "{\"team\": \"l1\"}"},
        {"dispatch", "{\"team\": \"l2\"}"},
        {"assign", "{\"technician\": \"ann\", \"override\": {\"reason\": \"test\"}}"},
        {"assign", "{\"technician\": \"dan\", \"override\": {\"reason\": \"test\"}}"},
        {"handover", "{\"team\": \"l3\"}"},
        {"handover", "{\"technician\": \"cem\"}"},
        {"accept_handover", NULL},
        {"refuse_handover", "{\"reason\": \"no_capacity\"}"},
        {"refuse_handover", "{\"reason\": \"other\", \"text\": \"the road is closed\"}"},
        {"acknowledge", NULL},
        {"respond", NULL},
        {"escalate", "{\"reason\": \"it takes too long\"}"},
        {"decide", "{\"decision\": \"go on\"}"},
        {"check", "{\"result\": \"not_implemented\"}"},
    };
    int64_t done = 0;

    (void)state;
    begin(12);
    for (int heater = 0; heater < 12; heater++) {
        int64_t ticket;

        seed = 7U + (uint32_t)heater;
        fault(heater, FAULT_RAISED, 3, MINUTE);
        ticket = last_ticket();
        pass(1);
        one_each(ticket);
        for (int i = 0; i < 25; i++) {
            uint32_t move = draw((uint32_t)(sizeof(moves) / sizeof(moves[0])));

            done += act(ticket, moves[move].action, moves[move].body) == ERR_OK;
            one_each(ticket);
            pass((1 + draw(90)) * MINUTE);
            one_each(ticket);
        }
        pass(DAY); /* out of the flood of the one before */
    }
    assert_true(done > 100);
    assert_int_equal(count("SELECT COUNT(*) FROM (SELECT 1 FROM escalation_event WHERE kind = 'step' GROUP BY escalation, step,"
                           " repetition HAVING COUNT(*) > 1) x"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM (SELECT 1 FROM outbox GROUP BY channel, target, key HAVING COUNT(*) > 1) x"), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_that_finds_it_in_order),
        cmocka_unit_test(a_check_that_finds_nothing_done),
        cmocka_unit_test(a_late_check_judges_its_instant),
        cmocka_unit_test(an_emergency_at_once_and_the_next_on_the_roster),
        cmocka_unit_test(the_crew_limit_goes_up_a_tier),
        cmocka_unit_test(late_turns_take_each_step_once),
        cmocka_unit_test(steps_wait_with_the_alarm),
        cmocka_unit_test(steps_wait_for_the_link),
        cmocka_unit_test(a_storm_reaches_leadership_once),
        cmocka_unit_test(there_is_one_owner),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-escalation-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", say_line, NULL, &rules)) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    return failed;
}
