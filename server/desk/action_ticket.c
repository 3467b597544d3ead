/* Doers of the desk: what is said about a ticket, its grade, its charges, its coming back. */
#include "server/case/proof.h"
#include "server/desk/action.h"

#include <string.h>

enum err do_respond(struct move *move)
{
    return clocks_stop(move->sql, move->ticket->id, PLAN_RESPONSE, move->at_ms);
}

/* Said late: the word of a person that is younger counts, and telemetry's when it is worse (said_by_person in case/grade). */
static enum err judge_late(struct move *move, int64_t grade)
{
    struct sql_rows rows;
    bool person = false;
    int worst = 3;

    sql_find(move->sql, &rows,
             "SELECT person, value FROM ticket_class WHERE ticket = ?1 AND field = 'severity' AND at_ms > ?2 AND overtaken = 0",
             "ii", move->ticket->id, move->at_ms);
    while (sql_next(&rows)) {
        int64_t value = 3;

        (void)!text_to_int(sql_text(&rows, 1), strlen(sql_text(&rows, 1)), &value);
        person = person || sql_int(&rows, 0) != 0;
        worst = value < worst ? (int)value : worst;
    }
    move->overtaken = person || worst < grade;
    return sql_end(&rows);
}

enum err do_regrade(struct move *move)
{
    enum err err;

    int64_t grade = json_int_or(move->action->body, "grade", 0);
    const char *reason = json_text_or(move->action->body, "reason", NULL);

    if (grade < 1 || grade > 3) {
        return text_say(move->why, ERR_FORMAT, "regrade needs grade 1, 2 or 3");
    }
    if (!reason) {
        return text_say(move->why, ERR_FORMAT, "regrade needs a reason");
    }
    err = judge_late(move, grade);
    if (err || move->overtaken) {
        return err;
    }
    move->written = move->told = grade != move->ticket->grade;
    return ticket_regrade(move->office, move->sql, move->ticket, (int)grade, move->action->who, reason,
                          move->action->action_id, move->at_ms, move->now_ms);
}

enum err do_reset(struct move *move)
{
    return alarm_reset(move->office, move->sql, move->ticket, move->now_ms, move->why);
}

/* Within the plan's window (hold.reopen); later it is a new ticket. */
static enum err judge_reopen(struct move *move)
{
    const struct plan *plan = move->ticket->plan;
    int64_t window_ms = plan && plan->reopen_ms > 0 ? plan->reopen_ms : TICKET_REOPEN_PRESET_MS;

    if (!json_text_or(move->action->body, "reason", NULL)) {
        return text_say(move->why, ERR_FORMAT, "reopen needs a reason");
    }
    if (move->now_ms - move->ticket->closed_ms > window_ms) {
        return text_say(move->why, ERR_STATE,
                        "the ticket was closed more than %lld days ago. Legal: a new ticket",
                        (long long)(window_ms / 86400000));
    }
    if (ticket_of_cause(move->sql, move->ticket->cause_key)) {
        return text_say(move->why, ERR_STATE,
                        "another ticket is open for the same cause. Legal: actions on that one");
    }
    return ERR_OK;
}

/* The same number goes on; the time that it was closed is no time that anybody was late. */
enum err do_reopen(struct move *move)
{
    const struct ticket_kind *kind = ticket_kind_find(move->ticket->kind);
    enum err err = judge_reopen(move);

    if (!err) {
        err = sql_run(move->sql,
                      "INSERT INTO pause (ticket, from_ms, to_ms, reason, who) VALUES (?1, ?2, MAX(?2,"
                      " ?3), 'closed', ?4)",
                      "iiit", move->ticket->id, move->ticket->closed_ms, move->at_ms,
                      move->action->who);
    }
    if (!err) {
        err = sql_run(move->sql,
                      "UPDATE ticket SET closed_ms = NULL, resolution = NULL, cleared_ms = NULL WHERE id"
                      " = ?1",
                      "i", move->ticket->id);
    }
    if (!err) {
        err = proof_undone(move->sql, move->ticket->id, move->at_ms, json_text_or(move->action->body, "reason", NULL));
    }
    if (!err) {
        err = clocks_restart(move->sql, move->ticket->id);
    }
    move->ticket->closed_ms = 0;
    move->ticket->cleared_ms = 0;
    return err || !(kind && kind->visit) ? err : move_need_order(move); /* one that nobody could name yet, too */
}
