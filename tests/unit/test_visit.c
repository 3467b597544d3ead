/* Visits by their rule, against a brute force that counts by itself; the table of moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/base/civil.h"
#include "models/service/plan_visit.h"
#include "models/service/visit.h"
#include "models/service/visit_move.h"

static const struct plan_window seasons[] = {{3, 15, 5, 15}, {9, 15, 11, 15}};
static const struct plan_window cold[] = {{4, 1, 5, 31}, {11, 15, 1, 31}};
static const struct plan_climate climates[] = {{"cold", cold, 2}};
static const struct plan_visits more = {.climates = climates, .climate_count = 1};

static struct plan plan_of(struct duration spacing, int per_year)
{
    return (struct plan){.visits_per_year = per_year, .visit_spacing = spacing, .visit_tolerance = {30, DURATION_D},
                         .windows = seasons, .window_count = 2, .visits = &more};
}

/* Whether month-day lies in a window; windows may go over the turn of the year. */
static bool lies_in(const struct plan_window *window, int month, int day)
{
    int at = month * 100 + day, from = window->from_month * 100 + window->from_day, to = window->to_month * 100 + window->to_day;

    return from <= to ? at >= from && at <= to : at >= from || at <= to;
}

/* The day nearest to nominal, at most `most` away, that lies in a window: looked for day by day. */
static int32_t nearest(const struct plan_window *windows, int32_t nominal, int32_t most)
{
    for (int32_t away = 0; away <= most; away++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            int year, month, day;

            civil_from_days(nominal + sign * away, &year, &month, &day);
            if (lies_in(&windows[0], month, day) || lies_in(&windows[1], month, day)) {
                return nominal + sign * away;
            }
        }
    }
    return nominal;
}

/* Every occurrence is where the witness finds it (a day off where 29 February lies between), in its own window, and
 * windows lie apart. */
static void as_the_witness_says(void **state)
{
    static const struct plan_window south_seasons[] = {{9, 15, 11, 15}, {3, 15, 5, 15}};
    static const struct {
        const char *climate;
        bool south;
        const struct plan_window *windows;
    } places[] = {{NULL, false, seasons}, {"cold", false, cold}, {"cold", true, cold}, {NULL, true, south_seasons}, {"unknown", false, seasons}};
    struct plan plan = plan_of((struct duration){6, DURATION_MO}, 2);

    (void)state;
    for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
        struct visit_rule rule = visit_rule_of(&plan, places[p].climate, places[p].south);

        for (int32_t anchor = civil_days(2023, 12, 1); anchor < civil_days(2025, 3, 2); anchor += 3) {
            struct visit before = visit_rule_at(&rule, anchor, 1);

            for (int64_t n = 2; n < 42; n++) {
                struct visit visit = visit_rule_at(&rule, anchor, n);
                int32_t nominal = civil_add_months(anchor, 6 * (int)n), wanted = nearest(places[p].windows, nominal, 30);

                assert_true(visit.window_start > before.window_end);
                assert_in_range(visit.due_on, visit.window_start, visit.window_end);
                if (abs(visit.due_on - wanted) > 1 && abs(wanted - nominal) < 30) {
                    fail_msg("place %zu anchor %d n %lld: due %d, wanted %d", p, (int)anchor, (long long)n, (int)visit.due_on, (int)wanted);
                }
                before = visit;
            }
            for (int32_t day = anchor - 40; day < anchor + 900; day += 17) { /* the first from a day on: looked for one by one */
                int64_t first = visit_rule_from(&rule, anchor, day), n = 1;

                while (visit_rule_at(&rule, anchor, n).due_on < day) {
                    n++;
                }
                assert_int_equal(first, n);
            }
        }
    }
}

/* 31 January + 1 month + 1 month is 31 March, never 28: month ends are cut, not carried on. */
static void month_ends_do_not_drift(void **state)
{
    struct plan plan = plan_of((struct duration){1, DURATION_MO}, 12);
    struct visit_rule rule;
    int32_t anchor = civil_days(2027, 1, 31);

    (void)state;
    plan.window_count = 0;
    rule = visit_rule_of(&plan, NULL, false);
    assert_int_equal(visit_rule_at(&rule, anchor, 1).due_on, civil_days(2027, 2, 28));
    assert_int_equal(visit_rule_at(&rule, anchor, 2).due_on, civil_days(2027, 3, 31));
    assert_int_equal(visit_rule_at(&rule, anchor, 13).due_on, civil_days(2028, 2, 29));
    assert_int_equal(visit_rule_at(&rule, anchor, 240).due_on, civil_days(2047, 1, 31));
}

static void rules_in_words(void **state)
{
    struct plan plan = plan_of((struct duration){6, DURATION_MO}, 2);
    struct visit_rule north = visit_rule_of(&plan, NULL, false), south = visit_rule_of(&plan, NULL, true);
    struct visit_rule named = visit_rule_of(&plan, "cold", true);
    TEXT(a, 200);
    TEXT(b, 200);

    (void)state;
    visit_rule_write(&north, 20000, &a);
    visit_rule_write(&south, 20000, &b);
    assert_string_not_equal(a.at, b.at);
    assert_false(named.south); /* windows of a climate are meant as they are written */
    text_clear(&b);
    visit_rule_write(&north, 20001, &b);
    assert_string_not_equal(a.at, b.at);
    plan.visits_per_year = 0;
    north = visit_rule_of(&plan, NULL, false);
    assert_false(visit_rule_repeats(&north));
}

static void contract_years(void **state)
{
    int32_t from, to, start = civil_days(2024, 2, 29);

    (void)state;
    for (int32_t day = start; day < start + 9000; day++) {
        int year = visit_year(start, day, &from, &to);

        assert_in_range(day, from, to);
        assert_int_equal(from, civil_add_months(start, 12 * (year - 1)));
        assert_int_equal(to, civil_add_months(start, 12 * year) - 1);
    }
    assert_int_equal(visit_year(start, start - 1, &from, &to), 1);
}

/* Every move that is refused says what is legal, and what it says is legal is. */
static void moves_say_what_is_legal(void **state)
{
    static const enum role roles[] = {ROLE_VIEWER, ROLE_TECHNICIAN, ROLE_DISPATCHER, ROLE_SERVER};
    int legal_moves = 0;

    (void)state;
    for (int s = 0; s < VISIT_STATES; s++) {
        for (size_t r = 0; r < sizeof(roles) / sizeof(roles[0]); r++) {
            TEXT(legal, 200);

            visit_legal((enum visit_state)s, roles[r], &legal);
            for (int a = 0; a < VISIT_ACTIONS; a++) {
                const char *name = visit_row((enum visit_action)a)->name;
                enum visit_state next;
                TEXT(why, 300);
                TEXT(padded, 220);
                TEXT(word, 40);
                enum err err = visit_move((enum visit_state)s, roles[r], (enum visit_action)a, &next, &why);

                text_addf(&padded, " %s ", legal.at);
                text_addf(&word, " %s ", name);
                assert_int_equal(err == ERR_OK, strstr(padded.at, word.at) != NULL);
                if (err) {
                    assert_non_null(strstr(why.at, legal.at));
                } else {
                    legal_moves++;
                    assert_true(next < VISIT_STATES);
                }
                assert_int_equal(visit_action_read(name), a < VISIT_PULL ? a : -1);
            }
        }
        assert_int_equal(visit_state_read(visit_state_names[s]), s);
    }
    assert_true(legal_moves > 20);
    assert_int_equal(visit_row(VISIT_FINISH)->from >> VISIT_DONE & 1, 0); /* what was made is not made again */
    assert_int_equal(visit_state_read("moon"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_witness_says), cmocka_unit_test(month_ends_do_not_drift),
        cmocka_unit_test(rules_in_words),      cmocka_unit_test(contract_years),
        cmocka_unit_test(moves_say_what_is_legal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
