/*
 * Tables of inspections: when each piece of equipment has its turn, what every line of the checklist said, who gets the
 * report, and what is proposed from it.
 */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_inspection[] =
    /*
     * way: month (by itself), demand (somebody asked), test (of a work order; no checklist). period_day: the first day of
     * the month it is for. checklist, version, hash: by which list; judged_ms: when. previous: the month's inspection
     * before. result: light of the list's lines. phone: a person answers what telemetry does not.
     */
    "ALTER TABLE inspection ADD COLUMN way TEXT NOT NULL DEFAULT 'demand';"
    "ALTER TABLE inspection ADD COLUMN period_day INTEGER;"
    "ALTER TABLE inspection ADD COLUMN checklist TEXT;"
    "ALTER TABLE inspection ADD COLUMN checklist_version INTEGER;"
    "ALTER TABLE inspection ADD COLUMN checklist_hash TEXT;"
    "ALTER TABLE inspection ADD COLUMN judged_ms INTEGER;"
    "ALTER TABLE inspection ADD COLUMN reported_ms INTEGER;"
    "ALTER TABLE inspection ADD COLUMN previous INTEGER REFERENCES inspection;"
    "ALTER TABLE inspection ADD COLUMN result TEXT;"
    "ALTER TABLE inspection ADD COLUMN spoke_with TEXT;" /* of a phone check: who answered */
    "ALTER TABLE inspection ADD COLUMN done_by TEXT;"    /* who asked him; NULL: nobody had to */
    "ALTER TABLE inspection ADD COLUMN version INTEGER NOT NULL DEFAULT 1;"
    "CREATE UNIQUE INDEX inspection_period ON inspection (equipment, period_day) WHERE period_day IS NOT NULL;"
    "CREATE INDEX inspection_command ON inspection (command);"
    "CREATE INDEX inspection_waiting ON inspection (created_ms) WHERE state = 'waiting';"
    "CREATE INDEX inspection_unjudged ON inspection (done_ms) WHERE judged_ms IS NULL AND done_ms IS NOT NULL AND way <>"
    " 'test';"
    "CREATE INDEX inspection_unreported ON inspection (done_ms) WHERE state = 'done' AND checklist IS NOT NULL AND reported_ms IS"
    " NULL;"
    "CREATE INDEX inspection_month ON inspection (equipment, id) WHERE way = 'month';"
    "CREATE INDEX inspection_state ON inspection (state, id);"
    "CREATE INDEX inspection_of_equipment ON inspection (equipment, id);"
    /* due_ms NULL: that period's is begun */
    "CREATE TABLE inspection_due (equipment INTEGER PRIMARY KEY REFERENCES equipment, period_day INTEGER NOT NULL, due_ms"
    " INTEGER);"
    "CREATE INDEX inspection_due_at ON inspection_due (due_ms) WHERE due_ms IS NOT NULL;"
    /* spec: the line as the list had it (JSON). answered: auto, phone; NULL: nobody yet. ticket: what it raised. */
    "CREATE TABLE inspection_line (inspection INTEGER NOT NULL REFERENCES inspection, line TEXT NOT NULL, position INTEGER"
    " NOT NULL, spec TEXT NOT NULL, verdict TEXT NOT NULL, value REAL, evidence TEXT, grade INTEGER, answered TEXT, who"
    " TEXT, at_ms INTEGER, note TEXT, ticket INTEGER REFERENCES ticket, accepted_ms INTEGER, accepted_by TEXT, accepted_note"
    " TEXT, PRIMARY KEY (inspection, line));"
    "CREATE INDEX inspection_finding ON inspection_line (at_ms, inspection, position) WHERE verdict = 'fail' AND grade IS NOT NULL AND ticket"
    " IS NULL;"
    "CREATE INDEX inspection_line_ticket ON inspection_line (ticket) WHERE ticket IS NOT NULL;"
    "CREATE TABLE inspection_event (id INTEGER PRIMARY KEY, inspection INTEGER NOT NULL REFERENCES inspection, at_ms INTEGER"
    " NOT NULL, stored_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, action_id TEXT, line TEXT, note TEXT);"
    "CREATE UNIQUE INDEX inspection_action ON inspection_event (inspection, action_id) WHERE action_id IS NOT NULL;"
    "CREATE INDEX inspection_event_of ON inspection_event (inspection, id);"
    /* The report as it was drafted; delivered_ms: the last of its readers had it. */
    "CREATE TABLE inspection_report (inspection INTEGER PRIMARY KEY REFERENCES inspection, drafted_ms INTEGER NOT NULL, body"
    " TEXT NOT NULL, delivered_ms INTEGER);"
    /* state: waiting sent failed none (no address, or no way to it) */
    "CREATE TABLE inspection_reader (inspection INTEGER NOT NULL REFERENCES inspection, position INTEGER NOT NULL, role TEXT"
    " NOT NULL, name TEXT, target TEXT, key TEXT NOT NULL UNIQUE, state TEXT NOT NULL, sent_ms INTEGER, PRIMARY KEY"
    " (inspection, position));"
    "CREATE INDEX inspection_reader_waits ON inspection_reader (inspection) WHERE state = 'waiting';"
    /* How often an agent came on in a day. */
    "CREATE TABLE agent_day (agent INTEGER NOT NULL REFERENCES agent, day INTEGER NOT NULL, births INTEGER NOT NULL, PRIMARY"
    " KEY (agent, day));"
    "CREATE INDEX agent_day_day ON agent_day (day);"
    /* What is proposed for a piece of equipment, and what the customer said. state: open accepted declined done. */
    "CREATE TABLE proposal (id INTEGER PRIMARY KEY, equipment INTEGER NOT NULL REFERENCES equipment, rule TEXT NOT NULL,"
    " component TEXT NOT NULL, kind TEXT NOT NULL, title_en TEXT, title_zh TEXT, reason_en TEXT, reason_zh TEXT, evidence"
    " TEXT NOT NULL, inspection INTEGER REFERENCES inspection, state TEXT NOT NULL, made_ms INTEGER NOT NULL, decided_ms"
    " INTEGER, decided_by TEXT, note TEXT, action_id TEXT, version INTEGER NOT NULL DEFAULT 1);"
    "CREATE UNIQUE INDEX proposal_once ON proposal (equipment, rule, component) WHERE state IN ('open', 'accepted');"
    "CREATE INDEX proposal_equipment ON proposal (equipment, id);"
    "CREATE INDEX proposal_state ON proposal (state, id);";
