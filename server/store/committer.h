/*
 * The one writing thread: jobs from a bounded queue, many to a transaction. What a job wrote is
 * there only when its transaction has been committed; then its `done` runs.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "server/store/sql.h"

struct committer;

/* work runs on the committing thread inside the transaction; an error undoes this job alone.
 * done runs there too, after the commit (outcome ERR_OK), or when the job or its commit failed. */
struct committer_job {
    enum err (*work)(struct sql *sql, int64_t now_ms, void *argument);
    void (*done)(void *argument, enum err outcome);
    void *argument;
    size_t bytes;
};

struct committer_options {
    struct sql *sql; /* the writing connection; the committer's thread alone uses it while it runs */
    size_t jobs_most, bytes_most; /* ceilings of the queue */
    size_t batch_most;            /* jobs in a transaction; preset 500 */
    /* Called on the committing thread between transactions, inside one of its own, at least once a
     * second: timers of the desk, packing. Returns the wall-clock ms it wants to be called again. */
    int64_t (*turn)(struct sql *sql, int64_t now_ms, void *context);
    void *context;
    /* The last step of every transaction of jobs: what they changed in memory becomes rows. */
    enum err (*before)(struct sql *sql, int64_t now_ms, size_t jobs, void *context);
    /* Told when a transaction was undone: what was kept in memory beside it is stale. */
    void (*undone)(void *context);
    /* Told after every commit (on the committing thread). May be NULL. */
    void (*committed)(void *context);
};

enum err committer_open(const struct committer_options *options, struct committer **ret_committer,
                        struct text *why) MUST_CHECK;
/* Finishes what is queued, commits, ends the thread. */
void committer_close(struct committer *committer);
/* Gives a job. ERR_FULL after wait_ms, ERR_CLOSED when stopping; then done is not called. */
enum err committer_put(struct committer *committer, const struct committer_job *job,
                       int64_t wait_ms) MUST_CHECK;
/* Does work on the committing thread and waits for its commit: for writes of the API. */
enum err committer_do(struct committer *committer,
                      enum err (*work)(struct sql *sql, int64_t now_ms, void *argument),
                      void *argument) MUST_CHECK;
size_t committer_waiting(struct committer *committer);
