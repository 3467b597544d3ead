/* The connection to the broker: what comes, what goes, what is on its way. */
#include "server/broker.h"

#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/file.h"
#include "host/log.h"
#include "host/ready.h"
#include "server/letters.h"
#include "server/store/metrics.h"
#include "server/work.h"

#define JOB_WAIT_MS   100
#define SUBSCRIPTIONS 4
#define SUBSCRIBED    (-1) /* the token of them all; commands have positive ones */

/* ------------------------------------------------------------------ messages in */

/* false when the committer has no room now: what waits, waits in the connection's queue (whose ceiling
 * drops and counts: the agent sends again). */
static bool hand_over(struct server *server)
{
    struct inbound *inbound = server->held;

    if (inbound && committer_put(server->committer, &inbound->job, JOB_WAIT_MS)) {
        return false;
    }
    server->held = NULL;
    return true;
}

static bool take_message(struct server *server, const struct mqtt_event *event)
{
    struct inbound *inbound = intake_read(server->intake, event);

    if (!inbound) {
        return true;
    }
    work_on(server, inbound);
    server->held = inbound;
    server->taken++;
    return hand_over(server);
}

static void subscribe(struct server *server)
{
    static const enum channel channels[SUBSCRIPTIONS] = {CHANNEL_STATUS, CHANNEL_DATA,
                                                         CHANNEL_EVENT, CHANNEL_REPLY};

    server->subscribed = 0;
    for (size_t i = 0; i < SUBSCRIPTIONS; i++) {
        TEXT(filter, TOPIC_SIZE);

        text_addf(&filter, "%s/+/%s", server->config->prefix, channel_names[channels[i]]);
        if (mqtt_subscribe(server->mqtt, filter.at, channels[i] != CHANNEL_STATUS, SUBSCRIBED)) {
            return;
        }
    }
}

/* From the last answer on nothing that agents publish passes us by. */
static void note_subscription(struct server *server, bool granted)
{
    if (!granted) {
        mqtt_drop(server->mqtt, "the broker refused a subscription");
    } else if (++server->subscribed == SUBSCRIPTIONS) {
        atomic_store(&server->up, true);
        metric_set(METRIC_CONNECTED, 1);
        server->tried = true;
    }
}

/* ------------------------------------------------------------------ commands on their way */

struct unsent {
    struct committer_job job;
    char id[COMMAND_ID_MOST + 1];
};

static enum err unsend(struct sql *sql, int64_t now_ms, void *argument)
{
    const struct unsent *unsent = argument;

    (void)now_ms;
    return sql_run(sql, "UPDATE command SET state = 'waiting', sent_ms = NULL WHERE id = ?1 AND state"
                        " = 'sent'",
                   "t", unsent->id);
}

static void drop_unsent(void *argument, enum err outcome)
{
    (void)outcome;
    free(argument);
}

/* The broker did not take it: it waits again. */
static void give_back(struct server *server, const char *id)
{
    struct unsent *unsent = calloc(1, sizeof(*unsent));

    if (!unsent) {
        return; /* it expires */
    }
    unsent->job = (struct committer_job){
        .work = unsend, .done = drop_unsent, .argument = unsent, .apart = true};
    if (text_copy(unsent->id, sizeof(unsent->id), id) ||
        committer_put(server->committer, &unsent->job, 0)) {
        free(unsent);
    }
}

static void land(struct server *server, int64_t token, bool arrived)
{
    for (size_t i = 0; token && i < FLYING_MOST; i++) {
        struct flying *flying = &server->flying[i];

        if (flying->token == token) {
            flying->token = 0;
            if (!arrived) {
                give_back(server, flying->id);
            }
        }
    }
}

static void land_all(struct server *server)
{
    for (size_t i = 0; i < FLYING_MOST; i++) {
        land(server, server->flying[i].token, false);
    }
}

/* The token under which a command flies; 0: nobody follows it. */
static int64_t fly(struct server *server, const char *id)
{
    for (size_t i = 0; id[0] && i < FLYING_MOST; i++) {
        struct flying *flying = &server->flying[i];

        if (flying->token == 0) {
            flying->token = ++server->sent;
            (void)!text_copy(flying->id, sizeof(flying->id), id);
            return flying->token;
        }
    }
    return 0;
}

void broker_send_letters(struct server *server)
{
    void *item;

    while (mqtt_is_up(server->mqtt) && !queue_take(server->letters, 0, &item)) {
        struct letter *letter = item;
        int64_t token = fly(server, letter->command);

        if (mqtt_publish(server->mqtt, letter->topic, letter->bytes, letter->size, false, token)) {
            land(server, token, false); /* an ack comes again with the next message */
        }
        free(letter);
    }
}

/* ------------------------------------------------------------------ the turn */

static void note_connection(struct server *server, const struct mqtt_event *event)
{
    if (event->what == MQTT_UP) {
        log_info("connected to the broker, MQTT %s", event->text);
        subscribe(server);
    } else {
        log_warn("no broker at %s: %s", server->config->broker_url, event->text);
        land_all(server);
        metric_add(atomic_load(&server->up) ? METRIC_BROKER_LOSSES : METRIC_BROKER_ABSENT, 1);
        atomic_store(&server->up, false);
        metric_set(METRIC_CONNECTED, 0);
        server->tried = true;
    }
}

/* false when it is better to come back later. */
static bool take_event(struct server *server, struct mqtt_event *event)
{
    switch (event->what) {
    case MQTT_UP:
    case MQTT_DOWN:
        note_connection(server, event);
        break;
    case MQTT_MESSAGE:
        return take_message(server, event);
    case MQTT_DISCARDED:
        metric_add(METRIC_DISCARDED, event->token);
        break;
    case MQTT_SENT:
    case MQTT_REFUSED:
        if (event->token == SUBSCRIBED) {
            note_subscription(server, event->what == MQTT_SENT);
        } else {
            land(server, event->token, event->what == MQTT_SENT);
        }
        break;
    }
    return true;
}

int64_t broker_turn(struct server *server)
{
    int64_t now_ms = clock_boot_ms(), next_ms;
    bool go_on = hand_over(server);
    struct mqtt_event *event;

    server->taken = 0;
    for (int i = 0; i < 1000 && go_on && (event = mqtt_take(server->mqtt)) != NULL; i++) {
        go_on = take_event(server, event);
        mqtt_event_free(event);
    }
    next_ms = mqtt_turn(server->mqtt, now_ms); /* a loss has set the time of the next attempt */
    broker_send_letters(server);
    if (now_ms - server->alive_ms >= ALIVE_MS) {
        server->alive_ms = now_ms;
        ready_alive();
    }
    return next_ms < now_ms + ALIVE_MS ? next_ms : now_ms + ALIVE_MS;
}

/* ------------------------------------------------------------------ opening */

enum err broker_open(struct server *server, struct text *why)
{
    const struct server_config *config = server->config;
    struct mqtt_options options = {
        .url = config->broker_url,
        .client_id = config->client_id,
        .ca = config->ca,
        .cert = config->cert,
        .key = config->key,
        .user = config->user,
        .password = config->password,
        .eager = true, /* subscribed again before the agents are back */
        .queue_messages = 50000,
        .queue_bytes = 128 * 1024 * 1024,
        .message_most = 64 * 1024,
    };

    file_random(&options.seed, sizeof(options.seed));
    return mqtt_open(&options, &server->mqtt, why);
}
