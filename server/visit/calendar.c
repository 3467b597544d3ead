/* Feeds by libical. */
#include "server/visit/calendar.h"

#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/civil.h"
#include "models/base/text.h"
#include "models/base/zone.h"
#include "server/fleet/numbers.h"

struct event { /* what one event says */
    const char *uid, *summary, *location, *description, *zone;
    int64_t sequence;
    int64_t day;            /* a whole day … */
    int64_t from_ms, to_ms; /* … unless there is a time */
    bool cancelled, tentative;
};

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
static void add_event(icalcomponent *calendar, const struct event *what, int64_t now_ms)
{
    icalcomponent *event = icalcomponent_new(ICAL_VEVENT_COMPONENT);

    icalcomponent_add_property(event, icalproperty_new_uid(what->uid));
    icalcomponent_add_property(event, icalproperty_new_dtstamp(instant_time(now_ms)));
    icalcomponent_add_property(event, icalproperty_new_sequence((int)what->sequence));
    icalcomponent_add_property(event, icalproperty_new_summary(what->summary));
    icalcomponent_add_property(event, icalproperty_new_status(what->cancelled   ? ICAL_STATUS_CANCELLED
                                                              : what->tentative ? ICAL_STATUS_TENTATIVE
                                                                                : ICAL_STATUS_CONFIRMED));
    icalcomponent_add_property(event, icalproperty_new_dtstart(what->from_ms ? instant_time(what->from_ms) : day_time(what->day)));
    icalcomponent_add_property(event,
                               icalproperty_new_dtend(what->from_ms ? instant_time(what->to_ms) : day_time(what->day + 1)));
    if (what->location) {
        icalcomponent_add_property(event, icalproperty_new_location(what->location));
    }
    if (what->description) {
        icalcomponent_add_property(event, icalproperty_new_description(what->description));
    }
    icalcomponent_add_component(calendar, event);
}

/* The hours on the wall of the place: a reader far away sees them too. */
static void say_hours(struct rules *rules, const char *name, int64_t from_ms, int64_t to_ms, struct text *to)
{
    const struct zone *zone = name ? rules_zone(rules, name) : NULL;
    struct civil from = zone_civil(zone ? zone : zone_utc(), from_ms), until = zone_civil(zone ? zone : zone_utc(), to_ms);

    text_addf(to, "%04d-%02d-%02d %02d:%02d-%02d:%02d %s", from.year, from.month, from.day, from.hour, from.minute,
              until.hour, until.minute, zone ? name : "UTC");
}

static void say_window(const struct sql_rows *rows, struct text *to)
{
    char from[11], until[11];

    civil_write_date((int32_t)sql_int(rows, 10), from);
    civil_write_date((int32_t)sql_int(rows, 11), until);
    text_addf(to, "%s / %s", from, until);
}

#define OF_VISIT                                                                                   \
    "SELECT e.name, v.sequence, COALESCE(v.target_day, v.due_day), v.calendar_sequence, s.address, e.title, v.state,"    \
    " w.from_ms, w.to_ms, COALESCE(s.time_zone, c.time_zone), v.window_start_day, v.window_end_day, w.technician FROM"    \
    " visit v JOIN equipment e ON e.id = v.equipment LEFT JOIN site s ON s.id = e.site LEFT JOIN calendar c ON c.id ="    \
    " s.calendar LEFT JOIN work_order w ON w.visit = v.id AND w.state <> 'cancelled' WHERE v.due_day >= ?2 AND "
#define OF_ORDER                                                                                   \
    "SELECT w.number, w.kind, w.from_ms, w.to_ms, w.sequence, e.title, s.address, w.state, COALESCE(s.time_zone,"         \
    " c.time_zone) FROM work_order w LEFT JOIN equipment e ON e.id = w.equipment LEFT JOIN site s ON s.id = w.site LEFT"  \
    " JOIN calendar c ON c.id = s.calendar WHERE w.visit IS NULL AND w.from_ms IS NOT NULL AND w.from_ms >= ?2 AND "
#define ORDERED " ORDER BY v.due_day, v.id LIMIT 5000"

/*
 * Of a site: its visits. Of a team: those it has, and those of its sites that nobody has yet. Of a technician: those
 * he was given, and those of his team that nobody was given.
 */
static const struct {
    const char *kind, *visits, *orders;
} feeds[] = {
    {"site", OF_VISIT "s.name = ?1" ORDERED,
     OF_ORDER "w.site = (SELECT id FROM site WHERE name = ?1) ORDER BY w.from_ms LIMIT 5000"},
    {"team",
     OF_VISIT "(COALESCE(w.team, v.team) = (SELECT id FROM team WHERE name = ?1) OR (COALESCE(w.team, v.team) IS NULL AND"
              " EXISTS (SELECT 1 FROM team_site x JOIN team t ON t.id = x.team WHERE x.site = s.id AND t.name = ?1)))" ORDERED,
     OF_ORDER "w.team = (SELECT id FROM team WHERE name = ?1) ORDER BY w.from_ms LIMIT 5000"},
    {"technician",
     OF_VISIT "(w.technician = (SELECT id FROM technician WHERE name = ?1) OR (w.technician IS NULL AND (COALESCE(w.team,"
              " v.team) = (SELECT team FROM technician WHERE name = ?1) OR (COALESCE(w.team, v.team) IS NULL AND EXISTS"
              " (SELECT 1 FROM team_site x JOIN technician h ON h.team = x.team WHERE x.site = s.id AND h.name = ?1)))))" ORDERED,
     OF_ORDER "w.technician = (SELECT id FROM technician WHERE name = ?1) ORDER BY w.from_ms LIMIT 5000"},
};

static void add_visit(icalcomponent *calendar, struct rules *rules, const struct sql_rows *rows, int64_t now_ms)
{
    TEXT(uid, 160);
    TEXT(summary, 300);
    TEXT(words, 200);
    struct event event = {
        .uid = uid.at,
        .summary = summary.at,
        .description = words.at,
        .location = sql_text(rows, 4),
        .sequence = sql_int(rows, 3),
        .day = sql_int(rows, 2),
        .from_ms = sql_int(rows, 7),
        .to_ms = sql_int(rows, 8),
        .cancelled = text_same(sql_text(rows, 6), "skipped"),
        .tentative = text_same(sql_text(rows, 6), "planned") || (text_same(sql_text(rows, 6), "released") && sql_null(rows, 7)),
    };

    text_addf(&uid, "visit-%s-%lld@heliograph", sql_text(rows, 0), (long long)sql_int(rows, 1));
    text_addf(&summary, "Maintenance %s 维护 %s", sql_text(rows, 0),
              sql_text(rows, 5) ? sql_text(rows, 5) : "");
    say_window(rows, &words);
    if (event.from_ms) {
        text_add(&words, "; ");
        say_hours(rules, sql_text(rows, 9), event.from_ms, event.to_ms, &words);
    }
    add_event(calendar, &event, now_ms);
}

static void add_appointment(icalcomponent *calendar, struct rules *rules, const struct sql_rows *rows, int64_t now_ms)
{
    TEXT(uid, 160);
    TEXT(summary, 300);
    TEXT(words, 200);
    struct event event = {
        .uid = uid.at,
        .summary = summary.at,
        .description = words.at,
        .location = sql_text(rows, 6),
        .sequence = sql_int(rows, 4),
        .from_ms = sql_int(rows, 2),
        .to_ms = sql_int(rows, 3),
        .cancelled = text_same(sql_text(rows, 7), "cancelled"),
    };

    text_addf(&uid, "order-%s@heliograph", sql_text(rows, 0));
    text_addf(&summary, "%s %s %s", sql_text(rows, 1), sql_text(rows, 0),
              sql_text(rows, 5) ? sql_text(rows, 5) : "");
    say_hours(rules, sql_text(rows, 8), event.from_ms, event.to_ms, &words);
    add_event(calendar, &event, now_ms);
}

#define BACK_DAYS 400 /* what is longer past is not shown any more */

enum err calendar_feed(struct sql *sql, struct rules *rules, const char *kind, const char *name, int64_t now_ms,
                       char **ret_text)
{
    icalcomponent *calendar = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);
    struct sql_rows rows;
    enum err err = ERR_OK;
    char *words;

    icalcomponent_add_property(calendar, icalproperty_new_version("2.0"));
    icalcomponent_add_property(calendar, icalproperty_new_prodid("-//Heliograph//visits//EN"));
    for (size_t i = 0; i < sizeof(feeds) / sizeof(feeds[0]); i++) {
        if (strcmp(feeds[i].kind, kind) != 0) {
            continue;
        }
        sql_find(sql, &rows, feeds[i].visits, "ti", name, now_ms / 86400000 - BACK_DAYS);
        while (sql_next(&rows)) {
            add_visit(calendar, rules, &rows, now_ms);
        }
        err = sql_end(&rows);
        sql_find(sql, &rows, feeds[i].orders, "ti", name, now_ms - BACK_DAYS * 86400000LL);
        while (!err && sql_next(&rows)) {
            add_appointment(calendar, rules, &rows, now_ms);
        }
        enum err end = sql_end(&rows);

        err = err ? err : end;
    }
    words = err ? NULL : icalcomponent_as_ical_string_r(calendar);
    *ret_text = words ? strdup(words) : NULL;
    icalmemory_free_buffer(words);
    icalcomponent_free(calendar);
    return err ? err : *ret_text ? ERR_OK : ERR_NOMEM;
}

enum err calendar_token(struct sql *sql, const char *kind, const char *name, const char *who, int64_t now_ms,
                        char token[40])
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows, "SELECT token FROM feed WHERE kind = ?1 AND name = ?2 AND revoked_ms IS NULL", "tt", kind, name);
    found = sql_next(&rows) && !text_copy(token, 40, sql_text(&rows, 0));
    err = sql_end(&rows);
    if (err || found) {
        return err;
    }
    numbers_secret(token, 32);
    return sql_run(sql, "INSERT INTO feed (token, kind, name, created_ms, who) VALUES (?1, ?2, ?3, ?4, ?5)",
                   "tttit", token, kind, name, now_ms, who);
}
