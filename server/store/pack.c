/* The packer. */
#include "server/store/pack.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/arena.h"
#include "models/telemetry/message.h"
#include "server/store/metrics.h"
#include "server/store/packed.h"

#define GRACE_MS    (5 * 60 * 1000)
#define SLICE       400               /* messages in a slice */
#define SLICE_ARENA (64 * 1024 * 1024)
#define UNSYNCED_MS (24 * 3600 * 1000LL) /* how long unsynced messages wait for their clockfix */

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
    size_t message_count;
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
    slice->items[slice->count] = (struct item){
        point, reading->t_ms / PACKED_HOUR_MS, slice->count, *reading};
    if (reading->text) {
        slice->items[slice->count].reading.text =
            arena_text(slice->arena, reading->text, strlen(reading->text));
    }
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

static enum err take_message(struct sql *sql, struct slice *slice, const void *body, size_t size,
                             int64_t offset_ms)
{
    struct data_message message;
    enum err err = data_decode(slice->arena, body, size, &message, NULL);

    for (size_t i = 0; !err && i < message.count; i++) {
        const struct series *series = &message.series[i];
        int64_t point = point_id(sql, series->equipment, series->point);

        for (size_t k = 0; !err && point && k < series->count; k++) {
            struct reading reading = series->readings[k];

            reading.t_ms += message.envelope.unsynced ? offset_ms : 0;
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

    slice->messages = arena_array(slice->arena, SLICE, sizeof(*slice->messages));
    if (!slice->messages) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT j.id, j.body, COALESCE(s.clock_offset_ms, 0) FROM journal j JOIN stream s ON"
             " s.id = j.stream WHERE j.stream = ?1 AND j.most_ms + COALESCE(s.clock_offset_ms, 0) <"
             " ?2 AND (j.received_ms < ?3 OR instr(substr(CAST(j.body AS TEXT), 1, 200),"
             " '\"unsynced\"') = 0) ORDER BY j.seq LIMIT 400",
             "iii", stream, boundary_ms, now_ms - UNSYNCED_MS);
    while (!err && slice->message_count < SLICE && sql_next(&rows)) {
        size_t size;
        const void *body = sql_blob(&rows, 1, &size);

        slice->messages[slice->message_count++] = sql_int(&rows, 0);
        err = take_message(sql, slice, body, size, sql_int(&rows, 2));
        err = err == ERR_FORMAT ? ERR_OK : err; /* cannot be: it was decoded on its way in */
    }
    end = sql_end(&rows);
    return err ? err : end;
}

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

struct merge {
    struct slice *slice;
    struct reading *list;
    size_t count, room;
    enum err err;
};

static int keep(void *context, const struct reading *reading)
{
    struct merge *merge = context;
    struct reading *last = merge->count ? &merge->list[merge->count - 1] : NULL;
    struct reading copy = *reading;

    if (reading->text) {
        copy.text = arena_text(merge->slice->arena, reading->text, strlen(reading->text));
    }
    if (last && last->t_ms == reading->t_ms) {
        *last = copy; /* one value at a time: the one that came last */
        return 1;
    }
    if (merge->count == merge->room) {
        size_t room = merge->room ? 2 * merge->room : 1024;
        struct reading *list = realloc(merge->list, room * sizeof(*list));

        if (!list) {
            merge->err = ERR_NOMEM;
            return 0;
        }
        merge->list = list;
        merge->room = room;
    }
    merge->list[merge->count++] = copy;
    return 1;
}

static int by_time(const void *a, const void *b)
{
    const struct reading *x = a, *y = b;

    return x->t_ms < y->t_ms ? -1 : x->t_ms > y->t_ms;
}

/* The chunk that is there, if any, joined with items [from, to). */
static enum err merge_chunk(struct sql *sql, struct slice *slice, size_t from, size_t to,
                            struct merge *merge)
{
    struct sql_rows rows;
    size_t old;
    enum err err = ERR_OK, end;

    merge->count = 0;
    sql_find(sql, &rows, "SELECT body FROM chunk WHERE point = ?1 AND hour = ?2", "ii",
             slice->items[from].point, slice->items[from].hour);
    if (sql_next(&rows)) {
        size_t size;
        const void *body = sql_blob(&rows, 0, &size);

        err = packed_read(slice->items[from].hour, body, size, keep, merge);
    }
    end = sql_end(&rows);
    err = err ? err : end;
    old = merge->count;
    for (size_t i = from; !err && i < to; i++) {
        keep(merge, &slice->items[i].reading);
        err = merge->err;
    }
    if (!err && old > 0 && merge->count > old &&
        merge->list[old].t_ms <= merge->list[old - 1].t_ms) { /* late ones lie between */
        size_t count = merge->count;

        qsort(merge->list, count, sizeof(*merge->list), by_time);
        merge->count = 0;
        for (size_t i = 0; i < count; i++) {
            struct reading reading = merge->list[i];

            keep(merge, &reading);
        }
    }
    return err;
}

static enum err write_chunks(struct sql *sql, struct slice *slice)
{
    struct merge merge = {.slice = slice};
    struct packed_out out = {0};
    size_t from = 0;
    enum err err = ERR_OK;

    qsort(slice->items, slice->count, sizeof(*slice->items), by_place);
    while (!err && from < slice->count) {
        size_t to = from;

        while (to < slice->count && slice->items[to].point == slice->items[from].point &&
               slice->items[to].hour == slice->items[from].hour) {
            to++;
        }
        err = merge_chunk(sql, slice, from, to, &merge);
        if (!err) {
            err = packed_write(slice->items[from].hour, merge.list, merge.count, &out);
        }
        if (!err) {
            err = sql_run(sql,
                          "INSERT INTO chunk (point, hour, body) VALUES (?1, ?2, ?3) ON CONFLICT"
                          " (point, hour) DO UPDATE SET body = excluded.body",
                          "iib", slice->items[from].point, slice->items[from].hour, out.bytes,
                          out.size);
        }
        from = to;
    }
    free(merge.list);
    free(out.bytes);
    return err;
}

static enum err pack_slice(struct sql *sql, int64_t stream, int64_t boundary_ms, int64_t now_ms,
                           bool *ret_full)
{
    struct slice slice = {.count = 0};
    enum err err = arena_open(SLICE_ARENA, &slice.arena);

    if (!err) {
        err = read_slice(sql, stream, boundary_ms, now_ms, &slice);
    }
    if (!err && slice.count > 0) {
        err = write_chunks(sql, &slice);
    }
    for (size_t i = 0; !err && i < slice.message_count; i++) {
        err = sql_run(sql, "DELETE FROM journal WHERE id = ?1", "i", slice.messages[i]);
    }
    if (!err) {
        metric_add(METRIC_PACKED, (int64_t)slice.count);
    }
    *ret_full = slice.message_count == SLICE;
    free(slice.items);
    arena_close(slice.arena);
    return err;
}

/* The end of the last hour that is closed. */
static int64_t closed_before(int64_t now_ms)
{
    return (now_ms - GRACE_MS) / PACKED_HOUR_MS * PACKED_HOUR_MS;
}

enum err pack_turn(struct sql *sql, int64_t now_ms, bool *ret_more)
{
    int64_t boundary_ms = closed_before(now_ms);
    bool full = false;
    int64_t stream = sql_find_int(
        sql, 0,
        "SELECT j.stream FROM journal j JOIN stream s ON s.id = j.stream WHERE j.most_ms +"
        " COALESCE(s.clock_offset_ms, 0) < ?1 AND (j.received_ms < ?2 OR"
        " instr(substr(CAST(j.body AS TEXT), 1, 200), '\"unsynced\"') = 0) ORDER BY j.id LIMIT 1",
        "ii", boundary_ms, now_ms - UNSYNCED_MS);
    enum err err = ERR_OK;

    *ret_more = false;
    if (stream) {
        err = pack_slice(sql, stream, boundary_ms, now_ms, &full);
        *ret_more = true;
    }
    return err;
}
