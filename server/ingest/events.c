/* Events of agents, a function a kind. */
#include "server/ingest/events.h"

#include <string.h>

#include "server/ingest/replay.h"
#include "server/store/journal.h"

/* ------------------------------------------------------------------ whose */

/* *ret_equipment NULL when the event names none. */
static enum err find_equipment(struct pipeline *pipeline, struct sql *sql,
                               struct known_agent *agent, const char *name, int64_t now_ms,
                               struct known_equipment **ret_equipment)
{
    enum err err;

    *ret_equipment = NULL;
    if (!name || !text_is_id(name)) {
        return ERR_OK;
    }
    err = registry_equipment(pipeline->registry, sql, agent, name, now_ms, ret_equipment);
    if (!err) {
        (*ret_equipment)->last_seen_ms = now_ms;
        registry_touch_equipment(pipeline->registry, *ret_equipment);
    }
    return err;
}

/* May this agent speak for all that the event names? */
static enum err check_whose(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                            const struct cJSON *equipment, int64_t now_ms)
{
    struct known_equipment *known;
    enum err err = find_equipment(pipeline, sql, agent, json_as_text(equipment), now_ms, &known);

    for (const struct cJSON *item = json_first(equipment); item && !err; item = json_next(item)) {
        err = find_equipment(pipeline, sql, agent, json_as_text(item), now_ms, &known);
    }
    return err;
}

/* ------------------------------------------------------------------ kinds */

static enum err take_fault(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                           struct inbound *inbound, int64_t now_ms)
{
    const struct event_message *event = &inbound->event;
    struct known_equipment *equipment;
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
    enum err err = find_equipment(pipeline, sql, agent, event->equipment, now_ms, &equipment);

    if (err || !equipment) {
        return err;
    }
    fault.equipment = equipment->id;
    json_out_reset(&pipeline->out);
    if (event->evidence) {
        json_put_value(&pipeline->out, event->evidence);
        fault.evidence = pipeline->out.err ? NULL : pipeline->out.bytes;
    }
    return desk_fault(pipeline->desk, sql, &fault, now_ms);
}

/* A device on the wire went silent or answers again: a small fault of its own (F-25). */
static enum err take_bus(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                         struct inbound *inbound, int64_t now_ms)
{
    const struct event_message *event = &inbound->event;
    const char *state = json_text_or(event->event, "state", "");
    bool lost = strcmp(state, "lost") == 0;
    enum err err = ERR_OK;

    if (!lost && strcmp(state, "back") != 0) {
        return ERR_OK;
    }
    for (const struct cJSON *item = json_first(json_field(event->event, "equipment"));
         item && !err; item = json_next(item)) {
        struct known_equipment *equipment;
        struct desk_fault fault = {
            .fault = "device_silent",
            .state = lost ? FAULT_RAISED : FAULT_CLEARED,
            .grade = 3,
            .onset_ms = event->envelope.t0_ms,
            .detected_ms = event->envelope.t0_ms,
            .cleared_ms = event->envelope.t0_ms,
            .t_ms = event->envelope.t0_ms,
            .late = event->envelope.t0_ms < now_ms - LATE_MS,
        };

        err = find_equipment(pipeline, sql, agent, json_as_text(item), now_ms, &equipment);
        if (!err && equipment) {
            fault.equipment = equipment->id;
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
    inbound->counts[METRIC_TOMBSTONES] += (int64_t)event->lost;
    return err;
}

static enum err keep_event(struct sql *sql, const struct known_agent *agent,
                           const struct known_stream *stream, const struct inbound *inbound)
{
    struct journal_event row = {
        .stream = stream->id,
        .seq = inbound->event.envelope.seq,
        .agent = agent->id,
        .kind = json_text_or(inbound->event.event, "kind", ""),
        .equipment = json_as_text(json_field(inbound->event.event, "equipment")),
        .t_ms = inbound->event.envelope.t0_ms,
        .received_ms = inbound->received_ms,
        .body = inbound->bytes,
    };

    return journal_put_event(sql, &row);
}

enum err events_take(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                     struct known_stream *stream, struct inbound *inbound, int64_t now_ms)
{
    enum err err = check_whose(pipeline, sql, agent, json_field(inbound->event.event, "equipment"),
                               now_ms);

    if (!err) {
        err = keep_event(sql, agent, stream, inbound);
    }
    if (err) {
        return err;
    }
    inbound->counts[METRIC_EVENTS]++;
    switch (inbound->event.kind) {
    case EVENT_FAULT:
        return take_fault(pipeline, sql, agent, inbound, now_ms);
    case EVENT_BUS:
        return take_bus(pipeline, sql, agent, inbound, now_ms);
    case EVENT_TOMBSTONE:
        return take_tombstone(pipeline, sql, agent, inbound, now_ms);
    case EVENT_CLOCKFIX:
        return replay_after_clockfix(pipeline, sql, agent, stream, inbound->event.offset_ms, now_ms);
    case EVENT_CAPTURE:
    case EVENT_CONFIG:
    case EVENT_OTHER:
        break;
    }
    return ERR_OK;
}
