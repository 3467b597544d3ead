/*
 * Warranty decisions and money. The machine judges and proposes, people decide; nothing that the customer pays for is
 * begun or charged without a consent; the books are lines that are never changed, in whole minor units. Everything
 * here runs inside the transaction of the message or action that it follows from, so a power cut leaves all of it or
 * nothing. docs/money.md tells it for people.
 */
#pragma once

#include "models/service/warranty.h"
#include "server/case/place.h"
#include "server/case/ticket.h"

/* ------------------------------------------------------------------ warranty: verdict.c, evidence.c, decide.c */

/* What the warranty is judged by is known (anew): component and domain (NULL: as before, or unknown). Writes the ticket's
 * `warranty` and `verdict`. */
enum err money_judge(struct office *office, struct sql *sql, int64_t ticket, const char *component, const char *domain,
                     int64_t now_ms) MUST_CHECK;
/* Exclusions that wait for a look at telemetry, at most a slice. */
enum err money_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* When the next one is looked at; OFFICE_NEVER. */
int64_t money_due(struct sql *sql);
/* What telemetry said of each of the plan's exclusions around the fault's onset, as a JSON list. */
enum err money_evidence(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t onset_ms,
                        struct json_out *out) MUST_CHECK;
/* When the newest component of that class was put in, before before_ms, as a day of zone; or NO_DATE (G-17). And when the
 * registration card of the equipment came back. */
enum err money_find_facts(struct sql *sql, int64_t equipment, const char *component, int64_t before_ms,
                          const struct zone *zone, struct warranty_facts *io_facts) MUST_CHECK;

struct money_decision { /* of a person */
    const char *verdict, *exclusion, *party, *reason; /* exclusion, party: NULL: none */
    const char *who;
    enum role role;
    int64_t at_ms, now_ms;
};
/* S0-28, S0-30. Where the plan asks for two people the second one is a manager and somebody else, and what he says holds;
 * *ret_final: it counts now. ERR_FORMAT, ERR_STATE, ERR_FORBIDDEN with why. */
enum err money_decide(struct office *office, struct sql *sql, struct ticket *ticket,
                      const struct money_decision *decision, bool *ret_final, struct text *why) MUST_CHECK;
/* ---- registration.c: warranties that the first telemetry registers */

/* A slice of those that were heard of; what came by card is not waited for any more. */
enum err registration_turn(struct sql *sql) MUST_CHECK;
/* confirm, refuse (note). ERR_STATE, ERR_FORMAT with why. */
enum err registration_act(struct sql *sql, int64_t equipment, const struct action *action, int64_t now_ms,
                          struct text *why) MUST_CHECK;
enum err registration_view(struct sql *sql, int64_t equipment, const struct zone *zone, struct json_out *out) MUST_CHECK;

/* The supplier that a component of the equipment comes from; its row id, or 0. */
int64_t money_supplier_of(struct sql *sql, int64_t equipment, const char *component);

/* ------------------------------------------------------------------ quotations: quote.c */

/* Prices the lines (a JSON list; NULL or empty: from what the work orders show) and makes the ticket's next version. */
enum err money_quote(struct office *office, struct sql *sql, const struct ticket *ticket, const struct cJSON *lines,
                     const char *who, int64_t at_ms, struct text *why) MUST_CHECK;
struct money_answer {
    bool accepted;
    const char *how, *name, *who; /* how: desk, track */
    bool approval;                /* a manager has to have approved it: money_wants_approval() */
    int64_t version;              /* of the quotation that was read; 0: whichever is open */
    int64_t at_ms;
};
/* S2-30: the plan wants the price of this special request approved before the customer consents. */
bool money_wants_approval(const struct ticket *ticket);
enum err money_approve_quotation(struct sql *sql, const struct ticket *ticket, const char *number, bool approved,
                                 const char *who, enum role role, int64_t at_ms, struct text *why) MUST_CHECK;
/* ERR_STATE: there is none, it is another version, or it has lapsed. */
enum err money_answer(struct sql *sql, int64_t ticket, const struct money_answer *answer, struct text *why) MUST_CHECK;

/* ------------------------------------------------------------------ books: bill.c, ledger.c */

/* Lines for what was done and is not in the books yet: the customer's by the accepted quotation, the rest the company's.
 * extra: a JSON list of further lines, or NULL. *ret_lines: how many there are now more. */
enum err money_bill(struct office *office, struct sql *sql, const struct ticket *ticket, const char *who, int64_t at_ms,
                    int64_t *ret_lines, struct text *why) MUST_CHECK;
enum err money_pay(struct sql *sql, const struct ticket *ticket, const char *name, int64_t amount, const char *words,
                   const char *who, int64_t at_ms, struct text *why) MUST_CHECK;
struct money_request {
    const char *name, *kind, *reason, *who; /* name: client-made */
    int64_t amount, at_ms;
};
enum err money_ask(struct sql *sql, const struct ticket *ticket, const struct money_request *request, struct text *why)
    MUST_CHECK;
/* Approved by another person, up to what the plan lets the role; then it is in the books. */
enum err money_rule(struct sql *sql, const struct ticket *ticket, const char *name, bool approved, const char *note,
                    const char *who, enum role role, int64_t at_ms, struct text *why) MUST_CHECK;
/* A paper for the customer's lines that have none yet. kind: invoice or receipt; with a sum below 0 it is a credit note. */
enum err money_invoice(struct sql *sql, const struct ticket *ticket, const char *kind, const char *reference,
                       const char *who, int64_t at_ms, struct text *why) MUST_CHECK;
/* S0-60: false with why when a fee has no paper yet. */
bool money_may_close(struct sql *sql, int64_t ticket, struct text *why);
/* What the customer of a ticket still owes. */
int64_t money_owed(struct sql *sql, int64_t ticket);

/* ------------------------------------------------------------------ claims and settlements: claim.c, settle.c */

struct money_claim {
    const char *client_id, *supplier, *component, *part, *serial; /* supplier NULL: the component's */
    int64_t asked;                                               /* -1: what the ticket cost the company */
    const char *who;
    int64_t at_ms;
};
enum err money_claim_open(struct office *office, struct sql *sql, const struct ticket *ticket,
                          const struct money_claim *what, int64_t *ret_id, struct text *why) MUST_CHECK;
/* send accept refuse settle note. */
enum err money_claim_act(struct office *office, struct sql *sql, int64_t claim, const struct action *action,
                         int64_t now_ms, struct text *why) MUST_CHECK;

struct money_batch {
    const char *client_id, *kind, *party; /* dealer: a team; supplier; customer */
    int64_t from_ms, to_ms;
    const char *who;
    int64_t at_ms;
};
enum err money_settle(struct office *office, struct sql *sql, const struct money_batch *what, int64_t *ret_id,
                      struct text *why) MUST_CHECK;
/* confirm dispute. */
enum err money_settlement_act(struct sql *sql, int64_t settlement, const struct action *action, int64_t now_ms,
                              struct text *why) MUST_CHECK;

/* ------------------------------------------------------------------ shown: view.c */

enum err money_show_ticket(struct sql *sql, int64_t ticket, const struct zone *zone, struct json_out *out) MUST_CHECK;
enum err money_show_quotation(struct sql *sql, int64_t quotation, const struct zone *zone, struct json_out *out) MUST_CHECK;
/* For who has the track code: no names. Nothing is written when there is none. */
enum err money_show_offer(struct sql *sql, int64_t ticket, const struct zone *zone, struct json_out *out) MUST_CHECK;
enum err money_show_invoice(struct sql *sql, int64_t invoice, const struct zone *zone, struct json_out *out) MUST_CHECK;
enum err money_show_claim(struct sql *sql, int64_t claim, const struct zone *zone, struct json_out *out) MUST_CHECK;
enum err money_show_settlement(struct sql *sql, int64_t settlement, const struct zone *zone, struct json_out *out)
    MUST_CHECK;
/* The same without its lines. */
enum err money_show_batch(struct sql *sql, int64_t settlement, const struct zone *zone, struct json_out *out) MUST_CHECK;
