/*
 * The life of a service agreement, computed from its dates and never stored: draft signed running ended released.
 * After its last day it is ended: what is still owed is settled during the plan's after-care; then it is released.
 * Pure: days are civil days of the place.
 */
#pragma once

#include "models/service/plan.h"

#define AGREEMENT_NO_DAY INT32_MIN

enum agreement_state { AGREEMENT_DRAFT, AGREEMENT_SIGNED, AGREEMENT_RUNNING, AGREEMENT_ENDED, AGREEMENT_RELEASED };
extern const char *const agreement_state_names[]; /* draft signed running ended released, NULL-ended */

enum agreement_action {
    AGREEMENT_SIGN,     /* a draft is in force from its first day */
    AGREEMENT_RENEW,    /* another term behind this one */
    AGREEMENT_CANCEL,   /* it ends early: who, why, not before the period of notice is over */
    AGREEMENT_WITHDRAW, /* … and does not after all */
    AGREEMENT_COVER,    /* a piece of equipment belongs to it, or no longer, from a day on */
    AGREEMENT_NOTE,
};
extern const char *const agreement_action_names[]; /* sign renew cancel withdraw cover note, NULL-ended */

struct agreement {
    bool draft, cancelled;
    int32_t start_day, end_day; /* both belong to it; AGREEMENT_NO_DAY: none */
};

enum agreement_state agreement_state_at(const struct agreement *agreement, const struct plan *plan, int32_t today);
bool agreement_may(const struct agreement *agreement, enum agreement_state state, enum agreement_action action);
/* The last day of after-care; AGREEMENT_NO_DAY without an end. */
int32_t agreement_after_care(const struct agreement *agreement, const struct plan *plan);
/* The first day on which a cancellation told today may take effect. */
int32_t agreement_notice_day(const struct plan *plan, int32_t today);
/* Of the plan's reminders the one that counts now: the shortest whose day has come, so that what is late is told once.
 * -1: none. */
int agreement_reminder(const struct agreement *agreement, const struct plan *plan, int32_t today);
/* A civil day and a duration: the last day of what begins on `day` and is that long. */
int32_t agreement_last_day(int32_t day, struct duration term);
