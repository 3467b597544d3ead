/* The clocks of tickets: rows of facts; how they stand is computed by models/service/sla. */

#include <stdlib.h>
#include <string.h>

#include "server/case/clocks.h"

static void limit_words(struct duration limit, struct text *to)
{
    text_addf(to, "%lld%s", (long long)limit.count, duration_unit_text(limit.unit));
}

/* The origin of a promise, kept beside the clock: S with its row ids, or A. */
static void origin_words(const struct plan_origin *origin, struct text *to)
{
    text_addf(to, "%c", origin->flag ? origin->flag : 'A');
    for (const char *const *id = origin->ids; id && *id; id++) {
        text_addf(to, " %s", *id);
    }
}

/* The shortest arrival promise of this ticket in ms, for targets that are a share of it; 0: none. */
static int64_t onsite_limit(const struct plan *plan, const struct ticket *ticket, bool remote_area)
{
    int64_t least = 0, ms;

    for (size_t i = 0; i < plan->target_count; i++) {
        const struct plan_target *target = &plan->targets[i];
        struct plan_limit limit = plan_limit_of(plan, target, ticket->grade, ticket->level,
                                                remote_area, ticket->grade == 1);

        if (target->stop == PLAN_ARRIVED && limit.set && !duration_ms(limit.limit, &ms) &&
            (!least || ms < least)) {
            least = ms;
        }
    }
    return least;
}

static struct plan_limit limit_for(const struct plan *plan, const struct plan_target *target,
                                   const struct ticket *ticket, bool remote_area)
{
    struct plan_limit limit =
        plan_limit_of(plan, target, ticket->grade, ticket->level, remote_area, ticket->grade == 1);
    int64_t onsite = onsite_limit(plan, ticket, remote_area), ms;

    if (limit.set && target->cap_onsite > 0 && onsite && !duration_ms(limit.limit, &ms)) {
        int64_t cap = (int64_t)(target->cap_onsite * (double)onsite);

        if (ms > cap) {
            limit.limit = (struct duration){cap / 1000, DURATION_S};
        }
    }
    return limit;
}

static bool is_remote(struct sql *sql, const struct ticket *ticket)
{
    return sql_find_int(sql, 0, "SELECT remote_area FROM site WHERE id = ?1", "i", ticket->site) !=
           0;
}

static enum err start_one(struct sql *sql, const struct plan *plan,
                          const struct plan_target *target, const struct ticket *ticket,
                          bool remote_area, int64_t at_ms)
{
    struct plan_limit limit = limit_for(plan, target, ticket, remote_area);
    TEXT(words, 32);
    TEXT(origin, 128);

    if (!limit.set) {
        return ERR_OK;
    }
    limit_words(limit.limit, &words);
    origin_words(&limit.origin, &origin);
    return sql_run(sql,
                   "INSERT INTO clock (ticket, kind, stop, limit_text, origin, warn, started_ms)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (ticket, kind) DO NOTHING",
                   "itttt" "di", ticket->id, target->kind, plan_stop_names[target->stop], words.at,
                   origin.at, target->warn, at_ms);
}

/*
 * Nobody drives out for a question or a complaint: an answer is what is owed. A plan of how to go on is
 * owed for a complex fault (service-terms C-03), and no ticket is opened as one: they all begin as
 * general, see put_classification in open.c.
 */
static bool is_owed(const struct ticket *ticket, const struct plan_target *target)
{
    bool words_only = strcmp(ticket->kind, "consultation") == 0 || strcmp(ticket->kind, "complaint") == 0;

    return (!words_only || target->stop == PLAN_RESPONSE) && target->stop != PLAN_SOLUTION;
}

enum err clocks_start(struct office *office, struct sql *sql, const struct ticket *ticket,
                      enum plan_start start, int64_t at_ms)
{
    const struct plan *plan = ticket->plan;
    bool remote_area = is_remote(sql, ticket);
    enum err err = ERR_OK;

    (void)office;
    for (size_t i = 0; plan && !err && i < plan->target_count; i++) {
        if (plan->targets[i].start == start && is_owed(ticket, &plan->targets[i])) {
            err = start_one(sql, plan, &plan->targets[i], ticket, remote_area, at_ms);
        }
    }
    return err;
}

enum err clocks_stop(struct sql *sql, int64_t ticket, enum plan_stop stop, int64_t at_ms)
{
    return sql_run(sql,
                   "UPDATE clock SET met_ms = MAX(?3, started_ms) WHERE ticket = ?1 AND stop = ?2"
                   " AND met_ms IS NULL AND cancelled_ms IS NULL",
                   "iti", ticket, plan_stop_names[stop], at_ms);
}

enum err clocks_restart(struct sql *sql, int64_t ticket)
{
    return sql_run(sql,
                   "UPDATE clock SET met_ms = CASE WHEN stop = 'cleared' THEN NULL ELSE met_ms END,"
                   " cancelled_ms = NULL WHERE ticket = ?1",
                   "i", ticket);
}

enum err clocks_cancel(struct sql *sql, int64_t ticket, int64_t at_ms, bool work_only)
{
    return sql_run(sql,
                   "UPDATE clock SET cancelled_ms = MAX(?2, started_ms) WHERE ticket = ?1 AND met_ms"
                   " IS NULL AND cancelled_ms IS NULL AND breached_ms IS NULL AND (?3 = 0 OR stop IN"
                   " ('dispatched', 'assigned', 'checked', 'arrived', 'delivered', 'solution'))",
                   "iii", ticket, at_ms, (int64_t)work_only);
}

enum err clocks_regrade(struct office *office, struct sql *sql, const struct ticket *ticket)
{
    const struct plan *plan = ticket->plan;
    bool remote_area = is_remote(sql, ticket);
    enum err err = ERR_OK;

    (void)office;
    for (size_t i = 0; plan && !err && i < plan->target_count; i++) {
        struct plan_limit limit = limit_for(plan, &plan->targets[i], ticket, remote_area);
        TEXT(words, 32);
        TEXT(origin, 128);

        if (!limit.set || !is_owed(ticket, &plan->targets[i])) {
            continue; /* the plan promises nothing at the new grade: the old promise stands */
        }
        limit_words(limit.limit, &words);
        origin_words(&limit.origin, &origin);
        err = sql_run(sql,
                      "UPDATE clock SET limit_text = ?3, origin = ?4, warned_ms = NULL,"
                      " breached_ms = NULL WHERE ticket = ?1 AND kind = ?2 AND met_ms IS NULL AND"
                      " cancelled_ms IS NULL AND limit_text <> ?3",
                      "ittt", ticket->id, plan->targets[i].kind, words.at, origin.at);
        if (!err && (plan->targets[i].start == PLAN_REGISTERED || plan->targets[i].start == PLAN_REPORT)) {
            /* promised at this grade only: it counts from the beginning all the same */
            err = start_one(sql, plan, &plan->targets[i], ticket, remote_area, ticket->registered_ms);
        }
    }
    return err;
}

/* ------------------------------------------------------------------ how they stand */

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

        err = yaml_parse(arena, doc, strlen(doc), &complaints, &root); /* JSON is YAML */
        if (!err) {
            workdays_read(arena, root, &complaints, find_zone, rules, ret_workdays);
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

struct clock_row {
    int64_t id;
    const char *kind;
    double warn;
    bool warned, breached;
    struct sla_facts facts;
};

/* All clocks of a ticket with their facts, in the arena. */
static enum err read_clocks(struct office *office, struct sql *sql, const struct ticket *ticket,
                            struct clock_row **ret_clocks, size_t *ret_count)
{
    struct workdays *workdays = arena_take(office->arena, sizeof(*workdays));
    int64_t most =
        sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE ticket = ?1", "i", ticket->id);
    struct clock_row *clocks = arena_array(office->arena, (size_t)most + 1, sizeof(*clocks));
    struct sla_pause *pauses = NULL;
    size_t pause_count = 0, count = 0;
    struct sql_rows rows;
    enum err err;

    if (!workdays || !clocks) {
        return ERR_NOMEM;
    }
    err = clocks_workdays(office->arena, sql, office->options.rules, ticket->calendar,
                          ticket->time_zone, workdays);
    if (!err) {
        err = clocks_pauses(office->arena, sql, ticket->id, &pauses, &pause_count);
    }
    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT id, kind, limit_text, warn, started_ms, met_ms, cancelled_ms, warned_ms,"
             " breached_ms FROM clock WHERE ticket = ?1 ORDER BY id",
             "i", ticket->id);
    while (!err && count < (size_t)most && sql_next(&rows)) {
        struct clock_row *clock = &clocks[count++];
        const char *kind = sql_text(&rows, 1);

        clock->id = sql_int(&rows, 0);
        clock->kind = arena_text(office->arena, kind, strlen(kind));
        clock->warn = sql_real(&rows, 3);
        clock->warned = !sql_null(&rows, 7);
        clock->breached = !sql_null(&rows, 8);
        clock->facts = (struct sla_facts){
            .started_ms = sql_int(&rows, 4),
            .met_ms = sql_null(&rows, 5) ? -1 : sql_int(&rows, 5),
            .cancelled_ms = sql_null(&rows, 6) ? -1 : sql_int(&rows, 6),
            .pauses = pauses,
            .pause_count = pause_count,
            .workdays = workdays,
        };
        err = duration_read(sql_text(&rows, 2), &clock->facts.limit);
    }
    enum err end = sql_end(&rows);

    *ret_clocks = clocks;
    *ret_count = count;
    return err ? err : end;
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

static enum err say_breach(struct office *office, struct sql *sql, const struct ticket *ticket,
                           const struct clock_row *clock, int64_t breached_ms, int64_t now_ms)
{
    const struct zone *zone = rules_zone(office->options.rules, ticket->time_zone);
    TEXT(step, 96);
    TEXT(sentence, 256);
    enum err err;

    text_addf(&step, "breach.%s.%lld", clock->kind, (long long)breached_ms);
    text_addf(&sentence, "%s was missed: it was due at ", clock->kind);
    zone_write(zone ? zone : zone_utc(), breached_ms, &sentence);
    err = sql_run(sql, "UPDATE clock SET breached_ms = ?2 WHERE id = ?1", "ii", clock->id,
                  breached_ms);
    if (!err) {
        err = ticket_line(sql, ticket->id, breached_ms, now_ms, "heliograph", "breach", NULL,
                          sentence.at, NULL);
    }
    return err ? err : ticket_tell(office, sql, ticket, step.at, sentence.at, now_ms);
}

enum err clocks_judge(struct office *office, struct sql *sql, const struct ticket *ticket,
                      int64_t now_ms)
{
    struct clock_row *clocks;
    size_t count;
    int64_t next_ms = ticket->hold_until_ms ? ticket->hold_until_ms : OFFICE_NEVER;
    enum err err = read_clocks(office, sql, ticket, &clocks, &count);

    for (size_t i = 0; !err && i < count; i++) {
        struct clock_row *clock = &clocks[i];
        struct sla_clock state = sla_judge(&clock->facts, clock->warn, now_ms);
        bool open = state.state == SLA_RUNNING || state.state == SLA_PAUSED;

        if (state.breached_ms >= 0 && !clock->breached && state.state == SLA_BREACHED) {
            err = say_breach(office, sql, ticket, clock, state.breached_ms, now_ms);
        } else if (open && state.warn_ms >= 0 && state.warn_ms <= now_ms && !clock->warned) {
            err = warn_about(office, sql, ticket, clock, state.due_ms, now_ms);
        }
        if (state.next_ms > now_ms && state.next_ms < next_ms) {
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
