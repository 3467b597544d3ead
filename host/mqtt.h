/*
 * One MQTT connection by Paho: connect, back off, publish, subscribe. Correctness never depends on
 * it: what matters is acked end to end (reliability.md 3).
 *
 * MQTT 5 first, 3.1.1 as fall-back. No persistence, no off-line buffer and no reconnect of Paho's:
 * mqtt_turn() does that, with jitter. Callbacks of Paho copy into a queue and return; the owner
 * takes what came from mqtt_take(). One thread calls all functions but none is called from Paho's
 * threads. Nothing here blocks longer than a connect's set-up call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"

struct mqtt;

struct mqtt_options {
    const char *url; /* mqtt://host:port or mqtts://host:port */
    const char *client_id;
    const char *ca, *cert, *key;       /* files; NULL when not used */
    const char *user, *password;       /* NULL when not used */
    const char *will_topic, *will;     /* NULL: no will; retained, QoS 1 */
    int keepalive_s;                   /* preset 30 */
    int64_t first_delay_ms;            /* a first connect waits a random time up to this */
    bool eager;                        /* all others wait for this one: it tries twice a second */
    size_t queue_messages, queue_bytes; /* ceilings of what came and was not taken yet */
    size_t message_most;               /* larger ones are refused and counted */
    uint64_t seed;                     /* of the jitter */
};

enum mqtt_what {
    MQTT_UP,        /* connected (subscribe now); also after every reconnect */
    MQTT_DOWN,      /* lost, with the reason in text */
    MQTT_MESSAGE,   /* topic and payload */
    MQTT_SENT,      /* the broker acknowledged a publish, or a subscription: token */
    MQTT_REFUSED,   /* a publish was refused or its connection went: token */
    MQTT_DISCARDED, /* messages that came and found the queue full: count */
};

struct mqtt_event { /* owned by who took it: mqtt_event_free */
    enum mqtt_what what;
    char *topic;   /* topic and payload live as long as the event */
    char *payload; /* NUL behind */
    size_t size;   /* as it was sent */
    size_t kept;   /* what of it is in payload: less when it was larger than message_most */
    bool retained;
    int64_t token;
    int64_t received_ms; /* wall clock */
    char text[160];
};

enum err mqtt_open(const struct mqtt_options *options, struct mqtt **ret_mqtt,
                   struct text *why) MUST_CHECK;
/* A clean disconnect (the will is not sent), at most wait_ms. */
void mqtt_close(struct mqtt *mqtt, int64_t wait_ms);
/* Connects when it is time to. Returns the boot-clock ms of its next deadline (INT64_MAX: none). */
int64_t mqtt_turn(struct mqtt *mqtt, int64_t boot_ms);
bool mqtt_is_up(const struct mqtt *mqtt);
/* Gives the connection up; MQTT_DOWN with why follows, and reconnecting as after any loss. */
void mqtt_drop(struct mqtt *mqtt, const char *why);
/* QoS 1. token is the caller's. ERR_CLOSED when not connected, ERR_FULL at 64 KiB + topic. */
enum err mqtt_publish(struct mqtt *mqtt, const char *topic, const void *payload, size_t size,
                      bool retained, int64_t token) MUST_CHECK;
/* QoS 1. no_retained: retained messages are not sent again on subscription (MQTT 5). token: the
 * broker's answer comes as MQTT_SENT or MQTT_REFUSED; 0: it does not. */
enum err mqtt_subscribe(struct mqtt *mqtt, const char *filter, bool no_retained,
                        int64_t token) MUST_CHECK;
/* The next event, or NULL. */
struct mqtt_event *mqtt_take(struct mqtt *mqtt);
void mqtt_event_free(struct mqtt_event *event);
/* Readable while mqtt_take would give something. */
int mqtt_fd(const struct mqtt *mqtt);
