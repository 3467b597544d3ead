/*
 * Agents, their streams, equipment and points as this server knows them, in memory beside their rows.
 * Belongs to the committing thread. After an undone transaction it is forgotten and read anew.
 *
 * What changes with every message (which numbers are stored, last values, times) becomes rows once a
 * second; after a crash it is mended from the journal.
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

#define REGISTRY_FUTURE_MS      (3600 * 1000) /* a reading that far ahead of us is not believed */
#define REGISTRY_POINTS_MOST    4096          /* of one piece of equipment */
#define REGISTRY_EQUIPMENT_MOST 10000         /* of one agent */
#define REGISTRY_SPEAKERS_MOST  8
#define REGISTRY_STREAMS_MOST   64            /* of one agent in memory; more are read when needed */

struct known_stream {
    char epoch[EPOCH_SIZE];
    int64_t id;
    int64_t offset_ms; /* of the clock of its unsynced messages, once it is known */
    bool has_offset;
    struct ranges have; /* numbers that are stored */
    bool dirty;         /* have becomes a row within a second … */
    bool urgent;        /* … or with this transaction: the journal does not show it */
    struct known_stream *next, *next_dirty;
};

struct known_agent {
    char name[65];
    char epoch[EPOCH_SIZE], before[EPOCH_SIZE]; /* of the last birth, and of the one before */
    int64_t id, last_seen_ms, heartbeat_ms;
    bool edge, online, silent;
    bool said_good_bye; /* a will from before our start: it has a minute to come back */
    bool dirty;
    struct known_stream *streams; /* the one used last comes first */
    struct known_agent *next_dirty;
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
    bool claimed; /* a fleet row names it */
    bool owned;   /* … and its agent: nobody new may speak for it */
    int64_t speakers[REGISTRY_SPEAKERS_MOST]; /* agents that have spoken for it; 0: none */
    const struct profile *profile;
    struct known_point *points;
    size_t point_count;
    struct judge *judge;  /* NULL until the first reading is judged */
    int64_t judge_used_ms;
    bool dirty;
    struct known_equipment *next_dirty;
    UT_hash_handle hh;
};

struct registry;

enum err registry_open(struct rules *rules, struct registry **ret_registry) MUST_CHECK;
void registry_close(struct registry *registry);
/* All of it is dropped; agents are read again at once, the rest when it is needed. */
enum err registry_reload(struct registry *registry, struct sql *sql) MUST_CHECK;

/* Found or made, with their rows. */
enum err registry_agent(struct registry *registry, struct sql *sql, const char *name,
                        int64_t now_ms, struct known_agent **ret_agent) MUST_CHECK;
enum err registry_stream(struct registry *registry, struct sql *sql, struct known_agent *agent,
                         const char *epoch, int64_t now_ms,
                         struct known_stream **ret_stream) MUST_CHECK;
/* ERR_DENIED when it is another agent's, ERR_RANGE at a ceiling; nothing has changed then. */
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
/* How often the slowest point of the agent's equipment is heard, from its profiles. */
enum err registry_heartbeat(struct registry *registry, struct sql *sql,
                            struct known_agent *agent) MUST_CHECK;

/* Number seq is stored. in_journal: a row of the journal shows it, so that it may be noted later. */
enum err registry_stored(struct registry *registry, struct known_stream *stream, uint64_t seq,
                         bool in_journal) MUST_CHECK;
/* A value: the newest one counts; one from the future only as long as there is no other. */
void registry_saw(struct registry *registry, struct known_point *point,
                  const struct reading *reading, int64_t now_ms);
void registry_touch_agent(struct registry *registry, struct known_agent *agent);
void registry_touch_equipment(struct registry *registry, struct known_equipment *equipment);
/* Writes what cannot wait; everything when all is set. */
enum err registry_save(struct registry *registry, struct sql *sql, bool all) MUST_CHECK;

struct known_agent *registry_agents(struct registry *registry); /* head of the uthash */
struct known_equipment *registry_equipments(struct registry *registry);
