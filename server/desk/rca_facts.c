/* What is known about a fault that is over: rows of the ticket and readings around its beginning and its end. */
#include <string.h>

#include "models/base/zone.h"
#include "server/desk/rca.h"
#include "server/desk/view.h"
#include "server/store/readings.h"

#define AROUND_MS   (30LL * 60000) /* readings that far before the onset and after the clearing */
#define POINTS_MOST 12
#define YEAR_MS     (365LL * 86400000)

struct head {
    int64_t equipment, onset_ms, cleared_ms;
    char fault[65], profile[65], time_zone[65];
    const struct zone *zone;
};

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

static void keep(char *to, size_t room, const char *words)
{
    (void)!text_copy(to, room, words ? words : "");
}

static enum err read_head(struct sql *sql, struct rules *rules, int64_t ticket, struct head *head, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.number, e.name, s.name, t.fault, t.title_en, t.title_zh, t.grade, t.onset_ms, t.detected_ms,"
             " t.registered_ms, t.cleared_ms, t.proved_ms, t.closed_ms, COALESCE(t.time_zone, 'UTC'), t.equipment,"
             " e.profile, t.calendar, t.cause, e.serial FROM ticket t LEFT JOIN equipment e ON e.id = t.equipment LEFT"
             " JOIN site s ON s.id = t.site WHERE t.id = ?1",
             "i", ticket);
    found = sql_next(&rows);
    if (found) {
        keep(head->fault, sizeof(head->fault), sql_text(&rows, 3));
        keep(head->time_zone, sizeof(head->time_zone), sql_text(&rows, 13));
        keep(head->profile, sizeof(head->profile), sql_text(&rows, 15));
        head->zone = rules_zone(rules, head->time_zone);
        head->zone = head->zone ? head->zone : zone_utc();
        head->equipment = sql_int(&rows, 14);
        head->onset_ms = sql_int(&rows, 7);
        head->cleared_ms = sql_int(&rows, 10);
        json_text(out, "ticket", sql_text(&rows, 0));
        json_text(out, "equipment", sql_text(&rows, 1));
        json_text(out, "serial", sql_text(&rows, 18));
        json_text(out, "site", sql_text(&rows, 2));
        json_text(out, "fault", sql_text(&rows, 3));
        json_text(out, "title_en", sql_text(&rows, 4));
        json_text(out, "title_zh", sql_text(&rows, 5));
        json_int(out, "grade", sql_int(&rows, 6));
        put_instant(out, "onset", head->zone, head->onset_ms);
        put_instant(out, "detected_at", head->zone, sql_int(&rows, 8));
        put_instant(out, "registered_at", head->zone, sql_int(&rows, 9));
        put_instant(out, "cleared_at", head->zone, head->cleared_ms);
        put_instant(out, "proved_at", head->zone, sql_int(&rows, 11));
        put_instant(out, "closed_at", head->zone, sql_int(&rows, 12));
        json_raw(out, "likely_causes", sql_text(&rows, 17));
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

/* ------------------------------------------------------------------ telemetry */

struct found {
    int64_t t_ms;
    double value;
    bool is_there, first_only;
};

static bool take(void *context, const struct reading *reading)
{
    struct found *found = context;

    if (reading->quality != QUALITY_GOOD || !reading->has_value || reading->text) {
        return true;
    }
    *found = (struct found){reading->t_ms, reading->value, true, found->first_only};
    return !found->first_only;
}

static enum err put_value(struct sql *sql, const struct zone *zone, const char *name, int64_t point, int64_t from_ms,
                          int64_t to_ms, bool first_only, struct json_out *out)
{
    struct found found = {.first_only = first_only};
    enum err err = from_ms > 0 ? readings_each(sql, point, from_ms, to_ms, take, &found) : ERR_OK;

    if (err || !found.is_there) {
        json_null(out, name);
        return err;
    }
    json_key(out, name);
    json_open_object(out);
    put_instant(out, "t", zone, found.t_ms);
    json_number(out, "value", found.value);
    json_close_object(out);
    return ERR_OK;
}

static enum err put_point(struct sql *sql, const struct profile *profile, const struct head *head, int64_t point,
                          const char *name, struct json_out *out)
{
    int index = profile ? profile_point(profile, name) : -1;
    enum err err;

    json_open_object(out);
    json_text(out, "point", name);
    json_text(out, "unit", index >= 0 ? profile->points[index].unit : "");
    err = put_value(sql, head->zone, "before", point, head->onset_ms - AROUND_MS, head->onset_ms, false, out);
    if (!err) {
        err = put_value(sql, head->zone, "onset", point, head->onset_ms, head->onset_ms + AROUND_MS, true, out);
    }
    if (!err) {
        err = put_value(sql, head->zone, "cleared", point, head->cleared_ms, head->cleared_ms + AROUND_MS, true, out);
    }
    if (!err) {
        err = put_value(sql, head->zone, "after", point, head->cleared_ms, head->cleared_ms + AROUND_MS, false, out);
    }
    json_close_object(out);
    return err;
}

struct seen_point {
    int64_t id;
    char name[65];
};

/* The points that the fault's evidence names, then others, up to a ceiling. */
static enum err put_telemetry(struct sql *sql, struct rules *rules, int64_t ticket, const struct head *head,
                              struct json_out *out)
{
    const struct profile *profile = head->profile[0] ? rules_profile(rules, head->profile) : NULL;
    struct seen_point points[POINTS_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT p.id, p.name FROM point p WHERE p.equipment = ?1 ORDER BY CASE WHEN EXISTS (SELECT 1 FROM ticket t"
             " WHERE t.id = ?2 AND t.evidence LIKE '%\"' || p.name || '\"%') THEN 0 ELSE 1 END, p.id LIMIT 12",
             "ii", head->equipment, ticket);
    while (count < POINTS_MOST && sql_next(&rows)) {
        points[count].id = sql_int(&rows, 0);
        keep(points[count].name, sizeof(points[count].name), sql_text(&rows, 1));
        count++;
    }
    err = sql_end(&rows);
    json_key(out, "telemetry");
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        err = put_point(sql, profile, head, points[i].id, points[i].name, out);
    }
    json_close_list(out);
    return err;
}

/* ------------------------------------------------------------------ what was done */

static enum err put_actions(struct sql *sql, const struct zone *zone, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "actions");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT at_ms, who, action, note FROM ticket_event WHERE ticket = ?1 ORDER BY at_ms, id LIMIT 500", "i",
             ticket);
    while (sql_next(&rows)) {
        json_open_object(out);
        put_instant(out, "at", zone, sql_int(&rows, 0));
        json_text(out, "who", sql_text(&rows, 1));
        json_text(out, "action", sql_text(&rows, 2));
        json_text(out, "note", sql_text(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_parts(struct sql *sql, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "parts");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT p.name, p.title_en, p.title_zh, ABS(SUM(m.count)) FROM stock_move m JOIN work_order w ON w.id ="
             " m.work_order JOIN rack h ON h.id = m.rack JOIN part p ON p.id = h.part WHERE w.ticket = ?1 GROUP BY p.name, p.title_en, p.title_zh"
             " ORDER BY p.name",
             "i", ticket);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "part", sql_text(&rows, 0));
        json_text(out, "title_en", sql_text(&rows, 1));
        json_text(out, "title_zh", sql_text(&rows, 2));
        json_int(out, "count", sql_int(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static int64_t times_before(struct sql *sql, const struct head *head, int64_t ticket)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM alarm WHERE equipment = ?1 AND fault = ?2 AND onset_ms < ?3 AND onset_ms >"
                        " ?4 AND ticket <> ?5",
                        "itiii", head->equipment, head->fault, head->onset_ms, head->onset_ms - YEAR_MS, ticket);
}

enum err rca_facts(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms, struct json_out *out)
{
    struct head head = {0};
    enum err err;

    json_open_object(out);
    err = read_head(sql, rules, ticket, &head, out);
    if (!err) {
        json_int(out, "times_before_in_a_year", times_before(sql, &head, ticket));
        err = put_telemetry(sql, rules, ticket, &head, out);
    }
    if (!err) {
        err = view_clocks(sql, rules, ticket, now_ms, CLOCKS_SHORT, out);
    }
    if (!err) {
        err = put_actions(sql, head.zone, ticket, out);
    }
    if (!err) {
        err = put_parts(sql, ticket, out);
    }
    json_close_object(out);
    return err ? err : out->err;
}

static enum err put_prevention(struct sql *sql, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;
    char day[11];

    json_key(out, "prevention");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT what, owner, due_day, done_ms IS NOT NULL FROM prevention WHERE ticket = ?1 ORDER BY item",
             "i", ticket);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "what", sql_text(&rows, 0));
        json_text(out, "owner", sql_text(&rows, 1));
        if (sql_null(&rows, 2)) {
            json_null(out, "due");
        } else {
            civil_write_date((int32_t)sql_int(&rows, 2), day);
            json_text(out, "due", day);
        }
        json_bool(out, "done", sql_int(&rows, 3) != 0);
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err rca_put(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms, struct json_out *out)
{
    struct sql_rows rows;
    bool found, approved = false;
    enum err err;

    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT r.state, r.required, r.cause_code, r.cause, r.edited_by, r.approved_by, r.drafted_ms, r.edited_ms,"
             " r.approved_ms, CASE WHEN r.state = 'approved' THEN r.facts END, r.version, COALESCE(t.time_zone, 'UTC')"
             " FROM rca r JOIN ticket t ON t.id = r.ticket WHERE r.ticket = ?1",
             "i", ticket);
    found = sql_next(&rows);
    if (found) {
        const struct zone *zone = rules_zone(rules, sql_text(&rows, 11));

        zone = zone ? zone : zone_utc();
        approved = !sql_null(&rows, 9);
        json_text(out, "state", sql_text(&rows, 0));
        json_bool(out, "required", sql_int(&rows, 1) != 0);
        json_text(out, "cause_code", sql_text(&rows, 2));
        json_text(out, "cause", sql_text(&rows, 3));
        json_text(out, "edited_by", sql_text(&rows, 4));
        json_text(out, "approved_by", sql_text(&rows, 5));
        put_instant(out, "drafted_at", zone, sql_int(&rows, 6));
        put_instant(out, "edited_at", zone, sql_int(&rows, 7));
        put_instant(out, "approved_at", zone, sql_int(&rows, 8));
        json_int(out, "version", sql_int(&rows, 10));
        if (approved) {
            json_raw(out, "facts", sql_text(&rows, 9));
        }
    }
    err = sql_end(&rows);
    err = err ? err : found ? put_prevention(sql, ticket, out) : ERR_NOT_FOUND;
    if (!err && !approved) {
        json_key(out, "facts");
        err = rca_facts(sql, rules, ticket, now_ms, out);
    }
    json_close_object(out);
    return err;
}
