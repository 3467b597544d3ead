/* Wrong profiles, row by row: every complaint at its line and column, all of a file at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/base/text.h"
#include "models/profile/profile.h"

#define HEAD  "profile: t\ntitle: {en: t}\n"
#define POINT "points:\n  - {name: a, register: {table: input, address: 0, type: int16}}\n"

/* All complaints about bytes, a line each. */
static enum err complaints_of(const char *bytes, struct text *to)
{
    struct complaints complaints = {.path = "p.yaml"};
    const struct profile *profile;
    enum err err;

    assert_int_equal(arena_open(8 << 20, &complaints.arena), ERR_OK);
    err = profile_read(complaints.arena, bytes, strlen(bytes), &complaints, &profile);
    for (size_t i = 0; i < complaints.count; i++) {
        text_addf(to, "%s\n", complaints.lines[i]);
    }
    assert_int_equal(err == ERR_OK, complaints.count == 0);
    arena_close(complaints.arena);
    return err;
}

struct row {
    const char *bytes;
    const char *places[8]; /* every complaint begins so, in this order: "LINE:COLUMN: …" */
};

static void hold(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        TEXT(words, 20000);
        const char *at = words.at;

        complaints_of(rows[i].bytes, &words);
        for (size_t k = 0; k < 8 && rows[i].places[k]; k++) {
            TEXT(begin, 300);
            const char *colon = strstr(rows[i].places[k], ": "), *line = at;

            text_addf(&begin, "p.yaml:%.*s: error: expected %s", (int)(colon - rows[i].places[k]),
                      rows[i].places[k], colon + 2);
            at = strchr(at, '\n');
            if (!at || strncmp(line, begin.at, begin.length) != 0 || !strstr(line, ", found")) {
                fail_msg("row %zu wanted %s…\ngot\n%s\nof\n%s", i, begin.at, words.at, rows[i].bytes);
            }
            at++;
        }
        if (*at) {
            fail_msg("row %zu: one complaint more than wanted:\n%s\nof\n%s", i, words.at, rows[i].bytes);
        }
    }
}

static void the_file_itself(void **state)
{
    static const struct row rows[] = {
        {"", {"1:1: the key 'profile'", "1:1: the key 'title'", "1:1: the key 'points'"}},
        {"# only a remark\n", {"1:1: the key 'profile'", "1:1: the key 'title'", "1:1: the key 'points'"}},
        {"\xef\xbb\xbf" HEAD POINT, {NULL}}, /* a byte order mark */
        {"\xef\xbb\xbfprofil: t\r\ntitle: {en: t}\r\n" POINT, {"1:1: the key 'profile'", "1:1: a known key"}},
        {"profile: t\r\ntitle: {en: t}\r\n" POINT "version: x\r\n", {"5:10: a version"}},
        {"- 1\n", {"1:1: a map: an equipment profile, found a list"}},
        {"just words\n", {"1:1: a map: an equipment profile, found 'just words'"}},
        {HEAD POINT "version: x\nversion: 2\n", {"6:1: each key once, found 'version' again", "5:10: a version, found 'x'"}},
        {HEAD POINT "\"version\": 1\n\"version\": 2\n", {"6:1: each key once"}},
        {HEAD "points: [\n", {"4:1: YAML"}},
        {HEAD POINT "\tversion: 1\n", {"5:1: YAML"}},
        {HEAD POINT "maker: &m Acme\nmodel: *m\n", {"5:8: a value, found an anchor"}},
        {HEAD POINT "maker: !!str Acme\n", {"5:8: a value, found a tag"}},
        {HEAD POINT "version: 1\n---\nprofile: u\n", {"6:1: one document"}},
        {HEAD POINT "maker: \"a\xff\"\n", {"5:10: UTF-8 text, found byte 0xff"}},
        {HEAD POINT "version:\n", {"5:1: a version, found nothing"}},
        {HEAD POINT "version: ~\n", {"5:10: a version, found nothing"}},
        {HEAD POINT "verion: 1\ncolour: {a: 1}\n", {"5:1: a known key", "6:1: a known key"}},
        {"profile: x y\ntitle: t\n" POINT, {"1:10: a profile id", "2:8: a map {en, zh}"}},
        {"profile: t\ntitle: {en: t, fr: t}\n" POINT, {"2:16: a known key"}},
        {HEAD POINT "version: 1.5\n", {"5:10: a version"}},
        {HEAD POINT "version: \"1\"\n", {"5:10: a version"}},
        {HEAD POINT "version: -1\n", {"5:10: a version from 0"}},
    };

    (void)state;
    hold(rows, sizeof(rows) / sizeof(rows[0]));
}

static void deep_and_large(void **state)
{
    static char bytes[300000];
    TEXT(words, 2000);
    char *at = bytes;

    (void)state;
    at += sprintf(at, "profile: ");
    for (int i = 0; i < 100; i++) {
        *at++ = '[';
    }
    complaints_of(bytes, &words);
    assert_non_null(strstr(words.at, "p.yaml:1:73: error: expected at most 64 levels, found more"));
    at = bytes + sprintf(bytes, HEAD "points:\n");
    for (int i = 0; i <= PROFILE_POINTS_MOST; i++) {
        at += sprintf(at, "  - {name: p%d, register: {table: input, address: %d, type: int16}}\n", i, i);
    }
    text_clear(&words);
    complaints_of(bytes, &words);
    assert_string_equal(words.at, "p.yaml:4:3: error: expected at most 512 entries, found 513\n");
}

static void defaults(void **state)
{
    static const struct row rows[] = {
        {HEAD "defaults: {unit_id: 256, word_order: ACBD, max_registers: 126, gap: -1}\n" POINT,
         {"3:21: a unit id from 0 to 255", "3:38: a word order, one of ABCD CDAB BADC DCBA", "3:59: registers in one read from 1 to 125",
          "3:69: unused registers"}},
        {HEAD "defaults: {timeout: 500, pause: 5 ms, every: 1wd, heartbeat: soon}\n" POINT,
         {"3:21: a time-out with its unit", "3:33: a pause with its unit", "3:46: a period with its unit", "3:62: a heartbeat with its unit"}},
        {HEAD "defaults: {timeout: 0ms}\n" POINT, {"3:21: a time-out of at least 1ms"}},
        {HEAD "defaults: 5\n" POINT, {"3:11: a map of defaults"}},
        {HEAD "defaults: {uint_id: 1}\n" POINT, {"3:12: a known key"}},
    };

    (void)state;
    hold(rows, sizeof(rows) / sizeof(rows[0]));
}

#define REG "register: {table: input, address: 0, type: int16}"
#define ONE(more) HEAD "points:\n  - {name: a, " REG more "}\n"

static void points(void **state)
{
    static const struct row rows[] = {
        {HEAD "points: []\n", {"3:9: at least one point"}},
        {HEAD "points: {a: 1}\n", {"3:9: a list of points, found a map"}},
        {HEAD "points:\n  - {}\n", {"4:5: the key 'name'", "4:5: the key 'register'"}},
        {HEAD "points:\n  - {name: a, register: {}}\n", {"4:25: the key 'table'", "4:25: the key 'address'", "4:25: the key 'type'"}},
        {HEAD "points:\n  - name: a\n    register: {table: coils, address: -1, type: int}\n",
         {"5:23: a table, one of input holding coil discrete", "5:39: an address from 0 to 65535", "5:49: a type, one of bool"}},
        {HEAD "points:\n  - name: a\n    register: {table: coil, address: 1, type: int16}\n", {"5:47: bool for a coil"}},
        {HEAD "points:\n  - name: a\n    register: {table: input, address: 65535, type: int32}\n", {"5:39: the value to end at register 65535"}},
        {HEAD "points:\n  - name: a\n    register: {table: input, address: 1, type: float32, mask: 1, shift: 1, scale: 0}\n",
         {"5:83: a scale other than 0", "5:63: a mask only for whole numbers", "5:73: a shift only for whole numbers"}},
        {HEAD "points:\n  - name: a\n    register: {table: input, address: 1, type: uint16, mask: 0x10000, shift: 16}\n",
         {"5:62: a mask with bits among the 16", "5:78: a shift from 0 to 15"}},
        {HEAD "points:\n  - name: a\n    register: {table: input, address: 1, type: string, length: 65}\n", {"5:64: a length in registers from 1 to 64"}},
        {HEAD "points:\n  - name: a\n    register: {table: input, address: 1, type: uint64, mask: 0xffffffffffffffff}\n", {NULL}},
        {HEAD "points:\n  - name: a\n    register: {table: input, address: 1, type: string}\n", {NULL}}, /* one register */
        {HEAD POINT "  - {name: a, " REG "}\n", {"5:12: a name of its own, found 'a' again"}},
        {ONE(", range: [1]"), {"4:73: a range [least, most]"}},
        {ONE(", range: [5, 1]"), {"4:73: a range [least, most] with least before most"}},
        {ONE(", range: [x, 1]"), {"4:74: a number, found 'x'"}},
        {ONE(", invalid: [a, 1.5]"), {"4:76: a raw value, found 'a'", "4:79: a raw value, found '1.5'"}},
        {ONE(", enum: {x: off, 1: {}}"), {"4:73: a whole number, found 'x'", "4:84: the name of a value"}},
        {ONE(", every: 10"), {"4:73: a period with its unit"}},
        {ONE(", every: 1ms"), {"4:73: a period of at least 50ms"}},
        {ONE(", deadband: -1"), {"4:76: a deadband"}},
        {ONE(", heartbeat: 5mo"), {"4:77: a heartbeat with its unit"}},
        {ONE(", write: {range: [1, 2]}"), {"4:73: a holding register or a coil, found input"}},
        {HEAD "points:\n  - name: a\n    register: {table: holding, address: 1, type: int16}\n    write: {range: [2, 1], budget: 0, rate: 5, x: 1}\n",
         {"6:20: a range [least, most] with least before most", "6:36: a budget from 1", "6:45: a rate with its unit", "6:48: a known key"}},
        {HEAD "points:\n  - name: a\n    register: {table: holding, address: 1, type: int16}\n    write: {}\n", {NULL}},
    };

    (void)state;
    hold(rows, sizeof(rows) / sizeof(rows[0]));
}

static void derived_and_faults(void **state)
{
    static const struct row rows[] = {
        {HEAD POINT "derived:\n  - {name: a, is: \"a + b\"}\n", {"6:12: a name of its own", "6:19: the name of a point, a role or a derived point, found 'b"}},
        {HEAD POINT "derived:\n  - {name: x, is: \"y\"}\n  - {name: y, is: \"x\"}\n", {"6:19: the name of a point"}}, /* a ring cannot be said */
        {HEAD POINT "derived:\n  - {name: x, is: \"x\"}\n", {"6:19: the name of a point"}},
        {HEAD POINT "derived:\n  - {}\n", {"6:5: the key 'name'", "6:5: the key 'is'"}},
        {HEAD POINT "faults:\n  - {}\n", {"6:5: the key 'id'", "6:5: the key 'when'", "6:5: the key 'grade'", "6:5: the key 'component'"}},
        {HEAD POINT "faults:\n  - {id: f, when: \"a > 1 and c\", grade: 4, component: tank, for: 60, clear_for: x}\n",
         {"6:19: the name of a point", "6:66: an on-delay with its unit", "6:81: an off-delay with its unit", "6:41: a grade from 1 to 3"}},
        {HEAD POINT "faults:\n  - id: f\n    when: >\n      a > 1 and\n      c < 1\n    grade: 1\n    component: tank\n", {"7:11: the name of a point"}},
        {HEAD POINT "faults:\n  - {id: f, when: a > 1, grade: 1, component: tank, clear: a >, domain: x, latching: yes}\n",
         {"6:60: a number, a name", "6:86: true or false", "6:73: a domain, one of hardware software external"}},
        {HEAD POINT "faults:\n  - {id: f, when: a, grade: 1, component: tank, ladder: [{grade: 1}, {after: 10, grade: 0}, {when: \"q\", grade: 2}, 5]}\n",
         {"6:58: 'after' or 'when'", "6:78: a time since onset", "6:89: a grade from 1", "6:100: the name of a point", "6:116: a rung"}},
        {HEAD POINT "faults:\n  - {id: f, when: a, grade: 1, component: tank, inhibited_by: [g]}\n", {"6:64: the id of another fault, found 'g'"}},
        {HEAD POINT "faults:\n  - {id: f, when: a, grade: 1, component: tank, inhibited_by: [f]}\n", {"6:64: the id of another fault, found 'f'"}},
        {HEAD POINT "faults:\n  - {id: f, when: a, grade: 1, component: tank, inhibited_by: [g]}\n  - {id: g, when: a, grade: 1, component: tank, inhibited_by: [h]}\n  - {id: h, when: a, grade: 1, component: tank, inhibited_by: [f]}\n",
         {"6:63: no ring of inhibitions"}},
        {HEAD POINT "faults:\n  - {id: f, when: a, grade: 1, component: tank}\n  - {id: f, when: a, grade: 1, component: tank}\n", {"7:10: an id of its own"}},
        {HEAD POINT "faults:\n  - {id: f, when: a, grade: 1, component: tank, causes: [{odds: 2}, x], remote: [{fr: x}], advice: words}\n",
         {"6:58: the key 'cause'", "6:65: odds from 0 to 1", "6:69: a cause {cause", "6:83: a known key", "6:100: a map {en, zh}"}},
        {HEAD POINT "faults:\n  - {id: f, when: [a], grade: 1, component: tank}\n", {"6:19: an expression, found a list"}},
    };

    (void)state;
    hold(rows, sizeof(rows) / sizeof(rows[0]));
}

static void the_rest(void **state)
{
    static const struct row rows[] = {
        {HEAD POINT "identity:\n  - {register: {table: input, address: 1, type: uint16}, equals: x}\n", {"6:66: a raw value"}},
        {HEAD POINT "identity:\n  - {register: {table: input, address: 1, type: uint16}, in: 5}\n", {"6:62: a list [least, most]"}},
        {HEAD POINT "identity:\n  - {register: {table: input, address: 1, type: uint16}}\n", {"6:5: 'equals' or 'in"}},
        {HEAD POINT "identity:\n  - {register: {table: input, address: 1, type: uint16}, equals: 1, canary: 2}\n", {"6:77: true or false"}},
        {HEAD POINT "firmware: {table: input, address: 1}\n", {"5:11: the key 'type'"}},
        {HEAD POINT "commands:\n  - {name: c, point: a, value: 1}\n", {"6:22: a point that may be written, found 'a'"}},
        {HEAD POINT "inspection:\n  - {id: i, is: \"a +\", green: [1], amber: 2}\n", {"6:17: a number, a name", "6:31: a band", "6:43: a band"}},
        {HEAD POINT "parts:\n  - {title: {en: x}, stock: 1}\n", {"6:5: the key 'id'", "6:22: a known key"}},
    };

    (void)state;
    hold(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Everything the contract names, in one profile; and what is left out has its preset. */
static void every_key_of_the_contract(void **state)
{
    static const char bytes[] =
        "profile: swh-basic\nversion: 1\nmaker: Generic\nmodel: Solar water heater controller\n"
        "title: {en: Solar water heater, zh: 太阳能热水器}\n"
        "identity: [{register: {table: holding, address: 99, type: uint16}, equals: 7, canary: true}]\n"
        "firmware: {table: input, address: 5, type: uint32}\n"
        "defaults: {unit_id: 1, word_order: CDAB, max_registers: 16, gap: 4, timeout: 500ms, pause: 5ms, heartbeat: 20m}\n"
        "points:\n"
        "  - name: collector_temp\n    title: {en: Collector, zh: 集热器}\n    unit: °C\n    role: collector_temperature\n"
        "    register: {table: input, address: 0, type: int16, scale: 0.1, offset: -1, word_order: BADC}\n"
        "    invalid: [32767, -1, 0x8000]\n    range: [-40, 250]\n    step: {by: 5, in: 1m}\n    every: 10s\n    deadband: 0.2\n    enum: {0: off, 1: on, -3: odd}\n"
        "  - {name: setpoint, register: {table: holding, address: 10, type: uint16, scale: 0.5}, every: 10m, heartbeat: 1h, write: {range: [38, 70], budget: 1000, rate: 10m}}\n"
        "  - {name: pump_on, role: pump_state, range: [0, 1], register: {table: holding, address: 3, type: bits, mask: 0x0002, shift: 1}, write: {}}\n"
        "  - {name: label, register: {table: holding, address: 20, type: string, length: 8}}\n"
        "derived:\n  - {name: lift, unit: K, is: \"collector_temp - setpoint\"}\n"
        "faults:\n"
        "  - id: pump_no_flow\n    title: {en: Pump runs without flow, zh: 循环泵运行无流量}\n    when: \"pump_state == 1 and lift > 5\"\n    for: 60s\n"
        "    clear: \"pump_on == 0\"\n    clear_for: 5m\n    grade: 2\n    ladder: [{after: 10m, grade: 1}, {when: \"lift < 9\", grade: 3}]\n    domain: external\n"
        "    component: electrical\n    inhibited_by: [other]\n    latching: true\n"
        "    causes: [{cause: pump_stopped, odds: 0.6, parts: [pump-15-60], tools: [meter], skill: electrician}]\n"
        "    remote: [{en: restart, zh: 重启}, look]\n    advice: {en: \"…\", zh: \"…\"}\n"
        "  - {id: other, when: \"age(collector_temp) > 60\", grade: 3, component: tank}\n"
        "commands: [{name: warm, point: setpoint, value: 60}]\n"
        "inspection: [{id: top, is: \"collector_temp\", green: [0, 100], amber: [-10, 110]}]\n"
        "parts: [{id: pump-15-60, title: {en: Pump}, class: electrical}]\n";
    struct complaints complaints = {.path = "p.yaml"};
    const struct profile *profile;
    const struct fault_rule *fault;
    const struct point *point;

    (void)state;
    assert_int_equal(arena_open(8 << 20, &complaints.arena), ERR_OK);
    if (profile_read(complaints.arena, bytes, strlen(bytes), &complaints, &profile)) {
        fail_msg("%s", complaints.lines[0]);
    }
    assert_string_equal(profile->id, "swh-basic");
    assert_int_equal(profile->max_registers, 16);
    assert_int_equal(profile->gap, 4);
    assert_int_equal(profile->timeout_ms, 500);
    assert_int_equal(profile->pause_ms, 5);
    assert_true(profile->identity[0].canary && profile->has_firmware);
    assert_int_equal(profile->firmware.address, 5);
    assert_int_equal(profile->points[0].step_ms, 60000);
    assert_true(profile->points[0].step > 4.9 && profile->points[0].step < 5.1);
    point = &profile->points[0];
    assert_int_equal(point->reg.order, REGISTER_BADC);
    assert_int_equal(point->invalid[2], 0x8000);
    assert_int_equal(point->names[2].value, -3);
    assert_string_equal(point->names[0].name, "off");
    assert_int_equal(point->heartbeat_ms, 20 * 60000); /* of the defaults */
    point = &profile->points[1];
    assert_int_equal(point->reg.order, REGISTER_CDAB);
    assert_int_equal(point->heartbeat_ms, 3600000);
    assert_true(point->may_write);
    assert_int_equal(point->write_budget, 1000);
    assert_int_equal(point->write_rate_ms, 600000);
    point = &profile->points[2];
    assert_int_equal(point->reg.mask, 2);
    assert_true(point->may_write && point->write_most > 0.5 && point->write_most < 1.5);
    fault = &profile->faults[0];
    assert_int_equal(fault->for_ms, 60000);
    assert_int_equal(fault->clear_for_ms, 300000);
    assert_int_equal(fault->rung_count, 2);
    assert_int_equal(fault->ladder[0].after_ms, 600000);
    assert_int_equal(fault->inhibited_by[0], 1);
    assert_true(fault->latching);
    assert_string_equal(fault->domain, "external");
    assert_string_equal(fault->causes[0].parts[0], "pump-15-60");
    assert_string_equal(fault->causes[0].tools[0], "meter");
    assert_string_equal(fault->remote[1].en, "look");
    fault = &profile->faults[1];
    assert_null(fault->clear);
    assert_int_equal(fault->for_ms + fault->clear_for_ms, 0);
    assert_string_equal(fault->title.en, "other");
    assert_int_equal(profile_role(profile, "pump_state"), 2);
    assert_int_equal(profile_role(profile, "none"), -1);
    assert_int_equal(profile_derived(profile, "lift"), 0);
    arena_close(complaints.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_itself),  cmocka_unit_test(deep_and_large),
        cmocka_unit_test(defaults),         cmocka_unit_test(points),
        cmocka_unit_test(derived_and_faults), cmocka_unit_test(the_rest),
        cmocka_unit_test(every_key_of_the_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
