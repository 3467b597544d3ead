/* Money as whole minor units: rounding, tables of who pays, bounds; and the warranty's finer rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "models/base/civil.h"
#include "models/service/price.h"
#include "models/service/warranty.h"

static uint64_t seed = 20261125;

static int64_t draw(int64_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (int64_t)((seed >> 33) % (uint64_t)below);
}

static struct price_rules rules_of(void)
{
    struct price_rules rules = price_rules_usual();

    rules.labour_hour = 12000;
    rules.travel_hour = 6000;
    rules.call_out = 5000;
    rules.labour_hour_cost = 8000;
    rules.markup = 2000;
    rules.tax = 600;
    rules.complex = 15000;
    return rules;
}

/* ------------------------------------------------------------------ words */

static void amounts_are_read_exactly(void **state)
{
    static const struct {
        const char *words;
        enum err err;
        int64_t minor;
    } rows[] = {
        {"480", ERR_OK, 48000},     {"480.5", ERR_OK, 48050},  {"480.05", ERR_OK, 48005}, {"-0.05", ERR_OK, -5},
        {"0", ERR_OK, 0},           {"480.505", ERR_RANGE, 0}, {"", ERR_FORMAT, 0},       {".5", ERR_FORMAT, 0},
        {"5.", ERR_FORMAT, 0},      {"1e3", ERR_FORMAT, 0},    {"4,80", ERR_FORMAT, 0},   {"12345678901", ERR_RANGE, 0},
        {"9999999999", ERR_RANGE, 0}, {"1000000000", ERR_OK, 100000000000},               {" 1", ERR_FORMAT, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t minor = 0;

        assert_int_equal(money_read(rows[i].words, &minor), rows[i].err);
        assert_int_equal(minor, rows[i].minor);
    }
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t minor = draw(2 * PRICE_MOST) - PRICE_MOST, again = 0;
        TEXT(words, 40);

        money_write(minor, &words);
        assert_int_equal(money_read(words.at, &again), ERR_OK);
        assert_int_equal(again, minor);
        if (minor < 1000000000 && minor > -1000000000) { /* also as a JSON number: what has two decimals is exact */
            assert_int_equal(money_of_number((double)minor / 100, &again), ERR_OK);
            assert_int_equal(again, minor);
        }
    }
}

static void a_third_of_a_fen_is_no_amount(void **state)
{
    int64_t minor;

    (void)state;
    assert_int_equal(money_of_number(1.005, &minor), ERR_RANGE);
    assert_int_equal(money_of_number(1e12, &minor), ERR_RANGE);
    assert_int_equal(money_of_number(0.1 + 0.2, &minor), ERR_OK);
    assert_int_equal(minor, 30);
}

/* ------------------------------------------------------------------ lines */

/* C-09, C-10: parts, labour, travel and call-out, each by its mode. */
static void each_mode_of_the_table(void **state)
{
    static const struct {
        enum price_mode mode;
        int64_t list, cost, cap, unit;
        enum err err;
    } rows[] = {
        {PRICE_FREE, 50000, 30000, -1, 0, ERR_OK},
        {PRICE_COST, 50000, 30000, -1, 30000, ERR_OK},     /* S0-76 */
        {PRICE_COST, 50000, -1, -1, 50000, ERR_OK},
        {PRICE_LIST, 50000, 30000, 10000, 50000, ERR_OK},  /* S0-68 */
        {PRICE_LIST, -1, 30000, -1, 36000, ERR_OK},        /* cost and a fifth */
        {PRICE_CONTRACT, 50000, 30000, 45000, 45000, ERR_OK}, /* S0-77 */
        {PRICE_CONTRACT, 40000, 30000, 45000, 40000, ERR_OK},
        {PRICE_CONTRACT, 50000, 30000, -1, 50000, ERR_OK},
        {PRICE_LIST, -1, -1, -1, 0, ERR_NOT_FOUND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct price_rules rules = rules_of();
        struct price_ask ask = {.item = PRICE_PARTS, .by = PRICE_EXPIRED, .quantity = 2000, .list = rows[i].list,
                                .cost = rows[i].cost, .cap = rows[i].cap};
        struct price price = {0};

        rules.who_pays[PRICE_EXPIRED][PRICE_PARTS] = rows[i].mode;
        assert_int_equal(price_line(&rules, &ask, &price), rows[i].err);
        assert_int_equal(price.unit, rows[i].unit);
        assert_int_equal(price.amount, 2 * rows[i].unit);
        assert_int_equal(price.tax, price_share(2 * rows[i].unit, 600));
    }
}

static void labour_of_a_complex_fault_costs_more(void **state) /* S3-14 */
{
    struct price_rules rules = rules_of();
    struct price_ask ask = {.item = PRICE_LABOUR, .by = PRICE_EXPIRED, .quantity = 1500, .list = -1, .cost = -1, .cap = -1};
    struct price price;

    (void)state;
    assert_int_equal(price_line(&rules, &ask, &price), ERR_OK);
    assert_int_equal(price.amount, 18000);
    ask.complex = true;
    assert_int_equal(price_line(&rules, &ask, &price), ERR_OK);
    assert_int_equal(price.amount, 27000);
    ask.by = PRICE_COVERED; /* S0-63, S3-12: entirely free */
    assert_int_equal(price_line(&rules, &ask, &price), ERR_OK);
    assert_int_equal(price.amount + price.tax, 0);
    assert_int_equal(price_cost(&rules, &ask, &price), ERR_OK); /* the company pays for it all the same */
    assert_int_equal(price.amount, 18000);
    assert_int_equal(price.tax, 0);
}

static void chargeable_is_what_the_table_says(void **state)
{
    struct price_rules rules = rules_of();

    (void)state;
    assert_false(price_is_chargeable(&rules, PRICE_COVERED));
    assert_true(price_is_chargeable(&rules, PRICE_EXPIRED));
    for (int item = 0; item < PRICE_ITEMS; item++) {
        rules.who_pays[PRICE_EXPIRED][item] = PRICE_FREE;
    }
    assert_false(price_is_chargeable(&rules, PRICE_EXPIRED));
}

/* Nothing is lost or made by rounding: half up, away from zero, symmetric; products never overflow. */
static void shares_round_once(void **state)
{
    (void)state;
    assert_int_equal(price_share(25, 600), 2); /* 1.5 */
    assert_int_equal(price_share(-25, 600), -2);
    assert_int_equal(price_share(24, 600), 1);
    for (int i = 0; i < 50000; i++) {
        int64_t amount = draw(PRICE_MOST), points = draw(100001), share = price_share(amount, points);
        double exact = (double)amount * (double)points / 10000;

        assert_true((double)share >= exact - 0.5 - exact * 1e-12 && (double)share <= exact + 0.5 + exact * 1e-12);
        assert_int_equal(price_share(-amount, points), -share);
        assert_int_equal(price_share(amount, 10000), amount);
    }
}

static void least_and_most_hold_whatever_the_lines(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct price_rules rules = rules_of();
        int64_t sum = draw(1000000), level;

        rules.minimum = draw(2) ? draw(200000) : 0;
        rules.most = draw(2) ? rules.minimum + draw(500000) : 0;
        level = price_level(&rules, sum);
        if (sum == 0) {
            assert_int_equal(level, 0);
            continue;
        }
        assert_true(!rules.minimum || sum + level >= rules.minimum || (rules.most && sum + level == rules.most));
        assert_true(!rules.most || sum + level <= rules.most);
        assert_int_equal(price_level(&rules, sum + level), 0); /* once is enough */
    }
}

/* ------------------------------------------------------------------ warranty */

static int32_t day(int year, int month, int date)
{
    return civil_days(year, month, date);
}

static struct plan plan_of(void)
{
    static const struct plan_class classes[] = {{"tank", {3, DURATION_Y}, {'S', NULL, NULL}}};
    static const char *const order[] = {"acceptance_date", "sale_date", NULL};
    struct plan plan = {.id = "p", .classes = classes, .class_count = 1, .start_order = order, .phases = {"guarantee", "maintenance"}};

    return plan;
}

/* S2-27, G-17: the rest of the term and at least so long, or a term of its own. */
static void an_exchanged_part_has_its_own_term(void **state)
{
    struct plan plan = plan_of();
    struct warranty_dates dates = {day(2023, 3, 6), WARRANTY_NO_DATE, WARRANTY_NO_DATE,
                                   WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE};
    struct warranty_facts facts = {&dates, "tank", "hardware", day(2026, 3, 6), WARRANTY_NO_DATE, WARRANTY_NO_DATE};
    struct warranty warranty = warranty_of(&plan, &facts);

    (void)state;
    assert_int_equal(warranty.verdict, WARRANTY_EXPIRED); /* its last day was the fifth */
    assert_string_equal(warranty.phase, "maintenance"); /* S0-75: by itself */
    facts.exchanged_day = day(2026, 2, 1);
    assert_int_equal(warranty_of(&plan, &facts).verdict, WARRANTY_EXPIRED); /* remaining: nothing is left */
    plan.exchange_least = (struct duration){90, DURATION_D};
    warranty = warranty_of(&plan, &facts);
    assert_int_equal(warranty.verdict, WARRANTY_COVERED);
    assert_int_equal(warranty.until, day(2026, 2, 1) + 89);
    assert_string_equal(warranty.start_rule, "exchange_date");
    plan.exchange_fresh = true;
    assert_int_equal(warranty_of(&plan, &facts).until, day(2029, 1, 31));
    facts.exchanged_day = day(2026, 3, 7); /* after the fault: of no account for it */
    assert_int_equal(warranty_of(&plan, &facts).verdict, WARRANTY_EXPIRED);
    facts.fault_day = day(2024, 1, 1); /* an early exchange with the rest of the term makes nothing shorter */
    facts.exchanged_day = day(2023, 12, 1);
    plan.exchange_fresh = false;
    assert_int_equal(warranty_of(&plan, &facts).until, day(2026, 3, 5));
}

/* S0-136, C-20: 20 days from the sale; what a late card does is the plan's. */
static void a_late_card_is_as_the_plan_says(void **state)
{
    static const struct {
        int card; /* days after the sale; -1: it never came */
        int fault;
        enum plan_card late;
        enum warranty_verdict verdict;
        enum warranty_card state;
    } rows[] = {
        {20, 100, PLAN_CARD_REFUSE, WARRANTY_COVERED, WARRANTY_CARD_IN_TIME},
        {21, 100, PLAN_CARD_REFUSE, WARRANTY_EXCLUDED, WARRANTY_CARD_LATE},
        {21, 100, PLAN_CARD_DECIDE, WARRANTY_UNKNOWN, WARRANTY_CARD_LATE},
        {21, 100, PLAN_CARD_GRANT, WARRANTY_COVERED, WARRANTY_CARD_LATE},
        {-1, 20, PLAN_CARD_REFUSE, WARRANTY_COVERED, WARRANTY_CARD_OPEN},
        {-1, 21, PLAN_CARD_REFUSE, WARRANTY_EXCLUDED, WARRANTY_CARD_LATE},
        {-1, 2000, PLAN_CARD_REFUSE, WARRANTY_EXPIRED, WARRANTY_CARD_LATE}, /* it is over anyhow */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan = plan_of();
        int32_t sale = day(2025, 3, 1);
        struct warranty_dates dates = {WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, sale, WARRANTY_NO_DATE};
        struct warranty_facts facts = {&dates, "tank", "hardware", sale + rows[i].fault, WARRANTY_NO_DATE,
                                       rows[i].card < 0 ? WARRANTY_NO_DATE : sale + rows[i].card};
        struct warranty warranty;

        plan.duties[PLAN_DUTY_REGISTRATION] = (struct plan_limit){.set = true, .limit = {20, DURATION_D}};
        plan.late_card = rows[i].late;
        assert_int_equal(warranty_of(&plan, &facts).card, WARRANTY_CARD_FREE); /* nobody asks */
        plan.requires_card = true;
        warranty = warranty_of(&plan, &facts);
        assert_int_equal(warranty.verdict, rows[i].verdict);
        assert_int_equal(warranty.card, rows[i].state);
        assert_int_equal(warranty.card_due, sale + 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_read_exactly),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_third_of_a_fen_is_no_amount),
        cmocka_unit_test(each_mode_of_the_table),
        cmocka_unit_test(labour_of_a_complex_fault_costs_more),
        cmocka_unit_test(chargeable_is_what_the_table_says),
        cmocka_unit_test(shares_round_once),
        cmocka_unit_test(least_and_most_hold_whatever_the_lines),
        cmocka_unit_test(an_exchanged_part_has_its_own_term),
        cmocka_unit_test(a_late_card_is_as_the_plan_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
