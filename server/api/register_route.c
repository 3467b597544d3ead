/* The service register, questionnaires, and what the desk can tell a customer when it calls. */
#include <string.h>

#include "server/api/act.h"
#include "server/relation/questionnaire.h"
#include "server/relation/register.h"

#define REGISTER_DAYS 30 /* shown when nobody says from when */

/* ------------------------------------------------------------------ the register */

static enum err show_entry(struct call *call, int64_t key)
{
    return register_view(call->sql, key, call->zone, call->out);
}

/* ?name= as a row id; 0: not asked. false: a problem was written. */
static bool read_name(struct call *call, const char *name, const char *statement, int64_t *ret_id)
{
    const char *said = http_query(call->request, name);

    *ret_id = said ? sql_find_int(call->sql, 0, statement, "t", said) : 0;
    if (said && !*ret_id) {
        call_problem(call, 422, "Cannot be done as asked", "%s: expected one that is there, found '%.64s'", name, said);
        return false;
    }
    return true;
}

static bool read_span(struct call *call, const struct page *page, struct register_span *span)
{
    int32_t today = zone_day(call->zone, call->now_ms), from, to;

    if (!call_day(call, "to", today, &to) || !call_day(call, "from", to - REGISTER_DAYS, &from) ||
        !read_name(call, "kept_by", "SELECT id FROM team WHERE name = ?1", &span->kept_by) ||
        !read_name(call, "customer", "SELECT id FROM customer WHERE name = ?1", &span->customer)) {
        return false;
    }
    span->from_ms = zone_instant(call->zone, from, 0);
    span->to_ms = zone_instant(call->zone, to + 1, 0);
    span->after_ms = page->after;
    span->after_key = page->after_too;
    span->limit = page->limit + 1;
    return true;
}

void register_show(struct call *call)
{
    struct register_span span = {.from_ms = 0};
    struct sql_rows rows;
    struct page page;

    if (call_page(call, &page) && read_span(call, &page, &span)) {
        register_list(call->sql, &span, &rows);
        call_list(call, &rows, &page, show_entry);
    }
}

static enum err do_entry(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    err = err ? err : desk_register(call->api->options.desk, sql, &action, now_ms, &id, why);
    if (err) {
        return err;
    }
    call->answer->status = 201;
    return register_view(sql, id * REGISTER_SOURCES + 1, call->zone, call->out);
}

void register_post(struct call *call)
{
    (void)!call_write(call, do_entry);
}

void customer_hints(struct call *call)
{
    int64_t id = sql_find_int(call->sql, 0, "SELECT id FROM customer WHERE name = ?1", "t", call->parts[1]);

    if (!id) {
        call_problem(call, 404, "Not found", "no customer %.64s", call->parts[1]);
    } else if (register_hints(call->request->arena, call->sql, id, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* ------------------------------------------------------------------ questionnaires */

static const char of_questionnaire[] = "SELECT id, code FROM questionnaire WHERE CAST(id AS TEXT) = ?1";

static enum err show_questionnaire(struct call *call, int64_t id)
{
    return questionnaire_view(call->sql, id, call->zone, call->out);
}

void questionnaires_list(struct call *call)
{
    static const char *const states[] = {"open", "answered", "all", NULL};
    const char *state;
    struct sql_rows rows;
    struct page page;
    int64_t customer;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state) ||
        !read_name(call, "customer", "SELECT id FROM customer WHERE name = ?1", &customer)) {
        return;
    }
    if (customer) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM questionnaire WHERE customer = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                 "iii", customer, page.after, page.limit + 1);
    } else if (text_same(state, "open")) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM questionnaire WHERE answered_ms IS NULL AND id > ?1 ORDER BY id LIMIT ?2", "ii",
                 page.after, page.limit + 1);
    } else if (text_same(state, "answered")) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM questionnaire WHERE answered_ms IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2", "ii",
                 page.after, page.limit + 1);
    } else {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM questionnaire WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
    }
    call_list(call, &rows, &page, show_questionnaire);
}

/* For its page. */
void questionnaire_show(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_questionnaire, false);

    if (id && questionnaire_view(call->sql, id, call->zone, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

static enum err do_answer(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *channel = call->role == ROLE_NONE ? "web" : json_text_or(call->body, "channel", "phone");
    int64_t id = *(const int64_t *)call->context;
    struct action action;
    enum err err = act_read(call, &action, why);

    if (!err && strlen(channel) > 20) {
        return text_say(why, ERR_FORMAT, "channel: expected a word such as phone or e-mail");
    }
    err = err ? err : desk_questionnaire_answer(call->api->options.desk, sql, id, &action, channel, now_ms, why);
    return err ? err : questionnaire_view(sql, id, call->zone, call->out);
}

/* By whoever has its code, or by the clerk who has asked. */
void questionnaire_post(struct call *call)
{
    const char *name = call->parts[1];
    int64_t id = 0;

    if (http_query(call->request, "code")) {
        id = call_admitted(call, name, of_questionnaire, true);
        if (!id) {
            return;
        }
    } else {
        session_identify(call);
        if (!(MAY_DESK >> call->role & 1) || call->role == ROLE_NONE || text_to_int(name, strlen(name), &id) ||
            !sql_find_int(call->sql, 0, "SELECT 1 FROM questionnaire WHERE id = ?1", "i", id)) {
            call_problem(call, 404, "Not found", "expected the code of the questionnaire, or a role of the desk");
            return;
        }
    }
    call->context = &id;
    (void)!call_write(call, do_answer);
}
