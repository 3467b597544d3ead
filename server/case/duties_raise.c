/* Duties that the calendar raises: per piece of equipment, per contract and its customer, per visit. */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/hash.h"
#include "server/case/contact.h"
#include "server/case/duties.h"
#include "server/case/place.h"
#include "server/case/remind.h"

#define SLICE      100
#define AGAIN_DAYS 30  /* what has been owed for longer than that when the server first hears of it is history */
#define TERM_DAYS  400 /* ends of terms that come within this time are watched */
#define VISIT_DAYS 60
#define MISSED_MONTHS 24 /* so many that the server slept through are noted */
#define DAY_MS     86400000LL
#define CHANGES    32  /* of contacts, within AGAIN_DAYS */
#define CONTRACTS  1000000000000LL /* positions of the walk: equipment first, then contracts from here on */

struct raise { /* one place on its way */
    struct office *office;
    struct sql *sql;
    const struct place *place;
    const struct zone *zone;
    int64_t now_ms;
    int32_t today;
    int64_t round_ms; /* when all equipment was last looked at; 0: never */
};

static struct duty duty_at(const struct raise *raise, const char *subject, int64_t id, enum plan_duty which)
{
    const struct place *place = raise->place;

    return (struct duty){
        .subject = subject,
        .id = id,
        .kind = plan_duty_names[which],
        .limit = &place->plan->duties[which],
        .warn = 0.75,
        .site = place->site,
        .calendar = place->calendar,
        .time_zone = place->time_zone,
        .plan_hash = place->plan->hash,
    };
}

/* From a civil date on; not when it is long past. */
static enum err raise_from(const struct raise *raise, enum plan_duty which, int32_t day, const char *start,
                           const char *stop)
{
    struct duty duty = duty_at(raise, "equipment", raise->place->equipment, which);

    if (!duty.limit->set || day == WARRANTY_NO_DATE || day > raise->today) {
        return ERR_OK;
    }
    duty.started_ms = zone_instant(raise->zone, day, 0);
    duty.start = start;
    duty.stop = stop;
    if (day < raise->today - AGAIN_DAYS - (int32_t)duty.limit->limit.count) {
        return ERR_OK;
    }
    return duty_start(raise->sql, &duty);
}

/* S0-136: where the plan lets the first telemetry register the warranty, it is waited for while the card is owed
 * (server/money/registration.c). */
static enum err raise_card(const struct raise *raise)
{
    enum err err = raise_from(raise, PLAN_DUTY_REGISTRATION, raise->place->dates.sale, "sold", "registered");

    if (err || !raise->place->plan->card_by_connection) {
        return err;
    }
    return sql_run(raise->sql,
                   "INSERT INTO registration (equipment, state, clock) SELECT ?1, 'waiting', k.id FROM clock k WHERE k.subject ="
                   " 'equipment' AND k.subject_id = ?1 AND k.kind = 'warranty_registration' AND k.met_ms IS NULL AND"
                   " k.cancelled_ms IS NULL ON CONFLICT (equipment) DO NOTHING",
                   "i", raise->place->equipment);
}

/* The duty of the period of `months` that holds this month (counted from the year 0): from its first day to its end. */
static enum err raise_period(const struct raise *raise, struct duty duty, int64_t months, int64_t month, int32_t *ret_day,
                             int64_t *ret_until_ms)
{
    duty.occurrence = month / months;
    month = duty.occurrence * months;
    *ret_day = civil_days((int)(month / 12), (int)(month % 12) + 1, 1);
    duty.started_ms = zone_instant(raise->zone, *ret_day, 0);
    duty.until_ms = zone_instant(raise->zone, civil_add_months(*ret_day, (int)months), 0);
    *ret_until_ms = duty.until_ms;
    duty.origin = &duty.limit->origin;
    duty.limit = NULL;
    duty.start = "month";
    duty.stop = "done";
    return duty_start(raise->sql, &duty);
}

static int64_t month_of(int32_t today)
{
    int year, month, day;

    civil_from_days(today, &year, &month, &day);
    return (int64_t)year * 12 + month - 1;
}

/* The day from which the equipment is as old as it is; WARRANTY_NO_DATE: nobody knows. */
static int32_t born(const struct place *place)
{
    const struct warranty_dates *dates = &place->dates;

    return dates->completion != WARRANTY_NO_DATE   ? dates->completion
           : dates->acceptance != WARRANTY_NO_DATE ? dates->acceptance
           : dates->invoice != WARRANTY_NO_DATE    ? dates->invoice
           : dates->sale != WARRANTY_NO_DATE       ? dates->sale
                                                   : dates->manufacture;
}

/* How long a period is: what is old is looked at on site more often (S0-84). */
static struct duration period_of(const struct raise *raise, enum plan_duty which, const struct plan_limit *limit)
{
    const struct plan_rounds *rounds = &raise->place->plan->rounds;
    int32_t from = born(raise->place);
    const struct plan_age *age = which == PLAN_DUTY_ONSITE && from != WARRANTY_NO_DATE
                                     ? plan_age_at(rounds->older, rounds->older_count, from, raise->today)
                                     : NULL;

    return age ? age->every : limit->limit;
}

/* Once a period of so many months, by the calendar. Periods that began and went by while the server was down were owed
 * all the same: a missed month is a breach. *ret_day: of the period that runs; -1: none is owed. */
static enum err raise_monthly(const struct raise *raise, enum plan_duty which, int32_t *ret_day, int64_t *ret_until_ms)
{
    struct duty duty = duty_at(raise, "equipment", raise->place->equipment, which);
    struct duration period = period_of(raise, which, duty.limit);
    int64_t months = period.unit == DURATION_Y ? 12 * period.count : period.count;
    int64_t month = month_of(raise->today), first = month;
    enum err err = ERR_OK;

    *ret_day = -1;
    if (!duty.limit->set || (period.unit != DURATION_MO && period.unit != DURATION_Y)) {
        return ERR_OK;
    }
    if (raise->round_ms && sql_find_int(raise->sql, 0,
                                        "SELECT 1 FROM clock WHERE subject = 'equipment' AND subject_id = ?1 AND kind = ?2"
                                        " LIMIT 1",
                                        "it", raise->place->equipment, duty.kind)) {
        first = month_of(zone_day(raise->zone, raise->round_ms));
        first = first < month - MISSED_MONTHS ? month - MISSED_MONTHS : first;
    }
    for (first -= first % months; !err && first <= month; first += months) {
        err = raise_period(raise, duty, months, first, ret_day, ret_until_ms);
    }
    return err;
}

/* … and when it has its turn in what is left of that period (server/inspection). */
static enum err raise_inspection(const struct raise *raise)
{
    int64_t until_ms = 0, from_ms, due_ms;
    int32_t day;
    enum err err = raise_monthly(raise, PLAN_DUTY_REMOTE_INSPECTION, &day, &until_ms);

    if (err || day < 0 || !rules_checklist(raise->office->options.rules)) {
        return err;
    }
    from_ms = zone_instant(raise->zone, day, 0);
    from_ms = from_ms > raise->now_ms ? from_ms : raise->now_ms;
    due_ms = inspection_moment(from_ms, until_ms, hash_bytes(raise->place->name, strlen(raise->place->name)));
    return sql_run(raise->sql,
                   "INSERT INTO inspection_due (equipment, period_day, due_ms) VALUES (?1, ?2, ?3) ON CONFLICT (equipment) DO"
                   " UPDATE SET period_day = excluded.period_day, due_ms = excluded.due_ms WHERE inspection_due.period_day <"
                   " excluded.period_day",
                   "iii", raise->place->equipment, (int64_t)day, due_ms);
}

/* … and when it becomes a work order by itself (server/desk/onsite.c): not all of a fleet on one day. */
static enum err raise_onsite(const struct raise *raise)
{
    int64_t until_ms = 0, from_ms, lead_ms = raise->place->plan->rounds.order_days * DAY_MS;
    const char *name = raise->place->name;
    int32_t day;
    enum err err = raise_monthly(raise, PLAN_DUTY_ONSITE, &day, &until_ms);

    from_ms = until_ms - lead_ms;
    if (err || day < 0 || !lead_ms || raise->now_ms > from_ms) { /* who is first heard of then has the next period */
        return err;
    }
    return sql_run(raise->sql,
                   "INSERT INTO onsite_due (clock, equipment, due_ms) SELECT k.id, ?1, ?2 FROM clock k WHERE k.subject ="
                   " 'equipment' AND k.subject_id = ?1 AND k.kind = ?3 AND k.until_ms = ?4 AND k.met_ms IS NULL AND"
                   " k.cancelled_ms IS NULL ON CONFLICT (clock) DO NOTHING",
                   "iiti", raise->place->equipment,
                   inspection_moment(from_ms, from_ms + lead_ms / 2, hash_bytes(name, strlen(name))),
                   plan_duty_names[PLAN_DUTY_ONSITE], until_ms);
}

/* The ends of warranties, class by class. */
static enum err raise_terms(const struct raise *raise)
{
    const struct place *place = raise->place;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < place->plan->class_count; i++) {
        struct warranty warranty = warranty_judge(place->plan, &place->dates, place->plan->classes[i].component, NULL,
                                                  raise->today);
        struct duty duty = duty_at(raise, "equipment", place->equipment, 0);

        if (warranty.verdict != WARRANTY_COVERED || warranty.until > raise->today + TERM_DAYS) {
            continue;
        }
        duty.kind = "warranty";
        duty.occurrence = (int64_t)i;
        duty.limit = NULL;
        duty.origin = &place->plan->classes[i].origin;
        duty.note = place->plan->classes[i].component;
        duty.started_ms = zone_instant(raise->zone, warranty.from, 0);
        duty.until_ms = zone_instant(raise->zone, warranty.until + 1, 0);
        duty.warn = 0.95;
        duty.start = warranty.start_rule;
        duty.stop = "ended";
        err = duty_start(raise->sql, &duty);
    }
    return err;
}

/* The visits that come next (rows of visit): owed until their window closes. */
static enum err raise_visits(const struct raise *raise)
{
    int64_t ids[8], from[8], until[8];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(raise->sql, &rows,
             "SELECT id, window_start_day, window_end_day FROM visit WHERE equipment = ?1 AND state IN ('planned',"
             " 'released') AND window_start_day <= ?2 AND window_end_day >= ?3 ORDER BY sequence LIMIT 8",
             "iii", raise->place->equipment, (int64_t)raise->today + VISIT_DAYS, (int64_t)raise->today - AGAIN_DAYS);
    while (count < 8 && sql_next(&rows)) {
        ids[count] = sql_int(&rows, 0);
        from[count] = sql_int(&rows, 1);
        until[count++] = sql_int(&rows, 2);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct duty duty = duty_at(raise, "visit", ids[i], 0);

        duty.kind = "visit";
        duty.limit = NULL;
        duty.note = "its window";
        duty.started_ms = zone_instant(raise->zone, (int32_t)from[i], 0);
        duty.until_ms = zone_instant(raise->zone, (int32_t)until[i] + 1, 0);
        duty.start = "window";
        duty.stop = "done";
        err = duty_start(raise->sql, &duty);
    }
    return err;
}

/* Inspections that are done owe their report. */
static enum err raise_reports(const struct raise *raise)
{
    int64_t ids[16], done[16];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!raise->place->plan->duties[PLAN_DUTY_REPORT].set) {
        return ERR_OK;
    }
    sql_find(raise->sql, &rows,
             "SELECT id, done_ms FROM inspection WHERE equipment = ?1 AND state = 'done' AND way <> 'test' AND done_ms >= ?2 ORDER BY"
             " done_ms DESC LIMIT 16",
             "ii", raise->place->equipment, raise->now_ms - AGAIN_DAYS * DAY_MS);
    while (count < 16 && sql_next(&rows)) {
        ids[count] = sql_int(&rows, 0);
        done[count++] = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct duty duty = duty_at(raise, "inspection", ids[i], PLAN_DUTY_REPORT);

        duty.started_ms = done[i];
        duty.start = "inspected";
        duty.stop = "delivered";
        err = duty_start(raise->sql, &duty);
    }
    return err;
}

static enum err raise_equipment(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct place place;
    enum err err = place_find(office, sql, id, 0, now_ms, &place);
    const struct zone *zone = err ? NULL : rules_zone(office->options.rules, place.time_zone);
    struct raise raise = {office, sql, &place, zone ? zone : zone_utc(), now_ms, 0, 0};

    if (err || !place.plan) {
        return err;
    }
    if (place.over) {
        return duties_end(sql, id, now_ms);
    }
    raise.today = zone_day(raise.zone, now_ms);
    raise.round_ms = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'duties.round'", "");
    err = rules_keep_plan(sql, place.plan, now_ms);
    if (!err) {
        err = raise_from(&raise, PLAN_DUTY_TRAINING, place.dates.acceptance, "accepted", "held");
    }
    if (!err) {
        err = raise_card(&raise);
    }
    if (!err) {
        err = raise_inspection(&raise);
    }
    if (!err) {
        int64_t until_ms;
        int32_t day;

        err = raise_monthly(&raise, PLAN_DUTY_MAINTENANCE, &day, &until_ms);
        err = err ? err : raise_onsite(&raise);
    }
    if (!err) {
        err = raise_terms(&raise);
    }
    if (!err) {
        err = raise_visits(&raise);
    }
    if (!err) {
        err = remind_equipment(office, sql, &place, raise.zone, now_ms);
    }
    return err ? err : raise_reports(&raise);
}

/* ------------------------------------------------------------------ contracts */

/* The next one is owed so long after the last one that was done (or the contract's begin, or now). */
static enum err raise_again(const struct raise *raise, enum plan_duty which, int64_t customer, int64_t start_ms)
{
    struct duty duty = duty_at(raise, "customer", customer, which);

    if (!duty.limit->set || !customer ||
        sql_find_int(raise->sql, 0,
                     "SELECT 1 FROM clock WHERE subject = 'customer' AND subject_id = ?1 AND kind = ?2 AND met_ms IS"
                     " NULL AND cancelled_ms IS NULL",
                     "it", customer, duty.kind)) {
        return ERR_OK;
    }
    duty.occurrence = sql_find_int(
        raise->sql, 0, "SELECT COUNT(*) FROM clock WHERE subject = 'customer' AND subject_id = ?1 AND kind = ?2", "it",
        customer, duty.kind);
    duty.started_ms = sql_find_int(
        raise->sql, start_ms > raise->now_ms - AGAIN_DAYS * DAY_MS ? start_ms : raise->now_ms,
        "SELECT MAX(met_ms) FROM clock WHERE subject = 'customer' AND subject_id = ?1 AND kind = ?2", "it", customer,
        duty.kind);
    duty.start = which == PLAN_DUTY_TALK ? "spoken" : "visited";
    duty.stop = "done";
    return duty_start(raise->sql, &duty);
}

/* S0-125: once in every span of the agreement, counted from its begin, so that nothing drifts. */
static enum err raise_exchange(const struct raise *raise, int64_t contract, int64_t start_day)
{
    struct duty duty = duty_at(raise, "contract", contract, PLAN_DUTY_EXCHANGE);
    const struct duration each = duty.limit->limit;
    int64_t months = each.unit == DURATION_Y ? 12 * each.count : each.unit == DURATION_MO ? each.count : 0;
    int32_t from = (int32_t)start_day;
    int64_t n = 0;

    if (!duty.limit->set || !start_day || !months || from > raise->today) {
        return ERR_OK;
    }
    while (civil_add_months((int32_t)start_day, (int)((n + 1) * months)) <= raise->today) {
        n++;
    }
    from = civil_add_months((int32_t)start_day, (int)(n * months));
    duty.occurrence = n;
    duty.start = "span";
    duty.stop = "held";
    duty.started_ms = zone_instant(raise->zone, from, 0);
    duty.until_ms = zone_instant(raise->zone, civil_add_months((int32_t)start_day, (int)((n + 1) * months)), 0);
    duty.origin = &duty.limit->origin;
    duty.limit = NULL;
    return duty_start(raise->sql, &duty);
}

/* S0-142: so many days before a season window opens; the task is raised as long again before. */
static enum err raise_reserve(const struct raise *raise, int64_t contract)
{
    const struct plan *plan = raise->place->plan;
    struct duty duty = duty_at(raise, "contract", contract, PLAN_DUTY_RESERVE);
    int32_t lead = (int32_t)duty.limit->limit.count;
    int year, month, day;
    enum err err = ERR_OK;

    if (!duty.limit->set || duty.limit->limit.unit != DURATION_D) {
        return ERR_OK;
    }
    duty.origin = &duty.limit->origin;
    duty.limit = NULL;
    duty.start = "season";
    duty.stop = "submitted";
    for (size_t i = 0; !err && i < plan->window_count; i++) {
        civil_from_days(raise->today + lead, &year, &month, &day);
        for (int ahead = 0; !err && ahead < 2; ahead++) {
            int32_t due = civil_days(year + ahead, plan->windows[i].from_month, plan->windows[i].from_day) - lead;

            if (due < raise->today || due - lead > raise->today) {
                continue;
            }
            duty.occurrence = (int64_t)(year + ahead) * 10 + (int64_t)i;
            duty.started_ms = zone_instant(raise->zone, due - lead, 0);
            duty.until_ms = zone_instant(raise->zone, due + 1, 0);
            err = duty_start(raise->sql, &duty);
        }
    }
    return err;
}

/* S0-100: who the customer may turn to has changed since the contract began: he is told, and that is owed. */
static enum err raise_contact_changes(const struct raise *raise, int64_t customer, int64_t start_ms)
{
    struct duty duty = duty_at(raise, "customer", customer, PLAN_DUTY_CONTACT);
    int64_t ids[CHANGES], at_ms[CHANGES];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!duty.limit->set || !customer) {
        return ERR_OK;
    }
    sql_find(raise->sql, &rows, "SELECT id, at_ms FROM contact_change WHERE at_ms >= ?1 ORDER BY at_ms DESC LIMIT 32", "i",
             start_ms > raise->now_ms - AGAIN_DAYS * DAY_MS ? start_ms : raise->now_ms - AGAIN_DAYS * DAY_MS);
    while (count < CHANGES && sql_next(&rows)) {
        ids[count] = sql_int(&rows, 0);
        at_ms[count++] = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        duty.occurrence = ids[i];
        duty.started_ms = at_ms[i];
        duty.start = "changed";
        duty.stop = "delivered";
        err = duty_start(raise->sql, &duty);
        err = err ? err : contact_tell(raise->office, raise->sql, raise->place->plan, raise->zone, customer, ids[i],
                                       raise->now_ms);
    }
    return err;
}

/* S3-01: to its end, or for the plan's term from its begin. */
static enum err raise_agreement(const struct raise *raise, int64_t contract, int64_t start_ms, int64_t end_ms)
{
    struct duty duty = duty_at(raise, "contract", contract, PLAN_DUTY_AGREEMENT);

    duty.start = "signed";
    duty.stop = "ended";
    duty.warn = 0.9;
    duty.started_ms = start_ms;
    if (end_ms) {
        duty.limit = NULL;
        duty.until_ms = end_ms;
        duty.note = "the contract's end";
        if (end_ms < raise->now_ms - AGAIN_DAYS * DAY_MS) {
            return ERR_OK;
        }
    }
    return start_ms && start_ms <= raise->now_ms && (end_ms || duty.limit->set) ? duty_start(raise->sql, &duty) : ERR_OK;
}

static enum err raise_contract(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    int64_t customer = 0, start_day = 0, end_day = 0, site = 0;
    struct sql_rows rows;
    struct place place;
    const struct zone *zone;
    enum err err;

    sql_find(sql, &rows,
             "SELECT customer, start_day, end_day, (SELECT MIN(x.site) FROM contract_site x WHERE x.contract ="
             " contract.id) FROM contract WHERE id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        customer = sql_int(&rows, 0);
        start_day = sql_int(&rows, 1);
        end_day = sql_int(&rows, 2);
        site = sql_int(&rows, 3);
    }
    err = sql_end(&rows);
    if (err || !site) {
        return err;
    }
    err = place_find(office, sql, 0, site, now_ms, &place);
    zone = err ? NULL : rules_zone(office->options.rules, place.time_zone);
    if (err || !place.plan) {
        return err;
    }
    struct raise raise = {office, sql, &place, zone ? zone : zone_utc(), now_ms, 0, 0};
    int64_t start_ms = start_day ? zone_instant(raise.zone, (int32_t)start_day, 0) : 0;
    int64_t end_ms = end_day ? zone_instant(raise.zone, (int32_t)end_day + 1, 0) : 0;

    raise.today = zone_day(raise.zone, now_ms);
    err = rules_keep_plan(sql, place.plan, now_ms);
    if (!err) {
        err = raise_agreement(&raise, id, start_ms, end_ms);
    }
    if (!err && start_ms <= now_ms && (!end_ms || end_ms > now_ms)) {
        int64_t whose = customer ? customer : sql_find_int(sql, 0, "SELECT customer FROM site WHERE id = ?1", "i", site);

        err = raise_contact_changes(&raise, whose, start_ms);
        err = err ? err : remind_agreement(office, sql, &place, raise.zone, id, whose, end_ms, now_ms);
    }
    if (err || (end_ms && end_ms <= now_ms)) {
        return err; /* after its end nothing new is owed */
    }
    err = raise_again(&raise, PLAN_DUTY_CUSTOMER_VISIT, customer, start_ms);
    err = err ? err : raise_again(&raise, PLAN_DUTY_TALK, customer, start_ms);
    err = err ? err : raise_exchange(&raise, id, start_day);
    return err ? err : raise_reserve(&raise, id);
}

enum err duties_raise(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_at)
{
    bool contracts = *io_at >= CONTRACTS;
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (contracts) {
        sql_find(sql, &rows, "SELECT id FROM contract WHERE id > ?1 ORDER BY id LIMIT 100", "i", *io_at - CONTRACTS);
    } else {
        sql_find(sql, &rows,
                 "SELECT id FROM equipment WHERE id > ?1 AND claimed = 1 AND site IS NOT NULL ORDER BY id LIMIT 100",
                 "i", *io_at);
    }
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = (contracts ? raise_contract : raise_equipment)(office, sql, ids[i], now_ms);
    }
    if (count == SLICE) {
        *io_at = ids[count - 1] + (contracts ? CONTRACTS : 0);
    } else {
        *io_at = contracts ? 0 : CONTRACTS;
    }
    if (!err && *io_at == 0) { /* the round is through */
        err = sql_run(sql,
                      "INSERT INTO mark (name, value) VALUES ('duties.round', ?1) ON CONFLICT (name) DO UPDATE SET value ="
                      " excluded.value",
                      "i", now_ms);
    }
    return err;
}
