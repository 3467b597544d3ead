/* Inspections by the checklist: the list, the phone check, the report; what is proposed from them. */
#include <string.h>

#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/api/html.h"
#include "server/inspection/inspection.h"

#define REPORT_MOST (2 * 1024 * 1024)

static _Atomic(const char *) made[1 << FILTERS_MOST], made_proposals[1 << FILTERS_MOST];

static const struct filters inspections = {
    .select = "SELECT id, NULL FROM inspection WHERE id > ?1",
    .order = "ORDER BY id LIMIT ?2",
    .list = {{"state", "state = #", NULL},
             {"equipment", "equipment = (SELECT id FROM equipment WHERE name = #)", "+equipment = (SELECT id FROM equipment WHERE"
                                                                                  " name = #)"},
             {"way", "way = #", NULL},
             {"site", "equipment IN (SELECT id FROM equipment WHERE site = (SELECT id FROM site WHERE name = #))", NULL}},
    .made = made,
};
static const struct filters proposals = {
    .select = "SELECT id, NULL FROM proposal WHERE id > ?1",
    .order = "ORDER BY id LIMIT ?2",
    .list = {{"state", "state = #", NULL},
             {"equipment", "equipment = (SELECT id FROM equipment WHERE name = #)", "+equipment = (SELECT id FROM equipment WHERE"
                                                                                  " name = #)"},
             {"site", "equipment IN (SELECT id FROM equipment WHERE site = (SELECT id FROM site WHERE name = #))", NULL}},
    .made = made_proposals,
};

/* ------------------------------------------------------------------ the list */

static enum err show_short(struct call *call, int64_t id)
{
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT i.number, e.name, i.state, i.way, i.verdict, i.result, i.period_day, i.created_ms, i.done_ms, s.name,"
             " i.version FROM inspection i JOIN equipment e ON e.id = i.equipment LEFT JOIN site s ON s.id = e.site WHERE i.id ="
             " ?1",
             "i", id);
    if (sql_next(&rows)) {
        char day[11] = "";

        json_open_object(call->out);
        json_text(call->out, "number", sql_text(&rows, 0));
        json_text(call->out, "equipment", sql_text(&rows, 1));
        json_text(call->out, "site", sql_text(&rows, 9));
        json_text(call->out, "state", sql_text(&rows, 2));
        json_text(call->out, "way", sql_text(&rows, 3));
        json_text(call->out, "verdict", sql_text(&rows, 4));
        json_text(call->out, "result", sql_text(&rows, 5));
        if (!sql_null(&rows, 6)) {
            civil_write_date((int32_t)sql_int(&rows, 6), day);
        }
        json_text(call->out, "period", day[0] ? day : NULL);
        call_time(call, "created_at", sql_int(&rows, 7));
        call_time(call, "done_at", sql_int(&rows, 8));
        json_int(call->out, "version", sql_int(&rows, 10));
        json_close_object(call->out);
    }
    return sql_end(&rows);
}

void inspections_list(struct call *call)
{
    static const char *const states[] = {"waiting", "phone", "done", "failed", NULL};
    static const char *const ways[] = {"month", "demand", "test", NULL};
    const char *values[FILTERS_MOST], *word;
    struct page page;

    if (call_page(call, &page) && call_word(call, "state", states, &word) && call_word(call, "way", ways, &word)) {
        filter_read(call, &inspections, values);
        filter_list(call, &inspections, values, &page, show_short);
    }
}

/* ------------------------------------------------------------------ what people do */

static enum err do_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = inspection_find(sql, call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no inspection %s", call->parts[1]) : act_read(call, &action, why);

    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM inspection WHERE id = ?1", "i", id), why);
    err = err ? err : desk_inspection_action(call->api->options.desk, sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call->sql = sql; /* what was just written */
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM inspection WHERE id = ?1", "i", id));
    return orders_put_inspection(call, id);
}

void inspections_act(struct call *call)
{
    struct sql *reader = call->sql;

    (void)!call_write(call, do_act);
    call->sql = reader;
}

/* ------------------------------------------------------------------ the report */

static void put_both(struct json_out *out, const struct cJSON *words)
{
    html_text(out, json_text_or(words, "en", ""));
    html_put(out, " · ");
    html_text(out, json_text_or(words, "zh", ""));
}

static void put_both_cell(struct json_out *out, const struct cJSON *words)
{
    html_put(out, "<td>");
    if (words && !json_is_null(words)) {
        put_both(out, words);
    }
    html_put(out, "</td>");
}

static void put_row(struct json_out *out, const struct cJSON *report, const char *key, const char *title)
{
    html_put(out, "<tr><th>");
    html_put(out, title);
    html_put(out, "</th>");
    html_value(out, json_field(report, key));
    html_put(out, "</tr>");
}

static void print_lines(struct json_out *out, const struct cJSON *report)
{
    html_put(out, "<h2>Lines · 检查项目</h2><table border=\"1\"><tr><th>Line · 项目</th><th>Reading · 读数</th><th>Unit · 单位</th>"
                  "<th>Limits · 限值</th><th>Result · 结论</th><th>Against last month · 较上月</th><th>Answered · 方式</th>"
                  "<th>Ticket · 工单</th><th>Advice · 建议</th></tr>");
    for (const struct cJSON *line = json_first(json_field(report, "lines")); line; line = json_next(line)) {
        html_put(out, "<tr>");
        put_both_cell(out, json_field(line, "title"));
        html_value(out, json_field(line, "reading"));
        html_value(out, json_field(line, "unit"));
        html_value(out, json_field(line, "limit"));
        html_value(out, json_field(line, "verdict"));
        html_value(out, json_field(line, "change"));
        html_value(out, json_field(line, "answered"));
        html_value(out, json_field(line, "ticket"));
        put_both_cell(out, json_field(line, "advice"));
        html_put(out, "</tr>");
    }
    html_put(out, "</table>");
}

static void print_rest(struct json_out *out, const struct cJSON *report)
{
    html_put(out, "<h2>Proposals · 建议</h2><table border=\"1\"><tr><th>Proposal · 建议</th><th>Component · 部件</th>"
                  "<th>Why · 理由</th><th>Evidence · 依据</th><th>Decision · 客户意见</th></tr>");
    for (const struct cJSON *item = json_first(json_field(report, "proposals")); item; item = json_next(item)) {
        html_put(out, "<tr>");
        put_both_cell(out, json_field(item, "title"));
        html_value(out, json_field(item, "component"));
        put_both_cell(out, json_field(item, "reason"));
        html_value(out, json_field(json_field(item, "evidence"), "found"));
        html_value(out, json_field(item, "state"));
        html_put(out, "</tr>");
    }
    html_put(out, "</table><h2>Distribution · 分发</h2><table border=\"1\"><tr><th>Reader · 收件人</th><th>Name · 姓名</th>"
                  "<th>State · 状态</th><th>Sent · 发送时间</th><th>Receipt · 回执</th></tr>");
    for (const struct cJSON *item = json_first(json_field(report, "distribution")); item; item = json_next(item)) {
        html_put(out, "<tr>");
        html_value(out, json_field(item, "role"));
        html_value(out, json_field(item, "name"));
        html_value(out, json_field(item, "state"));
        html_value(out, json_field(item, "sent_at"));
        html_value(out, json_field(item, "receipt"));
        html_put(out, "</tr>");
    }
    html_put(out, "</table>");
}

static void print_report(struct json_out *out, const struct cJSON *report)
{
    html_open(out, "Inspection report", "巡检报告");
    html_put(out, "<table border=\"1\">");
    put_row(out, report, "number", "Number · 编号");
    put_row(out, report, "title", "Equipment · 设备");
    put_row(out, report, "equipment", "Id · 设备编号");
    put_row(out, report, "customer", "Customer · 客户");
    put_row(out, report, "address", "Address · 地址");
    put_row(out, report, "period", "Month · 月份");
    put_row(out, report, "done_at", "Inspected · 巡检时间");
    put_row(out, report, "spoke_with", "By telephone with · 电话联系人");
    put_row(out, report, "result", "Result · 结论");
    html_put(out, "<tr><th>Promised within · 承诺时限</th>");
    html_value(out, json_field(json_field(report, "promise"), "report"));
    html_value(out, json_field(json_field(report, "promise"), "origin"));
    html_put(out, "</tr></table>");
    print_lines(out, report);
    print_rest(out, report);
    html_close(out);
}

void inspections_report(struct call *call)
{
    const char *format = http_query(call->request, "format");
    int64_t id = inspection_find(call->sql, call->parts[1]);
    struct json_out shown = json_out(REPORT_MOST);
    const struct cJSON *report = NULL;
    enum err err = id < 0 ? ERR_NOT_FOUND
                          : inspection_show_report(call->request->arena, call->sql, call->zone, id, &shown);

    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no inspection %s that is done and has a report", call->parts[1]);
    } else if (err || json_parse(call->request->arena, shown.bytes, shown.size, &report, NULL)) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else if (format && strcmp(format, "html") == 0) {
        call->answer->type = "text/html; charset=utf-8";
        print_report(call->out, report);
    } else {
        json_put_raw(call->out, shown.bytes, shown.size);
    }
    json_out_free(&shown);
}

/* ------------------------------------------------------------------ proposals */

static enum err show_proposal(struct call *call, int64_t id)
{
    return proposal_show(call->sql, call->zone, id, call->out);
}

void proposals_list(struct call *call)
{
    static const char *const states[] = {"open", "accepted", "declined", "done", NULL};
    const char *values[FILTERS_MOST], *word;
    struct page page;

    if (call_page(call, &page) && call_word(call, "state", states, &word)) {
        filter_read(call, &proposals, values);
        filter_list(call, &proposals, values, &page, show_proposal);
    }
}

static enum err do_proposal(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    if (!err && text_to_int(call->parts[1], strlen(call->parts[1]), &id)) {
        err = text_say(why, ERR_NOT_FOUND, "no proposal %s", call->parts[1]);
    }
    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM proposal WHERE id = ?1", "i", id), why);
    err = err ? err : proposal_act(sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call->sql = sql;
    return show_proposal(call, id);
}

void proposals_act(struct call *call)
{
    struct sql *reader = call->sql;

    (void)!call_write(call, do_proposal);
    call->sql = reader;
}
