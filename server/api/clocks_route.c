/* A ticket's clocks with the lines that prove them, and what else is owed by when. */
#include "server/api/act.h"

void clocks_show(struct call *call)
{
    int64_t id = view_find_ticket(call->sql, call->parts[1]);
    enum err err = id < 0 ? ERR_NOT_FOUND : ERR_OK;

    if (!err) {
        json_open_object(call->out);
        json_text(call->out, "ticket", call->parts[1]);
        err = view_clocks(call->sql, call->api->options.rules, id, call->now_ms, CLOCKS_LEDGER, call->out);
        json_close_object(call->out);
    }
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no ticket %s", call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}
