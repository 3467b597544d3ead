/*
 * Floods a broker with data messages of many agents at QoS 1, over one raw socket, and says how fast
 * the broker took them. What the server made of them is read from its /metrics by bench.py.
 *
 *   bench_ingest PORT MESSAGES AGENTS READINGS EDGE [SPREAD_MS]
 *
 * READINGS: readings in a message, over the points of swh-basic. EDGE: 1 when the agents grade
 * faults themselves. SPREAD_MS: event time between two messages of an agent (preset 1000); event time
 * ends now.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW      2000 /* publishes without a PUBACK */
#define BUFFER_MOST (1024 * 1024)

static const char *const points[] = {"collector_temp", "tank_top",  "tank_bottom", "flow",
                                     "pump_on",        "irradiance", "ambient_temp", "level",
                                     "pressure",       "outlet_temp"};

struct wire {
    int fd;
    unsigned char *out;
    size_t out_size, in_size;
    unsigned char in[65536];
    int64_t sent, acked;
};

static int64_t now_ms(void)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void flush(struct wire *wire)
{
    size_t at = 0;

    while (at < wire->out_size) {
        ssize_t done = send(wire->fd, wire->out + at, wire->out_size - at, MSG_NOSIGNAL);

        if (done < 0 && errno != EINTR) {
            die("send");
        }
        at += done > 0 ? (size_t)done : 0;
    }
    wire->out_size = 0;
}

static void put(struct wire *wire, const void *bytes, size_t size)
{
    memcpy(wire->out + wire->out_size, bytes, size);
    wire->out_size += size;
}

static void put_byte(struct wire *wire, unsigned byte)
{
    wire->out[wire->out_size++] = (unsigned char)byte;
}

static void put_head(struct wire *wire, unsigned kind, size_t rest)
{
    put_byte(wire, kind);
    do {
        put_byte(wire, (unsigned)(rest % 128) | (rest >= 128 ? 0x80u : 0));
        rest /= 128;
    } while (rest > 0);
}

static void put_words(struct wire *wire, const char *words)
{
    size_t size = strlen(words);

    put_byte(wire, (unsigned)(size >> 8));
    put_byte(wire, (unsigned)(size & 0xff));
    put(wire, words, size);
}

/* Counts PUBACKs (40 02 hi lo). */
static void read_acks(struct wire *wire, bool wait)
{
    struct pollfd fd = {.fd = wire->fd, .events = POLLIN};
    ssize_t got;
    size_t at = 0;

    if (poll(&fd, 1, wait ? 10000 : 0) <= 0) {
        return;
    }
    got = recv(wire->fd, wire->in + wire->in_size, sizeof(wire->in) - wire->in_size, 0);
    if (got <= 0) {
        die("the broker closed the connection");
    }
    wire->in_size += (size_t)got;
    while (wire->in_size - at >= 4) {
        wire->acked += wire->in[at] == 0x40;
        at += 4;
    }
    memmove(wire->in, wire->in + at, wire->in_size - at);
    wire->in_size -= at;
}

static void publish(struct wire *wire, const char *topic, const char *body, bool retained)
{
    size_t size = strlen(body);

    while (wire->sent - wire->acked >= WINDOW) {
        flush(wire);
        read_acks(wire, true);
    }
    wire->sent++;
    put_head(wire, 0x32 | (retained ? 1u : 0), 2 + strlen(topic) + 2 + size);
    put_words(wire, topic);
    put_byte(wire, (unsigned)(wire->sent % 65535 + 1) >> 8);
    put_byte(wire, (unsigned)(wire->sent % 65535 + 1) & 0xff);
    put(wire, body, size);
    if (wire->out_size > 32768) {
        flush(wire);
        read_acks(wire, false);
    }
}

static void open_wire(struct wire *wire, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    wire->fd = socket(AF_INET, SOCK_STREAM, 0);
    wire->out = malloc(BUFFER_MOST);
    if (wire->fd < 0 || !wire->out || connect(wire->fd, (struct sockaddr *)&to, sizeof(to))) {
        die("connect");
    }
    put_head(wire, 0x10, 10 + 2 + 5);
    put(wire, "\0\4MQTT\4\2\0\0", 10);
    put_words(wire, "bench");
    flush(wire);
    if (recv(wire->fd, wire->in, 4, MSG_WAITALL) != 4 || wire->in[3] != 0) {
        die("CONNACK");
    }
}

static void give_births(struct wire *wire, int agents, bool edge)
{
    for (int a = 0; a < agents; a++) {
        char topic[80], body[400];

        snprintf(topic, sizeof(topic), "heliograph/1/bench-%d/status", a);
        snprintf(body, sizeof(body),
                 "{\"v\":1,\"online\":true,\"epoch\":\"%016x\",\"edge\":%s,\"equipment\":{\"b-%d\":"
                 "{\"profile\":\"swh-basic\"}}}",
                 (unsigned)(a + 1), edge ? "true" : "false", a);
        publish(wire, topic, body, false);
    }
    flush(wire);
}

static void make_body(char *body, size_t room, int agent, int64_t seq, int64_t t0, int readings)
{
    int size = snprintf(body, room,
                        "{\"v\":1,\"epoch\":\"%016x\",\"seq\":%lld,\"t0\":%lld,\"equipment\":{"
                        "\"b-%d\":{",
                        (unsigned)(agent + 1), (long long)seq, (long long)t0, agent);
    int each = readings / 10 > 0 ? readings / 10 : 1, count = readings < 10 ? readings : 10;

    for (int p = 0; p < count; p++) {
        size += snprintf(body + size, room - (size_t)size, "%s\"%s\":[", p ? "," : "", points[p]);
        for (int k = 0; k < each; k++) {
            size += snprintf(body + size, room - (size_t)size, "%s[%d,%d.%d]", k ? "," : "", k * 100,
                             20 + (int)((seq + p + k) % 40), (int)((seq * 7 + p) % 10));
        }
        size += snprintf(body + size, room - (size_t)size, "]");
    }
    snprintf(body + size, room - (size_t)size, "}}}");
}

int main(int argc, char **argv)
{
    static char body[65536];
    struct wire *wire = calloc(1, sizeof(*wire));
    int64_t messages, spread, begin, ms;
    int agents, readings;

    if (argc < 6 || !wire) {
        fprintf(stderr, "usage: bench_ingest PORT MESSAGES AGENTS READINGS EDGE [SPREAD_MS]\n");
        return 2;
    }
    messages = strtoll(argv[2], NULL, 10);
    agents = (int)strtol(argv[3], NULL, 10);
    readings = (int)strtol(argv[4], NULL, 10);
    spread = argc > 6 ? strtoll(argv[6], NULL, 10) : 1000;
    open_wire(wire, (uint16_t)strtol(argv[1], NULL, 10));
    give_births(wire, agents, argv[5][0] == '1');
    begin = now_ms();
    for (int64_t i = 0; i < messages; i++) {
        int agent = (int)(i % agents);
        int64_t seq = i / agents + 1, last = (messages - 1) / agents + 1;
        char topic[80];

        snprintf(topic, sizeof(topic), "heliograph/1/bench-%d/data", agent);
        make_body(body, sizeof(body), agent, seq, begin - (last - seq) * spread, readings);
        publish(wire, topic, body, false);
    }
    flush(wire);
    while (wire->acked < wire->sent && now_ms() - begin < 600000) {
        read_acks(wire, true);
    }
    ms = now_ms() - begin;
    printf("{\"messages\": %lld, \"ms\": %lld, \"bytes\": %zu}\n", (long long)messages,
           (long long)ms, strlen(body));
    close(wire->fd);
    free(wire->out);
    free(wire);
    return 0;
}
