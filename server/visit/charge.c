/* Free or chargeable: the contract year that a visit counts in, how many it has, and how many it has had. */
#include "server/visit/visit_int.h"

#include <stdio.h>
#include <string.h>

#include "models/service/warranty.h"

/* The contract that covers a day at the site, and its first day. */
static enum err find_contract(struct sql *sql, int64_t site, int32_t day, int64_t *ret_contract, int32_t *ret_start)
{
    struct sql_rows rows;

    *ret_contract = 0;
    sql_find(sql, &rows,
             "SELECT c.id, c.start_day FROM contract c JOIN contract_site x ON x.contract = c.id WHERE x.site = ?1 AND"
             " (c.start_day IS NULL OR c.start_day <= ?2) AND (c.end_day IS NULL OR c.end_day >= ?2) ORDER BY c.start_day"
             " DESC, c.id DESC LIMIT 1",
             "ii", site, (int64_t)day);
    if (sql_next(&rows)) {
        *ret_contract = sql_int(&rows, 0);
        if (!sql_null(&rows, 1)) {
            *ret_start = (int32_t)sql_int(&rows, 1);
        }
    }
    return sql_end(&rows);
}

/* The last day of the longest warranty of any component; WARRANTY_NO_DATE: there is none. */
static int32_t warranty_end(const struct place *place, int32_t day)
{
    int32_t end = WARRANTY_NO_DATE;

    for (size_t i = 0; i < place->plan->class_count; i++) {
        struct warranty warranty =
            warranty_judge(place->plan, &place->dates, place->plan->classes[i].component, NULL, day);

        end = warranty.until > end ? warranty.until : end;
    }
    return end;
}

/* In the plan's words. */
static void judge(const struct place *place, bool covered, int32_t day, struct visit_charge *charge)
{
    const struct plan_visits *visits = place->plan->visits;
    enum plan_free scope = visits ? visits->free : PLAN_FREE_AGREEMENT;
    bool within = charge->number <= charge->entitled;

    charge->origin = visits && visits->free_origin.flag == 'S' ? "S" : "A";
    charge->free = scope == PLAN_FREE_ALWAYS;
    snprintf(charge->why, sizeof(charge->why), "%s: %s", plan_free_names[scope],
             charge->free ? "every visit is free" : "no visit is free");
    if (scope == PLAN_FREE_AGREEMENT || (scope == PLAN_FREE_WARRANTY && day <= warranty_end(place, day))) {
        charge->free = covered && within;
        if (!covered) {
            snprintf(charge->why, sizeof(charge->why), "%s: no contract covers the day", plan_free_names[scope]);
        } else {
            snprintf(charge->why, sizeof(charge->why), "%s: visit %d of the %d that the contract year has",
                     plan_free_names[scope], charge->number, charge->entitled);
        }
    } else if (scope == PLAN_FREE_WARRANTY) {
        snprintf(charge->why, sizeof(charge->why), "%s: the warranty has ended", plan_free_names[scope]);
    }
}

/* What is written down already, of a visit that was done. */
static void take_frozen(const struct sql_rows *rows, struct visit_charge *charge)
{
    charge->free = text_same(sql_text(rows, 5), "free");
    if (sql_text(rows, 6)) {
        snprintf(charge->why, sizeof(charge->why), "%s", sql_text(rows, 6));
    }
}

enum err visit_charge_find(struct office *office, struct sql *sql, int64_t visit, int64_t now_ms,
                           struct visit_charge *ret_charge)
{
    struct visit_charge charge = {.entitled = 0, .origin = "A"};
    int64_t equipment = 0, sequence = 0;
    struct visit_charge frozen = {.free = false};
    struct place place;
    struct sql_rows rows;
    bool found, done = false, any_contract;
    int32_t due = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT equipment, sequence, due_day, contract, year_day, charge, charge_why, entitled, state FROM visit WHERE id = ?1",
             "i", visit);
    found = sql_next(&rows);
    if (found) {
        equipment = sql_int(&rows, 0);
        sequence = sql_int(&rows, 1);
        due = (int32_t)sql_int(&rows, 2);
        charge.contract = sql_int(&rows, 3);
        charge.year_from = (int32_t)sql_int(&rows, 4);
        charge.entitled = (int)sql_int(&rows, 7);
        done = text_same(sql_text(&rows, 8), "done") && !sql_null(&rows, 5);
        take_frozen(&rows, &frozen);
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    charge.year_to = civil_add_months(charge.year_from, 12) - 1;
    charge.used = (int)sql_find_int(sql, 0,
                                    "SELECT COUNT(*) FROM visit WHERE equipment = ?1 AND year_day = ?2 AND state = 'done'",
                                    "ii", equipment, (int64_t)charge.year_from);
    charge.number = 1 + (int)sql_find_int(sql, 0,
                                          "SELECT COUNT(*) FROM visit WHERE equipment = ?1 AND year_day = ?2 AND state ="
                                          " 'done' AND sequence < ?3",
                                          "iii", equipment, (int64_t)charge.year_from, sequence);
    err = place_find(office, sql, equipment, 0, now_ms, &place);
    if (err || !place.plan) {
        return err ? err : ERR_NOT_FOUND;
    }
    any_contract = sql_find_int(sql, 0, "SELECT 1 FROM contract_site WHERE site = ?1 LIMIT 1", "i", place.site) != 0;
    judge(&place, charge.contract || !any_contract, due, &charge); /* no contract at all: the preset plan is the agreement */
    if (done) {
        charge.free = frozen.free;
        memcpy(charge.why, frozen.why, sizeof(charge.why));
    }
    *ret_charge = charge;
    return ERR_OK;
}

/* What is expected of a visit that is still ahead. */
static enum err charge_write(struct office *office, struct sql *sql, int64_t visit, int64_t now_ms)
{
    struct visit_charge charge;
    enum err err = visit_charge_find(office, sql, visit, now_ms, &charge);

    return err ? err
               : sql_run(sql,
                         "UPDATE visit SET charge = ?2, charge_why = ?3 WHERE id = ?1 AND (charge IS NULL OR charge <> ?2"
                         " OR charge_why <> ?3)",
                         "itt", visit, charge.free ? "free" : "chargeable", charge.why);
}

#define AHEAD 64

enum err charge_plan(struct office *office, struct sql *sql, const struct place *place, int32_t anchor,
                     int64_t now_ms)
{
    int64_t ids[AHEAD], dues[AHEAD];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id, due_day FROM visit WHERE equipment = ?1 AND state IN ('planned', 'released', 'attached') ORDER BY"
             " sequence DESC LIMIT 64",
             "i", place->equipment);
    while (count < AHEAD && sql_next(&rows)) {
        ids[count] = sql_int(&rows, 0);
        dues[count++] = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        int32_t start = anchor, from, to;
        int64_t contract;

        err = find_contract(sql, place->site, (int32_t)dues[i], &contract, &start);
        (void)visit_year(start, (int32_t)dues[i], &from, &to);
        if (!err) {
            err = sql_run(sql,
                          "UPDATE visit SET contract = NULLIF(?2, 0), year_day = ?3, entitled = ?4 WHERE id = ?1 AND"
                          " (year_day IS NULL OR year_day <> ?3 OR entitled <> ?4 OR COALESCE(contract, 0) <> ?2)",
                          "iiii", ids[i], contract, (int64_t)from, (int64_t)place->plan->visits_per_year);
        }
        if (!err) {
            err = charge_write(office, sql, ids[i], now_ms);
        }
    }
    return err;
}

enum err charge_freeze(struct office *office, struct sql *sql, int64_t visit, int64_t at_ms)
{
    return charge_write(office, sql, visit, at_ms);
}
