/* Work orders under a clock that the test turns: the queue of a phone in any order, what holds an order up, what follows. */
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
#include "models/base/zone.h"
#include "server/alarm/alarm.h"
#include "server/desk/desk.h"
#include "server/desk/view.h"
#include "server/field/field.h"
#include "server/fleet/fleet_file.h"
#include "server/rack/rack.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static char path[64], url[80];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static struct arena *arena;
static int64_t now_ms, start_ms;

static const char fleet[] =
    "customers: [{id: c, name: Li}]\n"
    "sites: [{id: s, customer: c, name: Home, time_zone: Asia/Shanghai}]\n"
    "teams: [{id: t, name: Crew, sites: [s], skills: [electrician]}]\n"
    "technicians: [{id: h, name: Wang, team: t}, {id: g, name: Zhao, team: t}]\n"
    "equipment:\n"
    "  - {id: e, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-03-06', components: [{class: tank}]}\n"
    "  - {id: f, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-03-06'}\n"
    "depots: [{id: d, name: Depot}]\n"
    "parts: [{id: pump-15-60, class: electrical, stock: [{depot: d, count: 3}]}]\n";

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void begin_under(const char *plan)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = plan};
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    int64_t changed;
    TEXT(why, 300);

    scratch_remove(path);
    start_ms = now_ms = civil_days(2026, 11, 24) * DAY + 2 * HOUR;
    assert_int_equal(arena_open(64 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    assert_int_equal(fleet_check(arena, sql, rules, fleet, strlen(fleet), &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
}

static void begin(void)
{
    begin_under("swh_standard");
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    arena_close(arena);
    scratch_remove(path);
}

static int64_t row(const char *statement_of_equipment)
{
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", statement_of_equipment);
}

/* A fault of a piece of equipment; its order. */
static int64_t fault(const char *equipment, const char *name)
{
    struct desk_fault what = {.equipment = row(equipment), .fault = name, .state = FAULT_RAISED, .grade = 2,
                              .onset_ms = now_ms - MINUTE, .detected_ms = now_ms, .t_ms = now_ms};

    assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
    return sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order", "");
}

/* One action at at_ms, as a phone sends it; fields: further JSON fields or "". */
static char last_why[800];
static enum role actor = ROLE_TECHNICIAN;

static enum err act(int64_t order, const char *action, const char *id, int64_t at_ms, const char *fields)
{
    struct action what = {.action = action, .action_id = id, .who = "wang", .role = actor, .at_ms = at_ms};
    TEXT(json, 1000);
    TEXT(why, 800);
    enum err err;

    text_addf(&json, "{\"action\":\"%s\"%s%s}", action, fields[0] ? "," : "", fields);
    assert_int_equal(json_parse(arena, json.at, json.length, &what.body, NULL), ERR_OK);
    what.note = json_text_or(what.body, "note", NULL);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = desk_work_action(desk, sql, order, &what, now_ms, &why);
    if (err) {
        assert_true(why.length > 0);
        snprintf(last_why, sizeof(last_why), "%s", why.at);
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    return err;
}

static const char *state_of(int64_t order)
{
    static char state[32];
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT state FROM work_order WHERE id = ?1", "i", order);
    assert_true(sql_next(&rows));
    snprintf(state, sizeof(state), "%s", sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    return state;
}

/* ------------------------------------------------------------------ the queue of a day (pains 26, 48, 49) */

struct queued {
    int order; /* of the test's orders */
    int minute;
    const char *action, *fields;
};

static const struct queued day[] = {
    {0, 10, "accept", ""},
    {1, 12, "accept", ""},
    {0, 20, "depart", ""},
    {0, 40, "arrive", ""},
    {0, 44, "check", "\"step\":\"precaution-electric\",\"value\":true"},
    {0, 45, "check", "\"step\":\"air\",\"value\":false"},
    {0, 48, "start", "\"precautions\":[\"scald\",\"pressure\"]"},
    {0, 50, "check", "\"step\":\"current\",\"value\":3.5"},
    {0, 55, "reserve_part", "\"part\":\"pump-15-60\",\"count\":2"},
    {0, 60, "check", "\"step\":\"current\",\"value\":0.5"},
    {0, 65, "use_part", "\"part\":\"pump-15-60\",\"serial_old\":\"A\",\"serial_new\":\"B\""},
    {0, 66, "check", "\"step\":\"cause\",\"value\":\"seized\""},
    {0, 67, "check", "\"step\":\"air\",\"value\":true"},
    {0, 68, "record", "\"kind\":\"parameter\",\"item\":\"setpoint\",\"old\":50,\"new\":55"},
    {0, 70, "note", "\"note\":\"loud before\""},
    {0, 72, "photo", "\"step\":\"photo-after\",\"attachment\":\"p1\",\"image\":\"data:image/png;base64,iVBORw0KGgo=\""},
    {0, 75, "test", ""},
    {0, 80, "finish", ""},
    {0, 82, "sign", "\"name\":\"Li\""},
    {0, 83, "sign", "\"name\":\"Wang\",\"role\":\"technician\""},
    {0, 85, "refuse_result", "\"remarks\":\"still loud\",\"name\":\"Li\""},
    {0, 95, "finish", ""},
    {0, 97, "sign", "\"name\":\"Li Xiaoming\""},
    {0, 99, "accept_result", "\"name\":\"Li Xiaoming\""},
    {0, 101, "time", "\"from\":\"2026-11-24T02:20:00Z\",\"to\":\"2026-11-24T02:40:00Z\",\"kind\":\"travel\""},
    {0, 102, "time", "\"from\":\"2026-11-24T02:40:00Z\",\"to\":\"2026-11-24T03:35:00Z\""},
    {1, 110, "refuse", "\"code\":\"no_time\""},
    {2, 115, "depart", ""},
    {2, 120, "arrive", ""},
    {2, 125, "start", ""},
    {2, 130, "check", "\"step\":\"burst\",\"value\":\"no\""},
    {2, 135, "check", "\"step\":\"burst\",\"value\":true"},
    {2, 140, "finish", ""},
};
#define DAY_COUNT (sizeof(day) / sizeof(day[0]))

static enum err send(const int64_t orders[3], size_t which)
{
    const struct queued *item = &day[which];
    char id[16];

    snprintf(id, sizeof(id), "q-%02zu", which);
    return act(orders[item->order], item->action, id, start_ms + item->minute * MINUTE, item->fields);
}

/* All that the orders, their tickets and the stock say; without the count of versions. */
static void dump(const int64_t orders[3], struct json_out *out)
{
    struct sql_rows rows;

    for (int i = 0; i < 3; i++) {
        char *version;
        struct json_out one = json_out(1 << 20);

        assert_int_equal(work_view(sql, rules, orders[i], &one), ERR_OK);
        version = strstr(one.bytes, "\"version\":");
        assert_non_null(version);
        memset(version, ' ', strcspn(version, ","));
        for (char *at = one.bytes; (at = strstr(at, "\"ticket\":\"T-")) != NULL; at += 12) {
            memset(at + 12, ' ', strcspn(at + 12, "\"")); /* drawn anew for each finding */
        }
        json_put_text(out, one.bytes);
        json_out_free(&one);
    }
    sql_find(sql, &rows,
             "SELECT t.state, c.kind, c.met_ms, (SELECT SUM(count) FROM stock), (SELECT COUNT(*) FROM ticket) FROM ticket t"
             " LEFT JOIN clock c ON c.ticket = t.id ORDER BY t.cause_key, c.kind",
             "");
    while (sql_next(&rows)) {
        json_put_text(out, sql_text(&rows, 0));
        json_put_text(out, sql_text(&rows, 1));
        json_put_int(out, sql_int(&rows, 2));
        json_put_int(out, sql_int(&rows, 3));
        json_put_int(out, sql_int(&rows, 4));
    }
    assert_int_equal(sql_end(&rows), ERR_OK);
    assert_int_equal(out->err, ERR_OK);
}

static void compare(const struct json_out *expected, const struct json_out *found, unsigned seed)
{
    size_t at = 0;

    if (expected->size == found->size && memcmp(expected->bytes, found->bytes, found->size) == 0) {
        return;
    }
    while (at < expected->size && at < found->size && expected->bytes[at] == found->bytes[at]) {
        at++;
    }
    at = at < 200 ? 0 : at - 200;
    print_error("seed %u\nin order: …%.500s\nelse:     …%.500s\n", seed, expected->bytes + at, found->bytes + at);
    fail();
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16;
}

/* Pieces of the queue in any order, some twice, what was refused as not legal now again, until all is there. */
static void deliver(const int64_t orders[3], unsigned seed)
{
    bool done[DAY_COUNT] = {false};
    size_t left = DAY_COUNT;

    for (int round = 0; left > 0; round++) {
        size_t which = next_random(&seed) % DAY_COUNT;
        enum err err = send(orders, which);

        for (size_t i = 0; round == 20000 && i < DAY_COUNT; i++) {
            if (!done[i]) {
                print_error("seed %u: %s of minute %d is never taken (%s)\n", seed, day[i].action, day[i].minute,
                            send(orders, i) ? last_why : "");
            }
        }
        assert_true(round < 20000);
        if (err && done[which]) {
            fail_msg("seed %u: %s was done and is refused now", seed, day[which].action);
        }
        if (!err && !done[which]) {
            done[which] = true;
            left--;
        }
    }
}

/* Random interleavings, duplicates and reorderings end in the same state as the queue in order once. */
static void test_a_queue_in_any_order(void **state)
{
    struct json_out expected = json_out(4 << 20), found = json_out(4 << 20);
    int64_t orders[3];

    (void)state;
    begin();
    orders[0] = fault("e", "pump_no_flow");
    orders[1] = fault("e", "tank_leak");
    orders[2] = fault("f", "freeze_risk");
    now_ms += 8 * HOUR;
    assert_int_equal(sql_save(sql), ERR_OK);
    for (size_t i = 0; i < DAY_COUNT; i++) {
        assert_int_equal(send(orders, i), ERR_OK);
        assert_int_equal(send(orders, i), ERR_OK);
    }
    assert_string_equal(state_of(orders[0]), "done");
    assert_string_equal(state_of(orders[1]), "refused");
    dump(orders, &expected);
    sql_undo(sql);
    for (unsigned seed = 1; seed <= 40; seed++) {
        assert_int_equal(sql_save(sql), ERR_OK);
        arena_reset(arena);
        deliver(orders, seed);
        json_out_reset(&found);
        dump(orders, &found);
        compare(&expected, &found, seed);
        sql_undo(sql);
    }
    json_out_free(&expected);
    json_out_free(&found);
    end();
}

/* ------------------------------------------------------------------ what holds an order up */

/* The contract's plain client: no precaution, no test, no step; then what is missing holds up verify and close. */
static void test_the_plain_client_ends_at_done(void **state)
{
    static const char *const way[] = {"accept", "depart", "arrive", "start", "finish"};
    int64_t order;

    (void)state;
    begin();
    order = fault("e", "pump_no_flow");
    for (size_t i = 0; i < 5; i++) {
        now_ms += MINUTE;
        assert_int_equal(act(order, way[i], NULL, 0, ""), ERR_OK);
    }
    assert_string_equal(state_of(order), "done");
    assert_int_equal(act(order, "sign", NULL, 0, "\"name\":\"Li\",\"image\":\"data:\""), ERR_OK);
    assert_string_equal(state_of(order), "done");
    assert_int_equal(act(order, "close", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(order, "verify", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(order, "verify", NULL, 0, "\"override\":{\"code\":\"lazy\"}"), ERR_FORMAT);
    assert_int_equal(act(order, "verify", NULL, 0, "\"override\":{\"code\":\"other\"}"), ERR_FORMAT);
    assert_int_equal(act(order, "verify", NULL, 0, "\"override\":{\"code\":\"no_reading\",\"needs\":[\"test\"]}"),
                     ERR_STATE);
    assert_int_equal(act(order, "verify", NULL, 0, "\"override\":{\"code\":\"later\"}"), ERR_OK);
    assert_string_equal(state_of(order), "verified");
    /* S0-149: unsigned it is not closed; a refused verify has left no override behind */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_override WHERE work_order = ?1", "i", order), 3);
    assert_int_equal(act(order, "close", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(order, "sign", NULL, 0, "\"name\":\"Wang\",\"role\":\"technician\""), ERR_OK);
    assert_int_equal(act(order, "close", NULL, 0, ""), ERR_OK);
    assert_string_equal(state_of(order), "closed");
    end();
}

static enum err ask(const char *json, int64_t *ret_order)
{
    struct action what = {.action = "", .who = "ann", .role = ROLE_DISPATCHER};
    TEXT(why, 500);

    assert_int_equal(json_parse(arena, json, strlen(json), &what.body, NULL), ERR_OK);
    what.action_id = json_text_or(what.body, "id", NULL);
    return desk_work_ask(desk, sql, &what, now_ms, ret_order, &why);
}

/* S0-19: four gates, the written ones with a document; S2-19: precautions before the start. */
static void test_gates_of_an_installation(void **state)
{
    int64_t order, again;

    (void)state;
    begin();
    assert_int_equal(ask("{\"kind\":\"installation\"}", &order), ERR_FORMAT);
    assert_int_equal(ask("{\"kind\":\"installation\",\"site\":\"s\",\"id\":\"n-1\",\"technician\":\"h\"}", &order), ERR_OK);
    assert_int_equal(ask("{\"kind\":\"installation\",\"site\":\"s\",\"id\":\"n-1\"}", &again), ERR_OK);
    assert_int_equal(order, again);
    assert_string_equal(state_of(order), "assigned");
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_gate WHERE work_order = ?1", "i", order), 4);
    assert_int_equal(act(order, "depart", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"moon\",\"by\":\"Li\""), ERR_FORMAT);
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"site\",\"by\":\"Li\""), ERR_FORMAT);
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"site\",\"by\":\"Li\",\"reference\":\"mail 1\""), ERR_OK);
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"target\",\"by\":\"Li\""), ERR_OK);
    assert_int_equal(act(order, "depart", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"resources\",\"by\":\"Li\",\"reference\":\"mail 2\""), ERR_OK);
    assert_int_equal(act(order, "depart", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(order, "arrive", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(order, "start", NULL, 0, "\"precautions\":[\"electric\"]"), ERR_STATE);
    assert_int_equal(act(order, "start", NULL, 0, "\"precautions\":[\"electric\",\"height\",\"pressure\"]"), ERR_OK);
    assert_string_equal(state_of(order), "working");
    end();
}

static void force(int64_t order, const char *name)
{
    assert_int_equal(sql_run(sql, "UPDATE work_order SET state = ?2 WHERE id = ?1", "it", order, name), ERR_OK);
}

/* S0-69, S0-75: the acceptance of its installation is what warranty and training begin with; the fleet file's day goes
 * before it, a refusal that is said later takes it back. */
static void test_an_accepted_installation_is_accepted_equipment(void **state)
{
    static const char accepted[] = "SELECT COALESCE(accepted_day, -1) FROM equipment WHERE name = 'e'";
    int64_t order, other, today;

    (void)state;
    begin();
    today = now_ms / 86400000; /* 12:00 at the site */
    assert_int_equal(ask("{\"kind\":\"installation\",\"equipment\":\"e\",\"technician\":\"h\"}", &order), ERR_OK);
    assert_int_equal(ask("{\"kind\":\"inspection\",\"equipment\":\"e\",\"technician\":\"h\"}", &other), ERR_OK);
    force(order, "done");
    force(other, "done");
    assert_int_equal(act(other, "accept_result", NULL, 0, ""), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, accepted, ""), -1);
    assert_int_equal(act(order, "accept_result", NULL, 0, ""), ERR_OK);
    assert_in_range(sql_find_int(sql, 0, accepted, ""), today, today + 1);
    assert_int_equal(act(order, "refuse_result", NULL, 0, "\"remarks\":\"it drips\""), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, accepted, ""), -1);
    end();
}

/* S0-117, S0-127, S1-43: the unit that was taken off goes on under an order and a number of its own. */
static void test_a_unit_goes_to_the_depot(void **state)
{
    int64_t order, child;

    (void)state;
    begin();
    order = fault("e", "pump_no_flow");
    assert_int_equal(act(order, "use_part", "u0", 0, "\"part\":\"pump-15-60\",\"qc\":false"), ERR_STATE); /* S1-42 */
    assert_int_equal(act(order, "use_part", "u1", 0, "\"part\":\"pump-15-60\",\"old_goes\":\"depot_repair\""), ERR_FORMAT);
    assert_int_equal(act(order, "use_part", "u2", 0,
                         "\"part\":\"pump-15-60\",\"old_goes\":\"depot_repair\",\"serial_old\":\"SN-9\",\"qc\":true"),
                     ERR_OK);
    assert_int_equal(act(order, "use_part", "u2", 0, "\"part\":\"pump-15-60\""), ERR_OK); /* pain 26 */
    assert_int_equal(sql_find_int(sql, 0, "SELECT SUM(count) FROM stock", ""), 2);
    child = sql_find_int(sql, 0,
                         "SELECT id FROM work_order WHERE parent = ?1 AND serial = 'SN-9' AND rma LIKE 'R-%' AND kind ="
                         " 'depot_repair'",
                         "i", order);
    assert_true(child > 0);
    assert_int_equal(act(child, "accept", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(child, "start", NULL, 0, "\"precautions\":[\"electric\"]"), ERR_STATE);
    assert_int_equal(act(child, "confirm", NULL, 0, "\"gate\":\"received\",\"by\":\"store\""), ERR_OK);
    assert_int_equal(act(child, "start", NULL, 0, "\"precautions\":[\"electric\"]"), ERR_OK);
    assert_int_equal(act(child, "finish", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(child, "check", NULL, 0, "\"step\":\"found\",\"value\":\"winding\""), ERR_OK);
    assert_int_equal(act(child, "check", NULL, 0, "\"step\":\"repaired\",\"value\":\"repaired\""), ERR_OK);
    assert_int_equal(act(child, "check", NULL, 0, "\"step\":\"bench-test\",\"value\":true"), ERR_OK);
    assert_int_equal(act(child, "finish", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(child, "verify", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(child, "confirm", NULL, 0, "\"gate\":\"qc\",\"by\":\"wang\""), ERR_STATE);
    assert_int_equal(act(child, "confirm", NULL, 0, "\"gate\":\"qc\",\"by\":\"Zhao\""), ERR_OK);
    assert_int_equal(act(child, "verify", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(child, "close", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(child, "confirm", NULL, 0, "\"gate\":\"shipped\",\"by\":\"store\",\"reference\":\"SF1\""), ERR_OK);
    assert_int_equal(act(child, "close", NULL, 0, ""), ERR_OK);
    end();
}

/* Pain 51: what is laid aside is in stock but not for others. */
static void test_what_is_laid_aside(void **state)
{
    int64_t one, other;

    (void)state;
    begin();
    one = fault("e", "pump_no_flow");
    other = fault("f", "pump_no_flow");
    assert_int_equal(act(one, "reserve_part", NULL, 0, "\"part\":\"pump-15-60\",\"count\":2"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT SUM(count) FROM stock", ""), 3);
    assert_int_equal(act(other, "use_part", NULL, 0, "\"part\":\"pump-15-60\",\"count\":2"), ERR_STATE);
    assert_int_equal(act(other, "use_part", NULL, 0, "\"part\":\"pump-15-60\""), ERR_OK);
    assert_int_equal(act(one, "use_part", NULL, 0, "\"part\":\"pump-15-60\",\"count\":2,\"unit_cost\":480"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_part WHERE state = 'reserved'", ""), 0);
    assert_int_equal(sql_find_int(sql, 7, "SELECT SUM(count) FROM stock", ""), 0);
    assert_int_equal(act(one, "return_part", NULL, 0, "\"part\":\"pump-15-60\",\"count\":3"), ERR_STATE);
    assert_int_equal(act(one, "return_part", NULL, 0, "\"part\":\"pump-15-60\""), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT SUM(count) FROM stock", ""), 1);
    assert_int_equal(act(other, "cancel", NULL, 0, ""), ERR_OK);
    end();
}

/* ------------------------------------------------------------------ what follows */

/* Pain 50 (#56), S0-13, S0-57: what a visit finds is a graded ticket, once, joined by the next. */
static void test_a_failed_step_is_a_ticket(void **state)
{
    int64_t order, ticket;

    (void)state;
    begin();
    assert_int_equal(ask("{\"kind\":\"preventive\",\"equipment\":\"e\",\"job\":\"swh-visit\"}", &order), ERR_OK);
    assert_int_equal(act(order, "check", NULL, 0, "\"step\":\"pipes\",\"value\":true"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket", ""), 0);
    assert_int_equal(act(order, "check", NULL, 0, "\"step\":\"bracket\",\"value\":false"), ERR_OK);
    ticket = sql_find_int(sql, 0, "SELECT id FROM ticket WHERE kind = 'inspection' AND grade = 2", "");
    assert_true(ticket > 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT ticket FROM work_step WHERE work_order = ?1 AND step = 'bracket'", "i",
                                  order),
                     ticket);
    assert_true(sql_find_int(sql, 0, "SELECT instr(warranty, 'bracket') FROM ticket WHERE id = ?1", "i", ticket) > 0);
    assert_int_equal(act(order, "check", NULL, 0, "\"step\":\"bracket\",\"value\":\"no\""), ERR_OK);
    assert_int_equal(act(order, "check", NULL, 0, "\"step\":\"earth\",\"value\":9"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT grade FROM ticket WHERE id <> ?1", "i", ticket), 1);
    assert_int_equal(ask("{\"kind\":\"inspection\",\"equipment\":\"e\"}", &order), ERR_OK);
    assert_int_equal(act(order, "check", NULL, 0, "\"step\":\"state\",\"value\":false"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket", ""), 3);
    end();
}

/* S0-62: an emergency takes its technician's planned work off the same hours. */
static void test_an_emergency_goes_first(void **state)
{
    struct action assign = {.action = "assign", .who = "ann", .role = ROLE_DISPATCHER};
    static const char body[] = "{\"action\":\"assign\",\"technician\":\"h\",\"appointment\":{\"from\":"
                               "\"2026-11-24T06:00:00Z\",\"to\":\"2026-11-24T08:00:00Z\"}}";
    struct desk_fault worse;
    int64_t planned, later, order;
    TEXT(why, 500);

    (void)state;
    begin();
    assert_int_equal(ask("{\"kind\":\"inspection\",\"equipment\":\"f\",\"technician\":\"h\",\"appointment\":{\"from\":"
                         "\"2026-11-24T07:00:00Z\",\"to\":\"2026-11-24T09:00:00Z\"}}",
                         &planned),
                     ERR_OK);
    assert_int_equal(ask("{\"kind\":\"inspection\",\"equipment\":\"f\",\"technician\":\"h\",\"appointment\":{\"from\":"
                         "\"2026-11-24T08:00:00Z\",\"to\":\"2026-11-24T09:00:00Z\"}}",
                         &later),
                     ERR_OK);
    order = fault("e", "pump_no_flow");
    worse = (struct desk_fault){.equipment = row("e"), .fault = "pump_no_flow", .state = FAULT_REGRADED, .grade = 1,
                                .onset_ms = now_ms, .detected_ms = now_ms, .t_ms = now_ms};
    assert_int_equal(desk_fault(desk, sql, &worse, now_ms), ERR_OK);
    assert_int_equal(json_parse(arena, body, strlen(body), &assign.body, NULL), ERR_OK);
    assert_int_equal(desk_ticket_action(desk, sql, sql_find_int(sql, 0, "SELECT id FROM ticket", ""), &assign, now_ms,
                                        &why),
                     ERR_OK);
    assert_string_equal(state_of(order), "assigned");
    assert_string_equal(state_of(planned), "dispatched");
    assert_string_equal(state_of(later), "assigned");
    assert_int_equal(sql_find_int(sql, 0, "SELECT preempted_by FROM work_order WHERE id = ?1", "i", planned), order);
    end();
}

/* S1-33: the customer refuses: the repair goes on, its ticket as well; S1-06: hours of one person never overlap. */
static void test_refused_results_and_hours(void **state)
{
    static const char *const way[] = {"accept", "arrive", "start", "finish"};
    int64_t order, ticket;

    (void)state;
    begin();
    order = fault("e", "pump_no_flow");
    for (size_t i = 0; i < 4; i++) {
        now_ms += MINUTE;
        assert_int_equal(act(order, way[i], NULL, 0, ""), ERR_OK);
    }
    ticket = sql_find_int(sql, 0, "SELECT ticket FROM work_order WHERE id = ?1", "i", order);
    now_ms += MINUTE;
    assert_int_equal(act(order, "refuse_result", NULL, 0, ""), ERR_FORMAT);
    assert_int_equal(act(order, "refuse_result", NULL, 0, "\"remarks\":\"cold\",\"name\":\"Li\""), ERR_OK);
    assert_string_equal(state_of(order), "working");
    assert_int_equal(sql_find_int(sql, 0, "SELECT state = 'repairing' FROM ticket WHERE id = ?1", "i", ticket), 1);
    assert_int_equal(act(order, "time", NULL, 0, "\"from\":\"2026-11-24T01:00:00Z\",\"to\":\"2026-11-24T02:00:00Z\""), ERR_OK);
    assert_int_equal(act(order, "time", NULL, 0, "\"from\":\"2026-11-24T01:30:00Z\",\"to\":\"2026-11-24T02:01:00Z\""),
                     ERR_STATE);
    assert_int_equal(act(order, "time", NULL, 0,
                         "\"from\":\"2026-11-24T01:30:00Z\",\"to\":\"2026-11-24T02:01:00Z\",\"technician\":\"g\""),
                     ERR_OK);
    assert_int_equal(act(order, "time", NULL, 0, "\"from\":\"2026-11-24T01:00:00Z\",\"to\":\"2026-11-24T01:00:00Z\""),
                     ERR_FORMAT);
    /* S0-34: what the equipment does not have is marked */
    assert_int_equal(act(order, "scope", NULL, 0, "\"item\":\"tank\",\"component\":\"tank\",\"quantity\":1"), ERR_OK);
    assert_int_equal(act(order, "scope", NULL, 0, "\"item\":\"chiller\",\"component\":\"chiller\",\"material\":9"), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_line WHERE mismatch = 1", ""), 1);
    end();
}

/* A second visit is a second order of the same ticket; while one is open there is no other. */
static void test_a_second_visit(void **state)
{
    static const char *const way[] = {"accept", "arrive", "start", "finish"};
    int64_t first, second;
    struct sql_rows rows;
    TEXT(json, 200);

    (void)state;
    begin();
    first = fault("e", "pump_no_flow");
    sql_find(sql, &rows, "SELECT number FROM ticket", "");
    assert_true(sql_next(&rows));
    text_addf(&json, "{\"kind\":\"emergency_repair\",\"ticket\":\"%s\"}", sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    assert_int_equal(ask(json.at, &second), ERR_STATE);
    for (size_t i = 0; i < 4; i++) {
        now_ms += MINUTE;
        assert_int_equal(act(first, way[i], NULL, 0, ""), ERR_OK);
    }
    assert_int_equal(ask(json.at, &second), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT urgency = 'emergency' AND job LIKE '%swh-pump%' FROM work_order WHERE id"
                                          " = ?1",
                                  "i", second),
                     1);
    now_ms += MINUTE; /* the first one cannot be taken up again now */
    assert_int_equal(act(first, "refuse_result", NULL, 0, "\"remarks\":\"cold\""), ERR_STATE);
    end();
}

/* The desk closes the ticket while the technician is out of reach: what was done before that is kept, what was done after
 * it is a matter for people. */
static void test_closed_while_out_of_reach(void **state)
{
    struct action close = {.action = "close", .who = "ann", .role = ROLE_MANAGER};
    static const char body[] = "{\"action\":\"close\",\"resolution\":\"it was a mistake\",\"override\":\"x\"}";
    int64_t order;
    TEXT(why, 800);

    (void)state;
    begin();
    order = fault("e", "pump_no_flow");
    assert_int_equal(act(order, "reserve_part", NULL, 0, "\"part\":\"pump-15-60\",\"count\":3"), ERR_OK);
    now_ms = start_ms + 60 * MINUTE;
    assert_int_equal(act(order, "cancel", NULL, 0, ""), ERR_OK);
    now_ms = start_ms + 90 * MINUTE;
    assert_int_equal(act(order, "depart", "p1", start_ms + 30 * MINUTE, ""), ERR_OK);
    assert_int_equal(act(order, "arrive", "p2", start_ms + 40 * MINUTE, ""), ERR_OK);
    assert_int_equal(act(order, "check", "p3", start_ms + 50 * MINUTE, "\"step\":\"air\",\"value\":true"), ERR_OK);
    assert_int_equal(act(order, "check", "p4", start_ms + 70 * MINUTE, "\"step\":\"air\",\"value\":true"), ERR_STATE);
    assert_int_equal(act(order, "start", "p5", start_ms + 70 * MINUTE, ""), ERR_STATE);
    assert_string_equal(state_of(order), "cancelled");
    /* the same when it was the ticket that was closed */
    order = fault("f", "pump_no_flow");
    assert_int_equal(act(order, "use_part", NULL, 0, "\"part\":\"pump-15-60\",\"count\":3"), ERR_OK);
    assert_int_equal(json_parse(arena, body, strlen(body), &close.body, NULL), ERR_OK);
    now_ms += 60 * MINUTE;
    if (desk_ticket_action(desk, sql, sql_find_int(sql, 0, "SELECT ticket FROM work_order WHERE id = ?1", "i", order),
                           &close, now_ms, &why)) {
        fail_msg("%s", why.at);
    }
    assert_string_equal(state_of(order), "cancelled");
    now_ms += 60 * MINUTE;
    assert_int_equal(act(order, "arrive", "r1", now_ms - 90 * MINUTE, ""), ERR_OK);
    assert_int_equal(act(order, "arrive", "r2", now_ms - 30 * MINUTE, ""), ERR_STATE);
    assert_string_equal(state_of(order), "cancelled");
    end();
}

/* S0-126: a planned change has a window over its time, which moves with it and ends with the work. */
static void test_a_planned_change_has_its_window(void **state)
{
    int64_t order, window;

    (void)state;
    begin();
    assert_int_equal(ask("{\"kind\":\"planned_change\",\"equipment\":\"e\",\"technician\":\"h\",\"appointment\":{\"from\":"
                         "\"2026-11-24T03:00:00Z\",\"to\":\"2026-11-24T05:00:00Z\"}}",
                         &order),
                     ERR_OK);
    window = sql_find_int(sql, 0, "SELECT service_window FROM work_order WHERE id = ?1", "i", order);
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT to_ms - from_ms FROM service_window WHERE id = ?1 AND kind = 'planned_change' AND"
                                  " ended_ms IS NULL",
                                  "i", window),
                     2 * HOUR);
    assert_int_equal(act(order, "reschedule", NULL, 0, "\"appointment\":{\"from\":\"2026-11-24T03:30:00Z\",\"to\":"
                                                       "\"2026-11-24T06:00:00Z\"}"),
                     ERR_FORMAT);
    assert_int_equal(act(order, "reschedule", NULL, 0, "\"reason\":\"later\",\"appointment\":{\"from\":"
                                                       "\"2026-11-24T03:30:00Z\",\"to\":\"2026-11-24T06:00:00Z\"}"),
                     ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM service_window WHERE ended_ms IS NULL", ""), 1);
    now_ms = start_ms + 100 * MINUTE;
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"agreed\",\"by\":\"Li\",\"reference\":\"mail\""), ERR_OK);
    assert_int_equal(act(order, "arrive", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(order, "start", NULL, 0, "\"precautions\":[\"electric\"]"), ERR_OK);
    assert_true(window_over(sql, row("e"), "planned_change", now_ms));
    assert_false(window_over(sql, row("f"), "planned_change", now_ms));
    now_ms += 10 * MINUTE;
    assert_int_equal(act(order, "finish", NULL, 0, ""), ERR_OK);
    assert_false(window_over(sql, row("e"), "planned_change", now_ms));
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM service_window WHERE ended_ms IS NULL", ""), 0);
    end();
}

/* S0-35: technician, manager, management, one after the other, each by name and time, where the service plan asks for
 * it; elsewhere they are shown and hold nothing up. */
static void test_the_chain_of_a_service_order(void **state)
{
    int64_t order;

    (void)state;
    begin_under("swh_standard+two_person_warranty");
    order = fault("e", "tank_leak");
    assert_int_equal(act(order, "accept", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(order, "arrive", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(order, "start", NULL, 0, ""), ERR_STATE);
    assert_non_null(strstr(last_why, "filed, reviewed, approved"));
    actor = ROLE_MANAGER;
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"reviewed\",\"by\":\"Chen\""), ERR_STATE);
    assert_non_null(strstr(last_why, "after filed"));
    actor = ROLE_TECHNICIAN;
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"filed\",\"by\":\"Wang\""), ERR_OK);
    now_ms += MINUTE;
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"reviewed\",\"by\":\"Chen\""), ERR_STATE);
    assert_non_null(strstr(last_why, "by a manager"));
    actor = ROLE_MANAGER;
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"reviewed\",\"by\":\"Wang\""), ERR_STATE);
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"reviewed\",\"by\":\"Chen\""), ERR_OK);
    now_ms += MINUTE;
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"approved\",\"by\":\"Chen\""), ERR_STATE);
    assert_int_equal(act(order, "start", NULL, 0, ""), ERR_STATE);
    assert_int_equal(act(order, "confirm", NULL, 0, "\"gate\":\"approved\",\"by\":\"Gao\""), ERR_OK);
    actor = ROLE_TECHNICIAN;
    assert_int_equal(act(order, "start", NULL, 0, ""), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(DISTINCT confirmed_ms) FROM work_gate WHERE work_order = ?1",
                                  "i", order), 3);
    end();
    begin();
    order = fault("e", "tank_leak");
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_gate WHERE work_order = ?1 AND follows IS NOT NULL"
                                          " AND must = 0", "i", order), 2);
    assert_int_equal(act(order, "accept", NULL, 0, ""), ERR_OK);
    assert_int_equal(act(order, "start", NULL, 0, ""), ERR_OK);
    end();
}

static void assign(int64_t order)
{
    static const char body[] = "{\"action\":\"assign\",\"technician\":\"h\",\"override\":{\"reason\":\"test\"}}";
    struct action action = {.action = "assign", .who = "ann", .role = ROLE_DISPATCHER};
    TEXT(why, 500);

    assert_int_equal(json_parse(arena, body, strlen(body), &action.body, NULL), ERR_OK);
    assert_int_equal(desk_ticket_action(desk, sql, sql_find_int(sql, 0, "SELECT ticket FROM work_order WHERE id = ?1", "i",
                                                                order), &action, now_ms, &why), ERR_OK);
}

static int64_t reserved(int64_t order)
{
    return sql_find_int(sql, 0, "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM work_part WHERE work_order = ?1 AND"
                                " state = 'reserved'", "i", order);
}

static int64_t shortages(int64_t order)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_event WHERE work_order = ?1 AND action = 'shortage'", "i", order);
}

static void stock_is(int64_t count)
{
    int64_t part = sql_find_int(sql, 0, "SELECT id FROM part", ""), depot = sql_find_int(sql, 0, "SELECT id FROM depot", "");

    assert_int_equal(rack_set(sql, part, depot, count, "test", NULL, now_ms), ERR_OK);
}

/* S1-26: a likely part is laid aside when somebody is assigned, once; a shortage is told then, and laid aside is not
 * taken out of the stock. */
static void test_likely_parts_are_laid_aside(void **state)
{
    int64_t first, second;

    (void)state;
    begin();
    stock_is(1);
    first = fault("e", "pump_no_flow");
    second = fault("f", "pump_no_flow");
    assert_int_equal(reserved(first), 0);
    assign(first);
    assign(first);
    assert_int_equal(reserved(first), 1);
    assert_int_equal(shortages(first), 0);
    assign(second);
    assert_int_equal(reserved(second), 0);
    assert_int_equal(shortages(second), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE body LIKE '%Not in stock near enough:"
                                          " pump-15-60%'", ""), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT count FROM stock", ""), 1);
    assert_int_equal(act(first, "cancel", NULL, 0, "\"reason\":\"not needed\""), ERR_OK);
    assign(second);
    assert_int_equal(reserved(second), 1);
    end();
    begin(); /* too far away is not there */
    assert_int_equal(sql_run(sql, "UPDATE depot SET lat = 40, lon = 100", ""), ERR_OK);
    assert_int_equal(sql_run(sql, "UPDATE site SET lat = 31, lon = 121", ""), ERR_OK);
    first = fault("e", "pump_no_flow");
    assign(first);
    assert_int_equal(reserved(first), 0);
    assert_int_equal(shortages(first), 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_queue_in_any_order),      cmocka_unit_test(test_the_plain_client_ends_at_done),
        cmocka_unit_test(test_gates_of_an_installation),
        cmocka_unit_test(test_an_accepted_installation_is_accepted_equipment),  cmocka_unit_test(test_a_unit_goes_to_the_depot),
        cmocka_unit_test(test_what_is_laid_aside),        cmocka_unit_test(test_a_failed_step_is_a_ticket),
        cmocka_unit_test(test_an_emergency_goes_first),   cmocka_unit_test(test_refused_results_and_hours),
        cmocka_unit_test(test_a_second_visit),            cmocka_unit_test(test_closed_while_out_of_reach),
        cmocka_unit_test(test_a_planned_change_has_its_window),
        cmocka_unit_test(test_the_chain_of_a_service_order),
        cmocka_unit_test(test_likely_parts_are_laid_aside),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-work-%d.db", (int)getpid());
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
