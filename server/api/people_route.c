/* What is owed to people: the fault analysis of a ticket, as JSON and as a page to print. */
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
