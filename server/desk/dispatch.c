/* Work orders: proposed for a ticket to the team that fits, moved along by who does the work. */
#include "server/desk/desk_int.h"

#include <string.h>

#include "server/fleet/numbers.h"
#include "server/store/change.h"

/* Teams that serve the site come first, then those with the skill; the least loaded of equals. */
int64_t dispatch_team(struct sql *sql, int64_t site, const char *skill)
{
    return sql_find_int(
        sql, 0,
        "SELECT t.id FROM team t LEFT JOIN team_site s ON s.team = t.id AND s.site = ?1"
        " LEFT JOIN site x ON x.id = ?1 WHERE s.site IS NOT NULL OR EXISTS (SELECT 1 FROM"
        " json_each(t.territories) r WHERE instr(COALESCE(x.address, ''), r.value) > 0) OR NOT"
        " EXISTS (SELECT 1 FROM team_site) ORDER BY s.site IS NULL, NOT EXISTS (SELECT 1 FROM"
        " json_each(t.skills) k WHERE k.value = ?2), (SELECT COUNT(*) FROM work_order w WHERE w.team"
        " = t.id AND w.state NOT IN ('done', 'cancelled')), t.id LIMIT 1",
        "it", site, skill ? skill : "");
}

/* The checklist of a repair: what to try, then what telemetry will be asked. */
static void put_checklist(const struct fault_rule *rule, struct json_out *out)
{
    json_open_list(out);
    for (size_t i = 0; rule && i < rule->remote_count; i++) {
        TEXT(step, 32);

        text_addf(&step, "check-%zu", i + 1);
        json_open_object(out);
        json_text(out, "step", step.at);
        json_text(out, "title_en", rule->remote[i].en);
        json_text(out, "title_zh", rule->remote[i].zh);
        json_null(out, "value");
        json_close_object(out);
    }
    json_open_object(out);
    json_text(out, "step", "cause");
    json_text(out, "title_en", "What was the cause?");
    json_text(out, "title_zh", "故障原因是什么？");
    json_null(out, "value");
    json_close_object(out);
    json_close_list(out);
}

static void put_parts(struct sql *sql, const struct fault_rule *rule, struct json_out *out)
{
    json_open_list(out);
    for (size_t i = 0; rule && i < rule->cause_count; i++) {
        for (const char *const *part = rule->causes[i].parts; *part; part++) {
            json_open_object(out);
            json_text(out, "part", *part);
            json_number(out, "odds", rule->causes[i].odds);
            json_int(out, "in_stock",
                     sql_find_int(sql, 0,
                                  "SELECT SUM(s.count) FROM stock s JOIN part p ON p.id = s.part"
                                  " WHERE p.name = ?1",
                                  "t", *part));
            json_int(out, "used", 0);
            json_close_object(out);
        }
    }
    json_close_list(out);
}

static const char *likely_skill(const struct fault_rule *rule)
{
    const char *skill = NULL;
    double best = -1;

    for (size_t i = 0; rule && i < rule->cause_count; i++) {
        if (rule->causes[i].skill && rule->causes[i].odds > best) {
            best = rule->causes[i].odds;
            skill = rule->causes[i].skill;
        }
    }
    return skill;
}

enum err dispatch_propose(struct desk *desk, struct sql *sql, const struct place *place,
                          int64_t ticket, const struct ticket_new *what, int64_t now_ms)
{
    struct json_out checklist = json_out(64 * 1024), parts = json_out(64 * 1024);
    int64_t team = dispatch_team(sql, place->site, likely_skill(what->rule));
    char number[32];
    enum err err;

    (void)desk;
    numbers_make('W', number, sizeof(number));
    put_checklist(what->rule, &checklist);
    put_parts(sql, what->rule, &parts);
    err = checklist.err ? checklist.err : parts.err;
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO work_order (number, kind, ticket, equipment, site, team, state,"
                      " checklist, parts, before, created_ms) VALUES (?1, 'corrective', ?2,"
                      " NULLIF(?3, 0), NULLIF(?4, 0), NULLIF(?5, 0), 'proposed', ?6, ?7, ?8, ?9)",
                      "tiiiittti", number, ticket, place->equipment, place->site, team, checklist.bytes,
                      parts.bytes, what->evidence, now_ms);
    }
    json_out_free(&checklist);
    json_out_free(&parts);
    return err;
}

/* ------------------------------------------------------------------ moving an order along */

static const struct {
    const char *action, *from, *to; /* from: states, separated by blanks */
    int ticket_action;              /* what the ticket does then; -1: nothing */
    int stop;                       /* clocks that stop; -1: none */
} moves[] = {
    {"accept", "proposed dispatched assigned refused", "accepted", -1, -1},
    {"refuse", "proposed dispatched assigned accepted", "refused", -1, -1},
    {"depart", "proposed dispatched assigned accepted", "travelling", TICKET_DEPART, -1},
    {"arrive", "proposed dispatched assigned accepted travelling", "on_site", TICKET_ARRIVE,
     PLAN_ARRIVED},
    {"start", "on_site accepted travelling", "working", TICKET_START, -1},
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
        err = sql_run(
            sql,
            "UPDATE work_order SET checklist = CASE WHEN EXISTS (SELECT 1 FROM"
            " json_each(checklist) WHERE json_extract(value, '$.step') = ?2) THEN (SELECT"
            " json_group_array(CASE WHEN json_extract(value, '$.step') = ?2 THEN json_set(value,"
            " '$.value', json(?3)) ELSE json(value) END) FROM json_each(checklist)) ELSE"
            " json_insert(checklist, '$[#]', json_object('step', ?2, 'value', json(?3))) END WHERE"
            " id = ?1",
            "itt", order, step, value.bytes);
    }
    json_out_free(&value);
    return err;
}

static enum err use_part(struct sql *sql, int64_t order, const struct cJSON *body, struct text *why)
{
    const char *part = json_text_or(body, "part", NULL);
    int64_t count = json_int_or(body, "count", 1);

    if (!part || count < 1) {
        return text_say(why, ERR_FORMAT, "use_part needs part, and a count of at least 1");
    }
    return sql_run(
        sql,
        "UPDATE work_order SET parts = CASE WHEN EXISTS (SELECT 1 FROM json_each(parts) WHERE"
        " json_extract(value, '$.part') = ?2) THEN (SELECT json_group_array(CASE WHEN"
        " json_extract(value, '$.part') = ?2 THEN json_set(value, '$.used', json_extract(value,"
        " '$.used') + ?3) ELSE json(value) END) FROM json_each(parts)) ELSE json_insert(parts,"
        " '$[#]', json_object('part', ?2, 'used', ?3)) END WHERE id = ?1",
        "iti", order, part, count);
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

static enum err do_detail(struct sql *sql, const struct order *order, const char *action,
                          const struct cJSON *body, int64_t at_ms, struct text *why)
{
    if (strcmp(action, "check") == 0) {
        return set_step(sql, order->id, body, why);
    }
    if (strcmp(action, "use_part") == 0) {
        return use_part(sql, order->id, body, why);
    }
    if (strcmp(action, "sign") == 0) {
        return sign(sql, order->id, body, at_ms, why);
    }
    return ERR_OK;
}

/* What the order's move means for its ticket. */
static enum err move_ticket(struct desk *desk, struct sql *sql, int64_t id, int ticket_action,
                            int stop, const struct desk_action *action, int64_t at_ms,
                            int64_t now_ms, struct text *why)
{
    struct ticket ticket;
    enum ticket_state state;
    enum err err = ticket_load(desk, sql, id, &ticket);

    if (!err && stop >= 0) {
        err = clocks_stop(sql, id, (enum plan_stop)stop, at_ms);
    }
    if (!err && ticket_action >= 0 && !ticket.closed_ms) {
        struct ticket_facts facts = {
            .state = ticket.state,
            .paused = ticket.paused,
            .quote_open = ticket.quote_open,
            .consent_needed = ticket.consent_needed,
            .consent_given = ticket.consent_given,
        };

        err = ticket_move(&facts, (enum ticket_action)ticket_action, &state, why);
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
        err = clocks_judge(desk, sql, &ticket, now_ms);
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

enum err desk_work_action(struct desk *desk, struct sql *sql, int64_t work_order,
                          const struct desk_action *action, int64_t now_ms, struct text *why)
{
    int64_t at_ms = action->at_ms && action->at_ms < now_ms ? action->at_ms : now_ms;
    struct order order = {0};
    size_t move = 0;
    enum err err;

    arena_reset(desk->arena);
    err = load_order(sql, work_order, &order);
    if (err) {
        return err;
    }
    while (move < sizeof(moves) / sizeof(moves[0]) && strcmp(moves[move].action, action->action) != 0) {
        move++;
    }
    if (move == sizeof(moves) / sizeof(moves[0])) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for work orders", action->action);
    }
    if (action->action_id &&
        sql_find_int(sql, 0, "SELECT 1 FROM work_event WHERE work_order = ?1 AND action_id = ?2",
                     "it", work_order, action->action_id)) {
        return ERR_OK; /* the same id twice is one action */
    }
    if (!allows(moves[move].from, order.state)) {
        TEXT(legal, 200);

        legal_actions(order.state, &legal);
        return text_say(why, ERR_STATE, "%s is not legal when the work order is %s. Legal: %s",
                        action->action, order.state, legal.at);
    }
    err = do_detail(sql, &order, action->action, action->body, at_ms, why);
    if (!err && order.ticket) {
        err = move_ticket(desk, sql, order.ticket, moves[move].ticket_action, moves[move].stop,
                          action, at_ms, now_ms, why);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE work_order SET state = COALESCE(?2, state), version = version + 1,"
                      " sequence = sequence + 1 WHERE id = ?1",
                      "it", work_order, moves[move].to);
    }
    if (!err && moves[move].to && strcmp(moves[move].to, "done") == 0 && order.visit) {
        err = sql_run(sql, "UPDATE visit SET state = 'done', done_ms = ?2 WHERE id = ?1", "ii",
                      order.visit, at_ms);
    }
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO work_event (work_order, at_ms, stored_ms, who, action, action_id,"
                      " note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                      "iiitttt", work_order, at_ms, now_ms, action->who, action->action,
                      action->action_id, action->note);
    }
    return err ? err : change_order(sql, work_order, now_ms);
}
