/* Agreements: what people do with them. */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/json.h"
#include "server/care/agreement_int.h"
#include "server/case/duties.h"

struct doing {
    struct care *care;
    struct sql *sql;
    struct agreement_row row;
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
    struct agreement_row *row = &doing->row;
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
    return err ? err : agreement_put_term(doing->sql, row, row->plan, row->plan_id, row->level, start, end, doing->action->who, doing->now_ms);
}

/* Another term, with the plan of that day: running tickets keep the plan that they were opened under. */
static enum err do_renew(struct doing *doing)
{
    struct agreement_row *row = &doing->row;
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
    err = err ? err : agreement_first_term(doing->sql, row, doing->now_ms);
    err = err ? err : agreement_put_term(doing->sql, row, plan, plan_id, level, from, end, doing->action->who, doing->now_ms);
    return err ? err
               : sql_run(doing->sql,
                         "UPDATE contract SET end_day = ?2, agreed = 1, ended_ms = NULL, cancelled_ms = NULL, cancelled_by = NULL,"
                         " cancel_reason = NULL, before_day = NULL WHERE id = ?1",
                         "ii", row->id, (int64_t)end);
}

static enum err do_cancel(struct doing *doing)
{
    static const char *const sides[] = {"customer", "company", "both", NULL};
    struct agreement_row *row = &doing->row;
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
    err = err ? err : agreement_first_term(doing->sql, row, doing->now_ms);
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
    err = agreement_read(care->office.arena, sql, care->office.options.rules, care->office.options.time_zone, contract, now_ms, &doing.row);
    if (err || (action->action_id && sql_find_int(sql, 0, "SELECT 1 FROM agreement_event WHERE contract = ?1 AND action_id = ?2",
                                                  "it", contract, action->action_id))) {
        return err == ERR_NOT_FOUND ? text_say(why, err, "no such agreement, or its plan is gone") : err;
    }
    err = find_action(&doing, &what);
    err = err ? err : doers[what](&doing);
    if (!err) {
        err = sql_run(sql, "UPDATE contract SET version = version + 1, seen_day = 0 WHERE id = ?1", "i", contract);
    }
    err = err ? err : agreement_put_doc(care, sql, contract);
    return err ? err : agreement_line(sql, contract, now_ms, action->who, action->action, action->action_id, action->note);
}
