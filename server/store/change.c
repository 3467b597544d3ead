/* Changes for the stream. */
#include "server/store/change.h"

enum err change_put(struct sql *sql, int64_t now_ms, const char *topic, const char *body)
{
    return sql_run(sql, "INSERT INTO change (at_ms, topic, body) VALUES (?1, ?2, ?3)", "itt", now_ms,
                   topic, body);
}

enum err change_trim(struct sql *sql, int64_t most)
{
    return sql_run(sql,
                   "DELETE FROM change WHERE id <= (SELECT COALESCE(MAX(id), 0) FROM change) - ?1",
                   "i", most);
}
