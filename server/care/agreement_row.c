/* The row of an agreement, and what is written of it: terms, lines, the row of the fleet file. */
#include <string.h>

#include "models/base/json.h"
#include "server/care/agreement_int.h"

int32_t agreement_day(const struct sql_rows *rows, int column)
{
    return sql_null(rows, column) ? AGREEMENT_NO_DAY : (int32_t)sql_int(rows, column);
}

static const char *keep(struct arena *arena, const char *words)
{
    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

enum err agreement_read(struct arena *arena, struct sql *sql, struct rules *rules, const char *time_zone, int64_t id,
                         int64_t now_ms, struct agreement_row *row)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    *row = (struct agreement_row){.id = id};
    sql_find(sql, &rows,
             "SELECT c.name, c.doc, c.plan, c.service_level, c.start_day, c.end_day, c.draft, c.cancelled_ms IS NOT NULL,"
             " COALESCE(c.ended_ms, 0), COALESCE(c.customer, s.customer, 0), COALESCE(s.id, 0), COALESCE(s.time_zone,"
             " k.time_zone) FROM contract c LEFT JOIN site s ON s.id = (SELECT MIN(x.site) FROM contract_site x WHERE x.contract"
             " = c.id) LEFT JOIN calendar k ON k.id = s.calendar WHERE c.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        const char *zone = sql_text(&rows, 11);

        row->name = keep(arena, sql_text(&rows, 0));
        row->doc = keep(arena, sql_text(&rows, 1));
        row->plan_id = keep(arena, sql_text(&rows, 2));
        row->level = keep(arena, sql_text(&rows, 3));
        row->agreement = (struct agreement){sql_int(&rows, 6) != 0, sql_int(&rows, 7) != 0, agreement_day(&rows, 4), agreement_day(&rows, 5)};
        row->ended_ms = sql_int(&rows, 8);
        row->customer = sql_int(&rows, 9);
        row->site = sql_int(&rows, 10);
        row->zone = rules_zone(rules, zone ? zone : time_zone);
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    row->zone = row->zone ? row->zone : zone_utc();
    row->plan = rules_plan(rules, row->plan_id);
    row->today = zone_day(row->zone, now_ms);
    if (!row->plan || !row->name || !row->doc) {
        return row->plan ? ERR_NOMEM : ERR_NOT_FOUND; /* its plan is no longer there: the start has complained */
    }
    if (row->agreement.end_day == AGREEMENT_NO_DAY && row->agreement.start_day != AGREEMENT_NO_DAY &&
        row->plan->duties[PLAN_DUTY_AGREEMENT].set && !row->agreement.draft) { /* S3-01: the plan's term */
        row->agreement.end_day = agreement_last_day(row->agreement.start_day, row->plan->duties[PLAN_DUTY_AGREEMENT].limit);
    }
    row->state = agreement_state_at(&row->agreement, row->plan, row->today);
    return ERR_OK;
}

/* ------------------------------------------------------------------ what is written */

enum err agreement_line(struct sql *sql, int64_t contract, int64_t at_ms, const char *who, const char *what, const char *id,
                          const char *note)
{
    return sql_run(sql,
                   "INSERT INTO agreement_event (contract, at_ms, who, action, action_id, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                   " ON CONFLICT DO NOTHING",
                   "iitttt", contract, at_ms, who, what, id, note);
}

/* The row of the fleet file as it is now, so that an export says what holds. */
enum err agreement_put_doc(struct care *care, struct sql *sql, int64_t id)
{
    static const char *const ours[] = {"start", "end", "signed", "draft", "service_level", NULL};
    struct json_out out = json_out(1024 * 1024);
    const struct cJSON *doc = NULL;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT doc, start_day, end_day, signed_day, draft, service_level, plan FROM contract WHERE id = ?1", "i", id);
    if (sql_next(&rows) && !json_parse(care->office.arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)), &doc, NULL)) {
        bool laid = strchr(sql_text(&rows, 6), '+') != NULL; /* overlays stand in a key of their own */

        json_open_object(&out);
        for (const struct cJSON *item = json_first(doc); item; item = json_next(item)) {
            bool mine = (!laid && (text_same(json_name(item), "plan") || text_same(json_name(item), "overlays")));

            for (const char *const *name = ours; *name; name++) {
                mine = mine || text_same(json_name(item), *name);
            }
            if (!mine) {
                json_key(&out, json_name(item));
                json_put_value(&out, item);
            }
        }
        if (!laid) {
            json_text(&out, "plan", sql_text(&rows, 6));
        }
        json_text(&out, "service_level", sql_text(&rows, 5));
        for (int i = 0; i < 3; i++) {
            char day[11];

            if (!sql_null(&rows, i + 1)) {
                civil_write_date((int32_t)sql_int(&rows, i + 1), day);
                json_text(&out, ours[i], day);
            }
        }
        if (sql_int(&rows, 4)) {
            json_text(&out, "draft", "true");
        }
        json_close_object(&out);
    }
    err = sql_end(&rows);
    err = err ? err : out.err ? out.err : doc ? sql_run(sql, "UPDATE contract SET doc = ?2 WHERE id = ?1", "it", id, out.bytes) : ERR_OK;
    json_out_free(&out);
    return err;
}

enum err agreement_put_term(struct sql *sql, const struct agreement_row *row, const struct plan *plan, const char *plan_id, const char *level,
                         int32_t from, int32_t to, const char *who, int64_t now_ms)
{
    enum err err = rules_keep_plan(sql, plan, now_ms);

    return err ? err
               : sql_run(sql,
                         "INSERT INTO agreement_term (contract, number, from_day, to_day, plan, plan_hash, level, who, at_ms)"
                         " SELECT ?1, COALESCE(MAX(number), 0) + 1, NULLIF(?2, -2147483648), NULLIF(?3, -2147483648), ?4, ?5, ?6,"
                         " ?7, ?8 FROM agreement_term WHERE contract = ?1",
                         "iiitttti", row->id, (int64_t)from, (int64_t)to, plan_id, plan->hash, level, who, now_ms);
}

/* The term that runs is on record before anything changes it. */
enum err agreement_first_term(struct sql *sql, const struct agreement_row *row, int64_t now_ms)
{
    if (row->agreement.draft || sql_find_int(sql, 0, "SELECT 1 FROM agreement_term WHERE contract = ?1 LIMIT 1", "i", row->id)) {
        return ERR_OK;
    }
    return agreement_put_term(sql, row, row->plan, row->plan_id, row->level, row->agreement.start_day, row->agreement.end_day,
                    "heliograph", now_ms);
}
