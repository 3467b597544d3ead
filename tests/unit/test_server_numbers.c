/* S1-23: numbers with a check character that catches what people do wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "server/fleet/numbers.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Any other character in any place, and any two neighbours swapped, is found out. */
static void every_slip_of_one_hand_is_found(void **state)
{
    (void)state;
    for (int n = 0; n < 200; n++) {
        char number[NUMBERS_ROOM], wrong[NUMBERS_ROOM];

        numbers_make('T', number, sizeof(number));
        assert_int_equal(strlen(number), 11);
        assert_true(numbers_are_valid(number));
        for (size_t i = 2; number[i]; i++) {
            for (const char *c = alphabet; *c; c++) {
                memcpy(wrong, number, sizeof(wrong));
                wrong[i] = *c;
                assert_int_equal(numbers_are_valid(wrong), *c == number[i]);
            }
            if (number[i + 1]) {
                memcpy(wrong, number, sizeof(wrong));
                wrong[i] = number[i + 1];
                wrong[i + 1] = number[i];
                assert_int_equal(numbers_are_valid(wrong), number[i] == number[i + 1]);
            }
        }
    }
    assert_false(numbers_are_valid(""));
    assert_false(numbers_are_valid("T-"));
    assert_false(numbers_are_valid("T-0000000000"));
}

static void what_is_read_out_is_understood(void **state)
{
    char tidy[NUMBERS_ROOM];

    (void)state;
    numbers_tidy("t-o1li23ab4", tidy);
    assert_string_equal(tidy, "T-011123AB4");
    numbers_tidy("T 0123 ABCD 4", tidy);
    assert_string_equal(tidy, "T-0123ABCD4");
    numbers_tidy("", tidy);
    assert_string_equal(tidy, "");
    numbers_tidy("T-00000000000000000000000000000000000000000000000000000", tidy);
    assert_true(strlen(tidy) < NUMBERS_ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slip_of_one_hand_is_found),
        cmocka_unit_test(what_is_read_out_is_understood),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
