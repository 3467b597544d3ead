/* Readings against the rules of a profile, in event time. The meanings stand in judge.h. */
#include "models/fault/judge.h"

#include <string.h>

#include "models/fault/window.h"

#define JUDGE_BYTES_MOST (64 * 1024 * 1024)
#define NEVER            INT64_MIN
#define STALE_BEATS      3 /* heartbeats of silence after which a value is unknown */

struct seen { /* one point */
    bool good, failed; /* failed: the device itself says that there is no believable value */
    double value;
    int64_t last_ms, last_good_ms; /* NEVER: not yet */
    int64_t limit_ms;              /* silence after which it is unknown */
    struct window *window; /* NULL: no rule looks back at it */
};

struct rule_state {
    const struct fault_rule *rule;
    const size_t *inputs; /* points its conditions read, through derived points too */
    size_t input_count;
    bool timed; /* asks for ages or windows: may change without a reading */
    bool dirty; /* an input changed since its last evaluation */
    bool open, reset, holds;
    int grade;
    int64_t onset_ms, clear_ms; /* begin of the spans; NEVER: no span */
};

struct judge {
    struct arena *arena;
    const struct profile *profile;
    struct seen *points;
    struct rule_state *rules;
    size_t *order;          /* inhibitors before what they inhibit */
    size_t **readers;       /* rules that read a point */
    size_t *reader_counts;
    int64_t now_ms; /* of the last decision */
};

/* ------------------------------------------------------------------ inputs of expressions */

static struct expr_value point_value(const void *context, size_t point)
{
    const struct judge *judge = context;
    const struct seen *seen = &judge->points[point];
    bool fresh = seen->good && judge->now_ms - seen->last_ms <= seen->limit_ms;

    return (struct expr_value){fresh, seen->value};
}

static struct expr_value derived_value(const void *context, size_t derived);
static struct expr_value age_value(const void *context, size_t point);
static struct expr_value window_value(const void *context, enum expr_window_kind kind, size_t point,
                                      int64_t window_ms);

static struct expr_inputs inputs_of(const struct judge *judge)
{
    return (struct expr_inputs){
        .context = judge,
        .point = point_value,
        .derived = derived_value,
        .age = age_value,
        .window = window_value,
    };
}

static struct expr_value derived_value(const void *context, size_t derived)
{
    const struct judge *judge = context;
    struct expr_inputs inputs = inputs_of(judge);

    return expr_evaluate(judge->profile->derived[derived].is, &inputs);
}

static struct expr_value age_value(const void *context, size_t point)
{
    const struct judge *judge = context;
    const struct seen *seen = &judge->points[point];

    if (seen->last_good_ms == NEVER) {
        return (struct expr_value){false, 0};
    }
    return (struct expr_value){true, (double)(judge->now_ms - seen->last_good_ms) / 1000.0};
}

static struct expr_value window_value(const void *context, enum expr_window_kind kind, size_t point,
                                      int64_t window_ms)
{
    const struct judge *judge = context;
    const struct seen *seen = &judge->points[point];

    if (kind == EXPR_FAILED) {
        bool fresh = seen->last_ms != NEVER && judge->now_ms - seen->last_ms <= seen->limit_ms;

        return (struct expr_value){fresh && (seen->good || seen->failed), seen->failed};
    }
    if (!seen->window || !point_value(context, point).known) {
        return (struct expr_value){false, 0};
    }
    return window_ask(seen->window, kind, judge->now_ms, window_ms);
}

/* ------------------------------------------------------------------ what reads what */

struct collect { /* points of an expression, each once */
    const struct profile *profile;
    bool *wanted;
    int64_t *reach_ms; /* longest window per point */
    bool timed;
};

static void collect_expr(struct collect *collect, const struct expr *expr);

static void collect_point(void *context, size_t point, int64_t window_ms)
{
    struct collect *collect = context;

    collect->wanted[point] = true;
    if (window_ms > collect->reach_ms[point]) {
        collect->reach_ms[point] = window_ms;
    }
    collect->timed = collect->timed || window_ms > 0;
}

static void collect_derived(void *context, size_t derived)
{
    struct collect *collect = context;

    collect_expr(collect, collect->profile->derived[derived].is);
}

static void collect_expr(struct collect *collect, const struct expr *expr)
{
    if (expr) {
        collect->timed = collect->timed || expr_has_age(expr); /* it moves by itself, as windows do */
        expr_each_point(expr, collect_point, collect);
        expr_each_derived(expr, collect_derived, collect);
    }
}

static void collect_rule(struct collect *collect, const struct fault_rule *rule)
{
    collect_expr(collect, rule->when);
    collect_expr(collect, rule->clear);
    for (size_t i = 0; i < rule->rung_count; i++) {
        collect_expr(collect, rule->ladder[i].when);
    }
}

static enum err open_rule(struct judge *judge, size_t index, struct collect *collect)
{
    struct rule_state *state = &judge->rules[index];
    size_t count = judge->profile->point_count, *inputs;

    state->rule = &judge->profile->faults[index];
    state->onset_ms = state->clear_ms = NEVER;
    state->dirty = true;
    memset(collect->wanted, 0, count * sizeof(*collect->wanted));
    collect->timed = false;
    collect_rule(collect, state->rule);
    state->timed = collect->timed;
    inputs = arena_array(judge->arena, count + 1, sizeof(*inputs));
    if (!inputs) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (collect->wanted[i]) {
            inputs[state->input_count++] = i;
            judge->reader_counts[i]++;
        }
    }
    state->inputs = inputs;
    return ERR_OK;
}

static void put_in_order(struct judge *judge, size_t index, bool *done, size_t *io_count)
{
    const struct fault_rule *rule = &judge->profile->faults[index];

    done[index] = true;
    for (size_t i = 0; i < rule->inhibited_count; i++) {
        if (!done[rule->inhibited_by[i]]) {
            put_in_order(judge, rule->inhibited_by[i], done, io_count);
        }
    }
    judge->order[(*io_count)++] = index;
}

static enum err open_readers(struct judge *judge)
{
    for (size_t i = 0; i < judge->profile->point_count; i++) {
        judge->readers[i] =
            arena_array(judge->arena, judge->reader_counts[i] + 1, sizeof(**judge->readers));
        if (!judge->readers[i]) {
            return ERR_NOMEM;
        }
        judge->reader_counts[i] = 0;
    }
    for (size_t r = 0; r < judge->profile->fault_count; r++) {
        for (size_t i = 0; i < judge->rules[r].input_count; i++) {
            size_t point = judge->rules[r].inputs[i];

            judge->readers[point][judge->reader_counts[point]++] = r;
        }
    }
    return ERR_OK;
}

static enum err open_points(struct judge *judge, const struct collect *collect)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < judge->profile->point_count; i++) {
        const struct point *point = &judge->profile->points[i];
        struct seen *seen = &judge->points[i];

        seen->last_ms = seen->last_good_ms = NEVER;
        seen->limit_ms = STALE_BEATS * point->heartbeat_ms;
        if (collect->reach_ms[i] > 0) {
            seen->window = arena_take(judge->arena, sizeof(*seen->window));
            err = seen->window ? window_init(seen->window, judge->arena, collect->reach_ms[i],
                                             point->every_ms)
                               : ERR_NOMEM;
        }
    }
    return err;
}

static enum err open_all(struct judge *judge)
{
    const struct profile *profile = judge->profile;
    struct collect collect = {.profile = profile};
    size_t points = profile->point_count, faults = profile->fault_count, count = 0;
    bool *done = arena_array(judge->arena, faults + 1, sizeof(*done));
    enum err err = ERR_OK;

    collect.wanted = arena_array(judge->arena, points + 1, sizeof(*collect.wanted));
    collect.reach_ms = arena_array(judge->arena, points + 1, sizeof(*collect.reach_ms));
    judge->points = arena_array(judge->arena, points + 1, sizeof(*judge->points));
    judge->rules = arena_array(judge->arena, faults + 1, sizeof(*judge->rules));
    judge->order = arena_array(judge->arena, faults + 1, sizeof(*judge->order));
    judge->readers = arena_array(judge->arena, points + 1, sizeof(*judge->readers));
    judge->reader_counts = arena_array(judge->arena, points + 1, sizeof(*judge->reader_counts));
    if (!done || !collect.wanted || !collect.reach_ms || !judge->points || !judge->rules ||
        !judge->order || !judge->readers || !judge->reader_counts) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; !err && i < faults; i++) {
        err = open_rule(judge, i, &collect);
    }
    for (size_t i = 0; i < profile->inspection_count; i++) {
        collect_expr(&collect, profile->inspection[i].is);
    }
    for (size_t i = 0; i < faults; i++) {
        if (!done[i]) {
            put_in_order(judge, i, done, &count);
        }
    }
    if (!err) {
        err = open_readers(judge);
    }
    return err ? err : open_points(judge, &collect);
}

enum err judge_open(const struct profile *profile, struct judge **ret_judge)
{
    struct arena *arena;
    struct judge *judge;
    enum err err = arena_open(JUDGE_BYTES_MOST, &arena);

    if (err) {
        return err;
    }
    judge = arena_take(arena, sizeof(*judge));
    if (!judge) {
        arena_close(arena);
        return ERR_NOMEM;
    }
    judge->arena = arena;
    judge->profile = profile;
    judge->now_ms = NEVER;
    err = open_all(judge);
    if (err) {
        judge_close(judge);
        return err;
    }
    *ret_judge = judge;
    return ERR_OK;
}

void judge_close(struct judge *judge)
{
    if (judge) {
        arena_close(judge->arena);
    }
}

/* ------------------------------------------------------------------ readings */

/* The point was unknown for longer than its limit: no span reaches over that. */
static void break_spans(struct judge *judge, size_t point)
{
    for (size_t i = 0; i < judge->reader_counts[point]; i++) {
        struct rule_state *state = &judge->rules[judge->readers[point][i]];

        state->clear_ms = NEVER;
        if (!state->open) {
            state->onset_ms = NEVER;
        }
    }
    if (judge->points[point].window) {
        window_clear(judge->points[point].window);
    }
}

enum err judge_take(struct judge *judge, size_t point, const struct reading *reading)
{
    struct seen *seen = &judge->points[point];
    bool good = reading->quality == QUALITY_GOOD && reading->has_value && !reading->text;

    if (reading->t_ms < seen->last_ms || reading->t_ms < judge->now_ms) {
        return ERR_RANGE;
    }
    if (good) {
        if (seen->last_good_ms != NEVER && reading->t_ms - seen->last_good_ms > seen->limit_ms) {
            break_spans(judge, point);
        }
        seen->value = reading->value;
        seen->last_good_ms = reading->t_ms;
        if (seen->window) {
            window_add(seen->window, reading->t_ms, reading->value);
        }
    }
    seen->good = good;
    seen->failed = reading->quality == QUALITY_INVALID || reading->quality == QUALITY_RANGE;
    seen->last_ms = reading->t_ms;
    for (size_t i = 0; i < judge->reader_counts[point]; i++) {
        judge->rules[judge->readers[point][i]].dirty = true;
    }
    return ERR_OK;
}

/* ------------------------------------------------------------------ decisions */

static bool is_true(struct expr_value value)
{
    return value.known && (value.number > 0 || value.number < 0);
}

static bool is_inhibited(const struct judge *judge, const struct rule_state *state)
{
    for (size_t i = 0; i < state->rule->inhibited_count; i++) {
        const struct rule_state *other = &judge->rules[state->rule->inhibited_by[i]];

        if (other != state && (other->open || other->holds)) {
            return true;
        }
    }
    return false;
}

/* The most severe rung that matches, else the rule's own grade. A rung whose condition is unknown
 * keeps the grade it has given. */
static int ladder_grade(const struct judge *judge, const struct rule_state *state)
{
    struct expr_inputs inputs = inputs_of(judge);
    int grade = 0;

    for (size_t i = 0; i < state->rule->rung_count; i++) {
        const struct fault_rung *rung = &state->rule->ladder[i];
        bool matches = rung->after_ms < 0 || judge->now_ms - state->onset_ms >= rung->after_ms;

        if (matches && rung->when) {
            struct expr_value value = expr_evaluate(rung->when, &inputs);

            matches = value.known ? is_true(value) : state->open && state->grade == rung->grade;
        }
        if (matches && (grade == 0 || rung->grade < grade)) {
            grade = rung->grade;
        }
    }
    return grade ? grade : state->rule->grade;
}

static struct verdict say(const struct judge *judge, const struct rule_state *state,
                          enum fault_state what)
{
    return (struct verdict){
        .fault = (size_t)(state - judge->rules),
        .state = what,
        .grade = state->grade,
        .onset_ms = state->onset_ms,
        .detected_ms = state->onset_ms + state->rule->for_ms,
        .cleared_ms = state->clear_ms,
        .t_ms = judge->now_ms,
    };
}

static bool decide_raise(struct judge *judge, struct rule_state *state, struct expr_value when,
                         struct verdict *verdict)
{
    if (!when.known) {
        return false; /* the span holds its breath */
    }
    if (!is_true(when)) {
        state->onset_ms = NEVER;
        return false;
    }
    if (state->onset_ms == NEVER) {
        state->onset_ms = judge->now_ms;
    }
    if (judge->now_ms - state->onset_ms < state->rule->for_ms || is_inhibited(judge, state)) {
        return false;
    }
    state->grade = ladder_grade(judge, state);
    state->open = true;
    state->reset = false;
    state->clear_ms = NEVER;
    *verdict = say(judge, state, FAULT_RAISED);
    return true;
}

static bool decide_clear(struct judge *judge, struct rule_state *state, struct expr_value when,
                         struct verdict *verdict)
{
    struct expr_inputs inputs = inputs_of(judge);
    struct expr_value clear = {when.known, !is_true(when)};

    if (state->rule->clear) {
        clear = expr_evaluate(state->rule->clear, &inputs);
    }
    if (!clear.known) {
        return false;
    }
    if (!is_true(clear)) {
        state->clear_ms = NEVER;
        return false;
    }
    if (state->clear_ms == NEVER) {
        state->clear_ms = judge->now_ms;
    }
    if (judge->now_ms - state->clear_ms < state->rule->clear_for_ms ||
        (state->rule->latching && !state->reset)) {
        return false;
    }
    state->open = false;
    state->dirty = true; /* `when` may hold all the same: the next decision looks */
    *verdict = say(judge, state, FAULT_CLEARED);
    state->onset_ms = state->clear_ms = NEVER;
    return true;
}

static bool decide_grade(struct judge *judge, struct rule_state *state, struct verdict *verdict)
{
    int grade = state->rule->rung_count > 0 ? ladder_grade(judge, state) : state->grade;

    if (grade == state->grade) {
        return false;
    }
    state->grade = grade;
    *verdict = say(judge, state, FAULT_REGRADED);
    return true;
}

static bool decide(struct judge *judge, struct rule_state *state, struct verdict *verdict)
{
    struct expr_inputs inputs = inputs_of(judge);
    struct expr_value when = expr_evaluate(state->rule->when, &inputs);

    state->dirty = false;
    state->holds = is_true(when);
    if (!state->open) {
        return decide_raise(judge, state, when, verdict);
    }
    return decide_clear(judge, state, when, verdict) || decide_grade(judge, state, verdict);
}

size_t judge_decide(struct judge *judge, int64_t t_ms, struct verdict *verdicts, size_t most)
{
    size_t count = 0;

    if (t_ms < judge->now_ms) {
        return 0;
    }
    judge->now_ms = t_ms;
    for (size_t i = 0; i < judge->profile->fault_count && count < most; i++) {
        struct rule_state *state = &judge->rules[judge->order[i]];

        /* a rule that is quiet, reads no clock and got nothing new cannot have changed */
        if (state->dirty || state->timed || state->open || state->onset_ms != NEVER) {
            count += decide(judge, state, &verdicts[count]);
        }
    }
    return count;
}

/* ------------------------------------------------------------------ the rest */

void judge_restore(struct judge *judge, size_t fault, int grade, int64_t onset_ms)
{
    struct rule_state *state = &judge->rules[fault];

    if (!state->open) {
        state->reset = false;
        state->clear_ms = NEVER;
    }
    state->open = true;
    state->grade = grade;
    state->onset_ms = onset_ms;
}

void judge_withdraw(struct judge *judge, size_t fault)
{
    struct rule_state *state = &judge->rules[fault];

    state->open = false;
    state->onset_ms = state->clear_ms = NEVER;
}

void judge_reset(struct judge *judge, size_t fault)
{
    judge->rules[fault].reset = true;
}

bool judge_is_open(const struct judge *judge, size_t fault)
{
    return judge->rules[fault].open;
}

bool judge_is_unknown(const struct judge *judge, size_t fault)
{
    struct expr_inputs inputs = inputs_of(judge);

    return !expr_evaluate(judge->rules[fault].rule->when, &inputs).known;
}

static void longest(void *context, size_t point, int64_t window_ms)
{
    int64_t *most = context;

    (void)point;
    if (window_ms > *most) {
        *most = window_ms;
    }
}

static void look_back(const struct expr *expr, int64_t *io_window_ms)
{
    if (expr) {
        expr_each_point(expr, longest, io_window_ms);
        if (expr_has_age(expr)) {
            *io_window_ms = EXPR_WINDOW_MOST_MS; /* a last good reading may lie far behind */
        }
    }
}

int64_t judge_horizon_ms(const struct profile *profile)
{
    int64_t horizon = 0, window = 0;

    for (size_t i = 0; i < profile->derived_count; i++) {
        look_back(profile->derived[i].is, &window);
    }
    for (size_t i = 0; i < profile->fault_count; i++) {
        const struct fault_rule *rule = &profile->faults[i];
        int64_t delay = rule->for_ms > rule->clear_for_ms ? rule->for_ms : rule->clear_for_ms;

        look_back(rule->when, &window);
        look_back(rule->clear, &window);
        for (size_t k = 0; k < rule->rung_count; k++) {
            look_back(rule->ladder[k].when, &window);
        }
        horizon = delay > horizon ? delay : horizon;
    }
    for (size_t i = 0; i < profile->point_count; i++) {
        int64_t beat = STALE_BEATS * profile->points[i].heartbeat_ms;

        window = beat > window ? beat : window; /* a value said that long ago may still hold */
    }
    return horizon + window;
}

struct expr_value judge_value(const struct judge *judge, size_t point)
{
    return point_value(judge, point);
}

struct expr_value judge_evaluate(const struct judge *judge, const struct expr *expr)
{
    struct expr_inputs inputs = inputs_of(judge);

    return expr_evaluate(expr, &inputs);
}

void judge_evidence(const struct judge *judge, size_t fault, struct json_out *out)
{
    const struct rule_state *state = &judge->rules[fault];

    json_open_object(out);
    for (size_t i = 0; i < state->input_count; i++) {
        struct expr_value value = point_value(judge, state->inputs[i]);
        const char *name = judge->profile->points[state->inputs[i]].name;

        if (value.known) {
            json_number(out, name, value.number);
        } else {
            json_null(out, name);
        }
    }
    json_close_object(out);
}

size_t judge_bytes(const struct judge *judge)
{
    return arena_used(judge->arena);
}
