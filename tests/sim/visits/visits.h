/*
 * Twenty years of visits: heaters in four zones, people who make, move, skip and forget visits, repairs that take
 * visits along, plans and contracts that change, a server that is away for days and for years. The desk is the real one,
 * on its real schema; the witness counts by itself, from dates alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/desk/desk.h"
#include "tests/sim/dice.h"

#define DAY_MS   86400000LL
#define ZONES    4
#define KINDS    5 /* of plans: their rhythms */
#define HEATERS  400
#define STRETCHES 400 /* of time in which one rule holds for a heater */
#define DOWNS    2000

struct rhythm { /* what the witness knows of a plan */
    const char *overlay; /* NULL: the plan as it is */
    int months, days;    /* one of them */
    int tolerance;
    bool floating;
};
extern const struct rhythm rhythms[KINDS];

struct stretch { /* from a day on a heater has a rhythm and an anchor */
    int32_t from_day, anchor, kept_end; /* kept_end: the last day of the windows that stayed as they were */
    int64_t kept;                        /* the last sequence that stayed */
    int kind;
};

struct heater {
    char name[32];
    int zone, site, kind;
    bool south;
    int climate; /* 0: the plan's own windows */
    int32_t acceptance;
    int64_t row;
    struct stretch stretches[STRETCHES];
    int stretch_count;
};

struct contract { /* one a site */
    int kind;
    int32_t end;
};

struct world {
    uint64_t seed;
    struct dice dice;
    struct rules *rules;
    struct sql *sql;
    struct desk *desk;
    struct arena *arena;
    char plans[128];
    struct heater heaters[HEATERS];
    struct contract contracts[HEATERS];
    int heater_count, site_count;
    int32_t today, begin, end;
    int64_t now_ms;
    bool up;
    struct {
        int32_t from, to; /* no turn in [from, to] */
    } downs[DOWNS];
    int down_count;
    int32_t up_on;
    int64_t next_ms; /* the desk wants to be called */
    int64_t actions, refused, made, skipped, moved, ridden, changes, turns, wrong;
};

/* The witness found a difference: it is printed, with the day. */
void wrong(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* world.c */
void world_begin(struct world *world, const char *url);
void world_import(struct world *world);
void world_act(struct world *world, bool of_visit, int64_t id, const char *action, const char *fields, int64_t at_ms);

/* people.c */
void people_day(struct world *world);

/* witness.c: what was changed is noted before and after the import; looked at while it runs, and at the end. */
void witness_before_change(struct world *world);
void witness_after_change(struct world *world);
void witness_look(struct world *world);
void witness_end(struct world *world);
