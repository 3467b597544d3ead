/*
 * Orders that ride on another one: somebody goes to the site anyway, and does what is due there as well. The rider keeps
 * its number, its checklist and its report; the host shows copies of the rider's steps, so that there is one list to work
 * through. A check of a copy is a check of the rider's own step.
 */
#include "server/visit/visit_int.h"

#include <string.h>

#include "server/case/duties.h"

#define RIDERS_MOST 20
#define BODY_ARENA  (1 << 20)

/* ------------------------------------------------------------------ the one list */

/* The spec of a step under another name. */
static enum err rename_spec(struct office *office, const char *spec, const char *step, struct json_out *out)
{
    const struct cJSON *root;
    enum err err = json_parse(office->arena, spec, strlen(spec), &root, NULL);

    json_open_object(out);
    for (const struct cJSON *item = err ? NULL : json_first(root); item; item = json_next(item)) {
        json_key(out, json_name(item));
        if (strcmp(json_name(item), "step") == 0) {
            json_put_text(out, step);
        } else {
            json_put_value(out, item);
        }
    }
    json_close_object(out);
    return err ? err : out->err;
}

struct copied {
    const char *step, *spec;
    int64_t position, required;
};

static enum err copy_step(struct office *office, struct sql *sql, int64_t rider, int64_t host, const char *number,
                          const struct copied *from)
{
    struct json_out spec = json_out(32 * 1024);
    TEXT(step, 160);
    enum err err;

    text_addf(&step, "%s.%s", number, from->step);
    err = rename_spec(office, from->spec, step.at, &spec);
    err = err ? err
              : sql_run(sql,
                        "INSERT INTO work_step (work_order, step, position, section, spec, required, rider, rider_step)"
                        " VALUES (?1, ?2, ?3, 'step', ?4, ?5, ?6, ?7) ON CONFLICT (work_order, step) DO NOTHING",
                        "itit" "iit", host, step.at, 2000 + from->position, spec.bytes, from->required, rider, from->step);
    json_out_free(&spec);
    return err;
}

static enum err copy_steps(struct office *office, struct sql *sql, int64_t rider, int64_t host)
{
    struct copied *steps = arena_array(office->arena, JOB_STEPS_MOST, sizeof(*steps));
    const char *number = "";
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!steps) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT s.step, s.spec, s.position, s.required, w.number FROM work_step s JOIN work_order w ON w.id ="
             " s.work_order WHERE s.work_order = ?1 AND s.section = 'step' ORDER BY s.position",
             "i", rider);
    while (count < JOB_STEPS_MOST && sql_next(&rows)) {
        const char *step = sql_text(&rows, 0), *spec = sql_text(&rows, 1);

        steps[count++] = (struct copied){arena_text(office->arena, step, strlen(step)),
                                         arena_text(office->arena, spec, strlen(spec)), sql_int(&rows, 2), sql_int(&rows, 3)};
        number = arena_text(office->arena, sql_text(&rows, 4), strlen(sql_text(&rows, 4)));
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = copy_step(office, sql, rider, host, number, &steps[i]);
    }
    return err;
}

/* What the rider's own steps say now; their tickets are the rider's. */
static enum err mirror(struct sql *sql, int64_t rider)
{
    return sql_run(sql,
                   "UPDATE work_step SET value = r.value, light = r.light, answered_ms = r.answered_ms, who = r.who, reading"
                   " = r.reading, failed_ms = r.failed_ms, ticket = r.ticket FROM work_step r WHERE work_step.rider = ?1 AND"
                   " r.work_order = ?1 AND r.step = work_step.rider_step",
                   "i", rider);
}

/* ------------------------------------------------------------------ on and off */

static enum err judge(struct sql *sql, int64_t rider, int64_t host, struct text *why)
{
    if (rider == host ||
        sql_find_int(sql, 0, "SELECT 1 FROM work_order WHERE ride = ?1 LIMIT 1", "i", rider)) {
        return text_say(why, ERR_STATE, "others ride on it already. Legal: attach of those");
    }
    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM work_order WHERE id = ?1 AND ride IS NULL AND state IN ('proposed', 'dispatched',"
                      " 'assigned', 'accepted', 'refused')",
                      "i", rider)) {
        return text_say(why, ERR_STATE, "its order is at work, done, or rides already. Legal: detach; note");
    }
    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM work_order h JOIN work_order r ON r.site = h.site WHERE h.id = ?1 AND r.id = ?2 AND"
                      " h.ride IS NULL AND h.visit IS NULL AND h.from_ms IS NOT NULL AND h.state IN ('assigned', 'accepted',"
                      " 'travelling', 'on_site', 'working')",
                      "ii", host, rider)) {
        return text_say(why, ERR_STATE, "work_order: expected an order at the same site that is no visit, with an"
                                        " appointment, not done yet. Legal: such an order; appoint");
    }
    if (sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_order WHERE ride = ?1", "i", host) >= RIDERS_MOST) {
        return text_say(why, ERR_STATE, "%d orders ride on it already. Legal: another order", RIDERS_MOST);
    }
    return ERR_OK;
}

static enum err line_of(struct sql *sql, int64_t order, int64_t other, const char *who, const char *action,
                        const char *words, int64_t now_ms)
{
    struct sql_rows rows;
    TEXT(note, 300);
    enum err err;

    sql_find(sql, &rows, "SELECT number FROM work_order WHERE id = ?1", "i", other);
    if (sql_next(&rows)) {
        text_addf(&note, "%s %s", words, sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    return err ? err : work_line(sql, order, now_ms, now_ms, who, action, NULL, note.at, NULL);
}

/* Technician and time are those of the host. */
static enum err follow_appointment(struct sql *sql, int64_t host)
{
    return sql_run(sql,
                   "UPDATE work_order SET team = h.team, technician = h.technician, from_ms = h.from_ms, to_ms = h.to_ms,"
                   " state = 'assigned', version = work_order.version + 1, sequence = work_order.sequence + 1 FROM work_order"
                   " h WHERE work_order.ride = ?1 AND h.id = ?1 AND work_order.state IN ('proposed', 'dispatched',"
                   " 'assigned', 'accepted', 'refused')",
                   "i", host);
}

enum err ride_begin(struct office *office, struct sql *sql, int64_t rider, int64_t host, const char *who, int64_t now_ms,
                    struct text *why)
{
    int64_t visit = sql_find_int(sql, 0, "SELECT visit FROM work_order WHERE id = ?1", "i", rider);
    enum err err = judge(sql, rider, host, why);

    if (!err) {
        err = sql_run(sql, "UPDATE work_order SET ride = ?2 WHERE id = ?1", "ii", rider, host);
    }
    if (!err) {
        err = follow_appointment(sql, host);
    }
    if (!err) {
        err = copy_steps(office, sql, rider, host);
    }
    if (!err) {
        err = line_of(sql, rider, host, who, "assign", "rides on", now_ms);
    }
    if (!err) {
        err = line_of(sql, host, rider, who, "note", "takes along", now_ms);
    }
    if (!err && visit) {
        err = sql_run(sql, "UPDATE visit SET state = 'attached' WHERE id = ?1", "i", visit);
        err = err ? err : visit_touched(sql, visit, now_ms);
    }
    if (!err) {
        err = work_changed(sql, rider, now_ms);
    }
    return err ? err : work_changed(sql, host, now_ms);
}

enum err ride_end(struct office *office, struct sql *sql, int64_t rider, const char *who, const char *reason,
                  int64_t now_ms)
{
    int64_t host = sql_find_int(sql, 0, "SELECT ride FROM work_order WHERE id = ?1", "i", rider);
    int64_t visit = sql_find_int(sql, 0, "SELECT visit FROM work_order WHERE id = ?1", "i", rider);
    enum err err;

    (void)office;
    err = sql_run(sql,
                  "UPDATE work_order SET ride = NULL, technician = NULL, from_ms = NULL, to_ms = NULL, state = 'dispatched',"
                  " version = version + 1, sequence = sequence + 1 WHERE id = ?1 AND state NOT IN ('done', 'verified',"
                  " 'closed', 'cancelled')",
                  "i", rider);
    if (!err) { /* answers stay with the rider */
        err = sql_run(sql, "DELETE FROM work_step WHERE work_order = ?1 AND rider = ?2", "ii", host, rider);
    }
    if (!err) {
        err = work_line(sql, rider, now_ms, now_ms, who, "dispatch", NULL, reason, NULL);
    }
    if (!err && visit) {
        err = sql_run(sql, "UPDATE visit SET state = 'released' WHERE id = ?1 AND state = 'attached'", "i", visit);
        err = err ? err : visit_line(sql, visit, now_ms, "heliograph", "detach", NULL, reason, NULL);
        err = err ? err : visit_touched(sql, visit, now_ms);
    }
    return err ? err : work_changed(sql, rider, now_ms);
}

/* ------------------------------------------------------------------ what a host takes along */

struct due { /* something due at the site */
    int64_t visit, order; /* one of them 0: a visit without an order yet; an order without a visit */
};

static enum err find_due(struct sql *sql, int64_t site, int32_t day, unsigned rides, struct due due[RIDERS_MOST],
                         size_t *ret_count)
{
    struct sql_rows rows;
    size_t count = 0;
    enum err err = ERR_OK;

    if (rides & PLAN_RIDES_VISIT) { /* in its window on that day, and nobody has it in hand */
        sql_find(sql, &rows,
                 "SELECT v.id FROM equipment e JOIN visit v ON v.equipment = e.id WHERE e.site = ?1 AND v.state || '' IN"
                 " ('planned', 'released') AND ?2 BETWEEN COALESCE(v.pull_day, v.window_start_day) AND v.window_end_day AND"
                 " NOT EXISTS (SELECT 1 FROM work_order w WHERE w.visit = v.id AND w.state <> 'cancelled' AND (w.from_ms IS"
                 " NOT NULL OR w.state NOT IN ('proposed', 'dispatched'))) AND NOT EXISTS (SELECT 1 FROM visit b WHERE b.equipment ="
                 " v.equipment AND b.id <> v.id AND b.state IN ('released', 'attached')) ORDER BY v.id LIMIT 20",
                 "ii", site, (int64_t)day);
        while (count < RIDERS_MOST && sql_next(&rows)) {
            due[count++] = (struct due){.visit = sql_int(&rows, 0)};
        }
        err = sql_end(&rows);
    }
    if (!err && rides & (PLAN_RIDES_INSPECTION | PLAN_RIDES_CHANGE)) {
        sql_find(sql, &rows,
                 "SELECT id FROM work_order WHERE site = ?1 AND state IN ('proposed', 'dispatched') AND from_ms IS NULL AND"
                 " ride IS NULL AND preempted_by IS NULL AND ticket IS NULL AND ((?2 = 1 AND kind = 'inspection') OR (?3 = 1 AND kind ="
                 " 'planned_change')) ORDER BY id LIMIT 20",
                 "iii", site, (int64_t)(rides & PLAN_RIDES_INSPECTION ? 1 : 0),
                 (int64_t)(rides & PLAN_RIDES_CHANGE ? 1 : 0));
        while (count < RIDERS_MOST && sql_next(&rows)) {
            due[count++] = (struct due){.order = sql_int(&rows, 0)};
        }
        err = sql_end(&rows);
    }
    *ret_count = count;
    return err;
}

static enum err take_along(struct office *office, struct sql *sql, const struct due *due, int64_t host, int64_t now_ms)
{
    struct visit_row_now visit;
    struct place place;
    TEXT(why, 300);
    int64_t order = due->order;
    enum err err = ERR_OK;

    if (due->visit) {
        err = visit_load(office, sql, due->visit, &visit);
        err = err ? err : place_find(office, sql, visit.equipment, 0, now_ms, &place);
        err = err ? err
                  : visit_release(office, sql, &place, due->visit, "heliograph", NULL,
                                  "a repair goes to the site within its window", now_ms, &order);
        err = err ? err : visit_line(sql, due->visit, now_ms, "heliograph", "attach", NULL, NULL, NULL);
    }
    if (!err) {
        err = ride_begin(office, sql, order, host, "heliograph", now_ms, &why);
    }
    return err == ERR_STATE ? ERR_OK : err; /* somebody has it in hand meanwhile */
}

/* S0-16: a customer visit that is owed is one more question of the list. */
static enum err take_survey(struct sql *sql, int64_t site, int64_t host)
{
    static const char spec[] =
        "{\"step\":\"survey\",\"title_en\":\"Customer visit: how is the customer served, what is wanted\","
        "\"title_zh\":\"走访：用户满意情况与需求\",\"type\":\"text\",\"required\":false}";

    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM clock k JOIN site s ON s.customer = k.subject_id WHERE s.id = ?1 AND k.subject ="
                      " 'customer' AND k.kind = 'customer_visit' AND k.ticket IS NULL AND k.met_ms IS NULL AND k.cancelled_ms"
                      " IS NULL LIMIT 1",
                      "i", site)) {
        return ERR_OK;
    }
    return sql_run(sql,
                   "INSERT INTO work_step (work_order, step, position, section, spec, required) VALUES (?1, 'survey', 1999,"
                   " 'step', ?2, 0) ON CONFLICT (work_order, step) DO NOTHING",
                   "it", host, spec);
}

enum err ride_gather(struct office *office, struct sql *sql, int64_t host, int64_t now_ms)
{
    struct due due[RIDERS_MOST];
    struct place place;
    struct sql_rows rows;
    int64_t site = 0, equipment = 0, from_ms = 0;
    size_t count = 0;
    unsigned rides;
    enum err err;

    sql_find(sql, &rows,
             "SELECT site, equipment, from_ms FROM work_order WHERE id = ?1 AND kind = 'corrective' AND from_ms IS NOT NULL"
             " AND ride IS NULL AND state IN ('assigned', 'accepted')",
             "i", host);
    if (sql_next(&rows)) {
        site = sql_int(&rows, 0);
        equipment = sql_int(&rows, 1);
        from_ms = sql_int(&rows, 2);
    }
    err = sql_end(&rows);
    if (err || !site) {
        return err;
    }
    err = place_find(office, sql, equipment, site, now_ms, &place);
    rides = !err && place.plan && place.plan->visits ? place.plan->visits->rides : 0;
    if (!err && rides & PLAN_RIDES_SURVEY) {
        err = take_survey(sql, site, host);
    }
    if (!err) {
        err = find_due(sql, site, place_day(office, &place, from_ms), rides, due, &count);
    }
    for (size_t i = 0; !err && i < count; i++) {
        err = take_along(office, sql, &due[i], host, now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ what follows the host */

static enum err load_riders(struct sql *sql, int64_t host, int64_t riders[RIDERS_MOST], size_t *ret_count)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(sql, &rows, "SELECT id FROM work_order WHERE ride = ?1 ORDER BY id LIMIT 20", "i", host);
    while (count < RIDERS_MOST && sql_next(&rows)) {
        riders[count++] = sql_int(&rows, 0);
    }
    *ret_count = count;
    return sql_end(&rows);
}

/* The host has moved to a day outside the window of what rides on it. */
static bool is_outside(struct office *office, struct sql *sql, int64_t rider)
{
    int64_t visit = sql_find_int(sql, 0, "SELECT visit FROM work_order WHERE id = ?1", "i", rider);
    int64_t from_ms = sql_find_int(sql, 0, "SELECT from_ms FROM work_order WHERE id = ?1", "i", rider);
    struct visit_row_now row;
    struct place place;
    int32_t day;

    if (!visit || !from_ms || visit_load(office, sql, visit, &row) ||
        place_find(office, sql, row.equipment, 0, from_ms, &place)) {
        return false;
    }
    day = place_day(office, &place, from_ms);
    return (day < row.from && (row.pull == VISIT_NO_DAY || day < row.pull)) || day > row.until;
}

/* The same on the rider; what its own gates do not let through it does later, alone. */
static enum err do_too(struct office *office, struct sql *sql, int64_t rider, const struct action *action, int64_t now_ms)
{
    struct action same = {.action = action->action, .who = action->who, .role = action->role, .at_ms = action->at_ms,
                          .sent_ms = action->sent_ms, .body = action->body};
    TEXT(why, 300);
    TEXT(note, 400);
    enum err err = work_action(office, sql, rider, &same, now_ms, &why);

    if (err == ERR_STATE || err == ERR_FORMAT) {
        if (!text_same(action->action, "finish")) {
            return ERR_OK;
        }
        text_addf(&note, "not finished along with the other: %s", why.at);
        return ride_end(office, sql, rider, "heliograph", note.at, now_ms);
    }
    return err ? err : visits_follow_work(office, sql, rider, &same, now_ms);
}

static enum err follow_one(struct office *office, struct sql *sql, int64_t rider, int64_t host,
                           const struct action *action, int64_t now_ms)
{
    static const char *const alike[] = {"depart", "arrive", "start", "finish"};
    TEXT(reason, 200);
    enum err err = ERR_OK;

    if (text_same(action->action, "cancel") || text_same(action->action, "refuse")) {
        err = line_of(sql, rider, host, action->who, "note", text_same(action->action, "cancel") ? "cancelled:" : "refused:",
                      now_ms);
        text_addf(&reason, "the order it rode on was %s", text_same(action->action, "cancel") ? "cancelled" : "refused");
        return err ? err : ride_end(office, sql, rider, action->who, reason.at, now_ms);
    }
    if (text_same(action->action, "reschedule") || text_same(action->action, "assign")) {
        int64_t visit = sql_find_int(sql, 0, "SELECT visit FROM work_order WHERE id = ?1", "i", rider);

        err = follow_appointment(sql, host);
        err = err || !visit ? err : visit_touched(sql, visit, now_ms);
        return err || !is_outside(office, sql, rider)
                   ? err
                   : ride_end(office, sql, rider, action->who, "the order it rode on was moved out of its window", now_ms);
    }
    for (size_t i = 0; !err && i < sizeof(alike) / sizeof(alike[0]); i++) {
        if (text_same(action->action, alike[i])) {
            err = do_too(office, sql, rider, action, now_ms);
        }
    }
    return err ? err : mirror(sql, rider);
}

/* S0-16: the question was answered: the customer was visited. */
static enum err meet_survey(struct sql *sql, int64_t host, int64_t now_ms)
{
    int64_t customer;

    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM work_step WHERE work_order = ?1 AND step = 'survey' AND answered_ms IS NOT NULL", "i",
                      host)) {
        return ERR_OK;
    }
    customer = sql_find_int(sql, 0, "SELECT s.customer FROM work_order w JOIN site s ON s.id = w.site WHERE w.id = ?1", "i",
                            host);
    return customer ? duty_stop(sql, "customer", customer, "customer_visit", now_ms) : ERR_OK;
}

enum err ride_follow(struct office *office, struct sql *sql, int64_t host, const struct action *action, int64_t now_ms)
{
    int64_t riders[RIDERS_MOST];
    size_t count = 0;
    enum err err = load_riders(sql, host, riders, &count);

    for (size_t i = 0; !err && i < count; i++) {
        err = follow_one(office, sql, riders[i], host, action, now_ms);
    }
    if (!err && text_same(action->action, "finish")) {
        err = meet_survey(sql, host, now_ms);
    }
    if (!err && (text_same(action->action, "reschedule") || text_same(action->action, "assign") ||
                 text_same(action->action, "accept"))) {
        err = ride_gather(office, sql, host, now_ms);
    }
    return err;
}

enum err visits_check_rider(struct office *office, struct sql *sql, int64_t host, const struct action *action,
                            int64_t now_ms, int64_t *ret_rider, struct text *why)
{
    const char *step = json_text_or(action->body, "step", NULL);
    struct json_out body = json_out(64 * 1024);
    struct action same = *action;
    struct arena *arena = NULL;
    struct sql_rows rows;
    TEXT(own, 200);
    enum err err;

    *ret_rider = 0;
    if (!text_same(action->action, "check") || !step) {
        return ERR_OK;
    }
    sql_find(sql, &rows, "SELECT rider, rider_step FROM work_step WHERE work_order = ?1 AND step = ?2 AND rider IS NOT NULL",
             "it", host, step);
    if (sql_next(&rows)) {
        *ret_rider = sql_int(&rows, 0);
        text_add(&own, sql_text(&rows, 1));
    }
    err = sql_end(&rows);
    if (err || !*ret_rider) {
        return err;
    }
    json_open_object(&body);
    for (const struct cJSON *item = json_first(action->body); item; item = json_next(item)) {
        json_key(&body, json_name(item));
        if (strcmp(json_name(item), "step") == 0) {
            json_put_text(&body, own.at);
        } else {
            json_put_value(&body, item);
        }
    }
    json_close_object(&body);
    err = body.err ? body.err : arena_open(BODY_ARENA, &arena); /* the office's is emptied by the action */
    err = err ? err : json_parse(arena, body.bytes, body.size, &same.body, NULL);
    json_out_free(&body);
    if (!err) {
        err = work_action(office, sql, *ret_rider, &same, now_ms, why);
    }
    arena_close(arena);
    if (!err) {
        err = mirror(sql, *ret_rider);
    }
    return err ? err
               : work_line(sql, host, action->at_ms ? action->at_ms : now_ms, now_ms, action->who, "check",
                           action->action_id, step, NULL);
}

enum err visits_ride_along(struct office *office, struct sql *sql, int64_t ticket, const struct action *action,
                           int64_t now_ms)
{
    int64_t host = sql_find_int(sql, 0,
                                "SELECT MAX(id) FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state IN"
                                " ('proposed', 'dispatched', 'assigned', 'accepted', 'refused')",
                                "i", ticket);

    return host ? ride_follow(office, sql, host, action, now_ms) : ERR_OK;
}

/* Hosts that ended in another way than by an action of their own: with their ticket, say. */
enum err visits_sweep(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t riders[RIDERS_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT r.id FROM work_order r JOIN work_order h ON h.id = r.ride WHERE r.ride IS NOT NULL AND r.state NOT IN"
             " ('done', 'verified', 'closed', 'cancelled') AND (h.state IN ('done', 'verified', 'closed', 'cancelled') OR"
             " h.from_ms IS NULL) ORDER BY r.id LIMIT 20",
             "");
    while (count < RIDERS_MOST && sql_next(&rows)) {
        riders[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = ride_end(office, sql, riders[i], "heliograph", "the order it rode on has ended without it", now_ms);
    }
    return err;
}
