/* Every kind of message, with one thing wrong at a time; and what JSON is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/telemetry/ack.h"
#include "models/telemetry/command.h"
#include "models/telemetry/message.h"

#define EPOCH "\"epoch\":\"6f1c0a9e5b7d2c44\""
#define HEAD  "{\"v\":1," EPOCH ",\"seq\":412,\"t0\":1790000000000,"
#define DATA(readings) HEAD "\"equipment\":{\"a\":{\"p\":" readings "}}}"
#define FAULT(more) HEAD "\"event\":{\"kind\":\"fault\",\"equipment\":\"a\",\"fault\":\"f\"," more "}}"

enum kind { MESSAGE_DATA, MESSAGE_EVENT, MESSAGE_REPLY, MESSAGE_STATUS, MESSAGE_ACK, MESSAGE_COMMAND };

static enum err decode(struct arena *arena, enum kind kind, const char *bytes, size_t size, struct text *why)
{
    union {
        struct data_message data;
        struct event_message event;
        struct reply_message reply;
        struct status_message status;
        struct ack ack;
        struct command command;
    } to;

    switch (kind) {
    case MESSAGE_DATA:
        return data_decode(arena, bytes, size, &to.data, why);
    case MESSAGE_EVENT:
        return event_decode(arena, bytes, size, &to.event, why);
    case MESSAGE_REPLY:
        return reply_decode(arena, bytes, size, &to.reply, why);
    case MESSAGE_STATUS:
        return status_decode(arena, bytes, size, &to.status, why);
    case MESSAGE_ACK:
        return ack_decode(arena, bytes, size, &to.ack, why);
    case MESSAGE_COMMAND:
        return command_decode(arena, bytes, size, &to.command, why);
    }
    return ERR_FORMAT;
}

static void wrong_in_one_place(void **state)
{
    static const struct {
        enum kind kind;
        const char *bytes;
        const char *why; /* how the sentence begins; NULL: it is right */
    } rows[] = {
        /* the envelope */
        {MESSAGE_DATA, DATA("[[0,1]]"), NULL},
        {MESSAGE_DATA, "{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c4\",\"seq\":1,\"t0\":0,\"equipment\":{}}", "epoch: expected 16 hex"},
        {MESSAGE_DATA, "{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c4g\",\"seq\":1,\"t0\":0,\"equipment\":{}}", "epoch: expected 16 hex"},
        {MESSAGE_DATA, "{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c444\",\"seq\":1,\"t0\":0,\"equipment\":{}}", "epoch: expected 16 hex"},
        {MESSAGE_DATA, "{\"v\":1,\"epoch\":16,\"seq\":1,\"t0\":0,\"equipment\":{}}", "epoch: expected 16 hex"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":9007199254740991,\"t0\":0,\"equipment\":{}}", NULL},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":9007199254740992,\"t0\":0,\"equipment\":{}}", "seq: expected a whole number"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":9007199254740993,\"t0\":0,\"equipment\":{}}", "seq: expected a whole number"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1e300,\"t0\":0,\"equipment\":{}}", "seq: expected a whole number"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":0,\"t0\":0,\"equipment\":{}}", "seq: expected a whole number"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":-1,\"t0\":0,\"equipment\":{}}", "seq: expected a whole number"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1.5,\"t0\":0,\"equipment\":{}}", "seq: expected a whole number"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":\"1\",\"t0\":0,\"equipment\":{}}", "seq: expected a whole number"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"t0\":0,\"equipment\":{}}", "seq: expected a whole number"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1,\"t0\":-1,\"equipment\":{}}", "t0: expected milliseconds"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1,\"t0\":9214646400001,\"equipment\":{}}", "t0: expected milliseconds"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1,\"t0\":null,\"equipment\":{}}", "t0: expected milliseconds"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1,\"t0\":0,\"clock\":\"late\",\"equipment\":{}}", "clock: expected synced"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1,\"t0\":0,\"clock\":1,\"equipment\":{}}", "clock: expected synced"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1,\"t0\":0,\"clock\":\"unsynced\",\"new\":[{}],\"equipment\":{}}", NULL},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1,\"seq\":2,\"t0\":0,\"equipment\":{}}", "seq: expected once"},
        {MESSAGE_DATA, "{\"v\":1," EPOCH ",\"seq\":1,\"t0\":0,\"equipment\":{},\"equipment\":{}}", "equipment: expected once"},
        {MESSAGE_DATA, "{\"v\":\"1\"}", "v: expected 1"},
        {MESSAGE_DATA, "{}", "v: expected 1"},
        {MESSAGE_DATA, "", "expected a JSON value"},
        /* data */
        {MESSAGE_DATA, HEAD "\"equipment\":[]}", "equipment: expected a map"},
        {MESSAGE_DATA, HEAD "\"equipment\":{\"a\":[]}}", "equipment.a: expected a map of points"},
        {MESSAGE_DATA, HEAD "\"equipment\":{\"a\":{\"\":[]}}}", "equipment.a: expected a point's name"},
        {MESSAGE_DATA, HEAD "\"equipment\":{\"\":{}}}", "equipment: expected an id"},
        {MESSAGE_DATA, HEAD "\"equipment\":{\"01234567890123456789012345678901234567890123456789012345678901234\":{}}}", "equipment: expected an id"},
        {MESSAGE_DATA, DATA("{}"), "equipment.a.p: expected a list"},
        {MESSAGE_DATA, DATA("[]"), NULL},
        {MESSAGE_DATA, DATA("[{}]"), "equipment.a.p[0]: expected [offset, value]"},
        {MESSAGE_DATA, DATA("[[0,1],[]]"), "equipment.a.p[1]: expected [offset, value]"},
        {MESSAGE_DATA, DATA("[[0]]"), "equipment.a.p[0]: expected [offset, value]"},
        {MESSAGE_DATA, DATA("[[0,1,\"good\",1]]"), "equipment.a.p[0]: expected [offset, value]"},
        {MESSAGE_DATA, DATA("[[\"0\",1]]"), "equipment.a.p[0]: expected an offset"},
        {MESSAGE_DATA, DATA("[[1e3,1]]"), NULL},
        {MESSAGE_DATA, DATA("[[-5,1]]"), NULL},
        {MESSAGE_DATA, DATA("[[1e16,1]]"), "equipment.a.p[0]: expected an offset"},
        {MESSAGE_DATA, DATA("[[-1790000000001,1]]"), "equipment.a.p[0]: expected an offset"},
        {MESSAGE_DATA, DATA("[[8e12,1]]"), "equipment.a.p[0]: expected an offset"},
        {MESSAGE_DATA, DATA("[[0,1e999]]"), "equipment.a.p[0]: expected a number"},
        {MESSAGE_DATA, DATA("[[0,-1e999]]"), "equipment.a.p[0]: expected a number"},
        {MESSAGE_DATA, DATA("[[0,1e308]]"), NULL},
        {MESSAGE_DATA, DATA("[[0,NaN]]"), "expected a JSON value"},
        {MESSAGE_DATA, DATA("[[0,true]]"), "equipment.a.p[0]: expected a number"}, /* booleans are 0 and 1 */
        {MESSAGE_DATA, DATA("[[0,[1]]]"), "equipment.a.p[0]: expected a number"},
        {MESSAGE_DATA, DATA("[[0,{}]]"), "equipment.a.p[0]: expected a number"},
        {MESSAGE_DATA, DATA("[[0,\"on\"]]"), NULL},
        {MESSAGE_DATA, DATA("[[0,\"on\",\"stale\"]]"), NULL},
        {MESSAGE_DATA, DATA("[[0,null]]"), "equipment.a.p[0]: expected a quality"},
        {MESSAGE_DATA, DATA("[[0,null,\"good\"]]"), "equipment.a.p[0]: expected a quality"},
        {MESSAGE_DATA, DATA("[[0,null,\"timeout\"]]"), NULL},
        {MESSAGE_DATA, DATA("[[0,1,\"Good\"]]"), "equipment.a.p[0]: expected one of good"},
        {MESSAGE_DATA, DATA("[[0,1,null]]"), "equipment.a.p[0]: expected one of good"},
        {MESSAGE_DATA, DATA("[[0,1,\"range\"]]"), NULL},
        /* events */
        {MESSAGE_EVENT, FAULT("\"state\":\"raised\",\"grade\":1"), NULL},
        {MESSAGE_EVENT, FAULT("\"state\":\"cleared\""), NULL},
        {MESSAGE_EVENT, HEAD "\"event\":[]}", "event: expected an object"},
        {MESSAGE_EVENT, HEAD "\"event\":{}}", "event.kind: expected"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":1}}", "event.kind: expected"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"later\",\"x\":1}}", NULL},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"fault\",\"fault\":\"f\",\"state\":\"raised\",\"grade\":1}}", "event: expected the ids"},
        {MESSAGE_EVENT, FAULT("\"state\":\"rising\",\"grade\":1"), "event.state: expected"},
        {MESSAGE_EVENT, FAULT("\"state\":\"raised\""), "event.grade: expected"},
        {MESSAGE_EVENT, FAULT("\"state\":\"raised\",\"grade\":0"), "event.grade: expected"},
        {MESSAGE_EVENT, FAULT("\"state\":\"regraded\",\"grade\":4"), "event.grade: expected"},
        {MESSAGE_EVENT, FAULT("\"state\":\"cleared\",\"grade\":\"1\""), "event.grade: expected"},
        {MESSAGE_EVENT, FAULT("\"state\":\"raised\",\"grade\":4294967297"), "event.grade: expected"},
        {MESSAGE_EVENT, FAULT("\"state\":\"raised\",\"grade\":1,\"onset\":-5"), "event: expected onset"},
        {MESSAGE_EVENT, FAULT("\"state\":\"raised\",\"grade\":1,\"onset\":9e15"), "event: expected onset"},
        {MESSAGE_EVENT, FAULT("\"state\":\"raised\",\"grade\":1,\"onset\":\"x\""), "event: expected onset"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"tombstone\"," EPOCH ",\"from\":3,\"to\":5,\"reason\":\"full\",\"count\":3}}", NULL},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"tombstone\",\"from\":5,\"to\":3}}", "event: expected from and to"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"tombstone\",\"from\":0,\"to\":3}}", "event: expected from and to"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"tombstone\",\"from\":1}}", "event: expected from and to"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"tombstone\",\"epoch\":\"x\",\"from\":1,\"to\":1}}", "event.epoch: expected"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"tombstone\",\"epoch\":7,\"from\":1,\"to\":1}}", "event.epoch: expected"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"clockfix\",\"offset\":-5}}", NULL},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"clockfix\"}}", "event.offset: expected"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"clockfix\",\"offset\":0.5}}", "event.offset: expected"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"clockfix\",\"offset\":9e15}}", "event.offset: expected"},
        {MESSAGE_EVENT, HEAD "\"event\":{\"kind\":\"bus\",\"bus\":\"b\",\"state\":\"lost\"}}", NULL},
        /* replies */
        {MESSAGE_REPLY, HEAD "\"command\":\"c-1\",\"state\":\"done\",\"result\":{}}", NULL},
        {MESSAGE_REPLY, HEAD "\"state\":\"done\"}", "command: expected"},
        {MESSAGE_REPLY, HEAD "\"command\":1,\"state\":\"done\"}", "command: expected"},
        {MESSAGE_REPLY, HEAD "\"command\":\"c\",\"state\":\"ready\"}", "state: expected"},
        {MESSAGE_REPLY, HEAD "\"command\":\"c\"}", "state: expected"},
        /* status */
        {MESSAGE_STATUS, "{\"v\":1,\"online\":false," EPOCH "}", NULL},
        {MESSAGE_STATUS, "{\"v\":1,\"online\":true," EPOCH ",\"edge\":true,\"t\":1790000000000,\"equipment\":{},\"spool\":{}}", NULL},
        {MESSAGE_STATUS, "{\"v\":1," EPOCH "}", "online: expected"},
        {MESSAGE_STATUS, "{\"v\":1,\"online\":1}", "online: expected"},
        {MESSAGE_STATUS, "{\"v\":1,\"online\":true,\"epoch\":\"x\"}", "epoch: expected"},
        {MESSAGE_STATUS, "{\"v\":1,\"online\":true,\"epoch\":1}", "epoch: expected"},
        {MESSAGE_STATUS, "{\"v\":1,\"online\":true,\"edge\":\"yes\"}", "edge: expected"},
        {MESSAGE_STATUS, "{\"v\":1,\"online\":true,\"t\":-1}", "t: expected"},
        {MESSAGE_STATUS, "{\"v\":1,\"online\":true,\"equipment\":[]}", "equipment: expected"},
        {MESSAGE_STATUS, "{\"v\":1,\"online\":true,\"online\":false}", "online: expected once"},
        /* receipts */
        {MESSAGE_ACK, "{\"v\":1," EPOCH ",\"have\":[[1,411],[413,413]]}", NULL},
        {MESSAGE_ACK, "{\"v\":1," EPOCH ",\"have\":[]}", NULL},
        {MESSAGE_ACK, "{\"v\":1," EPOCH "}", "expected epoch"},
        {MESSAGE_ACK, "{\"v\":1," EPOCH ",\"have\":[[2,1]]}", "have[0]: expected"},
        {MESSAGE_ACK, "{\"v\":1," EPOCH ",\"have\":[[1,2],[0,1]]}", "have[1]: expected"},
        {MESSAGE_ACK, "{\"v\":1," EPOCH ",\"have\":[[1]]}", "have[0]: expected"},
        {MESSAGE_ACK, "{\"v\":1," EPOCH ",\"have\":[{\"a\":1,\"b\":2}]}", "have[0]: expected"},
        {MESSAGE_ACK, "{\"v\":1," EPOCH ",\"have\":[[1,9007199254740993]]}", "have[0]: expected"},
        /* commands */
        {MESSAGE_COMMAND, "{\"v\":1,\"id\":\"c\",\"name\":\"inspect\"}", NULL},
        {MESSAGE_COMMAND, "{\"v\":1,\"id\":\"c\",\"name\":\"inspect\",\"equipment\":\"a\",\"expires\":1790000060000,\"args\":{}}", NULL},
        {MESSAGE_COMMAND, "{\"v\":1,\"name\":\"inspect\"}", "id: expected"},
        {MESSAGE_COMMAND, "{\"v\":1,\"id\":\"c\"}", "name: expected"},
        {MESSAGE_COMMAND, "{\"v\":1,\"id\":\"c\",\"name\":\"write\",\"equipment\":5}", "equipment: expected"},
        {MESSAGE_COMMAND, "{\"v\":1,\"id\":\"c\",\"name\":\"write\",\"expires\":\"soon\"}", "expires: expected"},
        {MESSAGE_COMMAND, "{\"v\":1,\"id\":\"c\",\"name\":\"write\",\"args\":[]}", "args: expected"},
    };
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TEXT(why, 300);
        enum err err = decode(arena, rows[i].kind, rows[i].bytes, strlen(rows[i].bytes), &why);

        if (err != (rows[i].why ? ERR_FORMAT : ERR_OK) || (rows[i].why && strncmp(why.at, rows[i].why, strlen(rows[i].why)) != 0)) {
            fail_msg("%s: %s, '%s' instead of '%s'", rows[i].bytes, err_text(err), why.at, rows[i].why ? rows[i].why : "");
        }
        arena_reset(arena);
    }
    arena_close(arena);
}

static void json_to_the_letter(void **state)
{
    static const char *const good[] = {
        "0", "-0", "1.5e+3", "1E-2", "\"\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"", "[]", "{}", " [ 1 , 2 ] ",
        "{\"a\":[{}]}", "true", "false", "null", "\"\x7f\"", "\"\xc3\xa9\"", "\t\r\n1\n",
    };
    static const char *const bad[] = {
        "", " ", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "1 2", "tru", "True", "nul", "NaN", "Infinity", "-Infinity",
        "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\ude00\"", "\"\\ud800\\u0041\"", "\"\n\"", "\"\t\"",
        "[", "]", "[1", "[1,]", "[,1]", "[1 2]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\":1 \"b\":2}",
        "[}", "{]", "// x\n1", "/* */1", "\xef\xbb\xbf[]", "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"",
    };
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct cJSON *value;

        if (json_parse(arena, good[i], strlen(good[i]), &value, NULL)) {
            fail_msg("refused: %s", good[i]);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct cJSON *value;
        const char *why = NULL;

        if (json_parse(arena, bad[i], strlen(bad[i]), &value, &why) != ERR_FORMAT || !why) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    arena_close(arena);
}

static void too_large_and_too_deep(void **state)
{
    static char bytes[70000];
    struct arena *arena;
    TEXT(why, 300);
    size_t size;

    (void)state;
    assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
    for (int depth = 20; depth < 60; depth++) { /* the new field is three levels down */
        size = (size_t)sprintf(bytes, HEAD "\"equipment\":{},\"x\":");
        for (int i = 0; i < 2 * depth; i++) {
            bytes[size++] = i < depth ? '[' : ']';
        }
        bytes[size++] = '}';
        assert_int_equal(decode(arena, MESSAGE_DATA, bytes, size, &why), depth <= 31 ? ERR_OK : ERR_FORMAT);
    }
    assert_string_equal(why.at, "nested too deeply");
    memset(bytes, ' ', sizeof(bytes));
    memcpy(bytes, DATA("[[0,1]]"), strlen(DATA("[[0,1]]")));
    assert_int_equal(decode(arena, MESSAGE_DATA, bytes, MESSAGE_BYTES_MOST, &why), ERR_OK);
    assert_int_equal(decode(arena, MESSAGE_DATA, bytes, MESSAGE_BYTES_MOST + 1, &why), ERR_FORMAT);
    assert_non_null(strstr(why.at, "65536"));
    arena_close(arena);
}

static void what_can_be_seen_of_a_broken_one(void **state)
{
    static const struct {
        const char *bytes;
        uint64_t seq; /* 0: nothing to be seen */
    } rows[] = {
        {HEAD "oops", 412},
        {"{\"seq\":7," EPOCH ",\"t0\":", 7},
        {"{" EPOCH ",\"seq\":7", 0}, /* cut off: perhaps 71 */
        {"{" EPOCH ",\"seq\":7}", 7},
        {"{" EPOCH ",\"seq\": 7 ,", 7},
        {"{" EPOCH ",\"seq\":7.5,", 0},
        {"{" EPOCH ",\"seq\":\"7\",", 0},
        {"{" EPOCH ",\"seq\":9007199254740992,", 0},
        {"{" EPOCH ",\"seq\":9007199254740991,", 9007199254740991},
        {"{" EPOCH ",\"seq\":99999999999999999999999,", 0},
        {"{" EPOCH ",\"seq\":0,", 0},
        {"{\"x\":{" EPOCH "},\"seq\":7,", 0},
        {"{\"event\":{\"epoch\":\"0000000000000000\",\"seq\":1}," EPOCH ",\"seq\":7,", 7},
        {"{\"x\":\"\\\"seq\\\":3,\"," EPOCH ",\"seq\":7,", 7},
        {"{\"epoch\":\"6f1c0a9e5b7d2c4\",\"seq\":7,", 0},
        {"{\"epoch\"", 0},
        {"", 0},
    };
    struct envelope envelope;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool seen = envelope_peek(NULL, rows[i].bytes, strlen(rows[i].bytes), &envelope) == ERR_OK;

        if (seen != (rows[i].seq > 0) || (seen && envelope.seq != rows[i].seq)) {
            fail_msg("%s", rows[i].bytes);
        }
    }
}

static void commands_and_receipts_come_back(void **state)
{
    struct json_out out = json_out(MESSAGE_BYTES_MOST);
    struct ranges ranges = {.most = 0};
    struct command command;
    struct arena *arena;
    struct ack ack;

    (void)state;
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(command_encode(&out, "c-\"1", "write", "swh-1", 1790000060000, "{\"point\":\"p\"}"), ERR_OK);
    assert_int_equal(command_decode(arena, out.bytes, out.size, &command, NULL), ERR_OK);
    assert_string_equal(command.id, "c-\"1");
    assert_string_equal(command.equipment, "swh-1");
    assert_int_equal(command.expires_ms, 1790000060000);
    assert_string_equal(json_text_or(command.args, "point", ""), "p");
    assert_int_equal(command_encode(&out, "c", "selftest", NULL, 0, NULL), ERR_OK);
    assert_int_equal(command_decode(arena, out.bytes, out.size, &command, NULL), ERR_OK);
    assert_null(command.equipment);
    for (uint64_t i = 1; i < 2 * ACK_RANGES_MOST + 20; i += 2) {
        assert_int_equal(ranges_add(&ranges, i, i), ERR_OK);
    }
    assert_int_equal(ack_encode(&out, "6f1c0a9e5b7d2c44", &ranges), ERR_OK);
    assert_int_equal(ack_decode(arena, out.bytes, out.size, &ack, NULL), ERR_OK);
    assert_int_equal(ack.count, ACK_RANGES_MOST); /* the lowest ones; the rest next time */
    assert_int_equal(ack.have[255].to, 511);
    ranges_free(&ranges);
    json_out_free(&out);
    arena_close(arena);
}

/* What does not fit into one message goes into the next: nothing lost, nothing twice, each below its size. */
static void long_lists_take_several_messages(void **state)
{
    static struct outgoing list[2000];
    static char texts[2000][130];
    struct envelope envelope = {.epoch = "0123456789abcdef", .seq = 1};
    struct json_out out = json_out(MESSAGE_BYTES_MOST);
    size_t done = 0, seen = 0;
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < 2000; i++) {
        memset(texts[i], i % 3 ? 'x' : '\x01', 128); /* the latter are six bytes each on the wire */
        list[i] = (struct outgoing){i % 2 ? "a" : "b", i % 5 ? "p" : "q", {.t_ms = 1790000000000 - (int64_t)i, .has_value = true, .value = 0}};
        list[i].reading.text = i % 7 ? NULL : texts[i];
        list[i].reading.value = i % 7 ? 1e300 / (double)(i + 1) : 0;
    }
    while (done < 2000) {
        size_t used, most = 2000 + done % 700;
        struct data_message message;

        assert_int_equal(data_encode(&out, &envelope, list + done, 2000 - done, most, &used), ERR_OK);
        assert_true(used > 0 && (out.size <= most || used == 1));
        arena_reset(arena);
        assert_int_equal(data_decode(arena, out.bytes, out.size, &message, NULL), ERR_OK);
        assert_int_equal(message.readings, used);
        assert_int_equal(message.most_ms, list[done].reading.t_ms);
        done += used;
        seen += message.readings;
    }
    assert_int_equal(seen, 2000);
    json_out_free(&out);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_in_one_place),
        cmocka_unit_test(json_to_the_letter),
        cmocka_unit_test(too_large_and_too_deep),
        cmocka_unit_test(what_can_be_seen_of_a_broken_one),
        cmocka_unit_test(commands_and_receipts_come_back),
        cmocka_unit_test(long_lists_take_several_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
