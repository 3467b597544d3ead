/* Ranges, topics, messages, receipts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/telemetry/ack.h"
#include "models/telemetry/message.h"
#include "models/telemetry/ranges.h"
#include "models/telemetry/topic.h"

static void ranges_equal_a_bitmap(void **state)
{
    (void)state;
    srand(2);
    for (int round = 0; round < 200; round++) {
        struct ranges ranges = {.most = 0};
        bool map[220] = {false};
        uint64_t size = 0;

        for (int i = 0; i < 60; i++) {
            unsigned from = 1 + (unsigned)rand() % 200, to = from + (unsigned)rand() % 8;
            bool all = true;

            for (unsigned k = from; k <= to; k++) {
                all = all && map[k];
                size += !map[k];
                map[k] = true;
            }
            assert_int_equal(ranges_add(&ranges, from, to), all ? ERR_EXISTS : ERR_OK);
        }
        assert_int_equal(ranges_size(&ranges), size);
        for (unsigned k = 1; k < 220; k++) {
            assert_int_equal(ranges_has(&ranges, k), map[k]);
        }
        for (size_t i = 1; i < ranges.count; i++) {
            assert_true(ranges.list[i - 1].to + 1 < ranges.list[i].from);
        }
        ranges_free(&ranges);
    }
}

static void topics_come_apart(void **state)
{
    enum channel channel;
    char agent[65];
    TEXT(topic, TOPIC_SIZE);

    (void)state;
    assert_int_equal(topic_make(&topic, TOPIC_PREFIX, "gw-1", CHANNEL_DATA), ERR_OK);
    assert_string_equal(topic.at, "heliograph/1/gw-1/data");
    assert_int_equal(topic_split(topic.at, topic.length, TOPIC_PREFIX, agent, &channel), ERR_OK);
    assert_string_equal(agent, "gw-1");
    assert_int_equal(channel, CHANNEL_DATA);
    assert_int_equal(topic_split("heliograph/1/a/b/data", 21, TOPIC_PREFIX, agent, &channel), ERR_FORMAT);
    assert_int_equal(topic_split("heliograph/1/a+/data", 20, TOPIC_PREFIX, agent, &channel), ERR_FORMAT);
}

#define HEAD "{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c44\",\"seq\":412,\"t0\":1790000000000,"

static void wrong_messages_say_where(void **state)
{
    static const struct {
        const char *bytes, *why;
    } rows[] = {
        {HEAD "\"equipment\":{\"a\":{\"p\":[[0,null]]}}}", "equipment.a.p[0]: expected a quality that says why there is no value"},
        {HEAD "\"equipment\":{\"a\":{\"p\":[[0,1,\"bad\"]]}}}", "equipment.a.p[0]: expected one of good stale timeout exception illegal invalid range clock"},
        {HEAD "\"equipment\":{\"a\":{\"p\":[[0.5,1]]}}}", "equipment.a.p[0]: expected an offset in whole milliseconds, within 1970 to 2262"},
        {HEAD "\"equipment\":{\"a b\":{}}}", "equipment: expected an id, found 'a b'"},
        {HEAD "\"x\":1}", "equipment: expected a map of equipment"},
        {"{\"v\":2}", "v: expected 1"},
        {"[]", "expected a JSON object"},
        {"{\"v\":1,\"epoch\":\"xyz\"}", "epoch: expected 16 hex digits"},
        {"{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c44\",\"seq\":0}", "seq: expected a whole number from 1 to 2^53 - 1"},
    };
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct data_message message;
        TEXT(why, 200);

        arena_reset(arena);
        assert_int_equal(data_decode(arena, rows[i].bytes, strlen(rows[i].bytes), &message, &why), ERR_FORMAT);
        assert_string_equal(why.at, rows[i].why);
    }
    arena_close(arena);
}

static void what_is_encoded_is_decoded(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct json_out out = json_out(MESSAGE_BYTES_MOST);
    struct arena *arena;

    (void)state;
    srand(3);
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    for (int round = 0; round < 300; round++) {
        struct envelope envelope = {.epoch = "0123456789abcdef", .seq = 1 + (uint64_t)rand()};
        struct outgoing list[50] = {{0}};
        struct data_message message;
        size_t count = 1 + (size_t)rand() % 50, used, seen = 0;

        for (size_t i = 0; i < count; i++) {
            list[i].equipment = names[rand() % 3];
            list[i].point = names[rand() % 3];
            list[i].reading = (struct reading){.t_ms = 1790000000000 + rand() % 100000,
                                               .has_value = rand() % 5 > 0,
                                               .quality = QUALITY_GOOD,
                                               .value = (double)(rand() % 20000) / 10};
            if (!list[i].reading.has_value) {
                list[i].reading.quality = QUALITY_TIMEOUT;
                list[i].reading.value = 0;
            }
        }
        assert_int_equal(data_encode(&out, &envelope, list, count, 60000, &used), ERR_OK);
        assert_int_equal(used, count);
        arena_reset(arena);
        assert_int_equal(data_decode(arena, out.bytes, out.size, &message, NULL), ERR_OK);
        assert_int_equal(message.readings, count);
        assert_int_equal(message.envelope.seq, envelope.seq);
        for (size_t s = 0; s < message.count; s++) {
            size_t at = 0;

            for (size_t i = 0; i < count; i++) {
                if (strcmp(list[i].equipment, message.series[s].equipment) == 0 &&
                    strcmp(list[i].point, message.series[s].point) == 0) {
                    const struct reading *got = &message.series[s].readings[at++];

                    assert_int_equal(got->t_ms, list[i].reading.t_ms);
                    assert_true(memcmp(&got->value, &list[i].reading.value, sizeof(double)) == 0);
                    assert_int_equal(got->quality, list[i].reading.quality);
                    seen++;
                }
            }
        }
        assert_int_equal(seen, count);
    }
    json_out_free(&out);
    arena_close(arena);
}

static void the_examples_of_the_contract_are_read(void **state)
{
    static const char data[] = HEAD "\"equipment\":{\"swh-0001\":{\"collector_temp\":[[0,71.2],[60000,71.9]],\"pump_on\":[[0,1]],\"flow\":[[0,null,\"timeout\"]]}}}";
    static const char event[] = HEAD "\"event\":{\"kind\":\"fault\",\"equipment\":\"swh-0001\",\"fault\":\"pump_no_flow\",\"state\":\"raised\",\"grade\":1,\"evidence\":{\"pump_on\":1},\"capture\":\"c-17\"}}";
    static const char ack[] = "{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c44\",\"have\":[[1,411],[413,413]]}";
    struct data_message a;
    struct event_message b;
    struct envelope peek;
    struct ack c;
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(data_decode(arena, data, strlen(data), &a, NULL), ERR_OK);
    assert_int_equal(a.readings, 4);
    assert_int_equal(a.most_ms, 1790000060000);
    assert_int_equal(event_decode(arena, event, strlen(event), &b, NULL), ERR_OK);
    assert_int_equal(b.onset_ms, 1790000000000);
    assert_int_equal(ack_decode(arena, ack, strlen(ack), &c, NULL), ERR_OK);
    assert_int_equal(c.have[1].from, 413);
    assert_int_equal(envelope_peek(arena, HEAD "oops", strlen(HEAD) + 4, &peek), ERR_OK);
    assert_int_equal(peek.seq, 412);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_equal_a_bitmap),     cmocka_unit_test(topics_come_apart),
        cmocka_unit_test(wrong_messages_say_where),  cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(the_examples_of_the_contract_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
