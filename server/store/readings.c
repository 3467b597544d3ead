/* Journal and packed hours, read as one. */
#include "server/store/readings.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/arena.h"
#include "models/telemetry/message.h"
#include "server/store/packed.h"

#define JOURNAL_ARENA (16 * 1024 * 1024)

struct heap { /* readings gathered, then sorted by time */
    struct reading *list;
    size_t count, room;
    struct arena *texts;
    int64_t from_ms, to_ms;
    enum err err;
};

static int gather(void *context, const struct reading *reading)
{
    struct heap *heap = context;
    struct reading copy = *reading;

    if (reading->t_ms < heap->from_ms || reading->t_ms >= heap->to_ms) {
        return 1;
    }
    if (heap->count == heap->room) {
        size_t room = heap->room ? 2 * heap->room : 1024;
        struct reading *list = realloc(heap->list, room * sizeof(*list));

        if (!list) {
            heap->err = ERR_NOMEM;
            return 0;
        }
        heap->list = list;
        heap->room = room;
    }
    if (reading->text) {
        copy.text = arena_text(heap->texts, reading->text, strlen(reading->text));
    }
    heap->list[heap->count++] = copy;
    return 1;
}

/* Where a point's messages are: its equipment's agent and the names. */
struct origin {
    int64_t agent;
    char equipment[65], point[65];
};

static enum err find_origin(struct sql *sql, int64_t point, struct origin *origin)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT e.agent, e.name, p.name FROM point p JOIN equipment e ON e.id = p.equipment"
             " WHERE p.id = ?1",
             "i", point);
    found = sql_next(&rows);
    if (found) {
        origin->agent = sql_int(&rows, 0);
        (void)!text_copy(origin->equipment, sizeof(origin->equipment), sql_text(&rows, 1));
        (void)!text_copy(origin->point, sizeof(origin->point), sql_text(&rows, 2));
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

static void gather_message(const struct origin *origin, const struct data_message *message,
                           int64_t offset_ms, struct heap *heap)
{
    for (size_t i = 0; i < message->count; i++) {
        const struct series *series = &message->series[i];

        if (strcmp(series->point, origin->point) != 0 ||
            strcmp(series->equipment, origin->equipment) != 0) {
            continue;
        }
        for (size_t k = 0; k < series->count; k++) {
            struct reading reading = series->readings[k];

            reading.t_ms += message->envelope.unsynced ? offset_ms : 0;
            (void)gather(heap, &reading);
        }
    }
}

static enum err gather_journal(struct sql *sql, const struct origin *origin, struct heap *heap)
{
    struct arena *arena;
    struct sql_rows rows;
    enum err err = arena_open(JOURNAL_ARENA, &arena), end;

    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT j.body, COALESCE(s.clock_offset_ms, 0) FROM stream s JOIN journal j ON"
             " j.stream = s.id WHERE s.agent = ?1 AND j.least_ms + MIN(COALESCE(s.clock_offset_ms,"
             " 0), 0) < ?3 AND j.most_ms + MAX(COALESCE(s.clock_offset_ms, 0), 0) >= ?2 ORDER BY"
             " j.id",
             "iii", origin->agent, heap->from_ms, heap->to_ms);
    while (!heap->err && sql_next(&rows)) {
        struct data_message message;
        size_t size;
        const char *body = sql_blob(&rows, 0, &size);

        arena_reset(arena);
        if (!data_decode(arena, body, size, &message, NULL)) {
            gather_message(origin, &message, sql_int(&rows, 1), heap);
        }
    }
    end = sql_end(&rows);
    arena_close(arena);
    return heap->err ? heap->err : end;
}

static enum err gather_chunks(struct sql *sql, int64_t point, struct heap *heap)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows,
             "SELECT hour, body FROM chunk WHERE point = ?1 AND hour BETWEEN ?2 AND ?3 ORDER BY"
             " hour",
             "iii", point, heap->from_ms / PACKED_HOUR_MS, (heap->to_ms - 1) / PACKED_HOUR_MS);
    while (!err && sql_next(&rows)) {
        size_t size;
        const unsigned char *body = sql_blob(&rows, 1, &size);

        err = packed_read(sql_int(&rows, 0), body, size, gather, heap);
        err = heap->err ? heap->err : err;
    }
    end = sql_end(&rows);
    return err ? err : end;
}

static int by_time(const void *a, const void *b)
{
    const struct reading *x = a, *y = b;

    return x->t_ms < y->t_ms ? -1 : x->t_ms > y->t_ms;
}

/* Sorted only when it is not in order already (stable enough: equal times are reduced to the last). */
static size_t put_in_order(struct reading *list, size_t count)
{
    size_t kept = 0;
    bool sorted = true;

    for (size_t i = 1; i < count && sorted; i++) {
        sorted = list[i - 1].t_ms <= list[i].t_ms;
    }
    if (!sorted) {
        qsort(list, count, sizeof(*list), by_time);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && list[kept - 1].t_ms == list[i].t_ms) {
            list[kept - 1] = list[i];
        } else {
            list[kept++] = list[i];
        }
    }
    return kept;
}

enum err readings_each(struct sql *sql, int64_t point, int64_t from_ms, int64_t to_ms,
                       bool (*each)(void *context, const struct reading *reading), void *context)
{
    struct heap heap = {.from_ms = from_ms, .to_ms = to_ms};
    struct origin origin = {0};
    enum err err = find_origin(sql, point, &origin);

    if (err || to_ms <= from_ms) {
        return err;
    }
    err = arena_open(JOURNAL_ARENA, &heap.texts);
    if (!err) {
        err = gather_chunks(sql, point, &heap);
    }
    if (!err) {
        err = gather_journal(sql, &origin, &heap);
    }
    if (!err) {
        heap.count = put_in_order(heap.list, heap.count);
        for (size_t i = 0; i < heap.count && each(context, &heap.list[i]); i++) {
        }
    }
    free(heap.list);
    arena_close(heap.texts);
    return err;
}

struct buckets {
    struct readings_bucket *list;
    size_t count;
    int64_t from_ms, to_ms;
};

static bool add_to_bucket(void *context, const struct reading *reading)
{
    struct buckets *buckets = context;
    struct readings_bucket *bucket;
    size_t index;

    if (reading->quality != QUALITY_GOOD || !reading->has_value || reading->text) {
        return true;
    }
    /* the bucket whose start is the last one not after t: starts are from + i × span / count */
    index = (size_t)((double)(reading->t_ms - buckets->from_ms) * (double)buckets->count /
                     (double)(buckets->to_ms - buckets->from_ms));
    index = index >= buckets->count ? buckets->count - 1 : index;
    while (index + 1 < buckets->count && buckets->list[index + 1].start_ms <= reading->t_ms) {
        index++;
    }
    while (index > 0 && buckets->list[index].start_ms > reading->t_ms) {
        index--;
    }
    bucket = &buckets->list[index];
    if (bucket->count == 0 || reading->value < bucket->least) {
        bucket->least = reading->value;
    }
    if (bucket->count == 0 || reading->value > bucket->most) {
        bucket->most = reading->value;
    }
    bucket->sum += reading->value;
    bucket->count++;
    return true;
}

enum err readings_buckets(struct sql *sql, int64_t point, int64_t from_ms, int64_t to_ms,
                          struct readings_bucket *list, size_t count)
{
    struct buckets buckets = {list, count, from_ms, to_ms};

    for (size_t i = 0; i < count; i++) {
        list[i] = (struct readings_bucket){
            .start_ms = from_ms + (int64_t)((double)(to_ms - from_ms) * (double)i / (double)count)};
    }
    return readings_each(sql, point, from_ms, to_ms, add_to_bucket, &buckets);
}
