/*
 * Dispatch: who is named for a piece of equipment, rosters, who was asked and who has a ticket, what was
 * escalated. One owner and one open question a ticket, one open escalation a ticket and condition, each step
 * once are UNIQUE indexes.
 */
#include "server/store/schema_int.h"

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_dispatch[] =
    /* S0-07: who looks after it */
    "CREATE TABLE equipment_team (equipment INTEGER PRIMARY KEY REFERENCES equipment, team INTEGER"
    " REFERENCES team, backup_team INTEGER REFERENCES team, technician INTEGER REFERENCES technician,"
    " backup_technician INTEGER REFERENCES technician);"
    "CREATE TABLE roster (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT,"
    " doc TEXT NOT NULL);"
    /*
     * A ticket given to somebody. team NULL: the desk. owned_ms: it became the owner then; NULL: only asked.
     * refused_ms: it refused, and keeps it until another one accepts (S0-141). limit_text: its own internal
     * target from asked_ms to arranged_ms (technician and appointment).
     */
    "CREATE TABLE assignment (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket, team"
    " INTEGER REFERENCES team, technician INTEGER REFERENCES technician, asked_ms INTEGER NOT NULL,"
    " asked_by TEXT NOT NULL, handed_over INTEGER NOT NULL DEFAULT 0, limit_text TEXT, origin TEXT, owned_ms"
    " INTEGER, accepted_ms INTEGER, arranged_ms INTEGER, refused_ms INTEGER, reason TEXT, words TEXT, ended_ms"
    " INTEGER);"
    "CREATE INDEX assignment_ticket ON assignment (ticket, id);"
    "CREATE UNIQUE INDEX assignment_owner ON assignment (ticket) WHERE owned_ms IS NOT NULL AND ended_ms IS"
    " NULL;"
    "CREATE UNIQUE INDEX assignment_asked ON assignment (ticket) WHERE owned_ms IS NULL AND ended_ms IS NULL;"
    "CREATE INDEX assignment_team ON assignment (team) WHERE ended_ms IS NULL;"
    /* What does not go on. Its events are its ledger; steps computed from it (models/service/escalation). */
    "CREATE TABLE escalation (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, ticket INTEGER NOT NULL"
    " REFERENCES ticket, condition TEXT NOT NULL, since_ms INTEGER NOT NULL, facts TEXT, opened_ms INTEGER NOT"
    " NULL, told_ms INTEGER, closed_ms INTEGER, outcome TEXT, next_ms INTEGER, version INTEGER NOT NULL DEFAULT"
    " 1, UNIQUE (ticket, condition, since_ms));"
    "CREATE UNIQUE INDEX escalation_open ON escalation (ticket, condition) WHERE closed_ms IS NULL;"
    "CREATE INDEX escalation_due ON escalation (next_ms) WHERE closed_ms IS NULL AND next_ms IS NOT NULL;"
    "CREATE INDEX escalation_told ON escalation (id) WHERE closed_ms IS NULL AND told_ms IS NOT NULL;"
    "CREATE TABLE escalation_event (id INTEGER PRIMARY KEY, escalation INTEGER NOT NULL REFERENCES escalation,"
    " kind TEXT NOT NULL, at_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL, step INTEGER, repetition INTEGER,"
    " due_ms INTEGER, who TEXT NOT NULL, action_id TEXT, note TEXT, data TEXT);"
    "CREATE INDEX escalation_line ON escalation_event (escalation, id);"
    "CREATE INDEX escalation_word ON escalation_event (escalation, id) WHERE kind <> 'step';"
    "CREATE UNIQUE INDEX escalation_step ON escalation_event (escalation, step, repetition) WHERE kind = 'step';"
    "CREATE UNIQUE INDEX escalation_action ON escalation_event (escalation, action_id) WHERE action_id IS NOT"
    " NULL;"
    /* what the same hands have to do, without the visits that wait */
    "CREATE INDEX work_order_queue ON work_order (team, state, id) WHERE state NOT IN ('done', 'verified', 'closed',"
    " 'cancelled');"
    "CREATE INDEX work_order_load ON work_order (team, technician, from_ms) WHERE state NOT IN ('done',"
    " 'verified', 'closed', 'cancelled') AND kind <> 'preventive';";
