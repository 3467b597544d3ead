/* What people do with an inspection: the answers of a phone check, findings that are accepted, a report handed over. */
#include <string.h>

#include "server/inspection/inspection_int.h"

#define OPEN_MOST 64

enum err inspection_line_of_time(struct sql *sql, int64_t inspection, const struct action *action, const char *line,
                                 int64_t at_ms, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO inspection_event (inspection, at_ms, stored_ms, who, action, action_id, line, note) VALUES"
                   " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                   "iiittttt", inspection, at_ms, now_ms, action->who, action->action, action->action_id, line, action->note);
}

enum err inspection_finish(struct sql *sql, const struct inspected *inspected, int64_t at_ms, int64_t now_ms)
{
    enum err err = inspection_grade(sql, inspected->id);

    err = err ? err
              : sql_run(sql,
                        "UPDATE inspection SET state = 'done', verdict = result, done_ms = ?2, version = version + 1 WHERE id"
                        " = ?1",
                        "ii", inspected->id, at_ms);
    err = err ? err : inspection_kept(sql, inspected->equipment, at_ms);
    return err ? err : inspection_changed(sql, inspected->id, now_ms);
}

/* ------------------------------------------------------------------ answers */

static bool has_line(struct sql *sql, int64_t inspection, const char *line)
{
    return sql_find_int(sql, 0, "SELECT 1 FROM inspection_line WHERE inspection = ?1 AND line = ?2", "it", inspection,
                        line) != 0;
}

static enum err read_line(const struct action *action, struct sql *sql, int64_t inspection, const char **ret_line,
                          struct text *why)
{
    *ret_line = json_text_or(action->body, "line", "");
    return has_line(sql, inspection, *ret_line)
               ? ERR_OK
               : text_say(why, ERR_FORMAT, "line: expected a line of this inspection, found '%.64s'", *ret_line);
}

/* A number is judged by the line's limits; else the word counts. */
static enum err judge_answer(struct sql *sql, int64_t inspection, const char *line, const struct action *action,
                             const char **ret_verdict, double *ret_value, bool *ret_has_value, struct text *why)
{
    const char *words = json_text_or(action->body, "verdict", NULL);
    bool known = text_same(words, "pass") || text_same(words, "fail") || text_same(words, "unknown");
    struct check_line limits = {.least = 0};
    struct check_value value = {.known = true};
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    *ret_has_value = json_as_number(json_field(action->body, "value"), ret_value);
    if (words ? !known : !*ret_has_value) {
        return text_say(why, ERR_FORMAT, "verdict: expected pass, fail or unknown (or a value)");
    }
    *ret_verdict = words;
    if (words) {
        return ERR_OK;
    }
    sql_find(sql, &rows, "SELECT spec FROM inspection_line WHERE inspection = ?1 AND line = ?2", "it", inspection, line);
    if (sql_next(&rows)) {
        const struct cJSON *spec = NULL, *limit;
        const char *json = sql_text(&rows, 0);
        struct arena *arena;

        err = arena_open(1 << 20, &arena);
        if (!err && !json_parse(arena, json, strlen(json), &spec, NULL)) {
            limit = json_first(json_field(spec, "limit"));
            (void)!json_as_number(limit, &limits.least);
            (void)!json_as_number(limit ? json_next(limit) : NULL, &limits.most);
        }
        if (!err) {
            arena_close(arena);
        }
    }
    value.number = *ret_value;
    *ret_verdict = check_verdict_names[check_judge(&limits, &value)];
    end = sql_end(&rows);
    return err ? err : end;
}

/* {line, verdict or value, note?}: what was answered by telephone. What telemetry has answered stays. */
static enum err do_answer(struct sql *sql, const struct inspected *inspected, const struct action *action, int64_t at_ms,
                          int64_t now_ms, struct text *why)
{
    const char *line, *verdict = NULL;
    double value = 0;
    bool has_value = false;
    TEXT(number, 64);
    enum err err = read_line(action, sql, inspected->id, &line, why);

    if (!err && sql_find_int(sql, 0, "SELECT 1 FROM inspection_line WHERE inspection = ?1 AND line = ?2 AND answered = 'auto'",
                             "it", inspected->id, line)) {
        err = text_say(why, ERR_STATE, "telemetry has answered '%.64s'. Legal: the lines that are unknown, finish", line);
    }
    err = err ? err : judge_answer(sql, inspected->id, line, action, &verdict, &value, &has_value, why);
    if (err) {
        return err;
    }
    if (has_value) {
        text_add_number(&number, value);
    }
    err = sql_run(sql,
                  "UPDATE inspection_line SET verdict = ?3, value = CASE WHEN ?4 = '' THEN NULL ELSE CAST(?4 AS DOUBLE"
                  " PRECISION) END, answered = 'phone', who = ?5, at_ms = ?6, note = ?7 WHERE inspection = ?1 AND line = ?2",
                  "itttt" "it", inspected->id, line, verdict, number.at, action->who, at_ms, action->note);
    err = err ? err : inspection_grade(sql, inspected->id);
    return err ? err : inspection_line_of_time(sql, inspected->id, action, line, at_ms, now_ms);
}

/* Which lines ask a question that nobody has answered. */
static enum err open_lines(struct sql *sql, int64_t inspection, struct text *to)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT line FROM inspection_line WHERE inspection = ?1 AND answered IS NULL AND spec LIKE '%\"ask\":%' ORDER BY"
             " position LIMIT 64",
             "i", inspection);
    while (sql_next(&rows)) {
        text_addf(to, "%s%s", to->length ? " " : "", sql_text(&rows, 0));
    }
    return sql_end(&rows);
}

/* {spoke_with}: all that can be asked was asked. */
static enum err do_finish(struct sql *sql, const struct inspected *inspected, const struct action *action, int64_t at_ms,
                          int64_t now_ms, struct text *why)
{
    const char *with = json_text_or(action->body, "spoke_with", "");
    TEXT(open, 2000);
    enum err err = open_lines(sql, inspected->id, &open);

    if (!err && !with[0]) {
        err = text_say(why, ERR_FORMAT, "spoke_with: expected the name of who answered");
    }
    if (!err && open.length) {
        err = text_say(why, ERR_STATE, "not asked yet: %s. Legal: answer (verdict unknown where nobody knows)", open.at);
    }
    err = err ? err
              : sql_run(sql, "UPDATE inspection SET spoke_with = ?2, done_by = ?3 WHERE id = ?1", "itt", inspected->id, with,
                        action->who);
    err = err ? err : inspection_finish(sql, inspected, at_ms, now_ms);
    return err ? err : inspection_line_of_time(sql, inspected->id, action, NULL, at_ms, now_ms);
}

/* One on demand that nobody answered is asked about by telephone after all. */
static enum err do_phone(struct sql *sql, const struct inspected *inspected, const struct action *action, int64_t at_ms,
                         int64_t now_ms, struct text *why)
{
    enum err err;

    (void)why;
    err = sql_run(sql,
                  "UPDATE inspection SET state = 'phone', verdict = NULL, done_ms = NULL, version = version + 1 WHERE id = ?1",
                  "i", inspected->id);
    return err ? err : inspection_line_of_time(sql, inspected->id, action, NULL, at_ms, now_ms);
}

/* ------------------------------------------------------------------ afterwards */

/* {line, note}: the customer lives with a finding (S0-13). */
static enum err do_accept(struct sql *sql, const struct inspected *inspected, const struct action *action, int64_t at_ms,
                          int64_t now_ms, struct text *why)
{
    const char *line;
    enum err err = read_line(action, sql, inspected->id, &line, why);

    if (!err && (!action->note || !action->note[0])) {
        err = text_say(why, ERR_FORMAT, "note: expected who accepts the finding, and why");
    }
    if (!err && !sql_find_int(sql, 0, "SELECT 1 FROM inspection_line WHERE inspection = ?1 AND line = ?2 AND verdict = 'fail'",
                              "it", inspected->id, line)) {
        err = text_say(why, ERR_STATE, "'%.64s' has not failed: there is nothing to accept", line);
    }
    err = err ? err
              : sql_run(sql,
                        "UPDATE inspection_line SET accepted_ms = ?3, accepted_by = ?4, accepted_note = ?5 WHERE inspection ="
                        " ?1 AND line = ?2",
                        "ititt", inspected->id, line, at_ms, action->who, action->note);
    return err ? err : inspection_line_of_time(sql, inspected->id, action, line, at_ms, now_ms);
}

/* {to, note?}: the report was handed over on paper, or read out. */
static enum err do_deliver(struct sql *sql, const struct inspected *inspected, const struct action *action, int64_t at_ms,
                           int64_t now_ms, struct text *why)
{
    const char *to = json_text_or(action->body, "to", "");
    TEXT(key, 200);
    enum err err = to[0] ? ERR_OK : text_say(why, ERR_FORMAT, "to: expected the name of who has the report");

    text_addf(&key, "inspection:%s:hand:%lld", inspected->number, (long long)now_ms);
    if (!err && !sql_find_int(sql, 0, "SELECT 1 FROM inspection_report WHERE inspection = ?1", "i", inspected->id)) {
        err = text_say(why, ERR_STATE, "there is no report yet");
    }
    if (!err && sql_find_int(sql, 0, "SELECT 1 FROM inspection_report WHERE inspection = ?1 AND approvals > 0 AND approved_ms IS"
                                     " NULL",
                             "i", inspected->id)) {
        err = text_say(why, ERR_STATE, "the report waits to be approved. Legal: approve");
    }
    err = err ? err
              : sql_run(sql,
                        "INSERT INTO inspection_reader (inspection, position, role, name, key, state, sent_ms) SELECT ?1,"
                        " COALESCE(MAX(position), 0) + 1, 'hand', ?2, ?3, 'sent', ?4 FROM inspection_reader WHERE inspection ="
                        " ?1",
                        "itti", inspected->id, to, key.at, at_ms);
    err = err ? err
              : sql_run(sql, "UPDATE inspection_reader SET state = 'sent', sent_ms = ?2 WHERE inspection = ?1 AND state IN"
                             " ('none', 'failed')",
                        "ii", inspected->id, at_ms);
    err = err ? err : inspection_received(sql, inspected->id);
    return err ? err : inspection_line_of_time(sql, inspected->id, action, NULL, at_ms, now_ms);
}

/* … and with the last word that was missing it goes to its readers. */
static enum err approve(struct office *office, struct sql *sql, const struct inspected *inspected, const struct action *action,
                        int64_t at_ms, int64_t now_ms, struct text *why)
{
    bool final = false;
    enum err err = inspection_approve(sql, inspected, action, at_ms, &final, why);

    err = err || !final ? err : inspection_send(office, sql, inspected->id, now_ms);
    return err ? err : inspection_line_of_time(sql, inspected->id, action, NULL, at_ms, now_ms);
}

/* ------------------------------------------------------------------ which may when */

static const struct {
    const char *action, *states; /* NULL-ended words between blanks */
    enum err (*run)(struct sql *sql, const struct inspected *inspected, const struct action *action, int64_t at_ms,
                    int64_t now_ms, struct text *why);
} moves[] = {
    {"answer", " phone ", do_answer}, {"finish", " phone ", do_finish}, {"phone", " failed ", do_phone},
    {"accept", " done phone ", do_accept}, {"approve", " done ", NULL}, {"deliver", " done ", do_deliver},
};
#define MOVES (sizeof(moves) / sizeof(moves[0]))

static bool is_legal(size_t move, const char *state)
{
    TEXT(words, 32);

    text_addf(&words, " %s ", state);
    return strstr(moves[move].states, words.at) != NULL;
}

static enum err refuse(const struct inspected *inspected, const char *name, bool known, struct text *why)
{
    TEXT(legal, 200);

    for (size_t i = 0; i < MOVES; i++) {
        if (!known || is_legal(i, inspected->state)) {
            text_addf(&legal, " %s", moves[i].action);
        }
    }
    return known ? text_say(why, ERR_STATE, "an inspection that is %s cannot %.40s. Legal:%s", inspected->state, name,
                            legal.length ? legal.at : " nothing")
                 : text_say(why, ERR_FORMAT, "no action called '%.40s' for inspections. Legal:%s", name, legal.at);
}

enum err inspection_act(struct office *office, struct sql *sql, int64_t inspection, const struct action *action,
                        int64_t now_ms, struct text *why)
{
    struct inspected inspected;
    int64_t at_ms = now_ms;
    enum err err;

    arena_reset(office->arena);
    err = inspected_read(office->arena, sql, inspection, &inspected);
    if (err || (action->action_id &&
                sql_find_int(sql, 0, "SELECT 1 FROM inspection_event WHERE inspection = ?1 AND action_id = ?2", "it",
                             inspection, action->action_id))) {
        return err; /* done already */
    }
    for (size_t i = 0; i < MOVES; i++) {
        if (!text_same(moves[i].action, action->action)) {
            continue;
        }
        if (!is_legal(i, inspected.state)) {
            return refuse(&inspected, action->action, true, why);
        }
        err = action_time(action->at_ms, inspected.created_ms, now_ms, &at_ms, why);
        err = err             ? err
              : moves[i].run ? moves[i].run(sql, &inspected, action, at_ms, now_ms, why)
                             : approve(office, sql, &inspected, action, at_ms, now_ms, why);
        err = err ? err : sql_run(sql, "UPDATE inspection SET version = version + 1 WHERE id = ?1", "i", inspection);
        return err ? err : inspection_changed(sql, inspection, now_ms);
    }
    return refuse(&inspected, action->action, false, why);
}
