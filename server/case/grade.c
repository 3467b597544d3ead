/* How a ticket's grade follows telemetry. */
#include "server/case/grade.h"

#include "server/case/life.h"

int grade_of(const struct ticket *ticket, int grade)
{
    int raise = ticket->rework && ticket->plan ? ticket->plan->ticket.repeat_raise : 0;

    return grade - raise < 1 ? 1 : grade - raise;
}

static enum err set_fall(struct sql *sql, struct ticket *ticket, int grade, int64_t at_ms)
{
    ticket->fall_grade = grade;
    ticket->fall_ms = at_ms;
    return sql_run(sql,
                   "UPDATE ticket SET fall_grade = NULLIF(?2, 0), fall_ms = NULLIF(?3, 0), next_ms = CASE"
                   " WHEN ?3 > 0 AND (next_ms IS NULL OR next_ms > ?3) THEN ?3 ELSE next_ms END WHERE id ="
                   " ?1",
                   "iii", ticket->id, (int64_t)grade, at_ms);
}

/* A grade that a person has said is the machine's to make worse, not to make better. */
static bool said_by_person(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0,
                        "SELECT person FROM ticket_class WHERE ticket = ?1 AND field = 'severity' AND overtaken = 0"
                        " ORDER BY id DESC LIMIT 1",
                        "i", ticket) != 0;
}

enum err grade_follow(struct office *office, struct sql *sql, struct ticket *ticket, int before, int grade,
                      int64_t t_ms, int64_t now_ms)
{
    int64_t hold_ms = ticket->plan ? ticket->plan->ticket.fall_ms : 0;
    enum err err = ERR_OK;

    grade = grade_of(ticket, grade);
    before = before ? grade_of(ticket, before) : 0;
    if (grade == before) { /* told again: what waits to fall goes on waiting */
        return ERR_OK;
    }
    if (ticket->fall_ms && grade <= ticket->grade) {
        err = set_fall(sql, ticket, 0, 0);
    }
    if (err || grade == ticket->grade) {
        return err;
    }
    if (grade < ticket->grade) {
        return ticket_regrade(office, sql, ticket, grade, "heliograph", "telemetry", NULL, t_ms, now_ms);
    }
    if (said_by_person(sql, ticket->id)) {
        return ERR_OK;
    }
    if (hold_ms > 0) {
        return set_fall(sql, ticket, grade, t_ms + hold_ms > now_ms ? t_ms + hold_ms : now_ms);
    }
    return ticket_regrade(office, sql, ticket, grade, "heliograph", "telemetry", NULL, t_ms, now_ms);
}

enum err grade_turn(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms)
{
    int grade = ticket->fall_grade;
    int64_t at_ms = ticket->fall_ms;
    enum err err;

    if (!at_ms || at_ms > now_ms) {
        return ERR_OK;
    }
    err = set_fall(sql, ticket, 0, 0);
    if (err || grade <= ticket->grade || said_by_person(sql, ticket->id)) {
        return err;
    }
    return ticket_regrade(office, sql, ticket, grade, "heliograph", "telemetry has been milder for the hold time",
                          NULL, at_ms, now_ms);
}
