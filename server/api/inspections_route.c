/* Inspections by the checklist: the list, the phone check, the report; what is proposed from them. */
#include <string.h>

#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/api/paper.h"
#include "server/inspection/inspection.h"

static _Atomic(const char *) made[1 << FILTERS_MOST], made_proposals[1 << FILTERS_MOST];

static const struct filters inspections = {
    .select = "SELECT id, NULL FROM inspection WHERE id > ?1",
    .order = "ORDER BY id LIMIT ?2",
    .list = {{"state", "state = #", NULL},
             {"equipment", "equipment = (SELECT id FROM equipment WHERE name = #)", "+equipment = (SELECT id FROM equipment WHERE"
                                                                                  " name = #)"},
             {"way", "way = #", NULL},
             {"site", "equipment IN (SELECT id FROM equipment WHERE site = (SELECT id FROM site WHERE name = #))", NULL}},
    .made = made,
};
static const struct filters proposals = {
    .select = "SELECT id, NULL FROM proposal WHERE id > ?1",
    .order = "ORDER BY id LIMIT ?2",
    .list = {{"state", "state = #", NULL},
             {"equipment", "equipment = (SELECT id FROM equipment WHERE name = #)", "+equipment = (SELECT id FROM equipment WHERE"
                                                                                  " name = #)"},
             {"site", "equipment IN (SELECT id FROM equipment WHERE site = (SELECT id FROM site WHERE name = #))", NULL}},
    .made = made_proposals,
};

/* ------------------------------------------------------------------ the list */

static enum err show_short(struct call *call, int64_t id)
{
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT i.number, e.name, i.state, i.way, i.verdict, i.result, i.period_day, i.created_ms, i.done_ms, s.name,"
             " i.version FROM inspection i JOIN equipment e ON e.id = i.equipment LEFT JOIN site s ON s.id = e.site WHERE i.id ="
             " ?1",
             "i", id);
    if (sql_next(&rows)) {
        char day[11] = "";

        json_open_object(call->out);
        json_text(call->out, "number", sql_text(&rows, 0));
        json_text(call->out, "equipment", sql_text(&rows, 1));
        json_text(call->out, "site", sql_text(&rows, 9));
        json_text(call->out, "state", sql_text(&rows, 2));
        json_text(call->out, "way", sql_text(&rows, 3));
        json_text(call->out, "verdict", sql_text(&rows, 4));
        json_text(call->out, "result", sql_text(&rows, 5));
        if (!sql_null(&rows, 6)) {
            civil_write_date((int32_t)sql_int(&rows, 6), day);
        }
        json_text(call->out, "period", day[0] ? day : NULL);
        call_time(call, "created_at", sql_int(&rows, 7));
        call_time(call, "done_at", sql_int(&rows, 8));
        json_int(call->out, "version", sql_int(&rows, 10));
        json_close_object(call->out);
    }
    return sql_end(&rows);
}

void inspections_list(struct call *call)
{
    static const char *const states[] = {"waiting", "phone", "done", "failed", NULL};
    static const char *const ways[] = {"month", "demand", "test", NULL};
    const char *values[FILTERS_MOST], *word;
    struct page page;

    if (call_page(call, &page) && call_word(call, "state", states, &word) && call_word(call, "way", ways, &word)) {
        filter_read(call, &inspections, values);
        filter_list(call, &inspections, values, &page, show_short);
    }
}

/* ------------------------------------------------------------------ what people do */

static enum err do_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = inspection_find(sql, call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no inspection %s", call->parts[1]) : act_read(call, &action, why);

    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM inspection WHERE id = ?1", "i", id), why);
    err = err ? err : desk_inspection_action(call->api->options.desk, sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call->sql = sql; /* what was just written */
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM inspection WHERE id = ?1", "i", id));
    return orders_put_inspection(call, id);
}

void inspections_act(struct call *call)
{
    struct sql *reader = call->sql;

    (void)!call_write(call, do_act);
    call->sql = reader;
}

/* ------------------------------------------------------------------ the report */

void inspections_report(struct call *call)
{
    const char *format = http_query(call->request, "format");
    int64_t id = inspection_find(call->sql, call->parts[1]);
    struct json_out shown = json_out(PAPER_MOST);
    enum err err = id < 0 ? ERR_NOT_FOUND
                          : inspection_show_report(call->request->arena, call->sql, call->zone, id, &shown);

    if (!err && text_same(format, "html")) {
        err = paper_show(call, "inspection_report", &shown);
    } else if (!err) {
        json_put_raw(call->out, shown.bytes, shown.size);
    }
    json_out_free(&shown);
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no inspection %s that is done and has a report", call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* ------------------------------------------------------------------ proposals */

static enum err show_proposal(struct call *call, int64_t id)
{
    return proposal_show(call->sql, call->zone, id, call->out);
}

void proposals_list(struct call *call)
{
    static const char *const states[] = {"open", "accepted", "declined", "done", NULL};
    const char *values[FILTERS_MOST], *word;
    struct page page;

    if (call_page(call, &page) && call_word(call, "state", states, &word)) {
        filter_read(call, &proposals, values);
        filter_list(call, &proposals, values, &page, show_proposal);
    }
}

static enum err do_proposal(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    if (!err && text_to_int(call->parts[1], strlen(call->parts[1]), &id)) {
        err = text_say(why, ERR_NOT_FOUND, "no proposal %s", call->parts[1]);
    }
    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM proposal WHERE id = ?1", "i", id), why);
    err = err ? err : proposal_act(sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call->sql = sql;
    return show_proposal(call, id);
}

void proposals_act(struct call *call)
{
    struct sql *reader = call->sql;

    (void)!call_write(call, do_proposal);
    call->sql = reader;
}
