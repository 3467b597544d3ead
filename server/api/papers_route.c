/*
 * Papers of a work order, made from its rows: authorisation (D-15), repair record (D-17), acceptance form (D-18), service
 * order (D-04), record of a change (D-54). One and the same paper as JSON ({fields, tables}) and, with ?format=html, as a
 * page to print in both languages.
 */
#include <string.h>

#include "server/api/api_int.h"
#include "server/api/html.h"

#define PAPER_MOST (4 * 1024 * 1024)

struct paper {
    const char *name, *en, *zh;
    const struct field *fields;
    const struct table *tables;
};

struct field { /* path: keys from the order's own object, with dots */
    const char *path, *en, *zh;
};

struct table {
    const char *path, *en, *zh; /* of the list */
    const struct field *columns;
};

/* ------------------------------------------------------------------ what stands in which paper */

#define HEAD                                                                                       \
    {"number", "Work order", "工单号"}, {"ticket", "Ticket", "报修单号"}, {"kind", "Kind", "类型"}, \
        {"equipment", "Equipment", "设备"}, {"site", "Site", "地点"}, {"address", "Address", "地址"}
#define WHO {"team", "Team", "班组"}, {"technician", "Technician", "技术员"}

static const struct field authorisation_fields[] = {
    HEAD, WHO, {"code", "Code, to be shown on arrival", "上门核验码"},
    {"appointment.from", "Valid from", "有效期起"}, {"appointment.to", "Valid to", "有效期止"},
    {"appointment.agreed_by", "Agreed with", "预约人"}, {"job.title.en", "Scope", "委托内容"},
    {"job.title.zh", "Scope (Chinese)", "委托内容（中文）"}, {"urgency", "Urgency", "紧急程度"}, {0}};
static const struct field record_fields[] = {
    HEAD, WHO, {"state", "State", "状态"}, {"job.id", "Job plan", "作业方案"}, {"job.version", "Version", "版本"},
    {"tests.before.at", "Test before", "维修前测试"}, {"tests.before.verdict", "Result before", "维修前结果"},
    {"tests.after.at", "Test after", "维修后测试"}, {"tests.after.verdict", "Result after", "维修后结果"},
    {"result.result", "Customer", "用户意见"}, {"result.remarks", "Remarks", "备注"}, {0}};
static const struct field acceptance_fields[] = {
    HEAD, WHO, {"tests.after.verdict", "Result of the test", "测试结果"},
    {"result.result", "Accepted or refused", "验收结论"}, {"result.by", "By", "验收人"},
    {"result.at", "Time", "时间"}, {"result.remarks", "Remarks", "备注"}, {0}};
static const struct field order_fields[] = {HEAD, WHO, {"reason", "Remarks", "备注"}, {0}};
static const struct field change_fields[] = {
    HEAD, WHO, {"appointment.from", "From", "开始"}, {"appointment.to", "To", "结束"},
    {"appointment.agreed_by", "Agreed with", "确认人"}, {"tests.before.at", "Snapshot before", "变更前快照"},
    {"tests.after.at", "Snapshot after", "变更后快照"}, {0}};

static const struct field step_columns[] = {{"title_en", "Step", "步骤"}, {"title_zh", "Step (Chinese)", "步骤（中文）"},
                                            {"value", "Answer", "结果"}, {"unit", "Unit", "单位"},
                                            {"limits", "Limits", "限值"}, {"light", "Light", "判定"}, {0}};
static const struct field check_columns[] = {{"title.en", "Check", "检查项"}, {"title.zh", "Check (Chinese)", "检查项（中文）"},
                                             {"reading", "Reading", "读数"}, {"limit", "Limit", "限值"},
                                             {"light", "Light", "判定"}, {0}};
static const struct field part_columns[] = {{"part", "Part", "配件"}, {"used", "Used", "使用"},
                                            {"lines.0.serial_old", "Old serial", "旧件序列号"},
                                            {"lines.0.serial_new", "New serial", "新件序列号"},
                                            {"lines.0.unit_cost", "Unit cost", "单价"}, {0}};
static const struct field action_columns[] = {{"kind", "Action", "处理"}, {"item", "Item", "对象"}, {"old", "Old", "原值"},
                                              {"new", "New", "新值"}, {"note", "Note", "备注"}, {0}};
static const struct field scope_columns[] = {{"item", "Item", "项目"}, {"quantity", "Quantity", "数量"},
                                             {"unit", "Unit", "单位"}, {"method", "Method", "方法"},
                                             {"labour", "Labour", "人工费"}, {"material", "Material", "材料费"},
                                             {"mismatch", "Not in the list of components", "不在设备清单"}, {0}};
static const struct field hour_columns[] = {{"technician", "Technician", "技术员"}, {"kind", "Kind", "类别"},
                                            {"from", "From", "开始"}, {"to", "To", "结束"},
                                            {"minutes", "Minutes", "分钟"}, {0}};
static const struct field sign_columns[] = {{"role", "Role", "身份"}, {"name", "Name", "签名"}, {"at", "Time", "时间"}, {0}};
static const struct field gate_columns[] = {{"title.en", "Confirmation", "确认事项"}, {"title.zh", "(Chinese)", "（中文）"},
                                            {"by", "By", "确认人"}, {"at", "Time", "时间"},
                                            {"reference", "Document", "文件"}, {0}};
static const struct field time_columns[] = {{"at", "Time", "时间"}, {"action", "Action", "操作"}, {"who", "Who", "人员"},
                                            {"note", "Note", "备注"}, {0}};
static const struct field advice_columns[] = {{"en", "Please note", "注意事项"}, {"zh", "(Chinese)", "（中文）"}, {0}};
static const struct field photo_columns[] = {{"id", "File", "文件"}, {"step", "Step", "步骤"}, {"type", "Type", "类型"},
                                             {"hash", "SHA-256", "校验值"}, {"at", "Time", "时间"}, {"who", "Who", "人员"}, {0}};

#define SIGNED {"signatures", "Signatures", "签名", sign_columns}
static const struct table authorisation_tables[] = {{"gates", "Confirmations", "确认", gate_columns}, {0}};
static const struct table record_tables[] = {
    {"checklist", "Checklist", "检查表", step_columns}, {"tests.before.checks", "Before", "维修前", check_columns},
    {"tests.after.checks", "After", "维修后", check_columns}, {"actions", "Actions", "处理措施", action_columns},
    {"parts", "Parts", "配件", part_columns}, {"times", "Hours", "工时", hour_columns},
    {"attachments", "Files", "附件", photo_columns}, {"timeline", "Times", "时间记录", time_columns}, SIGNED, {0}};
static const struct table acceptance_tables[] = {{"tests.after.checks", "Checked after the repair", "维修后检查", check_columns},
                                                 {"actions", "What was done", "处理措施", action_columns},
                                                 {"job.advice", "Precautions and upkeep", "注意事项与保养", advice_columns},
                                                 SIGNED, {0}};
static const struct table order_tables[] = {{"scope", "Items", "维修项目", scope_columns},
                                            {"gates", "Approvals", "审批", gate_columns},
                                            {"attachments", "Photos", "照片", photo_columns}, SIGNED, {0}};
static const struct table change_tables[] = {{"gates", "Confirmations", "确认", gate_columns},
                                             {"tests.before.checks", "Before", "变更前", check_columns},
                                             {"tests.after.checks", "After", "变更后", check_columns},
                                             {"timeline", "Times", "时间记录", time_columns}, SIGNED, {0}};

static const struct paper papers[] = {
    {"authorisation", "Repair authorisation", "维修委托书", authorisation_fields, authorisation_tables},
    {"repair_record", "Repair record", "三包维修记录", record_fields, record_tables},
    {"acceptance_form", "Repair acceptance form", "维修验收单", acceptance_fields, acceptance_tables},
    {"service_order", "Repair service order", "维修服务单", order_fields, order_tables},
    {"change_record", "Record of a planned change", "割接记录", change_fields, change_tables},
};

/* ------------------------------------------------------------------ made */

/* The value at a path of keys and numbers with dots; NULL: none. */
static const struct cJSON *pick(const struct cJSON *from, const char *path)
{
    while (from && *path) {
        size_t size = strcspn(path, ".");
        char key[64] = "";

        memcpy(key, path, size < sizeof(key) ? size : sizeof(key) - 1);
        from = json_is_list(from) ? json_first(from) : json_field(from, key); /* lists: the first */
        path += size + (path[size] == '.');
    }
    return from;
}

static void put_value(struct json_out *out, const struct cJSON *value)
{
    json_key(out, "value");
    if (value) {
        json_put_value(out, value);
    } else {
        json_put_null(out);
    }
}

static void put_name(struct json_out *out, const char *en, const char *zh)
{
    json_text(out, "en", en);
    json_text(out, "zh", zh);
}

static void put_table(struct json_out *out, const struct cJSON *order, const struct table *table)
{
    json_open_object(out);
    put_name(out, table->en, table->zh);
    json_key(out, "columns");
    json_open_list(out);
    for (const struct field *column = table->columns; column->path; column++) {
        json_open_object(out);
        put_name(out, column->en, column->zh);
        json_close_object(out);
    }
    json_close_list(out);
    json_key(out, "rows");
    json_open_list(out);
    for (const struct cJSON *row = json_first(pick(order, table->path)); row; row = json_next(row)) {
        json_open_list(out);
        for (const struct field *column = table->columns; column->path; column++) {
            const struct cJSON *value = pick(row, column->path);

            if (value) {
                json_put_value(out, value);
            } else {
                json_put_null(out);
            }
        }
        json_close_list(out);
    }
    json_close_list(out);
    json_close_object(out);
}

static void put_paper(struct json_out *out, const struct cJSON *order, const struct paper *paper)
{
    json_open_object(out);
    json_text(out, "document", paper->name);
    put_name(out, paper->en, paper->zh);
    json_key(out, "fields");
    json_open_list(out);
    for (const struct field *field = paper->fields; field->path; field++) {
        json_open_object(out);
        put_name(out, field->en, field->zh);
        put_value(out, pick(order, field->path));
        json_close_object(out);
    }
    json_close_list(out);
    json_key(out, "tables");
    json_open_list(out);
    for (const struct table *table = paper->tables; table->path; table++) {
        put_table(out, order, table);
    }
    json_close_list(out);
    json_close_object(out);
}

/* ------------------------------------------------------------------ printed */

static void put_both(struct json_out *out, const char *tag, const struct cJSON *names)
{
    html_put(out, tag);
    html_text(out, json_text_or(names, "en", ""));
    html_put(out, " · ");
    html_text(out, json_text_or(names, "zh", ""));
}

static void print_table(struct json_out *out, const struct cJSON *table)
{
    put_both(out, "<h2>", table);
    html_put(out, "</h2><table border=\"1\"><tr>");
    for (const struct cJSON *column = json_first(json_field(table, "columns")); column; column = json_next(column)) {
        put_both(out, "<th>", column);
        html_put(out, "</th>");
    }
    html_put(out, "</tr>");
    for (const struct cJSON *row = json_first(json_field(table, "rows")); row; row = json_next(row)) {
        html_put(out, "<tr>");
        for (const struct cJSON *cell = json_first(row); cell; cell = json_next(cell)) {
            html_value(out, cell);
        }
        html_put(out, "</tr>");
    }
    html_put(out, "</table>");
}

static void print_paper(struct json_out *out, const struct cJSON *made)
{
    html_open(out, json_text_or(made, "en", ""), json_text_or(made, "zh", ""));
    html_put(out, "<table border=\"1\">");
    for (const struct cJSON *field = json_first(json_field(made, "fields")); field; field = json_next(field)) {
        put_both(out, "<tr><th>", field);
        html_put(out, "</th>");
        html_value(out, json_field(field, "value"));
        html_put(out, "</tr>");
    }
    html_put(out, "</table>");
    for (const struct cJSON *table = json_first(json_field(made, "tables")); table; table = json_next(table)) {
        print_table(out, table);
    }
    html_close(out);
}

static enum err make(struct call *call, int64_t order, const struct paper *paper)
{
    const char *format = http_query(call->request, "format");
    struct json_out shown = json_out(PAPER_MOST), made = json_out(PAPER_MOST);
    const struct cJSON *root = NULL, *whole = NULL;
    enum err err = view_work_order(call->sql, call->api->options.rules, order, &shown);

    if (!err) {
        err = json_parse(call->request->arena, shown.bytes, shown.size, &root, NULL);
    }
    if (!err && format && strcmp(format, "html") == 0) {
        put_paper(&made, root, paper);
        err = made.err ? made.err : json_parse(call->request->arena, made.bytes, made.size, &whole, NULL);
        call->answer->type = "text/html; charset=utf-8";
        print_paper(call->out, whole);
    } else if (!err) {
        put_paper(call->out, root, paper);
    }
    json_out_free(&shown);
    json_out_free(&made);
    return err;
}

void work_paper(struct call *call)
{
    int64_t order = view_find_work_order(call->sql, call->parts[1]);

    for (size_t i = 0; order >= 0 && i < sizeof(papers) / sizeof(papers[0]); i++) {
        if (strcmp(papers[i].name, call->parts[3]) == 0) {
            if (make(call, order, &papers[i])) {
                call_problem(call, 503, "The database is not readable", "try again");
            }
            return;
        }
    }
    call_problem(call, 404, "Not found",
                 "expected a work order and one of authorisation, repair_record, acceptance_form, service_order,"
                 " change_record");
}
