/* The bounded table of what could not be taken. */
#include "server/store/quarantine.h"

enum err quarantine_load(struct quarantine *quarantine, struct sql *sql)
{
    struct sql_rows rows;

    *quarantine = (struct quarantine){0, 0};
    sql_find(sql, &rows, "SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM quarantine", "");
    if (sql_next(&rows)) {
        quarantine->rows = sql_int(&rows, 0);
        quarantine->bytes = sql_int(&rows, 1);
    }
    return sql_end(&rows);
}

static enum err drop_oldest(struct quarantine *quarantine, struct sql *sql)
{
    int64_t id = sql_find_int(sql, 0, "SELECT MIN(id) FROM quarantine", "");
    int64_t size =
        sql_find_int(sql, 0, "SELECT LENGTH(body) FROM quarantine WHERE id = ?1", "i", id);

    quarantine->rows--;
    quarantine->bytes -= size;
    return sql_run(sql, "DELETE FROM quarantine WHERE id = ?1", "i", id);
}

enum err quarantine_put(struct quarantine *quarantine, struct sql *sql,
                        const struct quarantined *message)
{
    enum err err = sql_run(sql,
                           "INSERT INTO quarantine (agent, channel, received_ms, reason, epoch, seq,"
                           " body) VALUES (?1, ?2, ?3, ?4, ?5, NULLIF(?6, 0), ?7)",
                           "ttittib", message->agent, message->channel, message->received_ms,
                           message->reason, message->epoch, (int64_t)message->seq, message->body,
                           message->size);

    quarantine->rows++;
    quarantine->bytes += (int64_t)message->size;
    while (!err && quarantine->rows > 1 &&
           (quarantine->rows > QUARANTINE_ROWS_MOST || quarantine->bytes > QUARANTINE_BYTES_MOST)) {
        err = drop_oldest(quarantine, sql);
    }
    return err;
}
