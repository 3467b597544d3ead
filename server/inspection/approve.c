/* A report that waits for a person's word, or for those of two, before anybody has it. */
#include <string.h>

#include "server/inspection/inspection_int.h"

#define MAY_APPROVE (ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_MANAGER) | ROLE_BIT(ROLE_ADMIN))

static enum err refuse(struct sql *sql, int64_t inspection, const struct action *action, int64_t wanted, struct text *why)
{
    if (!(ROLE_BIT(action->role) & MAY_APPROVE)) {
        return text_say(why, ERR_FORBIDDEN, "a report is approved by a dispatcher, a manager or an admin");
    }
    if (wanted < 0) {
        return text_say(why, ERR_STATE, "there is no report yet");
    }
    if (!wanted) {
        return text_say(why, ERR_STATE, "its plan asks for nobody's approval: it was sent when it was drafted. Legal: deliver");
    }
    if (sql_find_int(sql, 0, "SELECT 1 FROM inspection_report WHERE inspection = ?1 AND approved_ms IS NOT NULL", "i",
                     inspection)) {
        return text_say(why, ERR_STATE, "it is approved already. Legal: deliver");
    }
    return sql_find_int(sql, 0, "SELECT 1 FROM inspection_approval WHERE inspection = ?1 AND who = ?2", "it", inspection,
                        action->who)
               ? text_say(why, ERR_STATE, "you have approved it already: another person is asked for. Legal: approve by another")
               : ERR_OK;
}

enum err inspection_approve(struct sql *sql, const struct inspected *inspected, const struct action *action, int64_t at_ms,
                            bool *ret_final, struct text *why)
{
    int64_t wanted = sql_find_int(sql, -1, "SELECT approvals FROM inspection_report WHERE inspection = ?1", "i", inspected->id);
    enum err err = refuse(sql, inspected->id, action, wanted, why);

    err = err ? err
              : sql_run(sql, "INSERT INTO inspection_approval (inspection, who, at_ms, note) VALUES (?1, ?2, ?3, ?4)", "itit",
                        inspected->id, action->who, at_ms, action->note);
    *ret_final = !err && sql_find_int(sql, 0, "SELECT COUNT(*) FROM inspection_approval WHERE inspection = ?1", "i",
                                      inspected->id) >= wanted;
    return err || !*ret_final ? err
                              : sql_run(sql, "UPDATE inspection_report SET approved_ms = ?2 WHERE inspection = ?1", "ii",
                                        inspected->id, at_ms);
}
