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
    /* Late technicians: the end of the appointment that was looked at, and when it counts as late (NULL: it was told, or it
     * never will be). */
    "ALTER TABLE work_order ADD COLUMN late_seen_ms INTEGER;"
    "ALTER TABLE work_order ADD COLUMN late_at_ms INTEGER;"
    "CREATE INDEX work_order_promised ON work_order (to_ms) WHERE state IN ('assigned', 'accepted') AND COALESCE(late_seen_ms,"
    " 0) <> to_ms;"
    "CREATE INDEX work_order_late ON work_order (late_at_ms) WHERE late_at_ms IS NOT NULL;";
