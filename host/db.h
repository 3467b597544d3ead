/*
 * sqlite3 with the right pragmas, statements that are prepared once, and the errors in words. The
 * only place that includes sqlite3. One connection belongs to one thread.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"

struct db;

enum db_mode {
    DB_WRITE, /* WAL, synchronous FULL, the one connection that writes and checkpoints */
    DB_READ,  /* read-only, never checkpoints (reliability.md 0, finding 9) */
};

struct db_options {
    enum db_mode mode;
    int64_t bytes_most;     /* ceiling of the file in bytes; 0: none */
    int64_t journal_most;   /* journal_size_limit in bytes; 0: 4 MiB */
    int busy_ms;            /* how long to wait for somebody else's lock */
    bool incremental_vacuum;
    bool exclusive; /* refuse to share the file with another process: ERR_BUSY at open */
    bool guest;     /* writes beside the owner: never checkpoints (reliability.md 0, finding 9) */
    bool has_guests; /* the owner checkpoints only while no guest writes */
    int64_t cache_kib; /* page cache; 0: SQLite's own preset */
};

enum err db_open(const char *path, const struct db_options *options, struct db **ret_db,
                 struct text *why) MUST_CHECK;
void db_close(struct db *db);
/* One or more statements without values. */
enum err db_script(struct db *db, const char *sql) MUST_CHECK;
enum err db_begin(struct db *db) MUST_CHECK;  /* IMMEDIATE */
enum err db_commit(struct db *db) MUST_CHECK;
void db_rollback(struct db *db);

/*
 * A statement, prepared once per db and literal (found again by the address of sql, which must be
 * a constant). kinds has a letter per value: i int64_t, d double, t const char * (NULL: SQL NULL),
 * b const void * and size_t, n nothing (NULL). Placeholders are ?1 ?2 ….
 */
enum err db_run(struct db *db, const char *sql, const char *kinds, ...) MUST_CHECK;
enum err db_runv(struct db *db, const char *sql, const char *kinds, va_list list) MUST_CHECK;

struct db_rows { /* results being read; on the caller's stack */
    struct db *db;
    void *statement;
    enum err err;
};

enum err db_find(struct db *db, struct db_rows *rows, const char *sql, const char *kinds, ...);
enum err db_findv(struct db *db, struct db_rows *rows, const char *sql, const char *kinds,
                  va_list list);
bool db_next(struct db_rows *rows);
int64_t db_int(const struct db_rows *rows, int column);
double db_real(const struct db_rows *rows, int column);
/* Valid until the next db_next or db_end; NULL for SQL NULL. */
const char *db_text(const struct db_rows *rows, int column);
const void *db_blob(const struct db_rows *rows, int column, size_t *ret_size);
bool db_null(const struct db_rows *rows, int column);
enum err db_end(struct db_rows *rows); /* resets the statement; the first error met */

int64_t db_changes(struct db *db);       /* rows changed by the last statement */
int64_t db_total_changes(struct db *db); /* since the connection was opened */
int64_t db_last_id(struct db *db);
/* Words for the last error. */
const char *db_why(struct db *db);
/* What kind of failure the last call was, ERR_OK when it was none; a statement that makes no sense
 * (SQLITE_ERROR) is ERR_STATE here, not ERR_IO. */
enum err db_trouble(struct db *db);
/* Errors of all of these: ERR_FULL (quota or disk), ERR_BUSY, ERR_IO (also a corrupt file), ERR_EXISTS (UNIQUE) … */
/* A copy of the whole at path, which it takes at once when it is complete; readable by its owner
 * only. */
enum err db_backup(struct db *db, const char *path, struct text *why) MUST_CHECK;
void db_vacuum(struct db *db, int pages);
int64_t db_bytes(struct db *db); /* of the main file, from page counts */
