/* The ledger: one guarded statement a move. */
#include "server/rack/rack.h"

#include <string.h>

/* m: the last move of rack s. */
#define LAST                                                                                                           \
    "LEFT JOIN stock_move m ON m.rack = s.id AND m.n = (SELECT MAX(x.n) FROM stock_move x WHERE x.rack = s.id)"
#define NO_LOT "-" /* the name of the lot of goods that carry none */

enum err rack_look(struct sql *sql, int64_t rack, struct rack_now *ret_now)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    *ret_now = (struct rack_now){0};
    sql_find(sql, &rows,
             "SELECT s.part, s.depot, s.lot, COALESCE(m.there, 0), COALESCE(m.held, 0) FROM rack s " LAST
             " WHERE s.id = ?1",
             "i", rack);
    found = sql_next(&rows);
    if (found) {
        *ret_now = (struct rack_now){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3),
                                      sql_int(&rows, 4)};
    }
    err = sql_end(&rows);
    return err || found ? err : ERR_NOT_FOUND;
}

enum err rack_find(struct sql *sql, int64_t part, int64_t depot, int64_t lot, int64_t *ret_rack)
{
    enum err err = sql_run(sql, "INSERT INTO rack (part, depot, lot) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", "iii",
                           part, depot, lot);

    *ret_rack = sql_find_int(sql, 0, "SELECT id FROM rack WHERE part = ?1 AND depot = ?2 AND lot = ?3", "iii", part,
                              depot, lot);
    return err || *ret_rack ? err : ERR_IO;
}

/* Why a move did not go: its lot, or how many there are. */
static enum err say_why(struct sql *sql, const struct rack_move *move, struct text *why)
{
    struct sql_rows rows;
    TEXT(words, 300);
    enum err err;

    sql_find(sql, &rows,
             "SELECT p.name, d.name, l.name, l.state, COALESCE(m.there, 0), COALESCE(m.held, 0) FROM rack s JOIN part p ON"
             " p.id = s.part JOIN depot d ON d.id = s.depot JOIN lot l ON l.id = s.lot " LAST " WHERE s.id = ?1",
             "i", move->rack);
    if (sql_next(&rows)) {
        if (stock_needs_passed(move->kind) && strcmp(sql_text(&rows, 3), "passed") != 0) {
            text_addf(&words, "lot %s of %s is %s; only passed ones are given out", sql_text(&rows, 2), sql_text(&rows, 0),
                      sql_text(&rows, 3));
        } else {
            text_addf(&words, "%s of %s: %lld in %s, %lld of them reserved", stock_kind_names[move->kind],
                      sql_text(&rows, 0), (long long)sql_int(&rows, 4), sql_text(&rows, 1), (long long)sql_int(&rows, 5));
        }
    }
    err = sql_end(&rows);
    return err ? err : text_say(why, ERR_STATE, "%s", words.at);
}

enum err rack_put(struct sql *sql, const struct rack_move *move, struct text *why)
{
    int64_t count = 0, held = 0;
    enum err err;

    if (!stock_effect(move->kind, move->count, move->held, &count, &held)) {
        return text_say(why, ERR_FORMAT, "count: expected at least 1");
    }
    if (move->booked) {
        count = held = 0;
    }
    err = sql_run(
        sql,
        "INSERT INTO stock_move (rack, n, prior, there_before, held_before, kind, count, hold, there, held, unit_cost,"
        " work_order, voucher, who, note, action_id, at_ms) SELECT s.id, COALESCE(m.n, 0) + 1, m.n, m.there, m.held, ?2, ?3,"
        " ?4, COALESCE(m.there, 0) + ?3, COALESCE(m.held, 0) + ?4, l.unit_cost, NULLIF(?5, 0), NULLIF(?6, 0), ?7, ?8, ?9,"
        " ?10 FROM rack s JOIN lot l ON l.id = s.lot " LAST " WHERE s.id = ?1 AND"
        " COALESCE(m.held, 0) + ?4 >= 0 AND COALESCE(m.there, 0) + ?3 >= COALESCE(m.held, 0) + ?4 AND (?11 = 0 OR l.state ="
        " 'passed')",
        "itiiii" "ttti" "i", move->rack, stock_kind_names[move->kind], count, held, move->work_order, move->voucher,
        move->who, move->note, move->action_id, move->at_ms,
        (int64_t)(stock_needs_passed(move->kind) && !move->booked));
    if (err) {
        return err;
    }
    return sql_changes(sql) == 1 ? ERR_OK : say_why(sql, move, why);
}

enum err lot_find(struct sql *sql, const struct lot_new *what, int64_t *ret_lot)
{
    const char *name = what->name ? what->name : NO_LOT;
    enum err err = sql_run(sql,
                           "INSERT INTO lot (part, name, serial, state, supplier, unit_cost, currency, expires_day,"
                           " created_ms) SELECT p.id, ?2, ?3, ?4, COALESCE(?5, p.supplier), COALESCE(NULLIF(?6, -1),"
                           " p.unit_cost, 0), COALESCE(?7, p.currency), NULLIF(?8, 0), ?9 FROM part p WHERE p.id = ?1 ON"
                           " CONFLICT (part, name) DO NOTHING",
                           "itittitii", what->part, name, (int64_t)what->serial, what->state, what->supplier,
                           what->unit_cost, what->currency, what->expires_day, what->now_ms);

    *ret_lot = sql_find_int(sql, 0, "SELECT id FROM lot WHERE part = ?1 AND name = ?2", "it", what->part, name);
    return err || *ret_lot ? err : ERR_NOT_FOUND;
}

enum err rack_set(struct sql *sql, int64_t part, int64_t depot, int64_t count, const char *who, const char *note,
                   int64_t now_ms)
{
    struct lot_new lot = {.part = part, .state = "passed", .unit_cost = -1, .now_ms = now_ms};
    struct rack_move move = {.kind = STOCK_ADJUST, .who = who, .note = note, .at_ms = now_ms};
    struct rack_now now = {0};
    int64_t id = 0;
    enum err err = lot_find(sql, &lot, &id);

    err = err ? err : rack_find(sql, part, depot, id, &move.rack);
    err = err ? err : rack_look(sql, move.rack, &now);
    if (err) {
        return err;
    }
    move.count = (count > now.held ? count : now.held) - now.there;
    return move.count == 0 ? ERR_OK : rack_put(sql, &move, NULL);
}
