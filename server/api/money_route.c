/* What a ticket costs and who pays: its books, quotations and papers, requests that wait, and the customer's own answer. */
#include <string.h>

#include "server/api/act.h"
#include "server/api/paper.h"
#include "server/desk/desk.h"
#include "server/money/money.h"

typedef enum err (*show)(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out);

/* The record itself; with ?format=html its paper. */
static void answer(struct call *call, int64_t id, show show_it, const char *paper)
{
    struct json_out record = json_out(PAPER_MOST);
    enum err err = id ? show_it(call->sql, id, call->zone, &record) : ERR_NOT_FOUND;

    if (!err && text_same(http_query(call->request, "format"), "html")) {
        err = paper_show(call, paper, &record);
    } else if (!err) {
        json_put_raw(call->out, record.bytes, record.size);
    }
    json_out_free(&record);
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no %s %s", paper, call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* ------------------------------------------------------------------ a ticket's */

void money_of_ticket(struct call *call)
{
    int64_t id = view_find_ticket(call->sql, call->parts[1]);

    if (id < 0) {
        call_problem(call, 404, "Not found", "no ticket %s", call->parts[1]);
    } else if (money_show_ticket(call->sql, id, call->zone, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

static enum err show_quotation(struct call *call, int64_t id)
{
    return money_show_quotation(call->sql, id, call->zone, call->out);
}

void quotations_list(struct call *call)
{
    static const char *const states[] = {"open", "accepted", "refused", "replaced", "lapsed", NULL};
    const char *state;
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state)) {
        return;
    }
    if (state) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM quotation WHERE state = ?1 AND id > ?2 ORDER BY id LIMIT ?3", "tii",
                 state, page.after, page.limit + 1);
    } else {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM quotation WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
    }
    call_list(call, &rows, &page, show_quotation);
}

void quotations_show(struct call *call)
{
    answer(call, sql_find_int(call->sql, 0, "SELECT id FROM quotation WHERE number = ?1", "t", call->parts[1]),
           money_show_quotation, "quotation");
}

void invoices_show(struct call *call)
{
    answer(call, sql_find_int(call->sql, 0, "SELECT id FROM invoice WHERE number = ?1", "t", call->parts[1]),
           money_show_invoice, "invoice");
}

/* ------------------------------------------------------------------ what waits for another person */

static enum err show_request(struct call *call, int64_t id)
{
    struct json_out *out = call->out;
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT r.name, t.number, r.kind, r.amount, r.tax, r.reason, r.asked_by, r.asked_ms FROM money_request r JOIN ticket"
             " t ON t.id = r.ticket WHERE r.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "request", sql_text(&rows, 0));
        json_text(out, "ticket", sql_text(&rows, 1));
        json_text(out, "kind", sql_text(&rows, 2));
        json_int(out, "amount_minor", sql_int(&rows, 3));
        json_int(out, "tax_minor", sql_int(&rows, 4));
        json_text(out, "reason", sql_text(&rows, 5));
        json_text(out, "asked_by", sql_text(&rows, 6));
        call_time(call, "asked_at", sql_int(&rows, 7));
        json_close_object(out);
    }
    return sql_end(&rows);
}

void money_requests(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    sql_find(call->sql, &rows, "SELECT id, NULL FROM money_request WHERE state = 'waiting' AND id > ?1 ORDER BY id LIMIT ?2",
             "ii", page.after, page.limit + 1);
    call_list(call, &rows, &page, show_request);
}

/* ------------------------------------------------------------------ the customer's own answer */

/* Whoever has number and code is the customer: {accepted, name?, version?, id?}. */
static enum err do_consent(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = view_find_ticket(sql, call->parts[1]);
    struct action action;
    enum err err = act_read(call, &action, why);

    if (err) {
        return err;
    }
    action.action = "consent";
    action.who = "customer";
    action.role = ROLE_SERVER;
    action.at_ms = now_ms;
    if (!desk_ticket_did(sql, id, action.action_id)) {
        err = desk_ticket_action(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    return err ? err : view_track(sql, call->api->options.rules, id, now_ms, call->out);
}

void money_track_consent(struct call *call)
{
    if (track_find(call) >= 0) {
        (void)!call_write(call, do_consent);
    }
}
