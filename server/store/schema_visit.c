/*
 * Visits: how the calendar of a piece of equipment runs, what happened to each visit, meters that triggers read, and
 * which order rides on which. One open ride and one visit per occurrence are UNIQUE.
 */
#include "server/store/schema_int.h"

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_visit[] =
    "ALTER TABLE site ADD COLUMN climate TEXT;"
    "ALTER TABLE visit ADD COLUMN version INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE visit ADD COLUMN done_day INTEGER;" /* at the place */
    "ALTER TABLE visit ADD COLUMN code TEXT;" /* why it was skipped: of codes.yaml, or contract plan missed overtaken */
    "ALTER TABLE visit ADD COLUMN team INTEGER REFERENCES team;"
    /* the day proposed for it and by whom: level, or a person's name; the plan's dates stay as they are */
    "ALTER TABLE visit ADD COLUMN target_day INTEGER;"
    "ALTER TABLE visit ADD COLUMN target_why TEXT;"
    "ALTER TABLE visit ADD COLUMN target_by TEXT;"
    "ALTER TABLE visit ADD COLUMN pull_day INTEGER;" /* a trigger wants it from then on */
    "ALTER TABLE visit ADD COLUMN pull_why TEXT;"
    /* the contract year that it counts in, and how many that year has */
    "ALTER TABLE visit ADD COLUMN contract INTEGER REFERENCES contract;"
    "ALTER TABLE visit ADD COLUMN year_day INTEGER;"
    "ALTER TABLE visit ADD COLUMN entitled INTEGER;"
    "ALTER TABLE visit ADD COLUMN charge TEXT;" /* free chargeable: as it was when it was done */
    "ALTER TABLE visit ADD COLUMN charge_why TEXT;"
    /* the state first: else SQLite takes visit_in_state for them, and sorts what it finds */
    "CREATE INDEX visit_waiting ON visit (state, window_start_day, id);"
    "CREATE INDEX visit_pulled ON visit (state, pull_day, id) WHERE pull_day IS NOT NULL;"
    "CREATE INDEX visit_open ON visit (equipment, sequence) WHERE state IN ('planned', 'released', 'attached');"
    "CREATE INDEX visit_in_state ON visit (state, due_day, id);"
    /* without it all visits of a state are looked through for those of one piece of equipment */
    "CREATE INDEX visit_of ON visit (equipment, state, id);"
    "CREATE INDEX visit_when ON visit (equipment, due_day, id);"
    "CREATE INDEX visit_target ON visit (team, target_day) WHERE state IN ('planned', 'released');"
    /* From a sequence on the visits follow a rule from an anchor; the youngest row holds. */
    "CREATE TABLE visit_series (id INTEGER PRIMARY KEY, equipment INTEGER NOT NULL REFERENCES equipment, from_sequence"
    " INTEGER NOT NULL, from_ordinal INTEGER NOT NULL, anchor_day INTEGER NOT NULL, rule TEXT NOT NULL, plan TEXT,"
    " at_ms INTEGER NOT NULL, triggers INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX visit_series_equipment ON visit_series (equipment, id);"
    "CREATE INDEX visit_series_triggers ON visit_series (equipment) WHERE triggers = 1;"
    "CREATE TABLE visit_event (id INTEGER PRIMARY KEY, visit INTEGER NOT NULL REFERENCES visit, at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL, action TEXT NOT NULL, action_id TEXT, note TEXT, data TEXT);"
    "CREATE INDEX visit_event_visit ON visit_event (visit, id);"
    "CREATE UNIQUE INDEX visit_event_action ON visit_event (visit, action_id) WHERE action_id IS NOT NULL;"
    /* What a trigger has read: used since the last visit, up to the reading at read_ms, which was last. */
    "CREATE TABLE visit_meter (equipment INTEGER NOT NULL REFERENCES equipment, name TEXT NOT NULL, since_ms INTEGER NOT"
    " NULL, used REAL NOT NULL, last REAL NOT NULL, read_ms INTEGER NOT NULL, point INTEGER, PRIMARY KEY (equipment, name));"
    /* An order that is done along with another one; ride: that one. */
    "ALTER TABLE work_order ADD COLUMN ride INTEGER REFERENCES work_order;"
    "CREATE INDEX work_order_ride ON work_order (ride) WHERE ride IS NOT NULL;"
    "CREATE INDEX work_order_riding ON work_order (id, ride) WHERE ride IS NOT NULL AND state NOT IN ('done', 'verified',"
    " 'closed', 'cancelled');"
    "CREATE INDEX work_order_place ON work_order (site, from_ms) WHERE from_ms IS NOT NULL AND state NOT IN ('done',"
    " 'verified', 'closed', 'cancelled');"
    "ALTER TABLE work_step ADD COLUMN rider INTEGER REFERENCES work_order;" /* a copy of a step of that order */
    "ALTER TABLE work_step ADD COLUMN rider_step TEXT;";
