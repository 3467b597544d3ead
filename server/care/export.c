/* Everything of a customer in one file: a tar of JSON and CSV, an entry or so in a turn, so that nothing waits for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "models/base/civil.h"
#include "models/base/hash.h"
#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/care/care_int.h"
#include "server/desk/view.h"
#include "server/fleet/numbers.h"
#include "server/inspection/inspection.h"
#include "server/money/money.h"
#include "server/relation/survey.h"
#include "server/store/readings.h"
#include "server/visit/visits.h"

#define BLOCK      512
#define ENTRY_MOST (256 * 1024 * 1024)
#define HOUR_MS    3600000LL
#define ENTRIES    10 /* of one turn */

struct export { /* one turn of it */
    struct care *care;
    struct sql *sql;
    int64_t id, customer, stage, at, at_too, entries, bytes, now_ms;
    char number[NUMBERS_ROOM];
    struct json_out out; /* the entry that is made */
    struct text *name;
};

void export_path(const struct care *care, const char *number, struct text *to)
{
    text_addf(to, "%s/%s.tar", care->folder, number);
}

enum err export_begin(struct care *care, struct sql *sql, const struct action *action, int64_t customer, int64_t leaving,
                      int64_t now_ms, int64_t *ret_id, struct text *why)
{
    char number[NUMBERS_ROOM];
    enum err err;

    arena_reset(care->office.arena);
    *ret_id = action->action_id ? sql_find_int(sql, 0, "SELECT id FROM export WHERE client_id = ?1", "t", action->action_id) : 0;
    if (*ret_id) {
        return ERR_OK;
    }
    if (!customer) {
        return text_say(why, ERR_FORMAT, "customer: expected the id of a customer");
    }
    if (sql_find_int(sql, 0, "SELECT 1 FROM export WHERE customer = ?1 AND state = 'running'", "i", customer)) {
        return text_say(why, ERR_STATE, "an export of this customer runs");
    }
    numbers_make('E', number, sizeof(number));
    err = sql_run(sql,
                  "INSERT INTO export (number, client_id, customer, leaving, state, who, at_ms) VALUES (?1, ?2, ?3, NULLIF(?4, 0),"
                  " 'running', ?5, ?6)",
                  "ttiiti", number, action->action_id, customer, leaving, action->who, now_ms);
    *ret_id = err ? 0 : sql_last_id(sql);
    return err;
}

/* ------------------------------------------------------------------ tar */

/* ustar: the last part of a path is the name, what stands before it the prefix. */
static void tar_head(const char *path, size_t size, int64_t now_ms, char to[BLOCK])
{
    const char *slash = strrchr(path, '/');
    unsigned sum = 0;

    memset(to, 0, BLOCK);
    snprintf(to, 100, "%s", slash ? slash + 1 : path);
    if (slash) {
        snprintf(to + 345, 155, "%.*s", (int)(slash - path), path);
    }
    memcpy(to + 100, "0000600", 7);
    memcpy(to + 108, "0000000", 7);
    memcpy(to + 116, "0000000", 7);
    snprintf(to + 124, 12, "%011llo", (unsigned long long)size);
    snprintf(to + 136, 12, "%011llo", (unsigned long long)(now_ms / 1000));
    to[156] = '0';
    memcpy(to + 257, "ustar\0" "00", 8);
    memset(to + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++) {
        sum += (unsigned char)to[i];
    }
    snprintf(to + 148, 8, "%06o", sum);
}

static enum err append(struct export *export, const void *bytes, size_t size)
{
    TEXT(path, 1200);
    enum err err;

    export_path(export->care, export->number, &path);
    err = path.cut ? ERR_FULL : file_write_at(path.at, export->bytes, bytes, size, 0600);
    export->bytes += err ? 0 : (int64_t)size;
    return err;
}

/* The entry that was made goes into the file, and its sum into the list. */
static enum err put_entry(struct export *export)
{
    static const char zeros[2 * BLOCK];
    char head[BLOCK], hash[65];
    struct hash_sha sha;
    enum err err = export->out.err;

    if (!err && export->bytes + (int64_t)export->out.size > export->care->export_bytes) {
        return ERR_FULL;
    }
    tar_head(export->name->at, export->out.size, export->now_ms, head);
    hash_sha_begin(&sha);
    hash_sha_add(&sha, export->out.bytes ? export->out.bytes : "", export->out.size);
    hash_sha_end(&sha, hash);
    err = err ? err : append(export, head, BLOCK);
    err = err || !export->out.size ? err : append(export, export->out.bytes, export->out.size);
    if (!err && export->out.size % BLOCK) {
        err = append(export, zeros, BLOCK - export->out.size % BLOCK);
    }
    return err ? err
               : sql_run(export->sql, "INSERT INTO export_entry (export, number, name, bytes, hash) VALUES (?1, ?2, ?3, ?4, ?5)", "iitit",
                         export->id, export->entries++, export->name->at, (int64_t)export->out.size, hash);
}

/* ------------------------------------------------------------------ what goes in */

static enum err put_docs(struct sql *sql, struct json_out *out, const char *name, struct sql_rows *rows)
{
    json_key(out, name);
    json_open_list(out);
    while (sql_next(rows)) {
        if (!sql_null(rows, 0)) {
            json_put_raw(out, sql_text(rows, 0), strlen(sql_text(rows, 0)));
        }
    }
    json_close_list(out);
    (void)sql;
    return sql_end(rows);
}

/* The master data, in the form of the fleet file. */
static enum err put_master(struct export *export, int64_t id)
{
    struct sql *sql = export->sql;
    struct sql_rows rows;
    enum err err;

    text_add(export->name, "fleet.json");
    json_open_object(&export->out);
    sql_find(sql, &rows, "SELECT doc FROM customer WHERE id = ?1", "i", id);
    err = put_docs(sql, &export->out, "customers", &rows);
    sql_find(sql, &rows, "SELECT doc FROM site WHERE customer = ?1 ORDER BY id", "i", id);
    err = put_docs(sql, &export->out, "sites", &rows) || err;
    sql_find(sql, &rows, "SELECT e.doc FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1 ORDER BY e.id", "i", id);
    err = put_docs(sql, &export->out, "equipment", &rows) || err;
    sql_find(sql, &rows, "SELECT doc FROM contract WHERE customer = ?1 ORDER BY id", "i", id);
    err = put_docs(sql, &export->out, "contracts", &rows) || err;
    json_close_object(&export->out);
    return err ? ERR_IO : ERR_OK;
}

static const char *word_of(struct export *export, const char *statement, int64_t id)
{
    const char *word = NULL;
    struct sql_rows rows;

    sql_find(export->sql, &rows, statement, "i", id);
    if (sql_next(&rows) && sql_text(&rows, 0)) {
        word = arena_text(export->care->office.arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
    }
    return sql_end(&rows) || !word ? "none" : word;
}

static enum err put_agreement(struct export *export, int64_t id)
{
    const struct office_options *options = &export->care->office.options;

    text_addf(export->name, "agreements/%s.json", word_of(export, "SELECT name FROM contract WHERE id = ?1", id));
    return agreement_view(export->sql, options->rules, options->time_zone, id, export->now_ms, &export->out);
}

static enum err put_ticket(struct export *export, int64_t id)
{
    text_addf(export->name, "tickets/%s.json", word_of(export, "SELECT number FROM ticket WHERE id = ?1", id));
    return view_ticket(export->sql, export->care->office.options.rules, id, ROLE_VIEWER, export->now_ms, &export->out);
}

static enum err put_order(struct export *export, int64_t id)
{
    text_addf(export->name, "work-orders/%s.json", word_of(export, "SELECT number FROM work_order WHERE id = ?1", id));
    return view_work_order(export->sql, export->care->office.options.rules, id, &export->out);
}

static enum err put_visit(struct export *export, int64_t id)
{
    text_addf(export->name, "visits/%lld.json", (long long)id);
    return visit_view(export->sql, export->care->office.options.rules, id, true, &export->out);
}

static enum err put_inspection(struct export *export, int64_t id)
{
    text_addf(export->name, "inspections/%s.json", word_of(export, "SELECT number FROM inspection WHERE id = ?1", id));
    return inspection_show_report(export->care->office.arena, export->sql, zone_utc(), id, &export->out);
}

static enum err put_survey(struct export *export, int64_t id)
{
    text_addf(export->name, "surveys/%lld.json", (long long)id);
    return survey_view(export->sql, id, zone_utc(), &export->out);
}

static enum err put_quotation(struct export *export, int64_t id)
{
    text_addf(export->name, "quotations/%s.json", word_of(export, "SELECT number FROM quotation WHERE id = ?1", id));
    return money_show_quotation(export->sql, id, zone_utc(), &export->out);
}

static enum err put_invoice(struct export *export, int64_t id)
{
    text_addf(export->name, "invoices/%s.json", word_of(export, "SELECT number FROM invoice WHERE id = ?1", id));
    return money_show_invoice(export->sql, id, zone_utc(), &export->out);
}

static enum err put_paper(struct export *export, int64_t id)
{
    struct sql_rows rows;

    sql_find(export->sql, &rows, "SELECT paper, subject, version, body FROM paper WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        text_addf(export->name, "papers/%s-%s-v%lld.json", sql_text(&rows, 0), sql_text(&rows, 1), (long long)sql_int(&rows, 2));
        json_put_raw(&export->out, sql_text(&rows, 3), strlen(sql_text(&rows, 3)));
    }
    return sql_end(&rows);
}

static enum err put_file(struct export *export, int64_t id)
{
    struct sql_rows rows;
    const char *type = word_of(export, "SELECT type FROM attachment WHERE id = ?1", id);
    const char *slash = strchr(type, '/');

    text_addf(export->name, "files/%s.%s", word_of(export, "SELECT name FROM attachment WHERE id = ?1", id), slash ? slash + 1 : "bin");
    sql_find(export->sql, &rows, "SELECT body FROM attachment_piece WHERE attachment = ?1 ORDER BY position", "i", id);
    while (sql_next(&rows)) {
        size_t size;
        const void *bytes = sql_blob(&rows, 0, &size);

        json_put_raw(&export->out, bytes, size);
        export->out.comma = false;
    }
    return sql_end(&rows);
}

static bool put_reading(void *context, const struct reading *reading)
{
    struct json_out *out = context;
    TEXT(line, 400);

    zone_write(zone_utc(), reading->t_ms, &line);
    text_add(&line, ",");
    if (reading->text) { /* quotes double inside quotes */
        text_add(&line, "\"");
        for (const char *at = reading->text; *at; at++) {
            text_add_bytes(&line, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
        }
        text_add(&line, "\"");
    } else if (reading->has_value) {
        text_addf(&line, "%.10g", reading->value);
    }
    text_addf(&line, ",%d\n", (int)reading->quality);
    json_put_raw(out, line.at, line.length);
    out->comma = false;
    return !out->err;
}

/* One month of one point; at_too is the month (year * 12 + month) that comes next. */
static enum err put_month(struct export *export, int64_t point)
{
    int64_t today = export->now_ms / 86400000, month, hour, from_ms, to_ms;
    int year, number, day;
    enum err err;

    civil_from_days((int32_t)today, &year, &number, &day);
    int64_t last = year * 12 + number - 1;
    month = export->at_too;
    from_ms = (int64_t)civil_days((int)(month / 12), (int)(month % 12) + 1, 1) * 86400000;
    hour = sql_find_int(export->sql, -1, "SELECT MIN(hour) FROM chunk WHERE point = ?1 AND hour >= ?2", "ii", point,
                        month ? from_ms / HOUR_MS : 0);
    if (hour >= 0) { /* over months without anything */
        civil_from_days((int32_t)(hour / 24), &year, &number, &day);
        month = year * 12 + number - 1;
    } else if (month < last - 1) {
        month = last - 1; /* the newest hours are not packed yet */
    }
    if (month > last) {
        export->at_too = -1;
        return ERR_OK;
    }
    from_ms = (int64_t)civil_days((int)(month / 12), (int)(month % 12) + 1, 1) * 86400000;
    to_ms = (int64_t)civil_days((int)((month + 1) / 12), (int)((month + 1) % 12) + 1, 1) * 86400000;
    export->at_too = month + 1;
    json_put_raw(&export->out, "time,value,quality\n", 19);
    export->out.comma = false;
    err = readings_each(export->sql, point, from_ms, to_ms, put_reading, &export->out);
    if (!err && export->out.size > 19) {
        text_addf(export->name, "readings/%s/", word_of(export, "SELECT e.name FROM point p JOIN equipment e ON e.id = p.equipment WHERE p.id = ?1", point));
        text_addf(export->name, "%s/%04d-%02d.csv", word_of(export, "SELECT name FROM point WHERE id = ?1", point), (int)(month / 12),
                  (int)(month % 12) + 1);
    }
    return err;
}

#define OURS "(SELECT id FROM site WHERE customer = ?1)"

static const struct stage {
    enum err (*put)(struct export *export, int64_t id);
    const char *next; /* of customer ?1 the first id above ?2 */
} stages[] = {
    {put_master, "SELECT id FROM customer WHERE id = ?1 AND id > ?2"},
    {put_agreement, "SELECT MIN(id) FROM contract WHERE customer = ?1 AND id > ?2"},
    {put_ticket, "SELECT MIN(id) FROM ticket WHERE site IN " OURS " AND id > ?2"},
    {put_order, "SELECT MIN(id) FROM work_order WHERE site IN " OURS " AND id > ?2"},
    {put_visit, "SELECT MIN(v.id) FROM visit v JOIN equipment e ON e.id = v.equipment WHERE e.site IN " OURS " AND v.id > ?2"},
    {put_inspection, "SELECT MIN(i.id) FROM inspection i JOIN equipment e ON e.id = i.equipment WHERE e.site IN " OURS
                     " AND i.state = 'done' AND i.way <> 'test' AND i.id > ?2"},
    {put_survey, "SELECT MIN(id) FROM survey WHERE customer = ?1 AND id > ?2"},
    {put_quotation, "SELECT MIN(q.id) FROM quotation q JOIN ticket t ON t.id = q.ticket WHERE t.site IN " OURS " AND q.id > ?2"},
    {put_invoice, "SELECT MIN(v.id) FROM invoice v JOIN ticket t ON t.id = v.ticket WHERE t.site IN " OURS " AND v.id > ?2"},
    {put_paper, "SELECT MIN(p.id) FROM paper p WHERE p.id > ?2 AND p.subject IN (SELECT number FROM ticket WHERE site IN " OURS
                " UNION ALL SELECT number FROM work_order WHERE site IN " OURS " UNION ALL SELECT name FROM equipment WHERE site IN "
                OURS " UNION ALL SELECT name FROM contract WHERE customer = ?1 UNION ALL SELECT q.number FROM quotation q JOIN ticket t"
                " ON t.id = q.ticket WHERE t.site IN " OURS " UNION ALL SELECT v.number FROM invoice v JOIN ticket t ON t.id = v.ticket"
                " WHERE t.site IN " OURS " UNION ALL SELECT i.number FROM inspection i JOIN equipment e ON e.id = i.equipment WHERE"
                " e.site IN " OURS ")"},
    {put_file, "SELECT MIN(a.id) FROM attachment a LEFT JOIN work_order w ON w.id = a.work_order LEFT JOIN ticket t ON t.id = a.ticket"
               " WHERE a.state = 'whole' AND COALESCE(w.site, t.site) IN " OURS " AND a.id > ?2"},
    {put_month, "SELECT MIN(p.id) FROM point p JOIN equipment e ON e.id = p.equipment WHERE e.site IN " OURS " AND p.id > ?2"},
};
#define STAGES ((int64_t)(sizeof(stages) / sizeof(stages[0])))

/* ------------------------------------------------------------------ a turn */

static enum err put_sums(struct export *export, char hash[65])
{
    static const char zeros[2 * BLOCK];
    struct hash_sha sha;
    struct sql_rows rows;
    enum err err;

    text_add(export->name, "SHA256SUMS");
    sql_find(export->sql, &rows, "SELECT hash, name FROM export_entry WHERE export = ?1 ORDER BY number", "i", export->id);
    while (sql_next(&rows)) {
        TEXT(line, 400);

        text_addf(&line, "%s  %s\n", sql_text(&rows, 0), sql_text(&rows, 1));
        json_put_raw(&export->out, line.at, line.length);
        export->out.comma = false;
    }
    err = sql_end(&rows);
    hash_sha_begin(&sha);
    hash_sha_add(&sha, export->out.bytes ? export->out.bytes : "", export->out.size);
    hash_sha_end(&sha, hash);
    err = err ? err : put_entry(export);
    return err ? err : append(export, zeros, sizeof(zeros));
}

/* The next entry: of the same object, of the next one, or of the next stage. */
static enum err step(struct export *export)
{
    const struct stage *stage = &stages[export->stage];
    bool months = stage->put == put_month;
    int64_t id = months && export->at && export->at_too >= 0
                     ? export->at
                     : sql_find_int(export->sql, 0, stage->next, "ii", export->customer, export->at);
    enum err err;

    if (!id) {
        export->stage++;
        export->at = export->at_too = 0;
        return ERR_OK;
    }
    if (months && id != export->at) {
        export->at_too = 0;
    }
    export->at = id;
    json_out_reset(&export->out);
    text_clear(export->name);
    err = stage->put(export, id);
    if (err == ERR_NOT_FOUND) {
        return ERR_OK; /* it went meanwhile */
    }
    return err || !export->name->length ? err : put_entry(export);
}

static enum err run(struct export *export)
{
    enum err err = ERR_OK;
    char hash[65] = "";

    for (int i = 0; !err && i < ENTRIES && export->stage < STAGES; i++) {
        arena_reset(export->care->office.arena);
        err = step(export);
    }
    if (!err && export->stage >= STAGES) {
        json_out_reset(&export->out);
        text_clear(export->name);
        err = put_sums(export, hash);
    }
    if (err && !sql_is_broken(export->sql)) { /* it is said, and stops nothing else */
        return sql_run(export->sql, "UPDATE export SET state = 'failed', why = ?2, done_ms = ?3, version = version + 1 WHERE id = ?1",
                       "iti", export->id, err == ERR_FULL ? "it is larger than exports.bytes of server.yaml" : err_text(err),
                       export->now_ms);
    }
    return err ? err
               : sql_run(export->sql,
                         "UPDATE export SET stage = ?2, at = ?3, at_too = ?4, entries = ?5, bytes = ?6, hash = NULLIF(?7, ''), done_ms"
                         " = CASE WHEN ?7 = '' THEN NULL ELSE ?8 END, state = CASE WHEN ?7 = '' THEN 'running' ELSE 'done' END, version"
                         " = version + 1 WHERE id = ?1",
                         "iiiiiiti", export->id, export->stage, export->at, export->at_too, export->entries, export->bytes, hash,
                         export->now_ms);
}

enum err exports_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more)
{
    TEXT(name, 400);
    struct export export = {.care = care, .sql = sql, .now_ms = now_ms, .name = &name};
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id, customer, stage, at, at_too, entries, bytes, number FROM export WHERE state = 'running' ORDER BY id LIMIT 1", "");
    if (sql_next(&rows)) {
        export.id = sql_int(&rows, 0);
        export.customer = sql_int(&rows, 1);
        export.stage = sql_int(&rows, 2);
        export.at = sql_int(&rows, 3);
        export.at_too = sql_int(&rows, 4);
        export.entries = sql_int(&rows, 5);
        export.bytes = sql_int(&rows, 6);
        (void)!text_copy(export.number, sizeof(export.number), sql_text(&rows, 7));
    }
    err = sql_end(&rows);
    if (err || !export.id) {
        return err;
    }
    export.out = json_out(ENTRY_MOST);
    err = run(&export);
    json_out_free(&export.out);
    *io_more = true;
    return err;
}

/* ------------------------------------------------------------------ looking */

enum err export_view(struct sql *sql, const struct zone *zone, int64_t id, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT e.number, c.name, e.state, e.who, e.at_ms, e.done_ms, e.stage, e.entries, e.bytes, e.hash, e.why, e.version FROM"
             " export e JOIN customer c ON c.id = e.customer WHERE e.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        json_open_object(out);
        json_text(out, "number", sql_text(&rows, 0));
        json_text(out, "customer", sql_text(&rows, 1));
        json_text(out, "state", sql_text(&rows, 2));
        json_text(out, "who", sql_text(&rows, 3));
        care_time(out, "at", zone, sql_int(&rows, 4));
        care_time(out, "done_at", zone, sql_int(&rows, 5));
        json_int(out, "steps_done", sql_int(&rows, 6));
        json_int(out, "steps", STAGES);
        json_int(out, "entries", sql_int(&rows, 7));
        json_int(out, "bytes", sql_int(&rows, 8));
        json_text(out, "hash", sql_text(&rows, 9));
        json_text(out, "why", sql_text(&rows, 10));
        json_int(out, "version", sql_int(&rows, 11));
        json_close_object(out);
    }
    err = sql_end(&rows);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
