/* Reminders: a visit whose window comes, a warranty or an agreement that ends. */
#include "server/case/remind.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "models/service/agreement.h"
#include "server/case/word.h"

#define DAY_MS 86400000LL

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static const char *keep_day(struct office *office, int32_t day)
{
    char words[11];

    civil_write_date(day, words);
    return keep(office, words);
}

static int64_t customer_at(struct sql *sql, const struct place *place)
{
    return sql_find_int(sql, 0, "SELECT customer FROM site WHERE id = ?1", "i", place->site);
}

static struct customer_word word_about(const struct place *place, const struct zone *zone, int64_t customer,
                                       const char *step, const char *key)
{
    struct customer_word word = {.customer = customer, .plan = place->plan, .zone = zone, .step = step, .key = key};

    word.en[NOTICE_EQUIPMENT] = place->title ? place->title : place->name;
    return word;
}

/* The next planned visit, once its window is near enough. */
static enum err remind_visit(struct office *office, struct sql *sql, const struct place *place, const struct zone *zone,
                             int64_t customer, int64_t now_ms)
{
    int32_t today = zone_day(zone, now_ms);
    int64_t visit = 0, from = 0, until = 0;
    struct customer_word word;
    struct sql_rows rows;
    TEXT(key, 60);
    enum err err;

    sql_find(sql, &rows,
             "SELECT id, window_start_day, window_end_day FROM visit WHERE equipment = ?1 AND state IN ('planned', 'released')"
             " AND window_start_day <= ?2 AND window_end_day >= ?3 ORDER BY sequence LIMIT 1",
             "iii", place->equipment, (int64_t)today + place->plan->people.visit_lead_ms / DAY_MS, (int64_t)today);
    if (sql_next(&rows)) {
        visit = sql_int(&rows, 0);
        from = sql_int(&rows, 1);
        until = sql_int(&rows, 2);
    }
    err = sql_end(&rows);
    if (err || !visit) {
        return err;
    }
    text_addf(&key, "visit:%lld:due", (long long)visit);
    word = word_about(place, zone, customer, "visit_due", key.at);
    word.en[NOTICE_FROM] = keep_day(office, (int32_t)from);
    word.en[NOTICE_TO] = keep_day(office, (int32_t)until);
    return customer_say(office, sql, &word, now_ms);
}

/* S0-73: component classes that end on the same day are one notice. */
static enum err remind_warranty(struct office *office, struct sql *sql, const struct place *place, const struct zone *zone,
                                int64_t customer, int64_t now_ms)
{
    const struct plan *plan = place->plan;
    int32_t today = zone_day(zone, now_ms), lead = (int32_t)(plan->people.term_lead_ms / DAY_MS), until = INT32_MAX;
    struct customer_word word;
    TEXT(classes, 400);
    TEXT(key, 80);

    for (size_t i = 0; i < plan->class_count; i++) {
        struct warranty warranty = warranty_judge(plan, &place->dates, plan->classes[i].component, NULL, today);

        if (warranty.verdict != WARRANTY_COVERED || warranty.until > today + lead || warranty.until > until) {
            continue;
        }
        if (warranty.until < until) {
            until = warranty.until;
            classes.length = 0;
        }
        text_addf(&classes, "%s%s", classes.length ? ", " : "", plan->classes[i].component);
    }
    if (until == INT32_MAX) {
        return ERR_OK;
    }
    text_addf(&key, "warranty:%lld:%d", (long long)place->equipment, (int)until);
    word = word_about(place, zone, customer, "warranty_ends", key.at);
    word.en[NOTICE_TO] = keep_day(office, until);
    word.en[NOTICE_NOTE] = classes.at;
    return customer_say(office, sql, &word, now_ms);
}

enum err remind_equipment(struct office *office, struct sql *sql, const struct place *place, const struct zone *zone,
                          int64_t now_ms)
{
    const struct plan_people *people = &place->plan->people;
    int64_t customer = people->visit_lead_ms || people->term_lead_ms ? customer_at(sql, place) : 0;
    enum err err = ERR_OK;

    if (customer && people->visit_lead_ms) {
        err = remind_visit(office, sql, place, zone, customer, now_ms);
    }
    if (!err && customer && people->term_lead_ms) {
        err = remind_warranty(office, sql, place, zone, customer, now_ms);
    }
    return err;
}

/* That it was reminded stands with the agreement, whoever was told. */
static enum err note_reminder(struct sql *sql, int64_t contract, const char *key, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO agreement_event (contract, at_ms, who, action, action_id) VALUES (?1, ?2, 'heliograph', 'remind',"
                   " ?3) ON CONFLICT DO NOTHING",
                   "iit", contract, now_ms, key);
}

enum err remind_agreement(struct office *office, struct sql *sql, const struct place *place, const struct zone *zone,
                          int64_t contract, int64_t customer, int64_t end_ms, int64_t now_ms)
{
    struct agreement agreement = {.start_day = AGREEMENT_NO_DAY,
                                  .end_day = end_ms ? zone_day(zone, end_ms - 1) : AGREEMENT_NO_DAY};
    struct customer_word word;
    struct sql_rows rows;
    TEXT(key, 80);
    int reminder;
    enum err err;

    reminder = agreement_reminder(&agreement, place->plan, zone_day(zone, now_ms));
    if (!customer || end_ms <= now_ms || sql_find_int(sql, 0, "SELECT cancelled_ms FROM contract WHERE id = ?1", "i", contract) ||
        (reminder < 0 && (place->plan->agreement.reminder_count || !place->plan->people.term_lead_ms ||
                          end_ms > now_ms + place->plan->people.term_lead_ms))) {
        return ERR_OK;
    }
    text_addf(&key, "agreement:%lld:%lld", (long long)contract, (long long)end_ms);
    if (reminder >= 0) {
        text_addf(&key, ":%d", reminder);
        err = note_reminder(sql, contract, key.at, now_ms);
        if (err) {
            return err;
        }
    }
    word = word_about(place, zone, customer, "agreement_ends", key.at);
    sql_find(sql, &rows, "SELECT name FROM contract WHERE id = ?1", "i", contract);
    if (sql_next(&rows)) {
        word.en[NOTICE_TITLE] = keep(office, sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    word.en[NOTICE_TO] = keep_day(office, zone_day(zone, end_ms - 1));
    return err ? err : customer_say(office, sql, &word, now_ms);
}
