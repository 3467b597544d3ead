/*
 * Complaints and feedback, and what is improved because of them. Staff by their roles; customers by a code: the one of their
 * ticket to complain, the complaint's own to see the answer and to say what they think of it.
 */
#include <string.h>

#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/fleet/numbers.h"
#include "server/relation/complaint.h"
#include "server/relation/improve.h"

static _Atomic(const char *) made[1 << FILTERS_MOST], made_improvements[1 << FILTERS_MOST];

static const struct filters complaints = {
    .select = "SELECT id, NULL FROM complaint WHERE id > ?1",
    .order = "ORDER BY id LIMIT ?2",
    .list = {{"state", "state = #", NULL},
             {"kind", "kind = #", NULL},
             {"nature", "nature = #", NULL},
             {"team", "team = (SELECT id FROM team WHERE name = #)", NULL},
             {"customer", "customer = (SELECT id FROM customer WHERE name = #)", "+customer = (SELECT id FROM customer WHERE name"
                                                                                 " = #)"},
             {"ticket", "ticket = (SELECT id FROM ticket WHERE number = #)", "+ticket = (SELECT id FROM ticket WHERE number ="
                                                                             " #)"},
             {"campaign", "campaign = #", NULL},
             {NULL, "closed_ms IS NULL AND # IS NOT NULL", NULL}},
    .made = made,
};
static const struct filters improvements = {
    .select = "SELECT id, NULL FROM improvement WHERE id > ?1",
    .order = "ORDER BY id LIMIT ?2",
    .list = {{"state", "state = #", NULL}, {"source", "source = #", NULL}},
    .made = made_improvements,
};

/* ------------------------------------------------------------------ complaints */

static enum err show(struct call *call, int64_t id)
{
    return complaint_view(call->sql, id, call->zone, true, call->role, call->out);
}

void complaints_list(struct call *call)
{
    const char *values[FILTERS_MOST];
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    filter_read(call, &complaints, values);
    if (text_same(values[0], "open")) {
        values[0] = NULL;
        values[7] = "open";
    }
    filter_list(call, &complaints, values, &page, show);
}

static enum err show_written(struct call *call, struct sql *sql, int64_t id)
{
    struct sql *reader = call->sql;
    enum err err;

    call->sql = sql;
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM complaint WHERE id = ?1", "i", id));
    err = show(call, id);
    call->sql = reader;
    return err;
}

static enum err do_post(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    bool again = false;
    enum err err = act_read(call, &action, why);

    err = err ? err : desk_complaint(call->api->options.desk, sql, &action, 0, now_ms, &id, &again, why);
    if (err) {
        return err;
    }
    call->answer->status = again ? 200 : 201;
    return show_written(call, sql, id);
}

void complaints_post(struct call *call)
{
    (void)!call_write(call, do_post);
}

/* Row id; 0: a problem was written. */
static int64_t find(struct call *call, const char *what, const char *statement)
{
    char number[NUMBERS_ROOM];
    int64_t id;

    numbers_tidy(call->parts[1], number);
    id = sql_find_int(call->sql, 0, statement, "t", number);
    if (!id) {
        call_problem(call, 404, "Not found", numbers_are_valid(number) ? "no %s %.40s" : "no %s %.40s: a character was misread",
                     what, call->parts[1]);
    }
    return id;
}

static const char by_number[] = "SELECT id FROM complaint WHERE number = ?1";

void complaints_show(struct call *call)
{
    int64_t id = find(call, "complaint", by_number);

    if (!id) {
        return;
    }
    call_tag(call, sql_find_int(call->sql, 0, "SELECT version FROM complaint WHERE id = ?1", "i", id));
    if (show(call, id)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

static enum err do_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = *(const int64_t *)call->context;
    struct action action;
    enum err err = act_read(call, &action, why);

    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM complaint WHERE id = ?1", "i", id), why);
    err = err ? err : desk_complaint_action(call->api->options.desk, sql, id, &action, now_ms, why);
    return err ? err : show_written(call, sql, id);
}

void complaints_act(struct call *call)
{
    int64_t id = find(call, "complaint", by_number);

    if (id) {
        call->context = &id;
        (void)!call_write(call, do_act);
    }
}

/* ------------------------------------------------------------------ customers, without a log-in */

static const char of_track[] = "SELECT id, track_code FROM ticket WHERE number = ?1";
static const char of_complaint[] = "SELECT id, code FROM complaint WHERE number = ?1";

/* What he may see of it, and, once, the code by which he comes back. */
static enum err do_track(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = 0;
    struct sql_rows rows;
    struct action action;
    bool again = false;
    enum err err = act_read(call, &action, why);

    err = err ? err
              : desk_complaint(call->api->options.desk, sql, &action, *(const int64_t *)call->context, now_ms, &id, &again, why);
    if (err) {
        return err;
    }
    call->answer->status = again ? 200 : 201;
    json_open_object(call->out);
    sql_find(sql, &rows, "SELECT number, code FROM complaint WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        json_text(call->out, "number", sql_text(&rows, 0));
        json_text(call->out, "code", sql_text(&rows, 1));
    }
    json_close_object(call->out);
    return sql_end(&rows);
}

void complaints_of_track(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_track, true);

    if (id) {
        call->context = &id;
        (void)!call_write(call, do_track);
    }
}

void complaint_progress(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_complaint, false);

    if (id && complaint_view(call->sql, id, call->zone, false, ROLE_NONE, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

static enum err do_opinion(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = *(const int64_t *)call->context;
    struct action action;
    enum err err = act_read(call, &action, why);

    action.action = "opinion";
    err = err ? err : desk_complaint_action(call->api->options.desk, sql, id, &action, now_ms, why);
    return err ? err : complaint_view(sql, id, call->zone, false, ROLE_NONE, call->out);
}

void complaint_opinion(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_complaint, true);

    if (id) {
        call->context = &id;
        (void)!call_write(call, do_opinion);
    }
}

/* ------------------------------------------------------------------ improvements */

static enum err show_improvement(struct call *call, int64_t id)
{
    return improve_view(call->sql, id, call->zone, call->out);
}

void improvements_list(struct call *call)
{
    static const char *const states[] = {"open", "planned", "done", "effective", "dropped", NULL};
    const char *values[FILTERS_MOST], *word;
    struct page page;

    if (call_page(call, &page) && call_word(call, "state", states, &word)) {
        filter_read(call, &improvements, values);
        filter_list(call, &improvements, values, &page, show_improvement);
    }
}

static const char of_improvement[] = "SELECT id FROM improvement WHERE number = ?1";

void improvements_show(struct call *call)
{
    int64_t id = find(call, "improvement", of_improvement);

    if (id) {
        call_tag(call, sql_find_int(call->sql, 0, "SELECT version FROM improvement WHERE id = ?1", "i", id));
    }
    if (id && show_improvement(call, id)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

static enum err do_improvement(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    err = err ? err : desk_improvement(call->api->options.desk, sql, &action, now_ms, &id, why);
    if (err) {
        return err;
    }
    call->answer->status = 201;
    return improve_view(sql, id, call->zone, call->out);
}

void improvements_post(struct call *call)
{
    (void)!call_write(call, do_improvement);
}

static enum err do_improvement_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = *(const int64_t *)call->context;
    struct action action;
    enum err err = act_read(call, &action, why);

    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM improvement WHERE id = ?1", "i", id), why);
    err = err ? err : desk_improvement_action(call->api->options.desk, sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM improvement WHERE id = ?1", "i", id));
    return improve_view(sql, id, call->zone, call->out);
}

void improvements_act(struct call *call)
{
    int64_t id = find(call, "improvement", of_improvement);

    if (id) {
        call->context = &id;
        (void)!call_write(call, do_improvement_act);
    }
}
