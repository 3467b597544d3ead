/*
 * RTU frames in a TCP stream, as serial gateways in "transparent" mode speak them: unit, function,
 * data, CRC-16 (Modbus over Serial Line 1.02, 2.5.1). libmodbus has no such wire.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/modbus/link.h"
#include "host/clock.h"
#include "models/base/text.h"

#define FRAME_MOST 256

struct wire {
    char *host;
    int port, fd; /* fd -1: not connected */
};

static uint16_t crc16(const uint8_t *bytes, size_t size)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
        }
    }
    return crc;
}

static void wire_hang_up(void *self)
{
    struct wire *wire = self;

    if (wire->fd >= 0) {
        close(wire->fd);
        wire->fd = -1;
    }
}

static bool wire_is_open(const void *self)
{
    return ((const struct wire *)self)->fd >= 0;
}

static bool wait_for(int fd, short events, int64_t until_ms)
{
    struct pollfd one = {.fd = fd, .events = events};
    int64_t left = until_ms - clock_boot_ms();

    return poll(&one, 1, left > 0 ? (int)left : 0) == 1;
}

static int connect_to(const struct addrinfo *address, int64_t until_ms)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failed = 0, one = 1;
    socklen_t size = sizeof(failed);

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, address->ai_addr, address->ai_addrlen) &&
        (errno != EINPROGRESS || !wait_for(fd, POLLOUT, until_ms) ||
         getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) || failed)) {
        close(fd);
        return -1;
    }
    return fd;
}

static enum err wire_open(void *self, int64_t timeout_ms)
{
    struct wire *wire = self;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int64_t until_ms = clock_boot_ms() + timeout_ms;
    TEXT(service, 16);

    if (wire->fd >= 0) {
        return ERR_OK;
    }
    text_addf(&service, "%d", wire->port);
    if (getaddrinfo(wire->host, service.at, &hints, &list)) {
        return ERR_CLOSED;
    }
    for (struct addrinfo *one = list; one && wire->fd < 0; one = one->ai_next) {
        wire->fd = connect_to(one, until_ms);
    }
    freeaddrinfo(list);
    return wire->fd < 0 ? ERR_CLOSED : ERR_OK;
}

static bool wire_overhear(void *self, int64_t timeout_ms)
{
    const struct wire *wire = self;

    return link_overhear(wire->fd, timeout_ms);
}

static void wire_flush(void *self)
{
    struct wire *wire = self;
    uint8_t room[512];

    while (wire->fd >= 0 && recv(wire->fd, room, sizeof(room), 0) > 0) {
    }
}

static enum err send_frame(struct wire *wire, uint8_t *frame, size_t size)
{
    uint16_t crc = crc16(frame, size);

    frame[size] = (uint8_t)(crc & 0xff);
    frame[size + 1] = (uint8_t)(crc >> 8);
    return send(wire->fd, frame, size + 2, MSG_NOSIGNAL) == (ssize_t)size + 2 ? ERR_OK : ERR_CLOSED;
}

static enum err receive(struct wire *wire, uint8_t *to, size_t size, int64_t until_ms)
{
    while (size > 0) {
        ssize_t got;

        if (!wait_for(wire->fd, POLLIN, until_ms)) {
            return ERR_TIMEOUT;
        }
        got = recv(wire->fd, to, size, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            return ERR_CLOSED;
        }
        if (got > 0) {
            to += got;
            size -= (size_t)got;
        }
    }
    return ERR_OK;
}

/* The answer to a request: unit and function must be those that were asked, the CRC must hold. */
static enum err receive_frame(struct wire *wire, const uint8_t *request, size_t expected,
                              int64_t timeout_ms, uint8_t *frame, struct link_answer *answer)
{
    int64_t until_ms = clock_boot_ms() + timeout_ms;
    enum err err = receive(wire, frame, 3, until_ms);
    size_t size = 3;

    if (err) {
        return err;
    }
    if (frame[0] != request[0] || (frame[1] & 0x7f) != request[1]) {
        answer->late = true;
        return ERR_FORMAT;
    }
    size = frame[1] & 0x80 ? 5 : expected;
    err = receive(wire, frame + 3, size - 3, until_ms);
    if (err) {
        return err;
    }
    if (crc16(frame, size - 2) != (uint16_t)(frame[size - 2] | frame[size - 1] << 8)) {
        answer->late = true;
        return ERR_FORMAT;
    }
    if (frame[1] & 0x80) {
        answer->exception = frame[2];
        return ERR_DENIED;
    }
    return ERR_OK;
}

static size_t put_head(uint8_t *frame, int unit_id, uint8_t function, uint16_t address,
                       uint16_t value)
{
    frame[0] = (uint8_t)unit_id;
    frame[1] = function;
    frame[2] = (uint8_t)(address >> 8);
    frame[3] = (uint8_t)(address & 0xff);
    frame[4] = (uint8_t)(value >> 8);
    frame[5] = (uint8_t)(value & 0xff);
    return 6;
}

static enum err wire_read(void *self, int unit_id, enum register_table table, uint16_t address,
                          uint16_t count, int64_t timeout_ms, uint16_t *words,
                          struct link_answer *ret_answer)
{
    static const uint8_t functions[] = {
        [REGISTER_INPUT] = 4, [REGISTER_HOLDING] = 3, [REGISTER_COIL] = 1, [REGISTER_DISCRETE] = 2};
    bool bits = table == REGISTER_COIL || table == REGISTER_DISCRETE;
    size_t bytes = bits ? (count + 7U) / 8 : 2U * count;
    struct wire *wire = self;
    uint8_t request[FRAME_MOST], frame[FRAME_MOST + 8];
    enum err err;

    *ret_answer = (struct link_answer){0, false};
    if (bytes + 5 > FRAME_MOST) {
        return ERR_RANGE;
    }
    err = send_frame(wire, request, put_head(request, unit_id, functions[table], address, count));
    if (!err) {
        err = receive_frame(wire, request, bytes + 5, timeout_ms, frame, ret_answer);
    }
    if (!err && frame[2] != bytes) {
        ret_answer->late = true; /* an answer, but to another question */
        return ERR_FORMAT;
    }
    for (uint16_t i = 0; !err && i < count; i++) {
        words[i] = bits ? frame[3 + i / 8] >> (i % 8) & 1
                        : (uint16_t)(frame[3 + 2 * i] << 8 | frame[4 + 2 * i]);
    }
    return err;
}

static enum err wire_write(void *self, int unit_id, enum register_table table, uint16_t address,
                           uint16_t count, int64_t timeout_ms, const uint16_t *words,
                           struct link_answer *ret_answer)
{
    struct wire *wire = self;
    uint8_t request[FRAME_MOST + 2], frame[FRAME_MOST];
    size_t size;
    enum err err;

    *ret_answer = (struct link_answer){0, false};
    if (table == REGISTER_COIL) {
        size = put_head(request, unit_id, 5, address, words[0] ? 0xff00 : 0);
    } else if (count == 1) {
        size = put_head(request, unit_id, 6, address, words[0]);
    } else {
        size = put_head(request, unit_id, 16, address, count);
        request[size++] = (uint8_t)(2 * count);
        for (uint16_t i = 0; i < count && size + 2 < FRAME_MOST; i++) {
            request[size++] = (uint8_t)(words[i] >> 8);
            request[size++] = (uint8_t)(words[i] & 0xff);
        }
    }
    err = send_frame(wire, request, size);
    return err ? err : receive_frame(wire, request, 8, timeout_ms, frame, ret_answer);
}

static void wire_close(void *self)
{
    struct wire *wire = self;

    wire_hang_up(wire);
    free(wire->host);
    free(wire);
}

static const struct link_ops ops = {
    .open = wire_open,
    .is_open = wire_is_open,
    .read = wire_read,
    .write = wire_write,
    .overhear = wire_overhear,
    .flush = wire_flush,
    .hang_up = wire_hang_up,
    .close = wire_close,
};

enum err link_open_rtu_over_tcp(const char *host, int port, struct link *ret_link)
{
    struct wire *wire = calloc(1, sizeof(*wire));

    if (!wire) {
        return ERR_NOMEM;
    }
    wire->host = strdup(host);
    wire->port = port;
    wire->fd = -1;
    if (!wire->host) {
        free(wire);
        return ERR_NOMEM;
    }
    /* answers carry no number: it is a serial wire behind a socket */
    *ret_link = (struct link){.ops = &ops, .self = wire, .is_serial = true};
    return ERR_OK;
}
