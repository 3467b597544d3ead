/* HTML out. */
#include "server/api/html.h"

#include <string.h>

#include "models/base/civil.h"

void html_put(struct json_out *out, const char *markup)
{
    json_put_raw(out, markup, strlen(markup));
    out->comma = false;
}

void html_text(struct json_out *out, const char *words)
{
    for (; words && *words; words++) {
        const char *safe = *words == '<'   ? "&lt;"
                           : *words == '>' ? "&gt;"
                           : *words == '&' ? "&amp;"
                           : *words == '"' ? "&quot;"
                                           : NULL;

        json_put_raw(out, safe ? safe : words, safe ? strlen(safe) : 1);
        out->comma = false;
    }
}

void html_cell(struct json_out *out, const char *words)
{
    html_put(out, "<td>");
    html_text(out, words);
    html_put(out, "</td>");
}

/* An instant as people read it: its date and its minute, as it was written. */
static void put_words(struct json_out *out, const char *words)
{
    int64_t ms;
    char brief[17] = "";

    if (strlen(words) < 20 || words[10] != 'T' || civil_read_instant(words, &ms)) {
        html_cell(out, words);
        return;
    }
    memcpy(brief, words, 16);
    brief[10] = ' ';
    html_cell(out, brief);
}

/* What stands in a list, or by name in an object, one after the other. */
static void put_items(struct json_out *out, const struct cJSON *value)
{
    html_put(out, "<td>");
    for (const struct cJSON *item = json_first(value); item; item = json_next(item)) {
        const char *text = json_as_text(item);
        struct json_out words = json_out(16384);

        if (!text) {
            json_put_value(&words, item);
        }
        html_text(out, json_is_object(value) ? json_name(item) : "");
        html_put(out, json_is_object(value) ? " " : "");
        html_text(out, text ? text : words.bytes);
        html_put(out, json_next(item) ? ", " : "");
        json_out_free(&words);
    }
    html_put(out, "</td>");
}

void html_value(struct json_out *out, const struct cJSON *value)
{
    struct json_out words = json_out(16384);
    bool yes;

    if (json_as_bool(value, &yes)) {
        html_cell(out, yes ? "✓" : "✗");
        return;
    }
    if (!value || json_is_null(value)) {
        html_cell(out, NULL);
        return;
    }
    if (json_as_text(value)) {
        put_words(out, json_as_text(value));
        return;
    }
    if (json_is_list(value) || json_is_object(value)) {
        put_items(out, value);
        return;
    }
    json_put_value(&words, value);
    html_cell(out, words.bytes);
    json_out_free(&words);
}

/* A4 with room to punch, where a row is not torn in two; on a screen as wide as that, on a phone as wide as it is. */
const char html_style[] =
    "@page{size:A4;margin:18mm 14mm 16mm 20mm}body{font:10.5pt/1.4 'Noto Sans','Noto Sans CJK SC',sans-serif;"
    "max-width:176mm;margin:0 auto;padding:0 4mm;color:#111}@media print{body{padding:0}}h1{font-size:15pt;margin:2mm 0 1mm}"
    "h2{font-size:11pt;margin:5mm 0 1mm}table{border-collapse:collapse;width:100%}td,th{border:0.3mm solid #777;"
    "padding:0.8mm 1.6mm;text-align:left;vertical-align:top;font-weight:normal;overflow-wrap:anywhere}th{background:#f2f2f2}"
    "table.head th{width:32%}tr{break-inside:avoid}.small{font-size:8.5pt;color:#555;margin:0 0 3mm}.signs{display:flex;"
    "gap:10mm;margin-top:14mm}.signs div{flex:1;border-top:0.3mm solid #111;padding-top:1mm}form{margin:4mm 0}"
    "input,select,textarea,button{font:inherit;padding:1mm 2mm;margin:1mm 0;max-width:100%;box-sizing:border-box}";

void html_open(struct json_out *out, const char *en, const char *zh)
{
    html_put(out, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\""
                  " content=\"width=device-width, initial-scale=1\"><link rel=\"stylesheet\" href=\"/page.css\"><title>");
    html_text(out, en);
    html_put(out, "</title><h1>");
    html_text(out, en);
    html_put(out, zh ? " · " : "");
    html_text(out, zh);
    html_put(out, "</h1>");
}

void html_close(struct json_out *out)
{
    html_put(out, "</html>");
}
