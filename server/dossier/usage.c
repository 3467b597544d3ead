/* Usage: one walk over the readings of each point that tells of it. */
#include "server/dossier/usage.h"

#include <string.h>

#include "server/store/readings.h"

#define HOUR_MS 3600000.0

enum measure { MEASURE_NONE, MEASURE_STATE, MEASURE_COUNTER, MEASURE_POWER };

struct walk { /* over one point */
    int64_t last_ms, gap_ms; /* after a longer silence nobody knows what it did */
    double last, on_ms, starts, rise, sum; /* sum: value × hours */
    bool has;
};

static enum measure measure_of(const struct point *point)
{
    size_t size = point->role ? strlen(point->role) : 0;

    if (size > 6 && strcmp(point->role + size - 6, "_state") == 0) {
        return MEASURE_STATE;
    }
    if (text_same(point->role, "yield_energy") || text_same(point->role, "pump_hours")) {
        return MEASURE_COUNTER;
    }
    return text_same(point->role, "heater_power") ? MEASURE_POWER : MEASURE_NONE;
}

static bool is_on(double value)
{
    return value < 0 || value > 0;
}

/* A counter that falls was changed for a new one: it goes on from there. */
static bool take(void *context, const struct reading *reading)
{
    struct walk *walk = context;
    int64_t passed_ms = reading->t_ms - walk->last_ms;

    if (reading->quality != QUALITY_GOOD || !reading->has_value || reading->text) {
        walk->last = 0; /* not known: it is not taken for running */
        return true;
    }
    if (walk->has && passed_ms <= walk->gap_ms) {
        walk->on_ms += is_on(walk->last) ? (double)passed_ms : 0;
        walk->sum += walk->last * (double)passed_ms / HOUR_MS;
    }
    walk->starts += walk->has && !is_on(walk->last) && is_on(reading->value) ? 1 : 0;
    walk->rise += walk->has && reading->value > walk->last ? reading->value - walk->last : 0;
    walk->last = reading->value;
    walk->last_ms = reading->t_ms;
    walk->has = true;
    return true;
}

/* Counters do not lose what they stood at when a reading is missing. */
static bool take_counter(void *context, const struct reading *reading)
{
    return reading->quality == QUALITY_GOOD && reading->has_value ? take(context, reading) : true;
}

static double in_kwh(const char *unit)
{
    return text_same(unit, "MWh") ? 1000 : text_same(unit, "Wh") ? 0.001 : text_same(unit, "GJ") ? 277.78 : 1;
}

static void add_point(const struct point *point, enum measure measure, const struct walk *walk, struct usage *usage)
{
    if (measure == MEASURE_STATE && strstr(point->role, "pump_state")) {
        usage->pump_hours += walk->on_ms / HOUR_MS;
        usage->pump_starts += walk->starts;
        usage->has_pump = true;
    } else if (measure == MEASURE_STATE && text_same(point->role, "heater_state")) {
        usage->heater_hours += walk->on_ms / HOUR_MS;
        usage->has_heater = true;
    } else if (text_same(point->role, "yield_energy")) {
        usage->yield_kwh += walk->rise * in_kwh(point->unit);
        usage->has_yield = true;
    } else if (measure == MEASURE_POWER) {
        usage->heater_kwh += walk->sum * (text_same(point->unit, "kW") ? 1 : 0.001);
        usage->has_heater_power = true;
    }
}

static void put_point(const struct point *point, enum measure measure, const struct walk *walk, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "point", point->name);
    json_key(out, "title");
    json_open_object(out);
    json_text(out, "en", point->title.en ? point->title.en : point->name);
    json_text(out, "zh", point->title.zh ? point->title.zh : point->name);
    json_close_object(out);
    if (measure == MEASURE_STATE) {
        json_number(out, "hours", walk->on_ms / HOUR_MS);
        json_number(out, "starts", walk->starts);
    } else {
        json_number(out, "sum", measure == MEASURE_COUNTER ? walk->rise : walk->sum);
        json_text(out, "unit", measure == MEASURE_POWER ? text_same(point->unit, "kW") ? "kWh" : "Wh" : point->unit);
    }
    json_close_object(out);
}

enum err usage_down(struct sql *sql, int64_t equipment, int64_t from_ms, int64_t to_ms, int64_t *ret_ms)
{
    int64_t end_ms = from_ms;
    struct sql_rows rows;

    *ret_ms = 0;
    sql_find(sql, &rows,
             "SELECT onset_ms, COALESCE(cleared_ms, ?3) FROM alarm WHERE equipment = ?1 AND grade = 1 AND onset_ms < ?3 AND"
             " COALESCE(cleared_ms, ?3) > ?2 ORDER BY onset_ms, id",
             "iii", equipment, from_ms, to_ms);
    while (sql_next(&rows)) {
        int64_t from = sql_int(&rows, 0), to = sql_int(&rows, 1);

        from = from > end_ms ? from : end_ms;
        to = to < to_ms ? to : to_ms;
        *ret_ms += to > from ? to - from : 0;
        end_ms = to > end_ms ? to : end_ms;
    }
    return sql_end(&rows);
}

enum err usage_find(struct sql *sql, const struct profile *profile, int64_t equipment, int64_t from_ms, int64_t to_ms,
                    struct usage *ret_usage, struct json_out *out)
{
    int64_t created_ms = sql_find_int(sql, 0, "SELECT created_ms FROM equipment WHERE id = ?1", "i", equipment);
    enum err err;

    *ret_usage = (struct usage){0};
    from_ms = created_ms > from_ms ? created_ms : from_ms;
    ret_usage->watched_ms = to_ms > from_ms ? to_ms - from_ms : 0;
    err = to_ms > from_ms ? usage_down(sql, equipment, from_ms, to_ms, &ret_usage->down_ms) : ERR_OK;
    for (size_t i = 0; !err && profile && to_ms > from_ms && i < profile->point_count; i++) {
        const struct point *point = &profile->points[i];
        struct walk walk = {.gap_ms = 3 * point->heartbeat_ms};
        enum measure measure = measure_of(point);
        int64_t row = 0;

        if (measure != MEASURE_NONE) {
            row = sql_find_int(sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it", equipment, point->name);
        }
        if (row) {
            err = readings_each(sql, row, from_ms, to_ms, measure == MEASURE_COUNTER ? take_counter : take, &walk);
        }
        if (!err && walk.has) {
            add_point(point, measure, &walk, ret_usage);
            if (out) {
                put_point(point, measure, &walk, out);
            }
        }
    }
    return err;
}

void usage_add(struct usage *to, const struct usage *from)
{
    to->pump_hours += from->pump_hours;
    to->pump_starts += from->pump_starts;
    to->heater_hours += from->heater_hours;
    to->yield_kwh += from->yield_kwh;
    to->heater_kwh += from->heater_kwh;
    to->has_pump |= from->has_pump;
    to->has_heater |= from->has_heater;
    to->has_yield |= from->has_yield;
    to->has_heater_power |= from->has_heater_power;
    to->watched_ms += from->watched_ms;
    to->down_ms += from->down_ms;
}

static void put(struct json_out *out, const char *name, bool has, double value)
{
    if (has) {
        json_number(out, name, value);
    } else {
        json_null(out, name);
    }
}

void usage_put(const struct usage *usage, struct json_out *out)
{
    put(out, "availability", usage->watched_ms > 0,
        usage->watched_ms > 0 ? 1 - (double)usage->down_ms / (double)usage->watched_ms : 0);
    put(out, "pump_hours", usage->has_pump, usage->pump_hours);
    put(out, "pump_starts", usage->has_pump, usage->pump_starts);
    put(out, "heater_hours", usage->has_heater, usage->heater_hours);
    put(out, "yield_kwh", usage->has_yield, usage->yield_kwh);
    put(out, "heater_kwh", usage->has_heater_power, usage->heater_kwh);
}
