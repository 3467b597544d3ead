/* How long a message that fails by itself may come again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/ingest/patience.h"

static struct envelope number(uint64_t seq)
{
    return (struct envelope){.epoch = "0123456789abcdef", .seq = seq};
}

static void an_hour_and_each_by_itself(void **state)
{
    struct patience *patience;
    struct envelope one = number(1), two = number(2);

    (void)state;
    assert_int_equal(patience_open(&patience), ERR_OK);
    for (int64_t at = 0; at < PATIENCE_MS; at += 30000) {
        assert_false(patience_is_over(patience, "gw", &one, at));
    }
    assert_false(patience_is_over(patience, "gw", &two, PATIENCE_MS));
    assert_false(patience_is_over(patience, "other", &one, PATIENCE_MS));
    assert_true(patience_is_over(patience, "gw", &one, PATIENCE_MS));
    patience_close(patience);
}

static void a_crowd_only_makes_it_longer(void **state)
{
    struct patience *patience;
    struct envelope one = number(1);

    (void)state;
    assert_int_equal(patience_open(&patience), ERR_OK);
    assert_false(patience_is_over(patience, "gw", &one, 0));
    for (uint64_t seq = 2; seq < 3000; seq++) {
        struct envelope other = number(seq);

        assert_false(patience_is_over(patience, "gw", &other, (int64_t)seq));
    }
    assert_false(patience_is_over(patience, "gw", &one, PATIENCE_MS));
    assert_true(patience_is_over(patience, "gw", &one, 2 * PATIENCE_MS));
    patience_close(patience);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_and_each_by_itself),
        cmocka_unit_test(a_crowd_only_makes_it_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
