/*
 * Tables of the life of agreements, of leaving customers and of the care of data: terms, what is covered, off-boardings,
 * exports, removals, who looked at whose data, how far each purge has got.
 */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_care[] =
    /* draft: not signed, its sites are not covered (contract_site has none). agreed: its end was agreed here, an older file
     * does not change it. seen_day: the turn has looked at it on that day. */
    "ALTER TABLE contract ADD COLUMN draft INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE contract ADD COLUMN signed_day INTEGER;"
    "ALTER TABLE contract ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE contract ADD COLUMN cancelled_ms INTEGER;"
    "ALTER TABLE contract ADD COLUMN cancelled_by TEXT;" /* customer company both */
    "ALTER TABLE contract ADD COLUMN cancel_reason TEXT;"
    "ALTER TABLE contract ADD COLUMN before_day INTEGER;" /* its end before it was cancelled */
    "ALTER TABLE contract ADD COLUMN ended_ms INTEGER;"   /* its end was seen to; NULL: not (yet) */
    "ALTER TABLE contract ADD COLUMN version INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE contract ADD COLUMN seen_day INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX contract_unseen ON contract (seen_day, id);"
    /* Each term with the plan as it was agreed; the youngest that has begun counts. */
    "CREATE TABLE agreement_term (contract INTEGER NOT NULL REFERENCES contract, number INTEGER NOT NULL, from_day INTEGER,"
    " to_day INTEGER, plan TEXT NOT NULL, plan_hash TEXT NOT NULL, level TEXT NOT NULL, who TEXT NOT NULL, at_ms INTEGER NOT"
    " NULL, PRIMARY KEY (contract, number));"
    "CREATE TABLE agreement_event (id INTEGER PRIMARY KEY, contract INTEGER NOT NULL REFERENCES contract, at_ms INTEGER NOT"
    " NULL, who TEXT NOT NULL, action TEXT NOT NULL, action_id TEXT, note TEXT, data TEXT);"
    "CREATE UNIQUE INDEX agreement_once ON agreement_event (contract, action_id) WHERE action_id IS NOT NULL;"
    "CREATE INDEX agreement_event_of ON agreement_event (contract, id);"
    /* Equipment that has rows here belongs to the agreement on these days alone; without rows as long as its site does. */
    "CREATE TABLE agreement_cover (id INTEGER PRIMARY KEY, contract INTEGER NOT NULL REFERENCES contract, equipment INTEGER"
    " NOT NULL REFERENCES equipment, from_day INTEGER NOT NULL, to_day INTEGER, who TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " UNIQUE (contract, equipment, from_day));"
    "CREATE INDEX agreement_cover_equipment ON agreement_cover (equipment, contract);"
    /* What went on reporting after the end. */
    "CREATE TABLE agreement_heard (contract INTEGER NOT NULL REFERENCES contract, equipment INTEGER NOT NULL REFERENCES"
    " equipment, first_ms INTEGER NOT NULL, PRIMARY KEY (contract, equipment));"
    /* A customer leaves: step by step, each with who, when and what it did. */
    "CREATE TABLE leaving (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, client_id TEXT UNIQUE, contract INTEGER NOT"
    " NULL REFERENCES contract, customer INTEGER NOT NULL REFERENCES customer, state TEXT NOT NULL CHECK (state IN ('open',"
    " 'done', 'aborted')), reason TEXT NOT NULL, who TEXT NOT NULL, at_ms INTEGER NOT NULL, done_ms INTEGER, remove_day"
    " INTEGER, version INTEGER NOT NULL DEFAULT 1);"
    "CREATE UNIQUE INDEX leaving_open ON leaving (customer) WHERE state = 'open';"
    "CREATE TABLE leaving_step (leaving INTEGER NOT NULL REFERENCES leaving, step TEXT NOT NULL, position INTEGER NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('open', 'done', 'skipped')), at_ms INTEGER, who TEXT, note TEXT, data TEXT, PRIMARY"
    " KEY (leaving, step));"
    "CREATE TABLE leaving_event (id INTEGER PRIMARY KEY, leaving INTEGER NOT NULL REFERENCES leaving, at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL, action TEXT NOT NULL, action_id TEXT, note TEXT);"
    "CREATE UNIQUE INDEX leaving_once ON leaving_event (leaving, action_id) WHERE action_id IS NOT NULL;"
    /* Gateways whose certificates are to be revoked: confirmed by a person; heard: it spoke all the same afterwards. */
    "CREATE TABLE leaving_agent (leaving INTEGER NOT NULL REFERENCES leaving, agent INTEGER NOT NULL REFERENCES agent,"
    " confirmed_ms INTEGER, confirmed_by TEXT, heard_ms INTEGER, PRIMARY KEY (leaving, agent));"
    "CREATE INDEX leaving_agent_open ON leaving_agent (agent);"
    "ALTER TABLE token ADD COLUMN customer INTEGER REFERENCES customer;" /* it was given to that customer */
    "ALTER TABLE ticket ADD COLUMN track_revoked_ms INTEGER;"
    "ALTER TABLE customer ADD COLUMN removed_ms INTEGER;"
    "ALTER TABLE technician ADD COLUMN removed_ms INTEGER;"
    /* Everything of a customer as one file. stage, at, at_too: how far it has got; bytes: of the file, up to there. */
    "CREATE TABLE export (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, client_id TEXT UNIQUE, customer INTEGER NOT NULL"
    " REFERENCES customer, leaving INTEGER REFERENCES leaving, state TEXT NOT NULL CHECK (state IN ('running', 'done',"
    " 'failed', 'removed')), who TEXT NOT NULL, at_ms INTEGER NOT NULL, done_ms INTEGER, stage INTEGER NOT NULL DEFAULT 0, at"
    " INTEGER NOT NULL DEFAULT 0, at_too INTEGER NOT NULL DEFAULT 0, entries INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT"
    " NULL DEFAULT 0, hash TEXT, why TEXT, version INTEGER NOT NULL DEFAULT 1);"
    "CREATE INDEX export_running ON export (id) WHERE state = 'running';"
    "CREATE INDEX export_customer ON export (customer, id);"
    "CREATE TABLE export_entry (export INTEGER NOT NULL REFERENCES export, number INTEGER NOT NULL, name TEXT NOT NULL, bytes"
    " INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (export, number));"
    /* A person's data is taken away: asked by whom, why, how many rows it was in. stage: how far it has got. */
    "CREATE TABLE removal (id INTEGER PRIMARY KEY, client_id TEXT UNIQUE, kind TEXT NOT NULL CHECK (kind IN ('customer',"
    " 'technician')), subject INTEGER NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL, at_ms INTEGER NOT"
    " NULL, stage INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT 0, done_ms INTEGER);"
    "CREATE INDEX removal_running ON removal (id) WHERE done_ms IS NULL;"
    "CREATE UNIQUE INDEX removal_of ON removal (kind, subject) WHERE done_ms IS NULL;"
    /* While a row is here, rows that are never changed may be: words about a person become 'removed'. */
    "CREATE TABLE removing (removal INTEGER PRIMARY KEY);"
    /* Who looked at whose data: a line a person, customer, route and hour. Only ever added, and let go by age. */
    "CREATE TABLE access (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, hour INTEGER NOT NULL, who TEXT NOT NULL, role TEXT"
    " NOT NULL, source TEXT NOT NULL, route TEXT NOT NULL, customer INTEGER NOT NULL, object TEXT NOT NULL);"
    "CREATE UNIQUE INDEX access_once ON access (hour, who, customer, route, object);"
    "CREATE INDEX access_customer ON access (customer, id);"
    "CREATE INDEX access_who ON access (who, id);"
    /* How far each class of data has been purged. */
    "CREATE TABLE purge (class TEXT PRIMARY KEY, at INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL DEFAULT 0, removed"
    " INTEGER NOT NULL DEFAULT 0, rounds INTEGER NOT NULL DEFAULT 0, ran_ms INTEGER);";
