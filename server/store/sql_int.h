/*
 * What a kind of database has to offer: one table of functions a kind, the whole of its face. Each
 * function means what its namesake in sql.h says; self is what open gave.
 */
#pragma once

#include "server/store/sql.h"

struct sql_ops {
    const char *scheme; /* what stands before the colon of the URL */
    enum err (*open)(const char *url, enum sql_mode mode, void **ret_self, struct text *why);
    void (*close)(void *self);
    enum err (*begin)(void *self);
    enum err (*commit)(void *self);
    void (*rollback)(void *self);
    enum err (*script)(void *self, const char *statements);
    enum err (*run)(void *self, const char *statement, const char *kinds, va_list list);
    /* Sets rows->result (NULL when there is none) and rows->err. */
    void (*find)(void *self, struct sql_rows *rows, const char *statement, const char *kinds,
                 va_list list);
    bool (*next)(struct sql_rows *rows);
    int64_t (*integer)(const struct sql_rows *rows, int column);
    double (*real)(const struct sql_rows *rows, int column);
    const char *(*text)(const struct sql_rows *rows, int column);
    const void *(*blob)(const struct sql_rows *rows, int column, size_t *ret_size);
    bool (*null)(const struct sql_rows *rows, int column);
    enum err (*end)(struct sql_rows *rows);
    int64_t (*changes)(void *self);
    int64_t (*total_changes)(void *self);
    int64_t (*last_id)(void *self);
    enum err (*freeze)(void *self, const char *table, const char *event, const char *unless); /* UPDATE DELETE */
    int64_t (*tables)(void *self, const char *name);
    int64_t (*version)(void *self);
    const char *(*why)(void *self);
    enum err (*trouble)(void *self);
    enum err (*backup)(void *self, const char *path, struct text *why);
};

extern const struct sql_ops sql_sqlite_ops;
extern const struct sql_ops sql_pg_ops;
