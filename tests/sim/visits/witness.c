/*
 * The witness: from dates alone it says which occurrences there must be, each once; every one of them was made in its
 * window, or some row says why not.
 */
#include "tests/sim/visits/visits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/civil.h"

#define ROWS 4000

struct row {
    int64_t id, sequence, done_ms, orders, done_orders, calendar;
    int32_t from, due, until, done;
    char state[12], code[24], reason[200];
    bool pulled;
};

/* All that happened to one visit, for whoever looks for the reason of a difference. */
static void tell(struct world *world, int64_t visit)
{
    struct sql_rows rows;

    sql_find(world->sql, &rows, "SELECT at_ms, who, action, note FROM visit_event WHERE visit = ?1 ORDER BY id", "i", visit);
    while (sql_next(&rows)) {
        char day[11];

        civil_write_date((int32_t)(sql_int(&rows, 0) / DAY_MS), day);
        printf("    %s %s %s %s\n", day, sql_text(&rows, 1), sql_text(&rows, 2), sql_text(&rows, 3) ? sql_text(&rows, 3) : "");
    }
    (void)!sql_end(&rows);
}

/* ------------------------------------------------------------------ dates, day by day */

static bool in_season(const struct heater *heater, int32_t day)
{
    static const int plain[2][2] = {{315, 515}, {915, 1115}}, cold[2][2] = {{401, 531}, {901, 1015}};
    const int(*seasons)[2] = heater->climate ? cold : plain;
    int year, month, of_month, at;

    civil_from_days(day, &year, &month, &of_month);
    month = heater->south ? (month + 5) % 12 + 1 : month; /* the same dates, half a year on */
    at = 100 * month + of_month;
    return (at >= seasons[0][0] && at <= seasons[0][1]) || (at >= seasons[1][0] && at <= seasons[1][1]);
}

static int32_t nominal(const struct rhythm *rhythm, int32_t anchor, int64_t n)
{
    return rhythm->months ? civil_add_months(anchor, rhythm->months * (int)n) : anchor + rhythm->days * (int32_t)n;
}

/* Whether a visit whose date would be `date` may be due on `due`: on the nearest day of a season, within the tolerance.
 * A day is left for 29 February. */
static bool fits(const struct heater *heater, const struct rhythm *rhythm, int32_t date, int32_t due)
{
    int32_t away = 0;

    while (away < 200 && !in_season(heater, date - away) && !in_season(heater, date + away)) {
        away++;
    }
    if (away > rhythm->tolerance + 1) {
        return due == date;
    }
    if (away >= rhythm->tolerance - 1 && due == date) {
        return true;
    }
    return (in_season(heater, date - away) && abs(due - (date - away)) <= 1) ||
           (in_season(heater, date + away) && abs(due - (date + away)) <= 1);
}

static int32_t into_season(const struct heater *heater, const struct rhythm *rhythm, int32_t date)
{
    for (int32_t away = 0; away <= rhythm->tolerance; away++) {
        if (in_season(heater, date - away) || in_season(heater, date + away)) {
            return in_season(heater, date - away) ? date - away : date + away;
        }
    }
    return date;
}

/* ------------------------------------------------------------------ rows */

static int load(struct world *world, const struct heater *heater, struct row *rows)
{
    struct sql_rows found;
    int count = 0;

    sql_find(world->sql, &found,
             "SELECT id, sequence, window_start_day, due_day, window_end_day, state, code, reason, done_ms, pull_day, (SELECT"
             " COUNT(*) FROM work_order w WHERE w.visit = visit.id AND w.state <> 'cancelled'), (SELECT COUNT(*) FROM work_order"
             " w WHERE w.visit = visit.id AND w.state IN ('done', 'verified', 'closed')), calendar_sequence FROM visit WHERE"
             " equipment = ?1 ORDER BY sequence",
             "i", heater->row);
    while (count < ROWS && sql_next(&found)) {
        struct row *row = &rows[count++];

        *row = (struct row){.id = sql_int(&found, 0), .sequence = sql_int(&found, 1), .from = (int32_t)sql_int(&found, 2),
                            .due = (int32_t)sql_int(&found, 3), .until = (int32_t)sql_int(&found, 4), .done_ms = sql_int(&found, 8),
                            .done = (int32_t)(sql_int(&found, 8) / DAY_MS), .pulled = !sql_null(&found, 9),
                            .orders = sql_int(&found, 10), .done_orders = sql_int(&found, 11), .calendar = sql_int(&found, 12)};
        (void)!text_copy(row->state, sizeof(row->state), sql_text(&found, 5));
        (void)!text_copy(row->code, sizeof(row->code), sql_text(&found, 6) ? sql_text(&found, 6) : "");
        (void)!text_copy(row->reason, sizeof(row->reason), sql_text(&found, 7) ? sql_text(&found, 7) : "");
    }
    if (sql_end(&found)) {
        abort();
    }
    return count;
}

static bool is(const struct row *row, const char *state)
{
    return strcmp(row->state, state) == 0;
}

/* ------------------------------------------------------------------ what changes */

static bool moves_along(const struct world *world, const struct row *row)
{
    return row->from > world->today && (is(row, "planned") || (is(row, "skipped") && (strcmp(row->code, "plan") == 0 ||
                                                                                      strcmp(row->code, "contract") == 0)));
}

static struct stretch before[HEATERS];

void witness_before_change(struct world *world)
{
    static struct row rows[ROWS];

    for (int h = 0; h < world->heater_count; h++) {
        int count = load(world, &world->heaters[h], rows);

        before[h] = (struct stretch){.from_day = world->today, .kept_end = INT32_MIN};
        for (int i = 0; i < count; i++) {
            if (!moves_along(world, &rows[i])) {
                before[h].kept = rows[i].sequence;
            }
        }
        for (int i = 0; i < count && rows[i].sequence <= before[h].kept; i++) {
            if (strcmp(rows[i].code, "plan") != 0 && rows[i].until > before[h].kept_end) {
                before[h].kept_end = rows[i].until;
            }
        }
    }
}

void witness_after_change(struct world *world)
{
    for (int h = 0; h < world->heater_count; h++) {
        struct heater *heater = &world->heaters[h];
        const struct stretch *last = &heater->stretches[heater->stretch_count - 1];
        int kind = world->contracts[heater->site].kind;

        if ((kind == last->kind && (heater->acceptance == last->anchor || rhythms[kind].floating)) ||
            heater->stretch_count == STRETCHES) {
            continue;
        }
        before[h].kind = kind;
        before[h].anchor = heater->acceptance;
        heater->stretches[heater->stretch_count++] = before[h];
    }
}

/* ------------------------------------------------------------------ the occurrences there must be */

static void check_fixed(struct world *world, const struct heater *heater, const struct stretch *stretch, const struct row *rows,
                        int count, bool last)
{
    const struct rhythm *rhythm = &rhythms[stretch->kind];
    int64_t n = 0;

    for (int i = 0; i < count; i++) {
        do { /* the first that is neither past nor over what stays, then one after the other */
            n++;
        } while (i == 0 && (nominal(rhythm, stretch->anchor, n) + rhythm->tolerance < stretch->from_day ||
                            nominal(rhythm, stretch->anchor, n) - rhythm->tolerance <= stretch->kept_end ||
                            (!fits(heater, rhythm, nominal(rhythm, stretch->anchor, n), rows[0].due) &&
                             nominal(rhythm, stretch->anchor, n) - rhythm->tolerance - 1 <= stretch->from_day + 31)));
        if (!fits(heater, rhythm, nominal(rhythm, stretch->anchor, n), rows[i].due)) {
            wrong(world, "%s: visit %lld is due on day %d, occurrence %lld of kind %d from %d", heater->name,
                  (long long)rows[i].sequence, rows[i].due, (long long)n, stretch->kind, stretch->anchor);
            return;
        }
    }
    if (last && nominal(rhythm, stretch->anchor, n + 1) + rhythm->tolerance < world->today + 455 - 8) {
        wrong(world, "%s: occurrence %lld of kind %d from %d is not planned", heater->name, (long long)n + 1, stretch->kind, stretch->anchor);
    }
}

static bool follows(const struct heater *heater, const struct rhythm *rhythm, int32_t base, int32_t due)
{
    for (int step = 0; step < 80; step++) {
        if (fits(heater, rhythm, nominal(rhythm, base, 1), due)) {
            return true;
        }
        base = into_season(heater, rhythm, nominal(rhythm, base, 1)); /* heard of so late that it was over */
    }
    return false;
}

static bool is_explained(struct world *world, const struct row *row, const char *action);

/* Counted from the one before, as it was made, or owed; several steps on when there was none for long. What was skipped when
 * its next one was counted from its due day, and was wanted after all, was made later without moving that. */
static void check_floating(struct world *world, const struct heater *heater, const struct stretch *stretch, const struct row *rows,
                           int count)
{
    const struct rhythm *rhythm = &rhythms[stretch->kind];
    int open = 0, before_it = -1;

    for (int i = 0; i < count; i++) {
        bool called_off = strcmp(rows[i].code, "plan") == 0 || strcmp(rows[i].code, "contract") == 0;

        open += is(&rows[i], "planned") || is(&rows[i], "released") || is(&rows[i], "attached");
        if (called_off) {
            continue;
        }
        if (before_it >= 0) {
            const struct row *prior = &rows[before_it];

            if (!follows(heater, rhythm, prior->done_ms ? prior->done : prior->due, rows[i].due) &&
                !(is_explained(world, prior, "reinstate") && is(&rows[i], "skipped") &&
                  follows(heater, rhythm, prior->due, rows[i].due))) {
                wrong(world, "%s: visit %lld is due on day %d, the one before on %d, made on %d", heater->name,
                      (long long)rows[i].sequence, rows[i].due, rows[before_it].due, rows[before_it].done);
                tell(world, rows[before_it].id);
                tell(world, rows[i].id);
            }
        }
        before_it = i;
    }
    if (open > 1) {
        wrong(world, "%s: %d floating visits are open", heater->name, open);
    }
}

static void check_occurrences(struct world *world, const struct heater *heater, const struct row *rows, int count)
{
    int from = 0;

    for (int s = 0; s < heater->stretch_count; s++) {
        bool last = s + 1 == heater->stretch_count;
        int64_t until = INT64_MAX;
        int next = from;

        for (int t = s + 1; t < heater->stretch_count; t++) { /* what was wanted after all follows the plan again */
            until = heater->stretches[t].kept < until ? heater->stretches[t].kept : until;
        }

        while (next < count && rows[next].sequence <= until) {
            next++;
        }
        if (rhythms[heater->stretches[s].kind].floating) {
            check_floating(world, heater, &heater->stretches[s], &rows[from], next - from);
        } else {
            check_fixed(world, heater, &heater->stretches[s], &rows[from], next - from, last && world->up);
        }
        from = next;
    }
}

/* ------------------------------------------------------------------ made in their window, or explained */

/* Nobody could be sent on any day of [from, to]. */
static bool was_down(const struct world *world, int32_t from, int32_t to)
{
    int32_t day = from;

    for (int i = 0; i < world->down_count && day <= to; i++) {
        if (world->downs[i].from <= day && world->downs[i].to >= day) {
            day = world->downs[i].to + 1;
        }
    }
    return day > to;
}

static bool is_explained(struct world *world, const struct row *row, const char *action)
{
    return sql_find_int(world->sql, 0,
                        "SELECT COUNT(*) FROM visit_event WHERE visit = ?1 AND action = ?2 AND note IS NOT NULL AND note <> ''",
                        "it", row->id, action) > 0;
}

static void check_skipped(struct world *world, const struct heater *heater, const struct row *row, const struct row *later)
{
    if (!row->code[0] || !row->reason[0] || row->done_ms) {
        wrong(world, "%s: visit %lld is skipped for '%s' '%s'", heater->name, (long long)row->sequence, row->code, row->reason);
    }
    if (strcmp(row->code, "missed") == 0 && !was_down(world, row->from + 1, row->until - 1) &&
        !is_explained(world, row, "reinstate") && !is_explained(world, row, "redate")) {
        wrong(world, "%s: visit %lld was missed though the server ran", heater->name, (long long)row->sequence);
    }
    if ((strcmp(row->code, "missed") == 0 || strcmp(row->code, "overtaken") == 0) && !later) {
        wrong(world, "%s: visit %lld is %s, and none makes up for it", heater->name, (long long)row->sequence, row->code);
    }
}

static void check_row(struct world *world, const struct heater *heater, const struct row *row, const struct row *later)
{
    bool open = is(row, "planned") || is(row, "released") || is(row, "attached");

    if (row->due < row->from || row->due > row->until || row->orders > 1 || (is(row, "done") && row->done_orders != 1) ||
        (!is(row, "done") && row->done_orders > 0)) {
        wrong(world, "%s: visit %lld (%s) is due on %d in %d/%d, with %lld orders, %lld done", heater->name, (long long)row->sequence,
              row->state, row->due, row->from, row->until, (long long)row->orders, (long long)row->done_orders);
    }
    if (is(row, "done") && !is_explained(world, row, "finish")) {
        wrong(world, "%s: visit %lld does not say when it was made", heater->name, (long long)row->sequence);
    }
    if (is(row, "skipped")) {
        check_skipped(world, heater, row, later);
    }
    if (is(row, "planned") && row->from < world->today - 1 && world->up) {
        wrong(world, "%s: visit %lld is planned still, its window began on %d", heater->name, (long long)row->sequence, row->from);
    }
    if ((is(row, "released") || is(row, "attached")) && row->orders != 1) {
        wrong(world, "%s: visit %lld is %s without an order", heater->name, (long long)row->sequence, row->state);
    }
    if (open && later && later->from < world->today - 1 && is(later, "released")) {
        wrong(world, "%s: visits %lld and %lld are open at once", heater->name, (long long)row->sequence, (long long)later->sequence);
    }
}

/* SEQUENCE of the calendar has risen whenever what it says has changed. */
static void check_calendar(struct world *world)
{
    static struct seen {
        int64_t calendar, sign;
    } seen[400000];
    struct sql_rows rows;

    sql_find(world->sql, &rows,
             "SELECT v.id, v.calendar_sequence, COALESCE(v.target_day, v.due_day) * 7 + COALESCE(w.from_ms, 0) + CASE v.state WHEN"
             " 'skipped' THEN 1 ELSE 0 END FROM visit v LEFT JOIN work_order w ON w.visit = v.id AND w.state <> 'cancelled' WHERE"
             " v.due_day > ?1",
             "i", (int64_t)world->today - 500);
    while (sql_next(&rows)) {
        int64_t id = sql_int(&rows, 0), calendar = sql_int(&rows, 1), sign = sql_int(&rows, 2);

        if (id < 400000) {
            if (seen[id].sign && (calendar < seen[id].calendar || (sign != seen[id].sign && calendar == seen[id].calendar))) {
                wrong(world, "visit row %lld: SEQUENCE stays %lld though it says something else", (long long)id, (long long)calendar);
            }
            seen[id] = (struct seen){calendar, sign};
        }
    }
    if (sql_end(&rows)) {
        abort();
    }
}

void witness_look(struct world *world)
{
    struct sql_rows rows;

    sql_find(world->sql, &rows,
             "SELECT e.name, MIN(w.visit), MAX(w.visit) FROM work_order w JOIN equipment e ON e.id = w.equipment WHERE w.kind ="
             " 'preventive' AND w.state NOT IN ('done', 'verified', 'closed', 'cancelled') GROUP BY e.name HAVING COUNT(*) > 1",
             "");
    while (sql_next(&rows)) {
        wrong(world, "%s: two maintenance orders are open, of the visits in rows %lld and %lld", sql_text(&rows, 0),
              (long long)sql_int(&rows, 1), (long long)sql_int(&rows, 2));
        tell(world, sql_int(&rows, 1));
        tell(world, sql_int(&rows, 2));
    }
    if (sql_end(&rows)) {
        abort();
    }
    if (sql_find_int(world->sql, 0,
                     "SELECT COUNT(*) FROM work_order r JOIN work_order h ON h.id = r.ride WHERE r.state NOT IN ('done', 'cancelled')"
                     " AND (h.state = 'cancelled' OR h.from_ms <> r.from_ms)",
                     "")) {
        wrong(world, "an order rides on one that was cancelled, or at another time");
    }
    check_calendar(world);
}

void witness_end(struct world *world)
{
    static struct row rows[ROWS];

    for (int h = 0; h < world->heater_count; h++) {
        const struct heater *heater = &world->heaters[h];
        int count = load(world, heater, rows);

        for (int i = 0; i < count; i++) {
            if (i > 0 && rows[i].sequence != rows[i - 1].sequence + 1) {
                wrong(world, "%s: visit %lld is missing", heater->name, (long long)rows[i - 1].sequence + 1);
            }
            check_row(world, heater, &rows[i], i + 1 < count ? &rows[i + 1] : NULL);
            world->made += is(&rows[i], "done");
        }
        check_occurrences(world, heater, rows, count);
    }
    world->ridden = sql_find_int(world->sql, 0, "SELECT COUNT(*) FROM visit_event WHERE action = 'attach'", "");
}
