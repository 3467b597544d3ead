/*
 * What is about to lapse, or has: certificates and exams of technicians, tools' calibrations and services, and orders that
 * were given to somebody for a day on which he will not be allowed any more. The person, the team's lead, the supervisors and
 * the address of server.yaml's `notify` are told; each fact once before and once when it has come to pass.
 */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/hash.h"
#include "server/case/ticket.h"
#include "server/notice/outbox.h"
#include "server/training/tool.h"
#include "server/training/training_int.h"

#define SLICE      500
#define WARN_DAYS  30 /* where no course says how long before */
#define STALE_DAYS 30 /* what lapsed longer ago than that when it is first seen is history */
#define TOLD_MOST  16

struct lapse {
    const char *what, *about, *title; /* certificate exam calibration service; of what; of whom, for people */
    const struct crew_person *person; /* or NULL */
    int32_t day;                      /* the last one on which it holds */
    int64_t warn_days;
};

struct watch {
    struct office *office;
    struct sql *sql;
    const struct crew *crew;
    int32_t today;
    int64_t now_ms;
};

static void add_mail(const char *mails[TOLD_MOST], size_t *count, const char *mail)
{
    for (size_t i = 0; mail && i < *count; i++) {
        if (strcmp(mails[i], mail) == 0) {
            return;
        }
    }
    if (mail && *count < TOLD_MOST) {
        mails[(*count)++] = mail;
    }
}

/* Beside those whom office_tell reaches. */
static enum err mail_people(const struct watch *watch, const struct lapse *lapse, const char *key_begin, const char *subject,
                            const char *words)
{
    const struct crew_person *person = lapse->person, *lead = person && person->team && person->team->lead
                                                                 ? crew_person_named(watch->crew, person->team->lead)
                                                                 : NULL;
    const char *mails[TOLD_MOST];
    size_t count = 0;
    enum err err = ERR_OK;

    add_mail(mails, &count, person ? person->email : NULL);
    add_mail(mails, &count, lead ? lead->email : NULL);
    for (size_t i = 0; i < watch->crew->person_count; i++) {
        add_mail(mails, &count, watch->crew->people[i].roles & CREW_SUPERVISOR ? watch->crew->people[i].email : NULL);
    }
    for (size_t i = 0; !err && watch->office->options.has_smtp && i < count; i++) {
        TEXT(key, 300);
        char hash[17];
        struct notice notice = {.key = key.at, .channel = "smtp", .target = mails[i], .subject = subject, .body = words,
                                .due_ms = watch->now_ms};

        hash_hex(hash_bytes(mails[i], strlen(mails[i])), hash);
        text_addf(&key, "%s:person:%s", key_begin, hash);
        err = notify_put(watch->sql, watch->now_ms, &notice);
    }
    return err;
}

static enum err put_body(const struct lapse *lapse, const char *step, const char *day, const char *subject, struct json_out *out)
{
    json_open_object(out);
    json_null(out, "ticket");
    json_text(out, "step", step);
    json_text(out, "what", lapse->what);
    json_text(out, "about", lapse->about);
    json_text(out, "technician", lapse->person ? lapse->person->name : NULL);
    json_text(out, "valid_to", day);
    json_text(out, "message", subject);
    json_close_object(out);
    return out->err;
}

/* Before it ends, and when it has ended: each once. */
static enum err judge(const struct watch *watch, const struct lapse *lapse)
{
    bool over = lapse->day < watch->today;
    struct json_out body = json_out(4096);
    TEXT(subject, 400);
    TEXT(words, 900);
    TEXT(key, 220);
    char day[11];
    enum err err;

    if (lapse->day > watch->today + lapse->warn_days || lapse->day < watch->today - STALE_DAYS) {
        return ERR_OK;
    }
    civil_write_date(lapse->day, day);
    text_addf(&key, "lapse:%s:%.64s:%.64s:%s:%s", lapse->what, lapse->person ? lapse->person->name : "-", lapse->about, day,
              over ? "over" : "warn");
    if (sql_find_int(watch->sql, 0, "SELECT 1 FROM mark WHERE name = ?1", "t", key.at)) {
        return ERR_OK;
    }
    text_addf(&subject, "%s %.64s of %.100s %s %s", lapse->what, lapse->about, lapse->title, over ? "ran out on" : "ends on", day);
    text_addf(&words, "%s\n%.100s 的 %.64s（%s）%s %s。\n", subject.at, lapse->title, lapse->about, lapse->what,
              over ? "已于以下日期失效：" : "将于以下日期到期：", day);
    err = put_body(lapse, over ? "lapsed" : "lapses", day, subject.at, &body);
    err = err ? err : office_tell(watch->office, watch->sql, key.at, subject.at, body.bytes, words.at, watch->now_ms);
    err = err ? err : mail_people(watch, lapse, key.at, subject.at, words.at);
    json_out_free(&body);
    return err ? err : sql_run(watch->sql, "INSERT INTO mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING", "ti",
                               key.at, watch->now_ms);
}

/* ------------------------------------------------------------------ people */

/* So long before as the course says that gives it. */
static int64_t warn_days(const struct watch *watch, const char *type)
{
    for (size_t i = 0; i < rules_course_count(watch->office->options.rules); i++) {
        const struct training_course *course = rules_course_at(watch->office->options.rules, i);

        if (type ? text_same(course->certificate, type) : course->exam) {
            return course->warn_days;
        }
    }
    return WARN_DAYS;
}

/* Of a type the one that lasts longest counts. */
static bool is_best(const struct crew_person *person, size_t index)
{
    for (size_t i = 0; i < person->certificate_count; i++) {
        const struct routing_certificate *other = &person->certificates[i], *mine = &person->certificates[index];

        if (text_same(other->type, mine->type) &&
            (other->valid_to > mine->valid_to || (other->valid_to == mine->valid_to && i < index))) {
            return false;
        }
    }
    return true;
}

static enum err judge_person(const struct watch *watch, const struct crew_person *person)
{
    const char *title = person->title ? person->title : person->name;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < person->certificate_count; i++) {
        const struct routing_certificate *one = &person->certificates[i];

        if (one->type && one->valid_to != ROUTING_FOR_EVER && is_best(person, i)) {
            struct lapse lapse = {"certificate", one->type, title, person, one->valid_to, warn_days(watch, one->type)};

            err = judge(watch, &lapse);
        }
    }
    if (!err && person->exam_due != ROUTING_NO_DAY) {
        struct lapse lapse = {"exam", "periodic", title, person, person->exam_due, warn_days(watch, NULL)};

        err = judge(watch, &lapse);
    }
    return err;
}

/* ------------------------------------------------------------------ tools */

static const struct crew_person *person_with(const struct watch *watch, int64_t id)
{
    for (size_t i = 0; id && i < watch->crew->person_count; i++) {
        if (watch->crew->people[i].id == id) {
            return &watch->crew->people[i];
        }
    }
    return NULL;
}

struct tool_row {
    const char *name, *title;
    int64_t holder, valid, service, warn;
};

static enum err judge_tools(const struct watch *watch)
{
    struct tool_row *all = arena_array(watch->office->arena, SLICE, sizeof(*all));
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!all) {
        return ERR_NOMEM;
    }
    sql_find(watch->sql, &rows,
             "SELECT t.name, COALESCE(t.title, t.class), COALESCE(t.technician, (SELECT d.technician FROM depot d WHERE d.id ="
             " t.depot)), COALESCE(t.valid_day, 2147483647), COALESCE(t.service_day, 2147483647), t.warn_days FROM tool t WHERE"
             " t.state IN ('ready', 'repair', 'suspect') AND ((t.valid_day BETWEEN ?1 AND ?2 + t.warn_days) OR (t.service_day"
             " BETWEEN ?1 AND ?2 + t.warn_days)) ORDER BY t.id LIMIT 500",
             "ii", (int64_t)watch->today - STALE_DAYS, (int64_t)watch->today);
    while (count < SLICE && sql_next(&rows)) {
        all[count++] = (struct tool_row){training_keep(watch->office, sql_text(&rows, 0)),
                                         training_keep(watch->office, sql_text(&rows, 1)), sql_int(&rows, 2), sql_int(&rows, 3),
                                         sql_int(&rows, 4), sql_int(&rows, 5)};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        const struct tool_row *tool = &all[i];
        const struct crew_person *holder = person_with(watch, tool->holder);
        struct lapse valid = {"calibration", tool->name, tool->title, holder, (int32_t)tool->valid, tool->warn};
        struct lapse service = {"service", tool->name, tool->title, holder, (int32_t)tool->service, tool->warn};

        err = judge(watch, &valid);
        err = err ? err : judge(watch, &service);
    }
    return err;
}

/* ------------------------------------------------------------------ orders ahead */

struct ahead {
    int64_t technician, from_ms;
    const char *number, *job, *time_zone;
};

/* It was given to him before his certificate was known to end, or the day was moved since. */
static enum err judge_order(const struct watch *watch, const struct ahead *order)
{
    const struct zone *zone = order->time_zone ? rules_zone(watch->office->options.rules, order->time_zone) : NULL;
    struct fit_ask ask = {.technician = order->technician, .day = zone_day(zone ? zone : zone_utc(), order->from_ms)};
    const struct crew_person *person = person_with(watch, order->technician);
    TEXT(certificates, 400);
    TEXT(tools, 400);
    TEXT(key, 200);
    TEXT(subject, 1000);
    TEXT(words, 2000);
    TEXT(body, 400);
    enum err err = order->job ? json_parse(watch->office->arena, order->job, strlen(order->job), &ask.job, NULL) : ERR_OK;

    err = err ? ERR_OK : fit_find(watch->office, watch->sql, &ask, &certificates, &tools);
    if (err || !person || (!certificates.length && !tools.length)) {
        return err;
    }
    text_addf(&key, "unfit:%s:%.64s:%d", order->number, person->name, (int)ask.day);
    if (sql_find_int(watch->sql, 0, "SELECT 1 FROM mark WHERE name = ?1", "t", key.at)) {
        return ERR_OK;
    }
    text_addf(&subject, "Work order %s cannot go ahead as planned: %s%s%s", order->number, certificates.at,
              certificates.length && tools.length ? "; " : "", tools.at);
    text_addf(&words, "%s\n工单 %s 不能按计划执行，请改派或更换工具。\n", subject.at, order->number);
    text_addf(&body, "{\"ticket\":null,\"step\":\"unfit\",\"work_order\":\"%s\",\"technician\":\"%s\"}", order->number,
              person->name);
    struct lapse lapse = {.person = person};

    err = office_tell(watch->office, watch->sql, key.at, subject.at, body.at, words.at, watch->now_ms);
    err = err ? err : mail_people(watch, &lapse, key.at, subject.at, words.at);
    return err ? err : sql_run(watch->sql, "INSERT INTO mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING", "ti",
                               key.at, watch->now_ms);
}

static enum err judge_orders(const struct watch *watch)
{
    struct ahead *all = arena_array(watch->office->arena, SLICE, sizeof(*all));
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!all) {
        return ERR_NOMEM;
    }
    sql_find(watch->sql, &rows,
             "SELECT w.technician, w.from_ms, w.number, w.job, s.time_zone FROM work_order w LEFT JOIN site s ON s.id = w.site WHERE"
             " w.technician IS NOT NULL AND w.from_ms >= ?1 AND w.state IN ('assigned', 'accepted') AND NOT EXISTS (SELECT 1 FROM"
             " work_override o WHERE o.work_order = w.id AND o.need IN ('certificate', 'tools')) ORDER BY w.from_ms LIMIT 500",
             "i", watch->now_ms);
    while (count < SLICE && sql_next(&rows)) {
        all[count++] = (struct ahead){sql_int(&rows, 0), sql_int(&rows, 1), training_keep(watch->office, sql_text(&rows, 2)),
                                      training_keep(watch->office, sql_text(&rows, 3)),
                                      training_keep(watch->office, sql_text(&rows, 4))};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = judge_order(watch, &all[i]);
    }
    return err;
}

enum err training_warn(struct office *office, struct sql *sql, int64_t now_ms)
{
    const struct zone *zone = office->options.time_zone ? rules_zone(office->options.rules, office->options.time_zone) : NULL;
    struct watch watch = {.office = office, .sql = sql, .today = zone_day(zone ? zone : zone_utc(), now_ms), .now_ms = now_ms};
    enum err err = office_crew(office, sql, &watch.crew);

    for (size_t i = 0; !err && i < watch.crew->person_count; i++) {
        err = judge_person(&watch, &watch.crew->people[i]);
    }
    err = err ? err : judge_tools(&watch);
    return err ? err : judge_orders(&watch);
}
