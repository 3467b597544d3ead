/* Recordings to messages; what has no receipt after a while goes again. */
#include "replay.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/file.h"
#include "host/mqtt.h"
#include "host/ready.h"
#include "models/base/hash.h"
#include "models/telemetry/ack.h"
#include "models/telemetry/topic.h"
#include "host/recording.h"

#define ROWS_EACH    30 /* rows in a message */
#define AGAIN_MS     5000

struct sent { /* a message without a receipt */
    uint64_t seq;
    char *bytes;
    size_t size;
    int64_t at_ms;
};

struct replay {
    const struct replay_options *options;
    struct arena *scratch;
    struct mqtt *mqtt;
    struct recording *recording;
    char epoch[EPOCH_SIZE];
    uint64_t seq;
    struct sent *window;
    size_t waiting;
    struct outgoing batch[ROWS_EACH * RECORDING_COLUMNS];
    size_t count;
    struct json_out out;
    int64_t readings, said_ms;
    bool ended, up;
};

static void put(struct replay *replay, struct sent *sent)
{
    TEXT(topic, TOPIC_SIZE);

    sent->at_ms = clock_boot_ms();
    if (!topic_make(&topic, TOPIC_PREFIX, replay->options->agent, CHANNEL_DATA)) {
        (void)!mqtt_publish(replay->mqtt, topic.at, sent->bytes, sent->size, false, 0);
    }
}

static void send_batch(struct replay *replay)
{
    struct envelope envelope = {.seq = 0};
    size_t done = 0, used;

    memcpy(envelope.epoch, replay->epoch, EPOCH_SIZE);
    while (done < replay->count && replay->waiting < (size_t)replay->options->window + 8) {
        struct sent *sent = &replay->window[replay->waiting];

        envelope.seq = ++replay->seq;
        if (data_encode(&replay->out, &envelope, replay->batch + done, replay->count - done, 60000, &used)) {
            break;
        }
        *sent = (struct sent){envelope.seq, strdup(replay->out.bytes), replay->out.size, 0};
        replay->waiting++;
        put(replay, sent);
        done += used;
    }
    replay->readings += (int64_t)done;
    replay->count = 0;
}

static void read_rows(struct replay *replay)
{
    struct recording_row row;

    for (int i = 0; i < ROWS_EACH && !replay->ended; i++) {
        if (!recording_next(replay->recording, &row)) {
            replay->ended = true;
            break;
        }
        for (size_t k = 0; k < row.count; k++) {
            replay->batch[replay->count++] = (struct outgoing){
                replay->options->equipment, row.points[k],
                {.t_ms = row.t_ms, .has_value = true, .value = row.values[k]}};
        }
    }
    send_batch(replay);
}

static void take_ack(struct replay *replay, const struct mqtt_event *event)
{
    struct ack ack;
    size_t kept = 0;

    arena_reset(replay->scratch);
    if (ack_decode(replay->scratch, event->payload, event->size, &ack, NULL) ||
        strcmp(ack.epoch, replay->epoch) != 0) {
        return;
    }
    for (size_t i = 0; i < replay->waiting; i++) {
        bool have = false;

        for (size_t k = 0; k < ack.count; k++) {
            have = have || (replay->window[i].seq >= ack.have[k].from && replay->window[i].seq <= ack.have[k].to);
        }
        if (have) {
            free(replay->window[i].bytes);
        } else {
            replay->window[kept++] = replay->window[i];
        }
    }
    replay->waiting = kept;
}

static void greet(struct replay *replay)
{
    TEXT(topic, TOPIC_SIZE);
    TEXT(birth, 512);

    replay->up = true;
    text_addf(&topic, "%s/%s/ack", TOPIC_PREFIX, replay->options->agent);
    (void)!mqtt_subscribe(replay->mqtt, topic.at, false, 0);
    text_clear(&topic);
    text_addf(&topic, "%s/%s/status", TOPIC_PREFIX, replay->options->agent);
    text_addf(&birth,
              "{\"v\":1,\"online\":true,\"epoch\":\"%s\",\"version\":\"replay\",\"t\":%lld,\"edge\":"
              "false,\"equipment\":{\"%s\":{\"profile\":\"%s\",\"hash\":\"\"}}}",
              replay->epoch, (long long)clock_wall_ms(), replay->options->equipment,
              replay->options->profile);
    (void)!mqtt_publish(replay->mqtt, topic.at, birth.at, birth.length, true, 0);
}

static void take_events(struct replay *replay)
{
    struct mqtt_event *event;

    while ((event = mqtt_take(replay->mqtt)) != NULL) {
        if (event->what == MQTT_UP) {
            greet(replay);
        } else if (event->what == MQTT_DOWN) {
            replay->up = false;
        } else if (event->what == MQTT_MESSAGE) {
            take_ack(replay, event);
        }
        mqtt_event_free(event);
    }
}

static void turn(struct replay *replay)
{
    int64_t now_ms = clock_boot_ms();
    struct pollfd fd;

    mqtt_turn(replay->mqtt, now_ms);
    take_events(replay);
    for (size_t i = 0; replay->up && i < replay->waiting; i++) {
        if (now_ms - replay->window[i].at_ms > AGAIN_MS) {
            put(replay, &replay->window[i]);
        }
    }
    while (replay->up && !replay->ended && replay->waiting < (size_t)replay->options->window) {
        read_rows(replay);
    }
    if (isatty(2) && now_ms - replay->said_ms > 500) {
        replay->said_ms = now_ms;
        fprintf(stderr, "\r%lld rows sent", (long long)recording_rows(replay->recording));
    }
    fd = (struct pollfd){.fd = mqtt_fd(replay->mqtt), .events = POLLIN};
    poll(&fd, 1, 20);
}

static bool begin(struct replay *replay)
{
    const struct replay_options *options = replay->options;
    struct mqtt_options mqtt = {.url = options->broker, .client_id = options->agent,
                                .ca = options->ca, .cert = options->cert, .key = options->key};
    TEXT(why, 200);
    uint64_t number;

    replay->out = json_out(MESSAGE_BYTES_MOST);
    replay->window = calloc((size_t)options->window + 16, sizeof(*replay->window));
    file_random(&number, sizeof(number));
    hash_hex(number, replay->epoch);
    replay->recording = recording_open(options->csv, options->map, NULL, NULL);
    if (!replay->recording || !replay->window || arena_open(4 << 20, &replay->scratch)) {
        return false;
    }
    if (mqtt_open(&mqtt, &replay->mqtt, &why)) {
        fprintf(stderr, "heliograph-plant: %s\n", why.at);
        return false;
    }
    return true;
}

int replay_mqtt(const struct replay_options *options)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    int status = 1;

    if (!replay) {
        return 1;
    }
    replay->options = options;
    if (!begin(replay)) {
        status = 2;
    }
    while (status == 1 && !ready_must_stop()) {
        turn(replay);
        if (replay->ended && replay->waiting == 0) {
            status = 0;
        }
    }
    if (status < 2) {
        printf("rows=%lld readings=%lld messages=%llu skipped=%lld\n",
               (long long)recording_rows(replay->recording), (long long)replay->readings,
               (unsigned long long)replay->seq, (long long)recording_skipped(replay->recording));
    }
    mqtt_close(replay->mqtt, 500);
    for (size_t i = 0; replay->window && i < replay->waiting; i++) {
        free(replay->window[i].bytes);
    }
    arena_close(replay->scratch);
    json_out_free(&replay->out);
    recording_close(replay->recording);
    free(replay->window);
    free(replay);
    return status;
}
