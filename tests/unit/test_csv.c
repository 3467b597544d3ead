/* CSV in and out: the same trees as YAML, places of cells, and what was put is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/base/csv.h"
#include "models/base/text.h"

static struct arena *arena;

static void put_node(const struct yaml_node *node, struct json_out *out)
{
    bool map = node->kind == YAML_MAP;

    if (node->kind == YAML_SCALAR) {
        json_put_text(out, node->text);
        return;
    }
    (map ? json_open_object : json_open_list)(out);
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (map) {
            json_key(out, child->key);
        }
        put_node(child, out);
    }
    (map ? json_close_object : json_close_list)(out);
}

static const char *read_in(const char *bytes)
{
    static struct json_out out;
    struct complaints complaints = {.path = "c.csv", .arena = arena};
    struct yaml_node *list;

    json_out_free(&out);
    out = json_out(1 << 20);
    assert_int_equal(csv_parse(arena, bytes, strlen(bytes), &complaints, &list), ERR_OK);
    put_node(list, &out);
    return out.bytes;
}

static void cells_become_trees(void **state)
{
    static const struct {
        const char *csv, *json;
    } rows[] = {
        {"id,name\na,b\n", "[{\"id\":\"a\",\"name\":\"b\"}]"},
        {"id,name\r\na,b", "[{\"id\":\"a\",\"name\":\"b\"}]"},
        {"\xef\xbb\xbfid\na\n\nb\n", "[{\"id\":\"a\"},{\"id\":\"b\"}]"},
        {"id,x\na,\"1,\"\"2\"\"\nthree\"\n", "[{\"id\":\"a\",\"x\":\"1,\\\"2\\\"\\nthree\"}]"},
        {"id,title.en,title.zh\na,T,\n", "[{\"id\":\"a\",\"title\":{\"en\":\"T\"}}]"},
        {"id,c.0.class,c.0.serial,c.1.class\na,tank,1,pump\n",
         "[{\"id\":\"a\",\"c\":[{\"class\":\"tank\",\"serial\":\"1\"},{\"class\":\"pump\"}]}]"},
        {"id,sites[]\na,s1;s2\nb,\n", "[{\"id\":\"a\",\"sites\":[\"s1\",\"s2\"]},{\"id\":\"b\"}]"},
        {"id\n", "[]"},
        {"id,x\na\n", "[{\"id\":\"a\"}]"}, /* fewer cells are empty ones */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(read_in(rows[i].csv), rows[i].json);
    }
}

static void what_is_wrong_is_told_where(void **state)
{
    static const struct {
        const char *csv, *told;
    } rows[] = {
        {"", "c.csv:1:1: error: expected a header line"},
        {"id,id\n", "c.csv:1:4: error: expected a column once"},
        {"id,a b\n", "c.csv:1:4: error: expected a column such as"},
        {"id\na,b\n", "c.csv:2:3: error: expected 1 cells"},
        {"id,x\na,\"b\n", "c.csv:2:3: error: expected a quote that closes"},
        {"id,x\na,\"b\"c\n", "c.csv:2:6: error: expected a comma"},
        {"id,x,x.y\na,1,2\n", "c.csv:2:5: error: expected one column for each field"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaints complaints = {.path = "c.csv", .arena = arena};
        struct yaml_node *list;

        assert_int_equal(csv_parse(arena, rows[i].csv, strlen(rows[i].csv), &complaints, &list), ERR_FORMAT);
        if (strncmp(complaints.lines[0], rows[i].told, strlen(rows[i].told)) != 0) {
            fail_msg("expected %s, found %s", rows[i].told, complaints.lines[0]);
        }
    }
}

static const char *put_out(const char *json, bool guarded)
{
    static struct json_out out;
    const struct cJSON *items;

    json_out_free(&out);
    out = json_out(1 << 20);
    assert_int_equal(json_parse(arena, json, strlen(json), &items, NULL), ERR_OK);
    assert_int_equal(csv_put(arena, items, guarded, &out), ERR_OK);
    return out.bytes;
}

static void lists_become_lines(void **state)
{
    (void)state;
    assert_string_equal(put_out("[{\"a\":1.5,\"b\":{\"c\":\"x\"}},{\"a\":null,\"d\":[\"p\",\"q\"],\"e\":true}]", false),
                        "a,b.c,d[],e\r\n1.5,x,,\r\n,,p;q,true\r\n");
    assert_string_equal(put_out("[{\"a\":\"=1+2\",\"b\":\"x,\\\"y\\\"\"}]", true), "a,b\r\n\"'=1+2\",\"x,\"\"y\"\"\"\r\n");
    assert_string_equal(put_out("[{\"a\":\"+86 21\"}]", false), "a\r\n+86 21\r\n");
}

/* Random rows of texts, maps and lists, there and back. */
static void what_was_put_is_read_back(void **state)
{
    static const char *const words[] = {"a", "b c", "x,y", "\\\"q\\\"", "l\\nm", "+1", "", "true", "1.50", "零"};
    unsigned seed = (unsigned)getpid();

    (void)state;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 300; round++) {
        struct json_out text = json_out(65536), back = json_out(65536);
        TEXT(json, 4000);
        int rows = 1 + rand_r(&seed) % 4;

        text_add(&json, "[");
        for (int i = 0; i < rows; i++) {
            text_addf(&json, "%s{\"id\":\"r%d\"", i ? "," : "", i);
            for (int k = 0; k < 4; k++) {
                const char *word = words[rand_r(&seed) % 10];
                int form = word[0] ? rand_r(&seed) % 4 : 0;

                if (form == 1) {
                    text_addf(&json, ",\"k%d\":\"%s\"", k, word);
                } else if (form == 2) {
                    text_addf(&json, ",\"m%d\":{\"en\":\"%s\",\"zh\":\"%s\"}", k, word, word);
                } else if (form == 3) {
                    text_addf(&json, ",\"l%d\":[{\"v\":\"%s\"},{\"v\":\"w\"}]", k, word);
                }
            }
            text_add(&json, "}");
        }
        text_add(&json, "]");
        assert_false(json.cut);

        const char *csv = put_out(json.at, false), *again = read_in(csv);
        const struct cJSON *first, *second;

        assert_int_equal(json_parse(arena, json.at, json.length, &first, NULL), ERR_OK);
        assert_int_equal(json_parse(arena, again, strlen(again), &second, NULL), ERR_OK);
        for (const struct cJSON *a = json_first(first), *b = json_first(second); a || b; a = json_next(a), b = json_next(b)) {
            assert_non_null(a);
            assert_non_null(b);
            for (const struct cJSON *field = json_first(a); field; field = json_next(field)) {
                json_out_reset(&text);
                json_out_reset(&back);
                json_put_value(&text, field);
                assert_non_null(json_field(b, json_name(field)));
                json_put_value(&back, json_field(b, json_name(field)));
                assert_string_equal(back.bytes, text.bytes);
            }
            assert_int_equal(json_size(a), json_size(b));
        }
        json_out_free(&text);
        json_out_free(&back);
        arena_reset(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_become_trees),
        cmocka_unit_test(what_is_wrong_is_told_where),
        cmocka_unit_test(lists_become_lines),
        cmocka_unit_test(what_was_put_is_read_back),
    };
    int failed;

    if (arena_open(1 << 24, &arena)) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(arena);
    return failed;
}
