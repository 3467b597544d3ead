/* Claims and settlements that people ask for: the desk's door to server/money. */
#include "server/desk/desk_int.h"

#include <string.h>

#include "models/base/civil.h"

static enum err read_claim(struct sql *sql, const struct action *action, struct money_claim *ret_claim, struct text *why)
{
    const struct cJSON *amount = json_field(action->body, "amount");

    *ret_claim = (struct money_claim){
        .client_id = action->action_id, .supplier = json_text_or(action->body, "supplier", NULL),
        .component = json_text_or(action->body, "component", NULL), .part = json_text_or(action->body, "part", NULL),
        .serial = json_text_or(action->body, "serial", NULL), .asked = -1, .who = action->who};
    if (amount && (!json_as_int(amount, &ret_claim->asked) || ret_claim->asked < 0)) {
        return text_say(why, ERR_FORMAT, "amount: expected a whole number of minor units (fen, cent) from 0");
    }
    if (ret_claim->part && !sql_find_int(sql, 0, "SELECT 1 FROM part WHERE name = ?1", "t", ret_claim->part)) {
        return text_say(why, ERR_FORMAT, "part: there is none called '%.64s'", ret_claim->part);
    }
    return ERR_OK;
}

enum err desk_claim_open(struct desk *desk, struct sql *sql, const struct action *action, int64_t ticket, int64_t now_ms,
                         int64_t *ret_id, struct text *why)
{
    struct money_claim claim;
    struct ticket row;
    enum err err;

    arena_reset(desk->office.arena);
    err = ticket_load(&desk->office, sql, ticket, &row);
    err = err ? err : read_claim(sql, action, &claim, why);
    claim.at_ms = now_ms;
    return err ? err : money_claim_open(&desk->office, sql, &row, &claim, ret_id, why);
}

enum err desk_claim_action(struct desk *desk, struct sql *sql, int64_t claim, const struct action *action, int64_t now_ms,
                           struct text *why)
{
    arena_reset(desk->office.arena);
    return money_claim_act(&desk->office, sql, claim, action, now_ms, why);
}

enum err desk_registration_action(struct desk *desk, struct sql *sql, int64_t equipment, const struct action *action,
                                  int64_t now_ms, struct text *why)
{
    desk->duties_judge_ms = 0; /* the card may be owed again */
    return registration_act(sql, equipment, action, now_ms, why);
}

enum err desk_review_approvals(struct desk *desk, struct sql *sql, const char *id, int64_t now_ms, int64_t *ret_count)
{
    int64_t site = sql_find_int(sql, 0, "SELECT id FROM site WHERE name = ?1", "t", id);
    struct place place = {.plan = NULL};
    enum err err;

    site = site ? site
                : sql_find_int(sql, 0, "SELECT MIN(x.site) FROM contract_site x JOIN contract c ON c.id = x.contract WHERE c.name ="
                                       " ?1", "t", id);
    arena_reset(desk->office.arena);
    err = place_find(&desk->office, sql, 0, site, now_ms, &place);
    *ret_count = err || !place.plan ? 0 : (int64_t)place.plan->rounds.review;
    return err;
}

/* "2026-11-01" is the day's beginning in the office's zone. */
static enum err read_day(struct desk *desk, const struct action *action, const char *name, int days, int64_t *ret_ms,
                         struct text *why)
{
    const struct zone *zone = rules_zone(desk->office.options.rules, desk->office.options.time_zone);
    const char *words = json_text_or(action->body, name, "");
    int32_t day;

    if (civil_read_date(words, &day)) {
        return text_say(why, ERR_FORMAT, "%s: expected a date such as 2026-11-01, found '%.40s'", name, words);
    }
    *ret_ms = zone_instant(zone ? zone : zone_utc(), day + days, 0);
    return ERR_OK;
}

enum err desk_settle(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                     struct text *why)
{
    struct money_batch batch = {.client_id = action->action_id, .kind = json_text_or(action->body, "kind", NULL),
                                .party = json_text_or(action->body, "party", NULL), .who = action->who, .at_ms = now_ms};
    enum err err;

    arena_reset(desk->office.arena);
    err = read_day(desk, action, "from", 0, &batch.from_ms, why);
    err = err ? err : read_day(desk, action, "to", 1, &batch.to_ms, why); /* the day itself belongs to it */
    return err ? err : money_settle(&desk->office, sql, &batch, ret_id, why);
}
