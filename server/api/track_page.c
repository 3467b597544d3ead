/* The customers' pages, in English and Chinese: a ticket's progress with pictures to send, a survey, a complaint's answer. The script stands in
 * a file of its own: the pages' policy allows none inside. */
#include <string.h>

#include "server/api/api_int.h"
#include "server/api/html.h"
#include "server/api/page.h"
#include "server/api/paper.h"

static const char script[] =
    "'use strict';\n"
    "const say = (form, en, zh) => { form.querySelector('output').textContent = en + ' · ' + zh; };\n"
    "const post = (form, body, type) => fetch(form.getAttribute('action'), {method: 'POST', headers: {'Content-Type': type}, body});\n"
    /* a phone's picture is far larger than what is needed: 1600 px, JPEG */
    "async function shrink(file) {\n"
    "  const picture = await createImageBitmap(file), scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));\n"
    "  const canvas = document.createElement('canvas');\n"
    "  canvas.width = Math.round(picture.width * scale); canvas.height = Math.round(picture.height * scale);\n"
    "  canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);\n"
    "  return new Promise(done => canvas.toBlob(done, 'image/jpeg', 0.8));\n"
    "}\n"
    "async function send(form) {\n"
    "  if (form.dataset.kind !== 'photo') {\n"
    "    const body = {};\n"
    "    for (const [name, value] of new FormData(form)) {\n"
    "      const [room, key] = name.split('.');\n"
    "      const said = value === 'true' ? true : value === 'false' ? false : /^[1-5]$/.test(value) && !form.elements[name].maxLength ? Number(value) : value;\n"
    "      if (!key) body[name] = said; else if (said !== '') (body[room] ||= {})[key] = said;\n"
    "    }\n"
    "    return post(form, JSON.stringify(body), 'application/json');\n"
    "  }\n"
    "  const file = form.querySelector('input[type=file]').files[0];\n"
    "  let bytes = file;\n"
    "  if (file.size > 900000) bytes = await shrink(file);\n"
    "  return post(form, bytes, 'application/octet-stream');\n"
    "}\n"
    "for (const form of document.querySelectorAll('form')) form.addEventListener('submit', event => {\n"
    "  event.preventDefault();\n"
    "  send(form).then(async answer => answer.ok ? say(form, 'Received, thank you', '已收到，谢谢')\n"
    "    : say(form, (await answer.json()).detail || 'Not taken', '未能提交'), () => say(form, 'Please try again', '请重试'));\n"
    "});\n";

void page_style(struct call *call)
{
    call->answer->type = "text/css; charset=utf-8";
    json_put_raw(call->out, html_style, strlen(html_style));
}

void page_script(struct call *call)
{
    call->answer->type = "text/javascript; charset=utf-8";
    html_put(call->out, script);
}

/* The last segment of the page's path. */
static const char *behind(const struct call *call)
{
    const char *last = strrchr(call->request->path, '/');

    return last ? last + 1 : "";
}

const struct cJSON *page_ask(struct call *call, void (*route)(struct call *call))
{
    const struct cJSON *value = NULL;
    char *bytes;

    call->parts[1] = behind(call);
    route(call);
    if (call->answer->status >= 400 || call->out->err) {
        return NULL;
    }
    bytes = arena_text(call->request->arena, call->out->bytes, call->out->size);
    if (!bytes || json_parse(call->request->arena, bytes, strlen(bytes), &value, NULL)) {
        return NULL;
    }
    json_out_reset(call->out);
    call->answer->type = "text/html; charset=utf-8";
    return value;
}

void page_open_form(struct call *call, const char *kind, const char *room, const char *id, const char *what)
{
    struct json_out *out = call->out;

    html_put(out, "<form data-kind=\"");
    html_text(out, kind);
    html_put(out, "\" action=\"/api/v1/");
    html_text(out, room);
    html_put(out, "/");
    html_text(out, id);
    html_put(out, "/");
    html_text(out, what);
    html_put(out, "?code=");
    html_text(out, http_query(call->request, "code"));
    html_put(out, "\">");
}

void page_close_form(struct json_out *out, const char *en, const char *zh)
{
    html_put(out, "<button>");
    html_text(out, en);
    html_put(out, " · ");
    html_text(out, zh);
    html_put(out, "</button> <output></output></form>");
}

void page_track(struct call *call)
{
    const struct cJSON *track;
    struct json_out *out = call->out;

    track = page_ask(call, track_show);
    if (!track) {
        return;
    }
    html_open(out, "Progress of your ticket", "工单进度");
    if (paper_put(call, "track", track)) { /* a company without that paper shows the number alone */
        html_text(out, json_text_or(track, "number", ""));
    }
    if (!json_as_text(json_field(track, "closed_at"))) {
        html_put(out, "<h2>Send a picture of the trouble · 上传故障照片</h2>");
        page_open_form(call, "photo", "track", call->parts[1], "photos");
        html_put(out, "<input type=\"file\" accept=\"image/*,video/mp4\" required>");
        page_close_form(out, "Send", "提交");
    }
    html_put(out, "<h2>Complain, or tell us what to do better · 投诉与建议</h2>");
    page_open_form(call, "complaint", "track", call->parts[1], "complaints");
    html_put(out, "<select name=\"kind\"><option value=\"complaint\">Complaint · 投诉</option><option value=\"feedback\">Feedback · 反馈"
                  "</option><option value=\"suggestion\">Suggestion · 建议</option></select><br><textarea name=\"detail\" required"
                  " maxlength=\"1300\"></textarea><br>");
    page_close_form(out, "Send", "提交");
    html_put(out, "<script src=\"/track.js\"></script>");
    html_close(out);
}

static void put_scores(struct json_out *out, const char *name, const char *en, const char *zh)
{
    html_put(out, "<p>");
    html_text(out, en);
    html_put(out, " · ");
    html_text(out, zh);
    html_put(out, "<br>");
    for (char score = '1'; score <= '5'; score++) {
        char digit[2] = {score, 0};

        html_put(out, "<label><input type=\"radio\" required name=\"");
        html_put(out, name);
        html_put(out, "\" value=\"");
        html_put(out, digit);
        html_put(out, "\">");
        html_put(out, digit);
        html_put(out, "</label> ");
    }
    html_put(out, "</p>");
}

void page_survey(struct call *call)
{
    struct json_out *out = call->out;

    if (!page_ask(call, survey_show)) {
        return;
    }
    html_open(out, "How did we do?", "满意度调查");
    html_put(out, "<p>1 = bad · 很不满意, 5 = very good · 非常满意</p>");
    page_open_form(call, "survey", "surveys", call->parts[1], "answer");
    put_scores(out, "attitude", "Attitude of our people", "服务态度");
    put_scores(out, "quality", "Quality of the repair", "维修质量");
    put_scores(out, "speed", "Speed of the response", "响应速度");
    html_put(out, "<p>Anything else · 其他意见<br><textarea name=\"comment\" maxlength=\"600\"></textarea></p>");
    page_close_form(out, "Send", "提交");
    html_put(out, "<h2>No more surveys · 不再接收调查</h2>");
    page_open_form(call, "opt-out", "surveys", call->parts[1], "opt-out");
    html_put(out, "<input type=\"hidden\" name=\"topic\" value=\"survey\"><input type=\"hidden\" name=\"out\" value=\"true\">");
    page_close_form(out, "I want none", "不再接收");
    html_put(out, "<script src=\"/track.js\"></script>");
    html_close(out);
}

/* Who was invited to a training or a show says whether he comes. */
void page_invitation(struct call *call)
{
    struct json_out *out = call->out;
    const struct cJSON *invitation;

    call->parts[1] = behind(call);
    invitation = page_ask(call, invitation_show);
    if (!invitation) {
        return;
    }
    html_open(out, "Invitation", "邀请");
    if (paper_put(call, "invitation", invitation)) {
        html_text(out, json_text_or(invitation, "number", ""));
    }
    page_open_form(call, "answer", "invitations", call->parts[1], "answer");
    html_put(out, "<p><label><input type=\"radio\" required name=\"answer\" value=\"accepted\"> I come · 参加</label> <label><input"
                  " type=\"radio\" required name=\"answer\" value=\"declined\"> I do not come · 不参加</label></p>");
    page_close_form(out, "Send", "提交");
    html_put(out, "<script src=\"/track.js\"></script>");
    html_close(out);
}
