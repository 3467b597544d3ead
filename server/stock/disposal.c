/* Old parts (S0-150, S0-151, S0-131) and what is written off (S2-27). */
#include "server/stock/stock_int.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "server/case/place.h"
#include "server/stock/stock.h"

/* ------------------------------------------------------------------ old parts */

/* The end of the plan's next window in which old parts are returned; without windows: 0. And whether the repair is settled
 * only once it was assessed. */
static enum err ask_plan(struct errand *errand, int64_t *ret_ms, bool *ret_assessed)
{
    struct place place;
    const struct zone *zone;
    int32_t today, best = INT32_MAX;
    int year, month, day;
    enum err err = place_find(errand->office, errand->sql, errand->voucher.equipment, 0, errand->now_ms, &place);

    *ret_ms = 0;
    *ret_assessed = !err && place.plan && place.plan->old_parts.assessed;
    if (err || !place.plan) {
        return err;
    }
    zone = rules_zone(errand->office->options.rules, place.time_zone);
    zone = zone ? zone : zone_utc();
    today = zone_day(zone, errand->at_ms);
    civil_from_days(today, &year, &month, &day);
    for (size_t i = 0; i < place.plan->old_parts.window_count; i++) {
        const struct plan_window *window = &place.plan->old_parts.windows[i];

        for (int ahead = 0; ahead < 2; ahead++) {
            int32_t end = civil_days(year + ahead, window->to_month, window->to_day);

            best = end >= today && end < best ? end : best;
        }
    }
    *ret_ms = best == INT32_MAX ? 0 : zone_instant(zone, best + 1, 0);
    return ERR_OK;
}

static enum err open_old(struct errand *errand)
{
    struct voucher *voucher = &errand->voucher;
    int64_t window_ms = 0;
    bool assessed = false;
    enum err err;

    if (!voucher->part || !voucher->equipment) {
        return text_say(errand->why, ERR_FORMAT, "%s: an old part needs part, and equipment or work_order",
                        voucher->part ? "equipment" : "part");
    }
    err = ask_plan(errand, &window_ms, &assessed);
    voucher->due_ms = voucher->due_ms ? voucher->due_ms : window_ms;
    err = err ? err
              : sql_run(errand->sql, "UPDATE voucher SET due_ms = NULLIF(?2, 0), settles_late = ?3 WHERE id = ?1", "iii",
                        voucher->id, voucher->due_ms, (int64_t)assessed);
    if (!err && voucher->due_ms) {
        err = errand_owe(errand, "old_part", voucher->due_ms, "S0-150: the old part is to be returned");
    }
    return err;
}

/* Sorted, and put into the warehouse for it: usable ones may be sent to a depot from there, the others wait to be written
 * off. An old part has no value of its own in the books. */
static enum err assess(struct errand *errand)
{
    const char *result;
    int64_t warehouse = 0, rack = 0, lot = 0;
    struct lot_new kept = {.part = errand->voucher.part, .name = errand->voucher.number, .unit_cost = 0,
                           .now_ms = errand->now_ms};
    enum err err = errand_need(errand, "result", &result);

    err = err ? err : errand_depot(errand, errand->action->body, "warehouse", &warehouse);
    if (!err && strcmp(result, "usable") != 0 && strcmp(result, "scrap") != 0) {
        return text_say(errand->why, ERR_FORMAT, "result: expected usable or scrap, found '%.40s'", result);
    }
    if (!err && !sql_find_int(errand->sql, 0, "SELECT 1 FROM depot WHERE id = ?1 AND counts = 0", "i", warehouse)) {
        return text_say(errand->why, ERR_FORMAT, "warehouse: expected a depot of kind warehouse");
    }
    kept.state = !err && strcmp(result, "usable") == 0 ? "passed" : "refused";
    err = err ? err : lot_find(errand->sql, &kept, &lot);
    err = err ? err : rack_find(errand->sql, kept.part, warehouse, lot, &rack);
    err = err ? err : errand_move(errand, STOCK_RECEIVE, rack, errand->voucher.count, 0);
    return err ? err
               : sql_run(errand->sql, "UPDATE voucher SET rack = ?2, lot = ?3 WHERE id = ?1", "iii", errand->voucher.id, rack,
                         lot);
}

static enum err act_old(struct errand *errand)
{
    const char *words;
    int64_t depot = 0;
    enum err err;

    if (errand_is(errand, "assess")) {
        return assess(errand);
    }
    if (errand_is(errand, "return")) {
        err = errand_depot(errand, errand->action->body, "to", &depot);
        if (!err && !depot) {
            return text_say(errand->why, ERR_FORMAT, "to: expected the depot that received it");
        }
        err = err ? err : sql_run(errand->sql, "UPDATE voucher SET to_depot = ?2 WHERE id = ?1", "ii", errand->voucher.id,
                                  depot);
        return err ? err : errand_paid(errand, "old_part");
    }
    err = errand_need(errand, "reason", &words); /* waive */
    return err ? err : errand_paid(errand, "old_part");
}

const struct voucher_doer old_part_doer = {open_old, act_old};

enum err stock_keep_old(struct office *office, struct sql *sql, const struct old_part *old)
{
    struct action action = {.action = "open", .who = old->who, .role = ROLE_SERVER};
    struct json_out body = json_out(4096);
    struct place place;
    int64_t id = 0;
    TEXT(why, 300);
    struct sql_rows rows;
    enum err err = place_find(office, sql, old->equipment, 0, old->now_ms, &place);
    bool wanted = old->goes && strcmp(old->goes, "return") == 0;

    wanted = wanted || (!err && !old->goes && old->serial && place.plan && place.plan->old_parts.required);
    if (err || !wanted || !old->equipment) {
        return err;
    }
    json_open_object(&body);
    json_text(&body, "kind", "old_part");
    json_text(&body, "part", old->part);
    json_int(&body, "count", old->count);
    if (old->serial) {
        json_text(&body, "serial", old->serial);
    }
    json_text(&body, "holder", old->holder ? old->holder : old->who);
    sql_find(sql, &rows, "SELECT number FROM work_order WHERE id = ?1", "i", old->order);
    if (sql_next(&rows)) {
        json_text(&body, "work_order", sql_text(&rows, 0));
    }
    json_close_object(&body);
    err = sql_end(&rows);
    err = err ? err : body.err ? body.err : json_parse(office->arena, body.bytes, body.size, &action.body, NULL);
    err = err ? err : stock_open(office, sql, &action, old->now_ms, &id, &why);
    json_out_free(&body);
    return err == ERR_FORMAT ? ERR_OK : err; /* a part that no file knows is nobody's old part */
}

/* ------------------------------------------------------------------ written off */

static enum err open_scrap(struct errand *errand)
{
    struct voucher *voucher = &errand->voucher;
    const char *reason;
    int64_t rack = 0;
    enum err err = errand_need(errand, "reason", &reason);

    if (!err && (!voucher->part || !voucher->depot)) {
        return text_say(errand->why, ERR_FORMAT, "%s: scrap needs part, depot and reason", voucher->part ? "depot" : "part");
    }
    rack = sql_find_int(errand->sql, 0,
                        "SELECT rack FROM rack_now WHERE part = ?1 AND depot = ?2 AND (?3 = 0 OR lot = ?3) AND there - held >= ?4"
                        " ORDER BY there - held DESC LIMIT 1",
                        "iiii", voucher->part, voucher->depot, voucher->lot, voucher->count);
    if (!err && !rack) {
        return text_say(errand->why, ERR_STATE,
                        "there are no %lld of it that are free in one lot there. Legal: scrap with a smaller count",
                        (long long)voucher->count);
    }
    err = err ? err : sql_run(errand->sql, "UPDATE voucher SET rack = ?2 WHERE id = ?1", "ii", voucher->id, rack);
    return err ? err : errand_put_line(errand, 0, voucher->part, rack, voucher->count);
}

static enum err act_scrap(struct errand *errand)
{
    const char *words;

    if (errand_is(errand, "approve")) {
        return errand_move_lines(errand, STOCK_SCRAP, false);
    }
    return errand_is(errand, "refuse") ? errand_need(errand, "reason", &words) : ERR_OK;
}

const struct voucher_doer scrap_doer = {open_scrap, act_scrap};
