/* The window of a planned change (S0-126): while it is worked upon at the customer's time, alarms of the equipment are
 * recorded and raise no tickets. It stands over the appointment, moves with it, and ends when the work does. */
#include "server/field/work_int.h"

#include "server/alarm/alarm.h"

struct planned { /* an order, as its window needs it */
    int64_t window, from_ms, to_ms, equipment, site;
    char number[32];
    bool is_change;
};

static enum err find_planned(struct sql *sql, int64_t order, struct planned *planned)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT service_window, from_ms, to_ms, equipment, site, number, kind = 'planned_change' FROM work_order WHERE"
             " id = ?1",
             "i", order);
    if (sql_next(&rows)) {
        planned->window = sql_int(&rows, 0);
        planned->from_ms = sql_int(&rows, 1);
        planned->to_ms = sql_int(&rows, 2);
        planned->equipment = sql_int(&rows, 3);
        planned->site = sql_int(&rows, 4);
        (void)!text_copy(planned->number, sizeof(planned->number), sql_text(&rows, 5));
        planned->is_change = sql_int(&rows, 6) != 0;
    }
    return sql_end(&rows);
}

static enum err end_window(struct sql *sql, int64_t window, const char *who, int64_t now_ms)
{
    TEXT(why, 200);
    enum err err = window ? window_end(sql, window, who, NULL, now_ms, &why) : ERR_OK;

    return err == ERR_STATE ? ERR_OK : err; /* it is over already */
}

enum err work_window_open(struct sql *sql, int64_t order, const char *who, int64_t now_ms, struct text *why)
{
    struct planned planned = {.window = 0};
    struct window_new what = {.kind = "planned_change", .who = who};
    int64_t window = 0;
    TEXT(reason, 80);
    enum err err = find_planned(sql, order, &planned);

    if (err || !planned.is_change) {
        return err;
    }
    if (planned.to_ms <= planned.from_ms || planned.to_ms <= now_ms) {
        return text_say(why, ERR_FORMAT, "appointment: expected a time that is still to come, from before to");
    }
    err = end_window(sql, planned.window, who, now_ms);
    text_addf(&reason, "planned change %s", planned.number);
    what.reason = reason.at;
    what.from_ms = planned.from_ms;
    what.to_ms = planned.to_ms;
    what.equipment = planned.equipment;
    what.site = planned.equipment ? 0 : planned.site;
    if (!err) {
        err = window_create(sql, &what, now_ms, &window, why);
    }
    return err ? err : sql_run(sql, "UPDATE work_order SET service_window = ?2 WHERE id = ?1", "ii", order, window);
}

enum err work_window_close(struct sql *sql, int64_t order, const char *who, int64_t now_ms)
{
    struct planned planned = {.window = 0};
    enum err err = find_planned(sql, order, &planned);

    return err ? err : end_window(sql, planned.window, who, now_ms);
}
