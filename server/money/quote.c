/* Quotations: priced, versioned, answered. Every version stays as it was; one of a ticket is open or accepted. */
#include <string.h>

#include "server/fleet/numbers.h"
#include "server/money/money_int.h"

struct draft { /* a quotation on its way */
    struct office *office;
    struct sql *sql;
    const struct ticket *ticket;
    int32_t day;
    int64_t at_ms;
    struct offer *lines;
    size_t count;
    struct text *why;
};

static enum err add(struct draft *draft, const struct offer *line)
{
    if (draft->count >= MONEY_LINES_MOST) {
        return text_say(draft->why, ERR_FORMAT, "lines: expected at most %d", MONEY_LINES_MOST);
    }
    draft->lines[draft->count++] = *line;
    return ERR_OK;
}

/* ------------------------------------------------------------------ lines that somebody wrote */

static const char *words_of(const struct cJSON *line)
{
    static const char *const names[] = {"words", "text", "what", "title", "item", "part", NULL};
    const char *words = NULL;

    for (size_t i = 0; !words && names[i]; i++) {
        words = json_text_or(line, names[i], NULL);
    }
    return words && words[0] ? words : NULL;
}

/* A stated amount: amount_minor, or amount or price in the currency's major unit. false with *ret_err: it is none. */
static bool read_stated(const struct draft *draft, const struct cJSON *line, int64_t *ret_minor, enum err *ret_err)
{
    static const char *const names[] = {"amount", "price", NULL};
    const struct cJSON *field = json_field(line, "amount_minor");
    double major;

    *ret_err = ERR_OK;
    if (field) {
        *ret_err = json_as_int(field, ret_minor) ? ERR_OK : ERR_FORMAT;
        return true;
    }
    for (size_t i = 0; names[i]; i++) {
        field = json_field(line, names[i]);
        if (field) {
            *ret_err = json_as_number(field, &major) && !money_of_number(major, ret_minor) ? ERR_OK : ERR_FORMAT;
            return true;
        }
    }
    (void)draft;
    return false;
}

static enum err add_stated(struct draft *draft, const char *words, const char *part, int64_t minor)
{
    const struct price_rules *rules = offer_rules(draft->ticket);
    struct offer line = {.item = part ? "parts" : "other", .words = words, .part = part, .mode = "stated",
                         .rule = "stated", .quantity = 1000, .unit = minor, .amount = minor,
                         .tax = price_share(minor, rules->tax)};
    struct part_price found = {-1, -1, -1, "", ""};
    enum err err = part ? price_find(draft->sql, draft->ticket, part, draft->day, &found) : ERR_OK;

    if (!err && found.cap >= 0 && rules->who_pays[offer_case(draft->ticket)][PRICE_PARTS] == PRICE_CONTRACT &&
        minor > found.cap) { /* S0-77 */
        TEXT(cap, 32);

        money_write(found.cap, &cap);
        return text_say(draft->why, ERR_FORMAT, "lines: %s is above the contract's unit price of %s (S0-77)", part, cap.at);
    }
    if (!err && found.list >= 0 && found.list != minor) { /* S0-139: no overcharging unseen */
        line.rule = minor > found.list ? "stated, above the price list" : "stated, below the price list";
    }
    return err ? err : add(draft, &line);
}

/* {part, count}, {item: labour, hours}, {item: travel, hours}, {item: call_out}, or {text, amount}. */
static enum err add_written(struct draft *draft, const struct cJSON *line)
{
    const char *item = json_text_or(line, "item", NULL), *part = json_text_or(line, "part", NULL);
    const char *words = words_of(line);
    double count = json_number_or(line, "hours", json_number_or(line, "count", json_number_or(line, "quantity", 1)));
    enum price_item kind = PRICE_PARTS;
    bool known = part != NULL;
    struct offer offer;
    int64_t minor = 0;
    enum err err;

    if (read_stated(draft, line, &minor, &err)) {
        if (err || minor < 0 || minor > PRICE_MOST) {
            return text_say(draft->why, ERR_FORMAT, "lines: expected an amount from 0 with at most two decimals");
        }
        return add_stated(draft, words ? words : "charge", part, minor);
    }
    for (int i = PRICE_LABOUR; item && i < PRICE_ITEMS; i++) {
        if (strcmp(item, price_item_names[i]) == 0) {
            kind = (enum price_item)i;
            known = true;
        }
    }
    if (!known) {
        return text_say(draft->why, ERR_FORMAT,
                        "lines: expected {part, count}, {item: labour, travel or call_out, hours}, or {text, amount}");
    }
    if (!(count > 0 && count <= 10000)) {
        return text_say(draft->why, ERR_FORMAT, "lines: expected a count or hours above 0, at most 10000");
    }
    err = offer_price(draft->office, draft->sql, draft->ticket, kind, part, (int64_t)(count * 1000 + 0.5), draft->day, &offer,
                      draft->why);
    offer.words = !err && words && !part ? words : offer.words;
    return err ? err : add(draft, &offer);
}

/* ------------------------------------------------------------------ lines from the work itself */

static enum err add_item(struct draft *draft, enum price_item item, const char *part, int64_t quantity)
{
    struct offer offer;
    enum err err = quantity > 0 ? offer_price(draft->office, draft->sql, draft->ticket, item, part, quantity, draft->day,
                                              &offer, draft->why)
                                : ERR_OK;

    return err || quantity <= 0 ? err : add(draft, &offer);
}

static enum err add_parts(struct draft *draft)
{
    const char *parts[64];
    int64_t counts[64];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(draft->sql, &rows,
             "SELECT w.part, SUM(CASE w.state WHEN 'returned' THEN -w.count ELSE w.count END) FROM work_part w JOIN work_order"
             " o ON o.id = w.work_order WHERE o.ticket = ?1 AND o.state <> 'cancelled' AND w.state IN ('reserved', 'used',"
             " 'returned') AND w.source <> 'customer' GROUP BY w.part ORDER BY w.part LIMIT 64",
             "i", draft->ticket->id);
    while (count < 64 && sql_next(&rows)) {
        parts[count] = arena_text(draft->office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
        counts[count++] = sql_int(&rows, 1) * 1000;
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = parts[i] ? add_item(draft, PRICE_PARTS, parts[i], counts[i]) : ERR_NOMEM;
    }
    return err;
}

/* Parts that are laid aside or used, the hours so far or the plan's usual ones, one call-out. */
static enum err add_work(struct draft *draft)
{
    const struct plan *plan = draft->ticket->plan;
    int64_t work_ms = sql_find_int(draft->sql, 0,
                                   "SELECT SUM(t.to_ms - t.from_ms) FROM work_time t JOIN work_order o ON o.id = t.work_order"
                                   " WHERE o.ticket = ?1 AND t.kind = 'work'",
                                   "i", draft->ticket->id);
    int64_t travel_ms = sql_find_int(draft->sql, 0,
                                     "SELECT SUM(t.to_ms - t.from_ms) FROM work_time t JOIN work_order o ON o.id ="
                                     " t.work_order WHERE o.ticket = ?1 AND t.kind = 'travel'",
                                     "i", draft->ticket->id);
    enum err err = add_parts(draft);

    work_ms = work_ms ? work_ms : plan ? plan->work_ms : 0;
    travel_ms = travel_ms ? travel_ms : plan ? plan->travel_ms : 0;
    err = err ? err : add_item(draft, PRICE_LABOUR, NULL, offer_hours(work_ms));
    err = err ? err : add_item(draft, PRICE_TRAVEL, NULL, offer_hours(travel_ms));
    return err ? err : add_item(draft, PRICE_CALL_OUT, NULL, 1000);
}

/* ------------------------------------------------------------------ written */

static enum err put_lines(struct draft *draft, int64_t quotation)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < draft->count; i++) {
        const struct offer *line = &draft->lines[i];

        err = sql_run(draft->sql,
                      "INSERT INTO quotation_line (quotation, position, item, words, part, quantity, unit, amount, tax, mode,"
                      " rule) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                      "iitttiiiitt", quotation, (int64_t)i, line->item, line->words, line->part, line->quantity, line->unit,
                      line->amount, line->tax, line->mode, line->rule);
    }
    return err;
}

/* Least and most that the plan lets a repair cost, as a line of its own. */
static enum err add_level(struct draft *draft)
{
    const struct price_rules *rules = offer_rules(draft->ticket);
    int64_t sum = 0, level;

    for (size_t i = 0; i < draft->count; i++) {
        sum += draft->lines[i].amount;
    }
    level = price_level(rules, sum);
    return level == 0 ? ERR_OK
                      : add(draft, &(struct offer){.item = "level", .words = level > 0 ? "minimum charge" : "cap",
                                                   .mode = "list", .rule = "plan", .quantity = 1000, .unit = level,
                                                   .amount = level, .tax = price_share(level, rules->tax)});
}

/* S1-21: the list's price of a new unit is that of the part with the profile's name. -1: not known. */
static enum err find_new(struct draft *draft, int64_t *ret_price)
{
    struct part_price price = {-1, -1, -1, "", ""};
    char profile[65] = "";
    struct sql_rows rows;
    enum err err;

    sql_find(draft->sql, &rows, "SELECT profile FROM equipment WHERE id = ?1", "i", draft->ticket->equipment);
    if (sql_next(&rows) && sql_text(&rows, 0)) {
        (void)!text_copy(profile, sizeof(profile), sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    err = err || !profile[0] ? err : price_find(draft->sql, draft->ticket, profile, draft->day, &price);
    *ret_price = price.list;
    return err;
}

static enum err advise(struct draft *draft, int64_t quotation, int64_t amount)
{
    int64_t share = offer_rules(draft->ticket)->advise_new, unit = -1;
    enum err err = find_new(draft, &unit);

    return err || unit < 0 ? err
                           : sql_run(draft->sql, "UPDATE quotation SET new_unit = ?2, advise_new = ?3 WHERE id = ?1", "iii",
                                     quotation, unit, (int64_t)(share > 0 && amount > price_share(unit, share)));
}

static enum err put(struct draft *draft, const char *who)
{
    const struct ticket *ticket = draft->ticket;
    const struct price_rules *rules = offer_rules(ticket);
    int64_t amount = 0, tax = 0, id;
    char number[32];
    enum err err = sql_run(draft->sql,
                           "UPDATE quotation SET state = 'replaced' WHERE ticket = ?1 AND state IN ('open', 'accepted')",
                           "i", ticket->id);

    for (size_t i = 0; i < draft->count; i++) {
        amount += draft->lines[i].amount;
        tax += draft->lines[i].tax;
    }
    if (!err && amount + tax > PRICE_MOST) {
        return text_say(draft->why, ERR_FORMAT, "lines: expected a smaller sum");
    }
    numbers_make('Q', number, sizeof(number));
    if (!err) {
        err = sql_run(draft->sql,
                      "INSERT INTO quotation (number, ticket, version, state, currency, amount, tax, total, valid_until_ms,"
                      " plan, plan_hash, who, at_ms) SELECT ?1, ?2, COALESCE(MAX(version), 0) + 1, 'open', ?3, ?4, ?5, ?6,"
                      " ?7, ?8, ?9, ?10, ?11 FROM quotation WHERE ticket = ?2",
                      "titiiiittt" "i", number, ticket->id, rules->currency, amount, tax, amount + tax,
                      draft->at_ms + rules->validity_ms, ticket->plan ? ticket->plan->id : NULL,
                      ticket->plan ? ticket->plan->hash : NULL, who, draft->at_ms);
    }
    id = sql_find_int(draft->sql, 0, "SELECT id FROM quotation WHERE number = ?1", "t", number);
    err = err ? err : put_lines(draft, id);
    return err ? err : advise(draft, id, amount);
}

enum err money_quote(struct office *office, struct sql *sql, const struct ticket *ticket, const struct cJSON *lines,
                     const char *who, int64_t at_ms, struct text *why)
{
    struct draft draft = {.office = office, .sql = sql, .ticket = ticket, .day = offer_day(office, ticket, at_ms),
                          .at_ms = at_ms, .why = why};
    enum err err = ERR_OK;

    draft.lines = arena_array(office->arena, MONEY_LINES_MOST, sizeof(*draft.lines));
    if (!draft.lines) {
        return ERR_NOMEM;
    }
    if (lines && (!json_is_list(lines) || json_size(lines) == 0)) {
        return text_say(why, ERR_FORMAT, "quote needs lines");
    }
    if (!lines) {
        err = add_work(&draft);
    }
    for (const struct cJSON *line = json_first(lines); !err && line; line = json_next(line)) {
        err = add_written(&draft, line);
    }
    if (!err && draft.count == 0) {
        return text_say(why, ERR_FORMAT, "quote needs lines: nothing is known yet that could be priced");
    }
    err = err ? err : add_level(&draft);
    return err ? err : put(&draft, who);
}

/* ------------------------------------------------------------------ answered */

enum err money_answer(struct sql *sql, int64_t ticket, const struct money_answer *answer, struct text *why)
{
    int64_t id = 0, version = 0, until_ms = 0, total = 0;
    bool approved = false;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT id, version, valid_until_ms, total, approved_by FROM quotation WHERE ticket = ?1 AND state = 'open'", "i",
             ticket);
    if (sql_next(&rows)) {
        id = sql_int(&rows, 0);
        version = sql_int(&rows, 1);
        until_ms = sql_int(&rows, 2);
        total = sql_int(&rows, 3);
        approved = !sql_null(&rows, 4);
    }
    err = sql_end(&rows);
    if (err) {
        return err;
    }
    if (!id) {
        return text_say(why, ERR_STATE, "consent is not legal now: there is no open quotation. Legal: quote");
    }
    if (answer->version && answer->version != version) {
        return text_say(why, ERR_STATE, "the quotation's version is %lld now. Legal: consent to that one",
                        (long long)version);
    }
    if (answer->accepted && answer->at_ms > until_ms) {
        return text_say(why, ERR_STATE, "the quotation has lapsed. Legal: quote");
    }
    if (answer->accepted && answer->approval && !approved) {
        return text_say(why, ERR_STATE,
                        "a manager approves the price of a special request first (S2-30). Legal: approve_money");
    }
    err = sql_run(sql, "UPDATE quotation SET state = ?2, answered_ms = ?3 WHERE id = ?1", "iti", id,
                  answer->accepted ? "accepted" : "refused", answer->at_ms);
    return err || !answer->accepted
               ? err
               : sql_run(sql,
                         "INSERT INTO consent (quotation, ticket, total, how, name, who, at_ms) VALUES (?1, ?2, ?3, ?4, ?5,"
                         " ?6, ?7)",
                         "iiittti", id, ticket, total, answer->how, answer->name, answer->who,
                         answer->at_ms);
}

bool money_wants_approval(const struct ticket *ticket)
{
    return ticket->plan && ticket->plan->fee_approval && strcmp(ticket->kind, "special_request") == 0;
}

enum err money_approve_quotation(struct sql *sql, const struct ticket *ticket, const char *number, bool approved,
                                 const char *who, enum role role, int64_t at_ms, struct text *why)
{
    int64_t id = sql_find_int(sql, 0, "SELECT id FROM quotation WHERE ticket = ?1 AND number = ?2 AND state = 'open'", "it",
                              ticket->id, number);
    bool own = sql_find_int(sql, 0, "SELECT 1 FROM quotation WHERE id = ?1 AND who = ?2", "it", id, who) != 0;

    if (!id) {
        return text_say(why, ERR_STATE, "there is no open quotation %.40s. Legal: quote", number);
    }
    if (own || (role != ROLE_MANAGER && role != ROLE_ADMIN)) {
        return text_say(why, ERR_FORBIDDEN, "a quotation is approved by a manager who did not make it (S2-30)");
    }
    return approved ? sql_run(sql, "UPDATE quotation SET approved_by = ?2, approved_ms = ?3 WHERE id = ?1", "iti", id, who,
                              at_ms)
                    : sql_run(sql, "UPDATE quotation SET state = 'refused', answered_ms = ?2 WHERE id = ?1", "ii", id, at_ms);
}
