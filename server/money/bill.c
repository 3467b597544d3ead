/* What was done goes into the books: each thing once, the customer's by an accepted quotation, the rest the company's. */
#include <string.h>

#include "server/money/money_int.h"

struct bill {
    struct office *office;
    struct sql *sql;
    const struct ticket *ticket;
    const char *who;
    int64_t at_ms, consent, quotation, agreed, lines; /* agreed: the total that the customer said yes to */
    bool fixed; /* the quotation states amounts only: these are billed, not what was used */
    struct text *why;
};

enum err entry_put(struct sql *sql, const struct entry *entry)
{
    enum err err = sql_run(
        sql,
        "INSERT INTO money_line (ticket, work_order, kind, payer, party, item, words, quantity, unit, amount, tax, total,"
        " currency, consent, request, claim, source, who, at_ms) VALUES (?1, NULLIF(?2, 0), ?3, ?4, COALESCE(?5, (SELECT c.name"
        " FROM ticket t JOIN site s ON s.id = t.site JOIN customer c ON c.id = s.customer WHERE t.id = ?1 AND ?4 = 'customer')),"
        " ?6, ?7, ?8, ?9, ?10,"
        " ?11, ?12, ?13, NULLIF(?14, 0), NULLIF(?15, 0), NULLIF(?16, 0), ?17, ?18, ?19) ON CONFLICT (source) DO NOTHING",
        "iittttt" "iiiiit" "iiitti", entry->ticket, entry->work_order, entry->kind, entry->payer, entry->party, entry->item,
        entry->words, entry->quantity, entry->unit, entry->amount, entry->tax, entry->amount + entry->tax, entry->currency,
        entry->consent, entry->request, entry->claim, entry->source, entry->who, entry->at_ms);

    return err ? err : sql_changes(sql) == 0 ? ERR_EXISTS : ERR_OK;
}

static enum err book(struct bill *bill, const struct offer *offer, const char *kind, const char *payer, const char *party,
                     int64_t work_order, const char *source)
{
    struct entry entry = {
        .ticket = bill->ticket->id, .work_order = work_order, .kind = kind, .payer = payer, .party = party,
        .item = offer->item, .words = offer->words, .quantity = offer->quantity, .unit = offer->unit,
        .amount = offer->amount, .tax = offer->tax, .currency = offer_rules(bill->ticket)->currency,
        .consent = strcmp(kind, "charge") == 0 ? bill->consent : 0, .source = source, .who = bill->who,
        .at_ms = bill->at_ms};
    enum err err;

    if (strcmp(kind, "charge") == 0 && !bill->consent) {
        return text_say(bill->why, ERR_STATE,
                        "nothing is charged without an accepted quotation (S0-59). Legal: quote and consent");
    }
    err = entry_put(bill->sql, &entry);
    bill->lines += err ? 0 : 1;
    return err == ERR_EXISTS ? ERR_OK : err;
}

/* ------------------------------------------------------------------ what was done */

struct done { /* one thing of a work order */
    enum price_item item;
    const char *part, *team, *source;
    int64_t work_order, quantity, at_ms;
};

static bool is_booked(struct sql *sql, const char *source)
{
    return sql_find_int(sql, 0, "SELECT 1 FROM money_line WHERE source = ?1", "t", source) != 0;
}

/* A part that the quotation states an amount for is billed by that. */
static bool is_stated(const struct bill *bill, const struct done *done)
{
    return bill->fixed ||
           (done->part && sql_find_int(bill->sql, 0,
                                       "SELECT 1 FROM quotation_line WHERE quotation = ?1 AND part = ?2 AND mode = 'stated'"
                                       " LIMIT 1",
                                       "it", bill->quotation, done->part));
}

static enum err bill_done(struct bill *bill, const struct done *done)
{
    int32_t day = offer_day(bill->office, bill->ticket, done->at_ms);
    struct offer offer;
    enum err err;

    if (is_booked(bill->sql, done->source)) {
        return ERR_OK;
    }
    if (offer_rules(bill->ticket)->who_pays[offer_case(bill->ticket)][done->item] != PRICE_FREE) {
        if (is_stated(bill, done)) {
            return ERR_OK;
        }
        err = offer_price(bill->office, bill->sql, bill->ticket, done->item, done->part, done->quantity, day, &offer,
                          bill->why);
        return err ? err : book(bill, &offer, "charge", "customer", NULL, done->work_order, done->source);
    }
    err = offer_cost(bill->office, bill->sql, bill->ticket, done->item, done->part, done->quantity, day, &offer, bill->why);
    return err ? err : book(bill, &offer, "cost", "company", done->team, done->work_order, done->source);
}

/* What a query gives: work order, team, item, part, quantity in thousandths (hours: milliseconds), time, source's number. */
static enum err read_done(struct bill *bill, struct sql_rows *rows, struct done *list, size_t *io_count)
{
    static const char *const sources[PRICE_ITEMS] = {"part", "time", "time", "call"};

    while (*io_count < MONEY_LINES_MOST && sql_next(rows)) {
        const char *team = sql_text(rows, 1), *part = sql_text(rows, 3);
        enum price_item item = (enum price_item)sql_int(rows, 2);
        bool hours = item == PRICE_LABOUR || item == PRICE_TRAVEL;
        TEXT(source, 64);

        text_addf(&source, "%s:%lld", sources[item], (long long)sql_int(rows, 6));
        list[*io_count] = (struct done){
            .item = item,
            .work_order = sql_int(rows, 0),
            .team = team ? arena_text(bill->office->arena, team, strlen(team)) : NULL,
            .part = part ? arena_text(bill->office->arena, part, strlen(part)) : NULL,
            .quantity = hours ? offer_hours(sql_int(rows, 4)) : sql_int(rows, 4),
            .at_ms = sql_int(rows, 5),
            .source = arena_text(bill->office->arena, source.at, source.length),
        };
        if (!list[(*io_count)++].source) {
            return ERR_NOMEM;
        }
    }
    return sql_end(rows);
}

static enum err find_done(struct bill *bill, struct done *list, size_t *ret_count)
{
    /* what the customer brought is his own; what the supplier sent under warranty costs nobody here anything */
    bool free = offer_rules(bill->ticket)->who_pays[offer_case(bill->ticket)][PRICE_PARTS] == PRICE_FREE;
    struct sql_rows rows;
    enum err err;

    *ret_count = 0;
    sql_find(bill->sql, &rows,
             "SELECT o.id, m.name, 0, p.part, CASE p.state WHEN 'used' THEN p.count ELSE -p.count END * 1000, p.at_ms, p.id FROM"
             " work_part p JOIN work_order o ON o.id = p.work_order LEFT JOIN team m ON m.id = o.team WHERE o.ticket = ?1 AND"
             " p.state IN ('used', 'returned') AND p.source <> 'customer' AND (p.source <> 'supplier' OR ?2 = 0)"
             " ORDER BY p.id",
             "ii", bill->ticket->id, (int64_t)free);
    err = read_done(bill, &rows, list, ret_count);
    if (!err) {
        sql_find(bill->sql, &rows,
                 "SELECT o.id, m.name, CASE t.kind WHEN 'travel' THEN 2 ELSE 1 END, NULL, t.to_ms - t.from_ms, t.from_ms, t.id"
                 " FROM work_time t JOIN work_order o ON o.id = t.work_order LEFT JOIN team m ON m.id = o.team WHERE o.ticket ="
                 " ?1 AND t.kind IN ('work', 'travel') ORDER BY t.id",
                 "i", bill->ticket->id);
        err = read_done(bill, &rows, list, ret_count);
    }
    if (!err) { /* somebody was there */
        sql_find(bill->sql, &rows,
                 "SELECT o.id, m.name, 3, NULL, 1000, MIN(e.at_ms), o.id FROM work_order o JOIN work_event e ON e.work_order ="
                 " o.id AND e.action = 'arrive' LEFT JOIN team m ON m.id = o.team WHERE o.ticket = ?1 GROUP BY o.id, m.name"
                 " ORDER BY o.id",
                 "i", bill->ticket->id);
        err = read_done(bill, &rows, list, ret_count);
    }
    return err;
}

/* ------------------------------------------------------------------ what was agreed */

static enum err bill_stated(struct bill *bill)
{
    struct offer *list = arena_array(bill->office->arena, MONEY_LINES_MOST, sizeof(*list));
    int64_t positions[MONEY_LINES_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!list) {
        return ERR_NOMEM;
    }
    sql_find(bill->sql, &rows,
             "SELECT position, item, words, part, quantity, unit, amount, tax FROM quotation_line WHERE quotation = ?1 AND mode"
             " = 'stated' ORDER BY position",
             "i", bill->quotation);
    while (count < MONEY_LINES_MOST && sql_next(&rows)) {
        const char *item = sql_text(&rows, 1), *words = sql_text(&rows, 2);

        positions[count] = sql_int(&rows, 0);
        list[count++] = (struct offer){.item = arena_text(bill->office->arena, item, strlen(item)),
                                       .words = arena_text(bill->office->arena, words, strlen(words)),
                                       .quantity = sql_int(&rows, 4), .unit = sql_int(&rows, 5),
                                       .amount = sql_int(&rows, 6), .tax = sql_int(&rows, 7)};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        TEXT(source, 64);

        text_addf(&source, "quote:%lld:%lld", (long long)bill->quotation, (long long)positions[i]);
        err = book(bill, &list[i], "charge", "customer", NULL, 0, source.at);
    }
    return err;
}

static enum err find_consent(struct bill *bill)
{
    struct sql_rows rows;
    enum err err;

    sql_find(bill->sql, &rows,
             "SELECT c.id, q.id, c.total FROM quotation q JOIN consent c ON c.quotation = q.id WHERE q.ticket = ?1 AND q.state ="
             " 'accepted'",
             "i", bill->ticket->id);
    if (sql_next(&rows)) {
        bill->consent = sql_int(&rows, 0);
        bill->quotation = sql_int(&rows, 1);
        bill->agreed = sql_int(&rows, 2);
    }
    err = sql_end(&rows);
    bill->fixed = bill->quotation &&
                  !sql_find_int(bill->sql, 0,
                                "SELECT 1 FROM quotation_line WHERE quotation = ?1 AND mode <> 'stated' LIMIT 1", "i",
                                bill->quotation);
    return err;
}

static int64_t charged(const struct bill *bill, bool level)
{
    return sql_find_int(bill->sql, 0,
                        "SELECT SUM(amount) FROM money_line WHERE ticket = ?1 AND kind = 'charge' AND (item = 'level') = (?2 ="
                        " 1)",
                        "ii", bill->ticket->id, (int64_t)level);
}

/* Least and most hold for all charges of the ticket together. */
static enum err bill_level(struct bill *bill)
{
    const struct price_rules *rules = offer_rules(bill->ticket);
    int64_t level = price_level(rules, charged(bill, false)) - charged(bill, true);
    struct offer offer = {.item = "level", .words = level > 0 ? "minimum charge" : "cap", .quantity = 1000, .unit = level,
                          .amount = level, .tax = price_share(level, rules->tax)};
    TEXT(source, 64);

    if (level == 0) {
        return ERR_OK;
    }
    text_addf(&source, "level:%lld:%lld", (long long)bill->ticket->id,
              (long long)sql_find_int(bill->sql, 0, "SELECT COUNT(*) FROM money_line WHERE ticket = ?1", "i",
                                      bill->ticket->id));
    return book(bill, &offer, "charge", "customer", NULL, 0, source.at);
}

/* S0-60: more than was agreed needs a new consent. */
static enum err judge_total(const struct bill *bill)
{
    int64_t total = sql_find_int(bill->sql, 0, "SELECT SUM(total) FROM money_line WHERE ticket = ?1 AND kind = 'charge'", "i",
                                 bill->ticket->id);
    TEXT(asked, 32);
    TEXT(agreed, 32);

    if (total <= bill->agreed) {
        return ERR_OK;
    }
    money_write(total, &asked);
    money_write(bill->agreed, &agreed);
    return text_say(bill->why, ERR_STATE, "%s is more than the %s that the customer agreed to (S0-60). Legal: quote and consent",
                    asked.at, agreed.at);
}

/* S0-30: before a charge or a free repair is final, the verdict is. */
static enum err judge_verdict(const struct bill *bill)
{
    const struct ticket *ticket = bill->ticket;
    bool decided = sql_find_int(bill->sql, 0, "SELECT 1 FROM ticket WHERE id = ?1 AND verdict_ms IS NOT NULL", "i",
                                ticket->id) != 0;

    if (ticket->plan && ticket->plan->two_persons && !decided) {
        return text_say(bill->why, ERR_STATE,
                        "bill is not legal now: two persons have to confirm the warranty first (S0-30). Legal:"
                        " confirm_warranty");
    }
    if (price_case_read(ticket->verdict) < 0 && !bill->consent) {
        return text_say(bill->why, ERR_STATE,
                        "bill is not legal now: nobody knows whether the warranty covers it. Legal: confirm_warranty;"
                        " quote and consent");
    }
    return ERR_OK;
}

enum err money_bill(struct office *office, struct sql *sql, const struct ticket *ticket, const char *who, int64_t at_ms,
                    int64_t *ret_lines, struct text *why)
{
    struct bill bill = {.office = office, .sql = sql, .ticket = ticket, .who = who, .at_ms = at_ms, .why = why};
    struct done *list = arena_array(office->arena, MONEY_LINES_MOST, sizeof(*list));
    size_t count = 0;
    enum err err = list ? find_consent(&bill) : ERR_NOMEM;

    if (!err) {
        err = judge_verdict(&bill);
    }
    if (!err) {
        err = find_done(&bill, list, &count);
    }
    if (!err && bill.consent) {
        err = bill_stated(&bill);
    }
    for (size_t i = 0; !err && i < count; i++) {
        err = bill_done(&bill, &list[i]);
    }
    if (!err) {
        err = bill_level(&bill);
    }
    *ret_lines = bill.lines;
    return err ? err : judge_total(&bill);
}
