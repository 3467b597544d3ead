/* An alarm as people see it. */
#include <string.h>

#include "models/base/zone.h"
#include "server/alarm/alarm.h"

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

static enum err put_events(struct sql *sql, int64_t alarm, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "events");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT at_ms, stored_ms, who, kind, outcome, reason, action_id, note, data FROM alarm_event WHERE alarm = ?1"
             " ORDER BY id LIMIT 1000",
             "i", alarm);
    while (sql_next(&rows)) {
        json_open_object(out);
        put_instant(out, "at", zone, sql_int(&rows, 0));
        put_instant(out, "stored_at", zone, sql_int(&rows, 1));
        json_text(out, "who", sql_text(&rows, 2));
        json_text(out, "kind", sql_text(&rows, 3));
        json_text(out, "outcome", sql_text(&rows, 4));
        json_text(out, "reason", sql_text(&rows, 5));
        json_text(out, "id", sql_text(&rows, 6));
        json_text(out, "note", sql_text(&rows, 7));
        json_raw(out, "data", sql_text(&rows, 8));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

bool alarm_is_unknown(struct sql *sql, struct rules *rules, const struct alarm *alarm, int64_t now_ms)
{
    if (alarm->cleared_ms) {
        return false;
    }
    return inputs_unknown(sql, rules, alarm->equipment, alarm->fault, true, now_ms) ||
           sql_find_int(sql, 0,
                        "SELECT 1 FROM equipment e LEFT JOIN agent a ON a.id = e.agent WHERE e.id = ?1 AND"
                        " (a.silent_since_ms IS NOT NULL OR (e.last_seen_ms IS NOT NULL AND a.heartbeat_ms IS NOT NULL AND"
                        " e.last_seen_ms < ?2 - 3 * a.heartbeat_ms) OR (?3 <> 'device_silent' AND EXISTS (SELECT 1 FROM"
                        " alarm d WHERE d.equipment = e.id AND d.fault = 'device_silent' AND d.cleared_ms IS NULL)))",
                        "iit", alarm->equipment, now_ms, alarm->fault) != 0;
}

static void put_facts(const struct alarm *alarm, const struct hiding *hiding, bool chatters, struct json_out *out)
{
    struct alarm_facts facts = {
        .active = !alarm->cleared_ms,
        .acknowledged = alarm->acked_ms != 0,
        .shelved = hiding->shelved,
        .suppressed = hiding->suppressed || hiding->window || hiding->design || hiding->parent,
        .out_of_service = hiding->out_of_service,
    };

    json_text(out, "state", alarm_state_names[alarm_state_of(&facts)]);
    json_bool(out, "active", facts.active);
    json_bool(out, "acknowledged", facts.acknowledged);
    json_bool(out, "chattering", chatters);
    json_int(out, "rises", alarm->rises);
}


static bool chatters(struct sql *sql, const struct alarm *alarm)
{
    return alarm->quiet_ms ||
           (!alarm->cleared_ms && sql_find_int(sql, 0, "SELECT 1 FROM alarm_event WHERE alarm = ?1 AND kind = 'chattering'"
                                                       " LIMIT 1", "i", alarm->id));
}

enum err alarm_show(struct sql *sql, struct rules *rules, int64_t id, int64_t now_ms, const struct zone *zone,
                    bool events, struct json_out *out)
{
    struct alarm alarm;
    struct hiding hiding;
    struct sql_rows rows;
    const struct profile *profile = NULL;
    enum err err = alarm_load(sql, id, &alarm);

    if (err) {
        return err;
    }
    json_open_object(out);
    json_int(out, "id", id);
    sql_find(sql, &rows,
             "SELECT e.name, e.profile, t.number, m.outcome, m.reason, m.decided_ms, m.acked_by, m.evidence FROM alarm m JOIN"
             " equipment e ON e.id = m.equipment LEFT JOIN ticket t ON t.id = m.ticket WHERE m.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        profile = sql_null(&rows, 1) ? NULL : rules_profile(rules, sql_text(&rows, 1));
        json_text(out, "equipment", sql_text(&rows, 0));
        json_text(out, "fault", alarm.fault);
        json_int(out, "grade", alarm.grade);
        json_text(out, "ticket", sql_text(&rows, 2));
        json_text(out, "area", alarm.area);
        json_text(out, "position", alarm.position);
        json_text(out, "outcome", sql_text(&rows, 3));
        json_text(out, "reason", sql_text(&rows, 4));
        put_instant(out, "decided_at", zone, sql_int(&rows, 5));
        json_text(out, "acknowledged_by", sql_text(&rows, 6));
        json_raw(out, "evidence", sql_text(&rows, 7));
    }
    err = sql_end(&rows);
    if (!err) {
        err = hiding_find(sql, profile, alarm.equipment, alarm.fault, now_ms, &hiding);
    }
    if (err) {
        return err;
    }
    put_facts(&alarm, &hiding, chatters(sql, &alarm), out);
    json_bool(out, "unknown", alarm_is_unknown(sql, rules, &alarm, now_ms));
    json_bool(out, "announced", alarm.announced_ms != 0);
    json_bool(out, "late", alarm.late);
    put_instant(out, "onset", zone, alarm.onset_ms);
    put_instant(out, "detected_at", zone, alarm.detected_ms);
    put_instant(out, "registered_at", zone, alarm.registered_ms);
    put_instant(out, "announced_at", zone, alarm.announced_ms);
    put_instant(out, "acknowledged_at", zone, alarm.acked_ms);
    put_instant(out, "quiet_since", zone, alarm.quiet_ms);
    put_instant(out, "cleared_at", zone, alarm.cleared_ms);
    if (events) {
        err = put_events(sql, id, zone, out);
    }
    json_close_object(out);
    return err ? err : out->err;
}
