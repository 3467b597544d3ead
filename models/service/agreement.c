/* The life of a service agreement. */
#include "models/service/agreement.h"

#include "models/base/civil.h"

const char *const agreement_state_names[] = {"draft", "signed", "running", "ended", "released", NULL};
const char *const agreement_action_names[] = {"sign", "renew", "cancel", "withdraw", "cover", "note", NULL};

/* Exact durations count as whole days here, begun ones too. */
static int32_t add(int32_t day, struct duration term)
{
    int64_t ms;

    switch (term.unit) {
    case DURATION_Y:
        return civil_add_months(day, (int)(12 * term.count));
    case DURATION_MO:
        return civil_add_months(day, (int)term.count);
    case DURATION_D:
    case DURATION_WD: /* a plan asks for civil ones (plan_agreement.c) */
        return day + (int32_t)term.count;
    default:
        return duration_ms(term, &ms) ? day : day + (int32_t)((ms + 86399999) / 86400000);
    }
}

int32_t agreement_last_day(int32_t day, struct duration term)
{
    return add(day, term) - 1;
}

int32_t agreement_after_care(const struct agreement *agreement, const struct plan *plan)
{
    return agreement->end_day == AGREEMENT_NO_DAY ? AGREEMENT_NO_DAY
                                                  : agreement_last_day(agreement->end_day + 1, plan->agreement.after_care);
}

enum agreement_state agreement_state_at(const struct agreement *agreement, const struct plan *plan, int32_t today)
{
    if (agreement->draft) {
        return AGREEMENT_DRAFT;
    }
    if (agreement->end_day != AGREEMENT_NO_DAY && today > agreement->end_day) {
        return today > agreement_after_care(agreement, plan) ? AGREEMENT_RELEASED : AGREEMENT_ENDED;
    }
    return agreement->start_day != AGREEMENT_NO_DAY && today < agreement->start_day ? AGREEMENT_SIGNED : AGREEMENT_RUNNING;
}

bool agreement_may(const struct agreement *agreement, enum agreement_state state, enum agreement_action action)
{
    static const unsigned states[] = { /* a bit per state */
        [AGREEMENT_SIGN] = 1U << AGREEMENT_DRAFT,
        [AGREEMENT_RENEW] = 1U << AGREEMENT_RUNNING | 1U << AGREEMENT_ENDED,
        [AGREEMENT_CANCEL] = 1U << AGREEMENT_SIGNED | 1U << AGREEMENT_RUNNING,
        [AGREEMENT_WITHDRAW] = 1U << AGREEMENT_SIGNED | 1U << AGREEMENT_RUNNING,
        [AGREEMENT_COVER] = 1U << AGREEMENT_DRAFT | 1U << AGREEMENT_SIGNED | 1U << AGREEMENT_RUNNING,
        [AGREEMENT_NOTE] = ~0U,
    };

    if (!(states[action] >> state & 1)) {
        return false;
    }
    return action == AGREEMENT_WITHDRAW                              ? agreement->cancelled
           : action == AGREEMENT_CANCEL                              ? !agreement->cancelled
           : action == AGREEMENT_RENEW && state != AGREEMENT_ENDED   ? !agreement->cancelled && agreement->end_day != AGREEMENT_NO_DAY
                                                                     : true;
}

int32_t agreement_notice_day(const struct plan *plan, int32_t today)
{
    return add(today, plan->agreement.notice);
}

int agreement_reminder(const struct agreement *agreement, const struct plan *plan, int32_t today)
{
    int best = -1;

    if (agreement->draft || agreement->cancelled || agreement->end_day == AGREEMENT_NO_DAY || today > agreement->end_day) {
        return -1;
    }
    for (size_t i = 0; i < plan->agreement.reminder_count; i++) {
        if (add(today, plan->agreement.reminders[i]) > agreement->end_day &&
            (best < 0 || add(today, plan->agreement.reminders[i]) < add(today, plan->agreement.reminders[best]))) {
            best = (int)i;
        }
    }
    return best;
}
