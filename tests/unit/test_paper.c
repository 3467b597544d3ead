/* Papers: what is found where, and how it is put. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "models/paper/paper.h"

#define HEAD "paper: p\nversion: 3\nof: ticket\ntitle: {en: A, zh: 甲}\n"

static struct arena *arena;

static const char *fill(const char *file, const char *object)
{
    static struct json_out out;
    struct complaints complaints = {.path = "p.yaml", .arena = arena};
    const struct paper *paper;
    const struct cJSON *root;

    json_out_free(&out);
    out = json_out(100000);
    assert_int_equal(paper_read(arena, file, strlen(file), NULL, &complaints, &paper), ERR_OK);
    assert_int_equal(json_parse(arena, object, strlen(object), &root, NULL), ERR_OK);
    paper_fill(paper, root, &out);
    assert_int_equal(out.err, ERR_OK);
    return out.bytes;
}

static void has(const char *words, const char *part)
{
    if (!strstr(words, part)) {
        fail_msg("expected %s in %s", part, words);
    }
}

static void values_are_found_where_the_file_says(void **state)
{
    static const struct {
        const char *at, *value;
    } rows[] = {
        {"a", "1"},         {"b.c", "\"x\""}, {"list.0.n", "1"},   {"list.1.n", "2"},  {"list.n", "1"},
        {"list.2.n", "null"}, {"none", "null"}, {"b.c.d", "null"}, {"b", "{\"c\":\"x\"}"}, {".", "{\"a\":1"},
        {"words.0", "\"w\""}, {"empty.0.n", "null"}, {"empty.n", "null"}, {"nothing", "null"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char file[300], part[80];

        snprintf(file, sizeof(file), HEAD "fields:\n  - {at: %s, title: {en: F, zh: 乙}}\n", rows[i].at);
        snprintf(part, sizeof(part), "{\"en\":\"F\",\"zh\":\"乙\",\"value\":%s", rows[i].value);
        has(fill(file, "{\"a\":1,\"b\":{\"c\":\"x\"},\"list\":[{\"n\":1},{\"n\":2}],\"words\":[\"w\"],\"empty\":[],\"nothing\":null}"),
            part);
    }
}

static void coded_values_get_words_and_hundredths_a_point(void **state)
{
    static const char file[] = HEAD "words:\n  - id: w\n    values:\n      - {value: ok, en: good, zh: 好}\n"
                                    "      - {value: \"true\", en: yes, zh: 是}\n"
                                    "tables:\n  - at: rows\n    title: {en: T, zh: 丙}\n    columns:\n"
                                    "      - {at: state, title: {en: S, zh: 丁}, words: w}\n"
                                    "      - {at: cost, title: {en: C, zh: 戊}, money: true}\n"
                                    "      - {at: en, at_zh: zh, title: {en: N, zh: 己}}\n";
    const char *made = fill(file, "{\"rows\":[{\"state\":\"ok\",\"cost\":1205,\"en\":\"n\",\"zh\":\"名\"},"
                                  "{\"state\":true,\"cost\":-7},{\"state\":\"odd\",\"cost\":0.5}]}");

    (void)state;
    has(made, "[{\"code\":\"ok\",\"en\":\"good\",\"zh\":\"好\"},\"12.05\",{\"en\":\"n\",\"zh\":\"名\"}]");
    has(made, "[{\"code\":true,\"en\":\"yes\",\"zh\":\"是\"},\"-0.07\",{\"en\":null,\"zh\":null}]");
    has(made, "[\"odd\",0.5,");
    has(made, "\"template\":{\"version\":3,\"hash\":\"");
}

static void a_dictionary_serves_all_papers(void **state)
{
    static const char words[] = "dictionary: d\nwords:\n  - id: w\n    values:\n      - {value: ok, en: good, zh: 好}\n";
    static const char file[] = HEAD "fields:\n  - {at: a, title: {en: F, zh: 乙}, words: w}\n";
    struct complaints complaints = {.path = "p.yaml", .arena = arena};
    struct paper_dictionary *dictionary;
    const struct paper *paper;

    (void)state;
    assert_int_equal(paper_read_dictionary(arena, file, strlen(file), &complaints, &dictionary), ERR_NOT_FOUND);
    assert_int_equal(paper_read_dictionary(arena, words, strlen(words), &complaints, &dictionary), ERR_OK);
    assert_int_equal(paper_read(arena, file, strlen(file), dictionary, &complaints, &paper), ERR_OK);
    assert_string_equal(paper->fields[0].words->list[0].title.zh, "好");
    assert_int_equal(paper_read_dictionary(arena, "dictionary: d\nmore: 1\n", 22, &complaints, &dictionary), ERR_FORMAT);
    assert_int_equal(complaints.count, 2); /* no words, and a key too many */
}

static void wrong_files_are_told_where(void **state)
{
    static const char file[] = "paper: p\nversion: 0\nof: poem\ntitle: {en: A}\nfields:\n  - {at: a..b, title: {en: F, zh: 乙}}\n"
                               "  - {at: a, title: {en: F, zh: 乙}, words: none, more: 1}\n";
    static const char *const told[] = {"p.yaml:2:10", "p.yaml:3:5", "p.yaml:4:8", "p.yaml:6:10", "p.yaml:7:43", "p.yaml:7:49"};
    struct complaints complaints = {.path = "p.yaml", .arena = arena};
    const struct paper *paper;

    (void)state;
    assert_int_equal(paper_read(arena, file, strlen(file), NULL, &complaints, &paper), ERR_FORMAT);
    assert_int_equal(complaints.count, 6);
    for (size_t i = 0; i < 6; i++) {
        bool found = false;

        for (size_t j = 0; j < 6; j++) {
            found = found || strstr(complaints.lines[j], told[i]);
        }
        if (!found) {
            fail_msg("nothing was told at %s", told[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_where_the_file_says),
        cmocka_unit_test(coded_values_get_words_and_hundredths_a_point),
        cmocka_unit_test(a_dictionary_serves_all_papers),
        cmocka_unit_test(wrong_files_are_told_where),
    };
    int failed;

    if (arena_open(1 << 22, &arena)) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(arena);
    return failed;
}
