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

#include <stdbool.h>

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

static bool is_in_days(const struct plan *plan)
{
    return plan->visit_spacing.unit == DURATION_D && plan->visit_spacing.count > 0;
}

/* The date of an occurrence before the seasons have their say. */
static int32_t nominal_day(const struct plan *plan, int32_t anchor_day, int64_t sequence)
{
    if (is_in_days(plan)) {
        return anchor_day + (int32_t)(sequence * plan->visit_spacing.count);
    }
    return civil_add_months(anchor_day, (int)sequence * spacing_months(plan));
}

/* Windows reach less than half of the way to the next one, which may be 28 days a month away; two days
 * are left for a 29 February between a window and its date. */
static int32_t tolerance_days(const struct plan *plan)
{
    int32_t days = plan->visit_tolerance.unit == DURATION_MO
                       ? 30 * (int32_t)plan->visit_tolerance.count
                       : (int32_t)plan->visit_tolerance.count;
    int32_t way = is_in_days(plan) ? (int32_t)plan->visit_spacing.count : 28 * spacing_months(plan);
    int32_t half = (way - 3) / 2;

    half = half > 0 ? half : 0;
    return days < half ? days : half;
}

/*
 * How far a date is moved into the seasons, in days of a year without 29 February, so that the same
 * month and day are moved alike in every year (else a leap year would have one visit more or less).
 */
#define PLAIN_YEAR 2001

static int32_t season_shift(const struct plan *plan, int month, int day, int32_t most)
{
    int length = civil_month_length(PLAIN_YEAR, month);
    int32_t nominal = civil_days(PLAIN_YEAR, month, day < length ? day : length);
    int32_t best = 0, distance = INT32_MAX;

    for (size_t i = 0; i < plan->window_count; i++) {
        const struct plan_window *window = &plan->windows[i];

        for (int year = PLAIN_YEAR - 1; year <= PLAIN_YEAR + 1; year++) {
            /* 365 days a year: the neighbours of the plain year are plain as well */
            int32_t turn = (year - PLAIN_YEAR) * 365;
            int32_t from = civil_days(PLAIN_YEAR, window->from_month, window->from_day) + turn;
            int32_t to = civil_days(PLAIN_YEAR, window->to_month, window->to_day) + turn;
            int32_t at = nominal < from ? from : nominal > to ? to : nominal;
            int32_t away = at > nominal ? at - nominal : nominal - at;

            if (away < distance) {
                distance = away;
                best = at - nominal;
            }
        }
    }
    return distance <= most ? best : 0;
}

static int32_t due_day(const struct plan *plan, int32_t anchor_day, int64_t sequence)
{
    int32_t nominal = nominal_day(plan, anchor_day, sequence);
    int year, month, day, plain_year, plain_month, plain_day;
    int32_t shift, target;

    civil_from_days(nominal, &year, &month, &day);
    shift = season_shift(plan, month, day, tolerance_days(plan));
    if (shift == 0) {
        return nominal;
    }
    day = day < civil_month_length(PLAIN_YEAR, month) ? day : civil_month_length(PLAIN_YEAR, month);
    target = civil_days(PLAIN_YEAR, month, day) + shift;
    civil_from_days(target, &plain_year, &plain_month, &plain_day);
    return civil_days(year + plain_year - PLAIN_YEAR, plain_month, plain_day);
}

struct visit visit_occurrence(const struct plan *plan, int32_t anchor_day, int64_t sequence)
{
    int32_t nominal = nominal_day(plan, anchor_day, sequence);
    int32_t most = tolerance_days(plan);
    struct visit visit = {
        .sequence = sequence,
        .due_on = due_day(plan, anchor_day, sequence),
        .window_start = nominal - most,
        .window_end = nominal + most,
    };

    /* 29 February may lie between: the window holds its own date whatever the year */
    visit.window_start = visit.due_on < visit.window_start ? visit.due_on : visit.window_start;
    visit.window_end = visit.due_on > visit.window_end ? visit.due_on : visit.window_end;
    return visit;
}

int64_t visit_first_from(const struct plan *plan, int32_t anchor_day, int32_t day)
{
    int64_t most = is_in_days(plan) ? plan->visit_spacing.count : 31 * spacing_months(plan);
    int64_t sequence = day > anchor_day ? (day - anchor_day) / most - 1 : 1;

    sequence = sequence < 1 ? 1 : sequence;
    while (due_day(plan, anchor_day, sequence) < day) {
        sequence++;
    }
    while (sequence > 1 && due_day(plan, anchor_day, sequence - 1) >= day) {
        sequence--;
    }
    return sequence;
}
