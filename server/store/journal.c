/* The journal of data messages. */
#include "server/store/journal.h"

#include <string.h>

#include "models/base/hash.h"

enum err journal_put(struct sql *sql, const struct journal_row *row)
{
    return sql_run(sql,
                   "INSERT INTO journal (stream, seq, received_ms, hash, least_ms, most_ms, readings,"
                   " late, unsynced, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                   "iiiiiiiiib", row->stream, (int64_t)row->seq, row->received_ms,
                   (int64_t)hash_bytes(row->body, row->size), row->least_ms, row->most_ms,
                   row->readings, row->late, (int64_t)row->unsynced, row->body, row->size);
}

enum err journal_put_event(struct sql *sql, const struct journal_event *row)
{
    return sql_run(sql,
                   "INSERT INTO event (stream, seq, agent, kind, equipment, t_ms, received_ms, body)"
                   " VALUES (?1, ?2, ?3, ?4, (SELECT id FROM equipment WHERE name = ?5), ?6, ?7, ?8)",
                   "iiittiit", row->stream, (int64_t)row->seq, row->agent, row->kind, row->equipment,
                   row->t_ms, row->received_ms, row->body);
}

static bool event_is_same(struct sql *sql, int64_t stream, uint64_t seq, const char *body,
                          size_t size)
{
    struct sql_rows rows;
    bool same = true;

    sql_find(sql, &rows, "SELECT body FROM event WHERE stream = ?1 AND seq = ?2", "ii", stream,
             (int64_t)seq);
    while (sql_next(&rows)) {
        const char *stored = sql_text(&rows, 0);

        same = strlen(stored) == size && memcmp(stored, body, size) == 0;
    }
    return !sql_end(&rows) && same;
}

bool journal_is_same(struct sql *sql, int64_t stream, uint64_t seq, const char *body, size_t size)
{
    int64_t hash = (int64_t)hash_bytes(body, size);

    return hash == sql_find_int(sql, hash, "SELECT hash FROM journal WHERE stream = ?1 AND seq = ?2",
                                "ii", stream, (int64_t)seq) &&
           event_is_same(sql, stream, seq, body, size);
}

enum err journal_numbers(struct sql *sql, int64_t stream, struct ranges *ranges)
{
    struct sql_rows rows;
    uint64_t from = 0, to = 0;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows, "SELECT seq FROM journal WHERE stream = ?1 ORDER BY seq", "i", stream);
    while (!err && sql_next(&rows)) {
        uint64_t seq = (uint64_t)sql_int(&rows, 0);

        if (from > 0 && seq != to + 1) {
            err = ranges_add(ranges, from, to);
            err = err == ERR_EXISTS ? ERR_OK : err;
            from = 0;
        }
        from = from > 0 ? from : seq;
        to = seq;
    }
    end = sql_end(&rows);
    if (!err && from > 0) {
        err = ranges_add(ranges, from, to);
    }
    err = err == ERR_EXISTS ? ERR_OK : err;
    return err ? err : end;
}

enum err journal_mark(struct sql *sql)
{
    return sql_run(sql,
                   "INSERT INTO mark (name, value) VALUES ('journal', (SELECT COALESCE(MAX(id), 0)"
                   " FROM journal)) ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE"
                   " mark.value <> excluded.value",
                   "");
}
