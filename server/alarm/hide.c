/* What keeps alarms from people: shelves, out of service, windows, design, a lost link; and who may put it there. */
#include <string.h>

#include "models/base/zone.h"
#include "server/alarm/alarm.h"

/* A fault that stands and that the profile names as what inhibits this one; its id in the profile, or NULL. */
static const char *inhibitor(struct sql *sql, const struct profile *profile, int64_t equipment, const char *fault)
{
    int index = profile ? profile_fault(profile, fault) : -1;

    for (size_t i = 0; index >= 0 && i < profile->faults[index].inhibited_count; i++) {
        const char *other = profile->faults[profile->faults[index].inhibited_by[i]].id;

        if (alarm_active(sql, equipment, other)) {
            return other;
        }
    }
    return NULL;
}

static bool link_is_lost(struct sql *sql, int64_t equipment)
{
    return sql_find_int(sql, 0,
                        "SELECT a.silent_since_ms IS NOT NULL FROM equipment e JOIN agent a ON a.id = e.agent WHERE e.id ="
                        " ?1",
                        "i", equipment) != 0;
}

enum err hiding_find(struct sql *sql, const struct profile *profile, int64_t equipment, const char *fault,
                     int64_t now_ms, struct hiding *ret_hiding)
{
    struct hiding hiding = {
        .window = window_over(sql, equipment, "maintenance", now_ms) ||
                  window_over(sql, equipment, "planned_change", now_ms),
        .guard = window_over(sql, equipment, "guard", now_ms),
        .design = inhibitor(sql, profile, equipment, fault) != NULL,
        .parent = link_is_lost(sql, equipment),
    };
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT kind FROM shelf WHERE equipment = ?1 AND fault = ?2 AND ended_ms IS NULL AND (until_ms IS NULL OR"
             " until_ms > ?3)",
             "iti", equipment, fault, now_ms);
    while (sql_next(&rows)) {
        const char *kind = sql_text(&rows, 0);

        hiding.shelved = hiding.shelved || text_same(kind, "shelved");
        hiding.suppressed = hiding.suppressed || text_same(kind, "suppressed");
        hiding.out_of_service = hiding.out_of_service || text_same(kind, "out_of_service");
    }
    err = sql_end(&rows);
    if (!err) {
        *ret_hiding = hiding;
    }
    return err;
}

/* ------------------------------------------------------------------ actions */

static enum err put_aside(struct sql *sql, const struct alarm *alarm, const struct alarm_do *what, const char *kind,
                          int64_t now_ms)
{
    static const char *const role_words[] = {"none",       "viewer",  "integration", "technician",
                                             "dispatcher", "manager", "admin",       "server"};

    /* one whose time is over but whose end was not noticed yet makes room */
    enum err err = sql_run(sql,
                           "UPDATE shelf SET ended_ms = until_ms, ended_by = 'heliograph' WHERE equipment = ?1 AND fault ="
                           " ?2 AND kind = ?3 AND ended_ms IS NULL AND until_ms <= ?4",
                           "itti", alarm->equipment, alarm->fault, kind, now_ms);

    return err ? err
               : sql_run(sql,
                         "INSERT INTO shelf (equipment, fault, kind, from_ms, until_ms, reason, note, who, role, grade)"
                         " VALUES (?1, ?2, ?3, ?4, NULLIF(?5, 0), ?6, ?7, ?8, ?9, ?10)",
                         "ittiitttti", alarm->equipment, alarm->fault, kind, now_ms, what->until_ms, what->reason,
                         what->note, what->who, role_words[what->role], (int64_t)alarm->grade);
}

static enum err take_back(struct sql *sql, const struct alarm *alarm, const char *kind, const char *who, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE shelf SET ended_ms = ?4, ended_by = ?5 WHERE equipment = ?1 AND fault = ?2 AND kind = ?3"
                           " AND ended_ms IS NULL",
                           "ittit", alarm->equipment, alarm->fault, kind, now_ms, who);

    return err ? err : alarm_look_again(sql, alarm->equipment, alarm->fault, now_ms);
}

static enum err act(struct sql *sql, const struct alarm *alarm, const struct alarm_do *what, int64_t now_ms)
{
    switch (what->action) {
    case ALARM_ACKNOWLEDGE:
        return sql_run(sql, "UPDATE alarm SET acked_ms = ?2, acked_by = ?3 WHERE id = ?1", "iit", alarm->id, now_ms,
                       what->who);
    case ALARM_SHELVE:
        return put_aside(sql, alarm, what, "shelved", now_ms);
    case ALARM_UNSHELVE:
        return take_back(sql, alarm, "shelved", what->who, now_ms);
    case ALARM_SUPPRESS:
        return put_aside(sql, alarm, what, "suppressed", now_ms);
    case ALARM_UNSUPPRESS:
        return take_back(sql, alarm, "suppressed", what->who, now_ms);
    case ALARM_OUT_OF_SERVICE:
        return put_aside(sql, alarm, what, "out_of_service", now_ms);
    case ALARM_RETURN_TO_SERVICE:
        return take_back(sql, alarm, "out_of_service", what->who, now_ms);
    case ALARM_CLEAR:
    case ALARM_ACTIONS:
        break;
    }
    return ERR_STATE;
}

enum err alarm_do(struct sql *sql, const struct profile *profile, int64_t id, const struct alarm_do *what,
                  int64_t now_ms, struct text *why)
{
    struct alarm_line line = {.kind = alarm_row(what->action)->name, .who = what->who, .reason = what->reason,
                              .action_id = what->action_id, .note = what->note};
    struct alarm alarm;
    struct hiding hiding;
    int index;
    enum err err = alarm_load(sql, id, &alarm);

    if (!err) {
        err = hiding_find(sql, profile, alarm.equipment, alarm.fault, now_ms, &hiding);
    }
    if (err) {
        return err;
    }
    index = profile ? profile_fault(profile, alarm.fault) : -1;
    err = alarm_may(
        &(struct alarm_wish){
            .facts = {.active = !alarm.cleared_ms, .acknowledged = alarm.acked_ms != 0, .shelved = hiding.shelved,
                      .out_of_service = hiding.out_of_service},
            .put_aside = hiding.suppressed,
            .latching = index >= 0 && profile->faults[index].latching,
            .role = what->role,
            .grade = alarm.grade},
        what->action, why);
    if (!err) {
        err = act(sql, &alarm, what, now_ms);
    }
    return err ? err : alarm_say(sql, id, &line, now_ms);
}

enum err shelves_turn(struct sql *sql, int64_t now_ms)
{
    for (int i = 0; i < 500; i++) {
        struct sql_rows rows;
        int64_t id = 0, equipment = 0, until_ms = 0, alarm;
        char fault[2 * ALARM_WORD] = "", kind[ALARM_WORD] = "";
        enum err err;

        sql_find(sql, &rows,
                 "SELECT id, equipment, fault, kind, until_ms FROM shelf WHERE ended_ms IS NULL AND until_ms <= ?1 ORDER BY"
                 " until_ms LIMIT 1",
                 "i", now_ms);
        if (sql_next(&rows)) {
            id = sql_int(&rows, 0);
            equipment = sql_int(&rows, 1);
            (void)!text_copy(fault, sizeof(fault), sql_text(&rows, 2));
            (void)!text_copy(kind, sizeof(kind), sql_text(&rows, 3));
            until_ms = sql_int(&rows, 4);
        }
        err = sql_end(&rows);
        if (err || !id) {
            return err;
        }
        err = sql_run(sql, "UPDATE shelf SET ended_ms = until_ms, ended_by = 'heliograph' WHERE id = ?1", "i", id);
        alarm = alarm_active(sql, equipment, fault);
        if (!err && alarm) {
            err = alarm_say(sql, alarm,
                            &(struct alarm_line){.kind = text_same(kind, "shelved") ? "unshelve" : "unsuppress",
                                                 .at_ms = until_ms, .note = "its time is over"},
                            now_ms);
        }
        if (!err) {
            err = alarm_look_again(sql, equipment, fault, now_ms);
        }
        if (err) {
            return err;
        }
    }
    return ERR_OK;
}

/* ------------------------------------------------------------------ shown */

static void put_instant(struct json_out *out, const char *name, const struct zone *zone, int64_t ms)
{
    TEXT(words, 48);

    if (!ms) {
        json_null(out, name);
        return;
    }
    zone_write(zone, ms, &words);
    json_text(out, name, words.at);
}

static void put_line(struct json_out *out, const char *kind, const char *fault, const char *reason)
{
    json_open_object(out);
    json_text(out, "kind", kind);
    json_text(out, "fault", fault);
    json_text(out, "reason", reason);
}

static void put_design(struct sql *sql, const struct profile *profile, int64_t equipment, struct json_out *out)
{
    for (size_t i = 0; profile && i < profile->fault_count; i++) {
        const char *other = inhibitor(sql, profile, equipment, profile->faults[i].id);

        if (other) {
            put_line(out, "by_design", profile->faults[i].id, other);
            json_close_object(out);
        }
    }
}

static enum err put_rows(struct sql_rows *rows, const struct zone *zone, struct json_out *out)
{
    while (sql_next(rows)) {
        put_line(out, sql_text(rows, 0), sql_text(rows, 1), sql_text(rows, 2));
        put_instant(out, "since", zone, sql_int(rows, 3));
        put_instant(out, "until", zone, sql_int(rows, 4));
        json_text(out, "who", sql_text(rows, 5));
        json_text(out, "window", sql_text(rows, 6));
        json_close_object(out);
    }
    return sql_end(rows);
}

enum err hiding_show(struct sql *sql, const struct profile *profile, int64_t equipment, int64_t now_ms,
                     const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT kind, fault, reason, from_ms, until_ms, who, NULL FROM shelf WHERE equipment = ?1 AND ended_ms IS NULL"
             " AND (until_ms IS NULL OR until_ms > ?2) ORDER BY id",
             "ii", equipment, now_ms);
    err = put_rows(&rows, zone, out);
    if (!err) {
        sql_find(sql, &rows,
                 "SELECT w.kind, NULL, w.reason, w.from_ms, w.to_ms, w.who, w.name FROM service_window w JOIN equipment e ON"
                 " e.id = ?1 WHERE w.done_ms IS NULL AND w.kind <> 'guard' AND w.from_ms <= ?2 AND w.to_ms > ?2 AND"
                 " (w.equipment = e.id OR w.site = e.site OR w.agent = e.agent) ORDER BY w.id",
                 "ii", equipment, now_ms);
        err = put_rows(&rows, zone, out);
    }
    if (!err && link_is_lost(sql, equipment)) {
        sql_find(sql, &rows,
                 "SELECT 'link', NULL, a.name, a.silent_since_ms, NULL, NULL, NULL FROM equipment e JOIN agent a ON a.id ="
                 " e.agent WHERE e.id = ?1",
                 "i", equipment);
        err = put_rows(&rows, zone, out);
    }
    put_design(sql, profile, equipment, out);
    json_close_list(out);
    return err ? err : out->err;
}
