/* Requests, one after the other. */
#include "agent/modbus/master.h"

#include <time.h>

#include "host/clock.h"

#define OPEN_PAUSE_LEAST_MS 500
#define OPEN_PAUSE_MOST_MS  30000
#define OPEN_TIMEOUT_MS     2000
#define TIMEOUTS_MOST       8 /* in a row on TCP: the connection itself is doubted */

void master_init(struct master *master, const struct link *link)
{
    *master = (struct master){.link = *link, .open_pause_ms = OPEN_PAUSE_LEAST_MS};
    atomic_init(&master->stopping, false);
}

void master_stop(struct master *master)
{
    atomic_store(&master->stopping, true);
}

void master_done(struct master *master)
{
    if (master->link.ops) {
        master->link.ops->close(master->link.self);
        master->link.ops = NULL;
    }
}

static int64_t boot_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The wire stays quiet until it has rested for us. */
static void rest(struct master *master, int64_t us)
{
    int64_t left;

    while ((left = master->quiet_since_us + us - boot_us()) > 0 &&
           !atomic_load(&master->stopping)) {
        struct timespec pause = {0, (left < 200000 ? left : 200000) * 1000};

        nanosleep(&pause, NULL);
    }
}

static enum err ensure_open(struct master *master, int64_t timeout_ms)
{
    int64_t now_ms = clock_boot_ms();
    enum err err;

    if (atomic_load(&master->stopping)) {
        return ERR_CLOSED;
    }
    if (master->link.ops->is_open(master->link.self)) {
        return ERR_OK;
    }
    if (now_ms < master->next_open_ms) {
        return ERR_CLOSED;
    }
    err = master->link.ops->open(master->link.self,
                                 timeout_ms > OPEN_TIMEOUT_MS ? timeout_ms : OPEN_TIMEOUT_MS);
    if (err) {
        master->next_open_ms = clock_boot_ms() + master->open_pause_ms;
        master->open_pause_ms *= 2;
        if (master->open_pause_ms > OPEN_PAUSE_MOST_MS) {
            master->open_pause_ms = OPEN_PAUSE_MOST_MS;
        }
        return ERR_CLOSED;
    }
    master->counters.reconnects++;
    master->open_pause_ms = OPEN_PAUSE_LEAST_MS;
    master->timeouts_in_row = 0;
    return ERR_OK;
}

/*
 * After silence or a stray frame: on a serial wire wait until an answer that is on its way must have
 * come, then throw it away. On TCP a stray frame means that questions and answers are out of step:
 * connect anew.
 */
static void recover(struct master *master, enum err err, int64_t timeout_ms)
{
    const struct link_ops *ops = master->link.ops;

    if (err == ERR_CLOSED || (err == ERR_FORMAT && !master->link.is_serial)) {
        ops->hang_up(master->link.self);
        return;
    }
    if (err == ERR_TIMEOUT && ++master->timeouts_in_row >= TIMEOUTS_MOST && !master->link.is_serial) {
        ops->hang_up(master->link.self);
        return;
    }
    if (master->link.is_serial) {
        master->quiet_since_us = boot_us();
        rest(master, timeout_ms * 1000);
    }
    ops->flush(master->link.self);
}

/* Registers have two bytes, bits stand eight in one: what an answer weighs on the wire. */
static uint16_t bytes_of(enum register_table table, uint16_t count)
{
    bool bits = table == REGISTER_COIL || table == REGISTER_DISCRETE;

    return (uint16_t)(bits ? (count + 7U) / 8 : 2U * count);
}

/*
 * An answer that carries no number can be late by any time. What the unit left unanswered is
 * remembered by its weight, and the unit is first asked something of another weight: when that
 * answer (or refusal) has come, nothing older is on its way. A late one does not fit and is thrown
 * away with the wait of recover().
 */
static void doubt(struct master *master, const struct master_request *request, bool write)
{
    if (master->link.is_serial && request->unit_id >= 0 && request->unit_id < MASTER_UNITS) {
        master->doubts[request->unit_id] = (struct master_doubt){
            .set = true,
            .table = request->table,
            .bytes = write ? 0 : bytes_of(request->table, request->count),
        };
    }
}

static enum err ask(struct master *master, const struct master_request *request, uint16_t *words,
                    bool write, int *ret_exception)
{
    const struct link_ops *ops = master->link.ops;
    struct link_answer answer = {0, false};
    int64_t pause_us = request->pause_ms * 1000, began_ms;
    enum err err = ensure_open(master, request->timeout_ms);

    *ret_exception = 0;
    if (err) {
        return err;
    }
    rest(master, pause_us > master->link.silence_us ? pause_us : master->link.silence_us);
    if (master->stale) { /* what came too late meanwhile */
        ops->flush(master->link.self);
        master->stale = false;
    }
    began_ms = clock_boot_ms();
    master->counters.requests++;
    err = write ? ops->write(master->link.self, request->unit_id, request->table, request->address,
                             request->count, request->timeout_ms, words, &answer)
                : ops->read(master->link.self, request->unit_id, request->table, request->address,
                            request->count, request->timeout_ms, words, &answer);
    master->quiet_since_us = boot_us();
    *ret_exception = answer.exception;
    if (!err || err == ERR_DENIED) {
        int64_t took_ms = clock_boot_ms() - began_ms;

        master->timeouts_in_row = 0;
        master->counters.answers++;
        master->counters.exceptions += err == ERR_DENIED;
        if (took_ms > master->counters.latency_ms) {
            master->counters.latency_ms = took_ms;
        }
        return err;
    }
    master->stale = true;
    master->counters.timeouts += err == ERR_TIMEOUT;
    master->counters.strays += err == ERR_FORMAT;
    if (err == ERR_TIMEOUT) {
        doubt(master, request, write);
    }
    recover(master, err, request->timeout_ms);
    return err;
}

/* Asks a doubted unit for something else first. ERR_OK: its next answer is believed. */
static enum err settle(struct master *master, const struct master_request *request)
{
    struct master_doubt *doubted;
    struct master_request probe = *request;
    uint16_t words[16];
    int exception;
    enum err err;

    if (!master->link.is_serial || request->unit_id < 0 || request->unit_id >= MASTER_UNITS) {
        return ERR_OK;
    }
    doubted = &master->doubts[request->unit_id];
    if (!doubted->set) {
        return ERR_OK;
    }
    probe.count = 1;
    if (doubted->table == probe.table && bytes_of(probe.table, 1) == doubted->bytes) {
        probe.count = bytes_of(probe.table, 1) == 1 ? 9 : 2;
    }
    err = ask(master, &probe, words, false, &exception);
    if (!err || err == ERR_DENIED) {
        doubted->set = false;
        return ERR_OK;
    }
    return err;
}

static enum err settled_read(struct master *master, const struct master_request *request,
                             uint16_t *words, int *ret_exception)
{
    enum err err = settle(master, request);

    *ret_exception = 0;
    return err ? err : ask(master, request, words, false, ret_exception);
}

enum err master_read(struct master *master, const struct master_request *request, uint16_t *words,
                     int *ret_exception)
{
    enum err err = settled_read(master, request, words, ret_exception);

    if (request->retry && err && err != ERR_DENIED) {
        err = settled_read(master, request, words, ret_exception);
    }
    return err == ERR_FORMAT ? ERR_TIMEOUT : err; /* noise is no answer */
}

enum err master_write(struct master *master, const struct master_request *request,
                      const uint16_t *words, int *ret_exception)
{
    uint16_t copy[125];
    enum err err = settle(master, request);

    *ret_exception = 0;
    if (err) {
        return err;
    }
    for (uint16_t i = 0; i < request->count && i < 125; i++) {
        copy[i] = words[i];
    }
    return ask(master, request, copy, true, ret_exception); /* a write is never repeated */
}
