/* The catalogue of notices: what is wrong is said with its place; no value makes a line of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/service/notice.h"

static struct arena *arena;

static size_t read_words(const char *words, const struct notices **ret_notices, const char **ret_line)
{
    static struct complaints complaints;

    arena_reset(arena);
    complaints = (struct complaints){.path = "n.yaml", .arena = arena};
    (void)!notices_read(arena, words, strlen(words), &complaints, ret_notices);
    *ret_line = complaints.count ? complaints.lines[0] : "";
    return complaints.count;
}

#define GOOD "notices:\n  - {id: a, on: [opened], subject: {en: s, zh: s}, body: {en: 'No {number}', zh: x}}\n"

static void test_reading(void **state)
{
    const struct notices *notices;
    const char *line;

    (void)state;
    assert_int_equal(read_words(GOOD, &notices, &line), 0);
    assert_int_equal(notices->count, 1);
    assert_true(notice_is_on(&notices->rules[0], "opened"));
    assert_false(notice_is_on(&notices->rules[0], "open"));
    assert_int_equal(read_words("notices:\n  - {id: a, on: [x], subject: {en: s, zh: s}, body: {en: '{nmber}', zh: x}}\n", &notices, &line), 1);
    assert_non_null(strstr(line, "n.yaml:2:"));
    assert_non_null(strstr(line, "expected a field such as {number}"));
    assert_int_equal(read_words("notices:\n  - {id: a, on: [x], subject: {en: s, zh: s}, body: {en: 'x {number', zh: x}}\n", &notices, &line), 1);
    assert_int_equal(read_words("notices:\n  - {id: a, on: [x], subject: {en: s}, body: {en: x, zh: x}}\n", &notices, &line), 1);
    assert_int_equal(read_words(GOOD "  - {id: a, on: [x], subject: {en: s, zh: s}, body: {en: x, zh: x}}\n", &notices, &line), 1);
    assert_int_equal(read_words("notices:\n  - {id: a, on: [x], when: 1, subject: {en: s, zh: s}, body: {en: x, zh: x}}\n", &notices, &line), 1);
}

static void test_rendering(void **state)
{
    const char *values[NOTICE_FIELDS] = {[NOTICE_NUMBER] = "T-1", [NOTICE_TITLE] = "a\r\nBcc: x {number}"};
    TEXT(words, 100);
    TEXT(small, 8);

    (void)state;
    notice_render("{number}: {title} {due} {x} {", values, &words);
    assert_string_equal(words.at, "T-1: a  Bcc: x {number} - {x} {");
    notice_render("{number} {number} {number}", values, &small);
    assert_true(small.cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_rendering),
    };
    int failed;

    if (arena_open(1 << 20, &arena)) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(arena);
    return failed;
}
