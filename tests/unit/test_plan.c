/* Plans: each finding of the validator at its place; limits; the warranty verdict row by row; a ticket's
 * moves, all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/file.h"
#include "models/service/ticket.h"
#include "models/service/warranty.h"
#include "models/service/workdays.h"

static struct arena *arena;

static const char *load(const char *path)
{
    char *bytes;
    size_t size;

    assert_int_equal(file_read(arena, path, 1 << 20, &bytes, &size), ERR_OK);
    return arena_text(arena, bytes, size);
}

static const struct plan *plan_of(const char *id)
{
    struct complaints complaints = {.path = id, .arena = arena};
    const struct plan *plan = NULL;
    const char *bytes;
    TEXT(path, 100);

    text_addf(&path, "models/plans/%s.yaml", id);
    bytes = load(path.at);
    assert_int_equal(plan_read(arena, bytes, strlen(bytes), &complaints, &plan), ERR_OK);
    return plan;
}

/* ------------------------------------------------------------------ findings */

static void find_place(const char *bytes, const char *at, int *ret_line, int *ret_column)
{
    *ret_line = *ret_column = 1;
    for (; bytes < at; bytes++) {
        *ret_column = *bytes == '\n' ? 1 : *ret_column + (((unsigned char)*bytes & 0xc0) != 0x80);
        *ret_line += *bytes == '\n';
    }
}

/* The golden plan with one thing changed has one finding, at the first place where `at` stands in what
 * was put in (or in all of the file behind it). */
static void one_thing_wrong(void **state)
{
    static const struct {
        const char *old, *new, *at, *words;
    } rows[] = {
        {"plan: golden", "plan: gol den", "gol den", "expected a plan id"},
        {"plan: golden\n", "", "version", "expected the key 'plan', found none"},
        {"source:", "sauce:", "sauce", "expected a known key"},
        {"{en: Everything", "{fr: Everything", "fr", "expected a known key"},
        {"      bracket: {value: 36mo, origin: A}\n", "", "tank:", "expected a warranty term for 'bracket'"},
        {"{value: 36mo, origin: A}", "{value: 36, origin: A}", "36,", "expected a term with its unit"},
        {"{value: 36mo, origin: A}", "36mo", "36mo", "expected {value, origin, ids}"},
        {"{value: 36mo, origin: A}", "{value: 36mo}", "{value", "expected the key 'origin'"},
        {"{value: 36mo, origin: A}", "{value: 36mo, origin: B}", "B}", "expected an origin, one of S A"},
        {"{value: 36mo, origin: A}", "{value: 36mo, origin: S}", "{value", "expected ids with origin S"},
        {"{value: 36mo, origin: A}", "{value: 36mo, origin: A, x: 1}", "x: 1", "expected a known key"},
        {"[acceptance_date, invoice_date]", "[]", "[]", "expected at least one date"},
        {"[acceptance_date, invoice_date]", "[acceptance_date, birthday]", "birthday", "expected a date, one of"},
        {"    start_order: {value: [acceptance_date, invoice_date], origin: A}\n", "", "classes:", "expected the key 'start_order'"},
        {"other: {value: working_hours", "other: {value: by_day", "by_day", "expected hours, one of 24x7 working_hours"},
        {"staff:\n  hotline:\n    hours: {value: 24x7, origin: S, ids: [S0-51]}\n", "", "plan:", "expected the key 'staff'"},
        {"{value: 24x7, origin: S, ids: [S0-51]}", "24x7", "24x7", "expected {value, origin, ids}"},
        {"per_year: {value: 2,", "per_year: {value: 13,", "13", "expected visits a year from 0 to 12"},
        {"spacing: {value: 6mo", "spacing: {value: 6", "6,", "expected a spacing with its unit"},
        {"tolerance: {value: 30d", "tolerance: {value: 30 d", "30 d", "expected a tolerance with its unit"},
        {"\"03-15/05-15\"", "\"02-29/05-15\"", "\"02-29", "expected a window such as"},
        {"\"03-15/05-15\"", "\"05-15/03-15\"", "\"05-15/03", "expected a window such as"},
        {"\"03-15/05-15\"", "\"13-15/14-15\"", "\"13", "expected a window such as"},
        {"\"03-15/05-15\"", "spring", "spring", "expected a window such as"},
        {"    g1_outage: {value: 10m, origin: A}\n", "", "g1_outage_services:", "expected the key 'g1_outage'"},
        {"    link_loss_limit: {value: 4h, origin: A}\n", "", "g1_outage:", "expected the key 'link_loss_limit'"},
        {"    g1_outage_services: {value: [circulation], origin: A}\n", "", "g1_outage:", "expected the key 'g1_outage_services'"},
        {"g1_outage: {value: 10m", "g1_outage: {value: 1wd", "1wd", "expected a time with its unit"},
        {"stop: response", "stop: answer", "answer", "expected a stop, one of response dispatched"},
        {"start: registered\n      stop: response", "start: seen\n      stop: response", "seen", "expected a start, one of registered"},
        {"warn: {value: 0.75", "warn: {value: 1.75", "1.75", "expected a share from 0 to 1"},
        {"A: {value: 2h, origin: A}", "A: {value: 5h, origin: A}", "5h", "expected level A not to be slower than level B at grade 1"},
        {"g2: {value: 12h,", "g2: {value: 25h,", "25h", "expected grade 2 not to be slower than grade 3"},
        {"emergency: {value: 2h,", "emergency: {value: 3h,", "3h", "expected the emergency limit not to be slower"},
        {"        C: {value: 12h, origin: A}\n", "        #\n", "", "expected a limit of 'onsite' for grade 1 at level C, found none (S0-108)"},
        {"typical: {value: 30m", "typical: {value: 119m", "", "expected dispatch and assignment to leave time"},
        {"[repair]", "[reapir]", "reapir", "expected a clock of this plan"},
        {"{value: working_hours", "{value: office_hours", "office_hours", "expected hours, one of 24x7 working_hours"},
        {"complexity: general", "complexity: hard", "hard", "expected a complexity, one of any general complex"},
        {"speed_kmh: {value: 50", "speed_kmh: {value: 0", "0,", "expected kilometres an hour from 1 to 300"},
        {"        B: {value: 4h, origin: A}\n", "        B: {value: 4h, origin: A}\n        D: {value: 4h, origin: A}\n", "D:", "expected a known key, one of"},
        {"      g2: {value: 12h, origin: A}\n", "      g2: {value: 12h, origin: A}\n      g4: {value: 12h, origin: A}\n", "g4", "expected a known key"},
        {"steps: {value: [{wait: 1m, to: [on_call, owner], channel: [webhook], repeat: 1h, times: 2}]", "steps: {value: [{wait: 1m, to: [everybody]}]", "everybody", "expected a list of whom to tell, one of dispatcher on_call"},
        {"steps: {value: [{wait: 1m, to: [on_call, owner], channel: [webhook], repeat: 1h, times: 2}]", "steps: {value: []", "[]", "expected 1 to 8 steps, found 0"},
        {"wait: 4h, to: [leadership]", "wait: 0s, to: [leadership]", "0s, to: [leadership]", "expected a wait longer than the step's before, found '0s'"},
        {"repeat: 30m", "repeat: 30s", "30s", "expected at least 1m, found '30s'"},
        {"bounced:", "tired:", "tired:", "expected a condition, one of emergency unacknowledged"},
        {"cap_onsite: {value: 0.25, origin: A}\n      target: {value: 30m", "target: {value: 2h", "", "expected dispatch and assignment to leave time"},
        {"cap_onsite: {value: 0.25, origin: A}\n      target: {value: 30m, origin: A}", "cap_onsite: {value: 1, origin: A}", "", "expected dispatch and assignment to leave time"},
    };
    const char *golden = load("tests/golden/files/plan.yaml");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaints complaints = {.path = "p.yaml", .arena = arena};
        const char *from = strstr(golden, rows[i].old), *at;
        const struct plan *plan;
        static char room[20000];
        struct text bytes = text_on(room, sizeof(room));
        TEXT(begin, 200);
        int line, column;

        if (!from) {
            fail_msg("row %zu: '%s' is not in the golden plan", i, rows[i].old);
        }
        text_addf(&bytes, "%.*s%s%s", (int)(from - golden), golden, rows[i].new, from + strlen(rows[i].old));
        (void)!plan_read(arena, bytes.at, bytes.length, &complaints, &plan);
        at = rows[i].new[0] ? strstr(bytes.at + (from - golden), rows[i].at) : strstr(bytes.at, rows[i].at);
        assert_non_null(at);
        find_place(bytes.at, at, &line, &column);
        text_addf(&begin, "p.yaml:%d:%d: error: ", line, column);
        for (size_t k = 0; k < complaints.count; k++) {
            bool here = !rows[i].at[0] || strncmp(complaints.lines[k], begin.at, begin.length) == 0;

            if (here && strstr(complaints.lines[k], rows[i].words) && strstr(complaints.lines[k], ", found")) {
                at = NULL;
            }
        }
        if (at || complaints.count != 1) {
            for (size_t k = 0; k < complaints.count; k++) {
                printf("%s\n", complaints.lines[k]);
            }
            fail_msg("row %zu ('%s' to '%s'): not just %s%s", i, rows[i].old, rows[i].new, begin.at, rows[i].words);
        }
    }
}

/* A part that comes after the repair is due is a warning, at its place; the plan is taken. */
static void parts_slower_than_repairs(void **state)
{
    static const struct {
        const char *id, *old, *new;
        int line; /* of the warning; 0: none */
    } rows[] = {
        {"generic_24_48", "part_lead: {value: 3d", "part_lead: {value: 3d", 0},
        {"generic_24_48", "part_lead: {value: 3d", "part_lead: {value: 5d", 1},
        {"tiered_abc", "part_lead: {value: 3d", "part_lead: {value: 9d", 0}, /* a spare is promised within 4 h */
        {"tiered_abc", "all: {value: 4h, origin: S, ids: [S0-116]}", "all: {value: 30h, origin: S, ids: [S0-116]}", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaints complaints = {.path = "p.yaml", .arena = arena};
        const struct plan *plan;
        static char room[40000];
        struct text bytes = text_on(room, sizeof(room));
        const char *whole, *from;
        int line, column;
        TEXT(path, 100);
        TEXT(begin, 100);

        text_addf(&path, "models/plans/%s.yaml", rows[i].id);
        whole = load(path.at);
        from = strstr(whole, rows[i].old);
        assert_non_null(from);
        text_addf(&bytes, "%.*s%s%s", (int)(from - whole), whole, rows[i].new, from + strlen(rows[i].old));
        assert_int_equal(plan_read(arena, bytes.at, bytes.length, &complaints, &plan), ERR_OK);
        assert_int_equal(complaints.warning_count, rows[i].line);
        if (rows[i].line) {
            find_place(bytes.at, strstr(bytes.at, "typical:"), &line, &column);
            text_addf(&begin, "p.yaml:%d:%d: warning: expected a part that no depot has", line, column);
            assert_ptr_equal(strstr(complaints.warnings[0], begin.at), complaints.warnings[0]);
        }
    }
}

/* ------------------------------------------------------------------ overlays */

static enum err lay(const char *under, const char *over, struct complaints *complaints, const struct plan **ret_plan)
{
    static char room[40000];
    struct text all = text_on(room, sizeof(room));

    text_addf(&all, "%s%sover.yaml\n%s", under, PLAN_SEAM, over);
    assert_false(all.cut);
    return plan_read(arena, arena_text(arena, all.at, all.length), all.length, complaints, ret_plan);
}

static const struct plan_target *target_of(const struct plan *plan, const char *kind)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        if (strcmp(plan->targets[i].kind, kind) == 0) {
            return &plan->targets[i];
        }
    }
    return NULL;
}

/* Every shipped overlay goes over every shipped plan (S0-145 S0-140 S0-147 S0-136 S0-142; S0-03 S0-09 S0-16;
 * S0-99 S0-100; S0-36; S2-08). */
static void overlays_go_over_every_plan(void **state)
{
    static const char *const plans[] = {"swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h"};
    static const struct {
        const char *id, *kind; /* a clock that it states, and for how long; NULL: none */
        int64_t hours;
        enum plan_duty duty;
        int64_t count;
    } rows[] = {
        {"discipline", "supervision", 4, PLAN_DUTY_REGISTRATION, 20},
        {"project_monthly", "onsite", 24, PLAN_DUTY_CUSTOMER_VISIT, 6},
        {"guarantee_maintenance", NULL, 0, PLAN_DUTY_CONTACT, 3},
        {"two_person_warranty", "first_contact", 24, PLAN_DUTIES, 0},
        {"contract", NULL, 0, PLAN_DUTIES, 0},
    };

    (void)state;
    for (size_t p = 0; p < 4; p++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct complaints complaints = {.path = plans[p], .arena = arena};
            const struct plan *plan = NULL;
            TEXT(under, 100);
            TEXT(over, 100);

            text_addf(&under, "models/plans/%s.yaml", plans[p]);
            text_addf(&over, "models/plans/overlays/%s.yaml", rows[i].id);
            if (lay(load(under.at), load(over.at), &complaints, &plan)) {
                fail_msg("%s over %s: %s", rows[i].id, plans[p], complaints.lines[0]);
            }
            assert_string_equal(plan->id, plans[p]);
            assert_string_equal(plan->overlays[0], rows[i].id);
            assert_null(plan->overlays[1]);
            if (rows[i].kind) {
                struct plan_limit limit = target_of(plan, rows[i].kind)->limits[2][2];

                assert_int_equal(limit.limit.count, rows[i].hours);
                assert_int_equal(limit.origin.flag, 'S');
            }
            if (rows[i].count) {
                assert_int_equal(plan->duties[rows[i].duty].limit.count, rows[i].count);
                assert_int_equal(plan->duties[rows[i].duty].origin.flag, 'S');
            }
            assert_true(target_of(plan, "response")->limits[0][0].set); /* unset comes from underneath (G-03) */
            assert_int_equal(target_of(plan, "response")->limits[0][0].origin.flag, target_of(plan_of(plans[p]), "response")->limits[0][0].origin.flag);
        }
    }
}

/* An A never goes over an S; unset needs something underneath; findings name the overlay's file and place. */
static void overlays_that_do_not_fit(void **state)
{
    static const struct {
        const char *over, *line;
    } rows[] = {
        {"overlay: x\nclocks:\n  targets:\n    onsite_l1:\n      all: {value: 9h, origin: A}\n",
         "over.yaml:5:12: error: expected a stated value (origin S) over the stated one of 'all', found an assumption"},
        {"overlay: x\nclocks:\n  targets:\n    first_contact:\n      start: scoped\n      stop: contacted\n      all: {value: unset, origin: S, ids: [S0-36]}\n",
         "over.yaml:4:5: error: expected"},
        {"overlay: x\nitems:\n  survey:\n    target: {value: unset, origin: A}\n    other: {value: unset, origin: A}\n",
         "over.yaml:5:12: error: expected a value of 'other' underneath what is unset, found none"},
        {"overlay: x\nclocks:\n  targets:\n    dispatch:\n      all: {value: 5h, origin: S, ids: [S0-145]}\n      target: {value: 5h, origin: A}\n", "(C-25)"},
        {"overlay: x\nitems:\n  ticket:\n    kinds:\n      riddle: {value: [all], origin: A}\n",
         "over.yaml:5:7: error: expected a kind of ticket, found 'riddle'"},
        {"overlay: x\nitems:\n  ticket:\n    kinds:\n      complaint: {value: [response, supper], origin: A}\n",
         "expected all, or a clock of this plan, found 'supper'"},
        {"overlay: x\nclock: {}\n", "over.yaml:2:1: error: expected a known key"},
        {"version: 1\n", "over.yaml:1:1: error: expected the key 'overlay'"},
    };
    const char *under = load("models/plans/swh_standard.yaml");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaints complaints = {.path = "p.yaml", .arena = arena};
        const struct plan *plan = NULL;
        bool told = false;

        (void)!lay(under, rows[i].over, &complaints, &plan);
        for (size_t k = 0; k < complaints.count; k++) {
            told = told || strstr(complaints.lines[k], rows[i].line);
        }
        if (i == 1) { /* a whole clock of which nothing stands underneath is taken as it is: without a value */
            told = complaints.count > 0;
        }
        if (!told) {
            fail_msg("overlay %zu: %s", i, complaints.count ? complaints.lines[0] : "nothing was found");
        }
    }
}

static void limits_of_a_ticket(void **state)
{
    struct complaints complaints = {.path = "p", .arena = arena};
    const char *bytes = load("tests/golden/files/plan.yaml");
    const struct plan_target *onsite;
    const struct plan *plan;

    (void)state;
    assert_int_equal(plan_read(arena, bytes, strlen(bytes), &complaints, &plan), ERR_OK);
    onsite = &plan->targets[3];
    assert_string_equal(onsite->kind, "onsite");
    assert_int_equal(plan_limit_of(plan, onsite, 1, 'A', false, false).limit.count, 2);
    assert_int_equal(plan_limit_of(plan, onsite, 1, 'C', false, false).limit.count, 12);
    assert_int_equal(plan_limit_of(plan, onsite, 3, 'B', false, false).limit.unit, DURATION_D);
    assert_int_equal(plan_limit_of(plan, onsite, 3, 'B', true, false).limit.count, 2);
    assert_int_equal(plan_limit_of(plan, onsite, 3, 'B', false, true).limit.unit, DURATION_H);
    assert_false(plan_limit_of(plan, onsite, 0, 'B', false, false).set);
    assert_false(plan_limit_of(plan, onsite, 1, 'D', false, false).set);
    assert_int_equal(plan_limit_of(plan, &plan->targets[0], 2, 'B', true, true).limit.count, 30); /* it has neither */
}

/* ------------------------------------------------------------------ calendars */

static const struct zone *zone_called(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "UTC") == 0 ? zone_utc() : NULL;
}

static void wrong_calendars(void **state)
{
    static const struct {
        const char *bytes, *complaint; /* NULL: it is right */
    } rows[] = {
        {"{id: c, time_zone: UTC}", NULL},
        {"{id: c, time_zone: UTC, week: {mon: [\"00:00-24:00\"], sun: []}, holidays: [\"2027-01-01\"], workdays: []}", NULL},
        {"{time_zone: UTC}", "1:1: error: expected the key 'id'"},
        {"{id: c}", "1:1: error: expected the key 'time_zone'"},
        {"{id: c, time_zone: Mars}", "1:20: error: expected a time zone"},
        {"{id: c, time_zone: UTC, week: []}", "1:31: error: expected a map of days"},
        {"{id: c, time_zone: UTC, week: {monday: []}}", "1:32: error: expected a known key, one of mon tue"},
        {"{id: c, time_zone: UTC, week: {mon: \"08:00-09:00\"}}", "1:37: error: expected a list of hours"},
        {"{id: c, time_zone: UTC, week: {mon: [\"8-9\"]}}", "1:38: error: expected hours such as"},
        {"{id: c, time_zone: UTC, week: {mon: [\"09:00-08:00\"]}}", "1:38: error: expected hours such as"},
        {"{id: c, time_zone: UTC, week: {mon: [\"08:00-24:01\"]}}", "1:38: error: expected hours such as"},
        {"{id: c, time_zone: UTC, week: {mon: [\"08:00-10:00\", \"09:00-11:00\"]}}", "1:53: error: expected at most 6 spans, each after"},
        {"{id: c, time_zone: UTC, holidays: [\"2027-02-29\"]}", "1:36: error: expected a date such as"},
        {"{id: c, time_zone: UTC, workdays: [5]}", "1:36: error: expected a date such as"},
        {"{id: c, time_zone: UTC, open: 1}", "1:25: error: expected a known key"},
        {"5", "1:1: error: expected a calendar"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaints complaints = {.path = "c", .arena = arena};
        struct workdays workdays = {.id = NULL};
        struct yaml_node *root;

        assert_int_equal(yaml_parse(arena, rows[i].bytes, strlen(rows[i].bytes), &complaints, &root), ERR_OK);
        workdays_read(arena, root, &complaints, zone_called, NULL, &workdays);
        assert_int_equal(complaints.count, rows[i].complaint ? 1 : 0);
        if (rows[i].complaint && strncmp(complaints.lines[0] + 2, rows[i].complaint, strlen(rows[i].complaint)) != 0) {
            fail_msg("%s: %s", rows[i].bytes, complaints.lines[0]);
        }
    }
}

/* Without hours for the week every hour is worked, but for the holidays. */
static void a_week_left_out(void **state)
{
    static const char bytes[] = "{id: c, time_zone: UTC, holidays: [\"1970-01-02\"]}";
    struct complaints complaints = {.path = "c", .arena = arena};
    struct workdays workdays = {.id = NULL};
    struct yaml_node *root;

    (void)state;
    assert_int_equal(yaml_parse(arena, bytes, strlen(bytes), &complaints, &root), ERR_OK);
    workdays_read(arena, root, &complaints, zone_called, NULL, &workdays);
    assert_int_equal(workdays_between(&workdays, 0, 3 * 86400000LL), 2 * 86400000LL);
}

/* ------------------------------------------------------------------ warranty */

static int32_t *date_of(struct warranty_dates *dates, const char *rule)
{
    static const char *const names[] = {"acceptance_date", "completion_report_signed", "completion_date", "invoice_date", "sale_date", "factory_date"};
    int32_t *const all[] = {&dates->acceptance, &dates->completion_signed, &dates->completion, &dates->invoice, &dates->sale, &dates->manufacture};

    for (size_t i = 0; i < 6; i++) {
        if (strcmp(names[i], rule) == 0) {
            return all[i];
        }
    }
    fail_msg("no such date: %s", rule);
    return NULL;
}

/* The same day years later, by hand; 29 February becomes the 28th. */
static int32_t years_later(int year, int month, int day, int64_t years)
{
    bool leap = (year + years) % 4 == 0;

    return civil_days(year + (int)years, month, month == 2 && day == 29 && !leap ? 28 : day);
}

static void hold_row(const struct plan *plan, const struct plan_class *class, const struct warranty_dates *dates, const char *rule, int year,
                     int month, int day)
{
    int64_t years = class->term.unit == DURATION_Y ? class->term.count : class->term.count / 12;
    int32_t until = years_later(year, month, day, years) - 1;
    struct warranty on = warranty_judge(plan, dates, class->component, "hardware", until);
    struct warranty after = warranty_judge(plan, dates, class->component, "software", until + 1);
    TEXT(words, 300);
    TEXT(evidence, 100);

    assert_int_equal(on.verdict, WARRANTY_COVERED);
    assert_int_equal(on.until, until);
    assert_int_equal(after.verdict, WARRANTY_EXPIRED);
    assert_string_equal(on.start_rule, rule);
    assert_int_equal(warranty_judge(plan, dates, class->component, "external", until).verdict, WARRANTY_EXCLUDED);
    warranty_rule(plan, &on, &words);
    warranty_evidence(&on, &evidence);
    assert_non_null(strstr(words.at, class->component));
    assert_non_null(strstr(words.at, rule));
    assert_non_null(strstr(evidence.at, rule));
}

/* Every plan, every rule of its order (those before it unknown), every class, common and leap days. */
static void every_start_and_every_class(void **state)
{
    static const char *const ids[] = {"swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h"};
    static const int days[][3] = {{2025, 3, 6}, {2024, 2, 29}, {2023, 12, 31}, {2024, 3, 1}, {2025, 1, 1}};
    int rows = 0;

    (void)state;
    for (size_t p = 0; p < 4; p++) {
        const struct plan *plan = plan_of(ids[p]);

        assert_true(plan->class_count >= 6);
        for (size_t r = 0; plan->start_order[r]; r++) {
            for (size_t d = 0; d < 5; d++) {
                struct warranty_dates dates = {WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE};

                for (size_t later = r; plan->start_order[later]; later++) { /* those behind it must not matter */
                    *date_of(&dates, plan->start_order[later]) = civil_days(2001, 1, 1) + (int32_t)later;
                }
                *date_of(&dates, plan->start_order[r]) = civil_days(days[d][0], days[d][1], days[d][2]);
                for (size_t c = 0; c < plan->class_count; c++) {
                    hold_row(plan, &plan->classes[c], &dates, plan->start_order[r], days[d][0], days[d][1], days[d][2]);
                    rows++;
                }
            }
        }
    }
    printf("%d rows\n", rows);
}

static void what_no_rule_covers(void **state)
{
    struct warranty_dates none = {WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE, WARRANTY_NO_DATE};
    const struct plan *plan = plan_of("swh_standard");
    struct warranty warranty = warranty_judge(plan, &none, "tank", "hardware", 20000);
    TEXT(words, 300);

    (void)state;
    assert_int_equal(warranty.verdict, WARRANTY_UNKNOWN);
    assert_null(warranty.start_rule);
    assert_int_equal(warranty.until, WARRANTY_NO_DATE);
    warranty_evidence(&warranty, &words);
    assert_non_null(strstr(words.at, "none of the dates"));
    warranty = warranty_judge(plan, &none, "gold", "hardware", 20000);
    assert_int_equal(warranty.verdict, WARRANTY_UNKNOWN);
    text_clear(&words);
    warranty_rule(plan, &warranty, &words);
    assert_non_null(strstr(words.at, "says nothing about gold"));
    assert_int_equal(warranty_judge(plan, &none, NULL, NULL, 20000).verdict, WARRANTY_UNKNOWN);
    assert_int_equal(warranty_judge(plan, &none, "tank", "external", 20000).verdict, WARRANTY_EXCLUDED);
}

/* ------------------------------------------------------------------ tickets */

/* What is said to be legal is, and nothing else; words come back to the numbers they stand for. */
static void legal_is_what_may_be_done(void **state)
{
    (void)state;
    for (int s = 0; ticket_state_names[s]; s++) {
        assert_int_equal(ticket_state_read(ticket_state_names[s]), s);
        for (int flags = 0; flags < 16 * (ROLE_SERVER + 1); flags++) {
            struct ticket_facts facts = {.state = (enum ticket_state)s,
                                         .role = (enum role)(flags >> 4),
                                         .paused = flags & 1,
                                         .quote_open = flags & 2,
                                         .consent_needed = flags & 4,
                                         .consent_given = flags & 8};
            TEXT(legal, 600);

            ticket_legal(&facts, &legal);
            for (int a = 0; a < TICKET_ACTIONS; a++) {
                const struct ticket_row *row = ticket_row((enum ticket_action)a);
                enum ticket_state next = TICKET_CLOSED;
                TEXT(word, 40);
                TEXT(list, 610);
                TEXT(why, 900);
                enum err err = ticket_move(&facts, (enum ticket_action)a, &next, &why);
                bool done = !err, may = row->roles & ROLE_BIT(facts.role);

                text_addf(&word, " %s ", row->name);
                text_addf(&list, " %s ", legal.at);
                assert_int_equal(strstr(list.at, word.at) != NULL, done);
                assert_true(done || err == (may ? ERR_STATE : ERR_FORBIDDEN));
                assert_int_equal(why.length > 0, !done);
                assert_int_equal(ticket_action_read(row->name), a);
                assert_true(s != TICKET_CLOSED || !done || row->to == TICKET_STAY || a == TICKET_REOPEN || a == TICKET_OBJECT);
                assert_true(!done || a != TICKET_PAUSE || !facts.paused);
                assert_true(!done || a != TICKET_START || !facts.consent_needed || facts.consent_given);
            }
        }
    }
    assert_int_equal(ticket_action_read("fly"), -1);
    assert_int_equal(ticket_state_read(NULL), -1);
    assert_true(ticket_pause_reason_ok("customer_absent"));
    assert_false(ticket_pause_reason_ok("lunch"));
}

static int open_arena(void **state)
{
    (void)state;
    return arena_open(64 << 20, &arena) != ERR_OK;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thing_wrong),
        cmocka_unit_test(parts_slower_than_repairs),
        cmocka_unit_test(limits_of_a_ticket),
        cmocka_unit_test(overlays_go_over_every_plan),
        cmocka_unit_test(overlays_that_do_not_fit),
        cmocka_unit_test(wrong_calendars),
        cmocka_unit_test(a_week_left_out),
        cmocka_unit_test(every_start_and_every_class),
        cmocka_unit_test(what_no_rule_covers),
        cmocka_unit_test(legal_is_what_may_be_done),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
