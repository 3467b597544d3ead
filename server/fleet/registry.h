/*
 * Agents, their streams, equipment and points as this server knows them, in memory beside their rows.
 * Belongs to the committing thread. After an undone transaction it is forgotten and read anew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "models/fault/judge.h"
#include "models/telemetry/message.h"
#include "models/telemetry/ranges.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

struct known_stream {
    char epoch[EPOCH_SIZE];
    int64_t id, offset_ms;
    struct ranges have; /* stored or given up */
    int64_t stored;
    bool dirty, ack_due;
    int64_t acked_ms; /* when its last ack went out */
    struct known_stream *next;
};

struct known_agent {
    char name[65];
    int64_t id, last_seen_ms, heartbeat_ms;
    bool edge, online, silent, dirty;
    struct known_stream *streams;
    UT_hash_handle hh;
};

struct known_point {
    char name[65];
    int64_t id;
    int index; /* in the profile, or -1 */
    struct reading last;
    char *text; /* of last */
    bool has_last, dirty;
    struct known_point *next_dirty;
    UT_hash_handle hh;
};

struct known_equipment {
    char name[65];
    int64_t id, agent, judged_ms, last_seen_ms;
    const struct profile *profile;
    struct known_point *points;
    struct judge *judge; /* NULL until the first reading is judged */
    bool dirty;
    UT_hash_handle hh;
};

struct registry;

enum err registry_open(struct rules *rules, struct registry **ret_registry) MUST_CHECK;
void registry_close(struct registry *registry);
void registry_forget(struct registry *registry); /* all of it: rows are read again when needed */

/* Found or made, with their rows. */
enum err registry_agent(struct registry *registry, struct sql *sql, const char *name,
                        int64_t now_ms, struct known_agent **ret_agent) MUST_CHECK;
enum err registry_stream(struct registry *registry, struct sql *sql, struct known_agent *agent,
                         const char *epoch, int64_t now_ms,
                         struct known_stream **ret_stream) MUST_CHECK;
enum err registry_equipment(struct registry *registry, struct sql *sql,
                            const struct known_agent *agent, const char *name, int64_t now_ms,
                            struct known_equipment **ret_equipment) MUST_CHECK;
enum err registry_point(struct registry *registry, struct sql *sql,
                        struct known_equipment *equipment, const char *name,
                        struct known_point **ret_point) MUST_CHECK;
/* The birth says which profile a piece of equipment has; a fleet row goes before it. */
enum err registry_profile(struct registry *registry, struct sql *sql,
                          struct known_equipment *equipment, const char *profile,
                          const char *hash) MUST_CHECK;
void registry_saw(struct registry *registry, struct known_point *point,
                  const struct reading *reading);
/* Writes what is dirty: streams always, last values and times when all is set. */
enum err registry_save(struct registry *registry, struct sql *sql, bool all) MUST_CHECK;
struct known_agent *registry_agents(struct registry *registry); /* head of the uthash */
struct known_equipment *registry_equipments(struct registry *registry);
