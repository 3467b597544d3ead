/* Alarms as rows, and the lines of their lives. */
#include "server/alarm/alarm.h"

#include <string.h>

#include "server/store/change.h"

static void copy(char *to, size_t room, const char *words)
{
    if (text_copy(to, room, words ? words : "")) {
        to[room - 1] = '\0';
    }
}

enum err alarm_load(struct sql *sql, int64_t id, struct alarm *ret_alarm)
{
    struct alarm alarm = {.id = id};
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT m.equipment, m.ticket, e.agent, m.fault, m.area, m.position, m.grade, m.onset_ms, m.detected_ms,"
             " m.registered_ms, m.cleared_ms, m.quiet_ms, m.announced_ms, m.acked_ms, m.rises, m.late FROM alarm m JOIN"
             " equipment e ON e.id = m.equipment WHERE m.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        alarm.equipment = sql_int(&rows, 0);
        alarm.ticket = sql_int(&rows, 1);
        alarm.agent = sql_int(&rows, 2);
        copy(alarm.fault, sizeof(alarm.fault), sql_text(&rows, 3));
        copy(alarm.area, sizeof(alarm.area), sql_text(&rows, 4));
        copy(alarm.position, sizeof(alarm.position), sql_text(&rows, 5));
        alarm.grade = (int)sql_int(&rows, 6);
        alarm.onset_ms = sql_int(&rows, 7);
        alarm.detected_ms = sql_int(&rows, 8);
        alarm.registered_ms = sql_int(&rows, 9);
        alarm.cleared_ms = sql_int(&rows, 10);
        alarm.quiet_ms = sql_int(&rows, 11);
        alarm.announced_ms = sql_int(&rows, 12);
        alarm.acked_ms = sql_int(&rows, 13);
        alarm.rises = sql_int(&rows, 14);
        alarm.late = sql_int(&rows, 15) != 0;
    }
    err = sql_end(&rows);
    if (!err && found) {
        *ret_alarm = alarm;
    }
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

int64_t alarm_active(struct sql *sql, int64_t equipment, const char *fault)
{
    return sql_find_int(sql, 0,
                        "SELECT id FROM alarm WHERE equipment = ?1 AND fault = ?2 AND cleared_ms IS NULL", "it",
                        equipment, fault);
}

/* 0.1 degrees are about 11 km: what one cloud, one substation or one mast reaches. */
enum err alarm_area(struct sql *sql, int64_t equipment, struct text *area, struct text *position)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT s.area, s.position, s.lat, s.lon, s.name, a.name, e.name FROM equipment e LEFT JOIN site s ON s.id ="
             " e.site LEFT JOIN agent a ON a.id = e.agent WHERE e.id = ?1",
             "i", equipment);
    if (sql_next(&rows)) {
        double lat = sql_real(&rows, 2), lon = sql_real(&rows, 3);

        if (!sql_null(&rows, 0)) {
            text_add(area, sql_text(&rows, 0));
        } else if (lat < -0.0001 || lat > 0.0001 || lon < -0.0001 || lon > 0.0001) {
            text_addf(area, "%.1f,%.1f", lat, lon);
        } else {
            text_add(area, !sql_null(&rows, 4)   ? sql_text(&rows, 4)
                           : !sql_null(&rows, 5) ? sql_text(&rows, 5)
                                                 : sql_text(&rows, 6));
        }
        text_add(position, sql_null(&rows, 1) ? "desk" : sql_text(&rows, 1));
    }
    return sql_end(&rows);
}

enum err alarm_insert(struct sql *sql, struct alarm *alarm, const char *evidence, int64_t now_ms)
{
    struct text area = text_on(alarm->area, sizeof(alarm->area));
    struct text position = text_on(alarm->position, sizeof(alarm->position));
    enum err err = alarm_area(sql, alarm->equipment, &area, &position);

    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO alarm (equipment, fault, grade, onset_ms, detected_ms, registered_ms, late, evidence,"
                      " area, position) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                      "itiiiiittt", alarm->equipment, alarm->fault, (int64_t)alarm->grade, alarm->onset_ms,
                      alarm->detected_ms, now_ms, (int64_t)alarm->late, evidence, alarm->area, alarm->position);
    }
    if (err) {
        return err;
    }
    alarm->id = sql_last_id(sql);
    alarm->registered_ms = now_ms;
    alarm->rises = 1;
    return alarm_say(sql, alarm->id, &(struct alarm_line){.kind = "raise", .at_ms = alarm->onset_ms, .data = evidence},
                     now_ms);
}

static enum err tell_stream(struct sql *sql, int64_t alarm, const char *kind, int64_t now_ms)
{
    struct json_out out = json_out(4096);
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT e.name, m.fault, m.grade, m.cleared_ms, m.outcome, m.reason FROM alarm m JOIN equipment e ON e.id ="
             " m.equipment WHERE m.id = ?1",
             "i", alarm);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_int(&out, "id", alarm);
        json_text(&out, "equipment", sql_text(&rows, 0));
        json_text(&out, "fault", sql_text(&rows, 1));
        json_int(&out, "grade", sql_int(&rows, 2));
        json_bool(&out, "active", sql_null(&rows, 3));
        json_text(&out, "outcome", sql_text(&rows, 4));
        json_text(&out, "reason", sql_text(&rows, 5));
        json_text(&out, "event", kind);
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err) {
        err = out.err ? out.err : out.bytes ? change_put(sql, now_ms, "alarm", out.bytes) : ERR_OK;
    }
    json_out_free(&out);
    return err;
}

enum err alarm_say(struct sql *sql, int64_t alarm, const struct alarm_line *line, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "INSERT INTO alarm_event (alarm, at_ms, stored_ms, who, kind, outcome, reason, action_id, note,"
                           " data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
                           "iiitttttt" "t", alarm, line->at_ms ? line->at_ms : now_ms, now_ms,
                           line->who ? line->who : "heliograph", line->kind, line->outcome, line->reason,
                           line->action_id, line->note, line->data);

    if (!err && sql_changes(sql) == 0) {
        return ERR_EXISTS;
    }
    return err ? err : tell_stream(sql, alarm, line->kind, now_ms);
}

#define SEEN_MOST 200

enum err alarm_seen(struct sql *sql, int64_t ticket, const char *who, int64_t at_ms, int64_t now_ms)
{
    int64_t ids[SEEN_MOST];
    size_t count = 0;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT id FROM alarm WHERE ticket = ?1 AND acked_ms IS NULL ORDER BY id DESC LIMIT 200", "i",
             ticket);
    while (count < SEEN_MOST && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = sql_run(sql, "UPDATE alarm SET acked_ms = ?2, acked_by = ?3 WHERE id = ?1", "iit", ids[i], at_ms, who);
        if (!err) {
            err = alarm_say(sql, ids[i],
                            &(struct alarm_line){.kind = "acknowledge", .who = who, .at_ms = at_ms,
                                                 .note = "with its ticket"},
                            now_ms);
        }
    }
    return err;
}

size_t alarm_rises(struct sql *sql, int64_t equipment, const char *fault, int64_t *rises, size_t most)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(sql, &rows,
             "SELECT v.at_ms FROM alarm m JOIN alarm_event v ON v.alarm = m.id AND v.kind = 'raise' WHERE m.equipment = ?1"
             " AND m.fault = ?2 ORDER BY v.id DESC LIMIT ?3",
             "iti", equipment, fault, (int64_t)most);
    while (count < most && sql_next(&rows)) {
        rises[count++] = sql_int(&rows, 0);
    }
    if (sql_end(&rows)) {
        return 0;
    }
    for (size_t i = 0; i < count / 2; i++) {
        int64_t other = rises[i];

        rises[i] = rises[count - 1 - i];
        rises[count - 1 - i] = other;
    }
    return count;
}

enum err alarm_look_again(struct sql *sql, int64_t equipment, const char *fault, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE alarm SET next_ms = ?3 WHERE equipment = ?1 AND (?2 IS NULL OR fault = ?2) AND cleared_ms"
                           " IS NULL AND announced_ms IS NULL",
                           "iti", equipment, fault, now_ms);

    return err ? err : told_wake(sql, 0, equipment, now_ms);
}

int64_t alarm_due(struct sql *sql)
{
    static const char *const all[] = {
        "SELECT MIN(next_ms) FROM alarm WHERE next_ms IS NOT NULL",
        "SELECT MIN(next_ms) FROM flood WHERE ended_ms IS NULL",
        "SELECT MIN(until_ms) FROM shelf WHERE ended_ms IS NULL",
        "SELECT MIN(from_ms) FROM service_window WHERE done_ms IS NULL AND begun_ms IS NULL",
        "SELECT MIN(to_ms) FROM service_window WHERE done_ms IS NULL",
    };
    int64_t due_ms = INT64_MAX;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int64_t one_ms = sql_find_int(sql, INT64_MAX, all[i], "");

        due_ms = one_ms < due_ms ? one_ms : due_ms;
    }
    return due_ms;
}
