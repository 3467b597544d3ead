/* Doers of the way to a solution: remote attempt, diagnosis, plan, parts. */
#include <string.h>

#include "server/case/classes.h"
#include "server/desk/action.h"

static const char *said(const struct move *move, const char *field)
{
    const char *words = json_text_or(move->action->body, field, NULL);

    return words && words[0] ? words : NULL;
}

static bool is_one_of(const char *const *words, const char *word)
{
    for (; *words; words++) {
        if (strcmp(*words, word) == 0) {
            return true;
        }
    }
    return false;
}

/* S0-20: fixed, not fixed, or the customer would not try. Only a failed one opens the way on site. */
enum err do_remote_attempt(struct move *move)
{
    static const char *const results[] = {"fixed", "not_fixed", "refused", NULL};
    const char *result = said(move, "result");

    if (!result || !is_one_of(results, result)) {
        return text_say(move->why, ERR_FORMAT, "result: expected one of fixed not_fixed refused, found '%.40s'",
                        result ? result : "");
    }
    if (strcmp(result, "fixed") != 0) {
        return ticket_open_way(move->office, move->sql, move->ticket, "remote_failed");
    }
    if (move->ticket->state <= TICKET_ASSIGNED) { /* nobody has to come: telemetry says whether it helped */
        move->state = TICKET_TESTING;
    }
    return ERR_OK;
}

/* An optional word of a classification. ERR_FORMAT names the field. */
static enum err read_class(struct move *move, enum class_field field, const char **ret_word)
{
    const char *name = class_field_names[field];

    *ret_word = said(move, name);
    if (*ret_word && !is_one_of(class_words(field), *ret_word)) {
        TEXT(all, 100);

        for (const char *const *word = class_words(field); *word; word++) {
            text_addf(&all, " %s", *word);
        }
        return text_say(move->why, ERR_FORMAT, "%s: expected one of%s, found '%.40s'", name, all.at, *ret_word);
    }
    return ERR_OK;
}

/* S0-127: software is adjusted from afar; hardware is repaired or exchanged (RMA). */
static const char *path_of(const char *domain)
{
    return !domain                              ? NULL
           : strcmp(domain, "software") == 0    ? "adjust"
           : strcmp(domain, "external") == 0    ? "explain"
                                                : "repair_or_exchange";
}

static enum err write_diagnosis(struct move *move, const char *cause, const char *domain, const char *party)
{
    struct json_out out = json_out(64 * 1024);
    TEXT(at, 48);
    enum err err;

    zone_write(zone_utc(), move->at_ms, &at);
    json_open_object(&out);
    json_text(&out, "cause", cause);
    json_text(&out, "domain", domain);
    json_text(&out, "path", path_of(domain));
    json_text(&out, "component", said(move, "component"));
    json_text(&out, "responsible_party", party);
    json_text(&out, "who", move->action->who);
    json_text(&out, "at", at.at);
    json_close_object(&out);
    err = out.err;
    if (!err) {
        err = sql_run(move->sql, "UPDATE ticket SET diagnosis = ?2 WHERE id = ?1", "it", move->ticket->id,
                      out.bytes);
    }
    json_out_free(&out);
    return err;
}

/* What a person says of domain and party is a person's word. */
static enum err say_class(struct move *move, enum class_field field, const char *word)
{
    return word ? classes_say(move->office, move->sql, move->ticket, field, word, move->action->who,
                              "the diagnosis", move->at_ms)
                : ERR_OK;
}

/* One that is younger stays; delivered it was all the same. */
static enum err write_solution(struct move *move, const char *plan, const char *promised)
{
    struct json_out out = json_out(64 * 1024);
    enum err err;

    if (move->overtaken) {
        return clocks_stop(move->sql, move->ticket->id, PLAN_SOLUTION, move->at_ms);
    }
    json_open_object(&out);
    json_text(&out, "plan", plan);
    json_text(&out, "promised", promised);
    json_text(&out, "who", move->action->who);
    json_close_object(&out);
    err = out.err;
    if (!err) {
        err = sql_run(move->sql, "UPDATE ticket SET solution = ?2 WHERE id = ?1", "it", move->ticket->id,
                      out.bytes);
    }
    json_out_free(&out);
    return err ? err : clocks_stop(move->sql, move->ticket->id, PLAN_SOLUTION, move->at_ms);
}

enum err do_diagnose(struct move *move)
{
    const char *cause = said(move, "cause"), *plan = said(move, "plan"), *domain = NULL, *party = NULL;
    enum err err;

    if (!cause) {
        return text_say(move->why, ERR_FORMAT, "diagnose needs a cause");
    }
    err = read_class(move, CLASS_DOMAIN, &domain);
    if (!err) {
        err = read_class(move, CLASS_PARTY, &party);
    }
    if (!err && !move->overtaken) {
        err = write_diagnosis(move, cause, domain, party);
    }
    if (!err) {
        err = say_class(move, CLASS_DOMAIN, domain);
    }
    if (!err) {
        err = say_class(move, CLASS_PARTY, party);
    }
    if (!err) {
        err = classes_judge(move->office, move->sql, move->ticket, NULL, NULL, "the diagnosis", move->at_ms);
    }
    if (!err && !move->overtaken && (said(move, "component") || domain || party)) {
        err = warranty_again(move->office, move->sql, move->ticket, said(move, "component"), domain,
                             move->now_ms);
    }
    if (!err && party && !move->overtaken) {
        err = move_follow_party(move);
    }
    return err || !plan ? err : write_solution(move, plan, NULL);
}

/* S1-08: the plan is delivered, and the repair has a promised date from then on. */
enum err do_plan_solution(struct move *move)
{
    const char *plan = said(move, "plan"), *promised = said(move, "promised");
    int64_t until_ms = 0;
    enum err err;

    if (!plan) {
        return text_say(move->why, ERR_FORMAT, "plan_solution needs a plan");
    }
    if (promised && (civil_read_instant(promised, &until_ms) || until_ms <= move->at_ms)) {
        return text_say(move->why, ERR_FORMAT,
                        "promised: expected an RFC 3339 time after the plan's own, found '%.40s'", promised);
    }
    err = write_solution(move, plan, promised);
    return err || !promised || move->overtaken
               ? err
               : clocks_promise(move->sql, move->ticket, "promised", PLAN_CLEARED_STOP, until_ms, move->at_ms);
}

/* S0-116: from the decision on the spare part is under way. None in any depot: the fault is complex (G-16). */
enum err do_request_part(struct move *move)
{
    const char *part = said(move, "part");
    int64_t row = sql_find_int(move->sql, 0, "SELECT id FROM part WHERE name = ?1", "t", part);
    int64_t wanted = json_int_or(move->action->body, "count", 1);
    enum err err;

    if (!row) {
        return text_say(move->why, ERR_FORMAT, "request_part needs a part; there is none called '%.60s'",
                        part ? part : "");
    }
    if (wanted < 1 || wanted > 1000) {
        return text_say(move->why, ERR_FORMAT, "count: expected 1 to 1000");
    }
    err = clocks_start(move->office, move->sql, move->ticket, PLAN_DECIDED, move->at_ms);
    if (err || sql_find_int(move->sql, 0, "SELECT CAST(SUM(count - held) AS BIGINT) FROM stock WHERE part = ?1", "i", row) >= wanted) {
        return err;
    }
    return classes_add(move->office, move->sql, move->ticket, 1U << CONDITION_NO_STOCK, "a part was requested",
                       move->at_ms);
}

enum err do_deliver_part(struct move *move)
{
    return clocks_stop(move->sql, move->ticket->id, PLAN_DELIVERED, move->at_ms);
}

/* S0-114: cause, plan, clearance. Where nobody laid a hand on it there is nothing to explain. */
enum err move_judge_close(struct move *move)
{
    const struct ticket *ticket = move->ticket;
    bool wanted = ticket->plan && ticket->plan->ticket.cause_before_close && ticket->fault &&
                  sql_find_int(move->sql, 0,
                               "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action IN ('start', 'finish')"
                               " LIMIT 1",
                               "i", ticket->id);

    if (!wanted || (ticket->has_cause && ticket->has_solution)) {
        return ERR_OK;
    }
    return text_say(move->why, ERR_STATE,
                    "close is not legal now: the plan wants cause, plan and clearance in that order (S0-114)."
                    " Legal: %s",
                    ticket->has_cause ? "plan_solution" : "diagnose (cause, plan)");
}
