/* What people do with a complaint. */
#include <string.h>

#include "server/case/duties.h"
#include "server/fleet/crew.h"
#include "server/relation/complaint_int.h"
#include "server/relation/improve.h"

struct doing {
    struct office *office;
    struct sql *sql;
    const struct complaint *complaint;
    const struct action *action;
    int64_t at_ms, now_ms;
    struct text *why;
};

static enum err set_state(const struct doing *doing, enum complaint_state state)
{
    return sql_run(doing->sql, "UPDATE complaint SET state = ?2, version = version + 1 WHERE id = ?1", "it",
                   doing->complaint->id, complaint_state_names[state]);
}

static enum err stop(const struct doing *doing, enum plan_complaint_limit limit)
{
    return duty_stop(doing->sql, "complaint", doing->complaint->id, complaint_duties[limit], doing->at_ms);
}

static enum err line(const struct doing *doing, const char *note)
{
    return complaint_line(doing->sql, doing->complaint->id, doing->at_ms, doing->now_ms, doing->action->who,
                          doing->action->action, doing->action->action_id, note);
}

/* ------------------------------------------------------------------ classified */

static enum err read_code(const struct doing *doing, const char *name, const struct code_list *list, const char **ret_code)
{
    *ret_code = json_text_or(doing->action->body, name, NULL);
    if (!*ret_code || !text_is_id(*ret_code) || (list && list->count && !codes_find(list, *ret_code))) {
        TEXT(names, 600);

        if (list) {
            codes_name(list, &names);
        }
        return text_say(doing->why, ERR_FORMAT, "%s: expected one of %s, found '%.40s'", name, names.at,
                        *ret_code ? *ret_code : "");
    }
    return ERR_OK;
}

static enum err classify(const struct doing *doing)
{
    const struct codes *codes = rules_codes(doing->office->options.rules);
    const struct complaint *complaint = doing->complaint;
    const char *category, *nature, *severity;
    bool top = false;
    TEXT(note, 400);
    enum err err = read_code(doing, "class", codes ? &codes->classes : NULL, &category);

    err = err ? err : read_code(doing, "nature", codes ? &codes->natures : NULL, &nature);
    err = err ? err : read_code(doing, "severity", codes ? &codes->severities : NULL, &severity);
    if (err) {
        return err;
    }
    text_addf(&note, "%s, %s, %s", category, nature, severity);
    err = sql_run(doing->sql,
                  "UPDATE complaint SET category = ?2, nature = ?3, severity = ?4, state = CASE state WHEN 'forwarded' THEN"
                  " state ELSE 'classified' END, version = version + 1 WHERE id = ?1",
                  "ittt", complaint->id, category, nature, severity);
    err = err ? err : line(doing, note.at);
    for (size_t i = 0; complaint->plan && complaint->plan->complaint.straight_up[i]; i++) {
        top = top || text_same(complaint->plan->complaint.straight_up[i], severity);
    }
    return err || !top ? err
                       : complaint_up(doing->office, doing->sql, complaint,
                                      (int64_t)complaint->plan->complaint.chain_count - 1, "heliograph", "escalate", NULL,
                                      severity, doing->at_ms, doing->now_ms);
}

/* ------------------------------------------------------------------ forwarded */

/* Who is named, or the lead of the department, or who of the level has least to do; never one who is complained of. */
static enum err new_owner(const struct doing *doing, const char *department, int64_t *ret_owner)
{
    const char *named = json_text_or(doing->action->body, "owner", NULL);
    const struct complaint *complaint = doing->complaint;
    const struct crew_team *team;
    const struct crew *crew;
    int64_t level = 0;
    bool barred = false;
    enum err err = office_crew(doing->office, doing->sql, &crew);

    if (err) {
        return err;
    }
    team = crew_team_named(crew, department);
    if (team && team->id == complaint->team) {
        return text_say(doing->why, ERR_STATE, "team %.64s is complained of. Legal: another department", department);
    }
    if (!named) {
        named = team ? team->lead : NULL;
    }
    if (!named) {
        err = complaint_owner(doing->office, doing->sql, complaint, complaint->level, doing->now_ms, &level, ret_owner);
        *ret_owner = *ret_owner ? *ret_owner : complaint->owner;
        return err;
    }
    *ret_owner = sql_find_int(doing->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", named);
    if (!*ret_owner) {
        return text_say(doing->why, ERR_FORMAT, "owner: expected somebody of the fleet file, found '%.64s'", named);
    }
    err = complaint_bars(doing->office, doing->sql, complaint, *ret_owner, &barred);
    return err || !barred ? err
                          : text_say(doing->why, ERR_STATE, "%.64s is, or belongs to, what is complained of. Legal: somebody else",
                                     named);
}

static enum err forward(const struct doing *doing)
{
    const char *department = json_text_or(doing->action->body, "department", NULL);
    int64_t owner = 0;
    TEXT(step, 160);
    TEXT(note, 200);
    enum err err;

    if (!department || !department[0] || strlen(department) > 64) {
        return text_say(doing->why, ERR_FORMAT, "department: expected a team or another department, at most 64 bytes");
    }
    err = new_owner(doing, department, &owner);
    err = err ? err
              : sql_run(doing->sql,
                        "UPDATE complaint SET department = ?2, owner = NULLIF(?3, 0), state = 'forwarded', version = version +"
                        " 1 WHERE id = ?1",
                        "iti", doing->complaint->id, department, owner);
    text_addf(&note, "to %s%s%.100s", department, doing->action->note ? ": " : "", doing->action->note ? doing->action->note : "");
    err = err ? err : line(doing, note.at);
    text_addf(&step, "forward.%lld", (long long)doing->complaint->version);
    return err ? err : complaint_tell(doing->office, doing->sql, doing->complaint, step.at, "it is yours to investigate",
                                      doing->now_ms);
}

static enum err up(const struct doing *doing)
{
    return complaint_up(doing->office, doing->sql, doing->complaint, doing->complaint->level + 1, doing->action->who,
                        doing->action->action, doing->action->action_id, doing->action->note, doing->at_ms, doing->now_ms);
}

/* ------------------------------------------------------------------ investigated and answered */

/* S2-35: what is justified becomes a line of the improvement register, with or without a measure already. */
static enum err report(const struct doing *doing)
{
    const struct complaint *complaint = doing->complaint;
    const char *finding = json_text_or(doing->action->body, "finding", NULL);
    const char *cause = json_text_or(doing->action->body, "cause", NULL);
    struct improvement new = {.source = "complaint", .key = complaint->number, .complaint = complaint->id,
                              .ticket = complaint->ticket, .title = doing->action->note,
                              .measure = json_text_or(doing->action->body, "measure", NULL), .who = doing->action->who};
    enum err err;

    if (complaint_word(complaint_finding_names, finding) < 0) {
        return text_say(doing->why, ERR_FORMAT, "finding: expected justified, partly or unjustified, found '%.40s'",
                        finding ? finding : "");
    }
    if (!text_same(finding, "unjustified") && (!cause || !text_is_id(cause))) {
        return text_say(doing->why, ERR_FORMAT, "cause: expected a word of letters, digits, _ and -");
    }
    err = sql_run(doing->sql,
                  "UPDATE complaint SET finding = ?2, cause = ?3, report = ?4, state = 'reported', version = version + 1 WHERE"
                  " id = ?1",
                  "ittt", complaint->id, finding, cause, doing->action->note);
    err = err ? err : line(doing, doing->action->note);
    return err || text_same(finding, "unjustified") ? err : improve_open(doing->sql, &new, doing->at_ms);
}

static enum err answer(const struct doing *doing)
{
    const struct complaint *complaint = doing->complaint;
    int64_t wait_ms = complaint->plan ? complaint->plan->complaint.deemed_ms : 0;
    TEXT(key, 80);
    enum err err = sql_run(doing->sql,
                           "UPDATE complaint SET answer = ?2, answered_ms = COALESCE(answered_ms, ?3), state = 'answered',"
                           " deem_ms = NULLIF(?4, 0), again_ms = NULL, version = version + 1 WHERE id = ?1",
                           "itii", complaint->id, doing->action->note, doing->at_ms,
                           wait_ms ? doing->now_ms + wait_ms : (int64_t)0);

    err = err ? err : stop(doing, PLAN_COMPLAINT_ACKNOWLEDGE);
    err = err ? err : stop(doing, PLAN_COMPLAINT_ANSWER);
    err = err ? err : line(doing, doing->action->note);
    text_addf(&key, "answer.%lld", (long long)complaint->version);
    return err ? err : complaint_say(doing->office, doing->sql, complaint, "complaint_answered", key.at, doing->action->note,
                                     doing->now_ms);
}

static enum err close_it(const struct doing *doing, const char *outcome)
{
    enum err err = sql_run(doing->sql,
                           "UPDATE complaint SET state = 'closed', closed_ms = ?2, outcome = ?3, deem_ms = NULL, again_ms ="
                           " NULL, version = version + 1 WHERE id = ?1",
                           "iit", doing->complaint->id, doing->at_ms, outcome);

    for (int i = 0; !err && i < PLAN_COMPLAINT_LIMITS; i++) {
        err = stop(doing, (enum plan_complaint_limit)i);
    }
    return err ? err : line(doing, doing->action->note);
}

static enum err opinion(const struct doing *doing)
{
    bool accepted;
    enum err err;

    if (!json_as_bool(json_field(doing->action->body, "accepted"), &accepted)) {
        return text_say(doing->why, ERR_FORMAT, "accepted: expected true or false");
    }
    err = sql_run(doing->sql, "UPDATE complaint SET accepted = ?2, opinion = ?3, deem_ms = NULL WHERE id = ?1", "iit",
                  doing->complaint->id, (int64_t)accepted, doing->action->note);
    if (err || accepted) {
        return err ? err : close_it(doing, "accepted");
    }
    err = set_state(doing, COMPLAINT_FORWARDED);
    return err ? err : up(doing);
}

static enum err acknowledge(const struct doing *doing)
{
    enum err err = stop(doing, PLAN_COMPLAINT_ACKNOWLEDGE);

    err = err ? err : sql_run(doing->sql, "UPDATE complaint SET version = version + 1 WHERE id = ?1", "i", doing->complaint->id);
    return err ? err : line(doing, doing->action->note);
}

static enum err note(const struct doing *doing)
{
    enum err err = sql_run(doing->sql, "UPDATE complaint SET version = version + 1 WHERE id = ?1", "i", doing->complaint->id);

    return err ? err : line(doing, doing->action->note);
}

static enum err close_unheard(const struct doing *doing)
{
    return close_it(doing, doing->action->role == ROLE_SERVER ? "deemed" : "closed");
}

static enum err withdraw(const struct doing *doing)
{
    return close_it(doing, "withdrawn");
}

static const struct {
    const char *action;
    enum err (*run)(const struct doing *doing);
} doers[] = {
    {"acknowledge", acknowledge}, {"classify", classify}, {"forward", forward}, {"refuse", up},           {"report", report},
    {"answer", answer},           {"opinion", opinion},   {"escalate", up},     {"close", close_unheard}, {"withdraw", withdraw},
    {"note", note},
};

/* ------------------------------------------------------------------ legal */

static enum err illegal(const struct doing *doing, const char *reason)
{
    TEXT(legal, 200);

    complaint_legal(doing->complaint->state, doing->action->role, &legal);
    return text_say(doing->why, ERR_STATE, "the complaint is %s: %s. Legal: %s",
                    complaint_state_names[doing->complaint->state], reason, legal.at);
}

/* An account that is named as the person in the fleet file. */
static enum err check_actor(const struct doing *doing)
{
    int64_t person = sql_find_int(doing->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", doing->action->who);
    bool barred = false;
    enum err err = person ? complaint_bars(doing->office, doing->sql, doing->complaint, person, &barred) : ERR_OK;

    return err || !barred ? err
                          : text_say(doing->why, ERR_STATE, "%.64s is, or belongs to, what is complained of. Legal: nothing",
                                     doing->action->who);
}

static enum err check(const struct doing *doing, const struct complaint_move *move, bool customer)
{
    enum role role = doing->action->role;

    if (!move) {
        TEXT(legal, 200);

        complaint_legal(doing->complaint->state, role, &legal);
        return text_say(doing->why, ERR_FORMAT, "no action called '%.40s' for complaints. Legal: %s", doing->action->action,
                        legal.at);
    }
    if (!customer && role != ROLE_SERVER && !(move->may & ROLE_BIT(role))) {
        return illegal(doing, "your role may not do that");
    }
    if (!(move->from >> doing->complaint->state & 1)) {
        return illegal(doing, "not now");
    }
    if (move->note && (!doing->action->note || !doing->action->note[0])) {
        return text_say(doing->why, ERR_FORMAT, "note: expected words for %s", move->action);
    }
    if (doing->action->note && strlen(doing->action->note) > COMPLAINT_TEXT_MOST) {
        return text_say(doing->why, ERR_FORMAT, "note: expected at most %d bytes", COMPLAINT_TEXT_MOST);
    }
    return customer ? ERR_OK : check_actor(doing);
}

enum err complaint_act(struct office *office, struct sql *sql, int64_t id, const struct action *action, int64_t now_ms,
                       struct text *why)
{
    bool customer = text_same(action->who, "customer") && text_same(action->action, "opinion");
    struct complaint complaint;
    struct doing doing = {office, sql, &complaint, action, now_ms, now_ms, why};
    int64_t registered_ms;
    enum err err = complaint_load(office, sql, id, &complaint);

    if (err || (action->action_id && sql_find_int(sql, 0,
                                                  "SELECT 1 FROM complaint_event WHERE complaint = ?1 AND action_id = ?2", "it",
                                                  id, action->action_id))) {
        return err;
    }
    err = check(&doing, complaint_move(action->action), customer);
    registered_ms = sql_find_int(sql, 0, "SELECT registered_ms FROM complaint WHERE id = ?1", "i", id);
    err = err ? err : action_time(action->at_ms, registered_ms, now_ms, &doing.at_ms, why);
    for (size_t i = 0; !err && i < sizeof(doers) / sizeof(doers[0]); i++) {
        if (text_same(doers[i].action, action->action)) {
            return doers[i].run(&doing);
        }
    }
    return err;
}
