/*
 * Expressions over points, roles and derived points: compiled once, evaluated often.
 *
 *   or | and | not | == != < <= > >= | + - | * / | - (sign) | ( ) | number | name
 *   age(p)         seconds since the last good reading of p
 *   failed(p)      1 while the device says that p has no believable value (quality invalid, range)
 *   rate(p, 10m)   change per minute over the window
 *   min max mean(p, 1h)   over the window; mean is weighted by time
 *   changed(p, 1h) 1 when the value changed within the window, else 0
 *   abs(x)
 *
 * A name is a point, a derived point or a role. Windows reach at most 24 h. Logic has three
 * values: what depends on an unknown input is unknown, but `false and unknown` is false and `true
 * or unknown` is true. Division by zero is unknown. A truth is a number (1, 0), and a number is
 * true when it is not 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/text.h"

#define EXPR_WINDOW_MOST_MS (24 * 3600 * 1000)

struct expr;

/* What names mean: index of the point, or of the derived point. */
enum expr_name_kind { EXPR_NAME_NONE, EXPR_NAME_POINT, EXPR_NAME_DERIVED };
struct expr_name {
    enum expr_name_kind kind;
    size_t index;
};
typedef struct expr_name (*expr_lookup)(const void *context, const char *name);

enum expr_window_kind {
    EXPR_RATE,
    EXPR_MIN,
    EXPR_MAX,
    EXPR_MEAN,
    EXPR_CHANGED,
    EXPR_FAILED, /* asked without a window */
};

struct expr_value {
    bool known;
    double number;
};

/* Where an evaluation finds its inputs. All are functions of the moment the caller judges. */
struct expr_inputs {
    const void *context;
    struct expr_value (*point)(const void *context, size_t point);
    struct expr_value (*derived)(const void *context, size_t derived);
    struct expr_value (*age)(const void *context, size_t point); /* seconds */
    struct expr_value (*window)(const void *context, enum expr_window_kind kind, size_t point,
                                int64_t window_ms);
};

/*
 * Compiles words into arena. On failure ERR_FORMAT, why gets a sentence ("expected a number or a
 * name, found ')'") and *ret_column the column in words, from 1.
 */
enum err expr_compile(struct arena *arena, const char *words, expr_lookup lookup,
                      const void *context, const struct expr **ret_expr, struct text *why,
                      int *ret_column) MUST_CHECK;
struct expr_value expr_evaluate(const struct expr *expr, const struct expr_inputs *inputs);
/* Calls visit for every point the expression reads itself (not through derived points), with the
 * longest window asked of it (0: none). */
void expr_each_point(const struct expr *expr,
                     void (*visit)(void *context, size_t point, int64_t window_ms), void *context);
/* true when it asks age() of a point: its value moves without a reading. */
bool expr_has_age(const struct expr *expr);
void expr_each_derived(const struct expr *expr, void (*visit)(void *context, size_t derived),
                       void *context);
