/* Journal and packed hours together against a plain list, over random histories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/base/text.h"
#include "server/store/journal.h"
#include "server/store/pack.h"
#include "server/store/packed.h"
#include "server/store/readings.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define POINTS     3
#define ITEMS_MOST 60000
#define BEGIN_MS   1790000000000
#define A_DAY      86400000LL

static uint64_t random_state = 7;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (uint64_t)most);
}

struct item { /* one reading as it was sent */
    int point;
    bool unsynced;
    struct reading reading;
    char text[16];
};

struct history {
    struct sql *sql;
    struct packer *packer;
    char path[64];
    uint64_t seq;
    int64_t now_ms, offset_ms; /* of unsynced readings; 0 until it is known */
    struct item items[ITEMS_MOST];
    size_t count;
};

static void open_history(struct history *history)
{
    char url[80];
    TEXT(why, 200);

    memset(history, 0, sizeof(*history));
    snprintf(history->path, sizeof(history->path), "/tmp/heliograph-readings-%d.db", (int)getpid());
    unlink(history->path);
    snprintf(url, sizeof(url), "sqlite:%s", history->path);
    assert_int_equal(sql_open(url, SQL_WRITE, &history->sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(history->sql, &why), ERR_OK);
    assert_int_equal(packer_open(&history->packer), ERR_OK);
    assert_int_equal(
        sql_script(history->sql,
                   "INSERT INTO agent (id, name, first_seen_ms, last_seen_ms) VALUES (1, 'a', 1, 1);"
                   "INSERT INTO stream (id, agent, epoch, created_ms) VALUES (1, 1, 'e', 1);"
                   "INSERT INTO equipment (id, name, agent, created_ms) VALUES (1, 'x', 1, 1);"
                   "INSERT INTO speaker (equipment, agent) VALUES (1, 1);"
                   "INSERT INTO point (id, equipment, name) VALUES (1, 1, 'p0'), (2, 1, 'p1'),"
                   " (3, 1, 'p2');"),
        ERR_OK);
    history->now_ms = BEGIN_MS;
}

static void close_history(struct history *history)
{
    packer_close(history->packer);
    sql_close(history->sql);
    scratch_remove(history->path);
}

static int write_value(char *to, size_t room, struct item *item)
{
    struct reading *reading = &item->reading;

    if (!reading->has_value) {
        return snprintf(to, room, "null,\"%s\"]", quality_names[reading->quality]);
    }
    if (reading->text) {
        return snprintf(to, room, "\"%s\"]", item->text);
    }
    return snprintf(to, room, "%.17g%s]", reading->value,
                    reading->quality == QUALITY_STALE ? ",\"stale\"" : "");
}

static void draw_reading(struct history *history, struct item *item, int64_t t0)
{
    int kind = draw(20);

    item->reading = (struct reading){.t_ms = t0 + draw(120) * 1000, .has_value = true};
    item->unsynced = false;
    if (kind == 0) {
        item->reading.has_value = false;
        item->reading.quality = QUALITY_TIMEOUT;
    } else if (kind == 1 && item->point == 2) {
        snprintf(item->text, sizeof(item->text), "t%d", draw(1000));
        item->reading.text = item->text;
    } else {
        item->reading.value = draw(3) ? draw(2000) / 10.0 - 50 : draw(1000000) / 7.0;
        item->reading.quality = kind == 2 ? QUALITY_STALE : QUALITY_GOOD;
    }
    (void)history;
}

/* One message with readings of one or all points; sometimes late, sometimes unsynced. */
static void send_message(struct history *history)
{
    char body[8000];
    bool unsynced = draw(15) == 0;
    int64_t t0 = history->now_ms - 120000 - (draw(12) == 0 ? draw(20 * 3600) * 1000LL : 0);
    struct journal_row row = {.stream = 1,
                              .seq = ++history->seq,
                              .received_ms = history->now_ms,
                              .least_ms = INT64_MAX,
                              .most_ms = INT64_MIN,
                              .unsynced = unsynced,
                              .body = body};
    int size = snprintf(body, sizeof(body),
                        "{\"v\":1,\"epoch\":\"0123456789abcdef\",\"seq\":%d,\"t0\":%lld,%s"
                        "\"equipment\":{\"x\":{",
                        (int)row.seq, (long long)t0, unsynced ? "\"clock\":\"unsynced\"," : "");

    for (int p = 0; p < POINTS; p++) {
        int count = 1 + draw(5);

        size += snprintf(body + size, sizeof(body) - (size_t)size, "%s\"p%d\":[", p ? "," : "", p);
        for (int k = 0; k < count; k++) {
            struct item *item = &history->items[history->count++];

            item->point = p;
            draw_reading(history, item, t0);
            item->unsynced = unsynced;
            item->reading.t_ms += unsynced; /* never at the same ms as a synced one */
            size += snprintf(body + size, sizeof(body) - (size_t)size, "%s[%lld,", k ? "," : "",
                             (long long)(item->reading.t_ms - t0));
            size += write_value(body + size, sizeof(body) - (size_t)size, item);
            row.least_ms = item->reading.t_ms < row.least_ms ? item->reading.t_ms : row.least_ms;
            row.most_ms = item->reading.t_ms > row.most_ms ? item->reading.t_ms : row.most_ms;
            row.readings++;
        }
        size += snprintf(body + size, sizeof(body) - (size_t)size, "]");
    }
    size += snprintf(body + size, sizeof(body) - (size_t)size, "}}}");
    row.size = (size_t)size;
    assert_int_equal(journal_put(history->sql, &row), ERR_OK);
    packer_note(history->packer, 1, row.most_ms, history->now_ms);
}

static int64_t time_of(const struct history *history, const struct item *item)
{
    return item->reading.t_ms + (item->unsynced ? history->offset_ms : 0);
}

struct check {
    const struct history *history;
    const struct item **expected;
    size_t count, at;
};

static bool compare(void *context, const struct reading *got)
{
    struct check *check = context;
    const struct item *want;

    assert_in_range(check->at, 0, check->count - 1);
    want = check->expected[check->at++];
    assert_int_equal(got->t_ms, time_of(check->history, want));
    assert_int_equal(got->has_value, want->reading.has_value);
    assert_int_equal(got->quality, want->reading.quality);
    if (want->reading.text) {
        assert_string_equal(got->text, want->text);
    } else if (want->reading.has_value) {
        assert_memory_equal(&got->value, &want->reading.value, sizeof(double));
        assert_null(got->text);
    }
    return true;
}

static const struct history *sorting;

static int by_time(const void *a, const void *b)
{
    const struct item *const *x = a, *const *y = b;
    int64_t tx = time_of(sorting, *x), ty = time_of(sorting, *y);

    return tx != ty ? (tx < ty ? -1 : 1) : *x < *y ? -1 : *x > *y;
}

/* What a plain list says: each time once, the one that came last. */
static size_t expect(const struct history *history, int point, int64_t from_ms, int64_t to_ms,
                     const struct item **list)
{
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < history->count; i++) {
        const struct item *item = &history->items[i];
        int64_t t_ms = time_of(history, item);

        if (item->point == point && t_ms >= from_ms && t_ms < to_ms) {
            list[count++] = item;
        }
    }
    sorting = history;
    qsort(list, count, sizeof(*list), by_time);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && time_of(history, list[kept - 1]) == time_of(history, list[i])) {
            list[kept - 1] = list[i];
        } else {
            list[kept++] = list[i];
        }
    }
    return kept;
}

/* Bucket by bucket what the plain list says. */
static void check_buckets(const struct readings_bucket *buckets, size_t count, int64_t to_ms,
                          const struct check *check)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t end_ms = i + 1 < count ? buckets[i + 1].start_ms : to_ms;
        struct readings_bucket want = {.count = 0};

        for (; at < check->count && time_of(check->history, check->expected[at]) < end_ms;
             at++) {
            const struct reading *reading = &check->expected[at]->reading;

            if (reading->quality != QUALITY_GOOD || !reading->has_value || reading->text) {
                continue;
            }
            want.least = want.count == 0 || reading->value < want.least ? reading->value : want.least;
            want.most = want.count == 0 || reading->value > want.most ? reading->value : want.most;
            want.sum += reading->value;
            want.count++;
        }
        assert_int_equal(buckets[i].count, want.count);
        assert_true(!(buckets[i].least < want.least) && !(buckets[i].least > want.least));
        assert_true(!(buckets[i].most < want.most) && !(buckets[i].most > want.most));
        assert_true(buckets[i].sum - want.sum < 1e-6 * (double)(want.count + 1) &&
                    want.sum - buckets[i].sum < 1e-6 * (double)(want.count + 1));
    }
    assert_int_equal(at, check->count);
}

static void check_range(struct history *history, int point, int64_t from_ms, int64_t to_ms)
{
    static const struct item *list[ITEMS_MOST];
    struct readings_bucket buckets[50];
    struct check check = {.history = history, .expected = list};
    size_t counts[] = {50, 7, 1};

    check.count = expect(history, point, from_ms, to_ms, list);
    if (check.count == 0) {
        return;
    }
    assert_int_equal(readings_each(history->sql, point + 1, from_ms, to_ms, compare, &check), ERR_OK);
    assert_int_equal(check.at, check.count);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            readings_buckets(history->sql, point + 1, from_ms, to_ms, buckets, counts[i]), ERR_OK);
        check_buckets(buckets, counts[i], to_ms, &check);
    }
}

static void pack(struct history *history, int slices)
{
    bool more = true;

    for (int i = 0; i < slices && more; i++) {
        assert_int_equal(sql_begin(history->sql), ERR_OK);
        assert_int_equal(packer_turn(history->packer, history->sql, history->now_ms, &more), ERR_OK);
        assert_int_equal(sql_commit(history->sql), ERR_OK);
    }
}

static void a_plain_list_says_the_same(void **state)
{
    static struct history history;

    (void)state;
    open_history(&history);
    for (int round = 0; round < 1500; round++) {
        if (history.count + 20 < ITEMS_MOST) {
            send_message(&history);
        }
        history.now_ms += draw(400) * 1000;
        if (round == 400) { /* the clock is put right before any of it may be packed as it is */
            history.offset_ms = -7 * 3600000LL - 1234;
            assert_int_equal(sql_run(history.sql, "UPDATE stream SET clock_offset_ms = ?1", "i",
                                     history.offset_ms),
                             ERR_OK);
        }
        if (round < 400 ? false : draw(5) == 0) {
            pack(&history, 1 + draw(3));
        }
        if (draw(30) == 0) {
            int64_t from_ms = history.now_ms - draw(7 * 86400) * 1000LL;

            check_range(&history, draw(POINTS), from_ms, from_ms + 1 + draw(4 * 86400) * 1000LL);
        }
    }
    for (int p = 0; p < POINTS; p++) {
        check_range(&history, p, 0, history.now_ms + A_DAY);
    }
    history.now_ms += 2 * A_DAY;
    pack(&history, 1000);
    history.now_ms += A_DAY;
    pack(&history, 1000);
    assert_int_equal(sql_find_int(history.sql, -1, "SELECT COUNT(*) FROM journal", ""), 0);
    for (int p = 0; p < POINTS; p++) {
        check_range(&history, p, 0, history.now_ms);
        check_range(&history, p, BEGIN_MS + 3 * 3600000 + 17, BEGIN_MS + 9 * 3600000 - 5);
    }
    close_history(&history);
}

static bool count_one(void *context, const struct reading *reading)
{
    (void)reading;
    ++*(int *)context;
    return true;
}

static void a_damaged_hour_hides_no_other(void **state)
{
    static struct history history;
    int count = 0;

    (void)state;
    open_history(&history);
    for (int i = 0; i < 300; i++) {
        send_message(&history);
        history.now_ms += 60000;
    }
    history.now_ms += 2 * A_DAY;
    pack(&history, 1000);
    assert_true(sql_find_int(history.sql, 0, "SELECT COUNT(*) FROM chunk WHERE point = 1", "") > 3);
    assert_int_equal(sql_run(history.sql,
                             "UPDATE chunk SET body = x'0105ffffffffff' WHERE point = 1 AND hour ="
                             " (SELECT MIN(hour) FROM chunk WHERE point = 1)",
                             ""),
                     ERR_OK);
    assert_int_equal(readings_each(history.sql, 1, 0, history.now_ms, count_one, &count), ERR_OK);
    assert_true(count > 0);
    close_history(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_list_says_the_same),
        cmocka_unit_test(a_damaged_hour_hides_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
