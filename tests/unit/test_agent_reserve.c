/* How the quota is shared out, and what is left of it on a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/uplink/spool_sizes.h"

#define KIB ((int64_t)1024)
#define MIB (1024 * KIB)

static void shares_of_the_quota(void **state)
{
    (void)state;
    assert_int_equal(spool_sizes(MIB).reserve, 128 * KIB);
    assert_int_equal(spool_sizes(MIB).wal_pages, 8);
    assert_int_equal(spool_sizes(MIB).database, 512 * KIB);
    assert_int_equal(spool_sizes(4 * MIB).reserve, 512 * KIB);
    assert_int_equal(spool_sizes(4 * MIB).wal_pages, 32);
    assert_int_equal(spool_sizes(256 * MIB).reserve, 4 * MIB);
    assert_int_equal(spool_sizes(256 * MIB).wal_pages, 256);
    assert_int_equal(spool_sizes(256 * MIB).database, 156 * MIB);
}

static void shares_never_exceed_the_quota(void **state)
{
    (void)state;
    for (int64_t bytes = MIB; bytes < 64 * 1024 * MIB; bytes = bytes * 9 / 8 + 1) {
        struct spool_sizes sizes = spool_sizes(bytes);

        assert_true(sizes.database >= bytes / 2);
        assert_true(sizes.reserve >= 128 * KIB && sizes.reserve <= 4 * MIB);
        assert_true(sizes.database + sizes.reserve + sizes.wal_pages * 4096 <= bytes * 7 / 8);
    }
}

static void a_full_disk_leaves_three_quarters_to_the_wal(void **state)
{
    struct spool_sizes sizes = spool_sizes(4 * MIB);

    (void)state;
    assert_int_equal(spool_tight_room(&sizes, MIB, 0), MIB);
    assert_int_equal(spool_tight_room(&sizes, MIB, 384 * KIB), MIB);
    assert_int_equal(spool_tight_room(&sizes, MIB, 512 * KIB), MIB + 128 * KIB);
    assert_int_equal(spool_tight_room(&sizes, MIB, INT64_MAX), sizes.database);
    assert_false(spool_reserve_fits(&sizes, 512 * KIB)); /* it would be used again at once */
    assert_true(spool_reserve_fits(&sizes, 768 * KIB));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_of_the_quota),
        cmocka_unit_test(shares_never_exceed_the_quota),
        cmocka_unit_test(a_full_disk_leaves_three_quarters_to_the_wal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
