/*
 * Tables of warranty decisions and money. Amounts are whole minor units (fen, cent). What was said, priced or booked is
 * never changed (frozen in schema.c): a mistake is another line. What must not happen is refused by the database itself:
 * a charge without a consent, a refund without somebody else's approval, a line in two settlements or on two invoices.
 */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_money[] =
    /* What the warranty is judged by, and what counts now: the machine's verdict until people have decided. */
    "ALTER TABLE ticket ADD COLUMN component TEXT;"
    "ALTER TABLE ticket ADD COLUMN fault_domain TEXT;"
    "ALTER TABLE ticket ADD COLUMN verdict TEXT;"
    "ALTER TABLE ticket ADD COLUMN verdict_ms INTEGER;" /* people have decided; NULL: not (yet) */
    "ALTER TABLE ticket ADD COLUMN exclusions TEXT;"    /* JSON: what telemetry says of each; NULL: not looked at yet */
    "ALTER TABLE ticket ADD COLUMN exclusions_ms INTEGER;" /* when it is looked at; NULL: it was, or nothing is to look at */
    "CREATE INDEX ticket_exclusions ON ticket (exclusions_ms) WHERE exclusions_ms IS NOT NULL;"
    "ALTER TABLE equipment ADD COLUMN completion_signed_day INTEGER;" /* S0-88 */
    "ALTER TABLE equipment ADD COLUMN registration_day INTEGER;" /* S0-136: the card came back */
    "ALTER TABLE component ADD COLUMN supplier TEXT;"
    "ALTER TABLE component ADD COLUMN approved INTEGER NOT NULL DEFAULT 1;" /* S0-92 */
    /* One line a person who looked: the second one is somebody else (S0-30). */
    "CREATE TABLE warranty_check (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket, round INTEGER NOT NULL,"
    " step INTEGER NOT NULL, verdict TEXT NOT NULL, exclusion TEXT, party TEXT, reason TEXT NOT NULL, who TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, UNIQUE (ticket, round, step), UNIQUE (ticket, round, who));"
    /* Whom components and parts come from. */
    "CREATE TABLE supplier (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT, email TEXT, phone TEXT, doc TEXT"
    " NOT NULL);"
    "CREATE TABLE supplier_class (class TEXT NOT NULL, supplier INTEGER NOT NULL REFERENCES supplier, PRIMARY KEY (class,"
    " supplier));"
    /* Prices of parts, by the day; contract: the agreed unit prices of one (S0-77). rule: market or list (S0-68). */
    "CREATE TABLE price_list (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, currency TEXT NOT NULL, contract TEXT,"
    " from_day INTEGER NOT NULL, to_day INTEGER, doc TEXT NOT NULL);"
    "CREATE TABLE price (list INTEGER NOT NULL REFERENCES price_list, part TEXT NOT NULL, unit INTEGER, cost INTEGER, rule"
    " TEXT NOT NULL, PRIMARY KEY (list, part));"
    "CREATE INDEX price_part ON price (part, list);"
    /* Quotations: every version stays; at most one of a ticket is open or accepted. */
    "CREATE TABLE quotation (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, ticket INTEGER NOT NULL REFERENCES ticket,"
    " version INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'refused', 'replaced', 'lapsed')),"
    " currency TEXT NOT NULL, amount INTEGER NOT NULL, tax INTEGER NOT NULL, total INTEGER NOT NULL CHECK (total = amount +"
    " tax), valid_until_ms INTEGER NOT NULL, plan TEXT, plan_hash TEXT, list TEXT, who TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " answered_ms INTEGER, new_unit INTEGER, advise_new INTEGER NOT NULL DEFAULT 0, approved_by TEXT, approved_ms INTEGER, UNIQUE (ticket, version), CHECK (approved_by IS NULL OR"
    " approved_by <> who));"
    "CREATE UNIQUE INDEX quotation_live ON quotation (ticket) WHERE state IN ('open', 'accepted');"
    "CREATE INDEX quotation_state ON quotation (state, id);"
    "CREATE TABLE quotation_line (quotation INTEGER NOT NULL REFERENCES quotation, position INTEGER NOT NULL, item TEXT NOT"
    " NULL, words TEXT NOT NULL, part TEXT, quantity INTEGER NOT NULL, unit INTEGER NOT NULL, amount INTEGER NOT NULL, tax"
    " INTEGER NOT NULL, mode TEXT NOT NULL, rule TEXT, PRIMARY KEY (quotation, position));"
    /* How the customer said yes: without such a row nothing is charged. */
    "CREATE TABLE consent (id INTEGER PRIMARY KEY, quotation INTEGER NOT NULL UNIQUE REFERENCES quotation, ticket INTEGER NOT"
    " NULL REFERENCES ticket, total INTEGER NOT NULL, how TEXT NOT NULL, name TEXT, who TEXT NOT NULL, at_ms INTEGER NOT"
    " NULL);"
    /* Asked for by one, decided by another one. */
    "CREATE TABLE money_request (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, ticket INTEGER NOT NULL REFERENCES ticket,"
    " kind TEXT NOT NULL CHECK (kind IN ('adjustment', 'refund')), amount INTEGER NOT NULL, tax INTEGER NOT NULL, reason TEXT"
    " NOT NULL, asked_by TEXT NOT NULL, asked_ms INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN"
    " ('waiting', 'approved', 'refused')), decided_by TEXT, decided_ms INTEGER, note TEXT, CHECK (decided_by IS NULL OR"
    " decided_by <> asked_by), CHECK ((state = 'waiting') = (decided_by IS NULL)));"
    "CREATE INDEX money_request_ticket ON money_request (ticket, id);"
    "CREATE INDEX money_request_waiting ON money_request (id) WHERE state = 'waiting';"
    /*
     * The books. total: what the payer owes by it, so that the sum of a payer's lines is what he still owes: charges and
     * refunds raise it, payments lower it. cost: what covered work costs the company, party is who did it; recovery: what a
     * supplier has taken upon himself. source: of what it was made, once.
     */
    "CREATE TABLE money_line (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket, work_order INTEGER,"
    " kind TEXT NOT NULL CHECK (kind IN ('charge', 'cost', 'adjustment', 'payment', 'refund', 'recovery')),"
    " payer TEXT NOT NULL CHECK (payer IN ('customer', 'company', 'supplier')), party TEXT, item TEXT, words TEXT NOT NULL,"
    " quantity INTEGER NOT NULL, unit INTEGER NOT NULL, amount INTEGER NOT NULL, tax INTEGER NOT NULL, total INTEGER NOT NULL,"
    " currency TEXT NOT NULL, consent INTEGER REFERENCES consent, request INTEGER UNIQUE REFERENCES money_request, claim"
    " INTEGER, source TEXT NOT NULL UNIQUE, who TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " CHECK (total = amount + tax),"
    " CHECK (kind <> 'charge' OR (payer = 'customer' AND consent IS NOT NULL)),"
    " CHECK (kind NOT IN ('adjustment', 'refund') OR request IS NOT NULL),"
    " CHECK (kind <> 'cost' OR payer = 'company'), CHECK (kind <> 'recovery' OR (payer = 'supplier' AND claim IS NOT NULL)));"
    "CREATE INDEX money_line_ticket ON money_line (ticket, id);"
    "CREATE INDEX money_line_party ON money_line (payer, party, at_ms);"
    "CREATE INDEX money_line_at ON money_line (at_ms, id);"
    /* S0-60: a paper for every fee; reference: the number of the finance system's own. */
    "CREATE TABLE invoice (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, ticket INTEGER NOT NULL REFERENCES ticket, kind"
    " TEXT NOT NULL CHECK (kind IN ('invoice', 'receipt', 'credit_note')), currency TEXT NOT NULL, total INTEGER NOT NULL,"
    " reference TEXT, who TEXT NOT NULL, at_ms INTEGER NOT NULL);"
    "CREATE INDEX invoice_ticket ON invoice (ticket, id);"
    "CREATE TABLE invoice_line (line INTEGER PRIMARY KEY REFERENCES money_line, invoice INTEGER NOT NULL REFERENCES invoice);"
    "CREATE INDEX invoice_line_invoice ON invoice_line (invoice, line);"
    "CREATE TABLE claim (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, client_id TEXT UNIQUE, ticket INTEGER NOT NULL"
    " REFERENCES ticket, supplier INTEGER NOT NULL REFERENCES supplier, component TEXT, part TEXT, serial TEXT, state TEXT NOT"
    " NULL CHECK (state IN ('open', 'sent', 'accepted', 'refused', 'settled')), asked INTEGER NOT NULL, agreed INTEGER,"
    " currency TEXT NOT NULL, evidence TEXT NOT NULL, reference TEXT, appointment_ms INTEGER, who TEXT NOT NULL, at_ms INTEGER"
    " NOT NULL, version INTEGER NOT NULL DEFAULT 1);"
    "CREATE UNIQUE INDEX claim_once ON claim (ticket, supplier, COALESCE(component, ''), COALESCE(part, '')) WHERE state <>"
    " 'refused';"
    "CREATE INDEX claim_state ON claim (state, id);"
    "CREATE INDEX claim_ticket ON claim (ticket, id);"
    "CREATE TABLE claim_event (id INTEGER PRIMARY KEY, claim INTEGER NOT NULL REFERENCES claim, action TEXT NOT NULL, action_id"
    " TEXT, note TEXT, amount INTEGER, who TEXT NOT NULL, at_ms INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX claim_event_id ON claim_event (claim, action_id) WHERE action_id IS NOT NULL;"
    "CREATE INDEX claim_event_claim ON claim_event (claim, id);"
    /* A batch for the finance system. A line is in one at most: its key. */
    "CREATE TABLE settlement (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, client_id TEXT UNIQUE, kind TEXT NOT NULL"
    " CHECK (kind IN ('dealer', 'supplier', 'customer')), party TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
    " currency TEXT NOT NULL, total INTEGER NOT NULL, lines INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('made',"
    " 'confirmed', 'disputed')), left_out TEXT NOT NULL, note TEXT, reference TEXT, answered_by TEXT, answered_ms INTEGER, who"
    " TEXT NOT NULL, at_ms INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 1);"
    "CREATE INDEX settlement_party ON settlement (kind, party, id);"
    "CREATE TABLE settlement_line (line INTEGER PRIMARY KEY REFERENCES money_line, settlement INTEGER NOT NULL REFERENCES"
    " settlement);"
    "CREATE INDEX settlement_line_settlement ON settlement_line (settlement, line);";
