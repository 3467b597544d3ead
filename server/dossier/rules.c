/* What is drawn up with the owner of a site: operating rules, who answers for what, the hand-over of a shift. */
#include <string.h>

#include "server/dossier/files.h"

#define TWO_DAYS_MS (2 * 86400000LL)

static void put_words(struct json_out *out, const char *name, const struct words2 *words, const char *fallback)
{
    json_key(out, name);
    json_open_object(out);
    json_text(out, "en", words->en ? words->en : fallback);
    json_text(out, "zh", words->zh ? words->zh : words->en ? words->en : fallback);
    json_close_object(out);
}

static enum err put_site(const struct file_asked *asked, int64_t site, struct json_out *out)
{
    struct sql_rows rows;
    TEXT(words, 48);

    zone_write(asked->zone, asked->now_ms, &words);
    json_text(out, "at", words.at);
    sql_find(asked->sql, &rows,
             "SELECT s.name, s.title, s.address, c.title FROM site s LEFT JOIN customer c ON c.id = s.customer WHERE s.id = ?1",
             "i", site);
    return show_row(out, asked->zone, &rows, "tid tsite taddress tcustomer");
}

/* The profiles of a site, each once; their texts live with the rules. */
static enum err find_profiles(const struct file_asked *asked, int64_t site, const struct profile *profiles[], size_t most,
                              size_t *ret_count)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(asked->sql, &rows, "SELECT DISTINCT profile FROM equipment WHERE site = ?1 AND profile IS NOT NULL ORDER BY profile",
             "i", site);
    while (count < most && sql_next(&rows)) {
        profiles[count] = rules_profile(asked->rules, sql_text(&rows, 0));
        count += profiles[count] ? 1 : 0;
    }
    *ret_count = count;
    return sql_end(&rows);
}

/* ------------------------------------------------------------------ operating rules */

static void put_limits(const struct profile *profile, struct json_out *out)
{
    for (size_t i = 0; i < profile->point_count; i++) {
        const struct point *point = &profile->points[i];

        if (!point->may_write && !point->has_range) {
            continue;
        }
        json_open_object(out);
        json_text(out, "profile", profile->id);
        put_words(out, "title", &point->title, point->name);
        json_number(out, "least", point->may_write ? point->write_least : point->least);
        json_number(out, "most", point->may_write ? point->write_most : point->most);
        json_text(out, "unit", point->unit);
        json_bool(out, "set", point->may_write);
        json_close_object(out);
    }
}

static void put_faults(const struct profile *profile, struct json_out *out)
{
    for (size_t i = 0; i < profile->fault_count; i++) {
        const struct fault_rule *fault = &profile->faults[i];

        json_open_object(out);
        json_text(out, "profile", profile->id);
        json_text(out, "fault", fault->id);
        put_words(out, "title", &fault->title, fault->id);
        json_int(out, "grade", fault->grade);
        json_bool(out, "safety", fault->safety);
        put_words(out, "advice", &fault->advice, "—");
        json_close_object(out);
    }
}

static enum err put_people(const struct file_asked *asked, int64_t site, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    sql_find(asked->sql, &rows,
             "SELECT name, title, phone, level, doc FROM operator WHERE site = ?1 AND COALESCE(from_day, ?2) <= ?2 AND"
             " COALESCE(to_day, ?2) >= ?2 ORDER BY name LIMIT 200",
             "ii", site, (int64_t)zone_day(asked->zone, asked->now_ms));
    err = show_list(out, "operators", asked->zone, &rows, "tid tname tphone ilevel jrow");
    if (!err) {
        sql_find(asked->sql, &rows, "SELECT title, phone, email FROM contact ORDER BY name LIMIT 50", "");
        err = show_list(out, "contacts", asked->zone, &rows, "tname tphone temail");
    }
    return err;
}

enum err file_rules(const struct file_asked *asked, int64_t site, struct json_out *out)
{
    const struct plan *plan = file_plan(asked, site);
    const struct profile *profiles[16];
    size_t count = 0;
    enum err err;

    json_open_object(out);
    err = put_site(asked, site, out);
    err = err ? err : find_profiles(asked, site, profiles, 16, &count);
    json_key(out, "limits");
    json_open_list(out);
    for (size_t i = 0; i < count; i++) {
        put_limits(profiles[i], out);
    }
    json_close_list(out);
    json_key(out, "faults");
    json_open_list(out);
    for (size_t i = 0; i < count; i++) {
        put_faults(profiles[i], out);
    }
    json_close_list(out);
    json_text(out, "plan", plan ? plan->id : NULL);
    json_int(out, "visits_per_year", plan ? plan->visits_per_year : 0);
    err = err ? err : put_people(asked, site, out);
    json_close_object(out);
    return err ? err : out->err;
}

/* ------------------------------------------------------------------ hand-over */

/* "08:00" at the beginning of words, in minutes; -1. */
static int minute_at(const char *words)
{
    for (int i = 0; i < 5; i++) {
        if (i == 2 ? words[i] != ':' : words[i] < '0' || words[i] > '9') {
            return -1;
        }
    }
    return ((words[0] - '0') * 10 + words[1] - '0') * 60 + (words[3] - '0') * 10 + words[4] - '0';
}

/* Whether that minute lies in "22:00-06:00". */
static bool is_on_shift(const char *shift, int minute)
{
    int from = shift && strlen(shift) == 11 ? minute_at(shift) : -1, to = from >= 0 ? minute_at(shift + 6) : -1;

    if (from < 0 || to < 0) {
        return false;
    }
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

static enum err put_shift(const struct file_asked *asked, int64_t site, struct json_out *out)
{
    struct civil civil = zone_civil(asked->zone, asked->now_ms);
    struct sql_rows rows;

    json_key(out, "on_shift");
    json_open_list(out);
    sql_find(asked->sql, &rows,
             "SELECT title, phone, doc FROM operator WHERE site = ?1 AND COALESCE(from_day, ?2) <= ?2 AND COALESCE(to_day, ?2) >="
             " ?2 ORDER BY name LIMIT 200",
             "ii", site, (int64_t)zone_day(asked->zone, asked->now_ms));
    while (sql_next(&rows)) {
        const struct cJSON *doc = NULL;
        const char *shift;

        (void)!json_parse(asked->arena, sql_text(&rows, 2), strlen(sql_text(&rows, 2)), &doc, NULL);
        shift = json_text_or(doc, "shift", NULL);
        if (is_on_shift(shift, civil.hour * 60 + civil.minute)) {
            json_open_object(out);
            json_text(out, "name", sql_text(&rows, 0));
            json_text(out, "phone", sql_text(&rows, 1));
            json_text(out, "shift", shift);
            json_close_object(out);
        }
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err file_handover(const struct file_asked *asked, int64_t site, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    err = put_site(asked, site, out);
    err = err ? err : put_shift(asked, site, out);
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT e.name, e.title, e.status, e.last_seen_ms FROM equipment e WHERE e.site = ?1 ORDER BY e.name LIMIT 200",
                 "i", site);
        err = show_list(out, "equipment", asked->zone, &rows, "tequipment ttitle tstatus mlast_seen");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT e.name, p.name, l.value, l.words, l.t_ms FROM equipment e JOIN point p ON p.equipment = e.id JOIN last l"
                 " ON l.point = p.id WHERE e.site = ?1 AND l.quality = 0 ORDER BY e.name, p.name LIMIT 500",
                 "i", site);
        err = show_list(out, "readings", asked->zone, &rows, "tequipment tpoint rvalue twords mat");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT e.name, a.fault, a.grade, a.onset_ms, a.acked_ms, a.acked_by FROM equipment e JOIN alarm a ON"
                 " a.equipment = e.id AND a.cleared_ms IS NULL WHERE e.site = ?1 ORDER BY a.grade, a.onset_ms LIMIT 200",
                 "i", site);
        err = show_list(out, "alarms", asked->zone, &rows, "tequipment tfault igrade msince mseen_at tseen_by");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT t.number, t.title_en, t.title_zh, t.grade, t.state, t.registered_ms FROM ticket t WHERE t.site = ?1 AND"
                 " t.closed_ms IS NULL ORDER BY t.grade, t.id LIMIT 200",
                 "i", site);
        err = show_list(out, "tickets", asked->zone, &rows, "tnumber 2title igrade tstate mregistered_at");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT w.number, w.kind, p.title, w.from_ms, w.to_ms, w.state FROM work_order w LEFT JOIN technician p ON p.id"
                 " = w.technician WHERE w.site = ?1 AND w.from_ms < ?3 AND w.to_ms >= ?2 AND w.state NOT IN ('done', 'verified',"
                 " 'closed', 'cancelled') ORDER BY w.from_ms LIMIT 200",
                 "iii", site, asked->now_ms, asked->now_ms + TWO_DAYS_MS);
        err = show_list(out, "work", asked->zone, &rows, "tnumber tkind ttechnician mfrom mto tstate");
    }
    json_close_object(out);
    return err ? err : out->err;
}
