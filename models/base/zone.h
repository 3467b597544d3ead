/*
 * Time zones, without asking the machine for anything: a zone is read from the bytes of a TZif
 * file (RFC 8536) that the caller fetched; after its last transition the footer's POSIX rule goes
 * on for ever.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/civil.h"
#include "models/base/err.h"
#include "models/base/text.h"

struct zone;

/* Parses TZif bytes; the zone lives in arena. ERR_FORMAT. */
enum err zone_read(struct arena *arena, const char *name, const void *bytes, size_t size,
                   const struct zone **ret_zone) MUST_CHECK;
/* UTC itself; never NULL. */
const struct zone *zone_utc(void);
const char *zone_name(const struct zone *zone);
/* Seconds east of Greenwich at an instant (ms since 1970 UTC). */
int32_t zone_offset_s(const struct zone *zone, int64_t utc_ms);
struct civil zone_civil(const struct zone *zone, int64_t utc_ms);
/* The day (since 1970) and ms since local midnight on the wall clock. */
int32_t zone_day(const struct zone *zone, int64_t utc_ms);
/*
 * The instant at which the zone's wall clock shows day and ms_of_day (0 … 86400000). A time that
 * does not exist (spring) gives the instant of the jump; one that exists twice the first.
 */
int64_t zone_instant(const struct zone *zone, int32_t day, int64_t ms_of_day);
/* RFC 3339 with offset and milliseconds only if not zero: 2026-11-24T15:04:05+08:00. */
void zone_write(const struct zone *zone, int64_t utc_ms, struct text *to);
