/*
 * Parts on their way (S1-48, S1-49, S0-116, S0-135): reserved when planned, off the books of their depot when shipped, on
 * those of the depot or van when delivered there. What goes to a job is issued to its order, and its delivery stops the
 * ticket's spare-part clock.
 */
#include "server/stock/stock_int.h"

#include "models/base/civil.h"

static enum err take_over(struct errand *errand, int64_t part, int64_t depot)
{
    struct rack_wish wish = {.order = errand->voucher.work_order, .count = INT64_MAX, .who = errand->action->who,
                             .note = errand->voucher.number, .now_ms = errand->now_ms};
    int64_t released = 0;
    enum err err = ERR_OK;

    while (!err && wish.order &&
           (wish.rack = sql_find_int(errand->sql, 0,
                                     "SELECT MIN(p.rack) FROM work_part p JOIN rack s ON s.id = p.rack WHERE p.work_order ="
                                     " ?1 AND p.state = 'reserved' AND s.part = ?2 AND s.depot = ?3",
                                     "iii", wish.order, part, depot)) > 0) {
        err = rack_release(errand->sql, &wish, &released);
    }
    return err;
}

/* What the order had laid aside there goes first: it is reserved for the shipment now. */
static enum err open_line(struct errand *errand, const struct cJSON *line, int64_t *io_position)
{
    int64_t part = 0, count = 0, lot = 0;
    const char *name = json_text_or(line, "lot", NULL);
    enum err err = errand_part(errand, line, &part);

    if (!err && !part) {
        return text_say(errand->why, ERR_FORMAT, "part: expected one in each line");
    }
    err = err ? err : errand_count(errand, line, "count", &count);
    if (!err && name) {
        lot = sql_find_int(errand->sql, 0, "SELECT id FROM lot WHERE part = ?1 AND name = ?2", "it", part, name);
        err = lot ? ERR_OK : text_say(errand->why, ERR_FORMAT, "lot: there is none called '%.64s' of that part", name);
    }
    err = err ? err : take_over(errand, part, errand->voucher.depot);
    return err ? err : errand_reserve(errand, part, errand->voucher.depot, lot, count, io_position);
}

static enum err open_shipment(struct errand *errand)
{
    const struct voucher *voucher = &errand->voucher;
    struct errand_lines lines;
    int64_t position = 0;
    enum err err = ERR_OK;

    if (!voucher->depot) {
        return text_say(errand->why, ERR_FORMAT, "depot: expected the depot that it leaves");
    }
    if (!voucher->to_depot == !voucher->work_order || voucher->to_depot == voucher->depot) {
        return text_say(errand->why, ERR_FORMAT, "to: expected another depot, or a work_order that it goes to (not both)");
    }
    err = errand_lines(errand, &lines);
    for (size_t i = 0; !err && i < lines.count; i++, lines.at = json_next(lines.at)) {
        err = open_line(errand, lines.at, &position);
    }
    return err ? err : errand_ticket(errand, false, "shipment");
}

static enum err check_eta(struct errand *errand)
{
    const char *eta = errand_text(errand, "eta");
    int64_t eta_ms = 0;

    if (eta && civil_read_instant(eta, &eta_ms)) {
        return text_say(errand->why, ERR_FORMAT, "eta: expected an RFC 3339 time with offset, found '%.40s'", eta);
    }
    return eta ? errand_owe(errand, "delivery", eta_ms, "the carrier's own time") : ERR_OK;
}

static enum err ship(struct errand *errand)
{
    bool job = !errand->voucher.to_depot;
    enum err err = check_eta(errand);

    err = err ? err : errand_move_lines(errand, job ? STOCK_ISSUE : STOCK_TRANSFER_OUT, true);
    return err || !job ? err
                       : sql_run(errand->sql,
                                 "INSERT INTO work_part (work_order, part, state, count, depot, rack, who, at_ms) SELECT ?2,"
                                 " p.name, 'issued', n.count, s.depot, s.id, ?3, ?4 FROM voucher_line n JOIN rack s ON s.id ="
                                 " n.rack JOIN part p ON p.id = n.part WHERE n.voucher = ?1",
                                 "iiti", errand->voucher.id, errand->voucher.work_order, errand->action->who, errand->at_ms);
}

/* Into the same lots, in the other depot. */
static enum err put_in(struct errand *errand)
{
    int64_t position = -1, rack = 0;
    struct rack_now now = {0};
    enum err err = ERR_OK;

    while (!err && (position = sql_find_int(errand->sql, -1,
                                            "SELECT MIN(position) FROM voucher_line WHERE voucher = ?1 AND position > ?2", "ii",
                                            errand->voucher.id, position)) >= 0) {
        int64_t from = sql_find_int(errand->sql, 0, "SELECT rack FROM voucher_line WHERE voucher = ?1 AND position = ?2", "ii",
                                    errand->voucher.id, position);
        int64_t count = sql_find_int(errand->sql, 0, "SELECT count FROM voucher_line WHERE voucher = ?1 AND position = ?2",
                                     "ii", errand->voucher.id, position);

        err = rack_look(errand->sql, from, &now);
        err = err ? err : rack_find(errand->sql, now.part, errand->voucher.to_depot, now.lot, &rack);
        err = err ? err : errand_move(errand, STOCK_TRANSFER_IN, rack, count, 0);
    }
    return err;
}

/* What was lost on the way to a job is not at the job: nobody can use it there. */
static enum err unissue(struct errand *errand)
{
    int64_t position = -1;
    enum err err = ERR_OK;

    while (!err && (position = sql_find_int(errand->sql, -1,
                                            "SELECT MIN(position) FROM voucher_line WHERE voucher = ?1 AND position > ?2", "ii",
                                            errand->voucher.id, position)) >= 0) {
        int64_t count = sql_find_int(errand->sql, 0, "SELECT count FROM voucher_line WHERE voucher = ?1 AND position = ?2", "ii",
                                     errand->voucher.id, position);
        int64_t line = sql_find_int(errand->sql, 0,
                                    "SELECT MAX(w.id) FROM work_part w JOIN voucher_line n ON n.rack = w.rack WHERE n.voucher = ?1"
                                    " AND n.position = ?2 AND w.work_order = ?3 AND w.state = 'issued' AND w.count >= n.count",
                                    "iii", errand->voucher.id, position, errand->voucher.work_order);

        if (!line) {
            return text_say(errand->why, ERR_STATE, "the job has used pieces of it already. Legal: deliver track");
        }
        err = sql_run(errand->sql, "DELETE FROM work_part WHERE id = ?1 AND count = ?2", "ii", line, count);
        err = err ? err
                  : sql_run(errand->sql, "UPDATE work_part SET count = count - ?2 WHERE id = ?1", "ii", line, count);
    }
    return err;
}

static enum err deliver(struct errand *errand)
{
    const char *receiver;
    enum err err = errand_need(errand, "received_by", &receiver);

    if (!err && errand->voucher.to_depot) {
        err = put_in(errand);
    }
    err = err ? err : errand_paid(errand, "delivery");
    return err || errand->voucher.to_depot ? err : errand_ticket(errand, true, "shipment");
}

static enum err act_shipment(struct errand *errand)
{
    const char *words;
    enum err err;

    if (errand_is(errand, "ship")) {
        return ship(errand);
    }
    if (errand_is(errand, "track")) {
        return check_eta(errand);
    }
    if (errand_is(errand, "deliver")) {
        return deliver(errand);
    }
    if (errand_is(errand, "cancel")) {
        return errand_move_lines(errand, STOCK_RELEASE, false);
    }
    if (!errand_is(errand, "lose")) {
        return ERR_OK;
    }
    err = errand_need(errand, "reason", &words);
    err = err || errand->voucher.to_depot ? err : unissue(errand);
    return err ? err : errand_paid(errand, "delivery");
}

const struct voucher_doer shipment_doer = {open_shipment, act_shipment};
