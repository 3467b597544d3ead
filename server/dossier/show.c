/* Rows as JSON. */
#include "server/dossier/show.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/base/text.h"

static void put_instant(struct json_out *out, const struct zone *zone, int64_t ms)
{
    TEXT(words, 48);

    zone_write(zone, ms, &words);
    json_put_text(out, words.at);
}

static void put_day(struct json_out *out, int32_t day)
{
    char words[11];

    civil_write_date(day, words);
    json_put_text(out, words);
}

static void put_words(struct json_out *out, const struct sql_rows *rows, int column)
{
    const char *en = sql_text(rows, column), *zh = sql_text(rows, column + 1);

    json_open_object(out);
    json_text(out, "en", sql_null(rows, column) ? zh : en);
    json_text(out, "zh", sql_null(rows, column + 1) ? en : zh);
    json_close_object(out);
}

static void put_value(struct json_out *out, const struct zone *zone, const struct sql_rows *rows, int column, char kind)
{
    if (sql_null(rows, column) && kind != '2') {
        json_put_null(out);
    } else if (kind == 't') {
        json_put_text(out, sql_text(rows, column));
    } else if (kind == 'i') {
        json_put_int(out, sql_int(rows, column));
    } else if (kind == 'r') {
        json_put_number(out, sql_real(rows, column));
    } else if (kind == 'm') {
        put_instant(out, zone, sql_int(rows, column));
    } else if (kind == 'd') {
        put_day(out, (int32_t)sql_int(rows, column));
    } else if (kind == 'j') {
        json_put_raw(out, sql_text(rows, column), strlen(sql_text(rows, column)));
    } else if (kind == 'b') {
        json_put_bool(out, sql_int(rows, column) != 0);
    } else {
        put_words(out, rows, column);
    }
}

static void put_fields(struct json_out *out, const struct zone *zone, const struct sql_rows *rows, const char *columns)
{
    int column = 0;

    for (const char *at = columns; *at; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        char name[40];
        TEXT(words, 40);

        text_add_bytes(&words, at + 1, size - 1);
        (void)!text_copy(name, sizeof(name), words.at);
        json_key(out, name);
        put_value(out, zone, rows, column, at[0]);
        column += at[0] == '2' ? 2 : 1;
        at += size;
    }
}

enum err show_rows(struct json_out *out, const struct zone *zone, struct sql_rows *rows, const char *columns)
{
    while (sql_next(rows)) {
        json_open_object(out);
        put_fields(out, zone, rows, columns);
        json_close_object(out);
    }
    return sql_end(rows);
}

enum err show_list(struct json_out *out, const char *name, const struct zone *zone, struct sql_rows *rows,
                   const char *columns)
{
    enum err err;

    json_key(out, name);
    json_open_list(out);
    err = show_rows(out, zone, rows, columns);
    json_close_list(out);
    return err ? err : out->err;
}

enum err show_row(struct json_out *out, const struct zone *zone, struct sql_rows *rows, const char *columns)
{
    bool found = sql_next(rows);
    enum err err;

    if (found) {
        put_fields(out, zone, rows, columns);
    }
    err = sql_end(rows);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
