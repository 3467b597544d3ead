/* Agreements as people look at them. */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/json.h"
#include "server/care/agreement_int.h"
#include "server/store/cell.h"

static void put_day(struct json_out *out, const char *name, int32_t day)
{
    char words[11];

    if (day != AGREEMENT_NO_DAY) {
        civil_write_date(day, words);
    }
    json_text(out, name, day != AGREEMENT_NO_DAY ? words : NULL);
}

static enum err put_terms(struct sql *sql, int64_t id, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "terms");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT number, from_day, to_day, plan, plan_hash, level, who FROM agreement_term WHERE contract = ?1 ORDER BY number",
             "i", id);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_int(out, "number", sql_int(&rows, 0));
        cell_day(out, "from", &rows, 1);
        cell_day(out, "to", &rows, 2);
        json_text(out, "plan", sql_text(&rows, 3));
        json_text(out, "plan_hash", sql_text(&rows, 4));
        json_text(out, "service_level", sql_text(&rows, 5));
        json_text(out, "who", sql_text(&rows, 6));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_events(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "timeline");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT at_ms, who, action, note FROM agreement_event WHERE contract = ?1 ORDER BY id LIMIT 1000", "i", id);
    while (sql_next(&rows)) {
        json_open_object(out);
        care_time(out, "at", zone, sql_int(&rows, 0));
        json_text(out, "who", sql_text(&rows, 1));
        json_text(out, "action", sql_text(&rows, 2));
        json_text(out, "note", sql_text(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_covers(struct sql *sql, const struct agreement_row *row, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "equipment");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT e.name, a.from_day, a.to_day, h.first_ms FROM contract_site x JOIN equipment e ON e.site = x.site LEFT JOIN"
             " agreement_cover a ON a.contract = x.contract AND a.equipment = e.id LEFT JOIN agreement_heard h ON h.contract ="
             " x.contract AND h.equipment = e.id WHERE x.contract = ?1 ORDER BY e.name, a.from_day LIMIT 1000",
             "i", row->id);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "id", sql_text(&rows, 0));
        put_day(out, "from", sql_null(&rows, 1) ? row->agreement.start_day : agreement_day(&rows, 1));
        put_day(out, "to", sql_null(&rows, 1) ? row->agreement.end_day : agreement_day(&rows, 2));
        care_time(out, "heard_after_end", row->zone, sql_int(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* S2-45: what is still owed: open tickets and orders, money that is open, parts whose warranty goes on. */
static enum err put_owed(struct sql *sql, const struct agreement_row *row, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "owed");
    json_open_object(out);
    put_day(out, "after_care_until", agreement_after_care(&row->agreement, row->plan));
    json_key(out, "tickets");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT t.number FROM ticket t JOIN contract_site x ON x.site = t.site WHERE x.contract = ?1 AND t.closed_ms IS NULL"
             " ORDER BY t.id LIMIT 1000",
             "i", row->id);
    while (sql_next(&rows)) {
        json_put_text(out, sql_text(&rows, 0));
    }
    json_close_list(out);
    enum err err = sql_end(&rows);
    json_key(out, "work_orders");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT w.number FROM work_order w JOIN contract_site x ON x.site = w.site WHERE x.contract = ?1 AND w.state NOT IN"
             " ('done', 'verified', 'closed', 'cancelled') ORDER BY w.id LIMIT 1000",
             "i", row->id);
    while (sql_next(&rows)) {
        json_put_text(out, sql_text(&rows, 0));
    }
    json_close_list(out);
    err = err ? err : sql_end(&rows);
    json_key(out, "replaced_parts"); /* with the warranty that they got, by their own term */
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT e.name, m.class, m.serial FROM component m JOIN equipment e ON e.id = m.equipment JOIN contract_site x ON"
             " x.site = e.site WHERE x.contract = ?1 AND EXISTS (SELECT 1 FROM work_part p JOIN work_order w ON w.id ="
             " p.work_order WHERE w.equipment = e.id AND p.serial_new = m.serial) ORDER BY m.id LIMIT 1000",
             "i", row->id);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "equipment", sql_text(&rows, 0));
        json_text(out, "component", sql_text(&rows, 1));
        json_text(out, "serial", sql_text(&rows, 2));
        json_close_object(out);
    }
    json_close_list(out);
    err = err ? err : sql_end(&rows);
    json_close_object(out);
    return err;
}

/* S2-39: what is confidential and until when: the agreement's own words go before the plan's. */
static void put_confidential(const struct agreement_row *row, const struct cJSON *doc, struct json_out *out)
{
    const struct cJSON *own = json_field(doc, "confidential");
    const char *period = json_text_or(doc, "protect", NULL);
    struct duration protect = row->plan->agreement.protect;

    if (period && duration_read(period, &protect)) {
        protect = row->plan->agreement.protect;
    }
    json_key(out, "confidential");
    json_open_object(out);
    json_key(out, "scope");
    if (own) {
        json_put_value(out, own);
    } else {
        json_open_list(out);
        for (const char *const *word = row->plan->agreement.confidential; *word; word++) {
            json_put_text(out, *word);
        }
        json_close_list(out);
    }
    TEXT(words, 40);
    TEXT(all, 400); /* for paper */
    for (const struct cJSON *word = json_first(own); word; word = json_next(word)) {
        text_addf(&all, "%s%s", all.length ? ", " : "", json_as_text(word));
    }
    for (const char *const *word = row->plan->agreement.confidential; !own && *word; word++) {
        text_addf(&all, "%s%s", all.length ? ", " : "", *word);
    }
    json_text(out, "scope_words", all.at);
    text_addf(&words, "%lld%s", (long long)protect.count, duration_unit_text(protect.unit));
    json_text(out, "protect", words.at);
    put_day(out, "until", row->agreement.end_day == AGREEMENT_NO_DAY ? AGREEMENT_NO_DAY
                                                                     : agreement_last_day(row->agreement.end_day + 1, protect));
    json_close_object(out);
}

static enum err put_head(struct sql *sql, const struct agreement_row *row, struct json_out *out)
{
    struct sql_rows rows;

    json_text(out, "id", row->name);
    json_text(out, "state", agreement_state_names[row->state]);
    json_text(out, "plan", row->plan_id);
    json_text(out, "plan_hash", row->plan->hash);
    json_text(out, "service_level", row->level);
    put_day(out, "start", row->agreement.start_day);
    put_day(out, "end", row->agreement.end_day);
    sql_find(sql, &rows,
             "SELECT c.signed_day, c.cancelled_ms, c.cancelled_by, c.cancel_reason, k.name, c.version FROM contract c LEFT JOIN"
             " customer k ON k.id = ?2 WHERE c.id = ?1",
             "ii", row->id, row->customer);
    if (sql_next(&rows)) {
        cell_day(out, "signed", &rows, 0);
        care_time(out, "cancelled_at", row->zone, sql_int(&rows, 1));
        json_text(out, "cancelled_by", sql_text(&rows, 2));
        json_text(out, "cancel_reason", sql_text(&rows, 3));
        json_text(out, "customer", sql_text(&rows, 4));
        json_int(out, "version", sql_int(&rows, 5));
    }
    return sql_end(&rows);
}

enum err agreement_view(struct sql *sql, struct rules *rules, const char *time_zone, int64_t contract, int64_t now_ms,
                        struct json_out *out)
{
    const struct cJSON *doc = NULL;
    struct arena *arena;
    struct agreement_row row;
    enum err err = arena_open(4 * 1024 * 1024, &arena);

    if (err) {
        return err;
    }
    err = agreement_read(arena, sql, rules, time_zone, contract, now_ms, &row);
    err = err ? err : json_parse(arena, row.doc, strlen(row.doc), &doc, NULL);
    if (!err) {
        json_open_object(out);
        err = put_head(sql, &row, out);
        put_confidential(&row, doc, out);
        json_key(out, "actions");
        json_open_list(out);
        for (int i = 0; agreement_action_names[i]; i++) {
            if (agreement_may(&row.agreement, row.state, (enum agreement_action)i)) {
                json_put_text(out, agreement_action_names[i]);
            }
        }
        json_close_list(out);
        err = err ? err : put_terms(sql, contract, out);
        err = err ? err : put_covers(sql, &row, out);
        err = err ? err : put_owed(sql, &row, out);
        err = err ? err : put_events(sql, contract, row.zone, out);
        json_close_object(out);
    }
    arena_close(arena);
    return err ? err : out->err;
}
