/*
 * What a dispatcher's position is told, item by item, and floods: when more comes than a position can take,
 * areas are told instead of their devices, each once a flood, and all of them together when even areas are too
 * many. A flood ends when less comes; its numbers are those that held when it began.
 */
#pragma once

#include "server/alarm/alarm.h"

struct item { /* something that a position was to be told */
    const char *position, *area, *kind; /* kind: alarm link clock area */
    int64_t alarm, ticket;              /* row ids or 0 */
    int grade;
};
/* Written down as told, or as told by its area only: then the position is in a flood from now on. */
enum err flood_told(struct sql *sql, const struct item *item, int64_t now_ms) MUST_CHECK;
enum err flood_grouped(struct sql *sql, const struct alarm_rules *rules, const struct item *item,
                       int64_t now_ms) MUST_CHECK;
/* A link that was not told for another reason. */
enum err flood_held(struct sql *sql, const struct item *item, const char *reason, int64_t now_ms) MUST_CHECK;
bool flood_is_on(struct sql *sql, const char *position);
int flood_announced(struct sql *sql, const char *position, int64_t span_ms, int64_t now_ms);

struct area_item { /* an area to be told of now, or several */
    int64_t flood;
    char position[ALARM_WORD], area[ALARM_WORD]; /* area "*": all that were not told yet */
    int areas;
    int64_t grades[4], first_ms; /* counts by grade */
};
/* The next area to be told of is noted as told and given; ERR_NOT_FOUND: none now. */
enum err flood_next(struct sql *sql, int64_t now_ms, struct area_item *ret_item) MUST_CHECK;
int64_t flood_due_ms(struct sql *sql); /* INT64_MAX */
