/* A work order's row, its own time line, and what the desk does with it from outside. */
#include "server/field/work_int.h"

#include <string.h>

#include "server/store/change.h"

const char *order_keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

enum err order_load(struct office *office, struct sql *sql, int64_t id, struct order *ret_order)
{
    struct order order = {.id = id};
    const char *job = NULL;
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT ticket, visit, equipment, site, technician, version, created_ms, from_ms, to_ms, state, kind,"
             " number, result, job FROM work_order WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        order.ticket = sql_int(&rows, 0);
        order.visit = sql_int(&rows, 1);
        order.equipment = sql_int(&rows, 2);
        order.site = sql_int(&rows, 3);
        order.technician = sql_int(&rows, 4);
        order.version = sql_int(&rows, 5);
        order.created_ms = sql_int(&rows, 6);
        order.from_ms = sql_int(&rows, 7);
        order.to_ms = sql_int(&rows, 8);
        order.state = (enum work_state)work_state_read(sql_text(&rows, 9));
        order.kind = job_kind_read(sql_text(&rows, 10));
        order.number = order_keep(office, sql_text(&rows, 11));
        order.result = order_keep(office, sql_text(&rows, 12));
        job = order_keep(office, sql_text(&rows, 13));
    }
    err = sql_end(&rows);
    if (!err && job) {
        err = json_parse(office->arena, job, strlen(job), &order.job, NULL);
    }
    *ret_order = order;
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err work_line(struct sql *sql, int64_t order, int64_t at_ms, int64_t now_ms, const char *who,
                   const char *action, const char *action_id, const char *note, const char *data)
{
    return sql_run(sql,
                   "INSERT INTO work_event (work_order, at_ms, stored_ms, who, action, action_id, note, data,"
                   " said_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?2)",
                   "iiittttt", order, at_ms, now_ms, who, action, action_id, note, data);
}

enum err work_changed(struct sql *sql, int64_t id, int64_t now_ms)
{
    struct json_out out = json_out(1024);
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT number, state FROM work_order WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_text(&out, "number", sql_text(&rows, 0));
        json_text(&out, "state", sql_text(&rows, 1));
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err && out.bytes) {
        err = change_put(sql, now_ms, "work_order", out.bytes);
    }
    json_out_free(&out);
    return err;
}

bool work_did(struct sql *sql, int64_t work_order, const char *action_id)
{
    return action_id &&
           sql_find_int(sql, 0, "SELECT 1 FROM work_event WHERE work_order = ?1 AND action_id = ?2",
                        "it", work_order, action_id);
}

/* ------------------------------------------------------------------ what the desk does with it */

/* Planned work of the technician in the urgent order's hours has to be planned anew (S0-62). */
enum err work_preempt(struct sql *sql, int64_t order, const char *who, int64_t now_ms)
{
    int64_t ids[50];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT p.id FROM work_order u JOIN work_order p ON p.technician = u.technician AND p.id <> u.id LEFT"
             " JOIN ticket t ON t.id = u.ticket WHERE u.id = ?1 AND COALESCE(u.urgency, CASE WHEN t.grade = 1 THEN"
             " 'emergency' END) = 'emergency' AND u.from_ms IS NOT NULL AND p.kind <> 'corrective' AND p.state IN"
             " ('assigned', 'accepted') AND COALESCE(p.ride, 0) <> u.id AND p.from_ms < u.to_ms AND p.to_ms > u.from_ms LIMIT 50",
             "i", order);
    while (count < 50 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = sql_run(sql,
                      "UPDATE work_order SET state = 'dispatched', technician = NULL, from_ms = NULL, to_ms = NULL,"
                      " preempted_by = ?2, version = version + 1, sequence = sequence + 1 WHERE id = ?1",
                      "ii", ids[i], order);
        err = err ? err
                  : sql_run(sql,
                            "UPDATE visit SET calendar_sequence = calendar_sequence + 1, version = version + 1 WHERE id ="
                            " (SELECT visit FROM work_order WHERE id = ?1)",
                            "i", ids[i]);
        err = err ? err
                  : work_line(sql, ids[i], now_ms, now_ms, who, "dispatch", NULL,
                              "taken off for an emergency: a new appointment is needed", NULL);
        err = err ? err : work_changed(sql, ids[i], now_ms);
    }
    return err;
}

enum err work_desk_moved(struct office *office, struct sql *sql, int64_t ticket, const char *action, const char *who,
                         int64_t at_ms, int64_t now_ms)
{
    int64_t order = sql_find_int(sql, 0,
                                 "SELECT MAX(id) FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state"
                                 " NOT IN ('done', 'verified', 'closed', 'cancelled')",
                                 "i", ticket);
    int64_t created_ms = sql_find_int(sql, 0, "SELECT created_ms FROM work_order WHERE id = ?1", "i", order);
    enum err err;

    if (!order) {
        return ERR_OK;
    }
    err = work_line(sql, order, at_ms < created_ms ? created_ms : at_ms, now_ms, who, action, NULL, NULL, NULL);
    if (!err) {
        err = work_preempt(sql, order, who, now_ms);
    }
    if (!err && text_same(action, "assign")) {
        err = work_reserve_likely(office, sql, ticket, order, now_ms);
    }
    return err ? err : work_changed(sql, order, now_ms);
}
