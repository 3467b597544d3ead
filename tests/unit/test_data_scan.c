/* The fast way to read data messages says what the slow one says. An unknown key makes the slow one
 * read a message, so that each can be read both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/telemetry/message.h"

static uint64_t random_state = 11;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (uint64_t)most);
}

static void same(const struct data_message *a, const struct data_message *b)
{
    assert_string_equal(a->envelope.epoch, b->envelope.epoch);
    assert_int_equal(a->envelope.seq, b->envelope.seq);
    assert_int_equal(a->envelope.t0_ms, b->envelope.t0_ms);
    assert_int_equal(a->envelope.unsynced, b->envelope.unsynced);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->readings, b->readings);
    assert_int_equal(a->least_ms, b->least_ms);
    assert_int_equal(a->most_ms, b->most_ms);
    for (size_t i = 0; i < a->count; i++) {
        const struct series *x = &a->series[i], *y = &b->series[i];

        assert_string_equal(x->equipment, y->equipment);
        assert_string_equal(x->point, y->point);
        assert_int_equal(x->count, y->count);
        for (size_t k = 0; k < x->count; k++) {
            const struct reading *r = &x->readings[k], *s = &y->readings[k];

            assert_int_equal(r->t_ms, s->t_ms);
            assert_int_equal(r->has_value, s->has_value);
            assert_int_equal(r->quality, s->quality);
            assert_memory_equal(&r->value, &s->value, sizeof(double));
            assert_int_equal(r->text == NULL, s->text == NULL);
            if (r->text) {
                assert_string_equal(r->text, s->text);
            }
        }
    }
}

/* Both ways; true when the fast one took it. */
static bool both_ways(struct arena *arena, const char *body)
{
    static char slow[40000];
    struct data_message fast, full;
    size_t size = strlen(body);
    const char *end = strrchr(body, '}');
    bool taken;

    arena_reset(arena);
    taken = data_scan(arena, body, size, &fast);
    if (!taken || !end) {
        return false;
    }
    snprintf(slow, sizeof(slow), "%.*s,\"new\":0%s", (int)(end - body), body, end);
    assert_false(data_scan(arena, slow, strlen(slow), &full));
    assert_int_equal(data_decode(arena, slow, strlen(slow), &full, NULL), ERR_OK);
    same(&fast, &full);
    return true;
}

static const char *draw_number(void)
{
    static char words[64];

    switch (draw(10)) {
    case 0:
        snprintf(words, sizeof(words), "%d", draw(2000000) - 1000000);
        break;
    case 1:
        snprintf(words, sizeof(words), "%.17g", draw(1000000) / 7.0);
        break;
    case 2:
        snprintf(words, sizeof(words), "-0.%06d", draw(1000000));
        break;
    case 3:
        snprintf(words, sizeof(words), "%d.%de%d", draw(9) + 1, draw(1000), draw(40) - 20);
        break;
    case 4:
        snprintf(words, sizeof(words), "0");
        break;
    default:
        snprintf(words, sizeof(words), "%d.%0*d", draw(3000) - 500, 1 + draw(4), draw(10));
    }
    return words;
}

static const char *blank(void)
{
    static const char *const blanks[] = {"", "", "", "", " ", "\n", "\t ", "\r\n"};

    return blanks[draw(8)];
}

static void draw_message(char *to, size_t room)
{
    int size = snprintf(to, room, "{%s\"v\":%s1,\"epoch\":\"0123456789abcdef\"%s,\"seq\":%d,\"t0\":"
                                  "%lld,%s%s\"equipment\"%s:{",
                        blank(), blank(), blank(), 1 + draw(100000),
                        1790000000000 + (long long)draw(1000000),
                        draw(4) ? "" : draw(2) ? "\"clock\":\"unsynced\"," : "\"clock\":\"synced\",",
                        blank(), blank());

    for (int e = 0, equipments = draw(3); e <= equipments; e++) {
        size += snprintf(to + size, room - (size_t)size, "%s\"swh-%d\":{", e ? "," : "", e);
        for (int p = 0, points = draw(6); p < points; p++) {
            size += snprintf(to + size, room - (size_t)size, "%s\"p_%d\":[", p ? "," : "", p);
            for (int k = 0, count = draw(5); k < count; k++) {
                const char *value = draw(8) == 0   ? "\"a text\""
                                    : draw(10) == 0 ? "null"
                                                    : draw_number();
                bool none = value[0] == 'n';

                size += snprintf(to + size, room - (size_t)size, "%s%s[%s%d%s,%s%s%s]%s", k ? "," : "",
                                 blank(), blank(), draw(100000) - 1000, blank(), value,
                                 none ? ",\"timeout\"" : draw(5) ? "" : ",\"stale\"", blank(), blank());
            }
            size += snprintf(to + size, room - (size_t)size, "]");
        }
        size += snprintf(to + size, room - (size_t)size, "}");
    }
    snprintf(to + size, room - (size_t)size, "}%s}%s", blank(), blank());
}

static void good_messages_are_read_alike(void **state)
{
    static char body[20000];
    struct arena *arena;
    int taken = 0;

    (void)state;
    assert_int_equal(arena_open(16 * 1024 * 1024, &arena), ERR_OK);
    for (int i = 0; i < 20000; i++) {
        draw_message(body, sizeof(body));
        taken += both_ways(arena, body);
    }
    assert_true(taken > 5000); /* it is worth having */
    arena_close(arena);
}

/* What the fast way takes after bytes were changed, the slow one takes as well. */
static void spoilt_messages_are_judged_alike(void **state)
{
    static const char letters[] = "{}[]\",:0123456789.-+eE nultrefas\\/\x01\xc3\xa4";
    static char body[20000];
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(16 * 1024 * 1024, &arena), ERR_OK);
    for (int i = 0; i < 40000; i++) {
        draw_message(body, sizeof(body));
        for (int k = 0, changes = 1 + draw(3); k < changes; k++) {
            body[draw((int)strlen(body))] = letters[draw((int)sizeof(letters) - 1)];
        }
        (void)both_ways(arena, body);
    }
    arena_close(arena);
}

static void what_is_unusual_is_left_to_the_other(void **state)
{
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "{\"v\":2,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{}}",
        "{\"v\":1,\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdeg\",\"seq\":1,\"t0\":1,\"equipment\":{}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":0,\"t0\":1,\"equipment\":{}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":01,\"t0\":1,\"equipment\":{}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":-1,\"equipment\":{}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{}} x",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a b\":{}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0,null]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0.5,1]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[-2,1]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0,1,\"bad\"]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0,1,\"good\",1]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0,01]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0,1.]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0,nul]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0,\"\\u0041\"]]}}}",
        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":1,\"t0\":1,\"equipment\":{\"a\":{\"p\":[[0,1]",
    };
    struct data_message message;
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(16 * 1024 * 1024, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(data_scan(arena, rows[i], strlen(rows[i]), &message));
    }
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_messages_are_read_alike),
        cmocka_unit_test(spoilt_messages_are_judged_alike),
        cmocka_unit_test(what_is_unusual_is_left_to_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
