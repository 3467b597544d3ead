/* The seam on SQLite. A second backend gets its file here and a row in sql_open(). */
#include "server/store/sql.h"

#include <stdlib.h>
#include <string.h>

#include "host/db.h"

struct sql {
    struct db *db;
};

enum err sql_open(const char *url, enum sql_mode mode, struct sql **ret_sql, struct text *why)
{
    struct db_options options = {
        .mode = mode == SQL_READ ? DB_READ : DB_WRITE,
        .journal_most = 16 * 1024 * 1024,
        .busy_ms = mode == SQL_WRITE ? 2000 : 10000, /* the committer asks again by itself */
        .exclusive = mode == SQL_WRITE,
        .guest = mode == SQL_GUEST,
        .has_guests = mode == SQL_WRITE,
        .cache_kib = mode == SQL_WRITE ? 64 * 1024 : 0,
    };
    struct sql *sql;
    enum err err;

    if (strncmp(url, "sqlite:", 7) != 0) {
        return text_say(why, ERR_UNSUPPORTED, "expected sqlite:PATH as database, found %s", url);
    }
    sql = calloc(1, sizeof(*sql));
    if (!sql) {
        return ERR_NOMEM;
    }
    err = db_open(url + 7, &options, &sql->db, why);
    if (err) {
        free(sql);
        return err;
    }
    *ret_sql = sql;
    return ERR_OK;
}

void sql_close(struct sql *sql)
{
    if (sql) {
        db_close(sql->db);
        free(sql);
    }
}

enum err sql_begin(struct sql *sql)
{
    return db_begin(sql->db);
}

enum err sql_commit(struct sql *sql)
{
    return db_commit(sql->db);
}

void sql_rollback(struct sql *sql)
{
    db_rollback(sql->db);
}

enum err sql_save(struct sql *sql)
{
    return db_run(sql->db, "SAVEPOINT step", "");
}

void sql_release(struct sql *sql)
{
    (void)!db_run(sql->db, "RELEASE step", "");
}

void sql_undo(struct sql *sql)
{
    (void)!db_run(sql->db, "ROLLBACK TO step", "");
    (void)!db_run(sql->db, "RELEASE step ", "");
}

enum err sql_script(struct sql *sql, const char *statements)
{
    return db_script(sql->db, statements);
}

enum err sql_run(struct sql *sql, const char *statement, const char *kinds, ...)
{
    va_list list;
    enum err err;

    va_start(list, kinds);
    err = db_runv(sql->db, statement, kinds, list);
    va_end(list);
    return err;
}

static struct db_rows inner(const struct sql_rows *rows)
{
    return (struct db_rows){rows->sql->db, rows->statement, rows->err};
}

void sql_find(struct sql *sql, struct sql_rows *rows, const char *statement, const char *kinds, ...)
{
    struct db_rows found;
    va_list list;

    va_start(list, kinds);
    db_findv(sql->db, &found, statement, kinds, list);
    va_end(list);
    *rows = (struct sql_rows){sql, found.statement, found.err};
}

bool sql_next(struct sql_rows *rows)
{
    struct db_rows found = inner(rows);
    bool more = db_next(&found);

    rows->err = found.err;
    return more;
}

int64_t sql_int(const struct sql_rows *rows, int column)
{
    struct db_rows found = inner(rows);

    return db_int(&found, column);
}

double sql_real(const struct sql_rows *rows, int column)
{
    struct db_rows found = inner(rows);

    return db_real(&found, column);
}

const char *sql_text(const struct sql_rows *rows, int column)
{
    struct db_rows found = inner(rows);

    return db_text(&found, column);
}

const void *sql_blob(const struct sql_rows *rows, int column, size_t *ret_size)
{
    struct db_rows found = inner(rows);

    return db_blob(&found, column, ret_size);
}

bool sql_null(const struct sql_rows *rows, int column)
{
    struct db_rows found = inner(rows);

    return db_null(&found, column);
}

enum err sql_end(struct sql_rows *rows)
{
    struct db_rows found = inner(rows);
    enum err err = db_end(&found);

    rows->statement = NULL;
    return err;
}

int64_t sql_find_int(struct sql *sql, int64_t fallback, const char *statement, const char *kinds,
                     ...)
{
    struct db_rows found;
    va_list list;

    va_start(list, kinds);
    db_findv(sql->db, &found, statement, kinds, list);
    va_end(list);
    if (db_next(&found) && !db_null(&found, 0)) {
        fallback = db_int(&found, 0);
    }
    (void)!db_end(&found);
    return fallback;
}

int64_t sql_changes(struct sql *sql)
{
    return db_changes(sql->db);
}

int64_t sql_total_changes(struct sql *sql)
{
    return db_total_changes(sql->db);
}

int64_t sql_last_id(struct sql *sql)
{
    return db_last_id(sql->db);
}

const char *sql_why(struct sql *sql)
{
    return db_why(sql->db);
}

bool sql_is_broken(struct sql *sql)
{
    switch (db_trouble(sql->db)) {
    case ERR_FULL:
    case ERR_BUSY:
    case ERR_IO:
    case ERR_NOMEM:
    case ERR_DENIED:
        return true;
    case ERR_OK:
    case ERR_SHORT:
    case ERR_FORMAT:
    case ERR_RANGE:
    case ERR_TIMEOUT:
    case ERR_CLOSED:
    case ERR_NOT_FOUND:
    case ERR_EXISTS:
    case ERR_UNSUPPORTED:
    case ERR_STATE:
        break;
    }
    return false;
}

enum err sql_backup(struct sql *sql, const char *path, struct text *why)
{
    return db_backup(sql->db, path, why);
}
