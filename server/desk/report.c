/* Tickets by people: phone, web, e-mail; merged with an open ticket of the same cause. */
#include "server/desk/desk_int.h"

#include <string.h>

#include "server/fleet/numbers.h"

#define TITLE_MOST 500 /* bytes */

static bool is_fault(const char *kind)
{
    return strcmp(kind, "fault") == 0 || strcmp(kind, "emergency") == 0;
}

/* The open ticket this report belongs to: of the same fault, or one whose fault nobody has named; when
 * the caller names none, the most severe open fault of that equipment. */
static int64_t find_open(struct sql *sql, const struct place *place, const char *kind,
                         const char *fault)
{
    if (!place->equipment || !is_fault(kind)) {
        return 0;
    }
    return sql_find_int(sql, 0,
                        "SELECT id FROM ticket WHERE equipment = ?1 AND closed_ms IS NULL AND kind IN"
                        " ('fault', 'emergency') AND (?2 IS NULL OR fault = ?2 OR fault IS NULL) ORDER BY"
                        " CASE WHEN fault IS NULL THEN 1 ELSE 0 END, grade, id LIMIT 1",
                        "it", place->equipment, fault);
}

/* The same caller about the same kind of thing a moment ago. */
static int64_t find_duplicate(struct sql *sql, const struct place *place, const char *kind, const char *key,
                              int64_t now_ms)
{
    struct ticket_rules preset = ticket_rules_preset();
    const struct ticket_rules *rules = place->plan ? &place->plan->ticket : &preset;

    if (!key[0] || rules->duplicate_ms <= 0) {
        return 0;
    }
    return sql_find_int(sql, 0,
                        "SELECT id FROM ticket WHERE caller_key = ?1 AND closed_ms IS NULL AND kind = ?2 AND"
                        " registered_ms >= ?3 AND (equipment IS NULL OR ?4 = 0 OR equipment = ?4) ORDER BY id"
                        " LIMIT 1",
                        "ttii", key, kind, now_ms - rules->duplicate_ms, place->equipment);
}

/* The one equipment of a customer or a site: the only one, or the only one with an open fault. */
static int64_t only_equipment(struct sql *sql, int64_t customer, int64_t site)
{
    int64_t id = sql_find_int(sql, 0,
                              "SELECT CASE WHEN COUNT(*) = 1 THEN MIN(e.id) ELSE 0 END FROM site s JOIN"
                              " equipment e ON e.site = s.id WHERE (?1 > 0 AND s.customer = ?1) OR (?1 = 0 AND"
                              " s.id = ?2)",
                              "ii", customer, site);

    return id ? id
              : sql_find_int(sql, 0,
                             "SELECT CASE WHEN COUNT(DISTINCT e.id) = 1 THEN MIN(e.id) ELSE 0 END FROM site s"
                             " JOIN equipment e ON e.site = s.id JOIN ticket t ON t.equipment = e.id AND"
                             " t.closed_ms IS NULL AND t.kind IN ('fault', 'emergency') WHERE (?1 > 0 AND"
                             " s.customer = ?1) OR (?1 = 0 AND s.id = ?2)",
                             "ii", customer, site);
}

/* Who calls from that number; 0: nobody we know, or more than one. */
static int64_t customer_of(struct sql *sql, const struct cJSON *body)
{
    const struct cJSON *contact = json_field(body, "contact");
    char tail[SLIP_TAIL + 1];

    slip_tail(json_text_or(body, "phone", json_text_or(contact, "phone", json_as_text(contact))), tail);
    return tail[0] ? sql_find_int(sql, 0,
                                  "SELECT CASE WHEN COUNT(*) = 1 THEN MIN(customer) ELSE 0 END FROM"
                                  " customer_phone WHERE tail = ?1",
                                  "t", tail)
                   : 0;
}

static enum err number_of(struct sql *sql, int64_t ticket, char number[32])
{
    struct sql_rows rows;
    enum err err = ERR_NOT_FOUND;

    sql_find(sql, &rows, "SELECT number FROM ticket WHERE id = ?1", "i", ticket);
    if (sql_next(&rows)) {
        err = text_copy(number, 32, sql_text(&rows, 0));
    }
    enum err end = sql_end(&rows);

    return err ? err : end;
}

/* What the caller says, checked. Texts live in the request. */
struct said {
    const char *kind, *fault, *title, *component, *channel;
    int64_t equipment, site, grade; /* row ids; 0: not said */
};

static enum err open_new(struct office *office, struct sql *sql, const struct place *place,
                         const struct action *action, const struct said *said, int64_t at_ms,
                         int64_t now_ms, int64_t *ret_ticket)
{
    int index = said->fault && place->profile ? profile_fault(place->profile, said->fault) : -1;
    const char *name = said->fault ? said->fault : said->kind;
    char unique[17];
    TEXT(key, 256);
    struct ticket_new what = {
        .cause_key = key.at,
        .kind = said->kind,
        .fault = said->fault,
        .onset_ms = at_ms,
        .detected_ms = at_ms,
        .rule = index >= 0 ? &place->profile->faults[index] : NULL,
        .domain = "hardware",
        .component = said->component,
        .channel = said->channel,
        .report = action->body,
        .who = action->who,
        .note = action->note,
        .action_id = action->action_id,
    };

    numbers_secret(unique, 16);
    if (is_fault(said->kind) && place->name) {
        text_addf(&key, "fault:%s:%s", place->name, said->fault ? said->fault : "");
    } else {
        text_addf(&key, "report:%s:%s", said->kind, unique);
    }
    what.title = said->title ? (struct words2){said->title, said->title}
                 : what.rule ? what.rule->title
                             : (struct words2){name, name};
    what.grade = said->grade ? (int)said->grade : what.rule ? what.rule->grade : ticket_kind_find(said->kind)->grade;
    if (strcmp(said->kind, "emergency") == 0) {
        what.grade = 1;
    }
    return ticket_open(office, sql, place, &what, now_ms, ret_ticket);
}

static enum err read_row(struct sql *sql, const struct action *action, const char *field,
                         const char *statement, int64_t *ret_row, struct text *why)
{
    const struct cJSON *value = json_field(action->body, field);
    const char *name = json_as_text(value);

    *ret_row = 0;
    if (!value || json_is_null(value)) {
        return ERR_OK;
    }
    *ret_row = sql_find_int(sql, 0, statement, "t", name);
    return *ret_row ? ERR_OK
                    : text_say(why, ERR_FORMAT, "%s: there is none called '%.64s'", field,
                               name ? name : "");
}

static enum err refuse_kind(const char *kind, struct text *why)
{
    TEXT(all, 200);

    for (int i = 0; ticket_kind_at(i); i++) {
        text_addf(&all, "%s%s", i ? " " : "", ticket_kind_at(i)->by_people ? ticket_kind_at(i)->name : "");
    }
    return text_say(why, ERR_FORMAT, "kind: expected one of %s, found '%.40s'", all.at, kind);
}

/* How a report came in (S1-22 S3-15 S0-155): phone web e-mail chat social outreach visit letter …, a word. */
static bool is_channel(const char *channel)
{
    size_t length = strlen(channel);

    return length > 0 && length <= 20 && strspn(channel, "abcdefghijklmnopqrstuvwxyz-_") == length;
}

static enum err read_said(struct sql *sql, const struct action *action, struct said *said,
                          struct text *why)
{
    const struct cJSON *grade = json_field(action->body, "grade");
    const struct cJSON *title = json_field(action->body, "title");
    enum err err;

    said->kind = json_text_or(action->body, "kind", "fault");
    said->fault = json_text_or(action->body, "fault", NULL);
    said->component = json_text_or(action->body, "component", NULL);
    said->title = json_is_object(title) ? json_text_or(title, "en", json_text_or(title, "zh", NULL))
                                        : json_as_text(title);
    if (!ticket_kind_find(said->kind) || !ticket_kind_find(said->kind)->by_people) {
        return refuse_kind(said->kind, why);
    }
    said->channel = json_text_or(action->body, "channel", "web");
    if (!is_channel(said->channel)) {
        return text_say(why, ERR_FORMAT, "channel: expected a word such as phone, web or e-mail, found '%.40s'",
                        said->channel);
    }
    if (grade && !json_is_null(grade) &&
        (!json_as_int(grade, &said->grade) || said->grade < 1 || said->grade > 3)) {
        return text_say(why, ERR_FORMAT, "grade: expected 1, 2 or 3");
    }
    if (said->grade == 3 && text_same(said->kind, "prediction")) {
        return text_say(why, ERR_FORMAT, "grade: expected 1 or 2: what is predicted to fail is a latent danger (S0-106)");
    }
    if (said->title && strlen(said->title) > TITLE_MOST) {
        return text_say(why, ERR_FORMAT, "title: expected at most %d bytes", TITLE_MOST);
    }
    if ((said->fault && (!said->fault[0] || strlen(said->fault) > 64)) ||
        (said->component && strlen(said->component) > 64)) {
        return text_say(why, ERR_FORMAT, "fault and component: expected 1 to 64 bytes");
    }
    err = read_row(sql, action, "equipment", "SELECT id FROM equipment WHERE name = ?1",
                   &said->equipment, why);
    if (!err) {
        err = read_row(sql, action, "site", "SELECT id FROM site WHERE name = ?1", &said->site, why);
    }
    if (!err && !said->equipment) { /* who calls, or from where, may tell what it is about */
        int64_t customer = said->site ? 0 : customer_of(sql, action->body);

        if (customer || said->site) {
            said->equipment = only_equipment(sql, customer, said->site);
        }
        if (customer && !said->equipment) {
            said->site = sql_find_int(sql, 0,
                                      "SELECT CASE WHEN COUNT(*) = 1 THEN MIN(id) ELSE 0 END FROM site WHERE"
                                      " customer = ?1",
                                      "i", customer);
        }
    }
    return err;
}

/* One more word about an open ticket; a caller may make it more urgent (S0-113). */
static enum err join(struct office *office, struct sql *sql, const struct action *action,
                     const struct said *said, int64_t id, int64_t at_ms, int64_t now_ms)
{
    struct json_out data = json_out(64 * 1024);
    struct ticket ticket;
    enum err err = ticket_load(office, sql, id, &ticket);

    json_put_value(&data, action->body);
    if (!err) {
        err = ticket_line(sql, id, at_ms, now_ms, action->who, "report", action->action_id,
                          action->note, data.err ? NULL : data.bytes);
    }
    json_out_free(&data);
    if (!err && said->grade && said->grade < ticket.grade) {
        err = ticket_regrade(office, sql, &ticket, (int)said->grade, action->who,
                             "the caller says that it is worse", NULL, at_ms, now_ms);
    }
    return err ? err : ticket_changed(sql, id, now_ms);
}

enum err desk_report(struct desk *desk, struct sql *sql, const struct action *action,
                     int64_t now_ms, char number[32], bool *ret_merged, struct text *why)
{
    struct office *office = &desk->office;
    struct said said = {0};
    struct place place;
    int64_t ticket = 0, at_ms = 0;
    enum err err;

    arena_reset(office->arena);
    if (action->action_id) { /* the same report again */
        ticket = sql_find_int(sql, 0,
                              "SELECT ticket FROM ticket_event WHERE action_id = ?1 AND who = ?2 AND"
                              " action IN ('register', 'report')",
                              "tt", action->action_id, action->who);
    }
    if (ticket) {
        *ret_merged = true;
        return number_of(sql, ticket, number);
    }
    err = read_said(sql, action, &said, why);
    if (!err) {
        err = action_time(action->at_ms, 0, now_ms, &at_ms, why);
    }
    if (!err) {
        err = place_find(office, sql, said.equipment, said.site, now_ms, &place);
    }
    if (err) {
        return err;
    }
    ticket = find_open(sql, &place, said.kind, said.fault);
    if (!ticket) {
        struct slip slip;

        err = slip_fill(sql, &place, action->body, NULL, &slip);
        ticket = err ? 0 : find_duplicate(sql, &place, said.kind, slip.key, now_ms);
        slip_free(&slip);
        if (err) {
            return err;
        }
    }
    *ret_merged = ticket != 0;
    err = ticket ? join(office, sql, action, &said, ticket, at_ms, now_ms)
                 : open_new(office, sql, &place, action, &said, at_ms, now_ms, &ticket);
    return err ? err : number_of(sql, ticket, number);
}
