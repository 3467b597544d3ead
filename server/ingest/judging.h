/* Readings of agents that do not grade, judged here by the same rules. */
#pragma once

#include "server/ingest/inbound.h"

/* Judges the readings of one message (its places are known) in event time. *ret_late: readings older
 * than the youngest one judged before; they are stored and raise nothing. */
enum err judging_take(struct pipeline *pipeline, struct sql *sql, struct inbound *inbound,
                      int64_t now_ms, int64_t *ret_late) MUST_CHECK;
/* The message was judged before a crash: notes how far judging had come. */
void judging_note(struct pipeline *pipeline, const struct inbound *inbound, int64_t now_ms);
