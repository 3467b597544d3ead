/* What one thing costs: looked up in the price lists and worked out by the plan. */
#include <string.h>

#include "models/base/zone.h"
#include "server/money/money_int.h"

/* A server without any plan: no rates, so that only stated amounts can be quoted. */
static const struct price_rules no_plan = {
    .currency = "CNY", .complex = 10000, .validity_ms = 14 * 86400000LL,
    .who_pays = {[PRICE_EXPIRED] = {PRICE_LIST, PRICE_LIST, PRICE_LIST, PRICE_LIST}}};

const struct price_rules *offer_rules(const struct ticket *ticket)
{
    return ticket->plan ? &ticket->plan->price : &no_plan;
}

enum price_case offer_case(const struct ticket *ticket)
{
    int by = price_case_read(ticket->verdict);

    return by < 0 ? PRICE_EXPIRED : (enum price_case)by;
}

int32_t offer_day(struct office *office, const struct ticket *ticket, int64_t ms)
{
    const struct zone *zone = ticket->time_zone ? rules_zone(office->options.rules, ticket->time_zone) : NULL;

    return zone_day(zone ? zone : zone_utc(), ms);
}

int64_t offer_hours(int64_t ms)
{
    return (ms + 1800) / 3600;
}

/* The youngest list of that day: the contract's own, or the one for everybody. */
static enum err find_in(struct sql *sql, const struct ticket *ticket, const char *part, int32_t day, bool contract,
                        struct part_price *price)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT p.unit, p.cost, p.rule, l.name FROM price p JOIN price_list l ON l.id = p.list WHERE p.part = ?1 AND"
             " l.currency = ?2 AND l.from_day <= ?3 AND (l.to_day IS NULL OR l.to_day >= ?3) AND ((?4 = 0 AND l.contract IS"
             " NULL) OR (?4 = 1 AND l.contract IN (SELECT c.name FROM contract c JOIN contract_site x ON x.contract = c.id"
             " WHERE x.site = ?5 AND (c.start_day IS NULL OR c.start_day <= ?3) AND (c.end_day IS NULL OR c.end_day >="
             " ?3)))) ORDER BY l.from_day DESC, l.id DESC LIMIT 1",
             "ttiii", part, offer_rules(ticket)->currency, (int64_t)day, (int64_t)contract, ticket->site);
    if (sql_next(&rows)) {
        int64_t unit = sql_null(&rows, 0) ? -1 : sql_int(&rows, 0);

        if (contract) {
            price->cap = unit;
        } else {
            price->list = unit;
            price->cost = sql_null(&rows, 1) ? -1 : sql_int(&rows, 1);
            (void)!text_copy(price->rule, sizeof(price->rule), sql_text(&rows, 2));
            (void)!text_copy(price->name, sizeof(price->name), sql_text(&rows, 3));
        }
    }
    return sql_end(&rows);
}

enum err price_find(struct sql *sql, const struct ticket *ticket, const char *part, int32_t day,
                    struct part_price *ret_price)
{
    enum err err;

    *ret_price = (struct part_price){-1, -1, -1, "", ""};
    err = find_in(sql, ticket, part, day, false, ret_price);
    return err ? err : find_in(sql, ticket, part, day, true, ret_price);
}

typedef enum err (*pricing)(const struct price_rules *rules, const struct price_ask *ask, struct price *ret_price);

static enum err offer_by(struct office *office, struct sql *sql, const struct ticket *ticket, enum price_item item,
                         const char *part, int64_t quantity, int32_t day, pricing work_out, struct offer *ret_offer,
                         struct text *why)
{
    struct part_price found = {-1, -1, -1, "", ""};
    struct price_ask ask = {.item = item, .by = offer_case(ticket), .complex = ticket->complex,
                            .quantity = quantity < 0 ? -quantity : quantity};
    int64_t sign = quantity < 0 ? -1 : 1;
    struct price price;
    enum err err = part ? price_find(sql, ticket, part, day, &found) : ERR_OK;
    TEXT(rule, 128);

    if (err) {
        return err;
    }
    ask.list = found.list;
    ask.cost = found.cost;
    ask.cap = found.cap;
    err = work_out(offer_rules(ticket), &ask, &price);
    if (err == ERR_NOT_FOUND) {
        return text_say(why, ERR_FORMAT, "%s: no price list of that day has a price of it in %s", part ? part : "it",
                        offer_rules(ticket)->currency);
    }
    if (err) {
        return text_say(why, ERR_FORMAT, "%s: expected a smaller amount", part ? part : price_item_names[item]);
    }
    if (part && found.rule[0]) {
        text_addf(&rule, "%s %s", found.rule, found.name);
    } else if (ticket->plan) {
        text_addf(&rule, "plan %s", ticket->plan->id);
    }
    *ret_offer = (struct offer){
        .item = price_item_names[item],
        .words = part ? part : price_item_names[item],
        .part = part,
        .mode = price_mode_names[price.mode],
        .rule = arena_text(office->arena, rule.at, rule.length),
        .quantity = sign * ask.quantity,
        .unit = price.unit,
        .amount = sign * price.amount,
        .tax = sign * price.tax,
    };
    return ret_offer->rule ? ERR_OK : ERR_NOMEM;
}

enum err offer_price(struct office *office, struct sql *sql, const struct ticket *ticket, enum price_item item,
                     const char *part, int64_t quantity, int32_t day, struct offer *ret_offer, struct text *why)
{
    return offer_by(office, sql, ticket, item, part, quantity, day, price_line, ret_offer, why);
}

enum err offer_cost(struct office *office, struct sql *sql, const struct ticket *ticket, enum price_item item,
                    const char *part, int64_t quantity, int32_t day, struct offer *ret_offer, struct text *why)
{
    return offer_by(office, sql, ticket, item, part, quantity, day, price_cost, ret_offer, why);
}
