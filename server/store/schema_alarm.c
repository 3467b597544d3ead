/*
 * Alarms beside their rows: what has happened to them, what hides them, and what people were told. Who was told of what is
 * decided by models/service/announce and written down here, whichever way it went.
 */
#include "server/store/schema_int.h"

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_alarm[] =
    /* The life of an alarm, a line a step; at_ms in its own time, stored_ms in ours. outcome, reason: of a decision. */
    "CREATE TABLE alarm_event (id INTEGER PRIMARY KEY, alarm INTEGER NOT NULL REFERENCES alarm, at_ms INTEGER"
    " NOT NULL, stored_ms INTEGER NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, outcome TEXT, reason TEXT,"
    " action_id TEXT, note TEXT, data TEXT);"
    "CREATE INDEX alarm_line ON alarm_event (alarm, id);"
    "CREATE UNIQUE INDEX alarm_act ON alarm_event (alarm, action_id) WHERE action_id IS NOT NULL;"
    /*
     * What a dispatcher's position was to be told: alarm, link or clock, announced or grouped into its area; and area,
     * which stands for many. Held for another reason: a row only for links, whose alarm is the ticket itself.
     */
    "CREATE TABLE announcement (id INTEGER PRIMARY KEY, position TEXT NOT NULL, area TEXT NOT NULL, at_ms INTEGER"
    " NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT, grade INTEGER, alarm INTEGER, ticket"
    " INTEGER, flood INTEGER);"
    "CREATE INDEX announcement_told ON announcement (position, at_ms) WHERE outcome = 'announced';"
    "CREATE INDEX announcement_came ON announcement (position, at_ms) WHERE kind <> 'area';"
    "CREATE INDEX announcement_alarm ON announcement (alarm) WHERE alarm IS NOT NULL;"
    "CREATE INDEX announcement_ticket ON announcement (ticket) WHERE ticket IS NOT NULL;"
    /* A flood of a position, under the numbers that held when it began (fall: fewer items end it); next_ms: when it is looked at again;
     * up_…: steps of escalations that were not told one by one, for those above, who get one digest. */
    "CREATE TABLE flood (id INTEGER PRIMARY KEY, position TEXT NOT NULL, from_ms INTEGER NOT NULL, ended_ms INTEGER,"
    " most INTEGER NOT NULL, fall INTEGER NOT NULL, span_ms INTEGER NOT NULL, gather_ms INTEGER NOT NULL, next_ms"
    " INTEGER NOT NULL, up_from_ms INTEGER, up_told_ms INTEGER, up_to INTEGER NOT NULL DEFAULT 0, up_steps INTEGER NOT NULL"
    " DEFAULT 0, up_grade_1 INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX flood_open ON flood (position) WHERE ended_ms IS NULL;"
    "CREATE TABLE flood_area (flood INTEGER NOT NULL REFERENCES flood, area TEXT NOT NULL, first_ms INTEGER NOT NULL,"
    " grade_1 INTEGER NOT NULL DEFAULT 0, grade_2 INTEGER NOT NULL DEFAULT 0, grade_3 INTEGER NOT NULL DEFAULT 0,"
    " told_ms INTEGER, PRIMARY KEY (flood, area));"
    /* Put aside by a person: kind shelved (until_ms) or out_of_service (until_ms NULL). role: who allowed it. */
    "CREATE TABLE shelf (id INTEGER PRIMARY KEY, equipment INTEGER NOT NULL REFERENCES equipment, fault TEXT NOT NULL,"
    " kind TEXT NOT NULL, from_ms INTEGER NOT NULL, until_ms INTEGER, reason TEXT NOT NULL, note TEXT, who TEXT NOT"
    " NULL, role TEXT NOT NULL, grade INTEGER NOT NULL, ended_ms INTEGER, ended_by TEXT);"
    "CREATE UNIQUE INDEX shelf_open ON shelf (equipment, fault, kind) WHERE ended_ms IS NULL;"
    "CREATE INDEX shelf_due ON shelf (until_ms) WHERE ended_ms IS NULL;"
    /*
     * Windows (`window` is a word of SQL's own): maintenance and planned_change keep alarms from people, guard keeps
     * nothing small from them. begun_ms, done_ms: their edges were noticed.
     */
    "CREATE TABLE service_window (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL CHECK (kind IN"
    " ('maintenance', 'planned_change', 'guard')), from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, equipment INTEGER"
    " REFERENCES equipment, site INTEGER REFERENCES site, agent INTEGER REFERENCES agent, reason TEXT NOT NULL,"
    " who TEXT NOT NULL, created_ms INTEGER NOT NULL, ended_ms INTEGER, ended_by TEXT, begun_ms INTEGER, done_ms INTEGER,"
    " version INTEGER NOT NULL DEFAULT 1, CHECK (to_ms > from_ms));"
    "CREATE INDEX service_window_open ON service_window (kind, from_ms) WHERE done_ms IS NULL;"
    "CREATE INDEX service_window_kind ON service_window (kind, id);"
    "CREATE INDEX service_window_left ON service_window (id) WHERE done_ms IS NULL;"
    "CREATE INDEX service_window_equipment ON service_window (equipment, id) WHERE equipment IS NOT NULL;"
    "CREATE INDEX service_window_site ON service_window (site, id) WHERE site IS NOT NULL;"
    "CREATE INDEX service_window_agent ON service_window (agent, id) WHERE agent IS NOT NULL;"
    "CREATE TABLE service_window_event (id INTEGER PRIMARY KEY, service_window INTEGER NOT NULL REFERENCES service_window,"
    " at_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, action_id TEXT, data TEXT);"
    "CREATE UNIQUE INDEX service_window_act ON service_window_event (service_window, action_id) WHERE action_id IS NOT"
    " NULL;";
