/* When a certificate ends, and that no broken one is read beyond its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/base/certificate.h"
#include "models/base/civil.h"

static const char pem[] = /* 25 November 2026 14:14:57 to 27 February 2029 */
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdDCCARmgAwIBAgIUWoc8fk5QvcTdKAlZSJYr0muEDigwCgYIKoZIzj0EAwIw\n"
    "DzENMAsGA1UEAwwEZ3ctMTAeFw0yNjExMjUxNDE0NTdaFw0yOTAyMjcxNDE0NTda\n"
    "MA8xDTALBgNVBAMMBGd3LTEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASo5gaN\n"
    "7S6CN80WlnEp8lni7B8S1xR4hNwrwXu1Hti9R6qlhzTmCW8WgQjzMnpVhQQGqZwY\n"
    "qWcEeBUKzQYOzdnPo1MwUTAdBgNVHQ4EFgQUnoIZdThgU/OZeoxvOYElvmqiMI0w\n"
    "HwYDVR0jBBgwFoAUnoIZdThgU/OZeoxvOYElvmqiMI0wDwYDVR0TAQH/BAUwAwEB\n"
    "/zAKBggqhkjOPQQDAgNJADBGAiEA+bCRjm4Hdsq0iK8g8hNRsoR0aaXSZooX0RbA\n"
    "UxQ6O7MCIQCtoMW839olYNRLBxRnIMQQIbUglI6sOEWJ2yJOyMY/ug==\n"
    "-----END CERTIFICATE-----\n";

/* S0-10 */
static void test_span(void **state)
{
    char words[2048] = "a key may stand before it\n";
    int64_t from_ms = 0, until_ms = 0;

    (void)state;
    assert_int_equal(certificate_span(pem, strlen(pem), &from_ms, &until_ms), ERR_OK);
    assert_int_equal(from_ms, civil_days(2026, 11, 25) * 86400000LL + ((14 * 60 + 14) * 60 + 57) * 1000LL);
    assert_int_equal(until_ms, civil_days(2029, 2, 27) * 86400000LL + ((14 * 60 + 14) * 60 + 57) * 1000LL);
    strcat(words, pem);
    until_ms = 0;
    assert_int_equal(certificate_span(words, strlen(words), &from_ms, &until_ms), ERR_OK);
    assert_int_equal(until_ms / 86400000, civil_days(2029, 2, 27));
    assert_int_equal(certificate_span("", 0, &from_ms, &until_ms), ERR_FORMAT);
    assert_int_equal(certificate_span("-----BEGIN CERTIFICATE-----", 27, &from_ms, &until_ms), ERR_FORMAT);
}

/* Cut anywhere, or with any byte changed: refused, or a span, and nothing beyond the bytes is touched (ASan). */
static void test_broken(void **state)
{
    size_t size = strlen(pem);

    (void)state;
    for (size_t i = 0; i < size; i++) {
        char *cut = malloc(i + 1), *bent = malloc(size);
        int64_t from_ms, until_ms;

        assert_non_null(cut);
        assert_non_null(bent);
        memcpy(cut, pem, i);
        if (i < size - 25) {
            assert_int_equal(certificate_span(cut, i, &from_ms, &until_ms), ERR_FORMAT);
        }
        for (int k = 0; k < 8; k++) {
            memcpy(bent, pem, size);
            bent[i] = (char)(bent[i] ^ 1 << k);
            (void)!certificate_span(bent, size, &from_ms, &until_ms);
        }
        free(cut);
        free(bent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_span), cmocka_unit_test(test_broken)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
