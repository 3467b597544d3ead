/* Tables of what goes its round by itself: inspections on site, reports that wait for a person's word, registrations. */
#include "server/store/schema_int.h"

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_rounds[] =
    /* without it every component of the fleet is held against every part for what fits it */
    "CREATE INDEX part_fit_class ON part_fit (component) WHERE profile IS NULL;"
    /* When what is owed on site becomes a work order, duty by duty. due_ms NULL: it has become one, or need not any more. */
    "CREATE TABLE onsite_due (clock INTEGER PRIMARY KEY REFERENCES clock, equipment INTEGER NOT NULL REFERENCES equipment,"
    " due_ms INTEGER);"
    "CREATE INDEX onsite_due_at ON onsite_due (due_ms) WHERE due_ms IS NOT NULL;"
    /* 1: the repair is settled only when its old part was assessed, as the plan said when the part was taken out */
    "ALTER TABLE voucher ADD COLUMN settles_late INTEGER NOT NULL DEFAULT 0;"
    /* How many persons approve a report before anybody has it, and who did. */
    "ALTER TABLE inspection_report ADD COLUMN approvals INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE inspection_report ADD COLUMN approved_ms INTEGER;"
    "CREATE TABLE inspection_approval (inspection INTEGER NOT NULL REFERENCES inspection, who TEXT NOT NULL, at_ms INTEGER NOT"
    " NULL, note TEXT, PRIMARY KEY (inspection, who));"
    "ALTER TABLE paper ADD COLUMN approvals INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE equipment ADD COLUMN first_seen_ms INTEGER;"
    "CREATE TABLE paper_approval (paper INTEGER NOT NULL REFERENCES paper, who TEXT NOT NULL, at_ms INTEGER NOT NULL, note TEXT,"
    " PRIMARY KEY (paper, who));"
    /* A warranty that the first telemetry registers: clock is the duty that it meets, evidence (JSON) what it was made from. */
    "CREATE TABLE registration (equipment INTEGER PRIMARY KEY REFERENCES equipment, state TEXT NOT NULL CHECK (state IN"
    " ('waiting', 'connected', 'confirmed', 'refused')), clock INTEGER NOT NULL REFERENCES clock, first_ms INTEGER, evidence"
    " TEXT, decided_ms INTEGER, decided_by TEXT, note TEXT, action_id TEXT, version INTEGER NOT NULL DEFAULT 1);"
    "CREATE INDEX registration_state ON registration (state, equipment);";
