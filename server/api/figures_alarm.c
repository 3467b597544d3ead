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
};

const struct figures figures_alarm = {list, sizeof(list) / sizeof(list[0])};
