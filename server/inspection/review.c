/* An operation review: what the equipment did, what was promised and kept, what may come, what is proposed. */
#include "server/inspection/review.h"

#include <stdlib.h>
#include <string.h>

#include "server/dossier/usage.h"
#include "server/inspection/inspection.h"
#include "server/store/readings.h"

#define HOUR_MS     3600000.0
#define RISKS_MOST  200
#define FAULTS_MOST 20

/* Equipment e of the site ?1 or the contract ?2. */
#define OURS "(e.site = ?1 OR e.site IN (SELECT x.site FROM contract_site x WHERE x.contract = ?2))"
#define ASKED asked->site, asked->contract

struct unit {
    int64_t id, agent, created_ms;
    const struct profile *profile;
};

struct sums { /* over all units */
    int64_t units, watched_ms, down_ms, offline_ms, faults[4], open, risks, proposals;
    double yield;
    bool has_yield;
};

static void put_time(struct json_out *out, const struct zone *zone, const char *name, int64_t ms)
{
    TEXT(words, 48);

    if (ms > 0) {
        zone_write(zone, ms, &words);
    }
    json_text(out, name, ms > 0 ? words.at : NULL);
}

/* ------------------------------------------------------------------ one piece of equipment */

/* The rows (from, to) within the span, in order of their beginning; what overlaps counts once. */
static enum err add_union(struct sql_rows *rows, int64_t from_ms, int64_t to_ms, int64_t *ret_sum_ms)
{
    int64_t end_ms = from_ms;

    *ret_sum_ms = 0;
    while (sql_next(rows)) {
        int64_t from = sql_int(rows, 0), to = sql_int(rows, 1);

        from = from > end_ms ? from : end_ms;
        to = to < to_ms ? to : to_ms;
        *ret_sum_ms += to > from ? to - from : 0;
        end_ms = to > end_ms ? to : end_ms;
    }
    return sql_end(rows);
}

static enum err find_offline(struct sql *sql, const struct unit *unit, int64_t from_ms, int64_t to_ms, int64_t *ret_ms)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT onset_ms, COALESCE(cleared_ms, closed_ms, ?3) FROM ticket WHERE agent = ?1 AND kind = 'communication' AND"
             " onset_ms < ?3 AND COALESCE(cleared_ms, closed_ms, ?3) > ?2 ORDER BY onset_ms, id",
             "iii", unit->agent, from_ms, to_ms);
    return add_union(&rows, from_ms, to_ms, ret_ms);
}

struct rise {
    double last, sum;
    bool has;
};

/* A meter that wraps or is renewed falls: it goes on from there. */
static bool add_rise(void *context, const struct reading *reading)
{
    struct rise *rise = context;

    if (reading->quality != QUALITY_GOOD || !reading->has_value || reading->text) {
        return true;
    }
    rise->sum += rise->has && reading->value > rise->last ? reading->value - rise->last : 0;
    rise->last = reading->value;
    rise->has = true;
    return true;
}

static double in_kwh(const char *unit)
{
    return text_same(unit, "MWh") ? 1000 : text_same(unit, "Wh") ? 0.001 : text_same(unit, "GJ") ? 277.78 : 1;
}

static enum err find_yield(struct sql *sql, const struct unit *unit, int64_t from_ms, int64_t to_ms, double *ret_kwh,
                           bool *ret_known)
{
    enum err err = ERR_OK;

    *ret_kwh = 0;
    *ret_known = false;
    for (size_t i = 0; !err && unit->profile && i < unit->profile->point_count; i++) {
        const struct point *point = &unit->profile->points[i];
        struct rise rise = {.has = false};
        int64_t row;

        if (!text_same(point->role, "yield_energy")) {
            continue;
        }
        row = sql_find_int(sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it", unit->id, point->name);
        err = row ? readings_each(sql, row, from_ms, to_ms, add_rise, &rise) : ERR_OK;
        *ret_kwh += rise.sum * in_kwh(point->unit);
        *ret_known = *ret_known || rise.has;
    }
    return err;
}

static enum err put_faults_of(struct sql *sql, const struct unit *unit, const struct review_asked *asked, struct sums *sums,
                              struct json_out *out)
{
    int64_t counts[4] = {0};
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT grade, COUNT(*) FROM alarm WHERE equipment = ?1 AND onset_ms >= ?2 AND onset_ms < ?3 GROUP BY"
                         " grade",
             "iii", unit->id, asked->from_ms, asked->to_ms);
    while (sql_next(&rows)) {
        int64_t grade = sql_int(&rows, 0);

        counts[grade >= 1 && grade <= 3 ? grade : 0] += sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    for (int grade = 1; grade <= 3; grade++) {
        char name[] = "faults_0";

        name[7] = (char)('0' + grade);
        json_int(out, name, counts[grade]);
        sums->faults[grade] += counts[grade];
    }
    return err;
}

static enum err put_unit(struct sql *sql, const struct review_asked *asked, const struct unit *unit, struct sums *sums,
                         struct json_out *out)
{
    int64_t from_ms = unit->created_ms > asked->from_ms ? unit->created_ms : asked->from_ms, down_ms = 0, offline_ms = 0;
    int64_t to_ms = asked->to_ms < asked->now_ms ? asked->to_ms : asked->now_ms, watched_ms;
    double yield = 0;
    bool known = false;
    enum err err = to_ms > from_ms ? usage_down(sql, unit->id, from_ms, to_ms, &down_ms) : ERR_OK;

    err = err ? err : find_offline(sql, unit, from_ms, to_ms, &offline_ms);
    if (!err && sums->units < REVIEW_YIELDS_MOST) {
        err = find_yield(sql, unit, from_ms, to_ms, &yield, &known);
    }
    watched_ms = to_ms > from_ms ? to_ms - from_ms : 0;
    json_key(out, "availability");
    if (watched_ms > 0) {
        json_put_number(out, 1 - (double)down_ms / (double)watched_ms);
    } else {
        json_put_null(out);
    }
    json_number(out, "offline_hours", (double)offline_ms / HOUR_MS);
    json_key(out, "yield_kwh");
    if (known) {
        json_put_number(out, yield);
    } else {
        json_put_null(out);
    }
    sums->units++;
    sums->watched_ms += watched_ms;
    sums->down_ms += down_ms;
    sums->offline_ms += offline_ms;
    sums->yield += yield;
    sums->has_yield = sums->has_yield || known;
    return err ? err : put_faults_of(sql, unit, asked, sums, out);
}

/* ------------------------------------------------------------------ all of it */

/* Interoperability: which profile in which text, which agent in which version, and what its last inspection said. */
#define UNITS                                                                                                      \
    "SELECT e.id, e.agent, e.created_ms, e.name, e.title, e.profile, e.profile_hash, a.name, a.version, (SELECT COUNT(*)" \
    " FROM ticket t WHERE t.equipment = e.id AND t.closed_ms IS NULL), i.number, i.result, i.done_ms, e.status FROM"      \
    " equipment e LEFT JOIN agent a ON a.id = e.agent LEFT JOIN inspection i ON i.id = (SELECT MAX(j.id) FROM inspection" \
    " j WHERE j.equipment = e.id AND j.state = 'done' AND j.way <> 'test') WHERE " OURS " ORDER BY e.name LIMIT 500"

static enum err put_units(struct sql *sql, const struct review_asked *asked, struct sums *sums, struct json_out *out)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    json_key(out, "equipment");
    json_open_list(out);
    sql_find(sql, &rows, UNITS, "ii", ASKED);
    while (!err && sql_next(&rows)) {
        const struct profile *profile = sql_null(&rows, 5) ? NULL : rules_profile(asked->rules, sql_text(&rows, 5));
        struct unit unit = {sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), profile};

        json_open_object(out);
        json_text(out, "equipment", sql_text(&rows, 3));
        json_text(out, "title", sql_text(&rows, 4));
        json_text(out, "status", sql_text(&rows, 13));
        json_text(out, "profile", sql_text(&rows, 5));
        json_bool(out, "profile_same", profile && text_same(sql_text(&rows, 6), profile->hash));
        json_text(out, "agent", sql_text(&rows, 7));
        json_text(out, "agent_version", sql_text(&rows, 8));
        json_int(out, "open_tickets", sql_int(&rows, 9));
        json_text(out, "inspection", sql_text(&rows, 10));
        json_text(out, "result", sql_text(&rows, 11));
        put_time(out, asked->zone, "inspected_at", sql_int(&rows, 12));
        sums->open += sql_int(&rows, 9);
        err = put_unit(sql, asked, &unit, sums, out);
        json_close_object(out);
    }
    end = sql_end(&rows);
    json_close_list(out);
    return err ? err : end;
}

static enum err put_faults(struct sql *sql, const struct review_asked *asked, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "faults");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT a.fault, MIN(a.grade), COUNT(*), COUNT(DISTINCT a.equipment), MIN(e.profile) FROM equipment e JOIN alarm a"
             " ON a.equipment = e.id WHERE " OURS " AND a.onset_ms >= ?3 AND a.onset_ms < ?4 GROUP BY a.fault ORDER BY 3 DESC, 1"
             " LIMIT 20",
             "iiii", ASKED, asked->from_ms, asked->to_ms);
    while (sql_next(&rows)) {
        const struct profile *profile = sql_null(&rows, 4) ? NULL : rules_profile(asked->rules, sql_text(&rows, 4));
        int fault = profile ? profile_fault(profile, sql_text(&rows, 0)) : -1;

        json_open_object(out);
        json_text(out, "fault", sql_text(&rows, 0));
        json_key(out, "title");
        json_open_object(out);
        json_text(out, "en", fault >= 0 ? profile->faults[fault].title.en : sql_text(&rows, 0));
        json_text(out, "zh", fault >= 0 ? profile->faults[fault].title.zh : sql_text(&rows, 0));
        json_close_object(out);
        json_int(out, "grade", sql_int(&rows, 1));
        json_int(out, "times", sql_int(&rows, 2));
        json_int(out, "equipment", sql_int(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* Clocks of its tickets, and of what else is owed for its equipment and sites, that began in the span. */
static enum err put_clocks(struct sql *sql, const struct review_asked *asked, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "clocks");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT k.kind, COUNT(*), SUM(CASE WHEN k.met_ms IS NOT NULL AND k.breached_ms IS NULL THEN 1 ELSE 0 END), SUM(CASE"
             " WHEN k.breached_ms IS NOT NULL THEN 1 ELSE 0 END), MIN(k.origin) FROM (SELECT c.id FROM equipment e JOIN ticket t"
             " ON t.equipment = e.id JOIN clock c ON c.ticket = t.id WHERE " OURS " AND c.started_ms >= ?3 AND c.started_ms < ?4"
             " AND c.cancelled_ms IS NULL UNION SELECT c.id FROM equipment e JOIN clock c ON c.subject = 'equipment' AND"
             " c.subject_id = e.id WHERE " OURS " AND c.started_ms >= ?3 AND c.started_ms < ?4 AND c.cancelled_ms IS NULL AND"
             " c.kind NOT IN ('warranty', 'agreement') UNION SELECT c.id FROM equipment e JOIN inspection i ON i.equipment ="
             " e.id JOIN clock c ON c.subject = 'inspection' AND c.subject_id = i.id WHERE " OURS " AND c.started_ms >= ?3 AND"
             " c.started_ms < ?4 AND c.cancelled_ms IS NULL) u JOIN clock k ON k.id = u.id GROUP BY k.kind ORDER BY k.kind",
             "iiii", ASKED, asked->from_ms, asked->to_ms);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "kind", sql_text(&rows, 0));
        json_int(out, "owed", sql_int(&rows, 1));
        json_int(out, "kept", sql_int(&rows, 2));
        json_int(out, "breached", sql_int(&rows, 3));
        json_text(out, "origin", sql_text(&rows, 4));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* What may become more: open tickets of grade 1 and 2, lines that failed at the last inspection, who is silent. */
#define RISKS                                                                                                       \
    "SELECT 'ticket', e.name, t.number, t.title_en, t.title_zh, t.grade FROM equipment e JOIN ticket t ON t.equipment ="  \
    " e.id AND t.closed_ms IS NULL AND t.grade <= 2 WHERE " OURS " UNION ALL SELECT 'inspection', e.name, i.number,"      \
    " l.line, l.line, COALESCE(l.grade, 3) FROM equipment e JOIN inspection i ON i.id = (SELECT MAX(j.id) FROM inspection" \
    " j WHERE j.equipment = e.id AND j.state = 'done' AND j.way <> 'test') JOIN inspection_line l ON l.inspection = i.id" \
    " AND l.verdict = 'fail' WHERE " OURS " UNION ALL SELECT 'silent', e.name, NULL, 'not connected', '未连接', 3 FROM"    \
    " equipment e WHERE e.status = 'offline' AND " OURS " ORDER BY 6, 2, 3, 4 LIMIT 200"

static enum err put_risks(struct sql *sql, const struct review_asked *asked, struct sums *sums, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "risks");
    json_open_list(out);
    sql_find(sql, &rows, RISKS, "ii", ASKED);
    while (sql_next(&rows)) {
        sums->risks++;
        json_open_object(out);
        json_text(out, "kind", sql_text(&rows, 0));
        json_text(out, "equipment", sql_text(&rows, 1));
        json_text(out, "ref", sql_text(&rows, 2));
        json_key(out, "what");
        json_open_object(out);
        json_text(out, "en", sql_text(&rows, 3));
        json_text(out, "zh", sql_text(&rows, 4));
        json_close_object(out);
        json_int(out, "grade", sql_int(&rows, 5));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_proposals(struct sql *sql, const struct review_asked *asked, struct sums *sums, struct json_out *out)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    json_key(out, "proposals");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT p.id FROM equipment e JOIN proposal p ON p.equipment = e.id WHERE " OURS " AND p.state IN ('open',"
             " 'accepted') ORDER BY p.id LIMIT 200",
             "ii", ASKED);
    while (!err && sql_next(&rows)) {
        sums->proposals++;
        err = proposal_show(sql, asked->zone, sql_int(&rows, 0), out);
    }
    end = sql_end(&rows);
    json_close_list(out);
    return err ? err : end;
}

static int64_t counted(struct sql *sql, const struct review_asked *asked, const char *state)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM equipment e JOIN visit v ON v.equipment = e.id WHERE " OURS " AND v.due_day * 86400000"
                        " >= ?3 AND v.due_day * 86400000 < ?4 AND (?5 = '' OR v.state = ?5)",
                        "iiiit", ASKED, asked->from_ms, asked->to_ms, state);
}

static void put_summary(struct sql *sql, const struct review_asked *asked, const struct sums *sums, struct json_out *out)
{
    json_key(out, "summary");
    json_open_object(out);
    json_int(out, "equipment", sums->units);
    json_key(out, "availability");
    if (sums->watched_ms > 0) {
        json_put_number(out, 1 - (double)sums->down_ms / (double)sums->watched_ms);
    } else {
        json_put_null(out);
    }
    json_number(out, "offline_hours", (double)sums->offline_ms / HOUR_MS);
    json_key(out, "yield_kwh");
    if (sums->has_yield) {
        json_put_number(out, sums->yield);
    } else {
        json_put_null(out);
    }
    json_int(out, "faults_1", sums->faults[1]);
    json_int(out, "faults_2", sums->faults[2]);
    json_int(out, "faults_3", sums->faults[3]);
    json_int(out, "open_tickets", sums->open);
    json_int(out, "visits_due", counted(sql, asked, ""));
    json_int(out, "visits_done", counted(sql, asked, "done"));
    json_int(out, "risks", sums->risks);
    json_int(out, "proposals", sums->proposals);
    json_close_object(out);
}

static void put_formulas(struct json_out *out)
{
    json_key(out, "formulas");
    json_open_object(out);
    json_text(out, "availability", "hours without an alarm of grade 1 / hours watched in the span; overlapping alarms count once");
    json_text(out, "offline_hours", "hours of communication tickets of its agent in the span; overlapping ones count once");
    json_text(out, "yield_kwh", "sum of the rises of points with the role yield_energy, in kWh; null where there are none");
    json_text(out, "clocks", "clocks begun in the span and not given up; kept: met and never breached");
    json_close_object(out);
}

static enum err put_subject(struct sql *sql, const struct review_asked *asked, struct json_out *out)
{
    struct sql_rows rows;
    char from[11], to[11];

    sql_find(sql, &rows,
             "SELECT s.name, s.title, c.title, s.address FROM site s LEFT JOIN customer c ON c.id = s.customer WHERE s.id = ?1"
             " UNION ALL SELECT n.name, n.plan, c.title, NULL FROM contract n LEFT JOIN customer c ON c.id = n.customer WHERE n.id"
             " = ?2",
             "ii", ASKED);
    json_text(out, "kind", asked->kind);
    if (sql_next(&rows)) {
        json_text(out, "id", sql_text(&rows, 0));
        json_text(out, "title", sql_text(&rows, 1));
        json_text(out, "customer", sql_text(&rows, 2));
        json_text(out, "address", sql_text(&rows, 3));
    }
    civil_write_date(zone_day(asked->zone, asked->from_ms), from);
    civil_write_date(zone_day(asked->zone, asked->to_ms - 1), to);
    json_text(out, "from", from);
    json_text(out, "to", to);
    return sql_end(&rows);
}

enum err review_show(struct sql *sql, const struct review_asked *asked, struct json_out *out)
{
    struct sums sums = {.units = 0};
    enum err err;

    json_open_object(out);
    err = put_subject(sql, asked, out);
    err = err ? err : put_units(sql, asked, &sums, out);
    err = err ? err : put_faults(sql, asked, out);
    err = err ? err : put_clocks(sql, asked, out);
    err = err ? err : put_risks(sql, asked, &sums, out);
    err = err ? err : put_proposals(sql, asked, &sums, out);
    if (!err) {
        put_summary(sql, asked, &sums, out);
        put_formulas(out);
    }
    json_close_object(out);
    return err ? err : out->err;
}
