/* equipment.status: one word that says where to look first. */
#include "server/case/office.h"

#include "server/store/change.h"

static const char *status_of(struct sql *sql, int64_t equipment, int64_t now_ms)
{
    const char *status = "ok";
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT e.claimed, a.silent_since_ms IS NOT NULL, (SELECT COUNT(*) FROM service_window w WHERE"
             " w.kind = 'maintenance' AND w.done_ms IS NULL AND w.from_ms <= ?2 AND w.to_ms > ?2 AND (w.equipment = e.id"
             " OR w.site = e.site OR w.agent = e.agent)),"
             " (SELECT MIN(grade) FROM alarm WHERE equipment = e.id AND cleared_ms IS NULL)"
             " FROM equipment e LEFT JOIN agent a ON a.id = e.agent WHERE e.id = ?1",
             "ii", equipment, now_ms);
    if (sql_next(&rows)) {
        int64_t grade = sql_int(&rows, 3);

        if (sql_int(&rows, 0) == 0) {
            status = "unclaimed";
        } else if (sql_int(&rows, 1)) {
            status = "offline"; /* before all faults: nothing is known now */
        } else if (sql_int(&rows, 2) > 0) {
            status = "maintenance";
        } else if (grade == 1 || grade == 2) {
            status = "fault";
        } else if (grade == 3) {
            status = "attention";
        }
    }
    return sql_end(&rows) ? "ok" : status;
}

enum err status_refresh(struct office *office, struct sql *sql, int64_t equipment, int64_t now_ms)
{
    const char *status = status_of(sql, equipment, now_ms);
    struct json_out out;
    struct sql_rows rows;
    enum err err;

    (void)office;
    err = sql_run(sql, "UPDATE equipment SET status = ?2 WHERE id = ?1 AND status <> ?2", "it",
                  equipment, status);
    if (err || sql_changes(sql) == 0) {
        return err;
    }
    out = json_out(1024);
    sql_find(sql, &rows, "SELECT name FROM equipment WHERE id = ?1", "i", equipment);
    if (sql_next(&rows)) {
        json_open_object(&out);
        json_text(&out, "id", sql_text(&rows, 0));
        json_text(&out, "status", status);
        json_close_object(&out);
    }
    err = sql_end(&rows);
    if (!err && out.bytes) {
        err = change_put(sql, now_ms, "equipment", out.bytes);
    }
    json_out_free(&out);
    return err;
}
