/* A service file looked through: figures of the period that has ended, of the one before, and hints from both. */
#include <math.h>
#include <string.h>

#include "models/base/civil.h"
#include "server/dossier/dossier.h"
#include "server/dossier/usage.h"

#define UNITS_MOST 100 /* whose readings are added up */

struct figures {
    struct usage usage;
    int64_t tickets, repairs, owed, late, alarms;
    double clear_hours; /* mean, of what was cleared */
    bool has_clear;
};

static enum err add_usage(struct office *office, struct sql *sql, int64_t customer, int64_t from_ms, int64_t to_ms,
                          struct figures *figures)
{
    struct { int64_t id; const struct profile *profile; } units[UNITS_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT e.id, e.profile FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1 AND e.created_ms < ?2"
             " ORDER BY e.id LIMIT 100",
             "ii", customer, to_ms);
    while (count < UNITS_MOST && sql_next(&rows)) {
        units[count].id = sql_int(&rows, 0);
        units[count++].profile = sql_null(&rows, 1) ? NULL : rules_profile(office->options.rules, sql_text(&rows, 1));
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct usage usage;

        err = usage_find(sql, units[i].profile, units[i].id, from_ms, to_ms, &usage, NULL);
        usage_add(&figures->usage, &usage);
    }
    return err;
}

static enum err find_figures(struct office *office, struct sql *sql, int64_t customer, int64_t from_ms, int64_t to_ms,
                             struct figures *figures)
{
    struct sql_rows rows;
    enum err err;

    *figures = (struct figures){.tickets = 0};
    sql_find(sql, &rows,
             "SELECT COUNT(*), AVG(CASE WHEN t.cleared_ms IS NULL THEN NULL ELSE (t.cleared_ms - t.registered_ms) / 3600000.0"
             " END) FROM ticket t JOIN site s ON s.id = t.site WHERE s.customer = ?1 AND t.kind <> 'communication' AND"
             " t.registered_ms >= ?2 AND t.registered_ms < ?3",
             "iii", customer, from_ms, to_ms);
    if (sql_next(&rows)) {
        figures->tickets = sql_int(&rows, 0);
        figures->has_clear = !sql_null(&rows, 1);
        figures->clear_hours = figures->has_clear ? sql_real(&rows, 1) : 0;
    }
    err = sql_end(&rows);
    if (err) {
        return err;
    }
    figures->repairs = sql_find_int(sql, 0,
                                    "SELECT COUNT(*) FROM work_order w JOIN equipment e ON e.id = w.equipment JOIN site s ON"
                                    " s.id = e.site WHERE s.customer = ?1 AND w.kind IN ('corrective', 'depot_repair') AND"
                                    " w.state IN ('done', 'verified', 'closed') AND w.created_ms >= ?2 AND w.created_ms < ?3",
                                    "iii", customer, from_ms, to_ms);
    figures->owed = sql_find_int(sql, 0,
                                 "SELECT COUNT(*) FROM ticket t JOIN site s ON s.id = t.site JOIN clock c ON c.ticket = t.id AND"
                                 " c.cancelled_ms IS NULL WHERE s.customer = ?1 AND c.started_ms >= ?2 AND c.started_ms < ?3",
                                 "iii", customer, from_ms, to_ms);
    figures->late = sql_find_int(sql, 0,
                                 "SELECT COUNT(*) FROM ticket t JOIN site s ON s.id = t.site JOIN clock c ON c.ticket = t.id AND"
                                 " c.cancelled_ms IS NULL AND c.breached_ms IS NOT NULL WHERE s.customer = ?1 AND c.started_ms"
                                 " >= ?2 AND c.started_ms < ?3",
                                 "iii", customer, from_ms, to_ms);
    figures->alarms = sql_find_int(sql, 0,
                                   "SELECT COUNT(*) FROM equipment e JOIN site s ON s.id = e.site JOIN alarm a ON a.equipment ="
                                   " e.id WHERE s.customer = ?1 AND a.onset_ms >= ?2 AND a.onset_ms < ?3",
                                   "iii", customer, from_ms, to_ms);
    return add_usage(office, sql, customer, from_ms, to_ms, figures);
}

static void put_figures(struct json_out *out, const char *name, const struct figures *figures)
{
    json_key(out, name);
    json_open_object(out);
    json_int(out, "tickets", figures->tickets);
    json_int(out, "alarms", figures->alarms);
    json_int(out, "repairs", figures->repairs);
    json_int(out, "clocks", figures->owed);
    json_int(out, "clocks_late", figures->late);
    json_key(out, "clear_hours");
    if (figures->has_clear) {
        json_put_number(out, figures->clear_hours);
    } else {
        json_put_null(out);
    }
    usage_put(&figures->usage, out);
    json_close_object(out);
}

/* ------------------------------------------------------------------ hints */

static void hint(struct json_out *out, const char *kind, const char *what, double value, double before)
{
    json_open_object(out);
    json_text(out, "kind", kind);
    json_text(out, "what", what);
    json_number(out, "value", value);
    json_number(out, "before", before);
    json_close_object(out);
}

static void moved(struct json_out *out, const char *what, bool known, double value, double before, double share)
{
    if (known && before > 0 && fabs(value - before) >= share * before) {
        hint(out, value > before ? "more" : "less", what, value, before);
    }
}

static enum err put_repeats(struct sql *sql, int64_t customer, int64_t from_ms, int64_t to_ms, int repeat,
                            struct json_out *out)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT e.name, a.fault, COUNT(*) FROM equipment e JOIN site s ON s.id = e.site JOIN alarm a ON a.equipment = e.id"
             " WHERE s.customer = ?1 AND a.onset_ms >= ?2 AND a.onset_ms < ?3 GROUP BY e.name, a.fault HAVING COUNT(*) >= ?4"
             " ORDER BY 3 DESC, 1, 2 LIMIT 20",
             "iiii", customer, from_ms, to_ms, (int64_t)repeat);
    while (sql_next(&rows)) {
        TEXT(what, 200);

        text_addf(&what, "%s %s", sql_text(&rows, 0), sql_text(&rows, 1));
        hint(out, "repeat", what.at, (double)sql_int(&rows, 2), (double)repeat);
    }
    return sql_end(&rows);
}

static enum err put_hints(struct sql *sql, int64_t customer, const struct plan_files *files, int64_t from_ms, int64_t to_ms,
                          const struct figures *now, const struct figures *before, struct json_out *out)
{
    const struct usage *here = &now->usage, *there = &before->usage;
    bool comparable = here->watched_ms > 0 && there->watched_ms > here->watched_ms / 2; /* else it was hardly there */
    enum err err;

    json_key(out, "hints");
    json_open_list(out);
    err = put_repeats(sql, customer, from_ms, to_ms, files->repeat, out);
    if (now->late > 0) {
        hint(out, "late", "clocks", (double)now->late, (double)before->late);
    }
    if (comparable) {
        moved(out, "pump_hours", here->has_pump && there->has_pump, here->pump_hours, there->pump_hours, files->change);
        moved(out, "pump_starts", here->has_pump && there->has_pump, here->pump_starts, there->pump_starts, files->change);
        moved(out, "yield_kwh", here->has_yield && there->has_yield, here->yield_kwh, there->yield_kwh, files->change);
        moved(out, "heater_kwh", here->has_heater_power && there->has_heater_power, here->heater_kwh, there->heater_kwh,
              files->change);
        moved(out, "alarms", true, (double)now->alarms, (double)before->alarms, files->change);
    }
    json_close_list(out);
    return err;
}

/* ------------------------------------------------------------------ drafted */

/* The last period that has ended by that day: months of the calendar, counted from January 1970; days otherwise. */
static void find_period(struct duration length, int32_t today, int32_t *ret_from, int32_t *ret_to, int32_t *ret_before)
{
    int32_t count = (int32_t)length.count;

    if (length.unit == DURATION_MO || length.unit == DURATION_Y) {
        int year, month, day, months, begun;

        count = length.unit == DURATION_Y ? 12 * count : count;
        civil_from_days(today, &year, &month, &day);
        months = (year - 1970) * 12 + month - 1;
        begun = months - months % count;
        *ret_to = civil_add_months(0, begun) - 1;
        *ret_from = civil_add_months(0, begun - count);
        *ret_before = civil_add_months(0, begun - 2 * count);
        return;
    }
    *ret_to = today - today % count - 1;
    *ret_from = *ret_to + 1 - count;
    *ret_before = *ret_from - count;
}

enum err dossier_analyse(struct office *office, struct sql *sql, int64_t customer, const struct place *place, int64_t now_ms)
{
    const struct plan_files *files = &place->plan->files;
    const struct zone *zone = place->time_zone ? rules_zone(office->options.rules, place->time_zone) : NULL;
    struct json_out body = json_out(256 * 1024);
    struct figures now, last;
    int32_t from, to, before;
    int64_t from_ms, to_ms;
    enum err err;

    if (files->analysis.count <= 0) {
        return ERR_OK;
    }
    zone = zone ? zone : zone_utc();
    find_period(files->analysis, zone_day(zone, now_ms), &from, &to, &before);
    from_ms = zone_instant(zone, from, 0);
    to_ms = zone_instant(zone, to + 1, 0);
    if (sql_find_int(sql, 0, "SELECT 1 FROM file_analysis WHERE customer = ?1 AND from_day = ?2", "ii", customer,
                     (int64_t)from) ||
        !sql_find_int(sql, 0,
                      "SELECT 1 FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1 AND e.created_ms < ?2 LIMIT"
                      " 1",
                      "ii", customer, to_ms)) {
        return ERR_OK; /* it is there, or there was nothing yet to look at */
    }
    err = find_figures(office, sql, customer, from_ms, to_ms, &now);
    err = err ? err : find_figures(office, sql, customer, zone_instant(zone, before, 0), from_ms, &last);
    json_open_object(&body);
    if (!err) {
        put_figures(&body, "period", &now);
        put_figures(&body, "before", &last);
        err = put_hints(sql, customer, files, from_ms, to_ms, &now, &last, &body);
    }
    json_close_object(&body);
    err = err ? err : body.err;
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO file_analysis (customer, from_day, to_day, plan, body, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                      " ON CONFLICT (customer, from_day) DO NOTHING",
                      "iiitti", customer, (int64_t)from, (int64_t)to, place->plan->id, body.bytes, now_ms);
    }
    json_out_free(&body);
    return err;
}
