/* A ticket's row and its time line. */
#include "server/case/ticket.h"

#include <string.h>

#include "server/store/change.h"

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

int64_t ticket_of_cause(struct sql *sql, const char *cause_key)
{
    return sql_find_int(sql, 0,
                        "SELECT id FROM ticket WHERE cause_key = ?1 AND closed_ms IS NULL", "t",
                        cause_key);
}

/* Two of the seven classifications decide which limits hold. */
static void read_classes(struct office *office, const char *doc, struct ticket *ticket)
{
    const struct cJSON *root = NULL;

    ticket->emergency = ticket->grade == 1;
    if (doc && !json_parse(office->arena, doc, strlen(doc), &root, NULL)) {
        ticket->emergency = text_same(json_text_or(root, "urgency", ""), "emergency");
        ticket->complex = text_same(json_text_or(root, "complexity", ""), "complex");
    }
}

/* What tickets have gained beside their clocks. */
static enum err read_more(struct office *office, struct sql *sql, struct ticket *ticket)
{
    struct sql_rows rows;

    ticket->opened = "";
    sql_find(sql, &rows,
             "SELECT parent, parked_ms, fall_grade, fall_ms, conditions, opened, rework, diagnosis, solution"
             " FROM ticket WHERE id = ?1",
             "i", ticket->id);
    if (sql_next(&rows)) {
        ticket->parent = sql_int(&rows, 0);
        ticket->parked_ms = sql_int(&rows, 1);
        ticket->fall_grade = (int)sql_int(&rows, 2);
        ticket->fall_ms = sql_int(&rows, 3);
        ticket->conditions = (unsigned)sql_int(&rows, 4);
        ticket->opened = keep(office, sql_text(&rows, 5));
        ticket->rework = sql_int(&rows, 6) != 0;
        ticket->has_cause = !sql_null(&rows, 7);
        ticket->has_solution = !sql_null(&rows, 8);
    }
    return sql_end(&rows);
}

static bool is_chargeable(const struct ticket *ticket)
{
    int by = price_case_read(ticket->verdict);

    return by >= 0 && price_is_chargeable(&ticket->plan->price, (enum price_case)by);
}

int64_t ticket_wake(const struct ticket *ticket)
{
    int64_t wake_ms = ticket->hold_until_ms ? ticket->hold_until_ms : OFFICE_NEVER;

    return ticket->fall_ms && ticket->fall_ms < wake_ms ? ticket->fall_ms : wake_ms;
}

enum err ticket_load(struct office *office, struct sql *sql, int64_t id, struct ticket *ret_ticket)
{
    struct ticket ticket = {.id = id};
    const char *plan = NULL, *plan_hash = NULL;
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT number, kind, fault, cause_key, plan, time_zone, grade, service_level, state,"
             " registered_ms, cleared_ms, hold_until_ms, closed_ms, late, quote, consent,"
             " equipment, agent, site, calendar, title_en, title_zh, verdict,"
             " plan_hash, classification, (SELECT COUNT(*) FROM pause p WHERE p.ticket = ticket.id AND p.to_ms IS NULL)"
             " FROM ticket WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        const char *level = sql_text(&rows, 7);
        int state = ticket_state_read(sql_text(&rows, 8));

        ticket.number = keep(office, sql_text(&rows, 0));
        ticket.kind = keep(office, sql_text(&rows, 1));
        ticket.fault = keep(office, sql_text(&rows, 2));
        ticket.cause_key = keep(office, sql_text(&rows, 3));
        plan = keep(office, sql_text(&rows, 4));
        plan_hash = keep(office, sql_text(&rows, 23));
        ticket.time_zone = keep(office, sql_text(&rows, 5));
        ticket.grade = (int)sql_int(&rows, 6);
        ticket.level = level && level[0] ? level[0] : 'C';
        ticket.state = state < 0 ? TICKET_REGISTERED : (enum ticket_state)state;
        ticket.registered_ms = sql_int(&rows, 9);
        ticket.cleared_ms = sql_int(&rows, 10);
        ticket.hold_until_ms = sql_int(&rows, 11);
        ticket.closed_ms = sql_int(&rows, 12);
        ticket.late = sql_int(&rows, 13) != 0;
        ticket.quote_open = !sql_null(&rows, 14) && sql_null(&rows, 15);
        ticket.consent_given = sql_int(&rows, 15) != 0;
        ticket.verdict = keep(office, sql_text(&rows, 22));
        ticket.consent_needed = !sql_null(&rows, 14);
        ticket.equipment = sql_int(&rows, 16);
        ticket.agent = sql_int(&rows, 17);
        ticket.site = sql_int(&rows, 18);
        ticket.calendar = sql_int(&rows, 19);
        ticket.title_en = keep(office, sql_text(&rows, 20));
        ticket.title_zh = keep(office, sql_text(&rows, 21));
        ticket.paused = sql_int(&rows, 25) > 0;
        read_classes(office, sql_text(&rows, 24), &ticket);
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    ticket.plan = plan ? rules_plan_kept(office->options.rules, sql, plan, plan_hash) : NULL;
    /* S0-59: what the customer pays for needs consent before repair */
    ticket.consent_needed = ticket.plan && ticket.plan->consent_before_repair &&
                            (ticket.consent_needed || is_chargeable(&ticket));
    if (ticket_kind_find(ticket.kind)) { /* S2-30: a special request is priced and agreed first */
        ticket.consent_needed = ticket.consent_needed || ticket_kind_find(ticket.kind)->consent;
    }
    err = read_more(office, sql, &ticket);
    *ret_ticket = ticket;
    return err;
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length) {
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length])) {
            return true;
        }
    }
    return false;
}

enum err ticket_open_way(struct office *office, struct sql *sql, struct ticket *ticket, const char *word)
{
    TEXT(words, 200);

    if (has_word(ticket->opened, word)) {
        return ERR_OK;
    }
    text_addf(&words, "%s%s%s", ticket->opened, ticket->opened[0] ? " " : "", word);
    ticket->opened = keep(office, words.at);
    return sql_run(sql, "UPDATE ticket SET opened = ?2 WHERE id = ?1", "it", ticket->id, words.at);
}

bool ticket_way_is_open(const struct ticket *ticket, const char **ret_by)
{
    static const char *const opens[][3] = {
        [ONSITE_IMMEDIATE] = {NULL},
        [ONSITE_PHONE_FAILED] = {"remote_failed", "important", NULL},
        [ONSITE_MUTUAL_CONSENT] = {"agreed", NULL},
        [ONSITE_MANAGER_VERIFY] = {"verified", NULL},
    };
    enum onsite_gate gate = ticket->plan ? ticket->plan->ticket.onsite_gate : ONSITE_IMMEDIATE;

    *ret_by = "";
    for (int i = 0; opens[gate][i]; i++) {
        if (has_word(ticket->opened, opens[gate][i])) {
            *ret_by = opens[gate][i];
            return true;
        }
    }
    if (has_word(ticket->opened, "override")) {
        *ret_by = "override";
        return true;
    }
    if (gate != ONSITE_IMMEDIATE && ticket->grade == 1) { /* nobody waits on the phone then */
        *ret_by = "grade_1";
        return true;
    }
    return gate == ONSITE_IMMEDIATE;
}

/* Where the ticket stands by its order, when it waits no longer: for the customer's word, for a part. */
static enum err state_of_order(struct sql *sql, const struct ticket *ticket, enum ticket_state *ret_state)
{
    enum ticket_state working = ticket->consent_needed && !ticket->consent_given ? TICKET_ON_SITE
                                                                                  : TICKET_REPAIRING;
    const struct {
        const char *order;
        enum ticket_state ticket;
    } states[] = {
        {"dispatched", TICKET_DISPATCHED}, {"assigned", TICKET_ASSIGNED}, {"accepted", TICKET_ASSIGNED},
        {"travelling", TICKET_EN_ROUTE},   {"on_site", TICKET_ON_SITE},   {"working", working},
        {"testing", TICKET_TESTING},        {"done", TICKET_TESTING},
        {"verified", TICKET_TESTING},       {"closed", TICKET_TESTING},
    };
    struct sql_rows rows;

    *ret_state = TICKET_ACKNOWLEDGED;
    sql_find(sql, &rows,
             "SELECT state FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state <>"
             " 'cancelled' ORDER BY id DESC LIMIT 1",
             "i", ticket->id);
    if (sql_next(&rows)) {
        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
            *ret_state = text_same(states[i].order, sql_text(&rows, 0)) ? states[i].ticket : *ret_state;
        }
    }
    return sql_end(&rows);
}

enum err ticket_facts(struct office *office, struct sql *sql, const struct ticket *ticket, enum role role,
                      struct ticket_facts *ret_facts)
{
    struct ticket_facts facts = {
        .state = ticket->state,
        .role = role,
        .paused = ticket->paused,
        .quote_open = ticket->quote_open,
        .consent_needed = ticket->consent_needed,
        .consent_given = ticket->consent_given,
        .parked = ticket->parked_ms != 0,
        .has_parent = ticket->parent != 0,
        .has_cause = ticket->has_cause,
    };
    const char *by;
    enum err err = state_of_order(sql, ticket, &facts.back);

    facts.way_open = ticket_way_is_open(ticket, &by);
    (void)office;
    *ret_facts = facts;
    return err;
}

enum err ticket_set_state(struct sql *sql, int64_t ticket, enum ticket_state state)
{
    return sql_run(sql, "UPDATE ticket SET state = ?2, version = version + 1 WHERE id = ?1", "it",
                   ticket, ticket_state_names[state]);
}

enum err ticket_line(struct sql *sql, int64_t ticket, int64_t at_ms, int64_t now_ms,
                     const char *who, const char *action, const char *action_id, const char *note,
                     const char *data)
{
    enum err err =
        sql_run(sql,
                "INSERT INTO ticket_event (ticket, at_ms, stored_ms, who, action, action_id, note,"
                " data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
                "iiittttt", ticket, at_ms, now_ms, who, action, action_id, note, data);

    return err ? err : sql_changes(sql) == 0 ? ERR_EXISTS : ERR_OK;
}

enum err ticket_changed(struct sql *sql, int64_t ticket, int64_t now_ms)
{
    struct sql_rows rows;
    struct json_out out = json_out(4096);
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.number, t.kind, t.grade, t.state, e.name FROM ticket t LEFT JOIN equipment e"
             " ON e.id = t.equipment WHERE t.id = ?1",
             "i", ticket);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_text(&out, "number", sql_text(&rows, 0));
        json_text(&out, "kind", sql_text(&rows, 1));
        json_int(&out, "grade", sql_int(&rows, 2));
        json_text(&out, "state", sql_text(&rows, 3));
        json_text(&out, "equipment", sql_text(&rows, 4));
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err) {
        err = out.err ? out.err : change_put(sql, now_ms, "ticket", out.bytes ? out.bytes : "{}");
    }
    json_out_free(&out);
    return err;
}
