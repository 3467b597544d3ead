/* The moves of a ticket. */
#include "models/service/ticket.h"

#include <string.h>

const char *const ticket_state_names[] = {
    "registered", "acknowledged", "dispatched", "assigned", "en_route",
    "on_site",    "awaiting_consent", "repairing", "cleared", "closed", NULL,
};
const char *const ticket_action_names[] = {
    "acknowledge", "respond", "regrade", "dispatch", "assign", "depart", "arrive", "start",
    "finish", "pause", "resume", "quote", "consent", "check", "note", "reset", "clear", "relapse", "close",
    "reopen", NULL,
};

#define S(state)  (1U << TICKET_##state)
#define OPEN      (S(CLOSED) - 1U) /* every state before closed */
#define STAY      TICKET_CLOSED    /* as a target: the state does not change */
#define BEFORE_ON_SITE                                                                             \
    (S(REGISTERED) | S(ACKNOWLEDGED) | S(DISPATCHED) | S(ASSIGNED) | S(EN_ROUTE))

static const struct {
    unsigned from;
    enum ticket_state to;
} moves[] = {
    [TICKET_ACKNOWLEDGE] = {S(REGISTERED), TICKET_ACKNOWLEDGED},
    [TICKET_RESPOND] = {OPEN, STAY},
    [TICKET_REGRADE] = {OPEN, STAY},
    [TICKET_DISPATCH] = {S(REGISTERED) | S(ACKNOWLEDGED) | S(DISPATCHED) | S(ASSIGNED),
                         TICKET_DISPATCHED},
    [TICKET_ASSIGN] = {S(REGISTERED) | S(ACKNOWLEDGED) | S(DISPATCHED) | S(ASSIGNED),
                       TICKET_ASSIGNED},
    [TICKET_DEPART] = {S(REGISTERED) | S(ACKNOWLEDGED) | S(DISPATCHED) | S(ASSIGNED),
                       TICKET_EN_ROUTE},
    [TICKET_ARRIVE] = {BEFORE_ON_SITE, TICKET_ON_SITE},
    [TICKET_START] = {BEFORE_ON_SITE | S(ON_SITE) | S(AWAITING_CONSENT), TICKET_REPAIRING},
    [TICKET_FINISH] = {OPEN, STAY},
    [TICKET_PAUSE] = {OPEN, STAY},
    [TICKET_RESUME] = {OPEN, STAY},
    [TICKET_QUOTE] = {OPEN & ~S(CLEARED), TICKET_AWAITING_CONSENT},
    [TICKET_CONSENT] = {OPEN, STAY},
    [TICKET_CHECK] = {OPEN, STAY},
    [TICKET_NOTE] = {OPEN, STAY},
    [TICKET_RESET] = {OPEN, STAY},
    [TICKET_CLEAR] = {OPEN, TICKET_CLEARED},
    [TICKET_RELAPSE] = {S(CLEARED), TICKET_ACKNOWLEDGED},
    [TICKET_CLOSE] = {OPEN, TICKET_CLOSED},
    [TICKET_REOPEN] = {S(CLOSED), TICKET_ACKNOWLEDGED},
};

/* What the state alone does not tell; NULL: nothing speaks against it. */
static const char *objection(const struct ticket_facts *facts, enum ticket_action action)
{
    if (action == TICKET_PAUSE && facts->paused) {
        return "the clocks are paused already";
    }
    if (action == TICKET_RESUME && !facts->paused) {
        return "the clocks are not paused";
    }
    if (action == TICKET_CONSENT && !facts->quote_open) {
        return "there is no quotation to consent to";
    }
    if (action == TICKET_START && facts->consent_needed && !facts->consent_given) {
        return "the customer has to consent to the charges before the repair (S0-59)";
    }
    return NULL;
}

static bool is_legal(const struct ticket_facts *facts, enum ticket_action action)
{
    return (moves[action].from >> facts->state & 1) && !objection(facts, action);
}

void ticket_legal(const struct ticket_facts *facts, struct text *to)
{
    for (int i = 0; ticket_action_names[i]; i++) {
        if (is_legal(facts, (enum ticket_action)i) && i != TICKET_CLEAR && i != TICKET_RELAPSE) {
            text_addf(to, "%s%s", to->length ? " " : "", ticket_action_names[i]);
        }
    }
}

enum err ticket_move(const struct ticket_facts *facts, enum ticket_action action,
                     enum ticket_state *ret_state, struct text *why)
{
    const char *words = objection(facts, action);
    TEXT(legal, 300);

    if (!is_legal(facts, action)) {
        ticket_legal(facts, &legal);
        if (words && (moves[action].from >> facts->state & 1)) {
            return text_say(why, ERR_STATE, "%s is not legal now: %s. Legal: %s",
                            ticket_action_names[action], words, legal.at);
        }
        return text_say(why, ERR_STATE, "%s is not legal when the ticket is %s. Legal: %s",
                        ticket_action_names[action], ticket_state_names[facts->state], legal.at);
    }
    if (action == TICKET_CONSENT && facts->state == TICKET_AWAITING_CONSENT) {
        *ret_state = TICKET_ON_SITE;
    } else {
        *ret_state = moves[action].to == STAY && action != TICKET_CLOSE ? facts->state
                                                                       : moves[action].to;
    }
    return ERR_OK;
}

static int find(const char *const *names, const char *name)
{
    for (int i = 0; name && names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

int ticket_action_read(const char *name)
{
    return find(ticket_action_names, name);
}

int ticket_state_read(const char *name)
{
    return find(ticket_state_names, name);
}

bool ticket_pause_reason_ok(const char *reason)
{
    static const char *const reasons[] = {"customer_absent", "consent_pending", "force_majeure",
                                          "access_refused", "parts_customer", NULL};

    return find(reasons, reason) >= 0;
}
