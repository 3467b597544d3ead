/* Sliding windows against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "models/fault/window.h"

#define REACH_MS 600000
#define STEPS    20000

static uint64_t random_state = 42;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)(random_state >> 33) % most;
}

/* Least and most of what was held within [t - window, t]. */
static void look(const struct window_sample *list, size_t count, int64_t t_ms, int64_t window_ms,
                 double *ret_least, double *ret_most)
{
    size_t from = 0;

    for (size_t i = 0; i < count; i++) {
        from = list[i].t_ms <= t_ms - window_ms ? i : from;
    }
    *ret_least = *ret_most = list[from].value;
    for (size_t i = from; i < count; i++) {
        *ret_least = list[i].value < *ret_least ? list[i].value : *ret_least;
        *ret_most = list[i].value > *ret_most ? list[i].value : *ret_most;
    }
}

static void extremes_are_those_of_a_plain_list(void **state)
{
    static struct window_sample list[STEPS];
    static const int64_t asked[] = {1000, 30000, 100000, 599999, REACH_MS};
    struct window window = {0};
    struct arena *arena;
    size_t begin = 0, count = 0;
    int64_t t_ms = 1790000000000;

    (void)state;
    assert_int_equal(arena_open(16 * 1024 * 1024, &arena), ERR_OK);
    assert_int_equal(window_init(&window, arena, REACH_MS, 1000), ERR_OK);
    for (int step = 0; step < STEPS; step++) {
        double value = draw(1000) - 500, least, most;

        t_ms += draw(20) == 0 ? 0 : 700 + draw(1500) + (draw(500) == 0 ? 700000 : 0);
        if (draw(3000) == 0) {
            window_clear(&window);
            begin = count;
        }
        if (count > begin && list[count - 1].t_ms == t_ms) {
            list[count - 1].value = value;
        } else {
            list[count++] = (struct window_sample){t_ms, value};
        }
        window_add(&window, t_ms, value);
        if (draw(10) > 0) {
            continue;
        }
        for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
            struct expr_value a = window_ask(&window, EXPR_MIN, t_ms, asked[i]);
            struct expr_value b = window_ask(&window, EXPR_MAX, t_ms, asked[i]);
            size_t from = count - begin > 2000 ? count - 2000 : begin;

            look(list + from, count - from, t_ms, asked[i], &least, &most);
            assert_true(a.known && b.known);
            assert_int_equal((int)a.number, (int)least);
            assert_int_equal((int)b.number, (int)most);
        }
    }
    arena_close(arena);
}

/* A day of seconds is more than a window holds: it forgets much, but neither its extremes nor since when
 * it covers. */
static void a_full_window_keeps_its_extremes(void **state)
{
    for (int round = 0; round < 20; round++) {
        struct window window = {0};
        double least = 0, most = 0, sum = 0;
        struct expr_value mean;
        struct arena *arena;
        const int64_t day_ms = 24 * 3600 * 1000, begin_ms = 1790000000000;
        int64_t t_ms = begin_ms;

        (void)state;
        assert_int_equal(arena_open(16 * 1024 * 1024, &arena), ERR_OK);
        assert_int_equal(window_init(&window, arena, day_ms, 1000), ERR_OK);
        for (int step = 0; step < 20000; step++) {
            double value = draw(100) + (draw(4000) == 0 ? draw(2000) - 1000 : 0);

            t_ms += 4000;
            least = step == 0 || value < least ? value : least;
            most = step == 0 || value > most ? value : most;
            sum += value;
            window_add(&window, t_ms, value);
            if (draw(50) == 0) {
                assert_int_equal((int)window_ask(&window, EXPR_MIN, t_ms, day_ms).number, (int)least);
                assert_int_equal((int)window_ask(&window, EXPR_MAX, t_ms, day_ms).number, (int)most);
            }
        }
        mean = window_ask(&window, EXPR_MEAN, t_ms, day_ms);
        assert_true(mean.known && mean.number > sum / 20000 - 0.5 && mean.number < sum / 20000 + 0.5);
        assert_int_equal(window_ask(&window, EXPR_CHANGED, t_ms, t_ms - begin_ms - 4000).number > 0, 1);
        arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_are_those_of_a_plain_list),
        cmocka_unit_test(a_full_window_keeps_its_extremes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
