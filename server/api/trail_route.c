/* The trail of what people did, for managers, and whether it is untouched. */
#include "server/api/api_int.h"
#include "server/store/trail.h"

static enum err show_line(struct call *call, int64_t id)
{
    static const char *const names[] = {"who", "role", "source", "what", "object", "detail", "hash"};
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT t.at_ms, t.who, t.role, t.source, t.what, t.object, COALESCE(d.words, CASE WHEN t.detail IS NOT NULL THEN"
             " '(removed)' END), t.hash FROM trail t LEFT JOIN trail_detail d ON d.line = t.id WHERE t.id = ?1", "i",
             id);
    if (sql_next(&rows)) {
        json_open_object(call->out);
        json_int(call->out, "id", id);
        call_time(call, "at", sql_int(&rows, 0));
        for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++) {
            json_text(call->out, names[i], sql_text(&rows, i + 1));
        }
        json_close_object(call->out);
    }
    return sql_end(&rows);
}

/* The youngest first; ?who=, ?object= narrow it. */
void trail_list(struct call *call)
{
    const char *who = http_query(call->request, "who"), *object = http_query(call->request, "object");
    struct sql_rows rows;
    struct page page;
    int64_t below;

    if (!call_page(call, &page)) {
        return;
    }
    below = page.after > 0 ? page.after : INT64_MAX;
    if (object) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM trail WHERE object = ?1 AND id < ?2 AND (?4 IS NULL OR who = ?4)"
                 " ORDER BY id DESC LIMIT ?3",
                 "tiit", object, below, page.limit + 1, who);
    } else if (who) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM trail WHERE who = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3", "tii",
                 who, below, page.limit + 1);
    } else {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM trail WHERE id < ?1 ORDER BY id DESC LIMIT ?2", "ii", below,
                 page.limit + 1);
    }
    call_list(call, &rows, &page, show_line);
}

void trail_state(struct call *call)
{
    const char *head = http_query(call->request, "head");
    struct trail_state state;

    if (trail_check(call->sql, head, &state)) {
        call_problem(call, 503, "The database is not readable", "try again");
        return;
    }
    json_open_object(call->out);
    json_int(call->out, "lines", state.count);
    json_int(call->out, "removed", state.removed);
    json_text(call->out, "head", state.head[0] ? state.head : NULL);
    json_bool(call->out, "intact", state.wrong == 0 && state.found);
    if (state.wrong) {
        json_int(call->out, "first_wrong", state.wrong);
    } else {
        json_null(call->out, "first_wrong");
    }
    json_bool(call->out, "head_found", state.found);
    json_close_object(call->out);
}
