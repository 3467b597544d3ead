/* Parts under a clock that the test turns: what is let go, what is owed, what the server does by itself. */
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
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define HOUR 3600000LL
#define DAY  (24 * HOUR)

static char path[64], url[80];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static struct arena *arena;
static int64_t now_ms;

static const char fleet[] =
    "customers: [{id: c, name: Li}]\n"
    "sites: [{id: s, customer: c, name: Home, time_zone: Asia/Shanghai, lat: 31.2, lon: 121.5}]\n"
    "teams: [{id: t, name: Crew, sites: [s], skills: [electrician]}]\n"
    "technicians: [{id: h, name: Wang, team: t}]\n"
    "equipment:\n"
    "  - {id: e, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-03-06', components: [{class: tank}]}\n"
    "contracts: [{id: con, customer: c, sites: [s], plan: swh_standard, overlays: [discipline], start: '2026-01-01'}]\n"
    "depots:\n"
    "  - {id: d, name: Depot, lat: 31.2, lon: 121.6, stocktake: 90d, sampling: 180d}\n"
    "  - {id: far, name: Far, lat: 31.0, lon: 121.1}\n"
    "  - {id: van, name: Van, kind: van, technician: h}\n"
    "parts:\n"
    "  - {id: pump-15-60, class: electrical, stock: [{depot: d, count: 3}, {depot: far, count: 3}, {depot: van, count: 1}]}\n"
    "  - {id: seal, class: pipe, tracked: lot, shelf_life: 30d, fits: [{profile: swh-basic, rate: 2}], lead: 20d}\n"
    "  - {id: hose, class: pipe, cost: 3, stock: [{depot: d, count: 2, min: 4, target: 9}]}\n";

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void begin(void)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    int64_t changed;
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 4, 20) * DAY + 2 * HOUR;
    assert_int_equal(arena_open(64 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    assert_int_equal(fleet_check(arena, sql, rules, fleet, strlen(fleet), &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    arena_close(arena);
    scratch_remove(path);
}

static int64_t number(const char *statement)
{
    return sql_find_int(sql, -7, statement, "");
}

static struct action said(const char *name, const char *fields)
{
    struct action action = {.action = name, .who = "li", .role = ROLE_DISPATCHER};
    TEXT(json, 1000);
    char *kept;

    text_addf(&json, "{%s}", fields);
    kept = arena_text(arena, json.at, json.length);
    assert_int_equal(json_parse(arena, kept, json.length, &action.body, NULL), ERR_OK);
    return action;
}

static enum err step(const char *name, const char *fields)
{
    struct action action = said(name, fields);
    TEXT(why, 400);

    return desk_stock_step(desk, sql, &action, now_ms, &why);
}

static int64_t open_voucher(const char *fields)
{
    struct action action = said("", fields);
    int64_t id = 0;
    TEXT(why, 400);

    if (desk_stock_open(desk, sql, &action, now_ms, &id, &why)) {
        fail_msg("%s: %s", fields, why.at);
    }
    return id;
}

static enum err act(int64_t voucher, const char *name, const char *fields)
{
    struct action action = said(name, fields);
    TEXT(why, 400);

    return desk_stock_act(desk, sql, voucher, &action, now_ms, &why);
}

/* The next `days` days, a turn when the desk wants one. */
static void days(int count)
{
    int64_t until_ms = now_ms + count * DAY, next_ms = now_ms;

    for (int turns = 0; now_ms < until_ms && turns < 100000; turns++) {
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        now_ms = next_ms > now_ms ? next_ms : now_ms + 1000;
        now_ms = now_ms < until_ms ? now_ms : until_ms;
    }
    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
}

static int64_t fault(void)
{
    struct desk_fault what = {.equipment = number("SELECT id FROM equipment WHERE name = 'e'"), .fault = "pump_no_flow",
                              .state = FAULT_RAISED, .grade = 2, .onset_ms = now_ms - 60000, .detected_ms = now_ms, .t_ms = now_ms};

    assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
    return number("SELECT MAX(id) FROM work_order");
}

static enum err work(int64_t order, const char *name, const char *fields)
{
    struct action action = said(name, fields);
    TEXT(why, 800);

    action.role = ROLE_TECHNICIAN;
    return desk_work_action(desk, sql, order, &action, now_ms, &why);
}

/* S1-26 S1-47: the technician's own van goes first; what was laid aside is let go when the ticket is closed. */
static void test_laid_aside_and_let_go(void **state)
{
    struct action assign, close;
    int64_t order, ticket;
    TEXT(why, 800);

    (void)state;
    begin();
    order = fault();
    ticket = sql_find_int(sql, 0, "SELECT ticket FROM work_order WHERE id = ?1", "i", order);
    assign = said("assign", "\"technician\":\"h\",\"appointment\":{\"from\":\"2026-04-20T14:00:00+08:00\",\"to\":"
                            "\"2026-04-20T16:00:00+08:00\"}");
    if (desk_ticket_action(desk, sql, ticket, &assign, now_ms, &why)) {
        fail_msg("%s", why.at);
    }
    assert_int_equal(number("SELECT COUNT(*) FROM work_part p JOIN depot d ON d.id = p.depot WHERE p.state = 'reserved' AND"
                            " d.name = 'van'"), 1);
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 1);
    close = said("close", "\"resolution\":\"a mistake\",\"override\":\"it was a mistake\"");
    close.role = ROLE_MANAGER;
    now_ms += HOUR;
    if (desk_ticket_action(desk, sql, ticket, &close, now_ms, &why)) {
        fail_msg("%s", why.at);
    }
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM work_part WHERE state = 'reserved'"), 0);
    end();
}

/* S0-150: an exchange under a plan that wants old parts back is owed till the end of the next window (1 to 15 June), warned
 * of, and a breach after it. */
static void test_old_parts_have_their_window(void **state)
{
    int64_t order;

    (void)state;
    begin();
    order = fault();
    assert_int_equal(work(order, "use_part", "\"part\":\"pump-15-60\",\"serial_old\":\"A\",\"serial_new\":\"B\""), ERR_OK);
    assert_int_equal(number("SELECT COUNT(*) FROM voucher WHERE kind = 'old_part' AND serial = 'A' AND state = 'held'"), 1);
    assert_int_equal(number("SELECT until_ms FROM clock WHERE kind = 'old_part'"),
                     civil_days(2026, 6, 16) * DAY - 8 * HOUR);
    days(58);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'old_part' AND breached_ms IS NOT NULL"), 1);
    assert_int_equal(act(number("SELECT id FROM voucher WHERE kind = 'old_part'"), "return", "\"to\":\"d\""), ERR_OK);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'old_part' AND met_ms IS NOT NULL"), 1);
    end();
}

/* What has not left yet when its job is called off is anybody's again; what is under way stays under way. */
static void test_a_job_is_called_off(void **state)
{
    int64_t order, first, second;

    (void)state;
    begin();
    order = fault();
    TEXT(fields, 300);
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT number FROM work_order WHERE id = ?1", "i", order);
    assert_true(sql_next(&rows));
    text_addf(&fields, "\"kind\":\"shipment\",\"depot\":\"d\",\"part\":\"pump-15-60\",\"work_order\":\"%s\"",
              sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    first = open_voucher(fields.at);
    second = open_voucher(fields.at);
    assert_int_equal(act(first, "ship", ""), ERR_OK);
    assert_int_equal(act(second, "pick", ""), ERR_OK);
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 1);
    assert_int_equal(work(order, "cancel", "\"reason\":\"not needed\""), ERR_OK);
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM voucher WHERE id = ?1 AND state = 'cancelled'", "i", second), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM voucher WHERE id = ?1 AND state = 'shipped'", "i", first), 1);
    end();
}

/* A loan that is not back in time is a breach. S0-117 */
static void test_a_loan_is_owed_back(void **state)
{
    int64_t loan;

    (void)state;
    begin();
    loan = open_voucher("\"kind\":\"loan\",\"part\":\"pump-15-60\",\"depot\":\"d\",\"equipment\":\"e\",\"due\":"
                        "\"2026-04-25T12:00:00+08:00\"");
    assert_int_equal(act(loan, "hand_over", ""), ERR_OK);
    days(4);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'loan' AND breached_ms IS NOT NULL"), 0);
    days(2);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'loan' AND breached_ms IS NOT NULL"), 1);
    assert_int_equal(act(loan, "bring_back", ""), ERR_OK);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'loan' AND met_ms IS NOT NULL"), 1);
    end();
}

/* S1-45 S1-51 S0-142: counting and sampling are owed again and again, from the last one that was done; a reserve plan is
 * drafted when its duty is raised; what is below its least is proposed once. What is past its shelf life is not given out. */
static void test_the_calendar_of_the_stock(void **state)
{
    int64_t count;

    (void)state;
    begin();
    assert_int_equal(step("receive", "\"part\":\"seal\",\"depot\":\"d\",\"count\":5,\"lot\":\"L1\",\"unit_cost\":2"), ERR_OK);
    days(1);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE subject = 'depot' AND met_ms IS NULL"), 2);
    assert_int_equal(number("SELECT COUNT(*) FROM voucher WHERE kind = 'purchase'"), 1);
    assert_int_equal(number("SELECT n.count FROM voucher_line n JOIN part p ON p.id = n.part WHERE p.name = 'hose'"), 7);
    count = open_voucher("\"kind\":\"stocktake\",\"depot\":\"far\"");
    assert_int_equal(act(count, "count", "\"part\":\"pump-15-60\",\"counted\":3"), ERR_OK);
    days(34);
    assert_int_equal(number("SELECT COUNT(*) FROM lot WHERE name = 'L1' AND state = 'blocked'"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM lot_check WHERE kind = 'expiry'"), 1);
    days(140);
    /* of each season one; none twice */
    assert_true(number("SELECT COUNT(*) FROM voucher WHERE kind = 'reserve_plan'") > 0);
    assert_int_equal(number("SELECT COUNT(*) FROM voucher WHERE kind = 'reserve_plan'"),
                     number("SELECT COUNT(*) FROM clock WHERE kind = 'reserve_plan'"));
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'stocktake' AND breached_ms IS NOT NULL"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'stocktake'"), 1); /* owed still, not again */
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laid_aside_and_let_go),
        cmocka_unit_test(test_old_parts_have_their_window),
        cmocka_unit_test(test_a_loan_is_owed_back),
        cmocka_unit_test(test_a_job_is_called_off),
        cmocka_unit_test(test_the_calendar_of_the_stock),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-parts-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules) ||
        rules_add_jobs(rules, "models/jobs") || rules_add_codes(rules, "models/codes.yaml")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
