/* Files of customers and sites, papers of the equipment, bulletins. */
#include <string.h>

#include "server/api/act.h"
#include "server/api/paper.h"
#include "server/desk/desk.h"
#include "server/dossier/dossier.h"
#include "server/field/attachment.h"

#define YEAR_DAYS 365

/* ------------------------------------------------------------------ files, as papers */

enum subject { SUBJECT_CUSTOMER, SUBJECT_SITE, SUBJECT_EQUIPMENT, SUBJECT_DESIGN };

static int64_t find_subject(struct call *call, struct sql *sql, enum subject subject, const char *id)
{
    switch (subject) {
    case SUBJECT_CUSTOMER:
        return sql_find_int(sql, 0, "SELECT id FROM customer WHERE name = ?1", "t", id);
    case SUBJECT_SITE:
        return sql_find_int(sql, 0, "SELECT id FROM site WHERE name = ?1", "t", id);
    case SUBJECT_EQUIPMENT:
        return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", id);
    case SUBJECT_DESIGN:
        return sql_find_int(sql, 0, "SELECT id FROM design WHERE name = ?1", "t", id);
    }
    (void)call;
    return 0;
}

static enum err show(struct call *call, enum subject subject, const char *id, struct json_out *out,
                     enum err (*file)(const struct file_asked *asked, int64_t row, struct json_out *out))
{
    struct file_asked asked = {.sql = call->sql, .rules = call->api->options.rules, .arena = call->request->arena,
                               .preset_plan = call->api->options.preset_plan, .zone = call->zone, .now_ms = call->now_ms};
    int64_t row = find_subject(call, call->sql, subject, id);
    int32_t today = zone_day(call->zone, call->now_ms), from, to;

    if (!row) {
        return ERR_NOT_FOUND;
    }
    if (!call_day(call, "from", today - YEAR_DAYS + 1, &from) || !call_day(call, "to", today, &to)) {
        return ERR_FORMAT; /* a problem was written */
    }
    if (to < from) {
        call_problem(call, 422, "Cannot be done as asked", "to: expected a day that is not before from");
        return ERR_FORMAT;
    }
    asked.from_ms = zone_instant(call->zone, from, 0);
    asked.to_ms = zone_instant(call->zone, to + 1, 0);
    asked.to_ms = asked.to_ms > call->now_ms ? call->now_ms : asked.to_ms;
    return file(&asked, row, out);
}

enum err dossier_customer(struct call *call, const char *id, struct json_out *out)
{
    return show(call, SUBJECT_CUSTOMER, id, out, file_customer);
}

enum err dossier_service(struct call *call, const char *id, struct json_out *out)
{
    return show(call, SUBJECT_CUSTOMER, id, out, file_service);
}

enum err dossier_operating(struct call *call, const char *id, struct json_out *out)
{
    return show(call, SUBJECT_SITE, id, out, file_operating);
}

enum err dossier_repair(struct call *call, const char *id, struct json_out *out)
{
    return show(call, SUBJECT_EQUIPMENT, id, out, file_repair);
}

enum err dossier_papers(struct call *call, const char *id, struct json_out *out)
{
    return show(call, SUBJECT_EQUIPMENT, id, out, file_papers);
}

enum err dossier_rules(struct call *call, const char *id, struct json_out *out)
{
    return show(call, SUBJECT_SITE, id, out, file_rules);
}

enum err dossier_handover(struct call *call, const char *id, struct json_out *out)
{
    return show(call, SUBJECT_SITE, id, out, file_handover);
}

enum err dossier_design(struct call *call, const char *id, struct json_out *out)
{
    return show(call, SUBJECT_DESIGN, id, out, file_design);
}

/* ------------------------------------------------------------------ the register of papers */

static enum err show_library(struct call *call, int64_t id)
{
    return library_view(call->sql, call->zone, id, call->out);
}

void library_list_all(struct call *call)
{
    const char *kind = http_query(call->request, "kind");
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    if (kind) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM library WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3", "tii", kind,
                 page.after, page.limit + 1);
    } else {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM library WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
    }
    call_list(call, &rows, &page, show_library);
}

static void not_there(struct call *call, enum err err, const char *what)
{
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no %s %.64s", what, call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

void library_show(struct call *call)
{
    int64_t id = sql_find_int(call->sql, 0, "SELECT id FROM library WHERE name = ?1", "t", call->parts[1]);

    not_there(call, id ? show_library(call, id) : ERR_NOT_FOUND, "document");
}

static enum err do_receipt(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t equipment = find_subject(call, sql, SUBJECT_EQUIPMENT, call->parts[1]);
    struct action action;
    enum err err = equipment ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no equipment %s", call->parts[1]);

    err = err ? err : library_receipt(sql, equipment, &action, now_ms, why);
    if (err) {
        return err;
    }
    json_open_object(call->out);
    json_key(call->out, "documents");
    err = library_list(call->request->arena, sql, call->zone, equipment, zone_day(call->zone, now_ms), false, NULL, call->out);
    json_close_object(call->out);
    return err;
}

void equipment_receipt(struct call *call)
{
    (void)!call_write(call, do_receipt);
}

/* What a customer opens from the page of his ticket. */
void track_document(struct call *call)
{
    int64_t ticket = track_find(call), equipment;
    char type[64] = "application/octet-stream", name[65];

    if (ticket < 0) {
        return;
    }
    equipment = sql_find_int(call->sql, 0, "SELECT equipment FROM ticket WHERE id = ?1", "i", ticket);
    if (!library_file(call->sql, equipment, call->parts[3], zone_day(call->zone, call->now_ms), name) ||
        attachment_content(call->sql, name, call->out, type)) {
        call_problem(call, 404, "Not found", "nothing with that number and code");
        return;
    }
    call->answer->type = arena_text(call->request->arena, type, strlen(type));
    call_header(call, "Content-Disposition", "attachment");
}

/* ------------------------------------------------------------------ notes, analyses */

static enum err do_note(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t customer = find_subject(call, sql, SUBJECT_CUSTOMER, call->parts[1]);
    struct action action;
    struct sql_rows rows;
    enum err err = customer ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no customer %s", call->parts[1]);

    err = err ? err : dossier_note(sql, customer, &action, now_ms, why);
    if (err) {
        return err;
    }
    call->answer->status = 201;
    json_open_object(call->out);
    sql_find(sql, &rows,
             "SELECT n.at_ms, n.kind, e.name, n.words, n.who FROM file_note n LEFT JOIN equipment e ON e.id = n.equipment WHERE"
             " n.customer = ?1 AND (?2 IS NULL OR n.action_id = ?2) ORDER BY n.id DESC LIMIT 1",
             "it", customer, action.action_id);
    err = show_row(call->out, call->zone, &rows, "mat tkind tequipment twords twho");
    json_close_object(call->out);
    return err;
}

void customer_note(struct call *call)
{
    (void)!call_write(call, do_note);
}

static enum err show_analysis_row(struct call *call, struct sql *sql, int64_t id)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(call->out);
    sql_find(sql, &rows,
             "SELECT a.id, c.name, a.from_day, a.to_day, a.plan, a.at_ms, a.body, a.seen_ms, a.seen_by, a.note FROM"
             " file_analysis a JOIN customer c ON c.id = a.customer WHERE a.id = ?1",
             "i", id);
    err = show_row(call->out, call->zone, &rows,
                   "iid tcustomer dfrom dto tplan mdrafted_at jfigures mseen_at tseen_by tnote");
    json_close_object(call->out);
    return err;
}

static enum err show_one_analysis(struct call *call, int64_t id)
{
    return show_analysis_row(call, call->sql, id);
}

void analyses_list(struct call *call)
{
    static const char *const states[] = {"open", "seen", "all", NULL};
    const char *name = http_query(call->request, "customer"), *state;
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state)) {
        return;
    }
    if (name) {
        sql_find(call->sql, &rows,
                 "SELECT a.id, NULL FROM file_analysis a JOIN customer c ON c.id = a.customer WHERE c.name = ?1 AND a.id > ?2"
                 " ORDER BY a.id LIMIT ?3",
                 "tii", name, page.after, page.limit + 1);
    } else if (text_same(state, "open")) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM file_analysis WHERE seen_ms IS NULL AND id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
    } else if (text_same(state, "seen")) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM file_analysis WHERE seen_ms IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2", "ii",
                 page.after, page.limit + 1);
    } else {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM file_analysis WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
    }
    call_list(call, &rows, &page, show_one_analysis);
}

static enum err do_seen(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    int64_t id = 0;
    enum err err = text_to_int(call->parts[1], strlen(call->parts[1]), &id)
                       ? text_say(why, ERR_NOT_FOUND, "no analysis %.40s", call->parts[1])
                       : act_read(call, &action, why);

    err = err ? err : dossier_seen(sql, id, &action, now_ms, why);
    return err ? err : show_analysis_row(call, sql, id);
}

void analyses_seen(struct call *call)
{
    (void)!call_write(call, do_seen);
}

/* ------------------------------------------------------------------ bulletins */

static enum err show_bulletin(struct call *call, int64_t id)
{
    return bulletin_view(call->sql, call->zone, id, call->now_ms, call->out);
}

void bulletins_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    sql_find(call->sql, &rows, "SELECT id, NULL FROM bulletin WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
             page.limit + 1);
    call_list(call, &rows, &page, show_bulletin);
}

void bulletins_show(struct call *call)
{
    int64_t id = sql_find_int(call->sql, 0, "SELECT id FROM bulletin WHERE name = ?1", "t", call->parts[1]);

    not_there(call, id ? show_bulletin(call, id) : ERR_NOT_FOUND, "bulletin");
}

static enum err do_bulletin(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = sql_find_int(sql, 0, "SELECT id FROM bulletin WHERE name = ?1", "t", call->parts[1]);
    struct action action;
    enum err err = id ? act_read(call, &action, why) : text_say(why, ERR_NOT_FOUND, "no bulletin %s", call->parts[1]);

    err = err ? err : desk_bulletin_action(call->api->options.desk, sql, id, &action, now_ms, why);
    return err ? err : bulletin_view(sql, call->zone, id, now_ms, call->out);
}

void bulletins_act(struct call *call)
{
    (void)!call_write(call, do_bulletin);
}
