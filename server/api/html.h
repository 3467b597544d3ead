/* Pages to print, written into an answer: markup as it is, texts with what HTML would take for markup spelt out. */
#pragma once

#include "models/base/json.h"

/* Served as /page.css, which every page links: the content security policy lets no inline style through. */
extern const char html_style[];

void html_put(struct json_out *out, const char *markup);
void html_text(struct json_out *out, const char *words); /* NULL writes nothing */
void html_cell(struct json_out *out, const char *words); /* <td>…</td> */
/* A JSON value in a cell: texts without quotes, instants to the minute, lists with commas, true and false as ✓ and ✗,
 * null empty. */
void html_value(struct json_out *out, const struct cJSON *value);
/* <!doctype …> with the title in both languages (zh NULL: in one), up to the open body. */
void html_open(struct json_out *out, const char *en, const char *zh);
void html_close(struct json_out *out);
