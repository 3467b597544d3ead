/* A ticket's clocks with the lines that prove them, and what else is owed by when. */
#include <string.h>

#include "server/api/act.h"
#include "server/case/clocks.h"

void clocks_show(struct call *call)
{
    int64_t id = view_find_ticket(call->sql, call->parts[1]);
    enum err err = id < 0 ? ERR_NOT_FOUND : ERR_OK;

    if (!err) {
        json_open_object(call->out);
        json_text(call->out, "ticket", call->parts[1]);
        err = view_clocks(call->sql, call->api->options.rules, id, call->now_ms, CLOCKS_LEDGER, call->out);
        json_close_object(call->out);
    }
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no ticket %s", call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* ------------------------------------------------------------------ duties */

/* The columns that are the duty's own; the clock's are view_clock's. */
static enum err put_head(struct call *call, int64_t id, char *zone, size_t room, int64_t *ret_calendar)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(call->sql, &rows,
             "SELECT k.subject, CASE k.subject WHEN 'equipment' THEN (SELECT name FROM equipment x WHERE x.id ="
             " k.subject_id) WHEN 'contract' THEN (SELECT name FROM contract x WHERE x.id = k.subject_id) WHEN"
             " 'customer' THEN (SELECT name FROM customer x WHERE x.id = k.subject_id) WHEN 'inspection' THEN"
             " (SELECT number FROM inspection x WHERE x.id = k.subject_id) WHEN 'visit' THEN (SELECT e.name FROM"
             " visit x JOIN equipment e ON e.id = x.equipment WHERE x.id = k.subject_id) WHEN"
             " 'complaint' THEN (SELECT number FROM complaint x WHERE x.id = k.subject_id) WHEN 'improvement' THEN (SELECT"
             " number FROM improvement x WHERE x.id = k.subject_id) WHEN 'site' THEN (SELECT"
             " name FROM site x WHERE x.id = k.subject_id) WHEN 'depot' THEN (SELECT name FROM depot x WHERE x.id ="
             " k.subject_id) WHEN 'voucher' THEN (SELECT number FROM voucher x WHERE x.id = k.subject_id) END, k.occurrence, s.name, k.done, k.version,"
             " k.time_zone, k.calendar FROM clock k LEFT JOIN site s ON s.id = k.site WHERE k.id = ?1 AND k.ticket"
             " IS NULL",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        json_open_object(call->out);
        json_int(call->out, "id", id);
        json_text(call->out, "subject", sql_text(&rows, 0));
        json_text(call->out, "name", sql_text(&rows, 1));
        json_int(call->out, "occurrence", sql_int(&rows, 2));
        json_text(call->out, "site", sql_text(&rows, 3));
        json_raw(call->out, "done", sql_text(&rows, 4));
        json_int(call->out, "version", sql_int(&rows, 5));
        (void)!text_copy(zone, room, sql_null(&rows, 6) ? "UTC" : sql_text(&rows, 6));
        *ret_calendar = sql_int(&rows, 7);
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

static enum err show_duty(struct call *call, int64_t id)
{
    struct rules *rules = call->api->options.rules;
    const struct zone *zone;
    struct clock_row clock;
    char name[65];
    int64_t calendar;
    enum err err = put_head(call, id, name, sizeof(name), &calendar);

    if (err) {
        return err;
    }
    zone = rules_zone(rules, name);
    err = clocks_read_duty(call->request->arena, call->sql, rules, id, calendar, name, &clock);
    if (!err) {
        view_clock(call->out, zone ? zone : zone_utc(), &clock, call->now_ms, CLOCKS_SENTENCE);
    }
    json_close_object(call->out);
    return err;
}

/* What is owed (?state=open, the preset), met or breached; ?kind= ?subject= ?site= choose. A duty that was
 * met late is breached. */
void duties_list(struct call *call)
{
    static const char *const states[] = {"open", "met", "breached", "cancelled", "all", NULL};
    const char *state;
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state)) {
        return;
    }
    state = state ? state : "open";
    if (strcmp(state, "open") == 0) { /* by the index of what is open alone */
        sql_find(call->sql, &rows,
                 "SELECT k.id, NULL FROM clock k WHERE k.id > ?1 AND k.ticket IS NULL AND k.met_ms IS NULL AND"
                 " k.cancelled_ms IS NULL AND (?2 IS NULL OR k.kind = ?2) AND (?3 IS NULL OR k.subject = ?3) AND"
                 " (?4 IS NULL OR k.site = (SELECT id FROM site WHERE name = ?4)) ORDER BY k.id LIMIT ?5",
                 "ittti", page.after, http_query(call->request, "kind"), http_query(call->request, "subject"),
                 http_query(call->request, "site"), page.limit + 1);
    } else {
        sql_find(call->sql, &rows,
                 "SELECT k.id, NULL FROM clock k WHERE k.id > ?1 AND k.ticket IS NULL AND (?6 = 'all' OR (?6 = 'met'"
                 " AND k.met_ms IS NOT NULL AND k.breached_ms IS NULL) OR (?6 = 'breached' AND k.breached_ms IS NOT"
                 " NULL) OR (?6 = 'cancelled' AND k.cancelled_ms IS NOT NULL)) AND (?2 IS NULL OR k.kind = ?2) AND"
                 " (?3 IS NULL OR k.subject = ?3) AND (?4 IS NULL OR k.site = (SELECT id FROM site WHERE name = ?4))"
                 " ORDER BY k.id LIMIT ?5",
                 "ittti" "t", page.after, http_query(call->request, "kind"), http_query(call->request, "subject"),
                 http_query(call->request, "site"), page.limit + 1, state);
    }
    call_list(call, &rows, &page, show_duty);
}

static enum err do_duty(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    if (!err && text_to_int(call->parts[1], strlen(call->parts[1]), &id)) {
        err = text_say(why, ERR_NOT_FOUND, "no duty %s", call->parts[1]);
    }
    if (!err) {
        err = desk_duty_action(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    if (err) {
        return err;
    }
    call->sql = sql; /* what was just written */
    call->now_ms = now_ms;
    return show_duty(call, id);
}

void duties_act(struct call *call)
{
    struct sql *reader = call->sql;

    (void)!call_write(call, do_duty);
    call->sql = reader;
}
