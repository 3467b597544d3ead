/*
 * The server put together. Three kinds of threads, each owning something: this one owns the broker's
 * connection, the committer the writing connection, the HTTP pool and the notifier read-only ones.
 *
 *   broker --> intake (decoded here) --> committer: pipeline (one transaction for all that follows)
 *          <-- acks, commands by queue, after the commit
 */
#include "server/server.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/file.h"
#include "host/log.h"
#include "host/mqtt.h"
#include "host/queue.h"
#include "host/ready.h"
#include "server/api/api.h"
#include "server/desk/desk.h"
#include "server/desk/notify.h"
#include "server/fleet/orders.h"
#include "server/fleet/registry.h"
#include "server/ingest/intake.h"
#include "server/ingest/pipeline.h"
#include "server/store/change.h"
#include "server/store/committer.h"
#include "server/store/metrics.h"
#include "server/store/pack.h"
#include "server/store/schema.h"

#define COME_BACK_MS   60000 /* agents get that long after a start (interfaces.md 8) */
#define JOBS_MOST      20000
#define JOB_BYTES      (256 * 1024 * 1024)
#define LETTERS_MOST   20000
#define ALIVE_MS       10000
#define CHANGES_KEPT   20000

struct letter { /* something to publish */
    char topic[TOPIC_SIZE];
    size_t size;
    char bytes[];
};

struct server {
    const struct server_config *config;
    struct rules *rules;
    struct sql *sql;
    struct desk *desk;
    struct registry *registry;
    struct pipeline pipeline;
    struct committer *committer;
    struct notifier *notifier;
    struct api *api;
    struct mqtt *mqtt;
    struct queue *letters;
    int64_t desk_ms, data_version, alive_ms, trimmed_ms;
    bool serving;
};

/* ------------------------------------------------------------------ on the committing thread */

static void post(struct server *server, const char *agent, enum channel channel,
                 const char *payload, size_t size)
{
    struct letter *letter = malloc(sizeof(*letter) + size);
    struct text topic;

    if (!letter) {
        return; /* acks come again; commands stay waiting */
    }
    topic = text_on(letter->topic, sizeof(letter->topic));
    letter->size = size;
    memcpy(letter->bytes, payload, size);
    if (topic_make(&topic, server->config->prefix, agent, channel) ||
        queue_put(server->letters, letter, size, 0)) {
        free(letter);
    }
}

static void send_ack(void *context, const char *agent, const char *payload, size_t size)
{
    post(context, agent, CHANNEL_ACK, payload, size);
}

static enum err send_command(void *context, const char *agent, const char *payload, size_t size)
{
    post(context, agent, CHANNEL_COMMAND, payload, size);
    return ERR_OK;
}

struct inbound_job {
    struct server *server;
    struct inbound *inbound;
};

static enum err take_inbound(struct sql *sql, int64_t now_ms, void *argument)
{
    struct inbound_job *job = argument;

    return pipeline_take(&job->server->pipeline, sql, job->inbound, now_ms);
}

static void drop_inbound(void *argument, enum err outcome)
{
    struct inbound_job *job = argument;

    if (outcome) {
        log_warn("a message of %s was not stored: %s; it comes again", job->inbound->agent,
                 err_text(outcome));
    }
    inbound_free(job->inbound);
    free(job);
}

static enum err save(struct sql *sql, int64_t now_ms, size_t jobs, void *context)
{
    struct server *server = context;

    return pipeline_save(&server->pipeline, sql, now_ms, jobs < 20);
}

static void committed(struct sql *sql, bool wrote, void *context)
{
    struct server *server = context;

    (void)sql;
    pipeline_acks(&server->pipeline, clock_wall_ms(), false);
    if (!wrote) {
        return;
    }
    if (server->api) {
        api_changed(server->api);
    }
    if (server->notifier) {
        notifier_wake(server->notifier);
    }
}

static void undone(struct sql *sql, void *context)
{
    struct server *server = context;

    registry_forget(server->registry);
    if (pipeline_load(&server->pipeline, sql, clock_wall_ms())) {
        log_error("the database cannot be read: %s", sql_why(sql));
    }
}

/* A sub-command wrote beside us: what we keep in memory may be stale. */
static enum err notice_guests(struct server *server, struct sql *sql, int64_t now_ms)
{
    int64_t version = sql_find_int(sql, 0, "PRAGMA data_version", "");
    enum err err = ERR_OK;

    if (version == server->data_version) {
        return ERR_OK;
    }
    if (server->data_version) {
        pipeline_acks(&server->pipeline, now_ms, true); /* all of it is committed; soon it is forgotten */
        err = pipeline_save(&server->pipeline, sql, now_ms, true);
        if (!err) {
            registry_forget(server->registry);
            err = pipeline_load(&server->pipeline, sql, now_ms);
        }
        if (!err) {
            err = desk_plan_visits(server->desk, sql, now_ms);
        }
    }
    server->data_version = version;
    return err;
}

static enum err trim(struct server *server, struct sql *sql, int64_t now_ms)
{
    enum err err;

    if (now_ms - server->trimmed_ms < 60000) {
        return ERR_OK;
    }
    server->trimmed_ms = now_ms;
    metric_set(METRIC_JOURNAL, sql_find_int(sql, 0, "SELECT COUNT(*) FROM journal", ""));
    err = change_trim(sql, CHANGES_KEPT);
    if (!err) {
        err = sql_run(sql, "DELETE FROM idempotency WHERE at_ms < ?1", "i",
                      now_ms - 7LL * 86400000);
    }
    return err;
}

static enum err turn(struct sql *sql, int64_t now_ms, int64_t *io_next_ms, void *context)
{
    struct server *server = context;
    bool more = false;
    enum err err = notice_guests(server, sql, now_ms);

    if (!err) {
        err = pipeline_silence(&server->pipeline, sql, now_ms);
    }
    if (!err) {
        err = orders_turn(sql, now_ms, send_command, server);
    }
    if (now_ms >= server->desk_ms) {
        server->desk_ms = desk_turn(server->desk, sql, now_ms);
    }
    if (!err) {
        err = pipeline_save(&server->pipeline, sql, now_ms, true);
    }
    if (!err) {
        err = pack_turn(sql, now_ms, &more);
    }
    if (!err) {
        err = trim(server, sql, now_ms);
    }
    *io_next_ms = more ? now_ms + 20 : server->desk_ms;
    return err;
}

/* ------------------------------------------------------------------ the main thread */

static void take_message(struct server *server, struct mqtt_event *event)
{
    struct inbound *inbound = intake_read(event, server->config->prefix);
    struct inbound_job *job = inbound ? malloc(sizeof(*job)) : NULL;
    struct committer_job work = {
        take_inbound, drop_inbound, job, inbound ? inbound->size : 0, false};

    if (!job) {
        inbound_free(inbound);
        return;
    }
    *job = (struct inbound_job){server, inbound};
    /* a full queue: wait a little (the broker feels it), then let the agent send again */
    if (committer_put(server->committer, &work, 2000)) {
        metric_add(METRIC_DISCARDED, 1);
        inbound_free(inbound);
        free(job);
    }
}

static void subscribe(struct server *server)
{
    static const enum channel channels[] = {CHANNEL_STATUS, CHANNEL_DATA, CHANNEL_EVENT,
                                            CHANNEL_REPLY};

    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
        TEXT(filter, TOPIC_SIZE);

        text_addf(&filter, "%s/+/%s", server->config->prefix, channel_names[channels[i]]);
        if (mqtt_subscribe(server->mqtt, filter.at, channels[i] != CHANNEL_STATUS)) {
            return;
        }
    }
}

static void take_event(struct server *server, struct mqtt_event *event)
{
    switch (event->what) {
    case MQTT_UP:
        log_info("connected to the broker, MQTT %s", event->text);
        metric_set(METRIC_CONNECTED, 1);
        subscribe(server);
        break;
    case MQTT_DOWN:
        log_warn("no broker at %s: %s", server->config->broker_url, event->text);
        metric_set(METRIC_CONNECTED, 0);
        metric_add(METRIC_LOST_AT_CLOSE, 1);
        break;
    case MQTT_MESSAGE:
        take_message(server, event);
        break;
    case MQTT_DISCARDED:
        metric_add(METRIC_DISCARDED, event->token);
        break;
    case MQTT_SENT:
    case MQTT_REFUSED:
        break;
    }
}

static void send_letters(struct server *server)
{
    void *item;

    while (mqtt_is_up(server->mqtt) && !queue_take(server->letters, 0, &item)) {
        struct letter *letter = item;

        /* what does not go out now comes again: acks with the next message, commands expire */
        (void)!mqtt_publish(server->mqtt, letter->topic, letter->bytes, letter->size, false, 0);
        free(letter);
    }
}

static int64_t main_turn(struct server *server)
{
    int64_t now_ms = clock_boot_ms();
    int64_t next_ms = mqtt_turn(server->mqtt, now_ms);
    struct mqtt_event *event;

    for (int i = 0; i < 1000 && (event = mqtt_take(server->mqtt)) != NULL; i++) {
        take_event(server, event);
        mqtt_event_free(event);
    }
    send_letters(server);
    if (now_ms - server->alive_ms >= ALIVE_MS) {
        server->alive_ms = now_ms;
        ready_alive();
    }
    return next_ms < now_ms + ALIVE_MS ? next_ms : now_ms + ALIVE_MS;
}

enum err server_run(struct server *server)
{
    while (!ready_must_stop()) {
        int64_t wait_ms = main_turn(server) - clock_boot_ms();
        struct pollfd fds[] = {
            {.fd = ready_fd(), .events = POLLIN},
            {.fd = mqtt_fd(server->mqtt), .events = POLLIN},
            {.fd = mqtt_is_up(server->mqtt) ? queue_fd(server->letters) : -1, .events = POLLIN},
        };

        poll(fds, 3, wait_ms < 0 ? 0 : (int)wait_ms);
    }
    ready_stopping();
    return ERR_OK;
}

/* ------------------------------------------------------------------ opening */

static enum err open_store(struct server *server, struct text *why)
{
    struct desk_options options = {
        .rules = server->rules,
        .time_zone = server->config->time_zone,
        .preset_plan = server->config->preset_plan,
        .public_url = server->config->public_url,
        .has_smtp = server->config->smtp_url != NULL,
        .webhooks = server->config->webhooks,
        .mail_to = server->config->smtp_to,
    };
    enum err err = sql_open(server->config->database, SQL_WRITE, &server->sql, why);

    if (!err) {
        err = schema_migrate(server->sql, why);
    }
    if (!err) {
        err = desk_open(&options, &server->desk);
    }
    if (!err) {
        err = registry_open(server->rules, &server->registry);
    }
    if (err) {
        return err;
    }
    server->pipeline = (struct pipeline){
        .registry = server->registry,
        .desk = server->desk,
        .rules = server->rules,
        .quiet_until_ms = clock_wall_ms() + COME_BACK_MS,
        .ack = send_ack,
        .context = server,
        .out = json_out(256 * 1024),
    };
    err = pipeline_load(&server->pipeline, server->sql, clock_wall_ms());
    return err ? text_say(why, err, "the database cannot be read: %s", sql_why(server->sql)) : ERR_OK;
}

static enum err open_committer(struct server *server, struct text *why)
{
    struct committer_options options = {
        .sql = server->sql,
        .jobs_most = JOBS_MOST,
        .bytes_most = JOB_BYTES,
        .turn = turn,
        .before = save,
        .undone = undone,
        .committed = committed,
        .context = server,
    };

    return committer_open(&options, &server->committer, why);
}

static int64_t is_ready(void *context)
{
    struct server *server = context;

    return server->serving;
}

static enum err open_faces(struct server *server, struct text *why)
{
    const struct server_config *config = server->config;
    struct api_options api = {
        .listen = config->listen,
        .url = config->database,
        .committer = server->committer,
        .desk = server->desk,
        .rules = server->rules,
        .time_zone = config->time_zone,
        .ready = is_ready,
        .context = server,
    };
    struct notify_options notify = {
        .url = config->database,
        .committer = server->committer,
        .smtp_url = config->smtp_url,
        .smtp_user = config->smtp_user,
        .smtp_password = config->smtp_password,
        .smtp_from = config->smtp_from,
    };
    struct notifier *notifier;
    struct api *face;
    enum err err = notifier_open(&notify, &notifier);

    if (err) {
        return text_say(why, err, "the notifier cannot start: %s", err_text(err));
    }
    server->notifier = notifier;
    err = api_open(&api, &face, why);
    if (!err) {
        server->api = face;
    }
    return err;
}

static enum err open_mqtt(struct server *server, struct text *why)
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
        .queue_messages = 50000,
        .queue_bytes = 128 * 1024 * 1024,
        .message_most = 64 * 1024,
    };

    file_random(&options.seed, sizeof(options.seed));
    return mqtt_open(&options, &server->mqtt, why);
}

enum err server_open(const struct server_config *config, struct rules *rules,
                     struct server **ret_server, struct text *why)
{
    struct server *server = calloc(1, sizeof(*server));
    enum err err;

    if (!server) {
        return ERR_NOMEM;
    }
    server->config = config;
    server->rules = rules;
    err = queue_open(LETTERS_MOST, 64 * 1024 * 1024, &server->letters);
    if (!err) {
        err = open_store(server, why);
    }
    if (!err) {
        err = open_mqtt(server, why);
    }
    if (!err) {
        err = open_committer(server, why);
    }
    if (!err) {
        err = open_faces(server, why);
    }
    if (err) {
        server_close(server);
        return err;
    }
    server->serving = true;
    *ret_server = server;
    return ERR_OK;
}

void server_close(struct server *server)
{
    if (!server) {
        return;
    }
    api_close(server->api);
    server->api = NULL;
    committer_close(server->committer); /* what came is stored */
    notifier_close(server->notifier);
    if (server->mqtt) {
        send_letters(server); /* the last acks */
    }
    mqtt_close(server->mqtt, 1000);
    queue_close(server->letters, free);
    registry_close(server->registry);
    json_out_free(&server->pipeline.out);
    desk_close(server->desk);
    sql_close(server->sql);
    free(server);
}
