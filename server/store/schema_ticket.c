/* Tickets beside their own row: who decided which classification, lists, callers' numbers. */
#include "server/store/schema_int.h"

const char schema_ticket[] =
    /* The seven classifications; the last row of a field that was not overtaken counts. person: 1 when one said it;
     * overtaken: 1 when a younger word of a person was there already when this one came. */
    "CREATE TABLE ticket_class (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket,"
    " field TEXT NOT NULL, value TEXT NOT NULL, person INTEGER NOT NULL, who TEXT NOT NULL,"
    " reason TEXT NOT NULL, at_ms INTEGER NOT NULL, overtaken INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX ticket_class_ticket ON ticket_class (ticket, id);"
    "CREATE INDEX ticket_rank ON ticket (rank_ms, id) WHERE closed_ms IS NULL;"
    "CREATE INDEX ticket_parent ON ticket (parent, id) WHERE parent IS NOT NULL;"
    "CREATE INDEX ticket_caller ON ticket (caller_key, id) WHERE closed_ms IS NULL AND caller_key IS NOT"
    " NULL;"
    "CREATE INDEX ticket_missing ON ticket (id) WHERE closed_ms IS NULL AND missing IS NOT NULL;"
    /* The last eight digits of a customer's telephone number. */
    "CREATE TABLE customer_phone (tail TEXT NOT NULL, customer INTEGER NOT NULL REFERENCES customer,"
    " PRIMARY KEY (tail, customer));";
