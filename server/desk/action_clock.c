/* Doers of the clocks: the ledger of pauses. */
#include "server/desk/action.h"

enum err do_pause(struct move *move)
{
    const char *reason = json_text_or(move->action->body, "reason", "");

    if (!ticket_pause_reason_ok(reason)) {
        return text_say(move->why, ERR_FORMAT,
                        "pause needs a reason, one of customer_absent consent_pending "
                        "force_majeure access_refused parts_customer");
    }
    return sql_run(move->sql, "INSERT INTO pause (ticket, from_ms, reason, who) VALUES (?1, ?2, ?3, ?4)",
                   "iitt", move->ticket->id, move->at_ms, reason, move->action->who);
}

enum err do_resume(struct move *move)
{
    return sql_run(move->sql,
                   "UPDATE pause SET to_ms = MAX(?2, from_ms) WHERE ticket = ?1 AND to_ms IS NULL",
                   "ii", move->ticket->id, move->at_ms);
}
