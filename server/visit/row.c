/* A visit's row, its time line, and how it ends without being made. */
#include "server/visit/visit_int.h"

#include <string.h>

#include "server/case/duties.h"
#include "server/store/change.h"

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static int32_t day_or_none(const struct sql_rows *rows, int column)
{
    return sql_null(rows, column) ? VISIT_NO_DAY : (int32_t)sql_int(rows, column);
}

enum err visit_load(struct office *office, struct sql *sql, int64_t id, struct visit_row_now *ret_visit)
{
    struct visit_row_now visit = {.id = id};
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT equipment, sequence, version, team, window_start_day, due_day, window_end_day, target_day, pull_day,"
             " state, code, reason, target_by, (SELECT MAX(w.id) FROM work_order w WHERE w.visit = visit.id AND w.state <>"
             " 'cancelled') FROM visit WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        int state = visit_state_read(sql_text(&rows, 9));

        visit.equipment = sql_int(&rows, 0);
        visit.sequence = sql_int(&rows, 1);
        visit.version = sql_int(&rows, 2);
        visit.team = sql_int(&rows, 3);
        visit.from = (int32_t)sql_int(&rows, 4);
        visit.due = (int32_t)sql_int(&rows, 5);
        visit.until = (int32_t)sql_int(&rows, 6);
        visit.target = day_or_none(&rows, 7);
        visit.pull = day_or_none(&rows, 8);
        visit.state = state < 0 ? VISIT_PLANNED : (enum visit_state)state;
        visit.code = keep(office, sql_text(&rows, 10));
        visit.reason = keep(office, sql_text(&rows, 11));
        visit.target_by = keep(office, sql_text(&rows, 12));
        visit.order = sql_int(&rows, 13);
    }
    err = sql_end(&rows);
    *ret_visit = visit;
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err visit_line(struct sql *sql, int64_t visit, int64_t at_ms, const char *who, const char *action,
                    const char *action_id, const char *note, const char *data)
{
    return sql_run(sql,
                   "INSERT INTO visit_event (visit, at_ms, who, action, action_id, note, data) VALUES (?1, ?2, ?3, ?4, ?5,"
                   " ?6, ?7)",
                   "iittttt", visit, at_ms, who, action, action_id, note, data);
}

enum err visit_touched(struct sql *sql, int64_t visit, int64_t now_ms)
{
    struct json_out out = json_out(1024);
    struct sql_rows rows;
    enum err err = sql_run(
        sql, "UPDATE visit SET version = version + 1, calendar_sequence = calendar_sequence + 1 WHERE id = ?1", "i", visit);

    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT v.id, e.name, v.sequence, v.state FROM visit v JOIN equipment e ON e.id = v.equipment WHERE v.id = ?1",
             "i", visit);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_int(&out, "id", sql_int(&rows, 0));
        json_text(&out, "equipment", sql_text(&rows, 1));
        json_int(&out, "sequence", sql_int(&rows, 2));
        json_text(&out, "state", sql_text(&rows, 3));
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err && out.bytes) {
        err = change_put(sql, now_ms, "visit", out.bytes);
    }
    json_out_free(&out);
    return err;
}

bool visit_did(struct sql *sql, int64_t visit, const char *action_id)
{
    return action_id && sql_find_int(sql, 0, "SELECT 1 FROM visit_event WHERE visit = ?1 AND action_id = ?2", "it", visit,
                                     action_id);
}

/* Its order has nothing to go for any more. */
static enum err drop_order(struct sql *sql, int64_t order, const struct visit_end *end, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "UPDATE work_order SET state = 'cancelled', reason = ?2, ride = NULL, version = version + 1,"
                           " sequence = sequence + 1 WHERE id = ?1 AND state IN ('proposed', 'dispatched', 'assigned',"
                           " 'accepted', 'refused')",
                           "it", order, end->reason);

    if (!err && sql_changes(sql) > 0) {
        err = sql_run(sql, "DELETE FROM work_part WHERE work_order = ?1 AND state = 'reserved'", "i", order);
        err = err ? err : work_line(sql, order, now_ms, now_ms, end->who, "cancel", NULL, end->reason, NULL);
        err = err ? err : work_changed(sql, order, now_ms);
    }
    return err;
}

enum err visit_skip(struct office *office, struct sql *sql, const struct visit_row_now *visit,
                    const struct visit_end *end, int64_t now_ms)
{
    enum err err = ERR_OK;

    if (visit->state == VISIT_ATTACHED && visit->order) {
        err = ride_end(office, sql, visit->order, end->who, end->reason, now_ms);
    }
    if (!err && visit->order) {
        err = drop_order(sql, visit->order, end, now_ms);
    }
    if (!err) {
        err = sql_run(sql, "UPDATE visit SET state = 'skipped', code = ?2, reason = ?3 WHERE id = ?1", "itt", visit->id,
                      end->code, end->reason);
    }
    if (!err) {
        err = visit_line(sql, visit->id, now_ms, end->who, end->action, end->action_id, end->reason, NULL);
    }
    if (!err && visit->pull != VISIT_NO_DAY) { /* what asked for it asks again after another so much */
        err = trigger_reset(sql, visit->equipment, now_ms);
    }
    if (!err) {
        err = duties_of_visit(sql, visit->id);
    }
    return err ? err : visit_touched(sql, visit->id, now_ms);
}
