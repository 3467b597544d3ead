/* An action of a work order on its way: its time, its place among the moves, its line. */
#include "server/field/work_int.h"

#include <string.h>

#define EVENTS_MOST 5000               /* of one order */
#define MOVES_MOST  500
#define FUTURE_MS   300000             /* clocks of clients differ: so far ahead is still now */
#define BEFORE_MS   86400000LL         /* a call may have been answered before somebody wrote the order down */
#define ROUNDED_MS  2000
#define SKEW_MS     (15 * 60 * 1000LL) /* preset */

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
                                               order_keep(work->office, sql_text(&rows, 2))};
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

static enum err take(struct work *work)
{
    enum err err = judge_time(work);

    if (!err) {
        err = find_place(work);
    }
    if (!err) {
        work->at_ms =
            work->place.at_ms < work->order.created_ms ? work->order.created_ms : work->place.at_ms;
        err = work_doers[work->kind] ? work_doers[work->kind](work) : ERR_OK;
    }
    if (!err && work->order.ticket) {
        err = work_move_ticket(work);
    }
    if (!err) {
        err = write_state(work);
    }
    if (!err) {
        err = write_event(work);
    }
    if (!err && work->kind == WORK_ASSIGN) {
        err = work_preempt(work->sql, work->order.id, work->action->who, work->now_ms);
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
        TEXT(legal, 600);

        work_legal(work.order.state, &legal);
        return text_say(why, ERR_FORMAT, "action: expected one that a work order has, found '%.40s'. Legal now: %s",
                        action->action, legal.at);
    }
    if (sql_find_int(sql, 0, "SELECT COUNT(*) FROM work_event WHERE work_order = ?1", "i", work_order) >=
        EVENTS_MOST) {
        return text_say(why, ERR_STATE, "the order holds %d actions already. Legal: another order", EVENTS_MOST);
    }
    work.kind = (enum work_action)kind;
    return take(&work);
}
