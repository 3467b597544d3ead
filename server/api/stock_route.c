/* Parts, what lies where, its ledger, vouchers. */
#include <string.h>

#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/stock/allocation.h"
#include "server/stock/levels.h"
#include "server/stock/stock.h"
#include "server/stock/view.h"

/* ------------------------------------------------------------------ lists */

static enum err show_part(struct call *call, int64_t id)
{
    return part_view(call->sql, id, call->out);
}

static enum err show_depot(struct call *call, int64_t id)
{
    return depot_view(call->sql, id, call->out);
}

static enum err show_rack(struct call *call, int64_t id)
{
    return rack_view(call->sql, id, call->out);
}

static enum err show_move(struct call *call, int64_t id)
{
    return move_view(call->sql, id, call->zone, call->out);
}

static enum err show_voucher(struct call *call, int64_t id)
{
    return voucher_view(call->sql, id, call->zone, call->out);
}

void parts_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (call_page(call, &page)) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM part WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
        call_list(call, &rows, &page, show_part);
    }
}

static int64_t part_named(struct call *call)
{
    int64_t id = sql_find_int(call->sql, 0, "SELECT id FROM part WHERE name = ?1", "t", call->parts[1]);

    if (!id) {
        call_problem(call, 404, "Not found", "no part %s", call->parts[1]);
    }
    return id;
}

void parts_show(struct call *call)
{
    int64_t id = part_named(call);

    if (id && show_part(call, id)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

void depots_list(struct call *call)
{
    struct sql_rows rows;
    struct page page;

    if (call_page(call, &page)) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM depot WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
        call_list(call, &rows, &page, show_depot);
    }
}

static _Atomic(const char *) racks_made[1 << FILTERS_MOST];
static const struct filters racks = {
    .select = "SELECT s.id, NULL FROM rack s WHERE s.id > ?1",
    .order = "ORDER BY s.id LIMIT ?2",
    .made = racks_made,
    .list =
        {
            {NULL, "EXISTS (SELECT 1 FROM stock_move m WHERE m.rack = s.id AND m.there > 0 AND m.n = (SELECT MAX(x.n) FROM"
                   " stock_move x WHERE x.rack = s.id)) AND # = 'there'", NULL},
            {"part", "s.part = (SELECT id FROM part WHERE name = #)", NULL},
            {"depot", "s.depot = (SELECT id FROM depot WHERE name = #)", NULL},
            {"lot", "s.lot IN (SELECT id FROM lot WHERE name = #)", NULL},
            {"state", "s.lot IN (SELECT id FROM lot WHERE state = #)", NULL},
        },
};

void stock_list(struct call *call)
{
    static const char *const states[] = {"quarantine", "passed", "refused", "blocked", NULL};
    const char *values[FILTERS_MOST], *state;
    struct page page;

    if (call_page(call, &page) && call_word(call, "state", states, &state)) {
        filter_read(call, &racks, values);
        values[0] = "there";
        filter_list(call, &racks, values, &page, show_rack);
    }
}

static _Atomic(const char *) moves_made[1 << FILTERS_MOST];
static const struct filters moves = {
    .select = "SELECT m.id, NULL FROM stock_move m WHERE m.id > ?1",
    .order = "ORDER BY m.id LIMIT ?2",
    .made = moves_made,
    .list =
        {
            {"part", "m.rack IN (SELECT id FROM rack WHERE part = (SELECT id FROM part WHERE name = #))", NULL},
            {"depot", "m.rack IN (SELECT id FROM rack WHERE depot = (SELECT id FROM depot WHERE name = #))", NULL},
            {"work_order", "m.work_order = (SELECT id FROM work_order WHERE number = #)", NULL},
            {"voucher", "m.voucher = (SELECT id FROM voucher WHERE number = #)", NULL},
        },
};

void moves_list(struct call *call)
{
    const char *values[FILTERS_MOST];
    struct page page;

    if (call_page(call, &page)) {
        filter_read(call, &moves, values);
        filter_list(call, &moves, values, &page, show_move);
    }
}

static _Atomic(const char *) vouchers_made[1 << FILTERS_MOST];
static const struct filters vouchers = {
    .select = "SELECT v.id, NULL FROM voucher v WHERE v.id > ?1",
    .order = "ORDER BY v.id LIMIT ?2",
    .made = vouchers_made,
    .list =
        {
            {NULL, "v.closed_ms IS NULL AND # = 'open'", NULL},
            {"kind", "v.kind = #", "v.kind || '' = #"},
            {NULL, "v.state = #", NULL},
            {"work_order", "v.work_order = (SELECT id FROM work_order WHERE number = #)",
             "v.work_order + 0 = (SELECT id FROM work_order WHERE number = #)"},
            {"equipment", "v.equipment = (SELECT id FROM equipment WHERE name = #)",
             "v.equipment + 0 = (SELECT id FROM equipment WHERE name = #)"},
            {"depot", "v.depot = (SELECT id FROM depot WHERE name = #)", "v.depot + 0 = (SELECT id FROM depot WHERE name = #)"},
        },
};

void vouchers_list(struct call *call)
{
    const char *values[FILTERS_MOST], *kind, *state = http_query(call->request, "state");
    struct page page;

    if (call_page(call, &page) && call_word(call, "kind", voucher_kind_names, &kind)) {
        filter_read(call, &vouchers, values);
        values[0] = text_same(state, "open") ? "open" : NULL;
        values[2] = values[0] ? NULL : state;
        filter_list(call, &vouchers, values, &page, show_voucher);
    }
}

/* ------------------------------------------------------------------ where a part is taken from */

static void put_place(struct call *call, const struct allocate_place *place)
{
    struct sql_rows rows;

    json_open_object(call->out);
    sql_find(call->sql, &rows, "SELECT d.name, NULLIF(l.name, '-'), d.kind FROM rack s JOIN depot d ON d.id = s.depot JOIN lot l"
                               " ON l.id = s.lot WHERE s.id = ?1", "i", place->rack);
    if (place->rack && sql_next(&rows)) {
        json_text(call->out, "depot", sql_text(&rows, 0));
        json_text(call->out, "lot", sql_text(&rows, 1));
        json_text(call->out, "kind", sql_text(&rows, 2));
        json_int(call->out, "free", place->free);
    } else {
        json_null(call->out, "depot");
        json_null(call->out, "lot");
        json_text(call->out, "kind", "supplier");
        json_null(call->out, "free");
    }
    (void)!sql_end(&rows);
    json_text(call->out, "reason", allocate_reason_names[place->reason]);
    call_time(call, "there_at", place->there_ms);
    if (place->spare_ms == INT64_MAX) {
        json_null(call->out, "spare");
    } else {
        json_number(call->out, "spare", (double)place->spare_ms / 1000);
    }
    json_number(call->out, "travel", (double)place->travel_ms / 1000);
    if (place->rack) {
        json_number(call->out, "km", (double)place->cost / 100);
    } else {
        json_null(call->out, "km");
    }
    json_close_object(call->out);
}

void parts_allocation(struct call *call)
{
    const char *number = http_query(call->request, "work_order");
    struct office office = {.options = {.rules = call->api->options.rules, .preset_plan = call->api->options.preset_plan,
                                        .time_zone = zone_name(call->zone)}, .arena = call->request->arena};
    struct allocation_ask ask = {.part = part_named(call), .supplier = true, .now_ms = call->now_ms};
    struct allocation *allocation = arena_take(call->request->arena, sizeof(*allocation));

    if (!ask.part || !call_number(call, "count", 1, 1000000, 1, &ask.count)) {
        return;
    }
    ask.order = number ? sql_find_int(call->sql, 0, "SELECT id FROM work_order WHERE number = ?1", "t", number) : 0;
    if (!ask.order) {
        call_problem(call, 422, "Wrong parameter", "work_order: expected the number of one");
        return;
    }
    if (!allocation || allocation_find(&office, call->sql, &ask, allocation)) {
        call_problem(call, 503, "The database is not readable", "try again");
        return;
    }
    json_open_object(call->out);
    json_text(call->out, "part", call->parts[1]);
    json_int(call->out, "count", ask.count);
    json_text(call->out, "work_order", number);
    call_time(call, "due_at", allocation->due_ms == INT64_MAX ? 0 : allocation->due_ms);
    json_key(call->out, "candidates");
    json_open_list(call->out);
    for (size_t i = 0; i < allocation->count; i++) {
        put_place(call, &allocation->places[i]);
    }
    json_close_list(call->out);
    json_close_object(call->out);
}

/* ------------------------------------------------------------------ levels */

static void put_level(struct call *call, const struct level *level)
{
    struct json_out *out = call->out;

    json_open_object(out);
    json_text(out, "part", level->name);
    json_key(out, "title");
    json_open_object(out);
    json_text(out, "en", level->title_en);
    json_text(out, "zh", level->title_zh);
    json_close_object(out);
    json_text(out, "supplier", level->supplier);
    json_bool(out, "consumable", level->consumable);
    json_number(out, "installed", level->facts.pieces);
    json_number(out, "failures", level->facts.failures);
    json_number(out, "piece_years", level->facts.years);
    json_number(out, "prior_rate", level->facts.prior);
    json_number(out, "rate", level->need.rate);
    json_number(out, "predicted", level->facts.predicted);
    json_number(out, "lead_days", level->facts.lead_days);
    json_number(out, "cover_days", level->facts.cover_days);
    json_number(out, "service", level->facts.service);
    json_number(out, "demand", level->need.demand);
    json_text(out, "source", level->said ? "fleet_file" : "computed");
    json_int(out, "min", level->need.least);
    json_int(out, "target", level->need.target);
    json_int(out, "count", level->there);
    json_int(out, "reserved", level->held);
    json_int(out, "coming", level->coming);
    json_int(out, "order", level->order);
    json_close_object(out);
}

/* false: a problem was written. */
static bool find_named(struct call *call, const char *query, int64_t (*find)(struct sql *sql, const char *name), int64_t *ret_id)
{
    const char *name = http_query(call->request, query);

    *ret_id = name ? find(call->sql, name) : 0;
    if (name && !*ret_id) {
        call_problem(call, 422, "Wrong parameter", "%s: there is none called '%.64s'", query, name);
        return false;
    }
    return true;
}

static int64_t depot_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM depot WHERE name = ?1", "t", name);
}

static int64_t contract_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM contract WHERE name = ?1", "t", name);
}

void levels_show(struct call *call)
{
    struct levels_ask ask = {.now_ms = call->now_ms};
    struct level_list list;

    if (!find_named(call, "depot", depot_named, &ask.depot) || !find_named(call, "contract", contract_named, &ask.contract) ||
        !call_number(call, "days", 1, 1000, 0, &ask.days)) {
        return;
    }
    if (levels_find(call->request->arena, call->sql, &ask, &list)) {
        call_problem(call, 503, "The database is not readable", "try again");
        return;
    }
    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (size_t i = 0; i < list.count; i++) {
        put_level(call, &list.at[i]);
    }
    json_close_list(call->out);
    json_null(call->out, "next");
    json_close_object(call->out);
}

/* ------------------------------------------------------------------ what people do */

static int64_t version_of(struct sql *sql, int64_t voucher)
{
    return sql_find_int(sql, 0, "SELECT version FROM voucher WHERE id = ?1", "i", voucher);
}

static int64_t voucher_named(struct sql *sql, const char *number)
{
    return sql_find_int(sql, -1, "SELECT id FROM voucher WHERE number = ?1", "t", number);
}

void vouchers_show(struct call *call)
{
    int64_t id = voucher_named(call->sql, call->parts[1]);

    if (id < 0) {
        call_problem(call, 404, "Not found", "no voucher %s", call->parts[1]);
    } else if (show_voucher(call, id)) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else {
        call_tag(call, version_of(call->sql, id));
    }
}

static enum err do_open(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t before = sql_find_int(sql, 0, "SELECT MAX(id) FROM voucher", ""), id = 0;
    struct action action;
    enum err err = act_read(call, &action, why);

    err = err ? err : desk_stock_open(call->api->options.desk, sql, &action, now_ms, &id, why);
    if (err) {
        return err;
    }
    call->answer->status = id > before ? 201 : 200;
    call_tag(call, version_of(sql, id));
    return voucher_view(sql, id, call->zone, call->out);
}

void vouchers_post(struct call *call)
{
    (void)call_write(call, do_open); /* it has written its problem */
}

static enum err do_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = voucher_named(sql, call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no voucher %s", call->parts[1]) : act_read(call, &action, why);

    if (!err && !stock_did(sql, id, action.action_id)) {
        err = act_match(call, version_of(sql, id), why);
        err = err ? err : desk_stock_act(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    if (err) {
        return err;
    }
    call_tag(call, version_of(sql, id));
    return voucher_view(sql, id, call->zone, call->out);
}

void vouchers_act(struct call *call)
{
    (void)call_write(call, do_act);
}

/* receive, inspect, block, unblock; the answer is the part. */
static enum err do_step(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    enum err err = act_read(call, &action, why);

    err = err ? err : desk_stock_step(call->api->options.desk, sql, &action, now_ms, why);
    return err ? err
               : part_view(sql,
                           sql_find_int(sql, 0, "SELECT id FROM part WHERE name = ?1", "t",
                                        json_text_or(call->body, "part", "")),
                           call->out);
}

void stock_post(struct call *call)
{
    (void)call_write(call, do_step);
}
