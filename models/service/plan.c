/* Looking a plan's limits up. */
#include "models/service/plan.h"

#include <string.h>

const char *const plan_start_names[] = {"registered", "report",      "forwarded", "decided",
                                        "cleared",    "parked",      "unheeded",  "scoped",
                                        "interrupted", "passed",     NULL};
const char *const plan_stop_names[] = {"response", "dispatched", "assigned",  "checked",
                                       "arrived",  "cleared",    "solution",  "delivered",
                                       "approved", "receipt",    "answered",  "ruled",
                                       "contacted", "arranged",  "restored",  "shipped",
                                       NULL};
const char *const plan_need_names[] = {"telemetry", "after_test", "sign_off", "feedback", "rca", NULL};

static const char *const preset_reasons[] = {"customer_absent", "consent_pending", "force_majeure",
                                             "access_refused", "parts_customer", NULL};

static bool has(const char *const *list, const char *word)
{
    for (; list && *list; list++) {
        if (strcmp(*list, word) == 0) {
            return true;
        }
    }
    return false;
}

static const struct plan_pause *find_pause(const struct plan *plan, const char *reason)
{
    for (size_t i = 0; i < plan->pause_count; i++) {
        if (strcmp(plan->pauses[i].reason, reason) == 0) {
            return &plan->pauses[i];
        }
    }
    return NULL;
}

bool plan_pause_holds(const struct plan *plan, const char *reason, const char *kind)
{
    const struct plan_pause *pause = plan ? find_pause(plan, reason) : NULL;

    return !pause || pause->all || has(pause->kinds, kind);
}

bool plan_pause_known(const struct plan *plan, const char *reason, struct text *to)
{
    size_t count = plan ? plan->pause_count : 0;

    if (count ? find_pause(plan, reason) != NULL : has(preset_reasons, reason)) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        text_addf(to, "%s%s", i ? " " : "", plan->pauses[i].reason);
    }
    for (const char *const *word = preset_reasons; !count && *word; word++) {
        text_addf(to, "%s%s", word == preset_reasons ? "" : " ", *word);
    }
    return false;
}

struct plan_limit plan_limit_of(const struct plan *plan, const struct plan_target *target,
                                int grade, char level, bool remote_area, bool emergency)
{
    struct plan_limit limit = {.set = false};

    (void)plan;
    if (emergency && target->emergency.set) {
        return target->emergency;
    }
    if (grade >= 1 && grade <= PLAN_GRADES && level >= 'A' && level <= 'C') {
        limit = target->limits[grade - 1][level - 'A'];
    }
    if (remote_area && target->remote_area.set) {
        return target->remote_area;
    }
    return limit;
}
