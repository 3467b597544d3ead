/* Who may do what, told from the very tables that decide it: routes, and actions of tickets. */
#include "server/api/api_int.h"

#include <string.h>

#include "models/service/ticket.h"

static void put_roles(struct json_out *out, unsigned roles)
{
    json_key(out, "roles");
    json_open_list(out);
    for (int role = ROLE_VIEWER; role <= ROLE_ADMIN; role++) {
        if (roles & ROLE_BIT(role)) {
            json_put_text(out, role_names[role]);
        }
    }
    json_close_list(out);
}

static void put_route(struct json_out *out, const struct route *route)
{
    bool anybody = route->may == MAY_ANYBODY;

    json_open_object(out);
    json_text(out, "method", route->method);
    json_text(out, "path", route->path);
    json_bool(out, "anybody", anybody); /* without any token */
    put_roles(out, anybody || route->may & MAY_NEAR ? MAY_READ : route->may);
    json_close_object(out);
}

static void put_words(struct json_out *out, const char *name, const char *words)
{
    json_key(out, name);
    json_open_list(out);
    while (*words) {
        size_t size = strcspn(words, " ");
        TEXT(word, 64);

        text_addf(&word, "%.*s", (int)size, words);
        json_put_text(out, word.at);
        words += size + strspn(words + size, " ");
    }
    json_close_list(out);
}

static void put_states(struct json_out *out, unsigned states)
{
    json_key(out, "from");
    json_open_list(out);
    for (int state = 0; ticket_state_names[state]; state++) {
        if (states >> state & 1) {
            json_put_text(out, ticket_state_names[state]);
        }
    }
    json_close_list(out);
}

static void put_action(struct json_out *out, const struct ticket_row *row)
{
    json_open_object(out);
    json_text(out, "action", row->name);
    put_roles(out, row->roles); /* none: only the server itself */
    put_states(out, row->from);
    json_text(out, "to", row->to < TICKET_STAY ? ticket_state_names[row->to] : NULL);
    put_words(out, "fields", row->fields);
    json_key(out, "needs");
    json_open_list(out);
    for (unsigned bit = 1; bit; bit <<= 1) {
        if (row->needs & bit) {
            json_put_text(out, ticket_need_text(bit));
        }
    }
    json_close_list(out);
    json_close_object(out);
}

void permissions_show(struct call *call)
{
    json_open_object(call->out);
    json_text(call->out, "role", role_names[call->role]);
    json_key(call->out, "routes");
    json_open_list(call->out);
    for (size_t i = 0; i < route_count; i++) {
        put_route(call->out, &routes[i]);
    }
    json_close_list(call->out);
    json_key(call->out, "ticket_actions");
    json_open_list(call->out);
    for (int i = 0; i < TICKET_ACTIONS; i++) {
        put_action(call->out, ticket_row((enum ticket_action)i));
    }
    json_close_list(call->out);
    json_close_object(call->out);
}
