/*
 * Modbus TCP slaves that cost next to nothing: any unit id on any connection, functions 3 and 4, at
 * most 125 registers a read. Every register has another value at every read, so that whoever reports
 * changes reports all of them.
 *
 *   slaves PORT
 *
 * Prints "ready"; at every line on standard input {"reads": …, "registers": …}; ends with its end.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST  300 /* connections, standard input and the listening socket included */
#define BUFFER 512

struct peer {
    unsigned char in[BUFFER];
    size_t size;
};

static struct pollfd fds[MOST];
static struct peer peers[MOST];
static nfds_t count;
static long long reads, registers;
static uint16_t steps[256]; /* by unit id */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Answers one request of 12 bytes; the size of the answer. */
static size_t answer(const unsigned char *in, unsigned char *out)
{
    unsigned wanted = (unsigned)(in[10] << 8 | in[11]), first = (unsigned)(in[8] << 8 | in[9]);
    uint16_t step = ++steps[in[6]];

    memcpy(out, in, 8);
    if ((in[7] != 3 && in[7] != 4) || wanted == 0 || wanted > 125) {
        out[4] = 0;
        out[5] = 3;
        out[7] |= 0x80;
        out[8] = 1;
        return 9;
    }
    out[4] = (unsigned char)((3 + 2 * wanted) >> 8);
    out[5] = (unsigned char)((3 + 2 * wanted) & 0xff);
    out[8] = (unsigned char)(2 * wanted);
    for (unsigned i = 0; i < wanted; i++) {
        unsigned value = 10000 + (step * 7u + (first + i) * 331u) % 20000;

        out[9 + 2 * i] = (unsigned char)(value >> 8);
        out[10 + 2 * i] = (unsigned char)(value & 0xff);
    }
    reads++;
    registers += wanted;
    return 9 + 2 * (size_t)wanted;
}

static void hang_up(nfds_t i)
{
    close(fds[i].fd);
    count--;
    fds[i] = fds[count];
    peers[i] = peers[count];
}

static int serve(nfds_t i)
{
    struct peer *peer = &peers[i];
    ssize_t got = recv(fds[i].fd, peer->in + peer->size, BUFFER - peer->size, 0);
    size_t at = 0;

    if (got <= 0) {
        return 0;
    }
    peer->size += (size_t)got;
    while (peer->size - at >= 12) {
        unsigned char out[300];
        size_t size = answer(peer->in + at, out);

        if (send(fds[i].fd, out, size, MSG_NOSIGNAL) != (ssize_t)size) {
            return 0;
        }
        at += 12;
    }
    memmove(peer->in, peer->in + at, peer->size - at);
    peer->size -= at;
    return 1;
}

static void accept_one(void)
{
    int fd = accept(fds[1].fd, NULL, NULL), on = 1;

    if (fd < 0) {
        return;
    }
    if (count == MOST) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    peers[count].size = 0;
    fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void say_counts(void)
{
    char line[256];

    if (read(0, line, sizeof(line)) <= 0) {
        exit(0);
    }
    printf("{\"reads\": %lld, \"registers\": %lld}\n", reads, registers);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int on = 1;

    if (argc != 2) {
        fprintf(stderr, "usage: slaves PORT\n");
        return 2;
    }
    at.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};
    count = 2;
    if (fds[1].fd < 0 || setsockopt(fds[1].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(fds[1].fd, (struct sockaddr *)&at, sizeof(at)) || listen(fds[1].fd, 128)) {
        die("listen");
    }
    puts("ready");
    fflush(stdout);
    while (poll(fds, count, -1) >= 0) {
        for (nfds_t i = count; i-- > 2;) {
            if (fds[i].revents && !serve(i)) {
                hang_up(i);
            }
        }
        if (fds[1].revents) {
            accept_one();
        }
        if (fds[0].revents) {
            say_counts();
        }
    }
    die("poll");
}
