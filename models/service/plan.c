/* Looking a plan's limits up. */
#include "models/service/plan.h"

const char *const plan_start_names[] = {"registered", "report", "forwarded", "decided", "cleared",
                                        NULL};
const char *const plan_stop_names[] = {"response", "dispatched", "assigned", "checked", "arrived",
                                       "cleared", "solution", "delivered", "approved", NULL};

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
