/* Warranty decisions and money on the desk, under a clock that the test turns: evidence, two people, quotations, books that
 * balance, claims, settlements. */
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
#include "server/fleet/fleet_file.h"
#include "server/money/money.h"
#include "server/store/journal.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static char path[64], url[80];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static struct arena *room;
static int64_t now_ms;
static int ids, seqs;
static char said_why[1100]; /* of the last refusal */

/* new-1 is covered by everything, old-1 by nothing; the tank is bought in, the pump has a price and a contract's one. */
static const char fleet[] =
    "customers: [{id: c, name: Li, email: li@example.cn}]\n"
    "sites: [{id: s, customer: c, name: Home, time_zone: Asia/Shanghai}]\n"
    "teams: [{id: t, name: Crew, sites: [s], skills: [electrician, plumber, controller]}]\n"
    "technicians: [{id: h, name: Wang, team: t}]\n"
    "depots: [{id: d, name: Depot}]\n"
    "parts:\n"
    "  - {id: pump-15-60, class: electrical, stock: [{depot: d, count: 100000}]}\n"
    "  - {id: swh-basic, title: {en: A new heater}}\n"
    "  - {id: seal, class: pipe_fittings, stock: [{depot: d, count: 100000}]}\n"
    "suppliers: [{id: maker, name: Tank maker, email: claims@example.cn, classes: [electrical]}, {id: other, name: Other}]\n"
    "equipment:\n"
    "  - {id: new-1, site: s, profile: swh-basic, agent: a, sale_date: '2026-05-01', invoice_date: '2026-05-01', acceptance_date: '2026-05-06',"
    " components: [{class: tank, serial: T-1, supplier: other}, {class: electrical, serial: E-1}, {class: bracket, serial: B-1, approved: false}]}\n"
    "  - {id: carded, site: s, profile: swh-basic, agent: a, sale_date: '2026-05-01', acceptance_date: '2026-05-06', registration_date: '2026-05-21'}\n"
    "  - {id: late, site: s, profile: swh-basic, agent: a, sale_date: '2026-05-01', acceptance_date: '2026-05-06', registration_date: '2026-05-22'}\n"
    "  - {id: signed, site: s, profile: swh-basic, agent: a, completion_date: '2023-01-01', completion_signed_date: '2025-12-01'}\n"
    "  - {id: old-1, site: s, profile: swh-basic, agent: a, sale_date: '2009-05-01', invoice_date: '2009-05-01', acceptance_date: '2009-05-06'}\n"
    "contracts: [{id: con, customer: c, sites: [s], plan: PLAN, start: '2009-01-01'}]\n"
    "price_lists:\n"
    "  - {id: l25, currency: CNY, from: '2025-01-01', to: '2025-12-31', prices: [{part: pump-15-60, price: '400'}]}\n"
    "  - {id: l26, currency: CNY, from: '2026-01-01', prices: [{part: pump-15-60, price: '480.50', cost: '300', rule: market}, {part: seal, cost: '10.01'}, {part: swh-basic, price: '2000'}]}\n"
    "  - {id: agreed, currency: CNY, contract: con, from: '2009-01-01', prices: [{part: pump-15-60, price: '450'}]}\n";

static void say(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void begin(const char *plan)
{
    static const char *const hooks[] = {NULL};
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard",
                                     .has_smtp = true, .mail_to = "desk@example.cn", .webhooks = hooks};
    struct complaints complaints = {.path = "fleet"};
    const char *at = strstr(fleet, "PLAN");
    struct yaml_node *root;
    struct arena *arena;
    int64_t changed;
    char text[4096];
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 11, 24) * DAY + 2 * HOUR; /* a Tuesday, 10:00 in Shanghai */
    ids = seqs = 0;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - fleet), fleet, plan, at + strlen("PLAN"));
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    if (fleet_check(arena, sql, rules, text, strlen(text), &complaints, &root)) {
        fail_msg("%s", complaints.lines[0]);
    }
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    assert_int_equal(changed, 0); /* the same file again changes nothing */
    arena_close(arena);
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

static int64_t equipment(const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name);
}

static int64_t fault(const char *name, const char *what)
{
    struct desk_fault said = {.equipment = equipment(name), .fault = what, .state = FAULT_RAISED, .grade = 2,
                              .onset_ms = now_ms, .detected_ms = now_ms, .cleared_ms = now_ms, .t_ms = now_ms};

    assert_int_equal(desk_fault(desk, sql, &said, now_ms), ERR_OK);
    return sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket", "");
}

static void pass(int64_t ms)
{
    int64_t until = now_ms + ms, next_ms = now_ms;

    while (now_ms < until) {
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        now_ms = next_ms > until ? until : next_ms > now_ms ? next_ms : now_ms + 1;
        assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1", "i", now_ms), ERR_OK);
    }
    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
}

enum what { TICKET, ORDER, CLAIM };

/* What somebody does. format makes JSON. */
static enum err by(const char *who, enum role role, enum what what, int64_t id, const char *name, const char *format, ...)
    PRINTF_LIKE(6, 7);
static enum err by(const char *who, enum role role, enum what what, int64_t id, const char *name, const char *format, ...)
{
    char key[16], said[4096];
    struct action action = {.action = name, .action_id = key, .who = who, .role = role};
    struct text why = text_on(said_why, sizeof(said_why));
    struct arena *arena;
    va_list list;
    enum err err;

    va_start(list, format);
    vsnprintf(said, sizeof(said), format, list);
    va_end(list);
    text_clear(&why);
    snprintf(key, sizeof(key), "i%d", ++ids);
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    action.note = json_text_or(action.body, "note", NULL);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = what == ORDER    ? desk_work_action(desk, sql, id, &action, now_ms, &why)
          : what == TICKET ? desk_ticket_action(desk, sql, id, &action, now_ms, &why)
                           : desk_claim_action(desk, sql, id, &action, now_ms, &why);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    arena_close(arena);
    return err;
}

#define act(ticket, name, ...)   by("ann", ROLE_DISPATCHER, TICKET, ticket, name, __VA_ARGS__)
#define work(order, name, ...)   by("h", ROLE_TECHNICIAN, ORDER, order, name, __VA_ARGS__)
#define right(call)                                                                                \
    do {                                                                                           \
        if (call) {                                                                                \
            fail_msg("%s", said_why);                                                              \
        }                                                                                          \
    } while (0)

static int64_t order_of(int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order WHERE ticket = ?1", "i", ticket);
}

/* Somebody is on site. */
static int64_t go(int64_t ticket)
{
    int64_t order;

    right(act(ticket, "assign", "{\"technician\":\"h\",\"override\":{\"reason\":\"test\"}}"));
    order = order_of(ticket);
    right(work(order, "depart", "{}"));
    right(work(order, "arrive", "{}"));
    return order;
}

static const struct cJSON *shown(int64_t ticket)
{
    struct json_out out = json_out(1 << 20);
    const struct cJSON *root;

    assert_int_equal(view_ticket(sql, rules, ticket, ROLE_DISPATCHER, now_ms, &out), ERR_OK);
    arena_reset(room);
    assert_int_equal(json_parse(room, out.bytes, out.size, &root, NULL), ERR_OK);
    json_out_free(&out);
    return root;
}

static const char *warranty(int64_t ticket, const char *field)
{
    return json_text_or(json_field(shown(ticket), "warranty"), field, "");
}

static const char *proposal(int64_t ticket, const char *field)
{
    return json_text_or(json_field(json_field(shown(ticket), "warranty"), "proposal"), field, "");
}

static const struct cJSON *exclusion(int64_t ticket, const char *code)
{
    const struct cJSON *item = json_first(json_field(json_field(shown(ticket), "warranty"), "exclusions"));

    while (item && strcmp(json_text_or(item, "code", ""), code) != 0) {
        item = json_next(item);
    }
    return item;
}

static int64_t total(int64_t ticket, const char *kind)
{
    return sql_find_int(sql, 0, "SELECT SUM(total) FROM money_line WHERE ticket = ?1 AND kind = ?2", "it", ticket, kind);
}

static int64_t lines(int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM money_line WHERE ticket = ?1", "i", ticket);
}

static int64_t quoted(int64_t ticket)
{
    return sql_find_int(sql, -1, "SELECT total FROM quotation WHERE ticket = ?1 AND state IN ('open', 'accepted')", "i", ticket);
}

/* ------------------------------------------------------------------ readings */

static void reading(const char *name, const char *point, double value, int64_t t_ms)
{
    char body[200];
    int size = snprintf(body, sizeof(body), "{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c44\",\"seq\":%d,\"t0\":%lld,\"equipment\":{\"%s\":{\"%s\":[[0,%g]]}}}",
                        seqs + 1, (long long)t_ms, name, point, value);
    struct journal_row row = {.stream = 1, .seq = (uint64_t)++seqs, .received_ms = t_ms, .least_ms = t_ms, .most_ms = t_ms,
                              .readings = 1, .body = body, .size = (size_t)size};

    if (seqs == 1) {
        assert_int_equal(sql_run(sql, "INSERT INTO stream (id, agent, epoch, created_ms) SELECT 1, id, '6f1c0a9e5b7d2c44', 1 FROM agent", ""), ERR_OK);
        assert_int_equal(sql_run(sql, "INSERT INTO speaker (equipment, agent) SELECT e.id, a.id FROM equipment e, agent a", ""), ERR_OK);
    }
    assert_int_equal(sql_run(sql, "INSERT INTO point (equipment, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING", "it", equipment(name), point), ERR_OK);
    assert_int_equal(journal_put(sql, &row), ERR_OK);
}

/* S0-64 S0-65 S0-67 S0-31: opened cabinet, heater without water, no supply, frost; kept with the readings; proposed only. */
static void telemetry_is_the_evidence(void **state)
{
    static const struct {
        const char *code, *party;
        struct {
            const char *point;
            double value;
            int64_t before;
        } readings[4];
    } rows[] = {
        {"opened_cabinet", "customer", {{"cabinet_open", 1, 20 * HOUR}, {"cabinet_open", 0, 19 * HOUR}}},
        {"dry_run", "customer", {{"heater_on", 1, 5 * MINUTE}, {"level", 2, 6 * MINUTE}}},
        {"set_point", "customer", {{"setpoint", 70, 2 * HOUR}}},
        {"supply_failure", "external", {{"refill_valve", 1, 40 * MINUTE}, {"level", 30, 50 * MINUTE}, {"level", 30, 10 * MINUTE}}},
        {"freeze", "external", {{"ambient_temp", -21, 5 * HOUR}, {"collector_temp", -3, 4 * HOUR}}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ticket;
        const struct cJSON *found;

        begin("swh_standard");
        for (size_t k = 0; k < 4 && rows[i].readings[k].point; k++) {
            reading("new-1", rows[i].readings[k].point, rows[i].readings[k].value, now_ms - rows[i].readings[k].before);
        }
        ticket = fault("new-1", "pump_no_flow");
        assert_null(json_first(json_field(json_field(shown(ticket), "warranty"), "exclusions"))); /* not looked at yet */
        pass(2 * MINUTE);
        found = exclusion(ticket, rows[i].code);
        assert_non_null(found);
        assert_true(json_bool_or(found, "holds", false));
        assert_string_equal(json_text_or(json_first(json_field(found, "readings")), "point", ""), rows[i].readings[0].point);
        assert_string_equal(warranty(ticket, "verdict"), "covered"); /* the software only proposes */
        assert_string_equal(proposal(ticket, "verdict"), "excluded");
        assert_string_equal(proposal(ticket, "exclusion"), rows[i].code);
        assert_string_equal(proposal(ticket, "responsible_party"), rows[i].party);
        right(act(ticket, "confirm_warranty", "{\"verdict\":\"excluded\",\"exclusion\":\"%s\",\"reason\":\"as telemetry shows\"}", rows[i].code));
        assert_string_equal(warranty(ticket, "verdict"), "excluded");
        assert_string_equal(warranty(ticket, "judged"), "covered");
        assert_string_equal(json_text_or(json_field(shown(ticket), "classification"), "responsible_party", ""), rows[i].party);
        assert_int_equal(work(go(ticket), "start", "{\"override\":{\"code\":\"emergency\"}}"), ERR_STATE); /* S0-59: it is charged now */
        end();
    }
}

/* What telemetry cannot say is null, with the reason; what it denies is false; what the fleet says counts too (S0-92). */
static void what_telemetry_cannot_say(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    reading("new-1", "cabinet_open", 0, now_ms - 30 * HOUR); /* longer ago than a value holds */
    reading("new-1", "level", 80, now_ms - 5 * MINUTE);
    reading("new-1", "heater_on", 1, now_ms - 5 * MINUTE);
    ticket = fault("new-1", "pump_no_flow");
    pass(2 * MINUTE);
    assert_true(json_is_null(json_field(exclusion(ticket, "opened_cabinet"), "holds")));
    assert_string_equal(json_text_or(exclusion(ticket, "opened_cabinet"), "why", ""), "there are no readings around the fault");
    assert_false(json_bool_or(exclusion(ticket, "dry_run"), "holds", true));
    assert_true(json_is_null(json_field(exclusion(ticket, "own_repair"), "holds"))); /* only people see it */
    assert_string_equal(proposal(ticket, "verdict"), "covered");
    assert_string_equal(proposal(ticket, "responsible_party"), "supplier"); /* the class is bought in (S0-131) */
    assert_string_equal(proposal(ticket, "supplier"), "maker");
    right(act(ticket, "diagnose", "{\"cause\":\"bent\",\"component\":\"bracket\"}"));
    assert_string_equal(warranty(ticket, "component"), "bracket");
    end();
    begin("swh_standard");
    ticket = fault("new-1", "pump_no_flow");
    right(act(ticket, "diagnose", "{\"cause\":\"bent\",\"component\":\"bracket\"}"));
    pass(2 * MINUTE);
    assert_string_equal(proposal(ticket, "exclusion"), "not_approved");
    assert_int_equal(act(ticket, "confirm_warranty", "{\"verdict\":\"excluded\",\"exclusion\":\"sunspots\",\"reason\":\"x\"}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "confirm_warranty", "{\"verdict\":\"excluded\",\"reason\":\"x\"}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "confirm_warranty", "{\"verdict\":\"excluded\",\"exclusion\":\"wear\"}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "confirm_warranty", "{\"verdict\":\"perhaps\",\"reason\":\"x\"}"), ERR_FORMAT);
    end();
}

/* C-08: what each document leaves out is in its plan, with the row that says so. */
static void every_documented_exclusion_is_there(void **state)
{
    static const struct {
        const char *plan, *code, *id;
    } rows[] = {
        {"swh_standard", "own_repair", "S0-64"},
        {"swh_standard", "transport", "S0-65"},
        {"swh_standard", "disaster", "S0-67"},
        {"swh_standard", "supply_failure", "S0-67"},
        {"generic_24_48", "own_repair", "S1-19"},
        {"generic_24_48", "disaster", "S1-18"},
        {"generic_24_48", "wear", "S1-20"},
        {"tiered_abc+guarantee_maintenance", "no_current_fault", "S0-91"},
        {"tiered_abc+guarantee_maintenance", "not_approved", "S0-92"},
        {"tiered_abc+guarantee_maintenance", "unsuitable_tools", "S0-93"},
        {"tiered_abc+guarantee_maintenance", "site_environment", "S0-94"},
        {"tiered_abc+guarantee_maintenance", "accident", "S0-95"},
        {"tiered_abc+guarantee_maintenance", "other_contract_exclusion", "S0-96"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct plan *plan = rules_plan(rules, rows[i].plan);
        const struct plan_exclusion *found = NULL;

        assert_non_null(plan);
        for (size_t k = 0; k < plan->exclusion_count; k++) {
            found = strcmp(plan->exclusions[k].code, rows[i].code) == 0 ? &plan->exclusions[k] : found;
        }
        assert_non_null(found);
        assert_int_equal(found->origin.flag, 'S');
        assert_string_equal(found->origin.ids[0], rows[i].id);
        assert_true(found->title.en && found->title.zh);
        for (const char *const *word = plan->excluded; found->group && strcmp(*word, found->group) != 0; word++) {
            assert_non_null(word[1]); /* its group counts in that plan */
        }
    }
}

/* S0-28 S0-30: the second one is somebody else, and a manager. */
static void two_people_look(void **state)
{
    static const char yes[] = "{\"verdict\":\"covered\",\"reason\":\"the file says so\"}";
    int64_t ticket;

    (void)state;
    begin("generic_24_48, overlays: [two_person_warranty]");
    ticket = fault("new-1", "pump_no_flow");
    assert_string_equal(warranty(ticket, "verdict"), "covered");
    assert_int_equal(act(ticket, "bill", "{}"), ERR_STATE); /* nothing is final before */
    assert_non_null(strstr(said_why, "two persons"));
    right(act(ticket, "confirm_warranty", "%s", yes));
    assert_false(json_bool_or(json_field(shown(ticket), "warranty"), "decided", true));
    assert_int_equal(act(ticket, "confirm_warranty", "%s", yes), ERR_STATE); /* the same person */
    assert_non_null(strstr(said_why, "another person"));
    assert_int_equal(by("bob", ROLE_DISPATCHER, TICKET, ticket, "confirm_warranty", "%s", yes), ERR_FORBIDDEN);
    assert_int_equal(by("ann", ROLE_MANAGER, TICKET, ticket, "confirm_warranty", "%s", yes), ERR_STATE); /* in another hat */
    /* the database keeps it as well */
    assert_int_equal(sql_save(sql), ERR_OK);
    assert_int_not_equal(sql_run(sql, "INSERT INTO warranty_check (ticket, round, step, verdict, reason, who, at_ms) VALUES (?1, 1, 2, 'covered', 'x', 'ann', 1)", "i", ticket), ERR_OK);
    sql_undo(sql);
    right(by("bob", ROLE_MANAGER, TICKET, ticket, "confirm_warranty", "%s", yes));
    assert_true(json_bool_or(json_field(shown(ticket), "warranty"), "decided", false));
    assert_int_equal(json_size(json_field(json_field(shown(ticket), "warranty"), "checks")), 2);
    right(act(ticket, "bill", "{}"));
    /* somebody who sees it otherwise begins anew */
    ticket = fault("new-1", "pump_weak");
    right(act(ticket, "confirm_warranty", "%s", yes));
    right(by("bob", ROLE_MANAGER, TICKET, ticket, "confirm_warranty", "{\"verdict\":\"expired\",\"reason\":\"the card says 2009\"}"));
    assert_string_equal(warranty(ticket, "verdict"), "covered");
    right(by("eve", ROLE_MANAGER, TICKET, ticket, "confirm_warranty", "{\"verdict\":\"expired\",\"reason\":\"so it is\"}"));
    assert_string_equal(warranty(ticket, "verdict"), "expired");
    end();
}

/* S2-27, G-17: the next verdict knows the part that was exchanged. */
static void the_next_verdict_knows_the_exchange(void **state)
{
    int64_t ticket, order;

    (void)state;
    begin("swh_standard");
    ticket = fault("old-1", "pump_no_flow");
    assert_string_equal(warranty(ticket, "verdict"), "expired");
    order = go(ticket);
    right(work(order, "use_part", "{\"part\":\"pump-15-60\",\"serial_new\":\"P-2\"}"));
    pass(10 * DAY);
    ticket = fault("old-1", "pump_weak");
    assert_string_equal(warranty(ticket, "verdict"), "covered");
    assert_string_equal(warranty(ticket, "start_rule"), "exchange_date");
    assert_string_equal(warranty(ticket, "from"), "2026-11-24");
    assert_string_equal(warranty(ticket, "until"), "2027-02-21");
    assert_string_equal(warranty(fault("old-1", "low_pressure"), "verdict"), "expired"); /* another class is not */
    right(work(order, "return_part", "{\"part\":\"pump-15-60\"}"));
    assert_string_equal(warranty(fault("old-1", "heater_partial"), "verdict"), "expired"); /* it was not put in after all */
    end();
}

/* S0-136: the card is due 20 days after the sale; the fleet or the duty says when it came. */
static void a_card_in_time(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard, overlays: [discipline]");
    ticket = fault("carded", "tank_leak");
    assert_string_equal(warranty(ticket, "verdict"), "covered");
    ticket = fault("late", "tank_leak");
    pass(10 * MINUTE);
    assert_string_equal(warranty(ticket, "verdict"), "unknown"); /* a person decides */
    assert_string_equal(json_text_or(json_field(json_field(shown(ticket), "warranty"), "registration"), "state", ""), "late");
    assert_int_equal(act(ticket, "bill", "{}"), ERR_STATE);
    right(act(ticket, "confirm_warranty", "{\"verdict\":\"covered\",\"reason\":\"the post was late\"}"));
    assert_string_equal(warranty(ticket, "verdict"), "covered");
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE notice = 'warranty' AND ticket = ?1 AND key LIKE '%confirm_warranty%'", "i", ticket), 1); /* S0-138 */
    end();
}

/* S0-88: the owner's signature is a date of its own. S1-15: a software defect is a fault of the product. */
static void dates_and_domains(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard, overlays: [guarantee_maintenance]");
    ticket = fault("signed", "tank_leak");
    assert_string_equal(warranty(ticket, "start_rule"), "completion_report_signed");
    assert_string_equal(warranty(ticket, "from"), "2025-12-01");
    assert_string_equal(warranty(ticket, "phase"), "guarantee"); /* S0-75 */
    assert_string_equal(warranty(fault("old-1", "tank_leak"), "phase"), "maintenance");
    ticket = fault("new-1", "controller_no_start");
    assert_string_equal(json_text_or(json_field(shown(ticket), "classification"), "domain", ""), "software");
    assert_string_equal(warranty(ticket, "verdict"), "covered");
    right(act(ticket, "classify", "{\"field\":\"domain\",\"value\":\"external\",\"reason\":\"lightning\"}")); /* S0-95 */
    assert_string_equal(warranty(ticket, "verdict"), "excluded");
    assert_string_equal(proposal(ticket, "responsible_party"), "external");
    /* S0-91: nothing can be shown: served, and charged */
    ticket = fault("new-1", "pump_weak");
    right(act(ticket, "confirm_warranty", "{\"verdict\":\"excluded\",\"exclusion\":\"no_current_fault\",\"reason\":\"it runs\"}"));
    assert_int_equal(work(go(ticket), "start", "{\"override\":{\"code\":\"emergency\"}}"), ERR_STATE);
    end();
}

/* ------------------------------------------------------------------ quotations */

/* S2-30: estimated, approved by a manager who did not make it, consented to. */
static void a_special_request_is_approved(void **state)
{
    char key[16], number[32] = "";
    struct action action = {.action = "register", .action_id = key, .who = "ann", .role = ROLE_DISPATCHER};
    static const char said[] = "{\"kind\":\"special_request\",\"equipment\":\"new-1\",\"note\":\"another tank\"}";
    struct arena *arena;
    struct sql_rows rows;
    int64_t ticket;
    bool merged;
    TEXT(why, 300);

    (void)state;
    begin("swh_standard, overlays: [contract]");
    snprintf(key, sizeof(key), "i%d", ++ids);
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(desk_report(desk, sql, &action, now_ms, number, &merged, &why), ERR_OK);
    arena_close(arena);
    ticket = sql_find_int(sql, 0, "SELECT id FROM ticket WHERE number = ?1", "t", number);
    right(by("ann", ROLE_MANAGER, TICKET, ticket, "quote", "{\"lines\":[{\"text\":\"second tank\",\"amount\":3000}]}"));
    assert_int_equal(act(ticket, "consent", "{\"accepted\":true}"), ERR_STATE);
    assert_non_null(strstr(said_why, "S2-30"));
    sql_find(sql, &rows, "SELECT number FROM quotation WHERE ticket = ?1", "i", ticket);
    assert_true(sql_next(&rows));
    (void)!text_copy(number, sizeof(number), sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    assert_int_equal(by("ann", ROLE_MANAGER, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", number), ERR_FORBIDDEN);
    assert_int_equal(by("bob", ROLE_DISPATCHER, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", number), ERR_FORBIDDEN);
    right(by("bob", ROLE_MANAGER, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", number));
    right(act(ticket, "consent", "{\"accepted\":true}"));
    right(act(ticket, "bill", "{}"));
    assert_int_equal(money_owed(sql, ticket), 318000);
    end();
}

/* S0-58 S0-68 S3-14 C-10: lines by the list of the day, labour by the plan; versions; validity; who answers. */
static void quotations_have_versions(void **state)
{
    int64_t ticket;

    (void)state;
    begin("swh_standard");
    ticket = fault("old-1", "pump_no_flow");
    assert_int_equal(act(ticket, "quote", "{\"lines\":[]}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "quote", "{\"lines\":[{\"part\":\"valve\"}]}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "quote", "{\"lines\":[{\"text\":\"x\",\"amount\":1.005}]}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "quote", "{\"lines\":[{\"text\":\"x\",\"amount\":-5}]}"), ERR_FORMAT);
    right(act(ticket, "quote", "{\"lines\":[{\"part\":\"pump-15-60\"},{\"part\":\"seal\",\"count\":2},{\"item\":\"labour\",\"hours\":1.5}]}"));
    /* 480.50 + 2 × 12.01 (cost and a fifth) + 1.5 × 120.00, and six per cent on each line */
    assert_int_equal(quoted(ticket), 48050 + 2883 + 2402 + 144 + 18000 + 1080);
    assert_string_equal(json_text_or(json_first(json_field(json_field(shown(ticket), "quotation"), "lines")), "rule", ""), "market l26");
    assert_int_equal(act(ticket, "consent", "{\"accepted\":true,\"version\":2}"), ERR_STATE);
    right(act(ticket, "quote", "{\"lines\":[{\"part\":\"pump-15-60\",\"price\":500}]}"));
    assert_int_equal(quoted(ticket), 53000);
    assert_string_equal(json_text_or(json_first(json_field(json_field(shown(ticket), "quotation"), "lines")), "rule", ""), "stated, above the price list");
    assert_int_equal(act(ticket, "consent", "{\"accepted\":true,\"version\":1}"), ERR_STATE); /* that one is no longer open */
    pass(15 * DAY);
    assert_int_equal(act(ticket, "consent", "{\"accepted\":true}"), ERR_STATE); /* it has lapsed */
    assert_false(json_bool_or(json_field(shown(ticket), "quotation"), "advise_new", true));
    right(act(ticket, "quote", "{\"lines\":[{\"text\":\"everything\",\"amount\":1200.01}]}")); /* S1-21: more than 60 % of a new one */
    assert_true(json_bool_or(json_field(shown(ticket), "quotation"), "advise_new", false));
    right(act(ticket, "quote", "{}")); /* from the work: nothing was done yet, so the usual hours and one call-out */
    assert_true(quoted(ticket) > 5000);
    right(by("customer", ROLE_SERVER, TICKET, ticket, "consent", "{\"accepted\":true,\"name\":\"Li\",\"version\":4}"));
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM consent WHERE ticket = ?1 AND how = 'track' AND name = 'Li'", "i", ticket), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM quotation WHERE ticket = ?1 AND state = 'replaced'", "i", ticket), 3);
    assert_int_equal(act(ticket, "consent", "{\"accepted\":true}"), ERR_STATE);
    end();
}

/* S0-77: never above the contract's unit price. S0-76: in the guarantee another cause costs the part's cost, no labour. */
static void the_contract_bounds_the_price(void **state)
{
    int64_t ticket, order;

    (void)state;
    begin("tiered_abc, overlays: [guarantee_maintenance]");
    ticket = fault("old-1", "pump_no_flow");
    assert_int_equal(act(ticket, "quote", "{\"lines\":[{\"part\":\"pump-15-60\",\"price\":460}]}"), ERR_FORMAT);
    assert_non_null(strstr(said_why, "450.00"));
    right(act(ticket, "quote", "{\"lines\":[{\"part\":\"pump-15-60\"}]}"));
    assert_int_equal(quoted(ticket), 45000 + 2700);
    ticket = fault("new-1", "pump_no_flow");
    right(act(ticket, "confirm_warranty", "{\"verdict\":\"excluded\",\"exclusion\":\"unsuitable_tools\",\"reason\":\"seen on site\"}")); /* S0-93 */
    right(act(ticket, "quote", "{\"lines\":[{\"part\":\"pump-15-60\"},{\"item\":\"labour\",\"hours\":2},{\"item\":\"call_out\"}]}"));
    assert_int_equal(quoted(ticket), 30000 + 1800);
    right(act(ticket, "consent", "{\"accepted\":true}"));
    order = go(ticket);
    right(work(order, "use_part", "{\"part\":\"pump-15-60\"}"));
    right(act(ticket, "bill", "{}"));
    assert_int_equal(total(ticket, "charge"), 31800);
    assert_int_equal(total(ticket, "cost"), 3000); /* the call-out is the company's */
    end();
}

/* S0-40: nobody is made to bring or buy parts; only a repair at cost takes the customer's own, and then it is not charged. */
static void a_part_of_the_customer(void **state)
{
    int64_t ticket, order, stock;

    (void)state;
    begin("tiered_abc, overlays: [guarantee_maintenance]");
    stock = sql_find_int(sql, 0, "SELECT CAST(SUM(count) AS BIGINT) FROM stock", "");
    ticket = fault("new-1", "pump_no_flow"); /* covered: parts are free */
    order = go(ticket);
    assert_int_equal(work(order, "use_part", "{\"part\":\"pump-15-60\",\"source\":\"customer\"}"), ERR_STATE);
    assert_non_null(strstr(said_why, "free"));
    assert_non_null(strstr(said_why, "Legal: use_part with source stock or supplier"));
    assert_int_equal(work(order, "use_part", "{\"part\":\"pump-15-60\",\"source\":\"attic\"}"), ERR_FORMAT);
    right(work(order, "use_part", "{\"part\":\"pump-15-60\",\"source\":\"supplier\"}")); /* sent for nothing */
    right(act(ticket, "bill", "{}"));
    assert_int_equal(total(ticket, "cost"), 3000); /* the call-out */
    ticket = fault("old-1", "pump_no_flow"); /* expired: by the list, and still not the customer's part */
    order = go(ticket);
    assert_int_equal(work(order, "use_part", "{\"part\":\"seal\",\"source\":\"customer\"}"), ERR_STATE);
    ticket = fault("new-1", "pump_weak"); /* another cause in the guarantee: parts at cost (S0-76) */
    right(act(ticket, "confirm_warranty", "{\"verdict\":\"excluded\",\"exclusion\":\"unsuitable_tools\",\"reason\":\"seen on site\"}"));
    order = go(ticket);
    right(work(order, "use_part", "{\"part\":\"seal\",\"count\":2,\"source\":\"customer\"}"));
    right(work(order, "return_part", "{\"part\":\"seal\",\"source\":\"customer\"}"));
    assert_int_equal(work(order, "return_part", "{\"part\":\"seal\"}"), ERR_STATE); /* none of the stock's was used */
    right(act(ticket, "quote", "{}"));
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM quotation_line l JOIN quotation q ON q.id = l.quotation WHERE q.ticket = ?1 AND l.part = 'seal'", "i", ticket), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT CAST(SUM(count) AS BIGINT) FROM stock", ""), stock);
    end();
}

/* S0-59: neither started nor finished; a verdict that changes on the way closes the gate again. */
static void no_repair_without_consent(void **state)
{
    int64_t ticket, order;

    (void)state;
    begin("swh_standard");
    ticket = fault("new-1", "pump_no_flow");
    order = go(ticket);
    right(work(order, "start", "{\"override\":{\"code\":\"emergency\"}}")); /* covered */
    right(act(ticket, "confirm_warranty", "{\"verdict\":\"excluded\",\"exclusion\":\"own_repair\",\"reason\":\"cut wires\"}"));
    assert_int_equal(work(order, "finish", "{\"override\":{\"code\":\"emergency\"}}"), ERR_STATE);
    assert_non_null(strstr(said_why, "consent"));
    right(act(ticket, "quote", "{\"lines\":[{\"item\":\"labour\",\"hours\":1}]}"));
    assert_int_equal(work(order, "finish", "{\"override\":{\"code\":\"emergency\"}}"), ERR_STATE);
    right(act(ticket, "consent", "{\"accepted\":false}"));
    assert_int_equal(work(order, "finish", "{\"override\":{\"code\":\"emergency\"}}"), ERR_STATE);
    right(act(ticket, "quote", "{\"lines\":[{\"item\":\"labour\",\"hours\":0.5}]}"));
    right(act(ticket, "consent", "{\"accepted\":true}"));
    right(work(order, "finish", "{\"override\":{\"code\":\"emergency\"}}"));
    end();
}

/* ------------------------------------------------------------------ books */

/* Hours of an order that are in the past. */
static void hours(int64_t order, const char *kind, int64_t minutes)
{
    static int64_t back;
    TEXT(from, 48);
    TEXT(to, 48);

    back += (minutes + 1) * MINUTE;
    zone_write(zone_utc(), now_ms - back, &from);
    zone_write(zone_utc(), now_ms - back + minutes * MINUTE, &to);
    right(work(order, "time", "{\"kind\":\"%s\",\"from\":\"%s\",\"to\":\"%s\"}", kind, from.at, to.at));
}

/* S0-63 S3-12: covered is entirely free, and the books know what it cost whom. S2-28: once each. */
static void covered_work_costs_the_company(void **state)
{
    int64_t ticket, order;

    (void)state;
    begin("swh_standard");
    ticket = fault("new-1", "pump_no_flow");
    order = go(ticket);
    right(work(order, "use_part", "{\"part\":\"pump-15-60\"}"));
    hours(order, "work", 90);
    hours(order, "travel", 20);
    right(act(ticket, "bill", "{}"));
    assert_int_equal(total(ticket, "charge"), 0);
    assert_int_equal(total(ticket, "cost"), 30000 + 12000 + 1332 + 3000); /* a third of an hour is 0.333 */
    assert_int_equal(lines(ticket), 4);
    right(act(ticket, "bill", "{}"));
    assert_int_equal(lines(ticket), 4); /* each thing once */
    right(work(order, "use_part", "{\"part\":\"seal\"}"));
    right(act(ticket, "bill", "{}"));
    assert_int_equal(lines(ticket), 5);
    assert_int_equal(money_owed(sql, ticket), 0);
    assert_int_equal(act(ticket, "confirm_warranty", "{\"verdict\":\"expired\",\"reason\":\"late\"}"), ERR_STATE); /* it is booked */
    end();
}

/* S0-58 S0-60 S2-28 S2-29: charged by consent, papers for every fee, changed by two people, paid, given back. */
static void a_customer_pays(void **state)
{
    int64_t ticket, order;

    (void)state;
    begin("swh_standard");
    ticket = fault("old-1", "pump_no_flow");
    order = go(ticket);
    assert_int_equal(act(ticket, "bill", "{}"), ERR_STATE); /* no consent */
    right(act(ticket, "quote", "{\"lines\":[{\"part\":\"pump-15-60\"},{\"item\":\"labour\",\"hours\":1},{\"item\":\"call_out\"}]}"));
    right(act(ticket, "consent", "{\"accepted\":true}"));
    right(work(order, "use_part", "{\"part\":\"pump-15-60\"}"));
    hours(order, "work", 60);
    right(act(ticket, "bill", "{}"));
    assert_int_equal(money_owed(sql, ticket), 50933 + 12720 + 5300);
    hours(order, "work", 60);
    assert_int_equal(act(ticket, "bill", "{}"), ERR_STATE); /* more than was agreed */
    assert_non_null(strstr(said_why, "S0-60"));
    assert_int_equal(money_owed(sql, ticket), 68953); /* and nothing of it stayed */
    /* the database keeps it: no charge without a consent, no adjustment without a request, no line changed */
    assert_int_equal(sql_save(sql), ERR_OK);
    assert_int_not_equal(sql_run(sql, "INSERT INTO money_line (ticket, kind, payer, words, quantity, unit, amount, tax, total, currency, source, who, at_ms) VALUES (?1, 'charge', 'customer', 'x', 1, 1, 1, 0, 1, 'CNY', 'x', 'x', 1)", "i", ticket), ERR_OK);
    sql_undo(sql);
    assert_int_equal(sql_save(sql), ERR_OK);
    assert_int_not_equal(sql_run(sql, "INSERT INTO money_line (ticket, kind, payer, words, quantity, unit, amount, tax, total, currency, source, who, at_ms) VALUES (?1, 'refund', 'customer', 'x', 1, 1, 1, 0, 1, 'CNY', 'x', 'x', 1)", "i", ticket), ERR_OK);
    sql_undo(sql);
    assert_int_equal(sql_save(sql), ERR_OK);
    assert_int_not_equal(sql_run(sql, "UPDATE money_line SET amount = 0 WHERE ticket = ?1", "i", ticket), ERR_OK);
    sql_undo(sql);
    /* S2-29 */
    right(act(ticket, "adjust", "{\"amount\":-10000,\"reason\":\"we came late\"}"));
    assert_int_equal(act(ticket, "adjust", "{\"amount\":-10000}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "adjust", "{\"amount\":-99999999,\"reason\":\"x\"}"), ERR_FORMAT);
    assert_int_equal(act(ticket, "adjust", "{\"kind\":\"refund\",\"amount\":1,\"reason\":\"x\"}"), ERR_FORMAT); /* nothing was paid */
    {
        char name[80];
        struct sql_rows rows;

        sql_find(sql, &rows, "SELECT name FROM money_request", "");
        assert_true(sql_next(&rows));
        (void)!text_copy(name, sizeof(name), sql_text(&rows, 0));
        assert_int_equal(sql_end(&rows), ERR_OK);
        assert_int_equal(by("ann", ROLE_ADMIN, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", name), ERR_FORBIDDEN);
        assert_int_equal(by("bob", ROLE_TECHNICIAN, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", name), ERR_FORBIDDEN);
        assert_int_equal(by("bob", ROLE_DISPATCHER, TICKET, ticket, "approve_money", "{\"request\":\"nobody's\",\"approved\":true}"), ERR_FORMAT);
        right(by("bob", ROLE_DISPATCHER, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", name));
        assert_int_equal(by("bob", ROLE_DISPATCHER, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", name), ERR_STATE);
    }
    assert_int_equal(money_owed(sql, ticket), 68953 - 10600);
    assert_int_equal(act(ticket, "pay", "{\"amount\":58354}"), ERR_FORMAT);
    right(act(ticket, "pay", "{\"amount\":58353}"));
    assert_int_equal(money_owed(sql, ticket), 0);
    /* S0-60: closed when every fee has its paper */
    assert_int_equal(act(ticket, "close", "{\"resolution\":\"repaired\"}"), ERR_STATE);
    assert_non_null(strstr(said_why, "S0-60"));
    assert_int_equal(act(ticket, "invoice", "{\"kind\":\"poem\"}"), ERR_FORMAT);
    right(act(ticket, "invoice", "{\"reference\":\"FP-1\"}"));
    assert_int_equal(act(ticket, "invoice", "{}"), ERR_STATE); /* every line has one */
    right(act(ticket, "invoice", "{\"kind\":\"receipt\"}"));
    assert_int_equal(sql_find_int(sql, 0, "SELECT SUM(total) FROM invoice WHERE ticket = ?1 AND kind = 'invoice'", "i", ticket), 58353);
    assert_int_equal(sql_find_int(sql, 0, "SELECT SUM(total) FROM invoice WHERE ticket = ?1 AND kind = 'receipt'", "i", ticket), 58353);
    end();
}

/* A request above what the role may approve goes to the next one. */
static void limits_are_the_plans(void **state)
{
    int64_t ticket;
    char name[80] = "";
    struct sql_rows rows;

    (void)state;
    begin("swh_standard");
    ticket = fault("old-1", "pump_no_flow");
    right(act(ticket, "quote", "{\"lines\":[{\"text\":\"new heater\",\"amount\":20000}]}"));
    right(act(ticket, "consent", "{\"accepted\":true}"));
    right(act(ticket, "bill", "{}"));
    assert_int_equal(money_owed(sql, ticket), 2120000);
    right(act(ticket, "adjust", "{\"amount\":-600000,\"reason\":\"goodwill\"}"));
    sql_find(sql, &rows, "SELECT name FROM money_request", "");
    assert_true(sql_next(&rows));
    (void)!text_copy(name, sizeof(name), sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    assert_int_equal(by("bob", ROLE_DISPATCHER, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", name), ERR_FORBIDDEN);
    assert_non_null(strstr(said_why, "200.00"));
    assert_int_equal(by("bob", ROLE_MANAGER, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", name), ERR_FORBIDDEN);
    right(by("bob", ROLE_ADMIN, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":true}", name));
    assert_int_equal(money_owed(sql, ticket), 2120000 - 636000);
    end();
}

/* ------------------------------------------------------------------ claims */

static int64_t claims(const char *state)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM claim WHERE state = ?1", "t", state);
}

/* S0-32: told at once when a person says that the supplier answers for it; accepted, settled, in the books. */
static void a_supplier_hears_of_it_at_once(void **state)
{
    int64_t ticket, claim;

    (void)state;
    begin("swh_standard");
    ticket = fault("new-1", "pump_no_flow");
    assert_string_equal(proposal(ticket, "responsible_party"), "supplier");
    assert_int_equal(claims("sent"), 0); /* proposed is not decided */
    right(act(ticket, "classify", "{\"field\":\"responsible_party\",\"value\":\"supplier\",\"reason\":\"the bearing\"}"));
    assert_int_equal(claims("sent"), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM outbox WHERE notice = 'supplier_claim' AND channel = 'smtp' AND target = 'claims@example.cn'", ""), 1);
    claim = sql_find_int(sql, 0, "SELECT id FROM claim", "");
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM claim WHERE serial = 'E-1' AND component = 'electrical' AND evidence LIKE '%acceptance_date%'", ""), 1);
    right(act(ticket, "confirm_warranty", "{\"verdict\":\"covered\",\"responsible_party\":\"supplier\",\"reason\":\"again\"}"));
    assert_int_equal(claims("sent"), 1); /* one claim */
    assert_int_equal(by("ann", ROLE_DISPATCHER, CLAIM, claim, "settle", "{}"), ERR_STATE);
    assert_int_equal(by("ann", ROLE_DISPATCHER, CLAIM, claim, "accept", "{\"amount\":-1}"), ERR_FORMAT);
    right(by("ann", ROLE_DISPATCHER, CLAIM, claim, "accept", "{\"amount\":25000}"));
    right(by("ann", ROLE_DISPATCHER, CLAIM, claim, "settle", "{\"reference\":\"CN-7\"}"));
    assert_int_equal(total(ticket, "recovery"), 25000);
    assert_int_equal(by("ann", ROLE_DISPATCHER, CLAIM, claim, "settle", "{}"), ERR_STATE);
    /* refused: another one may be opened */
    ticket = fault("new-1", "tank_leak");
    right(act(ticket, "diagnose", "{\"cause\":\"weld\",\"component\":\"tank\",\"responsible_party\":\"supplier\"}"));
    claim = sql_find_int(sql, 0, "SELECT MAX(id) FROM claim", "");
    assert_int_equal(sql_find_int(sql, 0, "SELECT 1 FROM claim c JOIN supplier s ON s.id = c.supplier WHERE c.id = ?1 AND s.name = 'other'", "i", claim), 1);
    assert_int_equal(by("ann", ROLE_DISPATCHER, CLAIM, claim, "refuse", "{}"), ERR_FORMAT);
    right(by("ann", ROLE_DISPATCHER, CLAIM, claim, "refuse", "{\"reason\":\"rust\"}"));
    end();
}

/* ------------------------------------------------------------------ settlements */

static enum err settle(const char *kind, const char *party, const char *from, const char *to, int64_t *ret_id)
{
    char said[300], key[16];
    struct action action = {.action = "", .action_id = key, .who = "fin", .role = ROLE_MANAGER};
    struct text why = text_on(said_why, sizeof(said_why));
    struct arena *arena;
    enum err err;

    snprintf(key, sizeof(key), "b%d", ++ids);
    snprintf(said, sizeof(said), "{\"kind\":\"%s\",\"party\":\"%s\",\"from\":\"%s\",\"to\":\"%s\"}", kind, party, from, to);
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = desk_settle(desk, sql, &action, now_ms, ret_id, &why);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    arena_close(arena);
    return err;
}

/* S0-149 S0-152 S0-153 S2-31: signed repairs that helped, each line in one batch. */
static void a_line_is_settled_once(void **state)
{
    int64_t ticket, order, first = 0, second = 0;

    (void)state;
    begin("swh_standard");
    ticket = fault("new-1", "pump_no_flow");
    order = go(ticket);
    right(work(order, "use_part", "{\"part\":\"pump-15-60\"}"));
    right(act(ticket, "bill", "{}"));
    assert_int_equal(settle("dealer", "t", "2026-11-01", "2026-11-30", &first), ERR_STATE); /* nobody has signed */
    assert_non_null(strstr(said_why, "2 lines wait"));
    right(work(order, "sign", "{\"name\":\"Li\"}"));
    assert_int_equal(sql_run(sql, "INSERT INTO voucher (number, kind, state, work_order, asked_by, doc, created_ms) VALUES ('V-1', 'old_part', 'held', ?1, 'h', '{}', 1)", "i", order), ERR_OK);
    assert_int_equal(settle("dealer", "t", "2026-11-01", "2026-11-30", &first), ERR_STATE); /* S0-150 */
    assert_int_equal(sql_run(sql, "UPDATE voucher SET state = 'returned', settles_late = 1", ""), ERR_OK); /* the plan wants it assessed */
    assert_int_equal(settle("dealer", "t", "2026-11-01", "2026-11-30", &first), ERR_STATE); /* S0-151 */
    assert_int_equal(sql_run(sql, "UPDATE voucher SET state = 'assessed'", ""), ERR_OK);
    assert_int_equal(settle("dealer", "t", "2026-10-01", "2026-10-31", &first), ERR_STATE); /* another month */
    assert_int_equal(settle("dealer", "nobody", "2026-11-01", "2026-11-30", &first), ERR_STATE);
    assert_int_equal(settle("uncle", "t", "2026-11-01", "2026-11-30", &first), ERR_FORMAT);
    assert_int_equal(settle("dealer", "t", "2026-11-30", "2026-11-01", &first), ERR_FORMAT);
    right(settle("dealer", "t", "2026-11-24", "2026-11-24", &first)); /* both days belong to it */
    assert_int_equal(sql_find_int(sql, 0, "SELECT total FROM settlement WHERE id = ?1", "i", first), 33000);
    assert_int_equal(settle("dealer", "t", "2026-11-01", "2026-11-30", &second), ERR_STATE);
    assert_int_equal(sql_save(sql), ERR_OK); /* the database keeps it */
    assert_int_not_equal(sql_run(sql, "INSERT INTO settlement_line (line, settlement) SELECT MIN(id), ?1 FROM money_line", "i", first), ERR_OK);
    sql_undo(sql);
    /* what telemetry has disproved waits */
    ticket = fault("new-1", "pump_weak");
    order = go(ticket);
    right(work(order, "sign", "{\"name\":\"Li\"}"));
    right(act(ticket, "bill", "{}"));
    assert_int_equal(sql_run(sql, "INSERT INTO repair (ticket, work_order, who, at_ms, next_ms, outcome) VALUES (?1, ?2, 'h', 1, 1, 'false')", "ii", ticket, order), ERR_OK);
    assert_int_equal(settle("dealer", "t", "2026-11-01", "2026-11-30", &second), ERR_STATE);
    end();
}

/* ------------------------------------------------------------------ whatever people do */

static uint64_t seed, first_seed = 1;

static int64_t draw(int64_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (int64_t)((seed >> 33) % (uint64_t)below);
}

/* Balanced: an independent sum; nothing charged beyond a consent; no line in two batches or on two papers. */
static void check_books(int64_t ticket, int64_t paid, int64_t refunded)
{
    int64_t agreed = sql_find_int(sql, 0, "SELECT MAX(total) FROM consent WHERE ticket = ?1", "i", ticket);
    int64_t due = total(ticket, "charge") + total(ticket, "adjustment");

    assert_int_equal(money_owed(sql, ticket), due - paid + refunded);
    assert_true(due >= 0 && due <= agreed);
    assert_int_equal(total(ticket, "payment"), -paid);
    assert_int_equal(total(ticket, "refund"), refunded);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM money_line WHERE kind = 'charge' AND consent IS NULL", ""), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM money_line WHERE total <> amount + tax", ""), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM settlement s WHERE s.total <> (SELECT SUM(l.total) FROM settlement_line x JOIN money_line l ON l.id = x.line WHERE x.settlement = s.id)", ""), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM invoice i WHERE i.total <> (SELECT ABS(SUM(l.total)) FROM invoice_line x JOIN money_line l ON l.id = x.line WHERE x.invoice = i.id) AND i.kind <> 'credit_note' AND i.total > 0", ""), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM money_request WHERE decided_by = asked_by", ""), 0);
}

static void decide_requests(int64_t ticket, int64_t *io_refunded)
{
    for (;;) {
        char name[80] = "";
        bool refund = false, yes = draw(4) > 0;
        int64_t amount = 0;
        struct sql_rows rows;

        sql_find(sql, &rows, "SELECT name, kind, amount FROM money_request WHERE ticket = ?1 AND state = 'waiting' LIMIT 1", "i", ticket);
        if (sql_next(&rows)) {
            (void)!text_copy(name, sizeof(name), sql_text(&rows, 0));
            refund = text_same(sql_text(&rows, 1), "refund");
            amount = sql_int(&rows, 2);
        }
        assert_int_equal(sql_end(&rows), ERR_OK);
        if (!name[0]) {
            return;
        }
        if (by("bob", ROLE_ADMIN, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":%s}", name, yes ? "true" : "false")) {
            right(by("bob", ROLE_ADMIN, TICKET, ticket, "approve_money", "{\"request\":\"%s\",\"approved\":false}", name));
        } else if (yes && refund) {
            *io_refunded += amount;
        }
    }
}

/* What is owed is paid, what was paid too much is given back: the book closes at zero, and all of it is settled. */
static void close_book(int64_t ticket, int64_t paid, int64_t refunded)
{
    int64_t owed, batch;

    decide_requests(ticket, &refunded);
    owed = money_owed(sql, ticket);
    if (owed > 0) {
        right(act(ticket, "pay", "{\"amount\":%lld}", (long long)owed));
        paid += owed;
    } else if (owed < 0) {
        right(act(ticket, "adjust", "{\"kind\":\"refund\",\"amount\":%lld,\"reason\":\"paid too much\"}", (long long)-owed));
        for (int64_t before = refunded; refunded == before;) { /* asked again until somebody agrees */
            decide_requests(ticket, &refunded);
            if (refunded == before) {
                right(act(ticket, "adjust", "{\"kind\":\"refund\",\"amount\":%lld,\"reason\":\"paid too much\"}", (long long)-owed));
            }
        }
    }
    check_books(ticket, paid, refunded);
    assert_int_equal(money_owed(sql, ticket), 0);
    (void)!settle("customer", "c", "2026-11-01", "2026-12-31", &batch); /* nothing waits already, or this takes it */
}

static void books_balance_whatever_people_do(void **state)
{
    static const char *const faults[] = {"pump_no_flow", "low_pressure", "pump_weak", "heater_partial", "tank_leak", "circulation_failed",
                                         "vessel_charge", "reverse_circulation", "heater_open", "no_hot_water"};

    (void)state;
    begin("swh_standard");
    for (size_t round = 0; round < sizeof(faults) / sizeof(faults[0]); round++) {
        int64_t ticket, order, paid = 0, refunded = 0, batch;

        seed = first_seed + (uint64_t)round;
        ticket = fault("old-1", faults[round]);
        order = go(ticket);
        right(act(ticket, "quote", "{\"lines\":[{\"part\":\"pump-15-60\",\"count\":5},{\"part\":\"seal\",\"count\":5},{\"text\":\"x\",\"amount\":33.33}]}"));
        right(act(ticket, "consent", "{\"accepted\":true}"));
        for (int step = 0; step < 60; step++) {
            int64_t amount = draw(90000) + 1;

            switch (draw(9)) {
            case 0:
                (void)!act(ticket, "quote", "{\"lines\":[{\"part\":\"pump-15-60\",\"count\":%lld},{\"item\":\"labour\",\"hours\":%lld},{\"text\":\"x\",\"amount\":%lld.%02lld}]}",
                           (long long)draw(3) + 1, (long long)draw(5) + 1, (long long)(amount / 100), (long long)(amount % 100));
                break;
            case 1:
                (void)!act(ticket, "consent", "{\"accepted\":%s}", draw(5) ? "true" : "false");
                break;
            case 2:
                (void)!work(order, "use_part", "{\"part\":\"%s\"}", draw(2) ? "pump-15-60" : "seal");
                break;
            case 3:
                (void)!work(order, "return_part", "{\"part\":\"seal\"}");
                break;
            case 4:
                (void)!act(ticket, "bill", "{}");
                break;
            case 5:
                if (!act(ticket, "pay", "{\"amount\":%lld}", (long long)amount)) {
                    paid += amount;
                }
                break;
            case 6:
                (void)!act(ticket, "adjust", "{\"kind\":\"%s\",\"amount\":%lld,\"reason\":\"x\"}", draw(2) ? "refund" : "adjustment", (long long)(draw(2) ? amount / 4 : -amount / 3));
                break;
            case 7:
                decide_requests(ticket, &refunded);
                break;
            default:
                (void)!act(ticket, "invoice", "{\"kind\":\"%s\"}", draw(2) ? "invoice" : "receipt");
                (void)!settle("customer", "c", "2026-11-01", "2026-12-31", &batch);
            }
            check_books(ticket, paid, refunded);
        }
        close_book(ticket, paid, refunded);
    }
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM money_line l WHERE l.payer = 'customer' AND NOT EXISTS (SELECT 1 FROM settlement_line x WHERE x.line = l.id)", ""), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT CAST(SUM(total) AS BIGINT) FROM money_line WHERE payer = 'customer'", ""), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT CAST(SUM(total) AS BIGINT) FROM settlement WHERE kind = 'customer'", ""), 0);
    assert_true(sql_find_int(sql, 0, "SELECT COUNT(*) FROM money_line WHERE kind = 'charge'", "") > 20);
    assert_true(sql_find_int(sql, 0, "SELECT COUNT(*) FROM money_line WHERE kind = 'adjustment'", "") > 0);
    assert_true(sql_find_int(sql, 0, "SELECT COUNT(*) FROM settlement_line", "") > 20);
    end();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(telemetry_is_the_evidence),
        cmocka_unit_test(what_telemetry_cannot_say),
        cmocka_unit_test(every_documented_exclusion_is_there),
        cmocka_unit_test(two_people_look),
        cmocka_unit_test(the_next_verdict_knows_the_exchange),
        cmocka_unit_test(a_card_in_time),
        cmocka_unit_test(dates_and_domains),
        cmocka_unit_test(a_special_request_is_approved),
        cmocka_unit_test(quotations_have_versions),
        cmocka_unit_test(the_contract_bounds_the_price),
        cmocka_unit_test(a_part_of_the_customer),
        cmocka_unit_test(no_repair_without_consent),
        cmocka_unit_test(covered_work_costs_the_company),
        cmocka_unit_test(a_customer_pays),
        cmocka_unit_test(limits_are_the_plans),
        cmocka_unit_test(a_supplier_hears_of_it_at_once),
        cmocka_unit_test(a_line_is_settled_once),
        cmocka_unit_test(books_balance_whatever_people_do),
    };
    int failed;

    first_seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    print_message("seed %llu\n", (unsigned long long)first_seed);
    snprintf(path, sizeof(path), "/tmp/heliograph-money-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (arena_open(8 << 20, &room) || rules_open("models/equipment", "models/plans", say, NULL, &rules) ||
        rules_add_jobs(rules, "models/jobs") || rules_add_codes(rules, "models/codes.yaml") ||
        rules_add_notices(rules, "models/notices")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    arena_close(room);
    return failed;
}
