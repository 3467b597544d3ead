/* Agreements that live and end, data that goes when its time has come, people who are taken away, under a clock that the
 * test turns. */
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
#include "server/care/care.h"
#include "server/desk/desk.h"
#include "server/fleet/fleet_file.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define HOUR 3600000LL
#define DAY  (24 * HOUR)

static char path[64], url[80], folder[64];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static struct care *care;
static struct arena *arena;
static int64_t now_ms;

/* Li's agreement ends on 31 December 2026, Bo's goes on. */
static const char fleet[] =
    "customers: [{id: c, name: Li Xiaoming, phone: '+86 21 5550 1234', email: li@example.cn, language: en}, {id: d, name: Bo}]\n"
    "sites: [{id: s, customer: c, name: Home, address: '88 Zhangyang Road', time_zone: Asia/Shanghai}, {id: t, customer: d, name: Inn,"
    " time_zone: Asia/Shanghai}]\n"
    "equipment:\n"
    "  - {id: e, title: Roof, site: s, profile: swh-basic, agent: g, acceptance_date: '2026-03-01'}\n"
    "  - {id: f, title: Yard, site: t, profile: swh-basic, agent: g, acceptance_date: '2026-03-01'}\n"
    "operators: [{id: op, site: s, name: Zhao Lei, phone: '+86 139 7777 0000'}]\n"
    "contracts: [{id: x, customer: c, sites: [s], plan: swh_standard, service_level: B, start: '2026-01-01', end: '2026-12-31'}, {id: y,"
    " customer: d, sites: [t], plan: swh_standard, start: '2026-01-01', end: '2099-12-31'}]\n";

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void import(void)
{
    struct complaints complaints = {.path = "fleet", .arena = arena};
    struct yaml_node *root;
    int64_t changed;

    assert_int_equal(fleet_check(arena, sql, rules, fleet, strlen(fleet), &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
}

/* Noon in Shanghai on 1 September 2026. keep: of notices, photos, access, exports; contacts are kept a year after the end. */
static void begin(void)
{
    static int64_t keep[CARE_CLASSES] = {[CARE_READINGS] = 400 * DAY, [CARE_PHOTOS] = 100 * DAY, [CARE_NOTICES] = 60 * DAY,
                                         [CARE_ACCESS] = 90 * DAY, [CARE_EXPORTS] = 30 * DAY, [CARE_CONTACTS] = 365 * DAY};
    struct care_options options = {.office = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard",
                                              .digest_minute = 8 * 60, .has_smtp = true},
                                   .keep_ms = keep, .folder = folder, .export_bytes = 1 << 30};
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 9, 1) * DAY + 4 * HOUR;
    assert_int_equal(arena_open(32 << 20, &arena), ERR_OK);
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options.office, &desk), ERR_OK);
    assert_int_equal(care_open(&options, &care), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    import();
}

static void end(void)
{
    care_close(care);
    desk_close(desk);
    arena_close(arena);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

/* Turns until there is no more; how many there were. */
static int look(void)
{
    bool more = true, plan;
    int turns = 0;

    for (; more && turns < 1000; turns++) {
        assert_int_equal(care_turn(care, sql, now_ms, &more, &plan), ERR_OK);
    }
    return turns;
}

static int64_t number_of(const char *statement)
{
    return sql_find_int(sql, -1, statement, "");
}

static void run(const char *statement)
{
    assert_int_equal(sql_run(sql, statement, ""), ERR_OK);
}

static enum err act(const char *contract, const char *name, const char *json)
{
    const struct cJSON *body;
    struct action action = {.action = name, .who = "ann", .role = ROLE_MANAGER};
    TEXT(why, 400);
    enum err err;

    assert_int_equal(json_parse(arena, json, strlen(json), &body, NULL), ERR_OK);
    action.body = body;
    err = agreement_act(care, sql, sql_find_int(sql, 0, "SELECT id FROM contract WHERE name = ?1", "t", contract), &action, now_ms, &why);
    if (err) {
        print_message("%s\n", why.at);
    }
    return err;
}

/* ------------------------------------------------------------------ what is kept */

/* S2-40, data care: each class goes when its own time has come, what is younger or still waited for stays; in small pieces. */
static void test_each_class_has_its_time(void **state)
{
    int turns;

    (void)state;
    begin();
    for (int i = 0; i < 1300; i++) { /* the last hundred are young, every thirteenth waits */
        assert_int_equal(sql_run(sql, "INSERT INTO outbox (key, channel, subject, body, created_ms, next_ms, state) VALUES (?1, 'log', 's',"
                                      " '{}', ?2, 0, ?3)",
                                 "iit", (int64_t)i, now_ms - (i < 1200 ? 61 : 59) * DAY, i % 13 ? "sent" : "waiting"),
                         ERR_OK);
    }
    assert_int_equal(sql_run(sql, "INSERT INTO attachment (name, type, size, received, hash, state, at_ms, stored_ms, who, title) VALUES ('old',"
                                  " 'image/jpeg', 4, 4, 'h', 'whole', ?1, ?1, 'Li', 'my kitchen'), ('new', 'image/jpeg', 4, 4, 'h', 'whole',"
                                  " ?2, ?2, 'Li', 'roof')",
                             "ii", now_ms - 101 * DAY, now_ms - 99 * DAY),
                     ERR_OK);
    run("INSERT INTO attachment_piece (attachment, position, body) SELECT id, 0, 'JPEG' FROM attachment");
    assert_int_equal(sql_run(sql, "INSERT INTO access (at_ms, hour, who, role, source, route, customer, object) VALUES (?1, 1, 'a', 'viewer', 'l',"
                                  " 'r', 1, 'o'), (?2, 2, 'a', 'viewer', 'l', 'r', 1, 'o')",
                             "ii", now_ms - 91 * DAY, now_ms - 89 * DAY),
                     ERR_OK);
    run("INSERT INTO point (equipment, name) SELECT id, 'tank_top' FROM equipment WHERE name = 'e'");
    for (int64_t day = 500; day > 0; day -= 50) {
        assert_int_equal(sql_run(sql, "INSERT INTO chunk (point, hour, body) SELECT MAX(id), ?1, 'x' FROM point", "i",
                                 (now_ms - day * DAY) / HOUR),
                         ERR_OK);
    }
    turns = look();
    assert_in_range(turns, 3, 100); /* not all at once */
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE state <> 'waiting'"), 93);
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE state = 'waiting'"), 100);
    assert_int_equal(number_of("SELECT COUNT(*) FROM attachment_piece"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM attachment WHERE name = 'old' AND state = 'removed' AND title IS NULL AND hash = 'h'"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM attachment WHERE name = 'new' AND state = 'whole'"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM access"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM chunk"), 8); /* 400 days and younger */
    assert_int_equal(number_of("SELECT removed FROM purge WHERE class = 'notices'"), 1107);
    assert_int_equal(number_of("SELECT COUNT(*) FROM purge WHERE class = 'logs'"), 0); /* without a time: for ever */
    now_ms += 2 * DAY;
    (void)look();
    assert_int_equal(number_of("SELECT COUNT(*) FROM attachment_piece"), 0);
    assert_int_equal(number_of("SELECT COUNT(*) FROM access"), 0);
    end();
}

/* ------------------------------------------------------------------ agreements */

/* S0-73: 90, 30 and 7 days before the end, once each, also when nobody looked for weeks. */
static void test_the_end_is_told_ahead(void **state)
{
    static const struct {
        int year, month, day, told;
    } looks[] = {{2026, 10, 1, 0}, {2026, 10, 3, 1}, {2026, 11, 30, 1}, {2026, 12, 2, 2}, {2026, 12, 27, 3}, {2026, 12, 30, 3}};
    int64_t next_ms;

    (void)state;
    begin();
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        now_ms = civil_days(looks[i].year, looks[i].month, looks[i].day) * DAY + 4 * HOUR;
        for (int turn = 0; turn < 30; turn++) {
            assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
            now_ms += 200;
        }
        assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE notice = 'agreement_ends'"), looks[i].told);
    }
    end();
}

/* S2-37, S2-45: a term that was renewed begins by itself, with its plan; without one the agreement ends by itself. */
static void test_terms_begin_and_end_by_themselves(void **state)
{
    (void)state;
    begin();
    assert_int_equal(act("x", "renew", "{\"plan\":\"tiered_abc\",\"service_level\":\"A\",\"end\":\"2027-06-30\"}"), ERR_OK);
    now_ms = civil_days(2026, 12, 31) * DAY + 4 * HOUR;
    (void)look();
    assert_int_equal(number_of("SELECT COUNT(*) FROM contract WHERE name = 'x' AND plan = 'swh_standard' AND service_level = 'B'"), 1);
    now_ms += DAY;
    (void)look();
    assert_int_equal(number_of("SELECT COUNT(*) FROM contract WHERE name = 'x' AND plan = 'tiered_abc' AND service_level = 'A'"), 1);
    import(); /* the file of last year does not take the new term back */
    (void)look();
    assert_int_equal(number_of("SELECT COUNT(*) FROM contract WHERE name = 'x' AND plan = 'tiered_abc' AND ended_ms IS NULL"), 1);
    now_ms = civil_days(2027, 7, 1) * DAY + 4 * HOUR;
    (void)look();
    assert_int_equal(number_of("SELECT COUNT(*) FROM contract WHERE name = 'x' AND ended_ms IS NOT NULL"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM contract WHERE name = 'y' AND ended_ms IS NOT NULL"), 0);
    assert_int_equal(number_of("SELECT COUNT(*) FROM agreement_event WHERE action = 'end'"), 1);
    end();
}

/* ------------------------------------------------------------------ people */

static int64_t named(const char *words)
{
    static const char *const places[] = {
        "SELECT COUNT(*) FROM customer WHERE title LIKE ?1 OR doc LIKE ?1", "SELECT COUNT(*) FROM site WHERE address LIKE ?1 OR doc LIKE ?1",
        "SELECT COUNT(*) FROM operator WHERE title LIKE ?1 OR phone LIKE ?1 OR doc LIKE ?1",
        "SELECT COUNT(*) FROM complaint WHERE contact LIKE ?1 OR detail LIKE ?1", "SELECT COUNT(*) FROM complaint_event WHERE note LIKE ?1",
        "SELECT COUNT(*) FROM service_entry WHERE contact LIKE ?1 OR content LIKE ?1", "SELECT COUNT(*) FROM file_note WHERE words LIKE ?1",
        "SELECT COUNT(*) FROM trainee WHERE name LIKE ?1 OR phone LIKE ?1", "SELECT COUNT(*) FROM library_receipt WHERE holder LIKE ?1",
    };
    int64_t count = 0;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        count += sql_find_int(sql, 1000, places[i], "t", words);
    }
    return count;
}

/* S2-39, S2-41: a year after the last agreement ended the person is gone, from complaints, files and trainings too; the case stays. */
static void test_a_person_goes_when_the_time_has_come(void **state)
{
    (void)state;
    begin();
    run("INSERT INTO complaint (number, code, kind, channel, customer, contact, site, about, detail, state, registered_ms, filed_by) SELECT"
        " 'K-1', 'k', 'complaint', 'phone', id, 'Li Xiaoming', (SELECT id FROM site WHERE name = 's'), 'service', 'Li Xiaoming waited',"
        " 'received', 1, 'ann' FROM customer WHERE name = 'c'");
    run("INSERT INTO complaint_event (complaint, at_ms, stored_ms, who, action, note) SELECT id, 1, 1, 'ann', 'note', 'rang Zhao Lei' FROM"
        " complaint");
    run("INSERT INTO service_entry (at_ms, stored_ms, who, direction, channel, customer, contact, content) SELECT 1, 1, 'ann', 'out', 'phone',"
        " id, 'Zhao Lei', 'asked Zhao Lei' FROM customer WHERE name = 'c'");
    run("INSERT INTO file_note (customer, kind, words, at_ms, who) SELECT id, 'hint', 'Zhao Lei knows', 1, 'ann' FROM customer WHERE name = 'c'");
    run("INSERT INTO training (number, course, course_version, course_hash, kind, state, reason, site, asked_by, created_ms) SELECT 'L-1',"
        " 'guidance', 1, 'h', 'user', 'planned', 'request', id, 'ann', 1 FROM site WHERE name = 's'");
    run("INSERT INTO trainee (training, name, phone, code) SELECT id, 'Zhao Lei', '+86 139 7777 0000', 'z' FROM training");
    now_ms = civil_days(2027, 12, 30) * DAY + 4 * HOUR;
    (void)look();
    assert_true(named("%Li Xiaoming%") == 2 && named("%Zhao Lei%") > 4);
    assert_int_equal(number_of("SELECT COUNT(*) FROM removal"), 0);
    now_ms += 3 * DAY;
    for (int turn = 0; turn < 20; turn++) {
        (void)look();
        now_ms += 1000;
    }
    assert_int_equal(number_of("SELECT COUNT(*) FROM removal WHERE done_ms IS NOT NULL"), 1);
    assert_int_equal(named("%Li Xiaoming%"), 0);
    assert_int_equal(named("%Zhao Lei%"), 0);
    assert_int_equal(named("%7777 0000%"), 0);
    assert_int_equal(named("%Zhangyang%"), 0);
    assert_int_equal(named("%Bo%"), 1); /* who stays */
    assert_int_equal(number_of("SELECT COUNT(*) FROM complaint WHERE number = 'K-1' AND detail = 'removed waited'"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM trainee"), 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_class_has_its_time),
        cmocka_unit_test(test_the_end_is_told_ahead),
        cmocka_unit_test(test_terms_begin_and_end_by_themselves),
        cmocka_unit_test(test_a_person_goes_when_the_time_has_come),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-care-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    snprintf(folder, sizeof(folder), "/tmp/heliograph-care-%d", (int)getpid());
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules) ||
        rules_add_notices(rules, "models/notices") || rules_add_codes(rules, "models/codes.yaml")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
