/* The fleet file: checked whole with every complaint, then written whole. */
#include "server/fleet/fleet_file.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/service/workdays.h"

struct reader {
    struct arena *arena;
    struct sql *sql;
    struct rules *rules;
    struct complaints *complaints;
    struct yaml_node *root;
};

/* The sections in the order in which they refer to one another. */
static const struct {
    const char *name, *table;
} sections[] = {
    {"customers", "customer"}, {"calendars", "calendar"},     {"sites", "site"},
    {"teams", "team"},         {"technicians", "technician"}, {"equipment", "equipment"},
    {"contracts", "contract"}, {"depots", "depot"},           {"parts", "part"},
};

/* ------------------------------------------------------------------ checking */

static bool in_file(const struct reader *reader, const char *section, const char *id)
{
    struct yaml_node *list = yaml_find(reader->root, section);

    for (struct yaml_node *row = list ? list->first : NULL; row; row = row->next) {
        struct yaml_node *name = yaml_find(row, "id");

        if (name && name->kind == YAML_SCALAR && strcmp(name->text, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool in_database(const struct reader *reader, const char *section, const char *id)
{
    static const char *const asks[] = {
        "SELECT 1 FROM customer WHERE name = ?1",   "SELECT 1 FROM calendar WHERE name = ?1",
        "SELECT 1 FROM site WHERE name = ?1",       "SELECT 1 FROM team WHERE name = ?1",
        "SELECT 1 FROM technician WHERE name = ?1", "SELECT 1 FROM equipment WHERE name = ?1",
        "SELECT 1 FROM contract WHERE name = ?1",   "SELECT 1 FROM depot WHERE name = ?1",
        "SELECT 1 FROM part WHERE name = ?1",
    };

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (strcmp(sections[i].name, section) == 0) {
            return sql_find_int(reader->sql, 0, asks[i], "t", id) != 0;
        }
    }
    return false;
}

/* A reference to a row of another section, in this file or imported before. */
static void check_reference(struct reader *reader, struct yaml_node *node, const char *section,
                            const char *what)
{
    const char *id = yaml_id(reader->complaints, node, what);

    if (id && !in_file(reader, section, id) && !in_database(reader, section, id)) {
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

static void check_customer(struct reader *reader, struct yaml_node *map)
{
    check_text(reader, map, "name");
    check_text(reader, map, "phone");
    check_text(reader, map, "email");
    check_text(reader, map, "language");
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

static void check_site(struct reader *reader, struct yaml_node *map)
{
    check_reference(reader, yaml_find(map, "customer"), "customers", "a customer");
    check_reference(reader, yaml_find(map, "calendar"), "calendars", "a calendar");
    check_text(reader, map, "name");
    check_text(reader, map, "address");
    check_text(reader, map, "access");
    check_zone(reader, map);
    (void)yaml_bool(reader->complaints, yaml_find(map, "remote_area"), "true or false", false);
    check_place(reader, map);
}

static void check_team(struct reader *reader, struct yaml_node *map)
{
    check_text(reader, map, "name");
    check_references(reader, yaml_find(map, "sites"), "sites", "a site");
    (void)yaml_list(reader->complaints, yaml_find(map, "territories"), "a list of territories");
    (void)yaml_list(reader->complaints, yaml_find(map, "skills"), "a list of skills");
    check_reference(reader, yaml_find(map, "calendar"), "calendars", "a calendar");
}

static void check_technician(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *list = yaml_list(reader->complaints, yaml_find(map, "certificates"),
                                       "a list of certificates");

    check_text(reader, map, "name");
    check_text(reader, map, "phone");
    check_text(reader, map, "email");
    check_reference(reader, yaml_find(map, "team"), "teams", "a team");
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        if (yaml_map(reader->complaints, node, "a certificate {type, no, valid_to}")) {
            check_text(reader, node, "type");
            check_text(reader, node, "no");
            check_date(reader, node, "valid_to");
            yaml_no_more(reader->complaints, node);
        }
    }
}

static void check_components(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of components");

    for (node = list ? list->first : NULL; node; node = node->next) {
        if (yaml_map(reader->complaints, node, "a component {class, serial}")) {
            (void)yaml_text(reader->complaints, yaml_need(reader->complaints, node, "class"),
                            "a warranty class", NULL);
            check_text(reader, node, "serial");
            yaml_no_more(reader->complaints, node);
        }
    }
}

static void check_equipment(struct reader *reader, struct yaml_node *map)
{
    static const char *const dates[] = {"sale_date", "invoice_date", "manufacture_date",
                                        "completion_date", "acceptance_date"};
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
    }
    (void)yaml_choice(reader->complaints, yaml_find(map, "service_level"), "a service level", levels, 2);
    check_date(reader, map, "start");
    check_date(reader, map, "end");
}

static void check_depot(struct reader *reader, struct yaml_node *map)
{
    check_text(reader, map, "name");
    check_place(reader, map);
}

static void check_part(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *title = yaml_map(reader->complaints, yaml_find(map, "title"), "a map {en, zh}");
    struct yaml_node *list = yaml_list(reader->complaints, yaml_find(map, "stock"), "a list");

    check_text(reader, map, "class");
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
            yaml_no_more(reader->complaints, node);
        }
    }
}

static void (*const checks[])(struct reader *reader, struct yaml_node *map) = {
    check_customer,  check_calendar, check_site,  check_team, check_technician,
    check_equipment, check_contract, check_depot, check_part,
};

static void check_row(struct reader *reader, size_t section, struct yaml_node *list,
                      struct yaml_node *row)
{
    struct yaml_node *map = yaml_map(reader->complaints, row, "a row {id, …}"), *id;

    if (!map) {
        return;
    }
    id = yaml_need(reader->complaints, map, "id");
    if (yaml_id(reader->complaints, id, "an id")) {
        for (struct yaml_node *other = list->first; other != row; other = other->next) {
            struct yaml_node *name = yaml_find(other, "id");

            if (name && strcmp(name->text, id->text) == 0) {
                complain(reader->complaints, id, "expected an id of its own, found '%s' again", id->text);
            }
        }
    }
    checks[section](reader, map);
    yaml_no_more(reader->complaints, map);
}

enum err fleet_check(struct arena *arena, struct sql *sql, struct rules *rules, const char *bytes,
                     size_t size, struct complaints *complaints, struct yaml_node **ret_root)
{
    struct reader reader = {arena, sql, rules, complaints, NULL};
    size_t before = complaints->count;
    enum err err = yaml_parse(arena, bytes, size, complaints, &reader.root);

    if (err) {
        return err;
    }
    if (!yaml_map(complaints, reader.root, "a map: a fleet file")) {
        return ERR_FORMAT;
    }
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        struct yaml_node *list =
            yaml_list(complaints, yaml_find(reader.root, sections[i].name), "a list of rows");

        for (struct yaml_node *row = list ? list->first : NULL; row; row = row->next) {
            check_row(&reader, i, list, row);
        }
    }
    yaml_no_more(complaints, reader.root);
    *ret_root = reader.root;
    return complaints->count > before ? ERR_FORMAT : ERR_OK;
}

/* ------------------------------------------------------------------ writing */

static void put_node(const struct yaml_node *node, struct json_out *out)
{
    if (node->kind == YAML_SCALAR) {
        json_put_text(out, node->text);
        return;
    }
    if (node->kind == YAML_MAP) {
        json_open_object(out);
    } else {
        json_open_list(out);
    }
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (node->kind == YAML_MAP) {
            json_key(out, child->key);
        }
        put_node(child, out);
    }
    if (node->kind == YAML_MAP) {
        json_close_object(out);
    } else {
        json_close_list(out);
    }
}

struct row { /* being written */
    struct sql *sql;
    struct yaml_node *map;
    const char *id;
    struct json_out doc;
    int64_t now_ms, *changed;
};

static const char *words(struct yaml_node *map, const char *key)
{
    struct yaml_node *node = yaml_find(map, key);

    return node && node->kind == YAML_SCALAR && node->text[0] ? node->text : NULL;
}

static double number(struct yaml_node *map, const char *key)
{
    const char *text = words(map, key);
    double value = 0;

    return text && !text_to_number(text, strlen(text), &value) ? value : 0;
}

/* A date as a day, or -1 for none: SQL turns that into NULL. */
static int64_t day(struct yaml_node *map, const char *key)
{
    const char *text = words(map, key);
    int32_t value;

    return text && !civil_read_date(text, &value) ? value : -1;
}

/* Counts what the statement changed: the UPDATEs below touch a row only when it differs. */
static enum err count(struct row *row, enum err err)
{
    *row->changed += err ? 0 : sql_changes(row->sql);
    return err;
}

static enum err apply_customer(struct row *row)
{
    return count(row, sql_run(row->sql,
                              "INSERT INTO customer (name, title, doc) VALUES (?1, ?2, ?3) ON"
                              " CONFLICT (name) DO UPDATE SET title = ?2, doc = ?3 WHERE customer.doc <> ?3",
                              "ttt", row->id, words(row->map, "name"), row->doc.bytes));
}

static enum err apply_calendar(struct row *row)
{
    return count(row, sql_run(row->sql,
                              "INSERT INTO calendar (name, time_zone, doc) VALUES (?1, ?2, ?3) ON"
                              " CONFLICT (name) DO UPDATE SET time_zone = ?2, doc = ?3 WHERE"
                              " calendar.doc <> ?3",
                              "ttt", row->id, words(row->map, "time_zone"), row->doc.bytes));
}

static enum err apply_site(struct row *row)
{
    const char *remote = words(row->map, "remote_area");

    return count(
        row,
        sql_run(row->sql,
                "INSERT INTO site (name, customer, title, address, time_zone, calendar, remote_area,"
                " lat, lon, doc) VALUES (?1, (SELECT id FROM customer WHERE name = ?2), ?3, ?4, ?5,"
                " (SELECT id FROM calendar WHERE name = ?6), ?7, ?8, ?9, ?10) ON CONFLICT (name) DO"
                " UPDATE SET customer = excluded.customer, title = ?3, address = ?4, time_zone = ?5,"
                " calendar = excluded.calendar, remote_area = ?7, lat = ?8, lon = ?9, doc = ?10"
                " WHERE site.doc <> ?10",
                "ttttttiddt", row->id, words(row->map, "customer"), words(row->map, "name"),
                words(row->map, "address"), words(row->map, "time_zone"),
                words(row->map, "calendar"), (int64_t)text_same(remote, "true"),
                number(row->map, "lat"), number(row->map, "lon"), row->doc.bytes));
}

/*
 * Rows of a list that hang on another row: cleared and written anew, but only when that row's own
 * statement changed something (its doc holds the list), so that importing twice changes nothing.
 */
static enum err apply_list(struct row *row, const char *clear, const char *insert,
                           struct yaml_node *list)
{
    enum err err = sql_run(row->sql, clear, "t", row->id);

    for (struct yaml_node *node = list ? list->first : NULL; node && !err; node = node->next) {
        err = sql_run(row->sql, insert, "tt", row->id, node->text);
    }
    return err;
}

static enum err apply_team_lists(struct row *row)
{
    enum err err = apply_list(
        row, "DELETE FROM team_site WHERE team = (SELECT id FROM team WHERE name = ?1)",
        "INSERT INTO team_site (team, site) SELECT t.id, s.id FROM team t, site s WHERE t.name = ?1"
        " AND s.name = ?2 ON CONFLICT DO NOTHING",
        yaml_find(row->map, "sites"));

    if (!err) {
        err = apply_list(
            row, "DELETE FROM team_skill WHERE team = (SELECT id FROM team WHERE name = ?1)",
            "INSERT INTO team_skill (team, skill) SELECT id, ?2 FROM team WHERE name = ?1 ON CONFLICT"
            " DO NOTHING",
            yaml_find(row->map, "skills"));
    }
    return err ? err
               : apply_list(
                     row,
                     "DELETE FROM team_territory WHERE team = (SELECT id FROM team WHERE name = ?1)",
                     "INSERT INTO team_territory (team, territory) SELECT id, ?2 FROM team WHERE name"
                     " = ?1 ON CONFLICT DO NOTHING",
                     yaml_find(row->map, "territories"));
}

static enum err apply_team(struct row *row)
{
    enum err err = count(
        row, sql_run(row->sql,
                     "INSERT INTO team (name, title, calendar, doc) VALUES (?1, ?2, (SELECT id FROM"
                     " calendar WHERE name = ?3), ?4) ON CONFLICT (name) DO UPDATE SET title = ?2,"
                     " calendar = excluded.calendar, doc = ?4 WHERE team.doc <> ?4",
                     "tttt", row->id, words(row->map, "name"), words(row->map, "calendar"),
                     row->doc.bytes));

    return err || sql_changes(row->sql) == 0 ? err : apply_team_lists(row);
}

static enum err apply_certificates(struct row *row)
{
    struct yaml_node *list = yaml_find(row->map, "certificates");
    enum err err = sql_run(row->sql,
                           "DELETE FROM certificate WHERE technician = (SELECT id FROM technician"
                           " WHERE name = ?1)",
                           "t", row->id);

    for (struct yaml_node *node = list ? list->first : NULL; node && !err; node = node->next) {
        err = sql_run(row->sql,
                      "INSERT INTO certificate (technician, type, no, valid_to) SELECT id, ?2, ?3, ?4"
                      " FROM technician WHERE name = ?1",
                      "tttt", row->id, words(node, "type"), words(node, "no"),
                      words(node, "valid_to"));
    }
    return err;
}

static enum err apply_technician(struct row *row)
{
    enum err err = count(
        row, sql_run(row->sql,
                     "INSERT INTO technician (name, title, team, phone, doc) VALUES (?1, ?2, (SELECT"
                     " id FROM team WHERE name = ?3), ?4, ?5) ON CONFLICT (name) DO UPDATE SET title"
                     " = ?2, team = excluded.team, phone = ?4, doc = ?5 WHERE technician.doc <> ?5",
                     "ttttt", row->id, words(row->map, "name"), words(row->map, "team"),
                     words(row->map, "phone"), row->doc.bytes));

    return err || sql_changes(row->sql) == 0 ? err : apply_certificates(row);
}

static enum err apply_components(struct row *row)
{
    struct yaml_node *list = yaml_find(row->map, "components");
    enum err err = ERR_OK;

    for (struct yaml_node *node = list ? list->first : NULL; node && !err; node = node->next) {
        const char *serial = words(node, "serial");

        err = count(row, sql_run(row->sql,
                                 "INSERT INTO component (equipment, class, serial) SELECT id, ?2, ?3"
                                 " FROM equipment WHERE name = ?1 ON CONFLICT DO NOTHING",
                                 "ttt", row->id, words(node, "class"), serial ? serial : ""));
    }
    return err;
}

static enum err apply_equipment(struct row *row)
{
    const char *agent = words(row->map, "agent");
    enum err err = ERR_OK;

    if (agent) {
        err = sql_run(row->sql,
                      "INSERT INTO agent (name, first_seen_ms, last_seen_ms, known) VALUES (?1, ?2,"
                      " 0, 1) ON CONFLICT (name) DO UPDATE SET known = 1 WHERE agent.known = 0",
                      "ti", agent, row->now_ms);
    }
    if (!err) {
        err = count(
            row,
            sql_run(
                row->sql,
                "INSERT INTO equipment (name, title, site, profile, agent, serial, claimed,"
                " sale_day, invoice_day, manufacture_day, completion_day, acceptance_day,"
                " created_ms) VALUES (?1, ?2, (SELECT id FROM site WHERE name = ?3), ?4, (SELECT id"
                " FROM agent WHERE name = ?5), ?6, 1, NULLIF(?7, -1), NULLIF(?8, -1), NULLIF(?9,"
                " -1), NULLIF(?10, -1), NULLIF(?11, -1), ?12) ON CONFLICT (name) DO UPDATE SET title"
                " = excluded.title, site = excluded.site, profile = COALESCE(excluded.profile,"
                " equipment.profile), agent = COALESCE(excluded.agent, equipment.agent), serial = excluded.serial,"
                " claimed = 1, sale_day = excluded.sale_day, invoice_day = excluded.invoice_day,"
                " manufacture_day = excluded.manufacture_day, completion_day ="
                " excluded.completion_day, acceptance_day = excluded.acceptance_day WHERE equipment.claimed = 0"
                " OR equipment.title IS DISTINCT FROM excluded.title"
                " OR equipment.site IS DISTINCT FROM excluded.site"
                " OR equipment.profile IS DISTINCT FROM COALESCE(excluded.profile, equipment.profile)"
                " OR equipment.agent IS DISTINCT FROM COALESCE(excluded.agent, equipment.agent)"
                " OR equipment.serial IS DISTINCT FROM excluded.serial"
                " OR equipment.sale_day IS DISTINCT FROM excluded.sale_day"
                " OR equipment.invoice_day IS DISTINCT FROM excluded.invoice_day"
                " OR equipment.manufacture_day IS DISTINCT FROM excluded.manufacture_day"
                " OR equipment.completion_day IS DISTINCT FROM excluded.completion_day"
                " OR equipment.acceptance_day IS DISTINCT FROM excluded.acceptance_day",
                "ttttttiiiiii", row->id, words(row->map, "title"), words(row->map, "site"),
                words(row->map, "profile"), agent, words(row->map, "serial"),
                day(row->map, "sale_date"), day(row->map, "invoice_date"),
                day(row->map, "manufacture_date"), day(row->map, "completion_date"),
                day(row->map, "acceptance_date"), row->now_ms));
    }
    return err ? err : apply_components(row);
}

static enum err apply_contract(struct row *row)
{
    const char *level = words(row->map, "service_level");
    enum err err = count(
        row, sql_run(row->sql,
                     "INSERT INTO contract (name, customer, plan, service_level, start_day, end_day,"
                     " doc) VALUES (?1, (SELECT id FROM customer WHERE name = ?2), ?3, ?4,"
                     " NULLIF(?5, -1), NULLIF(?6, -1), ?7) ON CONFLICT (name) DO UPDATE SET customer"
                     " = excluded.customer, plan = ?3, service_level = ?4, start_day ="
                     " excluded.start_day, end_day = excluded.end_day, doc = ?7 WHERE contract.doc <> ?7",
                     "ttttiit", row->id, words(row->map, "customer"), words(row->map, "plan"),
                     level ? level : "C", day(row->map, "start"), day(row->map, "end"),
                     row->doc.bytes));

    return err || sql_changes(row->sql) == 0
               ? err
               : apply_list(row,
                            "DELETE FROM contract_site WHERE contract = (SELECT id FROM contract"
                            " WHERE name = ?1)",
                            "INSERT INTO contract_site (contract, site) SELECT c.id, s.id FROM"
                            " contract c, site s WHERE c.name = ?1 AND s.name = ?2 ON CONFLICT DO"
                            " NOTHING",
                            yaml_find(row->map, "sites"));
}

static enum err apply_depot(struct row *row)
{
    return count(row, sql_run(row->sql,
                              "INSERT INTO depot (name, title, lat, lon, doc) VALUES (?1, ?2, ?3,"
                              " ?4, ?5) ON CONFLICT (name) DO UPDATE SET title = ?2, lat = ?3, lon ="
                              " ?4, doc = ?5 WHERE depot.doc <> ?5",
                              "ttddt", row->id, words(row->map, "name"), number(row->map, "lat"),
                              number(row->map, "lon"), row->doc.bytes));
}

static enum err apply_part(struct row *row)
{
    struct yaml_node *title = yaml_find(row->map, "title"), *stock = yaml_find(row->map, "stock");
    enum err err =
        count(row, sql_run(row->sql,
                           "INSERT INTO part (name, title_en, title_zh, class, doc) VALUES (?1, ?2,"
                           " ?3, ?4, ?5) ON CONFLICT (name) DO UPDATE SET title_en = ?2, title_zh ="
                           " ?3, class = ?4, doc = ?5 WHERE part.doc <> ?5",
                           "ttttt", row->id, words(title, "en"), words(title, "zh"),
                           words(row->map, "class"), row->doc.bytes));

    /* the same row again is no stocktake: what was used meanwhile stays used */
    if (!err && sql_changes(row->sql) == 0) {
        return ERR_OK;
    }
    for (struct yaml_node *node = stock ? stock->first : NULL; node && !err; node = node->next) {
        err = count(row, sql_run(row->sql,
                                 "INSERT INTO stock (part, depot, count) SELECT p.id, d.id, ?3 FROM"
                                 " part p, depot d WHERE p.name = ?1 AND d.name = ?2 ON CONFLICT"
                                 " (part, depot) DO UPDATE SET count = ?3 WHERE stock.count <> ?3",
                                 "tti", row->id, words(node, "depot"),
                                 (int64_t)number(node, "count")));
    }
    return err;
}

static enum err (*const appliers[])(struct row *row) = {
    apply_customer,  apply_calendar, apply_site,  apply_team, apply_technician,
    apply_equipment, apply_contract, apply_depot, apply_part,
};

enum err fleet_apply(struct sql *sql, struct yaml_node *root, int64_t now_ms, int64_t *ret_changed)
{
    struct row row = {.sql = sql, .doc = json_out(1024 * 1024), .now_ms = now_ms,
                      .changed = ret_changed};
    enum err err = ERR_OK;

    *ret_changed = 0;
    for (size_t i = 0; !err && i < sizeof(sections) / sizeof(sections[0]); i++) {
        struct yaml_node *list = yaml_find(root, sections[i].name);

        for (struct yaml_node *map = list ? list->first : NULL; map && !err; map = map->next) {
            row.map = map;
            row.id = words(map, "id");
            json_out_reset(&row.doc);
            put_node(map, &row.doc);
            err = row.doc.err ? row.doc.err : appliers[i](&row);
        }
    }
    json_out_free(&row.doc);
    return err;
}
