/* Likely parts of a repair are laid aside when somebody is assigned, so that nobody drives without them (S1-26). */
#include "server/field/work_int.h"

#include <string.h>

#include "models/service/plan.h"
#include "server/rack/reserve.h"
#include "server/stock/allocation.h"

#define PARTS_MOST 50

/* The best place of those near enough (feasible time, then cost): one that nobody laid aside; 0: there is none. */
static enum err find_best(struct office *office, struct sql *sql, int64_t order, const char *part, double within_km,
                          int64_t now_ms, int64_t *ret_rack)
{
    struct allocation_ask ask = {.part = sql_find_int(sql, 0, "SELECT id FROM part WHERE name = ?1", "t", part), .count = 1,
                                 .order = order, .within_km = within_km, .now_ms = now_ms};
    struct allocation *allocation = arena_take(office->arena, sizeof(*allocation));
    enum err err = allocation ? allocation_find(office, sql, &ask, allocation) : ERR_NOMEM;

    *ret_rack = !err && allocation->count > 0 && allocation->places[0].free > 0 ? allocation->places[0].rack : 0;
    return err;
}

/* Parts that are likely, in the fleet file, and neither laid aside nor used yet. */
static enum err find_likely(struct office *office, struct sql *sql, int64_t order, double odds,
                            const char *parts[PARTS_MOST], size_t *ret_count)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(sql, &rows,
             "SELECT w.part FROM work_part w JOIN part p ON p.name = w.part WHERE w.work_order = ?1 GROUP BY w.part HAVING"
             " MAX(COALESCE(w.odds, 0)) >= ?2 AND SUM(CASE WHEN w.state IN ('reserved', 'used') THEN 1 ELSE 0 END) = 0"
             " ORDER BY w.part LIMIT 50",
             "id", order, odds);
    while (count < PARTS_MOST && sql_next(&rows)) {
        parts[count++] = order_keep(office, sql_text(&rows, 0));
    }
    *ret_count = count;
    return sql_end(&rows);
}

/* Those who plan hear of it when there is still time to get the part. */
static enum err tell_shortage(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t order,
                              const char *parts, int64_t now_ms)
{
    TEXT(step, 96);
    TEXT(words, 900);
    enum err err;

    text_addf(&step, "shortage.%lld", (long long)order);
    text_addf(&words, "Not in stock near enough: %s / 附近无库存：%s", parts, parts);
    err = work_line(sql, order, now_ms, now_ms, "heliograph", "shortage", NULL, words.at, NULL);
    if (!err) {
        err = ticket_line(sql, ticket->id, now_ms, now_ms, "heliograph", "shortage", NULL, words.at, NULL);
    }
    return err ? err : ticket_tell(office, sql, ticket, step.at, words.at, now_ms);
}

enum err work_reserve_likely(struct office *office, struct sql *sql, int64_t ticket_id, int64_t order, int64_t now_ms)
{
    const char *parts[PARTS_MOST];
    struct ticket ticket;
    size_t count = 0;
    TEXT(missing, 400);
    enum err err = ticket_load(office, sql, ticket_id, &ticket);

    if (err || !ticket.plan || ticket.plan->reserve_odds <= 0) {
        return err;
    }
    err = find_likely(office, sql, order, ticket.plan->reserve_odds, parts, &count);
    for (size_t i = 0; !err && i < count; i++) {
        int64_t rack = 0;

        err = find_best(office, sql, order, parts[i], ticket.plan->reserve_km, now_ms, &rack);
        if (!err && !rack) {
            text_addf(&missing, "%s%s", missing.length ? ", " : "", parts[i]);
        } else if (!err) {
            struct rack_wish wish = {.order = order, .rack = rack, .count = 1, .part = parts[i],
                                      .who = "heliograph", .at_ms = now_ms, .now_ms = now_ms};

            err = rack_reserve(sql, &wish, NULL);
        }
    }
    return err || missing.length == 0 ? err : tell_shortage(office, sql, &ticket, order, missing.at, now_ms);
}
