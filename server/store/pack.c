/* The packer. */
#include "server/store/pack.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "host/log.h"
#include "models/base/arena.h"
#include "models/telemetry/message.h"
#include "server/store/metrics.h"
#include "server/store/packed.h"

#define GRACE_MS     (5 * 60 * 1000)
#define QUIET_MS     (60 * 1000)          /* old data comes in bursts: packed when the burst is over */
#define BURST_MS     (10 * 60 * 1000)     /* … or has lasted that long */
#define UNSYNCED_MS  (24 * 3600 * 1000LL) /* how long unsynced messages wait for their clockfix */
#define SLICE_ROWS   2000
#define SLICE_BYTES  (512 * 1024)
#define SLICE_ARENA  (64 * 1024 * 1024)
#define BEHIND_MOST  100000 /* streams with old data that are remembered one by one */

struct behind { /* a stream that brought old data */
    int64_t stream, first_ms, last_ms;
    UT_hash_handle hh;
};

struct packer {
    struct behind *behind;
    int64_t boundary_ms; /* of the round that goes on, or the last one: hours before it are closed */
    int64_t round;       /* the stream that comes next in it; INT64_MAX: the round is over */
    int64_t look_ms;     /* when those behind were looked at */
    int64_t current;     /* of those behind, being packed; 0: none */
};

enum err packer_open(struct packer **ret_packer)
{
    struct packer *packer = calloc(1, sizeof(*packer));

    if (!packer) {
        return ERR_NOMEM;
    }
    packer->boundary_ms = INT64_MIN; /* the first round looks at all, whatever the last run left */
    packer->round = INT64_MAX;
    *ret_packer = packer;
    return ERR_OK;
}

void packer_close(struct packer *packer)
{
    struct behind *behind, *next;

    if (!packer) {
        return;
    }
    HASH_ITER(hh, packer->behind, behind, next)
    {
        HASH_DEL(packer->behind, behind);
        free(behind);
    }
    free(packer);
}

/* The end of the last hour that is closed. */
static int64_t closed_before(int64_t now_ms)
{
    return (now_ms - GRACE_MS) / PACKED_HOUR_MS * PACKED_HOUR_MS;
}

void packer_note(struct packer *packer, int64_t stream, int64_t most_ms, int64_t now_ms)
{
    struct behind *behind;

    if (most_ms >= packer->boundary_ms) {
        return; /* the round after its hour has closed takes it */
    }
    HASH_FIND(hh, packer->behind, &stream, sizeof(stream), behind);
    if (!behind) {
        behind = HASH_COUNT(packer->behind) < BEHIND_MOST ? calloc(1, sizeof(*behind)) : NULL;
        if (!behind) {
            packer->boundary_ms = INT64_MIN; /* too many to remember: a round over all */
            return;
        }
        behind->stream = stream;
        behind->first_ms = now_ms;
        HASH_ADD(hh, packer->behind, stream, sizeof(behind->stream), behind);
    }
    behind->last_ms = now_ms;
}

/* ------------------------------------------------------------------ a slice out of the journal */

struct item { /* one reading on its way into a chunk */
    int64_t point, hour;
    size_t order; /* of arrival: for one time the last one counts */
    struct reading reading;
};

struct slice {
    struct arena *arena;
    struct item *items;
    size_t count, room;
    int64_t *messages;
    size_t message_count, bytes;
    bool full; /* there may be more of this stream */
};

static enum err add(struct slice *slice, int64_t point, const struct reading *reading)
{
    if (slice->count == slice->room) {
        size_t room = slice->room ? 2 * slice->room : 8192;
        struct item *items = realloc(slice->items, room * sizeof(*items));

        if (!items) {
            return ERR_NOMEM;
        }
        slice->items = items;
        slice->room = room;
    }
    slice->items[slice->count] =
        (struct item){point, reading->t_ms / PACKED_HOUR_MS, slice->count, *reading};
    slice->count++;
    return ERR_OK;
}

static int64_t point_id(struct sql *sql, const char *equipment, const char *point)
{
    return sql_find_int(sql, 0,
                        "SELECT p.id FROM point p JOIN equipment e ON e.id = p.equipment WHERE"
                        " e.name = ?1 AND p.name = ?2",
                        "tt", equipment, point);
}

/* What is decoded stays in the slice's arena until its chunks are written. */
static enum err take_message(struct sql *sql, struct slice *slice, const void *body, size_t size,
                             int64_t offset_ms)
{
    struct data_message message;
    enum err err = data_decode(slice->arena, body, size, &message, NULL);

    if (err) {
        return err == ERR_FORMAT ? ERR_OK : err; /* cannot be: it was decoded on its way in */
    }
    for (size_t i = 0; !err && i < message.count; i++) {
        const struct series *series = &message.series[i];
        int64_t point = point_id(sql, series->equipment, series->point);

        for (size_t k = 0; !err && point && k < series->count; k++) {
            struct reading reading = series->readings[k];

            reading.t_ms += message.envelope.unsynced ? offset_ms : 0;
            reading.t_ms = reading.t_ms < 0 ? 0 : reading.t_ms;
            err = add(slice, point, &reading);
        }
    }
    return err;
}

static enum err read_slice(struct sql *sql, int64_t stream, int64_t boundary_ms, int64_t now_ms,
                           struct slice *slice)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    slice->messages = arena_array(slice->arena, SLICE_ROWS, sizeof(*slice->messages));
    if (!slice->messages) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT j.id, j.body, COALESCE(s.clock_offset_ms, 0) FROM journal j JOIN stream s ON"
             " s.id = j.stream WHERE j.id IN (SELECT i.id FROM journal i JOIN stream t ON t.id ="
             " i.stream WHERE i.stream = ?1 AND i.most_ms + CASE WHEN i.unsynced = 1 THEN"
             " COALESCE(t.clock_offset_ms, 0) ELSE 0 END < ?2 AND (i.unsynced = 0 OR"
             " t.clock_offset_ms IS NOT NULL OR i.received_ms < ?3) ORDER BY i.id LIMIT 2000)"
             " ORDER BY j.id",
             "iii", stream, boundary_ms, now_ms - UNSYNCED_MS);
    while (!err && !slice->full && sql_next(&rows)) {
        size_t size;
        const void *body = sql_blob(&rows, 1, &size);

        slice->messages[slice->message_count++] = sql_int(&rows, 0);
        slice->bytes += size;
        err = take_message(sql, slice, body, size, sql_int(&rows, 2));
        slice->full = slice->message_count == SLICE_ROWS || slice->bytes >= SLICE_BYTES;
    }
    end = sql_end(&rows);
    return err ? err : end;
}

/* ------------------------------------------------------------------ into chunks */

static int by_place(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->point != y->point) {
        return x->point < y->point ? -1 : 1;
    }
    if (x->reading.t_ms != y->reading.t_ms) {
        return x->reading.t_ms < y->reading.t_ms ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

struct merge { /* the old chunk and the slice's items, both in order of time, become one list */
    struct slice *slice;
    const struct item *items;
    size_t at, end;
    struct reading *list;
    size_t count, room;
    enum err err;
};

static void put(struct merge *merge, const struct reading *reading)
{
    if (merge->count > 0 && merge->list[merge->count - 1].t_ms == reading->t_ms) {
        merge->list[merge->count - 1] = *reading; /* one value at a time: the one that came last */
        return;
    }
    if (merge->count == merge->room) {
        size_t room = merge->room ? 2 * merge->room : 1024;
        struct reading *list = realloc(merge->list, room * sizeof(*list));

        if (!list) {
            merge->err = ERR_NOMEM;
            return;
        }
        merge->list = list;
        merge->room = room;
    }
    merge->list[merge->count++] = *reading;
}

static int put_old(void *context, const struct reading *reading)
{
    struct merge *merge = context;
    struct reading copy = *reading;

    for (; merge->at < merge->end && merge->items[merge->at].reading.t_ms < reading->t_ms;
         merge->at++) {
        put(merge, &merge->items[merge->at].reading);
    }
    if (reading->text) {
        copy.text = arena_text(merge->slice->arena, reading->text, strlen(reading->text));
        merge->err = copy.text ? merge->err : ERR_NOMEM;
    }
    put(merge, &copy);
    return !merge->err;
}

/* A chunk that cannot be read to its end: what came out of it goes on, its bytes are kept. */
static enum err put_aside(struct sql *sql, const struct item *first, const void *body, size_t size)
{
    log_error("the packed hour %lld of point %lld is damaged; its bytes are in quarantine",
              (long long)first->hour, (long long)first->point);
    return sql_run(sql,
                   "INSERT INTO quarantine (agent, channel, received_ms, reason, body) VALUES ('',"
                   " 'chunk', ?1, 'damaged', ?2)",
                   "ib", first->hour * PACKED_HOUR_MS, body, size);
}

/* The chunk that is there, if any, joined with items [merge->at, merge->end). */
static enum err merge_chunk(struct sql *sql, struct merge *merge)
{
    const struct item *first = &merge->items[merge->at];
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    merge->count = 0;
    sql_find(sql, &rows, "SELECT body FROM chunk WHERE point = ?1 AND hour = ?2", "ii", first->point,
             first->hour);
    if (sql_next(&rows)) {
        size_t size;
        const void *body = sql_blob(&rows, 0, &size);

        err = packed_read(first->hour, body, size, put_old, merge);
        if (err == ERR_FORMAT) {
            err = put_aside(sql, first, body, size);
        }
    }
    end = sql_end(&rows);
    for (; !merge->err && merge->at < merge->end; merge->at++) {
        put(merge, &merge->items[merge->at].reading);
    }
    return merge->err ? merge->err : err ? err : end;
}

static enum err write_chunk(struct sql *sql, const struct item *first, struct merge *merge,
                            struct packed_out *out)
{
    enum err err = merge_chunk(sql, merge);

    if (!err) {
        err = packed_write(first->hour, merge->list, merge->count, out);
    }
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO chunk (point, hour, body) VALUES (?1, ?2, ?3) ON CONFLICT (point,"
                      " hour) DO UPDATE SET body = excluded.body",
                      "iib", first->point, first->hour, out->bytes, out->size);
    }
    return err;
}

static enum err write_chunks(struct sql *sql, struct slice *slice)
{
    struct merge merge = {.slice = slice, .items = slice->items};
    struct packed_out out = {0};
    size_t from = 0;
    enum err err = ERR_OK;

    if (slice->count == 0) {
        return ERR_OK;
    }
    qsort(slice->items, slice->count, sizeof(*slice->items), by_place);
    while (!err && from < slice->count) {
        size_t to = from;

        while (to < slice->count && slice->items[to].point == slice->items[from].point &&
               slice->items[to].hour == slice->items[from].hour) {
            to++;
        }
        merge.at = from;
        merge.end = to;
        err = write_chunk(sql, &slice->items[from], &merge, &out);
        from = to;
    }
    free(merge.list);
    free(out.bytes);
    return err;
}

static enum err pack_slice(struct sql *sql, int64_t stream, int64_t boundary_ms, int64_t now_ms,
                           bool *ret_more)
{
    struct slice slice = {.count = 0};
    enum err err = arena_open(SLICE_ARENA, &slice.arena);

    if (!err) {
        err = read_slice(sql, stream, boundary_ms, now_ms, &slice);
    }
    if (!err) {
        err = write_chunks(sql, &slice);
    }
    for (size_t i = 0; !err && i < slice.message_count; i++) {
        err = sql_run(sql, "DELETE FROM journal WHERE id = ?1", "i", slice.messages[i]);
    }
    if (!err) {
        metric_add(METRIC_PACKED, (int64_t)slice.count);
    }
    *ret_more = slice.full;
    free(slice.items);
    arena_close(slice.arena);
    return err;
}

/* ------------------------------------------------------------------ what comes next */

/* A stream that brought old data and has been quiet since; 0: none. */
static int64_t next_behind(struct packer *packer, int64_t now_ms)
{
    struct behind *behind, *next;
    int64_t stream = 0;

    if (llabs(now_ms - packer->look_ms) < 1000) {
        return 0; /* looked through once a second, as long as nothing was found */
    }
    HASH_ITER(hh, packer->behind, behind, next)
    {
        if (llabs(now_ms - behind->last_ms) >= QUIET_MS ||
            llabs(now_ms - behind->first_ms) >= BURST_MS) {
            stream = behind->stream;
            HASH_DEL(packer->behind, behind);
            free(behind);
            return stream;
        }
    }
    packer->look_ms = now_ms;
    return 0;
}

/* The stream to pack a slice of; 0: nothing to do now. */
static int64_t next_stream(struct packer *packer, struct sql *sql, int64_t now_ms)
{
    int64_t boundary_ms = closed_before(now_ms);

    if (packer->round == INT64_MAX && boundary_ms > packer->boundary_ms) {
        packer->boundary_ms = boundary_ms;
        packer->round = 0;
    }
    if (packer->round < INT64_MAX) {
        packer->round = sql_find_int(
            sql, INT64_MAX, "SELECT MIN(stream) FROM journal WHERE stream >= ?1", "i", packer->round);
        return packer->round < INT64_MAX ? packer->round : 0;
    }
    if (!packer->current) {
        packer->current = next_behind(packer, now_ms);
    }
    return packer->current;
}

enum err packer_turn(struct packer *packer, struct sql *sql, int64_t now_ms, bool *ret_more)
{
    int64_t stream = next_stream(packer, sql, now_ms);
    bool again;
    enum err err;

    *ret_more = stream != 0;
    if (!stream) {
        return ERR_OK;
    }
    err = pack_slice(sql, stream, packer->boundary_ms, now_ms, &again);
    if (err) {
        /* this stream's turn is over for now; what it has stays where it is */
        again = false;
    }
    if (!again && packer->round < INT64_MAX) {
        packer->round = stream + 1;
    } else if (!again) {
        packer->current = 0;
    }
    return err;
}
