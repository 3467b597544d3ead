/* The face of the server: what is asked goes to routes.c with a database connection of its thread. */
#include "server/api/api.h"

#include <stdlib.h>

#include "host/clock.h"
#include "server/api/api_int.h"

void route_root(struct call *call)
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

static void say_health(struct call *call, bool good)
{
    call->answer->status = good ? 200 : 503;
    json_open_object(call->out);
    json_text(call->out, "status", good ? "ok" : "starting");
    json_close_object(call->out);
}

void route_health(struct call *call)
{
    say_health(call, true);
}

void route_ready(struct call *call)
{
    say_health(call, call->api->options.ready(call->api->options.context) == 1);
}

void route_openapi(struct call *call)
{
    json_put_raw(call->out, openapi_json, openapi_json_size);
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
    routes_run(&call);
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
