/* What people do with a ticket. */
#include "server/desk/desk_int.h"

#include <string.h>

struct move { /* one action on its way through */
    struct desk *desk;
    struct sql *sql;
    struct ticket *ticket;
    const struct desk_action *action;
    int64_t at_ms, now_ms;
    struct text *why;
    struct json_out *data; /* kept in the time line */
};

static enum err set_order(struct move *move, const char *state, int64_t team, int64_t technician,
                          int64_t from_ms, int64_t to_ms)
{
    return sql_run(move->sql,
                   "UPDATE work_order SET state = ?2, team = COALESCE(NULLIF(?3, 0), team),"
                   " technician = COALESCE(NULLIF(?4, 0), technician), from_ms ="
                   " COALESCE(NULLIF(?5, 0), from_ms), to_ms = COALESCE(NULLIF(?6, 0), to_ms),"
                   " version = version + 1, sequence = sequence + 1 WHERE ticket = ?1 AND kind ="
                   " 'corrective' AND state NOT IN ('done', 'cancelled')",
                   "itiiii", move->ticket->id, state, team, technician, from_ms, to_ms);
}

static int64_t row_of(struct sql *sql, const char *what, const char *name)
{
    if (!name) {
        return 0;
    }
    return what[1] == 'e' && what[2] == 'a'
               ? sql_find_int(sql, 0, "SELECT id FROM team WHERE name = ?1", "t", name)
               : sql_find_int(sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
}

static enum err do_respond(struct move *move)
{
    return clocks_stop(move->sql, move->ticket->id, PLAN_RESPONSE, move->at_ms);
}

static enum err do_regrade(struct move *move)
{
    int64_t grade = json_int_or(move->action->body, "grade", 0);
    const char *reason = json_text_or(move->action->body, "reason", NULL);

    if (grade < 1 || grade > 3) {
        return text_say(move->why, ERR_FORMAT, "regrade needs grade 1, 2 or 3");
    }
    if (!reason) {
        return text_say(move->why, ERR_FORMAT, "regrade needs a reason");
    }
    return ticket_regrade(move->desk, move->sql, move->ticket, (int)grade, move->action->who, reason,
                          move->at_ms, move->now_ms);
}

static enum err do_dispatch(struct move *move)
{
    const char *name = json_text_or(move->action->body, "team", NULL);
    int64_t team = row_of(move->sql, "team", name);
    enum err err;

    if (!team) {
        return text_say(move->why, ERR_FORMAT, "dispatch needs a team; there is none called '%.60s'",
                        name ? name : "");
    }
    err = set_order(move, "dispatched", team, 0, 0, 0);
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    return err ? err : clocks_start(move->desk, move->sql, move->ticket, PLAN_FORWARDED, move->at_ms);
}

static enum err do_assign(struct move *move)
{
    const char *name = json_text_or(move->action->body, "technician", NULL);
    const struct cJSON *appointment = json_field(move->action->body, "appointment");
    int64_t technician = row_of(move->sql, "technician", name), team, from_ms = 0, to_ms = 0;
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
    err = set_order(move, "assigned", team, technician, from_ms, to_ms);
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    if (!err) {
        err = clocks_start(move->desk, move->sql, move->ticket, PLAN_FORWARDED, move->at_ms);
    }
    return err ? err : clocks_stop(move->sql, move->ticket->id, PLAN_ASSIGNED, move->at_ms);
}

static enum err do_pause(struct move *move)
{
    const char *reason = json_text_or(move->action->body, "reason", "");

    if (!ticket_pause_reason_ok(reason)) {
        return text_say(move->why, ERR_FORMAT,
                        "pause needs a reason, one of customer_absent consent_pending "
                        "force_majeure access_refused parts_customer");
    }
    return sql_run(move->sql, "INSERT INTO pause (ticket, from_ms, reason, who) VALUES (?1, ?2, ?3, ?4)",
                   "iitt", move->ticket->id, move->at_ms, reason, move->action->who);
}

static enum err do_resume(struct move *move)
{
    return sql_run(move->sql,
                   "UPDATE pause SET to_ms = MAX(?2, from_ms) WHERE ticket = ?1 AND to_ms IS NULL",
                   "ii", move->ticket->id, move->at_ms);
}

static enum err do_quote(struct move *move)
{
    const struct cJSON *lines = json_field(move->action->body, "lines");
    struct json_out out = json_out(64 * 1024);
    enum err err;

    if (!json_is_list(lines) || json_size(lines) == 0) {
        return text_say(move->why, ERR_FORMAT, "quote needs lines");
    }
    json_put_value(&out, lines);
    err = out.err;
    if (!err) {
        err = sql_run(move->sql, "UPDATE ticket SET quote = ?2, consent = NULL WHERE id = ?1", "it",
                      move->ticket->id, out.bytes);
    }
    json_out_free(&out);
    return err;
}

static enum err do_consent(struct move *move)
{
    bool accepted;

    if (!json_as_bool(json_field(move->action->body, "accepted"), &accepted)) {
        return text_say(move->why, ERR_FORMAT, "consent needs accepted: true or false");
    }
    return sql_run(move->sql, "UPDATE ticket SET consent = ?2 WHERE id = ?1", "ii", move->ticket->id,
                   (int64_t)accepted);
}

static enum err do_check(struct move *move)
{
    return clocks_stop(move->sql, move->ticket->id, PLAN_CHECKED, move->at_ms);
}

static enum err do_close(struct move *move)
{
    const char *resolution = json_text_or(move->action->body, "resolution", NULL);
    enum err err;

    if (!resolution || !resolution[0]) {
        return text_say(move->why, ERR_FORMAT, "close needs a resolution");
    }
    err = do_resume(move);
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_CLEARED_STOP, move->at_ms);
    }
    if (!err) {
        err = clocks_cancel(move->sql, move->ticket->id, move->at_ms);
    }
    if (!err) {
        err = sql_run(move->sql,
                      "UPDATE ticket SET closed_ms = ?2, resolution = ?3, hold_until_ms = NULL,"
                      " next_ms = NULL WHERE id = ?1",
                      "iit", move->ticket->id, move->at_ms, resolution);
    }
    if (!err) {
        err = sql_run(move->sql,
                      "UPDATE work_order SET state = 'cancelled', reason = 'ticket closed', version"
                      " = version + 1 WHERE ticket = ?1 AND state IN ('proposed', 'dispatched',"
                      " 'assigned', 'accepted', 'refused')",
                      "i", move->ticket->id);
    }
    move->ticket->closed_ms = move->at_ms;
    move->ticket->hold_until_ms = 0;
    return err;
}

static enum err do_reopen(struct move *move)
{
    enum err err;

    if (!json_text_or(move->action->body, "reason", NULL)) {
        return text_say(move->why, ERR_FORMAT, "reopen needs a reason");
    }
    if (ticket_of_cause(move->sql, move->ticket->cause_key)) {
        return text_say(move->why, ERR_STATE, "another ticket is open for the same cause. Legal: note on that one");
    }
    err = sql_run(move->sql,
                  "UPDATE ticket SET closed_ms = NULL, resolution = NULL, cleared_ms = NULL WHERE id"
                  " = ?1",
                  "i", move->ticket->id);
    if (!err) {
        err = sql_run(move->sql,
                      "UPDATE clock SET cancelled_ms = NULL WHERE ticket = ?1 AND met_ms IS NULL",
                      "i", move->ticket->id);
    }
    move->ticket->closed_ms = 0;
    return err ? err : clocks_restart(move->sql, move->ticket->id, PLAN_CLEARED_STOP);
}

static enum err do_nothing(struct move *move)
{
    (void)move;
    return ERR_OK;
}

static enum err (*const doers[])(struct move *move) = {
    [TICKET_ACKNOWLEDGE] = do_nothing, [TICKET_RESPOND] = do_respond, [TICKET_REGRADE] = do_regrade,
    [TICKET_DISPATCH] = do_dispatch,   [TICKET_ASSIGN] = do_assign,   [TICKET_PAUSE] = do_pause,
    [TICKET_RESUME] = do_resume,       [TICKET_QUOTE] = do_quote,     [TICKET_CONSENT] = do_consent,
    [TICKET_CHECK] = do_check,         [TICKET_NOTE] = do_nothing,    [TICKET_CLOSE] = do_close,
    [TICKET_REOPEN] = do_reopen,
};

static struct ticket_facts facts_of(const struct ticket *ticket)
{
    return (struct ticket_facts){
        .state = ticket->state,
        .paused = ticket->paused,
        .quote_open = ticket->quote_open,
        .consent_needed = ticket->consent_needed,
        .consent_given = ticket->consent_given,
    };
}

/* The time the client says, if it can be true: not in the future, not before the ticket. */
static enum err judge_time(struct move *move)
{
    if (move->action->at_ms > move->now_ms + 300000) {
        return text_say(move->why, ERR_FORMAT, "at: expected a time that is not in the future");
    }
    move->at_ms = move->action->at_ms ? move->action->at_ms : move->now_ms;
    move->at_ms = move->at_ms > move->now_ms ? move->now_ms : move->at_ms;
    if (move->at_ms < move->ticket->registered_ms) {
        move->at_ms = move->ticket->registered_ms;
    }
    return ERR_OK;
}

static enum err finish(struct move *move, enum ticket_state state, bool regraded)
{
    const struct desk_action *action = move->action;
    enum err err = ERR_OK;

    if (state != move->ticket->state) {
        err = ticket_set_state(move->sql, move->ticket->id, state);
    } else {
        err = sql_run(move->sql, "UPDATE ticket SET version = version + 1 WHERE id = ?1", "i",
                      move->ticket->id);
    }
    if (!err) {
        json_put_value(move->data, action->body);
        err = ticket_line(move->sql, move->ticket->id, move->at_ms, move->now_ms, action->who,
                          action->action, action->action_id,
                          action->note ? action->note
                                       : json_text_or(action->body, "reason",
                                                      json_text_or(action->body, "resolution", NULL)),
                          move->data->err ? NULL : move->data->bytes);
    }
    move->ticket->state = state;
    if (!err && !move->ticket->closed_ms) {
        err = clocks_judge(move->desk, move->sql, move->ticket, move->now_ms);
    }
    if (!err && !regraded) {
        TEXT(step, 128);

        text_addf(&step, "action.%s.%s", action->action,
                  action->action_id ? action->action_id : "-");
        if (!action->action_id) {
            text_addf(&step, "%lld", (long long)move->now_ms);
        }
        err = ticket_tell(move->desk, move->sql, move->ticket, step.at, action->action, move->now_ms);
    }
    return err ? err : ticket_changed(move->sql, move->ticket->id, move->now_ms);
}

enum err desk_ticket_action(struct desk *desk, struct sql *sql, int64_t id,
                            const struct desk_action *action, int64_t now_ms, struct text *why)
{
    struct json_out data = json_out(64 * 1024);
    struct ticket ticket;
    struct move move = {desk, sql, &ticket, action, now_ms, now_ms, why, &data};
    int kind = ticket_action_read(action->action);
    struct ticket_facts facts;
    enum ticket_state state;
    enum err err;

    arena_reset(desk->arena);
    if (kind < 0 || (size_t)kind >= sizeof(doers) / sizeof(doers[0]) || !doers[kind]) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for tickets", action->action);
    }
    err = ticket_load(desk, sql, id, &ticket);
    if (err) {
        return err;
    }
    if (action->action_id &&
        sql_find_int(sql, 0, "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action_id = ?2", "it",
                     id, action->action_id)) {
        return ERR_OK; /* the same id twice is one action */
    }
    facts = facts_of(&ticket);
    err = ticket_move(&facts, (enum ticket_action)kind, &state, why);
    if (!err) {
        err = judge_time(&move);
    }
    if (!err) {
        err = doers[kind](&move);
    }
    if (!err) {
        err = finish(&move, state, kind == TICKET_REGRADE);
    }
    json_out_free(&data);
    if (!err && ticket.equipment) {
        err = desk_refresh_status(desk, sql, ticket.equipment, now_ms);
    }
    return err;
}
