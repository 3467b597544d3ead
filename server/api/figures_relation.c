/* Complaints, questionnaires, improvements; what a look on site has helped. */
#include "server/api/figures.h"

#define COMPLAINTS " FROM complaint c LEFT JOIN equipment e ON e.id = c.equipment LEFT JOIN team m ON m.id = c.team, span "
#define IN_SPAN    "c.registered_ms >= a AND c.registered_ms < b ORDER BY 1, 5"
#define TEAM       "COALESCE(m.name, 'no team')"

static const struct figure list[] = {
    {"complaints", "complaints and feedback", "cases", "count of those registered in the span, by kind and nature", false,
     SPAN "SELECT c.kind || ', ' || COALESCE(c.nature, 'not classified'), c.number, e.name, c.severity, c.registered_ms, 1, 1"
         COMPLAINTS "WHERE " IN_SPAN},
    {"complaints", "tickets of kind complaint", "tickets", "count of tickets of kind complaint registered in the span, by state", false,
     SPAN "SELECT t.state, t.number, e.name, t.title_en, t.registered_ms, 1, 1 FROM ticket t LEFT JOIN equipment e ON e.id"
          " = t.equipment, span WHERE t.kind = 'complaint' AND t.registered_ms >= a AND t.registered_ms < b ORDER BY 1,"
          " 5"},
    {"complaints", "complaints by team", "cases", "count of complaints registered in the span, by the team complained of", false,
     SPAN "SELECT " TEAM ", c.number, e.name, c.nature, c.registered_ms, 1, 1" COMPLAINTS "WHERE c.kind = 'complaint' AND"
          " " IN_SPAN},
    {"complaints", "done in time", "share",
     "clocks of complaints and feedback met in time / those met or missed in the span, by kind of clock", true,
     SPAN "SELECT k.kind, c.number, NULL, k.limit_text, COALESCE(k.breached_ms, k.met_ms), CASE WHEN k.breached_ms IS NULL THEN 1"
          " ELSE 0 END, 1 FROM clock k CROSS JOIN complaint c, span WHERE k.subject = 'complaint' AND c.id = k.subject_id AND"
          " k.cancelled_ms IS NULL AND COALESCE(k.breached_ms, k.met_ms) >= a AND COALESCE(k.breached_ms, k.met_ms) < b ORDER BY 1,"
          " 5"},
    {"complaints", "justified", "share", "complaints found justified or partly so / those with a finding, registered in the span",
     true,
     SPAN "SELECT " TEAM ", c.number, e.name, c.finding, c.registered_ms, CASE c.finding WHEN 'unjustified' THEN 0 ELSE 1 END, 1"
         COMPLAINTS "WHERE c.kind = 'complaint' AND c.finding IS NOT NULL AND " IN_SPAN},
    {"complaints", "accepted", "share",
     "answers that the customer accepted / answers that he said something about, registered in the span", true,
     SPAN "SELECT c.kind, c.number, e.name, c.opinion, c.registered_ms, c.accepted, 1" COMPLAINTS "WHERE c.accepted IS NOT NULL"
          " AND " IN_SPAN},
    {"complaints", "repeated", "share",
     "complaints before which the same customer had complained of the same nature within 365 days / classified complaints"
     " registered in the span",
     true,
     SPAN "SELECT c.nature, c.number, e.name, NULL, c.registered_ms, CASE WHEN EXISTS (SELECT 1 FROM complaint o WHERE o.customer"
          " = c.customer AND o.id < c.id AND o.kind = 'complaint' AND o.nature = c.nature AND o.registered_ms >= c.registered_ms"
          " - 31536000000) THEN 1 ELSE 0 END, 1" COMPLAINTS "WHERE c.kind = 'complaint' AND c.nature IS NOT NULL AND " IN_SPAN},
    {"questionnaires", "answered", "share", "questionnaires answered / those sent in the span", true,
     SPAN "SELECT q.plan, CAST(q.id AS TEXT), NULL, n.name, q.asked_ms, CASE WHEN q.answered_ms IS NULL THEN 0 ELSE 1 END, 1 FROM"
          " questionnaire q JOIN contract n ON n.id = q.contract, span WHERE q.asked_ms >= a AND q.asked_ms < b ORDER BY 1, 5"},
    {"questionnaires", "answers", "answers", "count of answers given in the span, by question and answer; texts are not told apart",
     false,
     SPAN "SELECT l.question || ': ' || CASE l.kind WHEN 'text' THEN 'text' ELSE l.answer END, CAST(q.id AS TEXT), e.name,"
          " l.answer, q.answered_ms, 1, 1 FROM questionnaire q JOIN questionnaire_line l ON l.questionnaire = q.id LEFT JOIN"
          " equipment e ON e.id = l.equipment, span WHERE q.answered_ms >= a AND q.answered_ms < b AND l.answer IS NOT NULL ORDER"
          " BY 1, 5"},
    {"questionnaires", "corrected", "share",
     "answers that differ from what telemetry said / answers to questions that were filled in, given in the span", true,
     SPAN "SELECT l.question, CAST(q.id AS TEXT), e.name, l.found || ' -> ' || l.answer, q.answered_ms, CASE WHEN l.found ="
          " l.answer THEN 0 ELSE 1 END, 1 FROM questionnaire q JOIN questionnaire_line l ON l.questionnaire = q.id LEFT JOIN"
          " equipment e ON e.id = l.equipment, span WHERE q.answered_ms >= a AND q.answered_ms < b AND l.found IS NOT NULL AND"
          " l.answer IS NOT NULL ORDER BY 1, 5"},
    {"improvements", "opened", "items", "count of improvements opened in the span, by where they come from", false,
     SPAN "SELECT i.source, i.number, NULL, i.title, i.created_ms, 1, 1 FROM improvement i, span WHERE i.created_ms >= a AND"
          " i.created_ms < b ORDER BY 1, 5"},
    {"improvements", "done in time", "share", "improvements done by their date / those due in the span", true,
     SPAN "SELECT i.source, i.number, NULL, i.owner, i.due_ms, CASE WHEN i.done_ms <= i.due_ms THEN 1 ELSE 0 END, 1 FROM"
          " improvement i, span WHERE i.due_ms >= a AND i.due_ms < b AND i.state <> 'dropped' ORDER BY 1, 5"},
    {"improvements", "effective", "share", "improvements found effective / those looked at again in the span", true,
     SPAN "SELECT i.source, i.number, NULL, i.effect, v.at_ms, CASE i.state WHEN 'effective' THEN 1 ELSE 0 END, 1 FROM improvement"
          " i JOIN improvement_event v ON v.improvement = i.id AND v.action = 'check', span WHERE v.at_ms >= a AND v.at_ms < b"
          " ORDER BY 1, 5"},
    /* S0-118 */
    {"prevention", "faults around a look on site", "faults",
     "fault tickets of the equipment in the 90 days before and after an inspection or a visit on site, by looks whose 90 days"
     " ended in the span",
     true,
     SPAN "SELECT h.half, w.number, e.name, w.kind, v.at_ms, (SELECT COUNT(*) FROM ticket t WHERE t.equipment = w.equipment AND"
          " t.kind = 'fault' AND t.registered_ms >= v.at_ms - h.back AND t.registered_ms < v.at_ms + h.ahead), 1 FROM work_event"
          " v JOIN work_order w ON w.id = v.work_order LEFT JOIN equipment e ON e.id = w.equipment CROSS JOIN (SELECT 'before' AS"
          " half, 7776000000 AS back, 0 AS ahead UNION ALL SELECT 'after', 0, 7776000000) AS h, span WHERE v.action = 'finish'"
          " AND v.at_ms >= a - 7776000000 AND v.at_ms < b - 7776000000 AND w.kind IN ('inspection', 'preventive') AND w.equipment"
          " IS NOT NULL ORDER BY 1, 5"},
    /* S0-133: dealer against centre */
    {"register", "entries without a record", "entries",
     "count of entries that a team keeps and that name no ticket and no complaint of the centre, in the span, by team", false,
     SPAN "SELECT m.name, CAST(x.id AS TEXT), e.name, x.content, x.at_ms, 1, 1 FROM service_entry x JOIN team m ON m.id ="
          " x.kept_by LEFT JOIN equipment e ON e.id = x.equipment, span WHERE x.ticket IS NULL AND x.complaint IS NULL AND x.at_ms"
          " >= a AND x.at_ms < b ORDER BY 1, 5"},
    {"register", "visits without an entry", "visits",
     "count of orders with a ticket that a team of dealers finished in the span and has no entry about, by team; teams that keep"
     " no register are left out",
     false,
     SPAN "SELECT m.name, w.number, e.name, w.kind, v.at_ms, 1, 1 FROM work_event v JOIN work_order w ON w.id = v.work_order JOIN"
          " team m ON m.id = w.team LEFT JOIN equipment e ON e.id = w.equipment, span WHERE v.action = 'finish' AND v.at_ms >= a"
          " AND v.at_ms < b AND w.ticket IS NOT NULL AND EXISTS (SELECT 1 FROM service_entry x WHERE x.kept_by = w.team) AND NOT"
          " EXISTS (SELECT 1 FROM service_entry x WHERE x.kept_by = w.team AND x.ticket = w.ticket) ORDER BY 1, 5"},
};

const struct figures figures_relation = {list, sizeof(list) / sizeof(list[0])};
