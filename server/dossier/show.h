/* Rows of a query as JSON, by a line that names the columns: what all files of this room are made of. */
#pragma once

#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/store/sql.h"

/*
 * Each row as an object. columns: a letter and a name for each column, with blanks between: t text, i whole number, r number,
 * m instant (ms), d day, j JSON, b true or false (a number), 2 words {en, zh} (this column and the next).
 * The rows are ended.
 */
enum err show_rows(struct json_out *out, const struct zone *zone, struct sql_rows *rows, const char *columns) MUST_CHECK;
/* The same as a list under that name. */
enum err show_list(struct json_out *out, const char *name, const struct zone *zone, struct sql_rows *rows,
                   const char *columns) MUST_CHECK;
/* The fields of the first row alone, into the object that is open. ERR_NOT_FOUND: there is none. */
enum err show_row(struct json_out *out, const struct zone *zone, struct sql_rows *rows, const char *columns) MUST_CHECK;
