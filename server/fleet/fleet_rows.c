/* The fleet file's rows into the database: each is written only when it differs. */
#include <string.h>

#include "models/base/arena.h"
#include "models/base/civil.h"
#include "models/base/duration.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/service/price.h"
#include "server/fleet/fleet_file.h"
#include "server/fleet/fleet_file_int.h"
#include "server/rack/rack.h"

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

/* Callers are known by the last eight digits of their number. */
static enum err write_phone(struct row *row)
{
    int64_t id = sql_find_int(row->sql, 0, "SELECT id FROM customer WHERE name = ?1", "t", row->id);
    const char *phone = words(row->map, "phone");
    char digits[64], *tail = digits;
    size_t size = 0;
    enum err err = sql_run(row->sql, "DELETE FROM customer_phone WHERE customer = ?1", "i", id);

    for (; phone && *phone && size < sizeof(digits) - 1; phone++) {
        if (*phone >= '0' && *phone <= '9') {
            digits[size++] = *phone;
        }
    }
    digits[size] = '\0';
    tail += size > 8 ? size - 8 : 0;
    return err || size < 6
               ? err
               : sql_run(row->sql, "INSERT INTO customer_phone (tail, customer) VALUES (?1, ?2)", "ti", tail, id);
}

static enum err apply_customer(struct row *row)
{
    int64_t before = *row->changed;
    enum err err = count(row, sql_run(row->sql,
                              "INSERT INTO customer (name, title, doc) VALUES (?1, ?2, ?3) ON"
                              " CONFLICT (name) DO UPDATE SET title = ?2, doc = ?3 WHERE customer.doc <> ?3",
                              "ttt", row->id, words(row->map, "name"), row->doc.bytes));

    return err || *row->changed == before ? err : write_phone(row);
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
                " lat, lon, doc, area, position, critical, climate) VALUES (?1, (SELECT id FROM customer WHERE name = ?2), ?3, ?4,"
                " ?5, (SELECT id FROM calendar WHERE name = ?6), ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (name)"
                " DO UPDATE SET customer = excluded.customer, title = ?3, address = ?4, time_zone = ?5,"
                " calendar = excluded.calendar, remote_area = ?7, lat = ?8, lon = ?9, doc = ?10, area = ?11,"
                " position = ?12, critical = ?13, climate = ?14 WHERE site.doc <> ?10",
                "ttttttiddt" "ttit", row->id, words(row->map, "customer"), words(row->map, "name"),
                words(row->map, "address"), words(row->map, "time_zone"),
                words(row->map, "calendar"), (int64_t)text_same(remote, "true"),
                number(row->map, "lat"), number(row->map, "lon"), row->doc.bytes, words(row->map, "area"),
                words(row->map, "position"), (int64_t)text_same(words(row->map, "critical"), "true"),
                words(row->map, "climate")));
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
                                 "INSERT INTO component (equipment, class, serial, supplier, approved) SELECT id, ?2, ?3,"
                                 " ?4, ?5 FROM equipment WHERE name = ?1 ON CONFLICT (equipment, class, serial) DO UPDATE SET"
                                 " supplier = excluded.supplier, approved = excluded.approved WHERE component.supplier IS"
                                 " DISTINCT FROM excluded.supplier OR component.approved <> excluded.approved",
                                 "tttti", row->id, words(node, "class"), serial ? serial : "", words(node, "supplier"),
                                 (int64_t)!text_same(words(node, "approved"), "false")));
    }
    return err;
}

/* S0-07: who is named for it. */
static enum err apply_named(struct row *row)
{
    const char *team = words(row->map, "team"), *backup = words(row->map, "backup_team");
    const char *technician = words(row->map, "technician"), *second = words(row->map, "backup_technician");

    return count(
        row,
        sql_run(row->sql,
                "INSERT INTO equipment_team (equipment, team, backup_team, technician, backup_technician) SELECT"
                " e.id, (SELECT id FROM team WHERE name = ?2), (SELECT id FROM team WHERE name = ?3), (SELECT id"
                " FROM technician WHERE name = ?4), (SELECT id FROM technician WHERE name = ?5) FROM equipment e"
                " WHERE e.name = ?1 AND (?2 IS NOT NULL OR ?3 IS NOT NULL OR ?4 IS NOT NULL OR ?5 IS NOT NULL OR"
                " EXISTS (SELECT 1 FROM equipment_team x WHERE x.equipment = e.id)) ON CONFLICT (equipment) DO"
                " UPDATE SET team = excluded.team, backup_team = excluded.backup_team, technician ="
                " excluded.technician, backup_technician = excluded.backup_technician WHERE equipment_team.team IS"
                " DISTINCT FROM excluded.team OR equipment_team.backup_team IS DISTINCT FROM excluded.backup_team"
                " OR equipment_team.technician IS DISTINCT FROM excluded.technician OR"
                " equipment_team.backup_technician IS DISTINCT FROM excluded.backup_technician",
                "ttttt", row->id, team, backup, technician, second));
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
                " created_ms, completion_signed_day, registration_day) VALUES (?1, ?2, (SELECT id FROM site WHERE name = ?3), ?4, (SELECT id"
                " FROM agent WHERE name = ?5), ?6, 1, NULLIF(?7, -1), NULLIF(?8, -1), NULLIF(?9,"
                " -1), NULLIF(?10, -1), NULLIF(?11, -1), ?12, NULLIF(?13, -1), NULLIF(?14, -1)) ON CONFLICT (name) DO UPDATE SET title"
                " = excluded.title, site = excluded.site, profile = COALESCE(excluded.profile,"
                " equipment.profile), agent = COALESCE(excluded.agent, equipment.agent), serial = excluded.serial,"
                " claimed = 1, sale_day = excluded.sale_day, invoice_day = excluded.invoice_day,"
                " manufacture_day = excluded.manufacture_day, completion_day ="
                " excluded.completion_day, acceptance_day = excluded.acceptance_day, completion_signed_day ="
                " excluded.completion_signed_day, registration_day = excluded.registration_day WHERE equipment.claimed = 0"
                " OR equipment.title IS DISTINCT FROM excluded.title"
                " OR equipment.site IS DISTINCT FROM excluded.site"
                " OR equipment.profile IS DISTINCT FROM COALESCE(excluded.profile, equipment.profile)"
                " OR equipment.agent IS DISTINCT FROM COALESCE(excluded.agent, equipment.agent)"
                " OR equipment.serial IS DISTINCT FROM excluded.serial"
                " OR equipment.sale_day IS DISTINCT FROM excluded.sale_day"
                " OR equipment.invoice_day IS DISTINCT FROM excluded.invoice_day"
                " OR equipment.manufacture_day IS DISTINCT FROM excluded.manufacture_day"
                " OR equipment.completion_day IS DISTINCT FROM excluded.completion_day"
                " OR equipment.acceptance_day IS DISTINCT FROM excluded.acceptance_day"
                " OR equipment.completion_signed_day IS DISTINCT FROM excluded.completion_signed_day"
                " OR equipment.registration_day IS DISTINCT FROM excluded.registration_day",
                "ttttttiiiiii" "ii", row->id, words(row->map, "title"), words(row->map, "site"),
                words(row->map, "profile"), agent, words(row->map, "serial"),
                day(row->map, "sale_date"), day(row->map, "invoice_date"),
                day(row->map, "manufacture_date"), day(row->map, "completion_date"),
                day(row->map, "acceptance_date"), row->now_ms, day(row->map, "completion_signed_date"),
                day(row->map, "registration_date")));
    }
    if (!err) { /* for whoever wants the file again */
        err = count(row, sql_run(row->sql, "UPDATE equipment SET doc = ?2 WHERE name = ?1 AND doc IS DISTINCT FROM ?2", "tt",
                                 row->id, row->doc.bytes));
    }
    if (!err) {
        err = apply_named(row);
    }
    return err ? err : apply_components(row);
}

/* From which day to which day a piece of equipment belongs to it. */
static enum err apply_covers(struct row *row)
{
    struct yaml_node *list = yaml_find(row->map, "covers");
    enum err err = sql_run(row->sql, "DELETE FROM agreement_cover WHERE contract = (SELECT id FROM contract WHERE name = ?1)",
                           "t", row->id);

    for (struct yaml_node *node = list ? list->first : NULL; node && !err; node = node->next) {
        err = sql_run(row->sql,
                      "INSERT INTO agreement_cover (contract, equipment, from_day, to_day, who, at_ms) SELECT c.id, e.id, ?3,"
                      " NULLIF(?4, -1), 'import', ?5 FROM contract c, equipment e WHERE c.name = ?1 AND e.name = ?2 ON CONFLICT"
                      " DO NOTHING",
                      "ttiii", row->id, words(node, "equipment"), day(node, "from"), day(node, "to"), row->now_ms);
    }
    return err;
}

/* A draft covers nothing yet. An end that was agreed since (renewed, cancelled) is not taken back by an older file. */
static enum err apply_contract(struct row *row)
{
    const char *level = words(row->map, "service_level");
    bool draft = text_same(words(row->map, "draft"), "true"), changed;
    struct yaml_node *overlays = yaml_find(row->map, "overlays");
    TEXT(plan, 400);
    enum err err;

    text_addf(&plan, "%s", words(row->map, "plan"));
    for (struct yaml_node *node = overlays ? overlays->first : NULL; node; node = node->next) {
        text_addf(&plan, "+%s", node->text); /* rules_plan reads it */
    }
    err = count(
        row, sql_run(row->sql,
                     "INSERT INTO contract (name, customer, plan, service_level, start_day, end_day,"
                     " doc, draft, signed_day) VALUES (?1, (SELECT id FROM customer WHERE name = ?2), ?3, ?4,"
                     " NULLIF(?5, -1), NULLIF(?6, -1), ?7, ?8, NULLIF(?9, -1)) ON CONFLICT (name) DO UPDATE SET customer"
                     " = excluded.customer, plan = ?3, service_level = ?4, start_day ="
                     " excluded.start_day, end_day = excluded.end_day, doc = ?7, draft = ?8, signed_day ="
                     " excluded.signed_day, seen_day = 0 WHERE contract.doc <> ?7 AND (contract.agreed = 0 OR"
                     " COALESCE(contract.end_day, -1) = COALESCE(excluded.end_day, -1))",
                     "ttttiit" "ii", row->id, words(row->map, "customer"), plan.at,
                     level ? level : "C", day(row->map, "start"), day(row->map, "end"),
                     row->doc.bytes, (int64_t)draft, day(row->map, "signed")));
    changed = !err && sql_changes(row->sql) > 0;
    if (changed) {
        err = apply_covers(row);
    }
    if (changed && !err && draft) {
        return sql_run(row->sql, "DELETE FROM contract_site WHERE contract = (SELECT id FROM contract WHERE name = ?1)", "t",
                       row->id);
    }
    return err || !changed
               ? err
               : apply_list(row,
                            "DELETE FROM contract_site WHERE contract = (SELECT id FROM contract"
                            " WHERE name = ?1)",
                            "INSERT INTO contract_site (contract, site) SELECT c.id, s.id FROM"
                            " contract c, site s WHERE c.name = ?1 AND s.name = ?2 ON CONFLICT DO"
                            " NOTHING",
                            yaml_find(row->map, "sites"));
}

/* Days of a duration: a month has 30, a year 365; −1: none. */
static int64_t days(struct yaml_node *map, const char *key)
{
    const char *text = words(map, key);
    struct duration duration;
    int64_t ms;

    if (!text || duration_read(text, &duration)) {
        return -1;
    }
    if (duration.unit == DURATION_MO || duration.unit == DURATION_Y) {
        return duration.count * (duration.unit == DURATION_MO ? 30 : 365);
    }
    if (duration.unit == DURATION_WD) {
        return (duration.count * 7 + 4) / 5;
    }
    return duration_ms(duration, &ms) ? -1 : (ms + 86399999) / 86400000;
}

static enum err apply_depot(struct row *row)
{
    const char *kind = words(row->map, "kind");
    bool usable = words(row->map, "usable") ? text_same(words(row->map, "usable"), "true")
                                            : !text_same(kind, "warehouse");

    return count(row, sql_run(row->sql,
                              "INSERT INTO depot (name, title, lat, lon, doc, kind, counts, technician, team, stocktake_days,"
                              " sampling_days, review_days, service) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT id FROM"
                              " technician WHERE name = ?8), (SELECT id FROM team WHERE name = ?9), NULLIF(?10, -1), NULLIF(?11,"
                              " -1), NULLIF(?12, -1), NULLIF(?13, 0.0)) ON CONFLICT (name) DO UPDATE SET title = ?2, lat = ?3,"
                              " lon = ?4, doc = ?5, kind = ?6, counts = ?7, technician = excluded.technician, team ="
                              " excluded.team, stocktake_days = excluded.stocktake_days, sampling_days ="
                              " excluded.sampling_days, review_days = excluded.review_days, service = excluded.service WHERE"
                              " depot.doc <> ?5",
                              "ttddttitt" "iiid", row->id, words(row->map, "name"), number(row->map, "lat"),
                              number(row->map, "lon"), row->doc.bytes, kind ? kind : "depot", (int64_t)usable,
                              words(row->map, "technician"), words(row->map, "team"), days(row->map, "stocktake"),
                              days(row->map, "sampling"), days(row->map, "review"), number(row->map, "service")));
}

static enum err write_part(struct row *row)
{
    struct yaml_node *title = yaml_find(row->map, "title");
    const char *tracked = words(row->map, "tracked");
    int64_t lead = days(row->map, "lead");

    return count(
        row, sql_run(row->sql,
                     "INSERT INTO part (name, title_en, title_zh, class, doc, tracked, supplier, lead_ms, life_days, consumable,"
                     " inspected, unit_cost, currency) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULLIF(?8, -1), NULLIF(?9, -1), ?10,"
                     " ?11, NULLIF(?12, -1), ?13) ON CONFLICT (name) DO UPDATE SET title_en = ?2, title_zh = ?3, class = ?4, doc"
                     " = ?5, tracked = ?6, supplier = ?7, lead_ms = excluded.lead_ms, life_days = excluded.life_days,"
                     " consumable = ?10, inspected = ?11, unit_cost = excluded.unit_cost, currency = ?13 WHERE part.doc <> ?5",
                     "ttttttti" "iiiit", row->id, words(title, "en"), words(title, "zh"), words(row->map, "class"),
                     row->doc.bytes, tracked ? tracked : "none", words(row->map, "supplier"),
                     lead < 0 ? -1 : lead * 86400000, days(row->map, "shelf_life"),
                     (int64_t)text_same(words(row->map, "consumable"), "true"),
                     (int64_t)text_same(words(row->map, "inspect"), "true"),
                     words(row->map, "cost") ? (int64_t)(number(row->map, "cost") * 100 + 0.5) : -1,
                     words(row->map, "currency")));
}

static enum err write_fits(struct row *row, int64_t part)
{
    struct yaml_node *list = yaml_find(row->map, "fits");
    enum err err = sql_run(row->sql, "DELETE FROM part_fit WHERE part = ?1", "i", part);

    for (struct yaml_node *node = list ? list->first : NULL; node && !err; node = node->next) {
        err = sql_run(row->sql,
                      "INSERT INTO part_fit (part, profile, component, rate) VALUES (?1, ?2, ?3, NULLIF(?4, 0.0))", "ittd",
                      part, words(node, "profile"), words(node, "component"), number(node, "rate"));
    }
    return err;
}

/* What the file said last of a depot's count; −1: nothing. doc: the part's row as it was. */
static int64_t said_before(const struct cJSON *doc, const char *depot)
{
    for (const struct cJSON *line = json_first(json_field(doc, "stock")); line; line = json_next(line)) {
        const char *count = json_text_or(line, "count", "-1");
        int64_t value;

        if (text_same(json_text_or(line, "depot", NULL), depot)) {
            return text_to_int(count, strlen(count), &value) ? -1 : value;
        }
    }
    return -1;
}

/* The same count again is no stocktake: what was used meanwhile stays used. Another one than the file said last is set. */
static enum err apply_stock(struct row *row, const struct cJSON *before)
{
    struct yaml_node *stock = yaml_find(row->map, "stock");
    int64_t part = sql_find_int(row->sql, 0, "SELECT id FROM part WHERE name = ?1", "t", row->id);
    enum err err = sql_run(row->sql, "DELETE FROM stock_want WHERE part = ?1", "i", part);

    err = err ? err : write_fits(row, part);
    for (struct yaml_node *node = stock ? stock->first : NULL; node && !err; node = node->next) {
        int64_t depot = sql_find_int(row->sql, 0, "SELECT id FROM depot WHERE name = ?1", "t", words(node, "depot"));
        int64_t pieces = (int64_t)number(node, "count");

        if (pieces != said_before(before, words(node, "depot"))) {
            err = rack_set(row->sql, part, depot, pieces, "import", "fleet file", row->now_ms);
            *row->changed += err ? 0 : 1;
        }
        if (!err && (words(node, "min") || words(node, "target"))) {
            err = sql_run(row->sql,
                          "INSERT INTO stock_want (part, depot, least, target) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                          "iiii", part, depot, (int64_t)number(node, "min"), (int64_t)number(node, "target"));
        }
    }
    return err;
}

static enum err apply_part(struct row *row)
{
    int64_t before = *row->changed;
    const struct cJSON *doc = NULL;
    struct arena *arena;
    struct sql_rows rows;
    enum err err = arena_open(8 << 20, &arena);

    if (err) {
        return err;
    }
    sql_find(row->sql, &rows, "SELECT doc FROM part WHERE name = ?1", "t", row->id);
    if (sql_next(&rows)) {
        err = json_parse(arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)), &doc, NULL);
    }
    err = sql_end(&rows) ? ERR_IO : err;
    err = err ? err : write_part(row);
    if (!err && *row->changed != before) {
        err = apply_stock(row, doc);
    }
    arena_close(arena);
    return err;
}

static enum err apply_roster(struct row *row)
{
    return count(row, sql_run(row->sql,
                              "INSERT INTO roster (name, title, doc) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO"
                              " UPDATE SET title = ?2, doc = ?3 WHERE roster.doc <> ?3",
                              "ttt", row->id, words(row->map, "name"), row->doc.bytes));
}

/* A contact of the company that changes is a fact of its own: customers are owed word of it (server/case/contact.c). */
static enum err apply_contact(struct row *row)
{
    bool there = sql_find_int(row->sql, 0, "SELECT 1 FROM contact WHERE name = ?1", "t", row->id) != 0;
    enum err err = count(row, sql_run(row->sql,
                                      "INSERT INTO contact (name, title, phone, email, doc, purpose) VALUES (?1, ?2, ?3, ?4,"
                                      " ?5, COALESCE(?6, 'service')) ON CONFLICT (name) DO UPDATE SET title = ?2, phone = ?3,"
                                      " email = ?4, doc = ?5, purpose = COALESCE(?6, 'service') WHERE contact.doc <> ?5",
                                      "tttttt", row->id, words(row->map, "name"), words(row->map, "phone"),
                                      words(row->map, "email"), row->doc.bytes, words(row->map, "purpose")));

    return err || !there || sql_changes(row->sql) == 0
               ? err
               : sql_run(row->sql, "INSERT INTO contact_change (contact, at_ms) SELECT id, ?2 FROM contact WHERE name = ?1",
                         "ti", row->id, row->now_ms);
}

static enum err apply_supplier(struct row *row)
{
    enum err err = count(row, sql_run(row->sql,
                                      "INSERT INTO supplier (name, title, email, phone, doc) VALUES (?1, ?2, ?3, ?4, ?5) ON"
                                      " CONFLICT (name) DO UPDATE SET title = ?2, email = ?3, phone = ?4, doc = ?5 WHERE"
                                      " supplier.doc <> ?5",
                                      "ttttt", row->id, words(row->map, "name"), words(row->map, "email"),
                                      words(row->map, "phone"), row->doc.bytes));

    return err || sql_changes(row->sql) == 0
               ? err
               : apply_list(row, "DELETE FROM supplier_class WHERE supplier = (SELECT id FROM supplier WHERE name = ?1)",
                            "INSERT INTO supplier_class (supplier, class) SELECT id, ?2 FROM supplier WHERE name = ?1 ON"
                            " CONFLICT DO NOTHING",
                            yaml_find(row->map, "classes"));
}

/* Minor units, or -1 for none: SQL turns that into NULL. */
static int64_t minor(struct yaml_node *map, const char *key)
{
    int64_t value;

    return money_read(words(map, key), &value) ? -1 : value;
}

static enum err apply_prices(struct row *row)
{
    struct yaml_node *list = yaml_find(row->map, "prices");
    enum err err = sql_run(row->sql, "DELETE FROM price WHERE list = (SELECT id FROM price_list WHERE name = ?1)", "t",
                           row->id);

    for (struct yaml_node *node = list ? list->first : NULL; node && !err; node = node->next) {
        const char *rule = words(node, "rule");

        err = sql_run(row->sql,
                      "INSERT INTO price (list, part, unit, cost, rule) SELECT id, ?2, NULLIF(?3, -1), NULLIF(?4, -1), ?5"
                      " FROM price_list WHERE name = ?1 ON CONFLICT (list, part) DO UPDATE SET unit = excluded.unit, cost ="
                      " excluded.cost, rule = excluded.rule",
                      "ttiit", row->id, words(node, "part"), minor(node, "price"), minor(node, "cost"),
                      rule ? rule : "list");
    }
    return err;
}

static enum err apply_price_list(struct row *row)
{
    enum err err = count(row, sql_run(row->sql,
                                      "INSERT INTO price_list (name, currency, contract, from_day, to_day, doc) VALUES (?1, ?2,"
                                      " ?3, ?4, NULLIF(?5, -1), ?6) ON CONFLICT (name) DO UPDATE SET currency = ?2, contract ="
                                      " ?3, from_day = excluded.from_day, to_day = excluded.to_day, doc = ?6 WHERE"
                                      " price_list.doc <> ?6",
                                      "tttiit", row->id, words(row->map, "currency"), words(row->map, "contract"),
                                      day(row->map, "from"), day(row->map, "to"), row->doc.bytes));

    return err || sql_changes(row->sql) == 0 ? err : apply_prices(row);
}

/* ------------------------------------------------------------------ files and papers */

static const char *words_in(struct yaml_node *map, const char *key, const char *inner)
{
    struct yaml_node *node = yaml_find(map, key);

    return node && node->kind == YAML_MAP ? words(node, inner) : NULL;
}

/* Whoever has to be told of it is looked for at once. */
static enum err look_again(struct row *row)
{
    return sql_run(row->sql, "DELETE FROM mark WHERE name IN ('dossier.round', 'dossier.at')", "");
}

static enum err apply_operator(struct row *row)
{
    return count(row, sql_run(row->sql,
                              "INSERT INTO operator (name, site, title, phone, level, from_day, to_day, doc) SELECT ?1, s.id, ?3,"
                              " ?4, NULLIF(?5, 0), NULLIF(?6, -1), NULLIF(?7, -1), ?8 FROM site s WHERE s.name = ?2 ON CONFLICT"
                              " (name) DO UPDATE SET site = excluded.site, title = excluded.title, phone = excluded.phone,"
                              " level = excluded.level, from_day = excluded.from_day, to_day = excluded.to_day, doc ="
                              " excluded.doc WHERE operator.doc <> excluded.doc",
                              "ttttiiit", row->id, words(row->map, "site"), words(row->map, "name"), words(row->map, "phone"),
                              (int64_t)number(row->map, "level"), day(row->map, "from"), day(row->map, "to"),
                              row->doc.bytes));
}

static enum err apply_design(struct row *row)
{
    return count(row, sql_run(row->sql,
                              "INSERT INTO design (name, site, contract, surveyed_day, doc) SELECT ?1, s.id, (SELECT c.id FROM"
                              " contract c WHERE c.name = ?3), NULLIF(?4, -1), ?5 FROM site s WHERE s.name = ?2 ON CONFLICT"
                              " (name) DO UPDATE SET site = excluded.site, contract = excluded.contract, surveyed_day ="
                              " excluded.surveyed_day, doc = excluded.doc WHERE design.doc <> excluded.doc",
                              "tttit", row->id, words(row->map, "site"), words(row->map, "contract"),
                              day(row->map, "surveyed"), row->doc.bytes));
}

/* Another version, link or file is another edition; what was is kept. */
static enum err apply_document(struct row *row)
{
    const char *audience = words(row->map, "audience"), *version = words(row->map, "version");
    const char *link = words(row->map, "link"), *file = words(row->map, "file");
    enum err err = count(
        row, sql_run(row->sql,
                     "INSERT INTO library (name, kind, title_en, title_zh, version, language, profile, site, equipment,"
                     " audience, from_day, to_day, link, file, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT id FROM site"
                     " WHERE name = ?8), (SELECT id FROM equipment WHERE name = ?9), ?10, NULLIF(?11, -1), NULLIF(?12, -1),"
                     " ?13, ?14, ?15) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, title_en = excluded.title_en,"
                     " title_zh = excluded.title_zh, version = excluded.version, language = excluded.language, profile ="
                     " excluded.profile, site = excluded.site, equipment = excluded.equipment, audience = excluded.audience,"
                     " from_day = excluded.from_day, to_day = excluded.to_day, link = excluded.link, file = excluded.file, doc ="
                     " excluded.doc WHERE library.doc <> excluded.doc",
                     "tttttttttt" "iittt", row->id, words(row->map, "kind"), words_in(row->map, "title", "en"),
                     words_in(row->map, "title", "zh"), version, words(row->map, "language"), words(row->map, "profile"),
                     words(row->map, "site"), words(row->map, "equipment"), audience ? audience : "customer",
                     day(row->map, "from"), day(row->map, "to"), link, file, row->doc.bytes));

    if (err || sql_changes(row->sql) == 0) {
        return err;
    }
    err = sql_run(row->sql,
                  "INSERT INTO library_edition (library, number, version, link, file, at_ms) SELECT b.id, (SELECT"
                  " COALESCE(MAX(x.number), 0) + 1 FROM library_edition x WHERE x.library = b.id), b.version, b.link, b.file, ?2"
                  " FROM library b WHERE b.name = ?1 AND NOT EXISTS (SELECT 1 FROM library_edition y WHERE y.library = b.id AND"
                  " y.number = (SELECT MAX(z.number) FROM library_edition z WHERE z.library = b.id) AND y.version = b.version"
                  " AND y.link IS NOT DISTINCT FROM b.link AND y.file IS NOT DISTINCT FROM b.file)",
                  "ti", row->id, row->now_ms);
    return err ? err : look_again(row);
}

static enum err apply_bulletin(struct row *row)
{
    const char *kind = words(row->map, "kind");
    enum err err = count(row, sql_run(row->sql,
                                      "INSERT INTO bulletin (name, title_en, title_zh, kind, profile, agent_version, job,"
                                      " from_day, due_day, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULLIF(?8, -1), NULLIF(?9,"
                                      " -1), ?10) ON CONFLICT (name) DO UPDATE SET title_en = excluded.title_en, title_zh ="
                                      " excluded.title_zh, kind = excluded.kind, profile = excluded.profile, agent_version ="
                                      " excluded.agent_version, job = excluded.job, from_day = excluded.from_day, due_day ="
                                      " excluded.due_day, doc = excluded.doc WHERE bulletin.doc <> excluded.doc",
                                      "tttttttiit", row->id, words_in(row->map, "title", "en"),
                                      words_in(row->map, "title", "zh"), kind ? kind : "information",
                                      words(row->map, "profile"), words(row->map, "agent_version"), words(row->map, "job"),
                                      day(row->map, "from"), day(row->map, "due"), row->doc.bytes));

    return err || sql_changes(row->sql) == 0 ? err : look_again(row);
}

/* The day on which it lasts so long from that day; -1: SQL turns that into NULL. last: the last day, else the next one. */
static int64_t lasts(struct yaml_node *map, const char *from, const char *how_long, bool last)
{
    struct duration each = {0, DURATION_D};
    int64_t begin = day(map, from);
    int32_t end;

    if (begin < 0 || !words(map, how_long) || duration_read(words(map, how_long), &each)) {
        return -1;
    }
    end = last ? course_last_day((int32_t)begin, each) : course_next_day((int32_t)begin, each);
    return end == INT32_MAX ? -1 : end;
}

/* A calibration that is known here never goes back to an earlier one of the file. */
static enum err apply_tool(struct row *row)
{
    const char *state = words(row->map, "state"), *warn = words(row->map, "warn");
    int64_t valid = day(row->map, "valid_to"), days = 30;

    if (warn && text_to_int(warn, strlen(warn), &days)) {
        days = 30;
    }
    valid = valid >= 0 ? valid : lasts(row->map, "calibrated", "calibration", true);
    return count(
        row,
        sql_run(row->sql,
                "INSERT INTO tool (name, title, class, serial, technician, depot, state, calibration, calibrated_day, valid_day,"
                " certificate, service, serviced_day, service_day, warn_days, doc, as_now) VALUES (?1, ?2, ?3, ?4, (SELECT id FROM"
                " technician WHERE name = ?5), (SELECT id FROM depot WHERE name = ?6), ?7, ?8, NULLIF(?9, -1), NULLIF(?10, -1), ?11,"
                " ?12, NULLIF(?13, -1), NULLIF(?14, -1), ?15, ?16, ?16) ON CONFLICT (name) DO UPDATE SET title = excluded.title, class"
                " = excluded.class, serial = excluded.serial, technician = excluded.technician, depot = excluded.depot, state ="
                " excluded.state, calibration = excluded.calibration, valid_day = CASE WHEN COALESCE(tool.calibrated_day, -1) >"
                " COALESCE(excluded.calibrated_day, -1) THEN tool.valid_day ELSE excluded.valid_day END, certificate = CASE WHEN"
                " COALESCE(tool.calibrated_day, -1) > COALESCE(excluded.calibrated_day, -1) THEN tool.certificate ELSE"
                " excluded.certificate END, calibrated_day = CASE WHEN COALESCE(tool.calibrated_day, -1) >"
                " COALESCE(excluded.calibrated_day, -1) THEN tool.calibrated_day ELSE excluded.calibrated_day END, service ="
                " excluded.service, service_day = CASE WHEN COALESCE(tool.serviced_day, -1) > COALESCE(excluded.serviced_day, -1) THEN"
                " tool.service_day ELSE excluded.service_day END, serviced_day = CASE WHEN COALESCE(tool.serviced_day, -1) >"
                " COALESCE(excluded.serviced_day, -1) THEN tool.serviced_day ELSE excluded.serviced_day END, warn_days ="
                " excluded.warn_days, doc = excluded.doc, as_now = excluded.as_now, version = tool.version + 1 WHERE tool.doc IS"
                " DISTINCT FROM excluded.doc AND tool.as_now <> excluded.as_now",
                "tttttt" "ttiittiiit", row->id, words(row->map, "title"), words(row->map, "class"), words(row->map, "serial"),
                words(row->map, "technician"), words(row->map, "depot"), state ? state : "ready",
                words(row->map, "calibration"), day(row->map, "calibrated"), valid, words(row->map, "certificate"),
                words(row->map, "service"), day(row->map, "serviced"), lasts(row->map, "serviced", "service", false), days,
                row->doc.bytes));
}

static enum err apply_taken(struct row *row)
{
    const char *level = words(row->map, "level"), *skill = words(row->map, "skill_level");
    int64_t skill_level = 0;

    if (skill && text_to_int(skill, strlen(skill), &skill_level)) {
        skill_level = 0;
    }
    return count(
        row,
        sql_run(row->sql,
                "INSERT INTO course_taken (name, course, technician, site, team, holder, audience, level, type, skill_level,"
                " exam_due_day, day, valid_day, issued_by, doc) VALUES (?1, ?2, (SELECT id FROM technician WHERE name = ?3), (SELECT"
                " id FROM site WHERE name = ?4), (SELECT id FROM team WHERE name = ?5), ?6, ?7, ?8, ?9, NULLIF(?10, 0), NULLIF(?11,"
                " -1), ?12, NULLIF(?13, -1), 'fleet file', ?14) ON CONFLICT (name) DO UPDATE SET course = excluded.course,"
                " technician = excluded.technician, site = excluded.site, team = excluded.team, holder = excluded.holder, audience ="
                " excluded.audience, level = excluded.level, type = excluded.type, skill_level = excluded.skill_level, exam_due_day ="
                " excluded.exam_due_day, day = excluded.day, valid_day = excluded.valid_day, doc = excluded.doc, version ="
                " course_taken.version + 1 WHERE course_taken.doc <> excluded.doc",
                "ttttt" "ttttiiiit", row->id, words(row->map, "course"), words(row->map, "technician"), words(row->map, "site"),
                words(row->map, "team"), words(row->map, "holder"), words(row->map, "audience"), level ? level : "none",
                words(row->map, "certificate"), skill_level, day(row->map, "exam_due"), day(row->map, "day"),
                day(row->map, "valid_to"), row->doc.bytes));
}

/* Whoever keeps people and teams in memory looks at this number. */
static enum err mark_changed(struct sql *sql, int64_t changed)
{
    return changed == 0 ? ERR_OK
                        : sql_run(sql,
                                  "INSERT INTO mark (name, value) VALUES ('fleet', 1) ON CONFLICT (name) DO UPDATE"
                                  " SET value = mark.value + 1",
                                  "");
}

static enum err (*const appliers[])(struct row *row) = {
    apply_customer,  apply_calendar, apply_site,  apply_team, apply_technician,
    apply_equipment, apply_contract, apply_depot, apply_part, apply_roster,
    apply_contact,   apply_supplier, apply_price_list, apply_operator, apply_design, apply_document, apply_bulletin, apply_tool, apply_taken,
};

enum err fleet_apply(struct sql *sql, struct yaml_node *root, int64_t now_ms, int64_t *ret_changed)
{
    struct row row = {.sql = sql, .doc = json_out(1024 * 1024), .now_ms = now_ms,
                      .changed = ret_changed};
    enum err err = ERR_OK;

    *ret_changed = 0;
    for (size_t i = 0; !err && i < FLEET_SECTIONS; i++) {
        struct yaml_node *list = yaml_find(root, fleet_sections[i]);

        for (struct yaml_node *map = list ? list->first : NULL; map && !err; map = map->next) {
            row.map = map;
            row.id = words(map, "id");
            json_out_reset(&row.doc);
            put_node(map, &row.doc);
            err = row.doc.err ? row.doc.err : appliers[i](&row);
        }
    }
    json_out_free(&row.doc);
    return err ? err : mark_changed(sql, *ret_changed);
}
