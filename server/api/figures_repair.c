/* Repair and reliability. */
#include "server/api/figures.h"

#define RESTORED                                                                                   \
    " FROM ticket t LEFT JOIN equipment e ON e.id = t.equipment, span WHERE t.kind = 'fault' AND"   \
    " t.cleared_ms >= a AND t.cleared_ms < b "

static const struct figure list[] = {
    {"mttr", "mean time to restore", "h",
     "sum of (cleared - onset) / fault tickets cleared in the span, by grade", true,
     SPAN "SELECT 'grade ' || t.grade, t.number, e.name, t.fault, t.cleared_ms, (t.cleared_ms -"
          " t.onset_ms) / 3600000.0, 1" RESTORED "ORDER BY 1, 5"},
    {"mttr", "mean time to restore without pauses", "h",
     "sum of (cleared - onset - paused) / fault tickets cleared in the span, by grade", true,
     SPAN "SELECT 'grade ' || t.grade, t.number, e.name, t.fault, t.cleared_ms, (t.cleared_ms -"
          " t.onset_ms - COALESCE((SELECT SUM(MAX(0, MIN(COALESCE(p.to_ms, n), t.cleared_ms) -"
          " MAX(p.from_ms, t.onset_ms))) FROM pause p WHERE p.ticket = t.id), 0)) / 3600000.0, 1"
          RESTORED "ORDER BY 1, 5"},
    {"mtbf", "mean time between failures", "h",
     "hours watched in the span / alarms of grade 1 and 2 in it, over all equipment, also what never"
     " failed",
     true,
     SPAN "SELECT '', e.name, e.name, e.profile, NULL, MAX(0, MIN(b, n) - MAX(a, e.created_ms)) /"
          " 3600000.0, (SELECT COUNT(*) FROM alarm m WHERE m.equipment = e.id AND m.grade <= 2 AND"
          " m.onset_ms >= a AND m.onset_ms < b) FROM equipment e, span WHERE e.claimed = 1 ORDER BY"
          " e.id"},
    {"availability", "availability", "share",
     "hours without an alarm that reached grade 1 / hours watched in the span, by equipment; overlapping"
     " alarms count once",
     true,
     SPAN "SELECT e.name, e.name, e.name, e.profile, NULL, w.watched - COALESCE((SELECT SUM(MAX(0,"
          " MIN(u.to_ms, MIN(b, n)) - MAX(MAX(u.from_ms, COALESCE(u.before_ms, 0)), MAX(a, e.created_ms)))) FROM"
          " (SELECT m.onset_ms AS from_ms, COALESCE(m.cleared_ms, n) AS to_ms, MAX(COALESCE(m.cleared_ms,"
          " n)) OVER (ORDER BY m.onset_ms, m.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS"
          " before_ms FROM alarm m WHERE m.equipment = e.id AND m.grade = 1) u) / 3600000.0, 0), w.watched"
          " FROM (SELECT f.id, MAX(0, MIN(b, n) - MAX(a, f.created_ms)) / 3600000.0 AS watched FROM"
          " equipment f, span WHERE f.claimed = 1) w JOIN equipment e ON e.id = w.id, span WHERE w.watched"
          " > 0 ORDER BY e.name"},
    {"first-time-fix", "first-time fix", "share",
     "fault tickets cleared or closed in the span after one visit whose repair telemetry proved, never back or opened"
     " again / those with a visit whose repair it proved or disproved; without an alarm the finished orders count",
     true,
     SPAN "SELECT '', t.number, e.name, t.fault, COALESCE(t.closed_ms, t.cleared_ms), CASE WHEN (SELECT"
          " COUNT(*) FROM work_order w WHERE w.ticket = t.id AND w.kind = 'corrective' AND w.state IN"
          " ('done', 'verified', 'closed')) = 1 AND NOT EXISTS (SELECT 1 FROM repair r WHERE r.ticket = t.id AND r.outcome ="
          " 'false') AND NOT EXISTS (SELECT 1 FROM ticket_event v WHERE v.ticket = t.id AND v.action IN"
          " ('reopen', 'relapse')) THEN 1 ELSE 0 END, 1 FROM ticket t LEFT JOIN equipment e ON e.id = t.equipment, span"
          " WHERE t.kind = 'fault' AND COALESCE(t.closed_ms, t.cleared_ms) >= a AND"
          " COALESCE(t.closed_ms, t.cleared_ms) < b AND EXISTS (SELECT 1 FROM work_order w WHERE"
          " w.ticket = t.id AND w.kind = 'corrective' AND w.state IN ('done', 'verified', 'closed')) AND (NOT EXISTS (SELECT 1"
          " FROM alarm m WHERE m.ticket = t.id) OR EXISTS (SELECT 1 FROM repair r WHERE r.ticket = t.id AND r.work_order IS"
          " NOT NULL AND r.outcome IN ('proved', 'false'))) ORDER BY 5"},
};

const struct figures figures_repair = {list, sizeof(list) / sizeof(list[0])};
