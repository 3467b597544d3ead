/*
 * Moves messages of closed hours out of the journal into packed hours, a slice at a time, one stream's
 * messages at once, so that an hour's chunk is written once and not sample by sample.
 *
 * The packer goes round: when an hour has closed, over all streams; in between over those that
 * brought old data, once they have been quiet about it for a minute. It knows from memory what to look
 * at, never by searching the journal. Belongs to the committing thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/err.h"
#include "server/store/sql.h"

struct packer;

enum err packer_open(struct packer **ret_packer) MUST_CHECK;
void packer_close(struct packer *packer);
/* A message of this stream was put into the journal; the youngest of its readings is of most_ms. */
void packer_note(struct packer *packer, int64_t stream, int64_t most_ms, int64_t now_ms);
/* Packs one slice (some 20 ms) inside the caller's transaction; *ret_more tells that there is more to
 * do now. A message is packed when all its readings lie in hours that ended more than 5 minutes ago;
 * one whose clock was wrong waits up to a day for its correction. */
enum err packer_turn(struct packer *packer, struct sql *sql, int64_t now_ms,
                     bool *ret_more) MUST_CHECK;
