/* Feeds by libical. */
#include "server/field/calendar.h"

#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/civil.h"
#include "models/base/text.h"
#include "server/fleet/numbers.h"

static struct icaltimetype day_time(int64_t day)
{
    struct icaltimetype time = icaltime_null_time();

    civil_from_days((int32_t)day, &time.year, &time.month, &time.day);
    time.is_date = 1;
    return time;
}

static struct icaltimetype instant_time(int64_t ms)
{
    return icaltime_from_timet_with_zone((time_t)(ms / 1000), 0, icaltimezone_get_utc_timezone());
}

/* What was called off is said to be so: a reader that has it takes it out. */
static icalcomponent *new_event(icalcomponent *calendar, const char *uid, int64_t sequence,
                                const char *summary, bool cancelled, int64_t now_ms)
{
    icalcomponent *event = icalcomponent_new(ICAL_VEVENT_COMPONENT);

    icalcomponent_add_property(event, icalproperty_new_uid(uid));
    icalcomponent_add_property(event, icalproperty_new_dtstamp(instant_time(now_ms)));
    icalcomponent_add_property(event, icalproperty_new_sequence((int)sequence));
    icalcomponent_add_property(event, icalproperty_new_summary(summary));
    icalcomponent_add_property(
        event, icalproperty_new_status(cancelled ? ICAL_STATUS_CANCELLED : ICAL_STATUS_CONFIRMED));
    icalcomponent_add_component(calendar, event);
    return event;
}

static void add_visit(icalcomponent *calendar, const struct sql_rows *rows, int64_t now_ms)
{
    TEXT(uid, 160);
    TEXT(summary, 300);
    icalcomponent *event;

    text_addf(&uid, "visit-%s-%lld@heliograph", sql_text(rows, 0), (long long)sql_int(rows, 1));
    text_addf(&summary, "Maintenance %s 维护 %s", sql_text(rows, 0),
              sql_text(rows, 5) ? sql_text(rows, 5) : "");
    event = new_event(calendar, uid.at, sql_int(rows, 3), summary.at,
                      text_same(sql_text(rows, 6), "skipped"), now_ms);
    icalcomponent_add_property(event, icalproperty_new_dtstart(day_time(sql_int(rows, 2))));
    icalcomponent_add_property(event, icalproperty_new_dtend(day_time(sql_int(rows, 2) + 1)));
    if (sql_text(rows, 4)) {
        icalcomponent_add_property(event, icalproperty_new_location(sql_text(rows, 4)));
    }
}

static void add_appointment(icalcomponent *calendar, const struct sql_rows *rows, int64_t now_ms)
{
    TEXT(uid, 160);
    TEXT(summary, 300);
    icalcomponent *event;

    text_addf(&uid, "order-%s@heliograph", sql_text(rows, 0));
    text_addf(&summary, "%s %s %s", sql_text(rows, 1), sql_text(rows, 0),
              sql_text(rows, 5) ? sql_text(rows, 5) : "");
    event = new_event(calendar, uid.at, sql_int(rows, 4), summary.at,
                      text_same(sql_text(rows, 7), "cancelled"), now_ms);
    icalcomponent_add_property(event, icalproperty_new_dtstart(instant_time(sql_int(rows, 2))));
    icalcomponent_add_property(event, icalproperty_new_dtend(instant_time(sql_int(rows, 3))));
    if (sql_text(rows, 6)) {
        icalcomponent_add_property(event, icalproperty_new_location(sql_text(rows, 6)));
    }
}

/* Visits of the site, or of the sites a team (or a technician's team) serves. */
static enum err add_visits(struct sql *sql, icalcomponent *calendar, const char *kind,
                           const char *name, int64_t now_ms)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT e.name, v.sequence, v.due_day, v.calendar_sequence, s.address, e.title, v.state FROM"
             " visit v JOIN equipment e ON e.id = v.equipment LEFT JOIN site s ON s.id = e.site"
             " WHERE v.due_day >= ?3 - 400 AND ((?1 = 'site' AND s.name ="
             " ?2) OR (?1 = 'team' AND EXISTS (SELECT 1 FROM team_site x JOIN team t ON t.id ="
             " x.team WHERE x.site = s.id AND t.name = ?2)) OR (?1 = 'technician' AND EXISTS (SELECT"
             " 1 FROM team_site x JOIN technician h ON h.team = x.team WHERE x.site = s.id AND"
             " h.name = ?2))) ORDER BY v.due_day, v.id LIMIT 5000",
             "tti", kind, name, now_ms / 86400000);
    while (sql_next(&rows)) {
        add_visit(calendar, &rows, now_ms);
    }
    return sql_end(&rows);
}

static enum err add_appointments(struct sql *sql, icalcomponent *calendar, const char *kind,
                                 const char *name, int64_t now_ms)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT w.number, w.kind, w.from_ms, w.to_ms, w.sequence, e.title, s.address,"
             " w.state FROM"
             " work_order w LEFT JOIN equipment e ON e.id = w.equipment LEFT JOIN site s ON s.id ="
             " w.site LEFT JOIN team t ON t.id = w.team LEFT JOIN technician h ON h.id ="
             " w.technician WHERE w.from_ms IS NOT NULL AND w.from_ms >"
             " ?3 - 34560000000 AND ((?1 = 'site' AND s.name = ?2) OR (?1 = 'team' AND t.name = ?2)"
             " OR (?1 = 'technician' AND h.name = ?2)) ORDER BY w.from_ms LIMIT 5000",
             "tti", kind, name, now_ms);
    while (sql_next(&rows)) {
        add_appointment(calendar, &rows, now_ms);
    }
    return sql_end(&rows);
}

enum err calendar_feed(struct sql *sql, const char *kind, const char *name, int64_t now_ms,
                       char **ret_text)
{
    icalcomponent *calendar = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);
    enum err err;
    char *words;

    icalcomponent_add_property(calendar, icalproperty_new_version("2.0"));
    icalcomponent_add_property(calendar, icalproperty_new_prodid("-//Heliograph//visits//EN"));
    err = add_visits(sql, calendar, kind, name, now_ms);
    if (!err) {
        err = add_appointments(sql, calendar, kind, name, now_ms);
    }
    words = err ? NULL : icalcomponent_as_ical_string_r(calendar);
    *ret_text = words ? strdup(words) : NULL;
    icalmemory_free_buffer(words);
    icalcomponent_free(calendar);
    return err ? err : *ret_text ? ERR_OK : ERR_NOMEM;
}

enum err calendar_token(struct sql *sql, const char *kind, const char *name, int64_t now_ms,
                        char token[40])
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows, "SELECT token FROM feed WHERE kind = ?1 AND name = ?2", "tt", kind, name);
    found = sql_next(&rows) && !text_copy(token, 40, sql_text(&rows, 0));
    err = sql_end(&rows);
    if (err || found) {
        return err;
    }
    numbers_secret(token, 32);
    return sql_run(sql, "INSERT INTO feed (token, kind, name, created_ms) VALUES (?1, ?2, ?3, ?4)",
                   "ttti", token, kind, name, now_ms);
}
