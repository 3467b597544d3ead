/*
 * libmicrohttpd behind one face: a request comes as plain data, an answer goes as plain data. Bodies
 * are bounded, slow clients are cut off, and every answer carries the safety headers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"

#define HTTP_BODY_MOST (1024 * 1024)

struct http_request {
    const char *method, *path; /* path without the query, percent-decoded once */
    const char *body;          /* NUL behind */
    size_t size;
    bool from_loopback;
    char address[48]; /* the client's, in digits */
    struct arena *arena; /* dies with the request */
    void *inside;        /* for the two functions below */
};

const char *http_query(const struct http_request *request, const char *name);  /* or NULL */
const char *http_header(const struct http_request *request, const char *name); /* or NULL */

/* How gladly a client takes a content type by its Accept header (NULL: none sent): 0 not at all … 1. */
double http_accepts(const char *header, const char *type);

struct http_answer {
    int status;
    const char *type;      /* content type; preset application/json */
    struct json_out out;   /* the body; owned by http */
    const char *extra[8][2]; /* further headers, in the request's arena */
    size_t extra_count;
    void *stream; /* not NULL: the answer goes on by http_options.stream */
};

struct http;
struct http_options {
    const char *listen; /* "127.0.0.1:8080"; port 0: any free one */
    unsigned threads;   /* preset 4 */
    /* Runs on one of the pool's threads; thread is 0 … threads - 1, for a connection of its own. */
    void (*answer)(void *context, unsigned thread, struct http_request *request,
                   struct http_answer *answer);
    /* For an answer with streams set: called again and again for further bytes; 0: nothing now;
     * -1: end. */
    int64_t (*stream)(void *context, void *stream, char *to, size_t room);
    void (*stream_end)(void *context, void *stream);
    void *context;
};

enum err http_open(const struct http_options *options, struct http **ret_http,
                   struct text *why) MUST_CHECK;
void http_close(struct http *http);
/* Answers that go on are asked for more. Any thread. */
void http_wake(struct http *http);
int http_port(const struct http *http);
