/*
 * Documents: the catalogue of papers, a paper of an object as it stands now, and the versions that were given out.
 * A version is what somebody has in hand: issued once, never changed.
 */
#include <string.h>

#include "models/base/hash.h"
#include "server/api/paper.h"
#include "server/care/care.h"
#include "server/case/contact.h"
#include "server/desk/desk.h"
#include "server/desk/rca.h"
#include "server/desk/view.h"
#include "server/inspection/inspection.h"
#include "server/money/money.h"
#include "server/stock/view.h"
#include "server/training/tool.h"

/* ------------------------------------------------------------------ what papers are made of */

static enum err show_work_order(struct call *call, const char *id, struct json_out *out)
{
    int64_t order = view_find_work_order(call->sql, id);

    return order < 0 ? ERR_NOT_FOUND : view_work_order(call->sql, call->api->options.rules, order, out);
}

static enum err show_ticket(struct call *call, const char *id, struct json_out *out)
{
    int64_t ticket = view_find_ticket(call->sql, id);

    return ticket < 0 ? ERR_NOT_FOUND
                      : view_ticket(call->sql, call->api->options.rules, ticket, call->role, call->now_ms, out);
}

/* As a customer sees it who has the code. */
static enum err show_track(struct call *call, const char *id, struct json_out *out)
{
    int64_t ticket = view_find_ticket(call->sql, id);

    return ticket < 0 ? ERR_NOT_FOUND : view_track(call->sql, call->api->options.rules, ticket, call->now_ms, out);
}

static enum err show_analysis(struct call *call, const char *id, struct json_out *out)
{
    int64_t ticket = view_find_ticket(call->sql, id);

    return ticket < 0 ? ERR_NOT_FOUND : rca_put(call->sql, call->api->options.rules, ticket, call->now_ms, out);
}

/* A row of the fleet file, as it was written there. */
static void put_doc(struct json_out *out, const char *name, struct sql_rows *rows, int column)
{
    json_raw(out, name, sql_null(rows, column) ? NULL : sql_text(rows, column));
}

/* The contract that holds for it today, else the youngest that it has; 0: none. */
static int64_t contract_of(struct call *call, int64_t equipment)
{
    return sql_find_int(call->sql, 0,
                        "SELECT c.id FROM contract_site m JOIN equipment e ON e.site = m.site JOIN contract c ON c.id = m.contract"
                        " WHERE e.id = ?1 ORDER BY CASE WHEN COALESCE(c.start_day, 0) <= ?2 AND COALESCE(c.end_day, ?2) >= ?2 THEN 0"
                        " ELSE 1 END, c.id DESC LIMIT 1",
                        "ii", equipment, call->now_ms / 86400000);
}

/* The agreement that its site belongs to: its life and what is confidential. */
static enum err put_agreement(struct call *call, int64_t equipment, struct json_out *out)
{
    int64_t id = contract_of(call, equipment);
    struct json_out view = json_out(1024 * 1024);
    enum err err = id ? agreement_view(call->sql, call->api->options.rules, call->api->options.time_zone, id, call->now_ms, &view)
                      : ERR_NOT_FOUND;

    if (!err) {
        json_raw(out, "agreement", view.bytes);
    }
    json_out_free(&view);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The equipment, and from the fleet file what belongs to it. */
static enum err show_equipment(struct call *call, const char *id, struct json_out *out)
{
    int64_t equipment = sql_find_int(call->sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", id);
    struct sql_rows rows;
    enum err err;

    if (!equipment) {
        return ERR_NOT_FOUND;
    }
    json_open_object(out);
    json_key(out, "equipment");
    err = equipment_view(call, equipment, out);
    if (!err) {
        sql_find(call->sql, &rows,
                 "SELECT s.doc, c.doc, n.doc FROM equipment e LEFT JOIN site s ON s.id = e.site LEFT JOIN customer c ON"
                 " c.id = s.customer LEFT JOIN contract n ON n.id = ?2 WHERE e.id = ?1",
                 "ii", equipment, contract_of(call, equipment));
        if (sql_next(&rows)) {
            put_doc(out, "site", &rows, 0);
            put_doc(out, "customer", &rows, 1);
            put_doc(out, "contract", &rows, 2);
        }
        err = sql_end(&rows);
    }
    if (!err) {
        json_key(out, "promises");
        err = view_promises(call->sql, call->api->options.rules, call->api->options.preset_plan, equipment, call->now_ms, out);
    }
    err = err ? err : contact_put(call->sql, "complaints", out);
    if (!err) {
        err = put_agreement(call, equipment, out);
    }
    json_close_object(out);
    return err ? err : out->err;
}

/* ---- money: by number */

static enum err show_numbered(struct call *call, int64_t row, struct json_out *out,
                              enum err (*show)(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out))
{
    enum err err = row ? show(call->sql, row, call->zone, out) : ERR_NOT_FOUND;

    return err ? err : out->err;
}

static enum err show_quotation(struct call *call, const char *id, struct json_out *out)
{
    return show_numbered(call, sql_find_int(call->sql, 0, "SELECT id FROM quotation WHERE number = ?1", "t", id), out,
                         money_show_quotation);
}

static enum err show_invoice(struct call *call, const char *id, struct json_out *out)
{
    return show_numbered(call, sql_find_int(call->sql, 0, "SELECT id FROM invoice WHERE number = ?1", "t", id), out,
                         money_show_invoice);
}

static enum err show_claim(struct call *call, const char *id, struct json_out *out)
{
    return show_numbered(call, sql_find_int(call->sql, 0, "SELECT id FROM claim WHERE number = ?1", "t", id), out,
                         money_show_claim);
}

static enum err show_settlement(struct call *call, const char *id, struct json_out *out)
{
    return show_numbered(call, sql_find_int(call->sql, 0, "SELECT id FROM settlement WHERE number = ?1", "t", id), out,
                         money_show_settlement);
}

static enum err show_inspection(struct call *call, const char *id, struct json_out *out)
{
    int64_t inspection = inspection_find(call->sql, id);

    return inspection < 0 ? ERR_NOT_FOUND
                          : inspection_show_report(call->request->arena, call->sql, call->zone, inspection, out);
}

/* What the sheet of an inspection on site is filled with before anybody writes on it: the order, the last readings, the last
 * remote inspection. */
static enum err show_inspection_order(struct call *call, const char *id, struct json_out *out)
{
    int64_t order = view_find_work_order(call->sql, id);
    int64_t equipment = sql_find_int(call->sql, 0, "SELECT equipment FROM work_order WHERE id = ?1", "i", order);
    int64_t remote = sql_find_int(call->sql, 0,
                                  "SELECT MAX(id) FROM inspection WHERE equipment = ?1 AND state = 'done' AND way <> 'test'",
                                  "i", equipment);
    enum err err;

    if (order < 0) {
        return ERR_NOT_FOUND;
    }
    json_open_object(out);
    json_key(out, "order");
    err = view_work_order(call->sql, call->api->options.rules, order, out);
    if (!err && equipment) {
        json_key(out, "equipment");
        err = equipment_view(call, equipment, out);
    }
    json_key(out, "remote");
    json_open_object(out);
    if (!err && remote) {
        struct sql_rows rows;

        sql_find(call->sql, &rows, "SELECT number FROM inspection WHERE id = ?1", "i", remote);
        json_text(out, "number", sql_next(&rows) ? sql_text(&rows, 0) : NULL);
        err = sql_end(&rows);
        err = err ? err : inspection_show_lines(call->request->arena, call->sql, call->zone, remote, out);
    }
    json_close_object(out);
    json_close_object(out);
    return err ? err : out->err;
}

static enum err show_paper_voucher(struct call *call, const char *id, struct json_out *out)
{
    int64_t voucher = sql_find_int(call->sql, 0, "SELECT id FROM voucher WHERE number = ?1", "t", id);

    return voucher ? voucher_view(call->sql, voucher, call->zone, out) : ERR_NOT_FOUND;
}

static enum err show_training(struct call *call, const char *id, struct json_out *out)
{
    int64_t training = training_find(call->sql, id);

    return training < 0 ? ERR_NOT_FOUND
                        : training_view(call->request->arena, call->sql, call->api->options.rules, call->zone, training, out);
}

static enum err show_certificate(struct call *call, const char *id, struct json_out *out)
{
    int64_t certificate = certificate_find(call->sql, id);

    return certificate < 0 ? ERR_NOT_FOUND
                           : certificate_view(call->sql, call->api->options.rules, call->zone, certificate, out,
                                              zone_day(call->zone, call->now_ms));
}

/* As who was invited sees it. */
static enum err show_invitation(struct call *call, const char *id, struct json_out *out)
{
    int64_t trainee = sql_find_int(call->sql, 0, "SELECT id FROM trainee WHERE CAST(id AS TEXT) = ?1", "t", id);

    return trainee ? invitation_view(call->sql, call->api->options.rules, call->zone, trainee, out) : ERR_NOT_FOUND;
}

static enum err show_tool(struct call *call, const char *id, struct json_out *out)
{
    int64_t tool = tool_find(call->sql, id);

    return tool < 0 ? ERR_NOT_FOUND
                    : tool_view(call->sql, tool, call->zone, zone_day(call->zone, call->now_ms), true, out);
}

static const struct subject {
    const char *kind;
    enum err (*show)(struct call *call, const char *id, struct json_out *out);
    unsigned may; /* 0: whoever may read */
} subjects[] = {
    {"work_order", show_work_order, 0},
    {"ticket", show_ticket, 0},
    {"track", show_track, 0},
    {"analysis", show_analysis, 0},
    {"equipment", show_equipment, 0},
    {"quotation", show_quotation, 0},
    {"invoice", show_invoice, 0},
    {"claim", show_claim, 0},
    {"settlement", show_settlement, 0},
    {"inspection", show_inspection, 0},
    {"inspection_readings", orders_view_inspection, 0},
    {"inspection_order", show_inspection_order, 0},
    {"review", reviews_view, 0},
    {"voucher", show_paper_voucher, 0},
    {"complaint", papers_complaint, MAY_MANAGE},
    {"opinions", papers_opinions, MAY_MANAGE},
    {"questionnaire", papers_questionnaire, 0},
    {"register", papers_register, MAY_MANAGE},
    {"entry", papers_entry, MAY_MANAGE},
    {"customer", dossier_customer, 0},
    {"service", dossier_service, 0},
    {"operation", dossier_operating, 0},
    {"repairs", dossier_repair, 0},
    {"papers", dossier_papers, 0},
    {"site_rules", dossier_rules, 0},
    {"shift", dossier_handover, 0},
    {"design", dossier_design, 0},
    {"training", show_training, 0},
    {"certificate", show_certificate, 0},
    {"tool", show_tool, 0},
    {"invitation", show_invitation, 0},
    {"agreement", agreements_view, 0},
    {"off_boarding", leavings_view, 0},
};

static const struct subject *subject_of(const struct paper *paper)
{
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        if (strcmp(subjects[i].kind, paper->of) == 0) {
            return &subjects[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ made */

/* false: a problem was written. */
static bool find_paper(struct call *call, const char *name, const struct paper **ret_paper)
{
    *ret_paper = rules_paper(call->api->options.rules, name);
    if (!*ret_paper || !subject_of(*ret_paper)) {
        call_problem(call, 404, "Not found", "expected a document that /api/v1/documents lists, found '%.64s'", name);
        return false;
    }
    if (subject_of(*ret_paper)->may && !(subject_of(*ret_paper)->may >> call->role & 1)) {
        call_problem(call, 403, "Not allowed", "your role may not read this document");
        return false;
    }
    return true;
}

/* The paper of that object as it stands now, into made. false: a problem was written. */
static bool make(struct call *call, const struct paper *paper, const char *id, struct json_out *made)
{
    struct json_out object = json_out(PAPER_MOST);
    enum err err = subject_of(paper)->show(call, id, &object);

    if (!err) {
        err = paper_make(call, paper, &object, made);
    }
    json_out_free(&object);
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "expected the %s of a document, found '%.64s'", paper->of, id);
    } else if (err && call->answer->status < 400) { /* else the problem is told */
        call_problem(call, 503, "The database is not readable", "try again");
    }
    return !err;
}

void documents_show_now(struct call *call, const char *name, const char *id)
{
    struct json_out made = json_out(PAPER_MOST);
    const struct paper *paper;

    if (find_paper(call, name, &paper) && make(call, paper, id, &made) && paper_answer(call, &made, 0)) {
        call_problem(call, 503, "The document is too large", "at most %d bytes", PAPER_MOST);
    }
    json_out_free(&made);
}

/* ------------------------------------------------------------------ versions */

/* Those that are asked for have approved it; a version of most papers waits for nobody. */
#define APPROVED "(SELECT COUNT(*) FROM paper_approval a WHERE a.paper = paper.id) >= approvals"

static void show_version(struct call *call, const char *name, const char *id, int64_t version)
{
    struct json_out made = json_out(PAPER_MOST);
    struct sql_rows rows;
    bool found, approved = true;
    enum err err;

    sql_find(call->sql, &rows, "SELECT body, CASE WHEN " APPROVED " THEN 1 ELSE 0 END FROM paper WHERE paper = ?1 AND subject = ?2 AND version = ?3", "tti", name, id,
             version);
    found = sql_next(&rows);
    if (found) {
        json_put_raw(&made, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
        approved = sql_int(&rows, 1) != 0;
    }
    err = sql_end(&rows);
    if (!err && found && !approved && !(ROLE_BIT(call->role) & MAY_MANAGE)) {
        call_problem(call, 409, "Not possible now", "version %lld of this document waits to be approved", (long long)version);
    } else if (!err && !found) {
        call_problem(call, 404, "Not found", "version %lld of this document was not issued", (long long)version);
    } else if (err || paper_answer(call, &made, version)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
    json_out_free(&made);
}

void documents_show(struct call *call)
{
    int64_t version;

    if (!call_number(call, "version", 1, 1000000000, 0, &version)) {
        return;
    }
    if (version) {
        show_version(call, call->parts[1], call->parts[2], version);
    } else {
        documents_show_now(call, call->parts[1], call->parts[2]);
    }
}

void work_paper(struct call *call)
{
    const struct paper *paper = rules_paper(call->api->options.rules, call->parts[3]);

    if (paper && strcmp(paper->of, "work_order") != 0) {
        call_problem(call, 404, "Not found", "%s is a document of another kind of object: %s", paper->id, paper->of);
    } else {
        documents_show_now(call, call->parts[3], call->parts[1]);
    }
}

static void put_version(struct call *call, const struct sql_rows *rows)
{
    json_open_object(call->out);
    json_int(call->out, "version", sql_int(rows, 0));
    call_time(call, "issued_at", sql_int(rows, 1));
    json_text(call->out, "issued_by", sql_text(rows, 2));
    json_text(call->out, "note", sql_null(rows, 3) ? NULL : sql_text(rows, 3));
    json_text(call->out, "hash", sql_text(rows, 4));
    json_key(call->out, "template");
    json_open_object(call->out);
    json_int(call->out, "version", sql_int(rows, 5));
    json_text(call->out, "hash", sql_text(rows, 6));
    json_close_object(call->out);
    json_key(call->out, "approval");
    json_open_object(call->out);
    json_int(call->out, "needed", sql_int(rows, 7));
    json_int(call->out, "given", sql_int(rows, 8));
    json_bool(call->out, "approved", sql_int(rows, 8) >= sql_int(rows, 7));
    json_text(call->out, "by", sql_null(rows, 9) ? NULL : sql_text(rows, 9));
    call_time(call, "at", sql_int(rows, 10));
    json_close_object(call->out);
    json_close_object(call->out);
}

/* by, at: of the last one */
#define VERSION_COLUMNS                                                                                                  \
    "version, issued_ms, issued_by, note, hash, template_version, template_hash, approvals, (SELECT COUNT(*) FROM"          \
    " paper_approval a WHERE a.paper = paper.id), (SELECT a.who FROM paper_approval a WHERE a.paper = paper.id ORDER BY a.at_ms" \
    " DESC, a.who LIMIT 1), COALESCE((SELECT MAX(a.at_ms) FROM paper_approval a WHERE a.paper = paper.id), 0)"

void documents_versions(struct call *call)
{
    struct page page;
    struct sql_rows rows;
    int64_t count = 0, last = 0;

    if (!call_page(call, &page)) {
        return;
    }
    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    sql_find(call->sql, &rows,
             "SELECT " VERSION_COLUMNS " FROM paper WHERE paper = ?1 AND subject = ?2 AND version > ?3 ORDER BY version LIMIT"
             " ?4",
             "ttii", call->parts[1], call->parts[2], page.after, page.limit + 1);
    while (sql_next(&rows) && count++ < page.limit) {
        last = sql_int(&rows, 0);
        put_version(call, &rows);
    }
    json_close_list(call->out);
    json_key(call->out, "next");
    if (count > page.limit) {
        TEXT(cursor, 24);

        text_addf(&cursor, "%lld", (long long)last);
        json_put_text(call->out, cursor.at);
    } else {
        json_put_null(call->out);
    }
    json_close_object(call->out);
    if (sql_end(&rows)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* ------------------------------------------------------------------ issued */

struct issue { /* of one request, on its stack while the committing thread works */
    const struct paper *paper;
    struct json_out made;
};

static enum err put_one(struct call *call, struct sql *sql, int64_t version)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT " VERSION_COLUMNS " FROM paper WHERE paper = ?1 AND subject = ?2 AND version = ?3", "tti",
             call->parts[1], call->parts[2], version);
    if (sql_next(&rows)) {
        put_version(call, &rows);
    }
    return sql_end(&rows);
}

static enum err put_last(struct call *call, struct sql *sql)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT " VERSION_COLUMNS " FROM paper WHERE paper = ?1 AND subject = ?2 ORDER BY version DESC LIMIT 1", "tt",
             call->parts[1], call->parts[2]);
    if (sql_next(&rows)) {
        put_version(call, &rows);
    }
    return sql_end(&rows);
}

/* What says the same as the last version is that version. */
static enum err do_issue(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const struct issue *issue = call->context;
    const struct paper *paper = issue->paper;
    const char *note = json_text_or(call->body, "note", NULL);
    int64_t approvals = 0;
    char hash[65];
    bool same;
    enum err err = ERR_OK;

    if (note && strlen(note) > 1000) {
        return text_say(why, ERR_FORMAT, "note: expected at most 1000 bytes");
    }
    hash_digest(issue->made.bytes, issue->made.size, hash);
    same = sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM paper p WHERE p.paper = ?1 AND p.subject = ?2 AND p.hash = ?3 AND p.version ="
                        " (SELECT MAX(q.version) FROM paper q WHERE q.paper = ?1 AND q.subject = ?2)",
                        "ttt", paper->id, call->parts[2], hash) > 0;
    call->answer->status = same ? 200 : 201;
    if (!same && text_same(paper->of, "review")) {
        err = desk_review_approvals(call->api->options.desk, sql, call->parts[2], now_ms, &approvals);
    }
    err = err || same ? err
               : sql_run(sql,
                         "INSERT INTO paper (paper, subject, version, template_version, template_hash, hash, body,"
                         " issued_ms, issued_by, note, approvals) SELECT ?1, ?2, COALESCE(MAX(version), 0) + 1, ?3, ?4, ?5, ?6,"
                         " ?7, ?8, ?9, ?10 FROM paper WHERE paper = ?1 AND subject = ?2",
                         "ttittt" "itti", paper->id, call->parts[2], paper->version, paper->hash, hash, issue->made.bytes,
                         now_ms, call->who, note, approvals);
    return err ? err : put_last(call, sql);
}

void documents_issue(struct call *call)
{
    struct issue issue = {.made = json_out(PAPER_MOST)};

    if (find_paper(call, call->parts[1], &issue.paper) && make(call, issue.paper, call->parts[2], &issue.made)) {
        call->context = &issue;
        (void)call_write(call, do_issue); /* it has written its problem */
    }
    json_out_free(&issue.made);
}

/* ------------------------------------------------------------------ approved */

/* {version, note?}: where the plan wants a person's word, or two persons', before a version leaves the house. */
static enum err do_approve(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t version = json_int_or(call->body, "version", 0), paper, needed;
    const char *note = json_text_or(call->body, "note", NULL);
    enum err err;

    paper = sql_find_int(sql, 0, "SELECT id FROM paper WHERE paper = ?1 AND subject = ?2 AND version = ?3", "tti", call->parts[1],
                         call->parts[2], version);
    needed = sql_find_int(sql, 0, "SELECT approvals FROM paper WHERE id = ?1", "i", paper);
    if (!paper) {
        return text_say(why, ERR_FORMAT, "version: expected a version of this document that was issued, found %lld",
                        (long long)version);
    }
    if (sql_find_int(sql, 0, "SELECT COUNT(*) FROM paper_approval WHERE paper = ?1", "i", paper) >= needed) {
        return text_say(why, ERR_STATE, needed ? "it is approved already. Legal: nothing"
                                               : "its plan asks for nobody's approval. Legal: nothing");
    }
    if (sql_find_int(sql, 0, "SELECT 1 FROM paper_approval WHERE paper = ?1 AND who = ?2", "it", paper, call->who)) {
        return text_say(why, ERR_STATE, "you have approved it already: another person is asked for. Legal: approve by another");
    }
    err = sql_run(sql, "INSERT INTO paper_approval (paper, who, at_ms, note) VALUES (?1, ?2, ?3, ?4)", "itit", paper, call->who,
                  now_ms, note);
    return err ? err : put_one(call, sql, version);
}

void documents_approve(struct call *call)
{
    (void)call_write(call, do_approve); /* it has written its problem */
}

/* ------------------------------------------------------------------ catalogue */

void documents_list(struct call *call)
{
    const struct rules *rules = call->api->options.rules;

    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (size_t i = 0; i < rules_paper_count(rules); i++) {
        const struct paper *paper = rules_paper_at(rules, i);

        json_open_object(call->out);
        json_text(call->out, "document", paper->id);
        json_text(call->out, "form", paper->form);
        json_text(call->out, "of", paper->of);
        json_text(call->out, "en", paper->title.en);
        json_text(call->out, "zh", paper->title.zh);
        json_int(call->out, "version", paper->version);
        json_text(call->out, "hash", paper->hash);
        json_close_object(call->out);
    }
    json_close_list(call->out);
    json_null(call->out, "next");
    json_close_object(call->out);
}
