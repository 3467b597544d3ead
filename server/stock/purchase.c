/* What is bought: from a proposal to goods that come in (S1-45, S1-46). And the reserve plan before a season (S0-142). */
#include "server/stock/stock_int.h"

#include "server/case/duties.h"
#include "server/stock/levels.h"

static enum err open_purchase(struct errand *errand)
{
    struct errand_lines lines;
    enum err err = errand->voucher.depot ? errand_lines(errand, &lines)
                                         : text_say(errand->why, ERR_FORMAT, "depot: expected the depot that it is for");

    for (size_t i = 0; !err && i < lines.count; i++, lines.at = json_next(lines.at)) {
        int64_t part = 0, count = 0;

        err = errand_part(errand, lines.at, &part);
        if (!err && !part) {
            return text_say(errand->why, ERR_FORMAT, "part: expected one in each line");
        }
        err = err ? err : errand_count(errand, lines.at, "count", &count);
        err = err ? err : errand_put_line(errand, (int64_t)i, part, 0, count);
    }
    return err;
}

/* The supplier's time runs from the order. */
static enum err order(struct errand *errand)
{
    int64_t lead_ms = sql_find_int(errand->sql, 0,
                                   "SELECT MAX(p.lead_ms) FROM voucher_line n JOIN part p ON p.id = n.part WHERE n.voucher = ?1",
                                   "i", errand->voucher.id);

    return lead_ms ? errand_owe(errand, "purchase", errand->at_ms + lead_ms, "the supplier's lead time") : ERR_OK;
}

static enum err receive_line(struct errand *errand, const struct cJSON *line)
{
    struct goods goods = {.body = line, .depot = errand->voucher.depot};
    int64_t missing = 0;
    enum err err = errand_part(errand, line, &goods.part);

    err = err ? err : errand_count(errand, line, "count", &goods.count);
    if (err) {
        return err;
    }
    missing = sql_find_int(errand->sql, 0, "SELECT CAST(SUM(count - received) AS BIGINT) FROM voucher_line WHERE voucher = ?1"
                                           " AND part = ?2", "ii", errand->voucher.id, goods.part);
    if (missing < goods.count) {
        return text_say(errand->why, ERR_STATE, "only %lld of it are still to come. Legal: receive with a count up to that",
                        (long long)missing);
    }
    err = goods_receive(errand, &goods);
    for (int64_t left = goods.count; !err && left > 0;) {
        int64_t at = sql_find_int(errand->sql, -1, "SELECT MIN(position) FROM voucher_line WHERE voucher = ?1 AND part = ?2 AND"
                                                   " received < count", "ii", errand->voucher.id, goods.part);
        int64_t open = sql_find_int(errand->sql, 0, "SELECT count - received FROM voucher_line WHERE voucher = ?1 AND position ="
                                                    " ?2", "ii", errand->voucher.id, at);
        int64_t some = left < open ? left : open;

        err = sql_run(errand->sql, "UPDATE voucher_line SET received = received + ?3 WHERE voucher = ?1 AND position = ?2", "iii",
                      errand->voucher.id, at, some);
        left -= some;
    }
    return err;
}

static enum err receive(struct errand *errand)
{
    struct errand_lines lines;
    enum err err = errand_lines(errand, &lines);

    for (size_t i = 0; !err && i < lines.count; i++, lines.at = json_next(lines.at)) {
        err = receive_line(errand, lines.at);
    }
    if (err || sql_find_int(errand->sql, 0, "SELECT 1 FROM voucher_line WHERE voucher = ?1 AND received < count LIMIT 1", "i",
                            errand->voucher.id)) {
        return err;
    }
    errand->state = "received";
    return errand_paid(errand, "purchase");
}

static enum err act_purchase(struct errand *errand)
{
    const char *reason;
    enum err err;

    if (errand_is(errand, "order")) {
        return order(errand);
    }
    if (errand_is(errand, "receive")) {
        return receive(errand);
    }
    if (!errand_is(errand, "cancel")) {
        return ERR_OK;
    }
    err = errand_need(errand, "reason", &reason);
    return err ? err : errand_paid(errand, "purchase");
}

const struct voucher_doer purchase_doer = {open_purchase, act_purchase};

/* ------------------------------------------------------------------ reserve plan */

/* Proposed by the server from what is installed under the contract, how often it fails and how long it takes to get; people
 * may change each count in what they submit. */
static enum err open_reserve(struct errand *errand)
{
    struct levels_ask ask = {.contract = errand->voucher.contract, .now_ms = errand->now_ms,
                             .days = json_int_or(errand->action->body, "days", 0)};
    struct level_list list;
    enum err err;

    if (!errand->voucher.contract) {
        return text_say(errand->why, ERR_FORMAT, "contract: expected the contract that it is for");
    }
    if (ask.days < 0 || ask.days > 1000) {
        return text_say(errand->why, ERR_FORMAT, "days: expected 1 to 1000, how long the season is");
    }
    ask.days = ask.days ? ask.days : 180;
    err = levels_find(errand->office->arena, errand->sql, &ask, &list);
    for (size_t i = 0; !err && i < list.count; i++) {
        if (list.at[i].need.target > 0) {
            err = sql_run(errand->sql,
                          "INSERT INTO voucher_line (voucher, position, part, count, expected) VALUES (?1, ?2, ?3, ?4, ?5)",
                          "iiiii", errand->voucher.id, (int64_t)i, list.at[i].part, list.at[i].need.target, list.at[i].there);
        }
    }
    return err;
}

static enum err submit(struct errand *errand)
{
    const struct cJSON *list = json_field(errand->action->body, "lines");
    enum err err = ERR_OK;

    for (const struct cJSON *line = json_first(list); !err && line; line = json_next(line)) {
        int64_t part, count = json_int_or(line, "count", -1);

        err = errand_part(errand, line, &part);
        if (!err && (!part || count < 0 || count > COUNT_MOST)) {
            return text_say(errand->why, ERR_FORMAT, "lines: expected {part, count} each, count from 0 to %d", COUNT_MOST);
        }
        err = err ? err : sql_run(errand->sql,
                      "UPDATE voucher_line SET count = ?3 WHERE voucher = ?1 AND part = ?2", "iii", errand->voucher.id, part, count);
        if (!err && sql_changes(errand->sql) == 0) {
            err = sql_run(errand->sql,
                          "INSERT INTO voucher_line (voucher, position, part, count) SELECT ?1, COALESCE(MAX(position), 0) + 1,"
                          " ?2, ?3 FROM voucher_line WHERE voucher = ?1",
                          "iii", errand->voucher.id, part, count);
        }
    }
    return err ? err : duty_stop(errand->sql, "contract", errand->voucher.contract, "reserve_plan", errand->at_ms);
}

static enum err act_reserve(struct errand *errand)
{
    const char *reason;

    return errand_is(errand, "submit")   ? submit(errand)
           : errand_is(errand, "refuse") ? errand_need(errand, "reason", &reason)
                                         : ERR_OK;
}

const struct voucher_doer reserve_plan_doer = {open_reserve, act_reserve};
