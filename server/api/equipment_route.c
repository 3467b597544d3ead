/* Equipment, its values and its history. */
#include <math.h>
#include <string.h>

#include "server/alarm/alarm.h"
#include "server/api/api_int.h"
#include "server/visit/visits.h"
#include "server/store/readings.h"

#define BUCKETS_MOST 2000

static const struct profile *profile_of(struct call *call, const char *id)
{
    return id ? rules_profile(call->api->options.rules, id) : NULL;
}

static enum err put_points(struct call *call, int64_t equipment, const struct profile *profile)
{
    struct sql_rows rows;

    json_key(call->out, "points");
    json_open_list(call->out);
    sql_find(call->sql, &rows,
             "SELECT p.name, l.t_ms, l.value, l.words, l.quality FROM point p JOIN last l ON l.point"
             " = p.id WHERE p.equipment = ?1 ORDER BY p.id",
             "i", equipment);
    while (sql_next(&rows)) {
        int index = profile ? profile_point(profile, sql_text(&rows, 0)) : -1;
        int64_t quality = sql_int(&rows, 4);

        json_open_object(call->out);
        json_text(call->out, "name", sql_text(&rows, 0));
        json_key(call->out, "value");
        if (!sql_null(&rows, 3)) {
            json_put_text(call->out, sql_text(&rows, 3));
        } else if (!sql_null(&rows, 2)) {
            json_put_number(call->out, sql_real(&rows, 2));
        } else {
            json_put_null(call->out);
        }
        json_text(call->out, "unit", index >= 0 ? profile->points[index].unit : NULL);
        json_text(call->out, "quality",
                  quality >= 0 && quality <= QUALITY_CLOCK ? quality_names[quality] : "good");
        call_time(call, "time", sql_int(&rows, 1));
        if (index >= 0) {
            json_key(call->out, "title");
            json_open_object(call->out);
            json_text(call->out, "en", profile->points[index].title.en);
            json_text(call->out, "zh", profile->points[index].title.zh);
            json_close_object(call->out);
        }
        json_close_object(call->out);
    }
    json_close_list(call->out);
    return sql_end(&rows);
}

static enum err put_tickets(struct call *call, int64_t equipment)
{
    struct sql_rows rows;

    json_key(call->out, "open_tickets");
    json_open_list(call->out);
    sql_find(call->sql, &rows,
             "SELECT number FROM ticket WHERE equipment = ?1 AND closed_ms IS NULL ORDER BY grade, id",
             "i", equipment);
    while (sql_next(&rows)) {
        json_put_text(call->out, sql_text(&rows, 0));
    }
    json_close_list(call->out);
    return sql_end(&rows);
}

static enum err put_next_visit(struct call *call, int64_t equipment)
{
    int64_t visit = sql_find_int(call->sql, 0,
                                 "SELECT id FROM visit WHERE equipment = ?1 AND state IN"
                                 " ('planned', 'released') AND due_day >= ?2 ORDER BY due_day LIMIT 1",
                                 "ii", equipment, call->now_ms / 86400000);

    json_key(call->out, "next_visit");
    if (!visit) {
        json_put_null(call->out);
        return ERR_OK;
    }
    return visit_view(call->sql, call->api->options.rules, visit, false, call->out);
}

static enum err put_equipment(struct call *call, int64_t id)
{
    const struct profile *profile = NULL;
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(call->sql, &rows,
             "SELECT e.name, COALESCE(e.title, e.name), e.profile, s.name, a.name, e.status,"
             " e.last_seen_ms, e.serial, s.title, e.profile_hash FROM equipment e LEFT JOIN site s"
             " ON s.id = e.site LEFT JOIN agent a ON a.id = e.agent WHERE e.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        profile = profile_of(call, sql_text(&rows, 2));
        json_open_object(call->out);
        json_text(call->out, "id", sql_text(&rows, 0));
        json_text(call->out, "title", sql_text(&rows, 1));
        json_text(call->out, "profile", sql_text(&rows, 2));
        json_text(call->out, "site", sql_text(&rows, 3));
        json_text(call->out, "agent", sql_text(&rows, 4));
        json_text(call->out, "status", sql_text(&rows, 5));
        call_time(call, "last_seen", sql_int(&rows, 6));
        json_text(call->out, "serial", sql_text(&rows, 7));
        json_text(call->out, "site_title", sql_text(&rows, 8));
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    err = put_points(call, id, profile);
    if (!err) {
        err = put_tickets(call, id);
    }
    if (!err) {
        err = put_next_visit(call, id);
    }
    if (!err) {
        json_key(call->out, "warranty");
        err = view_warranty(call->sql, call->api->options.rules, call->api->options.preset_plan,
                            id, call->now_ms, call->out);
    }
    if (!err) { /* what keeps its alarms from people */
        json_key(call->out, "suppressed");
        err = hiding_show(call->sql, profile, id, call->now_ms, call->zone, call->out);
    }
    json_close_object(call->out);
    return err;
}

static enum err show_equipment(struct call *call, int64_t id)
{
    return put_equipment(call, id);
}

void equipment_list(struct call *call)
{
    static const char *const states[] = {"fault",       "attention", "ok", "offline",
                                         "maintenance", "unclaimed", NULL};
    const char *status;
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "status", states, &status)) {
        return;
    }
    sql_find(call->sql, &rows,
             "SELECT e.id, NULL FROM equipment e LEFT JOIN site s ON s.id = e.site LEFT JOIN agent a"
             " ON a.id = e.agent WHERE e.id > ?1 AND (?2 IS NULL OR e.status = ?2) AND (?3 IS NULL OR"
             " s.name = ?3) AND (?4 IS NULL OR a.name = ?4) AND (?5 IS NULL OR e.profile = ?5) ORDER"
             " BY e.id LIMIT ?6",
             "itttti", page.after, status, http_query(call->request, "site"),
             http_query(call->request, "agent"), http_query(call->request, "profile"),
             page.limit + 1);
    call_list(call, &rows, &page, show_equipment);
}

/* The row of the equipment in the path; 0: a problem was written. */
static int64_t find_equipment(struct call *call)
{
    int64_t id = sql_find_int(call->sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t",
                              call->parts[1]);

    if (!id) {
        call_problem(call, 404, "Not found", "no equipment called '%.64s'", call->parts[1]);
    }
    return id;
}

enum err equipment_view(struct call *call, int64_t id, struct json_out *out)
{
    struct json_out *before = call->out;
    enum err err;

    call->out = out;
    err = put_equipment(call, id);
    call->out = before;
    return err ? err : out->err;
}

void equipment_show(struct call *call)
{
    int64_t id = find_equipment(call);

    if (id && put_equipment(call, id)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* ------------------------------------------------------------------ series */

static bool read_time(struct call *call, const char *name, int64_t fallback, int64_t *ret_ms)
{
    const char *words = http_query(call->request, name);
    char copy[48];
    char *blank;

    if (!words) {
        *ret_ms = fallback;
        return true;
    }
    if (text_copy(copy, sizeof(copy), words)) {
        return false;
    }
    blank = strchr(copy, ' '); /* a plus sign that was not escaped */
    if (blank && strchr(copy, 'T')) {
        *blank = '+';
    }
    return civil_read_instant(copy, ret_ms) == ERR_OK;
}

static void put_series(struct call *call, const struct readings_bucket *buckets, size_t count)
{
    static const char *const names[] = {"mean", "min", "max"};

    json_open_object(call->out);
    json_key(call->out, "t");
    json_open_list(call->out);
    for (size_t i = 0; i < count; i++) {
        if (buckets[i].count > 0) {
            TEXT(words, 48);

            zone_write(call->zone, buckets[i].start_ms, &words);
            json_put_text(call->out, words.at);
        }
    }
    json_close_list(call->out);
    for (int k = 0; k < 3; k++) {
        json_key(call->out, names[k]);
        json_open_list(call->out);
        for (size_t i = 0; i < count; i++) {
            const struct readings_bucket *bucket = &buckets[i];

            if (bucket->count > 0) {
                json_put_number(call->out, k == 0   ? bucket->sum / (double)bucket->count
                                           : k == 1 ? bucket->least
                                                    : bucket->most);
            }
        }
        json_close_list(call->out);
    }
    json_key(call->out, "count");
    json_open_list(call->out);
    for (size_t i = 0; i < count; i++) {
        if (buckets[i].count > 0) {
            json_put_int(call->out, buckets[i].count);
        }
    }
    json_close_list(call->out);
    json_close_object(call->out);
}

/* Does the equipment's profile name the point? */
static bool profile_has(struct call *call, int64_t equipment, const char *point)
{
    const struct profile *profile = NULL;
    struct sql_rows rows;

    sql_find(call->sql, &rows, "SELECT profile FROM equipment WHERE id = ?1", "i", equipment);
    if (sql_next(&rows)) {
        profile = profile_of(call, sql_text(&rows, 0));
    }
    return !sql_end(&rows) && profile && profile_point(profile, point) >= 0;
}

void equipment_series(struct call *call)
{
    const char *name = http_query(call->request, "point");
    int64_t from_ms, to_ms, count = 500, point, equipment = find_equipment(call);
    struct readings_bucket *buckets;

    if (!equipment) {
        return;
    }
    if (!name) {
        call_problem(call, 422, "Cannot be done as asked", "expected ?point=");
        return;
    }
    if (!read_time(call, "to", call->now_ms, &to_ms) ||
        !read_time(call, "from", to_ms - 86400000, &from_ms) || from_ms >= to_ms) {
        call_problem(call, 422, "Cannot be done as asked",
                     "expected from and to as RFC 3339 times, from before to");
        return;
    }
    if (!call_number(call, "buckets", 1, BUCKETS_MOST, count, &count)) {
        return;
    }
    point = sql_find_int(call->sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it",
                         equipment, name);
    if (!point && !profile_has(call, equipment, name)) {
        call_problem(call, 404, "Not found", "no point called '%.64s'", name);
        return;
    }
    if (!point) { /* known, but nothing has been read yet */
        put_series(call, NULL, 0);
        return;
    }
    count = count > to_ms - from_ms ? to_ms - from_ms : count;
    buckets = arena_array(call->request->arena, (size_t)count, sizeof(*buckets));
    if (!buckets || readings_buckets(call->sql, point, from_ms, to_ms, buckets, (size_t)count)) {
        call_problem(call, 503, "The readings cannot be read", "try again");
        return;
    }
    put_series(call, buckets, (size_t)count);
}

/* ------------------------------------------------------------------ agents */

static void put_agent(struct call *call, const struct sql_rows *rows)
{
    json_open_object(call->out);
    json_text(call->out, "id", sql_text(rows, 0));
    json_bool(call->out, "online", sql_int(rows, 1) != 0 && sql_null(rows, 2));
    call_time(call, "silent_since", sql_int(rows, 2));
    call_time(call, "last_seen", sql_int(rows, 3));
    json_text(call->out, "version", sql_text(rows, 4));
    json_bool(call->out, "edge", sql_int(rows, 5) != 0);
    json_bool(call->out, "known", sql_int(rows, 6) != 0);
    json_close_object(call->out);
}

static enum err show_agent(struct call *call, int64_t id)
{
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT name, online, silent_since_ms, last_seen_ms, version, edge, known FROM agent"
             " WHERE id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        put_agent(call, &rows);
    }
    return sql_end(&rows);
}

void agents_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    sql_find(call->sql, &rows, "SELECT id, NULL FROM agent WHERE id > ?1 ORDER BY id LIMIT ?2", "ii",
             page.after, page.limit + 1);
    call_list(call, &rows, &page, show_agent);
}
