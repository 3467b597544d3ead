/* Trainings, certificates and tools under a clock that the test turns: who is trained, what lapses, what is refused. */
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
#include "server/case/ticket.h"
#include "server/desk/desk.h"
#include "server/fleet/fleet_file.h"
#include "server/store/schema.h"
#include "server/training/tool.h"
#include "server/training/training.h"
#include "tests/unit/scratch.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static char path[64], url[80], said[1000];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static struct arena *arena;
static int64_t now_ms;

static const char fleet[] =
    "customers: [{id: cust-1, name: Li, email: li@example.cn, language: en}, {id: cust-2, name: Ma, email: ma@example.cn},"
    " {id: cust-3, name: Wu}]\n"
    "sites: [{id: site-1, customer: cust-1, name: School, time_zone: Asia/Shanghai}, {id: site-2, customer: cust-2, name: Hotel,"
    " time_zone: Asia/Shanghai}]\n"
    "teams: [{id: team-1, name: Own, sites: [site-1, site-2], tier: 2, lead: lead}, {id: dealer-1, name: Dealer, tier: 1}]\n"
    "technicians:\n"
    "  - {id: wang, name: Wang Jun, team: team-1, email: wang@example.cn, exam_due: \"2026-05-10\", certificates: [{type:"
    " electrician, no: X1, valid_to: \"2026-06-30\"}]}\n"
    "  - {id: lead, name: Zhao Lei, team: team-1, email: lead@example.cn, certificates: [{type: trainer, no: T1, valid_to:"
    " \"2027-01-31\"}, {type: electrician, no: X2}]}\n"
    "  - {id: deng, name: Deng, team: dealer-1}\n"
    "equipment:\n"
    "  - {id: swh-1, title: Roof, site: site-1, profile: swh-basic, agent: gw-1, acceptance_date: \"2026-03-02\"}\n"
    "  - {id: swh-2, title: Annex, site: site-1, profile: swh-basic, agent: gw-1, acceptance_date: \"2026-03-02\"}\n"
    "  - {id: swh-3, title: Hotel, site: site-2, profile: swh-basic, agent: gw-2, acceptance_date: \"2020-03-02\"}\n"
    "contracts: [{id: con-1, customer: cust-1, sites: [site-1], plan: swh_standard, start: \"2026-03-02\"},\n"
    "  {id: con-2, customer: cust-2, sites: [site-2], plan: tiered_abc, start: \"2025-12-01\"}]\n"
    "depots: [{id: van-w, name: Van, kind: van, technician: wang}]\n"
    "tools:\n"
    "  - {id: M-1, title: Multimeter, class: multimeter, serial: S1, depot: van-w, calibration: 12mo, calibrated: \"2025-05-01\","
    " certificate: C-25, service: 6mo, serviced: \"2026-01-01\"}\n"
    "  - {id: M-2, class: multimeter, technician: lead, calibration: 12mo, calibrated: \"2026-02-01\", certificate: C-26}\n"
    "courses_taken:\n"
    "  - {id: K-OLD, course: dealer-repair, holder: Deng, technician: deng, team: dealer-1, level: technician, certificate:"
    " dealer-repair, skill_level: 2, day: \"2025-04-01\", valid_to: \"2026-03-31\"}\n";

static void say_line(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static int64_t import(const char *text)
{
    struct arena *room;
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    int64_t changed = -1;
    enum err err;

    assert_int_equal(arena_open(32 << 20, &room), ERR_OK);
    complaints.arena = room;
    err = fleet_check(room, sql, rules, text, strlen(text), &complaints, &root);
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        print_message("%s\n", complaints.lines[i]);
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    arena_close(room);
    return changed;
}

static int64_t instant(const char *words)
{
    int64_t ms = 0;

    assert_int_equal(civil_read_instant(words, &ms), ERR_OK);
    return ms;
}

static void begin(const char *start)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard",
                                     .has_smtp = true, .mail_to = "desk@example.cn", .digest_minute = 8 * 60,
                                     .public_url = "https://heaters.example"};
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = instant(start);
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    import(fleet);
}

static void end(void)
{
    arena_close(arena);
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

/* The desk looks when it said it would. */
static void pass(const char *until)
{
    int64_t until_ms = instant(until);

    while (now_ms < until_ms) {
        int64_t next_ms = now_ms;

        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        next_ms = next_ms > now_ms ? next_ms : now_ms + 1;
        now_ms = next_ms < until_ms ? next_ms : until_ms;
    }
}

static int64_t count(const char *statement)
{
    return sql_find_int(sql, -1, statement, "");
}

static int counter;

static struct action action_of(const char *json, enum role role, const char *who)
{
    static char id[24];
    struct action action = {.who = who, .role = role};

    arena_reset(arena);
    snprintf(id, sizeof(id), "a-%d", ++counter);
    assert_int_equal(json_parse(arena, json, strlen(json), &action.body, NULL), ERR_OK);
    action.action = json_text_or(action.body, "action", "");
    action.note = json_text_or(action.body, "note", NULL);
    action.action_id = id;
    return action;
}

static enum err act_as(const char *number, const char *json, enum role role, const char *who)
{
    struct action action = action_of(json, role, who);
    struct text why = text_on(said, sizeof(said));
    int64_t id = number[0] == 'M' ? tool_find(sql, number) : training_find(sql, number);
    enum err err;

    assert_true(id >= 0);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = number[0] == 'M' ? desk_tool_act(desk, sql, id, &action, now_ms, &why)
                           : desk_training_act(desk, sql, id, &action, now_ms, &why);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    return err;
}

static enum err act(const char *number, const char *json)
{
    return act_as(number, json, ROLE_MANAGER, "boss");
}

static void must(const char *number, const char *json)
{
    enum err err = act(number, json);

    if (err) {
        print_message("%s: %s\n", json, said);
    }
    assert_int_equal(err, ERR_OK);
}

/* The one training that a statement finds. */
static const char *the(const char *statement)
{
    static char number[40];
    struct sql_rows rows;

    sql_find(sql, &rows, statement, "");
    if (!sql_next(&rows)) {
        fail_msg("none: %s", statement);
    }
    (void)!text_copy(number, sizeof(number), sql_text(&rows, 0));
    assert_false(sql_next(&rows));
    assert_int_equal(sql_end(&rows), ERR_OK);
    return number;
}

static const char *open_one(const char *json)
{
    static char number[40];
    struct action action = action_of(json, ROLE_DISPATCHER, "desk");
    struct text why = text_on(said, sizeof(said));
    struct sql_rows rows;
    int64_t id = 0;
    enum err err = desk_training_open(desk, sql, &action, now_ms, &id, &why);

    if (err) {
        print_message("%s: %s\n", json, said);
    }
    assert_int_equal(err, ERR_OK);
    sql_find(sql, &rows, "SELECT number FROM training WHERE id = ?1", "i", id);
    assert_true(sql_next(&rows));
    (void)!text_copy(number, sizeof(number), sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    return number;
}

/* ------------------------------------------------------------------ S0-46 S0-69 S0-70 S0-71 D-34 */

static void acceptance_is_met_by_the_record(void **state)
{
    struct action tick;
    char number[40];
    struct text why = text_on(said, sizeof(said));
    int64_t duty;

    (void)state;
    begin("2026-03-02T09:00:00+08:00");
    pass("2026-03-02T12:00:00+08:00");
    /* one for both heaters of the site, and the customer is asked for place and people */
    snprintf(number, sizeof(number), "%s", the("SELECT number FROM training WHERE reason = 'acceptance'"));
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'training'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'training_ask' AND customer = 1"), 1);
    assert_int_equal(count("SELECT due_ms FROM training WHERE reason = 'acceptance'"), instant("2026-03-05T00:00:00+08:00"));
    /* a tick is no training */
    duty = count("SELECT MIN(id) FROM clock WHERE kind = 'training'");
    tick = action_of("{\"action\": \"done\", \"note\": \"four people\"}", ROLE_MANAGER, "boss");
    assert_int_equal(desk_duty_action(desk, sql, duty, &tick, now_ms, &why), ERR_STATE);
    assert_non_null(strstr(said, "attend"));
    /* the customer names the place; a trainer is qualified */
    assert_int_equal(act(number, "{\"action\": \"attend\", \"attendees\": [\"Hu\"]}"), ERR_STATE);
    must(number, "{\"action\": \"name\", \"by\": \"Li\", \"place\": \"boiler room\", \"attendees\": [{\"name\": \"Hu\", \"audience\":"
                 " \"plumber\"}]}");
    assert_int_equal(act(number, "{\"action\": \"plan\", \"from\": \"2026-03-03T09:00:00+08:00\", \"trainer\": \"wang\"}"), ERR_STATE);
    assert_non_null(strstr(said, "no certificate trainer"));
    assert_int_equal(act(number, "{\"action\": \"plan\", \"from\": \"2026-03-03T09:00:00+08:00\", \"trainer_name\": \"Prof. Qi\"}"),
                     ERR_FORMAT);
    must(number, "{\"action\": \"plan\", \"from\": \"2026-03-03T09:00:00+08:00\", \"trainer\": \"lead\"}");
    now_ms = instant("2026-03-03T11:30:00+08:00");
    /* five topics */
    assert_int_equal(act(number, "{\"action\": \"attend\", \"attendees\": [\"Hu\"], \"covered\": [\"principle\", \"structure\"]}"),
                     ERR_STATE);
    assert_non_null(strstr(said, "control precautions faults"));
    must(number, "{\"action\": \"attend\", \"attendees\": [\"Hu\"], \"covered\": [\"principle\"], \"incomplete\": true}");
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'training' AND met_ms IS NOT NULL"), 0);
    must(number, "{\"action\": \"attend\", \"attendees\": [{\"name\": \"Hu\", \"minutes\": 100}, {\"name\": \"Gao\", \"audience\":"
                 " \"equipment_manager\"}], \"covered\": [\"principle\", \"structure\", \"control\", \"precautions\", \"faults\"]}");
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'training' AND met_ms IS NOT NULL"), 2);
    /* exams, and papers for who passes */
    assert_int_equal(act(number, "{\"action\": \"exam\", \"attendee\": \"Hu\", \"answers\": {\"scald\": \"none\"}}"), ERR_FORMAT);
    must(number, "{\"action\": \"exam\", \"attendee\": \"Hu\", \"answers\": {\"scald\": \"open\", \"dry\": \"off\", \"set\": true}}");
    assert_int_equal(count("SELECT COUNT(*) FROM course_taken WHERE training IS NOT NULL"), 0); /* what must be right was wrong */
    assert_int_equal(act(number, "{\"action\": \"close\"}"), ERR_STATE);
    assert_non_null(strstr(said, "Gao"));
    must(number, "{\"action\": \"exam\", \"attendee\": \"Hu\", \"answers\": {\"scald\": \"mix\", \"dry\": \"off\", \"set\": false}}");
    assert_int_equal(count("SELECT COUNT(*) FROM course_taken WHERE holder = 'Hu' AND level = 'user' AND valid_day IS NULL"), 1);
    must(number, "{\"action\": \"close\", \"note\": \"Gao will be examined later\"}");
    assert_int_equal(act(number, "{\"action\": \"cancel\", \"note\": \"x\"}"), ERR_STATE);
    pass("2026-03-20T09:00:00+08:00");
    assert_int_equal(count("SELECT COUNT(*) FROM training WHERE reason = 'acceptance'"), 1);
    end();
}

/* S0-26 C-23: reminded till the date is fixed; what the customer moves is owed by that day. */
static void the_customer_fixes_the_date(void **state)
{
    char number[40];

    (void)state;
    begin("2026-03-02T09:00:00+08:00");
    pass("2026-03-20T12:00:00+08:00");
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'training_ask' AND customer = 1"), 3); /* at once, and every 7 d */
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'training' AND breached_ms IS NOT NULL"), 2);
    end();
    begin("2026-03-02T09:00:00+08:00");
    pass("2026-03-02T12:00:00+08:00");
    snprintf(number, sizeof(number), "%s", the("SELECT number FROM training WHERE reason = 'acceptance'"));
    must(number, "{\"action\": \"plan\", \"from\": \"2026-03-03T09:00:00+08:00\", \"trainer\": \"lead\", \"place\": \"hall\"}");
    assert_int_equal(act(number, "{\"action\": \"reschedule\", \"from\": \"2026-03-12T09:00:00+08:00\"}"), ERR_FORMAT);
    must(number, "{\"action\": \"reschedule\", \"from\": \"2026-03-12T09:00:00+08:00\", \"by\": \"Li\", \"side\": \"customer\","
                 " \"reason\": \"holidays\"}");
    pass("2026-03-12T12:00:00+08:00");
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'training' AND breached_ms IS NOT NULL"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'training' AND cancelled_for = 'customer'"), 2);
    must(number, "{\"action\": \"attend\", \"attendees\": [\"Hu\"], \"covered\": [\"principle\", \"structure\", \"control\","
                 " \"precautions\", \"faults\"]}");
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'training' AND met_ms IS NOT NULL"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'training_ask' AND customer = 1"), 1);
    end();
}

/* ------------------------------------------------------------------ S0-82 */

static void caused_by_operation(const char *number, const char *fault, int64_t at_ms)
{
    assert_int_equal(sql_run(sql,
                             "INSERT INTO ticket (number, cause_key, kind, equipment, site, fault, grade, state, registered_ms,"
                             " closed_ms, track_code) SELECT ?1, ?1, 'fault', id, site, ?2, 2, 'closed', ?3, ?3, ?1 FROM equipment"
                             " WHERE name = 'swh-3'",
                             "tti", number, fault, at_ms),
                     ERR_OK);
    assert_int_equal(sql_run(sql,
                             "INSERT INTO ticket_class (ticket, field, value, person, who, reason, at_ms) SELECT id,"
                             " 'responsible_party', 'customer', 1, 'w', 'the diagnosis', ?2 FROM ticket WHERE number = ?1",
                             "ti", number, at_ms),
                     ERR_OK);
}

static void typical_problems_propose_a_course(void **state)
{
    (void)state;
    begin("2026-04-01T09:00:00+08:00");
    caused_by_operation("T-1", "dry_run", now_ms - 300 * DAY); /* long ago */
    caused_by_operation("T-2", "overheat", now_ms);
    caused_by_operation("T-3", "dry_run", now_ms + DAY);
    pass("2026-04-05T09:00:00+08:00");
    assert_int_equal(count("SELECT COUNT(*) FROM training WHERE reason = 'operator_faults'"), 0);
    caused_by_operation("T-4", "dry_run", now_ms);
    pass("2026-04-08T09:00:00+08:00");
    (void)the("SELECT number FROM training WHERE reason = 'operator_faults' AND course = 'swh-coaching' AND facts LIKE '%\"fault\":\"dry_run\",\"tickets\":2%'");
    /* once a site and period, and what it was proposed for does not count again */
    caused_by_operation("T-5", "dry_run", now_ms);
    caused_by_operation("T-6", "dry_run", now_ms);
    caused_by_operation("T-7", "dry_run", now_ms);
    pass("2026-04-20T09:00:00+08:00");
    assert_int_equal(count("SELECT COUNT(*) FROM training WHERE reason = 'operator_faults'"), 1);
    assert_int_not_equal(sql_run(sql,
                                 "INSERT INTO training (number, course, course_version, course_hash, kind, state, reason,"
                                 " occurrence, site, asked_by, created_ms) SELECT 'L-X', course, 1, 'x', kind, 'proposed', reason,"
                                 " occurrence, site, 'x', 1 FROM training WHERE reason = 'operator_faults'",
                                 ""),
                         ERR_OK);
    end();
}

/* ------------------------------------------------------------------ S0-125, S0-124, S0-18, S0-134, S1-57 */

static void the_calendar_proposes(void **state)
{
    char number[40];

    (void)state;
    begin("2026-03-02T09:00:00+08:00");
    pass("2026-03-03T09:00:00+08:00");
    /* S0-125: the first half year of the agreement */
    snprintf(number, sizeof(number), "%s", the("SELECT number FROM training WHERE reason = 'interval' AND kind = 'exchange'"));
    must(number, "{\"action\": \"plan\", \"from\": \"2026-03-05T09:00:00+08:00\", \"trainer\": \"wang\", \"mode\": \"remote\"}");
    now_ms = instant("2026-03-05T12:00:00+08:00");
    must(number, "{\"action\": \"attend\", \"attendees\": [\"Sun\"], \"covered\": [\"review\", \"upkeep\"]}");
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'technical_exchange' AND met_ms IS NOT NULL"), 1);
    pass("2026-06-03T09:00:00+08:00");
    assert_int_equal(count("SELECT COUNT(*) FROM training WHERE reason = 'interval'"), 2);
    /* S0-134: the dealer's team was trained in April last year; S1-36: the exam of wang was due in May */
    (void)the("SELECT number FROM training WHERE course = 'dealer-repair' AND reason = 'every'");
    (void)the("SELECT number FROM training WHERE course = 'staff-exam' AND reason = 'every' AND team = (SELECT id FROM team WHERE name = 'team-1')");
    end();
}

static void customers_are_invited_to_a_show(void **state)
{
    char number[40], code[60];
    struct text why = text_on(said, sizeof(said));
    struct sql_rows rows;

    (void)state;
    begin("2026-03-02T09:00:00+08:00");
    assert_int_equal(sql_run(sql, "INSERT INTO opt_out (customer, topic, at_ms, who) SELECT id, 'events', 1, 'x' FROM customer WHERE"
                                  " name = 'cust-2'", ""), ERR_OK);
    snprintf(number, sizeof(number), "%s",
             open_one("{\"course\": \"product-show\", \"from\": \"2026-04-02T09:00:00+08:00\", \"trainer\": \"lead\", \"place\":"
                      " \"Hall 3\"}"));
    assert_int_equal(act(number, "{\"action\": \"invite\"}"), ERR_STATE);
    must(number, "{\"action\": \"invite\", \"customers\": \"all\"}");
    assert_int_equal(count("SELECT COUNT(*) FROM trainee"), 2); /* who wants none is left out */
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'event_invite' AND channel = 'smtp'"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'event_invite' AND channel = 'none'"), 1);
    must(number, "{\"action\": \"invite\"}");
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'event_invite'"), 2);
    sql_find(sql, &rows, "SELECT code FROM trainee ORDER BY id", "");
    assert_true(sql_next(&rows));
    (void)!text_copy(code, sizeof(code), sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'event_invite' AND body LIKE '%/invitation/1?code=%'"), 1);
    assert_int_equal(desk_training_reply(desk, sql, 1, "perhaps", now_ms, &why), ERR_FORMAT);
    assert_int_equal(desk_training_reply(desk, sql, 1, "accepted", now_ms, &why), ERR_OK);
    must(number, "{\"action\": \"answer\", \"attendee\": \"Wu (cust-3)\", \"answer\": \"declined\"}");
    assert_int_equal(count("SELECT COUNT(*) FROM trainee WHERE answer = 'accepted'"), 1);
    must(number, "{\"action\": \"cancel\", \"note\": \"the hall burnt down\"}");
    assert_int_equal(desk_training_reply(desk, sql, 1, "declined", now_ms, &why), ERR_STATE);
    end();
}

/* ------------------------------------------------------------------ S1-36 S1-57: staff */

static int64_t told(const char *what)
{
    return sql_find_int(sql, -1, "SELECT COUNT(*) FROM outbox WHERE channel = 'smtp' AND subject LIKE '%' || ?1 || '%'", "t", what);
}

static void a_passed_exam_renews(void **state)
{
    char number[40];
    struct action action;
    struct text why = text_on(said, sizeof(said));

    (void)state;
    begin("2026-05-05T09:00:00+08:00");
    pass("2026-05-20T09:00:00+08:00");
    /* the certificate ends on 30 June, 60 days before is what its course says; the exam was due on 10 May */
    assert_int_equal(told("certificate electrician of Wang Jun ends on 2026-06-30"), 3); /* the desk, he, his lead */
    assert_int_equal(told("exam periodic of Wang Jun ends on 2026-05-10"), 3);
    assert_int_equal(told("exam periodic of Wang Jun ran out on 2026-05-10"), 3);
    snprintf(number, sizeof(number), "%s",
             open_one("{\"course\": \"staff-electrical\", \"team\": \"team-1\", \"from\": \"2026-05-21T09:00:00+08:00\", \"trainer\":"
                      " \"lead\", \"attendees\": [{\"technician\": \"wang\"}]}"));
    now_ms = instant("2026-05-21T18:00:00+08:00");
    must(number, "{\"action\": \"attend\", \"attendees\": [{\"technician\": \"wang\"}], \"covered\": [\"safety\", \"measure\","
                 " \"control\"]}");
    assert_int_equal(act_as(number, "{\"action\": \"exam\", \"attendee\": \"wang\", \"answers\": {\"dead\": true}}", ROLE_TECHNICIAN,
                            "wang"),
                     ERR_STATE); /* nobody examines himself */
    must(number, "{\"action\": \"exam\", \"attendee\": \"wang\", \"answers\": {\"dead\": true, \"insulation\": true}}");
    assert_int_equal(count("SELECT valid_day FROM course_taken WHERE type = 'electrician'"),
                     instant("2028-05-20T00:00:00Z") / DAY);
    pass("2026-07-05T09:00:00+08:00");
    assert_int_equal(told("certificate electrician of Wang Jun ran out"), 0); /* it was renewed */
    action = action_of("{\"action\": \"revoke\", \"note\": \"the exam was not in order\"}", ROLE_DISPATCHER, "desk");
    assert_int_equal(desk_certificate_act(desk, sql, count("SELECT MAX(id) FROM course_taken"), &action, now_ms, &why),
                     ERR_FORBIDDEN);
    action.role = ROLE_MANAGER;
    assert_int_equal(desk_certificate_act(desk, sql, count("SELECT MAX(id) FROM course_taken"), &action, now_ms, &why), ERR_OK);
    pass("2026-07-07T09:00:00+08:00");
    assert_int_equal(told("certificate electrician of Wang Jun ran out on 2026-06-30"), 3);
    end();
}

/* ------------------------------------------------------------------ what has lapsed is refused */

static int64_t order(const char *number)
{
    assert_int_equal(sql_run(sql,
                             "INSERT INTO work_order (number, kind, equipment, site, state, created_ms, job) SELECT ?1, 'preventive',"
                             " e.id, e.site, 'proposed', ?2, ?3 FROM equipment e WHERE e.name = 'swh-1'",
                             "tit", number, now_ms, "{\"skills\": [\"electrician\"], \"tools\": [\"multimeter\", \"ladder\"]}"),
                     ERR_OK);
    return sql_find_int(sql, 0, "SELECT id FROM work_order WHERE number = ?1", "t", number);
}

static enum err work(int64_t id, const char *json)
{
    struct action action = action_of(json, ROLE_DISPATCHER, "desk");
    struct text why = text_on(said, sizeof(said));
    enum err err;

    assert_int_equal(sql_save(sql), ERR_OK);
    err = desk_work_action(desk, sql, id, &action, now_ms, &why);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    return err;
}

#define APPOINT(day) "\"appointment\": {\"from\": \"2026-" day "T09:00:00+08:00\", \"to\": \"2026-" day "T11:00:00+08:00\"}"

static void what_has_lapsed_by_then_is_refused(void **state)
{
    int64_t id;

    (void)state;
    begin("2026-04-20T09:00:00+08:00");
    id = order("W-1");
    /* planned for after the end of the certificate, and of the calibration (30 April) */
    assert_int_equal(work(id, "{\"action\": \"assign\", \"technician\": \"wang\", " APPOINT("07-02") "}"), ERR_STATE);
    assert_non_null(strstr(said, "electrician of wang ran out on 2026-06-30"));
    assert_non_null(strstr(said, "calibration of multimeter M-1 ran out on 2026-04-30"));
    assert_int_equal(work(id, "{\"action\": \"assign\", \"technician\": \"wang\", " APPOINT("05-02") "}"), ERR_STATE);
    assert_null(strstr(said, "electrician"));
    assert_int_equal(work(id, "{\"action\": \"assign\", \"technician\": \"deng\", " APPOINT("05-02") "}"), ERR_STATE);
    assert_non_null(strstr(said, "deng has no multimeter in the van"));
    assert_int_equal(work(id, "{\"action\": \"assign\", \"technician\": \"wang\", " APPOINT("04-25") "}"), ERR_OK);
    assert_int_equal(work(id, "{\"action\": \"reschedule\", \"reason\": \"rain\", " APPOINT("05-03") "}"), ERR_STATE);
    /* moved with a reason that has a code */
    assert_int_equal(work(id, "{\"action\": \"reschedule\", \"reason\": \"rain\", " APPOINT("05-03") ", \"override\": {\"code\":"
                              " \"other\", \"note\": \"he borrows one\"}}"),
                     ERR_OK);
    assert_int_equal(count("SELECT COUNT(*) FROM work_override WHERE need = 'tools'"), 1);
    end();
}

static void at_the_time_of_the_work_too(void **state)
{
    int64_t id;

    (void)state;
    begin("2026-04-20T09:00:00+08:00");
    id = order("W-1");
    assert_int_equal(work(id, "{\"action\": \"assign\", \"technician\": \"wang\", " APPOINT("04-29") "}"), ERR_OK);
    assert_int_equal(work(id, "{\"action\": \"accept\"}"), ERR_OK);
    pass("2026-04-28T09:00:00+08:00");
    assert_int_equal(told("Work order W-1 cannot go ahead"), 0);
    /* the tool is found wrong the day before: he is told, and does not set off with it */
    must("M-1", "{\"action\": \"suspect\", \"note\": \"shows 10 % too much\"}");
    pass("2026-04-28T12:00:00+08:00");
    assert_int_equal(told("Work order W-1 cannot go ahead"), 3);
    pass("2026-04-29T09:00:00+08:00");
    assert_int_equal(work(id, "{\"action\": \"depart\"}"), ERR_STATE);
    assert_non_null(strstr(said, "multimeter M-1 is suspect"));
    must("M-2", "{\"action\": \"hand\", \"technician\": \"wang\"}");
    assert_int_equal(work(id, "{\"action\": \"depart\"}"), ERR_OK);
    assert_int_equal(work(id, "{\"action\": \"arrive\"}"), ERR_OK);
    must("M-2", "{\"action\": \"repair\"}");
    assert_int_equal(work(id, "{\"action\": \"start\"}"), ERR_STATE);
    assert_int_equal(work(id, "{\"action\": \"start\", \"override\": {\"code\": \"other\", \"note\": \"by eye\"}}"), ERR_OK);
    end();
}

/* ------------------------------------------------------------------ S1-38: tools */

static void step(int64_t id)
{
    assert_int_equal(sql_run(sql,
                             "INSERT INTO work_step (work_order, step, position, section, spec) VALUES (?1, 'volt', 1, 'step', ?2)",
                             "it", id, "{\"step\": \"volt\", \"type\": \"number\", \"unit\": \"V\", \"tool\": \"multimeter\"}"),
                     ERR_OK);
}

static void readings_name_their_tool(void **state)
{
    int64_t id;

    (void)state;
    begin("2026-04-20T09:00:00+08:00");
    id = order("W-1");
    step(id);
    assert_int_equal(work(id, "{\"action\": \"assign\", \"technician\": \"wang\", " APPOINT("04-20") "}"), ERR_OK);
    for (int i = 0; i < 4; i++) {
        static const char *const moves[] = {"{\"action\": \"accept\"}", "{\"action\": \"depart\"}", "{\"action\": \"arrive\"}",
                                            "{\"action\": \"start\"}"};

        assert_int_equal(work(id, moves[i]), ERR_OK);
    }
    assert_int_equal(work(id, "{\"action\": \"check\", \"step\": \"volt\", \"value\": 230}"), ERR_FORMAT);
    assert_non_null(strstr(said, "tool: expected which multimeter"));
    assert_int_equal(work(id, "{\"action\": \"check\", \"step\": \"volt\", \"value\": 230, \"tool\": \"M-9\"}"), ERR_FORMAT);
    assert_int_equal(work(id, "{\"action\": \"check\", \"step\": \"volt\", \"value\": 230, \"tool\": \"M-2\"}"), ERR_STATE);
    assert_non_null(strstr(said, "not with who does the work"));
    assert_int_equal(work(id, "{\"action\": \"check\", \"step\": \"volt\", \"value\": 230, \"tool\": \"M-1\"}"), ERR_OK);
    assert_int_equal(count("SELECT COUNT(*) FROM tool_use WHERE certificate = 'C-25'"), 1);
    /* calibrated, and found to have been wrong: what was measured since the last time is recalled */
    now_ms += 5 * DAY;
    must("M-1", "{\"action\": \"calibrate\", \"result\": \"adjusted\", \"certificate\": \"C-27\"}");
    assert_int_equal(count("SELECT COUNT(*) FROM tool_use WHERE recall_ms IS NOT NULL AND settled_ms IS NULL"), 1);
    assert_int_equal(told("Tool M-1 showed wrong values: 1 work orders"), 1);
    assert_int_equal(count("SELECT valid_day FROM tool WHERE name = 'M-1'"), instant("2027-04-24T00:00:00Z") / DAY);
    assert_int_equal(act("M-1", "{\"action\": \"settle\", \"work_order\": \"W-1\"}"), ERR_FORMAT);
    must("M-1", "{\"action\": \"settle\", \"work_order\": \"W-1\", \"note\": \"measured again\"}");
    assert_int_equal(count("SELECT COUNT(*) FROM tool_use WHERE settled_ms IS NULL"), 0);
    end();
}

static void a_tool_is_looked_after(void **state)
{
    (void)state;
    begin("2026-04-05T09:00:00+08:00");
    pass("2026-04-06T09:00:00+08:00");
    assert_int_equal(told("calibration M-1 of Multimeter ends on 2026-04-30"), 3); /* the desk, who has the van, his lead */
    pass("2026-05-02T09:00:00+08:00");
    assert_int_equal(told("calibration M-1 of Multimeter ran out on 2026-04-30"), 3);
    assert_int_equal(act_as("M-1", "{\"action\": \"calibrate\", \"result\": \"passed\", \"certificate\": \"x\"}", ROLE_TECHNICIAN, "w"),
                     ERR_FORBIDDEN);
    assert_int_equal(act("M-1", "{\"action\": \"calibrate\", \"result\": \"passed\"}"), ERR_FORMAT);
    must("M-1", "{\"action\": \"calibrate\", \"result\": \"failed\", \"note\": \"broken\"}");
    assert_int_equal(act("M-1", "{\"action\": \"suspect\", \"note\": \"x\"}"), ERR_STATE);
    must("M-1", "{\"action\": \"repair\"}");
    must("M-1", "{\"action\": \"back\"}");
    must("M-1", "{\"action\": \"service\", \"day\": \"2026-05-01\"}");
    assert_int_equal(count("SELECT service_day FROM tool WHERE name = 'M-1'"), instant("2026-11-01T00:00:00Z") / DAY);
    must("M-1", "{\"action\": \"retire\"}");
    assert_int_equal(act("M-1", "{\"action\": \"hand\", \"technician\": \"lead\"}"), ERR_STATE);
    end();
}

/* What is exported is imported without a change, also after calibrations and exams; an older file does not undo them. */
static void the_file_and_the_register_agree(void **state)
{
    struct json_out out = json_out(1 << 20);
    char *text;

    (void)state;
    begin("2026-04-20T09:00:00+08:00");
    must("M-1", "{\"action\": \"calibrate\", \"result\": \"passed\", \"certificate\": \"C-27\"}");
    must("M-2", "{\"action\": \"hand\", \"technician\": \"wang\"}");
    assert_int_equal(import(fleet), 0);
    assert_int_equal(fleet_put(sql, arena, -1, FLEET_YAML, &out), ERR_OK);
    assert_non_null(strstr(out.bytes, "C-27"));
    text = out.bytes;
    assert_int_equal(import(text), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM tool WHERE name = 'M-2' AND technician = (SELECT id FROM technician WHERE name ="
                           " 'wang')"),
                     1);
    json_out_free(&out);
    assert_int_equal(import("tools: [{id: M-1, class: multimeter, depot: van-w, calibration: 12mo, calibrated: \"2025-06-01\"}]"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM tool WHERE name = 'M-1' AND certificate = 'C-27'"), 1);
    end();
}

static int open_rules(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_server_training.%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", say_line, NULL, &rules) || rules_add_courses(rules, "models/courses") ||
        rules_add_notices(rules, "models/notices") || rules_add_codes(rules, "models/codes.yaml") ||
        rules_add_shipped_jobs(rules, "models/jobs")) {
        return 1;
    }
    return 0;
}

static int close_rules(void **state)
{
    (void)state;
    rules_close(rules);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptance_is_met_by_the_record),
        cmocka_unit_test(the_customer_fixes_the_date),
        cmocka_unit_test(typical_problems_propose_a_course),
        cmocka_unit_test(the_calendar_proposes),
        cmocka_unit_test(customers_are_invited_to_a_show),
        cmocka_unit_test(a_passed_exam_renews),
        cmocka_unit_test(what_has_lapsed_by_then_is_refused),
        cmocka_unit_test(at_the_time_of_the_work_too),
        cmocka_unit_test(readings_name_their_tool),
        cmocka_unit_test(a_tool_is_looked_after),
        cmocka_unit_test(the_file_and_the_register_agree),
    };

    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
