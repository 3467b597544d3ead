/*
 * Whether people are told of an alarm: one decision, asked before any notice about it is written. An
 * alarm that is held stays in the record with the reason, and is asked about again when the reason ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/service/alarm.h"

enum announce_reason {
    ANNOUNCE_NONE,
    ANNOUNCE_OUT_OF_SERVICE,
    ANNOUNCE_SUPPRESSED, /* by a person */
    ANNOUNCE_SHELVED,
    ANNOUNCE_WINDOW,
    ANNOUNCE_DESIGN,   /* by the profile: inhibited_by names a fault that is active */
    ANNOUNCE_PARENT,   /* its link is lost: nothing is known */
    ANNOUNCE_AREA,     /* a link, told together with another one of its area */
    ANNOUNCE_LATE,     /* a backlog is being judged */
    ANNOUNCE_CHATTER,
    ANNOUNCE_FLEETING, /* it has not stood long enough */
    ANNOUNCE_FLOOD,    /* its area is told instead */
};
extern const char *const announce_reason_names[]; /* none out_of_service shelved … */
int announce_reason_read(const char *name); /* -1: unknown */

struct announce_facts {
    int64_t now_ms;
    int64_t onset_ms, registered_ms;
    int64_t stood_ms;    /* by its own times: from its onset to its detection */
    int64_t backlog_ms;  /* when something old last came from its agent; 0: never */
    int grade;
    bool out_of_service, suppressed, shelved, window, design, parent, area;
    bool chattering, told_before; /* told_before: of the same run of rises */
    bool guard;       /* in a guard period nothing small is held back */
    bool flood;       /* its position is in one */
    int announced;    /* items told to its position in the last flood_span */
};

struct announce_decision {
    bool announced;
    enum announce_reason reason;
    int64_t again_ms; /* held: when to ask again; 0: when the reason ends */
};

struct announce_decision announce_decide(const struct alarm_rules *rules, const struct announce_facts *facts);

/* How a position's flood goes on. came: items (announced or grouped) in the last flood_span. */
bool announce_flood_ends(const struct alarm_rules *rules, int came);

/* Whether the areas of a flood can be announced now, untold of them: one by one, all as one item, or not
 * yet. */
enum announce_areas { AREAS_WAIT, AREAS_ONE, AREAS_ALL };
enum announce_areas announce_areas(const struct alarm_rules *rules, int announced, int untold);
