/* The company and its files, and how things are done to the desk. */
#include "tests/sim/visits/visits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/civil.h"
#include "server/fleet/fleet_file.h"
#include "server/store/schema.h"

const struct rhythm rhythms[KINDS] = {
    {NULL, 6, 0, 30, false},        {"quarterly", 3, 0, 15, false}, {"yearly", 12, 0, 45, false},
    {"by_days", 0, 90, 10, false}, {"last_done", 6, 0, 30, true},
};

static const char *const overlay_texts[KINDS] = {
    NULL,
    "items: {visits: {per_year: {value: 4, origin: S, ids: [S0-61]}, spacing: {value: 3mo, origin: A}, tolerance: {value: 15d, origin: A}}}",
    "items: {visits: {per_year: {value: 1, origin: S, ids: [S0-61]}, spacing: {value: 12mo, origin: A}, tolerance: {value: 45d, origin: A}}}",
    "items: {visits: {per_year: {value: 4, origin: S, ids: [S0-61]}, spacing: {value: 90d, origin: A}, tolerance: {value: 10d, origin: A}}}",
    "items: {visits: {anchor: {value: floating, origin: A}}}",
};

static const struct {
    const char *zone;
    double lat, lon;
} places[ZONES] = {{"Asia/Shanghai", 31.2, 121.5}, {"Europe/Berlin", 52.5, 13.4}, {"America/New_York", 40.7, -74.0}, {"Australia/Sydney", -33.9, 151.2}};

void wrong(struct world *world, const char *format, ...)
{
    char day[11];
    va_list args;

    world->wrong++;
    if (world->wrong > 40) {
        return;
    }
    civil_write_date(world->today, day);
    printf("%s: ", day);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

static void make_plans(struct world *world)
{
    char line[300];

    snprintf(line, sizeof(line), "cp -r models/plans %s", world->plans);
    if (system(line)) {
        abort();
    }
    for (int i = 1; i < KINDS; i++) {
        FILE *file;

        snprintf(line, sizeof(line), "%s/overlays/%s.yaml", world->plans, rhythms[i].overlay);
        file = fopen(line, "w");
        if (!file || fprintf(file, "overlay: %s\nversion: 1\ntitle: {en: x, zh: x}\n%s\n", rhythms[i].overlay, overlay_texts[i]) < 0 ||
            fclose(file)) {
            abort();
        }
    }
}

static void draw(struct world *world)
{
    world->site_count = (world->heater_count + 1) / 2;
    for (int i = 0; i < world->heater_count; i++) {
        struct heater *heater = &world->heaters[i];

        heater->site = i / 2;
        heater->zone = heater->site % ZONES;
        heater->south = places[heater->zone].lat < 0;
        heater->climate = heater->zone == 0 && heater->site % 3 == 0;
        heater->acceptance = world->begin + (int32_t)dice_between(&world->dice, -2500, 1200);
        snprintf(heater->name, sizeof(heater->name), "swh-%03d", i);
    }
    for (int i = 0; i < world->site_count; i++) {
        world->contracts[i].kind = (int)dice_between(&world->dice, 0, KINDS - 1);
        world->contracts[i].end = world->end + 2000;
    }
}

/* The fleet file as it is now. */
static void write_fleet(const struct world *world, struct text *to)
{
    char day[11];

    text_add(to, "customers: [{id: c, name: C}]\ncalendars:\n"
                 "  - {id: week, time_zone: Asia/Shanghai, week: {mon: ['08:00-17:00'], tue: ['08:00-17:00'], wed: ['08:00-17:00'],"
                 " thu: ['08:00-17:00'], fri: ['08:00-17:00']}, holidays: ['2027-10-01', '2027-10-04', '2028-05-01']}\nsites:\n");
    for (int i = 0; i < world->site_count; i++) {
        int zone = i % ZONES;

        text_addf(to, "  - {id: site-%d, customer: c, name: Site %d, time_zone: %s, lat: %.3f, lon: %.3f%s}\n", i, i, places[zone].zone,
                  places[zone].lat + 0.01 * (i / ZONES), places[zone].lon, zone == 0 && i % 3 == 0 ? ", climate: cold" : "");
    }
    text_add(to, "teams:\n");
    for (int zone = 0; zone < ZONES; zone++) {
        text_addf(to, "  - {id: team-%d, name: T, calendar: week, sites: [", zone);
        for (int i = zone; i < world->site_count; i += ZONES) {
            text_addf(to, "%ssite-%d", i > zone ? ", " : "", i);
        }
        text_add(to, "]}\n");
    }
    text_add(to, "technicians:\n");
    for (int zone = 0; zone < ZONES; zone++) {
        text_addf(to, "  - {id: tech-%d, name: A, team: team-%d}\n", zone, zone);
    }
    text_add(to, "equipment:\n");
    for (int i = 0; i < world->heater_count; i++) {
        civil_write_date(world->heaters[i].acceptance, day);
        text_addf(to, "  - {id: %s, site: site-%d, profile: swh-basic, agent: a-%d, acceptance_date: '%s'}\n", world->heaters[i].name,
                  world->heaters[i].site, i, day);
    }
    text_add(to, "contracts:\n");
    for (int i = 0; i < world->site_count; i++) {
        const char *overlay = rhythms[world->contracts[i].kind].overlay;

        civil_write_date(world->contracts[i].end, day);
        text_addf(to, "  - {id: con-%d, customer: c, sites: [site-%d], plan: swh_standard, start: '2020-01-01', end: '%s'%s%s%s}\n", i, i,
                  day, overlay ? ", overlays: [" : "", overlay ? overlay : "", overlay ? "]" : "");
    }
}

void world_import(struct world *world)
{
    static char room[400000];
    struct text fleet = text_on(room, sizeof(room));
    struct complaints complaints = {.path = "fleet", .arena = world->arena};
    struct yaml_node *root;
    int64_t changed;
    enum err err;

    write_fleet(world, &fleet);
    arena_reset(world->arena);
    err = fleet_check(world->arena, world->sql, world->rules, fleet.at, fleet.length, &complaints, &root);
    if (!err && !fleet.cut) {
        err = fleet_apply(world->sql, root, world->now_ms, &changed);
    }
    if (!err) {
        err = desk_plan_visits(world->desk, world->sql, world->now_ms);
    }
    if (err) {
        fprintf(stderr, "the fleet file: %s %s\n", err_text(err), complaints.count ? complaints.lines[0] : "");
        abort();
    }
}

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

void world_begin(struct world *world, const char *url)
{
    struct office_options options;
    TEXT(why, 300);

    world->dice.state = world->seed;
    world->today = world->begin;
    world->now_ms = world->today * DAY_MS + 9 * 3600000;
    make_plans(world);
    draw(world);
    if (rules_open("models/equipment", world->plans, complain_to_nobody, NULL, &world->rules) ||
        rules_add_shipped_jobs(world->rules, "models/jobs") || rules_add_codes(world->rules, "models/codes.yaml") ||
        arena_open(64 << 20, &world->arena) || sql_open(url, SQL_WRITE, &world->sql, &why) || schema_migrate(world->sql, &why)) {
        fprintf(stderr, "%s\n", why.at);
        abort();
    }
    options = (struct office_options){.rules = world->rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};
    if (desk_open(&options, &world->desk) || sql_begin(world->sql)) {
        abort();
    }
    world->up = true;
    world_import(world);
    for (int i = 0; i < world->heater_count; i++) {
        struct heater *heater = &world->heaters[i];

        heater->row = sql_find_int(world->sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", heater->name);
        heater->kind = world->contracts[heater->site].kind;
        heater->stretches[heater->stretch_count++] =
            (struct stretch){.from_day = world->today, .anchor = heater->acceptance, .kept_end = INT32_MIN, .kind = heater->kind};
    }
}

/* An action as the API takes it; an illegal one is refused and changes nothing. */
void world_act(struct world *world, bool of_visit, int64_t id, const char *action, const char *fields, int64_t at_ms)
{
    struct action what = {.action = action, .who = "ann", .role = ROLE_DISPATCHER, .at_ms = at_ms};
    TEXT(json, 1000);
    TEXT(why, 800);
    enum err err;

    arena_reset(world->arena);
    text_addf(&json, "{\"action\":\"%s\"%s%s}", action, fields[0] ? "," : "", fields);
    if (json_parse(world->arena, json.at, json.length, &what.body, NULL) || sql_save(world->sql)) {
        abort();
    }
    err = of_visit ? desk_visit_action(world->desk, world->sql, id, &what, world->now_ms, &why)
                   : desk_work_action(world->desk, world->sql, id, &what, world->now_ms, &why);
    world->actions++;
    if (err) {
        sql_undo(world->sql);
        world->refused++;
        if (err != ERR_STATE) {
            wrong(world, "%s %s: %s: %s", action, fields, err_text(err), why.at);
        } else if (!strstr(why.at, "Legal")) {
            wrong(world, "%s is refused without a word about what is legal: %s", action, why.at);
        }
    } else {
        sql_release(world->sql);
    }
}
