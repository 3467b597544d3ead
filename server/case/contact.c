/* Whom to turn to has changed: a notice per customer, and the end of what is owed for it. */
#include "server/case/contact.h"

#include <string.h>

#include "server/case/word.h"

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

enum err contact_tell(struct office *office, struct sql *sql, const struct plan *plan, const struct zone *zone,
                      int64_t customer, int64_t change, int64_t now_ms)
{
    TEXT(key, 80);
    struct customer_word word = {.customer = customer, .plan = plan, .zone = zone, .step = "contact_changed", .key = key.at};
    struct sql_rows rows;
    enum err err;

    text_addf(&key, "contact:%lld:%lld", (long long)change, (long long)customer);
    sql_find(sql, &rows,
             "SELECT COALESCE(c.title, c.name), c.phone, c.email FROM contact_change x JOIN contact c ON c.id = x.contact WHERE"
             " x.id = ?1",
             "i", change);
    if (sql_next(&rows)) {
        word.en[NOTICE_TITLE] = keep(office, sql_text(&rows, 0));
        word.en[NOTICE_PHONE] = keep(office, sql_text(&rows, 1));
        word.en[NOTICE_NOTE] = keep(office, sql_text(&rows, 2));
    }
    err = sql_end(&rows);
    return err ? err : customer_say(office, sql, &word, now_ms);
}

enum err contact_delivered(struct sql *sql)
{
    return sql_run(sql,
                   "UPDATE clock SET next_ms = NULL, version = version + 1, met_ms = (SELECT o.sent_ms FROM outbox o WHERE"
                   " o.key = 'contact:' || CAST(clock.occurrence AS TEXT) || ':' || CAST(clock.subject_id AS TEXT)) WHERE"
                   " subject = 'customer' AND ticket IS NULL AND kind = 'contact_change' AND met_ms IS NULL AND cancelled_ms IS"
                   " NULL AND EXISTS (SELECT 1 FROM outbox o WHERE o.key = 'contact:' || CAST(clock.occurrence AS TEXT) || ':'"
                   " || CAST(clock.subject_id AS TEXT) AND o.state = 'sent' AND o.sent_ms >= clock.started_ms AND"
                   " COALESCE(o.receipt, '') <> 'failed')",
                   "");
}

enum err contact_put(struct sql *sql, const char *purpose, struct json_out *out)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT title, phone, email FROM contact WHERE purpose = ?1 ORDER BY id LIMIT 1", "t", purpose);
    if (sql_next(&rows)) {
        json_key(out, purpose);
        json_open_object(out);
        json_text(out, "name", sql_null(&rows, 0) ? NULL : sql_text(&rows, 0));
        json_text(out, "phone", sql_null(&rows, 1) ? NULL : sql_text(&rows, 1));
        json_text(out, "email", sql_null(&rows, 2) ? NULL : sql_text(&rows, 2));
        json_close_object(out);
    } else {
        json_null(out, purpose);
    }
    return sql_end(&rows);
}
