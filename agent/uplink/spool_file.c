/* The spool's file: opening, what is done with a bad one, the epoch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/uplink/spool_int.h"
#include "host/clock.h"
#include "host/file.h"
#include "host/log.h"
#include "models/base/hash.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, class INTEGER NOT NULL, t_ms INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS message_class ON message (class, id);"
    "CREATE INDEX IF NOT EXISTS message_number ON message (epoch, seq);" /* acks say numbers */
    "CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " state TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS written (equipment TEXT NOT NULL, point TEXT NOT NULL,"
    " count INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY (equipment, point));"
    "CREATE TABLE IF NOT EXISTS fault (equipment TEXT NOT NULL, fault TEXT NOT NULL,"
    " grade INTEGER NOT NULL, onset_ms INTEGER NOT NULL, PRIMARY KEY (equipment, fault));"
    /* what devices of a kind refuse; without it, it is learned again */
    "CREATE TABLE IF NOT EXISTS learned (key TEXT PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " words TEXT NOT NULL);"
    /* latching faults that a person has allowed to clear */
    "CREATE TABLE IF NOT EXISTS reset (equipment TEXT NOT NULL, fault TEXT NOT NULL,"
    " PRIMARY KEY (equipment, fault));";

int64_t spool_find_int(struct spool *spool, const char *sql)
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

void spool_measure(struct spool *spool)
{
    atomic_store(&spool->messages, spool_find_int(spool, "SELECT COUNT(*) FROM message"));
    atomic_store(&spool->bytes, db_bytes(spool->db));
    atomic_store(&spool->oldest_ms,
                 spool_find_int(spool, "SELECT t_ms FROM message ORDER BY id LIMIT 1"));
}

static enum err open_database(struct spool *spool, struct text *why)
{
    struct db_options options = {
        .mode = DB_WRITE,
        .exclusive = true,
        .journal_most = spool->sizes.wal_pages * 4096,
        .bytes_most = spool->sizes.database,
        .incremental_vacuum = true,
        .cache_kib = 128, /* rows are written once, read once and deleted: little comes again */
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
    text_addf(&sql, "PRAGMA wal_autocheckpoint=%lld", (long long)spool->sizes.wal_pages);
    if (!err) {
        err = db_script(spool->db, sql.at);
    }
    if (!err) {
        err = db_script(spool->db, schema);
    }
    if (err) {
        text_say(why, err, "%s is no sound spool: %s", spool->options.path,
                 sound ? db_why(spool->db) : "its pages do not fit together");
        db_close(spool->db);
        spool->db = NULL;
    }
    return err;
}

/* Rows of a bad file, as far as it can be read; each into the new file. */
static enum err copy_rows(struct spool *spool, struct db *from, const char *find, const char *put,
                          const char *kinds, int64_t *io_count)
{
    struct db_rows rows;
    enum err err = ERR_OK;

    db_find(from, &rows, find, "");
    while (!err && db_next(&rows)) {
        size_t size = 0;

        if (strcmp(kinds, "ttii") == 0) {
            err = db_run(spool->db, put, kinds, db_text(&rows, 0), db_text(&rows, 1),
                         db_int(&rows, 2), db_int(&rows, 3));
        } else if (strcmp(kinds, "tit") == 0) {
            err = db_run(spool->db, put, kinds, db_text(&rows, 0), db_int(&rows, 1),
                         db_text(&rows, 2));
        } else {
            const void *bytes = db_blob(&rows, 4, &size);

            err = db_run(spool->db, "INSERT OR IGNORE INTO epoch (name) VALUES (?1)", "t",
                         db_text(&rows, 0));
            if (!err) {
                err = db_run(spool->db, put, kinds, db_text(&rows, 0), db_int(&rows, 1),
                             db_int(&rows, 2), db_int(&rows, 3), bytes, size);
            }
        }
        *io_count += !err;
    }
    (void)!db_end(&rows); /* what cannot be read ends it */
    return err;
}

static void salvage(struct spool *spool, const char *path)
{
    struct db_options options = {.mode = DB_READ};
    struct db *from = NULL;
    int64_t messages = 0, rest = 0;
    enum err err = db_open(path, &options, &from, NULL);

    if (!err) {
        err = db_begin(spool->db);
    }
    if (!err) {
        (void)!copy_rows(spool, from, "SELECT id, at_ms, state FROM command",
                         "INSERT OR IGNORE INTO command (id, at_ms, state) VALUES (?1, ?2, ?3)",
                         "tit", &rest);
        (void)!copy_rows(spool, from, "SELECT key, at_ms, words FROM learned",
                         "INSERT OR IGNORE INTO learned (key, at_ms, words) VALUES (?1, ?2, ?3)",
                         "tit", &rest);
        (void)!copy_rows(spool, from, "SELECT equipment, point, count, last_ms FROM written",
                         "INSERT OR IGNORE INTO written (equipment, point, count, last_ms)"
                         " VALUES (?1, ?2, ?3, ?4)",
                         "ttii", &rest);
        (void)!copy_rows(spool, from, "SELECT equipment, fault, grade, onset_ms FROM fault",
                         "INSERT OR IGNORE INTO fault (equipment, fault, grade, onset_ms)"
                         " VALUES (?1, ?2, ?3, ?4)",
                         "ttii", &rest);
        (void)!copy_rows(spool, from,
                         "SELECT e.name, m.seq, m.class, m.t_ms, m.bytes FROM message m"
                         " JOIN epoch e ON e.id = m.epoch ORDER BY m.id",
                         "INSERT INTO message (epoch, seq, class, t_ms, bytes) SELECT id, ?2, ?3,"
                         " ?4, ?5 FROM epoch WHERE name = ?1",
                         "tiiib", &messages);
        err = db_commit(spool->db);
    }
    if (err && spool->db) {
        db_rollback(spool->db);
        messages = 0;
    }
    log_error("%lld messages of the bad spool could be read and were taken over",
              (long long)messages);
    db_close(from);
}

/*
 * A file that cannot be read is set aside; the agent never refuses to start because of one. Its new
 * name does not begin with the spool's, so it does not count against the quota.
 */
static enum err set_aside(struct spool *spool, struct text *why)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    const char *slash = strrchr(spool->options.path, '/');
    size_t folder = slash ? (size_t)(slash + 1 - spool->options.path) : 0;
    TEXT(aside, 1200);
    enum err err;

    text_add_bytes(&aside, spool->options.path, folder);
    text_addf(&aside, "bad-%lld-%s", (long long)clock_wall_ms(), spool->options.path + folder);
    log_error("%s; it is set aside as %s and a new one is begun", why->at, aside.at);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        TEXT(old, 1200);
        TEXT(new, 1210);

        text_addf(&old, "%s%s", spool->options.path, tails[i]);
        text_addf(&new, "%s%s", aside.at, tails[i]);
        if (rename(old.at, new.at) && i == 0) {
            return ERR_IO;
        }
    }
    text_clear(why);
    err = open_database(spool, why);
    if (!err) {
        salvage(spool, aside.at);
    }
    return err;
}

/* The epoch's row; the epoch itself is drawn once, at the start. */
static enum err begin_epoch(struct spool *spool)
{
    uint64_t number;
    enum err err;

    if (spool->epoch[0] == '\0') {
        file_random(&number, sizeof(number));
        hash_hex(number, spool->epoch);
    }
    /* epochs without messages are of no use to anybody */
    err = db_run(spool->db, "DELETE FROM epoch WHERE id NOT IN (SELECT epoch FROM message)", "");
    if (!err) {
        err = db_run(spool->db, "INSERT OR IGNORE INTO epoch (name) VALUES (?1)", "t", spool->epoch);
    }
    if (!err) {
        struct db_rows rows;

        db_find(spool->db, &rows, "SELECT id FROM epoch WHERE name = ?1", "t", spool->epoch);
        spool->epoch_id = db_next(&rows) ? db_int(&rows, 0) : 0;
        err = db_end(&rows);
    }
    return err;
}

enum err spool_open_file(struct spool *spool, struct text *why)
{
    enum err err;

    spool->tried_ms = clock_boot_ms();
    spool_prepare_reserve(spool);
    err = open_database(spool, why);
    if (err == ERR_IO && spool_disk_is_full(spool)) { /* nothing is wrong with the file */
        return text_say(why, ERR_FULL, "%s cannot be opened: the disk is full", spool->options.path);
    }
    if (err == ERR_IO) {
        err = set_aside(spool, why);
    }
    if (!err) {
        err = begin_epoch(spool);
        if (err) {
            text_say(why, err, "%s cannot be written: %s", spool->options.path, db_why(spool->db));
        }
    }
    if (err) {
        db_close(spool->db);
        spool->db = NULL;
    } else {
        spool_tend_reserve(spool);
    }
    return err;
}
