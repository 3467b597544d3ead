/* Technical bulletins: to whom they go, and what became of each (S2-23). */
#include "server/dossier/dossier.h"

#include <string.h>

/* 1.10.2 is at least 1.9: numbers with dots between; what stands behind them (-rc1) does not count. */
static bool version_reaches(const char *has, const char *wanted)
{
    while (*wanted >= '0' && *wanted <= '9') {
        int64_t a = 0, b = 0;

        for (; *has >= '0' && *has <= '9' && a < 1000000; has++) {
            a = a * 10 + *has - '0';
        }
        for (; *wanted >= '0' && *wanted <= '9' && b < 1000000; wanted++) {
            b = b * 10 + *wanted - '0';
        }
        if (a != b) {
            return a > b;
        }
        has += *has == '.';
        wanted += *wanted == '.';
    }
    return true;
}

/* ------------------------------------------------------------------ by itself */

static enum err put_lines(struct sql *sql, int32_t today, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO bulletin_unit (bulletin, equipment, state, at_ms, who) SELECT b.id, e.id, 'open', ?2,"
                   " 'heliograph' FROM bulletin b JOIN equipment e ON e.claimed = 1 AND (b.profile IS NULL OR b.profile ="
                   " e.profile) WHERE COALESCE(b.from_day, ?1) <= ?1 ON CONFLICT (bulletin, equipment) DO NOTHING",
                   "ii", (int64_t)today, now_ms);
}

/* Agents say which version they are: what they have reached needs nobody's word. */
static enum err follow_versions(struct sql *sql, int64_t now_ms)
{
    struct { int64_t bulletin; char version[40]; } reached[200];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT DISTINCT b.id, a.version, b.agent_version FROM bulletin_unit u JOIN bulletin b ON b.id = u.bulletin JOIN"
             " equipment e ON e.id = u.equipment JOIN agent a ON a.id = e.agent WHERE u.state IN ('open', 'ordered') AND"
             " b.agent_version IS NOT NULL AND a.version IS NOT NULL",
             "");
    while (count < 200 && sql_next(&rows)) {
        if (version_reaches(sql_text(&rows, 1), sql_text(&rows, 2)) &&
            !text_copy(reached[count].version, sizeof(reached[count].version), sql_text(&rows, 1))) {
            reached[count++].bulletin = sql_int(&rows, 0);
        }
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = sql_run(sql,
                      "UPDATE bulletin_unit SET state = 'done', at_ms = ?3, who = 'heliograph', note = ?2 WHERE bulletin = ?1 AND"
                      " state IN ('open', 'ordered') AND equipment IN (SELECT e.id FROM equipment e JOIN agent a ON a.id ="
                      " e.agent WHERE a.version = ?2)",
                      "iti", reached[i].bulletin, reached[i].version, now_ms);
    }
    return err;
}

static enum err follow_orders(struct sql *sql, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE bulletin_unit SET state = 'done', at_ms = ?1, who = 'heliograph' WHERE state = 'ordered' AND"
                           " EXISTS (SELECT 1 FROM work_order w WHERE w.id = bulletin_unit.work_order AND w.state IN ('done',"
                           " 'verified', 'closed'))",
                           "i", now_ms);

    return err ? err
               : sql_run(sql,
                         "UPDATE bulletin_unit SET state = 'open', work_order = NULL, at_ms = ?1, who = 'heliograph' WHERE state"
                         " = 'ordered' AND EXISTS (SELECT 1 FROM work_order w WHERE w.id = bulletin_unit.work_order AND w.state"
                         " = 'cancelled')",
                         "i", now_ms);
}

enum err bulletins_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    const struct zone *zone = rules_zone(office->options.rules, office->options.time_zone);
    enum err err;

    if (!sql_find_int(sql, 0, "SELECT 1 FROM bulletin LIMIT 1", "")) {
        return ERR_OK;
    }
    err = put_lines(sql, zone_day(zone ? zone : zone_utc(), now_ms), now_ms);
    err = err ? err : follow_versions(sql, now_ms);
    return err ? err : follow_orders(sql, now_ms);
}

/* ------------------------------------------------------------------ by people */

static enum err set_state(struct sql *sql, int64_t bulletin, int64_t equipment, const char *state,
                          const struct action *action, int64_t now_ms)
{
    return sql_run(sql,
                   "UPDATE bulletin_unit SET state = ?3, at_ms = ?4, who = ?5, note = ?6, work_order = CASE WHEN ?3 = 'open' THEN"
                   " NULL ELSE work_order END WHERE bulletin = ?1 AND equipment = ?2",
                   "iititt", bulletin, equipment, state, now_ms, action->who, action->note);
}

enum err bulletin_act(struct sql *sql, int64_t bulletin, const struct action *action, int64_t now_ms, struct text *why)
{
    const char *name = json_text_or(action->body, "equipment", "");
    int64_t equipment = sql_find_int(sql, 0,
                                     "SELECT u.equipment FROM bulletin_unit u JOIN equipment e ON e.id = u.equipment WHERE"
                                     " u.bulletin = ?1 AND e.name = ?2",
                                     "it", bulletin, name);
    bool ended = sql_find_int(sql, 0, "SELECT 1 FROM bulletin_unit WHERE bulletin = ?1 AND equipment = ?2 AND state IN ('done',"
                                      " 'refused')",
                              "ii", bulletin, equipment) != 0;
    bool done = text_same(action->action, "done"), refuse = text_same(action->action, "refuse");

    if (!equipment) {
        return text_say(why, ERR_FORMAT, "equipment: expected one that the bulletin is about, found '%.64s'", name);
    }
    if (refuse && !(action->note && action->note[0])) {
        return text_say(why, ERR_FORMAT, "note: expected why it is refused, and by whom");
    }
    if (done || refuse) {
        return ended ? text_say(why, ERR_STATE, "it has ended. Legal: reopen")
                     : set_state(sql, bulletin, equipment, done ? "done" : "refused", action, now_ms);
    }
    if (!text_same(action->action, "reopen")) {
        return text_say(why, ERR_FORMAT, "action: expected order, done, refuse or reopen, found '%.40s'",
                        action->action ? action->action : "");
    }
    return ended ? set_state(sql, bulletin, equipment, "open", action, now_ms)
                 : text_say(why, ERR_STATE, "it has not ended. Legal: order, done, refuse");
}

enum err bulletin_ordered(struct sql *sql, int64_t bulletin, int64_t equipment, int64_t work_order, const char *who,
                          int64_t now_ms)
{
    return sql_run(sql,
                   "UPDATE bulletin_unit SET state = 'ordered', work_order = ?3, at_ms = ?5, who = ?4 WHERE bulletin = ?1 AND"
                   " equipment = ?2",
                   "iiiti", bulletin, equipment, work_order, who, now_ms);
}

/* ------------------------------------------------------------------ showing */

static void put_count(struct sql *sql, struct json_out *out, int64_t bulletin, const char *state, int64_t *to)
{
    *to = sql_find_int(sql, 0, "SELECT COUNT(*) FROM bulletin_unit WHERE bulletin = ?1 AND state = ?2", "it", bulletin, state);
    json_int(out, state, *to);
}

static void put_progress(struct sql *sql, int64_t bulletin, int32_t today, struct json_out *out)
{
    int64_t open, ordered, done, refused, all;

    json_key(out, "progress");
    json_open_object(out);
    put_count(sql, out, bulletin, "open", &open);
    put_count(sql, out, bulletin, "ordered", &ordered);
    put_count(sql, out, bulletin, "done", &done);
    put_count(sql, out, bulletin, "refused", &refused);
    all = open + ordered + done + refused;
    json_int(out, "all", all);
    json_key(out, "share");
    if (all > 0) {
        json_put_number(out, (double)(done + refused) / (double)all);
    } else {
        json_put_null(out);
    }
    json_bool(out, "overdue",
              open + ordered > 0 &&
                  sql_find_int(sql, today, "SELECT due_day FROM bulletin WHERE id = ?1", "i", bulletin) < today);
    json_close_object(out);
}

enum err bulletin_view(struct sql *sql, const struct zone *zone, int64_t bulletin, int64_t now_ms, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT name, kind, title_en, title_zh, profile, agent_version, job, from_day, due_day FROM bulletin WHERE id = ?1",
             "i", bulletin);
    err = show_row(out, zone, &rows, "tbulletin tkind 2title tprofile tagent_version tjob dfrom ddue");
    if (!err) {
        put_progress(sql, bulletin, zone_day(zone, now_ms), out);
        sql_find(sql, &rows,
                 "SELECT e.name, s.name, u.state, w.number, u.told_ms, u.at_ms, u.who, u.note FROM bulletin_unit u JOIN equipment"
                 " e ON e.id = u.equipment LEFT JOIN site s ON s.id = e.site LEFT JOIN work_order w ON w.id = u.work_order WHERE"
                 " u.bulletin = ?1 ORDER BY CASE u.state WHEN 'open' THEN 0 WHEN 'ordered' THEN 1 ELSE 2 END, e.name LIMIT 1000",
                 "i", bulletin);
        err = show_list(out, "equipment", zone, &rows, "tequipment tsite tstate twork_order mtold_at mat twho tnote");
    }
    json_close_object(out);
    return err;
}
