/* Doers of tickets that belong together. */
#include "server/case/family.h"
#include "server/desk/action.h"

enum err do_attach(struct move *move)
{
    const char *number = json_text_or(move->action->body, "parent", NULL);
    int64_t id = sql_find_int(move->sql, 0, "SELECT id FROM ticket WHERE number = ?1", "t", number);
    struct ticket parent;
    enum err err;

    if (!id) {
        return text_say(move->why, ERR_FORMAT, "parent: expected the number of a ticket, found '%.40s'",
                        number ? number : "");
    }
    err = ticket_load(move->office, move->sql, id, &parent);
    return err || move->overtaken
               ? err
               : family_attach(move->sql, move->ticket, &parent, move->action->who, move->at_ms, move->now_ms,
                               move->why);
}

enum err do_detach(struct move *move)
{
    return move->overtaken ? ERR_OK : family_detach(move->sql, move->ticket, move->action->who, move->at_ms, move->now_ms);
}

static enum err close_children(struct move *move, const char *resolution)
{
    enum err err = ERR_OK;

    for (int64_t id = 0; !err && (id = family_open_child(move->sql, move->ticket->id, id)) != 0;) {
        struct ticket child;

        err = ticket_load(move->office, move->sql, id, &child);
        if (!err) {
            err = ticket_close(move->office, move->sql, &child, move->action->who, resolution, NULL, move->at_ms,
                               move->now_ms);
        }
        if (!err && child.equipment) {
            err = status_refresh(move->office, move->sql, child.equipment, move->now_ms);
        }
    }
    return err;
}

/* Before a parent closes: what becomes of its children has to be said. */
enum err move_end_children(struct move *move, const char *resolution)
{
    int64_t open = family_open_children(move->sql, move->ticket->id);
    const char *children = json_text_or(move->action->body, "children", NULL);

    if (open == 0 || text_same(children, "keep")) {
        return ERR_OK; /* ticket_close tells them */
    }
    if (text_same(children, "close")) {
        return close_children(move, resolution);
    }
    return children ? text_say(move->why, ERR_FORMAT, "children: expected close or keep, found '%.40s'", children)
                    : text_say(move->why, ERR_STATE,
                               "close is not legal now: %lld tickets that belong to it are open. Legal: close"
                               " with children: close (all of them) or keep (each stands alone)",
                               (long long)open);
}
