/*
 * One message's way. pipeline_take() names the steps; each is one function below or one room.
 *
 *   who sent it         fleet/registry
 *   seen before?        (stream, seq): ranges in memory, UNIQUE in the journal
 *   kept                store/journal; readings into last values
 *   judged              models/fault, for agents that do not grade themselves
 *   acted upon          desk: alarms, tickets, clocks, work orders, notices
 *   receipt             after the commit
 */
#include "server/ingest/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "host/log.h"
#include "models/base/hash.h"
#include "models/telemetry/ack.h"
#include "server/fleet/orders.h"
#include "server/ingest/judging.h"
#include "server/store/metrics.h"
#include "server/store/readings.h"

#define QUARANTINE_MOST 10000
#define ACK_EACH_MS     1000
#define FUTURE_MS       (3600 * 1000)
#define LATE_MS         (5 * 60 * 1000)
#define SILENT_BEATS    3 /* interfaces.md 7 */

void inbound_free(struct inbound *inbound)
{
    if (inbound) {
        free(inbound->bytes);
        arena_close(inbound->arena);
        free(inbound);
    }
}

/* ------------------------------------------------------------------ unreadable */

static enum err quarantine(struct sql *sql, const struct inbound *inbound, const char *why,
                           const struct envelope *envelope)
{
    enum err err;

    metric_add(METRIC_QUARANTINED, 1);
    err = sql_run(sql,
                  "INSERT INTO quarantine (agent, channel, received_ms, reason, epoch, seq, body)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                  "ttittib", inbound->agent, channel_names[inbound->channel], inbound->received_ms,
                  why, envelope ? envelope->epoch : NULL, envelope ? (int64_t)envelope->seq : 0,
                  inbound->bytes, inbound->size < 65536 ? inbound->size : (size_t)65536);
    if (!err) {
        err = sql_run(sql,
                      "DELETE FROM quarantine WHERE id <= (SELECT MAX(id) FROM quarantine) - ?1",
                      "i", (int64_t)QUARANTINE_MOST);
    }
    return err;
}

static enum err note_stored(struct known_stream *stream, uint64_t seq)
{
    enum err err = ranges_add(&stream->have, seq, seq);

    stream->dirty = true;
    stream->ack_due = true;
    if (!err) {
        stream->stored++;
    }
    return err == ERR_EXISTS ? ERR_OK : err;
}

static enum err take_unreadable(struct pipeline *pipeline, struct sql *sql,
                                struct known_agent *agent, struct inbound *inbound, int64_t now_ms)
{
    struct known_stream *stream;
    enum err err;

    if (inbound->has_envelope) {
        err = registry_stream(pipeline->registry, sql, agent, inbound->envelope.epoch, now_ms, &stream);
        if (err) {
            return err;
        }
        if (ranges_has(&stream->have, inbound->envelope.seq)) {
            metric_add(METRIC_DUPLICATES, 1);
            stream->ack_due = true;
            return ERR_OK;
        }
        err = quarantine(sql, inbound, inbound->why, &inbound->envelope);
        return err ? err : note_stored(stream, inbound->envelope.seq);
    }
    return quarantine(sql, inbound, inbound->why, NULL);
}

/* ------------------------------------------------------------------ once */

/* The same number again: the same message, or another content under a number that is taken. */
static enum err take_repeat(struct sql *sql, struct known_stream *stream, struct inbound *inbound,
                            const struct envelope *envelope)
{
    int64_t hash = (int64_t)hash_bytes(inbound->bytes, inbound->size);
    int64_t stored = sql_find_int(sql, hash, "SELECT hash FROM journal WHERE stream = ?1 AND seq = ?2",
                                  "ii", stream->id, (int64_t)envelope->seq);

    stream->ack_due = true;
    if (stored == hash) {
        metric_add(METRIC_DUPLICATES, 1);
        return ERR_OK;
    }
    metric_add(METRIC_CONFLICTS, 1);
    log_warn("agent %s sent number %llu of %s with two contents", inbound->agent,
             (unsigned long long)envelope->seq, envelope->epoch);
    return quarantine(sql, inbound, "the number was used before with another content", envelope);
}

/* ------------------------------------------------------------------ data */

static enum err keep_message(struct sql *sql, struct known_stream *stream, struct inbound *inbound,
                             int64_t late)
{
    return sql_run(sql,
                   "INSERT INTO journal (stream, seq, received_ms, hash, least_ms, most_ms,"
                   " readings, late, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                   "iiiiiiiib", stream->id, (int64_t)inbound->data.envelope.seq,
                   inbound->received_ms, (int64_t)hash_bytes(inbound->bytes, inbound->size),
                   inbound->data.least_ms, inbound->data.most_ms, (int64_t)inbound->data.readings,
                   late, inbound->bytes, inbound->size);
}

static enum err note_series(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                            const struct series *series, int64_t offset_ms, int64_t now_ms)
{
    struct known_equipment *equipment;
    struct known_point *point;
    enum err err = registry_equipment(pipeline->registry, sql, agent, series->equipment, now_ms,
                                      &equipment);

    if (!err) {
        err = registry_point(pipeline->registry, sql, equipment, series->point, &point);
    }
    if (err) {
        return err;
    }
    equipment->last_seen_ms = now_ms;
    equipment->dirty = true;
    for (size_t i = 0; i < series->count; i++) {
        struct reading reading = series->readings[i];

        reading.t_ms += offset_ms;
        if (reading.t_ms > now_ms + FUTURE_MS) {
            metric_add(METRIC_READINGS_FUTURE, 1);
        }
        registry_saw(pipeline->registry, point, &reading);
    }
    return ERR_OK;
}

static enum err take_data(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                          struct known_stream *stream, struct inbound *inbound, int64_t now_ms)
{
    int64_t offset_ms = inbound->data.envelope.unsynced ? stream->offset_ms : 0, late = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < inbound->data.count; i++) {
        err = note_series(pipeline, sql, agent, &inbound->data.series[i], offset_ms, now_ms);
    }
    if (!err && !agent->edge && !inbound->data.envelope.unsynced) {
        err = judging_take(pipeline, sql, inbound, now_ms, &late);
    }
    if (!err) {
        err = keep_message(sql, stream, inbound, late);
    }
    metric_add(METRIC_READINGS, (int64_t)inbound->data.readings);
    metric_add(METRIC_READINGS_LATE, late);
    return err;
}

/* ------------------------------------------------------------------ events */

static enum err event_equipment(struct pipeline *pipeline, struct sql *sql,
                                struct known_agent *agent, const char *name, int64_t now_ms,
                                int64_t *ret_equipment)
{
    struct known_equipment *equipment;
    enum err err;

    *ret_equipment = 0;
    if (!name || !text_is_id(name)) {
        return ERR_OK;
    }
    err = registry_equipment(pipeline->registry, sql, agent, name, now_ms, &equipment);
    if (!err) {
        *ret_equipment = equipment->id;
        equipment->last_seen_ms = now_ms;
        equipment->dirty = true;
    }
    return err;
}

static enum err take_fault(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                           struct inbound *inbound, int64_t now_ms)
{
    const struct event_message *event = &inbound->event;
    struct desk_fault fault = {
        .fault = event->fault,
        .state = event->state,
        .grade = event->grade,
        .onset_ms = event->onset_ms,
        .detected_ms = event->detected_ms,
        .cleared_ms = json_int_or(event->event, "cleared", event->envelope.t0_ms),
        .t_ms = event->envelope.t0_ms,
        .late = event->envelope.t0_ms < now_ms - LATE_MS,
    };
    enum err err =
        event_equipment(pipeline, sql, agent, event->equipment, now_ms, &fault.equipment);

    json_out_reset(&pipeline->out);
    if (event->evidence) {
        json_put_value(&pipeline->out, event->evidence);
        fault.evidence = pipeline->out.bytes;
    }
    return err ? err : desk_fault(pipeline->desk, sql, &fault, now_ms);
}

/* A device on the wire went silent or answers again: a small fault of its own (F-25). */
static enum err take_bus(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                         struct inbound *inbound, int64_t now_ms)
{
    const struct event_message *event = &inbound->event;
    const char *state = json_text_or(event->event, "state", "");
    enum err err = ERR_OK;

    if (strcmp(state, "lost") != 0 && strcmp(state, "back") != 0) {
        return ERR_OK;
    }
    for (const struct cJSON *item = json_first(json_field(event->event, "equipment"));
         item && !err; item = json_next(item)) {
        struct desk_fault fault = {
            .fault = "device_silent",
            .state = state[0] == 'l' ? FAULT_RAISED : FAULT_CLEARED,
            .grade = 3,
            .onset_ms = event->envelope.t0_ms,
            .detected_ms = event->envelope.t0_ms,
            .cleared_ms = event->envelope.t0_ms,
            .t_ms = event->envelope.t0_ms,
            .late = event->envelope.t0_ms < now_ms - LATE_MS,
        };

        err = event_equipment(pipeline, sql, agent, json_as_text(item), now_ms, &fault.equipment);
        if (!err && fault.equipment) {
            err = desk_fault(pipeline->desk, sql, &fault, now_ms);
        }
    }
    return err;
}

static enum err take_tombstone(struct pipeline *pipeline, struct sql *sql,
                               struct known_agent *agent, struct inbound *inbound, int64_t now_ms)
{
    const struct event_message *event = &inbound->event;
    struct known_stream *stream;
    enum err err =
        registry_stream(pipeline->registry, sql, agent, event->of_epoch, now_ms, &stream);

    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO tombstone (stream, seq_from, seq_to, reason, lost, received_ms)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                      "iiitii", stream->id, (int64_t)event->from, (int64_t)event->to, event->reason,
                      (int64_t)event->lost, now_ms);
    }
    metric_add(METRIC_TOMBSTONES, (int64_t)event->lost);
    return err;
}

static enum err take_clockfix(struct sql *sql, struct known_stream *stream,
                              const struct inbound *inbound)
{
    stream->offset_ms = inbound->event.offset_ms;
    return sql_run(sql, "UPDATE stream SET clock_offset_ms = ?2 WHERE id = ?1", "ii", stream->id,
                   inbound->event.offset_ms);
}

static enum err keep_event(struct sql *sql, const struct known_agent *agent,
                           const struct inbound *inbound, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO event (agent, kind, equipment, t_ms, received_ms, body) VALUES (?1,"
                   " ?2, (SELECT id FROM equipment WHERE name = ?3), ?4, ?5, ?6)",
                   "ittiit", agent->id, json_text_or(inbound->event.event, "kind", ""),
                   json_as_text(json_field(inbound->event.event, "equipment")),
                   inbound->event.envelope.t0_ms, now_ms, inbound->bytes);
}

static enum err take_event(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                           struct known_stream *stream, struct inbound *inbound, int64_t now_ms)
{
    enum err err = keep_event(sql, agent, inbound, now_ms);

    metric_add(METRIC_EVENTS, 1);
    if (err) {
        return err;
    }
    switch (inbound->event.kind) {
    case EVENT_FAULT:
        return take_fault(pipeline, sql, agent, inbound, now_ms);
    case EVENT_BUS:
        return take_bus(pipeline, sql, agent, inbound, now_ms);
    case EVENT_TOMBSTONE:
        return take_tombstone(pipeline, sql, agent, inbound, now_ms);
    case EVENT_CLOCKFIX:
        return take_clockfix(sql, stream, inbound);
    case EVENT_CAPTURE:
    case EVENT_CONFIG:
    case EVENT_OTHER:
        break;
    }
    return ERR_OK;
}

/* ------------------------------------------------------------------ status */

static void learn_heartbeat(struct known_agent *agent, const struct profile *profile)
{
    for (size_t i = 0; profile && i < profile->point_count; i++) {
        if (profile->points[i].heartbeat_ms > agent->heartbeat_ms) {
            agent->heartbeat_ms = profile->points[i].heartbeat_ms;
        }
    }
}

static enum err take_birth(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                           struct inbound *inbound, int64_t now_ms)
{
    const struct status_message *status = &inbound->status;
    bool any = false;
    enum err err = ERR_OK;

    for (const struct cJSON *item = json_first(status->equipment); item && !err;
         item = json_next(item)) {
        const char *profile = json_text_or(item, "profile", NULL);
        struct known_equipment *equipment;

        if (!text_is_id(json_name(item))) {
            continue;
        }
        err = registry_equipment(pipeline->registry, sql, agent, json_name(item), now_ms, &equipment);
        if (!err && profile) {
            err = registry_profile(pipeline->registry, sql, equipment, profile,
                                   json_text_or(item, "hash", NULL));
            if (!any) {
                agent->heartbeat_ms = 0;
            }
            any = true;
            learn_heartbeat(agent, equipment->profile);
        }
    }
    if (agent->heartbeat_ms == 0) {
        agent->heartbeat_ms = 600000;
    }
    agent->edge = status->edge;
    agent->online = true;
    if (err) {
        return err;
    }
    return sql_run(sql,
                   "UPDATE agent SET online = 1, edge = ?2, epoch = ?3, version = ?4, status = ?5,"
                   " heartbeat_ms = ?6, will_ms = NULL WHERE id = ?1",
                   "iittti", agent->id, (int64_t)status->edge, status->epoch, status->version,
                   inbound->bytes, agent->heartbeat_ms);
}

/* Every stream of this agent that the server knows is acked anew: after a birth the agent deletes
 * what the server has, and sends the rest. */
static enum err greet(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                      int64_t now_ms)
{
    char epochs[32][EPOCH_SIZE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT epoch FROM stream WHERE agent = ?1 ORDER BY id DESC LIMIT 32", "i",
             agent->id);
    while (count < 32 && sql_next(&rows)) {
        (void)!text_copy(epochs[count++], EPOCH_SIZE, sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct known_stream *stream;

        err = registry_stream(pipeline->registry, sql, agent, epochs[i], now_ms, &stream);
        if (!err && stream->have.count > 0) {
            stream->ack_due = true;
        }
    }
    return err;
}

static enum err take_status(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                            struct inbound *inbound, int64_t now_ms)
{
    enum err err;

    if (inbound->status.online) {
        err = take_birth(pipeline, sql, agent, inbound, now_ms);
        return err ? err : greet(pipeline, sql, agent, now_ms);
    }
    /* a will of an epoch that a newer birth has replaced says nothing about the agent now */
    agent->online = false;
    err = sql_run(sql, "UPDATE agent SET online = 0, will_ms = ?2 WHERE id = ?1", "ii", agent->id,
                  inbound->received_ms);
    if (!err && !agent->silent) {
        agent->silent = true;
        err = desk_link_lost(pipeline->desk, sql, agent->id,
                             inbound->retained ? agent->last_seen_ms : inbound->received_ms, now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ all steps */

static enum err heard(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                      const struct inbound *inbound, int64_t now_ms)
{
    bool alive = !inbound->retained &&
                 !(inbound->channel == CHANNEL_STATUS && !inbound->err && !inbound->status.online);

    if (!alive) {
        return ERR_OK;
    }
    agent->last_seen_ms = inbound->received_ms;
    agent->dirty = true;
    agent->online = true;
    if (agent->silent) {
        agent->silent = false;
        return desk_link_back(pipeline->desk, sql, agent->id, now_ms);
    }
    return ERR_OK;
}

static const struct envelope *envelope_of(const struct inbound *inbound)
{
    return inbound->channel == CHANNEL_DATA    ? &inbound->data.envelope
           : inbound->channel == CHANNEL_EVENT ? &inbound->event.envelope
                                               : &inbound->reply.envelope;
}

static enum err take_content(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                             struct known_stream *stream, struct inbound *inbound, int64_t now_ms)
{
    if (inbound->channel == CHANNEL_DATA) {
        return take_data(pipeline, sql, agent, stream, inbound, now_ms);
    }
    if (inbound->channel == CHANNEL_EVENT) {
        return take_event(pipeline, sql, agent, stream, inbound, now_ms);
    }
    return orders_reply(sql, pipeline->rules, agent->id, &inbound->reply, now_ms);
}

enum err pipeline_take(struct pipeline *pipeline, struct sql *sql, struct inbound *inbound,
                       int64_t now_ms)
{
    const struct envelope *envelope;
    struct known_agent *agent;
    struct known_stream *stream;
    enum err err = registry_agent(pipeline->registry, sql, inbound->agent, now_ms, &agent);

    if (!err) {
        err = heard(pipeline, sql, agent, inbound, now_ms);
    }
    if (err) {
        return err;
    }
    if (inbound->err) {
        return take_unreadable(pipeline, sql, agent, inbound, now_ms);
    }
    if (inbound->channel == CHANNEL_STATUS) {
        return take_status(pipeline, sql, agent, inbound, now_ms);
    }
    envelope = envelope_of(inbound);
    err = registry_stream(pipeline->registry, sql, agent, envelope->epoch, now_ms, &stream);
    if (err) {
        return err;
    }
    if (ranges_has(&stream->have, envelope->seq)) {
        return take_repeat(sql, stream, inbound, envelope);
    }
    err = take_content(pipeline, sql, agent, stream, inbound, now_ms);
    if (!err) {
        err = note_stored(stream, envelope->seq);
        metric_add(METRIC_MESSAGES_STORED, 1);
    }
    return err;
}

enum err pipeline_save(struct pipeline *pipeline, struct sql *sql, int64_t now_ms, bool all)
{
    all = all || now_ms - pipeline->saved_ms >= 1000 || now_ms < pipeline->saved_ms;
    if (all) {
        pipeline->saved_ms = now_ms;
    }
    return registry_save(pipeline->registry, sql, all);
}

void pipeline_acks(struct pipeline *pipeline, int64_t now_ms, bool all)
{
    struct known_agent *agent, *next;

    HASH_ITER(hh, registry_agents(pipeline->registry), agent, next)
    {
        for (struct known_stream *stream = agent->streams; stream; stream = stream->next) {
            struct json_out *out = &pipeline->out;

            bool early = now_ms - stream->acked_ms < ACK_EACH_MS && now_ms >= stream->acked_ms;

            if (!stream->ack_due || (early && !all)) {
                continue;
            }
            stream->ack_due = false;
            stream->acked_ms = now_ms;
            if (!ack_encode(out, stream->epoch, &stream->have)) {
                pipeline->ack(pipeline->context, agent->name, out->bytes, out->size);
            }
        }
    }
}

enum err pipeline_silence(struct pipeline *pipeline, struct sql *sql, int64_t now_ms)
{
    struct known_agent *agent, *next;
    enum err err = ERR_OK;

    if (now_ms < pipeline->quiet_until_ms) {
        return ERR_OK;
    }
    HASH_ITER(hh, registry_agents(pipeline->registry), agent, next)
    {
        if (!err && !agent->silent &&
            now_ms - agent->last_seen_ms > SILENT_BEATS * agent->heartbeat_ms) {
            agent->silent = true;
            agent->online = false;
            err = desk_link_lost(pipeline->desk, sql, agent->id, agent->last_seen_ms, now_ms);
        }
    }
    return err;
}

/* ------------------------------------------------------------------ start */

/* Last values are written once a second; the journal has what a crash took of them. */
static enum err mend_last(struct pipeline *pipeline, struct sql *sql, int64_t now_ms)
{
    int64_t newest = sql_find_int(sql, 0, "SELECT MAX(received_ms) FROM journal", "");
    struct arena *arena;
    struct sql_rows rows;
    enum err err = arena_open(16 * 1024 * 1024, &arena), end;

    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT j.body, a.name FROM journal j JOIN stream s ON s.id = j.stream JOIN agent a ON"
             " a.id = s.agent WHERE j.received_ms >= ?1 ORDER BY j.id",
             "i", newest - 10000);
    while (!err && sql_next(&rows)) {
        struct data_message message;
        struct known_agent *agent;
        size_t size;
        const char *body = sql_blob(&rows, 0, &size);

        arena_reset(arena);
        if (data_decode(arena, body, size, &message, NULL)) {
            continue;
        }
        err = registry_agent(pipeline->registry, sql, sql_text(&rows, 1), now_ms, &agent);
        for (size_t i = 0; !err && i < message.count; i++) {
            err = note_series(pipeline, sql, agent, &message.series[i], 0, agent->last_seen_ms);
        }
    }
    end = sql_end(&rows);
    arena_close(arena);
    return err ? err : end;
}

enum err pipeline_load(struct pipeline *pipeline, struct sql *sql, int64_t now_ms)
{
    char (*names)[65];
    size_t most = (size_t)sql_find_int(sql, 0, "SELECT COUNT(*) FROM agent", ""), count = 0;
    struct sql_rows rows;
    enum err err;

    names = calloc(most + 1, sizeof(*names));
    if (!names) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows, "SELECT name FROM agent", "");
    while (count < most && sql_next(&rows)) {
        (void)!text_copy(names[count++], sizeof(*names), sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct known_agent *agent;

        err = registry_agent(pipeline->registry, sql, names[i], now_ms, &agent);
    }
    free(names);
    return err ? err : mend_last(pipeline, sql, now_ms);
}
