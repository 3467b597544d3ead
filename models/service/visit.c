/*
 * Occurrences from their anchor.
 *
 * The nominal date of occurrence n is the anchor plus n times the spacing, by civil months (31
 * January + 6 months is 31 July; month ends are cut, never carried on). Where the plan names season
 * windows, the date is moved to the nearest day of the nearest window, but by no more than the
 * tolerance; occurrence n always belongs to the half-year of its nominal date, so windows of
 * neighbours lie apart.
 */
#include "models/service/visit.h"

#include "models/base/civil.h"

static int spacing_months(const struct plan *plan)
{
    if (plan->visit_spacing.unit == DURATION_MO) {
        return (int)plan->visit_spacing.count;
    }
    if (plan->visit_spacing.unit == DURATION_Y) {
        return 12 * (int)plan->visit_spacing.count;
    }
    return plan->visits_per_year > 0 ? 12 / plan->visits_per_year : 12;
}

static int32_t tolerance_days(const struct plan *plan)
{
    int32_t days = plan->visit_tolerance.unit == DURATION_MO
                       ? 30 * (int32_t)plan->visit_tolerance.count
                       : (int32_t)plan->visit_tolerance.count;
    int32_t half = 14 * spacing_months(plan); /* not half of the way to the next one */

    return days < half ? days : half;
}

static int32_t day_in_year(int year, int month, int day)
{
    int length = civil_month_length(year, month);

    return civil_days(year, month, day < length ? day : length);
}

/* The day of the season windows that is nearest to day; day itself when there are none. */
static int32_t nearest_in_season(const struct plan *plan, int32_t day)
{
    int year, month, of_month;
    int32_t best = day, distance = INT32_MAX;

    civil_from_days(day, &year, &month, &of_month);
    for (size_t i = 0; i < plan->window_count; i++) {
        const struct plan_window *window = &plan->windows[i];

        for (int near = year - 1; near <= year + 1; near++) {
            int32_t from = day_in_year(near, window->from_month, window->from_day);
            int32_t to = day_in_year(near, window->to_month, window->to_day);
            int32_t at = day < from ? from : day > to ? to : day;
            int32_t away = at > day ? at - day : day - at;

            if (to >= from && away < distance) {
                distance = away;
                best = at;
            }
        }
    }
    return best;
}

static int32_t due_day(const struct plan *plan, int32_t anchor_day, int64_t sequence)
{
    int32_t nominal = civil_add_months(anchor_day, (int)sequence * spacing_months(plan));
    int32_t season = nearest_in_season(plan, nominal), most = tolerance_days(plan);

    return season > nominal + most || season < nominal - most ? nominal : season;
}

struct visit visit_occurrence(const struct plan *plan, int32_t anchor_day, int64_t sequence)
{
    int32_t nominal = civil_add_months(anchor_day, (int)sequence * spacing_months(plan));
    int32_t most = tolerance_days(plan);
    struct visit visit = {
        .sequence = sequence,
        .due_on = due_day(plan, anchor_day, sequence),
        .window_start = nominal - most,
        .window_end = nominal + most,
    };

    return visit;
}

int64_t visit_first_from(const struct plan *plan, int32_t anchor_day, int32_t day)
{
    int64_t sequence = day > anchor_day ? (day - anchor_day) / (31 * spacing_months(plan)) - 1 : 1;

    sequence = sequence < 1 ? 1 : sequence;
    while (due_day(plan, anchor_day, sequence) < day) {
        sequence++;
    }
    while (sequence > 1 && due_day(plan, anchor_day, sequence - 1) >= day) {
        sequence--;
    }
    return sequence;
}
