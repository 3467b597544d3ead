/* Batches for the finance system: lines of a period and a party, each in one batch at most (S0-153, S2-31). */
#include <string.h>

#include "server/fleet/numbers.h"
#include "server/money/money_int.h"

#define BATCH_MOST 5000 /* lines of a batch */

static const struct {
    const char *kind, *payer;
} kinds[] = {{"dealer", "company"}, {"supplier", "supplier"}, {"customer", "customer"}};

/* What is not honoured yet, and why: S0-149 no signature, S0-150 the old part has not come back (or, where the plan says so,
 * was not assessed: S0-151), S0-152 telemetry says that it did not help. */
#define UNSIGNED                                                                                                      \
    "l.payer = 'company' AND l.work_order IS NOT NULL AND NOT EXISTS (SELECT 1 FROM work_sign w WHERE w.work_order =" \
    " l.work_order AND w.role = 'customer')"
#define DISPROVED                                                                                                     \
    "l.payer = 'company' AND l.work_order IS NOT NULL AND EXISTS (SELECT 1 FROM repair r WHERE r.work_order ="        \
    " l.work_order AND r.outcome = 'false')"
#define OLD_PART                                                                                                      \
    "l.payer = 'company' AND l.work_order IS NOT NULL AND EXISTS (SELECT 1 FROM voucher v WHERE v.work_order ="        \
    " l.work_order AND v.kind = 'old_part' AND (v.state = 'held' OR (v.state = 'returned' AND v.settles_late = 1)))"
#define OF_BATCH                                                                                                      \
    " FROM money_line l WHERE l.payer = ?1 AND l.party = ?2 AND l.at_ms >= ?3 AND l.at_ms < ?4 AND l.currency = ?5"   \
    " AND NOT EXISTS (SELECT 1 FROM settlement_line x WHERE x.line = l.id)"

static const char *payer_of(const char *kind)
{
    for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            return kinds[i].payer;
        }
    }
    return NULL;
}

/* Lines that would belong in it and wait. */
static enum err put_left_out(struct sql *sql, const struct money_batch *what, const char *payer, const char *currency,
                             struct json_out *out, int64_t *ret_count)
{
    struct sql_rows rows;

    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT l.id, (SELECT number FROM work_order o WHERE o.id = l.work_order), l.total, CASE WHEN " UNSIGNED
             " THEN 'the repair record is not signed (S0-149)' WHEN " OLD_PART
             " THEN CASE WHEN EXISTS (SELECT 1 FROM voucher v WHERE v.work_order = l.work_order AND v.kind = 'old_part' AND v.state ="
             " 'held') THEN 'the old part has not come back (S0-150)' ELSE 'the old part was not assessed (S0-151)' END ELSE 'telemetry says that the repair did not help (S0-152)' END"
             OF_BATCH " AND ((" UNSIGNED ") OR (" OLD_PART ") OR (" DISPROVED ")) ORDER BY l.id LIMIT 1000",
             "ttiit", payer, what->party, what->from_ms, what->to_ms, currency);
    for (*ret_count = 0; sql_next(&rows); (*ret_count)++) {
        json_open_object(out);
        json_int(out, "line", sql_int(&rows, 0));
        json_text(out, "work_order", sql_text(&rows, 1));
        json_int(out, "total", sql_int(&rows, 2));
        json_text(out, "why", sql_text(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    enum err err = sql_end(&rows);

    return err ? err : out->err;
}

/* One currency a batch: that of the oldest line that waits. */
static enum err find_currency(struct sql *sql, const struct money_batch *what, const char *payer, char ret_currency[8])
{
    struct sql_rows rows;

    ret_currency[0] = '\0';
    sql_find(sql, &rows,
             "SELECT l.currency FROM money_line l WHERE l.payer = ?1 AND l.at_ms >= ?2 AND l.at_ms < ?3 AND l.party = ?4"
             " AND NOT EXISTS (SELECT 1 FROM settlement_line x WHERE x.line = l.id) ORDER BY l.id LIMIT"
             " 1",
             "tiit", payer, what->from_ms, what->to_ms, what->party);
    if (sql_next(&rows)) {
        (void)!text_copy(ret_currency, 8, sql_text(&rows, 0));
    }
    return sql_end(&rows);
}

static enum err fill(struct sql *sql, const struct money_batch *what, const char *payer, const char *currency, int64_t id)
{
    enum err err = sql_run(sql,
                           "INSERT INTO settlement_line (line, settlement) SELECT l.id, ?6" OF_BATCH " AND NOT (" UNSIGNED
                           ") AND NOT (" OLD_PART ") AND NOT (" DISPROVED ") ORDER BY l.id LIMIT ?7",
                           "ttiitii", payer, what->party, what->from_ms, what->to_ms, currency, id, (int64_t)BATCH_MOST);

    return err ? err
               : sql_run(sql,
                         "UPDATE settlement SET total = (SELECT COALESCE(SUM(l.total), 0) FROM settlement_line x JOIN money_line"
                         " l ON l.id = x.line WHERE x.settlement = ?1), lines = (SELECT COUNT(*) FROM settlement_line x WHERE"
                         " x.settlement = ?1) WHERE id = ?1",
                         "i", id);
}

enum err money_settle(struct office *office, struct sql *sql, const struct money_batch *what, int64_t *ret_id,
                      struct text *why)
{
    const char *payer = payer_of(what->kind);
    struct json_out left = json_out(512 * 1024);
    int64_t waiting = 0;
    char number[32], currency[8];
    enum err err;

    (void)office;
    if (!payer || !what->party || what->to_ms <= what->from_ms) {
        return text_say(why, ERR_FORMAT, !payer        ? "kind: expected dealer, supplier or customer"
                                         : !what->party ? "party: expected whose lines"
                                                        : "to: expected a date not before from");
    }
    err = find_currency(sql, what, payer, currency);
    err = err ? err : put_left_out(sql, what, payer, currency, &left, &waiting);
    numbers_make('B', number, sizeof(number));
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO settlement (number, client_id, kind, party, from_ms, to_ms, currency, total, lines, state,"
                      " left_out, who, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 'made', ?8, ?9, ?10)",
                      "ttttiittti", number, what->client_id, what->kind, what->party, what->from_ms, what->to_ms, currency,
                      left.bytes, what->who, what->at_ms);
    }
    json_out_free(&left);
    if (err) {
        return err;
    }
    *ret_id = sql_find_int(sql, 0, "SELECT id FROM settlement WHERE number = ?1", "t", number);
    err = fill(sql, what, payer, currency, *ret_id);
    if (!err && !sql_find_int(sql, 0, "SELECT lines FROM settlement WHERE id = ?1", "i", *ret_id)) {
        return text_say(why, ERR_STATE, "there is nothing to settle: %lld lines wait for a signature or an old part, or were disproved",
                        (long long)waiting);
    }
    return err;
}

enum err money_settlement_act(struct sql *sql, int64_t id, const struct action *action, int64_t now_ms, struct text *why)
{
    bool confirm = strcmp(action->action, "confirm") == 0;
    const char *note = action->note ? action->note : json_text_or(action->body, "reason", NULL);

    if (!confirm && strcmp(action->action, "dispute") != 0) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for settlements: confirm dispute", action->action);
    }
    if (!confirm && (!note || !note[0])) {
        return text_say(why, ERR_FORMAT, "reason: a dispute needs one");
    }
    if (sql_find_int(sql, 0, "SELECT 1 FROM settlement WHERE id = ?1 AND state = 'confirmed'", "i", id)) {
        return text_say(why, ERR_STATE, "the settlement is confirmed already. Legal: none");
    }
    return sql_run(sql,
                   "UPDATE settlement SET state = ?2, note = ?3, reference = COALESCE(?4, reference), answered_by = ?5,"
                   " answered_ms = ?6, version = version + 1 WHERE id = ?1",
                   "itttti", id, confirm ? "confirmed" : "disputed", note, json_text_or(action->body, "reference", NULL),
                   action->who, now_ms);
}
