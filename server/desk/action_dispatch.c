/* Doers of dispatch: who goes and when, who has it, who takes it over. */
#include "models/service/plan_staff.h"
#include "server/desk/action.h"
#include "server/field/appointment.h"
#include "server/field/escalate.h"
#include "server/field/owner.h"
#include "server/field/route.h"
#include "server/visit/visits.h"

static enum err set_order(struct move *move, const char *state, int64_t team, int64_t technician,
                          const struct appointment *made)
{
    enum err err = sql_run(move->sql,
                           "UPDATE work_order SET state = ?2, team = COALESCE(NULLIF(?3, 0), team),"
                           " technician = COALESCE(NULLIF(?4, 0), technician), from_ms ="
                           " COALESCE(NULLIF(?5, 0), from_ms), to_ms = COALESCE(NULLIF(?6, 0), to_ms), agreed_by ="
                           " COALESCE(?7, agreed_by), version = version + 1, sequence = sequence + 1 WHERE ticket = ?1"
                           " AND kind = 'corrective' AND state NOT IN ('done', 'verified', 'closed', 'cancelled')",
                           "itiiiit", move->ticket->id, state, team, technician, made->from_ms, made->to_ms,
                           made->agreed_by);

    return err ? err
               : work_desk_moved(move->office, move->sql, move->ticket->id, move->action->action, move->action->who,
                                 move->at_ms, move->now_ms);
}

static int64_t team_named(struct move *move, const char *name)
{
    return sql_find_int(move->sql, 0, "SELECT id FROM team WHERE name = ?1", "t", name);
}

/*
 * The desk gives it to a team that has it from now on; when another team has it already, that one keeps it until
 * this one accepts (S0-141).
 */
static enum err give(struct move *move, int64_t team)
{
    struct owner_new what = {.team = team, .who = move->action->who, .at_ms = move->at_ms};
    struct owner_row owner;
    enum err err = owner_begin(move->sql, move->ticket->id, move->at_ms);

    if (!err) {
        err = owner_find(move->sql, move->ticket->id, &owner);
    }
    if (!err) {
        err = owner_ask(move->sql, move->ticket, &what);
    }
    if (!err && (owner.team == 0 || owner.team == team)) {
        err = owner_take(move->sql, move->ticket->id, false, move->at_ms);
    }
    return err;
}

/* What stops a clock may have been said before what starts it: a phone is late. */
static enum err stop_by_earlier(struct move *move, const char *action, enum plan_stop stop)
{
    int64_t at_ms = sql_find_int(
        move->sql, 0, "SELECT MIN(at_ms) FROM ticket_event WHERE ticket = ?1 AND action = ?2 AND at_ms >= ?3", "iti",
        move->ticket->id, action, move->at_ms);

    return at_ms ? clocks_stop(move->sql, move->ticket->id, stop, at_ms) : ERR_OK;
}

/* A team has it from now on, and by then it has to be arranged and checked. */
static enum err start_forwarded(struct move *move)
{
    enum err err = clocks_start(move->office, move->sql, move->ticket, PLAN_FORWARDED, move->at_ms);

    return err ? err : stop_by_earlier(move, "check", PLAN_CHECKED);
}

enum err do_dispatch(struct move *move)
{
    const char *name = json_text_or(move->action->body, "team", NULL);
    int64_t team = team_named(move, name);
    enum err err;

    if (!team) {
        return text_say(move->why, ERR_FORMAT, "dispatch needs a team; there is none called '%.60s'",
                        name ? name : "");
    }
    if (move->overtaken) { /* it was forwarded by then; where it is now others have said since */
        return clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    err = move_need_order(move);
    if (!err) {
        err = set_order(move, "dispatched", team, 0, &(struct appointment){0});
    }
    if (!err) {
        err = give(move, team);
    }
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    return err ? err : start_forwarded(move);
}

/* ------------------------------------------------------------------ assign */

/* The reason of an override, which has to be said; "" without one. */
static enum err read_override(struct move *move, const char **ret_reason)
{
    const struct cJSON *override = json_field(move->action->body, "override");

    *ret_reason = override && !json_is_null(override) ? json_text_or(override, "reason", NULL) : "";
    return *ret_reason && (!override || (*ret_reason)[0])
               ? ERR_OK
               : text_say(move->why, ERR_FORMAT, "override needs a reason: {\"reason\": …}");
}

/* Nobody is sent who may not do it, unless somebody says why. */
static enum err judge_technician(struct move *move, const char *name, int64_t from_ms, int64_t to_ms)
{
    struct ticket *ticket = move->ticket;
    struct route_ask ask = {.equipment = ticket->equipment, .site = ticket->site, .ticket = ticket->id,
                            .plan = ticket->plan,
                            .time_zone = ticket->time_zone, .from_ms = from_ms ? from_ms : move->at_ms,
                            .to_ms = to_ms ? to_ms : move->at_ms};
    struct arena *arena = office_scratch(move->office);
    const struct crew *crew;
    struct choice route = {.count = 0};
    const char *reason;
    enum err err = read_override(move, &reason);

    if (!err) {
        err = arena ? office_crew(move->office, move->sql, &crew) : ERR_NOMEM;
    }
    if (!err && !reason[0]) {
        err = route_find(arena, move->sql, move->office->options.rules, crew, &ask, &route);
    }
    for (size_t i = 0; !err && i < route.count; i++) {
        if (text_same(route.persons[i].technician, name) && route.verdicts[i].blocked) {
            TEXT(why, 400);

            routing_reasons(&route.verdicts[i], true, &why);
            return text_say(move->why, ERR_STATE,
                            "%s cannot be assigned: %s. Legal: assign of another one (candidates of the ticket), or with"
                            " override: {reason}",
                            name, why.at);
        }
    }
    return err;
}

/* The job's certificates and tools on the day of the appointment; what is left out with a reason stays left out when he
 * goes. */
static enum err judge_fit(struct move *move, int64_t technician, int64_t from_ms)
{
    int64_t order = sql_find_int(move->sql, 0,
                                 "SELECT id FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state NOT IN ('done',"
                                 " 'verified', 'closed', 'cancelled') ORDER BY id DESC LIMIT 1",
                                 "i", move->ticket->id);
    const char *reason = "";
    TEXT(words, 900);
    enum err err = order ? read_override(move, &reason) : ERR_OK;

    if (err || !order) {
        return err;
    }
    err = work_fit_waive(move->sql, order, reason[0] ? reason : NULL, move->action->who, move->at_ms);
    err = err ? err : work_unfit(move->office, move->sql, order, technician, from_ms ? from_ms : move->at_ms, &words);
    return err || !words.length ? err
                                : text_say(move->why, ERR_STATE,
                                           "cannot be assigned: %s. Legal: assign of another one (candidates of the ticket), or"
                                           " with override: {reason}",
                                           words.at);
}

/* Who sends somebody of a team has the team's word: it has the ticket. */
static enum err own(struct move *move, int64_t team, int64_t technician, bool arranged)
{
    struct owner_new what = {.team = team, .technician = technician, .who = move->action->who, .at_ms = move->at_ms};
    struct owner_row owner;
    enum err err = owner_begin(move->sql, move->ticket->id, move->at_ms);

    if (!err) {
        err = owner_find(move->sql, move->ticket->id, &owner);
    }
    if (!err && (owner.team != team || owner.refused_ms > owner.accepted_ms)) {
        err = owner_ask(move->sql, move->ticket, &what);
        if (!err) {
            err = owner_take(move->sql, move->ticket->id, owner.team != 0, move->at_ms);
        }
    }
    if (!err && arranged) {
        err = owner_arranged(move->sql, move->ticket->id, technician, move->at_ms);
    } else if (!err) {
        err = sql_run(move->sql,
                      "UPDATE assignment SET technician = ?2 WHERE ticket = ?1 AND owned_ms IS NOT NULL AND ended_ms IS"
                      " NULL",
                      "ii", move->ticket->id, technician);
    }
    return err;
}

/* S0-140: arranged is a technician with an appointment; the customer is told by the notice of this very
 * action, unless it is said that it cannot reach them; the copy is filed with the ticket. */
static enum err stop_assign(struct move *move, int64_t at_ms)
{
    int64_t id = move->ticket->id;
    bool told = true;
    enum err err = ERR_OK;

    (void)json_as_bool(json_field(move->action->body, "customer_told"), &told);
    if (sql_find_int(move->sql, 0,
                     "SELECT MAX(from_ms) FROM work_order WHERE ticket = ?1 AND state = 'assigned'", "i", id)) {
        err = clocks_stop(move->sql, id, PLAN_ASSIGNED, at_ms);
        if (!err) {
            err = clocks_stop(move->sql, id, PLAN_ARRANGED, at_ms);
        }
    }
    if (!err) {
        err = clocks_step(move->sql, id, PLAN_ASSIGNED, "filed", at_ms);
    }
    return err || !told ? err : clocks_step(move->sql, id, PLAN_ASSIGNED, "told", at_ms);
}

enum err do_assign(struct move *move)
{
    const char *name = json_text_or(move->action->body, "technician", NULL);
    int64_t technician =
        sql_find_int(move->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
    struct appointment made = {0};
    int64_t team;
    enum err err;

    if (!technician) {
        return text_say(move->why, ERR_FORMAT,
                        "assign needs a technician; there is none called '%.60s'", name ? name : "");
    }
    err = appointment_read(move->action->body, &made, move->why);
    if (!err && move->overtaken) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
        return err ? err : stop_assign(move, move->at_ms);
    }
    if (!err) {
        err = judge_technician(move, name, made.from_ms, made.to_ms);
    }
    team = sql_find_int(move->sql, 0, "SELECT team FROM technician WHERE id = ?1", "i", technician);
    if (!err) {
        err = move_need_order(move);
    }
    err = err ? err : judge_fit(move, technician, made.from_ms);
    if (!err) {
        err = set_order(move, "assigned", team, technician, &made);
    }
    if (!err) {
        err = own(move, team, technician, made.from_ms != 0);
    }
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_DISPATCHED, move->at_ms);
    }
    if (!err) {
        err = start_forwarded(move);
    }
    if (!err) {
        err = clocks_start(move->office, move->sql, move->ticket, PLAN_SCOPED, move->at_ms);
    }
    if (!err) {
        err = stop_by_earlier(move, "contact", PLAN_CONTACTED);
    }
    if (!err) { /* what is due at the site goes along */
        err = visits_ride_along(move->office, move->sql, move->ticket->id, move->action, move->now_ms);
    }
    return err ? err : stop_assign(move, move->at_ms);
}

/* ------------------------------------------------------------------ hand-over */

enum err do_handover(struct move *move)
{
    const char *team_name = json_text_or(move->action->body, "team", NULL);
    const char *name = json_text_or(move->action->body, "technician", NULL);
    struct owner_new what = {.who = move->action->who, .at_ms = move->at_ms, .handed_over = true};
    struct owner_row owner;
    enum err err = owner_find(move->sql, move->ticket->id, &owner);

    what.technician = sql_find_int(move->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
    what.team = what.technician && !team_name
                    ? sql_find_int(move->sql, 0, "SELECT team FROM technician WHERE id = ?1", "i", what.technician)
                    : team_named(move, team_name);
    if (err) {
        return err;
    }
    if ((team_name && !what.team) || (name && !what.technician) || (!what.team && !what.technician)) {
        return text_say(move->why, ERR_FORMAT, "handover needs a team or a technician that there is, found '%.60s'",
                        team_name ? team_name : name ? name : "");
    }
    if (what.team == owner.team && (!what.technician || what.technician == owner.technician)) {
        return text_say(move->why, ERR_STATE, "it is theirs already. Legal: a handover to others");
    }
    return owner_ask(move->sql, move->ticket, &what);
}

/* Who took it over has the order too, unless somebody is at it. */
enum err do_accept_handover(struct move *move)
{
    struct owner_row asked;
    enum err err = owner_find_asked(move->sql, move->ticket->id, &asked);

    if (!err && !asked.assignment) {
        return text_say(move->why, ERR_STATE, "nobody is asked to take it over. Legal: handover");
    }
    if (!err) {
        err = owner_take(move->sql, move->ticket->id, true, move->at_ms);
    }
    return err ? err
               : sql_run(move->sql,
                         "UPDATE work_order SET team = COALESCE(NULLIF(?2, 0), team), technician = NULLIF(?3, 0), state ="
                         " CASE WHEN ?3 > 0 THEN 'assigned' ELSE 'dispatched' END, version = version + 1, sequence ="
                         " sequence + 1 WHERE ticket = ?1 AND kind = 'corrective' AND state IN ('proposed', 'dispatched',"
                         " 'assigned', 'accepted', 'refused')",
                         "iii", move->ticket->id, asked.team, asked.technician);
}

/* S0-141: never without a reason that has a code. */
static enum err read_reason(struct move *move, const char **ret_reason)
{
    const struct plan *plan = move->ticket->plan;
    const char *said = json_text_or(move->action->body, "reason", NULL);
    const char *words = json_text_or(move->action->body, "text", move->action->note);
    TEXT(known, 300);

    for (const char *const *code = plan ? plan->staff->refusals : NULL; code && *code; code++) {
        text_addf(&known, " %s", *code);
        if (text_same(*code, said)) {
            *ret_reason = *code;
            return text_same(said, "other") && !(words && words[0])
                       ? text_say(move->why, ERR_FORMAT, "text: expected words with the reason other")
                       : ERR_OK;
        }
    }
    return text_say(move->why, ERR_FORMAT, "reason: expected one of%s, found '%.40s'", known.at, said ? said : "");
}

enum err do_refuse_handover(struct move *move)
{
    const char *reason = NULL, *words = json_text_or(move->action->body, "text", move->action->note);
    struct owner_row asked;
    enum err err = owner_find_asked(move->sql, move->ticket->id, &asked);

    if (!err && !asked.assignment) {
        return text_say(move->why, ERR_STATE, "nobody is asked to take it over. Legal: handover");
    }
    if (!err) {
        err = read_reason(move, &reason);
    }
    if (!err) {
        err = owner_refuse(move->sql, move->ticket->id, reason, words, move->at_ms);
    }
    return err ? err
               : owner_go_up(move->office, move->sql, move->ticket->id, reason, move->at_ms, move->now_ms);
}

/* ------------------------------------------------------------------ supervision, contact */

enum err do_check(struct move *move)
{
    static const char *const results[] = {"ok", "not_implemented", NULL};
    const char *result = json_text_or(move->action->body, "result", "ok");

    if (!text_same(result, results[0]) && !text_same(result, results[1])) {
        return text_say(move->why, ERR_FORMAT, "result: expected ok or not_implemented, found '%.40s'", result);
    }
    if (text_same(result, results[1])) {
        enum err err = clocks_start(move->office, move->sql, move->ticket, PLAN_UNHEEDED, move->at_ms);

        if (err) {
            return err;
        }
    }
    return clocks_stop(move->sql, move->ticket->id, PLAN_CHECKED, move->at_ms);
}

enum err do_contact(struct move *move)
{
    return clocks_stop(move->sql, move->ticket->id, PLAN_CONTACTED, move->at_ms);
}

enum err do_escalate(struct move *move)
{
    const char *reason = json_text_or(move->action->body, "reason", NULL);

    return reason && reason[0] ? ERR_OK : text_say(move->why, ERR_FORMAT, "escalate needs a reason");
}

/* S0-148: the leadership's word ends what is escalated. */
enum err do_decide(struct move *move)
{
    const char *decision = json_text_or(move->action->body, "decision", NULL);
    enum err err;

    if (!decision || !decision[0]) {
        return text_say(move->why, ERR_FORMAT, "decide needs a decision");
    }
    err = escalate_decide(move->sql, move->ticket->id, move->action->who, decision, move->at_ms, move->now_ms);
    return err ? err : clocks_stop(move->sql, move->ticket->id, PLAN_RULED, move->at_ms);
}
