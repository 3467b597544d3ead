/* Work orders and job plans, without a server: the table of moves, places in time, clocks of phones, answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/base/json.h"
#include "models/service/codes.h"
#include "models/service/job.h"
#include "models/service/work.h"

#define MINUTE 60000LL

static enum err fit(const struct work_move *made, size_t count, enum work_state state, enum work_action action,
                    int64_t at_ms, struct work_place *place)
{
    const struct work_move move = {at_ms, action, "x"};
    TEXT(why, 600);
    enum err err = work_fit(made, count, state, &move, place, &why);

    assert_true(!err || why.length > 0);
    return err;
}

/* A client that knows the contract's words alone comes from proposed to done. */
static void test_the_plain_way(void **state)
{
    static const enum work_action way[] = {WORK_ACCEPT, WORK_DEPART, WORK_ARRIVE, WORK_START, WORK_FINISH};
    enum work_state at = WORK_PROPOSED;

    (void)state;
    for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++) {
        assert_true(work_is_legal(way[i], at));
        at = work_after(way[i], at);
    }
    assert_int_equal(at, WORK_DONE);
    assert_true(work_is_over(WORK_VERIFIED) && work_is_over(WORK_CANCELLED) && !work_is_over(WORK_TESTING));
    for (int i = 0; i < WORK_ACTIONS; i++) {
        assert_int_equal(work_action_read(work_action_names[i]), i);
    }
    assert_null(work_action_names[WORK_ACTIONS]);
    assert_null(work_state_names[WORK_STATES]);
    assert_int_equal(work_action_read("dance"), -1);
}

/* Pain 49: received <= accepted <= departed <= arrived <= started <= finished, whatever comes first. */
static void test_a_late_move_has_its_place(void **state)
{
    const struct work_move made[] = {{10 * MINUTE, WORK_ACCEPT, "a"}, {30 * MINUTE, WORK_ARRIVE, "b"}};
    const struct work_move off[] = {{10 * MINUTE, WORK_ACCEPT, "a"}, {20 * MINUTE, WORK_CANCEL, "c"}};
    struct work_place place;

    (void)state;
    assert_int_equal(fit(made, 2, WORK_ON_SITE, WORK_DEPART, 20 * MINUTE, &place), ERR_OK);
    assert_true(place.late && place.before == WORK_ACCEPTED);
    assert_int_equal(fit(made, 2, WORK_ON_SITE, WORK_START, 40 * MINUTE, &place), ERR_OK);
    assert_false(place.late);
    assert_int_equal(fit(made, 2, WORK_ON_SITE, WORK_START, 20 * MINUTE, &place), ERR_FORMAT);
    assert_int_equal(fit(made, 2, WORK_ON_SITE, WORK_DEPART, 5 * MINUTE, &place), ERR_STATE);
    assert_int_equal(fit(made, 1, WORK_ACCEPTED, WORK_DEPART, 5 * MINUTE, &place), ERR_FORMAT);
    /* whole seconds against milliseconds: as late as the one before */
    assert_int_equal(fit(made, 1, WORK_ACCEPTED, WORK_DEPART, 10 * MINUTE - 900, &place), ERR_OK);
    assert_true(!place.late && place.at_ms == 10 * MINUTE);
    /* called off meanwhile: what was done before that is taken if it fits, and changes nothing */
    assert_int_equal(fit(off, 2, WORK_CANCELLED, WORK_DEPART, 15 * MINUTE, &place), ERR_OK);
    assert_true(place.late);
    assert_int_equal(fit(off, 2, WORK_CANCELLED, WORK_DEPART, 25 * MINUTE, &place), ERR_STATE);
    assert_int_equal(fit(made, 0, WORK_PROPOSED, WORK_FINISH, MINUTE, &place), ERR_STATE);
}

/* The device's time is judged when its skew is sane. */
static void test_clocks_of_phones(void **state)
{
    const int64_t now = 1000 * MINUTE, most = 15 * MINUTE;
    int64_t at = 900 * MINUTE;

    (void)state;
    assert_int_equal(work_clock(0, now, most, &at), WORK_CLOCK_DEVICE);
    assert_int_equal(work_clock(now - 3000, now, most, &at), WORK_CLOCK_DEVICE);
    assert_int_equal(at, 900 * MINUTE);
    assert_int_equal(work_clock(now - 10 * MINUTE, now, most, &at), WORK_CLOCK_CORRECTED);
    assert_int_equal(at, 910 * MINUTE);
    at = 900 * MINUTE;
    assert_int_equal(work_clock(now + 10 * MINUTE, now, most, &at), WORK_CLOCK_CORRECTED);
    assert_int_equal(at, 890 * MINUTE);
    at = 900 * MINUTE;
    assert_int_equal(work_clock(now - 16 * MINUTE, now, most, &at), WORK_CLOCK_SERVER);
    assert_int_equal(at, now);
    at = now; /* later than the phone's own now */
    assert_int_equal(work_clock(now - 10 * MINUTE, now, most, &at), WORK_CLOCK_SERVER);
}

static enum job_light judge(const struct job_step *step, const char *json, enum err expected)
{
    enum job_light light = JOB_OPEN;
    const struct cJSON *value;
    struct arena *arena;
    TEXT(why, 300);

    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, json, strlen(json), &value, NULL), ERR_OK);
    assert_int_equal(job_judge(step, value, &light, &why), expected);
    assert_true(!expected || why.length > 0);
    arena_close(arena);
    return light;
}

static void test_answers(void **state)
{
    const struct job_choice choices[] = {{.id = "good"}, {.id = "bad", .fails = true}};
    const struct job_step check = {.id = "c", .type = JOB_CHECK, .expect = true, .unit = ""};
    const struct job_step absent = {.id = "c", .type = JOB_CHECK, .expect = false, .unit = ""};
    const struct job_step number = {.id = "n", .type = JOB_NUMBER, .unit = "A", .has_limits = true, .least = 1, .most = 2};
    const struct job_step choice = {.id = "o", .type = JOB_CHOICE, .unit = "", .choices = choices, .choice_count = 2};
    const struct job_step text = {.id = "t", .type = JOB_TEXT, .unit = ""};

    (void)state;
    assert_int_equal(judge(&check, "true", ERR_OK), JOB_GREEN);
    assert_int_equal(judge(&check, "\"no\"", ERR_OK), JOB_RED);
    assert_int_equal(judge(&absent, "false", ERR_OK), JOB_GREEN);
    assert_int_equal(judge(&check, "\"是\"", ERR_OK), JOB_GREEN);
    assert_int_equal(judge(&check, "{\"text\":\"look again\"}", ERR_OK), JOB_OPEN);
    assert_int_equal(judge(&number, "1.5", ERR_OK), JOB_GREEN);
    assert_int_equal(judge(&number, "2.5", ERR_OK), JOB_RED);
    assert_int_equal(judge(&number, "null", ERR_OK), JOB_OPEN);
    judge(&number, "\"much\"", ERR_FORMAT);
    assert_int_equal(judge(&choice, "\"bad\"", ERR_OK), JOB_RED);
    judge(&choice, "\"ugly\"", ERR_FORMAT);
    assert_int_equal(judge(&text, "{\"text\":\"seized\"}", ERR_OK), JOB_GREEN);
    assert_int_equal(judge(&text, "\"\"", ERR_OK), JOB_OPEN);
}

static const char *const none[] = {NULL};

/* S2-13: the fault's own plan before the component's, that before the profile's, that before one for all. */
static void test_the_plan_that_fits(void **state)
{
    static const char *const faults[] = {"pump_no_flow", NULL}, *const electrical[] = {"electrical", NULL};
    static const char *const swh[] = {"swh-basic", NULL};
    const struct job all = {.id = "all", .profiles = none, .faults = none, .components = none};
    const struct job visit = {.id = "visit", .kind = JOB_PREVENTIVE, .profiles = none, .faults = none, .components = none};
    const struct job profile = {.id = "profile", .profiles = swh, .faults = none, .components = none};
    const struct job component = {.id = "component", .profiles = none, .faults = none, .components = electrical};
    const struct job fault = {.id = "fault", .profiles = swh, .faults = faults, .components = none};
    const struct job *const jobs[] = {&all, &visit, &profile, &component, &fault};
    const struct {
        struct job_wanted wanted;
        const struct job *expected;
    } rows[] = {
        {{JOB_CORRECTIVE, "swh-basic", "pump_no_flow", "electrical"}, &fault},
        {{JOB_CORRECTIVE, "swh-basic", "other", "electrical"}, &component},
        {{JOB_CORRECTIVE, "swh-basic", NULL, NULL}, &profile},
        {{JOB_CORRECTIVE, "house-log", "pump_no_flow", NULL}, &all},
        {{JOB_CORRECTIVE, NULL, NULL, NULL}, &all},
        {{JOB_PREVENTIVE, "swh-basic", NULL, NULL}, &visit},
        {{JOB_ASSISTANCE, "swh-basic", NULL, NULL}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_ptr_equal(job_choose(jobs, 5, &rows[i].wanted), rows[i].expected);
    }
}

/* Codes are data: what is wrong is told where it stands, what is right is found. */
static void test_codes(void **state)
{
    static const char good[] = "codes: c\nrefusals: [{id: a, title: {en: A, zh: B}}]\n"
                               "overrides: [{id: b, title: {en: A, zh: B}, note: true}]\n";
    static const char wrong[] = "codes: c\nrefusals:\n  - {id: a, title: {en: A, zh: B}}\n  - {id: a, title: {en: A}}\n"
                                "overrides: []\n";
    struct complaints complaints = {.path = "p"};
    const struct codes *codes;
    TEXT(names, 80);

    (void)state;
    assert_int_equal(arena_open(1 << 20, &complaints.arena), ERR_OK);
    assert_int_equal(codes_read(complaints.arena, good, strlen(good), &complaints, &codes), ERR_OK);
    assert_true(codes_find(&codes->overrides, "b")->note && !codes_find(&codes->refusals, "a")->note);
    assert_null(codes_find(&codes->refusals, "b"));
    assert_null(codes_find(&codes->refusals, NULL));
    codes_name(&codes->refusals, &names);
    assert_string_equal(names.at, "a");
    assert_int_equal(codes_read(complaints.arena, wrong, strlen(wrong), &complaints, &codes), ERR_FORMAT);
    assert_int_equal(complaints.count, 3);
    assert_non_null(strstr(complaints.lines[0], "p:4:20: error: expected"));
    assert_string_equal(complaints.lines[1], "p:4:10: error: expected an id of its own, found 'a' again");
    assert_string_equal(complaints.lines[2], "p:5:12: error: expected 1 to 100 codes, found 0");
    arena_close(complaints.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_plain_way),      cmocka_unit_test(test_a_late_move_has_its_place),
        cmocka_unit_test(test_clocks_of_phones),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_the_plan_that_fits), cmocka_unit_test(test_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
