/* Agreements: what people do with them, what happens at their end. */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/care/care_int.h"
#include "server/case/duties.h"

#define SLICE 20 /* agreements in one turn */
#define DAY_MS 86400000LL

struct row { /* texts live in the arena */
    int64_t id, site, customer, ended_ms;
    const char *name, *doc, *plan_id, *level;
    const struct plan *plan;
    const struct zone *zone;
    struct agreement agreement;
    int32_t today;
    enum agreement_state state;
};

static int32_t day_of(const struct sql_rows *rows, int column)
{
    return sql_null(rows, column) ? AGREEMENT_NO_DAY : (int32_t)sql_int(rows, column);
}

static const char *keep(struct arena *arena, const char *words)
{
    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

static enum err read_row(struct arena *arena, struct sql *sql, struct rules *rules, const char *time_zone, int64_t id,
                         int64_t now_ms, struct row *row)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    *row = (struct row){.id = id};
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
        row->agreement = (struct agreement){sql_int(&rows, 6) != 0, sql_int(&rows, 7) != 0, day_of(&rows, 4), day_of(&rows, 5)};
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

static enum err put_event(struct sql *sql, int64_t contract, int64_t at_ms, const char *who, const char *what, const char *id,
                          const char *note)
{
    return sql_run(sql,
                   "INSERT INTO agreement_event (contract, at_ms, who, action, action_id, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                   " ON CONFLICT DO NOTHING",
                   "iitttt", contract, at_ms, who, what, id, note);
}

/* The row of the fleet file as it is now, so that an export says what holds. */
static enum err put_doc(struct care *care, struct sql *sql, int64_t id)
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

static enum err put_term(struct sql *sql, const struct row *row, const struct plan *plan, const char *plan_id, const char *level,
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
static enum err first_term(struct sql *sql, const struct row *row, int64_t now_ms)
{
    if (row->agreement.draft || sql_find_int(sql, 0, "SELECT 1 FROM agreement_term WHERE contract = ?1 LIMIT 1", "i", row->id)) {
        return ERR_OK;
    }
    return put_term(sql, row, row->plan, row->plan_id, row->level, row->agreement.start_day, row->agreement.end_day,
                    "heliograph", now_ms);
}

/* ------------------------------------------------------------------ what people do */

struct doing {
    struct care *care;
    struct sql *sql;
    struct row row;
    const struct action *action;
    int64_t now_ms;
    struct text *why;
};

/* A date of the request; absent: the fallback. */
static enum err read_day(const struct doing *doing, const char *name, int32_t fallback, int32_t *ret_day)
{
    const struct cJSON *field = json_field(doing->action->body, name);
    const char *words = json_as_text(field);

    *ret_day = fallback;
    if (!field || json_is_null(field)) {
        return ERR_OK;
    }
    return words && !civil_read_date(words, ret_day)
               ? ERR_OK
               : text_say(doing->why, ERR_FORMAT, "%s: expected a date such as 2026-03-05", name);
}

/* The last day of a term that begins on `from`; no term in the plan: it has to be said. */
static enum err read_end(const struct doing *doing, const char *name, const struct plan *plan, int32_t from, int32_t *ret_day)
{
    const struct plan_limit *term = &plan->duties[PLAN_DUTY_AGREEMENT];
    int32_t preset = term->set ? agreement_last_day(from, term->limit) : AGREEMENT_NO_DAY;
    enum err err = read_day(doing, name, preset, ret_day);

    if (!err && *ret_day != AGREEMENT_NO_DAY && *ret_day < from) {
        return text_say(doing->why, ERR_FORMAT, "%s: expected a day that is not before the first one of the term", name);
    }
    return err;
}

static int64_t day_or_none(int32_t day)
{
    return day == AGREEMENT_NO_DAY ? -1 : day;
}

/* A draft comes into force: its sites are covered from its first day on. */
static enum err do_sign(struct doing *doing)
{
    struct row *row = &doing->row;
    int32_t signed_day = AGREEMENT_NO_DAY, start = AGREEMENT_NO_DAY, end = AGREEMENT_NO_DAY;
    enum err err = read_day(doing, "signed", row->today, &signed_day);

    err = err ? err : read_day(doing, "start", row->agreement.start_day == AGREEMENT_NO_DAY ? signed_day : row->agreement.start_day, &start);
    err = err ? err : row->agreement.end_day != AGREEMENT_NO_DAY ? read_day(doing, "end", row->agreement.end_day, &end)
                                                                 : read_end(doing, "end", row->plan, start, &end);
    if (!err && end != AGREEMENT_NO_DAY && end < start) {
        err = text_say(doing->why, ERR_FORMAT, "end: expected a day that is not before the first one");
    }
    if (!err) {
        err = sql_run(doing->sql,
                      "UPDATE contract SET draft = 0, agreed = 1, signed_day = ?2, start_day = ?3, end_day = NULLIF(?4, -1) WHERE"
                      " id = ?1",
                      "iiii", row->id, (int64_t)signed_day, (int64_t)start, day_or_none(end));
    }
    if (!err) {
        const struct cJSON *doc = NULL;

        err = json_parse(doing->care->office.arena, row->doc, strlen(row->doc), &doc, NULL);
        for (const struct cJSON *site = json_first(json_field(doc, "sites")); !err && site; site = json_next(site)) {
            err = sql_run(doing->sql,
                          "INSERT INTO contract_site (contract, site) SELECT ?1, id FROM site WHERE name = ?2 ON CONFLICT DO"
                          " NOTHING",
                          "it", row->id, json_as_text(site));
        }
    }
    return err ? err : put_term(doing->sql, row, row->plan, row->plan_id, row->level, start, end, doing->action->who, doing->now_ms);
}

/* Another term, with the plan of that day: running tickets keep the plan that they were opened under. */
static enum err do_renew(struct doing *doing)
{
    struct row *row = &doing->row;
    struct rules *rules = doing->care->office.options.rules;
    const char *plan_id = json_text_or(doing->action->body, "plan", row->plan_id);
    const char *level = json_text_or(doing->action->body, "service_level", row->level);
    const struct plan *plan = rules_plan(rules, plan_id);
    int32_t from = row->state == AGREEMENT_ENDED ? row->today : row->agreement.end_day + 1, end;
    enum err err;

    if (!plan) {
        return text_say(doing->why, ERR_FORMAT, "plan: expected a plan that the server has, found '%.64s'", plan_id);
    }
    if (strlen(level) != 1 || !strchr("ABC", level[0])) {
        return text_say(doing->why, ERR_FORMAT, "service_level: expected A, B or C");
    }
    err = read_end(doing, "end", plan, from, &end);
    if (!err && end == AGREEMENT_NO_DAY) {
        return text_say(doing->why, ERR_FORMAT, "end: expected a date: plan %s names no agreement_term", plan->id);
    }
    err = err ? err : first_term(doing->sql, row, doing->now_ms);
    err = err ? err : put_term(doing->sql, row, plan, plan_id, level, from, end, doing->action->who, doing->now_ms);
    return err ? err
               : sql_run(doing->sql,
                         "UPDATE contract SET end_day = ?2, agreed = 1, ended_ms = NULL, cancelled_ms = NULL, cancelled_by = NULL,"
                         " cancel_reason = NULL, before_day = NULL WHERE id = ?1",
                         "ii", row->id, (int64_t)end);
}

static enum err do_cancel(struct doing *doing)
{
    static const char *const sides[] = {"customer", "company", "both", NULL};
    struct row *row = &doing->row;
    const char *by = json_text_or(doing->action->body, "by", ""), *note = doing->action->note;
    int32_t least = agreement_notice_day(row->plan, row->today), end;
    bool known = false, both = text_same(by, "both");
    char day[11];
    enum err err;

    for (const char *const *side = sides; *side; side++) {
        known = known || text_same(by, *side);
    }
    if (!known || !note || !note[0]) {
        return text_say(doing->why, ERR_FORMAT, known ? "note: expected the reason" : "by: expected customer, company or both");
    }
    least = both ? row->today : least;
    err = read_day(doing, "end", least, &end);
    civil_write_date(least, day);
    if (!err && end < least) {
        return text_say(doing->why, ERR_FORMAT, "end: expected %s or later: the period of notice", day);
    }
    if (!err && row->agreement.end_day != AGREEMENT_NO_DAY && end > row->agreement.end_day) {
        end = row->agreement.end_day; /* it ends before that by itself */
    }
    err = err ? err : first_term(doing->sql, row, doing->now_ms);
    return err ? err
               : sql_run(doing->sql,
                         "UPDATE contract SET before_day = end_day, end_day = ?2, agreed = 1, cancelled_ms = ?3, cancelled_by ="
                         " ?4, cancel_reason = ?5 WHERE id = ?1",
                         "iiitt", row->id, (int64_t)end, doing->now_ms, by, note);
}

static enum err do_withdraw(struct doing *doing)
{
    return sql_run(doing->sql,
                   "UPDATE contract SET end_day = before_day, before_day = NULL, cancelled_ms = NULL, cancelled_by = NULL,"
                   " cancel_reason = NULL WHERE id = ?1",
                   "i", doing->row.id);
}

/* {equipment, from} belongs from that day on, {equipment, until} to that day. */
static enum err do_cover(struct doing *doing)
{
    const char *name = json_text_or(doing->action->body, "equipment", "");
    int64_t contract = doing->row.id;
    int64_t equipment = sql_find_int(doing->sql, 0,
                                     "SELECT e.id FROM equipment e WHERE e.name = ?1 AND (?3 = 1 OR EXISTS (SELECT 1 FROM"
                                     " contract_site x WHERE x.contract = ?2 AND x.site = e.site))",
                                     "tii", name, contract, (int64_t)doing->row.agreement.draft);
    int32_t from = AGREEMENT_NO_DAY, until = AGREEMENT_NO_DAY;
    enum err err = read_day(doing, "from", AGREEMENT_NO_DAY, &from);

    err = err ? err : read_day(doing, "until", AGREEMENT_NO_DAY, &until);
    if (err) {
        return err;
    }
    if (!equipment) {
        return text_say(doing->why, ERR_FORMAT, "equipment: expected one at a site of the agreement, found '%.64s'", name);
    }
    if ((from == AGREEMENT_NO_DAY) == (until == AGREEMENT_NO_DAY)) {
        return text_say(doing->why, ERR_FORMAT, "from: expected the first day (it is added) or until, the last one (it leaves)");
    }
    if (from != AGREEMENT_NO_DAY) {
        return sql_run(doing->sql,
                       "INSERT INTO agreement_cover (contract, equipment, from_day, who, at_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON"
                       " CONFLICT (contract, equipment, from_day) DO UPDATE SET to_day = NULL",
                       "iiiti", contract, equipment, (int64_t)from, doing->action->who, doing->now_ms);
    }
    err = sql_run(doing->sql,
                  "UPDATE agreement_cover SET to_day = ?3 WHERE contract = ?1 AND equipment = ?2 AND from_day <= ?3 AND (to_day IS"
                  " NULL OR to_day > ?3)",
                  "iii", contract, equipment, (int64_t)until);
    if (err || sql_changes(doing->sql) > 0) {
        return err;
    }
    from = doing->row.agreement.start_day != AGREEMENT_NO_DAY && doing->row.agreement.start_day <= until ? doing->row.agreement.start_day : 0;
    return sql_run(doing->sql,
                   "INSERT INTO agreement_cover (contract, equipment, from_day, to_day, who, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                   " ON CONFLICT (contract, equipment, from_day) DO UPDATE SET to_day = excluded.to_day",
                   "iiiiti", contract, equipment, (int64_t)from, (int64_t)until, doing->action->who, doing->now_ms);
}

static enum err do_note(struct doing *doing)
{
    return doing->action->note && doing->action->note[0] ? ERR_OK : text_say(doing->why, ERR_FORMAT, "note: expected words");
}

static enum err (*const doers[])(struct doing *doing) = {do_sign, do_renew, do_cancel, do_withdraw, do_cover, do_note};

static enum err find_action(const struct doing *doing, int *ret_action)
{
    TEXT(legal, 120);

    for (int i = 0; agreement_action_names[i]; i++) {
        bool may = agreement_may(&doing->row.agreement, doing->row.state, (enum agreement_action)i);

        if (text_same(doing->action->action, agreement_action_names[i])) {
            *ret_action = i;
            if (may) {
                return ERR_OK;
            }
        }
        if (may) {
            text_addf(&legal, " %s", agreement_action_names[i]);
        }
    }
    return text_say(doing->why, *ret_action < 0 ? ERR_FORMAT : ERR_STATE, "%.40s: the agreement is %s%s. Legal:%s",
                    doing->action->action, agreement_state_names[doing->row.state],
                    doing->row.agreement.cancelled ? " and cancelled" : "", legal.at);
}

enum err agreement_act(struct care *care, struct sql *sql, int64_t contract, const struct action *action, int64_t now_ms,
                       struct text *why)
{
    struct doing doing = {care, sql, {0}, action, now_ms, why};
    int what = -1;
    enum err err;

    arena_reset(care->office.arena);
    err = read_row(care->office.arena, sql, care->office.options.rules, care->office.options.time_zone, contract, now_ms, &doing.row);
    if (err || (action->action_id && sql_find_int(sql, 0, "SELECT 1 FROM agreement_event WHERE contract = ?1 AND action_id = ?2",
                                                  "it", contract, action->action_id))) {
        return err == ERR_NOT_FOUND ? text_say(why, err, "no such agreement, or its plan is gone") : err;
    }
    err = find_action(&doing, &what);
    err = err ? err : doers[what](&doing);
    if (!err) {
        err = sql_run(sql, "UPDATE contract SET version = version + 1, seen_day = 0 WHERE id = ?1", "i", contract);
    }
    err = err ? err : put_doc(care, sql, contract);
    return err ? err : put_event(sql, contract, now_ms, action->who, action->action, action->action_id, action->note);
}

/* ------------------------------------------------------------------ what happens by itself */

/* The term that has begun holds: its plan and level from now on. */
static enum err turn_term(struct care *care, struct sql *sql, const struct row *row, int64_t now_ms, bool *io_plan)
{
    TEXT(plan, 400);
    char level[2] = "";
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT plan, level FROM agreement_term WHERE contract = ?1 AND number > 1 AND COALESCE(from_day, ?2) <= ?2 ORDER BY"
             " number DESC LIMIT 1",
             "ii", row->id, (int64_t)row->today);
    if (sql_next(&rows)) {
        text_add(&plan, sql_text(&rows, 0));
        (void)!text_copy(level, sizeof(level), sql_text(&rows, 1));
    }
    err = sql_end(&rows);
    if (err || !plan.length || (text_same(plan.at, row->plan_id) && text_same(level, row->level))) {
        return err;
    }
    *io_plan = true;
    err = sql_run(sql, "UPDATE contract SET plan = ?2, service_level = ?3, version = version + 1 WHERE id = ?1", "itt", row->id,
                  plan.at, level);
    err = err ? err : put_doc(care, sql, row->id);
    return err ? err : put_event(sql, row->id, now_ms, "heliograph", "term", NULL, plan.at);
}

/* The day after the last one: what is owed by the calendar is given up, the manager hears of what is still open. */
static enum err turn_end(struct care *care, struct sql *sql, const struct row *row, int64_t now_ms)
{
    int64_t open = sql_find_int(sql, 0,
                                "SELECT COUNT(*) FROM ticket t JOIN contract_site x ON x.site = t.site WHERE x.contract = ?1 AND"
                                " t.closed_ms IS NULL",
                                "i", row->id);
    TEXT(key, 120);
    TEXT(words, 400);
    enum err err = sql_run(sql,
                           "UPDATE clock SET cancelled_ms = MAX(?2, started_ms), cancelled_for = 'agreement_over', next_ms = NULL,"
                           " version = version + 1 WHERE subject = 'contract' AND subject_id = ?1 AND ticket IS NULL AND kind <>"
                           " 'agreement' AND met_ms IS NULL AND cancelled_ms IS NULL",
                           "ii", row->id, now_ms);

    err = err ? err : sql_run(sql, "UPDATE contract SET ended_ms = ?2, version = version + 1 WHERE id = ?1", "ii", row->id, now_ms);
    err = err ? err
              : sql_run(sql, /* a question about an agreement that is over is not asked any longer */
                        "UPDATE survey SET until_ms = ?2 WHERE contract = ?1 AND answered_ms IS NULL AND until_ms > ?2", "ii",
                        row->id, now_ms);
    text_addf(&key, "agreement:%s:end:%d", row->name, (int)row->agreement.end_day);
    text_addf(&words, "Agreement %s has ended%s; open tickets: %lld. After-care runs. 服务协议 %s 已终止，未结工单 %lld。", row->name,
              row->agreement.cancelled ? " by cancellation" : "", (long long)open, row->name, (long long)open);
    err = err ? err : put_event(sql, row->id, now_ms, "heliograph", "end", key.at, words.at);
    return err ? err : care_tell(care, sql, key.at, "An agreement has ended · 服务协议已终止", words.at, now_ms);
}

/* Equipment that reports on after the end: on record once each, told once. */
static enum err turn_heard(struct care *care, struct sql *sql, const struct row *row, int64_t now_ms)
{
    int64_t over_ms = zone_instant(row->zone, row->agreement.end_day + 1, 0);
    TEXT(key, 120);
    TEXT(words, 400);
    enum err err = sql_run(sql,
                           "INSERT INTO agreement_heard (contract, equipment, first_ms) SELECT x.contract, e.id, e.last_seen_ms"
                           " FROM contract_site x JOIN equipment e ON e.site = x.site WHERE x.contract = ?1 AND e.last_seen_ms >="
                           " ?2 AND NOT EXISTS (SELECT 1 FROM contract_site y JOIN contract c ON c.id = y.contract WHERE y.site ="
                           " x.site AND (c.start_day IS NULL OR c.start_day <= ?3) AND (c.end_day IS NULL OR c.end_day >= ?3)) ON"
                           " CONFLICT DO NOTHING",
                           "iii", row->id, over_ms, (int64_t)row->today);

    if (err || sql_changes(sql) == 0) {
        return err;
    }
    text_addf(&key, "agreement:%s:heard:%d", row->name, (int)row->agreement.end_day);
    text_addf(&words, "Equipment of agreement %s goes on reporting after its end. 服务协议 %s 终止后，设备仍在上报数据。", row->name, row->name);
    err = put_event(sql, row->id, now_ms, "heliograph", "heard", key.at, words.at);
    return err ? err : care_tell(care, sql, key.at, "Reports after the end of an agreement · 协议终止后仍在上报", words.at, now_ms);
}

static enum err turn_one(struct care *care, struct sql *sql, int64_t id, int64_t now_ms, bool *io_plan)
{
    struct row row;
    enum err err;

    arena_reset(care->office.arena);
    err = read_row(care->office.arena, sql, care->office.options.rules, care->office.options.time_zone, id, now_ms, &row);
    if (err == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    err = err ? err : first_term(sql, &row, now_ms);
    err = err ? err : turn_term(care, sql, &row, now_ms, io_plan);
    if (!err && row.state == AGREEMENT_ENDED && !row.ended_ms) {
        err = turn_end(care, sql, &row, now_ms);
        *io_plan = true;
    }
    return !err && row.state >= AGREEMENT_ENDED ? turn_heard(care, sql, &row, now_ms) : err;
}

/* Each is looked at once in six hours: a day begins at another time in every zone. */
enum err agreements_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more, bool *io_plan)
{
    int64_t ids[SLICE], round = now_ms / (DAY_MS / 4);
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT id FROM contract WHERE seen_day < ?1 ORDER BY seen_day, id LIMIT 20", "i", round);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = turn_one(care, sql, ids[i], now_ms, io_plan);
        err = err ? err : sql_run(sql, "UPDATE contract SET seen_day = ?2 WHERE id = ?1", "ii", ids[i], round);
    }
    *io_more = *io_more || count == SLICE;
    return err;
}

/* ------------------------------------------------------------------ looking */

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
        put_day(out, "from", day_of(&rows, 1));
        put_day(out, "to", day_of(&rows, 2));
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

static enum err put_covers(struct sql *sql, const struct row *row, struct json_out *out)
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
        put_day(out, "from", sql_null(&rows, 1) ? row->agreement.start_day : day_of(&rows, 1));
        put_day(out, "to", sql_null(&rows, 1) ? row->agreement.end_day : day_of(&rows, 2));
        care_time(out, "heard_after_end", row->zone, sql_int(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* S2-45: what is still owed: open tickets and orders, money that is open, parts whose warranty goes on. */
static enum err put_owed(struct sql *sql, const struct row *row, struct json_out *out)
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
static void put_confidential(const struct row *row, const struct cJSON *doc, struct json_out *out)
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

static enum err put_head(struct sql *sql, const struct row *row, struct json_out *out)
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
        put_day(out, "signed", day_of(&rows, 0));
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
    struct row row;
    enum err err = arena_open(4 * 1024 * 1024, &arena);

    if (err) {
        return err;
    }
    err = read_row(arena, sql, rules, time_zone, contract, now_ms, &row);
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
