/*
 * The server put together. Three kinds of threads, each owning something: this one owns the broker's
 * connection, the committer the writing connection, the HTTP pool and the notifier read-only ones.
 *
 *   broker --> intake (decoded here) --> committer: pipeline (one transaction for all that follows)
 *          <-- acks, commands by queue, after the commit
 */
#include "server/server.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/file.h"
#include "host/log.h"
#include "host/mqtt.h"
#include "host/queue.h"
#include "host/ready.h"
#include "models/telemetry/command.h"
#include "server/api/api.h"
#include "server/desk/desk.h"
#include "server/desk/notify.h"
#include "server/fleet/orders.h"
#include "server/fleet/registry.h"
#include "server/ingest/intake.h"
#include "server/ingest/pipeline.h"
#include "server/ingest/presence.h"
#include "server/store/change.h"
#include "server/store/committer.h"
#include "server/store/journal.h"
#include "server/store/metrics.h"
#include "server/store/pack.h"
#include "server/store/schema.h"

#define COME_BACK_MS   60000 /* agents get that long after a start (interfaces.md 8) */
#define JOBS_MOST      4096  /* decoded messages; the others wait in the broker's shape */
#define JOB_BYTES      (128 * 1024 * 1024)
#define JOB_WAIT_MS    100
#define FLOOD          16    /* messages at once: more is a flood … */
#define BREATH_MS      2     /* … and is let gather, instead of being woken for each */
#define LETTERS_MOST   20000
#define FLYING_MOST    256   /* commands on their way to the broker */
#define FEW_JOBS       20    /* a commit that small writes last values as well */
#define ALIVE_MS       10000
#define CHANGES_KEPT   20000
#define EVENTS_KEPT_MS (400 * 86400000LL)
#define HELD_MS        5000  /* a start waits that long for a sub-command that has the database */
#define LOCKED_MS      30000 /* … and that long for a lock of somebody else */

struct letter { /* something to publish */
    char topic[TOPIC_SIZE];
    char command[COMMAND_ID_MOST + 1]; /* its id; "" for acks */
    size_t size;
    char bytes[];
};

struct server {
    const struct server_config *config;
    struct rules *rules;
    struct sql *sql;
    struct desk *desk;
    struct registry *registry;
    struct packer *packer;
    struct intake *intake;
    struct pipeline pipeline;
    struct committer *committer;
    _Atomic(struct notifier *) notifier; /* made while the committer runs */
    _Atomic(struct api *) api;
    struct mqtt *mqtt;
    struct queue *letters;
    atomic_bool up; /* connected to the broker */
    atomic_bool serving;
    int64_t desk_ms, data_version, trimmed_ms; /* of the committing thread */
    int64_t acks_boot_ms;
    int64_t alive_ms; /* of the main thread */
    struct inbound *held; /* found no room; nothing is taken before it */
    int taken;        /* messages in the last turn */
    int64_t sent;     /* token of the last command */
    struct flying {
        int64_t token;
        char id[COMMAND_ID_MOST + 1];
    } flying[FLYING_MOST];
};

/* ------------------------------------------------------------------ letters, on the committing thread */

static enum err post(struct server *server, const char *agent, enum channel channel,
                     const char *command, const char *payload, size_t size)
{
    struct letter *letter = calloc(1, sizeof(*letter) + size);
    struct text topic;
    enum err err;

    if (!letter) {
        return ERR_NOMEM;
    }
    topic = text_on(letter->topic, sizeof(letter->topic));
    letter->size = size;
    memcpy(letter->bytes, payload, size);
    err = text_copy(letter->command, sizeof(letter->command), command);
    if (!err) {
        err = topic_make(&topic, server->config->prefix, agent, channel);
    }
    if (!err) {
        err = queue_put(server->letters, letter, size, 0);
    }
    if (err) {
        free(letter);
    }
    return err;
}

static void send_ack(void *context, const char *agent, const char *payload, size_t size)
{
    (void)!post(context, agent, CHANNEL_ACK, "", payload, size); /* acks come again */
}

/* ERR_CLOSED: it stays waiting until there is a broker. */
static enum err send_command(void *context, const char *agent, const char *payload, size_t size)
{
    struct server *server = context;
    struct command command;
    struct arena *arena;
    enum err err;

    if (!atomic_load(&server->up)) {
        return ERR_CLOSED;
    }
    err = arena_open(1024 * 1024, &arena);
    if (!err) {
        err = command_decode(arena, payload, size, &command, NULL);
        if (!err) {
            err = post(server, agent, CHANNEL_COMMAND, command.id, payload, size);
        }
        arena_close(arena);
    }
    return err == ERR_FULL ? ERR_CLOSED : err;
}

/* ------------------------------------------------------------------ jobs, on the committing thread */

static enum err take_inbound(struct sql *sql, int64_t now_ms, void *argument)
{
    struct inbound *inbound = argument;
    struct server *server = inbound->context;

    return pipeline_take(&server->pipeline, sql, inbound, now_ms);
}

/* A message that fails by itself would fail for ever: once more, into quarantine. */
static bool try_again(struct inbound *inbound, enum err outcome)
{
    struct text why = text_on(inbound->why, sizeof(inbound->why));
    struct server *server = inbound->context;

    if (inbound->failed_before || inbound->err || outcome == ERR_BUSY || outcome == ERR_IO ||
        outcome == ERR_NOMEM || outcome == ERR_CLOSED) {
        return false;
    }
    text_addf(&why, "taking it failed: %s", err_text(outcome));
    inbound->failed_before = true;
    return !committer_put(server->committer, &inbound->job, 0);
}

static void drop_inbound(void *argument, enum err outcome)
{
    struct inbound *inbound = argument;

    if (outcome && try_again(inbound, outcome)) {
        return;
    }
    if (outcome) {
        log_warn("a message of %s was not stored: %s; it comes again", inbound->agent,
                 err_text(outcome));
    }
    for (int i = 0; !outcome && i < METRIC_COUNT; i++) {
        if (inbound->counts[i]) {
            metric_add((enum metric)i, inbound->counts[i]);
        }
    }
    inbound_free(inbound);
}

static void old_data(void *context, int64_t stream, int64_t most_ms)
{
    struct server *server = context;

    packer_note(server->packer, stream, most_ms, clock_wall_ms());
}

static enum err save(struct sql *sql, int64_t now_ms, size_t jobs, void *context)
{
    struct server *server = context;

    return pipeline_save(&server->pipeline, sql, now_ms, jobs < FEW_JOBS);
}

static void committed(struct sql *sql, bool wrote, void *context)
{
    struct server *server = context;
    struct api *api = atomic_load(&server->api);
    struct notifier *notifier = atomic_load(&server->notifier);

    server->acks_boot_ms = pipeline_acks(&server->pipeline, sql, clock_boot_ms(), false);
    if (wrote && api) {
        api_changed(api);
    }
    if (wrote && notifier) {
        notifier_wake(notifier);
    }
}

static void undone(struct sql *sql, void *context)
{
    struct server *server = context;

    if (pipeline_load(&server->pipeline, sql, clock_wall_ms())) {
        log_error("the database cannot be read: %s", sql_why(sql));
    }
}

/* ------------------------------------------------------------------ the turn, on the committing thread */

/* Equipment that a fleet file has claimed since is no longer shown as unclaimed. */
static enum err refresh_claimed(struct server *server, struct sql *sql, int64_t now_ms)
{
    int64_t id = 0;
    enum err err = ERR_OK;

    while (!err && (id = sql_find_int(sql, 0,
                                      "SELECT MIN(id) FROM equipment WHERE claimed = 1 AND status ="
                                      " 'unclaimed' AND id > ?1",
                                      "i", id)) > 0) {
        err = desk_refresh_status(server->desk, sql, id, now_ms);
    }
    return err;
}

/* A sub-command wrote beside us: what we keep in memory may be stale. */
static enum err notice_guests(struct server *server, struct sql *sql, int64_t now_ms)
{
    int64_t version = sql_find_int(sql, 0, "PRAGMA data_version", "");
    bool first = server->data_version == 0;
    enum err err = ERR_OK;

    if (version == server->data_version) {
        return ERR_OK;
    }
    if (!first) {
        err = pipeline_save(&server->pipeline, sql, now_ms, true);
        if (!err) {
            err = pipeline_load(&server->pipeline, sql, now_ms);
        }
        if (!err) {
            err = desk_plan_visits(server->desk, sql, now_ms);
        }
    }
    if (!err) {
        err = refresh_claimed(server, sql, now_ms);
    }
    server->data_version = err ? 0 : version;
    return err;
}

/* The desk looks when it said it would, and when something became due earlier meanwhile. */
static void turn_desk(struct server *server, struct sql *sql, int64_t now_ms)
{
    int64_t due_ms = sql_find_int(sql, INT64_MAX,
                                  "SELECT MIN(next_ms) FROM ticket WHERE closed_ms IS NULL AND"
                                  " next_ms IS NOT NULL",
                                  "");

    if (now_ms >= server->desk_ms || now_ms >= due_ms || server->pipeline.links_changed) {
        server->pipeline.links_changed = false;
        server->desk_ms = desk_turn(server->desk, sql, now_ms);
    } else if (due_ms < server->desk_ms) {
        server->desk_ms = due_ms;
    }
}

/* A slice of packing; when it fails, all else that this turn did stays. */
static enum err turn_packer(struct server *server, struct sql *sql, int64_t now_ms, bool *ret_more)
{
    enum err err = sql_save(sql);

    *ret_more = false;
    if (err) {
        return err;
    }
    err = packer_turn(server->packer, sql, now_ms, ret_more);
    if (err && sql_is_broken(sql)) {
        return err;
    }
    if (err) {
        log_error("packing failed: %s (%s)", err_text(err), sql_why(sql));
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    return ERR_OK;
}

static enum err trim(struct server *server, struct sql *sql, int64_t now_ms)
{
    enum err err;

    if (now_ms - server->trimmed_ms < 60000 && now_ms >= server->trimmed_ms) {
        return ERR_OK;
    }
    server->trimmed_ms = now_ms;
    metric_set(METRIC_JOURNAL, sql_find_int(sql, 0, "SELECT COUNT(*) FROM journal", ""));
    err = change_trim(sql, CHANGES_KEPT);
    if (!err) {
        err = sql_run(sql, "DELETE FROM idempotency WHERE at_ms < ?1", "i",
                      now_ms - 7LL * 86400000);
    }
    if (!err) {
        err = sql_run(sql,
                      "DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT 1000)"
                      " AND received_ms < ?1",
                      "i", now_ms - EVENTS_KEPT_MS);
    }
    return err;
}

static enum err turn(struct sql *sql, int64_t now_ms, int64_t *io_next_ms, void *context)
{
    struct server *server = context;
    int64_t acks_ms = server->acks_boot_ms - clock_boot_ms();
    bool more = false;
    enum err err = notice_guests(server, sql, now_ms);

    if (!err) {
        err = presence_silence(&server->pipeline, sql, now_ms);
    }
    if (!err) {
        err = orders_turn(sql, now_ms, send_command, server);
    }
    if (!err) {
        turn_desk(server, sql, now_ms);
        err = pipeline_save(&server->pipeline, sql, now_ms, true);
    }
    if (!err) {
        err = turn_packer(server, sql, now_ms, &more);
    }
    if (!err && more) {
        err = journal_mark(sql);
    }
    if (!err) {
        err = trim(server, sql, now_ms);
    }
    *io_next_ms = more ? now_ms + 20 : server->desk_ms;
    if (server->acks_boot_ms != INT64_MAX && acks_ms < *io_next_ms - now_ms) {
        *io_next_ms = now_ms + (acks_ms > 20 ? acks_ms : 20);
    }
    return err;
}

/* ------------------------------------------------------------------ the main thread */

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
    inbound->context = server;
    inbound->job = (struct committer_job){.work = take_inbound,
                                          .done = drop_inbound,
                                          .argument = inbound,
                                          .bytes = inbound_bytes(inbound)};
    server->held = inbound;
    server->taken++;
    return hand_over(server);
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

static void send_letters(struct server *server)
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

/* ------------------------------------------------------------------ the loop */

static void note_connection(struct server *server, const struct mqtt_event *event)
{
    bool up = event->what == MQTT_UP;

    if (up) {
        log_info("connected to the broker, MQTT %s", event->text);
        subscribe(server);
    } else {
        log_warn("no broker at %s: %s", server->config->broker_url, event->text);
        land_all(server);
        metric_add(atomic_load(&server->up) ? METRIC_BROKER_LOSSES : METRIC_BROKER_ABSENT, 1);
    }
    atomic_store(&server->up, up);
    metric_set(METRIC_CONNECTED, up);
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
        land(server, event->token, event->what == MQTT_SENT);
        break;
    }
    return true;
}

static int64_t main_turn(struct server *server)
{
    int64_t now_ms = clock_boot_ms();
    int64_t next_ms = mqtt_turn(server->mqtt, now_ms);
    bool go_on = hand_over(server);
    struct mqtt_event *event;

    server->taken = 0;
    for (int i = 0; i < 1000 && go_on && (event = mqtt_take(server->mqtt)) != NULL; i++) {
        go_on = take_event(server, event);
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
        bool flood = server->taken >= FLOOD;
        struct pollfd fds[] = {
            {.fd = ready_fd(), .events = POLLIN},
            {.fd = flood ? -1 : mqtt_fd(server->mqtt), .events = POLLIN},
            {.fd = mqtt_is_up(server->mqtt) ? queue_fd(server->letters) : -1, .events = POLLIN},
        };

        wait_ms = flood && wait_ms > BREATH_MS ? BREATH_MS : wait_ms;
        poll(fds, 3, wait_ms < 0 ? 0 : (int)wait_ms);
    }
    ready_stopping();
    return ERR_OK;
}

/* ------------------------------------------------------------------ opening */

/* A sub-command or somebody's shell may have the database just now; a second server has it for
 * ever. */
static enum err open_database(struct server *server, struct text *why)
{
    int64_t since_ms = clock_boot_ms();
    bool told = false;

    for (;;) {
        enum err err = sql_open(server->config->database, SQL_WRITE, &server->sql, why);
        int64_t waited_ms = clock_boot_ms() - since_ms;
        bool held = err == ERR_BUSY && strstr(why->at, "held by another process");
        struct pollfd stop = {.fd = ready_fd(), .events = POLLIN};

        if (err != ERR_BUSY || waited_ms > (held ? HELD_MS : LOCKED_MS) || ready_must_stop()) {
            return err;
        }
        if (!held && !told) {
            log_warn("%s; waiting", why->at);
            told = true;
        }
        poll(&stop, 1, 200);
    }
}

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
    enum err err = open_database(server, why);

    if (!err) {
        err = schema_migrate(server->sql, why);
    }
    if (!err) {
        err = desk_open(&options, &server->desk);
    }
    if (!err) {
        err = registry_open(server->rules, &server->registry);
    }
    if (!err) {
        err = packer_open(&server->packer);
    }
    if (!err) {
        err = intake_open(server->config->prefix, &server->intake);
    }
    if (!err) {
        err = receipts_open(&server->pipeline.receipts);
    }
    if (err) {
        return err;
    }
    server->pipeline.registry = server->registry;
    server->pipeline.desk = server->desk;
    server->pipeline.rules = server->rules;
    server->pipeline.quiet_until_ms = clock_wall_ms() + COME_BACK_MS;
    server->pipeline.old_data = old_data;
    server->pipeline.ack = send_ack;
    server->pipeline.context = server;
    server->pipeline.out = json_out(256 * 1024);
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

    return atomic_load(&server->serving);
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
    atomic_store(&server->notifier, notifier);
    err = api_open(&api, &face, why);
    if (!err) {
        atomic_store(&server->api, face);
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
        .eager = true, /* subscribed again before the agents are back */
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
    atomic_store(&server->serving, true);
    *ret_server = server;
    return ERR_OK;
}

void server_close(struct server *server)
{
    if (!server) {
        return;
    }
    atomic_store(&server->serving, false);
    committer_stop(server->committer); /* what came is stored; its thread has ended */
    api_close(atomic_load(&server->api));
    notifier_close(atomic_load(&server->notifier));
    committer_close(server->committer);
    inbound_free(server->held);
    if (server->mqtt && server->pipeline.receipts && server->registry) {
        (void)pipeline_acks(&server->pipeline, server->sql, clock_boot_ms(), true);
        send_letters(server); /* the last acks */
    }
    mqtt_close(server->mqtt, 1000);
    queue_close(server->letters, free);
    intake_close(server->intake);
    packer_close(server->packer);
    receipts_close(server->pipeline.receipts);
    registry_close(server->registry);
    json_out_free(&server->pipeline.out);
    desk_close(server->desk);
    sql_close(server->sql);
    free(server);
}
