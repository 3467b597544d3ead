/* What is owed to people: the fault analysis of a ticket as JSON and as a page to print; notices and their receipts. */
#include <string.h>

#include "server/api/api_int.h"
#include "server/desk/rca.h"

/* ------------------------------------------------------------------ HTML */

static void put(struct call *call, const char *words)
{
    json_put_raw(call->out, words, strlen(words));
    call->out->comma = false;
}

static void put_safe(struct call *call, const char *words)
{
    for (; words && *words; words++) {
        const char *safe = *words == '<'    ? "&lt;"
                           : *words == '>'  ? "&gt;"
                           : *words == '&'  ? "&amp;"
                           : *words == '"'  ? "&quot;"
                           : *words == '\'' ? "&#39;"
                                            : NULL;

        json_put_raw(call->out, safe ? safe : words, safe ? strlen(safe) : 1);
        call->out->comma = false;
    }
}

static void put_cell(struct call *call, const char *words)
{
    put(call, "<td>");
    put_safe(call, words);
    put(call, "</td>");
}

static void put_pair(struct call *call, const char *title, const char *words)
{
    put(call, "<tr><th>");
    put(call, title);
    put(call, "</th>");
    put_cell(call, words);
    put(call, "</tr>");
}

static void put_number_cell(struct call *call, const struct cJSON *value)
{
    TEXT(words, 40);
    double number;

    if (json_as_number(json_field(value, "value"), &number)) {
        text_add_number(&words, number);
    }
    put_cell(call, words.at);
}

static void put_telemetry(struct call *call, const struct cJSON *facts)
{
    put(call, "<h2>Telemetry · 遥测</h2><table border=\"1\"><tr><th>Point · 测点</th><th>Unit · 单位</th><th>Before · 故障前"
              "</th><th>Onset · 故障时</th><th>Cleared · 恢复时</th><th>After · 恢复后</th></tr>");
    for (const struct cJSON *at = json_first(json_field(facts, "telemetry")); at; at = json_next(at)) {
        put(call, "<tr>");
        put_cell(call, json_text_or(at, "point", ""));
        put_cell(call, json_text_or(at, "unit", ""));
        put_number_cell(call, json_field(at, "before"));
        put_number_cell(call, json_field(at, "onset"));
        put_number_cell(call, json_field(at, "cleared"));
        put_number_cell(call, json_field(at, "after"));
        put(call, "</tr>");
    }
    put(call, "</table>");
}

/* A table of texts: the fields of every item of a list. */
static void put_list(struct call *call, const char *title, const struct cJSON *list, const char *const *fields)
{
    put(call, "<h2>");
    put(call, title);
    put(call, "</h2><table border=\"1\">");
    for (const struct cJSON *at = json_first(list); at; at = json_next(at)) {
        put(call, "<tr>");
        for (size_t i = 0; fields[i]; i++) {
            put_cell(call, json_text_or(at, fields[i], ""));
        }
        put(call, "</tr>");
    }
    put(call, "</table>");
}

static void put_page(struct call *call, const struct cJSON *rca)
{
    static const char *const clock[] = {"kind", "limit", "started_at", "due_at", "met_at", "breached_at", "state", NULL};
    static const char *const action[] = {"at", "who", "action", "note", NULL};
    static const char *const part[] = {"part", "title_en", "title_zh", NULL};
    static const char *const item[] = {"what", "owner", "due", NULL};
    const struct cJSON *facts = json_field(rca, "facts");

    call->answer->type = "text/html; charset=utf-8";
    put(call, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Fault analysis</title>"
              "<h1>Fault analysis report · 故障分析报告</h1><table border=\"1\">");
    put_pair(call, "Ticket · 工单", json_text_or(facts, "ticket", ""));
    put_pair(call, "Equipment · 设备", json_text_or(facts, "equipment", ""));
    put_pair(call, "Fault · 故障", json_text_or(facts, "title_en", ""));
    put_pair(call, "", json_text_or(facts, "title_zh", ""));
    put_pair(call, "Onset · 发生", json_text_or(facts, "onset", ""));
    put_pair(call, "Cleared · 恢复", json_text_or(facts, "cleared_at", ""));
    put_pair(call, "State · 状态", json_text_or(rca, "state", ""));
    put_pair(call, "Cause code · 原因代码", json_text_or(rca, "cause_code", ""));
    put_pair(call, "Cause · 原因", json_text_or(rca, "cause", ""));
    put_pair(call, "Written by · 编写", json_text_or(rca, "edited_by", ""));
    put_pair(call, "Approved by · 批准", json_text_or(rca, "approved_by", ""));
    put(call, "</table>");
    put_list(call, "Prevention · 预防措施", json_field(rca, "prevention"), item);
    put_telemetry(call, facts);
    put_list(call, "Clocks · 时限", json_field(facts, "clocks"), clock);
    put_list(call, "Actions · 处理过程", json_field(facts, "actions"), action);
    put_list(call, "Parts · 配件", json_field(facts, "parts"), part);
    put(call, "</html>");
}

/* ------------------------------------------------------------------ routes */

void people_rca(struct call *call)
{
    static const char *const formats[] = {"json", "html", NULL};
    int64_t id = view_find_ticket(call->sql, call->parts[1]);
    struct json_out out = json_out(1024 * 1024);
    const struct cJSON *rca;
    const char *format;
    enum err err;

    if (!call_word(call, "format", formats, &format)) {
        return;
    }
    err = id < 0 ? ERR_NOT_FOUND : rca_put(call->sql, call->api->options.rules, id, call->now_ms, &out);
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no analysis of a ticket %s: it is drafted when its fault has cleared",
                     call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else if (!text_same(format, "html")) {
        json_put_raw(call->out, out.bytes, out.size);
    } else if (json_parse(call->request->arena, out.bytes, out.size, &rca, NULL)) {
        call_problem(call, 503, "The report is too long", "ask for JSON");
    } else {
        put_page(call, rca);
    }
    json_out_free(&out);
}

/* ------------------------------------------------------------------ notices */

static enum err show_notice(struct call *call, int64_t id)
{
    struct json_out *out = call->out;
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT o.id, o.notice, c.name, o.channel, o.target, t.number, o.subject, o.state, o.attempts, o.why,"
             " o.receipt, o.created_ms, o.next_ms, o.sent_ms, o.receipt_ms FROM outbox o LEFT JOIN customer c ON c.id ="
             " o.customer LEFT JOIN ticket t ON t.id = o.ticket WHERE o.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        json_open_object(out);
        json_int(out, "id", sql_int(&rows, 0));
        json_text(out, "audience", sql_null(&rows, 2) ? "staff" : "customer");
        json_text(out, "notice", sql_text(&rows, 1));
        json_text(out, "customer", sql_text(&rows, 2));
        json_text(out, "channel", sql_text(&rows, 3));
        /* a webhook's address may hold a password */
        json_text(out, "address", text_same(sql_text(&rows, 3), "smtp") ? sql_text(&rows, 4) : NULL);
        json_text(out, "ticket", sql_text(&rows, 5));
        json_text(out, "subject", sql_text(&rows, 6));
        json_text(out, "state", sql_text(&rows, 7));
        json_int(out, "attempts", sql_int(&rows, 8));
        json_text(out, "why", sql_text(&rows, 9));
        call_time(call, "created_at", sql_int(&rows, 11));
        call_time(call, "due_at", sql_int(&rows, 12));
        call_time(call, "sent_at", sql_int(&rows, 13));
        json_text(out, "receipt", sql_text(&rows, 10));
        call_time(call, "receipt_at", sql_int(&rows, 14));
        json_close_object(out);
    }
    return sql_end(&rows);
}

/* One ticket's, in the order in which they were written. */
void people_notices(struct call *call)
{
    const char *number = http_query(call->request, "ticket");
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    if (number) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM outbox WHERE ticket = ?1 AND id > ?2 ORDER BY id LIMIT ?3", "iii",
                 view_find_ticket(call->sql, number), page.after, page.limit + 1);
    } else { /* all, the youngest first */
        sql_find(call->sql, &rows, "SELECT id, NULL FROM outbox WHERE id < ?1 ORDER BY id DESC LIMIT ?2", "ii",
                 page.after > 0 ? page.after : INT64_MAX, page.limit + 1);
    }
    call_list(call, &rows, &page, show_notice);
}

/* A gateway says what became of a notice. read is the last word, failed the first. */
static enum err do_receipt(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    static const char *const states[] = {"failed", "delivered", "read", NULL};
    const char *state = json_text_or(call->body, "state", "");
    int64_t id;
    int i = 0;
    enum err err;

    while (states[i] && !text_same(states[i], state)) {
        i++;
    }
    if (!states[i]) {
        return text_say(why, ERR_FORMAT, "state: expected delivered, failed or read, found '%.40s'", state);
    }
    if (text_to_int(call->parts[1], strlen(call->parts[1]), &id) ||
        !sql_find_int(sql, 0, "SELECT 1 FROM outbox WHERE id = ?1", "i", id)) {
        return text_say(why, ERR_NOT_FOUND, "no notice %.40s", call->parts[1]);
    }
    err = sql_run(sql,
                  "UPDATE outbox SET receipt = ?2, receipt_ms = ?3 WHERE id = ?1 AND (receipt IS NULL OR receipt = 'failed'"
                  " OR ?2 = 'read') AND COALESCE(receipt, '') <> ?2",
                  "iti", id, state, now_ms);
    if (!err) { /* as it is now, not as readers see it */
        struct sql *reader = call->sql;

        call->sql = sql;
        err = show_notice(call, id);
        call->sql = reader;
    }
    return err;
}

void people_receipt(struct call *call)
{
    (void)!call_write(call, do_receipt);
}
