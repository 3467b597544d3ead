/*
 * The one writing thread: jobs from a bounded queue, many to a transaction. What a job wrote is
 * there only when its transaction has been committed; then its `done` runs.
 *
 * A job that fails takes nobody along: an `apart` job is undone by its savepoint, any other is left
 * out and the rest of its batch is done again. When the database itself fails (locked, full, broken)
 * nothing of the batch is done; a lock is waited for, anything else is told to the jobs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "server/store/sql.h"

struct committer;

/* work runs on the committing thread inside the transaction and may run again after it was undone;
 * an error undoes this job alone. done runs there too, after the commit (outcome ERR_OK), or when
 * the job or its commit failed. */
struct committer_job {
    enum err (*work)(struct sql *sql, int64_t now_ms, void *argument);
    void (*done)(void *argument, enum err outcome);
    void *argument;
    size_t bytes;
    bool apart; /* changes nothing in memory beside its rows */
};

struct committer_options {
    struct sql *sql; /* the writing connection; the committer's thread alone uses it while it runs */
    size_t jobs_most, bytes_most; /* ceilings of the queue */
    size_t batch_most;            /* jobs in a transaction; preset 2000 */
    /* Called on the committing thread between transactions, inside one of its own, at least once a
     * second: timers of the desk, packing. *io_next_ms: the wall-clock ms at which it wants to be
     * called again. An error undoes the turn. */
    enum err (*turn)(struct sql *sql, int64_t now_ms, int64_t *io_next_ms, void *context);
    void *context;
    /* The last step of every transaction of jobs: what they changed in memory becomes rows. */
    enum err (*before)(struct sql *sql, int64_t now_ms, size_t jobs, void *context);
    /* Told when a transaction was undone: what was kept in memory beside it is stale. */
    void (*undone)(struct sql *sql, void *context);
    /* Told after every commit, once the jobs are done; wrote: something changed. */
    void (*committed)(struct sql *sql, bool wrote, void *context);
};

enum err committer_open(const struct committer_options *options, struct committer **ret_committer,
                        struct text *why) MUST_CHECK;
/* No more jobs (committer_put: ERR_CLOSED); what is queued is still committed, unless the database
 * fails; then the thread has ended. */
void committer_stop(struct committer *committer);
/* committer_stop, and all is let go; nobody may call any more. */
void committer_close(struct committer *committer);
/* Gives a job, which must stay where it is until its done has been called. ERR_FULL after wait_ms,
 * ERR_CLOSED when stopping; then done is not called. */
enum err committer_put(struct committer *committer, struct committer_job *job,
                       int64_t wait_ms) MUST_CHECK;
/* Does apart work on the committing thread and waits for its commit: for writes of the API. */
enum err committer_do(struct committer *committer,
                      enum err (*work)(struct sql *sql, int64_t now_ms, void *argument),
                      void *argument) MUST_CHECK;
size_t committer_waiting(struct committer *committer);
