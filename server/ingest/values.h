/* The readings of a data message: whose they are, when they were, last values, verdicts. */
#pragma once

#include "server/ingest/inbound.h"

/* Whose points they are; nothing but new rows of equipment and points is made here. */
enum err values_place(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                      struct inbound *inbound, int64_t now_ms) MUST_CHECK;
/* Puts the times of an unsynced message right, as far as the stream's clock is known; may be called
 * again. */
void values_correct(struct inbound *inbound, const struct known_stream *stream);
/* The times are believed: nothing unsynced, or put right. */
bool values_are_timed(const struct inbound *inbound, const struct known_stream *stream);
/* Last values and times. */
void values_note(struct pipeline *pipeline, struct inbound *inbound, int64_t now_ms);
