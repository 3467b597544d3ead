/* Stored messages taken up again, from the journal. */
#pragma once

#include "server/ingest/inbound.h"

/* Last values, times and stored numbers are written once a second: the journal has what a crash took
 * of them. They are written anew before the packer takes a row out of it. */
enum err replay_after_crash(struct pipeline *pipeline, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* The stream's clock was wrong by offset_ms until now: its unsynced messages get their real times,
 * and those of an agent that does not grade are judged, as history. */
enum err replay_after_clockfix(struct pipeline *pipeline, struct sql *sql,
                               struct known_agent *agent, struct known_stream *stream,
                               int64_t offset_ms, int64_t now_ms) MUST_CHECK;
