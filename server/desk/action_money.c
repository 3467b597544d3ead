/* Doers of money: what the warranty covers, what is charged and consented to, and what is in the books. */
#include <string.h>

#include "server/case/classes.h"
#include "server/desk/action.h"

static const char *said(const struct move *move, const char *field)
{
    const char *words = json_text_or(move->action->body, field, NULL);

    return words && words[0] ? words : NULL;
}

/* S2-30, S0-59: priced, versioned, and shown to the customer. Without lines: from what the work itself shows. */
enum err do_quote(struct move *move)
{
    const struct cJSON *lines = json_field(move->action->body, "lines");
    struct json_out out = json_out(64 * 1024);
    enum err err = money_quote(move->office, move->sql, move->ticket, lines, move->action->who, move->at_ms, move->why);

    if (lines) {
        json_put_value(&out, lines);
    } else {
        json_put_raw(&out, "[]", 2);
    }
    err = err ? err : out.err;
    if (!err) {
        err = sql_run(move->sql, "UPDATE ticket SET quote = ?2, consent = NULL WHERE id = ?1", "it", move->ticket->id,
                      out.bytes);
    }
    json_out_free(&out);
    return err;
}

enum err do_consent(struct move *move)
{
    struct money_answer answer = {.how = move->action->role == ROLE_SERVER ? "track" : "desk", .name = said(move, "name"),
                                  .who = move->action->who, .version = json_int_or(move->action->body, "version", 0),
                                  .approval = money_wants_approval(move->ticket), .at_ms = move->at_ms};
    struct ticket_facts facts;
    enum err err;

    if (!json_as_bool(json_field(move->action->body, "accepted"), &answer.accepted)) {
        return text_say(move->why, ERR_FORMAT, "consent needs accepted: true or false");
    }
    err = money_answer(move->sql, move->ticket->id, &answer, move->why);
    if (!err) {
        err = sql_run(move->sql, "UPDATE ticket SET consent = ?2 WHERE id = ?1", "ii", move->ticket->id,
                      (int64_t)answer.accepted);
    }
    move->ticket->consent_given = answer.accepted;
    if (!err && move->ticket->state == TICKET_AWAITING_CONSENT) { /* work that had begun goes on */
        err = ticket_facts(move->office, move->sql, move->ticket, move->action->role, &facts);
        move->state = facts.back;
    }
    return err;
}

/* S0-32: what a supplier answers for is claimed, and the supplier hears of it at once. */
static enum err claim_at_once(struct move *move)
{
    struct money_claim claim = {.asked = -1, .who = move->action->who, .at_ms = move->at_ms};
    struct action send = {.action = "send", .who = move->action->who, .role = move->action->role, .note = move->action->note,
                          .body = move->action->body};
    bool wanted = sql_find_int(move->sql, 0,
                               "SELECT 1 FROM ticket t WHERE t.id = ?1 AND (SELECT c.value FROM ticket_class c WHERE c.ticket ="
                               " t.id AND c.field = 'responsible_party' AND c.person = 1 AND c.overtaken = 0 ORDER BY c.id DESC LIMIT 1) ="
                               " 'supplier' AND NOT EXISTS (SELECT 1 FROM claim x WHERE x.ticket = t.id)",
                               "i", move->ticket->id) != 0;
    struct sql_rows rows;
    int64_t supplier = 0, id;
    enum err err;

    sql_find(move->sql, &rows, "SELECT component FROM ticket WHERE id = ?1", "i", move->ticket->id);
    if (sql_next(&rows)) {
        supplier = money_supplier_of(move->sql, move->ticket->equipment, sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    if (err || !wanted || !supplier) {
        return err;
    }
    err = money_claim_open(move->office, move->sql, move->ticket, &claim, &id, move->why);
    return err ? err : money_claim_act(move->office, move->sql, id, &send, move->now_ms, move->why);
}

enum err move_follow_party(struct move *move)
{
    return claim_at_once(move);
}

enum err do_confirm_warranty(struct move *move)
{
    struct money_decision decision = {.verdict = said(move, "verdict"), .exclusion = said(move, "exclusion"),
                                      .party = said(move, "responsible_party"), .reason = said(move, "reason"),
                                      .who = move->action->who, .role = move->action->role, .at_ms = move->at_ms,
                                      .now_ms = move->now_ms};
    const char *const *word = class_words(CLASS_PARTY);
    bool final = false;
    enum err err;

    while (decision.party && *word && !text_same(*word, decision.party)) {
        word++;
    }
    if (!*word) {
        return text_say(move->why, ERR_FORMAT,
                        "responsible_party: expected one of supplier own_workmanship customer external open, found '%.40s'",
                        decision.party);
    }
    err = money_decide(move->office, move->sql, move->ticket, &decision, &final, move->why);
    move->told = !final; /* the customer hears what counts, not what is still to be confirmed */
    return err || !final ? err : claim_at_once(move);
}

enum err do_bill(struct move *move)
{
    int64_t lines;

    return money_bill(move->office, move->sql, move->ticket, move->action->who, move->at_ms, &lines, move->why);
}

/* amount: whole minor units. */
static enum err read_amount(struct move *move, int64_t *ret_amount)
{
    return json_as_int(json_field(move->action->body, "amount"), ret_amount)
               ? ERR_OK
               : text_say(move->why, ERR_FORMAT, "amount: expected a whole number of minor units (fen, cent)");
}

/* A name for what is booked once: the action's own id, or the time. */
static void name_it(const struct move *move, struct text *to)
{
    text_addf(to, "%s.", move->ticket->number);
    if (move->action->action_id) {
        text_add(to, move->action->action_id);
    } else {
        text_addf(to, "%lld.%lld", (long long)move->now_ms,
                  (long long)sql_find_int(move->sql, 0, "SELECT COUNT(*) FROM ticket_event WHERE ticket = ?1", "i",
                                          move->ticket->id));
    }
}

enum err do_pay(struct move *move)
{
    int64_t amount = 0;
    TEXT(name, 200);
    enum err err = read_amount(move, &amount);

    name_it(move, &name);
    return err ? err
               : money_pay(move->sql, move->ticket, name.at, amount, said(move, "words"), move->action->who, move->at_ms,
                           move->why);
}

enum err do_adjust(struct move *move)
{
    struct money_request request = {.kind = json_text_or(move->action->body, "kind", "adjustment"),
                                    .reason = said(move, "reason"), .who = move->action->who, .at_ms = move->at_ms};
    TEXT(name, 200);
    enum err err = read_amount(move, &request.amount);

    name_it(move, &name);
    request.name = name.at;
    return err ? err : money_ask(move->sql, move->ticket, &request, move->why);
}

enum err do_approve_money(struct move *move)
{
    bool approved;

    if (!json_as_bool(json_field(move->action->body, "approved"), &approved)) {
        return text_say(move->why, ERR_FORMAT, "approve_money needs approved: true or false");
    }
    if (said(move, "request") && strncmp(said(move, "request"), "Q-", 2) == 0) {
        return money_approve_quotation(move->sql, move->ticket, said(move, "request"), approved, move->action->who,
                                       move->action->role, move->at_ms, move->why);
    }
    return money_rule(move->sql, move->ticket, said(move, "request"), approved, move->action->note, move->action->who,
                      move->action->role, move->at_ms, move->why);
}

enum err do_invoice(struct move *move)
{
    return money_invoice(move->sql, move->ticket, json_text_or(move->action->body, "kind", "invoice"),
                         said(move, "reference"), move->action->who, move->at_ms, move->why);
}
