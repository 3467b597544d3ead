/* What changed in memory, and its rows. */
#include <stdlib.h>
#include <string.h>

#include "models/base/json.h"
#include "server/fleet/registry_int.h"

static bool is_newer(const struct known_point *point, const struct reading *reading, int64_t now_ms)
{
    bool ahead = reading->t_ms > now_ms + REGISTRY_FUTURE_MS;
    bool last_ahead = point->last.t_ms > now_ms + REGISTRY_FUTURE_MS;

    if (!point->has_last) {
        return true;
    }
    return ahead == last_ahead ? reading->t_ms >= point->last.t_ms : last_ahead;
}

void registry_saw(struct registry *registry, struct known_point *point,
                  const struct reading *reading, int64_t now_ms)
{
    if (!is_newer(point, reading, now_ms)) {
        return;
    }
    free(point->text);
    point->text = reading->text ? strdup(reading->text) : NULL;
    point->last = *reading;
    point->last.text = point->text;
    point->last.has_value = reading->has_value && (!reading->text || point->text);
    point->has_last = true;
    if (!point->dirty) {
        point->dirty = true;
        point->next_dirty = registry->dirty_points;
        registry->dirty_points = point;
    }
}

void registry_touch_agent(struct registry *registry, struct known_agent *agent)
{
    if (!agent->dirty) {
        agent->dirty = true;
        agent->next_dirty = registry->dirty_agents;
        registry->dirty_agents = agent;
    }
}

void registry_touch_equipment(struct registry *registry, struct known_equipment *equipment)
{
    if (!equipment->dirty) {
        equipment->dirty = true;
        equipment->next_dirty = registry->dirty_equipment;
        registry->dirty_equipment = equipment;
    }
}

/* ------------------------------------------------------------------ saving */

static enum err save_stream(struct sql *sql, struct known_stream *stream)
{
    struct json_out out = json_out(4 * 1024 * 1024);
    enum err err;

    json_open_list(&out);
    for (size_t i = 0; i < stream->have.count; i++) {
        json_open_list(&out);
        json_put_int(&out, (int64_t)stream->have.list[i].from);
        json_put_int(&out, (int64_t)stream->have.list[i].to);
        json_close_list(&out);
    }
    json_close_list(&out);
    err = out.err;
    if (!err) {
        err = sql_run(sql, "UPDATE stream SET have = ?2, stored = ?3 WHERE id = ?1", "iti",
                      stream->id, out.bytes, (int64_t)ranges_size(&stream->have));
    }
    json_out_free(&out);
    return err;
}

static enum err save_streams(struct registry *registry, struct sql *sql, bool all)
{
    struct known_stream **at = &registry->dirty_streams;

    while (*at && (all || registry->urgent > 0)) {
        struct known_stream *stream = *at;
        enum err err;

        if (!all && !stream->urgent) {
            at = &stream->next_dirty;
            continue;
        }
        err = save_stream(sql, stream);
        if (err) {
            return err;
        }
        registry->urgent -= stream->urgent;
        stream->dirty = stream->urgent = false;
        *at = stream->next_dirty;
    }
    return ERR_OK;
}

static enum err save_points(struct registry *registry, struct sql *sql)
{
    enum err err = ERR_OK;

    while (!err && registry->dirty_points) {
        struct known_point *point = registry->dirty_points;
        bool number = point->last.has_value && !point->last.text;

        err = sql_run(sql,
                      "INSERT INTO last (point, t_ms, value, words, quality) VALUES (?1, ?2,"
                      " CASE WHEN ?6 = 1 THEN ?3 END, ?4, ?5) ON CONFLICT (point) DO UPDATE SET t_ms ="
                      " excluded.t_ms, value = excluded.value, words = excluded.words, quality ="
                      " excluded.quality",
                      "iidtii", point->id, point->last.t_ms, point->last.value, point->last.text,
                      (int64_t)point->last.quality, (int64_t)number);
        point->dirty = false;
        registry->dirty_points = point->next_dirty;
    }
    return err;
}

static enum err save_agents(struct registry *registry, struct sql *sql)
{
    enum err err = ERR_OK;

    while (!err && registry->dirty_agents) {
        struct known_agent *agent = registry->dirty_agents;

        err = sql_run(sql, "UPDATE agent SET last_seen_ms = ?2 WHERE id = ?1", "ii", agent->id,
                      agent->last_seen_ms);
        agent->dirty = false;
        registry->dirty_agents = agent->next_dirty;
    }
    return err;
}

static enum err save_equipment(struct registry *registry, struct sql *sql)
{
    enum err err = ERR_OK;

    while (!err && registry->dirty_equipment) {
        struct known_equipment *equipment = registry->dirty_equipment;

        err = sql_run(sql, "UPDATE equipment SET judged_ms = ?2, last_seen_ms = ?3, first_seen_ms = COALESCE(first_seen_ms,"
                      " NULLIF(?3, 0)) WHERE id = ?1",
                      "iii", equipment->id, equipment->judged_ms, equipment->last_seen_ms);
        equipment->dirty = false;
        registry->dirty_equipment = equipment->next_dirty;
    }
    return err;
}

enum err registry_save(struct registry *registry, struct sql *sql, bool all)
{
    enum err err = save_streams(registry, sql, all);

    if (err || !all) {
        return err;
    }
    err = save_agents(registry, sql);
    if (!err) {
        err = save_equipment(registry, sql);
    }
    return err ? err : save_points(registry, sql);
}
