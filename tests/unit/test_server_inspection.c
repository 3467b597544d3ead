/* Inspections under a clock that the test turns: once a month each, whatever happens to the server meanwhile. */
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
#include "server/desk/desk.h"
#include "server/fleet/fleet_file.h"
#include "server/fleet/orders.h"
#include "server/inspection/inspection.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define UNITS  24

static char path[64], url[80];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static int64_t now_ms;
static char fleet[64 * 1024];
static const char *const zones[] = {"Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Sydney"};

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...)
{
    size_t size = strlen(fleet);
    va_list list;

    va_start(list, format);
    vsnprintf(fleet + size, sizeof(fleet) - size, format, list);
    va_end(list);
}

static void say_line(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

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
}

static void open_desk(void)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard",
                                     .has_smtp = true, .mail_to = "desk@example.cn", .digest_minute = 8 * 60,
                                     .public_url = "https://heaters.example"};

    assert_int_equal(desk_open(&options, &desk), ERR_OK);
}

static void begin(int64_t start_ms)
{
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = start_ms;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    open_desk();
    assert_int_equal(sql_begin(sql), ERR_OK);
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

static int64_t count(const char *statement)
{
    return sql_find_int(sql, -1, statement, "");
}

/* ------------------------------------------------------------------ the agents */

static bool silent; /* they take commands and never answer */

static void answer(const char *command, int64_t agent, const char *json)
{
    struct reply_message reply = {.command = command, .state = "done"};
    struct arena *arena;

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, json, strlen(json), &reply.result, NULL), ERR_OK);
    assert_int_equal(orders_reply(sql, rules, agent, &reply, now_ms), ERR_OK);
    arena_close(arena);
}

static const char *health = "{\"points\": [], \"checks\": [{\"id\": \"tank\", \"light\": \"green\"}],"
                            " \"health\": {\"spool\": {\"messages\": 3}}}";

static void answer_all(void)
{
    char id[65];

    while (!silent) {
        struct sql_rows rows;
        int64_t agent = 0;

        id[0] = '\0';
        sql_find(sql, &rows, "SELECT id, agent FROM command WHERE state = 'waiting' LIMIT 1", "");
        if (sql_next(&rows)) {
            (void)!text_copy(id, sizeof(id), sql_text(&rows, 0));
            agent = sql_int(&rows, 1);
        }
        assert_int_equal(sql_end(&rows), ERR_OK);
        if (!id[0]) {
            return;
        }
        answer(id, agent, health);
    }
}

/* The desk looks when it said it would. */
static void pass(int64_t until_ms)
{
    while (now_ms < until_ms) {
        int64_t next_ms = now_ms;

        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        answer_all();
        next_ms = desk_due(desk, sql, now_ms);
        now_ms = next_ms <= now_ms ? now_ms + 1 : next_ms > until_ms ? until_ms : next_ms;
    }
}

static void units(int number)
{
    add("customers: [{id: c, name: Li, email: li@example.cn, language: en}]\nsites:\n");
    for (int i = 0; i < 4; i++) {
        add("  - {id: s%d, customer: c, name: Home, time_zone: %s}\n", i, zones[i]);
    }
    add("equipment:\n");
    for (int i = 0; i < number; i++) {
        add("  - {id: e%d, site: s%d, profile: swh-basic, agent: g%d}\n", i, i % 4, i);
    }
}

static void connect(void)
{
    assert_int_equal(sql_run(sql, "UPDATE agent SET online = 1", ""), ERR_OK);
}

/* ------------------------------------------------------------------ tests */

/* Once a month, inside the month of the site, over a year with two changes of the clocks and a server that sleeps
 * over two ends of a month. S0-09 */
static void test_once_a_month(void **state)
{
    static const int64_t down[][2] = {{2027, 2}, {2027, 5}}; /* it sleeps from the 20th of these to the 10th of the next but one */
    int year = 2026, month = 11;

    (void)state;
    units(UNITS);
    begin(civil_days(2026, 11, 3) * DAY);
    connect();
    while (year < 2027 || month < 12) {
        int64_t from_ms = civil_days(year, month, 20) * DAY;

        pass(from_ms);
        for (size_t i = 0; i < 2; i++) {
            if (down[i][0] == year && down[i][1] == month) {
                desk_close(desk);
                month += 2;
                now_ms = civil_days(year, month, 10) * DAY;
                open_desk();
            }
        }
        month++;
        if (month > 12) {
            month = 1;
            year++;
        }
    }
    pass(civil_days(2027, 12, 1) * DAY + DAY);
    /* nothing twice: the index would have refused it; nothing missing but the months that were slept through */
    assert_int_equal(count("SELECT COUNT(*) FROM (SELECT equipment, period_day FROM inspection GROUP BY equipment, period_day"
                           " HAVING COUNT(*) > 1) x"), 0);
    for (int m = 0; m < 13; m++) {
        int y = 2026 + (10 + m) / 12, of = (10 + m) % 12 + 1;
        bool slept = y == 2027 && (of == 3 || of == 6);
        int64_t day = civil_days(y, of, 1);

        int64_t done = sql_find_int(sql, 0, "SELECT COUNT(*) FROM inspection WHERE period_day = ?1 AND state = 'done'", "i",
                                    day);
        int64_t owed = sql_find_int(sql, 0,
                                    "SELECT COUNT(*) FROM clock WHERE kind = 'remote_inspection' AND occurrence = ?1", "i",
                                    (int64_t)y * 12 + of - 1);
        int64_t met = sql_find_int(sql, 0,
                                   "SELECT COUNT(*) FROM clock WHERE kind = 'remote_inspection' AND occurrence = ?1 AND met_ms"
                                   " < until_ms AND breached_ms IS NULL",
                                   "i", (int64_t)y * 12 + of - 1);
        int64_t late = sql_find_int(sql, 0,
                                    "SELECT COUNT(*) FROM clock WHERE kind = 'remote_inspection' AND occurrence = ?1 AND"
                                    " breached_ms > 0",
                                    "i", (int64_t)y * 12 + of - 1);

        if (done != (slept ? 0 : UNITS) || owed != UNITS || met + late != UNITS || (slept && late != UNITS) ||
            (!slept && late > 0)) {
            /* what had its turn after the 20th in a month in which the server fell asleep is missed, too */
            bool half = y == 2027 && (of == 2 || of == 5);

            if (!half || owed != UNITS || met != done || late != UNITS - done) {
                fail_msg("%d-%02d: %d done, %d owed, %d met, %d late", y, of, (int)done, (int)owed, (int)met, (int)late);
            }
        }
    }
    for (int i = 0; i < 4; i++) { /* in the month of the site's own zone */
        const struct zone *zone = rules_zone(rules, zones[i]);
        struct sql_rows rows;

        sql_find(sql, &rows,
                 "SELECT i.period_day, i.created_ms FROM inspection i JOIN equipment e ON e.id = i.equipment JOIN site s ON s.id"
                 " = e.site WHERE s.time_zone = ?1",
                 "t", zones[i]);
        while (sql_next(&rows)) {
            int32_t day = zone_day(zone, sql_int(&rows, 1)), first = (int32_t)sql_int(&rows, 0);

            assert_in_range(day, first, civil_add_months(first, 1) - 1);
        }
        assert_int_equal(sql_end(&rows), ERR_OK);
    }
    /* spread: no day has a quarter of them */
    assert_int_equal(count("SELECT COUNT(*) FROM (SELECT created_ms / 86400000 AS day FROM inspection WHERE period_day = (SELECT"
                           " MAX(period_day) FROM inspection WHERE state = 'done') GROUP BY 1 HAVING COUNT(*) >= 6) x"), 0);
    end();
}

static enum err act(const char *number, const char *json, struct text *why)
{
    struct action action = {.who = "anna", .role = ROLE_DISPATCHER};
    const struct cJSON *body = NULL;
    struct arena *arena;
    enum err err;

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, json, strlen(json), &body, NULL), ERR_OK);
    action.body = body;
    action.action = json_text_or(body, "action", "");
    action.action_id = json_text_or(body, "id", NULL);
    action.note = json_text_or(body, "note", NULL);
    text_clear(why);
    err = desk_inspection_action(desk, sql, inspection_find(sql, number), &action, now_ms, why);
    arena_close(arena);
    return err;
}

static void the_number(char number[32])
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT number FROM inspection ORDER BY id DESC LIMIT 1", "");
    assert_true(sql_next(&rows));
    (void)!text_copy(number, 32, sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
}

/* A device that does not answer is asked about by telephone, with the same list. S0-12 S0-13 S0-121 S0-14 */
static void test_phone_check(void **state)
{
    char number[32];
    TEXT(why, 2000);

    (void)state;
    units(1);
    begin(civil_days(2026, 11, 3) * DAY);
    connect();
    silent = true;
    pass(civil_days(2026, 11, 30) * DAY);
    silent = false;
    assert_int_equal(count("SELECT COUNT(*) FROM inspection WHERE state = 'phone' AND way = 'month'"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'remote_inspection' AND met_ms IS NOT NULL"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_report"), 0);
    assert_true(count("SELECT COUNT(*) FROM inspection_line WHERE answered = 'auto'") > 3);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_line WHERE line = 'leaks' AND verdict = 'unknown'"), 1);
    the_number(number);
    assert_int_equal(act(number, "{\"action\": \"dance\"}", &why), ERR_FORMAT);
    assert_non_null(strstr(why.at, "answer finish"));
    assert_int_equal(act(number, "{\"action\": \"answer\", \"line\": \"nose\", \"verdict\": \"pass\"}", &why), ERR_FORMAT);
    assert_int_equal(act(number, "{\"action\": \"answer\", \"line\": \"leaks\", \"verdict\": \"maybe\"}", &why), ERR_FORMAT);
    assert_int_equal(act(number, "{\"action\": \"answer\", \"line\": \"restarts\", \"verdict\": \"pass\"}", &why), ERR_STATE);
    assert_int_equal(act(number, "{\"action\": \"finish\", \"spoke_with\": \"Mr Li\"}", &why), ERR_STATE);
    assert_non_null(strstr(why.at, "leaks satisfied"));
    assert_int_equal(act(number, "{\"action\": \"answer\", \"id\": \"a\", \"line\": \"leaks\", \"verdict\": \"fail\", \"note\":"
                                 " \"drips\"}", &why), ERR_OK);
    assert_int_equal(act(number, "{\"action\": \"answer\", \"id\": \"a\", \"line\": \"leaks\", \"verdict\": \"pass\"}", &why),
                     ERR_OK); /* the same once */
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_line WHERE line = 'leaks' AND verdict = 'fail' AND answered ="
                           " 'phone' AND who = 'anna'"), 1);
    assert_int_equal(count("SELECT grade FROM ticket WHERE kind = 'inspection' AND cause_key LIKE 'inspection:%:leaks'"), 2);
    assert_int_equal(act(number, "{\"action\": \"answer\", \"line\": \"satisfied\", \"value\": 1}", &why), ERR_OK);
    for (int i = 0; i < 9 && act(number, "{\"action\": \"finish\", \"spoke_with\": \"Mr Li\"}", &why); i++) {
        char json[200], line[65] = "";

        assert_int_equal(sscanf(why.at, "not asked yet: %64[^ .]", line), 1);
        snprintf(json, sizeof(json), "{\"action\": \"answer\", \"line\": \"%s\", \"verdict\": \"unknown\"}", line);
        assert_int_equal(act(number, json, &why), ERR_OK);
    }
    assert_int_equal(count("SELECT COUNT(*) FROM inspection WHERE state = 'done' AND spoke_with = 'Mr Li' AND done_by = 'anna' AND"
                           " result = 'red'"), 1);
    assert_int_equal(act(number, "{\"action\": \"finish\", \"spoke_with\": \"Mr Li\"}", &why), ERR_STATE);
    assert_int_equal(act(number, "{\"action\": \"accept\", \"line\": \"leaks\"}", &why), ERR_FORMAT);
    assert_int_equal(act(number, "{\"action\": \"accept\", \"line\": \"satisfied\", \"note\": \"x\"}", &why), ERR_STATE);
    assert_int_equal(act(number, "{\"action\": \"accept\", \"line\": \"leaks\", \"note\": \"Mr Li lives with it\"}", &why),
                     ERR_OK);
    pass(now_ms + 5 * MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'remote_inspection' AND occurrence = 24322 AND met_ms IS NOT"
                           " NULL AND breached_ms IS NULL"), 1); /* the month's is done */
    end();
}

/* The report: drafted at once, in three working days with all its readers, else late. S0-121 S0-14 */
static void test_report(void **state)
{
    (void)state;
    units(2);
    begin(civil_days(2026, 11, 3) * DAY);
    connect();
    pass(civil_days(2026, 11, 29) * DAY);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_report"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection i JOIN inspection_report r ON r.inspection = i.id WHERE r.drafted_ms >"
                           " i.done_ms + 60000"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'inspection'"), 4); /* the customer and the desk */
    assert_int_equal(count("SELECT COUNT(*) FROM outbox WHERE notice = 'inspection' AND customer IS NOT NULL AND target ="
                           " 'li@example.cn'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'inspection_report' AND limit_text = '3wd'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'inspection_report' AND met_ms IS NOT NULL"), 0);
    assert_int_equal(sql_run(sql, "UPDATE outbox SET state = 'sent', sent_ms = ?1 WHERE notice = 'inspection' AND id IN (SELECT"
                                  " o.id FROM outbox o JOIN inspection_reader r ON r.key = o.key WHERE r.inspection = 1)",
                             "i", now_ms), ERR_OK);
    pass(now_ms + 20 * MINUTE);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'inspection_report' AND met_ms IS NOT NULL AND subject_id ="
                           " 1"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_report WHERE delivered_ms IS NOT NULL"), 1);
    assert_int_equal(sql_run(sql, "UPDATE outbox SET state = 'given_up', why = 'refused' WHERE notice = 'inspection' AND state ="
                                  " 'waiting'", ""), ERR_OK);
    pass(now_ms + 9 * DAY);
    assert_int_equal(count("SELECT COUNT(*) FROM clock WHERE kind = 'inspection_report' AND breached_ms > 0 AND met_ms IS NULL AND"
                           " subject_id = 2"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_reader WHERE state = 'failed'"), 2);
    end();
}

/* What fails month after month is one ticket; a month is compared with the one before. S0-13 S0-09 S0-10 */
static void test_a_finding_goes_on(void **state)
{
    struct json_out out = json_out(1 << 20);
    struct arena *arena;

    (void)state;
    units(1);
    begin(civil_days(2026, 11, 3) * DAY);
    connect();
    health = "{\"points\": [], \"checks\": [{\"id\": \"tank\", \"light\": \"red\"}], \"health\": {\"agent\": {\"spool\":"
             " {\"messages\": 50000}}}}";
    pass(civil_days(2026, 11, 30) * DAY);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket WHERE kind = 'inspection'"), 2); /* own-checks and spool */
    health = "{\"points\": [], \"checks\": [{\"id\": \"tank\", \"light\": \"green\"}], \"health\": {\"spool\": {\"messages\":"
             " 90000}}}";
    pass(civil_days(2026, 12, 30) * DAY);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection WHERE state = 'done'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket WHERE kind = 'inspection'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM ticket_event WHERE action = 'found'"), 1);
    assert_int_equal(count("SELECT COUNT(DISTINCT ticket) FROM inspection_line WHERE line = 'spool'"), 1);
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    json_open_object(&out);
    assert_int_equal(inspection_show_lines(arena, sql, zone_utc(), 2, &out), ERR_OK);
    json_close_object(&out);
    assert_non_null(strstr(out.bytes, "\"better\":1,\"worse\":1"));
    assert_non_null(strstr(out.bytes, "\"open_findings\":1,\"closed\":false"));
    json_out_free(&out);
    arena_close(arena);
    health = "{\"points\": [], \"checks\": [{\"id\": \"tank\", \"light\": \"green\"}], \"health\": {\"spool\": {\"messages\": 3}}}";
    end();
}

static enum err decide(int64_t id, const char *word, const char *note, const char *key, struct text *why)
{
    struct action action = {.action = word, .note = note, .action_id = key, .who = "anna", .role = ROLE_DISPATCHER};

    text_clear(why);
    return proposal_act(sql, id, &action, now_ms, why);
}

/* What is old, or fails again and again, is proposed once with its evidence; the customer decides. S0-123 S1-60 */
static void test_proposals(void **state)
{
    TEXT(why, 400);

    (void)state;
    add("sites: [{id: s, time_zone: Asia/Shanghai}]\nequipment:\n"
        "  - {id: old, site: s, profile: swh-basic, agent: g, completion_date: '2011-05-01', components: [{class: tank}, {class:"
        " electrical}]}\n"
        "  - {id: new, site: s, profile: swh-basic, agent: g, completion_date: '2026-05-01', components: [{class: tank}, {class:"
        " electrical}]}\n"
        "  - {id: frail, site: s, profile: swh-basic, agent: g, completion_date: '2026-05-01', components: [{class:"
        " electrical}]}\n");
    begin(civil_days(2026, 11, 3) * DAY);
    connect();
    for (int i = 0; i < 6; i++) { /* the same class, six times within a year */
        struct desk_fault what = {.equipment = sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = 'frail'", ""),
                                  .fault = "pump_no_flow", .state = FAULT_RAISED, .grade = 2, .onset_ms = now_ms,
                                  .detected_ms = now_ms, .t_ms = now_ms};

        assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
        what.state = FAULT_CLEARED;
        what.cleared_ms = what.t_ms = now_ms + MINUTE;
        now_ms += MINUTE;
        assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
        assert_int_equal(sql_run(sql, "UPDATE ticket SET closed_ms = ?1, state = 'closed' WHERE closed_ms IS NULL", "i", now_ms),
                         ERR_OK);
        now_ms += 3 * HOUR;
    }
    assert_int_equal(count("SELECT COUNT(*) FROM ticket WHERE kind = 'fault'"), 6);
    pass(civil_days(2026, 11, 30) * DAY);
    assert_int_equal(count("SELECT COUNT(*) FROM proposal p JOIN equipment e ON e.id = p.equipment WHERE e.name = 'old' AND"
                           " p.rule IN ('tank-age', 'electrical-age') AND p.kind = 'replacement'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM proposal p JOIN equipment e ON e.id = p.equipment WHERE e.name = 'frail' AND"
                           " p.rule = 'repeated' AND p.component = 'electrical' AND p.evidence LIKE '%\"found\":6%'"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM proposal"), 3);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_report WHERE body LIKE '%electrical-age%'"), 1);
    assert_int_equal(decide(1, "sing", NULL, NULL, &why), ERR_FORMAT);
    assert_int_equal(decide(99, "accept", NULL, NULL, &why), ERR_NOT_FOUND);
    assert_int_equal(decide(1, "decline", NULL, NULL, &why), ERR_FORMAT);
    assert_int_equal(decide(1, "decline", "too dear", "d", &why), ERR_OK);
    assert_int_equal(decide(1, "decline", "too dear", "d", &why), ERR_OK); /* the same once */
    assert_int_equal(decide(1, "accept", NULL, "e", &why), ERR_STATE);
    assert_int_equal(decide(2, "accept", NULL, "f", &why), ERR_OK);
    pass(civil_days(2027, 1, 1) * DAY);
    assert_int_equal(count("SELECT COUNT(*) FROM proposal"), 3); /* month after month the same is no news */
    assert_int_equal(decide(2, "done", NULL, "g", &why), ERR_OK);
    assert_int_equal(sql_run(sql, "UPDATE proposal SET decided_ms = decided_ms - 366 * 86400000 WHERE id = 1", ""), ERR_OK);
    pass(civil_days(2027, 1, 30) * DAY);
    assert_int_equal(count("SELECT COUNT(*) FROM proposal WHERE rule = (SELECT rule FROM proposal WHERE id = 1) AND state ="
                           " 'open'"), 1); /* a year after "no" it may be asked again */
    end();
}

/* When nothing is due, nothing is looked at: twenty thousand rows cost a turn nothing. On demand is judged at once. */
static void test_on_demand(void **state)
{
    char number[32];
    int64_t next_ms;

    (void)state;
    units(1);
    begin(civil_days(2026, 11, 3) * DAY);
    connect();
    assert_int_equal(orders_inspect(sql, 1, "demand", 0, now_ms, number), ERR_OK);
    answer_all();
    assert_true(desk_due(desk, sql, now_ms) <= now_ms); /* the server turns the desk for it */
    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
    assert_true(count("SELECT COUNT(*) FROM inspection_line") > 10);
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_line WHERE line = 'leaks'"), 0); /* nobody was asked */
    assert_int_equal(count("SELECT COUNT(*) FROM inspection_report"), 1);
    assert_true(desk_due(desk, sql, now_ms) > now_ms);
    assert_int_equal(orders_inspect(sql, 1, "test", 0, now_ms, number), ERR_OK);
    answer_all();
    assert_true(desk_due(desk, sql, now_ms) > now_ms); /* the test of a work order is no inspection of the list */
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_a_month), cmocka_unit_test(test_phone_check), cmocka_unit_test(test_report),
        cmocka_unit_test(test_a_finding_goes_on), cmocka_unit_test(test_on_demand), cmocka_unit_test(test_proposals),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-inspection-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", say_line, NULL, &rules) ||
        rules_add_notices(rules, "models/notices") || rules_add_checklist(rules, "models/inspections")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
