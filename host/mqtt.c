/* Paho's asynchronous client behind a queue of events and a reconnect of our own. */
#include "host/mqtt.h"

#include <MQTTAsync.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/log.h"
#include "host/queue.h"

#define CONNECT_MOST_MS  15000  /* an attempt that takes longer is given up */
#define FIRST_RETRY_MS   3000   /* after a loss: within 5 s (interfaces.md 8) */
#define EAGER_MS         500
#define SHORT_RETRY_MS   30000  /* in the first ten minutes */
#define LONG_RETRY_MS    300000
#define TEN_MINUTES_MS   600000
#define FAILURES_MOST    5      /* then Paho's handle is made anew */

#define DROPPED          (-1000) /* token of a MQTT_DOWN of our own */

enum state { IDLE, CONNECTING, UP };

struct mqtt {
    MQTTAsync handle;
    struct mqtt_options options;
    char *url, *client_id, *ca, *cert, *key, *user, *password, *will_topic, *will;
    struct queue *queue;
    enum state state;
    bool version5;
    bool guessing; /* this attempt is made with 3.1.1 without the broker having asked for it */
    bool proving;  /* 3.1.1 was taken by a guess: does 5 fail although somebody is there? */
    int64_t next_ms, since_ms; /* next attempt; when the attempt or the outage began */
    int64_t outage_ms;         /* the outage began then; -1: none */
    int failures;
    struct send *first_send, *last_send; /* oldest first */
    uint64_t random;
    _Atomic int64_t discarded;
};

/* What a callback needs to name its publish. The caller's thread makes and frees them; a callback only
 * says that it is done: Paho forgets those under way when a handle is destroyed. */
struct send {
    struct mqtt *mqtt;
    int64_t token;
    _Atomic bool done;
    struct send *next;
};

/* ------------------------------------------------------------------ events */

/* topic and payload stand behind the event in one piece of memory. */
void mqtt_event_free(struct mqtt_event *event)
{
    free(event);
}

static void drop_event(void *item)
{
    mqtt_event_free(item);
}

/* Called by Paho's threads as well: gives or drops, never waits. */
static void give(struct mqtt *mqtt, struct mqtt_event *event, size_t bytes)
{
    if (!event) {
        atomic_fetch_add(&mqtt->discarded, 1);
        return;
    }
    if (queue_put(mqtt->queue, event, bytes + sizeof(*event), 0)) {
        atomic_fetch_add(&mqtt->discarded, event->what == MQTT_MESSAGE);
        mqtt_event_free(event);
    }
}

static struct mqtt_event *make(enum mqtt_what what, const char *text, int64_t token)
{
    struct mqtt_event *event = calloc(1, sizeof(*event));

    if (event) {
        event->what = what;
        event->token = token;
        event->received_ms = clock_wall_ms();
        snprintf(event->text, sizeof(event->text), "%s", text ? text : "");
    }
    return event;
}

static struct mqtt_event *make_message(const struct mqtt *mqtt, const char *topic, size_t length,
                                       const MQTTAsync_message *message)
{
    size_t bytes = (size_t)message->payloadlen;
    size_t kept = bytes <= mqtt->options.message_most ? bytes : mqtt->options.message_most;
    struct mqtt_event *event = malloc(sizeof(*event) + kept + length + 2);

    if (event) {
        char *room = (char *)(event + 1);

        *event = (struct mqtt_event){
            .what = MQTT_MESSAGE,
            .payload = room,
            .topic = room + kept + 1,
            .size = bytes, /* larger than what is kept: the taker sees it */
            .kept = kept,
            .retained = message->retained != 0,
            .received_ms = clock_wall_ms(),
        };
        memcpy(event->payload, message->payload, kept);
        event->payload[kept] = '\0';
        memcpy(event->topic, topic, length);
        event->topic[length] = '\0';
    }
    return event;
}

static int on_message(void *context, char *topic, int size, MQTTAsync_message *message)
{
    struct mqtt *mqtt = context;
    size_t length = size > 0 ? (size_t)size : strlen(topic);
    struct mqtt_event *event = make_message(mqtt, topic, length, message);

    give(mqtt, event, event ? event->kept : 0);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1; /* whatever is returned, Paho acknowledges (reliability.md 0, finding 3) */
}

static void on_lost(void *context, char *cause)
{
    give(context, make(MQTT_DOWN, cause ? cause : "connection lost", 0), 0);
}

static void on_disconnected5(void *context, MQTTProperties *properties, enum MQTTReasonCodes code)
{
    (void)properties;
    give(context, make(MQTT_DOWN, MQTTReasonCode_toString(code), 0), 0);
}

static void on_connected5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    give(context, make(MQTT_UP, "5", 0), 0);
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    give(context, make(MQTT_UP, "3.1.1", 0), 0);
}

/* code: of the CONNACK, or one of Paho's own (negative). */
static void refused(struct mqtt *mqtt, int code, const char *message)
{
    static const char *const old[] = {"", "unacceptable protocol version", "identifier rejected",
                                      "server unavailable", "bad user name or password",
                                      "not authorized"};
    const char *meaning = code >= 128           ? MQTTReasonCode_toString((enum MQTTReasonCodes)code)
                          : code > 0 && code < 6 ? old[code]
                                                 : NULL;
    char words[160];

    snprintf(words, sizeof(words), "%s (code %d)",
             meaning ? meaning : message ? message : "refused", code);
    give(mqtt, make(MQTT_DOWN, words, code), 0);
}

static void on_refused5(void *context, MQTTAsync_failureData5 *data)
{
    refused(context, data->reasonCode ? (int)data->reasonCode : data->code,
            data->message ? data->message : MQTTReasonCode_toString(data->reasonCode));
}

static void on_refused(void *context, MQTTAsync_failureData *data)
{
    refused(context, data->code, data->message);
}

static void on_sent5(void *context, MQTTAsync_successData5 *data)
{
    struct send *send = context;

    (void)data;
    give(send->mqtt, make(MQTT_SENT, NULL, send->token), 0);
    atomic_store(&send->done, true);
}

static void on_sent(void *context, MQTTAsync_successData *data)
{
    (void)data;
    on_sent5(context, NULL);
}

static void on_unsent5(void *context, MQTTAsync_failureData5 *data)
{
    struct send *send = context;

    give(send->mqtt, make(MQTT_REFUSED, data ? MQTTReasonCode_toString(data->reasonCode) : NULL, send->token), 0);
    atomic_store(&send->done, true);
}

static void on_unsent(void *context, MQTTAsync_failureData *data)
{
    (void)data;
    on_unsent5(context, NULL);
}

/* ------------------------------------------------------------------ the handle */

static char *copy(const char *words)
{
    return words ? strdup(words) : NULL;
}

/* mqtt:// and mqtts:// to what Paho calls them. */
static char *paho_url(const char *url)
{
    bool tls = strncmp(url, "mqtts://", 8) == 0;
    const char *rest = strstr(url, "://");
    size_t size = strlen(url) + 8;
    char *made = malloc(size);

    if (made) {
        snprintf(made, size, "%s%s", tls ? "ssl" : "tcp", rest ? rest : "://127.0.0.1:1883");
    }
    return made;
}

static enum err create(struct mqtt *mqtt)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
    int code;

    options.sendWhileDisconnected = 0;
    options.MQTTVersion = mqtt->version5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    code = MQTTAsync_createWithOptions(&mqtt->handle, mqtt->url, mqtt->client_id,
                                       MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (code != MQTTASYNC_SUCCESS) {
        mqtt->handle = NULL;
        return ERR_FORMAT;
    }
    MQTTAsync_setCallbacks(mqtt->handle, mqtt, on_lost, on_message, NULL);
    if (mqtt->version5) {
        MQTTAsync_setDisconnected(mqtt->handle, mqtt, on_disconnected5);
    }
    return ERR_OK;
}

/* Those that are done, from the oldest on; all: no callback comes any more. */
static void free_sends(struct mqtt *mqtt, bool all)
{
    while (mqtt->first_send && (all || atomic_load(&mqtt->first_send->done))) {
        struct send *send = mqtt->first_send;

        mqtt->first_send = send->next;
        free(send);
    }
    if (!mqtt->first_send) {
        mqtt->last_send = NULL;
    }
}

static void destroy(struct mqtt *mqtt)
{
    if (mqtt->handle) {
        MQTTAsync_destroy(&mqtt->handle);
        mqtt->handle = NULL;
    }
    free_sends(mqtt, true);
}

/* OpenSSL's own words: a certificate that is not valid yet is no trouble of the network. */
static int on_tls_error(const char *words, size_t size, void *context)
{
    (void)context;
    log_warn("TLS: %.*s", (int)(size > 0 && words[size - 1] == '\n' ? size - 1 : size), words);
    return 1;
}

static void look_for(const char *path)
{
    if (path && access(path, R_OK)) {
        log_warn("%s cannot be read: %s", path, strerror(errno));
    }
}

static void set_tls(const struct mqtt *mqtt, MQTTAsync_SSLOptions *tls)
{
    look_for(mqtt->ca);
    look_for(mqtt->cert);
    look_for(mqtt->key);
    tls->trustStore = mqtt->ca;
    tls->keyStore = mqtt->cert;
    tls->privateKey = mqtt->key;
    tls->enableServerCertAuth = 1;
    tls->verify = 1; /* the name in the certificate too */
    tls->sslVersion = MQTT_SSL_VERSION_TLS_1_2;
    tls->ssl_error_cb = on_tls_error;
}

static enum err connect_now(struct mqtt *mqtt)
{
    MQTTAsync_connectOptions five = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions three = MQTTAsync_connectOptions_initializer;
    MQTTAsync_connectOptions options = mqtt->version5 ? five : three;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;

    options.keepAliveInterval = mqtt->options.keepalive_s ? mqtt->options.keepalive_s : 30;
    options.maxInflight = 1000;
    options.connectTimeout = 10;
    options.username = mqtt->user;
    options.password = mqtt->password;
    options.context = mqtt;
    if (mqtt->version5) {
        options.cleanstart = 1;
        options.onSuccess5 = on_connected5;
        options.onFailure5 = on_refused5;
    } else {
        options.cleansession = 1;
        options.MQTTVersion = MQTTVERSION_3_1_1;
        options.onSuccess = on_connected;
        options.onFailure = on_refused;
    }
    if (mqtt->will_topic) {
        will.topicName = mqtt->will_topic;
        will.message = mqtt->will;
        will.retained = 1;
        will.qos = 1;
        options.will = &will;
    }
    if (strncmp(mqtt->url, "ssl", 3) == 0) {
        set_tls(mqtt, &tls);
        options.ssl = &tls;
    }
    return MQTTAsync_connect(mqtt->handle, &options) == MQTTASYNC_SUCCESS ? ERR_OK : ERR_IO;
}

/* ------------------------------------------------------------------ life */

static uint64_t draw(struct mqtt *mqtt) /* xorshift64*; jitter only */
{
    mqtt->random ^= mqtt->random >> 12;
    mqtt->random ^= mqtt->random << 25;
    mqtt->random ^= mqtt->random >> 27;
    return mqtt->random * 2685821657736338717ULL >> 11;
}

static int64_t up_to(struct mqtt *mqtt, int64_t most_ms)
{
    return most_ms <= 0 ? 0 : (int64_t)(draw(mqtt) % (uint64_t)most_ms);
}

/* Before anything else of Paho's: it shall not write a line into its trace for every packet, nor load
 * all of OpenSSL for a connection that has no TLS (OpenSSL starts itself when it is needed). */
static void prepare_paho(void)
{
    MQTTAsync_init_options options = MQTTAsync_init_options_initializer;

    options.do_openssl_init = 0;
    MQTTAsync_global_init(&options);
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
}

enum err mqtt_open(const struct mqtt_options *options, struct mqtt **ret_mqtt, struct text *why)
{
    struct mqtt *mqtt = calloc(1, sizeof(*mqtt));
    enum err err;

    if (!mqtt) {
        return ERR_NOMEM;
    }
    prepare_paho();
    mqtt->options = *options;
    mqtt->url = paho_url(options->url);
    mqtt->client_id = copy(options->client_id);
    mqtt->ca = copy(options->ca);
    mqtt->cert = copy(options->cert);
    mqtt->key = copy(options->key);
    mqtt->user = copy(options->user);
    mqtt->password = copy(options->password);
    mqtt->will_topic = copy(options->will_topic);
    mqtt->will = copy(options->will);
    mqtt->version5 = true;
    mqtt->outage_ms = -1;
    mqtt->random = options->seed ? options->seed : 88172645463325252ULL;
    if (mqtt->options.message_most == 0) {
        mqtt->options.message_most = 64 * 1024;
    }
    err = queue_open(options->queue_messages ? options->queue_messages : 10000,
                     options->queue_bytes ? options->queue_bytes : 32 * 1024 * 1024, &mqtt->queue);
    if (!err && (!mqtt->url || !mqtt->client_id)) {
        err = ERR_NOMEM;
    }
    if (!err) {
        err = create(mqtt);
    }
    if (err) {
        text_say(why, err, "cannot use the broker's address %s", options->url);
        mqtt_close(mqtt, 0);
        return err;
    }
    mqtt->next_ms = clock_boot_ms() + up_to(mqtt, options->first_delay_ms);
    *ret_mqtt = mqtt;
    return ERR_OK;
}

void mqtt_close(struct mqtt *mqtt, int64_t wait_ms)
{
    if (!mqtt) {
        return;
    }
    if (mqtt->handle && mqtt->state == UP) {
        MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
        int64_t until = clock_boot_ms() + wait_ms;

        options.timeout = (int)wait_ms;
        if (MQTTAsync_disconnect(mqtt->handle, &options) == MQTTASYNC_SUCCESS) {
            while (MQTTAsync_isConnected(mqtt->handle) && clock_boot_ms() < until) {
                void *item;

                if (!queue_take(mqtt->queue, 10, &item)) {
                    mqtt_event_free(item);
                }
            }
        }
    }
    destroy(mqtt);
    queue_close(mqtt->queue, drop_event);
    free(mqtt->url);
    free(mqtt->client_id);
    free(mqtt->ca);
    free(mqtt->cert);
    free(mqtt->key);
    free(mqtt->user);
    free(mqtt->password);
    free(mqtt->will_topic);
    free(mqtt->will);
    free(mqtt);
}

/* When to try again: soon after a loss, then with full jitter and growing pauses. from_ms: the loss,
 * or the beginning of the attempt that failed, however long it took to fail. */
static void plan_retry(struct mqtt *mqtt, int64_t from_ms, int64_t boot_ms)
{
    int64_t most = FIRST_RETRY_MS;

    if (mqtt->options.eager) {
        mqtt->next_ms = boot_ms + EAGER_MS;
        return;
    }
    if (mqtt->outage_ms < 0) {
        mqtt->outage_ms = boot_ms;
    } else {
        int64_t ceiling =
            boot_ms - mqtt->outage_ms < TEN_MINUTES_MS ? SHORT_RETRY_MS : LONG_RETRY_MS;

        most = mqtt->failures < 12 ? (int64_t)1000 << mqtt->failures : ceiling;
        most = most < FIRST_RETRY_MS ? FIRST_RETRY_MS : most > ceiling ? ceiling : most;
    }
    mqtt->next_ms = from_ms + 100 + up_to(mqtt, most - 100);
    if (mqtt->next_ms < boot_ms + 100) {
        mqtt->next_ms = boot_ms + 100;
    }
}

static void use_version(struct mqtt *mqtt, bool five)
{
    mqtt->version5 = five;
    destroy(mqtt); /* a handle knows one version */
}

/*
 * Brokers that do not know MQTT 5 say so (code 132, or 1), or just hang up, which looks like a broker
 * that is away. So after three attempts without a CONNACK one is made with 3.1.1; when that is taken,
 * 5 is tried once more, since the broker may have come back just now.
 */
static void choose_version(struct mqtt *mqtt, int64_t code)
{
    if (code == 132 || code == 1) {
        mqtt->guessing = mqtt->proving = false;
        use_version(mqtt, !mqtt->version5);
    } else if (mqtt->proving) {
        mqtt->proving = false;
        use_version(mqtt, false);
    } else if (mqtt->guessing) {
        mqtt->guessing = false;
        use_version(mqtt, true);
    } else if (mqtt->version5 && code <= 0 && mqtt->failures % 4 == 3) {
        mqtt->guessing = true;
        use_version(mqtt, false);
    }
}

static void fail_attempt(struct mqtt *mqtt, int64_t boot_ms, int64_t code)
{
    mqtt->state = IDLE;
    mqtt->failures++;
    choose_version(mqtt, code);
    if (mqtt->failures % FAILURES_MOST == 0) {
        destroy(mqtt); /* Paho's handle may be stuck (reliability.md 3.7) */
    }
    plan_retry(mqtt, mqtt->since_ms, boot_ms);
}

static void try_now(struct mqtt *mqtt, int64_t boot_ms)
{
    mqtt->since_ms = boot_ms;
    if (!mqtt->handle && create(mqtt)) {
        fail_attempt(mqtt, boot_ms, 0);
        return;
    }
    mqtt->state = CONNECTING;
    if (connect_now(mqtt)) {
        destroy(mqtt);
        fail_attempt(mqtt, boot_ms, 0);
    }
}

int64_t mqtt_turn(struct mqtt *mqtt, int64_t boot_ms)
{
    if (mqtt->state == UP) {
        return INT64_MAX;
    }
    if (mqtt->state == CONNECTING) {
        if (boot_ms - mqtt->since_ms < CONNECT_MOST_MS) {
            return mqtt->since_ms + CONNECT_MOST_MS;
        }
        destroy(mqtt);
        fail_attempt(mqtt, boot_ms, 0);
    }
    if (boot_ms >= mqtt->next_ms) {
        try_now(mqtt, boot_ms);
    }
    return mqtt->state == CONNECTING ? mqtt->since_ms + CONNECT_MOST_MS : mqtt->next_ms;
}

bool mqtt_is_up(const struct mqtt *mqtt)
{
    return mqtt->state == UP;
}

void mqtt_drop(struct mqtt *mqtt, const char *why)
{
    if (mqtt->state == UP) {
        give(mqtt, make(MQTT_DOWN, why, DROPPED), 0);
    }
}

/* What comes of it is told under token. */
static struct send *name_send(struct mqtt *mqtt, int64_t token, MQTTAsync_responseOptions *options)
{
    struct send *send = calloc(1, sizeof(*send));

    free_sends(mqtt, false);
    if (!send) {
        return NULL;
    }
    send->mqtt = mqtt;
    send->token = token;
    *(mqtt->last_send ? &mqtt->last_send->next : &mqtt->first_send) = send;
    mqtt->last_send = send;
    options->context = send;
    if (mqtt->version5) {
        options->onSuccess5 = on_sent5;
        options->onFailure5 = on_unsent5;
    } else {
        options->onSuccess = on_sent;
        options->onFailure = on_unsent;
    }
    return send;
}

enum err mqtt_publish(struct mqtt *mqtt, const char *topic, const void *payload, size_t size,
                      bool retained, int64_t token)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    struct send *send;
    char *bytes;
    int code;

    if (mqtt->state != UP) {
        return ERR_CLOSED;
    }
    if (size > 64 * 1024) {
        return ERR_FULL;
    }
    send = name_send(mqtt, token, &options);
    if (!send) {
        return ERR_NOMEM;
    }
    memcpy(&bytes, &payload, sizeof(bytes)); /* Paho only reads it, whatever its prototype says */
    code = MQTTAsync_send(mqtt->handle, topic, (int)size, bytes, 1, retained, &options);
    if (code != MQTTASYNC_SUCCESS) {
        atomic_store(&send->done, true);
        return code == MQTTASYNC_MAX_BUFFERED_MESSAGES ? ERR_FULL : ERR_CLOSED;
    }
    return ERR_OK;
}

enum err mqtt_subscribe(struct mqtt *mqtt, const char *filter, bool no_retained, int64_t token)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    struct send *send = NULL;

    if (mqtt->state != UP) {
        return ERR_CLOSED;
    }
    if (token) {
        send = name_send(mqtt, token, &options);
        if (!send) {
            return ERR_NOMEM;
        }
    }
    if (mqtt->version5) {
        options.subscribeOptions.retainHandling = no_retained ? 2 : 0;
    }
    if (MQTTAsync_subscribe(mqtt->handle, filter, 1, &options) != MQTTASYNC_SUCCESS) {
        if (send) {
            atomic_store(&send->done, true);
        }
        return ERR_CLOSED;
    }
    return ERR_OK;
}

/* A connection that came or went changes our state when its owner takes the event. */
static bool note(struct mqtt *mqtt, const struct mqtt_event *event)
{
    if (event->what == MQTT_UP) {
        if (mqtt->state != CONNECTING) {
            return false; /* of an attempt that was given up */
        }
        if (mqtt->guessing) {
            mqtt->guessing = false;
            mqtt->proving = true;
            mqtt->state = IDLE;
            mqtt->next_ms = clock_boot_ms();
            use_version(mqtt, true);
            return false;
        }
        mqtt->state = UP;
        mqtt->proving = false;
        mqtt->failures = 0;
        mqtt->outage_ms = -1;
    } else if (event->what == MQTT_DOWN) {
        bool was_up = mqtt->state == UP;

        if (mqtt->state == IDLE) {
            return false;
        }
        if (event->token == DROPPED) {
            destroy(mqtt);
        }
        if (was_up) {
            mqtt->state = IDLE;
            plan_retry(mqtt, clock_boot_ms(), clock_boot_ms());
        } else {
            fail_attempt(mqtt, clock_boot_ms(), event->token);
        }
    }
    return true;
}

struct mqtt_event *mqtt_take(struct mqtt *mqtt)
{
    int64_t discarded;
    void *item;

    while (!queue_take(mqtt->queue, 0, &item)) {
        if (note(mqtt, item)) {
            return item;
        }
        mqtt_event_free(item);
    }
    discarded = atomic_exchange(&mqtt->discarded, 0);
    return discarded > 0 ? make(MQTT_DISCARDED, NULL, discarded) : NULL;
}

int mqtt_fd(const struct mqtt *mqtt)
{
    return queue_fd(mqtt->queue);
}
