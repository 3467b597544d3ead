/* Prices: the arithmetic of money, in whole minor units. */
#include "models/service/price.h"

#include <math.h>
#include <string.h>

#define POINTS   10000 /* basis points in one */
#define THOUSAND 1000
#define QUANTITY_MOST 10000000 /* 10,000 pieces or hours on one line */
#define HOUR_MS 3600000LL

const char *const price_item_names[] = {"parts", "labour", "travel", "call_out", NULL};
const char *const price_mode_names[] = {"free", "cost", "list", "contract", NULL};
const char *const price_case_names[] = {"covered", "excluded", "expired", NULL};

struct price_rules price_rules_usual(void)
{
    struct price_rules rules = {.currency = "CNY", .complex = POINTS, .validity_ms = 14 * 24 * HOUR_MS};

    for (int item = 0; item < PRICE_ITEMS; item++) {
        rules.who_pays[PRICE_COVERED][item] = PRICE_FREE;
        rules.who_pays[PRICE_EXCLUDED][item] = PRICE_LIST;
        rules.who_pays[PRICE_EXPIRED][item] = PRICE_LIST;
    }
    return rules;
}

/* number / by, half up, away from zero. */
static int64_t divide(int64_t number, int64_t by)
{
    return number < 0 ? -((-number + by / 2) / by) : (number + by / 2) / by;
}

int64_t price_share(int64_t amount, int64_t points)
{
    /* whole ones and the rest apart: no product is large */
    return amount / POINTS * points + divide(amount % POINTS * points, POINTS);
}

/* What one unit costs in that mode; -1: nobody knows. */
static int64_t unit_of(const struct price_rules *rules, const struct price_ask *ask, enum price_mode mode)
{
    const int64_t list[PRICE_ITEMS] = {ask->list, rules->labour_hour, rules->travel_hour, rules->call_out};
    const int64_t cost[PRICE_ITEMS] = {ask->cost, rules->labour_hour_cost, rules->travel_hour_cost,
                                       rules->call_out_cost};
    int64_t unit = list[ask->item];

    if (mode == PRICE_FREE) {
        return 0;
    }
    if (mode == PRICE_COST) {
        return cost[ask->item] >= 0 ? cost[ask->item] : unit;
    }
    if (unit < 0 && cost[ask->item] >= 0) {
        unit = cost[ask->item] + price_share(cost[ask->item], rules->markup);
    }
    if (mode == PRICE_CONTRACT && ask->cap >= 0 && unit > ask->cap) {
        unit = ask->cap;
    }
    return unit;
}

static enum err line_in(const struct price_rules *rules, const struct price_ask *ask, enum price_mode mode,
                        struct price *ret_price)
{
    struct price price = {.unit = unit_of(rules, ask, mode), .mode = mode};

    if (price.unit < 0) {
        return ERR_NOT_FOUND;
    }
    if (ask->item == PRICE_LABOUR && ask->complex && mode != PRICE_FREE) {
        price.unit = price_share(price.unit, rules->complex);
    }
    if (price.unit > PRICE_MOST || ask->quantity < 0 || ask->quantity > QUANTITY_MOST) {
        return ERR_RANGE;
    }
    price.amount = divide(price.unit * ask->quantity, THOUSAND);
    if (price.amount > PRICE_MOST) {
        return ERR_RANGE;
    }
    price.tax = price_share(price.amount, rules->tax);
    *ret_price = price;
    return ERR_OK;
}

enum err price_line(const struct price_rules *rules, const struct price_ask *ask, struct price *ret_price)
{
    return line_in(rules, ask, rules->who_pays[ask->by][ask->item], ret_price);
}

enum err price_cost(const struct price_rules *rules, const struct price_ask *ask, struct price *ret_price)
{
    enum err err = line_in(rules, ask, PRICE_COST, ret_price);

    if (!err) {
        ret_price->tax = 0; /* between ourselves, a dealer and a supplier: their own papers say it */
    }
    return err;
}

int64_t price_level(const struct price_rules *rules, int64_t sum)
{
    if (sum <= 0) {
        return 0;
    }
    if (rules->most > 0 && sum > rules->most) {
        return rules->most - sum;
    }
    return rules->minimum > 0 && sum < rules->minimum ? rules->minimum - sum : 0;
}

bool price_is_chargeable(const struct price_rules *rules, enum price_case by)
{
    for (int item = 0; item < PRICE_ITEMS; item++) {
        if (rules->who_pays[by][item] != PRICE_FREE) {
            return true;
        }
    }
    return false;
}

int price_case_read(const char *verdict)
{
    for (int i = 0; verdict && price_case_names[i]; i++) {
        if (strcmp(price_case_names[i], verdict) == 0) {
            return i;
        }
    }
    return -1;
}

/* ------------------------------------------------------------------ words and numbers */

enum err money_read(const char *words, int64_t *ret_minor)
{
    bool minus = words && *words == '-';
    const char *at = minus ? words + 1 : words, *dot;
    size_t whole, part;
    int64_t major = 0, minor = 0;

    if (!words) {
        return ERR_FORMAT;
    }
    dot = strchr(at, '.');
    whole = dot ? (size_t)(dot - at) : strlen(at);
    part = dot ? strlen(dot + 1) : 0;
    if (whole == 0 || strspn(at, "0123456789") != whole ||
        (dot && (part == 0 || strspn(dot + 1, "0123456789") != part))) {
        return ERR_FORMAT;
    }
    if (part > 2 || whole > 10 || text_to_int(at, whole, &major) || (dot && text_to_int(dot + 1, part, &minor))) {
        return ERR_RANGE;
    }
    minor = major * 100 + (part == 1 ? 10 * minor : minor);
    if (minor > PRICE_MOST) {
        return ERR_RANGE;
    }
    *ret_minor = minus ? -minor : minor;
    return ERR_OK;
}

enum err money_of_number(double major, int64_t *ret_minor)
{
    double minor = major * 100;
    int64_t whole;

    if (!(minor <= (double)PRICE_MOST && minor >= -(double)PRICE_MOST)) {
        return ERR_RANGE;
    }
    whole = (int64_t)(minor < 0 ? minor - 0.5 : minor + 0.5);
    if (fabs(minor - (double)whole) > 1e-4) {
        return ERR_RANGE;
    }
    *ret_minor = whole;
    return ERR_OK;
}

void money_write(int64_t minor, struct text *to)
{
    uint64_t size = minor < 0 ? (uint64_t)-minor : (uint64_t)minor;

    text_addf(to, "%s%llu.%02llu", minor < 0 ? "-" : "", (unsigned long long)(size / 100),
              (unsigned long long)(size % 100));
}
