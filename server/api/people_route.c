/* What is owed to people: the fault analysis of a ticket as JSON and as a page to print; notices and their receipts. */
#include <string.h>

#include "models/service/sms.h"
#include "server/api/paper.h"
#include "server/desk/rca.h"

/* ------------------------------------------------------------------ routes */

void people_rca(struct call *call)
{
    static const char *const formats[] = {"json", "html", NULL};
    int64_t id = view_find_ticket(call->sql, call->parts[1]);
    struct json_out out = json_out(1024 * 1024);
    const char *format;
    enum err err;

    if (!call_word(call, "format", formats, &format)) {
        return;
    }
    err = id < 0 ? ERR_NOT_FOUND : rca_put(call->sql, call->api->options.rules, id, call->now_ms, &out);
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no analysis of a ticket %s: it is drafted when its fault has cleared",
                     call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else if (!text_same(format, "html")) {
        json_put_raw(call->out, out.bytes, out.size);
    } else if (paper_show(call, "fault_analysis", &out)) {
        call_problem(call, 503, "The report is too long", "ask for JSON");
    }
    json_out_free(&out);
}

/* ------------------------------------------------------------------ notices */

/* What a short message cost. */
static void show_sms(struct json_out *out, const char *channel, const char *body)
{
    struct sms_size size = text_same(channel, "sms") ? sms_measure(body ? body : "") : (struct sms_size){.units = 0};

    json_key(out, "sms");
    if (!size.units) {
        json_put_null(out);
        return;
    }
    json_open_object(out);
    json_text(out, "text", body);
    json_text(out, "coding", sms_coding_names[size.coding]);
    json_int(out, "units", size.units);
    json_int(out, "segments", size.segments);
    json_close_object(out);
}

static enum err show_notice(struct call *call, int64_t id)
{
    struct json_out *out = call->out;
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT o.id, o.notice, c.name, o.channel, o.target, t.number, o.subject, o.state, o.attempts, o.why,"
             " o.receipt, o.created_ms, o.next_ms, o.sent_ms, o.receipt_ms, o.body FROM outbox o LEFT JOIN customer c ON c.id ="
             " o.customer LEFT JOIN ticket t ON t.id = o.ticket WHERE o.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        json_open_object(out);
        json_int(out, "id", sql_int(&rows, 0));
        json_text(out, "audience", sql_null(&rows, 2) ? "staff" : "customer");
        json_text(out, "notice", sql_text(&rows, 1));
        json_text(out, "customer", sql_text(&rows, 2));
        json_text(out, "channel", sql_text(&rows, 3));
        /* a webhook's address may hold a password */
        json_text(out, "address", text_same(sql_text(&rows, 3), "webhook") ? NULL : sql_text(&rows, 4));
        show_sms(out, sql_text(&rows, 3), sql_text(&rows, 15));
        json_text(out, "ticket", sql_text(&rows, 5));
        json_text(out, "subject", sql_text(&rows, 6));
        json_text(out, "state", sql_text(&rows, 7));
        json_int(out, "attempts", sql_int(&rows, 8));
        json_text(out, "why", sql_text(&rows, 9));
        call_time(call, "created_at", sql_int(&rows, 11));
        call_time(call, "due_at", sql_int(&rows, 12));
        call_time(call, "sent_at", sql_int(&rows, 13));
        json_text(out, "receipt", sql_text(&rows, 10));
        call_time(call, "receipt_at", sql_int(&rows, 14));
        json_close_object(out);
    }
    return sql_end(&rows);
}

/* One ticket's, in the order in which they were written. */
void people_notices(struct call *call)
{
    const char *number = http_query(call->request, "ticket");
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page)) {
        return;
    }
    if (number) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM outbox WHERE ticket = ?1 AND id > ?2 ORDER BY id LIMIT ?3", "iii",
                 view_find_ticket(call->sql, number), page.after, page.limit + 1);
    } else { /* all, the youngest first */
        sql_find(call->sql, &rows, "SELECT id, NULL FROM outbox WHERE id < ?1 ORDER BY id DESC LIMIT ?2", "ii",
                 page.after > 0 ? page.after : INT64_MAX, page.limit + 1);
    }
    call_list(call, &rows, &page, show_notice);
}

/* A gateway says what became of a notice. read is the last word, failed the first. */
static enum err do_receipt(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    static const char *const states[] = {"failed", "delivered", "read", NULL};
    const char *state = json_text_or(call->body, "state", "");
    int64_t id;
    int i = 0;
    enum err err;

    while (states[i] && !text_same(states[i], state)) {
        i++;
    }
    if (!states[i]) {
        return text_say(why, ERR_FORMAT, "state: expected delivered, failed or read, found '%.40s'", state);
    }
    if (text_to_int(call->parts[1], strlen(call->parts[1]), &id) ||
        !sql_find_int(sql, 0, "SELECT 1 FROM outbox WHERE id = ?1", "i", id)) {
        return text_say(why, ERR_NOT_FOUND, "no notice %.40s", call->parts[1]);
    }
    err = sql_run(sql,
                  "UPDATE outbox SET receipt = ?2, receipt_ms = ?3 WHERE id = ?1 AND (receipt IS NULL OR receipt = 'failed'"
                  " OR ?2 = 'read') AND COALESCE(receipt, '') <> ?2",
                  "iti", id, state, now_ms);
    if (!err) { /* as it is now, not as readers see it */
        struct sql *reader = call->sql;

        call->sql = sql;
        err = show_notice(call, id);
        call->sql = reader;
    }
    return err;
}

void people_receipt(struct call *call)
{
    (void)!call_write(call, do_receipt);
}
