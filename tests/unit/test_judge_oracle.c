/*
 * The fault rules against a naive oracle that shares nothing with them: random rules, printed as a
 * profile and evaluated from their trees over the whole history; spans are looked for backwards, as
 * interfaces.md 8 ("Ticket times") and judge.h define them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/base/text.h"
#include "models/fault/judge.h"

#define POINTS   4
#define DERIVED  2
#define RULES    4
#define RUNGS    2
#define MOMENTS  48
#define NODES    400
#define BASE     1790000000000
#define NO_TIME  INT64_MIN

static uint64_t random_state;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (uint64_t)most);
}

/* ------------------------------------------------------------------ random expressions */

/* In the order of how tightly they bind. */
enum kind { OR, AND, NOT, LESS, LEAST, MORE, MOST, EQUAL, OTHER, PLUS, MINUS, TIMES, OVER, SIGN, NUMBER, POINT, DERIVE, AGE, RATE, MIN, MAX, MEAN, CHANGED, ABS };

struct node {
    enum kind kind;
    int a, b; /* nodes; or a point or derived point */
    int number;
};

static struct node nodes[NODES];
static int node_count;

static int tightness(enum kind kind)
{
    return kind <= NOT ? (int)kind : kind <= OTHER ? 3 : kind <= MINUS ? 4 : kind <= OVER ? 5 : kind == SIGN ? 6 : 7;
}

static int grow(int depth, int derived)
{
    int at = node_count++;
    struct node node = {.kind = NUMBER, .number = draw(8)};

    if (depth == 0 || draw(7) == 0) {
        static const enum kind leaves[] = {NUMBER, NUMBER, POINT, POINT, POINT, POINT, DERIVE, AGE, RATE, MIN, MAX, MEAN, CHANGED};

        node.kind = leaves[draw(13)];
        if (node.kind == DERIVE && derived == 0) {
            node.kind = POINT;
        }
        node.a = node.kind == DERIVE ? draw(derived) : draw(POINTS);
        node.number = node.kind == NUMBER ? draw(8) : node.kind >= RATE ? 5 + draw(120) : draw(2);
    } else {
        node.kind = (enum kind)draw(SIGN + 1);
        node.a = grow(depth - 1, derived);
        node.b = node.kind == NOT || node.kind == SIGN ? 0 : grow(depth - 1, derived);
        if (draw(20) == 0) {
            node.kind = ABS;
        }
    }
    nodes[at] = node;
    return at;
}

/* A rule is more telling when it is a comparison of something with a number. */
static int grow_condition(int derived)
{
    int at = node_count++, side, number = node_count++;

    if (draw(4) == 0) {
        node_count -= 2;
        return grow(3, derived);
    }
    nodes[number] = (struct node){.kind = NUMBER, .number = 1 + draw(6)};
    side = grow(draw(2), derived);
    nodes[at] = (struct node){.kind = (enum kind)(LESS + draw(6)), .a = side, .b = number};
    return at;
}

/* With as few brackets as the rules of precedence allow, so that the parser is put to the test too. */
static void print(struct text *to, int at, int least)
{
    static const char *const signs[] = {" or ", " and ", "not ", " < ", " <= ", " > ", " >= ", " == ", " != ", " + ", "-", " * ", "/", "-"};
    static const char *const calls[] = {"age", "rate", "min", "max", "mean", "changed"};
    const struct node *node = &nodes[at];
    int own = tightness(node->kind);
    bool bracket = own < least;

    text_add(to, bracket ? "(" : "");
    if (node->kind == NUMBER) {
        text_addf(to, "%d", node->number);
    } else if (node->kind == POINT) {
        text_addf(to, "%s%d", node->number ? "role" : "p", node->a);
    } else if (node->kind == DERIVE) {
        text_addf(to, "d%d", node->a);
    } else if (node->kind == ABS) {
        text_add(to, "abs(");
        print(to, node->a, 0);
        text_add(to, ")");
    } else if (node->kind == AGE) {
        text_addf(to, "age(p%d)", node->a);
    } else if (node->kind > AGE) {
        text_addf(to, "%s( role%d , %ds)", calls[node->kind - AGE], node->a, node->number);
    } else if (node->kind == NOT || node->kind == SIGN) {
        text_add(to, signs[node->kind]);
        print(to, node->a, own);
    } else {
        bool chain = own == 0 || own == 1 || own == 4 || own == 5; /* to the left; comparisons do not chain */

        print(to, node->a, chain ? own : own + 1);
        text_add(to, signs[node->kind]);
        print(to, node->b, own + 1);
    }
    text_add(to, bracket ? ")" : "");
}

/* ------------------------------------------------------------------ a world */

struct rule {
    int when, clear; /* -1: not when */
    int64_t for_ms, clear_for_ms;
    int grade, rungs;
    struct {
        int64_t after_ms; /* -1: none */
        int when, grade;  /* -1: none */
    } ladder[RUNGS];
    bool inhibited[RULES], latching;
    bool reads[POINTS];
};

struct said { /* one reading that was taken */
    int64_t t_ms;
    bool good;
    double value;
};

static struct world {
    struct rule rules[RULES];
    int rule_count, derived[DERIVED], derived_count;
    int64_t heartbeat_ms[POINTS];
    struct said said[POINTS][MOMENTS * 2];
    int said_count[POINTS];
    /* the decisions so far */
    int64_t t_ms[MOMENTS];
    int count;
    bool broke[MOMENTS][RULES]; /* before the decision a gap broke the spans of the rule */
    signed char when[MOMENTS][RULES], clear[MOMENTS][RULES]; /* -1 unknown, 0, 1 */
    /* the state of each rule */
    bool open[RULES], reset[RULES];
    int grade[RULES], since[RULES]; /* since: first decision that counts for the next span */
    int64_t onset_ms[RULES];
} world;

static void find_inputs(int at, bool *reads)
{
    const struct node *node = &nodes[at];

    if (node->kind == POINT || (node->kind >= AGE && node->kind <= CHANGED)) {
        reads[node->a] = true;
    } else if (node->kind == DERIVE) {
        find_inputs(world.derived[node->a], reads);
    } else if (node->kind < NUMBER || node->kind == ABS) {
        find_inputs(node->a, reads);
        if (node->kind < SIGN && node->kind != NOT) {
            find_inputs(node->b, reads);
        }
    }
}

static int64_t seconds(int most)
{
    return 1000 * (int64_t)(draw(3) ? draw(most) : 0);
}

static void make_rule(struct rule *rule, int index)
{
    *rule = (struct rule){.when = grow_condition(world.derived_count), .clear = -1};
    if (draw(2)) {
        rule->clear = grow_condition(world.derived_count);
    }
    rule->for_ms = seconds(60);
    rule->clear_for_ms = seconds(60);
    rule->grade = 1 + draw(3);
    rule->latching = draw(6) == 0;
    rule->rungs = draw(RUNGS + 1);
    find_inputs(rule->when, rule->reads);
    if (rule->clear >= 0) {
        find_inputs(rule->clear, rule->reads);
    }
    for (int i = 0; i < rule->rungs; i++) {
        int form = draw(3);

        rule->ladder[i].after_ms = form != 1 ? 1000 * (int64_t)draw(200) : -1;
        rule->ladder[i].when = form != 0 ? grow_condition(world.derived_count) : -1;
        rule->ladder[i].grade = 1 + draw(3);
        if (form != 0) {
            find_inputs(rule->ladder[i].when, rule->reads);
        }
    }
    for (int i = 0; i < world.rule_count; i++) { /* against a ring: the numbers go up or down */
        rule->inhibited[i] = i < index && draw(5) == 0;
    }
}

static void make_world(struct text *to)
{
    memset(&world, 0, sizeof(world));
    node_count = 0;
    text_add(to, "profile: t\ntitle: {en: t}\npoints:\n");
    for (int i = 0; i < POINTS; i++) {
        world.heartbeat_ms[i] = 1000 * (int64_t)(10 + draw(60));
        text_addf(to, "  - {name: p%d, role: role%d, every: 1s, heartbeat: %ds, register: {table: input, address: %d, type: int16}}\n", i, i,
                  (int)(world.heartbeat_ms[i] / 1000), i);
    }
    text_add(to, "derived:\n");
    for (int i = 0; i < DERIVED; i++) {
        world.derived[i] = grow(2, i);
        world.derived_count++;
        text_addf(to, "  - {name: d%d, is: \"", i);
        print(to, world.derived[i], 0);
        text_add(to, "\"}\n");
    }
    text_add(to, "faults:\n");
    world.rule_count = 1 + draw(RULES);
    for (int i = 0; i < world.rule_count; i++) {
        make_rule(&world.rules[i], i);
    }
    /* the inhibitors may stand behind what they inhibit */
    for (int k = 0; k < world.rule_count; k++) {
        int i = world.rule_count - 1 - k;
        const struct rule *rule = &world.rules[i];

        text_addf(to, "  - {id: f%d, component: tank, grade: %d, for: %ds, clear_for: %ds, latching: %s, when: \"", i, rule->grade,
                  (int)(rule->for_ms / 1000), (int)(rule->clear_for_ms / 1000), rule->latching ? "true" : "false");
        print(to, rule->when, 0);
        if (rule->clear >= 0) {
            text_add(to, "\", clear: \"");
            print(to, rule->clear, 0);
        }
        text_add(to, "\", ladder: [");
        for (int r = 0; r < rule->rungs; r++) {
            text_addf(to, "{grade: %d", rule->ladder[r].grade);
            if (rule->ladder[r].after_ms >= 0) {
                text_addf(to, ", after: %ds", (int)(rule->ladder[r].after_ms / 1000));
            }
            if (rule->ladder[r].when >= 0) {
                text_add(to, ", when: \"");
                print(to, rule->ladder[r].when, 0);
                text_add(to, "\"");
            }
            text_add(to, "},");
        }
        text_add(to, "], inhibited_by: [");
        for (int o = 0; o < world.rule_count; o++) {
            if (rule->inhibited[o]) {
                text_addf(to, "f%d,", o);
            }
        }
        text_add(to, "]}\n");
    }
    assert_false(to->cut);
    assert_true(node_count <= NODES);
}

/* ------------------------------------------------------------------ the oracle's values */

struct maybe {
    bool known;
    double number;
};

static const struct maybe unknown = {false, 0};

static struct maybe sure(double number)
{
    return (struct maybe){isfinite(number), number};
}

/* Does a gap lie between two neighbouring good readings? */
static bool is_gap(int point, int64_t before_ms, int64_t after_ms)
{
    return after_ms - before_ms > 3 * world.heartbeat_ms[point];
}

static struct maybe point_now(int point, int64_t now_ms)
{
    int count = world.said_count[point];
    const struct said *last = count ? &world.said[point][count - 1] : NULL;

    if (!last || !last->good || now_ms - last->t_ms > 3 * world.heartbeat_ms[point]) {
        return unknown;
    }
    return sure(last->value);
}

/* The good values of the point since its last gap, one an instant (the last one said); how many. */
static int unbroken(int point, struct said *to)
{
    int count = 0;

    for (int i = 0; i < world.said_count[point]; i++) {
        const struct said *said = &world.said[point][i];

        if (!said->good) {
            continue;
        }
        if (count > 0 && is_gap(point, to[count - 1].t_ms, said->t_ms)) {
            count = 0;
        }
        if (count > 0 && to[count - 1].t_ms == said->t_ms) {
            count--;
        }
        to[count++] = *said;
    }
    return count;
}

static struct maybe window_now(enum kind kind, int point, int64_t window_ms, int64_t now_ms)
{
    struct said all[MOMENTS * 2];
    int count = unbroken(point, all), first = 0;
    int64_t from_ms = now_ms - window_ms, begin_ms;
    double least, most, sum = 0, covered = 0;
    bool moved = false;

    if (!point_now(point, now_ms).known || count == 0) {
        return unknown;
    }
    while (first + 1 < count && all[first + 1].t_ms <= from_ms) {
        first++; /* held when the window began */
    }
    begin_ms = all[first].t_ms > from_ms ? all[first].t_ms : from_ms;
    least = most = all[first].value;
    for (int i = first; i < count; i++) {
        int64_t a = i == first ? begin_ms : all[i].t_ms, b = i + 1 < count ? all[i + 1].t_ms : now_ms;

        least = fmin(least, all[i].value);
        most = fmax(most, all[i].value);
        sum += all[i].value * (double)(b - a);
        covered += (double)(b - a);
        moved = moved || (i > first && fabs(all[i].value - all[i - 1].value) > 0);
    }
    if (kind == MIN) {
        return sure(least);
    }
    if (kind == MAX) {
        return sure(most);
    }
    if (kind == MEAN) {
        return sure(covered > 0 ? sum / covered : all[count - 1].value);
    }
    if (kind == CHANGED) {
        return moved ? sure(1) : all[0].t_ms <= from_ms ? sure(0) : unknown;
    }
    if (now_ms - begin_ms < window_ms / 2 || now_ms == begin_ms) {
        return unknown; /* less than half of it is covered */
    }
    return sure((all[count - 1].value - all[first].value) * 60000.0 / (double)(now_ms - begin_ms));
}

static struct maybe age_now(int point, int64_t now_ms)
{
    for (int i = world.said_count[point] - 1; i >= 0; i--) {
        if (world.said[point][i].good) {
            return sure((double)(now_ms - world.said[point][i].t_ms) / 1000.0);
        }
    }
    return unknown;
}

static bool is_true(struct maybe value)
{
    return value.known && fabs(value.number) > 0;
}

static struct maybe evaluate(int at, int64_t now_ms)
{
    const struct node *node = &nodes[at];
    struct maybe a, b = unknown;

    switch (node->kind) {
    case NUMBER:
        return sure(node->number);
    case POINT:
        return point_now(node->a, now_ms);
    case DERIVE:
        return evaluate(world.derived[node->a], now_ms);
    case AGE:
        return age_now(node->a, now_ms);
    case RATE:
    case MIN:
    case MAX:
    case MEAN:
    case CHANGED:
        return window_now(node->kind, node->a, 1000 * (int64_t)node->number, now_ms);
    default:
        break;
    }
    a = evaluate(node->a, now_ms);
    if (node->kind == ABS || node->kind == NOT || node->kind == SIGN) {
        return !a.known ? unknown : sure(node->kind == ABS ? fabs(a.number) : node->kind == SIGN ? -a.number : !is_true(a));
    }
    b = evaluate(node->b, now_ms);
    if (node->kind == OR) {
        return is_true(a) || is_true(b) ? sure(1) : a.known && b.known ? sure(0) : unknown;
    }
    if (node->kind == AND) {
        bool no = (a.known && !is_true(a)) || (b.known && !is_true(b));

        return no ? sure(0) : a.known && b.known ? sure(1) : unknown;
    }
    if (!a.known || !b.known) {
        return unknown;
    }
    switch (node->kind) {
    case LESS:
        return sure(a.number < b.number);
    case LEAST:
        return sure(a.number <= b.number);
    case MORE:
        return sure(a.number > b.number);
    case MOST:
        return sure(a.number >= b.number);
    case EQUAL:
        return sure(!(fabs(a.number - b.number) > 0));
    case OTHER:
        return sure(fabs(a.number - b.number) > 0);
    case PLUS:
        return sure(a.number + b.number);
    case MINUS:
        return sure(a.number - b.number);
    case TIMES:
        return sure(a.number * b.number);
    default:
        return fabs(b.number) > 0 ? sure(a.number / b.number) : unknown;
    }
}

/* ------------------------------------------------------------------ the oracle's verdicts */

/* The begin of the span that reaches to decision k: back while nothing was false and nothing broke it;
 * the first decision of that stretch at which the condition was true. */
static int64_t span_begin(signed char (*held)[RULES], int rule, int k)
{
    int64_t begin = NO_TIME;

    for (int i = k; i >= world.since[rule] && held[i][rule] != 0; i--) {
        begin = held[i][rule] > 0 ? world.t_ms[i] : begin;
        if (world.broke[i][rule]) {
            break;
        }
    }
    return begin;
}

static signed char truth(struct maybe value)
{
    return value.known ? (signed char)is_true(value) : -1;
}

static int wanted_grade(int index, int64_t now_ms)
{
    const struct rule *rule = &world.rules[index];
    int grade = 0;

    for (int i = 0; i < rule->rungs; i++) {
        bool matches = rule->ladder[i].after_ms < 0 || now_ms - world.onset_ms[index] >= rule->ladder[i].after_ms;

        if (matches && rule->ladder[i].when >= 0) {
            struct maybe value = evaluate(rule->ladder[i].when, now_ms);

            matches = value.known ? is_true(value) : world.open[index] && world.grade[index] == rule->ladder[i].grade;
        }
        if (matches && (grade == 0 || rule->ladder[i].grade < grade)) {
            grade = rule->ladder[i].grade;
        }
    }
    return grade ? grade : rule->grade;
}

/* What rule must say at decision k; false: nothing. */
static bool expect(int index, int k, struct verdict *to)
{
    const struct rule *rule = &world.rules[index];
    int64_t now_ms = world.t_ms[k], begin;

    world.when[k][index] = truth(evaluate(rule->when, now_ms));
    world.clear[k][index] = rule->clear >= 0 ? truth(evaluate(rule->clear, now_ms))
                                             : (signed char)(world.when[k][index] < 0 ? -1 : !world.when[k][index]);
    *to = (struct verdict){.fault = (size_t)index, .t_ms = now_ms};
    if (!world.open[index]) {
        bool inhibited = false;

        for (int i = 0; i < world.rule_count; i++) { /* they were decided before */
            inhibited = inhibited || (rule->inhibited[i] && (world.open[i] || world.when[k][i] > 0));
        }
        begin = span_begin(world.when, index, k);
        if (world.when[k][index] <= 0 || now_ms - begin < rule->for_ms || inhibited) {
            return false;
        }
        world.onset_ms[index] = begin;
        world.grade[index] = wanted_grade(index, now_ms);
        world.open[index] = true;
        world.reset[index] = false;
        world.since[index] = k + 1;
        to->state = FAULT_RAISED;
    } else {
        int grade;

        begin = span_begin(world.clear, index, k);
        if (world.clear[k][index] > 0 && now_ms - begin >= rule->clear_for_ms && (!rule->latching || world.reset[index])) {
            world.open[index] = false;
            world.since[index] = k + 1;
            to->state = FAULT_CLEARED;
            to->cleared_ms = begin;
        } else {
            grade = rule->rungs ? wanted_grade(index, now_ms) : world.grade[index];
            if (grade == world.grade[index]) {
                return false;
            }
            world.grade[index] = grade;
            to->state = FAULT_REGRADED;
        }
    }
    to->grade = world.grade[index];
    to->onset_ms = world.onset_ms[index];
    return true;
}

/* ------------------------------------------------------------------ histories */

static long raised, regraded, cleared, decisions, late;

static void take(struct judge *judge, int point, int64_t t_ms, bool good, double value)
{
    struct reading reading = {.t_ms = t_ms, .has_value = good, .value = value, .quality = good ? QUALITY_GOOD : (enum quality)(1 + draw(7))};
    int64_t last_good = NO_TIME;
    int count = world.said_count[point];
    bool is_late = (count && t_ms < world.said[point][count - 1].t_ms) || (world.count && t_ms < world.t_ms[world.count - 1]);

    assert_int_equal(judge_take(judge, (size_t)point, &reading), is_late ? ERR_RANGE : ERR_OK);
    if (is_late) {
        late++;
        return;
    }
    for (int i = 0; i < count; i++) {
        last_good = world.said[point][i].good ? world.said[point][i].t_ms : last_good;
    }
    if (good && last_good != NO_TIME && is_gap(point, last_good, t_ms)) {
        for (int r = 0; r < world.rule_count; r++) {
            world.broke[world.count][r] = world.broke[world.count][r] || world.rules[r].reads[point];
        }
    }
    world.said[point][world.said_count[point]++] = (struct said){t_ms, good, value};
}

static void compare(const struct verdict *got, size_t count, int k, const char *profile)
{
    size_t seen = 0;

    for (int i = 0; i < world.rule_count; i++) {
        struct verdict want;
        const struct verdict *one = NULL;
        bool says = expect(i, k, &want);

        for (size_t v = 0; v < count; v++) { /* rules stand in the profile the other way round */
            one = got[v].fault == (size_t)(world.rule_count - 1 - i) ? &got[v] : one;
        }
        seen += one != NULL;
        if (says != (one != NULL) ||
            (says && (one->state != want.state || one->grade != want.grade || one->onset_ms != want.onset_ms || one->t_ms != want.t_ms ||
                      one->detected_ms != want.onset_ms + world.rules[i].for_ms ||
                      (want.state == FAULT_CLEARED && one->cleared_ms != want.cleared_ms)))) {
            fail_msg("rule f%d at decision %d (t %lld): wanted %s grade %d onset %lld cleared %lld, got %s grade %d onset %lld cleared %lld in\n%s", i, k,
                     (long long)(world.t_ms[k] - BASE), says ? fault_state_names[want.state] : "nothing", want.grade,
                     (long long)(want.onset_ms - BASE), (long long)(want.cleared_ms - BASE), one ? fault_state_names[one->state] : "nothing",
                     one ? one->grade : 0, one ? (long long)(one->onset_ms - BASE) : 0, one ? (long long)(one->cleared_ms - BASE) : 0, profile);
        }
        raised += says && want.state == FAULT_RAISED;
        regraded += says && want.state == FAULT_REGRADED;
        cleared += says && want.state == FAULT_CLEARED;
    }
    assert_int_equal(seen, count);
}

static void one_history(const struct profile *profile, const char *words)
{
    struct judge *judge;
    int64_t t_ms = BASE;
    int moments = 5 + draw(MOMENTS - 5), steady = draw(3);

    memset(world.said_count, 0, sizeof(world.said_count));
    memset(world.broke, 0, sizeof(world.broke));
    memset(world.open, 0, sizeof(world.open));
    memset(world.reset, 0, sizeof(world.reset));
    memset(world.since, 0, sizeof(world.since));
    world.count = 0;
    assert_int_equal(judge_open(profile, &judge), ERR_OK);
    for (int k = 0; k < moments; k++) {
        struct verdict got[RULES];
        size_t count;

        t_ms += 1000 * (int64_t)(draw(12) == 0 ? draw(900) : 1 + draw(25));
        for (int point = 0; point < POINTS; point++) {
            int said = world.said_count[point];

            if (draw(10) < 3) {
                continue; /* it says nothing now */
            }
            if (draw(25) == 0) {
                take(judge, point, t_ms - 1000 * (int64_t)draw(60), true, draw(8)); /* an old one */
            }
            /* mostly what it said before, so that spans last */
            take(judge, point, t_ms, draw(15) > 0, said && draw(4) > steady ? world.said[point][said - 1].value : draw(8));
        }
        if (draw(12) == 0) {
            int rule = draw(world.rule_count);

            judge_reset(judge, (size_t)(world.rule_count - 1 - rule));
            world.reset[rule] = true;
        }
        world.t_ms[world.count] = t_ms;
        count = judge_decide(judge, t_ms, got, RULES);
        world.count++;
        decisions++;
        compare(got, count, k, words);
        for (int i = 0; i < world.rule_count; i++) {
            assert_int_equal(judge_is_open(judge, (size_t)(world.rule_count - 1 - i)), world.open[i]);
            assert_int_equal(judge_is_unknown(judge, (size_t)(world.rule_count - 1 - i)), world.when[k][i] < 0);
        }
    }
    judge_close(judge);
}

static void random_rules_over_random_histories(void **state)
{
    const char *seed = getenv("HELIOGRAPH_SEED"), *rounds = getenv("HELIOGRAPH_ROUNDS");
    int profiles = rounds ? atoi(rounds) : 1000;
    struct arena *arena;

    (void)state;
    random_state = seed ? strtoull(seed, NULL, 10) : 2026;
    printf("seed %llu\n", (unsigned long long)random_state);
    assert_int_equal(arena_open(16 << 20, &arena), ERR_OK);
    for (int i = 0; i < profiles; i++) {
        static char room[60000];
        struct text words = text_on(room, sizeof(room));
        struct complaints complaints = {.path = "random", .arena = arena};
        const struct profile *profile;

        arena_reset(arena);
        make_world(&words);
        if (profile_read(arena, words.at, words.length, &complaints, &profile)) {
            fail_msg("%s in\n%s", complaints.lines[0], words.at);
        }
        for (int k = 0; k < 20; k++) {
            one_history(profile, words.at);
        }
    }
    printf("%d profiles, %d histories, %ld decisions: %ld raised, %ld regraded, %ld cleared, %ld late, 0 mismatches\n", profiles, 20 * profiles,
           decisions, raised, regraded, cleared, late);
    assert_true(raised > profiles && cleared > profiles / 2 && regraded > profiles / 2);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rules_over_random_histories),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
