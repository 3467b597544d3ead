/* Alarms under a clock that the test turns: who is told of what, when, and what stays in the record. */
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

static void say_line(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void open_desk(int64_t quiet_ms)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard",
                                     .started_ms = now_ms,
                                     .quiet_until_ms = now_ms + quiet_ms};

    assert_int_equal(desk_open(&options, &desk), ERR_OK);
}

/* sites heaters each on a site of its own; areas of 50 sites; agent a<n / each> speaks for `each` of them. */
static void begin(int heaters, int each)
{
    struct text fleet;
    char *memory = malloc(4 << 20);
    struct arena *arena;
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    int64_t changed;
    TEXT(why, 300);

    assert_non_null(memory);
    scratch_remove(path);
    now_ms = civil_days(2026, 11, 24) * DAY + 2 * HOUR;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    fleet = text_on(memory, 4 << 20);
    text_add(&fleet, "sites:\n");
    for (int i = 0; i < heaters; i++) {
        text_addf(&fleet, "  - {id: s%d, area: area-%d, position: east}\n", i, i / 50);
    }
    text_add(&fleet, "equipment:\n");
    for (int i = 0; i < heaters; i++) {
        text_addf(&fleet, "  - {id: e%d, site: s%d, profile: swh-basic, agent: a%d}\n", i, i, i / each);
    }
    assert_int_equal(arena_open(64 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    assert_int_equal(fleet_check(arena, sql, rules, fleet.at, fleet.length, &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    arena_close(arena);
    free(memory);
    open_desk(0);
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

static int64_t equipment(int number)
{
    char name[16];

    snprintf(name, sizeof(name), "e%d", number);
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name);
}

static int64_t agent(int number)
{
    char name[16];

    snprintf(name, sizeof(name), "a%d", number);
    return sql_find_int(sql, 0, "SELECT id FROM agent WHERE name = ?1", "t", name);
}

static void fault_at(int heater, const char *name, enum fault_state state, int grade, int64_t t_ms, int64_t stood_ms)
{
    struct desk_fault what = {.equipment = equipment(heater), .fault = name, .state = state, .grade = grade,
                              .onset_ms = t_ms - stood_ms, .detected_ms = t_ms, .cleared_ms = t_ms, .t_ms = t_ms,
                              .late = t_ms < now_ms - 5 * MINUTE};

    assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
}

static void fault(int heater, enum fault_state state, int grade)
{
    fault_at(heater, "pump_no_flow", state, grade, now_ms, MINUTE);
}

static void heard(void)
{
    assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1 WHERE agent IN (SELECT id FROM agent WHERE"
                                  " silent_since_ms IS NULL)", "i", now_ms), ERR_OK);
}

static void pass(int64_t ms)
{
    int64_t until_ms = now_ms + ms, next_ms;

    for (;;) {
        heard();
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        if (now_ms >= until_ms) {
            return;
        }
        now_ms = next_ms > until_ms ? until_ms : next_ms > now_ms ? next_ms : now_ms + 1;
    }
}

static int64_t notices(const char *part)
{
    return sql_find_int(sql, -1, "SELECT COUNT(*) FROM outbox WHERE channel = 'log' AND instr(key, ?1) > 0 AND instr(key,"
                                 " 'duty:') = 0", "t", part);
}

static int64_t last_alarm(void)
{
    return count("SELECT MAX(id) FROM alarm");
}

/* A field of an alarm as the API shows it. */
static const char *shown(int64_t alarm, const char *field)
{
    static char words[100];
    struct json_out out = json_out(1 << 20);
    const struct cJSON *root;
    struct arena *arena;
    bool yes;

    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    assert_int_equal(alarm_show(sql, rules, alarm, now_ms, zone_utc(), true, &out), ERR_OK);
    assert_int_equal(json_parse(arena, out.bytes, out.size, &root, NULL), ERR_OK);
    snprintf(words, sizeof(words), "%s",
             json_as_bool(json_field(root, field), &yes) ? yes ? "true" : "false" : json_text_or(root, field, "none"));
    arena_close(arena);
    json_out_free(&out);
    return words;
}

static enum err act(int64_t alarm, enum alarm_action action, enum role role, int64_t until_ms, const char *says)
{
    struct alarm_do what = {.action = action, .who = "ann", .reason = "nuisance", .role = role, .until_ms = until_ms};
    TEXT(why, 400);
    enum err err = alarm_do(sql, rules_profile(rules, "swh-basic"), alarm, &what, now_ms, &why);

    if (says && !strstr(why.at, says)) {
        fail_msg("expected '%s' in '%s'", says, why.at);
    }
    return err;
}

static int64_t window(const char *kind, int heater, int64_t from_ms, int64_t to_ms, enum err expected)
{
    struct window_new what = {.kind = kind, .reason = "boiler change", .who = "ann", .from_ms = from_ms, .to_ms = to_ms,
                              .equipment = equipment(heater)};
    int64_t id = 0;
    TEXT(why, 300);

    assert_int_equal(window_create(sql, &what, now_ms, &id, &why), expected);
    return id;
}

/* ------------------------------------------------------------------ states and people */

static void a_returned_alarm_waits_to_be_seen(void **state)
{
    struct action action = {.action = "acknowledge", .who = "ann", .role = ROLE_DISPATCHER};
    TEXT(why, 300);

    (void)state;
    begin(1, 1);
    fault(0, FAULT_RAISED, 2);
    assert_string_equal(shown(last_alarm(), "state"), "UNACK");
    pass(MINUTE);
    assert_int_equal(act(last_alarm(), ALARM_CLEAR, ROLE_MANAGER, 0, "clears when telemetry is normal"), ERR_STATE);
    fault(0, FAULT_CLEARED, 2);
    assert_string_equal(shown(last_alarm(), "state"), "RTNUN");
    assert_int_equal(desk_ticket_action(desk, sql, count("SELECT id FROM ticket"), &action, now_ms, &why), ERR_OK);
    assert_string_equal(shown(last_alarm(), "state"), "NORM");
    fault(0, FAULT_RAISED, 2);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm"), 2); /* a new occurrence of the same series */
    assert_int_equal(act(last_alarm(), ALARM_ACKNOWLEDGE, ROLE_TECHNICIAN, 0, NULL), ERR_OK);
    assert_string_equal(shown(last_alarm(), "state"), "ACKED");
    assert_int_equal(act(last_alarm(), ALARM_ACKNOWLEDGE, ROLE_TECHNICIAN, 0, "already. Legal:"), ERR_STATE);
    end();
}

static void a_shelf_comes_down_by_itself(void **state)
{
    (void)state;
    begin(1, 1);
    fault(0, FAULT_RAISED, 2);
    assert_int_equal(notices(":opened"), 1);
    assert_int_equal(act(last_alarm(), ALARM_SHELVE, ROLE_DISPATCHER, now_ms + HOUR, NULL), ERR_OK);
    assert_string_equal(shown(last_alarm(), "state"), "SHLVD");
    fault(0, FAULT_CLEARED, 2);
    pass(MINUTE);
    fault(0, FAULT_RAISED, 2);
    assert_string_equal(shown(last_alarm(), "reason"), "shelved");
    pass(30 * MINUTE);
    assert_int_equal(notices(":relapsed"), 0);
    now_ms += 5 * HOUR; /* nobody was there when it ended */
    pass(1000);
    assert_string_equal(shown(last_alarm(), "state"), "UNACK");
    assert_int_equal(notices(":relapsed"), 1);
    pass(HOUR);
    assert_int_equal(notices(":relapsed"), 1);
    end();
}

static void out_of_service_raises_no_ticket(void **state)
{
    (void)state;
    begin(1, 1);
    fault(0, FAULT_RAISED, 3);
    assert_int_equal(act(last_alarm(), ALARM_OUT_OF_SERVICE, ROLE_DISPATCHER, 0, NULL), ERR_FORBIDDEN);
    assert_int_equal(act(last_alarm(), ALARM_OUT_OF_SERVICE, ROLE_MANAGER, 0, NULL), ERR_OK);
    assert_string_equal(shown(last_alarm(), "state"), "OOSRV");
    fault_at(0, "tank_overheat", FAULT_RAISED, 2, now_ms, MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket"), 2); /* another fault is another matter */
    fault(0, FAULT_CLEARED, 3);
    pass(DAY);
    fault(0, FAULT_RAISED, 3);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm WHERE ticket IS NULL AND reason = 'out_of_service'"), 1);
    pass(9 * DAY);
    assert_int_equal(act(last_alarm(), ALARM_RETURN_TO_SERVICE, ROLE_ADMIN, 0, NULL), ERR_OK);
    pass(1000);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm WHERE ticket IS NULL"), 0);
    end();
}

/* ------------------------------------------------------------------ windows */

static void a_window_keeps_alarms_from_people_until_it_ends(void **state)
{
    int64_t id, onset_ms;

    (void)state;
    begin(2, 2);
    id = window("maintenance", 0, now_ms + HOUR, now_ms + 20 * HOUR, ERR_OK); /* over midnight */
    window("maintenance", 0, now_ms + 19 * HOUR, now_ms + 30 * HOUR, ERR_STATE);
    window("guard", 0, now_ms + 19 * HOUR, now_ms + 30 * HOUR, ERR_OK);
    window("maintenance", 1, now_ms + 19 * HOUR, now_ms + 30 * HOUR, ERR_OK);
    pass(HOUR);
    assert_int_equal(count("SELECT COUNT(*) FROM equipment WHERE status = 'maintenance'"), 1);
    onset_ms = now_ms;
    fault(0, FAULT_RAISED, 2);
    fault_at(0, "tank_overheat", FAULT_RAISED, 2, now_ms, MINUTE);
    pass(2 * HOUR);
    assert_string_equal(shown(last_alarm(), "state"), "DSUPR");
    fault_at(0, "tank_overheat", FAULT_CLEARED, 2, now_ms, MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket"), 0);
    assert_int_equal(notices(""), 0);
    pass(17 * HOUR);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket"), 1); /* what stands still, with its true beginning */
    assert_int_equal(count("SELECT onset_ms FROM ticket"), onset_ms - MINUTE);
    assert_int_equal(count("SELECT registered_ms FROM ticket"), onset_ms + 19 * HOUR);
    assert_int_equal(notices(":opened"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM equipment WHERE status = 'fault'"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT done_ms FROM service_window WHERE id = ?1", "i", id), now_ms);
    end();
}

static void a_window_can_be_ended_and_made_longer(void **state)
{
    int64_t id;
    TEXT(why, 300);

    (void)state;
    begin(1, 1);
    id = window("planned_change", 0, now_ms, now_ms + HOUR, ERR_OK);
    fault(0, FAULT_RAISED, 1);
    pass(30 * MINUTE);
    assert_int_equal(window_extend(sql, id, now_ms + 10 * MINUTE, "ann", "x1", now_ms, &why), ERR_FORMAT);
    assert_int_equal(window_extend(sql, id, now_ms + 2 * HOUR, "ann", "x2", now_ms, &why), ERR_OK);
    pass(HOUR);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket"), 0);
    assert_int_equal(window_end(sql, id, "ann", "x3", now_ms, &why), ERR_OK);
    pass(1000);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket"), 1);
    assert_int_equal(window_end(sql, id, "ann", "x4", now_ms, &why), ERR_STATE);
    end();
}

/* ------------------------------------------------------------------ chattering, fleeting */

static void chattering_keeps_one_alarm_open(void **state)
{
    int64_t quiet_ms = 0;

    (void)state;
    begin(1, 1);
    for (int i = 0; i < 30; i++) {
        fault(0, FAULT_RAISED, 2);
        pass(MINUTE);
        fault(0, FAULT_CLEARED, 2);
        quiet_ms = now_ms;
        pass(MINUTE);
    }
    assert_int_equal(count("SELECT COUNT(*) FROM alarm"), 4);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket"), 1);
    assert_int_equal(notices("ticket:") - notices(":warn.") - notices(":breach."), 6); /* three came and went, then nothing */
    assert_string_equal(shown(last_alarm(), "chattering"), "true");
    assert_string_equal(shown(last_alarm(), "active"), "true");
    assert_int_equal(count("SELECT COUNT(*) FROM alarm_event WHERE kind = 'raise'"), 30);
    pass(31 * MINUTE);
    assert_string_equal(shown(last_alarm(), "active"), "false");
    assert_int_equal(count("SELECT cleared_ms FROM alarm ORDER BY id DESC LIMIT 1"), quiet_ms);
    end();
}

/* Who was told that it is there is told that it is gone, though it is called gone long after it fell silent. */
static void the_end_of_what_chattered_is_told(void **state)
{
    (void)state;
    begin(1, 1);
    for (int i = 0; i < 3; i++) { /* too short to be told */
        fault_at(0, "pump_no_flow", FAULT_RAISED, 2, now_ms, 0);
        pass(1000);
        fault(0, FAULT_CLEARED, 2);
        pass(MINUTE);
    }
    assert_int_equal(notices(":opened"), 0);
    fault(0, FAULT_RAISED, 2);
    assert_int_equal(notices(":opened"), 1);
    fault(0, FAULT_CLEARED, 2);
    assert_int_equal(notices(":cleared"), 0);
    pass(31 * MINUTE);
    assert_int_equal(notices(":cleared"), 1);
    end();
}

/* The fault comes back when its clocks have long been due: that is told as soon as the alarm is. */
static void what_was_missed_is_told_with_its_alarm(void **state)
{
    (void)state;
    begin(1, 1);
    fault(0, FAULT_RAISED, 2);
    pass(3 * MINUTE);
    fault(0, FAULT_CLEARED, 2);
    pass(5 * HOUR);
    assert_int_equal(notices(":breach.dispatch"), 0);
    fault(0, FAULT_RAISED, 2);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'dispatch' AND breached_ms IS NOT NULL"), 1);
    assert_int_equal(notices(":breach.dispatch"), 1);
    pass(HOUR);
    assert_int_equal(notices(":breach.dispatch"), 1);
    end();
}

/* … and of one that is told by its area, its area says so too. */
static void what_was_missed_is_counted_with_its_area(void **state)
{
    int64_t ticket;

    (void)state;
    begin(60, 60);
    fault(0, FAULT_RAISED, 2);
    ticket = count("SELECT MAX(id) FROM ticket");
    pass(3 * MINUTE);
    fault(0, FAULT_CLEARED, 2);
    pass(5 * HOUR);
    for (int i = 1; i < 30; i++) {
        fault(i, FAULT_RAISED, 2);
    }
    assert_int_equal(count("SELECT COUNT(*) FROM flood WHERE ended_ms IS NULL"), 1);
    fault(0, FAULT_RAISED, 2);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'dispatch' AND breached_ms IS NOT NULL"), 1);
    assert_int_equal(notices(":breach.dispatch"), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM announcement WHERE ticket = ?1 AND kind = 'clock' AND outcome ="
                                          " 'grouped' AND at_ms = ?2", "ii", ticket, now_ms),
                     sql_find_int(sql, -1, "SELECT COUNT(*) FROM ticket_event WHERE ticket = ?1 AND action = 'breach' AND"
                                           " stored_ms = ?2", "ii", ticket, now_ms));
    end();
}

/* A caller's ticket is told of at every step, but not of a past that comes late: that is told once, if it stands. */
static void the_past_of_a_callers_ticket_is_not_told(void **state)
{
    struct action action = {.action = "report", .action_id = "r", .who = "clerk", .role = ROLE_DISPATCHER};
    static const char said[] = "{\"kind\":\"fault\",\"equipment\":\"e0\",\"fault\":\"pump_no_flow\"}";
    struct arena *arena;
    char number[32];
    bool merged;
    TEXT(why, 300);

    (void)state;
    begin(1, 1);
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(desk_report(desk, sql, &action, now_ms, number, &merged, &why), ERR_OK);
    arena_close(arena);
    pass(4 * HOUR);
    for (int i = 0; i < 3; i++) {
        fault_at(0, "pump_no_flow", FAULT_RAISED, 2, now_ms - (180 - 30 * i) * MINUTE, MINUTE);
        fault_at(0, "pump_no_flow", FAULT_CLEARED, 2, now_ms - (175 - 30 * i) * MINUTE, MINUTE);
    }
    fault_at(0, "pump_no_flow", FAULT_RAISED, 2, now_ms - 20 * MINUTE, MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket"), 1);
    assert_int_equal(notices(":relapsed"), 0);
    pass(5 * MINUTE);
    assert_int_equal(notices(":relapsed"), 1);
    assert_int_equal(notices(":opened"), 1);
    end();
}

static void what_comes_and_goes_is_recorded_and_not_told(void **state)
{
    (void)state;
    begin(2, 2);
    fault_at(0, "pump_no_flow", FAULT_RAISED, 2, now_ms, 0);
    fault_at(1, "pump_no_flow", FAULT_RAISED, 2, now_ms, 0);
    assert_string_equal(shown(last_alarm(), "reason"), "fleeting");
    pass(2000);
    fault(0, FAULT_CLEARED, 2);
    pass(2 * HOUR);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm WHERE outcome = 'held' AND reason = 'fleeting'"), 1);
    assert_int_equal(notices(":opened"), 1); /* the one that stayed */
    assert_int_equal(count("SELECT COUNT(*) FROM outbox o JOIN ticket t ON t.id = o.ticket JOIN equipment e ON e.id ="
                           " t.equipment WHERE e.name = 'e0'"), 0); /* nor of its clocks */
    end();
}

static void a_fault_of_design_is_kept_back(void **state)
{
    const struct profile *profile = rules_profile(rules, "swh-basic");
    size_t i = 0;

    (void)state;
    while (i < profile->fault_count && profile->faults[i].inhibited_count == 0) {
        i++;
    }
    assert_true(i < profile->fault_count);
    begin(1, 1);
    fault_at(0, profile->faults[profile->faults[i].inhibited_by[0]].id, FAULT_RAISED, 2, now_ms, MINUTE);
    fault_at(0, profile->faults[i].id, FAULT_RAISED, 2, now_ms, MINUTE);
    assert_string_equal(shown(last_alarm(), "state"), "DSUPR");
    assert_string_equal(shown(last_alarm(), "reason"), "design");
    pass(MINUTE);
    assert_int_equal(notices(":opened"), 1);
    fault_at(0, profile->faults[profile->faults[i].inhibited_by[0]].id, FAULT_CLEARED, 2, now_ms, MINUTE);
    pass(1000);
    assert_int_equal(notices(":opened"), 2);
    end();
}

/* ------------------------------------------------------------------ floods */

/* The most items of any ten minutes. */
static int64_t most_told(void)
{
    return count("SELECT MAX(n) FROM (SELECT (SELECT COUNT(*) FROM announcement b WHERE b.outcome = 'announced' AND"
                 " b.at_ms > a.at_ms - 600000 AND b.at_ms <= a.at_ms) AS n FROM announcement a WHERE a.outcome ="
                 " 'announced') x");
}

static int64_t most_notices(void)
{
    return count("SELECT MAX(n) FROM (SELECT (SELECT COUNT(*) FROM outbox b WHERE instr(b.key, 'duty:') = 0 AND b.created_ms >"
                 " a.created_ms - 600000 AND b.created_ms <= a.created_ms) AS n FROM outbox a WHERE instr(a.key, 'duty:') = 0) x");
}

static void a_storm_is_told_by_area(void **state)
{
    (void)state;
    begin(2000, 2000);
    for (int i = 0; i < 2000; i++) {
        fault(i, FAULT_RAISED, 1 + i % 3);
        if (i % 20 == 19) {
            pass(6000);
        }
    }
    assert_int_equal(count("SELECT COUNT(*) FROM alarm"), 2000);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket"), 2000);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm WHERE outcome IS NULL"), 0);
    pass(25 * MINUTE);
    assert_in_range(most_told(), 5, 10);
    assert_in_range(most_notices(), 5, 10);
    assert_int_equal(sql_find_int(sql, -1, "SELECT COUNT(*) FROM flood_area WHERE told_ms IS NULL AND first_ms < ?1", "i",
                                  now_ms - 11 * MINUTE), 0); /* every area was told of … */
    assert_int_equal(count("SELECT COUNT(*) FROM (SELECT 1 FROM announcement WHERE kind = 'area' AND area <> '*' GROUP BY"
                           " flood, area HAVING COUNT(*) > 1) x"), 0);                   /* … once */
    assert_true(notices("flood:") > 0);
    end();
}

static void a_flood_ends(void **state)
{
    (void)state;
    begin(20, 20);
    for (int i = 0; i < 12; i++) {
        fault(i, FAULT_RAISED, 3);
    }
    assert_int_equal(notices(":opened"), 7);
    assert_int_equal(count("SELECT COUNT(*) FROM flood WHERE ended_ms IS NULL"), 1);
    pass(MINUTE);
    assert_int_equal(notices("flood:"), 1);
    pass(12 * MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM flood WHERE ended_ms IS NULL"), 0);
    fault(15, FAULT_RAISED, 3);
    assert_int_equal(notices(":opened"), 8);
    end();
}

/* ------------------------------------------------------------------ links */

static void lose(int number, int64_t since_ms)
{
    assert_int_equal(desk_link_lost(desk, sql, agent(number), since_ms, now_ms), ERR_OK);
}

static void find(int number)
{
    assert_int_equal(desk_link_back(desk, sql, agent(number), now_ms), ERR_OK);
}

/* S0-105: one outage, and a past that nobody is called for. */
static void a_gateway_comes_back_with_six_hours(void **state)
{
    int64_t lost_ms, before;

    (void)state;
    begin(200, 200);
    for (int i = 0; i < 3; i++) {
        fault(i, FAULT_RAISED, 3); /* stood before */
    }
    fault_at(3, "pump_no_flow", FAULT_RAISED, 2, now_ms, 0); /* nobody knows of this one yet */
    lost_ms = now_ms;
    before = notices("");
    lose(0, lost_ms);
    pass(6 * HOUR);
    assert_int_equal(count("SELECT COUNT(*) FROM equipment WHERE status = 'offline'"), 200);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket WHERE kind = 'communication'"), 1);
    assert_int_equal(notices(":opened") - before, 1);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm WHERE cleared_ms IS NOT NULL OR id > 4"), 0);
    assert_string_equal(shown(1, "unknown"), "true");
    assert_string_equal(shown(4, "reason"), "parent");
    before = notices("");
    find(0);
    assert_int_equal(desk_backlog(desk, sql, agent(0), now_ms), ERR_OK);
    for (int i = 0; i < 200; i++) { /* each failed and recovered once; ten stand still; each judged in its order */
        int64_t t_ms = lost_ms + i * MINUTE;

        if (i > 3) {
            fault_at(i, "pump_no_flow", FAULT_RAISED, 2, t_ms, MINUTE);
        }
        if (i < 190) {
            fault_at(i, "pump_no_flow", FAULT_CLEARED, 2, t_ms + 10 * MINUTE, 0);
        }
        pass(200);
    }
    assert_int_equal(notices("") - before, 0);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm"), 200); /* the true history */
    assert_int_equal(count("SELECT onset_ms FROM alarm ORDER BY id DESC LIMIT 1"), lost_ms + 198 * MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm WHERE cleared_ms IS NOT NULL AND cleared_ms < registered_ms"), 186);
    pass(2 * MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm WHERE cleared_ms IS NULL"), 10);
    assert_int_equal(count("SELECT COUNT(*) FROM alarm WHERE cleared_ms IS NOT NULL AND announced_ms IS NOT NULL AND id > 4"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox o JOIN ticket t ON t.id = o.ticket WHERE o.channel = 'log' AND t.late"
                           " = 1 AND t.cleared_ms IS NOT NULL"), 0);
    assert_in_range(notices(":opened"), 4 + 3, 4 + 10); /* what stands still is told, as far as there is room */
    pass(6 * HOUR);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox o JOIN ticket t ON t.id = o.ticket WHERE t.late = 1 AND t.cleared_ms"
                           " IS NOT NULL"), 0); /* nor of their clocks */
    end();
}

static void an_area_is_one_outage(void **state)
{
    (void)state;
    begin(50, 10);
    for (int i = 0; i < 5; i++) {
        lose(i, now_ms);
        pass(MINUTE);
    }
    pass(20 * MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket WHERE kind = 'communication'"), 5);
    assert_int_equal(notices("outage:"), 1);
    assert_int_equal(notices(":opened"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM announcement WHERE outcome = 'held' AND reason = 'area'"), 4);
    end();
}

/* After a start nothing that stood before is told until agents have had their time to come back. */
static void a_restart_tells_nothing_of_what_hangs_on_a_lost_link(void **state)
{
    int64_t before;

    (void)state;
    begin(3, 3);
    fault_at(0, "pump_no_flow", FAULT_RAISED, 2, now_ms, 0); /* held: fleeting */
    desk_close(desk);
    open_desk(MINUTE);
    before = notices("");
    pass(30000);
    assert_int_equal(notices(""), before);
    lose(0, now_ms - 30000);
    pass(9 * MINUTE);
    assert_int_equal(notices(""), before);
    assert_string_equal(shown(1, "reason"), "parent");
    find(0);
    pass(2 * MINUTE); /* its past is waited for */
    assert_int_equal(notices(":opened"), 1); /* it stands still: once */
    end();
}

static void silence_holds_a_hold(void **state)
{
    (void)state;
    begin(1, 1);
    fault(0, FAULT_RAISED, 2);
    pass(MINUTE);
    fault(0, FAULT_CLEARED, 2);
    assert_int_equal(count("SELECT hold_until_ms - cleared_ms FROM ticket") > MINUTE, 1);
    lose(0, now_ms);
    pass(HOUR);
    assert_string_equal(shown(1, "unknown"), "false"); /* it had cleared */
    assert_int_equal(count("SELECT COUNT(*) FROM ticket WHERE fault IS NOT NULL AND state = 'cleared'"), 0);
    find(0);
    pass(1000);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket WHERE fault IS NOT NULL AND state = 'cleared'"), 0);
    pass(2 * HOUR);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket WHERE fault IS NOT NULL AND state = 'cleared'"), 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_returned_alarm_waits_to_be_seen),
        cmocka_unit_test(a_shelf_comes_down_by_itself),
        cmocka_unit_test(out_of_service_raises_no_ticket),
        cmocka_unit_test(a_window_keeps_alarms_from_people_until_it_ends),
        cmocka_unit_test(a_window_can_be_ended_and_made_longer),
        cmocka_unit_test(chattering_keeps_one_alarm_open),
        cmocka_unit_test(the_end_of_what_chattered_is_told),
        cmocka_unit_test(what_was_missed_is_told_with_its_alarm),
        cmocka_unit_test(what_was_missed_is_counted_with_its_area),
        cmocka_unit_test(the_past_of_a_callers_ticket_is_not_told),
        cmocka_unit_test(what_comes_and_goes_is_recorded_and_not_told),
        cmocka_unit_test(a_fault_of_design_is_kept_back),
        cmocka_unit_test(a_storm_is_told_by_area),
        cmocka_unit_test(a_flood_ends),
        cmocka_unit_test(a_gateway_comes_back_with_six_hours),
        cmocka_unit_test(an_area_is_one_outage),
        cmocka_unit_test(a_restart_tells_nothing_of_what_hangs_on_a_lost_link),
        cmocka_unit_test(silence_holds_a_hold),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-alarm-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", say_line, NULL, &rules)) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    return failed;
}
