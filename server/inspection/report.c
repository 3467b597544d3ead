/* The report of an inspection: drafted once it is done, sent to its readers, owed until each of them has it. */
#include <string.h>

#include "host/log.h"
#include "models/base/zone.h"
#include "models/service/notice.h"
#include "server/case/customer.h"
#include "server/case/duties.h"
#include "server/inspection/inspection_int.h"
#include "server/notice/outbox.h"

#define SLICE        20
#define SENT_SLICE   200
#define STEP         "inspection_report"
#define REPORT_MOST  (512 * 1024)
#define READERS_MOST 20
#define ADVICE_MOST  3 /* in the letter; the report has all */

struct report {
    struct office *office;
    struct sql *sql;
    struct inspected inspected;
    struct place place;
    const struct zone *zone;
    const struct cJSON *body;
    const char *site_name, *address, *customer_name, *customer_email, *customer_language, *site_doc, *team_name, *team_email;
    int64_t customer, now_ms, position;
};

static const char *keep(struct report *report, const char *words)
{
    return words ? arena_text(report->office->arena, words, strlen(words)) : NULL;
}

static const struct cJSON *parse(struct report *report, const char *words)
{
    const struct cJSON *value = NULL;

    return words && !json_parse(report->office->arena, words, strlen(words), &value, NULL) ? value : NULL;
}

/* ------------------------------------------------------------------ drafted */

static enum err read_parties(struct report *report)
{
    const struct cJSON *doc;
    struct sql_rows rows;
    enum err err;

    sql_find(report->sql, &rows,
             "SELECT s.name, s.address, s.doc, c.id, c.title, c.doc, m.title, m.doc FROM equipment e LEFT JOIN site s ON s.id ="
             " e.site LEFT JOIN customer c ON c.id = s.customer LEFT JOIN team m ON m.id = COALESCE((SELECT x.team FROM"
             " equipment_team x WHERE x.equipment = e.id), (SELECT MIN(y.team) FROM team_site y WHERE y.site = e.site)) WHERE"
             " e.id = ?1",
             "i", report->inspected.equipment);
    if (sql_next(&rows)) {
        report->site_name = keep(report, sql_text(&rows, 0));
        report->address = keep(report, sql_text(&rows, 1));
        report->site_doc = keep(report, sql_text(&rows, 2));
        report->customer = sql_int(&rows, 3);
        report->customer_name = keep(report, sql_text(&rows, 4));
        doc = parse(report, keep(report, sql_text(&rows, 5)));
        report->customer_email = json_text_or(doc, "email", NULL);
        report->customer_language = json_text_or(doc, "language", NULL);
        report->team_name = keep(report, sql_text(&rows, 6));
        report->team_email = json_text_or(parse(report, keep(report, sql_text(&rows, 7))), "email", NULL);
    }
    err = sql_end(&rows);
    return err;
}

static enum err put_proposals(struct report *report, struct json_out *out)
{
    int64_t ids[64];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(report->sql, &rows, "SELECT id FROM proposal WHERE equipment = ?1 AND state IN ('open', 'accepted') ORDER BY id"
                                 " LIMIT 64",
             "i", report->inspected.equipment);
    while (count < 64 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    json_key(out, "proposals");
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        err = proposal_show(report->sql, report->zone, ids[i], out);
    }
    json_close_list(out);
    return err;
}

static void put_origin(struct report *report, struct json_out *out)
{
    const struct plan_limit *limit = report->place.plan ? &report->place.plan->duties[PLAN_DUTY_REPORT] : NULL;
    TEXT(words, 32);

    json_key(out, "promise");
    json_open_object(out);
    json_text(out, "plan", report->place.plan ? report->place.plan->id : NULL);
    if (limit && limit->set) {
        char flag[2] = {limit->origin.flag, '\0'};

        text_addf(&words, "%lld%s", (long long)limit->limit.count, duration_unit_text(limit->limit.unit));
        json_text(out, "report", words.at);
        json_text(out, "origin", flag);
        json_text(out, "note", limit->origin.note);
    }
    json_close_object(out);
}

/* How many persons have to approve it before anybody gets it. */
static int64_t approvals_of(const struct report *report)
{
    return report->place.plan ? (int64_t)report->place.plan->rounds.report : 0;
}

static enum err draft(struct report *report)
{
    struct json_out out = json_out(REPORT_MOST);
    TEXT(done, 48);
    enum err err;

    zone_write(report->zone, report->inspected.done_ms, &done);
    json_open_object(&out);
    json_text(&out, "number", report->inspected.number);
    json_text(&out, "equipment", report->place.name);
    json_text(&out, "title", report->place.title);
    json_text(&out, "site", report->site_name);
    json_text(&out, "address", report->address);
    json_text(&out, "customer", report->customer_name);
    json_text(&out, "done_at", done.at);
    json_text(&out, "verdict", report->inspected.verdict);
    put_origin(report, &out);
    err = inspection_show_lines(report->office->arena, report->sql, report->zone, report->inspected.id, &out);
    err = err ? err : put_proposals(report, &out);
    json_close_object(&out);
    err = err ? err : out.err;
    err = err ? err
              : sql_run(report->sql,
                        "INSERT INTO inspection_report (inspection, drafted_ms, body, approvals) VALUES (?1, ?2, ?3, ?4) ON"
                        " CONFLICT (inspection) DO NOTHING",
                        "iiti", report->inspected.id, report->now_ms, out.bytes, approvals_of(report));
    if (!err) {
        report->body = parse(report, keep(report, out.bytes));
    }
    json_out_free(&out);
    return err;
}

/* ------------------------------------------------------------------ sent */

/* What failed, in a sentence, with the first pieces of advice. */
static void put_summary(const struct report *report, bool zh, struct text *note, struct text *advice)
{
    const struct cJSON *summary = json_field(report->body, "summary");
    size_t told = 0;

    text_addf(note, zh ? "共 %lld 项，合格 %lld 项，不合格 %lld 项，未知 %lld 项；较上月好转 %lld 项，变差 %lld 项"
                       : "%lld lines: %lld well, %lld failed, %lld unknown; %lld better and %lld worse than the month before",
              (long long)json_int_or(summary, "lines", 0), (long long)json_int_or(summary, "pass", 0),
              (long long)json_int_or(summary, "fail", 0), (long long)json_int_or(summary, "unknown", 0),
              (long long)json_int_or(summary, "better", 0), (long long)json_int_or(summary, "worse", 0));
    for (const struct cJSON *line = json_first(json_field(report->body, "lines")); line; line = json_next(line)) {
        const char *words = json_text_or(json_field(line, "advice"), zh ? "zh" : "en", NULL);

        if (text_same(json_text_or(line, "verdict", ""), "fail") && told < ADVICE_MOST) {
            text_addf(advice, "%s%s%s%s", told ? "; " : "", json_text_or(json_field(line, "title"), zh ? "zh" : "en", ""),
                      words ? ": " : "", words ? words : "");
            told++;
        }
    }
}

static void render_one(const struct report *report, const char *template, bool zh, const char *link, struct text *to)
{
    static const struct {
        const char *light;
        struct words2 words;
    } lights[] = {{"green", {"all well", "正常"}}, {"amber", {"to be looked at", "需关注"}}, {"red", {"action needed", "需处理"}}};
    const char *light = json_text_or(report->body, "result", ""), *values[NOTICE_FIELDS] = {NULL};
    TEXT(note, 1000);
    TEXT(advice, 2000);

    put_summary(report, zh, &note, &advice);
    values[NOTICE_NUMBER] = report->inspected.number;
    values[NOTICE_EQUIPMENT] = report->place.title ? report->place.title : report->place.name;
    values[NOTICE_TITLE] = values[NOTICE_EQUIPMENT];
    for (size_t i = 0; i < sizeof(lights) / sizeof(lights[0]); i++) {
        if (text_same(lights[i].light, light)) {
            values[NOTICE_STATE] = zh ? lights[i].words.zh : lights[i].words.en;
        }
    }
    values[NOTICE_NOTE] = note.at;
    values[NOTICE_ADVICE] = advice.at;
    values[NOTICE_LINK] = link;
    notice_render(template, values, to);
}

static void render(const struct report *report, const struct words2 *words, const char *language, const char *between,
                   const char *link, struct text *to)
{
    bool zh_only = text_same(language, "zh"), en_only = text_same(language, "en");

    if (!zh_only) {
        render_one(report, words->en, false, link, to);
    }
    if (!en_only) {
        text_add(to, zh_only ? "" : between);
        render_one(report, words->zh, true, link, to);
    }
}

static const struct notice_rule *find_rule(const struct rules *rules)
{
    for (size_t i = 0; i < rules_notices_count(rules); i++) {
        const struct notices *notices = rules_notices_at(rules, i);

        for (size_t k = 0; k < notices->count; k++) {
            if (notice_is_on(&notices->rules[k], STEP)) {
                return &notices->rules[k];
            }
        }
    }
    return NULL;
}

static enum err send_to(struct report *report, const char *role, const char *name, const char *email, const char *language)
{
    const struct notice_rule *rule = find_rule(report->office->options.rules);
    bool mail = report->office->options.has_smtp && email && rule;
    int64_t position = ++report->position;
    TEXT(key, 120);
    TEXT(subject, 1000);
    TEXT(body, 8000);
    TEXT(link, 600);
    struct notice notice = {.key = key.at,
                            .channel = mail ? "smtp" : "none",
                            .target = email,
                            .subject = subject.at,
                            .body = body.at,
                            .customer = text_same(role, "customer") ? report->customer : 0,
                            .rule = rule ? rule->id : NULL,
                            .due_ms = customer_after_quiet(report->place.plan, report->zone, report->now_ms)};
    enum err err;

    text_addf(&key, "inspection:%s:%lld", report->inspected.number, (long long)position);
    if (report->office->options.public_url) {
        text_addf(&link, "%s/api/v1/inspections/%s/report?format=html", report->office->options.public_url,
                  report->inspected.number);
    }
    if (rule) {
        render(report, &rule->subject, language, " · ", link.at, &subject);
        render(report, &rule->body, language, "\n", link.at, &body);
        err = notify_put(report->sql, report->now_ms, &notice);
    } else {
        err = ERR_OK;
    }
    return err ? err
               : sql_run(report->sql,
                         "INSERT INTO inspection_reader (inspection, position, role, name, target, key, state) VALUES (?1, ?2,"
                         " ?3, ?4, ?5, ?6, ?7)",
                         "iittttt", report->inspected.id, position, role, name, email, key.at, mail ? "waiting" : "none");
}

/* Who is named at the site; else its customer, the team and the desk. */
static enum err send(struct report *report)
{
    const struct cJSON *list = json_field(parse(report, report->site_doc), "reports");
    const char *desk = report->office->options.mail_to;
    enum err err = ERR_OK;

    for (const struct cJSON *item = json_first(list); item && !err && report->position < READERS_MOST; item = json_next(item)) {
        err = send_to(report, json_text_or(item, "role", "site"), json_text_or(item, "name", NULL),
                      json_text_or(item, "email", NULL), json_text_or(item, "language", NULL));
    }
    if (err || list) {
        return err;
    }
    err = send_to(report, "customer", report->customer_name, report->customer_email, report->customer_language);
    if (!err && report->team_email) {
        err = send_to(report, "team", report->team_name, report->team_email, NULL);
    }
    return err || !desk ? err : send_to(report, "manager", NULL, desk, NULL);
}

static enum err owe(struct report *report)
{
    const struct plan *plan = report->place.plan;
    struct duty duty = {.subject = "inspection", .id = report->inspected.id, .kind = plan_duty_names[PLAN_DUTY_REPORT],
                        .start = "inspected", .stop = "delivered", .warn = 0.75, .started_ms = report->inspected.done_ms,
                        .site = report->place.site, .calendar = report->place.calendar,
                        .time_zone = report->place.time_zone};
    enum err err;

    if (!plan || !plan->duties[PLAN_DUTY_REPORT].set) {
        return ERR_OK;
    }
    duty.limit = &plan->duties[PLAN_DUTY_REPORT];
    duty.plan_hash = plan->hash;
    err = rules_keep_plan(report->sql, plan, report->now_ms);
    return err ? err : duty_start(report->sql, &duty);
}

static enum err begin(struct report *report, int64_t id)
{
    struct office *office = report->office;
    enum err err = inspected_read(office->arena, report->sql, id, &report->inspected);

    err = err ? err : place_find(office, report->sql, report->inspected.equipment, 0, report->now_ms, &report->place);
    if (!err) {
        report->zone = rules_zone(office->options.rules, report->place.time_zone);
        report->zone = report->zone ? report->zone : zone_utc();
        err = read_parties(report);
    }
    return err;
}

static enum err report_one(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct report report = {.office = office, .sql = sql, .now_ms = now_ms};
    enum err err = begin(&report, id);

    err = err ? err : proposals_make(office, sql, &report.place, id, now_ms);
    err = err ? err : draft(&report);
    err = err ? err : owe(&report);
    err = err || approvals_of(&report) ? err : send(&report);
    return err ? err : sql_run(sql, "UPDATE inspection SET reported_ms = ?2 WHERE id = ?1", "ii", id, now_ms);
}

enum err inspection_send(struct office *office, struct sql *sql, int64_t inspection, int64_t now_ms)
{
    struct report report = {.office = office, .sql = sql, .now_ms = now_ms};
    struct sql_rows rows;
    enum err err = begin(&report, inspection), end;

    sql_find(sql, &rows, "SELECT body FROM inspection_report WHERE inspection = ?1", "i", inspection);
    if (sql_next(&rows)) {
        report.body = parse(&report, keep(&report, sql_text(&rows, 0)));
    }
    end = sql_end(&rows);
    return err ? err : end ? end : send(&report);
}

/* ------------------------------------------------------------------ received */

struct sent {
    int64_t inspection, position, sent_ms;
    bool failed;
};

static enum err note_sent(struct sql *sql, const struct sent *sent)
{
    enum err err = sql_run(sql, "UPDATE inspection_reader SET state = ?3, sent_ms = NULLIF(?4, 0) WHERE inspection = ?1 AND"
                                " position = ?2",
                           "iiti", sent->inspection, sent->position, sent->failed ? "failed" : "sent", sent->sent_ms);

    return err;
}

/* All have it: that is what was owed. */
static enum err note_delivered(struct sql *sql, int64_t inspection)
{
    int64_t at_ms = sql_find_int(sql, 0,
                                 "SELECT CASE WHEN SUM(CASE WHEN state = 'sent' THEN 0 ELSE 1 END) = 0 THEN MAX(sent_ms) END"
                                 " FROM inspection_reader WHERE inspection = ?1",
                                 "i", inspection);
    enum err err;

    if (!at_ms) {
        return ERR_OK;
    }
    err = sql_run(sql, "UPDATE inspection_report SET delivered_ms = ?2 WHERE inspection = ?1 AND delivered_ms IS NULL", "ii",
                  inspection, at_ms);
    return err ? err : duty_stop(sql, "inspection", inspection, plan_duty_names[PLAN_DUTY_REPORT], at_ms);
}

enum err inspection_received(struct sql *sql, int64_t inspection)
{
    return note_delivered(sql, inspection);
}

enum err inspection_receipts(struct sql *sql)
{
    struct sent sent[SENT_SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT r.inspection, r.position, o.sent_ms, CASE WHEN o.state = 'sent' AND COALESCE(o.receipt, '') <> 'failed'"
             " THEN 0 ELSE 1 END FROM inspection_reader r JOIN outbox o ON o.key = r.key WHERE r.state = 'waiting' AND o.state"
             " <> 'waiting' LIMIT 200",
             "");
    while (count < SENT_SLICE && sql_next(&rows)) {
        sent[count++] = (struct sent){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3) != 0};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = note_sent(sql, &sent[i]);
        err = err ? err : note_delivered(sql, sent[i].inspection);
    }
    return err;
}

/* One that fails is undone alone and not tried again: a person sees an inspection without a report. */
static enum err report_alone(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    enum err err = sql_save(sql), outcome;

    if (err) {
        return err;
    }
    outcome = report_one(office, sql, id, now_ms);
    if (!outcome) {
        sql_release(sql);
        return ERR_OK;
    }
    log_error("the report of an inspection could not be made: %s (%s)", err_text(outcome), sql_why(sql));
    if (sql_is_broken(sql)) {
        return outcome;
    }
    sql_undo(sql);
    return sql_run(sql, "UPDATE inspection SET reported_ms = ?2 WHERE id = ?1", "ii", id, now_ms);
}

enum err inspection_reports(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id FROM inspection WHERE state = 'done' AND checklist IS NOT NULL AND reported_ms IS NULL ORDER BY done_ms"
             " LIMIT 20",
             "");
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = report_alone(office, sql, ids[i], now_ms);
    }
    return err;
}
