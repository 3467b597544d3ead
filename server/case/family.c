/* Parent and child. */
#include "server/case/family.h"

int64_t family_open_children(struct sql *sql, int64_t parent)
{
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM ticket WHERE parent = ?1 AND closed_ms IS NULL", "i",
                        parent);
}

int64_t family_open_child(struct sql *sql, int64_t parent, int64_t after)
{
    return sql_find_int(sql, 0,
                        "SELECT id FROM ticket WHERE parent = ?1 AND closed_ms IS NULL AND id > ?2 ORDER BY"
                        " id LIMIT 1",
                        "ii", parent, after);
}

static enum err set_parent(struct sql *sql, int64_t child, int64_t parent)
{
    return sql_run(sql, "UPDATE ticket SET parent = NULLIF(?2, 0), version = version + 1 WHERE id = ?1", "ii",
                   child, parent);
}

enum err family_attach(struct sql *sql, const struct ticket *child, const struct ticket *parent, const char *who,
                       int64_t at_ms, int64_t now_ms, struct text *why)
{
    TEXT(note, 64);
    enum err err;

    if (child->id == parent->id) {
        return text_say(why, ERR_STATE, "a ticket is not its own parent");
    }
    if (parent->closed_ms || child->closed_ms) {
        return text_say(why, ERR_STATE, "%s is closed", parent->closed_ms ? parent->number : child->number);
    }
    if (parent->parent) {
        return text_say(why, ERR_STATE, "%s has a parent itself: attach to that one", parent->number);
    }
    if (family_open_children(sql, child->id) > 0) {
        return text_say(why, ERR_STATE, "%s has children itself: detach them first", child->number);
    }
    err = set_parent(sql, child->id, parent->id);
    text_addf(&note, "%s belongs to this one", child->number);
    if (!err) {
        err = ticket_line(sql, parent->id, at_ms, now_ms, who, "child", NULL, note.at, NULL);
    }
    return err ? err : ticket_changed(sql, parent->id, now_ms);
}

enum err family_detach(struct sql *sql, const struct ticket *child, const char *who, int64_t at_ms,
                       int64_t now_ms)
{
    TEXT(note, 64);
    enum err err = set_parent(sql, child->id, 0);

    text_addf(&note, "%s stands alone again", child->number);
    if (!err) {
        err = ticket_line(sql, child->parent, at_ms, now_ms, who, "child", NULL, note.at, NULL);
    }
    return err ? err : ticket_changed(sql, child->parent, now_ms);
}

enum err family_end(struct office *office, struct sql *sql, const struct ticket *parent, const char *resolution,
                    int64_t at_ms, int64_t now_ms)
{
    enum err err = ERR_OK;

    (void)office;
    for (int64_t id = 0; !err && (id = family_open_child(sql, parent->id, id)) != 0;) {
        TEXT(note, 400);

        text_addf(&note, "%s was closed: %.300s", parent->number, resolution ? resolution : "");
        err = set_parent(sql, id, 0);
        if (!err) {
            err = ticket_line(sql, id, at_ms, now_ms, "heliograph", "parent", NULL, note.at, NULL);
        }
        if (!err) {
            err = ticket_changed(sql, id, now_ms);
        }
    }
    return err;
}
