/* Whether what was done helped. */
#include "server/api/figures.h"

#define FAULTS " FROM ticket t LEFT JOIN equipment e ON e.id = t.equipment, span WHERE t.kind = 'fault' AND "
/* '{"cause":"pump_stopped",' of the diagnosis, which is also how the first of the ranked causes begins */
#define FOUND "SUBSTR(t.diagnosis, 1, instr(t.diagnosis, '\",') + 1)"

static const struct figure list[] = {
    {"quality", "false repairs", "share",
     "repairs that telemetry disproved / repairs that it proved or disproved in the span", true,
     SPAN "SELECT SUBSTR(" BY ", 3), t.number, e.name, r.who, r.outcome_ms, CASE WHEN r.outcome = 'false' THEN 1 ELSE 0"
          " END, 1 FROM repair r JOIN ticket t ON t.id = r.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE"
          " r.outcome IN ('proved', 'false') AND r.outcome_ms >= a AND r.outcome_ms < b ORDER BY 1, 5"},
    {"quality", "faults fixed remotely", "share",
     "fault tickets that a remote attempt fixed / fault tickets with a remote attempt, cleared in the span", true,
     SPAN "SELECT SUBSTR(" BY ", 3), t.number, e.name, t.fault, t.cleared_ms, CASE WHEN EXISTS (SELECT 1 FROM ticket_event"
          " v WHERE v.ticket = t.id AND v.action = 'remote_attempt' AND v.data LIKE '%\"result\":\"fixed\"%') THEN 1 ELSE 0"
          " END, 1" FAULTS "t.cleared_ms >= a AND t.cleared_ms < b AND EXISTS (SELECT 1 FROM ticket_event v WHERE v.ticket"
          " = t.id AND v.action = 'remote_attempt') ORDER BY 1, 5"},
    {"quality", "repeated faults", "share",
     "fault tickets of a fault that had been repaired within the plan's repeat window / fault tickets registered in the"
     " span",
     true,
     SPAN "SELECT SUBSTR(" BY ", 3), t.number, e.name, t.fault, t.registered_ms, CASE WHEN t.rework = 1 THEN 1 ELSE 0 END,"
          " 1" FAULTS "t.registered_ms >= a AND t.registered_ms < b ORDER BY 1, 5"},
    {"quality", "diagnosis hits", "share",
     "fault tickets whose found cause was ranked first / fault tickets with ranked causes that were diagnosed, registered"
     " in the span",
     true,
     SPAN "SELECT '', t.number, e.name, t.fault, t.registered_ms, CASE WHEN SUBSTR(t.cause, 2, instr(t.diagnosis, '\",') +"
          " 1) = " FOUND " THEN 1 ELSE 0 END, 1" FAULTS "t.diagnosis IS NOT NULL AND t.cause LIKE '[{%' AND"
          " t.registered_ms >= a AND t.registered_ms < b ORDER BY 5"},
    {"quality", "false alarms", "share",
     "fault tickets diagnosed as no_current_fault / fault tickets closed in the span", true,
     SPAN "SELECT SUBSTR(" BY ", 3), t.number, e.name, t.fault, t.closed_ms, CASE WHEN " FOUND " ="
          " '{\"cause\":\"no_current_fault\",' THEN 1 ELSE 0 END, 1" FAULTS "t.closed_ms >= a AND t.closed_ms < b ORDER BY"
          " 1, 5"},
    {"quality", "fault analyses approved", "share",
     "required fault analyses that are approved / required ones drafted in the span", true,
     SPAN "SELECT SUBSTR(" BY ", 3), t.number, e.name, r.state, r.drafted_ms, CASE WHEN r.approved_ms IS NULL THEN 0 ELSE 1"
          " END, 1 FROM rca r JOIN ticket t ON t.id = r.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE"
          " r.required = 1 AND r.drafted_ms >= a AND r.drafted_ms < b ORDER BY 1, 5"},
    {"quality", "repairs accepted", "share",
     "results that customers accepted, also without a word / results that were accepted or refused in the span", true,
     SPAN "SELECT SUBSTR(" BY ", 3), t.number, e.name, x.result, x.at_ms, CASE WHEN x.result = 'refused' THEN 0 ELSE 1 END,"
          " 1 FROM acceptance x JOIN ticket t ON t.id = x.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE"
          " x.result IS NOT NULL AND x.at_ms >= a AND x.at_ms < b ORDER BY 1, 5"},
    /* S1-04 S1-55 S1-56, G-12 */
    {"satisfaction", "satisfied answers", "share",
     "answers of 4 and 5 / answers to surveys answered in the span, by question; the plans aim at survey.target", true,
     SPAN "SELECT q.name || " BY ", COALESCE(t.number, 'survey ' || v.id), e.name, v.channel, v.answered_ms, CASE WHEN CASE"
          " q.name WHEN 'attitude' THEN v.attitude WHEN 'quality' THEN v.quality ELSE v.speed END >= 4 THEN 1 ELSE 0 END, 1"
          " FROM survey v JOIN (SELECT 'attitude' AS name UNION ALL SELECT 'quality' UNION ALL SELECT 'speed') q ON 1 = 1 LEFT"
          " JOIN ticket t ON t.id = v.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE v.answered_ms >= a AND"
          " v.answered_ms < b ORDER BY 1, 5"},
    {"satisfaction", "response rate", "share", "surveys answered / surveys sent in the span", true,
     SPAN "SELECT SUBSTR(" BY ", 3), COALESCE(t.number, 'survey ' || v.id), e.name, v.channel, v.asked_ms, CASE WHEN"
          " v.answered_ms IS NULL THEN 0 ELSE 1 END, 1 FROM survey v LEFT JOIN ticket t ON t.id = v.ticket LEFT JOIN equipment"
          " e ON e.id = t.equipment, span WHERE v.asked_ms >= a AND v.asked_ms < b ORDER BY 1, 5"},
    {"satisfaction", "low scores called back in time", "share",
     "call-backs done before they were due / call-backs owed in the span that are done or late", true,
     SPAN "SELECT '', COALESCE(t.number, 'survey ' || v.id), e.name, k.note, k.started_ms, CASE WHEN k.breached_ms IS NULL"
          " THEN 1 ELSE 0 END, 1 FROM clock k JOIN survey v ON v.id = k.subject_id LEFT JOIN ticket t ON t.id = v.ticket LEFT"
          " JOIN equipment e ON e.id = t.equipment, span WHERE k.subject = 'survey' AND k.kind = 'survey_callback' AND"
          " COALESCE(k.met_ms, k.breached_ms) IS NOT NULL AND k.started_ms >= a AND k.started_ms < b ORDER BY 5"},
};

const struct figures figures_quality = {list, sizeof(list) / sizeof(list[0])};
