/* The clocks of tickets begin, stop and change their limits: rows of facts (clock_rows.c reads them). */
#include <stdlib.h>
#include <string.h>

#include "models/service/plan_staff.h"
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
                                                remote_area, ticket->emergency);

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
        plan_limit_of(plan, target, ticket->grade, ticket->level, remote_area, ticket->emergency);
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

/* A line of the ledger: the limit that holds from now on. */
static enum err note_limit(struct sql *sql, int64_t clock, const char *limit, const char *origin,
                           const char *note, int grade, int64_t at_ms)
{
    return sql_run(sql,
                   "INSERT INTO clock_limit (clock, from_ms, limit_text, origin, note, grade) VALUES"
                   " (?1, ?2, ?3, ?4, ?5, ?6)",
                   "iittti", clock, at_ms, limit, origin, note, (int64_t)grade);
}

static void needs_words(const struct plan_target *target, struct text *to)
{
    for (const char *const *step = target->needs; *step; step++) {
        text_addf(to, "%s%s", to->length ? " " : "", *step);
    }
}

/* Questions, spares, escalations come one after another: each has a clock of its own. */
static bool is_repeated(enum plan_start start)
{
    return start == PLAN_PARKED || start == PLAN_DECIDED || start == PLAN_UNHEEDED ||
           start == PLAN_INTERRUPTED || start == PLAN_PASSED;
}

/* 0, or the number of the next one; -1: one of that kind runs already. */
static int64_t occurrence_of(struct sql *sql, const struct ticket *ticket, const struct plan_target *target)
{
    if (!is_repeated(target->start)) {
        return 0;
    }
    if (sql_find_int(sql, 0,
                     "SELECT 1 FROM clock WHERE ticket = ?1 AND kind = ?2 AND met_ms IS NULL AND"
                     " cancelled_ms IS NULL",
                     "it", ticket->id, target->kind)) {
        return -1;
    }
    return sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE ticket = ?1 AND kind = ?2", "it",
                        ticket->id, target->kind);
}

/* S1-53: what is asked by mail in the night is answered in the hours of the desk. */
static bool by_day(struct sql *sql, const struct plan_target *target, const struct ticket *ticket)
{
    char channel[24] = "";
    struct sql_rows rows;

    if (target->working_hours || (target->stop != PLAN_RESPONSE && target->stop != PLAN_ANSWERED)) {
        return target->working_hours;
    }
    sql_find(sql, &rows, "SELECT channel FROM ticket WHERE id = ?1", "i", ticket->id);
    if (sql_next(&rows)) {
        (void)!text_copy(channel, sizeof(channel), sql_text(&rows, 0));
    }
    return sql_end(&rows) == ERR_OK && plan_answers_by_day(ticket->plan, ticket->kind, channel);
}

static enum err start_one(struct sql *sql, const struct plan_target *target, const struct ticket *ticket,
                          bool remote_area, int64_t at_ms)
{
    struct plan_limit limit = limit_for(ticket->plan, target, ticket, remote_area);
    int64_t occurrence = limit.set ? occurrence_of(sql, ticket, target) : -1;
    TEXT(words, 32);
    TEXT(origin, 128);
    TEXT(needs, 128);
    enum err err;

    if (occurrence < 0) {
        return ERR_OK;
    }
    limit_words(limit.limit, &words);
    origin_words(&limit.origin, &origin);
    needs_words(target, &needs);
    err = sql_run(sql,
                  "INSERT INTO clock (subject, subject_id, ticket, kind, occurrence, start, stop, needs,"
                  " limit_text, working_hours, origin, note, warn, started_ms, plan_hash) VALUES"
                  " ('ticket', ?1, ?1, ?2, ?3, ?4, ?5, NULLIF(?6, ''), ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
                  " ON CONFLICT (subject, subject_id, kind, occurrence) DO NOTHING",
                  "itittttit" "tdit", ticket->id, target->kind, occurrence,
                  plan_start_names[target->start], plan_stop_names[target->stop], needs.at, words.at,
                  (int64_t)by_day(sql, target, ticket), origin.at, limit.origin.note, target->warn, at_ms,
                  ticket->plan->hash);
    if (err || sql_changes(sql) == 0) {
        return err;
    }
    return note_limit(sql, sql_last_id(sql), words.at, origin.at, limit.origin.note, ticket->grade, at_ms);
}

/* Whether the plan promises something of its own for complex faults of that grade. */
static bool has_complex(const struct ticket *ticket)
{
    for (size_t i = 0; i < ticket->plan->target_count; i++) {
        const struct plan_target *target = &ticket->plan->targets[i];

        if (target->complexity == PLAN_COMPLEX &&
            plan_limit_of(ticket->plan, target, ticket->grade, ticket->level, false, ticket->emergency).set) {
            return true;
        }
    }
    return false;
}

/*
 * Nobody drives out for a question or a complaint, unless the plan says so (plan_owes). A plan of how to go on is
 * owed for a complex fault, a repair in days for a general one (service-terms C-03); where the plan has
 * nothing for complex faults of a grade, it is what general ones get.
 */
static bool is_owed(const struct ticket *ticket, const struct plan_target *target)
{
    if (!plan_owes(ticket->plan, ticket->kind, target)) {
        return false;
    }
    return target->complexity == PLAN_ANY ||
           (target->complexity == PLAN_COMPLEX) == (ticket->complex && has_complex(ticket));
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
            err = start_one(sql, &plan->targets[i], ticket, remote_area, at_ms);
        }
    }
    return err;
}

enum err clocks_promise(struct sql *sql, const struct ticket *ticket, const char *kind, enum plan_stop stop,
                        int64_t until_ms, int64_t at_ms)
{
    return sql_run(sql,
                   "INSERT INTO clock (subject, subject_id, ticket, kind, start, stop, limit_text, until_ms,"
                   " origin, note, started_ms) VALUES ('ticket', ?1, ?1, ?2, 'promised', ?3, 'date', ?4, 'A',"
                   " 'the date that was promised', ?5) ON CONFLICT (subject, subject_id, kind, occurrence) DO"
                   " UPDATE SET until_ms = excluded.until_ms, met_ms = NULL, cancelled_ms = NULL, warned_ms ="
                   " NULL, breached_ms = NULL, promised_ms = excluded.started_ms",
                   "ittii", ticket->id, kind, plan_stop_names[stop], until_ms, at_ms);
}

enum err clocks_step(struct sql *sql, int64_t ticket, enum plan_stop stop, const char *step, int64_t at_ms)
{
    enum err err = sql_run(sql,
                           "INSERT INTO clock_step (ticket, stop, step, at_ms) VALUES (?1, ?2, ?3, ?4) ON"
                           " CONFLICT (ticket, stop, step) DO NOTHING",
                           "itti", ticket, plan_stop_names[stop], step, at_ms);

    if (err) {
        return err;
    }
    /* as many steps done as there are words in needs */
    return sql_run(sql,
                   "UPDATE clock SET met_ms = MAX(started_ms, (SELECT MAX(s.at_ms) FROM clock_step s WHERE"
                   " s.ticket = clock.ticket AND s.stop = clock.stop)) WHERE ticket = ?1 AND stop = ?2 AND"
                   " met_ms IS NULL AND cancelled_ms IS NULL AND needs IS NOT NULL AND (SELECT COUNT(*) FROM"
                   " clock_step s WHERE s.ticket = clock.ticket AND s.stop = clock.stop AND instr(' ' ||"
                   " clock.needs || ' ', ' ' || s.step || ' ') > 0) > LENGTH(needs) - LENGTH(REPLACE(needs,"
                   " ' ', ''))",
                   "it", ticket, plan_stop_names[stop]);
}

enum err clocks_stop(struct sql *sql, int64_t ticket, enum plan_stop stop, int64_t at_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE clock SET met_ms = MAX(?3, started_ms) WHERE ticket = ?1 AND stop = ?2"
                           " AND met_ms IS NULL AND cancelled_ms IS NULL AND needs IS NULL",
                           "iti", ticket, plan_stop_names[stop], at_ms);

    if (err || !sql_find_int(sql, 0, "SELECT 1 FROM clock WHERE ticket = ?1 AND stop = ?2 AND needs IS NOT NULL",
                             "it", ticket, plan_stop_names[stop])) {
        return err;
    }
    return clocks_step(sql, ticket, stop, "arranged", at_ms);
}

enum err clocks_restart(struct sql *sql, int64_t ticket)
{
    return sql_run(sql,
                   "UPDATE clock SET met_ms = CASE WHEN stop = 'cleared' THEN NULL ELSE met_ms END,"
                   " cancelled_ms = CASE WHEN cancelled_for = 'not_owed' THEN cancelled_ms END WHERE ticket"
                   " = ?1",
                   "i", ticket);
}

enum err clocks_cancel(struct sql *sql, int64_t ticket, int64_t at_ms, bool work_only)
{
    return sql_run(sql,
                   "UPDATE clock SET cancelled_ms = MAX(?2, started_ms), cancelled_for = 'over', breached_ms = NULL WHERE ticket"
                   " = ?1 AND met_ms IS NULL AND cancelled_ms IS NULL AND (breached_ms IS NULL OR breached_ms > ?2) AND stop <>"
                   " 'approved' AND (?3 = 0 OR stop IN ('dispatched', 'assigned', 'checked', 'arrived', 'delivered', 'solution',"
                   " 'contacted', 'arranged', 'ruled', 'restored'))",
                   "iii", ticket, at_ms, (int64_t)work_only);
}

/* The running clocks of a target get the limit that holds now. */
static enum err relimit(struct sql *sql, const struct plan_target *target, const struct ticket *ticket,
                        const struct plan_limit *limit, int64_t at_ms)
{
    int64_t ids[64];
    struct sql_rows rows;
    size_t count = 0;
    TEXT(words, 32);
    TEXT(origin, 128);
    enum err err;

    limit_words(limit->limit, &words);
    origin_words(&limit->origin, &origin);
    sql_find(sql, &rows,
             "SELECT id FROM clock WHERE ticket = ?1 AND kind = ?2 AND met_ms IS NULL AND (cancelled_ms IS"
             " NULL OR cancelled_for = 'not_owed') AND until_ms IS NULL AND (limit_text <> ?3 OR cancelled_ms"
             " IS NOT NULL)",
             "itt", ticket->id, target->kind, words.at);
    while (count < 64 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = sql_run(sql,
                      "UPDATE clock SET limit_text = ?2, origin = ?3, note = ?4, promised_ms = ?5,"
                      " cancelled_ms = NULL, cancelled_for = NULL, warned_ms = NULL, breached_ms = NULL,"
                      " forecast_late = NULL WHERE id = ?1",
                      "ittti", ids[i], words.at, origin.at, limit->origin.note, at_ms);
        if (!err) {
            err = note_limit(sql, ids[i], words.at, origin.at, limit->origin.note, ticket->grade, at_ms);
        }
    }
    return err;
}

static enum err give_up(struct sql *sql, const struct plan_target *target, const struct ticket *ticket,
                        int64_t at_ms)
{
    return sql_run(sql,
                   "UPDATE clock SET cancelled_ms = MAX(?3, started_ms), cancelled_for = 'not_owed' WHERE"
                   " ticket = ?1 AND kind = ?2 AND met_ms IS NULL AND cancelled_ms IS NULL",
                   "iti", ticket->id, target->kind, at_ms);
}

enum err clocks_regrade(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t at_ms)
{
    const struct plan *plan = ticket->plan;
    bool remote_area = is_remote(sql, ticket);
    enum err err = ERR_OK;

    (void)office;
    for (size_t i = 0; plan && !err && i < plan->target_count; i++) {
        const struct plan_target *target = &plan->targets[i];
        struct plan_limit limit = limit_for(plan, target, ticket, remote_area);

        if (!is_owed(ticket, target)) {
            err = give_up(sql, target, ticket, at_ms);
            continue;
        }
        if (!limit.set) {
            continue; /* the plan promises nothing at the new grade: the old promise stands */
        }
        err = relimit(sql, target, ticket, &limit, at_ms);
        if (!err && (target->start == PLAN_REGISTERED || target->start == PLAN_REPORT)) {
            /* promised at this grade only: it counts from the beginning all the same */
            err = start_one(sql, target, ticket, remote_area, ticket->registered_ms);
        }
    }
    return err;
}

