/* What is known, by name. */
#include "server/fleet/registry.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/json.h"
#include "server/store/journal.h"

#define PRESET_HEARTBEAT_MS 600000

struct registry {
    struct rules *rules;
    struct known_agent *agents;
    struct known_equipment *equipment;
    struct arena *arena;
    /* what is not written yet */
    struct known_point *dirty_points;
    struct known_stream *dirty_streams;
    struct known_agent *dirty_agents;
    struct known_equipment *dirty_equipment;
    size_t urgent; /* streams that cannot wait */
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

/* ------------------------------------------------------------------ equipment */

static bool read_equipment(struct registry *registry, struct sql *sql,
                           struct known_equipment *equipment)
{
    size_t count = 0;
    struct sql_rows rows;
    bool found;

    sql_find(sql, &rows,
             "SELECT e.id, COALESCE(e.agent, 0), COALESCE(e.judged_ms, 0), e.profile, e.claimed,"
             " COALESCE(a.known, 0), COALESCE(e.last_seen_ms, 0) FROM equipment e LEFT JOIN agent a"
             " ON a.id = e.agent WHERE e.name = ?1",
             "t", equipment->name);
    found = sql_next(&rows);
    if (found) {
        const char *profile = sql_text(&rows, 3);

        equipment->id = sql_int(&rows, 0);
        equipment->agent = sql_int(&rows, 1);
        equipment->judged_ms = sql_int(&rows, 2);
        equipment->profile = profile ? rules_profile(registry->rules, profile) : NULL;
        equipment->claimed = sql_int(&rows, 4) != 0;
        equipment->owned = equipment->claimed && sql_int(&rows, 5) != 0;
        equipment->last_seen_ms = sql_int(&rows, 6);
    }
    found = !sql_end(&rows) && found;
    sql_find(sql, &rows, "SELECT agent FROM speaker WHERE equipment = ?1 ORDER BY agent DESC", "i",
             equipment->id);
    while (count < REGISTRY_SPEAKERS_MOST && sql_next(&rows)) {
        equipment->speakers[count++] = sql_int(&rows, 0);
    }
    return !sql_end(&rows) && found;
}

static enum err insert_equipment(struct sql *sql, const struct known_agent *agent,
                                 struct known_equipment *equipment, int64_t now_ms)
{
    enum err err;

    if (sql_find_int(sql, 0, "SELECT COUNT(*) FROM equipment WHERE agent = ?1", "i", agent->id) >=
        REGISTRY_EQUIPMENT_MOST) {
        return ERR_RANGE;
    }
    err = sql_run(sql,
                  "INSERT INTO equipment (name, agent, status, created_ms) VALUES (?1, ?2,"
                  " 'unclaimed', ?3)",
                  "tii", equipment->name, agent->id, now_ms);
    equipment->id = sql_last_id(sql);
    equipment->agent = agent->id;
    return err;
}

static enum err add_equipment(struct registry *registry, struct sql *sql,
                              const struct known_agent *agent, const char *name, int64_t now_ms,
                              struct known_equipment **ret_equipment)
{
    struct known_equipment *equipment = calloc(1, sizeof(*equipment));
    enum err err;

    if (!equipment) {
        return ERR_NOMEM;
    }
    err = text_copy(equipment->name, sizeof(equipment->name), name);
    if (!err && !read_equipment(registry, sql, equipment)) {
        err = insert_equipment(sql, agent, equipment, now_ms);
    }
    if (err) {
        free(equipment);
        return err;
    }
    HASH_ADD_STR(registry->equipment, name, equipment);
    *ret_equipment = equipment;
    return ERR_OK;
}

static bool has_spoken(const struct known_equipment *equipment, int64_t agent)
{
    for (size_t i = 0; i < REGISTRY_SPEAKERS_MOST; i++) {
        if (equipment->speakers[i] == agent) {
            return true;
        }
    }
    return false;
}

/*
 * An agent speaks for a piece of equipment for the first time. Where the fleet says whose it is,
 * only that agent may; who spoke for it earlier (its gateway was replaced since) may go on. Else the
 * last one who speaks has it.
 */
static enum err let_speak(struct sql *sql, const struct known_agent *agent,
                          struct known_equipment *equipment)
{
    enum err err;

    if (equipment->owned && equipment->agent != agent->id) {
        return ERR_DENIED;
    }
    err = sql_run(sql, "INSERT INTO speaker (equipment, agent) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                  "ii", equipment->id, agent->id);
    memmove(&equipment->speakers[1], &equipment->speakers[0],
            sizeof(equipment->speakers) - sizeof(equipment->speakers[0]));
    equipment->speakers[0] = agent->id;
    return err;
}

enum err registry_equipment(struct registry *registry, struct sql *sql,
                            const struct known_agent *agent, const char *name, int64_t now_ms,
                            struct known_equipment **ret_equipment)
{
    struct known_equipment *equipment;
    enum err err = ERR_OK;

    HASH_FIND_STR(registry->equipment, name, equipment);
    if (!equipment) {
        err = add_equipment(registry, sql, agent, name, now_ms, &equipment);
    }
    if (!err && !has_spoken(equipment, agent->id)) {
        err = let_speak(sql, agent, equipment);
    }
    if (!err && equipment->agent != agent->id && !equipment->owned) {
        err = sql_run(sql, "UPDATE equipment SET agent = ?2 WHERE id = ?1", "ii", equipment->id,
                      agent->id);
        equipment->agent = agent->id;
    }
    if (!err) {
        *ret_equipment = equipment;
    }
    return err;
}

enum err registry_profile(struct registry *registry, struct sql *sql,
                          struct known_equipment *equipment, const char *profile, const char *hash)
{
    const struct profile *known = rules_profile(registry->rules, profile);
    struct known_point *point, *next;

    if (equipment->profile && (equipment->claimed || equipment->profile == known)) {
        return sql_run(sql, "UPDATE equipment SET profile_hash = ?2 WHERE id = ?1", "it",
                       equipment->id, hash);
    }
    judge_close(equipment->judge);
    equipment->judge = NULL;
    equipment->profile = known;
    HASH_ITER(hh, equipment->points, point, next)
    {
        point->index = known ? profile_point(known, point->name) : -1;
    }
    return sql_run(sql,
                   "UPDATE equipment SET profile = ?2, profile_hash = ?3 WHERE id = ?1",
                   "itt", equipment->id, profile, hash);
}

static enum err add_point(struct sql *sql, struct known_equipment *equipment,
                          struct known_point *point)
{
    enum err err = ERR_OK;

    point->id = sql_find_int(sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it",
                             equipment->id, point->name);
    if (point->id) {
        point->last.t_ms =
            sql_find_int(sql, 0, "SELECT t_ms FROM last WHERE point = ?1", "i", point->id);
        point->has_last = point->last.t_ms > 0;
    } else if (equipment->point_count >= REGISTRY_POINTS_MOST) {
        err = ERR_RANGE;
    } else {
        err = sql_run(sql, "INSERT INTO point (equipment, name) VALUES (?1, ?2)", "it", equipment->id,
                      point->name);
        point->id = sql_last_id(sql);
    }
    return err;
}

enum err registry_point(struct registry *registry, struct sql *sql,
                        struct known_equipment *equipment, const char *name,
                        struct known_point **ret_point)
{
    struct known_point *point;
    enum err err;

    (void)registry;
    HASH_FIND_STR(equipment->points, name, point);
    if (!point) {
        point = calloc(1, sizeof(*point));
        if (!point) {
            return ERR_NOMEM;
        }
        err = text_copy(point->name, sizeof(point->name), name);
        if (!err) {
            err = add_point(sql, equipment, point);
        }
        if (err) {
            free(point);
            return err;
        }
        point->index = equipment->profile ? profile_point(equipment->profile, name) : -1;
        HASH_ADD_STR(equipment->points, name, point);
        equipment->point_count++;
    }
    *ret_point = point;
    return ERR_OK;
}

/* ------------------------------------------------------------------ changes */

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

        err = sql_run(sql, "UPDATE equipment SET judged_ms = ?2, last_seen_ms = ?3 WHERE id = ?1",
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
