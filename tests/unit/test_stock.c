/* The pure rules of the stock: how many there should be, where a part is taken from, what may be done with a voucher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "models/stock/allocate.h"
#include "models/stock/need.h"
#include "models/stock/voucher.h"

/* P(Poisson(mean) ≤ s) from tables: of mean 1: 0.3679 0.7358 0.9197 0.9810 0.9963; of mean 5: 0.9319 (8) 0.9682 (9). */
static void test_quantiles(void **state)
{
    static const struct {
        double mean, service;
        int64_t least;
    } rows[] = {
        {0, 0.99, 0},   {-1, 0.99, 0},   {1, 0.5, 1},     {1, 0.9, 2},    {1, 0.95, 3},   {1, 0.99, 4},
        {5, 0.93, 8},   {5, 0.95, 9},    {0.01, 0.95, 0}, {0.06, 0.95, 1}, {100, 0.95, 117}, {1000, 0.95, 1052},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = need_quantile(rows[i].mean, rows[i].service);

        if (got != rows[i].least) {
            fail_msg("mean %g service %g: %lld, expected %lld", rows[i].mean, rows[i].service, (long long)got,
                     (long long)rows[i].least);
        }
    }
    assert_in_range(need_quantile(1e9, 0.95), 100000, 101000); /* bounded */
}

/* S1-44: the maker's word fades as one learns more; what is predicted counts; more pieces, longer lead and better service
 * never want fewer. */
static void test_needs(void **state)
{
    struct need_facts facts = {.pieces = 100, .prior = 0.04, .lead_days = 30, .cover_days = 30, .service = 0.95};
    struct need first = need_judge(&facts), more;

    (void)state;
    assert_true(first.rate > 0.0399 && first.rate < 0.0401);
    assert_true(first.demand > 0.32 && first.demand < 0.33); /* 100 × 0.04 × 30 / 365.25 */
    assert_int_equal(first.least, 1);
    assert_int_equal(first.target, 2);
    facts.years = 1000; /* none of 1,000 piece-years failed */
    more = need_judge(&facts);
    assert_true(more.rate < 0.002 && more.rate > 0.0015);
    facts.failures = 100;
    more = need_judge(&facts);
    assert_true(more.rate > 0.096 && more.rate < 0.1);
    facts.prior = 0;
    more = need_judge(&facts);
    assert_true(more.rate > 0.0999 && more.rate < 0.1001);
    facts = (struct need_facts){.pieces = 100, .prior = 0.04, .lead_days = 30, .cover_days = 30, .service = 0.95};
    facts.predicted = 3;
    more = need_judge(&facts);
    assert_true(more.least > first.least && more.target > first.target);
    facts.predicted = 0;
    for (int i = 0; i < 3; i++) {
        struct need_facts bigger = facts;

        bigger.pieces *= i == 0 ? 10 : 1;
        bigger.lead_days *= i == 1 ? 10 : 1;
        bigger.service = i == 2 ? 0.999 : bigger.service;
        assert_true(need_judge(&bigger).least > first.least);
    }
    facts = (struct need_facts){.pieces = -4, .failures = -2, .years = -1, .service = 7};
    more = need_judge(&facts);
    assert_int_equal(more.least, 0);
    assert_int_equal(more.target, 0);
}

/* S1-47: those in time by cost; then the late ones by time; then what has too few, and none. */
static void test_allocation(void **state)
{
    enum { HOUR = 3600000 };
    struct allocate_place places[] = {
        {.depot = 1, .free = 5, .travel_ms = HOUR, .cost = 50},      {.depot = 2, .free = 5, .travel_ms = 3 * HOUR, .cost = 10},
        {.depot = 3, .free = 5, .travel_ms = 9 * HOUR, .cost = 1},   {.depot = 4, .free = 1, .travel_ms = 0, .cost = 0},
        {.depot = 5, .free = 0, .travel_ms = 0, .cost = 0},          {.depot = 0, .free = 1000, .ready_ms = 7 * HOUR, .cost = 99},
        {.depot = 6, .free = 5, .travel_ms = 3 * HOUR, .cost = 10, .order = -1},
    };
    static const int64_t wanted[] = {6, 2, 1, 0, 3, 4, 5};

    (void)state;
    allocate_rank(places, 7, 2, 1000, 1000 + 4 * HOUR);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(places[i].depot, wanted[i]);
    }
    assert_int_equal(places[0].reason, ALLOCATE_IN_TIME);
    assert_int_equal(places[0].spare_ms, HOUR);
    assert_int_equal(places[3].reason, ALLOCATE_LATE);
    assert_int_equal(places[3].spare_ms, -3 * HOUR);
    assert_int_equal(places[5].reason, ALLOCATE_TOO_FEW);
    allocate_rank(places, 7, 1, 1000, INT64_MAX); /* no hurry: the cheapest */
    assert_int_equal(places[0].depot, 4);
    allocate_rank(places, 0, 1, 1000, INT64_MAX);
}

/* Every row leads somewhere that the table knows, every state but the last ones can be left, and what is approved is
 * approved by somebody else. */
static void test_vouchers(void **state)
{
    const struct voucher_row *row;
    struct voucher_ask ask = {VOUCHER_SCRAP, "requested", "approve", "li", "li", ROLE_MANAGER};
    char words[300];
    struct text why = text_on(words, sizeof(words));

    (void)state;
    for (size_t i = 0; i < voucher_row_count; i++) {
        assert_false(voucher_is_over(voucher_rows[i].kind, voucher_rows[i].from[0]));
        assert_false(voucher_rows[i].may >> ROLE_VIEWER & 1);
    }
    for (int kind = 0; kind < VOUCHER_KINDS; kind++) {
        assert_int_equal(voucher_kind_read(voucher_kind_names[kind]), kind);
        assert_false(voucher_is_over((enum voucher_kind)kind, voucher_begin((enum voucher_kind)kind)));
        assert_false(voucher_may_open((enum voucher_kind)kind) >> ROLE_VIEWER & 1);
    }
    assert_int_equal(voucher_kind_read("gift"), -1);
    assert_true(voucher_is_over(VOUCHER_SCRAP, "approved"));
    assert_false(voucher_is_over(VOUCHER_PURCHASE, "approved"));
    assert_int_equal(voucher_judge(&ask, &row, &why), ERR_STATE);
    assert_non_null(strstr(words, "another person"));
    ask.who = "wang";
    assert_int_equal(voucher_judge(&ask, &row, &why), ERR_OK);
    assert_string_equal(row->to, "approved");
    ask.role = ROLE_TECHNICIAN;
    assert_int_equal(voucher_judge(&ask, &row, &why), ERR_FORBIDDEN);
    ask = (struct voucher_ask){VOUCHER_SHIPMENT, "planned", "deliver", "li", "li", ROLE_DISPATCHER};
    assert_int_equal(voucher_judge(&ask, &row, &why), ERR_STATE);
    assert_non_null(strstr(words, "pick ship"));
    ask.action = "explode";
    assert_int_equal(voucher_judge(&ask, &row, &why), ERR_FORMAT);
    ask.action = NULL;
    assert_int_equal(voucher_judge(&ask, &row, &why), ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_allocation),
        cmocka_unit_test(test_vouchers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
