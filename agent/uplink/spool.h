/*
 * Messages on disk until the server has them. One thread owns the file; everything reaches it through
 * a queue of parcels. What is to be sent comes out of another queue.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/parcel/parcel.h"
#include "host/queue.h"
#include "models/base/err.h"
#include "models/base/text.h"

struct spool;

enum spool_policy { SPOOL_POLICY_THIN, SPOOL_POLICY_DROP, SPOOL_POLICY_STOP };

struct spool_options {
    const char *path;
    int64_t bytes_most; /* of all files whose names begin with path */
    enum spool_policy policy;
};

#define SPOOL_LEARNED_MOST 256

struct spool_figures {
    int64_t messages, bytes, oldest_ms; /* oldest_ms: 0 when empty */
    int64_t dropped, failures;
};

struct letter { /* one message on its way; owned by who took it: letter_free */
    int64_t id;
    enum channel_of { LETTER_DATA, LETTER_EVENT, LETTER_REPLY } channel;
    char *bytes;
    size_t size;
};

void letter_free(void *letter);

enum err spool_open(const struct spool_options *options, struct spool **ret_spool,
                    struct text *why) MUST_CHECK;
/* Writes what waits, ends the thread. */
void spool_close(struct spool *spool);
/* Gives a parcel; waits up to wait_ms at the ceiling, then drops it and counts. */
void spool_give(struct spool *spool, struct parcel *parcel, int64_t wait_ms);
/* Where letters come out: events and replies (urgent), and data by number. */
struct queue *spool_letters(struct spool *spool, bool urgent);
/* Faults and silences that were open when the program last ended. Valid until spool_close. */
const struct open_fault *spool_open_faults(const struct spool *spool, size_t *ret_count);
/* As they stood when the program last ended, at most SPOOL_LEARNED_MOST. Valid until spool_close. */
const struct learned *spool_learned(const struct spool *spool, size_t *ret_count);
const char *spool_epoch(const struct spool *spool);
void spool_figures(struct spool *spool, struct spool_figures *ret_figures);
/* A command's id, remembered for good (the last 1000). ERR_EXISTS when it was known. Waits for the
 * disk. Without a reply it is answered with `unknown` at the next start. */
enum err spool_remember(struct spool *spool, const char *command) MUST_CHECK;
/* Counts a write against its point's budget and rate; the intent is on disk when this is ERR_OK. */
enum err spool_intend(struct spool *spool, const char *command, const char *equipment,
                      const char *point, int64_t budget, int64_t rate_ms,
                      struct text *why) MUST_CHECK;
/* true while it would give more letters, had their queues room: it wants PARCEL_ROOM then. */
bool spool_is_starved(struct spool *spool);
/* false while the policy says that sampling has to stop, or the disk takes nothing and memory is
 * nearly full. A reading that is given all the same is kept if there is room. */
bool spool_wants_readings(struct spool *spool);
