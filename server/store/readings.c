/*
 * Journal and packed hours, read as one. The journal's readings of the point are gathered and put in
 * order; then the packed hours go by, in order already, and the two are merged on the way. Nothing
 * but the journal's share is held in memory.
 */
#include "server/store/readings.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/arena.h"
#include "models/telemetry/message.h"
#include "server/store/packed.h"

#define MESSAGE_ARENA (16 * 1024 * 1024)
#define TEXTS_ARENA   (64 * 1024 * 1024)

struct item {
    struct reading reading;
    size_t order; /* of arrival: for one time the last one counts */
};

struct gathered { /* what the journal has of the point */
    struct item *list;
    size_t count, room, at;
    struct arena *texts;
    int64_t from_ms, to_ms;
    enum err err;
};

/* ------------------------------------------------------------------ the journal's share */

static bool add(struct gathered *gathered, const struct reading *reading)
{
    struct reading copy = *reading;

    if (gathered->count == gathered->room) {
        size_t room = gathered->room ? 2 * gathered->room : 256;
        struct item *list = realloc(gathered->list, room * sizeof(*list));

        if (!list) {
            gathered->err = ERR_NOMEM;
            return false;
        }
        gathered->list = list;
        gathered->room = room;
    }
    if (reading->text) {
        copy.text = arena_text(gathered->texts, reading->text, strlen(reading->text));
        if (!copy.text) {
            gathered->err = ERR_FULL;
            return false;
        }
    }
    gathered->list[gathered->count] = (struct item){copy, gathered->count};
    gathered->count++;
    return true;
}

struct origin { /* what the point is called in messages */
    int64_t equipment;
    char equipment_name[65], point_name[65];
};

static enum err find_origin(struct sql *sql, int64_t point, struct origin *origin)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT e.id, e.name, p.name FROM point p JOIN equipment e ON e.id = p.equipment WHERE"
             " p.id = ?1",
             "i", point);
    found = sql_next(&rows);
    if (found) {
        origin->equipment = sql_int(&rows, 0);
        (void)!text_copy(origin->equipment_name, sizeof(origin->equipment_name), sql_text(&rows, 1));
        (void)!text_copy(origin->point_name, sizeof(origin->point_name), sql_text(&rows, 2));
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

static void gather_message(const struct origin *origin, const struct data_message *message,
                           int64_t offset_ms, struct gathered *gathered)
{
    for (size_t i = 0; i < message->count; i++) {
        const struct series *series = &message->series[i];

        if (strcmp(series->point, origin->point_name) != 0 ||
            strcmp(series->equipment, origin->equipment_name) != 0) {
            continue;
        }
        for (size_t k = 0; k < series->count; k++) {
            struct reading reading = series->readings[k];

            reading.t_ms += message->envelope.unsynced ? offset_ms : 0;
            if (reading.t_ms >= gathered->from_ms && reading.t_ms < gathered->to_ms &&
                !add(gathered, &reading)) {
                return;
            }
        }
    }
}

static enum err gather_journal(struct sql *sql, const struct origin *origin,
                               struct gathered *gathered)
{
    struct arena *arena;
    struct sql_rows rows;
    enum err err = arena_open(MESSAGE_ARENA, &arena), end;

    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT j.body, COALESCE(s.clock_offset_ms, 0) FROM journal j JOIN stream s ON s.id ="
             " j.stream WHERE j.id IN (SELECT i.id FROM stream t JOIN journal i ON i.stream = t.id"
             " WHERE t.agent IN (SELECT agent FROM speaker WHERE equipment = ?1) AND i.least_ms +"
             " CASE WHEN i.unsynced = 1 THEN COALESCE(t.clock_offset_ms, 0) ELSE 0 END < ?3 AND"
             " i.most_ms + CASE WHEN i.unsynced = 1 THEN COALESCE(t.clock_offset_ms, 0) ELSE 0 END >="
             " ?2) ORDER BY j.id",
             "iii", origin->equipment, gathered->from_ms, gathered->to_ms);
    while (!gathered->err && sql_next(&rows)) {
        struct data_message message;
        size_t size;
        const char *body = sql_blob(&rows, 0, &size);

        arena_reset(arena);
        if (memmem(body, size, origin->point_name, strlen(origin->point_name)) &&
            !data_decode(arena, body, size, &message, NULL)) {
            gather_message(origin, &message, sql_int(&rows, 1), gathered);
        }
    }
    end = sql_end(&rows);
    arena_close(arena);
    return gathered->err ? gathered->err : end;
}

static int by_time(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->reading.t_ms != y->reading.t_ms) {
        return x->reading.t_ms < y->reading.t_ms ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

/* In order of time, each time once. */
static void put_in_order(struct gathered *gathered)
{
    size_t kept = 0;

    if (gathered->count > 1) {
        qsort(gathered->list, gathered->count, sizeof(*gathered->list), by_time);
    }
    for (size_t i = 0; i < gathered->count; i++) {
        if (kept > 0 && gathered->list[kept - 1].reading.t_ms == gathered->list[i].reading.t_ms) {
            gathered->list[kept - 1] = gathered->list[i];
        } else {
            gathered->list[kept++] = gathered->list[i];
        }
    }
    gathered->count = kept;
}

/* ------------------------------------------------------------------ packed hours, merged in */

struct merge {
    struct gathered *gathered;
    bool (*each)(void *context, const struct reading *reading);
    void *context;
    bool stopped;
    /* may be NULL: takes a whole packed hour at once; false: it wants it one by one */
    bool (*each_hour)(void *context, int64_t hour, const unsigned char *body, size_t size);
};

/* What the journal has before before_ms. */
static bool pass_journal(struct merge *merge, int64_t before_ms)
{
    struct gathered *gathered = merge->gathered;

    while (!merge->stopped && gathered->at < gathered->count &&
           gathered->list[gathered->at].reading.t_ms < before_ms) {
        merge->stopped = !merge->each(merge->context, &gathered->list[gathered->at++].reading);
    }
    return !merge->stopped;
}

static int pass_packed(void *context, const struct reading *reading)
{
    struct merge *merge = context;
    const struct gathered *gathered = merge->gathered;

    if (reading->t_ms < gathered->from_ms || reading->t_ms >= gathered->to_ms) {
        return 1;
    }
    if (!pass_journal(merge, reading->t_ms)) {
        return 0;
    }
    if (gathered->at < gathered->count &&
        gathered->list[gathered->at].reading.t_ms == reading->t_ms) {
        return 1; /* the journal's came later and is passed next */
    }
    merge->stopped = !merge->each(merge->context, reading);
    return !merge->stopped;
}

/* An hour that lies in the span as a whole and of which the journal has nothing. */
static bool pass_at_once(struct merge *merge, int64_t hour, const unsigned char *body, size_t size)
{
    const struct gathered *gathered = merge->gathered;
    int64_t from_ms = hour * PACKED_HOUR_MS, to_ms = from_ms + PACKED_HOUR_MS;

    if (!merge->each_hour || from_ms < gathered->from_ms || to_ms > gathered->to_ms ||
        !pass_journal(merge, from_ms)) {
        return false;
    }
    if (gathered->at < gathered->count && gathered->list[gathered->at].reading.t_ms < to_ms) {
        return false;
    }
    return merge->each_hour(merge->context, hour, body, size);
}

static enum err pass_hour(struct merge *merge, int64_t hour, const unsigned char *body, size_t size)
{
    enum err err;

    if (pass_at_once(merge, hour, body, size) || merge->stopped) {
        return ERR_OK;
    }
    err = packed_read(hour, body, size, pass_packed, merge);
    return err == ERR_FORMAT ? ERR_OK : err; /* a damaged hour hides no other */
}

static enum err pass_hours(struct sql *sql, int64_t point, struct merge *merge)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows,
             "SELECT hour, body FROM chunk WHERE point = ?1 AND hour BETWEEN ?2 AND ?3 ORDER BY"
             " hour",
             "iii", point, merge->gathered->from_ms / PACKED_HOUR_MS,
             (merge->gathered->to_ms - 1) / PACKED_HOUR_MS);
    while (!err && !merge->stopped && sql_next(&rows)) {
        size_t size;
        const unsigned char *body = sql_blob(&rows, 1, &size);

        err = pass_hour(merge, sql_int(&rows, 0), body, size);
    }
    end = sql_end(&rows);
    return err ? err : end;
}

static enum err pass_all(struct sql *sql, int64_t point, int64_t from_ms, int64_t to_ms,
                         struct merge merge)
{
    struct gathered gathered = {.from_ms = from_ms < 0 ? 0 : from_ms, .to_ms = to_ms};
    struct origin origin = {0};
    enum err err = find_origin(sql, point, &origin);

    if (err || to_ms <= gathered.from_ms) {
        return err;
    }
    err = arena_open(TEXTS_ARENA, &gathered.texts);
    if (!err) {
        err = gather_journal(sql, &origin, &gathered);
    }
    if (!err) {
        put_in_order(&gathered);
        merge.gathered = &gathered;
        err = pass_hours(sql, point, &merge);
    }
    if (!err) {
        (void)pass_journal(&merge, INT64_MAX);
    }
    free(gathered.list);
    arena_close(gathered.texts);
    return err;
}

enum err readings_each(struct sql *sql, int64_t point, int64_t from_ms, int64_t to_ms,
                       bool (*each)(void *context, const struct reading *reading), void *context)
{
    return pass_all(sql, point, from_ms, to_ms, (struct merge){.each = each, .context = context});
}

/* ------------------------------------------------------------------ buckets */

struct buckets {
    struct readings_bucket *list;
    size_t count, at; /* readings come in order of time, so the place only grows */
};

static struct readings_bucket *bucket_at(struct buckets *buckets, int64_t t_ms)
{
    while (buckets->at + 1 < buckets->count && buckets->list[buckets->at + 1].start_ms <= t_ms) {
        buckets->at++;
    }
    return &buckets->list[buckets->at];
}

static void add_sum(struct readings_bucket *bucket, const struct packed_sum *sum)
{
    bucket->least = bucket->count == 0 || sum->least < bucket->least ? sum->least : bucket->least;
    bucket->most = bucket->count == 0 || sum->most > bucket->most ? sum->most : bucket->most;
    bucket->sum += sum->sum;
    bucket->count += sum->count;
}

static bool add_to_bucket(void *context, const struct reading *reading)
{
    struct packed_sum one = {1, reading->value, reading->value, reading->value};

    if (reading->quality == QUALITY_GOOD && reading->has_value && !reading->text) {
        add_sum(bucket_at(context, reading->t_ms), &one);
    }
    return true;
}

/* An hour that falls into one bucket is added as a whole. */
static bool add_hour(void *context, int64_t hour, const unsigned char *body, size_t size)
{
    struct buckets *buckets = context;
    struct readings_bucket *bucket = bucket_at(buckets, hour * PACKED_HOUR_MS);
    struct packed_sum sum;

    if ((buckets->at + 1 < buckets->count &&
         bucket[1].start_ms < (hour + 1) * PACKED_HOUR_MS) ||
        packed_summarize(body, size, &sum)) {
        return false;
    }
    add_sum(bucket, &sum);
    return true;
}

enum err readings_buckets(struct sql *sql, int64_t point, int64_t from_ms, int64_t to_ms,
                          struct readings_bucket *list, size_t count)
{
    struct buckets buckets = {list, count, 0};
    int64_t span_ms = to_ms - from_ms;

    for (size_t i = 0; i < count; i++) {
        int64_t whole = span_ms / (int64_t)count, rest = span_ms % (int64_t)count;

        list[i] = (struct readings_bucket){
            .start_ms = from_ms + whole * (int64_t)i + rest * (int64_t)i / (int64_t)count};
    }
    return pass_all(sql, point, from_ms, to_ms,
                    (struct merge){
                        .each = add_to_bucket, .context = &buckets, .each_hour = add_hour});
}
