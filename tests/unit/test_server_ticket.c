/* Tickets under a clock that the test turns: second visits, links, families, reopening, questions, gates on the way. */
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

static char path[64], url[80], plans[64];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static int64_t now_ms;
static int ids; /* of actions */

static const char fleet[] =
    "customers: [{id: c, name: Li, phone: '+86 21 5550 1234'}]\n"
    "calendars: [{id: k, time_zone: Asia/Shanghai, week: {mon: ['08:30-17:30'], tue: ['08:30-17:30'],"
    " wed: ['08:30-17:30'], thu: ['08:30-17:30'], fri: ['08:30-17:30']}, holidays: ['2026-11-26']}]\n"
    "sites: [{id: s, customer: c, name: Home, address: '1 Road', time_zone: Asia/Shanghai, calendar: k}]\n"
    "teams: [{id: t, name: Crew, sites: [s], skills: [electrician], calendar: k}]\n"
    "technicians: [{id: h, name: Wang, team: t, phone: '139 0000 1111'}, {id: i, name: Zhao, team: t}]\n"
    "rosters: [{id: r, time_zone: Asia/Shanghai, members: [h, i], rotation: 7d, first_day: '2026-11-24', plans: [PLAN]}]\n"
    "equipment:\n"
    "  - {id: e, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-03-06'}\n"
    "  - {id: f, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-03-06'}\n"
    "contracts:\n"
    "  - {id: x, customer: c, sites: [s], plan: PLAN, service_level: LEVEL, start: '2026-03-06', end: '2099-01-01'}\n";

/* What no shipped plan says: overlays of the test's own, beside the shipped ones. */
static const struct {
    const char *name, *text;
} overlays[] = {
    {"manager_first",
     "overlay: manager_first\nversion: 1\ntitle: {en: m, zh: m}\nsource: test\n"
     "items: {onsite_gate: {value: manager_verify, origin: S, ids: [S0-30]}}\n"},
    {"short_reopen",
     "overlay: short_reopen\nversion: 1\ntitle: {en: m, zh: m}\nsource: test\n"
     "items: {hold: {reopen: {value: 2d, origin: A, note: test}}}\n"},
    {"other_kinds",
     "overlay: other_kinds\nversion: 1\ntitle: {en: m, zh: m}\nsource: test\n"
     "items: {ticket: {kinds: {complaint: {value: [response, onsite], origin: S, ids: [S0-103]},"
     " inspection: {value: [all], origin: A, note: test}, fault: {value: [], origin: A, note: test}}}}\n"},
    {"no_needs",
     "overlay: no_needs\nversion: 1\ntitle: {en: m, zh: m}\nsource: test\n"
     "items: {close: {needs: {value: [telemetry], origin: S, ids: [S0-127]}}}\n"},
};

static void make_plans(void)
{
    char line[200];

    snprintf(line, sizeof(line), "cp -r models/plans %s", plans);
    if (system(line)) {
        exit(1);
    }
    for (size_t i = 0; i < sizeof(overlays) / sizeof(overlays[0]); i++) {
        FILE *file;

        snprintf(line, sizeof(line), "%s/overlays/%s.yaml", plans, overlays[i].name);
        file = fopen(line, "w");
        if (!file || fputs(overlays[i].text, file) < 0 || fclose(file)) {
            exit(1);
        }
    }
}

static void remove_plans(void)
{
    char line[200];

    snprintf(line, sizeof(line), "rm -r %s", plans);
    (void)!system(line);
}

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

/* plan: its id, and whatever else the contract's row says after it. */
static void begin(const char *plan, const char *level)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    struct arena *arena;
    char text[4096], id[64];
    int64_t changed;
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 11, 24) * DAY + 2 * HOUR; /* a Tuesday, 10:00 in Shanghai */
    ids = 0;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK); /* one transaction a test: nothing has to reach the disk */
    snprintf(text, sizeof(text), "%s", fleet);
    snprintf(id, sizeof(id), "%.*s", (int)strcspn(plan, ","), plan);
    replace(text, sizeof(text), "PLAN", id); /* the roster's */
    replace(text, sizeof(text), "PLAN", plan);
    replace(text, sizeof(text), "LEVEL", level);
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    if (fleet_check(arena, sql, rules, text, strlen(text), &complaints, &root)) {
        fail_msg("%s", complaints.lines[0]);
    }
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    arena_close(arena);
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
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
static void fault_of(const char *name, enum fault_state state, int grade)
{
    struct desk_fault what = {
        .equipment = equipment(name),
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

static void fault(enum fault_state state, int grade)
{
    fault_of("e", state, grade);
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

static char said_why[600]; /* of the last refusal */
static int64_t said_at;    /* by the client of the next action; 0: now */

/* What somebody does with a ticket (order false) or with its youngest corrective order. said: JSON. */
static enum err by(enum role role, bool order, int64_t id, const char *name, const char *said)
{
    char key[16];
    struct action action = {.action = name, .action_id = key, .who = "ann", .role = role, .at_ms = said_at, .sent_ms = now_ms};
    struct arena *arena;
    struct text why = text_on(said_why, sizeof(said_why));
    enum err err;

    snprintf(key, sizeof(key), "i%d", ++ids);
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = order ? desk_work_action(desk, sql, id, &action, now_ms, &why)
                : desk_ticket_action(desk, sql, id, &action, now_ms, &why);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    arena_close(arena);
    return err;
}

static enum err act(int64_t ticket, const char *name, const char *said)
{
    return by(ROLE_DISPATCHER, false, ticket, name, said);
}

static enum err work(const char *name, const char *said)
{
    return by(ROLE_TECHNICIAN, true,
              sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order WHERE kind = 'corrective'", ""), name, said);
}

/* A caller's ticket: its row. */
static int64_t report(const char *said)
{
    char key[16], number[32];
    struct action action = {.action = "register", .action_id = key, .who = "ann", .role = ROLE_DISPATCHER};
    struct arena *arena;
    bool merged;
    TEXT(why, 600);

    snprintf(key, sizeof(key), "i%d", ++ids);
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(desk_report(desk, sql, &action, now_ms, number, &merged, &why), ERR_OK);
    arena_close(arena);
    return sql_find_int(sql, 0, "SELECT id FROM ticket WHERE number = ?1", "t", number);
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

static const char *class_of(int64_t ticket, const char *field)
{
    static char value[32];
    struct sql_rows rows;

    value[0] = '\0';
    sql_find(sql, &rows, "SELECT value FROM ticket_class WHERE ticket = ?1 AND field = ?2 ORDER BY id DESC LIMIT 1", "it",
             ticket, field);
    if (sql_next(&rows)) {
        snprintf(value, sizeof(value), "%s", sql_text(&rows, 0));
    }
    assert_int_equal(sql_end(&rows), ERR_OK);
    return value;
}

static int64_t orders(int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE ticket = ?1", "i", ticket);
}

static int64_t parent_of(int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT parent FROM ticket WHERE id = ?1", "i", ticket);
}

/* ------------------------------------------------------------------ one visit was not enough */

/* The technician's whole way through the open order. */
static void visit(void)
{
    static const char *const steps[] = {"accept", "depart", "arrive", "start", NULL};

    for (int i = 0; steps[i]; i++) {
        now_ms += MINUTE;
        if (work(steps[i], "{}")) {
            fail_msg("%s: %s", steps[i], said_why);
        }
    }
    now_ms += MINUTE;
    assert_int_equal(work("sign", "{\"name\":\"Li\"}"), ERR_OK);
    assert_int_equal(work("finish", "{}"), ERR_OK);
}

/* G-16 C-03 S1-08: a second visit makes the fault complex; a plan of how to go on is owed from then on. */
static void test_a_second_visit_is_complex(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard", "B");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    visit();
    assert_string_equal(class_of(ticket, "complexity"), "general");
    assert_string_equal(shown(ticket, "solution", "state"), "none");
    assert_int_equal(act(ticket, "assign", "{\"technician\":\"h\"}"), ERR_OK);
    assert_string_equal(class_of(ticket, "complexity"), "complex");
    assert_string_equal(shown(ticket, "solution", "state"), "running");
    assert_string_equal(shown(ticket, "repair", "state"), "cancelled");
    assert_int_equal(orders(ticket), 2);
    end();
}

/* G-16: so does a relapse after a visit, with nobody asking. */
static void test_a_relapse_after_a_visit_is_complex(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard", "B");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    visit();
    fault(FAULT_CLEARED, 2);
    pass(31 * MINUTE);
    fault(FAULT_RAISED, 2);
    assert_int_equal(only_ticket(), ticket);
    assert_int_equal(orders(ticket), 2);
    assert_string_equal(class_of(ticket, "complexity"), "complex");
    assert_string_equal(shown(ticket, "solution", "state"), "running");
    end();
}

/* ------------------------------------------------------------------ who belongs to whom */

/* F-04: the one who calls about equipment behind a lost link hears of the link, and nobody drives out twice. */
static void test_a_callers_ticket_belongs_to_the_lost_link(void **state)
{
    int64_t link, caller, agent;

    (void)state;
    begin("tiered_abc", "B"); /* link_loss_delay: 10m */
    agent = sql_find_int(sql, 0, "SELECT id FROM agent", "");
    assert_int_equal(desk_link_lost(desk, sql, agent, now_ms, now_ms), ERR_OK);
    now_ms += 11 * MINUTE;
    (void)look();
    link = only_ticket();
    assert_string_equal(shown(link, NULL, "kind"), "communication");
    caller = report("{\"kind\":\"fault\",\"equipment\":\"e\",\"note\":\"no warm water\",\"phone\":\"5550 1234\"}");
    assert_true(caller != link);
    assert_int_equal(parent_of(caller), link);
    assert_int_equal(desk_link_back(desk, sql, agent, now_ms), ERR_OK);
    pass(HOUR);
    assert_string_equal(shown(caller, NULL, "state"), "registered"); /* his water is still cold */
    assert_int_equal(parent_of(report("{\"kind\":\"fault\",\"equipment\":\"f\",\"note\":\"cold\"}")), 0);
    end();
}

/* S0-127: what becomes of the children is said before the parent closes. */
static void test_a_parent_closes_with_open_children(void **state)
{
    int64_t parent, a, b;
    char said[64];

    (void)state;
    begin("generic_24_48", "B");
    parent = report("{\"kind\":\"inspection\",\"note\":\"p\",\"equipment\":\"e\"}");
    a = report("{\"kind\":\"fault\",\"note\":\"a\",\"equipment\":\"e\"}");
    b = report("{\"kind\":\"fault\",\"note\":\"b\",\"equipment\":\"f\"}");
    snprintf(said, sizeof(said), "{\"parent\":\"%s\"}", shown(parent, NULL, "number"));
    assert_int_equal(act(a, "attach", said), ERR_OK);
    assert_int_equal(act(b, "attach", said), ERR_OK);
    assert_int_equal(act(parent, "close", "{\"resolution\":\"seen\"}"), ERR_STATE);
    assert_non_null(strstr(said_why, "2 tickets"));
    assert_string_equal(shown(parent, NULL, "state"), "registered");
    assert_int_equal(act(b, "detach", "{}"), ERR_OK);
    assert_int_equal(act(parent, "close", "{\"resolution\":\"seen\",\"children\":\"close\"}"), ERR_OK);
    assert_string_equal(shown(a, NULL, "state"), "closed");
    assert_string_equal(shown(a, "response", "state"), "cancelled");
    assert_string_equal(shown(b, NULL, "state"), "registered");
    pass(30 * HOUR); /* frozen with the parent: the child owes nothing any more */
    assert_string_equal(shown(a, "response", "state"), "cancelled");
    assert_string_equal(shown(b, "response", "state"), "breached");
    end();
}

/* The server was away; a phone says afterwards when it was closed. What was missed by then is told now, not then: else
 * it would slip past the ceilings of now. */
static void test_what_is_said_late_is_told_now(void **state)
{
    int64_t ticket, onset_ms;

    (void)state;
    begin("swh_standard", "B");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    onset_ms = now_ms;
    now_ms += 8 * HOUR;
    said_at = onset_ms + 5 * HOUR;
    if (by(ROLE_MANAGER, false, ticket, "close", "{\"resolution\":\"cleaned\",\"override\":true,\"reason\":\"seen\"}")) {
        fail_msg("%s", said_why);
    }
    said_at = 0;
    assert_string_equal(shown(ticket, "response", "state"), "breached");
    assert_int_equal(sql_find_int(sql, 0, "SELECT closed_ms FROM ticket", ""), onset_ms + 5 * HOUR);
    assert_true(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE key LIKE '%breach%'", "") > 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT MIN(created_ms) FROM outbox WHERE key LIKE '%breach%'", ""), now_ms);
    end();
}

/* ------------------------------------------------------------------ back again */

static void close_ticket(int64_t ticket)
{
    assert_int_equal(act(ticket, "feedback", "{}"), ERR_OK);
    if (by(ROLE_MANAGER, false, ticket, "close", "{\"resolution\":\"cleaned\",\"override\":true,\"reason\":\"seen\"}")) {
        fail_msg("%s", said_why);
    }
}

/* The plan's own window (hold.reopen): within it the number goes on, after it there is a new one that names the old. */
static void test_the_plan_says_how_long_a_number_lives(void **state)
{
    int64_t first, second;
    char number[32];

    (void)state;
    begin("generic_24_48, overlays: [short_reopen]", "B"); /* 2 d instead of 30 */
    fault(FAULT_RAISED, 2);
    first = only_ticket();
    snprintf(number, sizeof(number), "%s", shown(first, NULL, "number"));
    fault(FAULT_CLEARED, 2);
    pass(HOUR);
    close_ticket(first);
    pass(47 * HOUR);
    assert_int_equal(act(first, "reopen", "{\"reason\":\"again\"}"), ERR_OK);
    assert_string_equal(shown(first, NULL, "number"), number);
    assert_string_equal(shown(first, NULL, "state"), "acknowledged");
    assert_int_equal(only_ticket(), first);
    close_ticket(first);
    pass(49 * HOUR);
    assert_int_equal(act(first, "reopen", "{\"reason\":\"again\"}"), ERR_STATE);
    assert_non_null(strstr(said_why, "a new ticket"));
    second = report("{\"kind\":\"fault\",\"equipment\":\"e\",\"fault\":\"pump_no_flow\",\"note\":\"again\"}");
    assert_true(second != first);
    assert_string_equal(shown(second, NULL, "earlier"), number);
    assert_string_equal(shown(first, NULL, "state"), "closed");
    end();
}

/* ------------------------------------------------------------------ cause, plan, clearance */

/* S0-114: in that order, and only where somebody laid a hand on it. */
static void test_the_cause_comes_before_the_end(void **state)
{
    int64_t ticket;

    (void)state;
    begin("tiered_abc, overlays: [no_needs]", "B"); /* cause_before_close; nothing else keeps it from closing */
    fault(FAULT_RAISED, 1);
    ticket = only_ticket();
    visit();
    fault(FAULT_CLEARED, 1);
    pass(HOUR);
    assert_int_equal(act(ticket, "plan_solution", "{\"plan\":\"clean it\"}"), ERR_STATE);
    assert_int_equal(act(ticket, "close", "{\"resolution\":\"cleaned\"}"), ERR_STATE);
    assert_non_null(strstr(said_why, "Legal: diagnose"));
    assert_int_equal(act(ticket, "diagnose", "{\"cause\":\"a seized pump\"}"), ERR_OK);
    assert_int_equal(act(ticket, "close", "{\"resolution\":\"cleaned\"}"), ERR_STATE);
    assert_non_null(strstr(said_why, "Legal: plan_solution"));
    assert_int_equal(act(ticket, "plan_solution", "{\"plan\":\"clean it\"}"), ERR_OK);
    if (act(ticket, "close", "{\"resolution\":\"cleaned\"}")) {
        fail_msg("%s", said_why);
    }
    now_ms += DAY;
    fault_of("f", FAULT_RAISED, 1); /* nobody touched this one */
    ticket = sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket", "");
    fault_of("f", FAULT_CLEARED, 1);
    pass(HOUR);
    assert_int_equal(act(ticket, "close", "{\"resolution\":\"by itself\"}"), ERR_OK);
    end();
}

/* ------------------------------------------------------------------ the way on site */

/* S0-30 C-12: a manager looks personally before anybody is sent. */
static void test_a_manager_verifies_first(void **state)
{
    int64_t ticket;

    (void)state;
    begin("generic_24_48, overlays: [manager_first]", "B");
    fault(FAULT_RAISED, 2);
    ticket = only_ticket();
    assert_int_equal(act(ticket, "remote_attempt", "{\"result\":\"not_fixed\"}"), ERR_OK);
    assert_int_equal(act(ticket, "important", "{}"), ERR_OK);
    assert_int_equal(act(ticket, "assign", "{\"technician\":\"h\"}"), ERR_STATE); /* what opens other plans' ways */
    assert_int_equal(act(ticket, "verify", "{\"finding\":\"seen\"}"), ERR_FORBIDDEN);
    assert_int_equal(by(ROLE_MANAGER, false, ticket, "verify", "{\"finding\":\"seen: no flow\"}"), ERR_OK);
    assert_int_equal(act(ticket, "assign", "{\"technician\":\"h\"}"), ERR_OK);
    end();
}

/* S0-113: who calls it important gets somebody on site, however small the grade. */
static void test_important_opens_the_way(void **state)
{
    int64_t ticket;

    (void)state;
    begin("tiered_abc", "B");
    ticket = report("{\"kind\":\"fault\",\"equipment\":\"e\",\"note\":\"lukewarm\",\"grade\":3}");
    assert_int_equal(act(ticket, "assign", "{\"technician\":\"h\"}"), ERR_STATE);
    assert_int_equal(act(ticket, "important", "{\"reason\":\"a wedding\"}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", ticket), 3);
    assert_int_equal(act(ticket, "assign", "{\"technician\":\"h\"}"), ERR_OK);
    end();
}

/* ------------------------------------------------------------------ a question that waits */

/* S0-111 S0-112 G-14: 10, 10 and 30 minutes from the question by level; neither the number that the server gives nor
 * an acknowledgement is the answer, and each question has its own time. */
static void test_the_callback_goes_by_level(void **state)
{
    static const struct {
        const char *level, *due;
        int64_t limit_ms;
    } rows[] = {{"A", "2026-11-24T10:13:00+08:00", 10 * MINUTE},
                {"B", "2026-11-24T10:13:00+08:00", 10 * MINUTE},
                {"C", "2026-11-24T10:33:00+08:00", 30 * MINUTE}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ticket;

        begin("tiered_abc", rows[i].level);
        ticket = report("{\"kind\":\"consultation\",\"equipment\":\"e\",\"note\":\"how warm?\"}");
        assert_string_equal(shown(ticket, "callback", "state"), "none");
        pass(3 * MINUTE);
        assert_int_equal(act(ticket, "park", "{\"question\":\"which model?\"}"), ERR_OK);
        assert_string_equal(shown(ticket, "callback", "due_at"), rows[i].due);
        assert_int_equal(act(ticket, "acknowledge", "{}"), ERR_OK);
        assert_int_equal(act(ticket, "note", "{}"), ERR_OK);
        assert_string_equal(shown(ticket, "response", "state"), "running"); /* G-14: a receipt is no response */
        assert_string_equal(shown(ticket, "callback", "state"), "running");
        pass(rows[i].limit_ms - MINUTE);
        assert_int_equal(notices(":breach.callback"), 0);
        pass(2 * MINUTE);
        assert_int_equal(notices(":breach.callback"), 1);
        assert_int_equal(act(ticket, "answer", "{\"answer\":\"60 degrees\"}"), ERR_OK);
        assert_int_equal(act(ticket, "park", "{\"question\":\"and in winter?\"}"), ERR_OK);
        assert_int_equal(act(ticket, "answer", "{\"answer\":\"50\"}"), ERR_OK);
        assert_int_equal(sql_find_int(sql, 0,
                                      "SELECT COUNT(*) FROM clock WHERE ticket = ?1 AND kind = 'callback' AND met_ms IS"
                                      " NOT NULL",
                                      "i", ticket),
                         2);
        end();
    }
}

/* ------------------------------------------------------------------ guard periods */

static int64_t guard(const char *name, int64_t from_ms, int64_t to_ms)
{
    struct window_new window = {.name = name, .kind = "guard", .reason = "examination week", .who = "ann",
                                .from_ms = from_ms, .to_ms = to_ms, .equipment = equipment("e")};
    int64_t id;
    TEXT(why, 300);

    if (window_create(sql, &window, now_ms, &id, &why)) {
        fail_msg("%s", why.at);
    }
    return id;
}

static int64_t waiting(const char *name)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM visit v JOIN equipment q ON q.id = v.equipment WHERE q.name = ?1 AND v.state"
                        " = 'planned' AND v.reason LIKE '%guard period games%'",
                        "t", name);
}

static int64_t visit_orders(const char *name)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM work_order w JOIN visit v ON v.id = w.visit AND v.reason IS NULL AND v.state ="
                        " 'released' JOIN equipment q ON q.id = v.equipment WHERE q.name = ?1",
                        "t", name);
}

/* S0-119: planned visits of that equipment wait, and say for what; they come after it. Others go on. */
static void test_visits_wait_for_a_guard_period(void **state)
{
    int64_t begins_ms, before;

    (void)state;
    begin("swh_standard", "B");
    begins_ms = now_ms;
    before = visit_orders("e");
    assert_int_equal(before, visit_orders("f"));
    guard("games", begins_ms, begins_ms + 210 * DAY);
    pass(200 * DAY); /* a visit's window has begun meanwhile */
    assert_true(visit_orders("f") > before);
    assert_int_equal(visit_orders("e"), before);
    assert_true(waiting("e") > 0);
    assert_int_equal(waiting("f"), 0);
    pass(11 * DAY);
    assert_int_equal(waiting("e"), 0);
    assert_int_equal(visit_orders("e"), visit_orders("f"));
    end();
}

/* ERR_OK: somebody may come. */
static enum err ask(const char *said)
{
    struct action action = {.action = "create", .who = "ann", .role = ROLE_DISPATCHER};
    struct text why = text_on(said_why, sizeof(said_why));
    struct arena *arena;
    int64_t id;
    enum err err;

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    err = desk_work_ask(desk, sql, &action, now_ms, &id, &why);
    arena_close(arena);
    return err;
}

/* S0-119: nor do people order planned work for it. */
static void test_planned_work_is_not_ordered_in_a_guard_period(void **state)
{
    (void)state;
    begin("swh_standard", "B");
    guard("games", now_ms, now_ms + 2 * DAY); /* until Thursday 10:00 */
    assert_int_equal(ask("{\"kind\":\"inspection\",\"equipment\":\"e\"}"), ERR_STATE);
    assert_non_null(strstr(said_why, "guard period games"));
    assert_int_equal(ask("{\"kind\":\"inspection\",\"site\":\"s\"}"), ERR_STATE);
    assert_int_equal(ask("{\"kind\":\"planned_change\",\"equipment\":\"e\",\"appointment\":"
                         "{\"from\":\"2026-11-26T09:00:00+08:00\",\"to\":\"2026-11-26T11:00:00+08:00\"}}"),
                     ERR_STATE);
    assert_int_equal(ask("{\"kind\":\"planned_change\",\"equipment\":\"e\",\"appointment\":"
                         "{\"from\":\"2026-11-26T10:00:00+08:00\",\"to\":\"2026-11-26T11:00:00+08:00\"}}"),
                     ERR_OK);
    assert_int_equal(ask("{\"kind\":\"inspection\",\"equipment\":\"e\",\"urgency\":\"emergency\"}"), ERR_OK);
    assert_int_equal(ask("{\"kind\":\"inspection\",\"equipment\":\"f\"}"), ERR_OK);
    end();
}

static int64_t guard_lines(const char *like)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket_event WHERE action = 'guard' AND note LIKE ?1", "t", like);
}

/* S0-119: the ticket names who stands by, as the roster says at that time. */
static void test_a_guard_period_names_who_stands_by(void **state)
{
    (void)state;
    begin("swh_standard", "B");
    fault_of("f", FAULT_RAISED, 2);
    assert_int_equal(guard_lines("%"), 0);
    guard("games", now_ms, now_ms + 20 * DAY);
    fault(FAULT_RAISED, 3);
    assert_int_equal(guard_lines("%examination week; stands by: Wang 139 0000 1111, Zhao"), 1);
    now_ms += 8 * DAY;
    (void)report("{\"kind\":\"complaint\",\"equipment\":\"e\",\"note\":\"late\"}");
    assert_int_equal(guard_lines("%stands by: Zhao, Wang%"), 1);
    end();
}

/* ------------------------------------------------------------------ what a kind is owed */

static int64_t clocks_of(const char *kind)
{
    char said[100];
    int64_t ticket;

    snprintf(said, sizeof(said), "{\"kind\":\"%s\",\"equipment\":\"e\",\"note\":\"x\"}", kind);
    ticket = report(said);
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE ticket = ?1", "i", ticket);
}

/* S0-102 S0-103 S0-13: as shipped a complaint is owed an answer; a plan may say otherwise of each kind. */
static void test_a_plan_says_what_a_kind_is_owed(void **state)
{
    (void)state;
    begin("generic_24_48", "B");
    assert_int_equal(clocks_of("complaint"), 1);
    assert_int_equal(clocks_of("inspection"), 1);
    assert_int_equal(clocks_of("commercial"), 1);
    assert_true(clocks_of("fault") > 4);
    end();
    begin("generic_24_48, overlays: [other_kinds]", "B");
    assert_int_equal(clocks_of("complaint"), 2);
    assert_true(clocks_of("inspection") > 4);
    assert_int_equal(clocks_of("commercial"), 1); /* it says nothing of these */
    assert_int_equal(clocks_of("fault"), 0);
    end();
}

/* A fault that a caller could not name is driven to like any other: also when he says that it is back. */
static void test_what_a_caller_says_is_back_gets_its_order(void **state)
{
    static const char open_orders[] = "SELECT COUNT(*) FROM work_order WHERE ticket = ?1 AND state NOT IN ('done', 'cancelled')";
    int64_t ticket, question;

    (void)state;
    begin("swh_standard", "B");
    ticket = report("{\"kind\":\"fault\",\"equipment\":\"e\",\"note\":\"lukewarm\"}");
    assert_int_equal(sql_find_int(sql, 0, open_orders, "i", ticket), 1);
    assert_int_equal(act(ticket, "respond", "{}"), ERR_OK);
    assert_int_equal(act(ticket, "close", "{\"resolution\":\"explained\"}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, open_orders, "i", ticket), 0);
    pass(DAY);
    assert_int_equal(act(ticket, "reopen", "{\"reason\":\"it is back, says the customer\"}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, open_orders, "i", ticket), 1);
    question = report("{\"kind\":\"consultation\",\"equipment\":\"f\",\"note\":\"how warm?\"}");
    assert_int_equal(act(question, "respond", "{}"), ERR_OK);
    assert_int_equal(act(question, "close", "{\"resolution\":\"told\"}"), ERR_OK);
    assert_int_equal(act(question, "reopen", "{\"reason\":\"once more\"}"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, open_orders, "i", question), 0);
    end();
}

/* Up and down within one instant, as a backlog brings it: the last that people hear is the grade that holds. */
static void test_each_regrading_is_told(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard", "B");
    ticket = report("{\"kind\":\"fault\",\"equipment\":\"e\",\"note\":\"lukewarm\",\"grade\":3}");
    assert_int_equal(act(ticket, "regrade", "{\"grade\":2,\"reason\":\"cold\"}"), ERR_OK);
    assert_int_equal(act(ticket, "regrade", "{\"grade\":1,\"reason\":\"ice\"}"), ERR_OK);
    assert_int_equal(act(ticket, "regrade", "{\"grade\":2,\"reason\":\"no ice\"}"), ERR_OK);
    assert_int_equal(notices(":regraded."), 3);
    end();
}

/* ------------------------------------------------------------------ the repair slip */

static int64_t incomplete(void)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket WHERE missing IS NOT NULL AND closed_ms IS NULL", "");
}

/* S0-29: the desk is asked once for what a slip lacks, by itself; filled, the ticket leaves the list. */
static void test_an_incomplete_slip_is_told_once(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard", "B");
    fault(FAULT_RAISED, 2); /* the customer's record says all of it */
    assert_int_equal(notices(":data_incomplete"), 0);
    ticket = report("{\"kind\":\"complaint\",\"note\":\"rude\",\"contact\":{\"name\":\"Zhou\"}}");
    assert_int_equal(notices(":data_incomplete"), 1);
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND body LIKE '%lacks: phone address"
                                  " wishes.%' AND body LIKE '%\"step\":\"data_incomplete\"%' AND customer IS NULL",
                                  ""),
                     1);
    assert_int_equal(incomplete(), 1);
    pass(DAY);
    assert_int_equal(act(ticket, "amend", "{\"phone\":\"5550 9999\",\"address\":\"2 Road\"}"), ERR_OK);
    assert_int_equal(incomplete(), 1); /* the wishes */
    assert_int_equal(act(ticket, "amend", "{\"wishes\":\"an apology\"}"), ERR_OK);
    assert_int_equal(incomplete(), 0);
    assert_int_equal(notices(":data_incomplete"), 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_visit_is_complex),
        cmocka_unit_test(test_a_relapse_after_a_visit_is_complex),
        cmocka_unit_test(test_a_callers_ticket_belongs_to_the_lost_link),
        cmocka_unit_test(test_a_parent_closes_with_open_children),
        cmocka_unit_test(test_what_is_said_late_is_told_now),
        cmocka_unit_test(test_the_plan_says_how_long_a_number_lives),
        cmocka_unit_test(test_the_cause_comes_before_the_end),
        cmocka_unit_test(test_a_manager_verifies_first),
        cmocka_unit_test(test_important_opens_the_way),
        cmocka_unit_test(test_the_callback_goes_by_level),
        cmocka_unit_test(test_visits_wait_for_a_guard_period),
        cmocka_unit_test(test_planned_work_is_not_ordered_in_a_guard_period),
        cmocka_unit_test(test_a_guard_period_names_who_stands_by),
        cmocka_unit_test(test_a_plan_says_what_a_kind_is_owed),
        cmocka_unit_test(test_an_incomplete_slip_is_told_once),
        cmocka_unit_test(test_what_a_caller_says_is_back_gets_its_order),
        cmocka_unit_test(test_each_regrading_is_told),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-ticket-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    snprintf(plans, sizeof(plans), "/tmp/heliograph-ticket-%d", (int)getpid());
    make_plans();
    if (rules_open("models/equipment", plans, complain_to_nobody, NULL, &rules) ||
        rules_add_notices(rules, "models/notices")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    remove_plans();
    return failed;
}
