/* Laid aside, and anybody's again. */
#include "server/rack/reserve.h"

static struct rack_move move_of(const struct rack_wish *wish, enum stock_kind kind, int64_t count)
{
    return (struct rack_move){.kind = kind, .rack = wish->rack, .count = count, .work_order = wish->order,
                               .who = wish->who, .note = wish->note, .action_id = wish->action_id, .at_ms = wish->now_ms};
}

enum err rack_reserve(struct sql *sql, const struct rack_wish *wish, struct text *why)
{
    struct rack_move move = move_of(wish, STOCK_RESERVE, wish->count);
    enum err err = rack_put(sql, &move, why);

    return err ? err
               : sql_run(sql,
                         "INSERT INTO work_part (work_order, part, state, count, depot, rack, who, at_ms, action_id) SELECT"
                         " ?1, ?2, 'reserved', ?3, s.depot, s.id, ?5, ?6, ?7 FROM rack s WHERE s.id = ?4",
                         "itiitit", wish->order, wish->part, wish->count, wish->rack, wish->who, wish->at_ms,
                         wish->action_id);
}

/* The order's first line on that rack loses up to count; 0: there is none. */
static enum err take_line(struct sql *sql, const struct rack_wish *wish, int64_t count, int64_t *ret_taken)
{
    int64_t line = sql_find_int(sql, 0,
                                "SELECT MIN(id) FROM work_part WHERE work_order = ?1 AND rack = ?2 AND state = 'reserved'",
                                "ii", wish->order, wish->rack);
    int64_t there = sql_find_int(sql, 0, "SELECT count FROM work_part WHERE id = ?1", "i", line);

    *ret_taken = there < count ? there : count;
    return !line ? ERR_OK
           : there <= count
               ? sql_run(sql, "DELETE FROM work_part WHERE id = ?1", "i", line)
               : sql_run(sql, "UPDATE work_part SET count = count - ?2 WHERE id = ?1", "ii", line, count);
}

enum err rack_release(struct sql *sql, const struct rack_wish *wish, int64_t *ret_count)
{
    struct rack_move move;
    int64_t taken = 1;
    enum err err = ERR_OK;

    for (*ret_count = 0; !err && taken > 0 && *ret_count < wish->count; *ret_count += err ? 0 : taken) {
        err = take_line(sql, wish, wish->count - *ret_count, &taken);
    }
    if (err || *ret_count == 0) {
        return err;
    }
    move = move_of(wish, STOCK_RELEASE, *ret_count);
    return rack_put(sql, &move, NULL);
}

enum err rack_release_all(struct sql *sql, int64_t order, const char *who, const char *note, int64_t now_ms)
{
    struct rack_wish wish = {.order = order, .count = INT64_MAX, .who = who, .note = note, .now_ms = now_ms};
    int64_t released = 0;
    enum err err = ERR_OK;

    while (!err && (wish.rack = sql_find_int(sql, 0,
                                              "SELECT MIN(rack) FROM work_part WHERE work_order = ?1 AND state ="
                                              " 'reserved' AND rack > ?2",
                                              "ii", order, wish.rack)) > 0) {
        err = rack_release(sql, &wish, &released);
    }
    return err;
}

enum err rack_release_ticket(struct sql *sql, int64_t ticket, const char *who, const char *note, int64_t now_ms)
{
    int64_t order = 0;
    enum err err = ERR_OK;

    while (!err && (order = sql_find_int(sql, 0,
                                         "SELECT MIN(w.id) FROM work_order w WHERE w.ticket = ?1 AND w.id > ?2 AND w.state"
                                         " IN ('cancelled', 'done', 'verified', 'closed')",
                                         "ii", ticket, order)) > 0) {
        err = rack_release_all(sql, order, who, note, now_ms);
    }
    return err;
}
