/* Agreements: what happens by itself. */
#include "server/care/agreement_int.h"

#define SLICE 20 /* agreements in one turn */
#define DAY_MS 86400000LL

/* The term that has begun holds: its plan and level from now on. */
static enum err turn_term(struct care *care, struct sql *sql, const struct agreement_row *row, int64_t now_ms, bool *io_plan)
{
    TEXT(plan, 400);
    char level[2] = "";
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT plan, level FROM agreement_term WHERE contract = ?1 AND number > 1 AND COALESCE(from_day, ?2) <= ?2 ORDER BY"
             " number DESC LIMIT 1",
             "ii", row->id, (int64_t)row->today);
    if (sql_next(&rows)) {
        text_add(&plan, sql_text(&rows, 0));
        (void)!text_copy(level, sizeof(level), sql_text(&rows, 1));
    }
    err = sql_end(&rows);
    if (err || !plan.length || (text_same(plan.at, row->plan_id) && text_same(level, row->level))) {
        return err;
    }
    *io_plan = true;
    err = sql_run(sql, "UPDATE contract SET plan = ?2, service_level = ?3, version = version + 1 WHERE id = ?1", "itt", row->id,
                  plan.at, level);
    err = err ? err : agreement_put_doc(care, sql, row->id);
    return err ? err : agreement_line(sql, row->id, now_ms, "heliograph", "term", NULL, plan.at);
}

/* The day after the last one: what is owed by the calendar is given up, the manager hears of what is still open. */
static enum err turn_end(struct care *care, struct sql *sql, const struct agreement_row *row, int64_t now_ms)
{
    int64_t open = sql_find_int(sql, 0,
                                "SELECT COUNT(*) FROM ticket t JOIN contract_site x ON x.site = t.site WHERE x.contract = ?1 AND"
                                " t.closed_ms IS NULL",
                                "i", row->id);
    TEXT(key, 120);
    TEXT(words, 400);
    enum err err = sql_run(sql,
                           "UPDATE clock SET cancelled_ms = MAX(?2, started_ms), cancelled_for = 'agreement_over', next_ms = NULL,"
                           " version = version + 1 WHERE subject = 'contract' AND subject_id = ?1 AND ticket IS NULL AND kind <>"
                           " 'agreement' AND met_ms IS NULL AND cancelled_ms IS NULL",
                           "ii", row->id, now_ms);

    err = err ? err : sql_run(sql, "UPDATE contract SET ended_ms = ?2, version = version + 1 WHERE id = ?1", "ii", row->id, now_ms);
    err = err ? err
              : sql_run(sql, /* a question about an agreement that is over is not asked any longer */
                        "UPDATE survey SET until_ms = ?2 WHERE contract = ?1 AND answered_ms IS NULL AND until_ms > ?2", "ii",
                        row->id, now_ms);
    text_addf(&key, "agreement:%s:end:%d", row->name, (int)row->agreement.end_day);
    text_addf(&words, "Agreement %s has ended%s; open tickets: %lld. After-care runs. 服务协议 %s 已终止，未结工单 %lld。", row->name,
              row->agreement.cancelled ? " by cancellation" : "", (long long)open, row->name, (long long)open);
    err = err ? err : agreement_line(sql, row->id, now_ms, "heliograph", "end", key.at, words.at);
    return err ? err : care_tell(care, sql, key.at, "An agreement has ended · 服务协议已终止", words.at, now_ms);
}

/* Equipment that reports on after the end: on record once each, told once. */
static enum err turn_heard(struct care *care, struct sql *sql, const struct agreement_row *row, int64_t now_ms)
{
    int64_t over_ms = zone_instant(row->zone, row->agreement.end_day + 1, 0);
    TEXT(key, 120);
    TEXT(words, 400);
    enum err err = sql_run(sql,
                           "INSERT INTO agreement_heard (contract, equipment, first_ms) SELECT x.contract, e.id, e.last_seen_ms"
                           " FROM contract_site x JOIN equipment e ON e.site = x.site WHERE x.contract = ?1 AND e.last_seen_ms >="
                           " ?2 AND NOT EXISTS (SELECT 1 FROM contract_site y JOIN contract c ON c.id = y.contract WHERE y.site ="
                           " x.site AND (c.start_day IS NULL OR c.start_day <= ?3) AND (c.end_day IS NULL OR c.end_day >= ?3)) ON"
                           " CONFLICT DO NOTHING",
                           "iii", row->id, over_ms, (int64_t)row->today);

    if (err || sql_changes(sql) == 0) {
        return err;
    }
    text_addf(&key, "agreement:%s:heard:%d", row->name, (int)row->agreement.end_day);
    text_addf(&words, "Equipment of agreement %s goes on reporting after its end. 服务协议 %s 终止后，设备仍在上报数据。", row->name, row->name);
    err = agreement_line(sql, row->id, now_ms, "heliograph", "heard", key.at, words.at);
    return err ? err : care_tell(care, sql, key.at, "Reports after the end of an agreement · 协议终止后仍在上报", words.at, now_ms);
}

static enum err turn_one(struct care *care, struct sql *sql, int64_t id, int64_t now_ms, bool *io_plan)
{
    struct agreement_row row;
    enum err err;

    arena_reset(care->office.arena);
    err = agreement_read(care->office.arena, sql, care->office.options.rules, care->office.options.time_zone, id, now_ms, &row);
    if (err == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    err = err ? err : agreement_first_term(sql, &row, now_ms);
    err = err ? err : turn_term(care, sql, &row, now_ms, io_plan);
    if (!err && row.state == AGREEMENT_ENDED && !row.ended_ms) {
        err = turn_end(care, sql, &row, now_ms);
        *io_plan = true;
    }
    return !err && row.state >= AGREEMENT_ENDED ? turn_heard(care, sql, &row, now_ms) : err;
}

/* Each is looked at once in six hours: a day begins at another time in every zone. */
enum err agreements_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more, bool *io_plan)
{
    int64_t ids[SLICE], round = now_ms / (DAY_MS / 4);
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT id FROM contract WHERE seen_day < ?1 ORDER BY seen_day, id LIMIT 20", "i", round);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = turn_one(care, sql, ids[i], now_ms, io_plan);
        err = err ? err : sql_run(sql, "UPDATE contract SET seen_day = ?2 WHERE id = ?1", "ii", ids[i], round);
    }
    *io_more = *io_more || count == SLICE;
    return err;
}
