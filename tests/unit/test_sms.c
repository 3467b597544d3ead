/* Short messages: what they cost, where they are cut, which numbers they go to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/service/sms.h"

static const char *many(const char *words, int times)
{
    static char room[8000];
    struct text text = text_on(room, sizeof(room));

    while (times-- > 0) {
        text_add(&text, words);
    }
    return text.at;
}

static void check(const char *words, enum sms_coding coding, int units, int segments)
{
    struct sms_size size = sms_measure(words);

    assert_int_equal(size.coding, coding);
    assert_int_equal(size.units, units);
    assert_int_equal(size.segments, segments);
}

static void test_segments(void **state)
{
    TEXT(words, 2000);

    (void)state;
    check("", SMS_GSM7, 0, 0);
    check(many("a", 160), SMS_GSM7, 160, 1);
    check(many("a", 161), SMS_GSM7, 161, 2);
    check(many("a", 306), SMS_GSM7, 306, 2);
    check(many("a", 307), SMS_GSM7, 307, 3);
    check("12 \xe2\x82\xac [ok]\n\xc3\xa9", SMS_GSM7, 14, 1); /* euro and brackets take two places */
    check(many("[", 80), SMS_GSM7, 160, 1);
    check("`", SMS_UCS2, 1, 1);
    check("热水器", SMS_UCS2, 3, 1);
    check(many("热", 70), SMS_UCS2, 70, 1);
    check(many("热", 71), SMS_UCS2, 71, 2);
    check(many("热", 135), SMS_UCS2, 135, 3);
    check("\xf0\x9f\x94\xa5", SMS_UCS2, 2, 1); /* a pair of UTF-16 */
    /* a letter of two places is not torn apart: 152 + [ + 152 is three parts, though it is 306 units */
    text_add(&words, many("a", 152));
    text_add(&words, "[");
    text_add(&words, many("a", 152));
    check(words.at, SMS_GSM7, 306, 3);
    check("\xff\xc3", SMS_UCS2, 2, 1); /* no UTF-8 */
}

static void test_fitting(void **state)
{
    TEXT(to, 2000);

    (void)state;
    sms_fit("hot", "https://x", 1, &to);
    assert_string_equal(to.at, "hot https://x");
    sms_fit(many("a", 200), "https://x", 1, &to);
    assert_int_equal(sms_measure(to.at).segments, 1);
    assert_int_equal(to.length, 160);
    assert_non_null(strstr(to.at, "aaa... https://x"));
    sms_fit(many("热", 500), "https://x", 3, &to);
    assert_int_equal(sms_measure(to.at).units, 201);
    assert_true(text_is_utf8(to.at, to.length));
    sms_fit("hot", many("x", 200), 1, &to);
    assert_string_equal(to.at, "hot"); /* half a link leads nowhere */
    sms_fit("", "https://x", 1, &to);
    assert_string_equal(to.at, "https://x");
    for (int n = 0; n < 400; n++) { /* what fits is whole, what is cut fills the room */
        sms_fit(many("热[a", n), NULL, 2, &to);
        assert_true(sms_measure(to.at).segments <= 2);
        assert_true(strcmp(to.at, many("热[a", n)) == 0 || sms_measure(to.at).units >= 133);
    }
}

static void test_numbers(void **state)
{
    static const char *const wrong[] = {"", "1234", "call me", "12345678901234567890", "86+21 5550 1234", "021 5550 1234 ext 5", NULL};
    TEXT(to, SMS_NUMBER_ROOM);

    (void)state;
    assert_true(sms_number("+86 (21) 5550-1234", &to));
    assert_string_equal(to.at, "+862155501234");
    assert_true(sms_number("400 000 1111", &to));
    assert_string_equal(to.at, "4000001111");
    assert_false(sms_number(NULL, &to));
    for (int i = 0; wrong[i]; i++) {
        assert_false(sms_number(wrong[i], &to));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_fitting),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
