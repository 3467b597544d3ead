/* The customer's account of a ticket: payments, adjustments and refunds by two people, papers. What he owes is the sum of
 * his lines. */
#include <string.h>

#include "server/fleet/numbers.h"
#include "server/money/money_int.h"

int64_t money_owed(struct sql *sql, int64_t ticket)
{
    return sql_find_int(sql, 0, "SELECT SUM(total) FROM money_line WHERE ticket = ?1 AND payer = 'customer'", "i", ticket);
}

static enum err put(struct sql *sql, const struct ticket *ticket, const struct entry *what)
{
    struct entry entry = *what;

    entry.ticket = ticket->id;
    entry.payer = "customer";
    entry.currency = offer_rules(ticket)->currency;
    entry.quantity = 1000;
    entry.unit = entry.amount;
    return entry_put(sql, &entry);
}

enum err money_pay(struct sql *sql, const struct ticket *ticket, const char *name, int64_t amount, const char *words,
                   const char *who, int64_t at_ms, struct text *why)
{
    int64_t owed = money_owed(sql, ticket->id);
    TEXT(source, 200);
    TEXT(most, 32);

    if (amount <= 0 || amount > owed) {
        money_write(owed > 0 ? owed : 0, &most);
        return text_say(why, ERR_FORMAT, "amount: expected more than 0 and at most what is owed, %s", most.at);
    }
    text_addf(&source, "pay:%s", name);
    return put(sql, ticket, &(struct entry){.kind = "payment", .item = "payment", .words = words ? words : "payment",
                                           .amount = -amount, .source = source.at, .who = who, .at_ms = at_ms});
}

/* ------------------------------------------------------------------ by two people */

/* An adjustment never makes charges negative, nor more than was agreed; a refund gives back what was paid too much. */
static enum err judge_request(struct sql *sql, const struct ticket *ticket, const char *kind, int64_t total, struct text *why)
{
    int64_t due = sql_find_int(sql, 0,
                               "SELECT SUM(total) FROM money_line WHERE ticket = ?1 AND kind IN ('charge', 'adjustment')", "i",
                               ticket->id);
    int64_t agreed = sql_find_int(sql, 0,
                                  "SELECT c.total FROM consent c JOIN quotation q ON q.id = c.quotation WHERE q.ticket = ?1 AND"
                                  " q.state = 'accepted'",
                                  "i", ticket->id);
    int64_t over = -money_owed(sql, ticket->id);
    TEXT(most, 32);

    if (strcmp(kind, "refund") == 0) {
        money_write(over > 0 ? over : 0, &most);
        return total > 0 && total <= over
                   ? ERR_OK
                   : text_say(why, ERR_FORMAT, "amount: a refund is more than 0 and at most what was paid too much, %s",
                              most.at);
    }
    if (total == 0 || due + total < 0) {
        money_write(due, &most);
        return text_say(why, ERR_FORMAT, "amount: expected another than 0 that takes off at most the charges, %s", most.at);
    }
    if (total > 0 && due + total > agreed) {
        return text_say(why, ERR_STATE,
                        "more than the customer agreed to is not charged (S0-60). Legal: quote and consent");
    }
    return ERR_OK;
}

enum err money_ask(struct sql *sql, const struct ticket *ticket, const struct money_request *request, struct text *why)
{
    bool refund = text_same(request->kind, "refund");
    int64_t tax = refund ? 0 : price_share(request->amount, offer_rules(ticket)->tax);
    enum err err;

    if (!refund && !text_same(request->kind, "adjustment")) {
        return text_say(why, ERR_FORMAT, "kind: expected adjustment or refund, found '%.40s'",
                        request->kind ? request->kind : "");
    }
    if (!request->reason || !request->reason[0]) {
        return text_say(why, ERR_FORMAT, "reason: it needs one");
    }
    if (request->amount < -PRICE_MOST || request->amount > PRICE_MOST) {
        return text_say(why, ERR_FORMAT, "amount: expected a smaller one");
    }
    err = judge_request(sql, ticket, request->kind, request->amount + tax, why);
    return err ? err
               : sql_run(sql,
                         "INSERT INTO money_request (name, ticket, kind, amount, tax, reason, asked_by, asked_ms) VALUES (?1,"
                         " ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                         "titiitti", request->name, ticket->id, request->kind, request->amount, tax, request->reason,
                         request->who, request->at_ms);
}

struct asked {
    int64_t id, amount, tax;
    char kind[16], asked_by[200], reason[1000];
    bool waiting;
};

static enum err find_asked(struct sql *sql, int64_t ticket, const char *name, struct asked *ret_asked)
{
    struct sql_rows rows;

    *ret_asked = (struct asked){0};
    sql_find(sql, &rows, "SELECT id, amount, tax, kind, asked_by, reason, state FROM money_request WHERE ticket = ?1 AND name ="
                         " ?2",
             "it", ticket, name);
    if (sql_next(&rows)) {
        ret_asked->id = sql_int(&rows, 0);
        ret_asked->amount = sql_int(&rows, 1);
        ret_asked->tax = sql_int(&rows, 2);
        (void)!text_copy(ret_asked->kind, sizeof(ret_asked->kind), sql_text(&rows, 3));
        (void)!text_copy(ret_asked->asked_by, sizeof(ret_asked->asked_by), sql_text(&rows, 4));
        (void)!text_copy(ret_asked->reason, sizeof(ret_asked->reason), sql_text(&rows, 5));
        ret_asked->waiting = text_same(sql_text(&rows, 6), "waiting");
    }
    return sql_end(&rows);
}

static enum err judge_ruler(const struct ticket *ticket, const struct asked *asked, const char *who, enum role role,
                            struct text *why)
{
    int64_t total = asked->amount + asked->tax, size = total < 0 ? -total : total;
    int64_t most = role <= ROLE_ADMIN ? offer_rules(ticket)->approve[role] : 0;
    TEXT(limit, 32);

    if (text_same(asked->asked_by, who)) {
        return text_say(why, ERR_FORBIDDEN, "%s asked for it: another person decides", who);
    }
    if (size > most) {
        money_write(most, &limit);
        return text_say(why, ERR_FORBIDDEN, "this role may approve at most %s", limit.at);
    }
    return ERR_OK;
}

enum err money_rule(struct sql *sql, const struct ticket *ticket, const char *name, bool approved, const char *note,
                    const char *who, enum role role, int64_t at_ms, struct text *why)
{
    struct asked asked;
    TEXT(source, 200);
    enum err err = find_asked(sql, ticket->id, name, &asked);

    if (!err && !asked.id) {
        return text_say(why, ERR_FORMAT, "request: this ticket has none called '%.64s'", name ? name : "");
    }
    if (!err && !asked.waiting) {
        return text_say(why, ERR_STATE, "the request has been decided already. Legal: adjust");
    }
    err = err ? err : judge_ruler(ticket, &asked, who, role, why);
    if (!err && approved) { /* the books may have moved since it was asked for */
        err = judge_request(sql, ticket, asked.kind, asked.amount + asked.tax, why);
    }
    if (!err) {
        err = sql_run(sql, "UPDATE money_request SET state = ?2, decided_by = ?3, decided_ms = ?4, note = ?5 WHERE id = ?1",
                      "ittit", asked.id, approved ? "approved" : "refused", who, at_ms, note);
    }
    text_addf(&source, "request:%s", name);
    return err || !approved ? err
                            : put(sql, ticket,
                                  &(struct entry){.kind = asked.kind, .item = asked.kind, .words = asked.reason,
                                                  .amount = asked.amount, .tax = asked.tax, .request = asked.id,
                                                  .source = source.at, .who = who, .at_ms = at_ms});
}

/* ------------------------------------------------------------------ papers */

enum err money_invoice(struct sql *sql, const struct ticket *ticket, const char *kind, const char *reference,
                       const char *who, int64_t at_ms, struct text *why)
{
    bool receipt = text_same(kind, "receipt");
    int64_t count = 0, total = 0;
    struct sql_rows rows;
    char number[32];
    enum err err;

    if (!receipt && !text_same(kind, "invoice")) {
        return text_say(why, ERR_FORMAT, "kind: expected invoice or receipt, found '%.40s'", kind);
    }
    sql_find(sql, &rows,
             "SELECT COUNT(*), SUM(total) FROM money_line WHERE ticket = ?1 AND payer = 'customer' AND (kind IN ('payment',"
             " 'refund')) = (?2 = 1) AND NOT EXISTS (SELECT 1 FROM invoice_line i WHERE i.line = money_line.id)",
             "ii", ticket->id, (int64_t)receipt);
    if (sql_next(&rows)) {
        count = sql_int(&rows, 0);
        total = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    if (!err && count == 0) {
        return text_say(why, ERR_STATE, "there is nothing that lacks a paper. Legal: %s", receipt ? "pay" : "bill");
    }
    numbers_make(receipt ? 'R' : 'F', number, sizeof(number));
    err = err ? err
              : sql_run(sql,
                        "INSERT INTO invoice (number, ticket, kind, currency, total, reference, who, at_ms) VALUES (?1, ?2, ?3,"
                        " ?4, ?5, ?6, ?7, ?8)",
                        "tittitti", number, ticket->id,
                        !receipt && total < 0 ? "credit_note" : kind, offer_rules(ticket)->currency, receipt ? -total : total,
                        reference, who, at_ms);
    return err ? err
               : sql_run(sql,
                         "INSERT INTO invoice_line (line, invoice) SELECT l.id, i.id FROM money_line l, invoice i WHERE i.number"
                         " = ?1 AND l.ticket = ?2 AND l.payer = 'customer' AND (l.kind IN ('payment', 'refund')) = (?3 = 1)"
                         " AND NOT EXISTS (SELECT 1 FROM invoice_line x WHERE x.line = l.id)",
                         "tii", number, ticket->id, (int64_t)receipt);
}

bool money_may_close(struct sql *sql, int64_t ticket, struct text *why)
{
    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM money_line WHERE ticket = ?1 AND kind IN ('charge', 'adjustment') AND NOT EXISTS (SELECT 1"
                      " FROM invoice_line i WHERE i.line = money_line.id) LIMIT 1",
                      "i", ticket)) {
        return true;
    }
    text_say(why, ERR_STATE, "close is not legal now: a fee has no invoice yet (S0-60). Legal: invoice");
    return false;
}
