/* Goods come in, are inspected, sampled and blocked (S1-50, S1-51, S1-42): a lot's state is that of its last check. */
#include "server/stock/stock_int.h"

#include <string.h>

#include "models/base/civil.h"

#define SERIALS_MOST 500

/* Cost in the currency, as hundredths; −1: not said. */
static enum err read_cost(struct errand *errand, const struct cJSON *body, int64_t *ret_cost)
{
    double cost = json_number_or(body, "unit_cost", -1);

    *ret_cost = cost < 0 ? -1 : (int64_t)(cost * 100 + 0.5);
    return !json_field(body, "unit_cost") || (cost >= 0 && cost <= 1e9)
               ? ERR_OK
               : text_say(errand->why, ERR_FORMAT, "unit_cost: expected a cost from 0 on");
}

/* Said, or by the part's shelf life; 0: never. */
static enum err read_end(struct errand *errand, const struct cJSON *body, int64_t part, int64_t *ret_day)
{
    const char *words = json_text_or(body, "expires", NULL);
    int64_t life = sql_find_int(errand->sql, 0, "SELECT life_days FROM part WHERE id = ?1", "i", part);
    int32_t day = 0;

    *ret_day = life ? errand->now_ms / STOCK_DAY + life : 0;
    if (words && civil_read_date(words, &day)) {
        return text_say(errand->why, ERR_FORMAT, "expires: expected a date such as 2027-03-06, found '%.40s'", words);
    }
    *ret_day = words ? day : *ret_day;
    return ERR_OK;
}

/* ERR_STATE when a serial lies somewhere already, or the lot is of another cost. */
static enum err receive(struct errand *errand, const struct goods *goods, const struct lot_new *lot, int64_t count)
{
    int64_t id = 0, rack = 0;
    enum err err = lot_find(errand->sql, lot, &id);

    if (!err && lot->unit_cost >= 0 && lot->name &&
        sql_find_int(errand->sql, 0, "SELECT unit_cost FROM lot WHERE id = ?1", "i", id) != lot->unit_cost) {
        return text_say(errand->why, ERR_STATE, "lot %.64s came with another cost. Legal: receive as a lot of its own",
                        lot->name);
    }
    if (!err && lot->serial &&
        sql_find_int(errand->sql, 0, "SELECT CAST(SUM(there) AS BIGINT) FROM rack_now WHERE lot = ?1", "i", id) > 0) {
        return text_say(errand->why, ERR_STATE, "serial %.64s is in stock already. Legal: receive of another one", lot->name);
    }
    err = err ? err : rack_find(errand->sql, goods->part, goods->depot, id, &rack);
    return err ? err : errand_move(errand, STOCK_RECEIVE, rack, count, 0);
}

static enum err receive_serials(struct errand *errand, const struct goods *goods, struct lot_new *lot)
{
    const struct cJSON *list = json_field(goods->body, "serials");
    enum err err = ERR_OK;

    if (!json_is_list(list) || (int64_t)json_size(list) != goods->count || goods->count > SERIALS_MOST) {
        return text_say(errand->why, ERR_FORMAT, "serials: expected a list of %lld, one for each piece",
                        (long long)goods->count);
    }
    lot->serial = true;
    for (const struct cJSON *item = json_first(list); !err && item; item = json_next(item)) {
        lot->name = json_as_text(item);
        err = lot->name && lot->name[0] && strlen(lot->name) <= 64
                  ? receive(errand, goods, lot, 1)
                  : text_say(errand->why, ERR_FORMAT, "serials: expected texts of 1 to 64 characters");
    }
    return err;
}

enum err goods_receive(struct errand *errand, const struct goods *goods)
{
    char tracked[8] = "";
    struct sql_rows rows;
    struct lot_new lot = {.part = goods->part, .name = json_text_or(goods->body, "lot", NULL), .state = "passed",
                          .supplier = json_text_or(goods->body, "supplier", NULL),
                          .currency = json_text_or(goods->body, "currency", NULL), .now_ms = errand->now_ms};
    enum err err = read_cost(errand, goods->body, &lot.unit_cost);

    err = err ? err : read_end(errand, goods->body, goods->part, &lot.expires_day);
    if (err) {
        return err;
    }
    sql_find(errand->sql, &rows, "SELECT tracked, inspected FROM part WHERE id = ?1", "i", goods->part);
    if (sql_next(&rows)) {
        (void)!text_copy(tracked, sizeof(tracked), sql_text(&rows, 0));
        lot.state = sql_int(&rows, 1) ? "quarantine" : "passed";
    }
    err = sql_end(&rows);
    if (!err && strcmp(tracked, "serial") == 0) {
        return receive_serials(errand, goods, &lot);
    }
    if (!err && !lot.name && (strcmp(tracked, "lot") == 0 || strcmp(lot.state, "quarantine") == 0 || lot.unit_cost >= 0)) {
        return text_say(errand->why, ERR_FORMAT,
                        "lot: expected one: the part is inspected or tracked by lot, or has a cost of its own");
    }
    if (!err && lot.name && (!lot.name[0] || strlen(lot.name) > 64 || strcmp(lot.name, "-") == 0)) {
        return text_say(errand->why, ERR_FORMAT, "lot: expected 1 to 64 characters");
    }
    return err ? err : receive(errand, goods, &lot, goods->count);
}

/* ------------------------------------------------------------------ judged */

/* What orders had laid aside of a lot that is not given out any more is let go, so that others are found for them. */
static enum err let_go(struct errand *errand, int64_t lot)
{
    struct rack_wish wish = {.count = INT64_MAX, .who = errand->action->who, .note = "its lot is not given out any more",
                             .now_ms = errand->now_ms};
    int64_t line = 0, released = 0;
    enum err err = ERR_OK;

    while (!err && (line = sql_find_int(errand->sql, 0,
                                        "SELECT MIN(p.id) FROM rack s JOIN work_part p ON p.rack = s.id AND p.state ="
                                        " 'reserved' WHERE s.lot = ?1 AND p.id > ?2",
                                        "ii", lot, line)) > 0) {
        wish.order = sql_find_int(errand->sql, 0, "SELECT work_order FROM work_part WHERE id = ?1", "i", line);
        wish.rack = sql_find_int(errand->sql, 0, "SELECT rack FROM work_part WHERE id = ?1", "i", line);
        err = rack_release(errand->sql, &wish, &released);
    }
    return err;
}

enum err lot_judge(struct errand *errand, int64_t lot, const char *kind, const char *result, const char *state,
                   int64_t pieces, int64_t failed)
{
    enum err err = sql_run(errand->sql,
                           "INSERT INTO lot_check (lot, kind, result, state, pieces, failed, who, at_ms, note, action_id)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                           "itttiititt", lot, kind, result, state, pieces, failed, errand->action->who, errand->at_ms,
                           errand->action->note, errand->action->action_id);

    err = err ? err : sql_run(errand->sql, "UPDATE lot SET state = ?2 WHERE id = ?1", "it", lot, state);
    return err || strcmp(state, "passed") == 0 ? err : let_go(errand, lot);
}

/* ------------------------------------------------------------------ steps without a voucher */

static enum err step_receive(struct errand *errand)
{
    struct goods goods = {.body = errand->action->body};
    enum err err = errand_part(errand, goods.body, &goods.part);

    err = err ? err : errand_depot(errand, goods.body, "depot", &goods.depot);
    err = err ? err : errand_count(errand, goods.body, "count", &goods.count);
    if (!err && (!goods.part || !goods.depot)) {
        return text_say(errand->why, ERR_FORMAT, "%s: expected one", goods.part ? "depot" : "part");
    }
    return err ? err : goods_receive(errand, &goods);
}

static enum err find_lot(struct errand *errand, int64_t *ret_lot)
{
    int64_t part = 0;
    const char *name;
    enum err err = errand_part(errand, errand->action->body, &part);

    err = err ? err : errand_need(errand, "lot", &name);
    if (err) {
        return err;
    }
    *ret_lot = sql_find_int(errand->sql, 0, "SELECT id FROM lot WHERE part = ?1 AND name = ?2", "it", part, name);
    return *ret_lot ? ERR_OK : text_say(errand->why, ERR_FORMAT, "lot: there is none called '%.64s' of that part", name);
}

/* Incoming inspection: a lot that is in quarantine passes or is refused, whole. */
static enum err step_inspect(struct errand *errand)
{
    const char *result;
    int64_t lot, pieces = json_int_or(errand->action->body, "pieces", 0);
    bool passed;
    enum err err = find_lot(errand, &lot);

    err = err ? err : errand_need(errand, "result", &result);
    if (err) {
        return err;
    }
    passed = strcmp(result, "passed") == 0;
    if (!passed && strcmp(result, "refused") != 0) {
        return text_say(errand->why, ERR_FORMAT, "result: expected passed or refused, found '%.40s'", result);
    }
    if (!sql_find_int(errand->sql, 0, "SELECT 1 FROM lot WHERE id = ?1 AND state = 'quarantine'", "i", lot)) {
        return text_say(errand->why, ERR_STATE, "inspect is not legal now: the lot is not in quarantine. Legal: block");
    }
    return lot_judge(errand, lot, "incoming", result, passed ? "passed" : "refused", pieces,
                     json_int_or(errand->action->body, "failed", 0));
}

static enum err step_block(struct errand *errand)
{
    bool block = errand_is(errand, "block");
    int64_t lot = 0;
    const char *reason;
    enum err err = find_lot(errand, &lot);

    err = err ? err : errand_need(errand, "reason", &reason);
    if (!err && !block && !sql_find_int(errand->sql, 0, "SELECT 1 FROM lot WHERE id = ?1 AND state = 'blocked'", "i", lot)) {
        return text_say(errand->why, ERR_STATE, "unblock is not legal now: the lot is not blocked. Legal: block");
    }
    return err ? err
               : lot_judge(errand, lot, block ? "block" : "unblock", reason, block ? "blocked" : "passed", 0, 0);
}

enum err stock_step(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms, struct text *why)
{
    static const struct {
        const char *name;
        enum err (*run)(struct errand *errand);
        unsigned may;
    } steps[] = {
        {"receive", step_receive, ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_MANAGER) | ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_INTEGRATION)},
        {"inspect", step_inspect, ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_MANAGER) | ROLE_BIT(ROLE_ADMIN)},
        {"block", step_block, ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_MANAGER) | ROLE_BIT(ROLE_ADMIN)},
        {"unblock", step_block, ROLE_BIT(ROLE_MANAGER) | ROLE_BIT(ROLE_ADMIN)},
    };
    struct errand errand = {.office = office, .sql = sql, .action = action, .now_ms = now_ms, .why = why};
    enum err err = action_time(action->at_ms, 0, now_ms, &errand.at_ms, why);

    if (err || (action->action_id &&
                (sql_find_int(sql, 0, "SELECT 1 FROM stock_step WHERE action_id = ?1", "t", action->action_id)))) {
        return err;
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (strcmp(steps[i].name, action->action) != 0) {
            continue;
        }
        if (!(steps[i].may >> action->role & 1)) {
            return text_say(why, ERR_FORBIDDEN, "this role may not %s", action->action);
        }
        err = steps[i].run(&errand);
        return err || !action->action_id
                   ? err
                   : sql_run(sql, "INSERT INTO stock_step (action_id, at_ms) VALUES (?1, ?2)", "ti", action->action_id,
                             now_ms);
    }
    return text_say(why, ERR_FORMAT, "action: expected receive, inspect, block or unblock");
}
