/* Tables of the company's relation to its customers: the ways by which they and the staff are told. */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_relation[] =
    /* Each way that notices leave by: when it last worked, since when it fails (NULL: it works), when it was told of as
     * lost (NULL: it is not). All mail is one way, target ''. */
    "CREATE TABLE notice_way (id INTEGER PRIMARY KEY, channel TEXT NOT NULL, target TEXT NOT NULL, tried_ms INTEGER NOT NULL,"
    " ok_ms INTEGER, failing_ms INTEGER, lost_ms INTEGER, UNIQUE (channel, target));"
    /* What a customer does not want to be told: topics of the catalogue of notices. */
    "CREATE TABLE opt_out (customer INTEGER NOT NULL REFERENCES customer, topic TEXT NOT NULL, at_ms INTEGER NOT NULL, who"
    " TEXT NOT NULL, PRIMARY KEY (customer, topic));"
    /* Who was asked what he thinks, and what he said: scores 1 … 5. code: whoever has it may answer. */
    "CREATE TABLE survey (id INTEGER PRIMARY KEY, ticket INTEGER REFERENCES ticket, contract INTEGER REFERENCES contract,"
    " customer INTEGER NOT NULL REFERENCES customer, site INTEGER REFERENCES site, plan TEXT NOT NULL, code TEXT NOT NULL"
    " UNIQUE, asked_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, occurrence INTEGER NOT NULL, answered_ms INTEGER, attitude"
    " INTEGER, quality INTEGER, speed INTEGER, comment TEXT, channel TEXT, who TEXT);"
    "CREATE UNIQUE INDEX survey_ticket ON survey (ticket) WHERE ticket IS NOT NULL;"
    "CREATE UNIQUE INDEX survey_contract ON survey (contract, occurrence) WHERE contract IS NOT NULL;"
    "CREATE INDEX survey_open ON survey (id) WHERE answered_ms IS NULL;"
    "CREATE INDEX survey_customer ON survey (customer, id);"
    "CREATE INDEX survey_asked ON survey (asked_ms);"
    "ALTER TABLE ticket ADD COLUMN survey_ms INTEGER;" /* when its customer is asked; NULL: not, or he was */
    "CREATE INDEX ticket_survey ON ticket (survey_ms) WHERE survey_ms IS NOT NULL;"
    /* Late technicians: the end of the appointment that was looked at, and when it counts as late (NULL: it was told, or it
     * never will be). */
    "ALTER TABLE work_order ADD COLUMN late_seen_ms INTEGER;"
    "ALTER TABLE work_order ADD COLUMN late_at_ms INTEGER;"
    /* || '': else SQLite takes the index of states for it, and looks at all of them */
    "CREATE INDEX work_order_promised ON work_order (to_ms) WHERE state || '' IN ('assigned', 'accepted') AND"
    " COALESCE(late_seen_ms, 0) <> to_ms;"
    "CREATE INDEX work_order_late ON work_order (late_at_ms) WHERE late_at_ms IS NOT NULL;";
