/*
 * The agent put together. A value's way:
 *
 *   wire --(modbus)--> registers --(models/profile)--> reading --(acquire/report)--> reported
 *        --(parcel, queue)--> uplink/spool on disk --(letters)--> uplink/publish --> broker
 *
 * and back: ack --> uplink/downlink --> spool deletes; command --> bus --> reply --> spool.
 */
#include "agent/agent.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acquire/bus.h"
#include "agent/uplink/downlink.h"
#include "agent/uplink/publish.h"
#include "agent/uplink/spool.h"
#include "host/clock.h"
#include "host/file.h"
#include "host/log.h"
#include "host/mqtt.h"
#include "host/ready.h"
#include "models/base/certificate.h"
#include "models/telemetry/topic.h"

#define CERTIFICATE_MOST (64 * 1024)
#define ALIVE_MS     10000
#define STATUS_MS    300000  /* the spool's figures are said again */
#define GOODBYE_MS   2000

struct agent {
    const struct agent_config *config;
    struct spool *spool;
    struct mqtt *mqtt;
    struct bus **buses;
    struct publish publish;
    struct downlink downlink;
    struct arena *arena;
    struct json_out equipment; /* of the birth */
    char will_topic[TOPIC_SIZE], will[128];
    int64_t status_ms, alive_ms, started_ms;
};

/* ------------------------------------------------------------------ from the buses */

/* Runs on the buses' threads. */
static void take_parcel(void *context, struct parcel *parcel)
{
    struct agent *agent = context;

    spool_give(agent->spool, parcel, 2000);
}

static bool wants_readings(void *context)
{
    struct agent *agent = context;

    return spool_wants_readings(agent->spool);
}

static enum err intend(void *context, const char *command, const char *equipment,
                       const struct point *point, struct text *why)
{
    struct agent *agent = context;
    enum err err = spool_intend(agent->spool, command, equipment, point->name, point->write_budget,
                                point->write_rate_ms, why);

    return err && why->length == 0 ? text_say(why, err, "the intent could not be stored") : err;
}

/* From when until when its own certificate is valid; nothing when it has none that can be read. */
static void put_certificate(const struct agent *agent, struct json_out *out)
{
    const char *path = agent->config->cert;
    int64_t from_ms, until_ms;
    struct arena *arena;
    char *bytes;
    size_t size;

    if (!path || arena_open(2 * CERTIFICATE_MOST, &arena)) {
        return;
    }
    if (!file_read(arena, path, CERTIFICATE_MOST, &bytes, &size) && !certificate_span(bytes, size, &from_ms, &until_ms)) {
        json_key(out, "certificate");
        json_open_object(out);
        json_int(out, "not_before", from_ms);
        json_int(out, "not_after", until_ms);
        json_close_object(out);
    }
    arena_close(arena);
}

/* Runs on the buses' threads: the agent's side of an inspection. */
static void put_health(void *context, struct json_out *out)
{
    struct agent *agent = context;
    struct spool_figures figures;

    spool_figures(agent->spool, &figures);
    json_open_object(out);
    json_text(out, "version", HELIOGRAPH_VERSION);
    json_text(out, "epoch", spool_epoch(agent->spool));
    json_int(out, "uptime_s", (clock_boot_ms() - agent->started_ms) / 1000);
    json_key(out, "spool");
    json_open_object(out);
    json_int(out, "messages", figures.messages);
    json_int(out, "bytes", figures.bytes);
    json_int(out, "dropped", figures.dropped);
    json_int(out, "failures", figures.failures);
    json_close_object(out);
    put_certificate(agent, out);
    json_close_object(out);
}

/* ------------------------------------------------------------------ commands */

static struct bus *bus_of(struct agent *agent, const char *equipment)
{
    for (size_t i = 0; equipment && i < agent->config->equipment_count; i++) {
        if (strcmp(agent->config->equipment[i].id, equipment) == 0) {
            return agent->buses[agent->config->equipment[i].bus];
        }
    }
    return NULL;
}

static char *args_text(const struct cJSON *args)
{
    struct json_out out = json_out(32 * 1024);

    if (!args) {
        return NULL;
    }
    json_put_value(&out, args);
    if (out.err) {
        json_out_free(&out);
        return NULL;
    }
    return out.bytes; /* free() fits: the writer's memory is malloc's */
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

static void do_command(void *context, const struct command *command)
{
    static const char *const for_buses[] = {"read", "write", "inspect", "reset", NULL};
    static const char *const not_yet[] = {"capture", "selftest", "throttle", "reload", NULL};
    struct agent *agent = context;
    struct bus *bus = bus_of(agent, command->equipment);
    struct bus_job *job;

    if (is_one_of(command->name, not_yet)) {
        downlink_reply(&agent->downlink, command->id, "refused",
                       "this version of the agent cannot do that", NULL);
        return;
    }
    if (!is_one_of(command->name, for_buses)) {
        downlink_reply(&agent->downlink, command->id, "unknown", "no command of that name", NULL);
        return;
    }
    if (!bus) {
        downlink_reply(&agent->downlink, command->id, "refused", "no such equipment here", NULL);
        return;
    }
    job = calloc(1, sizeof(*job));
    if (!job || text_copy(job->id, sizeof(job->id), command->id) ||
        text_copy(job->name, sizeof(job->name), command->name) ||
        text_copy(job->equipment, sizeof(job->equipment), command->equipment)) {
        free(job);
        downlink_reply(&agent->downlink, command->id, "failed", "out of memory", NULL);
        return;
    }
    job->args = args_text(command->args);
    job->expires_ms = command->expires_ms;
    if (bus_give(bus, job)) {
        downlink_reply(&agent->downlink, command->id, "refused", "too many commands wait", NULL);
    }
}

/* ------------------------------------------------------------------ the broker */

static void greet(struct agent *agent)
{
    static const enum channel channels[] = {CHANNEL_ACK, CHANNEL_COMMAND, CHANNEL_CONFIG};

    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
        TEXT(topic, TOPIC_SIZE);

        if (topic_make(&topic, agent->config->prefix, agent->config->id, channels[i]) ||
            mqtt_subscribe(agent->mqtt, topic.at, false, 0)) {
            return; /* the connection is gone again */
        }
    }
    agent->publish.in_flight = 0;
    if (!publish_status(&agent->publish, true, agent->equipment.bytes)) {
        struct parcel *parcel = parcel_make(PARCEL_LINK, 0);

        agent->status_ms = clock_boot_ms();
        if (parcel) {
            parcel->flag = 1;
            spool_give(agent->spool, parcel, 1000);
        }
    }
}

static void part(struct agent *agent)
{
    spool_give(agent->spool, parcel_make(PARCEL_LINK, 0), 1000);
    agent->publish.in_flight = 0;
}

static void take_message(struct agent *agent, const struct mqtt_event *event)
{
    char name[65];
    enum channel channel;

    if (event->size > 64 * 1024 ||
        topic_split(event->topic, strlen(event->topic), agent->config->prefix, name, &channel) ||
        strcmp(name, agent->config->id) != 0) {
        agent->downlink.refused++;
        return;
    }
    downlink_take(&agent->downlink, channel, event->payload, event->size);
}

static void take_event(struct agent *agent, const struct mqtt_event *event)
{
    switch (event->what) {
    case MQTT_UP:
        log_info("connected to the broker, MQTT %s", event->text);
        greet(agent);
        break;
    case MQTT_DOWN:
        log_warn("no broker at %s: %s", agent->config->broker_url, event->text);
        part(agent);
        break;
    case MQTT_MESSAGE:
        take_message(agent, event);
        break;
    case MQTT_SENT:
    case MQTT_REFUSED:
        publish_settled(&agent->publish);
        break;
    case MQTT_DISCARDED:
        log_warn("%lld messages from the broker were dropped", (long long)event->token);
        break;
    }
}

static void take_events(struct agent *agent)
{
    struct mqtt_event *event;

    while ((event = mqtt_take(agent->mqtt)) != NULL) {
        take_event(agent, event);
        mqtt_event_free(event);
    }
}

static int64_t turn(struct agent *agent)
{
    int64_t now_ms = clock_boot_ms(), next_ms;

    take_events(agent); /* before the turn: a loss sets the time of the next attempt */
    next_ms = mqtt_turn(agent->mqtt, now_ms);
    publish_turn(&agent->publish);
    if (mqtt_is_up(agent->mqtt) && now_ms - agent->status_ms >= STATUS_MS) {
        agent->status_ms = now_ms;
        (void)!publish_status(&agent->publish, true, agent->equipment.bytes);
    }
    if (now_ms - agent->alive_ms >= ALIVE_MS) {
        agent->alive_ms = now_ms;
        ready_alive();
    }
    return next_ms < now_ms + ALIVE_MS ? next_ms : now_ms + ALIVE_MS;
}

static int letters_fd(struct agent *agent, bool urgent, int window)
{
    return mqtt_is_up(agent->mqtt) && agent->publish.in_flight < window
               ? queue_fd(spool_letters(agent->spool, urgent))
               : -1;
}

enum err agent_run(struct agent *agent)
{
    while (!ready_must_stop()) {
        int64_t wait_ms = turn(agent) - clock_boot_ms();
        struct pollfd fds[] = {
            {.fd = ready_fd(), .events = POLLIN},
            {.fd = mqtt_fd(agent->mqtt), .events = POLLIN},
            /* letters wait only while the window is full: then PUBACKs wake us */
            {.fd = letters_fd(agent, true, 2 * PUBLISH_WINDOW), .events = POLLIN},
            {.fd = letters_fd(agent, false, PUBLISH_WINDOW), .events = POLLIN},
        };

        poll(fds, 4, wait_ms < 0 ? 0 : (int)wait_ms);
    }
    ready_stopping();
    return ERR_OK;
}

/* ------------------------------------------------------------------ opening */

static enum err describe_equipment(struct agent *agent)
{
    struct json_out *out = &agent->equipment;

    *out = json_out(48 * 1024);
    json_open_object(out);
    for (size_t i = 0; i < agent->config->equipment_count; i++) {
        const struct equipment_config *one = &agent->config->equipment[i];

        json_key(out, one->id);
        json_open_object(out);
        json_text(out, "profile", one->profile->id);
        json_text(out, "hash", one->profile->hash);
        json_close_object(out);
    }
    json_close_object(out);
    return out->err;
}

static enum err open_spool(struct agent *agent, struct text *why)
{
    struct spool_options options = {
        .path = agent->config->spool_path,
        .bytes_most = agent->config->spool_bytes,
        .policy = (enum spool_policy)agent->config->spool_full,
    };

    return spool_open(&options, &agent->spool, why);
}

static enum err open_mqtt(struct agent *agent, struct text *why)
{
    const struct agent_config *config = agent->config;
    struct mqtt_options options = {
        .url = config->broker_url,
        .client_id = config->id,
        .ca = config->ca,
        .cert = config->cert,
        .key = config->key,
        .user = config->user,
        .password = config->password,
        .will_topic = agent->will_topic,
        .will = agent->will,
        .first_delay_ms = config->first_delay_ms,
        .queue_messages = 512,
        .queue_bytes = 1024 * 1024,
    };
    struct text topic = text_on(agent->will_topic, sizeof(agent->will_topic));
    struct text will = text_on(agent->will, sizeof(agent->will));
    enum err err = topic_make(&topic, config->prefix, config->id, CHANNEL_STATUS);

    text_addf(&will, "{\"v\":1,\"online\":false,\"epoch\":\"%s\"}", spool_epoch(agent->spool));
    file_random(&options.seed, sizeof(options.seed));
    return err ? err : mqtt_open(&options, &agent->mqtt, why);
}

static enum err open_link(const struct bus_config *bus, struct link *ret_link)
{
    switch (bus->kind) {
    case BUS_TCP:
        return link_open_tcp(bus->host, bus->port, ret_link);
    case BUS_SERIAL:
        return link_open_serial(bus->device, bus->baud, bus->parity, bus->stop, ret_link);
    case BUS_RTU_OVER_TCP:
        return link_open_rtu_over_tcp(bus->host, bus->port, ret_link);
    }
    return ERR_UNSUPPORTED;
}

static enum err open_bus(struct agent *agent, size_t index, struct text *why)
{
    const struct agent_config *config = agent->config;
    struct device_options *devices =
        arena_array(agent->arena, config->equipment_count + 1, sizeof(*devices));
    struct bus_options options = {
        .name = config->buses[index].name,
        .devices = devices,
        .give = take_parcel,
        .wants = wants_readings,
        .context = agent,
        .intend = intend,
        .health = put_health,
    };
    enum err err;

    if (!devices) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < config->equipment_count; i++) {
        if (config->equipment[i].bus == index) {
            devices[options.device_count].id = config->equipment[i].id;
            devices[options.device_count].unit_id = config->equipment[i].unit_id;
            devices[options.device_count++].profile = config->equipment[i].profile;
        }
    }
    options.open = spool_open_faults(agent->spool, &options.open_count);
    options.learned = spool_learned(agent->spool, &options.learned_count);
    file_random(&options.seed, sizeof(options.seed));
    err = open_link(&config->buses[index], &options.link);
    if (err) {
        return text_say(why, err, "bus %s cannot be used: %s", options.name, err_text(err));
    }
    return bus_open(&options, &agent->buses[index]);
}

enum err agent_open(const struct agent_config *config, struct agent **ret_agent, struct text *why)
{
    struct agent *agent = calloc(1, sizeof(*agent));
    enum err err;

    if (!agent) {
        return ERR_NOMEM;
    }
    agent->config = config;
    agent->started_ms = clock_boot_ms();
    err = arena_open(1024 * 1024, &agent->arena);
    if (!err) {
        err = arena_open(1024 * 1024, &agent->downlink.arena);
    }
    if (!err) {
        err = describe_equipment(agent);
    }
    if (!err) {
        err = open_spool(agent, why);
    }
    if (!err) {
        err = open_mqtt(agent, why);
    }
    if (!err) {
        agent->publish = (struct publish){agent->mqtt, agent->spool, config->id, config->prefix, 0, 0};
        agent->downlink.spool = agent->spool;
        agent->downlink.agent = config->id;
        agent->downlink.command = do_command;
        agent->downlink.context = agent;
        agent->buses = calloc(config->bus_count + 1, sizeof(struct bus *));
        err = agent->buses ? ERR_OK : ERR_NOMEM;
    }
    for (size_t i = 0; !err && i < config->bus_count; i++) {
        err = open_bus(agent, i, why);
    }
    if (err) {
        agent_close(agent);
        return err;
    }
    *ret_agent = agent;
    return ERR_OK;
}

/* Says good-bye itself: a clean end is not a death. */
static void say_goodbye(struct agent *agent)
{
    int64_t until_ms = clock_boot_ms() + GOODBYE_MS;

    if (!mqtt_is_up(agent->mqtt)) {
        return;
    }
    agent->publish.in_flight = 0;
    if (publish_status(&agent->publish, false, NULL)) {
        return;
    }
    while (agent->publish.in_flight > 0 && mqtt_is_up(agent->mqtt) && clock_boot_ms() < until_ms) {
        struct pollfd fd = {.fd = mqtt_fd(agent->mqtt), .events = POLLIN};
        struct mqtt_event *event;

        poll(&fd, 1, 100);
        while ((event = mqtt_take(agent->mqtt)) != NULL) {
            if (event->what == MQTT_SENT && event->token == 0) {
                agent->publish.in_flight = 0;
            }
            mqtt_event_free(event);
        }
    }
}

/* In an order that keeps what was read even if Paho or a wire should hang: main.c has a deadline. */
void agent_close(struct agent *agent)
{
    if (!agent) {
        return;
    }
    for (size_t i = 0; agent->buses && i < agent->config->bus_count; i++) {
        bus_stop(agent->buses[i]);
    }
    for (size_t i = 0; agent->buses && i < agent->config->bus_count; i++) {
        bus_close(agent->buses[i]);
    }
    if (agent->mqtt) {
        say_goodbye(agent);
    }
    spool_close(agent->spool);
    mqtt_close(agent->mqtt, 500);
    arena_close(agent->downlink.arena);
    arena_close(agent->arena);
    json_out_free(&agent->equipment);
    free(agent->buses);
    free(agent);
}
