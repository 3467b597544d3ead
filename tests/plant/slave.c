/* Slaves that misbehave, over TCP, RTU in TCP, and a serial line. */
#include "slave.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/clock.h"

#define PEERS_MOST   8
#define PENDING_MOST 64
#define FRAME_MOST   300

struct peer {
    int fd; /* -1: free */
    uint8_t bytes[FRAME_MOST];
    size_t size;
    int64_t heard_ms;
};

struct pending { /* an answer on its way */
    int64_t at_ms;
    int fd;
    uint8_t bytes[FRAME_MOST];
    size_t size;
};

struct slave {
    struct slave_options options;
    int listener, port;
    struct peer peers[PEERS_MOST];
    struct pending pending[PENDING_MOST];
    size_t pending_count;
    struct slave_unit units[SLAVE_UNITS];
    int64_t busy_ms[SLAVE_UNITS]; /* a slave does one thing after the other */
    int64_t line_ms;              /* and so does a gateway, and a line */
    uint64_t random;
};

static uint64_t draw(struct slave *slave)
{
    slave->random ^= slave->random >> 12;
    slave->random ^= slave->random << 25;
    slave->random ^= slave->random >> 27;
    return slave->random * 2685821657736338717ULL >> 11;
}

static bool one_in(struct slave *slave, int count)
{
    return count > 0 && draw(slave) % (uint64_t)count == 0;
}

uint16_t slave_word(const struct slave_unit *behaviour, int unit, int function, uint16_t address)
{
    uint32_t x = (uint32_t)unit * 2654435761U ^ (uint32_t)function * 40503U ^ (uint32_t)(address + 1) * 2246822519U;

    if (behaviour->identity_at && function == 3 && address == behaviour->identity_at) {
        return (uint16_t)behaviour->firmware;
    }
    x ^= x >> 15;
    x *= 2246822519U;
    x ^= x >> 13;
    return (uint16_t)(function <= 2 ? x & 1 : x & 0x7fff);
}

static uint16_t crc16(const uint8_t *bytes, size_t size)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)(crc ^ bytes[i]);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
        }
    }
    return crc;
}

/* ------------------------------------------------------------------ what is answered */

static bool has_hole(const struct slave_unit *unit, int function, unsigned address, unsigned count)
{
    for (int i = 0; i < unit->hole_count; i++) {
        const struct slave_hole *hole = &unit->holes[i];

        if (hole->function == function && address < hole->address + (unsigned)hole->count &&
            hole->address < address + count) {
            return true;
        }
    }
    return false;
}

static size_t refuse(uint8_t *pdu, int function, int exception)
{
    pdu[0] = (uint8_t)(function | 0x80);
    pdu[1] = (uint8_t)exception;
    return 2;
}

static size_t read_pdu(const struct slave_unit *unit, int id, const uint8_t *request, unsigned alias, uint8_t *pdu)
{
    int function = request[0];
    uint16_t address = (uint16_t)(request[1] << 8 | request[2]), count = (uint16_t)(request[3] << 8 | request[4]);
    size_t size = function <= 2 ? (count + 7U) / 8 : 2U * count;

    if (function > 2 && count > (unit->most ? unit->most : 125)) {
        return refuse(pdu, function, 3);
    }
    if (count == 0 || size > 250 || has_hole(unit, function, address, count)) {
        return refuse(pdu, function, 2);
    }
    address = (uint16_t)(address + alias);
    memset(pdu, 0, size + 2);
    pdu[0] = (uint8_t)function;
    pdu[1] = (uint8_t)size;
    for (uint16_t i = 0; i < count; i++) {
        uint16_t at = (uint16_t)(address + i);
        uint16_t word = slave_word(unit, id, function, at == unit->identity_at ? at : (uint16_t)(at + unit->shift));

        if (function <= 2) {
            pdu[2 + i / 8] = (uint8_t)(pdu[2 + i / 8] | word << i % 8);
        } else {
            pdu[2 + 2 * i] = (uint8_t)(word >> 8);
            pdu[3 + 2 * i] = (uint8_t)word;
        }
    }
    return size + 2;
}

/* Wraps the PDU as the wire wants it. head: the request's frame. */
static size_t wrap(const struct slave *slave, const uint8_t *head, const uint8_t *pdu, size_t size,
                   uint8_t *frame)
{
    uint16_t crc;

    if (slave->options.wire == SLAVE_TCP) {
        memcpy(frame, head, 7);
        frame[4] = 0;
        frame[5] = (uint8_t)(size + 1);
        memcpy(frame + 7, pdu, size);
        return size + 7;
    }
    frame[0] = head[0];
    memcpy(frame + 1, pdu, size);
    crc = crc16(frame, size + 1);
    frame[size + 1] = (uint8_t)crc;
    frame[size + 2] = (uint8_t)(crc >> 8);
    return size + 3;
}

static void post(struct slave *slave, int fd, const uint8_t *frame, size_t size, int64_t at_ms)
{
    struct pending *one;

    if (slave->pending_count == PENDING_MOST) {
        return;
    }
    one = &slave->pending[slave->pending_count++];
    one->at_ms = at_ms;
    one->fd = fd;
    one->size = size;
    memcpy(one->bytes, frame, size);
}

/* How long these bytes take on the line (11 bits a character). */
static int64_t line_time_ms(const struct slave *slave, size_t bytes)
{
    return slave->options.baud ? (int64_t)bytes * 11000 / slave->options.baud : 0;
}

static int64_t lateness_ms(struct slave *slave, struct slave_unit *unit)
{
    if (!one_in(slave, unit->late_one_in)) {
        return 0;
    }
    unit->lates++;
    return unit->late_ms / 3 + (int64_t)(draw(slave) % (uint64_t)(unit->late_ms * 2 / 3 + 1));
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void note(struct slave_unit *unit, const uint8_t *pdu, int64_t now_ms)
{
    unit->requests++;
    unit->last_ms = now_ms;
    if (pdu[0] == 3 && pdu[1] == 0 && pdu[2] == 0 && (pdu[3] << 8 | pdu[4]) > 1) {
        unit->asked_ms[unit->asked++ % 4096] = now_ms;
    }
}

/* A request has come whole: unit and PDU in it. */
static void take(struct slave *slave, int fd, const uint8_t *frame, size_t size, int id, const uint8_t *request)
{
    struct slave_unit *unit = &slave->units[id < SLAVE_UNITS ? id : 0];
    int64_t now_ms = clock_boot_ms(), at_ms;
    uint8_t pdu[FRAME_MOST], answer[FRAME_MOST];
    size_t length;

    note(unit, request, now_ms);
    if (!unit->present) {
        if (slave->options.gateway_ms) { /* it waits for the unit, and all others with it */
            slave->line_ms = later(slave->line_ms, now_ms) + slave->options.gateway_ms;
            length = wrap(slave, frame, pdu, refuse(pdu, request[0], 11), answer);
            post(slave, fd, answer, length, slave->line_ms);
        }
        return;
    }
    if (one_in(slave, unit->drop_one_in)) {
        return;
    }
    length = one_in(slave, unit->busy_one_in) ? refuse(pdu, request[0], 6)
             : request[0] >= 1 && request[0] <= 4 ? read_pdu(unit, id, request, one_in(slave, unit->alias_one_in) ? 100 : 0, pdu)
                                                  : refuse(pdu, request[0], 1);
    unit->refused += pdu[0] >> 7;
    unit->refused_before_40 += unit->requests <= 40 ? pdu[0] >> 7 : 0;
    length = wrap(slave, frame, pdu, length, answer);
    at_ms = later(now_ms, slave->busy_ms[id]) + unit->turnaround_ms + line_time_ms(slave, size + length) +
            lateness_ms(slave, unit);
    slave->busy_ms[id] = at_ms;
    if (one_in(slave, unit->noise_one_in)) {
        answer[draw(slave) % length] ^= (uint8_t)(1 + draw(slave) % 255);
    }
    post(slave, fd, answer, length, at_ms);
    if (unit->twin) {
        post(slave, fd, answer, length, at_ms + 3);
    }
}

/* ------------------------------------------------------------------ frames */

/* Of a request in bytes; 0: not known yet. */
static size_t request_size(const struct slave *slave, const uint8_t *bytes, size_t size)
{
    if (slave->options.wire == SLAVE_TCP) {
        return size < 6 ? 0 : 6 + (size_t)(bytes[4] << 8 | bytes[5]);
    }
    if (size < 2) {
        return 0;
    }
    if (bytes[1] == 15 || bytes[1] == 16) {
        return size < 7 ? 0 : 9 + (size_t)bytes[6];
    }
    return 8;
}

static void take_bytes(struct slave *slave, struct peer *peer)
{
    bool tcp = slave->options.wire == SLAVE_TCP;
    size_t want;

    while ((want = request_size(slave, peer->bytes, peer->size)) > 0 && want <= peer->size) {
        bool sound = tcp ? want >= 12
                         : crc16(peer->bytes, want - 2) ==
                               (uint16_t)(peer->bytes[want - 2] | peer->bytes[want - 1] << 8);

        if (sound) {
            take(slave, peer->fd, peer->bytes, want, peer->bytes[tcp ? 6 : 0], peer->bytes + (tcp ? 7 : 1));
        }
        memmove(peer->bytes, peer->bytes + want, peer->size - want);
        peer->size -= want;
    }
    if (want > FRAME_MOST) {
        peer->size = 0;
    }
}

static void hang_up(struct slave *slave, struct peer *peer)
{
    size_t kept = 0;

    for (size_t i = 0; i < slave->pending_count; i++) {
        if (slave->pending[i].fd != peer->fd) {
            slave->pending[kept++] = slave->pending[i];
        }
    }
    slave->pending_count = kept;
    if (slave->options.wire != SLAVE_SERIAL) {
        close(peer->fd);
        peer->fd = -1;
    }
    peer->size = 0;
}

static void hear(struct slave *slave, struct peer *peer)
{
    int64_t now_ms = clock_boot_ms();
    ssize_t got;

    if (slave->options.wire == SLAVE_SERIAL && now_ms - peer->heard_ms > 50) {
        peer->size = 0; /* the rest of the one before never came */
    }
    got = read(peer->fd, peer->bytes + peer->size, FRAME_MOST - peer->size);
    peer->heard_ms = now_ms;
    if (got > 0) {
        peer->size += (size_t)got;
        take_bytes(slave, peer);
    } else if (slave->options.wire != SLAVE_SERIAL && (got == 0 || errno != EINTR)) {
        hang_up(slave, peer);
    } else {
        poll(NULL, 0, 1); /* the other end of the line is closed for now */
    }
}

static void take_peer(struct slave *slave)
{
    int fd = accept(slave->listener, NULL, NULL), one = 1;

    for (size_t i = 0; fd >= 0 && i < PEERS_MOST; i++) {
        if (slave->peers[i].fd < 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
            slave->peers[i] = (struct peer){.fd = fd};
            return;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Sends what is due; returns the ms until the next. */
static int send_due(struct slave *slave, int wait_ms)
{
    int64_t now_ms = clock_boot_ms();

    for (size_t i = 0; i < slave->pending_count;) {
        struct pending *one = &slave->pending[i];

        if (one->at_ms > now_ms) {
            wait_ms = one->at_ms - now_ms < wait_ms ? (int)(one->at_ms - now_ms) : wait_ms;
            i++;
            continue;
        }
        (void)!write(one->fd, one->bytes, one->size);
        slave->pending_count--;
        memmove(one, one + 1, (slave->pending_count - i) * sizeof(*one));
    }
    return wait_ms;
}

void slave_turn(struct slave *slave, int wait_ms)
{
    struct pollfd fds[PEERS_MOST + 1];

    for (size_t i = 0; i < PEERS_MOST; i++) {
        fds[i] = (struct pollfd){.fd = slave->peers[i].fd, .events = POLLIN};
    }
    fds[PEERS_MOST] = (struct pollfd){.fd = slave->listener, .events = POLLIN};
    if (poll(fds, PEERS_MOST + 1, send_due(slave, wait_ms)) > 0) {
        for (size_t i = 0; i < PEERS_MOST; i++) {
            if (fds[i].revents) {
                hear(slave, &slave->peers[i]);
            }
        }
        if (fds[PEERS_MOST].revents) {
            take_peer(slave);
        }
    }
    send_due(slave, 0);
}

/* ------------------------------------------------------------------ opening */

static bool listen_on(struct slave *slave)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)slave->options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int one = 1;

    slave->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (slave->listener < 0) {
        return false;
    }
    setsockopt(slave->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(slave->listener, (struct sockaddr *)&address, sizeof(address)) ||
        listen(slave->listener, 8) || getsockname(slave->listener, (struct sockaddr *)&address, &size)) {
        return false;
    }
    slave->port = ntohs(address.sin_port);
    return true;
}

struct slave *slave_open(const struct slave_options *options)
{
    struct slave *slave = calloc(1, sizeof(*slave));

    if (!slave) {
        return NULL;
    }
    slave->options = *options;
    slave->random = options->seed | 1;
    slave->listener = -1;
    for (size_t i = 0; i < PEERS_MOST; i++) {
        slave->peers[i].fd = -1;
    }
    if (options->wire == SLAVE_SERIAL) {
        slave->peers[0].fd = options->fd;
    } else if (!listen_on(slave)) {
        slave_close(slave);
        return NULL;
    }
    return slave;
}

void slave_close(struct slave *slave)
{
    for (size_t i = 0; i < PEERS_MOST; i++) {
        if (slave->peers[i].fd >= 0 && slave->options.wire != SLAVE_SERIAL) {
            close(slave->peers[i].fd);
        }
    }
    if (slave->listener >= 0) {
        close(slave->listener);
    }
    free(slave);
}

int slave_port(const struct slave *slave)
{
    return slave->port;
}

struct slave_unit *slave_unit(struct slave *slave, int unit)
{
    return &slave->units[unit];
}
