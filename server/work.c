/* The committing thread's work. */
#include "server/work.h"

#include "host/clock.h"
#include "host/log.h"
#include "server/fleet/orders.h"
#include "server/ingest/presence.h"
#include "server/letters.h"
#include "server/store/change.h"
#include "server/store/journal.h"
#include "server/store/metrics.h"
#include "server/store/trail.h"

#define IDLE_MOST      60000 /* silence, orders and old rows are looked at that often at least */
#define FEW_JOBS       20 /* a commit that small writes last values as well */
#define CHANGES_KEPT   20000
#define TRAIL_SLICE    1000 /* lines let go in one turn */

/* ------------------------------------------------------------------ messages */

static enum err take_inbound(struct sql *sql, int64_t now_ms, void *argument)
{
    struct inbound *inbound = argument;
    struct server *server = inbound->context;

    return pipeline_take(&server->pipeline, sql, inbound, now_ms);
}

/*
 * A message that fails by itself is not stored and not acked: it comes again, and what made it fail
 * may be over by then. One that goes on failing goes into quarantine, so that it stops nobody.
 */
static bool put_away(struct server *server, struct inbound *inbound, enum err outcome)
{
    struct text why = text_on(inbound->why, sizeof(inbound->why));

    if (inbound->failed_before || inbound->err || inbound->channel == CHANNEL_STATUS ||
        outcome == ERR_BUSY || outcome == ERR_IO || outcome == ERR_NOMEM || outcome == ERR_FULL ||
        outcome == ERR_DENIED || outcome == ERR_CLOSED ||
        !patience_is_over(server->patience, inbound->agent, inbound_envelope(inbound),
                          clock_boot_ms())) {
        return false;
    }
    text_addf(&why, "taking it failed: %s", err_text(outcome));
    inbound->failed_before = true;
    return !committer_put(server->committer, &inbound->job, 0);
}

static void drop_inbound(void *argument, enum err outcome)
{
    struct inbound *inbound = argument;

    if (outcome && put_away(inbound->context, inbound, outcome)) {
        return;
    }
    if (outcome) {
        metric_add(METRIC_MESSAGES_FAILED, 1);
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

void work_on(struct server *server, struct inbound *inbound)
{
    inbound->context = server;
    inbound->job = (struct committer_job){.work = take_inbound,
                                          .done = drop_inbound,
                                          .argument = inbound,
                                          .bytes = inbound_bytes(inbound)};
}

/* ------------------------------------------------------------------ around commits */

void work_old_data(void *context, int64_t stream, int64_t most_ms)
{
    struct server *server = context;

    packer_note(server->packer, stream, most_ms, clock_wall_ms());
}

enum err work_save(struct sql *sql, int64_t now_ms, size_t jobs, void *context)
{
    struct server *server = context;

    return pipeline_save(&server->pipeline, sql, now_ms, jobs < FEW_JOBS);
}

void work_committed(struct sql *sql, bool wrote, void *context)
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

void work_undone(struct sql *sql, void *context)
{
    struct server *server = context;

    if (pipeline_load(&server->pipeline, sql, clock_wall_ms())) {
        log_error("the database cannot be read: %s", sql_why(sql));
    }
}

/* ------------------------------------------------------------------ the turn */

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
    int64_t version = sql_version(sql);
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

/* The desk looks when it says that something is due, and not otherwise. */
static enum err turn_desk(struct server *server, struct sql *sql, int64_t now_ms)
{
    server->desk_ms = desk_due(server->desk, sql, now_ms);
    return server->desk_ms <= now_ms ? desk_turn(server->desk, sql, now_ms, &server->desk_ms) : ERR_OK;
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

/* Agreements that end, exports, data that goes: a piece, undone alone when it fails. */
static enum err turn_care(struct server *server, struct sql *sql, int64_t now_ms, bool *ret_more)
{
    bool plan = false;
    enum err err = sql_save(sql);

    *ret_more = false;
    if (err) {
        return err;
    }
    err = care_turn(server->care, sql, now_ms, ret_more, &plan);
    err = err || !plan ? err : desk_plan_visits(server->desk, sql, now_ms);
    if (err && sql_is_broken(sql)) {
        return err;
    }
    if (err) {
        log_error("the care of data failed: %s (%s)", err_text(err), sql_why(sql));
        *ret_more = false;
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
        err = trail_trim(sql, now_ms - server->config->trail_keep_ms, TRAIL_SLICE);
    }
    if (!err) {
        err = sql_run(sql, "DELETE FROM idempotency WHERE at_ms < ?1", "i",
                      now_ms - 7LL * 86400000);
    }
    return err;
}

enum err work_turn(struct sql *sql, int64_t now_ms, int64_t *io_next_ms, void *context)
{
    struct server *server = context;
    int64_t acks_ms = server->acks_boot_ms - clock_boot_ms();
    bool more = false, care = false;
    enum err err = notice_guests(server, sql, now_ms);

    if (!err) {
        err = presence_silence(&server->pipeline, sql, now_ms);
    }
    if (!err) {
        err = orders_turn(sql, now_ms, letters_send_command, server);
    }
    if (!err) {
        err = turn_desk(server, sql, now_ms);
    }
    if (!err) {
        err = pipeline_save(&server->pipeline, sql, now_ms, true);
    }
    if (!err) {
        err = turn_packer(server, sql, now_ms, &more);
    }
    if (!err && more) {
        err = journal_mark(sql);
    }
    if (!err) {
        err = turn_care(server, sql, now_ms, &care);
    }
    if (!err) {
        err = trim(server, sql, now_ms);
    }
    *io_next_ms = more || care ? now_ms + 20 : server->desk_ms < now_ms + IDLE_MOST ? server->desk_ms : now_ms + IDLE_MOST;
    if (server->acks_boot_ms != INT64_MAX && acks_ms < *io_next_ms - now_ms) {
        *io_next_ms = now_ms + (acks_ms > 20 ? acks_ms : 20);
    }
    return err;
}
