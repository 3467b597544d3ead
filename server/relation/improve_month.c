/* Once a month: what was below its target becomes a line of the improvement register, and management is told. */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "server/relation/improve.h"

#define FEWEST     3 /* answers below which a month says nothing */
#define PLANS_MOST 64

struct month {
    struct office *office;
    struct sql *sql;
    int64_t from_ms, to_ms, now_ms;
    char name[8]; /* 2026-11 */
};

static const struct zone *zone_of(const struct office *office)
{
    const struct zone *zone = rules_zone(office->options.rules, office->options.time_zone);

    return zone ? zone : zone_utc();
}

/* The first day of the month before the one of now_ms. */
static struct month month_before(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct month month = {.office = office, .sql = sql, .now_ms = now_ms};
    int year, number, day;
    char date[11];
    int32_t first;

    civil_from_days(zone_day(zone_of(office), now_ms), &year, &number, &day);
    first = civil_days(year, number, 1);
    month.to_ms = zone_instant(zone_of(office), first, 0);
    first = civil_add_months(first, -1);
    month.from_ms = zone_instant(zone_of(office), first, 0);
    civil_write_date(first, date);
    memcpy(month.name, date, 7);
    return month;
}

/* ------------------------------------------------------------------ surveys */

/* Every answer that was not satisfied, with the ticket that it was about. */
static enum err survey_rows(const struct month *month, const char *plan, struct json_out *out)
{
    struct sql_rows rows;

    json_open_list(out);
    sql_find(month->sql, &rows,
             "SELECT v.id, t.number, v.attitude, v.quality, v.speed, v.comment FROM survey v LEFT JOIN ticket t ON t.id = v.ticket"
             " WHERE v.asked_ms >= ?1 AND v.asked_ms < ?2 AND v.plan = ?3 AND v.answered_ms IS NOT NULL AND (v.attitude < 4 OR"
             " v.quality < 4 OR v.speed < 4) ORDER BY v.id LIMIT 100",
             "iit", month->from_ms, month->to_ms, plan);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_int(out, "survey", sql_int(&rows, 0));
        json_text(out, "ticket", sql_text(&rows, 1));
        json_int(out, "attitude", sql_int(&rows, 2));
        json_int(out, "quality", sql_int(&rows, 3));
        json_int(out, "speed", sql_int(&rows, 4));
        json_text(out, "comment", sql_text(&rows, 5));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err low_plan(const struct month *month, const char *id, int64_t answers, double share)
{
    const struct plan *plan = rules_plan(month->office->options.rules, id);
    struct json_out evidence = json_out(256 * 1024);
    TEXT(key, 120);
    TEXT(title, 200);
    struct improvement new = {.source = "survey", .key = key.at, .title = title.at, .who = "heliograph"};
    enum err err;

    if (!plan || answers < FEWEST || share >= plan->survey.target) {
        json_out_free(&evidence);
        return ERR_OK;
    }
    text_addf(&key, "%s %s", month->name, id);
    text_addf(&title, "%d %% satisfied in %s with plan %s, %d %% is the goal", (int)(100 * share + 0.5), month->name, id,
              (int)(100 * plan->survey.target + 0.5));
    err = survey_rows(month, id, &evidence);
    new.key = key.at;
    new.title = title.at;
    new.evidence = evidence.bytes;
    err = err ? err : evidence.err ? evidence.err : improve_open(month->sql, &new, month->now_ms);
    json_out_free(&evidence);
    return err;
}

static enum err low_surveys(const struct month *month)
{
    struct {
        char id[65];
        int64_t answers;
        double share;
    } plans[PLANS_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(month->sql, &rows,
             "SELECT plan, COUNT(*), AVG(((CASE WHEN attitude >= 4 THEN 1 ELSE 0 END) + (CASE WHEN quality >= 4 THEN 1 ELSE 0"
             " END) + (CASE WHEN speed >= 4 THEN 1 ELSE 0 END)) / 3.0) FROM survey WHERE asked_ms >= ?1 AND asked_ms < ?2 AND"
             " answered_ms IS NOT NULL GROUP BY plan ORDER BY plan LIMIT 64",
             "ii", month->from_ms, month->to_ms);
    while (count < PLANS_MOST && sql_next(&rows)) {
        if (text_copy(plans[count].id, sizeof(plans[0].id), sql_text(&rows, 0)) == ERR_OK) {
            plans[count].answers = sql_int(&rows, 1);
            plans[count++].share = sql_real(&rows, 2);
        }
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = low_plan(month, plans[i].id, plans[i].answers, plans[i].share);
    }
    return err;
}

/* ------------------------------------------------------------------ the clocks that were missed most */

static enum err breach_rows(const struct month *month, const char *kind, struct json_out *out)
{
    struct sql_rows rows;

    json_open_list(out);
    sql_find(month->sql, &rows,
             "SELECT k.id, t.number, k.subject, k.subject_id FROM clock k LEFT JOIN ticket t ON t.id = k.ticket WHERE k.kind = ?1"
             " AND k.breached_ms >= ?2 AND k.breached_ms < ?3 ORDER BY k.breached_ms LIMIT 100",
             "tii", kind, month->from_ms, month->to_ms);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_int(out, "clock", sql_int(&rows, 0));
        json_text(out, "ticket", sql_text(&rows, 1));
        json_text(out, "subject", sql_text(&rows, 2));
        json_int(out, "id", sql_int(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err worst_clock(const struct month *month, char kind[65], int64_t *ret_count)
{
    struct json_out evidence = json_out(64 * 1024);
    TEXT(title, 200);
    struct improvement new = {.source = "breach", .key = month->name, .who = "heliograph"};
    struct sql_rows rows;
    enum err err;

    kind[0] = '\0';
    *ret_count = 0;
    sql_find(month->sql, &rows,
             "SELECT kind, COUNT(*) FROM clock WHERE breached_ms >= ?1 AND breached_ms < ?2 GROUP BY kind ORDER BY 2 DESC, 1 LIMIT"
             " 1",
             "ii", month->from_ms, month->to_ms);
    if (sql_next(&rows)) {
        (void)!text_copy(kind, 65, sql_text(&rows, 0));
        *ret_count = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    if (!err && *ret_count) {
        text_addf(&title, "%s was missed %lld times in %s", kind, (long long)*ret_count, month->name);
        new.title = title.at;
        err = breach_rows(month, kind, &evidence);
        new.evidence = evidence.bytes;
        err = err ? err : evidence.err ? evidence.err : improve_open(month->sql, &new, month->now_ms);
    }
    json_out_free(&evidence);
    return err;
}

/* ------------------------------------------------------------------ told */

static int64_t count_of(const struct month *month, const char *statement)
{
    return sql_find_int(month->sql, 0, statement, "ii", month->from_ms, month->to_ms);
}

/* S0-155, S1-10: to management, whether it was a good month or not. */
static enum err tell(const struct month *month, const char *worst, int64_t missed)
{
    struct json_out body = json_out(8192);
    int64_t complaints = count_of(month, "SELECT COUNT(*) FROM complaint WHERE kind = 'complaint' AND registered_ms >= ?1 AND"
                                         " registered_ms < ?2");
    int64_t opinions = count_of(month, "SELECT COUNT(*) FROM complaint WHERE kind <> 'complaint' AND registered_ms >= ?1 AND"
                                       " registered_ms < ?2");
    int64_t open = sql_find_int(month->sql, 0, "SELECT COUNT(*) FROM improvement WHERE checked_ms IS NULL", "");
    TEXT(key, 80);
    TEXT(subject, 200);
    TEXT(words, 1200);
    enum err err;

    text_addf(&key, "month:%s", month->name);
    text_addf(&subject, "Service in %s: %lld complaints, %lld opinions, %lld improvements open", month->name,
              (long long)complaints, (long long)opinions, (long long)open);
    text_addf(&words, "%s\n%s 月：投诉 %lld 件，意见与建议 %lld 件，改进项未结 %lld 项。\n", subject.at, month->name,
              (long long)complaints, (long long)opinions, (long long)open);
    if (missed) {
        text_addf(&words, "Missed most: %s, %lld times. 超时最多：%s，%lld 次。\n", worst, (long long)missed, worst, (long long)missed);
    }
    if (month->office->options.public_url) {
        text_addf(&words, "%s/api/v1/improvements?state=open\n", month->office->options.public_url);
    }
    json_open_object(&body);
    json_text(&body, "month", month->name);
    json_int(&body, "complaints", complaints);
    json_int(&body, "opinions", opinions);
    json_int(&body, "improvements_open", open);
    json_text(&body, "missed_most", missed ? worst : NULL);
    json_int(&body, "missed", missed);
    json_close_object(&body);
    err = body.err ? body.err
                   : office_tell(month->office, month->sql, key.at, subject.at, body.bytes, words.at, month->now_ms);
    json_out_free(&body);
    return err;
}

/* Begins with the month in which the server first ran: what was before it is not known. */
enum err improve_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct month month = month_before(office, sql, now_ms);
    int64_t told_ms = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'month.told'", ""), missed = 0;
    char worst[65] = "";
    enum err err = ERR_OK;

    if (told_ms >= month.to_ms) {
        return ERR_OK;
    }
    if (told_ms) {
        err = low_surveys(&month);
        err = err ? err : worst_clock(&month, worst, &missed);
        err = err ? err : tell(&month, worst, missed);
    }
    return err ? err
               : sql_run(sql,
                         "INSERT INTO mark (name, value) VALUES ('month.told', ?1) ON CONFLICT (name) DO UPDATE SET value ="
                         " excluded.value",
                         "i", month.to_ms);
}

int64_t improve_due(const struct office *office, struct sql *sql)
{
    int64_t told_ms = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'month.told'", "");
    int32_t day;

    if (!told_ms) {
        return 0;
    }
    day = civil_add_months(zone_day(zone_of(office), told_ms), 1);
    return zone_instant(zone_of(office), day, 0);
}
