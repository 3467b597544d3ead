/* Likely parts of a repair are laid aside when somebody is assigned, so that nobody drives without them (S1-26). */
#include "server/field/work_int.h"

#include <string.h>

#include "models/service/plan.h"
#include "models/service/routing.h"

#define PARTS_MOST 50

struct stock_near {
    int64_t depot; /* 0: none has it near enough */
    double km;
};

/* The nearest depot within the plan's distance that has one which no open order laid aside. A place that is not known is
 * no reason to drive without the part. */
static enum err find_near(struct sql *sql, int64_t order, const char *part, double within_km, struct stock_near *near)
{
    struct sql_rows rows;

    *near = (struct stock_near){0, 0};
    sql_find(sql, &rows,
             "SELECT k.depot, d.lat, d.lon, s.lat, s.lon FROM work_order w LEFT JOIN site s ON s.id = w.site JOIN part p ON"
             " p.name = ?2 JOIN stock k ON k.part = p.id JOIN depot d ON d.id = k.depot WHERE w.id = ?1 AND k.count >"
             " COALESCE((SELECT SUM(r.count) FROM work_part r JOIN work_order o ON o.id = r.work_order WHERE r.part = ?2"
             " AND r.depot = k.depot AND r.state = 'reserved' AND o.state NOT IN ('done', 'verified', 'closed',"
             " 'cancelled')), 0) ORDER BY d.id LIMIT 1000",
             "it", order, part);
    while (sql_next(&rows)) {
        bool known = !sql_null(&rows, 1) && !sql_null(&rows, 2) && !sql_null(&rows, 3) && !sql_null(&rows, 4);
        double km = known ? routing_distance(sql_real(&rows, 1), sql_real(&rows, 2), sql_real(&rows, 3), sql_real(&rows, 4))
                          : within_km;

        if (km <= within_km && (!near->depot || km < near->km)) {
            *near = (struct stock_near){sql_int(&rows, 0), km};
        }
    }
    return sql_end(&rows);
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
        struct stock_near near;

        err = find_near(sql, order, parts[i], ticket.plan->reserve_km, &near);
        if (!err && !near.depot) {
            text_addf(&missing, "%s%s", missing.length ? ", " : "", parts[i]);
        } else if (!err) {
            err = sql_run(sql,
                          "INSERT INTO work_part (work_order, part, state, count, depot, who, at_ms) VALUES (?1, ?2,"
                          " 'reserved', 1, ?3, 'heliograph', ?4)",
                          "itii", order, parts[i], near.depot, now_ms);
        }
    }
    return err || missing.length == 0 ? err : tell_shortage(office, sql, &ticket, order, missing.at, now_ms);
}
