/* Text, durations, dates, zones, arenas, YAML, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


#include <cmocka.h>

#include "host/file.h"
#include "models/base/arena.h"
#include "models/base/duration.h"
#include "models/base/hash.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/base/zone.h"

static void numbers_are_shortest(void **state)
{
    static const struct {
        double number;
        const char *words;
    } rows[] = {{71.2, "71.2"}, {0, "0"}, {-0.05, "-0.05"}, {1e20, "1e+20"}, {0.1 + 0.2, "0.30000000000000004"}, {12345678, "12345678"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TEXT(text, 40);

        text_add_number(&text, rows[i].number);
        assert_string_equal(text.at, rows[i].words);
    }
}

static void text_never_overflows(void **state)
{
    TEXT(text, 8);

    (void)state;
    text_addf(&text, "%s", "0123456789");
    assert_true(text.cut);
    assert_string_equal(text.at, "0123456");
}

/* What is cut ends with a whole letter, in whichever steps it came, and nothing comes behind it. */
static void text_tears_no_letter(void **state)
{
    static const char words[] = "a\xc3\xa9\xe7\x83\xad\xf0\x9f\x94\xa5z";

    (void)state;
    for (size_t room = 1; room <= sizeof(words); room++) {
        char memory[3][16];
        struct text text[3];

        for (int i = 0; i < 3; i++) {
            text[i] = text_on(memory[i], room);
        }
        text_add(&text[0], words);
        text_addf(&text[1], "%s", words);
        for (const char *at = words; *at; at++) {
            text_add_bytes(&text[2], at, 1);
        }
        for (int i = 0; i < 3; i++) {
            assert_true(text_is_utf8(text[i].at, text[i].length));
            assert_int_equal(text[i].cut, room < sizeof(words));
            assert_string_equal(text[i].at, text[0].at);
            assert_memory_equal(text[i].at, words, text[i].length);
            assert_true(text[i].cut ? text[i].length + 4 > room - 1 : text[i].length == sizeof(words) - 1);
        }
    }
}

static void durations_need_a_unit(void **state)
{
    char words[DURATION_SIZE];
    struct duration duration;
    int64_t bytes;

    (void)state;
    duration_write(28800000, words);
    assert_string_equal(words, "8h");
    duration_write(5400000, words);
    assert_string_equal(words, "90m");
    duration_write(0, words);
    assert_string_equal(words, "0h");
    assert_int_equal(duration_read("90s", &duration), ERR_OK);
    assert_int_equal(duration.unit, DURATION_S);
    assert_int_equal(duration_read("3wd", &duration), ERR_OK);
    assert_int_equal(duration_read("3", &duration), ERR_FORMAT);
    assert_int_equal(duration_read("3 h", &duration), ERR_FORMAT);
    assert_int_equal(duration_read("-3h", &duration), ERR_FORMAT);
    assert_int_equal(duration_size("256MiB", &bytes), ERR_OK);
    assert_int_equal(bytes, 256 << 20);
    assert_int_equal(duration_size("256MB", &bytes), ERR_FORMAT);
}

static void months_end_where_they_end(void **state)
{
    int32_t day = civil_days(2026, 1, 31);
    char words[11];

    (void)state;
    civil_write_date(civil_add_months(day, 1), words);
    assert_string_equal(words, "2026-02-28");
    civil_write_date(civil_add_months(day, 2), words);
    assert_string_equal(words, "2026-03-31");
    assert_int_equal(civil_weekday(civil_days(2026, 11, 24)), 1);
}

/* Against libc over random instants, far beyond the last transition in the file. */
static void zones_agree_with_libc(void **state)
{
    static const char *const names[] = {"Europe/Berlin", "Asia/Shanghai", "America/New_York",
                                        "Australia/Lord_Howe", "America/Sao_Paulo"};
    struct arena *arena;

    (void)state;
    srand(1);
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct zone *zone;

        assert_int_equal(file_zone(arena, names[i], &zone), ERR_OK);
        setenv("TZ", names[i], 1);
        tzset();
        for (int k = 0; k < 5000; k++) {
            time_t at = (time_t)((double)rand() / RAND_MAX * 4.2e9) - 200000000;
            struct tm local;
            int32_t offset = zone_offset_s(zone, (int64_t)at * 1000);
            int64_t midday = zone_instant(zone, zone_day(zone, (int64_t)at * 1000), 43200000);

            localtime_r(&at, &local);
            assert_int_equal(offset, local.tm_gmtoff);
            assert_int_equal(zone_civil(zone, midday).hour, 12);
        }
    }
    arena_close(arena);
}

static void spring_and_autumn(void **state)
{
    struct arena *arena;
    const struct zone *zone;
    int32_t spring = civil_days(2026, 3, 29), autumn = civil_days(2026, 10, 25);

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(file_zone(arena, "Europe/Berlin", &zone), ERR_OK);
    /* 10:00 is nine hours after midnight on that day */
    assert_int_equal(zone_instant(zone, spring, 36000000) - zone_instant(zone, spring, 0), 9 * 3600000);
    assert_int_equal(zone_instant(zone, autumn, 36000000) - zone_instant(zone, autumn, 0), 11 * 3600000);
    /* 02:30 does not exist: the instant of the jump */
    assert_int_equal(zone_instant(zone, spring, 9000000) - zone_instant(zone, spring, 0), 2 * 3600000);
    arena_close(arena);
}

static void instants_are_read(void **state)
{
    int64_t ms;

    (void)state;
    assert_int_equal(civil_read_instant("1970-01-01T01:00:00.250+01:00", &ms), ERR_OK);
    assert_int_equal(ms, 250);
    assert_int_equal(civil_read_instant("2026-11-24T10:00:00", &ms), ERR_FORMAT);
    assert_int_equal(civil_read_instant("2026-02-29T10:00:00Z", &ms), ERR_FORMAT);
}

static void arenas_have_a_ceiling(void **state)
{
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(1000, &arena), ERR_OK);
    assert_non_null(arena_take(arena, 900));
    assert_null(arena_take(arena, 200));
    assert_null(arena_array(arena, SIZE_MAX / 2, 16));
    arena_reset(arena);
    assert_non_null(arena_take(arena, 900));
    arena_close(arena);
}

static void yaml_says_where(void **state)
{
    static const char bytes[] = "a: 1\nb: [x, y]\na: 2\nc: 5\n";
    static const char good[] = "a: \"1\"\nb: 2\nzz: 3\n";
    struct complaints complaints = {.path = "f.yaml"};
    struct yaml_node *root;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &complaints.arena), ERR_OK);
    assert_int_equal(yaml_parse(complaints.arena, bytes, strlen(bytes), &complaints, &root), ERR_OK);
    assert_int_equal(root->count, 3); /* read on, with the first value */
    assert_int_equal(complaints.count, 1);
    assert_string_equal(complaints.lines[0], "f.yaml:3:1: error: expected each key once, found 'a' again");
    complaints.count = 0;
    assert_int_equal(yaml_parse(complaints.arena, good, strlen(good), &complaints, &root), ERR_OK);
    (void)yaml_int(&complaints, yaml_find(root, "a"), "a number", 0, 9, 0);
    (void)yaml_int(&complaints, yaml_find(root, "b"), "a number", 5, 9, 5);
    yaml_no_more(&complaints, root);
    assert_int_equal(complaints.count, 3);
    assert_string_equal(complaints.lines[0], "f.yaml:1:4: error: expected a number, found '1'");
    assert_string_equal(complaints.lines[1], "f.yaml:2:4: error: expected a number from 5 to 9, found '2'");
    assert_string_equal(complaints.lines[2], "f.yaml:3:1: error: expected a known key, one of a b, found 'zz'");
    arena_close(complaints.arena);
}

static void json_is_strict_and_escapes(void **state)
{
    struct json_out out = json_out(1000);
    const struct cJSON *value;
    struct arena *arena;
    char deep[200] = {0};

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    json_open_object(&out);
    json_text(&out, "a\"b", "x\n\x01<");
    json_int(&out, "n", -5);
    json_close_object(&out);
    assert_string_equal(out.bytes, "{\"a\\\"b\":\"x\\n\\u0001<\",\"n\":-5}");
    assert_int_equal(json_parse(arena, out.bytes, out.size, &value, NULL), ERR_OK);
    assert_string_equal(json_text_or(value, "a\"b", ""), "x\n\x01<");
    assert_int_equal(json_parse(arena, "{} x", 4, &value, NULL), ERR_FORMAT);
    assert_int_equal(json_parse(arena, "\"\xff\"", 3, &value, NULL), ERR_FORMAT);
    memset(deep, '[', 100);
    assert_int_equal(json_parse(arena, deep, 100, &value, NULL), ERR_FORMAT);
    json_out_free(&out);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_shortest),  cmocka_unit_test(text_never_overflows),
        cmocka_unit_test(text_tears_no_letter),
        cmocka_unit_test(durations_need_a_unit), cmocka_unit_test(months_end_where_they_end),
        cmocka_unit_test(zones_agree_with_libc), cmocka_unit_test(spring_and_autumn),
        cmocka_unit_test(instants_are_read),     cmocka_unit_test(arenas_have_a_ceiling),
        cmocka_unit_test(yaml_says_where),       cmocka_unit_test(json_is_strict_and_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
