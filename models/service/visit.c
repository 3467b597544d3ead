/*
 * Occurrences from their anchor.
 *
 * The nominal date of occurrence n is the anchor plus n times the spacing, by civil months (31
 * January + 6 months is 31 July; month ends are cut, never carried on). Where there are season
 * windows, the date is moved to the nearest day of the nearest window, but by no more than the
 * tolerance; occurrence n always belongs to the half-year of its nominal date, so windows of
 * neighbours lie apart.
 */
#include "models/service/visit.h"

#include <stdbool.h>

#include "models/base/civil.h"
#include "models/service/plan_visit.h"

static const struct plan_climate *find_climate(const struct plan_visits *visits, const char *climate)
{
    for (size_t i = 0; visits && climate && i < visits->climate_count; i++) {
        if (text_same(visits->climates[i].name, climate)) {
            return &visits->climates[i];
        }
    }
    return NULL;
}

/* A spacing in months or days; another unit is as good as none: the year in equal parts. */
static struct duration spacing_of(const struct plan *plan)
{
    struct duration spacing = plan->visit_spacing;

    if (spacing.unit == DURATION_Y) {
        spacing = (struct duration){12 * spacing.count, DURATION_MO};
    }
    if ((spacing.unit != DURATION_MO && spacing.unit != DURATION_D) || spacing.count <= 0) {
        spacing = (struct duration){plan->visits_per_year > 0 ? 12 / plan->visits_per_year : 12, DURATION_MO};
    }
    return plan->visits_per_year > 0 ? spacing : (struct duration){0, DURATION_MO};
}

struct visit_rule visit_rule_of(const struct plan *plan, const char *climate, bool south)
{
    const struct plan_visits *visits = plan->visits;
    const struct plan_climate *named = find_climate(visits, climate);

    return (struct visit_rule){
        .spacing = spacing_of(plan),
        .tolerance = plan->visit_tolerance,
        .windows = named ? named->windows : plan->windows,
        .window_count = named ? named->window_count : plan->window_count,
        .south = south && !named && !(visits && visits->south_as_written),
        .floating = visits && visits->floating,
    };
}

void visit_rule_age(struct visit_rule *io_rule, const struct plan *plan, int32_t anchor_day, int32_t today)
{
    const struct plan_age *age =
        plan->visits ? plan_age_at(plan->visits->older, plan->visits->older_count, anchor_day, today) : NULL;

    if (age && visit_rule_repeats(io_rule)) {
        io_rule->spacing = age->every.unit == DURATION_Y ? (struct duration){12 * age->every.count, DURATION_MO} : age->every;
    }
}

bool visit_rule_repeats(const struct visit_rule *rule)
{
    return rule->spacing.count > 0;
}

void visit_rule_write(const struct visit_rule *rule, int32_t anchor_day, struct text *to)
{
    char anchor[11];

    civil_write_date(anchor_day, anchor);
    text_addf(to, "every %lld%s from %s ± %lld%s", (long long)rule->spacing.count,
              duration_unit_text(rule->spacing.unit), rule->floating ? "the last" : anchor,
              (long long)rule->tolerance.count, duration_unit_text(rule->tolerance.unit));
    for (size_t i = 0; i < rule->window_count; i++) {
        const struct plan_window *window = &rule->windows[i];

        text_addf(to, "%s%02d-%02d/%02d-%02d", i ? "," : " in ", window->from_month, window->from_day,
                  window->to_month, window->to_day);
    }
    text_add(to, rule->south ? " south" : "");
}

static bool is_in_days(const struct visit_rule *rule)
{
    return rule->spacing.unit == DURATION_D;
}

/* The date of an occurrence before the seasons have their say. */
static int32_t nominal_day(const struct visit_rule *rule, int32_t anchor_day, int64_t sequence)
{
    if (is_in_days(rule)) {
        return anchor_day + (int32_t)(sequence * rule->spacing.count);
    }
    return civil_add_months(anchor_day, (int)sequence * (int)rule->spacing.count);
}

/* Windows reach less than half of the way to the next one, which may be 28 days a month away; two days
 * are left for a 29 February between a window and its date. */
static int32_t tolerance_days(const struct visit_rule *rule)
{
    int32_t days = rule->tolerance.unit == DURATION_MO
                       ? 30 * (int32_t)rule->tolerance.count
                       : (int32_t)rule->tolerance.count;
    int32_t way = is_in_days(rule) ? (int32_t)rule->spacing.count : 28 * (int)rule->spacing.count;
    int32_t half = (way - 3) / 2;

    half = half > 0 ? half : 0;
    return days < half ? days : half;
}

/*
 * How far a date is moved into the seasons, in days of a year without 29 February, so that the same
 * month and day are moved alike in every year (else a leap year would have one visit more or less).
 */
#define PLAIN_YEAR 2001

static int half_a_year_on(int month, int *io_day)
{
    month = month > 6 ? month - 6 : month + 6;
    if (*io_day > civil_month_length(PLAIN_YEAR, month)) {
        *io_day = civil_month_length(PLAIN_YEAR, month);
    }
    return month;
}

/* A window as the place has it. */
static struct plan_window season_of(const struct visit_rule *rule, size_t index)
{
    struct plan_window window = rule->windows[index];

    if (rule->south) {
        window.from_month = half_a_year_on(window.from_month, &window.from_day);
        window.to_month = half_a_year_on(window.to_month, &window.to_day);
    }
    return window;
}

static int32_t season_shift(const struct visit_rule *rule, int month, int day, int32_t most)
{
    int length = civil_month_length(PLAIN_YEAR, month);
    int32_t nominal = civil_days(PLAIN_YEAR, month, day < length ? day : length);
    int32_t best = 0, distance = INT32_MAX;

    for (size_t i = 0; i < rule->window_count; i++) {
        struct plan_window window = season_of(rule, i);

        for (int year = PLAIN_YEAR - 1; year <= PLAIN_YEAR + 1; year++) {
            /* 365 days a year: the neighbours of the plain year are plain as well */
            int32_t turn = (year - PLAIN_YEAR) * 365;
            int32_t from = civil_days(PLAIN_YEAR, window.from_month, window.from_day) + turn;
            int32_t to = civil_days(PLAIN_YEAR, window.to_month, window.to_day) + turn;

            to += to < from ? 365 : 0; /* over the turn of the year */
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

static int32_t due_day(const struct visit_rule *rule, int32_t anchor_day, int64_t sequence)
{
    int32_t nominal = nominal_day(rule, anchor_day, sequence);
    int year, month, day, plain_year, plain_month, plain_day;
    int32_t shift, target;

    civil_from_days(nominal, &year, &month, &day);
    shift = season_shift(rule, month, day, tolerance_days(rule));
    if (shift == 0) {
        return nominal;
    }
    day = day < civil_month_length(PLAIN_YEAR, month) ? day : civil_month_length(PLAIN_YEAR, month);
    target = civil_days(PLAIN_YEAR, month, day) + shift;
    civil_from_days(target, &plain_year, &plain_month, &plain_day);
    return civil_days(year + plain_year - PLAIN_YEAR, plain_month, plain_day);
}

struct visit visit_rule_at(const struct visit_rule *rule, int32_t anchor_day, int64_t sequence)
{
    int32_t nominal = nominal_day(rule, anchor_day, sequence);
    int32_t most = tolerance_days(rule);
    struct visit visit = {
        .sequence = sequence,
        .due_on = due_day(rule, anchor_day, sequence),
        .window_start = nominal - most,
        .window_end = nominal + most,
    };

    /* 29 February may lie between: the window holds its own date whatever the year */
    visit.window_start = visit.due_on < visit.window_start ? visit.due_on : visit.window_start;
    visit.window_end = visit.due_on > visit.window_end ? visit.due_on : visit.window_end;
    return visit;
}

int64_t visit_rule_from(const struct visit_rule *rule, int32_t anchor_day, int32_t day)
{
    int64_t most = is_in_days(rule) ? rule->spacing.count : 31 * (int)rule->spacing.count;
    int64_t sequence = day > anchor_day ? (day - anchor_day) / most - 1 : 1;

    sequence = sequence < 1 ? 1 : sequence;
    while (due_day(rule, anchor_day, sequence) < day) {
        sequence++;
    }
    while (sequence > 1 && due_day(rule, anchor_day, sequence - 1) >= day) {
        sequence--;
    }
    return sequence;
}

struct visit visit_rule_after(const struct visit_rule *rule, int32_t last_day, int64_t sequence)
{
    struct visit visit = visit_rule_at(rule, last_day, 1);

    visit.sequence = sequence;
    return visit;
}

struct visit visit_occurrence(const struct plan *plan, int32_t anchor_day, int64_t sequence)
{
    struct visit_rule rule = visit_rule_of(plan, NULL, false);

    return visit_rule_at(&rule, anchor_day, sequence);
}

int64_t visit_first_from(const struct plan *plan, int32_t anchor_day, int32_t day)
{
    struct visit_rule rule = visit_rule_of(plan, NULL, false);

    return visit_rule_from(&rule, anchor_day, day);
}

int visit_year(int32_t start_day, int32_t day, int32_t *ret_from, int32_t *ret_to)
{
    int year = day > start_day ? (day - start_day) / 366 : 0;

    while (civil_add_months(start_day, 12 * (year + 1)) <= day) {
        year++;
    }
    *ret_from = civil_add_months(start_day, 12 * year);
    *ret_to = civil_add_months(start_day, 12 * (year + 1)) - 1;
    return year + 1;
}
