/* The company's rows and its fleet file. */
#include "company.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const plan_ids[PLANS] = {"swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h"};

static const struct {
    const char *id, *zone, *hours, *holidays, *workdays;
} calendars[CALENDARS] = {
    {"cn-2026", "Asia/Shanghai", "mon-fri 08:30-12:00 13:00-17:30", NULL, NULL}, /* dates: the shipped file */
    {"de", "Europe/Berlin", "mon-thu 07:00-16:00 fri 07:00-13:30",
     "2026-01-01 2026-04-03 2026-04-06 2026-05-01 2026-05-14 2026-05-25 2026-10-03 2026-12-25 2026-12-26", ""},
    {"us", "America/New_York", "mon-fri 09:00-17:00 sat 09:00-13:00",
     "2026-01-01 2026-05-25 2026-07-03 2026-09-07 2026-11-26 2026-12-25", ""},
    {"au", "Australia/Sydney", "mon-fri 07:30-15:30", "2026-01-01 2026-01-26 2026-04-03 2026-04-06 2026-12-25",
     "2026-04-11"},
    /* works through the hours that are skipped and doubled when clocks are changed */
    {"de-night", "Europe/Berlin", "mon-sun 00:00-06:00 22:00-24:00", "2026-12-25", ""},
};

static void fail(const char *words)
{
    fprintf(stderr, "company: %s\n", words);
    exit(1);
}

static void add_dates(char to[][11], int *count, const char *words)
{
    for (; *words; words += strcspn(words, " "), words += strspn(words, " ")) {
        snprintf(to[(*count)++], 11, "%.10s", words);
    }
}

/* Dates in quotes below "holidays:" and "workdays:", whatever YAML says. */
static void scan_calendar(struct minutes *minutes, const char *path)
{
    char line[200];
    bool extra = false;
    FILE *file = fopen(path, "r");

    if (!file) {
        fail("models/calendars/cn-2026.yaml is not there");
    }
    while (fgets(line, sizeof(line), file)) {
        const char *date = strstr(line, "- \"20");

        extra = extra || strstr(line, "workdays:");
        if (date && strstr(line, "-") && date[2] == '"') {
            snprintf(extra ? minutes->workdays[minutes->workday_count++]
                           : minutes->holidays[minutes->holiday_count++],
                     11, "%.10s", date + 3);
        }
    }
    fclose(file);
}

static void draw_calendars(struct company *company, int64_t from_ms, int64_t to_ms)
{
    for (int i = 0; i < CALENDARS; i++) {
        struct minutes *minutes = &company->calendars[i];

        minutes->zone = calendars[i].zone;
        minutes_hours(minutes, calendars[i].hours);
        if (calendars[i].holidays) {
            add_dates(minutes->holidays, &minutes->holiday_count, calendars[i].holidays);
            add_dates(minutes->workdays, &minutes->workday_count, calendars[i].workdays);
        } else {
            scan_calendar(minutes, "models/calendars/cn-2026.yaml");
        }
        minutes_fill(minutes, from_ms, to_ms);
    }
}

static void draw_heater(struct heater *heater, struct dice *dice, int i, int gateway)
{
    snprintf(heater->name, sizeof(heater->name), "swh-%05d", i + 1);
    heater->gateway = gateway;
    heater->calendar = (int)dice_between(dice, 0, CALENDARS - 1);
    heater->plan = (int)dice_between(dice, 0, PLANS - 1);
    heater->level = (char)('A' + dice_between(dice, 0, 2));
    heater->remote_area = dice_chance(dice, 10);
    snprintf(heater->acceptance, sizeof(heater->acceptance), "20%02d-%02d-%02d", (int)dice_between(dice, 23, 25),
             (int)dice_between(dice, 1, 12), (int)dice_between(dice, 1, 28));
}

static void read_plan(struct company *company, int i)
{
    struct complaints complaints = {.path = "plan", .arena = company->arena};
    char path[80], *bytes;
    size_t size;

    snprintf(path, sizeof(path), "models/plans/%s.yaml", plan_ids[i]);
    FILE *file = fopen(path, "r");

    bytes = arena_take(company->arena, 1 << 18);
    if (!file || !bytes) {
        fail(path);
    }
    size = fread(bytes, 1, 1 << 18, file);
    fclose(file);
    if (yaml_parse(company->arena, bytes, size, &complaints, &company->plans[i])) {
        fail(path);
    }
}

/* Faults that name a service: lines "- id:" and "service:" of the profile, whatever YAML says. */
static void scan_profile(struct company *company, const char *path)
{
    char line[400], fault[40] = "";
    FILE *file = fopen(path, "r");

    if (!file) {
        fail("models/equipment/swh-basic.yaml is not there");
    }
    while (fgets(line, sizeof(line), file)) {
        struct service *next = &company->services[company->service_count];

        if (sscanf(line, " - id: %39[a-z0-9_]", fault) == 1) {
            continue;
        }
        if (company->service_count < SERVICES_MOST && sscanf(line, " service: %39[a-z0-9_]", next->service) == 1) {
            snprintf(next->fault, sizeof(next->fault), "%s", fault);
            company->service_count++;
        }
        if (company->inhibited_count < INHIBITED_MOST && strstr(line, " inhibited_by:")) {
            snprintf(company->inhibited[company->inhibited_count++], 40, "%s", fault);
        }
    }
    fclose(file);
}

const char *company_service(const struct company *company, const char *fault)
{
    for (int i = 0; i < company->service_count; i++) {
        if (strcmp(company->services[i].fault, fault) == 0) {
            return company->services[i].service;
        }
    }
    return NULL;
}

bool company_inhibits(const struct company *company, const char *fault)
{
    for (int i = 0; i < company->inhibited_count; i++) {
        if (strcmp(company->inhibited[i], fault) == 0) {
            return true;
        }
    }
    return false;
}

int company_heater(const struct company *company, int64_t row)
{
    for (int i = 0; i < company->heater_count; i++) { /* rows come in the order of the file, mostly */
        int at = (int)((row - 1 + i) % company->heater_count);

        if (company->heaters[at].row == row) {
            return at;
        }
    }
    return -1;
}

void company_draw(struct company *company, struct dice *dice, int heaters, int64_t from_ms, int64_t to_ms)
{
    int i = 0, gateway = 0;

    if (arena_open(256 << 20, &company->arena)) {
        fail("no memory");
    }
    draw_calendars(company, from_ms, to_ms);
    scan_profile(company, "models/equipment/swh-basic.yaml");
    company->heater_count = heaters;
    company->heaters = calloc((size_t)heaters, sizeof(*company->heaters));
    company->gateways = calloc((size_t)heaters, sizeof(*company->gateways));
    if (!company->heaters || !company->gateways) {
        fail("no memory");
    }
    while (i < heaters) {
        struct gateway *one = &company->gateways[gateway];
        /* one big house, some halls, many homes */
        int count = gateway == 0 ? heaters / 10 : dice_chance(dice, 20) ? (int)dice_between(dice, 10, 30) : 4;

        snprintf(one->name, sizeof(one->name), "gw-%04d", gateway + 1);
        one->first = i;
        for (; i < heaters && one->count < count; i++, one->count++) {
            draw_heater(&company->heaters[i], dice, i, gateway);
        }
        gateway++;
    }
    company->gateway_count = gateway;
    for (i = 0; i < PLANS; i++) {
        read_plan(company, i);
    }
}

/* ------------------------------------------------------------------ the file */

struct page {
    char *bytes;
    size_t size, room;
};

static void put(struct page *page, const char *format, ...) PRINTF_LIKE(2, 3);

static void put(struct page *page, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    page->size += (size_t)vsnprintf(page->bytes + page->size, page->room - page->size, format, list);
    va_end(list);
    if (page->size >= page->room) {
        fail("the fleet file is too long");
    }
}

static void put_dates(struct page *page, const char *key, const char dates[][11], int count)
{
    put(page, ", %s: [", key);
    for (int i = 0; i < count; i++) {
        put(page, "%s\"%s\"", i ? ", " : "", dates[i]);
    }
    put(page, "]");
}

static void put_calendars(struct page *page, const struct company *company)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

    put(page, "calendars:\n");
    for (int i = 0; i < CALENDARS; i++) {
        const struct minutes *minutes = &company->calendars[i];

        put(page, "  - {id: %s, time_zone: %s, week: {", calendars[i].id, calendars[i].zone);
        for (int day = 0; day < 7; day++) {
            put(page, "%s%s: [", day ? ", " : "", days[day]);
            for (int n = 0; n < minutes->spans[day]; n++) {
                put(page, "%s\"%02d:%02d-%02d:%02d\"", n ? ", " : "", minutes->from[day][n] / 60,
                    minutes->from[day][n] % 60, minutes->to[day][n] / 60, minutes->to[day][n] % 60);
            }
            put(page, "]");
        }
        put(page, "}");
        put_dates(page, "holidays", minutes->holidays, minutes->holiday_count);
        put_dates(page, "workdays", minutes->workdays, minutes->workday_count);
        put(page, "}\n");
    }
}

static void put_people(struct page *page)
{
    put(page, "teams:\n");
    for (int i = 0; i < TEAMS; i++) {
        put(page, "  - {id: team-%d, name: Crew %d, territories: [\"%s\"], skills: [%s], calendar: %s}\n", i + 1, i + 1,
            calendars[i / 2].zone, i % 2 ? "electrician, plumber" : "plumber", calendars[i / 2].id);
    }
    put(page, "technicians:\n");
    for (int i = 0; i < TECHNICIANS; i++) {
        put(page,
            "  - {id: tech-%d, name: T%d, team: team-%d, certificates: [{type: %s, no: N%d, valid_to: \"%s\"}]}\n",
            i + 1, i + 1, i % TEAMS + 1, i % 3 ? "electrician" : "plumber", i, i % 5 ? "2028-01-31" : "2026-06-30");
    }
}

/* A heater a site: the site carries what the contract depends on. */
static void put_sites(struct page *page, const struct company *company)
{
    put(page, "sites:\n");
    for (int i = 0; i < company->heater_count; i++) {
        const struct heater *heater = &company->heaters[i];

        put(page, "  - {id: site-%d, customer: c-%d, name: Home %d, address: \"%s %d\", time_zone: %s, calendar: %s,"
                  " remote_area: %s}\n",
            i + 1, i % 50 + 1, i + 1, calendars[heater->calendar].zone, i, calendars[heater->calendar].zone,
            calendars[heater->calendar].id, heater->remote_area ? "true" : "false");
    }
}

static void put_contracts(struct page *page, const struct company *company)
{
    put(page, "contracts:\n");
    for (int i = 0; i < company->heater_count; i++) {
        const struct heater *heater = &company->heaters[i];

        put(page, "  - {id: con-%d, customer: c-%d, sites: [site-%d], plan: %s, service_level: %c,"
                  " start: \"2023-01-01\", end: \"2035-12-31\"}\n",
            i + 1, i % 50 + 1, i + 1, plan_ids[heater->plan], heater->level);
    }
}

static void put_stock(struct page *page)
{
    char name[16];

    put(page, "depots:\n");
    for (int place = 0; place < PLACES; place++) {
        books_place(place, name);
        put(page, "  - {id: %s, name: %s%s}\n", name, name, place < VANS ? ", kind: van" : "");
    }
    put(page, "parts:\n");
    for (int part = 0; part < PARTS; part++) {
        put(page, "  - {id: %s, title: {en: %s, zh: %s}, class: electrical, cost: 260.50, currency: CNY, stock: [",
            sim_parts[part], sim_parts[part], sim_parts[part]);
        for (int place = 0; place < PLACES; place++) {
            books_place(place, name);
            put(page, "%s{depot: %s, count: %d}", place ? ", " : "", name, place < VANS ? VAN_STOCK : DEPOT_STOCK);
        }
        put(page, "]}\n");
    }
}

static void put_all(struct page *page, const struct company *company)
{
    put(page, "customers:\n");
    for (int i = 0; i < 50; i++) {
        put(page, "  - {id: c-%d, name: Customer %d, email: c%d@example.org}\n", i + 1, i + 1, i + 1);
    }
    put_calendars(page, company);
    put_people(page);
    put_sites(page, company);
    put(page, "equipment:\n");
    for (int i = 0; i < company->heater_count; i++) {
        const struct heater *heater = &company->heaters[i];

        put(page, "  - {id: %s, site: site-%d, profile: swh-basic, agent: %s, acceptance_date: \"%s\"}\n",
            heater->name, i + 1, company->gateways[heater->gateway].name, heater->acceptance);
    }
    put_contracts(page, company);
    put_stock(page);
}

void company_import(struct company *company, struct sql *sql, struct rules *rules, int64_t now_ms)
{
    struct complaints complaints = {.path = "fleet.yaml"};
    struct page page = {.room = (size_t)company->heater_count * 1000 + 200000};
    struct yaml_node *root;
    int64_t changed;

    page.bytes = malloc(page.room);
    complaints.arena = company->arena;
    if (!page.bytes) {
        fail("no memory");
    }
    put_all(&page, company);
    if (fleet_check(company->arena, sql, rules, page.bytes, page.size, &complaints, &root)) {
        fail(complaints.count ? complaints.lines[0] : "the fleet file is refused");
    }
    if (fleet_apply(sql, root, now_ms, &changed)) {
        fail(sql_why(sql));
    }
    for (int i = 0; i < company->heater_count; i++) {
        company->heaters[i].row =
            sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", company->heaters[i].name);
    }
    for (int i = 0; i < company->gateway_count; i++) {
        company->gateways[i].row =
            sql_find_int(sql, 0, "SELECT id FROM agent WHERE name = ?1", "t", company->gateways[i].name);
    }
    free(page.bytes);
}

void company_free(struct company *company)
{
    for (int i = 0; i < CALENDARS; i++) {
        minutes_free(&company->calendars[i]);
    }
    free(company->heaters);
    free(company->gateways);
    arena_close(company->arena);
}
