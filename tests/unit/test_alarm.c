/* States after ISA-18.2, what people may do with an alarm, chattering, and who is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/service/alarm.h"
#include "models/service/announce.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define NOW    (1000 * HOUR)

static void state_follows_from_facts(void **context)
{
    static const struct {
        struct alarm_facts facts;
        enum alarm_state state;
    } rows[] = {
        {{.active = true}, ALARM_UNACK},
        {{.active = true, .acknowledged = true}, ALARM_ACKED},
        {{.acknowledged = false}, ALARM_RTNUN},
        {{.acknowledged = true}, ALARM_NORM},
        {{.active = true, .shelved = true}, ALARM_SHLVD},
        {{.active = true, .shelved = true, .suppressed = true}, ALARM_DSUPR},
        {{.active = true, .shelved = true, .suppressed = true, .out_of_service = true}, ALARM_OOSRV},
        {{.shelved = true}, ALARM_RTNUN}, /* what has gone is not hidden: it waits to be seen */
    };

    (void)context;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(alarm_state_of(&rows[i].facts), rows[i].state);
    }
}

static enum err may(struct alarm_wish wish, enum alarm_action action, const char *says)
{
    TEXT(why, 400);
    enum err err = alarm_may(&wish, action, &why);

    if (says && !strstr(why.at, says)) {
        fail_msg("expected '%s' in '%s'", says, why.at);
    }
    return err;
}

static void a_refusal_says_what_is_legal(void **context)
{
    struct alarm_wish wish = {.facts = {.active = true}, .role = ROLE_DISPATCHER, .grade = 2};

    (void)context;
    assert_int_equal(may(wish, ALARM_ACKNOWLEDGE, NULL), ERR_OK);
    assert_int_equal(may(wish, ALARM_CLEAR, "clears when telemetry is normal again. Legal: acknowledge, shelve"),
                     ERR_STATE);
    assert_int_equal(may(wish, ALARM_UNSHELVE, "not shelved"), ERR_STATE);
    assert_int_equal(may(wish, ALARM_OUT_OF_SERVICE, "role"), ERR_FORBIDDEN);
    wish.latching = true;
    assert_int_equal(may(wish, ALARM_CLEAR, "latches"), ERR_STATE);
    wish.grade = 1;
    assert_int_equal(may(wish, ALARM_SHELVE, "by a manager"), ERR_FORBIDDEN);
    wish.role = ROLE_MANAGER;
    assert_int_equal(may(wish, ALARM_SHELVE, NULL), ERR_OK);
    assert_int_equal(may(wish, ALARM_SUPPRESS, NULL), ERR_OK);
    wish.put_aside = true;
    assert_int_equal(may(wish, ALARM_SUPPRESS, "suppressed already"), ERR_STATE);
    wish.facts.acknowledged = true;
    assert_int_equal(may(wish, ALARM_ACKNOWLEDGE, "already"), ERR_STATE);
    wish.role = ROLE_VIEWER;
    assert_int_equal(may(wish, ALARM_ACKNOWLEDGE, "role"), ERR_FORBIDDEN);
}

static void names_are_read_back(void **context)
{
    (void)context;
    for (int i = 0; i < ALARM_ACTIONS; i++) {
        assert_int_equal(alarm_action_read(alarm_row((enum alarm_action)i)->name), i);
    }
    assert_int_equal(alarm_action_read("silence"), -1);
    for (int i = 0; announce_reason_names[i]; i++) {
        assert_int_equal(announce_reason_read(announce_reason_names[i]), i);
    }
    assert_int_equal(announce_reason_read("mood"), -1);
}

static void four_rises_an_hour_are_chattering(void **context)
{
    const int64_t near[] = {0, 10 * MINUTE, 20 * MINUTE, 59 * MINUTE};
    const int64_t far[] = {0, 10 * MINUTE, 20 * MINUTE, 61 * MINUTE};

    (void)context;
    assert_true(alarm_chatters(&alarm_rules_usual, near, 4));
    assert_false(alarm_chatters(&alarm_rules_usual, near, 3));
    assert_false(alarm_chatters(&alarm_rules_usual, far, 4));
}

static struct announce_facts standing(void)
{
    return (struct announce_facts){
        .now_ms = NOW, .onset_ms = NOW - MINUTE, .registered_ms = NOW, .grade = 2};
}

static void expect(struct announce_facts facts, enum announce_reason reason, int64_t again_ms)
{
    struct announce_decision decision = announce_decide(&alarm_rules_usual, &facts);

    assert_int_equal(decision.announced, reason == ANNOUNCE_NONE);
    assert_int_equal(decision.reason, reason);
    assert_int_equal(decision.again_ms, again_ms);
}

static void what_hides_an_alarm_keeps_it_from_people(void **context)
{
    struct announce_facts facts = standing();

    (void)context;
    expect(facts, ANNOUNCE_NONE, 0);
    facts.parent = true;
    expect(facts, ANNOUNCE_PARENT, 0);
    facts.design = true;
    expect(facts, ANNOUNCE_DESIGN, 0);
    facts.window = true;
    expect(facts, ANNOUNCE_WINDOW, 0);
    facts.shelved = true;
    expect(facts, ANNOUNCE_SHELVED, 0);
    facts.suppressed = true;
    expect(facts, ANNOUNCE_SUPPRESSED, 0);
    facts.out_of_service = true;
    facts.grade = 1;
    expect(facts, ANNOUNCE_OUT_OF_SERVICE, 0);
}

static void a_backlog_is_judged_first(void **context)
{
    struct announce_facts facts = standing();

    (void)context;
    facts.backlog_ms = NOW - 10000;
    expect(facts, ANNOUNCE_LATE, NOW + 50000);
    facts.backlog_ms = NOW - 60000;
    expect(facts, ANNOUNCE_NONE, 0);
    facts.backlog_ms = NOW; /* an agent whose data is always old: not for ever */
    facts.registered_ms = NOW - HOUR;
    expect(facts, ANNOUNCE_NONE, 0);
}

static void what_comes_and_goes_is_not_told(void **context)
{
    struct announce_facts facts = standing();

    (void)context;
    facts.onset_ms = NOW - 2000;
    expect(facts, ANNOUNCE_FLEETING, NOW + 3000);
    facts.grade = 1; /* nobody waits with those */
    expect(facts, ANNOUNCE_NONE, 0);
    facts.grade = 3;
    facts.guard = true;
    expect(facts, ANNOUNCE_NONE, 0);
    facts.guard = false;
    facts.chattering = true;
    expect(facts, ANNOUNCE_NONE, 0); /* chattering is told once … */
    facts.told_before = true;
    expect(facts, ANNOUNCE_CHATTER, 0);
}

static void a_position_gets_ten_items_at_most(void **context)
{
    struct announce_facts facts = standing();

    (void)context;
    facts.announced = 6;
    expect(facts, ANNOUNCE_NONE, 0);
    facts.announced = 7;
    expect(facts, ANNOUNCE_FLOOD, 0);
    facts.grade = 1; /* what is urgent has some more room */
    expect(facts, ANNOUNCE_NONE, 0);
    facts.announced = 8;
    expect(facts, ANNOUNCE_FLOOD, 0); /* the last two are for those above and for all areas together */
    facts = standing();
    facts.flood = true;
    expect(facts, ANNOUNCE_FLOOD, 0);
    assert_int_equal(announce_areas(&alarm_rules_usual, 7, 5), AREAS_ONE);
    assert_int_equal(announce_areas(&alarm_rules_usual, 9, 5), AREAS_ALL);
    assert_int_equal(announce_areas(&alarm_rules_usual, 9, 1), AREAS_ONE);
    assert_int_equal(announce_areas(&alarm_rules_usual, 10, 1), AREAS_WAIT);
    assert_false(announce_flood_ends(&alarm_rules_usual, 5));
    assert_true(announce_flood_ends(&alarm_rules_usual, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_follows_from_facts),
        cmocka_unit_test(a_refusal_says_what_is_legal),
        cmocka_unit_test(names_are_read_back),
        cmocka_unit_test(four_rises_an_hour_are_chattering),
        cmocka_unit_test(what_hides_an_alarm_keeps_it_from_people),
        cmocka_unit_test(a_backlog_is_judged_first),
        cmocka_unit_test(what_comes_and_goes_is_not_told),
        cmocka_unit_test(a_position_gets_ten_items_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
