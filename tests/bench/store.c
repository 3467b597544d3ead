/*
 * The store by itself, on the store's own code and the same SQLite library as the peer it is held
 * against. Time is an argument there, so months pass in seconds: the messages of an hour are put into
 * the journal as agents send them, the packer goes round when the hour has closed, and so on.
 *
 *   store closed FILE POINTS HOURS SAMPLES SEED   bytes a reading of closed hours; SAMPLES an hour
 *   store year FILE ROWS_FILE POINTS SEED         a year of minutes; one point to 500 buckets, and the
 *                                                 same readings as indexed rows with GROUP BY
 *
 * Values: a register walks by up to 3 counts of 0.1; times jitter by up to 20 ms (baselines' generator).
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "models/base/text.h"
#include "models/telemetry/message.h"
#include "server/store/journal.h"
#include "server/store/pack.h"
#include "server/store/readings.h"
#include "server/store/schema.h"

#define POINTS_MOST 100
#define BEGIN_MS    (1767225600000LL) /* 2026-01-01 UTC */
#define BUCKETS     500
#define BATCH_MOST  480 /* readings in a message, as the spool makes them */

struct bench {
    struct sql *sql;
    struct packer *packer;
    sqlite3_stmt *rows; /* NULL: rows are not kept */
    struct json_out out;
    char names[POINTS_MOST][16];
    int64_t ids[POINTS_MOST];
    int registers[POINTS_MOST];
    int points;
    int64_t seq, readings;
    uint64_t random;
    struct outgoing batch[BATCH_MOST];
    size_t batched;
};

static void die(const char *what)
{
    fprintf(stderr, "store: %s\n", what);
    exit(1);
}

static void must(enum err err, const char *what)
{
    if (err) {
        fprintf(stderr, "store: %s: %s\n", what, err_text(err));
        exit(1);
    }
}

static double seconds(clockid_t clock)
{
    struct timespec at;

    clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static uint64_t draw(struct bench *bench)
{
    bench->random ^= bench->random >> 12;
    bench->random ^= bench->random << 25;
    bench->random ^= bench->random >> 27;
    return bench->random * 2685821657736338717ULL >> 11;
}

/* ------------------------------------------------------------------ into the store */

static void open_bench(struct bench *bench, const char *path, int points, uint64_t seed)
{
    char url[1100];
    TEXT(why, 300);

    snprintf(url, sizeof(url), "sqlite:%s", path);
    bench->points = points;
    bench->random = seed | 1;
    bench->out = json_out(64 * 1024);
    if (sql_open(url, SQL_WRITE, &bench->sql, &why) || schema_migrate(bench->sql, &why)) {
        die(why.at);
    }
    must(packer_open(&bench->packer), "packer");
    must(sql_run(bench->sql,
                 "INSERT INTO agent (id, name, first_seen_ms, last_seen_ms, edge) VALUES (1, 'bench',"
                 " 0, 0, 1)", ""), "agent");
    must(sql_run(bench->sql,
                 "INSERT INTO stream (id, agent, epoch, created_ms) VALUES (1, 1,"
                 " '0000000000000001', 0)", ""), "stream");
    must(sql_run(bench->sql,
                 "INSERT INTO equipment (id, name, agent, created_ms) VALUES (1, 'b-0', 1, 0)", ""),
         "equipment");
    must(sql_run(bench->sql, "INSERT INTO speaker (equipment, agent) VALUES (1, 1)", ""), "speaker");
    for (int i = 0; i < points; i++) {
        struct text name = text_on(bench->names[i], sizeof(bench->names[i]));

        text_addf(&name, "point_%d", i);
        must(sql_run(bench->sql, "INSERT INTO point (equipment, name) VALUES (1, ?1)", "t",
                     bench->names[i]), "point");
        bench->ids[i] = sql_last_id(bench->sql);
        bench->registers[i] = 30000 + (int)(draw(bench) % 5000);
    }
}

static void send_batch(struct bench *bench)
{
    struct envelope envelope = {.epoch = "0000000000000001"};
    size_t done = 0, used;

    while (done < bench->batched) {
        struct journal_row row = {.stream = 1, .seq = (uint64_t)++bench->seq};

        envelope.seq = row.seq;
        must(data_encode(&bench->out, &envelope, bench->batch + done, bench->batched - done, 15 * 1024,
                         &used), "data_encode");
        row.least_ms = row.most_ms = bench->batch[done].reading.t_ms;
        for (size_t i = done; i < done + used; i++) {
            int64_t t_ms = bench->batch[i].reading.t_ms;

            row.least_ms = t_ms < row.least_ms ? t_ms : row.least_ms;
            row.most_ms = t_ms > row.most_ms ? t_ms : row.most_ms;
        }
        row.received_ms = row.most_ms;
        row.readings = (int64_t)used;
        row.body = bench->out.bytes;
        row.size = bench->out.size;
        must(journal_put(bench->sql, &row), "journal");
        packer_note(bench->packer, 1, row.most_ms, row.received_ms);
        done += used;
    }
    bench->batched = 0;
}

static void keep_row(struct bench *bench, int point, const struct reading *reading)
{
    sqlite3_bind_int64(bench->rows, 1, bench->ids[point]);
    sqlite3_bind_int64(bench->rows, 2, reading->t_ms);
    sqlite3_bind_double(bench->rows, 3, reading->value);
    if (sqlite3_step(bench->rows) != SQLITE_DONE || sqlite3_reset(bench->rows)) {
        die("a row");
    }
}

/* The samples of one hour, as they come, then the packer's round of it. */
static void pass_hour(struct bench *bench, int64_t hour_ms, int samples)
{
    bool more = true;

    must(sql_begin(bench->sql), "begin");
    for (int s = 0; s < samples; s++) {
        for (int p = 0; p < bench->points; p++) {
            struct reading reading = {.has_value = true};

            bench->registers[p] += (int)(draw(bench) % 7) - 3;
            reading.t_ms = hour_ms + 20 + (int64_t)s * 3600000 / samples + (int64_t)(draw(bench) % 41) - 20;
            reading.value = bench->registers[p] / 10.0;
            bench->batch[bench->batched++] = (struct outgoing){"b-0", bench->names[p], reading};
            bench->readings++;
            if (bench->rows) {
                keep_row(bench, p, &reading);
            }
            if (bench->batched == BATCH_MOST) {
                send_batch(bench);
            }
        }
    }
    send_batch(bench);
    must(sql_commit(bench->sql), "commit");
    while (more) {
        must(sql_begin(bench->sql), "begin");
        must(packer_turn(bench->packer, bench->sql, hour_ms + 3600000 + 301000, &more), "packer");
        must(sql_commit(bench->sql), "commit");
    }
}

static void close_bench(struct bench *bench)
{
    packer_close(bench->packer);
    sql_close(bench->sql);
    json_out_free(&bench->out);
}

/* ------------------------------------------------------------------ closed hours */

static int64_t file_bytes(const char *path)
{
    struct stat about;

    return stat(path, &about) ? -1 : (int64_t)about.st_size;
}

static int closed(char **words)
{
    static struct bench bench;
    int64_t hours = strtoll(words[2], NULL, 10), free_bytes, chunk_bytes, chunks;
    double began;

    open_bench(&bench, words[0], (int)strtol(words[1], NULL, 10), strtoull(words[4], NULL, 10));
    began = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int64_t h = 0; h < hours; h++) {
        pass_hour(&bench, BEGIN_MS + h * 3600000, (int)strtol(words[3], NULL, 10));
    }
    began = seconds(CLOCK_PROCESS_CPUTIME_ID) - began;
    if (sql_find_int(bench.sql, -1, "SELECT COUNT(*) FROM journal", "") != 0) {
        die("the journal is not empty");
    }
    free_bytes = sql_find_int(bench.sql, 0, "SELECT freelist_count * 4096 FROM pragma_freelist_count", "");
    chunks = sql_find_int(bench.sql, 0, "SELECT COUNT(*) FROM chunk", "");
    chunk_bytes = sql_find_int(bench.sql, 0, "SELECT SUM(length(body)) FROM chunk", "");
    close_bench(&bench);
    printf("{\"readings\": %" PRId64 ", \"file_bytes\": %" PRId64 ", \"free_bytes\": %" PRId64
           ", \"chunks\": %" PRId64 ", \"chunk_bytes\": %" PRId64 ", \"cpu_s\": %.3f}\n",
           bench.readings, file_bytes(words[0]), free_bytes, chunks, chunk_bytes, began);
    return 0;
}

/* ------------------------------------------------------------------ a year to buckets */

static sqlite3 *open_rows(const char *path, struct bench *bench)
{
    sqlite3 *db;

    if (sqlite3_open(path, &db) ||
        sqlite3_exec(db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-64000;"
                         "CREATE TABLE reading (point INTEGER, ts INTEGER, v REAL); BEGIN;",
                     NULL, NULL, NULL) ||
        sqlite3_prepare_v2(db, "INSERT INTO reading VALUES (?1, ?2, ?3)", -1, &bench->rows, NULL)) {
        die("the peer's rows");
    }
    return db;
}

static void index_rows(sqlite3 *db, struct bench *bench)
{
    sqlite3_finalize(bench->rows);
    bench->rows = NULL;
    if (sqlite3_exec(db, "COMMIT; CREATE INDEX reading_place ON reading (point, ts)", NULL, NULL, NULL)) {
        die("the peer's index");
    }
}

/* Both fill the same buckets; the sums of counts must agree. */
static int64_t ask_rows(sqlite3 *db, int64_t point, int64_t from_ms, int64_t to_ms, double *ret_sum)
{
    sqlite3_stmt *ask;
    int64_t count = 0;

    if (sqlite3_prepare_v2(db, "SELECT (ts - ?2) * 500 / (?3 - ?2) AS bucket, avg(v), min(v), max(v),"
                               " count(*) FROM reading WHERE point = ?1 AND ts >= ?2 AND ts < ?3 GROUP"
                               " BY bucket", -1, &ask, NULL)) {
        die("the peer's query");
    }
    sqlite3_bind_int64(ask, 1, point);
    sqlite3_bind_int64(ask, 2, from_ms);
    sqlite3_bind_int64(ask, 3, to_ms);
    *ret_sum = 0;
    while (sqlite3_step(ask) == SQLITE_ROW) {
        count += sqlite3_column_int64(ask, 4);
        *ret_sum += sqlite3_column_double(ask, 2) + sqlite3_column_double(ask, 3);
    }
    sqlite3_finalize(ask);
    return count;
}

static int64_t ask_store(struct sql *sql, int64_t point, int64_t from_ms, int64_t to_ms, double *ret_sum)
{
    struct readings_bucket buckets[BUCKETS];
    int64_t count = 0;

    must(readings_buckets(sql, point, from_ms, to_ms, buckets, BUCKETS), "buckets");
    *ret_sum = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        count += buckets[i].count;
        *ret_sum += buckets[i].count ? buckets[i].least + buckets[i].most : 0;
    }
    return count;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int year(char **words)
{
    static struct bench bench;
    int64_t to_ms = BEGIN_MS + 365 * 86400000LL, count = 0, same = 0;
    double ours[9], peer[9], sum = 0, other = 0;
    sqlite3 *rows = open_rows(words[1], &bench);

    open_bench(&bench, words[0], (int)strtol(words[2], NULL, 10), strtoull(words[3], NULL, 10));
    for (int64_t hour_ms = BEGIN_MS; hour_ms < to_ms; hour_ms += 3600000) {
        pass_hour(&bench, hour_ms, 60);
    }
    index_rows(rows, &bench);
    for (int i = 0; i < 9; i++) { /* turn by turn, both warm after the first */
        double began = seconds(CLOCK_THREAD_CPUTIME_ID);

        count = ask_store(bench.sql, bench.ids[bench.points / 2], BEGIN_MS, to_ms, &sum);
        ours[i] = seconds(CLOCK_THREAD_CPUTIME_ID) - began;
        began = seconds(CLOCK_THREAD_CPUTIME_ID);
        same = ask_rows(rows, bench.ids[bench.points / 2], BEGIN_MS, to_ms, &other);
        peer[i] = seconds(CLOCK_THREAD_CPUTIME_ID) - began;
    }
    if (count != same || sum - other > 1e-6 || other - sum > 1e-6) {
        die("the buckets differ");
    }
    qsort(ours, 9, sizeof(ours[0]), by_size);
    qsort(peer, 9, sizeof(peer[0]), by_size);
    close_bench(&bench);
    sqlite3_close(rows);
    printf("{\"samples\": %" PRId64 ", \"ours_ms\": %.3f, \"rows_ms\": %.3f, \"file_bytes\": %" PRId64
           ", \"rows_bytes\": %" PRId64 "}\n",
           count, ours[4] * 1e3, peer[4] * 1e3, file_bytes(words[0]), file_bytes(words[1]));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "closed") == 0) {
        return closed(argv + 2);
    }
    if (argc == 6 && strcmp(argv[1], "year") == 0) {
        return year(argv + 2);
    }
    fprintf(stderr, "usage: store closed FILE POINTS HOURS SAMPLES SEED\n"
                    "       store year FILE ROWS_FILE POINTS SEED\n");
    return 2;
}
