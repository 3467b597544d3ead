/*
 * Tables of what is owed to people: whether a repair helped, whether the customer took it, why the fault came and what
 * keeps it from coming again, and who was told of what by which way.
 */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_people[] =
    /* How a ticket's end was proved: none telemetry override. proved_ms: telemetry had stayed normal for the plan's
     * hold; NULL: not (yet). fed_back_ms: the customer was told of the result. */
    "ALTER TABLE ticket ADD COLUMN proof TEXT;"
    "ALTER TABLE ticket ADD COLUMN proof_reason TEXT;"
    "ALTER TABLE ticket ADD COLUMN proved_ms INTEGER;"
    "ALTER TABLE ticket ADD COLUMN fed_back_ms INTEGER;"
    /*
     * Somebody said "repaired": by the end of a work order, or by closing the ticket. Telemetry has the last word:
     * outcome proved or false; unknown when the equipment said nothing as long as the ticket could be reopened.
     */
    "CREATE TABLE repair (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket, work_order INTEGER,"
    " who TEXT NOT NULL, at_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, outcome TEXT, outcome_ms INTEGER,"
    " reason TEXT);"
    "CREATE UNIQUE INDEX repair_open ON repair (ticket) WHERE outcome IS NULL;"
    "CREATE INDEX repair_due ON repair (next_ms) WHERE outcome IS NULL;"
    "CREATE INDEX repair_ticket ON repair (ticket, id);"
    /* result: accepted refused deemed; NULL: asked for, deemed accepted at due_ms. */
    "CREATE TABLE acceptance (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket, asked_ms INTEGER NOT"
    " NULL, due_ms INTEGER NOT NULL, result TEXT, at_ms INTEGER, name TEXT, who TEXT, remarks TEXT);"
    "CREATE UNIQUE INDEX acceptance_open ON acceptance (ticket) WHERE result IS NULL;"
    "CREATE INDEX acceptance_due ON acceptance (due_ms) WHERE result IS NULL;"
    "CREATE INDEX acceptance_ticket ON acceptance (ticket, id);"
    /* The fault analysis: drafted from the rows of the ticket, completed by a person, approved by another one. facts:
     * what was measured and done (JSON), drawn up anew until it is approved. */
    "CREATE TABLE rca (ticket INTEGER PRIMARY KEY REFERENCES ticket, state TEXT NOT NULL, required INTEGER NOT NULL,"
    " cause_code TEXT, cause TEXT, prevention TEXT, facts TEXT NOT NULL, drafted_ms INTEGER NOT NULL, edited_ms INTEGER,"
    " edited_by TEXT, approved_ms INTEGER, approved_by TEXT, version INTEGER NOT NULL DEFAULT 1, next_ms INTEGER);"
    /* A ticket that is closed looks at its clocks no more; that of the analysis runs on. */
    "CREATE INDEX rca_next ON rca (next_ms) WHERE next_ms IS NOT NULL;"
    /* What shall keep a fault from coming again. */
    "CREATE TABLE prevention (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket, item INTEGER NOT NULL,"
    " what TEXT NOT NULL, owner TEXT, due_day INTEGER, done_ms INTEGER, done_by TEXT, UNIQUE (ticket, item));"
    /* Customers' notices: who, which one, in which language; what the gateway and the reader said about it. */
    "ALTER TABLE outbox ADD COLUMN customer INTEGER;"
    "ALTER TABLE outbox ADD COLUMN notice TEXT;"
    "ALTER TABLE outbox ADD COLUMN receipt TEXT;" /* delivered failed read */
    "ALTER TABLE outbox ADD COLUMN receipt_ms INTEGER;"
    "CREATE INDEX outbox_ticket ON outbox (ticket, id) WHERE ticket IS NOT NULL;"
    /* when the customer is told that the ticket is not forgotten; NULL: never */
    "ALTER TABLE ticket ADD COLUMN update_ms INTEGER;"
    "CREATE INDEX ticket_update ON ticket (update_ms) WHERE closed_ms IS NULL AND update_ms IS NOT NULL;"
    "CREATE INDEX prevention_open ON prevention (due_day, id) WHERE done_ms IS NULL;"
    /* a duty's warn or breach that waits for the digest of its kind, with the due time it is about */
    "ALTER TABLE clock ADD COLUMN untold TEXT;"
    "ALTER TABLE clock ADD COLUMN untold_due_ms INTEGER;"
    "CREATE INDEX clock_untold ON clock (kind, untold, untold_due_ms) WHERE untold IS NOT NULL;"
    /* Whom customers may turn to at the company, and when that changed. */
    "CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT, phone TEXT, email TEXT, doc TEXT"
    " NOT NULL, purpose TEXT NOT NULL DEFAULT 'service');"
    "CREATE TABLE contact_change (id INTEGER PRIMARY KEY, contact INTEGER NOT NULL REFERENCES contact, at_ms INTEGER NOT"
    " NULL);"
    "CREATE INDEX contact_change_at ON contact_change (at_ms);";
