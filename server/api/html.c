/* HTML out. */
#include "server/api/html.h"

#include <string.h>

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

void html_value(struct json_out *out, const struct cJSON *value)
{
    struct json_out words = json_out(16384);
    bool yes;

    if (json_as_bool(value, &yes)) {
        html_cell(out, yes ? "✓" : "✗");
        return;
    }
    if (!value || json_is_null(value) || json_as_text(value)) {
        html_cell(out, json_as_text(value));
        return;
    }
    json_put_value(&words, value);
    html_cell(out, words.bytes);
    json_out_free(&words);
}

void html_open(struct json_out *out, const char *en, const char *zh)
{
    html_put(out, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>");
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
