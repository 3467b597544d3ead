/* The fault analysis: drafted, completed, approved. */
#include "server/desk/rca.h"

#include <string.h>

#include "models/base/civil.h"

#define ITEMS_MOST 50
#define WORDS_MOST 20000

/* The likeliest cause of the ticket's ranked ones; NULL: none. In the arena. */
static const char *likeliest(struct office *office, struct sql *sql, int64_t ticket)
{
    const struct cJSON *causes = NULL;
    const char *words;
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT cause FROM ticket WHERE id = ?1", "i", ticket);
    words = sql_next(&rows) ? sql_text(&rows, 0) : NULL;
    if (words && json_parse(office->arena, words, strlen(words), &causes, NULL)) {
        causes = NULL;
    }
    return sql_end(&rows) ? NULL : json_text_or(json_first(causes), "cause", NULL);
}

enum err rca_draft(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t now_ms)
{
    bool required = ticket->plan && ticket->plan->people.rca_grades >> ticket->grade & 1;

    return sql_run(sql,
                   "INSERT INTO rca (ticket, state, required, cause_code, facts, drafted_ms, next_ms) VALUES (?1, 'draft', ?2,"
                   " ?4, '{}', ?3, ?3) ON CONFLICT (ticket) DO UPDATE SET state = 'draft', required = ?2, drafted_ms = ?3,"
                   " next_ms = ?3, approved_ms = NULL, approved_by = NULL, version = rca.version + 1",
                   "iiit", ticket->id, (int64_t)required, now_ms, likeliest(office, sql, ticket->id));
}

enum err rca_conclude(struct sql *sql, int64_t ticket, const char *resolution, const char *who, int64_t now_ms)
{
    return sql_run(sql,
                   "UPDATE rca SET cause = ?2, edited_by = ?3, edited_ms = ?4, version = version + 1 WHERE ticket = ?1 AND"
                   " state = 'draft' AND cause IS NULL",
                   "itti", ticket, resolution, who, now_ms);
}

/* ------------------------------------------------------------------ by a person */

static enum err write_item(struct sql *sql, int64_t ticket, int64_t index, const struct cJSON *item, const char *who,
                           int64_t now_ms, struct text *why)
{
    const char *what = json_as_text(item) ? json_as_text(item) : json_text_or(item, "what", NULL);
    const char *due = json_text_or(item, "due", NULL);
    int32_t day = 0;
    enum err err;

    if (!what || !what[0] || strlen(what) > WORDS_MOST) {
        return text_say(why, ERR_FORMAT, "prevention: expected what in item %lld", (long long)index + 1);
    }
    if (due && civil_read_date(due, &day)) {
        return text_say(why, ERR_FORMAT, "prevention: due of item %lld is no date such as 2027-01-31",
                        (long long)index + 1);
    }
    err = sql_run(sql,
                  "INSERT INTO prevention (ticket, item, what, owner, due_day) VALUES (?1, ?2, ?3, ?4, NULLIF(?5, 0)) ON"
                  " CONFLICT (ticket, item) DO UPDATE SET what = ?3, owner = ?4, due_day = NULLIF(?5, 0)",
                  "iitti", ticket, index, what, json_text_or(item, "owner", NULL), (int64_t)day);
    if (!err && json_bool_or(item, "done", false)) {
        err = sql_run(sql,
                      "UPDATE prevention SET done_ms = ?3, done_by = ?4 WHERE ticket = ?1 AND item = ?2 AND done_ms IS NULL",
                      "iiit", ticket, index, now_ms, who);
    }
    return err;
}

static enum err write_items(struct sql *sql, int64_t ticket, const struct action *action, int64_t now_ms,
                            struct text *why)
{
    const struct cJSON *list = json_field(action->body, "prevention");
    int64_t index = 0;
    enum err err = ERR_OK;

    if (!list) {
        return ERR_OK;
    }
    if (!json_is_list(list) || json_size(list) > ITEMS_MOST) {
        return text_say(why, ERR_FORMAT, "prevention: expected a list of at most %d items", ITEMS_MOST);
    }
    for (const struct cJSON *item = json_first(list); item && !err; item = json_next(item)) {
        err = write_item(sql, ticket, index++, item, action->who, now_ms, why);
    }
    return err ? err
               : sql_run(sql, "DELETE FROM prevention WHERE ticket = ?1 AND item >= ?2 AND done_ms IS NULL", "ii", ticket,
                         index);
}

enum err rca_edit(struct sql *sql, int64_t ticket, const struct action *action, int64_t now_ms, struct text *why)
{
    const char *code = json_text_or(action->body, "cause_code", NULL);
    const char *cause = json_text_or(action->body, "cause", NULL);
    int64_t approved = sql_find_int(sql, -1, "SELECT approved_ms IS NOT NULL FROM rca WHERE ticket = ?1", "i", ticket);

    if (approved < 0) {
        return text_say(why, ERR_STATE, "there is no analysis yet: it is drafted when the fault has cleared");
    }
    if (!code && !cause && !json_field(action->body, "prevention")) {
        return text_say(why, ERR_FORMAT, "rca needs cause_code, cause or prevention");
    }
    if (approved && (code || cause)) {
        return text_say(why, ERR_STATE, "the analysis is approved: only its prevention can be carried on");
    }
    if ((code && strlen(code) > 64) || (cause && strlen(cause) > WORDS_MOST)) {
        return text_say(why, ERR_FORMAT, "cause_code: at most 64 bytes, cause: at most %d", WORDS_MOST);
    }
    enum err err = write_items(sql, ticket, action, now_ms, why);

    if (err || approved) {
        return err;
    }
    return sql_run(sql,
                   "UPDATE rca SET cause_code = COALESCE(?2, cause_code), cause = COALESCE(?3, cause), edited_by = ?4,"
                   " edited_ms = ?5, version = version + 1 WHERE ticket = ?1",
                   "ittti", ticket, code, cause, action->who, now_ms);
}

static enum err judge_approval(struct sql *sql, int64_t ticket, const struct action *action, struct text *why)
{
    bool found, approved = false, complete = false, own = false;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT state = 'approved', cause IS NOT NULL AND EXISTS (SELECT 1 FROM prevention p WHERE p.ticket ="
             " rca.ticket), edited_by FROM rca WHERE ticket = ?1",
             "i", ticket);
    found = sql_next(&rows);
    if (found) {
        approved = sql_int(&rows, 0) != 0;
        complete = sql_int(&rows, 1) != 0;
        own = text_same(sql_text(&rows, 2), action->who);
    }
    err = sql_end(&rows);
    if (err) {
        return err;
    }
    if (!found) {
        return text_say(why, ERR_STATE, "there is no analysis yet: it is drafted when the fault has cleared");
    }
    if (approved) {
        return text_say(why, ERR_STATE, "the analysis is approved already");
    }
    if (!complete) {
        return text_say(why, ERR_STATE, "the analysis needs a cause and at least one item of prevention. Legal: rca");
    }
    return own ? text_say(why, ERR_STATE, "who wrote the analysis does not approve it: another person has to") : ERR_OK;
}

enum err rca_approve(struct office *office, struct sql *sql, int64_t ticket, const struct action *action, int64_t at_ms,
                     int64_t now_ms, struct text *why)
{
    struct json_out facts = json_out(256 * 1024);
    enum err err = judge_approval(sql, ticket, action, why);

    if (!err) {
        err = rca_facts(sql, office->options.rules, ticket, now_ms, &facts);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE rca SET state = 'approved', facts = ?2, approved_ms = ?3, approved_by = ?4, version ="
                      " version + 1 WHERE ticket = ?1",
                      "itit", ticket, facts.bytes, at_ms, action->who);
    }
    json_out_free(&facts);
    return err ? err : clocks_stop(sql, ticket, PLAN_APPROVED, at_ms);
}

/* ------------------------------------------------------------------ its time */

#define SLICE 200

/* Of a closed ticket nobody else looks: warned and missed here. An open one is looked at with its other clocks. */
static enum err look(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct ticket ticket;
    enum err err = ticket_load(office, sql, id, &ticket);

    if (!err && ticket.closed_ms) {
        err = clocks_judge(office, sql, &ticket, now_ms, now_ms);
    }
    return err ? err
               : sql_run(sql,
                         "UPDATE rca SET next_ms = (SELECT CASE WHEN t.closed_ms IS NULL THEN NULL ELSE t.next_ms END FROM"
                         " ticket t WHERE t.id = rca.ticket) WHERE ticket = ?1",
                         "i", id);
}

enum err rca_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT ticket FROM rca WHERE next_ms <= ?1 ORDER BY next_ms LIMIT 200", "i", now_ms);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = look(office, sql, ids[i], now_ms);
    }
    return err;
}

int64_t rca_due(struct sql *sql)
{
    return sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(next_ms) FROM rca WHERE next_ms IS NOT NULL", "");
}
