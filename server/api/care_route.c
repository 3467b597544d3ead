/* Agreements, customers who leave, exports, removals, what is kept how long, who looked at whose data. */
#include <string.h>

#include "server/api/act.h"
#include "server/care/care.h"

static int64_t find(struct sql *sql, const char *statement, const char *word)
{
    return sql_find_int(sql, 0, statement, "t", word);
}

typedef enum err (*care_show)(struct sql *sql, const struct zone *zone, int64_t id, struct json_out *out);

static void answer(struct call *call, enum err err, const char *what)
{
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "expected %s, found '%.64s'", what, call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

static void show(struct call *call, const char *statement, care_show view, const char *what)
{
    int64_t id = find(call->sql, statement, call->parts[1]);

    answer(call, id ? view(call->sql, call->zone, id, call->out) : ERR_NOT_FOUND, what);
}

/* ------------------------------------------------------------------ agreements */

#define BY_NAME   "SELECT id FROM contract WHERE name = ?1"
#define LEAVING   "SELECT id FROM leaving WHERE number = ?1"
#define EXPORT    "SELECT id FROM export WHERE number = ?1"

static enum err view_agreement(struct call *call, struct sql *sql, int64_t id)
{
    return agreement_view(sql, call->api->options.rules, call->api->options.time_zone, id, call->now_ms, call->out);
}

static enum err list_agreement(struct call *call, int64_t id)
{
    enum err err = view_agreement(call, call->sql, id);

    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

void agreements_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (call_page(call, &page)) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM contract WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after, page.limit + 1);
        call_list(call, &rows, &page, list_agreement);
    }
}

enum err agreements_view(struct call *call, const char *name, struct json_out *out)
{
    int64_t id = find(call->sql, BY_NAME, name);

    return id ? agreement_view(call->sql, call->api->options.rules, call->api->options.time_zone, id, call->now_ms, out) : ERR_NOT_FOUND;
}

void agreements_show(struct call *call)
{
    answer(call, agreements_view(call, call->parts[1], call->out), "an agreement");
}

static enum err do_agreement(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = find(sql, BY_NAME, call->parts[1]);
    struct action action;
    enum err err = id ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no agreement %.64s", call->parts[1]);

    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM contract WHERE id = ?1", "i", id), why);
    err = err ? err : agreement_act(call->api->options.care, sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM contract WHERE id = ?1", "i", id));
    return view_agreement(call, sql, id);
}

void agreements_act(struct call *call)
{
    (void)!call_write(call, do_agreement);
}

/* ------------------------------------------------------------------ leaving */

static enum err list_leaving(struct call *call, int64_t id)
{
    return leaving_view(call->sql, call->zone, id, call->out);
}

void leavings_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (call_page(call, &page)) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM leaving WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after, page.limit + 1);
        call_list(call, &rows, &page, list_leaving);
    }
}

enum err leavings_view(struct call *call, const char *number, struct json_out *out)
{
    int64_t id = find(call->sql, LEAVING, number);

    return id ? leaving_view(call->sql, call->zone, id, out) : ERR_NOT_FOUND;
}

void leavings_show(struct call *call)
{
    answer(call, leavings_view(call, call->parts[1], call->out), "the number of an off-boarding");
}

static enum err do_begin(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    err = err ? err : leaving_begin(call->api->options.care, sql, &action, now_ms, &id, why);
    call->answer->status = err ? call->answer->status : 201;
    return err ? err : leaving_view(sql, call->zone, id, call->out);
}

void leavings_post(struct call *call)
{
    (void)!call_write(call, do_begin);
}

static enum err do_leaving(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = find(sql, LEAVING, call->parts[1]);
    struct action action;
    enum err err = id ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no off-boarding %.64s", call->parts[1]);

    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM leaving WHERE id = ?1", "i", id), why);
    err = err ? err : leaving_act(call->api->options.care, sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM leaving WHERE id = ?1", "i", id));
    return leaving_view(sql, call->zone, id, call->out);
}

void leavings_act(struct call *call)
{
    (void)!call_write(call, do_leaving);
}

/* ------------------------------------------------------------------ exports */

static enum err list_export(struct call *call, int64_t id)
{
    return export_view(call->sql, call->zone, id, call->out);
}

void exports_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (call_page(call, &page)) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM export WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after, page.limit + 1);
        call_list(call, &rows, &page, list_export);
    }
}

void exports_show(struct call *call)
{
    show(call, EXPORT, export_view, "the number of an export");
}

static enum err do_export(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    err = err ? err
              : export_begin(call->api->options.care, sql, &action,
                             find(sql, "SELECT id FROM customer WHERE name = ?1", json_text_or(call->body, "customer", "")), 0, now_ms,
                             &id, why);
    call->answer->status = err ? call->answer->status : 201;
    return err ? err : export_view(sql, call->zone, id, call->out);
}

void exports_post(struct call *call)
{
    (void)!call_write(call, do_export);
}

/* The file itself; that it was given away is noted first. */
void exports_content(struct call *call)
{
    int64_t id = find(call->sql, EXPORT " AND state = 'done'", call->parts[1]);
    TEXT(path, 1200);

    if (!id) {
        call_problem(call, 404, "Not found", "expected the number of an export that is done, found '%.64s'", call->parts[1]);
        return;
    }
    export_path(call->api->options.care, call->parts[1], &path);
    if (call_note(call, "export taken away", call->parts[1], NULL)) {
        call_problem(call, 503, "The database is not writable", "what is taken away is noted first");
    } else if (!(call->answer->stream = stream_file(path.at))) {
        call_problem(call, 404, "Not found", "the file of this export is no longer there");
    } else {
        call->answer->type = "application/x-tar";
    }
}

/* ------------------------------------------------------------------ the care of data */

static enum err list_removal(struct call *call, int64_t id)
{
    return removal_view(call->sql, call->zone, id, call->out);
}

void removals_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (call_page(call, &page)) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM removal WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after, page.limit + 1);
        call_list(call, &rows, &page, list_removal);
    }
}

static enum err do_removal(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = act_read(call, &action, why);

    err = err ? err : removal_begin(call->api->options.care, sql, &action, now_ms, &id, why);
    call->answer->status = err ? call->answer->status : 201;
    return err ? err : removal_view(sql, call->zone, id, call->out);
}

void removals_post(struct call *call)
{
    (void)!call_write(call, do_removal);
}

void retention_show(struct call *call)
{
    json_open_object(call->out);
    answer(call, care_classes(call->api->options.care, call->sql, call->zone, call->out), "");
    json_null(call->out, "next");
    json_close_object(call->out);
}
