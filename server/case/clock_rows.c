/* The rows of clocks become facts, are judged, and what is due is said. */
#include <stdlib.h>
#include <string.h>

#include "server/case/clocks.h"

static const struct zone *find_zone(void *context, const char *name)
{
    struct rules *rules = context;

    return rules_zone(rules, name);
}

enum err clocks_workdays(struct arena *arena, struct sql *sql, struct rules *rules,
                         int64_t calendar, const char *time_zone, struct workdays *ret_workdays)
{
    const struct zone *zone = time_zone ? rules_zone(rules, time_zone) : NULL;
    struct complaints complaints = {.path = "calendar", .arena = arena};
    struct yaml_node *root;
    struct sql_rows rows;
    enum err err = ERR_OK;

    *ret_workdays = workdays_always(zone ? zone : zone_utc());
    if (!calendar) {
        return ERR_OK;
    }
    sql_find(sql, &rows, "SELECT doc FROM calendar WHERE id = ?1", "i", calendar);
    if (sql_next(&rows)) {
        const char *doc = sql_text(&rows, 0);
        const struct workdays *known = rules_calendar(rules, doc);

        if (known) {
            *ret_workdays = *known;
        } else { /* more calendars than are kept: read for this time */
            err = yaml_parse(arena, doc, strlen(doc), &complaints, &root); /* JSON is YAML */
            if (!err) {
                workdays_read(arena, root, &complaints, find_zone, rules, ret_workdays);
            }
        }
    }
    enum err end = sql_end(&rows);

    return err ? err : end;
}

enum err clocks_pauses(struct arena *arena, struct sql *sql, int64_t ticket,
                       struct sla_pause **ret_pauses, size_t *ret_count)
{
    int64_t most = sql_find_int(sql, 0, "SELECT COUNT(*) FROM pause WHERE ticket = ?1", "i", ticket);
    struct sla_pause *pauses = arena_array(arena, (size_t)most + 1, sizeof(*pauses));
    struct sql_rows rows;
    size_t count = 0;

    if (!pauses) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows, "SELECT from_ms, to_ms, reason FROM pause WHERE ticket = ?1 ORDER BY from_ms",
             "i", ticket);
    while (count < (size_t)most && sql_next(&rows)) {
        const char *reason = sql_text(&rows, 2);

        pauses[count].from_ms = sql_int(&rows, 0);
        pauses[count].to_ms = sql_null(&rows, 1) ? INT64_MAX : sql_int(&rows, 1);
        pauses[count].reason = arena_text(arena, reason, strlen(reason));
        count++;
    }
    *ret_pauses = pauses;
    *ret_count = count;
    return sql_end(&rows);
}

static const char *keep(struct arena *arena, const char *words)
{
    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

/* Nobody is late for a repair, or a way to it, after the fault has gone: what happens in the hold counts when
 * the fault comes back, whenever it is looked at. The list is that of clocks_cancel and `cleared`. */
static bool stands_still(const struct clock_row *clock)
{
    static const char *const stops[] = {"cleared", "dispatched", "assigned", "checked", "arrived", "delivered",
                                        "solution", "contacted", "arranged", "ruled", "restored", NULL};

    for (int i = 0; stops[i]; i++) {
        if (strcmp(clock->stop, stops[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The pauses that hold clocks of that kind. */
static void choose_pauses(struct arena *arena, const struct plan *plan, const struct sla_pause *all,
                          size_t count, struct clock_row *clock)
{
    struct sla_pause *some = plan && plan->pause_count ? arena_array(arena, count + 1, sizeof(*some)) : NULL;
    size_t kept = 0;

    clock->facts.pauses = all;
    clock->facts.pause_count = count;
    if (!some) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (plan_pause_holds(plan, all[i].reason, clock->kind)) {
            some[kept++] = all[i];
        }
    }
    clock->facts.pauses = some;
    clock->facts.pause_count = kept;
}

#define CLOCK_COLUMNS                                                                              \
    "SELECT id, kind, start, stop, limit_text, until_ms, working_hours, origin, note, warn,"       \
    " started_ms, promised_ms, met_ms, cancelled_ms, warned_ms, breached_ms, forecast_ms,"         \
    " forecast_late, forecast, needs FROM clock"

static int64_t time_or(const struct sql_rows *rows, int column, int64_t fallback)
{
    return sql_null(rows, column) ? fallback : sql_int(rows, column);
}

static enum err read_row(struct arena *arena, const struct sql_rows *rows, struct clock_row *clock)
{
    clock->id = sql_int(rows, 0);
    clock->kind = keep(arena, sql_text(rows, 1));
    clock->start = keep(arena, sql_text(rows, 2));
    clock->stop = keep(arena, sql_text(rows, 3));
    clock->limit = keep(arena, sql_text(rows, 4));
    clock->until_ms = time_or(rows, 5, -1);
    clock->origin = keep(arena, sql_text(rows, 7));
    clock->note = keep(arena, sql_text(rows, 8));
    clock->warn = sql_real(rows, 9);
    clock->warned = !sql_null(rows, 14);
    clock->breached = !sql_null(rows, 15);
    clock->breached_ms = time_or(rows, 15, -1);
    clock->forecast_ms = time_or(rows, 16, -1);
    clock->forecast_late = !sql_null(rows, 17) && sql_int(rows, 17) != 0;
    clock->forecast = keep(arena, sql_text(rows, 18));
    clock->needs = keep(arena, sql_text(rows, 19));
    clock->facts = (struct sla_facts){
        .working_hours = sql_int(rows, 6) != 0,
        .started_ms = sql_int(rows, 10),
        .promised_ms = sql_int(rows, 11),
        .met_ms = time_or(rows, 12, -1),
        .cancelled_ms = time_or(rows, 13, -1),
    };
    if (clock->until_ms >= 0) { /* a promise to an instant: so much time */
        int64_t span = clock->until_ms - clock->facts.started_ms;

        clock->facts.limit = (struct duration){span > 0 ? span : 0, DURATION_MS};
        return ERR_OK;
    }
    return duration_read(clock->limit, &clock->facts.limit);
}

enum err clocks_read(struct arena *arena, struct sql *sql, struct rules *rules,
                     const struct clock_owner *owner, struct clock_row **ret_clocks, size_t *ret_count)
{
    struct workdays *workdays = arena_take(arena, sizeof(*workdays));
    int64_t most = sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE ticket = ?1", "i", owner->ticket);
    struct clock_row *clocks = arena_array(arena, (size_t)most + 1, sizeof(*clocks));
    struct sla_pause *pauses = NULL;
    size_t pause_count = 0, count = 0;
    struct sql_rows rows;
    enum err err = workdays && clocks ? ERR_OK : ERR_NOMEM;

    if (!err) {
        err = clocks_workdays(arena, sql, rules, owner->calendar, owner->time_zone, workdays);
    }
    if (!err) {
        err = clocks_pauses(arena, sql, owner->ticket, &pauses, &pause_count);
    }
    if (err) {
        return err;
    }
    sql_find(sql, &rows, CLOCK_COLUMNS " WHERE ticket = ?1 ORDER BY id", "i", owner->ticket);
    while (!err && count < (size_t)most && sql_next(&rows)) {
        err = read_row(arena, &rows, &clocks[count]);
        clocks[count].facts.workdays = workdays;
        clocks[count].facts.still_ms = stands_still(&clocks[count]) ? owner->still_ms : 0;
        choose_pauses(arena, owner->plan, pauses, pause_count, &clocks[count]);
        count++;
    }
    enum err end = sql_end(&rows);

    *ret_clocks = clocks;
    *ret_count = count;
    return err ? err : end;
}

enum err clocks_read_duty(struct arena *arena, struct sql *sql, struct rules *rules, int64_t id,
                          int64_t calendar, const char *time_zone, struct clock_row *ret_clock)
{
    struct workdays *workdays = arena_take(arena, sizeof(*workdays));
    struct sql_rows rows;
    enum err err = workdays ? clocks_workdays(arena, sql, rules, calendar, time_zone, workdays) : ERR_NOMEM, end;
    bool found = false;

    if (err) {
        return err;
    }
    sql_find(sql, &rows, CLOCK_COLUMNS " WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        found = true;
        err = read_row(arena, &rows, ret_clock);
        ret_clock->facts.workdays = workdays;
    }
    end = sql_end(&rows);
    return err ? err : end ? end : found ? ERR_OK : ERR_NOT_FOUND;
}

static enum err warn_about(struct office *office, struct sql *sql, const struct ticket *ticket,
                           const struct clock_row *clock, int64_t due_ms, int64_t now_ms)
{
    const struct zone *zone = rules_zone(office->options.rules, ticket->time_zone);
    TEXT(step, 96);
    TEXT(sentence, 256);
    enum err err;

    text_addf(&step, "warn.%s.%lld", clock->kind, (long long)due_ms);
    text_addf(&sentence, "%s is due at ", clock->kind);
    zone_write(zone ? zone : zone_utc(), due_ms, &sentence);
    err = sql_run(sql, "UPDATE clock SET warned_ms = ?2 WHERE id = ?1", "ii", clock->id, now_ms);
    return err ? err : ticket_tell(office, sql, ticket, step.at, sentence.at, now_ms);
}

/* Whether anybody hears of it is asked by ticket_tell. */
static enum err tell_breach(struct office *office, struct sql *sql, const struct ticket *ticket, const struct clock_row *clock,
                            int64_t breached_ms, int64_t now_ms, bool again)
{
    const struct zone *zone = rules_zone(office->options.rules, ticket->time_zone);
    TEXT(step, 96);
    TEXT(key, 300);
    TEXT(sentence, 256);
    enum err err = ERR_OK;

    text_addf(&step, "breach.%s.%lld", clock->kind, (long long)breached_ms);
    text_addf(&key, "ticket:%s:%s", ticket->number, step.at);
    text_addf(&sentence, "%s was missed: it was due at ", clock->kind);
    zone_write(zone ? zone : zone_utc(), breached_ms, &sentence);
    if (again && sql_find_int(sql, 0, "SELECT 1 FROM outbox WHERE key >= ?1 || ':' AND key < ?1 || ';' LIMIT 1", "t", key.at)) {
        return ERR_OK;
    }
    if (!again) {
        err = ticket_line(sql, ticket->id, breached_ms, now_ms, "heliograph", "breach", NULL, sentence.at, NULL);
    }
    return err ? err : ticket_tell(office, sql, ticket, step.at, sentence.at, now_ms);
}

static enum err say_breach(struct office *office, struct sql *sql, const struct ticket *ticket,
                           const struct clock_row *clock, int64_t breached_ms, int64_t now_ms)
{
    enum err err = sql_run(sql, "UPDATE clock SET breached_ms = ?2 WHERE id = ?1", "ii", clock->id, breached_ms);

    if (err || text_same(clock->start, "interrupted")) {
        return err; /* nobody missed an outage: the grade rises, and that is told */
    }
    return tell_breach(office, sql, ticket, clock, breached_ms, now_ms, false);
}

/* Its line was written then: nobody could be told of it before its alarm was. */
static bool was_noted(struct sql *sql, int64_t ticket, int64_t breached_ms, int64_t noted_ms)
{
    return !noted_ms || sql_find_int(sql, 0,
                                     "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action = 'breach' AND at_ms = ?2 AND"
                                     " stored_ms = ?3 LIMIT 1",
                                     "iii", ticket, breached_ms, noted_ms);
}

enum err clocks_tell_missed(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t noted_ms,
                            int64_t now_ms)
{
    struct clock_owner owner = clock_owner_of(ticket);
    struct clock_row *clocks;
    size_t count;
    enum err err = clocks_read(office->arena, sql, office->options.rules, &owner, &clocks, &count);

    for (size_t i = 0; !err && i < count; i++) {
        struct sla_clock state = sla_judge(&clocks[i].facts, 0, now_ms);

        if (clocks[i].breached && state.state == SLA_BREACHED && clocks[i].facts.met_ms < 0 &&
            !text_same(clocks[i].start, "interrupted") && was_noted(sql, ticket->id, state.breached_ms, noted_ms)) {
            err = tell_breach(office, sql, ticket, &clocks[i], state.breached_ms, now_ms, true);
        }
    }
    return err;
}

/* Something was said late that was so before: what was noted as missed was not, or at another time. */
static enum err correct_breach(struct sql *sql, const struct ticket *ticket, const struct clock_row *clock,
                               const struct sla_clock *state, int64_t now_ms)
{
    TEXT(sentence, 256);
    enum err err;

    if (state->breached_ms >= 0) {
        return sql_run(sql, "UPDATE clock SET breached_ms = ?2 WHERE id = ?1", "ii", clock->id, state->breached_ms);
    }
    text_addf(&sentence, "%s was not missed: what was said since was so before", clock->kind);
    err = sql_run(sql, "UPDATE clock SET breached_ms = NULL WHERE id = ?1", "i", clock->id);
    return err ? err : ticket_line(sql, ticket->id, now_ms, now_ms, "heliograph", "not_missed", NULL, sentence.at, NULL);
}

/* As of at_ms, which may lie before the last look: a miss noted after it is nothing to judge yet. */
static bool is_noted_wrongly(const struct clock_row *clock, const struct sla_clock *state, int64_t at_ms)
{
    return clock->breached && state->breached_ms != clock->breached_ms && state->state != SLA_CANCELLED &&
           (state->state == SLA_MET || clock->breached_ms <= at_ms);
}

struct clock_owner clock_owner_of(const struct ticket *ticket)
{
    return (struct clock_owner){ticket->id, ticket->calendar, ticket->time_zone, ticket->plan,
                                ticket->hold_until_ms ? ticket->cleared_ms : 0};
}

enum err clocks_judge(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t at_ms, int64_t now_ms)
{
    struct clock_row *clocks;
    size_t count;
    int64_t next_ms = ticket_wake(ticket);
    struct clock_owner owner = clock_owner_of(ticket);
    enum err err = clocks_read(office->arena, sql, office->options.rules, &owner, &clocks, &count);

    for (size_t i = 0; !err && i < count; i++) {
        struct clock_row *clock = &clocks[i];
        struct sla_clock state = sla_judge(&clock->facts, clock->warn, at_ms);
        bool open = state.state == SLA_RUNNING || state.state == SLA_PAUSED;

        if (is_noted_wrongly(clock, &state, at_ms)) {
            err = correct_breach(sql, ticket, clock, &state, now_ms);
        } else if (state.breached_ms >= 0 && !clock->breached && state.state == SLA_BREACHED) {
            err = say_breach(office, sql, ticket, clock, state.breached_ms, now_ms);
        } else if (open && state.warn_ms >= 0 && state.warn_ms <= at_ms && !clock->warned) {
            err = warn_about(office, sql, ticket, clock, state.due_ms, now_ms);
        }
        if (state.next_ms > at_ms && state.next_ms < next_ms) {
            next_ms = state.next_ms;
        }
    }
    if (err) {
        return err;
    }
    if (next_ms == OFFICE_NEVER) {
        return sql_run(sql, "UPDATE ticket SET next_ms = NULL WHERE id = ?1", "i", ticket->id);
    }
    return sql_run(sql, "UPDATE ticket SET next_ms = ?2 WHERE id = ?1", "ii", ticket->id, next_ms);
}
