/*
 * One message's way. pipeline_take() names the steps; each is one function below or one room.
 *
 *   who sent it         fleet/registry, ingest/presence
 *   seen before?        (stream, seq): ranges in memory, UNIQUE in the journal
 *   kept                store/journal; readings into last values
 *   judged              ingest/judging, for agents that do not grade themselves
 *   acted upon          ingest/events; desk: alarms, tickets, clocks, work orders, notices
 *   receipt             ingest/receipt, after the commit
 *
 * What cannot be taken goes into quarantine with the reason. When its number can be read it counts
 * as stored, so that the agent need not send it again.
 */
#include "server/ingest/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "host/log.h"
#include "models/telemetry/ack.h"
#include "server/fleet/orders.h"
#include "server/ingest/events.h"
#include "server/ingest/judging.h"
#include "server/ingest/presence.h"
#include "server/ingest/replay.h"
#include "server/ingest/values.h"
#include "server/store/journal.h"

#define SAVE_EACH_MS 1000

/* ------------------------------------------------------------------ stored, once */

static enum err note_stored(struct pipeline *pipeline, const struct known_agent *agent,
                            struct known_stream *stream, uint64_t seq, bool in_journal)
{
    enum err err = registry_stored(pipeline->registry, stream, seq, in_journal);

    return err ? err : receipts_owe(pipeline->receipts, agent->name, stream->epoch);
}

static enum err put_away(struct pipeline *pipeline, struct sql *sql, struct inbound *inbound,
                         const char *reason, const struct envelope *envelope)
{
    struct quarantined message = {
        .agent = inbound->agent,
        .channel = channel_names[inbound->channel],
        .reason = reason,
        .epoch = envelope ? envelope->epoch : NULL,
        .seq = envelope ? envelope->seq : 0,
        .received_ms = inbound->received_ms,
        .body = inbound->bytes,
        .size = inbound->size,
    };

    inbound->counts[METRIC_QUARANTINED]++;
    return quarantine_put(&pipeline->quarantine, sql, &message);
}

/* The same number again: the same message, or another content under a number that is taken. Of what
 * was packed or put into quarantine only the number is left to compare. */
static enum err take_repeat(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                            struct known_stream *stream, struct inbound *inbound,
                            const struct envelope *envelope)
{
    enum err err = receipts_owe(pipeline->receipts, agent->name, stream->epoch);

    if (err || journal_is_same(sql, stream->id, envelope->seq, inbound->bytes, inbound->size)) {
        inbound->counts[METRIC_DUPLICATES]++;
        return err;
    }
    inbound->counts[METRIC_CONFLICTS]++;
    log_warn("agent %s sent number %llu of %s with two contents", inbound->agent,
             (unsigned long long)envelope->seq, envelope->epoch);
    return put_away(pipeline, sql, inbound, "the number was used before with another content",
                    envelope);
}

static enum err take_unreadable(struct pipeline *pipeline, struct sql *sql,
                                struct known_agent *agent, struct inbound *inbound, int64_t now_ms)
{
    struct known_stream *stream;
    enum err err;

    if (!inbound->has_envelope) {
        return put_away(pipeline, sql, inbound, inbound->why, NULL);
    }
    err = registry_stream(pipeline->registry, sql, agent, inbound->envelope.epoch, now_ms, &stream);
    if (err) {
        return err;
    }
    if (ranges_has(&stream->have, inbound->envelope.seq)) {
        return take_repeat(pipeline, sql, agent, stream, inbound, &inbound->envelope);
    }
    err = put_away(pipeline, sql, inbound, inbound->why, &inbound->envelope);
    return err ? err : note_stored(pipeline, agent, stream, inbound->envelope.seq, false);
}

/* ------------------------------------------------------------------ data */

static enum err keep_message(struct pipeline *pipeline, struct sql *sql,
                             struct known_stream *stream, struct inbound *inbound, int64_t late)
{
    struct journal_row row = {
        .stream = stream->id,
        .seq = inbound->data.envelope.seq,
        .received_ms = inbound->received_ms,
        .least_ms = inbound->data.least_ms,
        .most_ms = inbound->data.most_ms,
        .readings = (int64_t)inbound->data.readings,
        .late = late,
        .unsynced = inbound->data.envelope.unsynced,
        .body = inbound->bytes,
        .size = inbound->size,
    };

    pipeline->old_data(pipeline->context, stream->id, row.most_ms + inbound->corrected_ms);
    inbound->counts[METRIC_READINGS] += row.readings;
    inbound->counts[METRIC_READINGS_LATE] += late;
    return journal_put(sql, &row);
}

/* All of it is old: the agent is telling us of its past. */
static bool is_backlog(const struct inbound *inbound, int64_t now_ms)
{
    bool any = false;

    for (size_t i = 0; i < inbound->data.count; i++) {
        for (size_t k = 0; k < inbound->data.series[i].count; k++) {
            any = true;
            if (inbound->data.series[i].readings[k].t_ms >= now_ms - LATE_MS) {
                return false;
            }
        }
    }
    return any;
}

static enum err take_data(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                          struct known_stream *stream, struct inbound *inbound, int64_t now_ms)
{
    int64_t late = 0;
    enum err err = values_place(pipeline, sql, agent, inbound, now_ms);

    if (err) {
        return err;
    }
    values_correct(inbound, stream);
    values_note(pipeline, inbound, now_ms);
    if (is_backlog(inbound, now_ms)) {
        err = desk_backlog(pipeline->desk, sql, agent->id, now_ms);
    }
    if (!err && !agent->edge && values_are_timed(inbound, stream)) {
        err = judging_take(pipeline, sql, inbound, now_ms, &late);
    }
    return err ? err : keep_message(pipeline, sql, stream, inbound, late);
}

/* ------------------------------------------------------------------ all steps */

const struct envelope *inbound_envelope(const struct inbound *inbound)
{
    return inbound->channel == CHANNEL_DATA    ? &inbound->data.envelope
           : inbound->channel == CHANNEL_EVENT ? &inbound->event.envelope
                                               : &inbound->reply.envelope;
}

static enum err take_reply(struct rules *rules, struct sql *sql, const struct known_agent *agent,
                           const struct known_stream *stream, const struct inbound *inbound,
                           int64_t now_ms)
{
    struct journal_event row = {
        .stream = stream->id,
        .seq = inbound->reply.envelope.seq,
        .agent = agent->id,
        .kind = "reply",
        .t_ms = inbound->reply.envelope.t0_ms,
        .received_ms = inbound->received_ms,
        .body = inbound->bytes,
    };
    enum err err = journal_put_event(sql, &row);

    return err ? err : orders_reply(sql, rules, agent->id, &inbound->reply, now_ms);
}

static enum err take_content(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                             struct known_stream *stream, struct inbound *inbound, int64_t now_ms)
{
    if (inbound->failed_before) {
        return ERR_RANGE;
    }
    if (inbound->channel == CHANNEL_DATA) {
        return take_data(pipeline, sql, agent, stream, inbound, now_ms);
    }
    if (inbound->channel == CHANNEL_EVENT) {
        return events_take(pipeline, sql, agent, stream, inbound, now_ms);
    }
    return take_reply(pipeline->rules, sql, agent, stream, inbound, now_ms);
}

static const char *refusal(const struct inbound *inbound, enum err err)
{
    return inbound->failed_before ? inbound->why
           : err == ERR_DENIED    ? "it speaks for equipment of another agent"
                                  : "more equipment or points than an agent may have";
}

enum err pipeline_take(struct pipeline *pipeline, struct sql *sql, struct inbound *inbound,
                       int64_t now_ms)
{
    const struct envelope *envelope;
    struct known_agent *agent;
    struct known_stream *stream;
    enum err err = registry_agent(pipeline->registry, sql, inbound->agent, now_ms, &agent);

    memset(inbound->counts, 0, sizeof(inbound->counts));
    if (!err) {
        err = presence_heard(pipeline, sql, agent, inbound, now_ms);
    }
    if (err) {
        return err;
    }
    if (inbound->err) {
        return take_unreadable(pipeline, sql, agent, inbound, now_ms);
    }
    if (inbound->channel == CHANNEL_STATUS) {
        return presence_status(pipeline, sql, agent, inbound, now_ms);
    }
    envelope = inbound_envelope(inbound);
    err = registry_stream(pipeline->registry, sql, agent, envelope->epoch, now_ms, &stream);
    if (err) {
        return err;
    }
    if (ranges_has(&stream->have, envelope->seq)) {
        return take_repeat(pipeline, sql, agent, stream, inbound, envelope);
    }
    err = take_content(pipeline, sql, agent, stream, inbound, now_ms);
    if (err == ERR_DENIED || err == ERR_RANGE) {
        log_warn("agent %s, number %llu: %s", agent->name, (unsigned long long)envelope->seq,
                 refusal(inbound, err));
        err = put_away(pipeline, sql, inbound, refusal(inbound, err), envelope);
        return err ? err : note_stored(pipeline, agent, stream, envelope->seq, false);
    }
    inbound->counts[METRIC_MESSAGES_STORED]++;
    inbound->counts[METRIC_OUT_OF_ORDER] += envelope->seq < ranges_highest(&stream->have);
    return err ? err
               : note_stored(pipeline, agent, stream, envelope->seq,
                             inbound->channel == CHANNEL_DATA);
}

/* ------------------------------------------------------------------ around a commit */

enum err pipeline_save(struct pipeline *pipeline, struct sql *sql, int64_t now_ms, bool all)
{
    enum err err;

    all = all || llabs(now_ms - pipeline->saved_ms) >= SAVE_EACH_MS;
    err = registry_save(pipeline->registry, sql, all);
    if (!err && all) {
        pipeline->saved_ms = now_ms;
        err = journal_mark(sql);
    }
    return err;
}

struct sending {
    struct pipeline *pipeline;
    struct sql *sql;
};

static void send_ack(void *context, const char *agent, const char *epoch)
{
    struct sending *sending = context;
    struct pipeline *pipeline = sending->pipeline;
    struct known_agent *known;
    struct known_stream *stream;

    if (!registry_agent(pipeline->registry, sending->sql, agent, 0, &known) &&
        !registry_stream(pipeline->registry, sending->sql, known, epoch, 0, &stream) &&
        !ack_encode(&pipeline->out, epoch, &stream->have)) {
        pipeline->ack(pipeline->context, agent, pipeline->out.bytes, pipeline->out.size);
    }
}

int64_t pipeline_acks(struct pipeline *pipeline, struct sql *sql, int64_t boot_ms, bool all)
{
    struct sending sending = {pipeline, sql};

    return receipts_turn(pipeline->receipts, boot_ms, all, send_ack, &sending);
}

/* ------------------------------------------------------------------ what is known, anew */

enum err pipeline_load(struct pipeline *pipeline, struct sql *sql, int64_t now_ms)
{
    enum err err = registry_reload(pipeline->registry, sql);

    pipeline->judge_bytes = 0;
    if (!err) {
        err = quarantine_load(&pipeline->quarantine, sql);
    }
    return err ? err : replay_after_crash(pipeline, sql, now_ms);
}
