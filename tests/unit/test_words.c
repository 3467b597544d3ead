/* Small words in and out: numbers, durations, sizes, ids, dates, instants, UTF-8, JSON's fields, zone files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/base/civil.h"
#include "models/base/duration.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/base/zone.h"

static uint64_t random_state = 3;

static uint64_t draw(void)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return random_state >> 11 ^ random_state << 40;
}

static void whole_numbers(void **state)
{
    static const struct {
        const char *words;
        enum err err;
        int64_t number;
    } rows[] = {
        {"0", ERR_OK, 0}, {"-5", ERR_OK, -5}, {"+7", ERR_OK, 7}, {"007", ERR_OK, 7}, {"0x1F", ERR_OK, 31}, {"-0x10", ERR_OK, -16},
        {"9223372036854775807", ERR_OK, INT64_MAX}, {"-9223372036854775808", ERR_OK, INT64_MIN}, {"9223372036854775808", ERR_RANGE, 0},
        {"", ERR_FORMAT, 0}, {"-", ERR_FORMAT, 0}, {"0x", ERR_FORMAT, 0}, {"1.5", ERR_FORMAT, 0}, {"1e3", ERR_FORMAT, 0}, {" 1", ERR_FORMAT, 0},
        {"1 ", ERR_FORMAT, 0}, {"1f", ERR_FORMAT, 0}, {"--1", ERR_FORMAT, 0}, {"1-", ERR_FORMAT, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t number = 0;

        if (text_to_int(rows[i].words, strlen(rows[i].words), &number) != rows[i].err || number != rows[i].number) {
            fail_msg("'%s'", rows[i].words);
        }
    }
}

static void any_number_comes_back(void **state)
{
    static const char *const bad[] = {"", "-", ".", "e5", "1e", "nan", "inf", "0x10", "1,5", "1 ", "1e999", "--1", "1.2.3"};
    double number;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!text_to_number(bad[i], strlen(bad[i]), &number)) {
            fail_msg("'%s'", bad[i]);
        }
    }
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = draw();
        TEXT(words, 40);
        double want;

        memcpy(&want, &bits, sizeof(want));
        if (i % 2) {
            want = (double)((int64_t)(bits % 2000001) - 1000000) / 100; /* as measured */
        }
        text_add_number(&words, want);
        if (!isfinite(want)) {
            assert_string_equal(words.at, "null");
            continue;
        }
        assert_int_equal(text_to_number(words.at, words.length, &number), ERR_OK);
        assert_false(number < want || number > want);
        assert_true(i % 2 == 0 || words.length <= 9); /* and short: -10000.01 */
    }
}

static void durations_and_sizes(void **state)
{
    static const struct {
        const char *words;
        enum err err;
        int64_t ms; /* -1: not exact */
    } rows[] = {
        {"500ms", ERR_OK, 500}, {"90s", ERR_OK, 90000}, {"10m", ERR_OK, 600000}, {"4h", ERR_OK, 14400000}, {"2d", ERR_OK, 172800000},
        {"3wd", ERR_OK, -1}, {"1mo", ERR_OK, -1}, {"3y", ERR_OK, -1}, {"0s", ERR_OK, 0}, {"100y", ERR_OK, -1}, {"101y", ERR_RANGE, 0},
        {"99999999999999999999s", ERR_RANGE, 0}, {"", ERR_FORMAT, 0}, {"s", ERR_FORMAT, 0}, {"5", ERR_FORMAT, 0}, {"5S", ERR_FORMAT, 0},
        {"5min", ERR_FORMAT, 0}, {"1.5h", ERR_FORMAT, 0}, {"+5s", ERR_FORMAT, 0}, {"5s ", ERR_FORMAT, 0},
    };
    static const struct {
        const char *words;
        enum err err;
        int64_t bytes;
    } sizes[] = {{"0", ERR_OK, 0}, {"1048576", ERR_OK, 1048576}, {"64KiB", ERR_OK, 65536}, {"64 KiB", ERR_OK, 65536}, {"2GiB", ERR_OK, 2147483648},
                 {"1MB", ERR_FORMAT, 0}, {"64  KiB", ERR_FORMAT, 0}, {"KiB", ERR_FORMAT, 0}, {"-1", ERR_FORMAT, 0}, {"1.5GiB", ERR_FORMAT, 0},
                 {"9223372036854775807KiB", ERR_RANGE, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct duration duration;
        int64_t ms = -1;
        enum err err = duration_read(rows[i].words, &duration);

        assert_int_equal(err, rows[i].err);
        if (!err) {
            TEXT(again, 40);

            assert_int_equal(duration_ms(duration, &ms), rows[i].ms < 0 ? ERR_UNSUPPORTED : ERR_OK);
            assert_int_equal(ms, rows[i].ms);
            text_addf(&again, "%lld%s", (long long)duration.count, duration_unit_text(duration.unit));
            assert_string_equal(again.at, rows[i].words);
        }
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int64_t bytes = 0;

        assert_int_equal(duration_size(sizes[i].words, &bytes), sizes[i].err);
        assert_int_equal(bytes, sizes[i].bytes);
    }
}

static void ids_and_texts(void **state)
{
    char to[4];

    (void)state;
    assert_true(text_is_id("A-z_09"));
    assert_false(text_is_id("") || text_is_id(NULL) || text_is_id("a b") || text_is_id("\xc3\xa9") || text_is_id("a/b") || text_is_id("a+"));
    assert_true(text_is_id("0123456789012345678901234567890123456789012345678901234567890123"));
    assert_false(text_is_id("01234567890123456789012345678901234567890123456789012345678901234"));
    assert_int_equal(text_copy(to, sizeof(to), "abc"), ERR_OK);
    assert_int_equal(text_copy(to, sizeof(to), "abcd"), ERR_FULL);
    assert_string_equal(to, "");
    assert_true(text_same(NULL, NULL) && text_same("a", "a"));
    assert_false(text_same("a", NULL) || text_same(NULL, "a") || text_same("a", "b"));
    assert_string_equal(err_text(ERR_OK), "done");
    assert_string_equal(err_text((enum err)99), err_text((enum err)98));
}

static void utf8_is_well_formed(void **state)
{
    static const char *const good[] = {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe4\xb8\x41", "\xf0\x90\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    }
    assert_false(text_is_utf8("a\0b", 3));
}

static void dates_and_instants(void **state)
{
    static const struct {
        const char *words;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0}, {"1970-01-01t00:00:01z", 1000}, {"1970-01-01 00:00:01Z", 1000}, {"1970-01-01T05:30:00+05:30", 0},
        {"1969-12-31T20:00:00-04:00", 0}, {"2000-02-29T00:00:00Z", 951782400000}, {"2016-12-31T23:59:60Z", 1483228800000},
        {"1970-01-01T00:00:00.1239Z", 123}, {"1970-01-01T24:00:00Z", -1}, {"1970-01-01T00:60:00Z", -1}, {"1970-01-01T00:00:61Z", -1},
        {"1970-13-01T00:00:00Z", -1}, {"1970-01-32T00:00:00Z", -1}, {"1970-01-00T00:00:00Z", -1}, {"70-01-01T00:00:00Z", -1}, {"1970-01-01T00:00Z", -1},
        {"1970-01-01T00:00:00", -1}, {"1970-01-01T00:00:00+0530", -1}, {"1970-01-01T00:00:00+24:00", -1}, {"1970-01-01T00:00:00+05:60", -1},
        {"1970-01-01T00:00:00.Z", -1}, {"1970-01-01T00:00:00Zx", -1}, {"1970-01-01X00:00:00Z", -1}, {"", -1}, {"1970-01-01", -1},
    };
    static const char *const bad[] = {"", "2026", "2026-1-1", "2026-02-29", "2026-00-01", "2026-11-31", "0000-01-01", "2026-11-24x", "2026/11/24"};
    int32_t day;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = -1;

        (void)!civil_read_instant(rows[i].words, &ms);
        if (ms != rows[i].ms) {
            fail_msg("'%s': %lld", rows[i].words, (long long)ms);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!civil_read_date(bad[i], &day)) {
            fail_msg("'%s'", bad[i]);
        }
    }
    for (int32_t at = civil_days(1, 1, 1), weekday = 0; at < civil_days(4000, 1, 1); at++, weekday = (weekday + 1) % 7) {
        int y, m, d;

        civil_from_days(at, &y, &m, &d);
        assert_int_equal(civil_days(y, m, d), at);
        assert_int_equal(civil_weekday(at), weekday); /* 0001-01-01 was a Monday */
        if (at % 97 == 0) {
            char words[11];

            civil_write_date(at, words);
            assert_int_equal(civil_read_date(words, &day), ERR_OK);
            assert_int_equal(day, at);
        }
    }
}

static void fields_of_an_object(void **state)
{
    static const char bytes[] = "{\"t\":\"x\",\"i\":5,\"d\":1.5,\"b\":true,\"n\":null,\"o\":{\"k\":1},\"l\":[1,2],\"big\":1e300,\"neg\":-3}";
    const struct cJSON *root;
    struct json_reader reader;
    struct arena *arena;
    const char *field = NULL;
    int64_t whole;
    double number;
    bool truth;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, bytes, strlen(bytes), &root, NULL), ERR_OK);
    reader = json_read(root);
    assert_string_equal(json_need_text(&reader, "t"), "x");
    assert_int_equal(json_need_int(&reader, "i", 0, 9), 5);
    assert_non_null(json_need_object(&reader, "o"));
    assert_int_equal(json_size(json_need_list(&reader, "l")), 2);
    assert_int_equal(json_end(&reader, &field), ERR_OK);
    assert_int_equal(json_need_int(&reader, "i", 6, 9), 6); /* out of range: it fails, and stays so */
    assert_string_equal(json_need_text(&reader, "t"), "");
    assert_null(json_need_list(&reader, "l"));
    assert_null(json_need_object(&reader, "o"));
    assert_int_equal(json_end(&reader, &field), ERR_FORMAT);
    assert_string_equal(field, "i");
    assert_false(json_as_int(json_field(root, "d"), &whole) || json_as_int(json_field(root, "big"), &whole) || json_as_int(json_field(root, "t"), &whole));
    assert_true(json_as_number(json_field(root, "big"), &number));
    assert_true(json_as_bool(json_field(root, "b"), &truth) && truth);
    assert_false(json_as_bool(json_field(root, "i"), &truth));
    assert_true(json_is_null(json_field(root, "n")));
    assert_false(json_is_null(json_field(root, "none")));
    assert_int_equal(json_int_or(root, "neg", 0), -3);
    assert_int_equal(json_int_or(root, "none", 7), 7);
    assert_true(json_bool_or(root, "b", false) && json_bool_or(root, "none", true));
    assert_true(json_number_or(root, "d", 0) > 1.4 && json_number_or(root, "t", 9) > 8);
    assert_string_equal(json_text_or(root, "i", "else"), "else");
    assert_null(json_first(json_field(root, "i")));
    assert_null(json_next(NULL));
    assert_string_equal(json_name(NULL), "");
    assert_null(json_field(NULL, "x"));
    arena_close(arena);
}

static void what_is_written_is_json(void **state)
{
    struct json_out out = json_out(1000);

    (void)state;
    json_open_object(&out);
    json_text(&out, "t", "a\"\\\n\x01\x7f\xc3\xa9");
    json_text(&out, "none", NULL);
    json_number(&out, "inf", (double)INFINITY);
    json_bool(&out, "b", false);
    json_null(&out, "n");
    json_raw(&out, "r", "[1]");
    json_raw(&out, "r0", NULL);
    json_key(&out, "l");
    json_open_list(&out);
    json_put_bool(&out, true);
    json_put_int(&out, INT64_MIN);
    json_close_list(&out);
    json_close_object(&out);
    assert_int_equal(out.err, ERR_OK);
    assert_string_equal(out.bytes, "{\"t\":\"a\\\"\\\\\\n\\u0001\\u007f\xc3\xa9\",\"none\":null,\"inf\":null,\"b\":false,\"n\":null,\"r\":[1],\"r0\":null,"
                                   "\"l\":[true,-9223372036854775808]}");
    json_out_free(&out);
    out = json_out(5);
    json_put_text(&out, "too long for it");
    assert_int_equal(out.err, ERR_FULL);
    json_put_int(&out, 1); /* it sticks */
    assert_int_equal(out.err, ERR_FULL);
    json_out_reset(&out);
    assert_int_equal(out.err, ERR_OK);
    json_out_free(&out);
}

/* A zone file without transitions: two headers, one type, and the rule that goes on for ever. */
static enum err read_rule(struct arena *arena, const char *rule, const struct zone **ret_zone)
{
    unsigned char bytes[300] = {0};
    size_t size = 0;

    for (int i = 0; i < 2; i++) {
        memcpy(bytes + size, "TZif2", 5);
        bytes[size + 39] = 1; /* types */
        bytes[size + 43] = 4; /* letters */
        size += 44 + 6 + 4;
    }
    size += (size_t)snprintf((char *)bytes + size, sizeof(bytes) - size, "\n%s\n", rule);
    return zone_read(arena, "test", bytes, size, ret_zone);
}

static void rules_of_zone_files(void **state)
{
    static const struct {
        const char *rule;
        int32_t winter, summer; /* seconds east in January and in July 2030; 99: refused */
    } rows[] = {
        {"UTC0", 0, 0}, {"CST-8", 28800, 28800}, {"<+0545>-5:45", 20700, 20700}, {"NST3:30:15", -12615, -12615},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200}, {"CET-1CEST-3,M3.5.0,M10.5.0/3", 3600, 10800}, {"AEST-10AEDT,M10.1.0,M4.1.0/3", 39600, 36000},
        {"AAA0BBB,J60,J300", 0, 3600}, {"AAA0BBB,59,299/-2", 0, 3600}, {"AAA0BBB,M3.5.0/25,M10.5.0/167", 0, 3600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3600}, /* winter is the other season */
        {"", 0, 0}, {"X0", 99, 99}, {"UTC", 99, 99}, {"<UTC0", 99, 99}, {"AAA0BBB", 99, 99}, {"AAA0BBB,M3.5.0", 99, 99}, {"AAA0BBB,M13.5.0,M1.1.1", 99, 99},
        {"AAA0BBB,M3.6.0,M1.1.1", 99, 99}, {"AAA0BBB,M3.5.7,M1.1.1", 99, 99}, {"AAA0BBB,J367,J1", 99, 99}, {"AAA0BBB,M3.5.0/200,M1.1.1", 99, 99},
        {"AAA0BBB,M3.5.0,M10.5.0x", 99, 99}, {"AAA1:", 99, 99}, {"AAA1:1:", 99, 99}, {"AAA0BBB,,", 99, 99}, {"AAA0B", 99, 99},
    };
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct zone *zone;
        enum err err = read_rule(arena, rows[i].rule, &zone);

        if (err != (rows[i].winter == 99 ? ERR_FORMAT : ERR_OK)) {
            fail_msg("'%s'", rows[i].rule);
        }
        if (!err && (zone_offset_s(zone, civil_days(2030, 1, 15) * 86400000LL) != rows[i].winter ||
                     zone_offset_s(zone, civil_days(2030, 7, 15) * 86400000LL) != rows[i].summer)) {
            fail_msg("'%s': %d and %d", rows[i].rule, zone_offset_s(zone, civil_days(2030, 1, 15) * 86400000LL),
                     zone_offset_s(zone, civil_days(2030, 7, 15) * 86400000LL));
        }
    }
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),      cmocka_unit_test(any_number_comes_back), cmocka_unit_test(durations_and_sizes),
        cmocka_unit_test(ids_and_texts),      cmocka_unit_test(utf8_is_well_formed),   cmocka_unit_test(dates_and_instants),
        cmocka_unit_test(fields_of_an_object), cmocka_unit_test(what_is_written_is_json), cmocka_unit_test(rules_of_zone_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
