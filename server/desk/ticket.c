/* A ticket's life in rows: opened with everything that follows from it, regraded, cleared, back. */
#include "server/desk/desk_int.h"

#include <string.h>

#include "server/fleet/numbers.h"
#include "server/desk/notify.h"
#include "server/store/change.h"
#include "server/store/metrics.h"

/* A fault that is judged from a backlog is told only when the backlog has had time to say that it
 * has cleared since. */
#define LATE_NOTICE_MS (60 * 1000)

static const char *keep(struct desk *desk, const char *words)
{
    return words ? arena_text(desk->arena, words, strlen(words)) : NULL;
}

int64_t ticket_of_cause(struct sql *sql, const char *cause_key)
{
    return sql_find_int(sql, 0,
                        "SELECT id FROM ticket WHERE cause_key = ?1 AND closed_ms IS NULL", "t",
                        cause_key);
}

enum err ticket_load(struct desk *desk, struct sql *sql, int64_t id, struct ticket *ret_ticket)
{
    struct ticket ticket = {.id = id};
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT number, kind, fault, cause_key, plan, time_zone, grade, service_level, state,"
             " registered_ms, cleared_ms, hold_until_ms, closed_ms, late, quote, consent,"
             " equipment, agent, site, calendar, title_en, title_zh, warranty,"
             " (SELECT COUNT(*) FROM pause p WHERE p.ticket = ticket.id AND p.to_ms IS NULL)"
             " FROM ticket WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        const char *level = sql_text(&rows, 7);
        const char *warranty = sql_text(&rows, 22);
        int state = ticket_state_read(sql_text(&rows, 8));

        ticket.number = keep(desk, sql_text(&rows, 0));
        ticket.kind = keep(desk, sql_text(&rows, 1));
        ticket.fault = keep(desk, sql_text(&rows, 2));
        ticket.cause_key = keep(desk, sql_text(&rows, 3));
        ticket.plan = keep(desk, sql_text(&rows, 4));
        ticket.time_zone = keep(desk, sql_text(&rows, 5));
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
        /* S0-59: what the customer pays for needs consent before repair */
        ticket.consent_needed =
            !sql_null(&rows, 14) || (warranty && (strstr(warranty, "\"expired\"") ||
                                                  strstr(warranty, "\"excluded\"")));
        ticket.equipment = sql_int(&rows, 16);
        ticket.agent = sql_int(&rows, 17);
        ticket.site = sql_int(&rows, 18);
        ticket.calendar = sql_int(&rows, 19);
        ticket.title_en = keep(desk, sql_text(&rows, 20));
        ticket.title_zh = keep(desk, sql_text(&rows, 21));
        ticket.paused = sql_int(&rows, 23) > 0;
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    if (ticket.plan) {
        const struct plan *plan = rules_plan(desk->options.rules, ticket.plan);

        ticket.consent_needed = ticket.consent_needed && plan && plan->consent_before_repair;
    }
    *ret_ticket = ticket;
    return ERR_OK;
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

/* ------------------------------------------------------------------ telling people */

static enum err tell_channel(struct sql *sql, const struct ticket *ticket, const char *step,
                             const char *channel, const char *target, const char *subject,
                             const char *body, int64_t now_ms)
{
    TEXT(key, 320);
    struct notice notice = {
        .key = key.at,
        .channel = channel,
        .target = target,
        .subject = subject,
        .body = body,
        .ticket = ticket->id,
        .due_ms = ticket->late ? now_ms + LATE_NOTICE_MS : now_ms,
    };

    text_addf(&key, "ticket:%s:%s:%s:%s", ticket->number, step, channel, target ? target : "");
    return notify_put(sql, now_ms, &notice);
}

static void notice_body(struct desk *desk, const struct ticket *ticket, const char *step,
                        const char *sentence, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "ticket", ticket->number);
    json_text(out, "step", step);
    json_text(out, "kind", ticket->kind);
    json_text(out, "fault", ticket->fault);
    json_int(out, "grade", ticket->grade);
    json_text(out, "title_en", ticket->title_en);
    json_text(out, "title_zh", ticket->title_zh);
    json_text(out, "message", sentence);
    if (desk->options.public_url) {
        TEXT(link, 512);

        text_addf(&link, "%s/track/%s", desk->options.public_url, ticket->number);
        json_text(out, "link", link.at);
    }
    json_close_object(out);
}

enum err ticket_tell(struct desk *desk, struct sql *sql, const struct ticket *ticket,
                     const char *step, const char *sentence, int64_t now_ms)
{
    struct json_out body = json_out(16 * 1024);
    TEXT(subject, 320);
    enum err err;

    text_addf(&subject, "[%s] grade %d: %s", ticket->number, ticket->grade,
              ticket->title_en ? ticket->title_en : ticket->kind);
    notice_body(desk, ticket, step, sentence, &body);
    err = body.err;
    if (!err) {
        err = tell_channel(sql, ticket, step, "log", NULL, subject.at, body.bytes, now_ms);
    }
    for (const char *const *hook = desk->options.webhooks; !err && hook && *hook; hook++) {
        err = tell_channel(sql, ticket, step, "webhook", *hook, subject.at, body.bytes, now_ms);
    }
    if (!err && desk->options.has_smtp && desk->options.mail_to) {
        err = tell_channel(sql, ticket, step, "smtp", desk->options.mail_to, subject.at, body.bytes,
                           now_ms);
    }
    json_out_free(&body);
    return err;
}

/* ------------------------------------------------------------------ opening */

static void put_words2(struct json_out *out, const struct words2 *words)
{
    json_open_object(out);
    json_text(out, "en", words->en);
    json_text(out, "zh", words->zh);
    json_close_object(out);
}

static void put_list(struct json_out *out, const char *name, const char *const *list)
{
    json_key(out, name);
    json_open_list(out);
    for (; list && *list; list++) {
        json_put_text(out, *list);
    }
    json_close_list(out);
}

/* Ranked causes: the rule's, most likely first. */
static void put_causes(struct json_out *out, const struct fault_rule *rule)
{
    size_t count = rule ? rule->cause_count : 0;
    bool given[64] = {false};

    json_open_list(out);
    for (size_t rank = 0; rank < count && rank < 64; rank++) {
        size_t best = count;

        for (size_t i = 0; i < count && i < 64; i++) {
            if (!given[i] && (best == count || rule->causes[i].odds > rule->causes[best].odds)) {
                best = i;
            }
        }
        given[best] = true;
        json_open_object(out);
        json_text(out, "cause", rule->causes[best].cause);
        json_number(out, "odds", rule->causes[best].odds);
        json_text(out, "skill", rule->causes[best].skill);
        put_list(out, "parts", rule->causes[best].parts);
        put_list(out, "tools", rule->causes[best].tools);
        json_close_object(out);
    }
    json_close_list(out);
}

static void put_remote(struct json_out *out, const struct fault_rule *rule)
{
    json_open_list(out);
    for (size_t i = 0; rule && i < rule->remote_count; i++) {
        put_words2(out, &rule->remote[i]);
    }
    json_close_list(out);
}

/* The seven classifications (service-terms C-13), as far as the machine can tell. */
static void put_classification(struct json_out *out, const struct place *place,
                               const struct ticket_new *what)
{
    const char *domain = what->rule ? what->rule->domain : what->domain;
    char level[2] = {place->level, 0};

    json_open_object(out);
    json_int(out, "severity", what->grade);
    json_text(out, "urgency", what->grade == 1 ? "emergency" : "normal");
    json_text(out, "complexity", "general");
    json_text(out, "competence", "routine");
    json_text(out, "domain", domain ? domain : "hardware");
    json_text(out, "responsible_party", text_same(domain, "external") ? "external" : "open");
    json_text(out, "service_level", level);
    json_close_object(out);
}

static void put_date(struct json_out *out, const char *name, int32_t day)
{
    char words[11];

    if (day == WARRANTY_NO_DATE) {
        json_null(out, name);
        return;
    }
    civil_write_date(day, words);
    json_text(out, name, words);
}

static void put_warranty(struct desk *desk, struct json_out *out, const struct place *place,
                         const struct ticket_new *what, int64_t onset_ms)
{
    const char *component = what->rule ? what->rule->component : what->component;
    const char *domain = what->rule ? what->rule->domain : what->domain;
    struct warranty warranty;
    TEXT(rule, 256);
    TEXT(evidence, 256);

    json_open_object(out);
    if (place->plan && component) {
        warranty = warranty_judge(place->plan, &place->dates, component, domain,
                                  place_day(desk, place, onset_ms));
        warranty_rule(place->plan, &warranty, &rule);
        warranty_evidence(&warranty, &evidence);
        json_text(out, "verdict", warranty_verdict_names[warranty.verdict]);
        json_text(out, "component", component);
        json_text(out, "rule", rule.at);
        json_text(out, "evidence", evidence.at);
        put_date(out, "until", warranty.until);
    } else {
        json_text(out, "verdict", "unknown");
        json_text(out, "component", component);
        json_null(out, "rule");
        json_null(out, "evidence");
        json_null(out, "until");
    }
    json_close_object(out);
}

static enum err keep_plan(struct desk *desk, struct sql *sql, const struct plan *plan,
                          int64_t now_ms)
{
    size_t size = 0;
    const char *bytes = plan ? rules_plan_bytes(desk->options.rules, plan->id, &size) : NULL;

    if (!bytes) {
        return ERR_OK;
    }
    return sql_run(sql,
                   "INSERT INTO plan_text (hash, plan, body, stored_ms) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (hash) DO NOTHING",
                   "ttbi", plan->hash, plan->id, bytes, size, now_ms);
}

struct documents { /* JSON columns of a new ticket */
    struct json_out classification, warranty, cause, remote, advice;
};

static void write_documents(struct desk *desk, const struct place *place,
                            const struct ticket_new *what, struct documents *documents)
{
    documents->classification = json_out(8192);
    documents->warranty = json_out(8192);
    documents->cause = json_out(32768);
    documents->remote = json_out(32768);
    documents->advice = json_out(8192);
    put_classification(&documents->classification, place, what);
    put_warranty(desk, &documents->warranty, place, what, what->onset_ms);
    put_causes(&documents->cause, what->rule);
    put_remote(&documents->remote, what->rule);
    if (what->rule) {
        put_words2(&documents->advice, &what->rule->advice);
    } else {
        json_put_null(&documents->advice);
    }
}

static enum err free_documents(struct documents *documents)
{
    struct json_out *all[] = {&documents->classification, &documents->warranty, &documents->cause,
                              &documents->remote, &documents->advice};
    enum err err = ERR_OK;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        err = err ? err : all[i]->err;
        json_out_free(all[i]);
    }
    return err;
}

static enum err insert_row(struct desk *desk, struct sql *sql, const struct place *place,
                           const struct ticket_new *what, int64_t now_ms)
{
    struct documents documents;
    char number[32], code[17], level[2] = {place->level, 0};
    enum err err, full;

    numbers_make('T', number, sizeof(number));
    numbers_secret(code, 16);
    write_documents(desk, place, what, &documents);
    err = sql_run(
        sql,
        "INSERT INTO ticket (number, cause_key, kind, equipment, agent, site, fault, grade, state,"
        " onset_ms, detected_ms, registered_ms, late, title_en, title_zh, classification,"
        " warranty, cause, remote, advice, evidence, children, track_code, plan, plan_hash,"
        " service_level, calendar, time_zone) VALUES (?1, ?2, ?3, NULLIF(?4, 0), NULLIF(?5, 0),"
        " NULLIF(?6, 0), ?7, ?8, 'registered', ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
        " ?19, ?20, ?21, ?22, ?23, ?24, ?25, NULLIF(?26, 0), ?27)",
        "tttiiitiiiiittttttttttttti"
        "t",
        number, what->cause_key, what->kind, what->agent ? (int64_t)0 : place->equipment,
        what->agent, place->site, what->fault, (int64_t)what->grade, what->onset_ms,
        what->detected_ms, now_ms, (int64_t)what->late, what->title.en, what->title.zh,
        documents.classification.bytes, documents.warranty.bytes, documents.cause.bytes,
        documents.remote.bytes, documents.advice.bytes, what->evidence, what->children, code,
        place->plan ? place->plan->id : NULL, place->plan ? place->plan->hash : NULL, level,
        place->calendar, place->time_zone);
    full = free_documents(&documents);
    return err ? err : full;
}

enum err ticket_open(struct desk *desk, struct sql *sql, const struct place *place,
                     const struct ticket_new *what, int64_t now_ms, int64_t *ret_id)
{
    struct ticket ticket;
    enum err err = keep_plan(desk, sql, place->plan, now_ms);
    int64_t id;

    if (!err) {
        err = insert_row(desk, sql, place, what, now_ms);
    }
    if (err) {
        return err;
    }
    id = sql_last_id(sql);
    metric_add(METRIC_TICKETS, 1);
    err = ticket_line(sql, id, now_ms, now_ms, what->who, "register", what->action_id, what->note,
                      what->evidence);
    if (!err) {
        err = ticket_load(desk, sql, id, &ticket);
    }
    if (!err) {
        err = clocks_start(desk, sql, &ticket, PLAN_REGISTERED, now_ms);
    }
    if (!err) {
        err = clocks_start(desk, sql, &ticket, PLAN_REPORT, now_ms);
    }
    if (!err && place->equipment && !what->agent) {
        err = dispatch_propose(desk, sql, place, id, what, now_ms);
    }
    if (!err) {
        err = ticket_tell(desk, sql, &ticket, "opened", "a ticket was opened", now_ms);
    }
    if (!err) {
        err = clocks_judge(desk, sql, &ticket, now_ms);
    }
    if (!err) {
        err = ticket_changed(sql, id, now_ms);
    }
    *ret_id = id;
    return err;
}

/* ------------------------------------------------------------------ afterwards */

enum err ticket_regrade(struct desk *desk, struct sql *sql, struct ticket *ticket, int grade,
                        const char *who, const char *reason, int64_t at_ms, int64_t now_ms)
{
    TEXT(data, 64);
    TEXT(step, 64);
    enum err err;

    if (grade == ticket->grade || grade < 1 || grade > 3) {
        return ERR_OK;
    }
    text_addf(&data, "{\"from\":%d,\"to\":%d}", ticket->grade, grade);
    text_addf(&step, "regraded.%d.%lld", grade, (long long)at_ms);
    ticket->grade = grade;
    err = sql_run(sql,
                  "UPDATE ticket SET grade = ?2, classification = json_set(classification,"
                  " '$.severity', ?2, '$.urgency', ?3), version = version + 1 WHERE id = ?1",
                  "iit", ticket->id, (int64_t)grade, grade == 1 ? "emergency" : "normal");
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, who, "regrade", NULL, reason, data.at);
    }
    if (!err) {
        err = clocks_regrade(desk, sql, ticket);
    }
    if (!err) {
        err = ticket_tell(desk, sql, ticket, step.at, "the grade changed", now_ms);
    }
    if (!err) {
        err = clocks_judge(desk, sql, ticket, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err ticket_cleared(struct desk *desk, struct sql *sql, struct ticket *ticket,
                        int64_t cleared_ms, int64_t now_ms)
{
    const struct plan *plan = rules_plan(desk->options.rules, ticket->plan);
    enum err err;

    ticket->cleared_ms = cleared_ms;
    ticket->hold_until_ms = cleared_ms + (plan ? plan->hold_ms : 0);
    err = sql_run(sql,
                  "UPDATE ticket SET cleared_ms = ?2, hold_until_ms = ?3, version = version + 1"
                  " WHERE id = ?1",
                  "iii", ticket->id, cleared_ms, ticket->hold_until_ms);
    if (!err) {
        err = ticket_line(sql, ticket->id, cleared_ms, now_ms, "heliograph", "clear", NULL,
                          "telemetry is normal again", NULL);
    }
    if (!err && ticket->late) {
        /* nobody is told of what is over: the notices of a backlog wait long enough for that */
        err = sql_run(sql, "DELETE FROM outbox WHERE ticket = ?1 AND state = 'waiting'", "i",
                      ticket->id);
    } else if (!err) {
        TEXT(step, 64);

        text_addf(&step, "cleared.%lld", (long long)cleared_ms);
        err = ticket_tell(desk, sql, ticket, step.at, "telemetry is normal again", now_ms);
    }
    if (!err) {
        err = clocks_judge(desk, sql, ticket, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err ticket_relapsed(struct desk *desk, struct sql *sql, struct ticket *ticket, int64_t at_ms,
                         int64_t now_ms)
{
    struct ticket_facts facts = {.state = ticket->state};
    enum ticket_state state = ticket->state;
    enum err err;

    if (ticket_move(&facts, TICKET_RELAPSE, &state, NULL)) {
        state = ticket->state;
    }
    ticket->state = state;
    ticket->cleared_ms = 0;
    ticket->hold_until_ms = 0;
    err = sql_run(sql,
                  "UPDATE ticket SET cleared_ms = NULL, hold_until_ms = NULL, state = ?2, version ="
                  " version + 1 WHERE id = ?1",
                  "it", ticket->id, ticket_state_names[state]);
    if (!err) {
        err = clocks_restart(sql, ticket->id, PLAN_CLEARED_STOP);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, "heliograph", "relapse", NULL,
                          "the fault is back", NULL);
    }
    if (!err && !ticket->late) {
        TEXT(step, 64);

        text_addf(&step, "relapsed.%lld", (long long)at_ms);
        err = ticket_tell(desk, sql, ticket, step.at, "the fault is back", now_ms);
    }
    if (!err) {
        err = clocks_judge(desk, sql, ticket, now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}
