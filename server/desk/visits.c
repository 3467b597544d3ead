/* Maintenance visits in the calendar: every occurrence once, ahead of time, wherever the server was
 * meanwhile. */
#include "server/desk/desk_int.h"

#include <stdlib.h>

#include "models/service/visit.h"
#include "server/fleet/numbers.h"
#include "server/store/change.h"

#define AHEAD_MONTHS 16 /* at least 15 (interfaces.md 8) and a margin until the next look */
#define SLICE        2000

static int32_t anchor_of(const struct place *place)
{
    return place->dates.acceptance != WARRANTY_NO_DATE   ? place->dates.acceptance
           : place->dates.completion != WARRANTY_NO_DATE ? place->dates.completion
           : place->dates.invoice != WARRANTY_NO_DATE    ? place->dates.invoice
                                                         : place->dates.sale;
}

static enum err put_visit(struct sql *sql, const struct place *place, const struct visit *visit,
                          int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO visit (equipment, sequence, window_start_day, due_day,"
                   " window_end_day, plan, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON"
                   " CONFLICT (equipment, sequence) DO NOTHING",
                   "iiiiiti", place->equipment, visit->sequence, (int64_t)visit->window_start,
                   (int64_t)visit->due_on, (int64_t)visit->window_end, place->plan->id, now_ms);
}

enum err visits_plan(struct desk *desk, struct sql *sql, int64_t equipment, int64_t now_ms)
{
    struct place place;
    int64_t sequence;
    int32_t anchor, today, until;
    enum err err = place_find(desk, sql, equipment, 0, now_ms, &place);

    if (err || !place.plan || place.plan->visits_per_year <= 0) {
        return err;
    }
    anchor = anchor_of(&place);
    if (anchor == WARRANTY_NO_DATE) {
        return ERR_OK; /* nothing to count from: the fleet file says no date */
    }
    today = place_day(desk, &place, now_ms);
    until = civil_add_months(today, AHEAD_MONTHS);
    /* what follows the last one that is there: no downtime loses one */
    sequence = sql_find_int(sql, 0, "SELECT MAX(sequence) FROM visit WHERE equipment = ?1", "i",
                            equipment);
    sequence = sequence ? sequence + 1 : visit_first_from(place.plan, anchor, today);
    for (int i = 0; !err && i < 400; i++) {
        struct visit visit = visit_occurrence(place.plan, anchor, sequence + i);

        if (visit.due_on > until) {
            break;
        }
        err = put_visit(sql, &place, &visit, now_ms);
    }
    return err;
}

/* Visits whose window has begun become work orders. */
static enum err release(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    struct due {
        int64_t visit, equipment;
    } due[200];
    int64_t today = now_ms / 86400000;
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id, equipment FROM visit WHERE state = 'planned' AND window_start_day <= ?1"
             " ORDER BY due_day LIMIT 200",
             "i", today);
    while (count < 200 && sql_next(&rows)) {
        due[count++] = (struct due){sql_int(&rows, 0), sql_int(&rows, 1)};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct place place;
        char number[32];

        arena_reset(desk->arena);
        err = place_find(desk, sql, due[i].equipment, 0, now_ms, &place);
        numbers_make('W', number, sizeof(number));
        if (!err) {
            err = sql_run(sql,
                          "INSERT INTO work_order (number, kind, visit, equipment, site, team,"
                          " state, created_ms) VALUES (?1, 'preventive', ?2, ?3, NULLIF(?4, 0),"
                          " NULLIF(?5, 0), 'proposed', ?6) ON CONFLICT DO NOTHING",
                          "tiiiii", number, due[i].visit, due[i].equipment, place.site,
                          dispatch_team(sql, place.site, NULL), now_ms);
        }
        if (!err) {
            err = sql_run(sql, "UPDATE visit SET state = 'released' WHERE id = ?1", "i", due[i].visit);
        }
    }
    return err;
}

static enum err plan_all(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    int64_t *ids = calloc(SLICE, sizeof(*ids)), last = 0;
    size_t count;
    enum err err = ids ? ERR_OK : ERR_NOMEM;

    do {
        struct sql_rows rows;

        count = 0;
        if (err) {
            break;
        }
        sql_find(sql, &rows,
                 "SELECT id FROM equipment WHERE id > ?1 AND claimed = 1 ORDER BY id LIMIT 2000", "i",
                 last);
        while (count < SLICE && sql_next(&rows)) {
            ids[count++] = sql_int(&rows, 0);
        }
        err = sql_end(&rows);
        for (size_t i = 0; !err && i < count; i++) {
            arena_reset(desk->arena);
            err = visits_plan(desk, sql, ids[i], now_ms);
            last = ids[i];
        }
    } while (!err && count == SLICE);
    free(ids);
    return err;
}

enum err visits_turn(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = plan_all(desk, sql, now_ms);

    return err ? err : release(desk, sql, now_ms);
}

enum err desk_plan_visits(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = visits_turn(desk, sql, now_ms);
    struct sql_rows rows;
    int64_t *ids = calloc(SLICE * 50, sizeof(*ids));
    size_t count = 0;

    if (!ids) {
        return ERR_NOMEM;
    }
    /* an import may have claimed what was unclaimed */
    sql_find(sql, &rows, "SELECT id FROM equipment WHERE claimed = 1 AND status = 'unclaimed'", "");
    while (count < SLICE * 50 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    enum err end = sql_end(&rows);

    err = err ? err : end;
    for (size_t i = 0; !err && i < count; i++) {
        err = desk_refresh_status(desk, sql, ids[i], now_ms);
    }
    free(ids);
    return err;
}
