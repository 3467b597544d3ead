/* The service register: entries, and the one list over all that was said and done. */
#include "server/relation/register.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "models/service/complaint.h"
#include "server/case/duties.h"

#define TEXT_MOST 4000

struct entry {
    const char *channel, *direction, *contact, *content, *result, *theme, *needs, *actions;
    int64_t customer, site, equipment, ticket, complaint, kept_by;
    int32_t next_day; /* 0: none */
};

/* ------------------------------------------------------------------ an entry */

static const struct {
    const char *name, *statement;
    size_t at;
} refs[] = {
    {"customer", "SELECT id FROM customer WHERE name = ?1", offsetof(struct entry, customer)},
    {"site", "SELECT id FROM site WHERE name = ?1", offsetof(struct entry, site)},
    {"equipment", "SELECT id FROM equipment WHERE name = ?1", offsetof(struct entry, equipment)},
    {"ticket", "SELECT id FROM ticket WHERE number = ?1", offsetof(struct entry, ticket)},
    {"complaint", "SELECT id FROM complaint WHERE number = ?1", offsetof(struct entry, complaint)},
    {"kept_by", "SELECT id FROM team WHERE name = ?1", offsetof(struct entry, kept_by)},
};
static const struct {
    const char *name;
    size_t at;
} words[] = {
    {"contact", offsetof(struct entry, contact)}, {"content", offsetof(struct entry, content)},
    {"result", offsetof(struct entry, result)},   {"theme", offsetof(struct entry, theme)},
    {"needs", offsetof(struct entry, needs)},     {"actions", offsetof(struct entry, actions)},
};

static enum err read_entry(struct sql *sql, const struct cJSON *body, struct entry *entry, struct text *why)
{
    const char *next = json_text_or(body, "next", NULL);

    for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        const char *said = json_text_or(body, refs[i].name, NULL);
        int64_t id = said && said[0] ? sql_find_int(sql, 0, refs[i].statement, "t", said) : 0;

        if (said && said[0] && !id) {
            return text_say(why, ERR_FORMAT, "%s: expected one that is there, found '%.64s'", refs[i].name, said);
        }
        memcpy((char *)entry + refs[i].at, &id, sizeof(id));
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *said = json_text_or(body, words[i].name, NULL);

        if (said && strlen(said) > TEXT_MOST) {
            return text_say(why, ERR_FORMAT, "%s: expected at most %d bytes", words[i].name, TEXT_MOST);
        }
        memcpy((char *)entry + words[i].at, &said, sizeof(said));
    }
    entry->channel = json_text_or(body, "channel", "");
    entry->direction = json_text_or(body, "direction", "in");
    if (complaint_word(complaint_channel_names, entry->channel) < 0) {
        return text_say(why, ERR_FORMAT, "channel: expected phone, letter, e-mail, visit or another way, found '%.40s'",
                        entry->channel);
    }
    if (!text_same(entry->direction, "in") && !text_same(entry->direction, "out")) {
        return text_say(why, ERR_FORMAT, "direction: expected in or out, found '%.40s'", entry->direction);
    }
    if (!entry->content || !entry->content[0]) {
        return text_say(why, ERR_FORMAT, "content: expected what was said or done");
    }
    if (next && civil_read_date(next, &entry->next_day)) {
        return text_say(why, ERR_FORMAT, "next: expected a date such as 2026-12-31, found '%.40s'", next);
    }
    return ERR_OK;
}

static void complete(struct sql *sql, struct entry *entry)
{
    if (!entry->ticket && entry->complaint) {
        entry->ticket = sql_find_int(sql, 0, "SELECT ticket FROM complaint WHERE id = ?1", "i", entry->complaint);
    }
    if (!entry->equipment && entry->ticket) {
        entry->equipment = sql_find_int(sql, 0, "SELECT equipment FROM ticket WHERE id = ?1", "i", entry->ticket);
    }
    if (!entry->site) {
        entry->site = sql_find_int(sql, 0,
                                   "SELECT COALESCE((SELECT site FROM equipment WHERE id = ?1), (SELECT site FROM ticket WHERE"
                                   " id = ?2), (SELECT site FROM complaint WHERE id = ?3))",
                                   "iii", entry->equipment, entry->ticket, entry->complaint);
    }
    if (!entry->customer) {
        entry->customer = sql_find_int(sql, 0,
                                       "SELECT COALESCE((SELECT customer FROM site WHERE id = ?1), (SELECT customer FROM"
                                       " complaint WHERE id = ?2))",
                                       "ii", entry->site, entry->complaint);
    }
}

/* A themed visit is one, and it is a contact too; so is any call in or out with that customer. */
static enum err meet(struct sql *sql, const struct entry *entry, int64_t at_ms)
{
    enum err err = ERR_OK;

    if (!entry->customer) {
        return ERR_OK;
    }
    if (text_same(entry->channel, "visit") && entry->theme) {
        err = duty_stop(sql, "customer", entry->customer, "customer_visit", at_ms);
    }
    return err ? err : duty_stop(sql, "customer", entry->customer, "customer_contact", at_ms);
}

enum err register_put(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                      struct text *why)
{
    struct entry entry = {.channel = NULL};
    int64_t at_ms;
    enum err err = read_entry(sql, action->body, &entry, why);

    (void)office;
    *ret_id = err || !action->action_id
                  ? 0
                  : sql_find_int(sql, 0, "SELECT id FROM service_entry WHERE client_id = ?1", "t", action->action_id);
    if (err || *ret_id) {
        return err;
    }
    complete(sql, &entry);
    err = action_time(action->at_ms, 0, now_ms, &at_ms, why);
    err = err ? err
              : sql_run(sql,
                        "INSERT INTO service_entry (at_ms, stored_ms, client_id, kept_by, who, direction, channel, customer,"
                        " site, equipment, ticket, complaint, contact, content, result, theme, needs, actions, next_day) VALUES"
                        " (?1, ?2, ?3, NULLIF(?4, 0), ?5, ?6, ?7, NULLIF(?8, 0), NULLIF(?9, 0), NULLIF(?10, 0), NULLIF(?11,"
                        " 0), NULLIF(?12, 0), ?13, ?14, ?15, ?16, ?17, ?18, NULLIF(?19, 0))",
                        "iitittti" "iiii" "tttttti", at_ms, now_ms, action->action_id, entry.kept_by, action->who,
                        entry.direction, entry.channel, entry.customer, entry.site, entry.equipment, entry.ticket,
                        entry.complaint, entry.contact, entry.content, entry.result, entry.theme, entry.needs, entry.actions,
                        (int64_t)entry.next_day);
    *ret_id = err ? 0 : sql_find_int(sql, 0, "SELECT MAX(id) FROM service_entry", "");
    return err ? err : meet(sql, &entry, at_ms);
}

/* ------------------------------------------------------------------ the list */

/* One source of the register, its page by its own index. t: its table, m: its time, c: its customer, d: who keeps it. */
#define SOURCE(number, from, where, time, customer, dealer)                                                                \
    "SELECT * FROM (SELECT x.id * 8 + " number " AS k, " time " AS at FROM " from " WHERE " where time " >= ?1 AND " time \
    " < ?2 AND (" time " > ?3 OR x.id * 8 + " number " > ?4) AND (?5 = 0 OR " dealer " = ?5) AND (?6 = 0 OR "      \
    customer " = ?6) ORDER BY " time ", x.id LIMIT ?7) AS s" number

#define SITE_OF "COALESCE(x.site, (SELECT e.site FROM equipment e WHERE e.id = x.equipment))"
#define OWNER_OF "(SELECT s.customer FROM site s WHERE s.id = " SITE_OF ")"

#define ORDER_OF(column) "(SELECT o." column " FROM work_order o WHERE o.id = x.work_order)"
#define ORDER_CUSTOMER                                                                                                \
    "(SELECT s.customer FROM work_order o LEFT JOIN equipment e ON e.id = o.equipment JOIN site s ON s.id = COALESCE(o.site," \
    " e.site) WHERE o.id = x.work_order)"

static const char statement[] =
    SOURCE("1", "service_entry x", "", "x.at_ms", "x.customer", "x.kept_by") " UNION ALL "
    SOURCE("2", "ticket x", "", "x.registered_ms", OWNER_OF, "0") " UNION ALL "
    SOURCE("3", "complaint x", "", "x.registered_ms", "x.customer", "0") " UNION ALL "
    SOURCE("4", "work_event x", "x.action = 'finish' AND ", "x.at_ms", ORDER_CUSTOMER, ORDER_OF("team")) " UNION ALL "
    SOURCE("5", "survey x", "x.answered_ms IS NOT NULL AND ", "x.answered_ms", "x.customer", "0") " UNION ALL "
    SOURCE("6", "questionnaire x", "x.answered_ms IS NOT NULL AND ", "x.answered_ms", "x.customer", "0") " ORDER BY 2, 1 LIMIT ?7";

void register_list(struct sql *sql, const struct register_span *span, struct sql_rows *rows)
{
    int64_t from_ms = span->after_ms > span->from_ms ? span->after_ms : span->from_ms;

    sql_find(sql, rows, statement, "iiiiiii", from_ms, span->to_ms, span->after_ms, span->after_key, span->kept_by,
             span->customer, span->limit);
}

/* ------------------------------------------------------------------ one of it */

#define AS(kind, at, channel, direction, dealer, who, contact, customer, equipment, ticket, reference, content, result)  \
    "SELECT '" kind "', " at ", " channel ", " direction ", " dealer ", " who ", " contact ", " customer ", " equipment ", " \
    ticket ", " reference ", " content ", " result
#define CUSTOMER_OF(site) "(SELECT c.name FROM site s JOIN customer c ON c.id = s.customer WHERE s.id = " site ")"
#define NAME_OF(table, id) "(SELECT n.name FROM " table " n WHERE n.id = " id ")"
#define NUMBER_OF(table, id) "(SELECT n.number FROM " table " n WHERE n.id = " id ")"
#define NO_MORE ", NULL, NULL, NULL, NULL"

static const char *const shows[REGISTER_SOURCES] = {
    NULL,
    AS("entry", "x.at_ms", "x.channel", "x.direction", NAME_OF("team", "x.kept_by"), "x.who", "x.contact",
       NAME_OF("customer", "x.customer"), NAME_OF("equipment", "x.equipment"), NUMBER_OF("ticket", "x.ticket"),
       NUMBER_OF("complaint", "x.complaint"), "x.content", "x.result")
    ", x.theme, x.needs, x.actions, x.next_day FROM service_entry x WHERE x.id = ?1",
    AS("ticket", "x.registered_ms", "COALESCE(x.channel, 'device')", "'in'", "NULL",
       "(SELECT v.who FROM ticket_event v WHERE v.ticket = x.id ORDER BY v.id LIMIT 1)", "NULL", CUSTOMER_OF(SITE_OF),
       NAME_OF("equipment", "x.equipment"), "x.number", "x.number", "COALESCE(x.title_en, x.fault, x.kind)",
       "CASE WHEN x.closed_ms IS NULL THEN x.state ELSE COALESCE(x.resolution, x.state) END")
    NO_MORE " FROM ticket x WHERE x.id = ?1",
    AS("complaint", "x.registered_ms", "x.channel", "'in'", "NULL", "x.filed_by", "x.contact", NAME_OF("customer", "x.customer"),
       NAME_OF("equipment", "x.equipment"), NUMBER_OF("ticket", "x.ticket"), "x.number", "x.kind || ': ' || x.detail",
       "COALESCE(x.answer, x.state)")
    NO_MORE " FROM complaint x WHERE x.id = ?1",
    AS("work_order", "x.at_ms", "'visit'", "'out'", NAME_OF("team", ORDER_OF("team")), "x.who", "NULL",
       NAME_OF("customer", ORDER_CUSTOMER), NAME_OF("equipment", ORDER_OF("equipment")), NUMBER_OF("ticket", ORDER_OF("ticket")),
       ORDER_OF("number"), ORDER_OF("kind"), ORDER_OF("state"))
    NO_MORE " FROM work_event x WHERE x.id = ?1",
    AS("survey", "x.answered_ms", "COALESCE(x.channel, 'web')", "'in'", "NULL", "COALESCE(x.who, '')", "NULL",
       NAME_OF("customer", "x.customer"), "NULL", NUMBER_OF("ticket", "x.ticket"), "CAST(x.id AS TEXT)",
       "'attitude ' || x.attitude || ', quality ' || x.quality || ', speed ' || x.speed", "x.comment")
    NO_MORE " FROM survey x WHERE x.id = ?1",
    AS("questionnaire", "x.answered_ms", "COALESCE(x.channel, 'web')", "'in'", "NULL", "COALESCE(x.who, '')", "NULL",
       NAME_OF("customer", "x.customer"), "NULL", "NULL", "CAST(x.id AS TEXT)", "x.plan", "x.comment")
    NO_MORE " FROM questionnaire x WHERE x.id = ?1",
    NULL,
};

static void put_entry(const struct sql_rows *rows, const struct zone *zone, struct json_out *out)
{
    static const char *const names[] = {"kind",     NULL,        "channel", "direction", "kept_by", "who",   "contact", "customer",
                                        "equipment", "ticket",   "reference", "content", "result",  "theme", "needs",   "actions"};
    char day[11];
    TEXT(at, 48);

    json_open_object(out);
    for (int i = 0; i < 16; i++) {
        if (names[i]) {
            json_text(out, names[i], sql_null(rows, i) ? NULL : sql_text(rows, i));
        } else {
            zone_write(zone, sql_int(rows, i), &at);
            json_text(out, "at", at.at);
        }
    }
    if (sql_null(rows, 16)) {
        json_null(out, "next");
    } else {
        civil_write_date((int32_t)sql_int(rows, 16), day);
        json_text(out, "next", day);
    }
    json_close_object(out);
}

enum err register_view(struct sql *sql, int64_t key, const struct zone *zone, struct json_out *out)
{
    const char *show = key > 0 ? shows[key % REGISTER_SOURCES] : NULL;
    struct sql_rows rows;
    bool found;
    enum err err;

    if (!show) {
        return ERR_NOT_FOUND;
    }
    sql_find(sql, &rows, show, "i", key / REGISTER_SOURCES);
    found = sql_next(&rows);
    if (found) {
        put_entry(&rows, zone, out);
    }
    err = sql_end(&rows);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
