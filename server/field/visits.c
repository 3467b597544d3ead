/* Maintenance visits in the calendar: every occurrence once, ahead of time, wherever the server was
 * meanwhile. */
#include "server/alarm/alarm.h"
#include "server/case/clocks.h"
#include "server/case/duties.h"
#include "server/field/field.h"

#include <stdlib.h>

#include "models/service/visit.h"
#include "server/store/change.h"

#define AHEAD_MONTHS 16 /* at least 15 (interfaces.md 8) and a margin until the next look */
#define SLICE        2000

/* The contracts of a visit's site; those of them that cover its date. */
#define CONTRACTS                                                                                  \
    "SELECT 1 FROM equipment e JOIN contract_site x ON x.site = e.site JOIN contract c ON c.id ="   \
    " x.contract WHERE e.id = visit.equipment"
#define COVERS                                                                                     \
    "(c.start_day IS NULL OR c.start_day <= visit.due_day) AND (c.end_day IS NULL OR c.end_day >="  \
    " visit.due_day)"

static int32_t anchor_of(const struct place *place)
{
    return place->dates.acceptance != WARRANTY_NO_DATE   ? place->dates.acceptance
           : place->dates.completion != WARRANTY_NO_DATE ? place->dates.completion
           : place->dates.invoice != WARRANTY_NO_DATE    ? place->dates.invoice
                                                         : place->dates.sale;
}

/* A visit that no contract covers any more is called off, and back in the plan when one does again. A
 * site without any contract is looked after by the preset plan, without an end. */
static enum err judge_contracts(struct sql *sql, int64_t equipment)
{
    enum err err = sql_run(
        sql,
        "UPDATE visit SET state = 'skipped', reason = 'no contract covers it', calendar_sequence ="
        " calendar_sequence + 1 WHERE equipment = ?1 AND state = 'planned' AND EXISTS (" CONTRACTS
        ") AND NOT EXISTS (" CONTRACTS " AND " COVERS ")",
        "i", equipment);

    if (!err && sql_changes(sql) > 0) {
        err = duties_of_visits(sql, equipment);
    }
    return err ? err
               : sql_run(sql,
                         "UPDATE visit SET state = 'planned', reason = NULL, calendar_sequence ="
                         " calendar_sequence + 1 WHERE equipment = ?1 AND state = 'skipped' AND reason"
                         " = 'no contract covers it' AND EXISTS (" CONTRACTS " AND " COVERS ")",
                         "i", equipment);
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

enum err visits_plan(struct office *office, struct sql *sql, int64_t equipment, int64_t now_ms)
{
    struct place place;
    int64_t sequence;
    int32_t anchor, today, until;
    enum err err = place_find(office, sql, equipment, 0, now_ms, &place);

    if (err || !place.plan || place.plan->visits_per_year <= 0) {
        return err;
    }
    anchor = anchor_of(&place);
    if (anchor == WARRANTY_NO_DATE) {
        return ERR_OK; /* nothing to count from: the fleet file says no date */
    }
    today = place_day(office, &place, now_ms);
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
    return err ? err : judge_contracts(sql, equipment);
}

static enum err release_one(struct office *office, struct sql *sql, const struct place *place,
                            int64_t visit, int64_t now_ms)
{
    TEXT(why, 300);
    struct work_new what = {
        .kind = JOB_PREVENTIVE,
        .profile = place->profile,
        .visit = visit,
        .equipment = place->equipment,
        .site = place->site,
        .team = dispatch_team(office, sql, place, 0, NULL, now_ms, &why),
        .reason = why.at,
    };
    int64_t order;
    enum err err = ERR_OK;

    if (!sql_find_int(sql, 0, "SELECT 1 FROM work_order WHERE visit = ?1 AND state <> 'cancelled'", "i", visit)) {
        err = work_create(office, sql, &what, now_ms, &order);
    }
    return err ? err : sql_run(sql, "UPDATE visit SET state = 'released', reason = NULL WHERE id = ?1", "i", visit);
}

/* S0-119: nobody comes for planned work in a guard period; the visit says so while it waits. */
static enum err wait_for_guard(struct sql *sql, const struct place *place, int64_t visit, int64_t now_ms, bool *ret_waits)
{
    struct window_seen guard;
    TEXT(reason, 120);
    enum err err = window_find(sql, place->equipment, 0, "guard", now_ms, now_ms, ret_waits, &guard);

    if (err || !*ret_waits) {
        return err;
    }
    text_addf(&reason, "waits for the end of guard period %s", guard.name);
    return sql_run(sql, "UPDATE visit SET reason = ?2 WHERE id = ?1", "it", visit, reason.at);
}

/* Visits whose window has begun become work orders: of those after (due_day, id), a slice. *ret_more: there
 * may be others. */
static enum err release_slice(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_day,
                              int64_t *io_id, bool *ret_more)
{
    struct due {
        int64_t visit, equipment, from_day, due_day;
    } due[200];
    int64_t tomorrow = now_ms / 86400000 + 1; /* somewhere on earth it is that day already */
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id, equipment, window_start_day, due_day FROM visit WHERE state = 'planned' AND"
             " window_start_day <= ?1 AND (due_day, id) > (?2, ?3) ORDER BY due_day, id LIMIT 200",
             "iii", tomorrow, *io_day, *io_id);
    while (count < 200 && sql_next(&rows)) {
        due[count++] = (struct due){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3)};
    }
    err = sql_end(&rows);
    *ret_more = count == 200;
    *io_day = count ? due[count - 1].due_day : 0;
    *io_id = count ? due[count - 1].visit : 0;
    for (size_t i = 0; !err && i < count; i++) {
        struct place place;

        arena_reset(office->arena);
        err = place_find(office, sql, due[i].equipment, 0, now_ms, &place);
        if (!err && due[i].from_day <= place_day(office, &place, now_ms)) {
            bool waits;

            err = wait_for_guard(sql, &place, due[i].visit, now_ms, &waits);
            if (!err && !waits) {
                err = release_one(office, sql, &place, due[i].visit, now_ms);
            }
        }
    }
    return err;
}

static enum err release(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t day = -1, id = 0;
    bool more = true;
    enum err err = ERR_OK;

    while (!err && more) {
        err = release_slice(office, sql, now_ms, &day, &id, &more);
    }
    return err;
}

static enum err plan_all(struct office *office, struct sql *sql, int64_t now_ms)
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
            arena_reset(office->arena);
            err = visits_plan(office, sql, ids[i], now_ms);
            last = ids[i];
        }
    } while (!err && count == SLICE);
    free(ids);
    return err;
}

enum err visits_turn(struct office *office, struct sql *sql, bool plan, int64_t now_ms)
{
    enum err err = plan ? plan_all(office, sql, now_ms) : ERR_OK;

    return err ? err : release(office, sql, now_ms);
}

enum err visits_anew(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = visits_turn(office, sql, true, now_ms);
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
        err = status_refresh(office, sql, ids[i], now_ms);
    }
    free(ids);
    return err;
}
