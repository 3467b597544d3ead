/* The one table of what is done with vouchers. */
#include "models/stock/voucher.h"

#include <string.h>

#define STORE   (1U << ROLE_DISPATCHER | 1U << ROLE_MANAGER | 1U << ROLE_ADMIN)
#define FIELD   (STORE | 1U << ROLE_TECHNICIAN | 1U << ROLE_INTEGRATION)
#define MANAGER (1U << ROLE_MANAGER | 1U << ROLE_ADMIN)

const char *const voucher_kind_names[VOUCHER_KINDS + 1] = {
    "shipment", "loan", "old_part", "scrap", "stocktake", "sample", "purchase", "reserve_plan", NULL,
};
static const char *const begins[VOUCHER_KINDS] = {
    "planned", "decided", "held", "requested", "open", "open", "proposed", "drafted",
};
static const unsigned openers[VOUCHER_KINDS] = {FIELD, FIELD, FIELD, FIELD, STORE, STORE, STORE, STORE};

const struct voucher_row voucher_rows[] = {
    {VOUCHER_SHIPMENT, "pick", {"planned"}, "picked", FIELD, false},
    {VOUCHER_SHIPMENT, "ship", {"planned", "picked"}, "shipped", FIELD, false},
    {VOUCHER_SHIPMENT, "track", {"shipped"}, NULL, FIELD, false}, /* where it is, when it will be there */
    {VOUCHER_SHIPMENT, "deliver", {"shipped"}, "delivered", FIELD, false},
    {VOUCHER_SHIPMENT, "lose", {"shipped"}, "lost", MANAGER, false},
    {VOUCHER_SHIPMENT, "cancel", {"planned", "picked"}, "cancelled", FIELD, false},
    {VOUCHER_LOAN, "hand_over", {"decided"}, "out", FIELD, false},
    {VOUCHER_LOAN, "cancel", {"decided"}, "cancelled", FIELD, false},
    {VOUCHER_LOAN, "extend", {"out"}, NULL, STORE, false},
    {VOUCHER_LOAN, "bring_back", {"out"}, "back", FIELD, false},
    {VOUCHER_LOAN, "keep", {"out"}, "kept", MANAGER, false}, /* the customer keeps it */
    {VOUCHER_OLD_PART, "return", {"held"}, "returned", FIELD, false},
    {VOUCHER_OLD_PART, "assess", {"returned"}, "assessed", STORE, false},
    {VOUCHER_OLD_PART, "waive", {"held"}, "waived", MANAGER, true},
    {VOUCHER_SCRAP, "approve", {"requested"}, "approved", STORE, true},
    {VOUCHER_SCRAP, "refuse", {"requested"}, "refused", STORE, true},
    {VOUCHER_SCRAP, "cancel", {"requested"}, "cancelled", FIELD, false},
    {VOUCHER_STOCKTAKE, "count", {"open", "counted"}, "counted", FIELD, false},
    {VOUCHER_STOCKTAKE, "approve", {"counted"}, "approved", STORE, true},
    {VOUCHER_STOCKTAKE, "recount", {"counted"}, "open", STORE, false},
    {VOUCHER_STOCKTAKE, "cancel", {"open", "counted"}, "cancelled", STORE, false},
    {VOUCHER_SAMPLE, "result", {"open"}, NULL, STORE, false}, /* passed, failed */
    {VOUCHER_SAMPLE, "supplier", {"failed"}, "corrected", STORE, false}, /* what the supplier does about it */
    {VOUCHER_SAMPLE, "cancel", {"open"}, "cancelled", STORE, false},
    {VOUCHER_PURCHASE, "approve", {"proposed"}, "approved", MANAGER, true},
    {VOUCHER_PURCHASE, "order", {"approved"}, "ordered", STORE, false},
    {VOUCHER_PURCHASE, "receive", {"ordered"}, NULL, STORE, false}, /* received when nothing is missing */
    {VOUCHER_PURCHASE, "cancel", {"proposed", "approved", "ordered"}, "cancelled", STORE, false},
    {VOUCHER_RESERVE, "submit", {"drafted", "refused"}, "submitted", STORE, false},
    {VOUCHER_RESERVE, "accept", {"submitted"}, "accepted", MANAGER, true},
    {VOUCHER_RESERVE, "refuse", {"submitted"}, "refused", MANAGER, true},
    {VOUCHER_RESERVE, "cancel", {"drafted", "submitted", "refused"}, "cancelled", STORE, false},
};
const size_t voucher_row_count = sizeof(voucher_rows) / sizeof(voucher_rows[0]);

int voucher_kind_read(const char *name)
{
    for (int i = 0; name && i < VOUCHER_KINDS; i++) {
        if (strcmp(voucher_kind_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *voucher_begin(enum voucher_kind kind)
{
    return begins[kind];
}

unsigned voucher_may_open(enum voucher_kind kind)
{
    return openers[kind];
}

static bool is_from(const struct voucher_row *row, const char *state)
{
    for (int i = 0; i < 4 && row->from[i]; i++) {
        if (strcmp(row->from[i], state) == 0) {
            return true;
        }
    }
    return false;
}

bool voucher_is_over(enum voucher_kind kind, const char *state)
{
    for (size_t i = 0; i < voucher_row_count; i++) {
        if (voucher_rows[i].kind == kind && is_from(&voucher_rows[i], state)) {
            return false;
        }
    }
    return true;
}

/* What would be legal now, for this role and person. */
static void say_legal(const struct voucher_ask *ask, struct text *why)
{
    size_t count = 0;

    text_add(why, " Legal:");
    for (size_t i = 0; i < voucher_row_count; i++) {
        const struct voucher_row *row = &voucher_rows[i];

        if (row->kind == ask->kind && is_from(row, ask->state) && row->may >> ask->role & 1) {
            text_addf(why, " %s", row->action);
            count++;
        }
    }
    text_add(why, count ? "" : " nothing");
}

enum err voucher_judge(const struct voucher_ask *ask, const struct voucher_row **ret_row, struct text *why)
{
    const struct voucher_row *row = NULL;

    for (size_t i = 0; i < voucher_row_count && !row; i++) {
        row = voucher_rows[i].kind == ask->kind && ask->action && strcmp(voucher_rows[i].action, ask->action) == 0
                  ? &voucher_rows[i]
                  : NULL;
    }
    if (!row) {
        return text_say(why, ERR_FORMAT, "action: a %s has none called '%.40s'", voucher_kind_names[ask->kind],
                        ask->action ? ask->action : "");
    }
    if (!(row->may >> ask->role & 1)) {
        return text_say(why, ERR_FORBIDDEN, "this role may not %s a %s", row->action, voucher_kind_names[ask->kind]);
    }
    if (!is_from(row, ask->state)) {
        text_say(why, ERR_STATE, "%s is not legal now: it is %s.", row->action, ask->state);
        say_legal(ask, why);
        return ERR_STATE;
    }
    if (row->another && ask->who && ask->asked_by && strcmp(ask->who, ask->asked_by) == 0) {
        return text_say(why, ERR_STATE, "%s takes another person than the one who asked (%s). Legal: %s by somebody else",
                        row->action, ask->asked_by, row->action);
    }
    *ret_row = row;
    return ERR_OK;
}
