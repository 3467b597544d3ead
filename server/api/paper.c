#include "server/api/paper.h"

#include <string.h>

#include "server/api/html.h"

enum tongue { BOTH, ENGLISH, CHINESE };

enum err paper_make(struct call *call, const struct paper *paper, const struct json_out *object, struct json_out *made)
{
    const struct cJSON *root = NULL;
    enum err err = object->err ? object->err
                               : json_parse(call->request->arena, object->bytes, object->size, &root, NULL);

    if (!err) {
        paper_fill(paper, root, made);
        err = made->err;
    }
    return err;
}

/* ------------------------------------------------------------------ printed */

static void print_words(struct json_out *out, const struct cJSON *names, enum tongue tongue)
{
    const char *en = json_text_or(names, "en", ""), *zh = json_text_or(names, "zh", "");

    html_text(out, tongue == CHINESE ? zh : en);
    if (tongue == BOTH && strcmp(en, zh) != 0) {
        html_put(out, *en && *zh ? " · " : "");
        html_text(out, zh);
    }
}

static void print_value(struct json_out *out, const struct cJSON *value, enum tongue tongue)
{
    if (json_is_object(value) && (json_field(value, "en") || json_field(value, "zh"))) {
        html_put(out, "<td>");
        print_words(out, value, tongue);
        html_put(out, "</td>");
    } else {
        html_value(out, value);
    }
}

static void print_table(struct json_out *out, const struct cJSON *table, enum tongue tongue)
{
    const struct cJSON *rows = json_first(json_field(table, "rows"));

    html_put(out, "<h2>");
    print_words(out, table, tongue);
    html_put(out, rows ? "</h2><table><tr>" : "</h2><p class=\"small\">—</p>");
    if (!rows) {
        return;
    }
    for (const struct cJSON *column = json_first(json_field(table, "columns")); column; column = json_next(column)) {
        html_put(out, "<th>");
        print_words(out, column, tongue);
        html_put(out, "</th>");
    }
    html_put(out, "</tr>");
    for (const struct cJSON *row = rows; row; row = json_next(row)) {
        html_put(out, "<tr>");
        for (const struct cJSON *cell = json_first(row); cell; cell = json_next(cell)) {
            print_value(out, cell, tongue);
        }
        html_put(out, "</tr>");
    }
    html_put(out, "</table>");
}

static void print_origin(struct json_out *out, const struct cJSON *made, int64_t version)
{
    const struct cJSON *template = json_field(made, "template");
    TEXT(words, 200);

    text_addf(&words, "%s%s%s %lld (%s)", json_text_or(made, "form", ""), json_as_text(json_field(made, "form")) ? " · " : "",
              json_text_or(made, "document", ""), (long long)json_int_or(template, "version", 0),
              json_text_or(template, "hash", ""));
    if (version) {
        text_addf(&words, " · No. %lld", (long long)version);
    }
    html_put(out, "<p class=\"small\">");
    html_text(out, words.at);
    html_put(out, "</p>");
}

static void print_end(struct json_out *out, const struct cJSON *made, enum tongue tongue)
{
    for (const struct cJSON *note = json_first(json_field(made, "notes")); note; note = json_next(note)) {
        html_put(out, "<p>");
        print_words(out, note, tongue);
        html_put(out, "</p>");
    }
    if (json_first(json_field(made, "signs"))) {
        html_put(out, "<div class=\"signs\">");
        for (const struct cJSON *sign = json_first(json_field(made, "signs")); sign; sign = json_next(sign)) {
            html_put(out, "<div>");
            print_words(out, sign, tongue);
            html_put(out, "</div>");
        }
        html_put(out, "</div>");
    }
}

static void print_body(struct json_out *out, const struct cJSON *made, enum tongue tongue)
{
    html_put(out, "<table class=\"head\">");
    for (const struct cJSON *field = json_first(json_field(made, "fields")); field; field = json_next(field)) {
        html_put(out, "<tr><th>");
        print_words(out, field, tongue);
        html_put(out, "</th>");
        print_value(out, json_field(field, "value"), tongue);
        html_put(out, "</tr>");
    }
    html_put(out, "</table>");
    for (const struct cJSON *table = json_first(json_field(made, "tables")); table; table = json_next(table)) {
        print_table(out, table, tongue);
    }
}

static void print_paper(struct json_out *out, const struct cJSON *made, int64_t version, enum tongue tongue)
{
    const char *en = json_text_or(made, "en", ""), *zh = json_text_or(made, "zh", "");

    html_open(out, tongue == CHINESE ? zh : en, tongue == BOTH ? zh : NULL);
    print_origin(out, made, version);
    print_body(out, made, tongue);
    print_end(out, made, tongue);
    html_close(out);
}

/* ------------------------------------------------------------------ answered */

enum err paper_answer(struct call *call, const struct json_out *made, int64_t version)
{
    static const char *const formats[] = {"json", "html", NULL}, *const tongues[] = {"both", "en", "zh", NULL};
    const char *format = formats[0], *tongue = tongues[0];
    const struct cJSON *root = NULL;
    enum err err = ERR_OK;

    if (!call_word(call, "format", formats, &format) || !call_word(call, "lang", tongues, &tongue)) {
        return ERR_OK; /* the problem was written */
    }
    if (!format || strcmp(format, "html") != 0) {
        json_put_raw(call->out, made->bytes, made->size);
        return ERR_OK;
    }
    err = json_parse(call->request->arena, made->bytes, made->size, &root, NULL);
    if (!err) {
        call->answer->type = "text/html; charset=utf-8";
        print_paper(call->out, root, version,
                    !tongue || strcmp(tongue, "both") == 0 ? BOTH : strcmp(tongue, "en") == 0 ? ENGLISH : CHINESE);
    }
    return err;
}

enum err paper_put(struct call *call, const char *name, const struct cJSON *object)
{
    const struct paper *paper = rules_paper(call->api->options.rules, name);
    struct json_out made = json_out(PAPER_MOST);
    const struct cJSON *root = NULL;
    enum err err = paper ? ERR_OK : ERR_NOT_FOUND;

    if (!err) {
        paper_fill(paper, object, &made);
        err = made.err ? made.err : json_parse(call->request->arena, made.bytes, made.size, &root, NULL);
    }
    if (!err) {
        print_body(call->out, root, BOTH);
    }
    json_out_free(&made);
    return err;
}

enum err paper_show(struct call *call, const char *name, const struct json_out *object)
{
    const struct paper *paper = rules_paper(call->api->options.rules, name);
    struct json_out made = json_out(PAPER_MOST);
    enum err err = ERR_OK;

    if (!paper) {
        call_problem(call, 404, "Not found", "expected a document that /api/v1/documents lists, found '%.64s'", name);
    } else {
        err = paper_make(call, paper, object, &made);
        if (!err) {
            err = paper_answer(call, &made, 0);
        }
    }
    json_out_free(&made);
    return err;
}
