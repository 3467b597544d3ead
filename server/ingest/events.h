/* What an event brings about: alarms, tombstones, clocks that were put right. */
#pragma once

#include "server/ingest/inbound.h"

/* ERR_DENIED when it speaks for another agent's equipment; nothing has changed then. */
enum err events_take(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                     struct known_stream *stream, struct inbound *inbound,
                     int64_t now_ms) MUST_CHECK;
