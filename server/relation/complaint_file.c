/* A complaint comes in: what it says is checked, what it is about gives whom it must not go to. */
#include <string.h>

#include "server/case/duties.h"
#include "server/case/place.h"
#include "server/fleet/numbers.h"
#include "server/relation/complaint_int.h"

struct filed {
    const char *kind, *channel, *about, *reference, *contact, *campaign, *detail, *nature;
    int64_t customer, site, equipment, ticket, order, team, technician;
};

/* ------------------------------------------------------------------ fields */

static enum err read_word(const struct cJSON *body, const char *name, const char *const *words, int preset,
                          const char **ret_word, struct text *why)
{
    const char *said = json_text_or(body, name, words[preset]);
    int at = complaint_word(words, said);

    if (at < 0) {
        text_say(why, ERR_FORMAT, "%s: expected one of", name);
        for (int i = 0; words[i]; i++) {
            text_addf(why, " %s", words[i]);
        }
        text_addf(why, ", found '%.40s'", said);
        return ERR_FORMAT;
    }
    *ret_word = words[at];
    return ERR_OK;
}

/* Row id of what a field names; 0 when it is not there. */
static enum err read_row(struct sql *sql, const struct cJSON *body, const char *name, const char *statement, int64_t *ret_id,
                         struct text *why)
{
    const char *said = json_text_or(body, name, NULL);

    if (!said || !said[0]) {
        return ERR_OK;
    }
    *ret_id = sql_find_int(sql, 0, statement, "t", said);
    return *ret_id ? ERR_OK : text_say(why, ERR_FORMAT, "%s: expected one that is there, found '%.64s'", name, said);
}

static const struct {
    const char *name, *statement;
    size_t at;
} rows_of[] = {
    {"customer", "SELECT id FROM customer WHERE name = ?1", offsetof(struct filed, customer)},
    {"site", "SELECT id FROM site WHERE name = ?1", offsetof(struct filed, site)},
    {"equipment", "SELECT id FROM equipment WHERE name = ?1", offsetof(struct filed, equipment)},
    {"ticket", "SELECT id FROM ticket WHERE number = ?1", offsetof(struct filed, ticket)},
    {"work_order", "SELECT id FROM work_order WHERE number = ?1", offsetof(struct filed, order)},
    {"team", "SELECT id FROM team WHERE name = ?1", offsetof(struct filed, team)},
    {"technician", "SELECT id FROM technician WHERE name = ?1", offsetof(struct filed, technician)},
};

static enum err read_text(const struct cJSON *body, const char *name, size_t most, const char **ret_words, struct text *why)
{
    *ret_words = json_text_or(body, name, NULL);
    if (*ret_words && strlen(*ret_words) > most) {
        return text_say(why, ERR_FORMAT, "%s: expected at most %zu bytes", name, most);
    }
    return ERR_OK;
}

static enum err read_nature(struct office *office, const struct cJSON *body, const char **ret_nature, struct text *why)
{
    const struct codes *codes = rules_codes(office->options.rules);
    TEXT(names, 600);

    *ret_nature = json_text_or(body, "nature", NULL);
    if (!*ret_nature || !codes || !codes->natures.count || codes_find(&codes->natures, *ret_nature)) {
        return *ret_nature && !text_is_id(*ret_nature) ? text_say(why, ERR_FORMAT, "nature: expected an id") : ERR_OK;
    }
    codes_name(&codes->natures, &names);
    return text_say(why, ERR_FORMAT, "nature: expected one of %s, found '%.40s'", names.at, *ret_nature);
}

static enum err read_filed(struct office *office, struct sql *sql, const struct action *action, int64_t public_ticket, struct filed *filed,
                           struct text *why)
{
    const struct cJSON *body = action->body;
    enum err err = read_word(body, "kind", complaint_kind_names, 0, &filed->kind, why);

    err = err ? err : read_text(body, "detail", COMPLAINT_TEXT_MOST, &filed->detail, why);
    err = err ? err : read_text(body, "contact", 200, &filed->contact, why);
    if (!err && (!filed->detail || !filed->detail[0])) {
        err = text_say(why, ERR_FORMAT, "detail: expected what the customer says");
    }
    if (err || public_ticket) {
        filed->ticket = public_ticket;
        filed->channel = "web";
        filed->about = "ticket";
        return err;
    }
    err = read_text(body, "reference", 200, &filed->reference, why);
    err = err ? err : read_text(body, "campaign", 100, &filed->campaign, why);
    err = err ? err : read_nature(office, body, &filed->nature, why);
    for (size_t i = 0; !err && i < sizeof(rows_of) / sizeof(rows_of[0]); i++) {
        int64_t id = 0;

        err = read_row(sql, body, rows_of[i].name, rows_of[i].statement, &id, why);
        memcpy((char *)filed + rows_of[i].at, &id, sizeof(id));
    }
    err = err ? err : read_word(body, "channel", complaint_channel_names, 0, &filed->channel, why);
    return err ? err
               : read_word(body, "about", complaint_about_names,
                           filed->technician ? 3 : filed->team ? 4 : filed->order ? 1 : filed->ticket ? 0 : 8, &filed->about,
                           why);
}

/* What is not said follows from what is: the order of a ticket, its team, the place, its customer. A complaint about a
 * product or a charge is nobody's in the field. */
static void complete(struct sql *sql, struct filed *filed)
{
    bool people = !text_same(filed->about, "product") && !text_same(filed->about, "charge") &&
                  text_same(filed->kind, "complaint");

    if (!filed->order && filed->ticket) {
        filed->order = sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order WHERE ticket = ?1 AND state <> 'cancelled'", "i",
                                    filed->ticket);
    }
    if (!filed->ticket && filed->order) {
        filed->ticket = sql_find_int(sql, 0, "SELECT ticket FROM work_order WHERE id = ?1", "i", filed->order);
    }
    if (people && !filed->technician && !filed->team) {
        filed->technician = sql_find_int(sql, 0, "SELECT technician FROM work_order WHERE id = ?1", "i", filed->order);
        filed->team = sql_find_int(sql, 0, "SELECT team FROM work_order WHERE id = ?1", "i", filed->order);
    }
    if (filed->technician && !filed->team) {
        filed->team = sql_find_int(sql, 0, "SELECT team FROM technician WHERE id = ?1", "i", filed->technician);
    }
    if (!filed->equipment) {
        filed->equipment = sql_find_int(sql, 0,
                                        "SELECT COALESCE((SELECT equipment FROM work_order WHERE id = ?1), (SELECT equipment"
                                        " FROM ticket WHERE id = ?2))",
                                        "ii", filed->order, filed->ticket);
    }
    if (!filed->site) {
        filed->site = sql_find_int(sql, 0,
                                   "SELECT COALESCE((SELECT site FROM equipment WHERE id = ?1), (SELECT site FROM ticket WHERE"
                                   " id = ?2), (SELECT MIN(id) FROM site WHERE customer = ?3))",
                                   "iii", filed->equipment, filed->ticket, filed->customer);
    }
    if (!filed->customer) {
        filed->customer = sql_find_int(sql, 0, "SELECT customer FROM site WHERE id = ?1", "i", filed->site);
    }
}

/* ------------------------------------------------------------------ clocks */

static enum err start_clocks(struct sql *sql, const struct complaint *complaint, int64_t now_ms)
{
    static const char *const stops[] = {"acknowledged", "answered", "closed"};
    enum err err = complaint->plan ? rules_keep_plan(sql, complaint->plan, now_ms) : ERR_OK;

    for (int i = 0; !err && complaint->plan && i < PLAN_COMPLAINT_LIMITS; i++) {
        struct duty duty = {.subject = "complaint", .id = complaint->id, .kind = complaint_duties[i], .start = "registered",
                            .stop = stops[i], .limit = &complaint->plan->complaint.limits[i], .warn = 0.75,
                            .started_ms = now_ms, .site = complaint->site, .calendar = complaint->calendar,
                            .time_zone = complaint->time_zone, .plan_hash = complaint->plan->hash};

        if (duty.limit->set) {
            err = duty_start(sql, &duty);
        }
    }
    return err;
}

/* ------------------------------------------------------------------ filed */

static enum err insert(struct sql *sql, const struct filed *filed, const struct action *action, int64_t now_ms, int64_t *ret_id)
{
    char number[NUMBERS_ROOM], code[33];
    enum err err;

    numbers_make('K', number, sizeof(number));
    numbers_secret(code, 24);
    err = sql_run(sql,
                  "INSERT INTO complaint (number, code, client_id, kind, channel, customer, contact, site, equipment, ticket,"
                  " work_order, about, reference, team, technician, campaign, detail, state, registered_ms, filed_by, closed_ms, outcome, nature) VALUES"
                  " (?1, ?2, ?3, ?4, ?5, NULLIF(?6, 0), ?7, NULLIF(?8, 0), NULLIF(?9, 0), NULLIF(?10, 0), NULLIF(?11, 0), ?12,"
                  " ?13, NULLIF(?14, 0), NULLIF(?15, 0), ?16, ?17, ?20, ?18, ?19, CASE WHEN ?20 = 'closed' THEN ?18 ELSE NULL END, CASE WHEN ?20"
                  " = 'closed' THEN 'registered' ELSE NULL END, ?21)",
                  "tttttitiiiitt" "iittit" "tt", number, code, action->action_id, filed->kind, filed->channel, filed->customer,
                  filed->contact, filed->site, filed->equipment, filed->ticket, filed->order, filed->about, filed->reference,
                  filed->team, filed->technician, filed->campaign, filed->detail, now_ms, action->who,
                  text_same(filed->kind, "opinion") ? "closed" : "received", filed->nature);
    *ret_id = err ? 0 : complaint_find(sql, number);
    return err;
}

/* The first who looks at it, its plan, its clocks, and words to both sides. An opinion is registered: no case. */
static enum err begin(struct office *office, struct sql *sql, int64_t id, const struct action *action, int64_t now_ms)
{
    int64_t level = 0, owner = 0;
    struct complaint complaint;
    enum err err = complaint_load(office, sql, id, &complaint);

    if (!err && text_same(complaint.kind, "opinion")) {
        return complaint_line(sql, id, now_ms, now_ms, action->who, "register", action->action_id, NULL);
    }
    err = err ? err : complaint_owner(office, sql, &complaint, 0, now_ms, &level, &owner);
    err = err ? err
              : sql_run(sql, "UPDATE complaint SET level = ?2, owner = NULLIF(?3, 0), plan = ?4 WHERE id = ?1", "iiit", id, level,
                        owner, complaint.plan ? complaint.plan->id : NULL);
    err = err ? err : complaint_line(sql, id, now_ms, now_ms, action->who, "register", action->action_id, NULL);
    err = err ? err : start_clocks(sql, &complaint, now_ms);
    err = err ? err : complaint_say(office, sql, &complaint, "complaint_received", "received", NULL, now_ms);
    err = err ? err : complaint_tell(office, sql, &complaint, "registered", "it wants somebody", now_ms);
    if (!err && complaint.ticket) {
        err = ticket_line(sql, complaint.ticket, now_ms, now_ms, action->who, "complaint", complaint.number, NULL, NULL);
        err = err ? err : ticket_changed(sql, complaint.ticket, now_ms);
    }
    return err;
}

enum err complaint_file(struct office *office, struct sql *sql, const struct action *action, int64_t public_ticket,
                        int64_t now_ms, int64_t *ret_id, bool *ret_again, struct text *why)
{
    struct filed filed = {.kind = NULL};
    enum err err = read_filed(office, sql, action, public_ticket, &filed, why);

    *ret_id = err || !action->action_id
                  ? 0
                  : sql_find_int(sql, 0, "SELECT id FROM complaint WHERE client_id = ?1", "t", action->action_id);
    *ret_again = *ret_id != 0;
    if (err || *ret_again) {
        return err;
    }
    if (public_ticket && sql_find_int(sql, 0, "SELECT COUNT(*) FROM complaint WHERE ticket = ?1 AND filed_by = 'customer'", "i",
                                      public_ticket) >= COMPLAINTS_OF_TICKET) {
        return text_say(why, ERR_STATE, "there are %d of this ticket already. Legal: none more; please call",
                        COMPLAINTS_OF_TICKET);
    }
    complete(sql, &filed);
    err = insert(sql, &filed, action, now_ms, ret_id);
    return err ? err : begin(office, sql, *ret_id, action, now_ms);
}

enum err complaint_repair(struct sql *sql, int64_t id, int64_t ticket, int64_t now_ms)
{
    enum err err = sql_run(sql, "UPDATE complaint SET repair = ?2, version = version + 1 WHERE id = ?1", "ii", id, ticket);

    return err ? err : complaint_line(sql, id, now_ms, now_ms, "heliograph", "repair", NULL, NULL);
}
