/* Duties begin, end, are judged and told. */
#include "server/case/duties.h"

#include <string.h>

#include "server/case/contact.h"
#include "server/store/change.h"

#define JUDGE_SLICE 200

static void origin_words(const struct plan_origin *origin, struct text *to)
{
    text_addf(to, "%c", origin && origin->flag ? origin->flag : 'A');
    for (const char *const *id = origin ? origin->ids : NULL; id && *id; id++) {
        text_addf(to, " %s", *id);
    }
}

enum err duty_start(struct sql *sql, const struct duty *duty)
{
    const struct plan_origin *origin = duty->limit ? &duty->limit->origin : duty->origin;
    const char *note = duty->note ? duty->note : origin ? origin->note : NULL;
    TEXT(words, 32);
    TEXT(flag, 128);
    TEXT(until, 32);

    if (sql_find_int(sql, 0,
                     "SELECT 1 FROM clock WHERE subject = ?1 AND subject_id = ?2 AND kind = ?3 AND occurrence = ?4", "titi",
                     duty->subject, duty->id, duty->kind, duty->occurrence)) {
        return ERR_OK; /* as at nearly every round */
    }
    if (duty->limit) {
        text_addf(&words, "%lld%s", (long long)duty->limit->limit.count,
                  duration_unit_text(duty->limit->limit.unit));
    } else {
        text_add(&words, "date");
        text_addf(&until, "%lld", (long long)duty->until_ms);
    }
    origin_words(origin, &flag);
    return sql_run(sql,
                   "INSERT INTO clock (subject, subject_id, kind, occurrence, start, stop, limit_text, until_ms,"
                   " origin, note, warn, started_ms, site, calendar, time_zone, plan_hash, next_ms) VALUES (?1,"
                   " ?2, ?3, ?4, ?5, ?6, ?7, CASE WHEN ?8 = '' THEN NULL ELSE CAST(?8 AS BIGINT) END, ?9, ?10,"
                   " ?11, ?12, NULLIF(?13, 0), NULLIF(?14, 0), ?15, ?16, ?12) ON CONFLICT (subject, subject_id,"
                   " kind, occurrence) DO NOTHING",
                   "titittttttdiiit" "t", duty->subject, duty->id, duty->kind, duty->occurrence, duty->start,
                   duty->stop, words.at, until.at, flag.at, note, duty->warn, duty->started_ms, duty->site,
                   duty->calendar, duty->time_zone, duty->plan_hash);
}

enum err duty_stop(struct sql *sql, const char *subject, int64_t id, const char *kind, int64_t at_ms)
{
    return sql_run(sql,
                   "UPDATE clock SET met_ms = ?4, next_ms = NULL, version = version + 1 WHERE subject = ?1 AND"
                   " subject_id = ?2 AND kind = ?3 AND met_ms IS NULL AND cancelled_ms IS NULL AND started_ms"
                   " <= ?4",
                   "titi", subject, id, kind, at_ms);
}

enum err duty_move(struct sql *sql, int64_t id, int64_t until_ms, const char *note, int64_t at_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE clock SET cancelled_ms = MAX(?2, started_ms), cancelled_for = 'customer', next_ms = NULL,"
                           " version = version + 1 WHERE id = ?1 AND met_ms IS NULL AND cancelled_ms IS NULL AND COALESCE(until_ms,"
                           " 0) < ?3",
                           "iii", id, at_ms, until_ms);

    if (err || sql_changes(sql) == 0) {
        return err;
    }
    return sql_run(sql,
                   "INSERT INTO clock (subject, subject_id, kind, occurrence, start, stop, limit_text, until_ms, origin, note,"
                   " warn, started_ms, site, calendar, time_zone, plan_hash, next_ms) SELECT subject, subject_id, kind, occurrence"
                   " + 1, start, stop, 'date', ?2, origin, ?3, warn, started_ms, site, calendar, time_zone, plan_hash, started_ms"
                   " FROM clock WHERE id = ?1 ON CONFLICT (subject, subject_id, kind, occurrence) DO NOTHING",
                   "iit", id, until_ms, note);
}

/* ------------------------------------------------------------------ people */

static enum err write_done(struct sql *sql, int64_t id, const struct action *action, bool cancel, int64_t at_ms)
{
    struct json_out out = json_out(8192);
    enum err err;

    json_open_object(&out);
    json_text(&out, "who", action->who);
    json_text(&out, "action", action->action);
    json_text(&out, "id", action->action_id);
    json_text(&out, "note", action->note);
    json_close_object(&out);
    err = out.err;
    if (!err && cancel) {
        err = sql_run(sql,
                      "UPDATE clock SET cancelled_ms = MAX(?2, started_ms), cancelled_for = 'person', done = ?3,"
                      " next_ms = NULL, version = version + 1 WHERE id = ?1",
                      "iit", id, at_ms, out.bytes);
    } else if (!err) {
        err = sql_run(sql,
                      "UPDATE clock SET met_ms = MAX(?2, started_ms), done = ?3, next_ms = NULL, version ="
                      " version + 1 WHERE id = ?1",
                      "iit", id, at_ms, out.bytes);
    }
    json_out_free(&out);
    return err;
}

enum err duty_action(struct sql *sql, int64_t id, const struct action *action, int64_t now_ms, struct text *why)
{
    bool cancel = text_same(action->action, "cancel"), found, over = false, same = false, by_record = false;
    int64_t started_ms = 0, at_ms;
    struct sql_rows rows;
    enum err err;

    if (!cancel && !text_same(action->action, "done")) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for duties. Legal: done cancel", action->action);
    }
    sql_find(sql, &rows,
             "SELECT started_ms, met_ms IS NOT NULL OR cancelled_ms IS NOT NULL, done, kind FROM clock WHERE id = ?1"
             " AND ticket IS NULL",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        TEXT(mark, 200);

        started_ms = sql_int(&rows, 0);
        over = sql_int(&rows, 1) != 0;
        by_record = text_same(sql_text(&rows, 3), plan_duty_names[PLAN_DUTY_TRAINING]) ||
                    text_same(sql_text(&rows, 3), plan_duty_names[PLAN_DUTY_EXCHANGE]);
        text_addf(&mark, "\"id\":\"%s\"", action->action_id ? action->action_id : "");
        same = action->action_id && !sql_null(&rows, 2) && strstr(sql_text(&rows, 2), mark.at);
    }
    err = sql_end(&rows);
    if (err || !found || same) {
        return err ? err : found ? ERR_OK : text_say(why, ERR_NOT_FOUND, "no duty %lld", (long long)id);
    }
    if (over) {
        return text_say(why, ERR_STATE, "the duty is met or given up already. Legal: nothing");
    }
    if (!cancel && by_record) { /* S0-69 */
        return text_say(why, ERR_STATE,
                        "a training is met by the record of who was there. Legal: attend of its training (/api/v1/trainings),"
                        " cancel");
    }
    if (cancel && (!action->note || !action->note[0])) {
        return text_say(why, ERR_FORMAT, "cancel needs a note that says why");
    }
    err = action_time(action->at_ms, started_ms, now_ms, &at_ms, why);
    return err ? err : write_done(sql, id, action, cancel, at_ms);
}

/* ------------------------------------------------------------------ judged and told */

/* On the stream at once; to people with the digest of its kind. */
static enum err tell(struct sql *sql, const struct clock_row *clock, const char *subject, const char *step,
                     int64_t due_ms, const struct zone *zone, int64_t now_ms)
{
    struct json_out body = json_out(8192);
    TEXT(title, 300);
    TEXT(when, 64);
    enum err err;

    zone_write(zone, due_ms, &when);
    text_addf(&title, "%s of %s %s %s", clock->kind, subject, strcmp(step, "warn") == 0 ? "is due at" : "was due at",
              when.at);
    json_open_object(&body);
    json_int(&body, "duty", clock->id);
    json_text(&body, "step", step);
    json_text(&body, "kind", clock->kind);
    json_text(&body, "subject", subject);
    json_text(&body, "due_at", when.at);
    json_text(&body, "message", title.at);
    json_close_object(&body);
    err = body.err ? body.err : duty_untold(sql, clock->id, step, due_ms);
    if (!err) {
        err = change_put(sql, now_ms, "duty", body.bytes);
    }
    json_out_free(&body);
    return err;
}

/* The end of a warranty or an agreement is no broken promise: it is over then. */
static bool is_term(const char *kind)
{
    return strcmp(kind, "warranty") == 0 || strcmp(kind, "agreement") == 0;
}

static enum err judge_state(struct sql *sql, const struct clock_row *clock, const char *subject,
                            const struct zone *zone, int64_t now_ms)
{
    struct sla_clock state = sla_judge(&clock->facts, clock->warn, now_ms);
    bool open = state.state == SLA_RUNNING;
    enum err err = ERR_OK;

    if (state.breached_ms >= 0 && is_term(clock->kind) && clock->facts.met_ms < 0) {
        err = sql_run(sql, "UPDATE clock SET met_ms = ?2, version = version + 1 WHERE id = ?1", "ii", clock->id,
                      state.breached_ms);
    } else if (state.state == SLA_BREACHED && !clock->breached) {
        err = sql_run(sql, "UPDATE clock SET breached_ms = ?2, version = version + 1 WHERE id = ?1", "ii", clock->id,
                      state.breached_ms);
        err = err ? err : tell(sql, clock, subject, "breach", state.breached_ms, zone, now_ms);
    } else if (open && state.warn_ms >= 0 && state.warn_ms <= now_ms && !clock->warned) {
        err = sql_run(sql, "UPDATE clock SET warned_ms = ?2 WHERE id = ?1", "ii", clock->id, now_ms);
        err = err ? err : tell(sql, clock, subject, "warn", state.due_ms, zone, now_ms);
    }
    if (err) {
        return err;
    }
    if (!open || state.next_ms == INT64_MAX) {
        return sql_run(sql, "UPDATE clock SET next_ms = NULL WHERE id = ?1", "i", clock->id);
    }
    return sql_run(sql, "UPDATE clock SET next_ms = ?2 WHERE id = ?1", "ii", clock->id,
                   state.next_ms > now_ms ? state.next_ms : now_ms + 1);
}

static enum err judge_one(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    const char *time_zone = NULL;
    int64_t calendar = 0;
    struct clock_row clock = {.id = id};
    const struct zone *zone;
    struct sql_rows rows;
    TEXT(subject, 120);
    enum err err;

    sql_find(sql, &rows, "SELECT time_zone, calendar, subject, subject_id FROM clock WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        time_zone = sql_null(&rows, 0) ? NULL
                                       : arena_text(office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
        calendar = sql_int(&rows, 1);
        text_addf(&subject, "%s %lld", sql_text(&rows, 2), (long long)sql_int(&rows, 3));
    }
    err = sql_end(&rows);
    zone = time_zone ? rules_zone(office->options.rules, time_zone) : NULL;
    if (!err) {
        err = clocks_read_duty(office->arena, sql, office->options.rules, id, calendar, time_zone, &clock);
    }
    return err ? err : judge_state(sql, &clock, subject.at, zone ? zone : zone_utc(), now_ms);
}

/* A visit that was done, or called off, in its own room. */
enum err duties_of_visit(struct sql *sql, int64_t visit)
{
    enum err err = sql_run(
        sql,
        "UPDATE clock SET met_ms = (SELECT v.done_ms FROM visit v WHERE v.id = ?1), next_ms = NULL WHERE subject ="
        " 'visit' AND subject_id = ?1 AND ticket IS NULL AND met_ms IS NULL AND cancelled_ms IS NULL AND EXISTS"
        " (SELECT 1 FROM visit v WHERE v.id = ?1 AND v.done_ms IS NOT NULL)",
        "i", visit);

    return err ? err
               : sql_run(sql,
                         "UPDATE clock SET cancelled_ms = started_ms, cancelled_for = 'skipped', next_ms = NULL WHERE"
                         " subject = 'visit' AND subject_id = ?1 AND ticket IS NULL AND met_ms IS NULL AND cancelled_ms"
                         " IS NULL AND EXISTS (SELECT 1 FROM visit v WHERE v.id = ?1 AND v.state = 'skipped')",
                         "i", visit);
}

enum err duties_of_visits(struct sql *sql, int64_t equipment)
{
    return sql_run(sql,
                   "UPDATE clock SET cancelled_ms = started_ms, cancelled_for = 'skipped', next_ms = NULL WHERE"
                   " subject = 'visit' AND subject_id IN (SELECT id FROM visit WHERE equipment = ?1 AND state ="
                   " 'skipped') AND ticket IS NULL AND met_ms IS NULL AND cancelled_ms IS NULL",
                   "i", equipment);
}

enum err duties_end(struct sql *sql, int64_t equipment, int64_t now_ms)
{
    return sql_run(sql,
                   "UPDATE clock SET cancelled_ms = MAX(?2, started_ms), cancelled_for = 'agreement_over', next_ms = NULL, version"
                   " = version + 1 WHERE subject = 'equipment' AND subject_id = ?1 AND ticket IS NULL AND met_ms IS NULL AND"
                   " cancelled_ms IS NULL AND kind NOT IN ('warranty', 'warranty_registration')",
                   "ii", equipment, now_ms);
}

#define LOOK_BACK_MS 86400000LL /* an inspection ends while the server runs: it was looked at since */

/* Inspections that were done since, in a room that knows of no duties. */
static enum err meet_inspections(struct sql *sql, int64_t since_ms)
{
    return sql_run(sql,
                   "UPDATE clock SET next_ms = NULL, met_ms = (SELECT MIN(i.done_ms) FROM inspection i WHERE"
                   " i.equipment = clock.subject_id AND i.state = 'done' AND i.way <> 'test' AND i.done_ms >= clock.started_ms)"
                   " WHERE subject = 'equipment' AND subject_id IN (SELECT d.equipment FROM inspection d WHERE"
                   " d.done_ms >= ?1) AND ticket IS NULL AND kind = 'remote_inspection' AND met_ms"
                   " IS NULL AND cancelled_ms IS NULL AND EXISTS (SELECT 1 FROM inspection i WHERE i.equipment"
                   " = clock.subject_id AND i.state = 'done' AND i.way <> 'test' AND i.done_ms >= clock.started_ms)",
                   "i", since_ms);
}

enum err duties_judge(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_next_ms)
{
    int64_t ids[JUDGE_SLICE], next_ms;
    struct sql_rows rows;
    size_t count = 0;
    enum err err = meet_inspections(sql, now_ms - LOOK_BACK_MS);

    err = err ? err : contact_delivered(sql);
    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT id FROM clock WHERE ticket IS NULL AND next_ms IS NOT NULL AND next_ms <= ?1 ORDER BY next_ms"
             " LIMIT 200",
             "i", now_ms);
    while (count < JUDGE_SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = judge_one(office, sql, ids[i], now_ms);
    }
    if (!err && count < JUDGE_SLICE) { /* else there are more, which belong to the same digest */
        err = duties_tell(office, sql, now_ms, io_next_ms);
    }
    next_ms = sql_find_int(sql, *io_next_ms,
                           "SELECT MIN(next_ms) FROM clock WHERE ticket IS NULL AND next_ms IS NOT NULL", "");
    *io_next_ms = next_ms < *io_next_ms ? next_ms : *io_next_ms;
    return err;
}
