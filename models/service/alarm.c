/* States of alarms, what people may do with them, and chattering. */
#include "models/service/alarm.h"

#include <string.h>

const char *const alarm_state_names[] = {"NORM",  "UNACK", "ACKED", "RTNUN",
                                         "SHLVD", "DSUPR", "OOSRV", NULL};
const char *const alarm_reasons[] = {"nuisance", "known_fault",    "waiting_part", "testing",
                                     "weather",  "decommissioned", "other",        NULL};

/* ISA-18.2 asks for at most 10 in 10 minutes; the other numbers are our own. */
const struct alarm_rules alarm_rules_usual = {
    .flood_most = 10,
    .flood_single = 7,
    .flood_end = 5,
    .flood_span_ms = 10 * 60000,
    .gather_ms = 30000,
    .chatter_count = 4,
    .chatter_span_ms = 3600000,
    .chatter_quiet_ms = 30 * 60000,
    .outage_count = 2,
    .outage_span_ms = 10 * 60000,
    .fleeting_ms = 5000,
    .settle_ms = 60000,
    .settle_most_ms = 3600000,
    .shelve_most_ms = 24 * 3600000,
};

enum alarm_state alarm_state_of(const struct alarm_facts *facts)
{
    if (!facts->active) {
        return facts->acknowledged ? ALARM_NORM : ALARM_RTNUN;
    }
    if (facts->out_of_service) {
        return ALARM_OOSRV;
    }
    if (facts->suppressed) {
        return ALARM_DSUPR;
    }
    if (facts->shelved) {
        return ALARM_SHLVD;
    }
    return facts->acknowledged ? ALARM_ACKED : ALARM_UNACK;
}

/* ------------------------------------------------------------------ actions */

#define OVERSEERS   (ROLE_BIT(ROLE_MANAGER) | ROLE_BIT(ROLE_ADMIN))
#define DISPATCHERS (ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_INTEGRATION) | OVERSEERS)
#define WORKERS     (ROLE_BIT(ROLE_TECHNICIAN) | DISPATCHERS)

static const struct alarm_row table[ALARM_ACTIONS] = {
    [ALARM_ACKNOWLEDGE] = {"acknowledge", WORKERS, ""},
    [ALARM_SHELVE] = {"shelve", DISPATCHERS, "until? for? reason"},
    [ALARM_UNSHELVE] = {"unshelve", DISPATCHERS, ""},
    [ALARM_SUPPRESS] = {"suppress", OVERSEERS, "until? for? reason"},
    [ALARM_UNSUPPRESS] = {"unsuppress", OVERSEERS, ""},
    [ALARM_OUT_OF_SERVICE] = {"out_of_service", OVERSEERS, "reason"},
    [ALARM_RETURN_TO_SERVICE] = {"return_to_service", OVERSEERS, ""},
    [ALARM_CLEAR] = {"clear", WORKERS, ""},
};

const struct alarm_row *alarm_row(enum alarm_action action)
{
    return &table[action];
}

int alarm_action_read(const char *name)
{
    for (int i = 0; i < ALARM_ACTIONS; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Why it cannot be done in the state that the alarm is in; NULL: it can. */
static const char *obstacle(const struct alarm_wish *wish, enum alarm_action action)
{
    const struct alarm_facts *facts = &wish->facts;

    switch (action) {
    case ALARM_ACKNOWLEDGE:
        return facts->acknowledged ? "it is acknowledged already" : NULL;
    case ALARM_SHELVE:
        return facts->shelved ? "it is shelved already" : facts->out_of_service ? "it is out of service" : NULL;
    case ALARM_UNSHELVE:
        return facts->shelved ? NULL : "it is not shelved";
    case ALARM_SUPPRESS:
        return wish->put_aside ? "it is suppressed already" : NULL;
    case ALARM_UNSUPPRESS:
        return wish->put_aside ? NULL : "nobody has suppressed it";
    case ALARM_OUT_OF_SERVICE:
        return facts->out_of_service ? "it is out of service already" : NULL;
    case ALARM_RETURN_TO_SERVICE:
        return facts->out_of_service ? NULL : "it is not out of service";
    case ALARM_CLEAR:
        return !facts->active   ? "it has cleared already"
               : wish->latching ? "it is active and latches: reset of its ticket lets it clear when telemetry is normal"
                                : "it is active: it clears when telemetry is normal again";
    case ALARM_ACTIONS:
        break;
    }
    return "there is no such action";
}

static void list_legal(const struct alarm_wish *wish, struct text *to)
{
    const char *comma = "";

    for (int i = 0; i < ALARM_ACTIONS; i++) {
        if (table[i].roles & ROLE_BIT(wish->role) && !obstacle(wish, (enum alarm_action)i)) {
            text_addf(to, "%s%s", comma, table[i].name);
            comma = ", ";
        }
    }
    if (!*comma) {
        text_add(to, "nothing");
    }
}

enum err alarm_may(const struct alarm_wish *wish, enum alarm_action action, struct text *why)
{
    const char *words = obstacle(wish, action);
    TEXT(legal, 200);

    if (!(table[action].roles & ROLE_BIT(wish->role))) {
        return text_say(why, ERR_FORBIDDEN, "this role may not %s an alarm", table[action].name);
    }
    if (action == ALARM_SHELVE && wish->grade == 1 && !(OVERSEERS & ROLE_BIT(wish->role))) {
        return text_say(why, ERR_FORBIDDEN, "an alarm of grade 1 is shelved by a manager");
    }
    if (!words) {
        return ERR_OK;
    }
    list_legal(wish, &legal);
    return text_say(why, ERR_STATE, "%s is not legal now: %s. Legal: %s", table[action].name, words, legal.at);
}

/* ------------------------------------------------------------------ chattering */

bool alarm_chatters(const struct alarm_rules *rules, const int64_t *rises, size_t count)
{
    size_t wanted = rules->chatter_count > 1 ? (size_t)rules->chatter_count : 2;

    return count >= wanted && rises[count - 1] - rises[count - wanted] < rules->chatter_span_ms;
}
