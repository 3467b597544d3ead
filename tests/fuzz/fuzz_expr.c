/* Expressions from anywhere: compiled or refused with a place in the words; a value is finite or unknown. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/profile/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct expr_name look_up(const void *context, const char *name)
{
    (void)context;
    return name[1] != '\0'  ? (struct expr_name){EXPR_NAME_NONE, 0}
           : name[0] == 'd' ? (struct expr_name){EXPR_NAME_DERIVED, 0}
                            : (struct expr_name){EXPR_NAME_POINT, (size_t)(name[0] & 3)};
}

static struct expr_value point(const void *context, size_t index)
{
    static const double values[] = {0, 1, -2.5, 1e300};

    (void)context;
    return (struct expr_value){index < 4, values[index & 3]};
}

static struct expr_value nothing(const void *context, size_t index)
{
    (void)context;
    (void)index;
    return (struct expr_value){false, 0};
}

static struct expr_value window(const void *context, enum expr_window_kind kind, size_t index, int64_t window_ms)
{
    (void)context;
    if (window_ms <= 0 || window_ms > EXPR_WINDOW_MOST_MS || index > 3) {
        abort();
    }
    return (struct expr_value){kind != EXPR_RATE, (double)window_ms};
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct expr_inputs inputs = {.point = point, .derived = nothing, .age = nothing, .window = window};
    const struct expr *expr;
    struct arena *arena;
    TEXT(why, 200);
    int column = 0;
    char *words;

    if (arena_open(1 << 20, &arena)) {
        return 0;
    }
    words = arena_text(arena, (const char *)bytes, size);
    if (words && expr_compile(arena, words, look_up, NULL, &expr, &why, &column)) {
        if (why.length == 0 || column < 1 || (size_t)column > strlen(words) + 1) {
            abort();
        }
    } else if (words) {
        struct expr_value value = expr_evaluate(expr, &inputs);

        if (value.known && !isfinite(value.number)) {
            abort();
        }
    }
    arena_close(arena);
    return 0;
}
