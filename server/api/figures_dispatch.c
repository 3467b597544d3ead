/* Who has it, who pushes it on, and what had to go up to leadership. */
#include "server/api/figures.h"

static const struct figure list[] = {
    {"dispatch", "refusals", "refusals", "count of assignments refused in the span, by team and reason", false,
     SPAN "SELECT COALESCE(m.name, 'the desk') || ', ' || COALESCE(g.reason, 'no reason'), t.number, e.name, g.words,"
          " g.refused_ms, 1, 1 FROM assignment g JOIN ticket t ON t.id = g.ticket LEFT JOIN team m ON m.id = g.team"
          " LEFT JOIN equipment e ON e.id = t.equipment, span WHERE g.refused_ms >= a AND g.refused_ms < b ORDER BY"
          " 1, 5"},
    {"dispatch", "bounces a ticket", "refusals and hand-overs",
     "assignments refused or handed over / tickets with an assignment in the span", true,
     SPAN "SELECT SUBSTR(" BY ", 3), t.number, e.name, t.fault, MIN(g.asked_ms), SUM(CASE WHEN g.refused_ms IS NOT NULL"
          " OR g.handed_over = 1 THEN 1 ELSE 0 END), 1 FROM assignment g JOIN ticket t ON t.id = g.ticket LEFT JOIN"
          " equipment e ON e.id = t.equipment, span WHERE g.asked_ms >= a AND g.asked_ms < b GROUP BY 1, t.id, t.number,"
          " e.name, t.fault ORDER BY 1, 5"},
    {"dispatch", "mean time to accept", "min",
     "sum of (accepted - asked) / assignments accepted in the span, by team", true,
     SPAN "SELECT COALESCE(m.name, 'the desk'), t.number, e.name, h.name, g.accepted_ms, (g.accepted_ms - g.asked_ms) /"
          " 60000.0, 1 FROM assignment g JOIN ticket t ON t.id = g.ticket LEFT JOIN team m ON m.id = g.team LEFT JOIN"
          " technician h ON h.id = g.technician LEFT JOIN equipment e ON e.id = t.equipment, span WHERE g.accepted_ms >="
          " a AND g.accepted_ms < b ORDER BY 1, 5"},
    {"escalations", "escalations", "escalations", "count of escalations told in the span, by condition", false,
     SPAN "SELECT x.condition, x.number, e.name, t.number, x.told_ms, 1, 1 FROM escalation x JOIN ticket t ON t.id ="
          " x.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE x.told_ms >= a AND x.told_ms < b ORDER BY"
          " 1, 5"},
    {"escalations", "mean time to an end", "h",
     "sum of (ended - told) / escalations that were told and ended in the span, by condition", true,
     SPAN "SELECT x.condition, x.number, e.name, x.outcome, x.closed_ms, (x.closed_ms - x.told_ms) / 3600000.0, 1 FROM"
          " escalation x JOIN ticket t ON t.id = x.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE"
          " x.told_ms IS NOT NULL AND x.closed_ms >= a AND x.closed_ms < b ORDER BY 1, 5"},
    {"escalations", "open now", "escalations", "count of escalations that were told and have not ended", false,
     SPAN "SELECT x.condition, x.number, e.name, t.number, x.told_ms, 1, 1 FROM escalation x JOIN ticket t ON t.id ="
          " x.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE x.closed_ms IS NULL AND x.told_ms IS NOT"
          " NULL ORDER BY 1, 5"},
    {"hours", "hours of work", "h", "sum of time entries that begin in the span, by person and kind", false,
     SPAN "SELECT r.person || ', ' || r.kind, w.number, e.name, r.note, r.from_ms, (r.to_ms - r.from_ms) / 3600000.0, 1"
          " FROM work_time r JOIN work_order w ON w.id = r.work_order LEFT JOIN equipment e ON e.id = w.equipment, span"
          " WHERE r.from_ms >= a AND r.from_ms < b ORDER BY 1, 5"},
};

const struct figures figures_dispatch = {list, sizeof(list) / sizeof(list[0])};
