/* Equipment and its points, by name; who may speak for it. */
#include <stdlib.h>
#include <string.h>

#include "server/fleet/registry_int.h"

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
