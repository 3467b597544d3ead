/*
 * What lies where and who owes what, as a storekeeper and a bookkeeper write it down who were told of what was done and of
 * nothing else. At the end of the year the server's ledgers must come to the same, to the piece and to the fen.
 */
#include "year.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/json.h"

const char *const sim_parts[PARTS] = {"anode", "pump-15", "sensor-pt"};

void books_place(int place, char name[16])
{
    snprintf(name, 16, place < VANS ? "van-%d" : "depot-%d", place < VANS ? place + 1 : place - VANS + 1);
}

void books_begin(struct books *books)
{
    for (int part = 0; part < PARTS; part++) {
        for (int place = 0; place < PLACES; place++) {
            books->there[part][place] = place < VANS ? VAN_STOCK : DEPOT_STOCK;
        }
    }
}

/* Goods come in once a week; to some vans nothing, so that some want what there is not. */
static void receive(struct year *year, int part, int place, int64_t count)
{
    char id[40], body[200], name[16];
    struct action action = {.action = "receive", .action_id = id, .who = "store", .role = ROLE_DISPATCHER};
    const char *why;
    TEXT(words, 400);
    enum err err;

    books_place(place, name);
    snprintf(id, sizeof(id), "s-%lld", (long long)++year->actions);
    snprintf(body, sizeof(body), "{\"action\":\"receive\",\"id\":\"%s\",\"part\":\"%s\",\"depot\":\"%s\",\"count\":%lld}", id,
             sim_parts[part], name, (long long)count);
    arena_reset(year->arena);
    if (json_parse(year->arena, body, strlen(body), &action.body, &why)) {
        abort();
    }
    err = year_step(year);
    err = err ? err : desk_stock_step(year->desk, year->sql, &action, year->now_ms, &words);
    if (year_commit(year, err, "goods in")) {
        ledger_wrong(&year->ledger, "goods are not taken in: %s", words.at);
        return;
    }
    year->books.there[part][place] += count;
}

void books_restock(struct year *year)
{
    for (int part = 0; part < PARTS; part++) {
        for (int place = 0; place < PLACES; place++) {
            int64_t count = place < VANS ? dice_between(&year->dice, 0, 2) : dice_between(&year->dice, 1, 5);

            if (count) {
                receive(year, part, place, count);
            }
        }
    }
}

/* How many of them other orders have laid aside there. */
static int64_t laid_aside(struct year *year, int64_t order, int part, const char *place)
{
    return sql_find_int(year->sql, 0,
                        "SELECT COALESCE(SUM(p.count), 0) FROM work_part p JOIN depot d ON d.id = p.depot WHERE p.part = ?1 AND"
                        " d.name = ?2 AND p.state = 'reserved' AND p.work_order <> ?3",
                        "tti", sim_parts[part], place, order);
}

void books_reserve(struct year *year, int64_t order)
{
    int part = (int)dice_between(&year->dice, 0, PARTS - 1), place = (int)dice_between(&year->dice, 0, PLACES - 1);
    char more[120], name[16];

    books_place(place, name);
    snprintf(more, sizeof(more), "\"part\":\"%s\",\"depot\":\"%s\",\"count\":1", sim_parts[part], name);
    (void)year_do(year, true, order, "reserve_part", more, 0);
}

/* Taken from a van or a depot: whoever comes first gets the last piece, the next one is told no. */
void books_use(struct year *year, int64_t order)
{
    int part = (int)dice_between(&year->dice, 0, PARTS - 1), place = (int)dice_between(&year->dice, 0, PLACES - 1);
    int64_t count = dice_between(&year->dice, 1, 2), *there = &year->books.there[part][place];
    char more[120], name[16];
    int64_t others;
    bool done;

    books_place(place, name);
    others = laid_aside(year, order, part, name);
    snprintf(more, sizeof(more), "\"part\":\"%s\",\"depot\":\"%s\",\"count\":%lld", sim_parts[part], name, (long long)count);
    done = year_do(year, true, order, "use_part", more, 0);
    if (done != (*there - others >= count)) {
        ledger_wrong(&year->ledger, "%lld of %s were %s at %s, where %lld lie and others have laid aside %lld",
                     (long long)count, sim_parts[part], done ? "taken" : "refused", name, (long long)*there, (long long)others);
    }
    *there -= done ? count : 0;
    year->books.used += done ? count : 0;
    year->books.refused += !done;
    if (done && dice_chance(&year->dice, 15)) {
        snprintf(more, sizeof(more), "\"part\":\"%s\",\"depot\":\"%s\",\"count\":1", sim_parts[part], name);
        if (year_do(year, true, order, "return_part", more, 0)) {
            ++*there;
            year->books.used--;
        }
    }
}

/* ------------------------------------------------------------------ money */

/* The plan's tax on a price, half up. */
static int64_t with_tax(struct year *year, const struct case_ *one, int64_t minor)
{
    struct yaml_node *charge = yaml_find(yaml_find(year->company.plans[one->plan], "items"), "charge");
    struct yaml_node *tax = charge ? yaml_find(charge, "tax") : NULL;

    tax = tax ? yaml_find(tax, "value") : NULL;
    return minor + (minor * (tax ? atoll(tax->text) : 0) + 5000) / 10000;
}

bool books_quote(struct year *year, struct case_ *one)
{
    int64_t price = dice_between(&year->dice, 20, 900);
    char more[120];

    if (one->quoted_minor) {
        return false; /* one of them a ticket: what was agreed is not asked again */
    }
    snprintf(more, sizeof(more), "\"lines\":[{\"part\":\"pump\",\"price\":%lld}]", (long long)price);
    if (!year_do(year, false, one->row, "quote", more, 0)) {
        return false;
    }
    one = ledger_case(&year->ledger, one->row);
    one->quoted_minor = with_tax(year, one, price * 100);
    return true;
}

/* What was agreed to is billed, with its paper; some pay at once, some a part of it. */
void books_bill(struct year *year, int64_t row)
{
    struct case_ *one = ledger_case(&year->ledger, row);
    int64_t paid;
    char more[60];

    if (!one->agreed || one->billed_minor || !year_do(year, false, row, "bill", "", 0)) {
        return;
    }
    one->billed_minor = one->quoted_minor;
    if (!year_do(year, false, row, "invoice", "\"kind\":\"invoice\"", 0)) {
        ledger_wrong(&year->ledger, "%s: a fee without its paper", one->number);
    }
    paid = one->billed_minor * dice_between(&year->dice, 30, 130) / 100;
    paid = paid > one->billed_minor ? one->billed_minor : paid;
    snprintf(more, sizeof(more), "\"amount\":%lld", (long long)paid);
    if (year_do(year, false, row, "pay", more, 0)) {
        one->paid_minor += paid;
    } else {
        ledger_wrong(&year->ledger, "%s: %lld fen are not taken", one->number, (long long)paid);
    }
}

/* ------------------------------------------------------------------ at the end */

static void compare(struct year *year, int part, int place, const char *what, const char *statement)
{
    char name[16];
    int64_t shown;

    books_place(place, name);
    shown = sql_find_int(year->sql, -1, statement, "tt", sim_parts[part], name);
    if (shown != year->books.there[part][place]) {
        ledger_wrong(&year->ledger, "%s of %s at %s come to %lld, %lld lie there", what, sim_parts[part], name, (long long)shown,
                     (long long)year->books.there[part][place]);
    }
}

static void check_stock(struct year *year)
{
    for (int part = 0; part < PARTS; part++) {
        for (int place = 0; place < PLACES; place++) {
            compare(year, part, place, "the moves",
                    "SELECT CAST(SUM(m.count) AS BIGINT) FROM stock_move m JOIN rack r ON r.id = m.rack JOIN part p ON p.id ="
                    " r.part JOIN depot d ON d.id = r.depot WHERE p.name = ?1 AND d.name = ?2");
            compare(year, part, place, "the racks",
                    "SELECT CAST(SUM(h.there) AS BIGINT) FROM rack_now h JOIN part p ON p.id = h.part JOIN depot d ON d.id ="
                    " h.depot WHERE p.name = ?1 AND d.name = ?2");
            compare(year, part, place, "the counts",
                    "SELECT CAST(SUM(s.count) AS BIGINT) FROM stock s JOIN part p ON p.id = s.part JOIN depot d ON d.id ="
                    " s.depot WHERE p.name = ?1 AND d.name = ?2");
        }
    }
    year_none(year, "a rack holds something else than what orders have laid aside there",
              "SELECT 'rack ' || h.rack FROM rack_now h WHERE h.held <> COALESCE((SELECT SUM(p.count) FROM work_part p WHERE"
              " p.rack = h.rack AND p.state = 'reserved'), 0)");
    year_none(year, "an order that has ended keeps parts",
              "SELECT w.number FROM work_order w JOIN work_part p ON p.work_order = w.id WHERE p.state = 'reserved' AND w.state IN"
              " ('done', 'verified', 'closed', 'cancelled')");
}

static void check_money(struct year *year)
{
    for (int64_t row = 1; row < year->ledger.room; row++) {
        const struct case_ *one = ledger_case(&year->ledger, row);
        int64_t owed = one ? sql_find_int(year->sql, 0,
                                          "SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM money_line WHERE ticket = ?1 AND"
                                          " payer = 'customer'",
                                          "i", row)
                           : 0;

        if (one && owed != one->billed_minor - one->paid_minor) {
            ledger_wrong(&year->ledger, "%s: %lld fen are owed, by the books %lld", one->number,
                         (long long)(one->billed_minor - one->paid_minor), (long long)owed);
        }
        year->books.billed_minor += one ? one->billed_minor : 0;
    }
    year_none(year, "an invoice is not the sum of its lines",
              "SELECT i.number FROM invoice i JOIN invoice_line x ON x.invoice = i.id JOIN money_line m ON m.id = x.line GROUP BY"
              " i.number, i.total HAVING SUM(m.total) <> i.total");
    year_none(year, "more was charged than was agreed to",
              "SELECT t.number FROM money_line m JOIN ticket t ON t.id = m.ticket WHERE m.kind = 'charge' GROUP BY t.id, t.number"
              " HAVING SUM(m.total) > (SELECT MAX(c.total) FROM consent c WHERE c.ticket = t.id)");
}

void books_check(struct year *year)
{
    year->books.billed_minor = 0;
    check_stock(year);
    check_money(year);
}
