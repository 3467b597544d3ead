/* The writing thread. */
#include "server/store/committer.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "host/clock.h"
#include "host/log.h"
#include "host/queue.h"
#include "server/store/metrics.h"

#define TURN_MOST_MS 1000
#define BATCH_MOST   2000
#define FLOOD        64    /* jobs that wait at once: then a transaction waits for more company … */
#define BATCH_MS     20    /* … but no longer than that */
#define BREATH_MS    4
#define LOCKED_MS    30000 /* how long a batch waits for somebody else's lock */

struct committer {
    struct committer_options options;
    struct sql *sql;
    struct queue *queue;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    bool failing;     /* the last transaction failed for the database's own trouble */
    bool one_left_out; /* in this attempt */
    struct committer_job **batch;
    enum err *outcomes;
    bool *left_out; /* failed by itself, or was told already */
    size_t count;
    int64_t turn_ms; /* wall clock: the next turn */
};

/* ------------------------------------------------------------------ one transaction */

static void undo(struct committer *committer)
{
    sql_rollback(committer->sql);
    if (committer->options.undone) {
        committer->options.undone(committer->sql, committer->options.context);
    }
}

static void leave_out(struct committer *committer, size_t index, enum err outcome)
{
    committer->left_out[index] = committer->one_left_out = true;
    committer->outcomes[index] = outcome;
}

/* One job inside the transaction. An error means that the transaction cannot go on. */
static enum err do_job(struct committer *committer, size_t index, int64_t now_ms)
{
    struct committer_job *job = committer->batch[index];
    enum err err = job->apart ? sql_save(committer->sql) : ERR_OK;

    if (err) {
        return err;
    }
    err = job->work(committer->sql, now_ms, job->argument);
    if (err && sql_is_broken(committer->sql)) {
        committer->failing = true;
        return err;
    }
    if (err) {
        leave_out(committer, index, err);
    }
    if (!job->apart) {
        return err;
    }
    if (err) {
        sql_undo(committer->sql);
    } else {
        sql_release(committer->sql);
        committer->turn_ms = 0; /* a command may have to go out */
    }
    return ERR_OK;
}

static enum err do_jobs(struct committer *committer)
{
    int64_t now_ms = clock_wall_ms();
    size_t done = 0;

    for (size_t i = 0; i < committer->count; i++) {
        enum err err = committer->left_out[i] ? ERR_OK : do_job(committer, i, now_ms);

        if (err) {
            return err;
        }
        done += !committer->left_out[i];
    }
    if (committer->options.before) {
        return committer->options.before(committer->sql, now_ms, done, committer->options.context);
    }
    return ERR_OK;
}

/* The batch without those that are left out. ERR_OK also when one more had to be left out: then
 * *ret_again. */
static enum err try_batch(struct committer *committer, bool *ret_again)
{
    enum err err = sql_begin(committer->sql);

    *ret_again = false;
    committer->failing = err != ERR_OK;
    committer->one_left_out = false;
    if (err) {
        return err;
    }
    err = do_jobs(committer);
    *ret_again = err && !committer->failing && committer->one_left_out;
    if (!err) {
        err = sql_commit(committer->sql);
        committer->failing = err != ERR_OK;
    }
    if (err) {
        undo(committer);
    }
    return *ret_again ? ERR_OK : err;
}

/* ------------------------------------------------------------------ a batch */

static void tell(struct committer *committer, size_t index, enum err outcome)
{
    struct committer_job *job = committer->batch[index];

    committer->batch[index] = NULL; /* from now on it may be gone */
    committer->left_out[index] = true;
    if (job->done) {
        job->done(job->argument, outcome);
    }
}

static void say_trouble(struct committer *committer, enum err err)
{
    metric_add(METRIC_COMMIT_FAILURES, 1);
    metric_add(METRIC_DATABASE_LOCKED, err == ERR_BUSY);
    metric_add(METRIC_DATABASE_FULL, err == ERR_FULL);
    if (err == ERR_BUSY) {
        log_error("the database is locked by another process; waiting, nothing is lost: agents keep "
                  "what is not stored");
    } else {
        log_error("the database cannot be written: %s (%s); agents keep what is not stored",
                  err_text(err), sql_why(committer->sql));
    }
}

/* Somebody waits for an answer to these: they are told now and not after the lock. */
static void give_up_apart(struct committer *committer)
{
    for (size_t i = 0; i < committer->count; i++) {
        if (committer->batch[i] && committer->batch[i]->apart) {
            tell(committer, i, ERR_BUSY);
        }
    }
}

static bool may_wait(const struct committer *committer, enum err err, int64_t since_ms)
{
    return err == ERR_BUSY && !atomic_load(&committer->stopping) &&
           clock_boot_ms() - since_ms < LOCKED_MS;
}

static void commit_batch(struct committer *committer)
{
    int64_t since_ms = clock_boot_ms();
    bool again = true;
    enum err err = ERR_OK;

    if (committer->failing && atomic_load(&committer->stopping)) {
        err = ERR_CLOSED; /* no more attempts: a stop takes seconds, not minutes */
        again = false;
    }
    while (again) {
        err = try_batch(committer, &again);
        if (err) {
            say_trouble(committer, err);
            give_up_apart(committer);
            again = may_wait(committer, err, since_ms);
        }
    }
    metric_add(METRIC_COMMITS, !err);
    for (size_t i = 0; i < committer->count; i++) {
        if (committer->batch[i]) {
            tell(committer, i, committer->left_out[i] ? committer->outcomes[i] : err);
        }
        committer->left_out[i] = false;
    }
    committer->count = 0;
    if (!err && committer->options.committed) {
        committer->options.committed(committer->sql, true, committer->options.context);
    }
}

static void drain(struct committer *committer)
{
    void *job;

    while (committer->count < committer->options.batch_most &&
           !queue_take(committer->queue, 0, &job)) {
        committer->batch[committer->count++] = job;
    }
}

/*
 * Fills the batch: the first job is waited for, the others must be there already. In a flood more of
 * them are let gather: what a commit costs is the same for many, and nearly the same for few.
 */
static enum err collect(struct committer *committer)
{
    int64_t wait_ms = committer->turn_ms - clock_wall_ms(), since_ms;
    void *job;
    enum err err;

    wait_ms = wait_ms < 0 ? 0 : wait_ms > TURN_MOST_MS ? TURN_MOST_MS : wait_ms;
    err = queue_take(committer->queue, wait_ms, &job);
    if (err) {
        return err;
    }
    committer->batch[committer->count++] = job;
    since_ms = clock_boot_ms();
    drain(committer);
    while (committer->count >= FLOOD && committer->count < committer->options.batch_most &&
           clock_boot_ms() - since_ms < BATCH_MS && !atomic_load(&committer->stopping)) {
        poll(NULL, 0, BREATH_MS);
        drain(committer);
    }
    return ERR_OK;
}

/* ------------------------------------------------------------------ the thread */

static void take_turn(struct committer *committer)
{
    int64_t now_ms = clock_wall_ms(), next_ms = now_ms + TURN_MOST_MS;
    int64_t before = sql_total_changes(committer->sql);
    enum err err = sql_begin(committer->sql);

    committer->failing = err != ERR_OK;
    if (!err) {
        err = committer->options.turn(committer->sql, now_ms, &next_ms, committer->options.context);
        if (!err) {
            err = sql_commit(committer->sql);
        }
        if (err) {
            undo(committer);
        }
    }
    if (err) {
        say_trouble(committer, err);
        next_ms = now_ms + TURN_MOST_MS;
    } else if (committer->options.committed) {
        committer->options.committed(committer->sql, sql_total_changes(committer->sql) != before,
                                     committer->options.context);
    }
    committer->turn_ms = next_ms < now_ms + TURN_MOST_MS ? next_ms : now_ms + TURN_MOST_MS;
}

static bool turn_is_due(const struct committer *committer, int64_t now_ms)
{
    /* a wall clock that went back must not stop the turns */
    return now_ms >= committer->turn_ms || committer->turn_ms > now_ms + TURN_MOST_MS;
}

static void *run(void *context)
{
    struct committer *committer = context;

    for (;;) {
        enum err err = collect(committer);

        if (committer->count > 0) {
            commit_batch(committer);
        }
        metric_set(METRIC_QUEUE, (int64_t)queue_count(committer->queue));
        if (err == ERR_CLOSED) {
            return NULL;
        }
        if (committer->options.turn && !atomic_load(&committer->stopping) &&
            turn_is_due(committer, clock_wall_ms())) {
            take_turn(committer);
        }
    }
}

enum err committer_open(const struct committer_options *options, struct committer **ret_committer,
                        struct text *why)
{
    struct committer *committer = calloc(1, sizeof(*committer));
    size_t most = options->batch_most ? options->batch_most : BATCH_MOST;
    enum err err = ERR_NOMEM;

    if (!committer) {
        return ERR_NOMEM;
    }
    committer->options = *options;
    committer->options.batch_most = most;
    committer->sql = options->sql;
    committer->batch = calloc(most, sizeof(struct committer_job *));
    committer->outcomes = calloc(most, sizeof(*committer->outcomes));
    committer->left_out = calloc(most, sizeof(*committer->left_out));
    if (committer->batch && committer->outcomes && committer->left_out) {
        err = queue_open(options->jobs_most, options->bytes_most, &committer->queue);
    }
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

void committer_stop(struct committer *committer)
{
    if (committer && committer->running) {
        atomic_store(&committer->stopping, true);
        queue_stop(committer->queue);
        pthread_join(committer->thread, NULL);
        committer->running = false;
    }
}

void committer_close(struct committer *committer)
{
    if (!committer) {
        return;
    }
    committer_stop(committer);
    queue_close(committer->queue, NULL); /* empty: its thread drained it */
    free(committer->batch);
    free(committer->outcomes);
    free(committer->left_out);
    free(committer);
}

/* ------------------------------------------------------------------ jobs */

enum err committer_put(struct committer *committer, struct committer_job *job, int64_t wait_ms)
{
    return queue_put(committer->queue, job, job->bytes, wait_ms);
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
    struct committer_job job = {
        .work = wait_work, .done = wait_done, .argument = &wait, .apart = true};
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
