/* Commands down, replies up. */
#include "server/fleet/orders.h"

#include <string.h>

#include "models/telemetry/command.h"
#include "server/fleet/checks.h"
#include "server/fleet/numbers.h"
#include "server/store/change.h"

#define CHECKS_ARENA (4 * 1024 * 1024)
#define INSPECT_MS  120000       /* an inspection that nobody answers has failed */
#define RESULT_MOST (512 * 1024) /* a reply of 64 KiB, written anew with every \u spelt out */

enum err orders_give(struct sql *sql, int64_t agent, int64_t equipment, const char *name,
                     const char *args, int64_t expires_ms, int64_t now_ms, char *id, size_t id_room)
{
    if (id[0] == '\0' && id_room > 32) {
        numbers_secret(id, 24);
    }
    return sql_run(sql,
                   "INSERT INTO command (id, agent, equipment, name, args, created_ms, expires_ms,"
                   " state) VALUES (?1, ?2, NULLIF(?3, 0), ?4, ?5, ?6, ?7, 'waiting')",
                   "tiittii", id, agent, equipment, name, args, now_ms, expires_ms);
}

struct waiting {
    char id[65], agent[65], name[65], equipment[65];
    char args[8192];
    int64_t expires_ms;
};

static bool next_waiting(struct sql *sql, struct waiting *waiting)
{
    struct sql_rows rows;
    bool found;

    sql_find(sql, &rows,
             "SELECT c.id, a.name, c.name, COALESCE(e.name, ''), COALESCE(c.args, '{}'),"
             " c.expires_ms FROM command c JOIN agent a ON a.id = c.agent LEFT JOIN equipment e ON"
             " e.id = c.equipment WHERE c.state = 'waiting' AND a.online = 1 ORDER BY c.created_ms"
             " LIMIT 1",
             "");
    found = sql_next(&rows);
    if (found) {
        (void)!text_copy(waiting->id, sizeof(waiting->id), sql_text(&rows, 0));
        (void)!text_copy(waiting->agent, sizeof(waiting->agent), sql_text(&rows, 1));
        (void)!text_copy(waiting->name, sizeof(waiting->name), sql_text(&rows, 2));
        (void)!text_copy(waiting->equipment, sizeof(waiting->equipment), sql_text(&rows, 3));
        (void)!text_copy(waiting->args, sizeof(waiting->args), sql_text(&rows, 4));
        waiting->expires_ms = sql_int(&rows, 5);
    }
    return !sql_end(&rows) && found;
}

static enum err fail_inspections(struct sql *sql, int64_t now_ms)
{
    return sql_run(sql,
                   "UPDATE inspection SET state = 'failed', verdict = 'red', reason = 'the equipment"
                   " did not answer', done_ms = ?1 WHERE state IN ('waiting', 'running') AND (SELECT"
                   " c.state FROM command c WHERE c.id = inspection.command) IN ('expired',"
                   " 'failed', 'refused', 'unknown')",
                   "i", now_ms);
}

enum err orders_turn(struct sql *sql, int64_t now_ms,
                     enum err (*send)(void *context, const char *agent, const char *payload,
                                      size_t size),
                     void *context)
{
    struct json_out out = json_out(60 * 1024);
    struct waiting waiting;
    enum err err =
        sql_run(sql,
                "UPDATE command SET state = 'expired', done_ms = ?1, reason = 'nobody answered in"
                " time' WHERE state IN ('waiting', 'sent') AND expires_ms < ?1 - CASE state WHEN"
                " 'sent' THEN 5000 ELSE 0 END",
                "i", now_ms);

    for (int i = 0; !err && i < 100 && next_waiting(sql, &waiting); i++) {
        err = command_encode(&out, waiting.id, waiting.name,
                             waiting.equipment[0] ? waiting.equipment : NULL, waiting.expires_ms,
                             waiting.args[0] ? waiting.args : "{}");
        if (!err) {
            err = send(context, waiting.agent, out.bytes, out.size);
        }
        if (err == ERR_CLOSED) {
            err = ERR_OK; /* no broker now: it waits on */
            break;
        }
        if (!err) {
            err = sql_run(sql, "UPDATE command SET state = 'sent', sent_ms = ?2 WHERE id = ?1", "ti",
                          waiting.id, now_ms);
        }
    }
    json_out_free(&out);
    return err ? err : fail_inspections(sql, now_ms);
}

/* ------------------------------------------------------------------ replies */

static const char *verdict_of(const struct cJSON *checks, const struct cJSON *points)
{
    const char *verdict = "green";

    for (const struct cJSON *item = json_first(checks); item; item = json_next(item)) {
        const char *light = json_text_or(item, "light", "");

        if (strcmp(light, "red") == 0) {
            return "red";
        }
        if (strcmp(light, "amber") == 0) {
            verdict = "amber";
        }
    }
    for (const struct cJSON *item = json_first(points); item; item = json_next(item)) {
        if (strcmp(json_text_or(item, "quality", "good"), "good") != 0) {
            verdict = "amber"; /* something could not be read */
        }
    }
    return verdict;
}

/* The profile of the equipment that a command inspects; NULL: unknown, or no inspection. */
static const struct profile *inspected(struct sql *sql, struct rules *rules, const char *command)
{
    const struct profile *profile = NULL;
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT e.profile FROM inspection i JOIN equipment e ON e.id = i.equipment WHERE i.command ="
             " ?1",
             "t", command);
    if (sql_next(&rows) && !sql_null(&rows, 0)) {
        profile = rules_profile(rules, sql_text(&rows, 0));
    }
    return sql_end(&rows) ? NULL : profile;
}

static enum err finish_inspection(struct sql *sql, struct rules *rules, int64_t agent,
                                  const struct reply_message *reply, int64_t now_ms)
{
    const struct profile *profile = inspected(sql, rules, reply->command);
    struct arena *arena;
    const struct cJSON *points = json_field(reply->result, "points");
    const struct cJSON *checks = json_field(reply->result, "checks");
    struct json_out a = json_out(RESULT_MOST), b = json_out(RESULT_MOST), c = json_out(RESULT_MOST);
    bool done = strcmp(reply->state, "done") == 0;
    enum err err = arena_open(CHECKS_ARENA, &arena);

    if (err) {
        return err;
    }
    json_put_value(&a, points);
    if (json_is_list(checks)) {
        json_put_value(&b, checks);
    } else if (profile && done && checks_make(arena, profile, points, now_ms, &b, &checks)) {
        checks = NULL; /* the values are shown all the same */
    }
    json_put_value(&c, json_field(reply->result, "health"));
    err = sql_run(sql,
                  "UPDATE inspection SET state = ?2, verdict = ?3, points = ?4, checks = ?5, health"
                  " = ?6, reason = ?7, done_ms = ?8 WHERE command = ?1 AND done_ms IS NULL AND EXISTS"
                  " (SELECT 1 FROM command WHERE id = ?1 AND agent = ?9)",
                  "tttttttii", reply->command, done ? "done" : "failed",
                  done ? verdict_of(checks, points) : "red", points ? a.bytes : NULL,
                  checks ? b.bytes : NULL, c.bytes, reply->reason, now_ms, agent);
    json_out_free(&a);
    json_out_free(&b);
    json_out_free(&c);
    arena_close(arena);
    return err;
}

enum err orders_reply(struct sql *sql, struct rules *rules, int64_t agent, const struct reply_message *reply,
                      int64_t now_ms)
{
    struct json_out result = json_out(RESULT_MOST);
    enum err err;

    if (reply->result) {
        json_put_value(&result, reply->result);
    }
    err = result.err ? result.err
                     : sql_run(sql,
                               "UPDATE command SET state = ?3, reason = ?4, result = ?5, done_ms = ?6"
                               " WHERE id = ?1 AND agent = ?2 AND state IN ('waiting', 'sent',"
                               " 'expired')",
                               "tittti", reply->command, agent, reply->state, reply->reason,
                               result.bytes, now_ms);
    json_out_free(&result);
    if (!err) {
        err = finish_inspection(sql, rules, agent, reply, now_ms);
    }
    if (!err) {
        struct json_out out = json_out(1024);

        json_open_object(&out);
        json_text(&out, "id", reply->command);
        json_text(&out, "state", reply->state);
        json_close_object(&out);
        err = out.err ? ERR_OK : change_put(sql, now_ms, "command", out.bytes);
        json_out_free(&out);
    }
    return err;
}

enum err orders_inspect(struct sql *sql, int64_t equipment, const char *way, int64_t period_day, int64_t now_ms,
                        char number[32])
{
    int64_t agent = sql_find_int(sql, 0, "SELECT agent FROM equipment WHERE id = ?1", "i", equipment);
    char id[40] = "";
    enum err err;

    if (!agent) {
        return ERR_NOT_FOUND;
    }
    numbers_make('I', number, 32);
    err = orders_give(sql, agent, equipment, "inspect", "{}", now_ms + INSPECT_MS, now_ms, id, sizeof(id));
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO inspection (number, equipment, state, command, created_ms, way, period_day) VALUES"
                      " (?1, ?2, 'waiting', ?3, ?4, ?5, NULLIF(?6, 0))",
                      "titi" "ti", number, equipment, id, now_ms, way, period_day);
    }
    return err;
}
