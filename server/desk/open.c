/* A ticket is opened, with everything that follows from it: classification, warranty verdict, causes,
 * clocks, a proposed work order, notices. */
#include <string.h>

#include "server/desk/desk_int.h"
#include "server/fleet/numbers.h"
#include "server/store/metrics.h"

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

static void put_warranty(struct office *office, struct json_out *out, const struct place *place,
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
                                  place_day(office, place, onset_ms));
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
        json_text(out, "rule",
                  place->plan ? "the plan's warranty is judged by component" : "no plan is known");
        json_text(out, "evidence", component ? NULL : "the component is not known yet");
        json_null(out, "until");
    }
    json_close_object(out);
}

struct documents { /* JSON columns of a new ticket */
    struct json_out classification, warranty, cause, remote, advice;
};

static void write_documents(struct office *office, const struct place *place,
                            const struct ticket_new *what, struct documents *documents)
{
    documents->classification = json_out(8192);
    documents->warranty = json_out(8192);
    documents->cause = json_out(32768);
    documents->remote = json_out(32768);
    documents->advice = json_out(8192);
    put_classification(&documents->classification, place, what);
    put_warranty(office, &documents->warranty, place, what, what->onset_ms);
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

static enum err insert_row(struct office *office, struct sql *sql, const struct place *place,
                           const struct ticket_new *what, int64_t now_ms)
{
    struct documents documents;
    char number[32], code[17], level[2] = {place->level, 0};
    enum err err, full;

    numbers_make('T', number, sizeof(number));
    numbers_secret(code, 16);
    write_documents(office, place, what, &documents);
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

enum err ticket_open(struct office *office, struct sql *sql, const struct place *place,
                     const struct ticket_new *what, int64_t now_ms, int64_t *ret_id)
{
    struct ticket ticket;
    enum err err = place->plan ? rules_keep_plan(sql, place->plan, now_ms) : ERR_OK;
    int64_t id;

    if (!err) {
        err = insert_row(office, sql, place, what, now_ms);
    }
    if (err) {
        return err;
    }
    id = sql_last_id(sql);
    metric_add(METRIC_TICKETS, 1);
    err = ticket_line(sql, id, now_ms, now_ms, what->who, "register", what->action_id, what->note,
                      what->evidence);
    if (!err) {
        err = ticket_load(office, sql, id, &ticket);
    }
    if (!err) {
        err = clocks_start(office, sql, &ticket, PLAN_REGISTERED, now_ms);
    }
    if (!err) {
        err = clocks_start(office, sql, &ticket, PLAN_REPORT, now_ms);
    }
    if (!err && strcmp(what->who, "heliograph") != 0) { /* who reports gets the number with the answer */
        err = clocks_stop(sql, id, PLAN_RECEIPT, now_ms);
    }
    if (!err && (strcmp(what->kind, "fault") == 0 || strcmp(what->kind, "prediction") == 0)) {
        err = dispatch_propose(office, sql, place, id, what->rule, what->evidence, now_ms);
    }
    if (!err) {
        err = ticket_tell(office, sql, &ticket, "opened", "a ticket was opened", now_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, &ticket, now_ms);
    }
    if (!err) {
        err = ticket_changed(sql, id, now_ms);
    }
    *ret_id = id;
    return err;
}

/* ------------------------------------------------------------------ a caller's ticket gets its fault */

static enum err name_fault(struct office *office, struct sql *sql, const struct place *place,
                           const struct ticket_new *what, int64_t id)
{
    struct documents documents;
    enum err err, full;

    write_documents(office, place, what, &documents);
    err = sql_run(sql,
                  "UPDATE ticket SET cause_key = ?2, fault = ?3, title_en = CASE WHEN title_en = kind THEN"
                  " ?4 ELSE title_en END, title_zh = CASE WHEN title_zh = kind THEN ?5 ELSE title_zh END,"
                  " onset_ms = MIN(onset_ms, ?6), warranty = ?7, cause = ?8, remote = ?9, advice = ?10,"
                  " evidence = ?11, classification = ?12, version = version + 1 WHERE id = ?1",
                  "itttt" "itttttt", id, what->cause_key, what->fault, what->title.en, what->title.zh,
                  what->onset_ms, documents.warranty.bytes, documents.cause.bytes, documents.remote.bytes,
                  documents.advice.bytes, what->evidence, documents.classification.bytes);
    full = free_documents(&documents);
    return err ? err : full;
}

enum err ticket_adopt(struct office *office, struct sql *sql, const struct place *place,
                      const struct ticket_new *what, int64_t now_ms, int64_t id)
{
    struct ticket ticket;
    enum err err = name_fault(office, sql, place, what, id);

    if (!err) {
        err = dispatch_refresh(office, sql, place, id, what->rule, what->evidence, now_ms);
    }
    if (!err) {
        err = ticket_line(sql, id, now_ms, now_ms, what->who, "diagnose", NULL,
                          "telemetry shows what was reported", what->evidence);
    }
    if (!err) {
        err = ticket_load(office, sql, id, &ticket);
    }
    if (!err && what->grade < ticket.grade) {
        err = ticket_regrade(office, sql, &ticket, what->grade, what->who, "telemetry", NULL, now_ms, now_ms);
    }
    return err ? err : ticket_changed(sql, id, now_ms);
}
