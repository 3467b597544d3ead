/* A depot is counted (S1-45) and lots are looked at out of the stock (S1-51). */
#include "server/stock/stock_int.h"

#include <string.h>

#include "server/case/duties.h"

/* ------------------------------------------------------------------ stocktake */

static enum err open_stocktake(struct errand *errand)
{
    if (!errand->voucher.depot) {
        return text_say(errand->why, ERR_FORMAT, "depot: expected the depot that is counted");
    }
    if (sql_find_int(errand->sql, 0,
                     "SELECT COUNT(*) FROM voucher WHERE depot = ?1 AND kind = 'stocktake' AND closed_ms IS NULL", "i",
                     errand->voucher.depot) > 1) {
        return text_say(errand->why, ERR_STATE, "a stocktake of that depot is open already. Legal: count, approve or cancel it");
    }
    return sql_run(errand->sql,
                   "INSERT INTO voucher_line (voucher, position, part, rack, count) SELECT ?1, h.rack, h.part, h.rack, h.there"
                   " FROM rack_now h WHERE h.depot = ?2 AND h.there > 0",
                   "ii", errand->voucher.id, errand->voucher.depot);
}

/* The rack that a counted line means: of its lot, or of goods without one. */
static enum err find_rack(struct errand *errand, const struct cJSON *line, int64_t *ret_rack, int64_t *ret_part)
{
    const char *name = json_text_or(line, "lot", NULL);
    struct lot_new none = {.name = NULL, .state = "passed", .unit_cost = -1, .now_ms = errand->now_ms};
    int64_t lot = 0;
    enum err err = errand_part(errand, line, ret_part);

    if (!err && !*ret_part) {
        return text_say(errand->why, ERR_FORMAT, "part: expected one in each line");
    }
    none.part = *ret_part;
    if (!err && name) {
        lot = sql_find_int(errand->sql, 0, "SELECT id FROM lot WHERE part = ?1 AND name = ?2", "it", *ret_part, name);
        err = lot ? ERR_OK
                  : text_say(errand->why, ERR_FORMAT, "lot: there is none called '%.64s'; receive it first", name);
    } else if (!err) {
        err = lot_find(errand->sql, &none, &lot);
    }
    return err ? err : rack_find(errand->sql, *ret_part, errand->voucher.depot, lot, ret_rack);
}

/* What is counted stands beside what the books said at that moment: what moves afterwards changes no difference. */
static enum err count_line(struct errand *errand, const struct cJSON *line)
{
    int64_t counted = json_int_or(line, "counted", -1), rack = 0, part = 0;
    struct rack_now now = {0};
    enum err err = counted >= 0 && counted <= COUNT_MOST
                       ? ERR_OK
                       : text_say(errand->why, ERR_FORMAT, "counted: expected 0 to %d in each line", COUNT_MOST);

    err = err ? err : find_rack(errand, line, &rack, &part);
    err = err ? err : rack_look(errand->sql, rack, &now);
    return err ? err
               : sql_run(errand->sql,
                         "INSERT INTO voucher_line (voucher, position, part, rack, count, expected, counted, note) VALUES (?1,"
                         " ?3, ?2, ?3, 0, ?4, ?5, ?6) ON CONFLICT (voucher, position) DO UPDATE SET expected ="
                         " excluded.expected, counted = excluded.counted, note = excluded.note",
                         "iiiiit", errand->voucher.id, part, rack, now.there, counted, json_text_or(line, "note", NULL));
}

static enum err count(struct errand *errand)
{
    struct errand_lines lines;
    enum err err = errand_lines(errand, &lines);

    for (size_t i = 0; !err && i < lines.count; i++, lines.at = json_next(lines.at)) {
        err = count_line(errand, lines.at);
    }
    if (!err && sql_find_int(errand->sql, 0, "SELECT 1 FROM voucher_line WHERE voucher = ?1 AND counted IS NULL LIMIT 1", "i",
                             errand->voucher.id)) {
        errand->state = "open"; /* there is more to count */
    }
    return err;
}

/* The differences become moves, each of its own rack. */
static enum err approve(struct errand *errand)
{
    int64_t rack = 0;
    enum err err = ERR_OK;

    while (!err && (rack = sql_find_int(errand->sql, 0,
                                        "SELECT MIN(rack) FROM voucher_line WHERE voucher = ?1 AND rack > ?2 AND counted <>"
                                        " expected",
                                        "ii", errand->voucher.id, rack)) > 0) {
        int64_t more = sql_find_int(errand->sql, 0, "SELECT counted - expected FROM voucher_line WHERE voucher = ?1 AND rack ="
                                                    " ?2", "ii", errand->voucher.id, rack);

        err = errand_move(errand, STOCK_ADJUST, rack, more, 0);
    }
    return err ? err : duty_stop(errand->sql, "depot", errand->voucher.depot, "stocktake", errand->at_ms);
}

static enum err act_stocktake(struct errand *errand)
{
    if (errand_is(errand, "count")) {
        return count(errand);
    }
    if (errand_is(errand, "approve")) {
        return approve(errand);
    }
    return errand_is(errand, "recount")
               ? sql_run(errand->sql, "UPDATE voucher_line SET expected = NULL, counted = NULL WHERE voucher = ?1", "i",
                         errand->voucher.id)
               : ERR_OK;
}

const struct voucher_doer stocktake_doer = {open_stocktake, act_stocktake};

/* ------------------------------------------------------------------ samples */

static enum err open_sample(struct errand *errand)
{
    struct voucher *voucher = &errand->voucher;

    if (!voucher->part || !voucher->lot) {
        return text_say(errand->why, ERR_FORMAT, "%s: a sample needs part and lot", voucher->part ? "lot" : "part");
    }
    return errand_put_line(errand, 0, voucher->part, 0, voucher->count);
}

/* One that failed blocks its lot; whoever got pieces of it is listed with the voucher (used_in). */
static enum err judge_sample(struct errand *errand)
{
    const char *result;
    int64_t failed = json_int_or(errand->action->body, "failed", 0);
    bool passed;
    enum err err = errand_need(errand, "result", &result);

    if (err) {
        return err;
    }
    passed = strcmp(result, "passed") == 0;
    if (!passed && strcmp(result, "failed") != 0) {
        return text_say(errand->why, ERR_FORMAT, "result: expected passed or failed, found '%.40s'", result);
    }
    if (failed < 0 || failed > errand->voucher.count || (passed && failed > 0)) {
        return text_say(errand->why, ERR_FORMAT, "failed: expected at most %lld, and 0 when it passed",
                        (long long)errand->voucher.count);
    }
    errand->state = passed ? "passed" : "failed";
    if (!passed) {
        err = lot_judge(errand, errand->voucher.lot, "sample", result, "blocked", errand->voucher.count, failed);
    } else {
        err = sql_run(errand->sql,
                      "INSERT INTO lot_check (lot, kind, result, state, pieces, failed, who, at_ms, note) SELECT id, 'sample',"
                      " 'passed', state, ?2, 0, ?3, ?4, ?5 FROM lot WHERE id = ?1",
                      "iitit", errand->voucher.lot, errand->voucher.count, errand->action->who, errand->at_ms,
                      errand->action->note);
    }
    /* every depot that has the lot has been looked at */
    return err ? err
               : sql_run(errand->sql,
                         "UPDATE clock SET met_ms = ?2, next_ms = NULL, version = version + 1 WHERE subject = 'depot' AND kind ="
                         " 'sampling' AND met_ms IS NULL AND cancelled_ms IS NULL AND started_ms <= ?2 AND subject_id IN"
                         " (SELECT depot FROM rack WHERE lot = ?1)",
                         "ii", errand->voucher.lot, errand->at_ms);
}

static enum err act_sample(struct errand *errand)
{
    const char *words;

    if (errand_is(errand, "result")) {
        return judge_sample(errand);
    }
    return errand_is(errand, "supplier") ? errand_need(errand, "correction", &words) : ERR_OK;
}

const struct voucher_doer sample_doer = {open_sample, act_sample};
