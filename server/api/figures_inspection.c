/* Inspections by the checklist: what was owed, done, found and delivered. */
#include "server/api/figures.h"

static const struct figure list[] = {
    {"inspections", "equipment inspected remotely", "share",
     "equipment with a remote inspection that was done in the span / equipment of the fleet (S0-09)", true,
     SPAN "SELECT '', e.name, e.name, e.profile, x.at, CASE WHEN x.at IS NULL THEN 0 ELSE 1 END, 1 FROM"
          " equipment e LEFT JOIN (SELECT i.equipment AS id, MAX(i.done_ms) AS at FROM inspection i, span"
          " WHERE i.done_ms >= a AND i.done_ms < b GROUP BY i.equipment) x ON x.id = e.id, span WHERE"
          " e.claimed = 1 ORDER BY e.name"},
    {"inspections", "monthly inspections done in their month", "share",
     "remote inspections owed for a period that ended in the span and done before its end / all that were owed for it (S0-09;"
     " a missed month is a 0)",
     true,
     SPAN "SELECT '', i.number, e.name, CASE WHEN k.met_ms IS NULL THEN 'missed' WHEN k.met_ms > k.until_ms THEN 'late' ELSE"
          " 'done' END, k.until_ms, CASE WHEN k.met_ms <= k.until_ms THEN 1 ELSE 0 END, 1 FROM clock k JOIN equipment e ON e.id ="
          " k.subject_id LEFT JOIN inspection i ON i.equipment = e.id AND i.done_ms = k.met_ms, span WHERE k.subject ="
          " 'equipment' AND k.kind = 'remote_inspection' AND k.cancelled_ms IS NULL AND k.until_ms > a AND k.until_ms <= b AND"
          " k.until_ms <= n ORDER BY 5, k.id"},
    {"inspections", "reports delivered in time", "share",
     "reports of inspections done in the span that all their readers had by then / those with a promise that ended or was kept"
     " (S0-121)",
     true,
     SPAN "SELECT '', i.number, e.name, CASE WHEN k.breached_ms IS NOT NULL THEN 'late' ELSE 'in time' END, k.started_ms, CASE"
          " WHEN k.breached_ms IS NULL THEN 1 ELSE 0 END, 1 FROM clock k JOIN inspection i ON i.id = k.subject_id JOIN equipment"
          " e ON e.id = i.equipment, span WHERE k.subject = 'inspection' AND k.kind = 'inspection_report' AND k.cancelled_ms IS"
          " NULL AND (k.met_ms IS NOT NULL OR k.breached_ms IS NOT NULL) AND k.started_ms >= a AND k.started_ms < b ORDER BY 5,"
          " k.id"},
    {"inspections", "lines that failed", "lines", "count of failed lines of inspections done in the span, by line (S0-10)", false,
     SPAN "SELECT l.line, i.number, e.name, COALESCE(t.number, 'no ticket'), i.done_ms, 1, 1 FROM inspection i JOIN"
          " inspection_line l ON l.inspection = i.id JOIN equipment e ON e.id = i.equipment LEFT JOIN ticket t ON t.id ="
          " l.ticket, span WHERE l.verdict = 'fail' AND i.done_ms >= a AND i.done_ms < b ORDER BY 1, 5, i.id"},
    {"inspections", "answered by telephone", "share",
     "monthly inspections of the span that a person did by telephone / monthly inspections done (S0-12)", true,
     SPAN "SELECT '', i.number, e.name, COALESCE(i.spoke_with, 'telemetry'), i.done_ms, CASE WHEN i.spoke_with IS NULL THEN 0"
          " ELSE 1 END, 1 FROM inspection i JOIN equipment e ON e.id = i.equipment, span WHERE i.way = 'month' AND i.done_ms >= a"
          " AND i.done_ms < b ORDER BY 5, i.id"},
};

const struct figures figures_inspection = {list, sizeof(list) / sizeof(list[0])};
