/*
 * Floods a broker with data messages of many agents at QoS 1, over one raw socket.
 *
 *   flood PORT SHAPE MESSAGES AGENTS EDGE END_MS SPREAD_MS RATE SEED AHEAD
 *   flood print SHAPE MESSAGES …        the bodies of agent 0 to standard output, a line each
 *
 * SHAPE   ten    one piece of equipment, 10 points, a reading each
 *         flat   the same 10 readings as {"dev":…,"ts":…,"p":{…}}, about 200 bytes
 *         batch  what an agent's spool makes (its own encoder): 480 readings of 30 pieces of equipment
 * EDGE    1: the agents say that they grade faults themselves
 * END_MS  event time of an agent's last message; SPREAD_MS lies between two of them
 * RATE    messages a second; 0: as fast as they go
 * AHEAD   messages that may be on their way at most, as agents have a limit too; how many have been
 *         stored comes on standard input, a number a line. 0: no limit
 *
 * The values are a random walk within what is normal for swh-basic: every rule is judged, none fires.
 * Prints {"messages", "readings", "bytes", "ms"} when the broker has acknowledged all.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "models/telemetry/message.h"

#define WINDOW      2000 /* publishes without a PUBACK */
#define BUFFER_MOST (1024 * 1024)
#define POINTS      16
#define BATCH       30 /* pieces of equipment of an agent that sends batches */
#define BODY_MOST   65536

static const struct {
    const char *name;
    double divisor;
    int least, most, step; /* before the division */
} points[POINTS] = {
    {"collector_temp", 10, 560, 620, 3}, {"tank_top", 10, 500, 560, 1},
    {"tank_bottom", 10, 400, 440, 1},    {"ambient_temp", 10, 180, 240, 1},
    {"flow", 10, 40, 80, 2},             {"pressure", 100, 150, 190, 1},
    {"level", 1, 80, 90, 1},              {"irradiance", 1, 400, 900, 20},
    {"pump_on", 1, 1, 1, 0},              {"heater_power", 1, 0, 0, 0},
    {"pump_hours", 1, 1200, 1200, 0},     {"heater_on", 1, 0, 0, 0},
    {"refill_valve", 1, 0, 0, 0},         {"fault_word", 1, 0, 0, 0},
    {"leak_current", 1, 0, 0, 0},         {"setpoint", 2, 110, 110, 0},
};

struct task {
    const char *shape;
    int64_t messages, end_ms, spread_ms, rate, ahead;
    int64_t stored; /* as was last said on standard input */
    int agents, equipment; /* equipment: pieces an agent has */
    bool edge;
    uint64_t random;
    int *values; /* agents × equipment × POINTS, before the division */
    struct json_out out;
    int64_t readings, bytes;
};

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

/* ------------------------------------------------------------------ the wire */

static void put(struct wire *wire, const void *bytes, size_t size)
{
    memcpy(wire->out + wire->out_size, bytes, size);
    wire->out_size += size;
}

static void put_head(struct wire *wire, unsigned kind, size_t rest)
{
    wire->out[wire->out_size++] = (unsigned char)kind;
    do {
        wire->out[wire->out_size++] = (unsigned char)(rest % 128 | (rest >= 128 ? 0x80u : 0));
        rest /= 128;
    } while (rest > 0);
}

static void put_words(struct wire *wire, const char *words)
{
    size_t size = strlen(words);
    unsigned char head[2] = {(unsigned char)(size >> 8), (unsigned char)(size & 0xff)};

    put(wire, head, 2);
    put(wire, words, size);
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

/* Counts PUBACKs (40 02 hi lo). */
static void read_acks(struct wire *wire, int wait_ms)
{
    struct pollfd fd = {.fd = wire->fd, .events = POLLIN};
    ssize_t got;
    size_t at = 0;

    if (poll(&fd, 1, wait_ms) <= 0) {
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

static void publish(struct wire *wire, const char *topic, const char *body, size_t size)
{
    unsigned char number[2];

    while (wire->sent - wire->acked >= WINDOW) {
        flush(wire);
        read_acks(wire, 10000);
    }
    wire->sent++;
    number[0] = (unsigned char)((wire->sent % 65535 + 1) >> 8);
    number[1] = (unsigned char)((wire->sent % 65535 + 1) & 0xff);
    put_head(wire, 0x32, 2 + strlen(topic) + 2 + size);
    put_words(wire, topic);
    put(wire, number, 2);
    put(wire, body, size);
    if (wire->out_size > 32768) {
        flush(wire);
        read_acks(wire, 0);
    }
}

static void open_wire(struct wire *wire, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    wire->fd = socket(AF_INET, SOCK_STREAM, 0);
    wire->out = malloc(BUFFER_MOST);
    if (wire->fd < 0 || !wire->out || connect(wire->fd, (struct sockaddr *)&to, sizeof(to)) ||
        setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))) {
        die("connect");
    }
    put_head(wire, 0x10, 10 + 2 + 5);
    put(wire, "\0\4MQTT\4\2\0\0", 10);
    put_words(wire, "flood");
    flush(wire);
    if (recv(wire->fd, wire->in, 4, MSG_WAITALL) != 4 || wire->in[3] != 0) {
        die("CONNACK");
    }
}

/* ------------------------------------------------------------------ values and bodies */

static uint64_t draw(struct task *task)
{
    task->random ^= task->random >> 12;
    task->random ^= task->random << 25;
    task->random ^= task->random >> 27;
    return task->random * 2685821657736338717ULL >> 11;
}

static double walk(struct task *task, int agent, int equipment, int point)
{
    int *value = &task->values[(agent * task->equipment + equipment) * POINTS + point];
    int step = points[point].step;

    if (step > 0) {
        *value += (int)(draw(task) % (uint64_t)(2 * step + 1)) - step;
        *value = *value < points[point].least ? points[point].least : *value;
        *value = *value > points[point].most ? points[point].most : *value;
    }
    return *value / points[point].divisor;
}

static size_t make_ten(struct task *task, char *body, int agent, int64_t seq, int64_t t0_ms)
{
    bool flat = task->shape[0] == 'f';
    int size = flat ? snprintf(body, BODY_MOST, "{\"dev\":\"b-%d\",\"ts\":%" PRId64 ",\"p\":{", agent,
                               t0_ms)
                    : snprintf(body, BODY_MOST,
                               "{\"v\":1,\"epoch\":\"%016x\",\"seq\":%" PRId64 ",\"t0\":%" PRId64
                               ",\"equipment\":{\"b-%d\":{",
                               (unsigned)agent + 1, seq, t0_ms, agent);

    for (int p = 0; p < 10; p++) {
        size += snprintf(body + size, (size_t)(BODY_MOST - size), flat ? "%s\"%s\":%.6g" : "%s\"%s\":[[0,%.6g]]",
                         p ? "," : "", points[p].name, walk(task, agent, 0, p));
    }
    size += snprintf(body + size, (size_t)(BODY_MOST - size), flat ? "}}" : "}}}");
    task->readings += 10;
    return (size_t)size;
}

/* As agent/uplink/spool.c does: one reading of each point, the devices polled one after the other. */
static size_t make_batch(struct task *task, char *body, int agent, int64_t seq, int64_t t0_ms)
{
    static struct outgoing list[BATCH * POINTS];
    static char names[BATCH][40];
    struct envelope envelope = {.seq = (uint64_t)seq, .t0_ms = t0_ms};
    size_t used;

    snprintf(envelope.epoch, sizeof(envelope.epoch), "%016x", (unsigned)agent + 1);
    for (int e = 0; e < BATCH; e++) {
        snprintf(names[e], sizeof(names[e]), "b-%d-%d", agent, e);
        for (int p = 0; p < POINTS; p++) {
            list[e * POINTS + p] = (struct outgoing){
                names[e], points[p].name,
                {.t_ms = t0_ms + e * 7, .value = walk(task, agent, e, p), .has_value = true}};
        }
    }
    if (data_encode(&task->out, &envelope, list, BATCH * POINTS, 15 * 1024, &used)) {
        die("data_encode");
    }
    task->readings += (int64_t)used;
    memcpy(body, task->out.bytes, task->out.size);
    return task->out.size;
}

static size_t make_body(struct task *task, char *body, int64_t number)
{
    int agent = (int)(number % task->agents);
    int64_t seq = number / task->agents + 1, last = (task->messages - 1) / task->agents + 1;
    int64_t t0_ms = task->end_ms - (last - seq) * task->spread_ms;
    size_t size = task->shape[0] == 'b' ? make_batch(task, body, agent, seq, t0_ms)
                                        : make_ten(task, body, agent, seq, t0_ms);

    task->bytes += (int64_t)size;
    return size;
}

/* ------------------------------------------------------------------ the flood */

static void give_births(struct task *task, struct wire *wire, char *body)
{
    for (int a = 0; a < task->agents; a++) {
        char topic[80];
        int size = snprintf(body, BODY_MOST,
                            "{\"v\":1,\"online\":true,\"epoch\":\"%016x\",\"edge\":%s,\"equipment\":{",
                            (unsigned)a + 1, task->edge ? "true" : "false");

        for (int e = 0; e < task->equipment; e++) {
            size += snprintf(body + size, (size_t)(BODY_MOST - size),
                             task->equipment > 1 ? "%s\"b-%d-%d\":{\"profile\":\"swh-basic\"}"
                                                 : "%s\"b-%d\":{\"profile\":\"swh-basic\"}",
                             e ? "," : "", a, e);
        }
        size += snprintf(body + size, (size_t)(BODY_MOST - size), "}}");
        snprintf(topic, sizeof(topic), "heliograph/1/bench-%d/status", a);
        publish(wire, topic, body, (size_t)size);
    }
    flush(wire);
}

/* The last whole line that stands on standard input. */
static void hear_stored(struct task *task)
{
    char words[4096];
    ssize_t got = read(STDIN_FILENO, words, sizeof(words) - 1);

    if (got <= 0) {
        fprintf(stderr, "flood: nobody says what was stored\n");
        exit(1);
    }
    words[got] = '\0';
    for (char *at = words, *end; at && *at; at = end ? end + 1 : NULL) {
        end = strchr(at, '\n');
        task->stored = end ? strtoll(at, NULL, 10) : task->stored;
    }
}

/* Waits while more must not be sent yet. */
static void pace(struct task *task, struct wire *wire, int64_t sent, int64_t begin_ms)
{
    int64_t due_ms = task->rate ? begin_ms + sent * 1000 / task->rate : 0;

    for (int64_t wait_ms = due_ms - now_ms(); wait_ms > 0; wait_ms = due_ms - now_ms()) {
        flush(wire);
        read_acks(wire, (int)wait_ms);
    }
    while (task->ahead && sent - task->stored >= task->ahead) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = wire->fd, .events = POLLIN}};

        flush(wire);
        poll(fds, 2, -1);
        if (fds[1].revents) {
            read_acks(wire, 0);
        }
        if (fds[0].revents) {
            hear_stored(task);
        }
    }
}

static int64_t flood(struct task *task, struct wire *wire, char *body)
{
    int64_t begin_ms;

    if (task->shape[0] != 'f') {
        give_births(task, wire, body);
    }
    begin_ms = now_ms();
    for (int64_t i = 0; i < task->messages; i++) {
        char topic[80];
        size_t size = make_body(task, body, i);

        snprintf(topic, sizeof(topic), "heliograph/1/bench-%d/data", (int)(i % task->agents));
        publish(wire, topic, body, size);
        pace(task, wire, i + 1, begin_ms);
    }
    flush(wire);
    while (wire->acked < wire->sent) {
        read_acks(wire, 10000);
    }
    return now_ms() - begin_ms;
}

static void print_bodies(struct task *task, char *body)
{
    for (int64_t i = 0; i < task->messages; i++) {
        size_t size = make_body(task, body, i);

        fwrite(body, 1, size, stdout);
        putchar('\n');
    }
}

static void open_task(struct task *task, char **words)
{
    *task = (struct task){
        .shape = words[1],
        .messages = strtoll(words[2], NULL, 10),
        .agents = (int)strtol(words[3], NULL, 10),
        .edge = words[4][0] == '1',
        .end_ms = strtoll(words[5], NULL, 10),
        .spread_ms = strtoll(words[6], NULL, 10),
        .rate = strtoll(words[7], NULL, 10),
        .random = strtoull(words[8], NULL, 10) | 1,
        .ahead = strtoll(words[9], NULL, 10),
        .equipment = words[1][0] == 'b' ? BATCH : 1,
        .out = json_out(BODY_MOST),
    };
    task->values = calloc((size_t)(task->agents * task->equipment * POINTS), sizeof(int));
    if (!task->values) {
        die("calloc");
    }
    for (int i = 0; i < task->agents * task->equipment * POINTS; i++) {
        task->values[i] = (points[i % POINTS].least + points[i % POINTS].most) / 2;
    }
}

int main(int argc, char **argv)
{
    static char body[BODY_MOST];
    struct wire *wire = calloc(1, sizeof(*wire));
    struct task task;
    int64_t ms;

    if (argc != 11 || !wire) {
        fprintf(stderr, "usage: flood PORT|print SHAPE MESSAGES AGENTS EDGE END_MS SPREAD_MS RATE SEED AHEAD\n");
        return 2;
    }
    open_task(&task, argv + 1);
    if (strcmp(argv[1], "print") == 0) {
        print_bodies(&task, body);
    } else {
        open_wire(wire, (uint16_t)strtol(argv[1], NULL, 10));
        ms = flood(&task, wire, body);
        printf("{\"messages\": %" PRId64 ", \"readings\": %" PRId64 ", \"bytes\": %" PRId64
               ", \"ms\": %" PRId64 "}\n",
               task.messages, task.readings, task.bytes, ms);
        close(wire->fd);
        free(wire->out);
    }
    free(wire);
    free(task.values);
    json_out_free(&task.out);
    return 0;
}
