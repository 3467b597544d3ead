/* Doers of what is owed to people: the end of a ticket. */
#include "server/desk/action.h"

enum err do_close(struct move *move)
{
    TEXT(no_latch, 200); /* most faults have none: nothing to say then */
    const char *resolution = json_text_or(move->action->body, "resolution", NULL);
    enum err err;

    if (!resolution || !resolution[0]) {
        return text_say(move->why, ERR_FORMAT, "close needs a resolution");
    }
    err = move_judge_close(move);
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
    return ticket_close(move->office, move->sql, move->ticket, move->action->who, resolution,
                        move->action->action_id, move->at_ms, move->now_ms);
}
