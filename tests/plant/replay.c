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
#include "models/base/civil.h"
#include "models/base/hash.h"
#include "models/base/yaml.h"
#include "models/telemetry/ack.h"
#include "models/telemetry/topic.h"

#define COLUMNS_MOST 64
#define ROWS_EACH    30 /* rows in a message */
#define LINE_MOST    4096
#define AGAIN_MS     5000

struct sent { /* a message without a receipt */
    uint64_t seq;
    char *bytes;
    size_t size;
    int64_t at_ms;
};

struct replay {
    const struct replay_options *options;
    struct arena *arena, *scratch;
    struct mqtt *mqtt;
    FILE *csv;
    const char *time_column;
    int64_t zone_ms;
    struct yaml_node *points;
    char *names[COLUMNS_MOST]; /* the point of each column; NULL: none */
    int columns, time_index;
    char epoch[EPOCH_SIZE];
    uint64_t seq;
    struct sent *window;
    size_t waiting;
    struct outgoing batch[ROWS_EACH * COLUMNS_MOST];
    size_t count;
    struct json_out out;
    int64_t rows, readings, said_ms;
    bool ended, up;
};

static int split(char *line, char **fields)
{
    int count = 0;

    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && count < COLUMNS_MOST; count++) {
        char *comma = strchr(at, ',');

        fields[count] = at;
        if (comma) {
            *comma = '\0';
        }
        at = comma ? comma + 1 : NULL;
    }
    return count;
}

static bool read_map(struct replay *replay)
{
    struct complaints complaints = {.path = replay->options->map, .arena = replay->arena};
    struct yaml_node *root;
    char *bytes;
    size_t size;

    if (file_read(replay->arena, replay->options->map, 1 << 20, &bytes, &size) ||
        yaml_parse(replay->arena, bytes, size, &complaints, &root)) {
        fprintf(stderr, "%s: cannot be read\n", replay->options->map);
        return false;
    }
    replay->time_column = yaml_text(&complaints, yaml_need(&complaints, root, "time"), "a column", "");
    replay->zone_ms = yaml_int(&complaints, yaml_find(root, "zone_offset"), "minutes", -900, 900, 0) * 60000;
    replay->points = yaml_map(&complaints, yaml_need(&complaints, root, "points"), "a map");
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        fprintf(stderr, "%s\n", complaints.lines[i]);
    }
    return complaints.count == 0;
}

static bool read_head(struct replay *replay)
{
    char line[LINE_MOST], *fields[COLUMNS_MOST];

    if (!fgets(line, sizeof(line), replay->csv)) {
        return false;
    }
    replay->columns = split(line, fields);
    replay->time_index = -1;
    for (int i = 0; i < replay->columns; i++) {
        struct yaml_node *point = yaml_find(replay->points, fields[i]);

        replay->names[i] = point ? strdup(point->text) : NULL;
        if (strcmp(fields[i], replay->time_column) == 0) {
            replay->time_index = i;
        }
    }
    return replay->time_index >= 0;
}

/* "2016-12-28 14:24" or with seconds, local without a zone. */
static bool read_time(struct replay *replay, const char *words, int64_t *ret_ms)
{
    TEXT(instant, 64);

    text_addf(&instant, "%.19s%sZ", words, strlen(words) == 16 ? ":00" : "");
    if (civil_read_instant(instant.at, ret_ms)) {
        return false;
    }
    *ret_ms -= replay->zone_ms;
    return true;
}

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
    char line[LINE_MOST], *fields[COLUMNS_MOST];

    for (int row = 0; row < ROWS_EACH && !replay->ended; row++) {
        int64_t t_ms;
        int count;

        if (!fgets(line, sizeof(line), replay->csv)) {
            replay->ended = true;
            break;
        }
        count = split(line, fields);
        if (count <= replay->time_index || !read_time(replay, fields[replay->time_index], &t_ms)) {
            continue;
        }
        replay->rows++;
        for (int i = 0; i < count && i < replay->columns; i++) {
            double value;

            if (replay->names[i] && !text_to_number(fields[i], strlen(fields[i]), &value)) {
                replay->batch[replay->count++] = (struct outgoing){
                    replay->options->equipment, replay->names[i],
                    {.t_ms = t_ms, .has_value = true, .value = value}};
            }
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
    (void)!mqtt_subscribe(replay->mqtt, topic.at, false);
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
        fprintf(stderr, "\r%lld rows sent", (long long)replay->rows);
    }
    fd = (struct pollfd){.fd = mqtt_fd(replay->mqtt), .events = POLLIN};
    poll(&fd, 1, 20);
}

int replay_run(const struct replay_options *options)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    struct mqtt_options mqtt = {.url = options->broker, .client_id = options->agent};
    uint64_t number;
    int status = 1;

    replay->options = options;
    replay->out = json_out(MESSAGE_BYTES_MOST);
    replay->window = calloc((size_t)options->window + 16, sizeof(*replay->window));
    file_random(&number, sizeof(number));
    hash_hex(number, replay->epoch);
    replay->csv = strcmp(options->csv, "-") == 0 ? stdin : fopen(options->csv, "r");
    if (!replay->csv || !replay->window || arena_open(16 << 20, &replay->arena) ||
        arena_open(4 << 20, &replay->scratch) || !read_map(replay) || !read_head(replay) ||
        mqtt_open(&mqtt, &replay->mqtt, NULL)) {
        fprintf(stderr, "heliograph-plant: the recording or its map cannot be read\n");
        return 2;
    }
    while (!ready_must_stop()) {
        turn(replay);
        if (replay->ended && replay->waiting == 0) {
            status = 0;
            break;
        }
    }
    printf("rows=%lld readings=%lld messages=%llu\n", (long long)replay->rows,
           (long long)replay->readings, (unsigned long long)replay->seq);
    mqtt_close(replay->mqtt, 500);
    arena_close(replay->arena);
    arena_close(replay->scratch);
    json_out_free(&replay->out);
    for (int i = 0; i < replay->columns; i++) {
        free(replay->names[i]);
    }
    free(replay->window);
    if (replay->csv != stdin) {
        fclose(replay->csv);
    }
    free(replay);
    return status;
}
