/* The fleet file, checked whole with every complaint. fleet_rows.c writes it. */
#include "server/fleet/fleet_file.h"

#include <string.h>
#include <uthash.h>

#include "models/base/civil.h"
#include "models/base/text.h"
#include "models/service/plan_visit.h"
#include "models/service/price.h"
#include "models/service/workdays.h"
#include "server/fleet/crew.h"
#include "server/fleet/fleet_file_int.h"

struct known_id { /* a row of the file, by its id */
    const char *id;
    const struct yaml_node *row; /* the first one with it */
    UT_hash_handle hh;
};

struct reader {
    struct arena *arena;
    struct sql *sql;
    struct rules *rules;
    struct complaints *complaints;
    struct yaml_node *root;
    struct known_id *ids[FLEET_SECTIONS];
};

const char *const fleet_sections[FLEET_SECTIONS] = {
    "customers", "calendars", "sites", "teams", "technicians", "equipment", "contracts", "depots", "parts",
    "rosters", "contacts", "suppliers", "price_lists", "operators", "designs", "documents", "bulletins",
        "tools", "courses_taken",
};

/* ------------------------------------------------------------------ checking */

static const struct yaml_node *row_of(const struct reader *reader, size_t section, const char *id)
{
    struct known_id *known;

    HASH_FIND_STR(reader->ids[section], id, known);
    return known ? known->row : NULL;
}

static enum err list_ids(struct reader *reader, size_t section)
{
    struct yaml_node *list = yaml_find(reader->root, fleet_sections[section]);

    for (struct yaml_node *row = list ? list->first : NULL; row; row = row->next) {
        struct yaml_node *name = yaml_find(row, "id");
        struct known_id *known;

        if (!name || name->kind != YAML_SCALAR || row_of(reader, section, name->text)) {
            continue;
        }
        known = arena_array(reader->arena, 1, sizeof(*known));
        if (!known) {
            return ERR_NOMEM;
        }
        *known = (struct known_id){.id = name->text, .row = row};
        HASH_ADD_KEYPTR(hh, reader->ids[section], known->id, strlen(known->id), known);
    }
    return ERR_OK;
}

static void forget_ids(struct reader *reader)
{
    for (size_t i = 0; i < FLEET_SECTIONS; i++) {
        HASH_CLEAR(hh, reader->ids[i]);
    }
}

static bool in_database(const struct reader *reader, size_t section, const char *id)
{
    static const char *const asks[FLEET_SECTIONS] = {
        "SELECT 1 FROM customer WHERE name = ?1",   "SELECT 1 FROM calendar WHERE name = ?1",
        "SELECT 1 FROM site WHERE name = ?1",       "SELECT 1 FROM team WHERE name = ?1",
        "SELECT 1 FROM technician WHERE name = ?1", "SELECT 1 FROM equipment WHERE name = ?1",
        "SELECT 1 FROM contract WHERE name = ?1",   "SELECT 1 FROM depot WHERE name = ?1",
        "SELECT 1 FROM part WHERE name = ?1",       "SELECT 1 FROM roster WHERE name = ?1",
        "SELECT 1 FROM contact WHERE name = ?1",    "SELECT 1 FROM supplier WHERE name = ?1",
        "SELECT 1 FROM price_list WHERE name = ?1", "SELECT 1 FROM operator WHERE name = ?1",
        "SELECT 1 FROM design WHERE name = ?1",     "SELECT 1 FROM library WHERE name = ?1",
        "SELECT 1 FROM bulletin WHERE name = ?1",
        "SELECT 1 FROM tool WHERE name = ?1", "SELECT 1 FROM course_taken WHERE name = ?1",
    };

    return sql_find_int(reader->sql, 0, asks[section], "t", id) != 0;
}

static size_t section_of(const char *name)
{
    size_t section = 0;

    while (section + 1 < FLEET_SECTIONS && strcmp(fleet_sections[section], name) != 0) {
        section++;
    }
    return section;
}

/* A reference to a row of another section, in this file or imported before. */
static void check_reference(struct reader *reader, struct yaml_node *node, const char *section,
                            const char *what)
{
    const char *id = yaml_id(reader->complaints, node, what);
    size_t at = section_of(section);

    if (id && !row_of(reader, at, id) && !in_database(reader, at, id)) {
        complain(reader->complaints, node, "expected %s that is in %s, found '%.64s'", what, section,
                 id);
    }
}

static void check_references(struct reader *reader, struct yaml_node *node, const char *section,
                             const char *what)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of ids");

    for (node = list ? list->first : NULL; node; node = node->next) {
        check_reference(reader, node, section, what);
    }
}

static void check_text(struct reader *reader, struct yaml_node *map, const char *key)
{
    (void)yaml_text(reader->complaints, yaml_find(map, key), "a text", NULL);
}

static void check_date(struct reader *reader, struct yaml_node *map, const char *key)
{
    struct yaml_node *node = yaml_find(map, key);
    const char *words = yaml_text(reader->complaints, node, "a date such as 2025-03-06", NULL);
    int32_t day;

    if (words && civil_read_date(words, &day)) {
        complain(reader->complaints, node, "expected a date such as 2025-03-06, found '%.40s'", words);
    }
}

static void check_zone(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *node = yaml_find(map, "time_zone");
    const char *name = yaml_text(reader->complaints, node, "a time zone", NULL);

    if (name && !rules_zone(reader->rules, name)) {
        complain(reader->complaints, node, "expected a time zone such as Asia/Shanghai, found '%.80s'",
                 name);
    }
}

static void check_place(struct reader *reader, struct yaml_node *map)
{
    (void)yaml_number(reader->complaints, yaml_find(map, "lat"), "a latitude", -90, 90, 0);
    (void)yaml_number(reader->complaints, yaml_find(map, "lon"), "a longitude", -180, 180, 0);
}

/* By which ways a customer is told. */
static void check_channels(struct reader *reader, struct yaml_node *node)
{
    static const char *const channels[] = {"email", "sms", NULL};
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of email sms");

    for (node = list ? list->first : NULL; node; node = node->next) {
        (void)yaml_choice(reader->complaints, node, "a channel", channels, 0);
    }
}

static void check_customer(struct reader *reader, struct yaml_node *map)
{
    check_text(reader, map, "name");
    check_text(reader, map, "phone");
    check_text(reader, map, "email");
    check_text(reader, map, "language");
    check_channels(reader, yaml_find(map, "channels"));
}

static const struct zone *find_zone(void *context, const char *name)
{
    return rules_zone(context, name);
}

static void check_calendar(struct reader *reader, struct yaml_node *map)
{
    struct workdays workdays;

    workdays_read(reader->arena, map, reader->complaints, find_zone, reader->rules, &workdays);
}

/* A climate that no plan has windows for would be a slip of the pen that nobody sees. */
static void check_climate(struct reader *reader, struct yaml_node *node)
{
    const char *climate = node ? yaml_id(reader->complaints, node, "a climate of a plan") : NULL;
    TEXT(known, 300);

    for (size_t i = 0; climate && i < rules_plan_count(reader->rules); i++) {
        const struct plan_visits *visits = rules_plan_at(reader->rules, i)->visits;

        for (size_t k = 0; visits && k < visits->climate_count; k++) {
            if (strcmp(visits->climates[k].name, climate) == 0) {
                return;
            }
            if (!strstr(known.at, visits->climates[k].name)) {
                text_addf(&known, "%s%s", known.length ? " " : "", visits->climates[k].name);
            }
        }
    }
    if (climate) {
        complain(reader->complaints, node, "expected a climate of a plan (%s), found '%.40s'",
                 known.length ? known.at : "there are none", climate);
    }
}

/* Who gets the reports of inspections. */
static void check_readers(struct reader *reader, struct yaml_node *node)
{
    static const char *const roles[] = {"customer", "site", "team", "manager", NULL};
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of readers");

    if (list && list->count > 20) {
        complain(reader->complaints, list, "expected at most 20 readers, found %zu", list->count);
    }
    for (node = list ? list->first : NULL; node; node = node->next) {
        if (yaml_map(reader->complaints, node, "a reader {role, name, email, language}")) {
            (void)yaml_choice(reader->complaints, yaml_need(reader->complaints, node, "role"), "a role", roles, 0);
            check_text(reader, node, "name");
            check_text(reader, node, "email");
            check_text(reader, node, "language");
            yaml_no_more(reader->complaints, node);
        }
    }
}

static void check_site(struct reader *reader, struct yaml_node *map)
{
    check_reference(reader, yaml_find(map, "customer"), "customers", "a customer");
    check_reference(reader, yaml_find(map, "calendar"), "calendars", "a calendar");
    check_text(reader, map, "name");
    check_text(reader, map, "address");
    check_text(reader, map, "access");
    check_text(reader, map, "area");
    check_text(reader, map, "position");
    check_climate(reader, yaml_find(map, "climate"));
    check_readers(reader, yaml_find(map, "reports"));
    check_zone(reader, map);
    (void)yaml_bool(reader->complaints, yaml_find(map, "remote_area"), "true or false", false);
    (void)yaml_bool(reader->complaints, yaml_find(map, "critical"), "true or false", false);
    check_place(reader, map);
}

static void check_team(struct reader *reader, struct yaml_node *map)
{
    struct crew_team team;

    crew_read_team(reader->arena, map, reader->complaints, &team);
    check_references(reader, yaml_find(map, "sites"), "sites", "a site");
    check_reference(reader, yaml_find(map, "calendar"), "calendars", "a calendar");
    check_reference(reader, yaml_find(map, "lead"), "technicians", "a technician");
    check_reference(reader, yaml_find(map, "up"), "teams", "a team");
}

static void check_technician(struct reader *reader, struct yaml_node *map)
{
    struct crew_person person;

    crew_read_person(reader->arena, map, reader->complaints, &person);
    check_reference(reader, yaml_find(map, "team"), "teams", "a team");
}

static void check_roster(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *plans = yaml_find(map, "plans");
    struct roster roster;

    roster_read(reader->arena, map, reader->complaints, find_zone, reader->rules, &roster);
    check_references(reader, yaml_find(map, "members"), "technicians", "a technician");
    for (struct yaml_node *node = plans ? plans->first : NULL; node; node = node->next) {
        if (node->kind == YAML_SCALAR && !rules_plan(reader->rules, node->text)) {
            complain(reader->complaints, node, "expected a plan that the server has, found '%.64s'", node->text);
        }
    }
}

static void check_components(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of components");

    for (node = list ? list->first : NULL; node; node = node->next) {
        if (yaml_map(reader->complaints, node, "a component {class, serial, supplier, approved}")) {
            (void)yaml_text(reader->complaints, yaml_need(reader->complaints, node, "class"),
                            "a warranty class", NULL);
            check_text(reader, node, "serial");
            check_reference(reader, yaml_find(node, "supplier"), "suppliers", "a supplier");
            (void)yaml_bool(reader->complaints, yaml_find(node, "approved"), "true or false", true);
            yaml_no_more(reader->complaints, node);
        }
    }
}

static void check_equipment(struct reader *reader, struct yaml_node *map)
{
    static const char *const dates[] = {"sale_date", "invoice_date", "manufacture_date",
                                        "completion_date", "completion_signed_date", "acceptance_date", "registration_date"};
    struct yaml_node *profile = yaml_find(map, "profile");
    const char *id = yaml_id(reader->complaints, profile, "a profile");

    check_reference(reader, yaml_find(map, "site"), "sites", "a site");
    if (id && !rules_profile(reader->rules, id)) {
        complain(reader->complaints, profile, "expected a profile that the server has, found '%.64s'",
                 id);
    }
    (void)yaml_id(reader->complaints, yaml_find(map, "agent"), "an agent id");
    check_text(reader, map, "title");
    check_text(reader, map, "serial");
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        check_date(reader, map, dates[i]);
    }
    check_components(reader, yaml_find(map, "components"));
    check_reference(reader, yaml_find(map, "team"), "teams", "a team");
    check_reference(reader, yaml_find(map, "backup_team"), "teams", "a team");
    check_reference(reader, yaml_find(map, "technician"), "technicians", "a technician");
    check_reference(reader, yaml_find(map, "backup_technician"), "technicians", "a technician");
}

/* Overlays fit the plan that they are laid over, or every finding is told. */
static void check_overlays(struct reader *reader, struct yaml_node *map, const char *plan)
{
    struct yaml_node *list = yaml_list(reader->complaints, yaml_find(map, "overlays"), "a list of overlays");
    struct complaints own = {.path = plan, .arena = reader->complaints->arena};
    TEXT(key, 400);
    bool known = true;

    text_addf(&key, "%s", plan ? plan : "");
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        const char *id = yaml_id(reader->complaints, node, "an overlay");

        if (id && !rules_has_overlay(reader->rules, id)) {
            complain(reader->complaints, node, "expected an overlay that the server has, found '%.64s'", id);
        }
        known = known && id && rules_has_overlay(reader->rules, id);
        text_addf(&key, "+%s", id ? id : "");
    }
    if (!list || !list->first || !plan || !known || key.cut || rules_plan(reader->rules, key.at)) {
        return;
    }
    (void)rules_lay(reader->rules, key.at, &own);
    for (size_t i = 0; i < own.count && i < COMPLAINTS_MOST; i++) {
        complain(reader->complaints, list, "expected overlays that fit the plan, found %s", own.lines[i]);
    }
}

static void check_covers(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of {equipment, from, to}");

    for (struct yaml_node *item = list ? list->first : NULL; item; item = item->next) {
        struct yaml_node *map = yaml_map(reader->complaints, item, "a map {equipment, from, to}");

        if (map) {
            check_reference(reader, yaml_need(reader->complaints, map, "equipment"), "equipment", "equipment");
            (void)yaml_need(reader->complaints, map, "from");
            check_date(reader, map, "from");
            check_date(reader, map, "to");
            yaml_no_more(reader->complaints, map);
        }
    }
}

/* What this one agreement says instead of its plan (period.agreement). */
static void check_confidential(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *list = yaml_list(reader->complaints, yaml_find(map, "confidential"), "a list of words");
    struct yaml_node *protect = yaml_find(map, "protect");

    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        (void)yaml_text(reader->complaints, node, "a word", "");
    }
    (void)yaml_duration(reader->complaints, protect, "a period such as 2y", (struct duration){0, DURATION_D});
}

static void check_contract(struct reader *reader, struct yaml_node *map)
{
    static const char *const levels[] = {"A", "B", "C", NULL};
    struct yaml_node *plan = yaml_need(reader->complaints, map, "plan");
    const char *id = yaml_id(reader->complaints, plan, "a plan");

    check_reference(reader, yaml_find(map, "customer"), "customers", "a customer");
    check_references(reader, yaml_find(map, "sites"), "sites", "a site");
    if (id && !rules_plan(reader->rules, id)) {
        complain(reader->complaints, plan, "expected a plan that the server has, found '%.64s'", id);
        id = NULL;
    }
    check_overlays(reader, map, id);
    (void)yaml_choice(reader->complaints, yaml_find(map, "service_level"), "a service level", levels, 2);
    check_date(reader, map, "start");
    check_date(reader, map, "end");
    check_date(reader, map, "signed");
    (void)yaml_bool(reader->complaints, yaml_find(map, "draft"), "true or false", false);
    check_covers(reader, yaml_find(map, "covers"));
    check_confidential(reader, map);
}

static void check_depot(struct reader *reader, struct yaml_node *map)
{
    static const char *const kinds[] = {"depot", "van", "warehouse", NULL};

    check_text(reader, map, "name");
    check_place(reader, map);
    (void)yaml_choice(reader->complaints, yaml_find(map, "kind"), "a kind of depot", kinds, 0);
    (void)yaml_bool(reader->complaints, yaml_find(map, "usable"), "true or false", true);
    (void)yaml_duration(reader->complaints, yaml_find(map, "stocktake"), "a duration such as 3mo", (struct duration){0, DURATION_D});
    (void)yaml_duration(reader->complaints, yaml_find(map, "sampling"), "a duration such as 6mo", (struct duration){0, DURATION_D});
    (void)yaml_duration(reader->complaints, yaml_find(map, "review"), "a duration such as 30d", (struct duration){0, DURATION_D});
    (void)yaml_number(reader->complaints, yaml_find(map, "service"), "a share", 0.5, 0.9999, 0.95);
    check_reference(reader, yaml_find(map, "technician"), "technicians", "a technician");
    check_reference(reader, yaml_find(map, "team"), "teams", "a team");
}

static void check_contact(struct reader *reader, struct yaml_node *map)
{
    static const char *const purposes[] = {"service", "complaints", NULL};

    check_text(reader, map, "name");
    check_text(reader, map, "phone");
    check_text(reader, map, "email");
    (void)yaml_choice(reader->complaints, yaml_find(map, "purpose"), "what it is for", purposes, 0);
}

/* What it is built into: a profile, a component class, or both. */
static void check_fits(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of {profile, component}");

    for (node = list ? list->first : NULL; node; node = node->next) {
        if (yaml_map(reader->complaints, node, "a map {profile, component}")) {
            struct yaml_node *profile = yaml_find(node, "profile");
            const char *id = yaml_id(reader->complaints, profile, "a profile");

            if (id && !rules_profile(reader->rules, id)) {
                complain(reader->complaints, profile, "expected a profile that the server has, found '%.64s'", id);
            }
            check_text(reader, node, "component");
            (void)yaml_number(reader->complaints, yaml_find(node, "rate"), "failures a year", 0, 100, 0);
            yaml_no_more(reader->complaints, node);
        }
    }
}

/* How it is bought, counted and kept. */
static void check_keeping(struct reader *reader, struct yaml_node *map)
{
    static const char *const tracked[] = {"none", "lot", "serial", NULL};

    check_text(reader, map, "unit");
    check_text(reader, map, "quality");
    check_text(reader, map, "supplier");
    check_text(reader, map, "currency");
    check_text(reader, map, "price_class");
    check_fits(reader, yaml_find(map, "fits"));
    (void)yaml_choice(reader->complaints, yaml_find(map, "tracked"), "how it is tracked", tracked, 0);
    (void)yaml_duration(reader->complaints, yaml_find(map, "shelf_life"), "a duration such as 24mo",
                        (struct duration){0, DURATION_D});
    (void)yaml_duration(reader->complaints, yaml_find(map, "lead"), "a duration such as 10d",
                        (struct duration){0, DURATION_D});
    (void)yaml_bool(reader->complaints, yaml_find(map, "consumable"), "true or false", false);
    (void)yaml_bool(reader->complaints, yaml_find(map, "inspect"), "true or false", false);
    (void)yaml_number(reader->complaints, yaml_find(map, "cost"), "a cost", 0, 1e9, 0);
}

static void check_part(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *title = yaml_map(reader->complaints, yaml_find(map, "title"), "a map {en, zh}");
    struct yaml_node *list = yaml_list(reader->complaints, yaml_find(map, "stock"), "a list");

    check_text(reader, map, "class");
    check_keeping(reader, map);
    if (title) {
        check_text(reader, title, "en");
        check_text(reader, title, "zh");
        yaml_no_more(reader->complaints, title);
    }
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        if (yaml_map(reader->complaints, node, "a stock line {depot, count}")) {
            check_reference(reader, yaml_need(reader->complaints, node, "depot"), "depots", "a depot");
            (void)yaml_int(reader->complaints, yaml_need(reader->complaints, node, "count"), "a count",
                           0, 1000000000, 0);
            (void)yaml_int(reader->complaints, yaml_find(node, "min"), "a count", 0, 1000000000, 0);
            (void)yaml_int(reader->complaints, yaml_find(node, "target"), "a count", 0, 1000000000, 0);
            yaml_no_more(reader->complaints, node);
        }
    }
}

/* S0-32, S0-131: whom what is bought in comes from. */
static void check_supplier(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *list = yaml_list(reader->complaints, yaml_find(map, "classes"), "a list of warranty classes");

    check_text(reader, map, "name");
    check_text(reader, map, "phone");
    check_text(reader, map, "email");
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        (void)yaml_text(reader->complaints, node, "a warranty class", NULL);
    }
}

/* "480" or "480.50" of the list's currency. */
static void check_amount(struct reader *reader, struct yaml_node *map, const char *key)
{
    struct yaml_node *node = yaml_find(map, key);
    const char *words = yaml_text(reader->complaints, node, "an amount such as 480.50", NULL);
    int64_t minor;

    if (words && (money_read(words, &minor) || minor < 0)) {
        complain(reader->complaints, node, "expected an amount such as 480.50, found '%.40s'", words);
    }
}

static void check_price(struct reader *reader, struct yaml_node *node)
{
    static const char *const rules[] = {"list", "market", NULL};

    if (yaml_map(reader->complaints, node, "a price {part, price, cost, rule}")) {
        check_reference(reader, yaml_need(reader->complaints, node, "part"), "parts", "a part");
        check_amount(reader, node, "price");
        check_amount(reader, node, "cost");
        (void)yaml_choice(reader->complaints, yaml_find(node, "rule"), "a price rule", rules, 0);
        yaml_no_more(reader->complaints, node);
    }
}

static void check_price_list(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *currency = yaml_need(reader->complaints, map, "currency");
    const char *words = yaml_text(reader->complaints, currency, "a currency such as CNY", NULL);
    struct yaml_node *list = yaml_list(reader->complaints, yaml_need(reader->complaints, map, "prices"), "a list of prices");

    if (words && (strlen(words) != 3 || strspn(words, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)) {
        complain(reader->complaints, currency, "expected a currency such as CNY, found '%.40s'", words);
    }
    (void)yaml_need(reader->complaints, map, "from");
    check_date(reader, map, "from");
    check_date(reader, map, "to");
    check_reference(reader, yaml_find(map, "contract"), "contracts", "a contract");
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        check_price(reader, node);
    }
}

/* ------------------------------------------------------------------ files and papers */

static void check_words(struct reader *reader, struct yaml_node *map, const char *key)
{
    struct yaml_node *title = yaml_map(reader->complaints, yaml_find(map, key), "a map {en, zh}");

    if (title) {
        check_text(reader, title, "en");
        check_text(reader, title, "zh");
        yaml_no_more(reader->complaints, title);
    }
}

static void check_operator(struct reader *reader, struct yaml_node *map)
{
    check_text(reader, map, "name");
    check_text(reader, map, "phone");
    check_text(reader, map, "shift");
    check_text(reader, map, "duties");
    check_reference(reader, yaml_need(reader->complaints, map, "site"), "sites", "a site");
    (void)yaml_int(reader->complaints, yaml_find(map, "level"), "a level 1 (was shown how) … 4 (trains others)", 1, 4, 1);
    check_date(reader, map, "from");
    check_date(reader, map, "to");
}

/* A map of names to what was found: a form of the company's own. */
static void check_facts(struct reader *reader, struct yaml_node *map, const char *key)
{
    struct yaml_node *facts = yaml_map(reader->complaints, yaml_find(map, key), "a map of names and values");

    for (struct yaml_node *node = facts ? facts->first : NULL; node; node = node->next) {
        check_text(reader, facts, node->key);
    }
}

static void check_design(struct reader *reader, struct yaml_node *map)
{
    check_reference(reader, yaml_need(reader->complaints, map, "site"), "sites", "a site");
    check_reference(reader, yaml_find(map, "contract"), "contracts", "a contract");
    check_date(reader, map, "surveyed");
    check_text(reader, map, "surveyed_by");
    check_facts(reader, map, "needs");
    check_facts(reader, map, "conditions");
    check_facts(reader, map, "design");
    check_text(reader, map, "reasons");
}

static void check_profile(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *profile = yaml_find(map, "profile");
    const char *id = yaml_id(reader->complaints, profile, "a profile");

    if (id && !rules_profile(reader->rules, id)) {
        complain(reader->complaints, profile, "expected a profile that the server has, found '%.64s'", id);
    }
}

static void check_document(struct reader *reader, struct yaml_node *map)
{
    static const char *const languages[] = {"en", "zh", NULL};
    static const char *const audiences[] = {"customer", "operator", "technician", NULL};
    struct yaml_node *faults = yaml_list(reader->complaints, yaml_find(map, "faults"), "a list of faults");

    (void)yaml_id(reader->complaints, yaml_need(reader->complaints, map, "kind"), "a kind such as manual, video, drawing");
    (void)yaml_text(reader->complaints, yaml_need(reader->complaints, map, "version"), "a version", NULL);
    check_words(reader, map, "title");
    (void)yaml_choice(reader->complaints, yaml_find(map, "language"), "a language", languages, 0);
    (void)yaml_choice(reader->complaints, yaml_find(map, "audience"), "who must have it", audiences, 0);
    check_profile(reader, map);
    check_reference(reader, yaml_find(map, "site"), "sites", "a site");
    check_reference(reader, yaml_find(map, "equipment"), "equipment", "a piece of equipment");
    check_date(reader, map, "from");
    check_date(reader, map, "to");
    check_text(reader, map, "link");
    (void)yaml_id(reader->complaints, yaml_find(map, "file"), "the id of an attachment");
    for (struct yaml_node *node = faults ? faults->first : NULL; node; node = node->next) {
        (void)yaml_id(reader->complaints, node, "a fault");
    }
}

static void check_bulletin(struct reader *reader, struct yaml_node *map)
{
    static const char *const kinds[] = {"information", "update", "upgrade", NULL};
    struct yaml_node *job = yaml_find(map, "job");
    const char *id = yaml_id(reader->complaints, job, "a job plan");

    (void)yaml_choice(reader->complaints, yaml_find(map, "kind"), "a kind of bulletin", kinds, 0);
    check_words(reader, map, "title");
    check_words(reader, map, "words");
    check_profile(reader, map);
    check_text(reader, map, "agent_version");
    check_date(reader, map, "from");
    check_date(reader, map, "due");
    if (id && !rules_job(reader->rules, id)) {
        complain(reader->complaints, job, "expected a job plan that the server has, found '%.64s'", id);
    }
}

/* S1-38: who has it, and until when it may be believed. */
static void check_tool(struct reader *reader, struct yaml_node *map)
{
    static const char *const states[] = {"ready", "repair", "suspect", "lost", "retired", NULL};
    struct complaints *complaints = reader->complaints;
    struct yaml_node *technician = yaml_find(map, "technician"), *depot = yaml_find(map, "depot");

    check_text(reader, map, "title");
    check_text(reader, map, "serial");
    check_text(reader, map, "certificate");
    (void)yaml_id(complaints, yaml_need(complaints, map, "class"), "a class of tools");
    (void)yaml_choice(complaints, yaml_find(map, "state"), "a state", states, 0);
    check_reference(reader, technician, "technicians", "a technician");
    check_reference(reader, depot, "depots", "a depot");
    if (technician && depot) {
        complain(complaints, depot, "expected a technician or a depot, found both");
    }
    (void)yaml_duration(complaints, yaml_find(map, "calibration"), "a duration such as 12mo", (struct duration){0, DURATION_D});
    (void)yaml_duration(complaints, yaml_find(map, "service"), "a duration such as 6mo", (struct duration){0, DURATION_D});
    check_date(reader, map, "calibrated");
    check_date(reader, map, "valid_to");
    check_date(reader, map, "serviced");
    (void)yaml_int(complaints, yaml_find(map, "warn"), "days", 0, 1000, 30);
}

/* What somebody has passed; the course may be one that the server does not know any more. */
static void check_taken(struct reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = reader->complaints;

    (void)yaml_id(complaints, yaml_need(complaints, map, "course"), "a course");
    (void)yaml_text(complaints, yaml_need(complaints, map, "holder"), "a name", NULL);
    check_reference(reader, yaml_find(map, "technician"), "technicians", "a technician");
    check_reference(reader, yaml_find(map, "site"), "sites", "a site");
    check_reference(reader, yaml_find(map, "team"), "teams", "a team");
    (void)yaml_choice(complaints, yaml_find(map, "audience"), "who it is", course_audience_names, 0);
    (void)yaml_choice(complaints, yaml_find(map, "level"), "a level", course_level_names, 0);
    (void)yaml_id(complaints, yaml_find(map, "certificate"), "a type of certificate");
    (void)yaml_int(complaints, yaml_find(map, "skill_level"), "a level of skill", 1, 5, 0);
    (void)yaml_need(complaints, map, "day");
    check_date(reader, map, "day");
    check_date(reader, map, "valid_to");
    check_date(reader, map, "exam_due");
}

static void (*const checks[])(struct reader *reader, struct yaml_node *map) = {
    check_customer,  check_calendar, check_site,  check_team, check_technician,
    check_equipment, check_contract, check_depot, check_part, check_roster,
    check_contact,   check_supplier, check_price_list, check_operator, check_design, check_document, check_bulletin, check_tool, check_taken,
};

static void check_row(struct reader *reader, size_t section, struct yaml_node *row)
{
    struct yaml_node *map = yaml_map(reader->complaints, row, "a row {id, …}"), *id;

    if (!map) {
        return;
    }
    id = yaml_need(reader->complaints, map, "id");
    if (yaml_id(reader->complaints, id, "an id") && row_of(reader, section, id->text) != row) {
        complain(reader->complaints, id, "expected an id of its own, found '%s' again", id->text);
    }
    checks[section](reader, map);
    yaml_no_more(reader->complaints, map);
}

static enum err check_sections(struct reader *reader)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < FLEET_SECTIONS; i++) {
        err = list_ids(reader, i);
    }
    for (size_t i = 0; !err && i < FLEET_SECTIONS; i++) {
        struct yaml_node *list = yaml_list(
            reader->complaints, yaml_find(reader->root, fleet_sections[i]), "a list of rows");

        for (struct yaml_node *row = list ? list->first : NULL; row; row = row->next) {
            check_row(reader, i, row);
        }
    }
    yaml_no_more(reader->complaints, reader->root);
    forget_ids(reader);
    return err;
}

enum err fleet_check_tree(struct arena *arena, struct sql *sql, struct rules *rules, struct yaml_node *root,
                          struct complaints *complaints)
{
    struct reader reader = {.arena = arena, .sql = sql, .rules = rules, .complaints = complaints, .root = root};
    size_t before = complaints->count;
    enum err err;

    if (!yaml_map(complaints, reader.root, "a map: a fleet file")) {
        return ERR_FORMAT;
    }
    err = check_sections(&reader);
    return err ? err : complaints->count > before ? ERR_FORMAT : ERR_OK;
}

enum err fleet_check(struct arena *arena, struct sql *sql, struct rules *rules, const char *bytes,
                     size_t size, struct complaints *complaints, struct yaml_node **ret_root)
{
    size_t before = complaints->count;
    enum err err = yaml_parse(arena, bytes, size, complaints, ret_root);

    if (!err) {
        err = fleet_check_tree(arena, sql, rules, *ret_root, complaints);
    }
    return err ? err : complaints->count > before ? ERR_FORMAT : ERR_OK;
}
