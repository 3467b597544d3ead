/* What readings are before they are judged. */
#include "server/ingest/values.h"

enum err values_place(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                      struct inbound *inbound, int64_t now_ms)
{
    const struct data_message *data = &inbound->data;
    struct known_equipment *equipment = NULL;
    const char *name = NULL;
    enum err err = ERR_OK;

    inbound->places = arena_array(inbound->arena, data->count + 1, sizeof(*inbound->places));
    if (!inbound->places) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; !err && i < data->count; i++) {
        const struct series *series = &data->series[i];

        if (series->equipment != name) { /* the series of one piece of equipment share its name */
            name = series->equipment;
            err = registry_equipment(pipeline->registry, sql, agent, name, now_ms, &equipment);
        }
        if (!err) {
            inbound->places[i].equipment = equipment;
            err = registry_point(pipeline->registry, sql, equipment, series->point,
                                 &inbound->places[i].point);
        }
    }
    return err;
}

void values_correct(struct inbound *inbound, const struct known_stream *stream)
{
    bool wrong = inbound->data.envelope.unsynced && stream->has_offset;
    int64_t by_ms = (wrong ? stream->offset_ms : 0) - inbound->corrected_ms;

    for (size_t i = 0; by_ms != 0 && i < inbound->data.count; i++) {
        struct series *series = &inbound->data.series[i];

        for (size_t k = 0; k < series->count; k++) {
            series->readings[k].t_ms += by_ms;
        }
    }
    inbound->corrected_ms += by_ms;
}

bool values_are_timed(const struct inbound *inbound, const struct known_stream *stream)
{
    return !inbound->data.envelope.unsynced || stream->has_offset;
}

void values_note(struct pipeline *pipeline, struct inbound *inbound, int64_t now_ms)
{
    bool unclaimed = false;

    for (size_t i = 0; i < inbound->data.count; i++) {
        const struct series *series = &inbound->data.series[i];
        const struct place *place = &inbound->places[i];

        if (place->equipment->last_seen_ms != now_ms) {
            place->equipment->last_seen_ms = now_ms;
            registry_touch_equipment(pipeline->registry, place->equipment);
        }
        unclaimed = unclaimed || !place->equipment->claimed;
        for (size_t k = 0; k < series->count; k++) {
            const struct reading *reading = &series->readings[k];

            inbound->counts[METRIC_READINGS_BAD] += reading->quality != QUALITY_GOOD;
            inbound->counts[METRIC_READINGS_FUTURE] +=
                reading->t_ms > now_ms + REGISTRY_FUTURE_MS;
            registry_saw(pipeline->registry, place->point, reading, now_ms);
        }
    }
    inbound->counts[METRIC_UNCLAIMED] += unclaimed;
}
