/* Parts of a work order: likely, laid aside, used, brought back. Stock goes down when a part is used; what is laid aside
 * stays in stock, but no other order may use it. */
#include "server/field/work_int.h"

#include <string.h>

#include "server/rack/reserve.h"
#include "server/stock/stock.h"

#define DEPOTS_MOST 100
#define DAY_MS      86400000LL
#define COUNT_MOST  1000000

struct wish { /* what an action asks for */
    const char *part, *depot, *lot;
    int64_t part_id, count; /* part_id 0: the fleet file does not know it, or it is not ours; it comes from nobody's stock */
    enum part_source source;
};

static enum err read_wish(struct work *work, struct wish *wish)
{
    const struct cJSON *body = work->action->body;

    wish->part = json_text_or(body, "part", NULL);
    wish->depot = json_text_or(body, "depot", NULL);
    wish->lot = json_text_or(body, "lot", NULL);
    wish->count = json_int_or(body, "count", json_field(body, "count") ? 0 : 1);
    if (!wish->part || !wish->part[0] || strlen(wish->part) > 200 || wish->count < 1 || wish->count > COUNT_MOST) {
        return text_say(work->why, ERR_FORMAT, "%s needs part, and a count of at least 1", work->action->action);
    }
    wish->part_id = sql_find_int(work->sql, 0, "SELECT id FROM part WHERE name = ?1", "t", wish->part);
    return ERR_OK;
}

/* As read_wish, with whose part it is: what is not ours touches no stock. */
static enum err read_sourced(struct work *work, struct wish *wish)
{
    enum err err = read_wish(work, wish);

    err = err ? err : part_source(work, &wish->source);
    if (!err && wish->source != PART_OF_STOCK) {
        wish->part_id = 0;
    }
    return err;
}

struct place_of { /* a rack, and how many this order may take from it */
    int64_t rack, depot, lot, free, mine;
};

/* Where the part lies and no other order has laid it aside: the named depot (and lot) alone, or all; those where this
 * order has some first, then the nearest to its site, then what ends first. */
static enum err find_racks(struct work *work, const struct wish *wish, struct place_of racks[DEPOTS_MOST],
                             size_t *ret_count, int64_t *ret_free)
{
    struct sql_rows rows;
    size_t count = 0;

    *ret_free = 0;
    sql_find(work->sql, &rows,
             "SELECT h.rack, h.depot, h.lot, h.there - h.held, CAST(COALESCE((SELECT SUM(r.count) FROM work_part r WHERE"
             " r.work_order = ?1 AND r.rack = h.rack AND r.state = 'reserved'), 0) AS BIGINT) AS mine FROM rack_now h"
             " JOIN depot d ON d.id = h.depot JOIN lot l ON l.id = h.lot LEFT JOIN work_order w ON w.id = ?1 LEFT JOIN site s"
             " ON s.id = w.site WHERE h.part = ?2 AND h.there > 0 AND l.state = 'passed' AND d.counts = 1 AND (?3 IS NULL OR"
             " d.name = ?3) AND (?4 IS NULL OR l.name = ?4) AND (l.expires_day IS NULL OR l.expires_day > ?5) ORDER BY"
             " 5 DESC, (d.lat - s.lat) * (d.lat - s.lat) + (d.lon - s.lon) * (d.lon - s.lon), d.id,"
             " COALESCE(l.expires_day, 1000000), l.id LIMIT 100",
             "iitti", work->order.id, wish->part_id, wish->depot, wish->lot, work->now_ms / DAY_MS);
    while (count < DEPOTS_MOST && sql_next(&rows)) {
        if (sql_int(&rows, 3) + sql_int(&rows, 4) > 0) {
            racks[count] = (struct place_of){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2),
                                               sql_int(&rows, 3) + sql_int(&rows, 4), sql_int(&rows, 4)};
            *ret_free += racks[count++].free;
        }
    }
    *ret_count = count;
    return sql_end(&rows);
}

/* How many there are, and where else. */
static enum err too_few(struct work *work, const struct wish *wish, int64_t there)
{
    TEXT(elsewhere, 400);
    struct sql_rows rows;
    enum err err;

    sql_find(work->sql, &rows,
             "SELECT d.name, k.count - k.held FROM stock k JOIN depot d ON d.id = k.depot WHERE k.part = ?1 AND k.count >"
             " k.held ORDER BY d.name LIMIT 12",
             "i", wish->part_id);
    while (sql_next(&rows)) {
        text_addf(&elsewhere, "%s%s %lld", elsewhere.length ? ", " : "", sql_text(&rows, 0),
                  (long long)sql_int(&rows, 1));
    }
    err = sql_end(&rows);
    return err ? err
               : text_say(work->why, ERR_STATE, "only %lld of %s in stock (free: %s). Legal: %s with a count up to that",
                          (long long)there, wish->part, elsewhere.length ? elsewhere.at : "none anywhere",
                          work->action->action);
}

/* ------------------------------------------------------------------ laid aside */

/* What was used after the time of a reservation that is heard of late was used out of it. */
static int64_t used_since(struct work *work, const char *part)
{
    return sql_find_int(work->sql, 0,
                        "SELECT SUM(count) FROM work_part WHERE work_order = ?1 AND part = ?2 AND state = 'used' AND"
                        " at_ms >= ?3",
                        "iti", work->order.id, part, work->at_ms);
}

static struct rack_wish wish_of(struct work *work, const struct wish *wish, int64_t rack, int64_t count)
{
    return (struct rack_wish){.order = work->order.id, .rack = rack, .count = count, .part = wish->part,
                               .who = work->action->who, .action_id = work->action->action_id, .at_ms = work->at_ms,
                               .now_ms = work->now_ms};
}

enum err do_reserve_part(struct work *work)
{
    struct place_of racks[DEPOTS_MOST];
    struct wish wish;
    int64_t free = 0, left = 0, mine = 0;
    size_t count = 0;
    enum err err = read_wish(work, &wish);

    if (!err && !wish.part_id) {
        return text_say(work->why, ERR_FORMAT, "part: there is none called '%.64s' in the fleet file", wish.part);
    }
    if (!err && work->place.late) {
        return ERR_OK; /* the work is over: nothing is laid aside any more */
    }
    if (!err) {
        err = find_racks(work, &wish, racks, &count, &free);
    }
    for (size_t i = 0; i < count; i++) {
        mine += racks[i].mine;
    }
    if (err) {
        return err;
    }
    left = wish.count - used_since(work, wish.part);
    if (left > free - mine) {
        return too_few(work, &wish, free - mine);
    }
    for (size_t i = 0; !err && i < count && left > 0; i++) {
        int64_t more = racks[i].free - racks[i].mine;
        struct rack_wish some = wish_of(work, &wish, racks[i].rack, left < more ? left : more);

        err = some.count > 0 ? rack_reserve(work->sql, &some, work->why) : ERR_OK;
        left -= some.count;
    }
    return err;
}

/* ------------------------------------------------------------------ used */

/* The cost as it is now: next year's prices do not change what this repair cost. Said by the action, or the lot's. */
static double cost_of(struct work *work, int64_t lot, char ret_currency[16])
{
    const struct cJSON *body = work->action->body;
    double said = json_number_or(body, "unit_cost", -1);
    const char *currency = json_text_or(body, "currency", NULL);
    struct sql_rows rows;

    *ret_currency = '\0';
    sql_find(work->sql, &rows, "SELECT unit_cost, currency FROM lot WHERE id = ?1", "i", lot);
    if (sql_next(&rows)) {
        said = said < 0 && sql_int(&rows, 0) > 0 ? (double)sql_int(&rows, 0) / 100 : said;
        currency = currency ? currency : sql_text(&rows, 1);
    }
    (void)!text_copy(ret_currency, 16, currency ? currency : "");
    return sql_end(&rows) ? -1 : said;
}

static enum err put_used(struct work *work, const struct wish *wish, const struct place_of *from, int64_t count,
                         int64_t child)
{
    const struct cJSON *body = work->action->body;
    char currency[16];
    double cost = cost_of(work, from->lot, currency);

    return sql_run(work->sql,
                   "INSERT INTO work_part (work_order, part, state, count, depot, rack, serial_old, serial_new, old_goes, lot,"
                   " qc, unit_cost, currency, child, who, at_ms, action_id, source) SELECT ?1, ?2, 'used', ?3, NULLIF(?4, 0),"
                   " NULLIF(?5, 0), ?6, ?7, ?8, COALESCE(?9, (SELECT NULLIF(name, '-') FROM lot WHERE id = ?10)),"
                   " NULLIF(?11, -1), NULLIF(?12, -1.0), NULLIF(?13, ''), NULLIF(?14, 0), ?15, ?16, ?17, ?18",
                   "itiiitttt" "iidtitit" "t", work->order.id, wish->part, count, from->depot, from->rack,
                   json_text_or(body, "serial_old", NULL), json_text_or(body, "serial_new", NULL),
                   json_text_or(body, "old_goes", NULL), wish->lot, from->lot,
                   (int64_t)(json_field(body, "qc") ? (int)json_bool_or(body, "qc", false) : -1), cost, currency, child,
                   work->action->who, work->at_ms, work->action->action_id, part_source_names[wish->source]);
}

/* Off the rack; out of what this order laid aside, as far as it did. */
static enum err take(struct work *work, const struct wish *wish, const struct place_of *from, int64_t count, int64_t child)
{
    struct rack_wish mine = wish_of(work, wish, from->rack, count);
    struct rack_move move = {.kind = STOCK_USE, .rack = from->rack, .count = count, .work_order = work->order.id,
                              .who = work->action->who, .action_id = work->action->action_id, .at_ms = work->now_ms};
    int64_t released = 0;
    enum err err = rack_release(work->sql, &mine, &released);

    err = err ? err : rack_put(work->sql, &move, work->why);
    return err ? err : put_used(work, wish, from, count, child);
}

/* What was sent to the job is built in first: it has left its rack already, and is only written down as used. */
static enum err take_issued(struct work *work, const struct wish *wish, int64_t child, int64_t *io_left)
{
    int64_t line = 0;
    enum err err = ERR_OK;

    while (!err && *io_left > 0 &&
           (line = sql_find_int(work->sql, 0,
                                "SELECT MIN(id) FROM work_part WHERE work_order = ?1 AND part = ?2 AND state = 'issued'", "it",
                                work->order.id, wish->part)) > 0) {
        int64_t there = sql_find_int(work->sql, 0, "SELECT count FROM work_part WHERE id = ?1", "i", line);
        int64_t rack = sql_find_int(work->sql, 0, "SELECT rack FROM work_part WHERE id = ?1", "i", line);
        int64_t some = *io_left < there ? *io_left : there;
        struct rack_move move = {.kind = STOCK_USE, .rack = rack, .count = some, .booked = true,
                                 .work_order = work->order.id, .who = work->action->who,
                                 .action_id = work->action->action_id, .at_ms = work->now_ms};
        struct place_of from = {.rack = rack};
        struct rack_now now;

        err = rack_look(work->sql, rack, &now);
        from.depot = now.depot;
        from.lot = now.lot;
        err = err ? err : rack_put(work->sql, &move, work->why);
        err = err ? err
              : some == there
                  ? sql_run(work->sql, "DELETE FROM work_part WHERE id = ?1", "i", line)
                  : sql_run(work->sql, "UPDATE work_part SET count = count - ?2 WHERE id = ?1", "ii", line, some);
        err = err ? err : put_used(work, wish, &from, some, child);
        *io_left -= some;
    }
    return err;
}

static int64_t issued(struct work *work, const char *part)
{
    return sql_find_int(work->sql, 0,
                        "SELECT CAST(SUM(count) AS BIGINT) FROM work_part WHERE work_order = ?1 AND part = ?2 AND state ="
                        " 'issued'",
                        "it", work->order.id, part);
}

/* What was taken out is kept for the company when the plan or the action says so (S0-150). */
static enum err keep_old(struct work *work, const struct wish *wish)
{
    const struct cJSON *body = work->action->body;
    struct old_part old = {.order = work->order.id, .equipment = work->order.equipment, .ticket = work->order.ticket,
                           .count = wish->count, .part = wish->part, .serial = json_text_or(body, "serial_old", NULL),
                           .goes = json_text_or(body, "old_goes", NULL), .who = work->action->who, .at_ms = work->at_ms,
                           .now_ms = work->now_ms};

    return wish->part_id ? stock_keep_old(work->office, work->sql, &old) : ERR_OK;
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
    struct place_of racks[DEPOTS_MOST];
    struct wish wish;
    int64_t free = 0, left = 0, child = 0;
    size_t count = 0;
    enum err err = read_sourced(work, &wish);

    if (!err) {
        err = check_part(work);
    }
    if (!err && wish.part_id) {
        err = find_racks(work, &wish, racks, &count, &free);
        free += issued(work, wish.part);
        if (!err && free < wish.count) {
            return too_few(work, &wish, free);
        }
    }
    if (!err) {
        err = make_child(work, &child);
    }
    if (!err && !wish.part_id) {
        return put_used(work, &wish, &(struct place_of){0}, wish.count, child);
    }
    left = wish.count;
    if (!err) {
        err = take_issued(work, &wish, child, &left);
    }
    for (size_t i = 0; !err && i < count && left > 0; i++) {
        int64_t some = left < racks[i].free ? left : racks[i].free;

        err = take(work, &wish, &racks[i], some, child);
        left -= some;
    }
    return err ? err : keep_old(work, &wish);
}

/* ------------------------------------------------------------------ brought back */

/* Into a lot, in a depot. */
static enum err put_back(struct work *work, const struct wish *wish, int64_t lot, int64_t depot, int64_t count,
                         int64_t *ret_rack)
{
    struct lot_new none = {.part = wish->part_id, .state = "passed", .unit_cost = -1, .now_ms = work->now_ms};
    struct rack_move move = {.kind = STOCK_RETURN, .count = count, .work_order = work->order.id,
                              .who = work->action->who, .action_id = work->action->action_id, .at_ms = work->now_ms};
    enum err err = lot ? ERR_OK : lot_find(work->sql, &none, &lot);

    err = err ? err : rack_find(work->sql, wish->part_id, depot, lot, &move.rack);
    *ret_rack = move.rack;
    return err ? err : rack_put(work->sql, &move, work->why);
}

/* What was sent and comes back as it is was never used: into the lot it was sent from. */
static enum err unsend(struct work *work, const struct wish *wish, int64_t depot, int64_t *io_left)
{
    int64_t line = 0, rack;
    enum err err = ERR_OK;

    while (!err && *io_left > 0 &&
           (line = sql_find_int(work->sql, 0,
                                "SELECT MIN(id) FROM work_part WHERE work_order = ?1 AND part = ?2 AND state = 'issued'", "it",
                                work->order.id, wish->part)) > 0) {
        int64_t there = sql_find_int(work->sql, 0, "SELECT count FROM work_part WHERE id = ?1", "i", line);
        int64_t some = *io_left < there ? *io_left : there;

        if (wish->part_id) {
            err = put_back(work, wish,
                           sql_find_int(work->sql, 0, "SELECT s.lot FROM work_part p JOIN rack s ON s.id = p.rack WHERE p.id = ?1",
                                        "i", line),
                           depot, some, &rack);
        }
        err = err            ? err
              : some == there ? sql_run(work->sql, "DELETE FROM work_part WHERE id = ?1", "i", line)
                              : sql_run(work->sql, "UPDATE work_part SET count = count - ?2 WHERE id = ?1", "ii", line, some);
        *io_left -= some;
    }
    return err;
}

static enum err put_returned(struct work *work, const struct wish *wish, int64_t count, int64_t depot, int64_t rack)
{
    return sql_run(work->sql,
                   "INSERT INTO work_part (work_order, part, state, count, depot, rack, who, at_ms, action_id, source)"
                   " VALUES (?1, ?2, 'returned', ?3, NULLIF(?4, 0), NULLIF(?5, 0), ?6, ?7, ?8, ?9)",
                   "itiiitit" "t", work->order.id, wish->part, count, depot, rack, work->action->who, work->at_ms,
                   work->action->action_id, part_source_names[wish->source]);
}

/* Pieces that were used come back into the lots they came from, the last one first: no lot gets more than it gave. */
static enum err unuse(struct work *work, const struct wish *wish, int64_t depot, int64_t left)
{
    enum err err = ERR_OK;

    while (!err && left > 0) {
        int64_t lot = 0, some = left, rack = 0;
        struct sql_rows rows;

        sql_find(work->sql, &rows,
                 "SELECT s.lot, CAST(SUM(CASE p.state WHEN 'used' THEN p.count ELSE -p.count END) AS BIGINT) FROM work_part p JOIN"
                 " rack s ON s.id = p.rack WHERE p.work_order = ?1 AND p.part = ?2 AND p.state IN ('used', 'returned') GROUP BY"
                 " s.lot HAVING SUM(CASE p.state WHEN 'used' THEN p.count ELSE -p.count END) > 0 ORDER BY MAX(p.id) DESC LIMIT 1",
                 "it", work->order.id, wish->part);
        if (sql_next(&rows)) {
            lot = sql_int(&rows, 0);
            some = left < sql_int(&rows, 1) ? left : sql_int(&rows, 1);
        }
        err = sql_end(&rows);
        if (!err && wish->part_id && depot) {
            err = put_back(work, wish, lot, depot, some, &rack);
        }
        err = err ? err : put_returned(work, wish, some, depot, rack);
        left -= some;
    }
    return err;
}

enum err do_return_part(struct work *work)
{
    struct wish wish;
    int64_t depot = 0, used = 0, left = 0;
    enum err err = read_sourced(work, &wish);

    if (err) {
        return err;
    }
    used = sql_find_int(work->sql, 0,
                        "SELECT SUM(CASE state WHEN 'used' THEN count WHEN 'returned' THEN -count ELSE 0 END) FROM"
                        " work_part WHERE work_order = ?1 AND part = ?2 AND source = ?3",
                        "itt", work->order.id, wish.part, part_source_names[wish.source]);
    used += wish.source == PART_OF_STOCK ? issued(work, wish.part) : 0;
    if (used < wish.count) {
        return text_say(work->why, ERR_STATE, "only %lld of %s were used or sent. Legal: return_part with a count up to that",
                        (long long)used, wish.part);
    }
    depot = wish.depot ? sql_find_int(work->sql, 0, "SELECT id FROM depot WHERE name = ?1", "t", wish.depot)
                       : sql_find_int(work->sql, 0,
                                      "SELECT depot FROM work_part WHERE work_order = ?1 AND part = ?2 AND state IN"
                                      " ('issued', 'used') ORDER BY state, id DESC LIMIT 1",
                                      "it", work->order.id, wish.part);
    if (wish.depot && !depot) {
        return text_say(work->why, ERR_FORMAT, "depot: there is none called '%.64s'", wish.depot);
    }
    left = wish.count;
    if (wish.source != PART_OF_STOCK) {
        return put_returned(work, &wish, wish.count, 0, 0);
    }
    err = unsend(work, &wish, depot, &left);
    return err ? err : unuse(work, &wish, depot, left);
}
