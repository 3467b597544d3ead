/* What is due by the calendar: reserve plans drafted, depots counted, lots looked at, shelf lives that end. */
#include "server/stock/stock_int.h"

#include "server/case/duties.h"

#define EACH_MS    (24 * 3600 * 1000LL)

static struct errand server_errand(struct office *office, struct sql *sql, struct action *action, int64_t now_ms,
                                   struct text *why)
{
    *action = (struct action){.action = "turn", .who = "heliograph", .role = ROLE_SERVER};
    return (struct errand){.office = office, .sql = sql, .action = action, .at_ms = now_ms, .now_ms = now_ms, .why = why};
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

enum err stock_turn(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_next_ms)
{
    enum err err = owe_counts(office, sql, now_ms);

    err = err ? err : draft_plans(office, sql, now_ms);
    err = err ? err : end_lives(office, sql, now_ms);
    *io_next_ms = now_ms + EACH_MS;
    return err;
}
