/* Inputs of expressions from stored readings. */
#include "server/visit/evaluate.h"

#include "models/telemetry/reading.h"
#include "server/store/readings.h"

struct inputs {
    struct sql *sql;
    const struct profile *profile;
    int64_t equipment, now_ms;
    enum err *err; /* the first failure */
};

/* A name means a point first, then a derived point, then a role, as in the profile itself. */
static struct expr_name find_name(const void *context, const char *name)
{
    const struct profile *profile = context;
    int index = profile_point(profile, name), derived = profile_derived(profile, name);

    if (index < 0 && derived >= 0) {
        return (struct expr_name){EXPR_NAME_DERIVED, (size_t)derived};
    }
    index = index < 0 ? profile_role(profile, name) : index;
    return index < 0 ? (struct expr_name){EXPR_NAME_NONE, 0} : (struct expr_name){EXPR_NAME_POINT, (size_t)index};
}

const struct point *evaluate_point(const struct profile *profile, const char *name)
{
    struct expr_name found = find_name(profile, name);

    return found.kind == EXPR_NAME_POINT ? &profile->points[found.index] : NULL;
}

int64_t evaluate_row(struct sql *sql, int64_t equipment, const struct point *point)
{
    return sql_find_int(sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it", equipment, point->name);
}

/* The last value, and when it was. */
static struct expr_value last_value(const struct inputs *inputs, size_t point, int64_t *ret_ms)
{
    const struct point *which = &inputs->profile->points[point];
    struct expr_value value = {false, 0};
    struct sql_rows rows;
    enum err err;

    *ret_ms = 0;
    sql_find(inputs->sql, &rows, "SELECT t_ms, value, quality FROM last WHERE point = ?1", "i",
             evaluate_row(inputs->sql, inputs->equipment, which));
    if (sql_next(&rows) && !sql_null(&rows, 1) && sql_int(&rows, 2) == QUALITY_GOOD) {
        *ret_ms = sql_int(&rows, 0);
        value = (struct expr_value){true, sql_real(&rows, 1)};
    }
    err = sql_end(&rows);
    *inputs->err = *inputs->err ? *inputs->err : err;
    return value;
}

static struct expr_value point_value(const void *context, size_t point)
{
    const struct inputs *inputs = context;
    int64_t t_ms;
    struct expr_value value = last_value(inputs, point, &t_ms);

    value.known = value.known && t_ms >= inputs->now_ms - 3 * inputs->profile->points[point].heartbeat_ms;
    return value;
}

static struct expr_value age_value(const void *context, size_t point)
{
    const struct inputs *inputs = context;
    int64_t t_ms;
    struct expr_value value = last_value(inputs, point, &t_ms);

    value.number = (double)(inputs->now_ms - t_ms) / 1000;
    return value;
}

struct window { /* what is gathered of a span */
    int64_t from_ms, to_ms, last_ms, first_ms;
    double least, most, area, first, last;
    bool any, failed;
};

static bool gather(void *context, const struct reading *reading)
{
    struct window *window = context;

    if (!reading->has_value || reading->quality != QUALITY_GOOD) {
        window->failed = reading->quality == QUALITY_INVALID || reading->quality == QUALITY_RANGE;
        return true;
    }
    window->failed = false;
    if (window->any) {
        window->area += window->last * (double)(reading->t_ms - window->last_ms);
    } else {
        window->first = window->least = window->most = reading->value;
        window->first_ms = reading->t_ms;
    }
    window->any = true;
    window->least = reading->value < window->least ? reading->value : window->least;
    window->most = reading->value > window->most ? reading->value : window->most;
    window->last = reading->value;
    window->last_ms = reading->t_ms;
    return true;
}

static struct expr_value window_value(const void *context, enum expr_window_kind kind, size_t point, int64_t window_ms)
{
    const struct inputs *inputs = context;
    const struct point *which = &inputs->profile->points[point];
    struct window window = {.from_ms = inputs->now_ms - (window_ms ? window_ms : which->heartbeat_ms * 3),
                            .to_ms = inputs->now_ms};
    int64_t row = evaluate_row(inputs->sql, inputs->equipment, which);
    double span;
    enum err err = row ? readings_each(inputs->sql, row, window.from_ms, window.to_ms + 1, gather, &window) : ERR_OK;

    *inputs->err = *inputs->err ? *inputs->err : err;
    if (kind == EXPR_FAILED) {
        return (struct expr_value){window.any || window.failed, window.failed ? 1 : 0};
    }
    if (!window.any) {
        return (struct expr_value){false, 0};
    }
    span = (double)(window.to_ms - window.first_ms);
    window.area += window.last * (double)(window.to_ms - window.last_ms);
    switch (kind) {
    case EXPR_MIN:
        return (struct expr_value){true, window.least};
    case EXPR_MAX:
        return (struct expr_value){true, window.most};
    case EXPR_MEAN:
        return (struct expr_value){true, span > 0 ? window.area / span : window.last};
    case EXPR_RATE:
        return (struct expr_value){span > 0, span > 0 ? (window.last - window.first) / (span / 60000) : 0};
    default:
        return (struct expr_value){true, window.least < window.most ? 1 : 0};
    }
}

static struct expr_value derived_value(const void *context, size_t derived)
{
    const struct inputs *inputs = context;
    struct expr_inputs again = {inputs, point_value, derived_value, age_value, window_value};

    return expr_evaluate(inputs->profile->derived[derived].is, &again);
}

enum err evaluate_words(struct arena *arena, struct sql *sql, const struct profile *profile, int64_t equipment,
                        const char *words, int64_t now_ms, struct expr_value *ret_value)
{
    enum err err = ERR_OK;
    struct inputs inputs = {sql, profile, equipment, now_ms, &err};
    struct expr_inputs from = {&inputs, point_value, derived_value, age_value, window_value};
    const struct expr *expr;
    TEXT(why, 200);
    int column;

    *ret_value = (struct expr_value){false, 0};
    if (expr_compile(arena, words, find_name, profile, &expr, &why, &column)) {
        return ERR_OK; /* it speaks of points that this profile does not have */
    }
    *ret_value = expr_evaluate(expr, &from);
    return err;
}
