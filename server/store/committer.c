/* The writing thread. */
#include "server/store/committer.h"

#include <pthread.h>
#include <stdlib.h>

#include "host/clock.h"
#include "host/log.h"
#include "host/queue.h"
#include "server/store/metrics.h"

#define TURN_MOST_MS 1000
#define BATCH_MS     25 /* no transaction waits longer for company */

struct committer {
    struct committer_options options;
    struct sql *sql;
    struct queue *queue;
    pthread_t thread;
    bool running;
    struct committer_job **batch;
    size_t count;
    enum err *outcomes;
    int64_t turn_ms; /* wall clock: the next turn */
};

static enum err finish(struct committer *committer, size_t jobs)
{
    enum err err = committer->options.before
                       ? committer->options.before(committer->sql, clock_wall_ms(), jobs,
                                                   committer->options.context)
                       : ERR_OK;

    return err ? err : sql_commit(committer->sql);
}

static void undo(struct committer *committer)
{
    sql_rollback(committer->sql);
    if (committer->options.undone) {
        committer->options.undone(committer->options.context);
    }
}

/* Each job alone in its transaction: the one that fails takes nobody along. */
static void commit_singly(struct committer *committer)
{
    for (size_t i = 0; i < committer->count; i++) {
        struct committer_job *job = committer->batch[i];
        enum err err = sql_begin(committer->sql);

        if (!err) {
            err = job->work(committer->sql, clock_wall_ms(), job->argument);
        }
        if (!err) {
            err = finish(committer, 1);
        }
        if (err) {
            undo(committer);
        }
        committer->outcomes[i] = err;
    }
}

static enum err commit_together(struct committer *committer)
{
    int64_t now_ms = clock_wall_ms();
    enum err err = sql_begin(committer->sql);

    for (size_t i = 0; !err && i < committer->count; i++) {
        err = committer->batch[i]->work(committer->sql, now_ms, committer->batch[i]->argument);
        committer->outcomes[i] = err;
    }
    if (!err) {
        err = finish(committer, committer->count);
    }
    if (err) {
        undo(committer);
    }
    return err;
}

static void commit_batch(struct committer *committer)
{
    enum err err;

    if (committer->count == 0) {
        return;
    }
    err = commit_together(committer);
    if (err) {
        if (committer->count > 1) {
            commit_singly(committer);
        } else {
            committer->outcomes[0] = err;
        }
    }
    metric_add(METRIC_COMMITS, 1);
    for (size_t i = 0; i < committer->count; i++) {
        struct committer_job *job = committer->batch[i];

        if (committer->outcomes[i] &&
            (committer->outcomes[i] == ERR_IO || committer->outcomes[i] == ERR_FULL ||
             committer->outcomes[i] == ERR_BUSY)) {
            metric_add(METRIC_COMMIT_FAILURES, 1);
            log_error("the database cannot be written: %s (%s); agents keep what is not stored",
                      err_text(committer->outcomes[i]), sql_why(committer->sql));
        }
        if (job->done) {
            job->done(job->argument, committer->outcomes[i]);
        }
        free(job);
    }
    committer->count = 0;
    if (committer->options.committed) {
        committer->options.committed(committer->options.context);
    }
}

static void take_turn(struct committer *committer)
{
    int64_t now_ms = clock_wall_ms(), next_ms = now_ms + TURN_MOST_MS;
    enum err err = sql_begin(committer->sql);

    if (!err) {
        next_ms = committer->options.turn(committer->sql, now_ms, committer->options.context);
        err = sql_commit(committer->sql);
    }
    if (err) {
        metric_add(METRIC_COMMIT_FAILURES, 1);
        log_error("the database cannot be written: %s (%s)", err_text(err),
                  sql_why(committer->sql));
        undo(committer);
    } else if (committer->options.committed) {
        committer->options.committed(committer->options.context);
    }
    committer->turn_ms = next_ms < now_ms + TURN_MOST_MS ? next_ms : now_ms + TURN_MOST_MS;
}

/* Fills the batch: the first job is waited for, the others must be there already. */
static enum err collect(struct committer *committer)
{
    int64_t wait_ms = committer->turn_ms - clock_wall_ms(), until_ms;
    void *job;
    enum err err = queue_take(committer->queue, wait_ms > 0 ? wait_ms : 0, &job);

    if (err) {
        return err;
    }
    committer->batch[committer->count++] = job;
    until_ms = clock_boot_ms() + BATCH_MS;
    while (committer->count < committer->options.batch_most && clock_boot_ms() < until_ms &&
           !queue_take(committer->queue, 0, &job)) {
        committer->batch[committer->count++] = job;
    }
    return ERR_OK;
}

static void *run(void *context)
{
    struct committer *committer = context;

    for (;;) {
        enum err err = collect(committer);

        commit_batch(committer);
        metric_set(METRIC_QUEUE, (int64_t)queue_count(committer->queue));
        if (err == ERR_CLOSED) {
            return NULL;
        }
        if (committer->options.turn && clock_wall_ms() >= committer->turn_ms) {
            take_turn(committer);
        }
    }
}

enum err committer_open(const struct committer_options *options, struct committer **ret_committer,
                        struct text *why)
{
    struct committer *committer = calloc(1, sizeof(*committer));
    enum err err;

    if (!committer) {
        return ERR_NOMEM;
    }
    committer->options = *options;
    if (committer->options.batch_most == 0) {
        committer->options.batch_most = 500;
    }
    committer->sql = options->sql;
    committer->batch = calloc(committer->options.batch_most, sizeof(struct committer_job *));
    committer->outcomes = calloc(committer->options.batch_most, sizeof(*committer->outcomes));
    err = committer->batch && committer->outcomes
              ? queue_open(options->jobs_most, options->bytes_most, &committer->queue)
              : ERR_NOMEM;
    if (!err) {
        err = pthread_create(&committer->thread, NULL, run, committer) ? ERR_NOMEM : ERR_OK;
        committer->running = !err;
    }
    if (err) {
        text_say(why, err, "the writing thread cannot start: %s", err_text(err));
        committer_close(committer);
        return err;
    }
    *ret_committer = committer;
    return ERR_OK;
}

void committer_close(struct committer *committer)
{
    if (!committer) {
        return;
    }
    if (committer->running) {
        queue_stop(committer->queue);
        pthread_join(committer->thread, NULL);
    }
    queue_close(committer->queue, free);
    free(committer->batch);
    free(committer->outcomes);
    free(committer);
}

enum err committer_put(struct committer *committer, const struct committer_job *job,
                       int64_t wait_ms)
{
    struct committer_job *copy = malloc(sizeof(*copy));
    enum err err;

    if (!copy) {
        return ERR_NOMEM;
    }
    *copy = *job;
    err = queue_put(committer->queue, copy, job->bytes + sizeof(*copy), wait_ms);
    if (err) {
        free(copy);
    }
    return err;
}

struct wait {
    enum err (*work)(struct sql *sql, int64_t now_ms, void *argument);
    void *argument;
    enum err outcome;
    struct queue *done;
};

static enum err wait_work(struct sql *sql, int64_t now_ms, void *argument)
{
    struct wait *wait = argument;

    return wait->work(sql, now_ms, wait->argument);
}

static void wait_done(void *argument, enum err outcome)
{
    struct wait *wait = argument;

    wait->outcome = outcome;
    (void)!queue_put(wait->done, wait, 0, -1);
}

enum err committer_do(struct committer *committer,
                      enum err (*work)(struct sql *sql, int64_t now_ms, void *argument),
                      void *argument)
{
    struct wait wait = {.work = work, .argument = argument};
    struct committer_job job = {wait_work, wait_done, &wait, 0};
    enum err err = queue_open(1, 1, &wait.done);
    void *back;

    if (err) {
        return err;
    }
    err = committer_put(committer, &job, 5000);
    if (!err) {
        err = queue_take(wait.done, -1, &back);
    }
    queue_close(wait.done, NULL);
    return err ? err : wait.outcome;
}

size_t committer_waiting(struct committer *committer)
{
    return queue_count(committer->queue);
}
