/* What is due by the calendar: reserve plans drafted, depots counted, lots looked at, shelf lives that end. */
#include "server/stock/stock_int.h"

#include "server/case/duties.h"
#include "server/stock/levels.h"

#define EACH_MS    (24 * 3600 * 1000LL)
#define PACE_MS    100 /* between two depots */

static struct errand server_errand(struct office *office, struct sql *sql, struct action *action, int64_t now_ms,
                                   struct text *why)
{
    *action = (struct action){.action = "turn", .who = "heliograph", .role = ROLE_SERVER};
    return (struct errand){.office = office, .sql = sql, .action = action, .at_ms = now_ms, .now_ms = now_ms, .why = why};
}

enum err stock_call_off(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t voucher = 0;
    enum err err = ERR_OK;

    while (!err && (voucher = sql_find_int(sql, 0,
                                           "SELECT MIN(v.id) FROM voucher v JOIN work_order w ON w.id = v.work_order WHERE"
                                           " v.closed_ms IS NULL AND v.id > ?1 AND v.state IN ('planned', 'picked', 'decided')"
                                           " AND w.state || '' IN ('done', 'verified', 'closed', 'cancelled')",
                                           "i", voucher)) > 0) {
        struct action action = {.action = "cancel", .who = "heliograph", .role = ROLE_ADMIN, .note = "the job is over"};
        TEXT(why, 300);

        err = stock_act(office, sql, voucher, &action, now_ms, &why);
    }
    return err;
}

/* The next one is owed so long after the last one that was done, or since the depot has stock. */
static enum err owe(struct sql *sql, int64_t depot, const char *kind, int64_t days, const char *time_zone, int64_t now_ms)
{
    struct duty duty = {.subject = "depot", .id = depot, .kind = kind, .start = "last", .stop = "done", .warn = 0.9,
                        .note = "the depot's own interval", .time_zone = time_zone};

    if (sql_find_int(sql, 0,
                     "SELECT 1 FROM clock WHERE subject = 'depot' AND subject_id = ?1 AND kind = ?2 AND met_ms IS NULL AND"
                     " cancelled_ms IS NULL",
                     "it", depot, kind)) {
        return ERR_OK;
    }
    duty.occurrence = sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE subject = 'depot' AND subject_id = ?1 AND kind ="
                                           " ?2", "it", depot, kind);
    duty.started_ms = sql_find_int(sql, now_ms, "SELECT MAX(met_ms) FROM clock WHERE subject = 'depot' AND subject_id = ?1 AND"
                                                " kind = ?2", "it", depot, kind);
    duty.until_ms = duty.started_ms + days * STOCK_DAY;
    return duty_start(sql, &duty);
}

static enum err owe_counts(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t depot = 0;
    enum err err = ERR_OK;

    while (!err && (depot = sql_find_int(sql, 0,
                                         "SELECT MIN(id) FROM depot WHERE id > ?1 AND (stocktake_days IS NOT NULL OR"
                                         " sampling_days IS NOT NULL)",
                                         "i", depot)) > 0) {
        int64_t count = sql_find_int(sql, 0, "SELECT stocktake_days FROM depot WHERE id = ?1", "i", depot);
        int64_t sample = sql_find_int(sql, 0, "SELECT sampling_days FROM depot WHERE id = ?1", "i", depot);

        err = count > 0 ? owe(sql, depot, "stocktake", count, office->options.time_zone, now_ms) : ERR_OK;
        if (!err && sample > 0) {
            err = owe(sql, depot, "sampling", sample, office->options.time_zone, now_ms);
        }
    }
    return err;
}

/* S0-142: what the reserve plan proposes is drafted when the task is raised, once for each. */
static enum err draft_plans(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t clock = 0;
    enum err err = ERR_OK;

    while (!err && (clock = sql_find_int(sql, 0,
                                         "SELECT MIN(k.id) FROM clock k WHERE k.ticket IS NULL AND k.met_ms IS NULL AND"
                                         " k.cancelled_ms IS NULL AND k.subject = 'contract' AND k.kind = 'reserve_plan' AND"
                                         " k.id > ?1 AND NOT EXISTS (SELECT 1 FROM voucher v WHERE v.client_id ="
                                         " 'reserve-plan-' || k.id)",
                                         "i", clock)) > 0) {
        struct json_out body = json_out(1024);
        struct action action;
        struct sql_rows rows;
        TEXT(why, 300);
        TEXT(id, 64);
        struct errand errand = server_errand(office, sql, &action, now_ms, &why);
        int64_t voucher = 0;

        text_addf(&id, "reserve-plan-%lld", (long long)clock);
        action.action_id = id.at;
        json_open_object(&body);
        json_text(&body, "kind", "reserve_plan");
        sql_find(sql, &rows, "SELECT c.name FROM clock k JOIN contract c ON c.id = k.subject_id WHERE k.id = ?1", "i", clock);
        if (sql_next(&rows)) {
            json_text(&body, "contract", sql_text(&rows, 0));
        }
        json_close_object(&body);
        arena_reset(office->arena);
        err = sql_end(&rows);
        err = err ? err : body.err ? body.err : json_parse(office->arena, body.bytes, body.size, &action.body, NULL);
        err = err ? err : stock_open(office, sql, errand.action, now_ms, &voucher, &why);
        json_out_free(&body);
    }
    return err;
}

/* What is past its shelf life is not given out any more, and what was laid aside of it is let go. */
static enum err end_lives(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t lot = 0;
    enum err err = ERR_OK;

    while (!err && (lot = sql_find_int(sql, 0,
                                       "SELECT MIN(id) FROM lot WHERE id > ?1 AND state = 'passed' AND expires_day <= ?2", "ii",
                                       lot, now_ms / STOCK_DAY)) > 0) {
        struct action action;
        TEXT(why, 300);
        struct errand errand = server_errand(office, sql, &action, now_ms, &why);

        err = lot_judge(&errand, lot, "expiry", "shelf life ended", "blocked", 0, 0);
    }
    return err;
}

/* Only parts that somebody looks after: with a level in the fleet file, or something that they fit. */
static bool is_kept(struct sql *sql, const struct level *level)
{
    return level->said || sql_find_int(sql, 0, "SELECT 1 FROM part_fit WHERE part = ?1 LIMIT 1", "i", level->part);
}

/* S1-45: what is below its least is proposed to be bought, a voucher a depot. What is proposed already is coming. */
static enum err propose(struct office *office, struct sql *sql, int64_t depot, int64_t now_ms)
{
    struct levels_ask ask = {.depot = depot, .now_ms = now_ms};
    struct json_out body = json_out(256 * 1024);
    struct level_list list;
    struct action action;
    struct sql_rows rows;
    size_t lines = 0;
    int64_t voucher = 0;
    TEXT(why, 300);
    struct errand errand = server_errand(office, sql, &action, now_ms, &why);
    enum err err;

    arena_reset(office->arena);
    err = levels_find(office->arena, sql, &ask, &list);
    json_open_object(&body);
    json_text(&body, "kind", "purchase");
    sql_find(sql, &rows, "SELECT name FROM depot WHERE id = ?1", "i", depot);
    json_text(&body, "depot", sql_next(&rows) ? sql_text(&rows, 0) : NULL);
    err = sql_end(&rows) ? ERR_IO : err;
    json_key(&body, "lines");
    json_open_list(&body);
    for (size_t i = 0; !err && i < list.count && lines < LINES_MOST; i++) {
        if (list.at[i].order > 0 && is_kept(sql, &list.at[i])) {
            json_open_object(&body);
            json_text(&body, "part", list.at[i].name);
            json_int(&body, "count", list.at[i].order < COUNT_MOST ? list.at[i].order : COUNT_MOST);
            json_close_object(&body);
            lines++;
        }
    }
    json_close_list(&body);
    json_close_object(&body);
    err = err ? err : body.err;
    if (!err && lines > 0) {
        err = json_parse(office->arena, body.bytes, body.size, &action.body, NULL);
        err = err ? err : stock_open(office, sql, errand.action, now_ms, &voucher, &why);
    }
    json_out_free(&body);
    return err;
}

/* One depot a turn: what is installed near it is counted over the whole fleet, and others want the database, too. */
static enum err propose_next(struct office *office, struct sql *sql, int64_t *io_depot, int64_t now_ms)
{
    *io_depot = sql_find_int(sql, 0, "SELECT MIN(id) FROM depot WHERE id > ?1 AND kind = 'depot' AND counts = 1", "i", *io_depot);
    return *io_depot ? propose(office, sql, *io_depot, now_ms) : ERR_OK;
}

enum err stock_turn(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_depot, int64_t *io_next_ms)
{
    enum err err = ERR_OK;

    if (!*io_depot) {
        err = owe_counts(office, sql, now_ms);
        err = err ? err : stock_call_off(office, sql, now_ms);
        err = err ? err : draft_plans(office, sql, now_ms);
        err = err ? err : end_lives(office, sql, now_ms);
    }
    err = err ? err : propose_next(office, sql, io_depot, now_ms);
    *io_next_ms = now_ms + (*io_depot ? PACE_MS : EACH_MS);
    return err;
}
