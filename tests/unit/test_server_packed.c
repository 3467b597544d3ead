/* Packed hours come back exactly, and are small. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/store/packed.h"

#define HOUR 497222

struct check {
    const struct reading *expected;
    size_t at;
};

static int compare(void *context, const struct reading *got)
{
    struct check *check = context;
    const struct reading *want = &check->expected[check->at++];

    assert_int_equal(got->t_ms, want->t_ms);
    assert_int_equal(got->quality, want->quality);
    assert_int_equal(got->has_value, want->has_value);
    if (want->has_value && !want->text) {
        assert_memory_equal(&got->value, &want->value, sizeof(double));
    }
    assert_true((got->text == NULL) == (want->text == NULL));
    if (want->text) {
        assert_string_equal(got->text, want->text);
    }
    return 1;
}

/* In one sum what one by one would say; not at all when one of them is not a good number. */
static void check_sum(const struct packed_out *out, const struct reading *list, size_t count)
{
    struct packed_sum sum = {0}, want = {0};
    bool plain = true;
    enum err err = packed_summarize(out->bytes, out->size, &sum);

    for (size_t i = 0; i < count; i++) {
        double value = list[i].value;

        plain = plain && list[i].has_value && !list[i].text && list[i].quality == QUALITY_GOOD;
        want.least = i == 0 || value < want.least ? value : want.least;
        want.most = i == 0 || value > want.most ? value : want.most;
        want.sum += value;
    }
    assert_int_equal(err, plain ? ERR_OK : ERR_UNSUPPORTED);
    if (plain) {
        assert_int_equal(sum.count, count);
        assert_memory_equal(&sum.least, &want.least, sizeof(double));
        assert_memory_equal(&sum.most, &want.most, sizeof(double));
        assert_true(fabs(sum.sum - want.sum) <= 1e-9 * (1 + fabs(want.sum)));
    }
}

static void every_hour_comes_back(void **state)
{
    struct packed_out out = {0};

    (void)state;
    srand(5);
    for (int round = 0; round < 500; round++) {
        struct reading list[200];
        size_t count = 1 + (size_t)rand() % 200;
        int64_t t = (int64_t)HOUR * PACKED_HOUR_MS;
        int kind = rand() % 4;
        bool troubled = rand() % 2;
        struct check check = {list, 0};

        for (size_t i = 0; i < count; i++) {
            t += 1 + rand() % 17000;
            list[i] = (struct reading){.t_ms = t, .has_value = true, .quality = QUALITY_GOOD};
            list[i].value = kind == 0 ? (double)(rand() % 3000 - 500) / 10 : kind == 1 ? (double)rand() / 7 : kind == 2 ? rand() % 2 : (double)(rand() % 100000) / 1000;
            if (troubled && rand() % 10 == 0) {
                list[i] = (struct reading){.t_ms = t, .quality = QUALITY_TIMEOUT};
            } else if (troubled && rand() % 20 == 0) {
                list[i].text = "标准";
            }
        }
        assert_int_equal(packed_write(HOUR, list, count, &out), ERR_OK);
        assert_int_equal(packed_read(HOUR, out.bytes, out.size, compare, &check), ERR_OK);
        assert_int_equal(check.at, count);
        check_sum(&out, list, count);
    }
    free(out.bytes);
}

static void a_random_walk_takes_three_bytes(void **state)
{
    struct reading list[60];
    struct packed_out out = {0};
    size_t size = 0;

    (void)state;
    srand(6);
    for (int round = 0; round < 200; round++) {
        int value = 500;

        for (size_t i = 0; i < 60; i++) {
            value += rand() % 7 - 3;
            list[i] = (struct reading){.t_ms = (int64_t)HOUR * PACKED_HOUR_MS + (int64_t)i * 60000 + 30 + rand() % 41 - 20, .has_value = true, .value = (double)value / 10};
        }
        assert_int_equal(packed_write(HOUR, list, 60, &out), ERR_OK);
        size += out.size;
    }
    assert_true(size <= 3U * 60U * 200U);
    free(out.bytes);
}

static int ignore(void *context, const struct reading *got)
{
    (void)context;
    (void)got;
    return 1;
}

static void broken_bytes_are_refused(void **state)
{
    unsigned char bytes[64];

    (void)state;
    srand(8);
    for (int round = 0; round < 20000; round++) {
        size_t size = (size_t)rand() % sizeof(bytes);

        for (size_t i = 0; i < size; i++) {
            bytes[i] = (unsigned char)rand();
        }
        if (size > 0 && rand() % 2) {
            bytes[0] = 0x21;
        }
        (void)!packed_read(HOUR, bytes, size, ignore, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hour_comes_back),
        cmocka_unit_test(a_random_walk_takes_three_bytes),
        cmocka_unit_test(broken_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
