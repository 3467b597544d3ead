/* A listed service is interrupted: time makes it grade 1. */
#include "server/case/outage.h"

#include <string.h>

#include "server/case/clocks.h"
#include "server/case/life.h"

static bool is_listed(const struct plan *plan, const char *service)
{
    for (const char *const *one = plan ? plan->g1_outage_services : NULL; one && *one && service; one++) {
        if (strcmp(*one, service) == 0) {
            return true;
        }
    }
    return false;
}

enum err outage_begin(struct office *office, struct sql *sql, int64_t id, const struct fault_rule *rule,
                      int64_t since_ms)
{
    struct ticket ticket;
    enum err err;

    if (!rule || !rule->service) {
        return ERR_OK;
    }
    err = ticket_load(office, sql, id, &ticket);
    if (err || !is_listed(ticket.plan, rule->service)) {
        return err;
    }
    err = clocks_start(office, sql, &ticket, PLAN_INTERRUPTED, since_ms);
    return err ? err : clocks_judge(office, sql, &ticket, since_ms, since_ms);
}

enum err outage_turn(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms)
{
    int64_t since_ms, due_ms;

    /* an interrupted service is grade 2 at the start (F-03); what telemetry calls minor is no interruption */
    if (!ticket->plan || ticket->grade != 2 || ticket->cleared_ms) {
        return ERR_OK;
    }
    since_ms = sql_find_int(sql, -1,
                            "SELECT MIN(started_ms) FROM clock WHERE ticket = ?1 AND start = 'interrupted' AND met_ms"
                            " IS NULL AND cancelled_ms IS NULL",
                            "i", ticket->id);
    due_ms = since_ms + ticket->plan->g1_outage_ms;
    if (since_ms < 0 || due_ms > now_ms) {
        return ERR_OK;
    }
    return ticket_regrade(office, sql, ticket, 1, "heliograph", "a listed service is interrupted for too long (S0-105)",
                          NULL, due_ms > ticket->registered_ms ? due_ms : ticket->registered_ms, now_ms);
}
