/*
 * Reports: every number with its formula and the rows that it was made from. A figure is a query that
 * gives rows (group, ref, equipment, what, at, value, weight); its number is the sum of the values, or
 * their sum by the sum of the weights (a mean, a share, a rate). One number a group.
 */
#include <math.h>
#include <string.h>

#include "server/api/api_int.h"

#define ROWS_SHOWN 1000   /* of a number, in JSON; CSV has all */
#define ROWS_MOST  200000 /* of a figure */

/* a, b: the span in ms, b not in it; c, d: its first and last day; n: now */
#define SPAN "WITH span (a, b, c, d, n) AS (SELECT ?1, ?2, ?3, ?4, ?5) "
#define TICKET_CLOCKS                                                                              \
    " FROM clock k JOIN ticket t ON t.id = k.ticket LEFT JOIN equipment e ON e.id = t.equipment, "  \
    "span "
#define RESTORED                                                                                   \
    " FROM ticket t LEFT JOIN equipment e ON e.id = t.equipment, span WHERE t.kind = 'fault' AND"   \
    " t.cleared_ms >= a AND t.cleared_ms < b "

struct figure {
    const char *report, *name, *unit, *formula;
    bool ratio; /* values by weights; else the sum of the values */
    const char *statement;
};

static const struct figure figures[] = {
    {"service-levels", "attainment", "share",
     "clocks met in time / clocks met or missed in the span, by kind; given-up ones do not count", true,
     SPAN "SELECT k.kind, t.number, e.name, k.limit_text, COALESCE(k.breached_ms, k.met_ms),"
          " CASE WHEN k.breached_ms IS NULL THEN 1 ELSE 0 END, 1" TICKET_CLOCKS
          "WHERE k.cancelled_ms IS NULL AND COALESCE(k.breached_ms, k.met_ms) >= a AND"
          " COALESCE(k.breached_ms, k.met_ms) < b ORDER BY 1, 5"},
    {"service-levels", "mean time until met", "min",
     "sum of (met - started) / clocks met in the span, by kind; pauses included", true,
     SPAN "SELECT k.kind, t.number, e.name, k.limit_text, k.met_ms, (k.met_ms - k.started_ms) /"
          " 60000.0, 1" TICKET_CLOCKS "WHERE k.met_ms >= a AND k.met_ms < b ORDER BY 1, 5"},
    {"mttr", "mean time to restore", "h",
     "sum of (cleared - onset) / fault tickets cleared in the span, by grade", true,
     SPAN "SELECT 'grade ' || t.grade, t.number, e.name, t.fault, t.cleared_ms, (t.cleared_ms -"
          " t.onset_ms) / 3600000.0, 1" RESTORED "ORDER BY 1, 5"},
    {"mttr", "mean time to restore without pauses", "h",
     "sum of (cleared - onset - paused) / fault tickets cleared in the span, by grade", true,
     SPAN "SELECT 'grade ' || t.grade, t.number, e.name, t.fault, t.cleared_ms, (t.cleared_ms -"
          " t.onset_ms - COALESCE((SELECT SUM(MAX(0, MIN(COALESCE(p.to_ms, n), t.cleared_ms) -"
          " MAX(p.from_ms, t.onset_ms))) FROM pause p WHERE p.ticket = t.id), 0)) / 3600000.0, 1"
          RESTORED "ORDER BY 1, 5"},
    {"mtbf", "mean time between failures", "h",
     "hours watched in the span / alarms of grade 1 and 2 in it, over all equipment, also what never"
     " failed",
     true,
     SPAN "SELECT '', e.name, e.name, e.profile, NULL, MAX(0, MIN(b, n) - MAX(a, e.created_ms)) /"
          " 3600000.0, (SELECT COUNT(*) FROM alarm m WHERE m.equipment = e.id AND m.grade <= 2 AND"
          " m.onset_ms >= a AND m.onset_ms < b) FROM equipment e, span WHERE e.claimed = 1 ORDER BY"
          " e.id"},
    {"first-time-fix", "first-time fix", "share",
     "fault tickets cleared or closed in the span after one finished order, never back or opened again /"
     " those with any finished order",
     true,
     SPAN "SELECT '', t.number, e.name, t.fault, COALESCE(t.closed_ms, t.cleared_ms), CASE WHEN (SELECT"
          " COUNT(*) FROM work_order w WHERE w.ticket = t.id AND w.kind = 'corrective' AND w.state ="
          " 'done') = 1 AND NOT EXISTS (SELECT 1 FROM ticket_event v WHERE v.ticket = t.id AND v.action IN"
          " ('reopen', 'relapse')) THEN 1 ELSE 0 END, 1 FROM ticket t LEFT JOIN equipment e ON e.id = t.equipment, span"
          " WHERE t.kind = 'fault' AND COALESCE(t.closed_ms, t.cleared_ms) >= a AND"
          " COALESCE(t.closed_ms, t.cleared_ms) < b AND EXISTS (SELECT 1 FROM work_order w WHERE"
          " w.ticket = t.id AND w.kind = 'corrective' AND w.state = 'done') ORDER BY 5"},
    {"alarm-load", "alarms", "alarms", "count of alarms registered in the span, by grade", false,
     SPAN "SELECT 'grade ' || m.grade, t.number, e.name, m.fault, m.registered_ms, 1, 1 FROM alarm m"
          " JOIN equipment e ON e.id = m.equipment LEFT JOIN ticket t ON t.id = m.ticket, span WHERE"
          " m.registered_ms >= a AND m.registered_ms < b ORDER BY 1, 5"},
    {"alarm-load", "alarms an hour", "1/h", "alarms registered in the span / its hours until now", true,
     SPAN "SELECT '', NULL, NULL, 'alarms in hours', a, (SELECT COUNT(*) FROM alarm m WHERE"
          " m.registered_ms >= a AND m.registered_ms < b), MAX(3600000, MIN(b, n) - a) / 3600000.0 FROM"
          " span"},
    {"alarm-load", "share of the ten most frequent", "share",
     "alarms of the ten most frequent (equipment, fault) / all alarms of the span", true,
     SPAN "SELECT '', NULL, x.name, x.fault, NULL, CASE WHEN x.place <= 10 THEN x.many ELSE 0 END, x.many"
          " FROM (SELECT e.name, m.fault, COUNT(*) AS many, ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC,"
          " e.id, m.fault) AS place FROM alarm m JOIN equipment e ON e.id = m.equipment, span WHERE"
          " m.registered_ms >= a AND m.registered_ms < b GROUP BY e.id, m.fault) x, span ORDER BY"
          " x.place"},
    {"alarm-load", "floods", "periods", "count of 10-minute periods with more than 10 alarms", false,
     SPAN "SELECT '', NULL, NULL, COUNT(*) || ' alarms', m.registered_ms / 600000 * 600000, 1, 1 FROM"
          " alarm m, span WHERE m.registered_ms >= a AND m.registered_ms < b GROUP BY m.registered_ms /"
          " 600000 HAVING COUNT(*) > 10 ORDER BY 5"},
    {"alarm-load", "stale alarms", "alarms", "count of alarms active for more than 24 h now", false,
     SPAN "SELECT '', t.number, e.name, m.fault, m.onset_ms, 1, 1 FROM alarm m JOIN equipment e ON e.id ="
          " m.equipment LEFT JOIN ticket t ON t.id = m.ticket, span WHERE m.cleared_ms IS NULL AND"
          " m.onset_ms < n - 86400000 ORDER BY 5"},
    {"visits", "visits due", "visits", "count of visits with due_on in the span, by state", false,
     SPAN "SELECT v.state, w.number, e.name, v.reason, v.due_day * 86400000, 1, 1 FROM visit v JOIN"
          " equipment e ON e.id = v.equipment LEFT JOIN work_order w ON w.visit = v.id AND w.state <>"
          " 'cancelled', span WHERE v.due_day BETWEEN c AND d ORDER BY 1, 5, v.id"},
    {"visits", "visits done", "share", "visits done / visits with due_on in the span", true,
     SPAN "SELECT '', w.number, e.name, v.state, v.due_day * 86400000, CASE WHEN v.state ="
          " 'done' THEN 1 ELSE 0 END, 1 FROM visit v"
          " JOIN equipment e ON e.id = v.equipment LEFT JOIN work_order w ON w.visit = v.id AND w.state"
          " <> 'cancelled', span WHERE v.due_day BETWEEN c AND d ORDER BY 5, v.id"},
    {"spares", "parts used", "pieces", "sum of parts taken from stock in the span, by part", false,
     SPAN "SELECT p.name, w.number, e.name, d.name, m.at_ms, -m.count, 1 FROM stock_move m JOIN part p ON"
          " p.id = m.part JOIN depot d ON d.id = m.depot LEFT JOIN work_order w ON w.id = m.work_order"
          " LEFT JOIN equipment e ON e.id = w.equipment, span WHERE m.at_ms >= a AND m.at_ms < b ORDER"
          " BY 1, 5"},
    {"spares", "parts in stock", "pieces", "sum of what lies in the depots now, by part", false,
     SPAN "SELECT p.name, d.name, NULL, p.title_en, n, s.count, 1 FROM stock s JOIN part p ON p.id ="
          " s.part JOIN depot d ON d.id = s.depot, span ORDER BY 1, 2"},
    {"tickets", "tickets registered", "tickets", "count of tickets registered in the span, by kind", false,
     SPAN "SELECT t.kind, t.number, e.name, t.fault, t.registered_ms, 1, 1 FROM ticket t LEFT JOIN"
          " equipment e ON e.id = t.equipment, span WHERE t.registered_ms >= a AND t.registered_ms < b"
          " ORDER BY 1, 5"},
    {"tickets", "tickets closed", "tickets", "count of tickets closed in the span, by kind", false,
     SPAN "SELECT t.kind, t.number, e.name, t.fault, t.closed_ms, 1, 1 FROM ticket t LEFT JOIN"
          " equipment e ON e.id = t.equipment, span WHERE t.closed_ms >= a AND t.closed_ms < b ORDER BY"
          " 1, 5"},
    {"tickets", "clocks breached", "clocks", "count of clocks whose due time passed in the span, by kind",
     false,
     SPAN "SELECT k.kind, t.number, e.name, k.limit_text, k.breached_ms, 1, 1" TICKET_CLOCKS
          "WHERE k.breached_ms >= a AND k.breached_ms < b ORDER BY 1, 5"},
};
#define FIGURES (sizeof(figures) / sizeof(figures[0]))

struct line { /* a row behind a number */
    const char *group, *ref, *equipment, *what;
    int64_t at_ms; /* 0: none */
    double value, weight;
};

struct report {
    struct call *call;
    const char *name;
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

    sql_find(call->sql, &rows, figure->statement, "iiiii", report->from_ms, report->to_ms,
             (int64_t)report->from, (int64_t)report->to, call->now_ms);
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

/* RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe. */
static void put_cell(struct call *call, const char *words, const char *end)
{
    put_raw(call, "\"");
    if (words && words[0] && strchr("=+-@\t\r", words[0])) {
        put_raw(call, "'");
    }
    for (; words && *words; words++) {
        char one[3] = {*words, *words == '"' ? '"' : '\0', '\0'};

        put_raw(call, one);
    }
    put_raw(call, "\"");
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
    for (size_t i = 0; !err && i < FIGURES; i++) {
        if (strcmp(figures[i].report, report->name) == 0) {
            err = put_figure(report, &figures[i]);
        }
    }
    if (!report->csv) {
        json_close_list(call->out);
        json_close_object(call->out);
    }
    return err;
}

/* The report's own name, whether it was asked for with dashes or underscores; NULL: none. */
static const char *find_report(const char *asked)
{
    for (size_t i = 0; i < FIGURES; i++) {
        const char *name = figures[i].report;
        size_t at = 0;

        while (name[at] && (name[at] == asked[at] || (name[at] == '-' && asked[at] == '_'))) {
            at++;
        }
        if (!name[at] && !asked[at]) {
            return name;
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

void reports_list(struct call *call)
{
    const char *before = "";

    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (size_t i = 0; i < FIGURES; i++) {
        if (strcmp(figures[i].report, before) != 0) {
            before = figures[i].report;
            json_open_object(call->out);
            json_text(call->out, "name", before);
            json_key(call->out, "lines");
            json_open_list(call->out);
            for (size_t k = i; k < FIGURES && strcmp(figures[k].report, before) == 0; k++) {
                json_put_text(call->out, figures[k].name);
            }
            json_close_list(call->out);
            json_close_object(call->out);
        }
    }
    json_close_list(call->out);
    json_null(call->out, "next");
    json_close_object(call->out);
}
