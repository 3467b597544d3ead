/* What the kinds of vouchers share: fields read, pieces found, moved and owed. */
#include "server/stock/stock_int.h"

#include <string.h>

#include "server/case/clocks.h"
#include "server/case/duties.h"
#include "server/case/ticket.h"

#define RACKS_MOST 100

bool errand_is(const struct errand *errand, const char *action)
{
    return strcmp(errand->action->action, action) == 0;
}

const char *errand_keep(struct errand *errand, const char *words)
{
    return words ? arena_text(errand->office->arena, words, strlen(words)) : NULL;
}

const char *errand_text(const struct errand *errand, const char *name)
{
    const char *words = json_text_or(errand->action->body, name, NULL);

    return words && words[0] ? words : NULL;
}

enum err errand_need(struct errand *errand, const char *name, const char **ret_words)
{
    *ret_words = errand_text(errand, name);
    return *ret_words ? ERR_OK : text_say(errand->why, ERR_FORMAT, "%s: expected a text", name);
}

/* ------------------------------------------------------------------ fields */

enum err errand_part(struct errand *errand, const struct cJSON *body, int64_t *ret_id)
{
    const char *name = json_text_or(body, "part", NULL);

    *ret_id = name ? sql_find_int(errand->sql, 0, "SELECT id FROM part WHERE name = ?1", "t", name) : 0;
    return *ret_id || !json_field(body, "part")
               ? ERR_OK
               : text_say(errand->why, ERR_FORMAT, "part: there is none called '%.64s'", name ? name : "");
}

enum err errand_depot(struct errand *errand, const struct cJSON *body, const char *field, int64_t *ret_id)
{
    const char *name = json_text_or(body, field, NULL);

    *ret_id = name ? sql_find_int(errand->sql, 0, "SELECT id FROM depot WHERE name = ?1", "t", name) : 0;
    return *ret_id || !json_field(body, field)
               ? ERR_OK
               : text_say(errand->why, ERR_FORMAT, "%s: there is no depot called '%.64s'", field, name ? name : "");
}

enum err errand_count(struct errand *errand, const struct cJSON *body, const char *field, int64_t *ret_count)
{
    *ret_count = json_int_or(body, field, json_field(body, field) ? 0 : 1);
    return *ret_count >= 1 && *ret_count <= COUNT_MOST
               ? ERR_OK
               : text_say(errand->why, ERR_FORMAT, "%s: expected 1 to %d", field, COUNT_MOST);
}

enum err errand_lines(struct errand *errand, struct errand_lines *ret_lines)
{
    const struct cJSON *list = json_field(errand->action->body, "lines");

    *ret_lines = list ? (struct errand_lines){json_first(list), json_size(list)}
                      : (struct errand_lines){errand->action->body, 1};
    if (list && (!json_is_list(list) || ret_lines->count < 1 || ret_lines->count > LINES_MOST)) {
        return text_say(errand->why, ERR_FORMAT, "lines: expected a list of 1 to %d", LINES_MOST);
    }
    return list || json_field(errand->action->body, "part")
               ? ERR_OK
               : text_say(errand->why, ERR_FORMAT, "part: expected a part, or lines of {part, count}");
}

enum err errand_put_line(struct errand *errand, int64_t position, int64_t part, int64_t rack, int64_t count)
{
    return sql_run(errand->sql,
                   "INSERT INTO voucher_line (voucher, position, part, rack, count) VALUES (?1, ?2, ?3, NULLIF(?4, 0), ?5)",
                   "iiiii", errand->voucher.id, position, part, rack, count);
}

/* ------------------------------------------------------------------ moves */

enum err errand_move(struct errand *errand, enum stock_kind kind, int64_t rack, int64_t count, int64_t held)
{
    struct rack_move move = {.kind = kind, .rack = rack, .count = count, .held = held,
                             .work_order = errand->voucher.work_order, .voucher = errand->voucher.id,
                             .who = errand->action->who, .note = errand->action->note,
                             .action_id = errand->action->action_id, .at_ms = errand->now_ms};

    return rack_put(errand->sql, &move, errand->why);
}

/* How many there are, and where else. */
static enum err too_few(struct errand *errand, int64_t part, int64_t wanted)
{
    TEXT(words, 400);
    struct sql_rows rows;
    enum err err;

    sql_find(errand->sql, &rows,
             "SELECT d.name, k.count - k.held, p.name FROM part p LEFT JOIN stock k ON k.part = p.id AND k.count > k.held LEFT"
             " JOIN depot d ON d.id = k.depot WHERE p.id = ?1 ORDER BY d.name LIMIT 12",
             "i", part);
    while (sql_next(&rows)) {
        if (words.length == 0) {
            text_addf(&words, "%s; free:", sql_text(&rows, 2));
        }
        if (!sql_null(&rows, 0)) {
            text_addf(&words, " %s %lld", sql_text(&rows, 0), (long long)sql_int(&rows, 1));
        }
    }
    err = sql_end(&rows);
    return err ? err
               : text_say(errand->why, ERR_STATE, "there are no %lld of %s. Legal: another depot, or a smaller count",
                          (long long)wanted, words.at);
}

enum err errand_reserve(struct errand *errand, int64_t part, int64_t depot, int64_t lot, int64_t count,
                        int64_t *io_position)
{
    int64_t racks[RACKS_MOST], free[RACKS_MOST], left = count, there = 0;
    struct sql_rows rows;
    size_t found = 0;
    enum err err;

    sql_find(errand->sql, &rows,
             "SELECT h.rack, h.there - h.held FROM rack_now h JOIN lot l ON l.id = h.lot WHERE h.part = ?1 AND h.depot = ?2 AND"
             " h.there > h.held AND (?3 = 0 OR h.lot = ?3) AND l.state = 'passed' AND (l.expires_day IS NULL OR l.expires_day"
             " > ?4) ORDER BY COALESCE(l.expires_day, 1000000), l.id LIMIT 100",
             "iiii", part, depot, lot, errand->now_ms / STOCK_DAY);
    while (found < RACKS_MOST && sql_next(&rows)) {
        racks[found] = sql_int(&rows, 0);
        there += free[found++] = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    if (!err && there < count) {
        return too_few(errand, part, count); /* before anything is laid aside, so that it says what was free */
    }
    for (size_t i = 0; !err && i < found && left > 0; i++) {
        int64_t some = left < free[i] ? left : free[i];

        err = errand_move(errand, STOCK_RESERVE, racks[i], some, 0);
        err = err ? err : errand_put_line(errand, (*io_position)++, part, racks[i], some);
        left -= some;
    }
    return err;
}

enum err errand_move_lines(struct errand *errand, enum stock_kind kind, bool held)
{
    int64_t racks[LINES_MOST], counts[LINES_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(errand->sql, &rows,
             "SELECT rack, count FROM voucher_line WHERE voucher = ?1 AND rack IS NOT NULL ORDER BY position LIMIT 500", "i",
             errand->voucher.id);
    while (count < LINES_MOST && sql_next(&rows)) {
        racks[count] = sql_int(&rows, 0);
        counts[count++] = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = errand_move(errand, kind, racks[i], counts[i], held ? counts[i] : 0);
    }
    return err;
}

/* ------------------------------------------------------------------ what is owed, who hears of it */

enum err errand_owe(struct errand *errand, const char *kind, int64_t until_ms, const char *note)
{
    struct duty duty = {.subject = "voucher", .id = errand->voucher.id, .kind = kind, .start = "begun", .stop = "done",
                        .until_ms = until_ms, .note = note, .warn = 0.75, .started_ms = errand->at_ms,
                        .time_zone = errand->office->options.time_zone};

    duty.site = sql_find_int(errand->sql, 0, "SELECT site FROM equipment WHERE id = ?1", "i", errand->voucher.equipment);
    return duty_start(errand->sql, &duty);
}

enum err errand_paid(struct errand *errand, const char *kind)
{
    return duty_stop(errand->sql, "voucher", errand->voucher.id, kind, errand->at_ms);
}

enum err errand_ticket(struct errand *errand, bool delivered, const char *words)
{
    struct ticket ticket;
    TEXT(note, 200);
    enum err err;

    if (!errand->voucher.ticket) {
        return ERR_OK;
    }
    err = ticket_load(errand->office, errand->sql, errand->voucher.ticket, &ticket);
    if (err || ticket.closed_ms) {
        return err;
    }
    err = delivered ? clocks_stop(errand->sql, ticket.id, PLAN_DELIVERED, errand->at_ms)
                    : clocks_start(errand->office, errand->sql, &ticket, PLAN_DECIDED, errand->at_ms);
    text_addf(&note, "%s %s", words, errand->voucher.number);
    err = err ? err
              : ticket_line(errand->sql, ticket.id, errand->at_ms, errand->now_ms, errand->action->who,
                            delivered ? "part_delivered" : "part_sent", NULL, note.at, NULL);
    err = err ? err : clocks_judge(errand->office, errand->sql, &ticket, errand->now_ms, errand->now_ms);
    return err ? err : ticket_changed(errand->sql, ticket.id, errand->now_ms);
}
