/* What a fault is judged by, as it was last heard: whether anybody can say that the fault stands or has gone. */
#include <string.h>

#include "models/telemetry/reading.h"
#include "server/alarm/alarm.h"

#define POINTS_MOST 512 /* of a profile */
#define STALE       3   /* heartbeats of a point without a reading */

struct heard { /* the youngest reading of a point */
    bool any, good, failed;
    int64_t t_ms;
    double value;
};

struct inputs {
    const struct profile *profile;
    struct heard *heard; /* by the index of the point */
    int64_t now_ms;
    bool fresh; /* what is old counts as not known */
};

/* A point of which nothing was ever heard hides nothing: whoever tells faults without it knows best. */
static bool is_known(const struct inputs *inputs, size_t point)
{
    const struct heard *heard = &inputs->heard[point];

    return !heard->any || (heard->good && (!inputs->fresh || heard->t_ms >= inputs->now_ms - STALE * inputs->profile->points[point].heartbeat_ms));
}

static struct expr_value value_of(const void *context, size_t point)
{
    const struct inputs *inputs = context;

    return (struct expr_value){is_known(inputs, point), inputs->heard[point].any ? inputs->heard[point].value : 1};
}

static struct expr_value derived_of(const void *context, size_t derived);
static struct expr_value age_of(const void *context, size_t point);
static struct expr_value window_of(const void *context, enum expr_window_kind kind, size_t point, int64_t window_ms);

static struct expr_value evaluate(const struct inputs *inputs, const struct expr *expr)
{
    const struct expr_inputs from = {inputs, value_of, derived_of, age_of, window_of};

    return expr_evaluate(expr, &from);
}

static struct expr_value derived_of(const void *context, size_t derived)
{
    const struct inputs *inputs = context;

    return evaluate(inputs, inputs->profile->derived[derived].is);
}

static struct expr_value age_of(const void *context, size_t point)
{
    const struct inputs *inputs = context;

    return (struct expr_value){true, (double)(inputs->now_ms - inputs->heard[point].t_ms) / 1000};
}

/* Over a window: known when the point is. That a device has no believable value is known as soon as it said so. */
static struct expr_value window_of(const void *context, enum expr_window_kind kind, size_t point, int64_t window_ms)
{
    const struct inputs *inputs = context;

    (void)window_ms;
    if (kind == EXPR_FAILED) {
        return (struct expr_value){!inputs->heard[point].any || inputs->heard[point].good || inputs->heard[point].failed,
                                   inputs->heard[point].failed};
    }
    return (struct expr_value){is_known(inputs, point), kind == EXPR_RATE || kind == EXPR_CHANGED ? 0 : inputs->heard[point].value};
}

static enum err read_last(struct sql *sql, int64_t equipment, const struct profile *profile, struct heard *heard)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT p.name, l.t_ms, l.value, l.quality FROM point p JOIN last l ON l.point = p.id WHERE p.equipment = ?1", "i",
             equipment);
    while (sql_next(&rows)) {
        int point = profile_point(profile, sql_text(&rows, 0));
        int64_t quality = sql_int(&rows, 3);

        if (point >= 0 && point < POINTS_MOST) {
            heard[point] = (struct heard){.any = true, .t_ms = sql_int(&rows, 1), .value = sql_real(&rows, 2)};
            heard[point].good = quality == QUALITY_GOOD && !sql_null(&rows, 2);
            heard[point].failed = quality == QUALITY_INVALID || quality == QUALITY_RANGE;
        }
    }
    return sql_end(&rows);
}

static const struct profile *profile_of(struct sql *sql, struct rules *rules, int64_t equipment)
{
    const struct profile *profile = NULL;
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT profile FROM equipment WHERE id = ?1 AND profile IS NOT NULL", "i", equipment);
    if (sql_next(&rows)) {
        profile = rules_profile(rules, sql_text(&rows, 0));
    }
    return sql_end(&rows) ? NULL : profile;
}

bool inputs_unknown(struct sql *sql, struct rules *rules, int64_t equipment, const char *fault, bool fresh,
                    int64_t now_ms)
{
    const struct profile *profile = profile_of(sql, rules, equipment);
    int index = profile && fault ? profile_fault(profile, fault) : -1;
    struct heard heard[POINTS_MOST] = {{.any = false}};
    struct inputs inputs = {.profile = profile, .heard = heard, .now_ms = now_ms, .fresh = fresh};
    const struct fault_rule *rule;

    if (index < 0 || read_last(sql, equipment, profile, heard)) {
        return false;
    }
    rule = &profile->faults[index];
    return !evaluate(&inputs, rule->clear ? rule->clear : rule->when).known;
}
