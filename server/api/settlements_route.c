/* Claims on suppliers, and batches for the finance system. */
#include <string.h>

#include "models/base/csv.h"
#include "server/api/act.h"
#include "server/api/paper.h"
#include "server/desk/desk.h"
#include "server/money/money.h"

/* ------------------------------------------------------------------ claims */

static int64_t find_claim(struct call *call, struct sql *sql)
{
    return sql_find_int(sql, 0, "SELECT id FROM claim WHERE number = ?1", "t", call->parts[1]);
}

static enum err show_claim(struct call *call, int64_t id)
{
    return money_show_claim(call->sql, id, call->zone, call->out);
}

void claims_list(struct call *call)
{
    static const char *const states[] = {"open", "sent", "accepted", "refused", "settled", NULL};
    const char *state;
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state)) {
        return;
    }
    if (state) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM claim WHERE state = ?1 AND id > ?2 ORDER BY id LIMIT ?3", "tii", state,
                 page.after, page.limit + 1);
    } else {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM claim WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
    }
    call_list(call, &rows, &page, show_claim);
}

static enum err show_claim_now(struct call *call, struct sql *sql, int64_t id)
{
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM claim WHERE id = ?1", "i", id));
    return money_show_claim(sql, id, call->zone, call->out);
}

static enum err do_claim(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    const char *number = json_text_or(call->body, "ticket", "");
    int64_t ticket = view_find_ticket(sql, number), id = 0;
    enum err err = act_read(call, &action, why);

    if (!err && action.action_id) { /* the same id twice is one claim */
        id = sql_find_int(sql, 0, "SELECT id FROM claim WHERE client_id = ?1", "t", action.action_id);
    }
    if (!err && !id) {
        call->answer->status = 201;
        err = ticket < 0 ? text_say(why, ERR_FORMAT, "ticket: there is none called '%.40s'", number)
                         : desk_claim_open(call->api->options.desk, sql, &action, ticket, now_ms, &id, why);
    }
    return err ? err : show_claim_now(call, sql, id);
}

void claims_post(struct call *call)
{
    (void)!call_write(call, do_claim);
}

static enum err act_claim(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = find_claim(call, sql);
    struct action action;
    enum err err = id ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no claim %s", call->parts[1]);

    if (!err && !(action.action_id && sql_find_int(sql, 0, "SELECT 1 FROM claim_event WHERE claim = ?1 AND action_id = ?2",
                                                   "it", id, action.action_id))) {
        err = act_match(call, sql_find_int(sql, 0, "SELECT version FROM claim WHERE id = ?1", "i", id), why);
        err = err ? err : desk_claim_action(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    return err ? err : show_claim_now(call, sql, id);
}

void claims_act(struct call *call)
{
    (void)!call_write(call, act_claim);
}

/* ------------------------------------------------------------------ settlements */

/* Of a list: without its lines. */
static enum err show_settlement(struct call *call, int64_t id)
{
    return money_show_batch(call->sql, id, call->zone, call->out);
}

void settlements_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    sql_find(call->sql, &rows, "SELECT id, NULL FROM settlement WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
             page.limit + 1);
    call_list(call, &rows, &page, show_settlement);
}

static enum err show_settlement_now(struct call *call, struct sql *sql, int64_t id)
{
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM settlement WHERE id = ?1", "i", id));
    return money_show_settlement(sql, id, call->zone, call->out);
}

static enum err do_settle(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    if (!err && action.action_id) { /* the same id twice is one batch */
        id = sql_find_int(sql, 0, "SELECT id FROM settlement WHERE client_id = ?1", "t", action.action_id);
    }
    if (!err && !id) {
        call->answer->status = 201;
        err = desk_settle(call->api->options.desk, sql, &action, now_ms, &id, why);
    }
    return err ? err : show_settlement_now(call, sql, id);
}

void settlements_post(struct call *call)
{
    (void)!call_write(call, do_settle);
}

static enum err act_settlement(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = sql_find_int(sql, 0, "SELECT id FROM settlement WHERE number = ?1", "t", call->parts[1]);
    struct action action;
    enum err err = id ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no settlement %s", call->parts[1]);

    if (!err) {
        err = act_match(call, sql_find_int(sql, 0, "SELECT version FROM settlement WHERE id = ?1", "i", id), why);
    }
    if (!err) {
        err = money_settlement_act(sql, id, &action, now_ms, why);
    }
    return err ? err : show_settlement_now(call, sql, id);
}

void settlements_act(struct call *call)
{
    (void)!call_write(call, act_settlement);
}

/* ------------------------------------------------------------------ shown and taken away */

static void put_raw(struct call *call, const char *words)
{
    json_put_raw(call->out, words, strlen(words));
    call->out->comma = false;
}

static void put_cell(struct call *call, const struct cJSON *value)
{
    const char *words = json_as_text(value);
    int64_t number;
    double real;
    TEXT(digits, 48);

    if (!words && json_as_int(value, &number)) {
        text_addf(&digits, "%lld", (long long)number);
    } else if (!words && json_as_number(value, &real)) {
        text_add_number(&digits, real);
    }
    csv_put_text(call->out, words ? words : digits.at, words != NULL);
}

static void put_csv(struct call *call, const struct cJSON *batch)
{
    static const char *const columns[] = {"id",         "ticket",      "work_order", "kind",     "payer", "party",
                                          "item",       "words",       "quantity",   "unit_minor", "amount_minor",
                                          "tax_minor",  "total_minor", "currency",   "at",       NULL};

    call->answer->type = "text/csv; charset=utf-8; header=present";
    put_raw(call, "settlement");
    for (int i = 0; columns[i]; i++) {
        put_raw(call, ",");
        put_raw(call, columns[i]);
    }
    put_raw(call, "\r\n");
    for (const struct cJSON *line = json_first(json_field(batch, "lines")); line; line = json_next(line)) {
        put_cell(call, json_field(batch, "number"));
        for (int i = 0; columns[i]; i++) {
            put_raw(call, ",");
            put_cell(call, json_field(line, columns[i]));
        }
        put_raw(call, "\r\n");
    }
}

static bool wants_csv(struct call *call)
{
    const char *accept = http_header(call->request, "Accept");

    return text_same(http_query(call->request, "format"), "csv") ||
           http_accepts(accept, "text/csv") > http_accepts(accept, "application/json");
}

static enum err put_record(struct call *call, const struct json_out *record, const char *paper, bool csv)
{
    const struct cJSON *root = NULL;
    enum err err = ERR_OK;

    if (csv) {
        err = json_parse(call->request->arena, record->bytes, record->size, &root, NULL);
        if (!err) {
            put_csv(call, root);
        }
    } else if (text_same(http_query(call->request, "format"), "html")) {
        err = paper_show(call, paper, record);
    } else {
        json_put_raw(call->out, record->bytes, record->size);
    }
    return err;
}

void claims_show(struct call *call)
{
    struct json_out record = json_out(PAPER_MOST);
    int64_t id = find_claim(call, call->sql);
    enum err err = id ? money_show_claim(call->sql, id, call->zone, &record) : ERR_NOT_FOUND;

    err = err ? err : put_record(call, &record, "claim", false);
    json_out_free(&record);
    if (err) {
        call_problem(call, err == ERR_NOT_FOUND ? 404 : 503, "Not found", "no claim %s", call->parts[1]);
    }
}

/* Who takes a batch away leaves a line in the trail. */
void settlements_show(struct call *call)
{
    struct json_out record = json_out(64 * 1024 * 1024);
    int64_t id = sql_find_int(call->sql, 0, "SELECT id FROM settlement WHERE number = ?1", "t", call->parts[1]);
    bool csv = wants_csv(call);
    enum err err = id ? money_show_settlement(call->sql, id, call->zone, &record) : ERR_NOT_FOUND;

    err = err || !csv ? err : call_note(call, "settlement taken away as CSV", call->parts[1], NULL);
    err = err ? err : put_record(call, &record, "settlement", csv);
    json_out_free(&record);
    if (err) {
        call_problem(call, err == ERR_NOT_FOUND ? 404 : 503, "Not found", "no settlement %s", call->parts[1]);
    }
}
