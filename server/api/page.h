/* What the customers' pages share. */
#pragma once

#include "server/api/api_int.h"

/* What the JSON route answers for the object that the page's address names, as a value; NULL: it has written a problem. */
const struct cJSON *page_ask(struct call *call, void (*route)(struct call *call));
/* <form …> to that address below the API, with the code of this page. */
void page_open_form(struct call *call, const char *kind, const char *room, const char *id, const char *what);
void page_close_form(struct json_out *out, const char *en, const char *zh);
