/*
 * One message's way, from a decoded payload to everything that follows from it, inside one
 * transaction. Belongs to the committing thread.
 */
#pragma once

#include "server/ingest/inbound.h"

/* The steps, in order. */
enum err pipeline_take(struct pipeline *pipeline, struct sql *sql, struct inbound *inbound,
                       int64_t now_ms) MUST_CHECK;
/* Of one that could be read and is no status. */
const struct envelope *inbound_envelope(const struct inbound *inbound);
/* Before every commit: what the messages changed in memory becomes rows. */
enum err pipeline_save(struct pipeline *pipeline, struct sql *sql, int64_t now_ms,
                       bool all) MUST_CHECK;
/* After a commit: acks that are due, at most one a second for each agent (all: whatever is due, at
 * once). Returns the boot-clock ms at which to ask again. */
int64_t pipeline_acks(struct pipeline *pipeline, struct sql *sql, int64_t boot_ms, bool all);
/* What is known is read anew: at start, after an undone transaction, after a guest's writes. What a
 * crash took of the last second is mended from the journal. */
enum err pipeline_load(struct pipeline *pipeline, struct sql *sql, int64_t now_ms) MUST_CHECK;
