#include "server/ingest/sequel.h"

#include <string.h>

#include "models/base/json.h"

enum fault_state sequel_bus_state(const struct event_message *event)
{
    const char *state = json_text_or(event->event, "state", "");

    return strcmp(state, "lost") == 0 ? FAULT_RAISED : strcmp(state, "back") == 0 ? FAULT_CLEARED : FAULT_REGRADED;
}

static enum fault_state state_of(const struct event_message *event)
{
    return event->kind == EVENT_BUS ? sequel_bus_state(event) : event->state;
}

static bool names_device(const struct event_message *event, const char *device)
{
    for (const struct cJSON *item = json_first(json_field(event->event, "equipment")); item; item = json_next(item)) {
        if (text_same(json_as_text(item), device)) {
            return true;
        }
    }
    return false;
}

static bool is_same_cause(const struct sequel_of *of, const struct event_message *event)
{
    if (event->kind != of->event->kind) {
        return false;
    }
    return event->kind == EVENT_BUS ? names_device(event, of->device) && state_of(event) != FAULT_REGRADED
                                    : text_same(event->fault, of->event->fault);
}

static void ask(struct sql *sql, struct sql_rows *rows, const struct sequel_of *of)
{
    const struct envelope *envelope = &of->event->envelope;

    if (of->event->kind == EVENT_BUS) {
        sql_find(sql, rows,
                 "SELECT body FROM event WHERE agent = ?1 AND kind = 'bus' AND ((stream <> ?2 AND t_ms > ?3) OR"
                 " (stream = ?2 AND seq > ?4)) ORDER BY t_ms, id",
                 "iiii", of->agent, of->stream, envelope->t0_ms, (int64_t)envelope->seq);
    } else {
        sql_find(sql, rows,
                 "SELECT body FROM event WHERE equipment = ?1 AND kind = 'fault' AND ((stream <> ?2 AND t_ms > ?3) OR"
                 " (stream = ?2 AND seq > ?4)) ORDER BY t_ms, id",
                 "iiii", of->equipment, of->stream, envelope->t0_ms, (int64_t)envelope->seq);
    }
}

enum err sequel_find(struct sql *sql, struct arena *arena, const struct sequel_of *of, struct sequel *ret_sequel)
{
    struct sql_rows rows;

    ret_sequel->count = 0;
    ask(sql, &rows, of);
    while (ret_sequel->count < SEQUEL_MOST && sql_next(&rows)) {
        struct event_message *event = &ret_sequel->list[ret_sequel->count];
        const char *body = sql_text(&rows, 0);

        if (!event_decode(arena, body, strlen(body), event, NULL) && is_same_cause(of, event)) {
            ret_sequel->count++;
        }
    }
    return sql_end(&rows);
}

bool sequel_rises(const struct sequel *sequel, const struct event_message *event)
{
    for (size_t i = 0; i < sequel->count; i++) {
        const struct event_message *later = &sequel->list[i];

        if (state_of(later) == FAULT_RAISED && (later->kind == EVENT_BUS || later->onset_ms != event->onset_ms)) {
            return true;
        }
    }
    return false;
}

size_t sequel_end(const struct sequel *sequel)
{
    for (size_t i = 0; i < sequel->count; i++) {
        if (state_of(&sequel->list[i]) == FAULT_CLEARED) {
            return i + 1;
        }
    }
    return 0;
}
