/* Escalations: the list, and what people do with one. */
#include <string.h>

#include "server/api/act.h"
#include "server/field/escalate.h"

static enum err put_events(struct call *call, int64_t id)
{
    static const char *const columns[] = {"kind", "who", "id", "note"};
    struct sql_rows rows;

    json_key(call->out, "events");
    json_open_list(call->out);
    sql_find(call->sql, &rows,
             "SELECT kind, who, action_id, note, at_ms, step, repetition, data FROM escalation_event WHERE escalation = ?1 ORDER"
             " BY id LIMIT 200",
             "i", id);
    while (sql_next(&rows)) {
        json_open_object(call->out);
        for (int i = 0; i < 4; i++) {
            json_text(call->out, columns[i], sql_text(&rows, i));
        }
        call_time(call, "at", sql_int(&rows, 4));
        json_raw(call->out, "step", sql_text(&rows, 5));
        json_raw(call->out, "repetition", sql_text(&rows, 6));
        json_raw(call->out, "told", sql_text(&rows, 7));
        json_close_object(call->out);
    }
    json_close_list(call->out);
    return sql_end(&rows);
}

static enum err show(struct call *call, int64_t id)
{
    struct sql_rows rows;
    enum err err;

    sql_find(call->sql, &rows,
             "SELECT e.number, t.number, e.condition, e.since_ms, e.told_ms, e.closed_ms, e.outcome, e.next_ms, e.version FROM"
             " escalation e JOIN ticket t ON t.id = e.ticket WHERE e.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        json_open_object(call->out);
        json_text(call->out, "number", sql_text(&rows, 0));
        json_text(call->out, "ticket", sql_text(&rows, 1));
        json_text(call->out, "condition", sql_text(&rows, 2));
        json_text(call->out, "state", !sql_null(&rows, 5) ? "closed" : !sql_null(&rows, 4) ? "open" : "armed");
        call_time(call, "since", sql_int(&rows, 3));
        call_time(call, "told_at", sql_int(&rows, 4));
        call_time(call, "closed_at", sql_int(&rows, 5));
        json_text(call->out, "outcome", sql_text(&rows, 6));
        call_time(call, "next_at", sql_int(&rows, 7));
        json_int(call->out, "version", sql_int(&rows, 8));
    }
    err = sql_end(&rows);
    if (!err) {
        err = put_events(call, id);
    }
    json_close_object(call->out);
    return err;
}

void escalations_list(struct call *call)
{
    static const char *const states[] = {"open", "armed", "closed", NULL};
    const char *state, *ticket = http_query(call->request, "ticket");
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state)) {
        return;
    }
    if (state && strcmp(state, "open") == 0) { /* few of many: an index of their own */
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM escalation WHERE closed_ms IS NULL AND told_ms IS NOT NULL AND id > ?1 AND (?2 IS NULL OR"
                 " ticket = (SELECT id FROM ticket WHERE number = ?2)) ORDER BY id LIMIT ?3",
                 "iti", page.after, ticket, page.limit + 1);
    } else {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM escalation WHERE id > ?1 AND (?2 IS NULL OR ticket = (SELECT id FROM ticket WHERE number"
                 " = ?2)) AND (?4 IS NULL OR (?4 = 'closed' AND closed_ms IS NOT NULL) OR (?4 = 'armed' AND closed_ms IS NULL"
                 " AND told_ms IS NULL)) ORDER BY id LIMIT ?3",
                 "itit", page.after, ticket, page.limit + 1, state);
    }
    call_list(call, &rows, &page, show);
}

static enum err do_action(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = sql_find_int(sql, -1, "SELECT id FROM escalation WHERE number = ?1", "t", call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no escalation %s", call->parts[1]) : act_read(call, &action, why);

    if (!err && !escalate_did(sql, id, action.action_id)) {
        err = act_match(call, sql_find_int(sql, 0, "SELECT version FROM escalation WHERE id = ?1", "i", id), why);
        if (!err) {
            err = desk_escalation_action(call->api->options.desk, sql, id, &action, now_ms, why);
        }
    }
    if (!err) {
        struct sql *reader = call->sql;

        call_tag(call, sql_find_int(sql, 0, "SELECT version FROM escalation WHERE id = ?1", "i", id));
        call->sql = sql; /* what this transaction has just written */
        err = show(call, id);
        call->sql = reader;
    }
    return err;
}

void escalations_act(struct call *call)
{
    (void)!call_write(call, do_action);
}
