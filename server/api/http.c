/* libmicrohttpd: an internal pool of threads with epoll; requests gathered whole, then answered. */
#include "server/api/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "server/store/metrics.h"

#define REQUEST_ARENA (8 * 1024 * 1024)
#define ANSWER_MOST   (64 * 1024 * 1024)
#define TIMEOUT_S     30
#define THREADS_MOST  32

struct http {
    struct http_options options;
    struct MHD_Daemon *daemon;
    _Atomic unsigned next_thread;
    unsigned serial;
    pthread_mutex_t lock; /* of the list of answers that go on */
    struct tail *tails;
    uint64_t wakes; /* how often http_wake was called: none is missed between asking and sleeping */
    bool closing;
};

/* Which of the pool's threads this is, for a connection of its own; per server. */
static _Thread_local unsigned my_thread, my_serial;
static _Atomic unsigned serials;

struct visit { /* one request on its way */
    struct arena *arena;
    char *body;
    size_t size, room;
    bool too_large;
};

const char *http_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->inside, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->inside, MHD_HEADER_KIND, name);
}

double http_accepts(const char *header, const char *type)
{
    const char *slash = strchr(type, '/');
    double best = 0, exact = -1;

    if (!header) {
        return 1;
    }
    while (*header) {
        size_t all = strcspn(header, ","), size = strcspn(header, ",;");
        const char *q = memchr(header, ';', all);
        double weight = 1;

        while (size > 0 && header[size - 1] == ' ') {
            size--;
        }
        for (; q && q < header + all; q = memchr(q + 1, ';', (size_t)(header + all - q - 1))) {
            const char *word = q + 1 + strspn(q + 1, " ");

            if (strncasecmp(word, "q=", 2) == 0 &&
                text_to_number(word + 2, strspn(word + 2, "0123456789."), &weight)) {
                weight = 1;
            }
        }
        if (size == strlen(type) && strncasecmp(header, type, size) == 0) {
            exact = weight;
        } else if ((size == 3 && memcmp(header, "*/*", 3) == 0) ||
                   (size == (size_t)(slash - type) + 2 && header[size - 1] == '*' &&
                    strncasecmp(header, type, size - 1) == 0)) {
            best = weight > best ? weight : best;
        }
        header += all;
        header += strspn(header, ", ");
    }
    return exact >= 0 ? exact : best;
}

static unsigned thread_index(struct http *http)
{
    if (my_serial != http->serial) {
        my_serial = http->serial;
        my_thread = atomic_fetch_add(&http->next_thread, 1) % THREADS_MOST;
    }
    return my_thread;
}

static void write_address(struct MHD_Connection *connection, char *to, socklen_t room)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    socklen_t size = address && address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                               : sizeof(struct sockaddr_in);

    if (!address || getnameinfo(address, size, to, room, NULL, 0, NI_NUMERICHOST) != 0) {
        to[0] = '\0';
    }
}

static bool is_loopback(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;

    if (address && address->sa_family == AF_INET) {
        struct sockaddr_in four;

        memcpy(&four, address, sizeof(four));
        return ntohl(four.sin_addr.s_addr) >> 24 == 127;
    }
    if (address && address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;

        memcpy(&six, address, sizeof(six));
        return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    }
    return false;
}

struct tail { /* an answer that goes on; asleep while it has nothing to say */
    struct http *http;
    struct MHD_Connection *connection;
    void *stream;
    bool asleep;
    struct tail *next;
};

static ssize_t more(void *context, uint64_t position, char *to, size_t room)
{
    struct tail *tail = context;
    uint64_t wakes;
    int64_t size;

    (void)position;
    pthread_mutex_lock(&tail->http->lock);
    wakes = tail->http->wakes;
    pthread_mutex_unlock(&tail->http->lock);
    size = tail->http->options.stream(tail->http->options.context, tail->stream, to, room);
    if (size < 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    pthread_mutex_lock(&tail->http->lock);
    if (tail->http->closing) {
        size = size > 0 ? size : -1;
    } else if (size == 0 && !tail->asleep && wakes == tail->http->wakes) {
        tail->asleep = true;
        MHD_suspend_connection(tail->connection);
    }
    pthread_mutex_unlock(&tail->http->lock);
    return size < 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)size;
}

static void end_tail(void *context)
{
    struct tail *tail = context, **at = &tail->http->tails;

    pthread_mutex_lock(&tail->http->lock);
    while (*at && *at != tail) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = tail->next;
    }
    pthread_mutex_unlock(&tail->http->lock);
    tail->http->options.stream_end(tail->http->options.context, tail->stream);
    free(tail);
}

void http_wake(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    http->wakes++;
    for (struct tail *tail = http->tails; tail; tail = tail->next) {
        if (tail->asleep) {
            tail->asleep = false;
            MHD_resume_connection(tail->connection);
        }
    }
    pthread_mutex_unlock(&http->lock);
}

static char empty[1];

static struct MHD_Response *make_response(struct http *http, struct MHD_Connection *connection,
                                          struct http_answer *answer)
{
    struct MHD_Response *response;
    struct tail *tail;

    if (answer->stream) {
        tail = malloc(sizeof(*tail));
        if (!tail) {
            return NULL;
        }
        pthread_mutex_lock(&http->lock);
        *tail = (struct tail){http, connection, answer->stream, false, http->tails};
        http->tails = tail;
        pthread_mutex_unlock(&http->lock);
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, more, tail, end_tail);
    }
    response = MHD_create_response_from_buffer(answer->out.size,
                                               answer->out.bytes ? answer->out.bytes : empty,
                                               MHD_RESPMEM_MUST_COPY);
    return response;
}

static enum MHD_Result send_answer(struct http *http, struct MHD_Connection *connection,
                                   struct http_answer *answer)
{
    struct MHD_Response *response = make_response(http, connection, answer);
    enum MHD_Result result;

    if (!response) {
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", answer->type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'self'; frame-ancestors 'none'; base-uri 'none'");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    for (size_t i = 0; i < answer->extra_count; i++) {
        MHD_add_response_header(response, answer->extra[i][0], answer->extra[i][1]);
    }
    result = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    metric_add(METRIC_HTTP_REQUESTS, 1);
    metric_add(METRIC_HTTP_ERRORS, answer->status >= 400);
    return result;
}

static enum MHD_Result answer_now(struct http *http, struct MHD_Connection *connection,
                                  const char *method, const char *path, struct visit *visit)
{
    struct http_answer answer = {
        .status = 200, .type = "application/json", .out = json_out(ANSWER_MOST)};
    struct http_request request = {
        .method = method,
        .path = path,
        .body = visit->body ? visit->body : "",
        .size = visit->size,
        .from_loopback = is_loopback(connection),
        .arena = visit->arena,
        .inside = connection,
    };
    enum MHD_Result result;

    write_address(connection, request.address, sizeof(request.address));
    if (visit->too_large) {
        answer.status = 413;
        answer.type = "application/problem+json";
        json_open_object(&answer.out);
        json_text(&answer.out, "type", "about:blank");
        json_text(&answer.out, "title", "Too large");
        json_int(&answer.out, "status", 413);
        json_text(&answer.out, "detail", "expected a body of at most 1 MiB");
        json_close_object(&answer.out);
    } else {
        http->options.answer(http->options.context, thread_index(http), &request, &answer);
    }
    result = send_answer(http, connection, &answer);
    json_out_free(&answer.out);
    return result;
}

static void add_body(struct visit *visit, const char *bytes, size_t size)
{
    if (visit->size + size > HTTP_BODY_MOST) {
        visit->too_large = true;
        return;
    }
    if (visit->size + size + 1 > visit->room) {
        size_t room = visit->room ? visit->room : 1024;
        char *body;

        while (room < visit->size + size + 1) {
            room *= 2;
        }
        body = realloc(visit->body, room);
        if (!body) {
            visit->too_large = true;
            return;
        }
        visit->body = body;
        visit->room = room;
    }
    memcpy(visit->body + visit->size, bytes, size);
    visit->size += size;
    visit->body[visit->size] = '\0';
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *bytes, size_t *io_size, void **io_visit)
{
    struct visit *visit = *io_visit;

    (void)version;
    if (!visit) {
        visit = calloc(1, sizeof(*visit));
        if (!visit || arena_open(REQUEST_ARENA, &visit->arena)) {
            free(visit);
            return MHD_NO;
        }
        *io_visit = visit;
        return MHD_YES;
    }
    if (*io_size > 0) {
        add_body(visit, bytes, *io_size);
        *io_size = 0;
        return MHD_YES;
    }
    return answer_now(context, connection, method, path, visit);
}

static void on_done(void *context, struct MHD_Connection *connection, void **io_visit,
                    enum MHD_RequestTerminationCode code)
{
    struct visit *visit = *io_visit;

    (void)context;
    (void)connection;
    (void)code;
    if (visit) {
        arena_close(visit->arena);
        free(visit->body);
        free(visit);
        *io_visit = NULL;
    }
}

static enum err read_address(const char *listen, struct sockaddr_in *address, struct text *why)
{
    const char *colon = strrchr(listen, ':');
    char host[64] = {0};
    int64_t port;

    if (!colon || (size_t)(colon - listen) >= sizeof(host) ||
        text_to_int(colon + 1, strlen(colon + 1), &port)) {
        return text_say(why, ERR_FORMAT, "expected host:port to listen on, found %s", listen);
    }
    memcpy(host, listen, (size_t)(colon - listen));
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)port);
    if (strcmp(host, "localhost") == 0) {
        memcpy(host, "127.0.0.1", 10);
    }
    if (inet_pton(AF_INET, host, &address->sin_addr) != 1) {
        return text_say(why, ERR_FORMAT, "expected an IPv4 address to listen on, found %s", host);
    }
    return ERR_OK;
}

enum err http_open(const struct http_options *options, struct http **ret_http, struct text *why)
{
    struct sockaddr_in address = {0};
    struct http *http = calloc(1, sizeof(*http));
    enum err err;

    if (!http) {
        return ERR_NOMEM;
    }
    http->options = *options;
    pthread_mutex_init(&http->lock, NULL);
    http->serial = atomic_fetch_add(&serials, 1) + 1;
    err = read_address(options->listen, &address, why);
    if (err) {
        free(http);
        return err;
    }
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
        MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_THREAD_POOL_SIZE, options->threads,
        MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, 2000U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)32 * 1024, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    if (!http->daemon) {
        free(http);
        return text_say(why, ERR_BUSY, "cannot listen on %s: is the port in use?", options->listen);
    }
    *ret_http = http;
    return ERR_OK;
}

void http_close(struct http *http)
{
    if (http) {
        pthread_mutex_lock(&http->lock);
        http->closing = true;
        pthread_mutex_unlock(&http->lock);
        http_wake(http);
        MHD_stop_daemon(http->daemon);
        pthread_mutex_destroy(&http->lock);
        free(http);
    }
}

int http_port(const struct http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info ? info->port : 0;
}
