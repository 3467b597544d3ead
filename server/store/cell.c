/* Cells as JSON. */
#include "server/store/cell.h"

#include "models/base/civil.h"

void cell_int(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    if (sql_null(rows, column)) {
        json_null(out, name);
    } else {
        json_int(out, name, sql_int(rows, column));
    }
}

void cell_time(struct json_out *out, const char *name, const struct zone *zone, const struct sql_rows *rows, int column)
{
    TEXT(words, 48);

    if (!sql_null(rows, column)) {
        zone_write(zone, sql_int(rows, column), &words);
    }
    json_text(out, name, words.length ? words.at : NULL);
}

void cell_day(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    char words[11];

    if (!sql_null(rows, column)) {
        civil_write_date((int32_t)sql_int(rows, column), words);
    }
    json_text(out, name, sql_null(rows, column) ? NULL : words);
}
