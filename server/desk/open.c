/* A ticket is opened, with everything that follows from it: classification, warranty verdict, causes,
 * clocks, a proposed work order, notices. */
#include <string.h>

#include "models/fault/cause.h"
#include "server/alarm/alarm.h"
#include "server/case/classes.h"
#include "server/case/family.h"
#include "server/case/grade.h"
#include "server/desk/desk_int.h"
#include "server/field/owner.h"
#include "server/fleet/crew.h"
#include "server/fleet/numbers.h"
#include "server/store/metrics.h"

#define STANDBY_MOST 3 /* people that are named */

static void put_words2(struct json_out *out, const struct words2 *words)
{
    json_open_object(out);
    json_text(out, "en", words->en);
    json_text(out, "zh", words->zh);
    json_close_object(out);
}

static void put_remote(struct json_out *out, const struct fault_rule *rule)
{
    json_open_list(out);
    for (size_t i = 0; rule && i < rule->remote_count; i++) {
        put_words2(out, &rule->remote[i]);
    }
    json_close_list(out);
}

struct documents { /* JSON columns of a new ticket */
    struct json_out cause, remote, advice;
};

static void write_documents(const struct ticket_new *what, struct documents *documents)
{
    documents->cause = json_out(32768);
    documents->remote = json_out(32768);
    documents->advice = json_out(8192);
    cause_put(&documents->cause, what->rule);
    put_remote(&documents->remote, what->rule);
    if (what->rule) {
        put_words2(&documents->advice, &what->rule->advice);
    } else {
        json_put_null(&documents->advice);
    }
}

static enum err free_documents(struct documents *documents)
{
    struct json_out *all[] = {&documents->cause, &documents->remote, &documents->advice};
    enum err err = ERR_OK;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        err = err ? err : all[i]->err;
        json_out_free(all[i]);
    }
    return err;
}

static enum err insert_row(struct sql *sql, const struct place *place,
                           const struct ticket_new *what, int64_t now_ms)
{
    struct documents documents;
    char number[32], code[17], level[2] = {place->level, 0};
    enum err err, full;

    numbers_make('T', number, sizeof(number));
    numbers_secret(code, 16);
    write_documents(what, &documents);
    err = sql_run(
        sql,
        "INSERT INTO ticket (number, cause_key, kind, equipment, agent, site, fault, grade, state,"
        " onset_ms, detected_ms, registered_ms, late, title_en, title_zh, channel,"
        " cause, remote, advice, evidence, children, track_code, plan, plan_hash,"
        " service_level, calendar, time_zone) VALUES (?1, ?2, ?3, NULLIF(?4, 0), NULLIF(?5, 0),"
        " NULLIF(?6, 0), ?7, ?8, 'registered', ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
        " ?19, ?20, ?21, ?22, ?23, ?24, NULLIF(?25, 0), ?26)",
        "tttiiitiiiiitttttttttttti"
        "t",
        number, what->cause_key, what->kind, what->agent ? (int64_t)0 : place->equipment,
        what->agent, place->site, what->fault, (int64_t)what->grade, what->onset_ms,
        what->detected_ms, now_ms, (int64_t)what->late, what->title.en, what->title.zh,
        what->channel ? what->channel : "device", documents.cause.bytes, documents.remote.bytes, documents.advice.bytes, what->evidence, what->children, code,
        place->plan ? place->plan->id : NULL, place->plan ? place->plan->hash : NULL, level,
        place->calendar, place->time_zone);
    full = free_documents(&documents);
    return err ? err : full;
}

/* F-24: the same fault on the same equipment; *ret_rework: within the plan's window after closing. */
static int64_t earlier_ticket(struct sql *sql, const struct place *place, const struct ticket_new *what,
                              int64_t now_ms, bool *ret_rework)
{
    int64_t id = 0, window_ms = place->plan ? place->plan->ticket.repeat_ms : 0;
    struct sql_rows rows;

    bool by_caller = !what->fault && (text_same(what->kind, "fault") || text_same(what->kind, "emergency"));

    *ret_rework = false;
    if ((!what->fault && !by_caller) || what->agent || !place->equipment) {
        return 0;
    }
    /* who cannot name the fault may mean the last one; whether it is the same one telemetry or a person says */
    sql_find(sql, &rows,
             "SELECT id, closed_ms FROM ticket WHERE equipment = ?1 AND closed_ms IS NOT NULL AND (fault = ?2 OR (?2 IS"
             " NULL AND kind IN ('fault', 'emergency') AND closed_ms >= ?3)) ORDER BY id DESC LIMIT 1",
             "iti", place->equipment, what->fault, now_ms - window_ms);
    if (sql_next(&rows)) {
        id = sql_int(&rows, 0);
        *ret_rework = !by_caller && window_ms > 0 && now_ms - sql_int(&rows, 1) <= window_ms;
    }
    return sql_end(&rows) ? 0 : id;
}

static enum err number_line(struct sql *sql, int64_t id, int64_t earlier, const char *fault, bool rework, int64_t now_ms)
{
    struct sql_rows rows;
    TEXT(note, 200);

    sql_find(sql, &rows, "SELECT number FROM ticket WHERE id = ?1", "i", earlier);
    if (sql_next(&rows)) {
        text_addf(&note,
                  rework  ? "the same fault again after %s was closed: one more severe, non-routine"
                  : fault ? "the same fault as %s, long ago"
                          : "the last fault of this equipment was %s, not long ago",
                  sql_text(&rows, 0));
    }
    enum err err = sql_end(&rows);

    return err ? err : ticket_line(sql, id, now_ms, now_ms, "heliograph", "repeat", NULL, note.at, NULL);
}

/* What the row has beside what it was inserted with: its earlier ticket, its slip, its kind's grade. */
static enum err write_more(struct sql *sql, const struct place *place, const struct ticket_new *what, int64_t id,
                           int64_t now_ms)
{
    struct ticket_rules preset = ticket_rules_preset();
    const struct ticket_rules *rules = place->plan ? &place->plan->ticket : &preset;
    bool rework;
    int64_t earlier = earlier_ticket(sql, place, what, now_ms, &rework);
    int grade = what->grade - (rework ? rules->repeat_raise : 0);
    struct slip slip;
    enum err err = slip_fill(sql, place, what->report, what->note ? what->note : what->title.en, &slip);

    if (!err) {
        err = sql_run(sql,
                      "UPDATE ticket SET earlier = NULLIF(?2, 0), rework = ?3, conditions = ?4, grade = ?5,"
                      " caller = ?6, missing = ?7, caller_key = NULLIF(?8, ''), contract = ?9 WHERE id = ?1",
                      "iiiiitttt", id, earlier, (int64_t)rework,
                      (int64_t)(rework ? 1U << CONDITION_REPEAT : 0), (int64_t)(grade < 1 ? 1 : grade),
                      slip.caller.bytes, slip.incomplete && !what->agent ? slip.missing.bytes : NULL, slip.key, place->contract);
    }
    if (!err && earlier) {
        err = number_line(sql, id, earlier, what->fault, rework, now_ms);
    }
    slip_free(&slip);
    return err;
}

/* A caller's ticket about equipment whose link is lost belongs to the link's ticket. */
static enum err join_link(struct office *office, struct sql *sql, const struct place *place,
                          const struct ticket *ticket, int64_t now_ms)
{
    int64_t id = sql_find_int(sql, 0,
                              "SELECT t.id FROM agent a JOIN ticket t ON t.cause_key = 'link:' || a.name AND"
                              " t.closed_ms IS NULL WHERE a.id = ?1 AND a.silent_since_ms IS NOT NULL",
                              "i", place->agent);
    struct ticket link;
    TEXT(why, 200);
    enum err err;

    if (!id) {
        return ERR_OK;
    }
    err = ticket_load(office, sql, id, &link);
    return err ? err : family_attach(sql, ticket, &link, "heliograph", now_ms, now_ms, &why);
}

/* Who is on call now, in the order in which they are asked: "; stands by: Wang Jun +86 139 …, …". */
static enum err put_standby(struct office *office, struct sql *sql, const struct place *place, int64_t now_ms,
                            struct text *to)
{
    const struct crew_person *people[STANDBY_MOST];
    const struct crew *crew;
    size_t count;
    enum err err = office_crew(office, sql, &crew);

    if (err) {
        return err;
    }
    count = crew_on_call(crew, place->plan ? place->plan->id : NULL, now_ms, people, STANDBY_MOST);
    for (size_t i = 0; i < count; i++) {
        text_addf(to, "%s%s%s%s", i ? ", " : "; stands by: ", people[i]->title ? people[i]->title : people[i]->name,
                  people[i]->phone ? " " : "", people[i]->phone ? people[i]->phone : "");
    }
    if (count == 0) {
        text_add(to, "; no roster has anybody on call");
    }
    return ERR_OK;
}

/* S0-119: in a guard period what happens is more urgent, and the time line says who stands by. */
static enum err note_guard(struct office *office, struct sql *sql, const struct place *place, struct ticket *ticket,
                           int64_t now_ms)
{
    struct window_seen guard;
    bool found = false;
    TEXT(note, 800);
    enum err err = place->equipment ? window_find(sql, place->equipment, 0, "guard", now_ms, now_ms, &found, &guard)
                                    : ERR_OK;

    if (err || !found) {
        return err;
    }
    ticket->conditions |= 1U << CONDITION_GUARD;
    text_addf(&note, "guard period %s: %s", guard.name, guard.reason);
    err = put_standby(office, sql, place, now_ms, &note);
    return err ? err : ticket_line(sql, ticket->id, now_ms, now_ms, "heliograph", "guard", NULL, note.at, NULL);
}

/* The row and its time line; the clocks do not run yet. */
static enum err begin(struct office *office, struct sql *sql, const struct place *place,
                      const struct ticket_new *what, int64_t now_ms, struct ticket *ticket)
{
    const char *domain = what->rule ? what->rule->domain : what->domain;
    int64_t id;
    enum err err = insert_row(sql, place, what, now_ms);

    if (err) {
        return err;
    }
    id = sql_last_id(sql);
    metric_add(METRIC_TICKETS, 1);
    err = ticket_line(sql, id, now_ms, now_ms, what->who, "register", what->action_id, what->note,
                      what->evidence);
    if (!err) {
        err = write_more(sql, place, what, id, now_ms);
    }
    if (!err) {
        err = owner_begin(sql, id, now_ms);
    }
    if (!err) {
        err = money_judge(office, sql, id, what->rule ? what->rule->component : what->component, domain, now_ms);
    }
    if (!err) {
        err = ticket_load(office, sql, id, ticket);
    }
    if (!err && place->critical) {
        ticket->conditions |= 1U << CONDITION_CRITICAL;
    }
    if (!err && what->rule && what->rule->safety) {
        ticket->conditions |= 1U << CONDITION_SAFETY;
    }
    if (!err && ((what->rule && what->rule->danger) || strcmp(what->kind, "prediction") == 0)) {
        ticket->conditions |= 1U << CONDITION_DANGER;
    }
    if (!err && what->fault && (!what->rule || what->rule->cause_count == 0)) {
        ticket->conditions |= 1U << CONDITION_UNKNOWN;
    }
    if (!err) {
        err = note_guard(office, sql, place, ticket, now_ms);
    }
    if (!err) {
        err = sql_run(sql, "UPDATE ticket SET conditions = ?2 WHERE id = ?1", "ii", id,
                      (int64_t)ticket->conditions);
    }
    return err ? err : classes_judge(office, sql, ticket, domain, NULL, "registered", now_ms);
}

static bool goes_out(const struct office *office)
{
    return office->options.has_smtp || office->options.sms_segments > 0 || (office->options.webhooks && office->options.webhooks[0]);
}

enum err ticket_open(struct office *office, struct sql *sql, const struct place *place,
                     const struct ticket_new *what, int64_t now_ms, int64_t *ret_id)
{
    const struct ticket_kind *kind = ticket_kind_find(what->kind);
    struct ticket ticket;
    enum err err = place->plan ? rules_keep_plan(sql, place->plan, now_ms) : ERR_OK;

    if (!err) {
        err = begin(office, sql, place, what, now_ms, &ticket);
    }
    if (err) {
        return err;
    }
    err = clocks_start(office, sql, &ticket, PLAN_REGISTERED, now_ms);
    if (!err) {
        err = clocks_start(office, sql, &ticket, PLAN_REPORT, now_ms);
    }
    /* who reports gets the number with the answer; where nothing goes out, the list itself is the receipt */
    if (!err && (strcmp(what->who, "heliograph") != 0 || !goes_out(office))) {
        err = clocks_stop(sql, ticket.id, PLAN_RECEIPT, now_ms);
    }
    if (!err && kind && kind->visit) {
        err = dispatch_propose(office, sql, place, ticket.id, what->rule, what->evidence, now_ms);
    }
    if (!err && what->report && !what->agent) {
        err = join_link(office, sql, place, &ticket, now_ms);
    }
    if (!err) {
        err = ticket_tell(office, sql, &ticket, "opened", "a ticket was opened", now_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, &ticket, now_ms, now_ms);
    }
    if (!err) {
        err = ticket_changed(sql, ticket.id, now_ms);
    }
    *ret_id = ticket.id;
    return err;
}

enum err warranty_again(struct office *office, struct sql *sql, const struct ticket *ticket, const char *component,
                        const char *domain, int64_t now_ms)
{
    enum err err = money_judge(office, sql, ticket->id, component, domain, now_ms);

    return err || !component ? err
                             : ticket_line(sql, ticket->id, now_ms, now_ms, "heliograph", "warranty", NULL,
                                           "judged anew by the component of the diagnosis", NULL);
}

/* ------------------------------------------------------------------ a caller's ticket gets its fault */

/* F-24: the customer called first, and telemetry says now that it is the fault of before. */
static enum err name_earlier(struct sql *sql, const struct place *place, const struct ticket_new *what, int64_t id,
                             int64_t now_ms)
{
    bool rework;
    int64_t earlier = earlier_ticket(sql, place, what, now_ms, &rework);
    enum err err;

    if (!earlier) {
        return ERR_OK;
    }
    err = sql_run(sql,
                  "UPDATE ticket SET earlier = ?2, rework = ?3, conditions = conditions | ?4 WHERE id = ?1", "iiii", id,
                  earlier, (int64_t)rework, (int64_t)(rework ? 1U << CONDITION_REPEAT : 0));
    return err ? err : number_line(sql, id, earlier, what->fault, rework, now_ms);
}

static enum err name_fault(struct sql *sql, const struct ticket_new *what, int64_t id)
{
    struct documents documents;
    enum err err, full;

    write_documents(what, &documents);
    err = sql_run(sql,
                  "UPDATE ticket SET cause_key = ?2, fault = ?3, title_en = CASE WHEN title_en = kind THEN"
                  " ?4 ELSE title_en END, title_zh = CASE WHEN title_zh = kind THEN ?5 ELSE title_zh END,"
                  " onset_ms = MIN(onset_ms, ?6), cause = ?7, remote = ?8, advice = ?9, exclusions = NULL,"
                  " evidence = ?10, version = version + 1 WHERE id = ?1",
                  "itttt" "itttt", id, what->cause_key, what->fault, what->title.en, what->title.zh,
                  what->onset_ms, documents.cause.bytes, documents.remote.bytes, documents.advice.bytes, what->evidence);
    full = free_documents(&documents);
    return err ? err : full;
}

enum err ticket_adopt(struct office *office, struct sql *sql, const struct place *place,
                      const struct ticket_new *what, int64_t now_ms, int64_t id)
{
    struct ticket ticket;
    enum err err = name_fault(sql, what, id);

    if (!err) {
        err = name_earlier(sql, place, what, id, now_ms);
    }
    if (!err) {
        err = money_judge(office, sql, id, what->rule ? what->rule->component : what->component,
                          what->rule ? what->rule->domain : what->domain, now_ms);
    }
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
    if (!err) {
        err = classes_judge(office, sql, &ticket, what->rule ? what->rule->domain : what->domain, NULL,
                            "telemetry shows what was reported", now_ms);
    }
    if (!err && grade_of(&ticket, what->grade) < ticket.grade) {
        err = ticket_regrade(office, sql, &ticket, grade_of(&ticket, what->grade), what->who, "telemetry", NULL, now_ms, now_ms);
    }
    return err ? err : ticket_changed(sql, id, now_ms);
}
