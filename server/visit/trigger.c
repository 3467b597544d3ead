/*
 * Triggers: so much of something since the last visit, a condition, a prediction. Whichever comes first pulls the next
 * visit forward, once; the plan's own dates stay, and no visit is lost by it. Where the plan has no calendar, it makes one.
 */
#include <stdlib.h>
#include <string.h>

#include "models/telemetry/reading.h"
#include "server/store/readings.h"
#include "server/visit/evaluate.h"
#include "server/visit/visit_int.h"

#define SLICE 2000

struct look { /* at one piece of equipment */
    struct office *office;
    struct sql *sql;
    struct place place;
    int32_t today;
    int64_t now_ms;
};

struct meter { /* a row of visit_meter */
    bool known;
    int64_t since_ms, read_ms, point;
    double used, last;
};

static enum err meter_load(const struct look *look, const char *name, struct meter *meter)
{
    struct sql_rows rows;

    *meter = (struct meter){.known = false};
    sql_find(look->sql, &rows, "SELECT since_ms, used, last, read_ms FROM visit_meter WHERE equipment = ?1 AND name = ?2",
             "it", look->place.equipment, name);
    if (sql_next(&rows)) {
        *meter = (struct meter){.known = true, .since_ms = sql_int(&rows, 0), .used = sql_real(&rows, 1),
                                .last = sql_real(&rows, 2), .read_ms = sql_int(&rows, 3)};
    }
    return sql_end(&rows);
}

static enum err meter_save(const struct look *look, const char *name, const struct meter *meter)
{
    return sql_run(look->sql,
                   "INSERT INTO visit_meter (equipment, name, since_ms, used, last, read_ms, point) VALUES (?1, ?2, ?3, ?4,"
                   " ?5, ?6, ?7) ON CONFLICT (equipment, name) DO UPDATE SET used = ?4, last = ?5, read_ms = ?6, point = ?7",
                   "itiddii", look->place.equipment, name, meter->since_ms, meter->used, meter->last, meter->read_ms,
                   meter->point);
}

/* ------------------------------------------------------------------ meters */

struct counting {
    struct meter *meter;
    enum plan_meter how;
    bool any; /* something was read, now or before */
};

/* A counter that falls was changed for a new one, which began at 0. */
static void count_value(struct meter *meter, double value)
{
    meter->used += value >= meter->last ? value - meter->last : value;
}

static bool count_one(void *context, const struct reading *reading)
{
    struct counting *counting = context;
    struct meter *meter = counting->meter;

    if (!reading->has_value || reading->quality != QUALITY_GOOD || reading->t_ms <= meter->read_ms) {
        return true;
    }
    if (counting->any && counting->how == PLAN_METER_VALUE) {
        count_value(meter, reading->value);
    } else if (counting->any && counting->how == PLAN_METER_ON_TIME && (meter->last < 0 || meter->last > 0)) {
        meter->used += (double)(reading->t_ms - meter->read_ms) / 3600000;
    } else if (counting->any && counting->how == PLAN_METER_RISES && !(meter->last < 0 || meter->last > 0) &&
               (reading->value < 0 || reading->value > 0)) {
        meter->used += 1;
    }
    counting->any = true;
    meter->last = reading->value;
    meter->read_ms = reading->t_ms;
    return true;
}

/* A counter needs only its last word. */
static enum err read_last(const struct look *look, struct counting *counting)
{
    struct reading reading = {.quality = QUALITY_GOOD, .has_value = true};
    struct sql_rows rows;

    sql_find(look->sql, &rows, "SELECT t_ms, value FROM last WHERE point = ?1 AND quality = 0 AND value IS NOT NULL", "i",
             counting->meter->point);
    if (sql_next(&rows)) {
        reading.t_ms = sql_int(&rows, 0);
        reading.value = sql_real(&rows, 1);
        (void)count_one(counting, &reading);
    }
    return sql_end(&rows);
}

/* From the first reading after it was first looked at. */
static enum err read_meter(const struct look *look, const struct plan_trigger *trigger, const struct point *point,
                           struct meter *meter)
{
    struct counting counting = {meter, trigger->meter, false};
    enum err err = meter_load(look, trigger->name, meter);

    if (err) {
        return err;
    }
    counting.any = meter->known;
    if (!meter->known) {
        *meter = (struct meter){.since_ms = look->now_ms, .read_ms = look->now_ms - 3 * point->heartbeat_ms};
    }
    meter->point = evaluate_row(look->sql, look->place.equipment, point);
    if (!meter->point) {
        return ERR_OK; /* it has never said anything */
    }
    err = trigger->meter == PLAN_METER_VALUE
              ? read_last(look, &counting)
              : readings_each(look->sql, meter->point, meter->read_ms + 1, look->now_ms + 1, count_one, &counting);
    return err || !counting.any ? err : meter_save(look, trigger->name, meter);
}

static enum err look_meter(const struct look *look, const struct plan_trigger *trigger, bool *ret_fires, struct text *why)
{
    const struct point *point = evaluate_point(look->place.profile, trigger->point);
    struct meter meter;
    enum err err;

    if (!point) {
        return ERR_OK;
    }
    err = read_meter(look, trigger, point, &meter);
    if (!err && meter.used >= trigger->every) {
        *ret_fires = true;
        text_addf(why, "%s: ", trigger->name);
        text_add_number(why, (double)(int64_t)(meter.used * 10 + 0.5) / 10);
        text_addf(why, " %s of ", trigger->meter == PLAN_METER_VALUE     ? point->unit
                                  : trigger->meter == PLAN_METER_ON_TIME ? "h on"
                                                                         : "starts");
        text_add_number(why, trigger->every);
        text_addf(why, " since the last visit, by %s", point->name);
    }
    return err;
}

/* ------------------------------------------------------------------ conditions and predictions */

/* Once each time it becomes true: a condition that a visit has not ended asks for no further one. */
static enum err look_condition(const struct look *look, const struct plan_trigger *trigger, bool *ret_fires,
                               struct text *why)
{
    struct expr_value value;
    struct meter meter;
    bool holds;
    enum err err = evaluate_words(look->office->arena, look->sql, look->place.profile, look->place.equipment, trigger->when,
                                  look->now_ms, &value);

    if (!err) {
        err = meter_load(look, trigger->name, &meter);
    }
    if (err || !value.known) {
        return err;
    }
    holds = value.number < 0 || value.number > 0;
    if (holds && !(meter.last > 0)) {
        *ret_fires = true;
        text_addf(why, "%s: %s", trigger->name, trigger->when);
    }
    meter = (struct meter){.since_ms = look->now_ms, .last = holds ? 1 : 0, .read_ms = look->now_ms};
    return meter_save(look, trigger->name, &meter);
}

static bool is_named(const char *const *components, const char *component)
{
    for (const char *const *name = components; *name; name++) {
        if (text_same(*name, component)) {
            return true;
        }
    }
    return !components[0];
}

/* The youngest open ticket about a prediction (F-22, F-23); each asks once. */
static enum err look_prediction(const struct look *look, const struct plan_trigger *trigger, bool *ret_fires,
                                struct text *why)
{
    struct meter meter;
    struct sql_rows rows;
    int64_t ticket = 0;
    enum err err = meter_load(look, trigger->name, &meter);

    sql_find(look->sql, &rows,
             "SELECT id, number, warranty FROM ticket WHERE equipment = ?1 AND kind = 'prediction' AND closed_ms IS NULL"
             " ORDER BY id",
             "i", look->place.equipment);
    while (sql_next(&rows)) {
        const char *words = sql_text(&rows, 2);
        const struct cJSON *warranty = NULL;

        (void)!json_parse(look->office->arena, words ? words : "{}", words ? strlen(words) : 2, &warranty, NULL);
        if (is_named(trigger->components, json_text_or(warranty, "component", NULL)) && sql_int(&rows, 0) > (int64_t)meter.last) {
            ticket = sql_int(&rows, 0);
            text_clear(why);
            text_addf(why, "%s: ticket %s", trigger->name, sql_text(&rows, 1));
        }
    }
    enum err end = sql_end(&rows);

    if (err || end || !ticket) {
        return err ? err : end;
    }
    *ret_fires = true;
    meter = (struct meter){.since_ms = look->now_ms, .last = (double)ticket, .read_ms = look->now_ms};
    return meter_save(look, trigger->name, &meter);
}

/* ------------------------------------------------------------------ what follows */

static enum err pull(const struct look *look, int64_t visit, const char *why)
{
    enum err err = sql_run(look->sql,
                           "UPDATE visit SET pull_day = ?2, pull_why = ?3, target_day = NULL, target_why = NULL, target_by ="
                           " NULL WHERE id = ?1",
                           "iit", visit, (int64_t)look->today, why);

    err = err ? err : visit_line(look->sql, visit, look->now_ms, "heliograph", "pull", NULL, why, NULL);
    return err ? err : visit_touched(look->sql, visit, look->now_ms);
}

/* Without a calendar: a visit from now on. */
static enum err make(const struct look *look, const struct visit_rule *rule, const char *why)
{
    int64_t sequence = 1 + sql_find_int(look->sql, 0, "SELECT MAX(sequence) FROM visit WHERE equipment = ?1", "i",
                                        look->place.equipment);
    int64_t days = rule->tolerance.unit == DURATION_MO ? 30 * rule->tolerance.count : rule->tolerance.count;
    enum err err = sql_run(look->sql,
                           "INSERT INTO visit (equipment, sequence, window_start_day, due_day, window_end_day, plan,"
                           " created_ms) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)",
                           "iiiiti", look->place.equipment, sequence, (int64_t)look->today, look->today + days,
                           look->place.plan->id, look->now_ms);

    return err ? err : pull(look, sql_last_id(look->sql), why);
}

/* Nothing when one is at hand already: whichever came first has asked for it. */
static enum err fire(const struct look *look, const char *why)
{
    int64_t equipment = look->place.equipment;
    struct visit_rule rule;
    int64_t next;
    enum err err;

    if (sql_find_int(look->sql, 0,
                     "SELECT 1 FROM visit WHERE equipment = ?1 AND (state IN ('released', 'attached') OR (state = 'planned'"
                     " AND (pull_day IS NOT NULL OR window_start_day <= ?2))) LIMIT 1",
                     "ii", equipment, (int64_t)look->today)) {
        return ERR_OK;
    }
    next = sql_find_int(look->sql, 0, "SELECT id FROM visit WHERE equipment = ?1 AND state = 'planned' ORDER BY sequence LIMIT 1",
                        "i", equipment);
    if (next) {
        return pull(look, next, why);
    }
    err = visit_rule_find(look->sql, &look->place, &rule);
    return err || visit_rule_repeats(&rule) ? err : make(look, &rule, why);
}

static enum err look_at(const struct look *look)
{
    const struct plan_visits *visits = look->place.plan->visits;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < visits->trigger_count; i++) {
        const struct plan_trigger *trigger = &visits->triggers[i];
        bool fires = false;
        TEXT(why, 300);

        err = trigger->kind == PLAN_TRIGGER_METER       ? look_meter(look, trigger, &fires, &why)
              : trigger->kind == PLAN_TRIGGER_CONDITION ? look_condition(look, trigger, &fires, &why)
                                                        : look_prediction(look, trigger, &fires, &why);
        if (!err && fires) {
            err = fire(look, why.at);
        }
    }
    return err;
}

enum err trigger_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t *ids = calloc(SLICE, sizeof(*ids)), last = 0;
    size_t count;
    enum err err = ids ? ERR_OK : ERR_NOMEM;

    do {
        struct sql_rows rows;

        count = 0;
        if (err) {
            break;
        }
        sql_find(sql, &rows,
                 "SELECT DISTINCT equipment FROM visit_series WHERE triggers = 1 AND equipment > ?1 ORDER BY equipment LIMIT"
                 " 2000",
                 "i", last);
        while (count < SLICE && sql_next(&rows)) {
            ids[count++] = sql_int(&rows, 0);
        }
        err = sql_end(&rows);
        for (size_t i = 0; !err && i < count; i++) {
            struct look look = {.office = office, .sql = sql, .now_ms = now_ms};

            last = ids[i];
            arena_reset(office->arena);
            err = place_find(office, sql, ids[i], 0, now_ms, &look.place);
            if (!err && look.place.plan && look.place.plan->visits && look.place.profile) {
                look.today = place_day(office, &look.place, now_ms);
                err = look_at(&look);
            }
        }
    } while (!err && count == SLICE);
    free(ids);
    return err;
}

enum err trigger_reset(struct sql *sql, int64_t equipment, int64_t done_ms)
{
    return sql_run(sql,
                   "UPDATE visit_meter SET used = 0, since_ms = ?2, last = COALESCE((SELECT l.value FROM last l WHERE l.point"
                   " = visit_meter.point AND l.quality = 0), last), read_ms = CASE WHEN read_ms > ?2 THEN read_ms ELSE ?2 END"
                   " WHERE equipment = ?1 AND point IS NOT NULL AND point > 0",
                   "ii", equipment, done_ms);
}
