/* The books of the stock: what lies on a rack is the sum of its moves, whatever is done and in whatever order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/rack/rack.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define RACKS 6
#define MOVES 4000

static char path[64], url[200];
static struct sql *sql;
static uint64_t dice;

static uint32_t roll(uint32_t most)
{
    dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(dice >> 33) % most;
}

/* SQLite, or the database that HELIOGRAPH_POSTGRES names (an empty one). */
static void begin(void)
{
    const char *other = getenv("HELIOGRAPH_POSTGRES");
    TEXT(why, 300);

    snprintf(path, sizeof(path), "/tmp/test_stock_%d.db", (int)getpid());
    snprintf(url, sizeof(url), "%s%s", other ? "" : "sqlite:", other ? other : path);
    unlink(path);
    if (sql_open(url, SQL_WRITE, &sql, &why) || schema_migrate(sql, &why)) {
        fail_msg("%s", why.at);
    }
    assert_int_equal(sql_begin(sql), ERR_OK);
    assert_int_equal(sql_run(sql, "INSERT INTO part (id, name, doc, unit_cost, currency) VALUES (1, 'p', '{}', 26050, 'CNY'),"
                                  " (2, 'q', '{}', 990, 'CNY')", ""), ERR_OK);
    assert_int_equal(sql_run(sql, "INSERT INTO depot (id, name, doc) VALUES (1, 'd', '{}'), (2, 'e', '{}')", ""), ERR_OK);
}

static void end(void)
{
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

static int64_t rack_at(int64_t part, int64_t depot, const char *lot, int64_t cost)
{
    struct lot_new what = {.part = part, .name = lot, .state = "passed", .unit_cost = cost, .now_ms = 1};
    int64_t id, rack;

    assert_int_equal(lot_find(sql, &what, &id), ERR_OK);
    assert_int_equal(rack_find(sql, part, depot, id, &rack), ERR_OK);
    return rack;
}

static enum err put(int64_t rack, enum stock_kind kind, int64_t count, int64_t held)
{
    struct rack_move move = {.kind = kind, .rack = rack, .count = count, .held = held, .who = "t", .at_ms = 5};
    TEXT(why, 300);
    enum err err = rack_put(sql, &move, &why);

    if (err == ERR_STATE) {
        assert_non_null(strstr(why.at, stock_kind_names[kind])); /* says what there is */
    }
    return err;
}

/* Thousands of random moves on some racks against plain numbers: the same ones are refused, and every sum is right to the
 * piece and to the hundredth. */
static void test_books_balance(void **state)
{
    int64_t racks[RACKS], there[RACKS] = {0}, held[RACKS] = {0}, cost[RACKS] = {26050, 26050, 100, 7, 990, 990};
    int64_t value = 0, refused = 0;

    (void)state;
    begin();
    for (int i = 0; i < RACKS; i++) {
        TEXT(lot, 16);

        text_addf(&lot, "L%d", i / 2);
        racks[i] = rack_at(1 + (i > 3), 1 + (i & 1), i == 1 ? "L9" : i == 3 ? "L8" : lot.at, cost[i]);
    }
    for (int n = 0; n < MOVES; n++) {
        int i = (int)roll(RACKS);
        enum stock_kind kind = (enum stock_kind)roll(STOCK_KINDS);
        int64_t count = 1 + roll(6), mine = kind == STOCK_USE || kind == STOCK_ISSUE ? roll((uint32_t)count + 1) : 0;
        int64_t more = 0, lay = 0;
        bool legal;

        count = kind == STOCK_ADJUST ? (int64_t)roll(9) - 4 : count;
        assert_true(stock_effect(kind, count, mine, &more, &lay));
        legal = there[i] + more >= held[i] + lay && held[i] + lay >= 0;
        assert_int_equal(put(racks[i], kind, count, mine), legal ? ERR_OK : ERR_STATE);
        if (legal) {
            there[i] += more;
            held[i] += lay;
        }
        refused += !legal;
    }
    assert_in_range(refused, MOVES / 20, MOVES / 2); /* both happen */
    for (int i = 0; i < RACKS; i++) {
        struct rack_now now;

        assert_int_equal(rack_look(sql, racks[i], &now), ERR_OK);
        assert_int_equal(now.there, there[i]);
        assert_int_equal(now.held, held[i]);
        assert_int_equal(sql_find_int(sql, 0, "SELECT SUM(count) FROM stock_move WHERE rack = ?1", "i", racks[i]), there[i]);
        assert_int_equal(sql_find_int(sql, 0, "SELECT SUM(hold) FROM stock_move WHERE rack = ?1", "i", racks[i]), held[i]);
        value += there[i] * cost[i];
    }
    assert_int_equal(sql_find_int(sql, 0, "SELECT CAST(SUM(count * unit_cost) AS BIGINT) FROM stock_move", ""), value);
    assert_int_equal(sql_find_int(sql, 0, "SELECT CAST(SUM(count) AS BIGINT) FROM stock", ""),
                     sql_find_int(sql, 0, "SELECT CAST(SUM(there) AS BIGINT) FROM rack_now", ""));
    assert_int_equal(sql_find_int(sql, 7, "SELECT COUNT(*) FROM stock_move WHERE there < held OR held < 0", ""), 0);
    end();
}

/* Refused by the database, whoever writes: every statement here is one that a wrong program might make. */
static void refuse(const char *statement)
{
    assert_int_equal(sql_save(sql), ERR_OK);
    assert_int_not_equal(sql_script(sql, statement), ERR_OK);
    sql_undo(sql);
}

static void test_the_database_holds_the_books(void **state)
{
    int64_t rack = 1;

    (void)state;
    begin();
    assert_int_equal(sql_script(sql, "INSERT INTO lot (id, part, name, state, unit_cost, created_ms) VALUES (1, 1, 'A', 'passed', 100,"
                                     " 1); INSERT INTO rack (id, part, depot, lot) VALUES (1, 1, 1, 1)"), ERR_OK);
    assert_int_equal(put(rack, STOCK_RECEIVE, 3, 0), ERR_OK);
    assert_int_equal(put(rack, STOCK_RESERVE, 2, 0), ERR_OK);
#define MOVE(values)                                                                                                   \
    "INSERT INTO stock_move (rack, n, prior, there_before, held_before, kind, count, hold, there, held, unit_cost, who,"  \
    " at_ms) VALUES (1, " values ", 100, 'x', 1)"
    refuse("UPDATE stock_move SET count = 9 WHERE n = 1");
    refuse("DELETE FROM stock_move WHERE n = 2");
    refuse(MOVE("3, 2, 3, 2, 'use', -2, 0, 1, 2"));      /* what others reserved */
    refuse(MOVE("3, 2, 3, 2, 'adjust', -4, -2, -1, 0")); /* below zero */
    refuse(MOVE("3, 2, 9, 2, 'use', -1, 0, 8, 2"));      /* from a sum that nobody had */
    refuse(MOVE("3, 2, 3, 2, 'use', -1, 0, 3, 2"));      /* wrong sum */
    refuse(MOVE("4, 3, 3, 2, 'use', -1, 0, 2, 2"));      /* one left out */
    refuse(MOVE("2, 1, 3, 0, 'use', -1, 0, 2, 0"));      /* in between */
    refuse(MOVE("1, NULL, NULL, NULL, 'receive', 3, 0, 3, 0"));
    refuse(MOVE("3, 2, 3, 2, 'receive', -1, 0, 2, 2"));  /* a receipt takes nothing away */
    assert_int_equal(sql_script(sql, MOVE("3, 2, 3, 2, 'use', -1, 0, 2, 2")), ERR_OK);
    end();
}

/* S1-50 S1-42: what waits for its inspection, or was refused, is not given out. */
static void test_only_passed_lots_are_given_out(void **state)
{
    int64_t rack;

    (void)state;
    begin();
    rack = rack_at(1, 1, "A", 100);
    assert_int_equal(put(rack, STOCK_RECEIVE, 3, 0), ERR_OK);
    assert_int_equal(sql_run(sql, "UPDATE lot SET state = 'quarantine'", ""), ERR_OK);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM stock", ""), 0);
    for (int kind = 0; kind < STOCK_KINDS; kind++) {
        if (stock_needs_passed((enum stock_kind)kind)) {
            struct rack_move move = {.kind = (enum stock_kind)kind, .rack = rack, .count = 1, .who = "t", .at_ms = 5};
            TEXT(why, 300);

            assert_int_equal(rack_put(sql, &move, &why), ERR_STATE);
            assert_non_null(strstr(why.at, "quarantine"));
        }
    }
    assert_int_equal(put(rack, STOCK_SCRAP, 1, 0), ERR_OK);
    end();
}

static void test_kinds_have_names(void **state)
{
    int64_t count, held;

    (void)state;
    for (int kind = 0; kind < STOCK_KINDS; kind++) {
        assert_int_equal(stock_kind_read(stock_kind_names[kind]), kind);
    }
    assert_int_equal(stock_kind_read("steal"), -1);
    assert_int_equal(stock_kind_read(NULL), -1);
    assert_false(stock_effect(STOCK_USE, 0, 0, &count, &held));
    assert_false(stock_effect(STOCK_USE, 1, 2, &count, &held));
    assert_true(stock_effect(STOCK_ADJUST, -3, 0, &count, &held));
    assert_int_equal(count, -3);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_have_names),
        cmocka_unit_test(test_books_balance),
        cmocka_unit_test(test_the_database_holds_the_books),
        cmocka_unit_test(test_only_passed_lots_are_given_out),
    };

    dice = argc > 1 ? strtoull(argv[1], NULL, 10) : 20261125;
    print_message("seed %llu\n", (unsigned long long)dice);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
