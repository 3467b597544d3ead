/* The end of a ticket under a clock that the test turns: telemetry proves, the customer accepts, the cause is written down. */
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
#include "server/desk/desk.h"
#include "server/desk/rca.h"
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

static int64_t only_ticket(void)
{
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket", ""), 1);
    return sql_find_int(sql, 0, "SELECT id FROM ticket", "");
}

/* ERR_OK, or why not. said: further fields of the request. */
static enum role role_of_act = ROLE_DISPATCHER;
static const char *who_acts = "ann";
static char last_why[800];

static enum err act(int64_t ticket, const char *name, const char *id, int64_t at_ms, const char *said)
{
    struct action action = {.action = name, .action_id = id, .who = who_acts, .role = role_of_act, .at_ms = at_ms};
    struct arena *arena;
    struct text why = text_on(last_why, sizeof(last_why));
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


static int64_t notices(const char *step)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND instr(key, ?1) > 0", "t",
                        step);
}

static int64_t lines(const char *action)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket_event WHERE action = ?1", "t", action);
}

/* As another person in another role. */
static enum err act_as(const char *who, enum role role, int64_t ticket, const char *name, const char *id, const char *said)
{
    enum err err;

    who_acts = who;
    role_of_act = role;
    err = act(ticket, name, id, now_ms, said);
    who_acts = "ann";
    role_of_act = ROLE_DISPATCHER;
    return err;
}

static int64_t count(const char *outcome)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM repair WHERE COALESCE(outcome, 'waiting') = ?1", "t", outcome);
}

static bool has(int64_t ticket, const char *what, const char *value)
{
    struct sql_rows rows;
    bool same = false;

    (void)what;
    sql_find(sql, &rows, "SELECT state, proof FROM ticket WHERE id = ?1", "i", ticket);
    if (sql_next(&rows)) {
        same = text_same(sql_text(&rows, strcmp(what, "proof") == 0), value);
    }
    assert_int_equal(sql_end(&rows), ERR_OK);
    return same;
}

static int64_t clock_met(const char *kind)
{
    return sql_find_int(sql, -1, "SELECT met_ms FROM clock WHERE kind = ?1", "t", kind);
}

static void repair_visit(void)
{
    assert_int_equal(work("arrive", NULL, now_ms, "{}"), ERR_OK);
    assert_int_equal(work("start", NULL, now_ms, "{}"), ERR_OK);
    assert_int_equal(work("finish", NULL, now_ms, "{}"), ERR_OK);
}

/* ------------------------------------------------------------------ claims */

/* S1-32, S1-39, S0-127: "repaired" holds only when telemetry stays normal for the hold. */
static void test_a_repair_is_proved_by_telemetry(void **state)
{
    int64_t ticket, cleared_ms;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(HOUR);
    repair_visit();
    assert_true(has(ticket, "state", "testing"));
    assert_int_equal(count("waiting"), 1);
    pass(5 * MINUTE);
    cleared_ms = now_ms;
    fault(FAULT_CLEARED, 2);
    pass(20 * MINUTE);
    assert_true(has(ticket, "state", "testing"));
    assert_int_equal(count("waiting"), 1);
    pass(11 * MINUTE);
    assert_true(has(ticket, "state", "cleared"));
    assert_int_equal(count("proved"), 1);
    assert_int_equal(clock_met("repair"), cleared_ms); /* restored then, and not when the work was done */
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"new pump\"}"), ERR_OK);
    assert_true(has(ticket, "proof", "telemetry"));
    end();
}

/* The fault had gone before they came: the claim is proved by what telemetry shows after it, once. */
static void test_a_repair_after_the_fault_has_gone(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(HOUR);
    assert_int_equal(work("arrive", NULL, now_ms, "{}"), ERR_OK);
    assert_int_equal(work("start", NULL, now_ms, "{}"), ERR_OK);
    fault(FAULT_CLEARED, 2);
    pass(HOUR);
    assert_true(has(ticket, "state", "cleared"));
    assert_int_equal(work("finish", NULL, now_ms, "{}"), ERR_OK);
    assert_int_equal(count("waiting"), 1);
    pass(29 * MINUTE);
    assert_int_equal(count("waiting"), 1);
    pass(2 * MINUTE);
    assert_int_equal(count("proved"), 1);
    assert_true(has(ticket, "state", "cleared"));
    assert_int_equal(lines("restored"), 1);
    end();
}

/* The customer refuses a result after the fault had gone: the next repair is proved as well. */
static void test_a_second_repair_without_a_fault(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(HOUR);
    repair_visit();
    fault(FAULT_CLEARED, 2);
    pass(HOUR);
    assert_true(has(ticket, "state", "cleared"));
    assert_int_equal(work("refuse_result", "no", now_ms, "{\"name\":\"Li\",\"remarks\":\"it drips\"}"), ERR_OK);
    assert_true(has(ticket, "state", "repairing"));
    assert_int_equal(work("finish", NULL, now_ms, "{}"), ERR_OK);
    assert_true(has(ticket, "state", "testing"));
    pass(31 * MINUTE);
    assert_int_equal(count("proved"), 1);
    assert_true(has(ticket, "state", "cleared"));
    end();
}

/* A caller's ticket was repaired before telemetry knew of a fault: when it shows one, that repair was false, too. */
static void test_a_repair_that_telemetry_hears_of_later(void **state)
{
    struct action action = {.action = "report", .action_id = "r", .who = "clerk", .role = ROLE_DISPATCHER};
    static const char said[] = "{\"kind\":\"fault\",\"equipment\":\"e\"}";
    struct arena *arena;
    char number[32];
    bool merged;
    TEXT(why, 300);

    (void)state;
    begin("swh_standard");
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(desk_report(desk, sql, &action, now_ms, number, &merged, &why), ERR_OK);
    arena_close(arena);
    pass(HOUR);
    repair_visit();
    assert_int_equal(count("waiting"), 0); /* there is nothing that could be judged */
    pass(HOUR);
    fault(FAULT_RAISED, 2);
    assert_int_equal(count("waiting"), 1);
    assert_true(has(only_ticket(), "state", "testing"));
    pass(31 * MINUTE);
    assert_int_equal(count("false"), 1);
    assert_true(has(only_ticket(), "state", "acknowledged"));
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE state = 'proposed'", ""), 1);
    end();
}

/* The fault stands: the repair was false, the ticket goes on as if it had never been said. */
static void test_a_false_repair_opens_by_itself(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(HOUR);
    repair_visit();
    pass(29 * MINUTE);
    assert_true(has(ticket, "state", "testing"));
    pass(2 * MINUTE);
    assert_true(has(ticket, "state", "acknowledged"));
    assert_int_equal(count("false"), 1);
    assert_int_equal(clock_met("repair"), -1);
    assert_int_equal(lines("relapse"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE ticket = ?1", "i", ticket), 2);
    repair_visit(); /* the second one helps */
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    assert_true(has(ticket, "state", "cleared"));
    assert_int_equal(count("false"), 1);
    assert_int_equal(count("proved"), 1);
    end();
}

/* F-04: silence proves nothing, neither way. */
static void test_silence_proves_nothing(void **state)
{
    int64_t ticket, until, next_ms;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(HOUR);
    repair_visit();
    heard();
    for (until = now_ms + 10 * HOUR; now_ms < until; now_ms = next_ms > now_ms ? next_ms : now_ms + 1) {
        next_ms = look(); /* nothing is heard */
    }
    assert_true(has(ticket, "state", "testing"));
    assert_int_equal(count("waiting"), 1);
    pass(2 * MINUTE);
    assert_int_equal(count("false"), 1);
    end();
}

/* Closed while the equipment shows the fault: legal, not proved, and open again under the same number. */
static void test_closed_too_early(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"looks fine\"}"), ERR_OK);
    assert_true(has(ticket, "proof", "none"));
    pass(29 * MINUTE);
    assert_true(has(ticket, "state", "closed"));
    pass(2 * MINUTE);
    assert_int_equal(only_ticket(), ticket);
    assert_true(has(ticket, "state", "acknowledged"));
    assert_int_equal(count("false"), 1);
    assert_int_equal(notices(":reopened."), 1);
    assert_int_equal(clock_met("repair"), -1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM pause", ""), 0); /* the time in between counts */
    end();
}

static void test_closed_early_and_proved_after(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"new pump\"}"), ERR_OK);
    pass(10 * MINUTE);
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    assert_true(has(ticket, "state", "closed"));
    assert_true(has(ticket, "proof", "telemetry"));
    assert_int_equal(count("proved"), 1);
    fault(FAULT_RAISED, 2); /* another time: another ticket */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket", ""), 2);
    end();
}

/* Closed within its hold: the fault went when it went, and not when somebody said that it was repaired. */
static void test_closed_within_the_hold(void **state)
{
    int64_t ticket, cleared_ms;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    cleared_ms = now_ms;
    fault(FAULT_CLEARED, 2);
    pass(10 * MINUTE);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"new pump\"}"), ERR_OK);
    pass(31 * MINUTE);
    assert_true(has(ticket, "proof", "telemetry"));
    assert_int_equal(sql_find_int(sql, 0, "SELECT cleared_ms FROM ticket", ""), cleared_ms);
    assert_int_equal(clock_met("repair"), cleared_ms);
    assert_int_equal(sql_find_int(sql, 0, "SELECT started_ms FROM clock WHERE kind = 'rca'", ""), cleared_ms);
    end();
}

/* Rises and falls until it chatters; repaired while it stands, and it falls silent. */
static int64_t chatter_and_repair(void)
{
    for (int i = 0; i < 5; i++) {
        fault(FAULT_RAISED, 2);
        pass(2 * MINUTE);
        if (i < 4) {
            fault(FAULT_CLEARED, 2);
            pass(2 * MINUTE);
        }
    }
    repair_visit();
    pass(10 * MINUTE);
    fault(FAULT_CLEARED, 2);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM alarm WHERE quiet_ms IS NOT NULL", ""), 1);
    return only_ticket();
}

/* S1-32: what has fallen silent does not stand, though its alarm is kept open: nobody is told that it is back. */
static void test_a_repair_of_what_chatters(void **state)
{
    int64_t ticket, back;

    (void)state;
    begin("swh_standard");
    ticket = chatter_and_repair();
    back = lines("relapse");
    pass(29 * MINUTE);
    assert_int_equal(lines("relapse"), back);
    assert_int_equal(count("waiting"), 1);
    pass(DAY);
    assert_int_equal(lines("relapse"), back);
    assert_true(has(ticket, "state", "cleared"));
    assert_int_equal(count("proved"), 1);
    end();
}

/* … and when it comes again while that is awaited, the repair was none, at once. */
static void test_what_chatters_again_was_not_repaired(void **state)
{
    int64_t back;

    (void)state;
    begin("swh_standard");
    (void)chatter_and_repair();
    back = lines("relapse");
    pass(25 * MINUTE);
    fault(FAULT_RAISED, 2);
    pass(MINUTE);
    assert_int_equal(lines("relapse"), back + 1);
    assert_int_equal(count("waiting"), 0);
    end();
}

static void test_back_before_it_was_proved(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    fault(FAULT_CLEARED, 2);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"went away\"}"), ERR_OK);
    pass(10 * MINUTE);
    fault(FAULT_RAISED, 2);
    assert_int_equal(only_ticket(), ticket);
    assert_true(has(ticket, "state", "acknowledged"));
    assert_int_equal(count("false"), 1);
    end();
}

/* ------------------------------------------------------------------ what has to be there */

/* S0-115, S0-127, G-24: tiered_abc wants proof and analysis; a manager may say otherwise, with a reason. */
static void test_a_plan_may_want_proof_first(void **state)
{
    static const char said[] = "{\"resolution\":\"done\"}";
    static const char over[] = "{\"resolution\":\"done\",\"override\":true,\"reason\":\"unit was scrapped\"}";
    int64_t ticket;

    (void)state;
    begin("tiered_abc");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    assert_int_equal(act(ticket, "close", "c1", now_ms, said), ERR_STATE);
    assert_non_null(strstr(last_why, "telemetry has not stayed normal"));
    assert_non_null(strstr(last_why, "approve_rca"));
    assert_int_equal(act(ticket, "close", "c2", now_ms, over), ERR_FORBIDDEN);
    assert_int_equal(act_as("boss", ROLE_MANAGER, ticket, "close", "c3",
                            "{\"resolution\":\"done\",\"override\":true}"), ERR_FORMAT);
    assert_int_equal(act_as("boss", ROLE_MANAGER, ticket, "close", "c4", over), ERR_OK);
    assert_true(has(ticket, "proof", "override"));
    end();
}

/* S0-115, D-20: drafted by itself, completed, approved by somebody else, then closed. */
static void test_analysis(void **state)
{
    struct json_out out = json_out(1 << 20);
    int64_t ticket, approved_ms;

    (void)state;
    begin("tiered_abc");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    fault(FAULT_CLEARED, 2);
    assert_int_equal(act(ticket, "rca", "r0", now_ms, "{\"cause\":\"x\"}"), ERR_STATE);
    pass(31 * MINUTE);
    assert_int_equal(clock_met("rca"), -1);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"done\"}"), ERR_STATE);
    assert_int_equal(act(ticket, "rca", "r1", now_ms, "{}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "rca", "r2", now_ms, "{\"prevention\":[{\"owner\":\"wang\"}]}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "rca", "r3", now_ms, "{\"prevention\":[{\"what\":\"x\",\"due\":\"soon\"}]}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "rca", "r4", now_ms, "{\"cause\":\"scale\"}"), ERR_OK);
    assert_int_equal(act_as("boss", ROLE_MANAGER, ticket, "approve_rca", "a0", "{}"), ERR_STATE); /* no prevention */
    assert_int_equal(act_as("boss", ROLE_MANAGER, ticket, "rca", "r5",
                            "{\"prevention\":[{\"what\":\"filter\",\"owner\":\"wang\",\"due\":\"2027-01-31\"},\"flush\"]}"), ERR_OK);
    assert_int_equal(act(ticket, "approve_rca", "a1", now_ms, "{}"), ERR_FORBIDDEN);
    assert_int_equal(act_as("boss", ROLE_MANAGER, ticket, "approve_rca", "a2", "{}"), ERR_STATE); /* wrote it */
    approved_ms = now_ms;
    assert_int_equal(act_as("chief", ROLE_MANAGER, ticket, "approve_rca", "a3", "{}"), ERR_OK);
    assert_int_equal(clock_met("rca"), approved_ms);
    assert_int_equal(act(ticket, "rca", "r6", now_ms, "{\"cause\":\"y\"}"), ERR_STATE);
    assert_int_equal(act(ticket, "close", "c2", now_ms, "{\"resolution\":\"done\"}"), ERR_OK);
    assert_int_equal(rca_put(sql, rules, ticket, now_ms, &out), ERR_OK);
    assert_non_null(strstr(out.bytes, "\"cause\":\"scale\""));
    assert_non_null(strstr(out.bytes, "\"due\":\"2027-01-31\""));
    assert_non_null(strstr(out.bytes, "\"kind\":\"repair\""));
    assert_non_null(strstr(out.bytes, "\"action\":\"restored\""));
    json_out_free(&out);
    end();
}

/* swh_standard: the resolution is the draft's cause, and its clock goes on after the end. */
static void test_analysis_after_the_end(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"scale in the pump\"}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM rca WHERE cause = 'scale in the pump' AND state = 'draft'", ""), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'rca' AND cancelled_ms IS NULL", ""), 1);
    assert_int_equal(act_as("boss", ROLE_MANAGER, ticket, "rca", "r", "{\"prevention\":[\"flush each year\"]}"), ERR_OK);
    assert_int_equal(act_as("chief", ROLE_MANAGER, ticket, "approve_rca", "a", "{}"), ERR_OK);
    assert_int_equal(clock_met("rca"), now_ms);
    end();
}

static int64_t rca_told(void)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND instr(body, '\"condition\":\"rca_overdue\"') > 0", "");
}

/* S0-115: a report that is late has a notice of its own, in working hours, again as the plan says, until it is approved. */
static void test_a_late_analysis_is_told(void **state)
{
    int64_t ticket, due_ms;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    pass(10 * MINUTE);
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"scale in the pump\"}"), ERR_OK);
    assert_int_equal(act_as("boss", ROLE_MANAGER, ticket, "rca", "r", "{\"prevention\":[\"flush each year\"]}"), ERR_OK);
    pass(2 * DAY);
    assert_int_equal(rca_told(), 0);
    pass(4 * DAY + 8 * HOUR); /* Thursday is a holiday: three working days are over on Monday at half past five */
    due_ms = sql_find_int(sql, 0, "SELECT breached_ms FROM clock WHERE kind = 'rca'", "");
    assert_true(due_ms > 0 && due_ms <= now_ms);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM escalation WHERE condition = 'breached' AND closed_ms IS NULL", ""), 0);
    pass(DAY);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM escalation WHERE condition = 'rca_overdue' AND ticket = ?1", "i", ticket), 1);
    assert_int_equal(rca_told(), 2); /* the owner at once, the supervisor a working day later */
    pass(14 * DAY);
    assert_true(rca_told() > 4);
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM escalation_event WHERE kind = 'step' AND ((at_ms / 60000 + 480) % 1440 < 510 OR"
                                  " (at_ms / 60000 + 480) % 1440 > 1050)", ""), 0);
    assert_int_equal(act_as("chief", ROLE_MANAGER, ticket, "approve_rca", "a", "{}"), ERR_OK);
    pass(MINUTE);
    due_ms = rca_told();
    pass(20 * DAY);
    assert_int_equal(rca_told(), due_ms);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM escalation WHERE condition = 'rca_overdue' AND outcome = 'resolved'", ""), 1);
    end();
}

/* The next alarm of the same fault is another ticket's: that it is kept from people keeps nothing of the first one. */
static void test_a_miss_is_the_tickets_own(void **state)
{
    static const char told[] = "SELECT COUNT(*) FROM outbox WHERE ticket = ?1 AND channel = 'log' AND key LIKE '%:breach.rca.%'";
    int64_t first, second;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    first = only_ticket();
    pass(10 * MINUTE);
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    assert_int_equal(act(first, "close", "c", now_ms, "{\"resolution\":\"scale in the pump\"}"), ERR_OK);
    pass(DAY);
    fault(FAULT_RAISED, 2);
    second = sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket", "");
    assert_true(second > first);
    assert_int_equal(sql_run(sql, "UPDATE alarm SET announced_ms = NULL WHERE ticket = ?1", "i", second), ERR_OK);
    pass(6 * DAY);
    assert_int_equal(sql_find_int(sql, 0, told, "i", first), 1);
    end();
}

/* ------------------------------------------------------------------ the customer */

/* S1-33, S1-43, G-24 */
static void test_acceptance(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    assert_int_equal(act(ticket, "accept", "a0", now_ms, "{}"), ERR_STATE);
    pass(HOUR);
    repair_visit();
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM acceptance WHERE result IS NULL", ""), 1);
    assert_int_equal(act(ticket, "object", "o0", now_ms, "{}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "object", "o1", now_ms, "{\"reason\":\"it is loud\"}"), ERR_OK);
    assert_true(has(ticket, "state", "acknowledged"));
    assert_int_equal(count("false"), 1);
    assert_int_equal(clock_met("repair"), -1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM acceptance WHERE result = 'refused'", ""), 1);
    end();
}

static void test_silence_accepts(void **state)
{
    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    pass(HOUR);
    repair_visit();
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    pass(6 * DAY);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM acceptance WHERE result IS NULL", ""), 1);
    pass(2 * DAY);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM acceptance WHERE result = 'deemed'", ""), 1);
    end();
}

/* ------------------------------------------------------------------ customers */

static int64_t told(const char *rule)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE notice = ?1", "t", rule);
}

static int64_t body_has(const char *rule, const char *words)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE notice = ?1 AND instr(body, ?2) > 0", "tt", rule,
                        words);
}

/* S1-23, S3-16, S1-31, S1-27, S0-127, S0-42, S1-34: each step once, in the customer's words. */
static void test_the_customer_is_told_of_each_step(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    assert_int_equal(told("registered"), 1);
    assert_int_equal(told("warranty"), 1);
    assert_int_equal(body_has("registered", "2026-11-24T10:30:00+08:00"), 1); /* by when there is an answer */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'response' AND met_ms IS NOT NULL", ""), 0);
    assert_int_equal(act(ticket, "respond", "r", now_ms, "{}"), ERR_OK);
    assert_int_equal(act(ticket, "respond", "r", now_ms, "{}"), ERR_OK);
    assert_int_equal(told("progress"), 1);
    assert_int_equal(act(ticket, "assign", "s", now_ms,
                         "{\"technician\":\"h\",\"appointment\":{\"from\":\"2026-11-24T13:00:00+08:00\",\"to\":"
                         "\"2026-11-24T15:00:00+08:00\"}}"), ERR_OK);
    assert_int_equal(body_has("technician", "Wang"), 1);
    assert_int_equal(body_has("technician", "2026-11-24T13:00:00+08:00"), 1);
    repair_visit();
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    assert_int_equal(told("result"), 1);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"new pump\"}"), ERR_OK);
    assert_int_equal(told("result"), 2);
    assert_int_equal(body_has("result", "new pump"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE customer IS NOT NULL AND body LIKE '%{%'", ""), 0);
    /* nobody has an address here: kept, and not called sent */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE customer IS NOT NULL AND state <> 'given_up'", ""), 0);
    end();
}

/* S1-31: silence is broken after the plan's interval, once each time; not before, not after the end. */
static void test_a_silent_ticket_is_spoken_of(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault(FAULT_RAISED, 3);
    ticket = only_ticket();
    pass(23 * HOUR);
    assert_int_equal(told("update"), 0);
    pass(2 * HOUR);
    assert_int_equal(told("update"), 1);
    now_ms += 10 * DAY; /* the server was away: one word, not ten */
    (void)look();
    (void)look();
    assert_int_equal(told("update"), 2);
    assert_int_equal(act(ticket, "close", "c", now_ms, "{\"resolution\":\"x\"}"), ERR_OK);
    fault(FAULT_CLEARED, 3);
    pass(3 * DAY);
    assert_int_equal(told("update"), 2);
    end();
}

/* What is not urgent waits until the site's morning. */
static void test_quiet_hours(void **state)
{
    int64_t ticket, eight;

    (void)state;
    begin("swh_standard");
    now_ms = civil_days(2026, 11, 24) * DAY + 14 * HOUR; /* 22:00 in Shanghai */
    eight = civil_days(2026, 11, 25) * DAY;
    fault(FAULT_RAISED, 3);
    ticket = only_ticket();
    assert_int_equal(sql_find_int(sql, 0, "SELECT next_ms FROM outbox WHERE notice = 'registered'", ""), now_ms);
    assert_int_equal(sql_find_int(sql, 0, "SELECT next_ms FROM outbox WHERE notice = 'warranty'", ""), eight);
    now_ms = eight - 60 * MINUTE; /* 07:00 */
    assert_int_equal(act(ticket, "respond", "r", now_ms, "{}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT next_ms FROM outbox WHERE notice = 'progress'", ""), eight);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_repair_is_proved_by_telemetry),
        cmocka_unit_test(test_a_repair_after_the_fault_has_gone),
        cmocka_unit_test(test_a_second_repair_without_a_fault),
        cmocka_unit_test(test_a_repair_that_telemetry_hears_of_later),
        cmocka_unit_test(test_a_false_repair_opens_by_itself),
        cmocka_unit_test(test_silence_proves_nothing),
        cmocka_unit_test(test_closed_too_early),
        cmocka_unit_test(test_closed_early_and_proved_after),
        cmocka_unit_test(test_closed_within_the_hold),
        cmocka_unit_test(test_a_repair_of_what_chatters),
        cmocka_unit_test(test_what_chatters_again_was_not_repaired),
        cmocka_unit_test(test_back_before_it_was_proved),
        cmocka_unit_test(test_a_plan_may_want_proof_first),
        cmocka_unit_test(test_analysis),
        cmocka_unit_test(test_analysis_after_the_end),
        cmocka_unit_test(test_a_late_analysis_is_told),
        cmocka_unit_test(test_a_miss_is_the_tickets_own),
        cmocka_unit_test(test_acceptance),
        cmocka_unit_test(test_silence_accepts),
        cmocka_unit_test(test_the_customer_is_told_of_each_step),
        cmocka_unit_test(test_a_silent_ticket_is_spoken_of),
        cmocka_unit_test(test_quiet_hours),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-closure-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules) ||
        rules_add_notices(rules, "models/notices")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
