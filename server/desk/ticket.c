/* A ticket's life in rows: loaded, moved, regraded, cleared, back; open.c opens it. */
#include "server/desk/desk_int.h"
#include "server/desk/doc.h"

#include <string.h>

#include "server/store/change.h"

static const char *keep(struct desk *desk, const char *words)
{
    return words ? arena_text(desk->arena, words, strlen(words)) : NULL;
}

int64_t ticket_of_cause(struct sql *sql, const char *cause_key)
{
    return sql_find_int(sql, 0,
                        "SELECT id FROM ticket WHERE cause_key = ?1 AND closed_ms IS NULL", "t",
                        cause_key);
}

enum err ticket_load(struct desk *desk, struct sql *sql, int64_t id, struct ticket *ret_ticket)
{
    struct ticket ticket = {.id = id};
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT number, kind, fault, cause_key, plan, time_zone, grade, service_level, state,"
             " registered_ms, cleared_ms, hold_until_ms, closed_ms, late, quote, consent,"
             " equipment, agent, site, calendar, title_en, title_zh, warranty,"
             " (SELECT COUNT(*) FROM pause p WHERE p.ticket = ticket.id AND p.to_ms IS NULL)"
             " FROM ticket WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        const char *level = sql_text(&rows, 7);
        const char *warranty = sql_text(&rows, 22);
        int state = ticket_state_read(sql_text(&rows, 8));

        ticket.number = keep(desk, sql_text(&rows, 0));
        ticket.kind = keep(desk, sql_text(&rows, 1));
        ticket.fault = keep(desk, sql_text(&rows, 2));
        ticket.cause_key = keep(desk, sql_text(&rows, 3));
        ticket.plan = keep(desk, sql_text(&rows, 4));
        ticket.time_zone = keep(desk, sql_text(&rows, 5));
        ticket.grade = (int)sql_int(&rows, 6);
        ticket.level = level && level[0] ? level[0] : 'C';
        ticket.state = state < 0 ? TICKET_REGISTERED : (enum ticket_state)state;
        ticket.registered_ms = sql_int(&rows, 9);
        ticket.cleared_ms = sql_int(&rows, 10);
        ticket.hold_until_ms = sql_int(&rows, 11);
        ticket.closed_ms = sql_int(&rows, 12);
        ticket.late = sql_int(&rows, 13) != 0;
        ticket.quote_open = !sql_null(&rows, 14) && sql_null(&rows, 15);
        ticket.consent_given = sql_int(&rows, 15) != 0;
        /* S0-59: what the customer pays for needs consent before repair */
        ticket.consent_needed =
            !sql_null(&rows, 14) || (warranty && (strstr(warranty, "\"expired\"") ||
                                                  strstr(warranty, "\"excluded\"")));
        ticket.equipment = sql_int(&rows, 16);
        ticket.agent = sql_int(&rows, 17);
        ticket.site = sql_int(&rows, 18);
        ticket.calendar = sql_int(&rows, 19);
        ticket.title_en = keep(desk, sql_text(&rows, 20));
        ticket.title_zh = keep(desk, sql_text(&rows, 21));
        ticket.paused = sql_int(&rows, 23) > 0;
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    if (ticket.plan) {
        const struct plan *plan = rules_plan(desk->options.rules, ticket.plan);

        ticket.consent_needed = ticket.consent_needed && plan && plan->consent_before_repair;
    }
    *ret_ticket = ticket;
    return ERR_OK;
}

enum err ticket_set_state(struct sql *sql, int64_t ticket, enum ticket_state state)
{
    return sql_run(sql, "UPDATE ticket SET state = ?2, version = version + 1 WHERE id = ?1", "it",
                   ticket, ticket_state_names[state]);
}

enum err ticket_line(struct sql *sql, int64_t ticket, int64_t at_ms, int64_t now_ms,
                     const char *who, const char *action, const char *action_id, const char *note,
                     const char *data)
{
    enum err err =
        sql_run(sql,
                "INSERT INTO ticket_event (ticket, at_ms, stored_ms, who, action, action_id, note,"
                " data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
                "iiittttt", ticket, at_ms, now_ms, who, action, action_id, note, data);

    return err ? err : sql_changes(sql) == 0 ? ERR_EXISTS : ERR_OK;
}

enum err ticket_changed(struct sql *sql, int64_t ticket, int64_t now_ms)
{
    struct sql_rows rows;
    struct json_out out = json_out(4096);
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.number, t.kind, t.grade, t.state, e.name FROM ticket t LEFT JOIN equipment e"
             " ON e.id = t.equipment WHERE t.id = ?1",
             "i", ticket);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_text(&out, "number", sql_text(&rows, 0));
        json_text(&out, "kind", sql_text(&rows, 1));
        json_int(&out, "grade", sql_int(&rows, 2));
        json_text(&out, "state", sql_text(&rows, 3));
        json_text(&out, "equipment", sql_text(&rows, 4));
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err) {
        err = out.err ? out.err : change_put(sql, now_ms, "ticket", out.bytes ? out.bytes : "{}");
    }
    json_out_free(&out);
    return err;
}

/* The grade, and with it two of the seven classifications. */
static enum err write_grade(struct sql *sql, int64_t ticket, int grade)
{
    struct json_out one = json_out(DOC_BYTES_MOST), both = json_out(DOC_BYTES_MOST);
    TEXT(severity, 16);
    struct arena *arena;
    struct sql_rows rows;
    enum err err = arena_open(DOC_ARENA_BYTES, &arena), end;

    if (err) {
        return err;
    }
    text_addf(&severity, "%d", grade);
    sql_find(sql, &rows, "SELECT classification FROM ticket WHERE id = ?1", "i", ticket);
    if (sql_next(&rows)) {
        err = doc_set(arena, sql_text(&rows, 0), "severity", severity.at, &one);
    }
    end = sql_end(&rows);
    err = err ? err : end;
    if (!err) {
        err = doc_set(arena, one.bytes, "urgency", grade == 1 ? "\"emergency\"" : "\"normal\"", &both);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE ticket SET grade = ?2, classification = ?3, version = version + 1"
                      " WHERE id = ?1",
                      "iit", ticket, (int64_t)grade, both.bytes);
    }
    json_out_free(&one);
    json_out_free(&both);
    arena_close(arena);
    return err;
}

/* ------------------------------------------------------------------ afterwards */

enum err ticket_regrade(struct desk *desk, struct sql *sql, struct ticket *ticket, int grade,
                        const char *who, const char *reason, const char *action_id, int64_t at_ms,
                        int64_t now_ms)
{
    TEXT(data, 64);
    TEXT(step, 64);
    enum err err;

    if (grade == ticket->grade || grade < 1 || grade > 3) {
        return ERR_OK;
    }
    text_addf(&data, "{\"from\":%d,\"to\":%d}", ticket->grade, grade);
    text_addf(&step, "regraded.%d.%lld", grade, (long long)at_ms);
    ticket->grade = grade;
    err = write_grade(sql, ticket->id, grade);
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, who, "regrade", action_id, reason, data.at);
    }
    if (!err) {
        err = clocks_regrade(desk, sql, ticket);
    }
    if (!err) {
        err = ticket_tell(desk, sql, ticket, step.at, "the grade changed", now_ms);
    }
    if (!err) {
        err = clocks_judge(desk, sql, ticket, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err ticket_cleared(struct desk *desk, struct sql *sql, struct ticket *ticket,
                        int64_t cleared_ms, int64_t now_ms)
{
    const struct plan *plan = rules_plan(desk->options.rules, ticket->plan);
    /* A backlog goes on: what comes next of it may bring the fault back, and that is the same ticket,
     * however fast the server works. So its hold runs from when the clearing was heard of. */
    int64_t from_ms = ticket->late && now_ms > cleared_ms ? now_ms : cleared_ms;
    enum err err;

    ticket->cleared_ms = cleared_ms;
    ticket->hold_until_ms = from_ms + (plan ? plan->hold_ms : 0);
    err = sql_run(sql,
                  "UPDATE ticket SET cleared_ms = ?2, hold_until_ms = ?3, version = version + 1"
                  " WHERE id = ?1",
                  "iii", ticket->id, cleared_ms, ticket->hold_until_ms);
    if (!err) {
        err = ticket_line(sql, ticket->id, cleared_ms, now_ms, "heliograph", "clear", NULL,
                          "telemetry is normal again", NULL);
    }
    if (!err && ticket->late) {
        /* nobody is told of what is over: the notices of a backlog wait long enough for that */
        err = sql_run(sql, "DELETE FROM outbox WHERE ticket = ?1 AND state = 'waiting'", "i",
                      ticket->id);
    } else if (!err) {
        TEXT(step, 64);

        text_addf(&step, "cleared.%lld", (long long)cleared_ms);
        err = ticket_tell(desk, sql, ticket, step.at, "telemetry is normal again", now_ms);
    }
    if (!err) {
        err = clocks_judge(desk, sql, ticket, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err ticket_relapsed(struct desk *desk, struct sql *sql, struct ticket *ticket, int64_t at_ms,
                         int64_t now_ms)
{
    struct ticket_facts facts = {.state = ticket->state};
    enum ticket_state state = ticket->state;
    enum err err;

    if (ticket_move(&facts, TICKET_RELAPSE, &state, NULL)) {
        state = ticket->state;
    }
    ticket->state = state;
    ticket->cleared_ms = 0;
    ticket->hold_until_ms = 0;
    err = sql_run(sql,
                  "UPDATE ticket SET cleared_ms = NULL, hold_until_ms = NULL, state = ?2, version ="
                  " version + 1 WHERE id = ?1",
                  "it", ticket->id, ticket_state_names[state]);
    if (!err) {
        err = clocks_restart(sql, ticket->id);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, "heliograph", "relapse", NULL,
                          "the fault is back", NULL);
    }
    if (!err && !ticket->late) {
        TEXT(step, 64);

        text_addf(&step, "relapsed.%lld", (long long)at_ms);
        err = ticket_tell(desk, sql, ticket, step.at, "the fault is back", now_ms);
    }
    if (!err) {
        err = clocks_judge(desk, sql, ticket, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err ticket_close(struct desk *desk, struct sql *sql, struct ticket *ticket, const char *who,
                      const char *resolution, const char *action_id, int64_t at_ms, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE pause SET to_ms = MAX(?2, from_ms) WHERE ticket = ?1 AND to_ms IS"
                           " NULL",
                           "ii", ticket->id, at_ms);

    if (!err) {
        err = clocks_stop(sql, ticket->id, PLAN_CLEARED_STOP, at_ms);
    }
    if (!err) { /* what was missed by then stays missed */
        err = clocks_judge(desk, sql, ticket, at_ms);
    }
    if (!err) {
        err = clocks_cancel(sql, ticket->id, at_ms, false);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE ticket SET closed_ms = ?2, resolution = ?3, hold_until_ms = NULL, next_ms"
                      " = NULL, state = 'closed', version = version + 1 WHERE id = ?1",
                      "iit", ticket->id, at_ms, resolution);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE work_order SET state = 'cancelled', reason = 'the ticket was closed',"
                      " version = version + 1, sequence = sequence + 1 WHERE ticket = ?1 AND state IN"
                      " ('proposed', 'dispatched', 'assigned', 'accepted', 'refused')",
                      "i", ticket->id);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, who, "close", action_id, resolution, NULL);
    }
    ticket->closed_ms = at_ms;
    ticket->hold_until_ms = 0;
    ticket->state = TICKET_CLOSED;
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}
