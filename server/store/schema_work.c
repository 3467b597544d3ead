/*
 * Tables of work in the field. All that a job plan says is copied into its order: steps and gates as rows, the
 * rest as one document (work_order.job), so that a plan's next version changes no order that runs.
 */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_work[] =
    "ALTER TABLE work_order ADD COLUMN client_id TEXT;" /* of POST /work-orders: the same once */
    "ALTER TABLE work_order ADD COLUMN title TEXT;"
    "ALTER TABLE work_order ADD COLUMN urgency TEXT;" /* emergency normal; NULL: the ticket's */
    "ALTER TABLE work_order ADD COLUMN job TEXT;"
    "ALTER TABLE work_order ADD COLUMN job_hash TEXT;" /* of job_text */
    "ALTER TABLE work_order ADD COLUMN parent INTEGER;" /* depot_repair: the order that took the unit off */
    "ALTER TABLE work_order ADD COLUMN serial TEXT;"
    "ALTER TABLE work_order ADD COLUMN rma TEXT;"
    "ALTER TABLE work_order ADD COLUMN code TEXT;" /* the customer has it: who shows it is who was sent */
    "ALTER TABLE work_order ADD COLUMN agreed_by TEXT;" /* who agreed to the appointment, at the customer's */
    "ALTER TABLE work_order ADD COLUMN preempted_by INTEGER;"
    "ALTER TABLE work_order ADD COLUMN service_window INTEGER;" /* of a planned change */
    "ALTER TABLE work_order ADD COLUMN result TEXT;" /* accepted refused: by the customer */
    "ALTER TABLE work_order ADD COLUMN result_ms INTEGER;"
    "ALTER TABLE work_order ADD COLUMN result_by TEXT;"
    "ALTER TABLE work_order ADD COLUMN result_note TEXT;"
    /* at_ms is never before the order; said_ms: the time of the device all the same, by which moves are put in order. */
    "ALTER TABLE work_event ADD COLUMN said_ms INTEGER;"
    "CREATE UNIQUE INDEX work_order_client ON work_order (client_id) WHERE client_id IS NOT NULL;"
    "CREATE UNIQUE INDEX work_order_rma ON work_order (rma) WHERE rma IS NOT NULL;"
    "CREATE INDEX work_order_hours ON work_order (technician, from_ms) WHERE technician IS NOT NULL;"
    "CREATE INDEX work_order_parent ON work_order (parent) WHERE parent IS NOT NULL;"
    "CREATE INDEX work_line_time ON work_event (work_order, at_ms, id);"
    "CREATE INDEX work_finished ON work_event (work_order, at_ms) WHERE action = 'finish';" /* how long work takes, lately */
    /* Every version of a job plan that an order was made by. */
    "CREATE TABLE job_text (hash TEXT PRIMARY KEY, job TEXT NOT NULL, version INTEGER NOT NULL, body BLOB"
    " NOT NULL, stored_ms INTEGER NOT NULL);"
    /* section: precaution, step, or extra (looked at beside the plan). The answer is that of the youngest check
     * by its own time; failed_ms: when it was first answered badly, ticket: what that raised. */
    "CREATE TABLE work_step (work_order INTEGER NOT NULL REFERENCES work_order, step TEXT NOT NULL,"
    " position INTEGER NOT NULL, section TEXT NOT NULL, spec TEXT NOT NULL, required INTEGER NOT NULL DEFAULT 0,"
    " value TEXT, light TEXT NOT NULL DEFAULT 'open', answered_ms INTEGER, who TEXT, action_id TEXT, reading TEXT,"
    " failed_ms INTEGER, grade INTEGER, ticket INTEGER, PRIMARY KEY (work_order, step));"
    "CREATE INDEX work_step_failed ON work_step (work_order) WHERE failed_ms IS NOT NULL AND ticket IS NULL;"
    "CREATE TABLE work_gate (work_order INTEGER NOT NULL REFERENCES work_order, gate TEXT NOT NULL,"
    " position INTEGER NOT NULL, title_en TEXT, title_zh TEXT, stage TEXT NOT NULL, written INTEGER NOT NULL,"
    " must INTEGER NOT NULL, another INTEGER NOT NULL, confirmed_ms INTEGER, by_name TEXT, who TEXT, how TEXT,"
    " reference TEXT, note TEXT, action_id TEXT, manager INTEGER NOT NULL DEFAULT 0, follows TEXT,"
    " expected INTEGER NOT NULL DEFAULT 0," /* holds up nothing, and is told when it was passed without */
    " PRIMARY KEY (work_order, gate));"
    /* What was wanted and left out, by whose word and why. need: of the job plan, or a gate's name. */
    "CREATE TABLE work_override (work_order INTEGER NOT NULL REFERENCES work_order, need TEXT NOT NULL,"
    " code TEXT NOT NULL, note TEXT, who TEXT NOT NULL, at_ms INTEGER NOT NULL, action_id TEXT,"
    " PRIMARY KEY (work_order, need));"
    /* Telemetry asked before and after: values frozen as they were at at_ms; inspection: asked of the agent
     * then, counts once it has answered. */
    "CREATE TABLE work_test (id INTEGER PRIMARY KEY, work_order INTEGER NOT NULL REFERENCES work_order,"
    " moment TEXT NOT NULL, at_ms INTEGER NOT NULL, points TEXT NOT NULL, checks TEXT NOT NULL,"
    " verdict TEXT NOT NULL, inspection INTEGER, action_id TEXT);"
    "CREATE INDEX work_test_order ON work_test (work_order, moment, at_ms, id);"
    /* One line a part: proposed (likely, by the diagnosis), reserved, used, returned. */
    "CREATE TABLE work_part (id INTEGER PRIMARY KEY, work_order INTEGER NOT NULL REFERENCES work_order,"
    " part TEXT NOT NULL, state TEXT NOT NULL, count INTEGER NOT NULL, depot INTEGER, odds REAL, serial_old TEXT,"
    " serial_new TEXT, old_goes TEXT, lot TEXT, qc INTEGER, unit_cost REAL, currency TEXT, child INTEGER, who TEXT,"
    " at_ms INTEGER NOT NULL, action_id TEXT, source TEXT NOT NULL DEFAULT 'stock');" /* stock supplier customer */
    "CREATE INDEX work_part_order ON work_part (work_order, id);"
    "CREATE INDEX work_part_reserved ON work_part (part, depot) WHERE state = 'reserved';"
    "CREATE TABLE work_time (id INTEGER PRIMARY KEY, work_order INTEGER NOT NULL REFERENCES work_order,"
    " person TEXT NOT NULL, kind TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, note TEXT,"
    " who TEXT NOT NULL, action_id TEXT);"
    "CREATE INDEX work_time_person ON work_time (person, from_ms);"
    "CREATE INDEX work_time_order ON work_time (work_order, from_ms);"
    /* form: action (what was done: S1-30) or scope (items and quantities of a repair: S0-34, S0-35). */
    "CREATE TABLE work_line (id INTEGER PRIMARY KEY, work_order INTEGER NOT NULL REFERENCES work_order,"
    " form TEXT NOT NULL, kind TEXT, item TEXT, component TEXT, old_value TEXT, new_value TEXT, quantity REAL,"
    " unit TEXT, method TEXT, labour REAL, material REAL, mismatch INTEGER NOT NULL DEFAULT 0, note TEXT,"
    " who TEXT NOT NULL, at_ms INTEGER NOT NULL, action_id TEXT);"
    "CREATE INDEX work_line_order ON work_line (work_order, id);"
    "CREATE TABLE work_sign (work_order INTEGER NOT NULL REFERENCES work_order, role TEXT NOT NULL, name TEXT NOT"
    " NULL, image TEXT, at_ms INTEGER NOT NULL, who TEXT NOT NULL, action_id TEXT, PRIMARY KEY (work_order, role));"
    /* A file beside an order or a ticket, in pieces as they came; whole when received = size and the hash is right. */
    "CREATE TABLE attachment (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, work_order INTEGER REFERENCES"
    " work_order, ticket INTEGER REFERENCES ticket, step TEXT, title TEXT, type TEXT, size INTEGER NOT NULL, received"
    " INTEGER NOT NULL DEFAULT 0, hash TEXT NOT NULL, state TEXT NOT NULL, at_ms INTEGER NOT NULL, stored_ms INTEGER"
    " NOT NULL, who TEXT NOT NULL);"
    "CREATE INDEX attachment_order ON attachment (work_order, id) WHERE work_order IS NOT NULL;"
    "CREATE INDEX attachment_ticket ON attachment (ticket, id) WHERE ticket IS NOT NULL;"
    "CREATE INDEX attachment_open ON attachment (stored_ms) WHERE state = 'open';"
    "CREATE TABLE attachment_piece (attachment INTEGER NOT NULL REFERENCES attachment, position INTEGER NOT NULL,"
    " body BLOB NOT NULL, PRIMARY KEY (attachment, position));";
