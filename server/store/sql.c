/* The seam: which kind of database it is, and what is the same for all. */
#include "server/store/sql.h"

#include <stdlib.h>
#include <string.h>

#include "server/store/sql_int.h"

static const struct sql_ops *const kinds_of_database[] = {&sql_sqlite_ops, &sql_pg_ops};

static const struct sql_ops *ops_of(const char *url)
{
    for (size_t i = 0; i < sizeof(kinds_of_database) / sizeof(kinds_of_database[0]); i++) {
        size_t size = strlen(kinds_of_database[i]->scheme);

        if (strncmp(url, kinds_of_database[i]->scheme, size) == 0 && url[size] == ':') {
            return kinds_of_database[i];
        }
    }
    return NULL;
}

enum err sql_open(const char *url, enum sql_mode mode, struct sql **ret_sql, struct text *why)
{
    const struct sql_ops *ops = ops_of(url);
    struct sql *sql;
    enum err err;

    if (!ops) {
        return text_say(why, ERR_UNSUPPORTED,
                        "expected sqlite:PATH or postgresql://… as database, found %s", url);
    }
    sql = calloc(1, sizeof(*sql));
    if (!sql) {
        return ERR_NOMEM;
    }
    sql->ops = ops;
    err = ops->open(url, mode, &sql->self, why);
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
        sql->ops->close(sql->self);
        free(sql);
    }
}

enum err sql_begin(struct sql *sql)
{
    return sql->ops->begin(sql->self);
}

enum err sql_commit(struct sql *sql)
{
    return sql->ops->commit(sql->self);
}

void sql_rollback(struct sql *sql)
{
    sql->ops->rollback(sql->self);
}

enum err sql_save(struct sql *sql)
{
    return sql_run(sql, "SAVEPOINT step", "");
}

void sql_release(struct sql *sql)
{
    (void)!sql_run(sql, "RELEASE step", "");
}

void sql_undo(struct sql *sql)
{
    (void)!sql_run(sql, "ROLLBACK TO step", "");
    (void)!sql_run(sql, "RELEASE step ", "");
}

enum err sql_script(struct sql *sql, const char *statements)
{
    return sql->ops->script(sql->self, statements);
}

enum err sql_run(struct sql *sql, const char *statement, const char *kinds, ...)
{
    va_list list;
    enum err err;

    va_start(list, kinds);
    err = sql->ops->run(sql->self, statement, kinds, list);
    va_end(list);
    return err;
}

void sql_find(struct sql *sql, struct sql_rows *rows, const char *statement, const char *kinds, ...)
{
    va_list list;

    *rows = (struct sql_rows){.sql = sql};
    va_start(list, kinds);
    sql->ops->find(sql->self, rows, statement, kinds, list);
    va_end(list);
}

bool sql_next(struct sql_rows *rows)
{
    return rows->sql->ops->next(rows);
}

int64_t sql_int(const struct sql_rows *rows, int column)
{
    return rows->sql->ops->integer(rows, column);
}

double sql_real(const struct sql_rows *rows, int column)
{
    return rows->sql->ops->real(rows, column);
}

const char *sql_text(const struct sql_rows *rows, int column)
{
    return rows->sql->ops->text(rows, column);
}

const void *sql_blob(const struct sql_rows *rows, int column, size_t *ret_size)
{
    return rows->sql->ops->blob(rows, column, ret_size);
}

bool sql_null(const struct sql_rows *rows, int column)
{
    return rows->sql->ops->null(rows, column);
}

enum err sql_end(struct sql_rows *rows)
{
    enum err err = rows->sql->ops->end(rows);

    rows->result = NULL;
    return err;
}

int64_t sql_find_int(struct sql *sql, int64_t fallback, const char *statement, const char *kinds,
                     ...)
{
    struct sql_rows rows = {.sql = sql};
    va_list list;

    va_start(list, kinds);
    sql->ops->find(sql->self, &rows, statement, kinds, list);
    va_end(list);
    if (sql_next(&rows) && !sql_null(&rows, 0)) {
        fallback = sql_int(&rows, 0);
    }
    (void)!sql_end(&rows);
    return fallback;
}

int64_t sql_changes(struct sql *sql)
{
    return sql->ops->changes(sql->self);
}

int64_t sql_total_changes(struct sql *sql)
{
    return sql->ops->total_changes(sql->self);
}

int64_t sql_last_id(struct sql *sql)
{
    return sql->ops->last_id(sql->self);
}

enum err sql_freeze(struct sql *sql, const char *table, const char *unless)
{
    return sql->ops->freeze(sql->self, table, "UPDATE", unless);
}

enum err sql_seal(struct sql *sql, const char *table)
{
    enum err err = sql_freeze(sql, table, NULL);

    return err ? err : sql->ops->freeze(sql->self, table, "DELETE", NULL);
}

int64_t sql_tables(struct sql *sql, const char *name)
{
    return sql->ops->tables(sql->self, name);
}

int64_t sql_version(struct sql *sql)
{
    return sql->ops->version(sql->self);
}

const char *sql_why(struct sql *sql)
{
    return sql->ops->why(sql->self);
}

bool sql_is_broken(struct sql *sql)
{
    switch (sql->ops->trouble(sql->self)) {
    case ERR_FULL:
    case ERR_BUSY:
    case ERR_IO:
    case ERR_NOMEM:
    case ERR_DENIED:
    case ERR_CLOSED:
        return true;
    case ERR_OK:
    case ERR_SHORT:
    case ERR_FORMAT:
    case ERR_RANGE:
    case ERR_TIMEOUT:
    case ERR_NOT_FOUND:
    case ERR_EXISTS:
    case ERR_FORBIDDEN:
    case ERR_UNSUPPORTED:
    case ERR_STATE:
        break;
    }
    return false;
}

enum err sql_backup(struct sql *sql, const char *path, struct text *why)
{
    return sql->ops->backup(sql->self, path, why);
}
