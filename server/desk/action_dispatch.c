/* Doers of dispatch: who goes, and when. */
#include "server/desk/action.h"

static enum err set_order(struct move *move, const char *state, int64_t team, int64_t technician,
                          int64_t from_ms, int64_t to_ms)
{
    enum err err = sql_run(move->sql,
                   "UPDATE work_order SET state = ?2, team = COALESCE(NULLIF(?3, 0), team),"
                   " technician = COALESCE(NULLIF(?4, 0), technician), from_ms ="
                   " COALESCE(NULLIF(?5, 0), from_ms), to_ms = COALESCE(NULLIF(?6, 0), to_ms),"
                   " version = version + 1, sequence = sequence + 1 WHERE ticket = ?1 AND kind ="
                   " 'corrective' AND state NOT IN ('done', 'verified', 'closed', 'cancelled')",
                   "itiiii", move->ticket->id, state, team, technician, from_ms, to_ms);

    return err ? err
               : work_desk_moved(move->office, move->sql, move->ticket->id, move->action->action, move->action->who,
                                 move->at_ms, move->now_ms);
}

enum err do_dispatch(struct move *move)
{
    const char *name = json_text_or(move->action->body, "team", NULL);
    int64_t team = sql_find_int(move->sql, 0, "SELECT id FROM team WHERE name = ?1", "t", name);
    enum err err;

    if (!team) {
        return text_say(move->why, ERR_FORMAT, "dispatch needs a team; there is none called '%.60s'",
                        name ? name : "");
    }
    err = move_need_order(move);
    if (!err) {
        err = set_order(move, "dispatched", team, 0, 0, 0);
    }
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    return err ? err : clocks_start(move->office, move->sql, move->ticket, PLAN_FORWARDED, move->at_ms);
}

/* S0-140: arranged is a technician with an appointment; the customer is told by the notice of this very
 * action, unless it is said that it cannot reach them; the copy is filed with the ticket. */
static enum err stop_assign(struct move *move, int64_t at_ms)
{
    int64_t id = move->ticket->id;
    bool told = true;
    enum err err = ERR_OK;

    (void)json_as_bool(json_field(move->action->body, "customer_told"), &told);
    if (sql_find_int(move->sql, 0,
                     "SELECT MAX(from_ms) FROM work_order WHERE ticket = ?1 AND state = 'assigned'", "i", id)) {
        err = clocks_stop(move->sql, id, PLAN_ASSIGNED, at_ms);
        if (!err) {
            err = clocks_stop(move->sql, id, PLAN_ARRANGED, at_ms);
        }
    }
    if (!err) {
        err = clocks_step(move->sql, id, PLAN_ASSIGNED, "filed", at_ms);
    }
    return err || !told ? err : clocks_step(move->sql, id, PLAN_ASSIGNED, "told", at_ms);
}

enum err do_assign(struct move *move)
{
    const char *name = json_text_or(move->action->body, "technician", NULL);
    const struct cJSON *appointment = json_field(move->action->body, "appointment");
    int64_t technician =
        sql_find_int(move->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
    int64_t team, from_ms = 0, to_ms = 0;
    enum err err;

    if (!technician) {
        return text_say(move->why, ERR_FORMAT,
                        "assign needs a technician; there is none called '%.60s'", name ? name : "");
    }
    if (appointment &&
        (civil_read_instant(json_text_or(appointment, "from", ""), &from_ms) ||
         civil_read_instant(json_text_or(appointment, "to", ""), &to_ms) || to_ms < from_ms)) {
        return text_say(move->why, ERR_FORMAT,
                        "appointment needs from and to as RFC 3339 times, from before to");
    }
    team = sql_find_int(move->sql, 0, "SELECT team FROM technician WHERE id = ?1", "i", technician);
    err = move_need_order(move);
    if (!err) {
        err = set_order(move, "assigned", team, technician, from_ms, to_ms);
    }
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    if (!err) {
        err = clocks_start(move->office, move->sql, move->ticket, PLAN_FORWARDED, move->at_ms);
    }
    if (!err) {
        err = clocks_start(move->office, move->sql, move->ticket, PLAN_SCOPED, move->at_ms);
    }
    return err ? err : stop_assign(move, move->at_ms);
}

enum err do_check(struct move *move)
{
    return clocks_stop(move->sql, move->ticket->id, PLAN_CHECKED, move->at_ms);
}
