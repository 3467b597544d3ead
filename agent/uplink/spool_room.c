/*
 * The quota. What is given up goes under a tombstone that is written in the same transaction: thinned
 * and other data first, then replies, then events; tombstones never.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/uplink/spool_int.h"
#include "host/clock.h"
#include "host/log.h"
#include "models/base/text.h"

#define SLICE          32     /* messages given up at once */
#define FULL_PERCENT   85     /* above it room is made … */
#define STOPPED_PERCENT 95    /* … and here when sampling stops: what was read before that has its place between */
#define THIN_SPAN_MS   300000 /* of each span and point the lowest and the highest reading stay */
#define THIN_MOST      8192   /* readings thinned at once */

static enum err insert_tombstone(struct spool *spool, const char *epoch, int64_t from, int64_t to,
                                 const char *reason)
{
    TEXT(body, 256);

    text_addf(&body,
              "{\"kind\":\"tombstone\",\"epoch\":\"%s\",\"from\":%lld,\"to\":%lld,"
              "\"reason\":\"%s\",\"count\":%lld}",
              epoch, (long long)from, (long long)to, reason, (long long)(to - from + 1));
    return spool_insert_body(spool, CLASS_TOMBSTONE, clock_wall_ms(), body.at);
}

struct victim {
    int64_t id, epoch, seq, bytes;
    char name[EPOCH_SIZE];
};

/* The next victims, until they have bytes_most together. */
static size_t find_victims(struct spool *spool, const char *sql, int64_t first,
                           int64_t bytes_most, struct victim *victims)
{
    struct db_rows rows;
    size_t count = 0;
    int64_t bytes = 0;

    db_find(spool->db, &rows, sql, "i", first);
    while (count < SLICE && bytes < bytes_most && db_next(&rows)) {
        struct victim *victim = &victims[count++];

        victim->id = db_int(&rows, 0);
        victim->epoch = db_int(&rows, 1);
        victim->seq = db_int(&rows, 2);
        victim->bytes = db_int(&rows, 4);
        bytes += victim->bytes;
        snprintf(victim->name, sizeof(victim->name), "%s", db_text(&rows, 3));
    }
    (void)!db_end(&rows);
    return count;
}

/* Each run of numbers under a tombstone. */
static enum err bury(struct spool *spool, const struct victim *victims, size_t count,
                     const char *reason)
{
    size_t from = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < count; i++) {
        bool last = i + 1 == count || victims[i + 1].epoch != victims[i].epoch ||
                    victims[i + 1].seq != victims[i].seq + 1;

        err = db_run(spool->db, "DELETE FROM message WHERE id = ?1", "i", victims[i].id);
        if (!err && last) {
            err = insert_tombstone(spool, victims[i].name, victims[from].seq, victims[i].seq,
                                   reason);
            from = i + 1;
        }
    }
    return err;
}

static enum err drop_oldest(struct spool *spool, const char *reason)
{
    struct victim victims[SLICE];
    size_t count = find_victims(
        spool,
        "SELECT m.id, m.epoch, m.seq, e.name, length(m.bytes) FROM message m JOIN epoch e"
        " ON e.id = m.epoch WHERE m.class >= ?1 AND m.class = (SELECT max(class) FROM message)"
        " ORDER BY m.id LIMIT 32",
        CLASS_EVENT, spool->room / 20, victims);
    enum err err = count ? bury(spool, victims, count, reason) : ERR_FULL;

    if (!err) {
        atomic_fetch_add(&spool->dropped, (int64_t)count);
        log_warn("the spool is full: %zu old messages were given up under a tombstone", count);
    }
    return err;
}

/* ------------------------------------------------------------------ thinning */

struct heap { /* readings of the messages that are thinned */
    struct outgoing *list;
    size_t count;
};

static enum err gather(struct spool *spool, const struct victim *victim, struct heap *heap)
{
    struct data_message message;
    struct db_rows rows;
    enum err err = ERR_NOT_FOUND;

    db_find(spool->db, &rows, "SELECT bytes FROM message WHERE id = ?1", "i", victim->id);
    if (db_next(&rows)) {
        size_t size;
        const void *bytes = db_blob(&rows, 0, &size);
        char *copy = arena_text(spool->arena, bytes, size);

        err = copy ? data_decode(spool->arena, copy, size, &message, NULL) : ERR_NOMEM;
    }
    (void)!db_end(&rows);
    for (size_t i = 0; !err && i < message.count; i++) {
        const struct series *series = &message.series[i];

        for (size_t k = 0; k < series->count && heap->count < THIN_MOST; k++) {
            heap->list[heap->count++] =
                (struct outgoing){series->equipment, series->point, series->readings[k]};
        }
    }
    return err;
}

static int by_point_and_time(const void *a, const void *b)
{
    const struct outgoing *x = a, *y = b;
    int order = strcmp(x->equipment, y->equipment);

    if (order == 0) {
        order = strcmp(x->point, y->point);
    }
    return order ? order : (x->reading.t_ms > y->reading.t_ms) - (x->reading.t_ms < y->reading.t_ms);
}

static bool same_span(const struct outgoing *a, const struct outgoing *b)
{
    return a->reading.t_ms / THIN_SPAN_MS == b->reading.t_ms / THIN_SPAN_MS &&
           a->reading.quality == b->reading.quality && !a->reading.text == !b->reading.text &&
           strcmp(a->equipment, b->equipment) == 0 && strcmp(a->point, b->point) == 0;
}

/* Of each run of one point, span and quality the lowest and the highest; of texts and nulls the
 * first. Real readings with their own times: nothing is made up. */
static size_t thin_list(struct outgoing *list, size_t count)
{
    size_t kept = 0;

    qsort(list, count, sizeof(*list), by_point_and_time);
    for (size_t i = 0, end; i < count; i = end) {
        size_t low = i, high = i;

        for (end = i + 1; end < count && same_span(&list[i], &list[end]); end++) {
            low = list[end].reading.value < list[low].reading.value ? end : low;
            high = list[end].reading.value > list[high].reading.value ? end : high;
        }
        list[kept++] = list[low < high ? low : high];
        if (low != high) {
            /* kept never overtakes the run: it has at least two readings */
            struct outgoing later = list[low < high ? high : low];

            list[kept++] = later;
        }
    }
    return kept;
}

/* false: there is nothing worth thinning. */
static bool thin(struct spool *spool, enum err *ret_err)
{
    struct victim victims[SLICE];
    struct heap heap = {NULL, 0};
    size_t count = find_victims(
        spool,
        "SELECT m.id, m.epoch, m.seq, e.name, length(m.bytes) FROM message m JOIN epoch e"
        " ON e.id = m.epoch WHERE m.class = 2 AND m.id > ?1 ORDER BY m.id LIMIT 32",
        spool->sent_most, spool->room / 8, victims);
    size_t read = 0;
    enum err err = ERR_OK;

    if (count < 2) {
        return false;
    }
    arena_reset(spool->arena);
    heap.list = arena_array(spool->arena, THIN_MOST, sizeof(*heap.list));
    if (!heap.list) {
        return false;
    }
    while (read < count && heap.count < THIN_MOST / 2 && !gather(spool, &victims[read], &heap)) {
        read++;
    }
    if (read < 2) {
        return false;
    }
    err = spool_insert_data(spool, CLASS_THINNED, heap.list, thin_list(heap.list, heap.count));
    if (!err) {
        err = bury(spool, victims, read, "thinned");
    }
    if (!err) {
        log_warn("the spool is full: %zu old messages were thinned under a tombstone", read);
    }
    *ret_err = err;
    return true;
}

/* ------------------------------------------------------------------ room */

int64_t spool_fullness(struct spool *spool)
{
    struct db_rows rows;
    int64_t used = 0, room = spool->room / 4096;

    db_find(spool->db, &rows,
            "SELECT p.page_count - f.freelist_count FROM pragma_page_count p,"
            " pragma_freelist_count f",
            "");
    if (db_next(&rows)) {
        used = db_int(&rows, 0);
    }
    (void)!db_end(&rows);
    return used * 100 / (room ? room : 1);
}

static int64_t full_percent(const struct spool *spool)
{
    return spool->options.policy == SPOOL_POLICY_STOP && !spool->tight ? STOPPED_PERCENT : FULL_PERCENT;
}

/* Room for what comes: within the transaction that will write it. */
enum err spool_make_room(struct spool *spool)
{
    enum err err = ERR_OK;
    int64_t percent = spool_fullness(spool);

    atomic_store(&spool->full,
                 percent > SPOOL_STOP_PERCENT && spool->options.policy == SPOOL_POLICY_STOP);
    for (int i = 0; !err && percent > full_percent(spool) && i < 64; i++) {
        /* thinning writes before it frees: a full disk has no room for that */
        if (spool->tight || spool->options.policy != SPOOL_POLICY_THIN || !thin(spool, &err)) {
            err = drop_oldest(spool, spool->tight ? "disk full" : "full");
        }
        if (err == ERR_FULL && spool->tight) { /* nothing is left to give up: the write itself will tell */
            return ERR_OK;
        }
        percent = spool_fullness(spool);
    }
    return err;
}

/* The disk is full although the quota is not: old data makes room for new. */
void spool_free_disk(struct spool *spool)
{
    enum err err = db_begin(spool->db);

    if (!err) {
        err = drop_oldest(spool, "disk full");
    }
    err = err ? err : db_commit(spool->db);
    if (err) {
        db_rollback(spool->db);
    }
    spool->news = true; /* a tombstone */
}
