/*
 * Alarms after ISA-18.2 / IEC 62682, as pure rules. That an alarm is active and that somebody has
 * acknowledged it are two facts; its state is derived from them and from what suppresses it, and is
 * stored nowhere. Numbers that a service engineer may want to change are struct alarm_rules, the section
 * `alarms` of a plan.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"
#include "models/service/role.h"

enum alarm_state {
    ALARM_NORM,  /* gone, and somebody has seen it */
    ALARM_UNACK, /* active, nobody has seen it yet */
    ALARM_ACKED, /* active, somebody knows */
    ALARM_RTNUN, /* gone before anybody had seen it */
    ALARM_SHLVD, /* active, put aside by a person for some time */
    ALARM_DSUPR, /* active, suppressed by design: a window, or the link before it is lost */
    ALARM_OOSRV, /* active, taken out of service by a person */
};
extern const char *const alarm_state_names[]; /* NORM UNACK … */

struct alarm_facts {
    bool active, acknowledged;
    bool shelved, suppressed, out_of_service;
};

/* Suppression hides an active alarm only; the strongest one names the state. */
enum alarm_state alarm_state_of(const struct alarm_facts *facts);

/* ------------------------------------------------------------------ what people may do */

enum alarm_action {
    ALARM_ACKNOWLEDGE,
    ALARM_SHELVE,
    ALARM_UNSHELVE,
    ALARM_SUPPRESS, /* a person's decision that outlives a shift: by a manager, with an end or without */
    ALARM_UNSUPPRESS,
    ALARM_OUT_OF_SERVICE,
    ALARM_RETURN_TO_SERVICE,
    ALARM_CLEAR, /* never legal: telemetry clears */
    ALARM_ACTIONS,
};

struct alarm_row {
    const char *name;
    unsigned roles;     /* a bit per role */
    const char *fields; /* of the request, beside action, id, at and note; optional ones with ? */
};
const struct alarm_row *alarm_row(enum alarm_action action);
int alarm_action_read(const char *name); /* -1: unknown */

struct alarm_wish { /* what legality depends on */
    struct alarm_facts facts;
    bool put_aside; /* suppressed by a person, not by design */
    bool latching;
    enum role role;
    int grade;
};
/* ERR_FORBIDDEN when the role may not, ERR_STATE otherwise, with what is legal. */
enum err alarm_may(const struct alarm_wish *wish, enum alarm_action action, struct text *why) MUST_CHECK;

/* Coded reasons of shelving and of taking out of service; ended by NULL. */
extern const char *const alarm_reasons[]; /* nuisance known_fault waiting_part testing weather decommissioned other */

/* ------------------------------------------------------------------ numbers, and what repeats too often */

struct alarm_rules {
    int flood_most;        /* announced items a position gets in flood_span, areas included */
    int flood_single;      /* … of which single alarms; beyond it areas are announced */
    int flood_end;         /* a flood is over when fewer items than that came in flood_span */
    int64_t flood_span_ms;
    int64_t gather_ms;     /* how long an area gathers its alarms before it is announced */
    int chatter_count;     /* that many rises … */
    int64_t chatter_span_ms;  /* … within this are chattering */
    int64_t chatter_quiet_ms; /* a chattering alarm clears when it has been quiet for so long */
    int outage_count;       /* that many silent agents of an area are told as one outage … */
    int64_t outage_span_ms; /* … when they fell silent so near to each other */
    int64_t fleeting_ms;   /* what is gone sooner is not announced */
    int64_t settle_ms;     /* a backlog is over when nothing old has come for so long */
    int64_t settle_most_ms; /* … and is waited for no longer than that */
    int64_t shelve_most_ms;
};
extern const struct alarm_rules alarm_rules_usual;

/* true when the last of the rises (event times, ascending) and those before it are chattering. */
bool alarm_chatters(const struct alarm_rules *rules, const int64_t *rises, size_t count);
