/*
 * The spool's file (SQLite, WAL, synchronous FULL) and its thread.
 *
 *   epoch    (id, name)                     an agent start; 16 hex digits
 *   message  (id, epoch, seq, class, t_ms, bytes)   a row is a message as it goes out.
 *             class -1 tombstone, 0 event, 1 reply, 2 data, 3 thinned data. Deleted only by the
 *             server's ack, or given up under a tombstone written in the same transaction.
 *   command  (id, at_ms, state)             commands that were seen: each runs at most once. state:
 *             taken, or answered in the transaction of its reply
 *   fault    (equipment, fault, grade, onset_ms)   what is open; fault "": it does not answer.
 *             Changes in the transaction of the event that says so
 *   written  (equipment, point, count, last_ms)   writes in a point's life
 *
 * A reading is accepted when the transaction that holds its message is on disk: at most a second
 * after it was given. Numbers are drawn in the same transaction as their content.
 */
#include "agent/uplink/spool.h"

#include <stdlib.h>
#include <string.h>

#include "agent/uplink/spool_int.h"
#include "host/clock.h"
#include "host/log.h"

#define PARCELS_MOST 4096
#define PARCEL_BYTES (8 * 1024 * 1024)
#define REOPEN_MS    5000
#define MEASURE_MS   5000
#define BELIEVED_MS  1704067200000 /* 2024-01-01: a clock before that is not believed */

/* ------------------------------------------------------------------ the clock */

static void watch_clock(struct spool *spool)
{
    int64_t clock_ms = clock_wall_ms() - clock_boot_ms(), offset = clock_ms - spool->clock_ms;
    struct parcel *parcel;
    TEXT(body, 128);

    if (!spool->unsynced || clock_wall_ms() < BELIEVED_MS) {
        return;
    }
    for (size_t i = 0; i < spool->waiting_count; i++) { /* these go out as synced ones */
        struct reading *reading = &spool->waiting[i].reading;

        reading->t_ms += reading->t_ms < BELIEVED_MS ? offset : 0;
    }
    spool->unsynced = false;
    text_addf(&body, "{\"kind\":\"clockfix\",\"offset\":%lld}", (long long)offset);
    parcel = parcel_make(PARCEL_EVENT, clock_wall_ms());
    if (parcel) {
        parcel->body = strdup(body.at);
        spool_keep_body(spool, parcel);
    }
    log_info("the clock is right now: it was %lld s off", (long long)offset / 1000);
}

/* ------------------------------------------------------------------ the thread */

/* true: the parcel was kept. */
static bool take_parcel(struct spool *spool, struct parcel *parcel)
{
    struct ask *ask;

    switch (parcel->kind) {
    case PARCEL_READINGS:
        spool_keep_readings(spool, parcel);
        break;
    case PARCEL_EVENT:
    case PARCEL_REPLY:
        spool_keep_body(spool, parcel);
        return true;
    case PARCEL_ACK:
        spool_take_ack(spool, parcel);
        return true;
    case PARCEL_LINK:
        spool_take_link(spool, parcel->flag != 0);
        break;
    case PARCEL_ROOM:
        break;
    case PARCEL_LEARNED:
        spool_keep_learned(spool, parcel);
        break;
    case PARCEL_ASK:
        memcpy(&ask, parcel->body, sizeof(ask));
        spool_answer(spool, ask);
        break;
    }
    return false;
}

static void reopen(struct spool *spool)
{
    TEXT(why, 1200);

    if (spool->db || clock_boot_ms() - spool->tried_ms < REOPEN_MS) {
        return;
    }
    if (spool_open_file(spool, &why)) {
        log_error("%s; it is tried again", why.at);
        return;
    }
    /* ids may be others in a new file: everything that is not acked goes again */
    spool_take_link(spool, spool->up);
    spool->sent_most = 0;
    spool->tried_ms = 0;
    log_info("the spool can be used again");
}

static void *run(void *context)
{
    struct spool *spool = context;
    int64_t measured_ms = 0, write_ms = INT64_MAX;
    enum err err = ERR_OK;

    while (err != ERR_CLOSED) {
        int64_t now_ms = clock_boot_ms(), until_ms = now_ms + MEASURE_MS;
        void *parcel;

        until_ms = write_ms < until_ms ? write_ms : until_ms;
        until_ms = spool_again_ms(spool) < until_ms ? spool_again_ms(spool) : until_ms;
        err = queue_take(spool->parcels, until_ms > now_ms ? until_ms - now_ms : 0, &parcel);
        if (!err && !take_parcel(spool, parcel)) {
            parcel_free(parcel);
        }
        watch_clock(spool);
        reopen(spool);
        write_ms = spool_write_turn(spool, clock_boot_ms());
        atomic_store(&spool->behind, spool->waiting_count >= WAITING_HIGH);
        spool_post(spool);
        if (spool->db && clock_boot_ms() - measured_ms > MEASURE_MS) {
            spool_measure(spool);
            spool_tend_reserve(spool);
            measured_ms = clock_boot_ms();
        }
    }
    (void)spool_flush(spool);
    return NULL;
}

/* ------------------------------------------------------------------ the face */

static enum err make(struct spool *spool)
{
    enum err err = arena_open(16 * 1024 * 1024, &spool->arena);

    spool->out = json_out(MESSAGE_BYTES_MOST);
    spool->waiting = calloc(WAITING_MOST, sizeof(*spool->waiting));
    if (!err) {
        err = arena_open(16 * 1024 * 1024, &spool->kept);
    }
    if (!err) {
        err = spool->waiting ? queue_open(PARCELS_MOST, PARCEL_BYTES, &spool->parcels) : ERR_NOMEM;
    }
    if (!err) {
        err = queue_open(LETTERS_MOST, 2 * 1024 * 1024, &spool->urgent);
    }
    return err ? err : queue_open(LETTERS_MOST, 2 * 1024 * 1024, &spool->data);
}

enum err spool_open(const struct spool_options *options, struct spool **ret_spool, struct text *why)
{
    struct spool *spool = calloc(1, sizeof(*spool));
    enum err err;

    if (!spool) {
        return ERR_NOMEM;
    }
    spool->options = *options;
    spool->clock_ms = clock_wall_ms() - clock_boot_ms();
    spool->unsynced = clock_wall_ms() < BELIEVED_MS;
    err = make(spool);
    if (!err) {
        err = spool_open_file(spool, why);
    }
    if (!err) {
        err = spool_load_faults(spool);
    }
    if (!err) {
        err = spool_load_learned(spool);
    }
    if (!err) {
        err = spool_settle_commands(spool);
    }
    if (!err) {
        spool->tried_ms = 0;
        spool_measure(spool);
        err = pthread_create(&spool->thread, NULL, run, spool) ? ERR_NOMEM : ERR_OK;
        spool->running = !err;
    }
    if (err) {
        spool_close(spool);
        return err;
    }
    *ret_spool = spool;
    return ERR_OK;
}

void spool_close(struct spool *spool)
{
    if (!spool) {
        return;
    }
    if (spool->running) {
        queue_stop(spool->parcels);
        pthread_join(spool->thread, NULL);
    }
    queue_close(spool->parcels, parcel_free);
    queue_close(spool->urgent, letter_free);
    queue_close(spool->data, letter_free);
    db_close(spool->db);
    parcel_free(spool->ack);
    if (spool->waiting) {
        spool_drop_waiting(spool);
    }
    free(spool->waiting);
    arena_close(spool->arena);
    arena_close(spool->kept);
    json_out_free(&spool->out);
    free(spool);
}

void spool_give(struct spool *spool, struct parcel *parcel, int64_t wait_ms)
{
    bool matters = parcel && (parcel->kind == PARCEL_READINGS || parcel->kind == PARCEL_EVENT ||
                              parcel->kind == PARCEL_REPLY);

    if (!parcel) {
        return;
    }
    parcel->given_ms = clock_boot_ms();
    /* readings wait for company anyway: the writer need not be woken for each parcel of them */
    if (queue_put_within(spool->parcels, parcel, parcel_bytes(parcel), wait_ms,
                         parcel->kind == PARCEL_READINGS ? SPOOL_COLLECT_MS : 0)) {
        if (matters) {
            atomic_fetch_add(&spool->dropped, (int64_t)(parcel->count ? parcel->count : 1));
            log_error("the spool is behind: something was dropped before it was accepted");
        }
        parcel_free(parcel);
    }
}

const struct learned *spool_learned(const struct spool *spool, size_t *ret_count)
{
    *ret_count = spool->learned_count;
    return spool->learned;
}

struct queue *spool_letters(struct spool *spool, bool urgent)
{
    return urgent ? spool->urgent : spool->data;
}

const struct open_fault *spool_open_faults(const struct spool *spool, size_t *ret_count)
{
    *ret_count = spool->open_count;
    return spool->open;
}

const char *spool_epoch(const struct spool *spool)
{
    return spool->epoch;
}

void spool_figures(struct spool *spool, struct spool_figures *ret_figures)
{
    ret_figures->messages = atomic_load(&spool->messages);
    ret_figures->bytes = atomic_load(&spool->bytes);
    ret_figures->oldest_ms = atomic_load(&spool->oldest_ms);
    ret_figures->dropped = atomic_load(&spool->dropped);
    ret_figures->failures = atomic_load(&spool->failures);
}

bool spool_wants_readings(struct spool *spool)
{
    return !atomic_load(&spool->full) && !atomic_load(&spool->behind);
}
