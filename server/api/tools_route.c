/* Tools: where each is, until when it may be believed, what was measured with it. */
#include <string.h>

#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/training/tool.h"

static _Atomic(const char *) tools_made[1 << FILTERS_MOST];
static const struct filters tools = {
    .select = "SELECT t.id, NULL FROM tool t WHERE t.id > ?1",
    .order = "ORDER BY t.id LIMIT ?2",
    .made = tools_made,
    .list =
        {
            {NULL, "# = ''", NULL},
            {"class", "t.class = #", NULL},
            {"state", "t.state = #", NULL},
            {"technician", "t.technician = (SELECT id FROM technician WHERE name = #)", NULL},
            {"depot", "t.depot = (SELECT id FROM depot WHERE name = #)", NULL},
            {"before", "t.valid_day IS NOT NULL AND t.valid_day < CAST(# AS BIGINT)", NULL},
        },
};

static int32_t today(struct call *call)
{
    return zone_day(call->zone, call->now_ms);
}

static enum err show_tool(struct call *call, int64_t id)
{
    return tool_view(call->sql, id, call->zone, today(call), false, call->out);
}

/* ?before=: whose calibration ends before that day. */
void tools_list(struct call *call)
{
    const char *values[FILTERS_MOST];
    struct page page;
    int32_t before;
    TEXT(day, 16);

    if (call_page(call, &page) && call_day(call, "before", -1, &before)) {
        filter_read(call, &tools, values);
        text_addf(&day, "%d", (int)before);
        values[5] = before >= 0 ? day.at : NULL;
        filter_list(call, &tools, values, &page, show_tool);
    }
}

static int64_t version_of(struct sql *sql, int64_t tool)
{
    return sql_find_int(sql, 0, "SELECT version FROM tool WHERE id = ?1", "i", tool);
}

static int64_t tool_named(struct call *call)
{
    int64_t id = tool_find(call->sql, call->parts[1]);

    if (id < 0) {
        call_problem(call, 404, "Not found", "no tool %s", call->parts[1]);
    }
    return id;
}

void tools_show(struct call *call)
{
    int64_t id = tool_named(call);

    if (id >= 0 && tool_view(call->sql, id, call->zone, today(call), true, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else if (id >= 0) {
        call_tag(call, version_of(call->sql, id));
    }
}

static enum err do_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = tool_find(sql, call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no tool %s", call->parts[1]) : act_read(call, &action, why);

    if (!err && !tool_did(sql, id, action.action_id)) {
        err = act_match(call, version_of(sql, id), why);
        err = err ? err : desk_tool_act(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    if (err) {
        return err;
    }
    call_tag(call, version_of(sql, id));
    return tool_view(sql, id, call->zone, today(call), true, call->out);
}

void tools_act(struct call *call)
{
    (void)call_write(call, do_act); /* it has written its problem */
}

static enum err show_use(struct call *call, int64_t id)
{
    return tool_use_view(call->sql, id, call->zone, call->out);
}

/* What was measured with it; ?recalled=open: what is in doubt and was not looked at again. */
void tools_uses(struct call *call)
{
    static const char *const words[] = {"open", "all", NULL};
    int64_t id = tool_named(call);
    const char *recalled = NULL;
    struct sql_rows rows;
    struct page page;

    if (id < 0 || !call_page(call, &page) || !call_word(call, "recalled", words, &recalled)) {
        return;
    }
    if (text_same(recalled, "open")) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM tool_use WHERE tool = ?1 AND recall_ms IS NOT NULL AND settled_ms IS NULL AND id > ?2 ORDER"
                 " BY id LIMIT ?3",
                 "iii", id, page.after, page.limit + 1);
    } else if (recalled) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM tool_use WHERE tool = ?1 AND recall_ms IS NOT NULL AND id > ?2 ORDER BY id LIMIT ?3", "iii",
                 id, page.after, page.limit + 1);
    } else {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM tool_use WHERE tool = ?1 AND id > ?2 ORDER BY id LIMIT ?3", "iii", id,
                 page.after, page.limit + 1);
    }
    call_list(call, &rows, &page, show_use);
}
