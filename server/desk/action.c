/* What people do with a ticket. */
#include "server/desk/desk_int.h"

#include <string.h>

struct move { /* one action on its way through */
    struct office *office;
    struct sql *sql;
    struct ticket *ticket;
    const struct action *action;
    int64_t at_ms, now_ms;
    struct text *why;
    struct json_out *data; /* kept in the time line */
    bool written;          /* the doer wrote the line of the time line itself */
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

/* The order that the dispatcher speaks of: the open one, or one more. */
static enum err need_order(struct move *move)
{
    return dispatch_again(move->office, move->sql, move->ticket, move->now_ms);
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
    move->written = grade != move->ticket->grade;
    return ticket_regrade(move->office, move->sql, move->ticket, (int)grade, move->action->who, reason,
                          move->action->action_id, move->at_ms, move->now_ms);
}

static enum err do_dispatch(struct move *move)
{
    const char *name = json_text_or(move->action->body, "team", NULL);
    int64_t team = sql_find_int(move->sql, 0, "SELECT id FROM team WHERE name = ?1", "t", name);
    enum err err;

    if (!team) {
        return text_say(move->why, ERR_FORMAT, "dispatch needs a team; there is none called '%.60s'",
                        name ? name : "");
    }
    err = need_order(move);
    if (!err) {
        err = set_order(move, "dispatched", team, 0, 0, 0);
    }
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    return err ? err : clocks_start(move->office, move->sql, move->ticket, PLAN_FORWARDED, move->at_ms);
}

static enum err do_assign(struct move *move)
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
    err = need_order(move);
    if (!err) {
        err = set_order(move, "assigned", team, technician, from_ms, to_ms);
    }
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    if (!err) {
        err = clocks_start(move->office, move->sql, move->ticket, PLAN_FORWARDED, move->at_ms);
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

static enum err do_reset(struct move *move)
{
    return alarm_reset(move->office, move->sql, move->ticket, move->now_ms, move->why);
}

static enum err do_close(struct move *move)
{
    TEXT(no_latch, 200); /* most faults have none: nothing to say then */
    const char *resolution = json_text_or(move->action->body, "resolution", NULL);
    enum err err;

    if (!resolution || !resolution[0]) {
        return text_say(move->why, ERR_FORMAT, "close needs a resolution");
    }
    err = alarm_reset(move->office, move->sql, move->ticket, move->now_ms, &no_latch);
    if (err && err != ERR_STATE) {
        return err;
    }
    move->written = true;
    return ticket_close(move->office, move->sql, move->ticket, move->action->who, resolution,
                        move->action->action_id, move->at_ms, move->now_ms);
}

#define REOPEN_PRESET_MS (30LL * 86400000)

/* Within the plan's window (hold.reopen); later it is a new ticket. */
static enum err judge_reopen(struct move *move)
{
    const struct plan *plan = rules_plan(move->office->options.rules, move->ticket->plan);
    int64_t window_ms = plan && plan->reopen_ms > 0 ? plan->reopen_ms : REOPEN_PRESET_MS;

    if (!json_text_or(move->action->body, "reason", NULL)) {
        return text_say(move->why, ERR_FORMAT, "reopen needs a reason");
    }
    if (move->now_ms - move->ticket->closed_ms > window_ms) {
        return text_say(move->why, ERR_STATE,
                        "the ticket was closed more than %lld days ago. Legal: a new ticket",
                        (long long)(window_ms / 86400000));
    }
    if (ticket_of_cause(move->sql, move->ticket->cause_key)) {
        return text_say(move->why, ERR_STATE,
                        "another ticket is open for the same cause. Legal: actions on that one");
    }
    return ERR_OK;
}

/* The same number goes on; the time that it was closed is no time that anybody was late. */
static enum err do_reopen(struct move *move)
{
    enum err err = judge_reopen(move);

    if (!err) {
        err = sql_run(move->sql,
                      "INSERT INTO pause (ticket, from_ms, to_ms, reason, who) VALUES (?1, ?2, MAX(?2,"
                      " ?3), 'closed', ?4)",
                      "iiit", move->ticket->id, move->ticket->closed_ms, move->at_ms,
                      move->action->who);
    }
    if (!err) {
        err = sql_run(move->sql,
                      "UPDATE ticket SET closed_ms = NULL, resolution = NULL, cleared_ms = NULL WHERE id"
                      " = ?1",
                      "i", move->ticket->id);
    }
    if (!err) {
        err = clocks_restart(move->sql, move->ticket->id);
    }
    move->ticket->closed_ms = 0;
    move->ticket->cleared_ms = 0;
    return err || !move->ticket->fault ? err : need_order(move);
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
    [TICKET_CHECK] = do_check,         [TICKET_NOTE] = do_nothing,    [TICKET_RESET] = do_reset,
    [TICKET_CLOSE] = do_close,         [TICKET_REOPEN] = do_reopen,
};

/* Where the ticket stands by its order, once the customer has answered. */
static enum ticket_state state_of_order(struct sql *sql, int64_t ticket)
{
    static const struct {
        const char *order;
        enum ticket_state ticket;
    } states[] = {
        {"dispatched", TICKET_DISPATCHED}, {"assigned", TICKET_ASSIGNED}, {"accepted", TICKET_ASSIGNED},
        {"travelling", TICKET_EN_ROUTE},   {"on_site", TICKET_ON_SITE},   {"working", TICKET_ON_SITE},
        {"done", TICKET_ON_SITE},
    };
    enum ticket_state state = TICKET_ACKNOWLEDGED;
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT state FROM work_order WHERE ticket = ?1 AND state <> 'cancelled' ORDER BY id DESC"
             " LIMIT 1",
             "i", ticket);
    if (sql_next(&rows)) {
        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
            state = text_same(states[i].order, sql_text(&rows, 0)) ? states[i].ticket : state;
        }
    }
    return sql_end(&rows) ? TICKET_ACKNOWLEDGED : state;
}

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

#define BEFORE_MS 86400000LL /* a call may have been answered before somebody wrote it down */

/* What an action must not come before, beside the ticket itself: earlier actions, between blanks. */
static const char *follows(enum ticket_action action)
{
    switch ((int)action) {
    case TICKET_ASSIGN:
        return " dispatch ";
    case TICKET_PAUSE:
        return " resume reopen ";
    case TICKET_RESUME:
        return " pause ";
    case TICKET_CONSENT:
        return " quote ";
    case TICKET_CLOSE:
        return " acknowledge dispatch assign depart arrive start finish pause resume quote consent reopen ";
    case TICKET_REOPEN:
        return " close ";
    default:
        return "";
    }
}

static enum err judge_time(struct move *move, enum ticket_action action)
{
    int64_t least_ms = sql_find_int(
        move->sql, 0,
        "SELECT MAX(at_ms) FROM ticket_event WHERE ticket = ?1 AND instr(?2, ' ' || action || ' ') > 0",
        "it", move->ticket->id, follows(action));
    int64_t registered_ms = move->ticket->registered_ms;
    enum err err;

    if (least_ms < registered_ms) {
        least_ms = registered_ms - BEFORE_MS;
    }
    err = action_time(move->action->at_ms, least_ms, move->now_ms, &move->at_ms, move->why);
    if (!err && move->at_ms < registered_ms) {
        move->at_ms = registered_ms; /* no clock ran before */
    }
    return err;
}

static enum err finish(struct move *move, enum ticket_state state, bool told)
{
    const struct action *action = move->action;
    enum err err = ERR_OK;

    if (move->ticket->closed_ms) {
        state = TICKET_CLOSED; /* ticket_close did it */
    } else if (state != move->ticket->state) {
        err = ticket_set_state(move->sql, move->ticket->id, state);
    } else {
        err = sql_run(move->sql, "UPDATE ticket SET version = version + 1 WHERE id = ?1", "i",
                      move->ticket->id);
    }
    if (!err && !move->written) {
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
        err = clocks_judge(move->office, move->sql, move->ticket, move->now_ms);
    }
    if (!err && !told) {
        TEXT(step, 200);

        text_addf(&step, "action.%s.%s", action->action,
                  action->action_id ? action->action_id : "-");
        if (!action->action_id) {
            text_addf(&step, "%lld", (long long)move->now_ms);
        }
        err = ticket_tell(move->office, move->sql, move->ticket, step.at, action->action, move->now_ms);
    }
    return err ? err : ticket_changed(move->sql, move->ticket->id, move->now_ms);
}

bool desk_ticket_did(struct sql *sql, int64_t ticket, const char *action_id)
{
    return action_id &&
           sql_find_int(sql, 0, "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action_id = ?2", "it",
                        ticket, action_id);
}

enum err desk_ticket_action(struct desk *desk, struct sql *sql, int64_t id,
                            const struct action *action, int64_t now_ms, struct text *why)
{
    struct office *office = &desk->office;
    struct json_out data = json_out(64 * 1024);
    struct ticket ticket;
    struct move move = {office, sql, &ticket, action, now_ms, now_ms, why, &data, false};
    int kind = ticket_action_read(action->action);
    struct ticket_facts facts;
    enum ticket_state state;
    enum err err;

    arena_reset(office->arena);
    if (kind < 0 || (size_t)kind >= sizeof(doers) / sizeof(doers[0]) || !doers[kind]) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for tickets", action->action);
    }
    err = ticket_load(office, sql, id, &ticket);
    if (err || desk_ticket_did(sql, id, action->action_id)) {
        return err; /* the same id twice is one action */
    }
    facts = facts_of(&ticket);
    err = ticket_move(&facts, (enum ticket_action)kind, &state, why);
    if (!err) {
        err = judge_time(&move, (enum ticket_action)kind);
    }
    if (!err) {
        err = doers[kind](&move);
    }
    if (!err && kind == TICKET_CONSENT && ticket.state == TICKET_AWAITING_CONSENT) {
        state = state_of_order(sql, id);
    }
    if (!err) {
        err = finish(&move, state, kind == TICKET_REGRADE && move.written);
    }
    json_out_free(&data);
    if (!err && ticket.equipment) {
        err = status_refresh(office, sql, ticket.equipment, now_ms);
    }
    return err;
}
