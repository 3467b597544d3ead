/* Expressions: a recursive descent to postfix code, and a stack machine of three-valued numbers. */
#include "models/profile/expr.h"

#include <math.h>
#include <string.h>

#include "models/base/duration.h"

#define EXPR_STEPS_MOST 512
#define EXPR_DEPTH_MOST 32  /* of nesting */
#define EXPR_STACK_MOST 256 /* six levels of precedence for each level of nesting */

enum op {
    OP_NUMBER, OP_POINT, OP_DERIVED, OP_AGE, OP_WINDOW,
    OP_OR, OP_AND, OP_NOT, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE,
    OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_NEG, OP_ABS,
    /* the left side has decided: to the step behind the right side and its OP_AND or OP_OR */
    OP_SKIP_IF_FALSE, OP_SKIP_IF_TRUE,
};

struct step {
    enum op op;
    enum expr_window_kind window;
    size_t index; /* of the point or derived point; where to skip to */
    int64_t window_ms;
    double number;
};

struct expr {
    size_t count;
    const struct step *steps;
};

/* ------------------------------------------------------------------ compiling */

struct compiler {
    const char *words, *at; /* at: the next character */
    expr_lookup lookup;
    const void *context;
    struct step *steps;
    size_t count;
    int depth;
    struct text *why;
    const char *wrong_at;
    bool failed;
};

static void fail(struct compiler *c, const char *at, const char *expected)
{
    char found[40] = {0};
    size_t size = strcspn(at, " \t\n");

    if (c->failed) {
        return;
    }
    c->failed = true;
    c->wrong_at = at;
    memcpy(found, at, size < sizeof(found) - 1 ? size : sizeof(found) - 1);
    if (found[0]) {
        text_say(c->why, ERR_FORMAT, "expected %s, found '%s'", expected, found);
    } else {
        text_say(c->why, ERR_FORMAT, "expected %s, found the end", expected);
    }
}

static void skip_blanks(struct compiler *c)
{
    c->at += strspn(c->at, " \t\r\n");
}

static struct step *emit(struct compiler *c, enum op op)
{
    if (c->count == EXPR_STEPS_MOST) {
        fail(c, c->at, "a shorter expression");
        c->count--;
    }
    c->steps[c->count] = (struct step){.op = op};
    return &c->steps[c->count++];
}

static size_t word_length(const char *at)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    return (*at >= '0' && *at <= '9') ? 0 : strspn(at, letters);
}

static bool take_word(struct compiler *c, const char *word)
{
    size_t length = strlen(word);

    skip_blanks(c);
    if (strncmp(c->at, word, length) != 0) {
        return false;
    }
    if (word_length(word) && word_length(c->at) != length) {
        return false; /* "order" is not "or" */
    }
    c->at += length;
    return true;
}

static void need(struct compiler *c, const char *sign)
{
    TEXT(expected, 16);

    skip_blanks(c);
    if (!take_word(c, sign)) {
        text_addf(&expected, "'%s'", sign);
        fail(c, c->at, expected.at);
    }
}

static void parse_or(struct compiler *c);

static struct expr_name parse_name(struct compiler *c)
{
    struct expr_name none = {EXPR_NAME_NONE, 0}, name;
    char word[65] = {0};
    size_t length;

    skip_blanks(c);
    length = word_length(c->at);
    if (length == 0 || length >= sizeof(word)) {
        fail(c, c->at, "a name");
        return none;
    }
    memcpy(word, c->at, length);
    name = c->lookup(c->context, word);
    if (name.kind == EXPR_NAME_NONE) {
        fail(c, c->at, "the name of a point, a role or a derived point");
        return none;
    }
    c->at += length;
    return name;
}

static size_t parse_point(struct compiler *c)
{
    const char *from;
    struct expr_name name;

    skip_blanks(c);
    from = c->at;
    name = parse_name(c);
    if (!c->failed && name.kind != EXPR_NAME_POINT) {
        fail(c, from, "the name of a point or a role");
    }
    return name.index;
}

static int64_t parse_window(struct compiler *c)
{
    struct duration duration;
    char word[24] = {0};
    size_t length;
    int64_t ms = 0;

    need(c, ",");
    skip_blanks(c);
    length = strspn(c->at, "0123456789abcdefghijklmnopqrstuvwxyz");
    memcpy(word, c->at, length < sizeof(word) ? length : 0);
    if (duration_read(word, &duration) || duration_ms(duration, &ms) || ms <= 0 ||
        ms > EXPR_WINDOW_MOST_MS) {
        fail(c, c->at, "a window of at most 24h such as 10m");
    }
    c->at += length;
    return ms;
}

/* age(p), rate(p, 10m) …; false when the word is no function. */
static bool parse_call(struct compiler *c)
{
    static const struct {
        const char *name;
        enum expr_window_kind kind;
    } windows[] = {
        {"rate", EXPR_RATE}, {"min", EXPR_MIN},         {"max", EXPR_MAX},
        {"mean", EXPR_MEAN}, {"changed", EXPR_CHANGED},
    };
    size_t length = word_length(c->at);
    const char *after = c->at + length + strspn(c->at + length, " \t");
    struct step *step;

    if (length == 0 || *after != '(') {
        return false;
    }
    if (length == 3 && strncmp(c->at, "abs", 3) == 0) {
        c->at = after + 1;
        parse_or(c);
        need(c, ")");
        emit(c, OP_ABS);
        return true;
    }
    if (length == 3 && strncmp(c->at, "age", 3) == 0) {
        c->at = after + 1;
        size_t point = parse_point(c);

        need(c, ")");
        step = emit(c, OP_AGE);
        step->index = point;
        return true;
    }
    if (length == 6 && strncmp(c->at, "failed", 6) == 0) {
        c->at = after + 1;
        size_t point = parse_point(c);

        need(c, ")");
        step = emit(c, OP_WINDOW);
        step->index = point;
        step->window = EXPR_FAILED;
        return true;
    }
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        if (length == strlen(windows[i].name) && strncmp(c->at, windows[i].name, length) == 0) {
            c->at = after + 1;
            size_t point = parse_point(c);
            int64_t ms = parse_window(c);

            need(c, ")");
            step = emit(c, OP_WINDOW);
            step->index = point;
            step->window = windows[i].kind;
            step->window_ms = ms;
            return true;
        }
    }
    fail(c, c->at, "one of the functions age failed rate min max mean changed abs");
    return true;
}

static void parse_number(struct compiler *c)
{
    size_t length = strspn(c->at, "0123456789.");
    double number = 0;

    if (c->at[length] == 'e' || c->at[length] == 'E') {
        size_t more = 1 + strspn(c->at + length + 1, "+-");

        length += more + strspn(c->at + length + more, "0123456789");
    }
    if (length == 0 || text_to_number(c->at, length, &number)) {
        fail(c, c->at, "a number, a name or '('");
        return;
    }
    c->at += length;
    emit(c, OP_NUMBER)->number = number;
}

static bool is_reserved(const char *at)
{
    size_t length = word_length(at);

    return (length == 2 && strncmp(at, "or", 2) == 0) ||
           (length == 3 && (strncmp(at, "and", 3) == 0 || strncmp(at, "not", 3) == 0));
}

static void parse_primary(struct compiler *c)
{
    skip_blanks(c);
    if (c->failed) {
        return;
    }
    if (take_word(c, "(")) {
        parse_or(c);
        need(c, ")");
    } else if (is_reserved(c->at)) {
        fail(c, c->at, "a number, a name or '('");
    } else if (word_length(c->at) > 0) {
        if (!parse_call(c)) {
            struct expr_name name = parse_name(c);

            emit(c, name.kind == EXPR_NAME_DERIVED ? OP_DERIVED : OP_POINT)->index = name.index;
        }
    } else {
        parse_number(c);
    }
}

static void parse_sign(struct compiler *c)
{
    if (++c->depth > EXPR_DEPTH_MOST) {
        fail(c, c->at, "less nesting");
    } else if (take_word(c, "-")) {
        parse_sign(c);
        emit(c, OP_NEG);
    } else {
        parse_primary(c);
    }
    c->depth--;
}

static void parse_product(struct compiler *c)
{
    parse_sign(c);
    while (!c->failed) {
        enum op op = take_word(c, "*") ? OP_MUL : take_word(c, "/") ? OP_DIV : OP_NUMBER;

        if (op == OP_NUMBER) {
            break;
        }
        parse_sign(c);
        emit(c, op);
    }
}

static void parse_sum(struct compiler *c)
{
    parse_product(c);
    while (!c->failed) {
        enum op op = take_word(c, "+") ? OP_ADD : take_word(c, "-") ? OP_SUB : OP_NUMBER;

        if (op == OP_NUMBER) {
            break;
        }
        parse_product(c);
        emit(c, op);
    }
}

static void parse_comparison(struct compiler *c)
{
    static const struct {
        const char *sign;
        enum op op;
    } signs[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE},
                 {">=", OP_GE}, {"<", OP_LT},  {">", OP_GT}};

    parse_sum(c);
    for (size_t i = 0; !c->failed && i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (take_word(c, signs[i].sign)) {
            parse_sum(c);
            emit(c, signs[i].op);
            return;
        }
    }
}

static void parse_not(struct compiler *c)
{
    if (++c->depth > EXPR_DEPTH_MOST) {
        fail(c, c->at, "less nesting");
    } else if (take_word(c, "not")) {
        parse_not(c);
        emit(c, OP_NOT);
    } else {
        parse_comparison(c);
    }
    c->depth--;
}

/* The right side, which need not be looked at when the left side decides alone. */
static void parse_right(struct compiler *c, enum op skip, void (*parse)(struct compiler *c),
                        enum op op)
{
    size_t at = (size_t)(emit(c, skip) - c->steps);

    parse(c);
    emit(c, op);
    c->steps[at].index = c->count;
}

static void parse_and(struct compiler *c)
{
    parse_not(c);
    while (!c->failed && take_word(c, "and")) {
        parse_right(c, OP_SKIP_IF_FALSE, parse_not, OP_AND);
    }
}

static void parse_or(struct compiler *c)
{
    parse_and(c);
    while (!c->failed && take_word(c, "or")) {
        parse_right(c, OP_SKIP_IF_TRUE, parse_and, OP_OR);
    }
}

enum err expr_compile(struct arena *arena, const char *words, expr_lookup lookup,
                      const void *context, const struct expr **ret_expr, struct text *why,
                      int *ret_column)
{
    struct step room[EXPR_STEPS_MOST];
    struct compiler c = {
        .words = words, .at = words, .lookup = lookup, .context = context, .steps = room, .why = why};
    struct expr *expr;
    struct step *steps;

    parse_or(&c);
    skip_blanks(&c);
    if (!c.failed && *c.at != '\0') {
        fail(&c, c.at, "an operator or the end");
    }
    if (c.failed) {
        *ret_column = (int)(c.wrong_at - words) + 1;
        return ERR_FORMAT;
    }
    expr = arena_take(arena, sizeof(*expr));
    steps = arena_array(arena, c.count, sizeof(*steps));
    if (!expr || !steps) {
        *ret_column = 1;
        return text_say(why, ERR_NOMEM, "out of memory");
    }
    memcpy(steps, room, c.count * sizeof(*steps));
    expr->count = c.count;
    expr->steps = steps;
    *ret_expr = expr;
    return ERR_OK;
}

/* ------------------------------------------------------------------ evaluating */

static const struct expr_value unknown = {false, 0};

static struct expr_value known(double number)
{
    return (struct expr_value){isfinite(number), number};
}

static bool is_true(struct expr_value value)
{
    return value.number > 0 || value.number < 0;
}

static struct expr_value logic(enum op op, struct expr_value a, struct expr_value b)
{
    bool decides = op == OP_OR; /* the value that decides alone */

    if ((a.known && is_true(a) == decides) || (b.known && is_true(b) == decides)) {
        return known(decides);
    }
    return a.known && b.known ? known(!decides) : unknown;
}

static struct expr_value arithmetic(enum op op, double a, double b)
{
    if (op == OP_ADD) {
        return known(a + b);
    }
    if (op == OP_SUB) {
        return known(a - b);
    }
    if (op == OP_MUL) {
        return known(a * b);
    }
    return b > 0 || b < 0 ? known(a / b) : unknown;
}

static double compare(enum op op, double a, double b)
{
    bool less = a < b, more = a > b;

    switch (op) {
    case OP_EQ:
        return !less && !more;
    case OP_NE:
        return less || more;
    case OP_LT:
        return less;
    case OP_LE:
        return !more;
    case OP_GT:
        return more;
    default: /* OP_GE: the only one left of the six */
        return !less;
    }
}

static struct expr_value binary(enum op op, struct expr_value a, struct expr_value b)
{
    if (op == OP_OR || op == OP_AND) {
        return logic(op, a, b);
    }
    if (!a.known || !b.known) {
        return unknown;
    }
    return op >= OP_EQ && op <= OP_GE ? known(compare(op, a.number, b.number))
                                      : arithmetic(op, a.number, b.number);
}

static struct expr_value unary(enum op op, struct expr_value a)
{
    if (!a.known) {
        return unknown;
    }
    return known(op == OP_NOT ? !is_true(a) : op == OP_NEG ? -a.number : fabs(a.number));
}

struct expr_value expr_evaluate(const struct expr *expr, const struct expr_inputs *inputs)
{
    struct expr_value stack[EXPR_STACK_MOST];
    size_t top = 0;

    for (size_t i = 0; i < expr->count; i++) {
        const struct step *step = &expr->steps[i];

        if (step->op <= OP_WINDOW) {
            if (top == EXPR_STACK_MOST) {
                return unknown;
            }
            stack[top++] = step->op == OP_NUMBER ? known(step->number)
                           : step->op == OP_POINT
                               ? inputs->point(inputs->context, step->index)
                           : step->op == OP_DERIVED
                               ? inputs->derived(inputs->context, step->index)
                           : step->op == OP_AGE
                               ? inputs->age(inputs->context, step->index)
                               : inputs->window(inputs->context, step->window, step->index,
                                                step->window_ms);
        } else if (step->op >= OP_SKIP_IF_FALSE) {
            bool decides = step->op == OP_SKIP_IF_TRUE;

            if (stack[top - 1].known && is_true(stack[top - 1]) == decides) {
                stack[top - 1] = known(decides);
                i = step->index - 1;
            }
        } else if (step->op == OP_NOT || step->op == OP_NEG || step->op == OP_ABS) {
            stack[top - 1] = unary(step->op, stack[top - 1]);
        } else {
            top--;
            stack[top - 1] = binary(step->op, stack[top - 1], stack[top]);
        }
    }
    return stack[0];
}

void expr_each_point(const struct expr *expr,
                     void (*visit)(void *context, size_t point, int64_t window_ms), void *context)
{
    for (size_t i = 0; i < expr->count; i++) {
        const struct step *step = &expr->steps[i];

        if (step->op == OP_POINT || step->op == OP_AGE || step->op == OP_WINDOW) {
            visit(context, step->index, step->window_ms);
        }
    }
}

bool expr_has_age(const struct expr *expr)
{
    for (size_t i = 0; i < expr->count; i++) {
        if (expr->steps[i].op == OP_AGE) {
            return true;
        }
    }
    return false;
}

void expr_each_derived(const struct expr *expr, void (*visit)(void *context, size_t derived),
                       void *context)
{
    for (size_t i = 0; i < expr->count; i++) {
        if (expr->steps[i].op == OP_DERIVED) {
            visit(context, expr->steps[i].index);
        }
    }
}
