/* The desk's part in the stock: vouchers and steps of people, and what is due by the calendar. */
#include "server/desk/desk_int.h"

#include "server/stock/stock.h"

enum err desk_stock_open(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                         struct text *why)
{
    arena_reset(desk->office.arena);
    desk->duties_judge_ms = 0; /* what is owed now is looked at */
    return stock_open(&desk->office, sql, action, now_ms, ret_id, why);
}

enum err desk_stock_act(struct desk *desk, struct sql *sql, int64_t voucher, const struct action *action, int64_t now_ms,
                        struct text *why)
{
    arena_reset(desk->office.arena);
    desk->duties_judge_ms = 0;
    return stock_act(&desk->office, sql, voucher, action, now_ms, why);
}

enum err desk_stock_step(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, struct text *why)
{
    arena_reset(desk->office.arena);
    return stock_step(&desk->office, sql, action, now_ms, why);
}
