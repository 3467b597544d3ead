/*
 * Silence. An agent that says nothing makes its equipment offline at once; when the silence has
 * lasted the plan's delay there is one communication ticket for the agent and all its equipment,
 * and after the plan's limit it is grade 2 (service-terms F-04). What is behind the link is
 * unknown: nothing is raised or cleared for it.
 */
#include "server/case/family.h"
#include "server/desk/desk_int.h"

#include <string.h>

#define BACKLOG_MS (5 * 60000) /* after a shorter silence there is no past to be told of */

static enum err refresh_children(struct office *office, struct sql *sql, int64_t agent, int64_t now_ms)
{
    int64_t *ids = NULL;
    size_t count = 0;
    size_t most = (size_t)sql_find_int(
        sql, 0, "SELECT COUNT(*) FROM equipment WHERE agent = ?1", "i", agent);
    struct sql_rows rows;
    enum err err;

    ids = arena_array(office->arena, most + 1, sizeof(*ids));
    if (!ids) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows, "SELECT id FROM equipment WHERE agent = ?1", "i", agent);
    while (count < most && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = status_refresh(office, sql, ids[i], now_ms);
    }
    return err;
}

static enum err agent_key(struct sql *sql, int64_t agent, struct text *to)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT name FROM agent WHERE id = ?1", "i", agent);
    if (sql_next(&rows)) {
        text_addf(to, "link:%s", sql_text(&rows, 0));
    }
    return sql_end(&rows);
}

enum err desk_link_lost(struct desk *desk, struct sql *sql, int64_t agent, int64_t since_ms,
                        int64_t now_ms)
{
    struct office *office = &desk->office;
    enum err err = sql_run(sql,
                           "UPDATE agent SET silent_since_ms = ?2, link_next_ms = ?2, online = 0 WHERE id = ?1 AND"
                           " silent_since_ms IS NULL",
                           "ii", agent, since_ms);

    arena_reset(office->arena);
    return err ? err : refresh_children(office, sql, agent, now_ms);
}

/* The time that nothing was heard proves nothing: holds go on for as long, and what was held because of the link is
 * asked about again. */
static enum err hold_on(struct sql *sql, int64_t agent, int64_t since_ms, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE ticket SET hold_until_ms = hold_until_ms + (?3 - CASE WHEN cleared_ms > ?2 THEN cleared_ms"
                           " ELSE ?2 END) WHERE closed_ms IS NULL AND hold_until_ms > ?2 AND cleared_ms < ?3 AND equipment IN"
                           " (SELECT id FROM equipment WHERE agent = ?1)",
                           "iii", agent, since_ms, now_ms);

    if (!err && now_ms - since_ms > BACKLOG_MS) { /* what it has to tell of that time comes now */
        err = sql_run(sql, "UPDATE agent SET backlog_ms = ?2 WHERE id = ?1", "ii", agent, now_ms);
    }
    return err ? err
               : sql_run(sql,
                         "UPDATE alarm SET next_ms = ?2 WHERE cleared_ms IS NULL AND announced_ms IS NULL AND equipment IN"
                         " (SELECT id FROM equipment WHERE agent = ?1)",
                         "ii", agent, now_ms);
}

enum err desk_link_back(struct desk *desk, struct sql *sql, int64_t agent, int64_t now_ms)
{
    struct office *office = &desk->office;
    struct ticket ticket;
    TEXT(key, 128);
    int64_t id;
    int64_t since_ms = sql_find_int(sql, now_ms, "SELECT silent_since_ms FROM agent WHERE id = ?1", "i", agent);
    enum err err = hold_on(sql, agent, since_ms, now_ms);

    arena_reset(office->arena);
    if (!err) {
        err = sql_run(sql, "UPDATE agent SET silent_since_ms = NULL, link_next_ms = NULL WHERE id = ?1", "i", agent);
    }
    if (!err) {
        err = agent_key(sql, agent, &key);
    }
    id = ticket_of_cause(sql, key.at);
    if (!err && id) {
        err = ticket_load(office, sql, id, &ticket);
        if (!err && !ticket.cleared_ms) {
            err = ticket_cleared(office, sql, &ticket, now_ms, now_ms);
        }
    }
    return err ? err : refresh_children(office, sql, agent, now_ms);
}

/* ------------------------------------------------------------------ the ticket */

static enum err list_children(struct sql *sql, int64_t agent, struct json_out *out)
{
    struct sql_rows rows;

    json_open_list(out);
    sql_find(sql, &rows, "SELECT name FROM equipment WHERE agent = ?1 ORDER BY name", "i", agent);
    while (sql_next(&rows)) {
        json_put_text(out, sql_text(&rows, 0));
    }
    json_close_list(out);
    enum err err = sql_end(&rows);

    return err ? err : out->err;
}

/* Callers who could not say more than that nothing can be seen: theirs belong to the link's ticket. */
static enum err take_in(struct office *office, struct sql *sql, int64_t agent, int64_t id, int64_t since_ms,
                        int64_t now_ms)
{
    struct ticket link, child;
    int64_t next = 0;
    TEXT(why, 200);
    enum err err = ticket_load(office, sql, id, &link);

    while (!err && (next = sql_find_int(sql, 0,
                                        "SELECT t.id FROM equipment e JOIN ticket t ON t.equipment = e.id WHERE"
                                        " e.agent = ?1 AND t.closed_ms IS NULL AND t.parent IS NULL AND t.fault"
                                        " IS NULL AND t.kind = 'fault' AND t.registered_ms >= ?2 AND t.id > ?3"
                                        " ORDER BY t.id LIMIT 1",
                                        "iii", agent, since_ms, next)) != 0) {
        err = ticket_load(office, sql, next, &child);
        if (!err) {
            err = family_attach(sql, &child, &link, "heliograph", now_ms, now_ms, &why);
        }
        err = err == ERR_STATE ? ERR_OK : err; /* it has a family of its own */
    }
    return err;
}

static enum err open_ticket(struct office *office, struct sql *sql, const struct place *place,
                            int64_t agent, const char *key, int64_t since_ms, int64_t now_ms)
{
    struct json_out children = json_out(1024 * 1024);
    struct ticket_new what = {
        .cause_key = key,
        .kind = "communication",
        .agent = agent,
        .grade = 3,
        .onset_ms = since_ms,
        .detected_ms = since_ms + place->plan->link_loss_delay_ms,
        .title = {"No connection to the equipment", "设备通信中断"},
        .domain = "external",
        .who = "heliograph",
    };
    int64_t id = 0;
    enum err err = list_children(sql, agent, &children);

    if (!err) {
        what.children = children.bytes;
        err = ticket_open(office, sql, place, &what, now_ms, &id);
    }
    json_out_free(&children);
    return err ? err : take_in(office, sql, agent, id, since_ms, now_ms);
}

/* The silence begins again before the last one's ticket was closed. */
static enum err relapse(struct office *office, struct sql *sql, int64_t id, int64_t since_ms,
                        int64_t now_ms, bool *ret_again)
{
    struct ticket ticket;
    enum err err = ticket_load(office, sql, id, &ticket);

    *ret_again = !err && ticket.cleared_ms;
    if (*ret_again) {
        err = ticket_relapsed(office, sql, &ticket, since_ms, now_ms);
    }
    return err;
}

static enum err raise_grade(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct ticket ticket;
    enum err err = ticket_load(office, sql, id, &ticket);

    if (!err && ticket.grade > 2) {
        err = ticket_regrade(office, sql, &ticket, 2, "heliograph", "the link stays lost", NULL,
                             now_ms, now_ms);
    }
    return err;
}

static enum err judge_silence(struct office *office, struct sql *sql, int64_t agent, int64_t since_ms,
                              int64_t now_ms, int64_t *ret_next_ms)
{
    int64_t equipment =
        sql_find_int(sql, 0, "SELECT MIN(id) FROM equipment WHERE agent = ?1", "i", agent);
    int64_t delay_at, limit_at, id;
    struct place place;
    TEXT(key, 128);
    enum err err;

    *ret_next_ms = OFFICE_NEVER;
    if (!equipment) {
        return ERR_OK; /* nobody waits for what hangs on it */
    }
    err = place_find(office, sql, equipment, 0, now_ms, &place);
    if (!err) {
        err = agent_key(sql, agent, &key);
    }
    if (err || !place.plan) {
        return err;
    }
    delay_at = since_ms + place.plan->link_loss_delay_ms;
    limit_at = since_ms + place.plan->link_loss_limit_ms;
    id = ticket_of_cause(sql, key.at);
    if (now_ms >= delay_at) {
        bool again = false;

        err = id ? relapse(office, sql, id, since_ms, now_ms, &again)
                 : open_ticket(office, sql, &place, agent, key.at, since_ms, now_ms);
        if (!err && (again || !id)) {
            id = ticket_of_cause(sql, key.at);
            err = announce_link(office, sql, id, agent, since_ms, &place.plan->alarms, now_ms);
        }
    }
    if (!err && id && now_ms >= limit_at) {
        err = raise_grade(office, sql, id, now_ms);
    }
    *ret_next_ms = delay_at > now_ms ? delay_at : limit_at > now_ms ? limit_at : OFFICE_NEVER;
    return err;
}

/* Whoever fell silent while we were away gets the time after a start; whoever was heard since then has been back. */
static bool may_come_back(const struct office *office, int64_t since_ms, int64_t now_ms)
{
    return now_ms < office->options.quiet_until_ms && since_ms < office->options.started_ms;
}

enum err links_again(struct sql *sql, int64_t agent, int64_t now_ms)
{
    return sql_run(sql, "UPDATE agent SET link_next_ms = ?2 WHERE silent_since_ms IS NOT NULL AND (?1 = 0 OR id = ?1)", "ii",
                   agent, now_ms);
}

int64_t links_due(struct sql *sql)
{
    return sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(link_next_ms) FROM agent WHERE link_next_ms IS NOT NULL", "");
}

#define LINK_SLICE 500 /* silent agents looked at in one turn */

enum err link_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct silent {
        int64_t agent, since_ms;
    } silent[LINK_SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT id, silent_since_ms FROM agent WHERE link_next_ms <= ?1 ORDER BY link_next_ms LIMIT 500", "i",
             now_ms);
    while (count < LINK_SLICE && sql_next(&rows)) {
        silent[count++] = (struct silent){sql_int(&rows, 0), sql_int(&rows, 1)};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        int64_t next_ms = office->options.quiet_until_ms;

        if (!may_come_back(office, silent[i].since_ms, now_ms)) {
            arena_reset(office->arena);
            err = judge_silence(office, sql, silent[i].agent, silent[i].since_ms, now_ms, &next_ms);
        }
        if (!err) {
            err = next_ms == OFFICE_NEVER
                      ? sql_run(sql, "UPDATE agent SET link_next_ms = NULL WHERE id = ?1", "i", silent[i].agent)
                      : sql_run(sql, "UPDATE agent SET link_next_ms = ?2 WHERE id = ?1", "ii", silent[i].agent, next_ms);
        }
    }
    return err;
}
