/* What the routes share. */
#pragma once

#include "models/base/zone.h"
#include "server/api/api.h"
#include "server/api/auth.h"
#include "server/api/http.h"
#include "server/desk/view.h"

#define API_THREADS 4

struct api {
    struct api_options options;
    struct http *http;
    struct sql *readers[32]; /* a connection per thread of the pool, opened when it is needed */
};

struct call { /* one request on its way through the routes */
    struct api *api;
    struct sql *sql; /* read-only */
    struct http_request *request;
    struct http_answer *answer;
    struct json_out *out;
    enum role role;
    char who[80];
    const char *parts[6]; /* of the path behind /api/v1/, NULL behind the last */
    size_t part_count;
    int64_t now_ms;
    const struct zone *zone;
    const struct cJSON *body;
};

/* An RFC 9457 problem; format makes its detail. */
void call_problem(struct call *call, int status, const char *title, const char *format, ...)
    PRINTF_LIKE(4, 5);
void call_header(struct call *call, const char *name, const char *value);
void call_time(struct call *call, const char *name, int64_t ms); /* ms 0: null */
/* ?limit= (1 … 1000, preset 100) and ?cursor= (the last id seen). */
int64_t call_limit(struct call *call);
int64_t call_cursor(struct call *call);
/* The end of a list: "next". */
void call_next(struct call *call, int64_t count, int64_t limit, int64_t last);
/* Does work on the committing thread; a problem is written when it fails. ERR_EXISTS: the answer of an
 * earlier request with the same Idempotency-Key was written. */
enum err call_write(struct call *call,
                    enum err (*work)(struct call *call, struct sql *sql, int64_t now_ms,
                                     struct text *why));
bool call_may_write(struct call *call);

void route_equipment(struct call *call);
void route_desk(struct call *call); /* tickets, work orders, visits, calendars, track */
void route_orders(struct call *call); /* inspections, commands */
void route_metrics(struct call *call);
void *stream_open(struct call *call);
int64_t stream_more(void *context, void *stream, char *to, size_t room);
void stream_end(void *context, void *stream);
extern const char openapi_json[];
extern const unsigned openapi_json_size;
