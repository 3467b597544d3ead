/* Tickets, work orders, visits, calendars, progress look-up, reports. */
#include <stdlib.h>
#include <string.h>

#include "server/api/api_int.h"
#include "server/desk/calendar.h"

static bool is_get(const struct call *call)
{
    return strcmp(call->request->method, "GET") == 0;
}

static void not_found(struct call *call)
{
    call_problem(call, 404, "Not found", "no %s %s", call->parts[0],
                 call->part_count > 1 ? call->parts[1] : "");
}

/* ------------------------------------------------------------------ lists */

typedef enum err (*show_row)(struct call *call, int64_t id);

/* {"items":[…],"next":…} of the ids that a query names; ids fall when last goes down. */
static void put_list(struct call *call, struct sql_rows *rows, int64_t limit, show_row show)
{
    int64_t ids[1000], count = 0;
    enum err err;

    while (count < limit && sql_next(rows)) {
        ids[count++] = sql_int(rows, 0);
    }
    err = sql_end(rows);
    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (int64_t i = 0; !err && i < count; i++) {
        err = show(call, ids[i]);
    }
    json_close_list(call->out);
    call_next(call, count, limit, count ? ids[count - 1] : 0);
    json_close_object(call->out);
    if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

static enum err show_ticket(struct call *call, int64_t id)
{
    return view_ticket(call->sql, call->api->options.rules, id, call->now_ms, false, call->out);
}

static void list_tickets(struct call *call)
{
    const char *state = http_query(call->request, "state");
    const char *grade = http_query(call->request, "grade");
    int64_t limit = call_limit(call), wanted = 0;
    struct sql_rows rows;

    if (grade && text_to_int(grade, strlen(grade), &wanted)) {
        wanted = -1;
    }
    sql_find(call->sql, &rows,
             "SELECT t.id FROM ticket t LEFT JOIN equipment e ON e.id = t.equipment WHERE t.id > ?1"
             " AND (?2 IS NULL OR (?2 = 'open' AND t.closed_ms IS NULL) OR t.state = ?2) AND (?3 = 0"
             " OR t.grade = ?3) AND (?4 IS NULL OR e.name = ?4) AND (?5 IS NULL OR t.kind = ?5) AND"
             " (?6 IS NULL OR t.fault = ?6) ORDER BY t.id LIMIT ?7",
             "itittt" "i", call_cursor(call), state, wanted, http_query(call->request, "equipment"),
             http_query(call->request, "kind"), http_query(call->request, "fault"), limit);
    put_list(call, &rows, limit, show_ticket);
}

static enum err show_order(struct call *call, int64_t id)
{
    return view_work_order(call->sql, call->api->options.rules, id, call->out);
}

static void list_orders(struct call *call)
{
    int64_t limit = call_limit(call);
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT w.id FROM work_order w LEFT JOIN ticket t ON t.id = w.ticket LEFT JOIN team m ON"
             " m.id = w.team LEFT JOIN technician h ON h.id = w.technician LEFT JOIN equipment e ON"
             " e.id = w.equipment WHERE w.id > ?1 AND (?2 IS NULL OR w.state = ?2 OR (?2 = 'open' AND"
             " w.state NOT IN ('done', 'cancelled'))) AND (?3 IS NULL OR t.number = ?3) AND (?4 IS"
             " NULL OR m.name = ?4) AND (?5 IS NULL OR h.name = ?5) AND (?6 IS NULL OR w.kind = ?6)"
             " AND (?7 IS NULL OR e.name = ?7) ORDER BY w.id LIMIT ?8",
             "itttttti", call_cursor(call), http_query(call->request, "state"),
             http_query(call->request, "ticket"), http_query(call->request, "team"),
             http_query(call->request, "technician"), http_query(call->request, "kind"),
             http_query(call->request, "equipment"), limit);
    put_list(call, &rows, limit, show_order);
}

static enum err show_visit(struct call *call, int64_t id)
{
    return view_visit(call->sql, id, call->out);
}

/* A date, or the date of an instant. */
static bool query_day(struct call *call, const char *name, int32_t fallback, int32_t *ret_day)
{
    const char *words = http_query(call->request, name);
    char date[11] = {0};

    *ret_day = fallback;
    if (!words) {
        return true;
    }
    memcpy(date, words, strlen(words) < 10 ? strlen(words) : 10);
    return !civil_read_date(date, ret_day);
}

static void list_visits(struct call *call)
{
    int32_t today = zone_day(call->zone, call->now_ms), from, to;
    int64_t limit = call_limit(call);
    struct sql_rows rows;

    if (!query_day(call, "from", today, &from) || !query_day(call, "to", today + 366, &to)) {
        call_problem(call, 422, "Cannot be done as asked", "expected from and to as dates");
        return;
    }
    sql_find(call->sql, &rows,
             "SELECT v.id FROM visit v JOIN equipment e ON e.id = v.equipment WHERE v.id > ?1 AND"
             " v.due_day BETWEEN ?2 AND ?3 AND (?4 IS NULL OR e.name = ?4) ORDER BY v.id LIMIT ?5",
             "iiiti", call_cursor(call), (int64_t)from, (int64_t)to,
             http_query(call->request, "equipment"), limit);
    put_list(call, &rows, limit, show_visit);
}

/* ------------------------------------------------------------------ one */

static void tag(struct call *call, int64_t version)
{
    TEXT(words, 32);

    text_addf(&words, "\"%lld\"", (long long)version);
    call_header(call, "ETag", words.at);
}

static void show_one_ticket(struct call *call)
{
    int64_t id = view_find_ticket(call->sql, call->parts[1]);

    if (id < 0 || view_ticket(call->sql, call->api->options.rules, id, call->now_ms, true, call->out)) {
        not_found(call);
        return;
    }
    tag(call, sql_find_int(call->sql, 0, "SELECT version FROM ticket WHERE id = ?1", "i", id));
}

static void show_one_order(struct call *call)
{
    int64_t id = view_find_work_order(call->sql, call->parts[1]);

    if (id < 0 || view_work_order(call->sql, call->api->options.rules, id, call->out)) {
        not_found(call);
        return;
    }
    tag(call, sql_find_int(call->sql, 0, "SELECT version FROM work_order WHERE id = ?1", "i", id));
}

/* ------------------------------------------------------------------ writing */

static enum err read_action(struct call *call, struct desk_action *action, struct text *why)
{
    const char *at = json_text_or(call->body, "at", NULL);

    *action = (struct desk_action){
        .action = json_text_or(call->body, "action", ""),
        .action_id = json_text_or(call->body, "id", NULL),
        .who = call->who,
        .note = json_text_or(call->body, "note", NULL),
        .body = call->body,
    };
    if (at && civil_read_instant(at, &action->at_ms)) {
        return text_say(why, ERR_FORMAT, "at: expected an RFC 3339 time, found '%.40s'", at);
    }
    return ERR_OK;
}

/* If-Match against the row as it stands now. */
static enum err check_match(struct call *call, int64_t version, struct text *why)
{
    const char *header = http_header(call->request, "If-Match");
    int64_t wanted;

    if (!header || strcmp(header, "*") == 0) {
        return ERR_OK;
    }
    header += *header == '"';
    if (text_to_int(header, strspn(header, "0123456789"), &wanted) || wanted != version) {
        return text_say(why, ERR_DENIED, "the record has version %lld: read it again", (long long)version);
    }
    return ERR_OK;
}

static enum err do_report(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct desk_action action;
    char number[32];
    bool merged = false;
    enum err err = read_action(call, &action, why);

    if (!err) {
        err = desk_report(call->api->options.desk, sql, &action, now_ms, number, &merged, why);
    }
    if (!err) {
        call->answer->status = merged ? 200 : 201;
        err = view_ticket(sql, call->api->options.rules, view_find_ticket(sql, number), now_ms, true,
                          call->out);
    }
    return err;
}

static enum err do_ticket_action(struct call *call, struct sql *sql, int64_t now_ms,
                                 struct text *why)
{
    int64_t id = view_find_ticket(sql, call->parts[1]);
    struct desk_action action;
    enum err err = id < 0 ? ERR_NOT_FOUND : read_action(call, &action, why);

    if (!err) {
        err = check_match(call, sql_find_int(sql, 0, "SELECT version FROM ticket WHERE id = ?1", "i", id), why);
    }
    if (!err) {
        err = desk_ticket_action(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    return err ? err : view_ticket(sql, call->api->options.rules, id, now_ms, true, call->out);
}

static enum err do_order_action(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = view_find_work_order(sql, call->parts[1]);
    struct desk_action action;
    enum err err = id < 0 ? ERR_NOT_FOUND : read_action(call, &action, why);

    if (!err) {
        err = check_match(call, sql_find_int(sql, 0, "SELECT version FROM work_order WHERE id = ?1", "i", id), why);
    }
    if (!err) {
        err = desk_work_action(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    return err ? err : view_work_order(sql, call->api->options.rules, id, call->out);
}

static bool has_body(struct call *call)
{
    if (!call->body) {
        call_problem(call, 400, "The body is missing", "expected a JSON object");
        return false;
    }
    return call_may_write(call);
}

/* ------------------------------------------------------------------ for strangers */

static void show_track(struct call *call)
{
    const char *code = http_query(call->request, "code");
    int64_t id = call->part_count == 2 ? view_find_ticket(call->sql, call->parts[1]) : -1;
    char stored[40] = "-";
    struct sql_rows rows;
    bool right;

    sql_find(call->sql, &rows, "SELECT track_code FROM ticket WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        (void)!text_copy(stored, sizeof(stored), sql_text(&rows, 0));
    }
    (void)!sql_end(&rows);
    /* as long for a wrong number as for a wrong code */
    right = code && auth_same(code, stored);
    if (!right || id < 0 ||
        view_track(call->sql, call->api->options.rules, id, call->now_ms, call->out)) {
        call_problem(call, 404, "Not found", "no ticket with that number and code");
    }
}

static void show_calendar(struct call *call)
{
    char token[80] = "", kind[16] = "", name[65] = "";
    struct sql_rows rows;
    char *dot, *words = NULL;
    bool found = false;

    if (call->part_count == 2 && !text_copy(token, sizeof(token), call->parts[1])) {
        dot = strstr(token, ".ics");
        if (dot) {
            *dot = '\0';
        }
        sql_find(call->sql, &rows, "SELECT kind, name FROM feed WHERE token = ?1", "t", token);
        if (sql_next(&rows)) {
            found = !text_copy(kind, sizeof(kind), sql_text(&rows, 0)) &&
                    !text_copy(name, sizeof(name), sql_text(&rows, 1));
        }
        (void)!sql_end(&rows);
    }
    if (!found || calendar_feed(call->sql, kind, name, call->now_ms, &words)) {
        call_problem(call, 404, "Not found", "no such calendar");
        return;
    }
    call->answer->type = "text/calendar; charset=utf-8";
    json_put_raw(call->out, words, strlen(words));
    free(words);
}

static enum err do_feed(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *kind = json_text_or(call->body, "kind", ""), *name = json_text_or(call->body, "name", "");
    char token[40];
    TEXT(url, 128);
    enum err err;

    if (strcmp(kind, "technician") != 0 && strcmp(kind, "team") != 0 && strcmp(kind, "site") != 0) {
        return text_say(why, ERR_FORMAT, "kind: expected technician, team or site");
    }
    if (!text_is_id(name)) {
        return text_say(why, ERR_FORMAT, "name: expected an id of the fleet file");
    }
    err = calendar_token(sql, kind, name, now_ms, token);
    text_addf(&url, "/api/v1/calendars/%s.ics", token);
    json_open_object(call->out);
    json_text(call->out, "token", token);
    json_text(call->out, "url", url.at);
    json_close_object(call->out);
    return err;
}

/* ------------------------------------------------------------------ predictions and reports */

/* Trends need the diagnosis that later versions bring; until then each asset says why it has none. */
static void list_predictions(struct call *call)
{
    int64_t limit = call_limit(call), count = 0, last = 0;
    struct sql_rows rows;

    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    sql_find(call->sql, &rows,
             "SELECT id, name, profile FROM equipment WHERE id > ?1 ORDER BY id LIMIT ?2", "ii",
             call_cursor(call), limit);
    while (sql_next(&rows)) {
        last = sql_int(&rows, 0);
        count++;
        json_open_object(call->out);
        json_text(call->out, "equipment", sql_text(&rows, 1));
        json_null(call->out, "component");
        json_text(call->out, "model", sql_text(&rows, 2));
        json_null(call->out, "trend");
        json_null(call->out, "threshold");
        json_null(call->out, "from");
        json_null(call->out, "to");
        json_null(call->out, "confidence");
        json_null(call->out, "evidence");
        json_text(call->out, "reason", "this version computes no trends");
        json_close_object(call->out);
    }
    (void)!sql_end(&rows);
    json_close_list(call->out);
    call_next(call, count, limit, last);
    json_close_object(call->out);
}

static void report_line(struct call *call, const char *name, const char *formula, int64_t value,
                        int64_t rows)
{
    json_open_object(call->out);
    json_text(call->out, "name", name);
    json_text(call->out, "formula", formula);
    json_int(call->out, "value", value);
    json_int(call->out, "rows", rows);
    json_close_object(call->out);
}

static void show_report(struct call *call)
{
    const char *name = call->part_count > 1 ? call->parts[1] : "";
    int32_t today = zone_day(call->zone, call->now_ms), from, to;
    int64_t from_ms, to_ms;

    if (!query_day(call, "from", today - 30, &from) || !query_day(call, "to", today, &to)) {
        call_problem(call, 422, "Cannot be done as asked", "expected from and to as dates");
        return;
    }
    from_ms = zone_instant(call->zone, from, 0);
    to_ms = zone_instant(call->zone, to + 1, 0);
    json_open_object(call->out);
    json_text(call->out, "report", name);
    json_key(call->out, "lines");
    json_open_list(call->out);
    if (strcmp(name, "tickets") == 0) {
        int64_t count = sql_find_int(call->sql, 0,
                                     "SELECT COUNT(*) FROM ticket WHERE registered_ms BETWEEN ?1 AND"
                                     " ?2",
                                     "ii", from_ms, to_ms);

        report_line(call, "tickets registered", "count of tickets with registered_at in the span",
                    count, count);
        count = sql_find_int(call->sql, 0,
                             "SELECT COUNT(*) FROM clock WHERE breached_ms BETWEEN ?1 AND ?2", "ii",
                             from_ms, to_ms);
        report_line(call, "clocks breached", "count of clocks whose due time passed in the span",
                    count, count);
    } else if (strcmp(name, "visits") == 0) {
        int64_t due = sql_find_int(call->sql, 0,
                                   "SELECT COUNT(*) FROM visit WHERE due_day BETWEEN ?1 AND ?2", "ii",
                                   (int64_t)from, (int64_t)to);
        int64_t done = sql_find_int(call->sql, 0,
                                    "SELECT COUNT(*) FROM visit WHERE due_day BETWEEN ?1 AND ?2 AND"
                                    " state = 'done'",
                                    "ii", (int64_t)from, (int64_t)to);

        report_line(call, "visits due", "count of visits with due_on in the span", due, due);
        report_line(call, "visits done", "count of those that are done", done, due);
    } else {
        call_problem(call, 404, "Not found", "no report called '%s'; there are tickets and visits", name);
        return;
    }
    json_close_list(call->out);
    json_close_object(call->out);
}

/* ------------------------------------------------------------------ which */

void route_desk(struct call *call)
{
    bool get = is_get(call), actions = call->part_count == 3 && strcmp(call->parts[2], "actions") == 0;
    const char *room = call->parts[0];

    if (strcmp(room, "track") == 0) {
        show_track(call);
    } else if (strcmp(room, "calendars") == 0) {
        show_calendar(call);
    } else if (strcmp(room, "visits") == 0 && get && call->part_count == 1) {
        list_visits(call);
    } else if (strcmp(room, "predictions") == 0 && get) {
        list_predictions(call);
    } else if (strcmp(room, "reports") == 0 && get) {
        show_report(call);
    } else if (strcmp(room, "feeds") == 0 && !get) {
        if (has_body(call)) {
            (void)!call_write(call, do_feed);
        }
    } else if (strcmp(room, "tickets") == 0 && get && call->part_count == 1) {
        list_tickets(call);
    } else if (strcmp(room, "tickets") == 0 && get && call->part_count == 2) {
        show_one_ticket(call);
    } else if (strcmp(room, "tickets") == 0 && !get && call->part_count == 1) {
        if (has_body(call)) {
            (void)!call_write(call, do_report);
        }
    } else if (strcmp(room, "tickets") == 0 && !get && actions) {
        if (has_body(call)) {
            (void)!call_write(call, do_ticket_action);
        }
    } else if (strcmp(room, "work-orders") == 0 && get && call->part_count == 1) {
        list_orders(call);
    } else if (strcmp(room, "work-orders") == 0 && get && call->part_count == 2) {
        show_one_order(call);
    } else if (strcmp(room, "work-orders") == 0 && !get && actions) {
        if (has_body(call)) {
            (void)!call_write(call, do_order_action);
        }
    } else {
        call_problem(call, 404, "Not found", "no route %s %s", call->request->method, call->request->path);
    }
}
