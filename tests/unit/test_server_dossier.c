/* Files of customers and papers of equipment, under a clock that the test turns: drafted, told and followed by themselves. */
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
#include "server/desk/view.h"
#include "server/dossier/dossier.h"
#include "server/dossier/usage.h"
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
static struct arena *arena;
static int64_t now_ms, seq;

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static enum err import(const char *fleet)
{
    struct arena *room;
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    int64_t changed;
    enum err err;

    assert_int_equal(arena_open(8 << 20, &room), ERR_OK);
    complaints.arena = room;
    err = fleet_check(room, sql, rules, fleet, strlen(fleet), &complaints, &root);
    if (!err) {
        err = fleet_apply(sql, root, now_ms, &changed);
    }
    arena_close(room);
    return err;
}

static int64_t number_of(const char *words)
{
    return sql_find_int(sql, -1, words, "");
}

static const char fleet[] =
    "customers: [{id: c, name: Li, email: li@example.cn, language: en}, {id: d, name: Bo, email: bo@example.cn, language: en},"
    " {id: s, name: Sur, email: s@example.au, language: en}]\n"
    "sites:\n"
    "  - {id: home, customer: c, name: Home, address: Pudong, time_zone: Asia/Shanghai}\n"
    "  - {id: cold, customer: d, name: Harbin, time_zone: Asia/Shanghai, climate: severe_cold}\n"
    "  - {id: south, customer: s, name: Sydney, time_zone: Australia/Sydney, lat: -33.9, lon: 151.2}\n"
    "equipment:\n"
    "  - {id: e, site: home, title: Roof heater, profile: swh-basic, agent: g, serial: S1, acceptance_date: '2026-01-06',"
    " components: [{class: collector}, {class: tank}]}\n"
    "  - {id: f, site: cold, profile: swh-basic, agent: h, components: [{class: collector}]}\n"
    "  - {id: z, site: south, profile: swh-basic, agent: i, components: [{class: collector}]}\n";

/* 2 February 2026, 10:00 in Shanghai. */
static void begin(void)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard",
                                     .has_smtp = true, .digest_minute = 8 * 60};
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 2, 2) * DAY + 2 * HOUR;
    seq = 0;
    assert_int_equal(arena_open(16 << 20, &arena), ERR_OK);
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    assert_int_equal(import(fleet), ERR_OK);
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    arena_close(arena);
    scratch_remove(path);
}

/* The desk's turns until it has nothing more to do at that time. */
static void at(int year, int month, int day)
{
    int64_t next_ms = 0;

    now_ms = civil_days(year, month, day) * DAY + 4 * HOUR;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        now_ms += 200;
    }
}

static int64_t told(const char *customer, const char *notice)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox o JOIN customer c ON c.id = o.customer WHERE c.name = ?1 AND o.notice"
                                " = ?2",
                        "tt", customer, notice);
}

static int64_t row(const char *equipment)
{
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", equipment);
}

static struct file_asked asked(int64_t days)
{
    return (struct file_asked){.sql = sql, .rules = rules, .arena = arena, .preset_plan = "swh_standard", .zone = zone_utc(),
                               .now_ms = now_ms, .from_ms = now_ms - days * DAY, .to_ms = now_ms};
}

/* The object that a file is, parsed. */
static const struct cJSON *file_of(enum err (*file)(const struct file_asked *, int64_t, struct json_out *), int64_t id)
{
    struct json_out out = json_out(4 << 20);
    struct file_asked question = asked(365);
    const struct cJSON *object = NULL;
    char *words;

    assert_int_equal(file(&question, id, &out), ERR_OK);
    words = arena_text(arena, out.bytes, out.size);
    assert_int_equal(json_parse(arena, words, strlen(words), &object, NULL), ERR_OK);
    json_out_free(&out);
    return object;
}

static struct action act(const char *name, const char *id, const char *body)
{
    struct action action = {.action = name, .action_id = id, .who = "wang"};

    assert_int_equal(json_parse(arena, body, strlen(body), &action.body, NULL), ERR_OK);
    action.note = json_text_or(action.body, "note", NULL);
    return action;
}

/* ------------------------------------------------------------------ S3-09 */

static void test_upkeep_is_told_once_a_season(void **state)
{
    (void)state;
    begin();
    at(2026, 2, 20);
    assert_int_equal(number_of("SELECT COUNT(*) FROM knowledge"), 0);
    at(2026, 3, 10); /* scale: only where there is a tank */
    at(2026, 3, 11);
    assert_int_equal(told("c", "knowledge_scale"), 1);
    assert_int_equal(told("d", "knowledge_scale"), 0);
    at(2026, 4, 10); /* autumn in the south: half a year on */
    assert_int_equal(told("s", "knowledge_frost"), 1);
    assert_int_equal(told("c", "knowledge_frost"), 0);
    at(2026, 9, 10); /* the cold north is told early … */
    assert_int_equal(told("d", "knowledge_frost"), 1);
    assert_int_equal(told("c", "knowledge_frost"), 0);
    at(2026, 10, 20); /* … and not again with the others */
    assert_int_equal(told("d", "knowledge_frost"), 1);
    assert_int_equal(told("c", "knowledge_frost"), 1);
    at(2027, 7, 1); /* nobody looked in spring: what went by is not made up for */
    assert_int_equal(told("c", "knowledge_scale"), 1);
    assert_int_equal(told("c", "knowledge_stagnation"), 0);
    struct action out = act("opt_out", NULL, "{\"topic\":\"knowledge\",\"out\":true}");
    TEXT(why, 200);
    assert_int_equal(desk_opt_out(desk, sql, number_of("SELECT id FROM customer WHERE name = 'c'"), &out, now_ms, &why), ERR_OK);
    at(2027, 10, 20);
    assert_int_equal(told("c", "knowledge_frost"), 1);
    assert_int_equal(told("d", "knowledge_frost"), 2);
    end();
}

/* ------------------------------------------------------------------ S0-01, S1-03, S2-21, S0-97, S0-124, D-35 */

static const char *why_of(const struct cJSON *papers, const char *kind)
{
    for (const struct cJSON *item = json_first(json_field(papers, "missing")); item; item = json_next(item)) {
        if (text_same(json_text_or(item, "kind", ""), kind)) {
            return json_text_or(item, "why", "");
        }
    }
    return "";
}

static void test_papers_are_missing_handed_over_and_superseded(void **state)
{
    static const char manual[] = "documents:\n  - {id: m, kind: manual, version: '1', profile: swh-basic, title: {en: Manual, zh:"
                                 " 说明书}, link: 'https://x/1', faults: [tank_leak]}\n"
                                 "  - {id: v, kind: video, version: '1', equipment: f, link: 'https://x/v'}\n"
                                 "  - {id: t, kind: drawing, version: '1', audience: technician, link: 'https://x/t'}\n";
    TEXT(why, 300);
    struct json_out out = json_out(1 << 20);
    (void)state;
    begin();
    assert_string_equal(why_of(file_of(file_papers, row("e")), "manual"), "none");
    assert_int_equal(import(manual), ERR_OK);
    assert_string_equal(why_of(file_of(file_papers, row("e")), "manual"), "not_handed_over");
    assert_string_equal(why_of(file_of(file_papers, row("e")), "video"), "none"); /* it is another's */
    struct action wrong = act(NULL, "r", "{\"document\":\"v\",\"holder\":\"Li\",\"way\":\"paper\"}");
    assert_int_equal(library_receipt(sql, row("e"), &wrong, now_ms, &why), ERR_FORMAT);
    assert_non_null(strstr(why.at, "does not belong"));
    wrong = act(NULL, "r", "{\"document\":\"m\",\"holder\":\"Li\",\"way\":\"dove\"}");
    assert_int_equal(library_receipt(sql, row("e"), &wrong, now_ms, &why), ERR_FORMAT);
    struct action receipt = act(NULL, "r-1", "{\"document\":\"m\",\"holder\":\"Li\",\"way\":\"paper\"}");
    assert_int_equal(library_receipt(sql, row("e"), &receipt, now_ms, &why), ERR_OK);
    assert_int_equal(library_receipt(sql, row("e"), &receipt, now_ms, &why), ERR_OK);
    assert_int_equal(number_of("SELECT COUNT(*) FROM library_receipt"), 1);
    assert_string_equal(why_of(file_of(file_papers, row("e")), "manual"), "");
    at(2026, 2, 3);
    assert_int_equal(told("c", "document_renewed"), 0);
    /* a new version replaces it, and whoever has the old one hears of it once */
    assert_int_equal(import("documents: [{id: m, kind: manual, version: '2', profile: swh-basic, title: {en: Manual, zh: 说明书},"
                            " link: 'https://x/2', faults: [tank_leak]}]\n"), ERR_OK);
    assert_int_equal(number_of("SELECT COUNT(*) FROM library_edition e JOIN library b ON b.id = e.library WHERE b.name = 'm'"), 2);
    assert_string_equal(why_of(file_of(file_papers, row("e")), "manual"), "superseded");
    at(2026, 2, 3);
    at(2026, 2, 5);
    assert_int_equal(told("c", "document_renewed"), 1);
    assert_int_equal(told("d", "document_renewed"), 0); /* he never had it */
    /* another audience is another edition of nothing; what customers see has none of the technicians' */
    assert_int_equal(import("documents: [{id: m, kind: manual, version: '2', profile: swh-basic, title: {en: The manual, zh: 说明书},"
                            " link: 'https://x/2', faults: [tank_leak]}]\n"), ERR_OK);
    assert_int_equal(number_of("SELECT COUNT(*) FROM library_edition e JOIN library b ON b.id = e.library WHERE b.name = 'm'"), 2);
    assert_int_equal(library_list(arena, sql, zone_utc(), row("f"), civil_days(2026, 2, 5), true, "tank_leak", &out), ERR_OK);
    assert_null(strstr(out.bytes, "\"t\""));
    assert_true(strstr(out.bytes, "\"m\"") < strstr(out.bytes, "\"v\"")); /* it tells of this fault */
    assert_null(strstr(out.bytes, "holder"));
    json_out_free(&out);
    assert_int_not_equal(sql_run(sql, "UPDATE library_edition SET version = 'x'", ""), ERR_OK); /* what was is kept */
    end();
}

/* ------------------------------------------------------------------ S2-23 */

static const char *unit_state(const char *equipment)
{
    static char state[20];
    struct sql_rows rows;

    state[0] = '\0';
    sql_find(sql, &rows, "SELECT u.state FROM bulletin_unit u JOIN equipment e ON e.id = u.equipment WHERE e.name = ?1", "t", equipment);
    if (sql_next(&rows)) {
        (void)!text_copy(state, sizeof(state), sql_text(&rows, 0));
    }
    (void)!sql_end(&rows);
    return state;
}

static void test_a_bulletin_is_followed_to_its_end(void **state)
{
    TEXT(why, 300);
    struct json_out out = json_out(1 << 20);
    (void)state;
    begin();
    assert_int_equal(sql_run(sql, "UPDATE agent SET version = '0.3.9' WHERE name = 'g'", ""), ERR_OK);
    assert_int_equal(sql_run(sql, "UPDATE agent SET version = '0.10.0' WHERE name = 'h'", ""), ERR_OK);
    assert_int_equal(import("bulletins: [{id: b, kind: update, title: {en: New agent, zh: 升级}, words: {en: It keeps more, zh: 更久},"
                            " profile: swh-basic, agent_version: 0.4.0, due: '2026-03-01'}]\n"), ERR_OK);
    at(2026, 2, 3);
    int64_t bulletin = number_of("SELECT id FROM bulletin");
    assert_string_equal(unit_state("e"), "open");
    assert_string_equal(unit_state("f"), "done"); /* 0.10 is later than 0.4: it needs nobody */
    assert_int_equal(told("c", "bulletin"), 1);
    assert_int_equal(told("d", "bulletin"), 0);
    at(2026, 2, 6);
    assert_int_equal(told("c", "bulletin"), 1);
    struct action order = act("order", "o-1", "{\"equipment\":\"e\"}");
    assert_int_equal(desk_bulletin_action(desk, sql, bulletin, &order, now_ms, &why), ERR_OK);
    assert_int_equal(desk_bulletin_action(desk, sql, bulletin, &order, now_ms, &why), ERR_OK); /* the same once */
    assert_int_equal(number_of("SELECT COUNT(*) FROM work_order WHERE kind = 'planned_change'"), 1);
    assert_string_equal(unit_state("e"), "ordered");
    struct action again = act("order", "o-2", "{\"equipment\":\"e\"}");
    assert_int_equal(desk_bulletin_action(desk, sql, bulletin, &again, now_ms, &why), ERR_STATE);
    assert_non_null(strstr(why.at, "Legal: done, refuse"));
    assert_int_equal(sql_run(sql, "UPDATE work_order SET state = 'cancelled'", ""), ERR_OK);
    at(2026, 2, 8);
    assert_string_equal(unit_state("e"), "open"); /* it is still owed */
    assert_int_equal(desk_bulletin_action(desk, sql, bulletin, &again, now_ms, &why), ERR_OK);
    assert_int_equal(sql_run(sql, "UPDATE work_order SET state = 'done' WHERE state <> 'cancelled'", ""), ERR_OK);
    at(2026, 2, 10);
    assert_string_equal(unit_state("e"), "done");
    struct action refuse = act("refuse", NULL, "{\"equipment\":\"z\"}");
    assert_int_equal(desk_bulletin_action(desk, sql, bulletin, &refuse, now_ms, &why), ERR_FORMAT); /* S0-92: why */
    at(2026, 3, 2);
    assert_int_equal(bulletin_view(sql, zone_utc(), bulletin, now_ms, &out), ERR_OK);
    assert_non_null(strstr(out.bytes, "\"open\":1,\"ordered\":0,\"done\":2,\"refused\":0,\"all\":3"));
    assert_non_null(strstr(out.bytes, "\"overdue\":true"));
    refuse = act("refuse", NULL, "{\"equipment\":\"z\",\"note\":\"the owner wants none\"}");
    assert_int_equal(desk_bulletin_action(desk, sql, bulletin, &refuse, now_ms, &why), ERR_OK);
    json_out_reset(&out);
    assert_int_equal(bulletin_view(sql, zone_utc(), bulletin, now_ms, &out), ERR_OK);
    assert_non_null(strstr(out.bytes, "\"overdue\":false"));
    json_out_free(&out);
    end();
}

/* ------------------------------------------------------------------ usage, analyses: S0-80, S0-81, S3-07, D-31, D-32 */

static void read_point(const char *equipment, const char *agent, const char *point, int64_t t_ms, double value)
{
    TEXT(body, 300);
    int64_t stream = sql_find_int(sql, 0, "SELECT id FROM stream WHERE agent = (SELECT id FROM agent WHERE name = ?1)", "t", agent);

    if (!stream) {
        assert_int_equal(sql_run(sql, "INSERT INTO stream (agent, epoch, created_ms) SELECT id, '00000000000000a1', 0 FROM agent WHERE"
                                      " name = ?1", "t", agent), ERR_OK);
        stream = sql_last_id(sql);
        assert_int_equal(sql_run(sql, "INSERT INTO speaker (equipment, agent) SELECT e.id, e.agent FROM equipment e WHERE e.name = ?1"
                                      " ON CONFLICT DO NOTHING", "t", equipment), ERR_OK);
    }
    assert_int_equal(sql_run(sql, "INSERT INTO point (equipment, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING", "it", row(equipment),
                             point), ERR_OK);
    text_addf(&body, "{\"v\":1,\"epoch\":\"00000000000000a1\",\"seq\":%lld,\"t0\":%lld,\"equipment\":{\"%s\":{\"%s\":[[0,%g]]}}}",
              (long long)++seq, (long long)t_ms, equipment, point, value);
    assert_int_equal(sql_run(sql, "INSERT INTO journal (stream, seq, received_ms, hash, least_ms, most_ms, readings, body) VALUES (?1,"
                                  " ?2, ?3, 1, ?3, ?3, 1, ?4)", "iiib", stream, seq, t_ms, body.at, body.length), ERR_OK);
}

static void test_a_service_file_is_looked_through(void **state)
{
    (void)state;
    begin();
    int64_t start_ms = civil_days(2026, 5, 1) * DAY;
    for (int i = 0; i < 4; i++) { /* the pump runs 10 minutes, four times, in the second quarter; once in the first */
        read_point("e", "g", "pump_on", start_ms + i * HOUR, 1);
        read_point("e", "g", "pump_on", start_ms + i * HOUR + 10 * MINUTE, 0);
    }
    read_point("e", "g", "pump_on", start_ms + 5 * HOUR, 1); /* then it falls silent: nobody knows how long it ran */
    read_point("e", "g", "pump_on", start_ms + 5 * DAY, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sql_run(sql, "INSERT INTO alarm (equipment, fault, grade, onset_ms, detected_ms, registered_ms, cleared_ms)"
                                      " VALUES (?1, 'pump_no_flow', 1, ?2, ?2, ?2, ?3)", "iii", row("e"), start_ms + i * DAY,
                                 start_ms + i * DAY + HOUR), ERR_OK);
    }
    struct usage usage;
    assert_int_equal(usage_find(sql, rules_profile(rules, "swh-basic"), row("e"), start_ms, start_ms + 30 * DAY, &usage, NULL), ERR_OK);
    assert_true(usage.has_pump && usage.pump_hours > 0.66 && usage.pump_hours < 0.68);
    assert_int_equal((int64_t)usage.pump_starts, 4); /* what it was before the first reading is not known */
    assert_int_equal(usage.down_ms, 3 * HOUR);
    at(2026, 6, 30); /* the first quarter: some of it */
    assert_int_equal(number_of("SELECT COUNT(*) FROM file_analysis a JOIN customer c ON c.id = a.customer WHERE c.name = 'c'"), 1);
    at(2026, 7, 1);
    at(2026, 7, 9);
    assert_int_equal(number_of("SELECT COUNT(*) FROM file_analysis a JOIN customer c ON c.id = a.customer WHERE c.name = 'c'"), 2);
    const struct cJSON *file = file_of(file_service, number_of("SELECT id FROM customer WHERE name = 'c'"));
    const struct cJSON *last = json_first(json_field(file, "analyses"));
    assert_string_equal(json_text_or(last, "from", ""), "2026-04-01");
    assert_string_equal(json_text_or(last, "to", ""), "2026-06-30");
    const struct cJSON *figures = json_field(last, "figures");
    assert_int_equal(json_int_or(json_field(figures, "period"), "alarms", -1), 3);
    assert_int_equal(json_int_or(json_field(figures, "before"), "alarms", -1), 0);
    const struct cJSON *hint = json_first(json_field(figures, "hints"));
    assert_string_equal(json_text_or(hint, "kind", ""), "repeat");
    assert_string_equal(json_text_or(hint, "what", ""), "e pump_no_flow");
    /* read once, by whom; a note of what one has to know */
    TEXT(why, 200);
    struct action seen = act(NULL, NULL, "{\"note\":\"look at the pump\"}");
    int64_t id = json_int_or(last, "id", 0);
    assert_int_equal(dossier_seen(sql, id, &seen, now_ms, &why), ERR_OK);
    seen.who = "li";
    assert_int_equal(dossier_seen(sql, id, &seen, now_ms, &why), ERR_OK);
    assert_int_equal(number_of("SELECT COUNT(*) FROM file_analysis WHERE seen_by = 'wang' AND note = 'look at the pump'"), 1);
    assert_int_equal(dossier_seen(sql, 999, &seen, now_ms, &why), ERR_NOT_FOUND);
    struct action note = act(NULL, "n-1", "{\"kind\":\"preference\",\"words\":\"Before noon\",\"equipment\":\"f\"}");
    int64_t customer = number_of("SELECT id FROM customer WHERE name = 'c'");
    assert_int_equal(dossier_note(sql, customer, &note, now_ms, &why), ERR_FORMAT); /* another's equipment */
    note = act(NULL, "n-1", "{\"kind\":\"preference\",\"words\":\"Before noon\",\"equipment\":\"e\"}");
    assert_int_equal(dossier_note(sql, customer, &note, now_ms, &why), ERR_OK);
    assert_int_equal(dossier_note(sql, customer, &note, now_ms, &why), ERR_OK);
    file = file_of(file_customer, customer); /* D-30, S0-52 */
    assert_int_equal(json_size(json_field(file, "notes")), 1);
    assert_string_equal(json_as_text(json_first(json_field(file, "missing"))), "phone");
    end();
}

static void test_operators_come_and_go(void **state)
{
    (void)state;
    begin();
    assert_int_equal(import("operators:\n  - {id: a, site: home, name: Zhao, level: 2, shift: '22:00-06:00', from: '2025-12-01'}\n"
                            "  - {id: b, site: home, name: Qian, level: 1, shift: '09:00-17:00', from: '2024-01-01', to: '2026-01-31'}\n"
                            "  - {id: c, site: home, name: Sun, level: 3, shift: '00:00-12:00', from: '2024-01-01'}\n"), ERR_OK);
    assert_int_equal(import("operators: [{id: x, site: nowhere}]\n"), ERR_FORMAT);
    assert_int_equal(import("operators: [{id: x, site: home, level: 9}]\n"), ERR_FORMAT);
    int64_t home = number_of("SELECT id FROM site WHERE name = 'home'");
    /* a ticket that came of the operation */
    assert_int_equal(sql_run(sql, "INSERT INTO ticket (number, cause_key, kind, equipment, site, fault, grade, state, registered_ms,"
                                  " track_code, title_en, title_zh) VALUES ('T-1', 'x', 'fault', ?1, ?2, 'cabinet_open', 3, 'closed',"
                                  " ?3, 'c', 'Cabinet opened', 'x')", "iii", row("e"), home, now_ms), ERR_OK);
    assert_int_equal(sql_run(sql, "INSERT INTO ticket_class (ticket, field, value, person, who, reason, at_ms) SELECT id,"
                                  " 'responsible_party', 'customer', 1, 'wang', '', ?1 FROM ticket", "i", now_ms), ERR_OK);
    const struct cJSON *file = file_of(file_operating, home);
    const struct cJSON *turnover = json_field(file, "turnover");
    assert_int_equal(json_int_or(turnover, "operators", -1), 2);
    assert_int_equal(json_int_or(turnover, "joined", -1), 1);
    assert_int_equal(json_int_or(turnover, "left", -1), 1);
    assert_int_equal(json_size(json_field(file, "operators")), 3);
    const struct cJSON *problem = json_first(json_field(file, "problems"));
    assert_string_equal(json_text_or(problem, "fault", ""), "cabinet_open");
    assert_int_equal(json_int_or(problem, "times", 0), 1);
    /* who is on shift (02:00 UTC here): the nights' and the morning's, not who left */
    assert_int_equal(json_size(json_field(file_of(file_handover, home), "on_shift")), 2);
    const struct cJSON *rules_of = file_of(file_rules, home); /* S0-97, D-36 */
    assert_true(json_size(json_field(rules_of, "faults")) > 5 && json_size(json_field(rules_of, "limits")) > 5);
    assert_int_equal(json_size(json_field(rules_of, "operators")), 2);
    end();
}

/* S0-122, D-33: cause, parts with serials, proof and cost of every repair. */
static void test_a_repair_file(void **state)
{
    (void)state;
    begin();
    int64_t home = number_of("SELECT id FROM site WHERE name = 'home'");
    assert_int_equal(sql_run(sql, "INSERT INTO ticket (number, cause_key, kind, equipment, site, fault, grade, state, registered_ms,"
                                  " track_code, diagnosis, resolution) VALUES ('T-1', 'x', 'fault', ?1, ?2, 'pump_no_flow', 2,"
                                  " 'closed', ?3, 'c', '{\"cause\":\"worn bearing\"}', 'pump changed')", "iii", row("e"), home,
                             now_ms), ERR_OK);
    int64_t ticket = sql_last_id(sql);
    assert_int_equal(sql_run(sql, "INSERT INTO work_order (number, kind, ticket, equipment, site, state, created_ms) VALUES ('W-1',"
                                  " 'corrective', ?1, ?2, ?3, 'closed', ?4)", "iiii", ticket, row("e"), home, now_ms), ERR_OK);
    int64_t order = sql_last_id(sql);
    assert_int_equal(sql_run(sql, "INSERT INTO work_part (work_order, part, state, count, serial_old, serial_new, at_ms) VALUES (?1,"
                                  " 'pump', 'used', 1, 'OLD', 'NEW', ?2)", "ii", order, now_ms), ERR_OK);
    assert_int_equal(sql_run(sql, "INSERT INTO work_test (work_order, moment, at_ms, points, checks, verdict) VALUES (?1, 'after', ?2,"
                                  " '[]', '[]', 'green')", "ii", order, now_ms), ERR_OK);
    assert_int_equal(sql_run(sql, "INSERT INTO money_line (ticket, work_order, kind, payer, words, quantity, unit, amount, tax, total,"
                                  " currency, source, who, at_ms) VALUES (?1, ?2, 'cost', 'company', 'part', 1, 26050, 26050, 0,"
                                  " 26050, 'CNY', 's', 'wang', ?3)", "iii", ticket, order, now_ms), ERR_OK);
    const struct cJSON *repair = json_first(json_field(file_of(file_repair, row("e")), "repairs"));
    assert_string_equal(json_text_or(json_field(repair, "diagnosis"), "cause", ""), "worn bearing");
    assert_string_equal(json_text_or(repair, "proof", ""), "green");
    assert_int_equal(json_int_or(repair, "cost", 0), 26050);
    assert_string_equal(json_text_or(json_first(json_field(repair, "parts")), "serial_new", ""), "NEW");
    end();
}

/* S0-01: where the plan says so an installation is not closed before its papers are handed over; told, or let go by a person. */
static void test_an_installation_waits_for_its_papers(void **state)
{
    static const char *const kinds[] = {"manual", "video", "basic_use", "operating_rules"};
    struct json_out out = json_out(1 << 20);
    int64_t order = 0;
    TEXT(why, 300);
    (void)state;
    begin();
    assert_int_equal(import("contracts: [{id: n, customer: c, sites: [home], plan: tiered_abc, start: '2026-01-01', end: '2029-01-01'}]\n"),
                     ERR_OK);
    struct action ask = act(NULL, "w-1", "{\"kind\":\"installation\",\"equipment\":\"e\",\"site\":\"home\"}");
    assert_int_equal(desk_work_ask(desk, sql, &ask, now_ms, &order, &why), ERR_OK);
    assert_int_equal(view_work_order(sql, rules, order, &out), ERR_OK);
    assert_non_null(strstr(out.bytes, "documents (manual (none), video (none), basic_use (none), operating_rules (none))"));
    assert_non_null(strstr(out.bytes, "\"missing\":[{\"kind\":\"manual\",\"why\":\"none\"}"));
    for (int i = 0; i < 4; i++) {
        TEXT(words, 300);

        text_addf(&words, "documents: [{id: p%d, kind: %s, version: '1'}]\n", i, kinds[i]);
        assert_int_equal(import(words.at), ERR_OK);
        text_clear(&words);
        text_addf(&words, "{\"document\":\"p%d\",\"holder\":\"Li\",\"way\":\"paper\"}", i);
        struct action receipt = act(NULL, NULL, words.at);
        assert_int_equal(library_receipt(sql, row("e"), &receipt, now_ms, &why), ERR_OK);
        json_out_reset(&out);
        assert_int_equal(view_work_order(sql, rules, order, &out), ERR_OK);
        assert_int_equal(strstr(out.bytes, "documents (") != NULL, i < 3);
    }
    assert_int_equal(import("contracts: [{id: n, customer: c, sites: [home], plan: swh_standard, start: '2026-01-01', end: '2029-01-01'}]\n"
                            "documents: [{id: p0, kind: manual, version: '2'}]\n"), ERR_OK);
    json_out_reset(&out);
    assert_int_equal(view_work_order(sql, rules, order, &out), ERR_OK);
    assert_null(strstr(out.bytes, "documents (")); /* this plan only tells it */
    assert_non_null(strstr(out.bytes, "\"why\":\"superseded\""));
    json_out_free(&out);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upkeep_is_told_once_a_season),
        cmocka_unit_test(test_papers_are_missing_handed_over_and_superseded),
        cmocka_unit_test(test_a_bulletin_is_followed_to_its_end),
        cmocka_unit_test(test_a_service_file_is_looked_through),
        cmocka_unit_test(test_operators_come_and_go),
        cmocka_unit_test(test_a_repair_file),
        cmocka_unit_test(test_an_installation_waits_for_its_papers),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-dossier-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules) ||
        rules_add_notices(rules, "models/notices") || rules_add_jobs(rules, "models/jobs")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
