/* Rows of assignments. */
#include "server/field/owner.h"

#include <string.h>

#include "models/service/plan_staff.h"
#include "server/case/clocks.h"
#include "server/case/place.h"
#include "server/field/route.h"

enum err owner_begin(struct sql *sql, int64_t ticket, int64_t at_ms)
{
    return sql_run(sql,
                   "INSERT INTO assignment (ticket, asked_ms, asked_by, owned_ms, accepted_ms) SELECT ?1, ?2,"
                   " 'heliograph', ?2, ?2 WHERE NOT EXISTS (SELECT 1 FROM assignment WHERE ticket = ?1 AND owned_ms"
                   " IS NOT NULL AND ended_ms IS NULL)",
                   "ii", ticket, at_ms);
}

static void read_owner(const struct sql_rows *rows, struct owner_row *owner)
{
    owner->assignment = sql_int(rows, 0);
    owner->team = sql_int(rows, 1);
    owner->technician = sql_int(rows, 2);
    owner->asked_ms = sql_int(rows, 3);
    owner->owned_ms = sql_int(rows, 4);
    owner->accepted_ms = sql_int(rows, 5);
    owner->refused_ms = sql_int(rows, 6);
}

enum err owner_find(struct sql *sql, int64_t ticket, struct owner_row *ret_owner)
{
    struct sql_rows rows;

    *ret_owner = (struct owner_row){0};
    sql_find(sql, &rows,
             "SELECT id, team, technician, asked_ms, owned_ms, accepted_ms, refused_ms FROM assignment WHERE ticket ="
             " ?1 AND owned_ms IS NOT NULL AND ended_ms IS NULL",
             "i", ticket);
    if (sql_next(&rows)) {
        read_owner(&rows, ret_owner);
    }
    return sql_end(&rows);
}

enum err owner_find_asked(struct sql *sql, int64_t ticket, struct owner_row *ret_asked)
{
    struct sql_rows rows;

    *ret_asked = (struct owner_row){0};
    sql_find(sql, &rows,
             "SELECT id, team, technician, asked_ms, owned_ms, accepted_ms, refused_ms FROM assignment WHERE ticket ="
             " ?1 AND owned_ms IS NULL AND ended_ms IS NULL",
             "i", ticket);
    if (sql_next(&rows)) {
        read_owner(&rows, ret_asked);
    }
    return sql_end(&rows);
}

/* The internal target of one assignment: capped by the shortest arrival promise, as the clocks of dispatch are. */
static struct plan_limit target_of(struct sql *sql, const struct plan *plan, const struct ticket *ticket)
{
    bool remote = sql_find_int(sql, 0, "SELECT remote_area FROM site WHERE id = ?1", "i", ticket->site) != 0;
    struct plan_limit limit = plan->staff->ola;
    int64_t least_ms = INT64_MAX, ms;

    for (size_t i = 0; i < plan->target_count; i++) {
        const struct plan_target *target = &plan->targets[i];
        struct plan_limit arrival =
            plan_limit_of(plan, target, ticket->grade, ticket->level, remote, ticket->grade == 1);

        if (target->stop == PLAN_ARRIVED && arrival.set && !duration_ms(arrival.limit, &ms) && ms < least_ms) {
            least_ms = ms;
        }
    }
    if (least_ms < INT64_MAX && plan->staff->ola_cap > 0 && !duration_ms(limit.limit, &ms) &&
        (double)ms > plan->staff->ola_cap * (double)least_ms) {
        limit.limit = (struct duration){(int64_t)(plan->staff->ola_cap * (double)least_ms) / 1000, DURATION_S};
    }
    return limit;
}

enum err owner_ask(struct sql *sql, const struct ticket *ticket, const struct owner_new *what)
{
    const struct plan *plan = ticket->plan;
    TEXT(limit, 32);
    TEXT(origin, 128);
    enum err err = owner_begin(sql, ticket->id, what->at_ms);

    if (plan && plan->staff->ola.set) {
        struct plan_limit ola = target_of(sql, plan, ticket);

        text_addf(&limit, "%lld%s", (long long)ola.limit.count, duration_unit_text(ola.limit.unit));
        text_addf(&origin, "%c", ola.origin.flag ? ola.origin.flag : 'A');
        for (const char *const *id = ola.origin.ids; id && *id; id++) {
            text_addf(&origin, " %s", *id);
        }
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE assignment SET ended_ms = MAX(?2, asked_ms) WHERE ticket = ?1 AND owned_ms IS NULL AND"
                      " ended_ms IS NULL",
                      "ii", ticket->id, what->at_ms);
    }
    return err ? err
               : sql_run(sql,
                         "INSERT INTO assignment (ticket, team, technician, asked_ms, asked_by, handed_over,"
                         " limit_text, origin) VALUES (?1, NULLIF(?2, 0), NULLIF(?3, 0), ?4, ?5, ?6, NULLIF(?7, ''),"
                         " NULLIF(?8, ''))",
                         "iiiititt", ticket->id, what->team, what->technician, what->at_ms, what->who,
                         (int64_t)what->handed_over, limit.at, origin.at);
}

enum err owner_take(struct sql *sql, int64_t ticket, bool accepted, int64_t at_ms)
{
    struct owner_row asked;
    enum err err = owner_find_asked(sql, ticket, &asked);

    if (err || !asked.assignment) {
        return err ? err : ERR_NOT_FOUND;
    }
    err = sql_run(sql,
                  "UPDATE assignment SET ended_ms = MAX(?2, owned_ms) WHERE ticket = ?1 AND owned_ms IS NOT NULL AND"
                  " ended_ms IS NULL",
                  "ii", ticket, at_ms);
    return err ? err
               : sql_run(sql,
                         "UPDATE assignment SET owned_ms = MAX(?2, asked_ms), accepted_ms = CASE WHEN ?3 <> 0 THEN"
                         " MAX(?2, asked_ms) END WHERE id = ?1",
                         "iii", asked.assignment, at_ms, (int64_t)accepted);
}

enum err owner_refuse(struct sql *sql, int64_t ticket, const char *reason, const char *words, int64_t at_ms)
{
    struct owner_row asked;
    enum err err = owner_find_asked(sql, ticket, &asked);

    if (err) {
        return err;
    }
    if (asked.assignment) {
        return sql_run(sql,
                       "UPDATE assignment SET refused_ms = MAX(?2, asked_ms), ended_ms = MAX(?2, asked_ms), reason ="
                       " ?3, words = ?4 WHERE id = ?1",
                       "iitt", asked.assignment, at_ms, reason, words);
    }
    return sql_run(sql,
                   "UPDATE assignment SET refused_ms = MAX(?2, asked_ms), reason = ?3, words = ?4 WHERE ticket = ?1"
                   " AND owned_ms IS NOT NULL AND ended_ms IS NULL AND team IS NOT NULL",
                   "iitt", ticket, at_ms, reason, words);
}

enum err owner_accepted(struct sql *sql, int64_t ticket, int64_t at_ms)
{
    struct owner_row asked;
    enum err err = owner_find_asked(sql, ticket, &asked);

    if (err || asked.assignment) {
        return err ? err : owner_take(sql, ticket, true, at_ms);
    }
    return sql_run(sql,
                   "UPDATE assignment SET accepted_ms = MAX(?2, asked_ms) WHERE ticket = ?1 AND owned_ms IS NOT NULL"
                   " AND ended_ms IS NULL AND (accepted_ms IS NULL OR refused_ms > accepted_ms)",
                   "ii", ticket, at_ms);
}

enum err owner_arranged(struct sql *sql, int64_t ticket, int64_t technician, int64_t at_ms)
{
    return sql_run(sql,
                   "UPDATE assignment SET technician = COALESCE(NULLIF(?3, 0), technician), arranged_ms ="
                   " COALESCE(arranged_ms, MAX(?2, asked_ms)) WHERE ticket = ?1 AND owned_ms IS NOT NULL AND ended_ms"
                   " IS NULL",
                   "iii", ticket, at_ms, technician);
}

int64_t owner_bounces(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM assignment a WHERE a.ticket = ?1 AND a.refused_ms > COALESCE((SELECT"
                        " MAX(b.accepted_ms) FROM assignment b WHERE b.ticket = ?1 AND b.team IS NOT NULL), 0)",
                        "i", ticket);
}

/* ------------------------------------------------------------------ what follows from a work order */

struct order { /* of a ticket */
    int64_t ticket;
    char kind[24];
};

static enum err find_order(struct sql *sql, int64_t id, struct order *order)
{
    struct sql_rows rows;

    *order = (struct order){0};
    sql_find(sql, &rows, "SELECT ticket, kind FROM work_order WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        order->ticket = sql_int(&rows, 0);
        (void)!text_copy(order->kind, sizeof(order->kind), sql_text(&rows, 1));
    }
    return sql_end(&rows);
}

/* The code that was given, of the plan or of the company, or `other`; what else was said goes along as words. */
static const char *code_of(const struct codes *codes, const struct plan *plan, const struct action *action)
{
    const char *said = json_text_or(action->body, "code", json_text_or(action->body, "reason", NULL));

    for (const char *const *code = plan ? plan->staff->refusals : NULL; said && code && *code; code++) {
        if (strcmp(*code, said) == 0) {
            return *code;
        }
    }
    return codes && codes_find(&codes->refusals, said) ? said : "other";
}

static enum err refused(struct office *office, struct sql *sql, int64_t ticket_id, const struct action *action,
                        int64_t at_ms, int64_t now_ms)
{
    const char *words = json_text_or(action->body, "reason", action->note);
    struct ticket ticket;
    const char *code;
    enum err err = ticket_load(office, sql, ticket_id, &ticket);

    if (err) {
        return err;
    }
    code = code_of(rules_codes(office->options.rules), ticket.plan, action);
    err = owner_refuse(sql, ticket_id, code, words, at_ms);
    return err ? err : owner_go_up(office, sql, ticket_id, code, at_ms, now_ms);
}

enum err owner_follow_work(struct office *office, struct sql *sql, int64_t work_order, const struct action *action,
                           int64_t now_ms)
{
    static const char *const accepting[] = {"accept", "depart", "arrive", "start", NULL};
    int64_t at_ms = action->at_ms && action->at_ms < now_ms ? action->at_ms : now_ms;
    const char *const *name = accepting;
    struct order order;
    enum err err = find_order(sql, work_order, &order);

    if (err || !order.ticket || strcmp(order.kind, "corrective") != 0) {
        return err;
    }
    if (strcmp(action->action, "refuse") == 0) {
        return refused(office, sql, order.ticket, action, at_ms, now_ms);
    }
    while (*name && strcmp(*name, action->action) != 0) {
        name++;
    }
    if (!*name) {
        return ERR_OK;
    }
    err = owner_begin(sql, order.ticket, at_ms);
    if (!err && sql_find_int(sql, 0,
                             "SELECT COUNT(*) FROM assignment WHERE ticket = ?1 AND team IS NOT NULL AND ended_ms IS"
                             " NULL",
                             "i", order.ticket) == 0) { /* a proposal that was taken up by its team */
        struct ticket ticket;
        struct owner_new what = {.who = action->who, .at_ms = at_ms,
                                 .team = sql_find_int(sql, 0, "SELECT team FROM work_order WHERE id = ?1", "i", work_order),
                                 .technician = sql_find_int(sql, 0, "SELECT technician FROM work_order WHERE id = ?1",
                                                            "i", work_order)};

        err = what.team ? ticket_load(office, sql, order.ticket, &ticket) : ERR_OK;
        if (!err && what.team) {
            err = owner_ask(sql, &ticket, &what);
        }
    }
    return err ? err : owner_accepted(sql, order.ticket, at_ms);
}

/* ------------------------------------------------------------------ the next tier */

static bool has_refused(struct sql *sql, int64_t ticket, int64_t team)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM assignment WHERE ticket = ?1 AND team = ?2 AND refused_ms IS NOT NULL", "ii",
                        ticket, team) != 0;
}

/* The team's own `up`, else the best one of a higher tier that has not refused; NULL: none. */
static const struct crew_team *next_of(struct office *office, struct sql *sql, const struct ticket *ticket,
                                       const struct crew *crew, const struct crew_team *now, int64_t at_ms)
{
    const struct plan *plan = ticket->plan;
    struct route_ask ask = {.equipment = ticket->equipment, .site = ticket->site, .ticket = ticket->id, .plan = plan,
                            .time_zone = ticket->time_zone, .least_tier = now->tier + 1, .from_ms = at_ms,
                            .to_ms = at_ms};
    const struct crew_team *up = crew_team_named(crew, now->up);
    struct arena *arena = office_scratch(office);
    struct choice route;

    if (up && !has_refused(sql, ticket->id, up->id)) {
        return up;
    }
    if (!now->tier || !arena || route_find(arena, sql, office->options.rules, crew, &ask, &route)) {
        return NULL;
    }
    for (size_t i = 0; i < route.count; i++) {
        const struct crew_team *team = route.teams[route.order[i]];

        if (team->tier > now->tier && !route.verdicts[route.order[i]].lines[ROUTING_PLACE].excluded &&
            !has_refused(sql, ticket->id, team->id)) {
            return team;
        }
    }
    return NULL;
}

static enum err forward(struct office *office, struct sql *sql, const struct ticket *ticket,
                        const struct crew_team *team, const char *why, int64_t at_ms, int64_t now_ms)
{
    struct owner_new what = {.team = team->id, .who = "heliograph", .at_ms = at_ms};
    TEXT(note, 300);
    enum err err = owner_ask(sql, ticket, &what);

    text_addf(&note, "%s is asked: %s", team->name, why);
    if (!err) { /* nobody has begun: the order goes along; otherwise it stays where the work is */
        err = sql_run(sql,
                      "UPDATE work_order SET team = ?2, technician = NULL, state = 'dispatched', version = version + 1,"
                      " sequence = sequence + 1 WHERE ticket = ?1 AND kind = 'corrective' AND state IN ('proposed',"
                      " 'dispatched', 'assigned', 'accepted', 'refused')",
                      "ii", ticket->id, team->id);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, at_ms, now_ms, "heliograph", "tier_up", NULL, note.at, NULL);
    }
    if (!err) {
        err = ticket_tell(office, sql, ticket, note.at, "the next tier is asked", now_ms);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

enum err owner_go_up(struct office *office, struct sql *sql, int64_t ticket_id, const char *why, int64_t at_ms,
                     int64_t now_ms)
{
    const struct crew_team *now, *next;
    const struct crew *crew;
    struct ticket ticket;
    struct owner_row owner;
    int64_t highest;
    enum err err = ticket_load(office, sql, ticket_id, &ticket);

    if (!err) {
        err = office_crew(office, sql, &crew);
    }
    if (!err) {
        err = owner_find(sql, ticket_id, &owner);
    }
    if (err) {
        return err;
    }
    /* the last one that was asked counts: it may have refused */
    highest = sql_find_int(sql, owner.team,
                           "SELECT team FROM assignment WHERE ticket = ?1 AND team IS NOT NULL ORDER BY id DESC LIMIT 1",
                           "i", ticket_id);
    now = crew_team_of(crew, highest);
    next = now ? next_of(office, sql, &ticket, crew, now, at_ms) : NULL;
    return next ? forward(office, sql, &ticket, next, why, at_ms, now_ms) : ERR_OK;
}
