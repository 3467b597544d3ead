/*
 * The spool's file (SQLite, WAL, synchronous FULL) and its thread.
 *
 *   epoch    (id, name)                     an agent start; 16 hex digits
 *   message  (id, epoch, seq, class, t_ms, bytes)   a row is a message as it goes out.
 *             class 0 event or tombstone, 1 reply, 2 data. Deleted only by the server's ack, or
 *             given up under a tombstone that is written in the same transaction.
 *   command  (id, at_ms, state)             commands that were seen: each runs at most once
 *   written  (equipment, point, count, last_ms)   writes in a point's life
 *
 * A reading is accepted when the transaction that holds its message is on disk: at most a second
 * after it was given. Numbers are drawn in the same transaction as their content.
 */
#include "agent/uplink/spool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/db.h"
#include "host/file.h"
#include "host/log.h"
#include "models/base/hash.h"
#include "models/base/json.h"

#define COLLECT_MS     900   /* readings wait that long for company */
#define COLLECT_MOST   480   /* or until there are so many */
#define DATA_MOST      (15 * 1024)
#define PARCELS_MOST   4096
#define PARCEL_BYTES   (8 * 1024 * 1024)
#define LETTERS_MOST   16
#define FLIGHT_MOST    2048  /* sent and not acked yet */
#define RESEND_MS      30000
#define DROP_SLICE     32    /* messages given up at once */
#define COMMANDS_KEPT  1000

enum class { CLASS_EVENT, CLASS_REPLY, CLASS_DATA };

struct flight {
    int64_t id, sent_ms; /* boot clock */
};

struct spool {
    struct spool_options options;
    struct db *db;
    char epoch[EPOCH_SIZE];
    int64_t epoch_id;
    uint64_t seq;
    struct queue *parcels, *letters;
    pthread_t thread;
    bool running, up;
    struct outgoing *waiting; /* readings that wait for company */
    size_t waiting_count;
    int64_t waiting_since_ms;
    struct flight flight[FLIGHT_MOST];
    size_t flight_first, flight_count;
    int64_t event_cursor, data_cursor; /* ids up to which this connection has sent */
    struct json_out out;
    /* for other threads */
    _Atomic int64_t messages, bytes, oldest_ms, dropped, failures;
    _Atomic bool full;
};

/* A question of another thread that waits for the disk; travels as a parcel's body. */
struct ask {
    const char *command, *equipment, *point; /* point NULL: only remember the command */
    int64_t budget, rate_ms;
    enum err err;
    struct text *why;
    struct queue *done;
};

void letter_free(void *item)
{
    struct letter *letter = item;

    if (letter) {
        free(letter->bytes);
        free(letter);
    }
}

/* ------------------------------------------------------------------ the file */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, class INTEGER NOT NULL, t_ms INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS message_class ON message (class, id);"
    "CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " state TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS written (equipment TEXT NOT NULL, point TEXT NOT NULL,"
    " count INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY (equipment, point));";

static void draw_epoch(char epoch[EPOCH_SIZE])
{
    uint64_t number;

    file_random(&number, sizeof(number));
    hash_hex(number, epoch);
}

static int64_t find_int(struct spool *spool, const char *sql)
{
    struct db_rows rows;
    int64_t number = 0;

    db_find(spool->db, &rows, sql, "");
    if (db_next(&rows)) {
        number = db_int(&rows, 0);
    }
    (void)!db_end(&rows);
    return number;
}

static void measure(struct spool *spool)
{
    atomic_store(&spool->messages, find_int(spool, "SELECT COUNT(*) FROM message"));
    atomic_store(&spool->bytes, db_bytes(spool->db));
    atomic_store(&spool->oldest_ms,
                 find_int(spool, "SELECT t_ms FROM message ORDER BY id LIMIT 1"));
}

static enum err open_file(struct spool *spool, struct text *why)
{
    struct db_options options = {
        .mode = DB_WRITE,
        .exclusive = true,
        .journal_most = spool->options.bytes_most / 16,
        .bytes_most = spool->options.bytes_most * 5 / 8, /* the rest is for the WAL */
        .incremental_vacuum = true,
    };
    TEXT(sql, 128);
    struct db_rows rows;
    bool sound = false;
    enum err err = db_open(spool->options.path, &options, &spool->db, why);

    if (err) {
        return err;
    }
    db_find(spool->db, &rows, "PRAGMA quick_check(1)", "");
    if (db_next(&rows)) {
        sound = db_text(&rows, 0) && strcmp(db_text(&rows, 0), "ok") == 0;
    }
    err = db_end(&rows);
    if (!err && !sound) {
        err = ERR_IO;
    }
    /* the WAL is written back long before it matters for the quota */
    text_addf(&sql, "PRAGMA wal_autocheckpoint=%lld",
              (long long)(spool->options.bytes_most / 16 / 4096 < 16
                              ? 16
                              : spool->options.bytes_most / 16 / 4096 > 1000
                                    ? 1000
                                    : spool->options.bytes_most / 16 / 4096));
    if (!err) {
        err = db_script(spool->db, sql.at);
    }
    if (!err) {
        err = db_script(spool->db, schema);
    }
    if (err) {
        text_say(why, err, "%s is no spool: %s", spool->options.path, db_why(spool->db));
        db_close(spool->db);
        spool->db = NULL;
    }
    return err;
}

/*
 * A file that cannot be read is set aside; the agent never refuses to start because of one. Its new
 * name does not begin with the spool's, so it does not count against the quota.
 */
static enum err set_aside(struct spool *spool, struct text *why)
{
    const char *slash = strrchr(spool->options.path, '/');
    size_t folder = slash ? (size_t)(slash + 1 - spool->options.path) : 0;
    TEXT(aside, 1200);
    TEXT(other, 1200);

    text_add_bytes(&aside, spool->options.path, folder);
    text_addf(&aside, "bad-%lld-%s", (long long)clock_wall_ms(), spool->options.path + folder);
    log_error("%s; it is set aside as %s and a new one is begun", why->at, aside.at);
    if (rename(spool->options.path, aside.at)) {
        return ERR_IO;
    }
    text_addf(&other, "%s-wal", spool->options.path);
    unlink(other.at);
    text_clear(&other);
    text_addf(&other, "%s-shm", spool->options.path);
    unlink(other.at);
    return open_file(spool, why);
}

static enum err begin_epoch(struct spool *spool)
{
    enum err err;

    draw_epoch(spool->epoch);
    /* epochs without messages are of no use to anybody */
    err = db_run(spool->db, "DELETE FROM epoch WHERE id NOT IN (SELECT epoch FROM message)", "");
    if (!err) {
        err = db_run(spool->db, "INSERT INTO epoch (name) VALUES (?1)", "t", spool->epoch);
    }
    spool->epoch_id = db_last_id(spool->db);
    return err;
}

/* ------------------------------------------------------------------ writing */

static enum err insert(struct spool *spool, enum class class, int64_t t_ms, const char *bytes,
                       size_t size)
{
    enum err err = db_run(spool->db,
                          "INSERT INTO message (epoch, seq, class, t_ms, bytes) VALUES (?1, ?2,"
                          " ?3, ?4, ?5)",
                          "iiiib", spool->epoch_id, (int64_t)spool->seq + 1, (int64_t)class, t_ms,
                          bytes, size);

    if (!err) {
        spool->seq++;
    }
    return err;
}

static struct envelope next_envelope(const struct spool *spool, int64_t t_ms)
{
    struct envelope envelope = {.seq = spool->seq + 1, .t0_ms = t_ms};

    memcpy(envelope.epoch, spool->epoch, sizeof(envelope.epoch));
    envelope.unsynced = spool->options.unsynced;
    return envelope;
}

static enum err insert_readings(struct spool *spool)
{
    size_t done = 0, used = 0;
    enum err err = ERR_OK;

    while (!err && done < spool->waiting_count) {
        struct envelope envelope = next_envelope(spool, 0);

        err = data_encode(&spool->out, &envelope, spool->waiting + done,
                          spool->waiting_count - done, DATA_MOST, &used);
        if (!err) {
            err = insert(spool, CLASS_DATA, spool->waiting[done].reading.t_ms, spool->out.bytes,
                         spool->out.size);
        }
        done += used;
    }
    return err;
}

/* body: what stands behind the envelope; an event's object, or the members of a reply. */
static enum err insert_body(struct spool *spool, enum class class, int64_t t_ms, const char *body)
{
    struct envelope envelope = next_envelope(spool, t_ms);

    json_out_reset(&spool->out);
    envelope_open(&spool->out, &envelope);
    if (class == CLASS_EVENT) {
        json_raw(&spool->out, "event", body);
    } else { /* the reply's members join the envelope's */
        json_put_raw(&spool->out, body + 1, strlen(body) - 2);
    }
    json_close_object(&spool->out);
    return spool->out.err ? spool->out.err
                          : insert(spool, class, t_ms, spool->out.bytes, spool->out.size);
}

/* ------------------------------------------------------------------ giving up */

static enum err insert_tombstone(struct spool *spool, const char *epoch, int64_t from, int64_t to,
                                 const char *reason)
{
    TEXT(body, 256);

    text_addf(&body,
              "{\"kind\":\"tombstone\",\"epoch\":\"%s\",\"from\":%lld,\"to\":%lld,"
              "\"reason\":\"%s\",\"count\":%lld}",
              epoch, (long long)from, (long long)to, reason, (long long)(to - from + 1));
    return insert_body(spool, CLASS_EVENT, clock_wall_ms(), body.at);
}

struct victim {
    int64_t id, epoch, seq;
    char name[EPOCH_SIZE];
};

/* The oldest messages: data first, then replies, then events. */
static size_t find_victims(struct spool *spool, struct victim *victims)
{
    struct db_rows rows;
    size_t count = 0;

    db_find(spool->db, &rows,
            "SELECT m.id, m.epoch, m.seq, e.name FROM message m JOIN epoch e ON e.id = m.epoch"
            " ORDER BY m.class DESC, m.id LIMIT 32",
            "");
    while (count < DROP_SLICE && db_next(&rows)) {
        struct victim *victim = &victims[count++];

        victim->id = db_int(&rows, 0);
        victim->epoch = db_int(&rows, 1);
        victim->seq = db_int(&rows, 2);
        snprintf(victim->name, sizeof(victim->name), "%s", db_text(&rows, 3));
    }
    (void)!db_end(&rows);
    return count;
}

/* Gives up a slice of the oldest messages, each run of numbers under a tombstone. */
static enum err drop_oldest(struct spool *spool, const char *reason)
{
    struct victim victims[DROP_SLICE];
    size_t count = find_victims(spool, victims), from = 0;
    enum err err = count ? ERR_OK : ERR_FULL;

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
    if (!err) {
        atomic_fetch_add(&spool->dropped, (int64_t)count);
        log_warn("the spool is full: %zu old messages were given up under a tombstone", count);
    }
    return err;
}

/* How full the file is, in percent of what it may hold. */
static int64_t fullness(struct spool *spool)
{
    struct db_rows rows;
    int64_t used = 0, room = spool->options.bytes_most * 5 / 8 / 4096;

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

/* Room for what comes: within the transaction that will write it. */
static enum err make_room(struct spool *spool)
{
    enum err err = ERR_OK;
    int64_t percent = fullness(spool);

    atomic_store(&spool->full, percent > 80 && spool->options.policy == SPOOL_POLICY_STOP);
    for (int i = 0; !err && percent > 85 && i < 64; i++) {
        err = drop_oldest(spool, "full");
        percent = fullness(spool);
    }
    return err;
}

/* ------------------------------------------------------------------ a transaction of ours */

static void free_waiting(struct spool *spool)
{
    for (size_t i = 0; i < spool->waiting_count; i++) {
        char *text;

        memcpy(&text, &spool->waiting[i].reading.text, sizeof(text));
        free(text);
    }
    spool->waiting_count = 0;
}

/* Writes the waiting readings and, when given, one event or reply. */
static enum err try_flush(struct spool *spool, const struct parcel *parcel)
{
    uint64_t seq = spool->seq;
    enum err err = db_begin(spool->db);

    if (!err) {
        err = make_room(spool);
    }
    if (!err && parcel) { /* before the readings: its number is lower, it goes first anyway */
        err = insert_body(spool, parcel->kind == PARCEL_EVENT ? CLASS_EVENT : CLASS_REPLY,
                          parcel->t_ms, parcel->body);
    }
    if (!err) {
        err = insert_readings(spool);
    }
    if (!err) {
        err = db_commit(spool->db);
    }
    if (err) {
        db_rollback(spool->db);
        spool->seq = seq;
    }
    return err;
}

/* The disk is full although the quota is not: old data makes room for new. */
static void free_disk(struct spool *spool)
{
    enum err err = db_begin(spool->db);

    if (!err) {
        err = drop_oldest(spool, "disk full");
    }
    err = err ? err : db_commit(spool->db);
    if (err) {
        db_rollback(spool->db);
    }
}

/* What cannot be written now stays in memory, up to its ceiling, and is tried again. */
static bool flush(struct spool *spool, const struct parcel *parcel)
{
    enum err err = ERR_OK;

    if (!parcel && spool->waiting_count == 0) {
        return true;
    }
    for (int i = 0; i < 3; i++) {
        err = try_flush(spool, parcel);
        if (!err) {
            free_waiting(spool);
            return true;
        }
        if (err == ERR_FULL) {
            free_disk(spool);
        }
    }
    atomic_fetch_add(&spool->failures, 1);
    log_error("the spool cannot write: %s (%s); it goes on trying", err_text(err),
              db_why(spool->db));
    return false;
}

static void keep_readings(struct spool *spool, struct parcel *parcel)
{
    if (spool->waiting_count == 0) {
        spool->waiting_since_ms = clock_boot_ms();
    }
    for (size_t i = 0; i < parcel->count; i++) {
        if (spool->waiting_count == COLLECT_MOST && !flush(spool, NULL)) {
            atomic_fetch_add(&spool->dropped, 1); /* never accepted: it has no number yet */
            continue;
        }
        spool->waiting[spool->waiting_count++] = parcel->readings[i];
        parcel->readings[i].reading.text = NULL; /* it moved */
    }
}

/* ------------------------------------------------------------------ acks */

/* Letters that were acked need not be looked at again. */
static void forget_flight(struct spool *spool)
{
    size_t kept = 0;

    for (size_t i = 0; i < spool->flight_count; i++) {
        struct flight flight = spool->flight[(spool->flight_first + i) % FLIGHT_MOST];
        struct db_rows rows;
        bool there;

        db_find(spool->db, &rows, "SELECT 1 FROM message WHERE id = ?1", "i", flight.id);
        there = db_next(&rows);
        (void)!db_end(&rows);
        if (there) {
            spool->flight[(spool->flight_first + kept++) % FLIGHT_MOST] = flight;
        }
    }
    spool->flight_count = kept;
}

static void take_ack(struct spool *spool, const struct parcel *ack)
{
    struct db_rows rows;
    int64_t epoch = 0;
    enum err err;

    db_find(spool->db, &rows, "SELECT id FROM epoch WHERE name = ?1", "t", ack->epoch);
    if (db_next(&rows)) {
        epoch = db_int(&rows, 0);
    }
    (void)!db_end(&rows);
    if (!epoch) {
        return;
    }
    err = db_begin(spool->db);
    for (size_t i = 0; !err && i < ack->count; i++) {
        err = db_run(spool->db, "DELETE FROM message WHERE epoch = ?1 AND seq BETWEEN ?2 AND ?3",
                     "iii", epoch, (int64_t)ack->have[i].from, (int64_t)ack->have[i].to);
    }
    err = err ? err : db_commit(spool->db);
    if (err) {
        db_rollback(spool->db); /* the ack comes again */
        return;
    }
    atomic_store(&spool->full, spool->options.policy == SPOOL_POLICY_STOP && fullness(spool) > 80);
    forget_flight(spool);
}

/* ------------------------------------------------------------------ letters */

static enum err post(struct spool *spool, int64_t id, int64_t class, const void *bytes, size_t size)
{
    struct letter *letter = calloc(1, sizeof(*letter));

    if (letter) {
        letter->id = id;
        letter->channel = class == CLASS_EVENT   ? LETTER_EVENT
                          : class == CLASS_REPLY ? LETTER_REPLY
                                                 : LETTER_DATA;
        letter->bytes = malloc(size + 1);
        letter->size = size;
    }
    if (!letter || !letter->bytes) {
        letter_free(letter);
        return ERR_NOMEM;
    }
    memcpy(letter->bytes, bytes, size);
    letter->bytes[size] = '\0';
    if (queue_put(spool->letters, letter, size, 0)) {
        letter_free(letter);
        return ERR_FULL;
    }
    return ERR_OK;
}

/* Posts the row that a query names. false: nothing to post, or no room. */
static bool post_row(struct spool *spool, struct db_rows *rows, int64_t *ret_id)
{
    bool found = db_next(rows);
    enum err err = ERR_NOT_FOUND;

    if (found) {
        size_t size;
        const void *bytes = db_blob(rows, 2, &size);

        *ret_id = db_int(rows, 0);
        err = post(spool, *ret_id, db_int(rows, 1), bytes, size);
    }
    (void)!db_end(rows);
    return !err;
}

static void fly(struct spool *spool, int64_t id)
{
    spool->flight[(spool->flight_first + spool->flight_count++) % FLIGHT_MOST] =
        (struct flight){id, clock_boot_ms()};
}

/* What was sent 30 s ago and is still here goes again. */
static bool post_again(struct spool *spool)
{
    struct flight *oldest = &spool->flight[spool->flight_first];
    struct db_rows rows;
    int64_t id;

    if (spool->flight_count == 0 || clock_boot_ms() - oldest->sent_ms < RESEND_MS) {
        return false;
    }
    id = oldest->id;
    db_find(spool->db, &rows, "SELECT id, class, bytes FROM message WHERE id = ?1", "i", id);
    if (!post_row(spool, &rows, &id)) {
        if (queue_count(spool->letters) == LETTERS_MOST) {
            return false;
        }
        spool->flight_first = (spool->flight_first + 1) % FLIGHT_MOST; /* acked meanwhile */
        spool->flight_count--;
        return spool->flight_count > 0;
    }
    spool->flight_first = (spool->flight_first + 1) % FLIGHT_MOST;
    spool->flight_count--;
    fly(spool, id);
    return true;
}

static bool post_next(struct spool *spool)
{
    struct db_rows rows;
    int64_t id;

    if (spool->flight_count == FLIGHT_MOST) {
        return false; /* the server is behind: it gets no more until it acks */
    }
    db_find(spool->db, &rows,
            "SELECT id, class, bytes FROM message WHERE class < 2 AND id > ?1 ORDER BY id LIMIT 1",
            "i", spool->event_cursor);
    if (post_row(spool, &rows, &id)) {
        spool->event_cursor = id;
        fly(spool, id);
        return true;
    }
    db_find(spool->db, &rows,
            "SELECT id, class, bytes FROM message WHERE class = 2 AND id > ?1 ORDER BY id LIMIT 1",
            "i", spool->data_cursor);
    if (post_row(spool, &rows, &id)) {
        spool->data_cursor = id;
        fly(spool, id);
        return true;
    }
    return false;
}

static void post_letters(struct spool *spool)
{
    while (spool->up && queue_count(spool->letters) < LETTERS_MOST &&
           (post_again(spool) || post_next(spool))) {
    }
}

static void take_link(struct spool *spool, bool up)
{
    void *letter;

    while (!queue_take(spool->letters, 0, &letter)) {
        letter_free(letter); /* of the old connection */
    }
    spool->up = up;
    spool->event_cursor = spool->data_cursor = 0;
    spool->flight_first = spool->flight_count = 0;
}

/* ------------------------------------------------------------------ questions */

static enum err remember(struct spool *spool, const struct ask *ask)
{
    enum err err = db_run(spool->db, "INSERT INTO command (id, at_ms, state) VALUES (?1, ?2, ?3)",
                          "tit", ask->command, clock_wall_ms(), "taken");

    if (!err) {
        err = db_run(spool->db,
                     "DELETE FROM command WHERE id IN (SELECT id FROM command ORDER BY at_ms DESC"
                     " LIMIT -1 OFFSET 1000)",
                     "");
    }
    return err;
}

static enum err intend(struct spool *spool, struct ask *ask)
{
    int64_t now_ms = clock_wall_ms(), count = 0, last_ms = 0;
    struct db_rows rows;

    db_find(spool->db, &rows,
            "SELECT count, last_ms FROM written WHERE equipment = ?1 AND point = ?2", "tt",
            ask->equipment, ask->point);
    if (db_next(&rows)) {
        count = db_int(&rows, 0);
        last_ms = db_int(&rows, 1);
    }
    (void)!db_end(&rows);
    if (ask->budget && count >= ask->budget) {
        return text_say(ask->why, ERR_FULL,
                        "the point has been written %lld times, which is its whole budget",
                        (long long)count);
    }
    if (ask->rate_ms && last_ms && now_ms - last_ms < ask->rate_ms && now_ms >= last_ms) {
        return text_say(ask->why, ERR_BUSY, "the point was written %lld s ago; once in %lld s is allowed",
                        (long long)(now_ms - last_ms) / 1000, (long long)ask->rate_ms / 1000);
    }
    return db_run(spool->db,
                  "INSERT INTO written (equipment, point, count, last_ms) VALUES (?1, ?2, 1, ?3)"
                  " ON CONFLICT (equipment, point) DO UPDATE SET count = count + 1, last_ms = ?3",
                  "tti", ask->equipment, ask->point, now_ms);
}

static void answer(struct spool *spool, struct ask *ask)
{
    enum err err = db_begin(spool->db);

    if (!err) {
        err = ask->point ? intend(spool, ask) : remember(spool, ask);
    }
    if (!err) {
        err = db_commit(spool->db);
    }
    if (err) {
        db_rollback(spool->db);
    }
    ask->err = err;
    (void)!queue_put(ask->done, ask, 0, -1);
}

/* ------------------------------------------------------------------ the thread */

static void take_parcel(struct spool *spool, struct parcel *parcel)
{
    switch (parcel->kind) {
    case PARCEL_READINGS:
        keep_readings(spool, parcel);
        break;
    case PARCEL_EVENT:
    case PARCEL_REPLY:
        /* an event is worth waiting for the disk while the others can still wait */
        while (!flush(spool, parcel) && queue_count(spool->parcels) < PARCELS_MOST / 2) {
            usleep(200 * 1000);
        }
        break;
    case PARCEL_ACK:
        take_ack(spool, parcel);
        break;
    case PARCEL_LINK:
        take_link(spool, parcel->flag != 0);
        break;
    case PARCEL_ROOM:
        break;
    case PARCEL_KNOWN: {
        struct ask *ask;

        memcpy(&ask, parcel->body, sizeof(ask));
        answer(spool, ask);
        break;
    }
    }
    parcel_free(parcel);
}

/* How long the thread may sleep. */
static int64_t patience(const struct spool *spool)
{
    int64_t now_ms = clock_boot_ms(), wait_ms = 10000;

    if (spool->waiting_count > 0) {
        wait_ms = spool->waiting_since_ms + COLLECT_MS - now_ms;
    }
    if (spool->up && spool->flight_count > 0) {
        int64_t again = spool->flight[spool->flight_first].sent_ms + RESEND_MS - now_ms;

        wait_ms = again < wait_ms ? again : wait_ms;
    }
    return wait_ms > 0 ? wait_ms : 0;
}

static void *run(void *context)
{
    struct spool *spool = context;
    int64_t measured_ms = 0;
    enum err err = ERR_OK;

    while (err != ERR_CLOSED) {
        void *parcel;

        err = queue_take(spool->parcels, patience(spool), &parcel);
        if (!err) {
            take_parcel(spool, parcel);
        }
        if (spool->waiting_count > 0 &&
            clock_boot_ms() - spool->waiting_since_ms >= COLLECT_MS && !flush(spool, NULL)) {
            spool->waiting_since_ms = clock_boot_ms(); /* not again at once */
        }
        post_letters(spool);
        if (clock_boot_ms() - measured_ms > 5000) {
            measure(spool);
            measured_ms = clock_boot_ms();
        }
    }
    (void)flush(spool, NULL);
    return NULL;
}

enum err spool_open(const struct spool_options *options, struct spool **ret_spool, struct text *why)
{
    struct spool *spool = calloc(1, sizeof(*spool));
    enum err err;

    if (!spool) {
        return ERR_NOMEM;
    }
    spool->options = *options;
    spool->out = json_out(MESSAGE_BYTES_MOST);
    spool->waiting = calloc(COLLECT_MOST, sizeof(*spool->waiting));
    err = spool->waiting ? queue_open(PARCELS_MOST, PARCEL_BYTES, &spool->parcels) : ERR_NOMEM;
    if (!err) {
        err = queue_open(LETTERS_MOST, 2 * 1024 * 1024, &spool->letters);
    }
    if (!err) {
        err = open_file(spool, why);
        if (err == ERR_IO) {
            err = set_aside(spool, why);
        }
    }
    if (!err) {
        err = begin_epoch(spool);
    }
    if (!err) {
        measure(spool);
        err = pthread_create(&spool->thread, NULL, run, spool) ? ERR_NOMEM : ERR_OK;
        spool->running = !err;
    }
    if (err) {
        spool_close(spool);
        return err;
    }
    *ret_spool = spool;
    return ERR_OK;
}

void spool_close(struct spool *spool)
{
    if (!spool) {
        return;
    }
    if (spool->running) {
        queue_stop(spool->parcels);
        pthread_join(spool->thread, NULL);
    }
    queue_close(spool->parcels, parcel_free);
    queue_close(spool->letters, letter_free);
    db_close(spool->db);
    free_waiting(spool);
    free(spool->waiting);
    json_out_free(&spool->out);
    free(spool);
}

void spool_give(struct spool *spool, struct parcel *parcel, int64_t wait_ms)
{
    if (parcel && queue_put(spool->parcels, parcel, parcel_bytes(parcel), wait_ms)) {
        atomic_fetch_add(&spool->dropped, (int64_t)(parcel->count ? parcel->count : 1));
        log_error("the spool is behind: something was dropped before it was accepted");
        parcel_free(parcel);
    }
}

struct queue *spool_letters(struct spool *spool)
{
    return spool->letters;
}

const char *spool_epoch(const struct spool *spool)
{
    return spool->epoch;
}

void spool_figures(struct spool *spool, struct spool_figures *ret_figures)
{
    ret_figures->messages = atomic_load(&spool->messages);
    ret_figures->bytes = atomic_load(&spool->bytes);
    ret_figures->oldest_ms = atomic_load(&spool->oldest_ms);
    ret_figures->dropped = atomic_load(&spool->dropped);
    ret_figures->failures = atomic_load(&spool->failures);
}

bool spool_is_full(struct spool *spool)
{
    return atomic_load(&spool->full);
}

/* Sends ask to the spool's thread and waits for it. */
static enum err put_question(struct spool *spool, struct ask *ask)
{
    struct parcel *parcel = parcel_make(PARCEL_KNOWN, 0);
    struct queue *done = NULL;
    void *back;
    enum err err = parcel ? queue_open(1, 1, &done) : ERR_NOMEM;

    if (err) {
        parcel_free(parcel);
        return err;
    }
    ask->done = done;
    parcel->body = calloc(1, sizeof(ask) + 1);
    if (parcel->body) {
        memcpy(parcel->body, &ask, sizeof(ask));
        err = queue_put(spool->parcels, parcel, 64, -1);
    } else {
        err = ERR_NOMEM;
    }
    if (err) {
        parcel_free(parcel);
    } else {
        err = queue_take(done, -1, &back);
    }
    queue_close(done, NULL);
    return err ? err : ask->err;
}

enum err spool_remember(struct spool *spool, const char *command)
{
    struct ask ask = {.command = command};

    return put_question(spool, &ask);
}

enum err spool_intend(struct spool *spool, const char *command, const char *equipment,
                      const char *point, int64_t budget, int64_t rate_ms, struct text *why)
{
    struct ask ask = {
        .command = command,
        .equipment = equipment,
        .point = point,
        .budget = budget,
        .rate_ms = rate_ms,
        .why = why,
    };

    return put_question(spool, &ask);
}
