/* Requests, one after the other. */
#include "agent/modbus/master.h"

#include <time.h>

#include "host/clock.h"

#define OPEN_PAUSE_LEAST_MS 500
#define OPEN_PAUSE_MOST_MS  10000
#define TWIN_MS             50 /* a second device with the same id has answered by then */
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

/* Counts for the wire and for the unit. */
#define COUNT(master, request, what)                                                               \
    do {                                                                                           \
        (master)->counters.what++;                                                                 \
        (request)->unit->counters.what++;                                                          \
    } while (0)

/*
 * On a serial wire an answer that is on its way is waited for: a time-out's length, longer when the unit is
 * known to be later. When it comes it is thrown away, and the wire is free again.
 */
static void wait_for_late(struct master *master, const struct master_request *request,
                          int64_t asked_ms)
{
    int64_t until_ms = request->unit->late_ms * 5 / 4 - request->timeout_ms;
    int32_t late_ms;

    until_ms = until_ms < request->timeout_ms ? request->timeout_ms : until_ms;
    until_ms = clock_boot_ms() + (until_ms > 4 * request->timeout_ms ? 4 * request->timeout_ms : until_ms);
    while (clock_boot_ms() < until_ms && !atomic_load(&master->stopping)) {
        int64_t left_ms = until_ms - clock_boot_ms();

        if (!master->link.ops->overhear(master->link.self, left_ms < 200 ? left_ms : 200)) {
            continue;
        }
        late_ms = (int32_t)(clock_boot_ms() - asked_ms);
        COUNT(master, request, late);
        if (late_ms > request->unit->late_ms) {
            request->unit->late_ms = late_ms;
        }
        break;
    }
    master->quiet_since_us = boot_us();
}

/*
 * After silence or a stray frame. On TCP a stray frame means that questions and answers are out of step:
 * connect anew.
 */
static void recover(struct master *master, const struct master_request *request, enum err err,
                    int64_t asked_ms)
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
        wait_for_late(master, request, asked_ms);
    }
    ops->flush(master->link.self);
}

/* ------------------------------------------------------------------ doubt */

/* Registers have two bytes, bits stand eight in one: what an answer weighs on the wire. */
static uint16_t bytes_of(enum register_table table, uint16_t count)
{
    bool bits = table == REGISTER_COIL || table == REGISTER_DISCRETE;

    return (uint16_t)(bits ? (count + 7U) / 8 : 2U * count);
}

static void forget_old(struct master_unit *unit, int64_t now_ms)
{
    uint8_t kept = 0;

    for (uint8_t i = 0; i < unit->open_count; i++) {
        if (now_ms - unit->open[i].asked_ms < MASTER_LATE_MS) {
            unit->open[kept++] = unit->open[i];
        }
    }
    unit->open_count = kept;
}

static void leave_open(const struct master_request *request, uint16_t count, bool write, int64_t now_ms)
{
    struct master_unit *unit = request->unit;

    if (unit->open_count < MASTER_OPEN_MOST) { /* nothing is asked while it is full */
        unit->open[unit->open_count++] = (struct master_question){
            .asked_ms = now_ms,
            .bytes = bytes_of(request->table, count),
            .table = (uint8_t)request->table,
            .write = write,
            .proven = request->proven && !write && count <= request->room,
        };
    }
}

/* An answer to a read of count could be that to an older question. */
static bool is_doubtful(const struct master_unit *unit, enum register_table table, uint16_t count)
{
    for (uint8_t i = 0; i < unit->open_count; i++) {
        if (!unit->open[i].write && unit->open[i].table == table &&
            unit->open[i].bytes == bytes_of(table, count)) {
            return true;
        }
    }
    return false;
}

/* A refusal could be that of an older question. */
static bool is_refusal_doubtful(const struct master_unit *unit)
{
    for (uint8_t i = 0; i < unit->open_count; i++) {
        if (!unit->open[i].proven) {
            return true;
        }
    }
    return false;
}

/* A length that no open question has: the shortest that is known to be legal, else a longer one. 0: none. */
static uint16_t other_count(const struct master_request *request)
{
    bool bits = request->table == REGISTER_COIL || request->table == REGISTER_DISCRETE;
    uint16_t step = bits ? 8 : 1, most = bits ? 2000 : 125;
    uint16_t room = request->room > request->count ? request->room : request->count;

    most = room + MASTER_OPEN_MOST * step < most ? (uint16_t)(room + MASTER_OPEN_MOST * step) : most;
    for (uint16_t count = 1; count <= most; count = (uint16_t)(count + step)) {
        if (request->address + (unsigned)count <= 65536 && !is_doubtful(request->unit, request->table, count)) {
            return count;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ questions */

static void note_answer(struct master *master, const struct master_request *request, enum err err,
                        int64_t took_us)
{
    int64_t took_ms = took_us / 1000;

    master->usual_us += took_us > master->usual_us ? took_us - master->usual_us
                                                   : (took_us - master->usual_us) / 64;
    master->timeouts_in_row = 0;
    COUNT(master, request, answers);
    if (err == ERR_DENIED) {
        COUNT(master, request, exceptions);
    }
    if (took_ms > master->counters.latency_ms) {
        master->counters.latency_ms = took_ms;
    }
    if (took_ms > request->unit->counters.latency_ms) {
        request->unit->counters.latency_ms = took_ms;
    }
}

/*
 * Two devices with one id answer both, one behind the other, and the second answer would be taken for that to the next
 * question. So each unit of a serial wire is listened to once after its first answer, and ever after if there was one.
 */
static void listen_for_twin(struct master *master, const struct master_request *request)
{
    struct master_unit *unit = request->unit;

    if (!master->link.is_serial || (unit->listened && !unit->twin)) {
        return;
    }
    unit->listened = true;
    if (master->link.ops->overhear(master->link.self, TWIN_MS)) {
        unit->twin = true;
        COUNT(master, request, strays);
    }
    master->quiet_since_us = boot_us();
}

static enum err ask(struct master *master, const struct master_request *request, uint16_t count,
                    uint16_t *words, bool write, int *ret_exception)
{
    const struct link_ops *ops = master->link.ops;
    struct link_answer answer = {0, false};
    int64_t pause_us = request->pause_ms * 1000, began_ms, began_us;
    enum err err = ensure_open(master, request->timeout_ms);

    *ret_exception = 0;
    if (err) {
        return err;
    }
    rest(master, pause_us > master->link.silence_us ? pause_us : master->link.silence_us);
    if (master->stale || master->link.is_serial) { /* what came too late, or unasked, meanwhile */
        ops->flush(master->link.self);
        master->stale = false;
    }
    began_us = boot_us();
    began_ms = began_us / 1000;
    COUNT(master, request, requests);
    err = write ? ops->write(master->link.self, request->unit_id, request->table, request->address,
                             count, request->timeout_ms, words, &answer)
                : ops->read(master->link.self, request->unit_id, request->table, request->address,
                            count, request->timeout_ms, words, &answer);
    master->quiet_since_us = boot_us();
    *ret_exception = answer.exception;
    if (!err || err == ERR_DENIED) {
        note_answer(master, request, err, boot_us() - began_us);
        listen_for_twin(master, request);
        return err;
    }
    master->stale = true;
    if (err == ERR_TIMEOUT) {
        COUNT(master, request, timeouts);
    } else if (err == ERR_FORMAT) {
        COUNT(master, request, strays);
    }
    leave_open(request, count, write, began_ms);
    recover(master, request, err, began_ms);
    return err == ERR_FORMAT ? ERR_TIMEOUT : err; /* noise is no answer */
}

enum err master_probe(struct master *master, const struct master_request *request,
                      int *ret_exception)
{
    struct master_unit *unit = request->unit;
    uint16_t words[2000], count;
    enum err err;

    *ret_exception = 0;
    forget_old(unit, clock_boot_ms());
    count = other_count(request);
    if (count == 0 || unit->open_count == MASTER_OPEN_MOST) {
        return ERR_TIMEOUT; /* too much is open: what comes now would prove nothing */
    }
    err = ask(master, request, count, words, false, ret_exception);
    if (!err || (err == ERR_DENIED && !is_refusal_doubtful(unit))) {
        unit->open_count = 0;
    }
    return err;
}

/* A doubted unit is asked for something else first. ERR_OK: its next answer is believed. */
static enum err settle(struct master *master, const struct master_request *request, bool write)
{
    struct master_unit *unit = request->unit;
    int exception;
    enum err err;

    forget_old(unit, clock_boot_ms());
    if (unit->open_count == 0 ||
        (!write && !is_doubtful(unit, request->table, request->count) && !is_refusal_doubtful(unit))) {
        return ERR_OK;
    }
    err = master_probe(master, request, &exception);
    if (err == ERR_DENIED) {
        err = unit->open_count == 0 ? ERR_OK : ERR_TIMEOUT;
    }
    return err;
}

enum err master_read(struct master *master, const struct master_request *request, uint16_t *words,
                     int *ret_exception)
{
    enum err err = settle(master, request, false);

    *ret_exception = 0;
    if (!err) {
        err = ask(master, request, request->count, words, false, ret_exception);
    }
    if (!err || err == ERR_DENIED) {
        request->unit->open_count = 0; /* it answers in order */
    }
    return err;
}

enum err master_write(struct master *master, const struct master_request *request,
                      const uint16_t *words, int *ret_exception)
{
    uint16_t copy[125];
    enum err err = settle(master, request, true);

    *ret_exception = 0;
    if (err) {
        return err;
    }
    for (uint16_t i = 0; i < request->count && i < 125; i++) {
        copy[i] = words[i];
    }
    return ask(master, request, request->count, copy, true, ret_exception); /* never repeated */
}
