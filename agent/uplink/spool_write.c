/* What goes into the spool: numbered and on disk in one transaction. */
#include <stdlib.h>
#include <string.h>

#include "agent/uplink/spool_int.h"
#include "host/clock.h"
#include "host/log.h"

#define RETRY_MS     1000      /* a disk that failed is tried again */
#define DATA_MOST    (15 * 1024)
#define BODIES_BYTES (96 * 1024) /* of events and replies in one transaction */

static enum err insert(struct spool *spool, enum class class, int64_t t_ms, const char *bytes,
                       size_t size)
{
    enum err err = db_run(spool->db,
                          "INSERT INTO message (epoch, seq, class, t_ms, bytes) VALUES (?1, ?2,"
                          " ?3, ?4, ?5)",
                          "iiiib", spool->epoch_id, (int64_t)spool->seq + 1, (int64_t)class, t_ms,
                          bytes, size);

    if (!err) {
        spool->seq++;
    }
    return err;
}

static struct envelope next_envelope(const struct spool *spool, int64_t t_ms)
{
    struct envelope envelope = {.seq = spool->seq + 1, .t0_ms = t_ms};

    memcpy(envelope.epoch, spool->epoch, sizeof(envelope.epoch));
    envelope.unsynced = spool->unsynced;
    return envelope;
}

enum err spool_insert_data(struct spool *spool, enum class class, const struct outgoing *list,
                           size_t count)
{
    size_t done = 0, used = 0;
    enum err err = ERR_OK;

    while (!err && done < count) {
        struct envelope envelope = next_envelope(spool, 0);

        err = data_encode(&spool->out, &envelope, list + done, count - done, DATA_MOST, &used);
        if (!err) {
            err = insert(spool, class, list[done].reading.t_ms, spool->out.bytes, spool->out.size);
        }
        done += used;
    }
    return err;
}

/* body: what stands behind the envelope; an event's object, or the members of a reply. */
enum err spool_insert_body(struct spool *spool, enum class class, int64_t t_ms, const char *body)
{
    struct envelope envelope = next_envelope(spool, t_ms);

    json_out_reset(&spool->out);
    envelope_open(&spool->out, &envelope);
    if (class == CLASS_REPLY) { /* its members join the envelope's */
        json_put_raw(&spool->out, body + 1, strlen(body) - 2);
    } else {
        json_raw(&spool->out, "event", body);
    }
    json_close_object(&spool->out);
    if (spool->out.err) { /* it fits into no message: trying again would not help */
        log_error("an event or a reply of %zu bytes was dropped: it is too long", strlen(body));
        return ERR_OK;
    }
    return insert(spool, class, t_ms, spool->out.bytes, spool->out.size);
}

static enum err insert_parcel(struct spool *spool, const struct parcel *parcel)
{
    enum err err = spool_insert_body(
        spool, parcel->kind == PARCEL_EVENT ? CLASS_EVENT : CLASS_REPLY, parcel->t_ms, parcel->body);

    return err ? err : spool_note(spool, parcel);
}

/* ------------------------------------------------------------------ a transaction of ours */

static void free_readings(struct spool *spool, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text;

        memcpy(&text, &spool->waiting[i].reading.text, sizeof(text));
        free(text);
    }
    spool->waiting_count -= count;
    memmove(spool->waiting, spool->waiting + count, spool->waiting_count * sizeof(*spool->waiting));
}

static void free_bodies(struct spool *spool, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        parcel_free(spool->bodies[i]);
    }
    spool->body_count -= count;
    memmove(spool->bodies, spool->bodies + count, spool->body_count * sizeof(struct parcel *));
}

void spool_drop_waiting(struct spool *spool)
{
    free_readings(spool, spool->waiting_count);
    free_bodies(spool, spool->body_count);
}

/* Events and replies first, then a message or two of readings. */
static enum err try_flush(struct spool *spool, size_t *ret_bodies, size_t *ret_readings)
{
    size_t bytes = 0, bodies = 0;
    size_t readings = spool->waiting_count < COLLECT_MOST ? spool->waiting_count : COLLECT_MOST;
    uint64_t seq = spool->seq;
    enum err err = db_begin(spool->db);

    if (!err) {
        err = spool_make_room(spool);
    }
    while (!err && bodies < spool->body_count && bytes < BODIES_BYTES) {
        err = insert_parcel(spool, spool->bodies[bodies]);
        bytes += strlen(spool->bodies[bodies++]->body);
    }
    if (!err) {
        err = spool_insert_data(spool, CLASS_DATA, spool->waiting, readings);
    }
    if (!err) {
        err = spool_delete_acked(spool);
    }
    if (!err) {
        err = db_commit(spool->db);
    }
    if (err) {
        db_rollback(spool->db);
        spool->seq = seq;
    } else {
        spool_acked(spool);
        spool->news = true;
    }
    *ret_bodies = bodies;
    *ret_readings = readings;
    return err;
}

void spool_distrust(struct spool *spool, enum err err)
{
    if (err == ERR_IO) {
        db_close(spool->db);
        spool->db = NULL;
        spool->tried_ms = clock_boot_ms();
    }
}

static bool flush_some(struct spool *spool)
{
    size_t bodies = 0, readings = 0;
    enum err err = ERR_FULL;

    for (int i = 0; err == ERR_FULL && i < 4; i++) {
        err = try_flush(spool, &bodies, &readings);
        if (err != ERR_FULL || spool_use_reserve(spool)) {
            continue;
        }
        if (spool->ack) {
            spool_settle_ack(spool); /* what the server has makes room */
        } else {
            spool_free_disk(spool);
        }
    }
    if (err) {
        atomic_fetch_add(&spool->failures, 1);
        log_error("the spool cannot be written: %s (%s); %zu readings and %zu events wait in memory",
                  err_text(err), db_why(spool->db), spool->waiting_count, spool->body_count);
        spool->tried_ms = clock_boot_ms();
        spool_distrust(spool, err);
        return false;
    }
    free_bodies(spool, bodies);
    free_readings(spool, readings);
    return true;
}

bool spool_flush(struct spool *spool)
{
    while (spool->db && (spool->body_count > 0 || spool->waiting_count > 0)) {
        if (!flush_some(spool)) {
            return false;
        }
    }
    return spool->db != NULL;
}

/* ------------------------------------------------------------------ what waits */

/* The disk failed a moment ago: what comes now waits for the next try. */
static bool is_resting(const struct spool *spool, int64_t boot_ms)
{
    return !spool->db || (spool->tried_ms && boot_ms - spool->tried_ms < RETRY_MS);
}

void spool_keep_readings(struct spool *spool, struct parcel *parcel)
{
    if (spool->waiting_count == 0) {
        spool->waiting_since_ms = parcel->given_ms;
    }
    for (size_t i = 0; i < parcel->count; i++) {
        if (spool->waiting_count == WAITING_MOST) {
            atomic_fetch_add(&spool->dropped, 1); /* never accepted: it has no number yet */
            log_error("readings are dropped: the spool cannot be written and memory is full");
            continue;
        }
        spool->waiting[spool->waiting_count++] = parcel->readings[i];
        parcel->readings[i].reading.text = NULL; /* it moved */
    }
}

void spool_keep_body(struct spool *spool, struct parcel *parcel)
{
    if (!parcel->body) {
        parcel_free(parcel);
        return;
    }
    if (spool->body_count == BODIES_MOST) {
        atomic_fetch_add(&spool->dropped, 1);
        log_error("an event is dropped: the spool cannot be written and memory is full");
        free_bodies(spool, 1);
    }
    spool->bodies[spool->body_count++] = parcel;
}

int64_t spool_write_turn(struct spool *spool, int64_t boot_ms)
{
    int64_t due_ms = INT64_MAX;

    if (spool->body_count > 0 || spool->waiting_count >= COLLECT_MOST) {
        due_ms = boot_ms;
    } else if (spool->waiting_count > 0) {
        due_ms = spool->waiting_since_ms + SPOOL_COLLECT_MS;
    }
    if (due_ms != INT64_MAX && is_resting(spool, boot_ms)) {
        due_ms = due_ms > spool->tried_ms + RETRY_MS ? due_ms : spool->tried_ms + RETRY_MS;
    }
    if (boot_ms < due_ms) {
        return due_ms;
    }
    return spool_flush(spool) ? INT64_MAX : boot_ms + RETRY_MS;
}
