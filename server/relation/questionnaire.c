/* Questionnaires: asked with what is known already, answered, looked at. */
#include "server/relation/questionnaire.h"

#include <string.h>

#include "models/base/zone.h"
#include "server/case/place.h"
#include "server/case/word.h"
#include "server/fleet/numbers.h"
#include "server/relation/complaint.h"
#include "server/store/cell.h"

#define SLICE        100
#define DAY_MS       86400000LL
#define STALE_MS     (14 * DAY_MS) /* what fell longer before the server heard of the contract is history */
#define ANSWER_MOST  1000
#define COMMENT_MOST 2000

/* ------------------------------------------------------------------ asked */

/* What the customer would only have to confirm. */
static const char *const found[] = {
    NULL,
    "SELECT CASE WHEN e.status IN ('ok', 'maintenance') THEN 'yes' WHEN e.status IN ('fault', 'attention') THEN 'no' ELSE NULL END"
    " FROM equipment e WHERE e.id = ?1",
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM ticket t WHERE t.equipment = e.id AND t.closed_ms IS NULL) THEN 'yes' ELSE 'no' END"
    " FROM equipment e WHERE e.id = ?1",
    "SELECT CASE WHEN e.status IN ('offline', 'unclaimed') THEN 'no' ELSE 'yes' END FROM equipment e WHERE e.id = ?1",
};

static enum err find_found(struct office *office, struct sql *sql, int which, int64_t equipment, const char **ret_found)
{
    struct sql_rows rows;

    *ret_found = NULL;
    if (!found[which] || !equipment) {
        return ERR_OK;
    }
    sql_find(sql, &rows, found[which], "i", equipment);
    if (sql_next(&rows) && !sql_null(&rows, 0)) {
        *ret_found = arena_text(office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
    }
    return sql_end(&rows);
}

static enum err put_line(struct office *office, struct sql *sql, int64_t id, const struct plan_question *question,
                         int64_t equipment, int64_t *io_position)
{
    const char *already = NULL;
    enum err err = find_found(office, sql, question->found, equipment, &already);

    if (err || *io_position >= QUESTIONNAIRE_LINES_MOST) {
        return err;
    }
    *io_position += 1;
    return sql_run(sql,
                   "INSERT INTO questionnaire_line (questionnaire, position, question, equipment, title_en, title_zh, kind, found)"
                   " VALUES (?1, ?2, ?3, NULLIF(?4, 0), ?5, ?6, ?7, ?8)",
                   "iititttt", id, *io_position, question->id, equipment, question->title.en, question->title.zh,
                   plan_question_kind_names[question->kind], already);
}

static enum err put_lines(struct office *office, struct sql *sql, int64_t id, int64_t contract, const struct plan *plan)
{
    int64_t equipment[QUESTIONNAIRE_LINES_MOST], position = 0;
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT e.id FROM equipment e JOIN contract_site m ON m.site = e.site WHERE m.contract = ?1 AND e.claimed = 1 ORDER BY"
             " e.id LIMIT 200",
             "i", contract);
    while (count < QUESTIONNAIRE_LINES_MOST && sql_next(&rows)) {
        equipment[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < plan->questionnaire.question_count; i++) {
        const struct plan_question *question = &plan->questionnaire.questions[i];

        if (!question->each) {
            err = put_line(office, sql, id, question, 0, &position);
        }
        for (size_t k = 0; !err && question->each && k < count; k++) {
            err = put_line(office, sql, id, question, equipment[k], &position);
        }
    }
    return err;
}

static enum err ask(struct office *office, struct sql *sql, const struct place *place, int64_t contract, int64_t n,
                    int64_t customer, int64_t now_ms)
{
    const struct zone *zone = rules_zone(office->options.rules, place->time_zone);
    struct customer_word word = {.customer = customer, .plan = place->plan, .zone = zone ? zone : zone_utc(),
                                 .step = "questionnaire"};
    char code[33];
    int64_t id;
    TEXT(key, 60);
    TEXT(link, 600);
    enum err err;

    if (sql_find_int(sql, 0, "SELECT 1 FROM opt_out WHERE customer = ?1 AND topic = 'survey'", "i", customer)) {
        return ERR_OK;
    }
    numbers_secret(code, 24);
    err = sql_run(sql,
                  "INSERT INTO questionnaire (code, contract, customer, site, plan, occurrence, asked_ms, until_ms) VALUES (?1,"
                  " ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
                  "tiiitiii", code, contract, customer, place->site, place->plan->id, n, now_ms,
                  now_ms + place->plan->questionnaire.expires_ms);
    if (err || sql_changes(sql) == 0) {
        return err;
    }
    id = sql_find_int(sql, 0, "SELECT id FROM questionnaire WHERE code = ?1", "t", code);
    err = put_lines(office, sql, id, contract, place->plan);
    text_addf(&key, "questionnaire:%lld", (long long)id);
    if (office->options.public_url) {
        text_addf(&link, "%s/questionnaire/%lld?code=%s", office->options.public_url, (long long)id, code);
    }
    word.key = key.at;
    word.en[NOTICE_LINK] = link.at;
    return err ? err : customer_say(office, sql, &word, now_ms);
}

/* The nth falls n spans after the contract began, like surveys. */
static enum err ask_contract(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    int64_t site = sql_find_int(sql, 0, "SELECT MIN(site) FROM contract_site WHERE contract = ?1", "i", id);
    int64_t start_ms = DAY_MS * sql_find_int(sql, 0, "SELECT start_day FROM contract WHERE id = ?1", "i", id), customer, n;
    struct place place;
    enum err err = site ? place_find(office, sql, 0, site, now_ms, &place) : ERR_NOT_FOUND;
    int64_t every_ms = !err && place.plan && place.plan->questionnaire.question_count ? place.plan->questionnaire.every_ms : 0;

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
    return customer ? ask(office, sql, &place, id, n, customer, now_ms) : ERR_OK;
}

static enum err keep_mark(struct sql *sql, const char *name, int64_t value)
{
    return sql_run(sql,
                   "INSERT INTO mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                   "ti", name, value);
}

/* Once a day over the contracts in force, a slice a turn. */
enum err questionnaire_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t at = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'questionnaire.at'", ""), ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (questionnaire_due(sql) > now_ms) {
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
    err = err ? err : keep_mark(sql, "questionnaire.at", count == SLICE ? ids[count - 1] : 0);
    return err || count == SLICE ? err : keep_mark(sql, "questionnaire.round", now_ms + DAY_MS);
}

int64_t questionnaire_due(struct sql *sql)
{
    return sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'questionnaire.round'", "");
}

/* ------------------------------------------------------------------ answered */

struct line {
    int64_t position;
    const char *question, *kind, *found, *answer, *title;
    bool alert;
};

static bool is_alert(const struct plan *plan, const struct line *line)
{
    for (size_t i = 0; plan && i < plan->questionnaire.question_count; i++) {
        const struct plan_question *question = &plan->questionnaire.questions[i];

        for (size_t k = 0; text_same(question->id, line->question) && question->alert[k]; k++) {
            if (text_same(question->alert[k], line->answer)) {
                return true;
            }
        }
    }
    return false;
}

static enum err read_answer(struct office *office, const struct cJSON *answers, struct line *line, struct text *why)
{
    const struct cJSON *said;
    int64_t score = 0;
    TEXT(key, 16);

    text_addf(&key, "%lld", (long long)line->position);
    said = json_field(answers, key.at);
    if (!said) { /* confirmed as it was found */
        line->answer = line->found;
        return ERR_OK;
    }
    line->answer = json_as_text(said);
    if (json_as_int(said, &score)) {
        TEXT(digits, 24);

        text_addf(&digits, "%lld", (long long)score);
        line->answer = arena_text(office->arena, digits.at, digits.length);
    }
    if (!line->answer || strlen(line->answer) > ANSWER_MOST) {
        return text_say(why, ERR_FORMAT, "answers.%s: expected a text of at most %d bytes", key.at, ANSWER_MOST);
    }
    if (text_same(line->kind, "yes_no") && !text_same(line->answer, "yes") && !text_same(line->answer, "no")) {
        return text_say(why, ERR_FORMAT, "answers.%s: expected yes or no", key.at);
    }
    if (text_same(line->kind, "score") && (strlen(line->answer) != 1 || line->answer[0] < '1' || line->answer[0] > '5')) {
        return text_say(why, ERR_FORMAT, "answers.%s: expected a score from 1 (bad) to 5 (very good)", key.at);
    }
    return ERR_OK;
}

static enum err read_lines(struct office *office, struct sql *sql, int64_t id, struct line *lines, size_t *ret_count)
{
    struct sql_rows rows;

    *ret_count = 0;
    sql_find(sql, &rows,
             "SELECT position, question, kind, found, title_en FROM questionnaire_line WHERE questionnaire = ?1 ORDER BY position",
             "i", id);
    while (*ret_count < QUESTIONNAIRE_LINES_MOST && sql_next(&rows)) {
        struct line *line = &lines[(*ret_count)++];

        *line = (struct line){.position = sql_int(&rows, 0)};
        line->question = arena_text(office->arena, sql_text(&rows, 1), strlen(sql_text(&rows, 1)));
        line->kind = arena_text(office->arena, sql_text(&rows, 2), strlen(sql_text(&rows, 2)));
        line->found = sql_null(&rows, 3) ? NULL : arena_text(office->arena, sql_text(&rows, 3), strlen(sql_text(&rows, 3)));
        line->title = arena_text(office->arena, sql_text(&rows, 4), strlen(sql_text(&rows, 4)));
    }
    return sql_end(&rows);
}

/* What the plan calls an alert is feedback that somebody owns; one a questionnaire. */
static enum err raise(struct office *office, struct sql *sql, int64_t id, const struct line *lines, size_t count,
                      int64_t now_ms, struct text *why)
{
    struct json_out body = json_out(16 * 1024);
    struct action action = {.action = "", .who = "heliograph", .role = ROLE_SERVER};
    int64_t complaint = 0;
    const char *reason;
    bool again = false;
    TEXT(words, 3800);
    TEXT(key, 60);
    TEXT(site, 80);
    struct sql_rows rows;
    enum err err;

    text_addf(&words, "Questionnaire %lld:", (long long)id);
    for (size_t i = 0; i < count && words.length < 3000; i++) {
        if (lines[i].alert) {
            text_addf(&words, " %.200s %.200s;", lines[i].title, lines[i].answer);
        }
    }
    sql_find(sql, &rows, "SELECT s.name FROM questionnaire q JOIN site s ON s.id = q.site WHERE q.id = ?1", "i", id);
    if (sql_next(&rows)) {
        text_add(&site, sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    text_addf(&key, "questionnaire:%lld", (long long)id);
    json_open_object(&body);
    json_text(&body, "kind", "feedback");
    json_text(&body, "channel", "questionnaire");
    json_text(&body, "about", "equipment");
    json_text(&body, "site", site.at);
    json_text(&body, "detail", words.at);
    json_close_object(&body);
    err = err ? err : body.err ? body.err : json_parse(office->arena, body.bytes, body.size, &action.body, &reason);
    action.action_id = key.at;
    err = err ? err : complaint_file(office, sql, &action, 0, now_ms, &complaint, &again, why);
    json_out_free(&body);
    return err ? err : sql_run(sql, "UPDATE questionnaire SET complaint = ?2 WHERE id = ?1", "ii", id, complaint);
}

static enum err write_answers(struct sql *sql, int64_t id, const struct line *lines, size_t count)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < count; i++) {
        err = sql_run(sql, "UPDATE questionnaire_line SET answer = ?3, alert = ?4 WHERE questionnaire = ?1 AND position = ?2",
                      "iiti", id, lines[i].position, lines[i].answer, (int64_t)lines[i].alert);
    }
    return err;
}

enum err questionnaire_answer(struct office *office, struct sql *sql, int64_t id, const struct action *action,
                              const char *channel, int64_t now_ms, struct text *why)
{
    struct line *lines = arena_array(office->arena, QUESTIONNAIRE_LINES_MOST, sizeof(*lines));
    const struct cJSON *answers = json_field(action->body, "answers");
    const char *comment = json_text_or(action->body, "comment", NULL);
    const struct plan *plan = NULL;
    struct sql_rows rows;
    size_t count = 0;
    bool alert = false, over = false;
    enum err err;

    if (!lines) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows, "SELECT plan, answered_ms IS NOT NULL OR until_ms < ?2 FROM questionnaire WHERE id = ?1", "ii", id, now_ms);
    if (sql_next(&rows)) {
        plan = rules_plan(office->options.rules, sql_text(&rows, 0));
        over = sql_int(&rows, 1) != 0;
    }
    err = sql_end(&rows);
    if (!err && over) {
        return text_say(why, ERR_STATE, "the questionnaire was answered already, or has ended. Legal: nothing");
    }
    if (!err && (!json_is_object(answers) || (comment && strlen(comment) > COMMENT_MOST))) {
        return text_say(why, ERR_FORMAT, "answers: expected an object by position; comment: at most %d bytes", COMMENT_MOST);
    }
    err = err ? err : read_lines(office, sql, id, lines, &count);
    for (size_t i = 0; !err && i < count; i++) {
        err = read_answer(office, answers, &lines[i], why);
        lines[i].alert = !err && is_alert(plan, &lines[i]);
        alert = alert || lines[i].alert;
    }
    err = err ? err : write_answers(sql, id, lines, count);
    err = err ? err
              : sql_run(sql, "UPDATE questionnaire SET answered_ms = ?2, channel = ?3, who = ?4, comment = ?5 WHERE id = ?1",
                        "iittt", id, now_ms, channel, action->who, comment);
    return err || !alert ? err : raise(office, sql, id, lines, count, now_ms, why);
}

/* ------------------------------------------------------------------ showing */

static enum err put_questions(struct sql *sql, int64_t id, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "questions");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT l.position, l.question, e.name, l.title_en, l.title_zh, l.kind, l.found, l.answer, l.alert FROM"
             " questionnaire_line l LEFT JOIN equipment e ON e.id = l.equipment WHERE l.questionnaire = ?1 ORDER BY l.position",
             "i", id);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_int(out, "position", sql_int(&rows, 0));
        json_text(out, "question", sql_text(&rows, 1));
        json_text(out, "equipment", sql_text(&rows, 2));
        json_key(out, "title");
        json_open_object(out);
        json_text(out, "en", sql_text(&rows, 3));
        json_text(out, "zh", sql_text(&rows, 4));
        json_close_object(out);
        json_text(out, "kind", sql_text(&rows, 5));
        json_text(out, "found", sql_text(&rows, 6));
        json_text(out, "answer", sql_text(&rows, 7));
        json_bool(out, "alert", sql_int(&rows, 8) != 0);
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err questionnaire_view(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool there;
    enum err err;

    sql_find(sql, &rows,
             "SELECT n.name, c.name, c.title, q.plan, q.occurrence, q.asked_ms, q.until_ms, q.answered_ms, q.channel, q.who,"
             " q.comment, k.number FROM questionnaire q JOIN contract n ON n.id = q.contract JOIN customer c ON c.id = q.customer"
             " LEFT JOIN complaint k ON k.id = q.complaint WHERE q.id = ?1",
             "i", id);
    there = sql_next(&rows);
    if (there) {
        json_open_object(out);
        json_int(out, "id", id);
        json_text(out, "contract", sql_text(&rows, 0));
        json_text(out, "customer", sql_text(&rows, 1));
        json_text(out, "customer_name", sql_text(&rows, 2));
        json_text(out, "plan", sql_text(&rows, 3));
        json_int(out, "occurrence", sql_int(&rows, 4));
        cell_time(out, "asked_at", zone, &rows, 5);
        cell_time(out, "until", zone, &rows, 6);
        cell_time(out, "answered_at", zone, &rows, 7);
        json_text(out, "channel", sql_text(&rows, 8));
        json_text(out, "who", sql_text(&rows, 9));
        json_text(out, "comment", sql_text(&rows, 10));
        json_text(out, "feedback", sql_text(&rows, 11));
    }
    err = sql_end(&rows);
    if (err || !there) {
        return err ? err : ERR_NOT_FOUND;
    }
    err = put_questions(sql, id, out);
    json_close_object(out);
    return err ? err : out->err;
}
