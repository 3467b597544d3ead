/* sqlite3 behind statements that are prepared once. */
#include "host/db.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"

#define SLOTS_FIRST      128  /* of prepared statements; a power of two, doubled when half are taken */
#define CHECKPOINT_PAGES 4000 /* the WAL of an owner that has guests is about 16 MiB long */

struct db {
    sqlite3 *handle;
    int lock_fd;  /* held as long as an exclusive owner lives */
    int guest_fd; /* held while a guest writes, or while the owner checkpoints */
    bool guest;
    struct slot {
        const char *sql;
        sqlite3_stmt *statement;
    } *slots;
    size_t slot_count, slots_taken;
};

static enum err translate(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       code == SQLITE_CONSTRAINT_ROWID
                   ? ERR_EXISTS
                   : ERR_STATE;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_CANTOPEN:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

static enum err lock_file(const char *path, int *ret_fd, struct text *why)
{
    TEXT(name, 1024);
    int fd;

    text_addf(&name, "%s.lock", path);
    fd = open(name.at, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return text_say(why, ERR_DENIED, "cannot make %s: is the folder there and writable?", name.at);
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        return text_say(why, ERR_BUSY, "%s is held by another process", path);
    }
    *ret_fd = fd;
    return ERR_OK;
}

/* <path>.guest: never both a guest that writes and an owner that checkpoints. */
static enum err open_guest_lock(struct db *db, const char *path, struct text *why)
{
    TEXT(name, 1024);

    text_addf(&name, "%s.guest", path);
    db->guest_fd = open(name.at, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    return db->guest_fd < 0 ? text_say(why, ERR_DENIED, "cannot make %s", name.at) : ERR_OK;
}

/* After each commit of an owner that has guests, instead of SQLite's own checkpoint. */
static int checkpoint(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = context;

    if (pages >= CHECKPOINT_PAGES && !flock(db->guest_fd, LOCK_EX | LOCK_NB)) {
        sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        flock(db->guest_fd, LOCK_UN);
    }
    return SQLITE_OK;
}

static enum err set_up(struct db *db, const struct db_options *options)
{
    TEXT(sql, 512);
    enum err err;

    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, options->busy_ms ? options->busy_ms : 5000);
    if (options->mode == DB_READ) {
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return db_script(db, "PRAGMA query_only=1; PRAGMA wal_autocheckpoint=0;"
                             "PRAGMA cache_size=-4000; PRAGMA temp_store=MEMORY;");
    }
    text_addf(&sql,
              "PRAGMA page_size=4096; %s PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
              "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=%lld;",
              options->incremental_vacuum ? "PRAGMA auto_vacuum=INCREMENTAL;" : "",
              (long long)(options->journal_most ? options->journal_most : 4 * 1024 * 1024));
    if (options->guest) {
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        text_add(&sql, "PRAGMA wal_autocheckpoint=0;");
    }
    if (options->bytes_most) {
        text_addf(&sql, "PRAGMA max_page_count=%lld;", (long long)(options->bytes_most / 4096));
    }
    if (options->cache_kib) {
        text_addf(&sql, "PRAGMA cache_size=-%lld;", (long long)options->cache_kib);
    }
    err = db_script(db, sql.at);
    if (!err && options->has_guests) {
        sqlite3_wal_hook(db->handle, checkpoint, db);
    }
    return err;
}

enum err db_open(const char *path, const struct db_options *options, struct db **ret_db,
                 struct text *why)
{
    int flags = options->mode == DB_READ ? SQLITE_OPEN_READONLY
                                         : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    struct db *db = calloc(1, sizeof(*db));
    enum err err;

    if (!db) {
        return ERR_NOMEM;
    }
    db->lock_fd = db->guest_fd = -1;
    db->guest = options->guest;
    err = options->exclusive ? lock_file(path, &db->lock_fd, why) : ERR_OK;
    if (!err && (options->guest || options->has_guests)) {
        err = open_guest_lock(db, path, why);
    }
    if (err) {
        db_close(db);
        return err;
    }
    err = translate(sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL));
    if (!err) {
        err = set_up(db, options);
    }
    if (err) {
        text_say(why, err, "cannot open %s: %s", path, db_why(db));
        db_close(db);
        return err;
    }
    *ret_db = db;
    return ERR_OK;
}

void db_close(struct db *db)
{
    if (!db) {
        return;
    }
    for (size_t i = 0; i < db->slot_count; i++) {
        sqlite3_finalize(db->slots[i].statement);
    }
    free(db->slots);
    sqlite3_close_v2(db->handle);
    if (db->guest_fd >= 0) {
        close(db->guest_fd);
    }
    if (db->lock_fd >= 0) {
        close(db->lock_fd);
    }
    free(db);
}

enum err db_script(struct db *db, const char *sql)
{
    return translate(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

static void end_guest(struct db *db)
{
    if (db->guest) {
        flock(db->guest_fd, LOCK_UN);
    }
}

enum err db_begin(struct db *db)
{
    enum err err;

    if (db->guest && flock(db->guest_fd, LOCK_EX)) {
        return ERR_BUSY;
    }
    err = db_run(db, "BEGIN IMMEDIATE", "");
    if (err) {
        end_guest(db);
    }
    return err;
}

enum err db_commit(struct db *db)
{
    enum err err = db_run(db, "COMMIT", "");

    if (!err) {
        end_guest(db);
    }
    return err;
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle)) {
        (void)!db_run(db, "ROLLBACK", "");
    }
    end_guest(db);
}

/* ------------------------------------------------------------------ statements */

/* The slot of a literal, or the free one where it belongs: there always is one. */
static struct slot *slot_of(struct slot *slots, size_t count, const char *sql)
{
    uintptr_t hash = (uintptr_t)sql;
    size_t at = (hash >> 3 ^ hash >> 11) & (count - 1);

    while (slots[at].sql && slots[at].sql != sql) {
        at = (at + 1) & (count - 1);
    }
    return &slots[at];
}

static enum err grow_slots(struct db *db)
{
    size_t count = db->slot_count ? 2 * db->slot_count : SLOTS_FIRST;
    struct slot *slots = calloc(count, sizeof(*slots));

    if (!slots) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < db->slot_count; i++) {
        if (db->slots[i].sql) {
            *slot_of(slots, count, db->slots[i].sql) = db->slots[i];
        }
    }
    free(db->slots);
    db->slots = slots;
    db->slot_count = count;
    return ERR_OK;
}

static enum err prepare(struct db *db, const char *sql, sqlite3_stmt **ret_statement)
{
    struct slot *slot;
    int code;

    if (2 * db->slots_taken >= db->slot_count && grow_slots(db)) {
        return ERR_NOMEM;
    }
    slot = slot_of(db->slots, db->slot_count, sql);
    if (slot->sql) {
        *ret_statement = slot->statement;
        return ERR_OK;
    }
    code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
    if (code) {
        return translate(code);
    }
    *slot = (struct slot){sql, *ret_statement};
    db->slots_taken++;
    return ERR_OK;
}

/* lives: what to tell SQLite of texts and bytes. SQLITE_STATIC when the statement is done before its
 * caller goes on. */
static enum err bind(sqlite3_stmt *statement, const char *kinds, sqlite3_destructor_type lives,
                     va_list list)
{
    int code = SQLITE_OK;

    for (int i = 1; !code && kinds[i - 1]; i++) {
        const char *words;
        const void *bytes;

        switch (kinds[i - 1]) {
        case 'i':
            code = sqlite3_bind_int64(statement, i, va_arg(list, int64_t));
            break;
        case 'd':
            code = sqlite3_bind_double(statement, i, va_arg(list, double));
            break;
        case 't':
            words = va_arg(list, const char *);
            code = words ? sqlite3_bind_text(statement, i, words, -1, lives)
                         : sqlite3_bind_null(statement, i);
            break;
        case 'b':
            bytes = va_arg(list, const void *);
            code = sqlite3_bind_blob64(statement, i, bytes ? bytes : "", va_arg(list, size_t),
                                       lives);
            break;
        default:
            assert(kinds[i - 1] == 'n');
            code = sqlite3_bind_null(statement, i);
        }
    }
    return translate(code);
}

static enum err start(struct db *db, const char *sql, const char *kinds,
                      sqlite3_destructor_type lives, va_list list, sqlite3_stmt **ret_statement)
{
    enum err err = prepare(db, sql, ret_statement);

    if (err) {
        return err;
    }
    assert(!sqlite3_stmt_busy(*ret_statement)); /* a literal is read by one place at a time */
    return bind(*ret_statement, kinds, lives, list);
}

enum err db_runv(struct db *db, const char *sql, const char *kinds, va_list list)
{
    sqlite3_stmt *statement;
    enum err err = start(db, sql, kinds, SQLITE_STATIC, list, &statement);
    int code;

    if (err) {
        return err;
    }
    do {
        code = sqlite3_step(statement);
    } while (code == SQLITE_ROW);
    err = translate(code);
    sqlite3_reset(statement);
    return err;
}

enum err db_run(struct db *db, const char *sql, const char *kinds, ...)
{
    va_list list;
    enum err err;

    va_start(list, kinds);
    err = db_runv(db, sql, kinds, list);
    va_end(list);
    return err;
}

enum err db_findv(struct db *db, struct db_rows *rows, const char *sql, const char *kinds,
                  va_list list)
{
    sqlite3_stmt *statement = NULL;

    rows->db = db;
    rows->err = start(db, sql, kinds, SQLITE_TRANSIENT, list, &statement);
    rows->statement = statement;
    return rows->err;
}

enum err db_find(struct db *db, struct db_rows *rows, const char *sql, const char *kinds, ...)
{
    va_list list;
    enum err err;

    va_start(list, kinds);
    err = db_findv(db, rows, sql, kinds, list);
    va_end(list);
    return err;
}

bool db_next(struct db_rows *rows)
{
    int code;

    if (rows->err || !rows->statement) {
        return false;
    }
    code = sqlite3_step(rows->statement);
    rows->err = translate(code);
    return code == SQLITE_ROW;
}

int64_t db_int(const struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

double db_real(const struct db_rows *rows, int column)
{
    return sqlite3_column_double(rows->statement, column);
}

const char *db_text(const struct db_rows *rows, int column)
{
    return (const char *)sqlite3_column_text(rows->statement, column);
}

const void *db_blob(const struct db_rows *rows, int column, size_t *ret_size)
{
    const void *bytes = sqlite3_column_blob(rows->statement, column);

    *ret_size = (size_t)sqlite3_column_bytes(rows->statement, column);
    return bytes;
}

bool db_null(const struct db_rows *rows, int column)
{
    return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

enum err db_end(struct db_rows *rows)
{
    if (rows->statement) {
        sqlite3_reset(rows->statement);
        rows->statement = NULL;
    }
    return rows->err;
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_total_changes(struct db *db)
{
    return sqlite3_total_changes64(db->handle);
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

const char *db_why(struct db *db)
{
    return db->handle ? sqlite3_errmsg(db->handle) : "out of memory";
}

enum err db_trouble(struct db *db)
{
    int code = sqlite3_extended_errcode(db->handle);

    return code == SQLITE_ERROR ? ERR_STATE : translate(code);
}

/* A place that a backup may take: nobody's database that is in use, least of all the one to copy. */
static enum err check_place(struct db *db, const char *path, struct text *why)
{
    struct stat there, own;
    TEXT(wal, 1024);

    text_addf(&wal, "%s-wal", path);
    if (wal.cut) {
        return text_say(why, ERR_FULL, "cannot write the backup %s: its name is too long", path);
    }
    if (stat(path, &there)) {
        return ERR_OK;
    }
    if (!S_ISREG(there.st_mode)) {
        return text_say(why, ERR_DENIED, "cannot write the backup %s: it is no file", path);
    }
    if ((!stat(sqlite3_db_filename(db->handle, "main"), &own) && own.st_ino == there.st_ino &&
         own.st_dev == there.st_dev) ||
        access(wal.at, F_OK) == 0) {
        return text_say(why, ERR_DENIED, "cannot write the backup %s: it is a database in use", path);
    }
    return ERR_OK;
}

/* In one step: a copy that pauses begins anew whenever somebody else has written meanwhile. */
static enum err copy_to(struct db *db, const char *path, struct text *why)
{
    sqlite3 *to = NULL;
    sqlite3_backup *backup;
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);

    if (!code) {
        backup = sqlite3_backup_init(to, "main", db->handle, "main");
        if (backup) {
            (void)sqlite3_backup_step(backup, -1);
        }
        code = backup ? sqlite3_backup_finish(backup) : SQLITE_ERROR;
    }
    if (code) {
        text_say(why, ERR_IO, "cannot write the backup %s: %s", path, sqlite3_errmsg(to));
    }
    sqlite3_close(to);
    return translate(code);
}

enum err db_backup(struct db *db, const char *path, struct text *why)
{
    TEXT(temporary, 1024);
    enum err err = check_place(db, path, why);
    int fd;

    if (err) {
        return err;
    }
    text_addf(&temporary, "%s.new", path);
    fd = open(temporary.at, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return text_say(why, ERR_DENIED, "cannot write the backup %s: is the folder there and writable?",
                        path);
    }
    close(fd);
    err = copy_to(db, temporary.at, why);
    if (!err) {
        err = file_move(temporary.at, path);
        err = err ? text_say(why, err, "cannot write the backup %s", path) : ERR_OK;
    }
    if (err) {
        unlink(temporary.at);
    }
    return err;
}

void db_vacuum(struct db *db, int pages)
{
    TEXT(sql, 64);

    text_addf(&sql, "PRAGMA incremental_vacuum(%d)", pages);
    (void)!db_script(db, sql.at);
}

int64_t db_bytes(struct db *db)
{
    struct db_rows rows;
    int64_t bytes = 0;

    if (!db_find(db, &rows, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", "") &&
        db_next(&rows)) {
        bytes = db_int(&rows, 0);
    }
    return db_end(&rows) ? 0 : bytes;
}
