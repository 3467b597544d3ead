/* A notice into the outbox. */
#include "server/notice/outbox.h"

enum err notify_put(struct sql *sql, int64_t now_ms, const struct notice *notice)
{
    return sql_run(sql,
                   "INSERT INTO outbox (key, channel, target, subject, body, ticket, created_ms,"
                   " next_ms, customer, notice, state, why) VALUES (?1, ?2, ?3, ?4, ?5, NULLIF(?6, 0), ?7, ?8,"
                   " NULLIF(?9, 0), ?10, CASE WHEN ?2 = 'none' THEN 'given_up' ELSE 'waiting' END, CASE WHEN ?2 ="
                   " 'none' THEN 'no address' END) ON CONFLICT (key) DO NOTHING",
                   "tttttiiiit", notice->key, notice->channel, notice->target, notice->subject,
                   notice->body, notice->ticket, now_ms, notice->due_ms, notice->customer, notice->rule);
}
