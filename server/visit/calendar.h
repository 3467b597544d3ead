/*
 * iCalendar feeds of visits and appointments by libical. Every event keeps its UID for ever; its SEQUENCE rises with every
 * change of what it says; what was called off is there as STATUS:CANCELLED. A visit is one event: a whole day while it is
 * planned, its appointment once there is one (in UTC, so that no reader's idea of a time zone can move it).
 */
#pragma once

#include "models/base/err.h"
#include "models/base/json.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

/* kind: technician, team or site; name: its id in the fleet file. The text is owned by the caller
 * (free). */
enum err calendar_feed(struct sql *sql, struct rules *rules, const char *kind, const char *name, int64_t now_ms,
                       char **ret_text) MUST_CHECK;
/* The secret token of a feed, made when there is none (or none that was not revoked). token has room for 40 bytes. */
enum err calendar_token(struct sql *sql, const char *kind, const char *name, const char *who, int64_t now_ms,
                        char token[40]) MUST_CHECK;
