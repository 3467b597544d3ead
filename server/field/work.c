/* A work order moved along by who does the work; its ticket follows. */
#include <string.h>

#include "server/case/clocks.h"
#include "server/field/field.h"
#include "server/case/doc.h"
#include "server/store/change.h"

static const struct {
    const char *action, *from, *to; /* from: states, separated by blanks */
    int ticket_action;              /* what the ticket does then; -1: nothing */
    int stop;                       /* clocks that stop; -1: none */
} moves[] = {
    {"assign", "proposed dispatched assigned accepted refused", "assigned", -1, -1},
    {"accept", "proposed dispatched assigned refused", "accepted", -1, -1},
    {"refuse", "proposed dispatched assigned accepted", "refused", -1, -1},
    {"depart", "proposed dispatched assigned accepted", "travelling", TICKET_DEPART, -1},
    {"arrive", "proposed dispatched assigned accepted travelling", "on_site", TICKET_ARRIVE,
     PLAN_ARRIVED},
    {"start", "on_site accepted travelling", "working", TICKET_START, PLAN_ARRIVED},
    {"check", "*", NULL, -1, -1},
    {"use_part", "*", NULL, -1, -1},
    {"finish", "on_site working", "done", TICKET_FINISH, -1},
    {"sign", "on_site working done", NULL, -1, -1},
    {"cancel", "proposed dispatched assigned accepted refused travelling on_site working",
     "cancelled", -1, -1},
};

static bool allows(const char *from, const char *state)
{
    size_t length = strlen(state);

    if (strcmp(from, "*") == 0) {
        return strcmp(state, "cancelled") != 0;
    }
    for (const char *at = from; (at = strstr(at, state)) != NULL; at += length) {
        if ((at == from || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static void legal_actions(const char *state, struct text *to)
{
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        if (allows(moves[i].from, state)) {
            text_addf(to, "%s%s", to->length ? " " : "", moves[i].action);
        }
    }
}

struct order {
    int64_t id, ticket, visit, version;
    char state[24];
};

static enum err load_order(struct sql *sql, int64_t id, struct order *order)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows, "SELECT ticket, visit, state, version FROM work_order WHERE id = ?1", "i", id);
    found = sql_next(&rows);
    if (found) {
        order->id = id;
        order->ticket = sql_int(&rows, 0);
        order->visit = sql_int(&rows, 1);
        (void)!text_copy(order->state, sizeof(order->state), sql_text(&rows, 2));
        order->version = sql_int(&rows, 3);
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

static enum err write_step(struct sql *sql, int64_t order, const char *step, const char *value)
{
    struct json_out checklist = json_out(DOC_BYTES_MOST);
    struct arena *arena;
    struct sql_rows rows;
    enum err err = arena_open(DOC_ARENA_BYTES, &arena), end;

    if (err) {
        return err;
    }
    sql_find(sql, &rows, "SELECT checklist FROM work_order WHERE id = ?1", "i", order);
    if (sql_next(&rows)) {
        err = doc_set_in_list(arena, sql_text(&rows, 0), "step", step, "value", value, &checklist);
    }
    end = sql_end(&rows);
    err = err ? err : end;
    if (!err) {
        err = sql_run(sql, "UPDATE work_order SET checklist = ?2 WHERE id = ?1", "it", order,
                      checklist.bytes);
    }
    json_out_free(&checklist);
    arena_close(arena);
    return err;
}

static enum err set_step(struct sql *sql, int64_t order, const struct cJSON *body, struct text *why)
{
    const char *step = json_text_or(body, "step", NULL);
    struct json_out value = json_out(8192);
    enum err err;

    if (!step || !json_field(body, "value")) {
        return text_say(why, ERR_FORMAT, "check needs step and value");
    }
    json_put_value(&value, json_field(body, "value"));
    err = value.err;
    if (!err) { /* a step the list does not have is added: what was looked at is worth keeping */
        err = write_step(sql, order, step, value.bytes);
    }
    json_out_free(&value);
    return err;
}

static enum err sign(struct sql *sql, int64_t order, const struct cJSON *body, int64_t at_ms,
                     struct text *why)
{
    struct json_out out = json_out(512 * 1024);
    enum err err;

    if (!json_text_or(body, "name", NULL)) {
        return text_say(why, ERR_FORMAT, "sign needs the name of who signs");
    }
    json_open_object(&out);
    json_text(&out, "name", json_text_or(body, "name", ""));
    json_text(&out, "image", json_text_or(body, "image", NULL));
    json_int(&out, "at_ms", at_ms);
    json_close_object(&out);
    err = out.err;
    if (!err) {
        err = sql_run(sql, "UPDATE work_order SET signature = ?2 WHERE id = ?1", "it", order, out.bytes);
    }
    json_out_free(&out);
    return err;
}

/* Visits have no dispatcher's ticket: who comes and when is said here. The plan's date stays. */
static enum err assign(struct sql *sql, int64_t order, const struct cJSON *body, struct text *why)
{
    const char *name = json_text_or(body, "technician", NULL);
    const struct cJSON *appointment = json_field(body, "appointment");
    int64_t technician = sql_find_int(sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
    int64_t from_ms = 0, to_ms = 0;

    if (!technician) {
        return text_say(why, ERR_FORMAT, "assign needs a technician; there is none called '%.60s'",
                        name ? name : "");
    }
    if (appointment && (civil_read_instant(json_text_or(appointment, "from", ""), &from_ms) ||
                        civil_read_instant(json_text_or(appointment, "to", ""), &to_ms) ||
                        to_ms < from_ms)) {
        return text_say(why, ERR_FORMAT,
                        "appointment needs from and to as RFC 3339 times, from before to");
    }
    return sql_run(sql,
                   "UPDATE work_order SET technician = ?2, team = COALESCE((SELECT team FROM technician"
                   " WHERE id = ?2), team), from_ms = COALESCE(NULLIF(?3, 0), from_ms), to_ms ="
                   " COALESCE(NULLIF(?4, 0), to_ms) WHERE id = ?1",
                   "iiii", order, technician, from_ms, to_ms);
}

/* The values of the equipment's points as they are now. */
static enum err note_after(struct sql *sql, int64_t order)
{
    struct json_out after = json_out(DOC_BYTES_MOST);
    struct sql_rows rows;
    enum err err;

    json_open_object(&after);
    sql_find(sql, &rows,
             "SELECT p.name, l.words, l.value FROM work_order w JOIN point p ON p.equipment ="
             " w.equipment JOIN last l ON l.point = p.id WHERE w.id = ?1 ORDER BY p.name",
             "i", order);
    while (sql_next(&rows)) {
        json_key(&after, sql_text(&rows, 0));
        if (!sql_null(&rows, 1)) {
            json_put_text(&after, sql_text(&rows, 1));
        } else if (!sql_null(&rows, 2)) {
            json_put_number(&after, sql_real(&rows, 2));
        } else {
            json_put_null(&after);
        }
    }
    json_close_object(&after);
    err = sql_end(&rows);
    err = err ? err : after.err;
    if (!err) {
        err = sql_run(sql, "UPDATE work_order SET after = ?2 WHERE id = ?1", "it", order,
                      after.bytes);
    }
    json_out_free(&after);
    return err;
}

/* A visit that is called off says why, and is not forgotten: it stays in the calendar as skipped. */
static enum err cancel(struct sql *sql, const struct order *order, const struct action *action,
                       struct text *why)
{
    const char *reason = json_text_or(action->body, "reason", action->note);
    enum err err;

    if (order->visit && (!reason || !reason[0])) {
        return text_say(why, ERR_FORMAT, "cancel of a visit needs a reason");
    }
    err = sql_run(sql, "UPDATE work_order SET reason = ?2 WHERE id = ?1", "it", order->id, reason);
    if (!err && order->visit) {
        err = sql_run(sql,
                      "UPDATE visit SET state = 'skipped', reason = ?2, calendar_sequence ="
                      " calendar_sequence + 1 WHERE id = ?1",
                      "it", order->visit, reason);
    }
    return err;
}

static enum err do_detail(struct sql *sql, const struct order *order,
                          const struct action *action, int64_t at_ms, int64_t now_ms,
                          struct text *why)
{
    const char *name = action->action;
    const struct cJSON *body = action->body;

    if (strcmp(name, "assign") == 0 && order->ticket) {
        return text_say(why, ERR_STATE, "a repair is assigned by its ticket. Legal: assign of the ticket");
    }
    if (strcmp(name, "assign") == 0) {
        return assign(sql, order->id, body, why);
    }
    if (strcmp(name, "finish") == 0) {
        return note_after(sql, order->id);
    }
    if (strcmp(name, "cancel") == 0) {
        return cancel(sql, order, action, why);
    }
    if (strcmp(name, "check") == 0) {
        return set_step(sql, order->id, body, why);
    }
    if (strcmp(name, "use_part") == 0) {
        return parts_use(sql, order->id, body, action->action_id, now_ms, why);
    }
    if (strcmp(name, "sign") == 0) {
        return sign(sql, order->id, body, at_ms, why);
    }
    return ERR_OK;
}

/* What the order's move means for its ticket. */
static enum err move_ticket(struct office *office, struct sql *sql, int64_t id, int ticket_action,
                            int stop, const struct action *action, int64_t at_ms,
                            int64_t now_ms, struct text *why)
{
    struct ticket ticket;
    enum ticket_state state = TICKET_REGISTERED;
    enum err err = ticket_load(office, sql, id, &ticket);

    if (!err && stop >= 0) {
        err = clocks_stop(sql, id, (enum plan_stop)stop, at_ms);
    }
    if (!err && ticket_action >= 0 && !ticket.closed_ms) {
        struct ticket_facts facts;

        err = ticket_facts(office, sql, &ticket, ROLE_SERVER, &facts);
        if (!err) {
            err = ticket_move(&facts, (enum ticket_action)ticket_action, &state, why);
        }
        if (err == ERR_STATE && ticket_action != TICKET_START) {
            err = ERR_OK; /* the ticket is further already */
        } else if (!err) {
            err = ticket_set_state(sql, id, state);
        }
    }
    if (!err) {
        err = ticket_line(sql, id, at_ms, now_ms, action->who, action->action, NULL, action->note, NULL);
    }
    if (!err) {
        err = clocks_judge(office, sql, &ticket, now_ms);
    }
    return err ? err : ticket_changed(sql, id, now_ms);
}

static enum err change_order(struct sql *sql, int64_t id, int64_t now_ms)
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

/* received <= accepted <= departed <= arrived <= started <= finished */
static int64_t least_time(struct sql *sql, int64_t order)
{
    return sql_find_int(sql, 0,
                        "SELECT MAX(at_ms) FROM work_event WHERE work_order = ?1 AND action IN"
                        " ('accept', 'refuse', 'depart', 'arrive', 'start', 'finish')",
                        "i", order);
}

static enum err finish_move(struct sql *sql, const struct order *order, const char *state,
                            const struct action *action, int64_t at_ms, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE work_order SET state = COALESCE(?2, state), version = version + 1,"
                           " sequence = sequence + 1 WHERE id = ?1",
                           "it", order->id, state);

    if (!err && state && strcmp(state, "done") == 0 && order->visit) {
        err = sql_run(sql, "UPDATE visit SET state = 'done', done_ms = ?2 WHERE id = ?1", "ii",
                      order->visit, at_ms);
    }
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO work_event (work_order, at_ms, stored_ms, who, action, action_id,"
                      " note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                      "iiitttt", order->id, at_ms, now_ms, action->who, action->action,
                      action->action_id, action->note);
    }
    return err ? err : change_order(sql, order->id, now_ms);
}

enum err work_action(struct office *office, struct sql *sql, int64_t work_order,
                          const struct action *action, int64_t now_ms, struct text *why)
{
    struct order order = {0};
    bool chained = strcmp(action->action, "check") != 0 && strcmp(action->action, "use_part") != 0;
    int64_t at_ms;
    size_t move = 0;
    enum err err;

    arena_reset(office->arena);
    err = load_order(sql, work_order, &order);
    if (err || work_did(sql, work_order, action->action_id)) {
        return err; /* the same id twice is one action */
    }
    while (move < sizeof(moves) / sizeof(moves[0]) && strcmp(moves[move].action, action->action) != 0) {
        move++;
    }
    if (move == sizeof(moves) / sizeof(moves[0])) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for work orders", action->action);
    }
    if (!allows(moves[move].from, order.state)) {
        TEXT(legal, 200);

        legal_actions(order.state, &legal);
        return text_say(why, ERR_STATE, "%s is not legal when the work order is %s. Legal: %s",
                        action->action, order.state, legal.at);
    }
    err = action_time(action->at_ms, chained ? least_time(sql, work_order) : 0, now_ms, &at_ms, why);
    if (!err) {
        err = do_detail(sql, &order, action, at_ms, now_ms, why);
    }
    if (!err && order.ticket) {
        err = move_ticket(office, sql, order.ticket, moves[move].ticket_action, moves[move].stop,
                          action, at_ms, now_ms, why);
    }
    return err ? err : finish_move(sql, &order, moves[move].to, action, at_ms, now_ms);
}
