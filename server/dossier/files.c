/* Files of customers and equipment: rows of all rooms, put together. */
#include "server/dossier/files.h"

#include <string.h>

#include "server/dossier/usage.h"

#define DAY_MS   86400000LL
#define YEAR_MS  (365 * DAY_MS)

const struct plan *file_plan(const struct file_asked *asked, int64_t site)
{
    const struct plan *plan = NULL;
    struct sql_rows rows;

    sql_find(asked->sql, &rows,
             "SELECT c.plan FROM contract c JOIN contract_site m ON m.contract = c.id WHERE m.site = ?1 AND COALESCE(c.start_day,"
             " 0) <= ?2 AND COALESCE(c.end_day, ?2) >= ?2 ORDER BY c.id DESC LIMIT 1",
             "ii", site, (int64_t)zone_day(asked->zone, asked->now_ms));
    if (sql_next(&rows)) {
        plan = rules_plan(asked->rules, sql_text(&rows, 0));
    }
    (void)!sql_end(&rows);
    return plan ? plan : rules_plan(asked->rules, asked->preset_plan);
}

static void put_now(const struct file_asked *asked, struct json_out *out)
{
    TEXT(words, 48);

    zone_write(asked->zone, asked->now_ms, &words);
    json_text(out, "at", words.at);
    text_clear(&words);
    zone_write(asked->zone, asked->from_ms, &words);
    json_text(out, "from", words.at);
    text_clear(&words);
    zone_write(asked->zone, asked->to_ms, &words);
    json_text(out, "to", words.at);
}

/* ------------------------------------------------------------------ customer */

struct wanted { /* what a complete file has */
    const char *name;
    bool there;
};

static bool has_words(const struct cJSON *doc, const char *key)
{
    const char *words = json_text_or(doc, key, "");

    return words[0] != '\0';
}

static enum err put_head(const struct file_asked *asked, int64_t customer, struct json_out *out)
{
    const struct cJSON *doc = NULL;
    struct sql_rows rows;
    char *words = NULL;
    int count = 0;
    enum err err;

    sql_find(asked->sql, &rows, "SELECT doc FROM customer WHERE id = ?1", "i", customer);
    if (sql_next(&rows)) {
        words = arena_text(asked->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
    }
    err = sql_end(&rows);
    if (err || !words) {
        return err ? err : ERR_NOT_FOUND;
    }
    (void)!json_parse(asked->arena, words, strlen(words), &doc, NULL);
    const struct wanted wanted[] = {
        {"name", has_words(doc, "name")},
        {"phone", has_words(doc, "phone")},
        {"email", has_words(doc, "email")},
        {"language", has_words(doc, "language")},
        {"site", sql_find_int(asked->sql, 0, "SELECT 1 FROM site WHERE customer = ?1 AND address IS NOT NULL LIMIT 1", "i",
                              customer) != 0},
        {"equipment", sql_find_int(asked->sql, 0,
                                   "SELECT 1 FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1 LIMIT 1", "i",
                                   customer) != 0},
        {"serials", sql_find_int(asked->sql, 0,
                                 "SELECT COUNT(*) FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1 AND"
                                 " e.serial IS NULL",
                                 "i", customer) == 0},
        {"acceptance_date", sql_find_int(asked->sql, 0,
                                         "SELECT COUNT(*) FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1"
                                         " AND e.acceptance_day IS NULL",
                                         "i", customer) == 0},
    };
    const int all = (int)(sizeof(wanted) / sizeof(wanted[0]));

    json_raw(out, "customer", words);
    json_key(out, "missing");
    json_open_list(out);
    for (int i = 0; i < all; i++) {
        count += wanted[i].there;
        if (!wanted[i].there) {
            json_put_text(out, wanted[i].name);
        }
    }
    json_close_list(out);
    json_number(out, "completeness", (double)count / all);
    return ERR_OK;
}

static enum err put_places(const struct file_asked *asked, int64_t customer, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    sql_find(asked->sql, &rows, "SELECT MIN(e.created_ms) FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1",
             "i", customer);
    err = show_row(out, asked->zone, &rows, "mopened_at");
    if (!err) {
        sql_find(asked->sql, &rows, "SELECT name, title, address FROM site WHERE customer = ?1 ORDER BY name LIMIT 200", "i",
                 customer);
        err = show_list(out, "sites", asked->zone, &rows, "tsite ttitle taddress");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT e.name, e.title, s.name, e.profile, e.serial, e.status, e.acceptance_day FROM equipment e JOIN site s"
                 " ON s.id = e.site WHERE s.customer = ?1 ORDER BY e.name LIMIT 200",
                 "i", customer);
        err = show_list(out, "equipment", asked->zone, &rows, "tequipment ttitle tsite tprofile tserial tstatus daccepted");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT DISTINCT c.name, c.plan, c.service_level, c.start_day, c.end_day FROM contract c LEFT JOIN"
                 " contract_site m ON m.contract = c.id LEFT JOIN site s ON s.id = m.site WHERE c.customer = ?1 OR s.customer ="
                 " ?1 ORDER BY c.start_day, c.name LIMIT 200",
                 "i", customer);
        err = show_list(out, "contracts", asked->zone, &rows, "tcontract tplan tservice_level dfrom dto");
    }
    return err;
}

static enum err put_history(const struct file_asked *asked, int64_t customer, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    sql_find(asked->sql, &rows,
             "SELECT t.number, t.kind, e.name, t.title_en, t.title_zh, t.grade, t.state, t.registered_ms, t.closed_ms FROM"
             " ticket t JOIN site s ON s.id = t.site LEFT JOIN equipment e ON e.id = t.equipment WHERE s.customer = ?1 AND"
             " t.kind <> 'communication' ORDER BY t.id DESC LIMIT 200",
             "i", customer);
    err = show_list(out, "tickets", asked->zone, &rows, "tnumber tkind tequipment 2title igrade tstate mregistered_at mclosed_at");
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT e.name, v.sequence, v.due_day, v.state, v.done_ms, v.reason FROM visit v JOIN equipment e ON e.id ="
                 " v.equipment JOIN site s ON s.id = e.site WHERE s.customer = ?1 AND (v.state <> 'planned' OR v.due_day <= ?2)"
                 " ORDER BY v.due_day DESC, v.id LIMIT 200",
                 "ii", customer, (int64_t)zone_day(asked->zone, asked->now_ms) + 366);
        err = show_list(out, "visits", asked->zone, &rows, "tequipment isequence ddue_on tstate mdone_at treason");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT v.asked_ms, v.answered_ms, t.number, v.attitude, v.quality, v.speed, v.comment FROM survey v LEFT JOIN"
                 " ticket t ON t.id = v.ticket WHERE v.customer = ?1 ORDER BY v.id DESC LIMIT 200",
                 "i", customer);
        err = show_list(out, "surveys", asked->zone, &rows,
                        "masked_at manswered_at tticket iattitude iquality ispeed tcomment");
    }
    if (!err) {
        sql_find(asked->sql, &rows, "SELECT topic, at_ms, who FROM opt_out WHERE customer = ?1 ORDER BY topic", "i", customer);
        err = show_list(out, "opted_out", asked->zone, &rows, "ttopic mat twho");
    }
    return err;
}

static enum err put_notes(const struct file_asked *asked, int64_t customer, struct json_out *out)
{
    struct sql_rows rows;

    sql_find(asked->sql, &rows,
             "SELECT n.at_ms, n.kind, e.name, n.words, n.who FROM file_note n LEFT JOIN equipment e ON e.id = n.equipment WHERE"
             " n.customer = ?1 ORDER BY n.id DESC LIMIT 200",
             "i", customer);
    return show_list(out, "notes", asked->zone, &rows, "mat tkind tequipment twords twho");
}

enum err file_customer(const struct file_asked *asked, int64_t customer, struct json_out *out)
{
    enum err err;

    json_open_object(out);
    put_now(asked, out);
    err = put_head(asked, customer, out);
    err = err ? err : put_places(asked, customer, out);
    err = err ? err : put_history(asked, customer, out);
    err = err ? err : put_notes(asked, customer, out);
    json_close_object(out);
    return err ? err : out->err;
}

/* ------------------------------------------------------------------ usage */

struct unit {
    int64_t id;
    const struct profile *profile;
    const char *name, *title, *status;
};

/* The equipment of a customer (site 0) or of a site, in asked->arena. */
static enum err find_units(const struct file_asked *asked, int64_t customer, int64_t site, struct unit **ret_units,
                           size_t *ret_count)
{
    struct unit *units = arena_array(asked->arena, FILE_ROWS_MOST, sizeof(*units));
    struct sql_rows rows;
    size_t count = 0;

    if (!units) {
        return ERR_NOMEM;
    }
    sql_find(asked->sql, &rows,
             "SELECT e.id, e.profile, e.name, e.title, e.status FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer ="
             " ?1 OR s.id = ?2 ORDER BY e.name LIMIT 200",
             "ii", customer, site);
    while (sql_next(&rows) && count < FILE_ROWS_MOST) {
        const char *title = sql_null(&rows, 3) ? sql_text(&rows, 2) : sql_text(&rows, 3);

        units[count++] = (struct unit){
            .id = sql_int(&rows, 0),
            .profile = sql_null(&rows, 1) ? NULL : rules_profile(asked->rules, sql_text(&rows, 1)),
            .name = arena_text(asked->arena, sql_text(&rows, 2), strlen(sql_text(&rows, 2))),
            .title = arena_text(asked->arena, title, strlen(title)),
            .status = arena_text(asked->arena, sql_text(&rows, 4), strlen(sql_text(&rows, 4)))};
    }
    *ret_units = units;
    *ret_count = count;
    return sql_end(&rows);
}

/* A line a piece of equipment, with what each of its devices did. */
static enum err put_usage(const struct file_asked *asked, int64_t customer, int64_t site, struct json_out *out)
{
    struct json_out devices = json_out(256 * 1024);
    struct usage all = {.has_pump = false};
    struct unit *units;
    size_t count;
    enum err err = find_units(asked, customer, site, &units, &count);

    json_key(out, "usage");
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        struct usage usage;

        json_out_reset(&devices);
        json_open_list(&devices);
        err = usage_find(asked->sql, units[i].profile, units[i].id, asked->from_ms, asked->to_ms, &usage, &devices);
        json_close_list(&devices);
        json_open_object(out);
        json_text(out, "equipment", units[i].name);
        json_text(out, "title", units[i].title);
        json_text(out, "status", units[i].status);
        usage_put(&usage, out);
        json_int(out, "alarms",
                 sql_find_int(asked->sql, 0,
                              "SELECT COUNT(*) FROM alarm WHERE equipment = ?1 AND onset_ms >= ?2 AND onset_ms < ?3", "iii",
                              units[i].id, asked->from_ms, asked->to_ms));
        json_raw(out, "devices", devices.bytes);
        json_close_object(out);
        usage_add(&all, &usage);
    }
    json_close_list(out);
    json_key(out, "summary");
    json_open_object(out);
    usage_put(&all, out);
    json_close_object(out);
    json_out_free(&devices);
    return err;
}

/* ------------------------------------------------------------------ service */

static enum err put_repairs(const struct file_asked *asked, int64_t customer, struct json_out *out)
{
    struct sql_rows rows;

    sql_find(asked->sql, &rows,
             "SELECT w.number, w.kind, e.name, t.number, t.title_en, t.title_zh, w.created_ms, w.state, w.result FROM work_order"
             " w JOIN equipment e ON e.id = w.equipment JOIN site s ON s.id = e.site LEFT JOIN ticket t ON t.id = w.ticket WHERE"
             " s.customer = ?1 AND w.kind IN ('corrective', 'depot_repair') AND w.state <> 'cancelled' ORDER BY w.id DESC LIMIT"
             " 200",
             "i", customer);
    return show_list(out, "repairs", asked->zone, &rows,
                     "tnumber tkind tequipment tticket 2title mopened_at tstate tresult");
}

enum err file_service(const struct file_asked *asked, int64_t customer, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    put_now(asked, out);
    sql_find(asked->sql, &rows, "SELECT name, title FROM customer WHERE id = ?1", "i", customer);
    err = show_row(out, asked->zone, &rows, "tid tcustomer");
    err = err ? err : put_usage(asked, customer, 0, out);
    err = err ? err : put_repairs(asked, customer, out);
    err = err ? err : put_notes(asked, customer, out);
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT id, from_day, to_day, at_ms, body, seen_ms, seen_by, note FROM file_analysis WHERE customer = ?1 ORDER"
                 " BY from_day DESC LIMIT 12",
                 "i", customer);
        err = show_list(out, "analyses", asked->zone, &rows, "iid dfrom dto mdrafted_at jfigures mseen_at tseen_by tnote");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT item, year, at_ms FROM knowledge WHERE customer = ?1 ORDER BY at_ms DESC LIMIT 200", "i", customer);
        err = show_list(out, "told", asked->zone, &rows, "titem iyear mat");
    }
    json_close_object(out);
    return err ? err : out->err;
}

/* ------------------------------------------------------------------ operating */

static enum err put_operators(const struct file_asked *asked, int64_t site, struct json_out *out)
{
    struct sql *sql = asked->sql;
    int64_t today = zone_day(asked->zone, asked->now_ms), from = today - 365, now, joined, left;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT name, title, phone, level, from_day, to_day, doc FROM operator WHERE site = ?1 ORDER BY CASE WHEN to_day IS"
             " NULL OR to_day >= ?2 THEN 0 ELSE 1 END, name LIMIT 200",
             "ii", site, today);
    err = show_list(out, "operators", asked->zone, &rows, "tid tname tphone ilevel dfrom dto jrow");
    now = sql_find_int(sql, 0,
                       "SELECT COUNT(*) FROM operator WHERE site = ?1 AND COALESCE(from_day, ?2) <= ?2 AND COALESCE(to_day, ?2)"
                       " >= ?2",
                       "ii", site, today);
    joined = sql_find_int(sql, 0, "SELECT COUNT(*) FROM operator WHERE site = ?1 AND from_day > ?2 AND from_day <= ?3", "iii",
                          site, from, today);
    left = sql_find_int(sql, 0, "SELECT COUNT(*) FROM operator WHERE site = ?1 AND to_day >= ?2 AND to_day < ?3", "iii", site,
                        from, today);
    json_key(out, "turnover");
    json_open_object(out);
    json_int(out, "operators", now);
    json_int(out, "joined", joined);
    json_int(out, "left", left);
    json_key(out, "share");
    if (now + left > 0) {
        json_put_number(out, (double)left / (double)(now + left));
    } else {
        json_put_null(out);
    }
    json_close_object(out);
    return err;
}

/* What was caused by how it is operated: the responsible party is the customer (S0-82 begins here). */
static enum err put_problems(const struct file_asked *asked, int64_t site, struct json_out *out)
{
    struct sql_rows rows;

    sql_find(asked->sql, &rows,
             "SELECT COALESCE(t.fault, t.kind), MAX(t.title_en), MAX(t.title_zh), COUNT(*), MAX(t.registered_ms) FROM ticket t"
             " JOIN ticket_class k ON k.id = (SELECT MAX(x.id) FROM ticket_class x WHERE x.ticket = t.id AND x.field ="
             " 'responsible_party') AND k.value = 'customer' WHERE t.site = ?1 AND t.registered_ms >= ?2 GROUP BY"
             " COALESCE(t.fault, t.kind) ORDER BY 4 DESC, 1 LIMIT 50",
             "ii", site, asked->now_ms - YEAR_MS);
    return show_list(out, "problems", asked->zone, &rows, "tfault 2title itimes mlast_at");
}

enum err file_operating(const struct file_asked *asked, int64_t site, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    put_now(asked, out);
    sql_find(asked->sql, &rows,
             "SELECT s.name, s.title, s.address, c.title, (SELECT MIN(e.acceptance_day) FROM equipment e WHERE e.site = s.id)"
             " FROM site s LEFT JOIN customer c ON c.id = s.customer WHERE s.id = ?1",
             "i", site);
    err = show_row(out, asked->zone, &rows, "tid tsite taddress tcustomer dhanded_over");
    err = err ? err : put_usage(asked, 0, site, out);
    err = err ? err : put_operators(asked, site, out);
    err = err ? err : put_problems(asked, site, out);
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT i.number, e.name, i.done_ms, i.result FROM inspection i JOIN equipment e ON e.id = i.equipment WHERE"
                 " e.site = ?1 AND i.state = 'done' AND i.way <> 'test' AND i.done_ms >= ?2 ORDER BY i.id DESC LIMIT 100",
                 "ii", site, asked->from_ms);
        err = show_list(out, "inspections", asked->zone, &rows, "tnumber tequipment mdone_at tresult");
    }
    if (!err) {
        sql_find(asked->sql, &rows, "SELECT name, surveyed_day, doc FROM design WHERE site = ?1 ORDER BY id DESC LIMIT 20", "i",
                 site);
        err = show_list(out, "designs", asked->zone, &rows, "tid dsurveyed jrow");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT paper, version, issued_ms, issued_by FROM paper WHERE subject = (SELECT name FROM site WHERE id = ?1)"
                 " AND paper IN ('operating_rules', 'shift_handover') ORDER BY id DESC LIMIT 20",
                 "i", site);
        err = show_list(out, "rules", asked->zone, &rows, "tpaper iversion missued_at tissued_by");
    }
    json_close_object(out);
    return err ? err : out->err;
}

/* ------------------------------------------------------------------ repairs of a piece of equipment */

/* Costs: what the company bore and what the customer paid for, in minor units, from the books of its ticket. */
#define REPAIRS                                                                                                        \
    "SELECT w.id, w.number, w.kind, t.number, COALESCE(t.fault, t.kind), t.title_en, t.title_zh, t.registered_ms,"    \
    " t.diagnosis, t.resolution, w.technician, w.result, (SELECT x.verdict FROM work_test x WHERE x.work_order = w.id AND" \
    " x.moment = 'after' ORDER BY x.id DESC LIMIT 1), (SELECT MAX(v.at_ms) FROM work_event v WHERE v.work_order = w.id AND" \
    " v.action = 'finish'), (SELECT CAST(SUM(l.total) AS BIGINT) FROM money_line l WHERE l.work_order = w.id AND l.kind ="    \
    " 'cost'), (SELECT CAST(SUM(l.total) AS BIGINT) FROM money_line l WHERE l.work_order = w.id AND l.kind = 'charge'),"   \
    " (SELECT MIN(l.currency) FROM money_line l WHERE l.work_order = w.id), p.title, w.state FROM work_order w LEFT JOIN"    \
    " ticket t ON t.id = w.ticket LEFT JOIN technician p ON p.id = w.technician WHERE w.equipment = ?1 AND w.kind IN"     \
    " ('corrective', 'depot_repair') AND w.state <> 'cancelled' ORDER BY w.id DESC LIMIT 200"

static void put_instant(const struct file_asked *asked, struct json_out *out, const char *name, const struct sql_rows *rows,
                        int column)
{
    TEXT(words, 48);

    if (!sql_null(rows, column)) {
        zone_write(asked->zone, sql_int(rows, column), &words);
    }
    json_text(out, name, words.length ? words.at : NULL);
}

static enum err put_parts_of(const struct file_asked *asked, int64_t order, struct json_out *out)
{
    struct sql_rows rows;

    sql_find(asked->sql, &rows,
             "SELECT p.part, p.count, p.serial_old, p.serial_new, p.lot FROM work_part p WHERE p.work_order = ?1 AND p.state ="
             " 'used' ORDER BY p.id LIMIT 100",
             "i", order);
    return show_list(out, "parts", asked->zone, &rows, "tpart icount tserial_old tserial_new tlot");
}

static void put_money(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    if (sql_null(rows, column)) {
        json_null(out, name);
    } else {
        json_int(out, name, sql_int(rows, column));
    }
}

static enum err put_repair(const struct file_asked *asked, const struct sql_rows *rows, struct json_out *out)
{
    enum err err;

    json_open_object(out);
    json_text(out, "number", sql_text(rows, 1));
    json_text(out, "kind", sql_text(rows, 2));
    json_text(out, "state", sql_text(rows, 18));
    json_text(out, "ticket", sql_text(rows, 3));
    json_text(out, "fault", sql_text(rows, 4));
    json_key(out, "title");
    json_open_object(out);
    json_text(out, "en", sql_text(rows, 5));
    json_text(out, "zh", sql_text(rows, 6));
    json_close_object(out);
    put_instant(asked, out, "registered_at", rows, 7);
    json_raw(out, "diagnosis", sql_null(rows, 8) ? NULL : sql_text(rows, 8));
    json_text(out, "resolution", sql_text(rows, 9));
    json_text(out, "result", sql_text(rows, 11));
    json_text(out, "proof", sql_text(rows, 12));
    put_instant(asked, out, "finished_at", rows, 13);
    put_money(out, "cost", rows, 14);
    put_money(out, "charged", rows, 15);
    json_text(out, "currency", sql_text(rows, 16));
    json_text(out, "technician", sql_text(rows, 17));
    err = put_parts_of(asked, sql_int(rows, 0), out);
    json_close_object(out);
    return err;
}

enum err file_repair(const struct file_asked *asked, int64_t equipment, struct json_out *out)
{
    struct sql_rows rows;
    enum err err, end = ERR_OK;

    json_open_object(out);
    put_now(asked, out);
    sql_find(asked->sql, &rows,
             "SELECT e.name, e.title, e.serial, e.profile, s.title, c.title, e.acceptance_day FROM equipment e LEFT JOIN site s"
             " ON s.id = e.site LEFT JOIN customer c ON c.id = s.customer WHERE e.id = ?1",
             "i", equipment);
    err = show_row(out, asked->zone, &rows, "tequipment ttitle tserial tprofile tsite tcustomer daccepted");
    json_key(out, "repairs");
    json_open_list(out);
    if (!err) {
        sql_find(asked->sql, &rows, REPAIRS, "i", equipment);
        while (!err && sql_next(&rows)) {
            err = put_repair(asked, &rows, out);
        }
        end = sql_end(&rows);
        err = err ? err : end;
    }
    json_close_list(out);
    if (!err) { /* what comes again */
        sql_find(asked->sql, &rows,
                 "SELECT COALESCE(t.fault, t.kind), MAX(t.title_en), MAX(t.title_zh), COUNT(*), MAX(t.registered_ms) FROM ticket"
                 " t WHERE t.equipment = ?1 AND t.kind <> 'communication' GROUP BY COALESCE(t.fault, t.kind)"
                 " ORDER BY 4 DESC, 1 LIMIT 50",
                 "i", equipment);
        err = show_list(out, "causes", asked->zone, &rows, "tfault 2title itimes mlast_at");
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT p.kind, p.title_en, p.title_zh, p.state, p.made_ms FROM proposal p WHERE p.equipment = ?1 ORDER BY"
                 " p.id DESC LIMIT 50",
                 "i", equipment);
        err = show_list(out, "proposals", asked->zone, &rows, "tkind 2title tstate mat");
    }
    json_close_object(out);
    return err ? err : out->err;
}

/* ------------------------------------------------------------------ papers of it, the design of a site */

enum err file_papers(const struct file_asked *asked, int64_t equipment, struct json_out *out)
{
    int64_t site = sql_find_int(asked->sql, 0, "SELECT site FROM equipment WHERE id = ?1", "i", equipment);
    int32_t day = zone_day(asked->zone, asked->now_ms);
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    put_now(asked, out);
    sql_find(asked->sql, &rows,
             "SELECT e.name, e.title, e.serial, e.profile, a.version, s.title, c.title FROM equipment e LEFT JOIN agent a ON a.id"
             " = e.agent LEFT JOIN site s ON s.id = e.site LEFT JOIN customer c ON c.id = s.customer WHERE e.id = ?1",
             "i", equipment);
    err = show_row(out, asked->zone, &rows, "tequipment ttitle tserial tprofile tagent_version tsite tcustomer");
    if (!err) {
        json_key(out, "documents");
        err = library_list(asked->arena, asked->sql, asked->zone, equipment, day, false, NULL, out);
    }
    if (!err) {
        json_key(out, "missing");
        err = library_missing(asked->sql, file_plan(asked, site), equipment, day, out, NULL, NULL);
    }
    if (!err) {
        sql_find(asked->sql, &rows,
                 "SELECT b.name, b.kind, b.title_en, b.title_zh, u.state, b.due_day, w.number, u.at_ms, u.note FROM"
                 " bulletin_unit u JOIN bulletin b ON b.id = u.bulletin LEFT JOIN work_order w ON w.id = u.work_order WHERE"
                 " u.equipment = ?1 ORDER BY b.id DESC LIMIT 100",
                 "i", equipment);
        err = show_list(out, "bulletins", asked->zone, &rows, "tbulletin tkind 2title tstate ddue twork_order mat tnote");
    }
    json_close_object(out);
    return err ? err : out->err;
}

enum err file_design(const struct file_asked *asked, int64_t design, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    sql_find(asked->sql, &rows,
             "SELECT d.name, s.name, s.title, s.address, c.title, n.name, d.surveyed_day, d.doc FROM design d JOIN site s ON s.id"
             " = d.site LEFT JOIN customer c ON c.id = s.customer LEFT JOIN contract n ON n.id = d.contract WHERE d.id = ?1",
             "i", design);
    err = show_row(out, asked->zone, &rows, "tid tsite_id tsite taddress tcustomer tcontract dsurveyed jrow");
    json_close_object(out);
    return err ? err : out->err;
}
