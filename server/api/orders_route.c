/* Remote inspections and commands. */
#include <string.h>

#include "server/alarm/alarm.h"
#include "server/api/api_int.h"
#include "server/fleet/orders.h"
#include "server/inspection/inspection.h"

#define EXPIRES_MS 60000 /* left out: 60 s (interfaces.md 8) */

/* The equipment in the path. ERR_NOT_FOUND with why. */
static enum err find_equipment(struct call *call, struct sql *sql, int64_t *ret_id,
                               struct text *why)
{
    *ret_id = sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", call->parts[1]);
    return *ret_id ? ERR_OK
                   : text_say(why, ERR_NOT_FOUND, "no equipment called '%.64s'", call->parts[1]);
}

static enum err do_inspect(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    char number[32];
    int64_t equipment;
    TEXT(place, 80);
    enum err err = find_equipment(call, sql, &equipment, why);

    if (err) {
        return err;
    }
    err = orders_inspect(sql, equipment, "demand", 0, now_ms, number);
    if (err) {
        return err == ERR_NOT_FOUND
                   ? text_say(why, ERR_FORMAT, "no agent speaks for this equipment")
                   : err;
    }
    call->answer->status = 202;
    text_addf(&place, "/api/v1/inspections/%s", number);
    call_header(call, "Location", place.at);
    json_open_object(call->out);
    json_text(call->out, "number", number);
    json_text(call->out, "state", "waiting");
    json_close_object(call->out);
    return ERR_OK;
}

/* What the server can refuse at once: a write that the profile's list does not allow. */
static enum err check_write(struct call *call, struct sql *sql, struct text *why)
{
    const struct cJSON *args = json_field(call->body, "args");
    const char *name = json_text_or(args, "point", "");
    const struct profile *profile = NULL;
    struct sql_rows rows;
    double value;
    int index;

    sql_find(sql, &rows, "SELECT profile FROM equipment WHERE name = ?1", "t", call->parts[1]);
    if (sql_next(&rows) && sql_text(&rows, 0)) {
        profile = rules_profile(call->api->options.rules, sql_text(&rows, 0));
    }
    if (sql_end(&rows) || !profile) {
        return ERR_OK; /* the agent decides */
    }
    index = profile_point(profile, name);
    if (index < 0) {
        return text_say(why, ERR_FORMAT, "no point called '%.64s'", name);
    }
    if (!profile->points[index].may_write) {
        return text_say(why, ERR_FORMAT, "'%s' may not be written: it is not on the profile's list", name);
    }
    if (!json_as_number(json_field(args, "value"), &value)) {
        return text_say(why, ERR_FORMAT, "value: expected a number");
    }
    if (value < profile->points[index].write_least || value > profile->points[index].write_most) {
        return text_say(why, ERR_FORMAT, "'%s' may be written from %g to %g only", name,
                        profile->points[index].write_least, profile->points[index].write_most);
    }
    return ERR_OK;
}

static enum err do_command(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *name = json_text_or(call->body, "name", "");
    const char *expires = json_text_or(call->body, "expires", NULL);
    struct json_out args = json_out(8000);
    int64_t expires_ms = now_ms + EXPIRES_MS, equipment, agent;
    char id[65] = "";
    enum err err = find_equipment(call, sql, &equipment, why);

    if (err) {
        return err;
    }
    if (json_field(call->body, "args") && !json_is_object(json_field(call->body, "args"))) {
        return text_say(why, ERR_FORMAT, "args: expected an object");
    }

    if (!name[0] || strlen(name) > 64) {
        return text_say(why, ERR_FORMAT, "name: expected the name of a command");
    }
    if (expires && civil_read_instant(expires, &expires_ms)) {
        return text_say(why, ERR_FORMAT, "expires: expected an RFC 3339 time");
    }
    if (expires_ms <= now_ms) {
        return text_say(why, ERR_FORMAT, "expires: expected a time that is still to come");
    }
    agent = sql_find_int(sql, 0, "SELECT agent FROM equipment WHERE id = ?1", "i", equipment);
    if (!agent) {
        return text_say(why, ERR_FORMAT, "no agent speaks for this equipment");
    }
    if (strcmp(name, "write") == 0) {
        err = check_write(call, sql, why);
    }
    if (!err && strcmp(name, "write") == 0 && window_over(sql, equipment, "guard", now_ms)) { /* S0-119 */
        return text_say(why, ERR_STATE, "a guard period stands over this equipment: nothing is changed from afar"
                                        " until it ends. Legal: read, inspect, capture, selftest");
    }
    if (json_field(call->body, "args")) {
        json_put_value(&args, json_field(call->body, "args"));
    }
    if (!err && args.err) {
        err = text_say(why, ERR_FORMAT, "args: expected less");
    }
    if (!err) {
        err = orders_give(sql, agent, equipment, name, args.bytes ? args.bytes : "{}", expires_ms, now_ms, id,
                          sizeof(id));
    }
    json_out_free(&args);
    if (err) {
        return err;
    }
    call->answer->status = 202;
    json_open_object(call->out);
    json_text(call->out, "id", id);
    json_text(call->out, "state", "waiting");
    json_close_object(call->out);
    return ERR_OK;
}

void orders_show_command(struct call *call)
{
    struct sql_rows rows;
    bool found;

    sql_find(call->sql, &rows,
             "SELECT c.id, c.state, c.reason, c.result, c.name, e.name, c.created_ms, c.done_ms,"
             " c.expires_ms FROM command c LEFT JOIN equipment e ON e.id = c.equipment WHERE c.id ="
             " ?1",
             "t", call->parts[1]);
    found = sql_next(&rows);
    if (found) {
        json_open_object(call->out);
        json_text(call->out, "id", sql_text(&rows, 0));
        json_text(call->out, "state", sql_text(&rows, 1));
        json_text(call->out, "reason", sql_text(&rows, 2));
        json_raw(call->out, "result", sql_text(&rows, 3));
        json_text(call->out, "name", sql_text(&rows, 4));
        json_text(call->out, "equipment", sql_text(&rows, 5));
        call_time(call, "created_at", sql_int(&rows, 6));
        call_time(call, "done_at", sql_int(&rows, 7));
        call_time(call, "expires", sql_int(&rows, 8));
        json_close_object(call->out);
    }
    (void)!sql_end(&rows);
    if (!found) {
        call_problem(call, 404, "Not found", "no command %s", call->parts[1]);
    }
}

/* ------------------------------------------------------------------ the report of an inspection */

/* Points as the agent sends them (t in ms) to points as the API shows them (time). */
static void put_points(struct call *call, const char *json)
{
    const struct cJSON *list = NULL;

    json_key(call->out, "points");
    if (!json || json_parse(call->request->arena, json, strlen(json), &list, NULL)) {
        json_open_list(call->out);
        json_close_list(call->out);
        return;
    }
    json_open_list(call->out);
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        json_open_object(call->out);
        json_text(call->out, "name", json_text_or(item, "name", ""));
        json_key(call->out, "value");
        json_put_value(call->out, json_field(item, "value"));
        json_text(call->out, "unit", json_text_or(item, "unit", ""));
        json_text(call->out, "quality", json_text_or(item, "quality", "good"));
        if (json_field(item, "t") || !json_text_or(item, "time", NULL)) {
            call_time(call, "time", json_int_or(item, "t", 0));
        } else { /* an agent that writes points as the API does */
            json_text(call->out, "time", json_text_or(item, "time", NULL));
        }
        json_close_object(call->out);
    }
    json_close_list(call->out);
}

#define INSPECTION                                                                                 \
    "SELECT i.number, i.state, i.verdict, i.points, i.checks, e.name, i.reason, i.created_ms, i.done_ms, i.health, i.version" \
    " FROM inspection i JOIN equipment e ON e.id = i.equipment WHERE i.id = ?1"

enum err orders_put_inspection(struct call *call, int64_t id)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(call->out);
    sql_find(call->sql, &rows, INSPECTION, "i", id);
    if (sql_next(&rows)) {
        json_text(call->out, "number", sql_text(&rows, 0));
        json_text(call->out, "equipment", sql_text(&rows, 5));
        json_text(call->out, "state", sql_text(&rows, 1));
        json_text(call->out, "verdict", sql_text(&rows, 2));
        put_points(call, sql_text(&rows, 3));
        json_raw(call->out, "checks", sql_text(&rows, 4) ? sql_text(&rows, 4) : "[]");
        json_raw(call->out, "health", sql_text(&rows, 9));
        json_text(call->out, "reason", sql_text(&rows, 6));
        call_time(call, "created_at", sql_int(&rows, 7));
        call_time(call, "done_at", sql_int(&rows, 8));
    }
    err = sql_end(&rows);
    err = err ? err : inspection_show_lines(call->request->arena, call->sql, call->zone, id, call->out);
    json_close_object(call->out);
    return err;
}

/* The object as its route shows it, into out. */
enum err orders_view_inspection(struct call *call, const char *number, struct json_out *out)
{
    int64_t id = inspection_find(call->sql, number);
    struct json_out *before = call->out;
    enum err err;

    if (id < 0) {
        return ERR_NOT_FOUND;
    }
    call->out = out;
    err = orders_put_inspection(call, id);
    call->out = before;
    return err ? err : out->err;
}

void orders_show_inspection(struct call *call)
{
    int64_t id = inspection_find(call->sql, call->parts[1]);

    if (id < 0) {
        call_problem(call, 404, "Not found", "no inspection %s", call->parts[1]);
    } else if (text_same(http_query(call->request, "format"), "html")) {
        documents_show_now(call, "inspection_readings", call->parts[1]);
    } else {
        call_tag(call, sql_find_int(call->sql, 0, "SELECT version FROM inspection WHERE id = ?1", "i", id));
        if (orders_put_inspection(call, id)) {
            call_problem(call, 503, "The database is not readable", "try again");
        }
    }
}

void orders_post_inspection(struct call *call)
{
    (void)!call_write(call, do_inspect);
}

void orders_post_command(struct call *call)
{
    (void)!call_write(call, do_command);
}
