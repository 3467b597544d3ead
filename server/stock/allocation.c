/* Allocation: what lies where, how far it is, what the ticket's clocks leave. */
#include "server/stock/allocation.h"

#include <string.h>

#include "models/service/forecast.h"
#include "models/service/routing.h"
#include "server/case/clocks.h"
#include "server/case/place.h"

#define DAY_MS     86400000LL
#define MUCH       1000000 /* a supplier has as many as one wants */
#define KM_COST    100     /* a place's cost is its way in hundredths of km: what a stock move costs depends on nothing else here */

struct target {
    int64_t ticket, site, equipment, technician, team;
    bool known; /* the site's place */
    double lat, lon;
};

static enum err read_job(struct sql *sql, int64_t order, struct target *job)
{
    struct sql_rows rows;

    *job = (struct target){0};
    sql_find(sql, &rows,
             "SELECT w.ticket, w.site, w.equipment, w.technician, w.team, s.lat, s.lon FROM work_order w LEFT JOIN site s ON"
             " s.id = w.site WHERE w.id = ?1",
             "i", order);
    if (sql_next(&rows)) {
        *job = (struct target){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3), sql_int(&rows, 4),
                            !sql_null(&rows, 5) && !sql_null(&rows, 6), sql_real(&rows, 5), sql_real(&rows, 6)};
    }
    return sql_end(&rows);
}

/* Until when the part is wanted: the first of the clocks that it can hold up. */
static enum err find_due(struct office *office, struct sql *sql, int64_t id, int64_t now_ms, int64_t *ret_due_ms)
{
    struct clock_row *clocks;
    struct clock_owner owner;
    struct ticket ticket;
    size_t count;
    enum err err;

    *ret_due_ms = INT64_MAX;
    if (!id) {
        return ERR_OK;
    }
    err = ticket_load(office, sql, id, &ticket);
    if (err || ticket.closed_ms) {
        return err;
    }
    owner = clock_owner_of(&ticket);
    err = clocks_read(office->arena, sql, office->options.rules, &owner, &clocks, &count);
    for (size_t i = 0; !err && i < count; i++) {
        struct sla_clock state = sla_judge(&clocks[i].facts, 0, now_ms);
        bool mine = text_same(clocks[i].stop, "cleared") || text_same(clocks[i].stop, "delivered");

        if (mine && (state.state == SLA_RUNNING || state.state == SLA_PAUSED || state.state == SLA_BREACHED) &&
            clocks[i].facts.met_ms < 0 && state.due_ms < *ret_due_ms) {
            *ret_due_ms = state.due_ms;
        }
    }
    return err;
}

/* What the technician has in the own van is there when the technician is. */
static bool is_own_van(const struct target *job, const struct sql_rows *rows)
{
    return (sql_int(rows, 5) && sql_int(rows, 5) == job->technician) ||
           (!sql_int(rows, 5) && sql_int(rows, 6) && sql_int(rows, 6) == job->team);
}

static bool add_place(const struct allocation_ask *ask, const struct target *job, const struct plan *plan,
                      const struct sql_rows *rows, struct allocate_place *place)
{
    bool known = job->known && !sql_null(rows, 3) && !sql_null(rows, 4);
    double km = known ? routing_distance(sql_real(rows, 3), sql_real(rows, 4), job->lat, job->lon) : 0;

    *place = (struct allocate_place){.depot = sql_int(rows, 1), .rack = sql_int(rows, 0), .free = sql_int(rows, 2),
                                     .order = sql_int(rows, 7)};
    if (is_own_van(job, rows)) {
        return true;
    }
    place->travel_ms = known && plan ? forecast_travel(km, plan->travel_kmh, plan->travel_detour)
                                     : plan ? plan->travel_ms : 0;
    place->cost = known ? (int64_t)(km * KM_COST) : (int64_t)(ask->within_km * KM_COST);
    return ask->within_km <= 0 || km <= ask->within_km;
}

static enum err read_places(struct sql *sql, const struct allocation_ask *ask, const struct target *job, const struct plan *plan,
                            struct allocation *allocation)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT h.rack, h.depot, h.there - h.held, d.lat, d.lon, COALESCE(d.technician, 0), COALESCE(d.team, 0),"
             " COALESCE(l.expires_day, 1000000) FROM rack_now h JOIN depot d ON d.id = h.depot JOIN lot l ON l.id = h.lot WHERE"
             " h.part = ?1 AND h.there > 0 AND d.counts = 1 AND l.state = 'passed' AND (l.expires_day IS NULL OR l.expires_day >"
             " ?2) ORDER BY h.depot, l.expires_day, l.id LIMIT 199",
             "ii", ask->part, ask->now_ms / DAY_MS);
    while (allocation->count + 1 < ALLOCATION_MOST && sql_next(&rows)) {
        allocation->count += add_place(ask, job, plan, &rows, &allocation->places[allocation->count]);
    }
    return sql_end(&rows);
}

enum err allocation_find(struct office *office, struct sql *sql, const struct allocation_ask *ask,
                         struct allocation *ret_allocation)
{
    struct target job;
    struct place place;
    enum err err = read_job(sql, ask->order, &job);

    ret_allocation->count = 0;
    err = err ? err : find_due(office, sql, job.ticket, ask->now_ms, &ret_allocation->due_ms);
    err = err ? err : place_find(office, sql, job.equipment, job.site, ask->now_ms, &place);
    err = err ? err : read_places(sql, ask, &job, place.plan, ret_allocation);
    if (!err && ask->supplier) {
        int64_t lead_ms = sql_find_int(sql, place.plan ? place.plan->part_lead_ms : 0,
                                       "SELECT lead_ms FROM part WHERE id = ?1", "i", ask->part);

        ret_allocation->places[ret_allocation->count++] =
            (struct allocate_place){.free = MUCH, .ready_ms = lead_ms, .cost = INT64_MAX / 2, .order = INT64_MAX};
    }
    if (!err) {
        allocate_rank(ret_allocation->places, ret_allocation->count, ask->count, ask->now_ms, ret_allocation->due_ms);
    }
    return err;
}
