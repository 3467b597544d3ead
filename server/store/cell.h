/* A cell of a row as a field of JSON; what is NULL there is null here. */
#pragma once

#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/store/sql.h"

void cell_int(struct json_out *out, const char *name, const struct sql_rows *rows, int column);
/* Milliseconds since 1970: RFC 3339 in that zone. */
void cell_time(struct json_out *out, const char *name, const struct zone *zone, const struct sql_rows *rows, int column);
/* Days since 1970: 2026-11-25. */
void cell_day(struct json_out *out, const char *name, const struct sql_rows *rows, int column);
