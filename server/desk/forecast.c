/* Which promises will likely be missed. A ticket is looked at when something happened to it, and the sooner again the
 * nearer its forecast is to the due time; told once per change of verdict. */
#include <string.h>

#include "models/service/forecast.h"
#include "models/service/routing.h"
#include "server/desk/desk_int.h"

#define SLICE      50
#define LIKELY     0.5       /* a proposed part counts from these odds on */
#define USUAL_EACH 21600000  /* how often the usual work of an order is looked at */
#define LOOK_SHARE 8         /* looked at again after this part of the time that is left … */
#define LOOK_LEAST 60000     /* … but not more often than that … */
#define LOOK_MOST  10800000  /* … and not more seldom: others' orders and stocks change, too */

struct order { /* the ticket's open order; id 0: none */
    int64_t id, team, technician, from_ms, calendar, hands, queue;
    bool on_site, on_way;
};

static enum err read_order(struct sql *sql, int64_t ticket, struct order *order)
{
    struct sql_rows rows;
    enum err err;

    *order = (struct order){0};
    sql_find(sql, &rows,
             "SELECT w.id, w.team, w.technician, w.from_ms, w.state, t.calendar FROM work_order w LEFT JOIN team t ON"
             " t.id = w.team WHERE w.ticket = ?1 AND w.kind = 'corrective' AND w.state NOT IN ('done', 'cancelled')"
             " ORDER BY w.id DESC LIMIT 1",
             "i", ticket);
    if (sql_next(&rows)) {
        order->id = sql_int(&rows, 0);
        order->team = sql_int(&rows, 1);
        order->technician = sql_int(&rows, 2);
        order->from_ms = sql_int(&rows, 3);
        order->on_site = text_same(sql_text(&rows, 4), "on_site") || text_same(sql_text(&rows, 4), "working");
        order->on_way = text_same(sql_text(&rows, 4), "travelling");
        order->calendar = sql_int(&rows, 5);
    }
    err = sql_end(&rows);
    if (!err && order->id && !order->on_way) { /* what the same hands have to do before */
        order->hands = order->technician ? 1
                                         : sql_find_int(sql, 1, "SELECT COUNT(*) FROM technician WHERE team = ?1", "i",
                                                        order->team);
        /* id + 0, and what they are not: the index of open orders, not that of all the team ever had */
        order->queue = order->technician
                           ? sql_find_int(sql, 0,
                                          "SELECT COUNT(*) FROM work_order WHERE technician = ?1 AND id < ?2 AND state"
                                          " IN ('assigned', 'accepted', 'travelling', 'on_site', 'working')",
                                          "ii", order->technician, order->id)
                           : sql_find_int(sql, 0,
                                          "SELECT COUNT(*) FROM work_order WHERE team = ?1 AND id + 0 < ?2 AND state IN"
                                          " ('dispatched', 'assigned', 'accepted', 'travelling', 'on_site', 'working') AND"
                                          " state NOT IN ('done', 'verified', 'closed', 'cancelled')",
                                          "ii", order->team, order->id);
    }
    return err;
}

/* Time of an order from arrival to finish, the mean of the last ones; 0: there are none yet. */
static int64_t usual_work(struct sql *sql)
{
    return sql_find_int(
        sql, 0,
        "SELECT CAST(AVG(f.at_ms - a.at_ms) AS BIGINT) FROM (SELECT work_order, MAX(at_ms) AS at_ms FROM work_event"
        " WHERE action = 'finish' AND id > (SELECT COALESCE(MAX(id), 0) - 20000 FROM work_event) GROUP BY work_order"
        " ORDER BY work_order DESC LIMIT 200) f JOIN work_event a ON a.work_order = f.work_order AND a.action ="
        " 'arrive'",
        "");
}

struct spot {
    bool known;
    double lat, lon;
};

static struct spot read_spot(struct sql_rows *rows)
{
    struct spot spot = {.known = false};

    if (sql_next(rows) && !sql_null(rows, 0) && !sql_null(rows, 1)) {
        spot = (struct spot){true, sql_real(rows, 0), sql_real(rows, 1)};
    }
    return sql_end(rows) ? (struct spot){.known = false} : spot;
}

static int64_t way(const struct plan *plan, struct spot from, struct spot to, int64_t fallback)
{
    return from.known && to.known
               ? forecast_travel(routing_distance(from.lat, from.lon, to.lat, to.lon), plan->travel_kmh,
                                 plan->travel_detour)
               : fallback;
}

static struct spot site_spot(struct sql *sql, int64_t site)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT lat, lon FROM site WHERE id = ?1", "i", site);
    return read_spot(&rows);
}

/* From where the technician works now; else the plan's typical way. */
static int64_t travel_of(struct sql *sql, const struct ticket *ticket, const struct order *order)
{
    struct sql_rows rows;

    if (!order->technician) {
        return ticket->plan->travel_ms;
    }
    sql_find(sql, &rows,
             "SELECT s.lat, s.lon FROM work_order w JOIN site s ON s.id = w.site WHERE w.technician = ?1 AND w.id <> ?2"
             " AND w.state IN ('travelling', 'on_site', 'working', 'done') ORDER BY w.id DESC LIMIT 1",
             "ii", order->technician, order->id);
    return way(ticket->plan, read_spot(&rows), site_spot(sql, ticket->site), ticket->plan->travel_ms);
}

/* When the parts that are likely needed are there: from the nearest depot that has them, or after the
 * supplier's time. -1: none. */
static enum err part_time(struct office *office, struct sql *sql, const struct ticket *ticket,
                          const struct order *order, int64_t now_ms, int64_t *ret_ms)
{
    struct spot site = site_spot(sql, ticket->site);
    const char *names[16];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    *ret_ms = -1;
    sql_find(sql, &rows,
             "SELECT DISTINCT part FROM work_part WHERE work_order = ?1 AND (state IN ('reserved', 'requested') OR (state"
             " = 'proposed' AND odds >= ?2)) LIMIT 16",
             "id", order->id, LIKELY);
    while (count < 16 && sql_next(&rows)) {
        names[count++] = arena_text(office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        int64_t best = -1, lead_ms = ticket->plan->part_lead_ms;

        sql_find(sql, &rows,
                 "SELECT d.lat, d.lon FROM depot d WHERE d.counts = 1 AND EXISTS (SELECT 1 FROM rack_now h JOIN lot l ON l.id ="
                 " h.lot WHERE h.part = (SELECT id FROM part WHERE name = ?1) AND h.depot = d.id AND h.there > 0 AND l.state ="
                 " 'passed') LIMIT 100", /* not the view of all stocks, which sums up every rack there is */
                 "t", names[i]);
        while (sql_next(&rows)) {
            struct spot depot = {!sql_null(&rows, 0) && !sql_null(&rows, 1), sql_real(&rows, 0), sql_real(&rows, 1)};
            int64_t ms = way(ticket->plan, depot, site, ticket->plan->travel_ms);

            best = best < 0 || ms < best ? ms : best;
        }
        err = sql_end(&rows);
        best = now_ms + (best >= 0 ? best : lead_ms);
        *ret_ms = best > *ret_ms ? best : *ret_ms;
    }
    return err;
}

static int goal_of(const struct clock_row *clock)
{
    return text_same(clock->stop, "arrived")     ? (int)FORECAST_ARRIVAL
           : text_same(clock->stop, "cleared")   ? (int)FORECAST_REPAIR
           : text_same(clock->stop, "delivered") ? (int)FORECAST_DELIVERY
                                                 : -1;
}

static void put_forecast(struct json_out *out, const struct zone *zone, const struct forecast *forecast, int64_t due_ms,
                         const struct forecast_facts *facts)
{
    TEXT(at, 48);
    TEXT(as_of, 48);

    json_open_object(out);
    zone_write(zone, forecast->at_ms, &at);
    json_text(out, "at", at.at);
    json_number(out, "late_by", (double)(forecast->at_ms - due_ms) / 1000);
    zone_write(zone, facts->now_ms, &as_of);
    json_text(out, "as_of", as_of.at);
    json_key(out, "why");
    json_open_list(out);
    for (size_t i = 0; i < forecast->count; i++) {
        TEXT(until, 48);

        zone_write(zone, forecast->why[i].until_ms, &until);
        json_open_object(out);
        json_text(out, "what", forecast->why[i].what);
        json_text(out, "until", until.at);
        if (text_same(forecast->why[i].what, "queue")) {
            json_int(out, "orders", facts->queue);
        }
        json_close_object(out);
    }
    json_close_list(out);
    json_close_object(out);
}

/* Told when it turns bad; the time line knows both turns. */
static enum err say(struct office *office, struct sql *sql, const struct ticket *ticket, const struct clock_row *clock,
                    bool late, const struct forecast *forecast, int64_t due_ms, const struct zone *zone, int64_t now_ms)
{
    TEXT(step, 120);
    TEXT(sentence, 300);
    enum err err;

    text_addf(&sentence, late ? "%s will likely be missed: " : "%s will likely be met again: ", clock->kind);
    zone_write(zone, forecast->at_ms, &sentence);
    text_add(&sentence, ", due ");
    zone_write(zone, due_ms, &sentence);
    for (size_t i = 0; i < forecast->count; i++) {
        text_addf(&sentence, "%s%s", i ? ", " : " (", forecast->why[i].what);
    }
    text_add(&sentence, forecast->count ? ")" : "");
    text_addf(&step, "forecast.%s.%lld", clock->kind, (long long)now_ms);
    err = ticket_line(sql, ticket->id, now_ms, now_ms, "heliograph", "forecast", NULL, sentence.at, NULL);
    if (!err && late) {
        err = ticket_tell(office, sql, ticket, step.at, sentence.at, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

/* The nearer the forecast is to the due time, on either side, the sooner it may turn. */
static int64_t look_again(int64_t at_ms, int64_t due_ms, int64_t now_ms)
{
    int64_t left_ms = (at_ms > due_ms ? at_ms - due_ms : due_ms - at_ms) / LOOK_SHARE;

    return now_ms + (left_ms < LOOK_LEAST ? LOOK_LEAST : left_ms > LOOK_MOST ? LOOK_MOST : left_ms);
}

static enum err judge_one(struct office *office, struct sql *sql, const struct ticket *ticket,
                          const struct clock_row *clock, const struct forecast_facts *facts, int64_t *io_next_ms)
{
    struct sla_clock state = sla_judge(&clock->facts, 0, facts->now_ms);
    const struct zone *zone = rules_zone(office->options.rules, ticket->time_zone);
    struct forecast forecast;
    struct json_out out = json_out(4096);
    int64_t next_ms;
    bool late;
    enum err err;

    if (state.state != SLA_RUNNING || state.due_ms == INT64_MAX) {
        return ERR_OK;
    }
    zone = zone ? zone : zone_utc();
    forecast = forecast_make(facts);
    if (forecast.at_ms == INT64_MAX) { /* nobody works there at all: not before ten years */
        forecast.at_ms = facts->now_ms + 10LL * 365 * 86400000;
    }
    late = forecast.at_ms > state.due_ms;
    next_ms = look_again(forecast.at_ms, state.due_ms, facts->now_ms);
    *io_next_ms = next_ms < *io_next_ms ? next_ms : *io_next_ms;
    put_forecast(&out, zone, &forecast, state.due_ms, facts);
    err = out.err ? out.err
                  : sql_run(sql, "UPDATE clock SET forecast_ms = ?2, forecast_late = ?3, forecast = ?4 WHERE id = ?1",
                            "iiit", clock->id, forecast.at_ms, (int64_t)late, out.bytes);
    json_out_free(&out);
    if (!err && late != clock->forecast_late) {
        err = say(office, sql, ticket, clock, late, &forecast, state.due_ms, zone, facts->now_ms);
    }
    return err;
}

static enum err forecast_clocks(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t work_ms,
                                int64_t now_ms, int64_t *io_next_ms)
{
    struct workdays workdays;
    struct forecast_facts facts = {.now_ms = now_ms, .workdays = &workdays};
    struct clock_owner owner = clock_owner_of(ticket);
    struct clock_row *clocks;
    struct order order = {0};
    size_t count = 0;
    enum err err = clocks_read(office->arena, sql, office->options.rules, &owner, &clocks, &count);

    if (!err) {
        err = read_order(sql, ticket->id, &order);
    }
    if (!err) {
        err = clocks_workdays(office->arena, sql, office->options.rules, order.calendar, ticket->time_zone, &workdays);
    }
    if (!err) {
        err = part_time(office, sql, ticket, &order, now_ms, &facts.part_ms);
    }
    facts.queue = order.queue;
    facts.hands = order.hands;
    facts.work_ms = work_ms ? work_ms : ticket->plan->work_ms;
    facts.appointment_ms = order.from_ms ? order.from_ms : -1;
    facts.on_site = order.on_site;
    if (!err && !order.on_site) {
        facts.travel_ms = travel_of(sql, ticket, &order);
    }
    for (size_t i = 0; !err && i < count; i++) {
        int goal = goal_of(&clocks[i]);

        if (goal >= 0) {
            facts.goal = (enum forecast_goal)goal;
            err = judge_one(office, sql, ticket, &clocks[i], &facts, io_next_ms);
        }
    }
    return err;
}

static enum err forecast_ticket(struct office *office, struct sql *sql, int64_t id, int64_t work_ms, int64_t now_ms)
{
    int64_t next_ms = OFFICE_NEVER;
    struct ticket ticket;
    enum err err = ticket_load(office, sql, id, &ticket);

    if (!err && ticket.plan && !ticket.closed_ms && !ticket.cleared_ms) {
        err = forecast_clocks(office, sql, &ticket, work_ms, now_ms, &next_ms);
    }
    if (err) {
        return err;
    }
    return next_ms == OFFICE_NEVER ? sql_run(sql, "UPDATE ticket SET forecast_next_ms = NULL WHERE id = ?1", "i", id)
                                   : sql_run(sql, "UPDATE ticket SET forecast_next_ms = ?2 WHERE id = ?1", "ii", id, next_ms);
}

/* Tickets that something happened to since the last look are looked at soon; seldom is it one thing alone. */
static enum err take_lines(struct sql *sql, int64_t now_ms)
{
    int64_t mark = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'forecast'", "");
    int64_t last = sql_find_int(sql, 0, "SELECT MAX(id) FROM ticket_event", "");
    enum err err;

    if (last <= mark) {
        return ERR_OK;
    }
    err = sql_run(sql,
                  "UPDATE ticket SET forecast_next_ms = ?3 WHERE closed_ms IS NULL AND (forecast_next_ms IS NULL OR"
                  " forecast_next_ms > ?3) AND id IN (SELECT ticket FROM ticket_event WHERE id > ?1 AND id <= ?2 AND action"
                  " <> 'forecast')",
                  "iii", mark, last, now_ms + LOOK_LEAST);
    return err ? err
               : sql_run(sql,
                         "INSERT INTO mark (name, value) VALUES ('forecast', ?1) ON CONFLICT (name) DO UPDATE SET value ="
                         " excluded.value",
                         "i", last);
}

int64_t forecast_due(struct sql *sql)
{
    return sql_find_int(sql, INT64_MAX,
                        "SELECT MIN(forecast_next_ms) FROM ticket WHERE closed_ms IS NULL AND forecast_next_ms IS NOT NULL",
                        "");
}

enum err forecast_turn(struct office *office, struct sql *sql, int64_t now_ms, struct forecast_usual *usual)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err = take_lines(sql, now_ms);

    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT id FROM ticket WHERE closed_ms IS NULL AND forecast_next_ms <= ?1 ORDER BY forecast_next_ms LIMIT 50",
             "i", now_ms);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    if (!err && count > 0 && now_ms >= usual->next_ms) {
        usual->work_ms = usual_work(sql);
        usual->next_ms = now_ms + USUAL_EACH;
    }
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = forecast_ticket(office, sql, ids[i], usual->work_ms, now_ms);
    }
    return err;
}
