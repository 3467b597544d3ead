/* Alarm load after ISA-18.2. */
#include "server/api/figures.h"

static const struct figure list[] = {
    {"alarm-load", "alarms", "alarms", "count of alarms registered in the span, by grade", false,
     SPAN "SELECT 'grade ' || m.grade, t.number, e.name, m.fault, m.registered_ms, 1, 1 FROM alarm m"
          " JOIN equipment e ON e.id = m.equipment LEFT JOIN ticket t ON t.id = m.ticket, span WHERE"
          " m.registered_ms >= a AND m.registered_ms < b ORDER BY 1, 5"},
    {"alarm-load", "alarms an hour", "1/h", "alarms registered in the span / its hours until now", true,
     SPAN "SELECT '', NULL, NULL, 'alarms in hours', a, (SELECT COUNT(*) FROM alarm m WHERE"
          " m.registered_ms >= a AND m.registered_ms < b), MAX(3600000, MIN(b, n) - a) / 3600000.0 FROM"
          " span"},
    {"alarm-load", "share of the ten most frequent", "share",
     "alarms of the ten most frequent (equipment, fault) / all alarms of the span", true,
     SPAN "SELECT '', NULL, x.name, x.fault, NULL, CASE WHEN x.place <= 10 THEN x.many ELSE 0 END, x.many"
          " FROM (SELECT e.name, m.fault, COUNT(*) AS many, ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC,"
          " e.id, m.fault) AS place FROM alarm m JOIN equipment e ON e.id = m.equipment, span WHERE"
          " m.registered_ms >= a AND m.registered_ms < b GROUP BY e.id, m.fault) x, span ORDER BY"
          " x.place"},
    {"alarm-load", "floods", "periods", "count of 10-minute periods with more than 10 alarms", false,
     SPAN "SELECT '', NULL, NULL, COUNT(*) || ' alarms', m.registered_ms / 600000 * 600000, 1, 1 FROM"
          " alarm m, span WHERE m.registered_ms >= a AND m.registered_ms < b GROUP BY m.registered_ms /"
          " 600000 HAVING COUNT(*) > 10 ORDER BY 5"},
    {"alarm-load", "stale alarms", "alarms", "count of alarms active for more than 24 h now", false,
     SPAN "SELECT '', t.number, e.name, m.fault, m.onset_ms, 1, 1 FROM alarm m JOIN equipment e ON e.id ="
          " m.equipment LEFT JOIN ticket t ON t.id = m.ticket, span WHERE m.cleared_ms IS NULL AND"
          " m.onset_ms < n - 86400000 ORDER BY 5"},
    {"alarm-load", "told an hour", "1/h",
     "items told to a dispatcher's position in the span / its hours until now (acceptable about 6, at most 12)", true,
     SPAN "SELECT x.position, NULL, NULL, 'items in hours', a, COUNT(*), MAX(3600000, MIN(b, n) - a) / 3600000.0 FROM"
          " announcement x, span WHERE x.outcome = 'announced' AND x.at_ms >= a AND x.at_ms < b GROUP BY x.position, a, b,"
          " n ORDER BY 1"},
    {"alarm-load", "told in 10 minutes", "items",
     "items told to a position / 10-minute periods in which any was told, in the span (acceptable about 1, at most 2)",
     true,
     SPAN "SELECT x.position, NULL, NULL, COUNT(*) || ' items', x.at_ms / 600000 * 600000, COUNT(*), 1 FROM announcement"
          " x, span WHERE x.outcome = 'announced' AND x.at_ms >= a AND x.at_ms < b GROUP BY x.position, x.at_ms / 600000"
          " ORDER BY 1, 5"},
    {"alarm-load", "told a day", "1/d",
     "items told to a position in the span / its days until now (acceptable about 150, at most 300)", true,
     SPAN "SELECT x.position, NULL, NULL, 'items in days', a, COUNT(*), MAX(3600000, MIN(b, n) - a) / 86400000.0 FROM"
          " announcement x, span WHERE x.outcome = 'announced' AND x.at_ms >= a AND x.at_ms < b GROUP BY x.position, a, b,"
          " n ORDER BY 1"},
    {"alarm-load", "time in flood", "share",
     "hours in which a position was told areas instead of devices / hours of the span until now (below 0.01)", true,
     SPAN "SELECT f.position, NULL, NULL, 'more than ' || f.most || ' items', f.from_ms, SUM(MAX(0,"
          " MIN(COALESCE(f.ended_ms, n), MIN(b, n)) - MAX(f.from_ms, a))) / 3600000.0, MAX(3600000, MIN(b, n) - a) /"
          " 3600000.0 FROM flood f, span WHERE f.from_ms < b AND COALESCE(f.ended_ms, n) > a GROUP BY f.position, f.most,"
          " f.from_ms, a, b, n ORDER BY 1, 5"},
    {"alarm-load", "kept from people", "alarms",
     "count of alarms whose decision in the span was not to tell, by reason", false,
     SPAN "SELECT COALESCE(v.reason, ''), t.number, e.name, m.fault, v.stored_ms, 1, 1 FROM alarm_event v JOIN alarm m ON"
          " m.id = v.alarm JOIN equipment e ON e.id = m.equipment LEFT JOIN ticket t ON t.id = m.ticket, span WHERE"
          " v.outcome = 'held' AND v.stored_ms >= a AND v.stored_ms < b ORDER BY 1, 5"},
    {"alarm-load", "split by grade", "share",
     "items of a grade / all items told in the span (grades 3, 2, 1: about 0.80, 0.15, 0.05)", true,
     SPAN "SELECT 'grade ' || y.grade, NULL, NULL, 'items', NULL, (SELECT COUNT(*) FROM announcement x WHERE x.outcome ="
          " 'announced' AND x.at_ms >= a AND x.at_ms < b AND x.grade = y.grade), (SELECT COUNT(*) FROM announcement x"
          " WHERE x.outcome = 'announced' AND x.at_ms >= a AND x.at_ms < b AND x.grade IS NOT NULL) FROM (SELECT 1 AS"
          " grade UNION SELECT 2 UNION SELECT 3) y, span ORDER BY 1"},
    {"alarm-load", "put aside", "alarms",
     "count of alarms shelved or taken out of service in the span, by who allowed it", false,
     SPAN "SELECT s.kind || ', ' || s.role, NULL, e.name, s.fault || ': ' || s.reason, s.from_ms, 1, 1 FROM shelf s JOIN"
          " equipment e ON e.id = s.equipment, span WHERE s.from_ms >= a AND s.from_ms < b ORDER BY 1, 5"},
    {"alarm-load", "put aside without right", "alarms",
     "count of alarms shelved or taken out of service in the span by a role that may not (must be 0)", false,
     SPAN "SELECT s.role, NULL, e.name, s.fault, s.from_ms, 1, 1 FROM shelf s JOIN equipment e ON e.id = s.equipment, span"
          " WHERE s.role NOT IN ('dispatcher', 'manager', 'admin', 'server') AND s.from_ms >= a AND s.from_ms < b ORDER BY"
          " 1, 5"},
};

const struct figures figures_alarm = {list, sizeof(list) / sizeof(list[0])};
