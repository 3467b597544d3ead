/* Stand-by units (S0-116, S0-117): one is lent while the customer's own is repaired, and comes back. */
#include "server/stock/stock_int.h"

#include <string.h>

#include "models/base/civil.h"

static enum err open_loan(struct errand *errand)
{
    const struct voucher *voucher = &errand->voucher;
    int64_t position = 0, rack = 0;
    enum err err;

    if (!voucher->part || !voucher->depot || !voucher->equipment || !voucher->due_ms) {
        return text_say(errand->why, ERR_FORMAT, "%s: a loan needs part, depot, due, and equipment or work_order",
                        !voucher->part ? "part" : !voucher->depot ? "depot" : !voucher->due_ms ? "due" : "equipment");
    }
    if (voucher->serial && !voucher->lot) {
        return text_say(errand->why, ERR_FORMAT, "serial: there is none '%.64s' of that part", voucher->serial);
    }
    err = errand_reserve(errand, voucher->part, voucher->depot, voucher->lot, voucher->count, &position);
    rack = sql_find_int(errand->sql, 0, "SELECT rack FROM voucher_line WHERE voucher = ?1 AND position = 0", "i", voucher->id);
    err = err ? err : sql_run(errand->sql, "UPDATE voucher SET rack = ?2 WHERE id = ?1", "ii", voucher->id, rack);
    return err ? err : errand_ticket(errand, false, "stand-by unit");
}

/* What came back damaged is looked at before anybody gets it: in a lot of its own, of the same cost. */
static enum err set_apart(struct errand *errand, struct rack_now *io_now)
{
    int64_t cost = sql_find_int(errand->sql, 0, "SELECT unit_cost FROM lot WHERE id = ?1", "i", io_now->lot);
    struct lot_new apart = {.part = io_now->part, .name = errand->voucher.number, .state = "quarantine", .unit_cost = cost,
                            .now_ms = errand->now_ms};

    if (sql_find_int(errand->sql, 0, "SELECT serial FROM lot WHERE id = ?1", "i", io_now->lot)) {
        return lot_judge(errand, io_now->lot, "loan", "damaged", "quarantine", 1, 1);
    }
    return lot_find(errand->sql, &apart, &io_now->lot);
}

/* To the depot that is named, or where it came from. */
static enum err bring_back(struct errand *errand)
{
    const char *condition = errand_text(errand, "condition");
    struct rack_now now = {0};
    int64_t depot = 0, rack = 0;
    enum err err = errand_depot(errand, errand->action->body, "depot", &depot);

    if (!err && condition && strcmp(condition, "good") != 0 && strcmp(condition, "damaged") != 0) {
        return text_say(errand->why, ERR_FORMAT, "condition: expected good or damaged, found '%.40s'", condition);
    }
    err = err ? err : rack_look(errand->sql, errand->voucher.rack, &now);
    if (!err && condition && strcmp(condition, "damaged") == 0) {
        err = set_apart(errand, &now);
    }
    err = err ? err : rack_find(errand->sql, now.part, depot ? depot : now.depot, now.lot, &rack);
    err = err ? err : errand_move(errand, STOCK_LOAN_BACK, rack, errand->voucher.count, 0);
    return err ? err : errand_paid(errand, "loan");
}

/* The old date is met by a new one. */
static enum err extend(struct errand *errand)
{
    const char *due;
    int64_t due_ms = 0;
    enum err err = errand_need(errand, "due", &due);

    if (!err && (civil_read_instant(due, &due_ms) || due_ms <= errand->at_ms)) {
        return text_say(errand->why, ERR_FORMAT, "due: expected an RFC 3339 time in the future, found '%.40s'", due);
    }
    err = err ? err
              : sql_run(errand->sql,
                        "UPDATE clock SET until_ms = ?2, next_ms = ?3, warned_ms = NULL, version = version + 1 WHERE subject ="
                        " 'voucher' AND subject_id = ?1 AND kind = 'loan' AND met_ms IS NULL AND cancelled_ms IS NULL",
                        "iii", errand->voucher.id, due_ms, errand->now_ms);
    return err ? err
               : sql_run(errand->sql, "UPDATE voucher SET due_ms = ?2 WHERE id = ?1", "ii", errand->voucher.id, due_ms);
}

static enum err act_loan(struct errand *errand)
{
    const char *reason;
    enum err err;

    if (errand_is(errand, "hand_over")) {
        err = errand_move_lines(errand, STOCK_LOAN, true);
        err = err ? err : errand_owe(errand, "loan", errand->voucher.due_ms, "the unit is to be back");
        return err ? err : errand_ticket(errand, true, "stand-by unit");
    }
    if (errand_is(errand, "cancel")) {
        return errand_move_lines(errand, STOCK_RELEASE, false);
    }
    if (errand_is(errand, "bring_back")) {
        return bring_back(errand);
    }
    if (errand_is(errand, "extend")) {
        return extend(errand);
    }
    err = errand_need(errand, "reason", &reason); /* keep: it is the customer's now */
    return err ? err : errand_paid(errand, "loan");
}

const struct voucher_doer loan_doer = {open_loan, act_loan};
