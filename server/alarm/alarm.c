/* An alarm's row and its life. */
#include "server/alarm/alarm.h"

#include <string.h>

#include "models/base/json.h"
#include "server/store/change.h"

enum err alarm_load(struct sql *sql, int64_t id, struct alarm *ret_alarm)
{
    struct alarm alarm = {.id = id};
    struct sql_rows rows;
    bool found;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows,
             "SELECT m.equipment, COALESCE(e.agent, 0), COALESCE(e.site, 0), COALESCE(m.ticket, 0), m.fault, m.area,"
             " m.position, m.grade, m.onset_ms, m.detected_ms, m.registered_ms, m.cleared_ms, m.acked_ms,"
             " m.announced_ms, m.quiet_ms, m.outcome FROM alarm m JOIN equipment e ON e.id = m.equipment WHERE m.id ="
             " ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        alarm.equipment = sql_int(&rows, 0);
        alarm.agent = sql_int(&rows, 1);
        alarm.site = sql_int(&rows, 2);
        alarm.ticket = sql_int(&rows, 3);
        err = text_copy(alarm.fault, sizeof(alarm.fault), sql_text(&rows, 4));
        err = err ? err : text_copy(alarm.area, sizeof(alarm.area), sql_text(&rows, 5));
        err = err ? err : text_copy(alarm.position, sizeof(alarm.position), sql_text(&rows, 6));
        alarm.grade = (int)sql_int(&rows, 7);
        alarm.onset_ms = sql_int(&rows, 8);
        alarm.detected_ms = sql_int(&rows, 9);
        alarm.registered_ms = sql_int(&rows, 10);
        alarm.cleared_ms = sql_int(&rows, 11);
        alarm.acked_ms = sql_int(&rows, 12);
        alarm.announced_ms = sql_int(&rows, 13);
        alarm.quiet_ms = sql_int(&rows, 14);
        alarm.decided = !sql_null(&rows, 15);
    }
    end = sql_end(&rows);
    err = err ? err : end;
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    *ret_alarm = alarm;
    return ERR_OK;
}

int64_t alarm_open_of(struct sql *sql, int64_t equipment, const char *fault)
{
    return sql_find_int(sql, 0, "SELECT id FROM alarm WHERE equipment = ?1 AND fault = ?2 AND cleared_ms IS NULL", "it",
                        equipment, fault);
}

int64_t alarm_last_of(struct sql *sql, int64_t equipment, const char *fault)
{
    return sql_find_int(sql, 0, "SELECT MAX(id) FROM alarm WHERE equipment = ?1 AND fault = ?2", "it", equipment,
                        fault);
}

enum err alarm_line(struct sql *sql, int64_t id, int64_t at_ms, int64_t now_ms, const struct alarm_words *words)
{
    enum err err = sql_run(sql,
                           "INSERT INTO alarm_event (alarm, at_ms, stored_ms, who, kind, outcome, reason, action_id,"
                           " note, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
                           "iiittttttt", id, at_ms, now_ms, words->who, words->kind, words->outcome, words->reason,
                           words->action_id, words->note, words->data);

    return err ? err : sql_changes(sql) == 0 ? ERR_EXISTS : ERR_OK;
}

static enum err say(struct sql *sql, int64_t id, int64_t at_ms, int64_t now_ms, const char *kind, const char *data)
{
    struct alarm_words words = {.who = "heliograph", .kind = kind, .data = data};
    enum err err = alarm_line(sql, id, at_ms, now_ms, &words);

    return err ? err : alarm_changed(sql, id, now_ms);
}

enum err alarm_changed(struct sql *sql, int64_t id, int64_t now_ms)
{
    struct json_out out = json_out(4096);
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT e.name, m.fault, m.grade, m.cleared_ms IS NULL, m.acked_ms IS NOT NULL, m.outcome, m.reason FROM"
             " alarm m JOIN equipment e ON e.id = m.equipment WHERE m.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_int(&out, "id", id);
        json_text(&out, "equipment", sql_text(&rows, 0));
        json_text(&out, "fault", sql_text(&rows, 1));
        json_int(&out, "grade", sql_int(&rows, 2));
        json_bool(&out, "active", sql_int(&rows, 3) != 0);
        json_bool(&out, "acknowledged", sql_int(&rows, 4) != 0);
        json_text(&out, "outcome", sql_text(&rows, 5));
        json_text(&out, "reason", sql_text(&rows, 6));
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err) {
        err = out.err ? out.err : change_put(sql, now_ms, "alarm", out.bytes ? out.bytes : "{}");
    }
    json_out_free(&out);
    return err;
}

/* ------------------------------------------------------------------ telemetry */

/* The area that is told instead of its devices, and the desk that looks after it: as they are now. */
enum err alarm_insert(struct sql *sql, const struct alarm_new *what, int64_t now_ms, int64_t *ret_id)
{
    enum err err = sql_run(
        sql,
        "INSERT INTO alarm (equipment, fault, grade, onset_ms, detected_ms, registered_ms, late, evidence, area,"
        " position) SELECT e.id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, COALESCE(s.area, a.name, s.name, e.name),"
        " COALESCE(s.position, 'dispatch') FROM equipment e LEFT JOIN site s ON s.id = e.site LEFT JOIN agent a ON a.id"
        " = e.agent WHERE e.id = ?1",
        "itiii" "iit", what->equipment, what->fault, (int64_t)what->grade, what->onset_ms, what->detected_ms, now_ms,
        (int64_t)what->late, what->evidence);

    if (err) {
        return err;
    }
    if (sql_changes(sql) == 0) {
        return ERR_NOT_FOUND;
    }
    *ret_id = sql_last_id(sql);
    return say(sql, *ret_id, what->onset_ms, now_ms, "raised", what->evidence);
}

enum err alarm_again(struct sql *sql, int64_t id, int64_t onset_ms, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE alarm SET quiet_ms = NULL, next_ms = NULL, rises = rises + 1 WHERE id = ?1 AND"
                           " quiet_ms IS NOT NULL",
                           "i", id);

    if (err || sql_changes(sql) == 0) {
        return err; /* told twice */
    }
    return say(sql, id, onset_ms, now_ms, "raised", NULL);
}

enum err alarm_regrade(struct sql *sql, int64_t id, int grade, int64_t t_ms, int64_t now_ms)
{
    int64_t before = sql_find_int(sql, 0, "SELECT grade FROM alarm WHERE id = ?1", "i", id);
    TEXT(data, 64);
    enum err err;

    if (before == grade) {
        return ERR_OK;
    }
    text_addf(&data, "{\"from\":%lld,\"to\":%d}", (long long)before, grade);
    err = sql_run(sql,
                  "UPDATE alarm SET grade = ?2, acked_ms = CASE WHEN ?2 < grade THEN NULL ELSE acked_ms END, acked_by ="
                  " CASE WHEN ?2 < grade THEN NULL ELSE acked_by END WHERE id = ?1",
                  "ii", id, (int64_t)grade);
    return err ? err : say(sql, id, t_ms, now_ms, "regraded", data.at);
}

#define RISES_MOST 100 /* chatter_count is not larger */

bool alarm_is_chattering(struct sql *sql, const struct alarm_rules *rules, int64_t equipment, const char *fault)
{
    int64_t rises[RISES_MOST], ordered[RISES_MOST];
    size_t count = 0;
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT v.at_ms FROM alarm m JOIN alarm_event v ON v.alarm = m.id WHERE m.equipment = ?1 AND m.fault = ?2"
             " AND v.kind = 'raised' ORDER BY m.id DESC, v.id DESC LIMIT ?3",
             "iti", equipment, fault, (int64_t)(rules->chatter_count < RISES_MOST ? rules->chatter_count : RISES_MOST));
    while (count < RISES_MOST && sql_next(&rows)) {
        rises[count++] = sql_int(&rows, 0);
    }
    if (sql_end(&rows)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) { /* oldest first */
        ordered[i] = rises[count - 1 - i];
    }
    return alarm_chatters(rules, ordered, count);
}

static enum err close_row(struct sql *sql, int64_t id, int64_t cleared_ms, int64_t now_ms)
{
    enum err err = sql_run(sql, "UPDATE alarm SET cleared_ms = ?2, quiet_ms = NULL, next_ms = NULL WHERE id = ?1", "ii",
                           id, cleared_ms);

    return err ? err : say(sql, id, cleared_ms, now_ms, "cleared", NULL);
}

enum err alarm_clear(struct sql *sql, const struct alarm_rules *rules, int64_t id, int64_t cleared_ms, int64_t now_ms,
                     bool *ret_kept)
{
    struct alarm alarm;
    enum err err = alarm_load(sql, id, &alarm);

    *ret_kept = false;
    if (err) {
        return err;
    }
    *ret_kept = alarm.quiet_ms || alarm_is_chattering(sql, rules, alarm.equipment, alarm.fault);
    if (!*ret_kept) {
        return close_row(sql, id, cleared_ms, now_ms);
    }
    if (alarm.quiet_ms) {
        return ERR_OK; /* told twice */
    }
    err = sql_run(sql, "UPDATE alarm SET quiet_ms = ?2, next_ms = ?3 WHERE id = ?1", "iii", id, cleared_ms,
                  cleared_ms + rules->chatter_quiet_ms);
    return err ? err : say(sql, id, cleared_ms, now_ms, "quiet", NULL);
}

enum err alarm_clear_quiet(struct sql *sql, const struct alarm *alarm, int64_t now_ms)
{
    return close_row(sql, alarm->id, alarm->quiet_ms, now_ms);
}

/* ------------------------------------------------------------------ people */

enum err alarm_acknowledge(struct sql *sql, int64_t id, const char *who, const char *action_id, const char *note,
                           int64_t at_ms, int64_t now_ms)
{
    struct alarm_words words = {.who = who, .kind = "acknowledge", .action_id = action_id, .note = note};
    enum err err = alarm_line(sql, id, at_ms, now_ms, &words);

    if (!err) {
        err = sql_run(sql, "UPDATE alarm SET acked_ms = ?2, acked_by = ?3 WHERE id = ?1 AND acked_ms IS NULL", "iit", id,
                      at_ms, who);
    }
    return err ? err : alarm_changed(sql, id, now_ms);
}

enum err alarm_acknowledge_ticket(struct sql *sql, int64_t ticket, const char *who, int64_t at_ms, int64_t now_ms)
{
    int64_t id = 0;
    enum err err = ERR_OK;

    while (!err && (id = sql_find_int(sql, 0,
                                      "SELECT MIN(id) FROM alarm WHERE ticket = ?1 AND acked_ms IS NULL AND id > ?2",
                                      "ii", ticket, id)) > 0) {
        err = alarm_acknowledge(sql, id, who, NULL, "its ticket was acknowledged", at_ms, now_ms);
    }
    return err;
}
