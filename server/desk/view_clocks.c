/* Clocks to JSON: how each stands, where its number comes from, and the lines that prove it. */
#include <string.h>

#include "server/case/clocks.h"
#include "server/desk/view.h"

#define LINES_MOST 300

static void put_at(struct json_out *out, const char *name, const struct zone *zone, int64_t ms)
{
    TEXT(words, 48);

    if (ms < 0 || ms == INT64_MAX) {
        json_null(out, name);
        return;
    }
    zone_write(zone, ms, &words);
    json_text(out, name, words.at);
}

void view_origin(struct json_out *out, const char *origin, const char *note)
{
    char flag[2] = {origin && origin[0] == 'S' ? 'S' : 'A', 0};

    json_key(out, "origin");
    json_open_object(out);
    json_text(out, "flag", flag);
    json_key(out, "ids");
    json_open_list(out);
    for (const char *at = origin ? strchr(origin, ' ') : NULL; at;) {
        TEXT(id, 32);
        size_t size = strcspn(++at, " ");

        text_addf(&id, "%.*s", (int)size, at);
        json_put_text(out, id.at);
        at = at[size] ? at + size : NULL;
    }
    json_close_list(out);
    json_text(out, "note", note);
    json_close_object(out);
}

/* ------------------------------------------------------------------ the ledger */

static void put_event(struct json_out *out, const struct zone *zone, const char *what, int64_t at_ms,
                      const char *by)
{
    if (at_ms < 0 || at_ms == INT64_MAX) {
        return;
    }
    json_open_object(out);
    json_text(out, "what", what);
    put_at(out, "at", zone, at_ms);
    if (by) {
        json_text(out, "by", by);
    }
    json_close_object(out);
}

static void put_line(struct json_out *out, const struct zone *zone, const struct sla_line *line, bool in_days)
{
    json_open_object(out);
    json_text(out, "what", line->what);
    put_at(out, "from", zone, line->from_ms);
    put_at(out, "to", zone, line->to_ms);
    if (in_days) {
        json_int(out, "counted", line->counted);
    } else {
        json_number(out, "counted", (double)line->counted / 1000);
    }
    if (line->reason) {
        json_text(out, "reason", line->reason);
    }
    json_close_object(out);
}

static void put_end(struct json_out *out, const struct zone *zone, const struct clock_row *clock,
                    const struct sla_clock *state)
{
    put_event(out, zone, "due", state->due_ms, NULL);
    put_event(out, zone, "met", clock->facts.met_ms, clock->stop);
    put_event(out, zone, "breached", state->breached_ms, NULL);
    put_event(out, zone, "cancelled", clock->facts.cancelled_ms, NULL);
}

static void put_ledger(struct json_out *out, const struct zone *zone, const struct clock_row *clock,
                       const struct sla_clock *state, int64_t now_ms)
{
    struct sla_line lines[LINES_MOST];
    struct sla_sum sum;
    size_t count = sla_ledger(&clock->facts, now_ms, lines, LINES_MOST, &sum);

    json_key(out, "ledger");
    json_open_list(out);
    put_event(out, zone, "started", clock->facts.started_ms, clock->start);
    for (size_t i = 0; i < count; i++) {
        put_line(out, zone, &lines[i], sum.in_days);
    }
    put_end(out, zone, clock, state);
    json_close_list(out);
    json_key(out, "sum");
    json_open_object(out);
    json_text(out, "unit", sum.in_days ? "days" : "s");
    json_number(out, "limit", sum.in_days ? (double)sum.limit : (double)sum.limit / 1000);
    json_number(out, "counted", sum.in_days ? (double)sum.counted : (double)sum.counted / 1000);
    json_close_object(out);
}

/* Which limit held from when, and where its number came from. */
static enum err put_limits(struct sql *sql, struct json_out *out, const struct zone *zone, int64_t clock)
{
    struct sql_rows rows;

    json_key(out, "limits");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT from_ms, limit_text, origin, note, grade FROM clock_limit WHERE clock = ?1 ORDER BY id",
             "i", clock);
    while (sql_next(&rows)) {
        json_open_object(out);
        put_at(out, "from", zone, sql_int(&rows, 0));
        json_text(out, "limit", sql_text(&rows, 1));
        view_origin(out, sql_text(&rows, 2), sql_text(&rows, 3));
        json_int(out, "grade", sql_int(&rows, 4));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* ------------------------------------------------------------------ one clock, all clocks */

void view_clock(struct json_out *out, const struct zone *zone, const struct clock_row *clock,
                int64_t now_ms, enum clocks_depth depth)
{
    struct sla_clock state = sla_judge(&clock->facts, clock->warn, now_ms);
    bool open = state.state == SLA_RUNNING || state.state == SLA_PAUSED;

    json_text(out, "kind", clock->kind);
    put_at(out, "started_at", zone, clock->facts.started_ms);
    put_at(out, "due_at", zone, state.due_ms);
    put_at(out, "met_at", zone, clock->facts.met_ms);
    put_at(out, "breached_at", zone, state.breached_ms);
    json_int(out, "paused", state.paused_ms / 1000);
    json_text(out, "state", sla_state_names[state.state]);
    json_text(out, "limit", clock->limit);
    json_text(out, "calendar", clock->facts.working_hours ? "working_hours" : "24x7");
    view_origin(out, clock->origin, clock->note);
    json_raw(out, "forecast", open ? clock->forecast : NULL);
    if (depth == CLOCKS_SHORT) {
        return;
    }
    put_at(out, "warn_at", zone, state.warn_ms);
    if (clock->needs) {
        json_text(out, "needs", clock->needs);
    }
    char room[1024];
    struct text words = text_on(room, sizeof(room));

    sla_explain(&clock->facts, now_ms, &words);
    json_text(out, "explained", words.at);
    if (depth == CLOCKS_LEDGER) {
        put_ledger(out, zone, clock, &state, now_ms);
    }
}

static enum err read_owner(struct arena *arena, struct sql *sql, struct rules *rules, int64_t ticket,
                           struct clock_owner *owner)
{
    const char *plan = NULL, *hash = NULL;
    struct sql_rows rows;
    enum err err;

    *owner = (struct clock_owner){.ticket = ticket, .time_zone = "UTC"};
    sql_find(sql, &rows, "SELECT calendar, time_zone, plan, plan_hash, CASE WHEN hold_until_ms IS NOT NULL THEN cleared_ms END"
             " FROM ticket WHERE id = ?1", "i", ticket);
    if (sql_next(&rows)) {
        owner->calendar = sql_int(&rows, 0);
        owner->still_ms = sql_int(&rows, 4);
        if (!sql_null(&rows, 1)) {
            owner->time_zone = arena_text(arena, sql_text(&rows, 1), strlen(sql_text(&rows, 1)));
        }
        if (!sql_null(&rows, 2) && !sql_null(&rows, 3)) {
            plan = arena_text(arena, sql_text(&rows, 2), strlen(sql_text(&rows, 2)));
            hash = arena_text(arena, sql_text(&rows, 3), strlen(sql_text(&rows, 3)));
        }
    }
    err = sql_end(&rows);
    owner->plan = plan ? rules_plan_kept(rules, sql, plan, hash) : NULL;
    return err;
}

enum err view_clocks(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms,
                     enum clocks_depth depth, struct json_out *out)
{
    struct clock_row *clocks = NULL;
    struct clock_owner owner;
    const struct zone *zone;
    struct arena *arena;
    size_t count = 0;
    enum err err = arena_open(4 * 1024 * 1024, &arena);

    if (err) {
        return err;
    }
    err = read_owner(arena, sql, rules, ticket, &owner);
    zone = rules_zone(rules, owner.time_zone);
    zone = zone ? zone : zone_utc();
    if (!err) {
        err = clocks_read(arena, sql, rules, &owner, &clocks, &count);
    }
    json_key(out, "clocks");
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        json_open_object(out);
        view_clock(out, zone, &clocks[i], now_ms, depth);
        if (depth == CLOCKS_LEDGER) {
            err = put_limits(sql, out, zone, clocks[i].id);
        }
        json_close_object(out);
    }
    json_close_list(out);
    arena_close(arena);
    return err;
}
