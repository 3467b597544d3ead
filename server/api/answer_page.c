/* Two more of the customers' pages: the answer to a complaint with room for an opinion, and a questionnaire. */
#include "server/api/html.h"
#include "server/api/page.h"
#include "server/api/paper.h"

void page_complaint(struct call *call)
{
    const struct cJSON *complaint = page_ask(call, complaint_progress);
    struct json_out *out = call->out;

    if (!complaint) {
        return;
    }
    html_open(out, "Your complaint", "投诉处理进度");
    if (paper_put(call, "complaint_answer", complaint)) { /* a company without that paper shows the number alone */
        html_text(out, json_text_or(complaint, "number", ""));
    }
    if (text_same(json_text_or(complaint, "state", ""), "answered")) {
        html_put(out, "<h2>Do you accept the answer? · 您是否接受该答复？</h2>");
        page_open_form(call, "opinion", "complaints", call->parts[1], "opinion");
        html_put(out, "<label><input type=\"radio\" name=\"accepted\" value=\"true\" required> Yes · 接受</label> <label><input"
                      " type=\"radio\" name=\"accepted\" value=\"false\"> No · 不接受</label><br><textarea name=\"note\""
                      " maxlength=\"1300\"></textarea><br>");
        page_close_form(out, "Send", "提交");
    }
    html_put(out, "<script src=\"/track.js\"></script>");
    html_close(out);
}

/* ------------------------------------------------------------------ questionnaires */

static void put_option(struct json_out *out, const char *value, const char *words, const char *found)
{
    html_put(out, "<option value=\"");
    html_put(out, value);
    html_put(out, text_same(value, found) ? "\" selected>" : "\">");
    html_text(out, words);
    html_put(out, "</option>");
}

static void put_answer(struct json_out *out, const char *kind, const char *found, const char *name)
{
    if (text_same(kind, "text")) {
        html_put(out, "<textarea maxlength=\"300\" name=\"");
        html_put(out, name);
        html_put(out, "\"></textarea>");
        return;
    }
    html_put(out, "<select name=\"");
    html_put(out, name);
    html_put(out, "\">");
    put_option(out, "", "", found ? NULL : "");
    if (text_same(kind, "yes_no")) {
        put_option(out, "yes", "yes · 是", found);
        put_option(out, "no", "no · 否", found);
    } else {
        for (char score = '1'; score <= '5'; score++) {
            char digit[2] = {score, 0};

            put_option(out, digit, digit, found);
        }
    }
    html_put(out, "</select>");
}

static void put_question(struct json_out *out, const struct cJSON *question)
{
    const struct cJSON *title = json_field(question, "title");
    const char *equipment = json_text_or(question, "equipment", NULL);
    TEXT(name, 40);

    text_addf(&name, "answers.%lld", (long long)json_int_or(question, "position", 0));
    html_put(out, "<p>");
    if (equipment) {
        html_text(out, equipment);
        html_put(out, ": ");
    }
    html_text(out, json_text_or(title, "en", ""));
    html_put(out, " · ");
    html_text(out, json_text_or(title, "zh", ""));
    html_put(out, "<br>");
    put_answer(out, json_text_or(question, "kind", ""), json_text_or(question, "found", NULL), name.at);
    html_put(out, "</p>");
}

void page_questionnaire(struct call *call)
{
    const struct cJSON *asked = page_ask(call, questionnaire_show);
    struct json_out *out = call->out;

    if (!asked) {
        return;
    }
    html_open(out, "How does your equipment run?", "设备运行情况问卷");
    html_put(out, "<p>What we know already is filled in: please correct it. · 已知信息已预填，请核对。</p>");
    page_open_form(call, "questionnaire", "questionnaires", call->parts[1], "answer");
    html_put(out, "<input type=\"hidden\" name=\"answers.0\" value=\"-\">");
    for (const struct cJSON *item = json_first(json_field(asked, "questions")); item; item = json_next(item)) {
        put_question(out, item);
    }
    page_close_form(out, "Send", "提交");
    html_put(out, "<script src=\"/track.js\"></script>");
    html_close(out);
}
