/* A work order moved along by who does the work; its ticket follows. */
#include "server/field/work_int.h"

#include <string.h>

#include "server/case/clocks.h"
#include "server/case/customer.h"
#include "server/case/duties.h"
#include "server/case/proof.h"
#include "server/store/change.h"

#define EVENTS_MOST 5000               /* of one order */
#define MOVES_MOST  500
#define FUTURE_MS   300000             /* clocks of clients differ: so far ahead is still now */
#define BEFORE_MS   86400000LL         /* a call may have been answered before somebody wrote the order down */
#define ROUNDED_MS  2000
#define SKEW_MS     (15 * 60 * 1000LL) /* preset */

/* ------------------------------------------------------------------ the order's row */

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

enum err order_load(struct office *office, struct sql *sql, int64_t id, struct order *ret_order)
{
    struct order order = {.id = id};
    const char *job = NULL;
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT ticket, visit, equipment, site, technician, version, created_ms, from_ms, to_ms, state, kind,"
             " number, result, job FROM work_order WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        order.ticket = sql_int(&rows, 0);
        order.visit = sql_int(&rows, 1);
        order.equipment = sql_int(&rows, 2);
        order.site = sql_int(&rows, 3);
        order.technician = sql_int(&rows, 4);
        order.version = sql_int(&rows, 5);
        order.created_ms = sql_int(&rows, 6);
        order.from_ms = sql_int(&rows, 7);
        order.to_ms = sql_int(&rows, 8);
        order.state = (enum work_state)work_state_read(sql_text(&rows, 9));
        order.kind = job_kind_read(sql_text(&rows, 10));
        order.number = keep(office, sql_text(&rows, 11));
        order.result = keep(office, sql_text(&rows, 12));
        job = keep(office, sql_text(&rows, 13));
    }
    err = sql_end(&rows);
    if (!err && job) {
        err = json_parse(office->arena, job, strlen(job), &order.job, NULL);
    }
    *ret_order = order;
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err work_line(struct sql *sql, int64_t order, int64_t at_ms, int64_t now_ms, const char *who,
                   const char *action, const char *action_id, const char *note, const char *data)
{
    return sql_run(sql,
                   "INSERT INTO work_event (work_order, at_ms, stored_ms, who, action, action_id, note, data,"
                   " said_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?2)",
                   "iiittttt", order, at_ms, now_ms, who, action, action_id, note, data);
}

enum err work_changed(struct sql *sql, int64_t id, int64_t now_ms)
{
    struct json_out out = json_out(1024);
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT number, state FROM work_order WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_text(&out, "number", sql_text(&rows, 0));
        json_text(&out, "state", sql_text(&rows, 1));
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err && out.bytes) {
        err = change_put(sql, now_ms, "work_order", out.bytes);
    }
    json_out_free(&out);
    return err;
}

bool work_did(struct sql *sql, int64_t work_order, const char *action_id)
{
    return action_id &&
           sql_find_int(sql, 0, "SELECT 1 FROM work_event WHERE work_order = ?1 AND action_id = ?2",
                        "it", work_order, action_id);
}

/* ------------------------------------------------------------------ what moves bring along */

/* Visits have no dispatcher's ticket: who comes and when is said here. The plan's date stays. */
static enum err read_appointment(struct work *work, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    const struct cJSON *appointment = json_field(work->action->body, "appointment");

    *ret_from_ms = *ret_to_ms = 0;
    if (appointment && (civil_read_instant(json_text_or(appointment, "from", ""), ret_from_ms) ||
                        civil_read_instant(json_text_or(appointment, "to", ""), ret_to_ms) ||
                        *ret_to_ms < *ret_from_ms)) {
        return text_say(work->why, ERR_FORMAT,
                        "appointment needs from and to as RFC 3339 times, from before to");
    }
    return ERR_OK;
}

static enum err set_appointment(struct work *work, int64_t from_ms, int64_t to_ms)
{
    return sql_run(work->sql,
                   "UPDATE work_order SET from_ms = COALESCE(NULLIF(?2, 0), from_ms), to_ms ="
                   " COALESCE(NULLIF(?3, 0), to_ms), agreed_by = COALESCE(?4, agreed_by), preempted_by = NULL"
                   " WHERE id = ?1",
                   "iiit", work->order.id, from_ms, to_ms, json_text_or(work->action->body, "agreed_by", NULL));
}

static enum err do_assign(struct work *work)
{
    const char *name = json_text_or(work->action->body, "technician", NULL);
    int64_t technician = sql_find_int(work->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
    int64_t from_ms, to_ms;
    enum err err = read_appointment(work, &from_ms, &to_ms);

    if (work->order.ticket && work->order.kind == JOB_CORRECTIVE) {
        return text_say(work->why, ERR_STATE,
                        "a repair is assigned by its ticket. Legal: assign of the ticket");
    }
    if (!technician) {
        return text_say(work->why, ERR_FORMAT, "assign needs a technician; there is none called '%.60s'",
                        name ? name : "");
    }
    if (!err) {
        err = set_appointment(work, from_ms, to_ms);
    }
    if (!err && from_ms) {
        err = work_window_open(work->sql, work->order.id, work->action->who, work->now_ms, work->why);
    }
    return err ? err
               : sql_run(work->sql,
                         "UPDATE work_order SET technician = ?2, team = COALESCE((SELECT team FROM technician"
                         " WHERE id = ?2), team) WHERE id = ?1",
                         "ii", work->order.id, technician);
}

static enum err do_reschedule(struct work *work)
{
    int64_t from_ms, to_ms;
    enum err err = read_appointment(work, &from_ms, &to_ms);

    if (!err && !from_ms) {
        return text_say(work->why, ERR_FORMAT, "reschedule needs an appointment: {from, to}");
    }
    if (!err && !json_text_or(work->action->body, "reason", work->action->note)) {
        return text_say(work->why, ERR_FORMAT, "reschedule needs a reason");
    }
    if (!err) {
        err = set_appointment(work, from_ms, to_ms);
    }
    return err ? err : work_window_open(work->sql, work->order.id, work->action->who, work->now_ms, work->why);
}

/* A code says why, and words may say more. One who knows no codes says it in words alone. */
static enum err do_refuse(struct work *work)
{
    const char *code = json_text_or(work->action->body, "code", NULL);
    const char *reason = json_text_or(work->action->body, "reason", work->action->note);
    TEXT(codes, 200);

    if (code && work_refusal_read(code) < 0) {
        work_refusals(&codes);
        return text_say(work->why, ERR_FORMAT, "code: expected one of %s, found '%.40s'", codes.at, code);
    }
    if (!code && work_refusal_read(reason) >= 0) {
        code = reason;
    }
    if (work->place.late) {
        return ERR_OK;
    }
    return sql_run(work->sql, "UPDATE work_order SET reason = ?2 WHERE id = ?1", "it", work->order.id,
                   reason ? reason : code ? code : "other");
}

/* The customer has the code of who is sent: whoever arrives may show that it is he. */
static enum err do_arrive(struct work *work)
{
    const char *code = json_text_or(work->action->body, "code", NULL);

    if (code && !sql_find_int(work->sql, 0, "SELECT 1 FROM work_order WHERE id = ?1 AND code = ?2", "it",
                              work->order.id, code)) {
        return text_say(work->why, ERR_FORMAT, "code: expected the code of the authorisation");
    }
    return ERR_OK;
}

/* A visit that is called off says why, and is not forgotten: it stays in the calendar as skipped. */
static enum err do_cancel(struct work *work)
{
    const char *reason = json_text_or(work->action->body, "reason", work->action->note);
    enum err err;

    if (work->order.visit && (!reason || !reason[0])) {
        return text_say(work->why, ERR_FORMAT, "cancel of a visit needs a reason");
    }
    err = sql_run(work->sql, "UPDATE work_order SET reason = ?2 WHERE id = ?1", "it", work->order.id, reason);
    if (!err) {
        err = sql_run(work->sql, "DELETE FROM work_part WHERE work_order = ?1 AND state = 'reserved'", "i",
                      work->order.id);
    }
    if (!err) {
        err = work_window_close(work->sql, work->order.id, work->action->who, work->now_ms);
    }
    if (!err && work->order.visit) {
        err = sql_run(work->sql,
                      "UPDATE visit SET state = 'skipped', reason = ?2, calendar_sequence ="
                      " calendar_sequence + 1 WHERE id = ?1",
                      "it", work->order.visit, reason);
        err = err ? err : duties_of_visit(work->sql, work->order.visit);
    }
    return err;
}

static enum err do_start(struct work *work)
{
    enum err err = steps_tick(work);

    if (!err) {
        err = gates_pass(work, JOB_START);
    }
    return err ? err : tests_take(work, "before");
}

static enum err do_depart(struct work *work)
{
    return gates_pass(work, JOB_DEPART);
}

static enum err do_test(struct work *work)
{
    return tests_take(work, "after");
}

/* Finishing tests once more, whatever was tested before: so the last test is that of the last finish in whatever order
 * things are heard of. What was laid aside and not used is anybody's again. */
static enum err do_finish(struct work *work)
{
    enum err err = gates_pass(work, JOB_FINISH);

    if (!err) {
        err = tests_take(work, "after");
    }
    if (!err) {
        err = work_window_close(work->sql, work->order.id, work->action->who, work->now_ms);
    }
    return err ? err
               : sql_run(work->sql, "DELETE FROM work_part WHERE work_order = ?1 AND state = 'reserved'", "i",
                         work->order.id);
}

static enum err do_verify(struct work *work)
{
    return gates_pass(work, JOB_VERIFY);
}

static enum err do_close(struct work *work)
{
    return gates_pass(work, JOB_CLOSE);
}

static enum err do_note(struct work *work)
{
    const char *note = work->action->note;

    return note && note[0] ? ERR_OK : text_say(work->why, ERR_FORMAT, "note needs a note");
}

static enum err do_dispatch(struct work *work)
{
    const char *name = json_text_or(work->action->body, "team", NULL);
    int64_t team = sql_find_int(work->sql, 0, "SELECT id FROM team WHERE name = ?1", "t", name);

    if (work->order.ticket && work->order.kind == JOB_CORRECTIVE) {
        return text_say(work->why, ERR_STATE,
                        "a repair is dispatched by its ticket. Legal: dispatch of the ticket");
    }
    if (!team) {
        return text_say(work->why, ERR_FORMAT, "dispatch needs a team; there is none called '%.60s'",
                        name ? name : "");
    }
    return sql_run(work->sql, "UPDATE work_order SET team = ?2, technician = NULL WHERE id = ?1", "ii",
                   work->order.id, team);
}

static enum err (*const doers[WORK_ACTIONS])(struct work *work) = {
    [WORK_DISPATCH] = do_dispatch,      [WORK_ASSIGN] = do_assign,
    [WORK_RESCHEDULE] = do_reschedule,  [WORK_REFUSE] = do_refuse,
    [WORK_DEPART] = do_depart,          [WORK_ARRIVE] = do_arrive,
    [WORK_START] = do_start,            [WORK_TEST] = do_test,
    [WORK_FINISH] = do_finish,          [WORK_VERIFY] = do_verify,
    [WORK_REFUSE_RESULT] = do_result,   [WORK_ACCEPT_RESULT] = do_result,
    [WORK_CLOSE] = do_close,            [WORK_CANCEL] = do_cancel,
    [WORK_CHECK] = do_step,             [WORK_CONFIRM] = do_confirm,
    [WORK_OVERRIDE] = do_override,      [WORK_RESERVE_PART] = do_reserve_part,
    [WORK_USE_PART] = do_use_part,      [WORK_RETURN_PART] = do_return_part,
    [WORK_PHOTO] = do_photo,            [WORK_TIME] = do_time,
    [WORK_RECORD] = do_record,          [WORK_SCOPE] = do_scope,
    [WORK_NOTE] = do_note,              [WORK_SIGN] = do_sign,
};

/* ------------------------------------------------------------------ the ticket follows */

static const struct {
    int ticket_action; /* what the ticket does then; -1: nothing */
    int stop;          /* clocks that stop; -1: none */
} follows[WORK_ACTIONS] = {
    [WORK_DEPART] = {TICKET_DEPART, -1},
    [WORK_ARRIVE] = {TICKET_ARRIVE, PLAN_ARRIVED},
    [WORK_START] = {TICKET_START, PLAN_ARRIVED},
    [WORK_FINISH] = {TICKET_FINISH, -1},
};

static bool is_followed(enum work_action kind)
{
    return kind == WORK_DEPART || kind == WORK_ARRIVE || kind == WORK_START || kind == WORK_FINISH;
}

/* Whoever was there first was there then: an arrival that is heard of late counts at its own time. */
static enum err stop_clocks(struct work *work)
{
    int stop = follows[work->kind].stop;
    enum err err;

    if (stop < 0) {
        return ERR_OK;
    }
    err = clocks_stop(work->sql, work->order.ticket, (enum plan_stop)stop, work->at_ms);
    return err || !work->place.late
               ? err
               : sql_run(work->sql, "UPDATE clock SET met_ms = ?3 WHERE ticket = ?1 AND stop = ?2 AND met_ms > ?3",
                         "iti", work->order.ticket, plan_stop_names[stop], work->at_ms);
}

/* A repair that is begun needs the consent to its charges, also when it is heard of late (S0-59). */
static enum err step_ticket(struct work *work, const struct ticket *ticket)
{
    struct ticket_facts facts;
    enum ticket_state state;
    enum err err = ticket_facts(work->office, work->sql, ticket, ROLE_SERVER, &facts);

    if (err) {
        return err;
    }
    err = ticket_move(&facts, (enum ticket_action)follows[work->kind].ticket_action, &state, work->why);
    if (err == ERR_STATE && (work->kind != WORK_START || ticket->state == TICKET_REPAIRING ||
                             (work->place.late && (!facts.consent_needed || facts.consent_given)))) {
        return ERR_OK; /* the ticket is further already */
    }
    return err || work->place.late ? err : ticket_set_state(work->sql, ticket->id, state);
}

/* The customer will not have it so: the repair goes on, whatever telemetry says (S1-33). */
static enum err repair_again(struct work *work, const struct ticket *ticket)
{
    enum err err = ERR_OK;

    if (work->place.late) {
        return ERR_OK;
    }
    err = proof_undone(work->sql, ticket->id, work->at_ms, "the customer refused the result");
    if (!err) {
        err = clocks_restart(work->sql, ticket->id);
    }
    if (!err) {
        err = sql_run(work->sql, "UPDATE ticket SET hold_until_ms = NULL WHERE id = ?1", "i", ticket->id);
    }
    return err ? err : ticket_set_state(work->sql, ticket->id, TICKET_REPAIRING);
}

/* The customer hears of it with the state that follows. */
static enum err tell_customer(struct work *work)
{
    struct ticket ticket;
    TEXT(step, 96);
    enum err err = ticket_load(work->office, work->sql, work->order.ticket, &ticket);

    text_addf(&step, "%s.%s.%lld", work->action->action, work->order.number, (long long)work->at_ms);
    return err || work->place.late || ticket.closed_ms
               ? err
               : customer_tell(work->office, work->sql, &ticket, step.at, work->now_ms);
}

static enum err move_ticket(struct work *work)
{
    const struct action *action = work->action;
    struct ticket ticket;
    enum err err = ticket_load(work->office, work->sql, work->order.ticket, &ticket);

    if (!err && is_followed(work->kind) && !ticket.closed_ms) {
        err = stop_clocks(work);
        err = err ? err : step_ticket(work, &ticket);
    }
    if (!err && work->kind == WORK_REFUSE_RESULT && !ticket.closed_ms) {
        err = repair_again(work, &ticket);
        err = err ? err : proof_undone(work->sql, ticket.id, work->at_ms, "the customer refused the result");
    }
    if (!err && work->kind == WORK_FINISH && !ticket.closed_ms) {
        err = proof_claim(work->sql, &ticket, work->order.id, action->who, work->at_ms);
    }
    if (!err) {
        err = ticket_line(work->sql, ticket.id, work->at_ms, work->now_ms, action->who, action->action, NULL,
                          action->note, NULL);
    }
    if (!err && !ticket.closed_ms) {
        err = clocks_judge(work->office, work->sql, &ticket, work->now_ms);
    }
    if (!err) {
        err = tell_customer(work);
    }
    return err ? err : ticket_changed(work->sql, ticket.id, work->now_ms);
}

/* ------------------------------------------------------------------ the time */

/* Not in the future, not before there was an order; corrected by what the device's clock is off. */
static enum err judge_time(struct work *work)
{
    int64_t most_ms = work->office->options.skew_ms > 0 ? work->office->options.skew_ms : SKEW_MS;
    int64_t at_ms = work->action->at_ms;

    work->clock = work_clock(work->action->sent_ms, work->now_ms, most_ms, &at_ms);
    if (!at_ms) {
        at_ms = work->now_ms;
    }
    if (at_ms > work->now_ms + FUTURE_MS) {
        return text_say(work->why, ERR_FORMAT, "at: expected a time that is not in the future");
    }
    at_ms = at_ms > work->now_ms ? work->now_ms : at_ms;
    if (at_ms < work->order.created_ms - BEFORE_MS) {
        TEXT(words, 48);

        zone_write(zone_utc(), work->order.created_ms, &words);
        return text_say(work->why, ERR_FORMAT, "at: expected a time that is not before %s", words.at);
    }
    /* a clock that rounds is as late as the order itself */
    work->at_ms = at_ms < work->order.created_ms && at_ms >= work->order.created_ms - ROUNDED_MS
                      ? work->order.created_ms
                      : at_ms;
    return ERR_OK;
}

/* The moves that were made, in the office's arena. */
static enum err load_moves(struct work *work, struct work_move **ret_made, size_t *ret_count)
{
    struct work_move *made = arena_array(work->office->arena, MOVES_MOST, sizeof(*made));
    struct sql_rows rows;
    size_t count = 0;

    if (!made) {
        return ERR_NOMEM;
    }
    sql_find(work->sql, &rows,
             "SELECT COALESCE(said_ms, at_ms), action, action_id FROM work_event WHERE work_order = ?1 ORDER BY at_ms DESC,"
             " id DESC"
             " LIMIT 5000",
             "i", work->order.id);
    while (count < MOVES_MOST && sql_next(&rows)) {
        int action = work_action_read(sql_text(&rows, 1));

        if (action >= 0 && action < WORK_MOVES) {
            made[count++] = (struct work_move){sql_int(&rows, 0), (enum work_action)action,
                                               keep(work->office, sql_text(&rows, 2))};
        }
    }
    *ret_made = made;
    *ret_count = count;
    return sql_end(&rows);
}

/* What changes no state is legal by the state that the order has, or had at the action's time: a check that is heard of
 * after the order was called off was made before that. */
static enum err judge_detail(struct work *work, const struct work_move *made, size_t count,
                             const struct work_move *move)
{
    enum work_state then = work_state_then(made, count, move);
    TEXT(legal, 400);

    work->place = (struct work_place){work->at_ms, false, work->order.state};
    if (work_is_legal(work->kind, work->order.state)) {
        return ERR_OK;
    }
    if (count > 0 && work_is_legal(work->kind, then)) {
        work->place = (struct work_place){work->at_ms, true, then};
        return ERR_OK;
    }
    work_legal(work->order.state, &legal);
    return text_say(work->why, ERR_STATE, "%s is not legal when the work order is %s. Legal: %s",
                    work->action->action, work_state_names[work->order.state], legal.at);
}

static enum err find_place(struct work *work)
{
    const struct work_move move = {work->at_ms, work->kind, work->action->action_id};
    struct work_move *made = NULL;
    size_t count = 0;
    enum err err = load_moves(work, &made, &count);

    if (err) {
        return err;
    }
    return work->kind < WORK_MOVES
               ? work_fit(made, count, work->order.state, &move, &work->place, work->why)
               : judge_detail(work, made, count, &move);
}

/* ------------------------------------------------------------------ the way of an action */

/* The request as it was, without pictures, and what was thought of its clock. */
static enum err write_event(struct work *work)
{
    const struct action *action = work->action;
    struct json_out data = json_out(WORK_DOC_MOST);
    enum err err;

    json_open_object(&data);
    for (const struct cJSON *item = json_first(action->body); item; item = json_next(item)) {
        if (strcmp(json_name(item), "image") != 0 && strcmp(json_name(item), "work_order") != 0) {
            json_key(&data, json_name(item));
            json_put_value(&data, item);
        }
    }
    json_text(&data, "clock", work_clock_names[work->clock]);
    json_close_object(&data);
    err = data.err ? data.err
                   : sql_run(work->sql,
                             "INSERT INTO work_event (work_order, at_ms, stored_ms, who, action, action_id, note, data,"
                             " said_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                             "iiittttti", work->order.id, work->at_ms, work->now_ms, action->who, action->action,
                             action->action_id,
                             action->note ? action->note : json_text_or(action->body, "reason", NULL), data.bytes,
                             work->place.at_ms);
    json_out_free(&data);
    return err;
}

static enum err write_state(struct work *work)
{
    enum work_state state = work->place.late ? work->order.state : work_after(work->kind, work->order.state);
    enum err err = sql_run(work->sql,
                           "UPDATE work_order SET state = ?2, version = version + 1, sequence = sequence + 1 WHERE"
                           " id = ?1",
                           "it", work->order.id, work_state_names[state]);

    if (!err && work->kind == WORK_FINISH && work->order.visit) {
        err = sql_run(work->sql, "UPDATE visit SET state = 'done', done_ms = ?2 WHERE id = ?1", "ii",
                      work->order.visit, work->at_ms);
        err = err ? err : duties_of_visit(work->sql, work->order.visit);
    }
    work->order.state = state;
    return err == ERR_EXISTS ? text_say(work->why, ERR_STATE, "another order of the ticket is open. Legal: actions on"
                                                              " that one")
                             : err;
}

/* The customer has accepted it: it is proved and filed as soon as nothing is missing any more. */
static enum err settle(struct work *work)
{
    static const struct {
        enum work_state from;
        enum job_stage stage;
        enum work_state to;
    } steps[] = {{WORK_DONE, JOB_VERIFY, WORK_VERIFIED}, {WORK_VERIFIED, JOB_CLOSE, WORK_CLOSED}};
    struct order *order = &work->order;
    enum err err = order_load(work->office, work->sql, order->id, order);

    for (size_t i = 0; !err && text_same(order->result, "accepted") && i < 2; i++) {
        TEXT(open, 600);

        if (order->state != steps[i].from) {
            continue;
        }
        err = gates_open(work->office, work->sql, order, steps[i].stage, &open);
        if (!err && open.length == 0) {
            order->state = steps[i].to;
            err = sql_run(work->sql, "UPDATE work_order SET state = ?2, version = version + 1 WHERE id = ?1", "it",
                          order->id, work_state_names[order->state]);
            err = err ? err
                      : work_line(work->sql, order->id, work->now_ms, work->now_ms, "heliograph",
                                  job_stage_names[steps[i].stage], NULL, NULL, NULL);
        }
    }
    return err;
}

static enum err preempt(struct sql *sql, int64_t order, const char *who, int64_t now_ms);

static enum err take(struct work *work)
{
    enum err err = judge_time(work);

    if (!err) {
        err = find_place(work);
    }
    if (!err) {
        work->at_ms =
            work->place.at_ms < work->order.created_ms ? work->order.created_ms : work->place.at_ms;
        err = doers[work->kind] ? doers[work->kind](work) : ERR_OK;
    }
    if (!err && work->order.ticket) {
        err = move_ticket(work);
    }
    if (!err) {
        err = write_state(work);
    }
    if (!err) {
        err = write_event(work);
    }
    if (!err && work->kind == WORK_ASSIGN) {
        err = preempt(work->sql, work->order.id, work->action->who, work->now_ms);
    }
    if (!err) {
        err = settle(work);
    }
    return err ? err : work_changed(work->sql, work->order.id, work->now_ms);
}

enum err work_action(struct office *office, struct sql *sql, int64_t work_order, const struct action *action,
                     int64_t now_ms, struct text *why)
{
    struct work work = {.office = office, .sql = sql, .action = action, .now_ms = now_ms, .why = why};
    int kind = work_action_read(action->action);
    enum err err;

    arena_reset(office->arena);
    err = order_load(office, sql, work_order, &work.order);
    if (err || work_did(sql, work_order, action->action_id)) {
        return err; /* the same id twice is one action */
    }
    if (kind < 0) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for work orders", action->action);
    }
    if (sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_event WHERE work_order = ?1", "i", work_order) >=
        EVENTS_MOST) {
        return text_say(why, ERR_STATE, "the order holds %d actions already. Legal: another order", EVENTS_MOST);
    }
    work.kind = (enum work_action)kind;
    return take(&work);
}

/* ------------------------------------------------------------------ what the desk does with it */

/* Planned work of the technician in the urgent order's hours has to be planned anew (S0-62). */
static enum err preempt(struct sql *sql, int64_t order, const char *who, int64_t now_ms)
{
    int64_t ids[50];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT p.id FROM work_order u JOIN work_order p ON p.technician = u.technician AND p.id <> u.id LEFT"
             " JOIN ticket t ON t.id = u.ticket WHERE u.id = ?1 AND COALESCE(u.urgency, CASE WHEN t.grade = 1 THEN"
             " 'emergency' END) = 'emergency' AND u.from_ms IS NOT NULL AND p.kind <> 'corrective' AND p.state IN"
             " ('assigned', 'accepted') AND p.from_ms < u.to_ms AND p.to_ms > u.from_ms LIMIT 50",
             "i", order);
    while (count < 50 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = sql_run(sql,
                      "UPDATE work_order SET state = 'dispatched', technician = NULL, from_ms = NULL, to_ms = NULL,"
                      " preempted_by = ?2, version = version + 1, sequence = sequence + 1 WHERE id = ?1",
                      "ii", ids[i], order);
        err = err ? err
                  : work_line(sql, ids[i], now_ms, now_ms, who, "dispatch", NULL,
                              "taken off for an emergency: a new appointment is needed", NULL);
        err = err ? err : work_changed(sql, ids[i], now_ms);
    }
    return err;
}

enum err work_desk_moved(struct office *office, struct sql *sql, int64_t ticket, const char *action, const char *who,
                         int64_t at_ms, int64_t now_ms)
{
    int64_t order = sql_find_int(sql, 0,
                                 "SELECT MAX(id) FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state"
                                 " NOT IN ('done', 'verified', 'closed', 'cancelled')",
                                 "i", ticket);
    int64_t created_ms = sql_find_int(sql, 0, "SELECT created_ms FROM work_order WHERE id = ?1", "i", order);
    enum err err;

    (void)office;
    if (!order) {
        return ERR_OK;
    }
    err = work_line(sql, order, at_ms < created_ms ? created_ms : at_ms, now_ms, who, action, NULL, NULL, NULL);
    if (!err) {
        err = preempt(sql, order, who, now_ms);
    }
    return err ? err : work_changed(sql, order, now_ms);
}
