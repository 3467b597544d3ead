/* Notices that no person asked for, under a clock that the test turns: each comes once, and to those it is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/base/civil.h"
#include "server/case/customer.h"
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

#define MANY 450 /* more than the desk judges in two turns */

static char fleet[128 * 1024];

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...)
{
    size_t size = strlen(fleet);
    va_list list;

    va_start(list, format);
    vsnprintf(fleet + size, sizeof(fleet) - size, format, list);
    va_end(list);
}

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

/* What stands in fleet. */
static void import(void)
{
    struct arena *arena;
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    int64_t changed;

    assert_int_equal(arena_open(32 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    assert_int_equal(fleet_check(arena, sql, rules, fleet, strlen(fleet), &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    arena_close(arena);
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
}

static const char people[] =
    "customers: [{id: c, name: Li, email: li@example.cn, language: en}, {id: d, name: Bo, email: bo@example.cn}]\n"
    "calendars: [{id: k, time_zone: Asia/Shanghai, week: {mon: ['08:30-17:30'], tue: ['08:30-17:30'],"
    " wed: ['08:30-17:30'], thu: ['08:30-17:30'], fri: ['08:30-17:30']}}]\n"
    "sites:\n"
    "  - {id: s, customer: c, name: Home, time_zone: Asia/Shanghai, calendar: k}\n"
    "  - {id: z, customer: d, name: Hotel, time_zone: Asia/Shanghai, calendar: k}\n";

/* Tuesday, 24 November 2026, 10:00 in Shanghai. The fleet stands in `fleet`. */
static void begin(void)
{
    static const char *const hooks[] = {"http://127.0.0.1:1/", NULL};
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard",
                                     .webhooks = hooks, .has_smtp = true, .digest_minute = 8 * 60,
                                     .public_url = "https://heaters.example"};
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 11, 24) * DAY + 2 * HOUR;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK); /* one transaction a test: nothing has to reach the disk */
    import();
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
    fleet[0] = '\0';
}

static int64_t look(void)
{
    int64_t next_ms = now_ms;

    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
    return next_ms;
}

/* Time goes on: the desk looks when it said it would. */
static void pass(int64_t ms)
{
    int64_t until = now_ms + ms;

    while (now_ms < until) {
        int64_t next_ms = look();

        now_ms = next_ms > until ? until : next_ms > now_ms ? next_ms : now_ms + 1;
    }
    (void)look();
}

/* As a server that looks seldom. */
static void leap(int64_t until_ms)
{
    now_ms = until_ms;
    for (int i = 0; i < 40; i++) {
        (void)look();
        now_ms += 200;
    }
}

static int64_t rows_of(const char *channel, const char *part)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE channel = ?1 AND instr(key, ?2) > 0", "tt", channel, part);
}

static int64_t body_has(const char *part, const char *words)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM outbox WHERE channel = 'webhook' AND instr(key, ?1) > 0 AND instr(body, ?2) > 0",
                        "tt", part, words);
}

/* Many pieces of equipment, one digest per kind and day; each duty is in exactly one as a warning, and in one as late. */
static void test_duties_are_told_in_digests(void **state)
{
    (void)state;
    add("%sequipment:\n", people);
    for (int i = 0; i < MANY; i++) {
        add("  - {id: e%d, site: s, profile: swh-basic, acceptance_date: '2026-01-06'}\n", i);
    }
    begin();
    pass(30 * MINUTE);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'remote_inspection' AND warned_ms > 0", ""),
                     MANY); /* November is through by three quarters */
    assert_int_equal(rows_of("log", "duty:remote_inspection:"), 1);
    assert_int_equal(rows_of("webhook", "duty:remote_inspection:2026-11-24"), 1);
    assert_int_equal(body_has("duty:remote_inspection:", "\"due_soon\":450,\"overdue\":0"), 1);
    assert_int_equal(body_has("duty:remote_inspection:", "\"name\":\"e0\""), 1);
    assert_int_equal(body_has("duty:remote_inspection:", "/api/v1/duties?kind=remote_inspection"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE untold IS NOT NULL", ""), 0);
    leap(now_ms + DAY);
    assert_int_equal(rows_of("log", "duty:remote_inspection:"), 1); /* nothing is told twice */
    assert_int_equal(sql_run(sql, "UPDATE clock SET met_ms = ?1, next_ms = NULL WHERE id = (SELECT MIN(id) FROM clock WHERE"
                                  " kind = 'remote_inspection')", "i", now_ms), ERR_OK);
    leap(civil_days(2026, 11, 30) * DAY + 17 * HOUR); /* December has begun there: the others are late */
    assert_int_equal(rows_of("log", "duty:remote_inspection:"), 1); /* people sleep */
    leap(civil_days(2026, 12, 1) * DAY);
    assert_int_equal(rows_of("log", "duty:remote_inspection:2026-12-01"), 1);
    assert_int_equal(body_has("duty:remote_inspection:2026-12-01", "\"due_soon\":0,\"overdue\":449"), 1);
    assert_int_equal(rows_of("log", "duty:"), rows_of("webhook", "duty:"));
    end();
}

static void fault(const char *name, enum fault_state state, int64_t onset_ms, int64_t cleared_ms, bool late)
{
    struct desk_fault what = {
        .equipment = sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name),
        .fault = "pump_no_flow",
        .state = state,
        .grade = 2,
        .onset_ms = onset_ms,
        .detected_ms = onset_ms + MINUTE,
        .cleared_ms = cleared_ms,
        .t_ms = state == FAULT_CLEARED ? cleared_ms : onset_ms + MINUTE,
        .late = late,
    };

    assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
    assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1", "i", now_ms), ERR_OK);
}

static int64_t told(const char *customer, const char *notice)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM outbox o JOIN customer c ON c.id = o.customer WHERE c.name = ?1 AND (?2 = '' OR"
                        " o.notice = ?2) AND (?2 <> '' OR o.ticket IS NOT NULL)",
                        "tt", customer, notice);
}

static void live(int64_t ms)
{
    for (int64_t until = now_ms + ms; now_ms < until; now_ms += 5 * MINUTE) {
        assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1", "i", now_ms), ERR_OK);
        (void)look();
    }
}

static const char two_heaters[] =
    "equipment:\n"
    "  - {id: e, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-01-06'}\n"
    "  - {id: f, site: z, profile: swh-basic, agent: b, acceptance_date: '2026-01-06'}\n";

/* A backlog brings a fault that was over: nobody is told of it, not when it is restored nor when it closes. */
static void test_nobody_is_told_of_the_past(void **state)
{
    int64_t ticket;

    (void)state;
    add("%s%s", people, two_heaters);
    begin();
    fault("e", FAULT_RAISED, now_ms - 9 * HOUR, 0, true);
    fault("e", FAULT_CLEARED, now_ms - 9 * HOUR, now_ms - 7 * HOUR, true);
    ticket = sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket", "");
    assert_true(ticket > 0);
    live(8 * DAY);
    assert_int_equal(sql_find_int(sql, 0, "SELECT closed_ms IS NOT NULL FROM ticket WHERE id = ?1", "i", ticket), 1);
    assert_int_equal(told("c", ""), 0);
    fault("f", FAULT_RAISED, now_ms - 2 * MINUTE, 0, false); /* one of now, through to its end */
    live(HOUR);
    assert_int_equal(told("d", "registered"), 1);
    fault("f", FAULT_CLEARED, now_ms - HOUR, now_ms, false);
    live(8 * DAY);
    assert_true(told("d", "result") >= 1);
    assert_int_equal(told("c", ""), 0);
    end();
}

/* S0-100: who may be turned to has changed: those whose plan owes it are told once; what does not leave stays owed. */
static void test_a_new_contact_is_told(void **state)
{
    const char *rest =
        "contracts:\n"
        "  - {id: x, customer: c, sites: [s], plan: swh_standard, overlays: [guarantee_maintenance], start: '2026-01-06'}\n"
        "  - {id: y, customer: d, sites: [z], plan: swh_standard, start: '2026-01-06'}\n"
        "contacts: [{id: hotline, name: Hotline, phone: '400 1'}]\n";
    char *phone;

    (void)state;
    add("%s%s%s", people, two_heaters, rest);
    begin();
    live(HOUR);
    import();
    live(HOUR);
    assert_int_equal(told("c", "contact") + told("d", "contact"), 0); /* new, and the same again: no change */
    phone = strstr(fleet, "400 1");
    memcpy(phone, "400 2", 5);
    import();
    live(HOUR);
    assert_int_equal(told("c", "contact"), 1);
    assert_int_equal(told("d", "contact"), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE notice = 'contact' AND instr(body, '400 2') > 0", ""), 1);
    import();
    live(HOUR);
    assert_int_equal(told("c", "contact"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'contact_change' AND met_ms IS NULL", ""), 1);
    assert_int_equal(sql_run(sql, "UPDATE outbox SET state = 'sent', sent_ms = ?1 WHERE notice = 'contact'", "i", now_ms), ERR_OK);
    live(HOUR);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'contact_change' AND met_ms IS NULL", ""), 0);
    memcpy(phone, "400 3", 5);
    import();
    live(HOUR);
    assert_int_equal(told("c", "contact"), 2);
    assert_int_equal(sql_run(sql, "UPDATE outbox SET state = 'given_up', why = 'refused' WHERE notice = 'contact' AND state ="
                                  " 'waiting'", ""), ERR_OK);
    live(5 * DAY);
    assert_true(rows_of("log", "duty:contact_change:") >= 1); /* people hear that it did not arrive */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'contact_change' AND breached_ms > 0 AND met_ms"
                                          " IS NULL", ""), 1);
    end();
}

/* S0-73, S3-01, S1-60: what comes is told ahead, each once: a visit before its window, classes that end on one day in one
 * notice, the agreement; not what is still far. */
static void test_customers_are_reminded(void **state)
{
    (void)state;
    add("%s%s", people,
        "equipment:\n"
        "  - {id: e, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-01-06'}\n"
        "  - {id: f, site: z, profile: swh-basic, agent: b, acceptance_date: '2026-02-20'}\n"
        "contracts: [{id: x, customer: c, sites: [s], plan: swh_standard, start: '2026-01-01', end: '2027-01-15'}]\n");
    begin();
    live(9 * HOUR); /* 19:00 there */
    assert_int_equal(told("c", "warranty_ends"), 1); /* one-year classes, accepted on 6 January */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE notice = 'warranty_ends' AND instr(body,"
                                          " '2027-01-0') > 0 AND instr(body, 'electrical') > 0", ""), 1);
    assert_int_equal(told("c", "agreement_ends"), 1);
    assert_int_equal(told("d", "agreement_ends"), 0);
    assert_int_equal(told("c", "visit"), 1); /* its window begins on 7 December */
    assert_int_equal(told("d", "visit") + told("d", "warranty_ends"), 0); /* a month and a half later */
    leap(civil_days(2027, 1, 12) * DAY);
    leap(now_ms + 2 * DAY);
    assert_int_equal(told("d", "visit"), 1);
    assert_int_equal(told("d", "warranty_ends"), 1);
    assert_int_equal(told("c", "visit"), 1);
    assert_int_equal(told("c", "warranty_ends"), 1);
    end();
}

static void act(const char *order, const char *words)
{
    const struct cJSON *body;
    struct arena *arena;
    TEXT(why, 400);
    enum err err;

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, words, strlen(words), &body, NULL), ERR_OK);
    struct action action = {.action = json_text_or(body, "action", ""), .who = "m", .role = ROLE_MANAGER, .body = body};
    err = desk_work_action(desk, sql, sql_find_int(sql, 0, "SELECT id FROM work_order WHERE number = ?1", "t", order), &action,
                           now_ms, &why);
    if (err) {
        print_message("%s\n", why.at);
    }
    assert_int_equal(err, ERR_OK);
    arena_close(arena);
}

/* S1-27: an appointment of a visit is told, and told again when it moves; whoever has not left half an hour before it ends
 * is late, once. */
static void test_appointments_and_late(void **state)
{
    (void)state;
    add("%s%s%s", people, two_heaters,
        "teams: [{id: t, name: Crew, sites: [s]}]\ntechnicians: [{id: w, name: Wang, team: t, phone: '139'}]\n");
    begin();
    assert_int_equal(sql_run(sql, "INSERT INTO work_order (number, kind, equipment, site, state, created_ms) SELECT 'W-1',"
                                  " 'preventive', id, site, 'dispatched', ?1 FROM equipment WHERE name = 'e'", "i", now_ms),
                     ERR_OK);
    act("W-1", "{\"action\":\"assign\",\"technician\":\"w\",\"appointment\":{\"from\":\"2026-11-24T14:00:00+08:00\",\"to\":"
               "\"2026-11-24T16:00:00+08:00\"}}");
    assert_int_equal(told("c", "appointment"), 1);
    act("W-1", "{\"action\":\"reschedule\",\"reason\":\"customer\",\"appointment\":{\"from\":\"2026-11-24T15:00:00+08:00\",\"to\":"
               "\"2026-11-24T17:00:00+08:00\"}}");
    assert_int_equal(told("c", "appointment"), 2);
    pass(6 * HOUR + 29 * MINUTE); /* 16:29 there */
    assert_int_equal(told("c", "late"), 0);
    pass(MINUTE);
    assert_int_equal(told("c", "late"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE notice = 'late' AND instr(body, 'Wang') > 0 AND"
                                          " instr(body, '2026-11-24') > 0", ""), 1);
    pass(3 * HOUR);
    assert_int_equal(told("c", "late"), 1);
    end();
}

/* S1-09 S1-55 S1-56 S1-04: asked a day after the end, once; answered once; a low score owes a call; periodically; no more
 * after opting out. */
static enum err answer(int64_t survey, const char *words)
{
    const struct cJSON *body;
    struct arena *arena;
    TEXT(why, 400);
    enum err err;

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, words, strlen(words), &body, NULL), ERR_OK);
    struct action action = {.action = "answer", .who = "customer", .body = body};
    err = desk_survey_answer(desk, sql, survey, &action, "web", now_ms, &why);
    arena_close(arena);
    return err;
}

static void test_surveys(void **state)
{
    const char *opt = "{\"topic\":\"survey\",\"out\":true}";
    const struct cJSON *body;
    struct arena *arena;
    int64_t survey;
    TEXT(why, 400);

    (void)state;
    add("%s%s%s", people, two_heaters,
        "contracts: [{id: x, customer: c, sites: [s], plan: swh_standard, start: '2026-06-01'}]\n");
    begin();
    fault("e", FAULT_RAISED, now_ms - 2 * MINUTE, 0, false);
    live(HOUR);
    fault("e", FAULT_CLEARED, now_ms - HOUR, now_ms, false);
    for (int i = 0; i < 300 && !sql_find_int(sql, 0, "SELECT closed_ms IS NOT NULL FROM ticket WHERE fault = 'pump_no_flow'", ""); i++) {
        live(HOUR);
    }
    assert_int_equal(told("c", "survey"), 0);
    live(22 * HOUR);
    assert_int_equal(told("c", "survey"), 0);
    live(3 * HOUR);
    assert_int_equal(told("c", "survey"), 1);
    survey = sql_find_int(sql, 0, "SELECT id FROM survey WHERE ticket IS NOT NULL", "");
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox o JOIN survey v ON instr(o.body, v.code) > 0 WHERE o.notice"
                                          " = 'survey'", ""), 1);
    assert_int_equal(answer(survey, "{\"attitude\":5,\"quality\":6,\"speed\":1}"), ERR_FORMAT);
    assert_int_equal(answer(survey, "{\"attitude\":5,\"quality\":4,\"speed\":2,\"comment\":\"slow\"}"), ERR_OK);
    assert_int_equal(answer(survey, "{\"attitude\":5,\"quality\":4,\"speed\":2}"), ERR_OK); /* the same again */
    assert_int_equal(answer(survey, "{\"attitude\":5,\"quality\":4,\"speed\":5}"), ERR_STATE);
    assert_int_equal(answer(999, "{\"attitude\":5,\"quality\":4,\"speed\":5}"), ERR_NOT_FOUND);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE subject = 'survey' AND kind = 'survey_callback' AND"
                                          " met_ms IS NULL AND note = 'slow'", ""), 1);
    live(6 * DAY); /* two working days are over: nobody called */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'survey_callback' AND breached_ms IS NOT NULL",
                                  ""), 1);
    assert_true(rows_of("log", "duty:survey_callback:") >= 1);
    assert_int_equal(told("c", "survey_periodic"), 1); /* half a year after the contract began: 28 November */
    assert_int_equal(told("d", "survey_periodic"), 0); /* without a contract */
    end();
    add("%s%s%s", people, two_heaters,
        "contracts: [{id: x, customer: c, sites: [s], plan: swh_standard, start: '2026-06-01'}]\n");
    begin();
    leap(civil_days(2026, 11, 30) * DAY);
    assert_int_equal(told("c", "survey_periodic"), 1);
    leap(civil_days(2027, 5, 20) * DAY);
    assert_int_equal(told("c", "survey_periodic"), 1);
    leap(civil_days(2027, 6, 10) * DAY);
    assert_int_equal(told("c", "survey_periodic"), 2);
    survey = sql_find_int(sql, 0, "SELECT MIN(id) FROM survey", "");
    assert_int_equal(answer(survey, "{\"attitude\":5,\"quality\":4,\"speed\":5}"), ERR_STATE); /* it has ended */
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, opt, strlen(opt), &body, NULL), ERR_OK);
    struct action action = {.action = "opt_out", .who = "customer", .body = body};
    assert_int_equal(desk_opt_out(desk, sql, sql_find_int(sql, 0, "SELECT id FROM customer WHERE name = 'c'", ""), &action, now_ms,
                                  &why), ERR_OK);
    arena_close(arena);
    leap(civil_days(2028, 2, 1) * DAY);
    assert_int_equal(told("c", "survey_periodic"), 2);
    end();
}

/* ------------------------------------------------------------------ a unit that was repaired in the depot */

static enum err on_order(int64_t order, const char *name, const char *body)
{
    struct action action = {.action = name, .who = "wang", .role = ROLE_DISPATCHER};
    struct arena *arena;
    enum err err;
    TEXT(why, 600);

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, body, strlen(body), &action.body, NULL), ERR_OK);
    err = desk_work_action(desk, sql, order, &action, now_ms, &why);
    if (err) {
        fail_msg("%s: %s", name, why.at);
    }
    arena_close(arena);
    pass(HOUR);
    return err;
}

static int64_t told_of(const char *notice, const char *words)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM outbox o JOIN customer c ON c.id = o.customer WHERE c.name = 'c' AND o.notice = ?1"
                        " AND o.channel = 'smtp' AND instr(o.body, ?2) > 0",
                        "tt", notice, words);
}

/* S3-20: ready when its check is passed, on its way with the number of the parcel; each once, to its customer alone. */
static void a_repaired_unit_comes_back(void **state)
{
    int64_t order, child;

    (void)state;
    add("%sequipment:\n  - {id: e, title: Roof heater, site: s, profile: swh-basic}\nparts: [{id: pump-15-60, class: electrical}]\n", people);
    begin();
    fault("e", FAULT_RAISED, now_ms - MINUTE, 0, false);
    pass(HOUR);
    order = sql_find_int(sql, 0, "SELECT id FROM work_order WHERE ticket IS NOT NULL", "");
    on_order(order, "use_part", "{\"part\":\"a clip\",\"old_goes\":\"depot_repair\",\"serial_old\":\"SN-9\"}");
    child = sql_find_int(sql, 0, "SELECT id FROM work_order WHERE parent = ?1", "i", order);
    on_order(child, "accept", "{}");
    on_order(child, "confirm", "{\"gate\":\"received\",\"by\":\"store\"}");
    on_order(child, "start", "{\"precautions\":[\"electric\"]}");
    on_order(child, "check", "{\"step\":\"found\",\"value\":\"winding\"}");
    on_order(child, "check", "{\"step\":\"repaired\",\"value\":\"repaired\"}");
    on_order(child, "check", "{\"step\":\"bench-test\",\"value\":true}");
    on_order(child, "finish", "{}");
    on_order(child, "confirm", "{\"gate\":\"qc\",\"by\":\"Zhao\"}");
    assert_int_equal(told_of("unit_ready", ""), 0); /* repaired is not yet checked */
    on_order(child, "verify", "{}");
    assert_int_equal(told_of("unit_ready", "Roof heater"), 1);
    assert_int_equal(told_of("unit_shipped", ""), 0);
    on_order(child, "confirm", "{\"gate\":\"shipped\",\"by\":\"store\",\"reference\":\"SF-1077\"}");
    assert_int_equal(told_of("unit_shipped", "SF-1077"), 1);
    on_order(child, "close", "{}");
    pass(DAY);
    assert_int_equal(told_of("unit_ready", ""), 1);
    assert_int_equal(told_of("unit_shipped", ""), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox o JOIN customer c ON c.id = o.customer WHERE c.name <> 'c'", ""), 0);
    end();
}

/* Minute by minute against the C library's clock, over nights in which the clocks change. */
static void quiet_hours_are_those_of_the_wall(void **state)
{
    static const struct {
        const char *zone;
        int year, month, day;
    } nights[] = {{"Europe/Berlin", 2026, 3, 28}, {"Europe/Berlin", 2026, 10, 24}, {"America/New_York", 2026, 10, 31},
                  {"Australia/Lord_Howe", 2026, 10, 3}, {"Australia/Lord_Howe", 2027, 4, 3}, {"America/Santiago", 2026, 9, 5},
                  {"Asia/Shanghai", 2026, 3, 28}};
    static const int spans[][2] = {{21 * 60, 8 * 60}, {0, 7 * 60}, {0, 150}, {23 * 60 + 30, 2 * 60 + 30}};

    (void)state;
    for (size_t n = 0; n < sizeof(nights) / sizeof(nights[0]); n++) {
        const struct zone *zone = rules_zone(rules, nights[n].zone);

        assert_non_null(zone);
        assert_int_equal(setenv("TZ", nights[n].zone, 1), 0);
        tzset();
        for (size_t s = 0; s < sizeof(spans) / sizeof(spans[0]); s++) {
            struct plan plan = {.people = {.quiet_from = spans[s][0], .quiet_to = spans[s][1]}};
            int64_t from = civil_days(nights[n].year, nights[n].month, nights[n].day) * DAY, told = INT64_MAX;

            for (int64_t at = from + 3 * DAY; at >= from - DAY; at -= MINUTE) { /* backwards: the next minute that is not quiet */
                time_t t = (time_t)(at / 1000);
                struct tm tm;
                int minute;
                bool quiet;

                assert_non_null(localtime_r(&t, &tm));
                minute = 60 * tm.tm_hour + tm.tm_min;
                quiet = spans[s][0] < spans[s][1] ? minute >= spans[s][0] && minute < spans[s][1]
                                                  : minute >= spans[s][0] || minute < spans[s][1];
                told = quiet ? told : at;
                if (told < from + 2 * DAY && customer_after_quiet(&plan, zone, at) != told) {
                    fail_msg("%s span %zu at %02d:%02d of the %d: %lld minutes off", nights[n].zone, s, tm.tm_hour, tm.tm_min,
                             tm.tm_mday, (long long)((customer_after_quiet(&plan, zone, at) - told) / MINUTE));
                }
            }
        }
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_hours_are_those_of_the_wall),
        cmocka_unit_test(a_repaired_unit_comes_back),
        cmocka_unit_test(test_duties_are_told_in_digests),
        cmocka_unit_test(test_nobody_is_told_of_the_past),
        cmocka_unit_test(test_a_new_contact_is_told),
        cmocka_unit_test(test_customers_are_reminded),
        cmocka_unit_test(test_appointments_and_late),
        cmocka_unit_test(test_surveys),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-notices-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules) ||
        rules_add_notices(rules, "models/notices") || rules_add_jobs(rules, "models/jobs") ||
        rules_add_codes(rules, "models/codes.yaml")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
