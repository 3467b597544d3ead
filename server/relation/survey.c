/* Surveys: asked, answered, called back. */
#include "server/relation/survey.h"

#include <string.h>

#include "models/base/zone.h"
#include "server/case/duties.h"
#include "server/case/place.h"
#include "server/case/word.h"
#include "server/fleet/numbers.h"
#include "server/store/change.h"
#include "server/store/cell.h"

#define SLICE       100
#define DAY_MS      86400000LL
#define ROUND_MS    DAY_MS
#define STALE_MS    (14 * DAY_MS) /* what was closed longer ago when the server hears of it is not asked about */
#define COMMENT_MOST 2000

static const char *const questions[] = {"attitude", "quality", "speed"};

/* ------------------------------------------------------------------ asking */

static enum err tell(struct office *office, struct sql *sql, int64_t survey, const struct place *place, int64_t customer,
                     const char *number, const char *code, int64_t now_ms)
{
    const struct zone *zone = place->time_zone ? rules_zone(office->options.rules, place->time_zone) : NULL;
    TEXT(key, 60);
    TEXT(link, 600);
    struct customer_word word = {.customer = customer, .plan = place->plan, .zone = zone ? zone : zone_utc(),
                                 .step = number ? "survey" : "survey_periodic", .key = key.at};

    text_addf(&key, "survey:%lld", (long long)survey);
    if (office->options.public_url) {
        text_addf(&link, "%s/survey/%lld?code=%s", office->options.public_url, (long long)survey, code);
    }
    word.en[NOTICE_NUMBER] = number;
    word.en[NOTICE_EQUIPMENT] = place->title ? place->title : place->name;
    word.en[NOTICE_LINK] = link.at;
    return customer_say(office, sql, &word, now_ms);
}

struct about { /* what a survey is about: a ticket, or the nth time of a contract */
    int64_t ticket, contract, occurrence;
    const char *number; /* of the ticket */
};

static enum err ask(struct office *office, struct sql *sql, const struct place *place, struct about about, int64_t customer,
                    int64_t now_ms)
{
    const struct plan_survey *rules = &place->plan->survey;
    char code[33];
    int64_t id;
    enum err err;

    if (sql_find_int(sql, 0, "SELECT 1 FROM opt_out WHERE customer = ?1 AND topic = 'survey'", "i", customer)) {
        return ERR_OK;
    }
    numbers_secret(code, 24);
    err = sql_run(sql,
                  "INSERT INTO survey (ticket, contract, customer, site, plan, code, asked_ms, until_ms, occurrence) VALUES"
                  " (NULLIF(?1, 0), NULLIF(?2, 0), ?3, NULLIF(?4, 0), ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
                  "iiiittiii", about.ticket, about.contract, customer, place->site, place->plan->id, code, now_ms,
                  now_ms + rules->expires_ms, about.occurrence);
    if (err || sql_changes(sql) == 0) {
        return err;
    }
    id = sql_find_int(sql, 0, "SELECT id FROM survey WHERE code = ?1", "t", code);
    return tell(office, sql, id, place, customer, about.number, code, now_ms);
}

/* Who heard nothing of a ticket is not asked about it. */
static enum err ask_about(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    int64_t customer = sql_find_int(sql, 0,
                                    "SELECT s.customer FROM ticket t JOIN site s ON s.id = t.site WHERE t.id = ?1 AND"
                                    " t.closed_ms >= ?2 AND EXISTS (SELECT 1 FROM outbox o WHERE o.ticket = t.id AND"
                                    " o.customer IS NOT NULL)",
                                    "ii", id, now_ms - STALE_MS);
    struct ticket ticket;
    struct place place;
    enum err err = sql_run(sql, "UPDATE ticket SET survey_ms = NULL WHERE id = ?1", "i", id);

    if (err || !customer) {
        return err;
    }
    err = ticket_load(office, sql, id, &ticket);
    err = err ? err : place_find(office, sql, ticket.equipment, ticket.site, now_ms, &place);
    return err || !place.plan ? err : ask(office, sql, &place, (struct about){.ticket = id, .number = ticket.number}, customer,
                                          now_ms);
}

static enum err ask_closed(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT id FROM ticket WHERE survey_ms <= ?1 ORDER BY survey_ms LIMIT 100", "i", now_ms);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = ask_about(office, sql, ids[i], now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ periodically */

/* The nth time falls n spans after the contract began: nothing drifts, and what fell long before the server heard of the
 * contract is history. */
static enum err ask_contract(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    int64_t site = sql_find_int(sql, 0, "SELECT MIN(site) FROM contract_site WHERE contract = ?1", "i", id);
    int64_t start_ms = DAY_MS * sql_find_int(sql, 0, "SELECT start_day FROM contract WHERE id = ?1", "i", id), customer, n;
    struct place place;
    enum err err = site ? place_find(office, sql, 0, site, now_ms, &place) : ERR_NOT_FOUND;
    int64_t every_ms = !err && place.plan ? place.plan->survey.every_ms : 0;

    if (err || !every_ms) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    n = (now_ms - start_ms) / every_ms;
    if (n < 1 || start_ms + n * every_ms < now_ms - STALE_MS) {
        return ERR_OK;
    }
    customer = sql_find_int(sql, 0,
                            "SELECT COALESCE(c.customer, s.customer) FROM contract c JOIN site s ON s.id = ?2 WHERE c.id = ?1",
                            "ii", id, site);
    return customer ? ask(office, sql, &place, (struct about){.contract = id, .occurrence = n}, customer, now_ms) : ERR_OK;
}

static enum err keep_mark(struct sql *sql, const char *name, int64_t value)
{
    return sql_run(sql,
                   "INSERT INTO mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                   "ti", name, value);
}

/* Once a day over the contracts in force, a slice a turn. */
static enum err ask_periodically(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t at = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'survey.at'", ""), ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'survey.round'", "") > now_ms) {
        return ERR_OK;
    }
    sql_find(sql, &rows,
             "SELECT id FROM contract WHERE id > ?1 AND COALESCE(start_day, 0) <= ?2 AND COALESCE(end_day, ?2) >= ?2 ORDER BY"
             " id LIMIT 100",
             "ii", at, now_ms / DAY_MS);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = ask_contract(office, sql, ids[i], now_ms);
    }
    if (!err) {
        err = keep_mark(sql, "survey.at", count == SLICE ? ids[count - 1] : 0);
    }
    return err || count == SLICE ? err : keep_mark(sql, "survey.round", now_ms + ROUND_MS);
}

enum err survey_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = ask_closed(office, sql, now_ms);

    return err ? err : ask_periodically(office, sql, now_ms);
}

int64_t survey_due(struct sql *sql)
{
    int64_t ticket_ms = sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(survey_ms) FROM ticket WHERE survey_ms IS NOT NULL", "");
    int64_t round_ms = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'survey.round'", "");

    return ticket_ms < round_ms ? ticket_ms : round_ms;
}

/* ------------------------------------------------------------------ answers */

struct answer {
    int64_t scores[3], ticket, site, until_ms;
    const char *comment, *plan;
    bool answered, same;
    int low;
};

static enum err read_answer(const struct action *action, struct answer *answer, struct text *why)
{
    answer->comment = json_text_or(action->body, "comment", action->note);
    for (int i = 0; i < 3; i++) {
        answer->scores[i] = json_int_or(action->body, questions[i], 0);
        if (answer->scores[i] < 1 || answer->scores[i] > 5) {
            return text_say(why, ERR_FORMAT, "%s: expected a score from 1 (bad) to 5 (very good)", questions[i]);
        }
    }
    return answer->comment && strlen(answer->comment) > COMMENT_MOST
               ? text_say(why, ERR_FORMAT, "comment: expected at most %d bytes", COMMENT_MOST)
               : ERR_OK;
}

static enum err load(struct office *office, struct sql *sql, int64_t id, struct answer *answer)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT ticket, site, until_ms, answered_ms IS NOT NULL, COALESCE(attitude, 0), COALESCE(quality, 0),"
             " COALESCE(speed, 0), plan FROM survey WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        answer->ticket = sql_int(&rows, 0);
        answer->site = sql_int(&rows, 1);
        answer->until_ms = sql_int(&rows, 2);
        answer->answered = sql_int(&rows, 3) != 0;
        answer->same = sql_int(&rows, 4) == answer->scores[0] && sql_int(&rows, 5) == answer->scores[1] &&
                       sql_int(&rows, 6) == answer->scores[2];
        answer->plan = arena_text(office->arena, sql_text(&rows, 7), strlen(sql_text(&rows, 7)));
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

/* S1-56: who is not content is called; the duty is met by whoever called (`done`). */
static enum err owe_callback(struct office *office, struct sql *sql, int64_t id, const struct answer *answer, int64_t now_ms)
{
    const struct plan *plan = rules_plan(office->options.rules, answer->plan);
    int64_t least = answer->scores[0];
    struct place place;
    enum err err;

    for (int i = 1; i < 3; i++) {
        least = answer->scores[i] < least ? answer->scores[i] : least;
    }
    if (!plan || !plan->survey.callback.set || least > plan->survey.low) {
        return ERR_OK;
    }
    err = place_find(office, sql, 0, answer->site, now_ms, &place);
    if (err) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    err = rules_keep_plan(sql, plan, now_ms);
    if (err) {
        return err;
    }
    struct duty duty = {.subject = "survey", .id = id, .kind = "survey_callback", .start = "answered", .stop = "called",
                        .limit = &plan->survey.callback, .note = answer->comment, .warn = 0.75, .started_ms = now_ms,
                        .site = place.site, .calendar = place.calendar, .time_zone = place.time_zone,
                        .plan_hash = plan->hash};

    return duty_start(sql, &duty);
}

enum err survey_answer(struct office *office, struct sql *sql, int64_t id, const struct action *action, const char *channel,
                       int64_t now_ms, struct text *why)
{
    struct answer answer = {.ticket = 0};
    TEXT(note, 80);
    enum err err = read_answer(action, &answer, why);

    err = err ? err : load(office, sql, id, &answer);
    if (err || (answer.answered && answer.same)) {
        return err;
    }
    if (answer.answered || now_ms > answer.until_ms) {
        return text_say(why, ERR_STATE, "the survey %s. Legal: nothing", answer.answered ? "was answered already" : "has ended");
    }
    err = sql_run(sql,
                  "UPDATE survey SET answered_ms = ?2, attitude = ?3, quality = ?4, speed = ?5, comment = ?6, channel = ?7, who"
                  " = ?8 WHERE id = ?1",
                  "iiiiitt" "t", id, now_ms, answer.scores[0], answer.scores[1], answer.scores[2], answer.comment, channel,
                  action->who);
    if (!err) {
        err = owe_callback(office, sql, id, &answer, now_ms);
    }
    if (err || !answer.ticket) {
        return err;
    }
    text_addf(&note, "attitude %d, quality %d, speed %d", (int)answer.scores[0], (int)answer.scores[1], (int)answer.scores[2]);
    err = ticket_line(sql, answer.ticket, now_ms, now_ms, action->who, "survey", action->action_id, note.at, NULL);
    return err ? err : ticket_changed(sql, answer.ticket, now_ms);
}

/* ------------------------------------------------------------------ opting out */

static bool is_topic(const struct rules *rules, const char *topic)
{
    for (size_t i = 0; i < rules_notices_count(rules); i++) {
        const struct notices *notices = rules_notices_at(rules, i);

        for (size_t k = 0; k < notices->count; k++) {
            if (notices->rules[k].topic && text_same(notices->rules[k].topic, topic)) {
                return true;
            }
        }
    }
    return false;
}

enum err opt_out(struct office *office, struct sql *sql, int64_t customer, const struct action *action, int64_t now_ms,
                 struct text *why)
{
    const char *topic = json_text_or(action->body, "topic", "");
    bool out;

    if (!is_topic(office->options.rules, topic)) {
        return text_say(why, ERR_FORMAT, "topic: expected one of the catalogue of notices, found '%.40s'", topic);
    }
    if (!json_as_bool(json_field(action->body, "out"), &out)) {
        return text_say(why, ERR_FORMAT, "out: expected true or false");
    }
    if (!out) {
        return sql_run(sql, "DELETE FROM opt_out WHERE customer = ?1 AND topic = ?2", "it", customer, topic);
    }
    return sql_run(sql,
                   "INSERT INTO opt_out (customer, topic, at_ms, who) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (customer, topic) DO"
                   " NOTHING",
                   "itit", customer, topic, now_ms, action->who);
}

/* ------------------------------------------------------------------ showing */

enum err survey_view(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.number, n.name, c.name, v.plan, v.asked_ms, v.until_ms, v.answered_ms, v.attitude, v.quality, v.speed,"
             " v.comment, v.channel, v.who, k.id, k.met_ms FROM survey v LEFT JOIN ticket t ON t.id = v.ticket LEFT JOIN"
             " contract n ON n.id = v.contract JOIN customer c ON c.id = v.customer LEFT JOIN clock k ON k.subject = 'survey'"
             " AND k.subject_id = v.id AND k.kind = 'survey_callback' WHERE v.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        json_open_object(out);
        json_int(out, "id", id);
        json_text(out, "ticket", sql_text(&rows, 0));
        json_text(out, "contract", sql_text(&rows, 1));
        json_text(out, "customer", sql_text(&rows, 2));
        json_text(out, "plan", sql_text(&rows, 3));
        cell_time(out, "asked_at", zone, &rows, 4);
        cell_time(out, "until", zone, &rows, 5);
        cell_time(out, "answered_at", zone, &rows, 6);
        for (int i = 0; i < 3; i++) {
            if (sql_null(&rows, 7 + i)) {
                json_null(out, questions[i]);
            } else {
                json_int(out, questions[i], sql_int(&rows, 7 + i));
            }
        }
        json_text(out, "comment", sql_text(&rows, 10));
        json_text(out, "channel", sql_text(&rows, 11));
        json_text(out, "who", sql_text(&rows, 12));
        if (sql_null(&rows, 13)) {
            json_null(out, "callback");
        } else {
            json_key(out, "callback");
            json_open_object(out);
            json_int(out, "duty", sql_int(&rows, 13));
            cell_time(out, "called_at", zone, &rows, 14);
            json_close_object(out);
        }
        json_close_object(out);
    }
    err = sql_end(&rows);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
