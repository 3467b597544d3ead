/* GET /stream: what changed, as Server-Sent Events; Last-Event-ID goes on where a client stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "server/api/api_int.h"

#define COMMENT_MS 15000 /* a line now and then shows that the stream lives */

struct stream {
    FILE *file; /* not NULL: the answer is this file */
    struct sql *sql;
    int64_t last, said_ms;
    bool gap; /* what the client has not seen is no longer there: it has to read all anew */
};

void *stream_file(const char *path)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (stream) {
        stream->file = fopen(path, "rbe");
    }
    if (stream && !stream->file) {
        free(stream);
        return NULL;
    }
    return stream;
}

static void *open_stream(struct call *call)
{
    const char *header = http_header(call->request, "Last-Event-ID");
    struct stream *stream = calloc(1, sizeof(*stream));
    int64_t last, newest;

    if (!header) {
        header = http_query(call->request, "last_event_id"); /* a page that starts where it stopped */
    }
    if (!stream || sql_open(call->api->options.url, SQL_READ, &stream->sql, NULL)) {
        free(stream);
        call_problem(call, 503, "The database is not readable", "try again");
        return NULL;
    }
    newest = sql_find_int(stream->sql, 0, "SELECT MAX(id) FROM change", "");
    stream->last = newest;
    if (header && !text_to_int(header, strlen(header), &last) && last >= 0) {
        int64_t oldest = sql_find_int(stream->sql, 1, "SELECT MIN(id) FROM change", "");

        stream->gap = last < oldest - 1 || last > newest;
        stream->last = stream->gap ? newest : last;
    }
    return stream;
}

void route_stream(struct call *call)
{
    void *stream = open_stream(call);

    if (stream) {
        call->answer->type = "text/event-stream";
        call->answer->stream = stream;
    }
}

int64_t stream_more(void *context, void *inside, char *to, size_t room)
{
    struct stream *stream = inside;
    struct text text = text_on(to, room);
    struct sql_rows rows;

    (void)context;
    if (stream->file) {
        size_t size = fread(to, 1, room, stream->file);

        return size ? (int64_t)size : -1;
    }
    if (stream->gap) {
        text_addf(&text, "id: %lld\nevent: gap\ndata: {}\n\n", (long long)stream->last);
        stream->gap = false;
    }
    sql_find(stream->sql, &rows,
             "SELECT id, topic, body FROM change WHERE id > ?1 ORDER BY id LIMIT 100", "i",
             stream->last);
    while (sql_next(&rows)) {
        size_t before = text.length;

        text_addf(&text, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)sql_int(&rows, 0),
                  sql_text(&rows, 1), sql_text(&rows, 2));
        if (text.cut) { /* the next call begins with it */
            text.length = before;
            break;
        }
        stream->last = sql_int(&rows, 0);
    }
    (void)!sql_end(&rows);
    if (text.length == 0 && clock_boot_ms() - stream->said_ms > COMMENT_MS) {
        text_clear(&text);
        text_add(&text, ": still here\n\n");
    }
    if (text.length > 0) {
        stream->said_ms = clock_boot_ms();
    }
    return (int64_t)text.length;
}

void stream_end(void *context, void *inside)
{
    struct stream *stream = inside;

    (void)context;
    if (stream) {
        if (stream->file) {
            fclose(stream->file);
        } else {
            sql_close(stream->sql);
        }
        free(stream);
    }
}
