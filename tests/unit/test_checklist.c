/* The checklist of inspections: read with places, judged by rows, compared, spread over the month. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/file.h"
#include "models/inspection/checklist.h"

static struct arena *arena;

static size_t read_words(const char *words, const struct checklist **ret_checklist, const char **ret_line)
{
    static struct complaints complaints;

    arena_reset(arena);
    complaints = (struct complaints){.path = "c.yaml", .arena = arena};
    (void)!checklist_read(arena, words, strlen(words), &complaints, ret_checklist);
    *ret_line = complaints.count ? complaints.lines[0] : "";
    return complaints.count;
}

#define HEAD "checklist: c\nversion: 2\ntitle: {en: a, zh: b}\nlines:\n"
#define LINE "  - {id: a, title: {en: a, zh: b}, look: silence, limits: [0, 24]}\n"

static void test_reading(void **state)
{
    static const struct {
        const char *words, *place, *says;
    } wrong[] = {
        {HEAD LINE LINE, "c.yaml:6:10:", "an id of its own, found 'a' again"},
        {HEAD "  - {id: a, title: {en: a, zh: b}, look: smell, limits: [0, 1]}\n", "c.yaml:5:42:", "expected what it looks at"},
        {HEAD "  - {id: a, title: {en: a, zh: b}, look: value, limits: [0, 1]}\n", "c.yaml:5:5:", "point"},
        {HEAD "  - {id: a, title: {en: a, zh: b}, look: silence, limits: [2, 1]}\n", "c.yaml:5:59:", "the greater first"},
        {HEAD "  - {id: a, title: {en: a, zh: b}, look: silence, limits: [2]}\n", "c.yaml:5:59:", "found 1 values"},
        {HEAD "  - {id: a, title: {en: a}, look: silence, limits: [0, 1]}\n", "c.yaml:5:20:", "zh"},
        {HEAD "  - {id: a, title: {en: a, zh: b}, look: silence, limits: [0, 1], grade: 4}\n", "c.yaml:5:74:", "grade"},
        {HEAD LINE "proposals:\n  - {id: p, title: {en: a, zh: b}, kind: gift, look: age, at_least: 1, reason: {en: a, zh: b}}\n",
         "c.yaml:7:42:", "expected a kind"},
    };
    const struct checklist *checklist;
    const char *line;

    (void)state;
    assert_int_equal(read_words(HEAD LINE, &checklist, &line), 0);
    assert_int_equal(checklist->line_count, 1);
    assert_int_equal(checklist->version, 2);
    assert_int_equal(checklist->lines[0].over_ms, 30 * 86400000LL);
    assert_int_equal(strlen(checklist->hash), 16);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (read_words(wrong[i].words, &checklist, &line) != 1) {
            fail_msg("%s: more than one finding", line);
        }
        if (!strstr(line, wrong[i].place) || !strstr(line, wrong[i].says)) {
            fail_msg("%s: expected %s %s", line, wrong[i].place, wrong[i].says);
        }
    }
}

static void test_shipped(void **state)
{
    struct complaints complaints = {.path = "standard.yaml", .arena = arena};
    const struct checklist *checklist;
    bool seen[LOOKS] = {false};
    char *bytes;
    size_t size;

    (void)state;
    arena_reset(arena);
    assert_int_equal(file_read(arena, "models/inspections/standard.yaml", 1 << 20, &bytes, &size), ERR_OK);
    assert_int_equal(checklist_read(arena, bytes, size, &complaints, &checklist), ERR_OK);
    for (size_t i = 0; i < checklist->line_count; i++) {
        const struct check_line *line = &checklist->lines[i];

        seen[line->look] = true;
        assert_non_null(line->look == LOOK_PERSON ? line->ask.zh : line->title.zh);
    }
    for (int i = 0; i < LOOKS; i++) { /* S0-10: all that an inspection can look at, it does */
        if (!seen[i]) {
            fail_msg("nothing looks at %s", look_names[i]);
        }
    }
}

/* S0-10 */
static void test_verdicts(void **state)
{
    static const struct {
        double least, most;
        int64_t samples;
        struct check_value value;
        enum check_verdict verdict;
    } rows[] = {
        {0, 10, 0, {true, 5, 0}, CHECK_PASS},     {0, 10, 0, {true, 0, 0}, CHECK_PASS},
        {0, 10, 0, {true, 10, 0}, CHECK_PASS},    {0, 10, 0, {true, 10.001, 0}, CHECK_FAIL},
        {0, 10, 0, {true, -0.001, 0}, CHECK_FAIL}, {0, 10, 0, {false, 5, 100}, CHECK_UNKNOWN},
        {0, 10, 3, {true, 5, 2}, CHECK_UNKNOWN},  {0, 10, 3, {true, 50, 2}, CHECK_UNKNOWN},
        {0, 10, 3, {true, 5, 3}, CHECK_PASS},     {0, 10, 3, {true, 50, 3}, CHECK_FAIL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct check_line line = {.least = rows[i].least, .most = rows[i].most, .samples = rows[i].samples};

        assert_int_equal(check_judge(&line, &rows[i].value), rows[i].verdict);
    }
    assert_int_equal(check_light(CHECK_PASS, 1), LIGHT_GREEN);
    assert_int_equal(check_light(CHECK_FAIL, 1), LIGHT_RED);
    assert_int_equal(check_light(CHECK_FAIL, 2), LIGHT_RED);
    assert_int_equal(check_light(CHECK_FAIL, 3), LIGHT_AMBER);
    assert_int_equal(check_light(CHECK_FAIL, 0), LIGHT_AMBER);
    assert_int_equal(check_light(CHECK_UNKNOWN, 1), LIGHT_AMBER);
}

static enum check_change opposite(enum check_change change)
{
    return change == CHANGE_SAME ? CHANGE_SAME : change == CHANGE_BETTER ? CHANGE_WORSE : CHANGE_BETTER;
}

/* S0-09: a month against the one before. */
static void test_changes(void **state)
{
    struct check_line line = {.least = 0, .most = 10};
    uint64_t dice = 88172645463325252ULL;

    (void)state;
    assert_int_equal(check_compare(&line, CHECK_PASS, 1, CHECK_PASS, 9), CHANGE_SAME);
    assert_int_equal(check_compare(&line, CHECK_PASS, 1, CHECK_FAIL, 11), CHANGE_WORSE);
    assert_int_equal(check_compare(&line, CHECK_FAIL, 11, CHECK_UNKNOWN, 0), CHANGE_BETTER);
    assert_int_equal(check_compare(&line, CHECK_PASS, 1, CHECK_UNKNOWN, 0), CHANGE_WORSE);
    assert_int_equal(check_compare(&line, CHECK_FAIL, 20, CHECK_FAIL, 15), CHANGE_BETTER);
    assert_int_equal(check_compare(&line, CHECK_FAIL, 20, CHECK_FAIL, 20.5), CHANGE_SAME);
    assert_int_equal(check_compare(&line, CHECK_FAIL, -2, CHECK_FAIL, -4), CHANGE_WORSE);
    for (int i = 0; i < 100000; i++) { /* the other way round it is the opposite; against itself nothing has changed */
        double number[2];
        enum check_verdict verdict[2];

        for (int k = 0; k < 2; k++) {
            struct check_value value;

            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            number[k] = (double)(int64_t)(dice % 4001) / 100 - 15;
            value = (struct check_value){dice % 7 != 0, number[k], 0};
            verdict[k] = check_judge(&line, &value);
        }
        assert_int_equal(check_compare(&line, verdict[0], number[0], verdict[1], number[1]),
                         opposite(check_compare(&line, verdict[1], number[1], verdict[0], number[0])));
        assert_int_equal(check_compare(&line, verdict[0], number[0], verdict[0], number[0]), CHANGE_SAME);
    }
}

/* S0-09: the same asset has the same moment, all of them lie in the first nine tenths, and no day has many more. */
static void test_moments(void **state)
{
    int64_t from = 1790000000000, until = from + 30 * 86400000LL;
    int days[30] = {0};
    uint64_t key = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t at = inspection_moment(from, until, key);

        assert_true(at >= from && at < from + (until - from) / 10 * 9);
        assert_int_equal(at, inspection_moment(from, until, key));
        days[(at - from) / 86400000]++;
        key = key * 6364136223846793005ULL + 1442695040888963407ULL;
    }
    for (int i = 0; i < 27; i++) { /* 741 a day on the average */
        assert_in_range(days[i], 600, 900);
    }
    assert_int_equal(inspection_moment(until, until, 5), until);
    assert_int_equal(inspection_moment(until + 9, until, 5), until + 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading), cmocka_unit_test(test_shipped), cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_changes), cmocka_unit_test(test_moments),
    };
    int failed;

    if (arena_open(4 << 20, &arena)) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(arena);
    return failed;
}
