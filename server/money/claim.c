/* Claims on suppliers: opened with the evidence of the moment, told through the outbox, answered, settled (S0-32). */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "server/fleet/numbers.h"
#include "server/money/money_int.h"
#include "server/notice/outbox.h"

struct claim { /* texts live in the arena */
    int64_t id, ticket, supplier, asked, agreed;
    const char *number, *state, *component, *part, *serial, *currency;
    const char *name, *title, *email; /* the supplier's */
};

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static enum err claim_load(struct office *office, struct sql *sql, int64_t id, struct claim *ret_claim)
{
    struct sql_rows rows;
    bool found;

    sql_find(sql, &rows,
             "SELECT c.ticket, c.supplier, c.asked, c.agreed, c.number, c.state, c.component, c.part, c.serial, c.currency,"
             " s.name, s.title, s.email FROM claim c JOIN supplier s ON s.id = c.supplier WHERE c.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        *ret_claim = (struct claim){
            .id = id, .ticket = sql_int(&rows, 0), .supplier = sql_int(&rows, 1), .asked = sql_int(&rows, 2),
            .agreed = sql_int(&rows, 3), .number = keep(office, sql_text(&rows, 4)),
            .state = keep(office, sql_text(&rows, 5)), .component = keep(office, sql_text(&rows, 6)),
            .part = keep(office, sql_text(&rows, 7)), .serial = keep(office, sql_text(&rows, 8)),
            .currency = keep(office, sql_text(&rows, 9)), .name = keep(office, sql_text(&rows, 10)),
            .title = keep(office, sql_text(&rows, 11)), .email = keep(office, sql_text(&rows, 12))};
    }
    enum err err = sql_end(&rows);

    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

static enum err write_line(struct sql *sql, int64_t claim, const char *action, const char *action_id, const char *note,
                           int64_t amount, const char *who, int64_t at_ms)
{
    return sql_run(sql,
                   "INSERT INTO claim_event (claim, action, action_id, note, amount, who, at_ms) VALUES (?1, ?2, ?3, ?4,"
                   " NULLIF(?5, -1), ?6, ?7)",
                   "itttiti", claim, action, action_id, note, amount, who, at_ms);
}

/* ------------------------------------------------------------------ opened */

/* The verdict's document and the readings of the fault, as they are now. */
static enum err put_evidence(struct sql *sql, int64_t ticket, struct json_out *out)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT warranty, evidence, diagnosis FROM ticket WHERE id = ?1", "i", ticket);
    json_open_object(out);
    if (sql_next(&rows)) {
        json_raw(out, "warranty", sql_text(&rows, 0));
        json_raw(out, "fault", sql_text(&rows, 1));
        json_raw(out, "diagnosis", sql_text(&rows, 2));
    }
    json_close_object(out);
    enum err err = sql_end(&rows);

    return err ? err : out->err;
}

/* Of the component as it was installed; the newest exchange before the fault is not asked for. */
static enum err find_serial(struct office *office, struct sql *sql, const struct ticket *ticket, const char *component,
                            const char **ret_serial)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT serial FROM component WHERE equipment = ?1 AND class = ?2 AND serial <> '' ORDER BY id LIMIT 1",
             "it", ticket->equipment, component);
    *ret_serial = sql_next(&rows) ? keep(office, sql_text(&rows, 0)) : NULL;
    return sql_end(&rows);
}

static enum err judge_claim(struct sql *sql, const struct ticket *ticket, const struct money_claim *what,
                            const char *component, int64_t *ret_supplier, struct text *why)
{
    *ret_supplier = what->supplier
                        ? sql_find_int(sql, 0, "SELECT id FROM supplier WHERE name = ?1", "t", what->supplier)
                        : money_supplier_of(sql, ticket->equipment, component);
    if (!*ret_supplier) {
        return text_say(why, ERR_FORMAT, "supplier: expected one of the fleet's suppliers, found '%.64s'",
                        what->supplier ? what->supplier : "");
    }
    if (what->asked > PRICE_MOST || what->asked < -1) {
        return text_say(why, ERR_FORMAT, "amount: expected one from 0");
    }
    if (sql_find_int(sql, 0,
                     "SELECT 1 FROM claim WHERE ticket = ?1 AND supplier = ?2 AND COALESCE(component, '') = COALESCE(?3, '')"
                     " AND COALESCE(part, '') = COALESCE(?4, '') AND state <> 'refused'",
                     "iitt", ticket->id, *ret_supplier, component, what->part)) {
        return text_say(why, ERR_STATE, "there is a claim for it already. Legal: actions on that one");
    }
    return ERR_OK;
}

enum err money_claim_open(struct office *office, struct sql *sql, const struct ticket *ticket,
                          const struct money_claim *what, int64_t *ret_id, struct text *why)
{
    struct json_out evidence = json_out(512 * 1024);
    const char *component = what->component, *serial = what->serial;
    int64_t supplier = 0, asked = what->asked;
    struct sql_rows rows;
    char number[32];
    enum err err = ERR_OK;

    if (!component) {
        sql_find(sql, &rows, "SELECT component FROM ticket WHERE id = ?1", "i", ticket->id);
        component = sql_next(&rows) ? keep(office, sql_text(&rows, 0)) : NULL;
        err = sql_end(&rows);
    }
    err = err ? err : judge_claim(sql, ticket, what, component, &supplier, why);
    err = err || serial ? err : find_serial(office, sql, ticket, component, &serial);
    if (asked < 0) { /* what it has cost the company so far */
        asked = sql_find_int(sql, 0, "SELECT SUM(total) FROM money_line WHERE ticket = ?1 AND kind = 'cost'", "i", ticket->id);
    }
    err = err ? err : put_evidence(sql, ticket->id, &evidence);
    numbers_make('C', number, sizeof(number));
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO claim (number, client_id, ticket, supplier, component, part, serial, state, asked, currency,"
                      " evidence, who, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', ?8, ?9, ?10, ?11, ?12)",
                      "ttiitttittti", number, what->client_id, ticket->id, supplier, component, what->part, serial, asked,
                      offer_rules(ticket)->currency, evidence.bytes, what->who, what->at_ms);
    }
    json_out_free(&evidence);
    if (err) {
        return err;
    }
    *ret_id = sql_find_int(sql, 0, "SELECT id FROM claim WHERE number = ?1", "t", number);
    return write_line(sql, *ret_id, "open", NULL, NULL, asked, what->who, what->at_ms);
}

/* ------------------------------------------------------------------ told */

static void letter(const struct claim *claim, const char *ticket, const char *from, const char *note, struct text *to)
{
    TEXT(amount, 32);

    money_write(claim->asked, &amount);
    text_addf(to, "Warranty claim %s, ticket %s.\nComponent: %s, part: %s, serial: %s.\nAmount: %s %s.\n", claim->number, ticket,
              claim->component ? claim->component : "-", claim->part ? claim->part : "-",
              claim->serial ? claim->serial : "-", amount.at, claim->currency);
    text_addf(to, "Appointment: %s\n%s\n", from ? from : "-", note ? note : "");
    text_addf(to, "质保索赔 %s，工单 %s。\n部件：%s，配件：%s，序列号：%s。\n金额：%s %s。\n预约时间：%s\n", claim->number, ticket,
              claim->component ? claim->component : "-", claim->part ? claim->part : "-",
              claim->serial ? claim->serial : "-", amount.at, claim->currency, from ? from : "-");
}

/* By mail where the supplier has an address and the server has SMTP; else kept as `none`, so that somebody sees it. */
static enum err tell_supplier(struct office *office, struct sql *sql, const struct claim *claim, const char *from,
                              const char *note, int64_t now_ms)
{
    bool mail = office->options.has_smtp && claim->email && claim->email[0];
    struct sql_rows rows;
    TEXT(key, 100);
    TEXT(subject, 200);
    TEXT(body, 4096);
    struct notice notice = {.key = key.at, .channel = mail ? "smtp" : "none", .target = mail ? claim->email : NULL,
                            .subject = subject.at, .body = body.at, .ticket = claim->ticket, .due_ms = now_ms,
                            .rule = "supplier_claim"};
    enum err err;

    sql_find(sql, &rows, "SELECT number FROM ticket WHERE id = ?1", "i", claim->ticket);
    if (sql_next(&rows)) {
        letter(claim, sql_text(&rows, 0), from, note, &body);
    }
    err = sql_end(&rows);
    text_addf(&key, "claim:%s:send", claim->number);
    text_addf(&subject, "Warranty claim %s · 质保索赔 %s", claim->number, claim->number);
    return err ? err : notify_put(sql, now_ms, &notice);
}

/* ------------------------------------------------------------------ acted upon */

struct turn { /* one action on a claim */
    struct office *office;
    struct sql *sql;
    struct claim claim;
    const struct action *action;
    int64_t now_ms, amount; /* -1: none said */
    struct text *why;
};

static enum err set(struct turn *turn, const char *state)
{
    return sql_run(turn->sql, "UPDATE claim SET state = ?2, version = version + 1 WHERE id = ?1", "it", turn->claim.id, state);
}

static enum err do_send(struct turn *turn)
{
    const char *from = json_text_or(turn->action->body, "appointment", NULL);
    int64_t from_ms = 0;
    enum err err;

    if (from && civil_read_instant(from, &from_ms)) {
        return text_say(turn->why, ERR_FORMAT, "appointment: expected an RFC 3339 time, found '%.40s'", from);
    }
    err = sql_run(turn->sql, "UPDATE claim SET appointment_ms = NULLIF(?2, 0) WHERE id = ?1", "ii", turn->claim.id, from_ms);
    err = err ? err : set(turn, "sent");
    return err ? err : tell_supplier(turn->office, turn->sql, &turn->claim, from, turn->action->note, turn->now_ms);
}

static enum err do_accept(struct turn *turn)
{
    int64_t agreed = turn->amount < 0 ? turn->claim.asked : turn->amount;
    enum err err;

    if (agreed > PRICE_MOST) {
        return text_say(turn->why, ERR_FORMAT, "amount: expected a smaller one");
    }
    err = sql_run(turn->sql, "UPDATE claim SET agreed = ?2 WHERE id = ?1", "ii", turn->claim.id, agreed);
    return err ? err : set(turn, "accepted");
}

static enum err do_refuse(struct turn *turn)
{
    const char *reason = json_text_or(turn->action->body, "reason", turn->action->note);

    return reason && reason[0] ? set(turn, "refused") : text_say(turn->why, ERR_FORMAT, "reason: a refusal needs one");
}

/* What the supplier has taken upon himself is in the books from now on. */
static enum err do_settle(struct turn *turn)
{
    const struct claim *claim = &turn->claim;
    TEXT(source, 64);
    struct entry entry = {.ticket = claim->ticket, .kind = "recovery", .payer = "supplier", .party = claim->name,
                          .item = "recovery", .words = claim->number, .quantity = 1000, .unit = claim->agreed,
                          .amount = claim->agreed, .currency = claim->currency, .claim = claim->id, .source = source.at,
                          .who = turn->action->who, .at_ms = turn->now_ms};
    enum err err = sql_run(turn->sql, "UPDATE claim SET reference = ?2 WHERE id = ?1", "it", claim->id,
                           json_text_or(turn->action->body, "reference", NULL));

    text_addf(&source, "claim:%lld", (long long)claim->id);
    err = err ? err : entry_put(turn->sql, &entry);
    return err ? err : set(turn, "settled");
}

static enum err do_note(struct turn *turn)
{
    return turn->action->note ? ERR_OK : text_say(turn->why, ERR_FORMAT, "note: expected a text");
}

static const struct {
    const char *name, *from; /* words between blanks; "": any */
    enum err (*run)(struct turn *turn);
} acts[] = {
    {"send", "open", do_send},     {"accept", "sent", do_accept}, {"refuse", "sent", do_refuse},
    {"settle", "accepted", do_settle}, {"note", "", do_note},
};
#define ACTS (sizeof(acts) / sizeof(acts[0]))

static void put_legal(const char *state, struct text *to)
{
    for (size_t i = 0; i < ACTS; i++) {
        if (!acts[i].from[0] || strcmp(acts[i].from, state) == 0) {
            text_addf(to, " %s", acts[i].name);
        }
    }
}

enum err money_claim_act(struct office *office, struct sql *sql, int64_t id, const struct action *action, int64_t now_ms,
                         struct text *why)
{
    struct turn turn = {.office = office, .sql = sql, .action = action, .now_ms = now_ms, .amount = -1, .why = why};
    const struct cJSON *amount = json_field(action->body, "amount");
    size_t at = 0;
    TEXT(legal, 100);
    enum err err = claim_load(office, sql, id, &turn.claim);

    while (at < ACTS && strcmp(acts[at].name, action->action) != 0) {
        at++;
    }
    if (err || at == ACTS) {
        return err ? err : text_say(why, ERR_FORMAT, "no action called '%.40s' for claims: send accept refuse settle note",
                                    action->action);
    }
    if (amount && (!json_as_int(amount, &turn.amount) || turn.amount < 0)) {
        return text_say(why, ERR_FORMAT, "amount: expected a whole number of minor units from 0");
    }
    if (acts[at].from[0] && strcmp(acts[at].from, turn.claim.state) != 0) {
        put_legal(turn.claim.state, &legal);
        return text_say(why, ERR_STATE, "%s is not legal when the claim is %s. Legal:%s", action->action, turn.claim.state,
                        legal.at);
    }
    err = acts[at].run(&turn);
    return err ? err
               : write_line(sql, id, action->action, action->action_id,
                            action->note ? action->note : json_text_or(action->body, "reason", NULL), turn.amount, action->who,
                            now_ms);
}
