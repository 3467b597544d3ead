/* What goes its round by itself: inspections on site as work orders, more often when the plant is old; warranties that the
 * first telemetry registers; visits that come nearer together with age. */
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
#include "server/fleet/fleet_file.h"
#include "server/fleet/orders.h"
#include "server/money/money.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define HOUR 3600000LL
#define DAY  (24 * HOUR)

static char path[64], url[80], plans[64];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static struct arena *arena;
static int64_t now_ms;
static char last_why[800];

/* young-1 and old-1 have visits; bare-1 has none. */
static const char fleet[] =
    "customers: [{id: c, name: Li}]\n"
    "sites: [{id: s, customer: c, name: Home, time_zone: Asia/Shanghai}, {id: n, customer: c, name: Next, time_zone: Asia/Shanghai}]\n"
    "teams: [{id: t, name: Crew, sites: [s, n]}]\n"
    "technicians: [{id: h, name: Wang, team: t}]\n"
    "equipment:\n"
    "  - {id: young-1, site: s, profile: swh-basic, agent: a, acceptance_date: '2025-02-10'}\n"
    "  - {id: old-1, site: s, profile: swh-basic, agent: a, completion_date: '2015-02-10', acceptance_date: '2015-02-10'}\n"
    "  - {id: bare-1, site: n, profile: swh-basic, agent: a, serial: SN-7, sale_date: '2027-01-04'}\n"
    "contracts:\n"
    "  - {id: con, customer: c, sites: [s], plan: swh_standard, start: '2015-02-10', end: '2099-01-01'%s}\n"
    "  - {id: bare, customer: c, sites: [n], plan: swh_standard, start: '2026-09-06', end: '2099-01-01', overlays: [no_visits%s]}\n";

static const struct {
    const char *name, *text;
} overlays[] = {
    {"no_visits", "items: {visits: {per_year: {value: 0, origin: S, ids: [S0-61]}}}"},
    {"two_words", "items: {inspection: {report_approval: {value: two_persons, origin: A}}}"},
    {"ages", "items: {visits: {older: {value: [{age: 13y, every: 3mo}], origin: A}}}"},
    {"carded", "period: {registration: {due: {value: 20d, origin: S, ids: [S0-136]}, by_connection: {value: true, origin: A}},"
               " warranty: {requires_registration: {value: true, origin: S, ids: [S0-136]}}}"},
};

static void say(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

/* overlay: laid over both contracts; NULL: none. */
static void begin(const char *overlay)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};
    struct complaints complaints = {.path = "fleet"};
    char alone[80] = "", beside[80] = "", text[3000];
    struct yaml_node *root;
    int64_t changed;
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2027, 1, 4) * DAY + 8 * HOUR;
    if (overlay) {
        snprintf(alone, sizeof(alone), ", overlays: [%s]", overlay);
        snprintf(beside, sizeof(beside), ", %s", overlay);
    }
    snprintf(text, sizeof(text), fleet, alone, beside);
    assert_int_equal(arena_open(64 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    if (fleet_check(arena, sql, rules, text, strlen(text), &complaints, &root)) {
        fail_msg("%s", complaints.lines[0]);
    }
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    arena_close(arena);
    scratch_remove(path);
}

static void look(void)
{
    int64_t next_ms = now_ms;

    for (int i = 0; i < 50 && next_ms <= now_ms; i++) {
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
    }
}

static void until(int year, int month, int day)
{
    int64_t to_ms = civil_days(year, month, day) * DAY + 8 * HOUR;

    for (; now_ms < to_ms; now_ms = now_ms + DAY < to_ms ? now_ms + DAY : to_ms) {
        look();
    }
    look();
}

static int64_t row(const char *equipment)
{
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", equipment);
}

static int64_t patrols(const char *equipment)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE equipment = ?1 AND kind = 'inspection'", "i", row(equipment));
}

static int64_t open_patrol(const char *equipment)
{
    return sql_find_int(sql, 0,
                        "SELECT id FROM work_order WHERE equipment = ?1 AND kind = 'inspection' AND state NOT IN ('done', 'cancelled')",
                        "i", row(equipment));
}

static enum err act(int64_t order, const char *action, const char *fields)
{
    struct action what = {.action = action, .who = "ann", .role = ROLE_DISPATCHER};
    TEXT(json, 1000);
    TEXT(why, 800);
    enum err err;

    text_addf(&json, "{\"action\":\"%s\"%s%s}", action, fields[0] ? "," : "", fields);
    assert_int_equal(json_parse(arena, json.at, json.length, &what.body, NULL), ERR_OK);
    what.note = json_text_or(what.body, "note", NULL);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = desk_work_action(desk, sql, order, &what, now_ms, &why);
    snprintf(last_why, sizeof(last_why), "%s", why.at);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    return err;
}

/* Every step is answered, both sign. */
static void make(int64_t order)
{
    static const char *const way[] = {"accept", "arrive", "start"};

    for (size_t i = 0; i < 3; i++) {
        now_ms += 60000;
        if (act(order, way[i], "")) {
            fail_msg("%s", last_why);
        }
    }
    for (int64_t n = 0; n < 60; n++) {
        struct sql_rows rows;
        TEXT(check, 300);

        sql_find(sql, &rows, "SELECT step, spec FROM work_step WHERE work_order = ?1 ORDER BY position LIMIT 1 OFFSET ?2", "ii", order, n);
        if (sql_next(&rows)) {
            text_addf(&check, "\"step\":\"%s\",\"value\":%s", sql_text(&rows, 0), strstr(sql_text(&rows, 1), "\"check\"") ? "true" : "\"x\"");
        }
        assert_int_equal(sql_end(&rows), ERR_OK);
        if (!check.length) {
            break;
        }
        (void)!act(order, "check", check.at);
    }
    if (act(order, "sign", "\"name\":\"Li\",\"role\":\"customer\"") || act(order, "sign", "\"name\":\"Wang\",\"role\":\"technician\"")) {
        fail_msg("%s", last_why);
    }
    if (act(order, "finish", "\"override\":{\"reason\":\"test\",\"code\":\"emergency\"}")) {
        fail_msg("%s", last_why);
    }
}

/* S0-118 S0-84: what is owed on site becomes an order by itself, once a period; a visit that is coming is enough. */
static void orders_by_themselves(void **state)
{
    int64_t order;

    (void)state;
    begin(NULL);
    until(2027, 5, 10);
    assert_int_equal(patrols("bare-1"), 0); /* the half-year ends on 30 June; 45 days before that at the earliest */
    until(2027, 6, 15);
    assert_int_equal(patrols("bare-1"), 1);
    assert_int_equal(patrols("young-1"), 0); /* its visit of the spring is open */
    order = open_patrol("bare-1");
    assert_true(sql_find_int(sql, 0, "SELECT team FROM work_order WHERE id = ?1", "i", order) != 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE id = ?1 AND reason LIKE '%2027-06-30%swh_standard%'", "i", order), 1);
    make(order);
    look();
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM clock WHERE subject = 'equipment' AND subject_id = ?1 AND kind ="
                                  " 'onsite_inspection' AND met_ms IS NOT NULL",
                                  "i", row("bare-1")),
                     1);
    until(2027, 12, 20);
    assert_int_equal(patrols("bare-1"), 2);
    assert_int_equal(act(open_patrol("bare-1"), "cancel", "\"reason\":\"nobody lives there\",\"note\":\"x\""), ERR_OK);
    until(2027, 12, 31);
    assert_int_equal(patrols("bare-1"), 2); /* a person has called it off: not again for this half-year */
    end();
}

/* S0-84: in its thirteenth year every quarter; the visits of spring and autumn count for theirs. */
static void old_plants_are_patrolled_more_often(void **state)
{
    (void)state;
    begin(NULL);
    until(2027, 3, 25);
    make(sql_find_int(sql, 0, "SELECT id FROM work_order WHERE equipment = ?1 AND kind = 'preventive'", "i", row("old-1")));
    until(2027, 6, 29);
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM clock WHERE subject = 'equipment' AND subject_id = ?1 AND kind ="
                                  " 'onsite_inspection' AND until_ms - started_ms < 93 * 86400000",
                                  "i", row("old-1")),
                     2);
    assert_int_equal(patrols("old-1"), 1); /* the visit of March is that of the first quarter */
    assert_int_equal(patrols("young-1"), 0);
    make(open_patrol("old-1"));
    until(2027, 9, 25);
    make(sql_find_int(sql, 0, "SELECT id FROM work_order WHERE equipment = ?1 AND kind = 'preventive' AND state <> 'done'", "i", row("old-1")));
    until(2027, 12, 30);
    assert_int_equal(patrols("old-1"), 2);
    assert_int_equal(patrols("young-1"), 0);
    end();
}

/* Visits nearer together with age: the series goes on from the day on which the equipment is so old. */
static void old_plants_are_visited_more_often(void **state)
{
    (void)state;
    begin("ages");
    until(2027, 1, 5);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM visit WHERE equipment = ?1 AND due_day < ?2", "ii", row("old-1"),
                                  (int64_t)civil_days(2028, 1, 4)),
                     2);
    until(2028, 2, 20); /* accepted on 10 February 2015: 13 years old */
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM visit WHERE equipment = ?1 AND state = 'planned' AND due_day >= ?2 AND due_day < ?3",
                                  "iii", row("old-1"), (int64_t)civil_days(2028, 6, 1), (int64_t)civil_days(2029, 3, 1)),
                     3);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM visit v WHERE v.equipment = ?1 AND EXISTS (SELECT 1 FROM visit w WHERE"
                                          " w.equipment = v.equipment AND w.sequence = v.sequence + 1 AND w.window_start_day <="
                                          " v.window_end_day AND w.state <> 'skipped' AND v.state <> 'skipped')",
                                  "i", row("old-1")),
                     0); /* windows lie apart, over the change too */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM visit_series WHERE equipment = ?1", "i", row("young-1")), 1);
    end();
}

static int64_t card(const char *what)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM registration r JOIN clock k ON k.id = r.clock WHERE r.equipment = ?1 AND r.state ="
                                " ?2 AND (k.met_ms IS NOT NULL) = (?2 IN ('connected', 'confirmed'))",
                        "it", row("bare-1"), what);
}

static enum err decide(const char *action, const char *id, const char *note)
{
    struct action what = {.action = action, .action_id = id, .who = "ann", .role = ROLE_DISPATCHER, .note = note};
    TEXT(why, 300);
    enum err err = desk_registration_action(desk, sql, row("bare-1"), &what, now_ms, &why);

    snprintf(last_why, sizeof(last_why), "%s", why.at);
    return err;
}

static void hear(void)
{
    assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?2, first_seen_ms = COALESCE(first_seen_ms, ?2) WHERE id = ?1",
                             "ii", row("bare-1"), now_ms),
                     ERR_OK);
}

/* S0-136: the first telemetry after the sale registers, a person confirms; who refuses it owes the card again. */
static void telemetry_registers(void **state)
{
    struct json_out out = json_out(8192);
    struct warranty_facts facts;

    (void)state;
    begin("carded");
    until(2027, 1, 6);
    assert_int_equal(card("waiting"), 1);
    assert_int_equal(decide("confirm", "c0", NULL), ERR_STATE); /* nothing was heard yet */
    until(2027, 1, 10);
    hear();
    until(2027, 1, 11);
    assert_int_equal(card("connected"), 1);
    assert_int_equal(money_find_facts(sql, row("bare-1"), "tank", now_ms, zone_utc(), &facts), ERR_OK);
    assert_int_equal(facts.registered_day, civil_days(2027, 1, 10));
    assert_int_equal(decide("lose", "c1", NULL), ERR_FORMAT);
    assert_int_equal(decide("refuse", "c1", NULL), ERR_FORMAT); /* why? */
    assert_int_equal(decide("refuse", "c1", "it hung on the dealer's bench"), ERR_OK);
    assert_int_equal(decide("refuse", "c1", "it hung on the dealer's bench"), ERR_OK); /* once */
    assert_int_equal(card("refused"), 1);
    until(2027, 1, 30);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'warranty_registration' AND breached_ms IS NOT NULL", ""), 1);
    assert_int_equal(registration_view(sql, row("bare-1"), zone_utc(), &out), ERR_OK);
    assert_non_null(strstr(out.bytes, "\"in_time\":false"));
    assert_non_null(strstr(out.bytes, "\"serial\":\"SN-7\""));
    json_out_free(&out);
    end();

    begin("carded"); /* heard of on the bench, before the sale, and then at the customer's */
    assert_int_equal(sql_run(sql, "UPDATE equipment SET first_seen_ms = ?2, last_seen_ms = ?2 WHERE id = ?1", "ii", row("bare-1"),
                             now_ms - 30 * DAY),
                     ERR_OK);
    until(2027, 1, 8);
    assert_int_equal(card("waiting"), 1);
    hear();
    until(2027, 1, 9);
    assert_int_equal(card("connected"), 1);
    assert_int_equal(decide("confirm", "c2", NULL), ERR_OK);
    assert_int_equal(card("confirmed"), 1);
    assert_int_equal(decide("refuse", "c3", "late"), ERR_STATE);
    until(2027, 1, 30);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = 'warranty_registration' AND breached_ms IS NOT NULL", ""), 0);
    end();

    begin("carded"); /* the card comes by hand: nothing is waited for */
    until(2027, 1, 6);
    assert_int_equal(sql_run(sql, "UPDATE clock SET met_ms = ?1 WHERE kind = 'warranty_registration'", "i", now_ms), ERR_OK);
    hear();
    until(2027, 1, 7);
    assert_int_equal(card("waiting") + card("connected"), 0);
    end();
}

static enum err word(const char *who, enum role role, const char *action, const char *fields)
{
    struct action what = {.action = action, .who = who, .role = role};
    TEXT(why, 400);
    enum err err;

    assert_int_equal(json_parse(arena, fields, strlen(fields), &what.body, NULL), ERR_OK);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = desk_inspection_action(desk, sql, 1, &what, now_ms, &why);
    snprintf(last_why, sizeof(last_why), "%s", why.at);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    return err;
}

static int64_t count(const char *statement)
{
    return sql_find_int(sql, -1, statement, "");
}

/* Drafted at once, but nobody has it before two people have said so; then it goes to all of its readers. */
static void a_report_waits_for_two_people(void **state)
{
    struct reply_message reply = {.state = "done"};
    static const char result[] = "{\"points\": [], \"checks\": [], \"health\": {\"spool\": {\"messages\": 3}}}";
    char number[32], id[65] = "";
    struct sql_rows rows;

    (void)state;
    begin("two_words");
    look();
    assert_int_equal(orders_inspect(sql, row("bare-1"), "demand", 0, now_ms, number), ERR_OK);
    sql_find(sql, &rows, "SELECT id, agent FROM command WHERE state = 'waiting' LIMIT 1", "");
    assert_true(sql_next(&rows));
    (void)!text_copy(id, sizeof(id), sql_text(&rows, 0));
    reply.command = id;
    int64_t agent = sql_int(&rows, 1);

    assert_int_equal(sql_end(&rows), ERR_OK);
    assert_int_equal(word("ann", ROLE_DISPATCHER, "approve", "{}"), ERR_STATE); /* there is nothing to approve */
    assert_int_equal(json_parse(arena, result, strlen(result), &reply.result, NULL), ERR_OK);
    assert_int_equal(orders_reply(sql, rules, agent, &reply, now_ms), ERR_OK);
    look();
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_report WHERE approvals = 2 AND approved_ms IS NULL"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_reader"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'inspection_report' AND met_ms IS NULL"), 1); /* it is owed all the same */
    assert_int_equal(word("ann", ROLE_DISPATCHER, "deliver", "{\"to\":\"Li\"}"), ERR_STATE);
    assert_non_null(strstr(last_why, "approve"));
    assert_int_equal(word("gateway", ROLE_INTEGRATION, "approve", "{}"), ERR_FORBIDDEN);
    assert_int_equal(word("ann", ROLE_DISPATCHER, "approve", "{\"note\":\"as I saw it\"}"), ERR_OK);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_reader"), 0);
    assert_int_equal(word("ann", ROLE_DISPATCHER, "approve", "{}"), ERR_STATE); /* another person */
    now_ms += HOUR;
    assert_int_equal(word("bob", ROLE_MANAGER, "approve", "{}"), ERR_OK);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_report WHERE approved_ms IS NOT NULL"), 1);
    assert_true(count("SELECT COUNT(*) FROM inspection_reader") > 0);
    assert_int_equal(word("eve", ROLE_ADMIN, "approve", "{}"), ERR_STATE); /* it is */
    assert_int_equal(word("ann", ROLE_DISPATCHER, "deliver", "{\"to\":\"Li\"}"), ERR_OK);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'inspection_report' AND met_ms IS NOT NULL"), 1);
    end();

    begin("two_words"); /* another plan asks nobody: sent when it is drafted */
    assert_int_equal(sql_run(sql, "DELETE FROM contract_site", ""), ERR_OK);
    look();
    assert_int_equal(orders_inspect(sql, row("bare-1"), "demand", 0, now_ms, number), ERR_OK);
    assert_int_equal(sql_run(sql, "UPDATE command SET id = ?1", "t", id), ERR_OK);
    assert_int_equal(sql_run(sql, "UPDATE inspection SET command = ?1", "t", id), ERR_OK);
    assert_int_equal(json_parse(arena, result, strlen(result), &reply.result, NULL), ERR_OK);
    assert_int_equal(orders_reply(sql, rules, agent, &reply, now_ms), ERR_OK);
    look();
    assert_true(count("SELECT COUNT(*) FROM inspection_reader") > 0);
    assert_int_equal(word("bob", ROLE_MANAGER, "approve", "{}"), ERR_STATE);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_by_themselves),
        cmocka_unit_test(old_plants_are_patrolled_more_often),
        cmocka_unit_test(old_plants_are_visited_more_often),
        cmocka_unit_test(telemetry_registers),
        cmocka_unit_test(a_report_waits_for_two_people),
    };
    char line[200];
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-rounds-test-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    snprintf(plans, sizeof(plans), "/tmp/heliograph-rounds-plans-%d", (int)getpid());
    snprintf(line, sizeof(line), "cp -r models/plans %s", plans);
    if (system(line)) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(overlays) / sizeof(overlays[0]); i++) {
        FILE *file;

        snprintf(line, sizeof(line), "%s/overlays/%s.yaml", plans, overlays[i].name);
        file = fopen(line, "w");
        if (!file || fprintf(file, "overlay: %s\nversion: 1\ntitle: {en: x, zh: x}\n%s\n", overlays[i].name, overlays[i].text) < 0 ||
            fclose(file)) {
            return 1;
        }
    }
    if (rules_open("models/equipment", plans, say, NULL, &rules) || rules_add_shipped_jobs(rules, "models/jobs") ||
        rules_add_codes(rules, "models/codes.yaml") || rules_add_notices(rules, "models/notices") ||
        rules_add_checklist(rules, "models/inspections")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    snprintf(line, sizeof(line), "rm -r %s", plans);
    (void)!system(line);
    return failed;
}
