/* The moves of a ticket. */
#include "models/service/ticket.h"

#include <string.h>

const char *const ticket_state_names[] = {
    "registered",       "acknowledged",   "dispatched", "assigned", "en_route", "on_site", "diagnosed",
    "awaiting_consent", "awaiting_parts", "repairing",  "testing",  "cleared",  "closed",  NULL,
};

#define S(state) (1U << TICKET_##state)
#define OPEN     (S(CLOSED) - 1U) /* every state before closed */
#define WAITING  (S(REGISTERED) | S(ACKNOWLEDGED) | S(DISPATCHED) | S(ASSIGNED))
#define BEFORE   (WAITING | S(EN_ROUTE)) /* nobody is there yet */
#define AGAIN    (S(DIAGNOSED) | S(AWAITING_PARTS) | S(TESTING)) /* one more visit may be needed */

#define R(role) ROLE_BIT(ROLE_##role)
#define OWN     R(SERVER)
#define DESK    (R(INTEGRATION) | R(DISPATCHER) | R(MANAGER) | R(ADMIN))
#define FIELD   (DESK | R(TECHNICIAN))
#define LEAD    (R(MANAGER) | R(ADMIN))

static const struct ticket_row rows[] = {
    /* ---- the desk */
    [TICKET_ACKNOWLEDGE] = {"acknowledge", S(REGISTERED), 0, TICKET_ACKNOWLEDGED, FIELD, 0, "", ""},
    [TICKET_RESPOND] = {"respond", OPEN, 0, TICKET_STAY, FIELD, 0, "", ""},
    [TICKET_REGRADE] = {"regrade", OPEN, 0, TICKET_STAY, DESK, 0, "grade reason", ""},
    [TICKET_QUOTE] = {"quote", OPEN & ~S(CLEARED), 0, TICKET_AWAITING_CONSENT, FIELD, 0, "lines?", ""},
    [TICKET_CONSENT] = {"consent", OPEN, S(AWAITING_CONSENT), TICKET_BACK, FIELD | OWN, TICKET_NEED_QUOTE,
                        "accepted name? version?", "quote"},
    [TICKET_CONFIRM_WARRANTY] = {"confirm_warranty", OPEN | S(CLOSED), 0, TICKET_STAY, DESK, 0,
                                 "verdict reason exclusion? responsible_party?", ""},
    [TICKET_BILL] = {"bill", OPEN | S(CLOSED), 0, TICKET_STAY, DESK, TICKET_NEED_CONSENT, "", ""},
    [TICKET_PAY] = {"pay", OPEN | S(CLOSED), 0, TICKET_STAY, FIELD, 0, "amount words?", ""},
    [TICKET_ADJUST] = {"adjust", OPEN | S(CLOSED), 0, TICKET_STAY, FIELD, 0, "kind amount reason", ""},
    [TICKET_APPROVE_MONEY] = {"approve_money", OPEN | S(CLOSED), 0, TICKET_STAY, R(DISPATCHER) | LEAD, 0,
                           "request approved note?", ""},
    [TICKET_INVOICE] = {"invoice", OPEN | S(CLOSED), 0, TICKET_STAY, DESK, 0, "kind? reference?", ""},
    [TICKET_NOTE] = {"note", OPEN, 0, TICKET_STAY, FIELD, 0, "", ""},
    [TICKET_RESET] = {"reset", OPEN, 0, TICKET_STAY, FIELD, 0, "", ""},
    [TICKET_REOPEN] = {"reopen", S(CLOSED), 0, TICKET_ACKNOWLEDGED, FIELD | OWN, 0, "reason", "close"},
    [TICKET_CLASSIFY] = {"classify", OPEN, 0, TICKET_STAY, DESK, 0, "field value reason", ""},
    [TICKET_REMOTE_ATTEMPT] = {"remote_attempt", OPEN & ~S(CLEARED), 0, TICKET_STAY, FIELD, 0,
                               "result", ""},
    [TICKET_DIAGNOSE] = {"diagnose", OPEN, S(ON_SITE), TICKET_DIAGNOSED, FIELD, 0,
                         "cause domain? component? responsible_party? plan?", ""},
    [TICKET_PLAN_SOLUTION] = {"plan_solution", OPEN, 0, TICKET_STAY, FIELD, TICKET_NEED_CAUSE,
                              "plan promised?", "diagnose"},
    [TICKET_PARK] = {"park", OPEN, 0, TICKET_STAY, FIELD, TICKET_NEED_FREE, "question", "answer"},
    [TICKET_ANSWER] = {"answer", OPEN, 0, TICKET_STAY, FIELD, TICKET_NEED_PARKED, "answer", "park"},
    [TICKET_IMPORTANT] = {"important", OPEN, 0, TICKET_STAY, FIELD, 0, "grade? reason?", ""},
    [TICKET_AGREE] = {"agree", OPEN, 0, TICKET_STAY, FIELD, 0, "name", ""},
    [TICKET_VERIFY] = {"verify", OPEN, 0, TICKET_STAY, LEAD, 0, "finding", ""},
    [TICKET_AMEND] = {"amend", OPEN, 0, TICKET_STAY, FIELD, 0,
                      "owner_name? phone? address? content? wishes?", ""},
    [TICKET_ATTACH] = {"attach", OPEN, 0, TICKET_STAY, DESK, TICKET_NEED_ALONE, "parent", ""},
    [TICKET_DETACH] = {"detach", OPEN, 0, TICKET_STAY, DESK, TICKET_NEED_PARENT, "", ""},
    [TICKET_REQUEST_PART] = {"request_part", OPEN & ~S(CLEARED), S(ON_SITE) | S(DIAGNOSED) | S(REPAIRING),
                             TICKET_AWAITING_PARTS, FIELD, 0, "part count?", ""},
    [TICKET_DELIVER_PART] = {"deliver_part", OPEN, S(AWAITING_PARTS), TICKET_BACK, FIELD, 0, "part?",
                             "request_part"},
    /* ---- dispatch */
    [TICKET_DISPATCH] = {"dispatch", WAITING | AGAIN, 0, TICKET_DISPATCHED, DESK, 0, "team", ""},
    [TICKET_ASSIGN] = {"assign", WAITING | AGAIN, 0, TICKET_ASSIGNED, DESK, TICKET_NEED_WAY,
                       "technician appointment? customer_told? override?", "dispatch"},
    [TICKET_HANDOVER] = {"handover", OPEN & ~S(CLEARED), 0, TICKET_STAY, FIELD, 0, "team? technician?", ""},
    [TICKET_ACCEPT_HANDOVER] = {"accept_handover", OPEN, 0, TICKET_STAY, FIELD, 0, "", "handover"},
    [TICKET_REFUSE_HANDOVER] = {"refuse_handover", OPEN, 0, TICKET_STAY, FIELD, 0, "reason text?", "handover"},
    [TICKET_CHECK] = {"check", OPEN, 0, TICKET_STAY, FIELD, 0, "result?", ""},
    [TICKET_CONTACT] = {"contact", OPEN, 0, TICKET_STAY, FIELD, 0, "channel? with?", ""},
    [TICKET_ESCALATE] = {"escalate", OPEN, 0, TICKET_STAY, FIELD, 0, "reason", ""},
    [TICKET_DECIDE] = {"decide", OPEN, 0, TICKET_STAY, R(MANAGER) | R(ADMIN), 0, "decision responsible?", ""},
    /* ---- clocks */
    [TICKET_PAUSE] = {"pause", OPEN, 0, TICKET_STAY, FIELD, TICKET_NEED_RUNNING, "reason",
                      "resume reopen"},
    [TICKET_RESUME] = {"resume", OPEN, 0, TICKET_STAY, FIELD, TICKET_NEED_PAUSED, "", "pause"},
    /* ---- people */
    [TICKET_FEEDBACK] = {"feedback", OPEN | S(CLOSED), 0, TICKET_STAY, FIELD, 0, "", ""},
    [TICKET_ACCEPT] = {"accept", S(TESTING) | S(CLEARED) | S(CLOSED), 0, TICKET_STAY, FIELD, 0, "name? remarks?", ""},
    [TICKET_OBJECT] = {"object", S(TESTING) | S(CLEARED) | S(CLOSED), 0, TICKET_ACKNOWLEDGED, FIELD, 0,
                       "reason name?", "close"},
    [TICKET_RCA] = {"rca", S(CLEARED) | S(CLOSED), 0, TICKET_STAY, FIELD, 0, "cause_code? cause? prevention?", ""},
    [TICKET_APPROVE_RCA] = {"approve_rca", S(CLEARED) | S(CLOSED), 0, TICKET_STAY, R(MANAGER) | R(ADMIN), 0, "", ""},
    [TICKET_CLOSE] = {"close", OPEN, 0, TICKET_CLOSED, FIELD | OWN, 0, "resolution override? reason?",
                      "acknowledge dispatch assign depart arrive start finish pause resume quote consent "
                      "reopen"},
    /* ---- what follows from a work order */
    [TICKET_DEPART] = {"depart", WAITING | AGAIN, 0, TICKET_EN_ROUTE, OWN, 0, "", ""},
    [TICKET_ARRIVE] = {"arrive", BEFORE | AGAIN, 0, TICKET_ON_SITE, OWN, 0, "", ""},
    [TICKET_START] = {"start", OPEN & ~(S(CLEARED) | S(REPAIRING)), 0, TICKET_REPAIRING, OWN,
                      TICKET_NEED_CONSENT, "", ""},
    [TICKET_FINISH] = {"finish", OPEN, OPEN & ~S(CLEARED), TICKET_TESTING, OWN, TICKET_NEED_CONSENT, "", ""},
    /* ---- what telemetry says */
    [TICKET_CLEAR] = {"clear", OPEN, 0, TICKET_CLEARED, OWN, 0, "", ""},
    [TICKET_RELAPSE] = {"relapse", S(CLEARED) | S(TESTING), 0, TICKET_ACKNOWLEDGED, OWN, 0, "", ""},
};

/* What overtakes an action that is said late; what is not named here is overtaken by nothing. */
static const char *const yields[TICKET_ACTIONS] = {
    [TICKET_DIAGNOSE] = "diagnose",
    [TICKET_PLAN_SOLUTION] = "plan_solution",
    [TICKET_ATTACH] = "attach detach",
    [TICKET_DETACH] = "attach detach",
    [TICKET_REQUEST_PART] = "start finish deliver_part",
    [TICKET_DISPATCH] = "dispatch assign depart arrive start finish",
    [TICKET_ASSIGN] = "assign depart arrive start finish",
    [TICKET_ACCEPT] = "accept object",
    [TICKET_OBJECT] = "accept object",
    [TICKET_RCA] = "rca",
};

const char *ticket_yields(enum ticket_action action)
{
    return yields[action];
}

_Static_assert(sizeof(rows) / sizeof(rows[0]) == TICKET_ACTIONS, "a row per action");

const struct ticket_row *ticket_row(enum ticket_action action)
{
    return &rows[action];
}

/* A bit of needs, whether the facts have it, and what is said when they do not. */
static const struct {
    unsigned need;
    const char *text, *objection;
} needs[] = {
    {TICKET_NEED_RUNNING, "the clocks run", "the clocks are paused already"},
    {TICKET_NEED_PAUSED, "the clocks are paused", "the clocks are not paused"},
    {TICKET_NEED_QUOTE, "a quotation without an answer", "there is no quotation to consent to"},
    {TICKET_NEED_PARKED, "a question that waits", "no question waits for an answer"},
    {TICKET_NEED_FREE, "no question that waits", "a question waits for its answer already"},
    {TICKET_NEED_PARENT, "a parent", "it belongs to no other ticket"},
    {TICKET_NEED_ALONE, "no parent", "it belongs to another ticket already"},
    {TICKET_NEED_WAY, "what the plan asks for before somebody is sent (C-12), or `override: {reason}`",
     "the plan asks for more before somebody is sent, see onsite_gate of the ticket; or override: {reason} (C-12)"},
    {TICKET_NEED_CAUSE, "a diagnosis (S0-114)", "the cause comes before the plan: diagnose first (S0-114)"},
    {TICKET_NEED_CONSENT, "consent to the charges, when there are any (S0-59)",
     "the customer has to consent to the charges before the repair (S0-59)"},
};

const char *ticket_need_text(unsigned need)
{
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (needs[i].need == need) {
            return needs[i].text;
        }
    }
    return NULL;
}

static unsigned has(const struct ticket_facts *facts)
{
    return (facts->paused ? TICKET_NEED_PAUSED : TICKET_NEED_RUNNING) |
           (facts->quote_open ? TICKET_NEED_QUOTE : 0) |
           (facts->parked ? TICKET_NEED_PARKED : TICKET_NEED_FREE) |
           (facts->has_parent ? TICKET_NEED_PARENT : TICKET_NEED_ALONE) |
           (facts->has_cause ? TICKET_NEED_CAUSE : 0) | (facts->way_open ? TICKET_NEED_WAY : 0) |
           (!facts->consent_needed || facts->consent_given ? TICKET_NEED_CONSENT : 0);
}

/* What the state alone does not tell; NULL: nothing speaks against it. */
static const char *objection(const struct ticket_facts *facts, enum ticket_action action)
{
    unsigned missing = rows[action].needs & ~has(facts);

    for (size_t i = 0; missing && i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (needs[i].need & missing) {
            return needs[i].objection;
        }
    }
    return NULL;
}

static bool may(const struct ticket_facts *facts, enum ticket_action action)
{
    return rows[action].roles & ROLE_BIT(facts->role);
}

static bool is_state(const struct ticket_facts *facts, enum ticket_action action)
{
    return rows[action].from >> facts->state & 1;
}

bool ticket_is_legal(const struct ticket_facts *facts, enum ticket_action action)
{
    return may(facts, action) && is_state(facts, action) && !objection(facts, action);
}

void ticket_legal(const struct ticket_facts *facts, struct text *to)
{
    for (int i = 0; i < TICKET_ACTIONS; i++) {
        if (ticket_is_legal(facts, (enum ticket_action)i)) {
            text_addf(to, "%s%s", to->length ? " " : "", rows[i].name);
        }
    }
}

static enum err refuse(const struct ticket_facts *facts, enum ticket_action action, struct text *why)
{
    const char *words = objection(facts, action);
    TEXT(legal, 900);

    ticket_legal(facts, &legal);
    if (!may(facts, action)) {
        return text_say(why, ERR_FORBIDDEN, "%s is not for this role. Legal: %s", rows[action].name,
                        legal.at);
    }
    if (!is_state(facts, action)) {
        return text_say(why, ERR_STATE, "%s is not legal when the ticket is %s. Legal: %s",
                        rows[action].name, ticket_state_names[facts->state], legal.at);
    }
    return text_say(why, ERR_STATE, "%s is not legal now: %s. Legal: %s", rows[action].name, words,
                    legal.at);
}

enum err ticket_move(const struct ticket_facts *facts, enum ticket_action action,
                     enum ticket_state *ret_state, struct text *why)
{
    const struct ticket_row *row = &rows[action];
    bool moves = !row->moving || row->moving >> facts->state & 1;

    if (!ticket_is_legal(facts, action)) {
        return refuse(facts, action, why);
    }
    *ret_state = !moves || row->to == TICKET_STAY ? facts->state
                 : row->to == TICKET_BACK         ? facts->back
                                                  : row->to;
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
    for (int i = 0; name && i < TICKET_ACTIONS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
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
