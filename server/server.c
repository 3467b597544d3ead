/*
 * The server put together. Three kinds of threads, each owning something: this one owns the broker's
 * connection, the committer the writing connection, the HTTP pool and the notifier read-only ones.
 *
 *   broker.c --> intake (decoded here) --> work.c: pipeline (one transaction for all that follows)
 *            <-- letters.c: acks, commands, after the commit
 */
#include "server/server.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/log.h"
#include "host/ready.h"
#include "server/broker.h"
#include "server/letters.h"
#include "server/parts.h"
#include "server/store/schema.h"
#include "server/work.h"

#define JOBS_MOST    4096  /* decoded messages; the others wait in the broker's shape */
#define JOB_BYTES    (128 * 1024 * 1024)
#define FLOOD        16    /* messages at once: more is a flood … */
#define BREATH_MS    2     /* … and is let gather, instead of being woken for each */
#define BROKER_TRIED_MS 3000 /* a broker that has not answered until then is not there */
#define ANNOUNCE_MS     100
#define HELD_MS      5000  /* a start waits that long for a sub-command that has the database */
#define LOCKED_MS    30000 /* … and that long for a lock of somebody else */

/* ------------------------------------------------------------------ serving */

/* We serve when nothing that agents publish passes us by, or as soon as it is clear that the broker
 * is not there. */
static void announce(struct server *server)
{
    if (!server->announced &&
        (server->tried || clock_boot_ms() - server->opened_ms > BROKER_TRIED_MS)) {
        server->announced = true;
        ready_serving("heliograph-server");
    }
}

enum err server_run(struct server *server)
{
    server->opened_ms = clock_boot_ms();
    while (!ready_must_stop()) {
        int64_t wait_ms = broker_turn(server) - clock_boot_ms();
        bool flood = server->taken >= FLOOD;
        struct pollfd fds[] = {
            {.fd = ready_fd(), .events = POLLIN},
            {.fd = flood ? -1 : mqtt_fd(server->mqtt), .events = POLLIN},
            {.fd = mqtt_is_up(server->mqtt) ? queue_fd(server->letters) : -1, .events = POLLIN},
        };

        announce(server);
        wait_ms = flood && wait_ms > BREATH_MS ? BREATH_MS : wait_ms;
        wait_ms = !server->announced && wait_ms > ANNOUNCE_MS ? ANNOUNCE_MS : wait_ms;
        poll(fds, 3, wait_ms < 0 ? 0 : (int)wait_ms);
    }
    ready_stopping();
    return ERR_OK;
}

/* ------------------------------------------------------------------ opening */

/* The database, at this program's version and free to be written. */
static enum err open_once(struct server *server, struct text *why)
{
    enum err err = schema_open(server->config->database, &server->sql, why);

    if (err) {
        return err;
    }
    err = sql_begin(server->sql);
    if (!err) {
        sql_rollback(server->sql);
        return ERR_OK;
    }
    text_say(why, err, "%s: %s", server->config->database, sql_why(server->sql));
    sql_close(server->sql);
    server->sql = NULL;
    return err;
}

/* A sub-command or somebody's shell may have the database just now; a second server has it for
 * ever. */
static enum err open_database(struct server *server, struct text *why)
{
    int64_t since_ms = clock_boot_ms();
    bool told = false;

    for (;;) {
        enum err err;
        int64_t waited_ms;
        bool held;
        struct pollfd stop = {.fd = ready_fd(), .events = POLLIN};

        text_clear(why);
        err = open_once(server, why);
        waited_ms = clock_boot_ms() - since_ms;
        held = err == ERR_BUSY && strstr(why->at, "held by another process");
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

/* In one transaction: what is mended of a crash is there as a whole or comes again. */
static enum err load(struct server *server, struct text *why)
{
    enum err err = sql_begin(server->sql);

    if (!err) {
        err = pipeline_load(&server->pipeline, server->sql, clock_wall_ms());
    }
    if (!err) {
        err = sql_commit(server->sql);
    }
    if (err) {
        text_say(why, err, "the database cannot be read: %s", sql_why(server->sql));
        sql_rollback(server->sql);
    }
    return err;
}

static enum err open_store(struct server *server, struct text *why)
{
    struct office_options options = {
        .rules = server->rules,
        .time_zone = server->config->time_zone,
        .preset_plan = server->config->preset_plan,
        .public_url = server->config->public_url,
        .has_smtp = server->config->smtp_url != NULL,
        .sms_segments = server->config->sms.url ? server->config->sms_segments : 0,
        .webhooks = server->config->webhooks,
        .mail_to = server->config->smtp_to,
        .digest_minute = server->config->digest_minute,
        .skew_ms = server->config->skew_ms,
        .file_bytes = server->config->file_bytes,
        .files_bytes = server->config->files_bytes,
        .photos = server->config->photos,
        .started_ms = clock_wall_ms(),
        .quiet_until_ms = clock_wall_ms() + server->config->come_back_ms,
    };
    enum err err = open_database(server, why);

    if (!err) {
        err = desk_open(&options, &server->desk);
    }
    if (!err) {
        struct care_options care = {.office = options, .keep_ms = server->config->kept_ms, .folder = server->config->exports,
                                    .export_bytes = server->config->export_bytes};

        _Static_assert(CONFIG_KEPT == CARE_CLASSES, "every class of data has its key in server.yaml");
        err = care_open(&care, &server->care);
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
        err = patience_open(&server->patience);
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
    server->pipeline.come_back_ms = server->config->come_back_ms;
    server->pipeline.quiet_until_ms = options.quiet_until_ms;
    server->pipeline.old_data = work_old_data;
    server->pipeline.ack = letters_send_ack;
    server->pipeline.context = server;
    server->pipeline.out = json_out(256 * 1024);
    return load(server, why);
}

static enum err open_committer(struct server *server, struct text *why)
{
    struct committer_options options = {
        .sql = server->sql,
        .jobs_most = JOBS_MOST,
        .bytes_most = JOB_BYTES,
        .turn = work_turn,
        .before = work_save,
        .undone = work_undone,
        .committed = work_committed,
        .context = server,
    };

    return committer_open(&options, &server->committer, why);
}

static int64_t is_ready(void *context)
{
    struct server *server = context;

    return atomic_load(&server->serving);
}

static const struct notice_rule *words_on(const struct rules *rules, const char *step)
{
    for (size_t i = 0; i < rules_notices_count(rules); i++) {
        const struct notices *notices = rules_notices_at(rules, i);

        for (size_t k = 0; k < notices->count; k++) {
            if (notices->rules[k].to == NOTICE_TO_DESK && notice_is_on(&notices->rules[k], step)) {
                return &notices->rules[k];
            }
        }
    }
    return NULL;
}

static enum err open_faces(struct server *server, struct text *why)
{
    const struct server_config *config = server->config;
    struct api_options api = {
        .listen = config->listen,
        .url = config->database,
        .committer = server->committer,
        .desk = server->desk,
        .care = server->care,
        .rules = server->rules,
        .time_zone = config->time_zone,
        .preset_plan = config->preset_plan,
        .photo_bytes = config->photo_bytes,
        .customer_writes = config->customer_writes,
        .customer_tries = config->customer_tries,
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
        .sms = config->sms,
        .watch = {.lost_after_ms = config->lost_after_ms,
                  .heartbeat_ms = config->heartbeat_ms,
                  .webhooks = config->webhooks,
                  .mail_to = config->smtp_url ? config->smtp_to : NULL,
                  .sms_to = config->sms.url ? config->sms_to : NULL,
                  .sms_segments = config->sms_segments,
                  .lost = words_on(server->rules, "way_lost"),
                  .back = words_on(server->rules, "way_back")},
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
    err = letters_open(server);
    if (!err) {
        err = open_store(server, why);
    }
    if (!err) {
        err = broker_open(server, why);
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
        (void)pipeline_acks(&server->pipeline, server->sql, clock_boot_ms(), false);
        broker_send_letters(server); /* the last acks */
    }
    mqtt_close(server->mqtt, 1000);
    letters_close(server);
    intake_close(server->intake);
    packer_close(server->packer);
    patience_close(server->patience);
    receipts_close(server->pipeline.receipts);
    registry_close(server->registry);
    json_out_free(&server->pipeline.out);
    care_close(server->care);
    desk_close(server->desk);
    sql_close(server->sql);
    free(server);
}
