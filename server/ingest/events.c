/* Events of agents, a function a kind. */
#include "server/ingest/events.h"

#include <string.h>

#include "server/alarm/alarm.h"
#include "server/ingest/replay.h"
#include "server/ingest/sequel.h"
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

static struct desk_fault fault_of(int64_t equipment, const struct event_message *event, int64_t now_ms)
{
    return (struct desk_fault){
        .equipment = equipment,
        .fault = event->fault,
        .state = event->state,
        .grade = event->grade,
        .onset_ms = event->onset_ms,
        .detected_ms = event->detected_ms,
        .cleared_ms = json_int_or(event->event, "cleared", event->envelope.t0_ms),
        .t_ms = event->envelope.t0_ms,
        .late = event->envelope.t0_ms < now_ms - LATE_MS,
    };
}

/* A device on the wire went silent or answers again: a small fault of its own (F-25). */
static struct desk_fault silence_of(int64_t equipment, const struct event_message *event, int64_t now_ms)
{
    int64_t t0_ms = event->envelope.t0_ms;

    return (struct desk_fault){
        .equipment = equipment,
        .fault = "device_silent",
        .state = sequel_bus_state(event),
        .grade = 3,
        .onset_ms = t0_ms,
        .detected_ms = t0_ms,
        .cleared_ms = t0_ms,
        .t_ms = t0_ms,
        .late = t0_ms < now_ms - LATE_MS,
    };
}

static enum err tell_desk(struct pipeline *pipeline, struct sql *sql, int64_t equipment,
                          const struct event_message *event, bool late, int64_t now_ms)
{
    struct desk_fault fault = event->kind == EVENT_BUS ? silence_of(equipment, event, now_ms)
                                                       : fault_of(equipment, event, now_ms);

    fault.late |= late;
    json_out_reset(&pipeline->out);
    if (event->kind == EVENT_FAULT && event->evidence) {
        json_put_value(&pipeline->out, event->evidence);
        fault.evidence = pipeline->out.err ? NULL : pipeline->out.bytes;
    }
    return desk_fault(pipeline->desk, sql, &fault, now_ms);
}

/* One fault of one piece of equipment, in the light of what is known already of the time after it. */
static enum err take_one(struct pipeline *pipeline, struct sql *sql, struct arena *arena, const struct sequel_of *of,
                         int64_t now_ms)
{
    const struct event_message *event = of->event;
    bool bus = event->kind == EVENT_BUS;
    enum fault_state state = bus ? sequel_bus_state(event) : event->state;
    struct sequel sequel;
    size_t end;
    enum err err = sequel_find(sql, arena, of, &sequel);

    if (err || (state == FAULT_CLEARED && sequel_rises(&sequel, event)) || (state == FAULT_REGRADED && sequel.count)) {
        return err;
    }
    if (state == FAULT_RAISED && sequel.count &&
        alarm_active(sql, of->equipment, bus ? "device_silent" : event->fault)) {
        return ERR_OK;
    }
    end = state == FAULT_RAISED ? sequel_end(&sequel) : 0;
    err = tell_desk(pipeline, sql, of->equipment, event, end > 0, now_ms);
    for (size_t i = 0; i < (end ? end : sequel.count) && !err && state == FAULT_RAISED; i++) {
        err = tell_desk(pipeline, sql, of->equipment, &sequel.list[i], false, now_ms);
    }
    return err;
}

static enum err take_fault(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                           const struct known_stream *stream, struct inbound *inbound, int64_t now_ms)
{
    const struct event_message *event = &inbound->event;
    struct known_equipment *equipment;
    enum err err = find_equipment(pipeline, sql, agent, event->equipment, now_ms, &equipment);

    if (err || !equipment) {
        return err;
    }
    return take_one(pipeline, sql, inbound->arena,
                    &(struct sequel_of){.equipment = equipment->id, .agent = agent->id, .stream = stream->id, .event = event},
                    now_ms);
}

static enum err take_bus(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                         const struct known_stream *stream, struct inbound *inbound, int64_t now_ms)
{
    const struct event_message *event = &inbound->event;
    enum err err = ERR_OK;

    if (sequel_bus_state(event) == FAULT_REGRADED) {
        return ERR_OK; /* neither lost nor back */
    }
    for (const struct cJSON *item = json_first(json_field(event->event, "equipment"));
         item && !err; item = json_next(item)) {
        struct sequel_of of = {.agent = agent->id, .stream = stream->id, .event = event, .device = json_as_text(item)};
        struct known_equipment *equipment;

        err = find_equipment(pipeline, sql, agent, of.device, now_ms, &equipment);
        if (!err && equipment) {
            of.equipment = equipment->id;
            err = take_one(pipeline, sql, inbound->arena, &of, now_ms);
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
        return take_fault(pipeline, sql, agent, stream, inbound, now_ms);
    case EVENT_BUS:
        return take_bus(pipeline, sql, agent, stream, inbound, now_ms);
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
