/* Warranties that the first telemetry registers: the list, and a person's word. */
#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/desk/desk.h"
#include "server/money/money.h"

static _Atomic(const char *) made[1 << FILTERS_MOST];

static const struct filters registrations = {
    .select = "SELECT equipment, NULL FROM registration WHERE equipment > ?1",
    .order = "ORDER BY equipment LIMIT ?2",
    .list = {{"state", "state = #", NULL},
             {"equipment", "equipment = (SELECT id FROM equipment WHERE name = #)", NULL},
             {"site", "equipment IN (SELECT id FROM equipment WHERE site = (SELECT id FROM site WHERE name = #))", NULL}},
    .made = made,
};

static enum err show(struct call *call, int64_t id)
{
    return registration_view(call->sql, id, call->zone, call->out);
}

void registrations_list(struct call *call)
{
    static const char *const states[] = {"waiting", "connected", "confirmed", "refused", NULL};
    const char *values[FILTERS_MOST], *word;
    struct page page;

    if (call_page(call, &page) && call_word(call, "state", states, &word)) {
        filter_read(call, &registrations, values);
        filter_list(call, &registrations, values, &page, show);
    }
}

static enum err do_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = sql_find_int(sql, 0,
                              "SELECT r.equipment FROM registration r JOIN equipment e ON e.id = r.equipment WHERE e.name = ?1",
                              "t", call->parts[1]);
    struct action action;
    enum err err = id ? act_read(call, &action, why)
                      : text_say(why, ERR_NOT_FOUND, "no registration of %s", call->parts[1]);

    err = err ? err : act_match(call, sql_find_int(sql, 0, "SELECT version FROM registration WHERE equipment = ?1", "i", id), why);
    err = err ? err : desk_registration_action(call->api->options.desk, sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call_tag(call, sql_find_int(sql, 0, "SELECT version FROM registration WHERE equipment = ?1", "i", id));
    return registration_view(sql, id, call->zone, call->out);
}

void registrations_act(struct call *call)
{
    (void)!call_write(call, do_act);
}
