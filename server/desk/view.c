/* Rows to JSON, in the shape of interfaces.md 6. */
#include "server/desk/view.h"
#include "server/field/owner.h"

#include <string.h>

#include "models/service/sla.h"
#include "models/service/warranty.h"
#include "server/money/money.h"
#include "server/case/contact.h"
#include "server/case/clocks.h"
#include "server/case/customer.h"
#include "server/desk/closure.h"
#include "server/dossier/library.h"
#include "server/fleet/numbers.h"
#include "server/field/field.h"

static void put_time(struct json_out *out, const char *name, const struct zone *zone,
                     const struct sql_rows *rows, int column)
{
    TEXT(words, 48);

    if (sql_null(rows, column)) {
        json_null(out, name);
        return;
    }
    zone_write(zone, sql_int(rows, column), &words);
    json_text(out, name, words.at);
}

static const struct zone *zone_of(struct rules *rules, const char *name)
{
    const struct zone *zone = name ? rules_zone(rules, name) : NULL;

    return zone ? zone : zone_utc();
}

int64_t view_find_ticket(struct sql *sql, const char *number)
{
    int64_t id = sql_find_int(sql, -1, "SELECT id FROM ticket WHERE number = ?1", "t", number);
    char tidy[NUMBERS_ROOM];

    if (id < 0) { /* as it is read out or typed: small letters, O for 0, blanks */
        numbers_tidy(number, tidy);
        id = sql_find_int(sql, -1, "SELECT id FROM ticket WHERE number = ?1", "t", tidy);
    }
    return id;
}

int64_t view_find_work_order(struct sql *sql, const char *number)
{
    return sql_find_int(sql, -1, "SELECT id FROM work_order WHERE number = ?1", "t", number);
}

/* ------------------------------------------------------------------ tickets */

static enum err put_timeline(struct sql *sql, int64_t ticket, const struct zone *zone,
                             struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "timeline");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT at_ms, who, action, action_id, note, data FROM ticket_event WHERE ticket = ?1"
             " ORDER BY at_ms, id",
             "i", ticket);
    while (sql_next(&rows)) {
        json_open_object(out);
        put_time(out, "at", zone, &rows, 0);
        json_text(out, "who", sql_text(&rows, 1));
        json_text(out, "action", sql_text(&rows, 2));
        json_text(out, "id", sql_text(&rows, 3));
        json_text(out, "note", sql_text(&rows, 4));
        json_raw(out, "data", sql_text(&rows, 5));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_orders(struct sql *sql, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "work_orders");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT number FROM work_order WHERE ticket = ?1 ORDER BY id", "i", ticket);
    while (sql_next(&rows)) {
        json_put_text(out, sql_text(&rows, 0));
    }
    json_close_list(out);
    return sql_end(&rows);
}

static void put_title(struct json_out *out, const char *en, const char *zh)
{
    json_key(out, "title");
    json_open_object(out);
    json_text(out, "en", en);
    json_text(out, "zh", zh);
    json_close_object(out);
}

static void put_ticket_head(const struct sql_rows *rows, const struct zone *zone,
                            struct json_out *out)
{
    json_text(out, "number", sql_text(rows, 0));
    json_text(out, "equipment", sql_text(rows, 1));
    json_text(out, "agent", sql_text(rows, 2));
    json_text(out, "site", sql_text(rows, 3));
    json_text(out, "kind", sql_text(rows, 4));
    json_text(out, "fault", sql_text(rows, 5));
    json_int(out, "grade", sql_int(rows, 6));
    json_text(out, "state", sql_text(rows, 7));
    put_title(out, sql_text(rows, 8), sql_text(rows, 9));
    put_time(out, "onset", zone, rows, 10);
    put_time(out, "detected_at", zone, rows, 11);
    put_time(out, "registered_at", zone, rows, 12);
    put_time(out, "cleared_at", zone, rows, 13);
    put_time(out, "closed_at", zone, rows, 14);
    json_bool(out, "late", sql_int(rows, 15) != 0);
}

static void put_ticket_body(const struct sql_rows *rows, struct json_out *out)
{
    json_raw(out, "classification", sql_text(rows, 16));
    json_raw(out, "warranty", sql_text(rows, 17));
    json_raw(out, "cause", sql_text(rows, 18));
    json_raw(out, "remote", sql_text(rows, 19));
    json_raw(out, "advice", sql_text(rows, 20));
    json_raw(out, "evidence", sql_text(rows, 21));
    json_raw(out, "children", sql_text(rows, 22));
    json_key(out, "track");
    json_open_object(out);
    json_text(out, "code", sql_text(rows, 23));
    json_close_object(out);
    json_text(out, "plan", sql_text(rows, 24));
    json_text(out, "service_level", sql_text(rows, 25));
    json_text(out, "contract", sql_text(rows, 33));
    json_text(out, "parent", sql_text(rows, 28));
    json_raw(out, "quote", sql_text(rows, 29));
    if (sql_null(rows, 30)) {
        json_null(out, "consent");
    } else {
        json_bool(out, "consent", sql_int(rows, 30) != 0);
    }
    json_text(out, "resolution", sql_text(rows, 31));
    json_int(out, "version", sql_int(rows, 32));
}

enum err view_ticket(struct sql *sql, struct rules *rules, int64_t ticket, enum role role, int64_t now_ms,
                     struct json_out *out)
{
    const struct zone *zone = zone_utc();
    char time_zone[65] = "UTC";
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.number, e.name, a.name, s.name, t.kind, t.fault, t.grade, t.state,"
             " t.title_en, t.title_zh, t.onset_ms, t.detected_ms, t.registered_ms, t.cleared_ms,"
             " t.closed_ms, t.late, t.classification, t.warranty, t.cause, t.remote, t.advice,"
             " t.evidence, t.children, t.track_code, t.plan, t.service_level, t.calendar,"
             " t.time_zone, p.number, t.quote, t.consent, t.resolution, t.version, t.contract FROM ticket t LEFT"
             " JOIN equipment e ON e.id = t.equipment LEFT JOIN agent a ON a.id = t.agent LEFT JOIN"
             " site s ON s.id = t.site LEFT JOIN ticket p ON p.id = t.parent WHERE t.id = ?1",
             "i", ticket);
    found = sql_next(&rows);
    if (found) {
        if (!sql_null(&rows, 27)) {
            (void)!text_copy(time_zone, sizeof(time_zone), sql_text(&rows, 27));
        }
        zone = zone_of(rules, time_zone);
        json_open_object(out);
        put_ticket_head(&rows, zone, out);
        put_ticket_body(&rows, out);
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    err = view_clocks(sql, rules, ticket, now_ms, CLOCKS_SENTENCE, out);
    if (!err) {
        err = put_orders(sql, ticket, out);
    }
    if (!err) {
        err = view_ticket_more(sql, rules, ticket, zone, role, now_ms, out);
    }
    if (!err) {
        err = money_show_offer(sql, ticket, zone, out);
    }
    if (!err) {
        err = closure_put(sql, zone, ticket, out);
    }
    if (!err) {
        err = owner_put(sql, rules, ticket, zone, now_ms, out);
    }
    if (!err) {
        err = put_timeline(sql, ticket, zone, out);
    }
    json_close_object(out);
    return err;
}

/* The steps a customer may know, without names and words of people. */
static enum err put_history(struct sql *sql, int64_t ticket, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "history");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT at_ms, action FROM ticket_event WHERE ticket = ?1 AND action IN ('register', 'acknowledge', 'respond',"
             " 'dispatch', 'assign', 'depart', 'arrive', 'diagnose', 'quote', 'consent', 'request_part', 'deliver_part',"
             " 'start', 'finish', 'clear', 'restored', 'relapse', 'accept', 'object', 'close', 'reopen') ORDER BY at_ms, id"
             " LIMIT 500",
             "i", ticket);
    while (sql_next(&rows)) {
        json_open_object(out);
        put_time(out, "at", zone, &rows, 0);
        json_text(out, "step", sql_text(&rows, 1));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static void put_next(const char *state, struct json_out *out)
{
    int index = ticket_state_read(state);
    const struct words2 *words = customer_next(index < 0 ? TICKET_REGISTERED : (enum ticket_state)index);

    json_key(out, "next");
    json_open_object(out);
    json_text(out, "en", words->en);
    json_text(out, "zh", words->zh);
    json_close_object(out);
}

/* What a customer may read of his equipment; what tells of this fault comes first (S1-03). */
static enum err put_papers(struct sql *sql, const struct zone *zone, int64_t ticket, int64_t now_ms, struct json_out *out)
{
    int64_t equipment = sql_find_int(sql, 0, "SELECT equipment FROM ticket WHERE id = ?1", "i", ticket);
    struct arena *arena = NULL;
    struct sql_rows rows;
    const char *fault = NULL;
    enum err err = arena_open(4 * 1024 * 1024, &arena);

    if (err) {
        return err;
    }
    sql_find(sql, &rows, "SELECT fault FROM ticket WHERE id = ?1 AND fault IS NOT NULL", "i", ticket);
    if (sql_next(&rows)) {
        fault = arena_text(arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
    }
    err = sql_end(&rows);
    json_key(out, "documents");
    err = err ? err : library_list(arena, sql, zone, equipment, zone_day(zone, now_ms), true, fault, out);
    arena_close(arena);
    return err;
}

enum err view_track(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms,
                    struct json_out *out)
{
    struct sql_rows rows;
    char time_zone[65] = "UTC";
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.number, t.state, t.title_en, t.title_zh, t.registered_ms, t.cleared_ms,"
             " t.closed_ms, t.advice, t.calendar, t.time_zone, (SELECT w.from_ms FROM work_order w"
             " WHERE w.ticket = t.id AND w.from_ms IS NOT NULL ORDER BY w.id DESC LIMIT 1),"
             " (SELECT w.to_ms FROM work_order w WHERE w.ticket = t.id AND w.from_ms IS NOT NULL"
             " ORDER BY w.id DESC LIMIT 1) FROM ticket t WHERE t.id = ?1",
             "i", ticket);
    found = sql_next(&rows);
    if (found) {
        const struct zone *zone;

        if (!sql_null(&rows, 9)) {
            (void)!text_copy(time_zone, sizeof(time_zone), sql_text(&rows, 9));
        }
        zone = zone_of(rules, time_zone);
        json_open_object(out);
        json_text(out, "number", sql_text(&rows, 0));
        json_text(out, "state", sql_text(&rows, 1));
        put_next(sql_text(&rows, 1), out);
        put_title(out, sql_text(&rows, 2), sql_text(&rows, 3));
        put_time(out, "registered_at", zone, &rows, 4);
        put_time(out, "cleared_at", zone, &rows, 5);
        put_time(out, "closed_at", zone, &rows, 6);
        json_raw(out, "advice", sql_text(&rows, 7));
        json_key(out, "appointment");
        if (sql_null(&rows, 10)) {
            json_put_null(out);
        } else {
            json_open_object(out);
            put_time(out, "from", zone, &rows, 10);
            put_time(out, "to", zone, &rows, 11);
            json_close_object(out);
        }
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    err = put_history(sql, ticket, zone_of(rules, time_zone), out);
    if (!err) {
        err = put_papers(sql, zone_of(rules, time_zone), ticket, now_ms, out);
    }
    if (!err) {
        err = money_show_offer(sql, ticket, zone_of(rules, time_zone), out);
    }
    if (!err) {
        err = view_clocks(sql, rules, ticket, now_ms, CLOCKS_SHORT, out);
    }
    err = err ? err : contact_put(sql, "complaints", out);
    json_close_object(out);
    return err;
}

/* ------------------------------------------------------------------ work orders */

enum err view_work_order(struct sql *sql, struct rules *rules, int64_t work_order,
                         struct json_out *out)
{
    return work_view(sql, rules, work_order, out);
}

/* ------------------------------------------------------------------ warranty */

struct owner {
    struct warranty_dates dates;
    char plan[400], time_zone[65];
};

static int32_t day_or_none(const struct sql_rows *rows, int column)
{
    return sql_null(rows, column) ? WARRANTY_NO_DATE : (int32_t)sql_int(rows, column);
}

static enum err read_owner(struct sql *sql, int64_t equipment, int64_t now_ms, struct owner *owner)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT COALESCE(e.acceptance_day, e.accepted_day), e.completion_day, e.invoice_day, e.sale_day,"
             " e.manufacture_day, COALESCE((SELECT c.plan FROM contract c JOIN contract_site x ON"
             " x.contract = c.id WHERE x.site = e.site AND (c.start_day IS NULL OR c.start_day <="
             " ?2) AND (c.end_day IS NULL OR c.end_day >= ?2) ORDER BY c.start_day DESC LIMIT 1),"
             " ''), COALESCE(s.time_zone, k.time_zone, 'UTC'), e.completion_signed_day FROM equipment e LEFT JOIN site s ON s.id ="
             " e.site LEFT JOIN calendar k ON k.id = s.calendar WHERE e.id = ?1",
             "ii", equipment, now_ms / 86400000);
    if (sql_next(&rows)) {
        owner->dates = (struct warranty_dates){
            .acceptance = day_or_none(&rows, 0),
            .completion_signed = day_or_none(&rows, 7),
            .completion = day_or_none(&rows, 1),
            .invoice = day_or_none(&rows, 2),
            .sale = day_or_none(&rows, 3),
            .manufacture = day_or_none(&rows, 4),
        };
        (void)!text_copy(owner->plan, sizeof(owner->plan), sql_text(&rows, 5));
        (void)!text_copy(owner->time_zone, sizeof(owner->time_zone), sql_text(&rows, 6));
    }
    return sql_end(&rows);
}

static void put_until(struct json_out *out, int32_t day)
{
    char words[11];

    if (day == WARRANTY_NO_DATE) {
        json_null(out, "until");
        return;
    }
    civil_write_date(day, words);
    json_text(out, "until", words);
}

enum err view_warranty(struct sql *sql, struct rules *rules, const char *preset_plan,
                       int64_t equipment, int64_t now_ms, struct json_out *out)
{
    struct owner owner = {.plan = ""};
    const struct plan *plan;
    int32_t today;
    enum err err = read_owner(sql, equipment, now_ms, &owner);

    plan = rules_plan(rules, owner.plan);
    if (!plan) {
        plan = rules_plan(rules, preset_plan);
    }
    today = zone_day(zone_of(rules, owner.time_zone), now_ms);
    json_open_list(out);
    for (size_t i = 0; !err && plan && i < plan->class_count; i++) {
        struct warranty_facts facts = {&owner.dates, plan->classes[i].component, NULL, today, WARRANTY_NO_DATE,
                                       WARRANTY_NO_DATE};
        struct warranty warranty;
        TEXT(rule, 256);
        TEXT(evidence, 256);

        err = money_find_facts(sql, equipment, facts.component, now_ms, zone_of(rules, owner.time_zone), &facts);
        warranty = warranty_of(plan, &facts);
        warranty_rule(plan, &warranty, &rule);
        warranty_evidence(&warranty, &evidence);
        json_open_object(out);
        json_text(out, "component", plan->classes[i].component);
        json_text(out, "verdict", warranty_verdict_names[warranty.verdict]);
        json_text(out, "rule", rule.at);
        json_text(out, "evidence", evidence.at);
        put_until(out, warranty.until);
        json_text(out, "phase", warranty.phase);
        json_text(out, "registration", warranty_card_names[warranty.card]);
        json_close_object(out);
    }
    json_close_list(out);
    return err;
}
