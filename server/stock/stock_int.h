/* What the files of vouchers share among themselves. */
#pragma once

#include "server/rack/reserve.h"
#include "server/stock/stock.h"

#define LINES_MOST 500
#define COUNT_MOST 1000000
#define STOCK_DAY  86400000LL

struct voucher { /* 0 and NULL: not said. Texts live in office->arena. */
    int64_t id, part, depot, to_depot, lot, rack, count, work_order, ticket, equipment, contract, due_ms, created_ms;
    enum voucher_kind kind;
    const char *number, *state, *serial, *asked_by;
    const struct cJSON *doc;
};

struct errand { /* one voucher being made, or one action with it */
    struct office *office;
    struct sql *sql;
    const struct action *action;
    struct voucher voucher;
    const char *state; /* after it; a doer may say another one */
    int64_t at_ms, now_ms;
    struct text *why;
};

/* What each kind does: when it is made, and with each action. */
struct voucher_doer {
    enum err (*open)(struct errand *errand);
    enum err (*act)(struct errand *errand);
};
extern const struct voucher_doer shipment_doer, loan_doer, old_part_doer, scrap_doer, stocktake_doer, sample_doer,
    purchase_doer, reserve_plan_doer;

/* true when it is the action of that name. */
bool errand_is(const struct errand *errand, const char *action);
/* Text in the office's arena; NULL stays NULL. */
const char *errand_keep(struct errand *errand, const char *words);
/* A text of the action's body; NULL: not there. */
const char *errand_text(const struct errand *errand, const char *name);
/* ERR_FORMAT with the field's name when the body has no such text. */
enum err errand_need(struct errand *errand, const char *name, const char **ret_words) MUST_CHECK;

/* Row ids by name; *ret_id 0 when the body has no such field. ERR_FORMAT: there is none of that name. */
enum err errand_part(struct errand *errand, const struct cJSON *body, int64_t *ret_id) MUST_CHECK;
enum err errand_depot(struct errand *errand, const struct cJSON *body, const char *field, int64_t *ret_id) MUST_CHECK;
/* A count from 1 on; preset 1. */
enum err errand_count(struct errand *errand, const struct cJSON *body, const char *field, int64_t *ret_count) MUST_CHECK;
/* body.lines, or the body itself as the one line. Empty: ERR_FORMAT. */
struct errand_lines {
    const struct cJSON *at;
    size_t count;
};
enum err errand_lines(struct errand *errand, struct errand_lines *ret_lines) MUST_CHECK;
enum err errand_put_line(struct errand *errand, int64_t position, int64_t part, int64_t rack, int64_t count) MUST_CHECK;

/* A move for the voucher. */
enum err errand_move(struct errand *errand, enum stock_kind kind, int64_t rack, int64_t count, int64_t held) MUST_CHECK;
/* Reserves count of a part in a depot (of one lot, 0: any), what ends first first; a line for each rack. */
enum err errand_reserve(struct errand *errand, int64_t part, int64_t depot, int64_t lot, int64_t count,
                        int64_t *io_position) MUST_CHECK;
/* The same kind of move for all lines that lie on a rack; held: they were reserved for the voucher. */
enum err errand_move_lines(struct errand *errand, enum stock_kind kind, bool held) MUST_CHECK;

/* Goods come in. state of the lot: quarantine when the part is inspected. */
struct goods {
    const struct cJSON *body; /* lot, serials, unit_cost, currency, supplier, expires */
    int64_t part, depot, count;
};
enum err goods_receive(struct errand *errand, const struct goods *goods) MUST_CHECK;
/* The lot's state changes; its reservations are let go when it may not be given out any more. */
enum err lot_judge(struct errand *errand, int64_t lot, const char *kind, const char *result, const char *state,
                   int64_t pieces, int64_t failed) MUST_CHECK;

/* Owed till until_ms; met. */
enum err errand_owe(struct errand *errand, const char *kind, int64_t until_ms, const char *note) MUST_CHECK;
enum err errand_paid(struct errand *errand, const char *kind) MUST_CHECK;
/* The job's ticket: its spare-part clock starts or stops (S0-116), and a line of its time line. */
enum err errand_ticket(struct errand *errand, bool delivered, const char *words) MUST_CHECK;
