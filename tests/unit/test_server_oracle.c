/*
 * Tickets under random histories against an oracle that counts minutes: pauses by kind, grades that rise and fall, late
 * words, arrivals, clearings, ends and beginnings again on the same number; by every plan, in zones that change their
 * clocks, over holidays with make-up days. The oracle reads limits and pauses from the plan's text and shares no code
 * with the clocks; it knows what was done, not what the desk made of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/base/civil.h"
#include "server/desk/desk.h"
#include "server/desk/view.h"
#include "server/fleet/fleet_file.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define SPAN   (60 * 1440) /* minutes of the table */

static char path[64], url[80];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static struct arena *room;
static int64_t now_ms;
static int ids;

/* ------------------------------------------------------------------ chance */

static uint64_t random_state;

static int draw(int most)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (uint64_t)most);
}

/* ------------------------------------------------------------------ a company in a place */

struct place {
    const char *zone, *day; /* where, and from when on */
    const char *holidays, *extra; /* of its calendar */
};

static const struct place places[] = {
    {"Asia/Shanghai", "2026-02-11", "2026-02-15 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-02-21 2026-02-22 2026-02-23", "2026-02-14 2026-02-28"},
    {"Europe/Berlin", "2026-03-26", "2026-04-03 2026-04-06", ""},
    {"Europe/Berlin", "2026-10-22", "2026-10-31", "2026-10-24"},
    {"America/New_York", "2027-03-11", "", "2027-03-13"},
    {"America/New_York", "2026-10-29", "2026-11-11", ""},
    {"Australia/Lord_Howe", "2026-04-02", "2026-04-03 2026-04-06", ""},
};
static const char *const plans[] = {
    "swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h", "tiered_abc, overlays: [discipline, two_person_warranty]",
    "generic_24_48, overlays: [project_monthly]",
};
#define HEATERS 4

static int64_t base_ms;                 /* the first minute of the table */
static bool worked[SPAN];               /* minutes of the calendar that are worked */
static int32_t day_of[SPAN];            /* and the civil day of each */
static const struct plan *plan;
static char level;

static void say(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void put_dates(struct text *to, const char *dates)
{
    for (const char *at = dates; *at; at += strcspn(at, " "), at += *at == ' ') {
        text_addf(to, "%s'%.10s'", at == dates ? "" : ", ", at);
    }
}

/* By the C library: what is worked in which minute. A make-up day is worked as Monday is. */
static void make_table(const struct place *place)
{
    assert_int_equal(setenv("TZ", place->zone, 1), 0);
    tzset();
    for (int i = 0; i < SPAN; i++) {
        time_t t = (time_t)(base_ms / 1000 + 60LL * i);
        struct tm tm;
        char day[40];
        int minute;

        assert_non_null(localtime_r(&t, &tm));
        snprintf(day, sizeof(day), "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
        minute = 60 * tm.tm_hour + tm.tm_min;
        day_of[i] = civil_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
        worked[i] = (strstr(place->extra, day) || (tm.tm_wday >= 1 && tm.tm_wday <= 5 && !strstr(place->holidays, day))) &&
                    ((minute >= 510 && minute < 720) || (minute >= 780 && minute < 1050));
    }
}

static void begin(const struct place *place, const char *contract)
{
    struct office_options options = {.rules = rules, .time_zone = place->zone, .preset_plan = "swh_standard"};
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    struct arena *arena;
    int64_t changed;
    int32_t day;
    char key[200];
    static char words[8000];
    struct text text = text_on(words, sizeof(words));
    TEXT(why, 300);

    scratch_remove(path);
    assert_int_equal(civil_read_date(place->day, &day), ERR_OK);
    base_ms = (day - 1) * DAY;
    now_ms = base_ms + DAY + (int64_t)draw(1440) * MINUTE;
    level = (char)('A' + draw(3));
    make_table(place);
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    text_addf(&text, "customers: [{id: c, name: Li, phone: '+86 21 5550 1234'}]\ncalendars: [{id: k, time_zone: %s, week: {", place->zone);
    for (int i = 0; i < 5; i++) {
        text_addf(&text, "%s%.3s: ['08:30-12:00', '13:00-17:30']", i ? ", " : "", &"montuewedthufri"[3 * i]);
    }
    text_add(&text, "}, holidays: [");
    put_dates(&text, place->holidays);
    text_add(&text, "], workdays: [");
    put_dates(&text, place->extra);
    text_addf(&text, "]}]\nsites:\n  - {id: s, customer: c, address: x, time_zone: %s, calendar: k}\n"
                     "  - {id: far, customer: c, address: y, time_zone: %s, calendar: k, remote_area: true}\n"
                     "teams: [{id: t, name: Crew, sites: [s, far], skills: [electrician]}]\ntechnicians: [{id: h, name: Wang, team: t}]\n"
                     "contracts: [{id: x, customer: c, sites: [s, far], plan: %s, service_level: %c}]\nequipment:\n",
              place->zone, place->zone, contract, level);
    for (int i = 0; i < HEATERS; i++) {
        text_addf(&text, "  - {id: e%d, site: %s, profile: swh-basic, agent: a, acceptance_date: '2025-03-06', sale_date: '2025-03-06',"
                         " invoice_date: '2026-01-01'}\n", i, i % 3 ? "s" : "far");
    }
    assert_int_equal(arena_open(4 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    if (fleet_check(arena, sql, rules, text.at, text.length, &complaints, &root)) {
        fail_msg("%s", complaints.lines[0]);
    }
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
    arena_close(arena);
    snprintf(key, sizeof(key), "%.*s", (int)strcspn(contract, ","), contract);
    for (const char *over = strchr(contract, '['); over && *over != ']'; over += 1 + strcspn(over + 1, ",]")) {
        snprintf(key + strlen(key), sizeof(key) - strlen(key), "+%.*s", (int)strcspn(over + 1 + (over[1] == ' '), ",]"), over + 1 + (over[1] == ' '));
    }
    plan = rules_plan(rules, key);
    assert_non_null(plan);
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    scratch_remove(path);
}

/* ------------------------------------------------------------------ what is done to a ticket */

#define EVENTS_MOST 200

enum did { RESPONDED, PARKED, ANSWERED, PAUSED, RESUMED, GRADED, DISPATCHED, ASSIGNED, APPOINTED, TOLD, CONTACTED, ARRIVED, CLEARED,
           RESTORED, CLOSED, REOPENED };

static struct event {
    enum did did;
    int64_t at_ms;
    const char *reason; /* of a pause */
    int grade;
} events[EVENTS_MOST];
static size_t event_count;
static int64_t ticket, registered_ms, last_ms;
static int grade;
static bool remote;

static void note(enum did did, int64_t at_ms)
{
    assert_true(event_count < EVENTS_MOST);
    events[event_count++] = (struct event){.did = did, .at_ms = at_ms, .grade = grade};
}

static void telemetry(int heater, enum fault_state state)
{
    char name[8];
    struct desk_fault said = {.fault = "pump_weak", .state = state, .grade = grade, .onset_ms = now_ms - MINUTE, .detected_ms = now_ms,
                              .cleared_ms = now_ms, .t_ms = now_ms};

    snprintf(name, sizeof(name), "e%d", heater);
    said.equipment = sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name);
    assert_int_equal(desk_fault(desk, sql, &said, now_ms), ERR_OK);
}

/* Time goes on; now and then the server is down for a while, and looks late. */
static void pass(int64_t ms)
{
    int64_t until = now_ms + ms, next_ms = now_ms;
    bool down = draw(4) == 0;

    while (!down && now_ms < until) {
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        next_ms = next_ms < now_ms + 47 * MINUTE ? now_ms + 47 * MINUTE : next_ms; /* a slow one: it foresees by the minute */
        now_ms = next_ms > until ? until : next_ms;
        assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1", "i", now_ms), ERR_OK);
    }
    now_ms = until;
    assert_int_equal(sql_run(sql, "UPDATE equipment SET last_seen_ms = ?1", "i", now_ms), ERR_OK);
    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
}

static bool by(bool order, const char *name, const char *said, int64_t at_ms)
{
    char key[16];
    int64_t id = order ? sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order WHERE ticket = ?1", "i", ticket) : ticket;
    struct action action = {.action = name, .action_id = key, .who = "ann", .role = ROLE_MANAGER, .at_ms = at_ms};
    struct arena *arena;
    TEXT(why, 600);
    enum err err;

    snprintf(key, sizeof(key), "i%d", ++ids);
    assert_int_equal(arena_open(1 << 20, &arena), ERR_OK);
    assert_int_equal(json_parse(arena, said, strlen(said), &action.body, NULL), ERR_OK);
    assert_int_equal(sql_save(sql), ERR_OK);
    err = order ? desk_work_action(desk, sql, id, &action, now_ms, &why) : desk_ticket_action(desk, sql, id, &action, now_ms, &why);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    arena_close(arena);
    return !err;
}

/* When it was done: now, or some time since the last thing, and said only now. */
static int64_t some_time(void)
{
    int64_t back = draw(3) ? 0 : (int64_t)draw(300) * MINUTE;

    return now_ms - back <= last_ms ? last_ms + MINUTE : now_ms - back;
}

static void do_pause(int64_t at_ms)
{
    static const char *const reasons[] = {"customer_absent", "access_refused", "force_majeure", "consent_pending", "parts_customer"};
    const char *reason = reasons[draw(5)];
    char said[60];

    snprintf(said, sizeof(said), "{\"reason\":\"%s\"}", reason);
    if (by(false, "pause", said, at_ms)) {
        note(PAUSED, at_ms);
        events[event_count - 1].reason = reason;
    } else if (by(false, "resume", "{}", at_ms)) {
        note(RESUMED, at_ms);
    }
}

static void do_grade(int64_t at_ms)
{
    int to = 1 + draw(3);
    char said[60];

    snprintf(said, sizeof(said), "{\"grade\":%d,\"reason\":\"x\"}", to);
    if (to != grade && by(false, "regrade", said, at_ms)) {
        grade = to;
        note(GRADED, at_ms);
    }
}

static void do_assign(int64_t at_ms)
{
    bool when = draw(2), told = draw(2);
    char said[200], from[40];
    time_t t = (time_t)(at_ms / 1000 + 3600);
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(from, sizeof(from), "%Y-%m-%dT%H:%M:%SZ", &tm);
    snprintf(said, sizeof(said), "{\"technician\":\"h\",\"override\":{\"reason\":\"x\"},\"customer_told\":%s%s%s%s%s%s}", told ? "true" : "false",
             when ? ",\"appointment\":{\"from\":\"" : "", when ? from : "", when ? "\",\"to\":\"" : "", when ? from : "", when ? "\"}" : "");
    if (by(false, "assign", said, at_ms)) {
        note(ASSIGNED, at_ms);
        if (when) {
            note(APPOINTED, at_ms);
        }
        if (told) {
            note(TOLD, at_ms);
        }
    }
}

static void do_one(void)
{
    static const struct {
        const char *action, *said;
        enum did did;
    } simple[] = {{"respond", "{}", RESPONDED},     {"park", "{\"question\":\"x\"}", PARKED}, {"answer", "{\"answer\":\"x\"}", ANSWERED},
                  {"dispatch", "{\"team\":\"t\"}", DISPATCHED}, {"contact", "{}", CONTACTED}};
    int64_t at_ms = some_time();
    int what = draw(11);

    if (what < 5) {
        if (by(false, simple[what].action, simple[what].said, at_ms)) {
            note(simple[what].did, at_ms);
        }
    } else if (what < 7) {
        do_pause(at_ms);
    } else if (what < 9) {
        do_grade(at_ms);
    } else if (what == 9) {
        do_assign(at_ms);
    } else if (by(true, "arrive", "{}", at_ms)) {
        note(ARRIVED, at_ms);
    }
    if (event_count) {
        last_ms = events[event_count - 1].at_ms;
    }
}

/* ------------------------------------------------------------------ the oracle */

struct clock {
    int64_t due_ms, breached_ms, met_ms, paused_min; /* -1: none */
    const char *state;
};

static const struct yaml_node *child(const struct yaml_node *map, const char *key)
{
    for (map = map ? map->first : NULL; map; map = map->next) {
        if (map->key && strcmp(map->key, key) == 0) {
            return map;
        }
    }
    return NULL;
}

static const struct yaml_node *target_node(const char *kind)
{
    return child(child(child(plan->root, "clocks"), "targets"), kind);
}

/* Whether a reason holds a clock, by the plan's text. A closed ticket holds all. */
static bool holds(const char *reason, const char *kind)
{
    const struct yaml_node *item = child(child(child(child(plan->root, "clocks"), "pauses"), reason), "value");

    for (item = item ? item->first : NULL; item; item = item->next) {
        if (strcmp(item->text, "all") == 0 || strcmp(item->text, kind) == 0) {
            return true;
        }
    }
    return strcmp(reason, "closed") == 0;
}

/* "2h" to 2 and its unit; false: the plan says nothing. */
static bool limit_text(const struct yaml_node *leaf, long *ret_count, char *unit)
{
    const struct yaml_node *value = child(leaf, "value");
    char *rest;

    if (!value) {
        return false;
    }
    *ret_count = strtol(value->text, &rest, 10);
    snprintf(unit, 4, "%s", rest);
    return true;
}

/* Minutes, or working days as their negative; 0: nothing is promised. */
static long plain_limit(const char *kind, int of_grade)
{
    static const char *const grades[] = {"g1", "g2", "g3"};
    const struct yaml_node *target = target_node(kind), *leaf = child(target, grades[of_grade - 1]);
    char letter[2] = {level, 0}, unit[4] = "";
    long count;

    leaf = leaf ? leaf : child(target, "all");
    leaf = child(leaf, "value") ? leaf : child(leaf, letter);
    if (remote && child(target, "remote_area")) {
        leaf = child(target, "remote_area");
    }
    if (of_grade == 1 && child(target, "emergency")) {
        leaf = child(target, "emergency");
    }
    if (!limit_text(leaf, &count, unit)) {
        return 0;
    }
    return strcmp(unit, "wd") == 0 ? -count : strcmp(unit, "h") == 0 ? 60 * count : count;
}

static long limit_of(const char *kind, int of_grade)
{
    const struct yaml_node *cap = child(child(target_node(kind), "cap_onsite"), "value");
    const struct yaml_node *all = child(child(plan->root, "clocks"), "targets");
    long limit = plain_limit(kind, of_grade), onsite = 0;

    for (const struct yaml_node *one = cap ? all->first : NULL; one; one = one->next) {
        if (strcmp(child(one, "stop")->text, "arrived") == 0 && (!onsite || plain_limit(one->key, of_grade) < onsite)) {
            onsite = plain_limit(one->key, of_grade);
        }
    }
    if (cap && limit > 0 && onsite > 0 && (double)limit > strtod(cap->text, NULL) * (double)onsite) {
        limit = (long)(strtod(cap->text, NULL) * (double)onsite);
    }
    return limit;
}

static int64_t first_of(enum did did, int64_t from_ms)
{
    for (size_t i = 0; i < event_count; i++) {
        if (events[i].did == did && events[i].at_ms >= from_ms) {
            return events[i].at_ms;
        }
    }
    return -1;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* When the last thing of a kind was; -1. */
static int64_t last_of(enum did did)
{
    int64_t at_ms = -1;

    for (size_t i = 0; i < event_count; i++) {
        at_ms = events[i].did == did ? events[i].at_ms : at_ms;
    }
    return at_ms;
}

static bool stops(const char *kind, const char *word)
{
    return strcmp(child(target_node(kind), "stop")->text, word) == 0;
}

/* The start of a clock, or -1; a repeated one from its own event. */
static int64_t start_of(const char *kind)
{
    const char *start = child(target_node(kind), "start")->text;

    if (strcmp(start, "registered") == 0 || strcmp(start, "report") == 0) {
        return registered_ms;
    }
    if (strcmp(start, "forwarded") == 0) {
        return sooner(first_of(DISPATCHED, 0), first_of(ASSIGNED, 0));
    }
    return strcmp(start, "scoped") == 0 ? first_of(ASSIGNED, 0) : -1;
}

static int64_t later(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? -1 : a > b ? a : b;
}

/* The fault is gone for good by a hold that was not followed by a new beginning. */
static int64_t cleared_for_good(void)
{
    int64_t restored = last_of(RESTORED), again = last_of(REOPENED);

    return restored >= 0 && restored > again ? last_of(CLEARED) : -1;
}

static int64_t met_of(const char *kind, int64_t started_ms)
{
    if (stops(kind, "response")) {
        return sooner(sooner(first_of(RESPONDED, 0), first_of(ANSWERED, 0)), first_of(ARRIVED, 0));
    }
    if (stops(kind, "dispatched")) {
        return sooner(first_of(DISPATCHED, 0), first_of(ASSIGNED, 0));
    }
    if (stops(kind, "assigned")) { /* arranged, told, filed */
        return later(later(first_of(APPOINTED, 0), first_of(TOLD, 0)), first_of(ASSIGNED, 0));
    }
    if (stops(kind, "arranged")) {
        return first_of(APPOINTED, 0);
    }
    if (stops(kind, "contacted")) { /* before the crew was known it is no contact of the crew's */
        return first_of(CONTACTED, started_ms);
    }
    if (stops(kind, "arrived")) {
        return first_of(ARRIVED, 0);
    }
    if (stops(kind, "receipt")) {
        return registered_ms;
    }
    return stops(kind, "cleared") ? sooner(cleared_for_good(), last_of(CLOSED) > last_of(REOPENED) ? last_of(CLOSED) : -1) : -1;
}

static bool for_the_visit(const char *kind)
{
    return stops(kind, "dispatched") || stops(kind, "assigned") || stops(kind, "arrived") || stops(kind, "contacted") || stops(kind, "arranged");
}

static bool held[SPAN]; /* minutes in which the clock that is looked at stands still */

static void hold(int64_t from_ms, int64_t to_ms)
{
    for (int64_t at_ms = from_ms; at_ms < to_ms; at_ms += MINUTE) {
        held[(at_ms - base_ms) / MINUTE] = true;
    }
}

/* By what was done until known_ms; a pause that is open then ends there. */
static void make_held(const char *kind, int64_t known_ms)
{
    const struct event *open = NULL;
    int64_t closed_ms = -1;

    memset(held, 0, sizeof(held));
    for (size_t i = 0; i < event_count && events[i].at_ms <= known_ms; i++) {
        const struct event *event = &events[i];

        if (event->did == PAUSED) {
            open = event;
        } else if (open && (event->did == RESUMED || event->did == CLOSED)) {
            if (holds(open->reason, kind)) {
                hold(open->at_ms, event->at_ms);
            }
            open = NULL;
        }
        if (event->did == CLOSED) {
            closed_ms = event->at_ms;
        } else if (event->did == REOPENED) {
            hold(closed_ms, event->at_ms);
        }
    }
    if (open && holds(open->reason, kind)) {
        hold(open->at_ms, known_ms);
    }
}

static bool is_open_hold(const char *kind, int64_t known_ms)
{
    const struct event *open = NULL;

    for (size_t i = 0; i < event_count && events[i].at_ms <= known_ms; i++) {
        open = events[i].did == PAUSED ? &events[i] : events[i].did == RESUMED || events[i].did == CLOSED ? NULL : open;
    }
    return open && holds(open->reason, kind);
}

/* The limit that counts at the end, and since when it has been promised. */
static long promise_of(const char *kind, int64_t started_ms, int64_t until_ms, int first_grade, int64_t *ret_since_ms)
{
    long limit = 0;
    int now = first_grade;

    *ret_since_ms = 0;
    for (size_t i = 0; i < event_count && events[i].at_ms <= started_ms; i++) {
        now = events[i].did == GRADED && events[i].at_ms < started_ms ? events[i].grade : now;
    }
    limit = limit_of(kind, now);
    for (size_t i = 0; i < event_count; i++) {
        if (events[i].did == GRADED && events[i].at_ms >= started_ms && events[i].at_ms <= until_ms) {
            long next = limit_of(kind, events[i].grade);

            if (next && limit && next != limit) {
                *ret_since_ms = events[i].at_ms;
            }
            limit = next ? next : limit;
        }
    }
    return limit;
}

static int64_t due_in_days(int64_t started_ms, long days)
{
    int at = (int)((started_ms - base_ms) / MINUTE);
    int32_t first = day_of[at], day = first;

    while (days > 0) {
        bool some = false;
        int last = at;

        while (at < SPAN && day_of[at] == day) {
            at++;
        }
        assert_true(at < SPAN);
        day = day_of[at];
        for (int i = at; i < SPAN && day_of[i] == day; i++) {
            some = some || (worked[i] && !held[i]);
            last = worked[i] ? i : last;
        }
        days -= some;
        if (days == 0) {
            return base_ms + (last + 1) * MINUTE;
        }
    }
    return -1;
}

static int64_t due_in_minutes(int64_t started_ms, long minutes)
{
    int64_t at = (started_ms - base_ms) / MINUTE;

    for (; minutes > 0; at++) {
        assert_true(at < SPAN);
        minutes -= !held[at];
    }
    return base_ms + at * MINUTE;
}

/* given_up: when nothing more was owed; -1: not. */
static struct clock judge(const char *kind, int64_t started_ms, int64_t met_ms, int first_grade, int64_t given_up)
{
    struct clock clock = {.due_ms = -1, .breached_ms = -1, .met_ms = met_ms >= 0 && met_ms < started_ms ? started_ms : met_ms};
    int64_t end_ms = now_ms, since_ms, still_ms;
    long limit;

    /* the hold: what is for the fault stands still */
    still_ms = last_of(CLEARED) > last_of(RESTORED) && last_of(CLEARED) > last_of(REOPENED) && (for_the_visit(kind) || stops(kind, "cleared"))
                   ? last_of(CLEARED) : -1;
    end_ms = still_ms >= 0 ? still_ms : end_ms;
    if (clock.met_ms >= 0) {
        end_ms = clock.met_ms;
    } else if (given_up >= 0) {
        end_ms = given_up > started_ms ? given_up : started_ms;
    }
    limit = promise_of(kind, started_ms, end_ms, first_grade, &since_ms);
    assert_true(limit != 0);
    make_held(kind, end_ms);
    clock.due_ms = limit < 0 ? due_in_days(started_ms, -limit) : due_in_minutes(started_ms, limit);
    for (int64_t at = started_ms; at < end_ms; at += MINUTE) {
        clock.paused_min += held[(at - base_ms) / MINUTE];
    }
    if (end_ms > clock.due_ms && end_ms >= since_ms) {
        clock.breached_ms = clock.due_ms > since_ms ? clock.due_ms : since_ms;
    }
    clock.state = clock.breached_ms >= 0            ? "breached"
                  : clock.met_ms >= 0               ? "met"
                  : given_up >= 0                   ? "cancelled"
                  : is_open_hold(kind, end_ms)      ? "paused"
                                                    : "running";
    return clock;
}

/* What was missed before it was given up stays missed, and is not given up. */
static struct clock oracle(const char *kind, int64_t started_ms, int64_t met_ms, int first_grade)
{
    int64_t given_up = for_the_visit(kind) ? cleared_for_good() : -1;
    struct clock clock;

    if (last_of(CLOSED) > last_of(REOPENED)) {
        given_up = sooner(given_up, last_of(CLOSED));
    }
    clock = judge(kind, started_ms, met_ms, first_grade, given_up);
    return clock.met_ms < 0 && clock.breached_ms >= 0 ? judge(kind, started_ms, met_ms, first_grade, -1) : clock;
}

/* ------------------------------------------------------------------ compared */

static int64_t instant(const struct cJSON *clock, const char *field)
{
    const char *words = json_text_or(clock, field, NULL);
    int64_t ms = -1;

    return words && civil_read_instant(words, &ms) == ERR_OK ? ms : -1;
}

static void tell_history(void)
{
    static const char *const names[] = {"respond", "park", "answer", "pause", "resume", "grade", "dispatch", "assign", "appointment", "told", "contact",
                                        "arrive", "clear", "restored", "close", "reopen"};

    print_message("plan %s level %c remote %d registered %lld\n", plan->id, level, remote, (long long)registered_ms);
    for (size_t i = 0; i < event_count; i++) {
        print_message("  +%lld min %s %s %d\n", (long long)((events[i].at_ms - registered_ms) / MINUTE), names[events[i].did],
                      events[i].reason ? events[i].reason : "", events[i].grade);
    }
    print_message("  now +%lld min\n", (long long)((now_ms - registered_ms) / MINUTE));
}

static int compared, missed;

static void compare_one(const struct cJSON *shown, const struct clock *want)
{
    const char *kind = json_text_or(shown, "kind", "");
    int64_t due = instant(shown, "due_at"), breached = instant(shown, "breached_at"), met = instant(shown, "met_at");
    int64_t stored = sql_find_int(sql, -1, "SELECT breached_ms FROM clock WHERE ticket = ?1 AND kind = ?2 AND started_ms = ?3", "iti", ticket, kind,
                                  instant(shown, "started_at"));
    bool is_breached = strcmp(want->state, "breached") == 0;

    compared++;
    missed += is_breached;
    /* what was given up has no due time to speak of */
    if (strcmp(json_text_or(shown, "state", ""), want->state) != 0 || (strcmp(want->state, "cancelled") != 0 && due != want->due_ms) ||
        breached != want->breached_ms || met != want->met_ms || json_int_or(shown, "paused", -1) != want->paused_min * 60 ||
        (stored > 0) != is_breached || (is_breached && stored != want->breached_ms)) {
        tell_history();
        fail_msg("%s: %s due %lld breached %lld (kept %lld) met %lld paused %lld, not %s due %lld breached %lld met %lld paused %lld (min after %lld)", kind,
                 json_text_or(shown, "state", ""), (long long)(due - registered_ms) / MINUTE, (long long)(breached - registered_ms) / MINUTE,
                 (long long)(stored - registered_ms) / MINUTE, (long long)(met - registered_ms) / MINUTE, (long long)json_int_or(shown, "paused", -1) / 60,
                 want->state, (long long)(want->due_ms - registered_ms) / MINUTE, (long long)(want->breached_ms - registered_ms) / MINUTE,
                 (long long)(want->met_ms - registered_ms) / MINUTE, (long long)want->paused_min, (long long)registered_ms);
    }
}

static void compare(int first_grade)
{
    struct json_out out = json_out(1 << 20);
    const struct cJSON *root;
    int callbacks = 0;

    arena_reset(room);
    assert_int_equal(view_ticket(sql, rules, ticket, ROLE_MANAGER, now_ms, &out), ERR_OK);
    assert_int_equal(json_parse(room, out.bytes, out.size, &root, NULL), ERR_OK);
    for (const struct cJSON *shown = json_first(json_field(root, "clocks")); shown; shown = json_next(shown)) {
        const char *kind = json_text_or(shown, "kind", "");
        int64_t started_ms, met_ms;
        struct clock want;

        /* others say what these are about: checks that the server makes itself, plans for complex faults, the analysis */
        if (stops(kind, "checked") || stops(kind, "ruled") || stops(kind, "solution") || stops(kind, "approved") || stops(kind, "restored") ||
            (stops(kind, "cleared") && strcmp(json_text_or(json_field(root, "classification"), "complexity", ""), "complex") == 0)) {
            continue;
        }
        if (stops(kind, "answered")) {
            size_t i = 0;

            for (int k = 0; i < event_count; i++) {
                if (events[i].did == PARKED && k++ == callbacks) {
                    break;
                }
            }
            callbacks++;
            started_ms = events[i].at_ms;
            met_ms = -1;
            for (; i < event_count && met_ms < 0; i++) {
                met_ms = events[i].did == ANSWERED ? events[i].at_ms : -1;
            }
        } else {
            started_ms = start_of(kind);
            met_ms = met_of(kind, started_ms);
        }
        assert_int_equal(instant(shown, "started_at"), started_ms);
        want = oracle(kind, started_ms, met_ms, first_grade);
        compare_one(shown, &want);
    }
    json_out_free(&out);
}

/* ------------------------------------------------------------------ histories */

static void some_things(int first_grade)
{
    for (int n = 2 + draw(6); n > 0; n--) {
        pass((int64_t)(1 + draw(draw(3) ? 120 : 1500)) * MINUTE);
        do_one();
        compare(first_grade);
    }
}

/* Telemetry is normal, the hold passes, somebody closes; now and then a little late. */
static void to_the_end(int heater, int first_grade)
{
    telemetry(heater, FAULT_CLEARED);
    note(CLEARED, now_ms);
    pass(10 * MINUTE);
    compare(first_grade);
    pass(25 * MINUTE);
    note(RESTORED, now_ms);
    compare(first_grade);
    last_ms = now_ms;
    pass((int64_t)(1 + draw(2000)) * MINUTE);
    last_ms = some_time();
    assert_true(by(false, "close", "{\"resolution\":\"done\",\"override\":true,\"reason\":\"x\"}", last_ms));
    note(CLOSED, last_ms);
    compare(first_grade);
}

static void history(int heater)
{
    int first_grade = grade = 1 + draw(3);

    event_count = 0;
    remote = heater % 3 == 0;
    registered_ms = last_ms = now_ms;
    telemetry(heater, FAULT_RAISED);
    ticket = sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket", "");
    assert_int_equal(sql_find_int(sql, 0, "SELECT registered_ms FROM ticket WHERE id = ?1", "i", ticket), registered_ms);
    compare(first_grade);
    some_things(first_grade);
    if (draw(3)) {
        to_the_end(heater, first_grade);
        pass((int64_t)(1 + draw(4000)) * MINUTE);
        compare(first_grade);
        if (draw(2) && by(false, "reopen", "{\"reason\":\"x\"}", now_ms)) {
            last_ms = now_ms;
            note(REOPENED, now_ms);
            compare(first_grade);
            some_things(first_grade);
        }
    }
}

static void clocks_equal_the_oracle(void **state)
{
    const char *words = getenv("HELIOGRAPH_SEED"), *rounds = getenv("HELIOGRAPH_ROUNDS");

    (void)state;
    random_state = words ? strtoull(words, NULL, 10) : 41;
    printf("seed %llu\n", (unsigned long long)random_state);
    for (int round = 0; round < (rounds ? atoi(rounds) : 1); round++) {
        for (size_t p = 0; p < sizeof(plans) / sizeof(plans[0]); p++) {
            for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                int64_t begin_ms;

                begin(&places[i], plans[p]);
                begin_ms = now_ms;
                for (int heater = 0; heater < HEATERS && now_ms < begin_ms + 30 * DAY; heater++) {
                    history(heater);
                }
                end();
            }
        }
    }
    printf("%d clocks compared, %d of them missed\n", compared, missed);
    assert_true(compared > 5000 && missed > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_equal_the_oracle),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/heliograph-oracle-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (arena_open(8 << 20, &room) || rules_open("models/equipment", "models/plans", say, NULL, &rules) ||
        rules_add_jobs(rules, "models/jobs") || rules_add_codes(rules, "models/codes.yaml")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    arena_close(room);
    return failed;
}
