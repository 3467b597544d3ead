/* iCalendar feeds of visits and appointments by libical: stable UID, SEQUENCE that grows. */
#pragma once

#include "models/base/err.h"
#include "models/base/json.h"
#include "server/store/sql.h"

/* kind: technician, team or site; name: its id in the fleet file. The text is owned by the caller
 * (free). */
enum err calendar_feed(struct sql *sql, const char *kind, const char *name, int64_t now_ms,
                       char **ret_text) MUST_CHECK;
/* The secret token of a feed, made when there is none. token has room for 40 bytes. */
enum err calendar_token(struct sql *sql, const char *kind, const char *name, int64_t now_ms,
                        char token[40]) MUST_CHECK;
