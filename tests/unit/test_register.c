/* Registers against a table made elsewhere (tests/golden/registers.py), and back again. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/profile/register.h"

static int find(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    fail_msg("no such name: %s", name);
    return 0;
}

static struct register_spec spec_of(enum register_type type, enum register_order order)
{
    return (struct register_spec){.table = REGISTER_HOLDING, .type = type, .order = order, .scale = 1,
                                  .mask = UINT64_MAX, .length = 1};
}

static void the_golden_table(void **state)
{
    FILE *file = fopen("tests/golden/registers.txt", "r");
    char line[200], type[20], order[20], list[60], number[60];
    int rows = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        struct register_value value;
        struct register_spec spec;
        uint16_t words[4] = {0}, back[4] = {0};
        char *at = list;
        double want;

        if (line[0] == '#') {
            continue;
        }
        assert_int_equal(sscanf(line, "%19s %19s %59s %59s", type, order, list, number), 4);
        spec = spec_of((enum register_type)find(register_type_names, type),
                       (enum register_order)find(register_order_names, order));
        for (size_t i = 0; i < register_width(&spec); i++) {
            words[i] = (uint16_t)strtoul(at, &at, 16);
            at += *at == ',';
        }
        want = strtod(number, NULL);
        assert_int_equal(register_decode(&spec, words, &value), ERR_OK);
        if (memcmp(&value.number, &want, sizeof(want)) != 0) {
            fail_msg("%sdecoded as %.17g", line, value.number);
        }
        /* beyond 2^53 a double has lost the last bits, and rounding may lead out of the type */
        if (fabs(want) <= 9007199254740992.0 || spec.type == REGISTER_FLOAT32 ||
            spec.type == REGISTER_FLOAT64) {
            assert_int_equal(register_encode(&spec, value.number, back), ERR_OK);
            assert_memory_equal(back, words, 2U * register_width(&spec));
        }
        rows++;
    }
    fclose(file);
    assert_true(rows > 400);
}

static uint64_t random_state = 5;

static uint64_t draw(uint64_t most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (random_state >> 20) % most;
}

/* decode(encode(x)) = x for every number that a register can show, whatever stood there before. */
static void what_is_written_is_read(void **state)
{
    static const double scales[] = {1, 0.1, 0.01, 0.5, 2, 10, 0.001, -1, -0.1};

    (void)state;
    for (int round = 0; round < 200000; round++) {
        struct register_spec spec = spec_of((enum register_type)draw(REGISTER_STRING),
                                            (enum register_order)draw(4));
        unsigned bits = 16U * register_width(&spec);
        uint16_t words[4], again[4];
        struct register_value value, back;

        for (int i = 0; i < 4; i++) {
            words[i] = (uint16_t)draw(65536);
        }
        spec.scale = scales[draw(9)];
        spec.offset = draw(2) ? 0 : (double)draw(2000) / 10 - 100;
        if (spec.type != REGISTER_FLOAT32 && spec.type != REGISTER_FLOAT64 && draw(2)) {
            spec.shift = (uint8_t)draw(bits);
            spec.mask = ((draw(UINT64_MAX) | 1) << spec.shift) & (bits == 64 ? UINT64_MAX : (1ULL << bits) - 1);
        }
        memcpy(again, words, sizeof(words));
        if (register_decode(&spec, words, &value) ||
            fabs(value.number) * 2000 > 9007199254740992.0 * fabs(spec.scale)) {
            continue; /* no number, or one that a double cannot count */
        }
        if ((spec.type == REGISTER_FLOAT32 || spec.type == REGISTER_FLOAT64) &&
            (spec.scale < 1 || spec.scale > 1 || fabs(spec.offset) > 0)) {
            continue; /* scaled reals come back to 15 digits, not to the bit */
        }
        assert_int_equal(register_encode(&spec, value.number, again), ERR_OK);
        assert_int_equal(register_decode(&spec, again, &back), ERR_OK);
        assert_true(fabs(back.number - value.number) <= 1e-9 * fabs(value.number));
        if (spec.type != REGISTER_BOOL) {
            assert_memory_equal(again, words, bits / 8); /* bits outside the mask stay */
        }
    }
}

static void numbers_look_as_people_write_them(void **state)
{
    static const struct {
        double scale, offset;
        uint16_t word;
        double number;
    } rows[] = {{0.1, 0, 712, 71.2}, {0.1, 0, 3, 0.3}, {0.01, 0, 5, 0.05}, {0.001, 0, 7, 0.007}, {0.1, -40, 999, 59.9}, {0.1, 0.2, 1, 0.3}, {1e-6, 0, 3, 3e-6}, {100, 0, 3, 300}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct register_spec spec = spec_of(REGISTER_UINT16, REGISTER_ABCD);
        struct register_value value;

        spec.scale = rows[i].scale;
        spec.offset = rows[i].offset;
        assert_int_equal(register_decode(&spec, &rows[i].word, &value), ERR_OK);
        assert_memory_equal(&value.number, &rows[i].number, sizeof(double));
    }
}

static void masks_reach_every_integer(void **state)
{
    static const struct {
        enum register_type type;
        uint64_t mask;
        uint8_t shift;
        uint16_t words[4];
        double number;
    } rows[] = {
        {REGISTER_BITS, 0x0002, 1, {0xfffd}, 0},       {REGISTER_BITS, 0xf000, 12, {0xa123}, 10},
        {REGISTER_UINT16, 0xff00, 8, {0x12ff}, 0x12},  {REGISTER_INT16, 0x00ff, 0, {0xfff0}, 0xf0},
        {REGISTER_UINT32, 0xff0000, 16, {0x00ab, 0xcdef}, 0xab}, {REGISTER_BOOL, 0x0100, 0, {0x0100}, 1},
        {REGISTER_BOOL, 0x0100, 8, {0xfeff}, 0},       {REGISTER_BCD16, 0xff00, 8, {0x4299}, 42},
        {REGISTER_UINT64, 0x8000000000000000, 63, {0x8000, 0, 0, 0}, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct register_spec spec = spec_of(rows[i].type, REGISTER_ABCD);
        struct register_value value;

        spec.mask = rows[i].mask;
        spec.shift = rows[i].shift;
        assert_int_equal(register_decode(&spec, rows[i].words, &value), ERR_OK);
        assert_memory_equal(&value.number, &rows[i].number, sizeof(double));
    }
}

static void one_bit_is_written_alone(void **state)
{
    struct register_spec spec = spec_of(REGISTER_BOOL, REGISTER_ABCD);
    uint16_t word = 0xf0f0;

    (void)state;
    spec.mask = 0x0004;
    assert_int_equal(register_encode(&spec, 1, &word), ERR_OK);
    assert_int_equal(word, 0xf0f4);
    assert_int_equal(register_encode(&spec, 0, &word), ERR_OK);
    assert_int_equal(word, 0xf0f0);
    spec.mask = UINT64_MAX;
    assert_int_equal(register_encode(&spec, 1, &word), ERR_OK);
    assert_int_equal(word, 1);
    spec.table = REGISTER_COIL;
    assert_int_equal(register_encode(&spec, 0, &word), ERR_OK);
    assert_int_equal(word, 0);
    assert_int_equal(register_encode(&spec, 2, &word), ERR_RANGE);
}

static void strings_end_where_they_end(void **state)
{
    static const struct {
        enum register_order order;
        uint16_t words[4];
        const char *text;
    } rows[] = {
        {REGISTER_ABCD, {0x4142, 0x4344, 0x2020, 0x0000}, "ABCD"},
        {REGISTER_CDAB, {0x4142, 0x4344, 0x2020, 0x0000}, "ABCD"}, /* a string knows only the bytes */
        {REGISTER_BADC, {0x4241, 0x4443, 0x0020, 0x0000}, "ABCD"},
        {REGISTER_DCBA, {0x4241, 0x4443, 0x0020, 0x0000}, "ABCD"},
        {REGISTER_ABCD, {0, 0, 0, 0}, ""},
        {REGISTER_ABCD, {0xe4b8, 0xad20, 0, 0}, "\xe4\xb8\xad"},
        {REGISTER_ABCD, {0x41ff, 0x4200, 0x4300, 0}, "A?B?C"}, /* no UTF-8, and a NUL within */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct register_spec spec = spec_of(REGISTER_STRING, rows[i].order);
        struct register_value value;
        uint16_t back[4];

        spec.length = 4;
        assert_int_equal(register_decode(&spec, rows[i].words, &value), ERR_OK);
        assert_true(value.is_text);
        assert_string_equal(value.text, rows[i].text);
        assert_int_equal(register_encode(&spec, 1, back), ERR_UNSUPPORTED);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    static const struct {
        enum register_type type;
        double number;
        enum err err;
    } rows[] = {
        {REGISTER_INT16, 32767, ERR_OK},       {REGISTER_INT16, 32768, ERR_RANGE},
        {REGISTER_INT16, -32769, ERR_RANGE},   {REGISTER_UINT16, -1, ERR_RANGE},
        {REGISTER_UINT16, 65535.4, ERR_OK},    {REGISTER_UINT16, 65536, ERR_RANGE},
        {REGISTER_UINT32, 4294967296, ERR_RANGE}, {REGISTER_INT64, 9.3e18, ERR_RANGE},
        {REGISTER_INT64, -9223372036854775808.0, ERR_OK}, {REGISTER_UINT64, 1.8e19, ERR_OK},
        {REGISTER_UINT64, 1.9e19, ERR_RANGE},  {REGISTER_BCD16, 10000, ERR_RANGE},
        {REGISTER_BCD32, -1, ERR_RANGE},       {REGISTER_FLOAT32, 3.5e38, ERR_RANGE},
        {REGISTER_FLOAT64, 1e300, ERR_OK},     {REGISTER_FLOAT32, (double)NAN, ERR_RANGE},
        {REGISTER_INT16, (double)INFINITY, ERR_RANGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct register_spec spec = spec_of(rows[i].type, REGISTER_ABCD);
        uint16_t words[4] = {0};

        assert_int_equal(register_encode(&spec, rows[i].number, words), rows[i].err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_table),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(numbers_look_as_people_write_them),
        cmocka_unit_test(masks_reach_every_integer),
        cmocka_unit_test(one_bit_is_written_alone),
        cmocka_unit_test(strings_end_where_they_end),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
