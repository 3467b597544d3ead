/* Reports: every number with its formula and the rows that it was made from. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/csv.h"
#include "server/api/api_int.h"
#include "server/api/figures.h"

#define ROWS_SHOWN 1000   /* of a number, in JSON; CSV has all */
#define ROWS_MOST  200000 /* of a figure */

static const struct figures *const lists[] = {&figures_service, &figures_repair, &figures_alarm,
                                              &figures_dispatch, &figures_field, &figures_quality, &figures_inspection, &figures_stock,
                                              &figures_cause, &figures_relation, &figures_training};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

/* What a report may be grouped by further. */
static const char *const groupings[] = {"plan", "grade", "level", "team", "technician", NULL};

struct line { /* a row behind a number */
    const char *group, *ref, *equipment, *what;
    int64_t at_ms; /* 0: none */
    double value, weight;
};

struct report {
    struct call *call;
    const char *name, *by; /* by: NULL or one of the groupings */
    bool csv;
    int64_t from_ms, to_ms;
    int32_t from, to;
};

static const char *keep(struct call *call, const char *words)
{
    return words ? arena_text(call->request->arena, words, strlen(words)) : NULL;
}

static enum err read_lines(struct report *report, const struct figure *figure, struct line **ret_lines,
                           size_t *ret_count)
{
    struct call *call = report->call;
    struct line *lines = NULL;
    struct sql_rows rows;
    size_t count = 0, room = 0;

    sql_find(call->sql, &rows, figure->statement, "iiiiit", report->from_ms,
             report->to_ms, (int64_t)report->from, (int64_t)report->to, call->now_ms, report->by);
    while (count < ROWS_MOST && sql_next(&rows)) {
        if (count == room) {
            struct line *more = arena_array(call->request->arena, room ? 2 * room : 64, sizeof(*more));

            if (!more) {
                (void)!sql_end(&rows);
                return ERR_NOMEM;
            }
            if (count) {
                memcpy(more, lines, count * sizeof(*lines));
            }
            lines = more;
            room = room ? 2 * room : 64;
        }
        lines[count++] = (struct line){
            .group = keep(call, sql_text(&rows, 0)),
            .ref = keep(call, sql_text(&rows, 1)),
            .equipment = keep(call, sql_text(&rows, 2)),
            .what = keep(call, sql_text(&rows, 3)),
            .at_ms = sql_int(&rows, 4),
            .value = sql_real(&rows, 5),
            .weight = sql_real(&rows, 6),
        };
    }
    *ret_lines = lines;
    *ret_count = count;
    return sql_end(&rows);
}

/* ------------------------------------------------------------------ as JSON */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The rows' own numbers, ascending: at least `share` of them are not above the one told (nearest rank). */
static double percentile(const double *sorted, size_t count, double share)
{
    size_t rank = (size_t)ceil(share * (double)count);

    return count == 0 ? (double)NAN : sorted[rank > 0 ? rank - 1 : 0];
}

/* Of a mean: how its rows lie. Shares of yes and no have no spread worth telling. */
static void put_spread(struct report *report, const struct figure *figure, const struct line *lines,
                       size_t count)
{
    struct json_out *out = report->call->out;
    double *sorted = figure->ratio ? arena_array(report->call->request->arena, count + 1, sizeof(*sorted))
                                   : NULL;
    size_t weighed = 0;

    for (size_t i = 0; sorted && i < count; i++) {
        if (lines[i].weight > 0) {
            sorted[weighed++] = lines[i].value / lines[i].weight;
        }
    }
    if (sorted) {
        qsort(sorted, weighed, sizeof(*sorted), ascending);
    }
    json_number(out, "median", percentile(sorted, weighed, 0.5));
    json_number(out, "p90", percentile(sorted, weighed, 0.9));
}

static void put_line(struct call *call, const struct line *line)
{
    json_open_object(call->out);
    json_text(call->out, "ref", line->ref);
    json_text(call->out, "equipment", line->equipment);
    json_text(call->out, "what", line->what);
    call_time(call, "at", line->at_ms);
    json_number(call->out, "value", line->value);
    json_number(call->out, "weight", line->weight);
    json_close_object(call->out);
}

static void put_json(struct report *report, const struct figure *figure, const char *group,
                     double number, const struct line *lines, size_t count)
{
    struct json_out *out = report->call->out;

    json_open_object(out);
    json_text(out, "name", figure->name);
    json_text(out, "group", group && group[0] ? group : NULL);
    json_number(out, "value", number); /* nothing to divide by: null */
    json_text(out, "unit", figure->unit);
    json_text(out, "formula", figure->formula);
    json_int(out, "count", (int64_t)count);
    put_spread(report, figure, lines, count);
    json_key(out, "rows");
    json_open_list(out);
    for (size_t i = 0; i < count && i < ROWS_SHOWN; i++) {
        put_line(report->call, &lines[i]);
    }
    json_close_list(out);
    json_close_object(out);
}

/* ------------------------------------------------------------------ as CSV */

static void put_raw(struct call *call, const char *words)
{
    json_put_raw(call->out, words, strlen(words));
    call->out->comma = false;
}

static void put_cell(struct call *call, const char *words, const char *end)
{
    csv_put_text(call->out, words ? words : "", true);
    put_raw(call, end);
}

static void put_number(struct call *call, double number, const char *end)
{
    TEXT(words, 40);

    if (isfinite(number)) {
        text_add_number(&words, number);
    }
    text_add(&words, end);
    put_raw(call, words.at);
}

static void put_csv(struct report *report, const struct figure *figure, const char *group,
                    double number, const struct line *lines, size_t count)
{
    static const struct line none = {0};
    struct call *call = report->call;

    for (size_t i = 0; i < count || i == 0; i++) {
        const struct line *line = count ? &lines[i] : &none;
        TEXT(at, 48);

        if (line->at_ms > 0) {
            zone_write(call->zone, line->at_ms, &at);
        }
        put_cell(call, figure->name, ",");
        put_cell(call, group, ",");
        put_number(call, number, ",");
        put_cell(call, figure->unit, ",");
        put_cell(call, figure->formula, ",");
        put_cell(call, line->ref, ",");
        put_cell(call, line->equipment, ",");
        put_cell(call, line->what, ",");
        put_cell(call, at.at, ",");
        put_number(call, count ? line->value : (double)NAN, ",");
        put_number(call, count ? line->weight : (double)NAN, "\r\n");
    }
}

/* ------------------------------------------------------------------ numbers */

static void put_group(struct report *report, const struct figure *figure, const struct line *lines,
                      size_t count)
{
    const char *group = count ? lines[0].group : NULL;
    double sum = 0, weight = 0, number;

    for (size_t i = 0; i < count; i++) {
        sum += lines[i].value;
        weight += lines[i].weight;
    }
    number = !figure->ratio ? sum : weight > 0 ? sum / weight : (double)NAN;
    if (report->csv) {
        put_csv(report, figure, group, number, lines, count);
    } else {
        put_json(report, figure, group, number, lines, count);
    }
}

static enum err put_figure(struct report *report, const struct figure *figure)
{
    struct line *lines;
    size_t count, from = 0;
    enum err err = read_lines(report, figure, &lines, &count);

    if (err) {
        return err;
    }
    for (size_t i = 1; i <= count; i++) {
        if (i == count || !text_same(lines[i].group, lines[from].group)) {
            put_group(report, figure, lines + from, i - from);
            from = i;
        }
    }
    if (count == 0) { /* a number all the same: nothing happened */
        put_group(report, figure, NULL, 0);
    }
    return ERR_OK;
}

static enum err put_report(struct report *report)
{
    struct call *call = report->call;
    char from[11], to[11];
    enum err err = ERR_OK;

    civil_write_date(report->from, from);
    civil_write_date(report->to, to);
    if (report->csv) {
        call->answer->type = "text/csv; charset=utf-8; header=present";
        put_raw(call, "name,group,value,unit,formula,ref,equipment,what,at,row_value,row_weight\r\n");
    } else {
        json_open_object(call->out);
        json_text(call->out, "report", report->name);
        json_text(call->out, "from", from);
        json_text(call->out, "to", to);
        json_key(call->out, "lines");
        json_open_list(call->out);
    }
    for (size_t i = 0; i < LISTS; i++) {
        for (size_t k = 0; !err && k < lists[i]->count; k++) {
            if (strcmp(lists[i]->list[k].report, report->name) == 0) {
                err = put_figure(report, &lists[i]->list[k]);
            }
        }
    }
    if (!report->csv) {
        json_close_list(call->out);
        json_close_object(call->out);
    }
    return err;
}

/* Whether it was asked for with dashes or underscores. */
static bool is_called(const char *name, const char *asked)
{
    size_t at = 0;

    while (name[at] && (name[at] == asked[at] || (name[at] == '-' && asked[at] == '_'))) {
        at++;
    }
    return !name[at] && !asked[at];
}

/* The report's own name; NULL: none. */
static const char *find_report(const char *asked)
{
    for (size_t i = 0; i < LISTS; i++) {
        for (size_t k = 0; k < lists[i]->count; k++) {
            if (is_called(lists[i]->list[k].report, asked)) {
                return lists[i]->list[k].report;
            }
        }
    }
    return NULL;
}

void reports_show(struct call *call)
{
    const char *accept = http_header(call->request, "Accept");
    int32_t today = zone_day(call->zone, call->now_ms);
    struct report report = {.call = call, .name = find_report(call->parts[1])};

    if (!report.name) {
        call_problem(call, 404, "Not found", "no report called '%.60s'; /api/v1/reports lists them",
                     call->parts[1]);
        return;
    }
    if (!call_word(call, "by", groupings, &report.by)) {
        return;
    }
    if (!call_day(call, "to", today, &report.to) || !call_day(call, "from", report.to - 30, &report.from)) {
        return;
    }
    if (report.from > report.to) {
        call_problem(call, 422, "Cannot be done as asked", "expected from not after to");
        return;
    }
    report.from_ms = zone_instant(call->zone, report.from, 0);
    report.to_ms = zone_instant(call->zone, report.to + 1, 0);
    report.csv = http_accepts(accept, "text/csv") > http_accepts(accept, "application/json");
    call_header(call, "Vary", "Accept");
    if (report.csv && call_note(call, "report taken away as CSV", report.name, NULL)) {
        call_problem(call, 503, "The database is not writable", "what is taken away is noted first");
        return;
    }
    if (put_report(&report)) {
        call_problem(call, 503, "The database is not readable", "try again, or for a shorter span");
    }
}

/* The report whose first figure stands at k; returns the place behind its last. */
static size_t list_one(struct call *call, const struct figures *figures, size_t k)
{
    const char *name = figures->list[k].report;

    json_open_object(call->out);
    json_text(call->out, "name", name);
    json_key(call->out, "lines");
    json_open_list(call->out);
    for (; k < figures->count && strcmp(figures->list[k].report, name) == 0; k++) {
        json_put_text(call->out, figures->list[k].name);
    }
    json_close_list(call->out);
    json_close_object(call->out);
    return k;
}

void reports_list(struct call *call)
{
    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (size_t i = 0; i < LISTS; i++) {
        for (size_t k = 0; k < lists[i]->count;) {
            k = list_one(call, lists[i], k);
        }
    }
    json_close_list(call->out);
    json_null(call->out, "next");
    json_close_object(call->out);
}
