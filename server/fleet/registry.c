/* What is known, by name. */
#include "server/fleet/registry.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/json.h"

#define PRESET_HEARTBEAT_MS 600000

struct registry {
    struct rules *rules;
    struct known_agent *agents;
    struct known_equipment *equipment;
    struct known_point *dirty;
    struct arena *arena;
};

enum err registry_open(struct rules *rules, struct registry **ret_registry)
{
    struct registry *registry = calloc(1, sizeof(*registry));

    if (!registry) {
        return ERR_NOMEM;
    }
    registry->rules = rules;
    if (arena_open(4 * 1024 * 1024, &registry->arena)) {
        free(registry);
        return ERR_NOMEM;
    }
    *ret_registry = registry;
    return ERR_OK;
}

static void free_agent(struct known_agent *agent)
{
    while (agent->streams) {
        struct known_stream *stream = agent->streams;

        agent->streams = stream->next;
        ranges_free(&stream->have);
        free(stream);
    }
    free(agent);
}

static void free_equipment(struct known_equipment *equipment)
{
    struct known_point *point, *next;

    HASH_ITER(hh, equipment->points, point, next)
    {
        HASH_DEL(equipment->points, point);
        free(point->text);
        free(point);
    }
    judge_close(equipment->judge);
    free(equipment);
}

void registry_forget(struct registry *registry)
{
    struct known_equipment *equipment, *next;
    struct known_agent *agent, *other;

    HASH_ITER(hh, registry->equipment, equipment, next)
    {
        HASH_DEL(registry->equipment, equipment);
        free_equipment(equipment);
    }
    HASH_ITER(hh, registry->agents, agent, other)
    {
        HASH_DEL(registry->agents, agent);
        free_agent(agent);
    }
    registry->dirty = NULL;
}

void registry_close(struct registry *registry)
{
    if (registry) {
        registry_forget(registry);
        arena_close(registry->arena);
        free(registry);
    }
}

struct known_agent *registry_agents(struct registry *registry)
{
    return registry->agents;
}

struct known_equipment *registry_equipments(struct registry *registry)
{
    return registry->equipment;
}

/* ------------------------------------------------------------------ agents */

static bool read_agent(struct sql *sql, struct known_agent *agent)
{
    struct sql_rows rows;
    bool found;

    sql_find(sql, &rows,
             "SELECT id, edge, online, last_seen_ms, heartbeat_ms, silent_since_ms IS NOT NULL FROM"
             " agent WHERE name = ?1",
             "t", agent->name);
    found = sql_next(&rows);
    if (found) {
        agent->id = sql_int(&rows, 0);
        agent->edge = sql_int(&rows, 1) != 0;
        agent->online = sql_int(&rows, 2) != 0;
        agent->last_seen_ms = sql_int(&rows, 3);
        agent->heartbeat_ms = sql_int(&rows, 4);
        agent->silent = sql_int(&rows, 5) != 0;
    }
    return !sql_end(&rows) && found;
}

enum err registry_agent(struct registry *registry, struct sql *sql, const char *name,
                        int64_t now_ms, struct known_agent **ret_agent)
{
    struct known_agent *agent;
    enum err err;

    HASH_FIND_STR(registry->agents, name, agent);
    if (agent) {
        *ret_agent = agent;
        return ERR_OK;
    }
    agent = calloc(1, sizeof(*agent));
    if (!agent || text_copy(agent->name, sizeof(agent->name), name)) {
        free(agent);
        return ERR_NOMEM;
    }
    agent->heartbeat_ms = PRESET_HEARTBEAT_MS;
    agent->last_seen_ms = now_ms;
    if (!read_agent(sql, agent)) {
        err = sql_run(sql, "INSERT INTO agent (name, first_seen_ms, last_seen_ms) VALUES (?1, ?2, ?2)",
                      "ti", name, now_ms);
        if (err) {
            free(agent);
            return err;
        }
        agent->id = sql_last_id(sql);
    }
    HASH_ADD_STR(registry->agents, name, agent);
    *ret_agent = agent;
    return ERR_OK;
}

/* [[1,411],[413,413]] */
static enum err read_ranges(struct registry *registry, const char *json, struct ranges *ranges)
{
    const struct cJSON *list;
    enum err err;

    arena_reset(registry->arena);
    err = json_parse(registry->arena, json, strlen(json), &list, NULL);
    for (const struct cJSON *item = err ? NULL : json_first(list); item && !err;
         item = json_next(item)) {
        int64_t from, to;

        if (json_as_int(json_first(item), &from) && json_as_int(json_next(json_first(item)), &to)) {
            err = ranges_add(ranges, (uint64_t)from, (uint64_t)to);
            err = err == ERR_EXISTS ? ERR_OK : err;
        }
    }
    return err;
}

enum err registry_stream(struct registry *registry, struct sql *sql, struct known_agent *agent,
                         const char *epoch, int64_t now_ms, struct known_stream **ret_stream)
{
    struct known_stream *stream = agent->streams;
    struct sql_rows rows;
    bool found;
    enum err err, end;

    for (; stream; stream = stream->next) {
        if (strcmp(stream->epoch, epoch) == 0) {
            *ret_stream = stream;
            return ERR_OK;
        }
    }
    stream = calloc(1, sizeof(*stream));
    if (!stream || text_copy(stream->epoch, sizeof(stream->epoch), epoch)) {
        free(stream);
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT id, have, stored, COALESCE(clock_offset_ms, 0) FROM stream WHERE agent = ?1 AND"
             " epoch = ?2",
             "it", agent->id, epoch);
    found = sql_next(&rows);
    err = ERR_OK;
    if (found) {
        stream->id = sql_int(&rows, 0);
        stream->stored = sql_int(&rows, 2);
        stream->offset_ms = sql_int(&rows, 3);
        err = read_ranges(registry, sql_text(&rows, 1), &stream->have);
    }
    end = sql_end(&rows);
    err = err ? err : end;
    if (!err && !found) {
        err = sql_run(sql, "INSERT INTO stream (agent, epoch, created_ms) VALUES (?1, ?2, ?3)",
                      "iti", agent->id, epoch, now_ms);
        stream->id = sql_last_id(sql);
    }
    if (err) {
        ranges_free(&stream->have);
        free(stream);
        return err;
    }
    stream->next = agent->streams;
    agent->streams = stream;
    *ret_stream = stream;
    return ERR_OK;
}

/* ------------------------------------------------------------------ equipment */

static bool read_equipment(struct registry *registry, struct sql *sql,
                           struct known_equipment *equipment)
{
    struct sql_rows rows;
    bool found;

    sql_find(sql, &rows,
             "SELECT id, COALESCE(agent, 0), COALESCE(judged_ms, 0), profile FROM equipment WHERE"
             " name = ?1",
             "t", equipment->name);
    found = sql_next(&rows);
    if (found) {
        const char *profile = sql_text(&rows, 3);

        equipment->id = sql_int(&rows, 0);
        equipment->agent = sql_int(&rows, 1);
        equipment->judged_ms = sql_int(&rows, 2);
        equipment->profile = profile ? rules_profile(registry->rules, profile) : NULL;
    }
    return !sql_end(&rows) && found;
}

enum err registry_equipment(struct registry *registry, struct sql *sql,
                            const struct known_agent *agent, const char *name, int64_t now_ms,
                            struct known_equipment **ret_equipment)
{
    struct known_equipment *equipment;
    enum err err = ERR_OK;

    HASH_FIND_STR(registry->equipment, name, equipment);
    if (!equipment) {
        equipment = calloc(1, sizeof(*equipment));
        if (!equipment || text_copy(equipment->name, sizeof(equipment->name), name)) {
            free(equipment);
            return ERR_NOMEM;
        }
        if (!read_equipment(registry, sql, equipment)) {
            err = sql_run(sql,
                          "INSERT INTO equipment (name, agent, status, created_ms) VALUES (?1, ?2,"
                          " 'unclaimed', ?3)",
                          "tii", name, agent->id, now_ms);
            if (err) {
                free(equipment);
                return err;
            }
            equipment->id = sql_last_id(sql);
            equipment->agent = agent->id;
        }
        HASH_ADD_STR(registry->equipment, name, equipment);
    }
    if (equipment->agent == 0) { /* a fleet row without an agent: the first that speaks for it */
        err = sql_run(sql, "UPDATE equipment SET agent = ?2 WHERE id = ?1", "ii", equipment->id,
                      agent->id);
        equipment->agent = agent->id;
    }
    *ret_equipment = equipment;
    return err;
}

enum err registry_profile(struct registry *registry, struct sql *sql,
                          struct known_equipment *equipment, const char *profile, const char *hash)
{
    const struct profile *known = rules_profile(registry->rules, profile);
    struct known_point *point, *next;

    if (equipment->profile) {
        return sql_run(sql, "UPDATE equipment SET profile_hash = ?2 WHERE id = ?1", "it",
                       equipment->id, hash);
    }
    equipment->profile = known;
    HASH_ITER(hh, equipment->points, point, next)
    {
        point->index = known ? profile_point(known, point->name) : -1;
    }
    return sql_run(sql,
                   "UPDATE equipment SET profile = COALESCE(profile, ?2), profile_hash = ?3 WHERE"
                   " id = ?1",
                   "itt", equipment->id, profile, hash);
}

enum err registry_point(struct registry *registry, struct sql *sql,
                        struct known_equipment *equipment, const char *name,
                        struct known_point **ret_point)
{
    struct known_point *point;
    enum err err;

    (void)registry;
    HASH_FIND_STR(equipment->points, name, point);
    if (point) {
        *ret_point = point;
        return ERR_OK;
    }
    point = calloc(1, sizeof(*point));
    if (!point || text_copy(point->name, sizeof(point->name), name)) {
        free(point);
        return ERR_NOMEM;
    }
    point->id = sql_find_int(sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it",
                             equipment->id, name);
    if (!point->id) {
        err = sql_run(sql, "INSERT INTO point (equipment, name) VALUES (?1, ?2)", "it",
                      equipment->id, name);
        if (err) {
            free(point);
            return err;
        }
        point->id = sql_last_id(sql);
    } else {
        point->last.t_ms = sql_find_int(sql, 0, "SELECT t_ms FROM last WHERE point = ?1", "i", point->id);
        point->has_last = point->last.t_ms > 0;
    }
    point->index = equipment->profile ? profile_point(equipment->profile, name) : -1;
    HASH_ADD_STR(equipment->points, name, point);
    *ret_point = point;
    return ERR_OK;
}

void registry_saw(struct registry *registry, struct known_point *point,
                  const struct reading *reading)
{
    if (point->has_last && reading->t_ms < point->last.t_ms) {
        return;
    }
    if (point->text) {
        free(point->text);
        point->text = NULL;
    }
    point->last = *reading;
    point->last.text = NULL;
    if (reading->text) {
        point->text = strdup(reading->text);
        point->last.text = point->text;
    }
    point->has_last = true;
    if (!point->dirty) {
        point->dirty = true;
        point->next_dirty = registry->dirty;
        registry->dirty = point;
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
                      stream->id, out.bytes, stream->stored);
    }
    stream->dirty = err != ERR_OK;
    json_out_free(&out);
    return err;
}

static enum err save_points(struct registry *registry, struct sql *sql)
{
    enum err err = ERR_OK;

    while (!err && registry->dirty) {
        struct known_point *point = registry->dirty;
        bool number = point->last.has_value && !point->last.text;

        err = sql_run(sql,
                      "INSERT INTO last (point, t_ms, value, words, quality) VALUES (?1, ?2,"
                      " CASE WHEN ?6 THEN ?3 END, ?4, ?5) ON CONFLICT (point) DO UPDATE SET t_ms ="
                      " excluded.t_ms, value = excluded.value, words = excluded.words, quality ="
                      " excluded.quality",
                      "iidtii", point->id, point->last.t_ms, point->last.value, point->last.text,
                      (int64_t)point->last.quality, (int64_t)number);
        point->dirty = false;
        registry->dirty = point->next_dirty;
    }
    return err;
}

enum err registry_save(struct registry *registry, struct sql *sql, bool all)
{
    struct known_equipment *equipment, *next;
    struct known_agent *agent, *other;
    enum err err = ERR_OK;

    HASH_ITER(hh, registry->agents, agent, other)
    {
        for (struct known_stream *stream = agent->streams; stream && !err; stream = stream->next) {
            err = stream->dirty ? save_stream(sql, stream) : ERR_OK;
        }
        if (!err && all && agent->dirty) {
            err = sql_run(sql, "UPDATE agent SET last_seen_ms = ?2 WHERE id = ?1", "ii", agent->id,
                          agent->last_seen_ms);
            agent->dirty = false;
        }
    }
    if (err || !all) {
        return err;
    }
    HASH_ITER(hh, registry->equipment, equipment, next)
    {
        if (!err && equipment->dirty) {
            err = sql_run(sql,
                          "UPDATE equipment SET judged_ms = ?2, last_seen_ms = ?3 WHERE id = ?1",
                          "iii", equipment->id, equipment->judged_ms, equipment->last_seen_ms);
            equipment->dirty = false;
        }
    }
    return err ? err : save_points(registry, sql);
}
