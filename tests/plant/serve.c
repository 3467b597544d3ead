/* libmodbus on two faces. */
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/ready.h"
#include "models/base/text.h"

#define CLIENTS_MOST 64
#define FRAME_MOST   256
#define SILENCE_MS   50 /* between two frames of a serial line */

struct serve {
    serve_unit unit;
    void *context;
    modbus_t *tcp, *rtu;
    int listener, clients[CLIENTS_MOST];
    size_t client_count;
    uint8_t frame[FRAME_MOST]; /* of the serial line, so far */
    size_t frame_size;
    int64_t frame_ms;
};

static bool open_tcp(struct serve *serve, const char *words)
{
    char host[64] = {0};
    const char *colon = strrchr(words, ':');
    int64_t port = 0;

    if (!colon || (size_t)(colon - words) >= sizeof(host) || text_to_int(colon + 1, strlen(colon + 1), &port) ||
        port < 1 || port > 65535) {
        fprintf(stderr, "heliograph-plant: expected host:port, found '%s'\n", words);
        return false;
    }
    memcpy(host, words, (size_t)(colon - words));
    serve->tcp = modbus_new_tcp(host, (int)port);
    serve->listener = serve->tcp ? modbus_tcp_listen(serve->tcp, 16) : -1;
    if (serve->listener < 0) {
        fprintf(stderr, "heliograph-plant: %s: %s\n", words, modbus_strerror(errno));
    }
    return serve->listener >= 0;
}

static bool open_serial(struct serve *serve, const char *device)
{
    serve->rtu = modbus_new_rtu(device, 9600, 'N', 8, 1);
    if (!serve->rtu || modbus_set_slave(serve->rtu, 1) || modbus_connect(serve->rtu)) {
        fprintf(stderr, "heliograph-plant: %s: %s\n", device, modbus_strerror(errno));
        return false;
    }
    return true;
}

struct serve *serve_open(const char *tcp, const char *serial, serve_unit unit, void *context)
{
    struct serve *serve = calloc(1, sizeof(*serve));

    if (!serve) {
        return NULL;
    }
    serve->listener = -1;
    serve->unit = unit;
    serve->context = context;
    if ((tcp && !open_tcp(serve, tcp)) || (serial && !open_serial(serve, serial))) {
        serve_close(serve);
        return NULL;
    }
    return serve;
}

void serve_close(struct serve *serve)
{
    if (!serve) {
        return;
    }
    for (size_t i = 0; i < serve->client_count; i++) {
        close(serve->clients[i]);
    }
    if (serve->listener >= 0) {
        close(serve->listener);
    }
    if (serve->tcp) {
        modbus_free(serve->tcp);
    }
    if (serve->rtu) {
        modbus_close(serve->rtu);
        modbus_free(serve->rtu);
    }
    free(serve);
}

static void answer(struct serve *serve, modbus_t *modbus, const uint8_t *query, int size, int unit)
{
    modbus_mapping_t *map = unit >= 1 && unit <= SERVE_UNITS ? serve->unit(serve->context, unit) : NULL;

    if (map) {
        (void)modbus_reply(modbus, query, size, map);
    }
}

/* ------------------------------------------------------------------ TCP */

static void serve_client(struct serve *serve, size_t index)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int size;

    modbus_set_socket(serve->tcp, serve->clients[index]);
    size = modbus_receive(serve->tcp, query);
    if (size < 0) {
        close(serve->clients[index]);
        serve->clients[index] = serve->clients[--serve->client_count];
    } else if (size > 0) {
        answer(serve, serve->tcp, query, size, query[6]);
    }
}

static void take_client(struct serve *serve)
{
    int fd = modbus_tcp_accept(serve->tcp, &serve->listener);

    if (fd >= 0 && serve->client_count < CLIENTS_MOST) {
        serve->clients[serve->client_count++] = fd;
    } else if (fd >= 0) {
        close(fd);
    }
}

/* ------------------------------------------------------------------ serial; libmodbus would hear one unit only */

static uint16_t crc16(const uint8_t *bytes, size_t size)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)(crc ^ bytes[i]);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)(crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1);
        }
    }
    return crc;
}

/* 0: not known yet. */
static size_t request_size(const uint8_t *frame, size_t size)
{
    if (size < 2) {
        return 0;
    }
    if (frame[1] == 15 || frame[1] == 16) {
        return size < 7 ? 0 : 9 + (size_t)frame[6];
    }
    return 8;
}

static void serve_line(struct serve *serve)
{
    ssize_t got = read(modbus_get_socket(serve->rtu), serve->frame + serve->frame_size, FRAME_MOST - serve->frame_size);
    int64_t now_ms = clock_boot_ms();
    size_t want;

    if (got <= 0) {
        return;
    }
    if (serve->frame_size > 0 && now_ms - serve->frame_ms > SILENCE_MS) { /* the rest of the one before never came */
        memmove(serve->frame, serve->frame + serve->frame_size, (size_t)got);
        serve->frame_size = 0;
    }
    serve->frame_ms = now_ms;
    serve->frame_size += (size_t)got;
    want = request_size(serve->frame, serve->frame_size);
    if (want > FRAME_MOST) {
        serve->frame_size = 0;
    } else if (want && serve->frame_size >= want) {
        uint16_t crc = (uint16_t)(serve->frame[want - 2] | serve->frame[want - 1] << 8);

        if (crc == crc16(serve->frame, want - 2)) {
            answer(serve, serve->rtu, serve->frame, (int)want, serve->frame[0]);
        }
        serve->frame_size = 0;
    } else if (serve->frame_size == FRAME_MOST) {
        serve->frame_size = 0;
    }
}

/* ------------------------------------------------------------------ both */

bool serve_turn(struct serve *serve, int wait_ms, int fd)
{
    struct pollfd fds[CLIENTS_MOST + 4];
    size_t count = serve->client_count;

    for (size_t i = 0; i < count; i++) {
        fds[i] = (struct pollfd){.fd = serve->clients[i], .events = POLLIN};
    }
    fds[count] = (struct pollfd){.fd = serve->listener, .events = POLLIN};
    fds[count + 1] = (struct pollfd){.fd = serve->rtu ? modbus_get_socket(serve->rtu) : -1, .events = POLLIN};
    fds[count + 2] = (struct pollfd){.fd = fd, .events = POLLIN};
    fds[count + 3] = (struct pollfd){.fd = ready_fd(), .events = POLLIN};
    if (poll(fds, count + 4, wait_ms) <= 0) {
        return false;
    }
    if (fds[count + 1].revents & POLLIN) {
        serve_line(serve);
    }
    for (size_t i = count; i-- > 0;) {
        if (fds[i].revents) {
            serve_client(serve, i);
        }
    }
    if (fds[count].revents) {
        take_client(serve);
    }
    return fds[count + 2].revents != 0;
}
