/* Who may go and who goes first: each criterion alone, and random fleets against the plain sentence "nobody
 * unsuitable is proposed while somebody suitable is there". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "models/service/routing.h"

#define HOUR 3600000LL

static const struct routing_rules rules = {
    .weights = {300, 150, 150, 50, 0, 100, 150, 100},
    .blocks = 1U << ROUTING_TIER | 1U << ROUTING_SKILL | 1U << ROUTING_ABSENCE,
    .speed_kmh = 40, .detour = 1.3, .order_ms = 2 * HOUR, .travel_most_ms = 4 * HOUR, .load_most = 1,
};
static const struct routing_want want = {.day = 20000, .skill = "electrician", .has_place = true, .lat = 31.2, .lon = 121.5};
static const struct routing_certificate good[] = {{"electrician", "X1", 20000, 0}},
                                        better[] = {{"electrician", "X3", 20000, 3}},
                                        old[] = {{"electrician", "X2", 19999, 5}},
                                        other[] = {{"plumber", "P1", ROUTING_FOR_EVER, 0}};

static struct routing_person person(void)
{
    return (struct routing_person){.technician = "t", .team = "c", .tier = 1, .place = ROUTING_SITE, .certificates = good,
                                   .certificate_count = 1, .exam_due = ROUTING_NO_DAY, .at_work = true,
                                   .shift_ms = 8 * HOUR, .has_base = true, .lat = 31.2, .lon = 121.6};
}

static struct routing_verdict judge(const struct routing_person *one)
{
    struct routing_verdict verdict;

    routing_judge(&rules, &want, one, &verdict);
    return verdict;
}

/* S1-35: valid through its last day; S1-36: an overdue exam lowers; S0-129, S0-130: by competence */
static void test_each_criterion(void **state)
{
    static const char *const has[] = {"electrician", NULL};
    struct routing_person one = person();
    struct routing_want hard = want;
    struct routing_verdict verdict = judge(&one), worse;
    TEXT(why, 200);

    (void)state;
    assert_true(verdict.suitable && !verdict.blocked);
    assert_in_range(verdict.travel_ms / 60000, 17, 19); /* 9.5 km × 1.3 at 40 km/h */
    one.certificates = old;
    worse = judge(&one);
    assert_true(!worse.suitable && worse.blocked);
    routing_reasons(&worse, true, &why);
    assert_string_equal(why.at, "the certificate electrician ran out on 2024-10-03");
    one.certificates = other;
    assert_true(judge(&one).blocked);
    one.certificate_count = 0; /* nothing is written down: the team's word counts */
    one.team_skills = has;
    assert_true(judge(&one).suitable);
    one.team_skills = NULL; /* … or nothing at all: not proposed, but nothing speaks against it */
    assert_true(!judge(&one).suitable && !judge(&one).blocked);
    one = person(); /* S0-128, D-49: a dealer's people through the last day of the agreement */
    one.dealer = &(struct routing_dealer){"Pudong Solar", "DA-7", 20000};
    assert_true(judge(&one).suitable);
    one.dealer = &(struct routing_dealer){"Pudong Solar", "DA-7", 19999};
    worse = judge(&one);
    assert_true(!worse.suitable && worse.blocked);
    routing_reasons(&worse, true, &why);
    assert_non_null(strstr(why.at, "the agreement with the dealer Pudong Solar ended on 2024-10-03"));
    one = person();
    one.exam_due = 19999;
    worse = judge(&one);
    assert_true(worse.suitable && worse.score == verdict.score - 50);
    one = person();
    one.absence = "leave";
    assert_true(judge(&one).blocked);
    one = person();
    one.open_orders = 4;
    assert_true(!judge(&one).suitable && !judge(&one).blocked); /* people may still say so */
    one.open_orders = 3;
    assert_true(judge(&one).suitable);
    one = person();
    one.place = ROUTING_NOWHERE;
    assert_true(!judge(&one).suitable && !judge(&one).blocked);
    one = person();
    one.at_work = false;
    assert_true(judge(&one).suitable && judge(&one).score == verdict.score - 100);
    one.on_call = true;
    assert_int_equal(judge(&one).score, verdict.score - 10);
    one = person();
    hard.non_routine = true;
    routing_judge(&rules, &hard, &one, &worse);
    assert_true(worse.blocked);
    one.tier = 3;
    routing_judge(&rules, &hard, &one, &worse);
    assert_true(worse.suitable);
    one.tier = 0;
    routing_judge(&rules, &hard, &one, &worse);
    assert_true(worse.suitable);
}

static uint64_t random_state = 11;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (uint64_t)most);
}

/* Suitable said plainly, by another hand. */
static bool is_suitable(const struct routing_person *one, const struct routing_want *visit)
{
    bool skilled = false, team = false;

    for (size_t i = 0; i < one->certificate_count; i++) {
        skilled |= !strcmp(one->certificates[i].type, visit->skill) && one->certificates[i].valid_to >= visit->day;
    }
    for (const char *const *s = one->team_skills; s && *s; s++) {
        team |= !strcmp(*s, visit->skill);
    }
    return one->place != ROUTING_NOWHERE && (!one->tier || one->tier >= (visit->non_routine ? 3 : visit->least_tier)) &&
           (skilled || (team && one->certificate_count == 0)) && !one->absence &&
           (one->open_orders == 0 || one->shift_ms == 0 || (one->open_orders + 1) * rules.order_ms <= one->shift_ms);
}

static void test_random_fleets(void **state)
{
    static const char *const has[] = {"electrician", NULL};
    const struct routing_certificate *const some[] = {good, old, other};

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct routing_person people[40], turned[40];
        struct routing_verdict verdicts[40], again[40];
        size_t count = (size_t)draw(40) + 1, order[40], other_order[40];
        struct routing_want visit = want;
        char names[40][8];
        bool any = false;

        visit.non_routine = draw(4) == 0;
        visit.least_tier = draw(3);
        for (size_t i = 0; i < count; i++) {
            snprintf(names[i], sizeof(names[i]), "t%02u", (unsigned)(i % 100));
            people[i] = (struct routing_person){.technician = names[i], .team = draw(2) ? "a" : "b", .tier = draw(4),
                                                .place = (enum routing_place)draw(ROUTING_NAMED + 1),
                                                .certificates = some[draw(3)], .certificate_count = (size_t)draw(2),
                                                .team_skills = draw(2) ? has : NULL, .exam_due = 19990 + draw(20),
                                                .absence = draw(5) ? NULL : "leave", .at_work = draw(2), .on_call = draw(2),
                                                .open_orders = draw(6), .shift_ms = draw(3) * 4 * HOUR, .has_base = draw(2),
                                                .lat = 30 + draw(3), .lon = 121};
            any |= is_suitable(&people[i], &visit);
            turned[count - 1 - i] = people[i];
        }
        routing_rank(&rules, &visit, people, count, order, verdicts);
        routing_rank(&rules, &visit, turned, count, other_order, again);
        assert_int_equal(is_suitable(&people[order[0]], &visit), any);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(verdicts[i].suitable, is_suitable(&people[i], &visit));
            assert_string_equal(people[order[i]].technician, turned[other_order[i]].technician); /* the order of rows is nothing */
            if (i > 0 && verdicts[order[i]].suitable) {
                assert_true(verdicts[order[i - 1]].suitable && verdicts[order[i - 1]].score >= verdicts[order[i]].score);
            }
        }
    }
}

/* Of two who are as good the one whose courses have raised his skill goes first; what has run out raises nothing. */
static void test_skill_raised_by_courses(void **state)
{
    struct routing_person people[3] = {person(), person(), person()};
    struct routing_verdict verdicts[3];
    size_t order[3];

    (void)state;
    people[0].technician = "a";
    people[1].technician = "b";
    people[1].certificates = better;
    people[2].technician = "0";
    people[2].certificates = old;
    routing_rank(&rules, &want, people, 3, order, verdicts);
    assert_string_equal(people[order[0]].technician, "b");
    assert_string_equal(people[order[1]].technician, "a");
    assert_int_equal(verdicts[1].level, 3);
    assert_int_equal(verdicts[2].level, 0);
    assert_int_equal(verdicts[0].score, verdicts[1].score);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_criterion),
        cmocka_unit_test(test_random_fleets),
        cmocka_unit_test(test_skill_raised_by_courses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
