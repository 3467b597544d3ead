/* What is written down beside the checklist: hours, what was done, scope, signatures, the customer's word. */
#include "server/field/work_int.h"

#include <string.h>

#define LINES_MOST 500
#define IMAGE_MOST (384 * 1024)

static bool is_full(struct work *work)
{
    return sql_find_int(work->sql, 0,
                        "SELECT (SELECT COUNT(*) FROM work_time WHERE work_order = ?1) + (SELECT COUNT(*) FROM work_line"
                        " WHERE work_order = ?1)",
                        "i", work->order.id) >= LINES_MOST;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; word && *words; words++) {
        if (strcmp(word, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ hours */

/* Whose hours: the named technician, the order's, or who says it. */
static enum err find_person(struct work *work, const char **ret_person)
{
    const char *name = json_text_or(work->action->body, "technician", NULL);
    struct sql_rows rows;

    *ret_person = work->action->who;
    sql_find(work->sql, &rows, "SELECT name FROM technician WHERE (?1 IS NOT NULL AND name = ?1) OR (?1 IS NULL AND id"
                               " = ?2)",
             "ti", name, work->order.technician);
    if (sql_next(&rows)) {
        *ret_person = arena_text(work->office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
        name = NULL;
    }
    if (sql_end(&rows)) {
        return ERR_IO;
    }
    return name ? text_say(work->why, ERR_FORMAT, "technician: there is none called '%.60s'", name) : ERR_OK;
}

/* The device's hours move with its clock. */
static int64_t corrected(const struct work *work, int64_t ms)
{
    return work->clock == WORK_CLOCK_CORRECTED ? ms + work->at_ms - work->action->at_ms : ms;
}

enum err do_time(struct work *work)
{
    static const char *const kinds[] = {"work", "travel", "wait", NULL};
    const struct cJSON *body = work->action->body;
    const char *kind = json_text_or(body, "kind", "work"), *person;
    int64_t from_ms = 0, to_ms = 0;
    enum err err;

    if (!is_one_of(kind, kinds)) {
        return text_say(work->why, ERR_FORMAT, "kind: expected work, travel or wait, found '%.40s'", kind);
    }
    if (civil_read_instant(json_text_or(body, "from", ""), &from_ms) ||
        civil_read_instant(json_text_or(body, "to", ""), &to_ms) || to_ms <= from_ms) {
        return text_say(work->why, ERR_FORMAT, "time needs from and to as RFC 3339 times, from before to");
    }
    from_ms = corrected(work, from_ms);
    to_ms = corrected(work, to_ms);
    if (to_ms > work->now_ms + 300000 || to_ms - from_ms > 24 * 3600000LL) {
        return text_say(work->why, ERR_FORMAT, "to: expected a time that is not in the future, and at most 24 h");
    }
    err = find_person(work, &person);
    if (!err && is_full(work)) {
        return text_say(work->why, ERR_STATE, "the order has %d lines already. Legal: another order", LINES_MOST);
    }
    if (!err && sql_find_int(work->sql, 0,
                             "SELECT 1 FROM work_time WHERE person = ?1 AND from_ms < ?3 AND to_ms > ?2 LIMIT 1",
                             "tii", person, from_ms, to_ms)) {
        return text_say(work->why, ERR_STATE,
                        "%s has written down some of these hours already. Legal: time that does not overlap", person);
    }
    return err ? err
               : sql_run(work->sql,
                         "INSERT INTO work_time (work_order, person, kind, from_ms, to_ms, note, who, action_id) VALUES"
                         " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                         "ittiittt", work->order.id, person, kind, from_ms, to_ms, work->action->note,
                         work->action->who, work->action->action_id);
}

/* ------------------------------------------------------------------ what was done, what is to be done */

struct line {
    const char *form, *kind, *item, *component, *from, *to, *unit, *method;
    double quantity, labour, material;
    bool mismatch;
};

static enum err put_line(struct work *work, const struct line *line)
{
    if (is_full(work)) {
        return text_say(work->why, ERR_STATE, "the order has %d lines already. Legal: another order", LINES_MOST);
    }
    return sql_run(work->sql,
                   "INSERT INTO work_line (work_order, form, kind, item, component, old_value, new_value, quantity,"
                   " unit, method, labour, material, mismatch, note, who, at_ms, action_id) VALUES (?1, ?2, ?3, ?4, ?5,"
                   " ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
                   "ittttttdttddittit", work->order.id, line->form, line->kind, line->item, line->component,
                   line->from, line->to, line->quantity, line->unit, line->method, line->labour, line->material,
                   (int64_t)line->mismatch, work->action->note, work->action->who, work->at_ms,
                   work->action->action_id);
}

/* A number or a text as a text. */
static const char *words_of(struct work *work, const char *name)
{
    const struct cJSON *field = json_field(work->action->body, name);
    double number;
    TEXT(words, 40);

    if (json_as_number(field, &number)) {
        text_add_number(&words, number);
        return arena_text(work->office->arena, words.at, words.length);
    }
    return json_as_text(field);
}

/* What only makes the place safe (make_safe) is done and written down before the customer has consented to charges: a
 * record starts no repair (S0-59). */
enum err do_record(struct work *work)
{
    static const char *const kinds[] = {"part",   "serial", "firmware", "parameter", "repair",
                                        "adjust", "clean",  "make_safe", "other",    NULL};
    struct line line = {.form = "action", .kind = json_text_or(work->action->body, "kind", NULL),
                        .item = json_text_or(work->action->body, "item", NULL),
                        .component = json_text_or(work->action->body, "component", NULL),
                        .from = words_of(work, "old"), .to = words_of(work, "new"), .quantity = 1};
    bool exchanged = line.kind && (strcmp(line.kind, "serial") == 0 || strcmp(line.kind, "firmware") == 0 ||
                                   strcmp(line.kind, "parameter") == 0);

    if (!is_one_of(line.kind, kinds)) {
        return text_say(work->why, ERR_FORMAT,
                        "kind: expected part, serial, firmware, parameter, repair, adjust, clean, make_safe or other");
    }
    if (exchanged && !line.to) {
        return text_say(work->why, ERR_FORMAT, "record of a %s needs new (and old, when it is known)", line.kind);
    }
    if (!exchanged && !line.item && !work->action->note) {
        return text_say(work->why, ERR_FORMAT, "record needs an item or a note");
    }
    return put_line(work, &line);
}

/* A scope line that the installed equipment does not have is marked (S0-34). */
static bool is_installed(struct work *work, const char *component)
{
    return sql_find_int(work->sql, 0, "SELECT 1 FROM component WHERE equipment = ?1 AND (class = ?2 OR serial = ?2)",
                        "it", work->order.equipment, component);
}

enum err do_scope(struct work *work)
{
    const struct cJSON *body = work->action->body;
    struct line line = {.form = "scope", .item = json_text_or(body, "item", NULL),
                        .component = json_text_or(body, "component", NULL), .unit = json_text_or(body, "unit", "pc"),
                        .method = json_text_or(body, "method", NULL), .quantity = json_number_or(body, "quantity", 1),
                        .labour = json_number_or(body, "labour", 0), .material = json_number_or(body, "material", 0)};

    if (!line.item || !line.item[0]) {
        return text_say(work->why, ERR_FORMAT, "scope needs an item");
    }
    if (line.quantity <= 0 || line.labour < 0 || line.material < 0) {
        return text_say(work->why, ERR_FORMAT, "scope: expected a quantity above 0, and costs not below 0");
    }
    line.mismatch = line.component && work->order.equipment && !is_installed(work, line.component);
    return put_line(work, &line);
}

/* ------------------------------------------------------------------ names under it */

enum err do_sign(struct work *work)
{
    static const char *const roles[] = {"customer", "technician", NULL};
    const struct cJSON *body = work->action->body;
    const char *name = json_text_or(body, "name", NULL), *image = json_text_or(body, "image", NULL);
    const char *role = json_text_or(body, "role", "customer");

    if (!name || !name[0] || strlen(name) > 200) {
        return text_say(work->why, ERR_FORMAT, "sign needs the name of who signs");
    }
    if (!is_one_of(role, roles)) {
        return text_say(work->why, ERR_FORMAT, "role: expected customer or technician, found '%.40s'", role);
    }
    if (image && strlen(image) > IMAGE_MOST) {
        return text_say(work->why, ERR_FORMAT, "image: expected at most %d bytes", IMAGE_MOST);
    }
    return sql_run(work->sql,
                   "INSERT INTO work_sign (work_order, role, name, image, at_ms, who, action_id) VALUES (?1, ?2, ?3,"
                   " ?4, ?5, ?6, ?7) ON CONFLICT (work_order, role) DO UPDATE SET name = excluded.name, image ="
                   " excluded.image, at_ms = excluded.at_ms, who = excluded.who, action_id = excluded.action_id WHERE"
                   " excluded.at_ms > work_sign.at_ms OR (excluded.at_ms = work_sign.at_ms AND"
                   " COALESCE(excluded.action_id, '') >= COALESCE(work_sign.action_id, ''))",
                   "itttitt", work->order.id, role, name, image, work->at_ms, work->action->who,
                   work->action->action_id);
}

/* What an installation's acceptance begins: warranty, training, visits. A date of the fleet file goes before it. */
static enum err accept_equipment(struct work *work, bool accepted)
{
    const struct order *order = &work->order;
    const struct zone *zone;
    struct place place;
    enum err err;

    if (order->kind != JOB_INSTALLATION || !order->equipment) {
        return ERR_OK;
    }
    if (!accepted) {
        return sql_run(work->sql, "UPDATE equipment SET accepted_day = NULL, accepted_order = NULL WHERE id = ?1 AND"
                                  " accepted_order = ?2",
                       "ii", order->equipment, order->id);
    }
    err = place_find(work->office, work->sql, order->equipment, 0, work->now_ms, &place);
    zone = err ? NULL : rules_zone(work->office->options.rules, place.time_zone);
    return err ? err
               : sql_run(work->sql,
                         "UPDATE equipment SET accepted_day = ?2, accepted_order = ?3 WHERE id = ?1 AND (accepted_day IS NULL"
                         " OR accepted_order = ?3)",
                         "iii", order->equipment, (int64_t)zone_day(zone ? zone : zone_utc(), work->at_ms), order->id);
}

/* The customer checks the result (S1-33); what is said last, by its own time, holds. */
enum err do_result(struct work *work)
{
    const struct cJSON *body = work->action->body;
    const char *remarks = json_text_or(body, "remarks", work->action->note);
    const char *name = json_text_or(body, "name", NULL);
    bool accepted = work->kind == WORK_ACCEPT_RESULT;
    enum err err;

    if (!accepted && (!remarks || !remarks[0])) {
        return text_say(work->why, ERR_FORMAT, "refuse_result needs remarks: what is not well");
    }
    err = sql_run(work->sql,
                  "UPDATE work_order SET result = ?2, result_ms = ?3, result_by = ?4, result_note = ?5 WHERE id = ?1"
                  " AND (result_ms IS NULL OR result_ms <= ?3)",
                  "ititt", work->order.id, accepted ? "accepted" : "refused", work->at_ms, name, remarks);
    if (!err && sql_changes(work->sql)) {
        err = accept_equipment(work, accepted);
    }
    return err || !name ? err : do_sign(work);
}

/* ------------------------------------------------------------------ photos */

/* Of a file that was sent already, or in the request itself when it is small. */
enum err do_photo(struct work *work)
{
    const struct cJSON *body = work->action->body;
    const char *image = json_text_or(body, "image", NULL), *id = json_text_or(body, "attachment", NULL);
    const char *step = json_text_or(body, "step", NULL);
    const struct attachment_new what = {.id = id, .step = step, .title = json_text_or(body, "title", NULL),
                                        .who = work->action->who, .work_order = work->order.id,
                                        .at_ms = work->at_ms, .now_ms = work->now_ms};
    char name[65] = "";
    enum err err;

    if (!image && !id) {
        return text_say(work->why, ERR_FORMAT, "photo needs an attachment's id, or an image as a data URL");
    }
    if (image) {
        err = attachment_inline(work->office, work->sql, &what, image, name, work->why);
    } else if (!sql_find_int(work->sql, 0, "SELECT 1 FROM attachment WHERE name = ?1 AND work_order = ?2", "ti", id,
                             work->order.id)) {
        return text_say(work->why, ERR_FORMAT, "attachment: this order has none called '%.64s'", id);
    } else {
        err = sql_run(work->sql, "UPDATE attachment SET step = COALESCE(?2, step) WHERE name = ?1", "tt", id, step);
        (void)!text_copy(name, sizeof(name), id);
    }
    if (!err && step) {
        TEXT(value, 80);

        text_addf(&value, "\"%s\"", name);
        err = sql_run(work->sql,
                      "UPDATE work_step SET value = ?3, light = 'green', answered_ms = ?4, who = ?5, action_id = ?6"
                      " WHERE work_order = ?1 AND step = ?2 AND (answered_ms IS NULL OR answered_ms < ?4 OR (answered_ms"
                      " = ?4 AND COALESCE(action_id, '') <= COALESCE(?6, '')))",
                      "ittitt", work->order.id, step, value.at, work->at_ms, work->action->who,
                      work->action->action_id);
    }
    return err;
}
