/* Whose part it is: from the stock, a supplier's, or the customer's own. S0-40: a customer buys nothing for a repair, except
 * where the plan has it done at cost. */
#include "server/field/work_int.h"

#include "models/service/price.h"
#include "server/case/ticket.h"

const char *const part_source_names[] = {"stock", "supplier", "customer", NULL};

/* What the plan has the customer pay for parts of this order's fault. Nobody has judged: as after the warranty. */
static enum err find_mode(struct work *work, enum price_mode *ret_mode)
{
    struct price_rules usual = price_rules_usual();
    struct ticket ticket = {.id = 0};
    enum err err = ticket_load(work->office, work->sql, work->order.ticket, &ticket);
    int by = price_case_read(ticket.verdict);
    const struct price_rules *rules = ticket.plan ? &ticket.plan->price : &usual;

    *ret_mode = rules->who_pays[by < 0 ? PRICE_EXPIRED : by][PRICE_PARTS];
    return err;
}

enum err part_source(struct work *work, enum part_source *ret_source)
{
    const char *name = json_text_or(work->action->body, "source", part_source_names[PART_OF_STOCK]);
    enum price_mode mode = PRICE_FREE;
    enum err err = ERR_OK;
    int source = 0;

    while (part_source_names[source] && !text_same(part_source_names[source], name)) {
        source++;
    }
    *ret_source = (enum part_source)source;
    if (!part_source_names[source]) {
        return text_say(work->why, ERR_FORMAT, "source: expected stock, supplier or customer, found '%.40s'", name);
    }
    if (source != PART_OF_CUSTOMER || work->kind != WORK_USE_PART) {
        return ERR_OK;
    }
    if (work->order.ticket) {
        err = find_mode(work, &mode);
    }
    if (!err && mode != PRICE_COST) {
        return text_say(work->why, ERR_STATE,
                        "a customer's own part is used only in a repair at cost, and the plan has parts here as '%s' (S0-40)."
                        " Legal: use_part with source stock or supplier",
                        price_mode_names[mode]);
    }
    return err;
}
