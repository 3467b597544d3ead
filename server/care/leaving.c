/* A customer leaves: one guided action in steps, each on record. */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/care/care_int.h"
#include "server/fleet/numbers.h"

#define SPOKE_MS 60000 /* what was on its way when the broker was told */

static const char *const steps[] = {"settle", "export", "access", "credentials", "hand_over", NULL};

/* Sites of the customer ?1, and its tickets. */
#define SITES "(SELECT s.id FROM site s WHERE s.customer = ?1)"
/* Gateways that speak for this customer's equipment and for nobody else's. */
#define AGENTS                                                                                                         \
    "SELECT DISTINCT e.agent FROM equipment e WHERE e.agent IS NOT NULL AND e.site IN " SITES " AND NOT EXISTS (SELECT 1" \
    " FROM equipment o LEFT JOIN site p ON p.id = o.site WHERE o.agent = e.agent AND o.claimed = 1 AND COALESCE(p.customer, 0) <>" \
    " ?1)"

static enum err put_event(struct sql *sql, int64_t leaving, const struct action *action, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO leaving_event (leaving, at_ms, who, action, action_id, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   "iitttt", leaving, now_ms, action->who, action->action, action->action_id, action->note);
}

static enum err end_step(struct sql *sql, int64_t leaving, const char *step, const char *state, const char *who,
                         const char *note, const char *data, int64_t now_ms)
{
    return sql_run(sql,
                   "UPDATE leaving_step SET state = ?3, at_ms = ?4, who = ?5, note = COALESCE(?6, note), data = COALESCE(?7, data)"
                   " WHERE leaving = ?1 AND step = ?2",
                   "ittittt", leaving, step, state, now_ms, who, note, data);
}

/* ------------------------------------------------------------------ it begins */

static enum err put_steps(struct sql *sql, int64_t leaving, int64_t customer)
{
    enum err err = ERR_OK;

    for (int i = 0; !err && steps[i]; i++) {
        err = sql_run(sql, "INSERT INTO leaving_step (leaving, step, position, state) VALUES (?1, ?2, ?3, 'open')", "iti", leaving,
                      steps[i], (int64_t)i);
    }
    return err ? err
               : sql_run(sql, "INSERT INTO leaving_agent (leaving, agent) SELECT ?2, a.agent FROM (" AGENTS ") a", "ii", customer,
                         leaving);
}

enum err leaving_begin(struct care *care, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                       struct text *why)
{
    const char *name = json_text_or(action->body, "agreement", ""), *reason = json_text_or(action->body, "reason", "");
    int64_t contract = 0, customer = 0, over = 0;
    char number[NUMBERS_ROOM];
    struct sql_rows rows;
    enum err err;

    arena_reset(care->office.arena);
    *ret_id = action->action_id ? sql_find_int(sql, 0, "SELECT id FROM leaving WHERE client_id = ?1", "t", action->action_id) : 0;
    if (*ret_id) {
        return ERR_OK;
    }
    sql_find(sql, &rows,
             "SELECT c.id, COALESCE(c.customer, (SELECT MIN(s.customer) FROM contract_site x JOIN site s ON s.id = x.site WHERE"
             " x.contract = c.id), 0), CASE WHEN c.cancelled_ms IS NOT NULL OR c.ended_ms IS NOT NULL OR c.end_day < ?2 THEN 1 ELSE"
             " 0 END FROM contract c WHERE c.name = ?1",
             "ti", name, now_ms / 86400000);
    if (sql_next(&rows)) {
        contract = sql_int(&rows, 0);
        customer = sql_int(&rows, 1);
        over = sql_int(&rows, 2);
    }
    err = sql_end(&rows);
    if (err) {
        return err;
    }
    if (!contract || !customer || !reason[0] || strlen(reason) > 1000) {
        return text_say(why, ERR_FORMAT,
                        !contract   ? "agreement: expected one that is there"
                        : !customer ? "agreement: expected one with a customer"
                                    : "reason: expected words, at most 1000 bytes");
    }
    if (!over) {
        return text_say(why, ERR_STATE, "the agreement runs: cancel it first, or wait for its end");
    }
    if (sql_find_int(sql, 0, "SELECT 1 FROM leaving WHERE customer = ?1 AND state = 'open'", "i", customer)) {
        return text_say(why, ERR_STATE, "this customer is being off-boarded already");
    }
    numbers_make('L', number, sizeof(number));
    err = sql_run(sql,
                  "INSERT INTO leaving (number, client_id, contract, customer, state, reason, who, at_ms) VALUES (?1, ?2, ?3, ?4,"
                  " 'open', ?5, ?6, ?7)",
                  "ttiitti", number, action->action_id, contract, customer, reason, action->who, now_ms);
    *ret_id = err ? 0 : sql_last_id(sql);
    return err ? err : put_steps(sql, *ret_id, customer);
}

/* ------------------------------------------------------------------ its steps */

struct doing {
    struct care *care;
    struct sql *sql;
    int64_t leaving, customer, contract;
    const struct action *action;
    int64_t now_ms;
    struct text *why;
};

static enum err do_settle(struct doing *doing)
{
    int64_t open = sql_find_int(doing->sql, 0, "SELECT COUNT(*) FROM ticket WHERE closed_ms IS NULL AND site IN " SITES, "i",
                                doing->customer);
    TEXT(data, 64);

    if (open > 0 && (!doing->action->note || !doing->action->note[0])) {
        return text_say(doing->why, ERR_STATE, "%lld tickets are open: close them, or say in note how they are finished",
                        (long long)open);
    }
    text_addf(&data, "{\"open_tickets\":%lld}", (long long)open);
    return end_step(doing->sql, doing->leaving, "settle", "done", doing->action->who, doing->action->note, data.at, doing->now_ms);
}

static enum err do_export(struct doing *doing)
{
    int64_t id;

    if (sql_find_int(doing->sql, 0, "SELECT 1 FROM export WHERE leaving = ?1 AND state IN ('running', 'done')", "i", doing->leaving)) {
        return text_say(doing->why, ERR_STATE, "it runs already, or is done");
    }
    return export_begin(doing->care, doing->sql, doing->action, doing->customer, doing->leaving, doing->now_ms, &id, doing->why);
}

/* Tokens that were given to the customer, calendars of its sites, codes by which its tickets and surveys are looked at. */
static enum err do_revoke(struct doing *doing)
{
    struct sql *sql = doing->sql;
    int64_t tokens, feeds, codes;
    TEXT(data, 120);
    enum err err = sql_run(sql, "UPDATE token SET revoked_ms = ?2 WHERE customer = ?1 AND revoked_ms IS NULL", "ii", doing->customer,
                           doing->now_ms);

    tokens = sql_changes(sql);
    err = err ? err
              : sql_run(sql,
                        "UPDATE feed SET revoked_ms = ?2, revoked_by = ?3 WHERE revoked_ms IS NULL AND kind = 'site' AND name IN"
                        " (SELECT name FROM site WHERE customer = ?1)",
                        "iit", doing->customer, doing->now_ms, doing->action->who);
    feeds = sql_changes(sql);
    err = err ? err : sql_run(sql, "UPDATE ticket SET track_revoked_ms = ?2 WHERE track_revoked_ms IS NULL AND site IN " SITES, "ii",
                              doing->customer, doing->now_ms);
    codes = sql_changes(sql);
    err = err ? err : sql_run(sql, "UPDATE survey SET until_ms = ?2 WHERE customer = ?1 AND answered_ms IS NULL AND until_ms > ?2", "ii",
                              doing->customer, doing->now_ms);
    text_addf(&data, "{\"tokens\":%lld,\"feeds\":%lld,\"track_codes\":%lld}", (long long)tokens, (long long)feeds, (long long)codes);
    return err ? err : end_step(sql, doing->leaving, "access", "done", doing->action->who, doing->action->note, data.at, doing->now_ms);
}

static enum err settle_credentials(struct sql *sql, int64_t leaving, const char *who, int64_t now_ms)
{
    bool open = sql_find_int(sql, 0,
                             "SELECT 1 FROM leaving_agent WHERE leaving = ?1 AND (confirmed_ms IS NULL OR heard_ms IS NOT NULL)"
                             " LIMIT 1",
                             "i", leaving) != 0;

    return end_step(sql, leaving, "credentials", open ? "open" : "done", who, NULL, NULL, now_ms);
}

/* A person has run `pki revoke` for {agent} (or all of them) and has told the broker. */
static enum err do_confirm(struct doing *doing)
{
    const char *agent = json_text_or(doing->action->body, "agent", NULL);
    enum err err;

    if (agent && !sql_find_int(doing->sql, 0,
                               "SELECT 1 FROM leaving_agent l JOIN agent a ON a.id = l.agent WHERE l.leaving = ?1 AND a.name = ?2",
                               "it", doing->leaving, agent)) {
        return text_say(doing->why, ERR_FORMAT, "agent: expected one of this off-boarding, found '%.64s'", agent);
    }
    err = sql_run(doing->sql,
                  "UPDATE leaving_agent SET confirmed_ms = ?2, confirmed_by = ?3, heard_ms = NULL WHERE leaving = ?1 AND (?4 IS NULL"
                  " OR agent = (SELECT id FROM agent WHERE name = ?4))",
                  "iitt", doing->leaving, doing->now_ms, doing->action->who, agent);
    return err ? err : settle_credentials(doing->sql, doing->leaving, doing->action->who, doing->now_ms);
}

/* Who took the data over, at the customer's. */
static enum err do_hand_over(struct doing *doing)
{
    const char *name = json_text_or(doing->action->body, "name", "");
    struct json_out data = json_out(4096);
    enum err err;

    if (!name[0] || strlen(name) > 200) {
        return text_say(doing->why, ERR_FORMAT, "name: expected who took the data over, at most 200 bytes");
    }
    if (!sql_find_int(doing->sql, 0, "SELECT 1 FROM leaving_step WHERE leaving = ?1 AND step = 'export' AND state <> 'open'", "i",
                      doing->leaving)) {
        return text_say(doing->why, ERR_STATE, "the export is not done. Legal: export skip");
    }
    json_open_object(&data);
    json_text(&data, "name", name);
    json_close_object(&data);
    err = data.err ? data.err
                   : end_step(doing->sql, doing->leaving, "hand_over", "done", doing->action->who, doing->action->note, data.bytes,
                              doing->now_ms);
    json_out_free(&data);
    return err;
}

static enum err do_skip(struct doing *doing)
{
    const char *step = json_text_or(doing->action->body, "step", "");
    enum err err;

    if (!doing->action->note || !doing->action->note[0]) {
        return text_say(doing->why, ERR_FORMAT, "note: expected why the step is left out");
    }
    err = end_step(doing->sql, doing->leaving, step, "skipped", doing->action->who, doing->action->note, NULL, doing->now_ms);
    return err || sql_changes(doing->sql) > 0
               ? err
               : text_say(doing->why, ERR_FORMAT, "step: expected settle, export, access, credentials or hand_over");
}

static enum err do_finish(struct doing *doing)
{
    int64_t keep_ms = doing->care->keep_ms[CARE_CONTACTS];
    struct sql_rows rows;
    TEXT(open, 120);
    enum err err;

    sql_find(doing->sql, &rows, "SELECT step FROM leaving_step WHERE leaving = ?1 AND state = 'open' ORDER BY position", "i",
             doing->leaving);
    while (sql_next(&rows)) {
        text_addf(&open, " %s", sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    if (err || open.length) {
        return err ? err : text_say(doing->why, ERR_STATE, "steps are open:%s", open.at);
    }
    return sql_run(doing->sql, "UPDATE leaving SET state = 'done', done_ms = ?2, remove_day = NULLIF(?3, -1) WHERE id = ?1", "iii",
                   doing->leaving, doing->now_ms, keep_ms ? (doing->now_ms + keep_ms) / 86400000 : -1);
}

static enum err do_abort(struct doing *doing)
{
    if (!doing->action->note || !doing->action->note[0]) {
        return text_say(doing->why, ERR_FORMAT, "note: expected why it is given up");
    }
    return sql_run(doing->sql, "UPDATE leaving SET state = 'aborted', done_ms = ?2 WHERE id = ?1", "ii", doing->leaving, doing->now_ms);
}

static const struct {
    const char *name;
    enum err (*run)(struct doing *doing);
} doers[] = {
    {"settle", do_settle}, {"export", do_export}, {"revoke", do_revoke}, {"confirm", do_confirm}, {"hand_over", do_hand_over},
    {"skip", do_skip},     {"finish", do_finish}, {"abort", do_abort},
};

enum err leaving_act(struct care *care, struct sql *sql, int64_t leaving, const struct action *action, int64_t now_ms, struct text *why)
{
    struct doing doing = {care, sql, leaving, 0, 0, action, now_ms, why};
    struct sql_rows rows;
    bool open = false, did;
    size_t i = 0;
    enum err err;

    arena_reset(care->office.arena);
    sql_find(sql, &rows, "SELECT customer, contract, state FROM leaving WHERE id = ?1", "i", leaving);
    if (sql_next(&rows)) {
        doing.customer = sql_int(&rows, 0);
        doing.contract = sql_int(&rows, 1);
        open = text_same(sql_text(&rows, 2), "open");
    }
    err = sql_end(&rows);
    did = action->action_id && sql_find_int(sql, 0, "SELECT 1 FROM leaving_event WHERE leaving = ?1 AND action_id = ?2", "it", leaving,
                                            action->action_id);
    if (err || !doing.customer || did) {
        return err ? err : did ? ERR_OK : text_say(why, ERR_NOT_FOUND, "no such off-boarding");
    }
    while (i < sizeof(doers) / sizeof(doers[0]) && !text_same(doers[i].name, action->action)) {
        i++;
    }
    if (i == sizeof(doers) / sizeof(doers[0]) || !open) {
        return text_say(why, open ? ERR_FORMAT : ERR_STATE, "%.40s: legal:%s", action->action,
                        open ? " settle export revoke confirm hand_over skip finish abort" : " nothing, it has ended");
    }
    err = doers[i].run(&doing);
    err = err ? err : put_event(sql, leaving, action, now_ms);
    return err ? err : sql_run(sql, "UPDATE leaving SET version = version + 1 WHERE id = ?1", "i", leaving);
}

/* ------------------------------------------------------------------ by itself */

/* A gateway that is said to be shut out and speaks all the same: the broker was not told. */
static enum err hear(struct care *care, struct sql *sql, int64_t now_ms)
{
    int64_t leaving = 0, agent = 0;
    struct sql_rows rows;
    TEXT(name, 80);
    TEXT(key, 160);
    TEXT(words, 300);
    enum err err;

    sql_find(sql, &rows,
             "SELECT l.leaving, l.agent, a.name FROM leaving_agent l JOIN agent a ON a.id = l.agent WHERE l.confirmed_ms IS NOT NULL AND"
             " l.heard_ms IS NULL AND a.last_seen_ms > l.confirmed_ms + ?1 LIMIT 1",
             "i", (int64_t)SPOKE_MS);
    if (sql_next(&rows)) {
        leaving = sql_int(&rows, 0);
        agent = sql_int(&rows, 1);
        text_add(&name, sql_text(&rows, 2));
    }
    err = sql_end(&rows);
    if (err || !leaving) {
        return err;
    }
    err = sql_run(sql, "UPDATE leaving_agent SET heard_ms = ?3 WHERE leaving = ?1 AND agent = ?2", "iii", leaving, agent, now_ms);
    err = err ? err : settle_credentials(sql, leaving, "heliograph", now_ms);
    text_addf(&key, "leaving:%lld:%s:%lld", (long long)leaving, name.at, (long long)now_ms);
    text_addf(&words, "Gateway %s still speaks although its certificate counts as revoked: tell the broker. 网关 %s 的证书应已吊销，但仍在通信。",
              name.at, name.at);
    return err ? err : care_tell(care, sql, key.at, "A revoked gateway speaks · 已吊销网关仍在通信", words.at, now_ms);
}

enum err leavings_turn(struct care *care, struct sql *sql, int64_t now_ms)
{
    enum err err = hear(care, sql, now_ms);

    err = err ? err
              : sql_run(sql,
                        "UPDATE leaving_step SET state = 'done', at_ms = ?1, who = 'heliograph' WHERE step = 'export' AND state ="
                        " 'open' AND EXISTS (SELECT 1 FROM export e WHERE e.leaving = leaving_step.leaving AND e.state = 'done')",
                        "i", now_ms);
    /* no gateway to revoke: nothing is to be confirmed */
    err = err ? err
              : sql_run(sql,
                        "UPDATE leaving_step SET state = 'done', at_ms = ?1, who = 'heliograph' WHERE step = 'credentials' AND state ="
                        " 'open' AND NOT EXISTS (SELECT 1 FROM leaving_agent a WHERE a.leaving = leaving_step.leaving)",
                        "i", now_ms);
    /* the customer has left, and is kept no longer: unless another agreement of his runs */
    return err ? err
               : sql_run(sql,
                         "INSERT INTO removal (kind, subject, name, reason, who, at_ms) SELECT 'customer', l.customer, c.name,"
                         " 'kept no longer: ' || l.number, 'heliograph', ?1 FROM leaving l JOIN customer c ON c.id = l.customer WHERE"
                         " l.state = 'done' AND l.remove_day <= ?2 AND c.removed_ms IS NULL AND NOT EXISTS (SELECT 1 FROM contract k"
                         " WHERE k.customer = l.customer AND k.draft = 0 AND (k.end_day IS NULL OR k.end_day >= ?2)) ON CONFLICT DO"
                         " NOTHING",
                         "ii", now_ms, now_ms / 86400000);
}

/* ------------------------------------------------------------------ looking */

static enum err put_step_rows(struct sql *sql, int64_t leaving, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "steps");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT step, state, at_ms, who, note, data FROM leaving_step WHERE leaving = ?1 ORDER BY position", "i", leaving);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "step", sql_text(&rows, 0));
        json_text(out, "state", sql_text(&rows, 1));
        care_time(out, "at", zone, sql_int(&rows, 2));
        json_text(out, "who", sql_text(&rows, 3));
        json_text(out, "note", sql_text(&rows, 4));
        json_raw(out, "data", sql_text(&rows, 5));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_agents(struct sql *sql, int64_t leaving, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "agents");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT a.name, l.confirmed_ms, l.confirmed_by, l.heard_ms FROM leaving_agent l JOIN agent a ON a.id = l.agent WHERE"
             " l.leaving = ?1 ORDER BY a.name LIMIT 1000",
             "i", leaving);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "agent", sql_text(&rows, 0));
        care_time(out, "revoked_at", zone, sql_int(&rows, 1));
        json_text(out, "revoked_by", sql_text(&rows, 2));
        care_time(out, "heard_at", zone, sql_int(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err leaving_view(struct sql *sql, const struct zone *zone, int64_t leaving, struct json_out *out)
{
    struct sql_rows rows;
    char day[11];
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT l.number, l.state, c.name, k.name, l.reason, l.who, l.at_ms, l.done_ms, l.remove_day, l.version, (SELECT e.number"
             " FROM export e WHERE e.leaving = l.id ORDER BY e.id DESC LIMIT 1) FROM leaving l JOIN contract c ON c.id = l.contract"
             " JOIN customer k ON k.id = l.customer WHERE l.id = ?1",
             "i", leaving);
    found = sql_next(&rows);
    json_open_object(out);
    if (found) {
        json_text(out, "number", sql_text(&rows, 0));
        json_text(out, "state", sql_text(&rows, 1));
        json_text(out, "agreement", sql_text(&rows, 2));
        json_text(out, "customer", sql_text(&rows, 3));
        json_text(out, "reason", sql_text(&rows, 4));
        json_text(out, "who", sql_text(&rows, 5));
        care_time(out, "at", zone, sql_int(&rows, 6));
        care_time(out, "done_at", zone, sql_int(&rows, 7));
        if (!sql_null(&rows, 8)) {
            civil_write_date((int32_t)sql_int(&rows, 8), day);
        }
        json_text(out, "personal_data_until", sql_null(&rows, 8) ? NULL : day);
        json_int(out, "version", sql_int(&rows, 9));
        json_text(out, "export", sql_text(&rows, 10));
    }
    err = sql_end(&rows);
    err = err ? err : put_step_rows(sql, leaving, zone, out);
    err = err ? err : put_agents(sql, leaving, zone, out);
    json_close_object(out);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
