/* The operation review of a site or a contract, as JSON or as its paper (D-25). */
#include <string.h>

#include "server/api/paper.h"
#include "server/inspection/review.h"

#define YEAR_DAYS 365

enum err reviews_view(struct call *call, const char *id, struct json_out *out)
{
    const char *of = http_query(call->request, "of");
    struct review_asked asked = {.now_ms = call->now_ms, .zone = call->zone, .rules = call->api->options.rules};
    int32_t today = zone_day(call->zone, call->now_ms), from, to;

    if (!text_same(of, "contract")) {
        asked.site = sql_find_int(call->sql, 0, "SELECT id FROM site WHERE name = ?1", "t", id);
    }
    if (!asked.site && !text_same(of, "site")) {
        asked.contract = sql_find_int(call->sql, 0, "SELECT id FROM contract WHERE name = ?1", "t", id);
    }
    if (!asked.site && !asked.contract) {
        return ERR_NOT_FOUND;
    }
    if (!call_day(call, "from", today - YEAR_DAYS + 1, &from) || !call_day(call, "to", today, &to)) {
        return ERR_FORMAT; /* a problem was written */
    }
    if (to < from) {
        call_problem(call, 422, "Cannot be done as asked", "to: expected a day that is not before from");
        return ERR_FORMAT;
    }
    asked.kind = asked.site ? "site" : "contract";
    asked.from_ms = zone_instant(call->zone, from, 0);
    asked.to_ms = zone_instant(call->zone, to + 1, 0);
    return review_show(call->sql, &asked, out);
}

void reviews_show(struct call *call)
{
    static const char *const kinds[] = {"site", "contract", NULL};
    static const char *const formats[] = {"json", "html", NULL};
    const char *of, *format;
    struct json_out shown = json_out(PAPER_MOST);
    enum err err;

    if (!call_word(call, "of", kinds, &of) || !call_word(call, "format", formats, &format)) {
        return;
    }
    err = reviews_view(call, call->parts[1], &shown);
    if (!err && text_same(format, "html")) {
        err = paper_show(call, "operation_review", &shown);
    } else if (!err) {
        json_put_raw(call->out, shown.bytes, shown.size);
    }
    json_out_free(&shown);
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "expected the id of a site or a contract, found '%.64s'", call->parts[1]);
    } else if (err && err != ERR_FORMAT) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}
