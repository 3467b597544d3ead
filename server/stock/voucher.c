/* Vouchers are made and acted upon: read, judged, done, written down. */
#include "server/stock/stock_int.h"

#include <string.h>

#include "models/base/civil.h"
#include "server/fleet/numbers.h"
#include "server/store/change.h"

#define DOC_MOST (64 * 1024)

static const struct voucher_doer *const doers[VOUCHER_KINDS] = {
    [VOUCHER_SHIPMENT] = &shipment_doer,   [VOUCHER_LOAN] = &loan_doer,     [VOUCHER_OLD_PART] = &old_part_doer,
    [VOUCHER_SCRAP] = &scrap_doer,         [VOUCHER_STOCKTAKE] = &stocktake_doer, [VOUCHER_SAMPLE] = &sample_doer,
    [VOUCHER_PURCHASE] = &purchase_doer,   [VOUCHER_RESERVE] = &reserve_plan_doer,
};

/* ------------------------------------------------------------------ what was said of it */

static bool is_said_once(const char *name)
{
    static const char *const once[] = {"action", "id", "at", "sent_at", "note", "kind", "lines", NULL};

    for (int i = 0; once[i]; i++) {
        if (strcmp(once[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* The last word of each field. */
static enum err write_doc(struct errand *errand)
{
    struct json_out out = json_out(DOC_MOST);
    const struct cJSON *body = errand->action->body;
    enum err err;

    json_open_object(&out);
    for (const struct cJSON *item = json_first(errand->voucher.doc); item; item = json_next(item)) {
        if (!json_field(body, json_name(item)) || is_said_once(json_name(item))) {
            json_key(&out, json_name(item));
            json_put_value(&out, item);
        }
    }
    for (const struct cJSON *item = json_first(body); item; item = json_next(item)) {
        if (!is_said_once(json_name(item))) {
            json_key(&out, json_name(item));
            json_put_value(&out, item);
        }
    }
    json_close_object(&out);
    err = out.err == ERR_FULL ? text_say(errand->why, ERR_FORMAT, "what is said of it is longer than %d bytes", DOC_MOST)
                              : out.err;
    if (!err) {
        err = sql_run(errand->sql, "UPDATE voucher SET doc = ?2 WHERE id = ?1", "it", errand->voucher.id, out.bytes);
    }
    json_out_free(&out);
    return err;
}

static enum err write_event(struct errand *errand, const char *action)
{
    struct json_out out = json_out(DOC_MOST);
    enum err err;

    json_put_value(&out, errand->action->body);
    err = out.err ? text_say(errand->why, ERR_FORMAT, "expected at most %d bytes", DOC_MOST)
                  : sql_run(errand->sql,
                            "INSERT INTO voucher_event (voucher, at_ms, stored_ms, who, action, state, action_id, note, data)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                            "iiitttttt", errand->voucher.id, errand->at_ms, errand->now_ms, errand->action->who, action,
                            errand->state, errand->action->action_id, errand->action->note, out.bytes);
    json_out_free(&out);
    return err;
}

static enum err write_state(struct errand *errand)
{
    const struct voucher *voucher = &errand->voucher;
    TEXT(body, 200);
    enum err err = sql_run(errand->sql,
                           "UPDATE voucher SET state = ?2, version = version + 1, closed_ms = CASE WHEN ?3 = 1 THEN ?4 END"
                           " WHERE id = ?1",
                           "itii", voucher->id, errand->state, (int64_t)voucher_is_over(voucher->kind, errand->state),
                           errand->at_ms);

    text_addf(&body, "{\"number\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\"}", voucher->number,
              voucher_kind_names[voucher->kind], errand->state);
    return err ? err : change_put(errand->sql, errand->now_ms, "voucher", body.at);
}

static enum err finish(struct errand *errand, const char *action)
{
    enum err err = write_doc(errand);

    err = err ? err : write_event(errand, action);
    return err ? err : write_state(errand);
}

/* ------------------------------------------------------------------ made */

static enum err find_named(struct errand *errand, const char *field, int64_t (*find)(struct sql *sql, const char *name),
                           int64_t *ret_id)
{
    const char *name = errand_text(errand, field);

    *ret_id = name ? find(errand->sql, name) : 0;
    return !name || *ret_id ? ERR_OK : text_say(errand->why, ERR_FORMAT, "%s: there is none called '%.64s'", field, name);
}

static int64_t order_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM work_order WHERE number = ?1", "t", name);
}

static int64_t equipment_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name);
}

static int64_t contract_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM contract WHERE name = ?1", "t", name);
}

static enum err read_job(struct errand *errand)
{
    struct voucher *voucher = &errand->voucher;
    enum err err = find_named(errand, "work_order", order_named, &voucher->work_order);

    err = err ? err : find_named(errand, "equipment", equipment_named, &voucher->equipment);
    err = err ? err : find_named(errand, "contract", contract_named, &voucher->contract);
    if (!err && voucher->work_order) {
        voucher->ticket = sql_find_int(errand->sql, 0, "SELECT ticket FROM work_order WHERE id = ?1", "i", voucher->work_order);
        voucher->equipment = voucher->equipment ? voucher->equipment
                                                : sql_find_int(errand->sql, 0,
                                                               "SELECT equipment FROM work_order WHERE id = ?1", "i",
                                                               voucher->work_order);
    }
    return err;
}

static enum err read_fields(struct errand *errand)
{
    const struct cJSON *body = errand->action->body;
    struct voucher *voucher = &errand->voucher;
    const char *due = errand_text(errand, "due"), *lot = errand_text(errand, "lot");
    enum err err = errand_part(errand, body, &voucher->part);

    err = err ? err : errand_depot(errand, body, "depot", &voucher->depot);
    err = err ? err : errand_depot(errand, body, "to", &voucher->to_depot);
    err = err ? err : errand_count(errand, body, "count", &voucher->count);
    err = err ? err : read_job(errand);
    if (!err && due && (civil_read_instant(due, &voucher->due_ms) || voucher->due_ms <= errand->at_ms)) {
        return text_say(errand->why, ERR_FORMAT, "due: expected an RFC 3339 time in the future, found '%.40s'", due);
    }
    voucher->serial = errand_text(errand, "serial");
    if (!err && (lot || voucher->serial) && voucher->part) {
        voucher->lot = sql_find_int(errand->sql, 0, "SELECT id FROM lot WHERE part = ?1 AND name = ?2", "it", voucher->part,
                                    lot ? lot : voucher->serial);
    }
    return err || !lot || voucher->lot
               ? err
               : text_say(errand->why, ERR_FORMAT, "lot: there is none called '%.64s' of that part", lot);
}

static enum err insert(struct errand *errand)
{
    struct voucher *voucher = &errand->voucher;
    char number[32];
    enum err err;

    numbers_make('P', number, sizeof(number));
    voucher->number = errand_keep(errand, number);
    err = sql_run(errand->sql,
                  "INSERT INTO voucher (number, client_id, kind, state, part, depot, to_depot, lot, count, serial, work_order,"
                  " ticket, equipment, contract, due_ms, asked_by, doc, created_ms) VALUES (?1, ?2, ?3, ?4, NULLIF(?5, 0),"
                  " NULLIF(?6, 0), NULLIF(?7, 0), NULLIF(?8, 0), ?9, ?10, NULLIF(?11, 0), NULLIF(?12, 0), NULLIF(?13, 0),"
                  " NULLIF(?14, 0), NULLIF(?15, 0), ?16, '{}', ?17)",
                  "ttttiiiii" "tiiiiiti", number, errand->action->action_id, voucher_kind_names[voucher->kind],
                  errand->state, voucher->part, voucher->depot, voucher->to_depot, voucher->lot, voucher->count,
                  voucher->serial, voucher->work_order, voucher->ticket, voucher->equipment, voucher->contract,
                  voucher->due_ms, errand->action->who, errand->at_ms);
    voucher->id = err ? 0 : sql_last_id(errand->sql);
    return err;
}

enum err stock_open(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                    struct text *why)
{
    struct errand errand = {.office = office, .sql = sql, .action = action, .now_ms = now_ms, .why = why};
    int kind = voucher_kind_read(json_text_or(action->body, "kind", NULL));
    enum err err;

    if (kind < 0) {
        return text_say(why, ERR_FORMAT,
                        "kind: expected shipment, loan, old_part, scrap, stocktake, sample, purchase or reserve_plan");
    }
    if (action->role != ROLE_SERVER && !(voucher_may_open((enum voucher_kind)kind) >> action->role & 1)) {
        return text_say(why, ERR_FORBIDDEN, "this role may not open a %s", voucher_kind_names[kind]);
    }
    *ret_id = sql_find_int(sql, 0, "SELECT id FROM voucher WHERE client_id = ?1", "t", action->action_id);
    if (*ret_id) {
        return ERR_OK; /* it is there */
    }
    errand.voucher.kind = (enum voucher_kind)kind;
    errand.voucher.asked_by = action->who;
    errand.state = voucher_begin((enum voucher_kind)kind);
    err = action_time(action->at_ms, 0, now_ms, &errand.at_ms, why);
    err = err ? err : read_fields(&errand);
    err = err ? err : insert(&errand);
    err = err ? err : doers[kind]->open(&errand);
    *ret_id = errand.voucher.id;
    return err ? err : finish(&errand, "open");
}

/* ------------------------------------------------------------------ acted upon */

static enum err load(struct errand *errand, int64_t id)
{
    struct voucher *voucher = &errand->voucher;
    const char *doc = NULL;
    struct sql_rows rows;
    enum err err;

    *voucher = (struct voucher){.id = id};
    sql_find(errand->sql, &rows,
             "SELECT part, depot, to_depot, lot, rack, count, work_order, ticket, equipment, contract, due_ms, created_ms,"
             " number, state, serial, asked_by, kind, doc FROM voucher WHERE id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        int64_t *const numbers[] = {&voucher->part,   &voucher->depot,     &voucher->to_depot, &voucher->lot,
                                    &voucher->rack,   &voucher->count,     &voucher->work_order, &voucher->ticket,
                                    &voucher->equipment, &voucher->contract, &voucher->due_ms, &voucher->created_ms};

        for (int i = 0; i < 12; i++) {
            *numbers[i] = sql_int(&rows, i);
        }
        voucher->number = errand_keep(errand, sql_text(&rows, 12));
        voucher->state = errand_keep(errand, sql_text(&rows, 13));
        voucher->serial = errand_keep(errand, sql_text(&rows, 14));
        voucher->asked_by = errand_keep(errand, sql_text(&rows, 15));
        voucher->kind = (enum voucher_kind)voucher_kind_read(sql_text(&rows, 16));
        doc = errand_keep(errand, sql_text(&rows, 17));
    }
    err = sql_end(&rows);
    return err || !doc ? (err ? err : ERR_NOT_FOUND)
                       : json_parse(errand->office->arena, doc, strlen(doc), &voucher->doc, NULL);
}

bool stock_did(struct sql *sql, int64_t voucher, const char *action_id)
{
    return action_id && sql_find_int(sql, 0, "SELECT 1 FROM voucher_event WHERE voucher = ?1 AND action_id = ?2", "it",
                                     voucher, action_id);
}

enum err stock_act(struct office *office, struct sql *sql, int64_t id, const struct action *action, int64_t now_ms,
                   struct text *why)
{
    struct errand errand = {.office = office, .sql = sql, .action = action, .now_ms = now_ms, .why = why};
    const struct voucher_row *row = NULL;
    struct voucher_ask ask;
    enum err err;

    if (stock_did(sql, id, action->action_id)) {
        return ERR_OK;
    }
    err = load(&errand, id);
    ask = (struct voucher_ask){errand.voucher.kind, errand.voucher.state, action->action, action->who,
                               errand.voucher.asked_by, action->role};
    err = err ? err : voucher_judge(&ask, &row, why);
    err = err ? err : action_time(action->at_ms, errand.voucher.created_ms, now_ms, &errand.at_ms, why);
    if (err) {
        return err;
    }
    errand.state = row->to ? row->to : errand.voucher.state;
    err = doers[errand.voucher.kind]->act(&errand);
    return err ? err : finish(&errand, action->action);
}
