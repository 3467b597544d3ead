/* Escalation against a naive clerk who looks at every minute, with random downtime of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "models/service/escalation.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define EVENTS 2000

static uint64_t random_state = 5;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (uint64_t)most);
}

static const struct escalation_rule ladder = {
    .on = ESCALATION_NOT_IMPLEMENTED,
    .ack_ms = HOUR,
    .steps = {{.wait_ms = 0, .to = ESCALATION_TO_SUPERVISOR, .repeat_ms = 30 * MINUTE, .times = 2},
              {.wait_ms = 2 * HOUR, .to = ESCALATION_TO_LEADERSHIP, .repeat_ms = HOUR}},
    .step_count = 2,
};

/* Takes what is due and writes it down; returns how many. */
static size_t look(const struct escalation_rule *rule, struct escalation_event *events, size_t *count,
                   int64_t now, int64_t *next)
{
    struct escalation_due due[ESCALATION_STEPS_MOST];
    size_t found = escalation_look(rule, 0, events, *count, now, due, next);

    for (size_t i = 0; i < found; i++) {
        assert_true(due[i].due_ms <= now);
        events[(*count)++] = (struct escalation_event){ESCALATION_STEP, now, due[i].step, due[i].repetition};
    }
    return found;
}

static void test_up_the_steps_until_the_end(void **state)
{
    struct escalation_event events[EVENTS];
    size_t count = 0;
    int64_t next;

    (void)state;
    assert_int_equal(look(&ladder, events, &count, -MINUTE, &next), 0); /* not yet */
    assert_int_equal(next, 0);
    assert_int_equal(look(&ladder, events, &count, 0, &next), 1);
    assert_int_equal(next, 30 * MINUTE);
    assert_int_equal(look(&ladder, events, &count, 0, &next), 0); /* no step twice */
    assert_int_equal(look(&ladder, events, &count, 30 * MINUTE, &next), 1);
    assert_int_equal(look(&ladder, events, &count, 60 * MINUTE, &next), 1);
    assert_int_equal(next, 2 * HOUR); /* repeated twice, then leadership */
    assert_int_equal(look(&ladder, events, &count, 2 * HOUR, &next), 1);
    assert_int_equal(events[count - 1].step, 1);
    events[count++] = (struct escalation_event){ESCALATION_ACKNOWLEDGE, 2 * HOUR + 10 * MINUTE, 0, 0};
    assert_int_equal(look(&ladder, events, &count, 3 * HOUR, &next), 0); /* somebody has it in hand … */
    assert_int_equal(next, 4 * HOUR);
    assert_int_equal(look(&ladder, events, &count, 4 * HOUR, &next), 1); /* … and forgot it */
    events[count++] = (struct escalation_event){ESCALATION_END, 4 * HOUR + MINUTE, 0, 0};
    assert_int_equal(look(&ladder, events, &count, 40 * HOUR, &next), 0);
    assert_int_equal(next, INT64_MAX);
}

/* A week late: each step once, of the repeats the last one alone. */
static void test_late_is_no_burst(void **state)
{
    struct escalation_event events[EVENTS];
    size_t count = 0;
    int64_t next;

    (void)state;
    assert_int_equal(look(&ladder, events, &count, 7 * 24 * HOUR + MINUTE, &next), 2);
    assert_int_equal(events[0].step, 0);
    assert_int_equal(events[0].repetition, 0);
    assert_int_equal(events[1].step, 1);
    assert_int_equal(events[1].repetition, 7 * 24 - 2);
    assert_int_equal(next, (7 * 24 + 1) * HOUR);
}

static struct escalation_rule random_rule(void)
{
    struct escalation_rule rule = {.ack_ms = draw(3) ? (draw(90) + 1) * MINUTE : 0,
                                   .step_count = (size_t)draw(4) + 1};
    int64_t wait = draw(2) * draw(60) * MINUTE;

    for (size_t i = 0; i < rule.step_count; i++) {
        rule.steps[i] = (struct escalation_step){.wait_ms = wait, .to = 1U << draw(7)};
        if (draw(2)) {
            rule.steps[i].repeat_ms = (draw(60) + 1) * MINUTE;
            rule.steps[i].times = draw(2) * draw(5);
        }
        wait += (draw(120) + 1) * MINUTE;
    }
    return rule;
}

struct naive { /* counts minutes that are not held; knows no formula */
    int64_t passed, hold; /* minutes */
    int64_t first[ESCALATION_STEPS_MOST], again[ESCALATION_STEPS_MOST]; /* taken?; repeats taken */
    int64_t owed[ESCALATION_STEPS_MOST]; /* the highest repetition that has come; -1: none */
};

/* A minute goes by: what has come due? */
static void pass(const struct escalation_rule *rule, struct naive *naive, bool held)
{
    int top = -1;

    naive->passed += !held;
    for (int i = 0; i < (int)rule->step_count; i++) {
        top = rule->steps[i].wait_ms / MINUTE <= naive->passed ? i : top;
    }
    for (int i = 0; i <= top; i++) {
        const struct escalation_step *step = &rule->steps[i];
        int64_t since = naive->passed - step->wait_ms / MINUTE;

        naive->owed[i] = naive->owed[i] < 0 ? 0 : naive->owed[i];
        if (i == top && step->repeat_ms && since > 0 && since % (step->repeat_ms / MINUTE) == 0 && !held &&
            (step->times == 0 || naive->owed[i] < step->times)) {
            naive->owed[i]++;
        }
    }
}

static void one_history(void)
{
    struct escalation_rule rule = random_rule();
    struct escalation_event events[EVENTS];
    struct naive naive = {.passed = -1, .hold = -1};
    int64_t taken[ESCALATION_STEPS_MOST], down_until = 0, ends = 200 + draw(1000), next = 0;
    size_t count = 0;

    memset(naive.owed, -1, sizeof(naive.owed));
    memset(taken, -1, sizeof(taken));
    for (int64_t minute = 0; minute < ends && count + 20 < EVENTS; minute++) {
        int64_t now = minute * MINUTE, looked;
        size_t found, expected = 0, before = count;
        int top = -1;

        pass(&rule, &naive, minute <= naive.hold && minute > 0);
        if (draw(120) == 0) {
            down_until = minute + draw(300);
        }
        if (minute >= down_until) {
            found = look(&rule, events, &count, now, &looked);
            if (next > now && found) {
                fail_msg("minute %lld: taken before it was to be looked at", (long long)minute);
            }
            next = looked;
            for (int i = 0; i < (int)rule.step_count; i++) {
                top = naive.owed[i] >= 0 ? i : top;
            }
            for (int i = 0; i <= top; i++) { /* of a lower one only the first time counts */
                int64_t owed = i < top ? 0 : naive.owed[i];

                if (owed > taken[i] && (i == top || taken[i] < 0)) {
                    expected++;
                    taken[i] = owed;
                }
            }
            if (found != expected) {
                fail_msg("minute %lld: %zu steps, not %zu", (long long)minute, found, expected);
            }
            for (size_t i = before; i < count; i++) {
                assert_int_equal(events[i].repetition, taken[events[i].step]);
            }
        }
        if (minute >= down_until && draw(100) == 0) { /* at the end of the minute's work */
            events[count++] = (struct escalation_event){ESCALATION_ACKNOWLEDGE, now, 0, 0};
            naive.hold = rule.ack_ms ? minute + rule.ack_ms / MINUTE > naive.hold ? minute + rule.ack_ms / MINUTE : naive.hold
                                     : INT64_MAX;
            next = 0;
        }
    }
}

static void test_random_histories(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        one_history();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_the_steps_until_the_end),
        cmocka_unit_test(test_late_is_no_burst),
        cmocka_unit_test(test_random_histories),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
