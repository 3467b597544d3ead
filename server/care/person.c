/* A person's data is taken away: names, numbers, addresses, words about the person; figures and money lines stay. */
#include <string.h>

#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/care/care_int.h"
#include "server/store/trail.h"

#define NEEDLES_MOST 200
#define LEAST        4 /* bytes: what is shorter stands in too many words */

struct needles { /* words that tell who it is */
    struct arena *arena;
    const char *list[NEEDLES_MOST];
    size_t count;
};

static void add(struct needles *needles, const char *words)
{
    if (words && strlen(words) >= LEAST && needles->count < NEEDLES_MOST && strcmp(words, "removed") != 0) {
        for (size_t i = 0; i < needles->count; i++) {
            if (strcmp(needles->list[i], words) == 0) {
                return;
            }
        }
        needles->list[needles->count] = arena_text(needles->arena, words, strlen(words));
        needles->count += needles->list[needles->count] != NULL;
    }
}

/* Texts of an object called so, and of those in its lists. */
static void add_doc(struct needles *needles, const char *bytes)
{
    static const char *const keys[] = {"name", "title", "phone", "email", "address", "access", "contact", "reports", "caller", NULL};
    const struct cJSON *doc;

    if (!bytes || json_parse(needles->arena, bytes, strlen(bytes), &doc, NULL)) {
        return;
    }
    for (const struct cJSON *item = json_first(doc); item; item = json_next(item)) {
        for (const char *const *key = keys; *key; key++) {
            if (!text_same(json_name(item), *key)) {
                continue;
            }
            add(needles, json_as_text(item));
            for (const struct cJSON *reader = json_is_list(item) ? json_first(item) : NULL; reader; reader = json_next(reader)) {
                add(needles, json_text_or(reader, "name", NULL));
                add(needles, json_text_or(reader, "email", NULL));
            }
        }
    }
}

static enum err collect(struct sql_rows *rows, struct needles *needles)
{
    while (sql_next(rows)) {
        const char *words = sql_text(rows, 0);

        if (words && words[0] == '{') {
            add_doc(needles, words);
        } else {
            add(needles, words);
        }
    }
    return sql_end(rows);
}

#define SITES   "(SELECT id FROM site WHERE customer = ?1)"
#define TICKETS "(SELECT id FROM ticket WHERE site IN " SITES ")"
#define ORDERS  "(SELECT id FROM work_order WHERE site IN " SITES ")"
#define UNITS   "(SELECT id FROM equipment WHERE site IN " SITES ")"
#define SAID    "(SELECT id FROM complaint WHERE customer = ?1 OR site IN " SITES ")"
#define LESSONS "(SELECT id FROM training WHERE site IN " SITES ")"

static enum err collect_customer(struct sql *sql, int64_t customer, struct needles *needles)
{
    static const char *const asks[] = {
        "SELECT doc FROM customer WHERE id = ?1",
        "SELECT doc FROM site WHERE customer = ?1",
        "SELECT caller FROM ticket WHERE caller IS NOT NULL AND site IN " SITES,
        "SELECT name FROM acceptance WHERE name IS NOT NULL AND ticket IN " TICKETS,
        "SELECT name FROM consent WHERE name IS NOT NULL AND ticket IN " TICKETS,
        "SELECT name FROM work_sign WHERE role = 'customer' AND work_order IN " ORDERS,
        "SELECT result_by FROM work_order WHERE result_by IS NOT NULL AND site IN " SITES,
        "SELECT agreed_by FROM work_order WHERE agreed_by IS NOT NULL AND site IN " SITES,
        "SELECT spoke_with FROM inspection WHERE spoke_with IS NOT NULL AND equipment IN " UNITS,
        "SELECT contact FROM complaint WHERE contact IS NOT NULL AND id IN " SAID,
        "SELECT contact FROM service_entry WHERE contact IS NOT NULL AND (customer = ?1 OR site IN " SITES ")",
        "SELECT title FROM operator WHERE title IS NOT NULL AND site IN " SITES,
        "SELECT phone FROM operator WHERE phone IS NOT NULL AND site IN " SITES,
        "SELECT holder FROM library_receipt WHERE equipment IN " UNITS,
        "SELECT name FROM trainee WHERE technician IS NULL AND training IN " LESSONS,
        "SELECT phone FROM trainee WHERE phone IS NOT NULL AND technician IS NULL AND training IN " LESSONS,
        "SELECT email FROM trainee WHERE email IS NOT NULL AND technician IS NULL AND training IN " LESSONS,
        "SELECT named_by FROM training WHERE named_by IS NOT NULL AND site IN " SITES,
    };
    struct sql_rows rows;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < sizeof(asks) / sizeof(asks[0]); i++) {
        sql_find(sql, &rows, asks[i], "i", customer);
        err = collect(&rows, needles);
    }
    return err;
}

/* ------------------------------------------------------------------ words in other words */

#define GONE(column) column " = REPLACE(" column ", ?2, 'removed')"

/* Of customer ?1 the word ?2: a stage each. Papers of money are kept by law with the name on them. */
static const char *const replaced[] = {
    "UPDATE ticket SET " GONE("title_en") ", " GONE("title_zh") ", " GONE("evidence") ", " GONE("classification") ", " GONE("warranty") ", "
    GONE("cause") ", " GONE("remote") ", " GONE("advice") ", " GONE("resolution") ", " GONE("diagnosis") ", " GONE("solution") ", "
    GONE("proof_reason") " WHERE site IN " SITES,
    "UPDATE ticket_event SET " GONE("note") ", " GONE("data") " WHERE ticket IN " TICKETS,
    "UPDATE rca SET " GONE("cause") ", " GONE("prevention") ", " GONE("facts") " WHERE ticket IN " TICKETS,
    "UPDATE work_event SET " GONE("note") ", " GONE("data") " WHERE work_order IN " ORDERS,
    "UPDATE work_step SET " GONE("value") " WHERE work_order IN " ORDERS,
    "UPDATE work_line SET " GONE("note") ", " GONE("item") " WHERE work_order IN " ORDERS,
    "UPDATE work_order SET " GONE("title") ", " GONE("reason") ", " GONE("result_note") " WHERE site IN " SITES,
    "UPDATE visit SET " GONE("reason") " WHERE equipment IN (SELECT id FROM equipment WHERE site IN " SITES ")",
    "UPDATE visit_event SET " GONE("note") ", " GONE("data") " WHERE visit IN (SELECT v.id FROM visit v JOIN equipment e ON e.id ="
    " v.equipment WHERE e.site IN " SITES ")",
    "UPDATE inspection_event SET " GONE("note") " WHERE inspection IN (SELECT i.id FROM inspection i JOIN equipment e ON e.id ="
    " i.equipment WHERE e.site IN " SITES ")",
    "UPDATE inspection_line SET " GONE("note") ", " GONE("answered") ", " GONE("evidence") " WHERE inspection IN (SELECT i.id FROM"
    " inspection i JOIN equipment e ON e.id = i.equipment WHERE e.site IN " SITES ")",
    "UPDATE agreement_event SET " GONE("note") " WHERE contract IN (SELECT id FROM contract WHERE customer = ?1)",
    "UPDATE leaving_event SET " GONE("note") " WHERE leaving IN (SELECT id FROM leaving WHERE customer = ?1)",
    "UPDATE leaving_step SET " GONE("note") ", " GONE("data") " WHERE leaving IN (SELECT id FROM leaving WHERE customer = ?1)",
    "UPDATE equipment SET " GONE("title") ", " GONE("doc") " WHERE site IN " SITES,
    "UPDATE complaint SET " GONE("contact") ", " GONE("reference") ", " GONE("detail") ", " GONE("report") ", " GONE("answer") ", "
    GONE("opinion") " WHERE id IN " SAID,
    "UPDATE complaint_event SET " GONE("note") " WHERE complaint IN " SAID,
    "UPDATE improvement SET " GONE("title") ", " GONE("evidence") " WHERE complaint IN " SAID " OR ticket IN " TICKETS,
    "UPDATE service_entry SET " GONE("contact") ", " GONE("content") ", " GONE("result") ", " GONE("needs") ", " GONE("actions")
    " WHERE customer = ?1 OR site IN " SITES,
    "UPDATE questionnaire_line SET " GONE("answer") " WHERE questionnaire IN (SELECT id FROM questionnaire WHERE customer = ?1)",
    "UPDATE file_analysis SET " GONE("body") ", " GONE("note") " WHERE customer = ?1",
    "UPDATE bulletin_unit SET " GONE("note") " WHERE equipment IN " UNITS,
    "UPDATE design SET " GONE("doc") " WHERE site IN " SITES,
    "UPDATE training SET " GONE("place") ", " GONE("facts") " WHERE site IN " SITES,
    "UPDATE training_event SET " GONE("note") ", " GONE("data") " WHERE training IN " LESSONS,
    "UPDATE paper SET " GONE("body") " WHERE paper NOT IN ('invoice', 'settlement', 'quotation', 'claim') AND body LIKE '%' || ?2 ||"
    " '%' AND ?1 > 0",
    "UPDATE outbox SET " GONE("subject") ", " GONE("body") " WHERE (subject || body) LIKE '%' || ?2 || '%' AND ?1 > 0",
    "DELETE FROM trail_detail WHERE words LIKE '%' || ?2 || '%' AND ?1 > 0",
    "DELETE FROM idempotency WHERE body LIKE '%' || ?2 || '%' AND ?1 > 0",
    "DELETE FROM change WHERE body LIKE '%' || ?2 || '%' AND ?1 > 0",
};
#define REPLACED ((int64_t)(sizeof(replaced) / sizeof(replaced[0])))

/* ------------------------------------------------------------------ whole fields */

/* Of customer ?1: at the end, since the words above are found by them. */
static const char *const emptied[] = {
    "UPDATE outbox SET target = NULL, subject = 'removed', body = '{}' WHERE customer = ?1",
    "UPDATE ticket SET caller = NULL, caller_key = NULL, track_revoked_ms = COALESCE(track_revoked_ms, 1) WHERE site IN " SITES,
    "UPDATE acceptance SET name = 'removed', remarks = NULL WHERE ticket IN " TICKETS,
    "UPDATE consent SET name = 'removed' WHERE ticket IN " TICKETS,
    "UPDATE survey SET comment = NULL, who = 'removed' WHERE customer = ?1 AND answered_ms IS NOT NULL",
    "UPDATE work_order SET agreed_by = NULL, result_by = CASE WHEN result_by IS NULL THEN NULL ELSE 'removed' END WHERE site IN " SITES,
    "UPDATE work_sign SET name = 'removed', image = NULL WHERE role = 'customer' AND work_order IN " ORDERS,
    "UPDATE work_gate SET by_name = 'removed' WHERE by_name IS NOT NULL AND work_order IN " ORDERS,
    "UPDATE inspection SET spoke_with = 'removed' WHERE spoke_with IS NOT NULL AND equipment IN (SELECT id FROM equipment WHERE site IN"
    " " SITES ")",
    "UPDATE inspection_reader SET name = 'removed', target = NULL WHERE role IN ('customer', 'site') AND inspection IN (SELECT i.id"
    " FROM inspection i JOIN equipment e ON e.id = i.equipment WHERE e.site IN " SITES ")",
    "DELETE FROM attachment_piece WHERE attachment IN (SELECT id FROM attachment WHERE ticket IN " TICKETS " OR work_order IN " ORDERS ")",
    "UPDATE attachment SET title = NULL, state = 'removed' WHERE ticket IN " TICKETS " OR work_order IN " ORDERS,
    "UPDATE complaint SET contact = NULL WHERE id IN " SAID,
    "UPDATE service_entry SET contact = NULL WHERE customer = ?1 OR site IN " SITES,
    "UPDATE questionnaire SET comment = NULL, who = CASE WHEN who IS NULL THEN NULL ELSE 'removed' END WHERE customer = ?1",
    "DELETE FROM file_note WHERE customer = ?1",
    "DELETE FROM operator WHERE site IN " SITES,
    "UPDATE library_receipt SET holder = 'removed ' || id WHERE equipment IN " UNITS,
    "UPDATE training SET named_by = NULL WHERE site IN " SITES,
    "UPDATE trainee SET name = 'removed ' || id, phone = NULL, email = NULL WHERE technician IS NULL AND training IN " LESSONS,
    "UPDATE course_taken SET holder = 'removed' WHERE technician IS NULL AND site IN " SITES,
    "DELETE FROM customer_phone WHERE customer = ?1",
    "UPDATE token SET revoked_ms = COALESCE(revoked_ms, 1) WHERE customer = ?1",
};

/* The row of the fleet file without the person. */
static enum err strip(struct care *care, struct sql *sql, int64_t id, const char *ask, const char *write)
{
    static const char *const keys[] = {"name", "title", "phone", "email", "address", "access", "reports", "lat", "lon", "language", NULL};
    struct json_out out = json_out(1024 * 1024);
    const struct cJSON *doc = NULL;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, ask, "i", id);
    if (sql_next(&rows) && !json_parse(care->office.arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)), &doc, NULL)) {
        json_open_object(&out);
        for (const struct cJSON *item = json_first(doc); item; item = json_next(item)) {
            bool gone = false;

            for (const char *const *key = keys; *key; key++) {
                gone = gone || text_same(json_name(item), *key);
            }
            if (!gone) {
                json_key(&out, json_name(item));
                json_put_value(&out, item);
            }
        }
        json_text(&out, "name", "removed");
        json_close_object(&out);
    }
    err = sql_end(&rows);
    err = err ? err : !doc ? ERR_OK : out.err ? out.err : sql_run(sql, write, "it", id, out.bytes);
    json_out_free(&out);
    return err;
}

static enum err empty_customer(struct care *care, struct sql *sql, int64_t customer, int64_t now_ms, int64_t *io_changed)
{
    int64_t site = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < sizeof(emptied) / sizeof(emptied[0]); i++) {
        err = sql_run(sql, emptied[i], "i", customer);
        *io_changed += err ? 0 : sql_changes(sql);
    }
    while (!err && (site = sql_find_int(sql, 0, "SELECT MIN(id) FROM site WHERE customer = ?1 AND id > ?2", "ii", customer, site)) > 0) {
        err = strip(care, sql, site, "SELECT doc FROM site WHERE id = ?1",
                    "UPDATE site SET doc = ?2, title = 'removed', address = NULL, lat = NULL, lon = NULL WHERE id = ?1");
        ++*io_changed;
    }
    err = err ? err : strip(care, sql, customer, "SELECT doc FROM customer WHERE id = ?1", "UPDATE customer SET doc = ?2, title = 'removed' WHERE id = ?1");
    ++*io_changed;
    return err ? err : sql_run(sql, "UPDATE customer SET removed_ms = ?2 WHERE id = ?1", "ii", customer, now_ms);
}

static enum err empty_technician(struct care *care, struct sql *sql, int64_t technician, int64_t now_ms, int64_t *io_changed)
{
    enum err err = strip(care, sql, technician, "SELECT doc FROM technician WHERE id = ?1",
                         "UPDATE technician SET doc = ?2, title = 'removed', phone = NULL WHERE id = ?1");

    err = err ? err : sql_run(sql, "DELETE FROM certificate WHERE technician = ?1", "i", technician);
    *io_changed += err ? 0 : sql_changes(sql) + 1;
    return err ? err : sql_run(sql, "UPDATE technician SET removed_ms = ?2 WHERE id = ?1", "ii", technician, now_ms);
}

/* ------------------------------------------------------------------ its way */

enum err removal_begin(struct care *care, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id, struct text *why)
{
    const char *kind = json_text_or(action->body, "kind", ""), *name = json_text_or(action->body, "subject", "");
    const char *reason = json_text_or(action->body, "reason", "");
    bool customer = text_same(kind, "customer");
    int64_t subject;
    enum err err;

    arena_reset(care->office.arena);
    *ret_id = action->action_id ? sql_find_int(sql, 0, "SELECT id FROM removal WHERE client_id = ?1", "t", action->action_id) : 0;
    if (*ret_id) {
        return ERR_OK;
    }
    if (!customer && !text_same(kind, "technician")) {
        return text_say(why, ERR_FORMAT, "kind: expected customer or technician");
    }
    subject = customer ? sql_find_int(sql, 0, "SELECT id FROM customer WHERE name = ?1", "t", name)
                       : sql_find_int(sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
    if (!subject || !reason[0] || strlen(reason) > 1000) {
        return text_say(why, ERR_FORMAT, subject ? "reason: expected words, at most 1000 bytes" : "subject: expected the id of one that is there");
    }
    if (customer && sql_find_int(sql, 0,
                                 "SELECT 1 FROM contract c WHERE c.draft = 0 AND (c.end_day IS NULL OR c.end_day >= ?2) AND (c.customer"
                                 " = ?1 OR EXISTS (SELECT 1 FROM contract_site x JOIN site s ON s.id = x.site WHERE x.contract = c.id AND"
                                 " s.customer = ?1)) LIMIT 1",
                                 "ii", subject, now_ms / 86400000)) {
        return text_say(why, ERR_STATE, "an agreement of this customer runs: its data is needed until it has ended");
    }
    if (sql_find_int(sql, 0, "SELECT 1 FROM removal WHERE kind = ?1 AND subject = ?2 AND done_ms IS NULL", "ti", kind, subject)) {
        return text_say(why, ERR_STATE, "it is being done already");
    }
    err = sql_run(sql, "INSERT INTO removal (client_id, kind, subject, name, reason, who, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                  "ttitt" "ti", action->action_id, kind, subject, name, reason, action->who, now_ms);
    *ret_id = err ? 0 : sql_last_id(sql);
    return err;
}

/* That it was done, and how much: on the trail, without saying who it was about. */
static enum err finish(struct sql *sql, int64_t id, int64_t changed, int64_t now_ms)
{
    TEXT(object, 24);
    TEXT(detail, 60);
    struct trail_line line = {.who = "heliograph", .role = "server", .source = "server", .what = "personal data removed",
                              .object = object.at, .detail = detail.at};
    enum err err = sql_run(sql, "UPDATE removal SET done_ms = ?2, changed = ?3 WHERE id = ?1", "iii", id, now_ms, changed);

    text_addf(&object, "%lld", (long long)id);
    text_addf(&detail, "{\"rows\":%lld}", (long long)changed);
    return err ? err : trail_add(sql, &line, now_ms);
}

struct removal {
    int64_t id, subject, stage, changed;
    bool customer;
};

static enum err collect_all(struct sql *sql, const struct removal *removal, struct needles *needles)
{
    struct sql_rows rows;

    if (removal->customer) {
        return collect_customer(sql, removal->subject, needles);
    }
    sql_find(sql, &rows, "SELECT doc FROM technician WHERE id = ?1", "i", removal->subject);
    return collect(&rows, needles);
}

/* A table in a turn. What was frozen may be changed while the row in `removing` is there: within this transaction. */
static enum err step(struct care *care, struct sql *sql, struct removal *removal, int64_t now_ms)
{
    struct needles *needles = arena_take(care->office.arena, sizeof(*needles));
    enum err err = needles ? sql_run(sql, "INSERT INTO removing (removal) VALUES (?1)", "i", removal->id) : ERR_NOMEM;

    if (err) {
        return err;
    }
    needles->arena = care->office.arena;
    needles->count = 0;
    if (removal->stage < REPLACED) {
        int64_t scope = removal->customer ? removal->subject : 1 << 30; /* of a technician only what is not a customer's */

        err = collect_all(sql, removal, needles);
        for (size_t i = 0; !err && i < needles->count; i++) {
            err = sql_run(sql, replaced[removal->stage], "it", scope, needles->list[i]);
            removal->changed += err ? 0 : sql_changes(sql);
        }
        removal->stage++;
        err = err ? err : sql_run(sql, "UPDATE removal SET stage = ?2, changed = ?3 WHERE id = ?1", "iii", removal->id, removal->stage,
                                  removal->changed);
    } else {
        err = (removal->customer ? empty_customer : empty_technician)(care, sql, removal->subject, now_ms, &removal->changed);
        err = err ? err : finish(sql, removal->id, removal->changed, now_ms);
    }
    return err ? err : sql_run(sql, "DELETE FROM removing", "");
}

enum err removals_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more)
{
    struct removal removal = {0};
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT id, kind, subject, stage, changed FROM removal WHERE done_ms IS NULL ORDER BY id LIMIT 1", "");
    if (sql_next(&rows)) {
        removal.id = sql_int(&rows, 0);
        removal.customer = text_same(sql_text(&rows, 1), "customer");
        removal.subject = sql_int(&rows, 2);
        removal.stage = sql_int(&rows, 3);
        removal.changed = sql_int(&rows, 4);
    }
    err = sql_end(&rows);
    if (err || !removal.id) {
        return err;
    }
    *io_more = true;
    arena_reset(care->office.arena);
    return step(care, sql, &removal, now_ms);
}

enum err removal_view(struct sql *sql, const struct zone *zone, int64_t id, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows, "SELECT kind, name, reason, who, at_ms, done_ms, changed FROM removal WHERE id = ?1", "i", id);
    found = sql_next(&rows);
    if (found) {
        json_open_object(out);
        json_int(out, "id", id);
        json_text(out, "kind", sql_text(&rows, 0));
        json_text(out, "subject", sql_text(&rows, 1));
        json_text(out, "reason", sql_text(&rows, 2));
        json_text(out, "who", sql_text(&rows, 3));
        care_time(out, "at", zone, sql_int(&rows, 4));
        care_time(out, "done_at", zone, sql_int(&rows, 5));
        json_int(out, "rows", sql_int(&rows, 6));
        json_close_object(out);
    }
    err = sql_end(&rows);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
