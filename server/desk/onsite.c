/* What is owed on site becomes a work order by itself, unless a visit of the year, or another inspection, is coming anyway. */
#include "server/desk/desk_int.h"

#include <string.h>

#include "models/base/civil.h"
#include "server/alarm/alarm.h"
#include "server/field/field.h"

#define SLICE  20
#define DAY_MS 86400000LL

struct owed { /* one duty */
    int64_t clock, equipment, until_ms;
    bool open;
};

static enum err look_again(struct sql *sql, const struct owed *owed, int64_t at_ms)
{
    return sql_run(sql, "UPDATE onsite_due SET due_ms = NULLIF(?2, 0) WHERE clock = ?1", "ii", owed->clock,
                   at_ms < owed->until_ms ? at_ms : 0);
}

/* Somebody will be there before the period ends: a visit with a day in it, or an order that is open. */
static bool is_coming(struct office *office, struct sql *sql, const struct place *place, const struct owed *owed)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM visit WHERE equipment = ?1 AND state IN ('planned', 'released', 'attached') AND"
                        " COALESCE(target_day, due_day) <= ?2 LIMIT 1",
                        "ii", owed->equipment, (int64_t)place_day(office, place, owed->until_ms - 1)) ||
           sql_find_int(sql, 0,
                        "SELECT 1 FROM work_order WHERE equipment = ?1 AND kind = 'inspection' AND state NOT IN ('done',"
                        " 'verified', 'closed', 'cancelled') LIMIT 1",
                        "i", owed->equipment);
}

static enum err order_it(struct office *office, struct sql *sql, const struct place *place, const struct owed *owed,
                         int64_t now_ms)
{
    char by[11];
    TEXT(client, 40);
    TEXT(reason, 300);
    TEXT(team, 200);
    struct work_new what = {.kind = JOB_INSPECTION, .profile = place->profile, .equipment = owed->equipment,
                            .site = place->site, .reason = reason.at, .client_id = client.at};
    int64_t order;
    enum err err;

    text_addf(&client, "onsite-%lld", (long long)owed->clock);
    if (sql_find_int(sql, 0, "SELECT 1 FROM work_order WHERE client_id = ?1", "t", client.at)) {
        return ERR_OK; /* there was one, and a person has called it off */
    }
    what.team = dispatch_team(office, sql, place, 0, NULL, now_ms, &team);
    civil_write_date(place_day(office, place, owed->until_ms - 1), by);
    text_addf(&reason, "to be inspected on site by %s, as the plan %s says%s%s", by, place->plan->id, team.length ? "; " : "",
              team.at);
    err = work_create(office, sql, &what, now_ms, &order);
    return err == ERR_EXISTS ? ERR_OK : err;
}

static enum err turn_one(struct office *office, struct sql *sql, const struct owed *owed, int64_t now_ms)
{
    struct place place;
    struct window_seen guard;
    bool guarded = false;
    enum err err;

    if (!owed->open || owed->until_ms <= now_ms) {
        return look_again(sql, owed, INT64_MAX);
    }
    err = place_find(office, sql, owed->equipment, 0, now_ms, &place);
    if (err == ERR_NOT_FOUND || (!err && (!place.plan || !place.claimed))) {
        return look_again(sql, owed, INT64_MAX);
    }
    err = err ? err : window_find(sql, owed->equipment, 0, "guard", now_ms, now_ms, &guarded, &guard);
    if (err) {
        return err;
    }
    if (guarded || is_coming(office, sql, &place, owed)) {
        return look_again(sql, owed, now_ms + DAY_MS);
    }
    err = order_it(office, sql, &place, owed, now_ms);
    return err ? err : look_again(sql, owed, INT64_MAX);
}

int64_t onsite_due(struct sql *sql)
{
    return sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(due_ms) FROM onsite_due WHERE due_ms IS NOT NULL", "");
}

enum err onsite_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct owed owed[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT o.clock, o.equipment, k.until_ms, CASE WHEN k.met_ms IS NULL AND k.cancelled_ms IS NULL THEN 1 ELSE 0 END"
             " FROM onsite_due o JOIN clock k ON k.id = o.clock WHERE o.due_ms <= ?1 ORDER BY o.due_ms, o.clock LIMIT 20",
             "i", now_ms);
    while (count < SLICE && sql_next(&rows)) {
        owed[count++] = (struct owed){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3) != 0};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = turn_one(office, sql, &owed[i], now_ms);
    }
    return err;
}
