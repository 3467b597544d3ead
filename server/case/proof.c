/* Claims of repair and what telemetry says about them. */
#include "server/case/proof.h"

int64_t proof_heard(struct sql *sql, const struct ticket *ticket)
{
    int64_t heard_ms;

    if (ticket->agent) {
        return sql_find_int(sql, 0, "SELECT last_seen_ms FROM agent WHERE id = ?1", "i", ticket->agent);
    }
    /* a controller whose every point is a time-out says nothing, however often its agent calls */
    if (sql_find_int(sql, 0,
                     "SELECT COUNT(*) FROM point p JOIN last l ON l.point = p.id WHERE p.equipment = ?1", "i",
                     ticket->equipment) > 0 &&
        !sql_find_int(sql, 0,
                      "SELECT 1 FROM point p JOIN last l ON l.point = p.id WHERE p.equipment = ?1 AND l.quality = 0"
                      " LIMIT 1",
                      "i", ticket->equipment)) {
        return 0;
    }
    heard_ms = sql_find_int(sql, 0, "SELECT last_seen_ms FROM equipment WHERE id = ?1", "i", ticket->equipment);
    return heard_ms;
}

bool proof_has_alarm(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT 1 FROM alarm WHERE ticket = ?1 LIMIT 1", "i", ticket);
}

int64_t proof_open_alarm(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT MIN(onset_ms) FROM alarm WHERE ticket = ?1 AND cleared_ms IS NULL AND"
                        " quiet_ms IS NULL", "i", ticket);
}

int64_t proof_quiet_end(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT MAX(next_ms) FROM alarm WHERE ticket = ?1 AND cleared_ms IS NULL AND quiet_ms IS NOT"
                                " NULL", "i", ticket);
}

int64_t proof_cleared_ms(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT MAX(cleared_ms) FROM alarm WHERE ticket = ?1", "i", ticket);
}

enum err proof_claim(struct sql *sql, const struct ticket *ticket, int64_t work_order, const char *who, int64_t at_ms)
{
    int64_t hold_ms = ticket->plan ? ticket->plan->hold_ms : 0;
    enum err err = ERR_OK;

    if (!proof_has_alarm(sql, ticket->id)) {
        return ERR_OK;
    }
    if (work_order) {
        err = sql_run(sql,
                      "UPDATE repair SET outcome = 'false', outcome_ms = ?2, reason = 'another visit was needed' WHERE"
                      " ticket = ?1 AND outcome IS NULL",
                      "ii", ticket->id, at_ms);
    }
    if (err) {
        return err;
    }
    return sql_run(sql,
                   "INSERT INTO repair (ticket, work_order, who, at_ms, next_ms) VALUES (?1, NULLIF(?2, 0), ?3, ?4, ?5)"
                   " ON CONFLICT DO NOTHING",
                   "iitii", ticket->id, work_order, who, at_ms, at_ms + hold_ms);
}

enum err proof_claim_earlier(struct sql *sql, const struct ticket *ticket)
{
    int64_t order = 0, at_ms = 0;
    struct sql_rows rows;
    TEXT(who, 100);
    enum err err;

    if (ticket->state != TICKET_TESTING ||
        sql_find_int(sql, 0, "SELECT 1 FROM repair WHERE ticket = ?1 LIMIT 1", "i", ticket->id)) {
        return ERR_OK;
    }
    sql_find(sql, &rows,
             "SELECT w.id, e.at_ms, e.who FROM work_order w JOIN work_event e ON e.work_order = w.id AND e.action = 'finish'"
             " WHERE w.ticket = ?1 ORDER BY e.id DESC LIMIT 1",
             "i", ticket->id);
    if (sql_next(&rows)) {
        order = sql_int(&rows, 0);
        at_ms = sql_int(&rows, 1);
        text_add(&who, sql_text(&rows, 2));
    }
    err = sql_end(&rows);
    return err || !order ? err : proof_claim(sql, ticket, order, who.at, at_ms);
}

enum err proof_given(struct sql *sql, int64_t ticket, int64_t at_ms)
{
    enum err err = sql_run(sql, "UPDATE ticket SET proved_ms = ?2 WHERE id = ?1", "ii", ticket, at_ms);

    return err ? err
               : sql_run(sql,
                         "UPDATE repair SET outcome = 'proved', outcome_ms = ?2 WHERE ticket = ?1 AND outcome IS NULL",
                         "ii", ticket, at_ms);
}

enum err proof_undone(struct sql *sql, int64_t ticket, int64_t at_ms, const char *reason)
{
    enum err err = sql_run(sql,
                           "UPDATE ticket SET proof = NULL, proof_reason = NULL, proved_ms = NULL, fed_back_ms = NULL"
                           " WHERE id = ?1",
                           "i", ticket);

    if (!err) {
        err = sql_run(sql,
                      "UPDATE repair SET outcome = 'false', outcome_ms = ?2, reason = ?3 WHERE id = (SELECT MAX(id) FROM"
                      " repair WHERE ticket = ?1) AND (outcome IS NULL OR outcome IN ('proved', 'unknown'))",
                      "iit", ticket, at_ms, reason);
    }
    return err ? err : sql_run(sql, "DELETE FROM acceptance WHERE ticket = ?1 AND result IS NULL", "i", ticket);
}
