/* The seam on SQLite (host/db). */
#include "host/db.h"
#include "server/store/sql_int.h"

static enum err open(const char *url, enum sql_mode mode, void **ret_self, struct text *why)
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
    struct db *db;
    enum err err = db_open(url + sizeof("sqlite:") - 1, &options, &db, why);

    if (!err) {
        *ret_self = db;
    }
    return err;
}

static void close(void *self)
{
    db_close(self);
}

static enum err begin(void *self)
{
    return db_begin(self);
}

static enum err commit(void *self)
{
    return db_commit(self);
}

static void rollback(void *self)
{
    db_rollback(self);
}

static enum err script(void *self, const char *statements)
{
    return db_script(self, statements);
}

static enum err run(void *self, const char *statement, const char *kinds, va_list list)
{
    return db_runv(self, statement, kinds, list);
}

static struct db_rows inner(const struct sql_rows *rows)
{
    return (struct db_rows){rows->sql->self, rows->result, rows->err};
}

static void find(void *self, struct sql_rows *rows, const char *statement, const char *kinds,
                 va_list list)
{
    struct db_rows found;

    db_findv(self, &found, statement, kinds, list);
    rows->result = found.statement;
    rows->err = found.err;
}

static bool next(struct sql_rows *rows)
{
    struct db_rows found = inner(rows);
    bool more = db_next(&found);

    rows->err = found.err;
    return more;
}

static int64_t integer(const struct sql_rows *rows, int column)
{
    struct db_rows found = inner(rows);

    return db_int(&found, column);
}

static double real(const struct sql_rows *rows, int column)
{
    struct db_rows found = inner(rows);

    return db_real(&found, column);
}

static const char *text(const struct sql_rows *rows, int column)
{
    struct db_rows found = inner(rows);

    return db_text(&found, column);
}

static const void *blob(const struct sql_rows *rows, int column, size_t *ret_size)
{
    struct db_rows found = inner(rows);

    return db_blob(&found, column, ret_size);
}

static bool null(const struct sql_rows *rows, int column)
{
    struct db_rows found = inner(rows);

    return db_null(&found, column);
}

static enum err end(struct sql_rows *rows)
{
    struct db_rows found = inner(rows);

    return db_end(&found);
}

static int64_t changes(void *self)
{
    return db_changes(self);
}

static int64_t total_changes(void *self)
{
    return db_total_changes(self);
}

static int64_t last_id(void *self)
{
    return db_last_id(self);
}

static int64_t first_number(struct db_rows *found)
{
    int64_t number = db_next(found) ? db_int(found, 0) : 0;

    (void)!db_end(found);
    return number;
}

static enum err freeze(void *self, const char *table, const char *event, const char *unless)
{
    TEXT(words, 400);

    text_addf(&words,
              "CREATE TRIGGER IF NOT EXISTS %s_%s BEFORE %s ON %s WHEN NOT (%s) BEGIN SELECT RAISE(ABORT,"
              " 'rows of %s are never changed'); END",
              table, *event == 'D' ? "kept" : "frozen", event, table, unless ? unless : "0", table);
    return db_script(self, words.at);
}

static int64_t tables(void *self, const char *name)
{
    struct db_rows found;

    db_find(self, &found,
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND (?1 IS NULL OR name = ?1)",
            "t", name);
    return first_number(&found);
}

static int64_t version(void *self)
{
    struct db_rows found;

    db_find(self, &found, "PRAGMA data_version", "");
    return first_number(&found);
}

static const char *why(void *self)
{
    return db_why(self);
}

static enum err trouble(void *self)
{
    return db_trouble(self);
}

static enum err backup(void *self, const char *path, struct text *why_not)
{
    return db_backup(self, path, why_not);
}

const struct sql_ops sql_sqlite_ops = {
    .scheme = "sqlite",
    .open = open,
    .close = close,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .script = script,
    .run = run,
    .find = find,
    .next = next,
    .integer = integer,
    .real = real,
    .text = text,
    .blob = blob,
    .null = null,
    .end = end,
    .changes = changes,
    .total_changes = total_changes,
    .last_id = last_id,
    .freeze = freeze,
    .tables = tables,
    .version = version,
    .why = why,
    .trouble = trouble,
    .backup = backup,
};
