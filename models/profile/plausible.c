/* Steps that are possible. */
#include "models/profile/plausible.h"

#include <math.h>

/* What a value may move by in that time: at least one step, for clocks of readings jitter. */
static bool is_near(const struct point *point, double from, int64_t from_ms, double value, int64_t t_ms)
{
    double steps = (double)(t_ms - from_ms) / (double)point->step_ms;
    double most = point->step * (steps > 1 ? steps : 1);

    return fabs(value - from) <= most + 1e-9 * fabs(most);
}

bool plausible_take(const struct point *point, struct plausible *plausible, double value, int64_t t_ms)
{
    if (!(point->step > 0) || !plausible->any ||
        is_near(point, plausible->value, plausible->t_ms, value, t_ms) ||
        (plausible->doubted && is_near(point, plausible->doubt, plausible->doubt_ms, value, t_ms))) {
        *plausible = (struct plausible){.any = true, .value = value, .t_ms = t_ms};
        return true;
    }
    plausible->doubted = true;
    plausible->doubt = value;
    plausible->doubt_ms = t_ms;
    return false;
}
