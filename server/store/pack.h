/*
 * Moves messages of closed hours out of the journal into packed hours, a slice at a time, one agent's
 * messages at once, so that an hour's chunk is written once and not sample by sample.
 */
#pragma once

#include <stdbool.h>

#include "models/base/err.h"
#include "server/store/sql.h"

/* Packs one slice inside the caller's transaction; *ret_more tells that there is more to do now. A
 * message is packed when all its readings lie in hours that ended more than 5 minutes ago. */
enum err pack_turn(struct sql *sql, int64_t now_ms, bool *ret_more) MUST_CHECK;
