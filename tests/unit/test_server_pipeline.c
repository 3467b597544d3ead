/* A message's way: messages in, rows out; once, in event time, and the same after every restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/ingest/intake.h"
#include "server/ingest/presence.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define NOW   1790000000000
#define EPOCH "0123456789abcdef"
#define OTHER "fedcba9876543210"

static char path[64], url[80];
static struct rules *rules;

struct bench { /* all that the committing thread has */
    struct sql *sql;
    struct desk *desk;
    struct intake *intake;
    struct pipeline pipeline;
    int64_t now_ms;
    char ack[2000]; /* the last one, and of whom */
    char acked[65];
    int acks;
};

static void note_ack(void *context, const char *agent, const char *payload, size_t size)
{
    struct bench *bench = context;

    snprintf(bench->ack, sizeof(bench->ack), "%.*s", (int)size, payload);
    snprintf(bench->acked, sizeof(bench->acked), "%s", agent);
    bench->acks++;
}

static void note_old(void *context, int64_t stream, int64_t most_ms)
{
    (void)context;
    (void)stream;
    (void)most_ms;
}

/* What a start of the server does. */
static void start(struct bench *bench)
{
    struct office_options options = {.rules = rules, .time_zone = "UTC", .preset_plan = "swh_standard"};
    TEXT(why, 300);

    assert_int_equal(sql_open(url, SQL_WRITE, &bench->sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(bench->sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &bench->desk), ERR_OK);
    assert_int_equal(intake_open(TOPIC_PREFIX, &bench->intake), ERR_OK);
    bench->pipeline = (struct pipeline){.rules = rules,
                                        .desk = bench->desk,
                                        .old_data = note_old,
                                        .ack = note_ack,
                                        .context = bench,
                                        .out = json_out(65536)};
    assert_int_equal(registry_open(rules, &bench->pipeline.registry), ERR_OK);
    assert_int_equal(receipts_open(&bench->pipeline.receipts), ERR_OK);
    assert_int_equal(pipeline_load(&bench->pipeline, bench->sql, bench->now_ms), ERR_OK);
}

/* What a kill of the server leaves: whatever was committed. */
static void stop(struct bench *bench)
{
    intake_close(bench->intake);
    receipts_close(bench->pipeline.receipts);
    registry_close(bench->pipeline.registry);
    json_out_free(&bench->pipeline.out);
    desk_close(bench->desk);
    sql_close(bench->sql);
}

static struct bench *begin(void)
{
    static struct bench bench;

    scratch_remove(path);
    memset(&bench, 0, sizeof(bench));
    bench.now_ms = NOW;
    start(&bench);
    return &bench;
}

/* One message, one transaction; save: also what is written once a second. */
static void deliver(struct bench *bench, const char *agent, const char *channel, const char *body,
                    bool retained, bool save)
{
    char topic[200], payload[70000];
    struct mqtt_event event = {.what = MQTT_MESSAGE, .topic = topic, .payload = payload};
    struct inbound *inbound;

    snprintf(topic, sizeof(topic), "heliograph/1/%s/%s", agent, channel);
    snprintf(payload, sizeof(payload), "%s", body);
    event.size = event.kept = strlen(payload);
    event.retained = retained;
    event.received_ms = bench->now_ms;
    inbound = intake_read(bench->intake, &event);
    assert_non_null(inbound);
    assert_int_equal(sql_begin(bench->sql), ERR_OK);
    assert_int_equal(pipeline_take(&bench->pipeline, bench->sql, inbound, bench->now_ms), ERR_OK);
    bench->pipeline.saved_ms = bench->now_ms; /* not by itself, if it was not asked for */
    assert_int_equal(pipeline_save(&bench->pipeline, bench->sql, bench->now_ms, save), ERR_OK);
    assert_int_equal(sql_commit(bench->sql), ERR_OK);
    for (int i = 0; i < METRIC_COUNT; i++) {
        metric_add((enum metric)i, inbound->counts[i]);
    }
    inbound_free(inbound);
    (void)pipeline_acks(&bench->pipeline, bench->sql, bench->now_ms, true);
}

static void send(struct bench *bench, const char *agent, const char *channel, const char *format, ...)
    PRINTF_LIKE(4, 5);

static void send(struct bench *bench, const char *agent, const char *channel, const char *format, ...)
{
    char body[8000];
    va_list list;

    va_start(list, format);
    vsnprintf(body, sizeof(body), format, list);
    va_end(list);
    deliver(bench, agent, channel, body, false, true);
}

static void send_data(struct bench *bench, const char *agent, int seq, int64_t t0,
                      const char *equipment, const char *points)
{
    send(bench, agent, "data",
         "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":%d,\"t0\":%lld,\"equipment\":{\"%s\":{%s}}}", seq,
         (long long)t0, equipment, points);
}

static void send_birth(struct bench *bench, const char *agent, const char *epoch, bool edge)
{
    send(bench, agent, "status",
         "{\"v\":1,\"online\":true,\"epoch\":\"%s\",\"edge\":%s,\"equipment\":{\"swh-1\":{\"profile\":"
         "\"swh-basic\",\"hash\":\"h\"}}}",
         epoch, edge ? "true" : "false");
}

static int64_t ask(struct bench *bench, const char *question)
{
    struct sql_rows rows;
    int64_t answer = -1;

    sql_find(bench->sql, &rows, question, "");
    if (sql_next(&rows)) {
        answer = sql_int(&rows, 0);
    }
    assert_int_equal(sql_end(&rows), ERR_OK);
    return answer;
}

/* ------------------------------------------------------------------ once */

static void a_message_is_stored_once_and_acked(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send_data(bench, "gw", 1, NOW - 1000, "swh-1", "\"collector_temp\":[[0,71.5],[500,72.5]]");
    assert_string_equal(bench->acked, "gw");
    assert_string_equal(bench->ack, "{\"v\":1,\"epoch\":\"" EPOCH "\",\"have\":[[1,1]]}");
    send_data(bench, "gw", 3, NOW - 1000, "swh-1", "\"collector_temp\":[[900,73.5]]");
    send_data(bench, "gw", 3, NOW - 1000, "swh-1", "\"collector_temp\":[[900,73.5]]");
    assert_string_equal(bench->ack, "{\"v\":1,\"epoch\":\"" EPOCH "\",\"have\":[[1,1],[3,3]]}");
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM journal"), 2);
    assert_int_equal(ask(bench, "SELECT value * 10 FROM last"), 735);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM equipment WHERE status = 'unclaimed'"), 1);
    /* an older reading is kept and is not the last one */
    send_data(bench, "gw", 2, NOW - 9000, "swh-1", "\"collector_temp\":[[0,10]]");
    assert_int_equal(ask(bench, "SELECT value * 10 FROM last"), 735);
    assert_string_equal(bench->ack, "{\"v\":1,\"epoch\":\"" EPOCH "\",\"have\":[[1,3]]}");
    stop(bench);
}

static void two_contents_under_a_number_are_told_apart(void **state)
{
    struct bench *bench = begin();
    int64_t before = metric_get(METRIC_CONFLICTS);

    (void)state;
    send_data(bench, "gw", 1, NOW - 1000, "swh-1", "\"collector_temp\":[[0,71.5]]");
    send_data(bench, "gw", 1, NOW - 1000, "swh-1", "\"collector_temp\":[[0,99.5]]");
    assert_int_equal(metric_get(METRIC_CONFLICTS) - before, 1);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM quarantine"), 1);
    assert_int_equal(ask(bench, "SELECT value * 10 FROM last"), 715);
    stop(bench);
}

static void what_cannot_be_read_is_kept_and_acked_if_it_has_a_number(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send(bench, "gw", "data", "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":7,\"t0\":");
    assert_string_equal(bench->ack, "{\"v\":1,\"epoch\":\"" EPOCH "\",\"have\":[[7,7]]}");
    bench->acks = 0;
    send(bench, "gw", "data", "nothing");
    send(bench, "gw", "status", "{\"v\":1,\"online\":\"perhaps\"}");
    assert_int_equal(bench->acks, 0);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM quarantine"), 3);
    stop(bench);
    start(bench); /* the number is known after a restart, too */
    send(bench, "gw", "data", "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":7,\"t0\":");
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM quarantine"), 3);
    stop(bench);
}

/* ------------------------------------------------------------------ whose */

static void nobody_speaks_for_the_equipment_of_another(void **state)
{
    struct bench *bench = begin();

    (void)state;
    assert_int_equal(sql_script(bench->sql,
                                "INSERT INTO agent (id, name, first_seen_ms, last_seen_ms, known)"
                                " VALUES (50, 'gw', 1, 1, 1);"
                                "INSERT INTO equipment (name, agent, claimed, profile, created_ms)"
                                " VALUES ('swh-1', 50, 1, 'swh-basic', 1);"),
                     ERR_OK);
    assert_int_equal(pipeline_load(&bench->pipeline, bench->sql, bench->now_ms), ERR_OK);
    send_data(bench, "gw", 1, NOW - 1000, "swh-1", "\"collector_temp\":[[0,71.5]]");
    send_data(bench, "rogue", 1, NOW - 500, "swh-1", "\"collector_temp\":[[0,200.5]]");
    assert_string_equal(bench->acked, "rogue"); /* kept, in quarantine */
    send(bench, "rogue", "event",
         "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":2,\"t0\":%lld,\"event\":{\"kind\":\"fault\","
         "\"equipment\":\"swh-1\",\"fault\":\"leak\",\"state\":\"raised\",\"grade\":1}}",
         (long long)NOW);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM quarantine"), 2);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM ticket"), 0);
    assert_int_equal(ask(bench, "SELECT value * 10 FROM last"), 715);
    stop(bench);
}

static void the_future_blocks_nothing(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send_birth(bench, "gw", EPOCH, false);
    send_data(bench, "gw", 1, NOW + 40 * 86400000LL, "swh-1", "\"flow\":[[0,1.5]]");
    assert_int_equal(ask(bench, "SELECT value * 10 FROM last"), 15); /* there is no other yet */
    send_data(bench, "gw", 2, NOW - 1000, "swh-1", "\"flow\":[[0,2.5]]");
    assert_int_equal(ask(bench, "SELECT value * 10 FROM last"), 25);
    send_data(bench, "gw", 3, NOW + 41 * 86400000LL, "swh-1", "\"flow\":[[0,3.5]]");
    assert_int_equal(ask(bench, "SELECT value * 10 FROM last"), 25);
    assert_int_equal(ask(bench, "SELECT judged_ms FROM equipment"), NOW - 1000);
    assert_int_equal(ask(bench, "SELECT SUM(late) FROM journal"), 0);
    stop(bench);
}

/* ------------------------------------------------------------------ judged */

/* Pump on without flow for two minutes, then flow again. */
static void send_trouble(struct bench *bench, int from, int to, bool restarts)
{
    for (int seq = from; seq <= to; seq++) {
        char points[200];
        int64_t t0 = NOW - 3600000 + seq * 20000;
        bool trouble = seq > 5 && seq <= 15;

        snprintf(points, sizeof(points), "\"pump_on\":[[0,1]],\"flow\":[[0,%s]]",
                 trouble ? "0.0" : "6.5");
        if (restarts) {
            stop(bench); /* a kill: nothing but what was committed is there */
            start(bench);
        }
        send_data(bench, "gw", seq, t0, "swh-1", points);
    }
}

static void a_third_partys_readings_are_judged_in_event_time(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send_birth(bench, "gw", EPOCH, false);
    send_trouble(bench, 1, 12, false);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM alarm WHERE fault = 'pump_no_flow'"), 1);
    assert_int_equal(ask(bench, "SELECT onset_ms FROM alarm"), NOW - 3600000 + 6 * 20000);
    assert_int_equal(ask(bench, "SELECT detected_ms - onset_ms FROM alarm"), 60000);
    assert_int_equal(ask(bench, "SELECT late FROM ticket"), 1); /* an hour ago is history */
    send_trouble(bench, 13, 60, false);
    assert_int_equal(ask(bench, "SELECT cleared_ms FROM alarm"), NOW - 3600000 + 16 * 20000);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM ticket"), 1);
    stop(bench);
}

static void restarts_change_nothing(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send_birth(bench, "gw", EPOCH, false);
    send_trouble(bench, 1, 60, true);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM alarm"), 1);
    assert_int_equal(ask(bench, "SELECT onset_ms FROM alarm"), NOW - 3600000 + 6 * 20000);
    assert_int_equal(ask(bench, "SELECT cleared_ms FROM alarm"), NOW - 3600000 + 16 * 20000);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM ticket"), 1);
    stop(bench);
}

/* The same with kills between the commits that write last values and how far judging has come. */
static void kills_within_the_second_are_mended(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send_birth(bench, "gw", EPOCH, false);
    for (int seq = 1; seq <= 60; seq++) {
        char body[400];
        bool trouble = seq > 5 && seq <= 15;

        snprintf(body, sizeof(body),
                 "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":%d,\"t0\":%lld,\"equipment\":{\"swh-1\":{"
                 "\"pump_on\":[[0,1]],\"flow\":[[0,%s]]}}}",
                 seq, (long long)(NOW - 3600000 + seq * 20000), trouble ? "0.0" : "6.5");
        deliver(bench, "gw", "data", body, false, seq % 7 == 0);
        if (seq % 3 == 0) {
            stop(bench);
            start(bench);
            deliver(bench, "gw", "data", body, false, false); /* the ack was lost: it comes again */
        }
    }
    stop(bench);
    start(bench);
    assert_int_equal(sql_begin(bench->sql), ERR_OK);
    assert_int_equal(pipeline_save(&bench->pipeline, bench->sql, bench->now_ms, true), ERR_OK);
    assert_int_equal(sql_commit(bench->sql), ERR_OK);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM journal"), 60);
    assert_int_equal(ask(bench, "SELECT stored FROM stream"), 60);
    assert_int_equal(ask(bench, "SELECT MIN(t_ms) FROM last"), NOW - 3600000 + 60 * 20000);
    assert_int_equal(ask(bench, "SELECT judged_ms FROM equipment"), NOW - 3600000 + 60 * 20000);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM alarm"), 1);
    assert_int_equal(ask(bench, "SELECT onset_ms FROM alarm"), NOW - 3600000 + 6 * 20000);
    assert_int_equal(ask(bench, "SELECT cleared_ms FROM alarm"), NOW - 3600000 + 16 * 20000);
    stop(bench);
}

static void late_readings_are_kept_and_raise_nothing(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send_birth(bench, "gw", EPOCH, false);
    send_data(bench, "gw", 1, NOW - 1000, "swh-1", "\"pump_on\":[[0,1]],\"flow\":[[0,6.5]]");
    for (int seq = 2; seq < 12; seq++) {
        send_data(bench, "gw", seq, NOW - 7200000 + seq * 20000, "swh-1",
                  "\"pump_on\":[[0,1]],\"flow\":[[0,0.0]]");
    }
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM alarm"), 0);
    assert_int_equal(ask(bench, "SELECT SUM(late) FROM journal"), 20);
    stop(bench);
}

/* ------------------------------------------------------------------ events, presence */

static void tombstones_and_clocks_are_noted(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send(bench, "gw", "event",
         "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":11,\"t0\":%lld,\"event\":{\"kind\":\"tombstone\","
         "\"epoch\":\"" OTHER "\",\"from\":1,\"to\":10,\"reason\":\"full\",\"count\":10}}",
         (long long)NOW);
    assert_int_equal(ask(bench, "SELECT lost FROM tombstone"), 10);
    send(bench, "gw", "event",
         "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":12,\"t0\":%lld,\"event\":{\"kind\":\"clockfix\","
         "\"offset\":5000}}",
         (long long)NOW);
    assert_int_equal(ask(bench, "SELECT clock_offset_ms FROM stream WHERE epoch = '" EPOCH "'"), 5000);
    send(bench, "gw", "data",
         "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":13,\"t0\":%lld,\"clock\":\"unsynced\",\"equipment\":"
         "{\"swh-1\":{\"flow\":[[0,1]]}}}",
         (long long)(NOW - 10000));
    assert_int_equal(ask(bench, "SELECT t_ms FROM last"), NOW - 5000);
    stop(bench);
}

static void a_device_that_is_silent_is_a_small_fault(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send(bench, "gw", "event",
         "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":1,\"t0\":%lld,\"event\":{\"kind\":\"bus\",\"bus\":"
         "\"lan\",\"unit_id\":1,\"equipment\":[\"swh-1\"],\"state\":\"lost\"}}",
         (long long)NOW);
    assert_int_equal(ask(bench, "SELECT grade FROM alarm WHERE fault = 'device_silent' AND cleared_ms"
                                " IS NULL"),
                     3);
    send(bench, "gw", "event",
         "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":2,\"t0\":%lld,\"event\":{\"kind\":\"bus\",\"bus\":"
         "\"lan\",\"unit_id\":1,\"equipment\":[\"swh-1\"],\"state\":\"back\"}}",
         (long long)NOW);
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM alarm WHERE cleared_ms IS NULL"), 0);
    stop(bench);
}

/* ------------------------------------------------------------------ in any order */

struct told { /* an event of a fault, as the agent decided it */
    const char *epoch, *state;
    int seq, grade;
    int64_t t_ms, onset_ms;
};

/* Spans of a fault, the last one open or not; the agent starts anew somewhere between. */
static size_t make_story(struct told *list, size_t most, unsigned *dice)
{
    size_t count = 0, spans = 1 + (size_t)(rand_r(dice) % 3), anew;
    int64_t t_ms = NOW - 60000, onset_ms = 0;
    int grade = 0, seq = 0;

    for (size_t span = 0; span < spans && count + 4 < most; span++) {
        onset_ms = t_ms += 1000;
        grade = 1 + rand_r(dice) % 3;
        list[count++] = (struct told){.state = "raised", .grade = grade, .t_ms = t_ms, .onset_ms = onset_ms};
        if (rand_r(dice) % 2) {
            grade = 1 + grade % 3;
            list[count++] = (struct told){.state = "regraded", .grade = grade, .t_ms = t_ms += 1000, .onset_ms = onset_ms};
        }
        if (span + 1 < spans || rand_r(dice) % 2) {
            list[count++] = (struct told){.state = "cleared", .grade = grade, .t_ms = t_ms += 1000, .onset_ms = onset_ms};
        }
    }
    anew = (size_t)rand_r(dice) % (count + 1);
    for (size_t i = 0; i < count; i++) {
        seq = i == anew ? 1 : seq + 1;
        list[i].epoch = i < anew ? EPOCH : OTHER;
        list[i].seq = seq;
    }
    return count;
}

static void tell(struct bench *bench, int round, const struct told *told)
{
    send(bench, "gw", "event",
         "{\"v\":1,\"epoch\":\"%.12s%04x\",\"seq\":%d,\"t0\":%lld,\"event\":{\"kind\":\"fault\",\"equipment\":\"e-%d\","
         "\"fault\":\"odd\",\"state\":\"%s\",\"grade\":%d,\"onset\":%lld}}",
         told->epoch, (unsigned)round, told->seq, (long long)told->t_ms, round, told->state, told->grade,
         (long long)told->onset_ms);
}

/* After a connection that was away the newest may come first: what stands in the end is the same. */
static void faults_come_in_any_order(void **state)
{
    struct bench *bench = begin();
    unsigned seed = (unsigned)getpid(), dice = seed;

    (void)state;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 150; round++) {
        struct told list[16], last;
        size_t count = make_story(list, 16, &dice);

        last = list[count - 1];
        for (size_t i = 0; i < count; i++) {
            size_t other = i + (size_t)rand_r(&dice) % (count - i);
            struct told first = list[other];

            list[other] = list[i];
            list[i] = first;
            tell(bench, round, &list[i]);
        }
        int64_t grade = sql_find_int(bench->sql, 0,
                                     "SELECT m.grade FROM alarm m JOIN equipment e ON e.id = m.equipment WHERE"
                                     " m.cleared_ms IS NULL AND m.quiet_ms IS NULL AND e.name = 'e-' || ?1",
                                     "i", (int64_t)round);
        assert_int_equal(grade, strcmp(last.state, "cleared") ? last.grade : 0);
    }
    stop(bench);
}

static void tell_bus(struct bench *bench, int seq, int64_t t_ms, const char *devices, const char *state)
{
    send(bench, "gw", "event",
         "{\"v\":1,\"epoch\":\"" EPOCH "\",\"seq\":%d,\"t0\":%lld,\"event\":{\"kind\":\"bus\",\"bus\":"
         "\"lan\",\"unit_id\":1,\"equipment\":[%s],\"state\":\"%s\"}}",
         seq, (long long)t_ms, devices, state);
}

static void so_do_devices_that_fall_silent(void **state)
{
    struct bench *bench = begin();

    (void)state;
    tell_bus(bench, 2, NOW - 1000, "\"swh-1\"", "back");
    tell_bus(bench, 1, NOW - 2000, "\"swh-1\",\"swh-2\"", "lost");
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM alarm WHERE cleared_ms IS NULL"), 1);
    tell_bus(bench, 4, NOW, "\"swh-2\"", "lost");
    tell_bus(bench, 3, NOW - 500, "\"swh-2\"", "back"); /* and was lost again */
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM alarm a JOIN equipment e ON e.id = a.equipment WHERE"
                                " cleared_ms IS NULL AND e.name = 'swh-2'"),
                     1);
    stop(bench);
}

/* An agent's clock is put back while a fault stands: its own clearing is younger, whatever the clock says. */
static void a_clock_put_back_hides_no_clearing(void **state)
{
    struct bench *bench = begin();

    (void)state;
    tell(bench, 1, &(struct told){EPOCH, "raised", 1, 2, NOW + 1000, NOW + 1000});
    tell(bench, 1, &(struct told){EPOCH, "cleared", 2, 2, NOW - 90000, NOW - 90000});
    tell(bench, 2, &(struct told){EPOCH, "raised", 1, 2, NOW + 1000, NOW + 1000});
    tell(bench, 2, &(struct told){OTHER, "cleared", 1, 2, NOW - 90000, NOW + 1000});
    assert_int_equal(ask(bench, "SELECT COUNT(*) FROM alarm WHERE cleared_ms IS NULL"), 0);
    stop(bench);
}

static bool is_silent(struct bench *bench, const char *agent)
{
    return sql_find_int(bench->sql, 0, "SELECT silent_since_ms IS NOT NULL FROM agent WHERE name = ?1",
                        "t", agent) != 0;
}

static void look_for_silence(struct bench *bench)
{
    assert_int_equal(sql_begin(bench->sql), ERR_OK);
    assert_int_equal(presence_silence(&bench->pipeline, bench->sql, bench->now_ms), ERR_OK);
    assert_int_equal(pipeline_save(&bench->pipeline, bench->sql, bench->now_ms, true), ERR_OK);
    assert_int_equal(sql_commit(bench->sql), ERR_OK);
}

static void wills_and_silence_make_agents_absent(void **state)
{
    static const char will[] = "{\"v\":1,\"online\":false,\"epoch\":\"" EPOCH "\"}";
    struct bench *bench = begin();

    (void)state;
    send_birth(bench, "gw", EPOCH, true);
    deliver(bench, "gw", "status", will, false, true);
    assert_true(is_silent(bench, "gw"));
    send_data(bench, "gw", 1, NOW, "swh-1", "\"flow\":[[0,1]]");
    assert_false(is_silent(bench, "gw"));
    assert_int_equal(ask(bench, "SELECT online FROM agent"), 1);
    /* the will of an earlier life */
    send_birth(bench, "gw", OTHER, true);
    deliver(bench, "gw", "status", will, false, true);
    assert_false(is_silent(bench, "gw"));
    /* 3 × its slowest heartbeat; swh-basic has points that are read every 10 min: 100 min */
    bench->now_ms = NOW + 299 * 60000;
    look_for_silence(bench);
    assert_false(is_silent(bench, "gw"));
    bench->now_ms = NOW + 301 * 60000;
    look_for_silence(bench);
    assert_true(is_silent(bench, "gw"));
    assert_int_equal(ask(bench, "SELECT silent_since_ms FROM agent"), NOW);
    stop(bench);
}

static void a_restarted_server_gives_a_minute(void **state)
{
    static const char will[] = "{\"v\":1,\"online\":false,\"epoch\":\"" EPOCH "\"}";
    struct bench *bench = begin();

    (void)state;
    send_birth(bench, "gw", EPOCH, true);
    send_birth(bench, "gw-2", EPOCH, true);
    stop(bench);
    bench->now_ms = NOW + 100000;
    start(bench);
    bench->pipeline.quiet_until_ms = bench->now_ms + 60000;
    deliver(bench, "gw", "status", will, true, true);
    deliver(bench, "gw-2", "status", will, true, true);
    look_for_silence(bench);
    assert_false(is_silent(bench, "gw"));
    bench->now_ms += 30000;
    send_birth(bench, "gw-2", EPOCH, true);
    bench->now_ms += 31000;
    look_for_silence(bench);
    assert_true(is_silent(bench, "gw"));
    assert_false(is_silent(bench, "gw-2"));
    assert_int_equal(ask(bench, "SELECT silent_since_ms FROM agent WHERE name = 'gw'"), NOW);
    stop(bench);
}

/* The clock jumps, or a lock held everything up: nobody is missed for that. */
static void so_does_one_that_was_away(void **state)
{
    struct bench *bench = begin();

    (void)state;
    bench->pipeline.come_back_ms = 60000;
    send_birth(bench, "gw", EPOCH, true);
    look_for_silence(bench);
    for (int i = 0; i < 2; i++) {
        bench->now_ms += i == 0 ? 100 * 86400000LL : -50 * 86400000LL;
        look_for_silence(bench);
        assert_false(is_silent(bench, "gw"));
        bench->now_ms += 2000;
        send_data(bench, "gw", 1 + i, bench->now_ms, "swh-1", "\"flow\":[[0,1]]");
        for (int k = 0; k < 100; k++) {
            bench->now_ms += 1500;
            look_for_silence(bench);
            assert_false(is_silent(bench, "gw"));
        }
    }
    stop(bench);
}

static void a_birth_is_answered_for_every_epoch(void **state)
{
    struct bench *bench = begin();

    (void)state;
    send_data(bench, "gw", 1, NOW, "swh-1", "\"flow\":[[0,1]]");
    stop(bench);
    start(bench);
    bench->acks = 0;
    send_birth(bench, "gw", OTHER, true);
    assert_int_equal(bench->acks, 1);
    assert_string_equal(bench->ack, "{\"v\":1,\"epoch\":\"" EPOCH "\",\"have\":[[1,1]]}");
    stop(bench);
}

/* ------------------------------------------------------------------ receipts */

struct sent {
    int count;
    char last[65];
};

static void note_sent(void *context, const char *agent, const char *epoch)
{
    struct sent *sent = context;

    snprintf(sent->last, sizeof(sent->last), "%s %s", agent, epoch);
    sent->count++;
}

static void receipts_keep_a_second_apart(void **state)
{
    struct receipts *receipts;
    struct sent sent = {0};

    (void)state;
    assert_int_equal(receipts_open(&receipts), ERR_OK);
    assert_int_equal(receipts_turn(receipts, 1000, false, note_sent, &sent), INT64_MAX);
    assert_int_equal(receipts_owe(receipts, "a", EPOCH), ERR_OK);
    assert_int_equal(receipts_owe(receipts, "a", OTHER), ERR_OK);
    assert_int_equal(receipts_owe(receipts, "a", EPOCH), ERR_OK);
    assert_int_equal(receipts_owe(receipts, "b", EPOCH), ERR_OK);
    assert_int_equal(receipts_turn(receipts, 1000, false, note_sent, &sent), 2000);
    assert_int_equal(sent.count, 2); /* the first of each at once */
    assert_int_equal(receipts_turn(receipts, 1999, false, note_sent, &sent), 2000);
    assert_int_equal(sent.count, 2);
    assert_int_equal(receipts_turn(receipts, 2000, false, note_sent, &sent), INT64_MAX);
    assert_int_equal(sent.count, 3);
    assert_string_equal(sent.last, "a " OTHER);
    assert_int_equal(receipts_owe(receipts, "b", EPOCH), ERR_OK); /* rested long ago */
    assert_int_equal(receipts_owe(receipts, "a", EPOCH), ERR_OK);
    (void)receipts_turn(receipts, 2500, false, note_sent, &sent);
    assert_string_equal(sent.last, "b " EPOCH);
    assert_int_equal(sent.count, 4);
    (void)receipts_turn(receipts, 2600, true, note_sent, &sent); /* at the end: all at once */
    assert_int_equal(sent.count, 5);
    receipts_close(receipts);
}

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_stored_once_and_acked),
        cmocka_unit_test(two_contents_under_a_number_are_told_apart),
        cmocka_unit_test(what_cannot_be_read_is_kept_and_acked_if_it_has_a_number),
        cmocka_unit_test(nobody_speaks_for_the_equipment_of_another),
        cmocka_unit_test(the_future_blocks_nothing),
        cmocka_unit_test(a_third_partys_readings_are_judged_in_event_time),
        cmocka_unit_test(restarts_change_nothing),
        cmocka_unit_test(kills_within_the_second_are_mended),
        cmocka_unit_test(late_readings_are_kept_and_raise_nothing),
        cmocka_unit_test(tombstones_and_clocks_are_noted),
        cmocka_unit_test(a_device_that_is_silent_is_a_small_fault),
        cmocka_unit_test(faults_come_in_any_order),
        cmocka_unit_test(so_do_devices_that_fall_silent),
        cmocka_unit_test(a_clock_put_back_hides_no_clearing),
        cmocka_unit_test(wills_and_silence_make_agents_absent),
        cmocka_unit_test(a_restarted_server_gives_a_minute),
        cmocka_unit_test(so_does_one_that_was_away),
        cmocka_unit_test(a_birth_is_answered_for_every_epoch),
        cmocka_unit_test(receipts_keep_a_second_apart),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-pipeline-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules)) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
