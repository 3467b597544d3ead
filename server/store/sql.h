/*
 * The one seam of storage: statements on a database, whichever it is. What the rooms above say is
 * SQL that SQLite and PostgreSQL both speak (?1 ?2 … are turned into $1 $2 … by the latter; upsert
 * by ON CONFLICT; RETURNING; no AUTOINCREMENT).
 *
 * One connection belongs to one thread. The committer holds the only one that writes.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"

struct sql_ops;

struct sql { /* sql_open's; nothing in it is for others */
    const struct sql_ops *ops;
    void *self;
};

enum sql_mode {
    SQL_WRITE, /* the server's one writing connection */
    SQL_READ,
    SQL_GUEST, /* writes beside a running server (sub-commands); never checkpoints */
};

/* url: sqlite:PATH or postgresql://… (libpq's form). ERR_BUSY: another server has it. */
enum err sql_open(const char *url, enum sql_mode mode, struct sql **ret_sql,
                  struct text *why) MUST_CHECK;
void sql_close(struct sql *sql);

enum err sql_begin(struct sql *sql) MUST_CHECK;
enum err sql_commit(struct sql *sql) MUST_CHECK;
void sql_rollback(struct sql *sql);
/* A step inside a transaction that can be undone alone. */
enum err sql_save(struct sql *sql) MUST_CHECK;
void sql_release(struct sql *sql);
void sql_undo(struct sql *sql);
enum err sql_script(struct sql *sql, const char *statements) MUST_CHECK;

/*
 * statement must be a literal (prepared once per address). kinds: a letter per value: i int64_t,
 * d double, t const char * (NULL is SQL NULL), b const void * and size_t, n SQL NULL (no argument).
 * Integers MUST be int64_t (cast them).
 */
enum err sql_run(struct sql *sql, const char *statement, const char *kinds, ...) MUST_CHECK;

struct sql_rows { /* on the caller's stack */
    struct sql *sql;
    void *result;
    enum err err;
};

/* Then: while (sql_next(&rows)) { … } err = sql_end(&rows); always sql_end. */
void sql_find(struct sql *sql, struct sql_rows *rows, const char *statement, const char *kinds,
              ...);
bool sql_next(struct sql_rows *rows);
int64_t sql_int(const struct sql_rows *rows, int column);
double sql_real(const struct sql_rows *rows, int column);
/* Valid until the next sql_next or sql_end; NULL for SQL NULL. */
const char *sql_text(const struct sql_rows *rows, int column);
const void *sql_blob(const struct sql_rows *rows, int column, size_t *ret_size);
bool sql_null(const struct sql_rows *rows, int column);
enum err sql_end(struct sql_rows *rows);

/* The first column of the first row as an integer; fallback when there is no row (or NULL). */
int64_t sql_find_int(struct sql *sql, int64_t fallback, const char *statement, const char *kinds,
                     ...);
int64_t sql_changes(struct sql *sql); /* rows changed by the last sql_run */
int64_t sql_total_changes(struct sql *sql); /* since the connection was opened */
int64_t sql_last_id(struct sql *sql); /* id given by the last INSERT */
/* From now on the database refuses to change rows of the table (inserting and deleting go on), unless that condition holds
 * (SQL; NULL: always). */
enum err sql_freeze(struct sql *sql, const char *table, const char *unless) MUST_CHECK;
/* … and to delete them: rows are only ever added. */
enum err sql_seal(struct sql *sql, const char *table) MUST_CHECK;
/* How many tables there are; with a name: of that name. */
int64_t sql_tables(struct sql *sql, const char *name);
/* Another number after a guest has committed. */
int64_t sql_version(struct sql *sql);
const char *sql_why(struct sql *sql);
/* true when the last statement failed for the database's own trouble (disk full, locked, broken),
 * not for what it was asked to do. */
bool sql_is_broken(struct sql *sql);
enum err sql_backup(struct sql *sql, const char *path, struct text *why) MUST_CHECK;
