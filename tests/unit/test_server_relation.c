/* Complaints, questionnaires, the register and what is improved, under a clock that the test turns. */
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
#include "models/service/complaint.h"
#include "server/desk/desk.h"
#include "server/fleet/fleet_file.h"
#include "server/relation/complaint.h"
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
static char told_why[500];

/* wang leads the crew and is a supervisor as well; ma is the other supervisor, chen the leadership. */
static const char fleet[] =
    "customers: [{id: c, name: Li, email: li@example.cn, language: en}]\n"
    "calendars: [{id: k, time_zone: Asia/Shanghai, week: {mon: ['08:30-17:30'], tue: ['08:30-17:30'],"
    " wed: ['08:30-17:30'], thu: ['08:30-17:30'], fri: ['08:30-17:30']}}]\n"
    "sites: [{id: s, customer: c, name: Home, time_zone: Asia/Shanghai, calendar: k}]\n"
    "teams: [{id: crew, name: Crew, lead: wang, sites: [s], calendar: k}, {id: quality, name: Quality, lead: ma, calendar: k}]\n"
    "technicians:\n"
    "  - {id: wang, name: Wang, team: crew, roles: [supervisor]}\n"
    "  - {id: zhao, name: Zhao, team: crew}\n"
    "  - {id: ma, name: Ma, team: quality, roles: [supervisor], email: ma@example.cn}\n"
    "  - {id: chen, name: Chen, roles: [leadership], email: chen@example.cn}\n"
    "equipment:\n"
    "  - {id: e, title: Roof, site: s, profile: swh-basic, agent: g, acceptance_date: '2026-03-01'}\n"
    "contracts: [{id: x, customer: c, sites: [s], plan: swh_standard, start: '2026-06-01'}]\n";

static void complain_to_nobody(void *context, const char *line)
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
    assert_int_equal(desk_plan_visits(desk, sql, now_ms), ERR_OK);
}

/* Tuesday, 24 November 2026, 10:00 in Shanghai. */
static void begin(void)
{
    static const char *const hooks[] = {"http://127.0.0.1:1/", NULL};
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard",
                                     .webhooks = hooks, .has_smtp = true, .digest_minute = 8 * 60,
                                     .public_url = "https://heaters.example"};
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 11, 24) * DAY + 2 * HOUR;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK); /* one transaction a test: nothing has to reach the disk */
    import();
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

static int64_t look(void)
{
    int64_t next_ms = now_ms;

    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
    return next_ms;
}

static void pass(int64_t ms)
{
    int64_t until = now_ms + ms;

    while (now_ms < until) {
        int64_t next_ms = look();

        now_ms = next_ms > until ? until : next_ms > now_ms ? next_ms : now_ms + 1;
    }
    (void)look();
}

/* As a server that looks seldom. */
static void leap(int64_t until_ms)
{
    now_ms = until_ms;
    for (int i = 0; i < 40; i++) {
        (void)look();
        now_ms += 200;
    }
}

static int64_t number_of(const char *statement)
{
    return sql_find_int(sql, -1, statement, "");
}

/* What somebody does: action and words of the body as JSON. */
enum deed { FILE_IT, ACT, ANSWER, ENTER, IMPROVE, IMPROVE_ACT };

static enum err deed(enum deed what, int64_t *io_id, const char *who, enum role role, const char *action_name, const char *words)
{
    const struct cJSON *body;
    struct arena *arena;
    TEXT(why, 500);
    enum err err = ERR_OK;
    bool again = false;

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, words, strlen(words), &body, NULL), ERR_OK);
    struct action action = {.action = action_name, .action_id = json_text_or(body, "id", NULL), .who = who, .role = role,
                            .note = json_text_or(body, "note", NULL), .body = body};
    switch (what) {
    case FILE_IT: err = desk_complaint(desk, sql, &action, 0, now_ms, io_id, &again, &why); break;
    case ACT: err = desk_complaint_action(desk, sql, *io_id, &action, now_ms, &why); break;
    case ANSWER: err = desk_questionnaire_answer(desk, sql, *io_id, &action, "web", now_ms, &why); break;
    case ENTER: err = desk_register(desk, sql, &action, now_ms, io_id, &why); break;
    case IMPROVE: err = desk_improvement(desk, sql, &action, now_ms, io_id, &why); break;
    case IMPROVE_ACT: err = desk_improvement_action(desk, sql, *io_id, &action, now_ms, &why); break;
    }
    snprintf(told_why, sizeof(told_why), "%s", why.at);
    arena_close(arena);
    return err;
}

static int64_t file(const char *words)
{
    int64_t id = 0;

    assert_int_equal(deed(FILE_IT, &id, "desk", ROLE_DISPATCHER, "", words), ERR_OK);
    return id;
}

static enum err act(int64_t id, const char *action, const char *words)
{
    return deed(ACT, &id, "desk", ROLE_MANAGER, action, words);
}

/* about, owner, state with outcome, or what became of the repair; statements are told apart by their address */
enum column { ABOUT, OWNER, STATE, REPAIR };

static const char *field(int64_t id, int column)
{
    static char value[200];
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT about, (SELECT t.name FROM technician t WHERE t.id = c.owner), state || COALESCE(' ' || outcome, ''), (SELECT"
             " t.state || ' ' || t.channel FROM ticket t WHERE t.id = c.repair) FROM complaint c WHERE id = ?1",
             "i", id);
    value[0] = '\0';
    if (sql_next(&rows)) {
        snprintf(value, sizeof(value), "%s", sql_null(&rows, column) ? "-" : sql_text(&rows, column));
    }
    assert_int_equal(sql_end(&rows), ERR_OK);
    return value;
}

/* S1-54, S2-33, S2-34, S2-35: received, classified, forwarded, investigated, answered, not accepted, higher up, accepted. */
static void test_the_chain(void **state)
{
    int64_t id, other;

    (void)state;
    begin();
    id = file("{\"id\":\"call-1\",\"channel\":\"phone\",\"equipment\":\"e\",\"technician\":\"zhao\",\"detail\":\"rude\"}");
    other = file("{\"id\":\"call-1\",\"channel\":\"phone\",\"equipment\":\"e\",\"technician\":\"zhao\",\"detail\":\"rude\"}");
    assert_int_equal(id, other); /* the same call */
    assert_int_equal(number_of("SELECT COUNT(*) FROM complaint"), 1);
    assert_string_equal(field(id, ABOUT), "technician");
    assert_string_equal(field(id, OWNER), "ma"); /* not Wang, who leads the crew that is complained of */
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE subject = 'complaint' AND met_ms IS NULL"), 3);
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE notice = 'complaint_received' AND target = 'li@example.cn'"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE key LIKE 'complaint:%:registered' AND target = 'ma@example.cn'"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE instr(body, 'rude') > 0"), 0); /* what was said is not mailed */

    assert_int_equal(act(id, "report", "{\"note\":\"x\",\"finding\":\"justified\",\"cause\":\"y\"}"), ERR_STATE);
    assert_non_null(strstr(told_why, "Legal: acknowledge classify"));
    assert_int_equal(act(id, "classify", "{\"class\":\"service\",\"nature\":\"moody\",\"severity\":\"minor\"}"), ERR_FORMAT);
    assert_non_null(strstr(told_why, "nature: expected one of attitude"));
    assert_int_equal(act(id, "classify", "{\"class\":\"service\",\"nature\":\"attitude\",\"severity\":\"minor\"}"), ERR_OK);
    assert_int_equal(act(id, "forward", "{\"department\":\"crew\"}"), ERR_STATE); /* not to those it is about */
    assert_int_equal(act(id, "forward", "{\"department\":\"quality\",\"owner\":\"wang\"}"), ERR_STATE);
    assert_int_equal(act(id, "forward", "{\"department\":\"quality\",\"owner\":\"nobody\"}"), ERR_FORMAT);
    assert_int_equal(deed(ACT, &id, "wang", ROLE_DISPATCHER, "note", "{\"note\":\"it was not so\"}"), ERR_STATE);
    assert_int_equal(deed(ACT, &id, "viewer", ROLE_VIEWER, "note", "{\"note\":\"x\"}"), ERR_STATE);
    assert_int_equal(act(id, "forward", "{\"department\":\"quality\"}"), ERR_OK);
    assert_string_equal(field(id, OWNER), "ma");
    now_ms += HOUR;
    assert_int_equal(act(id, "acknowledge", "{\"id\":\"a\"}"), ERR_OK);
    assert_int_equal(act(id, "acknowledge", "{\"id\":\"a\"}"), ERR_OK); /* once */
    assert_int_equal(act(id, "report", "{\"note\":\"he was\",\"finding\":\"perhaps\"}"), ERR_FORMAT);
    assert_int_equal(act(id, "report", "{\"note\":\"he was\",\"finding\":\"justified\",\"cause\":\"manners\",\"measure\":\"training\"}"),
                     ERR_OK);
    assert_int_equal(act(id, "answer", "{}"), ERR_FORMAT);
    assert_int_equal(act(id, "answer", "{\"note\":\"we are sorry\"}"), ERR_OK);
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE notice = 'complaint_answered' AND instr(body, 'we are sorry') > 0"),
                     1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE subject = 'complaint' AND met_ms IS NULL"), 1); /* closing */
    assert_int_equal(deed(ACT, &id, "customer", ROLE_NONE, "opinion", "{\"accepted\":\"no\"}"), ERR_FORMAT);
    assert_int_equal(deed(ACT, &id, "customer", ROLE_NONE, "opinion", "{\"accepted\":false,\"note\":\"not enough\"}"), ERR_OK);
    assert_string_equal(field(id, STATE), "forwarded");
    assert_string_equal(field(id, OWNER), "chen"); /* one level up */
    assert_int_equal(deed(ACT, &id, "customer", ROLE_NONE, "close", "{\"note\":\"x\"}"), ERR_STATE);
    assert_int_equal(act(id, "report", "{\"note\":\"again\",\"finding\":\"justified\",\"cause\":\"manners\"}"), ERR_OK);
    assert_int_equal(act(id, "answer", "{\"note\":\"he apologises\"}"), ERR_OK);
    assert_int_equal(deed(ACT, &id, "customer", ROLE_NONE, "opinion", "{\"accepted\":true}"), ERR_OK);
    assert_string_equal(field(id, STATE), "closed accepted");
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE subject = 'complaint' AND met_ms IS NULL"), 0);
    assert_int_equal(number_of("SELECT COUNT(*) FROM improvement WHERE source = 'complaint' AND measure = 'training'"), 1);
    assert_int_equal(act(id, "note", "{\"note\":\"late\"}"), ERR_STATE);
    assert_int_equal(sql_save(sql), ERR_OK);
    assert_int_not_equal(sql_run(sql, "UPDATE complaint_event SET note = 'nothing'", ""), ERR_OK); /* append-only */
    sql_undo(sql);
    end();
}

/* Nobody says anything: warned and missed like other clocks, told once, up the chain to leadership and no further. */
static void test_what_is_overdue_goes_up(void **state)
{
    int64_t id;

    (void)state;
    begin();
    id = file("{\"kind\":\"feedback\",\"customer\":\"c\",\"detail\":\"the manual is hard to read\"}");
    pass(3 * HOUR + 59 * MINUTE);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE kind = 'complaint_acknowledge' AND warned_ms > 0"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM complaint_event WHERE action = 'overdue'"), 0);
    assert_int_equal(number_of("SELECT level FROM complaint"), 0);
    pass(2 * MINUTE);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE kind = 'complaint_acknowledge' AND breached_ms > 0"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM complaint_event WHERE action = 'overdue'"), 1);
    assert_string_equal(field(id, OWNER), "chen");
    pass(10 * DAY); /* the answer is missed too: who has it is told, and keeps it */
    assert_int_equal(number_of("SELECT COUNT(*) FROM complaint_event WHERE action = 'overdue'"), 2);
    assert_string_equal(field(id, OWNER), "chen");
    assert_true(number_of("SELECT COUNT(*) FROM outbox WHERE key LIKE 'duty:complaint_answer:%'") >= 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM (SELECT key, channel, target FROM outbox GROUP BY 1, 2, 3 HAVING COUNT(*) > 1) AS x"),
                     0);
    assert_int_equal(act(id, "classify", "{\"class\":\"product\",\"nature\":\"suggestion\",\"severity\":\"minor\"}"), ERR_OK);
    assert_int_equal(act(id, "forward", "{\"department\":\"quality\"}"), ERR_OK);
    assert_string_equal(field(id, OWNER), "ma");
    assert_int_equal(act(id, "refuse", "{\"note\":\"not ours\"}"), ERR_OK);
    assert_string_equal(field(id, OWNER), "chen");
    assert_int_equal(act(id, "report", "{\"note\":\"it is\",\"finding\":\"unjustified\"}"), ERR_OK);
    assert_int_equal(act(id, "answer", "{\"note\":\"thank you\"}"), ERR_OK);
    leap(now_ms + 15 * DAY); /* silence */
    assert_string_equal(field(id, STATE), "closed deemed");
    assert_int_equal(number_of("SELECT COUNT(*) FROM improvement WHERE source = 'complaint'"), 0);
    id = file("{\"equipment\":\"e\",\"team\":\"crew\",\"detail\":\"gas smell ignored\"}");
    assert_int_equal(act(id, "classify", "{\"class\":\"service\",\"nature\":\"safety\",\"severity\":\"severe\"}"), ERR_OK);
    assert_string_equal(field(id, OWNER), "chen"); /* straight up */
    id = file("{\"equipment\":\"e\",\"technician\":\"ma\",\"detail\":\"did not call back\"}");
    assert_string_equal(field(id, OWNER), "wang"); /* the supervisor himself is the one */
    end();
}

/* S0-155: opinions at a stand; who wants a repair gets a ticket. */
static void test_opinions(void **state)
{
    int64_t id = 0;

    (void)state;
    begin();
    (void)look();
    id = file("{\"id\":\"o1\",\"kind\":\"opinion\",\"channel\":\"outreach\",\"campaign\":\"spring\",\"nature\":\"praise\",\"contact\":\"Mrs Wu\","
              "\"detail\":\"works well\"}");
    assert_string_equal(field(id, STATE), "closed registered");
    id = file("{\"id\":\"o2\",\"kind\":\"opinion\",\"channel\":\"outreach\",\"campaign\":\"spring\",\"equipment\":\"e\",\"repair\":true,"
              "\"detail\":\"the water is cold\"}");
    assert_string_equal(field(id, REPAIR), "registered outreach");
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE subject = 'complaint'"), 0);
    assert_int_equal(deed(FILE_IT, &id, "desk", ROLE_DISPATCHER, "", "{\"kind\":\"opinion\",\"repair\":true,\"detail\":\"cold\"}"),
                     ERR_FORMAT);
    assert_int_equal(deed(FILE_IT, &id, "desk", ROLE_DISPATCHER, "", "{\"kind\":\"poem\",\"detail\":\"x\"}"), ERR_FORMAT);
    assert_int_equal(deed(FILE_IT, &id, "desk", ROLE_DISPATCHER, "", "{\"detail\":\"x\",\"team\":\"nobody\"}"), ERR_FORMAT);
    assert_int_equal(deed(FILE_IT, &id, "desk", ROLE_DISPATCHER, "", "{\"channel\":\"drum\",\"detail\":\"x\"}"), ERR_FORMAT);
    assert_int_equal(deed(FILE_IT, &id, "desk", ROLE_DISPATCHER, "", "{}"), ERR_FORMAT);
    leap(civil_days(2026, 12, 2) * DAY); /* management hears of the month, once */
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE key LIKE 'month:2026-11%' AND channel = 'log'"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox WHERE key LIKE 'month:2026-11%' AND channel = 'webhook' AND instr(body,"
                               " '\"opinions\":2') > 0"),
                     1);
    end();
}

/* S0-15, D-28: twice a year, filled in by telemetry; what is wrong becomes feedback that somebody owns. */
static void test_questionnaires(void **state)
{
    int64_t id;

    (void)state;
    begin();
    leap(civil_days(2026, 11, 27) * DAY);
    assert_int_equal(number_of("SELECT COUNT(*) FROM questionnaire"), 0);
    leap(civil_days(2026, 11, 29) * DAY);
    assert_int_equal(number_of("SELECT COUNT(*) FROM questionnaire"), 1);
    leap(civil_days(2026, 12, 5) * DAY);
    assert_int_equal(number_of("SELECT COUNT(*) FROM questionnaire"), 1); /* once a period */
    id = number_of("SELECT id FROM questionnaire");
    assert_int_equal(number_of("SELECT COUNT(*) FROM outbox o JOIN questionnaire q ON instr(o.body, q.code) > 0 WHERE o.notice ="
                               " 'questionnaire'"),
                     1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM questionnaire_line WHERE question = 'open' AND found = 'no'"), 1);
    assert_int_equal(deed(ANSWER, &id, "customer", ROLE_NONE, "", "{\"answers\":{\"1\":\"perhaps\"}}"), ERR_FORMAT);
    assert_int_equal(deed(ANSWER, &id, "customer", ROLE_NONE, "", "{\"answers\":{\"4\":9}}"), ERR_FORMAT);
    assert_int_equal(deed(ANSWER, &id, "customer", ROLE_NONE, "", "{}"), ERR_FORMAT);
    assert_int_equal(number_of("SELECT COUNT(*) FROM questionnaire_line WHERE answer IS NOT NULL"), 0);
    assert_int_equal(deed(ANSWER, &id, "customer", ROLE_NONE, "", "{\"answers\":{\"1\":\"no\",\"4\":2,\"5\":\"more heat\"}}"), ERR_OK);
    assert_int_equal(number_of("SELECT COUNT(*) FROM questionnaire_line WHERE question = 'open' AND answer = 'no'"), 1); /* confirmed */
    assert_int_equal(number_of("SELECT COUNT(*) FROM questionnaire_line WHERE alert = 1"), 2);
    assert_int_equal(number_of("SELECT COUNT(*) FROM complaint c JOIN questionnaire q ON q.complaint = c.id WHERE c.kind = 'feedback'"
                               " AND c.owner IS NOT NULL AND c.customer = q.customer"),
                     1);
    assert_int_equal(deed(ANSWER, &id, "customer", ROLE_NONE, "", "{\"answers\":{}}"), ERR_STATE);
    leap(civil_days(2027, 6, 1) * DAY);
    assert_int_equal(number_of("SELECT COUNT(*) FROM questionnaire"), 2);
    id = number_of("SELECT MAX(id) FROM questionnaire");
    leap(civil_days(2027, 7, 5) * DAY);
    assert_int_equal(deed(ANSWER, &id, "customer", ROLE_NONE, "", "{\"answers\":{}}"), ERR_STATE); /* it has ended */
    end();
}

/* S0-06, S0-16, S0-133: a call or a visit that is entered meets what was owed; the next is owed from it. */
static void test_the_register(void **state)
{
    int64_t id = 0, again = 0;

    (void)state;
    begin();
    pass(HOUR);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE kind = 'customer_contact' AND met_ms IS NULL"), 1);
    now_ms += DAY;
    assert_int_equal(deed(ENTER, &id, "clerk", ROLE_DISPATCHER, "", "{\"id\":\"r1\",\"channel\":\"phone\",\"direction\":\"out\",\"site\":\"s\","
                          "\"content\":\"all is well\",\"result\":\"nothing to do\",\"next\":\"2027-02-01\"}"),
                     ERR_OK);
    assert_int_equal(deed(ENTER, &again, "clerk", ROLE_DISPATCHER, "", "{\"id\":\"r1\",\"channel\":\"phone\",\"content\":\"x\"}"), ERR_OK);
    assert_int_equal(id, again);
    pass(2 * DAY);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE kind = 'customer_contact' AND met_ms IS NOT NULL"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE kind = 'customer_contact' AND met_ms IS NULL AND started_ms > 0"), 1);
    assert_int_equal(deed(ENTER, &id, "clerk", ROLE_DISPATCHER, "", "{\"channel\":\"phone\"}"), ERR_FORMAT);
    assert_int_equal(deed(ENTER, &id, "clerk", ROLE_DISPATCHER, "", "{\"channel\":\"owl\",\"content\":\"x\"}"), ERR_FORMAT);
    assert_int_equal(deed(ENTER, &id, "clerk", ROLE_DISPATCHER, "", "{\"channel\":\"phone\",\"content\":\"x\",\"next\":\"soon\"}"), ERR_FORMAT);
    assert_int_equal(sql_save(sql), ERR_OK);
    assert_int_not_equal(sql_run(sql, "UPDATE service_entry SET content = 'y'", ""), ERR_OK);
    sql_undo(sql);
    end();
}

static void survey(int n, int score)
{
    assert_int_equal(sql_run(sql,
                             "INSERT INTO survey (customer, plan, code, asked_ms, until_ms, occurrence, answered_ms, attitude,"
                             " quality, speed) VALUES ((SELECT id FROM customer), 'swh_standard', ?1, ?2, ?2, 0, ?2, ?3, ?3, ?3)",
                             "tii", (char[2]){(char)('a' + n), 0}, now_ms, (int64_t)score), ERR_OK);
}

/* S1-10, S2-15, S2-35: below the goal, one line a plan and month, with the rows behind it; its measure has a date and a check. */
static void test_what_is_improved(void **state)
{
    int64_t id;

    (void)state;
    begin();
    (void)look();
    for (int i = 0; i < 10; i++) {
        survey(i, i < 2 ? 1 : 5);
    }
    leap(civil_days(2026, 12, 1) * DAY);
    leap(civil_days(2026, 12, 9) * DAY);
    assert_int_equal(number_of("SELECT COUNT(*) FROM improvement WHERE source = 'survey' AND source_key = '2026-11 swh_standard' AND"
                               " state = 'open'"),
                     1);
    assert_int_equal(number_of("SELECT (LENGTH(evidence) - LENGTH(REPLACE(evidence, '\"survey\"', ''))) / 8 FROM improvement WHERE"
                               " source = 'survey'"),
                     2);
    for (int i = 10; i < 20; i++) {
        survey(i, 5);
    }
    leap(civil_days(2027, 1, 3) * DAY);
    assert_int_equal(number_of("SELECT COUNT(*) FROM improvement WHERE source = 'survey'"), 1); /* December was well */
    id = number_of("SELECT id FROM improvement WHERE source = 'survey'");
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "done", "{}"), ERR_STATE);
    assert_non_null(strstr(told_why, "Legal: plan drop"));
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "plan", "{\"owner\":\"ma\",\"due\":\"2027-02-01\"}"), ERR_FORMAT);
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "plan", "{\"measure\":\"call first\",\"owner\":\"ma\",\"due\":\"2026-02-01\"}"),
                     ERR_FORMAT);
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "plan", "{\"id\":\"p\",\"measure\":\"call first\",\"owner\":\"ma\",\"due\":\"2027-02-01\"}"),
                     ERR_OK);
    leap(civil_days(2027, 2, 3) * DAY);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE kind = 'improvement' AND breached_ms > 0"), 1);
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "done", "{\"id\":\"d\"}"), ERR_OK);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE kind = 'improvement_check' AND met_ms IS NULL"), 1);
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "check", "{\"effective\":false,\"note\":\"no better\"}"), ERR_OK);
    assert_int_equal(number_of("SELECT COUNT(*) FROM improvement WHERE source = 'survey' AND state = 'open'"), 1);
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "plan", "{\"measure\":\"two calls\",\"owner\":\"ma\",\"due\":\"2027-03-01\"}"),
                     ERR_OK);
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "done", "{}"), ERR_OK);
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "check", "{\"effective\":true,\"note\":\"better\"}"), ERR_OK);
    assert_int_equal(deed(IMPROVE_ACT, &id, "ma", ROLE_MANAGER, "drop", "{\"note\":\"x\"}"), ERR_STATE);
    assert_int_equal(number_of("SELECT COUNT(*) FROM clock WHERE subject = 'improvement' AND met_ms IS NULL AND cancelled_ms IS NULL"), 0);
    id = 0;
    assert_int_equal(deed(IMPROVE, &id, "ma", ROLE_MANAGER, "", "{\"title\":\"\",\"id\":\"i\"}"), ERR_FORMAT);
    assert_int_equal(deed(IMPROVE, &id, "ma", ROLE_MANAGER, "", "{\"title\":\"better boxes\",\"id\":\"i\"}"), ERR_OK);
    assert_true(id > 0);
    end();
}

/* Every action is legal somewhere, and nothing is when it is over. */
static void test_the_table(void **state)
{
    static const char *const actions[] = {"acknowledge", "classify", "forward", "refuse", "report", "answer",
                                          "opinion",     "escalate", "note",    "close",  "withdraw"};
    TEXT(legal, 200);

    (void)state;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        const struct complaint_move *move = complaint_move(actions[i]);

        assert_non_null(move);
        assert_true(move->from != 0 && !(move->from >> COMPLAINT_CLOSED & 1));
        assert_false(move->may & (ROLE_BIT(ROLE_VIEWER) | ROLE_BIT(ROLE_TECHNICIAN)));
    }
    assert_null(complaint_move("dance"));
    complaint_legal(COMPLAINT_CLOSED, ROLE_ADMIN, &legal);
    assert_string_equal(legal.at, "nothing");
    text_clear(&legal);
    complaint_legal(COMPLAINT_ANSWERED, ROLE_DISPATCHER, &legal);
    assert_string_equal(legal.at, "acknowledge opinion note withdraw"); /* closing without a word is the manager's */
    assert_int_equal(complaint_word(complaint_kind_names, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),      cmocka_unit_test(test_the_chain),
        cmocka_unit_test(test_what_is_overdue_goes_up), cmocka_unit_test(test_opinions),
        cmocka_unit_test(test_questionnaires), cmocka_unit_test(test_the_register),
        cmocka_unit_test(test_what_is_improved),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-relation-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules) ||
        rules_add_notices(rules, "models/notices") || rules_add_codes(rules, "models/codes.yaml")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
