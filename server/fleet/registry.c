/* What is known, by name: agents and their streams. registry_equipment.c has the equipment and its
 * points, registry_save.c turns what changed into rows. */
#include "server/fleet/registry.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/json.h"
#include "server/fleet/registry_int.h"
#include "server/store/journal.h"

#define PRESET_HEARTBEAT_MS 600000

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

static void forget(struct registry *registry)
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
    registry->dirty_points = NULL;
    registry->dirty_streams = NULL;
    registry->dirty_agents = NULL;
    registry->dirty_equipment = NULL;
    registry->urgent = 0;
}

void registry_close(struct registry *registry)
{
    if (registry) {
        forget(registry);
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

#define AGENT_COLUMNS                                                                              \
    "id, edge, online, last_seen_ms, heartbeat_ms, silent_since_ms IS NOT NULL,"                   \
    " COALESCE(epoch, ''), name"

static void read_agent(const struct sql_rows *rows, struct known_agent *agent)
{
    agent->id = sql_int(rows, 0);
    agent->edge = sql_int(rows, 1) != 0;
    agent->online = sql_int(rows, 2) != 0;
    agent->last_seen_ms = sql_int(rows, 3);
    agent->heartbeat_ms = sql_int(rows, 4);
    agent->silent = sql_int(rows, 5) != 0;
    (void)!text_copy(agent->epoch, sizeof(agent->epoch), sql_text(rows, 6));
    (void)!text_copy(agent->name, sizeof(agent->name), sql_text(rows, 7));
}

static enum err add_agent(struct registry *registry, struct sql *sql, struct known_agent *agent,
                          const char *name, int64_t now_ms)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows, "SELECT " AGENT_COLUMNS " FROM agent WHERE name = ?1", "t", name);
    found = sql_next(&rows);
    if (found) {
        read_agent(&rows, agent);
    }
    err = sql_end(&rows);
    if (!err && !found) {
        agent->heartbeat_ms = PRESET_HEARTBEAT_MS;
        agent->last_seen_ms = now_ms;
        err = text_copy(agent->name, sizeof(agent->name), name);
        if (!err) {
            err = sql_run(sql,
                          "INSERT INTO agent (name, first_seen_ms, last_seen_ms) VALUES (?1, ?2, ?2)",
                          "ti", name, now_ms);
            agent->id = sql_last_id(sql);
        }
    }
    if (!err) {
        HASH_ADD_STR(registry->agents, name, agent);
    }
    return err;
}

enum err registry_agent(struct registry *registry, struct sql *sql, const char *name,
                        int64_t now_ms, struct known_agent **ret_agent)
{
    struct known_agent *agent;
    enum err err;

    HASH_FIND_STR(registry->agents, name, agent);
    if (!agent) {
        agent = calloc(1, sizeof(*agent));
        if (!agent) {
            return ERR_NOMEM;
        }
        err = add_agent(registry, sql, agent, name, now_ms);
        if (err) {
            free(agent);
            return err;
        }
    }
    *ret_agent = agent;
    return ERR_OK;
}

/* ------------------------------------------------------------------ heartbeats */

static int64_t slowest(const struct profile *profile)
{
    int64_t heartbeat_ms = 0;

    for (size_t i = 0; profile && i < profile->point_count; i++) {
        if (profile->points[i].heartbeat_ms > heartbeat_ms) {
            heartbeat_ms = profile->points[i].heartbeat_ms;
        }
    }
    return heartbeat_ms;
}

enum err registry_heartbeat(struct registry *registry, struct sql *sql, struct known_agent *agent)
{
    int64_t heartbeat_ms = 0;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT DISTINCT profile FROM equipment WHERE agent = ?1 AND profile IS NOT NULL", "i",
             agent->id);
    while (sql_next(&rows)) {
        int64_t one_ms = slowest(rules_profile(registry->rules, sql_text(&rows, 0)));

        heartbeat_ms = one_ms > heartbeat_ms ? one_ms : heartbeat_ms;
    }
    err = sql_end(&rows);
    heartbeat_ms = heartbeat_ms ? heartbeat_ms : PRESET_HEARTBEAT_MS;
    if (err || heartbeat_ms == agent->heartbeat_ms) {
        return err;
    }
    agent->heartbeat_ms = heartbeat_ms;
    return sql_run(sql, "UPDATE agent SET heartbeat_ms = ?2 WHERE id = ?1", "ii", agent->id,
                   heartbeat_ms);
}

enum err registry_reload(struct registry *registry, struct sql *sql)
{
    struct known_agent *agent, *next;
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    forget(registry);
    sql_find(sql, &rows, "SELECT " AGENT_COLUMNS " FROM agent ORDER BY id", "");
    while (!err && sql_next(&rows)) {
        agent = calloc(1, sizeof(*agent));
        if (!agent) {
            err = ERR_NOMEM;
        } else {
            read_agent(&rows, agent);
            HASH_ADD_STR(registry->agents, name, agent);
        }
    }
    end = sql_end(&rows);
    err = err ? err : end;
    HASH_ITER(hh, registry->agents, agent, next)
    {
        err = err ? err : registry_heartbeat(registry, sql, agent);
    }
    return err;
}

/* ------------------------------------------------------------------ streams */

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

static enum err read_stream(struct registry *registry, struct sql *sql,
                            const struct known_agent *agent, struct known_stream *stream)
{
    struct sql_rows rows;
    enum err err = ERR_NOT_FOUND, end;

    sql_find(sql, &rows,
             "SELECT id, have, clock_offset_ms FROM stream WHERE agent = ?1 AND epoch ="
             " ?2",
             "it", agent->id, stream->epoch);
    if (sql_next(&rows)) {
        stream->id = sql_int(&rows, 0);
        stream->has_offset = !sql_null(&rows, 2);
        stream->offset_ms = stream->has_offset ? sql_int(&rows, 2) : 0;
        err = read_ranges(registry, sql_text(&rows, 1), &stream->have);
    }
    end = sql_end(&rows);
    err = end ? end : err;
    return err ? err : journal_numbers(sql, stream->id, &stream->have);
}

static enum err add_stream(struct registry *registry, struct sql *sql, struct known_agent *agent,
                           struct known_stream *stream, int64_t now_ms)
{
    enum err err = read_stream(registry, sql, agent, stream);

    if (err == ERR_NOT_FOUND) {
        err = sql_run(sql, "INSERT INTO stream (agent, epoch, created_ms) VALUES (?1, ?2, ?3)", "iti",
                      agent->id, stream->epoch, now_ms);
        stream->id = sql_last_id(sql);
    }
    return err;
}

/* The streams that rest longest are forgotten, as far as they are written. */
static void forget_old_streams(struct known_agent *agent)
{
    struct known_stream **at = &agent->streams;

    for (int i = 0; *at; i++) {
        struct known_stream *stream = *at;

        if (i < REGISTRY_STREAMS_MOST || stream->dirty) {
            at = &stream->next;
            continue;
        }
        *at = stream->next;
        ranges_free(&stream->have);
        free(stream);
    }
}

/* Found and moved to the front. */
static struct known_stream *find_stream(struct known_agent *agent, const char *epoch)
{
    for (struct known_stream **at = &agent->streams; *at; at = &(*at)->next) {
        struct known_stream *stream = *at;

        if (memcmp(stream->epoch, epoch, EPOCH_SIZE) == 0) {
            *at = stream->next;
            stream->next = agent->streams;
            agent->streams = stream;
            return stream;
        }
    }
    return NULL;
}

enum err registry_stream(struct registry *registry, struct sql *sql, struct known_agent *agent,
                         const char *epoch, int64_t now_ms, struct known_stream **ret_stream)
{
    struct known_stream *stream = find_stream(agent, epoch);
    enum err err;

    if (!stream) {
        stream = calloc(1, sizeof(*stream));
        if (!stream) {
            return ERR_NOMEM;
        }
        err = text_copy(stream->epoch, sizeof(stream->epoch), epoch);
        if (!err) {
            err = add_stream(registry, sql, agent, stream, now_ms);
        }
        if (err) {
            ranges_free(&stream->have);
            free(stream);
            return err;
        }
        forget_old_streams(agent);
        stream->next = agent->streams;
        agent->streams = stream;
    }
    *ret_stream = stream;
    return ERR_OK;
}

enum err registry_stored(struct registry *registry, struct known_stream *stream, uint64_t seq,
                         bool in_journal)
{
    enum err err = ranges_add(&stream->have, seq, seq);

    if (err == ERR_FULL) {
        return ERR_RANGE; /* a set with so many holes is nobody's honest backlog */
    }
    if (!stream->dirty) {
        stream->dirty = true;
        stream->next_dirty = registry->dirty_streams;
        registry->dirty_streams = stream;
    }
    if (!in_journal && !stream->urgent) {
        stream->urgent = true;
        registry->urgent++;
    }
    return err == ERR_EXISTS ? ERR_OK : err;
}
