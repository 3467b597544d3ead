/* Parts of a work order: likely, laid aside, used, brought back. Stock goes down when a part is used; what is laid aside
 * stays in stock, but no other order may use it. */
#include "server/field/work_int.h"

#include <string.h>

#define DEPOTS_MOST 100
#define COUNT_MOST  1000000

struct wish { /* what an action asks for */
    const char *part, *depot;
    int64_t part_id, count; /* part_id 0: the fleet file does not know it; it comes from nobody's stock */
};

static enum err read_wish(struct work *work, struct wish *wish)
{
    const struct cJSON *body = work->action->body;

    wish->part = json_text_or(body, "part", NULL);
    wish->depot = json_text_or(body, "depot", NULL);
    wish->count = json_int_or(body, "count", json_field(body, "count") ? 0 : 1);
    if (!wish->part || !wish->part[0] || strlen(wish->part) > 200 || wish->count < 1 || wish->count > COUNT_MOST) {
        return text_say(work->why, ERR_FORMAT, "%s needs part, and a count of at least 1", work->action->action);
    }
    wish->part_id = sql_find_int(work->sql, 0, "SELECT id FROM part WHERE name = ?1", "t", wish->part);
    return ERR_OK;
}

struct shelf {
    int64_t depot, free;
};

/* Where the part lies and no other order has laid it aside: the named depot alone, or all, those where this order has
 * some first, then the nearest to its site. */
static enum err find_shelves(struct work *work, const struct wish *wish, struct shelf shelves[DEPOTS_MOST],
                             size_t *ret_count, int64_t *ret_free)
{
    struct sql_rows rows;
    size_t count = 0;

    *ret_free = 0;
    sql_find(work->sql, &rows,
             "SELECT k.depot, k.count - COALESCE((SELECT SUM(r.count) FROM work_part r WHERE r.part = ?4 AND r.depot ="
             " k.depot AND r.state = 'reserved' AND r.work_order <> ?1 AND EXISTS (SELECT 1 FROM work_order o"
             " WHERE o.id = r.work_order AND o.state NOT IN ('done', 'verified', 'closed', 'cancelled'))), 0) FROM stock k JOIN depot d ON d.id = k.depot"
             " LEFT JOIN work_order w ON w.id = ?1 LEFT JOIN site s ON s.id = w.site WHERE k.part = ?2 AND k.count > 0"
             " AND (?3 IS NULL OR d.name = ?3) ORDER BY (SELECT COUNT(*) FROM work_part r WHERE r.work_order = ?1 AND"
             " r.part = ?4 AND r.depot = k.depot AND r.state = 'reserved') DESC, (d.lat - s.lat) * (d.lat - s.lat) +"
             " (d.lon - s.lon) * (d.lon - s.lon), d.id LIMIT 100",
             "iitt", work->order.id, wish->part_id, wish->depot, wish->part);
    while (count < DEPOTS_MOST && sql_next(&rows)) {
        if (sql_int(&rows, 1) > 0) {
            shelves[count] = (struct shelf){sql_int(&rows, 0), sql_int(&rows, 1)};
            *ret_free += shelves[count++].free;
        }
    }
    *ret_count = count;
    return sql_end(&rows);
}

static enum err too_few(struct work *work, const struct wish *wish, int64_t there)
{
    return text_say(work->why, ERR_STATE, "only %lld of %s in stock. Legal: %s with a count up to that",
                    (long long)there, wish->part, work->action->action);
}

/* ------------------------------------------------------------------ laid aside */

static enum err reserve(struct work *work, const struct wish *wish, int64_t depot, int64_t count)
{
    return sql_run(work->sql,
                   "INSERT INTO work_part (work_order, part, state, count, depot, who, at_ms, action_id) VALUES (?1, ?2,"
                   " 'reserved', ?3, ?4, ?5, ?6, ?7)",
                   "itiitit", work->order.id, wish->part, count, depot, work->action->who, work->at_ms,
                   work->action->action_id);
}

/* What was used after the time of a reservation that is heard of late was used out of it. */
static int64_t used_since(struct work *work, const char *part)
{
    return sql_find_int(work->sql, 0,
                        "SELECT SUM(count) FROM work_part WHERE work_order = ?1 AND part = ?2 AND state = 'used' AND"
                        " at_ms >= ?3",
                        "iti", work->order.id, part, work->at_ms);
}

enum err do_reserve_part(struct work *work)
{
    struct shelf shelves[DEPOTS_MOST];
    struct wish wish;
    int64_t free = 0, left, mine;
    size_t count = 0;
    enum err err = read_wish(work, &wish);

    if (!err && !wish.part_id) {
        return text_say(work->why, ERR_FORMAT, "part: there is none called '%.64s' in the fleet file", wish.part);
    }
    if (!err && work->place.late) {
        return ERR_OK; /* the work is over: nothing is laid aside any more */
    }
    if (!err) {
        err = find_shelves(work, &wish, shelves, &count, &free);
    }
    if (err) {
        return err;
    }
    mine = sql_find_int(work->sql, 0,
                        "SELECT SUM(count) FROM work_part WHERE work_order = ?1 AND part = ?2 AND state = 'reserved'",
                        "it", work->order.id, wish.part);
    left = wish.count - used_since(work, wish.part);
    if (left > free - mine) {
        return too_few(work, &wish, free - mine);
    }
    for (size_t i = 0; !err && i < count && left > 0; i++) {
        int64_t some = left < shelves[i].free ? left : shelves[i].free;

        err = reserve(work, &wish, shelves[i].depot, some);
        left -= some;
    }
    return err;
}

/* count of what this order laid aside in a depot is no longer laid aside. */
static enum err release(struct work *work, const char *part, int64_t depot, int64_t count)
{
    enum err err = ERR_OK;

    while (!err && count > 0) {
        int64_t line = sql_find_int(work->sql, 0,
                                    "SELECT MIN(id) FROM work_part WHERE work_order = ?1 AND part = ?2 AND depot = ?3"
                                    " AND state = 'reserved'",
                                    "iti", work->order.id, part, depot);
        int64_t there = sql_find_int(work->sql, 0, "SELECT count FROM work_part WHERE id = ?1", "i", line);

        if (!line) {
            return ERR_OK;
        }
        err = there <= count
                  ? sql_run(work->sql, "DELETE FROM work_part WHERE id = ?1", "i", line)
                  : sql_run(work->sql, "UPDATE work_part SET count = count - ?2 WHERE id = ?1", "ii", line, count);
        count -= there;
    }
    return err;
}

/* ------------------------------------------------------------------ used */

/* The price as it is now: next year's prices do not change what this repair cost. */
static double price_of(struct work *work, const struct wish *wish, const char **ret_currency)
{
    const struct cJSON *body = work->action->body, *doc = NULL;
    double price = json_number_or(body, "unit_cost", -1);
    struct sql_rows rows;

    *ret_currency = json_text_or(body, "currency", NULL);
    if (price >= 0) {
        return price;
    }
    sql_find(work->sql, &rows, "SELECT doc FROM part WHERE id = ?1", "i", wish->part_id);
    if (sql_next(&rows) && sql_text(&rows, 0) &&
        !json_parse(work->office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)), &doc, NULL)) {
        price = json_number_or(doc, "price", -1);
        *ret_currency = json_text_or(doc, "currency", *ret_currency);
    }
    return sql_end(&rows) ? -1 : price;
}

static enum err put_used(struct work *work, const struct wish *wish, int64_t depot, int64_t count, int64_t child)
{
    const struct cJSON *body = work->action->body;
    const char *currency;
    double price = price_of(work, wish, &currency);

    return sql_run(work->sql,
                   "INSERT INTO work_part (work_order, part, state, count, depot, serial_old, serial_new, old_goes, lot,"
                   " qc, unit_cost, currency, child, who, at_ms, action_id) VALUES (?1, ?2, 'used', ?3, NULLIF(?4, 0),"
                   " ?5, ?6, ?7, ?8, NULLIF(?9, -1), NULLIF(?10, -1.0), ?11, NULLIF(?12, 0), ?13, ?14, ?15)",
                   "itiittttid" "titit", work->order.id, wish->part, count, depot, json_text_or(body, "serial_old", NULL),
                   json_text_or(body, "serial_new", NULL), json_text_or(body, "old_goes", NULL),
                   json_text_or(body, "lot", NULL),
                   (int64_t)(json_field(body, "qc") ? (int)json_bool_or(body, "qc", false) : -1), price, currency, child,
                   work->action->who, work->at_ms, work->action->action_id);
}

static enum err take(struct work *work, const struct wish *wish, int64_t depot, int64_t count, int64_t child)
{
    enum err err = sql_run(work->sql, "UPDATE stock SET count = count - ?3 WHERE part = ?1 AND depot = ?2", "iii",
                           wish->part_id, depot, count);

    if (!err) {
        err = sql_run(work->sql,
                      "INSERT INTO stock_move (part, depot, count, work_order, action_id, at_ms) VALUES (?1, ?2, ?3,"
                      " ?4, ?5, ?6)",
                      "iiiiti", wish->part_id, depot, -count, work->order.id, work->action->action_id, work->now_ms);
    }
    if (!err) {
        err = release(work, wish->part, depot, count);
    }
    return err ? err : put_used(work, wish, depot, count, child);
}

/* The unit that was taken off goes on: repaired in the depot, under an order of its own (S0-117, S0-127). */
static enum err make_child(struct work *work, int64_t *ret_child)
{
    const char *serial = json_text_or(work->action->body, "serial_old", NULL);
    const char *goes = json_text_or(work->action->body, "old_goes", NULL);
    struct work_new what = {.kind = JOB_DEPOT_REPAIR, .equipment = work->order.equipment, .site = work->order.site,
                            .parent = work->order.id, .serial = serial,
                            .title = json_text_or(work->action->body, "part", NULL)};

    *ret_child = 0;
    if (!goes || strcmp(goes, "depot_repair") != 0) {
        return ERR_OK;
    }
    if (!serial || !serial[0]) {
        return text_say(work->why, ERR_FORMAT, "serial_old: expected the serial of the unit that goes to the depot");
    }
    return work_create(work->office, work->sql, &what, work->now_ms, ret_child);
}

static enum err check_part(struct work *work)
{
    static const char *const ways[] = {"depot_repair", "return", "scrap", "customer", NULL};
    const char *goes = json_text_or(work->action->body, "old_goes", NULL);
    bool known = !goes;

    for (size_t i = 0; goes && ways[i]; i++) {
        known = known || strcmp(goes, ways[i]) == 0;
    }
    if (!known) {
        return text_say(work->why, ERR_FORMAT, "old_goes: expected depot_repair, return, scrap or customer");
    }
    if (json_field(work->action->body, "qc") && !json_bool_or(work->action->body, "qc", false)) {
        return text_say(work->why, ERR_STATE,
                        "a part whose lot has not passed its check is not used (S1-42). Legal: use_part of another lot");
    }
    return ERR_OK;
}

enum err do_use_part(struct work *work)
{
    struct shelf shelves[DEPOTS_MOST];
    struct wish wish;
    int64_t free = 0, left, child = 0;
    size_t count = 0;
    enum err err = read_wish(work, &wish);

    if (!err) {
        err = check_part(work);
    }
    if (!err && wish.part_id) {
        err = find_shelves(work, &wish, shelves, &count, &free);
        if (!err && free < wish.count) {
            return too_few(work, &wish, free);
        }
    }
    if (!err) {
        err = make_child(work, &child);
    }
    if (!err && !wish.part_id) {
        return put_used(work, &wish, 0, wish.count, child);
    }
    left = wish.count;
    for (size_t i = 0; !err && i < count && left > 0; i++) {
        int64_t some = left < shelves[i].free ? left : shelves[i].free;

        err = take(work, &wish, shelves[i].depot, some, child);
        left -= some;
    }
    return err;
}

/* ------------------------------------------------------------------ brought back */

enum err do_return_part(struct work *work)
{
    struct wish wish;
    int64_t depot = 0, used;
    enum err err = read_wish(work, &wish);

    if (err) {
        return err;
    }
    used = sql_find_int(work->sql, 0,
                        "SELECT SUM(CASE state WHEN 'used' THEN count WHEN 'returned' THEN -count ELSE 0 END) FROM"
                        " work_part WHERE work_order = ?1 AND part = ?2",
                        "it", work->order.id, wish.part);
    if (used < wish.count) {
        return text_say(work->why, ERR_STATE, "only %lld of %s were used. Legal: return_part with a count up to that",
                        (long long)used, wish.part);
    }
    depot = wish.depot ? sql_find_int(work->sql, 0, "SELECT id FROM depot WHERE name = ?1", "t", wish.depot)
                       : sql_find_int(work->sql, 0,
                                      "SELECT depot FROM work_part WHERE work_order = ?1 AND part = ?2 AND state ="
                                      " 'used' ORDER BY id DESC LIMIT 1",
                                      "it", work->order.id, wish.part);
    if (wish.depot && !depot) {
        return text_say(work->why, ERR_FORMAT, "depot: there is none called '%.64s'", wish.depot);
    }
    if (wish.part_id && depot) {
        err = sql_run(work->sql,
                      "INSERT INTO stock (part, depot, count) VALUES (?1, ?2, ?3) ON CONFLICT (part, depot) DO UPDATE"
                      " SET count = stock.count + excluded.count",
                      "iii", wish.part_id, depot, wish.count);
        err = err ? err
                  : sql_run(work->sql,
                            "INSERT INTO stock_move (part, depot, count, work_order, action_id, at_ms) VALUES (?1, ?2,"
                            " ?3, ?4, ?5, ?6)",
                            "iiiiti", wish.part_id, depot, wish.count, work->order.id, work->action->action_id,
                            work->now_ms);
    }
    return err ? err
               : sql_run(work->sql,
                         "INSERT INTO work_part (work_order, part, state, count, depot, who, at_ms, action_id) VALUES"
                         " (?1, ?2, 'returned', ?3, NULLIF(?4, 0), ?5, ?6, ?7)",
                         "itiitit", work->order.id, wish.part, wish.count, depot, work->action->who, work->at_ms,
                         work->action->action_id);
}
