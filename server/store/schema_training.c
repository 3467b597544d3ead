/*
 * Tables of trainings and tools: who was taught what, by whom, and passed; which tool is where, until when what it shows
 * may be believed, and what was measured with it.
 */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_training[] =
    /* reason: acceptance operator_faults interval every request inspection; occurrence tells those apart that the calendar
     * proposes: a day, a period. facts: what speaks for it (JSON). material, covered: lists of ids (JSON). */
    "CREATE TABLE training (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, course TEXT NOT NULL, course_version INTEGER"
    " NOT NULL, course_hash TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, occurrence INTEGER NOT"
    " NULL DEFAULT 0, site INTEGER REFERENCES site, contract INTEGER REFERENCES contract, team INTEGER REFERENCES team,"
    " work_order INTEGER REFERENCES work_order, mode TEXT, place TEXT, named_by TEXT, named_ms INTEGER, from_ms INTEGER, to_ms"
    " INTEGER, due_ms INTEGER, trainer INTEGER REFERENCES technician, trainer_name TEXT, trainer_proof TEXT, material TEXT,"
    " covered TEXT, missed TEXT, facts TEXT, asked_by TEXT NOT NULL, created_ms INTEGER NOT NULL, held_ms INTEGER, minutes"
    " INTEGER, closed_ms INTEGER, asked_ms INTEGER, client_id TEXT UNIQUE, version INTEGER NOT NULL DEFAULT 1);"
    /* what the calendar proposes, it proposes once (S0-69, S0-82, S0-125, S0-134) */
    "CREATE UNIQUE INDEX training_once ON training (site, reason, occurrence) WHERE site IS NOT NULL AND reason NOT IN"
    " ('request', 'inspection');"
    "CREATE UNIQUE INDEX training_once_team ON training (team, course, reason, occurrence) WHERE site IS NULL AND team IS NOT"
    " NULL AND reason NOT IN ('request', 'inspection');"
    "CREATE INDEX training_open ON training (id) WHERE closed_ms IS NULL;"
    "CREATE INDEX training_site ON training (site, id);"
    "CREATE INDEX training_course ON training (course, id);"
    "CREATE INDEX training_state ON training (state, id);"
    "CREATE INDEX training_held ON training (held_ms) WHERE held_ms IS NOT NULL;"
    /* answer: accepted declined. present: 1 0; NULL: nobody has said. exam: the answers (JSON). result: passed failed. */
    "CREATE TABLE trainee (id INTEGER PRIMARY KEY, training INTEGER NOT NULL REFERENCES training, name TEXT NOT NULL, audience"
    " TEXT, technician INTEGER REFERENCES technician, customer INTEGER REFERENCES customer, phone TEXT, email TEXT, code TEXT NOT"
    " NULL UNIQUE, invited_ms INTEGER, answer TEXT, answered_ms INTEGER, answered_by TEXT, present INTEGER, minutes INTEGER, exam"
    " TEXT, right_count INTEGER, of_count INTEGER, result TEXT, examined_ms INTEGER, examiner TEXT, UNIQUE (training, name));"
    "CREATE INDEX trainee_technician ON trainee (technician, id) WHERE technician IS NOT NULL;"
    "CREATE INDEX trainee_customer ON trainee (customer, id) WHERE customer IS NOT NULL;"
    "CREATE TABLE training_event (id INTEGER PRIMARY KEY, training INTEGER NOT NULL REFERENCES training, at_ms INTEGER NOT NULL,"
    " stored_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, state TEXT NOT NULL, action_id TEXT, note TEXT, data"
    " TEXT, UNIQUE (training, action_id));"
    "CREATE INDEX training_event_training ON training_event (training, id);"
    /* A course that somebody has passed: of a training here, or from a fleet file. type: what dispatch asks for. doc: as the
     * fleet file has it. */
    "CREATE TABLE course_taken (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, course TEXT NOT NULL, training INTEGER"
    " REFERENCES training, trainee INTEGER UNIQUE REFERENCES trainee, technician INTEGER REFERENCES technician, site INTEGER"
    " REFERENCES site, team INTEGER REFERENCES team, holder TEXT NOT NULL, audience TEXT, level TEXT NOT NULL, type TEXT,"
    " skill_level INTEGER, exam_due_day INTEGER, day INTEGER NOT NULL, valid_day INTEGER, warn_days INTEGER NOT NULL DEFAULT 30,"
    " right_count INTEGER, of_count INTEGER, issued_by TEXT, revoked_ms INTEGER, revoked_by TEXT, revoked_for TEXT, doc TEXT NOT"
    " NULL, version INTEGER NOT NULL DEFAULT 1);"
    "CREATE INDEX course_taken_technician ON course_taken (technician, id) WHERE technician IS NOT NULL;"
    "CREATE INDEX course_taken_site ON course_taken (site, id) WHERE site IS NOT NULL;"
    "CREATE INDEX course_taken_team ON course_taken (team, course, day) WHERE team IS NOT NULL;"
    "CREATE INDEX course_taken_course ON course_taken (course, id);"
    /* state: ready repair suspect lost retired. calibration, service: intervals as written, such as 12mo. valid_day: the last
     * day of the calibration; NULL: it needs none. doc: what the fleet file said last; as_now: the same form, as it is now. */
    "CREATE TABLE tool (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT, class TEXT NOT NULL, serial TEXT,"
    " technician INTEGER REFERENCES technician, depot INTEGER REFERENCES depot, state TEXT NOT NULL DEFAULT 'ready',"
    " calibration TEXT, calibrated_day INTEGER, valid_day INTEGER, certificate TEXT, service TEXT, serviced_day INTEGER,"
    " service_day INTEGER, warn_days INTEGER NOT NULL DEFAULT 30, doc TEXT, as_now TEXT NOT NULL, version INTEGER NOT NULL"
    " DEFAULT 1);"
    "CREATE INDEX tool_class ON tool (class, id);"
    "CREATE INDEX tool_technician ON tool (technician, id) WHERE technician IS NOT NULL;"
    "CREATE INDEX tool_valid ON tool (valid_day) WHERE valid_day IS NOT NULL;"
    "CREATE TABLE tool_event (id INTEGER PRIMARY KEY, tool INTEGER NOT NULL REFERENCES tool, at_ms INTEGER NOT NULL, stored_ms"
    " INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, action_id TEXT, note TEXT, data TEXT, UNIQUE (tool,"
    " action_id));"
    "CREATE INDEX tool_event_tool ON tool_event (tool, id);"
    /* What a step of an order was measured with, and by which calibration; recalled when the tool was found wrong since. */
    "CREATE TABLE tool_use (id INTEGER PRIMARY KEY, work_order INTEGER NOT NULL REFERENCES work_order, step TEXT NOT NULL, tool"
    " INTEGER NOT NULL REFERENCES tool, at_ms INTEGER NOT NULL, who TEXT NOT NULL, certificate TEXT, valid_day INTEGER,"
    " recall_ms INTEGER, settled_ms INTEGER, settled_by TEXT, settled_note TEXT, UNIQUE (work_order, step, tool));"
    "CREATE INDEX tool_use_tool ON tool_use (tool, at_ms);"
    "CREATE INDEX tool_use_listed ON tool_use (tool, id);"
    "CREATE INDEX tool_use_recall ON tool_use (tool, id) WHERE recall_ms IS NOT NULL AND settled_ms IS NULL;";
