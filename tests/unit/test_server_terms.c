/* Promises of the service terms that no other test names, on the desk under a clock that the test turns. */
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
#include "server/api/figures.h"
#include "server/alarm/alarm.h"
#include "server/desk/desk.h"
#include "server/desk/view.h"
#include "server/field/field.h"
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
static int ids; /* of actions */

static const char *const plans[] = {"swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h"};

/* Two sites of two teams; old-1 is out of every warranty, card-1 has nothing but its completion date. */
static const char fleet[] =
    "customers: [{id: c, name: Li, phone: '+86 21 5550 1234'}]\n"
    "calendars: [{id: k, time_zone: Asia/Shanghai, week: {mon: ['08:30-17:30'], tue: ['08:30-17:30'],"
    " wed: ['08:30-17:30'], thu: ['08:30-17:30'], fri: ['08:30-17:30']}, holidays: ['2026-11-26']}]\n"
    "sites:\n"
    "  - {id: s, customer: c, name: Home, address: '1 Road', time_zone: Asia/Shanghai, calendar: k}\n"
    "teams: [{id: t, name: Crew, sites: [s], skills: [electrician], calendar: k}]\n"
    "technicians: [{id: h, name: Wang, team: t, phone: '139 0000 1111'}]\n"
    "equipment:\n"
    "  - {id: old-1, site: s, profile: swh-basic, agent: a, sale_date: '2009-03-01', invoice_date: '2009-03-01',"
    " manufacture_date: '2009-01-10', completion_date: '2009-03-05', acceptance_date: '2009-03-06'}\n"
    "  - {id: card-1, site: s, profile: swh-basic, agent: a, completion_date: '2026-02-10'}\n"
    "contracts:\n"
    "  - {id: con-7, customer: c, sites: [s], plan: PLAN, service_level: B, start: '2009-03-06', end: '2099-01-01'}\n";

static void say(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

/* plan: its id, and whatever else the contract's row says after it. */
static void begin(const char *plan)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};
    struct complaints complaints = {.path = "fleet"};
    const char *at = strstr(fleet, "PLAN");
    struct yaml_node *root;
    struct arena *arena;
    int64_t changed;
    char text[4096];
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 11, 24) * DAY + 2 * HOUR; /* a Tuesday, 10:00 in Shanghai */
    ids = 0;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK); /* one transaction a test: nothing has to reach the disk */
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - fleet), fleet, plan, at + strlen("PLAN"));
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    if (fleet_check(arena, sql, rules, text, strlen(text), &complaints, &root)) {
        fail_msg("%s", complaints.lines[0]);
    }
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    arena_close(arena);
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

static void fault(const char *name, const char *what, enum fault_state state, int grade)
{
    struct desk_fault said = {
        .equipment = sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name),
        .fault = what,
        .state = state,
        .grade = grade,
        .onset_ms = now_ms - MINUTE,
        .detected_ms = now_ms,
        .cleared_ms = now_ms,
        .t_ms = now_ms,
    };

    assert_int_equal(desk_fault(desk, sql, &said, now_ms), ERR_OK);
}

/* Time goes on, as the server sees it: the desk looks when it said it would. */
static void pass(int64_t ms)
{
    int64_t until = now_ms + ms, next_ms = now_ms;

    while (now_ms < until) {
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        now_ms = next_ms > until ? until : next_ms > now_ms ? next_ms : now_ms + 1;
        assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1", "i", now_ms), ERR_OK);
    }
    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
}

static char said_why[600]; /* of the last refusal */
static int64_t said_at_ms; /* when what is said now was done; 0: now */

/* What somebody does with a ticket (order false) or with its youngest order. said: JSON. */
static enum err by(enum role role, bool order, int64_t id, const char *name, const char *said)
{
    char key[16];
    struct action action = {.action = name, .action_id = key, .who = "ann", .role = role, .at_ms = said_at_ms};
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

/* The same, done at at_ms and said only now. */
static enum err act_late(int64_t ticket, const char *name, const char *said, int64_t at_ms)
{
    enum err err;

    said_at_ms = at_ms;
    err = by(ROLE_DISPATCHER, false, ticket, name, said);
    said_at_ms = 0;
    return err;
}

static enum err act(int64_t ticket, const char *name, const char *said)
{
    return by(ROLE_DISPATCHER, false, ticket, name, said);
}

static int64_t last_order(void)
{
    return sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order WHERE ticket IS NOT NULL", "");
}

static enum err work(const char *name, const char *said)
{
    return by(ROLE_TECHNICIAN, true, last_order(), name, said);
}

static int64_t last_ticket(void)
{
    return sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket", "");
}

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
    if (desk_report(desk, sql, &action, now_ms, number, &merged, &why)) {
        fail_msg("%s", why.at);
    }
    arena_close(arena);
    return sql_find_int(sql, 0, "SELECT id FROM ticket WHERE number = ?1", "t", number);
}

/* ------------------------------------------------------------------ what the API shows */

static struct arena *room;

static const struct cJSON *parsed(struct json_out *out)
{
    const struct cJSON *root;

    arena_reset(room);
    assert_int_equal(json_parse(room, out->bytes, out->size, &root, NULL), ERR_OK);
    json_out_free(out);
    return root;
}

/* Until the next one is shown. */
static const struct cJSON *shown_ticket(int64_t ticket)
{
    struct json_out out = json_out(1 << 20);

    assert_int_equal(view_ticket(sql, rules, ticket, ROLE_DISPATCHER, now_ms, &out), ERR_OK);
    return parsed(&out);
}

static const struct cJSON *shown_order(int64_t order)
{
    struct json_out out = json_out(1 << 20);

    assert_int_equal(work_view(sql, rules, order, &out), ERR_OK);
    return parsed(&out);
}

static const struct cJSON *with(const struct cJSON *list, const char *key, const char *word)
{
    const struct cJSON *item = json_first(list);

    while (item && strcmp(json_text_or(item, key, ""), word) != 0) {
        item = json_next(item);
    }
    return item;
}

static const char *due_of(int64_t ticket, const char *kind)
{
    return json_text_or(with(json_field(shown_ticket(ticket), "clocks"), "kind", kind), "due_at", "none");
}

/* ------------------------------------------------------------------ after the warranty */

/* S0-11 S0-56 S2-06: what is out of warranty is watched, ticketed, diagnosed and helped from afar as before; only the
 * work on site waits for consent to its price. */
static void service_goes_on_after_the_warranty(void **state)
{
    int64_t ticket, next_ms = 0;

    (void)state;
    begin("swh_standard");
    fault("old-1", "pump_no_flow", FAULT_RAISED, 2);
    ticket = last_ticket();
    assert_string_equal(json_text_or(json_field(shown_ticket(ticket), "warranty"), "verdict", ""), "expired");
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE ticket = ?1 AND state = 'proposed'", "i", ticket), 1);
    assert_true(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE ticket = ?1 AND cancelled_ms IS NULL", "i", ticket) >= 5);
    assert_int_equal(act(ticket, "diagnose", "{\"cause\":\"air in the loop\"}"), ERR_OK);
    assert_int_equal(act(ticket, "remote_attempt", "{\"result\":\"not_fixed\"}"), ERR_OK);
    assert_int_equal(act(ticket, "assign", "{\"technician\":\"h\"}"), ERR_OK);
    assert_int_equal(work("depart", "{}"), ERR_OK);
    assert_int_equal(work("arrive", "{}"), ERR_OK);
    assert_int_equal(work("start", "{\"override\":{\"code\":\"emergency\"}}"), ERR_STATE); /* S0-59 */
    assert_non_null(strstr(said_why, "consent"));
    assert_int_equal(act(ticket, "quote", "{\"lines\":[{\"item\":\"pump\",\"amount\":480}]}"), ERR_OK);
    assert_int_equal(act(ticket, "consent", "{\"accepted\":true}"), ERR_OK);
    assert_int_equal(work("start", "{\"override\":{\"code\":\"emergency\"}}"), ERR_OK);
    /* the other way: fixed from afar, nobody pays and nobody comes */
    fault("old-1", "pump_weak", FAULT_RAISED, 3);
    ticket = last_ticket();
    assert_int_equal(act(ticket, "remote_attempt", "{\"result\":\"fixed\"}"), ERR_OK);
    fault("old-1", "pump_weak", FAULT_CLEARED, 3);
    pass(HOUR);
    assert_string_equal(json_text_or(shown_ticket(ticket), "state", ""), "cleared");
    /* visits go on too: seventeen years after the acceptance */
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
    assert_true(sql_find_int(sql, 0, "SELECT COUNT(*) FROM visit WHERE state = 'planned' AND due_day > ?1", "i", (int64_t)civil_days(2026, 11, 24)) >= 2);
    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
    end();
}

/* S0-39: without a card the completion date begins the term; who is on site sees on the order when it ends. */
static void the_card_is_not_needed(void **state)
{
    const struct cJSON *warranty;

    (void)state;
    begin("generic_24_48, overlays: [two_person_warranty]");
    fault("card-1", "pump_no_flow", FAULT_RAISED, 2);
    warranty = json_field(shown_order(last_order()), "warranty");
    assert_string_equal(json_text_or(warranty, "verdict", ""), "covered");
    assert_string_equal(json_text_or(warranty, "until", ""), "2027-02-09");
    assert_non_null(strstr(json_text_or(warranty, "evidence", ""), "completion_date"));
    fault("old-1", "pump_no_flow", FAULT_RAISED, 2); /* over: at cost, after consent */
    assert_string_equal(json_text_or(json_field(shown_order(last_order()), "warranty"), "verdict", ""), "expired");
    end();
}

/* ------------------------------------------------------------------ before somebody comes */

static bool agreed_is(const char *field)
{
    bool yes = false;

    assert_true(json_as_bool(json_field(with(json_field(shown_order(last_order()), "gates"), "gate", "agreed"), field), &yes));
    return yes;
}

/* S0-22: what both sides prepare is confirmed in writing; who drives without it is not stopped, and the order says so. */
static void what_was_not_agreed_is_marked(void **state)
{
    (void)state;
    begin("swh_standard");
    fault("card-1", "pump_no_flow", FAULT_RAISED, 2);
    assert_int_equal(act(last_ticket(), "assign", "{\"technician\":\"h\"}"), ERR_OK);
    assert_false(agreed_is("missed"));
    assert_int_equal(work("depart", "{}"), ERR_OK);
    assert_true(agreed_is("missed"));
    assert_int_equal(work("confirm", "{\"gate\":\"agreed\",\"by\":\"Li\"}"), ERR_FORMAT);
    assert_non_null(strstr(said_why, "reference"));
    pass(MINUTE);
    assert_int_equal(work("confirm", "{\"gate\":\"agreed\",\"by\":\"Li\",\"reference\":\"mail of today\"}"), ERR_OK);
    assert_true(agreed_is("missed")); /* too late */

    fault("old-1", "pump_no_flow", FAULT_RAISED, 2);
    assert_int_equal(act(last_ticket(), "assign", "{\"technician\":\"h\"}"), ERR_OK);
    assert_int_equal(work("confirm", "{\"gate\":\"agreed\",\"by\":\"Li\",\"reference\":\"mail of today\"}"), ERR_OK);
    pass(MINUTE);
    assert_int_equal(work("depart", "{}"), ERR_OK);
    assert_false(agreed_is("missed"));
    end();
}

/* S0-83: whoever reports a fault of running equipment, by whatever plan, is owed somebody on site. */
static void every_reported_fault_has_an_arrival_clock(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        int64_t ticket;

        begin(plans[i]);
        ticket = report("{\"equipment\":\"card-1\",\"note\":\"it hums\",\"channel\":\"phone\"}");
        assert_true(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE ticket = ?1 AND stop = 'arrived' AND started_ms = ?2", "ii", ticket, now_ms) > 0);
        /* S0-107: nobody named a grade: it is the mildest */
        assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", ticket), 3);
        assert_string_equal(json_text_or(shown_ticket(ticket), "contract", ""), "con-7"); /* S2-01 */
        /* S0-90: its place is the user's site */
        assert_string_equal(json_text_or(shown_order(last_order()), "site", ""), "s");
        assert_string_equal(json_text_or(shown_order(last_order()), "address", ""), "1 Road");
        end();
    }
}

/* ------------------------------------------------------------------ channels */

/* S1-52 S1-53 S2-20 S2-32 S3-15: a question by mail is answered in the desk's hours, one by phone at any hour; a fault is
 * taken in at any hour, however it comes. How it came stays with it. */
static void channels_have_their_hours(void **state)
{
    static const struct {
        const char *plan, *kind, *channel, *due;
    } rows[] = {
        /* Tuesday 20:00; Thursday is a holiday; 24 h of nine-hour days: Wednesday, Friday, Monday until 14:30 */
        {"generic_24_48", "consultation", "e-mail", "2026-11-30T14:30:00+08:00"},
        {"generic_24_48", "complaint", "social", "2026-11-30T14:30:00+08:00"},
        {"generic_24_48", "consultation", "phone", "2026-11-25T20:00:00+08:00"},
        {"generic_24_48", "fault", "e-mail", "2026-11-25T20:00:00+08:00"},
        {"generic_emergency_2h", "consultation", "chat", "2026-11-25T20:00:00+08:00"},
        {"swh_standard", "consultation", "web", "2026-11-24T20:30:00+08:00"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char said[200];
        int64_t ticket;

        begin(rows[i].plan);
        now_ms += 10 * HOUR;
        snprintf(said, sizeof(said), "{\"kind\":\"%s\",\"equipment\":\"card-1\",\"channel\":\"%s\",\"note\":\"how\"}", rows[i].kind, rows[i].channel);
        ticket = report(said);
        assert_string_equal(due_of(ticket, "response"), rows[i].due);
        assert_string_equal(json_text_or(shown_ticket(ticket), "channel", ""), rows[i].channel);
        end();
    }
}

/* ------------------------------------------------------------------ what a customer sees */

/* S0-45: he sees how it goes and not what the company knows: no causes, odds, parts, evidence, people or prices. */
static void the_company_keeps_its_knowledge(void **state)
{
    static const char *const open[] = {"number", "state", "next", "title", "registered_at", "cleared_at", "closed_at",
                                       "advice", "appointment", "history", "clocks", "quotation", "complaints", "documents", NULL};
    struct json_out out = json_out(1 << 20);
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault("card-1", "pump_no_flow", FAULT_RAISED, 2);
    ticket = last_ticket();
    assert_int_equal(act(ticket, "diagnose", "{\"cause\":\"impeller of batch 7\"}"), ERR_OK);
    assert_int_equal(act(ticket, "note", "{\"note\":\"Wang says batch 7\"}"), ERR_OK);
    assert_int_equal(view_track(sql, rules, ticket, now_ms, &out), ERR_OK);
    assert_null(strstr(out.bytes, "batch 7"));
    assert_null(strstr(out.bytes, "odds"));
    assert_null(strstr(out.bytes, "Li"));
    for (const struct cJSON *field = json_first(parsed(&out)); field; field = json_next(field)) {
        bool known = false;

        for (size_t i = 0; open[i]; i++) {
            known = known || strcmp(json_name(field), open[i]) == 0;
        }
        if (!known) {
            fail_msg("a customer sees '%s'", json_name(field));
        }
    }
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE customer IS NOT NULL AND body LIKE '%batch 7%'", ""), 0);
    end();
}

/* ------------------------------------------------------------------ dangers */

/* S0-72 F-12 F-13: what may hurt somebody is grade 1 at once, an emergency, and the customer is told what to do. */
static void dangers_are_emergencies(void **state)
{
    static const struct {
        const char *profile, *fault;
    } rows[] = {{"swh-basic", "leak_current_trip"}, {"swh-basic", "tank_overheat"},  {"swh-basic", "heater_welded"},
                {"swh-basic", "over_pressure"},     {"solvis-sc3", "store_overheat"}, {"house-log", "store_overheat"},
                {"lg-therma-v", "tank_overheat"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct profile *profile = rules_profile(rules, rows[i].profile);
        int index = profile_fault(profile, rows[i].fault);
        const struct fault_rule *rule = &profile->faults[index];

        assert_true(index >= 0 && rule->safety && rule->grade == 1 && rule->advice.en && rule->advice.zh);
    }
    begin("swh_standard");
    fault("card-1", "tank_overheat", FAULT_RAISED, 1);
    assert_int_equal(act(last_ticket(), "regrade", "{\"grade\":2,\"reason\":\"mixing valve\"}"), ERR_OK);
    assert_string_equal(json_text_or(json_field(shown_ticket(last_ticket()), "classification"), "urgency", ""), "emergency");
    end();
}

/* S0-107: grade 3 is what a profile calls neither 1 nor 2; its clocks are the plan's for grade 3. */
static void the_mildest_grade(void **state)
{
    (void)state;
    begin("tiered_abc");
    fault("card-1", "flow_sensor_dead", FAULT_RAISED, 3);
    assert_string_equal(due_of(last_ticket(), "response"), "2026-11-24T12:00:00+08:00");  /* B: 2 h */
    assert_string_equal(due_of(last_ticket(), "onsite"), "2026-11-25T10:00:00+08:00"); /* 24 h */
    fault("card-1", "pump_weak", FAULT_RAISED, 2);
    assert_string_equal(due_of(last_ticket(), "onsite"), "2026-11-24T22:00:00+08:00"); /* 12 h */
    end();
}

/* ------------------------------------------------------------------ the same again, refusals */

/* F-24 S1-41: a caller who cannot name the fault is shown the ticket before; when telemetry names the same fault, it is a
 * repeat as any other. */
static void a_caller_comes_back(void **state)
{
    int64_t before, ticket;

    (void)state;
    begin("swh_standard");
    fault("card-1", "pump_weak", FAULT_RAISED, 3);
    before = last_ticket();
    fault("card-1", "pump_weak", FAULT_CLEARED, 3);
    pass(HOUR);
    assert_int_equal(act(before, "close", "{\"resolution\":\"adjusted\"}"), ERR_OK);
    pass(2 * DAY);
    ticket = report("{\"equipment\":\"card-1\",\"note\":\"cold again\"}");
    assert_int_equal(sql_find_int(sql, 0, "SELECT earlier FROM ticket WHERE id = ?1", "i", ticket), before);
    assert_int_equal(sql_find_int(sql, 0, "SELECT rework FROM ticket WHERE id = ?1", "i", ticket), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", ticket), 3);
    fault("card-1", "pump_weak", FAULT_RAISED, 3);
    assert_int_equal(last_ticket(), ticket);
    assert_int_equal(sql_find_int(sql, 0, "SELECT rework FROM ticket WHERE id = ?1", "i", ticket), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", ticket), 2); /* one more severe */
    assert_string_equal(json_text_or(json_field(shown_ticket(ticket), "classification"), "competence", ""), "non_routine");
    /* long ago is not before; a question is about no fault */
    assert_int_equal(sql_find_int(sql, 0, "SELECT earlier FROM ticket WHERE id = ?1", "i", report("{\"kind\":\"consultation\",\"equipment\":\"card-1\",\"note\":\"x\"}")), 0);
    now_ms += 60 * DAY;
    assert_int_equal(sql_find_int(sql, 0, "SELECT earlier FROM ticket WHERE id = ?1", "i", report("{\"equipment\":\"old-1\",\"note\":\"x\"}")), 0);
    end();
}

/* S0-141: whoever refuses says why by a code of the company or of the plan, which stays with the assignment; a word that
 * is none is told which there are; none at all is `other`. */
static void refusals_have_codes(void **state)
{
    static const struct {
        const char *said, *kept; /* kept NULL: refused */
    } rows[] = {{"{\"code\":\"wrong_skill\"}", "wrong_skill"}, {"{\"code\":\"no_capacity\"}", "no_capacity"}, {"{\"code\":\"bored\"}", NULL},
                {"{\"reason\":\"the road is closed\"}", "other"}, {"{}", "other"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin("swh_standard");
        fault("card-1", "pump_weak", FAULT_RAISED, 3);
        assert_int_equal(act(last_ticket(), "dispatch", "{\"team\":\"t\"}"), ERR_OK);
        pass(MINUTE);
        assert_int_equal(work("refuse", rows[i].said), rows[i].kept ? ERR_OK : ERR_FORMAT);
        if (rows[i].kept) {
            assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM assignment WHERE ticket = ?1 AND reason = ?2 AND refused_ms IS NOT NULL", "it",
                                          last_ticket(), rows[i].kept), 1);
        } else {
            assert_non_null(strstr(said_why, "wrong_skill"));
            assert_non_null(strstr(said_why, "no_capacity"));
        }
        end();
    }
}

/* ------------------------------------------------------------------ late and out of order */

static int64_t met_ms(int64_t ticket, const char *kind)
{
    return sql_find_int(sql, 0, "SELECT met_ms FROM clock WHERE ticket = ?1 AND kind = ?2", "it", ticket, kind);
}

/* S1-43: what the customer objects to was not repaired when it seemed so: the promise runs on until it is. */
static void an_objection_takes_the_clearing_back(void **state)
{
    int64_t ticket;

    (void)state;
    begin("generic_24_48");
    fault("card-1", "pump_weak", FAULT_RAISED, 2);
    ticket = last_ticket();
    pass(HOUR);
    fault("card-1", "pump_weak", FAULT_CLEARED, 2);
    pass(HOUR);
    assert_true(met_ms(ticket, "repair") > 0);
    assert_int_equal(act(ticket, "object", "{\"reason\":\"it is cold still\"}"), ERR_OK);
    assert_int_equal(met_ms(ticket, "repair"), 0);
    assert_int_equal(json_field(shown_ticket(ticket), "cleared_at") && json_is_null(json_field(shown_ticket(ticket), "cleared_at")), 1);
    pass(20 * DAY);
    assert_int_equal(act(ticket, "close", "{\"resolution\":\"valve exchanged\"}"), ERR_OK);
    assert_int_equal(met_ms(ticket, "repair"), now_ms);
    assert_true(sql_find_int(sql, 0, "SELECT breached_ms FROM clock WHERE ticket = ?1 AND kind = 'repair'", "i", ticket) > 0);
    end();
}

/* A grade that somebody said earlier and sent later is not the last word. */
static void the_last_grade_is_the_last_one_said(void **state)
{
    int64_t ticket, before_ms;

    (void)state;
    begin("swh_standard");
    fault("card-1", "pump_weak", FAULT_RAISED, 2);
    ticket = last_ticket();
    pass(HOUR);
    before_ms = now_ms;
    pass(HOUR);
    assert_int_equal(act(ticket, "regrade", "{\"grade\":3,\"reason\":\"it is warm\"}"), ERR_OK);
    pass(MINUTE);
    assert_int_equal(act_late(ticket, "regrade", "{\"grade\":1,\"reason\":\"no water\"}", before_ms), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", ticket), 3);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket_event WHERE ticket = ?1 AND action = 'regrade' AND at_ms = ?2", "ii", ticket, before_ms), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket_event WHERE ticket = ?1 AND action = 'overtaken'", "i", ticket), 1);
    /* telemetry has made it worse since: what was said before does not make it milder again */
    pass(HOUR);
    before_ms = now_ms;
    pass(HOUR);
    fault("card-1", "pump_weak", FAULT_REGRADED, 1);
    pass(MINUTE);
    assert_int_equal(act_late(ticket, "regrade", "{\"grade\":2,\"reason\":\"lukewarm\"}", before_ms), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id = ?1", "i", ticket), 1);
    end();
}

static const char *text_of(int64_t ticket, const char *field, const char *of)
{
    return json_text_or(json_field(shown_ticket(ticket), field), of, "");
}

static int64_t lines_of(int64_t ticket, const char *action)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket_event WHERE ticket = ?1 AND action = ?2", "it", ticket, action);
}

/* What phones that were offline send afterwards: the younger fact counts, the late one stands in the time line as it was said. */
static void what_is_said_late_overrules_nothing_younger(void **state)
{
    int64_t ticket, ten_ms;

    (void)state;
    begin("tiered_abc");
    fault("card-1", "pump_weak", FAULT_RAISED, 2);
    ticket = last_ticket();
    pass(HOUR);
    ten_ms = now_ms;
    pass(HOUR);
    assert_int_equal(act(ticket, "classify", "{\"field\":\"domain\",\"value\":\"software\",\"reason\":\"log\"}"), ERR_OK);
    assert_int_equal(act(ticket, "diagnose", "{\"cause\":\"wrong curve\",\"responsible_party\":\"supplier\"}"), ERR_OK);
    assert_int_equal(act(ticket, "plan_solution", "{\"plan\":\"set the curve\"}"), ERR_OK);
    assert_int_equal(act(ticket, "amend", "{\"wishes\":\"before noon\"}"), ERR_OK);
    pass(HOUR);
    assert_int_equal(act_late(ticket, "classify", "{\"field\":\"domain\",\"value\":\"hardware\",\"reason\":\"noise\"}", ten_ms), ERR_OK);
    assert_string_equal(text_of(ticket, "classification", "domain"), "software");
    assert_int_equal(act_late(ticket, "classify", "{\"field\":\"competence\",\"value\":\"non_routine\",\"reason\":\"odd\"}", ten_ms), ERR_OK);
    assert_string_equal(text_of(ticket, "classification", "competence"), "non_routine"); /* of that nobody has said anything since */
    assert_int_equal(act_late(ticket, "diagnose", "{\"cause\":\"worn pump\",\"domain\":\"hardware\",\"responsible_party\":\"customer\",\"plan\":\"exchange it\"}", ten_ms), ERR_OK);
    assert_string_equal(text_of(ticket, "diagnosis", "cause"), "wrong curve");
    assert_string_equal(text_of(ticket, "classification", "responsible_party"), "supplier");
    assert_string_equal(text_of(ticket, "classification", "domain"), "software");
    assert_int_equal(act_late(ticket, "plan_solution", "{\"plan\":\"call\"}", ten_ms), ERR_FORMAT); /* before any cause: `at` */
    assert_string_equal(text_of(ticket, "solution", "plan"), "set the curve");
    assert_int_equal(act_late(ticket, "amend", "{\"wishes\":\"at night\",\"address\":\"7 Hill Lane\"}", ten_ms), ERR_OK);
    assert_string_equal(text_of(ticket, "caller", "wishes"), "before noon");
    assert_string_equal(text_of(ticket, "caller", "address"), "7 Hill Lane");
    assert_int_equal(lines_of(ticket, "classify"), 3);
    assert_int_equal(lines_of(ticket, "diagnose"), 2);
    assert_int_equal(lines_of(ticket, "overtaken"), 3);
    assert_int_equal(sql_find_int(sql, 0, "SELECT at_ms FROM ticket_event WHERE ticket = ?1 AND action = 'diagnose' ORDER BY at_ms LIMIT 1", "i", ticket), ten_ms);
    end();
}

static int64_t clocks_of(int64_t ticket, const char *limit)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE ticket = ?1 AND cancelled_ms IS NULL AND instr(limit_text, ?2) > 0", "it", ticket, limit);
}

/* S0-106, second limb: a danger that has hurt nothing yet is a ticket of grade 2 with grade 2's clocks; grade 1 when it happens. */
static void a_latent_danger_is_grade_2(void **state)
{
    char number[32];
    bool merged;
    int64_t ticket, clocks;
    const struct cJSON *body = NULL;
    struct arena *arena;
    struct action report = {.action = "register", .who = "ann", .role = ROLE_DISPATCHER};
    TEXT(why, 300);
    int rule = profile_fault(rules_profile(rules, "swh-basic"), "freeze_risk");

    (void)state;
    assert_true(rule >= 0 && rules_profile(rules, "swh-basic")->faults[rule].danger && rules_profile(rules, "swh-basic")->faults[rule].grade == 2);
    begin("tiered_abc");
    fault("card-1", "freeze_risk", FAULT_RAISED, 2);
    ticket = last_ticket();
    assert_true(json_bool_or(shown_ticket(ticket), "danger", false));
    assert_int_equal(json_int_or(shown_ticket(ticket), "grade", 0), 2);
    clocks = clocks_of(ticket, "");
    assert_true(clocks > 3);
    pass(HOUR);
    fault("card-1", "freeze_risk", FAULT_REGRADED, 1); /* it has frozen */
    assert_int_equal(json_int_or(shown_ticket(ticket), "grade", 0), 1);
    fault("old-1", "sensors_swapped", FAULT_RAISED, 3);
    assert_false(json_bool_or(shown_ticket(last_ticket()), "danger", true));
    /* what somebody predicts is one too, and is never grade 3 */
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, "{\"kind\":\"prediction\",\"equipment\":\"old-1\",\"grade\":3}", 51, &body, NULL), ERR_OK);
    report.body = body;
    assert_int_equal(desk_report(desk, sql, &report, now_ms, number, &merged, &why), ERR_FORMAT);
    assert_non_null(strstr(why.at, "S0-106"));
    assert_int_equal(json_parse(arena, "{\"kind\":\"prediction\",\"equipment\":\"old-1\"}", 41, &body, NULL), ERR_OK);
    report.body = body;
    assert_int_equal(desk_report(desk, sql, &report, now_ms, number, &merged, &why), ERR_OK);
    ticket = sql_find_int(sql, 0, "SELECT id FROM ticket WHERE number = ?1", "t", number);
    assert_int_equal(json_int_or(shown_ticket(ticket), "grade", 0), 2);
    assert_true(json_bool_or(shown_ticket(ticket), "danger", false));
    assert_true(clocks_of(ticket, "") > 3);
    arena_close(arena);
    end();
}

/* Who goes and when was said at ten by a phone that was offline, and at eleven by somebody else. */
static void an_assignment_said_late_moves_nothing(void **state)
{
    int64_t ticket, ten_ms;

    (void)state;
    begin("swh_standard");
    fault("card-1", "pump_weak", FAULT_RAISED, 2);
    ticket = last_ticket();
    pass(HOUR);
    ten_ms = now_ms;
    pass(HOUR);
    assert_int_equal(act(ticket, "assign", "{\"technician\":\"h\",\"appointment\":{\"from\":\"2026-11-25T10:00:00+08:00\",\"to\":\"2026-11-25T11:00:00+08:00\"},\"override\":{\"reason\":\"near\"}}"), ERR_OK);
    pass(HOUR);
    assert_int_equal(act_late(ticket, "assign", "{\"technician\":\"h\",\"appointment\":{\"from\":\"2026-11-25T08:00:00+08:00\",\"to\":\"2026-11-25T09:00:00+08:00\"},\"override\":{\"reason\":\"near\"}}", ten_ms), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT from_ms FROM work_order WHERE ticket = ?1", "i", ticket), civil_days(2026, 11, 25) * DAY + 2 * HOUR);
    assert_int_equal(act_late(ticket, "dispatch", "{\"team\":\"t\"}", ten_ms), ERR_OK);
    assert_string_equal(json_text_or(shown_ticket(ticket), "state", ""), "assigned");
    assert_int_equal(lines_of(ticket, "overtaken"), 2);
    end();
}

/* S0-36: the crew called at eleven; that it was assigned at ten is said at twelve. The promise is kept all the same. */
static void a_contact_before_the_news_of_the_crew(void **state)
{
    int64_t ticket, ten_ms;

    (void)state;
    begin("generic_24_48, overlays: [two_person_warranty]");
    fault("card-1", "pump_weak", FAULT_RAISED, 2);
    ticket = last_ticket();
    ten_ms = now_ms;
    pass(HOUR);
    assert_int_equal(act(ticket, "contact", "{\"channel\":\"phone\"}"), ERR_OK);
    pass(HOUR);
    assert_int_equal(act_late(ticket, "assign", "{\"technician\":\"h\",\"override\":{\"reason\":\"x\"}}", ten_ms), ERR_OK);
    assert_int_equal(met_ms(ticket, "first_contact"), ten_ms + HOUR);
    end();
}

/* ------------------------------------------------------------------ what is not known */

static void heard(const char *point, double value, int quality, int64_t t_ms)
{
    assert_int_equal(sql_run(sql, "INSERT INTO point (equipment, name) SELECT id, ?1 FROM equipment WHERE name = 'card-1' ON CONFLICT DO NOTHING", "t", point), ERR_OK);
    assert_int_equal(sql_run(sql,
                             "INSERT INTO last (point, t_ms, value, quality) SELECT p.id, ?2, ?3, ?4 FROM point p JOIN equipment e ON e.id ="
                             " p.equipment WHERE e.name = 'card-1' AND p.name = ?1 ON CONFLICT (point) DO UPDATE SET t_ms = excluded.t_ms, value"
                             " = excluded.value, quality = excluded.quality",
                             "tidi", point, t_ms, value, (int64_t)quality),
                     ERR_OK);
}

static bool is_unknown(int64_t ticket)
{
    bool unknown = false;

    assert_true(json_as_bool(json_field(shown_ticket(ticket), "unknown"), &unknown));
    return unknown;
}

/* Whether a fault stands is not known while one of its own inputs is not good, unless the others say it alone; then
 * nothing is proved either. F-04 */
static void a_bad_input_makes_unknown(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault("card-1", "pump_no_flow", FAULT_RAISED, 2);
    ticket = last_ticket();
    assert_false(is_unknown(ticket)); /* a gateway that tells faults and no readings */
    heard("pump_on", 1, 0, now_ms);
    heard("flow", 0, 0, now_ms);
    assert_false(is_unknown(ticket));
    heard("flow", 0, 2, now_ms); /* a time-out */
    assert_true(is_unknown(ticket));
    heard("pump_on", 0, 0, now_ms); /* it stands: no flow is right, whatever the sensor says */
    assert_false(is_unknown(ticket));
    heard("pump_on", 1, 0, now_ms);
    heard("flow", 0, 0, now_ms - 10 * HOUR); /* good, and old */
    assert_true(is_unknown(ticket));

    heard("flow", 5, 0, now_ms);
    fault("card-1", "pump_no_flow", FAULT_CLEARED, 2);
    pass(10 * MINUTE);
    heard("flow", 5, 2, now_ms);
    pass(3 * HOUR); /* the hold is half an hour */
    assert_string_not_equal(json_text_or(shown_ticket(ticket), "state", ""), "cleared");
    heard("flow", 5, 0, now_ms);
    pass(HOUR);
    assert_string_equal(json_text_or(shown_ticket(ticket), "state", ""), "cleared");
    end();
}

/* ------------------------------------------------------------------ what should be looked at */

/* C-25, S0-116: a depot that is too far from a site for the promised spare, a component of no class: said with its place,
 * and the file is taken all the same. */
static void an_import_warns(void **state)
{
    static const char file[] =
        "depots: [{id: d, lat: 31.2, lon: 121.5}, {id: nowhere}]\n"
        "sites:\n"
        "  - {id: near, customer: c, lat: 31.3, lon: 121.4}\n"
        "  - {id: far, customer: c, lat: 29.0, lon: 119.0}\n"   /* 340 km, 11 h by road */
        "  - {id: farther, customer: c, lat: 27.0, lon: 117.0}\n"
        "  - {id: unknown, customer: c}\n"
        "equipment: [{id: n, site: near, profile: swh-basic, agent: a, components: [{class: tank}, {class: gold_leaf}]}]\n"
        "contracts:\n"
        "  - {id: one, customer: c, sites: [near, far, farther, unknown], plan: tiered_abc}\n"
        "  - {id: two, customer: c, sites: [near, unknown], plan: tiered_abc}\n"
        "  - {id: three, customer: c, sites: [far], plan: generic_24_48}\n"; /* promises no spare */
    struct complaints complaints = {.path = "f.yaml", .arena = room};
    struct yaml_node *root;
    int64_t changed;

    (void)state;
    begin("swh_standard");
    arena_reset(room);
    assert_int_equal(fleet_check(room, sql, rules, file, strlen(file), &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    assert_int_equal(fleet_advise(sql, rules, root, &complaints), ERR_OK);
    assert_int_equal(complaints.count, 0);
    assert_int_equal(complaints.warning_count, 2);
    assert_ptr_equal(strstr(complaints.warnings[0], "f.yaml:9:35: warning: expected a depot within 4.0 h"), complaints.warnings[0]);
    assert_non_null(strstr(complaints.warnings[0], "found 2 farther away: site farther 2"));
    assert_ptr_equal(strstr(complaints.warnings[1], "f.yaml:7:99: warning: expected a warranty class of a plan, found 'gold_leaf'"), complaints.warnings[1]);
    end();
}

/* ------------------------------------------------------------------ figures */

/* The sum of a figure's values (and of its weights) over the groups that begin so. */
static double figure(const struct figures *all, const char *name, const char *group, double *ret_weight)
{
    double sum = 0, weight = 0;
    struct sql_rows rows;

    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->list[i].name, name) != 0) {
            continue;
        }
        sql_find(sql, &rows, all->list[i].statement, "iiiiit", (int64_t)0, now_ms + DAY, (int64_t)0, (int64_t)99999, now_ms, NULL);
        while (sql_next(&rows)) {
            if (!group || strncmp(sql_text(&rows, 0), group, strlen(group)) == 0) {
                sum += sql_real(&rows, 5);
                weight += sql_real(&rows, 6);
            }
        }
        assert_int_equal(sql_end(&rows), ERR_OK);
    }
    if (ret_weight) {
        *ret_weight = weight;
    }
    return sum;
}

static void visit(int64_t ticket)
{
    static const char *const moves[] = {"depart", "arrive", "start", "finish"};

    assert_int_equal(act(ticket, "assign", "{\"technician\":\"h\",\"override\":{\"reason\":\"x\"}}"), ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        if (work(moves[i], "{\"override\":{\"code\":\"emergency\"}}")) {
            fail_msg("%s", said_why);
        }
        pass(MINUTE);
    }
}

/* A first visit counts as a fix when telemetry has said so, and not before; a second visit undoes it. */
static void first_time_fix_is_what_telemetry_says(void **state)
{
    double weight;
    int64_t ticket;

    (void)state;
    begin("generic_24_48");
    fault("card-1", "pump_no_flow", FAULT_RAISED, 2);
    visit(ticket = last_ticket());
    assert_int_equal(act(ticket, "close", "{\"resolution\":\"pump exchanged\"}"), ERR_OK);
    assert_true(figure(&figures_repair, "first-time fix", NULL, &weight) < 0.5 && weight < 0.5); /* nobody knows yet */
    fault("card-1", "pump_no_flow", FAULT_CLEARED, 2);
    pass(HOUR);
    assert_true(figure(&figures_repair, "first-time fix", NULL, &weight) > 0.5 && weight > 0.5);

    fault("card-1", "pump_weak", FAULT_RAISED, 2);
    visit(ticket = last_ticket());
    pass(HOUR); /* the fault stands */
    visit(ticket);
    fault("card-1", "pump_weak", FAULT_CLEARED, 2);
    pass(HOUR);
    assert_true(figure(&figures_repair, "first-time fix", NULL, &weight) < 1.5 && weight > 1.5 && weight < 2.5);
    end();
}

/* S1-61 S2-43: each clock that was missed, how long over, and for which reason how much of it does not count. */
static void breaches_with_their_exempt_time(void **state)
{
    double weight, hours;
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    fault("card-1", "pump_weak", FAULT_RAISED, 2);
    ticket = last_ticket();
    pass(10 * MINUTE);
    assert_int_equal(act(ticket, "pause", "{\"reason\":\"customer_absent\"}"), ERR_OK);
    pass(2 * HOUR);
    assert_int_equal(act(ticket, "resume", "{}"), ERR_OK);
    pass(HOUR + 20 * MINUTE); /* the response was due 20 minutes after the pause */
    assert_int_equal(act(ticket, "respond", "{}"), ERR_OK);
    hours = figure(&figures_service, "time over the promise", "response", &weight);
    assert_true(weight > 0.5 && weight < 1.5 && hours > 0.99 && hours < 1.01);
    hours = figure(&figures_service, "exempt time", "customer_absent", &weight);
    assert_true(weight > 0.5 && hours > 1.99 && hours < 2.01);
    assert_true(figure(&figures_service, "exempt time", "force_majeure", NULL) < 0.01);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(service_goes_on_after_the_warranty),
        cmocka_unit_test(the_card_is_not_needed),
        cmocka_unit_test(what_was_not_agreed_is_marked),
        cmocka_unit_test(every_reported_fault_has_an_arrival_clock),
        cmocka_unit_test(channels_have_their_hours),
        cmocka_unit_test(the_company_keeps_its_knowledge),
        cmocka_unit_test(dangers_are_emergencies),
        cmocka_unit_test(the_mildest_grade),
        cmocka_unit_test(an_import_warns),
        cmocka_unit_test(a_caller_comes_back),
        cmocka_unit_test(an_objection_takes_the_clearing_back),
        cmocka_unit_test(the_last_grade_is_the_last_one_said),
        cmocka_unit_test(what_is_said_late_overrules_nothing_younger),
        cmocka_unit_test(a_latent_danger_is_grade_2),
        cmocka_unit_test(an_assignment_said_late_moves_nothing),
        cmocka_unit_test(a_contact_before_the_news_of_the_crew),
        cmocka_unit_test(refusals_have_codes),
        cmocka_unit_test(a_bad_input_makes_unknown),
        cmocka_unit_test(first_time_fix_is_what_telemetry_says),
        cmocka_unit_test(breaches_with_their_exempt_time),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-terms-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (arena_open(8 << 20, &room) || rules_open("models/equipment", "models/plans", say, NULL, &rules) ||
        rules_add_jobs(rules, "models/jobs") || rules_add_codes(rules, "models/codes.yaml") ||
        rules_add_notices(rules, "models/notices")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    arena_close(room);
    return failed;
}
