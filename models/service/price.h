/*
 * What work costs and who pays for it: rates, the table of who pays (C-09), and the arithmetic. Money is a whole
 * number of minor units (fen, cent) everywhere; nothing is ever a fraction, every rounding is half up and on one line,
 * so that sums of lines are exact.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/duration.h"
#include "models/base/err.h"
#include "models/base/text.h"
#include "models/service/role.h"

#define PRICE_MOST 100000000000LL /* minor units of one amount: a ceiling far below what overflows */

enum price_item { PRICE_PARTS, PRICE_LABOUR, PRICE_TRAVEL, PRICE_CALL_OUT, PRICE_ITEMS };
extern const char *const price_item_names[]; /* parts labour travel call_out */

enum price_mode {
    PRICE_FREE,
    PRICE_COST,     /* what it costs ourselves (S0-76) */
    PRICE_LIST,     /* the price list's price, by the part's own rule (S0-68) */
    PRICE_CONTRACT, /* the same, never above the contract's unit price (S0-77) */
};
extern const char *const price_mode_names[]; /* free cost list contract */

enum price_case { PRICE_COVERED, PRICE_EXCLUDED, PRICE_EXPIRED, PRICE_CASES };
extern const char *const price_case_names[]; /* covered excluded expired, as warranty verdicts */

struct price_rules { /* items.charge of a plan; a plan that says nothing has the usual ones */
    char currency[4];
    int64_t labour_hour, travel_hour, call_out;          /* asked of the customer */
    int64_t labour_hour_cost, travel_hour_cost, call_out_cost; /* what a dealer or we are paid for the same */
    int64_t complex;  /* labour of a complex fault, in basis points of the usual (S3-14: by difficulty) */
    int64_t markup;   /* basis points on the cost of a part without a list price */
    int64_t tax;      /* basis points on every line */
    int64_t minimum;  /* a chargeable repair costs at least that much before tax; 0: none */
    int64_t most;     /* … at most; 0: no cap */
    int64_t advise_new; /* basis points of a new unit's price: a dearer repair advises to buy new (S1-21); 0: never */
    int64_t validity_ms; /* of a quotation */
    enum price_mode who_pays[PRICE_CASES][PRICE_ITEMS];
    int64_t approve[ROLE_ADMIN + 1]; /* the largest adjustment or refund that a role may approve */
};

/* The rules of plans that say nothing: rates 0, all free when covered, list prices otherwise. */
struct price_rules price_rules_usual(void);

struct price { /* one line */
    int64_t unit, amount, tax; /* amount = unit × quantity without tax */
    enum price_mode mode;
};

struct price_ask {
    enum price_item item;
    enum price_case by;
    int64_t quantity;  /* thousandths: hours, pieces */
    int64_t list, cost, cap; /* of a part's unit; -1: not known. Labour, travel and call-out take the rules' own */
    bool complex;
};

/* ERR_RANGE beyond PRICE_MOST; ERR_NOT_FOUND: a part that has neither list price nor cost. */
enum err price_line(const struct price_rules *rules, const struct price_ask *ask, struct price *ret_price) MUST_CHECK;
/* The same thing's cost to ourselves: what the company pays when the customer does not. */
enum err price_cost(const struct price_rules *rules, const struct price_ask *ask, struct price *ret_price) MUST_CHECK;
/* What has to be added to (or, negative, taken off) a sum of amounts so that minimum and cap hold. 0 of 0 stays 0. */
int64_t price_level(const struct price_rules *rules, int64_t sum);
/* amount × basis points, half up (away from zero for negative ones). */
int64_t price_share(int64_t amount, int64_t points);
/* true when the customer pays for something in that case. */
bool price_is_chargeable(const struct price_rules *rules, enum price_case by);
/* -1: unknown. */
int price_case_read(const char *verdict);

/* "480", "480.5", "-0.05" to minor units, exactly. ERR_FORMAT; ERR_RANGE: more decimals than two, or too large. */
enum err money_read(const char *words, int64_t *ret_minor) MUST_CHECK;
/* A JSON number of the major unit: as it was written with at most two decimals, else ERR_RANGE. */
enum err money_of_number(double major, int64_t *ret_minor) MUST_CHECK;
/* "480.50" */
void money_write(int64_t minor, struct text *to);
