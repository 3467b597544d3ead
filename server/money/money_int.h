/* What the files of money share. */
#pragma once

#include "server/money/money.h"

#define MONEY_LINES_MOST 500 /* of one quotation, of one bill */

/* The prices of a part on a day, in the ticket's currency; -1: not known. */
struct part_price {
    int64_t list, cost, cap; /* cap: the contract's unit price */
    char rule[16], name[80]; /* market or list; the price list it stands in */
};
enum err price_find(struct sql *sql, const struct ticket *ticket, const char *part, int32_t day,
                    struct part_price *ret_price) MUST_CHECK;

struct offer { /* a line that is not written yet; texts live in the arena */
    const char *item, *words, *part, *mode, *rule;
    int64_t quantity, unit, amount, tax;
};

/* A thing of that kind priced for the customer in the ticket's case. ERR_FORMAT with why: it has no price. */
enum err offer_price(struct office *office, struct sql *sql, const struct ticket *ticket, enum price_item item,
                     const char *part, int64_t quantity, int32_t day, struct offer *ret_offer, struct text *why) MUST_CHECK;
/* What it costs the company. */
enum err offer_cost(struct office *office, struct sql *sql, const struct ticket *ticket, enum price_item item,
                    const char *part, int64_t quantity, int32_t day, struct offer *ret_offer, struct text *why) MUST_CHECK;
/* What the customer pays by: the verdict's row, list prices when nobody has judged. */
enum price_case offer_case(const struct ticket *ticket);
const struct price_rules *offer_rules(const struct ticket *ticket);
int32_t offer_day(struct office *office, const struct ticket *ticket, int64_t ms);
/* Thousandths of an hour, half up. */
int64_t offer_hours(int64_t ms);

struct entry { /* a line of the books */
    int64_t ticket, work_order, quantity, unit, amount, tax, consent, request, claim, at_ms;
    const char *kind, *payer, *party, *item, *words, *currency, *source, *who;
};
/* ERR_EXISTS: the source is in the books already. */
enum err entry_put(struct sql *sql, const struct entry *entry) MUST_CHECK;
