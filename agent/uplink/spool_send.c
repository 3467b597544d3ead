/* What goes out of the spool, and what the server has acked. */
#include <stdlib.h>
#include <string.h>

#include "agent/uplink/spool_int.h"
#include "host/clock.h"

#define RESEND_MS 30000
#define RESERVED  128 /* places in flight that are kept for events and replies */

void letter_free(void *item)
{
    struct letter *letter = item;

    if (letter) {
        free(letter->bytes);
        free(letter);
    }
}

/* Letters that were acked need not be looked at again. */
static void forget_flight(struct spool *spool)
{
    size_t kept = 0;

    for (size_t i = 0; i < spool->flight_count; i++) {
        struct flight flight = spool->flight[(spool->flight_first + i) % FLIGHT_MOST];
        struct db_rows rows;
        bool there;

        db_find(spool->db, &rows, "SELECT 1 FROM message WHERE id = ?1", "i", flight.id);
        there = db_next(&rows);
        (void)!db_end(&rows);
        if (there) {
            spool->flight[(spool->flight_first + kept++) % FLIGHT_MOST] = flight;
        }
    }
    spool->flight_count = kept;
}

enum err spool_delete_acked(struct spool *spool)
{
    struct db_rows rows;
    int64_t epoch = 0;
    enum err err;

    if (!spool->ack) {
        return ERR_OK;
    }
    db_find(spool->db, &rows, "SELECT id FROM epoch WHERE name = ?1", "t", spool->ack->epoch);
    if (db_next(&rows)) {
        epoch = db_int(&rows, 0);
    }
    err = db_end(&rows);
    for (size_t i = 0; epoch && !err && i < spool->ack->count; i++) {
        err = db_run(spool->db, "DELETE FROM message WHERE epoch = ?1 AND seq BETWEEN ?2 AND ?3",
                     "iii", epoch, (int64_t)spool->ack->have[i].from,
                     (int64_t)spool->ack->have[i].to);
    }
    if (!err) {
        forget_flight(spool); /* here, where the file is locked already */
    }
    return err;
}

void spool_acked(struct spool *spool)
{
    if (spool->ack) {
        parcel_free(spool->ack);
        spool->ack = NULL;
        atomic_store(&spool->full, spool->options.policy == SPOOL_POLICY_STOP &&
                                       spool_fullness(spool) > SPOOL_STOP_PERCENT);
    }
}

static enum err try_settling(struct spool *spool)
{
    enum err err = db_begin(spool->db);

    if (!err) {
        err = spool_delete_acked(spool);
    }
    if (!err) {
        err = db_commit(spool->db);
    }
    if (err) {
        db_rollback(spool->db);
    }
    return err;
}

void spool_settle_ack(struct spool *spool)
{
    enum err err = try_settling(spool);

    if (err == ERR_FULL && spool_use_reserve(spool)) {
        err = try_settling(spool);
    }
    if (err) { /* the ack comes again; letters that it took out of flight were in it */
        parcel_free(spool->ack);
        spool->ack = NULL;
        return;
    }
    spool_acked(spool);
}

void spool_take_ack(struct spool *spool, struct parcel *ack)
{
    if (!spool->db) {
        parcel_free(ack); /* it comes again */
        return;
    }
    if (spool->ack && strcmp(spool->ack->epoch, ack->epoch) != 0) {
        spool_settle_ack(spool);
    }
    parcel_free(spool->ack); /* acks are cumulative: the newer one says it all */
    spool->ack = ack;
    if (spool->waiting_count == 0) {
        spool_settle_ack(spool);
    }
}

/* ------------------------------------------------------------------ letters */

static enum err post(struct spool *spool, int64_t id, int64_t class, const void *bytes, size_t size)
{
    struct letter *letter = calloc(1, sizeof(*letter));

    if (letter) {
        letter->id = id;
        letter->channel = class >= CLASS_DATA    ? LETTER_DATA
                          : class == CLASS_REPLY ? LETTER_REPLY
                                                 : LETTER_EVENT;
        letter->bytes = malloc(size + 1);
        letter->size = size;
    }
    if (!letter || !letter->bytes) {
        letter_free(letter);
        return ERR_NOMEM;
    }
    memcpy(letter->bytes, bytes, size);
    letter->bytes[size] = '\0';
    if (queue_put(letter->channel == LETTER_DATA ? spool->data : spool->urgent, letter, size, 0)) {
        letter_free(letter);
        return ERR_FULL;
    }
    return ERR_OK;
}

static bool has_room(struct queue *queue)
{
    return queue_count(queue) < LETTERS_MOST;
}

/* Posts the row that a query names. false: nothing to post, or no memory. */
static bool post_row(struct spool *spool, struct db_rows *rows, int64_t *ret_id)
{
    bool found = db_next(rows);
    enum err err = ERR_NOT_FOUND;

    if (found) {
        size_t size;
        const void *bytes = db_blob(rows, 2, &size);

        *ret_id = db_int(rows, 0);
        err = post(spool, *ret_id, db_int(rows, 1), bytes, size);
    }
    (void)!db_end(rows);
    return !err;
}

static void fly(struct spool *spool, int64_t id)
{
    spool->flight[(spool->flight_first + spool->flight_count++) % FLIGHT_MOST] =
        (struct flight){id, clock_boot_ms()};
}

static void land(struct spool *spool)
{
    spool->flight_first = (spool->flight_first + 1) % FLIGHT_MOST;
    spool->flight_count--;
}

/* What was sent 30 s ago and is still here goes again. */
static bool post_again(struct spool *spool)
{
    const struct flight *oldest = &spool->flight[spool->flight_first];
    struct db_rows rows;
    int64_t id;

    if (spool->flight_count == 0 || clock_boot_ms() - oldest->sent_ms < RESEND_MS ||
        !has_room(spool->urgent) || !has_room(spool->data)) {
        return false;
    }
    id = oldest->id;
    land(spool);
    db_find(spool->db, &rows, "SELECT id, class, bytes FROM message WHERE id = ?1", "i", id);
    if (post_row(spool, &rows, &id)) { /* else it was acked meanwhile */
        fly(spool, id);
    }
    return true;
}

static enum err post_event(struct spool *spool)
{
    struct db_rows rows;
    int64_t id;

    if (spool->flight_count == FLIGHT_MOST || !has_room(spool->urgent)) {
        return ERR_FULL;
    }
    /* the index's order, not the rows': few of many are events */
    db_find(spool->db, &rows,
            "SELECT id, class, bytes FROM message WHERE id = (SELECT min(id) FROM ("
            " SELECT min(id) AS id FROM message WHERE class = -1 AND id > ?1 UNION ALL"
            " SELECT min(id) FROM message WHERE class = 0 AND id > ?1 UNION ALL"
            " SELECT min(id) FROM message WHERE class = 1 AND id > ?1))",
            "i", spool->event_cursor);
    if (!post_row(spool, &rows, &id)) {
        return ERR_NOT_FOUND;
    }
    spool->event_cursor = id;
    fly(spool, id);
    return ERR_OK;
}

static enum err post_data(struct spool *spool)
{
    struct db_rows rows;
    int64_t id;

    if (spool->flight_count >= FLIGHT_MOST - RESERVED || !has_room(spool->data)) {
        return ERR_FULL; /* the server is behind: it gets no more until it acks */
    }
    db_find(spool->db, &rows,
            "SELECT id, class, bytes FROM message WHERE id > ?1 AND +class >= 2 ORDER BY id LIMIT 1",
            "i", spool->data_cursor);
    if (!post_row(spool, &rows, &id)) {
        return ERR_NOT_FOUND;
    }
    spool->data_cursor = id;
    spool->sent_most = id > spool->sent_most ? id : spool->sent_most;
    fly(spool, id);
    return ERR_OK;
}

/* Events first. ERR_NOT_FOUND: nothing is left that was not sent yet. */
static enum err post_next(struct spool *spool)
{
    enum err event = post_event(spool), data;

    if (!event) {
        return ERR_OK;
    }
    data = post_data(spool);
    return data == ERR_NOT_FOUND ? event : data;
}

void spool_post(struct spool *spool)
{
    enum err err = spool->news ? ERR_OK : ERR_NOT_FOUND;

    if (!spool->up || !spool->db) {
        return;
    }
    while (post_again(spool)) {
    }
    while (!err) {
        err = post_next(spool);
        if (err == ERR_FULL) { /* said before it is looked at again, so that no room is missed */
            atomic_store(&spool->starved, true);
            err = post_next(spool);
        }
    }
    spool->news = err == ERR_FULL;
    if (!spool->news) {
        atomic_store(&spool->starved, false);
    }
}

bool spool_is_starved(struct spool *spool)
{
    return atomic_load(&spool->starved);
}

int64_t spool_again_ms(const struct spool *spool)
{
    return spool->up && spool->flight_count > 0
               ? spool->flight[spool->flight_first].sent_ms + RESEND_MS
               : INT64_MAX;
}

void spool_take_link(struct spool *spool, bool up)
{
    void *letter;

    while (!queue_take(spool->urgent, 0, &letter) || !queue_take(spool->data, 0, &letter)) {
        letter_free(letter); /* of the old connection */
    }
    spool->up = up;
    spool->news = true;
    spool->event_cursor = spool->data_cursor = 0;
    spool->flight_first = spool->flight_count = 0;
}
