/* The writing thread: all or nothing for each job, however they are put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "host/clock.h"
#include "host/db.h"
#include "models/base/text.h"
#include "server/store/committer.h"
#include "tests/unit/scratch.h"

#define GIVERS 4
#define JOBS   1500 /* of each giver */

static char path[64], url[80];

static struct sql *open_database(void)
{
    struct sql *sql;
    TEXT(why, 200);

    snprintf(path, sizeof(path), "/tmp/heliograph-committer-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    scratch_remove(path);
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(sql_script(sql, "CREATE TABLE line (id INTEGER PRIMARY KEY, giver INTEGER,"
                                     " number INTEGER UNIQUE, half INTEGER NOT NULL DEFAULT 0);"),
                     ERR_OK);
    return sql;
}

struct job {
    struct committer_job job;
    int64_t giver, number;
    bool fails;
    atomic_int done;
    enum err outcome;
};

static atomic_int undone_times;
static int64_t in_memory; /* changed by jobs, put right by undone: of the committing thread */

/* Writes two rows; one that fails does so in the middle. */
static enum err work(struct sql *sql, int64_t now_ms, void *argument)
{
    struct job *job = argument;
    enum err err = sql_run(sql, "INSERT INTO line (giver, number) VALUES (?1, ?2)", "ii", job->giver,
                           job->number);

    (void)now_ms;
    if (!job->job.apart) {
        in_memory++;
    }
    if (job->fails) {
        return ERR_STATE;
    }
    return err ? err
               : sql_run(sql, "UPDATE line SET half = 1 WHERE number = ?1", "i", job->number);
}

static void done(void *argument, enum err outcome)
{
    struct job *job = argument;

    job->outcome = outcome;
    atomic_fetch_add(&job->done, 1);
}

static void undone(struct sql *sql, void *context)
{
    (void)context;
    atomic_fetch_add(&undone_times, 1);
    in_memory = sql_find_int(sql, 0, "SELECT COUNT(*) FROM line WHERE giver < 2", "");
}

static struct committer *open_committer(struct sql *sql, size_t jobs_most)
{
    struct committer_options options = {
        .sql = sql,
        .jobs_most = jobs_most,
        .bytes_most = 1 << 30,
        .undone = undone,
    };
    struct committer *committer;

    atomic_store(&undone_times, 0);
    in_memory = 0;
    assert_int_equal(committer_open(&options, &committer, NULL), ERR_OK);
    return committer;
}

struct giver {
    pthread_t thread;
    struct committer *committer;
    int64_t index;
    struct job *jobs;
};

static void *give(void *context)
{
    struct giver *giver = context;

    for (int i = 0; i < JOBS; i++) {
        struct job *job = &giver->jobs[i];

        job->giver = giver->index;
        job->number = giver->index * JOBS + i;
        job->fails = i % 97 == 5;
        /* givers 2 and 3 do what the API does */
        job->job = (struct committer_job){
            .work = work, .done = done, .argument = job, .apart = giver->index >= 2};
        if (committer_put(giver->committer, &job->job, 10000)) {
            return giver;
        }
    }
    return NULL;
}

static void a_job_that_fails_takes_nobody_along(void **state)
{
    struct sql *sql = open_database();
    struct committer *committer = open_committer(sql, 300);
    struct giver givers[GIVERS];
    int64_t failed = 0, apart = 0;

    (void)state;
    for (int64_t i = 0; i < GIVERS; i++) {
        givers[i] = (struct giver){.committer = committer, .index = i};
        givers[i].jobs = calloc(JOBS, sizeof(struct job));
        assert_non_null(givers[i].jobs);
        assert_int_equal(pthread_create(&givers[i].thread, NULL, give, &givers[i]), 0);
    }
    for (int i = 0; i < GIVERS; i++) {
        void *result;

        pthread_join(givers[i].thread, &result);
        assert_null(result);
    }
    committer_stop(committer);
    for (int i = 0; i < GIVERS; i++) {
        for (int k = 0; k < JOBS; k++) {
            struct job *job = &givers[i].jobs[k];

            assert_int_equal(atomic_load(&job->done), 1);
            assert_int_equal(job->outcome, job->fails ? ERR_STATE : ERR_OK);
            failed += job->fails;
            apart += !job->fails && i >= 2;
        }
        free(givers[i].jobs);
    }
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM line WHERE half = 1", ""),
                     GIVERS * JOBS - failed);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM line WHERE half = 0", ""), 0);
    assert_int_equal(in_memory, GIVERS * JOBS - failed - apart);
    /* what a giver gave first was done first */
    assert_int_equal(sql_find_int(sql, 0,
                                  "SELECT COUNT(*) FROM line a JOIN line b ON b.id = a.id + 1 WHERE"
                                  " a.giver = b.giver AND a.number > b.number",
                                  ""),
                     0);
    committer_close(committer);
    sql_close(sql);
}

static void after_a_stop_nothing_is_taken(void **state)
{
    struct sql *sql = open_database();
    struct committer *committer = open_committer(sql, 10);
    struct job job = {.number = 1};

    (void)state;
    job.job = (struct committer_job){.work = work, .done = done, .argument = &job};
    committer_stop(committer);
    assert_int_equal(committer_put(committer, &job.job, 100), ERR_CLOSED);
    assert_int_equal(atomic_load(&job.done), 0);
    committer_close(committer);
    sql_close(sql);
}

static void wait_for(atomic_int *what)
{
    for (int i = 0; i < 600 && atomic_load(what) == 0; i++) {
        poll(NULL, 0, 50);
    }
    assert_int_equal(atomic_load(what), 1);
}

/* Somebody else's transaction: jobs wait for it, those of the API are told. */
static void a_lock_is_waited_for(void **state)
{
    struct db_options options = {.mode = DB_WRITE, .guest = true};
    struct sql *sql = open_database();
    struct committer *committer = open_committer(sql, 10);
    struct job job = {.number = 1}, apart = {.number = 2};
    struct db *other;
    TEXT(why, 200);

    (void)state;
    assert_int_equal(db_open(path, &options, &other, &why), ERR_OK);
    assert_int_equal(db_begin(other), ERR_OK);
    job.job = (struct committer_job){.work = work, .done = done, .argument = &job};
    apart.job = (struct committer_job){.work = work, .done = done, .argument = &apart, .apart = true};
    assert_int_equal(committer_put(committer, &job.job, 100), ERR_OK);
    assert_int_equal(committer_put(committer, &apart.job, 100), ERR_OK);
    poll(NULL, 0, 3000); /* longer than one attempt */
    assert_int_equal(atomic_load(&job.done), 0);
    assert_int_equal(db_commit(other), ERR_OK);
    wait_for(&job.done);
    wait_for(&apart.done);
    assert_int_equal(job.outcome, ERR_OK);
    assert_true(apart.outcome == ERR_OK || apart.outcome == ERR_BUSY);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM line WHERE number = 1", ""), 1);
    db_close(other);
    committer_close(committer);
    sql_close(sql);
}

/* A stop does not wait for the lock of somebody who never lets go. */
static void a_lock_does_not_hold_up_the_stop(void **state)
{
    struct db_options options = {.mode = DB_WRITE, .guest = true};
    struct sql *sql = open_database();
    struct committer *committer = open_committer(sql, 10);
    struct job jobs[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    int64_t begin_ms;
    struct db *other;
    TEXT(why, 200);

    (void)state;
    assert_int_equal(db_open(path, &options, &other, &why), ERR_OK);
    assert_int_equal(db_begin(other), ERR_OK);
    for (int i = 0; i < 3; i++) {
        jobs[i].job = (struct committer_job){.work = work, .done = done, .argument = &jobs[i]};
        assert_int_equal(committer_put(committer, &jobs[i].job, 100), ERR_OK);
        poll(NULL, 0, 30);
    }
    begin_ms = clock_boot_ms();
    committer_stop(committer);
    assert_in_range(clock_boot_ms() - begin_ms, 0, 6000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(atomic_load(&jobs[i].done), 1);
        assert_int_not_equal(jobs[i].outcome, ERR_OK);
    }
    db_rollback(other);
    db_close(other);
    committer_close(committer);
    sql_close(sql);
}

static enum err turns_fail(struct sql *sql, int64_t now_ms, int64_t *io_next_ms, void *context)
{
    atomic_int *turns = context;

    *io_next_ms = now_ms;
    atomic_fetch_add(turns, 1);
    assert_int_equal(sql_run(sql, "INSERT INTO line (giver, number) VALUES (9, 9)", ""), ERR_OK);
    return ERR_STATE;
}

static void a_turn_that_fails_is_undone(void **state)
{
    struct sql *sql = open_database();
    atomic_int turns = 0;
    struct committer_options options = {.sql = sql,
                                        .jobs_most = 10,
                                        .bytes_most = 1000,
                                        .turn = turns_fail,
                                        .context = &turns};
    struct committer *committer;

    (void)state;
    assert_int_equal(committer_open(&options, &committer, NULL), ERR_OK);
    for (int i = 0; i < 100 && atomic_load(&turns) < 2; i++) {
        poll(NULL, 0, 50);
    }
    committer_stop(committer);
    assert_true(atomic_load(&turns) >= 2);
    assert_int_equal(sql_find_int(sql, -1, "SELECT COUNT(*) FROM line", ""), 0);
    committer_close(committer);
    sql_close(sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_fails_takes_nobody_along),
        cmocka_unit_test(after_a_stop_nothing_is_taken),
        cmocka_unit_test(a_lock_is_waited_for),
        cmocka_unit_test(a_lock_does_not_hold_up_the_stop),
        cmocka_unit_test(a_turn_that_fails_is_undone),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    scratch_remove(path);
    return failed;
}
