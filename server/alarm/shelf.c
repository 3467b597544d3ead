/* Put aside by a person. */
#include "server/alarm/shelf.h"

#include <string.h>

struct shelf shelf_of(struct sql *sql, int64_t equipment, const char *fault, int64_t now_ms)
{
    struct shelf shelf = {0};
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT until_ms FROM shelf WHERE equipment = ?1 AND fault = ?2 AND ended_ms IS NULL AND (until_ms IS NULL"
             " OR until_ms > ?3)",
             "iti", equipment, fault, now_ms);
    while (sql_next(&rows)) {
        shelf.out_of_service = shelf.out_of_service || sql_null(&rows, 0);
        shelf.shelved_until_ms = sql_null(&rows, 0) ? shelf.shelved_until_ms : sql_int(&rows, 0);
    }
    (void)!sql_end(&rows);
    return shelf;
}

enum err shelf_put(struct sql *sql, const struct alarm *alarm, const struct shelf_wish *wish, int64_t now_ms)
{
    struct alarm_words words = {.who = wish->who, .kind = wish->until_ms ? "shelve" : "out_of_service",
                                .reason = wish->reason, .action_id = wish->action_id, .note = wish->note};
    TEXT(data, 80);
    enum err err;

    if (wish->until_ms) {
        text_addf(&data, "{\"until_ms\":%lld}", (long long)wish->until_ms);
        words.data = data.at;
    }
    err = sql_run(sql,
                  "INSERT INTO shelf (equipment, fault, kind, from_ms, until_ms, reason, note, who, role, grade) VALUES"
                  " (?1, ?2, ?3, ?4, NULLIF(?5, 0), ?6, ?7, ?8, ?9, ?10)",
                  "ittii" "tttti", alarm->equipment, alarm->fault, wish->until_ms ? "shelved" : "out_of_service", now_ms,
                  wish->until_ms, wish->reason, wish->note, wish->who, wish->role_name, (int64_t)alarm->grade);
    if (!err) {
        err = alarm_line(sql, alarm->id, now_ms, now_ms, &words);
    }
    return err ? err : alarm_changed(sql, alarm->id, now_ms);
}

enum err shelf_take(struct sql *sql, const struct alarm *alarm, const char *kind, const struct shelf_wish *wish,
                    int64_t now_ms)
{
    struct alarm_words words = {.who = wish->who,
                                .kind = strcmp(kind, "shelved") == 0 ? "unshelve" : "return_to_service",
                                .action_id = wish->action_id, .note = wish->note};
    enum err err = sql_run(sql,
                           "UPDATE shelf SET ended_ms = ?4, ended_by = ?5 WHERE equipment = ?1 AND fault = ?2 AND kind ="
                           " ?3 AND ended_ms IS NULL",
                           "ittit", alarm->equipment, alarm->fault, kind, now_ms, wish->who);

    if (!err) {
        err = alarm_line(sql, alarm->id, now_ms, now_ms, &words);
    }
    return err ? err : alarm_changed(sql, alarm->id, now_ms);
}

enum err shelf_expire(struct sql *sql, int64_t now_ms, int64_t *ret_alarm)
{
    struct alarm_words words = {.who = "heliograph", .kind = "unshelve", .note = "its time is over"};
    int64_t id = sql_find_int(sql, 0,
                              "SELECT id FROM shelf WHERE ended_ms IS NULL AND until_ms <= ?1 ORDER BY until_ms LIMIT 1",
                              "i", now_ms);
    int64_t until_ms = sql_find_int(sql, 0, "SELECT until_ms FROM shelf WHERE id = ?1", "i", id);
    enum err err;

    if (!id) {
        return ERR_NOT_FOUND;
    }
    *ret_alarm = sql_find_int(sql, 0,
                              "SELECT m.id FROM shelf s JOIN alarm m ON m.equipment = s.equipment AND m.fault = s.fault"
                              " WHERE s.id = ?1 AND m.cleared_ms IS NULL",
                              "i", id);
    err = sql_run(sql, "UPDATE shelf SET ended_ms = until_ms, ended_by = 'heliograph' WHERE id = ?1", "i", id);
    if (!err && *ret_alarm) {
        err = alarm_line(sql, *ret_alarm, until_ms, now_ms, &words);
        err = err ? err : alarm_changed(sql, *ret_alarm, now_ms);
    }
    return err;
}

int64_t shelf_due_ms(struct sql *sql)
{
    return sql_find_int(sql, INT64_MAX, "SELECT MIN(until_ms) FROM shelf WHERE ended_ms IS NULL", "");
}
