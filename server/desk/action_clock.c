/* Doers of the clocks: the ledger of pauses. */
#include "server/desk/action.h"

#define PAUSES_MOST 250

enum err do_pause(struct move *move)
{
    const char *reason = json_text_or(move->action->body, "reason", "");
    TEXT(known, 400);

    if (!plan_pause_known(move->ticket->plan, reason, &known)) {
        return text_say(move->why, ERR_FORMAT, "pause needs a reason, one of %s", known.at);
    }
    if (sql_find_int(move->sql, 0, "SELECT COUNT(*) FROM pause WHERE ticket = ?1", "i", move->ticket->id) >=
        PAUSES_MOST) {
        return text_say(move->why, ERR_STATE, "a ticket is paused at most %d times", PAUSES_MOST);
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
