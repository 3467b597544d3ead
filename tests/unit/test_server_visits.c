/* Visits on a database, under a clock that the test turns: triggers, riders, days, contract years, feeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libical/ical.h>

#include "models/base/civil.h"
#include "server/desk/desk.h"
#include "server/fleet/fleet_file.h"
#include "server/store/schema.h"
#include "server/visit/calendar.h"
#include "server/visit/visits.h"
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

static const char fleet[] =
    "customers: [{id: c, name: Li}]\n"
    "calendars:\n"
    "  - {id: week, time_zone: Europe/Berlin, week: {mon: ['08:00-16:00'], tue: ['08:00-16:00'], wed: ['08:00-16:00'], thu:"
    " ['08:00-16:00'], fri: ['08:00-16:00']}, holidays: ['2027-03-15']}\n"
    "sites:\n"
    "  - {id: s, customer: c, name: Home, time_zone: Europe/Berlin, lat: 52.5, lon: 13.4}\n"
    "  - {id: n, customer: c, name: Next, time_zone: Europe/Berlin, lat: 52.51, lon: 13.41}\n"
    "  - {id: o, customer: c, name: Sydney, time_zone: Australia/Sydney, lat: -33.9, lon: 151.2}\n"
    "teams: [{id: t, name: Crew, sites: [s, n], calendar: week, skills: [electrician]}, {id: u, name: Far, sites: [o]}]\n"
    "technicians: [{id: h, name: Wang, team: t}, {id: g, name: Zhao, team: t}]\n"
    "equipment:\n"
    "  - {id: e, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-09-06'}\n"
    "  - {id: f, site: n, profile: swh-basic, agent: a, acceptance_date: '2026-09-16'}\n"
    "  - {id: k, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-09-20'}\n"
    "  - {id: x, site: o, profile: swh-basic, agent: a, acceptance_date: '2026-09-06'}\n"
    "contracts:\n"
    "  - {id: con, customer: c, sites: [s, n, o], plan: swh_standard, start: '2026-09-06', end: '2099-01-01'%s}\n";

static const struct {
    const char *name, *items;
} overlays[] = {
    {"by_hours", "{visits: {triggers: {hours: {value: {point: pump_hours, every: 100}, origin: A}, hot: {value: {when:"
                 " \"tank_top > 90\"}, origin: A}, wear: {value: {predicted: []}, origin: A}}}}"},
    {"hours_alone", "{visits: {per_year: {value: 0, origin: S, ids: [S0-61]}, anchor: {value: floating, origin: A}, triggers:"
                    " {starts: {value: {point: pump_state, count: rises, every: 3}, origin: A}, on: {value: {point:"
                    " heater_state, count: on_time, every: 2}, origin: A}}}}"},
    {"pay", "{visits: {free_scope: {value: never, origin: A}}}"},
    {"floats", "{visits: {anchor: {value: floating, origin: A}}}"},
};

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void import_under(const char *overlay)
{
    struct complaints complaints = {.path = "fleet", .arena = arena};
    struct yaml_node *root;
    int64_t changed;
    char more[80] = "", text[3000];

    if (overlay) {
        snprintf(more, sizeof(more), ", overlays: [%s]", overlay);
    }
    snprintf(text, sizeof(text), fleet, more);
    assert_int_equal(fleet_check(arena, sql, rules, text, strlen(text), &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
}

static void begin(const char *overlay)
{
    struct office_options options = {.rules = rules, .time_zone = "Europe/Berlin", .preset_plan = "swh_standard"};
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2027, 1, 4) * DAY + 8 * HOUR;
    assert_int_equal(arena_open(64 << 20, &arena), ERR_OK);
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    import_under(overlay);
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

static int64_t ask(const char *statement)
{
    return sql_find_int(sql, -1, statement, "");
}

static int64_t row(const char *equipment)
{
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", equipment);
}

/* The first visit of a piece of equipment in a state. */
static int64_t visit_of(const char *equipment, const char *state)
{
    return sql_find_int(sql, 0,
                        "SELECT v.id FROM visit v JOIN equipment e ON e.id = v.equipment WHERE e.name = ?1 AND v.state = ?2 ORDER BY"
                        " v.sequence LIMIT 1",
                        "tt", equipment, state);
}

static int64_t order_of(int64_t visit)
{
    return sql_find_int(sql, 0, "SELECT id FROM work_order WHERE visit = ?1 AND state <> 'cancelled'", "i", visit);
}

static bool says(const char *column, int64_t visit, const char *words)
{
    struct sql_rows rows;
    bool found;
    char statement[120];

    snprintf(statement, sizeof(statement), "SELECT %s FROM visit WHERE id = %lld", column, (long long)visit);
    {
        static char kept[64][160]; /* statements are prepared by their address */
        static int used;

        snprintf(kept[used], sizeof(kept[0]), "%s", statement);
        sql_find(sql, &rows, kept[used++ % 64], "");
    }
    found = sql_next(&rows) && sql_text(&rows, 0) && strstr(sql_text(&rows, 0), words);
    if (!found) {
        print_message("%s: %s\n", column, sql_text(&rows, 0) ? sql_text(&rows, 0) : "NULL");
    }
    assert_int_equal(sql_end(&rows), ERR_OK);
    return found;
}

enum target { VISIT, ORDER, TICKET };

static enum err act(enum target target, int64_t id, const char *action, const char *fields)
{
    struct action what = {.action = action, .who = "ann", .role = ROLE_DISPATCHER};
    TEXT(json, 1000);
    TEXT(why, 800);
    enum err err;

    text_addf(&json, "{\"action\":\"%s\"%s%s}", action, fields[0] ? "," : "", fields);
    assert_int_equal(json_parse(arena, json.at, json.length, &what.body, NULL), ERR_OK);
    what.note = json_text_or(what.body, "note", NULL);
    what.action_id = json_text_or(what.body, "id", NULL);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = target == VISIT   ? desk_visit_action(desk, sql, id, &what, now_ms, &why)
          : target == ORDER ? desk_work_action(desk, sql, id, &what, now_ms, &why)
                            : desk_ticket_action(desk, sql, id, &what, now_ms, &why);
    snprintf(last_why, sizeof(last_why), "%s", why.at);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    return err;
}

static void make(int64_t order)
{
    static const char *const way[] = {"accept", "arrive", "start", "finish"};

    for (size_t i = 0; i < 4; i++) {
        now_ms += 60000;
        assert_int_equal(act(ORDER, order, way[i], ""), ERR_OK);
    }
}

/* A message of one reading as ingest keeps it. */
static void keep_message(const char *equipment, const char *point, double value)
{
    static int64_t sequence;
    int64_t agent = ask("SELECT id FROM agent WHERE name = 'a'");
    TEXT(body, 300);

    assert_int_equal(sql_run(sql, "INSERT INTO stream (id, agent, epoch, created_ms) VALUES (1, ?1, '00000000000000aa', 0) ON CONFLICT DO NOTHING",
                             "i", agent),
                     ERR_OK);
    assert_int_equal(sql_run(sql, "INSERT INTO speaker (equipment, agent) VALUES (?1, ?2) ON CONFLICT DO NOTHING", "ii", row(equipment), agent),
                     ERR_OK);
    text_addf(&body, "{\"v\":1,\"epoch\":\"00000000000000aa\",\"seq\":%lld,\"t0\":%lld,\"equipment\":{\"%s\":{\"%s\":[[0,%g]]}}}",
              (long long)++sequence, (long long)now_ms, equipment, point, value);
    assert_int_equal(sql_run(sql,
                             "INSERT INTO journal (stream, seq, received_ms, hash, least_ms, most_ms, readings, body) VALUES (1, ?1, ?2,"
                             " ?1, ?2, ?2, 1, ?3)",
                             "iib", sequence, now_ms, body.at, body.length),
                     ERR_OK);
}

/* A reading as ingest leaves it. */
static void read_point(const char *equipment, const char *point, double value)
{
    int64_t id;

    assert_int_equal(sql_run(sql, "INSERT INTO point (equipment, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING", "it", row(equipment), point),
                     ERR_OK);
    id = sql_find_int(sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it", row(equipment), point);
    assert_int_equal(sql_run(sql,
                             "INSERT INTO last (point, t_ms, value, quality) VALUES (?1, ?2, ?3, 0) ON CONFLICT (point) DO UPDATE SET"
                             " t_ms = ?2, value = ?3",
                             "iid", id, now_ms, value),
                     ERR_OK);
    keep_message(equipment, point, value);
}

/* ------------------------------------------------------------------ moves */

/* Moving an appointment or a day never moves the plan; what is not legal says what is. */
static void people_arrange_and_the_plan_stays(void **state)
{
    int64_t visit, order, due, sequence;

    (void)state;
    begin(NULL);
    until(2027, 2, 20);
    visit = visit_of("e", "released");
    order = order_of(visit);
    assert_true(visit && order);
    due = sql_find_int(sql, 0, "SELECT due_day * 1000 + window_start_day - window_end_day FROM visit WHERE id = ?1", "i", visit);
    sequence = sql_find_int(sql, 0, "SELECT calendar_sequence FROM visit WHERE id = ?1", "i", visit);
    assert_int_equal(act(VISIT, visit, "move", "\"on\":\"2027-06-01\",\"reason\":\"a wedding\",\"id\":\"m\""), ERR_OK);
    assert_int_equal(act(VISIT, visit, "move", "\"on\":\"2027-06-02\",\"reason\":\"a wedding\",\"id\":\"m\""), ERR_OK); /* once */
    assert_int_equal(sql_find_int(sql, 0, "SELECT target_day FROM visit WHERE id = ?1", "i", visit), civil_days(2027, 6, 1));
    assert_int_equal(act(VISIT, visit, "appoint",
                         "\"technician\":\"h\",\"appointment\":{\"from\":\"2027-03-27T09:00:00+01:00\",\"to\":\"2027-03-27T11:00:00+01:00\"}"),
                     ERR_OK);
    assert_int_equal(act(ORDER, order, "reschedule",
                         "\"reason\":\"ill\",\"appointment\":{\"from\":\"2027-05-28T09:00:00+02:00\",\"to\":\"2027-05-28T11:00:00+02:00\"}"),
                     ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT due_day * 1000 + window_start_day - window_end_day FROM visit WHERE id = ?1", "i", visit), due);
    assert_true(sql_find_int(sql, 0, "SELECT calendar_sequence FROM visit WHERE id = ?1", "i", visit) >= sequence + 3);
    assert_int_equal(act(VISIT, visit, "detach", ""), ERR_STATE);
    assert_non_null(strstr(last_why, "Legal: appoint move skip attach note"));
    assert_int_equal(act(VISIT, visit, "skip", "\"code\":\"moon\""), ERR_FORMAT);
    assert_non_null(strstr(last_why, "customer_declines"));
    assert_int_equal(act(VISIT, visit, "skip", "\"code\":\"other\""), ERR_FORMAT); /* says too little alone */
    assert_int_equal(act(VISIT, visit, "move", "\"on\":\"2027-13-01\",\"reason\":\"x\""), ERR_FORMAT);
    assert_int_equal(act(VISIT, 99999, "skip", ""), ERR_NOT_FOUND);
    assert_int_equal(act(VISIT, visit, "skip", "\"code\":\"weather\",\"reason\":\"snow\""), ERR_OK);
    assert_true(says("state", visit, "skipped") && says("code", visit, "weather") && says("reason", visit, "snow"));
    assert_int_equal(order_of(visit), 0);
    assert_int_equal(act(VISIT, visit, "reinstate", ""), ERR_OK);
    until(2027, 2, 22);
    assert_true(says("state", visit, "released") && order_of(visit) != order); /* an order of its own again, once */
    assert_int_equal(act(VISIT, visit_of("e", "planned"), "release", "\"reason\":\"he is there\""), ERR_STATE); /* one at a time */
    make(order_of(visit));
    assert_true(says("state", visit, "done"));
    assert_int_equal(act(VISIT, visit, "skip", "\"code\":\"weather\""), ERR_STATE);
    end();
}

/* ------------------------------------------------------------------ triggers */

/* Pump hours pull the next visit forward, once; the calendar's dates and number stay (S0-61, F-23). */
static void a_meter_pulls_forward_once(void **state)
{
    int64_t visit, next, due;

    (void)state;
    begin("by_hours");
    visit = visit_of("e", "planned");
    due = sql_find_int(sql, 0, "SELECT due_day FROM visit WHERE id = ?1", "i", visit);
    now_ms += 7 * HOUR;
    read_point("e", "pump_hours", 5000);
    look(); /* from here it counts */
    for (int k = 1; k <= 11; k++) {
        now_ms += 7 * HOUR;
        read_point("e", "pump_hours", k < 6 ? 5000 + 10 * k : 10 * (k - 5)); /* a new counter in between, from 0 */
        look();
        assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM visit WHERE pull_day IS NOT NULL", ""), k < 10 ? 0 : 1);
    }
    assert_true(says("pull_why", visit, "hours: 100 h of 100"));
    assert_true(says("state", visit, "released")); /* its order is there before the window */
    assert_int_equal(sql_find_int(sql, 0, "SELECT due_day FROM visit WHERE id = ?1", "i", visit), due);
    make(order_of(visit));
    read_point("e", "pump_hours", 110);
    now_ms += 7 * HOUR;
    look();
    next = visit_of("e", "planned");
    assert_int_equal(sql_find_int(sql, 0, "SELECT sequence FROM visit WHERE id = ?1", "i", next),
                     1 + sql_find_int(sql, 0, "SELECT sequence FROM visit WHERE id = ?1", "i", visit));
    assert_int_equal(ask("SELECT COUNT(*) FROM visit WHERE pull_day IS NOT NULL"), 1); /* it counts anew */
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM visit_event WHERE visit = ?1 AND action = 'finish' AND note LIKE"
                                          " '%days before its window, as a trigger asked%'",
                                  "i", visit),
                     1);
    assert_int_equal(ask("SELECT COUNT(*) FROM visit v JOIN equipment e ON e.id = v.equipment WHERE e.name <> 'e' AND v.pull_day IS NOT NULL"), 0);
    end();
}

/* A condition asks once each time it becomes true, a prediction once a ticket; whichever comes first. */
static void conditions_and_predictions(void **state)
{
    int64_t visit, ticket;
    struct action report = {.action = "create", .who = "ml", .role = ROLE_INTEGRATION};

    (void)state;
    begin("by_hours");
    visit = visit_of("f", "planned");
    read_point("f", "tank_top", 80);
    now_ms += 7 * HOUR;
    look();
    assert_int_equal(ask("SELECT COUNT(*) FROM visit WHERE pull_day IS NOT NULL"), 0);
    for (int k = 0; k < 5; k++) {
        now_ms += 7 * HOUR;
        read_point("f", "tank_top", 95);
        look();
    }
    assert_true(says("pull_why", visit, "hot: tank_top > 90"));
    assert_int_equal(ask("SELECT COUNT(*) FROM visit WHERE pull_day IS NOT NULL"), 1);
    make(order_of(visit));
    for (int k = 0; k < 5; k++) { /* the visit has not ended it: it asks for no further one */
        now_ms += 7 * HOUR;
        read_point("f", "tank_top", 95);
        look();
    }
    assert_int_equal(ask("SELECT COUNT(*) FROM visit WHERE pull_day IS NOT NULL"), 1);
    (void)report;
    assert_int_equal(sql_run(sql,
                             "INSERT INTO ticket (number, cause_key, kind, equipment, grade, state, registered_ms, track_code) VALUES"
                             " ('T-P', 'prediction:k', 'prediction', ?1, 2, 'registered', ?2, 'x')",
                             "ii", row("k"), now_ms),
                     ERR_OK);
    ticket = visit_of("k", "planned");
    for (int k = 0; k < 4; k++) {
        now_ms += 7 * HOUR;
        look();
    }
    assert_true(says("pull_why", ticket, "wear: ticket T-P"));
    assert_int_equal(ask("SELECT COUNT(*) FROM visit WHERE pull_day IS NOT NULL"), 2);
    end();
}

/* Without a calendar a trigger makes the visit: starts of the pump, hours of the heater, whichever first. */
static void meters_without_a_calendar(void **state)
{
    int64_t visit;

    (void)state;
    begin("hours_alone");
    assert_int_equal(ask("SELECT COUNT(*) FROM visit"), 0);
    for (int k = 0; k < 8; k++) {
        now_ms += 7 * HOUR;
        read_point("e", "pump_on", k % 2);
        look();
    }
    visit = visit_of("e", "released");
    assert_true(visit > 0 && says("pull_why", visit, "starts: 3 starts of 3"));
    assert_int_equal(ask("SELECT COUNT(*) FROM visit"), 1);
    for (int k = 0; k < 4; k++) {
        now_ms += 7 * HOUR;
        read_point("k", "heater_on", 1);
        look();
    }
    assert_true(says("pull_why", visit_of("k", "released"), "h on of 2"));
    make(order_of(visit));
    now_ms += 7 * HOUR;
    look();
    assert_int_equal(ask("SELECT COUNT(*) FROM visit"), 2);
    end();
}

/* Counted from the last one that was made. */
static void floating_follows_the_last_one(void **state)
{
    int64_t visit, next;

    (void)state;
    begin("floats");
    until(2027, 4, 20);
    visit = visit_of("e", "released");
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM visit WHERE equipment = ?1", "i", row("e")), 1);
    make(order_of(visit));
    next = visit_of("e", "planned");
    assert_int_equal(sql_find_int(sql, 0, "SELECT due_day FROM visit WHERE id = ?1", "i", next), civil_days(2027, 10, 20));
    end();

    begin("floats"); /* the next one is counted from one that was skipped: skipped itself, it is still what is wanted first */
    until(2027, 4, 20);
    visit = visit_of("e", "released");
    assert_int_equal(act(VISIT, visit, "skip", "\"code\":\"weather\""), ERR_OK);
    until(2027, 4, 29); /* the next round plans it */
    next = visit_of("e", "planned");
    assert_int_equal(act(VISIT, next, "skip", "\"code\":\"weather\""), ERR_OK);
    assert_int_equal(act(VISIT, visit, "reinstate", "\"note\":\"after all\""), ERR_STATE);
    end();
}

/* ------------------------------------------------------------------ riders */

static int64_t repair(const char *equipment, const char *day)
{
    struct desk_fault fault = {.equipment = row(equipment), .fault = "pump_no_flow", .state = FAULT_RAISED, .grade = 2,
                               .onset_ms = now_ms - 60000, .detected_ms = now_ms, .t_ms = now_ms};
    TEXT(fields, 300);
    int64_t ticket;

    assert_int_equal(desk_fault(desk, sql, &fault, now_ms), ERR_OK);
    ticket = ask("SELECT MAX(id) FROM ticket");
    text_addf(&fields, "\"technician\":\"h\",\"override\":{\"reason\":\"x\"},\"appointment\":{\"from\":\"%sT09:00:00Z\",\"to\":\"%sT11:00:00Z\"}",
              day, day);
    assert_int_equal(act(TICKET, ticket, "assign", fields.at), ERR_OK);
    return ask("SELECT MAX(id) FROM work_order WHERE kind = 'corrective'");
}

/* What is due at the site within its window rides on a repair, once, with its checklist; it goes its own way when the
 * repair is cancelled or moved out of the window. */
static void what_is_due_rides_along(void **state)
{
    int64_t host, e, k, rider;

    (void)state;
    begin(NULL);
    until(2027, 2, 24);
    e = visit_of("e", "released");
    k = visit_of("k", "released");
    assert_true(e && k);
    host = repair("e", "2027-02-26");
    assert_true(says("state", e, "attached") && says("state", k, "attached")); /* both heaters of the site */
    assert_false(visit_of("f", "attached")); /* another site */
    rider = order_of(k);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_step WHERE work_order = ?1 AND rider = ?2", "ii", host, rider),
                     sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_step WHERE work_order = ?1 AND section = 'step'", "i", rider));
    assert_int_equal(act(TICKET, ask("SELECT MAX(id) FROM ticket"), "assign",
                         "\"technician\":\"g\",\"appointment\":{\"from\":\"2027-02-27T09:00:00Z\",\"to\":\"2027-02-27T11:00:00Z\"}"),
                     ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT from_ms FROM work_order WHERE id = ?1", "i", rider), civil_days(2027, 2, 27) * DAY + 9 * HOUR);
    assert_int_equal(ask("SELECT COUNT(*) FROM work_order WHERE ride IS NOT NULL"), 2); /* once each */
    assert_int_equal(act(ORDER, host, "cancel", "\"reason\":\"a false alarm\""), ERR_OK);
    assert_true(says("state", e, "released") && says("state", k, "released"));
    assert_int_equal(ask("SELECT COUNT(*) FROM work_order WHERE ride IS NOT NULL"), 0);
    assert_int_equal(sql_find_int(sql, -1, "SELECT COUNT(*) FROM work_order WHERE id = ?1 AND from_ms IS NULL AND technician IS NULL", "i", rider), 1);
    end();
}

/* One list to work through: a check of a copy is the rider's own, its findings too; one drive makes both. */
static void one_drive_makes_both(void **state)
{
    static const char *const way[] = {"accept", "arrive", "start"};
    int64_t host, k, rider;
    TEXT(fields, 200);
    struct sql_rows rows;

    (void)state;
    begin(NULL);
    until(2027, 2, 24);
    k = visit_of("k", "released");
    host = repair("e", "2027-02-24");
    rider = order_of(k);
    now_ms += 2 * HOUR;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(act(ORDER, host, way[i], ""), ERR_OK);
    }
    sql_find(sql, &rows, "SELECT number FROM work_order WHERE id = ?1", "i", rider);
    assert_true(sql_next(&rows));
    text_addf(&fields, "\"step\":\"%s.bracket\",\"value\":false,\"id\":\"c1\"", sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    assert_int_equal(act(ORDER, host, "check", fields.at), ERR_OK);
    assert_int_equal(act(ORDER, host, "check", fields.at), ERR_OK);
    assert_int_equal(sql_find_int(sql, -1, "SELECT COUNT(*) FROM work_step WHERE work_order = ?1 AND step = 'bracket' AND light = 'red'", "i", rider), 1);
    assert_int_equal(sql_find_int(sql, -1, "SELECT COUNT(*) FROM work_step WHERE work_order = ?1 AND rider_step = 'bracket' AND light = 'red'", "i", host), 1);
    assert_int_equal(sql_find_int(sql, -1, "SELECT COUNT(*) FROM ticket WHERE kind = 'inspection' AND equipment = ?1", "i", row("k")), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM ticket WHERE kind = 'inspection'"), 1);
    assert_int_equal(act(ORDER, host, "finish", ""), ERR_OK);
    assert_true(says("state", k, "done") && says("state", visit_of("e", "done"), "done"));
    assert_int_equal(sql_find_int(sql, -1, "SELECT done_ms FROM visit WHERE id = ?1", "i", k), now_ms);
    end();
}

/* ------------------------------------------------------------------ days */

/* Near ones on one day, on working days, never on the holiday; an appointment is never moved; why is said. */
static void days_are_proposed(void **state)
{
    int64_t e, f;

    (void)state;
    begin(NULL);
    until(2027, 1, 25);
    e = visit_of("e", "planned");
    f = visit_of("f", "planned");
    until(2027, 2, 20);
    assert_int_equal(ask("SELECT COUNT(*) FROM visit v JOIN team t ON t.id = v.team WHERE t.name = 't' AND v.target_day = 20892"),
                     0); /* 2027-03-15, a holiday */
    assert_int_equal(sql_find_int(sql, 0, "SELECT target_day FROM visit WHERE id = ?1", "i", e),
                     sql_find_int(sql, 1, "SELECT target_day FROM visit WHERE id = ?1", "i", f));
    assert_true(says("target_why", f, "with Home (1.3 km)") || says("target_why", e, "with Next"));
    assert_int_equal(ask("SELECT COUNT(*) FROM visit v JOIN team t ON t.id = v.team WHERE t.name = 't' AND v.target_day IS NOT NULL"
                         " AND (v.target_day + 3) % 7 > 4"),
                     0); /* no week-end */
    end();
}

/* A climate has its own windows, and what is ahead is dated anew when a site gets one (S0-61). */
static void a_climate_has_its_own_seasons(void **state)
{
    (void)state;
    begin(NULL);
    /* both were accepted on 6 September; the plan's windows lie half a year apart, so the south has the same ones */
    assert_int_equal(sql_find_int(sql, 0, "SELECT due_day FROM visit WHERE id = ?1", "i", visit_of("e", "planned")), civil_days(2027, 3, 15));
    assert_int_equal(sql_find_int(sql, 0, "SELECT due_day FROM visit WHERE id = ?1", "i", visit_of("x", "planned")), civil_days(2027, 3, 15));
    assert_int_equal(sql_run(sql, "UPDATE site SET climate = 'severe_cold' WHERE name = 's'", ""), ERR_OK); /* as an import does */
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT due_day FROM visit WHERE id = ?1", "i", visit_of("e", "planned")), civil_days(2027, 3, 6));
    assert_true(ask("SELECT COUNT(*) FROM visit_event WHERE action = 'redate' AND note LIKE 'was due on 2027-03-15%'") > 0);
    end();
}

/* ------------------------------------------------------------------ free or chargeable */

static void two_a_year_are_free(void **state)
{
    struct visit_charge charge;
    struct office office = {.options = {.rules = rules, .time_zone = "Europe/Berlin", .preset_plan = "swh_standard"}};
    int64_t visit;

    (void)state;
    begin(NULL);
    until(2027, 2, 24);
    visit = visit_of("e", "released");
    assert_true(says("charge", visit, "free") && says("charge_why", visit, "visit 1 of the 2"));
    make(order_of(visit));
    import_under("pay");
    assert_true(says("charge", visit, "free")); /* it was made: it stays as it was */
    assert_true(says("charge", visit_of("e", "planned"), "chargeable"));
    assert_int_equal(arena_open(8 << 20, &office.arena), ERR_OK);
    assert_int_equal(visit_charge_find(&office, sql, visit, now_ms, &charge), ERR_OK);
    assert_true(charge.free && charge.used == 1 && charge.entitled == 2 && charge.year_from == civil_days(2026, 9, 6) &&
                charge.year_to == civil_days(2027, 9, 5));
    arena_close(office.arena);
    end();
}

/* ------------------------------------------------------------------ feeds */

/* Lines are folded after 75 bytes (RFC 5545 3.1). */
static void unfold(char *text)
{
    char *to = text;

    for (const char *from = text; *from;) {
        if (strncmp(from, "\r\n ", 3) == 0) {
            from += 3;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* The event of a visit in a feed: its SEQUENCE, STATUS and DTSTART. */
static void read_feed(const char *kind, const char *name, const char *uid, int *ret_sequence, char status[20], char start[40])
{
    char *text, *event, *line;

    assert_int_equal(calendar_feed(sql, rules, kind, name, now_ms, &text), ERR_OK);
    event = strstr(text, uid);
    assert_non_null(event);
    assert_null(strstr(event + 1, uid)); /* once */
    while (strncmp(event, "BEGIN:VEVENT", 12) != 0) {
        event--;
    }
    line = strstr(event, "SEQUENCE:");
    *ret_sequence = atoi(line + 9);
    assert_int_equal(sscanf(strstr(event, "STATUS:"), "STATUS:%19[A-Z]", status), 1);
    assert_int_equal(sscanf(strstr(event, "DTSTART"), "%39[A-Z0-9;=:]", start), 1);
    free(text);
}

/* A planned day, an appointment on either side of the clock change, a move and a cancel: one UID, SEQUENCE rises. */
static void a_feed_follows(void **state)
{
    static const struct {
        const char *from, *to, *start;
    } moves[] = {{"2027-03-27T09:00:00+01:00", "2027-03-27T11:00:00+01:00", "DTSTART:20270327T080000Z"},
                 {"2027-03-29T09:00:00+02:00", "2027-03-29T11:00:00+02:00", "DTSTART:20270329T070000Z"}};
    char status[20], start[40], *text;
    int before, sequence;
    int64_t visit;

    (void)state;
    begin(NULL);
    until(2027, 2, 24);
    visit = visit_of("e", "released");
    read_feed("team", "t", "visit-e-1@", &before, status, start);
    assert_string_equal(status, "TENTATIVE");
    assert_non_null(strstr(start, "VALUE=DATE"));
    for (size_t i = 0; i < 2; i++) {
        TEXT(fields, 300);

        text_addf(&fields, "\"technician\":\"h\",\"appointment\":{\"from\":\"%s\",\"to\":\"%s\"}", moves[i].from, moves[i].to);
        assert_int_equal(act(VISIT, visit, "appoint", fields.at), ERR_OK);
        read_feed("technician", "h", "visit-e-1@", &sequence, status, start);
        assert_string_equal(status, "CONFIRMED");
        assert_string_equal(start, moves[i].start);
        assert_true(sequence > before);
        before = sequence;
    }
    assert_int_equal(calendar_feed(sql, rules, "technician", "h", now_ms, &text), ERR_OK);
    unfold(text);
    assert_non_null(strstr(text, "09:00-11:00 Europe/Berlin")); /* on the wall of the site, on either side of the change */
    free(text);
    assert_int_equal(calendar_feed(sql, rules, "technician", "g", now_ms, &text), ERR_OK);
    assert_null(strstr(text, "visit-e-1@")); /* somebody else's */
    free(text);
    assert_int_equal(act(VISIT, visit, "skip", "\"code\":\"weather\""), ERR_OK);
    read_feed("site", "s", "visit-e-1@", &sequence, status, start);
    assert_string_equal(status, "CANCELLED");
    assert_true(sequence > before);
    end();
}

/* ------------------------------------------------------------------ a calendar program */

#define HEARD_MOST 300

struct heard {
    char uid[100], words[160];
    int sequence;
};

static struct heard heard[HEARD_MOST];
static size_t heard_count, changes;

/* One event as a calendar program takes it: by its UID, never back to an earlier SEQUENCE. */
static void take_event(icalcomponent *event)
{
    const char *uid = icalcomponent_get_uid(event);
    char words[160];
    size_t at = 0;

    assert_non_null(uid);
    snprintf(words, sizeof(words), "%s %s %s", icaltime_as_ical_string(icalcomponent_get_dtstart(event)),
             icalproperty_status_to_string(icalcomponent_get_status(event)),
             icalcomponent_get_summary(event));
    while (at < heard_count && strcmp(heard[at].uid, uid) != 0) {
        at++;
    }
    if (at == heard_count) {
        assert_true(heard_count < HEARD_MOST);
        snprintf(heard[heard_count].uid, sizeof(heard[0].uid), "%s", uid);
        heard_count++;
    } else {
        assert_true(icalcomponent_get_sequence(event) >= heard[at].sequence);
        if (strcmp(heard[at].words, words) != 0) { /* else a program that keeps what it has would be right */
            assert_true(icalcomponent_get_sequence(event) > heard[at].sequence);
            changes++;
        }
    }
    heard[at].sequence = icalcomponent_get_sequence(event);
    snprintf(heard[at].words, sizeof(heard[0].words), "%s", words);
}

/* The whole feed; twice the same is the same. */
static void take_feed(const char *kind, const char *name)
{
    char *text;
    icalcomponent *calendar;
    size_t before = 0;

    assert_int_equal(calendar_feed(sql, rules, kind, name, now_ms, &text), ERR_OK);
    for (int again = 0; again < 2; again++) {
        size_t count = 0;

        calendar = icalparser_parse_string(text);
        assert_non_null(calendar);
        assert_int_equal(icalcomponent_count_errors(calendar), 0);
        assert_true(icalrestriction_check(calendar) != 0);
        for (icalcomponent *event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT); event;
             event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
            take_event(event);
            count++;
        }
        icalcomponent_free(calendar);
        assert_true(again == 0 || heard_count == before);
        assert_true(count <= heard_count); /* no two of one UID */
        before = heard_count;
    }
    free(text);
}

/* A program that imports a team's feed every few days of two years, while people appoint, move, skip and make visits: one
 * event a visit for ever, and whatever it says anew has a higher SEQUENCE. */
static void a_calendar_program_follows(void **state)
{
    (void)state;
    heard_count = changes = 0;
    begin(NULL);
    for (int n = 0; n < 70; n++) {
        int64_t visit = visit_of(n % 2 ? "e" : "f", "released");
        char day[11];
        TEXT(fields, 300);

        civil_write_date((int32_t)(now_ms / DAY) + 3, day);
        text_addf(&fields, "\"technician\":\"h\",\"appointment\":{\"from\":\"%sT09:00:00+01:00\",\"to\":\"%sT11:00:00+01:00\"},\"override\":"
                           "{\"reason\":\"test\"}", day, day);
        if (visit && n % 5 == 4) {
            (void)!act(VISIT, visit, "skip", "\"code\":\"weather\"");
        } else if (visit && n % 7 == 6) {
            (void)!act(ORDER, order_of(visit), "finish", "");
        } else if (visit) {
            (void)!act(VISIT, visit, "appoint", fields.at);
        }
        take_feed("team", "t");
        for (int days = 0; days < 11; days++) {
            now_ms += DAY;
            look();
        }
        take_feed("team", "t");
    }
    assert_true(changes > 20);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_arrange_and_the_plan_stays),
        cmocka_unit_test(a_meter_pulls_forward_once),
        cmocka_unit_test(conditions_and_predictions),
        cmocka_unit_test(meters_without_a_calendar),
        cmocka_unit_test(floating_follows_the_last_one),
        cmocka_unit_test(what_is_due_rides_along),
        cmocka_unit_test(one_drive_makes_both),
        cmocka_unit_test(days_are_proposed),
        cmocka_unit_test(a_climate_has_its_own_seasons),
        cmocka_unit_test(two_a_year_are_free),
        cmocka_unit_test(a_feed_follows),
        cmocka_unit_test(a_calendar_program_follows),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-visits-test-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    snprintf(plans, sizeof(plans), "/tmp/heliograph-visits-plans-%d", (int)getpid());
    {
        char line[200];

        snprintf(line, sizeof(line), "cp -r models/plans %s", plans);
        if (system(line)) {
            return 1;
        }
        for (size_t i = 0; i < sizeof(overlays) / sizeof(overlays[0]); i++) {
            FILE *file;

            snprintf(line, sizeof(line), "%s/overlays/%s.yaml", plans, overlays[i].name);
            file = fopen(line, "w");
            if (!file || fprintf(file, "overlay: %s\nversion: 1\ntitle: {en: x, zh: x}\nitems: %s\n", overlays[i].name, overlays[i].items) < 0 ||
                fclose(file)) {
                return 1;
            }
        }
        if (rules_open("models/equipment", plans, complain_to_nobody, NULL, &rules) || rules_add_shipped_jobs(rules, "models/jobs") ||
            rules_add_codes(rules, "models/codes.yaml")) {
            return 1;
        }
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        rules_close(rules);
        snprintf(line, sizeof(line), "rm -r %s", plans);
        (void)!system(line);
    }
    return failed;
}
