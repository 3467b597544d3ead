/* Tickets: the list, one, what people report and do, and the progress that strangers may see. */
#include <stdatomic.h>
#include <string.h>

#include "models/service/ticket.h"
#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/fleet/numbers.h"

/* In a list: a page of a thousand is asked for often, what a ticket may become is not. */
static enum err show_short(struct call *call, int64_t id)
{
    return view_ticket(call->sql, call->api->options.rules, id, ROLE_NONE, call->now_ms, call->out);
}

static enum err show_ticket(struct call *call, int64_t id)
{
    return view_ticket(call->sql, call->api->options.rules, id, call->role, call->now_ms, call->out);
}

enum { BY_OPEN, BY_STATE, BY_GRADE, BY_EQUIPMENT, BY_KIND, BY_FAULT, BY_SITE, BY_AGENT };

static _Atomic(const char *) made[1 << FILTERS_MOST];
static const struct filters filters = {
    .select = "SELECT t.id, NULL FROM ticket t WHERE t.id > ?1",
    .order = "ORDER BY t.id LIMIT ?2",
    .made = made,
    .list =
        {
            [BY_OPEN] = {NULL, "t.closed_ms IS NULL", NULL},
            [BY_STATE] = {NULL, "t.state = #", "t.state || '' = #"},
            [BY_GRADE] = {"grade", "t.grade = CAST(# AS INTEGER)",
                "t.grade + 0 = CAST(# AS INTEGER)"},
            [BY_EQUIPMENT] = {"equipment", "t.equipment = (SELECT id FROM equipment WHERE name = #)",
                "t.equipment + 0 = (SELECT id FROM equipment WHERE name = #)"},
            [BY_KIND] = {"kind", "t.kind = #", "t.kind || '' = #"},
            [BY_FAULT] = {"fault", "t.fault = #", "t.fault || '' = #"},
            [BY_SITE] = {"site", "t.site = (SELECT id FROM site WHERE name = #)",
                "t.site + 0 = (SELECT id FROM site WHERE name = #)"},
            [BY_AGENT] = {"agent", "t.agent = (SELECT id FROM agent WHERE name = #)",
                "t.agent + 0 = (SELECT id FROM agent WHERE name = #)"},
        },
};

/* Who needs somebody next, first: grade, urgency, level and age (service-terms S3-17). Open ones only. */
static _Atomic(const char *) ranked_made[1 << FILTERS_MOST];
static const struct filters ranked = {
    .select = "SELECT t.id, t.rank_ms FROM ticket t WHERE t.closed_ms IS NULL AND (t.rank_ms, t.id) > (?1, ?3)",
    .order = "ORDER BY t.rank_ms, t.id LIMIT ?2",
    .made = ranked_made,
    .list =
        {
            [BY_OPEN] = {NULL, "t.closed_ms IS NULL", NULL},
            [BY_STATE] = {NULL, "t.state || '' = #", NULL},
            [BY_GRADE] = {"grade", "t.grade + 0 = CAST(# AS INTEGER)", NULL},
            [BY_EQUIPMENT] = {"equipment", "t.equipment + 0 = (SELECT id FROM equipment WHERE name = #)", NULL},
            [BY_KIND] = {"kind", "t.kind || '' = #", NULL},
            [BY_FAULT] = {"fault", "t.fault || '' = #", NULL},
            [BY_SITE] = {"site", "t.site + 0 = (SELECT id FROM site WHERE name = #)", NULL},
            [BY_AGENT] = {"agent", "t.agent + 0 = (SELECT id FROM agent WHERE name = #)", NULL},
        },
};

/* S0-29: those whose slip lacks something, oldest first. */
static void list_missing(struct call *call, const struct page *page)
{
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT id, NULL FROM ticket WHERE closed_ms IS NULL AND missing IS NOT NULL AND id > ?1 ORDER BY"
             " id LIMIT ?2",
             "ii", page->after, page->limit + 1);
    call_list(call, &rows, page, show_short);
}

void tickets_list(struct call *call)
{
    static const char *const orders[] = {"number", "priority", NULL}, *const yes[] = {"true", NULL};
    const char *order, *missing;
    static const char *const states[] = {
        "open",      "registered",       "acknowledged",   "dispatched", "assigned", "en_route", "on_site",
        "diagnosed", "awaiting_consent", "awaiting_parts", "repairing",  "testing",  "cleared",  "closed",
        NULL};
    const char *values[FILTERS_MOST], *state;
    struct page page;
    int64_t grade;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state) ||
        !call_number(call, "grade", 1, 3, 0, &grade) || !call_word(call, "order", orders, &order) ||
        !call_word(call, "missing", yes, &missing)) {
        return;
    }
    if (missing) {
        list_missing(call, &page);
        return;
    }
    filter_read(call, &filters, values);
    values[BY_OPEN] = text_same(state, "closed") ? NULL : state; /* all other states are open ones */
    values[BY_STATE] = text_same(state, "open") ? NULL : state;
    if (text_same(order, "priority")) {
        if (text_same(state, "closed")) {
            call_problem(call, 422, "Cannot be done as asked", "order: closed tickets have no priority");
            return;
        }
        values[BY_OPEN] = NULL; /* the statement says it */
        filter_list(call, &ranked, values, &page, show_short);
        return;
    }
    filter_list(call, &filters, values, &page, show_short);
}

static int64_t version_of(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT version FROM ticket WHERE id = ?1", "i", ticket);
}

void tickets_show(struct call *call)
{
    int64_t id = view_find_ticket(call->sql, call->parts[1]);
    enum err err = id < 0 ? ERR_NOT_FOUND : show_ticket(call, id);

    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", numbers_are_valid(call->parts[1])
                         ? "no ticket %s" : "no ticket %s: its check character is wrong, a character was misread",
                     call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else {
        call_tag(call, version_of(call->sql, id));
    }
}

static enum err do_report(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    char number[32];
    bool merged = false;
    int64_t id;
    TEXT(place, 80);
    enum err err = act_read(call, &action, why);

    if (!err) {
        err = desk_report(call->api->options.desk, sql, &action, now_ms, number, &merged, why);
    }
    if (err) {
        return err;
    }
    id = view_find_ticket(sql, number);
    call->answer->status = merged ? 200 : 201;
    text_addf(&place, "/api/v1/tickets/%s", number);
    call_header(call, "Location", place.at);
    call_tag(call, version_of(sql, id));
    return view_ticket(sql, call->api->options.rules, id, call->role, now_ms, call->out);
}

void tickets_post(struct call *call)
{
    (void)!call_write(call, do_report);
}

static enum err do_action(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = view_find_ticket(sql, call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no ticket %s", call->parts[1])
                          : act_read(call, &action, why);

    /* what was done already is not done again, and the version has moved by that very action */
    if (!err && !desk_ticket_did(sql, id, action.action_id)) {
        err = act_match(call, version_of(sql, id), why);
        if (!err) {
            err = desk_ticket_action(call->api->options.desk, sql, id, &action, now_ms, why);
        }
    }
    if (err) {
        return err;
    }
    call_tag(call, version_of(sql, id));
    return view_ticket(sql, call->api->options.rules, id, call->role, now_ms, call->out);
}

void tickets_act(struct call *call)
{
    (void)!call_write(call, do_action);
}
