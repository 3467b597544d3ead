/* Registers, expressions, profiles, sweeps. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/file.h"
#include "models/profile/plausible.h"
#include "models/profile/profile.h"
#include "models/profile/sweep.h"

static void every_type_and_order(void **state)
{
    static const struct {
        enum register_type type;
        enum register_order order;
        uint16_t words[4];
        double number;
    } rows[] = {
        {REGISTER_INT16, REGISTER_ABCD, {0xfffe}, -2},
        {REGISTER_INT16, REGISTER_BADC, {0xfeff}, -2},
        {REGISTER_UINT16, REGISTER_CDAB, {0x1234}, 0x1234},
        {REGISTER_INT32, REGISTER_ABCD, {0xffff, 0xfffe}, -2},
        {REGISTER_UINT32, REGISTER_ABCD, {0x1234, 0x5678}, 0x12345678},
        {REGISTER_UINT32, REGISTER_CDAB, {0x5678, 0x1234}, 0x12345678},
        {REGISTER_UINT32, REGISTER_BADC, {0x3412, 0x7856}, 0x12345678},
        {REGISTER_UINT32, REGISTER_DCBA, {0x7856, 0x3412}, 0x12345678},
        {REGISTER_INT64, REGISTER_CDAB, {0xfffe, 0xffff, 0xffff, 0xffff}, -2},
        {REGISTER_UINT64, REGISTER_ABCD, {0, 0, 1, 2}, 65538},
        {REGISTER_FLOAT32, REGISTER_ABCD, {0x42c8, 0}, 100},
        {REGISTER_FLOAT32, REGISTER_CDAB, {0, 0x42c8}, 100},
        {REGISTER_FLOAT64, REGISTER_ABCD, {0x4059, 0, 0, 0}, 100},
        {REGISTER_BCD16, REGISTER_ABCD, {0x1234}, 1234},
        {REGISTER_BCD32, REGISTER_CDAB, {0x5678, 0x1234}, 12345678},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct register_spec spec = {.type = rows[i].type, .order = rows[i].order, .scale = 1,
                                     .mask = UINT64_MAX, .table = REGISTER_HOLDING};
        struct register_value value;
        uint16_t back[4] = {0};

        assert_int_equal(register_decode(&spec, rows[i].words, &value), ERR_OK);
        assert_true(fabs(value.number - rows[i].number) < 1e-9);
        assert_int_equal(register_encode(&spec, rows[i].number, back), ERR_OK);
        assert_memory_equal(back, rows[i].words, 2U * register_width(&spec));
    }
}

static void bits_keep_their_neighbours(void **state)
{
    struct register_spec spec = {.type = REGISTER_BITS, .scale = 1, .mask = 0x0006, .shift = 1, .table = REGISTER_HOLDING};
    struct register_value value;
    uint16_t word = 0xff0f;

    (void)state;
    assert_int_equal(register_decode(&spec, &word, &value), ERR_OK);
    assert_true(value.number > 2.5);
    assert_int_equal(register_encode(&spec, 1, &word), ERR_OK);
    assert_int_equal(word, 0xff0b);
    assert_int_equal(register_encode(&spec, 4, &word), ERR_RANGE);
}

static void impossible_registers_are_refused(void **state)
{
    struct register_spec bcd = {.type = REGISTER_BCD16, .scale = 1, .mask = UINT64_MAX};
    struct register_spec real = {.type = REGISTER_FLOAT32, .scale = 1, .mask = UINT64_MAX};
    uint16_t nan[2] = {0x7fc0, 0}, digit = 0x12a4;
    struct register_value value;

    (void)state;
    assert_int_equal(register_decode(&bcd, &digit, &value), ERR_FORMAT);
    assert_int_equal(register_decode(&real, nan, &value), ERR_RANGE);
}

static struct expr_name name_of(const void *context, const char *name)
{
    (void)context;
    return name[1] == '\0' && name[0] >= 'a' && name[0] <= 'd'
               ? (struct expr_name){EXPR_NAME_POINT, (size_t)(name[0] - 'a')}
               : (struct expr_name){EXPR_NAME_NONE, 0};
}

static struct expr_value value_of(const void *context, size_t point)
{
    const double *values = context;

    return (struct expr_value){point < 3, values[point]}; /* d is unknown */
}

static void expressions_mean_what_they_say(void **state)
{
    static const double values[] = {1, 2, 3, 0};
    static const struct {
        const char *words;
        bool known;
        double number;
    } rows[] = {
        {"a + b * c", true, 7},           {"(a + b) * c", true, 9},      {"-a - -b", true, 1},
        {"a < b and b < c", true, 1},     {"not a > b or d > 1", true, 1}, {"d > 1", false, 0},
        {"a > b and d > 1", true, 0},     {"d > 1 or a < b", true, 1},   {"a / (b - 2)", false, 0},
        {"a == 1 and b != 1", true, 1},   {"abs(a - c)", true, 2},       {"not not a", true, 1},
        {"1 < 2", true, 1},               {"a >= 1", true, 1},           {"c <= 2", true, 0},
    };
    struct expr_inputs inputs = {.context = values, .point = value_of};
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct expr *expr;
        struct expr_value value;
        int column;

        assert_int_equal(expr_compile(arena, rows[i].words, name_of, NULL, &expr, NULL, &column), ERR_OK);
        value = expr_evaluate(expr, &inputs);
        assert_int_equal(value.known, rows[i].known);
        if (value.known) {
            assert_true(fabs(value.number - rows[i].number) < 1e-12);
        }
    }
    arena_close(arena);
}

static void wrong_expressions_say_where(void **state)
{
    static const struct {
        const char *words;
        int column;
    } rows[] = {{"a +", 4}, {"a b", 3}, {"x > 1", 1}, {"(a", 3}, {"rate(a, 25h)", 9}, {"min(a)", 6}, {"foo(a)", 1}, {"a and or b", 7}, {"", 1}};
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct expr *expr;
        TEXT(why, 200);
        int column = 0;

        assert_int_equal(expr_compile(arena, rows[i].words, name_of, NULL, &expr, &why, &column), ERR_FORMAT);
        assert_int_equal(column, rows[i].column);
        assert_true(why.length > 0);
    }
    arena_close(arena);
}

static void all_errors_at_once(void **state)
{
    static const char bytes[] =
        "profile: x y\n"                                                       /* 1:10 */
        "points:\n"
        "  - {name: a, register: {table: inputs, address: 0, type: int16}}\n"  /* 3:33 */
        "  - {name: a, register: {table: input, address: 70000, type: int16}}\n" /* 4:12 4:49 */
        "  - {name: b, every: 10, register: {table: input, address: 1, type: bool}}\n" /* 5:22 */
        "faults:\n"
        "  - {id: f, when: \"a > \", grade: 4, component: tank, colour: red}\n"; /* 7:... */
    static const char *const starts[] = {"p.yaml:1:10: ", "p.yaml:1:1: ", "p.yaml:3:33: ", "p.yaml:4:12: ",
                                         "p.yaml:4:49: ", "p.yaml:5:22: ", "p.yaml:7:19: ", "p.yaml:7:34: ", "p.yaml:7:54: "};
    struct complaints complaints = {.path = "p.yaml"};
    const struct profile *profile;

    (void)state;
    assert_int_equal(arena_open(4 << 20, &complaints.arena), ERR_OK);
    assert_int_equal(profile_read(complaints.arena, bytes, strlen(bytes), &complaints, &profile), ERR_FORMAT);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        bool found = false;

        for (size_t k = 0; k < complaints.count; k++) {
            found = found || strncmp(complaints.lines[k], starts[i], strlen(starts[i])) == 0;
        }
        if (!found) {
            for (size_t k = 0; k < complaints.count; k++) {
                printf("%s\n", complaints.lines[k]);
            }
            fail_msg("no complaint at %s", starts[i]);
        }
    }
    assert_int_equal(complaints.count, sizeof(starts) / sizeof(starts[0]));
    arena_close(complaints.arena);
}

static void shipped_profiles_are_read(void **state)
{
    static const char *const names[] = {"swh-basic", "solvis-sc3", "lg-therma-v", "house-log"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct complaints complaints = {.path = names[i]};
        const struct profile *profile;
        TEXT(path, 100);
        char *bytes;
        size_t size;

        assert_int_equal(arena_open(16 << 20, &complaints.arena), ERR_OK);
        text_addf(&path, "models/equipment/%s.yaml", names[i]);
        assert_int_equal(file_read(complaints.arena, path.at, 1 << 20, &bytes, &size), ERR_OK);
        assert_int_equal(profile_read(complaints.arena, bytes, size, &complaints, &profile), ERR_OK);
        for (size_t k = 0; k < profile->fault_count; k++) {
            assert_non_null(profile->faults[k].title.zh);
            assert_true(profile->faults[k].cause_count > 0);
        }
        arena_close(complaints.arena);
    }
}

/* The registers or bits that a point takes, as its table counts them. */
static unsigned end_of(const struct register_spec *spec)
{
    return spec->address + (register_is_bit(spec) ? 1U : register_width(spec));
}

/* May these points (a set of bits) be one read? Within one table, not longer than allowed (but for one
 * wide point and what lies in it), no unused stretch longer than the gap, and over no hole. */
static bool is_one_read(const struct point *points, size_t count, unsigned set,
                        const struct sweep_limits *limits)
{
    unsigned most = limits->max_registers, gap = limits->gap;
    unsigned begin = 70000, end = 0, widest = 0, unused = 0;
    bool used[800] = {false};
    enum register_table table = REGISTER_INPUT;

    for (size_t i = 0; i < count; i++) {
        const struct register_spec *spec = &points[i].reg;

        if (set >> i & 1) {
            if (end > 0 && spec->table != table) {
                return false;
            }
            table = spec->table;
            begin = spec->address < begin ? spec->address : begin;
            end = end_of(spec) > end ? end_of(spec) : end;
            widest = end_of(spec) - spec->address > widest ? end_of(spec) - spec->address : widest;
            for (unsigned at = spec->address; at < end_of(spec); at++) {
                used[at] = true;
            }
        }
    }
    if (table >= REGISTER_COIL) {
        most *= 16;
        gap *= 16;
    }
    if (end - begin > most && end - begin > widest) {
        return false;
    }
    for (size_t i = 0; i < limits->hole_count && end - begin > widest; i++) {
        const struct sweep_hole *hole = &limits->holes[i];

        for (unsigned at = begin; at < end && hole->table == table; at++) {
            if (hole->count ? at >= hole->address && at < hole->address + (unsigned)hole->count
                            : at == hole->address && at > begin) {
                return false;
            }
        }
    }
    for (unsigned at = begin; at < end; at++) {
        unused = used[at] ? 0 : unused + 1;
        if (unused > gap) {
            return false;
        }
    }
    return true;
}

/* The fewest reads by trying every way to part the points into sets. */
static size_t fewest(const struct point *points, size_t count, const struct sweep_limits *limits)
{
    static unsigned char best[1 << 9];
    unsigned all = (1U << count) - 1;

    best[0] = 0;
    for (unsigned set = 1; set <= all; set++) {
        unsigned first = set & (~set + 1), rest = set & ~first;

        best[set] = 255;
        for (unsigned with = rest;; with = (with - 1) & rest) { /* every set that holds the first point */
            if (best[rest & ~with] + 1 < best[set] && is_one_read(points, count, first | with, limits)) {
                best[set] = (unsigned char)(best[rest & ~with] + 1);
            }
            if (with == 0) {
                break;
            }
        }
    }
    return best[all];
}

static void hold_plan(const struct profile *profile, const struct sweep_limits *limits)
{
    size_t order[9], made, next = 0;
    struct sweep_read reads[9];
    unsigned seen = 0;

    for (size_t i = 0; i < profile->point_count; i++) {
        order[i] = profile->point_count - 1 - i;
    }
    sweep_plan(profile, limits, order, profile->point_count, reads, &made);
    for (size_t i = 0; i < made; i++) {
        unsigned set = 0;

        assert_int_equal(reads[i].first, next);
        for (size_t k = 0; k < reads[i].points; k++) {
            const struct register_spec *spec = &profile->points[order[next]].reg;

            assert_int_equal(spec->table, reads[i].table);
            assert_true(spec->address >= reads[i].address && end_of(spec) <= reads[i].address + (unsigned)reads[i].count); /* whole */
            set |= 1U << order[next++];
        }
        assert_true(is_one_read(profile->points, profile->point_count, set, limits));
        assert_int_equal(seen & set, 0);
        seen |= set;
    }
    assert_int_equal(seen, (1U << profile->point_count) - 1);
    assert_int_equal(made, fewest(profile->points, profile->point_count, limits));
}

static void sweeps_are_minimal(void **state)
{
    static const enum register_type types[] = {REGISTER_INT16, REGISTER_INT16, REGISTER_INT32, REGISTER_FLOAT64, REGISTER_STRING, REGISTER_BITS};

    (void)state;
    srand(4);
    for (int round = 0; round < 4000; round++) {
        struct point points[9] = {{0}};
        struct profile profile = {.points = points, .point_count = 1 + (size_t)rand() % 9};
        struct sweep_hole holes[3];
        struct sweep_limits limits;

        for (size_t i = 0; i < profile.point_count; i++) {
            bool bits = rand() % 6 == 0;

            points[i].reg = (struct register_spec){.table = bits ? REGISTER_COIL + (enum register_table)(rand() % 2) : (enum register_table)(rand() % 2),
                                                   .address = (uint16_t)(rand() % (bits ? 600 : 40)), /* they may overlap */
                                                   .type = bits ? REGISTER_BOOL : types[rand() % 6],
                                                   .length = (uint16_t)(1 + rand() % 30), .scale = 1};
        }
        for (size_t i = 0; i < 3; i++) {
            holes[i] = (struct sweep_hole){(enum register_table)(rand() % 4), (uint16_t)(rand() % 60), (uint16_t)(rand() % 3)};
        }
        limits = (struct sweep_limits){(uint16_t)(1 + rand() % 16), (uint16_t)(rand() % 5), holes, (size_t)(rand() % 4)};
        hold_plan(&profile, &limits);
    }
}

/* A single wrong value is never believed, whatever stands around it; a new level is, one reading later. */
static void steps_that_are_possible(void **state)
{
    static const struct {
        int64_t t_s;
        double value;
        bool believed;
    } rows[] = {
        {0, 20, true},    {10, 25, true},   {20, 99, false},  {30, 26, true},  /* a spike */
        {40, 99, false},  {50, 98, true},                                      /* a sensor was changed */
        {60, 20, false},  {70, 60, false},  {80, 97, true},                    /* two spikes that disagree */
        {200, 37, true},                                                       /* two minutes: up to 120 */
        {201, 42, true},  {202, 58, false}, {203, 47, true},
    };
    struct point point = {.step = 10, .step_ms = 20000};
    struct plausible plausible = {.any = false};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(plausible_take(&point, &plausible, rows[i].value, rows[i].t_s * 1000), rows[i].believed);
    }
    point.step = 0;
    assert_true(plausible_take(&point, &plausible, 1e9, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_order),
        cmocka_unit_test(bits_keep_their_neighbours),
        cmocka_unit_test(impossible_registers_are_refused),
        cmocka_unit_test(expressions_mean_what_they_say),
        cmocka_unit_test(wrong_expressions_say_where),
        cmocka_unit_test(all_errors_at_once),
        cmocka_unit_test(shipped_profiles_are_read),
        cmocka_unit_test(sweeps_are_minimal),
        cmocka_unit_test(steps_that_are_possible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
