/* Doers of what is owed to people: the result told, accepted or not, analysed, and the end of a ticket. */
#include "server/relation/improve.h"
#include "server/case/proof.h"
#include "server/desk/action.h"
#include "server/desk/closure.h"
#include "server/desk/rca.h"

/* ------------------------------------------------------------------ the result and the customer */

/* S0-127: the customer was told of the result, by a way that the server does not see. */
enum err do_feedback(struct move *move)
{
    return sql_run(move->sql, "UPDATE ticket SET fed_back_ms = COALESCE(fed_back_ms, ?2) WHERE id = ?1", "ii",
                   move->ticket->id, move->at_ms);
}

static enum err write_acceptance(struct move *move, const char *result, const char *remarks)
{
    const char *name = json_text_or(move->action->body, "name", NULL);
    enum err err = sql_run(move->sql,
                           "UPDATE acceptance SET result = ?2, at_ms = ?3, name = ?4, who = ?5, remarks = ?6 WHERE ticket ="
                           " ?1 AND result IS NULL",
                           "ititt" "t", move->ticket->id, result, move->at_ms, name, move->action->who, remarks);

    if (err || sql_changes(move->sql) > 0) {
        return err;
    }
    return sql_run(move->sql,
                   "INSERT INTO acceptance (ticket, asked_ms, due_ms, result, at_ms, name, who, remarks) VALUES (?1, ?3, ?3,"
                   " ?2, ?3, ?4, ?5, ?6)",
                   "ititt" "t", move->ticket->id, result, move->at_ms, name, move->action->who, remarks);
}

/* S1-33 */
enum err do_accept(struct move *move)
{
    if (move->overtaken) {
        return ERR_OK;
    }
    return write_acceptance(move, "accepted", json_text_or(move->action->body, "remarks", move->action->note));
}

/* S1-33, S1-43: the customer does not take the result: the same number goes on. */
enum err do_object(struct move *move)
{
    const char *reason = json_text_or(move->action->body, "reason", NULL);
    enum err err;

    if (!reason || !reason[0]) {
        return text_say(move->why, ERR_FORMAT, "object needs a reason");
    }
    if (move->overtaken) {
        return ERR_OK;
    }
    if (move->ticket->closed_ms) {
        err = do_reopen(move);
    } else {
        err = proof_undone(move->sql, move->ticket->id, move->at_ms, "the customer objected");
        if (!err) {
            err = clocks_restart(move->sql, move->ticket->id);
        }
        if (!err) {
            err = sql_run(move->sql, "UPDATE ticket SET hold_until_ms = NULL, cleared_ms = NULL WHERE id = ?1", "i",
                          move->ticket->id);
            move->ticket->hold_until_ms = 0;
            move->ticket->cleared_ms = 0; /* it only seemed so: what is owed runs on */
        }
        if (!err && move->ticket->fault) {
            err = move_need_order(move);
        }
    }
    return err ? err : write_acceptance(move, "refused", reason);
}

/* ------------------------------------------------------------------ the analysis */

enum err do_rca(struct move *move)
{
    return move->overtaken ? ERR_OK : rca_edit(move->sql, move->ticket->id, move->action, move->now_ms, move->why);
}

enum err do_approve_rca(struct move *move)
{
    enum err err = rca_approve(move->office, move->sql, move->ticket->id, move->action, move->at_ms, move->now_ms, move->why);

    return err ? err : improve_from_analysis(move->sql, move->ticket->id, move->ticket->number, move->action->who, move->at_ms);
}

/* ------------------------------------------------------------------ the end */

static const char *const need_words[PLAN_NEEDS] = {
    "telemetry has not stayed normal for the hold time",
    "there is no test after the work",
    "the customer has not accepted the result",
    "the customer was not told of the result",
    "the fault analysis is not approved",
};
static const char *const need_ways[PLAN_NEEDS] = {"wait for telemetry", "finish of a work order", "accept", "feedback",
                                                  "rca, approve_rca"};

/* What the plan wants before the end and is not there; a manager may close all the same, with a reason. */
static enum err judge_close(struct move *move, bool override)
{
    struct closure_needs needs;
    TEXT(missing, 400);
    TEXT(ways, 200);
    enum err err = closure_needs(move->sql, move->ticket, &needs);
    unsigned lack = needs.wanted & ~needs.there;

    if (err || !lack || override) {
        return err;
    }
    for (int i = 0; i < PLAN_NEEDS; i++) {
        if (lack >> i & 1) {
            text_addf(&missing, "%s%s", missing.length ? "; " : "", need_words[i]);
            text_addf(&ways, "%s%s", ways.length ? ", " : "", need_ways[i]);
        }
    }
    return text_say(move->why, ERR_STATE,
                    "close is not legal now: %s. Legal: %s; or close by a manager with override: true and a reason",
                    missing.at, ways.at);
}

static enum err judge_override(struct move *move, bool *ret_override, const char **ret_reason)
{
    bool override = json_bool_or(move->action->body, "override", false);
    const char *reason = json_text_or(move->action->body, "reason", NULL);

    *ret_override = override;
    *ret_reason = reason;
    if (override && move->action->role != ROLE_MANAGER && move->action->role != ROLE_ADMIN) {
        return text_say(move->why, ERR_FORBIDDEN, "override is for a manager");
    }
    if (override && (!reason || !reason[0])) {
        return text_say(move->why, ERR_FORMAT, "override needs a reason");
    }
    return ERR_OK;
}

/* A claim that nobody has proved yet: telemetry judges it after the end, and opens the ticket again. */
static enum err leave_unproved(struct move *move, bool override, const char *reason)
{
    if (sql_find_int(move->sql, 0, "SELECT 1 FROM ticket WHERE id = ?1 AND proved_ms IS NOT NULL", "i",
                     move->ticket->id)) {
        return ERR_OK;
    }
    if (override) {
        enum err err = sql_run(move->sql, "UPDATE ticket SET proof = 'override', proof_reason = ?2 WHERE id = ?1", "it",
                               move->ticket->id, reason);

        if (err) {
            return err;
        }
    }
    return proof_claim(move->sql, move->ticket, 0, move->action->who, move->at_ms);
}

enum err do_close(struct move *move)
{
    TEXT(no_latch, 200); /* most faults have none: nothing to say then */
    const char *resolution = json_text_or(move->action->body, "resolution", NULL);
    const char *reason;
    bool override;
    enum err err;

    if (!resolution || !resolution[0]) {
        return text_say(move->why, ERR_FORMAT, "close needs a resolution");
    }
    err = judge_override(move, &override, &reason);
    if (!err) {
        err = judge_close(move, override);
    }
    if (!err && !override) {
        err = move_judge_close(move);
    }
    if (!err && !override && !money_may_close(move->sql, move->ticket->id, move->why)) {
        err = ERR_STATE;
    }
    if (!err) {
        err = move_end_children(move, resolution);
    }
    if (err) {
        return err;
    }
    err = alarm_reset(move->office, move->sql, move->ticket, move->now_ms, &no_latch);
    if (err && err != ERR_STATE) {
        return err;
    }
    move->written = true;
    err = ticket_close(move->office, move->sql, move->ticket, move->action->who, resolution, move->action->action_id,
                       move->at_ms, move->now_ms);
    if (!err) {
        err = leave_unproved(move, override, reason);
    }
    return err ? err : rca_conclude(move->sql, move->ticket->id, resolution, move->action->who, move->now_ms);
}
