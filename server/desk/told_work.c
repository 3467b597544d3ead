/* What customers are told of orders: appointments of visits, a unit that is ready or on its way back, and a technician
 * who will be late. What is a ticket's own is told with its actions. */
#include "models/base/zone.h"
#include "server/case/customer.h"
#include "server/case/word.h"
#include "server/desk/desk_int.h"

#include <string.h>

#define LATE_SLICE 200
#define LATE_MOST_MS (24 * 3600000LL) /* what was late longer ago than that is history */

struct order {
    int64_t ticket, customer, from_ms, to_ms, equipment, site;
    const char *number, *kind, *technician, *phone, *title;
};

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static enum err read_order(struct office *office, struct sql *sql, int64_t id, struct order *order)
{
    struct sql_rows rows;

    *order = (struct order){.number = ""};
    sql_find(sql, &rows,
             "SELECT w.ticket, s.customer, w.from_ms, w.to_ms, w.equipment, w.site, w.number, w.kind, h.title, h.phone,"
             " COALESCE(e.title, e.name) FROM work_order w LEFT JOIN site s ON s.id = w.site LEFT JOIN technician h ON h.id ="
             " w.technician LEFT JOIN equipment e ON e.id = w.equipment WHERE w.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        *order = (struct order){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3),
                                sql_int(&rows, 4), sql_int(&rows, 5), keep(office, sql_text(&rows, 6)),
                                keep(office, sql_text(&rows, 7)), keep(office, sql_text(&rows, 8)),
                                keep(office, sql_text(&rows, 9)), keep(office, sql_text(&rows, 10))};
    }
    return sql_end(&rows);
}

static enum err say(struct office *office, struct sql *sql, const struct order *order, const char *step, const char *mark,
                    const char *note, int64_t now_ms)
{
    struct place place;
    TEXT(key, 300);
    enum err err = place_find(office, sql, order->equipment, order->site, now_ms, &place);
    const struct zone *zone = !err && place.time_zone ? rules_zone(office->options.rules, place.time_zone) : NULL;
    struct customer_word word = {.customer = order->customer, .plan = err ? NULL : place.plan,
                                 .zone = zone ? zone : zone_utc(), .step = step, .key = key.at};

    text_addf(&key, "order:%s:%s:%s", order->number, step, mark);
    word.en[NOTICE_NUMBER] = order->number;
    word.en[NOTICE_EQUIPMENT] = order->title;
    word.en[NOTICE_TECHNICIAN] = order->technician;
    word.en[NOTICE_PHONE] = order->phone;
    word.en[NOTICE_FROM] = word_time(office, word.zone, order->from_ms);
    word.en[NOTICE_TO] = word_time(office, word.zone, order->to_ms);
    word.en[NOTICE_NOTE] = note;
    return err == ERR_NOT_FOUND ? ERR_OK : err ? err : customer_say(office, sql, &word, now_ms);
}

enum err told_work(struct office *office, struct sql *sql, int64_t id, const struct action *action, int64_t now_ms)
{
    const char *name = action->action, *gate = json_text_or(action->body, "gate", NULL);
    struct order order;
    TEXT(mark, 40);
    enum err err;

    if (!text_same(name, "assign") && !text_same(name, "reschedule") && !text_same(name, "verify") &&
        !text_same(name, "confirm")) {
        return ERR_OK;
    }
    err = read_order(office, sql, id, &order);
    if (err) {
        return err;
    }
    if (strcmp(order.kind ? order.kind : "", "depot_repair") == 0) { /* S3-20 */
        return text_same(name, "verify")     ? say(office, sql, &order, "unit_ready", "-", NULL, now_ms)
               : text_same(gate, "shipped") ? say(office, sql, &order, "unit_shipped", "-",
                                                   json_text_or(action->body, "reference", action->note), now_ms)
                                             : ERR_OK;
    }
    if (order.ticket || !order.from_ms || (!text_same(name, "assign") && !text_same(name, "reschedule"))) {
        return ERR_OK;
    }
    text_addf(&mark, "%lld", (long long)order.from_ms);
    return say(office, sql, &order, "appointment", mark.at, NULL, now_ms);
}

/* ------------------------------------------------------------------ late */

/* The longest that any plan looks ahead. */
static int64_t longest_lead(const struct rules *rules)
{
    int64_t most_ms = 0;

    for (size_t i = 0; i < rules_plan_count(rules); i++) {
        int64_t lead_ms = rules_plan_at(rules, i)->people.late_ms;

        most_ms = lead_ms > most_ms ? lead_ms : most_ms;
    }
    return most_ms;
}

static enum err tell_late(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct order order;
    struct ticket ticket;
    TEXT(step, 60);
    TEXT(mark, 40);
    enum err err = read_order(office, sql, id, &order);

    text_addf(&mark, "%lld", (long long)order.to_ms);
    if (err || !order.ticket) {
        return err ? err : say(office, sql, &order, "late", mark.at, NULL, now_ms);
    }
    text_addf(&step, "late.%s", mark.at);
    err = ticket_load(office, sql, order.ticket, &ticket);
    return err ? err : customer_tell(office, sql, &ticket, step.at, now_ms);
}

/* An appointment comes near: when somebody who has not left by then is late, by the plan there. */
static enum err see_appointment(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct order order;
    struct place place = {.plan = NULL};
    int64_t at_ms = 0;
    enum err err = read_order(office, sql, id, &order);

    if (!err && order.to_ms > now_ms - LATE_MOST_MS) {
        err = place_find(office, sql, order.equipment, order.site, now_ms, &place);
        at_ms = order.to_ms - (!err && place.plan ? place.plan->people.late_ms : 0);
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    return err ? err
               : sql_run(sql, "UPDATE work_order SET late_seen_ms = to_ms, late_at_ms = NULLIF(?2, 0) WHERE id = ?1", "ii", id,
                         at_ms);
}

static enum err read_ids(struct sql_rows *rows, int64_t ids[LATE_SLICE], size_t *ret_count)
{
    *ret_count = 0;
    while (*ret_count < LATE_SLICE && sql_next(rows)) {
        ids[(*ret_count)++] = sql_int(rows, 0);
    }
    return sql_end(rows);
}

/* S1-27: somebody was promised by then and has not even left. */
enum err told_late_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[LATE_SLICE];
    struct sql_rows rows;
    size_t count;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id FROM work_order WHERE state || '' IN ('assigned', 'accepted') AND COALESCE(late_seen_ms, 0) <> to_ms AND"
             " to_ms <= ?1 ORDER BY to_ms LIMIT 200",
             "i", now_ms + longest_lead(office->options.rules));
    err = read_ids(&rows, ids, &count);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = see_appointment(office, sql, ids[i], now_ms);
    }
    if (err) {
        return err;
    }
    sql_find(sql, &rows, "SELECT id FROM work_order WHERE late_at_ms <= ?1 ORDER BY late_at_ms LIMIT 200", "i", now_ms);
    err = read_ids(&rows, ids, &count);
    for (size_t i = 0; !err && i < count; i++) { /* left or moved since: nothing to tell */
        bool is_late = sql_find_int(sql, 0,
                                    "SELECT 1 FROM work_order WHERE id = ?1 AND state IN ('assigned', 'accepted') AND"
                                    " late_seen_ms = to_ms",
                                    "i", ids[i]) != 0;

        arena_reset(office->arena);
        err = sql_run(sql, "UPDATE work_order SET late_at_ms = NULL WHERE id = ?1", "i", ids[i]);
        err = err || !is_late ? err : tell_late(office, sql, ids[i], now_ms);
    }
    return err;
}

int64_t told_late_due(const struct office *office, struct sql *sql)
{
    int64_t seen_ms = sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(late_at_ms) FROM work_order WHERE late_at_ms IS NOT NULL", "");
    int64_t next_ms = sql_find_int(sql, OFFICE_NEVER,
                                   "SELECT MIN(to_ms) FROM work_order WHERE state || '' IN ('assigned', 'accepted') AND"
                                   " COALESCE(late_seen_ms, 0) <> to_ms",
                                   "");

    next_ms = next_ms == OFFICE_NEVER ? next_ms : next_ms - longest_lead(office->options.rules);
    return seen_ms < next_ms ? seen_ms : next_ms;
}
