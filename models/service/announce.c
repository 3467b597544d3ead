/* Whether people are told. */
#include "models/service/announce.h"

#include <string.h>

const char *const announce_reason_names[] = {"none",   "out_of_service", "suppressed", "shelved", "window",
                                             "design", "parent",         "area",       "late",    "chatter",
                                             "fleeting", "flood", NULL};

int announce_reason_read(const char *name)
{
    for (int i = 0; announce_reason_names[i]; i++) {
        if (strcmp(announce_reason_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static struct announce_decision hold(enum announce_reason reason, int64_t again_ms)
{
    return (struct announce_decision){.reason = reason, .again_ms = again_ms};
}

/* When the backlog that the alarm may be part of has been judged; nobody waits for ever for an agent
 * whose data is always old. */
static int64_t settled(const struct alarm_rules *rules, const struct announce_facts *facts)
{
    int64_t settled_ms = facts->backlog_ms ? facts->backlog_ms + rules->settle_ms : 0;
    int64_t most_ms = facts->registered_ms + rules->settle_most_ms;

    return settled_ms < most_ms ? settled_ms : most_ms;
}

/* By design or by a person; each ends by an event, not by time alone. */
static enum announce_reason suppressed(const struct announce_facts *facts)
{
    return facts->out_of_service ? ANNOUNCE_OUT_OF_SERVICE
           : facts->suppressed   ? ANNOUNCE_SUPPRESSED
           : facts->shelved      ? ANNOUNCE_SHELVED
           : facts->window       ? ANNOUNCE_WINDOW
           : facts->design       ? ANNOUNCE_DESIGN
           : facts->parent       ? ANNOUNCE_PARENT
           : facts->area         ? ANNOUNCE_AREA
                                 : ANNOUNCE_NONE;
}

/* The last two items of the span are kept: for what those above have to know of a flood, and for what all areas
 * together have to say. */
static bool has_room(const struct alarm_rules *rules, const struct announce_facts *facts)
{
    if (facts->grade == 1 || facts->guard) {
        return facts->announced < rules->flood_most - 2;
    }
    return !facts->flood && facts->announced < rules->flood_single;
}

struct announce_decision announce_decide(const struct alarm_rules *rules, const struct announce_facts *facts)
{
    bool urgent = facts->grade == 1 || facts->guard;
    enum announce_reason reason = suppressed(facts);
    int64_t stood_ms = facts->now_ms - facts->onset_ms;

    stood_ms = stood_ms > facts->stood_ms ? stood_ms : facts->stood_ms;
    if (reason) {
        return hold(reason, 0);
    }
    if (settled(rules, facts) > facts->now_ms) {
        return hold(ANNOUNCE_LATE, settled(rules, facts));
    }
    if (facts->chattering && facts->told_before) {
        return hold(ANNOUNCE_CHATTER, 0);
    }
    if (!urgent && !facts->chattering && stood_ms < rules->fleeting_ms) {
        return hold(ANNOUNCE_FLEETING, facts->now_ms + rules->fleeting_ms - stood_ms);
    }
    if (!has_room(rules, facts)) {
        return hold(ANNOUNCE_FLOOD, 0);
    }
    return (struct announce_decision){.announced = true};
}

bool announce_flood_ends(const struct alarm_rules *rules, int came)
{
    return came < rules->flood_end;
}

enum announce_areas announce_areas(const struct alarm_rules *rules, int announced, int untold)
{
    int room = rules->flood_most - announced;

    if (room <= 0) {
        return AREAS_WAIT;
    }
    return room > 1 || untold == 1 ? AREAS_ONE : AREAS_ALL;
}
