/* The supervision check after forwarding, which the server does by itself (S0-147, S0-148). */
#include <string.h>

#include "server/case/clocks.h"
#include "server/field/escalate.h"

static enum err check_one(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t started_ms,
                          int64_t due_ms, int64_t now_ms)
{
    bool arranged = sql_find_int(sql, 0,
                                 "SELECT 1 FROM assignment WHERE ticket = ?1 AND arranged_ms <= ?2 UNION ALL SELECT 1 FROM"
                                 " ticket_event WHERE ticket = ?1 AND action IN ('depart', 'arrive', 'start') AND at_ms <= ?2"
                                 " LIMIT 1",
                                 "ii", ticket->id, due_ms) != 0;
    bool contact = sql_find_int(sql, 0,
                                "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action IN ('contact', 'arrive') AND at_ms"
                                " BETWEEN ?2 AND ?3 UNION ALL SELECT 1 FROM clock_step WHERE ticket = ?1 AND step = 'told' AND"
                                " at_ms <= ?3 LIMIT 1",
                                "iii", ticket->id, started_ms, due_ms) != 0;
    struct json_out data = json_out(1024);
    enum err err;

    json_open_object(&data);
    json_text(&data, "result", arranged && contact ? "ok" : "not_implemented");
    json_bool(&data, "arrangement", arranged);
    json_bool(&data, "contact", contact);
    json_close_object(&data);
    err = data.err;
    if (!err) {
        err = ticket_line(sql, ticket->id, due_ms, now_ms, "heliograph", "check", NULL,
                          arranged && contact ? "ok" : arranged ? "no contact" : "no arrangement", data.bytes);
    }
    if (!err) {
        err = clocks_stop(sql, ticket->id, PLAN_CHECKED, due_ms);
    }
    if (!err && !(arranged && contact)) {
        err = clocks_start(office, sql, ticket, PLAN_UNHEEDED, due_ms);
    }
    json_out_free(&data);
    return err;
}

enum err escalate_supervise(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t now_ms)
{
    struct clock_owner owner = clock_owner_of(ticket);
    struct clock_row *clocks;
    size_t count;
    enum err err;

    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM clock WHERE ticket = ?1 AND stop = 'checked' AND met_ms IS NULL AND cancelled_ms IS NULL"
                      " LIMIT 1",
                      "i", ticket->id)) {
        return ERR_OK;
    }
    err = clocks_read(office->arena, sql, office->options.rules, &owner, &clocks, &count);
    for (size_t i = 0; !err && i < count; i++) {
        struct sla_clock state = sla_judge(&clocks[i].facts, 0, now_ms);

        if (strcmp(clocks[i].stop, "checked") == 0 && clocks[i].facts.met_ms < 0 && clocks[i].facts.cancelled_ms < 0 &&
            state.state != SLA_PAUSED && state.due_ms <= now_ms) {
            err = check_one(office, sql, ticket, clocks[i].facts.started_ms, state.due_ms, now_ms);
        }
    }
    return err;
}
