/*
 * The tests before and after the work, taken from telemetry by themselves. Values are frozen as they were at the time of
 * the action; when the agent is there it is asked for an inspection as well, whose answer then counts. The items are
 * the inspection lines of the equipment's profile and the tests of the job plan, each with its limit and light.
 */
#include "server/field/work_int.h"

#include <string.h>

#include "server/fleet/checks.h"
#include "server/fleet/orders.h"
#include "server/store/readings.h"

#define NOW_MS     120000 /* an action so old is the past: an inspection would say nothing about it */
#define ASKED_MS   120000 /* an inspection that was asked for so lately is this one */
#define POINTS_MOST 512

struct value {
    bool known;
    double number;
    int64_t t_ms;
};

static bool keep_last(void *context, const struct reading *reading)
{
    struct value *value = context;

    if (reading->quality == QUALITY_GOOD && reading->has_value) {
        *value = (struct value){true, reading->value, reading->t_ms};
    }
    return true;
}

/* The last good value not younger than at_ms: the last one that came, or, when that is younger, from history. */
static enum err value_at(struct sql *sql, int64_t point, int64_t at_ms, int64_t fresh_ms, struct value *value)
{
    struct sql_rows rows;
    bool younger = false;
    enum err err;

    *value = (struct value){false, 0, 0};
    sql_find(sql, &rows, "SELECT t_ms, value, quality FROM last WHERE point = ?1", "i", point);
    if (sql_next(&rows)) {
        younger = sql_int(&rows, 0) > at_ms;
        if (!younger && !sql_null(&rows, 1) && sql_int(&rows, 2) == QUALITY_GOOD &&
            sql_int(&rows, 0) >= at_ms - fresh_ms) {
            *value = (struct value){true, sql_real(&rows, 1), sql_int(&rows, 0)};
        }
    }
    err = sql_end(&rows);
    return err || !younger ? err : readings_each(sql, point, at_ms - fresh_ms, at_ms + 1, keep_last, value);
}

enum err tests_value(struct sql *sql, int64_t equipment, const char *point, int64_t at_ms, int64_t fresh_ms,
                     bool *ret_known, double *ret_value, int64_t *ret_t_ms)
{
    int64_t id = sql_find_int(sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it", equipment, point);
    struct value value = {false, 0, 0};
    enum err err = id ? value_at(sql, id, at_ms, fresh_ms, &value) : ERR_OK;

    *ret_known = value.known;
    *ret_value = value.number;
    *ret_t_ms = value.t_ms;
    return err;
}

/* ------------------------------------------------------------------ taking */

struct named {
    int64_t id;
    const char *name;
};

static enum err list_points(struct work *work, struct named *points, size_t *ret_count)
{
    struct sql_rows rows;

    *ret_count = 0;
    sql_find(work->sql, &rows, "SELECT id, name FROM point WHERE equipment = ?1 ORDER BY name LIMIT 512", "i",
             work->order.equipment);
    while (*ret_count < POINTS_MOST && sql_next(&rows)) {
        points[(*ret_count)++] = (struct named){
            sql_int(&rows, 0), arena_text(work->office->arena, sql_text(&rows, 1), strlen(sql_text(&rows, 1)))};
    }
    return sql_end(&rows);
}

/* values: {point: value}; points: what checks are made of. */
static enum err freeze_values(struct work *work, struct json_out *values, struct json_out *points)
{
    int64_t fresh_ms = json_int_or(work->order.job, "fresh_ms", 900000);
    struct named *named = arena_array(work->office->arena, POINTS_MOST, sizeof(*named));
    size_t count = 0;
    enum err err = named ? list_points(work, named, &count) : ERR_NOMEM;

    json_open_object(values);
    json_open_list(points);
    for (size_t i = 0; !err && i < count; i++) {
        struct value value;

        err = value_at(work->sql, named[i].id, work->at_ms, fresh_ms, &value);
        json_key(values, named[i].name);
        json_open_object(points);
        json_text(points, "name", named[i].name);
        json_key(points, "value");
        if (value.known) {
            json_put_number(values, value.number);
            json_put_number(points, value.number);
            json_text(points, "quality", "good");
            json_int(points, "age", (work->at_ms - value.t_ms) / 1000);
        } else {
            json_put_null(values);
            json_put_null(points);
            json_text(points, "quality", "stale");
        }
        json_close_object(points);
    }
    json_close_object(values);
    json_close_list(points);
    return err ? err : values->err ? values->err : points->err;
}

static const struct profile *profile_of(struct work *work)
{
    const struct profile *profile = NULL;
    struct sql_rows rows;

    sql_find(work->sql, &rows, "SELECT profile FROM equipment WHERE id = ?1", "i", work->order.equipment);
    if (sql_next(&rows) && sql_text(&rows, 0)) {
        profile = rules_profile(work->office->options.rules, sql_text(&rows, 0));
    }
    return sql_end(&rows) ? NULL : profile;
}

static bool find_value(const struct cJSON *points, const char *name, double *ret_value)
{
    for (const struct cJSON *item = json_first(points); item; item = json_next(item)) {
        if (text_same(json_text_or(item, "name", NULL), name)) {
            return strcmp(json_text_or(item, "quality", "good"), "good") == 0 &&
                   json_as_number(json_field(item, "value"), ret_value);
        }
    }
    return false;
}

/* A test of the job plan, in the shape of an inspection line. */
static void put_test(const struct cJSON *test, const struct cJSON *points, struct json_out *out)
{
    double least = json_number_or(test, "least", 0), most = json_number_or(test, "most", 0), value = 0;
    bool known = find_value(points, json_text_or(test, "point", ""), &value);

    json_open_object(out);
    json_text(out, "id", json_text_or(test, "id", ""));
    json_key(out, "title");
    json_put_value(out, json_field(test, "title"));
    json_key(out, "reading");
    if (known) {
        json_put_number(out, value);
    } else {
        json_put_null(out);
    }
    json_key(out, "limit");
    json_open_list(out);
    json_put_number(out, least);
    json_put_number(out, most);
    json_close_list(out);
    json_text(out, "light", !known ? "amber" : value >= least && value <= most ? "green" : "red");
    json_close_object(out);
}

/* The worst light; none: nothing could be read. */
static void verdict_of(const struct cJSON *checks, const struct cJSON *points, char to[8])
{
    bool red = false, amber = false, known = false;

    for (const struct cJSON *item = json_first(checks); item; item = json_next(item)) {
        const char *light = json_text_or(item, "light", "amber");

        red = red || strcmp(light, "red") == 0;
        amber = amber || strcmp(light, "amber") == 0;
    }
    for (const struct cJSON *item = json_first(points); item; item = json_next(item)) {
        known = known || (json_field(item, "value") && !json_is_null(json_field(item, "value")));
    }
    (void)!text_copy(to, 8, !known ? "none" : red ? "red" : amber ? "amber" : "green");
}

static enum err make_checks(struct work *work, const struct cJSON *points, struct json_out *out)
{
    const struct profile *profile = profile_of(work);
    struct json_out lines = json_out(WORK_DOC_MOST);
    const struct cJSON *checks = NULL;
    enum err err =
        profile ? checks_make(work->office->arena, profile, points, work->at_ms, &lines, &checks) : ERR_OK;

    json_open_list(out);
    for (const struct cJSON *item = err ? NULL : json_first(checks); item; item = json_next(item)) {
        json_put_value(out, item);
    }
    for (const struct cJSON *item = json_first(json_field(work->order.job, "tests")); item; item = json_next(item)) {
        put_test(item, points, out);
    }
    json_close_list(out);
    json_out_free(&lines);
    return err ? err : out->err;
}

/* The agent is asked, when it is there and the action is of now; one that was asked a moment ago is not asked again. */
static enum err ask_agent(struct work *work, int64_t *ret_inspection)
{
    char number[32];
    enum err err;

    *ret_inspection = 0;
    if (!work->order.equipment || work->at_ms < work->now_ms - NOW_MS ||
        !sql_find_int(work->sql, 0,
                      "SELECT 1 FROM equipment e JOIN agent a ON a.id = e.agent WHERE e.id = ?1 AND a.online = 1", "i",
                      work->order.equipment)) {
        return ERR_OK;
    }
    *ret_inspection = sql_find_int(work->sql, 0,
                                   "SELECT MAX(id) FROM inspection WHERE equipment = ?1 AND state IN ('waiting',"
                                   " 'running') AND created_ms > ?2",
                                   "ii", work->order.equipment, work->now_ms - ASKED_MS);
    if (*ret_inspection) {
        return ERR_OK;
    }
    err = orders_inspect(work->sql, work->order.equipment, "test", 0, work->now_ms, number);
    *ret_inspection = sql_find_int(work->sql, 0, "SELECT id FROM inspection WHERE number = ?1", "t", number);
    return err;
}

static enum err write_values(struct work *work, const char *moment, const char *values)
{
    if (strcmp(moment, "after") == 0) {
        return sql_run(work->sql, "UPDATE work_order SET after = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM"
                                  " work_test WHERE work_order = ?1 AND moment = 'after' AND at_ms > ?3)",
                       "iti", work->order.id, values, work->at_ms);
    }
    return sql_run(work->sql, "UPDATE work_order SET before = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM work_test"
                              " WHERE work_order = ?1 AND moment = 'before' AND at_ms < ?3)",
                   "iti", work->order.id, values, work->at_ms);
}

enum err tests_take(struct work *work, const char *moment)
{
    struct json_out values = json_out(WORK_DOC_MOST), points = json_out(WORK_DOC_MOST);
    struct json_out checks = json_out(WORK_DOC_MOST);
    const struct cJSON *list = NULL, *lines = NULL;
    char verdict[8] = "none";
    int64_t inspection = 0;
    enum err err = freeze_values(work, &values, &points);

    if (!err) {
        err = json_parse(work->office->arena, points.bytes, points.size, &list, NULL);
    }
    if (!err) {
        err = make_checks(work, list, &checks);
    }
    if (!err) {
        err = json_parse(work->office->arena, checks.bytes, checks.size, &lines, NULL);
    }
    if (!err) {
        err = ask_agent(work, &inspection);
    }
    if (!err) {
        verdict_of(lines, list, verdict);
        err = sql_run(work->sql,
                      "INSERT INTO work_test (work_order, moment, at_ms, points, checks, verdict, inspection, action_id)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULLIF(?7, 0), ?8)",
                      "ititttit", work->order.id, moment, work->at_ms, points.bytes, checks.bytes, verdict, inspection,
                      work->action->action_id);
    }
    if (!err && json_size(list) > 0) {
        err = write_values(work, moment, values.bytes);
    }
    json_out_free(&values);
    json_out_free(&points);
    json_out_free(&checks);
    return err;
}

/* ------------------------------------------------------------------ showing */

struct shown {
    const char *points, *checks, *number, *state, *inspected, *lines;
    int64_t at_ms;
    char verdict[8];
    const struct cJSON *job;
};

static const char *keep(struct arena *arena, const char *words)
{
    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

/* The first test before the work, the last one after it. */
static enum err find_test(struct arena *arena, struct sql *sql, int64_t order, const char *moment, struct shown *shown)
{
    int64_t id = strcmp(moment, "before") == 0
                     ? sql_find_int(sql, 0,
                                    "SELECT id FROM work_test WHERE work_order = ?1 AND moment = 'before' ORDER BY at_ms,"
                                    " id LIMIT 1",
                                    "i", order)
                     : sql_find_int(sql, 0,
                                    "SELECT id FROM work_test WHERE work_order = ?1 AND moment = 'after' ORDER BY at_ms"
                                    " DESC, id DESC LIMIT 1",
                                    "i", order);
    const char *job = NULL;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.at_ms, t.points, t.checks, t.verdict, i.number, i.state, i.points, i.checks, w.job FROM work_test"
             " t JOIN work_order w ON w.id = t.work_order LEFT JOIN inspection i ON i.id = t.inspection WHERE t.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        shown->at_ms = sql_int(&rows, 0);
        shown->points = keep(arena, sql_text(&rows, 1));
        shown->checks = keep(arena, sql_text(&rows, 2));
        (void)!text_copy(shown->verdict, sizeof(shown->verdict), sql_text(&rows, 3));
        shown->number = keep(arena, sql_text(&rows, 4));
        shown->state = keep(arena, sql_text(&rows, 5));
        shown->inspected = keep(arena, sql_text(&rows, 6));
        shown->lines = keep(arena, sql_text(&rows, 7));
        job = keep(arena, sql_text(&rows, 8));
    }
    err = sql_end(&rows);
    return err || !job ? err : json_parse(arena, job, strlen(job), &shown->job, NULL);
}

/* What the agent read then goes before the values that happened to be there. */
static enum err use_inspection(struct arena *arena, struct shown *shown)
{
    struct json_out all = json_out(WORK_DOC_MOST);
    const struct cJSON *points = NULL, *lines = NULL, *both = NULL;
    enum err err;

    if (!shown->inspected || !text_same(shown->state, "done")) {
        return ERR_OK;
    }
    err = json_parse(arena, shown->inspected, strlen(shown->inspected), &points, NULL);
    if (!err && shown->lines) {
        err = json_parse(arena, shown->lines, strlen(shown->lines), &lines, NULL);
    }
    json_open_list(&all);
    for (const struct cJSON *item = json_first(lines); item; item = json_next(item)) {
        json_put_value(&all, item);
    }
    for (const struct cJSON *item = json_first(json_field(shown->job, "tests")); item; item = json_next(item)) {
        put_test(item, points, &all);
    }
    json_close_list(&all);
    if (!err) {
        err = all.err;
    }
    if (!err) {
        shown->checks = keep(arena, all.bytes);
        shown->points = shown->inspected;
        err = json_parse(arena, shown->checks, strlen(shown->checks), &both, NULL);
        verdict_of(both, points, shown->verdict);
    }
    json_out_free(&all);
    return err;
}

enum err tests_show(struct arena *arena, struct sql *sql, int64_t order, const char *moment, const struct zone *zone,
                    struct json_out *out, char ret_verdict[8])
{
    struct shown shown = {.verdict = "none"};
    TEXT(at, 48);
    enum err err = find_test(arena, sql, order, moment, &shown);

    if (!err) {
        err = use_inspection(arena, &shown);
    }
    memcpy(ret_verdict, shown.verdict, sizeof(shown.verdict));
    if (err || !out) {
        return err;
    }
    if (!shown.points) {
        json_put_null(out);
        return ERR_OK;
    }
    zone_write(zone, shown.at_ms, &at);
    json_open_object(out);
    json_text(out, "at", at.at);
    json_text(out, "source", shown.points == shown.inspected ? "inspection" : "last_values");
    json_text(out, "inspection", shown.number);
    json_text(out, "inspection_state", shown.state);
    json_text(out, "verdict", shown.verdict);
    json_raw(out, "checks", shown.checks);
    json_raw(out, "points", shown.points);
    json_close_object(out);
    return out->err;
}
