/* The face of the server: who may ask, what is asked, where it goes. */
#include "server/api/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "server/api/api_int.h"

/* ------------------------------------------------------------------ help for routes */

void call_problem(struct call *call, int status, const char *title, const char *format, ...)
{
    char detail[1024];
    va_list list;

    va_start(list, format);
    vsnprintf(detail, sizeof(detail), format, list);
    va_end(list);
    json_out_reset(call->out);
    call->answer->status = status;
    call->answer->type = "application/problem+json";
    json_open_object(call->out);
    json_text(call->out, "type", "about:blank");
    json_text(call->out, "title", title);
    json_int(call->out, "status", status);
    json_text(call->out, "detail", detail);
    json_text(call->out, "instance", call->request->path);
    json_close_object(call->out);
}

void call_header(struct call *call, const char *name, const char *value)
{
    struct http_answer *answer = call->answer;

    if (answer->extra_count < sizeof(answer->extra) / sizeof(answer->extra[0])) {
        answer->extra[answer->extra_count][0] = name;
        answer->extra[answer->extra_count++][1] =
            arena_text(call->request->arena, value, strlen(value));
    }
}

void call_time(struct call *call, const char *name, int64_t ms)
{
    TEXT(words, 48);

    if (ms <= 0) {
        json_null(call->out, name);
        return;
    }
    zone_write(call->zone, ms, &words);
    json_text(call->out, name, words.at);
}

static int64_t query_int(struct call *call, const char *name, int64_t least, int64_t most,
                         int64_t fallback)
{
    const char *words = http_query(call->request, name);
    int64_t number;

    if (!words || text_to_int(words, strlen(words), &number) || number < least || number > most) {
        return fallback;
    }
    return number;
}

int64_t call_limit(struct call *call)
{
    return query_int(call, "limit", 1, 1000, 100);
}

int64_t call_cursor(struct call *call)
{
    return query_int(call, "cursor", 0, INT64_MAX, 0);
}

void call_next(struct call *call, int64_t count, int64_t limit, int64_t last)
{
    TEXT(words, 32);

    if (count < limit) {
        json_null(call->out, "next");
        return;
    }
    text_addf(&words, "%lld", (long long)last);
    json_text(call->out, "next", words.at);
}

bool call_may_write(struct call *call)
{
    if (call->role == ROLE_VIEWER) {
        call_problem(call, 403, "Forbidden", "the role viewer may only look");
        return false;
    }
    return true;
}

struct write { /* travels to the committing thread and back */
    struct call *call;
    enum err (*work)(struct call *call, struct sql *sql, int64_t now_ms, struct text *why);
    struct text *why;
    const char *key;
    bool replayed;
    int status;
};

/* The same key again gives the same answer again. */
static bool replay(struct write *write, struct sql *sql)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT status, body FROM idempotency WHERE key = ?1", "t", write->key);
    if (sql_next(&rows)) {
        write->replayed = true;
        write->status = (int)sql_int(&rows, 0);
        json_out_reset(write->call->out);
        json_put_raw(write->call->out, sql_text(&rows, 1), strlen(sql_text(&rows, 1)));
    }
    (void)!sql_end(&rows);
    return write->replayed;
}

static enum err do_write(struct sql *sql, int64_t now_ms, void *argument)
{
    struct write *write = argument;
    enum err err;

    text_clear(write->why);
    json_out_reset(write->call->out);
    if (write->key && replay(write, sql)) {
        return ERR_OK;
    }
    err = write->work(write->call, sql, now_ms, write->why);
    if (!err && write->key) {
        err = sql_run(sql,
                      "INSERT INTO idempotency (key, request, status, body, at_ms) VALUES (?1, ?2,"
                      " ?3, ?4, ?5)",
                      "ttiti", write->key, write->call->request->path,
                      (int64_t)write->call->answer->status,
                      write->call->out->bytes ? write->call->out->bytes : "", now_ms);
    }
    return err;
}

enum err call_write(struct call *call,
                    enum err (*work)(struct call *call, struct sql *sql, int64_t now_ms,
                                     struct text *why))
{
    const char *key = http_header(call->request, "Idempotency-Key");
    TEXT(why, 600);
    TEXT(whole, 300);
    struct write write = {.call = call, .work = work, .why = &why};
    enum err err;

    if (key) { /* keys of two callers or two routes never meet */
        text_addf(&whole, "%s %s %s", call->who, call->request->path, key);
        write.key = whole.at;
    }
    err = committer_do(call->api->options.committer, do_write, &write);
    if (write.replayed) {
        call->answer->status = write.status;
        return ERR_EXISTS;
    }
    if (!err) {
        return ERR_OK;
    }
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "%s", why.length ? why.at : "there is no such thing");
    } else if (err == ERR_STATE) {
        call_problem(call, 409, "Not legal now", "%s", why.at);
    } else if (err == ERR_FORMAT || err == ERR_RANGE || err == ERR_UNSUPPORTED) {
        call_problem(call, 422, "Cannot be done as asked", "%s", why.at);
    } else if (err == ERR_DENIED) {
        call_problem(call, 412, "Changed meanwhile", "%s", why.at);
    } else {
        call_problem(call, 503, "The database is not writable", "%s", err_text(err));
    }
    return err;
}

/* ------------------------------------------------------------------ who asks */

static const char *cookie(struct call *call, char *to, size_t room)
{
    const char *header = http_header(call->request, "Cookie");
    const char *at = header ? strstr(header, "hg_session=") : NULL;
    size_t size;

    if (!at) {
        return NULL;
    }
    at += 11;
    size = strcspn(at, "; ");
    if (size >= room) {
        return NULL;
    }
    memcpy(to, at, size);
    to[size] = '\0';
    return to;
}

static void identify(struct call *call)
{
    const char *header = http_header(call->request, "Authorization");
    char session[80];

    if (header && strncmp(header, "Bearer ", 7) == 0) {
        call->role = auth_token_check(call->sql, header + 7, call->who);
    } else if (cookie(call, session, sizeof(session))) {
        call->role = auth_session_check(call->sql, session, call->now_ms, call->who);
    }
}

static enum err open_session(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *name = json_text_or(call->body, "name", "");
    char session[64];
    TEXT(header, 160);
    enum err err;

    (void)why;
    err = auth_session_open(sql, name, now_ms, session);
    if (!err) {
        text_addf(&header, "hg_session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200", session);
        call_header(call, "Set-Cookie", header.at);
        json_open_object(call->out);
        json_text(call->out, "name", name);
        json_text(call->out, "role", role_names[call->role]);
        json_close_object(call->out);
    }
    return err;
}

static void log_in(struct call *call)
{
    call->role = auth_password_check(call->sql, json_text_or(call->body, "name", ""),
                                     json_text_or(call->body, "password", ""));
    if (call->role == ROLE_NONE) {
        call_problem(call, 401, "Unauthorized", "the name or the password is wrong");
        return;
    }
    (void)!call_write(call, open_session);
}

/* ------------------------------------------------------------------ routes */

static void route_root(struct call *call)
{
    static const char page[] =
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Heliograph</title>"
        "<h1>Heliograph</h1><p>The server is running. Programs find the API at "
        "<a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p>"
        "<p lang=\"zh-CN\">服务器正在运行。程序接口说明见 "
        "<a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>。</p></html>";

    call->answer->type = "text/html; charset=utf-8";
    json_put_raw(call->out, page, sizeof(page) - 1);
}

static void route_health(struct call *call, bool ready)
{
    bool good = !ready || call->api->options.ready(call->api->options.context) == 1;

    call->answer->status = good ? 200 : 503;
    json_open_object(call->out);
    json_text(call->out, "status", good ? "ok" : "starting");
    json_close_object(call->out);
}

static void route_api(struct call *call)
{
    static const struct {
        const char *name;
        void (*route)(struct call *call);
    } routes[] = {
        {"equipment", route_equipment}, {"tickets", route_desk},     {"work-orders", route_desk},
        {"visits", route_desk},         {"predictions", route_desk}, {"reports", route_desk},
        {"inspections", route_orders},  {"commands", route_orders},  {"agents", route_equipment},
        {"feeds", route_desk},
    };

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (call->part_count > 0 && strcmp(call->parts[0], routes[i].name) == 0) {
            routes[i].route(call);
            return;
        }
    }
    call_problem(call, 404, "Not found", "no route %s", call->request->path);
}

static bool is_part(const struct call *call, size_t index, const char *name)
{
    return call->part_count > index && strcmp(call->parts[index], name) == 0;
}

/* Routes that need nobody's name. true when it was one of them. */
static bool route_public(struct call *call)
{
    bool get = strcmp(call->request->method, "GET") == 0;

    if (get && is_part(call, 0, "openapi.json")) {
        json_put_raw(call->out, openapi_json, openapi_json_size);
    } else if (get && (is_part(call, 0, "track") || is_part(call, 0, "calendars"))) {
        route_desk(call);
    } else if (!get && is_part(call, 0, "login")) {
        log_in(call);
    } else {
        return false;
    }
    return true;
}

static void split_path(struct call *call, const char *path)
{
    char *copy = arena_text(call->request->arena, path, strlen(path));

    while (copy && *copy && call->part_count < 5) {
        char *slash = strchr(copy, '/');

        if (slash) {
            *slash = '\0';
        }
        if (*copy) {
            call->parts[call->part_count++] = copy;
        }
        if (!slash) {
            break;
        }
        copy = slash + 1;
    }
}

static void read_body(struct call *call)
{
    const char *why = "";

    if (call->request->size == 0) {
        return;
    }
    if (json_parse(call->request->arena, call->request->body, call->request->size, &call->body, &why)) {
        call->body = NULL;
        call_problem(call, 400, "The body is not JSON", "%s", why);
    } else if (!json_is_object(call->body)) {
        call->body = NULL;
        call_problem(call, 400, "The body is not an object", "expected a JSON object");
    }
}

static void dispatch(struct call *call)
{
    const char *path = call->request->path;
    bool open = call->request->from_loopback;

    if (strcmp(path, "/") == 0) {
        route_root(call);
    } else if (strcmp(path, "/healthz") == 0) {
        route_health(call, false);
    } else if (strcmp(path, "/readyz") == 0) {
        route_health(call, true);
    } else if (strcmp(path, "/metrics") == 0) {
        identify(call);
        if (open || call->role != ROLE_NONE) {
            route_metrics(call);
        } else {
            call_problem(call, 401, "Unauthorized", "expected a token");
        }
    } else if (strncmp(path, "/api/v1/", 8) == 0) {
        split_path(call, path + 8);
        read_body(call);
        if (call->answer->status != 200 || route_public(call)) {
            return;
        }
        identify(call);
        if (call->role == ROLE_NONE) {
            call_header(call, "WWW-Authenticate", "Bearer");
            call_problem(call, 401, "Unauthorized", "expected a token or a session");
        } else if (is_part(call, 0, "stream")) {
            call->answer->type = "text/event-stream";
            call->answer->stream = stream_open(call);
        } else {
            route_api(call);
        }
    } else {
        call_problem(call, 404, "Not found", "no page %s", path);
    }
}

static void answer(void *context, unsigned thread, struct http_request *request,
                   struct http_answer *http_answer)
{
    struct api *api = context;
    struct call call = {
        .api = api,
        .request = request,
        .answer = http_answer,
        .out = &http_answer->out,
        .now_ms = clock_wall_ms(),
        .zone = rules_zone(api->options.rules, api->options.time_zone),
    };
    TEXT(why, 300);

    if (!call.zone) {
        call.zone = zone_utc();
    }
    if (!api->readers[thread] &&
        sql_open(api->options.url, SQL_READ, &api->readers[thread], &why)) {
        call_problem(&call, 503, "The database is not readable", "%s", why.at);
        return;
    }
    call.sql = api->readers[thread];
    dispatch(&call);
    if (call.out->err) {
        call_problem(&call, 500, "The answer is too large", "ask for less at once");
    }
}

enum err api_open(const struct api_options *options, struct api **ret_api, struct text *why)
{
    struct api *api = calloc(1, sizeof(*api));
    struct http_options http = {
        .listen = options->listen,
        .threads = API_THREADS,
        .answer = answer,
        .stream = stream_more,
        .stream_end = stream_end,
        .context = api,
    };
    enum err err;

    if (!api) {
        return ERR_NOMEM;
    }
    api->options = *options;
    err = http_open(&http, &api->http, why);
    if (err) {
        api_close(api);
        return err;
    }
    *ret_api = api;
    return ERR_OK;
}

void api_close(struct api *api)
{
    if (api) {
        http_close(api->http);
        for (size_t i = 0; i < sizeof(api->readers) / sizeof(api->readers[0]); i++) {
            sql_close(api->readers[i]);
        }
        free(api);
    }
}

void api_changed(struct api *api)
{
    http_wake(api->http);
}

int api_port(const struct api *api)
{
    return http_port(api->http);
}
